"""What is recorded: broadcasting and conversions are nodes, and a node keeps only what it needs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.primitive import REGISTRY


def leaf(shape: Any, dtype: str = "f8") -> mg.Tensor:
    return mg.tensor(np.ones(shape), dtype=dtype, requires_grad=True)


def parents(t: mg.Tensor) -> list[Any]:
    return [getattr(p, "op", p) for p in t.node.parents]


SHAPES = [
    ((3, 4), (4,)),
    ((3, 1), (1, 4)),
    ((), (2, 3)),
    ((2, 1, 3), (4, 1)),
    ((0, 3), (3,)),
    ((1,), (1, 1)),
]


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "pow", "maximum"])
@pytest.mark.parametrize(("one", "other"), SHAPES)
def test_broadcasting_is_visible(name: str, one: Any, other: Any) -> None:
    a, b = leaf(one), leaf(other)
    y = REGISTRY[name].function(a, b)
    full = np.broadcast_shapes(one, other)
    assert y.shape == full
    assert [p.shape for p in y.node.parents] == [full, full]
    for parent, x in zip(y.node.parents, (a, b), strict=True):
        if x.shape == full:
            assert parent is x.node
        else:
            assert (parent.op, parent.params) == ("broadcast", {"shape": full})
            assert parent.parents == (x.node,)
    y.sum().backward()
    assert (a.grad.shape, b.grad.shape) == (one, other)


def test_equal_shapes_have_no_broadcast() -> None:
    assert parents(leaf((2, 3)) * leaf((2, 3))) == ["leaf", "leaf"]


def test_python_scalars_stand_in_the_graph_as_they_are() -> None:
    x = leaf((2,))
    assert parents(x * 2.5) == ["leaf", 2.5]
    assert parents(2 - x) == [2, "leaf"]
    assert parents(mg.where(x > 0, x, 0.0))[1:] == ["leaf", 0.0]


def test_conversion_then_broadcast() -> None:
    small = leaf((3,), "f4")
    y = small * leaf((2, 3))
    stretched = y.node.parents[0]
    assert (stretched.op, stretched.dtype) == ("broadcast", np.float64)
    assert (stretched.parents[0].op, stretched.parents[0].shape) == ("astype", (3,))
    assert stretched.parents[0].parents == (small.node,)


def test_names_in_the_graph() -> None:
    x = leaf((4, 3))
    seen = set()
    mean = mg.mean(x, axis=0)
    y = (x - mean) / mg.sqrt(mg.mean((x - mean) ** 2, axis=0) + 1e-5) * leaf(3) + leaf(3)
    stack = [y.node]
    while stack:
        node = stack.pop()
        seen.add(node.op)
        stack += [p for p in node.parents if hasattr(p, "op")]
    assert seen == {"leaf", "broadcast", "mean", "sub", "pow", "add", "sqrt", "div", "mul"}


def test_serial_numbers_grow() -> None:
    x = leaf((2,))
    y = mg.exp(x * x[0])
    stack = [y.node]
    while stack:
        node = stack.pop()
        for p in node.parents:
            if hasattr(p, "serial"):
                assert p.serial < node.serial
                stack.append(p)


def test_nothing_is_recorded_for_plain_arrays_and_untracked_tensors() -> None:
    a, t = np.ones(3), mg.tensor(np.ones(3))
    assert type(mg.exp(a)) is np.ndarray
    assert isinstance(mg.add(a, a), np.ndarray)
    assert mg.exp(t).node is None
    assert (t * a).node is None


# What a node keeps ----------------------------------------------------------------------------------


def kept(t: mg.Tensor) -> list[bool]:
    """Per input, then for the output: does the node hold an array?"""
    return [isinstance(s, np.ndarray) for s in t.node.saved]


def test_only_what_rules_need_is_kept() -> None:
    x, y, constant = leaf((3,)), leaf((3,)), np.ones(3)
    assert kept(x + y) == [False, False, False]
    assert kept(x * y) == [True, True, False]
    assert kept(x * constant) == [False, True, False]
    assert kept(constant * x) == [True, False, False]
    assert kept(mg.exp(x)) == [False, True]
    assert kept(mg.log(x)) == [True, False]
    assert kept(mg.sum(x)) == [False, False]
    assert kept(x.reshape(3, 1)) == [False, False]
    assert kept(x / constant) == [False, True, False]
    assert kept(constant / x) == [False, True, True]


def test_a_stretched_value_is_kept_in_its_own_size() -> None:
    big, small = leaf((1000, 10)), leaf((10,))
    y = big * small
    assert y.node.saved[1].size == 10
    assert mg.broadcast_to(small, (1000, 10)).numpy().strides[0] == 0


def test_the_users_arrays_may_change_after_recording() -> None:
    x, factor = leaf((3,)), np.full(3, 2.0)
    index = np.array([0, 1, 1])
    y, z = x * factor, x[index]
    factor[:] = 100.0
    index[:] = 0
    (y + z).sum().backward()
    assert x.grad.tolist() == [3.0, 4.0, 2.0]


def test_backward_gives_back_what_was_kept() -> None:
    x = leaf((3,))
    y = mg.exp(x)
    z = (y * y).sum()
    z.backward()
    assert all(n.saved == () for n in (y.node, z.node))
    w = mg.exp(x)
    (w * w).sum().backward(retain_graph=True)
    assert w.node.saved != ()


# Derivatives are graphs -------------------------------------------------------------------------------


def test_a_recorded_derivative_says_whose_it_is() -> None:
    x = leaf((3,))
    y = mg.sin(x) * x
    (y**2).sum().backward(create_graph=True)
    g, x.grad = x.grad, None
    found, stack = set(), [g.node]
    while stack:
        node = stack.pop()
        if node.vjp_of is not None:
            found.add(node.vjp_of)
        stack += [p for p in node.parents if hasattr(p, "op")]
    assert {n.op for n in found} == {"pow", "mul", "sin"}  # the sum's own is a constant
    assert y.node in found


def test_a_condition_gets_no_gradient_but_may_be_tracked() -> None:
    """Truth is not differentiable: a tracked condition is data, in both modes."""

    def f(x: Any) -> Any:
        return mg.where(x, x * 2.0, 5.0)

    x = np.array([1.0, 0.0, -3.0])
    assert mg.grad(lambda x: f(x).sum())(x).tolist() == [2.0, 0.0, 2.0]
    out, tangent = mg.jvp(f, (x,), (np.ones(3),))
    assert (out.tolist(), tangent.tolist()) == ([2.0, 5.0, -6.0], [2.0, 0.0, 2.0])
    assert mg.grad(lambda c: mg.where(c, 1.0, 2.0).sum())(x).tolist() == [0.0, 0.0, 0.0]
    assert mg.jvp(lambda c: mg.where(c, 1.0, 2.0), (x,), (x,))[1].tolist() == [0.0, 0.0, 0.0]
