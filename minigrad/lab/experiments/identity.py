"""Scale and shift can give back what normalization took: for the batch at hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..experiment import Bench, Outcome, experiment
from ..figures import lines
from ..measure import BOTH, error, verdict

BOUND = 1e-12
EPSILONS = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1]


def draw(figure: Any, data: dict[str, Any]) -> None:
    """The error of the restored input against epsilon."""
    axes = figure.subplots()
    curves = {
        "gamma = √(variance + eps)": data["exact"],
        "gamma = √variance, as in the paper": data["paper"],
    }
    lines(axes, EPSILONS, {k: [max(v, 1e-17) for v in vs] for k, vs in curves.items()})
    axes.axhline(data["other"], color="#009e73", linestyle="-.", label="the same gamma, another batch")
    axes.axvline(1e-5, color="grey", linewidth=0.8)
    axes.annotate(" default eps", (1e-5, 1e-9), color="grey")
    axes.set(xscale="log", yscale="log", xlabel="eps", ylabel="error of the restored input")
    axes.set_title("scale and shift restore the batch exactly, if gamma counts eps in")
    axes.legend(fontsize=8)


@experiment(
    row="A2",
    claim="allows the BN transform to represent the identity transformation",
    sources=["S0", "S2", "paper"],
    setup="A 60 by 8 batch in float64; beta is its mean, gamma its deviation, with eps counted in and "
    "as the paper prints it; then the same gamma and beta on another batch of the same kind.",
    expected="The input comes back to rounding if gamma counts eps in; with the paper's gamma it is "
    "smaller by about eps / (2 variance).",
    draw=draw,
    seeds=5,
    quick_seeds=5,
)
def identity(bench: Bench) -> Outcome:
    """Try to restore the input."""
    exact, paper = (np.zeros(len(EPSILONS)) for _ in range(2))
    other = 0.0
    for seed in bench.seeds:
        rng = np.random.default_rng(seed)
        x, another = rng.normal(3.0, 2.0, (2, 60, 8))
        mean, variance = x.mean(axis=0), x.var(axis=0)
        for bn in BOTH.values():
            for i, eps in enumerate(EPSILONS):
                restored = bn(x, np.sqrt(variance + eps), mean, eps)
                exact[i] = max(exact[i], error(restored, x))
                paper[i] = max(paper[i], error(bn(x, np.sqrt(variance), mean, eps), x))
            other = max(other, error(bn(another, np.sqrt(variance + 1e-5), mean, 1e-5), another))
    default = EPSILONS.index(1e-5)
    return Outcome(
        verdict(exact.max() <= BOUND),
        f"With gamma = √(variance + eps) the batch comes back to {exact.max():.0e}. With the paper's "
        f"gamma = √variance an error of {paper[default]:.0e} remains at the default eps, and "
        f"{paper[-1]:.0e} at eps = 0.1. Another batch, with the same gamma and beta, does not come "
        f"back ({other:.0%} off): the identity holds for one batch at a time.",
        ["eps", "gamma = √(variance + eps)", "gamma = √variance"],
        [[f"{e:.0e}", f"{a:.1e}", f"{b:.1e}"] for e, a, b in zip(EPSILONS, exact, paper, strict=True)],
        {"exact": exact.tolist(), "paper": paper.tolist(), "other": other},
    )
