"""The glossary's PyTorch example squashes twice: its loss cannot go below 1.4612."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn

from ..experiment import Bench, Outcome, experiment
from ..figures import lines
from ..measure import thinned, verdict
from ..training import accuracy, digits, network, train

FLOOR = float(-np.log(np.e / (np.e + 9)))  # ten classes, the right one's probability 1


def draw(figure: Any, data: dict[str, Any]) -> None:
    """The training loss, and the floor."""
    axes = figure.subplots()
    lines(axes, data["steps"], data["losses"], markers=False)
    axes.axhline(FLOOR, color="black", linestyle=":", label=f"floor of the text's loss: {FLOOR:.4f}")
    axes.set(yscale="log", xlabel="step", ylabel="training loss (mean of 43 batches)")
    axes.set_title("softmax before CrossEntropyLoss: the loss stops at its floor")
    axes.legend(fontsize=8)


@experiment(
    row="B19",
    claim="self.softmax = nn.Softmax(dim=1) ... criterion = nn.CrossEntropyLoss()",
    sources=["S1"],
    setup="The glossary's model (64 pixels instead of 784), which ends in a softmax, trained with "
    "CrossEntropyLoss, which applies one itself; and the same on scores. Adam 0.001, batches of 32.",
    expected=f"As written it learns all the same, but its loss cannot fall below {FLOOR:.4f}, and it "
    "learns more slowly.",
    draw=draw,
    seeds=3,
    quick_seeds=1,
)
def double_softmax(bench: Bench) -> Outcome:
    """Train both, and look at the loss after five epochs and at the end."""
    data, test = digits()
    epoch = len(data[0]) // 32
    steps = (15 if bench.quick else 70) * epoch
    kinds = {"as in the text": [nn.Softmax(dim=1)], "on scores": []}
    rows: list[list[str]] = []
    curves: dict[str, list[float]] = {}
    early, last, lowest = {}, {}, {}
    for kind, tail in kinds.items():
        found: list[tuple[float, ...]] = []
        for seed in bench.seeds:
            bench.report(len(rows) + len(found), 2 * len(bench.seeds), f"{kind}, seed {seed}")
            model = nn.Sequential(*network([64, 64, 10], seed, nn.BatchNorm1d), *tail)
            five: list[float] = []

            def look(step: int, loss: float, model: Any = model, five: list[float] = five) -> None:
                if step == 5 * epoch:
                    five.append(accuracy(model, test))

            losses = train(
                model, mg.optim.Adam(model.parameters(), lr=1e-3), data, steps, 32, seed, look
            )
            means = np.convolve(losses, np.ones(epoch) / epoch, "valid")
            found.append((five[0], accuracy(model, test), float(means[-1]), min(losses)))
            curves.setdefault(kind, thinned(means))
        early[kind], last[kind], loss = (float(np.mean([f[i] for f in found])) for i in range(3))
        lowest[kind] = min(f[3] for f in found)
        rows.append(
            [kind, f"{early[kind]:.3f}", f"{last[kind]:.3f}", f"{loss:.4f}", f"{lowest[kind]:.4f}"]
        )
    text, scores = kinds
    floored = lowest[text] >= FLOOR - 1e-4 and lowest[scores] < FLOOR / 2
    learns = last[text] > 0.9
    return Outcome(
        # The example is right if its loss says how well it has learnt.
        verdict(not floored and learns, part=learns),
        f"As written the lowest loss of any batch is {lowest[text]:.4f}, the floor {FLOOR:.4f}; on "
        f"scores {lowest[scores]:.4f}. After five epochs {early[text]:.3f} of the test digits "
        f"against {early[scores]:.3f}, after {steps} steps {last[text]:.3f} against "
        f"{last[scores]:.3f}: the example learns, more slowly, and its loss does not show it.",
        ["loss", "accuracy after 5 epochs", "at the end", "last loss", "lowest loss"],
        rows,
        {"losses": curves, "steps": thinned(range(epoch, steps + 1))},
    )
