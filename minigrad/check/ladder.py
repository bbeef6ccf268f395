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
from collections.abc import Callable, Sequence
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

    def part(self, mine: slice, levels: int) -> Estimate:
        """The same for some of the functions, and for the first steps."""
        return Estimate(
            self.value[mine], self.truncation[mine], self.rounding[mine], self.step[mine],
            self.first[mine], self.last[mine], self.kink[mine], self.jump[mine],
            self.distance[mine], self.plateau[mine], self.noise[mine], self.steps[:levels],
            [d[mine] for d in self.differences[:levels]], [s[mine] for s in self.seconds[:levels]],
        )  # fmt: skip


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
    lines: Sequence[Line], centre: Array, size: float, jitter: Array, unit: float, levels: int = LEVELS
) -> list[Estimate]:
    """Differentiate K scalar functions at t = 0, along one or several directions.

    Several directions share the arithmetic, which for small functions costs more than their
    evaluation.  Each stops at its own shortest step.

    Parameters
    ----------
    lines : sequence of callable
        One per direction; ``line(t)`` gives the K values at t; NaN where it is not defined.
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
    list of Estimate
        One per direction.

    Examples
    --------
    >>> f = lambda t: np.array([np.exp(t)])
    >>> (found,) = climb([f], f(0.0), 1.0, np.array([1e-16]), 2.0**-53)
    >>> bool(abs(found.value[0] - 1.0) < found.error[0] < 1e-12)
    True
    """
    count, functions = len(lines), len(centre)
    centre, jitter = np.tile(centre, count), np.tile(jitter, count)
    width = len(centre)
    columns, of = np.arange(width), np.repeat(np.arange(count), functions)
    nothing = np.full(functions, np.nan, centre.dtype)
    steps: list[float] = []
    differences = np.empty((levels, width), centre.dtype)
    seconds: list[Array] = []
    above = row = np.empty((0, width), centre.dtype)
    start = np.zeros(width, int)  # windows begin here or later: above it there are kinks
    jump, distance = np.zeros_like(centre), np.zeros(width)
    windows: list[tuple[int, Array, Array, Array]] = []  # per level: its number, values, bounds
    best, favourite = np.full(width, np.inf, centre.dtype), np.zeros_like(centre)
    reach, since = np.zeros_like(centre), np.zeros(width, int)
    flat, always = np.zeros(width, bool), np.ones(width, bool)
    dominated, taken = np.zeros(count, int), np.zeros(count, int)
    going = np.ones(count, bool)
    h = centre.dtype.type(binary(FIRST * size))
    with np.errstate(all="ignore"):
        for level in range(levels):
            # A direction that has come to its end goes on as NaN, which wins no comparison.
            ahead, behind = (
                np.concatenate([line(t) if on else nothing for line, on in zip(lines, going)])
                for t in (h, -h)
            )
            steps.append(float(h))
            taken += going
            now = differences[level] = (ahead - behind) / (2 * h)
            seconds.append(np.abs((ahead - centre) - (centre - behind)) / h)
            flat = np.where(going[of], (ahead == centre) & (behind == centre), flat)
            always &= flat
            shortest = jitter / h
            if level:
                before = seconds[-2] if level == 1 else np.maximum(seconds[-2], seconds[-3] / RATIO)
                # Smooth: it shrinks fourfold; a kink: it stays; rounding: it grows fourfold.
                stays = (seconds[-1] > 0.6 * before) & (seconds[-1] < 2 * before)
                stays &= seconds[-1] > 16 * shortest
                if stays.any():
                    start[stays], best[stays] = level + 1, np.inf
                    jump[stays], distance[stays] = seconds[-1][stays], float(h)
            # Shorter steps must not lead away from the favourite, further than its own steps
            # are from it: beyond a pole a function may look smooth, and have another slope.
            away = np.abs(now - favourite) - reach - CONTRADICTION * shortest
            best[away > CONTRADICTION * best] = np.inf
            above, row = row, _neville(differences[max(level - LONGEST, 0) : level + 1])
            if level:
                value, finer, coarser = row[1:], row[:-1], above[: len(row) - 1]
                truncation = np.maximum(np.abs(value - finer), np.abs(value - coarser))
                rounding = shortest + 4 * unit * np.abs(value)
                windows.append((level, value, truncation, rounding))
                total = truncation + rounding
                firsts = level - 1 - np.arange(len(value))
                total[(firsts[:, None] < start) | np.isnan(total)] = np.inf
                shortlisted = total.argmin(axis=0)
                least = total[shortlisted, columns]
                better = least < best
                best = np.where(better, least, best)
                favourite = np.where(better, value[shortlisted, columns], favourite)
                since = np.where(better, firsts[shortlisted], since)
            own = np.arange(level + 1)[:, None] >= since
            reach = np.where(own, np.abs(differences[: level + 1] - favourite), 0).max(axis=0)
            over = (shortest > best).reshape(count, functions).all(axis=1)
            dominated = np.where(over, dominated + 1, 0)
            going &= dominated < 2
            if not going.any():
                break
            h /= RATIO
        chosen = _choose(windows, start, jump, jitter, np.array(steps), differences[: len(steps)])
    chosen.jump, chosen.distance, chosen.plateau = jump, distance, flat & ~always
    chosen.steps, chosen.differences, chosen.seconds = steps, list(differences), seconds
    return [chosen.part(slice(n * functions, (n + 1) * functions), taken[n]) for n in range(count)]


def _weights() -> Array:
    """Row j: how Neville's scheme weighs a step and the j steps before it, the shortest first."""
    count = LONGEST + 1
    table = np.zeros((count, count), np.longdouble)
    above = table.copy()  # the same scheme one level up
    table[0, 0] = above[0, 1] = 1
    for j in range(1, count):
        finer, coarser = table[j - 1], above[j - 1]
        table[j] = finer + (finer - coarser) / (RATIO ** (2 * j) - 1)
        above[j, 1:] = table[j, :-1]
    return table


WEIGHTS = _weights()


def _neville(differences: Array) -> Array:
    """All windows that end at the last of these differences, the shortest window first."""
    latest, count = differences[-1], len(differences)
    apart = differences[::-1] - latest  # so that equal differences give exactly that value
    missing = ~np.isfinite(apart)
    table = WEIGHTS[:count, :count].astype(apart.dtype, copy=False)
    if not missing.any():
        return np.asarray(latest + table @ apart)
    row = latest + table @ np.where(missing, 0, apart)
    row[np.logical_or.accumulate(missing)] = np.nan  # outside of the domain
    return np.asarray(row)


def _choose(
    windows: Sequence[tuple[int, Array, Array, Array]], start: Array, jump: Array, jitter: Array,
    steps: Array, differences: Array,
) -> Estimate:  # fmt: skip
    """Per function the best window, unless finer ones exclude it."""
    width = len(start)
    winner, least = np.full(width, -1), np.full(width, np.inf, jitter.dtype)
    zero, no = np.zeros(width, int), np.zeros(width, bool)
    found = Estimate(
        np.full(width, np.nan, jitter.dtype), least.copy(), least.copy(), np.full(width, np.nan),
        zero, zero.copy(), jump > 0, jump, np.zeros(width), no, jitter,
    )  # fmt: skip
    if not windows:
        return found
    firsts = np.concatenate([level - 1 - np.arange(len(value)) for level, value, *_ in windows])
    lasts = np.concatenate([np.full(len(value), level) for level, value, *_ in windows])
    values, truncations, roundings = (np.concatenate([w[n] for w in windows]) for n in (1, 2, 3))
    totals = truncations + roundings
    totals[(firsts[:, None] < start) | ~np.isfinite(totals)] = np.inf
    level, slack = np.arange(len(steps))[:, None], jitter / steps[:, None]
    error, columns = least.copy(), np.arange(width)
    # The most promising first: what finer windows say can only widen a bound.
    for n in np.argsort(totals, axis=0, kind="stable"):
        n = n[columns]
        promising = totals[n, columns] < least[columns]
        n, columns = n[promising], columns[promising]
        if not len(n):
            break
        value, total = values[n, columns], totals[n, columns]
        apart = np.abs(value - values[:, columns])
        against = apart > CONTRADICTION * (total + totals[:, columns])
        against &= lasts[:, None] >= lasts[n]
        widened = np.where(against, apart, 0).max(axis=0)
        away = np.abs(differences[:, columns] - value)
        within = (level >= firsts[n]) & (level <= lasts[n])
        reach = np.where(within, away, 0).max(axis=0) + CONTRADICTION * (slack[:, columns] + total)
        led = (level > lasts[n]) & (away > reach)
        widened = np.maximum(widened, np.where(led, away, 0).max(axis=0))
        widened = np.maximum(widened, truncations[n, columns])
        bound = widened + roundings[n, columns]
        better = bound < least[columns]
        these = columns[better]
        winner[these], least[these], error[these] = n[better], bound[better], widened[better]
    some = np.flatnonzero(winner >= 0)
    n = winner[some]
    found.value[some], found.truncation[some] = values[n, some], error[some]
    found.rounding[some], found.step[some] = roundings[n, some], steps[lasts[n]]
    found.first[some], found.last[some] = firsts[n], lasts[n]
    # Below the kink nothing useful can be seen: it is (as good as) at the point itself.
    found.kink[some] = (10 * least[some] > 0.05 * jump[some]) & (jump[some] > 0)
    return found
