"""matmul's relatives against NumPy, against their own linearity in each operand, and PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests import checks
from tests.ops.agreement import agree_with_torch, close

PAIRS: dict[str, list[tuple[Any, ...]]] = {
    "dot": [
        ((), ()), ((), (3,)), ((2, 3), ()), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)),
        ((2, 3), (3, 4)), ((2, 3), (5, 3, 4)), ((2, 2, 3), (5, 3, 4)), ((3,), (2, 3, 4)),
        ((2, 4, 3), (3,)), ((0, 3), (3, 2)),
    ],
    "inner": [
        ((), ()), ((3,), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 3), (4, 3)), ((2, 5, 3), (4, 3)),
        ((3,), (4, 2, 3)), ((2, 0), (3, 0)),
    ],
    "outer": [((), ()), ((3,), (2,)), ((2, 2), (3,)), ((2, 2), (2, 1, 3)), ((1,), (4,)), ((0,), (3,))],
    "vdot": [((), ()), ((3,), (3,)), ((2, 3), (3, 2)), ((4,), (2, 2)), ((1,), ()), ((0,), (0, 2))],
    "kron": [
        ((), ()), ((3,), (2,)), ((2, 2), (3, 1)), ((2, 2), (3,)), ((3,), (2, 2)), ((), (2, 2)),
        ((2, 1, 2), (2, 3)), ((2, 0), (3, 2)),
    ],
    "cross": [
        ((3,), (3,)), ((2, 3), (3,)), ((2, 3), (2, 3)), ((4, 1, 3), (2, 3)), ((0, 3), (3,)),
        ((3,), (2, 2, 3)),
    ],
    "vecdot": [((3,), (3,)), ((2, 3), (3,)), ((2, 1, 3), (4, 3)), ((3,), (2, 3)), ((2, 0), (0,)), ((1,), (1,))],
    "convolve": [((1,), (1,)), ((5,), (3,)), ((3,), (5,)), ((4,), (4,)), ((6,), (1,)), ((), (3,))],
    "correlate": [((1,), (1,)), ((5,), (3,)), ((5,), (5,)), ((2,), (6,)), ((6,), (1,)), ((4,), (2,))],
}  # fmt: skip
EXTRAS: list[tuple[Any, ...]] = [
    ("tensordot", (3, 4), (4, 2), {"axes": 1}),
    ("tensordot", (3, 4), (3, 4), {}),
    ("tensordot", (3, 4), (2,), {"axes": 0}),
    ("tensordot", (2, 3, 4), (4, 3, 5), {"axes": ((1, 2), (1, 0))}),
    ("tensordot", (2, 3, 4), (4, 3, 5), {"axes": [[-2, -1], [-2, 0]]}),
    ("tensordot", (2, 3), (3, 2), {"axes": (1, 0)}),
    ("tensordot", (2, 3), (3, 2), {"axes": (-1, -2)}),
    ("tensordot", (2, 0), (0, 3), {"axes": 1}),
    ("cross", (3, 2), (3, 2), {"axis": 0}),
    ("cross", (3, 2), (4, 2, 3), {"axisa": 0, "axisc": 1}),
    ("cross", (2, 3), (3, 2), {"axisb": 0, "axisc": 0}),
    ("vecdot", (3, 2), (3, 2), {"axis": 0}),
    ("vecdot", (3, 4, 2), (4, 1), {"axis": -2}),
    *[
        (name, one, other, {"mode": mode})
        for name in ("convolve", "correlate")
        for one, other in (((5,), (3,)), ((3,), (5,)), ((4,), (2,)), ((2,), (4,)), ((3,), (3,)))
        for mode in ("full", "same", "valid")
    ],
]
CALLS = [(name, *pair, {}) for name, pairs in PAIRS.items() for pair in pairs] + EXTRAS
calls = pytest.mark.parametrize(
    "call", CALLS, ids=[f"{c[0]} {c[1]} {c[2]} {c[3] or ''}" for c in CALLS]
)


def numpys(name: str) -> Callable[..., Any]:
    """NumPy's function; vecdot as a sum, which takes all its axes in any version."""
    if name == "vecdot":
        return lambda x, y, axis=-1: (np.moveaxis(x, axis, -1) * np.moveaxis(y, axis, -1)).sum(-1)
    return getattr(np, name)  # type: ignore[no-any-return]


@calls
def test_value_is_numpys(call: Any, rng: np.random.Generator) -> None:
    name, one, other, kwargs = call
    x, y = np.asarray(rng.standard_normal(one)), np.asarray(rng.standard_normal(other))
    expected = numpys(name)(x, y, **kwargs)
    function = getattr(mg, name)
    close(function(mg.tensor(x), mg.tensor(y), **kwargs).numpy(), expected, "value", 1e-13)
    close(function(x, mg.tensor(y), **kwargs).numpy(), expected, "array on the left", 1e-13)
    plain = function(x, y, **kwargs)
    assert not isinstance(plain, mg.Tensor)
    close(plain, expected, "plain", 1e-13)


@calls
def test_derivatives_are_those_of_a_bilinear_map(call: Any, rng: np.random.Generator) -> None:
    name, one, other, kwargs = call
    x, y, u, v = (np.asarray(rng.standard_normal(s)) for s in (one, other, one, other))
    numpy = numpys(name)
    expected = numpy(u, y, **kwargs) + numpy(x, v, **kwargs)

    def function(x: Any, y: Any) -> Any:
        return getattr(mg, name)(x, y, **kwargs)

    value, tangent = mg.jvp(function, (x, y), (u, v))
    size = np.abs(expected).max(initial=1.0)
    assert np.abs(tangent.numpy() - expected).max(initial=0.0) <= 1e-13 * size
    g = rng.standard_normal(value.shape)
    dx, dy = mg.vjp(function, x, y)[1](g)
    assert (dx.shape, dy.shape) == (one, other)
    assert (dx.numpy() * u).sum() + (dy.numpy() * v).sum() == pytest.approx(
        (g * expected).sum(), abs=1e-12
    )


@pytest.mark.parametrize("call", EXTRAS[::4] + [(n, *p[1], {}) for n, p in PAIRS.items()])
def test_second_order(call: Any, rng: np.random.Generator) -> None:
    name, one, other, kwargs = call
    arrays = [np.asarray(rng.standard_normal(s)) for s in (one, other)]
    case = checks.Case(name, lambda x, y: getattr(mg, name)(x, y, **kwargs), arrays)
    checks.second_order(case, rng)


def test_half_precision_products_are_summed_in_single() -> None:
    ones = np.ones((1, 5000), np.float16)
    out = mg.matmul(mg.tensor(ones), mg.tensor(ones.T * np.float16(0.1)))
    assert out.dtype == np.float16
    assert out.item() == pytest.approx(500, rel=1e-3)


@pytest.mark.parametrize(
    ("numpy", "shapes"),
    [
        (np.dot, ((2, 3), (3,))), (np.inner, ((3,), (3,))), (np.outer, ((2,), (3,))),
        (np.vdot, ((2,), (2,))), (np.tensordot, ((2, 3), (2, 3))), (np.kron, ((2,), (2,))),
        (np.cross, ((3,), (3,))), (np.convolve, ((3,), (2,))), (np.correlate, ((3,), (2,))),
        (np.vecdot, ((2, 3), (3,))), (np.matmul, ((2, 3), (3,))),
    ],
)  # fmt: skip
def test_numpys_protocol_records(numpy: Any, shapes: Any, rng: np.random.Generator) -> None:
    x, y = (rng.standard_normal(s) for s in shapes)
    t = mg.tensor(x, requires_grad=True)
    out = numpy(t, y)
    assert isinstance(out, mg.Tensor)
    assert out.requires_grad
    close(out.numpy(), numpy(x, y), "value", 1e-14)
    assert numpy(x, mg.tensor(y, requires_grad=True)).requires_grad


@pytest.mark.skipif(not hasattr(np, "matvec"), reason="NumPy before 2.2 has no matvec")
@pytest.mark.parametrize("name", ["matvec", "vecmat"])
def test_matrices_times_vectors(name: str, rng: np.random.Generator) -> None:
    x, y = rng.standard_normal((2, 1, 3, 3)), rng.standard_normal((4, 3))
    if name == "vecmat":
        x, y = y, x
    out = getattr(np, name)(mg.tensor(x, requires_grad=True), y)
    assert out.requires_grad
    close(out.numpy(), getattr(np, name)(x, y), "value", 1e-14)


@pytest.mark.parametrize(
    ("name", "one", "other", "kwargs", "message"),
    [
        ("dot", (2, 3), (2, 3), {}, r"dot: a is .*\[2, 3\].*b is .*\[2, 3\].*last size of a, 3,.*second last"),
        ("dot", (3,), (2,), {}, r"dot: .*last size of a, 3, must be the only size of b, 2"),
        ("dot", (3,), (2, 4, 5), {}, r"dot: .*second last size of b, 4"),
        ("inner", (2, 3), (4,), {}, r"inner: .*they\s+are 3 and 4"),
        ("vdot", (3,), (2, 2), {}, r"vdot: .*with 3 elements, .*with 4"),
        ("vecdot", (2, 3), (2,), {}, r"vecdot: .*3 and 2, must be equal"),
        ("vecdot", (2, 3), (2, 3), {"axis": 2}, r"vecdot: there is no axis 2 in x1"),
        ("tensordot", (2, 3), (2, 3), {"axes": 1}, r"tensordot: axis 1 of a has size 3, axis 0 of b has size 2"),
        ("tensordot", (2, 3), (2,), {"axes": 2}, r"tensordot: there are not 2 axes"),
        ("tensordot", (2, 3), (2,), {"axes": ((0, 1), (0,))}, r"tensordot: the axes are not in pairs"),
        ("tensordot", (2, 2), (2, 2), {"axes": ((0, 0), (0, 1))}, r"axis 0 of a is out of range or named twice"),
        ("tensordot", (2, 2), (2, 2), {"axes": ((0,), (5,))}, r"axis 5 of b is out of range"),
        ("cross", (2,), (2,), {}, r"cross: a has 2 components.*For two write"),
        ("cross", (3,), (3,), {"axisc": 1}, r"axisc=1 is out of range for a result with 1 axes"),
        ("cross", (3,), (3,), {"axisa": 1}, r"cross: there is no axis 1 in a"),
        ("convolve", (3, 3), (3,), {}, r"convolve: a is .*\[3, 3\].*mg.conv2d"),
        ("convolve", (3,), (0,), {}, r"convolve: .*not\s+empty"),
        ("convolve", (3,), (3,), {"mode": "all"}, r"convolve: mode is .*not 'all'"),
        ("matvec", (2, 3), (2,), {}, r"label 'j'"),
    ],
)  # fmt: skip
def test_wrong_input(name: str, one: Any, other: Any, kwargs: Any, message: str) -> None:
    with pytest.raises((mg.ShapeError, mg.ArgumentError), match=message):
        getattr(mg, name)(mg.tensor(np.ones(one)), np.ones(other), **kwargs)


THEIRS: dict[str, Any] = {
    "dot": lambda torch, x, y: torch.tensordot(x, y, dims=([-1], [max(y.ndim - 2, 0)])),
    "inner": lambda torch, x, y: torch.inner(x, y),
    "outer": lambda torch, x, y: torch.outer(x.reshape(-1), y.reshape(-1)),
    "vdot": lambda torch, x, y: torch.dot(x.reshape(-1), y.reshape(-1)),
    "kron": lambda torch, x, y: torch.kron(x, y),
    "cross": lambda torch, x, y: torch.linalg.cross(*torch.broadcast_tensors(x, y)),
    "vecdot": lambda torch, x, y: torch.linalg.vecdot(x, y),
    "convolve": lambda torch, x, y: torch.nn.functional.conv1d(
        x.reshape(1, 1, -1), y.reshape(1, 1, -1).flip(-1), padding=y.numel() - 1
    )[0, 0],
    "correlate": lambda torch, x, y: torch.nn.functional.conv1d(
        x.reshape(1, 1, -1), y.reshape(1, 1, -1)
    )[0, 0] if x.numel() >= y.numel() else torch.nn.functional.conv1d(
        y.reshape(1, 1, -1), x.reshape(1, 1, -1)
    )[0, 0].flip(-1),
}  # fmt: skip
SHARED = [
    (name, one, other) for name, pairs in PAIRS.items() for one, other in pairs
    if not (name == "dot" and () in (one, other))
]  # fmt: skip


def test_the_gradient_of_a_turned_weight_lies_as_the_weight_does(rng: np.random.Generator) -> None:
    # Else whatever reads both at once, an optimizer above all, walks through memory in two orders.
    weight = mg.tensor(rng.standard_normal((5, 7)), requires_grad=True)
    x = rng.standard_normal((3, 7))
    for out in (mg.matmul(x, weight.T), mg.matmul(x[:, :5], weight)):
        weight.grad = None
        (out * out).sum().backward()
        assert weight.grad is not None
        assert weight.grad.data.flags.c_contiguous


@pytest.mark.torch
@pytest.mark.parametrize("call", SHARED, ids=[f"{c[0]} {c[1]} {c[2]}" for c in SHARED])
def test_against_pytorch(call: Any, rng: np.random.Generator) -> None:
    import torch

    name, *shapes = call
    arrays = [np.asarray(rng.standard_normal(s)) for s in shapes]
    agree_with_torch(getattr(mg, name), lambda x, y: THEIRS[name](torch, x, y), arrays)


@pytest.mark.torch
@pytest.mark.parametrize("call", EXTRAS[:8], ids=[str(c) for c in EXTRAS[:8]])
def test_tensordot_against_pytorch(call: Any, rng: np.random.Generator) -> None:
    import torch

    _, one, other, kwargs = call
    axes = kwargs.get("axes", 2)
    dims = axes if isinstance(axes, int) else [[a] if isinstance(a, int) else list(a) for a in axes]
    agree_with_torch(
        lambda x, y: mg.tensordot(x, y, axes=axes), lambda x, y: torch.tensordot(x, y, dims=dims),
        [rng.standard_normal(one), rng.standard_normal(other)],
    )  # fmt: skip
