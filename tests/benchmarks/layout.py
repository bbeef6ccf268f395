"""Pictures of large graphs: our own layout beside Graphviz' program ``dot``.

Ours is timed from the tensor to the SVG file's text; dot from DOT text without labels on edges,
which cost it most, to SVG.  Crossings are counted in both, where there are few enough nodes.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .harness import Check, Report, Table

SIZES = (100, 1_000, 5_000, 20_000)
COUNTED = 1_000  # crossings are counted up to here
PATIENCE = 60  # seconds that dot is given
SECONDS = {1_000: 1.0, 20_000: 10.0}  # budgets, from tensor to SVG


def chain(length: int) -> Any:
    """One operation after the other."""
    import minigrad as mg

    y = mg.tensor(0.5, requires_grad=True, name="x")
    for _ in range(length // 2):
        y = mg.sin(y) * 1.01
    return y


def blocks(length: int) -> Any:
    """Batch norms with residual connections, each in a box."""
    import minigrad as mg

    y = mg.tensor(np.eye(4, 3), requires_grad=True, name="x")
    for i in range(max(length // 11, 1)):
        with mg.scope(f"layer{i}"):
            y = mg.batchnorm.composed(y) + y
    return y


def wide(length: int) -> Any:
    """As many operations side by side as after one another, each of two random ones before it."""
    import minigrad as mg

    draw, width = random.Random(0), int(length**0.5)
    x = mg.tensor(1.0, requires_grad=True, name="x")
    seen = [mg.sin(x) for _ in range(width)]
    while len(seen) < length:
        seen.append(draw.choice(seen[-2 * width :]) * draw.choice(seen[-2 * width :]))
    return sum(seen[-width:], seen[-1])


KINDS: dict[str, Callable[[int], Any]] = {"chain": chain, "blocks": blocks, "wide": wide}


def own(tensor: Any) -> tuple[float, int]:
    """Processor seconds from a tensor to SVG, and how many nodes that has."""
    from minigrad import Graph
    from minigrad.render import picture
    from minigrad.render.svg import to_svg

    start = time.process_time()
    drawn = picture(Graph.of(tensor))
    text = to_svg(drawn)
    elapsed = time.process_time() - start
    assert text.endswith("</svg>\n")
    return elapsed, len(drawn.nodes)


def by_dot(source: str, patience: float) -> float | None:
    """Processor seconds that dot takes, None if it is stopped."""
    before = os.times()
    try:
        subprocess.run(["dot", "-Tsvg"], input=source.encode(), capture_output=True, timeout=patience)
    except subprocess.TimeoutExpired:
        return None
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def run(quick: bool = False, tiny: bool = False, threads: int = 1) -> Report:
    """Lay out graphs of growing size by both."""
    from minigrad import Graph
    from minigrad.render import picture, to_dot
    from minigrad.render.hubs import spread
    from tests.render import crossings

    report = Report("layout: pictures of large graphs")
    columns = [("graph", ""), ("nodes", ",d"), ("own s", ".3f"), ("dot s", ".3f"), ("dot / own", ".1f")]
    columns += [("crossings own", ",d"), ("dot", ",d")]
    table = Table("Processor seconds; crossings of lines", columns)
    installed = shutil.which("dot") is not None
    sizes = (40,) if tiny else SIZES[:2] if quick else SIZES
    patience = 20 if quick or tiny else PATIENCE
    stopped, slowest = [], dict.fromkeys(SECONDS, 0.0)
    for kind, make in KINDS.items():
        given_up = not installed
        for n in sizes:
            tensor = make(n)
            seconds, nodes = own(tensor)
            drawn = spread(picture(Graph.of(tensor)))
            dot = None
            if not given_up:
                dot = by_dot(to_dot(crossings.plain(drawn), legend=False), patience)
                if dot is None:
                    given_up = True
                    stopped.append(f"{kind} {n:,}")
            both = n <= COUNTED and dot is not None
            counts = (crossings.ours(drawn), crossings.by_dot(drawn)) if both else (None, None)
            ratio = None if dot is None else dot / seconds
            table.rows.append([f"{kind} {n:,}", nodes, seconds, dot, ratio, *counts])
            for limit in SECONDS:
                if n <= limit:
                    slowest[limit] = max(slowest[limit], seconds)
    report.tables.append(table)
    largest = max(sizes)
    for limit, budget in SECONDS.items():
        if limit <= largest or limit == min(SECONDS):
            report.checks.append(
                Check(f"seconds from tensor to SVG, {limit:,}", slowest[limit], budget)
            )
    if stopped:
        report.notes.append(
            f"dot was stopped after {patience} s at {', '.join(stopped)}, and not tried at more."
        )
    if not installed:
        report.notes.append("dot is left out: Graphviz is not installed.")
    return report
