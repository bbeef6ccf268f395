"""A small convolutional network with batch norm and without, by learning rate."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn

from ..experiment import Bench, Outcome, experiment
from ..figures import lines
from ..measure import verdict
from ..training import digits, learning_curve

KINDS = ["plain", "batch norm"]
GOAL = 0.9


def network(norm: bool, seed: int) -> Any:
    """Three convolutions, the second with stride 2, the mean of each map, a linear layer."""
    rng = np.random.default_rng(seed)
    layers: list[Any] = [nn.Unflatten(1, (1, 8, 8))]
    for before, after, stride in ((1, 8, 1), (8, 16, 2), (16, 16, 1)):
        layers.append(nn.Conv2d(before, after, 3, stride=stride, padding=1, generator=rng))
        layers += [nn.BatchNorm2d(after)] if norm else []
        layers.append(nn.ReLU())
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10, generator=rng)
    )


def draw(figure: Any, data: dict[str, Any]) -> None:
    """Accuracy over steps at the best rate of each, and at the end for every rate."""
    left, right = figure.subplots(1, 2, sharey=True)
    lines(left, data["steps"], data["curves"])
    left.set(
        xlabel="step", ylabel="share of test digits", title="at the best rate of each", ylim=(0, 1)
    )
    rates = list(data["accuracy"])
    lines(
        right, range(len(rates)), {k: [np.mean(data["accuracy"][r][k]) for r in rates] for k in KINDS}
    )
    right.set(
        xticks=range(len(rates)), xticklabels=rates, xlabel="learning rate of Adam", title="at the end"
    )
    left.legend(fontsize=8, loc="lower right")
    right.legend(fontsize=8, loc="lower left")
    figure.suptitle("a convolutional network on 8x8 digits")


@experiment(
    row="C5",
    claim="enhances the training of convolutional neural networks",
    sources=["S1"],
    setup="Three convolutions of 8 to 16 maps on 8x8 digits, batch norm with one mean and deviation "
    "per map or none, Adam with rates 0.001, 0.01 and 0.1 (0.01 alone when quick), batches of 60.",
    expected=f"{GOAL:.0%} of the test digits in fewer steps, and a better result at the end.",
    draw=draw,
    seeds=3,
    quick_seeds=1,
)
def convolutional(bench: Bench) -> Outcome:
    """Train both at every rate."""
    data, test = digits()
    steps, rates = (200, [0.01]) if bench.quick else (600, [0.001, 0.01, 0.1])
    every = steps // 20
    accuracies: dict[str, dict[str, list[float]]] = {}
    ways: dict[str, list[tuple[float, list[float]]]] = {k: [] for k in KINDS}
    done = 0
    for rate in rates:
        here = accuracies[f"{rate:g}"] = {k: [] for k in KINDS}
        for kind in KINDS:
            curves = []
            for seed in bench.seeds:
                bench.report(done, len(rates) * 2 * len(bench.seeds), f"{kind}, rate {rate:g}")
                done += 1
                model = network(kind != "plain", seed)
                optimizer = mg.optim.Adam(model.parameters(), lr=rate)
                curves.append(learning_curve(model, optimizer, data, test, steps, every, seed))
                here[kind].append(curves[-1][-1])
            ways[kind].append((float(np.mean(here[kind])), np.mean(curves, axis=0).tolist()))
    best = {k: max(v) for k, v in ways.items()}
    at = list(range(0, steps + 1, every))
    reached = {
        k: next((s for s, a in zip(at, c, strict=True) if a >= GOAL), None)
        for k, (_, c) in best.items()
    }
    faster = (reached["batch norm"] or np.inf) < (reached["plain"] or np.inf)
    better = best["batch norm"][0] > best["plain"][0]
    return Outcome(
        verdict(faster and better, part=faster or better),
        f"At the best rate of each, {GOAL:.0%} of the test digits after "
        + " and ".join(
            f"{reached[k] or f'more than {steps}'} steps {n}"
            for k, n in (("batch norm", "with batch norm"), ("plain", "without"))
        )
        + f"; at the end {best['batch norm'][0]:.3f} and {best['plain'][0]:.3f}.",
        ["network", *[f"rate {r}" for r in accuracies]],
        [[k, *[f"{np.mean(v[k]):.3f}" for v in accuracies.values()]] for k in KINDS],
        {"steps": at, "curves": {k: c for k, (_, c) in best.items()}, "accuracy": accuracies},
    )
