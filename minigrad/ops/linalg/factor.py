r"""Decompositions: Cholesky, QR, eigenvalues of symmetric matrices, singular values.

Eigenvectors and singular vectors move at speeds 1/(w_j - w_i).  So where two values are close,
the derivative of the *vectors* loses digits: its error is about the machine epsilon, divided by
their distance relative to the largest one.  Where two are equal, the vectors are no functions of
the matrix; the derivative is then infinite or NaN, with NumPy's warning, never a wrong number.
The *values* alone (:func:`eigvalsh`, :func:`svdvals`) need none of this and stay exact: their
gradient there is that of any function in which equal values play equal parts.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...errors import ArgumentError, LinAlgError, UnsupportedError
from ...primitive import bind, general
from ...tensor import FUNCTIONS, Array, Tensor, describe
from ..contract import matmul
from ..samples import Samples
from ..shape import concatenate
from .common import (
    columns_times,
    diagonal_matrix,
    diagonal_of,
    lapack,
    lower,
    matrices,
    mT,
    numpys,
    product,
    rows_times,
    symmetric,
    upper,
)
from .triangular import solve_triangular


def real_only(name: str, *arrays: Array) -> None:
    """LAPACK's complex decompositions conjugate: they are not analytic, and no use here."""
    if any(np.iscomplexobj(a) for a in arrays):
        raise TypeError(f"{name} is about real matrices: on complex ones it is not analytic")


# Cholesky --------------------------------------------------------------------------------------


@lapack
def _cholesky_array(a: Array) -> Array:
    a = symmetric(a)
    if a.dtype.char in "fd":
        return np.linalg.cholesky(a)
    # Long double and complex numbers, column by column and without conjugation.
    out = np.zeros(a.shape, a.dtype)
    for j in range(a.shape[-1]):
        column = a[..., j:, j] - (out[..., j:, :j] @ out[..., j, :j, None])[..., 0]
        if not (column[..., 0].real > 0).all():
            raise LinAlgError(f"cholesky: a is {describe(a)} and not positive definite.")
        out[..., j:, j] = column / np.sqrt(column[..., :1])
    return out


def _halved(x: Any) -> Any:
    """The lower triangle with half the diagonal."""
    return lower(x) - 0.5 * diagonal_matrix(diagonal_of(x))


def _cholesky_pullback(g: Any, needed: Any, _a: Any, out: Any) -> Any:
    inner = _halved(matmul(mT(out), g))
    left = solve_triangular(out, inner, trans=1, lower=True)
    return (symmetric(mT(solve_triangular(out, mT(left), trans=1, lower=True))),)


def _cholesky_pushforward(tangents: Any, _a: Any, out: Any) -> Any:
    left = solve_triangular(out, symmetric(tangents[0]), lower=True)
    return matmul(out, _halved(solve_triangular(out, mT(left), lower=True)))


def definite_samples(*shapes: tuple[int, ...]) -> Samples:
    """Well-conditioned, positive definite, symmetric up to a little."""

    def draw(rng: np.random.Generator) -> Any:
        for shape in shapes:
            x = rng.standard_normal(shape)
            a = x @ np.swapaxes(x, -1, -2) + 2.0 * np.eye(shape[-1])
            yield ((a + np.swapaxes(a, -1, -2)) / 2,), {}

    return draw


_cholesky = general(
    "cholesky",
    _cholesky_array,
    vjp=_cholesky_pullback,
    jvp=_cholesky_pushforward,
    formula=r"l:\; l\,l^\top = \tfrac12(a + a^\top)",
    vjp_formula=r"\operatorname{sym}\left(l^{-\top}\,\Phi(l^\top g)\,l^{-1}\right),\ "
    r"\Phi:\ \text{lower triangle, diagonal halved}",
    samples=definite_samples((3, 3), (1, 1), (2, 3, 3), (2, 1, 2, 2), (0, 0)),
)


@numpys("cholesky")
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """Cholesky factor of positive definite matrices: lower triangular, ``L @ L.T == a``.

    Parameters
    ----------
    a : array_like, shape (..., N, N)
        Symmetric.
    upper : bool
        Whether to return the transpose, ``U.T @ U == a``.

    Returns
    -------
    Tensor, shape (..., N, N)

    Raises
    ------
    ShapeError
        For other than square matrices.
    LinAlgError
        If a is not positive definite.

    Notes
    -----
    It decomposes ``(a + a.T) / 2``, so that its gradient is symmetric, too.  NumPy reads the lower
    triangle alone, which is the same for a symmetric matrix.  If yours holds nothing in its upper
    triangle, write ``cholesky(mg.tril(a) + mg.tril(a, -1).T)``.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.cholesky(mg.tensor([[4.0, 2.0], [2.0, 5.0]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    out = bind(_cholesky, (matrices("cholesky", "a", a, square=True),))
    return mT(out) if upper else out


# QR --------------------------------------------------------------------------------------------


class QRResult(NamedTuple):
    """Orthonormal columns and an upper triangular matrix."""

    Q: Any
    R: Any


@lapack
def _qr_array(a: Array) -> tuple[Array, Array]:
    real_only("qr", a)
    return tuple(np.linalg.qr(a))


def _over(x: Any, r: Any) -> Any:
    """``x @ inv(r)`` for an upper triangular r."""
    return mT(solve_triangular(r, mT(x), trans=1))


def _skewed(x: Any) -> Any:
    """The antisymmetric matrices with x's strictly lower triangle."""
    below = lower(x, -1)
    return below - mT(below)


def _qr_pullback(cotangents: Any, needed: Any, _a: Any, q: Any, r: Any) -> Any:
    gq, gr = cotangents
    m = 0.0
    if gr is not None:
        m = matmul(r, mT(gr))
    if gq is not None:
        m = m - matmul(mT(gq), q)
    below = lower(m, -1)
    total = matmul(q, lower(m) + mT(below))
    return (mT(solve_triangular(r, mT(total if gq is None else gq + total))),)


def _qr_pushforward(tangents: Any, _a: Any, q: Any, r: Any) -> Any:
    change = _over(tangents[0], r)
    inner = matmul(mT(q), change)
    turn = _skewed(inner)
    return change - matmul(q, inner - turn), matmul(inner - turn, r)


def tall_samples(*shapes: tuple[int, ...]) -> Samples:
    """Matrices with at least as many rows as columns, of full rank."""

    def draw(rng: np.random.Generator) -> Any:
        for shape in shapes:
            yield (rng.standard_normal(shape) + 2.0 * np.eye(*shape[-2:]),), {}

    return draw


_qr = general(
    "qr",
    _qr_array,
    vjp=_qr_pullback,
    jvp=_qr_pushforward,
    outputs=2,
    formula=r"q\,r = a,\; q^\top q = 1,\; r \text{ upper triangular}",
    vjp_formula=r"\left(g_q + q\,\operatorname{copyltu}(r g_r^\top - g_q^\top q)\right) r^{-\top},\ "
    r"\operatorname{copyltu}: \text{the lower triangle, mirrored}",
    samples=tall_samples((3, 3), (4, 2), (1, 1), (2, 3, 2), (2, 4), (0, 3, 2)),
)


@numpys("qr")
def qr(a: Any, mode: str = "reduced") -> Any:
    """QR decomposition.

    Parameters
    ----------
    a : array_like, shape (..., M, N)
    mode : {"reduced", "complete", "r"}
        The K = min(M, N) columns of Q that are needed; all M of them, which has a derivative only if
        there are no more than that; R alone.

    Returns
    -------
    Q, R : Tensor, shapes (..., M, K) and (..., K, N)
        A named tuple; with ``mode="r"`` R alone.

    Raises
    ------
    ArgumentError
        For another mode.
    UnsupportedError
        For ``mode="complete"`` of a tall matrix with a gradient, and for ``mode="raw"``.
    LinAlgError
        In the derivative, if the first K columns are linearly dependent.

    Examples
    --------
    >>> import minigrad as mg
    >>> q, r = mg.linalg.qr(mg.tensor([[3.0, 0.0], [4.0, 5.0]]))
    >>> abs(r)
    tensor([[5., 4.],
            [0., 3.]])
    """
    a = matrices("qr", "a", a)
    if mode not in ("reduced", "complete", "r", "raw"):
        raise ArgumentError(f'qr: mode is "reduced", "complete" or "r", not {mode!r}.')
    tall, square = a.shape[-2] > a.shape[-1], a.shape[-2] == a.shape[-1]
    if mode == "raw" or (mode == "complete" and tall):
        what = (
            "LAPACK's reflectors have"
            if mode == "raw"
            else "the further columns of Q are free to turn and have"
        )
        return _without_derivative("qr", f"mode={mode!r}", what, 'mode="reduced"', a,
                                   lambda x: np.linalg.qr(x, mode))  # fmt: skip
    if tall or square:
        q, r = bind(_qr, (a,))
    else:  # the first columns determine Q
        k = a.shape[-2]
        q, left = bind(_qr, (a[..., :k],))
        r = concatenate([left, matmul(mT(q), a[..., k:])], axis=-1)
    return r if mode == "r" else QRResult(q, r)


def _without_derivative(who: str, argument: str, what: str, instead: str, a: Any, apply: Any) -> Any:
    """NumPy's result, as long as nobody wants a gradient."""
    if isinstance(a, Tensor):
        if a.requires_grad:
            raise UnsupportedError(
                f"{who}: {argument} of {describe(a)}: {what} no derivative. Write {instead}, "
                "or detach a."
            )
        out = apply(a.numpy())
        wrapped = [Tensor(np.asarray(o)) for o in out]
        return type(out)(*wrapped) if hasattr(out, "_fields") else tuple(wrapped)
    return apply(a)


# Symmetric eigenvalues -----------------------------------------------------------------------------


class EighResult(NamedTuple):
    """Eigenvalues in ascending order, and eigenvectors in columns."""

    eigenvalues: Any
    eigenvectors: Any


@lapack
def _eigh_array(a: Array, upper: bool) -> tuple[Array, Array]:
    real_only("eigh", a)
    return tuple(np.linalg.eigh(symmetric(a), "U" if upper else "L"))  # as NumPy: the signs differ


def _speeds(w: Any) -> Any:
    """1/(w_j - w_i), and 0 on the diagonal."""
    same = np.eye(w.shape[-1], dtype=bool)
    gaps = w[..., None, :] - w[..., :, None]
    return 1.0 / FUNCTIONS["where"](same, np.inf, gaps)


def _eigh_pullback(cotangents: Any, needed: Any, _a: Any, w: Any, v: Any, upper: bool) -> Any:
    gw, gv = cotangents
    if gv is None:
        return (matmul(columns_times(v, gw), mT(v)),)
    inner = _speeds(w) * matmul(mT(v), gv)
    if gw is not None:
        inner = inner + diagonal_matrix(gw)
    return (symmetric(product(v, inner, mT(v))),)


def _eigh_pushforward(tangents: Any, _a: Any, w: Any, v: Any, upper: bool) -> Any:
    change = product(mT(v), symmetric(tangents[0]), v)
    return diagonal_of(change), matmul(v, _speeds(w) * change)


def spread_samples(*shapes: tuple[int, ...]) -> Samples:
    """Symmetric matrices with eigenvalues well apart."""

    def draw(rng: np.random.Generator) -> Any:
        for shape in shapes:
            q = np.linalg.qr(rng.standard_normal(shape))[0]
            w = np.arange(1.0, shape[-1] + 1) * 1.5 - 2.0
            a = (q * w) @ np.swapaxes(q, -1, -2)
            yield ((a + np.swapaxes(a, -1, -2)) / 2,), {}

    return draw


_eigh = general(
    "eigh",
    _eigh_array,
    vjp=_eigh_pullback,
    jvp=_eigh_pushforward,
    outputs=2,
    formula=r"v \operatorname{diag}(w)\,v^\top = \tfrac12(a + a^\top),\; v^\top v = 1",
    vjp_formula=r"\operatorname{sym}\left(v\left(\operatorname{diag} g_w + "
    r"\tfrac{v^\top g_v}{w_j - w_i}\right)v^\top\right)",
    kink="equal eigenvalues: those of the vectors are infinite or NaN, those of the values exact",
    samples=spread_samples((3, 3), (1, 1), (2, 3, 3), (2, 1, 2, 2), (0, 0)),
)


@numpys("eigh")
def eigh(a: Any, UPLO: str | None = None) -> EighResult:
    """Eigenvalues and eigenvectors of symmetric matrices.

    Parameters
    ----------
    a : array_like, shape (..., N, N)
        Symmetric.
    UPLO : {"L", "U"}, optional
        Read this triangle only.  By default it decomposes ``(a + a.T) / 2``, so that its gradient
        is symmetric, too; NumPy's default is ``"L"``, which is the same for a symmetric matrix.

    Returns
    -------
    eigenvalues : Tensor, shape (..., N)
        In ascending order.
    eigenvectors : Tensor, shape (..., N, N)
        In columns.  Their signs are LAPACK's choice: differentiate only what does not depend on
        them.

    Raises
    ------
    ShapeError
        For other than square matrices.
    ArgumentError
        For another `UPLO`.

    Notes
    -----
    The derivative of the eigenvectors loses digits where eigenvalues are close, and is infinite or
    NaN where they are equal: there the vectors are no functions of a.  The derivative of the values
    is exact.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.eigh(mg.tensor([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    tensor([1., 2.])
    """
    a = matrices("eigh", "a", a, square=True)
    return EighResult(*_decomposed("eigh", a, UPLO))


def _decomposed(who: str, a: Any, uplo: str | None) -> Any:
    is_upper = str(uplo).upper() == "U"
    if uplo is not None:
        if str(uplo).upper() not in ("L", "U"):
            raise ArgumentError(f'{who}: UPLO is "L" or "U", not {uplo!r}.')
        a = upper(a) + mT(upper(a, 1)) if is_upper else lower(a) + mT(lower(a, -1))
    return bind(_eigh, (a,), {"upper": is_upper})


@numpys("eigvalsh")
def eigvalsh(a: Any, UPLO: str | None = None) -> Any:
    """Eigenvalues of symmetric matrices, in ascending order.

    Parameters
    ----------
    a : array_like, shape (..., N, N)
        Symmetric.
    UPLO : {"L", "U"}, optional
        Read this triangle only; see :func:`eigh`.

    Returns
    -------
    Tensor, shape (..., N)

    Raises
    ------
    ShapeError
        For other than square matrices.
    ArgumentError
        For another `UPLO`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.eigvalsh(mg.tensor([[2.0, 0.0], [0.0, 1.0]]))
    tensor([1., 2.])
    """
    a = matrices("eigvalsh", "a", a, square=True)
    return _decomposed("eigvalsh", a, UPLO)[0]


# Singular values --------------------------------------------------------------------------------


class SVDResult(NamedTuple):
    """Left vectors in columns, singular values in descending order, right vectors in rows."""

    U: Any
    S: Any
    Vh: Any


def finite(who: str, a: Array) -> Array:
    """The array, if it holds numbers only: LAPACK's iteration may never end on infinities."""
    if not np.isfinite(a).all():
        raise LinAlgError(f"{who}: a holds NaN or infinity, and is {describe(a)}.")
    return a


@lapack
def _svd_array(a: Array) -> tuple[Array, Array, Array]:
    real_only("svd", a)
    return tuple(np.linalg.svd(finite("svd", a), full_matrices=False))


def _square_speeds(s: Any) -> Any:
    """1/(s_j² - s_i²), and 0 on the diagonal."""
    same = np.eye(s.shape[-1], dtype=bool)
    gaps = (s[..., None, :] - s[..., :, None]) * (s[..., None, :] + s[..., :, None])
    return 1.0 / FUNCTIONS["where"](same, np.inf, gaps)


def _outside(x: Any, q: Any) -> Any:
    """The part of x's columns that is orthogonal to q's columns."""
    return x - product(q, mT(q), x)


def _svd_pullback(cotangents: Any, needed: Any, _a: Any, u: Any, s: Any, vh: Any) -> Any:
    gu, gs, gvh = cotangents
    v = mT(vh)
    inner: Any = 0.0 if gs is None else diagonal_matrix(gs)
    extra: Any = None
    if gu is not None or gvh is not None:
        speeds = _square_speeds(s)
    if gu is not None:
        twist = matmul(mT(u), gu)
        inner = inner + columns_times(speeds * (twist - mT(twist)), s)
        if u.shape[-2] > u.shape[-1]:
            extra = matmul(_outside(gu / s[..., None, :], u), vh)
    if gvh is not None:
        gv = mT(gvh)
        twist = matmul(vh, gv)
        inner = inner + rows_times(s, speeds * (twist - mT(twist)))
        if v.shape[-2] > v.shape[-1]:
            more = matmul(u, mT(_outside(gv / s[..., None, :], v)))
            extra = more if extra is None else extra + more
    total = product(u, inner, vh)
    return (total if extra is None else total + extra,)


def _svd_pushforward(tangents: Any, _a: Any, u: Any, s: Any, vh: Any) -> Any:
    v = mT(vh)
    from_right, from_left = matmul(tangents[0], v), matmul(mT(tangents[0]), u)
    change = matmul(mT(u), from_right)
    back, speeds = mT(change), _square_speeds(s)
    tu = matmul(u, speeds * (columns_times(change, s) + rows_times(s, back)))
    tv = matmul(v, speeds * (rows_times(s, change) + columns_times(back, s)))
    if u.shape[-2] > u.shape[-1]:
        tu = tu + _outside(from_right, u) / s[..., None, :]
    if v.shape[-2] > v.shape[-1]:
        tv = tv + _outside(from_left, v) / s[..., None, :]
    return tu, diagonal_of(change), mT(tv)


def singular_samples(*shapes: tuple[int, ...]) -> Samples:
    """Matrices with singular values well apart, and from zero."""

    def draw(rng: np.random.Generator) -> Any:
        for shape in shapes:
            u, s, vh = np.linalg.svd(rng.standard_normal(shape), full_matrices=False)
            yield ((u * (np.arange(s.shape[-1], 0, -1) * 0.8)) @ vh,), {"full_matrices": False}

    return draw


_svd = general(
    "svd",
    _svd_array,
    vjp=_svd_pullback,
    jvp=_svd_pushforward,
    outputs=3,
    formula=r"u \operatorname{diag}(s)\,v^\top = a,\; u^\top u = v^\top v = 1",
    vjp_formula=r"u\left(\operatorname{diag} g_s + \tfrac{u^\top g_u - g_u^\top u}{s_j^2 - s_i^2}\,s + "
    r"s\,\tfrac{v^\top g_v - g_v^\top v}{s_j^2 - s_i^2}\right)v^\top + "
    r"(1 - u u^\top)\,g_u s^{-1} v^\top + u s^{-1} g_v^\top (1 - v v^\top)",
    kink="equal singular values: those of the vectors are infinite or NaN, those of the values exact",
    samples=singular_samples((3, 3), (4, 2), (2, 4), (1, 1), (2, 3, 2), (0, 3, 2)),
)


@numpys("svd")
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """Singular value decomposition ``a = U @ diag(S) @ Vh``.

    Parameters
    ----------
    a : array_like, shape (..., M, N)
    full_matrices : bool
        Whether to return all M left and N right vectors, and not only K = min(M, N).  The further
        ones have no derivative: with a gradient, a matrix that is not square needs False.
    compute_uv : bool
        Whether to return the vectors, too.
    hermitian : bool
        Whether a is symmetric; it is then decomposed by :func:`eigh`.

    Returns
    -------
    U, S, Vh : Tensor, shapes (..., M, K), (..., K), (..., K, N)
        A named tuple, the values in descending order; or S alone.  The signs of the vectors are
        LAPACK's choice: differentiate only what does not depend on them.

    Raises
    ------
    ShapeError
        For other than matrices.
    UnsupportedError
        For ``full_matrices=True`` of a matrix that is not square, with a gradient.
    LinAlgError
        For NaN and infinities.

    Notes
    -----
    The derivative of the vectors loses digits where values are close, and is infinite or NaN where
    they are equal: there the vectors are no functions of a.  So it is for a value of zero, if the
    matrix is not square.  The derivative of the values is exact.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.svd(mg.tensor([[0.0, 2.0], [1.0, 0.0]])).S
    tensor([2., 1.])
    """
    a = matrices("svd", "a", a, square=hermitian)
    if hermitian:
        found = _svd_of_symmetric(a)
    elif full_matrices and compute_uv and a.shape[-1] != a.shape[-2]:
        return _without_derivative(
            "svd", "full_matrices=True", "the further singular vectors are free to turn and have",
            "full_matrices=False", a, lambda x: np.linalg.svd(finite("svd", x)),
        )  # fmt: skip
    else:
        found = SVDResult(*bind(_svd, (a,)))
    return found if compute_uv else found.S


def _svd_of_symmetric(a: Any) -> SVDResult:
    """By eigenvalues: their absolute values, in descending order, the signs in the vectors."""
    w, v = _decomposed("svd", a, None)
    size = FUNCTIONS["absolute"](w)
    order = FUNCTIONS["argsort"](-size, axis=-1)
    take = FUNCTIONS["take_along_axis"]
    w, size, v = take(w, order, -1), take(size, order, -1), take(v, order[..., None, :], -1)
    return SVDResult(v, size, mT(columns_times(v, FUNCTIONS["where"](w < 0, -1.0, 1.0))))


@numpys("svdvals")
def svdvals(x: Any, /) -> Any:
    """Singular values, in descending order.

    Parameters
    ----------
    x : array_like, shape (..., M, N)

    Returns
    -------
    Tensor, shape (..., min(M, N))

    Raises
    ------
    ShapeError
        For other than matrices.
    LinAlgError
        For NaN and infinities.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.svdvals(mg.tensor([[0.0, 2.0], [1.0, 0.0]]))
    tensor([2., 1.])
    """
    return bind(_svd, (matrices("svdvals", "x", x),))[1]


for _primitive, _function in ((_cholesky, cholesky), (_qr, qr), (_eigh, eigh), (_svd, svd)):
    _primitive.function = _function
