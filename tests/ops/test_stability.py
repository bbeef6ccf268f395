"""Where a formula taken literally would overflow, divide zero by zero, or lose its digits.

Warnings are errors here, so a value that is right by luck, after an overflow, does not pass.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg

LARGE = np.array([-1e4, -40.0, 0.0, 40.0, 1e4])
quiet = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def gradient(f: Any, *x: Any) -> Any:
    """The gradient of the sum of f, in the first argument."""
    return mg.grad(lambda *x: f(*x).sum())(*x).numpy()


def second(f: Any, x: Any) -> Any:
    """The Hessian of f, a scalar function."""
    return mg.hessian(f)(np.asarray(x)).numpy()


def both_modes(f: Any, x: Any) -> Any:
    """The Jacobian, the same by both modes."""
    x = np.asarray(x)
    reverse = mg.jacobian(f, mode="reverse")(x).numpy()
    np.testing.assert_allclose(mg.jacobian(f, mode="forward")(x).numpy(), reverse, rtol=1e-15)
    return reverse


# Saturation --------------------------------------------------------------------------------------


def test_tanh_saturates() -> None:
    np.testing.assert_array_equal(mg.tanh(LARGE)[[0, 2, 4]], [-1.0, 0.0, 1.0])
    np.testing.assert_array_equal(gradient(mg.tanh, LARGE)[[0, 2, 4]], [0.0, 1.0, 0.0])


def test_sigmoid_keeps_its_digits_where_it_is_tiny() -> None:
    expected = [0.0, np.exp(-40.0) / (1 + np.exp(-40.0)), 0.5, 1 / (1 + np.exp(-40.0)), 1.0]
    np.testing.assert_allclose(mg.sigmoid(LARGE), expected, rtol=1e-15)
    slopes = gradient(mg.sigmoid, LARGE)
    np.testing.assert_allclose(slopes[:3], [0.0, np.exp(-40.0), 0.25], rtol=1e-14)
    assert slopes[4] == 0.0


def test_softplus_is_a_ramp_far_out() -> None:
    np.testing.assert_allclose(
        mg.softplus(LARGE), [0.0, np.exp(-40.0), np.log(2.0), 40.0, 1e4], rtol=1e-15
    )
    np.testing.assert_allclose(
        gradient(mg.softplus, LARGE), [0.0, np.exp(-40.0), 0.5, 1.0, 1.0], rtol=1e-15
    )


@pytest.mark.parametrize("offset", [-1e4, 0.0, 1e4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_and_its_kin_do_not_feel_an_offset(offset: float, dtype: Any) -> None:
    x = np.array([0.0, 1.0, 3.0], dtype)  # sums with the offset are exact
    moved = x + dtype(offset)
    share = np.exp(x.astype(float)) / np.exp(x.astype(float)).sum()
    rtol = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(mg.softmax(moved), share, rtol=rtol)
    np.testing.assert_allclose(mg.log_softmax(moved), np.log(share), rtol=rtol)
    total = np.log(np.exp(x.astype(float)).sum()) + offset
    np.testing.assert_allclose(mg.logsumexp(moved), total, rtol=rtol)
    np.testing.assert_allclose(gradient(mg.logsumexp, moved), share, rtol=rtol)
    hessian = np.diag(share) - np.outer(share, share)
    np.testing.assert_allclose(second(mg.logsumexp, moved), hessian, atol=rtol)


@pytest.mark.parametrize("far", [-1e4, 1e4])
def test_softmax_of_far_apart_logits(far: float) -> None:
    x = np.array([0.0, far])
    winner = np.array([far < 0, far > 0], float)
    np.testing.assert_array_equal(mg.softmax(x), winner)
    np.testing.assert_array_equal(mg.log_softmax(x), np.array([min(-far, 0.0), min(far, 0.0)]))
    np.testing.assert_array_equal(both_modes(mg.logsumexp, x), winner)
    np.testing.assert_array_equal(second(mg.logsumexp, x), np.zeros((2, 2)))


def test_logsumexp_of_infinities() -> None:
    nothing = np.full(2, -np.inf)
    assert mg.logsumexp(nothing) == -np.inf
    np.testing.assert_array_equal(gradient(mg.logsumexp, nothing), [0.0, 0.0])
    np.testing.assert_array_equal(gradient(mg.logsumexp, np.array([-np.inf, 2.0])), [0.0, 1.0])


def test_logaddexp_of_equal_infinities() -> None:
    for x in (-np.inf, np.inf):
        assert mg.logaddexp(x, x) == x
        assert mg.grad(mg.logaddexp)(x, x).item() == 0.5


# Products with zeros -------------------------------------------------------------------------------

PRODUCTS = {
    "no zero": [2.0, 3.0, 4.0],
    "one zero": [2.0, 0.0, 4.0],
    "two zeros": [0.0, 3.0, 0.0, 5.0],
    "three zeros": [0.0, 0.0, 0.0],
}


def others(x: Any, *left_out: int) -> float:
    return float(np.prod([v for i, v in enumerate(x) if i not in left_out]))


@pytest.mark.parametrize("name", PRODUCTS)
def test_prod_with_zeros_to_second_order(name: str) -> None:
    x = np.array(PRODUCTS[name])
    n = len(x)
    np.testing.assert_allclose(both_modes(mg.prod, x), [others(x, i) for i in range(n)], rtol=1e-15)
    expected = [[0.0 if i == j else others(x, i, j) for j in range(n)] for i in range(n)]
    np.testing.assert_allclose(second(mg.prod, x), expected, rtol=1e-15)


@pytest.mark.parametrize("name", PRODUCTS)
def test_cumprod_with_zeros_to_second_order(name: str) -> None:
    x = np.array(PRODUCTS[name])
    n = len(x)
    jacobian = [[others(x[: k + 1], i) if i <= k else 0.0 for i in range(n)] for k in range(n)]
    np.testing.assert_allclose(both_modes(mg.cumprod, x), jacobian, rtol=1e-15)
    expected = np.zeros((n, n))
    for k in range(n):
        for i in range(k + 1):
            for j in range(k + 1):
                expected[i, j] += others(x[: k + 1], i, j) if i != j else 0.0
    np.testing.assert_allclose(second(lambda x: mg.cumprod(x).sum(), x), expected, rtol=1e-15)


def test_a_float32_product_may_pass_what_float32_cannot_hold() -> None:
    x = np.array([1e30, 1e30, 1e-30, 1e-30], np.float32)
    np.testing.assert_allclose(mg.prod(x), 1.0, rtol=1e-6)


# Roots and powers at zero ------------------------------------------------------------------------


@quiet
def test_sqrt_at_zero_is_documented() -> None:
    assert mg.grad(mg.sqrt)(0.0).item() == np.inf
    assert "infinite" in mg.sqrt.primitive.kink


def test_norms_at_zero() -> None:
    zero = np.zeros(3)
    np.testing.assert_array_equal(gradient(mg.linalg.norm, zero), zero)
    np.testing.assert_array_equal(gradient(lambda x: mg.hypot(x[0], x[1]), zero), zero)


@quiet
@pytest.mark.parametrize(
    ("exponent", "slope"), [(0, 0.0), (1, 1.0), (2, 0.0), (0.5, np.inf), (0.0, 0.0), (1.0, 1.0)]
)
def test_pow_at_zero(exponent: Any, slope: float) -> None:
    assert mg.grad(lambda x: x**exponent)(0.0).item() == slope
    array = np.array(float(exponent))
    assert mg.grad(mg.power)(0.0, array).item() == slope
    assert mg.grad(mg.power, argnums=1)(0.0, array).item() == 0.0
    assert mg.jvp(lambda x: mg.power(x, array), (0.0,), (1.0,))[1].item() == slope


def test_pow_at_zero_to_second_order() -> None:
    assert [second(lambda x, n=n: x**n, 0.0) for n in (0, 1, 2, 3)] == [0.0, 0.0, 2.0, 0.0]


# Spread ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0.0, 0.1, 1e8, -1e-30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_std_of_a_constant(value: float, dtype: Any) -> None:
    x = np.full((7, 3), value, dtype)  # the mean of seven tenths is not exactly a tenth
    np.testing.assert_array_equal(mg.var(x, axis=0), np.zeros(3))
    np.testing.assert_array_equal(mg.std(x, axis=0), np.zeros(3))
    np.testing.assert_array_equal(gradient(lambda x: mg.std(x, axis=0), x), np.zeros((7, 3)))
    assert not second(lambda x: mg.std(x), x[:, 0]).any()


def test_std_of_a_constant_next_to_another_column() -> None:
    x = np.array([[1.0, 1.0], [1.0, 3.0]])
    np.testing.assert_allclose(gradient(lambda x: mg.std(x, axis=0), x), [[0.0, -0.5], [0.0, 0.5]])


@pytest.mark.parametrize(("dtype", "step"), [(np.float64, 1.0), (np.float32, 8.0)])
def test_var_at_a_large_offset(dtype: Any, step: float) -> None:
    """Around 1e8 float32 has only multiples of eight; of these, too, the variance is exact."""
    small = np.arange(-50, 51, dtype=dtype) * dtype(step)
    moved = small + dtype(1e8)
    np.testing.assert_array_equal(moved - dtype(1e8), small)
    eps = np.finfo(dtype).eps
    exact = np.var(small.astype(np.longdouble))
    np.testing.assert_allclose(mg.var(moved), float(exact), rtol=4 * eps)
    np.testing.assert_allclose(mg.std(moved), float(np.sqrt(exact)), rtol=4 * eps)
    np.testing.assert_allclose(
        gradient(mg.var, moved), 2 * small / dtype(small.size), rtol=8 * eps, atol=eps * step
    )


def test_var_in_half_precision_does_not_overflow() -> None:
    x = np.array([-200.0, 200.0], np.float16)
    assert mg.var(x).dtype == np.float16
    assert mg.var(x) == 4e4


# Smooth at zero, to every order ---------------------------------------------------------------------


def test_sinc_at_zero() -> None:
    f, expected = mg.sinc, [1.0, 0.0, -(np.pi**2) / 3, 0.0, np.pi**4 / 5, 0.0, -(np.pi**6) / 7]
    for value in expected:
        np.testing.assert_allclose(float(f(0.0)), value, rtol=1e-14)
        f = mg.grad(f)


@pytest.mark.parametrize("order", range(5))
def test_sinc_where_series_and_recurrence_meet(order: int) -> None:
    border = (1.0 + order / 2) / np.pi
    f = mg.sinc
    for _ in range(order):
        f = mg.grad(f)
    below, above = float(f(border * (1 - 1e-15))), float(f(border * (1 + 1e-15)))
    np.testing.assert_allclose(below, above, rtol=1e-12)


@pytest.mark.parametrize("x", [1e200, -1e200, 1e-200])
def test_angles_and_lengths_of_extreme_sides(x: float) -> None:
    np.testing.assert_allclose(mg.grad(mg.hypot)(x, abs(x)).item(), np.sign(x) / np.sqrt(2))
    np.testing.assert_allclose(mg.grad(mg.arctan2)(x, abs(x)).item(), 0.5 / abs(x))
    assert np.isfinite(mg.grad(mg.arcsinh)(x).item())


# The branch not taken ------------------------------------------------------------------------------


@quiet
def test_where_with_nan_in_the_branch_not_taken() -> None:
    x = np.array([1.0, -1.0])

    def f(x: Any) -> Any:
        return mg.where(x > 0, mg.log(mg.where(x > 0, x, 1.0)), x * x).sum()

    np.testing.assert_array_equal(gradient(f, x), [1.0, -2.0])
    np.testing.assert_array_equal(second(f, x), [[-1.0, 0.0], [0.0, 2.0]])


@pytest.mark.parametrize("first", [1e20, np.nan, np.inf, -5.0])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_where_leaves_out_of_a_variance_does_not_matter(first: float) -> None:
    mask = np.array([False, True, True, True])
    x = np.array([first, 1.0, 2.0, 4.0])
    f = lambda q: mg.var(q, where=mask)  # noqa: E731
    np.testing.assert_allclose(f(mg.tensor(x)), np.var(x[1:]), rtol=1e-14)
    np.testing.assert_allclose(mg.std(mg.tensor(x), where=mask, ddof=1), np.std(x[1:], ddof=1))
    expected = 2 / 3 * (x[1:] - x[1:].mean())
    np.testing.assert_allclose(mg.grad(f)(mg.tensor(x)), [0.0, *expected], rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(mg.hessian(f)(mg.tensor(x))[1:, 1:], 2 / 3 * (np.eye(3) - 1 / 3))
    given = mg.grad(lambda q: mg.var(q, where=mask, mean=2.0))(mg.tensor(x))
    np.testing.assert_allclose(given, [0.0, *(2 / 3 * (x[1:] - 2.0))])


def test_the_gradient_of_a_float16_mean_is_rounded_once() -> None:
    for count in (100_000, 1_000_000):
        x = mg.tensor(np.ones(count, np.float16), requires_grad=True)
        (mg.mean(x) * 1024.0).backward()
        assert x.grad is not None
        assert x.grad[0].item() == np.float16(1024.0 / count)
