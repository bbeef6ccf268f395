"""Composites have no rules of their own: they are right because their parts are.  Checked anyway."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests import checks

AXES: list[dict[str, Any]] = [{}, {"axis": 0}, {"axis": -1, "keepdims": True}, {"axis": (0, 2)}]
COMPOSITES: dict[str, tuple[Any, Any, list[dict[str, Any]]]] = {
    "var": (mg.var, np.var, AXES),
    "var, unbiased": (
        lambda x, **k: mg.var(x, correction=1, **k),
        lambda x, **k: np.var(x, ddof=1, **k),
        AXES,
    ),
    "std": (mg.std, np.std, AXES),
    "logsumexp": (mg.logsumexp, lambda x, **k: np.log(np.sum(np.exp(x), **k)), AXES),
    "softmax": (
        mg.softmax,
        lambda x, axis=-1: np.exp(x) / np.exp(x).sum(axis, keepdims=True),
        [{}, {"axis": 0}, {"axis": 1}],
    ),
    "log_softmax": (
        mg.log_softmax,
        lambda x, axis=-1: x - np.log(np.exp(x).sum(axis, keepdims=True)),
        [{}, {"axis": 0}, {"axis": 1}],
    ),
}


@pytest.mark.parametrize("name", COMPOSITES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_composites(name: str, dtype: str) -> None:
    f, reference, options = COMPOSITES[name]
    x = np.random.default_rng(5).normal(0.5, 1.0, (2, 3, 4))
    for kwargs in options:
        case = checks.Case(
            f"{name} {kwargs}", lambda x, k=kwargs: f(x, **k), [x], 4 * checks.SLACK
        ).cast(dtype)
        checks.value_against(case, lambda x, k=kwargs: reference(x, **k))
        checks.recording_changes_nothing(case)
        checks.vjp_against_oracle(case, np.random.default_rng(0))
        checks.jvp_against_oracle(case, np.random.default_rng(1))
        if dtype == "float64":
            checks.check_walk(case)


def test_cross_entropy() -> None:
    logits = np.random.default_rng(6).normal(0.0, 2.0, (5, 4))
    labels = np.array([0, 3, 1, 1, 2])

    def reference(x: Any) -> Any:
        return -np.mean((x - np.log(np.exp(x).sum(1, keepdims=True)))[np.arange(5), labels])

    case = checks.Case(
        "cross_entropy", lambda x: mg.cross_entropy(x, labels), [logits], 4 * checks.SLACK
    )
    checks.value_against(case, reference)
    checks.check_walk(case)
    for given in (list(labels), mg.tensor(labels), labels.astype(np.uint8)):
        assert float(mg.cross_entropy(logits, given)) == pytest.approx(reference(logits), rel=1e-14)


def test_cross_entropy_is_that_of_the_layers() -> None:
    assert mg.cross_entropy is mg.nn.functional.cross_entropy


@pytest.mark.parametrize(
    ("logits", "target", "error", "said"),
    [
        (np.ones((2, 3)), [0, 1, 2], mg.ShapeError, ["float64[2, 3]", "int64[3]", "here [2]"]),
        (np.ones(3), [0], mg.ShapeError, ["float64[3]", "int64[1]"]),
        (np.ones((2, 3)), [0.0, 1.0], mg.DtypeError, ["class numbers are integers", "float64"]),
        (np.ones((2, 3)), [0, 3], mg.ArgumentError, ["from 0 to 3", "3 classes", "0 to 2"]),
        (np.ones((2, 3)), [0, -1], mg.ArgumentError, ["from -1 to 0"]),
    ],
)
def test_cross_entropy_refuses(
    logits: Any, target: Any, error: type[Exception], said: list[str]
) -> None:
    with pytest.raises(error) as caught:
        mg.cross_entropy(logits, target)
    assert "cross_entropy" in str(caught.value)
    for part in said:
        assert part in str(caught.value)


def test_shift_invariance_is_exact_in_the_gradient() -> None:
    x = np.array([1.0, 2.0, 3.0])
    for offset in (1e3, -1e3):
        np.testing.assert_allclose(
            mg.grad(lambda x: (mg.softmax(x) * np.arange(3.0)).sum())(x + offset).numpy(),
            mg.grad(lambda x: (mg.softmax(x) * np.arange(3.0)).sum())(x).numpy(),
            rtol=1e-11,
        )
