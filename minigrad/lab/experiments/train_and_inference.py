"""In training an example's output depends on the rest of its batch; in inference it does not."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn

from ..experiment import Bench, Outcome, experiment
from ..figures import BLUE, ORANGE
from ..measure import tiny, verdict
from ..training import digits, network, train


def draw(figure: Any, data: dict[str, Any]) -> None:
    """The scores of one digit in many batches, in both modes."""
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, mode, colour in ((left, "training", ORANGE), (right, "inference", BLUE)):
        scores = np.array(data[mode])
        for row in scores:
            axes.plot(row, color=colour, marker="o", markersize=3, linewidth=0.6, alpha=0.6)
        spread = np.ptp(scores, axis=0).max()
        axes.set(title=f"{mode} mode: differs by {spread:.3g}", xlabel="class", xticks=range(10))
    left.set_ylabel("score")
    figure.suptitle(
        f"the scores of one digit among {len(data['training'])} different sets of batch-mates"
    )


@experiment(
    row="B20",
    claim="normalize by the mean and standard deviation of the values in the current batch",
    sources=["S3", "S0"],
    setup="A trained network with batch norm; the same 10 digits in batches of 60, each with "
    "different batch-mates, in training mode and in inference mode.",
    expected="Scores change with the batch-mates in training mode, and not at all in inference mode.",
    draw=draw,
    seeds=3,
    quick_seeds=1,
)
def train_and_inference(bench: Bench) -> Outcome:
    """Put the same digits into different batches."""
    data, (images, _) = digits()
    rows: list[list[str]] = []
    shown: dict[str, Any] = {}
    found = []
    for seed in bench.seeds:
        bench.report(len(rows), len(bench.seeds), f"seed {seed}")
        model = network([64, 100, 10], seed, nn.BatchNorm1d)
        train(model, mg.optim.SGD(model.parameters(), lr=0.1), data, 300, 60, seed)
        rng = np.random.default_rng([seed, 3])
        spread = {}
        for mode in ("training", "inference"):
            model.train(mode == "training")
            scores = []
            for _ in range(12):
                mates = rng.choice(np.arange(10, len(images)), 50, replace=False)
                with mg.no_grad():
                    scores.append(model(images[np.r_[:10, mates]]).numpy()[:10])
            spread[mode] = float(np.ptp(scores, axis=0).max())
            shown.setdefault(mode, [s[0].tolist() for s in scores])
        found.append(spread)
        rows.append([str(seed), f"{spread['training']:.2f}", tiny(spread["inference"])])
    least = min(f["training"] for f in found)
    most = max(f["inference"] for f in found)
    return Outcome(
        verdict(least > 0.01 and most == 0, part=least > 100 * most),
        f"With other batch-mates a score moves by up to {max(f['training'] for f in found):.2f} in "
        f"training mode (at least {least:.2f} for every seed) and "
        f"{f'by {most:.0e}' if most else 'not at all'} in inference mode.",
        ["seed", "training mode", "inference mode"],
        rows,
        shown,
    )
