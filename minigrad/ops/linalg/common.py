"""What the functions of linear algebra share: checks, dtypes, small matrices' tools."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ShapeError
from ...tensor import FUNCTIONS, PROTOCOL, Array, describe, operand
from ..contract import matmul
from ..shape import swapaxes

Function = Callable[..., Any]


def numpys(name: str) -> Callable[[Function], Function]:
    """Register a function for NumPy's protocol, under its name in ``np.linalg``."""

    def register(function: Function) -> Function:
        source = getattr(np.linalg, name, None)
        if source is not None:
            PROTOCOL[source] = function
        return function

    return register


def lapack(impl: Function) -> Function:
    """Half precision, which LAPACK does not have, is computed in single."""

    @functools.wraps(impl)
    def run(*arrays: Array, **params: Any) -> Any:
        if all(a.dtype != np.float16 for a in arrays):
            return impl(*arrays, **params)
        half = np.result_type(*arrays) == np.float16
        out = impl(*[a.astype(np.float32) if a.dtype == np.float16 else a for a in arrays], **params)
        if not half:
            return out
        rounded = [
            o.astype(np.float16) if o.dtype == np.float32 else o
            for o in (out if isinstance(out, tuple) else (out,))
        ]
        return tuple(rounded) if isinstance(out, tuple) else rounded[0]

    return run


def matrices(who: str, name: str, x: Any, square: bool = False) -> Any:
    """The operand, if its last two axes hold (square) matrices."""
    x = operand(x)
    if x.ndim < 2 or (square and x.shape[-1] != x.shape[-2]):
        raise ShapeError(
            f"{who}: {name} is {describe(x)}; it takes {'square ' if square else ''}matrices in the "
            "last two axes."
        )
    return x


def mT(x: Any) -> Any:
    """The matrices transposed."""
    return swapaxes(x, -1, -2)


def symmetric(x: Any) -> Any:
    """The symmetric part of square matrices."""
    return (x + mT(x)) * 0.5


def lower(x: Any, k: int = 0) -> Any:
    """The lower triangle of matrices, up to and with diagonal k; zero elsewhere."""
    return FUNCTIONS["where"](np.tri(*x.shape[-2:], k, dtype=bool), x, 0.0)


def upper(x: Any, k: int = 0) -> Any:
    """The upper triangle of matrices, from diagonal k on; zero elsewhere."""
    return FUNCTIONS["where"](np.tri(*x.shape[-2:], k - 1, dtype=bool), 0.0, x)


def columns_times(x: Any, factors: Any) -> Any:
    """Matrices with each column scaled: ``x @ diag(factors)``."""
    return x * factors[..., None, :]


def rows_times(factors: Any, x: Any) -> Any:
    """Matrices with each row scaled: ``diag(factors) @ x``."""
    return factors[..., :, None] * x


def diagonal_of(x: Any) -> Any:
    """The diagonals of square matrices."""
    n = np.arange(x.shape[-1])
    return x[..., n, n]


def diagonal_matrix(x: Any) -> Any:
    """Matrices with the given diagonals."""
    return columns_times(np.eye(x.shape[-1], dtype=x.dtype), x)


def product(*factors: Any) -> Any:
    """The matrix product of several factors, from left to right."""
    return functools.reduce(matmul, factors)
