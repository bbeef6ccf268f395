"""Weights before batch norm may be scaled: the output stays, and the gradient shrinks in return."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg

from ..experiment import Bench, Outcome, experiment
from ..figures import BLUE, lines
from ..measure import BOTH, error, tiny, verdict

BOUND = 1e-11  # a thousandfold of rounding: scaling by 7 or 0.01 rounds every product anew
SCALES = [0.01, 0.1, 0.5, 1.0, 2.0, 7.0, 10.0, 100.0]


def draw(figure: Any, data: dict[str, Any]) -> None:
    """Left the gradient, right the change of the output, against the scale."""
    left, right = figure.subplots(1, 2)
    left.plot(SCALES, data["gradients"], "o", color=BLUE, label="measured")
    left.plot(SCALES, [1 / a for a in SCALES], color="black", linestyle=":", label="1 / a")
    left.set(xscale="log", yscale="log", xlabel="scale a", ylabel="gradient, relative to a = 1")
    left.set_title("weights a times as large:\na gradient 1/a times as large")
    left.legend()
    curves = {"eps = 0": data["exact"], "eps = 1e-5": data["with_eps"]}
    lines(right, SCALES, {name: [v or None for v in values] for name, values in curves.items()})
    right.set(xscale="log", yscale="log", xlabel="scale a", ylabel="change of the output")
    right.set_title("and the same output,\nup to what eps does")
    right.legend()


@experiment(
    row="A7",
    claim="BN(Wu) = BN((aW)u); larger weights lead to smaller gradients",
    sources=["paper"],
    setup="A linear layer of 16 inputs and 8 units in float64, its weights times a from 0.01 to 100, "
    "followed by batch norm with eps = 0 and with the default.",
    expected="At eps = 0 the same output, and a gradient 1/a times as large, to rounding.",
    draw=draw,
    seeds=5,
    quick_seeds=5,
)
def weight_scale(bench: Bench) -> Outcome:
    """Scale the weights, compare outputs and gradients."""
    exact, with_eps = np.zeros(len(SCALES)), np.zeros(len(SCALES))
    off, gradients = 0.0, np.zeros(len(SCALES))
    for seed in bench.seeds:
        rng = np.random.default_rng(seed)
        u, weight = rng.normal(size=(60, 16)), rng.normal(size=(16, 8))
        cotangent = rng.normal(size=(60, 8))
        for bn in BOTH.values():

            def slope(w: Any, bn: Any = bn, u: Any = u, g: Any = cotangent) -> Any:
                return mg.grad(lambda w: (bn(u @ w, eps=0.0) * g).sum())(w).numpy()

            one = slope(weight)
            for i, a in enumerate(SCALES):
                exact[i] = max(exact[i], error(bn(u @ (a * weight), eps=0.0), bn(u @ weight, eps=0.0)))
                with_eps[i] = max(with_eps[i], error(bn(u @ (a * weight)), bn(u @ weight)))
                scaled = slope(a * weight)
                off = max(off, error(scaled * a, one))
                gradients[i] = np.linalg.norm(scaled) / np.linalg.norm(one)
    return Outcome(
        verdict(exact.max() <= BOUND and off <= BOUND),
        f"At eps = 0, scales from 0.01 to 100 change the output by {exact.max():.0e}, and the "
        f"gradient is 1/a times as large to {off:.0e}. The default eps lets the output change by "
        f"{with_eps[0]:.0e} at a = 0.01.",
        ["a", "output changes, eps = 0", "eps = 1e-5", "gradient"],
        [
            [f"{a:g}", tiny(e), tiny(w), f"{g:.4g}"]
            for a, e, w, g in zip(SCALES, exact, with_eps, gradients, strict=True)
        ],
        {"exact": exact.tolist(), "with_eps": with_eps.tolist(), "gradients": gradients.tolist()},
    )
