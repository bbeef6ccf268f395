"""Backward hooks: what they see is what PyTorch's see, and what they return goes on."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

from .peers import agree, converted, flat, twin


def seen_by(module: Any, inputs: list[Any], convert: Any) -> list[Any]:
    """What the hooks of a module see, and the gradients of its inputs, in a library."""
    seen: list[Any] = []
    module.register_full_backward_pre_hook(lambda m, after: seen.append(("pre", None, after)))
    module.register_full_backward_hook(lambda m, before, after: seen.append(("post", before, after)))
    x = [converted(a, convert) for a in inputs]
    sum((y * (i + 1.0)).sum() for i, y in enumerate(flat(module(*x)))).backward()
    return [*seen, ("inputs", tuple([v.grad for v in flat(x)]), ())]


CASES = [
    ("Linear", (3, 2), [(4, 3)]),
    ("Tanh", (), [(3,)]),
    ("GRUCell", (3, 2), [(4, 3), (4, 2)]),
    ("LSTMCell", (3, 2), [(4, 3)]),
    ("LSTMCell", (3, 2), [(4, 3), ((4, 2), (4, 2))]),
    ("MultiheadAttention", (4, 2), [(3, 1, 4)] * 3),
]


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:Full backward hook is firing:UserWarning")
@pytest.mark.parametrize(
    ("name", "sizes", "shapes", "tracked"),
    [(*case, tracked) for case in CASES for tracked in (True, False) if tracked or case[1]],
)
def test_hooks_see_what_pytorchs_see(
    name: str, sizes: Any, shapes: Any, tracked: bool, rng: np.random.Generator
) -> None:
    import torch

    layer, peer = getattr(nn, name)(*sizes).double(), getattr(torch.nn, name)(*sizes).double()
    twin(layer, peer)

    def draw(shape: Any) -> Any:
        nested = isinstance(shape[0], tuple)
        return tuple(map(draw, shape)) if nested else rng.standard_normal(shape)

    inputs = [draw(shape) for shape in shapes]
    ours = seen_by(layer, inputs, lambda a: mg.tensor(a, requires_grad=tracked))
    theirs = seen_by(peer, inputs, lambda a: torch.tensor(a, requires_grad=tracked))
    assert [kind for kind, _, _ in ours] == [kind for kind, _, _ in theirs] == ["pre", "post", "inputs"]
    for (kind, *left), (_, *right) in zip(ours, theirs, strict=True):
        for a, b in zip(left, right, strict=True):
            assert (a is None) == (b is None)
            for x, y in zip(a or (), b or (), strict=True):
                assert (x is None) == (y is None), kind
                if x is not None:
                    agree(x, y, kind)


@pytest.mark.torch
def test_what_hooks_return_goes_on_as_in_pytorch(rng: np.random.Generator) -> None:
    import torch

    x = rng.standard_normal((4, 3))
    results = []
    for library, tensor in ((nn, mg.tensor), (torch.nn, torch.tensor)):
        layer = library.Linear(3, 2).double()
        if library is torch.nn:
            twin(results[0][0], layer)
        layer.register_full_backward_pre_hook(lambda m, after: (after[0] * 3.0,))
        layer.register_full_backward_hook(lambda m, before, after: (before[0] * 10.0,))
        layer.register_full_backward_hook(lambda m, before, after: (before[0] + after[0].sum(),))
        leaf = tensor(x, requires_grad=True)
        layer(leaf).sum().backward()
        results.append((layer, leaf.grad, layer.weight.grad, layer.bias.grad))
    for ours, theirs in zip(results[0][1:], results[1][1:], strict=True):
        agree(ours, theirs, "gradient")


def test_hooks_fire_once_per_call_and_go() -> None:
    layer, seen = nn.Linear(2, 2).double(), []
    handle = layer.register_full_backward_hook(lambda m, before, after: seen.append(after[0].tolist()))
    x = mg.tensor([[1.0, 2.0]], requires_grad=True)
    y = layer(layer(x)).sum()
    handle.remove()
    handle.remove()
    y.backward(retain_graph=True)
    assert len(seen) == 2
    assert seen[0] == [[1.0, 1.0]]
    y.backward()
    assert len(seen) == 4
    layer(x).sum().backward()
    assert len(seen) == 4


def test_both_modes_and_higher_orders_pass_through(rng: np.random.Generator) -> None:
    plain, watched = nn.GRUCell(3, 2).double(), nn.GRUCell(3, 2).double()
    watched.load_state_dict(plain.state_dict())
    calls: list[int] = []
    watched.register_full_backward_hook(lambda m, before, after: calls.append(1))
    x, h, t = rng.standard_normal((4, 3)), rng.standard_normal((4, 2)), rng.standard_normal((4, 3))
    found = []
    for cell in (plain, watched):
        out, tangent = mg.jvp(lambda v, cell=cell: cell(v, h), (x,), (t,))
        second = mg.hvp(lambda v, cell=cell: (cell(v, h) ** 3).sum(), (x,), (t,))
        found.append([out, tangent, second])
    assert calls
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-13)


def test_a_hook_may_change_a_gradient_that_is_differentiated_again() -> None:
    layer = nn.Tanh()
    layer.register_full_backward_hook(lambda m, before, after: before[0] * 2.0)
    first = mg.grad(lambda v: layer(v).sum())
    x = np.array([0.3, -1.2])
    slope = 1.0 - np.tanh(x) ** 2
    np.testing.assert_allclose(first(x).numpy(), 2.0 * slope)
    second = mg.grad(lambda v: first(v).sum())(x).numpy()
    # Twice for the derivative, and twice again where its own backward pass meets the hook's node.
    np.testing.assert_allclose(second, 2.0 * 2.0 * -2.0 * np.tanh(x) * slope)


def test_numbers_are_not_changed_by_a_hook_that_only_looks(rng: np.random.Generator) -> None:
    layer, x = nn.Linear(3, 2), rng.standard_normal((4, 3)).astype("float32")
    before = mg.grad(lambda v: (layer(v) ** 2).sum())(x).numpy()
    layer.register_full_backward_hook(lambda m, grads, after: None)
    assert np.array_equal(mg.grad(lambda v: (layer(v) ** 2).sum())(x).numpy(), before)
    assert layer(x).dtype == np.float32


def test_a_watched_call_is_freed_without_the_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        layer = nn.Linear(2, 2)
        layer.register_full_backward_hook(lambda m, before, after: None)
        x = mg.tensor([[1.0, 2.0]], dtype="float32", requires_grad=True)
        out = layer(x).sum()
        out.backward()
        watched = [weakref.ref(out), weakref.ref(x), weakref.ref(layer)]
        del out, x, layer
        assert [w() for w in watched] == [None, None, None]
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("returned", "tracked", "error", "message"),
    [
        (lambda g: (g, g), True, mg.ArgumentError, r"Tanh: a backward hook returned 2 gradients for grad_input, and there are 1"),
        (lambda g: g.sum(), True, mg.ShapeError, r"Tanh: a backward hook returned a tensor float64\[\] in grad_input in place of a tensor float64\[2\]"),
        (lambda g: 1.0, True, mg.ShapeError, r"Tanh: a backward hook returned .* in grad_input in place of"),
    ],
)  # fmt: skip
def test_wrong_gradients_are_refused(returned: Any, tracked: bool, error: Any, message: str) -> None:
    layer = nn.Tanh()
    layer.register_full_backward_hook(lambda m, before, after: returned(before[0]))
    loss = layer(mg.tensor([1.0, 2.0], requires_grad=True)).sum()
    with pytest.raises(error, match=message):
        loss.backward()


def test_a_gradient_for_data_is_refused() -> None:
    layer = nn.Linear(2, 1)
    layer.register_full_backward_hook(lambda m, before, after: after)
    loss = layer(np.ones((1, 2), "float32")).sum()
    with pytest.raises(
        mg.ArgumentError, match=r"Linear: .* for the inputs, and none of them is tracked"
    ):
        loss.backward()
