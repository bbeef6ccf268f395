"""With batch norm, a sigmoid network needs a fraction of the steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import nn, optim

from ..experiment import Bench, Outcome, experiment
from ..figures import lines
from ..measure import verdict
from ..training import NORMS, digits, learning_curve, network

GOAL, EVERY = 0.9, 25


def draw(figure: Any, data: dict[str, Any]) -> None:
    """Accuracy against steps."""
    axes = figure.subplots()
    curves = {k: np.mean(v, axis=0).tolist() for k, v in data["curves"].items()}
    points = max(map(len, curves.values()))
    padded = {k: v + [None] * (points - len(v)) for k, v in curves.items()}
    lines(axes, range(0, EVERY * points, EVERY), padded, markers=False)
    axes.axhline(GOAL, color="black", linestyle=":", label=f"{GOAL:.0%}")
    axes.set(ylim=(0, 1.02), xlabel="step", ylabel="test digits right")
    axes.set_title("batch norm is there after a fraction of the steps")
    axes.legend(loc="lower right")


@experiment(
    row="B7",
    claim="significantly speeds up the training process",
    sources=["S0", "S1", "S2", "S3", "paper"],
    setup="Black-and-white digits, three hidden layers of 100 sigmoid units, as in the paper's first "
    "experiment; initial weights N(0, 1/inputs), batches of 60, SGD with rate 0.5, 3000 steps (quick: "
    "1200, with batch norm 400), with and without batch norm before each sigmoid. The first step after "
    "which 90 % of the test digits are right.",
    expected="Batch norm needs several times fewer steps.",
    draw=draw,
)
def faster_training(bench: Bench) -> Outcome:
    """Train both, and look at the test digits every 25 steps."""
    data, test = digits(binary=True)
    steps = {"plain": 1200, "batch norm": 400} if bench.quick else dict.fromkeys(NORMS, 3000)
    curves: dict[str, list[list[float]]] = {name: [] for name in NORMS}
    total, done = len(bench.seeds) * sum(steps.values()), 0
    for seed in bench.seeds:
        for name, norm in NORMS.items():
            note = f"seed {seed}, {name}"
            model = network([64, 100, 100, 100, 10], seed, norm, nn.Sigmoid, lambda n: n**-0.5)
            curve = learning_curve(
                model, optim.SGD(model.parameters(), lr=0.5), data, test, steps[name], EVERY, seed,
                lambda step, before=done, note=note: bench.report(before + step, total, note),
            )  # fmt: skip
            curves[name].append(curve)
            done += steps[name]
    first = {name: [_first(curve) for curve in rows] for name, rows in curves.items()}
    ratios = [
        (steps["plain"] if slow is None else slow) / fast if fast else 0.0
        for slow, fast in zip(first["plain"], first["batch norm"], strict=True)
    ]
    ends = {name: float(np.mean([curve[-1] for curve in rows])) for name, rows in curves.items()}
    missed = " (the plain network not within this time)" if None in first["plain"] else ""
    return Outcome(
        verdict(min(ratios) >= 3, part=min(ratios) > 1),
        f"90 % of the test digits are right after {_span(first['batch norm'])} steps with batch "
        f"norm and {_span(first['plain'])} without{missed}: with every seed at least "
        f"{min(ratios):.0f} times fewer. It ends at {ends['batch norm']:.1%} after "
        f"{steps['batch norm']} steps with batch norm, and at {ends['plain']:.1%} after "
        f"{steps['plain']} without.",
        ["network", "seed", "first step at 90 %", "right at the end", "steps"],
        [
            [
                name,
                str(seed),
                str(first[name][i] or "never"),
                f"{curves[name][i][-1]:.3f}",
                str(steps[name]),
            ]
            for name in NORMS
            for i, seed in enumerate(bench.seeds)
        ],
        {"curves": curves, "first": first},
    )


def _first(curve: list[float]) -> int | None:
    return next((i * EVERY for i, a in enumerate(curve) if a >= GOAL), None)


def _span(values: list[int | None]) -> str:
    known = sorted({v for v in values if v is not None})
    return " to ".join(str(v) for v in ([known[0], known[-1]] if len(known) > 1 else known)) or "never"
