"""Whatever the layer below does, beta alone sets the mean of the result."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..experiment import Bench, Outcome, experiment
from ..figures import lines
from ..measure import BOTH, verdict

BOUND = 1e-10  # a shift of 100 is 10,000 deviations of the smallest feature: four digits are gone
SHIFTS = [-100.0, -75.0, -50.0, -25.0, 0.0, 25.0, 50.0, 75.0, 100.0]
BETA, GAMMA, EPS = 20.0, 0.5, 1e-5


def draw(figure: Any, data: dict[str, Any]) -> None:
    """Means before and after, against what the layer below adds."""
    axes = figure.subplots()
    lines(axes, SHIFTS, {"mean before": data["before"], "mean after": data["after"]})
    axes.axhline(BETA, color="black", linestyle=":", label=f"beta = {BETA:g}")
    axes.set(xlabel="what the layer below adds to the feature", ylabel="mean over the batch")
    axes.set_title("the layer below moves its mean as it likes; after batch norm it is beta")
    axes.legend()


@experiment(
    row="A4",
    claim="the mean is determined solely by β",
    sources=["S2"],
    setup="A 60 by 4 batch in float64, shifted by -100 to 100 and scaled by 1e-2 to 1e2, as a layer "
    "below might; gamma 0.5, beta 20.",
    expected="Mean beta to rounding; deviation gamma times σ / √(σ² + eps), which still knows σ a "
    "little.",
    draw=draw,
    seeds=5,
    quick_seeds=5,
)
def beta_sets_mean(bench: Bench) -> Outcome:
    """Shift and scale below, and look above."""
    mean = deviation = spread = 0.0
    before, after = [], []
    for seed in bench.seeds:
        x = np.random.default_rng(seed).normal(size=(60, 4))
        for shift in SHIFTS:
            for scale in (1e-2, 1.0, 1e2):
                below = x * scale + shift
                sigma = below.std(axis=0)
                for bn in BOTH.values():
                    y = bn(below, np.full(4, GAMMA), np.full(4, BETA), EPS)
                    mean = max(mean, float(np.abs(y.mean(axis=0) - BETA).max()))
                    expected = GAMMA * sigma / np.sqrt(sigma**2 + EPS)
                    deviation = max(deviation, float(np.abs(y.std(axis=0) - expected).max()))
                    spread = max(spread, float(np.abs(y.std(axis=0) / GAMMA - 1).max()))
                if seed == bench.seeds[0] and scale == 1.0:
                    before.append(float(below[:, 0].mean()))
                    after.append(float(y[:, 0].mean()))
    return Outcome(
        verdict(mean <= BOUND and deviation <= BOUND),
        f"Shifts of up to 100 and scales from 0.01 to 100 below move the mean by {mean:.0e}. The "
        f"deviation follows gamma σ / √(σ² + eps) to {deviation:.0e}; at σ = 0.01 that is {spread:.1%} "
        "below gamma.",
        ["added below", "mean before", "mean after"],
        [[f"{s:g}", f"{b:.2f}", f"{a:.12f}"] for s, b, a in zip(SHIFTS, before, after, strict=True)],
        {"before": before, "after": after},
    )
