"""Norms, of vectors and of matrices; all are made of other functions.

At zero, where a norm has a kink, the subgradient is 0: the root of a sum is taken of 1 there, and
the result replaced.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ArgumentError
from ...tensor import FUNCTIONS, describe, operand
from ..accumulate import kept_shape, normalize_axes
from ..reduce import max as largest
from ..reduce import min as smallest
from ..reduce import sum as summed
from ..shape import reshape, transpose
from .common import matrices, numpys
from .factor import svdvals
from .solve import inv

MATRIX_ORDERS = ("fro", "f", "nuc", np.inf, -np.inf, 1, -1, 2, -2, None)


def _safe(root: Any, x: Any) -> Any:
    """``root(x)`` where x is not zero; 0 with derivative 0 where it is."""
    where = FUNCTIONS["where"]
    zero = x == 0
    return where(zero, 0.0, root(where(zero, 1.0, x)))


def _root_of_squares(x: Any, axes: tuple[int, ...]) -> Any:
    return _safe(FUNCTIONS["sqrt"], summed(x * x, axis=axes, keepdims=True))


def _vector(x: Any, order: Any, axes: tuple[int, ...]) -> Any:
    """The norm over some axes together, these kept with size one."""
    if order is None or order == 2:
        return _root_of_squares(x, axes)
    size = FUNCTIONS["absolute"](x)
    empty = not all(x.shape[i] for i in axes)
    if order in (np.inf, -np.inf):
        if empty and order > 0:  # the largest of none
            return summed(size, axis=axes, keepdims=True)
        return (largest if order > 0 else smallest)(size, axis=axes, keepdims=True)
    if order == 0:
        return summed(FUNCTIONS["astype"](x != 0, x.dtype), axis=axes, keepdims=True)
    if order == 1:
        return summed(size, axis=axes, keepdims=True)
    power = FUNCTIONS["power"]
    if order < 0:
        return power(summed(power(size, order), axis=axes, keepdims=True), 1.0 / order)
    total = summed(_safe(lambda y: power(y, order), size), axis=axes, keepdims=True)
    return _safe(lambda y: power(y, 1.0 / order), total)


def _matrix(x: Any, order: Any, axes: tuple[int, int]) -> Any:
    """The norm of the matrices in two axes, these kept with size one."""
    row, column = axes
    if order in ("fro", "f", None):
        return _root_of_squares(x, axes)
    if order in (2, -2, "nuc"):
        moved = transpose(x, (*[i for i in range(x.ndim) if i not in axes], row, column))
        s = svdvals(moved)
        if order == "nuc":
            out = summed(s, axis=-1)
        else:
            out = (largest if order > 0 else smallest)(s, axis=-1)
        return reshape(out, kept_shape(x.shape, axes))
    over, along = (row, column) if order in (1, -1) else (column, row)
    sums = summed(FUNCTIONS["absolute"](x), axis=over, keepdims=True)
    return (largest if order > 0 else smallest)(sums, axis=along, keepdims=True)


@numpys("norm")
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Norm of vectors or matrices.

    Parameters
    ----------
    x : array_like
    ord : {None, "fro", "nuc", inf, -inf} or float, optional
        For vectors any number p, ``sum(abs(x)**p)**(1/p)``, with the limits for infinities and the
        count of nonzeros for 0.  For matrices "fro" (root of the sum of squares), "nuc" (sum of the
        singular values), 2 and -2 (largest and smallest of them), 1 and -1 (largest and smallest sum
        over a column), infinities (over a row).
    axis : int or (int, int), optional
        One axis holds vectors, two hold matrices.  By default all; without `ord`, x is then one long
        vector.
    keepdims : bool
        Whether these axes stay, with size one.

    Returns
    -------
    Tensor

    Raises
    ------
    ArgumentError
        For an order that there is not, or axes that do not fit.

    Notes
    -----
    The subgradient at zero is 0.  Ties of the largest or smallest are split evenly.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.norm(mg.tensor([3.0, 4.0]))
    tensor(5.)
    >>> mg.grad(mg.linalg.norm)(np.zeros(2))
    tensor([0., 0.])
    """
    x, given = _floating(x)
    found = f"ord={ord!r}, axis={axis!r}, x is {describe(x)}"
    if axis is None:
        axes = tuple(range(x.ndim))
        if ord is None:
            return _finished(_root_of_squares(x, axes), axes, keepdims, given)
        if x.ndim not in (1, 2):
            raise ArgumentError(f"norm: say which one or two axes to take the norm over; {found}.")
    else:
        try:
            normalize_axes(axis, x.ndim)
            axes = tuple(a % x.ndim for a in (axis if isinstance(axis, tuple | list) else (axis,)))
        except (IndexError, TypeError) as error:
            raise ArgumentError(f"norm: {error}; {found}.") from None
    if len(axes) == 1:
        if isinstance(ord, str):
            raise ArgumentError(f"norm: {ord!r} is for matrices, in two axes; {found}.")
        return _finished(_vector(x, ord, axes), axes, keepdims, given)
    if len(axes) != 2:
        raise ArgumentError(f"norm: one axis holds vectors, two hold matrices; {found}.")
    if ord not in MATRIX_ORDERS:
        raise ArgumentError(
            f"norm: for matrices ord is None, 'fro', 'nuc', inf, -inf, 1, -1, 2 or -2; {found}."
        )
    return _finished(_matrix(x, ord, axes), axes, keepdims, given)


def _floating(x: Any) -> tuple[Any, Any]:
    """Integers as float64, half precision as single; and the dtype of the result."""
    x = operand(x)
    if x.dtype.kind in "iub":
        x = FUNCTIONS["astype"](x, float)
    given = x.dtype
    return (FUNCTIONS["astype"](x, np.float32) if given == np.float16 else x), given


def _finished(out: Any, axes: tuple[int, ...], keepdims: bool, dtype: Any) -> Any:
    out = FUNCTIONS["astype"](out, dtype)
    if keepdims:
        return out
    return reshape(out, tuple([n for i, n in enumerate(out.shape) if i not in axes]))


@numpys("vector_norm")
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """Norm of vectors, over any axes together.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int, optional
        By default all.
    keepdims : bool
        Whether these axes stay, with size one.
    ord : float
        As in :func:`norm`.

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
    >>> mg.linalg.vector_norm(mg.tensor([[3.0], [4.0]]))
    tensor(5.)
    """
    x, given = _floating(x)
    try:
        axes = normalize_axes(axis, x.ndim)
    except (IndexError, TypeError) as error:
        raise ArgumentError(f"vector_norm: {error}; axis={axis!r}, x is {describe(x)}.") from None
    if isinstance(ord, str):
        raise ArgumentError(f"vector_norm: ord is a number, not {ord!r}; x is {describe(x)}.")
    return _finished(_vector(x, ord, axes), axes, keepdims, given)


@numpys("matrix_norm")
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """Norm of the matrices in the last two axes.

    Parameters
    ----------
    x : array_like, shape (..., M, N)
    keepdims : bool
        Whether these axes stay, with size one.
    ord : {"fro", "nuc", inf, -inf, 1, -1, 2, -2}
        As in :func:`norm`.

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    ShapeError
        For other than matrices.
    ArgumentError
        For an order that there is not.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.matrix_norm(mg.tensor([[1.0, -2.0], [3.0, 4.0]]), ord=1)
    tensor(6.)
    """
    return norm(matrices("matrix_norm", "x", x), ord, axis=(-2, -1), keepdims=keepdims)


@numpys("cond")
def cond(x: Any, p: Any = None) -> Any:
    """Condition number of matrices: how much a linear system magnifies relative errors.

    Parameters
    ----------
    x : array_like, shape (..., M, N)
    p : {None, "fro", "nuc", inf, -inf, 1, -1, 2, -2}, optional
        The norm; by default the ratio of the largest to the smallest singular value.

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    ShapeError
        For other than matrices; for another p, than square ones.
    LinAlgError
        For a singular matrix, unless p is None, 2 or -2.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.cond(mg.tensor([[4.0, 0.0], [0.0, 2.0]]))
    tensor(2.)
    """
    if p in (None, 2, -2):
        s = svdvals(matrices("cond", "x", x))
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    x = matrices("cond", "x", x, square=True)
    return norm(x, p, axis=(-2, -1)) * norm(inv(x), p, axis=(-2, -1))
