"""The JSON form: everything comes back, damage is named."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import minigrad as mg
from minigrad.render import picture
from minigrad.render.interchange import VERSION, from_json, to_json
from minigrad.render.model import TensorView


@pytest.fixture
def drawn(rng):
    x = mg.tensor(rng.normal(size=(4, 3)), requires_grad=True, name="x")
    with mg.record() as rec:
        (mg.batchnorm.composed(x) * rng.normal(size=(4, 3))).sum().backward()
    return picture(rec, ["mean", "variance"], "x")


def test_a_recorded_picture_comes_back_whole(drawn):
    assert from_json(to_json(drawn)) == drawn
    assert json.loads(to_json(drawn))["version"] == VERSION


def test_it_is_strict_json_even_with_nan_and_infinity():
    x = mg.tensor([math.nan, math.inf, -math.inf, 1.0], requires_grad=True, name="x")
    with mg.record() as rec:
        (x * 2.0).sum().backward()
    text = to_json(picture(rec))
    form = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    view = form["nodes"][0]["value"]
    assert view["entries"] == ["NaN", "Infinity", "-Infinity", 1.0]
    assert (view["nans"], view["infinities"], view["maximum"]) == (1, 2, 1.0)
    back = from_json(text).nodes[0].value
    assert math.isnan(back.entries[0])
    assert back.entries[1:] == (math.inf, -math.inf, 1.0)


def test_the_text_is_the_same_every_time(drawn):
    assert to_json(drawn) == to_json(from_json(to_json(drawn)))


@given(st.text())
def test_any_name_comes_back(name):
    x = mg.tensor(1.0, requires_grad=True, name=name or None)
    drawn = picture(mg.Graph.of(x * 2.0))
    assert from_json(to_json(drawn)).nodes[0].label == drawn.nodes[0].label


def test_damage_is_named(drawn):
    with pytest.raises(mg.ArgumentError, match=r"from_json: this is not JSON: .*line 1"):
        from_json("{")
    with pytest.raises(mg.ArgumentError, match='no "format": "minigrad picture"'):
        from_json("[]")
    form = json.loads(to_json(drawn))
    with pytest.raises(
        mg.ArgumentError, match=r"version 99 of the form, and this minigrad reads version 1"
    ):
        from_json(json.dumps({**form, "version": 99}))
    del form["nodes"][2]["slot" if "slot" in form["nodes"][2] else "scope"]
    with pytest.raises(mg.ArgumentError, match="the picture is damaged: KeyError"):
        from_json(json.dumps(form))
    form = json.loads(to_json(drawn))
    form["edges"][0]["slot"] = "one"
    with pytest.raises(mg.ArgumentError, match=r"picture\.edges\[0\]\.slot is 'one', not int"):
        from_json(json.dumps(form))


# Views of arrays ---------------------------------------------------------------------------------


@given(arrays.arrays(np.float64, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=20)))
def test_a_view_is_the_array_or_its_corner(array):
    view = TensorView.of(array)
    corner = array[tuple(slice(n) for n in view.corner)]
    np.testing.assert_array_equal(np.reshape(view.entries, view.corner), corner)
    assert len(view.entries) <= 64
    assert view.whole == (array.size <= 64)
    finite = array[np.isfinite(array)]
    if finite.size:
        assert view.minimum == pytest.approx(finite.min(), rel=0, abs=0)
        assert view.maximum == pytest.approx(finite.max(), rel=0, abs=0)
    else:
        assert math.isnan(view.mean)
    assert view.nans == np.isnan(array).sum()
    assert view.infinities == np.isinf(array).sum()


def test_the_norm_of_huge_and_tiny_entries_does_not_overflow():
    assert TensorView.of([3e200, 4e200]).norm == pytest.approx(5e200)
    assert TensorView.of([3e-200, 4e-200]).norm == pytest.approx(5e-200)
    assert TensorView.of([True, False]).entries == (True, False)
    assert TensorView.of(np.float32(0.1)).dtype == "f32"
