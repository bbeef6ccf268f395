"""Errors, not times: batch norm in float32 against float64 on the same bits.

Features with a mean of 0 or 1e4 and a deviation of 1, N from 64 to 1,048,576; a constant
feature; values of 1e20, whose squares overflow.  x-hat is y with gamma 1 and beta 0; dx is
the pullback of a random cotangent.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .batchnorm import CONTENDERS, EPS, Problem
from .harness import Check, Report, Table, build, to_numpy

COUNTS = (64, 1024, 16384, 1_048_576)
OFFSETS = (0.0, 1e4)
FEATURES = 8


def exact(p: Problem) -> tuple[np.ndarray, np.ndarray]:
    """x-hat and dx in float64, by the formula, on the float32 problem's own bits."""
    x, dy = p.x.astype(np.float64), p.dy.astype(np.float64)
    centred = x - x.mean(0)
    inverse = 1 / np.sqrt((centred**2).mean(0) + EPS)
    x_hat = centred * inverse
    return x_hat, inverse * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0))


def with_values(x: np.ndarray, seed: int = 1) -> Problem:
    """The problem whose y is x-hat."""
    dy = np.random.default_rng(seed).standard_normal(x.shape, np.float32)
    return Problem(x, np.ones(x.shape[1], np.float32), np.zeros(x.shape[1], np.float32), dy)


def problems(counts: tuple[int, ...]) -> dict[str, Callable[[], Problem]]:
    """The cells of the matrix: name -> how to make it."""

    def normal(offset: float, count: int) -> Problem:
        rng = np.random.default_rng(0)
        return with_values((offset + rng.standard_normal((count, FEATURES))).astype(np.float32))

    cells = {
        f"mean {offset:g}, N={count:,}": lambda o=offset, n=count: normal(o, n)
        for offset in OFFSETS
        for count in counts
    }
    cells["constant 3333, N=1,000"] = lambda: with_values(np.full((1000, FEATURES), 3333, np.float32))
    cells["constant 3.3e7, N=1,000"] = lambda: with_values(np.full((1000, FEATURES), 3.3e7, np.float32))
    cells["scale 1e20, N=1,024"] = lambda: with_values(normal(0.0, 1024).x * np.float32(1e20))
    return cells


def errors(p: Problem, step: Callable[[], Any]) -> tuple[float, float]:
    """Largest error of x-hat; largest error of dx relative to its largest entry."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # overflow is the subject here
        y, dx, *_ = step()
    x_hat, exact_dx = exact(p)
    return (
        float(np.abs(to_numpy(y) - x_hat).max()),
        float(np.abs(to_numpy(dx) - exact_dx).max() / np.abs(exact_dx).max()),
    )


def limits(p: Problem, kind: str) -> tuple[float, float]:
    """What minigrad's x-hat and dx may be off by.

    Composed rounds the mean to float32: half a unit in its last place, over the deviation.
    """
    if not np.ptp(p.x, axis=0).any():  # a constant feature: x-hat is exactly 0
        return 0.0, 1e-5 if kind == "fused" else 1e-4
    if kind == "fused":
        return 1e-5, 1e-5
    mean, deviation = np.abs(p.x.mean(0, dtype=np.float64)).max(), p.x.std(0, dtype=np.float64).min()
    return max(1e-5, float(np.spacing(np.float32(mean))) / 2 / deviation), 1e-4


def run(quick: bool = False, tiny: bool = False, threads: int = 1) -> Report:
    """Fill the matrix."""
    report = Report("accuracy: float32 batch norm against float64 on the same bits")
    tables = [
        Table("Largest error of x-hat", [("", "")]),
        Table("Largest error of dx, relative to its largest entry", [("", "")]),
    ]
    names: list[str] = []
    for cell, make in problems(COUNTS[:1] if tiny else COUNTS[:3] if quick else COUNTS).items():
        p = make()
        found = {name: errors(p, step) for name, step in build(CONTENDERS, p).items()}
        names = list(found)
        for i, (table, what) in enumerate(zip(tables, ("x-hat", "dx"), strict=True)):
            table.rows.append([cell, *[found[name][i] for name in names]])
            for kind in ("composed", "fused"):
                value = found[f"minigrad {kind}"][i]
                limit = limits(p, kind)[i]
                report.checks.append(
                    Check(f"{cell}: {what}, {kind}", math.inf if math.isnan(value) else value, limit)
                )
    for table in tables:
        table.columns += [(name, ".1e") for name in names]
    report.tables += tables
    return report
