"""The gradient has no component along the mean, and next to none along the deviation."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg

from ..experiment import Bench, Outcome, experiment
from ..figures import lines
from ..measure import BOTH, verdict

BOUND = 1e-12
RATIOS = [1e-8, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0]  # eps / variance


def draw(figure: Any, data: dict[str, Any]) -> None:
    """What is left of either component against eps over the variance."""
    axes = figure.subplots()
    kept = {"along the deviation": data["deviation"], "along the mean": data["mean"]}
    lines(axes, RATIOS, {name: [max(v, 1e-17) for v in values] for name, values in kept.items()})
    curve = np.logspace(-8, 2, 100)
    axes.plot(curve, curve / (1 + curve), color="black", linestyle=":", label="eps / (variance + eps)")
    axes.set(
        xscale="log", yscale="log", xlabel="eps / variance of the feature",
        ylabel="share of the component left",
    )  # fmt: skip
    axes.set_title("batch norm takes mean and deviation out of the gradient; eps leaves a rest")
    axes.legend(fontsize=8)


@experiment(
    row="A5",
    claim="gradient will never propose ... to increase the standard deviation or mean",
    sources=["S2"],
    setup="Random cotangents for a 60 by 4 batch in float64. The components of dx along the ones "
    "(mean) and along x-hat (deviation), relative to those that arrive when the statistics are held "
    "constant.",
    expected="Along the mean nothing, for every eps; along the deviation the share eps / (variance + "
    "eps): nothing at eps = 0.",
    draw=draw,
    seeds=5,
    quick_seeds=5,
)
def gradient_direction(bench: Bench) -> Outcome:
    """Project the gradient on both directions."""
    mean, off, at_zero = np.zeros(len(RATIOS)), 0.0, 0.0
    deviation = np.zeros(len(RATIOS))
    for i, ratio in enumerate([*RATIOS, 0.0]):
        for seed in bench.seeds:
            rng = np.random.default_rng(seed)
            x, weights = rng.normal(3.0, 2.0, (60, 4)), rng.normal(size=(60, 4))
            x = (x - x.mean(axis=0)) / x.std(axis=0)
            for bn in BOTH.values():
                along_ones, along_hat = shares(bn, x, weights, ratio)
                if ratio:
                    mean[i] = max(mean[i], along_ones)
                    deviation[i] = along_hat
                    off = max(off, abs(along_hat - ratio / (1 + ratio)))
                else:
                    at_zero = max(at_zero, along_hat, along_ones)
    default = RATIOS.index(1e-5)
    exact = mean.max() <= BOUND and at_zero <= BOUND and off <= BOUND
    return Outcome(
        verdict(exact and deviation.max() <= BOUND, part=exact),
        f"Along the mean at most {mean.max():.0e} is left, whatever eps. Along the deviation the share "
        f"eps / (variance + eps) is left, to {off:.0e}: {at_zero:.0e} at eps = 0, "
        f"{deviation[default]:.0e} for a feature of variance 1 at the default eps, {deviation[-1]:.0%} "
        "where eps is 100 times the variance.",
        ["eps / variance", "left along the mean", "left along the deviation"],
        [[f"{r:g}", f"{a:.1e}", f"{b:.3e}"] for r, a, b in zip(RATIOS, mean, deviation, strict=True)],
        {"mean": mean.tolist(), "deviation": deviation.tolist()},
    )


def shares(bn: Any, x: Any, weights: Any, eps: float) -> tuple[float, float]:
    """What is left of both components, relative to constant statistics."""
    whole, constant = (
        mg.grad(lambda x, t=t: (bn(x, eps=eps, through_statistics=t) * weights).sum())(x).numpy()
        for t in (True, False)
    )
    ones = np.abs(whole.sum(axis=0)) / np.linalg.norm(constant, axis=0) / len(x) ** 0.5
    hat = np.abs((whole * x).sum(axis=0) / (constant * x).sum(axis=0))
    return float(ones.max()), float(hat.max())
