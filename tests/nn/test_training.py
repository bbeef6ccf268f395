"""Whole training runs: beside PyTorch, resumed, and on the real digits."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim

from .peers import twin


def build(framework: Any) -> Any:
    """The glossary's model, in either framework."""

    class Model(framework.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc1 = framework.Linear(64, 32)
            self.bn = framework.BatchNorm1d(32)
            self.relu = framework.ReLU()
            self.fc2 = framework.Linear(32, 10)

        def forward(self, x: Any) -> Any:
            return self.fc2(self.relu(self.bn(self.fc1(x))))

    return Model().double()


def batches(steps: int, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    images, labels = mg.data.digits("train", flatten=True)
    rng = np.random.default_rng(seed)
    chosen = [rng.integers(0, len(labels), 32) for _ in range(steps)]
    return [(images[c].astype("float64"), labels[c]) for c in chosen]


@pytest.mark.torch
@pytest.mark.parametrize(
    ("rule", "options"), [("SGD", {"lr": 0.1, "momentum": 0.9}), ("AdamW", {"lr": 0.01})]
)
def test_forty_steps_on_digits_are_pytorchs(rule: str, options: Any) -> None:
    """Every parameter and every statistic, after each of forty steps with a schedule and clipping."""
    import torch

    model, peer = build(nn), build(torch.nn)
    twin(model, peer)
    ours = getattr(optim, rule)(model.parameters(), **options)
    theirs = getattr(torch.optim, rule)(peer.parameters(), **options)
    left = optim.lr_scheduler.CosineAnnealingLR(ours, 40)
    right = torch.optim.lr_scheduler.CosineAnnealingLR(theirs, 40)
    criteria = nn.CrossEntropyLoss(label_smoothing=0.1), torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    for x, y in batches(40):
        ours.zero_grad()
        criteria[0](model(x), y).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        ours.step()
        left.step()
        theirs.zero_grad()
        criteria[1](peer(torch.tensor(x)), torch.tensor(y)).backward()
        torch.nn.utils.clip_grad_norm_(peer.parameters(), 1.0)
        theirs.step()
        right.step()
    expected = peer.state_dict()
    for key, value in model.state_dict().items():
        if key == "fc1.bias":  # dead before a batch norm: its gradient is rounding alone
            continue
        np.testing.assert_allclose(
            value.numpy(), expected[key].numpy(), rtol=1e-7, atol=1e-9, err_msg=key
        )


def run(model: Any, optimizer: Any, data: Any) -> None:
    for x, y in data:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()


def test_a_resumed_run_has_the_same_bits() -> None:
    data = batches(12)
    whole, half = build(nn), build(nn)
    half.load_state_dict(whole.state_dict())
    run(whole, optim.Adam(whole.parameters(), lr=0.01), data)
    first = optim.Adam(half.parameters(), lr=0.01)
    run(half, first, data[:5])
    resumed = build(nn)
    resumed.load_state_dict(half.state_dict())
    second = optim.Adam(resumed.parameters(), lr=0.01)
    second.load_state_dict(first.state_dict())
    run(resumed, second, data[5:])
    for key, value in whole.state_dict().items():
        assert np.array_equal(value.data, resumed.state_dict()[key].data), key


@pytest.mark.parametrize("method", ["composed", "fused"])
def test_batch_norm_learns_the_digits(method: Any) -> None:
    mg.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(64, 32), nn.BatchNorm1d(32, method=method), nn.ReLU(), nn.Linear(32, 10)
    )
    loader = mg.data.DataLoader(
        mg.data.TensorDataset(*mg.data.digits("train", flatten=True)),
        batch_size=64, shuffle=True, drop_last=True, generator=np.random.default_rng(0),
    )  # fmt: skip
    optimizer = optim.Adam(model.parameters(), lr=0.02)
    for _ in range(4):
        run(model, optimizer, loader)
    images, labels = mg.data.digits("test", flatten=True)
    accuracy = (model.eval()(images).numpy().argmax(axis=1) == labels).mean()
    assert accuracy > 0.94
    folded = nn.utils.fold_batchnorm(model)
    np.testing.assert_allclose(folded(images).numpy(), model(images).numpy(), atol=2e-4)


def test_gradcheck_of_a_whole_model(rng: np.random.Generator) -> None:
    """Every parameter's gradient through the batch statistics, against differences."""
    model = build(nn)
    x, y = rng.standard_normal((6, 64)), rng.integers(0, 10, 6)
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    for parameter in model.parameters():
        index = tuple(rng.integers(0, n) for n in parameter.shape)
        value, sides = parameter.numpy().copy(), []
        for step in (1e-5, -1e-5):
            moved = value.copy()
            moved[index] += step
            parameter.data = moved
            sides.append(nn.functional.cross_entropy(model(x), y).item())
        parameter.data = value
        assert (sides[0] - sides[1]) / 2e-5 == pytest.approx(parameter.grad.data[index], abs=1e-8)


def test_layers_are_loaded_on_demand() -> None:
    code = (
        "import sys, minigrad as mg\n"
        "lazy = [f'minigrad.{n}' for n in ('nn', 'optim', 'data')]\n"
        "assert not any(n in sys.modules for n in lazy)\n"
        "mg.optim.SGD, mg.data.digits, mg.nn.Linear\n"
        "assert all(n in sys.modules for n in lazy)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    with pytest.raises(AttributeError, match="module 'minigrad' has no attribute 'nothing'"):
        _ = mg.nothing
