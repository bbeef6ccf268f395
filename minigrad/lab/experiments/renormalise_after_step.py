"""Renormalizing after each step undoes a large part of every step."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn, optim

from ..experiment import Bench, Outcome, experiment
from ..figures import lines
from ..measure import behind, blocks, final, middle, said, thinned, verdict
from ..training import digits, network, train

STEPS = 500
INPUTS = ("pixels as they are", "pixels centred")
CASES = [(inputs, rate) for inputs in INPUTS for rate in (0.1, 1.0)]
Run = dict[str, Any]


def draw(figure: Any, data: dict[str, Any]) -> None:
    """The share of each step that is undone, and the loss."""
    left, right = figure.subplots(1, 2)
    lines(left, data["steps"], data["undone"], markers=False, first=1)
    left.set(xlabel="step", ylabel="share of the step undone", ylim=(0, 1.02))
    left.set_title("a large part of every step\nis undone right after")
    left.legend(fontsize=8, loc="lower right")
    lines(right, data["blocks"], data["losses"], markers=False)
    right.set(xlabel="step", ylabel="training loss", yscale="log")
    right.set_title("batch norm, which proposes no such\nchange, is ahead (pixels as they are)")
    right.legend(fontsize=8)


@experiment(
    row="B3",
    claim="significant wasted time, as ... the normalization step repeatedly undid this change",
    sources=["S2"],
    setup="Digits, 64-100-10, ReLU, batches of 60, SGD with rates 0.1 and 1, 500 steps (quick: "
    "250), pixels as they are and centred. After each step the first layer is rewritten so that its "
    "outputs on 600 fixed digits have mean 0 and deviation 1; the share undone is the squared "
    "length of what that changes over that of what the step changed. Against batch norm without "
    "gamma and beta.",
    expected="A large share of each step is undone, and the loss is behind batch norm's.",
    draw=draw,
)
def renormalise_after_step(bench: Bench) -> Outcome:
    """Train with renormalization and with batch norm."""
    (images, labels), _ = digits()
    given = dict(zip(INPUTS, (images, images - images.mean(axis=0)), strict=True))
    steps = STEPS // 2 if bench.quick else STEPS
    runs: dict[tuple[str, float], list[Run]] = {case: [] for case in CASES}
    plan = [(seed, case) for seed in bench.seeds for case in CASES]
    for i, (seed, (inputs, rate)) in enumerate(plan):
        bench.report(i, len(plan), f"seed {seed}, {inputs}, rate {rate:g}")
        run = _renormalised((given[inputs], labels), seed, rate, steps)
        model = network([64, 100, 10], seed, lambda width: nn.BatchNorm1d(width, affine=False))
        optimizer = optim.SGD(model.parameters(), lr=rate)
        run["batch norm"] = train(model, optimizer, (given[inputs], labels), steps, seed=seed)
        runs[inputs, rate].append(run)

    every = [run for case in CASES for run in runs[case]]
    ends = [(final(run["losses"]), final(run["batch norm"])) for run in every]
    wasted = all(np.median(run["undone"]) > 0.25 for run in every)
    worse = all(behind(*pair) for pair in ends)

    def median(case: tuple[str, float], key: str) -> float:
        return float(np.median([np.median(run[key]) for run in runs[case]]))

    raw, centred = [(inputs, 0.1) for inputs in INPUTS]
    shown = {inputs: runs[inputs, 0.1][0] for inputs in INPUTS}
    losses = {"renormalized": shown[INPUTS[0]]["losses"], "batch norm": shown[INPUTS[0]]["batch norm"]}
    end = [said(middle([final(run[key]) for run in runs[raw]])) for key in ("losses", "batch norm")]
    return Outcome(
        verdict(wasted and worse, part=wasted),
        f"At rate 0.1, a median of {median(raw, 'undone'):.0%} of what a step does to the "
        f"pre-activations is undone right after; moving the mean alone makes up "
        f"{median(raw, 'mean'):.0%}. With centred pixels {median(centred, 'undone'):.0%} is undone. "
        f"The loss ends at {end[0]}, with batch norm at {end[1]}.",
        ["inputs", "rate", "seed", "undone", "moves the mean", "loss", "loss, batch norm"],
        [
            [
                inputs, f"{rate:g}", str(seed), f"{np.median(run['undone']):.0%}",
                f"{np.median(run['mean']):.0%}", said(final(run["losses"])),
                said(final(run["batch norm"])),
            ]
            for inputs, rate in CASES
            for seed, run in zip(bench.seeds, runs[inputs, rate], strict=True)
        ],
        {
            "steps": thinned(range(1, steps + 1)),
            "undone": {inputs: thinned(run["undone"]) for inputs, run in shown.items()},
            "blocks": blocks(losses["batch norm"])[0],
            "losses": {name: blocks(values)[1] for name, values in losses.items()},
            "medians": [float(np.median(run["undone"])) for run in every],
            "final": [list(pair) for pair in ends],
        },
    )  # fmt: skip


def _renormalised(data: Any, seed: int, rate: float, steps: int) -> Run:
    """Losses, and per step the share undone and that which moves the mean: medians over units."""
    model = network([64, 100, 10], seed)
    layer, fixed = model[0], data[0][:600]
    undone: list[float] = []
    by_mean: list[float] = []

    def weights() -> Any:
        return layer.weight.numpy(), layer.bias.numpy()

    before = weights()
    layer.weight.data, layer.bias.data = before = mg.batchnorm.renormalise(before, before, fixed)[:2]

    def rewrite(step: int, loss: float) -> None:
        nonlocal before
        after = weights()
        kept = mg.batchnorm.renormalise(before, after, fixed)
        change = fixed @ (after[0] - before[0]).T + (after[1] - before[1])
        moved, whole = len(fixed) * change.mean(axis=0) ** 2, (change**2).sum(axis=0)
        undone.append(float(np.median(kept.undone)))
        by_mean.append(float(np.median(moved[whole > 0] / whole[whole > 0])))
        before = kept.weight, kept.bias
        layer.weight.data, layer.bias.data = before

    losses = train(model, optim.SGD(model.parameters(), lr=rate), data, steps, seed=seed, each=rewrite)
    return {"losses": losses, "undone": undone, "mean": by_mean}
