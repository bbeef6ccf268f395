"""Reductions: sum, mean, prod, max, min, and the counts that have no derivative."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..primitive import bind, general, linear, nondifferentiable, public, stretch
from ..tensor import Array, Shape, Tensor, describe, operand
from .accumulate import kept_shape, total, wide
from .arguments import checked_axes, checked_axis, refuse_out
from .arithmetic import astype
from .choice import maximum, minimum, where
from .cumulative import shifted_products
from .logic import equal, isnan, logical_or
from .rearrange import flip
from .samples import calls, reductions
from .shape import broadcast_to, reshape, transpose

Axis = int | tuple[int, ...] | None
TURNED = 8192  # elements that are turned at a time


def _expand(value: Any, axes: tuple[int, ...], shape: Shape) -> Any:
    """Put reduced axes back and stretch over them: the transpose of a sum."""
    if value.shape != shape[len(axes) :] or axes[-1:] != (len(axes) - 1,):  # not the leading axes
        kept = kept_shape(shape, axes)
        value = reshape(value, kept) if isinstance(value, Tensor) else np.reshape(value, kept)
    if isinstance(value, Tensor):
        return broadcast_to(value, shape)
    return stretch(np.asarray(value), shape)


def _reduced(value: Any, x: Array, axes: tuple[int, ...], keepdims: bool) -> Any:
    return np.reshape(value, kept_shape(x.shape, axes)) if keepdims else value


def _prepare(x: Any, dtype: Any) -> Any:
    x = operand(x)
    return x if dtype is None else astype(x, dtype)


def masked(name: str, x: Any, mask: Any, neutral: Any) -> Any:
    """x with what a mask leaves out replaced by the neutral element."""
    mask = operand(mask)
    if mask.dtype.kind != "b":
        raise ArgumentError(f"{name}: where= holds booleans, and it is {describe(mask)}.")
    try:
        return where(broadcast_to(mask, x.shape), x, neutral)
    except ShapeError:
        raise ShapeError(
            f"{name}: where= is {describe(mask)}, which does not broadcast to {describe(x)}."
        ) from None


# Sum and mean ----------------------------------------------------------------------------------

_sum = linear(
    "sum",
    lambda x, axis, keepdims: _reduced(total(x, axis), x, axis, keepdims),
    lambda g, _x, _out, axis, keepdims: _expand(g, axis, _x.shape),
    formula=r"\sum_i x_i",
    vjp_formula=r"\operatorname{broadcast}(g)",
    samples=reductions,
)


@public("sum")
def sum(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Any:
    """Sum over axes; float32 is accumulated more widely than it is stored.

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

    Raises
    ------
    ArgumentError
        For an axis out of range or named twice.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.sum(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    tensor([4., 6.])
    """
    x = _prepare(a, dtype)
    if where is not None or out is not None:
        refuse_out("sum", out)
        x = masked("sum", x, where, 0)
    result = bind(_sum, (x,), {"axis": checked_axes("sum", x, axis), "keepdims": bool(keepdims)})
    return result if initial is None else result + initial


def _mean_transpose(g: Any, _x: Any, _out: Any, axis: Any, keepdims: bool) -> Any:
    count = math.prod([_x.shape[a] for a in axis])
    if count and g.dtype.char == "e" and g.__class__ is not Tensor:  # 1 / count may lose its digits
        g = (np.asarray(g, np.float32) * (1.0 / count)).astype(np.float16)
    elif count:
        g = g * (1.0 / count)
    return _expand(g, axis, _x.shape)


_mean = linear(
    "mean",
    lambda x, axis, keepdims: _reduced(total(x, axis, mean=True), x, axis, keepdims),
    _mean_transpose,
    formula=r"\frac{1}{m}\sum_i x_i",
    vjp_formula=r"\operatorname{broadcast}(g / m)",
    samples=reductions,
)


@public("mean")
def mean(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    *,
    where: Any = None,
) -> Any:
    """Mean over axes; float32 is accumulated more widely than it is stored.

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
    keepdims : bool
        Whether reduced axes stay, with size one.
    where : array_like of bool, optional
        Which elements to include.

    Returns
    -------
    Tensor

    Raises
    ------
    ArgumentError
        For an axis out of range or named twice.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.mean(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=1, keepdims=True)
    tensor([[1.5],
            [3.5]])
    """
    x = _prepare(a, dtype)
    if x.dtype.kind in "iub":
        x = astype(x, float)
    axes = checked_axes("mean", x, axis)
    if where is not None or out is not None:
        refuse_out("mean", out)
        count = sum(broadcast_to(operand(where), x.shape), axis=axes, keepdims=keepdims)
        return sum(x, axis=axes, keepdims=keepdims, where=where) / astype(count, x.dtype)
    return bind(_mean, (x,), {"axis": axes, "keepdims": bool(keepdims)})


# Product ---------------------------------------------------------------------------------------


def _product(x: Array, axis: tuple[int, ...], keepdims: bool) -> Any:
    x = np.asarray(x)
    kept = wide(x.dtype)
    out = np.prod(x, axis=axis, dtype=kept, keepdims=keepdims)
    return out if kept is None else out.astype(x.dtype)


def _others(x: Any, axes: tuple[int, ...]) -> Any:
    """Per element the product of all others along the axes; without division, so zeros are right."""
    kept = tuple([i for i in range(x.ndim) if i not in axes])
    order = kept + axes
    lines = transpose(x, order)
    shape = lines.shape
    lines = reshape(lines, (*shape[: len(kept)], math.prod(shape[len(kept) :])))
    last = lines.ndim - 1
    others = shifted_products(lines) * flip(shifted_products(flip(lines, last)), last)
    return transpose(reshape(others, shape), tuple([order.index(i) for i in range(x.ndim)]))


_prod = general(
    "prod",
    _product,
    vjp=lambda g, needed, x, _out, axis, keepdims: (_expand(g, axis, x.shape) * _others(x, axis),),
    jvp=lambda t, x, _out, axis, keepdims: sum(t[0] * _others(x, axis), axis=axis, keepdims=keepdims),
    formula=r"\prod_i x_i",
    vjp_formula=r"\bar{x}_i = g \prod_{j \ne i} x_j",
    samples=reductions,
)


@public("prod")
def prod(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Any:
    """Product over axes; zeros are no special case for the derivative.

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

    Raises
    ------
    ArgumentError
        For an axis out of range or named twice.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([2.0, 0.0, 4.0], requires_grad=True)
    >>> mg.prod(x).backward()
    >>> x.grad
    tensor([0., 8., 0.])
    """
    x = _prepare(a, dtype)
    if where is not None or out is not None:
        refuse_out("prod", out)
        x = masked("prod", x, where, 1)
    result = bind(_prod, (x,), {"axis": checked_axes("prod", x, axis), "keepdims": bool(keepdims)})
    return result if initial is None else result * initial


# Largest and smallest ----------------------------------------------------------------------------


def share(t: Any, x: Any, out: Any, axis: tuple[int, ...]) -> Any:
    """What of `t` falls to each element: ties are split evenly; NaN wins, as in the value.

    A choice and not a product: an infinite (co)tangent elsewhere must not make 0 * inf.
    """
    wins = logical_or(equal(x, _expand(out, axis, x.shape)), isnan(x))
    return where(wins, t / sum(astype(wins, x.dtype), axis=axis, keepdims=True), 0.0)


def _extremum_vjp(g: Any, needed: Any, x: Any, out: Any, axis: Any, keepdims: bool) -> Any:
    return (share(_expand(g, axis, x.shape), x, out, axis),)


def _extremum_jvp(tangents: Any, x: Any, out: Any, axis: Any, keepdims: bool) -> Any:
    return sum(share(tangents[0], x, out, axis), axis=axis, keepdims=keepdims)


def reduce_rows(ufunc: np.ufunc, x: Array, axes: tuple[int, ...], keepdims: bool) -> Any:
    """``ufunc.reduce``, for a ufunc that any order will do; many short rows go by columns.

    For rows of ten numbers that is three to six times as fast as NumPy's way.  Blocks of rows are
    turned, so that they stay in the cache.

    Examples
    --------
    >>> reduce_rows(np.maximum, np.array([[1.0, 2.0]]), (1,), True)
    array([[2.]])
    """
    width = x.shape[-1] if axes == (x.ndim - 1,) else 0
    if not 1 < width <= 24 or x.size < 64 * width or not x.flags.c_contiguous:
        return ufunc.reduce(x, axis=axes, keepdims=keepdims)
    rows, step = x.reshape(-1, width), TURNED // width
    out = np.empty(len(rows), x.dtype)
    for start in range(0, len(rows), step):
        columns = np.ascontiguousarray(rows[start : start + step].T)
        ufunc.reduce(columns, axis=0, out=out[start : start + step])
    return out.reshape((*x.shape[:-1], 1) if keepdims else x.shape[:-1])


def _extremum(name: str, ufunc: np.ufunc, formula: str) -> Any:
    return general(
        name,
        lambda x, axis, keepdims: reduce_rows(ufunc, x, axis, keepdims),
        vjp=_extremum_vjp,
        jvp=_extremum_jvp,
        formula=formula,
        vjp_formula=r"g\,[x_i = \mathrm{out}] \,/\, \text{number of ties}",
        samples=reductions,
        kink="ties are split evenly",
    )


_max = _extremum("max", np.maximum, r"\max_i x_i")
_min = _extremum("min", np.minimum, r"\min_i x_i")


def _extreme(
    name: str,
    primitive: Any,
    join: Any,
    a: Any,
    axis: Any,
    out: Any,
    keepdims: Any,
    initial: Any,
    mask: Any,
) -> Any:
    refuse_out(name, out)
    x = _prepare(a, None)
    axes = checked_axes(name, x, axis)
    if mask is not None:
        if initial is None:
            raise ArgumentError(
                f"{name}: with where= there may be nothing left; say with initial= what it is then."
            )
        x = masked(name, x, mask, initial)
    if initial is not None and not math.prod([x.shape[i] for i in axes]):
        shape = kept_shape(x.shape, axes)
        kept = shape if keepdims else tuple([n for i, n in enumerate(shape) if i not in axes])
        return broadcast_to(astype(operand(initial), x.dtype), kept)
    result = bind(primitive, (x,), {"axis": axes, "keepdims": bool(keepdims)})
    return result if initial is None else join(result, initial)


@public("amax")  # a function of its own in NumPy
@public("max")
def max(
    a: Any,
    axis: Axis = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Any:
    """Largest element over axes; at ties the gradient is split evenly.

    Parameters
    ----------
    a : array_like
    axis : int or tuple of int, optional
        By default all.
    out : None
        Tensors are immutable.
    keepdims : bool
        Whether reduced axes stay, with size one.
    initial : array_like, optional
        The result is at least this.
    where : array_like of bool, optional
        Which elements to include; needs `initial`.

    Returns
    -------
    Tensor

    Raises
    ------
    ArgumentError
        For an axis out of range or named twice.
    ShapeError
        If there is nothing to reduce.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.max(mg.tensor([[1.0, 5.0], [3.0, 4.0]]), axis=1)
    tensor([5., 4.])
    """
    return _extreme("max", _max, maximum, a, axis, out, keepdims, initial, where)


@public("amin")
@public("min")
def min(
    a: Any,
    axis: Axis = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Any:
    """Smallest element over axes; at ties the gradient is split evenly.

    Parameters
    ----------
    a : array_like
    axis : int or tuple of int, optional
        By default all.
    out : None
        Tensors are immutable.
    keepdims : bool
        Whether reduced axes stay, with size one.
    initial : array_like, optional
        The result is at most this.
    where : array_like of bool, optional
        Which elements to include; needs `initial`.

    Returns
    -------
    Tensor

    Raises
    ------
    ArgumentError
        For an axis out of range or named twice.
    ShapeError
        If there is nothing to reduce.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.min(mg.tensor([[1.0, 5.0], [3.0, 4.0]]), axis=1)
    tensor([1., 3.])
    """
    return _extreme("min", _min, minimum, a, axis, out, keepdims, initial, where)


@public("ptp")
def ptp(a: Any, axis: Axis = None, out: None = None, keepdims: bool = False) -> Any:
    """Range: the largest minus the smallest element over axes.

    Parameters
    ----------
    a : array_like
    axis : int or tuple of int, optional
        By default all.
    out : None
        Tensors are immutable.
    keepdims : bool
        Whether reduced axes stay, with size one.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.ptp(mg.tensor([1.0, 5.0, 3.0]))
    tensor(4.)
    """
    refuse_out("ptp", out)
    x = operand(a)
    axes = checked_axes("ptp", x, axis)
    return max(x, axes, keepdims=keepdims) - min(x, axes, keepdims=keepdims)


for _primitive, _function in ((_sum, sum), (_mean, mean), (_prod, prod), (_max, max), (_min, min)):
    _primitive.function = _function


# Without a derivative ------------------------------------------------------------------------------


def _declare(name: str, impl: Any, formula: str, doc: str, maker: Any) -> Callable[..., Any]:
    primitive = nondifferentiable(
        name,
        lambda x, axis, keepdims: np.asarray(impl(x, axis=axis, keepdims=keepdims)),
        formula=formula,
        samples=calls(((3, 4), {}), ((3, 4), {"axis": 0}), ((3, 4), {"axis": -1, "keepdims": True})),
        doc="",
    ).primitive  # type: ignore[attr-defined]
    primitive.function = function = maker(name, primitive)
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return public(name)(function)


def _place(name: str, primitive: Any) -> Callable[..., Any]:
    def function(a: Any, axis: int | None = None, out: None = None, *, keepdims: bool = False) -> Any:
        refuse_out(name, out)
        x = _prepare(a, None)
        along = None if axis is None else checked_axis(name, x, axis)
        return bind(primitive, (x,), {"axis": along, "keepdims": bool(keepdims)})

    return function


def _truth(name: str, primitive: Any) -> Callable[..., Any]:
    def function(
        a: Any, axis: Axis = None, out: None = None, keepdims: bool = False, *, where: Any = None
    ) -> Any:
        refuse_out(name, out)
        x = _prepare(a, None)
        if where is not None:
            x = masked(name, x, where, name == "all")
        return bind(primitive, (x,), {"axis": checked_axes(name, x, axis), "keepdims": bool(keepdims)})

    return function


def _number(name: str, primitive: Any) -> Callable[..., Any]:
    def function(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
        x = _prepare(a, None)
        return bind(primitive, (x,), {"axis": checked_axes(name, x, axis), "keepdims": bool(keepdims)})

    return function


def _doc(summary: str, arguments: str, example: str) -> str:
    known = {
        "axis": "axis : int, optional\n    By default all elements in a row.",
        "axes": "axis : int or tuple of int, optional\n    By default all.",
        "out": "out : None\n    Tensors are immutable.",
        "keepdims": "keepdims : bool\n    Whether reduced axes stay, with size one.",
        "where": "where : array_like of bool, optional\n    Which elements to include.",
    }
    lines = "\n".join(known[a] for a in arguments.split())
    return (
        f"{summary}; without a derivative.\n\nParameters\n----------\na : array_like\n{lines}\n\n"
        "Returns\n-------\nTensor\n\nRaises\n------\nArgumentError\n    For an axis out of range.\n\n"
        f"Examples\n--------\n>>> import minigrad as mg\n{example}\n"
    )


argmax = _declare(
    "argmax", np.argmax, r"\arg\max_i x_i",
    _doc("Number of the largest element, the first of several", "axis out keepdims",
         ">>> mg.argmax(mg.tensor([1.0, 5.0, 3.0]))\ntensor(1)"),
    _place,
)  # fmt: skip
argmin = _declare(
    "argmin", np.argmin, r"\arg\min_i x_i",
    _doc("Number of the smallest element, the first of several", "axis out keepdims",
         ">>> mg.argmin(mg.tensor([4.0, 1.0, 3.0]))\ntensor(1)"),
    _place,
)  # fmt: skip
all = _declare(
    "all", np.all, r"\forall i: x_i",
    _doc("Whether all elements are true", "axes out keepdims where",
         ">>> mg.all(mg.tensor([True, False]))\ntensor(False)"),
    _truth,
)  # fmt: skip
any = _declare(
    "any", np.any, r"\exists i: x_i",
    _doc("Whether any element is true", "axes out keepdims where",
         ">>> mg.any(mg.tensor([True, False]))\ntensor(True)"),
    _truth,
)  # fmt: skip
count_nonzero = _declare(
    "count_nonzero", np.count_nonzero, r"\#\{i : x_i \ne 0\}",
    _doc("How many elements are not zero", "axes keepdims",
         ">>> mg.count_nonzero(mg.tensor([0.0, 5.0, 3.0]))\ntensor(2)"),
    _number,
)  # fmt: skip
