"""A penalty on the statistics normalizes imperfectly, and costs loss."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn, optim

from ..experiment import Bench, Outcome, experiment
from ..figures import BLUE, GREEN, ORANGE
from ..measure import behind, final, middle, said, verdict
from ..training import digits, network, train

WEIGHTS = [0.01, 0.1, 1.0, 10.0]  # of the penalty


class Penalised(nn.Module):
    """Changes nothing; remembers the penalty on what passed through."""

    def forward(self, x: Any) -> Any:
        """x itself."""
        self.value = mg.batchnorm.penalty(x)
        return x


def draw(figure: Any, data: dict[str, Any]) -> None:
    """How far from normalized, and the loss, against the weight of the penalty."""
    left, right = figure.subplots(1, 2)
    for axes, key, label, title, scale in (
        (
            left,
            "residuals",
            "(variance - 1)², mean over units",
            "a penalty never normalizes as well",
            "log",
        ),
        (right, "losses", "training loss", "and the loss is far from batch norm's", "linear"),
    ):
        x, y = zip(
            *[(w, v) for w, v in zip(WEIGHTS, data[key]["penalty"]) if v is not None], strict=True
        )
        axes.plot(x, y, color=ORANGE, linestyle="--", marker="s", label="penalty")
        axes.axhline(data[key]["batch norm"], color=BLUE, label="batch norm")
        axes.axhline(data[key]["none"], color=GREEN, linestyle="-.", label="nothing")
        axes.set(xscale="log", yscale=scale, xlabel="weight of the penalty", ylabel=label, title=title)
        axes.legend(fontsize=8)


@experiment(
    row="B2",
    claim="adding penalties ... usually resulted in imperfect normalization",
    sources=["S2"],
    setup="Digits, 64-100-10, ReLU, batches of 60, SGD. The loss plus a weight from 0.01 to 10 "
    "times the mean over hidden units of mean² + (variance - 1)² of their pre-activations, against "
    "batch norm without gamma and beta; rates 0.1 and 1, 500 steps (quick: 200). What is left of "
    "(variance - 1)² is measured on 600 digits.",
    expected="More weight normalizes better, never as well as batch norm, and costs loss.",
    draw=draw,
)
def penalty(bench: Bench) -> Outcome:
    """Train with penalties of all weights, with batch norm, and with neither."""
    data, _ = digits()
    steps = 200 if bench.quick else 500
    plan = [(rate, weight) for rate in (0.1, 1.0) for weight in (0.0, *WEIGHTS, None)]
    runs: dict[tuple[float, float | None], list[tuple[float | None, float | None]]] = {
        p: [] for p in plan
    }
    for i, (seed, (rate, weight)) in enumerate([(s, p) for s in bench.seeds for p in plan]):
        note = "batch norm" if weight is None else f"weight {weight:g}"
        bench.report(i, len(plan) * len(bench.seeds), f"seed {seed}, rate {rate:g}, {note}")
        runs[rate, weight].append(_run(data, seed, rate, weight, steps))

    def median(rate: float, weight: float | None, which: int) -> float | None:
        return middle([run[which] for run in runs[rate, weight]])

    residuals = [median(0.1, w, 0) for w in WEIGHTS]
    losses = [median(0.1, w, 1) for w in WEIGHTS]
    imperfect, costs = (
        all(
            behind(mine[which], normed[which], factor)
            for w in WEIGHTS
            for mine, normed in zip(runs[0.1, w], runs[0.1, None], strict=True)
        )
        for which, factor in ((0, 100.0), (1, 1.0))
    )
    left = [r for r in residuals if r is not None]
    lost = [w for w in WEIGHTS if median(1.0, w, 1) is None]
    at_one = (
        f"At rate 1, batch norm trains (loss {said(median(1.0, None, 1))}); the penalty diverges with "
        f"weight {', '.join(f'{w:g}' for w in lost)}." if lost else "At rate 1 all of them train."
    )  # fmt: skip
    return Outcome(
        verdict(imperfect and costs, part=imperfect),
        f"Weights from 0.01 to 10 leave (variance - 1)² at {max(left):.2f} to {min(left):.0e}, "
        f"batch norm at {median(0.1, None, 0):.0e}. The loss ends at {said(losses[0])} to "
        f"{said(losses[-1])}, with batch norm at {said(median(0.1, None, 1))}. {at_one}",
        ["rate", "weight of the penalty", "(variance - 1)² left", "loss"],
        [
            [
                f"{rate:g}", "batch norm" if weight is None else f"{weight:g}" if weight else "none",
                "-" if median(rate, weight, 1) is None else f"{median(rate, weight, 0):.1e}",
                said(median(rate, weight, 1)),
            ]
            for rate, weight in plan
        ],
        {
            "residuals": {
                "penalty": residuals, "batch norm": median(0.1, None, 0), "none": median(0.1, 0.0, 0),
            },
            "losses": {
                "penalty": losses, "batch norm": median(0.1, None, 1), "none": median(0.1, 0.0, 1),
            },
        },
    )  # fmt: skip


def _run(
    data: Any, seed: int, rate: float, weight: float | None, steps: int
) -> tuple[float | None, float | None]:
    """What is left of (variance - 1)², and the loss; a weight of None is batch norm."""
    watch = Penalised()
    plain = nn.CrossEntropyLoss()
    model = network(
        [64, 100, 10],
        seed,
        lambda width: nn.BatchNorm1d(width, affine=False) if weight is None else watch,
    )
    measured: list[float] = []

    def criterion(scores: Any, labels: Any) -> Any:
        loss = plain(scores, labels)
        measured.append(loss.item())
        return loss + weight * watch.value if weight else loss

    train(model, optim.SGD(model.parameters(), lr=rate), data, steps, seed=seed, criterion=criterion)
    if len(measured) < steps or not np.isfinite(measured[-1]):
        return None, None
    with mg.no_grad():
        hidden = model[1](model[0](data[0][:600])).numpy()
    return float(((hidden.var(axis=0) - 1.0) ** 2).mean()), final(measured)
