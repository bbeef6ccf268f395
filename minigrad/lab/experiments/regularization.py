"""Batch norm's noise falls with the batch size; whether it regularises is another question."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn

from ..experiment import Bench, Outcome, experiment
from ..figures import BLUE, GREY, ORANGE, lines
from ..measure import verdict
from ..training import accuracy, digits, network, train

SIZES = [16, 32, 64, 128, 256]
FEW = 200  # training examples
GAIN = 0.005  # in test accuracy, and with every seed
WIDTHS = [64, 100, 100, 10]


def noise(model: Any, images: Any, m: int, rng: np.random.Generator) -> float:
    """Deviation of eight digits' scores over batches of m."""
    model = copy.deepcopy(model)  # its running averages stay as they are
    scores = []
    for _ in range(40):
        mates = rng.choice(np.arange(8, len(images)), m - 8, replace=False)
        with mg.no_grad():
            scores.append(model(images[np.r_[:8, mates]]).numpy()[:8])
    return float(np.std(scores, axis=0).mean())


def with_dropout(model: Any, seed: int) -> Any:
    """The same network with dropout after every activation."""
    rng = np.random.default_rng([seed, 4])
    layers: list[Any] = []
    for layer in model:
        layers += [layer, nn.Dropout(0.3, generator=rng)] if isinstance(layer, nn.ReLU) else [layer]
    return nn.Sequential(*layers)


def few_examples(seed: int, steps: int, report: Any) -> dict[str, tuple[float, float]]:
    """Accuracy on the test digits, and on the few examples of the training."""
    (images, labels), test = digits()
    chosen = np.random.default_rng([seed, 5]).choice(len(images), FEW, replace=False)
    few = images[chosen], labels[chosen]
    variants = {
        "plain": (None, 16), "dropout": (None, 16), "batch norm, m = 2": (nn.BatchNorm1d, 2),
        "batch norm, m = 16": (nn.BatchNorm1d, 16), "batch norm, m = 64": (nn.BatchNorm1d, 64),
    }  # fmt: skip
    found = {}
    for name, (norm, size) in variants.items():
        report(name)
        model = network(WIDTHS, seed, norm)
        if name == "dropout":
            model = with_dropout(model, seed)
        train(model, mg.optim.SGD(model.parameters(), lr=0.1), few, steps, size, seed)
        found[name] = accuracy(model, test), accuracy(model, few)
    return found


def _compared(best: str, found: list[dict[str, float]]) -> str:
    """The best of batch norm beside the plain network, seed by seed."""
    ahead = [f[best] - f["plain"] for f in found]
    more, count = sum(a > 0 for a in ahead), len(ahead)
    return (
        f"The best of these is {np.mean(ahead):+.3f} from plain, ahead with {more} of {count} seeds; a "
        f"gain would be more than {GAIN:g}, with all of them."
    )


def draw(figure: Any, data: dict[str, Any]) -> None:
    """Noise by batch size, and test accuracy by method."""
    left, right = figure.subplots(1, 2)
    expected = [data["noise"][0] * (SIZES[0] / m) ** 0.5 for m in SIZES]
    lines(left, SIZES, {"measured": data["noise"], "falling as 1/√m": expected})
    left.set(
        xscale="log", yscale="log", xticks=SIZES, xticklabels=SIZES, xlabel="batch size m",
        ylabel="deviation of a score", title="(a) noise from the batch-mates",
    )  # fmt: skip
    left.xaxis.minorticks_off()
    left.legend(fontsize=8)
    names = list(data["accuracy"])
    colours = [GREY, ORANGE] + [BLUE] * (len(names) - 2)
    for i, (values, colour) in enumerate(zip(data["accuracy"].values(), colours, strict=True)):
        right.barh(i, np.mean(values), color=colour, alpha=0.5)
        right.plot(values, [i] * len(values), "k.", markersize=4)
        right.text(0.02, i, f"{np.mean(values):.3f}", va="center")
    right.set(yticks=range(len(names)), yticklabels=names, xlim=(0, 1), xlabel="share of test digits")
    right.set_title(f"(b) trained on {FEW} digits")
    right.invert_yaxis()


@experiment(
    row="B10",
    claim="the noise can have a regularizing effect, and sometimes makes dropout unnecessary",
    sources=["S2", "S1"],
    setup="(a) A trained network: how much a digit's scores vary with its batch-mates, for batches "
    f"of 16 to 256. (b) Two layers of 100 trained on {FEW} digits only: test accuracy plain, with "
    "dropout, and with batch norm in batches of 2, 16 and 64.",
    expected="Noise that falls as 1/√m, and better test accuracy than plain, as good as with dropout.",
    draw=draw,
    seeds=5,
    quick_seeds=2,
)
def regularization(bench: Bench) -> Outcome:
    """Measure the noise, then what it is good for."""
    data, (images, _) = digits()
    steps = 400 if bench.quick else 1000
    total, done = 6 * len(bench.seeds), 0

    def tell(note: str) -> None:
        nonlocal done
        bench.report(done, total, note)
        done += 1

    deviations, found, fitted = np.zeros(len(SIZES)), [], []
    for seed in bench.seeds:
        tell(f"noise, seed {seed}")
        model = network(WIDTHS, seed, nn.BatchNorm1d)
        train(model, mg.optim.SGD(model.parameters(), lr=0.1), data, 300, 60, seed)
        rng = np.random.default_rng([seed, 3])
        deviations += [noise(model, images, m, rng) / len(bench.seeds) for m in SIZES]
        both = few_examples(seed, steps, tell)
        found.append({k: v[0] for k, v in both.items()})
        fitted.append({k: v[1] for k, v in both.items()})
    slope = float(np.polyfit(np.log(SIZES), np.log(deviations), 1)[0])
    noisy = -0.65 < slope < -0.35
    means = {k: float(np.mean([f[k] for f in found])) for k in found[0]}
    best = max((k for k in means if k.startswith("batch")), key=means.__getitem__)
    gains = all(f[best] > f["plain"] for f in found) and means[best] > means["plain"] + GAIN
    no_dropout = means[best] >= means["dropout"] - 0.005
    return Outcome(
        verdict(noisy and gains and no_dropout, part=noisy or gains),
        f"(a) The scores' deviation falls as m to the {slope:.2f}, from {deviations[0]:.2f} at 16 to "
        f"{deviations[-1]:.2f} at 256. (b) On {FEW} digits: plain {means['plain']:.3f}, dropout "
        f"{means['dropout']:.3f}, batch norm {means['batch norm, m = 16']:.3f} at m = 16, "
        f"{means['batch norm, m = 64']:.3f} at 64 and {means['batch norm, m = 2']:.3f} at 2, where "
        f"every normalised value is ±1 or 0. {_compared(best, found)}",
        ["network", "mean test accuracy", "lowest", "highest", "on the 200"],
        [
            [
                k,
                f"{v:.3f}",
                f"{min(f[k] for f in found):.3f}",
                f"{max(f[k] for f in found):.3f}",
                f"{np.mean([f[k] for f in fitted]):.3f}",
            ]
            for k, v in means.items()
        ],
        {"noise": deviations.tolist(), "accuracy": {k: [f[k] for f in found] for k in means}},
    )
