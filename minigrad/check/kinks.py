"""At a kink there is no derivative, but there are still wrong answers.

Where an output is convex (or concave) near the point, every subgradient g satisfies, for every
direction u, that g·u lies between the two one-sided derivatives.  So the answer of a backward
at a kink can be refuted, though never confirmed: counting both of two tied maxima, for
instance, violates it for about half of all directions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..tensor import Array
from . import sampling

DIRECTIONS = 8
OUTPUTS = 4  # at most so many kinked output entries are tried


@dataclass
class OneSided:
    """The one-sided test for one output entry and one direction."""

    output: tuple[int, int]  # which output, and which entry of it
    low: float
    high: float
    got: float
    allowed: float

    @property
    def expected(self) -> float:
        """The nearest value that would have been right."""
        return min(max(self.got, self.low), self.high)


def one_sided(
    values: Callable[[Array], list[Array] | None],
    gradient: Callable[[tuple[int, int]], Any],
    x: Array,
    unit: float,
    rng: np.random.Generator,
    gradient_unit: float = 0.0,
) -> list[OneSided]:
    """Test a backward at a kink.

    Parameters
    ----------
    values : callable
        From a displacement of the input to the outputs in the wide dtype; None outside of
        the domain.
    gradient : callable
        From an output entry to its gradient, or None.
    x : ndarray
        The input that is moved, in the wide dtype.
    unit : float
        Rounding unit with which the values are computed.
    rng : numpy.random.Generator
        Draws the directions.
    gradient_unit : float
        Rounding unit with which the gradient is computed, if coarser than its dtype's.

    Returns
    -------
    list of OneSided
        One per tested output entry and direction; empty where no entry is convex or concave.

    Examples
    --------
    >>> x, rng = np.zeros(1), np.random.default_rng(0)
    >>> values = lambda move: [np.abs(x + move)]
    >>> tests = one_sided(values, lambda entry: np.array([0.5]), x, 2.0**-53, rng)
    >>> all(t.low <= t.got <= t.high for t in tests)
    True
    >>> tests = one_sided(values, lambda entry: np.array([2.0]), x, 2.0**-53, rng)
    >>> all(t.low <= t.got <= t.high for t in tests)
    False
    """
    centre = values(np.zeros_like(x))
    h = x.dtype.type(sampling.size(x) * unit**0.4)
    directions = [sampling.direction(rng, x) for _ in range(DIRECTIONS)]
    sides = [_sides(values, centre, u, h) for u in directions]
    closer = [_sides(values, centre, u, h / 4) for u in directions]
    if centre is None or any(s is None for s in sides + closer):
        return []
    found: list[OneSided] = []
    for output, y in enumerate(centre):
        jumps = np.array([s[1][output] - s[0][output] for s in sides])
        near = np.array([s[1][output] - s[0][output] for s in closer])
        noise = 64 * unit * (np.abs(y) + np.max(np.abs(y), initial=0)) / (h / 4)
        curved = np.abs(jumps - near)  # what shrinks with the step is curvature, not a kink
        kinked = (np.abs(near) > noise) & (np.abs(near) > 4 * curved)
        one_sign = (near >= -noise - curved).all(axis=0) | (near <= noise + curved).all(axis=0)
        strength = np.where(kinked.any(axis=0) & one_sign, np.max(np.abs(near), axis=0), 0.0)
        for entry in np.argsort(-strength, axis=None, kind="stable")[:OUTPUTS]:
            if not strength.flat[entry]:
                break
            g = gradient((output, int(entry)))
            if g is None or g.shape != x.shape:
                continue
            for n, u in enumerate(directions):
                left = float(closer[n][0][output].flat[entry])
                right = float(closer[n][1][output].flat[entry])
                allowed = 10 * float(curved[n].flat[entry]) + float(noise.flat[entry])
                got = float(np.sum(np.asarray(g, np.longdouble) * u))
                fine = max(gradient_unit, sampling.unit(g.dtype))
                allowed += 256 * fine * float(np.sum(np.abs(g * u)))
                found.append(
                    OneSided((output, int(entry)), min(left, right), max(left, right), got, allowed)
                )
    return found


def _sides(values: Any, centre: Any, u: Array, h: Any) -> Any:
    """Backward and forward difference quotients of every output."""
    ahead, behind = values(h * u), values(-h * u)
    if centre is None or ahead is None or behind is None:
        return None
    return (
        [(c - b) / h for b, c in zip(behind, centre, strict=True)],
        [(a - c) / h for a, c in zip(ahead, centre, strict=True)],
    )
