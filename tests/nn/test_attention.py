"""Attention: the function against PyTorch, masks that leave nothing, dropout, copies of blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F

from .peers import agree

SHAPES = [((3, 4), (5, 4), (5, 2)), ((2, 3, 4), (2, 5, 4), (2, 5, 4)), ((2, 2, 3, 4),) * 3]
CALLS: list[dict[str, Any]] = [{}, {"is_causal": True}, {"scale": 0.3}, {"mask": bool}, {"mask": float}]


@pytest.mark.torch
@pytest.mark.parametrize("call", CALLS, ids=str)
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_attention_is_pytorchs(shapes: Any, call: Any, rng: np.random.Generator) -> None:
    import torch

    call = dict(call)
    kind = call.pop("mask", None)
    inputs = [rng.standard_normal(shape) for shape in shapes]
    if kind is not None:
        mask = rng.standard_normal((shapes[0][-2], shapes[1][-2]))
        if kind is bool:
            mask = mask > 0
            mask[:, 0] = True  # something is left to look at
        else:
            mask[0, 1] = -np.inf
        inputs.append(mask)
    ours = [mg.tensor(x, requires_grad=x.dtype != bool) for x in inputs]
    theirs = [torch.tensor(x, requires_grad=x.dtype != bool) for x in inputs]
    y = F.scaled_dot_product_attention(*ours, **call)
    z = torch.nn.functional.scaled_dot_product_attention(*theirs, **call)
    agree(y, z, "output")
    g = rng.standard_normal(y.shape)
    y.backward(g)
    z.backward(torch.tensor(g))
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        if a.requires_grad:
            agree(a.grad, b.grad, f"gradient of input {i}")


@pytest.mark.torch
def test_heads_that_serve_several_queries_are_pytorchs(rng: np.random.Generator) -> None:
    import torch

    inputs = [rng.standard_normal(s) for s in ((2, 6, 3, 4), (2, 2, 5, 4), (2, 3, 5, 4))]
    ours = F.scaled_dot_product_attention(*inputs, enable_gqa=True)
    theirs = torch.nn.functional.scaled_dot_product_attention(
        *map(torch.tensor, inputs), enable_gqa=True
    )
    agree(ours, theirs, "output")


@pytest.mark.torch
def test_second_derivatives_are_pytorchs(rng: np.random.Generator) -> None:
    import torch

    layer, peer = nn.MultiheadAttention(4, 2).double(), torch.nn.MultiheadAttention(4, 2).double()
    peer.load_state_dict({k: torch.tensor(v.numpy()) for k, v in layer.state_dict().items()})
    x, v = rng.standard_normal((2, 3, 4))
    found = mg.hvp(lambda x: (layer(x, x, x)[0] ** 3).sum(), (x,), (v,))
    _, expected = torch.autograd.functional.hvp(
        lambda x: (peer(x, x, x)[0] ** 3).sum(), torch.tensor(x), torch.tensor(v)
    )
    agree(found, expected, "Hessian times vector")


def test_a_query_that_may_look_at_nothing_gets_zeros(rng: np.random.Generator) -> None:
    x = mg.tensor(rng.standard_normal((3, 4)), requires_grad=True)
    mask = np.array([[True] * 3, [False] * 3, [False, True, True]])
    out = F.scaled_dot_product_attention(x, x, x, mask)
    assert not out.numpy()[1].any()
    free = F.scaled_dot_product_attention(x, x, x).numpy()
    np.testing.assert_allclose(out.numpy()[0], free[0], rtol=1e-13)
    out.sum().backward()
    assert np.isfinite(x.grad.numpy()).all()
    layer = nn.MultiheadAttention(4, 2).double()
    out, weights = layer(x, x, x, attn_mask=~mask)
    assert not weights.numpy()[1].any()
    np.testing.assert_allclose(out.numpy()[1], layer.out_proj.bias.numpy())


def test_a_learned_mask_gets_its_gradient(rng: np.random.Generator) -> None:
    x = rng.standard_normal((3, 4))
    mask = mg.tensor(rng.standard_normal((3, 3)), requires_grad=True)
    assert mg.gradcheck(lambda m: F.scaled_dot_product_attention(x, x, x, m), (mask,))


def test_weights_are_dropped_in_training_only() -> None:
    x = np.ones((1, 400, 4), "float32")
    layer = nn.MultiheadAttention(4, 2, 0.25, batch_first=True, generator=np.random.default_rng(0))
    _, weights = layer(x, x, x, average_attn_weights=False)
    values, counts = np.unique(weights.numpy().round(7), return_counts=True)
    np.testing.assert_allclose(values, [0.0, 1.0 / 400 / 0.75], rtol=1e-4)
    assert abs(counts[0] / counts.sum() - 0.25) < 0.01
    _, weights = layer.eval()(x, x, x)
    np.testing.assert_allclose(weights.numpy(), 1.0 / 400, rtol=1e-5)


def test_the_same_input_thrice_is_one_product(rng: np.random.Generator) -> None:
    layer, x = nn.MultiheadAttention(4, 2).double(), rng.standard_normal((3, 2, 4))
    once, thrice = layer(x, x, x), layer(x, x.copy(), x.copy())
    for a, b in zip(once, thrice, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-13)

    def products(f: Any) -> int:
        return sum(e.op == "inner" for e in mg.trace(f, x).equations)

    assert products(lambda x: layer(x, x, x)[0]) == products(lambda x: layer(x, x * 1.0, x)[0]) - 2


def test_blocks_are_copies_that_drop_differently() -> None:
    block = nn.TransformerEncoderLayer(4, 2, 8, 0.5, generator=np.random.default_rng(0))
    encoder = nn.TransformerEncoder(block, 2)
    one, two = encoder.layers
    assert one is not block
    assert np.array_equal(one.linear1.weight.data, two.linear1.weight.data)
    assert one.linear1.weight is not two.linear1.weight
    assert next(n for n, _ in encoder.named_parameters()) == "layers.0.self_attn.in_proj_weight"
    assert all(p.name == n for n, p in encoder.named_parameters())
    x = np.ones((50, 1, 4), "float32")
    assert not np.array_equal(one.dropout1(x).data, two.dropout1(x).data)


def test_an_activation_may_be_a_function_or_a_module(rng: np.random.Generator) -> None:
    x = rng.standard_normal((3, 1, 4)).astype("float32")
    outs = []
    for activation in ("gelu", F.gelu, nn.GELU()):
        mg.manual_seed(0)
        block = nn.TransformerEncoderLayer(4, 2, 8, 0.0, activation)
        outs.append(block(x).numpy())
    assert np.array_equal(outs[0], outs[1])
    assert np.array_equal(outs[0], outs[2])
    assert "(activation): GELU" in repr(block)
