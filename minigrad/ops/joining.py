"""Joining and splitting: composites of `concatenate`, `stack` and slices."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..primitive import public
from ..tensor import describe, operand
from .arguments import checked_axis, checked_integers
from .index import getitem
from .shape import atleast_1d, atleast_2d, atleast_3d, concatenate, converted, ravel, reshape

# Joining ---------------------------------------------------------------------------------------


@public("hstack")
def hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """Join side by side: along axis 1, or along axis 0 for vectors.

    Parameters
    ----------
    tup : sequence of array_like
    dtype : dtype, optional
        Of the result; by default the common one.
    casting : str
        Which conversions to `dtype` are allowed, as in NumPy.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the other axes differ.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.hstack([mg.tensor([1.0]), mg.tensor([2.0, 3.0])])
    tensor([1., 2., 3.])
    """
    arrays = [atleast_1d(a) for a in converted("hstack", tup, dtype, casting)]
    return concatenate(arrays, 0 if arrays[0].ndim == 1 else 1)


@public("vstack", aliases=("row_stack",))
def vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """Join on top of each other: along axis 0; vectors are rows.

    Parameters
    ----------
    tup : sequence of array_like
    dtype : dtype, optional
        Of the result; by default the common one.
    casting : str
        Which conversions to `dtype` are allowed, as in NumPy.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the other axes differ.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.vstack([mg.tensor([1.0, 2.0]), mg.tensor([[3.0, 4.0]])]).shape
    (2, 2)
    """
    return concatenate([atleast_2d(a) for a in converted("vstack", tup, dtype, casting)], 0)


@public("dstack")
def dstack(tup: Any) -> Any:
    """Join behind each other: along axis 2.

    Parameters
    ----------
    tup : sequence of array_like

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the other axes differ.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.dstack([mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0])]).shape
    (1, 2, 2)
    """
    return concatenate([atleast_3d(a) for a in converted("dstack", tup, None, "no")], 2)


@public("column_stack")
def column_stack(tup: Any) -> Any:
    """Join side by side; vectors are columns.

    Parameters
    ----------
    tup : sequence of array_like

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the lengths differ.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.column_stack([mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0])])
    tensor([[1., 3.],
            [2., 4.]])
    """
    arrays = converted("column_stack", tup, None, "no")
    return concatenate([a if a.ndim > 1 else reshape(a, (-1, 1)) for a in arrays], 1)


@public("append")
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """Join values to the end.

    Parameters
    ----------
    arr, values : array_like
    axis : int, optional
        By default all elements in a row.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the other axes differ.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.append(mg.tensor([1.0]), 2.0)
    tensor([1., 2.])
    """
    if axis is None:
        return concatenate([ravel(arr), ravel(values)])
    return concatenate([arr, values], axis)


@public("block")
def block(arrays: Any) -> Any:
    """Blocks side by side: the innermost lists along the last axis, lists of them along the one before.

    Parameters
    ----------
    arrays : nested list of array_like
        All at one depth.

    Returns
    -------
    Tensor

    Raises
    ------
    ArgumentError
        For an empty list, or blocks at different depths.
    ShapeError
        If the blocks do not fit together.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.block([[mg.tensor([[1.0]]), np.zeros((1, 2))], [np.ones((1, 3))]])
    tensor([[1., 0., 0.],
            [1., 1., 1.]])
    """
    depth = _depth(arrays)
    width = max([depth, *[x.ndim for x in _leaves(arrays)]])

    def join(part: Any, level: int) -> Any:
        if not isinstance(part, list):
            x = operand(part)
            return reshape(x, (1,) * (width - x.ndim) + x.shape)
        return concatenate([join(p, level - 1) for p in part], axis=width - level)

    return join(arrays, depth)


def _leaves(part: Any) -> list[Any]:
    return [x for p in part for x in _leaves(p)] if isinstance(part, list) else [operand(part)]


def _depth(part: Any) -> int:
    if not isinstance(part, list):
        return 0
    depths = {_depth(p) for p in part}
    if len(depths) != 1:
        raise ArgumentError(
            "block: an empty list has no blocks."
            if not depths
            else f"block: blocks are nested at different depths, {sorted(depths)}."
        )
    return depths.pop() + 1


# Splitting -------------------------------------------------------------------------------------


def _cuts(name: str, x: Any, sections: Any, axis: int, even: bool) -> list[tuple[int, int]]:
    """Start and end of every piece, as NumPy understands a count or a list of positions."""
    size = x.shape[axis]
    if np.ndim(sections):
        starts = checked_integers(name, "indices_or_sections", sections)
        return [
            slice(a, b).indices(size)[:2] for a, b in zip([0, *starts], [*starts, None], strict=True)
        ]
    (count,) = checked_integers(name, "indices_or_sections", sections)
    if count <= 0:
        raise ArgumentError(f"{name}: {count} pieces cannot be made of {describe(x)}.")
    if even and size % count:
        raise ArgumentError(
            f"{name}: axis {axis} of {describe(x)} has size {size}, which {count} equal pieces do not "
            "divide. Use array_split for pieces that differ by one."
        )
    least, more = size // count, size % count
    ends = np.cumsum([least + (i < more) for i in range(count)]).tolist()
    return list(zip([0, *ends], ends))


def _split(name: str, ary: Any, sections: Any, axis: int, even: bool) -> list[Any]:
    x = operand(ary)
    axis = checked_axis(name, x, axis)
    before = (slice(None),) * axis
    return [
        getitem(x, (*before, slice(start, max(start, end))))
        for start, end in _cuts(name, x, sections, axis, even)
    ]


@public("split")
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Cut into equal pieces, or at given positions.

    Parameters
    ----------
    ary : array_like
    indices_or_sections : int or sequence of int
        How many pieces, or where to cut.
    axis : int

    Returns
    -------
    list of Tensor

    Raises
    ------
    ArgumentError
        If equal pieces are not possible, or for an axis out of range.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.split(mg.tensor([1.0, 2.0, 3.0, 4.0]), 2)
    [tensor([1., 2.]), tensor([3., 4.])]
    """
    return _split("split", ary, indices_or_sections, axis, True)


@public("array_split")
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Cut into pieces whose sizes differ by at most one, or at given positions.

    Parameters
    ----------
    ary : array_like
    indices_or_sections : int or sequence of int
        How many pieces, or where to cut.
    axis : int

    Returns
    -------
    list of Tensor

    Raises
    ------
    ArgumentError
        For no pieces at all, or for an axis out of range.

    Examples
    --------
    >>> import minigrad as mg
    >>> [len(piece) for piece in mg.array_split(mg.broadcast_to(1.0, (8,)), 3)]
    [3, 3, 2]
    """
    return _split("array_split", ary, indices_or_sections, axis, False)


def _named_split(name: str, axis: int, words: str, example: str) -> Any:
    def function(ary: Any, indices_or_sections: Any) -> list[Any]:
        x = operand(ary)
        needed = max(axis, 1) if name == "hsplit" else axis + 1
        if x.ndim < needed:
            raise ShapeError(f"{name}: ary is {describe(x)}; it needs {needed} axes.")
        along = 0 if name == "hsplit" and x.ndim == 1 else axis
        return _split(name, x, indices_or_sections, along, True)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"Cut {words}.\n\nParameters\n----------\nary : array_like\n"
        "indices_or_sections : int or sequence of int\n    How many pieces, or where to cut.\n\n"
        "Returns\n-------\nlist of Tensor\n\nExamples\n--------\n>>> import minigrad as mg\n"
        f"{example}\n"
    )
    return public(name)(function)


vsplit = _named_split(
    "vsplit", 0, "along axis 0",
    ">>> [x.shape for x in mg.vsplit(mg.broadcast_to(1.0, (4, 3)), 2)]\n[(2, 3), (2, 3)]",
)  # fmt: skip
hsplit = _named_split(
    "hsplit", 1, "along axis 1; a vector along axis 0",
    ">>> [x.shape for x in mg.hsplit(mg.broadcast_to(1.0, (4, 3)), 3)]\n[(4, 1), (4, 1), (4, 1)]",
)  # fmt: skip
dsplit = _named_split(
    "dsplit", 2, "along axis 2",
    ">>> [x.shape for x in mg.dsplit(mg.broadcast_to(1.0, (1, 1, 2)), 2)]\n[(1, 1, 1), (1, 1, 1)]",
)  # fmt: skip


@public("unstack", aliases=("unbind",))
def unstack(x: Any, /, axis: int = 0) -> tuple[Any, ...]:
    """The slices along an axis, which they lose: undoes :func:`stack`.

    Parameters
    ----------
    x : array_like
    axis : int

    Returns
    -------
    tuple of Tensor

    Raises
    ------
    ArgumentError
        For an axis out of range.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.unstack(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    (tensor([1., 2.]), tensor([3., 4.]))
    """
    x = operand(x)
    axis = checked_axis("unstack", x, axis)
    return tuple([getitem(x, (*(slice(None),) * axis, i)) for i in range(x.shape[axis])])
