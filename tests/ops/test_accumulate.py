"""Which sums go the slow and exact way, and that all are as exact as float64's."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from minigrad.ops import accumulate
from minigrad.ops.reduce import reduce_rows


def arrays(kind, shape):
    x = np.random.default_rng(0).standard_normal(shape, np.float32)
    return {"centred": x, "squares": x * x, "offset": x + np.float32(1e4)}[kind]


@pytest.mark.parametrize("shape", [(8192, 512), (512, 8192)])
@pytest.mark.parametrize(("kind", "slow"), [("centred", False), ("squares", False), ("offset", True)])
def test_only_a_mean_far_above_the_spread_is_summed_in_float64(monkeypatch, kind, slow, shape):
    # With 512 features a spread estimated from too few entries is often near zero by chance.
    x, called = arrays(kind, shape), []
    wide, reduce = accumulate._wide, np.add.reduce

    class Spy:
        """np.add, whose reductions of the whole array are noted."""

        @staticmethod
        def reduce(a, **options):
            if a.shape == x.shape:
                called.append("rows")
            return reduce(a, **options)

    monkeypatch.setattr(accumulate, "_wide", lambda a: called.append("columns") or wide(a))
    monkeypatch.setattr(accumulate.np, "add", Spy)
    axis = int(shape[0] < shape[1])
    found = accumulate.total(x, (axis,))
    assert bool(called) is slow
    monkeypatch.undo()
    exact = x.sum(axis, dtype=np.float64)
    error = np.abs(found - exact).max() / np.abs(x).sum(axis, dtype=np.float64).max()
    assert error < 2e-7


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")  # float16 ends at 65504
@pytest.mark.parametrize("mean", [False, True])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize(
    "shape", [(1500,), (30, 50), (2, 30, 50), (40, 50, 60), (7, 300, 64), (3, 1, 600)]
)
def test_every_way_to_sum_gives_the_sum(shape, dtype, mean):
    x = (np.random.default_rng(1).standard_normal(shape) + 3.0).astype(dtype)
    reference = np.mean if mean else np.sum
    for count in range(1, len(shape) + 1):
        for axes in itertools.combinations(range(len(shape)), count):
            for laid in (x, np.asfortranarray(x), x[::-1]):
                found = accumulate.total(laid, axes, mean)
                expected = reference(laid.astype(np.float64), axis=axes).astype(dtype)
                assert np.shape(found) == expected.shape
                assert found.dtype == x.dtype
                np.testing.assert_allclose(found, expected, rtol=2 * np.finfo(dtype).eps)


@pytest.mark.parametrize("shape", [(30, 50), (900, 100)])
def test_what_is_not_finite_stays_in_its_row_and_column(shape):
    x = np.ones(shape, np.float32)
    x[1, 2], x[2, 3] = np.inf, np.nan
    for axis in (0, 1):
        found, expected = accumulate.total(x, (axis,)), x.sum(axis)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("shape", [(100, 1500), (64, 32, 28, 28)])
def test_rows_of_equal_runs_are_summed_in_short_blocks(shape):
    # Long blocks add up what rounding does to runs of equal numbers.
    x = np.where(np.arange(np.prod(shape)) // 50 % 2, 0.1, 0.7).astype(np.float32).reshape(shape)
    axes = tuple(range(2, len(shape))) or (1,)
    found, exact = accumulate.total(x, axes, mean=True), x.mean(axes, dtype=np.float64)
    assert np.abs(found - exact).max() < 4 * np.spacing(np.float32(exact.max()))


def test_blocks_that_overflow_are_summed_in_float64():
    x = np.zeros((4096, 64), np.float32)
    x[:64], x[512] = 1e37, -3e38
    exact = x.mean(0, dtype=np.float64).astype(np.float32)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(accumulate.total(x, (0,), mean=True), exact)
        rows = np.ascontiguousarray(x.T)
        np.testing.assert_array_equal(accumulate.total(rows, (1,), mean=True), exact)
        np.testing.assert_allclose(accumulate.total(x, (0, 1), mean=True), exact[0], rtol=1e-6)


@pytest.mark.parametrize("ufunc", [np.maximum, np.minimum])
@pytest.mark.parametrize(
    "shape", [(64, 2), (63, 2), (300, 10), (8, 9, 32), (100, 33), (80, 1), (5, 0, 3)]
)
@pytest.mark.parametrize("keepdims", [False, True])
def test_many_short_rows_give_what_numpy_gives(ufunc, shape, keepdims):
    x = np.random.default_rng(0).standard_normal(shape).astype("f4")
    whole = np.rint(9 * x).astype(int)
    x.reshape(-1)[::17] = np.nan
    for case in (x, np.asfortranarray(x), x[::-1], whole):
        axis = (case.ndim - 1,)
        found = reduce_rows(ufunc, case, axis, keepdims)
        np.testing.assert_array_equal(found, ufunc.reduce(case, axis=axis, keepdims=keepdims))
        assert found.dtype == case.dtype
