"""Batch norm in a recurrent network that reads a digit row by row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn

from ..experiment import Bench, Outcome, experiment
from ..figures import STYLES
from ..measure import verdict
from ..training import digits, score

STEPS, HIDDEN = 8, 64
CLEAR = 0.02  # more than twice the standard error of an accuracy of 0.97 on 449 digits


class Reader(nn.Module):
    """A tanh network over the rows of a digit, normalised before the tanh if wanted."""

    def __init__(self, norms: list[Any], seed: int) -> None:
        super().__init__()
        rng = np.random.default_rng(seed)
        self.read = nn.Linear(8, HIDDEN, generator=rng)
        self.recur = nn.Linear(HIDDEN, HIDDEN, bias=False, generator=rng)
        self.classify = nn.Linear(HIDDEN, 10, generator=rng)
        self.norms = nn.ModuleList(norms)

    def forward(self, images: Any) -> Any:
        """Scores of the classes."""
        rows = mg.as_tensor(images).reshape(-1, STEPS, 8)
        h: Any = None
        for step in range(STEPS):
            inside = self.read(rows[:, step])
            inside = inside if h is None else inside + self.recur(h)
            if len(self.norms):
                inside = self.norms[step % len(self.norms)](inside)
            h = mg.tanh(inside)
        return self.classify(h)


NORMS: dict[str, Callable[[], list[Any]]] = {
    "none": list,
    "batch norm per step": lambda: [nn.BatchNorm1d(HIDDEN, method="fused") for _ in range(STEPS)],
    "batch norm, shared": lambda: [nn.BatchNorm1d(HIDDEN, method="fused")],
    "layer norm": lambda: [nn.LayerNorm(HIDDEN)],
}


def draw(figure: Any, data: dict[str, Any]) -> None:
    """Test accuracy, a point per seed, for each learning rate."""
    axes = figure.subplots()
    for j, (rate, found) in enumerate(data["accuracy"].items()):
        colour, _, marker = STYLES[j]
        for i, name in enumerate(NORMS):
            label = f"learning rate {rate}" if i == 0 else None
            x = [i + 0.15 * (j - 1)] * len(found[name])
            axes.plot(x, found[name], marker, color=colour, markersize=7, alpha=0.8, label=label)
    axes.set(xticks=range(len(NORMS)), xticklabels=NORMS, ylabel="share of test digits")
    axes.set_title("a recurrent network that reads digits row by row")
    axes.legend(fontsize=8, loc="best")


@experiment(
    row="B15",
    claim="improves the performance of recurrent neural networks",
    sources=["S1"],
    setup="A tanh network of 64 units reads digits as 8 rows; no norm, batch norm with statistics "
    "of its own per step or shared by all steps, or layer norm; SGD with rates 0.1 (not in quick "
    "mode), 0.3 and 1.",
    expected="A clearly better test accuracy with batch norm at the best rate of each.",
    draw=draw,
    seeds=3,
    quick_seeds=1,
)
def recurrent(bench: Bench) -> Outcome:
    """Train all four at three rates."""
    data, test = digits()
    steps = 240 if bench.quick else 600
    rates = [0.3, 1.0] if bench.quick else [0.1, 0.3, 1.0]
    found: dict[str, dict[str, list[float]]] = {f"{r:g}": {} for r in rates}
    done = 0
    for rate in rates:
        for name, norms in NORMS.items():
            bench.report(done, len(rates) * len(NORMS), f"{name}, rate {rate:g}")
            done += 1
            values = found[f"{rate:g}"][name] = []
            for seed in bench.seeds:
                model = Reader(norms(), seed)
                optimizer = mg.optim.SGD(model.parameters(), lr=rate)
                values.append(score(model, optimizer, data, test, steps, seed))
    best = {n: max(float(np.mean(v[n])) for v in found.values()) for n in NORMS}
    bn = max(best["batch norm per step"], best["batch norm, shared"])
    gain = bn - best["none"]
    return Outcome(
        verdict(gain > CLEAR, part=gain > 0.005),
        f"At the best rate of each: {best['none']:.3f} without a norm, "
        f"{best['batch norm per step']:.3f} with batch norm per step, "
        f"{best['batch norm, shared']:.3f} shared, {best['layer norm']:.3f} with layer norm. Batch "
        f"norm gains {gain:+.3f} over none; clear would be more than {CLEAR:g}.",
        ["norm", *[f"rate {r:g}" for r in rates]],
        [[n, *[f"{np.mean(v[n]):.3f}" for v in found.values()]] for n in NORMS],
        {"accuracy": found},
    )
