"""Indexing: reading is a gather, its transpose a scatter that adds.

An index is split into a static template and the arrays in it.  The arrays are
inputs of the primitive, so a traced index that was itself computed
(``x[x.argmax()]``) is computed again on replay.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..describe import speaker
from ..errors import ArgumentError, DtypeError, ShapeError
from ..primitive import bind, linear, public
from ..tensor import FUNCTIONS, Array, Tensor, describe, operand
from .accumulate import wide
from .arguments import checked_axis, refuse_out


class Slot:
    """The place of an array in an index template."""

    def __repr__(self) -> str:
        return "array"


_SLOT = Slot()


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
                raise DtypeError(
                    f"{speaker('getitem')}: an index holds integers or booleans, and this is "
                    f"{describe(array)}."
                )
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


def _add_to_slice(total: Array, g: Array, _x: Any, *rest: Any, index: Any) -> bool:
    """Add at slices in place: a loop over time steps must not make zeros of all times at each."""
    if len(rest) > 1:  # arrays in the index may name an element twice
        return False
    total[index] += g
    return True


_getitem = linear(
    "getitem",
    _read,
    lambda g, _x, *arrays, index: _scatter(_x.shape, g, arrays[:-1], index),
    into=_add_to_slice,
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
    """Add g up at the places of an index; float32 in float64, like other sums."""
    g = np.asarray(g)
    place = join_index(index, arrays)
    if all(a.dtype.kind == "b" for a in arrays):  # no element is named twice
        out = np.zeros(shape, g.dtype)
        out[place] += g
        return out
    kept = wide(g.dtype) or g.dtype
    flat = _flat_places(shape, index, arrays, g.size)
    if flat is None:
        out = np.zeros(shape, kept)
        np.add.at(out, place, g)
    else:  # NumPy is several times as fast with a single axis
        out = np.zeros(math.prod(shape), kept)
        np.add.at(out, flat.ravel(), g.astype(kept, copy=False).ravel())
        out = out.reshape(shape)
    return out.astype(g.dtype, copy=False)


def _flat_places(shape: Any, index: Any, arrays: Any, count: int) -> Array | None:
    """Per element that the index names its number; None if that would cost more than it saves."""
    axis = index.index(_SLOT)
    size = math.prod(shape)
    if (
        len(arrays) == 1
        and arrays[0].dtype.kind in "iu"
        and all(part == slice(None) for k, part in enumerate(index) if k != axis)
    ):  # rows of a table: the numbers are a sum
        numbers = np.arange(shape[axis])[arrays[0]]  # checks the range, counts from the end
        inner = math.prod(shape[axis + 1 :])
        outer = np.arange(math.prod(shape[:axis])) * (shape[axis] * inner)
        rows = outer[:, None, None] + numbers.reshape(-1, 1) * inner
        return rows + np.arange(inner)
    if size > 8 * count:
        return None
    return np.arange(size).reshape(shape)[join_index(index, arrays)]


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


# Reading by index --------------------------------------------------------------------------------


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


public("getitem")(getitem)
public("scatter_add")(scatter_add)
_getitem.function = getitem
_scatter_add.function = scatter_add


# Reading along an axis ---------------------------------------------------------------------------


@public("take")
def take(a: Any, indices: Any, axis: int | None = None, out: None = None, mode: str = "raise") -> Any:
    """Elements, or whole slices along an axis, by their numbers.

    Parameters
    ----------
    a : array_like
    indices : array_like of int
    axis : int, optional
        By default all elements in a row.
    out : None
        Tensors are immutable.
    mode : {"raise", "wrap", "clip"}
        What numbers out of range mean: an error, counting on from the start, the nearest.

    Returns
    -------
    Tensor
        The axis is replaced by the axes of `indices`.

    Raises
    ------
    ArgumentError
        For an axis or a number out of range, or another mode.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.take(mg.tensor([1.0, 2.0, 3.0]), [2, 0])
    tensor([3., 1.])
    """
    refuse_out("take", out)
    x = operand(a)
    if axis is None:
        x, axis = FUNCTIONS["ravel"](x), 0
    axis = checked_axis("take", x, axis)
    places = indices if isinstance(indices, Tensor) else np.asarray(indices)
    if mode == "wrap":
        places = FUNCTIONS["remainder"](places, x.shape[axis])
    elif mode == "clip":
        places = FUNCTIONS["clip"](places, 0, x.shape[axis] - 1)
    elif mode != "raise":
        raise ArgumentError(f'take: mode is "raise", "wrap" or "clip", not {mode!r}.')
    return getitem(x, (*(slice(None),) * axis, places))


def _along(axis: int, places: Any) -> tuple[Any, ...]:
    """The index that reads, along an axis, the element with the number given at each place."""
    grid = np.ogrid[tuple([slice(n) for n in places.shape])] if places.ndim > 1 else (None,)
    return tuple([places if i == axis else g for i, g in enumerate(grid)])


@public("take_along_axis")
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """Along an axis, the element with the number given at each place.

    Parameters
    ----------
    arr : array_like
    indices : array_like of int
        With as many axes as `arr`; all but `axis` broadcast with it.
    axis : int, optional
        None takes all elements in a row.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the numbers of axes differ, or the other axes do not broadcast.
    ArgumentError
        For an axis or a number out of range.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([[3.0, 1.0, 2.0]])
    >>> mg.take_along_axis(x, mg.argsort(x, axis=1), axis=1)
    tensor([[1., 2., 3.]])
    """
    x, places = operand(arr), operand(indices)
    if axis is None:
        x, axis = FUNCTIONS["ravel"](x), 0
    if x.ndim != places.ndim:
        raise ShapeError(
            f"take_along_axis: arr is {describe(x)} and indices are {describe(places)}: they need "
            "equally many axes."
        )
    axis = checked_axis("take_along_axis", x, axis)
    try:
        around = [
            places.shape[i] if i == axis else np.broadcast_shapes((n,), (places.shape[i],))[0]
            for i, n in enumerate(x.shape)
        ]
    except ValueError:
        raise ShapeError(
            f"take_along_axis: arr is {describe(x)} and indices are {describe(places)}: the axes other "
            f"than {axis} do not broadcast."
        ) from None
    wanted = tuple(around)
    full = tuple([n if i == axis else wanted[i] for i, n in enumerate(x.shape)])
    x, places = FUNCTIONS["broadcast_to"](x, full), FUNCTIONS["broadcast_to"](places, wanted)
    return getitem(x, _along(axis, places))


@public("gather")
def gather(input: Any, dim: int, index: Any) -> Any:
    """Along an axis, the element with the number given at each place, by PyTorch's name and rules.

    Parameters
    ----------
    input : array_like
    dim : int
        The axis.
    index : array_like of int
        With as many axes as `input`, and along the others at most as long; nothing broadcasts.

    Returns
    -------
    Tensor
        Of the shape of `index`.

    Raises
    ------
    ShapeError
        If `index` has other axes, or is longer along another axis.
    ArgumentError
        For an axis or a number out of range.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.gather(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), 1, [[1], [0]])
    tensor([[2.],
            [3.]])
    """
    x, places = operand(input), operand(index)
    axis = checked_axis("gather", x, dim, "dim")
    if x.ndim != places.ndim or any(
        have < want for i, (have, want) in enumerate(zip(x.shape, places.shape)) if i != axis
    ):
        raise ShapeError(
            f"gather: input is {describe(x)} and index is {describe(places)}: they need equally many "
            f"axes, and along the axes other than {axis} index may not be longer."
        )
    return getitem(x, _along(axis, places))


# Reading by a condition --------------------------------------------------------------------------


def _places(name: str, x: Any, find: Any) -> Any:
    """Data that depends on values: a trace is told, because a replay cannot follow."""
    if not isinstance(x, Tensor):
        return find(np.asarray(x))
    x._look()
    found = find(x._value)
    return tuple([Tensor(part) for part in found]) if isinstance(found, tuple) else Tensor(found)


@public("nonzero")
def nonzero(a: Any) -> tuple[Any, ...]:
    """Where the elements are not zero: per axis an array of numbers, as an index wants them.

    Parameters
    ----------
    a : array_like

    Returns
    -------
    tuple of Tensor of int

    Raises
    ------
    ShapeError
        For a 0-d input.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nonzero(mg.tensor([0.0, 5.0, 7.0]))
    (tensor([1, 2]),)
    """
    x = operand(a)
    if not x.ndim:
        raise ShapeError(f"nonzero: a 0-d array has no places, and a is {describe(x)}. Use atleast_1d.")
    return _places("nonzero", x, np.nonzero)  # type: ignore[no-any-return]


@public("flatnonzero")
def flatnonzero(a: Any) -> Any:
    """Where the elements are not zero, all of them in a row.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.flatnonzero(mg.tensor([[0.0, 5.0], [7.0, 0.0]]))
    tensor([1, 2])
    """
    return _places("flatnonzero", operand(a), np.flatnonzero)


@public("argwhere")
def argwhere(a: Any) -> Any:
    """Where the elements are not zero: a row of numbers per element.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.argwhere(mg.tensor([[0.0, 5.0], [7.0, 0.0]]))
    tensor([[0, 1],
            [1, 0]])
    """
    return _places("argwhere", operand(a), np.argwhere)


@public("compress")
def compress(condition: Any, a: Any, axis: int | None = None, out: None = None) -> Any:
    """The slices along an axis for which a condition holds.

    Parameters
    ----------
    condition : array_like of bool
        One-dimensional; what lies beyond its end is left out.
    a : array_like
    axis : int, optional
        By default all elements in a row.
    out : None
        Tensors are immutable.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.compress([True, False, True], mg.tensor([1.0, 2.0, 3.0]))
    tensor([1., 3.])
    """
    refuse_out("compress", out)
    chosen = operand(condition)
    if chosen.ndim != 1:
        raise ShapeError(f"compress: condition must be one-dimensional, and it is {describe(chosen)}.")
    return take(a, nonzero(chosen)[0], axis)


@public("extract")
def extract(condition: Any, arr: Any) -> Any:
    """The elements for which a condition holds, in a row.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([[1.0, -2.0], [-3.0, 4.0]])
    >>> mg.extract(x > 0, x)
    tensor([1., 4.])
    """
    return take(arr, nonzero(FUNCTIONS["ravel"](condition))[0])


@public("select")
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """The first of several choices whose condition holds.

    Parameters
    ----------
    condlist : sequence of array_like of bool
    choicelist : sequence of array_like
        As many.
    default : array_like
        Where no condition holds.

    Returns
    -------
    Tensor

    Raises
    ------
    ArgumentError
        If there are not as many choices as conditions.
    DtypeError
        For a condition that is not boolean.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([-2.0, 0.5, 3.0])
    >>> mg.select([x < 0, x > 1], [-x, x * 10.0], x)
    tensor([ 2. ,  0.5, 30. ])
    """
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ArgumentError(
            f"select: {len(condlist)} conditions and {len(choicelist)} choices; there must be equally "
            "many, and at least one."
        )
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        condition = operand(condition)
        if condition.dtype.kind != "b":
            raise DtypeError(f"select: conditions are booleans, and one is {describe(condition)}.")
        result = FUNCTIONS["where"](condition, choice, result)
    return result
