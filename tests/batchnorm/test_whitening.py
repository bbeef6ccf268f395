"""Whitening: the covariance becomes the identity, and the derivatives are right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.batchnorm import newton_schulz, zca

M, D = 24, 4


@pytest.fixture
def x(rng: np.random.Generator) -> Any:
    return rng.normal(3.0, 1.0, (M, D)) @ rng.normal(size=(D, D))


def many(x: Any, eps: float = 1e-5) -> Any:
    """Newton-Schulz until nothing changes any more."""
    return newton_schulz(x, eps, iterations=40)


EXACT = pytest.mark.parametrize("whiten", [zca, many], ids=["zca", "newton_schulz"])


@EXACT
@pytest.mark.parametrize("eps", [0.0, 0.3])
def test_the_covariance_becomes_the_identity_up_to_eps(whiten: Any, eps: float, x: Any) -> None:
    y = whiten(mg.tensor(x), eps).data
    covariance = np.cov(x.T, bias=True)
    expected = covariance @ np.linalg.inv(covariance + eps * np.eye(D))
    np.testing.assert_allclose(y.mean(axis=0), 0.0, atol=1e-13)
    np.testing.assert_allclose(y.T @ y / M, expected, atol=1e-12)


def test_zca_stays_as_near_to_x_as_whitening_can(x: Any, rng: np.random.Generator) -> None:
    y, centred = zca(x, 0.0), x - x.mean(axis=0)
    near = np.linalg.norm(y - centred)
    for _ in range(20):
        rotation = np.linalg.qr(rng.normal(size=(D, D)))[0]
        assert near <= np.linalg.norm(y @ rotation - centred)


def test_more_iterations_whiten_better(x: Any) -> None:
    def residual(k: int) -> Any:
        y = newton_schulz(x, 0.0, k)
        return np.abs(y.T @ y / M - np.eye(D)).max()

    assert residual(0) > residual(4) > residual(8) > 1e4 * residual(40)
    # The iteration that multiplies by the covariance itself falls apart by now; this one stays.
    assert residual(400) < 1e-11


@EXACT
def test_derivatives_of_first_and_second_order(whiten: Any, x: Any, rng: np.random.Generator) -> None:
    weights = rng.normal(size=(M, D))
    assert mg.gradcheck(whiten, (x,))
    assert mg.gradcheck(lambda x: (whiten(x, 0.3) * weights).sum(), (x,), order=2)


def test_two_ways_one_derivative(x: Any, rng: np.random.Generator) -> None:
    """One goes through eigenvectors, the other through products only."""
    weights = rng.normal(size=(M, D))
    one, other = (mg.grad(lambda x, f=f: (f(x) * weights).sum())(x).data for f in (zca, many))
    np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-11)


def test_the_gradient_moves_no_mean_and_scales_nothing(x: Any, rng: np.random.Generator) -> None:
    """What batch norm does per feature, for the batch as a whole; eps would leave a remainder."""
    weights = rng.normal(size=(M, D))
    dx = mg.grad(lambda x: (zca(x, 0.0) * weights).sum())(x).data
    np.testing.assert_allclose(dx.sum(axis=0), 0.0, atol=1e-12)
    assert abs((dx * (x - x.mean(axis=0))).sum()) < 1e-12


@pytest.mark.torch
def test_against_torch(x: Any, rng: np.random.Generator) -> None:
    import torch

    weights, eps = rng.normal(size=(M, D)), 1e-3
    t = torch.tensor(x, requires_grad=True)
    centred = t - t.mean(0)
    values, vectors = torch.linalg.eigh(centred.T @ centred / M + eps * torch.eye(D, dtype=t.dtype))
    y = centred @ (vectors / values.sqrt()) @ vectors.T
    (y * torch.tensor(weights)).sum().backward()
    assert t.grad is not None
    x = mg.tensor(x, requires_grad=True)
    mine = zca(x, eps)
    (mine * weights).sum().backward()
    np.testing.assert_allclose(mine.data, y.detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(x.grad.data, t.grad.numpy(), atol=1e-10)


@EXACT
def test_float32_stays_float32(whiten: Any, x: Any) -> None:
    x32 = mg.tensor(x.astype("f4"), requires_grad=True)
    y = whiten(x32)
    (y**3).sum().backward()
    assert y.dtype == x32.grad.dtype == np.float32
    np.testing.assert_allclose(y.data, whiten(x), atol=2e-3)


def test_a_trace_replays(x: Any) -> None:
    graph = mg.trace(zca, x)
    np.testing.assert_array_equal(graph(2.0 * x + 1.0).data, zca(mg.tensor(2.0 * x + 1.0)).data)


X = np.arange(12.0).reshape(6, 2) ** 2
WRONG = [
    (
        zca,
        (X[:2],),
        mg.ArgumentError,
        r"2 examples of 2 features.*singular, of rank 1 at most.*more than 2",
    ),
    (zca, (X[:2],), mg.ArgumentError, "batchnorm.newton_schulz with eps > 0"),
    (zca, (X[:0],), mg.ArgumentError, "rank 0 at most"),
    (newton_schulz, (X[:2], 0.0), mg.ArgumentError, "singular, of rank 1 at most.*use eps > 0"),
    (zca, (np.ones((6, 2)), 0.0), mg.LinAlgError, "constant or depends on others.*a larger eps than 0"),
    (zca, (X[:, [0, 0]], 0.0), mg.LinAlgError, "depends on others"),
    (zca, (X[0],), mg.ShapeError, r"x must be \(examples, features\), and it is .*\[2\]"),
    (newton_schulz, (X[None],), mg.ShapeError, r"reshape\(-1, C\)"),
    (zca, (X.astype(int),), mg.DtypeError, r"x must be floating.*astype"),
    (zca, (X, -1.0), mg.ArgumentError, "eps must be zero or positive, not -1.0"),
    (
        newton_schulz,
        (X, 1e-5, -1),
        mg.ArgumentError,
        "iterations must be a whole number from 0, not -1",
    ),
    (newton_schulz, (X, 1e-5, 2.5), mg.ArgumentError, "not 2.5"),
]


@pytest.mark.parametrize(("whiten", "arguments", "error", "message"), WRONG)
def test_wrong_input(whiten: Any, arguments: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        whiten(*arguments)
    assert f"batchnorm.{whiten.__name__}" in str(caught.value)


def test_equal_variances_have_a_value_but_no_derivative_by_eigenvectors() -> None:
    square = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    x = mg.tensor(square, requires_grad=True)
    with pytest.raises(mg.LinAlgError, match=r"batchnorm\.zca: two eigenvalues .*newton_schulz"):
        zca(x)
    with mg.no_grad():
        np.testing.assert_allclose(zca(x, 0.0).data, square, atol=1e-15)
    weights = np.arange(8.0).reshape(4, 2)
    assert mg.gradcheck(lambda x: (many(x) * weights).sum(), (square,))


def test_fewer_examples_than_features_with_eps(rng: np.random.Generator) -> None:
    """What the error recommends works: nothing is divided by zero."""
    x = mg.tensor(rng.normal(size=(3, 5)), requires_grad=True)
    (newton_schulz(x, eps=0.1) ** 3).sum().backward()
    assert np.isfinite(x.grad.data).all()
