"""Writing at an index: ``x.at[index].set(v)`` and its kin return a changed copy.

Repeated indices accumulate; for `set` the last one wins, as in NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError, DtypeError, ShapeError
from ..primitive import bind, nondifferentiable, public
from ..tensor import FLOATING, Array, Tensor, as_tensor, describe
from .arithmetic import astype
from .choice import maximum, where
from .index import getitem, join_index, scatter_add, split_index
from .reduce import max, min, prod
from .shape import broadcast_to, concatenate, reshape


def _read(name: str, x: Any, array: Array, index: Any) -> Array:
    """What an array of x's shape holds at the index."""
    try:
        return array[join_index(*split_index(index))]
    except IndexError as error:
        raise ArgumentError(f"x.at[...].{name}(v): {error}; x is {describe(x)}.") from None


def _value(name: str, x: Any, index: Any, value: Any) -> Any:
    """The value to write, in x's dtype and stretched to the shape of the place."""
    given = value if isinstance(value, Tensor) else np.asarray(value)
    if not np.can_cast(given.dtype, x.dtype, "same_kind"):
        raise DtypeError(
            f"x.at[...].{name}(v): v is {describe(given)}, which {x.dtype} cannot hold; x is "
            f"{describe(x)}. Convert one of them with astype."
        )
    shape = _read(name, x, np.broadcast_to(False, x.shape), index).shape
    try:
        return broadcast_to(astype(given, x.dtype), shape)
    except ShapeError:
        raise ShapeError(
            f"x.at[...].{name}(v): v is {describe(given)}, but the place in {describe(x)} has shape "
            f"{list(shape)}."
        ) from None


# Adding ----------------------------------------------------------------------------------------


@public("at_add")
def at_add(x: Any, index: Any, value: Any) -> Any:
    """x with a value added at an index; repeated indices accumulate.

    Parameters
    ----------
    x : array_like
    index : int, slice, Ellipsis, None, array of int or bool, or a tuple of these
    value : array_like
        Broadcasts to the shape of the place.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the value does not fit the place.
    ArgumentError
        For an index out of range.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.tensor([1.0, 2.0]).at[[0, 0]].add(1.0)
    tensor([3., 2.])
    """
    x = as_tensor(x)
    value = _value("add", x, index, value)
    return x + scatter_add(value, x.shape, index)


# Setting ---------------------------------------------------------------------------------------


def _last_written(x: Array, *arrays: Array, index: Any) -> Array:
    x = np.asarray(x)
    order = np.full(x.shape, -1)
    place = join_index(index, arrays)
    named = order[place]
    order[place] = np.arange(named.size).reshape(named.shape)
    return order


_last = nondifferentiable(
    "last_written",
    _last_written,
    formula=r"\max\,\{k : i_k = j\}",
    samples=lambda rng: (
        ((rng.standard_normal((4, 3)), index), {})
        for index in (
            0,
            (slice(None), 1),
            np.array([0, 2, 2]),
            ([1, 1], [0, 0]),
            np.array([True, False] * 2),
        )
    ),
    doc="",
).primitive  # type: ignore[attr-defined]


@public("last_written")
def last_written(x: Any, index: Any) -> Any:
    """Per element of x the number of the written value that it would end up with; -1 for none.

    Parameters
    ----------
    x : array_like
        Where to write.
    index : int, slice, Ellipsis, None, array of int or bool, or a tuple of these

    Returns
    -------
    Tensor of int

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.last_written(mg.tensor([7.0, 8.0, 9.0]), [2, 0, 2])
    tensor([ 1, -1,  2])
    """
    template, arrays = split_index(index)
    return bind(_last, (x, *arrays), {"index": template})


_last.function = last_written


@public("at_set")
def at_set(x: Any, index: Any, value: Any) -> Any:
    """x with the elements at an index replaced; gradients flow to both.

    Parameters
    ----------
    x : array_like
    index : int, slice, Ellipsis, None, array of int or bool, or a tuple of these
    value : array_like
        Broadcasts to the shape of the place.  Of several values for one element the last one wins.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the value does not fit the place.
    ArgumentError
        For an index out of range.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.tensor([1.0, 2.0]).at[1].set(5.0)
    tensor([1., 5.])
    """
    x = as_tensor(x)
    value = _value("set", x, index, value)
    if not value.size:
        return x
    chosen = last_written(x, index)
    return where(chosen < 0, x, getitem(reshape(value, (-1,)), maximum(chosen, 0)))


# Multiplying, largest, smallest ------------------------------------------------------------------


def _combine(
    name: str, x: Any, index: Any, value: Any, reduce: Callable[..., Any], neutral: Any
) -> Any:
    """Reduce, for every place, the old element together with all values written there.

    The values are laid out in a table with a row per place; short rows are filled up with the
    neutral element.  So the rules are those of the reduction, at all orders.
    """
    x = as_tensor(x)
    for array in split_index(index)[1]:
        if isinstance(array, Tensor):
            array._look()  # the table's shape depends on it, so a replay cannot follow
    value = _value(name, x, index, value)
    if not value.size:
        return x
    places = _read(name, x, np.arange(x.size).reshape(x.shape), index).ravel()
    rows, row, counts = np.unique(places, return_inverse=True, return_counts=True)
    order = np.argsort(row, kind="stable")
    column = np.arange(places.size) - np.repeat(np.cumsum(counts) - counts, counts)
    table = np.full((rows.size, counts.max()), -1)
    table[row[order], column] = order
    written = where(table < 0, neutral, getitem(reshape(value, (-1,)), np.maximum(table, 0)))
    old = getitem(reshape(x, (-1,)), rows)
    new = reduce(concatenate([reshape(old, (-1, 1)), written], axis=1), axis=1)
    return reshape(at_set(reshape(x, (-1,)), rows, new), x.shape)


def _limits(dtype: np.dtype[Any]) -> tuple[Any, Any]:
    if dtype in FLOATING:
        return -np.inf, np.inf
    limits: Any = np.iinfo(dtype) if dtype.kind in "iu" else None
    return (limits.min, limits.max) if limits else (False, True)


@public("at_mul")
def at_mul(x: Any, index: Any, value: Any) -> Any:
    """x multiplied by a value at an index; repeated indices accumulate.

    Parameters
    ----------
    x : array_like
    index : int, slice, Ellipsis, None, array of int or bool, or a tuple of these
    value : array_like
        Broadcasts to the shape of the place.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.tensor([1.0, 2.0]).at[[0, 0]].mul(3.0)
    tensor([9., 2.])
    """
    return _combine("mul", x, index, value, prod, 1)


@public("at_min")
def at_min(x: Any, index: Any, value: Any) -> Any:
    """x, or a value if that is smaller, at an index; at ties the gradient is split evenly.

    Parameters
    ----------
    x : array_like
    index : int, slice, Ellipsis, None, array of int or bool, or a tuple of these
    value : array_like
        Broadcasts to the shape of the place.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.tensor([1.0, 2.0]).at[[1, 1]].min([0.5, 3.0])
    tensor([1. , 0.5])
    """
    return _combine("min", x, index, value, min, _limits(as_tensor(x).dtype)[1])


@public("at_max")
def at_max(x: Any, index: Any, value: Any) -> Any:
    """x, or a value if that is larger, at an index; at ties the gradient is split evenly.

    Parameters
    ----------
    x : array_like
    index : int, slice, Ellipsis, None, array of int or bool, or a tuple of these
    value : array_like
        Broadcasts to the shape of the place.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.tensor([1.0, 2.0]).at[[1, 1]].max([0.5, 3.0])
    tensor([1., 3.])
    """
    return _combine("max", x, index, value, max, _limits(as_tensor(x).dtype)[0])
