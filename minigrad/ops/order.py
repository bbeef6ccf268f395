"""Order: sorting, ranking, searching.

The order itself is data; the sorted values are differentiable.  Sorting is stable, so at ties the
element that came first stays first, and the gradient goes with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError, UnsupportedError
from ..primitive import bind, general, nondifferentiable, public
from ..tensor import Tensor, describe, operand
from .arguments import checked_axis, checked_integers
from .index import take, take_along_axis
from .rearrange import flip
from .samples import calls
from .shape import ravel

_CASES = calls(((3, 4), {}), ((3, 4), {"axis": 0}), ((5,), {}), ((2, 3, 2), {"axis": 1}), ((0, 3), {}))


def _line(name: str, a: Any, axis: Any, order: Any = None) -> tuple[Any, int]:
    if order is not None:
        raise UnsupportedError(f"{name}: order= is for structured dtypes, which tensors do not hold.")
    x = operand(a)
    return (ravel(x), 0) if axis is None else (x, checked_axis(name, x, axis))


# Sorting ---------------------------------------------------------------------------------------

_argsort = nondifferentiable(
    "argsort",
    lambda x, axis: np.argsort(x, axis=axis, kind="stable"),
    formula=r"i_1, i_2, \dots \text{ with } x_{i_1} \le x_{i_2} \le \dots",
    samples=_CASES,
    doc="",
).primitive  # type: ignore[attr-defined]


@public("argsort")
def argsort(
    a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None
) -> Any:
    """The numbers of the elements in ascending order; without a derivative.

    Parameters
    ----------
    a : array_like
    axis : int, optional
        None sorts all elements in a row.
    kind, stable
        As in NumPy; without effect, because sorting is always stable.
    order : None
        For structured dtypes only.

    Returns
    -------
    Tensor of int

    Raises
    ------
    ArgumentError
        For an axis out of range.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.argsort(mg.tensor([3.0, 1.0, 2.0]))
    tensor([1, 2, 0])
    """
    x, axis = _line("argsort", a, axis, order)
    return bind(_argsort, (x,), {"axis": axis})


_argsort.function = argsort

_sort = general(
    "sort",
    lambda x, axis: np.sort(x, axis=axis, kind="stable"),
    vjp=lambda g, needed, x, _out, axis: (
        take_along_axis(g, argsort(argsort(x, axis), axis), axis) if g.shape[axis] else g,
    ),
    jvp=lambda t, x, _out, axis: (
        take_along_axis(t[0], argsort(x, axis), axis) if x.shape[axis] else t[0]
    ),
    formula=r"x_{i_1} \le x_{i_2} \le \dots",
    vjp_formula=r"\bar{x}_{i_k} = g_k",
    samples=_CASES,
    kink="ties keep their order, and the gradient goes with it",
)


@public("sort")
def sort(
    a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None
) -> Any:
    """The elements in ascending order; NaN at the end.

    Parameters
    ----------
    a : array_like
    axis : int, optional
        None sorts all elements in a row.
    kind, stable
        As in NumPy; without effect, because sorting is always stable.
    order : None
        For structured dtypes only.

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
    >>> mg.sort(mg.tensor([3.0, 1.0, 2.0]))
    tensor([1., 2., 3.])
    """
    x, axis = _line("sort", a, axis, order)
    return bind(_sort, (x,), {"axis": axis})


_sort.function = sort


# A few of them ---------------------------------------------------------------------------------


def _in_range(name: str, x: Any, kth: Any, axis: int) -> None:
    size = x.shape[axis]
    for k in checked_integers(name, "kth", kth):
        if not -size <= k < size:
            raise ArgumentError(
                f"{name}: kth={kth!r}, but axis {axis} of {describe(x)} has {size} elements."
            )


@public("argpartition")
def argpartition(
    a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect", order: Any = None
) -> Any:
    """Numbers that put the k-th smallest element in its place; without a derivative.

    Everything is sorted, so the result is the same everywhere; NumPy leaves the rest in any order.

    Parameters
    ----------
    a : array_like
    kth : int or sequence of int
        Places that are to hold what sorting would put there.
    axis : int, optional
        None takes all elements in a row.
    kind : str
        As in NumPy; without effect.
    order : None
        For structured dtypes only.

    Returns
    -------
    Tensor of int

    Raises
    ------
    ArgumentError
        For an axis or place out of range.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.argpartition(mg.tensor([3.0, 1.0, 2.0]), 0)
    tensor([1, 2, 0])
    """
    x, axis = _line("argpartition", a, axis, order)
    _in_range("argpartition", x, kth, axis)
    return argsort(x, axis)


@public("partition")
def partition(
    a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect", order: Any = None
) -> Any:
    """The k-th smallest element in its place, smaller ones before it, larger ones behind it.

    Everything is sorted, so the result is the same everywhere; NumPy leaves the rest in any order.

    Parameters
    ----------
    a : array_like
    kth : int or sequence of int
        Places that are to hold what sorting would put there.
    axis : int, optional
        None takes all elements in a row.
    kind : str
        As in NumPy; without effect.
    order : None
        For structured dtypes only.

    Returns
    -------
    Tensor

    Raises
    ------
    ArgumentError
        For an axis or place out of range.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.partition(mg.tensor([3.0, 1.0, 2.0]), 1)
    tensor([1., 2., 3.])
    """
    x, axis = _line("partition", a, axis, order)
    _in_range("partition", x, kth, axis)
    return sort(x, axis)


@public("top_k", aliases=("topk",))
def top_k(x: Any, k: int, axis: int = -1, largest: bool = True) -> tuple[Any, Any]:
    """The k largest elements, in descending order, and their numbers.

    Parameters
    ----------
    x : array_like
    k : int
    axis : int
    largest : bool
        False gives the smallest, in ascending order.

    Returns
    -------
    values, indices : Tensor
        Of equal elements the first ones.  NaN counts as the largest.

    Raises
    ------
    ArgumentError
        For an axis out of range, or more elements than there are.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.top_k(mg.tensor([3.0, 1.0, 2.0]), 2)
    (tensor([3., 2.]), tensor([0, 2]))
    """
    x, axis = operand(x), checked_axis("top_k", operand(x), axis)
    (k,) = checked_integers("top_k", "k", k)
    size = x.shape[axis]
    if not 0 <= k <= size:
        raise ArgumentError(f"top_k: k={k}, but axis {axis} of {describe(x)} has {size} elements.")
    first = (*(slice(None),) * axis, slice(0, k))
    if largest:  # descending and stable: backwards in the ascending order of the reverse
        indices = (size - 1 - flip(argsort(flip(x, axis), axis), axis))[first]
    else:
        indices = argsort(x, axis)[first]
    return (take_along_axis(x, indices, axis) if size else x), indices


# Searching -------------------------------------------------------------------------------------

_searchsorted = nondifferentiable(
    "searchsorted",
    lambda a, v, side: np.asarray(np.searchsorted(a, v, side=side)),
    formula=r"\#\{i : a_i < v\}",
    samples=lambda rng: (
        ((np.sort(rng.standard_normal(5)), rng.standard_normal(shape)), params)
        for shape, params in (((3, 2), {}), ((), {"side": "right"}), ((0,), {}))
    ),
    doc="",
).primitive  # type: ignore[attr-defined]


@public("searchsorted")
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    """Where values belong in a sorted array; without a derivative.

    Parameters
    ----------
    a : array_like
        One-dimensional and in ascending order.
    v : array_like
        What to place.
    side : {"left", "right"}
        Before or behind equal elements.
    sorter : array_like of int, optional
        Numbers that sort a.

    Returns
    -------
    Tensor of int

    Raises
    ------
    ShapeError
        If a is not one-dimensional.
    ArgumentError
        For another side.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.searchsorted(mg.tensor([1.0, 2.0, 3.0]), [2.0, 9.0])
    tensor([1, 3])
    """
    x = operand(a)
    if x.ndim != 1:
        raise ShapeError(f"searchsorted: a must be one-dimensional, and it is {describe(x)}.")
    if side not in ("left", "right"):
        raise ArgumentError(f'searchsorted: side is "left" or "right", not {side!r}.')
    if sorter is not None:
        x = take(x, sorter)
    return bind(_searchsorted, (x, operand(v)), {"side": side})


_searchsorted.function = searchsorted


@public("digitize", aliases=("bucketize",))
def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    """In which of several bins values lie; without a derivative.

    Parameters
    ----------
    x : array_like
    bins : array_like
        Borders, in ascending order.
    right : bool
        Whether a border belongs to the bin below it.

    Returns
    -------
    Tensor of int

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.digitize(mg.tensor([0.5, 1.0, 7.0]), [1.0, 2.0])
    tensor([0, 1, 2])
    """
    return searchsorted(bins, x, "left" if right else "right")


# Different values ------------------------------------------------------------------------------


@public("unique")
def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,
) -> Any:
    """The different values in ascending order; each is the first element that has it.

    Parameters
    ----------
    ar : array_like
    return_index, return_inverse, return_counts : bool
        Whether to return also where each value comes first, the number of each element's value,
        how often each occurs.
    axis : int, optional
        Compare the slices along an axis; by default the elements.
    equal_nan : bool
        Whether all NaN count as one value.
    sorted : bool
        As in NumPy; without effect, because the values are always in order.

    Returns
    -------
    Tensor or tuple of Tensor

    Notes
    -----
    Which elements are different is data, and a recorded graph cannot be replayed with other
    values.  The gradient of a value goes to the first element that has it.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.unique(mg.tensor([2.0, 1.0, 2.0]), return_counts=True)
    (tensor([1., 2.]), tensor([1, 2]))
    """
    x = operand(ar)
    along = None if axis is None else checked_axis("unique", x, axis)
    if isinstance(x, Tensor):
        x._look()
    value = x._value if isinstance(x, Tensor) else x
    _, first, inverse, counts = np.unique(value, True, True, True, along, equal_nan=equal_nan)
    values = take(x, first, along)
    chosen = [(return_index, first), (return_inverse, inverse), (return_counts, counts)]
    found = [Tensor(v) if isinstance(x, Tensor) else v for wanted, v in chosen if wanted]
    return (values, *found) if found else values
