"""Wrong input to batch normalization: one clear message each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg

BOTH = pytest.mark.parametrize(
    "bn", [mg.batchnorm.composed, mg.batchnorm.fused], ids=["composed", "fused"]
)
X = np.arange(12.0).reshape(4, 3)

WRONG = [
    ({"x": X[:1]}, mg.ArgumentError, r"one value per feature has no variance.*float64\[1, 3\]"),
    ({"x": X, "axis": ()}, mg.ArgumentError, "one value per feature has no variance"),
    ({"x": X, "eps": -1e-5}, mg.ArgumentError, "eps must be zero or positive, not -1e-05"),
    ({"x": X, "eps": float("nan")}, mg.ArgumentError, "eps must be zero or positive, not nan"),
    ({"x": X, "eps": "small"}, mg.ArgumentError, "eps must be zero or positive, not 'small'"),
    ({"x": X, "axis": 2}, mg.ArgumentError, "axis 2 is out of range for 2 dimensions.*0 for"),
    ({"x": X, "axis": (0, 0)}, mg.ArgumentError, "names a dimension twice"),
    ({"x": X.astype(int)}, mg.DtypeError, r"x must be floating.*int64\[4, 3\].*astype"),
    ({"x": X, "gamma": np.ones(4)}, mg.ShapeError, r"gamma is a plain array float64\[4\].*shape \[3\]"),
    ({"x": X, "beta": np.ones((3, 1))}, mg.ShapeError, r"beta is .*\[3, 1\].*shape \[3\]"),
    ({"x": X, "mean": np.zeros(3)}, mg.ArgumentError, "needs both mean= and variance="),
    ({"x": X, "mean": np.zeros(3), "variance": np.ones(2)}, mg.ShapeError, r"variance is .*\[2\]"),
]


@BOTH
@pytest.mark.parametrize(("arguments", "error", "message"), WRONG)
def test_wrong_input(bn: Callable[..., Any], arguments: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        bn(**arguments)
    assert f"batchnorm.{bn.__name__}" in str(caught.value)
    with pytest.raises(error, match=message):
        bn(**{**arguments, "x": mg.tensor(arguments["x"])})


@BOTH
def test_an_empty_batch(bn: Callable[..., Any]) -> None:
    x = mg.tensor(np.empty((0, 3)), requires_grad=True)
    gamma = mg.tensor(np.ones(3), requires_grad=True)
    y = bn(x, gamma, np.zeros(3))
    y.sum().backward()
    assert y.shape == x.grad.shape == (0, 3)
    np.testing.assert_array_equal(gamma.grad.data, 0.0)
