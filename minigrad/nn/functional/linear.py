"""The affine map."""

from __future__ import annotations

from typing import Any

import minigrad as mg

from ...errors import ShapeError
from ...tensor import Tensor, describe
from .arguments import as_input, same_dtype


def linear(x: Any, weight: Any, bias: Any = None) -> Tensor:
    """The affine map ``x @ weight.T + bias`` of the last axis.

    Parameters
    ----------
    x : array_like, shape (..., in_features)
    weight : array_like, shape (out_features, in_features)
    bias : array_like, shape (out_features,), optional

    Returns
    -------
    Tensor, shape (..., out_features)

    Raises
    ------
    ShapeError, DtypeError
        If sizes or dtypes do not fit.

    Examples
    --------
    >>> linear([[1.0, 1.0]], [[1.0, 2.0], [3.0, 4.0]], [0.0, 1.0])
    tensor([[3., 8.]])
    """
    x, weight = as_input(x), as_input(weight)
    if weight.ndim != 2 or not x.ndim or x.shape[-1] != weight.shape[1]:
        expected = f"[..., {weight.shape[1]}]" if weight.ndim == 2 else "an (out, in) matrix as weight"
        raise ShapeError(
            f"linear: x is {describe(x)}, weight is {describe(weight)}: the last size of x must be the "
            f"number of input features, {expected}."
        )
    same_dtype("linear", x, weight=weight, bias=bias)
    out = mg.inner(x, weight)
    return out if bias is None else out + bias
