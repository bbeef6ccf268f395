"""debug_nans: the first operation that made a NaN is named, in every pass."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import context

FILE = re.escape(__file__)


def leaf(data: Any, name: str | None = None) -> mg.Tensor:
    return mg.tensor(data, requires_grad=True, name=name)


def message(f: Any) -> str:
    with mg.debug_nans(), pytest.raises(mg.NonFiniteError) as caught:
        f()
    return str(caught.value)


def test_forward() -> None:
    x = leaf([4.0, -1.0, 9.0], "x")

    def f() -> Any:
        y = x * 1.0
        z = mg.sqrt(y)
        return (z + 1.0).sum()

    text = message(f)
    line = f.__code__.co_firstlineno + 2
    assert re.search(rf'`sqrt` made a NaN at "{FILE}", line {line}: 1 of 3 elements', text)
    assert "float64[3], first at index [1], from -1.0" in text
    assert "made by `mul`" in text


@pytest.mark.parametrize(
    ("op", "f"),
    [
        ("log", lambda x: mg.log(x - 3.0)),
        ("sub", lambda x: mg.exp(x * 1e3) - mg.exp(x * 1e3)),
        ("div", lambda x: (x - x) / (x - x)),
        ("mul", lambda x: mg.exp(x * 1e3) * (x - x)),
        ("pow", lambda x: (x - 3.0) ** 0.5),
        ("sum", lambda x: mg.sum(x * np.array([np.inf, -np.inf]))),
        ("matmul", lambda x: mg.matmul(x * np.inf, np.array([1.0, -1.0]))),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_the_operation_is_named(op: str, f: Any) -> None:
    text = message(lambda: f(leaf([1.0, 2.0])))
    assert text.startswith(f"`{op}` made a NaN"), text


def test_untracked_and_without_recording() -> None:
    assert "`log` made a NaN" in message(lambda: mg.log(mg.tensor([-1.0])))
    with mg.no_grad():
        text = message(lambda: mg.log(leaf([-1.0], "x")))
    assert re.search(rf"`log` made a NaN at \"{FILE}\", line \d+", text)


def test_nan_that_came_with_the_data() -> None:
    x = leaf([1.0, np.nan], "pixels")
    text = message(lambda: mg.exp(x * 2.0))
    assert "`mul`" in text
    assert (
        "did not make this NaN: input 0 is NaN already, first at index [1], data that came in" in text
    )
    assert "'pixels'" in text
    assert "mg.where(mg.isnan(x), 0.0, x)" in text
    assert "data that came in" in message(lambda: leaf([1.0]) * np.array([np.nan]))


def test_nan_that_was_made_before_the_block() -> None:
    with np.errstate(invalid="ignore"):
        y = mg.log(leaf([-1.0]))
    assert "made outside of the block; input 0 is a tensor float64[1] made by `log`" in message(
        lambda: y + 1.0
    )


def test_masked_nan_is_allowed() -> None:
    x = leaf([1.0, np.nan])
    with mg.debug_nans():
        (mg.where(mg.isnan(x), 0.0, x) ** 2).sum().backward()
        assert mg.isnan(x).tolist() == [False, True]
    assert x.grad.tolist() == [2.0, 0.0]


def test_infinity_alone_is_allowed() -> None:
    with mg.debug_nans(), np.errstate(divide="ignore"):
        assert (1.0 / leaf([0.0])).tolist() == [np.inf]


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_backward_rule(create_graph: bool) -> None:
    x = leaf([0.0, 4.0], "x")

    def f() -> Any:
        y = mg.sqrt(x)
        z = mg.where(x > 0, y, 0.0)
        z.sum().backward(create_graph=create_graph)

    text = message(f)
    line = f.__code__.co_firstlineno + 1
    assert re.search(rf'`sqrt` \(made at "{FILE}", line {line}\)', text), text
    assert "derivative of" in text if create_graph else "backward rule of `sqrt`" in text
    assert "first at index [0]" in text
    assert x.grad is None


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_forward_rule() -> None:
    def f() -> Any:
        return mg.jvp(mg.sqrt, (np.array([4.0, 0.0]),), (np.zeros(2),))

    text = message(f)
    assert "the forward rule of `sqrt`" in text
    assert "tangent float64[2], first at index [1]" in text


def test_opposite_infinities_meet() -> None:
    def meet() -> None:
        y = leaf([1.0]) * 1.0
        mg.concatenate([y, -y]).backward(np.array([np.inf, np.inf]))

    text = message(meet)
    assert "its 2 contributions hold no NaN, but infinities of both signs" in text
    assert "`mul`" in text


def test_given_cotangent() -> None:
    x = leaf([1.0, 2.0])
    text = message(lambda: (x * 2.0).backward(np.array([1.0, np.nan])))
    assert "the cotangent that the backward pass of `mul`" in text
    assert "NaN already" in text


def test_forward_pass_outside_of_the_block() -> None:
    with np.errstate(invalid="ignore"):
        y = mg.exp(mg.log(leaf([-1.0]))).sum()
    assert "What the operation kept is NaN already: run the forward pass in the block" in message(
        y.backward
    )


def test_batchnorm_with_several_outputs() -> None:
    x = leaf(np.array([[1.0], [np.inf], [2.0]]))
    assert "`batchnorm` made a NaN" in message(lambda: mg.batchnorm.fused(x, np.ones(1), np.zeros(1)))


def test_nesting_decorator_and_afterwards() -> None:
    before = context.current()
    assert before.observer is None

    @mg.debug_nans()
    def f(x: Any) -> Any:
        with mg.debug_nans():
            return mg.log(x)

    with pytest.raises(mg.NonFiniteError, match="`log` made a NaN"):
        f(mg.tensor([-1.0]))
    assert f(mg.tensor([1.0])).tolist() == [0.0]
    assert context.current() is before
    with np.errstate(invalid="ignore"):
        assert np.isnan(mg.log(mg.tensor([-1.0])).item())


def test_another_observer_is_told_too() -> None:
    seen = []

    class Log(context.Observer):
        def value(self, primitive: Any, inputs: Any, value: Any, node: Any) -> None:
            seen.append(("value", primitive.name))

        def cotangent(self, node: Any, cotangent: Any) -> None:
            seen.append(("cotangent", node.op))

        def contribution(self, node: Any, slot: int, parent: Any, cotangent: Any) -> None:
            seen.append(("contribution", node.op))

        def tangent(self, node: Any, tangent: Any) -> None:
            seen.append(("tangent", node.op))

    with context.surroundings(observer=Log()), mg.debug_nans():
        mg.exp(leaf(1.0)).backward()
        mg.jvp(mg.sin, (1.0,), (1.0,))
    assert seen == [
        ("value", "exp"), ("cotangent", "exp"), ("contribution", "exp"), ("cotangent", "leaf"),
        ("value", "sin"), ("tangent", "sin"),
    ]  # fmt: skip


def test_results_are_the_same_with_the_switch_on(rng: np.random.Generator) -> None:
    w, data = rng.standard_normal((3, 2)), rng.standard_normal((5, 3))

    def step() -> tuple[bytes, bytes]:
        x = leaf(w)
        loss = mg.mean(mg.tanh(data @ x) ** 2 * np.arange(2.0))
        loss.backward()
        return loss.numpy().tobytes(), x.grad.numpy().tobytes()

    plain = step()
    with mg.debug_nans():
        assert step() == plain
