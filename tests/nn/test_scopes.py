"""Pictures show layers as boxes: every layer's equations stand under its name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

LAYERS: list[tuple[Any, Any, set[str]]] = [
    (lambda: nn.Conv2d(1, 2, 3), (1, 1, 4, 4), set()),
    (lambda: nn.ConvTranspose1d(1, 2, 3), (1, 1, 4), set()),
    (lambda: nn.MaxPool2d(2), (1, 1, 4, 4), set()),
    (lambda: nn.AdaptiveAvgPool2d(1), (1, 1, 4, 4), set()),
    (lambda: nn.Unflatten(1, (2, 2)), (3, 4), set()),
    (lambda: nn.GELU(), (3, 4), set()),
    (lambda: nn.GroupNorm(1, 2), (3, 2, 4), {"group_norm"}),
    (lambda: nn.InstanceNorm1d(2), (3, 2, 4), {"instance_norm"}),
    (lambda: nn.LSTMCell(4, 3), (2, 4), set()),
    (lambda: nn.GRU(4, 3, 2), (2, 1, 4), {"l0", "l1"}),
    (lambda: nn.RNN(4, 3, bidirectional=True), (2, 1, 4), {"l0", "l0_reverse"}),
    (lambda: nn.TransformerEncoderLayer(4, 2, 8, 0.0), (3, 1, 4), {"self_attn", "linear1", "linear2", "norm1", "norm2"}),
    (lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, 0.0), 2), (3, 1, 4), {"layers.0", "layers.1"}),
]  # fmt: skip


class Named(nn.Module):
    """A model with one layer."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Any) -> Any:
        return self.layer(x)


def scopes(layer: Any, shape: Any) -> set[tuple[str, ...]]:
    """Of all equations of a model with this layer."""
    graph = mg.trace(Named(layer), np.ones(shape, "float32"))
    return {e.scope for e in graph.equations}


@pytest.mark.parametrize(("make", "shape", "inner"), LAYERS)
def test_a_layer_is_a_box_with_its_parts_inside(make: Any, shape: Any, inner: set[str]) -> None:
    found = scopes(make(), shape)
    assert {s[0] for s in found} == {"layer"}
    assert inner <= {s[1] for s in found if len(s) > 1}


def test_an_embedding_is_a_box() -> None:
    graph = mg.trace(Named(nn.Embedding(5, 2)), np.array([1, 2]))
    assert {e.scope for e in graph.equations} == {("layer",)}


@pytest.mark.parametrize(
    ("layer", "shape"),
    [(nn.LayerNorm(4), (3, 4)), (nn.GroupNorm(1, 2), (3, 2, 4)), (nn.InstanceNorm1d(2), (3, 2, 4))],
)
def test_norms_name_their_statistics(layer: Any, shape: Any) -> None:
    text = str(mg.trace(layer, np.ones(shape, "float32")))
    assert all(f"    {name}: f32" in text for name in ("mean", "variance", "std", "x_hat"))


def test_every_time_step_is_a_box() -> None:
    found = scopes(nn.LSTM(4, 3), (3, 1, 4))
    assert {s[2] for s in found if len(s) > 2} == {"t0", "t1", "t2"}


def test_the_printed_graph_names_layers() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 3)
            self.pool = nn.MaxPool2d(2)

        def forward(self, x: Any) -> Any:
            return self.pool(self.conv(x))

    text = str(mg.trace(Model(), np.ones((1, 1, 6, 6), "float32")))
    assert "\n  conv:\n" in text
    assert "\n  pool:\n" in text
    assert "parameter conv.weight: f32[2,1,3,3]" in text
