"""Contraction: the matrix product, with NumPy's full batched semantics."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..primitive import bilinear, bind, public
from ..tensor import Tensor, describe, operand
from .samples import calls
from .shape import broadcast_to, reshape, swapaxes


def _matmul_array(x: Any, y: Any) -> Any:
    return np.matmul(x, y)


_matmul = bilinear(
    "matmul",
    _matmul_array,
    lambda g, _x, y, _out: bind(_matmul, (g, swapaxes(y, -1, -2))),
    lambda g, x, _y, _out: bind(_matmul, (swapaxes(x, -1, -2), g)),
    formula=r"x\,y",
    vjp_formula=r"(g\,y^\top,\; x^\top g)",
    samples=calls(
        ((3, 4), (4, 2), {}),
        ((4,), (4,), {}),
        ((3, 4), (4,), {}),
        ((4,), (4, 2), {}),
        ((2, 3, 4), (4, 2), {}),
        ((3, 4), (2, 4, 2), {}),
        ((2, 1, 3, 4), (5, 4, 2), {}),
        ((4,), (2, 4, 3), {}),
        ((0, 4), (4, 2), {}),
    ),
)


@public("matmul")
def matmul(x: Any, y: Any) -> Any:
    """Matrix product; vectors are rows on the left and columns on the right.

    Parameters
    ----------
    x, y : array_like
        At least one-dimensional.  Leading axes broadcast.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        For scalars, or if the inner sizes differ.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.matmul(mg.tensor([[1.0, 2.0]]), mg.tensor([3.0, 4.0]))
    tensor([11.])
    """
    if not isinstance(x, Tensor) and not isinstance(y, Tensor):
        return np.matmul(x, y)
    x, y = operand(x), operand(y)
    if not x.ndim or not y.ndim:
        raise ShapeError(
            f"matmul: x is {describe(x)}, y is {describe(y)}; a scalar has no rows. Use x * y."
        )
    if x.shape[-1] != y.shape[-2 if y.ndim > 1 else -1]:
        raise ShapeError(
            f"matmul: x is {describe(x)}, y is {describe(y)}: the last size of x, {x.shape[-1]}, must "
            f"be the {'second last' if y.ndim > 1 else 'only'} size of y, "
            f"{y.shape[-2 if y.ndim > 1 else -1]}. Did you mean x @ y.T?"
        )
    if x.ndim == y.ndim == 2:
        return bind(_matmul, (x, y))
    left = reshape(x, (1, -1)) if x.ndim == 1 else x
    right = reshape(y, (-1, 1)) if y.ndim == 1 else y
    rows, columns = left.shape[-2:-1], right.shape[-1:]
    try:
        batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    except ValueError:
        raise ShapeError(
            f"matmul: x is {describe(x)}, y is {describe(y)}: the leading sizes {list(x.shape[:-2])} and "
            f"{list(y.shape[:-2])} do not broadcast."
        ) from None
    if right.ndim == 2 and left.ndim > 2:  # one tall product instead of many small ones
        out = bind(_matmul, (reshape(left, (math.prod(left.shape[:-1]), left.shape[-1])), right))
    else:
        left = broadcast_to(left, (*batch, *left.shape[-2:]))
        right = broadcast_to(right, (*batch, *right.shape[-2:]))
        out = bind(_matmul, (left, right))
    shape = batch + (rows if x.ndim > 1 else ()) + (columns if y.ndim > 1 else ())
    return out if out.shape == shape else reshape(out, shape)


_matmul.function = matmul
