"""Indexing: reading is a gather, its transpose a scatter that adds.

An index is split into a static template and the arrays in it.  The arrays are
inputs of the primitive, so a traced index that was itself computed
(``x[x.argmax()]``) is computed again on replay.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DtypeError, ShapeError
from ..primitive import bind, linear, public
from ..tensor import FUNCTIONS, Array, Tensor, as_tensor, describe, operand


class _Slot:
    """The place of an array in an index template."""

    def __repr__(self) -> str:
        return "array"


_SLOT = _Slot()


def split_index(index: Any) -> tuple[tuple[Any, ...], list[Any]]:
    """Template and arrays of an index.

    Examples
    --------
    >>> split_index((slice(None), [0, 2]))
    ((slice(None, None, None), array), [array([0, 2])])
    """
    template: list[Any] = []
    arrays: list[Any] = []
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, Tensor | np.ndarray | list):
            array = part if isinstance(part, Tensor) else np.asarray(part)
            if isinstance(part, list) and not array.size:
                array = array.astype(int)
            if array.dtype.kind not in "iub":
                raise DtypeError(f"an index holds integers or booleans, and this is {describe(array)}.")
            arrays.append(array)
            template.append(_SLOT)
        else:
            template.append(part)
    return tuple(template), arrays


def join_index(template: tuple[Any, ...], arrays: Any) -> tuple[Any, ...]:
    """Put the arrays back into their places."""
    values = iter(arrays)
    return tuple([_plain(next(values)) if part is _SLOT else part for part in template])


def _plain(x: Any) -> Any:
    return x._value if isinstance(x, Tensor) else x


def _read(x: Array, *arrays: Array, index: Any) -> Any:
    return x[join_index(index, arrays)]


def _scatter(shape: Any, g: Any, arrays: Any, index: Any) -> Any:
    """Zeros of a shape with `g` added at an index."""
    return bind(_scatter_add, (g, *arrays), {"shape": tuple(shape), "index": index})


_getitem = linear(
    "getitem",
    _read,
    lambda g, _x, *arrays, index: _scatter(_x.shape, g, arrays[:-1], index),
    formula=r"x[i]",
    vjp_formula=r"\text{zeros, plus } g \text{ at } i",
    samples=lambda rng: (
        ((rng.standard_normal((4, 3)), index), {})
        for index in (
            0, -1, slice(None, None, -2), (Ellipsis, 1), (None, 2), (slice(1, 3), 0),
            np.array([0, 2, 2]), ([1, 1], [0, 2]), (slice(None), [2, 0, 0]),
            np.array([True, False, True, False]), (), (1, 2),
        )
    ),
)  # fmt: skip


def _accumulate(g: Array, *arrays: Array, shape: Any, index: Any) -> Array:
    out = np.zeros(shape, g.dtype)
    place = join_index(index, arrays)
    if arrays and any(a.dtype.kind != "b" for a in arrays):
        np.add.at(out, place, g)
    else:  # no element is named twice
        out[place] += g
    return out


_scatter_add = linear(
    "scatter_add",
    _accumulate,
    lambda g, _x, *arrays, shape, index: bind(_getitem, (g, *arrays[:-1]), {"index": index}),
    formula=r"\text{zeros, plus } x \text{ at } i",
    vjp_formula=r"g[i]",
    samples=lambda rng: (
        ((rng.standard_normal(n), (4, 3), index), {})
        for n, index in (((3, 3), np.array([0, 2, 2])), ((3,), 1), ((4, 2), (slice(None), [0, 0])))
    ),
)


def getitem(x: Any, index: Any) -> Any:
    """Read elements: slices, Ellipsis, None, integer and boolean arrays, mixed.

    Parameters
    ----------
    x : array_like
    index : int, slice, Ellipsis, None, array of int or bool, or a tuple of these

    Returns
    -------
    Tensor

    Raises
    ------
    ArgumentError
        For an index out of range.
    DtypeError
        For an index array of another dtype.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.tensor([1.0, 2.0, 3.0])[[0, 0, 2]]
    tensor([1., 1., 3.])
    """
    template, arrays = split_index(index)
    return bind(_getitem, (operand(x), *arrays), {"index": template})


def scatter_add(x: Any, shape: Any, index: Any) -> Any:
    """Zeros of a shape with x added at an index: the transpose of reading there.

    Parameters
    ----------
    x : array_like
        Of the shape that reading at the index would give.
    shape : tuple of int
        Of the result.
    index : int, slice, Ellipsis, None, array of int or bool, or a tuple of these

    Returns
    -------
    Tensor

    Examples
    --------
    >>> scatter_add(np.array([1.0, 2.0, 3.0]), (2,), [0, 0, 1])
    array([3., 3.])
    """
    template, arrays = split_index(index)
    return _scatter(shape, x, arrays, template)


def _written(x: Any, index: Any, value: Any, name: str) -> Any:
    """The value to write, stretched to the shape of the place."""
    place = np.empty(x.shape, bool)[join_index(*split_index(index))]
    value = value if isinstance(value, Tensor) else np.asarray(value, dtype=x.dtype)
    if value.dtype != x.dtype:
        value = FUNCTIONS["astype"](value, x.dtype)
    try:
        return FUNCTIONS["broadcast_to"](value, place.shape)
    except ShapeError:
        raise ShapeError(
            f"x.at[...].{name}(v): v is {describe(value)}, but the place in {describe(x)} has shape "
            f"{list(place.shape)}."
        ) from None


def at_add(x: Any, index: Any, value: Any) -> Any:
    """x with a value added at an index; repeated indices accumulate.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.tensor([1.0, 2.0]).at[[0, 0]].add(1.0)
    tensor([3., 2.])
    """
    x = as_tensor(x)
    template, arrays = split_index(index)
    return x + _scatter(x.shape, _written(x, index, value, "add"), arrays, template)


def at_set(x: Any, index: Any, value: Any) -> Any:
    """x with the elements at an index replaced; gradients flow to both.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.tensor([1.0, 2.0]).at[1].set(5.0)
    tensor([1., 5.])
    """
    x = as_tensor(x)
    template, arrays = split_index(index)
    value = _written(x, index, value, "set")
    # Which written element each place ends up with: the last one, as in NumPy.
    for array in arrays:
        if isinstance(array, Tensor):
            array._look()  # computed here once: a replay with another index would go wrong
    order = np.full(x.shape, -1)
    order[join_index(template, arrays)] = np.arange(value.size).reshape(value.shape)
    kept = order < 0
    flat = FUNCTIONS["reshape"](value, (-1,))
    new = FUNCTIONS["getitem"](flat, np.maximum(order, 0)) if value.size else x
    return FUNCTIONS["where"](kept, x, new)


for _name, _function in (
    ("getitem", getitem), ("scatter_add", scatter_add), ("at_add", at_add), ("at_set", at_set),
):  # fmt: skip
    public(_name)(_function)
_getitem.function = getitem
_scatter_add.function = scatter_add
