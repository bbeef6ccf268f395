"""Batch norm trains at learning rates that kill the plain network."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import optim

from ..experiment import Bench, Outcome, experiment
from ..figures import lines
from ..measure import verdict
from ..training import CHANCE, NORMS, digits, he, network, score

RATES = [0.03, 0.1, 0.3, 1.0, 3.0, 10.0]
LEARNT = 0.8  # of the test digits right


def draw(figure: Any, data: dict[str, Any]) -> None:
    """Accuracy against the rate."""
    axes = figure.subplots()
    lines(axes, data["rates"], {k: np.mean(v, axis=0).tolist() for k, v in data["accuracy"].items()})
    axes.axhline(CHANCE, color="black", linestyle=":", label="chance")
    axes.set(xscale="log", ylim=(0, 1.02), xlabel="learning rate", ylabel="test digits right")
    axes.set_title("batch norm still learns where the plain network dies")
    axes.legend()


@experiment(
    row="B5",
    claim="the use of higher learning rates without risking divergence",
    sources=["S1", "paper"],
    setup="Digits, five hidden layers of 100 ReLU units, He's initial weights, batches of 60, SGD "
    "for 600 steps (quick: 120) at rates from 0.03 to 10, with and without batch norm before each "
    "ReLU. A network has learnt if it gets 80 % of the test digits.",
    expected="The largest rate that learns is several times larger with batch norm.",
    draw=draw,
)
def higher_rates(bench: Bench) -> Outcome:
    """Train at all rates."""
    data, test = digits()
    steps, rates = (120, RATES[1:]) if bench.quick else (600, RATES)
    found: dict[str, list[list[float]]] = {name: [] for name in NORMS}
    total, done = 2 * len(rates) * len(bench.seeds), 0
    for seed in bench.seeds:
        for name, norm in NORMS.items():
            row = []
            for rate in rates:
                bench.report(done, total, f"seed {seed}, {name}, rate {rate:g}")
                model = network([64, *[100] * 5, 10], seed, norm, scale=he())
                optimizer = optim.SGD(model.parameters(), lr=rate)
                row.append(score(model, optimizer, data, test, steps, seed))
                done += 1
            found[name].append(row)
    # Per seed the largest rate that learns.
    largest = {
        name: [max([r for r, a in zip(rates, row) if a >= LEARNT], default=0.0) for row in rows]
        for name, rows in found.items()
    }
    pairs = list(zip(largest["plain"], largest["batch norm"], strict=True))
    wider = min(b / a if a else np.inf for a, b in pairs)
    end = min(largest["batch norm"])
    dead = [
        r
        for i, r in enumerate(rates)
        if r > end and all(row[i] < LEARNT for row in found["batch norm"])
    ]
    limit = f" Batch norm diverges, too: at rate {dead[0]:g} it learns nothing." if dead else ""
    return Outcome(
        verdict(wider >= 3, part=wider > 1),
        f"The plain network learns up to rate {min(largest['plain']):g}, batch norm up to {end:g}: "
        f"{'at least ' if len(pairs) > 1 else ''}{wider:.0f} times as far.{limit}",
        ["learning rate", *[f"{name}: test digits right" for name in NORMS]],
        [
            [f"{rate:g}", *[_range([row[i] for row in rows]) for rows in found.values()]]
            for i, rate in enumerate(rates)
        ],
        {"rates": rates, "accuracy": found, "largest": largest},
    )


def _range(values: list[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:.3f}" if low == high else f"{low:.3f} to {high:.3f}"
