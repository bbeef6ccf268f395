"""Renormalizing after each step undoes a large part of every step."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn, optim

from ..experiment import Bench, Outcome, experiment
from ..figures import lines
from ..measure import blocks, final, said, thinned, verdict
from ..training import digits, network, train

RATES = [0.1, 1.0]
STEPS = 500


def draw(figure: Any, data: dict[str, Any]) -> None:
    """The share of each step that is undone, and the loss."""
    left, right = figure.subplots(1, 2)
    lines(left, data["steps"], {f"rate {k}": v for k, v in data["undone"].items()}, markers=False)
    left.set(xlabel="step", ylabel="share of the step undone", ylim=(0, 1))
    left.set_title("half of what a step does and more\nis undone right after")
    left.legend(fontsize=8)
    lines(right, data["blocks"], data["losses"], markers=False)
    right.set(xlabel="step", ylabel="training loss, rate 0.1", yscale="log")
    right.set_title("batch norm, which does not\npropose it, is ahead")
    right.legend(fontsize=8)


@experiment(
    row="B3",
    claim="significant wasted time, as ... the normalization step repeatedly undid this change",
    sources=["S2"],
    setup="Digits, 64-100-10, ReLU, batches of 60, SGD with rates 0.1 and 1, 500 steps. After each "
    "step the first layer is rewritten so that its outputs on 600 fixed digits have mean 0 and "
    "deviation 1; the share undone is the squared length of what that changes over that of what the "
    "step changed. Against batch norm without gamma and beta.",
    expected="A large share of each step is undone, and the loss is behind batch norm's.",
    draw=draw,
)
def renormalise_after_step(bench: Bench) -> Outcome:
    """Train with renormalization and with batch norm."""
    data, _ = digits()
    shares: dict[float, list[Any]] = {rate: [] for rate in RATES}
    behind: dict[float, list[Any]] = {rate: [] for rate in RATES}
    ahead: dict[float, list[Any]] = {rate: [] for rate in RATES}
    total, done = 2 * len(RATES) * len(bench.seeds), 0
    for seed in bench.seeds:
        for rate in RATES:
            bench.report(done, total, f"seed {seed}, rate {rate:g}, renormalized")
            losses, undone = _renormalised(data, seed, rate)
            shares[rate].append(undone)
            behind[rate].append(losses)
            bench.report(done + 1, total, f"seed {seed}, rate {rate:g}, batch norm")
            model = network([64, 100, 10], seed, lambda width: nn.BatchNorm1d(width, affine=False))
            optimizer = optim.SGD(model.parameters(), lr=rate)
            ahead[rate].append(train(model, optimizer, data, STEPS, seed=seed))
            done += 2
    medians = {rate: [float(np.median(run)) for run in runs] for rate, runs in shares.items()}
    ends = {
        rate: [(final(a), final(b)) for a, b in zip(behind[rate], ahead[rate], strict=True)]
        for rate in RATES
    }
    wasted = all(m > 0.25 for runs in medians.values() for m in runs)
    worse = all(b is not None and (a is None or a > b) for runs in ends.values() for a, b in runs)

    def middle(rate: float, which: int) -> float | None:
        values = [pair[which] for pair in ends[rate]]
        return None if None in values else float(np.median(values))

    return Outcome(
        verdict(wasted and worse, part=wasted),
        f"Of a step's change to the pre-activations, a median of {np.median(medians[0.1]):.0%} is "
        f"undone at rate 0.1 and {np.median(medians[1.0]):.0%} at rate 1. The loss ends at "
        f"{said(middle(0.1, 0))} and {said(middle(1.0, 0))}, with batch norm at "
        f"{said(middle(0.1, 1))} and {said(middle(1.0, 1))}.",
        ["rate", "seed", "median share undone", "loss, renormalized", "loss, batch norm"],
        [
            [f"{rate:g}", str(seed), f"{medians[rate][i]:.2f}", *map(said, ends[rate][i])]
            for rate in RATES
            for i, seed in enumerate(bench.seeds)
        ],
        {
            "steps": thinned(range(1, STEPS + 1)),
            "undone": {f"{rate:g}": thinned(runs[0]) for rate, runs in shares.items()},
            "blocks": blocks(behind[0.1][0])[0],
            "losses": {
                "renormalized": blocks(behind[0.1][0])[1],
                "batch norm": blocks(ahead[0.1][0])[1],
            },
            "medians": {f"{rate:g}": runs for rate, runs in medians.items()},
            "final": {f"{rate:g}": runs for rate, runs in ends.items()},
        },
    )


def _renormalised(data: Any, seed: int, rate: float) -> tuple[list[float], list[float]]:
    """Losses, and the median share over units that each step lost."""
    model = network([64, 100, 10], seed)
    layer, fixed = model[0], data[0][:600]
    undone: list[float] = []

    def rewrite(step: int, loss: float) -> None:
        nonlocal before
        now = layer.weight.numpy(), layer.bias.numpy()
        kept = mg.batchnorm.renormalise(before, now, fixed)
        undone.append(float(np.median(kept.undone)))
        before = kept.weight, kept.bias
        layer.weight.data, layer.bias.data = before

    before = layer.weight.numpy(), layer.bias.numpy()
    rewrite(0, 0.0)  # begin normalized
    undone.clear()
    losses = train(model, optim.SGD(model.parameters(), lr=rate), data, STEPS, seed=seed, each=rewrite)
    return losses, undone
