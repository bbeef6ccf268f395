"""A deep sigmoid network with small initial weights learns nothing; with batch norm it does."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import nn, optim

from ..experiment import Bench, Outcome, experiment
from ..figures import lines
from ..measure import verdict
from ..training import CHANCE, NORMS, digits, learning_curve, network

EVERY = 50


def draw(figure: Any, data: dict[str, Any]) -> None:
    """Accuracy against steps."""
    axes = figure.subplots()
    curves = {k: np.mean(v, axis=0).tolist() for k, v in data["curves"].items()}
    lines(axes, data["steps"], curves, markers=False)
    axes.axhline(CHANCE, color="black", linestyle=":", label="chance")
    axes.set(ylim=(0, 1.02), xlabel="step", ylabel="test digits right")
    axes.set_title("sigmoids from tiny weights: chance without batch norm, learnt with it")
    axes.legend()


@experiment(
    row="B8",
    claim="makes it possible to use saturating nonlinearities",
    sources=["paper"],
    setup="Black-and-white digits, three hidden layers of 100 sigmoid units, initial weights N(0, "
    "0.01²), batches of 60, SGD with rate 0.5, 3000 steps (quick: 500), with and without batch norm "
    "before each sigmoid.",
    expected="The plain network stays at chance (10 %), batch norm learns.",
    draw=draw,
)
def saturating(bench: Bench) -> Outcome:
    """Train both."""
    data, test = digits(binary=True)
    steps = 500 if bench.quick else 3000
    curves: dict[str, list[list[float]]] = {name: [] for name in NORMS}
    total, done = len(NORMS) * len(bench.seeds) * steps, 0
    for seed in bench.seeds:
        for name, norm in NORMS.items():
            note = f"seed {seed}, {name}"
            model = network([64, 100, 100, 100, 10], seed, norm, nn.Sigmoid, 0.01)
            curve = learning_curve(
                model, optim.SGD(model.parameters(), lr=0.5), data, test, steps, EVERY, seed,
                lambda step, before=done, note=note: bench.report(before + step, total, note),
            )  # fmt: skip
            curves[name].append(curve)
            done += steps
    ends = {name: [curve[-1] for curve in rows] for name, rows in curves.items()}
    learnt, dead = min(ends["batch norm"]), max(ends["plain"])
    return Outcome(
        verdict(learnt > 0.8 and dead < 0.3, part=learnt > dead + 0.05),
        f"After {steps} steps, batch norm gets at least {learnt:.1%} of the test digits, the plain "
        f"network at most {dead:.1%}.",
        ["network", "seed", "test digits right"],
        [
            [name, str(s), f"{v:.3f}"]
            for name in NORMS
            for s, v in zip(bench.seeds, ends[name], strict=True)
        ],
        {"steps": list(range(0, steps + 1, EVERY)), "curves": curves, "final": ends},
    )
