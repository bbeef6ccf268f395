"""Whatever the user's texts hold, in every format they are nothing but text."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import numpy as np
import pytest

import minigrad as mg
from minigrad.graph.text import printable
from minigrad.render import from_json, picture, render, to_dot, to_json, to_svg, to_text
from tests.render.fuzz import PIECES, graph, names

SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = {
    "svg", "title", "desc", "rect", "g", "text", "tspan", "path", "ellipse", "polygon", "polyline", "line", "circle",
    "defs", "marker", "style",
}  # fmt: skip


def record(name):
    """A record with everything a page shows: names, boxes, source lines, ways of the gradient."""
    x = mg.tensor(np.array([1.0, 2.0, 4.0]), requires_grad=True, name=name)
    with mg.record() as rec, mg.scope(name):
        mean = x.mean()
        mean.name = name + "m"
        ((x - mean) ** 3).sum().backward()
    return rec


def hostile(name):
    """Its picture, in which the user's file and line are hostile, too."""
    drawn = picture(record(name), paths=[name + "m"], title=name)
    nodes = [
        dataclasses.replace(n, source=(name, 3, name), hint=n.hint + name, parameters=name)
        for n in drawn.nodes
    ]
    return dataclasses.replace(drawn, nodes=tuple(nodes), subtitle=name)


@pytest.mark.dot
def test_dot_takes_500_names_as_names():
    drawn = [picture(graph(name)) for name in names(500)]
    source = "\n".join(to_dot(p) for p in drawn)
    done = subprocess.run(["dot", "-Tcanon"], input=source.encode(), capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    assert not done.stderr, done.stderr.decode()  # warnings, too
    graphs = done.stdout.decode().split("digraph minigrad {")[1:]
    assert len(graphs) == 500
    for text, p in zip(graphs, drawn, strict=True):
        statements = set(re.findall(r"^\s*(\w+)\s+\[", text, re.MULTILINE)) - {"graph", "node", "edge"}
        assert {s for s in statements if not s.startswith("legend_")} == set(p.node)
        ends = re.findall(r"^\s*(?!legend)(\w+) -> (\w+)", text, re.MULTILINE)
        assert sorted(ends) == sorted((e.source, e.target) for e in p.edges)


@pytest.mark.parametrize("name", names(120), ids=range(120))
def test_svg_json_and_text_hold_names_as_text(name):
    drawn = hostile(name)
    root = ElementTree.fromstring(to_svg(drawn))
    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= ELEMENTS
    assert not [key for e in root.iter() for key in e.attrib if key.lower().startswith("on")]
    assert not [
        e for e in root.iter() if any("javascript" in v for k, v in e.attrib.items() if "href" in k)
    ]
    text = to_json(drawn)
    assert text.isascii()
    assert json.loads(text)["title"] == drawn.title.encode("utf-8", "replace").decode()
    assert to_json(from_json(text)) == text
    said = to_text(drawn)
    said.encode()
    assert printable(said.replace("\n", "")) == said.replace("\n", "")


class Tags(HTMLParser):
    """Which elements there are, and how often, and what stands in scripts."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.found, self.attributes = [], []

    def handle_starttag(self, tag, attributes):
        self.found.append(tag)
        self.attributes += [(tag, key, value) for key, value in attributes]


def tags(page):
    parser = Tags()
    parser.feed(page)
    parser.close()
    return parser


def test_a_page_has_the_same_elements_whatever_the_names_are():
    from minigrad.render.page import to_html

    wanted = tags(to_html(hostile("plain")))
    assert "script" in wanted.found
    for name in PIECES:
        page = to_html(hostile(name))
        page.encode()
        found = tags(page)
        # the inlined picture may wrap a long name, and leave out an empty one
        assert found.found.count("script") == wanted.found.count("script"), name
        assert set(found.found) <= set(wanted.found) | {"tspan"}, name
        assert not [a for a in found.attributes if a[1].startswith("on")]


@pytest.mark.parametrize("suffix", ["svg", "json", "mmd", "dot", "txt"])
def test_files_are_written_whatever_the_names_are(tmp_path, suffix):
    for i, name in enumerate(PIECES):
        path = render(record(name), tmp_path / f"{i}.{suffix}", title=name)
        path.read_bytes().decode()
