"""Surroundings: recording on and off, scopes, provenance, threads."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.context import current


@pytest.fixture
def x() -> mg.Tensor:
    return mg.tensor([1.0, 2.0], requires_grad=True, name="x")


# no_grad and enable_grad ---------------------------------------------------------------------


def test_nesting(x: mg.Tensor) -> None:
    seen = [mg.is_grad_enabled()]
    with mg.no_grad():
        seen.append(mg.is_grad_enabled())
        with mg.enable_grad():
            seen.append((x * 2).requires_grad)
            with mg.no_grad():
                seen.append((x * 2).requires_grad)
            seen.append((x * 2).requires_grad)
        seen.append((x * 2).requires_grad)
    seen.append((x * 2).requires_grad)
    assert seen == [True, False, True, False, True, False, True]


def test_one_instance_nests_in_itself(x: mg.Tensor) -> None:
    off, on = mg.no_grad(), mg.enable_grad()
    with off:
        with on, off:
            assert not mg.is_grad_enabled()
        assert not mg.is_grad_enabled()
    assert mg.is_grad_enabled()


def test_exceptions_restore(x: mg.Tensor) -> None:
    before = current()
    with pytest.raises(ZeroDivisionError), mg.no_grad(), mg.scope("a"), mg.debug_nans():
        raise ZeroDivisionError
    with pytest.raises(mg.ShapeError), mg.no_grad():
        x + np.ones(3)
    assert current() is before


@pytest.mark.parametrize(("manager", "inside"), [(mg.no_grad, False), (mg.enable_grad, True)])
def test_decorators(manager: Any, inside: bool, x: mg.Tensor) -> None:
    @manager()
    def f(depth: int) -> Any:
        """Recursive, so the decorator is entered again before it is left."""
        if depth:
            f(depth - 1)
        assert mg.is_grad_enabled() is inside
        return (x * 2).requires_grad

    assert f.__name__ == "f"
    with mg.no_grad() if inside else mg.enable_grad():
        assert f(3) is inside
        assert mg.is_grad_enabled() is not inside

    @manager()
    def fails() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert mg.is_grad_enabled()


def test_leaves_made_without_recording_are_tracked_afterwards() -> None:
    with mg.no_grad():
        x = mg.tensor(3.0, requires_grad=True)
    (x * x).backward()
    assert x.grad.item() == 6.0


# Scopes ---------------------------------------------------------------------------------------


def test_scopes_nest(x: mg.Tensor) -> None:
    with mg.scope("net"):
        a = x * 2.0
        with mg.scope("block"):
            b = a * 2.0
        c = b * 2.0
    d = c * 2.0
    assert [t.node.scope for t in (a, b, c, d)] == [("net",), ("net", "block"), ("net",), ()]


def test_a_scope_is_placed_where_it_is_entered(x: mg.Tensor) -> None:
    block = mg.scope("block")
    with mg.scope("first"), block:
        a = x * 2.0
    with mg.scope("second"), block:
        b = x * 2.0
    assert [t.node.scope for t in (a, b)] == [("first", "block"), ("second", "block")]


def test_scope_names_are_any_text(x: mg.Tensor) -> None:
    for name in ("", "<b>&", 'quote"', "a/b", "übung", 7):
        with mg.scope(name):
            assert (x * 2.0).node.scope == (str(name),)


def test_derived_nodes_and_leaves_stand_in_their_scope(x: mg.Tensor) -> None:
    with mg.scope("s"):
        w = mg.tensor([[1.0], [2.0]], requires_grad=True)
        y = x * w
    assert w.node.scope == ("s",)
    assert [p.op for p in y.node.parents] == ["broadcast", "broadcast"]
    assert all(p.scope == ("s",) for p in y.node.parents)


def test_derivatives_stand_in_the_scope_of_their_operation() -> None:
    x = mg.tensor(2.0, requires_grad=True)
    with mg.scope("forward"):
        y = mg.exp(x)
    with mg.scope("elsewhere"):
        y.backward(create_graph=True)
    g, x.grad = x.grad, None
    assert g.node.scope == ("forward",)
    assert g.node.vjp_of is y.node
    assert y.node.vjp_of is None


# Provenance -------------------------------------------------------------------------------------


def here() -> int:
    """The line of the caller."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "operator": lambda x: x * 2.0,
    "reflected": lambda x: 2.0 - x,
    "function": lambda x: mg.exp(x),
    "method": lambda x: x.sum(),
    "indexing": lambda x: x[0],
    "numpy ufunc": lambda x: np.exp(x),
    "numpy function": lambda x: np.mean(x, axis=0),
    "array on the left": lambda x: np.ones(2) * x,
    "matmul": lambda x: x @ np.ones((2, 3)),
    "composite": lambda x: mg.var(x),
    "at": lambda x: x.at[0].set(5.0),
    "stack": lambda x: mg.stack([x, x]),
    "batchnorm": lambda x: mg.batchnorm.composed(x[:, None], np.ones(1), np.zeros(1)),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_node_knows_the_users_line(name: str, x: mg.Tensor) -> None:
    f = OPERATIONS[name]
    y = f(x)
    line = f.__code__.co_firstlineno
    stack, seen = [y.node], set()
    while stack:
        node = stack.pop()
        if node in seen or node is x.node:
            continue
        seen.add(node)
        assert node.location == (__file__, line), f"{node.op}: {node.location}"
        stack += [p for p in node.parents if hasattr(p, "location")]
    assert seen


def test_line_of_a_statement_over_several_lines(x: mg.Tensor) -> None:
    start = here()
    y = (
        mg.exp(x)
        + x * 3.0
    )  # fmt: skip
    assert y.node.location == (__file__, start + 2)
    assert y.node.parents[0].location == (__file__, start + 2)
    assert y.node.parents[1].location == (__file__, start + 3)


def test_line_in_a_helper_and_in_a_loop(x: mg.Tensor) -> None:
    def helper(x: Any) -> Any:
        return x * 2.0

    y = x
    for _ in range(3):
        y = helper(y)
        assert y.node.location[1] == helper.__code__.co_firstlineno + 1


def test_line_of_a_leaf() -> None:
    x = mg.tensor(1.0, requires_grad=True)
    line = here()
    y = mg.tensor(1.0).requires_grad_()
    assert x.node.location == (__file__, line - 1)
    assert y.node.location == (__file__, line + 1)


def test_line_of_a_transformed_argument() -> None:
    seen = []

    def f(x: Any) -> Any:
        seen.append(x.node.location)
        return x * x

    line = here()
    mg.grad(f)(2.0)
    mg.jvp(f, (2.0,), (1.0,))
    assert seen == [(__file__, line + 1), (__file__, line + 2)]


def test_messages_name_the_line(x: mg.Tensor) -> None:
    y = x * 2.0
    line = here() - 1
    with pytest.raises(mg.ShapeError, match=rf'made by `mul` at ".*test_context.py", line {line}'):
        y + np.ones(3)


# Threads and tasks ---------------------------------------------------------------------------------


def test_threads_do_not_see_one_another(x: mg.Tensor) -> None:
    barrier = threading.Barrier(2, timeout=20)
    seen: dict[str, Any] = {}

    def quiet() -> None:
        with mg.no_grad(), mg.scope("quiet"):
            barrier.wait()
            seen["quiet"] = (x * 2.0).requires_grad
            barrier.wait()

    def recording() -> None:
        barrier.wait()
        with mg.scope("loud"):
            y = x * 2.0
            seen["recording"] = (y.requires_grad, y.node.scope)
            barrier.wait()

    threads = [threading.Thread(target=t) for t in (quiet, recording)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    assert seen == {"quiet": False, "recording": (True, ("loud",))}
    assert mg.is_grad_enabled()


def test_a_new_thread_starts_fresh(x: mg.Tensor) -> None:
    seen = []
    with mg.no_grad(), mg.scope("outside"):
        thread = threading.Thread(target=lambda: seen.append((x * 2.0).node.scope))
        thread.start()
        thread.join(30)
    assert seen == [()]


def test_decorated_functions_in_many_threads(x: mg.Tensor) -> None:
    barrier = threading.Barrier(4, timeout=20)

    @mg.no_grad()
    def inference(k: int) -> bool:
        barrier.wait()  # all four are inside at once
        tracked = (x * k).requires_grad
        barrier.wait()
        return tracked

    def work(k: int) -> tuple[bool, bool]:
        inside = inference(k)
        return inside, (x * k).requires_grad

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [(False, True)] * 4


@pytest.mark.parametrize("make", [mg.no_grad, lambda: mg.scope("shared"), mg.enable_grad])
def test_one_manager_in_two_threads(make: Any, x: mg.Tensor) -> None:
    """Entered in turn, left in the other order."""
    shared, steps = make(), [threading.Event() for _ in range(4)]
    seen: dict[str, Any] = {}

    def early() -> None:
        before = current()
        with shared:
            steps[0].set()
            steps[1].wait(20)
        steps[2].set()
        seen["early"] = current() is before

    def late() -> None:
        before = current()
        steps[0].wait(20)
        with shared:
            steps[1].set()
            steps[2].wait(20)
            seen["inside"] = (current().recording, current().scope)
        seen["late"] = current() is before

    threads = [threading.Thread(target=t) for t in (early, late)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    with make():
        expected = (current().recording, current().scope)
    assert seen == {"early": True, "late": True, "inside": expected}


def test_gradients_in_many_threads() -> None:
    def work(k: int) -> float:
        total = mg.tensor(0.0)
        for _ in range(20):
            total = total + mg.grad(lambda v: (mg.sin(v) ** 2).sum())(np.full(3, float(k))).sum()
        return total.item()

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(work, range(8)))
    np.testing.assert_allclose(found, [60 * np.sin(2 * k) for k in range(8)], rtol=1e-12, atol=1e-12)


def test_asynchronous_tasks_do_not_see_one_another(x: mg.Tensor) -> None:
    async def quiet() -> bool:
        with mg.no_grad():
            await asyncio.sleep(0)
            tracked = (x * 2.0).requires_grad
            await asyncio.sleep(0)
        return tracked

    async def recording() -> bool:
        await asyncio.sleep(0)
        return (x * 2.0).requires_grad

    async def both() -> list[bool]:
        return await asyncio.gather(quiet(), recording(), quiet(), recording())

    # In a thread of its own: the browser's driver may keep an event loop in this one.
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: asyncio.run(both())).result() == [False, True, False, True]


def test_a_copied_context_carries_the_state(x: mg.Tensor) -> None:
    with mg.no_grad():
        context = contextvars.copy_context()
    assert context.run(lambda: (x * 2.0).requires_grad) is False
    assert (x * 2.0).requires_grad
