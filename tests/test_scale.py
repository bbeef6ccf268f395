"""Long chains, deep diamonds, and memory that comes back without the garbage collector."""

from __future__ import annotations

import gc
import sys
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import context
from minigrad.tensor import Node


@contextmanager
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def shallow(room: int = 60) -> Iterator[None]:
    """Leave little room on the stack: anything recursive over the graph fails."""
    depth, frame, limit = 0, sys._getframe(), sys.getrecursionlimit()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back  # type: ignore[assignment]
    sys.setrecursionlimit(depth + room)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


class Steps(context.Observer):
    """Counts what the walks do."""

    def __init__(self) -> None:
        self.values = self.cotangents = self.contributions = self.tangents = 0

    def value(self, *_: Any) -> None:
        self.values += 1

    def cotangent(self, *_: Any) -> None:
        self.cotangents += 1

    def contribution(self, *_: Any) -> None:
        self.contributions += 1

    def tangent(self, *_: Any) -> None:
        self.tangents += 1


def chain(x: Any, n: int) -> Any:
    y = x
    for _ in range(n // 2):
        y = (y + 1.0) * 0.5
    return y


def nodes_alive() -> int:
    return sum(issubclass(type(o), Node) for o in gc.get_objects())  # isinstance may run code


def test_a_chain_of_a_million() -> None:
    with without_collector(), shallow():
        before = nodes_alive()  # only now: what earlier tests left in cycles has been collected
        x = mg.tensor(3.0, requires_grad=True)
        y = chain(x, 1_000_000)
        assert y.item() == 1.0
        y.backward(np.array(2.0**60))
        assert x.grad.item() == 0.0  # 2^60 / 2^500000
        middle = weakref.ref(y)
        del y
        assert middle() is None
        assert nodes_alive() == before + 1  # x
        assert gc.collect() == 0


def test_a_chain_in_all_modes_without_recursion() -> None:
    n = 4000
    with without_collector(), shallow():
        f = lambda x: chain(x, n) + x * x  # noqa: E731
        assert mg.grad(f)(3.0).item() == 6.0
        assert mg.jvp(f, (3.0,), (1.0,))[1].item() == 6.0
        assert mg.grad(mg.grad(f))(3.0).item() == 2.0
        assert mg.hvp(f, (3.0,), (1.0,)).item() == 2.0
        assert gc.collect() == 0


def test_a_long_list_of_arguments() -> None:
    leaves = {f"w{i}": float(i) for i in range(3000)}
    with shallow(80):
        g = mg.grad(lambda p: sum(p.values(), mg.tensor(0.0)))(leaves)
    assert {v.item() for v in g.values()} == {1.0}


@pytest.mark.parametrize("transform", ["backward", "grad", "jvp"])
def test_a_diamond_of_sixty_doublings(transform: str) -> None:
    """Sixty times y = y + y has 2^60 paths; each node is visited once."""

    def f(x: Any) -> Any:
        for _ in range(60):
            x = x + x
        return x

    steps = Steps()
    with context.surroundings(observer=steps):
        if transform == "backward":
            x = mg.tensor(1.0, requires_grad=True)
            f(x).backward()
            derivative = x.grad.item()
        elif transform == "grad":
            derivative = mg.grad(f)(1.0).item()
        else:
            derivative = mg.jvp(f, (1.0,), (1.0,))[1].item()
    assert derivative == 2.0**60
    assert steps.values == 60
    if transform == "jvp":
        assert steps.tangents == 60
    else:
        assert (steps.cotangents, steps.contributions) == (61, 120)


def test_a_diamond_twice_differentiated() -> None:
    def f(x: Any) -> Any:
        for _ in range(30):
            x = x * x * 0.5 + x * 0.5  # 1 is a fixed point
        return x

    first, second = 1.0, 0.0  # f' and f'' by the chain rule: u' = x + 1/2, u'' = 1 at x = 1
    for _ in range(30):
        second = 1.0 * first**2 + 1.5 * second
        first = 1.5 * first
    assert mg.grad(f)(1.0).item() == pytest.approx(first, rel=1e-12)
    assert mg.grad(mg.grad(f))(1.0).item() == pytest.approx(second, rel=1e-12)


@pytest.mark.parametrize("order", [1, 2])
def test_work_grows_linearly(order: int) -> None:
    """Counted, not timed: twice the chain, twice the operations and twice the steps."""
    counts = []
    for n in (100, 200, 400):
        steps = Steps()
        f: Callable[..., Any] = lambda x, n=n: chain(mg.sin(x), n)  # noqa: E731
        for _ in range(order):
            f = mg.grad(f)
        with context.surroundings(observer=steps):
            f(1.0)
        counts.append((steps.values, steps.cotangents, steps.contributions))
    increments = np.diff(np.array(counts), axis=0)
    np.testing.assert_array_equal(increments[1], 2 * increments[0])


# Memory -------------------------------------------------------------------------------------


def training_step() -> None:
    w = mg.tensor(np.ones((50, 50)), requires_grad=True)
    x = mg.tensor(np.ones((20, 50)))
    h = mg.tanh(x @ w)
    ((h - h.mean(axis=0)) ** 2).mean().backward()


def retained() -> None:
    w = mg.tensor(np.ones((50, 50)), requires_grad=True)
    y = mg.exp(w).sum()
    y.backward(retain_graph=True)
    y.backward()


def failing_step() -> None:
    w = mg.tensor(np.ones((50, 50)), requires_grad=True)
    try:
        mg.exp(w) @ np.ones(3)
    except mg.ShapeError:
        return
    raise AssertionError


def pulled() -> None:
    _, pullback = mg.vjp(lambda w: mg.exp(w) * w, np.ones((50, 50)))
    pullback(np.ones((50, 50)))
    pullback(np.ones((50, 50)))


SQUARE = np.ones((50, 50))
STEPS: dict[str, Callable[[], Any]] = {
    "training step": training_step,
    "retained graph": retained,
    "failing step": failing_step,
    "grad": lambda: mg.grad(lambda w: mg.mean(mg.exp(w["a"]) * w["b"][0]))(
        {"a": SQUARE, "b": [SQUARE]}
    ),
    "vjp": pulled,
    "jvp": lambda: mg.jvp(lambda w: mg.exp(w) @ w, (SQUARE,), (SQUARE,)),
    "second order": lambda: mg.grad(lambda w: (mg.grad(lambda w: (w**3).sum())(w) ** 2).sum())(SQUARE),
    "hessian": lambda: mg.hessian(lambda w: (w**3).sum())(np.ones(6)),
    "hvp": lambda: mg.hvp(lambda w: (w**3).sum(), (SQUARE,), (SQUARE,)),
    "no_grad": lambda: mg.no_grad()(training_forward)(),
    "batch norm": lambda: mg.grad(lambda x: mg.batchnorm.fused(x, np.ones(50), np.zeros(50)).sum())(
        SQUARE
    ),
    "indexing": lambda: mg.grad(lambda x: (x.at[0].set(1.0)[[0, 0, 1]] * x[:3]).sum())(SQUARE),
}


def training_forward() -> Any:
    w = mg.tensor(SQUARE, requires_grad=True)
    return mg.exp(w) @ w


@pytest.mark.parametrize("name", STEPS)
def test_memory_comes_back_without_the_collector(name: str) -> None:
    step = STEPS[name]
    step()  # fills caches
    with without_collector():
        before = nodes_alive()
        tracemalloc.start()
        try:
            step()
            start = tracemalloc.get_traced_memory()[0]
            for _ in range(3):
                step()
            grown = tracemalloc.get_traced_memory()[0] - start
        finally:
            tracemalloc.stop()
        assert nodes_alive() == before
        assert grown < 10_000, f"{grown} bytes stay"  # one 50 x 50 array is 20,000
        assert gc.collect() == 0, "reference cycles"


def test_intermediate_values_go_as_soon_as_they_are_not_needed() -> None:
    with without_collector():
        x = mg.tensor(SQUARE, requires_grad=True)
        unneeded = x + 1.0  # no rule of what follows keeps this value
        ref = weakref.ref(unneeded._value)
        y = unneeded.sum()
        del unneeded
        assert ref() is None
        y.backward()
        assert x.grad.tolist() == SQUARE.tolist()


def test_a_result_keeps_its_graph_and_nothing_else_does() -> None:
    with without_collector():
        x = mg.tensor(SQUARE, requires_grad=True)
        y = mg.exp(x)
        value = weakref.ref(y._value)  # exp keeps its output for its rule
        z = y.sum()
        del y
        assert value() is not None
        z.backward()
        assert value() is None  # given back on the way
        del z
        assert nodes_alive_of(x) == 1


def nodes_alive_of(x: mg.Tensor) -> int:
    """How many nodes a leaf's own node is referred to by, itself included."""
    return 1 + sum(issubclass(type(o), Node) for o in gc.get_referrers(x.node) if o is not x.node)
