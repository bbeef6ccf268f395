"""Notebooks: graphs and records show a picture, records a page in a closed frame; nothing raises."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import minigrad as mg
from minigrad.render import build, notebook
from tests.render.fuzz import PIECES, graph

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def batchnorm(rng):
    return mg.trace(mg.batchnorm.composed, rng.normal(size=(4, 3)))


def recorded(name="x"):
    x = mg.tensor(np.eye(3), requires_grad=True, name=name)
    with mg.record() as rec:
        (mg.batchnorm.composed(x) ** 3).sum().backward()
    return rec


def split(via="mean"):
    x = mg.tensor(np.eye(3), requires_grad=True, name="x")
    mean = x.mean(axis=0)
    mean.name = via
    return mg.paths(((x - mean) ** 3).sum(), x, via=[via])


def texts(svg):
    return ["".join(t.itertext()) for t in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_a_graph_shows_text_and_picture(batchnorm, monkeypatch):
    monkeypatch.setenv("PATH", "")  # without any program
    found = batchnorm._repr_mimebundle_()
    assert sorted(found) == ["image/svg+xml", "text/plain"]
    assert found["text/plain"] == str(batchnorm)
    assert "variance" in " ".join(texts(found["image/svg+xml"]))
    assert batchnorm._repr_svg_() == found["image/svg+xml"]


def test_a_record_shows_its_page_in_a_frame_that_reaches_nothing():
    found = recorded()._repr_mimebundle_()
    assert sorted(found) == ["image/svg+xml", "text/html", "text/plain"]
    frame = found["text/html"]
    assert frame.count("<") == 2  # the frame and its end: the page is one attribute
    assert set(re.search(r'sandbox="([^"]*)"', frame)[1].split()) == {
        "allow-scripts",
        "allow-downloads",
    }
    page = html.unescape(re.search(r'srcdoc="([^"]*)"', frame)[1])
    assert "Content-Security-Policy" in page
    assert found["text/plain"].startswith("forward\n")


def test_paths_show_their_lengths():
    found = split()._repr_mimebundle_()
    assert sorted(found) == ["text/html", "text/plain"]
    rows = ElementTree.fromstring(found["text/html"]).findall("tr")
    assert "".join(rows[2][0].itertext()) == "via mean"
    assert float(rows[1][1].text) > 0


@pytest.mark.parametrize("name", PIECES, ids=range(len(PIECES)))
def test_names_are_only_text(name):
    for shown in (graph(name), recorded(name), split(name)):
        found = shown._repr_mimebundle_()
        assert "<img" not in "".join(found.get(kind, "") for kind in ("text/html", "image/svg+xml"))
        for text in found.values():
            text.encode()
        if "image/svg+xml" in found:
            ElementTree.fromstring(found["image/svg+xml"])


def test_nothing_raises(batchnorm, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("broken")

    record = recorded()
    monkeypatch.setattr(build, "_edges", fail)
    assert list(notebook.representations(batchnorm)) == ["text/plain"]
    assert list(notebook.representations(record)) == ["text/plain"]
    broken = mg.Graph("broken", (), (), (0,), (0,), batchnorm.interface, batchnorm.rebuild)
    assert notebook.representations(broken) == {"text/plain": "<Graph>"}
    monkeypatch.setattr(notebook, "_table", fail)
    assert list(split()._repr_mimebundle_()) == ["text/plain"]


def test_an_open_record_is_told_apart():
    with mg.record() as rec:
        assert rec._repr_mimebundle_() == {"text/plain": "<Record>"}


def test_a_large_graph_is_text_of_a_few_lines():
    x = mg.tensor(1.0, requires_grad=True, name="x")
    y, ops = x, (mg.sin, mg.cos, mg.tanh)
    rng = np.random.default_rng(0)
    for i in rng.integers(3, size=notebook.MOST_EQUATIONS + 1):
        y = ops[i](y)
    found = mg.Graph.of(y)._repr_mimebundle_()
    assert list(found) == ["text/plain"]
    assert found["text/plain"].startswith("<Graph graph(x): 5001 equations>")
    assert 'mg.render(_, "graph.html")' in found["text/plain"]
    assert found["text/plain"].count("\n") == 1


def test_equal_blocks_are_folded_before_they_are_drawn():
    def f(x):
        for _ in range(1000):
            x = mg.sin(x) * 0.5
        return x

    found = mg.trace(f, 1.0)._repr_mimebundle_()
    assert "1000" in " ".join(texts(found["image/svg+xml"])).replace(",", "")
