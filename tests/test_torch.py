"""Values, gradients and second gradients against PyTorch, on at least six shapes each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.primitive import REGISTRY
from tests.checks import cases

pytestmark = pytest.mark.torch

SHAPES = [(), (1,), (7,), (3, 4), (2, 1, 3), (2, 3, 2, 2)]
PAIRS = [
    ((), ()),
    ((3, 4), (3, 4)),
    ((3, 4), (4,)),
    ((3, 1), (1, 4)),
    ((), (2, 3)),
    ((2, 1, 3), (4, 1)),
]
MATRICES = [
    ((3, 4), (4, 2)), ((4,), (4,)), ((3, 4), (4,)), ((4,), (4, 2)), ((2, 3, 4), (4, 2)), ((2, 1, 3, 4), (5, 4, 2)),
]  # fmt: skip

ELEMENTWISE: dict[str, tuple[Any, Any, tuple[float, float]]] = {
    "exp": (mg.exp, "exp", (-2, 2)), "log": (mg.log, "log", (0.2, 3)), "tanh": (mg.tanh, "tanh", (-2, 2)),
    "sin": (mg.sin, "sin", (-2, 2)), "cos": (mg.cos, "cos", (-2, 2)), "sqrt": (mg.sqrt, "sqrt", (0.2, 3)),
    "sigmoid": (mg.sigmoid, "sigmoid", (-5, 5)), "square": (mg.square, "square", (-2, 2)),
    "negative": (mg.negative, "neg", (-2, 2)), "absolute": (mg.absolute, "abs", (-2, 2)),
    "relu": (mg.relu, "relu", (-2, 2)), "softplus": (mg.softplus, "nn.functional.softplus", (-5, 5)),
    "cube": (lambda x: x**3, lambda x: x**3, (-2, 2)), "square root by power": (lambda x: x**0.5, lambda x: x**0.5, (0.2, 3)),
    "reciprocal": (lambda x: 1.0 / x, lambda x: 1.0 / x, (0.5, 2)), "base two": (lambda x: 2.0**x, lambda x: 2.0**x, (-2, 2)),
    "clipped": (lambda x: mg.maximum(mg.minimum(x, 1.0), -1.0), lambda x: x.clamp(-1.0, 1.0), (-2, 2)),
    "identity": (mg.identity, lambda x: x * 1.0, (-2, 2)),
}  # fmt: skip
BINARY: dict[str, tuple[Any, Any, tuple[float, float]]] = {
    "add": (mg.add, "add", (-2, 2)), "subtract": (mg.subtract, "sub", (-2, 2)),
    "multiply": (mg.multiply, "mul", (-2, 2)), "divide": (mg.divide, "div", (0.5, 2)),
    "power": (mg.power, "pow", (0.5, 2)), "maximum": (mg.maximum, "maximum", (-2, 2)),
    "minimum": (mg.minimum, "minimum", (-2, 2)),
    "where": (lambda x, y: mg.where(x > y, x, y * y), lambda x, y: _torch().where(x > y, x, y * y), (-2, 2)),
}  # fmt: skip
WHOLE: dict[str, tuple[Any, Any]] = {
    "sum": (mg.sum, "sum"), "mean": (mg.mean, "mean"), "max": (mg.max, "amax"), "min": (mg.min, "amin"),
    "logsumexp": (mg.logsumexp, lambda x: x.reshape(-1).logsumexp(0)),
    "variance": (mg.var, lambda x: x.var(correction=0)),
    "deviation": (
        lambda x: mg.std(mg.concatenate([x.reshape(-1), np.arange(3.0)])),
        lambda x: _torch().cat([x.reshape(-1), _torch().arange(3.0).double()]).std(correction=0),
    ),
    "reshape": (lambda x: x.reshape(-1) ** 2, lambda x: x.reshape(-1) ** 2),
    "transpose": (lambda x: x.T**2, lambda x: x.permute(tuple(range(x.ndim))[::-1]) ** 2),
    "softmax": (lambda x: mg.softmax(x.reshape(-1)), lambda x: x.reshape(-1).softmax(0)),
    "log_softmax": (lambda x: mg.log_softmax(x.reshape(-1)), lambda x: x.reshape(-1).log_softmax(0)),
    "stack": (lambda x: mg.stack([x, x * x], axis=-1), lambda x: _torch().stack([x, x * x], dim=-1)),
    "expand": (lambda x: mg.broadcast_to(x, (2, *x.shape)) ** 2, lambda x: x.expand(2, *x.shape) ** 2),
    "cat": (
        lambda x: mg.concatenate([x[None], x[None] ** 2]), lambda x: _torch().cat([x[None], x[None] ** 2]),
    ),
}  # fmt: skip
AXES: dict[str, tuple[Any, Any]] = {
    "sum": (lambda x, a, k: mg.sum(x, axis=a, keepdims=k), lambda x, a, k: x.sum(dim=a, keepdim=k)),
    "mean": (lambda x, a, k: mg.mean(x, axis=a, keepdims=k), lambda x, a, k: x.mean(dim=a, keepdim=k)),
    "max": (lambda x, a, k: mg.max(x, axis=a, keepdims=k), lambda x, a, k: x.amax(dim=a, keepdim=k)),
    "min": (lambda x, a, k: mg.min(x, axis=a, keepdims=k), lambda x, a, k: x.amin(dim=a, keepdim=k)),
    "var": (lambda x, a, k: mg.var(x, axis=a, keepdims=k), lambda x, a, k: x.var(dim=a, correction=0, keepdim=k)),
    "logsumexp": (lambda x, a, k: mg.logsumexp(x, axis=a, keepdims=k), lambda x, a, k: x.logsumexp(dim=a, keepdim=k)),
}  # fmt: skip
INDICES = [
    0,
    -1,
    slice(None, None, 2),
    (slice(None), [0, 2, 2]),
    ([0, 1, 1], [3, 0, 3]),
    (None, 1),
    (..., 2),
]


def _torch() -> Any:
    import torch

    return torch


def peer(name: Any) -> Any:
    if not isinstance(name, str):
        return name
    found = _torch()
    for part in name.split("."):
        found = getattr(found, part)
    return found


def compare(ours: Any, theirs: Any, primals: list[Any]) -> None:
    """Value, gradient of a weighted sum, and gradient of a weighted sum of those gradients."""
    torch = _torch()
    rng = np.random.default_rng(1)
    x = [mg.tensor(p, requires_grad=True) for p in primals]
    t = [torch.tensor(p, requires_grad=True) for p in primals]
    y, u = ours(*x), theirs(*t)
    close(y, u, "value")
    c = np.asarray(rng.standard_normal(y.shape))
    first = mg.grad(lambda *x: (ours(*x) * c).sum(), argnums=tuple(range(len(x))))
    theirs_first = torch.autograd.grad((u * torch.tensor(c)).sum(), t, create_graph=True)
    for one, other in zip(first(*primals), theirs_first, strict=True):
        close(one, other, "gradient")
    w = [np.asarray(rng.standard_normal(p.shape)) for p in primals]

    def along(*x: Any) -> Any:
        return sum(((g * d).sum() for g, d in zip(first(*x), w, strict=True)), mg.tensor(0.0))

    second = mg.grad(along, argnums=tuple(range(len(x))))(*primals)
    total = sum((g * torch.tensor(d)).sum() for g, d in zip(theirs_first, w, strict=True))
    zero = [torch.zeros_like(p) for p in t]
    found = torch.autograd.grad(total, t, allow_unused=True) if total.requires_grad else zero
    for one, other, z in zip(second, found, zero, strict=True):
        close(one, z if other is None else other, "second gradient")
    forward = mg.jvp(first, primals, w)[1]
    for one, other, z in zip(forward, found, zero, strict=True):
        close(one, z if other is None else other, "second gradient, forward over reverse")


def close(ours: Any, theirs: Any, what: str) -> None:
    want = theirs.detach().numpy(force=True)  # PyTorch has zeros that are not stored
    assert ours.shape == want.shape, f"{what}: {ours.shape}, PyTorch {want.shape}"
    size = np.abs(want).max(initial=1e-3)  # zeros may come out as differences of rounding
    np.testing.assert_allclose(ours.numpy(), want, rtol=1e-10, atol=1e-10 * size, err_msg=what)


def draw(domain: tuple[float, float], *shapes: Any) -> list[Any]:
    rng = np.random.default_rng(0)
    return [np.asarray(rng.uniform(*domain, s)) for s in shapes]


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise(name: str) -> None:
    ours, theirs, domain = ELEMENTWISE[name]
    for shape in SHAPES:
        compare(ours, peer(theirs), draw(domain, shape))


@pytest.mark.parametrize("name", BINARY)
def test_binary(name: str) -> None:
    ours, theirs, domain = BINARY[name]
    for shapes in PAIRS:
        compare(ours, peer(theirs), draw(domain, *shapes))


@pytest.mark.parametrize("name", WHOLE)
def test_whole_tensors(name: str) -> None:
    ours, theirs = WHOLE[name]
    for shape in SHAPES:
        compare(ours, peer(theirs), draw((-2, 2), shape))


@pytest.mark.parametrize("name", AXES)
@pytest.mark.parametrize("keepdims", [False, True])
def test_axes(name: str, keepdims: bool) -> None:
    ours, theirs = AXES[name]
    cases = [
        ((3, 4), 0),
        ((3, 4), -1),
        ((2, 3, 4), (0, 2)),
        ((2, 3, 4), 1),
        ((5,), 0),
        ((2, 3, 2, 2), (0, 2, 3)),
    ]
    for shape, axis in cases:
        compare(
            lambda x, a=axis: ours(x, a, keepdims),
            lambda t, a=axis: theirs(t, a, keepdims),
            draw((-2, 2), shape),
        )


def test_matmul() -> None:
    for shapes in MATRICES:
        compare(mg.matmul, _torch().matmul, draw((-2, 2), *shapes))


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_indexing(index: Any) -> None:
    compare(lambda x: x[index] ** 2, lambda t: t[index] ** 2, draw((-2, 2), (3, 4)))


def test_cross_entropy() -> None:
    torch = _torch()
    for n, c in ((1, 2), (5, 3), (4, 10), (2, 2), (7, 4), (3, 5)):
        labels = np.arange(n) % c
        compare(
            lambda x, labels=labels: mg.cross_entropy(x, labels),
            lambda t, labels=labels: torch.nn.functional.cross_entropy(t, torch.tensor(labels)),
            draw((-3, 3), (n, c)),
        )


# Elementwise primitives whose PyTorch namesake cannot be held against them; why.
NOT_NAMESAKES = {
    "heaviside": "PyTorch has no derivative",
    "polygamma": "PyTorch's order is a Python integer",
    "gammaln": "PyTorch's trigamma is right to 3e-10 only; the oracles judge ours to rounding",
    "digamma": "the same",
}
NAMESAKES = {"arctan2": "atan2", "logical_not": "logical_not", "reciprocal": "reciprocal"}


def namesake(name: str) -> Any:
    """PyTorch's function of the same name, if there is one."""
    torch = _torch()
    name = NAMESAKES.get(name, name)
    places = (torch, torch.special, torch.nn.functional)
    return next((getattr(p, name) for p in places if hasattr(p, name)), None)


@pytest.mark.parametrize(
    "primitive",
    [p for p in REGISTRY.values() if p.family == "elementwise" and p.name not in NOT_NAMESAKES],
    ids=lambda p: p.name,
)
def test_elementwise_primitives_on_their_samples(primitive: Any) -> None:
    """Whatever the registry holds and PyTorch has under the same name, on the registry's samples."""
    theirs = namesake(primitive.function.__name__)
    if theirs is None:
        return
    for case in cases(primitive):
        constant = len(case.primals) != len(primitive.rules)  # a condition, a Python number
        if not constant and all(p.size for p in case.primals):
            compare(case.call, theirs, case.primals)


def test_ties_as_in_pytorch() -> None:
    """At kinks, too: maximum and amax split evenly, relu and abs give zero."""
    torch = _torch()
    tie = np.array([[1.0, 2.0, 2.0], [0.0, 0.0, -0.0]])
    for ours, theirs in (
        (lambda x: mg.max(x, axis=1), lambda t: t.amax(dim=1)),
        (lambda x: mg.min(x, axis=0), lambda t: t.amin(dim=0)),
        (lambda x: mg.maximum(x, 2.0), lambda t: torch.maximum(t, torch.tensor(2.0).double())),
        (mg.relu, torch.relu),
        (mg.abs, torch.abs),
        (lambda x: x**2, lambda t: t**2),
        (lambda x: x**0, lambda t: t**0),
    ):
        x, t = mg.tensor(tie, requires_grad=True), torch.tensor(tie, requires_grad=True)
        ours(x).sum().backward()
        theirs(t).sum().backward()
        np.testing.assert_array_equal(x.grad.numpy(), t.grad.numpy())
