"""Reductions: sum, mean, max, min, and the counts that have no derivative."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..primitive import bind, general, linear, nondifferentiable, public, stretch
from ..tensor import Array, Shape, Tensor, describe, operand
from .accumulate import kept_shape, normalize_axes, total
from .elementwise import astype, equal, isnan, logical_or, where  # type: ignore[attr-defined]
from .samples import calls
from .shape import broadcast_to, reshape

Axis = int | tuple[int, ...] | None

_CASES = calls(
    ((3, 4), {}),
    ((3, 4), {"axis": 0}),
    ((3, 4), {"axis": -1, "keepdims": True}),
    ((2, 3, 4), {"axis": (0, 2)}),
    ((2, 3, 4), {"axis": (0, -1), "keepdims": True}),
    ((), {}),
    ((1, 5), {"axis": 0}),
)


def _axes(name: str, x: Any, axis: Any) -> tuple[int, ...]:
    try:
        return normalize_axes(axis, x.ndim)
    except (IndexError, TypeError) as error:
        raise ArgumentError(f"{name}: {error}; axis={axis!r}, x is {describe(x)}.") from None


def _expand(value: Any, axes: tuple[int, ...], shape: Shape) -> Any:
    """Put reduced axes back and stretch over them: the transpose of a sum."""
    if value.shape != shape[len(axes) :] or axes[-1:] != (len(axes) - 1,):  # not the leading axes
        value = reshape(value, kept_shape(shape, axes))
    return broadcast_to(value, shape) if isinstance(value, Tensor) else stretch(np.asarray(value), shape)


def _reduced(value: Any, x: Array, axes: tuple[int, ...], keepdims: bool) -> Any:
    return np.reshape(value, kept_shape(x.shape, axes)) if keepdims else value


_sum = linear(
    "sum",
    lambda x, axis, keepdims: _reduced(total(x, axis), x, axis, keepdims),
    lambda g, _x, _out, axis, keepdims: _expand(g, axis, _x.shape),
    formula=r"\sum_i x_i",
    vjp_formula=r"\operatorname{broadcast}(g)",
    samples=_CASES,
)


@public("sum")
def sum(x: Any, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """Sum over axes; float32 is accumulated as accurately as in float64.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int, optional
        By default all.
    dtype : dtype, optional
        Convert first.
    keepdims : bool
        Whether reduced axes stay, with size one.

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
    x = _prepare(x, dtype)
    return bind(_sum, (x,), {"axis": _axes("sum", x, axis), "keepdims": bool(keepdims)})


def _mean_transpose(g: Any, _x: Any, _out: Any, axis: Any, keepdims: bool) -> Any:
    count = math.prod([_x.shape[a] for a in axis])
    return _expand(g * (1.0 / count) if count else g, axis, _x.shape)


_mean = linear(
    "mean",
    lambda x, axis, keepdims: _reduced(total(x, axis, mean=True), x, axis, keepdims),
    _mean_transpose,
    formula=r"\frac{1}{m}\sum_i x_i",
    vjp_formula=r"\operatorname{broadcast}(g / m)",
    samples=_CASES,
)


@public("mean")
def mean(x: Any, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """Mean over axes; float32 is accumulated as accurately as in float64.

    Parameters
    ----------
    x : array_like
        Integers and booleans are converted to float64.
    axis : int or tuple of int, optional
        By default all.
    dtype : dtype, optional
        Convert first.
    keepdims : bool
        Whether reduced axes stay, with size one.

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
    x = _prepare(x, dtype)
    if x.dtype.kind in "iub":
        x = astype(x, float)
    return bind(_mean, (x,), {"axis": _axes("mean", x, axis), "keepdims": bool(keepdims)})


def _prepare(x: Any, dtype: Any) -> Any:
    x = operand(x)
    return x if dtype is None else astype(x, dtype)


def _shares(x: Any, out: Any, axis: tuple[int, ...]) -> Any:
    """Per element its share of an extremum: ties are split evenly; NaN wins, as in the value."""
    mask = astype(logical_or(equal(x, _expand(out, axis, x.shape)), isnan(x)), x.dtype)
    return mask / sum(mask, axis=axis, keepdims=True)


def _extremum_vjp(g: Any, needed: Any, x: Any, out: Any, axis: Any, keepdims: bool) -> Any:
    return (where(*_pick(_expand(g, axis, x.shape), _shares(x, out, axis))),)


def _extremum_jvp(tangents: Any, x: Any, out: Any, axis: Any, keepdims: bool) -> Any:
    return sum(where(*_pick(tangents[0], _shares(x, out, axis))), axis=axis, keepdims=keepdims)


def _pick(t: Any, shares: Any) -> tuple[Any, Any, Any]:
    # `where` and not a bare product: an infinite (co)tangent elsewhere must not make 0 * inf.
    return shares > 0, t * shares, 0.0


def _extremum(name: str, impl: Any, formula: str) -> Any:
    return general(
        name,
        lambda x, axis, keepdims: impl(x, axis=axis, keepdims=keepdims),
        vjp=_extremum_vjp,
        jvp=_extremum_jvp,
        formula=formula,
        vjp_formula=r"g\,[x_i = \mathrm{out}] \,/\, \text{number of ties}",
        samples=_CASES,
        kink="ties are split evenly",
    )


_max = _extremum("max", np.max, r"\max_i x_i")
_min = _extremum("min", np.min, r"\min_i x_i")


@public("max", aliases=("amax",))
def max(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Largest element over axes; at ties the gradient is split evenly.

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
    x = _prepare(x, None)
    return bind(_max, (x,), {"axis": _axes("max", x, axis), "keepdims": bool(keepdims)})


@public("min", aliases=("amin",))
def min(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Smallest element over axes; at ties the gradient is split evenly.

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
    x = _prepare(x, None)
    return bind(_min, (x,), {"axis": _axes("min", x, axis), "keepdims": bool(keepdims)})


for _primitive, _function in ((_sum, sum), (_mean, mean), (_max, max), (_min, min)):
    _primitive.function = _function


def _declare_count(name: str, impl: Any, formula: str, what: str, example: str) -> Any:
    """A reduction to integers or booleans."""
    primitive = nondifferentiable(
        name,
        lambda x, axis=None, keepdims=False: impl(x, axis=axis, keepdims=keepdims),
        formula=formula,
        samples=calls(((3, 4), {}), ((3, 4), {"axis": 0}), ((3, 4), {"axis": -1, "keepdims": True})),
        doc="",
    ).primitive

    def function(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        x = _prepare(x, None)
        if axis is not None:
            _axes(name, x, axis)
        return bind(primitive, (x,), {"axis": axis, "keepdims": bool(keepdims)})

    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"{what}; without a derivative.\n\nParameters\n----------\nx : array_like\n"
        "axis : int, optional\n    By default over all elements.\nkeepdims : bool\n"
        "    Whether the reduced axis stays, with size one.\n\nReturns\n-------\nTensor\n\n"
        f"Examples\n--------\n>>> import minigrad as mg\n{example}\n"
    )
    primitive.function = function
    return public(name)(function)


argmax = _declare_count(
    "argmax", np.argmax, r"\arg\max_i x_i", "Position of the largest element",
    ">>> mg.argmax(mg.tensor([1.0, 5.0, 3.0])).item()\n1",
)  # fmt: skip
argmin = _declare_count(
    "argmin", np.argmin, r"\arg\min_i x_i", "Position of the smallest element",
    ">>> mg.argmin(mg.tensor([4.0, 1.0, 3.0])).item()\n1",
)  # fmt: skip
all = _declare_count(
    "all", np.all, r"\forall i: x_i", "Whether all elements are true",
    ">>> mg.all(mg.tensor([True, False])).item()\nFalse",
)  # fmt: skip
any = _declare_count(
    "any", np.any, r"\exists i: x_i", "Whether any element is true",
    ">>> mg.any(mg.tensor([True, False])).item()\nTrue",
)  # fmt: skip
