"""The affine map, and dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg

from ...errors import ShapeError
from ...seeding import resolve_generator
from ...tensor import Tensor, as_tensor, describe
from .arguments import check_probability, same_dtype


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
    >>> linear(np.ones((1, 2)), np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0.0, 1.0]))
    tensor([[3., 8.]])
    """
    x, weight = as_tensor(x), as_tensor(weight)
    if weight.ndim != 2 or not x.ndim or x.shape[-1] != weight.shape[1]:
        expected = f"[..., {weight.shape[1]}]" if weight.ndim == 2 else "an (out, in) matrix as weight"
        raise ShapeError(
            f"linear: x is {describe(x)}, weight is {describe(weight)}: the last size of x must be the "
            f"number of input features, {expected}."
        )
    same_dtype("linear", x, weight=weight, bias=bias)
    out = mg.matmul(x, mg.transpose(weight))
    return out if bias is None else out + bias


def dropout(
    x: Any, p: float = 0.5, training: bool = True, generator: np.random.Generator | None = None
) -> Tensor:
    """Zero each element with probability p and scale the others by ``1 / (1 - p)``.

    Parameters
    ----------
    x : array_like
    p : float
        From 0 to 1.
    training : bool
        False returns x.
    generator : numpy.random.Generator, optional
        By default the one of :func:`minigrad.manual_seed`.

    Examples
    --------
    >>> dropout(np.ones(8), generator=np.random.default_rng(0)).tolist()
    [2.0, 2.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    x = as_tensor(x)
    check_probability("dropout", p)
    rng = resolve_generator("dropout", generator)
    if not training or p == 0.0:
        return x
    kept = rng.random(x.shape, dtype=np.float32) >= p
    return x * (kept.astype(x.dtype) * x.dtype.type(1.0 / (1.0 - p) if p < 1.0 else 0.0))
