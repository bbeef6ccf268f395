"""Nonlinearities."""

from __future__ import annotations

from typing import Any

import minigrad as mg

from ...tensor import Tensor, as_tensor

relu, sigmoid, softplus, tanh = mg.relu, mg.sigmoid, mg.softplus, mg.tanh


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Tensor:
    """x where it is positive, ``negative_slope * x`` elsewhere; at 0 the slope is the negative one.

    Examples
    --------
    >>> leaky_relu([-1.0, 1.0], 0.1)
    tensor([-0.1,  1. ])
    """
    x = as_tensor(x)
    return mg.where(x > 0, x, x * negative_slope)


def silu(x: Any) -> Tensor:
    """``x * sigmoid(x)``.

    Examples
    --------
    >>> silu([0.0])
    tensor([0.])
    """
    x = as_tensor(x)
    return x * sigmoid(x)


def softmax(x: Any, dim: int) -> Tensor:
    """Exponentials along an axis, scaled to sum to one.

    Examples
    --------
    >>> softmax([0.0, 0.0], dim=0)
    tensor([0.5, 0.5])
    """
    return mg.softmax(as_tensor(x), axis=dim)


def log_softmax(x: Any, dim: int) -> Tensor:
    """Logarithm of the softmax along an axis.

    Examples
    --------
    >>> log_softmax([0.0, 0.0], dim=0)
    tensor([-0.69314718, -0.69314718])
    """
    return mg.log_softmax(as_tensor(x), axis=dim)
