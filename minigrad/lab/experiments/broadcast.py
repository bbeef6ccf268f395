"""The mean and the deviation are broadcast to every row, and the gradient comes back as a sum."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg

from ..experiment import Bench, Outcome, experiment
from ..figures import errors
from ..measure import tiny, verdict


def draw(figure: Any, data: dict[str, Any]) -> None:
    """The largest difference per output, on a logarithmic scale."""
    errors(figure.subplots(), dict(zip(data["names"], data["differences"])), data["bound"])
    figure.suptitle("broadcast, then a sum over rows: the same as the fused rule, to rounding")


@experiment(
    row="A10",
    claim="the vectors of means and deviations are broadcast to every row of the matrix",
    sources=["S2"],
    setup="Batch norm composed of primitives on a 64 by 8 matrix in float64: its graph must hold "
    "broadcast nodes whose pullback is a sum over rows; value and gradients against the fused rule.",
    expected="Broadcasts in the graph, and agreement with the fused rule to rounding.",
    draw=draw,
    seeds=5,
    quick_seeds=5,
)
def broadcast(bench: Bench) -> Outcome:
    """Compare the composed with the fused batch norm."""
    names, worst = ["y", "dx", "dgamma", "dbeta"], np.zeros(4)
    for seed in bench.seeds:
        rng = np.random.default_rng(seed)
        inputs = rng.normal(3.0, 2.0, (64, 8)), rng.uniform(0.5, 1.5, 8), rng.normal(size=8)
        weights = rng.normal(size=(64, 8))
        found = []
        for f in (mg.batchnorm.composed, mg.batchnorm.fused):
            y, pullback = mg.vjp(f, *inputs)
            found.append([y.numpy(), *[g.numpy() for g in pullback(weights)]])
        both = zip(*found, strict=True)
        worst = np.maximum(worst, [np.abs(a - b).max() / np.abs(b).max() for a, b in both])
    graph = mg.trace(mg.batchnorm.composed, *inputs)
    stretched = [e for e in graph.equations if e.op == "broadcast"]
    bound = 1e-12
    good = bool(worst.max() <= bound and len(stretched) == 4)
    return Outcome(
        verdict(good),
        f"The graph holds {len(stretched)} broadcasts; composed and fused differ by at most "
        f"{worst.max():.1e} of the largest entry.",
        ["of", "largest relative difference"],
        [[n, tiny(d)] for n, d in zip(names, worst)],
        {"names": names, "differences": worst.tolist(), "bound": bound},
    )
