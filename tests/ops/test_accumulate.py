"""Which sums go the slow and exact way, and that all are as exact as float64's."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.ops import accumulate


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
