"""Shapes, axes and values drawn at random: against NumPy, and the two modes against each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as draw

import minigrad as mg

SHAPES = draw.array_shapes(min_dims=1, max_dims=4, max_side=4)
VALUES = st.floats(-4, 4, width=16)  # few digits, so ties and zeros are common


def arrays(shapes: Any = SHAPES) -> Any:
    return draw.arrays(np.float64, shapes, elements=VALUES)


def agree(ours: Any, theirs: Any, x: Any) -> None:
    """Equal values; and ``<g, J v> == <J^T g, v>`` to rounding."""
    expected = np.asarray(theirs(x))
    found, pullback = mg.vjp(ours, x)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-12)
    rng = np.random.default_rng(0)
    v, g = np.asarray(rng.standard_normal(x.shape)), np.asarray(rng.standard_normal(expected.shape))
    forward = mg.jvp(ours, (x,), (v,))[1].numpy()
    reverse = pullback(g)[0].numpy()
    size = (np.abs(g) * np.abs(forward)).sum() + (np.abs(reverse) * np.abs(v)).sum()
    np.testing.assert_allclose((g * forward).sum(), (reverse * v).sum(), atol=1e-12 * size + 1e-300)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min", "var", "std", "median", "ptp"])
@given(data=st.data(), x=arrays(), keepdims=st.booleans())
def test_reductions(name: str, data: Any, x: Any, keepdims: bool) -> None:
    axis = data.draw(st.none() | draw.valid_tuple_axes(x.ndim, min_size=1))
    options = {"axis": axis, "keepdims": keepdims}
    agree(lambda t: getattr(mg, name)(t, **options), lambda x: getattr(np, name)(x, **options), x)


@pytest.mark.parametrize("name", ["cumsum", "cumprod", "sort", "diff", "trapezoid"])
@given(data=st.data(), x=arrays())
def test_along_an_axis(name: str, data: Any, x: Any) -> None:
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    agree(lambda t: getattr(mg, name)(t, axis=axis), lambda x: getattr(np, name)(x, axis=axis), x)


@given(data=st.data(), x=arrays(), q=st.floats(0, 1))
def test_quantiles(data: Any, x: Any, q: float) -> None:
    axis = data.draw(st.none() | draw.valid_tuple_axes(x.ndim, min_size=1))
    agree(lambda t: mg.quantile(t, q, axis=axis), lambda x: np.quantile(x, q, axis=axis), x)


@given(data=st.data(), x=arrays())
def test_reading(data: Any, x: Any) -> None:
    index = data.draw(draw.basic_indices(x.shape, allow_newaxis=True, allow_ellipsis=True))
    agree(lambda t: t[index], lambda x: x[index], x)
    places = data.draw(draw.integer_array_indices(x.shape))
    agree(lambda t: t[places], lambda x: x[places], x)
    mask = data.draw(draw.arrays(bool, x.shape))
    agree(lambda t: t[mask], lambda x: x[mask], x)


@given(data=st.data(), x=arrays())
def test_writing(data: Any, x: Any) -> None:
    places = data.draw(draw.integer_array_indices(x.shape))
    value = np.random.default_rng(1).standard_normal(x[places].shape)
    for how, ufunc in (("add", np.add), ("mul", np.multiply), ("min", np.minimum), ("max", np.maximum)):

        def changed(x: Any, ufunc: Any = ufunc) -> Any:
            out = x.copy()
            ufunc.at(out, places, value)
            return out

        agree(lambda t, how=how: getattr(t.at[places], how)(value), changed, x)


@given(data=st.data(), x=arrays())
def test_moving(data: Any, x: Any) -> None:
    order = data.draw(st.permutations(range(x.ndim)))
    agree(lambda t: mg.transpose(t, order), lambda x: np.transpose(x, order), x)
    shift, axis = data.draw(st.integers(-9, 9)), data.draw(st.none() | st.integers(0, x.ndim - 1))
    agree(lambda t: mg.roll(t, shift, axis), lambda x: np.roll(x, shift, axis), x)
    agree(lambda t: mg.flip(t, axis), lambda x: np.flip(x, axis), x)
    agree(lambda t: mg.repeat(t, abs(shift) % 3, axis), lambda x: np.repeat(x, abs(shift) % 3, axis), x)
    widths = data.draw(st.lists(st.tuples(*[st.integers(0, 3)] * 2), min_size=x.ndim, max_size=x.ndim))
    for mode in ("constant", "edge", "reflect", "symmetric", "wrap"):
        agree(lambda t, m=mode: mg.pad(t, widths, m), lambda x, m=mode: np.pad(x, widths, m), x)


@given(
    shapes=draw.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=3), values=st.randoms()
)
def test_broadcasting(shapes: Any, values: Any) -> None:
    rng = np.random.default_rng(values.randrange(1 << 30))
    a, b, c = (np.asarray(rng.standard_normal(s)) for s in shapes.input_shapes)
    agree(lambda t: mg.where(b > 0, t, c), lambda x: np.where(b > 0, x, c), a)
    low, high = np.minimum(b, c), np.maximum(b, c)
    agree(lambda t: mg.clip(a, t, high), lambda x: np.clip(a, x, high), low)
    agree(lambda t: mg.hypot(t, b) + c, lambda x: np.hypot(x, b) + c, a)
