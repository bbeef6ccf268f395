"""Wrong input to layers: each message names the layer, what it got, and what it takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F


def f32(*shape: int) -> Any:
    return np.ones(shape, "float32")


CASES: list[tuple[Any, type[Exception], str]] = [
    # Activations
    (lambda: nn.GELU("erf"), mg.ArgumentError, r"GELU: approximate is \"none\" or \"tanh\", not 'erf'"),
    (lambda: F.gelu(f32(2), "erf"), mg.ArgumentError, r"gelu: approximate is"),
    (lambda: nn.PReLU(3)(f32(2, 4)), mg.ShapeError, r"prelu: x is .*\[2, 4\] and weight is .*\[3\].*; it needs one slope, or one per channel \(axis 1\): \[4\]"),
    (lambda: nn.PReLU(-1), mg.ArgumentError, r"PReLU: num_parameters is an integer from 0 upwards, not -1"),
    # Shapes
    (lambda: nn.Unflatten(1, (2, 3))(f32(2, 5)), mg.ShapeError, r"Unflatten: axis 1 of .*\[2, 5\] cannot be split into \[2, 3\]"),
    (lambda: nn.Unflatten(1, (2, -1))(f32(2, 5)), mg.ShapeError, r"Unflatten: axis 1 of .* cannot be split into \[2, -1\]"),
    (lambda: nn.Unflatten(3, (2, 3))(f32(2, 6)), mg.ShapeError, r"Unflatten: axis 3 of .*\[2, 6\] cannot"),
    (lambda: nn.Unflatten(1, (-1, -1)), mg.ArgumentError, r"Unflatten: dim is an integer .* of which one may be -1; not 1 and \(-1, -1\)"),
    (lambda: nn.Unflatten("x", 3), mg.ArgumentError, r"Unflatten: dim is an integer and unflattened_size a tuple"),
    # Dropout
    (lambda: nn.Dropout2d(2.0), mg.ArgumentError, r"Dropout: p must be between 0 and 1, not 2\.0|Dropout2d: p must be"),
    (lambda: nn.Dropout2d()(f32(2, 3, 4)), mg.ShapeError, r"dropout2d: x must be \(N, C, H, W\), and it is .*\[2, 3, 4\]"),
    (lambda: nn.Dropout1d()(f32(2)), mg.ShapeError, r"dropout1d: x must be \(N, C, L\), or \(C, L\) for a single sample, and it is"),
    # Normalization
    (lambda: nn.GroupNorm(2, 5), mg.ArgumentError, r"GroupNorm: num_channels=5 must be a multiple of num_groups=2"),
    (lambda: nn.GroupNorm(0, 4), mg.ArgumentError, r"GroupNorm: num_groups is an integer from 1 upwards, not 0"),
    (lambda: nn.GroupNorm(2, 4, eps=-1.0), mg.ArgumentError, r"GroupNorm: eps must be zero or positive, not -1\.0"),
    (lambda: nn.GroupNorm(2, 4)(f32(3, 6)), mg.ShapeError, r"GroupNorm: x must be \(N, 4, \.\.\.\), as num_channels says, and it is .*\[3, 6\]"),
    (lambda: nn.GroupNorm(2, 4)(np.ones((3, 4))), mg.DtypeError, r"group_norm: x is .*float64\[3, 4\], but weight is float32"),
    (lambda: nn.GroupNorm(4, 4)(f32(1, 4)), mg.ArgumentError, r"group_norm: one value per group has no variance, and x is"),
    (lambda: F.group_norm(f32(3, 5), 2), mg.ShapeError, r"group_norm: x is .*\[3, 5\]; it must be \(N, C, \.\.\.\), with a number of channels C that 2 groups can share"),
    (lambda: F.group_norm(f32(3, 4), 2, weight=f32(2)), mg.ShapeError, r"group_norm: x is .* and weight is .*\[2\], .*\[4\]"),
    (lambda: nn.InstanceNorm1d(3)(f32(2, 4, 5)), mg.ShapeError, r"InstanceNorm1d: x is .*\[2, 4, 5\] with 4 channels \(axis 1\), but the layer has num_features=3"),
    (lambda: nn.InstanceNorm2d(3)(f32(3, 5)), mg.ShapeError, r"InstanceNorm2d: x must be \(N, C, H, W\) or \(C, H, W\), and it is .*\[3, 5\]"),
    (lambda: nn.InstanceNorm1d(3)(f32(2, 3, 1)), mg.ArgumentError, r"instance_norm: one value per channel has no variance, and x is"),
    (lambda: nn.InstanceNorm1d(3, momentum=2.0), mg.ArgumentError, r"InstanceNorm1d: momentum is the weight of the new value, between 0 and 1, or None, not 2\.0"),
    (lambda: nn.InstanceNorm1d(3, affine=True)(np.ones((2, 3, 4))), mg.DtypeError, r"instance_norm: x is .*float64\[2, 3, 4\], but weight is float32"),
    (lambda: F.instance_norm(f32(2, 3)), mg.ShapeError, r"instance_norm: x must be \(N, C, \.\.\.\), and it is"),
    (lambda: F.instance_norm(f32(2, 3, 4), mg.tensor(f32(3))), mg.ArgumentError, r"instance_norm: running_mean and running_var come together"),
    # Convolution
    (lambda: nn.Conv2d(3, 4, 3)(f32(1, 2, 5, 5)), mg.ShapeError, r"Conv2d: x is .*\[1, 2, 5, 5\] with 2 channels \(axis -3\), but the layer has in_channels=3"),
    (lambda: nn.Conv2d(3, 4, 3)(f32(5, 5)), mg.ShapeError, r"Conv2d: x must be \(N, C, H, W\), or \(C, H, W\) for a single sample, and it is .*\[5, 5\]"),
    (lambda: nn.Conv1d(3, 4, 3)(np.ones((1, 3, 5))), mg.DtypeError, r"Conv1d: x is .*float64\[1, 3, 5\], but weight is float32\. Convert the data, x\.astype\('float32'\), or the model"),
    (lambda: nn.Conv1d(3, 4, 9)(f32(1, 3, 5)), mg.ShapeError, r"conv1d: the window spans \[9\] elements, and the input with padding has \[5\]"),
    (lambda: nn.Conv2d(3, 4, 3, groups=2), mg.ArgumentError, r"Conv2d: in_channels=3 must be a multiple of groups=2"),
    (lambda: nn.Conv2d(4, 3, 3, groups=2), mg.ArgumentError, r"Conv2d: out_channels=3 must be a multiple of groups=2"),
    (lambda: nn.Conv2d(3, 4, (3, 3, 3)), mg.ArgumentError, r"Conv2d: kernel_size=\(3, 3, 3\); it is an integer from 1 upwards, or 2 of them, one per axis"),
    (lambda: nn.Conv2d(3, 4, 3, stride=0), mg.ArgumentError, r"Conv2d: stride=0; it is an integer from 1 upwards"),
    (lambda: nn.Conv2d(3, 4, 3, padding="full"), mg.ArgumentError, r"Conv2d: padding is a number, \"same\" or \"valid\", not 'full'"),
    (lambda: nn.Conv2d(3, 4, 3, 2, "same"), mg.ArgumentError, r'Conv2d: padding="same" needs stride=1, and this is \(2, 2\)'),
    (lambda: nn.Conv2d(3, 4, 3, padding_mode="mirror"), mg.ArgumentError, r"Conv2d: padding_mode is 'zeros' or 'reflect' or 'replicate' or 'circular', not 'mirror'"),
    (lambda: nn.Conv1d(1, 1, 3, padding=4, padding_mode="reflect")(f32(1, 4)), mg.ShapeError, r"Conv1d: padding_mode='reflect' takes the border from the input, which is too small for a border of \[4\]"),
    (lambda: nn.Conv1d(1, 1, 3, padding=5, padding_mode="circular")(f32(1, 4)), mg.ShapeError, r"Conv1d: padding_mode='circular' takes the border"),
    (lambda: nn.ConvTranspose2d(1, 1, 3, padding="same"), mg.ArgumentError, r"ConvTranspose2d: padding is a number, not 'same'"),
    (lambda: nn.ConvTranspose2d(1, 1, 3, padding_mode="reflect"), mg.ArgumentError, r"ConvTranspose2d: padding_mode is 'zeros', not 'reflect'"),
    (lambda: nn.ConvTranspose1d(1, 1, 3, output_padding=1)(f32(1, 4)), mg.ArgumentError, r"conv_transpose1d: output_padding=\(1,\) must be smaller than stride=\(1,\) or dilation"),
    (lambda: nn.ConvTranspose1d(1, 1, 3, 2)(f32(1, 4), output_size=[12]), mg.ShapeError, r"ConvTranspose1d: output_size=\[12\] cannot come of .*\[1, 4\]; sizes go from \[9\] to \[10\]"),
    # Pools
    (lambda: nn.MaxPool2d(0), mg.ArgumentError, r"MaxPool2d: kernel_size=0; it is an integer from 1 upwards"),
    (lambda: nn.MaxPool2d(2, padding=2), mg.ArgumentError, r"MaxPool2d: padding=2 is more than half of kernel_size=2"),
    (lambda: nn.MaxPool2d(2, dilation=(1, 2, 3)), mg.ArgumentError, r"MaxPool2d: dilation=\(1, 2, 3\)"),
    (lambda: nn.AvgPool1d(2, stride=-1), mg.ArgumentError, r"AvgPool1d: stride=-1; it is an integer from 1 upwards"),
    (lambda: nn.AvgPool2d(2, divisor_override=0), mg.ArgumentError, r"AvgPool2d: divisor_override=0"),
    (lambda: nn.AvgPool2d(9)(f32(1, 1, 4, 4)), mg.ShapeError, r"avg_pool2d: the window spans \[9, 9\] elements, and the input with padding has \[4, 4\]"),
    (lambda: nn.MaxPool1d(2)(f32(4)), mg.ShapeError, r"max_pool1d: input is .*\[4\] with 1 axes; it takes \(N, C, L\)"),
    (lambda: nn.AdaptiveAvgPool2d((1, 2, 3)), mg.ArgumentError, r"AdaptiveAvgPool2d: output_size=\(1, 2, 3\)"),
    (lambda: nn.AdaptiveMaxPool1d(0), mg.ArgumentError, r"AdaptiveMaxPool1d: output_size=\(0,\)|AdaptiveMaxPool1d: output_size=0"),
    # Embedding
    (lambda: nn.Embedding(5, 2)(np.array([0, 5])), mg.ArgumentError, r"embedding: x holds row numbers from 0 to 5, and weight is .*\[5, 2\].*: they run from 0 to 4"),
    (lambda: nn.Embedding(5, 2)(np.array([-1])), mg.ArgumentError, r"embedding: x holds row numbers from -1 to -1"),
    (lambda: nn.Embedding(5, 2)(f32(3)), mg.DtypeError, r"embedding: x holds row numbers, which are integers, and it is .*float32\[3\]\. Write x\.astype\(int\)"),
    (lambda: nn.Embedding(5, 2, padding_idx=5), mg.ArgumentError, r"Embedding: padding_idx=5 is no row of the table; rows run from 0 to 4"),
    (lambda: nn.Embedding(5, 2, max_norm=1.0), mg.ArgumentError, r"Embedding: max_norm and scale_grad_by_freq are not there"),
    (lambda: nn.Embedding(5, 2, scale_grad_by_freq=True), mg.ArgumentError, r"Embedding: max_norm and scale_grad_by_freq are not there"),
    (lambda: nn.Embedding(5, 2, _weight=f32(4, 2)), mg.ShapeError, r"Embedding: _weight is .*\[4, 2\], but num_embeddings and embedding_dim say \[5, 2\]"),
    (lambda: nn.Embedding.from_pretrained(f32(4)), mg.ShapeError, r"Embedding\.from_pretrained: embeddings is .*\[4\]; it takes a table"),
    (lambda: F.embedding([0], f32(4)), mg.ShapeError, r"embedding: weight is .*\[4\]; it takes a table \(rows, columns\)"),
    # Recurrent
    (lambda: nn.RNNCell(3, 4, nonlinearity="sigmoid"), mg.ArgumentError, r"RNNCell: nonlinearity is \"tanh\" or \"relu\", not 'sigmoid'"),
    (lambda: nn.RNN(3, 4, nonlinearity="sigmoid"), mg.ArgumentError, r"RNN: nonlinearity is"),
    (lambda: nn.LSTM(0, 4), mg.ArgumentError, r"LSTM: input_size and hidden_size must be positive"),
    (lambda: nn.LSTM(3, 4, 0), mg.ArgumentError, r"LSTM: num_layers must be positive"),
    (lambda: nn.LSTM(3, 4, 2, dropout=1.5), mg.ArgumentError, r"LSTM: dropout must be between 0 and 1, not 1\.5"),
    (lambda: nn.LSTM(3, 4, proj_size=4), mg.ArgumentError, r"LSTM: proj_size=4 must be smaller than hidden_size=4, or 0"),
    (lambda: nn.GRU(3, 4, proj_size=2), mg.ArgumentError, r"GRU: proj_size=2: only an nn\.LSTM projects its state"),
    (lambda: nn.LSTM(3, 4, proj_size=2)(f32(5, 2, 3), (f32(1, 2, 4), f32(1, 2, 4))), mg.ShapeError, r"LSTM: x is .* and the state h is .*\[1, 2, 4\], but it must be \[1, 2, 2\]"),
    (lambda: nn.GRUCell(3, 4)(f32(2, 5)), mg.ShapeError, r"GRUCell: x must be \(N, input_size\) or \(input_size,\) with input_size=3, and it is .*\[2, 5\]"),
    (lambda: nn.GRUCell(3, 4)(f32(2, 3), f32(2, 3)), mg.ShapeError, r"GRUCell: x is .*\[2, 3\] and the state h is .*\[2, 3\], but it must be \[2, 4\]"),
    (lambda: nn.GRUCell(3, 4)(f32(2, 3), np.ones((2, 4))), mg.DtypeError, r"GRUCell: x is .*float32\[2, 3\], but h is float64"),
    (lambda: nn.LSTMCell(3, 4)(f32(2, 3), f32(2, 4)), mg.ArgumentError, r"LSTMCell: the state is a pair, hidden and cell state: \(h, c\)"),
    (lambda: nn.LSTMCell(3, 4)(f32(2, 3), (f32(2, 4), f32(2, 5))), mg.ShapeError, r"LSTMCell: x is .* and the state c is .*\[2, 5\], but it must be \[2, 4\]"),
    (lambda: nn.LSTM(3, 4)(f32(2, 3, 4)), mg.ShapeError, r"LSTM: x must be \(L, N, input_size\) or \(L, input_size\) with input_size=3, and it is .*\[2, 3, 4\]"),
    (lambda: nn.GRU(3, 4, batch_first=True)(f32(2, 3, 4)), mg.ShapeError, r"GRU: x must be \(N, L, input_size\) or"),
    (lambda: nn.GRU(3, 4, bidirectional=True)(f32(5, 2, 3), f32(1, 2, 4)), mg.ShapeError, r"GRU: x is .* and the state h is .*\[1, 2, 4\], but it must be \[2, 2, 4\]"),
    (lambda: nn.GRU(3, 4)(f32(0, 2, 3)), mg.ShapeError, r"GRU: x is .*\[0, 2, 3\]: a sequence without any steps"),
    (lambda: nn.GRU(3, 4)(np.ones((5, 2, 3))), mg.DtypeError, r"GRU: x is .*float64\[5, 2, 3\], but weight is float32"),
    # Attention
    (lambda: nn.MultiheadAttention(4, 3), mg.ArgumentError, r"MultiheadAttention: embed_dim=4 must be a positive multiple of num_heads=3"),
    (lambda: nn.MultiheadAttention(4, 0), mg.ArgumentError, r"embed_dim=4 must be a positive multiple of num_heads=0"),
    (lambda: nn.MultiheadAttention(4, 2)(f32(3, 4), f32(3, 4), f32(3, 5)), mg.ShapeError, r"the sizes of query, key and value are embed_dim=4, kdim=4, vdim=4; query is .*\[3, 4\], key is .*, value is .*\[3, 5\]"),
    (lambda: nn.MultiheadAttention(4, 2)(f32(3, 1, 4), f32(3, 4), f32(3, 4)), mg.ShapeError, r"all inputs are \(length, N, size\), or all \(length, size\)"),
    (lambda: nn.MultiheadAttention(4, 2)(f32(3, 1, 4), f32(3, 2, 4), f32(3, 2, 4)), mg.ShapeError, r"there is one value per key, and the batches are equal: \(length, N, size\)"),
    (lambda: nn.MultiheadAttention(4, 2)(np.ones((3, 4)), np.ones((3, 4)), np.ones((3, 4))), mg.DtypeError, r"MultiheadAttention: x is .*float64\[3, 4\], but parameters is float32|but key is"),
    (lambda: nn.MultiheadAttention(4, 2)(*[f32(3, 4)] * 3, attn_mask=f32(3, 2)), mg.ShapeError, r"attn_mask is .*\[3, 2\]; .* it must be \[3, 3\] or \[2, 3, 3\]"),
    (lambda: nn.MultiheadAttention(4, 2)(*[f32(3, 5, 4)] * 3, key_padding_mask=f32(3, 5)), mg.ShapeError, r"key_padding_mask is .*\[3, 5\]; .* it must be \[5, 3\]"),
    (lambda: nn.MultiheadAttention(4, 2)(*[f32(3, 4)] * 3, attn_mask=np.ones((3, 3), int)), mg.DtypeError, r"MultiheadAttention: attn_mask is .*int64\[.*it takes booleans, or floating numbers"),
    (lambda: nn.MultiheadAttention(4, 2)(*[f32(3, 4)] * 3, is_causal=True), mg.ArgumentError, r"is_causal=True is only a hint; pass the mask, too: attn_mask=np\.triu"),
    (lambda: F.scaled_dot_product_attention(f32(3, 4), f32(3, 5), f32(3, 4)), mg.ShapeError, r"scaled_dot_product_attention: query is \(\.\.\., L, E\), key \(\.\.\., S, E\)"),
    (lambda: F.scaled_dot_product_attention(f32(3, 4), f32(3, 4), f32(2, 4)), mg.ShapeError, r"there is one value per key"),
    (lambda: F.scaled_dot_product_attention(*[f32(3, 4)] * 3, attn_mask=f32(2, 3)), mg.ShapeError, r"the mask is .*\[2, 3\]; it must broadcast to one number per query and key, \[3, 3\]"),
    (lambda: F.scaled_dot_product_attention(*[f32(3, 4)] * 3, attn_mask=f32(5, 3, 3)), mg.ShapeError, r"the mask is .*\[5, 3, 3\]; it must broadcast"),
    (lambda: F.scaled_dot_product_attention(*[f32(3, 4)] * 3, f32(3, 3), is_causal=True), mg.ArgumentError, r"give attn_mask or is_causal=True, not both"),
    (lambda: F.scaled_dot_product_attention(f32(3, 2, 4), f32(2, 2, 4), f32(2, 2, 4), enable_gqa=True), mg.ShapeError, r"with enable_gqa the query's number of heads \(axis -3\) is a multiple"),
    (lambda: F.scaled_dot_product_attention(*[f32(3, 4)] * 3, dropout_p=2.0), mg.ArgumentError, r"dropout: p must be between 0 and 1, not 2\.0"),
    (lambda: nn.TransformerEncoderLayer(4, 2, activation="tanh"), mg.ArgumentError, r"TransformerEncoderLayer: activation is \"relu\", \"gelu\" or a function, not 'tanh'"),
    (lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer, 2), mg.ArgumentError, r"TransformerEncoder: encoder_layer is a module to copy, not <class"),
    (lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2), -1), mg.ArgumentError, r"TransformerEncoder: num_layers is an integer from 0 upwards, not -1"),
]  # fmt: skip


@pytest.mark.parametrize(("act", "error", "message"), CASES, ids=[m for _, _, m in CASES])
def test_wrong_input_is_explained(act: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        act()
    assert isinstance(caught.value, mg.MinigradError)


def test_dropout_with_nowhere_to_act_warns() -> None:
    with pytest.warns(
        UserWarning, match=r"LSTM: dropout=0\.5 acts between layers, and with num_layers=1"
    ):
        nn.LSTM(3, 4, dropout=0.5)
