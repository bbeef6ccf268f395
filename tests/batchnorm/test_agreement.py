"""Composed against fused against independent oracles, first and second order."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import minigrad as mg

LAYOUTS = [((7, 3), 0), ((4, 3, 5, 2), (0, 2, 3)), ((3, 6), 1), ((2, 4, 3), (0, 1)), ((2, 3), 0)]
each_layout = pytest.mark.parametrize(("shape", "axis"), LAYOUTS, ids=str)
BOTH = pytest.mark.parametrize(
    "bn", [mg.batchnorm.composed, mg.batchnorm.fused], ids=["composed", "fused"]
)
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}


def problem(shape: Any, axis: Any, dtype: str = "float64", seed: int = 0) -> Any:
    """x, gamma, beta and a cotangent."""
    rng = np.random.default_rng(seed)
    reduced = (axis,) if isinstance(axis, int) else axis
    features = tuple(n for i, n in enumerate(shape) if i not in reduced)
    parts = (
        rng.normal(3.0, 2.0, shape),
        rng.uniform(0.5, 1.5, features),
        rng.standard_normal(features),
        rng.standard_normal(shape),
    )
    return [part.astype(dtype) for part in parts]


def gradients(bn: Callable[..., Any], args: Any, dy: Any, axis: Any, eps: float) -> Any:
    """First derivatives, and second ones: the gradient of a projection of the first."""

    def first(*args: Any) -> Any:
        return mg.grad(lambda *a: (bn(*a, eps, axis) * dy).sum(), argnums=(0, 1, 2))(*args)

    def projected(*args: Any) -> Any:
        total: Any = 0.0
        for k, g in enumerate(first(*args)):
            total = total + (g * np.cos(np.arange(g.size) + k).reshape(g.shape).astype(g.dtype)).sum()
        return total

    return [g.data for g in first(*args)], [
        g.data for g in mg.grad(projected, argnums=(0, 1, 2))(*args)
    ]


def close(got: Any, expected: Any, tolerance: float) -> None:
    """Relative to the largest entry; what cancels exactly is measured against one."""
    assert got.shape == expected.shape
    bound = tolerance * max(float(np.abs(expected).max(initial=0.0)), 1.0 if tolerance < 1e-8 else 1e-2)
    assert np.abs(np.asarray(got, "f8") - np.asarray(expected, "f8")).max(initial=0.0) <= bound


@each_layout
@pytest.mark.parametrize("eps", [1e-5, 0.1, 0.6])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_composed_and_fused_agree_to_second_order(
    shape: Any, axis: Any, eps: float, dtype: str
) -> None:
    *args, dy = problem(shape, axis, dtype)
    pair = [gradients(bn, args, dy, axis, eps) for bn in (mg.batchnorm.composed, mg.batchnorm.fused)]
    for composed, fused in zip(*pair, strict=True):
        for one, other in zip(composed, fused, strict=True):
            assert one.dtype == other.dtype == dtype
            close(one, other, TOLERANCE[dtype])


@BOTH
@each_layout
@pytest.mark.torch
def test_first_and_second_order_are_pytorchs(bn: Callable[..., Any], shape: Any, axis: Any) -> None:
    import torch

    *args, dy = problem(shape, axis)
    reduced = (axis,) if isinstance(axis, int) else axis
    kept = [i for i in range(len(shape)) if i not in reduced]
    to_torch = [torch.tensor(a, requires_grad=True) for a in args]
    x, gamma, beta = to_torch
    flat = x.permute(*reduced, *kept).reshape(-1, gamma.numel())
    y = torch.nn.functional.batch_norm(
        flat, None, None, gamma.reshape(-1), beta.reshape(-1), True, 0.1, 0.01
    )
    y = y.reshape([shape[i] for i in (*reduced, *kept)]).permute(
        *[(*reduced, *kept).index(i) for i in range(len(shape))]
    )
    first = torch.autograd.grad(y, to_torch, torch.tensor(dy), create_graph=True)
    total = sum(
        (g * torch.cos(torch.arange(g.numel(), dtype=g.dtype) + k).reshape(g.shape)).sum()
        for k, g in enumerate(first)
    )
    second = torch.autograd.grad(total, to_torch, allow_unused=True)
    np.testing.assert_allclose(
        bn(mg.tensor(args[0]), *args[1:], 0.01, axis).data, y.detach(), atol=1e-12
    )
    ours = gradients(bn, args, dy, axis, 0.01)
    for got, expected in zip(ours[0], first, strict=True):
        close(got, expected.detach().numpy(), 1e-12)
    for got, expected in zip(ours[1], second, strict=True):
        close(got, np.zeros(got.shape) if expected is None else expected.numpy(), 1e-12)


@BOTH
@each_layout
def test_the_gradient_is_the_complex_step(bn: Callable[..., Any], shape: Any, axis: Any) -> None:
    *args, dy = problem(shape, axis)
    rng = np.random.default_rng(1)
    first, _ = gradients(bn, args, dy, axis, 1e-3)
    for k, g in enumerate(first):
        direction = rng.standard_normal(g.shape)
        moved = [a + 1e-40j * direction if i == k else a for i, a in enumerate(args)]
        expected = (bn(*moved, 1e-3, axis) * dy).sum().imag / 1e-40
        assert (g * direction).sum() == pytest.approx(expected, rel=1e-12, abs=1e-12)


@BOTH
def test_second_order_by_the_closed_form(bn: Callable[..., Any], rng: np.random.Generator) -> None:
    """H u = -(1/s^2) (a Pu + b Pg + (k - 3ab) x-hat), with constant g, on one feature."""
    x, g, u, eps = *(rng.standard_normal(9) for _ in range(3)), 0.05
    s = np.sqrt(x.var() + eps)
    h = (x - x.mean()) / s
    pg, pu = g - g.mean(), u - u.mean()
    a, b, k = (g * h).mean(), (u * h).mean(), (pg * pu).mean()
    expected = -(a * pu + b * pg + (k - 3 * a * b) * h) / s**2
    hu = mg.hvp(lambda x: (bn(x, eps=eps) * g).sum(), (x,), (u,))
    np.testing.assert_allclose(hu.data, expected, atol=1e-14)


@BOTH
@each_layout
def test_statistics_are_differentiable_too(bn: Callable[..., Any], shape: Any, axis: Any) -> None:
    x = problem(shape, axis)[0]

    def by_statistics(x: Any) -> Any:
        _, mean, variance = bn(x, eps=1e-3, axis=axis, return_statistics=True)
        return (mean**2).sum() + (variance**3).sum()

    def directly(x: Any) -> Any:
        return (x.mean(axis=axis) ** 2).sum() + (x.var(axis=axis) ** 3).sum()

    np.testing.assert_allclose(
        mg.grad(by_statistics)(x).data, mg.grad(directly)(x).data, rtol=1e-12, atol=1e-13
    )
    tangent = np.cos(np.arange(x.size)).reshape(x.shape)
    np.testing.assert_allclose(
        mg.jvp(by_statistics, (x,), (tangent,))[1].data,
        (mg.grad(directly)(x).data * tangent).sum(),
        rtol=1e-11,
    )


@BOTH
def test_constant_statistics_are_constant_when_returned(bn: Callable[..., Any]) -> None:
    x = problem((5, 3), 0)[0]

    def statistics(x: Any) -> Any:
        return bn(x, through_statistics=False, return_statistics=True)[1:]

    for pushed in mg.jvp(statistics, (x,), (np.ones_like(x),))[1]:
        np.testing.assert_array_equal(pushed.data, 0.0)
    given = bn(x, mean=np.zeros(3), variance=np.ones(3), return_statistics=True)
    np.testing.assert_array_equal(given[2], np.ones(3))


@BOTH
@each_layout
def test_forward_mode_is_the_transpose(bn: Callable[..., Any], shape: Any, axis: Any) -> None:
    *args, dy = problem(shape, axis)
    tangents = problem(shape, axis, seed=5)[:3]
    _, pushed = mg.jvp(lambda *a: bn(*a, 1e-3, axis), args, tangents)
    _, pull = mg.vjp(lambda *a: bn(*a, 1e-3, axis), *args)
    right = sum(float((g.data * t).sum()) for g, t in zip(pull(dy), tangents, strict=True))
    assert float((pushed.data * dy).sum()) == pytest.approx(right, rel=1e-13, abs=1e-13)


@pytest.mark.parametrize("affine", ["none", "gamma", "beta"])
def test_without_scale_or_shift(affine: str, rng: np.random.Generator) -> None:
    x, dy, v = rng.standard_normal((6, 2)), rng.standard_normal((6, 2)), np.array([2.0, 3.0])
    given = {} if affine == "none" else {affine: v}
    full = {"gamma": np.ones(2), "beta": np.zeros(2)} | given
    for bn in (mg.batchnorm.composed, mg.batchnorm.fused):
        for options in ({}, {"mean": np.zeros(2), "variance": np.ones(2)}):
            results = []
            for affine_arguments in (given, full):
                y, pull = mg.vjp(partial(bn, **affine_arguments, **options), x)
                results.append((y.data, pull(dy)[0].data))
            for one, other in zip(*results, strict=True):
                np.testing.assert_allclose(one, other, atol=1e-14)


@BOTH
def test_half_precision_computes_in_single(bn: Callable[..., Any], rng: np.random.Generator) -> None:
    x = rng.normal(100.0, 1.0, (512, 2)).astype(np.float16)
    y = bn(mg.tensor(x)).data
    assert y.dtype == np.float16
    exact = (x.astype(float) - x.astype(float).mean(axis=0)) / x.astype(float).std(axis=0)
    # Composed rounds the mean to float16 (half a step of 0.0625 at 100); fused does not.
    assert np.abs(y - exact).max() < (0.04 if bn is mg.batchnorm.composed else 4e-3)
