"""Differences, integrals and interpolation of sampled functions: composites without rules."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import ArgumentError, ShapeError
from .ops.arguments import checked_axis
from .ops.arithmetic import astype
from .ops.choice import clip, where
from .ops.creation import zeros_like
from .ops.index import getitem, take
from .ops.logic import isnan, not_equal
from .ops.order import searchsorted
from .ops.reduce import sum
from .ops.shape import broadcast_to, concatenate, moveaxis, reshape
from .primitive import public
from .tensor import Tensor, describe, operand


def _part(x: Any, axis: int, start: int | None, stop: int | None, step: int | None = None) -> Any:
    return getitem(x, (*(slice(None),) * axis, slice(start, stop, step)))


@public("diff")
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """Differences of neighbours along an axis.

    Parameters
    ----------
    a : array_like
        Booleans give whether neighbours differ.
    n : int
        How often to take differences.
    axis : int
    prepend, append : array_like, optional
        What to join before and behind first; a scalar, or of a's shape but for the axis.

    Returns
    -------
    Tensor

    Raises
    ------
    ArgumentError
        For a negative n or an axis out of range.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.diff(mg.tensor([1.0, 4.0, 9.0]))
    tensor([3., 5.])
    """
    x = operand(a)
    if n < 0:
        raise ArgumentError(f"diff: n={n} must not be negative.")
    axis = checked_axis("diff", x, axis)
    if not n:
        return x
    around = []
    for end in (prepend, append):
        if end is not None:
            end = operand(end)
            one = tuple([1 if i == axis else size for i, size in enumerate(x.shape)])
            around.append(broadcast_to(end, one) if not end.ndim else end)
        else:
            around.append(None)
    parts = [p for p in (around[0], x, around[1]) if p is not None]
    x = concatenate(parts, axis=axis) if len(parts) > 1 else x
    for _ in range(n):
        after, before = _part(x, axis, 1, None), _part(x, axis, None, -1)
        x = not_equal(after, before) if x.dtype.kind == "b" else after - before
    return x


@public("trapezoid")
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """Integral along an axis by trapezoids.

    Parameters
    ----------
    y : array_like
        The sampled function.
    x : array_like, optional
        Where it was sampled; one-dimensional, or of y's shape.
    dx : float
        The distance of the samples, without `x`.
    axis : int

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If x does not fit y.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.trapezoid(mg.tensor([1.0, 2.0, 3.0]), x=[0.0, 1.0, 3.0])
    tensor(6.5)
    """
    y = operand(y)
    axis = checked_axis("trapezoid", y, axis)
    if x is not None:
        points = operand(x)
        if points.ndim == 1:
            if points.shape != y.shape[axis : axis + 1]:
                raise ShapeError(
                    f"trapezoid: y is {describe(y)} and x is {describe(points)}: axis {axis} of y "
                    "needs as many points."
                )
            points = reshape(points, (-1, *(1,) * (y.ndim - axis - 1)))
        dx = diff(points, axis=points.ndim - (y.ndim - axis))
    return sum((_part(y, axis, 1, None) + _part(y, axis, None, -1)) * dx * 0.5, axis=axis)


@public("gradient", numpy=np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Differential quotients of a sampled function: of second order inside, at the edges one-sided.

    Parameters
    ----------
    f : array_like
    *varargs : float or array_like
        The distance of the samples, or where they lie: none, one for all axes, or one per axis.
    axis : int or tuple of int, optional
        By default all.
    edge_order : {1, 2}
        Of the quotients at the edges.

    Returns
    -------
    Tensor, or a tuple with one per axis

    Raises
    ------
    ArgumentError
        For another number of distances, another order, or an axis out of range.
    ShapeError
        For too few samples.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.gradient(mg.tensor([1.0, 4.0, 9.0]))
    tensor([3., 4., 5.])
    """
    x = operand(f)
    x = astype(x, float) if x.dtype.kind in "iub" else x
    listed = range(x.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
    axes = [checked_axis("gradient", x, i) for i in listed]
    if edge_order not in (1, 2):
        raise ArgumentError(f"gradient: edge_order is 1 or 2, not {edge_order!r}.")
    if len(varargs) not in (0, 1, len(axes)):
        raise ArgumentError(f"gradient: {len(varargs)} distances were given for {len(axes)} axes.")
    spacings = list(varargs) * (len(axes) if len(varargs) == 1 else 1) or [1.0] * len(axes)
    results = []
    for along, spacing in zip(axes, spacings, strict=True):
        size = x.shape[along]
        if size < edge_order + 1:
            raise ShapeError(
                f"gradient: axis {along} of {describe(x)} has {size} samples: edge_order={edge_order} "
                f"needs {edge_order + 1}."
            )
        lines = moveaxis(x, along, -1)
        results.append(moveaxis(_slopes(lines, operand(spacing), edge_order), -1, along))
    return results[0] if len(results) == 1 else tuple(results)


def _slopes(y: Any, spacing: Any, edge_order: int) -> Any:
    """Slopes along the last axis."""
    if spacing.ndim:
        if spacing.shape != y.shape[-1:]:
            raise ShapeError(
                f"gradient: the positions are {describe(spacing)}, but there are {y.shape[-1]} samples."
            )
        steps = diff(spacing)
    else:
        steps = broadcast_to(spacing, (y.shape[-1] - 1,))
    rises = diff(y) / steps
    before, after = steps[:-1], steps[1:]
    inside = (rises[..., :-1] * after + rises[..., 1:] * before) / (before + after)
    first, last = rises[..., :1], rises[..., -1:]
    if edge_order == 2:  # the slope of the parabola through three samples
        first = first - (rises[..., 1:2] - first) * (steps[:1] / (steps[:1] + steps[1:2]))
        last = last + (last - rises[..., -2:-1]) * (steps[-1:] / (steps[-1:] + steps[-2:-1]))
    return concatenate([first, inside, last], axis=-1)


@public("interp")
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: float | None = None
) -> Any:
    """Values between the samples of a function, by straight lines.

    Parameters
    ----------
    x : array_like
        Where to look.
    xp, fp : array_like
        Where the function was sampled, in ascending order, and its values.
    left, right : float, optional
        Values outside; by default those of the first and last sample.
    period : float, optional
        Of the function; then positions need not be in order.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If `xp` and `fp` are not two vectors of one length.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.interp(mg.tensor([0.5, 9.0]), [0.0, 1.0], [10.0, 20.0])
    tensor([15., 20.])
    """
    x, xp, fp = operand(x), operand(xp), operand(fp)
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.size:
        raise ShapeError(
            f"interp: xp is {describe(xp)} and fp is {describe(fp)}; they are vectors of one length."
        )
    if period is not None:
        if period == 0:
            raise ArgumentError("interp: period=0 is no period.")
        period = abs(period)
        x, xp = x % period, xp % period
        order = np.argsort(xp._value if isinstance(xp, Tensor) else xp, kind="stable")
        xp, fp = take(xp, order), take(fp, order)
        xp = concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = concatenate([fp[-1:], fp, fp[:1]])
    size = xp.shape[0]
    if size == 1:
        value = broadcast_to(fp[0], x.shape) + x * 0.0
    else:
        after = clip(searchsorted(xp, x, "right"), 1, size - 1)
        x0, x1, y0, y1 = take(xp, after - 1), take(xp, after), take(fp, after - 1), take(fp, after)
        inside = clip(x, xp[0], xp[-1])
        value = y0 + (y1 - y0) * ((inside - x0) / (x1 - x0))
    if period is None:
        value = where(x < xp[0], fp[0] if left is None else left, value)
        value = where(x > xp[-1], fp[-1] if right is None else right, value)
    return where(isnan(x), x, value)


@public("polyval")
def polyval(p: Any, x: Any) -> Any:
    """A polynomial by Horner's scheme.

    Parameters
    ----------
    p : array_like
        Coefficients, the one of the highest power first.
    x : array_like

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.polyval([1.0, 0.0, 2.0], mg.tensor([3.0]))
    tensor([11.])
    """
    p, x = operand(p), operand(x)
    value = zeros_like(x)
    for i in range(p.shape[0]):
        value = value * x + p[i]
    return value
