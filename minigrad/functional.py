"""Composites: functions made of primitives, without rules of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import ArgumentError, DtypeError, ShapeError
from .primitive import public
from .tensor import FUNCTIONS, Tensor, operand, describe

_f: dict[str, Any] = FUNCTIONS


@public("var")
def var(x: Any, axis: Any = None, correction: float = 0, keepdims: bool = False) -> Any:
    """Variance over axes: the mean squared deviation.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int, optional
        By default all.
    correction : float
        Subtracted from the number of elements; 0 gives NumPy's (biased) variance.
    keepdims : bool
        Whether reduced axes stay, with size one.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.var(mg.tensor([1.0, 2.0, 3.0, 4.0]))
    tensor(1.25)
    """
    x = operand(x)
    centred = x - _f["mean"](x, axis=axis, keepdims=True)
    variance = _f["mean"](centred**2, axis=axis, keepdims=keepdims)
    if not correction:
        return variance
    count = x.size / (variance.size or 1)
    return variance * (count / (count - correction))


@public("std")
def std(x: Any, axis: Any = None, correction: float = 0, keepdims: bool = False) -> Any:
    """Standard deviation over axes: the root of :func:`var`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.std(mg.tensor([1.0, 3.0]))
    tensor(1.)
    """
    return _f["sqrt"](var(x, axis, correction, keepdims))


@public("logsumexp")
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Logarithm of the sum of exponentials, safe for any size of x.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.logsumexp(mg.tensor([1000.0, 1000.0]))
    tensor(1000.69314718)
    """
    x = operand(x)
    top = _f["stop_gradient"](_f["max"](x, axis=axis, keepdims=True))
    top = _f["where"](_f["isfinite"](top), top, 0.0)
    out = _f["log"](_f["sum"](_f["exp"](x - top), axis=axis, keepdims=True)) + top
    return out if keepdims else _f["squeeze"](out, axis=axis)


@public("log_softmax")
def log_softmax(x: Any, axis: int = -1) -> Any:
    """Logarithm of the softmax along an axis.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.log_softmax(mg.tensor([0.0, 0.0]))
    tensor([-0.69314718, -0.69314718])
    """
    x = operand(x)
    # The largest entry is never added back: next to it the logarithm would be rounded away.
    shifted = x - _f["stop_gradient"](_f["max"](x, axis=axis, keepdims=True))
    return shifted - _f["log"](_f["sum"](_f["exp"](shifted), axis=axis, keepdims=True))


@public("softmax")
def softmax(x: Any, axis: int = -1) -> Any:
    """Exponentials along an axis, scaled to sum to one.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.softmax(mg.tensor([0.0, 0.0]))
    tensor([0.5, 0.5])
    """
    x = operand(x)
    e = _f["exp"](x - _f["stop_gradient"](_f["max"](x, axis=axis, keepdims=True)))
    return e / _f["sum"](e, axis=axis, keepdims=True)


@public("cross_entropy")
def cross_entropy(logits: Any, target: Any) -> Any:
    """Mean cross-entropy of logits against class numbers.

    Parameters
    ----------
    logits : array_like, shape (N, C)
        Unnormalised: do not apply a softmax before.
    target : array_like of int, shape (N,)
        Class numbers from 0 to C - 1.

    Returns
    -------
    Tensor, shape ()

    Raises
    ------
    ShapeError, DtypeError, ArgumentError
        For other shapes, float targets, and class numbers out of range.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.cross_entropy(mg.tensor([[0.0, 0.0]]), [1])
    tensor(0.69314718)
    """
    logits = operand(logits)
    labels = np.asarray(target._value if isinstance(target, Tensor) else target)
    if logits.ndim != 2 or labels.shape != logits.shape[:1]:
        raise ShapeError(
            f"cross_entropy: logits are {describe(logits)} and targets {describe(labels)}; it needs "
            "(N, C) logits and (N,) class numbers."
        )
    if labels.dtype.kind not in "iu":
        raise DtypeError(f"cross_entropy: class numbers are integers, and these are {labels.dtype}.")
    if labels.size and (labels.min() < 0 or labels.max() >= logits.shape[1]):
        raise ArgumentError(
            f"cross_entropy: class numbers from {labels.min()} to {labels.max()}, but the logits have "
            f"{logits.shape[1]} classes (0 to {logits.shape[1] - 1})."
        )
    chosen = target if isinstance(target, Tensor) else labels  # a traced target stays an input
    return -_f["mean"](_f["getitem"](log_softmax(logits), (np.arange(len(labels)), chosen)))
