"""The two walks: functions whose graphs branch and join, against the oracles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.primitive import FUNCTIONS, REGISTRY, elementwise
from tests import checks


@pytest.mark.parametrize("case", checks.walks(), ids=lambda case: case.name)
def test_walks_against_oracles(case: checks.Case) -> None:
    checks.check_walk(case)


def test_closures_over_outer_variables() -> None:
    checks.check_closures()


def test_what_a_rule_holds_on_to_is_not_written_into() -> None:
    """A walk may add into an array that a rule has just made, unless the rule kept it."""
    seen: list[np.ndarray] = []

    def rule(t: Any, _x: Any, _out: Any) -> Any:
        seen.append(t * 1.0)
        return seen[-1]

    probe = elementwise("probe", lambda x: x * 1.0, rule, doc="A probe.")
    try:
        x = mg.tensor(np.ones(3), requires_grad=True)
        (x * 5.0 + probe(x) + probe(x) + x * 7.0).sum().backward()
    finally:
        del REGISTRY["probe"], FUNCTIONS["probe"]
    assert x.grad.tolist() == [14.0] * 3
    assert [s.tolist() for s in seen] == [[1.0] * 3] * 2


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
