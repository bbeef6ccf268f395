"""Mean, variance, normalized and scaled values are what the formulas say, with 1/m."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import minigrad as mg

from ..experiment import Bench, Outcome, experiment
from ..figures import errors
from ..measure import error, verdict

BOUND = 1e-12


def draw(figure: Any, data: dict[str, Any]) -> None:
    """Errors as bars; the formula that is not meant, hatched."""
    errors(figure.subplots(), data["errors"], BOUND, data["contrast"])
    figure.suptitle("the formulas are met to rounding; the variance divides by m, not m - 1")


@experiment(
    row="A1",
    claim="compute mean and variance of each feature, normalize, scale and shift",
    sources=["S0", "S1", "S2", "S3", "paper"],
    setup="A 60 by 8 batch in float64, composed and fused, against the four formulas written with "
    "Python's loops and exact sums, which share no code with minigrad.",
    expected="Agreement to rounding, with the biased variance (1/m).",
    draw=draw,
    seeds=5,
    quick_seeds=5,
)
def formulas(bench: Bench) -> Outcome:
    """Compare all four results with exact sums."""
    names, eps = ("mean", "variance", "x-hat", "y"), 1e-5
    worst = dict.fromkeys(names, 0.0)
    unbiased = 0.0
    for seed in bench.seeds:
        rng = np.random.default_rng(seed)
        x = rng.normal(3.0, 2.0, (60, 8))
        gamma, beta = rng.uniform(0.5, 1.5, 8), rng.normal(size=8)
        expected = by_hand(x, gamma, beta, eps)
        for bn in (mg.batchnorm.composed, mg.batchnorm.fused):
            y, mean, variance = bn(x, gamma, beta, eps, return_statistics=True)
            found = (mean, variance, bn(x, eps=eps), y)
            for name, one, other in zip(names, found, expected, strict=True):
                worst[name] = max(worst[name], error(one, other))
        unbiased = max(unbiased, error(x.var(axis=0, ddof=1), expected[1]))
    contrast = {"variance with 1/(m - 1)": unbiased}
    largest = max(worst.values())
    return Outcome(
        verdict(largest <= BOUND < unbiased),
        f"All four results agree with exact sums to {largest:.0e}. The variance divides by m: with "
        f"m - 1 it would differ by {unbiased:.1%}.",
        ["result", "largest relative difference"],
        [[name, f"{value:.1e}"] for name, value in {**worst, **contrast}.items()],
        {"errors": worst, "contrast": contrast},
    )


def by_hand(x: Any, gamma: Any, beta: Any, eps: float) -> tuple[Any, Any, Any, Any]:
    """Algorithm 1 with Python's loops and exact sums."""
    m, features = x.shape
    mean, variance, hat = np.empty(features), np.empty(features), np.empty_like(x)
    for j in range(features):
        column = [float(v) for v in x[:, j]]
        mean[j] = math.fsum(column) / m
        variance[j] = math.fsum((v - mean[j]) ** 2 for v in column) / m
        for i, v in enumerate(column):
            hat[i, j] = (v - mean[j]) / math.sqrt(variance[j] + eps)
    return mean, variance, hat, hat * gamma + beta
