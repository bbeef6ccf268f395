"""How smooth the loss is along the gradient: how much loss and gradient change within a step."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn

from ..experiment import Bench, Outcome, experiment
from ..figures import BLUE, ORANGE
from ..measure import verdict
from ..training import digits, he, network, train
from .paper_figure import KINDS

LR = 0.1
EARLY = 300  # steps; later both losses are near zero, and so is all that is probed
LENGTHS = [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]  # of a probe, in steps of the training
PROBES = ["loss range", "gradient change", "effective smoothness"]


def probe(model: Any, x: Any, y: Any) -> tuple[float, float, float, float]:
    """Least and largest loss, gradient change, and effective smoothness along the gradient."""
    parameters = list(model.parameters())
    start = [p.numpy().copy() for p in parameters]

    def look() -> tuple[float, Any]:
        model.zero_grad()
        loss = nn.CrossEntropyLoss()(model(x), y)
        loss.backward()
        return loss.item(), np.concatenate([p.grad.numpy().ravel().astype(float) for p in parameters])

    loss, gradient = look()
    direction = [p.grad.numpy().copy() for p in parameters]
    losses, changes, ratios = [loss], [], []
    for length in LENGTHS:
        for p, old, d in zip(parameters, start, direction, strict=True):
            p.data = old - length * LR * d
        value, there = look()
        losses.append(value)
        changes.append(float(np.linalg.norm(there - gradient)))
        ratios.append(changes[-1] / (length * LR * float(np.linalg.norm(gradient)) or 1.0))
    for p, old in zip(parameters, start, strict=True):
        p.data = old
    model.zero_grad()
    return min(losses), max(losses), max(changes), max(ratios)


def probed(norm: Any, data: Any, steps: int, every: int, seed: int) -> Any:
    """A row of probes every so many steps of training."""
    model = network([64, 100, 100, 100, 100, 100, 10], seed, norm, scale=he())
    pick = np.random.default_rng([seed, 2])
    found: list[Any] = []

    def look(step: int, loss: float) -> None:
        if step % every == 0:
            chosen = pick.choice(len(data[0]), 60, replace=False)
            found.append(probe(model, data[0][chosen], data[1][chosen]))

    train(model, mg.optim.SGD(model.parameters(), lr=LR), data, steps, 60, seed, look)
    return np.array(found)


def draw(figure: Any, data: dict[str, Any]) -> None:
    """The loss along the gradient as a band, then the two other probes."""
    panels = figure.subplots(1, 3)
    steps = data["steps"]
    for (kind, rows), colour, hatch in zip(
        data["probes"].items(), (ORANGE, BLUE), ("//", ""), strict=True
    ):
        low, high, change, ratio = np.array(rows).T
        panels[0].fill_between(steps, low, high, color=colour, alpha=0.45, hatch=hatch, label=kind)
        style = "--" if hatch else "-"
        panels[1].plot(steps, change, style, color=colour, label=kind)
        panels[2].plot(steps, ratio, style, color=colour, label=kind)
    panels[0].set(title="loss up to 4 steps ahead")
    panels[1].set(title="change of the gradient")
    panels[2].set(title="the same per distance")
    panels[2].yaxis.set_minor_formatter("")
    for axes in panels:
        axes.set(xlabel="step", yscale="log")
        axes.legend(fontsize=8)
    figure.suptitle("how much the landscape changes along the gradient: narrow and low is smooth")


@experiment(
    row="C2",
    claim="batch norm makes the optimization landscape significantly smoother",
    sources=["Santurkar"],
    setup="Five layers of 100 ReLUs on digits, SGD 0.1. On the way, along the gradient from half a "
    "step to four: the range of the loss, the largest change of the gradient, and that per distance.",
    expected=f"All three smaller with batch norm, in the median over the first {EARLY} steps, in "
    "which both networks learn.",
    draw=draw,
)
def smoothness(bench: Bench) -> Outcome:
    """Probe both."""
    data, _ = digits()
    steps, every = (EARLY, 15) if bench.quick else (3 * EARLY, 15)
    rows: list[list[str]] = []
    shown: dict[str, Any] = {}
    medians = []
    late: dict[str, list[Any]] = {k: [] for k in KINDS}
    for seed in bench.seeds:
        one = {}
        for kind, norm in KINDS.items():
            bench.report(len(rows), len(bench.seeds) * len(KINDS), f"{kind}, seed {seed}")
            found = probed(norm, data, steps, every, seed)
            shown.setdefault(kind, np.maximum(found, 1e-6).tolist())
            ranges = np.stack([found[:, 1] - found[:, 0], found[:, 2], found[:, 3]])
            one[kind] = np.median(ranges[:, : EARLY // every], axis=1)
            late[kind].append(float(np.median(ranges[0, EARLY // every :])) if steps > EARLY else None)
            rows.append([kind, str(seed), *[f"{v:.3g}" for v in one[kind]]])
        medians.append(one)
    smoother = [all(m["batch norm"][i] < m["plain"][i] for m in medians) for i in range(3)]
    mean = {k: np.mean([m[k] for m in medians], axis=0) for k in KINDS}
    return Outcome(
        verdict(all(smoother), part=any(smoother)),
        f"Means over the seeds of the medians over the first {EARLY} steps, plain and with batch norm: "
        + "; ".join(
            f"{name} {a:.3g} and {b:.3g}"
            for name, a, b in zip(PROBES, mean["plain"], mean["batch norm"], strict=True)
        )
        + f". With batch norm {sum(smoother)} of the 3 are smaller for every seed."
        + (
            f" After step {EARLY}, when both have learnt the training digits, the loss range is, "
            "likewise, "
            f"{np.mean(late['plain']):.2g} and {np.mean(late['batch norm']):.2g}."
            if steps > EARLY
            else ""
        ),
        ["network", "seed", *PROBES],
        rows,
        {"steps": [every * (i + 1) for i in range(len(shown["plain"]))], "probes": shown},
    )
