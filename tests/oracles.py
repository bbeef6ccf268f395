"""Derivatives without minigrad's autodiff: what every rule is judged by.

Both oracles take a function of plain arrays and give a Jacobian with an error bound:

- the complex step, exact to rounding, for functions whose NumPy code is analytic;
- central differences with Richardson's extrapolation in long double, whose bound follows from
  the spread of the extrapolation table and from the rounding noise of the function itself.

A function here takes arrays and returns a tuple of arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

Function = Callable[..., tuple[Any, ...]]
WIDE = np.longdouble
STEPS = [WIDE(2.0) ** -k for k in range(5, 13)]  # exact, so x + h - x == h for moderate x
TINY = WIDE("1e-40")


def ravel(arrays: Sequence[Any]) -> Any:
    """All elements of several arrays in one vector."""
    return np.concatenate([np.ravel(a) for a in arrays]) if arrays else np.zeros(0)


def unravel(vector: Any, like: Sequence[Any]) -> list[Any]:
    """The inverse of :func:`ravel`."""
    pieces, start = [], 0
    for a in like:
        size = int(np.size(a))
        pieces.append(vector[start : start + size].reshape(np.shape(a)))
        start += size
    return pieces


def precision(arrays: Sequence[Any]) -> Any:
    """The coarsest machine epsilon among some arrays."""
    return max((WIDE(np.finfo(np.asarray(a).dtype).eps) for a in arrays), default=WIDE(0))


def widest(f: Function, primals: Sequence[Any]) -> type:
    """Long double if the function takes it, else double (LAPACK and SciPy have no long double)."""
    try:
        with np.errstate(all="ignore"):
            f(*[np.asarray(p).astype(WIDE) for p in primals])
    except (TypeError, ValueError):
        return np.float64
    return WIDE


def complex_step(f: Function, primals: Sequence[Any]) -> tuple[Any, Any]:
    """The Jacobian by the complex step: ``Im f(x + ih) / h`` with a tiny h has no truncation error
    and no cancellation.

    Returns
    -------
    jacobian, bound : ndarray, shape (outputs, inputs)

    Examples
    --------
    >>> jacobian, _ = complex_step(lambda x: (x**3,), [np.array([2.0])])
    >>> float(jacobian[0, 0])
    12.0
    """
    wide = np.clongdouble if widest(f, primals) is WIDE else np.complex128
    x = ravel(primals).astype(wide)
    columns, eps = [], WIDE(0)
    with np.errstate(all="ignore"):
        for i in range(x.size):
            moved = x.copy()
            moved[i] += 1j * TINY
            outs = f(*unravel(moved, primals))
            if not all(np.iscomplexobj(o) for o in outs):
                raise TypeError("the function drops the imaginary part")
            eps = precision([o.real for o in outs])
            columns.append(ravel(outs).imag.astype(WIDE) / TINY)
    jacobian = _columns(f, columns, x, primals)
    return jacobian, 64 * eps * np.abs(jacobian)


def central_difference(f: Function, primals: Sequence[Any]) -> tuple[Any, Any]:
    """The Jacobian by central differences, with a bound on its error.

    Returns
    -------
    jacobian, bound : ndarray, shape (outputs, inputs)

    Examples
    --------
    >>> jacobian, bound = central_difference(lambda x: (np.exp(x),), [np.array([0.0])])
    >>> bool(abs(jacobian[0, 0] - 1) <= bound[0, 0] < 1e-12)
    True
    """
    wide = widest(f, primals)
    x = ravel(primals).astype(wide)
    columns, bounds = [], []
    with np.errstate(all="ignore"):
        for i in range(x.size):
            unit = np.zeros(x.size, wide)
            unit[i] = 1
            column, bound = _extrapolate(_first_differences(f, x, unit, primals))
            columns.append(column)
            bounds.append(bound)
    return _columns(f, columns, x, primals), _columns(f, bounds, x, primals)


def directional_difference(
    f: Function, primals: Sequence[Any], tangents: Sequence[Any]
) -> tuple[Any, Any]:
    """The derivative along one direction by central differences, with a bound on its error.

    Returns
    -------
    tangent, bound : ndarray, shape (outputs,)

    Examples
    --------
    >>> t, bound = directional_difference(lambda x: (x * x,), [np.array([3.0])], [np.array([2.0])])
    >>> bool(abs(t[0] - 12) <= bound[0] < 1e-12)
    True
    """
    wide = widest(f, primals)
    x, v = ravel(primals).astype(wide), ravel(tangents).astype(wide)
    with np.errstate(all="ignore"):
        return _extrapolate(_first_differences(f, x, v, primals))


def second_directional(
    f: Function,
    primals: Sequence[Any],
    cotangents: Sequence[Any],
    one: Sequence[Any],
    other: Sequence[Any],
) -> tuple[Any, Any]:
    """The second derivative of ``<g, f>`` along two directions, by mixed second differences.

    It is what the VJP of the VJP, the JVP of the VJP, the VJP of the JVP and the JVP of the JVP
    all must give.  Random directions see every entry of the tensor of second derivatives.

    Returns
    -------
    value, bound : longdouble

    Examples
    --------
    >>> value, _ = second_directional(lambda x: (x**3,), [np.array([2.0])], *[[np.ones(1)]] * 3)
    >>> round(float(value), 9)
    12.0
    """
    wide = widest(f, primals)
    x, g, u, w = (ravel(part).astype(wide) for part in (primals, cotangents, one, other))
    with np.errstate(all="ignore"):
        value, bound = _extrapolate(_mixed_differences(f, x, u, w, g, primals))
    return value[0], bound[0]


Differences = Iterator[tuple[Any, Any]]  # per step the quotient, and its rounding noise


def _first_differences(f: Function, x: Any, unit: Any, like: Any) -> Differences:
    for h in STEPS:
        step = x.dtype.type(h)
        up, down = (f(*unravel(x + sign * step * unit, like)) for sign in (1, -1))
        eps = precision(up)
        above, below = ravel(up).astype(WIDE), ravel(down).astype(WIDE)
        yield (above - below) / (2 * h), eps * (np.abs(above) + np.abs(below)) / h


def _mixed_differences(f: Function, x: Any, unit: Any, w: Any, g: Any, like: Any) -> Differences:
    for h in STEPS:
        step = x.dtype.type(h)
        total, noise = WIDE(0), WIDE(0)
        for one in (1, -1):
            for other in (1, -1):
                outs = f(*unravel(x + step * (one * unit + other * w), like))
                parts = ravel(outs).astype(WIDE) * g
                total += one * other * parts.sum()
                noise += precision(outs) * np.abs(parts).sum()
        yield np.array([total / (4 * h * h)]), np.array([noise / (h * h)])


def _extrapolate(differences: Differences) -> tuple[Any, Any]:
    """Neville's table in h squared; per element the entry with the smallest error estimate."""
    best = error = None
    above: list[tuple[Any, Any]] = []  # the previous row: (value, noise)
    for value, noise in differences:
        row = [(value, noise)]
        if best is None:
            best, error = value.copy(), np.full(value.shape, np.inf, WIDE)
        for j, (old, old_noise) in enumerate(above):
            factor = WIDE(4) ** (j + 1)
            left, left_noise = row[-1]
            new = (factor * left - old) / (factor - 1)
            new_noise = (factor * left_noise + old_noise) / (factor - 1)
            estimate = 8 * np.maximum(np.abs(new - left), np.abs(new - old)) + 32 * new_noise
            better = estimate < error
            best, error = np.where(better, new, best), np.where(better, estimate, error)
            row.append((new, new_noise))
        above = row
    return best, error


def _columns(f: Function, columns: list[Any], x: Any, like: Any) -> Any:
    """Columns as a matrix, also when there are none."""
    if columns:
        return np.stack([np.asarray(c, WIDE) for c in columns], axis=1)
    return np.zeros((ravel(f(*unravel(x, like))).size, 0), WIDE)
