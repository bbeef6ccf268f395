"""Rank and least squares: the pseudoinverse, lstsq, matrix_rank.

The derivatives hold as long as the rank stays the same (Golub and Pereyra, 1973); where the
rank changes, the pseudoinverse jumps.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ShapeError
from ...primitive import Primitive, bind, general
from ...tensor import FUNCTIONS, Array, Tensor, describe, operand
from ..arguments import as_data
from ..contract import matmul
from ..reduce import sum as summed
from ..shape import reshape
from .common import lapack, matrices, mT, numpys, product
from .factor import finite, real_only, svdvals, tall_samples

# Pseudoinverse ----------------------------------------------------------------------------------


@lapack
def _pinv_array(a: Array, rcond: Any, rtol: Any, hermitian: bool) -> Array:
    real_only("pinv", a)
    tolerance = {} if rtol is None else {"rtol": rtol}
    return np.linalg.pinv(finite("pinv", a), rcond, hermitian, **tolerance)


def _pinv_pullback(g: Any, needed: Any, a: Any, out: Any, **_: Any) -> Any:
    total = -product(mT(out), g, mT(out))
    if a.shape[-2] > 0 < a.shape[-1]:
        left = product(mT(g), out)  # the columns of a that are outside its range
        total = total + product(left - product(a, out, left), mT(out))
        right = product(out, mT(g))
        total = total + product(mT(out), right - product(right, out, a))
    return (total,)


def _pinv_pushforward(tangents: Any, a: Any, out: Any, **_: Any) -> Any:
    t = tangents[0]
    outside = mT(t) - product(mT(t), a, out)
    return (
        product(out, mT(out), outside)
        - product(out, t, out)
        + product(mT(t) - product(out, a, mT(t)), mT(out), out)
    )


_pinv = general(
    "pinv",
    _pinv_array,
    vjp=_pinv_pullback,
    jvp=_pinv_pushforward,
    formula=r"a^+",
    vjp_formula=r"-p^\top g\,p^\top + (1 - a p)\,g^\top p\,p^\top + p^\top p\,g^\top (1 - p a),"
    r"\ p = a^+",
    kink="the rank is held constant: where it changes, the value jumps",
    samples=tall_samples((3, 3), (4, 2), (2, 4), (2, 3, 2), (1, 1)),
)


@numpys("pinv")
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """Pseudoinverse of Moore and Penrose.

    Parameters
    ----------
    a : array_like, shape (..., M, N)
    rcond, rtol : float, optional
        Singular values up to this share of the largest count as zero.
    hermitian : bool
        Whether a is symmetric.

    Returns
    -------
    Tensor, shape (..., N, M)

    Raises
    ------
    ShapeError
        For other than matrices.
    LinAlgError
        For NaN and infinities.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.pinv(mg.tensor([[2.0], [0.0]]))
    tensor([[0.5, 0. ]])
    """
    a = matrices("pinv", "a", a, square=hermitian)
    params = {
        "rcond": as_data("pinv", "rcond", rcond),
        "rtol": as_data("pinv", "rtol", rtol),
        "hermitian": bool(hermitian),
    }
    return bind(_pinv, (a,), params)


# Least squares ------------------------------------------------------------------------------------


@lapack
def _lstsq_array(a: Array, b: Array, rcond: Any) -> Array:
    real_only("lstsq", a, b)
    return np.linalg.lstsq(finite("lstsq", a), b, rcond)[0]


def _lstsq_pullback(g: Any, needed: Any, a: Any, b: Any, out: Any, rcond: Any) -> Any:
    p = _same_rank(a, rcond)
    into_b = matmul(mT(p), g)
    if not needed[0]:
        return None, into_b
    residual = b - matmul(a, out)
    total = matmul(residual, mT(matmul(p, into_b))) - matmul(into_b, mT(out))
    inside = g - product(mT(a), into_b)
    return total + product(mT(p), out, mT(inside)), into_b


def _lstsq_pushforward(tangents: Any, a: Any, b: Any, out: Any, rcond: Any) -> Any:
    ta, tb = tangents
    p = _same_rank(a, rcond)
    if ta is None:
        return matmul(p, tb)
    change = -matmul(ta, out)
    along = matmul(mT(ta), matmul(mT(p), out))
    residual = b - matmul(a, out)
    total = matmul(p, change if tb is None else change + tb)
    return total + product(p, mT(p), mT(ta), residual) + along - product(p, a, along)


def _same_rank(a: Any, rcond: Any) -> Any:
    return pinv(a, _cutoff(a, rcond))


def _cutoff(a: Any, rcond: Any) -> float:
    """NumPy's: the machine epsilon times the longer side."""
    eps = np.finfo(np.result_type(a.dtype, np.float32)).eps
    return float(eps * max(a.shape)) if rcond is None else float(eps if rcond == -1 else rcond)


def _lstsq_samples(rng: np.random.Generator) -> Any:
    for one, other in (((3, 3), (3, 2)), ((4, 2), (4, 2)), ((2, 4), (2, 1)), ((5, 2), (5,))):
        yield (rng.standard_normal(one) + np.eye(*one), rng.standard_normal(other)), {}


_lstsq = general(
    "lstsq",
    _lstsq_array,
    vjp=_lstsq_pullback,
    jvp=_lstsq_pushforward,
    formula=r"a^+\,b",
    vjp_formula=r"\left(-h\,\mathrm{out}^\top + (b - a\,\mathrm{out})(p h)^\top + "
    r"p^\top\mathrm{out}\,(g - a^\top h)^\top,\; h\right),\ p = a^+,\ h = p^\top g",
    kink="the rank is held constant: where it changes, the value jumps",
    samples=_lstsq_samples,
)


def least_squares(a: Any, b: Any, rcond: Any = None) -> Any:
    """The x of least norm among those that minimise ``|b - a x|``: what :func:`lstsq` returns first.

    Parameters
    ----------
    a : array_like, shape (M, N)
    b : array_like, shape (M,) or (M, K)
    rcond : float, optional
        Singular values up to this share of the largest count as zero.

    Returns
    -------
    Tensor, shape (N,) or (N, K)

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    LinAlgError
        For NaN and infinities.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.linalg.least_squares(mg.tensor([[1.0], [1.0]]), [1.0, 3.0])
    >>> round(x.item(), 12)
    2.0
    """
    a, b = operand(a), operand(b)
    if a.ndim != 2 or b.ndim not in (1, 2) or b.shape[0] != a.shape[0]:
        raise ShapeError(
            f"lstsq: a is {describe(a)}, b is {describe(b)}; it takes one matrix (M, N), and b of "
            "shape (M,) or (M, K)."
        )
    right = reshape(b, (-1, 1)) if b.ndim == 1 else b
    x = bind(_lstsq, (a, right), {"rcond": as_data("lstsq", "rcond", rcond)})
    return reshape(x, (-1,)) if b.ndim == 1 else x


@numpys("lstsq")
def lstsq(a: Any, b: Any, rcond: Any = None) -> tuple[Any, Any, int, Any]:
    """Least squares: the x of least norm among those that minimise ``|b - a x|``.

    Parameters
    ----------
    a : array_like, shape (M, N)
    b : array_like, shape (M,) or (M, K)
    rcond : float, optional
        Singular values up to this share of the largest count as zero.

    Returns
    -------
    x : Tensor, shape (N,) or (N, K)
    residuals : Tensor, shape (K,), (1,) or (0,)
        Squared distances; empty if the rank is below N, or M <= N.
    rank : int
        Of a.
    s : Tensor, shape (min(M, N),)
        Singular values of a.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    LinAlgError
        For NaN and infinities.

    Examples
    --------
    >>> import minigrad as mg
    >>> x, residuals, rank, s = mg.linalg.lstsq(mg.tensor([[1.0], [1.0]]), [1.0, 3.0])
    >>> round(x.item(), 12), round(residuals.item(), 12), rank
    (2.0, 2.0, 1)
    """
    a, b = operand(a), operand(b)
    x = least_squares(a, b, rcond)
    s = svdvals(a)
    values = s.numpy() if isinstance(s, Tensor) else s
    rank = int(np.sum(values > _cutoff(a, rcond) * np.max(values, initial=0)))
    squares = FUNCTIONS["square"](b - matmul(a, x))
    residuals = reshape(summed(squares, axis=0), (-1,))
    return x, residuals if rank == a.shape[1] < a.shape[0] else residuals[:0], rank, s


# Rank ------------------------------------------------------------------------------------------------


@lapack
def _rank_of(a: Array, tol: Any, rtol: Any, hermitian: bool) -> Array:
    if a.ndim > 1:
        finite("matrix_rank", a)
    return np.asarray(np.linalg.matrix_rank(a, tol, hermitian, rtol=rtol))


_matrix_rank = Primitive(
    "matrix_rank",
    "nondifferentiable",
    _rank_of,
    aligned="",
    formula=r"\operatorname{rank} a",
    samples=tall_samples((3, 3), (4, 2), (2, 3, 2), (1, 1)),
)


@numpys("matrix_rank")
def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """How many singular values are not zero: data, without a derivative.

    Parameters
    ----------
    A : array_like, shape (..., M, N)
    tol, rtol : float, optional
        Values up to this, or up to this share of the largest, count as zero.
    hermitian : bool
        Whether A is symmetric.

    Returns
    -------
    Tensor of int, shape (...)

    Raises
    ------
    LinAlgError
        For NaN and infinities.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.matrix_rank(mg.tensor([[1.0, 1.0], [1.0, 1.0]])).item()
    1
    """
    params = {
        "tol": as_data("matrix_rank", "tol", tol),
        "rtol": as_data("matrix_rank", "rtol", rtol),
        "hermitian": bool(hermitian),
    }
    return bind(_matrix_rank, (operand(A),), params)


for _primitive, _function in ((_pinv, pinv), (_lstsq, least_squares), (_matrix_rank, matrix_rank)):
    _primitive.function = _function
