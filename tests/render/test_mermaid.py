"""Mermaid: what is drawn, that every name stays a name, and what happens to large graphs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.graph.text import printable
from minigrad.render import picture
from minigrad.render.mermaid import MOST_EDGES, MOST_TEXT, quote, to_mermaid
from tests.conftest import missing
from tests.render.fuzz import graph, names

PACKAGES = ("mermaid@11.17.2", "jsdom@24.1.3")
DRIVER = Path(__file__).with_name("mermaid.mjs")


def batchnorm(paths=()):
    return picture(mg.trace(mg.batchnorm.composed, np.eye(3)), paths or None)


def chain(steps):
    def f(x):
        for i in range(steps):
            x = mg.sin(x) if i % 2 else mg.cos(x) * 0.5
        return x

    return picture(mg.trace(f, 1.0))


def install():
    """A folder with Mermaid in it, installed once per machine and outside of the project."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "minigrad-tests"
    folder = cache / "-".join(PACKAGES).replace("@", "-")
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        new = tempfile.mkdtemp(dir=cache)
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", new]
        done = subprocess.run([*command, *PACKAGES], capture_output=True, text=True, timeout=300)
        if done.returncode:
            shutil.rmtree(new)
            missing(f"npm's package mermaid, which cannot be installed: {done.stderr.strip()[-200:]}")
        try:
            os.rename(new, folder)  # whole or not at all
        except OSError:  # another process was faster
            shutil.rmtree(new)
    return folder


@pytest.fixture(scope="module")
def parsed():
    """Pictures and what Mermaid makes of them; a single process for all of them."""
    drawn = {
        "names": [picture(graph(name)) for name in names(200)],
        "routes": [batchnorm(["mean", "variance"])],
    }
    cubes = mg.trace(mg.grad(lambda x: (mg.batchnorm.composed(x) ** 3).sum()), np.eye(3))
    drawn |= {"gradient": [picture(cubes)], "chain": [chain(900)]}
    texts = [to_mermaid(p) for pictures in drawn.values() for p in pictures]
    texts.append(to_mermaid(batchnorm()).replace('"mean', 'mean"'))
    packages = install()
    driver = packages / f"{os.getpid()}.mjs"  # beside the packages, or Node does not find them
    driver.write_bytes(DRIVER.read_bytes())
    try:
        done = subprocess.run(
            ["node", driver], input=json.dumps(texts), capture_output=True, text=True, timeout=120
        )
    finally:
        driver.unlink()
    assert done.returncode == 0, done.stderr
    found = iter(json.loads(done.stdout))
    made = {key: [(p, next(found)) for p in pictures] for key, pictures in drawn.items()}
    return made | {"broken": [(None, next(found))]}


@pytest.mark.npm
def test_mermaid_reads_every_name_as_a_name(parsed):
    assert "error" in parsed["broken"][0][1]  # the parser does look
    assert len(parsed["names"]) == 200
    for p, made in parsed["names"]:
        assert "error" not in made, made
        assert set(made["nodes"]) == set(p.node)
        for node in p.nodes:
            label = made["nodes"][node.id]
            wanted = "\n".join(printable(part) for part in (node.title, node.detail) if part)
            assert label["text"].split() == wanted.split()
            assert set(label["elements"]) <= {"br"}
        assert [e[:2] for e in made["edges"]] == [[e.source, e.target] for e in p.edges]
        assert {k: v.split() for k, v in made["boxes"].items()} == {
            s.id: printable(s.label).split() for s in p.scopes
        }


@pytest.mark.npm
def test_mermaid_draws_scopes_routes_and_backward_passes(parsed):
    (routes, one), (gradient, two), (_, many) = (
        parsed[key][0] for key in ("routes", "gradient", "chain")
    )
    assert one["boxes"] == {"s0": "batchnorm", "legend": "ways of the gradient, upwards"}
    styles = [" ".join(e[2]) for e in one["edges"]]
    assert len(styles) == len(routes.edges) + sum(len(e.routes) for e in routes.edges) + 4
    for color, dashes in (
        ("#0072b2", ""),
        ("#d55e00", "8 4"),
        ("#009e73", "12 3 3 3"),
        ("#cc3d95", "2 4"),
    ):
        drawn = {s for s in styles if color in s}
        assert len(drawn) == 1
        assert (f"stroke-dasharray:{dashes}" in drawn.pop()) == bool(dashes)
    assert two["boxes"] == {s.id: s.label for s in gradient.scopes}
    assert two["classes"]["s0"] == ["box1"]
    assert len(many["edges"]) <= MOST_EDGES


def test_shapes_and_styles_tell_kinds_apart():
    w = mg.tensor(np.ones(2), requires_grad=True, name="w")
    text = to_mermaid(picture(mg.trace(lambda x: x * w + np.arange(2.0), np.ones(2))))
    for line in (
        'v0(["x"]):::input', 'v1{{"w"}}:::parameter', '["[0., 1.]', ':::constant', 'e0("mul<br/>v3"):::op',
        'o0[["output<br/>v4 (2,)"]]:::output', 'v0 -->|"(2,)"| e0',
    ):  # fmt: skip
        assert line in text, line
    used = set(re.findall(r":::(\w+)", text))
    assert len(used) == 5
    assert used == set(re.findall(r"classDef (\w+) ", text))
    assert "accDescr: " in text


def test_large_pictures_are_folded_and_say_so():
    few, many = to_mermaid(chain(200)), to_mermaid(chain(900))
    assert "%%" not in few
    assert (
        "%% The whole picture has 1351 lines, and Mermaid draws 500: its boxes are folded here." in many
    )
    assert "× " in many


def test_what_cannot_be_folded_enough_says_what_to_do():
    rng = np.random.default_rng(0)
    ops = [mg.sin, mg.cos, mg.arctan, mg.tanh]

    def f(x):
        for i in rng.integers(4, size=1200):
            x = ops[i](x)
        return x

    text = to_mermaid(picture(mg.trace(f, np.ones(3)), title="%%{init: {}}%%"))
    notes = [line for line in text.splitlines() if line.startswith("%%")]
    if text.count("-->") > MOST_EDGES:
        assert "unless its setting maxEdges says more" in notes[0]
    assert len(text) > MOST_TEXT
    assert f"Mermaid reads {MOST_TEXT} unless its setting maxTextSize says more." in notes[-1]
    assert "%%{" not in text


def test_the_title_is_plain_text_in_its_heading():
    lines = to_mermaid(picture(graph("x"), title='a: "b" <i> %%{init}%% 🙂')).splitlines()
    assert lines[0] == lines[2] == "---"
    key, _, text = lines[1].partition(": ")
    assert key == "title"
    assert not set(text) & set("<>%{}")
    assert json.loads(text) == 'a: "b" ‹i› %%{init}%% 🙂'


def test_quoting():
    assert quote("") == " "
    assert quote("1. a") == "1#46; a"
    assert quote("- a") == "#45; a"
    assert quote("a\u202eb") == "a#92;u202eb"
