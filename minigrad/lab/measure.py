"""What experiments share when they judge: errors, and verdicts from numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..batchnorm import composed, fused
from .experiment import Verdict

BOTH: dict[str, Callable[..., Any]] = {"composed": composed, "fused": fused}


def error(found: Any, expected: Any) -> float:
    """The largest difference, relative to the largest entry expected.

    Examples
    --------
    >>> error([1.0, 2.5], [1.0, 2.0])
    0.25
    """
    found, expected = np.asarray(found), np.asarray(expected)
    return float(np.abs(found - expected).max() / (np.abs(expected).max() or 1.0))


def verdict(whole: Any, part: Any = False) -> Verdict:
    """``holds`` if all of it was seen, ``holds partly`` if a part.

    Examples
    --------
    >>> verdict(2 > 3, part=2 > 1)
    'holds partly'
    """
    return "holds" if whole else "holds partly" if part else "does not hold here"


def final(losses: list[float], last: int = 50) -> float | None:
    """The mean of the last losses, which one batch alone would blur; None after divergence.

    Examples
    --------
    >>> final([5.0, 1.0, 3.0], last=2), final([1.0, float("inf")])
    (2.0, None)
    """
    return float(np.mean(losses[-last:])) if np.isfinite(losses[-1]) else None


def middle(values: list[float | None]) -> float | None:
    """The median over runs; None if one of them diverged.

    Examples
    --------
    >>> middle([1.0, 5.0, 2.0]), middle([1.0, None])
    (2.0, None)
    """
    known = [v for v in values if v is not None]
    return float(np.median(known)) if len(known) == len(values) else None


def behind(loss: float | None, other: float | None, factor: float = 1.0) -> bool:
    """Whether a loss is larger than another, times a factor, or diverged where the other did not.

    Examples
    --------
    >>> behind(0.3, 0.1), behind(0.3, 0.2, factor=2.0), behind(None, 0.1)
    (True, False, True)
    """
    return other is not None and (loss is None or loss > factor * other)


def blocks(losses: list[float], count: int = 40) -> tuple[list[float], list[float]]:
    """A noisy curve made smooth: the ends of blocks of steps, and the mean over each.

    Examples
    --------
    >>> blocks([4.0, 2.0, 3.0, 1.0], 2)
    ([2.0, 4.0], [3.0, 2.0])
    """
    parts = np.array_split(np.array([v for v in losses if np.isfinite(v)]), count)
    parts = [p for p in parts if p.size]
    return np.cumsum([float(p.size) for p in parts]).tolist(), [float(p.mean()) for p in parts]


def said(value: float | None) -> str:
    """A loss for a table."""
    return "diverged" if value is None else f"{value:.4f}"


def tiny(value: float) -> str:
    """An error for a table: one that is exactly zero is told from rounding.

    Examples
    --------
    >>> tiny(2.71e-16), tiny(0.0)
    ('2.7e-16', '0')
    """
    return f"{value:.1e}" if value else "0"


def span(values: Sequence[float | None], spec: str = "g", none: str = "never") -> str:
    """From the least to the largest of the runs, in words; `none` if all are None.

    Examples
    --------
    >>> span([1.32, 1.47, 1.4], ".1f"), span([80, 80]), span([80, None])
    ('1.3 to 1.5', '80', '80 to never')
    """
    known = [v for v in values if v is not None]
    ends = [f"{v:{spec}}" for v in (min(known), max(known))] if known else []
    ends += [none] * (len(known) < len(values))
    return ends[0] if ends[0] == ends[-1] else f"{ends[0]} to {ends[-1]}"


def thinned(values: Any, count: int = 120) -> list[float]:
    """At most so many of a long series, first and last included, for a figure.

    Examples
    --------
    >>> thinned(range(11), 3)
    [0.0, 5.0, 10.0]
    """
    values = np.asarray(values, dtype=float)
    kept = np.unique(np.linspace(0, len(values) - 1, count).round().astype(int))
    return [float(v) for v in values[kept]]
