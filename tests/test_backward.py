"""Tensor.backward: PyTorch's semantics.  The scenarios also run on PyTorch itself, line for line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg

Scenario = Callable[[Any, Callable[..., Any]], list[Any]]
SCENARIOS: dict[str, Scenario] = {}


def scenario(function: Scenario) -> Scenario:
    """A program for minigrad or PyTorch: takes the module and ``leaf(data)``, returns what it saw."""
    SCENARIOS[function.__name__] = function
    return function


X = [[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]]


@scenario
def accumulates(lib: Any, leaf: Any) -> list[Any]:
    x = leaf(X)
    (x * x).sum().backward()
    first = x.grad.numpy().copy()
    (x * 3.0).sum().backward()
    return [first, x.grad]


@scenario
def zeroed_between(lib: Any, leaf: Any) -> list[Any]:
    x = leaf(X)
    (x * x).sum().backward()
    x.grad = None
    (x * 3.0).sum().backward()
    return [x.grad]


@scenario
def gradient_is_none_at_first(lib: Any, leaf: Any) -> list[Any]:
    x, unused = leaf(X), leaf(X)
    before = x.grad is None
    x.sum().backward()
    return [before, unused.grad is None, x.grad]


@scenario
def leaf_used_many_times(lib: Any, leaf: Any) -> list[Any]:
    x = leaf(X)
    y = x * x + x / (x * x + 1.0) - x
    (y * x + y).sum().backward()
    return [x.grad]


@scenario
def given_gradient(lib: Any, leaf: Any) -> list[Any]:
    x = leaf(X)
    y = x * x
    y.backward(lib.tensor(np.arange(6.0).reshape(2, 3)))
    return [x.grad]


@scenario
def scalar_with_given_gradient(lib: Any, leaf: Any) -> list[Any]:
    x = leaf(3.0)
    (x * x).backward(lib.tensor(10.0, dtype=x.dtype))
    return [x.grad]


@scenario
def backward_of_a_leaf(lib: Any, leaf: Any) -> list[Any]:
    x = leaf(3.0)
    x.backward()
    x.backward()
    return [x.grad]


@scenario
def retained_graph(lib: Any, leaf: Any) -> list[Any]:
    x = leaf(X)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward(retain_graph=True)
    y.backward()
    return [x.grad]


@scenario
def freed_graph_raises(lib: Any, leaf: Any) -> list[Any]:
    x = leaf(X)
    y = (x * x).sum()
    y.backward()
    try:
        y.backward()
    except RuntimeError:
        return [True, x.grad]
    return [False, x.grad]


@scenario
def freed_shared_part_raises(lib: Any, leaf: Any) -> list[Any]:
    x = leaf(X)
    shared = x * x
    (shared * 2.0).sum().backward()
    try:
        (shared * 3.0).sum().backward()
    except RuntimeError:
        return [True]
    return [False]


@scenario
def two_losses_on_a_shared_part(lib: Any, leaf: Any) -> list[Any]:
    x = leaf(X)
    shared = x * x
    (shared * 2.0).sum().backward(retain_graph=True)
    (shared * 3.0).sum().backward()
    return [x.grad]


@scenario
def detached_part(lib: Any, leaf: Any) -> list[Any]:
    x = leaf(X)
    y = x * x
    frozen = y.detach()
    (y * frozen).sum().backward()
    return [frozen.requires_grad, frozen.is_leaf, x.grad]


@scenario
def no_grad_part(lib: Any, leaf: Any) -> list[Any]:
    x = leaf(X)
    with lib.no_grad():
        y = x * x
        with lib.enable_grad():
            z = x * 2.0
    (x * y + z).sum().backward()
    return [y.requires_grad, z.requires_grad, lib.is_grad_enabled(), x.grad]


@scenario
def backward_inside_no_grad(lib: Any, leaf: Any) -> list[Any]:
    x = leaf(X)
    y = (x * x).sum()
    with lib.no_grad():
        y.backward()
    return [x.grad, x.grad.requires_grad]


@scenario
def decorated(lib: Any, leaf: Any) -> list[Any]:
    @lib.no_grad()
    def evaluate(x: Any) -> Any:
        return x * x

    x = leaf(X)
    return [evaluate(x).requires_grad, (x * x).requires_grad, evaluate(x)]


@scenario
def requires_grad_switched(lib: Any, leaf: Any) -> list[Any]:
    x = lib.tensor(np.array(X))
    before = (x * 2.0).requires_grad
    x.requires_grad_()
    y = x * 2.0
    y.sum().backward()
    gradient = x.grad
    x.requires_grad = False
    after = (x * 2.0).requires_grad
    return [before, y.requires_grad, gradient, after]


@scenario
def switched_off_on_a_result_raises(lib: Any, leaf: Any) -> list[Any]:
    y = leaf(X) * 2.0
    try:
        y.requires_grad_(False)
    except RuntimeError:
        return [True]
    return [False]


@scenario
def is_leaf(lib: Any, leaf: Any) -> list[Any]:
    x = leaf(X)
    plain = lib.tensor(np.array(X))
    y = x * 2.0
    return [t.is_leaf for t in (x, plain, y, y.detach(), plain * 2.0)]


@scenario
def double_backward(lib: Any, leaf: Any) -> list[Any]:
    x = leaf(X)
    (x**3).sum().backward(create_graph=True)
    g = x.grad
    x.grad = None
    (g * g).sum().backward()  # sum (3 x^2)^2
    found = x.grad
    x.grad = None
    return [g.requires_grad, found, found.requires_grad]


@scenario
def plain_gradient_is_not_tracked(lib: Any, leaf: Any) -> list[Any]:
    x = leaf(X)
    (x * x).sum().backward()
    return [x.grad.requires_grad, x.grad.is_leaf]


@scenario
def gradient_penalty(lib: Any, leaf: Any) -> list[Any]:
    w, x = leaf([[0.5, -1.0], [2.0, 0.3], [1.0, 1.0]]), leaf(X)
    y = lib.tanh(x @ w).sum()
    y.backward(create_graph=True)
    g, x.grad, w.grad = x.grad, None, None
    (y + (g * g).sum()).backward()
    found = [w.grad, x.grad]
    x.grad = w.grad = None
    return found


@scenario
def gradient_that_is_tracked(lib: Any, leaf: Any) -> list[Any]:
    x, c = leaf(X), leaf(X)
    (x**3).backward(c, create_graph=True)
    g, x.grad = x.grad, None
    (g * g).sum().backward()  # sum (3 x^2 c)^2
    found = [c.grad, x.grad]
    x.grad = c.grad = None
    return found


@scenario
def several_leaves_and_broadcasting(lib: Any, leaf: Any) -> list[Any]:
    x, row, column, scalar = leaf(X), leaf([1.0, 2.0, 3.0]), leaf([[1.0], [2.0]]), leaf(0.5)
    y = (x * row + column) / (scalar + row * row)
    y.sum().backward()
    return [x.grad, row.grad, column.grad, scalar.grad]


@scenario
def only_some_require(lib: Any, leaf: Any) -> list[Any]:
    x, constant = leaf(X), lib.tensor(np.array(X))
    (x * constant).sum().backward()
    return [x.grad, constant.grad is None]


@scenario
def indexing_and_reshaping(lib: Any, leaf: Any) -> list[Any]:
    x = leaf(X)
    y = x[0, 1:] * x[:, 0] + x.reshape(3, 2)[[0, 2, 2], [1, 1, 0]][:2]
    (y * y).sum().backward()
    return [y, x.grad]


@scenario
def methods(lib: Any, leaf: Any) -> list[Any]:
    x = leaf(X)
    y = x.exp().mean(0) + x.abs().sqrt().sum(0) - x.T.max()
    y.sum().backward()
    return [y, x.grad, x.transpose(0, 1), x.permute(1, 0), x.flatten(), x.view(-1, 2), x.unsqueeze(0)]


@scenario
def gradient_through_assignment_of_data(lib: Any, leaf: Any) -> list[Any]:
    """Rebinding a leaf's data does not disturb a graph that was recorded before... in minigrad."""
    x = leaf([2.0])
    y = (x * 3.0).sum()
    x.data = lib.tensor(np.array([5.0]))
    y.backward()
    return [x.grad, x]


@scenario
def training_loop(lib: Any, leaf: Any) -> list[Any]:
    w, b = leaf([0.1, -0.2, 0.3]), leaf(0.0)
    x, y = lib.tensor(np.array(X)), lib.tensor(np.array([1.0, -1.0]))
    losses = []
    for _ in range(5):
        loss = ((x @ w + b - y) ** 2).mean()
        loss.backward()
        losses.append(loss.item())
        with lib.no_grad():
            w.data = w.data - 0.05 * w.grad.data
            b.data = b.data - 0.05 * b.grad.data
        w.grad = b.grad = None
    return [np.array(losses), w, b]


def as_values(found: list[Any]) -> list[Any]:
    return [np.asarray(f.detach().numpy()) if hasattr(f, "detach") else f for f in found]


def leaf(data: Any) -> Any:
    return mg.tensor(data, dtype=float, requires_grad=True)


@pytest.mark.torch
@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.filterwarnings("ignore:Using backward:UserWarning")
def test_same_as_pytorch(name: str) -> None:
    import torch

    def torch_leaf(data: Any) -> Any:
        return torch.tensor(data, dtype=torch.float64, requires_grad=True)

    ours = as_values(SCENARIOS[name](mg, leaf))
    theirs = as_values(SCENARIOS[name](torch, torch_leaf))
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        if isinstance(other, bool):
            assert one is other
        else:
            assert one.shape == other.shape
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


# The same without PyTorch, where an analytic value is at hand -------------------------------------


def test_accumulates() -> None:
    first, second = SCENARIOS["accumulates"](mg, leaf)
    np.testing.assert_array_equal(first, 2 * np.array(X))
    np.testing.assert_array_equal(second.numpy(), 2 * np.array(X) + 3.0)


def test_zeroed_between() -> None:
    assert as_values(SCENARIOS["zeroed_between"](mg, leaf))[0].tolist() == [[3.0] * 3] * 2


def test_freed_graph_names_the_way_out() -> None:
    x = leaf(X)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(mg.GradientError, match=r"(?s)sum.*before.*retain_graph=True"):
        y.backward()


def test_retained_graph() -> None:
    (g,) = as_values(SCENARIOS["retained_graph"](mg, leaf))
    np.testing.assert_array_equal(g, 6 * np.array(X))


def test_create_graph() -> None:
    x = leaf([1.0, 2.0])
    (x**4).sum().backward(create_graph=True)
    assert x.grad.requires_grad
    g, x.grad = x.grad, None
    g.sum().backward()
    assert x.grad.tolist() == [12.0, 48.0]


def test_detach_no_grad_and_flags() -> None:
    assert SCENARIOS["is_leaf"](mg, leaf) == [True, True, False, True, True]
    assert SCENARIOS["requires_grad_switched"](mg, leaf)[0::3] == [False, False]
    assert SCENARIOS["switched_off_on_a_result_raises"](mg, leaf) == [True]
    assert SCENARIOS["decorated"](mg, leaf)[:2] == [False, True]
    assert SCENARIOS["no_grad_part"](mg, leaf)[:3] == [False, True, True]


def test_the_users_gradient_is_not_kept() -> None:
    """What is given to backward() may be overwritten afterwards."""
    for make in (lambda x: x.reshape(4), lambda x: x * 1.0, lambda x: x.T, lambda x: x):
        x = mg.tensor(np.zeros((2, 2)), requires_grad=True)
        y = make(x)
        g = np.ones(y.shape)
        y.backward(g)
        g[:] = 7.0
        assert x.grad.tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_transforms_leave_the_leaves_alone() -> None:
    w = leaf([1.0, 2.0])
    mg.grad(lambda x: (w * x * x).sum())(np.ones(2))
    mg.grad(lambda x: (x * x).sum())(w)
    mg.jvp(lambda x: w * x, (np.ones(2),), (np.ones(2),))
    assert w.grad is None


def test_gradients_of_two_leaves_are_independent() -> None:
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    (x + y).backward(np.ones(2))
    before = y.grad.numpy().copy()
    (x * 5.0).sum().backward()  # adds into x.grad alone
    np.testing.assert_array_equal(y.grad.numpy(), before)
    assert x.grad.tolist() == [6.0, 6.0]


def test_an_old_gradient_does_not_change_when_another_is_added() -> None:
    x = leaf([1.0, 2.0])
    (x * 2.0).sum().backward()
    old = x.grad
    (x * 3.0).sum().backward()
    assert old.tolist() == [2.0, 2.0]
    assert x.grad.tolist() == [5.0, 5.0]


def test_rebinding_data_does_not_disturb_a_recorded_graph() -> None:
    x = leaf([2.0, 3.0])
    y = (x * x).sum()
    x.data = np.array([100.0, 100.0])
    y.backward()
    assert x.grad.tolist() == [4.0, 6.0]
    assert x.tolist() == [100.0, 100.0]


def test_gradient_may_be_set_and_is_checked() -> None:
    x = leaf([1.0, 2.0])
    given = np.array([5.0, 6.0])
    x.grad = given
    given[:] = 0.0
    assert x.grad.tolist() == [5.0, 6.0]
    with pytest.raises(mg.ShapeError, match=r"must be float64\[2\], not float64\[3\]"):
        x.grad = np.ones(3)
    with pytest.raises(mg.ShapeError, match=r"must be float64\[2\], not float32\[2\]"):
        x.grad = np.ones(2, "f4")
    with pytest.raises(mg.GradientError, match="only leaves hold a gradient"):
        (x * 2.0).grad = np.ones(2)


def test_a_custom_rule_that_raises_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    from minigrad.context import current
    from minigrad.primitive import REGISTRY

    def broken(*_: Any) -> Any:
        raise KeyError("a bug in a rule")

    x = leaf([1.0])
    y = mg.exp(mg.sin(x)).sum()
    monkeypatch.setattr(REGISTRY["sin"], "rules", (broken,))
    before = current()
    for create_graph in (False, True):
        with pytest.raises(KeyError, match="a bug in a rule"):
            y.backward(retain_graph=True, create_graph=create_graph)
        assert current() is before
        with pytest.raises(KeyError, match="a bug in a rule"):
            mg.grad(lambda x: mg.sin(x) * x)(2.0)
        assert current() is before


def test_slices_are_added_in_place_and_agree_with_separate_zeros(rng):
    """Reading every time step must not cost zeros of all of them each."""
    value, weights = rng.normal(size=(7, 4, 3)), rng.normal(size=(40, 4, 3))
    index = [*rng.integers(-7, 7, 30).tolist(), *[slice(i, None, 2) for i in range(5)]]

    def f(x):
        parts = [(x[i] * w).sum() for i, w in zip(index, weights[: len(index)], strict=False)]
        parts.append((x[[0, 0, 2]] * weights[:3]).sum())
        return sum(parts[1:], parts[0])

    x = mg.tensor(value, requires_grad=True)
    f(x).backward()
    expected = np.zeros_like(value)
    for i, w in zip(index, weights[: len(index)], strict=False):
        expected[i] += w
    np.add.at(expected, [0, 0, 2], weights[:3])
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-14, atol=1e-15)
    lifted = mg.tensor(value, requires_grad=True)
    f(lifted).backward(create_graph=True)
    np.testing.assert_allclose(lifted.grad.numpy(), expected, rtol=1e-14, atol=1e-15)
    kept = weights.copy()
    _, pullback = mg.vjp(lambda x: (x[0], x[1], x[2], x[0]), value)
    pullback((weights[0], weights[1], weights[2], weights[3]))
    assert np.array_equal(weights, kept)
