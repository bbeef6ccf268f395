"""What experiments share when they judge: errors, and verdicts from numbers."""

from __future__ import annotations

from collections.abc import Callable
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


def thinned(values: Any, count: int = 120) -> list[float]:
    """At most so many of a long series, first and last included, for a figure.

    Examples
    --------
    >>> thinned(range(11), 3)
    [0.0, 5.0, 10.0]
    """
    values = np.asarray(values, dtype=float)
    return values[np.unique(np.linspace(0, len(values) - 1, count).round().astype(int))].tolist()
