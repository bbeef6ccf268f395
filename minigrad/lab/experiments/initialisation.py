"""Batch norm learns from initial weights of almost any size; the plain network from one."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import optim

from ..experiment import Bench, Outcome, experiment
from ..figures import lines
from ..measure import verdict
from ..training import CHANCE, NORMS, digits, he, network, score

FACTORS = [1e-4, 1e-3, 1e-2, 1e-1, 0.3, 1.0, 3.0, 10.0, 100.0]
LEARNT = 0.7  # of the test digits right


def draw(figure: Any, data: dict[str, Any]) -> None:
    """Accuracy against the size of the initial weights."""
    axes = figure.subplots()
    lines(axes, data["factors"], {k: np.mean(v, axis=0).tolist() for k, v in data["accuracy"].items()})
    axes.axhline(CHANCE, color="black", linestyle=":", label="chance")
    axes.set(
        xscale="log", ylim=(0, 1.02), xlabel="initial weights, times He's", ylabel="test digits right"
    )
    axes.set_title("the plain network needs the right initial weights; batch norm hardly cares")
    axes.legend()


@experiment(
    row="B6",
    claim="decreases the model's reliance on initial weight values",
    sources=["S1", "paper"],
    setup="Digits, five hidden layers of 100 ReLU units, He's initial weights times 0.0001 to 100, "
    "batches of 60, SGD with rate 0.1 for 600 steps (quick: 150), with and without batch norm "
    "before each ReLU. A network has learnt if it gets 70 % of the test digits.",
    expected="The plain network learns near factor 1 only, batch norm over several powers of ten.",
    draw=draw,
)
def initialisation(bench: Bench) -> Outcome:
    """Train from weights of all sizes."""
    data, test = digits()
    steps, factors = (150, [1e-3, 1e-1, 1.0, 10.0, 100.0]) if bench.quick else (600, FACTORS)
    found: dict[str, list[list[float]]] = {name: [] for name in NORMS}
    total, done = 2 * len(factors) * len(bench.seeds), 0
    for seed in bench.seeds:
        for name, norm in NORMS.items():
            row = []
            for factor in factors:
                bench.report(done, total, f"seed {seed}, {name}, factor {factor:g}")
                model = network([64, *[100] * 5, 10], seed, norm, scale=he(factor))
                optimizer = optim.SGD(model.parameters(), lr=0.1)
                row.append(score(model, optimizer, data, test, steps, seed))
                done += 1
            found[name].append(row)
    # Per seed how many powers of ten lie between the smallest and the largest that learn.
    decades = {name: [_decades(factors, row) for row in rows] for name, rows in found.items()}
    gain = min(b - a for a, b in zip(decades["plain"], decades["batch norm"], strict=True))
    normed = np.array(found["batch norm"])
    learnt = (normed >= LEARNT).all(axis=0)
    reached = normed[:, learnt] if learnt.any() else normed
    plain = (np.array(found["plain"]) >= LEARNT).all(axis=0)
    return Outcome(
        verdict(gain >= 3, part=gain > 0),
        f"With every seed batch norm learns at {_listed(factors, learnt)} times He's "
        f"({reached.min():.2f} to {reached.max():.2f} of the test digits), the plain network at "
        f"{_listed(factors, plain)}. At the other scales at least one seed fails.",
        ["initial weights, times He's", *[f"{name}: test digits right" for name in NORMS]],
        [
            [f"{f:g}", *[f"{np.mean([row[i] for row in rows]):.3f}" for rows in found.values()]]
            for i, f in enumerate(factors)
        ],
        {"factors": factors, "accuracy": found, "decades": decades},
    )


def _listed(factors: list[float], chosen: Any) -> str:
    texts = [f"{f:g}" for f, yes in zip(factors, chosen, strict=True) if yes] or ["none"]
    return " and ".join(filter(None, [", ".join(texts[:-1]), texts[-1]]))


def _decades(factors: list[float], row: list[float]) -> float:
    learnt = [f for f, a in zip(factors, row, strict=True) if a >= LEARNT]
    return float(np.log10(learnt[-1] / learnt[0])) if learnt else 0.0
