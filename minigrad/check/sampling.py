"""Random points, directions and cotangents, reproducible and unlike anybody's data."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..tensor import FLOATING, Array

NOTHING = 1e-6  # an entry so small beside the others is as good as zero
_OURS = 0x6D696E69  # no user seeds a generator with this: our draws cannot repeat their data


def generator(seed: int, *tags: Any) -> np.random.Generator:
    """A random stream of its own for each purpose.

    Examples
    --------
    >>> first, again = generator(0, "point", 1).normal(), generator(0, "point", 1).normal()
    >>> first == again, first == np.random.default_rng(0).normal()
    (True, False)
    """
    words = [zlib.crc32(repr(tag).encode()) for tag in tags]
    return np.random.default_rng(np.random.SeedSequence([_OURS, seed, *words]))


def size(x: Any) -> float:
    """The root mean square; one for an array of zeros.

    Examples
    --------
    >>> size(np.array([3.0, -3.0])), size(np.zeros(2))
    (3.0, 1.0)
    """
    x = np.asarray(x, np.longdouble)
    largest = np.max(np.abs(x)) if x.size else 0.0
    if not largest or not np.isfinite(largest):
        return 1.0
    return float(largest * np.sqrt(np.mean((x / largest) ** 2)))


def direction(rng: np.random.Generator, x: Array) -> Array:
    """Random signs times magnitudes between 1/2 and 3/2, exact in every dtype.

    No entry is near zero, so no entry of a gradient is overlooked.
    """
    magnitudes = rng.integers(32, 97, x.shape) / 64.0
    return np.asarray(np.where(rng.random(x.shape) < 0.5, -magnitudes, magnitudes), x.dtype)


def cotangents(rng: np.random.Generator, outputs: Sequence[Array]) -> list[Array]:
    """Gaussian, one per output: never ones, never one-hot."""
    return [np.asarray(rng.standard_normal(y.shape), y.dtype) for y in outputs]


def jittered(rng: np.random.Generator, x: Array, amount: float, zeros: str = "both") -> Array:
    """A copy in which every entry is changed by up to `amount` of itself.

    Entries that are zero, or as good as zero beside the others, are moved as well.  It cures
    what special points hide: a gamma of one, a bias of zero, ties.
    """
    if x.dtype not in FLOATING:
        return x
    moved = x * (1.0 + amount * rng.uniform(-1.0, 1.0, x.shape))
    offset: Array = np.asarray(0.5 * amount * size(x) * rng.uniform(0.5, 1.5, x.shape))
    if zeros == "both":
        offset = np.where(rng.random(x.shape) < 0.5, -offset, offset)
    nothing = np.abs(x) <= NOTHING * size(x)
    moved = np.where(nothing & (zeros != "keep"), x + offset, moved)
    return np.asarray(moved, x.dtype)


def perturbed(rng: np.random.Generator, x: Array, relative: float) -> Array:
    """A copy in which every entry is changed in its last places."""
    if x.dtype not in FLOATING:
        return x
    signs = 2.0 * rng.integers(0, 2, x.shape) - 1.0
    return np.asarray(x * (1.0 + relative * signs), x.dtype)


def unit(dtype: Any) -> float:
    """Rounding unit of a dtype: half the distance from one to the next number.

    Examples
    --------
    >>> unit(float) == 2.0**-53
    True
    """
    return float(np.finfo(dtype).eps) / 2 if np.dtype(dtype) in FLOATING else 0.0


def finite(arrays: Sequence[Any]) -> bool:
    """Whether no floating array holds a NaN or an infinity."""
    return all(np.isfinite(a).all() for a in arrays if np.asarray(a).dtype.kind in "fc")


def norm(x: Array) -> float:
    """Euclidean norm of all entries."""
    return math.sqrt(float(np.sum(np.square(np.asarray(x, np.longdouble)))))
