"""Write laboratory.md from what a run of the laboratory left in the folder laboratory.

First ``minigrad lab run --all --out docs/laboratory`` (or single experiments by name), then, from
anywhere, ``python docs/write_laboratory.py``.
"""

import html
import json
import re
from pathlib import Path

import minigrad as mg
from minigrad.files import write_atomically
from minigrad.lab import experiments
from minigrad.lab.experiment import SOURCES
from minigrad.lab.experiments.stacked_networks import stack

FOLDER = Path(__file__).with_name("laboratory")
PAGE = Path(__file__).with_name("laboratory.md")
PARTS = [f"part-{count}.svg" for count in (3, 2, 1)]  # the lesson's network and its sub-networks
HEAD = """\
# The laboratory

What four texts and two papers claim about batch normalization, put to the test with minigrad on
real handwritten digits of 8x8 pixels. Every experiment is one file in
`minigrad/lab/experiments`; run one yourself with `minigrad lab run NAME`, all with
`minigrad lab run --all`. A verdict is computed from the numbers of the run. "Does not hold here" means
here: in these small networks, on these digits.

This page is written by `docs/write_laboratory.py` from the runs kept beside it.
"""
PICTURES = """\
The same parts as minigrad draws them, each a network on the detached activations below it:

"""


def safe(text):
    """Text as Markdown shows it: nothing in it is markup."""
    return re.sub(r"([\\\\`*_|\[\]])", r"\\\1", html.escape(text, quote=False))


def table(head, rows):
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def results():
    """What the runs left, by name, in the order of the list of claims."""
    found = {}
    for name in experiments():
        path = FOLDER / f"{name}.json"
        if path.exists():
            found[name] = json.loads(path.read_text(encoding="utf-8"))
    return found


def manner(result):
    """Whether it was a quick or a full run, and how many seeds."""
    seeds = len(result["seeds"])
    return f"{'quick' if result['quick'] else 'full'} run, {seeds} seed{'s' if seeds > 1 else ''}"


def entry(name, result):
    """One experiment."""
    also = result["sources"][1:]
    parts = [
        f"### {result['row']} {name}",
        f"> {safe(result['claim'])}",
        f"**{result['verdict'].capitalize()}** ({manner(result)}). {safe(result['summary'])}",
        f"![{name}](laboratory/{name}.svg)",
    ]
    if name == "stacked-networks":
        pictures = [f"![{path}](laboratory/{path})" for path in PARTS]
        parts.append(PICTURES + "\n\n".join(pictures))
    if result["rows"]:
        cells = [[safe(cell) for cell in row] for row in result["rows"]]
        parts.append(table([safe(cell) for cell in result["head"]], cells))
    parts.append(f"Set-up: {safe(result['setup'])}")
    parts.append(f"Expected: {safe(result['expected'])}")
    if also:
        parts.append(f"Also claimed in: {'; '.join(SOURCES[s] for s in also)}.")
    return "\n\n".join(parts)


def page(found):
    """The whole page."""
    quick = sum(r["quick"] for r in found.values())
    runs = f"Of {len(found)} experiments {quick} were run in quick mode, {len(found) - quick} in full."
    overview = table(
        ["claim", "experiment", "verdict"],
        [
            [r["row"], f"[{name}](#{r['row'].lower()}-{name})", r["verdict"]]
            for name, r in found.items()
        ],
    )
    sections = []
    for source, text in SOURCES.items():
        entries = [entry(n, r) for n, r in found.items() if r["sources"][0] == source]
        if entries:
            sections.append("\n\n".join([f"## From {text}", *entries]))
    return "\n\n".join([HEAD.rstrip(), runs, overview, *sections]) + "\n"


def draw_parts():
    """The lesson's network of three layers, of two, and of one."""
    for path, network, images in zip(PARTS, *stack(0), strict=True):
        graph = mg.trace(network, images)
        layers = (len(network) + 2) // 3
        title = f"{layers} layer{'s' if layers > 1 else ''}"
        mg.render(graph, FOLDER / path, fold="all", direction="right", title=title, legend=False)


if __name__ == "__main__":
    draw_parts()
    print(write_atomically(PAGE, page(results())))
