"""What the tests of training share: a model with everything random in it, and small data."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import nn

EXAMPLES = 44  # not a multiple of the batches of 8


def network(seed: int = 0, own: bool = False) -> Any:
    """Batch norm and dropout; with `own`, dropout draws from a generator of its own."""
    rng = np.random.default_rng(seed)
    dropout = nn.Dropout(0.3, generator=np.random.default_rng(seed) if own else None)
    return nn.Sequential(
        nn.Linear(5, 8, generator=rng), nn.BatchNorm1d(8), nn.ReLU(), dropout,
        nn.Linear(8, 3, generator=rng),
    )  # fmt: skip


def data(count: int = EXAMPLES, seed: int = 1) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, 5)).astype("float32")
    return x, x[:, :3].argmax(axis=1)


def bits(model: Any) -> dict[str, bytes]:
    """All parameters and statistics, bit by bit."""
    return {key: value.numpy().tobytes() for key, value in model.state_dict().items()}
