"""The rivals of batch norm: a penalty on the statistics, and renormalising after each step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.batchnorm import penalty, renormalise

M, D, UNITS = 20, 5, 3


@pytest.fixture
def x(rng: np.random.Generator) -> Any:
    return rng.normal(0.5, 1.5, (M, D))


@pytest.fixture
def layer(x: Any, rng: np.random.Generator) -> tuple[Any, Any]:
    """A layer whose outputs are normalised."""
    start = rng.normal(size=(UNITS, D)), rng.normal(size=UNITS)
    return renormalise(start, start, x, eps=0.0)[:2]


# Penalty --------------------------------------------------------------------------------------


def test_penalty_by_its_formula(x: Any) -> None:
    expected = (x.mean(axis=0) ** 2 + (x.var(axis=0) - 1) ** 2).mean()
    assert penalty(mg.tensor(x)).item() == pytest.approx(expected, rel=1e-14)
    maps = x.reshape(5, 2, 2, 5)
    expected = (maps.mean(axis=(0, 2, 3)) ** 2 + (maps.var(axis=(0, 2, 3)) - 1) ** 2).mean()
    assert penalty(maps, axis=(0, 2, 3)) == pytest.approx(expected, rel=1e-14)


def test_penalty_is_zero_after_batch_norm_and_pulls_there(x: Any) -> None:
    assert penalty(mg.batchnorm.composed(x, eps=0.0)) < 1e-28
    values = [penalty(x)]
    for _ in range(20):
        x = x - 0.5 * mg.grad(penalty)(x).data
        values.append(penalty(x))
    assert sorted(values, reverse=True) == values
    assert 0 < values[-1] < 0.2 * values[0]  # nearer, and not there: imperfect


def test_penalty_derivatives(x: Any) -> None:
    assert mg.gradcheck(penalty, (x,), order=2)
    mean, variance = x.mean(axis=0), x.var(axis=0)
    by_hand = 2 * (mean + 2 * (variance - 1) * (x - mean)) / (M * D)
    np.testing.assert_allclose(mg.grad(penalty)(x).data, by_hand, atol=1e-15)


# Renormalising --------------------------------------------------------------------------------


def test_outputs_are_normalised(x: Any, rng: np.random.Generator) -> None:
    start = rng.normal(size=(UNITS, D)), rng.normal(size=UNITS)
    weight, bias, _ = renormalise(start, start, x, eps=0.1)
    outputs, variance = x @ weight.T + bias, (x @ start[0].T).var(axis=0)
    np.testing.assert_allclose(outputs.mean(axis=0), 0.0, atol=1e-14)
    np.testing.assert_allclose(outputs.var(axis=0), variance / (variance + 0.1), rtol=1e-12)


def test_what_moves_mean_or_deviation_is_undone_whole(layer: Any, x: Any) -> None:
    weight, bias = layer
    for after in ((weight, bias + 0.3), (1.5 * weight, 1.5 * bias), (0.5 * weight, 0.5 * bias - 2.0)):
        kept = renormalise(layer, after, x, eps=0.0)
        np.testing.assert_allclose(kept.undone, 1.0, rtol=1e-12)
        np.testing.assert_allclose(kept.weight, weight, rtol=1e-12)
        np.testing.assert_allclose(kept.bias, bias, atol=1e-12)


def test_the_share_is_that_of_the_mean_and_the_deviation(
    layer: Any, x: Any, rng: np.random.Generator
) -> None:
    """For a small step: the part of the change along the ones and along the outputs."""
    weight, bias = layer
    step = 1e-6 * rng.normal(size=weight.shape)
    found = renormalise(layer, (weight + step, bias), x, eps=0.0).undone
    outputs, change = x @ weight.T + bias, x @ step.T
    along = (change.sum(axis=0) ** 2 + (change * outputs).sum(axis=0) ** 2) / M
    np.testing.assert_allclose(found, along / (change**2).sum(axis=0), rtol=1e-4)
    assert (found > 0).all()
    assert (found < 1).all()


def test_a_step_of_nothing_undoes_nothing(layer: Any, x: Any) -> None:
    np.testing.assert_array_equal(renormalise(layer, layer, x, eps=0.0).undone, 0.0)


def test_tensors_and_float32(x: Any) -> None:
    linear = mg.nn.Linear(D, UNITS, generator=np.random.default_rng(0))
    pair = linear.weight, linear.bias
    found = renormalise(pair, pair, mg.tensor(x.astype("f4")))
    assert found.weight.dtype == found.bias.dtype == np.float32
    linear.weight.data, linear.bias.data = found.weight, found.bias
    outputs = linear(x.astype("f4")).data
    np.testing.assert_allclose(outputs.std(axis=0), 1.0, atol=1e-3)


PAIR = (np.ones((3, 2)), np.ones(3))
X = np.arange(8.0).reshape(4, 2)
WRONG = [
    (
        (PAIR, PAIR, X[:, :1]),
        mg.ShapeError,
        r"before has a weight of shape \[3, 2\].*inputs has shape \[4, 1\]",
    ),
    ((PAIR, (np.ones((2, 2)), np.ones(2)), X), mg.ShapeError, "before has 3 units, but after has 2"),
    ((PAIR, (np.ones((3, 2)), np.ones(2)), X), mg.ShapeError, r"after has .* bias of shape \[2\]"),
    (
        (PAIR, 3.0, X),
        mg.ArgumentError,
        r"after must be a pair of arrays, \(layer.weight, layer.bias\), not 3.0",
    ),
    ((PAIR, PAIR, X[:1]), mg.ArgumentError, "one example has no deviation"),
    ((PAIR, PAIR, X, -1.0), mg.ArgumentError, "eps must be zero or positive, not -1.0"),
    (
        (PAIR, PAIR, np.ones((4, 2)), 0.0),
        mg.ArgumentError,
        "unit 0 gives the same output.*positive eps",
    ),
]


@pytest.mark.parametrize(("arguments", "error", "message"), WRONG)
def test_wrong_input(arguments: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        renormalise(*arguments)
    assert "batchnorm.renormalise" in str(caught.value)


def test_a_penalty_needs_two_values() -> None:
    with pytest.raises(mg.ArgumentError, match=r"batchnorm\.penalty: one value per feature"):
        penalty(X[:1])
