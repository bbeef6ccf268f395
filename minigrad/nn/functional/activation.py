"""Nonlinearities."""

from __future__ import annotations

import math
from typing import Any, Literal

import minigrad as mg

from ...errors import ArgumentError, ShapeError
from ...tensor import Tensor, describe
from .arguments import as_input, same_dtype

relu, sigmoid, tanh = mg.relu, mg.sigmoid, mg.tanh


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Tensor:
    """x where it is positive, ``negative_slope * x`` elsewhere; at 0 the slope is the negative one.

    Examples
    --------
    >>> leaky_relu([-1.0, 1.0], 0.1)
    tensor([-0.1,  1. ])
    """
    x = as_input(x)
    return mg.where(x > 0, x, x * negative_slope)


def prelu(x: Any, weight: Any) -> Tensor:
    """x where it is positive, a learned multiple of x elsewhere.

    Parameters
    ----------
    x : array_like
    weight : array_like, shape (1,) or (C,)
        One slope for all, or one per channel (axis 1).

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If there are several slopes, but not one per channel.

    Examples
    --------
    >>> prelu([-1.0, 1.0], [0.5])
    tensor([-0.5,  1. ])
    """
    x, weight = as_input(x), as_input(weight)
    channels = x.shape[1] if x.ndim > 1 else 1
    if weight.ndim != 1 or weight.size not in (1, channels):
        raise ShapeError(
            f"prelu: x is {describe(x)} and weight is {describe(weight)}; it needs one slope, or one "
            f"per channel (axis 1): [{channels}]."
        )
    same_dtype("prelu", x, weight=weight)
    slope = mg.reshape(weight, (-1, *[1] * (x.ndim - 2))) if x.ndim > 1 else weight
    return mg.where(x > 0, x, x * slope)


def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """x where it is positive, ``alpha * (exp(x) - 1)`` elsewhere.

    Examples
    --------
    >>> elu([-math.log(2.0), 1.0])
    tensor([-0.5,  1. ])
    """
    x = as_input(x)
    return mg.where(x > 0, x, mg.expm1(mg.where(x > 0, 0.0, x)) * alpha)


def gelu(x: Any, approximate: Literal["none", "tanh"] = "none") -> Tensor:
    """x times the probability that a standard normal variable is smaller than x.

    Parameters
    ----------
    x : array_like
    approximate : {"none", "tanh"}
        Exact, with the error function (which needs SciPy); or by a hyperbolic tangent.

    Returns
    -------
    Tensor

    Raises
    ------
    ArgumentError
        For another approximation.

    References
    ----------
    Hendrycks and Gimpel, 2016, arXiv:1606.08415.

    Examples
    --------
    >>> gelu([0.0, 1.0], approximate="tanh")
    tensor([0.        , 0.84119199])
    """
    x = as_input(x)
    if approximate == "none":
        return x * (mg.erfc(x * -math.sqrt(0.5)) * 0.5)  # erfc keeps its digits far to the left
    if approximate != "tanh":
        raise ArgumentError(f'gelu: approximate is "none" or "tanh", not {approximate!r}.')
    return x * 0.5 * (1.0 + tanh((x + x**3 * 0.044715) * math.sqrt(2.0 / math.pi)))


def logsigmoid(x: Any) -> Tensor:
    """The logarithm of the sigmoid, exact also where that is near zero.

    Examples
    --------
    >>> logsigmoid([-1000.0, 0.0])
    tensor([-1.00000000e+03, -6.93147181e-01])
    """
    return -mg.softplus(-as_input(x))


def silu(x: Any) -> Tensor:
    """``x * sigmoid(x)``.

    Examples
    --------
    >>> silu([0.0])
    tensor([0.])
    """
    x = as_input(x)
    return x * sigmoid(x)


def softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """``log(1 + exp(beta x)) / beta``; where ``beta x`` is above a threshold, x itself.

    Examples
    --------
    >>> softplus([0.0, 50.0])
    tensor([ 0.69314718, 50.        ])
    """
    x = as_input(x)
    scaled = x * beta
    return mg.where(scaled > threshold, x, mg.softplus(scaled) / beta)


def softmax(x: Any, dim: int) -> Tensor:
    """Exponentials along an axis, scaled to sum to one.

    Examples
    --------
    >>> softmax([0.0, 0.0], dim=0)
    tensor([0.5, 0.5])
    """
    return mg.softmax(as_input(x), axis=dim)


def log_softmax(x: Any, dim: int) -> Tensor:
    """Logarithm of the softmax along an axis.

    Examples
    --------
    >>> log_softmax([0.0, 0.0], dim=0)
    tensor([-0.69314718, -0.69314718])
    """
    return mg.log_softmax(as_input(x), axis=dim)
