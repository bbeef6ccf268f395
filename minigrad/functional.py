"""Exponentials that sum to one, the logarithm of their sum, and what they say of a class."""

from __future__ import annotations

from typing import Any

import numpy as np

from .ops.accumulate import kept_shape, total
from .ops.arguments import checked_axes
from .ops.arithmetic import stop_gradient
from .ops.choice import maximum, where
from .ops.exponential import exp
from .ops.index import scatter_add
from .ops.logic import isfinite
from .ops.reduce import max, reduce_rows, sum
from .ops.samples import reductions
from .ops.shape import reshape, squeeze
from .primitive import binary, bind, general, public
from .tensor import Array, Tensor, operand


def _log_of_sum(x: Array, axis: tuple[int, ...], keepdims: bool) -> Any:
    # Whoever binds this has taken the largest entry off: no exponential overflows.
    with np.errstate(divide="ignore"):  # of nothing but minus infinities
        out = np.log(total(np.exp(x), axis))
    return np.reshape(out, kept_shape(x.shape, axis)) if keepdims else out


def _shares(x: Any, out: Any, axis: tuple[int, ...]) -> Any:
    """The softmax, as the derivative of the logarithm of the sum."""
    out = maximum(out, np.finfo(out.dtype).min)  # of nothing but minus infinities
    return exp(x - reshape(out, kept_shape(x.shape, axis)))


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
    # The largest entry is never added back: next to it the logarithm would be rounded away.
    below = _below_largest(operand(x), axis)
    axes = checked_axes("log_softmax", below, axis)
    return below - bind(_logsumexp, (below,), {"axis": axes, "keepdims": True})


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


# The loss of a class ---------------------------------------------------------------------------


def _exponentials(x: Array) -> tuple[Array, Array]:
    # As in `log_softmax`, the largest entry is never added back.
    below = x - reduce_rows(np.maximum, x, (1,), True)
    return below, np.exp(below)


def _surprise(x: Array, labels: Array) -> Any:
    below, e = _exponentials(x)
    return np.log(total(e, (1,))) - below[np.arange(len(labels)), labels]


def _surplus(x: Any, labels: Any) -> Any:
    """The softmax, less 1 where the class is."""
    if isinstance(x, Tensor):
        rows = np.arange(x.shape[0])
        return softmax(x, 1) - scatter_add(np.ones(len(rows), x.dtype), x.shape, (rows, labels))
    _, e = _exponentials(x)
    e /= total(e, (1,)).reshape(-1, 1)
    e[np.arange(len(labels)), labels] -= 1.0
    return e


_softmax_cross_entropy = general(
    "softmax_cross_entropy",
    _surprise,
    vjp=lambda g, needed, x, labels, _out: (reshape(g, (-1, 1)) * _surplus(x, labels), None),
    jvp=lambda t, x, labels, _out: sum(t[0] * _surplus(x, labels), axis=1),
    formula=r"\ln \sum_i e^{x_i} - x_c",
    vjp_formula=r"g\,(\operatorname{softmax}(x) - \operatorname{onehot}(c))",
    samples=lambda rng: (
        ((rng.standard_normal((n, c)), rng.integers(0, c, n)), {})
        for n, c in ((4, 3), (1, 5), (0, 2), (3, 1))
    ),
)


_of_rows = binary(_softmax_cross_entropy)


def softmax_cross_entropy(x: Any, labels: Any) -> Any:
    """Minus the logarithm of the softmax at the class of each row; safe for any size of x.

    Parameters
    ----------
    x : array_like, shape (N, C)
    labels : array_like of int, shape (N,)
        From 0 to C - 1.

    Returns
    -------
    Tensor, shape (N,)

    Examples
    --------
    >>> softmax_cross_entropy(np.array([[0.0, 0.0], [0.0, 0.0]]), np.array([0, 1]))
    array([0.69314718, 0.69314718])
    """
    return _of_rows(operand(x), operand(labels))


_softmax_cross_entropy.function = softmax_cross_entropy
