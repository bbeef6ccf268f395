"""Exponentials that sum to one, and the logarithm of their sum."""

from __future__ import annotations

from typing import Any

import numpy as np

from .ops.accumulate import kept_shape, total
from .ops.arguments import checked_axes
from .ops.arithmetic import stop_gradient
from .ops.choice import where
from .ops.exponential import exp
from .ops.logic import isfinite
from .ops.reduce import max, sum
from .ops.samples import reductions
from .ops.shape import reshape, squeeze
from .primitive import bind, general, public
from .tensor import Array, operand


def _log_of_sum(x: Array, axis: tuple[int, ...], keepdims: bool) -> Any:
    # Whoever binds this has taken the largest entry off: no exponential overflows.
    with np.errstate(divide="ignore"):  # of nothing but minus infinities
        out = np.log(total(np.exp(x), axis))
    return np.reshape(out, kept_shape(x.shape, axis)) if keepdims else out


def _shares(x: Any, out: Any, axis: tuple[int, ...]) -> Any:
    """The softmax, as the derivative of the logarithm of the sum."""
    out = reshape(where(out == -np.inf, 0.0, out), kept_shape(x.shape, axis))
    return exp(x - out)


_logsumexp = general(
    "logsumexp",
    _log_of_sum,
    vjp=lambda g, needed, x, out, axis, keepdims: (
        reshape(g, kept_shape(x.shape, axis)) * _shares(x, out, axis),
    ),
    jvp=lambda t, x, out, axis, keepdims: sum(
        t[0] * _shares(x, out, axis), axis=axis, keepdims=keepdims
    ),
    formula=r"\ln \sum_i e^{x_i}",
    vjp_formula=r"g\,e^{x - \mathrm{out}}",
    samples=reductions,
)


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
    # Taken off first and added last: next to it the rule's exponent would be rounded away.
    out = bind(_logsumexp, (x - top,), {"axis": axes, "keepdims": True}) + top
    return out if keepdims else squeeze(out, axes)


_logsumexp.function = logsumexp


def log_softmax_terms(x: Any, axis: Any) -> tuple[Any, Any]:
    """Two tensors whose difference is the logarithm of the softmax, both safe for any size of x.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int

    Returns
    -------
    below : Tensor
        x less its largest entry, which carries no gradient and is never added back: next to it
        the logarithm would be rounded away.
    log_sum : Tensor
        The logarithm of the sum of the exponentials of `below`, these axes kept with size one.

    Examples
    --------
    >>> log_softmax_terms(np.array([3.0, 3.0]), 0)
    (array([0., 0.]), array([0.69314718]))
    """
    below = _below_largest(x, axis)
    axes = checked_axes("log_softmax", x, axis)
    return below, bind(_logsumexp, (below,), {"axis": axes, "keepdims": True})


def _below_largest(x: Any, axis: Any) -> Any:
    return x - stop_gradient(max(x, axis=axis, keepdims=True))


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
    below, log_sum = log_softmax_terms(operand(x), axis)
    return below - log_sum


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
    e = exp(_below_largest(x, axis))
    return e / sum(e, axis=axis, keepdims=True)
