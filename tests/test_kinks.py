"""Kinks and special values: documented subgradients, and `where` that leaks nothing, twice over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg

quiet = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def second(f: Any, x: Any) -> list[float]:
    return mg.grad(lambda x: mg.grad(lambda x: f(x).sum())(x).sum())(x).tolist()


@quiet
def test_where_hides_the_value_of_the_branch_not_taken() -> None:
    x = np.array([1.0, np.nan, np.inf, -1.0])
    seen = mg.where(np.isfinite(x), x, 0.0)
    np.testing.assert_array_equal(seen, [1.0, 0.0, 0.0, -1.0])
    g = mg.grad(lambda x: (mg.where(mg.isfinite(x), x, 0.0) ** 2).sum())(x)
    assert g.tolist() == [2.0, 0.0, 0.0, -2.0]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("size", [3, 40])  # few elements, and enough to choose by their bits
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_where_beside_zero_is_numpys_to_the_bit(dtype: str, size: int, order: Any) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((size, 30)).astype(dtype, order=order)
    x[0, :9], x[1, :9], x[2, :9] = np.nan, np.inf, -0.0
    condition = np.asarray(rng.random(x.shape) < 0.5, order=order)
    for zero in (0.0, -0.0, 0, np.zeros((), dtype)):
        for pair in ((x, zero), (zero, x)):
            got, expected = mg.where(condition, *pair), np.where(condition, *pair)
            assert got.dtype == expected.dtype
            assert got.tobytes() == expected.tobytes()


@quiet
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_where_with_a_bad_other_branch(bad: float) -> None:
    """The other branch holds NaN or infinity at exactly the places that are not taken."""
    x = np.array([1.0, 2.0])

    def f(x: Any, y: Any) -> Any:
        return (mg.where(np.array([True, False]), x, y) ** 3).sum()

    dx, dy = mg.grad(f, argnums=(0, 1))(x, np.array([bad, 5.0]))
    assert (dx.tolist(), dy.tolist()) == ([3.0, 0.0], [0.0, 75.0])
    h = mg.hessian(lambda x: f(x, np.array([bad, 5.0])))(x)
    assert h.tolist() == [[6.0, 0.0], [0.0, 0.0]]
    _, t = mg.jvp(lambda x: f(x, np.array([bad, 5.0])), (x,), (np.ones(2),))
    assert t.item() == 3.0


@quiet
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_bad_cotangent_stays_in_its_branch(bad: float) -> None:
    _, pullback = mg.vjp(lambda x, y: mg.where(np.array([True, False]), x, y), np.ones(2), np.ones(2))
    dx, dy = pullback(np.array([1.0, bad]))
    assert dx.tolist() == [1.0, 0.0]
    assert dy.tolist()[0] == 0.0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_bad_cotangent_stays_where_it_flows(bad: float) -> None:
    """A zero derivative is a choice, not a factor: 0 times infinity would be NaN."""
    x, g = np.array([-1.0, 2.0]), np.array([bad, 1.0])
    for f in (mg.relu, lambda x: mg.maximum(x, 0.0), lambda x: x**0, lambda x: mg.fmax(x, 0.0)):
        assert mg.vjp(f, x)[1](g)[0].tolist()[0] == 0.0
        assert mg.jvp(f, (x,), (g,))[1].tolist()[0] == 0.0
    assert mg.vjp(mg.max, x)[1](bad)[0].tolist()[0] == 0.0
    assert mg.vjp(lambda x: mg.maximum(x, np.zeros(2)), x)[1](g)[0].tolist() == [0.0, 1.0]


@quiet
def test_double_where() -> None:
    """The safe argument inside, the choice outside: first and second order are right everywhere."""

    def safe_sqrt(x: Any) -> Any:
        positive = x > 0
        return mg.where(positive, mg.sqrt(mg.where(positive, x, 1.0)), 0.0)

    x = np.array([4.0, 0.0, -1.0])
    assert mg.grad(lambda x: safe_sqrt(x).sum())(x).tolist() == [0.25, 0.0, 0.0]
    assert second(safe_sqrt, x) == [-1 / 32, 0.0, 0.0]
    _, t = mg.jvp(safe_sqrt, (x,), (np.ones(3),))
    assert t.tolist() == [0.25, 0.0, 0.0]


@quiet
def test_a_single_where_is_not_enough_and_says_so_by_nan() -> None:
    g = mg.grad(lambda x: mg.where(x > 0, mg.sqrt(x), 0.0).sum())(np.array([4.0, 0.0]))
    assert g.tolist()[0] == 0.25
    assert np.isnan(g.tolist()[1])


def test_second_derivatives_at_kinks_are_zero() -> None:
    x = np.array([0.0, -1.0, 2.0])
    for f in (
        mg.relu,
        mg.abs,
        lambda x: mg.maximum(x, 0.0),
        lambda x: mg.minimum(x, 0.0),
        lambda x: mg.max(x),
    ):
        assert second(f, x) == [0.0, 0.0, 0.0]
    assert second(lambda x: mg.relu(x) ** 2, x) == [0.0, 0.0, 2.0]
    assert second(lambda x: mg.abs(x) ** 3, x) == [0.0, 6.0, 12.0]


@quiet
def test_powers_at_zero() -> None:
    x = np.zeros(1)
    for exponent, first, twice in ((0, 0.0, 0.0), (1, 1.0, 0.0), (2, 0.0, 2.0), (3, 0.0, 0.0)):
        for e in (exponent, float(exponent)):
            assert mg.grad(lambda x, e=e: (x**e).sum())(x).tolist() == [first]
            assert second(lambda x, e=e: x**e, x) == [twice]
        assert mg.grad(lambda x, e=exponent: (x ** np.array([float(e)])).sum())(x).tolist() == [first]
    assert mg.grad(lambda x: (x**0.5).sum())(x).tolist() == [np.inf]


def test_mixed_derivative_of_a_power_at_exponent_zero() -> None:
    """d/dy d/dx x^y at y = 0 is 1/x: the shortcut for exponent 0 must not cut the graph."""
    mixed = mg.grad(lambda y: mg.grad(lambda x: x**y)(3.0))(0.0)
    assert mixed.item() == pytest.approx(1 / 3)
    other = mg.grad(lambda x: mg.grad(lambda y: x**y)(0.0))(3.0)
    assert other.item() == pytest.approx(1 / 3)


def test_negative_bases() -> None:
    x = np.array([-2.0, -1.0])
    assert mg.grad(lambda x: (x**3).sum())(x).tolist() == [12.0, 3.0]
    assert mg.grad(lambda x: (x ** np.array([3.0, 2.0])).sum())(x).tolist() == [12.0, -2.0]
    assert mg.grad(lambda x: (x**-1).sum())(x).tolist() == [-0.25, -1.0]


@quiet
def test_nan_wins_an_extremum_and_takes_the_gradient() -> None:
    x = np.array([1.0, np.nan, 3.0])
    assert np.isnan(mg.max(x))
    assert mg.grad(mg.max)(x).tolist() == [0.0, 1.0, 0.0]
    assert mg.grad(mg.min)(x).tolist() == [0.0, 1.0, 0.0]


@pytest.mark.parametrize("big", [1e4, -1e4, 745.0])
def test_saturation_is_quiet_and_exact(big: float) -> None:
    """No overflow warning (warnings are errors here), and the derivative is what it tends to."""
    x = np.array([big])
    assert mg.grad(lambda x: mg.tanh(x).sum())(x).tolist() == [0.0]
    assert mg.grad(lambda x: mg.sigmoid(x).sum())(x).tolist() == [0.0]
    assert mg.grad(lambda x: mg.softplus(x).sum())(x).tolist() == [1.0 if big > 0 else 0.0]
    pair = np.array([big, 0.0])
    winner = [1.0, 0.0] if big > 0 else [0.0, 1.0]
    np.testing.assert_allclose(mg.softmax(pair), winner, atol=1e-300)
    np.testing.assert_allclose(mg.logsumexp(pair), max(big, 0.0))
    g = mg.grad(mg.logsumexp)(pair)
    np.testing.assert_allclose(g.numpy(), winner, atol=1e-300)
    assert np.isfinite(mg.hessian(mg.logsumexp)(pair).numpy()).all()


@quiet
def test_logsumexp_of_infinities() -> None:
    assert float(mg.logsumexp(np.array([-np.inf, -np.inf]))) == -np.inf
    assert float(mg.logsumexp(np.array([-np.inf, 1.0]))) == 1.0
    assert mg.grad(mg.logsumexp)(np.array([-np.inf, 1.0])).tolist() == [0.0, 1.0]
