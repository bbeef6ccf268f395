"""Powers and products of matrices: matrix_power, multi_dot, and the exponential."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import ArgumentError, DtypeError, ShapeError
from ...primitive import bind, general
from ...tensor import Array, Tensor, describe
from ...tensor import operand as as_operand
from ..contract import matmul
from ..samples import calls
from ..shape import broadcast_to, concatenate, reshape
from .common import lapack, matrices, mT, numpys
from .solve import inv


@numpys("matrix_power")
def matrix_power(a: Any, n: int) -> Any:
    """Square matrices to an integer power, by repeated squaring.

    Parameters
    ----------
    a : array_like, shape (..., N, N)
    n : int
        Negative ones are powers of the inverse.

    Returns
    -------
    Tensor, shape (..., N, N)

    Raises
    ------
    ShapeError
        For other than square matrices.
    ArgumentError
        For an exponent that is not an integer.
    LinAlgError
        For a negative power of a singular matrix.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.matrix_power(mg.tensor([[1.0, 1.0], [0.0, 1.0]]), 5)
    tensor([[1., 5.],
            [0., 1.]])
    """
    a = matrices("matrix_power", "a", a, square=True)
    try:
        n = operator.index(n)
    except TypeError:
        raise ArgumentError(f"matrix_power: the exponent is an integer, not {n!r}.") from None
    if n == 0:
        one = np.array(np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape))
        return Tensor(one) if isinstance(a, Tensor) else one
    base, n = (inv(a), -n) if n < 0 else (a, n)
    result = None
    while n:
        if n & 1:
            result = base if result is None else matmul(result, base)
        n >>= 1
        if n:
            base = matmul(base, base)
    return result


@numpys("multi_dot")
def multi_dot(arrays: Sequence[Any]) -> Any:
    """The product of several matrices, in the order that takes the fewest multiplications.

    Parameters
    ----------
    arrays : sequence of array_like
        At least two.  Matrices; the first and the last may be vectors.

    Returns
    -------
    Tensor

    Raises
    ------
    ArgumentError
        For fewer than two.
    ShapeError
        If the shapes do not fit.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.multi_dot([mg.tensor([1.0, 2.0]), np.eye(2), [3.0, 4.0]])
    tensor(11.)
    """
    factors = [as_operand(a) for a in arrays]
    if len(factors) < 2:
        raise ArgumentError(f"multi_dot: it takes at least two matrices, and got {len(factors)}.")
    row, column = factors[0].ndim == 1, factors[-1].ndim == 1
    if row:
        factors[0] = reshape(factors[0], (1, -1))
    if column:
        factors[-1] = reshape(factors[-1], (-1, 1))
    for i, (x, y) in enumerate(zip(factors, [*factors[1:], factors[-1]], strict=True)):
        if x.ndim != 2 or (i < len(factors) - 1 and y.ndim == 2 and x.shape[1] != y.shape[0]):
            raise ShapeError(
                f"multi_dot: factor {i} is {describe(x)}, the next is {describe(y)}; it takes matrices "
                "whose neighbouring sizes agree, and vectors at the ends only."
            )
    sizes = [factors[0].shape[0], *[x.shape[1] for x in factors]]
    cuts = _cheapest(sizes)

    def multiply(i: int, j: int) -> Any:
        return factors[i] if i == j else matmul(multiply(i, cuts[i, j]), multiply(cuts[i, j] + 1, j))

    out = multiply(0, len(factors) - 1)
    shape = (() if row else out.shape[:1]) + (() if column else out.shape[1:])
    return out if out.shape == shape else reshape(out, shape)


def _cheapest(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """Where to cut the product of factors i to j, for every i and j."""
    count = len(sizes) - 1
    cost = {(i, i): 0 for i in range(count)}
    cuts = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            cost[i, j], cuts[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )
    return cuts


# The exponential -----------------------------------------------------------------------------------

# Numerator of the Padé approximant of degree 13, and the norm up to which it and its derivative are
# exact to rounding in double precision (Al-Mohy and Higham, 2009, table 6.1).
PADE = [
    64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000,
    10559470521600, 670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1,
]  # fmt: skip
RADIUS = 4.74


@lapack
def _expm_array(a: Array) -> Array:
    if a.dtype.kind in "iub":
        a = a.astype(float)
    if a.shape[-1] < 2:
        return np.exp(a)
    with np.errstate(invalid="ignore", over="ignore"):
        size = np.abs(a).sum(-2).max(-1)
    squarings = np.zeros(size.shape, int)
    large = np.isfinite(size) & (size > RADIUS)
    squarings[large] = np.ceil(np.log2(size[large] / RADIUS)).astype(int)
    x = a * np.ldexp(np.ones((), size.dtype), -squarings)[..., None, None]
    one = np.eye(a.shape[-1], dtype=a.dtype)
    x2 = x @ x
    x4 = x2 @ x2
    x6 = x4 @ x2

    def half(k: int) -> Array:  # every second term, from PADE[k] on
        c = [a.dtype.type(value) for value in PADE[k::2]]
        high = x6 @ (c[6] * x6 + c[5] * x4 + c[4] * x2)
        return high + c[3] * x6 + c[2] * x4 + c[1] * x2 + c[0] * one

    odd, even = x @ half(1), half(0)
    with np.errstate(invalid="ignore", over="ignore"):
        out = np.linalg.solve(even - odd, even + odd)
        for k in range(int(squarings.max())):
            out = np.where((k < squarings)[..., None, None], out @ out, out)
    return out


def _directional(a: Any, t: Any) -> Any:
    """The derivative of the exponential at a along t: a block of a larger exponential.

    exp of [[a, t], [0, a]] is [[exp a, derivative], [0, exp a]].  The derivative is linear in t, which
    is scaled so that it does not dominate.
    """
    n = a.shape[-1]
    value, along = (x._value if isinstance(x, Tensor) else x for x in (a, t))
    wide, long = (np.abs(x).max((-2, -1), keepdims=True, initial=0) for x in (value, along))
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where((long > 0) & np.isfinite(long), np.maximum(wide, 1) / long, 1).astype(a.dtype)
    shape = np.broadcast_shapes(a.shape, t.shape)
    a = broadcast_to(a, shape)
    upper = concatenate([a, broadcast_to(t * scale, shape)], axis=-1)
    lower = concatenate([np.zeros(shape, a.dtype), a], axis=-1)
    block = bind(_expm, (concatenate([upper, lower], axis=-2),))
    return block[..., :n, n:] / scale


_expm = general(
    "expm",
    _expm_array,
    vjp=lambda g, needed, a, _out: (_directional(mT(a), g),),
    jvp=lambda tangents, a, _out: _directional(a, tangents[0]),
    formula=r"\sum_k a^k / k!",
    vjp_formula=r"\int_0^1 e^{s a^\top} g\,e^{(1-s) a^\top}\,ds",
    samples=calls(((3, 3), {}), ((1, 1), {}), ((2, 2, 2), {}), ((2, 1, 2, 2), {}), ((0, 0), {})),
)


def expm(a: Any) -> Any:
    """Exponential of square matrices.

    Parameters
    ----------
    a : array_like, shape (..., N, N)

    Returns
    -------
    Tensor, shape (..., N, N)

    Raises
    ------
    ShapeError
        For other than square matrices.

    Notes
    -----
    Scaling and squaring with a Padé approximant of degree 13, in NumPy alone.  A derivative is a
    block of the exponential of a matrix of twice the size.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.expm(mg.tensor([[0.0, 1.0], [0.0, 0.0]]))
    tensor([[1., 1.],
            [0., 1.]])
    """
    a = matrices("expm", "a", a, square=True)
    if a.dtype.char == "g":
        raise DtypeError(f"expm: a is {describe(a)}; LAPACK, which it needs, has no long double.")
    return bind(_expm, (a,))


_expm.function = expm
