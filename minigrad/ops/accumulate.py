"""Sums nearly as accurate as float64 accumulation, at the speed of float32.

NumPy adds pairwise only along the contiguous axis.  ``x.sum(axis=0)`` of a float32
matrix is a plain running sum: for a million rows with mean 1e4 it is off by 136
(numpy#9393).  Converting everything to float64 costs three times the time.  Here:

1. Arrays that fit the cache are copied to float64 and multiplied with ones (BLAS), which
   is three times as fast as NumPy's sum.
2. Larger ones: float32 sums of short blocks, in the same way, then float64 over the
   blocks.  Blocks of 128 keep the rounding error near that of one addition.
3. If the mean is far larger than the spread, a float32 block sum is no longer enough
   (the low bits are what is left after centring), so the blocks are added in float64.
"""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

import numpy as np

from ..tensor import Array, Shape

BLOCK = 128
SMALL = 65536  # half a megabyte as float64
OFFSET = 64.0  # |mean| / spread beyond which float32 block sums lose what centring needs

_ONES: dict[Any, Array] = {}


def total(x: Array, axes: tuple[int, ...], mean: bool = False) -> Any:
    """The sum (or mean) over some axes, these axes dropped.

    Parameters
    ----------
    x : ndarray
        Any dtype; float32 and float16 are accumulated more widely than they are stored.
    axes : tuple of int
        Sorted, non-negative.
    mean : bool
        Whether to divide by the number of elements, before rounding to x's dtype.

    Returns
    -------
    ndarray or scalar
        Of x's dtype (integers: NumPy's rules).
    """
    if x.dtype.char not in "ef":
        return np.add.reduce(x, axis=axes) if not mean else np.mean(x, axis=axes)
    factor = 1.0
    if mean:
        count = math.prod([x.shape[a] for a in axes])
        factor = 1.0 / count if count else math.nan
    if 0 in x.strides:  # a stretched view: the sum of n equal numbers
        repeated = [a for a in axes if x.strides[a] == 0 and x.shape[a] > 1]
        factor *= math.prod([x.shape[a] for a in repeated])
        x = x[tuple([slice(0, 1) if a in repeated else slice(None) for a in range(x.ndim)])]
    sums = None
    if x.size and x.flags.c_contiguous:
        if x.size <= SMALL:
            sums = _small(x, axes)
        elif x.dtype.char == "f":
            with np.errstate(invalid="ignore", over="ignore"):
                sums = _blocks(x, axes)
    if sums is None:
        sums = np.add.reduce(x, axis=axes, dtype=np.float64)
    return (sums if factor == 1.0 else sums * factor).astype(x.dtype)


def product_total(x: Array, y: Array, axes: tuple[int, ...]) -> Any:
    """The sum of x * y over some axes, without the product in memory where NumPy can do so.

    Parameters
    ----------
    x, y : ndarray
        Of one shape and dtype.
    axes : tuple of int
        Sorted, non-negative.

    Returns
    -------
    ndarray or scalar
        Of x's dtype.
    """
    if axes and x.dtype.char == "f" == y.dtype.char and x.flags.c_contiguous and y.flags.c_contiguous:
        if axes == tuple(range(len(axes))) and len(axes) < x.ndim:
            middle = x.shape[len(axes) :]
            width = math.prod(middle)
            n = x.size // width
            whole = n - n % BLOCK
            x, y = x.reshape(n, width), y.reshape(n, width)
            parts = [a[:whole].reshape(-1, BLOCK, width) for a in (x, y)]
            sums = np.add.reduce(np.einsum("kij,kij->kj", *parts), axis=0, dtype=np.float64)
            if whole < n:
                sums += np.add.reduce(x[whole:] * y[whole:], axis=0, dtype=np.float64)
            return sums.reshape(middle).astype(x.dtype)
        if axes[-1] == x.ndim - 1 and 16 <= x.shape[-1] <= 4096:
            rows = np.vecdot(x, y)
            return np.add.reduce(rows, axis=axes[:-1], dtype=np.float64).astype(x.dtype)
    return total(x * y, axes)


def _small(x: Array, axes: tuple[int, ...]) -> Any:
    """Float64 sums over the first or the last axes; None for others."""
    count, ndim = len(axes), x.ndim
    if not count or axes[-1] - axes[0] != count - 1:
        return None
    wide = x.astype(np.float64)
    if count == ndim:
        return _ones(x.size, np.float64).dot(wide.reshape(-1))
    if axes[0] == 0:
        if ndim == 2:
            return _ones(x.shape[0], np.float64).dot(wide)
        kept = x.shape[count:]
        width = math.prod(kept)
        n = x.size // width
        return _ones(n, np.float64).dot(wide.reshape(n, width)).reshape(kept)
    if axes[-1] != ndim - 1:
        return None
    kept = x.shape[: ndim - count]
    n = x.size // math.prod(kept)
    return wide.reshape(*kept, n).dot(_ones(n, np.float64))


def _blocks(x: Array, axes: tuple[int, ...]) -> Any:
    """Sums of a large contiguous float32 array; None where no block structure fits."""
    lead = 0
    while lead < len(axes) and axes[lead] == lead:
        lead += 1
    trail, kept = 1, x.ndim
    for a in reversed(axes[lead:]):
        if a != kept - 1:
            return None
        kept -= 1
        trail *= x.shape[a]
    if lead + (x.ndim - kept) != len(axes):
        return None
    if lead == x.ndim:
        return _rows(x.reshape(1, -1))[0]
    outer = math.prod(x.shape[:lead])
    middle = x.shape[lead:kept]
    width = math.prod(middle)
    if trail == 1:
        return _columns(x.reshape(outer, width)).reshape(middle)
    if trail < 16:
        return None
    rows = _rows(x.reshape(outer * width, trail)).reshape(outer, width)
    return np.add.reduce(rows, axis=0).reshape(middle)


def _columns(x: Array) -> Array:
    """Float64 sums over axis 0 of an (n, c) float32 matrix."""
    n, c = x.shape
    whole = n - n % BLOCK
    if c < 16 or not whole:
        return np.add.reduce(x, axis=0, dtype=np.float64) if c >= 16 else _narrow(x)
    blocks = np.matmul(_ones(BLOCK), x[:whole].reshape(-1, BLOCK, c))
    sums = np.add.reduce(blocks, axis=0, dtype=np.float64)
    if whole < n:
        sums += np.add.reduce(x[whole:], axis=0, dtype=np.float64)
    spread = np.ptp(x[:: n // 8], axis=0)  # a few rows; with fewer, some column looks constant
    if not _trusted(sums, spread, n):
        return _wide(x)
    return sums


def _narrow(x: Array) -> Array:
    """Few columns: several rows side by side make a wider matrix to add up."""
    n, c = x.shape
    group = max(1, 512 // c)
    whole = n - n % group
    sums = _wide(x[:whole].reshape(-1, group * c)).reshape(group, c).sum(axis=0) if whole else 0.0
    return np.asarray(sums + np.add.reduce(x[whole:], axis=0, dtype=np.float64))


def _wide(x: Array) -> Array:
    """Float64 accumulation, in blocks that stay in the cache."""
    n, c = x.shape
    rows = max(1, 65536 // c)
    buffer = np.empty((min(rows, n), c))
    ones = _ones(len(buffer), np.float64)
    sums = np.zeros(c)
    for start in range(0, n, rows):
        part = x[start : start + rows]
        np.copyto(buffer[: len(part)], part)
        sums += ones[: len(part)] @ buffer[: len(part)]
    return sums


def _rows(x: Array) -> Array:
    """Float64 sums over axis 1 of an (m, n) float32 matrix."""
    m, n = x.shape
    length = min(n, BLOCK)
    whole = n - n % length
    blocks = (x[:, :whole].reshape(-1, length) @ _ones(length)).reshape(m, -1)
    sums = np.add.reduce(blocks, axis=1, dtype=np.float64)
    if whole < n:
        sums += np.add.reduce(x[:, whole:], axis=1, dtype=np.float64)
    some = np.ascontiguousarray(x[:, :: n // 8].T)  # NumPy is slow along short rows
    if not _trusted(sums, np.ptp(some, axis=0), n):
        return np.add.reduce(x, axis=1, dtype=np.float64)
    return sums


def _trusted(sums: Array, spread: Array, n: int) -> bool:
    """Whether sums of float32 blocks will do: no mean far above the spread, and no overflow."""
    return bool((np.abs(sums) <= spread * (OFFSET * n)).all() and np.isfinite(sums).all())


def _ones(n: int, dtype: Any = np.float32) -> Array:
    ones = _ONES.get(dtype)
    if ones is None or len(ones) < n:
        ones = _ONES[dtype] = np.ones(max(n, 1024), dtype)
    return ones[:n]


def wide(dtype: np.dtype[Any]) -> Any:
    """The dtype to accumulate in, where it is not the one that NumPy chooses.

    Examples
    --------
    >>> wide(np.dtype("float16")), wide(np.dtype("float64"))
    (<class 'numpy.float64'>, None)
    """
    return {"e": np.float64, "f": np.float64, "F": np.complex128}.get(dtype.char)


def normalize_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """Axes as a sorted tuple of non-negative ints; None means all.

    Examples
    --------
    >>> normalize_axes(-1, 3)
    (2,)
    """
    return _normalize(tuple(axis) if isinstance(axis, list) else axis, ndim)


@functools.lru_cache(maxsize=512)
def _normalize(axis: Any, ndim: int) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, tuple) else (axis,)
    for a in axes:
        if not -ndim <= operator.index(a) < ndim:
            raise IndexError(f"axis {a} is out of range for {ndim} dimensions")
    found = tuple(sorted({int(a) % ndim for a in axes}))
    if len(found) != len(axes):
        raise IndexError(f"axis {axis} names a dimension twice")
    return found


def kept_shape(shape: Shape, axes: tuple[int, ...]) -> Shape:
    """The shape with the reduced axes as ones."""
    return tuple([1 if i in axes else n for i, n in enumerate(shape)])
