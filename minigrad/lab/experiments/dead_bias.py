"""A bias right before batch norm does nothing: its gradient is zero."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg

from ..experiment import Bench, Outcome, experiment
from ..figures import errors
from ..measure import BOTH, verdict

BOUND = 1e-12


def draw(figure: Any, data: dict[str, Any]) -> None:
    """The gradient of the bias, with and without."""
    errors(figure.subplots(), data["dead"], BOUND, data["alive"])
    figure.axes[0].set_xlabel("largest entry of the bias' gradient, relative to the cotangents")
    figure.suptitle("the gradient of a bias is rounding before batch norm, and alive without")


@experiment(
    row="A6",
    claim="the bias b can be ignored since its effect will be canceled",
    sources=["paper"],
    setup="A linear layer of 16 inputs and 8 units with a bias, in float64, followed by batch norm "
    "or by nothing; random cotangents.",
    expected="A zero gradient before batch norm, to rounding, and outputs that do not feel the bias.",
    draw=draw,
    seeds=5,
    quick_seeds=5,
)
def dead_bias(bench: Bench) -> Outcome:
    """Differentiate by the bias."""
    dead = dict.fromkeys(["composed", "fused"], 0.0)
    felt, alive = 0.0, 0.0
    for seed in bench.seeds:
        rng = np.random.default_rng(seed)
        x, weight, bias = rng.normal(size=(60, 16)), rng.normal(size=(16, 8)), rng.normal(size=8)
        cotangent = rng.normal(size=(60, 8))
        scale = np.abs(cotangent).sum(axis=0).max()

        def gradient(f: Any, x: Any = x, w: Any = weight, g: Any = cotangent, b: Any = bias) -> Any:
            return np.abs(mg.grad(lambda b: (f(x @ w + b) * g).sum())(b).numpy()).max()

        for name, bn in BOTH.items():
            dead[name] = max(dead[name], float(gradient(bn) / scale))
            change = bn(x @ weight + 10.0 * bias) - bn(x @ weight)
            felt = max(felt, float(np.abs(change).max()))
        alive = max(alive, float(gradient(lambda h: h) / scale))
    largest = max(dead.values())
    return Outcome(
        verdict(largest <= BOUND and felt <= BOUND < alive),
        f"Before batch norm the bias has a gradient of {largest:.0e}, without it {alive:.2f} (relative "
        f"to the cotangents). Ten times the bias changes the outputs by {felt:.0e}.",
        ["after the layer", "gradient of the bias"],
        [*[[f"batch norm, {k}", f"{v:.1e}"] for k, v in dead.items()], ["nothing", f"{alive:.1e}"]],
        {"dead": {f"{k} batch norm": v for k, v in dead.items()}, "alive": {"no batch norm": alive}},
    )
