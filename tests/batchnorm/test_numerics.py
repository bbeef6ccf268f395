"""The float32 numerics matrix: offsets, sizes up to a million rows, constants, huge scales."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg

ROWS = [64, 1024, 16384, 1048576]
BOTH = pytest.mark.parametrize(
    "bn", [mg.batchnorm.composed, mg.batchnorm.fused], ids=["composed", "fused"]
)
CHANNELS = 8


def exact(x: Any, dy: Any, eps: float) -> Any:
    """x-hat and dx in float64, on the same bits."""
    x, dy = x.astype(float), dy.astype(float)
    mean = x.mean(axis=0)
    s = np.sqrt(((x - mean) ** 2).mean(axis=0) + eps)
    h = (x - mean) / s
    return h, (dy - dy.mean(axis=0) - h * (dy * h).mean(axis=0)) / s


def measure(bn: Callable[..., Any], x: Any, dy: Any, axis: Any = 0) -> Any:
    tensor = mg.tensor(x, requires_grad=True)
    y = bn(tensor, axis=axis)
    y.backward(dy)
    assert y.dtype == tensor.grad.dtype == np.float32
    return y.data, tensor.grad.data


def data(rows: int, offset: float = 0.0, scale: float = 1.0) -> Any:
    rng = np.random.default_rng(rows)
    x = offset + scale * rng.standard_normal((rows, CHANNELS))
    return x.astype(np.float32), rng.standard_normal((rows, CHANNELS)).astype(np.float32)


@BOTH
@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("scale", [1.0, 1e20])
def test_no_offset(bn: Callable[..., Any], rows: int, scale: float) -> None:
    x, dy = data(rows, 0.0, scale)
    h, dx = exact(x, dy, 1e-5)
    got_h, got_dx = measure(bn, x, dy)
    assert np.abs(got_h - h).max() < 1e-5
    assert np.abs(got_dx - dx).max() < 1e-5 * np.abs(dx).max()


@BOTH
@pytest.mark.parametrize("rows", [64, 16384])
def test_a_huge_feature_leaves_the_others_alone(bn: Callable[..., Any], rows: int) -> None:
    x, dy = data(rows)
    x[:, 1] *= np.float32(1e20)
    x[:, 2] *= np.float32(1e30)
    x[:, 3] = 5.0
    x[:, 4] = x[:, 4] * np.float32(1e-3)
    h, dx = exact(x, dy, 1e-5)
    got_h, got_dx = measure(bn, x, dy)
    assert np.abs(got_h - h).max() < 1e-5
    assert (np.abs(got_dx - dx).max(axis=0) < 1e-5 * np.abs(dx).max(axis=0)).all()
    assert (got_h[:, 3] == 0).all()


@BOTH
@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("layout", ["columns", "maps"])
def test_offset_of_ten_thousand(bn: Callable[..., Any], rows: int, layout: str) -> None:
    x, dy = data(rows, 1e4)
    h, dx = exact(x, dy, 1e-5)
    if layout == "maps":  # the same numbers as (N, C, H, W), with one mean per map
        n = 4

        def to_maps(a: Any) -> Any:
            return np.ascontiguousarray(a.reshape(n, -1, 16, CHANNELS).transpose(0, 3, 1, 2))

        got = measure(bn, to_maps(x), to_maps(dy), (0, 2, 3))
        got_h, got_dx = [a.transpose(0, 2, 3, 1).reshape(rows, CHANNELS) for a in got]
    else:
        got_h, got_dx = measure(bn, x, dy)
    if bn is mg.batchnorm.fused:
        assert np.abs(got_h - h).max() < 1e-5
        assert np.abs(got_dx - dx).max() < 1e-5 * np.abs(dx).max()
    else:  # half a step of a float32 mean near 1e4, over the deviation
        assert (
            np.abs(got_h - h).max()
            < 0.5 * np.spacing(np.float32(1e4)) / x.std(axis=0, dtype=float).min() + 1e-5
        )
        assert np.abs(got_dx - dx).max() < 1e-4 * np.abs(dx).max()


@BOTH
@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("constant", [3333.0, 3.3e7, 0.1])
def test_a_constant_feature_gives_exactly_zero(
    bn: Callable[..., Any], rows: int, constant: float
) -> None:
    x, dy = data(rows)
    x[:, 0] = constant
    got_h, got_dx = measure(bn, x, dy)
    assert (got_h[:, 0] == 0).all()
    _, dx = exact(x[:, :1], dy[:, :1], 1e-5)  # the layer is linear here: (dy - mean) / sqrt(eps)
    assert np.abs(got_dx[:, :1] - dx).max() < 1e-5 * np.abs(dx).max()


@BOTH
def test_one_bad_value_poisons_its_feature_only(bn: Callable[..., Any]) -> None:
    for bad in (np.nan, np.inf):
        x, dy = data(64)
        x[3, 2] = bad
        with np.errstate(invalid="ignore"):
            got_h, got_dx = measure(bn, x, dy)
        assert np.isnan(got_h[:, 2]).all()
        assert np.isfinite(np.delete(got_h, 2, axis=1)).all()
        assert np.isfinite(np.delete(got_dx, 2, axis=1)).all()


@BOTH
def test_zero_over_zero_without_eps(bn: Callable[..., Any]) -> None:
    x, _ = data(16)
    x[:, 0] = 5.0
    with np.errstate(all="ignore"):
        y = bn(mg.tensor(x), eps=0.0).data
    assert np.isnan(y[:, 0]).all()
    assert np.isfinite(y[:, 1:]).all()
    assert np.isfinite(bn(mg.tensor(x), eps=1e-5).data).all()


@pytest.mark.parametrize("offset", [0.0, 1e4, -3e6])
@pytest.mark.parametrize(
    "shape", [(64, 8), (5000, 40), (300, 1000), (16, 8, 32, 32), (100000, 3), (7, 100003)]
)
@pytest.mark.parametrize("axis", ["first", "last", "maps", "all"])
def test_reductions_are_as_accurate_as_float64(offset: float, shape: Any, axis: str) -> None:
    """To the rounding of the float32 result, where the mean is no smaller than the deviation."""
    x = (offset + np.random.default_rng(0).standard_normal(shape)).astype(np.float32)
    axes: Any = {"first": 0, "last": -1, "all": None, "maps": (0, 2, 3) if x.ndim == 4 else (0,)}[axis]
    reference = x.astype(float).mean(axis=axes)
    got = mg.mean(mg.tensor(x), axis=axes).data
    bound = 0.5001 * np.spacing(np.abs(reference).astype(np.float32)) + 2e-7  # of deviation one
    assert (np.abs(got - reference) <= bound).all()
    total = x.astype(float).sum(axis=axes)
    count = x.size / max(np.size(reference), 1)
    bound = 0.5001 * np.spacing(np.abs(total).astype(np.float32)) + 2e-7 * count
    assert (np.abs(mg.sum(mg.tensor(x), axis=axes).data - total) <= bound).all()


def test_block_sums_that_overflow_on_the_way() -> None:
    x = np.repeat(np.array([1e38, -1e38], np.float32), 12800)[:, None] * np.ones(16, np.float32)
    np.testing.assert_array_equal(mg.mean(mg.tensor(x), axis=0).data, 0.0)


def test_numpys_own_mean_would_fail_this() -> None:
    """Why the accumulators are there at all."""
    x, _ = data(1048576, 1e4)
    assert np.abs(x.mean(axis=0) - x.astype(float).mean(axis=0)).max() > 1.0
