"""Whole networks of the layers beside PyTorch's, on the digits; and that no layer is left untested."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim

from .peers import twin
from .test_against_pytorch import ROWS


def convolutional(library: Any) -> Any:
    """Two convolutions with batch norm and pools."""
    return library.Sequential(
        library.Conv2d(1, 4, 3, padding=1), library.BatchNorm2d(4), library.ReLU(), library.MaxPool2d(2),
        library.Conv2d(4, 6, 3, padding="same", bias=False), library.GroupNorm(2, 6), library.GELU(),
        library.AdaptiveAvgPool2d(2), library.Flatten(), library.Linear(24, 10),
    )  # fmt: skip


def recurrent(library: Any) -> Any:
    """The rows of an image, one after the other."""

    class Rows(library.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.rnn = library.GRU(8, 6, num_layers=2, batch_first=True, bidirectional=True)
            self.head = library.Linear(12, 10)

        def forward(self, x: Any) -> Any:
            out, _ = self.rnn(x[:, 0])
            return self.head(out[:, -1])

    return Rows()


def transformer(library: Any) -> Any:
    """The rows of an image as tokens."""

    class Tokens(library.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            block = library.TransformerEncoderLayer(
                8, 2, 16, 0.0, "gelu", batch_first=True, norm_first=True
            )
            self.body = library.TransformerEncoder(
                block, 2, library.LayerNorm(8), enable_nested_tensor=False
            )
            self.head = library.Linear(8, 10)

        def forward(self, x: Any) -> Any:
            return self.head(self.body(x[:, 0]).mean(1))

    return Tokens()


@pytest.mark.torch
@pytest.mark.parametrize("build", [convolutional, recurrent, transformer])
def test_ten_steps_are_pytorchs(build: Any) -> None:
    """Every parameter and statistic, after ten steps of Adam on small batches of digits."""
    import torch

    model, peer = build(nn).double(), build(torch.nn).double()
    twin(model, peer)
    # Its epsilon keeps gradients that are zero but for rounding (of the keys' bias) from being blown up.
    ours = optim.Adam(model.parameters(), lr=0.01, eps=1e-3)
    theirs = torch.optim.Adam(peer.parameters(), lr=0.01, eps=1e-3)
    images, labels = mg.data.digits("train")
    rng = np.random.default_rng(0)
    for _ in range(10):
        chosen = rng.integers(0, len(labels), 16)
        x, y = images[chosen].astype("float64").reshape(16, 1, 8, 8), labels[chosen]
        ours.zero_grad()
        loss = nn.CrossEntropyLoss()(model(x), y)
        loss.backward()
        ours.step()
        theirs.zero_grad()
        expected = torch.nn.CrossEntropyLoss()(peer(torch.tensor(x)), torch.tensor(y))
        expected.backward()
        theirs.step()
        assert loss.item() == pytest.approx(expected.item(), rel=1e-9)
    for key, value in peer.state_dict().items():
        np.testing.assert_allclose(
            model.state_dict()[key].numpy(), value.numpy(), rtol=1e-8, atol=1e-10, err_msg=key
        )


@pytest.mark.parametrize("build", [convolutional, recurrent, transformer])
def test_a_network_learns(build: Any) -> None:
    """A hundred digits are learned by heart."""
    mg.manual_seed(0)
    model = build(nn)
    images, labels = mg.data.digits("train")
    x, y = images[:100].astype("float32").reshape(100, 1, 8, 8), labels[:100]
    optimizer = optim.Adam(model.parameters(), lr=0.02)
    first = nn.CrossEntropyLoss()(model(x), y).item()
    for _ in range(60):
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(model(x), y)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.2 * first


def test_every_layer_has_a_row_and_an_example() -> None:
    elsewhere = {"Module", "Sequential", "ModuleList", "ModuleDict", "TransformerEncoder"}
    layers = {
        name: layer
        for name in nn.__all__
        if isinstance(layer := getattr(nn, name), type) and issubclass(layer, nn.Module)
    }
    missing = {n for n in layers if not n.endswith("Loss")} - {row.name for row in ROWS} - elsewhere
    assert not missing
    assert not [name for name, layer in layers.items() if ">>>" not in (layer.__doc__ or "")]
