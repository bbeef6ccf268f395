"""Rows of a table, by number."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg

from ...errors import ArgumentError, DtypeError, ShapeError
from ...tensor import Tensor, describe
from .arguments import as_input


def embedding(x: Any, weight: Any, padding_idx: int | None = None) -> Tensor:
    """A row of a table for every number.

    Parameters
    ----------
    x : array_like of int
        Row numbers.
    weight : array_like, shape (rows, columns)
    padding_idx : int, optional
        A row that gets no gradient; counted from the end if negative.

    Returns
    -------
    Tensor, shape (*x.shape, columns)

    Raises
    ------
    DtypeError, ShapeError, ArgumentError
        For numbers that are no integers or no rows, and for a weight that is no table.

    Examples
    --------
    >>> embedding([1, 0], [[1.0, 2.0], [3.0, 4.0]])
    tensor([[3., 4.],
            [1., 2.]])
    """
    x, weight = as_input(x), as_input(weight)
    if weight.ndim != 2:
        raise ShapeError(f"embedding: weight is {describe(weight)}; it takes a table (rows, columns).")
    rows = weight.shape[0]
    numbers = x._value
    if x.dtype.kind not in "iu":
        raise DtypeError(
            f"embedding: x holds row numbers, which are integers, and it is {describe(x)}. Write "
            "x.astype(int)."
        )
    if numbers.size and (numbers.min() < 0 or numbers.max() >= rows):
        raise ArgumentError(
            f"embedding: x holds row numbers from {numbers.min()} to {numbers.max()}, and weight is "
            f"{describe(weight)}: they run from 0 to {rows - 1}."
        )
    out = weight[x]
    if padding_idx is None or not weight.requires_grad:
        return out
    padding = mg.expand_dims(x == padding_row("embedding", padding_idx, rows), -1)
    return mg.where(padding, mg.stop_gradient(out), out)


def padding_row(who: str, padding_idx: int, rows: int) -> int:
    """The number of the row that gets no gradient, counted from the start.

    Examples
    --------
    >>> padding_row("embedding", -1, 10)
    9
    """
    integer = isinstance(padding_idx, int | np.integer) and not isinstance(padding_idx, bool)
    if not integer or not -rows <= padding_idx < rows:
        raise ArgumentError(
            f"{who}: padding_idx={padding_idx!r} is no row of the table; rows run from 0 to {rows - 1}."
        )
    return int(padding_idx) % rows
