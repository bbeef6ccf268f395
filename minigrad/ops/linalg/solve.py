"""Linear systems, inverses and determinants."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ...errors import ArgumentError, ShapeError
from ...primitive import bind, general
from ...tensor import Array, describe, operand
from ..contract import matmul
from ..reduce import sum as summed
from ..samples import Samples
from ..shape import reshape, transpose
from .common import lapack, matrices, mT, numpys, product
from .triangular import with_columns


def square_samples(*shapes: tuple[tuple[int, ...], ...]) -> Samples:
    """Well-conditioned square matrices, and what goes with them."""

    def draw(rng: np.random.Generator) -> Any:
        for first, *others in shapes:
            a = rng.standard_normal(first) + 3.0 * np.eye(first[-1])
            yield (a, *[rng.standard_normal(s) for s in others]), {}

    return draw


# Systems ---------------------------------------------------------------------------------------


def _solve_pullback(g: Any, needed: Any, a: Any, _b: Any, out: Any) -> Any:
    into_b = bind(_solve, (mT(a), g))
    return (-matmul(into_b, mT(out)) if needed[0] else None), into_b


def _solve_pushforward(tangents: Any, a: Any, _b: Any, out: Any) -> Any:
    ta, tb = tangents
    if ta is None:
        return bind(_solve, (a, tb))
    change = matmul(ta, out)
    return bind(_solve, (a, -change if tb is None else tb - change))


_solve = general(
    "solve",
    lapack(lambda a, b: np.linalg.solve(a, b)),
    vjp=_solve_pullback,
    jvp=_solve_pushforward,
    formula=r"a^{-1}\,b",
    vjp_formula=r"\left(-h\,\mathrm{out}^\top,\; h\right),\ h = a^{-\top} g",
    samples=square_samples(
        ((3, 3), (3,)),
        ((3, 3), (3, 2)),
        ((2, 3, 3), (3,)),
        ((2, 3, 3), (3, 2)),
        ((3, 3), (2, 3, 1)),
        ((2, 1, 2, 2), (3, 2, 2)),
        ((0, 2, 2), (0, 2, 1)),
    ),
)


@numpys("solve")
def solve(a: Any, b: Any) -> Any:
    """Solve the linear system ``a x = b``.

    Parameters
    ----------
    a : array_like, shape (..., N, N)
    b : array_like, shape (N,) or (..., N, K)
        Leading axes broadcast.

    Returns
    -------
    Tensor
        x, of b's shape (with a's leading axes).

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    LinAlgError
        If a is singular.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.solve(mg.tensor([[2.0, 0.0], [0.0, 4.0]]), [2.0, 2.0])
    tensor([1. , 0.5])
    """
    a = matrices("solve", "a", a, square=True)
    return with_columns("solve", a, b, lambda a, b: bind(_solve, (a, b)))


_inv = general(
    "inv",
    lapack(lambda a: np.linalg.inv(a)),
    vjp=lambda g, needed, _a, out: (-product(mT(out), g, mT(out)),),
    jvp=lambda tangents, _a, out: -product(out, tangents[0], out),
    formula=r"a^{-1}",
    vjp_formula=r"-\mathrm{out}^\top g\,\mathrm{out}^\top",
    samples=square_samples(((3, 3),), ((1, 1),), ((2, 3, 3),), ((2, 1, 2, 2),), ((0, 2, 2),)),
)


@numpys("inv")
def inv(a: Any) -> Any:
    """Inverse of square matrices.

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
    LinAlgError
        If a is singular.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.inv(mg.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5 , 0.  ],
            [0.  , 0.25]])
    """
    return bind(_inv, (matrices("inv", "a", a, square=True),))


@numpys("tensorsolve")
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """Solve ``tensordot(a, x, x.ndim) = b``.

    Parameters
    ----------
    a : array_like
        Of shape ``b.shape + x.shape``, with as many elements in either part.
    b : array_like
    axes : sequence of int, optional
        Axes of a to move to its end first.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the two parts of a's shape have different sizes.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.tensorsolve(mg.tensor(np.eye(4).reshape(4, 2, 2)), np.arange(4.0)).shape
    (2, 2)
    """
    a, b = operand(a), operand(b)
    if axes is not None:
        moved = [axis % a.ndim for axis in axes]
        a = transpose(a, (*[i for i in range(a.ndim) if i not in moved], *moved))
    shape = a.shape[b.ndim :]
    if math.prod(shape) ** 2 != a.size or a.size != b.size**2:
        raise ShapeError(
            f"tensorsolve: a is {describe(a)}, b is {describe(b)}: a's shape must be b's, followed by "
            "a shape with as many elements."
        )
    return reshape(solve(reshape(a, (b.size, b.size)), reshape(b, (-1,))), shape)


@numpys("tensorinv")
def tensorinv(a: Any, ind: int = 2) -> Any:
    """The inverse of :func:`tensordot` with a over `ind` axes.

    Parameters
    ----------
    a : array_like
        The first `ind` axes have as many elements as the others.
    ind : int
        Positive.

    Returns
    -------
    Tensor
        Of shape ``a.shape[ind:] + a.shape[:ind]``.

    Raises
    ------
    ArgumentError
        For an `ind` that is not positive.
    ShapeError
        If the two parts of a's shape have different sizes.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.tensorinv(mg.tensor(np.eye(4).reshape(4, 2, 2)), ind=1).shape
    (2, 2, 4)
    """
    a = operand(a)
    if ind <= 0:
        raise ArgumentError(f"tensorinv: ind is a positive number of axes, not {ind!r}.")
    rows = math.prod(a.shape[:ind])
    if rows * rows != a.size:
        raise ShapeError(
            f"tensorinv: a is {describe(a)}: its first {ind} axes have {rows} elements, and the others "
            "must have as many."
        )
    return reshape(inv(reshape(a, (rows, rows))), a.shape[ind:] + a.shape[:ind])


# Determinants ------------------------------------------------------------------------------------


def _all_but_one(x: Array) -> Array:
    """Along the last axis the products of all but one."""
    one = np.ones((*x.shape[:-1], 1), x.dtype)
    ahead = np.concatenate([one, x[..., :-1]], -1).cumprod(-1)
    behind = np.concatenate([one, x[..., :0:-1]], -1).cumprod(-1)
    return ahead * behind[..., ::-1]


def _turned(a: Array) -> tuple[Array, Array, Array, Array]:
    """The singular value decomposition, and the sign of the determinant of the two turns."""
    u, s, vh = np.linalg.svd(a)
    return u, s, vh, np.sign(np.linalg.det(u) * np.linalg.det(vh))[..., None, None]


@lapack
def _cofactors(a: Array) -> Array:
    if a.shape[-1] < 2:
        return np.ones(a.shape, np.result_type(a, np.float32))
    if np.iscomplexobj(a):  # analytic, for the complex step
        return np.linalg.det(a)[..., None, None] * np.linalg.inv(a).swapaxes(-1, -2)
    if not np.isfinite(a).all():
        return np.full(a.shape, np.nan, np.result_type(a, np.float32))
    # Of u diag(s) vh they are sign * u diag(products of the other s) vh: also where s has zeros.
    u, s, vh, sign = _turned(a)
    return (u * _all_but_one(s)[..., None, :]) @ vh * sign


@lapack
def _cofactors_along(a: Array, t: Array) -> Array:
    n = a.shape[-1]
    if n < 2:
        return np.zeros(a.shape, np.result_type(a, t, np.float32))
    if np.iscomplexobj(a) or np.iscomplexobj(t):  # analytic, for the complex step
        inverse = np.linalg.inv(a).swapaxes(-1, -2)
        along = (t * inverse).sum((-2, -1), keepdims=True) * inverse
        change = along - inverse @ t.swapaxes(-1, -2) @ inverse
        return np.linalg.det(a)[..., None, None] * change
    if not (np.isfinite(a).all() and np.isfinite(t).all()):
        return np.full(a.shape, np.nan, np.result_type(a, t, np.float32))
    # In the turned coordinates a is diagonal, and a minor of it without rows and columns i and j is
    # a product of the other singular values.
    u, s, vh, sign = _turned(a)
    turned = u.swapaxes(-1, -2) @ t @ vh.swapaxes(-1, -2)
    diagonal = np.eye(n, dtype=bool)
    minors = _all_but_one(np.where(diagonal, s.dtype.type(1), s[..., None, :]))
    minors = np.where(diagonal, s.dtype.type(0), minors)
    own = minors @ np.diagonal(turned, axis1=-2, axis2=-1)[..., None]
    return u @ (np.where(diagonal, own, 0) - minors * turned.swapaxes(-1, -2)) @ vh * sign


def _third(a: Any, s: Any, t: Any) -> Any:
    """The third derivative of the determinant along s and t; this one takes the inverse."""
    inverse = mT(inv(a))
    minors, change = cofactors(a), cofactors_along(a, s)
    turned = product(inverse, mT(s), inverse)
    along, twice = (summed(t * x, axis=(-2, -1), keepdims=True) for x in (inverse, turned))
    return (
        along * change
        - twice * minors
        - product(change, mT(t), inverse)
        + product(minors, mT(t), turned)
    )


def _along_pushforward(tangents: Any, a: Any, t: Any, _out: Any) -> Any:
    ta, tt = tangents
    if ta is None:
        return cofactors_along(a, tt)
    change = _third(a, ta, t)
    return change if tt is None else change + cofactors_along(a, tt)


# The second derivative of the determinant is symmetric: the rules for t are the function itself.
_cofactor_along = general(
    "cofactors_along",
    _cofactors_along,
    vjp=lambda g, needed, a, t, _out: (
        _third(a, g, t) if needed[0] else None,
        cofactors_along(a, g) if needed[1] else None,
    ),
    jvp=_along_pushforward,
    formula=r"\partial_\varepsilon \det(b)\,b^{-\top},\; b = a + \varepsilon t",
    vjp_formula=r"\left(\nabla_a \langle g, \mathrm{out}\rangle,\; \mathrm{out}(a, g)\right)",
    samples=square_samples(
        ((3, 3), (3, 3)), ((1, 1), (1, 1)), ((2, 3, 3), (2, 3, 3)), ((0, 2, 2), (0, 2, 2))
    ),
)


def cofactors_along(a: Any, t: Any) -> Any:
    """The derivative of :func:`cofactors` along t: also where a is singular.

    Parameters
    ----------
    a, t : array_like, shape (..., N, N)

    Returns
    -------
    Tensor, shape (..., N, N)

    Raises
    ------
    ShapeError
        For other than square matrices, or two shapes.

    Notes
    -----
    This is the second derivative of :func:`det`.  Its own derivative in a, the third, takes the
    inverse of a.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.cofactors_along(mg.tensor(np.zeros((2, 2))), [[1.0, 2.0], [3.0, 4.0]])
    tensor([[ 4., -3.],
            [-2.,  1.]])
    """
    a = matrices("cofactors_along", "a", a, square=True)
    t = matrices("cofactors_along", "t", t, square=True)
    if a.shape != t.shape:
        raise ShapeError(
            f"cofactors_along: a is {describe(a)}, t is {describe(t)}; their shapes are one."
        )
    return bind(_cofactor_along, (a, t))


_cofactor = general(
    "cofactors",
    _cofactors,
    vjp=lambda g, needed, a, _out: (cofactors_along(a, g),),
    jvp=lambda tangents, a, _out: cofactors_along(a, tangents[0]),
    formula=r"\det(a)\,a^{-\top}",
    vjp_formula=r"\langle g, \mathrm{out}\rangle\,a^{-\top} - a^{-\top} g^\top\,\mathrm{out}",
    samples=square_samples(((3, 3),), ((1, 1),), ((2, 2, 2),), ((0, 2, 2),)),
)


def cofactors(a: Any) -> Any:
    """The derivative of the determinant: signed minors, also where a is singular.

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

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.cofactors(mg.tensor([[2.0, 0.0], [0.0, 0.0]])) + 0.0
    tensor([[0., 0.],
            [0., 2.]])
    """
    return bind(_cofactor, (matrices("cofactors", "a", a, square=True),))


_cofactor.function = cofactors
_cofactor_along.function = cofactors_along


_det = general(
    "det",
    lapack(lambda a: np.asarray(np.linalg.det(a))),
    vjp=lambda g, needed, a, _out: (g[..., None, None] * cofactors(a),),
    jvp=lambda tangents, a, _out: summed(tangents[0] * cofactors(a), axis=(-2, -1)),
    formula=r"\det a",
    vjp_formula=r"g \det(a)\,a^{-\top}",
    samples=square_samples(((3, 3),), ((1, 1),), ((2, 2, 2),), ((2, 1, 2, 2),), ((0, 2, 2),)),
)


@numpys("det")
def det(a: Any) -> Any:
    """Determinant of square matrices.

    Parameters
    ----------
    a : array_like, shape (..., N, N)

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    ShapeError
        For other than square matrices.

    Notes
    -----
    The first two derivatives are right at singular matrices, too; the third takes the inverse.

    Examples
    --------
    >>> import minigrad as mg
    >>> round(mg.linalg.det(mg.tensor([[2.0, 1.0], [1.0, 4.0]])).item(), 12)
    7.0
    """
    return bind(_det, (matrices("det", "a", a, square=True),))


class SlogdetResult(NamedTuple):
    """Sign and logarithm of the absolute value of a determinant."""

    sign: Any
    logabsdet: Any


def _slogdet_pullback(cotangents: Any, needed: Any, a: Any, _sign: Any, _log: Any) -> Any:
    g = cotangents[1]
    return (None if g is None else g[..., None, None] * mT(inv(a)),)


def _slogdet_pushforward(tangents: Any, a: Any, _sign: Any, _log: Any) -> Any:
    return None, summed(tangents[0] * mT(inv(a)), axis=(-2, -1))


@lapack
def _slogdet_array(a: Array) -> tuple[Any, Any]:
    sign, log = np.linalg.slogdet(a)
    if np.iscomplexobj(a):  # analytic: the phase of a nearly real determinant belongs to the logarithm
        real = np.where(sign.real < 0, -1.0, 1.0)
        return real.astype(a.dtype), log + np.log(sign * real)
    return np.asarray(sign), np.asarray(log)


_slogdet = general(
    "slogdet",
    _slogdet_array,
    vjp=_slogdet_pullback,
    jvp=_slogdet_pushforward,
    outputs=2,
    formula=r"\operatorname{sign} \det a,\; \ln |\det a|",
    vjp_formula=r"g_{\ln}\,a^{-\top}",
    samples=square_samples(((3, 3),), ((1, 1),), ((2, 2, 2),), ((2, 1, 2, 2),), ((0, 2, 2),)),
)


@numpys("slogdet")
def slogdet(a: Any) -> SlogdetResult:
    """Sign of the determinant, and logarithm of its absolute value: neither overflows.

    Parameters
    ----------
    a : array_like, shape (..., N, N)

    Returns
    -------
    sign, logabsdet : Tensor, shape (...)
        A named tuple.  The sign has no derivative.

    Raises
    ------
    ShapeError
        For other than square matrices.
    LinAlgError
        In the derivative, if a is singular.

    Examples
    --------
    >>> import minigrad as mg
    >>> sign, logabsdet = mg.linalg.slogdet(mg.tensor([[0.0, 1.0], [1.0, 0.0]]))
    >>> sign.item(), logabsdet.item()
    (-1.0, 0.0)
    """
    return SlogdetResult(*bind(_slogdet, (matrices("slogdet", "a", a, square=True),)))


for _primitive, _function in ((_solve, solve), (_inv, inv), (_det, det), (_slogdet, slogdet)):
    _primitive.function = _function
