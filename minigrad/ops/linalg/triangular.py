"""Triangular systems, by substitution.

In NumPy alone, in blocks, so that most of the work is matrix products.  It takes any dtype:
long double and complex numbers too, which the gradient checks use.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ArgumentError, LinAlgError, ShapeError
from ...primitive import bind, general
from ...tensor import Array, describe, operand
from ..contract import matmul
from ..samples import Samples
from ..shape import broadcast_to, reshape
from .common import lapack, lower, matrices, mT, upper

BLOCK = 32


def substitute(a: Array, b: Array, lower: bool, unit: bool) -> Array:
    """The solution of a triangular system; the other triangle of a is not read."""
    n = a.shape[-1]
    if n > BLOCK:
        half = n // 2
        first, second = (slice(0, half), slice(half, n)) if lower else (slice(half, n), slice(0, half))
        one = substitute(a[..., first, first], b[..., first, :], lower, unit)
        rest = b[..., second, :] - a[..., second, first] @ one
        other = substitute(a[..., second, second], rest, lower, unit)
        return np.concatenate([one, other] if lower else [other, one], axis=-2)
    x = np.empty(b.shape, np.result_type(a, b))
    done = slice(0, 0)
    for i in range(n) if lower else range(n - 1, -1, -1):
        row = b[..., i, :] - (a[..., i : i + 1, done] @ x[..., done, :])[..., 0, :]
        x[..., i, :] = row if unit else row / a[..., i, i, None]
        done = slice(0, i + 1) if lower else slice(i, n)
    return x


@lapack
def _substituted(a: Array, b: Array, lower: bool, unit: bool) -> Array:
    if not unit and not np.diagonal(a, axis1=-2, axis2=-1).all():
        raise LinAlgError(
            f"solve_triangular: a zero on the diagonal of a, which is {describe(a)}: it is singular."
        )
    if a.dtype.kind in "iub":
        a = a.astype(float)
    return substitute(a, b, lower, unit)


def _pullback(g: Any, needed: Any, a: Any, _b: Any, out: Any, lower: bool, unit: bool) -> Any:
    into_b = bind(_solve_triangular, (mT(a), g), {"lower": not lower, "unit": unit})
    return (-_triangle(matmul(into_b, mT(out)), lower, unit) if needed[0] else None), into_b


def _pushforward(tangents: Any, a: Any, _b: Any, out: Any, lower: bool, unit: bool) -> Any:
    ta, tb = tangents
    right = tb
    if ta is not None:
        change = matmul(_triangle(ta, lower, unit), out)
        right = -change if tb is None else tb - change
    return bind(_solve_triangular, (a, right), {"lower": lower, "unit": unit})


def _triangle(x: Any, is_lower: bool, unit: bool) -> Any:
    return lower(x, -1 if unit else 0) if is_lower else upper(x, 1 if unit else 0)


def triangular_samples() -> Samples:
    """Well-conditioned triangular systems."""

    def draw(rng: np.random.Generator) -> Any:
        for one, other, params in (
            ((3, 3), (3, 2), {"lower": True}),
            ((3, 3), (3,), {}),
            ((2, 3, 3), (3, 2), {"lower": True, "unit_diagonal": True}),
            ((3, 3), (2, 3, 1), {"trans": 1}),
            ((2, 0, 0), (2, 0, 1), {}),
        ):
            a = rng.standard_normal(one) + 3.0 * np.eye(one[-1])
            yield (a, rng.standard_normal(other)), params

    return draw


_solve_triangular = general(
    "solve_triangular",
    _substituted,
    vjp=_pullback,
    jvp=_pushforward,
    formula=r"\operatorname{tri}(a)^{-1}\,b",
    vjp_formula=r"\left(-\operatorname{tri}(h\,\mathrm{out}^\top),\; h\right),"
    r"\ h = \operatorname{tri}(a)^{-\top} g",
    samples=triangular_samples(),
)


def solve_triangular(
    a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False
) -> Any:
    """Solve ``a x = b`` for a triangular a, by SciPy's name and arguments.

    Parameters
    ----------
    a : array_like, shape (..., N, N)
        Only one triangle is read.
    b : array_like, shape (N,) or (..., N, K)
        Leading axes broadcast.
    trans : {0, 1, "N", "T"}
        Whether to solve with a transposed.
    lower : bool
        Which triangle of a to read, before it is transposed.
    unit_diagonal : bool
        Whether to take ones for the diagonal.

    Returns
    -------
    Tensor
        x, of b's shape (with a's leading axes).

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    ArgumentError
        For another `trans`.
    LinAlgError
        For a zero on the diagonal.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.solve_triangular(mg.tensor([[2.0, 0.0], [1.0, 1.0]]), [4.0, 5.0], lower=True)
    tensor([2., 3.])
    """
    if trans not in (0, 1, "N", "T"):
        raise ArgumentError(f'solve_triangular: trans is 0, 1, "N" or "T", not {trans!r}.')
    a = matrices("solve_triangular", "a", a, square=True)
    if trans in (1, "T"):
        a, lower = mT(a), not lower
    return with_columns(
        "solve_triangular", a, b,
        lambda a, b: bind(
            _solve_triangular, (a, b), {"lower": bool(lower), "unit": bool(unit_diagonal)}
        ),
    )  # fmt: skip


def with_columns(who: str, a: Any, b: Any, apply: Any) -> Any:
    """Call ``apply(a, b)`` with b as matrices and equal leading axes; a vector b comes back as one."""
    b = operand(b)
    vector = b.ndim == 1
    right = reshape(b, (-1, 1)) if vector else b
    if right.ndim < 2 or right.shape[-2] != a.shape[-1]:
        raise ShapeError(
            f"{who}: a is {describe(a)}, b is {describe(b)}; b needs {a.shape[-1]} rows: shape "
            f"({a.shape[-1]},) or (..., {a.shape[-1]}, K)."
        )
    try:
        batch = np.broadcast_shapes(a.shape[:-2], right.shape[:-2])
    except ValueError:
        raise ShapeError(
            f"{who}: a is {describe(a)}, b is {describe(b)}: the leading sizes {list(a.shape[:-2])} "
            f"and {list(right.shape[:-2])} do not broadcast."
        ) from None
    a = broadcast_to(a, (*batch, *a.shape[-2:]))
    out = apply(a, broadcast_to(right, (*batch, *right.shape[-2:])))
    return reshape(out, out.shape[:-1]) if vector else out


_solve_triangular.function = solve_triangular
