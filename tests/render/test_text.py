"""A picture in words: everything is said, in order, and large pictures in few sentences."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import minigrad as mg
from minigrad.render import picture, to_svg, to_text
from minigrad.render.fold import fold
from minigrad.render.text import LONGEST, MOST


def lines(drawn):
    return dict(line.split(": ", 1) for line in to_text(drawn).splitlines()[1:])


def chain(steps, x):
    for i in range(steps):
        x = mg.sin(x) if i % 2 else mg.cos(x)
    return x


@pytest.fixture
def record(rng):
    x = mg.tensor(rng.normal(size=(4, 3)), requires_grad=True, name="x")
    with mg.record() as rec:
        mg.batchnorm.composed(x).backward(rng.normal(size=(4, 3)))
    return rec


def test_batch_norm_in_words(record):
    said = lines(picture(record, ["mean", "variance"], "x"))
    assert said["Input"] == "x (4, 3)."
    steps = said["Forward, in order"].removesuffix(".").split("; ")
    assert steps[0] == "mean = mean(axis=0) of x"
    assert steps[2] == "v3 = sub of x and v2"
    assert steps[-1] == "x_hat = div of v3 and v8"
    assert len(steps) == 9
    assert said["Box"] == "batchnorm (9 operations)."
    assert said["Output"] == "x_hat (4, 3)."
    assert said["Recorded"] == "9 forward and 10 backward steps."
    assert said["Ways of the gradient to x"].startswith(
        "direct, via mean, via variance, via variance, then mean."
    )


def test_shares_are_those_of_the_split(record):
    drawn = picture(record, ["mean", "variance"], "x")
    said = lines(drawn)["Ways of the gradient to x"]
    for part in drawn.paths.parts[1:]:
        assert f"via {', then '.join(part.crossed)} {part.share:.1%}" in said
    assert said.endswith(f"of the whole {drawn.paths.survives:.1%}.")


def test_what_cancels_is_said_to_cancel():
    x = mg.tensor(np.eye(3), requires_grad=True, name="x")
    with mg.record() as rec:
        mg.batchnorm.composed(x).sum().backward()
    assert lines(picture(rec, ["mean"], "x"))["Ways of the gradient to x"].endswith(
        "nothing but rounding."
    )


def test_both_passes_are_told():
    said = lines(picture(mg.trace(mg.grad(lambda x: (x * x).sum()), np.ones(2))))
    assert said["Forward, in order"] == "v2 = mul of x and x; v3 = sum of v2."
    assert said["Backward, in order"].startswith("d_v2 = broadcast of ")
    assert said["Output"] == "d_x (2,)."


def test_a_large_picture_is_told_in_short():
    drawn = picture(mg.trace(lambda x: chain(5000, x), 1.0))
    text = to_text(drawn)
    assert len(text) < 1500
    assert "a graph of 5,000 operations" in text
    assert "then 4,984 more (of all most often cos 2,500 times, sin 2,500 times); " in text
    assert "v5000 = sin of v4999." in text
    few = to_text(picture(mg.trace(lambda x: chain(MOST, x), 1.0)))
    assert "more" not in few


def test_folded_boxes_are_named():
    folded = fold(picture(mg.trace(lambda x: chain(200, x), 1.0)), "all")
    text = to_text(folded)
    assert "a graph of 1 folded box, from 1 input to 1 output" in text
    assert "the box cos, sin of 2 operations each, 100 times in a row" in text


def test_outputs_have_their_names():
    drawn = picture(mg.trace(lambda a: {"twice": a * 2.0, "more": a + 1.0}, np.ones(3)))
    assert lines(drawn)["Outputs"] == "twice = v1 (3,), more = v2 (3,)."


def test_long_names_are_cut_and_many_are_counted():
    drawn = picture(
        mg.trace(lambda xs: sum(xs), [mg.tensor(1.0, name=f"{i}" + "a" * 200) for i in range(40)])
    )
    said = lines(drawn)["Inputs"]
    assert said.endswith("and 28 more.")
    assert max(map(len, said.split(", "))) <= LONGEST + len(" (scalar)")


def test_it_is_the_description_of_the_svg(record):
    drawn = picture(record)
    root = ElementTree.fromstring(to_svg(drawn))
    described = root.find("{http://www.w3.org/2000/svg}desc").text
    assert described.split() == to_text(drawn).split()
