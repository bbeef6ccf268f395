"""If the gradient does not pass through the statistics, the biases drift and training is slower."""

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
THROUGH, STOPPED = "through the statistics", "statistics held constant"


class Centre(nn.Module):
    """The paper's example: subtract the mean over the batch, and nothing else."""

    def __init__(self, through: bool) -> None:
        super().__init__()
        self.through = through

    def forward(self, x: Any) -> Any:
        """x without its mean."""
        mean = mg.mean(x, axis=0)
        return x - (mean if self.through else mg.stop_gradient(mean))


def draw(figure: Any, data: dict[str, Any]) -> None:
    """The size of the biases, and the loss."""
    left, right = figure.subplots(1, 2)
    lines(left, data["steps"], data["sizes"], markers=False)
    left.set(xlabel="step", ylabel="size of the biases |b|", ylim=(0, None))
    left.set_title("held constant, the biases drift")
    left.legend(fontsize=8)
    lines(right, data["blocks"], data["losses"], markers=False)
    right.set(xlabel="step", ylabel="training loss", yscale="log")
    right.set_title("and the loss falls more slowly")
    right.legend(fontsize=8)


@experiment(
    row="B1",
    claim="Crucially, we back-propagate through these operations",
    sources=["S2", "paper"],
    setup="Digits, 64-100-10, ReLU, batches of 60, SGD with rate 0.1, 500 steps. Batch norm without "
    "gamma and beta, once as it is and once with mean and deviation held constant in the "
    "derivative; then the paper's example, subtracting the mean alone, with rate 1.",
    expected="Held constant, the biases before batch norm grow without any use, and training is "
    "slower; the paper says the model blows up.",
    draw=draw,
)
def stop_gradient(bench: Bench) -> Outcome:
    """Train both ways."""
    data, _ = digits()
    found: dict[str, list[dict[str, Any]]] = {}
    total, done = 4 * len(bench.seeds), 0
    for seed in bench.seeds:
        for through in (True, False):
            for kind in ("batch norm", "centring"):
                bench.report(done, total, f"seed {seed}, {kind}, {THROUGH if through else STOPPED}")
                found.setdefault(f"{kind}, {through}", []).append(_run(data, seed, kind, through))
                done += 1

    def of(name: str, key: str) -> list[Any]:
        return [run[key] for run in found[name]]

    def grown(name: str) -> float:
        return float(np.median(of(name, "grown")))

    drifts = all(
        b > 2 > 1.01 > a
        for kind in ("batch norm", "centring")
        for a, b in zip(of(f"{kind}, True", "grown"), of(f"{kind}, False", "grown"), strict=True)
    )
    slower = [
        behind(b, a, factor=1.2)
        for a, b in zip(of("batch norm, True", "loss"), of("batch norm, False", "loss"), strict=True)
    ]
    lost = sum(run["loss"] is None for runs in found.values() for run in runs)
    both = {THROUGH: found["batch norm, True"][0], STOPPED: found["batch norm, False"][0]}
    return Outcome(
        verdict(drifts and all(slower), part=drifts),
        f"Held constant, |b| grows {grown('batch norm, False'):.1f} times (through: "
        f"{grown('batch norm, True'):.2f}), and the loss ends at "
        f"{said(middle(of('batch norm, False', 'loss')))} instead of "
        f"{said(middle(of('batch norm, True', 'loss')))}. With centring alone, rate 1, |b| grows "
        f"{grown('centring, False'):.0f} times. "
        f"{f'{lost} of {total} runs blow up.' if lost else 'Nothing blows up at this size.'}",
        ["normalized by", "derivative", "seed", "|b| before", "|b| after", "loss"],
        [
            [
                kind, THROUGH if through else STOPPED, str(seed), f"{run['before']:.3f}",
                f"{run['after']:.3f}", said(run["loss"]),
            ]
            for kind in ("batch norm", "centring")
            for through in (True, False)
            for seed, run in zip(bench.seeds, found[f"{kind}, {through}"], strict=True)
        ],
        {
            "steps": thinned(range(STEPS + 1)),
            "sizes": {k: thinned(v["sizes"]) for k, v in both.items()},
            "blocks": blocks(both[THROUGH]["losses"])[0],
            "losses": {k: blocks(v["losses"])[1] for k, v in both.items()},
            "grown": {k: [run["grown"] for run in runs] for k, runs in found.items()},
            "final": {k: [run["loss"] for run in runs] for k, runs in found.items()},
        },
    )  # fmt: skip


def _run(data: Any, seed: int, kind: str, through: bool) -> dict[str, Any]:
    """One training; how far the biases went, and the loss."""

    def norm(width: int) -> Any:
        if kind == "centring":
            return Centre(through)
        return nn.BatchNorm1d(width, affine=False, through_statistics=through)

    model = network([64, 100, 10], seed, norm)
    sizes = [_size(model[0].bias)]
    losses = train(
        model,
        optim.SGD(model.parameters(), lr=1.0 if kind == "centring" else 0.1),
        data,
        STEPS,
        seed=seed,
        each=lambda step, loss: sizes.append(_size(model[0].bias)),
    )
    return {
        "sizes": sizes, "losses": losses, "loss": final(losses), "before": sizes[0], "after": sizes[-1],
        "grown": sizes[-1] / sizes[0],
    }  # fmt: skip


def _size(bias: Any) -> float:
    return float(np.linalg.norm(bias.numpy()))
