"""Every layer against PyTorch, in float64: a new layer is a new row of the table.

Compared are the repr, the keys and shapes of the state, the forward pass, the gradients of all
inputs and parameters, in training and in inference mode, and the state after three steps of SGD.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim

from .peers import agree, converted, flat, flat_arrays, same_state, same_step, twin


@dataclass
class Row:
    """A layer, and what it is called with."""

    name: str
    args: tuple[Any, ...]
    options: dict[str, Any]
    inputs: list[Any]  # shapes, nested as the inputs are; strings are read by `draw`
    call: dict[str, Any] = field(default_factory=dict)  # arrays and flags, passed by name

    def build(self, library: Any) -> Any:
        """The layer in a library."""
        return getattr(library, self.name)(*self.args, **self.options).double()

    def draw(self, rng: np.random.Generator) -> list[Any]:
        """Random inputs."""
        return [_draw(shape, rng) for shape in self.inputs]

    def __str__(self) -> str:
        named = [f"{k}={v}" for k, v in {**self.options, **dict.fromkeys(self.call, "")}.items()]
        text = ",".join([*map(str, self.args), *named, *map(str, self.inputs)])
        return f"{self.name}({text})".replace(" ", "")


@dataclass
class Integers:
    """An input of integers below `high`."""

    high: int
    shape: tuple[int, ...]

    def __repr__(self) -> str:
        return f"<{self.high}{self.shape}"


def _draw(shape: Any, rng: np.random.Generator) -> Any:
    if isinstance(shape, Integers):
        return rng.integers(0, shape.high, shape.shape)
    if any(not isinstance(n, int) for n in shape):
        return tuple([_draw(part, rng) for part in shape])
    return rng.normal(0.3, 1.5, shape)


def row(name: str, *args: Any, x: Any, call: Any = None, **options: Any) -> Row:
    """A row; `x` is a shape, or a list of several."""
    return Row(name, args, options, x if isinstance(x, list) else [x], call or {})


CAUSAL = np.triu(np.ones((3, 3), bool), 1)  # True: may not look
PADDING = np.array([[False, False, True], [False, False, False]])
LEARNED = np.random.default_rng(0).normal(size=(3, 3))

ROWS = [
    row("Linear", 5, 3, x=(7, 5)),
    row("Linear", 5, 3, bias=False, x=(7, 5)),
    row("Linear", 5, 3, x=(5,)),
    row("Linear", 5, 3, x=(2, 4, 5)),
    row("Linear", 5, 3, x=(0, 5)),
    row("Identity", x=(3, 2)),
    row("Flatten", x=(2, 3, 4)),
    row("Flatten", start_dim=0, end_dim=1, x=(2, 3, 4)),
    row("Unflatten", 1, (2, 3), x=(4, 6)),
    row("Unflatten", -1, (2, -1), x=(4, 6)),
    row("Unflatten", dim=0, unflattened_size=[2, 1, 2], x=(4, 6)),
    # Activations
    row("ReLU", x=(3, 4)),
    row("LeakyReLU", x=(3, 4)),
    row("LeakyReLU", 0.3, x=(3, 4)),
    row("PReLU", x=(3, 4)),
    row("PReLU", x=(3,)),
    row("PReLU", 4, init=0.1, x=(3, 4, 2)),
    row("ELU", x=(3, 4)),
    row("ELU", 0.7, x=(3, 4)),
    row("GELU", x=(3, 4)),
    row("GELU", "tanh", x=(3, 4)),
    row("SiLU", x=(3, 4)),
    row("Sigmoid", x=(3, 4)),
    row("LogSigmoid", x=(3, 4)),
    row("Tanh", x=(3, 4)),
    row("Softplus", x=(3, 4)),
    row("Softplus", 2.5, 0.5, x=(3, 4)),
    row("Softmax", dim=1, x=(3, 4)),
    row("Softmax", dim=0, x=(3, 4, 2)),
    row("LogSoftmax", dim=-1, x=(3, 4)),
    row("LogSoftmax", 1, x=(3, 4, 2)),
    # Normalization
    row("LayerNorm", 4, x=(3, 4)),
    row("LayerNorm", [3, 4], x=(2, 3, 4)),
    row("LayerNorm", 4, elementwise_affine=False, x=(2, 3, 4)),
    row("LayerNorm", 4, bias=False, eps=0.1, x=(3, 4)),
    row("GroupNorm", 2, 6, x=(3, 6)),
    row("GroupNorm", 3, 6, x=(2, 6, 4)),
    row("GroupNorm", 1, 4, eps=0.1, x=(2, 4, 3, 2)),
    row("GroupNorm", 4, 4, affine=False, x=(2, 4, 3)),
    row("GroupNorm", 2, 4, bias=False, x=(2, 4, 3)),
    row("GroupNorm", 2, 4, x=(0, 4, 3)),
    row("InstanceNorm1d", 3, x=(2, 3, 4)),
    row("InstanceNorm1d", 3, affine=True, x=(3, 4)),
    row("InstanceNorm1d", 3, affine=True, track_running_stats=True, x=(2, 3, 4)),
    row("InstanceNorm1d", 3, track_running_stats=True, x=(3, 4)),
    row("InstanceNorm2d", 3, affine=True, x=(2, 3, 4, 2)),
    row("InstanceNorm2d", 3, momentum=0.3, eps=0.1, track_running_stats=True, x=(2, 3, 4, 2)),
    row("InstanceNorm2d", 3, momentum=None, track_running_stats=True, x=(2, 3, 4, 2)),
    row("InstanceNorm2d", 3, affine=True, bias=False, x=(3, 4, 2)),
    row("InstanceNorm3d", 2, affine=True, track_running_stats=True, x=(2, 2, 2, 3, 2)),
    row("BatchNorm1d", 3, x=(5, 3)),
    row("BatchNorm2d", 3, momentum=None, x=(5, 3, 2, 2)),
    row("BatchNorm3d", 3, bias=False, x=(2, 3, 2, 2, 2)),
    # Convolution
    row("Conv1d", 2, 3, 3, x=(2, 2, 6)),
    row("Conv1d", 2, 3, 3, x=(2, 6)),
    row("Conv1d", 4, 6, 2, 2, 1, 2, 2, False, x=(2, 4, 7)),
    row("Conv1d", 2, 2, 4, padding="same", dilation=2, x=(1, 2, 9)),
    row("Conv1d", 2, 2, 3, padding="valid", x=(1, 2, 5)),
    row("Conv2d", 2, 3, 3, x=(2, 2, 5, 4)),
    row("Conv2d", 2, 3, (2, 3), stride=(2, 1), padding=(0, 1), dilation=(1, 2), x=(2, 2, 6, 5)),
    row("Conv2d", 4, 4, 3, padding=1, groups=4, x=(1, 4, 4, 4)),
    row("Conv2d", 1, 2, (3, 2), padding="same", x=(1, 1, 4, 4)),
    row("Conv2d", 1, 2, 2, x=(1, 3, 3)),
    row("Conv2d", 1, 2, 3, padding=1, x=(0, 1, 3, 3)),
    row("Conv2d", 1, 2, 3, padding=(2, 1), padding_mode="reflect", x=(1, 1, 4, 4)),
    row("Conv2d", 1, 2, 3, padding=(3, 1), padding_mode="replicate", x=(1, 1, 3, 4)),
    row("Conv2d", 1, 2, 3, padding=2, padding_mode="circular", x=(2, 1, 3, 4)),
    row("Conv1d", 1, 2, 4, padding="same", padding_mode="circular", x=(2, 1, 5)),
    row("Conv1d", 1, 2, 3, padding="valid", padding_mode="reflect", x=(1, 5)),
    row("Conv3d", 2, 2, 2, x=(1, 2, 3, 3, 3)),
    row("Conv3d", 2, 4, (1, 2, 2), stride=2, padding=(0, 1, 0), groups=2, x=(1, 2, 3, 3, 3)),
    row("ConvTranspose1d", 2, 3, 3, x=(2, 2, 4)),
    row("ConvTranspose1d", 4, 2, 3, 2, 1, 1, 2, False, 2, x=(1, 4, 4)),
    row("ConvTranspose2d", 2, 3, 2, x=(2, 2, 3, 4)),
    row("ConvTranspose2d", 2, 3, 3, stride=2, padding=1, output_padding=(1, 0), x=(2, 2, 3, 2)),
    row("ConvTranspose2d", 4, 4, (2, 3), groups=2, dilation=(1, 2), x=(4, 3, 3)),
    row("ConvTranspose2d", 1, 2, 3, 2, x=(1, 1, 2, 2), call={"output_size": [6, 5]}),
    row("ConvTranspose3d", 2, 1, 2, stride=2, x=(1, 2, 2, 2, 2)),
    # Pools
    row("MaxPool1d", 2, x=(2, 3, 6)),
    row("MaxPool1d", 3, stride=1, padding=1, dilation=2, x=(3, 6)),
    row("MaxPool2d", 2, x=(2, 3, 5, 4)),
    row("MaxPool2d", (2, 3), (1, 2), (1, 0), ceil_mode=True, x=(2, 2, 4, 4)),
    row("MaxPool2d", 2, return_indices=True, x=(2, 3, 4, 4)),
    row("MaxPool3d", 2, x=(1, 2, 2, 3, 2)),
    row("AvgPool1d", 2, x=(2, 3, 6)),
    row("AvgPool2d", 2, x=(2, 3, 5, 4)),
    row("AvgPool2d", 3, 2, 1, count_include_pad=False, x=(2, 2, 5, 5)),
    row("AvgPool2d", (2, 1), divisor_override=3, ceil_mode=True, x=(2, 5, 5)),
    row("AvgPool3d", 2, x=(1, 2, 2, 3, 2)),
    row("AdaptiveAvgPool1d", 4, x=(2, 3, 6)),
    row("AdaptiveAvgPool2d", 1, x=(2, 3, 5, 4)),
    row("AdaptiveAvgPool2d", (None, 3), x=(3, 5, 4)),
    row("AdaptiveAvgPool3d", (1, 2, None), x=(1, 2, 2, 3, 2)),
    row("AdaptiveMaxPool1d", 4, x=(2, 3, 6)),
    row("AdaptiveMaxPool2d", (2, 3), return_indices=True, x=(2, 3, 5, 4)),
    row("AdaptiveMaxPool3d", 1, x=(1, 2, 2, 3, 2)),
    # Tables
    row("Embedding", 7, 3, x=Integers(7, (4, 2))),
    row("Embedding", 7, 3, padding_idx=0, x=Integers(3, (4, 2))),
    row("Embedding", 7, 3, -5, x=Integers(4, (9,))),
    row("Embedding", 7, 3, sparse=False, x=Integers(7, (0, 2))),
    # Recurrent
    row("RNNCell", 3, 4, x=(2, 3)),
    row("RNNCell", 3, 4, x=[(2, 3), (2, 4)]),
    row("RNNCell", 3, 4, bias=False, x=[(3,), (4,)]),
    row("GRUCell", 3, 4, x=(2, 3)),
    row("GRUCell", 3, 4, x=[(2, 3), (2, 4)]),
    row("GRUCell", 3, 4, bias=False, x=[(3,), (4,)]),
    row("RNNCell", 3, 4, True, "relu", x=[(2, 3), (2, 4)]),
    row("LSTMCell", 3, 4, x=(2, 3)),
    row("LSTMCell", 3, 4, x=[(2, 3), ((2, 4), (2, 4))]),
    row("LSTMCell", 3, 4, False, x=(3,)),
    row("RNN", 3, 4, x=(5, 2, 3)),
    row("RNN", 3, 4, 2, bias=False, x=[(3, 2, 3), (2, 2, 4)]),
    row("RNN", 3, 4, 2, bidirectional=True, batch_first=True, x=[(2, 3, 3), (4, 2, 4)]),
    row("RNN", 3, 4, bidirectional=True, x=(4, 3)),
    row("RNN", 3, 4, batch_first=True, x=[(4, 3), (1, 4)]),
    row("LSTM", 3, 4, x=(5, 2, 3)),
    row("LSTM", 3, 4, 2, bias=False, x=[(3, 2, 3), ((2, 2, 4), (2, 2, 4))]),
    row("LSTM", 3, 4, 2, bidirectional=True, batch_first=True, x=[(2, 3, 3), ((4, 2, 4), (4, 2, 4))]),
    row("LSTM", 3, 4, bidirectional=True, x=(4, 3)),
    row("LSTM", 3, 4, proj_size=2, x=(5, 2, 3)),
    row("LSTM", 3, 4, 2, proj_size=3, bidirectional=True, x=[(3, 2, 3), ((4, 2, 3), (4, 2, 4))]),
    row("LSTM", 3, 4, proj_size=2, batch_first=True, x=[(4, 3), ((1, 2), (1, 4))]),
    row("LSTM", 3, 4, batch_first=True, x=[(4, 3), ((1, 4), (1, 4))]),
    row("GRU", 3, 4, x=(5, 2, 3)),
    row("GRU", 3, 4, 2, bias=False, x=[(3, 2, 3), (2, 2, 4)]),
    row("GRU", 3, 4, 2, bidirectional=True, batch_first=True, x=[(2, 3, 3), (4, 2, 4)]),
    row("GRU", 3, 4, bidirectional=True, x=(4, 3)),
    row("GRU", 3, 4, batch_first=True, x=[(4, 3), (1, 4)]),
    row("RNN", 3, 4, 1, "relu", x=(5, 2, 3)),
    # Attention
    row("MultiheadAttention", 4, 2, x=[(3, 2, 4), (5, 2, 4), (5, 2, 4)]),
    row("MultiheadAttention", 4, 4, bias=False, batch_first=True, x=[(2, 3, 4), (2, 5, 4), (2, 5, 4)]),
    row("MultiheadAttention", 4, 1, x=[(3, 4), (5, 4), (5, 4)], call={"need_weights": False}),
    row("MultiheadAttention", 4, 2, kdim=3, vdim=5, x=[(3, 2, 4), (5, 2, 3), (5, 2, 5)]),
    row(
        "MultiheadAttention",
        4,
        2,
        kdim=3,
        bias=False,
        x=[(3, 4), (5, 3), (5, 4)],
        call={"average_attn_weights": False},
    ),
    row("MultiheadAttention", 4, 2, x=[(3, 2, 4)] * 3, call={"attn_mask": CAUSAL, "is_causal": True}),
    row(
        "MultiheadAttention",
        4,
        2,
        batch_first=True,
        x=[(2, 3, 4)] * 3,
        call={"key_padding_mask": PADDING, "average_attn_weights": False},
    ),
    row(
        "MultiheadAttention",
        4,
        2,
        x=[(3, 2, 4)] * 3,
        call={"attn_mask": CAUSAL, "key_padding_mask": PADDING, "need_weights": False},
    ),
    row("MultiheadAttention", 4, 2, x=[(3, 2, 4)] * 3, call={"attn_mask": LEARNED}),
    row("MultiheadAttention", 4, 2, x=[(3, 2, 4)] * 3, call={"attn_mask": np.stack([LEARNED] * 4)}),
    row("MultiheadAttention", 4, 2, x=[(3, 4)] * 3, call={"key_padding_mask": PADDING[0]}),
    row("MultiheadAttention", 4, 2, add_bias_kv=True, x=[(3, 2, 4)] * 3, call={"attn_mask": CAUSAL}),
    row(
        "MultiheadAttention",
        4,
        2,
        add_zero_attn=True,
        batch_first=True,
        x=[(2, 3, 4)] * 3,
        call={"key_padding_mask": PADDING},
    ),
    row("MultiheadAttention", 4, 2, 0.0, False, True, True, 3, x=[(3, 4), (5, 3), (5, 4)]),
    row("TransformerEncoderLayer", 4, 2, 8, 0.0, x=(3, 2, 4)),
    row("TransformerEncoderLayer", 4, 2, 8, 0.0, "gelu", batch_first=True, x=(2, 3, 4)),
    row("TransformerEncoderLayer", 4, 2, 8, 0.0, norm_first=True, bias=False, x=(3, 4)),
    row(
        "TransformerEncoderLayer",
        4,
        2,
        8,
        0.0,
        layer_norm_eps=0.1,
        batch_first=True,
        x=(2, 3, 4),
        call={"src_mask": CAUSAL, "src_key_padding_mask": PADDING},
    ),
    # Dropout that drops nothing, or all; what it drops in between is chance
    row("Dropout", 0.0, x=(3, 4)),
    row("Dropout1d", 0.0, x=(3, 4)),
    row("Dropout2d", 0.0, x=(3, 4, 2, 2)),
    row("Dropout3d", 0.0, x=(3, 4, 2, 2)),
    row("Dropout", 1.0, x=(3, 4)),
    row("Dropout1d", 1.0, x=(3, 4)),
    row("Dropout2d", 1.0, x=(3, 4, 2, 2)),
    row("Dropout3d", 1.0, x=(2, 3, 4, 2, 2)),
    row("RNN", 3, 4, 2, dropout=1.0, x=(3, 2, 3)),
    row("LSTM", 3, 4, 3, dropout=1.0, bidirectional=True, x=(3, 2, 3)),
    row("GRU", 3, 4, 2, dropout=1.0, batch_first=True, x=(3, 2, 3)),
    row("MultiheadAttention", 4, 2, 1.0, x=[(3, 2, 4)] * 3),
    row("TransformerEncoderLayer", 4, 2, 8, 1.0, x=(3, 2, 4)),
    row("TransformerEncoderLayer", 4, 2, 8, 1.0, norm_first=True, x=(3, 2, 4)),
]


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
@pytest.mark.parametrize("train", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_layer_is_pytorchs(row: Row, train: bool, rng: np.random.Generator) -> None:
    import torch

    layer, peer = row.build(nn).train(train), row.build(torch.nn).train(train)
    assert repr(layer) == repr(peer).replace("NonDynamicallyQuantizableLinear", "Linear")
    twin(layer, peer)
    parameters = list(layer.parameters())
    ours = optim.SGD(parameters, lr=0.1) if parameters else None
    theirs = torch.optim.SGD(peer.parameters(), lr=0.1) if parameters else None
    for step in range(3):
        same_step(layer, peer, *row.draw(rng), rng=rng, what=f"step {step}", **row.call)
        if ours is not None:
            ours.step()
            theirs.step()
            same_state(layer, peer, f"after step {step}")


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
@pytest.mark.parametrize("row", [r for r in ROWS if r.build(nn).state_dict()], ids=str)
def test_a_layer_takes_pytorchs_state(row: Row, rng: np.random.Generator) -> None:
    import torch

    layer, peer = row.build(nn), row.build(torch.nn)
    for _ in range(2):  # running averages move
        peer(*[converted(x, torch.tensor) for x in row.draw(rng)])
    layer.load_state_dict(peer.state_dict())
    same_state(layer, peer, "loading")
    x = row.draw(rng)
    ours = layer.eval()(*[converted(v, mg.tensor) for v in x])
    theirs = peer.eval()(*[converted(v, torch.tensor) for v in x])
    for y, z in zip(flat(ours), flat(theirs), strict=True):
        agree(y, z, "output")


@pytest.mark.parametrize("row", [r for r in ROWS if 1.0 not in r.args], ids=str)
def test_both_modes_agree_and_the_graph_replays(row: Row, rng: np.random.Generator) -> None:
    """<cotangent, J tangent> is <J^T cotangent, tangent>; a trace computes the same on other inputs."""
    layer = row.build(nn).eval()
    x, y = row.draw(rng), row.draw(rng)

    def outputs(*inputs: Any) -> list[Any]:
        return [v for v in flat(layer(*inputs, **row.call)) if v.dtype == np.float64]

    if not isinstance(row.inputs[0], Integers):
        tangents = row.draw(rng)
        outs, moved = mg.jvp(outputs, x, tangents)
        cotangents = [rng.standard_normal(v.shape) for v in outs]
        pulled = mg.vjp(outputs, *x)[1](cotangents)
        left = [(g * t.numpy()).sum() for g, t in zip(cotangents, moved, strict=True)]
        leaves = zip(flat_arrays(pulled), flat_arrays(tangents), strict=True)
        assert sum(left) == pytest.approx(sum([(g * t).sum() for g, t in leaves]), rel=1e-9, abs=1e-11)
    graph = mg.trace(outputs, *x)
    for ours, theirs in zip(flat_arrays(graph(*y)), flat_arrays(outputs(*y)), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_dtypes_are_kept(row: Row, dtype: str, rng: np.random.Generator) -> None:
    """Output, gradients and state have the dtype of input and layer, and nearly the values of float64."""
    layer, exact = row.build(nn).eval(), row.build(nn).eval()
    exact.load_state_dict(layer.to(dtype).state_dict())
    inputs = [
        converted(x, lambda a: a.astype(dtype) if a.dtype.kind == "f" else a) for x in row.draw(rng)
    ]
    wide = [converted(x, lambda a: a.astype(float) if a.dtype.kind == "f" else a) for x in inputs]
    x, y = [
        [converted(v, lambda a: mg.tensor(a, requires_grad=a.dtype.kind == "f")) for v in given]
        for given in (inputs, wide)
    ]
    ours, theirs = list(flat(layer(*x, **row.call))), list(flat(exact(*y, **row.call)))
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == (dtype if b.dtype == np.float64 else b.dtype)
        if a.dtype == b.dtype:
            continue  # places of the largest elements
        tolerance = {"float16": 0.05, "float32": 1e-4}[dtype]
        np.testing.assert_allclose(a.numpy().astype(float), b.numpy(), rtol=tolerance, atol=tolerance)
    if ours[0].requires_grad:
        ours[0].sum().backward()
    for value in [*flat(x), *layer.parameters()]:
        assert value.grad is None or value.grad.dtype == value.dtype


# Sizes that are large enough to see a distribution.
LARGE = [
    row("Linear", 150, 150, x=()),
    row("Conv1d", 40, 60, 5, x=()),
    row("Conv2d", 20, 60, 4, groups=2, x=()),
    row("Conv3d", 10, 30, 3, x=()),
    row("ConvTranspose1d", 40, 60, 5, x=()),
    row("ConvTranspose2d", 20, 60, 4, groups=2, x=()),
    row("ConvTranspose3d", 10, 30, 3, x=()),
    row("Embedding", 200, 60, 3, x=()),
    row("RNNCell", 100, 100, x=()),
    row("LSTMCell", 60, 60, x=()),
    row("GRUCell", 60, 60, x=()),
    row("LSTM", 30, 60, 2, bidirectional=True, x=()),
    row("GRU", 60, 50, x=()),
    row("RNN", 100, 100, x=()),
    row("MultiheadAttention", 90, 3, x=()),
    row("MultiheadAttention", 300, 3, add_bias_kv=True, x=()),
    row("MultiheadAttention", 90, 3, kdim=70, vdim=110, x=()),
    row("TransformerEncoderLayer", 80, 2, 100, x=()),
    row("GroupNorm", 2, 4, x=()),
    row("InstanceNorm2d", 4, affine=True, track_running_stats=True, x=()),
    row("PReLU", 3, x=()),
]


@pytest.mark.torch
@pytest.mark.parametrize("row", LARGE, ids=str)
def test_first_values_are_drawn_as_pytorchs(row: Row) -> None:
    """Constants are equal; of the others mean, deviation and range."""
    import torch

    torch.manual_seed(0)
    mg.manual_seed(0)
    layer, peer = row.build(nn), row.build(torch.nn)
    theirs = peer.state_dict()
    for name, value in layer.state_dict().items():
        x, y = value.numpy(), theirs[name].numpy()
        deviation = y.std()
        if not deviation:
            assert np.array_equal(x, y), name
            continue
        spread = 6.0 * deviation / np.sqrt(x.size)  # of a mean, six sigma
        assert abs(x.mean()) < spread, name
        assert abs(x.std() - deviation) < spread, name
        if row.name != "Embedding" and name not in (
            "bias_k",
            "bias_v",
        ):  # uniform: nothing beyond the bounds, and something near them
            assert abs(np.abs(x).max() - np.abs(y).max()) < 20.0 * deviation / x.size, name
    if row.name == "Embedding":
        assert not layer.weight.numpy()[3].any()


@pytest.mark.torch
@pytest.mark.parametrize("name", ["ReLU", "LeakyReLU", "SiLU", "ELU", "Dropout", "Dropout2d"])
def test_in_place_is_accepted_and_shown(name: str) -> None:
    import torch

    assert repr(getattr(nn, name)(inplace=True)) == repr(getattr(torch.nn, name)(inplace=True))


@pytest.mark.torch
@pytest.mark.parametrize("train", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("norm", [True, False], ids=["norm", "plain"])
def test_a_transformer_encoder_is_pytorchs(train: bool, norm: bool, rng: np.random.Generator) -> None:
    import torch

    def build(library: Any, **options: Any) -> Any:
        block = library.TransformerEncoderLayer(4, 2, 6, 0.0, batch_first=True)
        last = library.LayerNorm(4) if norm else None
        return library.TransformerEncoder(block, 2, last, **options).double().train(train)

    model, peer = build(nn), build(torch.nn, enable_nested_tensor=False)
    assert repr(model) == repr(peer).replace("NonDynamicallyQuantizableLinear", "Linear")
    twin(model, peer)
    masks = {"mask": CAUSAL, "src_key_padding_mask": PADDING}
    for call in ({}, masks):
        same_step(model, peer, rng.standard_normal((2, 3, 4)), rng=rng, what="step", **call)
