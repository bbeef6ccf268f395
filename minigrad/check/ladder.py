"""The step ladder: a derivative from function values, with a bound on its own error.

A central difference has two errors.  The step is too long (truncation), or it is too
short (the rounding of the function's values, divided by the step).  No fixed step suits
all functions, so here many steps are tried, each a quarter of the one before.

- Neville's scheme combines any run of neighbouring steps (a *window*) to cancel the
  leading truncation terms.  How much a window's result changes when one step is added
  bounds its truncation error.
- The noise of the function's values is measured, not assumed (:func:`noise`).  Divided by
  a window's shortest step it bounds its rounding error.
- The window with the smallest sum of both bounds wins.

Where the two one-sided differences do not approach one another, there is a kink within
the step; such steps are left out, and if none is left, the kink is reported.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..tensor import Array

RATIO = 4  # each step is a quarter of the one before
FIRST = 0.25  # the longest step, in units of the input's size
LEVELS = 26  # the shortest possible step is 2e-16 of the input's size
LONGEST = 8  # a window joins at most nine steps; more change nothing
CONTRADICTION = 4  # windows further apart than so many times their bounds exclude one another
SAMPLES = 9  # values from which noise is measured
SPACING = 64  # their distance, in units of the last place
WIDEN = 93.7  # ... and how much wider it gets where values repeat; not a round number on purpose

Line = Callable[[Any], Array]  # t -> the K scalar functions along one direction


@dataclass
class Estimate:
    """The derivatives of K scalar functions at t = 0.

    Attributes
    ----------
    value : ndarray, shape (K,)
        NaN where no window exists.
    truncation, rounding : ndarray, shape (K,)
        Bounds of the two errors; infinite where no window exists.
    step : ndarray, shape (K,)
        The shortest step of the chosen window.
    first : ndarray of int, shape (K,)
        The level at which the chosen window begins.
    last : ndarray of int, shape (K,)
        The level at which it ends.
    kink : ndarray of bool, shape (K,)
        Whether one-sided derivatives differ, as far down as anything can be seen.
    jump : ndarray, shape (K,)
        The difference of the one-sided derivatives at a kink.
    distance : ndarray, shape (K,)
        A kink is at most this far away; zero where there is none.
    plateau : ndarray of bool, shape (K,)
        Whether the values stay exactly the same for short steps but not for long ones.
    noise : ndarray, shape (K,)
        Jitter of the values, as given.
    steps : list of float
        All steps that were tried.
    differences : list of ndarray
        Per step the K central differences.
    seconds : list of ndarray
        Per step how far the K one-sided differences are apart.
    """

    value: Array
    truncation: Array
    rounding: Array
    step: Array
    first: Array
    last: Array
    kink: Array
    jump: Array
    distance: Array
    plateau: Array
    noise: Array
    steps: list[float] = field(default_factory=list)
    differences: list[Array] = field(default_factory=list)
    seconds: list[Array] = field(default_factory=list)

    @property
    def error(self) -> Array:
        """The sum of both bounds."""
        return self.truncation + self.rounding


def binary(x: float) -> float:
    """The power of two at or below a number.

    Steps are powers of two, and directions have few digits: then adding a step to the input is
    exact, and the rounding of the input itself does not disturb the difference.

    Examples
    --------
    >>> binary(0.3), binary(1e-300) > 0
    (0.25, True)
    """
    return math.ldexp(0.5, math.frexp(x)[1])


def noise(line: Line, centre: Array, size: float, unit: float) -> Array:
    """How much the values jitter when the input moves by next to nothing.

    A smooth function's high differences vanish on a fine grid, so what is left of them is
    rounding.  If half of the values repeat, the function rounds more coarsely than its
    dtype says (a float32 inside), and the grid is widened until they do not.

    Parameters
    ----------
    line : callable
        ``line(t)`` gives the K values at t.
    centre : ndarray, shape (K,)
        ``line(0)``.
    size : float
        The input's size.
    unit : float
        Rounding unit of the dtype in which the values are computed.

    Returns
    -------
    ndarray, shape (K,)
        Standard deviation of the jitter.

    References
    ----------
    Moré and Wild, Estimating computational noise, SIAM J. Sci. Comput. 33, 2011.

    Examples
    --------
    >>> rough = lambda t: np.array([np.float32(1 + t)], dtype=float)
    >>> bool(1e-8 < noise(rough, rough(0.0), 1.0, 2.0**-53)[0] < 1e-6)
    True
    """
    half = SAMPLES // 2
    found = np.zeros_like(centre)
    pending = np.ones(centre.shape, bool)
    spacing = SPACING * unit * binary(size)
    while pending.any() and spacing < 1e-4 * size:
        samples = np.array(
            [centre if i == 0 else line(spacing * i) for i in range(-half, half + 1)], centre.dtype
        )
        differences = np.diff(samples, axis=0)
        fine = np.mean(differences == 0, axis=0) < 0.5
        spreads = []
        for order in range(2, 7):
            differences = np.diff(differences, axis=0)
            if order >= 4:
                scale = math.factorial(order) ** 2 / math.factorial(2 * order)
                spreads.append(np.sqrt(np.mean(differences**2, axis=0) * scale))
        spread = np.max(spreads, axis=0)
        take = pending & fine & np.isfinite(spread)
        found[take] = spread[take]
        pending &= ~take
        if not np.isfinite(spread).all():
            break  # too close to the edge of the domain: the floor has to do
        spacing *= WIDEN
    return found


def climb(
    line: Line, centre: Array, size: float, jitter: Array, unit: float, levels: int = LEVELS
) -> Estimate:
    """Differentiate K scalar functions at t = 0.

    Parameters
    ----------
    line : callable
        ``line(t)`` gives the K values at t; NaN where it is not defined.
    centre : ndarray, shape (K,)
        ``line(0)``.
    size : float
        The input's size; the first step is a quarter of it.
    jitter : ndarray, shape (K,)
        From :func:`noise`; must not be zero.
    unit : float
        Rounding unit of the dtype in which the values are computed.
    levels : int
        At most so many steps.

    Returns
    -------
    Estimate

    Examples
    --------
    >>> f = lambda t: np.array([np.exp(t)])
    >>> found = climb(f, f(0.0), 1.0, np.array([1e-16]), 2.0**-53)
    >>> bool(abs(found.value[0] - 1.0) < found.error[0] < 1e-12)
    True
    """
    width = len(centre)
    steps: list[float] = []
    differences: list[Array] = []
    seconds: list[Array] = []
    row: list[Array] = []
    start = np.zeros(width, int)  # windows begin here or later: above it there are kinks
    jump, distance = np.zeros_like(centre), np.zeros(width)
    candidates: list[tuple[int, int, Array, Array, Array]] = []  # first, last, value, bounds
    best, favourite = np.full(width, np.inf, centre.dtype), np.zeros_like(centre)
    reach, since = np.zeros_like(centre), np.zeros(width, int)
    flat = np.zeros((0, width), bool)
    dominated = 0
    h = centre.dtype.type(binary(FIRST * size))
    with np.errstate(all="ignore"):
        for level in range(levels):
            ahead, behind = line(h), line(-h)
            steps.append(float(h))
            differences.append((ahead - behind) / (2 * h))
            seconds.append(np.abs((ahead - centre) - (centre - behind)) / h)
            flat = np.vstack([flat, (ahead == centre) & (behind == centre)])
            if level:
                before = seconds[-2] if level == 1 else np.maximum(seconds[-2], seconds[-3] / RATIO)
                # Smooth: it shrinks fourfold; a kink: it stays; rounding: it grows fourfold.
                stays = (seconds[-1] > 0.6 * before) & (seconds[-1] < 2 * before)
                stays &= seconds[-1] > 16 * jitter / h
                start[stays], best[stays] = level + 1, np.inf
                jump = np.where(stays, seconds[-1], jump)
                distance = np.where(stays, float(h), distance)
            # Shorter steps must not lead away from the favourite, further than its own steps
            # are from it: beyond a pole a function may look smooth, and have another slope.
            away = np.abs(differences[-1] - favourite) - reach - CONTRADICTION * jitter / h
            best = np.where(away > CONTRADICTION * best, np.inf, best)
            above, row = row, [differences[-1]]
            shortest = jitter / h
            for j in range(1, min(level, LONGEST) + 1):
                finer, coarser = row[j - 1], above[j - 1]
                value = finer + (finer - coarser) / (RATIO ** (2 * j) - 1)
                truncation = np.maximum(np.abs(value - finer), np.abs(value - coarser))
                rounding = shortest + 4 * unit * np.abs(value)
                candidates.append((level - j, level, value, truncation, rounding))
                row.append(value)
                total = np.where(level - j >= start, truncation + rounding, np.inf)
                better = total < best
                best, favourite = np.where(better, total, best), np.where(better, value, favourite)
                since = np.where(better, level - j, since)
            own = np.arange(level + 1)[:, None] >= since
            reach = np.where(own, np.abs(np.array(differences) - favourite), 0).max(axis=0)
            dominated = dominated + 1 if np.all(shortest > best) else 0
            if dominated == 2:
                break
            h /= RATIO
        plateau = flat[-1] & ~flat.all(axis=0)
        found = _choose(candidates, start, jump, jitter, steps, np.array(differences))
        found.distance, found.plateau = distance, plateau
        found.differences, found.seconds = differences, seconds
        return found


def _choose(
    candidates: Any, start: Array, jump: Array, jitter: Array, steps: list[float], differences: Array
) -> Estimate:
    """Take the best window per function, unless finer ones exclude it."""
    width, infinite = len(start), np.full(len(start), np.inf, jitter.dtype)
    zero, no = np.zeros(width, int), np.zeros(width, bool)
    found = Estimate(
        np.full(width, np.nan, jitter.dtype), infinite, infinite.copy(), np.full(width, np.nan),
        zero, zero.copy(), no, jump, zero, no.copy(), jitter, steps,
    )  # fmt: skip
    if not candidates:
        return found
    firsts = np.array([c[0] for c in candidates])
    lasts = np.array([c[1] for c in candidates])
    values, truncations, roundings = (np.array([c[n] for c in candidates]) for n in (2, 3, 4))
    totals = truncations + roundings
    finer = lasts[None, :] >= lasts[:, None]
    level = np.arange(len(steps))[None, :]
    after, before = level > lasts[:, None], level < firsts[:, None]
    for k in range(width):
        usable = (firsts >= start[k]) & np.isfinite(totals[:, k])
        total = np.where(usable, totals[:, k], np.inf)
        apart = np.abs(values[:, None, k] - values[None, :, k])
        against = finer & (apart > CONTRADICTION * (total[:, None] + total[None, :]))
        error = np.maximum(truncations[:, k], np.max(np.where(against, apart, 0), axis=1))
        away = np.abs(differences[None, :, k] - values[:, None, k])
        reach = np.max(np.where(after | before, 0, away), axis=1)[:, None]
        reach = reach + CONTRADICTION * (jitter[k] / np.array(steps) + total[:, None])
        error = np.maximum(error, np.max(np.where(after & (away > reach), away, 0), axis=1))
        bound = np.where(usable, error + roundings[:, k], np.inf)
        winner = np.argmin(bound)
        if not np.isfinite(bound[winner]):
            found.kink[k] = jump[k] > 0
            continue
        found.value[k], found.truncation[k] = values[winner, k], error[winner]
        found.rounding[k], found.step[k] = roundings[winner, k], steps[lasts[winner]]
        found.first[k], found.last[k] = firsts[winner], lasts[winner]
        # Below the kink nothing useful can be seen: it is (as good as) at the point itself.
        found.kink[k] = 10 * found.error[k] > 0.05 * jump[k] > 0
    return found
