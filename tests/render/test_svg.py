"""SVG by our own layout: every text stays text, nothing is told by colour alone."""

from __future__ import annotations

import dataclasses
import re
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.render import picture, to_dot
from minigrad.render.fold import fold
from minigrad.render.layout.sizes import BOLD, LONGEST, PLAIN
from minigrad.render.model import Edge, Picture, Scope
from minigrad.render.style import ROUTES, STYLES, explained
from minigrad.render.svg import cut, to_svg
from minigrad.render.text import to_text

from .pictures import USUAL, nested, node

SVG = "{http://www.w3.org/2000/svg}"
EVIL = "</script><img src=x onerror=alert(1)>"


def parsed(drawn, *args, **more):
    return ElementTree.fromstring(to_svg(drawn, *args, **more))


def texts(root):
    return ["".join(t.itertext()) for t in root.iter(f"{SVG}text")]


def shapes(root, name):
    group = next(g for g in root.iter(f"{SVG}g") if g.get("id") == name)
    return [child for child in group if child.tag not in (f"{SVG}title", f"{SVG}text")]


@pytest.mark.parametrize("direction", ["down", "right"])
@pytest.mark.parametrize("name", USUAL)
def test_pictures_show_every_node_edge_and_box(name, direction):
    drawn = USUAL[name]()
    root = parsed(drawn, direction)
    groups = {g.get("id") for g in root.iter(f"{SVG}g")}
    assert {n.id for n in drawn.nodes} <= groups
    shown = texts(root)
    assert all(n.title in shown for n in drawn.nodes)
    assert all(s.label in shown for s in drawn.scopes)
    curves = [
        p for p in root.iter(f"{SVG}path") if p.get("fill") == "none" and p.get("stroke") != "white"
    ]
    assert len(curves) == len(drawn.edges) + sum(len(e.routes) for e in drawn.edges)
    width, height = int(root.get("width")), int(root.get("height"))
    for box in root.iter(f"{SVG}rect"):
        assert int(box.get("width")) <= width
        assert int(box.get("height")) <= height


def test_the_alternative_text_says_what_there_is():
    drawn = USUAL["batch norm"]()
    root = parsed(drawn)
    assert root.get("role") == "img"
    assert root.get("aria-labelledby").split() == ["title", "desc"]
    assert root.find(f"{SVG}title").text == drawn.title
    assert root.find(f"{SVG}desc").text == to_text(drawn)


def test_shapes_and_marks_stand_beside_edges():
    shown = texts(parsed(USUAL["batch norm"]()))
    assert shown.count("−") == shown.count("÷") == 1
    assert "(4, 3)" in shown
    assert "(3,)" in shown


def test_a_value_is_told_its_shape_once_however_often_it_is_used():
    drawn = picture(mg.trace(lambda a: a * a + a, np.ones(7)))
    assert texts(parsed(drawn)).count("(7,)") == 3  # of a, of a * a, of the sum


def test_every_route_has_its_own_line_and_an_arrow_against_the_data():
    drawn = USUAL["batch norm"]()
    root = parsed(drawn)
    lines = {}
    for path in root.iter(f"{SVG}path"):
        if path.get("fill") == "none" and path.get("stroke") in [r[0] for r in ROUTES]:
            lines.setdefault(path.get("stroke"), set()).add(
                (path.get("stroke-dasharray"), path.get("stroke-width"))
            )
    assert len(lines) == 4
    assert all(len(looks) == 1 for looks in lines.values())
    assert len({look for looks in lines.values() for look in looks}) == 4  # not by colour alone


def test_kinds_differ_in_shape_or_line_not_in_colour_alone():
    looks = {}
    for name in STYLES:
        kind, _, order = name.partition(" ")
        kind = "op" if kind == "named" else kind
        drawn = Picture(
            "",
            "",
            (node(0, kind, order=int(order or 0)),),
            (),
            phases=("a", "b", "c"),
            against=(False, True, False),
        )
        outline = shapes(parsed(drawn, legend=False), "e0")
        looks[name] = (
            len(outline), outline[0].tag, outline[0].get("stroke-dasharray"),
            int(outline[0].get("rx") or 0) > 8, bool(outline[0].get("rx")), len((outline[0].get("points") or "").split()),
        )  # fmt: skip
    looks.pop("named")  # an operation, but for its name in dark letters
    assert len(set(looks.values())) == len(looks)


def test_the_legend_explains_what_is_there_and_can_be_left_out():
    drawn = USUAL["batch norm's gradient"]()
    with_legend, without = texts(parsed(drawn)), texts(parsed(drawn, legend=False))
    for text in explained(drawn).values():
        assert text in with_legend
        assert text not in without
    assert "value handed over to a derivative" in with_legend
    assert "parameter, reached by closure" not in with_legend


def test_folded_boxes_are_stacks_with_their_number():
    y = mg.tensor(1.0, requires_grad=True, name="x")
    for _ in range(60):
        y = y + y
    drawn = fold(picture(mg.Graph.of(y)), 0)
    root = parsed(drawn)
    (box,) = [n for n in drawn.nodes if n.kind == "fold"]
    assert len(shapes(root, box.id)) == 3
    assert "× 60" in texts(root)


def test_values_and_gradients_are_shown_when_asked_for():
    x = mg.tensor([1.0, -2.0], requires_grad=True, name="x")
    with mg.record() as rec:
        (x * 3.0).sum().backward()
    drawn = picture(rec)
    assert "value −2 … 1" in texts(parsed(drawn, show={"values"}))
    assert "gradient all 3" in texts(parsed(drawn, show={"gradients"}))
    assert not any("gradient" in t or "value" in t for t in texts(parsed(drawn)))


def test_before_a_backward_pass_no_gradient_is_zero():
    x = mg.tensor(1.0, requires_grad=True, name="x")
    shown = texts(parsed(picture(mg.Graph.of(mg.sin(x))), show={"gradients"}))
    assert "gradient not run" in shown
    assert not any(re.fullmatch(r"gradient 0.*", t) for t in shown)


def test_text_fits_its_box():
    drawn = picture(mg.trace(lambda a: mg.sin(a), 1.0))
    long = dataclasses.replace(drawn.nodes[1], title="W" * 300, detail="漢" * 300)
    drawn = dataclasses.replace(drawn, nodes=(drawn.nodes[0], long, drawn.nodes[2]))
    root = parsed(drawn, legend=False)
    outline = shapes(root, long.id)[0]
    group = next(g for g in root.iter(f"{SVG}g") if g.get("id") == long.id)
    title, detail = group.iter(f"{SVG}text")
    assert len("".join(title.itertext())) == len(detail.text) == LONGEST
    assert int(outline.get("width")) > BOLD * LONGEST / 10
    assert int(detail.get("textLength")) <= PLAIN * LONGEST / 10 < int(outline.get("width"))
    assert int(title.get("textLength")) <= BOLD * LONGEST / 10
    assert title.text.endswith("…")


def test_only_text_that_might_not_fit_is_squeezed():
    squeezed = [t.text for t in parsed(USUAL["batch norm"]()).iter(f"{SVG}text") if t.get("textLength")]
    assert squeezed == []
    capitals = Picture("", "", (node(0, title="WEIGHTS OF W", detail="iiii"),), ())
    squeezed = [t.text for t in parsed(capitals).iter(f"{SVG}text") if t.get("textLength")]
    assert squeezed == ["WEIGHTS OF W"]


def test_a_title_of_two_sizes_gets_smaller_letters_instead():
    """Where a part has a size of its own, a renderer of PNG squeezes the first part alone."""
    short, long = "sum(axis=1)", "maximum(axis=1, mmmmmmmm)"
    root = parsed(Picture("", "", tuple(node(i, title=t) for i, t in enumerate((short, long))), ()))
    found = {"".join(t.itertext()): t for t in root.iter(f"{SVG}text") if len(t)}
    assert not any(t.get("textLength") for t in found.values())
    sizes = [(float(t.get("font-size")), float(t[0].get("font-size"))) for t in found.values()]
    assert sizes[0] == (13, 11)
    assert 9 < sizes[1][1] < 11
    assert sizes[1][0] / sizes[1][1] == pytest.approx(13 / 11, rel=0.01)


# Text stays text ---------------------------------------------------------------------------------


def named(name):
    nodes = (
        node(0, "input", name, detail=name, scope="s0"),
        node(1, "op", f"{name}(axis={name})", detail=name, scope="s0"),
        node(2, "output", name),
    )
    nodes = tuple(dataclasses.replace(n, hint=name) for n in nodes)
    edges = (Edge("e0", "e1", 0, name, name, (0,)), Edge("e1", "e2", 0, name))
    return Picture(name, name, nodes, edges, (Scope("s0", name, "", 0, ""),), (name,))


@pytest.mark.parametrize(
    "name", [EVIL, '"]; a -> b', "&amp;", "]]>", "<!--", "\x00\x07", "\u202eabc", "a\nb", "\ud800", ""]
)
def test_names_are_only_text(name):
    root = parsed(named(name))
    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= {
        "svg", "g", "title", "desc", "rect", "path", "polygon", "text", "tspan",
    }  # fmt: skip
    handlers = [a for e in root.iter() for a in e.attrib if a.startswith("on") or a.endswith("href")]
    assert handlers == []
    if name == EVIL:
        assert any(cut(EVIL).replace("&lt;", "<").replace("&gt;", ">") in t for t in texts(root))


@settings(max_examples=500)
@given(st.text(max_size=60))
def test_five_hundred_random_names_give_well_formed_svg(name):
    source = to_svg(named(name))
    ElementTree.fromstring(source.encode("utf-8"))


def test_random_nested_graphs_give_well_formed_svg():
    for seed in range(60):
        drawn = nested(seed)
        root = parsed(drawn, "right" if seed % 2 else "down")
        assert len([g for g in root.iter(f"{SVG}g") if g.get("id")]) == len(drawn.nodes)


def test_an_input_with_many_uses_is_drawn_beside_them():
    x = y = mg.tensor(1.0, requires_grad=True, name="x")
    for _ in range(20):
        y = y * x
    assert texts(parsed(picture(mg.Graph.of(y)))).count("x") > 20


def test_a_deep_chain_is_drawn_without_recursion():
    y = mg.tensor(0.5, requires_grad=True, name="x")
    for _ in range(3_000):
        y = mg.sin(y)
    drawn, limit = picture(mg.Graph.of(y)), sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(300)
        source = to_svg(drawn)
    finally:
        sys.setrecursionlimit(limit)
    assert source.count("<title>") > 3_000


@pytest.mark.parametrize(("direction", "words"), [("down", "upwards"), ("right", "to the left")])
def test_the_legend_says_which_way_the_gradient_flows(direction, words):
    assert f"ways of the gradient, {words}" in texts(parsed(USUAL["batch norm"](), direction))
    assert f"backward, read {words}" in texts(parsed(USUAL["batch norm's gradient"](), direction))
    for drawn in (USUAL["batch norm"](), USUAL["batch norm's gradient"]()):
        assert words in to_dot(drawn, direction)
