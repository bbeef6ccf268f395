"""Running sums, products and extrema along an axis.

float32 and float16 are accumulated in float64 and rounded once per element.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..primitive import bind, general, linear, nondifferentiable, public
from ..tensor import Array, describe, operand
from .accumulate import wide
from .arguments import checked_axis, refuse_out
from .arithmetic import astype
from .index import take_along_axis
from .rearrange import flip
from .samples import calls
from .shape import concatenate, reshape, swapaxes

_CASES = calls(
    ((3, 4), {"axis": 0}),
    ((3, 4), {"axis": -1}),
    ((2, 3, 2), {"axis": 1}),
    ((5,), {}),
    ((2, 3), {}),
    ((), {}),
    ((0, 3), {"axis": 0}),
    ((1, 3), {"axis": 0}),
)


def _accumulated(function: Any) -> Any:
    def impl(x: Array, axis: int) -> Array:
        x = np.asarray(x)
        kept = wide(x.dtype)
        out = function(x, axis=axis, dtype=kept)
        return out if kept is None else out.astype(x.dtype)

    return impl


def _line(name: str, x: Any, axis: Any, dtype: Any, out: Any) -> tuple[Any, int]:
    """What to run along which axis: everything in a row, if none is named."""
    refuse_out(name, out)
    x = operand(x)
    if dtype is not None:
        x = astype(x, dtype)
    if axis is None or not x.ndim:
        x = reshape(x, (-1,))
    return x, 0 if axis is None else checked_axis(name, x, axis)


# Sums ------------------------------------------------------------------------------------------

_cumsum = linear(
    "cumsum",
    _accumulated(np.cumsum),
    lambda g, _x, _out, axis: flip(cumsum(flip(g, axis), axis), axis),
    formula=r"\mathrm{out}_i = \sum_{j \le i} x_j",
    vjp_formula=r"\bar{x}_i = \sum_{j \ge i} g_j",
    samples=_CASES,
)


@public("cumsum")
def cumsum(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    """Running sum along an axis.

    Parameters
    ----------
    a : array_like
    axis : int, optional
        By default all elements in a row.
    dtype : dtype, optional
        Convert first.
    out : None
        Tensors are immutable.

    Returns
    -------
    Tensor

    Raises
    ------
    ArgumentError
        For an axis out of range.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.cumsum(mg.tensor([1.0, 2.0, 3.0]))
    tensor([1., 3., 6.])
    """
    x, axis = _line("cumsum", a, axis, dtype, out)
    return bind(_cumsum, (x,), {"axis": axis})


_cumsum.function = cumsum


# Products --------------------------------------------------------------------------------------
#
# No division anywhere: any number of zeros is right, at all orders.


def recurrence(a: Any, b: Any) -> Any:
    """Solve ``r[k] = b[k] + a[k] * r[k-1]`` along the last axis, with ``r[-1] = 0``.

    Neighbours are combined at distances 1, 2, 4, ...: a logarithmic number of steps.

    Examples
    --------
    >>> recurrence(np.array([9.0, 2.0, 3.0]), np.array([1.0, 1.0, 1.0]))
    array([ 1.,  3., 10.])
    """
    distance = 1
    while distance < b.shape[-1]:
        near, far = slice(None, distance), slice(distance, None)
        before = slice(None, -distance)
        b = _joined(b[..., near], b[..., far] + a[..., far] * b[..., before])
        a = _joined(a[..., near], a[..., far] * a[..., before])
        distance *= 2
    return b


def _joined(*parts: Any) -> Any:
    return concatenate(parts, axis=-1)


def shifted_products(x: Any) -> Any:
    """Along the last axis, per element the product of all before it.

    Examples
    --------
    >>> shifted_products(np.array([2.0, 3.0, 4.0]))
    array([1., 2., 6.])
    """
    ones = np.ones((*x.shape[:-1], 1), x.dtype)
    return cumprod(_joined(ones, x[..., :-1]), -1) if x.shape[-1] else x


def _cumprod_vjp(g: Any, needed: Any, x: Any, _out: Any, axis: int) -> Any:
    x, g = swapaxes(x, axis, -1), flip(swapaxes(g, axis, -1), -1)
    if not x.shape[-1]:
        return (swapaxes(g, axis, -1),)
    factors = flip(_joined(x[..., 1:], np.ones((*x.shape[:-1], 1), x.dtype)), -1)
    return (swapaxes(shifted_products(x) * flip(recurrence(factors, g), -1), axis, -1),)


def _cumprod_jvp(tangents: Any, x: Any, _out: Any, axis: int) -> Any:
    x, t = swapaxes(x, axis, -1), swapaxes(tangents[0], axis, -1)
    return swapaxes(recurrence(x, shifted_products(x) * t), axis, -1)


_cumprod = general(
    "cumprod",
    _accumulated(np.cumprod),
    vjp=_cumprod_vjp,
    jvp=_cumprod_jvp,
    formula=r"\mathrm{out}_i = \prod_{j \le i} x_j",
    vjp_formula=r"\bar{x}_i = \sum_{k \ge i} g_k \prod_{j \le k,\, j \ne i} x_j",
    samples=_CASES,
)


@public("cumprod")
def cumprod(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    """Running product along an axis; zeros are no special case for the derivative.

    Parameters
    ----------
    a : array_like
    axis : int, optional
        By default all elements in a row.
    dtype : dtype, optional
        Convert first.
    out : None
        Tensors are immutable.

    Returns
    -------
    Tensor

    Raises
    ------
    ArgumentError
        For an axis out of range.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.cumprod(mg.tensor([2.0, 3.0, 4.0]))
    tensor([ 2.,  6., 24.])
    """
    x, axis = _line("cumprod", a, axis, dtype, out)
    return bind(_cumprod, (x,), {"axis": axis})


_cumprod.function = cumprod


# Extrema ---------------------------------------------------------------------------------------


def _declare_extremum(name: str, ufunc: Any, formula: str, what: str, examples: tuple[str, str]) -> Any:
    """The running extremum; its gradient goes to where it was first reached."""

    def first_places(x: Array, axis: int) -> Array:
        x = np.moveaxis(np.asarray(x).real, axis, -1)
        reached = ufunc.accumulate(x, axis=-1)
        before = reached[..., :-1]
        changed = np.ones(x.shape, bool)
        changed[..., 1:] = (reached[..., 1:] != before) & (before == before)  # nothing follows NaN
        places = np.where(changed, np.arange(x.shape[-1]), 0)
        return np.moveaxis(np.maximum.accumulate(places, axis=-1), -1, axis)

    places = nondifferentiable(
        f"arg{name}",
        first_places,
        formula=rf"\min\,\{{j : x_j = {formula}\}}",
        samples=calls(((3, 4), {"axis": 0}), ((5,), {}), ((2, 3), {"axis": -1})),
        doc="",
    ).primitive  # type: ignore[attr-defined]

    def where_reached(a: Any, axis: int | None = None) -> Any:
        x, axis = _line(f"arg{name}", a, axis, None, None)
        return bind(places, (x,), {"axis": axis})

    def reached(a: Any, axis: int | None = None) -> Any:
        x, axis = _line(name, a, axis, None, None)
        return take_along_axis(x, where_reached(x, axis), axis) if x.shape[axis] else x

    for function, called, summary, example in (
        (
            reached,
            name,
            f"{what} along an axis; gradients go to where it was first reached",
            examples[0],
        ),
        (where_reached, f"arg{name}", f"Where the {what.lower()} was first reached", examples[1]),
    ):
        function.__name__ = function.__qualname__ = called
        function.__doc__ = (
            f"{summary}.\n\nParameters\n----------\na : array_like\naxis : int, optional\n"
            "    By default all elements in a row.\n\nReturns\n-------\nTensor\n\n"
            f"Examples\n--------\n>>> import minigrad as mg\n{example}\n"
        )
        public(called)(function)
    places.function = where_reached
    return reached


cummax = _declare_extremum(
    "cummax", np.maximum, r"\max_{k \le i} x_k", "Running maximum",
    (
        ">>> mg.cummax(mg.tensor([1.0, 3.0, 2.0]))\ntensor([1., 3., 3.])",
        ">>> mg.argcummax(mg.tensor([1.0, 3.0, 2.0]))\ntensor([0, 1, 1])",
    ),
)  # fmt: skip
cummin = _declare_extremum(
    "cummin", np.minimum, r"\min_{k \le i} x_k", "Running minimum",
    (
        ">>> mg.cummin(mg.tensor([3.0, 1.0, 2.0]))\ntensor([3., 1., 1.])",
        ">>> mg.argcummin(mg.tensor([3.0, 1.0, 2.0]))\ntensor([0, 1, 1])",
    ),
)  # fmt: skip


# NumPy's newer names -----------------------------------------------------------------------------


def _cumulative(
    name: str, function: Any, first: float, x: Any, axis: Any, dtype: Any, out: Any, start: Any
) -> Any:
    x = operand(x)
    if axis is None and x.ndim > 1:
        raise ArgumentError(f"{name}: x is {describe(x)}; with several axes, axis= must name one.")
    result = function(x, 0 if axis is None else axis, dtype, out)
    if not start:
        return result
    shape = list(result.shape)
    shape[axis or 0] = 1
    return concatenate([np.full(shape, first, result.dtype), result], axis or 0)


@public("cumulative_sum")
def cumulative_sum(
    x: Any,
    /,
    *,
    axis: int | None = None,
    dtype: Any = None,
    out: None = None,
    include_initial: bool = False,
) -> Any:
    """Running sum along an axis, on request from 0 on: NumPy's newer form of :func:`cumsum`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.cumulative_sum(mg.tensor([1.0, 2.0]), include_initial=True)
    tensor([0., 1., 3.])
    """
    return _cumulative("cumulative_sum", cumsum, 0.0, x, axis, dtype, out, include_initial)


@public("cumulative_prod")
def cumulative_prod(
    x: Any,
    /,
    *,
    axis: int | None = None,
    dtype: Any = None,
    out: None = None,
    include_initial: bool = False,
) -> Any:
    """Running product along an axis, on request from 1 on: NumPy's newer form of :func:`cumprod`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.cumulative_prod(mg.tensor([2.0, 3.0]), include_initial=True)
    tensor([1., 2., 6.])
    """
    return _cumulative("cumulative_prod", cumprod, 1.0, x, axis, dtype, out, include_initial)
