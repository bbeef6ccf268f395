"""Exponentials that sum to one, and their logarithms: composites without rules."""

from __future__ import annotations

from typing import Any

import numpy as np

from .ops.arguments import checked_axes
from .ops.arithmetic import stop_gradient
from .ops.choice import where
from .ops.exponential import exp, log
from .ops.logic import isfinite
from .ops.reduce import max, sum
from .ops.shape import squeeze
from .primitive import public
from .tensor import operand


@public("logsumexp")
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Logarithm of the sum of exponentials, safe for any size of x.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int, optional
        By default all.
    keepdims : bool
        Whether reduced axes stay, with size one.

    Returns
    -------
    Tensor

    Notes
    -----
    Of nothing but minus infinities it is minus infinity, with derivative 0.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.logsumexp(mg.tensor([1000.0, 1000.0]))
    tensor(1000.69314718)
    """
    x = operand(x)
    axes = checked_axes("logsumexp", x, axis)
    top = stop_gradient(max(x, axis=axes, keepdims=True))
    top = where(isfinite(top), top, 0.0)
    total = sum(exp(x - top), axis=axes, keepdims=True)
    empty = total == 0
    out = where(empty, -np.inf, log(where(empty, 1.0, total))) + top
    return out if keepdims else squeeze(out, axes)


@public("log_softmax")
def log_softmax(x: Any, axis: int = -1) -> Any:
    """Logarithm of the softmax along an axis.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.log_softmax(mg.tensor([0.0, 0.0]))
    tensor([-0.69314718, -0.69314718])
    """
    x = operand(x)
    # The largest entry is never added back: next to it the logarithm would be rounded away.
    shifted = x - stop_gradient(max(x, axis=axis, keepdims=True))
    return shifted - log(sum(exp(shifted), axis=axis, keepdims=True))


@public("softmax")
def softmax(x: Any, axis: int = -1) -> Any:
    """Exponentials along an axis, scaled to sum to one.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.softmax(mg.tensor([0.0, 0.0]))
    tensor([0.5, 0.5])
    """
    x = operand(x)
    e = exp(x - stop_gradient(max(x, axis=axis, keepdims=True)))
    return e / sum(e, axis=axis, keepdims=True)
