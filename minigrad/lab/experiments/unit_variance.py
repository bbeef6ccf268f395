"""Normalized values have mean 0, and a variance just below 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..experiment import Bench, Outcome, experiment
from ..figures import lines
from ..measure import BOTH, error, verdict

BOUND = 1e-12
DEVIATIONS = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 1.0, 10.0]
EPSILONS = [1e-5, 1e-3]


def draw(figure: Any, data: dict[str, Any]) -> None:
    """The variance after normalization against the deviation before."""
    axes = figure.subplots()
    lines(axes, DEVIATIONS, {f"eps = {e:g}": v for e, v in zip(EPSILONS, data["variances"])})
    axes.axhline(1.0, color="black", linestyle=":", label="what is claimed")
    axes.set(xscale="log", xlabel="deviation of the feature", ylabel="variance after normalization")
    axes.set_title("variance 1 for large features; eps flattens the small ones")
    axes.legend()


@experiment(
    row="A3",
    claim="has the expected value of 0 and the variance of 1",
    sources=["S0", "S1"],
    setup="Batches of 60 in float64 whose features have deviations from 1e-4 to 10, with eps 1e-5 "
    "(PyTorch's) and 1e-3 (Keras').",
    expected="Mean 0 to rounding; variance 1 - eps / (variance + eps), which is 1 only at eps = 0.",
    draw=draw,
    seeds=5,
    quick_seeds=5,
)
def unit_variance(bench: Bench) -> Outcome:
    """Measure both over features of all sizes."""
    mean = formula = 0.0
    variances = []
    for eps in EPSILONS:
        for seed in bench.seeds:
            x = np.random.default_rng(seed).normal(size=(60, len(DEVIATIONS)))
            x = (x - x.mean(axis=0)) / x.std(axis=0) * DEVIATIONS + 1.0
            expected = 1 - eps / (x.var(axis=0) + eps)
            for bn in BOTH.values():
                found = bn(x, eps=eps)
                mean = max(mean, float(np.abs(found.mean(axis=0)).max()))
                # A deviation of 1e-4 beside a mean of 1 costs four digits.
                formula = max(formula, error(found.var(axis=0), expected) * DEVIATIONS[0])
        variances.append(found.var(axis=0).tolist())
    short = 1 - variances[0][DEVIATIONS.index(1.0)]
    whole = mean <= BOUND and max(abs(v - 1) for vs in variances for v in vs) <= BOUND
    return Outcome(
        verdict(whole, part=mean <= BOUND and formula <= BOUND),
        f"The mean is 0 to {mean:.0e}. The variance is 1 - eps / (variance + eps): short of 1 by "
        f"{short:.0e} for a feature of deviation 1, but only {variances[0][2]:.2f} for a deviation of "
        f"1e-3 (eps = 1e-5), and {variances[1][2]:.4f} with Keras' eps of 1e-3.",
        ["deviation before", *[f"variance after, eps = {e:g}" for e in EPSILONS]],
        [[f"{d:g}", *[f"{v[i]:.6f}" for v in variances]] for i, d in enumerate(DEVIATIONS)],
        {"variances": variances},
    )
