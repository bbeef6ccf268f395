"""The two walks: functions whose graphs branch and join, against the oracles."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from tests import checks


@pytest.mark.parametrize("case", checks.walks(), ids=lambda case: case.name)
def test_walks_against_oracles(case: checks.Case) -> None:
    checks.check_walk(case)


def test_closures_over_outer_variables() -> None:
    checks.check_closures()


@pytest.mark.parametrize("case", checks.walks(), ids=lambda case: case.name)
def test_backward_agrees_with_the_transform(case: checks.Case, rng: np.random.Generator) -> None:
    _, g = case.draw(rng)
    leaves = [mg.tensor(p, requires_grad=True) for p in case.primals]
    outs = case(*leaves)
    for out, c in zip(outs, g, strict=True):
        out.backward(c, retain_graph=True)
    one_by_one = [leaf.grad.numpy() for leaf in leaves]
    for got, want in zip(one_by_one, checks.pull(case, g), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5 if got.dtype == np.float32 else 1e-12)
