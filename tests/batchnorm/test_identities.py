"""The exact identities of batch normalization, A1 to A11, in float64 to rounding.

S0 to S3 are the source texts: S0 a blog on the paper, S1 a glossary, S2 the deep learning book,
S3 a course.  Tolerances are relative to the deviation of the feature, as 1/s multiplies rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg

BOTH = pytest.mark.parametrize(
    "bn", [mg.batchnorm.composed, mg.batchnorm.fused], ids=["composed", "fused"]
)
M, C = 12, 3


@pytest.fixture
def x(rng: np.random.Generator) -> Any:
    return rng.normal(3.0, 2.0, (M, C))


def by_hand(x: Any, gamma: Any, beta: Any, eps: float) -> Any:
    """Algorithm 1 with Python's loops and exact sums: shares nothing with minigrad."""
    import math

    y = np.empty_like(x)
    for j in range(x.shape[1]):
        column = [float(v) for v in x[:, j]]
        mean = math.fsum(column) / len(column)
        variance = math.fsum((v - mean) ** 2 for v in column) / len(column)
        for i, v in enumerate(column):
            y[i, j] = gamma[j] * (v - mean) / math.sqrt(variance + eps) + beta[j]
    return y


@BOTH
def test_a1_the_formulas(bn: Callable[..., Any], x: Any, rng: np.random.Generator) -> None:
    gamma, beta = rng.uniform(0.5, 1.5, C), rng.standard_normal(C)
    y, mean, variance = bn(mg.tensor(x), gamma, beta, 1e-3, return_statistics=True)
    np.testing.assert_allclose(y.data, by_hand(x, gamma, beta, 1e-3), rtol=0, atol=5e-15)
    np.testing.assert_allclose(mean.data, x.mean(axis=0), rtol=1e-15)
    np.testing.assert_allclose(variance.data, x.var(axis=0), rtol=1e-14)  # biased: 1/m


@BOTH
def test_a2_gamma_and_beta_restore_the_input(bn: Callable[..., Any], x: Any) -> None:
    eps = 1e-5
    beta, variance = x.mean(axis=0), x.var(axis=0)
    y = bn(mg.tensor(x), np.sqrt(variance + eps), beta, eps)
    np.testing.assert_allclose(y.data, x, atol=1e-14)
    # With the paper's gamma = sqrt(variance), eps shows: the deviation shrinks by eps / (2 variance).
    paper = bn(mg.tensor(x), np.sqrt(variance), beta, eps).data
    error = np.abs(paper - x).max()
    expected = np.abs((x - beta) * (np.sqrt(variance / (variance + eps)) - 1)).max()
    assert error == pytest.approx(expected, rel=1e-6)
    assert error > 1e-7


@BOTH
def test_a3_mean_zero_and_variance_just_below_one(bn: Callable[..., Any], x: Any) -> None:
    eps = 0.1
    y = bn(mg.tensor(x), eps=eps).data
    variance = x.var(axis=0)
    np.testing.assert_allclose(y.mean(axis=0), 0.0, atol=1e-15)
    np.testing.assert_allclose(y.var(axis=0), 1 - eps / (variance + eps), rtol=1e-14)


@BOTH
def test_a4_beta_alone_sets_the_mean(bn: Callable[..., Any], x: Any) -> None:
    gamma, beta, eps = np.array([0.5, -1.0, 2.0]), np.array([7.0, 0.0, -3.0]), 1e-5
    for below in (x, 5.0 * x + 100.0, -0.1 * x):  # whatever the layer below does
        y = bn(mg.tensor(below), gamma, beta, eps).data
        np.testing.assert_allclose(y.mean(axis=0), beta, atol=2e-14)
        sigma = below.std(axis=0)
        np.testing.assert_allclose(
            y.std(axis=0), np.abs(gamma) * sigma / np.sqrt(sigma**2 + eps), rtol=1e-13
        )


@BOTH
@pytest.mark.parametrize("deviation", [1.0, 1e-3])
def test_a5_the_gradient_never_moves_the_mean(
    bn: Callable[..., Any], deviation: float, rng: np.random.Generator
) -> None:
    x, dy = deviation * rng.standard_normal((M, C)), rng.standard_normal((M, C))
    gamma = rng.uniform(0.5, 1.5, C)
    for eps in (0.0, 1e-5, 0.1, 0.6):
        dx = mg.grad(lambda x, eps=eps: (bn(x, gamma, eps=eps) * dy).sum())(x).data
        s = np.sqrt(x.var(axis=0) + eps)
        x_hat = (x - x.mean(axis=0)) / s
        dgamma = (dy * x_hat).sum(axis=0)
        scale = 1e-14 * M / s
        assert (np.abs(dx.sum(axis=0)) <= scale).all()
        along = (dx * x_hat).sum(axis=0)
        assert (np.abs(along - eps / s**3 * gamma * dgamma) <= 10 * scale).all()
        # The squared length of what survives (Santurkar's Theorem 4.1 at eps = 0).
        left = (dx**2).sum(axis=0)
        right = (gamma / s) ** 2 * (
            (dy**2).sum(axis=0) - M * dy.mean(axis=0) ** 2 - (1 + eps / s**2) * dgamma**2 / M
        )
        np.testing.assert_allclose(left, right, rtol=1e-11)


@BOTH
def test_a5_fails_with_statistics_held_constant(
    bn: Callable[..., Any], x: Any, rng: np.random.Generator
) -> None:
    """The contrast: without the gradient through the statistics, dx is gamma dy / s."""
    dy = rng.standard_normal((M, C))
    dx = mg.grad(lambda x: (bn(x, through_statistics=False) * dy).sum())(x).data
    np.testing.assert_allclose(dx, dy / np.sqrt(x.var(axis=0) + 1e-5), rtol=1e-13)
    assert np.abs(dx.sum(axis=0)).min() > 1e-3


@BOTH
def test_a6_a_bias_before_batch_norm_is_dead(
    bn: Callable[..., Any], x: Any, rng: np.random.Generator
) -> None:
    weight, dy = rng.standard_normal((C, 4)), rng.standard_normal((M, 4))
    db = mg.grad(lambda b: (bn(x @ weight + b) * dy).sum())(rng.standard_normal(4)).data
    assert np.abs(db).max() < 1e-14


@BOTH
def test_a7_the_scale_of_the_weights_does_not_matter(
    bn: Callable[..., Any], x: Any, rng: np.random.Generator
) -> None:
    weight, dy, a = rng.standard_normal((C, 4)), rng.standard_normal((M, 4)), 7.0

    def f(w: Any) -> Any:
        return bn(x @ w, eps=0.0)

    np.testing.assert_allclose(f(mg.tensor(a * weight)).data, f(mg.tensor(weight)).data, rtol=1e-12)
    dw = mg.grad(lambda w: (f(w) * dy).sum())
    np.testing.assert_allclose(dw(a * weight).data, dw(weight).data / a, rtol=1e-11, atol=1e-14)
    assert abs(float((dw(weight).data * weight).sum())) < 1e-13  # SGD never shrinks the weights


@BOTH
def test_a8_a_network_is_a_stack_of_sub_networks(
    bn: Callable[..., Any], x: Any, rng: np.random.Generator
) -> None:
    """S3: cut after any layer, feed the activation to the rest: the gradients are the same bits."""
    weights = [rng.standard_normal((C, C)) for _ in range(3)]

    def rest(h: Any, layers: list[Any]) -> Any:
        for w in layers:
            h = mg.tanh(bn(h @ w))
        return (h * h).mean()

    whole = mg.grad(lambda *ws: rest(mg.as_tensor(x), list(ws)), argnums=(0, 1, 2))(*weights)
    for cut in (1, 2):
        h = mg.as_tensor(x)
        for w in weights[:cut]:
            h = mg.tanh(bn(h @ w))
        top = mg.grad(lambda *ws, h=h: rest(h.detach(), list(ws)), argnums=tuple(range(3 - cut)))
        for alone, together in zip(top(*weights[cut:]), whole[cut:], strict=True):
            np.testing.assert_array_equal(alone.data, together.data)


@BOTH
def test_a9_feature_maps_share_one_mean_and_deviation(
    bn: Callable[..., Any], rng: np.random.Generator
) -> None:
    x, dy = rng.normal(3.0, 2.0, (4, C, 5, 6)), rng.standard_normal((4, C, 5, 6))
    gamma, beta = rng.uniform(0.5, 1.5, C), rng.standard_normal(C)

    def maps(x: Any, gamma: Any, beta: Any) -> Any:
        return bn(x, gamma, beta, axis=(0, 2, 3))

    def flat(x: Any, gamma: Any, beta: Any) -> Any:
        rows = bn(x.transpose((0, 2, 3, 1)).reshape(-1, C), gamma, beta)
        return rows.reshape(4, 5, 6, C).transpose((0, 3, 1, 2))

    args = (x, gamma, beta)
    np.testing.assert_allclose(
        maps(*map(mg.tensor, args)).data, flat(*map(mg.tensor, args)).data, atol=1e-14
    )
    gradients = [
        mg.grad(lambda *a, f=f: (f(*a) * dy).sum(), argnums=(0, 1, 2))(*args) for f in (maps, flat)
    ]
    for one, other in zip(*gradients, strict=True):
        np.testing.assert_allclose(one.data, other.data, atol=1e-13)
    # A shift of the picture (circular) only shifts the result; per-location statistics would not.
    shifted = maps(mg.tensor(np.roll(x, (1, 2), axis=(2, 3))), gamma, beta).data
    np.testing.assert_allclose(
        shifted, np.roll(maps(mg.tensor(x), gamma, beta).data, (1, 2), (2, 3)), atol=1e-14
    )
    per_location = bn(mg.tensor(x), axis=0).data
    assert np.abs(per_location - maps(mg.tensor(x), None, None).data).max() > 0.5


def test_a10_broadcasting_over_rows_is_in_the_graph(x: Any) -> None:
    graph = str(mg.trace(lambda x, g, b: mg.batchnorm.composed(x, g, b), x, np.ones(C), np.zeros(C)))
    for op in ("mean", "sub", "pow", "sqrt", "div", "broadcast", "mul", "add"):
        assert f"{op}(" in graph, op
    y = mg.batchnorm.composed(mg.tensor(x, requires_grad=True))
    div = y.node
    assert div is not None
    assert [p.op for p in div.parents] == ["sub", "broadcast"]
    # The cotangent of the broadcast is the sum over the rows.
    s = mg.grad(lambda s: (x / s).sum())(np.ones(C)).data
    np.testing.assert_allclose(s, -x.sum(axis=0), rtol=1e-14)


@BOTH
def test_a11_inference_is_one_affine_map(
    bn: Callable[..., Any], x: Any, rng: np.random.Generator
) -> None:
    mean, variance = rng.standard_normal(C), rng.uniform(0.5, 2.0, C)
    gamma, beta, eps = rng.uniform(0.5, 1.5, C), rng.standard_normal(C), 1e-5
    weight, bias = rng.standard_normal((5, C)), rng.standard_normal(C)
    u = rng.standard_normal((M, 5))

    def infer(x: Any) -> Any:
        return bn(x, gamma, beta, eps, mean=mean, variance=variance)

    scale = gamma / np.sqrt(variance + eps)
    folded = u @ (weight * scale) + (beta + (bias - mean) * scale)
    np.testing.assert_allclose(infer(mg.tensor(u) @ weight + bias).data, folded, atol=1e-14)
    # Batch mates do not matter, and dx = gamma dy / sqrt(variance + eps).
    np.testing.assert_array_equal(infer(mg.tensor(x)).data[:2], infer(mg.tensor(x[:2])).data)
    dy = rng.standard_normal((M, C))
    dx = mg.grad(lambda x: (infer(x) * dy).sum())(x).data
    np.testing.assert_allclose(dx, dy * scale, rtol=1e-13)
    # In training, batch mates do matter.
    assert np.abs(bn(mg.tensor(x)).data[:2] - bn(mg.tensor(x[:4])).data[:2]).max() > 1e-2
