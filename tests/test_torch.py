"""Values, gradients and second gradients against PyTorch, on at least six shapes each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.primitive import REGISTRY
from minigrad.tensor import FUNCTIONS
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
    "power, cube": (lambda x: x**3, lambda x: x**3, (-2, 2)), "power, root": (lambda x: x**0.5, lambda x: x**0.5, (0.2, 3)),
    "reciprocal": (lambda x: 1.0 / x, lambda x: 1.0 / x, (0.5, 2)), "power, of two": (lambda x: 2.0**x, lambda x: 2.0**x, (-2, 2)),
    "clip, by maximum and minimum": (lambda x: mg.maximum(mg.minimum(x, 1.0), -1.0), lambda x: x.clamp(-1.0, 1.0), (-2, 2)),
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
    "var": (mg.var, lambda x: x.var(correction=0)),
    "std": (
        lambda x: mg.std(mg.concatenate([x.reshape(-1), np.arange(3.0)])),
        lambda x: _torch().cat([x.reshape(-1), _torch().arange(3.0).double()]).std(correction=0),
    ),
    "reshape": (lambda x: x.reshape(-1) ** 2, lambda x: x.reshape(-1) ** 2),
    "transpose": (lambda x: x.T**2, lambda x: x.permute(tuple(range(x.ndim))[::-1]) ** 2),
    "softmax": (lambda x: mg.softmax(x.reshape(-1)), lambda x: x.reshape(-1).softmax(0)),
    "log_softmax": (lambda x: mg.log_softmax(x.reshape(-1)), lambda x: x.reshape(-1).log_softmax(0)),
    "stack": (lambda x: mg.stack([x, x * x], axis=-1), lambda x: _torch().stack([x, x * x], dim=-1)),
    "broadcast_to": (lambda x: mg.broadcast_to(x, (2, *x.shape)) ** 2, lambda x: x.expand(2, *x.shape) ** 2),
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


# Elementwise primitives whose PyTorch namesake cannot be held against them like the others; how.
NOT_NAMESAKES = {
    "heaviside": "PyTorch has no derivative: test_heaviside",
    "polygamma": "an order comes first: test_gamma_functions",
    "gammaln": "PyTorch's trigamma is exact for large arguments only: test_gamma_functions",
    "digamma": "the same",
    "where": "a condition comes first: tests/ops/test_against_torch.py",
    "clip": "three inputs: the same",
}


def namesake(function: Any) -> Any:
    """PyTorch's function of one of the names of ours, if there is one."""
    torch = _torch()
    names = [name for name, other in FUNCTIONS.items() if other is function]
    places = (torch, torch.special, torch.nn.functional)
    return next((getattr(p, n) for n in names for p in places if hasattr(p, n)), None)


def namesakes() -> dict[str, tuple[Any, Any]]:
    """The elementwise primitives that PyTorch also has: the primitive and PyTorch's function."""
    found = {p.name: (p, namesake(p.function)) for p in REGISTRY.values() if p.family == "elementwise"}
    return {name: pair for name, pair in found.items() if pair[1] and name not in NOT_NAMESAKES}


def shapes_of(primitive: Any) -> Any:
    """What shapes its inputs have in the comparison."""
    return PAIRS if len(primitive.rules) == 2 else [(shape,) for shape in SHAPES]


def test_elementwise_primitives() -> None:
    """Whatever the registry holds and PyTorch has under the same name, at values of its samples."""
    assert len(namesakes()) > 45
    for name, (primitive, theirs) in namesakes().items():
        whole = [c.primals for c in cases(primitive) if len(c.primals) == len(primitive.rules)]
        slots = [np.concatenate([p.ravel() for p in slot]) for slot in zip(*whole, strict=True)]
        if len(slots) == 2:  # neither ties nor zeros, where a choice is made
            slots = [values[values != 0] for values in slots]
            slots[1] = slots[1] + 2.0**-7
        rng = np.random.default_rng(2)
        for shapes in shapes_of(primitive):
            primals = [np.asarray(rng.choice(v, s)) for v, s in zip(slots, shapes, strict=True)]
            try:
                compare(primitive.function, theirs, primals)
            except AssertionError as error:
                raise AssertionError(f"{name} at {shapes}: {error}") from error


GAMMAS: dict[str, tuple[Any, Any]] = {
    "gammaln": (mg.gammaln, "lgamma"), "digamma": (mg.digamma, "digamma"),
    "polygamma": (lambda x: mg.polygamma(1, x), lambda t: _torch().polygamma(1, t)),
    "polygamma, 2": (lambda x: mg.polygamma(2, x), lambda t: _torch().polygamma(2, t)),
    "polygamma, 3": (lambda x: mg.polygamma(3, x), lambda t: _torch().polygamma(3, t)),
}  # fmt: skip


@pytest.mark.parametrize("name", GAMMAS)
def test_gamma_functions(name: str) -> None:
    """Where PyTorch's trigamma, a short series, is exact; the oracles judge ours everywhere."""
    ours, theirs = GAMMAS[name]
    for shape in SHAPES:
        compare(ours, peer(theirs), draw((12, 40), shape))


def test_heaviside() -> None:
    torch = _torch()
    for shapes in PAIRS:
        x, y = draw((-2, 2), *shapes)
        x = np.asarray(np.round(x))  # with zeros
        close(mg.heaviside(mg.tensor(x), y), torch.heaviside(torch.tensor(x), torch.tensor(y)), "value")


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
