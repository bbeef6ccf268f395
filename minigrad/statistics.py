"""Statistics: composites of reductions and sorting, without rules of their own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .describe import speaker
from .errors import ArgumentError, ShapeError, UnsupportedError
from .ops.arguments import as_data, checked_axes, refuse_out
from .ops.arithmetic import astype, stop_gradient
from .ops.choice import where
from .ops.contract import matmul
from .ops.index import getitem
from .ops.logic import isnan
from .ops.order import sort
from .ops.powers import sqrt
from .ops.reduce import masked, mean, sum
from .ops.shape import atleast_2d, broadcast_to, concatenate, moveaxis, reshape, transpose
from .primitive import public
from .tensor import Tensor, describe, operand

Axis = int | tuple[int, ...] | None
_mean = mean  # the argument of `var` has this name


def _floating(x: Any, dtype: Any = None) -> Any:
    x = operand(x)
    if dtype is not None:
        return astype(x, dtype)
    return astype(x, float) if x.dtype.kind in "iub" else x


# Spread ----------------------------------------------------------------------------------------


@public("var")
def var(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = None,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    """Variance over axes: the mean squared deviation.

    Parameters
    ----------
    a : array_like
        Integers and booleans are converted to float64.
    axis : int or tuple of int, optional
        By default all.
    dtype : dtype, optional
        Convert first.
    out : None
        Tensors are immutable.
    ddof, correction : float
        Subtracted from the number of elements: two names for one number.  0 gives the biased
        variance, NumPy's default.
    keepdims : bool
        Whether reduced axes stay, with size one.
    where : array_like of bool, optional
        Which elements to include.
    mean : array_like, optional
        The mean, with the reduced axes as ones, if it is known already.

    Returns
    -------
    Tensor

    Raises
    ------
    ArgumentError
        For an axis out of range, or if both `ddof` and `correction` are given.

    Notes
    -----
    The first element (with `where`, the mean) is subtracted from all before anything else.  That
    changes neither value nor derivative, and keeps the digits of a small spread at a large offset:
    a constant has variance 0.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.var(mg.tensor([1.0, 2.0, 3.0, 4.0]))
    tensor(1.25)
    """
    refuse_out("var", out)
    if correction is not None:
        if ddof:
            raise ArgumentError(f"var: ddof={ddof} and correction={correction} are the same; give one.")
        ddof = correction
    if not isinstance(ddof, int | float | np.number):
        raise ArgumentError(f"{speaker('var')}: ddof={ddof!r}; a number is needed.")
    x = _floating(a, dtype)
    axes = checked_axes("var", x, axis)
    result = x.dtype
    if result == np.float16:
        x = astype(x, np.float32)
    if where is not None:
        x = masked("var", x, where, 0)  # what is left out may be NaN, and far from the rest
    if mean is not None:
        centred = x - mean
    else:
        if where is None:
            near = x[tuple([slice(0, 1) if i in axes else slice(None) for i in range(x.ndim)])]
        else:
            near = _mean(x, axis=axes, keepdims=True, where=where)
        shifted = x - stop_gradient(near)
        centred = shifted - _mean(shifted, axis=axes, keepdims=True, where=where)
    if where is None:
        variance = _mean(centred**2, axis=axes, keepdims=keepdims)
        count: Any = math.prod([x.shape[i] for i in axes])
        if ddof:
            variance = variance * (count / (count - ddof) if count > ddof else np.inf)
    else:
        count = sum(broadcast_to(operand(where), x.shape), axis=axes, keepdims=keepdims)
        variance = sum(masked("var", centred, where, 0) ** 2, axis=axes, keepdims=keepdims)
        variance = variance / astype(count - ddof, x.dtype)
    return astype(variance, result)


@public("std")
def std(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = None,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    """Standard deviation over axes: the root of :func:`var`; its derivative is 0 for a constant.

    Parameters
    ----------
    a : array_like
        Integers and booleans are converted to float64.
    axis : int or tuple of int, optional
        By default all.
    dtype : dtype, optional
        Convert first.
    out : None
        Tensors are immutable.
    ddof, correction : float
        As in :func:`var`.
    keepdims : bool
        Whether reduced axes stay, with size one.
    where : array_like of bool, optional
        Which elements to include.
    mean : array_like, optional
        The mean, with the reduced axes as ones, if it is known already.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.std(mg.tensor([1.0, 3.0]))
    tensor(1.)
    """
    refuse_out("std", out)
    axes = checked_axes("std", operand(a), axis)
    variance = var(a, axes, dtype, None, ddof, keepdims, where=where, mean=mean, correction=correction)
    return root(variance)


def root(x: Any) -> Any:
    """The square root whose derivative at 0 is 0, at all orders.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.grad(root)(0.0)
    tensor(0.)
    """
    zero = x == 0
    return where(zero, 0.0, sqrt(where(zero, 1.0, x)))


@public("cov")
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    """Covariance matrix.

    Parameters
    ----------
    m : array_like
        A variable per row, an observation per column.
    y : array_like, optional
        Further variables.
    rowvar : bool
        False: a variable per column.
    bias : bool
        Whether to divide by the number of observations instead of one less.
    ddof : int, optional
        What to subtract from that number.
    fweights, aweights : None
        Not supported.
    dtype : dtype, optional
        Convert first.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        For more than two axes.
    UnsupportedError
        For weights.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.cov(mg.tensor([[1.0, 2.0, 3.0], [1.0, 0.0, -1.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if fweights is not None or aweights is not None:
        raise UnsupportedError("cov: weights are not supported: scale the centred rows and use matmul.")
    parts = []
    for x in [m] if y is None else [m, y]:
        x = _floating(x, dtype)
        if x.ndim > 2:
            raise ShapeError(f"cov: a variable is a row of a matrix, and the input is {describe(x)}.")
        x = atleast_2d(x)
        parts.append(x if rowvar or x.shape[0] == 1 else transpose(x))
    x = parts[0] if len(parts) == 1 else concatenate(parts, axis=0)
    shifted = x - stop_gradient(x[:, :1])
    centred = shifted - mean(shifted, axis=1, keepdims=True)
    divisor = x.shape[1] - ((0 if bias else 1) if ddof is None else ddof)
    product = matmul(centred, transpose(centred)) * (1.0 / divisor if divisor > 0 else np.inf)
    return reshape(product, ()) if product.shape == (1, 1) else product


# Means -----------------------------------------------------------------------------------------


@public("average")
def average(
    a: Any, axis: Axis = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    """Weighted mean over axes.

    Parameters
    ----------
    a : array_like
    axis : int or tuple of int, optional
        By default all.
    weights : array_like, optional
        Of a's shape, or of the shape of the reduced axes.
    returned : bool
        Whether to return also the sum of the weights.
    keepdims : bool
        Whether reduced axes stay, with size one.

    Returns
    -------
    Tensor, or two

    Raises
    ------
    ShapeError
        If the weights have another shape.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.average(mg.tensor([1.0, 2.0]), weights=[3.0, 1.0])
    tensor(1.25)
    """
    x = _floating(a)
    axes = checked_axes("average", x, axis)
    if weights is None:
        result = mean(x, axis=axes, keepdims=keepdims)
        count = np.full(result.shape, math.prod([x.shape[i] for i in axes]), x.dtype)
        return (result, Tensor(count) if isinstance(result, Tensor) else count) if returned else result
    w = operand(weights)
    if w.shape != x.shape:
        if axis is None or w.shape != tuple([x.shape[i] for i in axes]):
            raise ShapeError(
                f"average: a is {describe(x)} and weights are {describe(w)}: they need a's shape, or "
                f"that of the axes {axes}."
            )
        w = reshape(w, tuple([n if i in axes else 1 for i, n in enumerate(x.shape)]))
    total = sum(broadcast_to(w, x.shape), axis=axes, keepdims=keepdims)
    result = sum(x * w, axis=axes, keepdims=keepdims) / total
    return (result, total) if returned else result


@public("nansum")
def nansum(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Any:
    """Sum over axes of what is not NaN.

    Parameters
    ----------
    a : array_like
    axis : int or tuple of int, optional
        By default all.
    dtype : dtype, optional
        Convert first.
    out : None
        Tensors are immutable.
    keepdims : bool
        Whether reduced axes stay, with size one.
    initial : array_like, optional
        Where to start from.
    where : array_like of bool, optional
        Which elements to include.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nansum(mg.tensor([1.0, np.nan, 3.0]))
    tensor(4.)
    """
    refuse_out("nansum", out)
    x = operand(a)
    axes = checked_axes("nansum", x, axis)
    return sum(_numbers(x), axes, dtype, None, keepdims, initial, where)


def _numbers(x: Any) -> Any:
    return where(isnan(x), 0.0, x) if x.dtype.kind == "f" else x


@public("nanmean")
def nanmean(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    *,
    where: Any = None,
) -> Any:
    """Mean over axes of what is not NaN; NaN if nothing is left.

    Parameters
    ----------
    a : array_like
    axis : int or tuple of int, optional
        By default all.
    dtype : dtype, optional
        Convert first.
    out : None
        Tensors are immutable.
    keepdims : bool
        Whether reduced axes stay, with size one.
    where : array_like of bool, optional
        Which elements to include.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nanmean(mg.tensor([1.0, np.nan, 3.0]))
    tensor(2.)
    """
    refuse_out("nanmean", out)
    x = operand(a)
    axes = checked_axes("nanmean", x, axis)
    chosen = ~isnan(x) if where is None else ~isnan(x) & where
    return mean(_numbers(x), axes, dtype, None, keepdims, where=chosen)


# Order statistics ------------------------------------------------------------------------------

_PLACES = {  # alpha and beta of the continuous estimates
    "interpolated_inverted_cdf": (0.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "linear": (1.0, 1.0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}
_STEPS = (
    "lower", "higher", "midpoint", "nearest",
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation",
)  # fmt: skip


def _places(method: str, n: int, q: Any) -> tuple[Any, Any, Any]:
    """The two neighbours in the sorted row that an estimate lies between, and how far along."""
    if method in _PLACES:
        alpha, beta = _PLACES[method]
        place = (n - 1) * q if method == "linear" else n * q + (alpha + q * (1 - alpha - beta)) - 1
    elif method in ("lower", "higher", "midpoint", "nearest"):
        place = (n - 1) * q
    else:
        place = n * q - (1.5 if method == "closest_observation" else 1.0)
    low = np.floor(place)
    part = place - low
    if method == "lower":
        part = np.zeros_like(part)
    elif method in ("higher", "inverted_cdf"):
        part = np.where(part > 0, 1.0, 0.0)
    elif method == "midpoint":
        part = np.where(part > 0, 0.5, 0.0)
    elif method == "averaged_inverted_cdf":
        part = np.where(part > 0, 1.0, 0.5)
    elif method == "nearest":
        part = np.rint(place) - low
    elif method == "closest_observation":  # at a tie the even one, counted from one
        part = np.where((part > 0) | (low % 2 == 0), 1.0, 0.0)
    low, high = np.clip(low, 0, n - 1), np.clip(low + 1, 0, n - 1)
    return low.astype(int), high.astype(int), part


def _rows(name: str, x: Any, axes: tuple[int, ...]) -> Any:
    """The axes to reduce as one, sorted, the last; NaN ends up at the end of its row."""
    kept = tuple([i for i in range(x.ndim) if i not in axes])
    count = math.prod([x.shape[i] for i in axes])
    if not count:
        raise ShapeError(f"{name}: there is nothing to reduce along {axes} in {describe(x)}.")
    return sort(reshape(transpose(x, kept + axes), (*[x.shape[i] for i in kept], count)), -1)


def _estimate(rows: Any, low: Any, high: Any, part: Any) -> Any:
    """Between two sorted neighbours; NaN for a row that holds NaN."""
    below, above = getitem(rows, (..., low)), getitem(rows, (..., high))
    part = part.astype(rows.dtype)
    step = above - below
    value = where(part < 0.5, below + step * part, above - step * (1.0 - part))
    last = reshape(rows[..., -1], rows.shape[:-1] + (1,) * low.ndim)
    return where(isnan(last), last, value)


@public("quantile")
def quantile(
    a: Any,
    q: Any,
    axis: Axis = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: None = None,
) -> Any:
    """Quantiles over axes; the gradient goes to the two neighbours in the order.

    Parameters
    ----------
    a : array_like
        Integers and booleans are converted to float64.
    q : array_like
        From 0 to 1: data without a derivative.
    axis : int or tuple of int, optional
        By default all.
    out : None
        Tensors are immutable.
    overwrite_input : bool
        As in NumPy; without effect.
    method : str
        One of NumPy's thirteen.
    keepdims : bool
        Whether reduced axes stay, with size one.
    weights : None
        Not supported.

    Returns
    -------
    Tensor
        The axes of `q`, then those of `a` that are left.

    Raises
    ------
    ArgumentError
        For q outside of 0 to 1, an unknown method, or an axis out of range.
    ShapeError
        If there is nothing to reduce.
    UnsupportedError
        For weights.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.quantile(mg.tensor([1.0, 2.0, 4.0, 8.0]), [0.5, 1.0])
    tensor([3., 8.])
    """
    return _quantile("quantile", a, q, 1.0, axis, out, method, keepdims, weights)


@public("percentile")
def percentile(
    a: Any,
    q: Any,
    axis: Axis = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: None = None,
) -> Any:
    """Quantiles over axes, in percent.

    Parameters
    ----------
    a : array_like
        Integers and booleans are converted to float64.
    q : array_like
        From 0 to 100: data without a derivative.
    axis : int or tuple of int, optional
        By default all.
    out : None
        Tensors are immutable.
    overwrite_input : bool
        As in NumPy; without effect.
    method : str
        One of NumPy's thirteen.
    keepdims : bool
        Whether reduced axes stay, with size one.
    weights : None
        Not supported.

    Returns
    -------
    Tensor
        The axes of `q`, then those of `a` that are left.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.percentile(mg.tensor([1.0, 2.0, 4.0, 8.0]), 50)
    tensor(3.)
    """
    return _quantile("percentile", a, q, 100.0, axis, out, method, keepdims, weights)


def _quantile(
    name: str,
    a: Any,
    q: Any,
    whole: float,
    axis: Any,
    out: Any,
    method: str,
    keepdims: bool,
    weights: Any,
) -> Any:
    refuse_out(name, out)
    if weights is not None:
        raise UnsupportedError(f"{name}: weights are not supported; use mg.sort and mg.cumsum.")
    if method not in _PLACES and method not in _STEPS:
        known = ", ".join(sorted((*_PLACES, *_STEPS)))
        raise ArgumentError(f"{name}: there is no method {method!r}. There are {known}.")
    try:
        parts = np.asarray(as_data(name, "q", q), dtype=float) / whole
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"{name}: q={q!r}: {error}.") from None
    if not ((parts >= 0) & (parts <= 1)).all():
        raise ArgumentError(f"{name}: q={q!r} must lie from 0 to {whole:g}.")
    x = _floating(a)
    axes = checked_axes(name, x, axis)
    rows = _rows(name, x, axes)
    estimate = _estimate(rows, *_places(method, rows.shape[-1], parts))
    kept = rows.ndim - 1
    estimate = moveaxis(estimate, tuple(range(kept, estimate.ndim)), tuple(range(parts.ndim)))
    if not keepdims:
        return estimate
    return reshape(
        estimate, parts.shape + tuple([1 if i in axes else n for i, n in enumerate(x.shape)])
    )


@public("median")
def median(
    a: Any, axis: Axis = None, out: None = None, overwrite_input: bool = False, keepdims: bool = False
) -> Any:
    """Middle element over axes, or the mean of the two in the middle, which share the gradient.

    Parameters
    ----------
    a : array_like
        Integers and booleans are converted to float64.
    axis : int or tuple of int, optional
        By default all.
    out : None
        Tensors are immutable.
    overwrite_input : bool
        As in NumPy; without effect.
    keepdims : bool
        Whether reduced axes stay, with size one.

    Returns
    -------
    Tensor

    Raises
    ------
    ArgumentError
        For an axis out of range.
    ShapeError
        If there is nothing to reduce.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.median(mg.tensor([8.0, 1.0, 2.0, 4.0]))
    tensor(3.)
    """
    refuse_out("median", out)
    x = _floating(a)
    axes = checked_axes("median", x, axis)
    rows = _rows("median", x, axes)
    middle = rows.shape[-1] // 2
    value = rows[..., middle]
    if rows.shape[-1] % 2 == 0:
        value = rows[..., middle - 1] * 0.5 + value * 0.5
    last = rows[..., -1]
    value = where(isnan(last), last, value)
    if not keepdims:
        return value
    return reshape(value, tuple([1 if i in axes else n for i, n in enumerate(x.shape)]))
