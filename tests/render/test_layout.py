"""Our own layout: nothing overlaps, equal on every run and in JavaScript, few crossings, no recursion."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import random
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.render import picture
from minigrad.render.hubs import spread
from minigrad.render.interchange import to_json
from minigrad.render.layout import layout
from minigrad.render.layout.sheet import topological
from minigrad.render.layout.sizes import lines, size, summary
from minigrad.render.layout.straighten import straighten
from minigrad.render.model import Edge, Node, Picture, Scope, TensorView
from minigrad.render.svg import arrow, curve
from tests.conftest import BROWSERS, missing

from .crossings import by_dot, count, ours
from .pictures import USUAL, nested, node

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "minigrad" / "render" / "page" / "layout.js"


def chain(n):
    y = mg.tensor(0.5, requires_grad=True, name="x")
    for _ in range(n // 2):
        y = mg.sin(y) * 1.01
    return picture(mg.Graph.of(y))


def blocks(n):
    """Blocks with residual connections, boxes in boxes: three lines turn round the end of a strip."""

    def deep(x):
        for i in range(n):
            with mg.scope(f"layer{i}"):
                x = mg.batchnorm.composed(x) + x
        return x

    return picture(mg.trace(deep, np.eye(4, 3)))


def diamonds(n):
    y = mg.tensor(0.5, requires_grad=True, name="x")
    for _ in range(n):
        y = y + y
    return picture(mg.Graph.of(y))


def crowd(n, width, boxed):
    """A dense graph: every node of two that came before; straight lines would take too much room."""
    draw = random.Random(n)
    scopes = (Scope("s0", "a", "", 0, ""), Scope("s1", "b", "s0", 0, "")) if boxed else ()
    where = ("", "s0", "s1") if boxed else ("",)
    nodes = [node(i, scope=draw.choice(where)) for i in range(n)]
    edges = [
        Edge(f"e{draw.randrange(max(0, i - 2 * width), i)}", f"e{i}", slot, "")
        for i in range(width, n)
        for slot in (0, 1)
    ]
    return Picture("crowd", "", tuple(nodes), tuple(edges), scopes)


def plain(found):
    return {f.name: getattr(found, f.name) for f in dataclasses.fields(found)}


# Nothing overlaps ----------------------------------------------------------------------------------


def overlap(a, b):
    return (
        a["x"] < b["x"] + b["width"] and b["x"] < a["x"] + a["width"]
        and a["y"] < b["y"] + b["height"] and b["y"] < a["y"] + a["height"]
    )  # fmt: skip


def inside(a, b):
    return (
        b["x"] <= a["x"] and a["x"] + a["width"] <= b["x"] + b["width"]
        and b["y"] <= a["y"] and a["y"] + a["height"] <= b["y"] + b["height"]
    )  # fmt: skip


def faults(drawn, found):
    """What overlaps, or is not where it belongs."""
    bad = []
    ids = list(found.nodes)
    for k, one in enumerate(ids):
        bad += [(one, other) for other in ids[:k] if overlap(found.nodes[one], found.nodes[other])]
        around = drawn.around[drawn.node[one].scope]
        for scope, box in found.scopes.items():
            right = (
                inside(found.nodes[one], box) if scope in around else not overlap(found.nodes[one], box)
            )
            bad += [] if right else [(one, scope)]
    for one, a in found.scopes.items():
        for other, b in found.scopes.items():
            if one < other:
                if one in drawn.around[other]:
                    right = inside(b, a)
                elif other in drawn.around[one]:
                    right = inside(a, b)
                else:
                    right = not overlap(a, b)
                bad += [] if right else [(one, other)]
    whole = {"x": 0, "y": 0, "width": found.width, "height": found.height}
    boxes = [*found.nodes.items(), *found.scopes.items()]
    return bad + [(name, "outside") for name, box in boxes if not inside(box, whole)]


@pytest.mark.parametrize("direction", ["down", "right"])
@pytest.mark.parametrize("seeds", [range(100), range(100, 200)])
def test_nothing_overlaps_on_two_hundred_random_nested_graphs(seeds, direction):
    for seed in seeds:
        drawn = nested(seed)
        found = layout(drawn, direction)
        assert faults(drawn, found) == [], seed
        used = {a for n in drawn.nodes for a in drawn.around[n.scope]}
        assert set(found.scopes) == used, seed
        assert len(found.edges) == len(found.labels) == len(drawn.edges)


@pytest.mark.parametrize("boxed", [False, True])
def test_nothing_overlaps_in_a_crowd_which_is_packed(boxed, monkeypatch):
    drawn = crowd(400, 20, boxed)
    found = layout(drawn)
    assert faults(drawn, found) == []
    monkeypatch.setattr(sys.modules[straighten.__module__], "SPREAD", 10**9)
    spread_out = layout(drawn)
    assert faults(drawn, spread_out) == []
    assert 2 * found.width < spread_out.width


def test_the_faults_are_seen():
    drawn = nested(3)
    found = layout(drawn)
    first, second = list(found.nodes)[:2]
    found.nodes[first].update(found.nodes[second])
    assert (second, first) in faults(drawn, found)


@pytest.mark.parametrize("direction", ["down", "right"])
@pytest.mark.parametrize("name", USUAL)
def test_edges_run_from_border_to_border(name, direction):
    drawn = USUAL[name]()
    found = layout(drawn, direction)
    for edge, way in zip(drawn.edges, found.edges, strict=True):
        for (x, y), end in ((way[0], edge.source), (way[-1], edge.target)):
            box = found.nodes[end]
            right, bottom = box["x"] + box["width"], box["y"] + box["height"]
            assert box["x"] <= x <= right
            assert box["y"] <= y <= bottom
            assert x in (box["x"], right) or y in (box["y"], bottom)
        assert all(type(c) is int for point in way for c in point)


def test_edges_with_the_same_ends_run_side_by_side():
    drawn = diamonds(1)
    ways = layout(drawn).edges
    assert ways[0] != ways[1]
    assert abs(ways[0][0][0] - ways[1][0][0]) >= 5


@pytest.mark.parametrize(("direction", "axis"), [("down", "y"), ("right", "x")])
def test_data_flows_forward_and_back_beside_it(direction, axis):
    drawn = USUAL["batch norm's gradient"]()
    found = layout(drawn, direction)
    for edge in drawn.edges:
        source, target = drawn.node[edge.source], drawn.node[edge.target]
        if source.order == target.order:
            step = found.nodes[target.id][axis] - found.nodes[source.id][axis]
            assert step < 0 if source.order else step > 0
    across = {"y": "x", "x": "y"}[axis]
    size = {"y": "width", "x": "height"}[axis]
    forward = [found.nodes[n.id] for n in drawn.nodes if n.order == 0]
    backward = [found.nodes[n.id] for n in drawn.nodes if n.order == 1]
    assert max(b[across] + b[size] for b in forward) < min(b[across] for b in backward)


def test_a_step_of_the_backward_pass_stands_beside_its_twin():
    drawn = USUAL["batch norm's gradient"]()
    found = layout(drawn)
    twins = [n for n in drawn.nodes if n.twin and n.kind == "op"]
    rows = {n.twin: [] for n in twins}
    for n in twins:
        box, twin = found.nodes[n.id], found.nodes[n.twin]
        rows[n.twin].append(abs(box["y"] + box["height"] / 2 - twin["y"] - twin["height"] / 2))
    beside = sum(min(away) < 2 for away in rows.values())
    assert beside >= 0.8 * len(rows)


def test_an_input_stands_just_above_its_first_use():
    drawn = USUAL["batch norm"]()
    found = layout(drawn)
    tops = {drawn.node[i].title: box["y"] for i, box in found.nodes.items()}
    assert tops["x"] < tops["sub"] < tops["gamma"] < tops["mul"]
    assert tops["gamma"] < tops["beta"] < tops["add"]


def test_boxes_that_feed_one_another_are_stacked():
    drawn = USUAL["network"]()
    found = layout(drawn)
    boxes = [found.scopes[s.id] for s in drawn.scopes if not s.parent]
    assert len(boxes) == 6
    for upper, lower in itertools.pairwise(boxes):
        assert upper["y"] + upper["height"] < lower["y"]


def test_the_spine_of_a_network_is_straight():
    found = layout(USUAL["network"]())
    drawn = USUAL["network"]()
    spine = [n.id for n in drawn.nodes if n.op in ("matmul", "relu", "mul")]
    middles = [found.nodes[i]["x"] + found.nodes[i]["width"] // 2 for i in spine]
    assert max(middles) - min(middles) < 160
    assert found.width < 800


PIECE = re.compile(r"([MLCQ])([^MLCQ]*)")


def samples(path):
    """Points along a path, close together."""
    found = []
    for kind, text in PIECE.findall(path):
        points = np.array(text.split(), float).reshape(-1, 2)
        if kind == "M":
            found.append(points[-1:])
            continue
        points = np.vstack([found[-1][-1:], points])
        t = np.linspace(0, 1, 2 + int(np.abs(np.diff(points, axis=0)).sum() // 4))[:, None, None]
        curves = np.broadcast_to(points, (len(t), *points.shape))
        while curves.shape[1] > 1:
            curves = (1 - t) * curves[:, :-1] + t * curves[:, 1:]
        found.append(curves[:, 0])
    return np.vstack(found)


def behind(drawn, direction):
    """The edges that pass behind a node that is neither their source nor their target."""
    found, bad = layout(drawn, direction), []
    ids = list(found.nodes)
    boxes = np.array([[b["x"], b["y"], b["width"], b["height"]] for b in found.nodes.values()])
    low, high = boxes[:, None, :2], boxes[:, None, :2] + boxes[:, None, 2:]
    for edge, way in zip(drawn.edges, found.edges, strict=True):
        crosses = drawn.node[edge.source].order != drawn.node[edge.target].order
        points = samples(curve(way, (direction == "right") != crosses))
        hit = ((points > low) & (points < high)).all(-1).any(-1)
        names = {ids[i] for i in np.flatnonzero(hit)} - {edge.source, edge.target}
        bad += [(edge.source, edge.target, name) for name in sorted(names)]
    return bad


@pytest.mark.parametrize("direction", ["down", "right"])
@pytest.mark.parametrize("seeds", [range(100), range(100, 200)])
def test_no_line_passes_behind_a_node_on_two_hundred_random_nested_graphs(seeds, direction):
    for seed in seeds:
        assert behind(nested(seed), direction) == [], seed


@pytest.mark.parametrize("direction", ["down", "right"])
@pytest.mark.parametrize("name", USUAL)
def test_no_line_passes_behind_a_node_of_a_usual_graph(name, direction):
    assert behind(spread(USUAL[name]()), direction) == []


def test_no_line_passes_behind_a_node_in_the_gallery(monkeypatch, tmp_path):
    drawn = []
    svg = sys.modules[curve.__module__]
    real = svg.layout
    monkeypatch.setattr(svg, "layout", lambda p, *rest: drawn.append((p, rest)) or real(p, *rest))
    (tmp_path / "gallery").mkdir()
    runpy.run_path(str(ROOT / "docs" / "draw_gallery.py"))["main"](tmp_path)
    assert len(drawn) == 11
    for one, (direction, _) in drawn:
        assert behind(one, direction) == [], one.title


# Deep and large ----------------------------------------------------------------------------------


def test_a_thin_strip_is_wrapped():
    found = layout(chain(400))
    assert 0.5 < found.width / found.height < 4
    assert faults(chain(400), found) == []
    right = layout(chain(400), "right")
    assert 0.5 < right.height / right.width < 4
    short = layout(chain(10))
    assert short.height > 4 * short.width  # no strip for so little


def test_strips_do_not_cut_boxes_and_lines_turn_round_their_ends_without_crossing():
    drawn = blocks(8)
    found = layout(drawn)
    outer = [found.scopes[s.id] for s in drawn.scopes if not s.parent]
    assert len({box["x"] for box in outer}) > 2
    assert faults(drawn, found) == []
    assert ours(drawn) == 0


def test_a_chain_of_20000_operations_and_a_diamond_of_60_do_not_recurse():
    limit = sys.getrecursionlimit()
    drawn, folded = chain(20_000), diamonds(60)
    try:
        sys.setrecursionlimit(len(_frames()) + 60)
        found, small = layout(drawn), layout(folded)
    finally:
        sys.setrecursionlimit(limit)
    assert len(found.nodes) == 20_002
    assert len({(box["x"], box["y"]) for box in found.nodes.values()}) == 20_002
    assert len(small.edges) == 121


def _frames():
    frame, found = sys._getframe(), []
    while frame is not None:
        found.append(frame)
        frame = frame.f_back
    return found


def test_very_many_long_edges_are_drawn_straight():
    nodes = [node(i) for i in range(300)]
    edges = [Edge(f"e{i}", f"e{j}", 0, "") for j in range(300) for i in range(0, j, 3)]
    edges += [Edge(f"e{i}", f"e{i + 1}", 1, "") for i in range(299)]
    drawn = Picture("dense", "", tuple(nodes), tuple(edges))
    found = layout(drawn)
    assert faults(drawn, found) == []
    assert all(len(way) >= 2 for way in found.edges)
    assert sum(len(way) == 2 for way in found.edges) > 5_000


def test_cycles_as_from_folding_are_laid_out():
    nodes = tuple(node(i) for i in range(3))
    edges = tuple(Edge(f"e{i}", f"e{(i + 1) % 3}", 0, "") for i in range(3))
    drawn = Picture("cycle", "", nodes, (*edges, Edge("e1", "e1", 1, "")))
    found = layout(drawn)
    assert faults(drawn, found) == []
    tops = [found.nodes[f"e{i}"]["y"] for i in range(3)]
    assert tops == sorted(tops)
    assert found.edges[2][0][1] > found.edges[2][-1][1]  # the one that closes the cycle runs up


def test_an_empty_picture_and_a_single_node():
    assert layout(Picture("", "", (), ())).nodes == {}
    found = layout(Picture("", "", (node(0),), ()))
    assert found.nodes["e0"] == {"x": 0, "y": 0, "width": found.width, "height": found.height}


@pytest.mark.parametrize("seed", range(20))
def test_the_order_respects_all_that_it_can(seed):
    drawn = nested(seed)
    number = {n.id: i for i, n in enumerate(drawn.nodes)}
    pairs = [(number[e.source], number[e.target]) for e in drawn.edges]
    forward = [(a, b) for a, b in pairs if a < b]
    place = topological(len(number), forward, [(b, a) for a, b in forward[::2]])
    assert sorted(place) == list(range(len(number)))
    assert all(place[a] < place[b] for a, b in forward)


# Sizes ---------------------------------------------------------------------------------------------


def test_longer_text_makes_wider_nodes_up_to_a_limit():
    widths = [size(node(0, title="x" * n))[0] for n in (1, 10, 30, 36, 400)]
    assert widths == sorted(widths)
    assert widths[-2] == widths[-1]
    assert all(w % 2 == 0 for w in widths)


@pytest.mark.parametrize(
    ("view", "text"),
    [
        ([1.5], "1.5"), ([-1.0, 2.0], "−1 … 2"), ([3.0, 3.0], "all 3"), ([float("nan"), 1.0], "all 1, 1 not finite"),
        ([], "empty"), ([True], "True"), (1e-12, "1e−12"), ([float("inf")] * 2, "2 not finite"),
    ],
)  # fmt: skip
def test_arrays_are_told_in_a_few_characters(view, text):
    assert summary(TensorView.of(view)) == text


def test_values_and_gradients_are_shown_when_asked_for():
    view = TensorView.of(2.0)
    seen = Node("e0", "op", 0, "mul", "v1", False, "", "", value=view, gradient_state="not run")
    assert lines(seen) == ["mul", "v1"]
    assert lines(seen, {"values", "gradients"}) == ["mul", "v1", "value 2", "gradient not run"]
    known = dataclasses.replace(seen, gradient=view, gradient_state="value")
    assert lines(known, {"gradients"})[-1] == "gradient 2"
    constant = dataclasses.replace(seen, gradient_state="not required")
    assert lines(constant, {"gradients"}) == ["mul", "v1"]
    assert size(seen, {"values"})[1] > size(seen)[1]


# The same everywhere -----------------------------------------------------------------------------

DRAW = """
import sys
from minigrad.render.svg import to_svg
from tests.render.pictures import USUAL, nested
for drawn in [*map(nested, range(40)), *[make() for make in USUAL.values()]]:
    for direction in ("down", "right"):
        sys.stdout.buffer.write(to_svg(drawn, direction).encode())
"""


def test_two_processes_with_different_hashes_draw_the_same_bytes():
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", DRAW], cwd=ROOT, stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        for seed in ("1", "4242")
    ]  # fmt: skip
    one, other = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert len(one) > 500_000
    assert one == other


def pictures_for_parity():
    deep = [chain(200), crowd(300, 20, False), crowd(300, 20, True)]
    return [*map(nested, range(200)), *[make() for make in USUAL.values()], *deep]


def assert_same(drawn, texts):
    """That another program's layouts, as JSON, are ours."""
    jobs = [(d, direction) for d in drawn for direction in ("down", "right")]
    assert len(texts) == len(jobs)
    for (one, direction), text in zip(jobs, texts, strict=True):
        found = plain(layout(one, direction))
        assert json.loads(text) == found, (one.title, direction)


def jobs_for(drawn):
    """Pictures and directions, one a line, as JSON."""
    return "\n".join(f'[{to_json(d)},"{direction}"]' for d in drawn for direction in ("down", "right"))


EACH = "text.split('\\n').map((job) => JSON.stringify(layout(...JSON.parse(job))))"


def test_javascript_in_node_lays_out_the_same(tmp_path):
    program = shutil.which("node") or shutil.which("nodejs")
    if program is None:  # the browser's own test is never skipped where it must not be
        pytest.skip("needs node")
    drawn = [*map(nested, range(200)), *[make() for make in USUAL.values()]]
    drawn += [chain(200), blocks(8), crowd(300, 20, False), crowd(300, 20, True)]
    script = tmp_path / "parity.js"
    script.write_text(
        f"{SCRIPT.read_text(encoding='utf-8')}\n"
        "const text = require('fs').readFileSync(0, 'utf8');\n"
        f"console.log({EACH}.join('\\n'));",
        encoding="utf-8",
    )
    jobs = jobs_for(drawn).encode()
    done = subprocess.run([program, str(script)], input=jobs, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    assert_same(drawn, done.stdout.decode().splitlines())


def test_javascript_draws_the_same_curves_and_arrows(tmp_path):
    program = shutil.which("node") or shutil.which("nodejs")
    if program is None:
        pytest.skip("needs node")
    ways = [way for seed in range(10) for way in layout(nested(seed)).edges]
    script = tmp_path / "curves.js"
    script.write_text(
        f"{SCRIPT.read_text(encoding='utf-8')}\n"
        f"const ways = {json.dumps(ways)};\n"
        "const paths = (sideways) => ways.map((way) => [curve(way, sideways), "
        "arrow(way[way.length - 2], way[way.length - 1], sideways, 7, 3)]);\n"
        "console.log(JSON.stringify([paths(false), paths(true)]));",
        encoding="utf-8",
    )
    done = subprocess.run([program, str(script)], capture_output=True, timeout=60)
    expected = [
        [[curve(way, sideways), arrow(way[-2], way[-1], sideways, 7, 3)] for way in ways]
        for sideways in (False, True)
    ]
    assert len(ways) > 100
    assert json.loads(done.stdout) == expected


@pytest.mark.browser
def test_javascript_in_the_browser_lays_out_the_same():
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright (pip install playwright)")
    program = next(filter(None, map(shutil.which, BROWSERS)))
    drawn = [
        *map(nested, range(0, 200, 4)),
        *[make() for make in USUAL.values()],
        chain(200),
        blocks(8),
    ]
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            page = browser.new_page()
            page.add_script_tag(content=SCRIPT.read_text(encoding="utf-8"))
            texts = page.evaluate(f"(text) => {EACH}", jobs_for(drawn))
        finally:
            browser.close()
    assert_same(drawn, texts)


def test_the_script_needs_nothing_and_loads_nothing():
    text = SCRIPT.read_text(encoding="utf-8")
    assert not any(
        word in text for word in ("import ", "require(", "fetch(", "http", "eval(", "</script")
    )


# Crossings ---------------------------------------------------------------------------------------


def test_crossings_are_counted():
    cross = [[(0, 0), (10, 10)], [(10, 0), (0, 10)], [(0, 20), (10, 20)]]
    assert count(cross) == 1
    assert count([[(0, 0), (5, 5)], [(5, 5), (10, 0)]]) == 0  # to touch is not to cross


@pytest.mark.dot
def test_crossings_are_at_most_a_fifth_more_than_those_of_dot():
    found = {name: (ours(d := spread(make())), by_dot(d)) for name, make in USUAL.items()}
    assert all(own <= 1.2 * other or own <= other + 1 for own, other in found.values()), found
    assert sum(own for own, _ in found.values()) <= 1.2 * sum(other for _, other in found.values())
    assert sum(other for _, other in found.values()) > 20  # they are worth counting
