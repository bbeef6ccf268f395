"""Batch norm before the nonlinearity or after it, with four nonlinearities."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn

from ..experiment import Bench, Outcome, experiment
from ..figures import BLUE, GREEN, ORANGE
from ..measure import verdict
from ..training import digits, network, score

ACTIVATIONS = {
    "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "ReLU": nn.ReLU, "leaky ReLU": nn.LeakyReLU,
}  # fmt: skip
PLACES = ["none", "before", "after"]
COLOURS = {"none": (ORANGE, "s"), "before": (BLUE, "o"), "after": (GREEN, "^")}
CLEAR = 0.01  # in test accuracy


def placed(place: str, activation: Any, seed: int) -> Any:
    """Three hidden layers of 64 with batch norm in a place."""
    norm = nn.BatchNorm1d if place != "none" else None
    layers = list(network([64, 64, 64, 64, 10], seed, norm, activation))
    if place == "after":
        for i in range(1, len(layers) - 1, 3):
            layers[i], layers[i + 1] = layers[i + 1], layers[i]
    return nn.Sequential(*layers)


def draw(figure: Any, data: dict[str, Any]) -> None:
    """Accuracy per nonlinearity and place, one panel for each learning rate."""
    panels = figure.subplots(1, len(data["rates"]), sharey=True)
    for axes, rate in zip(panels, data["rates"], strict=True):
        for j, place in enumerate(PLACES):
            colour, marker = COLOURS[place]
            for i, name in enumerate(ACTIVATIONS):
                values = data["accuracy"][f"{name}, {place}, {rate:g}"]
                x = i + 0.22 * (j - 1)
                label = {"none": "no batch norm"}.get(place, place) if i == 0 else None
                axes.plot([x] * len(values), values, marker, color=colour, alpha=0.5, markersize=4)
                axes.plot(x, np.mean(values), marker, color=colour, markersize=8, label=label)
        axes.set(
            xticks=range(len(ACTIVATIONS)), xticklabels=ACTIVATIONS, title=f"learning rate {rate:g}"
        )
    panels[0].set_ylabel("share of test digits")
    panels[-1].legend(fontsize=8, loc="center")
    figure.suptitle("batch norm before or after the nonlinearity; small: one seed, large: the mean")


@experiment(
    row="B11",
    claim="after the non-linearity instead of before: difficult to find any uses in practice",
    sources=["S3"],
    setup="Three hidden layers of 64 on digits with sigmoid, tanh, ReLU or leaky ReLU, batch norm "
    "before, after, or nowhere; SGD with rates 0.1 and 1, batches of 60.",
    expected=f"Before is better than after, by at least {CLEAR:.0%} of the test digits in the mean.",
    draw=draw,
    seeds=5,
    quick_seeds=1,
)
def before_or_after(bench: Bench) -> Outcome:
    """Train every combination."""
    data, test = digits()
    steps = 120 if bench.quick else 400
    rates = [0.1, 1.0]
    found: dict[str, list[float]] = {}
    total = len(ACTIVATIONS) * len(PLACES) * len(rates)
    for name, activation in ACTIVATIONS.items():
        for place in PLACES:
            for rate in rates:
                bench.report(len(found), total, f"{name}, {place}")
                values = found[f"{name}, {place}, {rate:g}"] = []
                for seed in bench.seeds:
                    model = placed(place, activation, seed)
                    optimizer = mg.optim.SGD(model.parameters(), lr=rate)
                    values.append(score(model, optimizer, data, test, steps, seed))
    cases = [(name, rate) for name in ACTIVATIONS for rate in rates]
    margin = {
        (n, r): float(np.mean(found[f"{n}, before, {r:g}"]) - np.mean(found[f"{n}, after, {r:g}"]))
        for n, r in cases
    }
    before = sum(m >= CLEAR for m in margin.values())
    after = sum(m <= -CLEAR for m in margin.values())
    best = max(cases, key=lambda c: abs(margin[c]))
    return Outcome(
        verdict(before == len(cases), part=before > len(cases) / 2 and after == 0),
        f"In {len(cases)} cases before is better by at least {CLEAR:.0%} in {before}, after in "
        f"{after}, and in {len(cases) - before - after} neither. The largest difference is "
        f"{abs(margin[best]):.3f}, for {best[0]} at rate {best[1]:g}, in favour of "
        f"{'before' if margin[best] > 0 else 'after'}.",
        ["nonlinearity", "rate", "no batch norm", "before", "after"],
        [
            [n, f"{r:g}", *[f"{np.mean(found[f'{n}, {p}, {r:g}']):.3f}" for p in PLACES]]
            for n, r in cases
        ],
        {"rates": rates, "accuracy": found},
    )
