"""Splits that keep the share of every class, with the same bits on every machine."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..tensor import Array, Tensor, describe


def stratified_split(
    labels: Any, test_fraction: float = 0.25, seed: int | np.random.Generator = 0
) -> tuple[Array, Array]:
    """Positions for training and for testing, drawn class by class.

    Parameters
    ----------
    labels : array_like, shape (N,)
        The class of each example.
    test_fraction : float
        Share of the test part, between 0 and 1.  Each class gives its own share, rounded
        so that the whole test part has ``round(test_fraction * N)`` examples.
    seed : int or numpy.random.Generator
        Where the order comes from.  Only raw bits are drawn, which NumPy keeps the same
        across versions and machines.

    Returns
    -------
    train, test : ndarray of int64
        Sorted positions; together every example once.

    Raises
    ------
    ShapeError
        If `labels` is not one-dimensional.
    ArgumentError
        If the fraction is not between 0 and 1, or the seed is no seed.

    Examples
    --------
    >>> train, test = stratified_split([0, 0, 0, 0, 1, 1, 1, 1], test_fraction=0.25)
    >>> len(train), [0, 0, 0, 0, 1, 1, 1, 1][test[0]], [0, 0, 0, 0, 1, 1, 1, 1][test[1]]
    (6, 0, 1)
    """
    values = np.asarray(labels._value if isinstance(labels, Tensor) else labels)
    if values.ndim != 1:
        raise ShapeError(f"stratified_split: labels must be one-dimensional, not {describe(labels)}.")
    if not 0.0 <= test_fraction <= 1.0:
        raise ArgumentError(
            f"stratified_split: test_fraction is a share between 0 and 1, not {test_fraction!r}."
        )
    bits = _bit_generator(seed)
    # Sorting raw 64-bit draws gives a permutation without NumPy's sampling algorithms, which
    # may change between versions.
    order = np.argsort(bits.random_raw(values.size), kind="stable")
    chosen = np.zeros(values.size, bool)
    classes, counts = np.unique(values, return_counts=True)
    for label, take in zip(classes, _shares(counts, test_fraction), strict=True):
        chosen[order[values[order] == label][:take]] = True
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def _shares(counts: Array, fraction: float) -> Array:
    """Largest remainders: whole numbers near ``fraction * counts`` with the right sum."""
    exact = counts * fraction
    shares = np.floor(exact).astype(int)
    missing = round(float(fraction * counts.sum())) - int(shares.sum())
    shares[np.argsort(-(exact - shares), kind="stable")[:missing]] += 1
    return shares


def _bit_generator(seed: Any) -> Any:
    if isinstance(seed, np.random.Generator):
        return seed.bit_generator
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ArgumentError(
            f"stratified_split: seed is an integer from 0 upwards or a numpy.random.Generator, not "
            f"{seed!r}."
        )
    return np.random.PCG64(seed)
