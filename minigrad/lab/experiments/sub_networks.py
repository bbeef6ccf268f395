"""Every layer is the first of a smaller network: cut anywhere, the gradients are the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn

from ..experiment import Bench, Outcome, experiment
from ..figures import BLUE, label_bar
from ..measure import verdict
from ..training import digits, network

HIDDEN = 4  # layers


def draw(figure: Any, data: dict[str, Any]) -> None:
    """Per cut the share of gradient entries that agree to the bit."""
    axes = figure.subplots()
    names = [f"layers {i} to {HIDDEN + 1} alone" for i in range(2, HIDDEN + 1)]
    names.append(f"layer {HIDDEN + 1} alone")
    shares = [100 * same / total for same, total in zip(data["same"], data["total"], strict=True)]
    bars = axes.barh(names, shares, color=BLUE)
    for bar, same, total in zip(bars, data["same"], data["total"], strict=True):
        label_bar(axes, bar, f"{same:,} of {total:,}")
    axes.set(xlim=(0, 135), xticks=range(0, 101, 25), xlabel="gradients with the same bits, percent")
    axes.set_title("the upper layers, fed with the activations below, get the very same gradients")
    axes.invert_yaxis()


@experiment(
    row="A8",
    claim="think of any layer in a neural network as the first layer of a smaller network",
    sources=["S3"],
    setup="A network of five linear layers with batch norm on 60 digits. It is cut after each "
    "layer; the layers above get the detached activations of those below as data. Their gradients "
    "are compared with those in the whole, bit by bit.",
    expected="Not one bit of difference.",
    draw=draw,
    seeds=3,
    quick_seeds=3,
)
def sub_networks(bench: Bench) -> Outcome:
    """Cut after every layer and compare."""
    (images, labels), _ = digits()
    criterion = nn.CrossEntropyLoss()
    same, total = [0] * HIDDEN, [0] * HIDDEN
    for seed in bench.seeds:
        chosen = np.random.default_rng(seed).choice(len(images), 60, replace=False)
        for cut in range(1, HIDDEN + 1):
            whole, part = (network([64, *[32] * HIDDEN, 10], seed, nn.BatchNorm1d) for _ in range(2))
            criterion(whole(images[chosen]), labels[chosen]).backward()
            layers = list(part)
            below, above = layers[: 3 * cut], layers[3 * cut :]
            activation: Any = mg.tensor(images[chosen])
            for layer in below:
                activation = layer(activation)
            activation = activation.detach()
            for layer in above:
                activation = layer(activation)
            criterion(activation, labels[chosen]).backward()
            for one, other in zip(list(whole)[3 * cut :], above, strict=True):
                for p, q in zip(one.parameters(), other.parameters(), strict=True):
                    same[cut - 1] += int((p.grad.numpy() == q.grad.numpy()).sum())
                    total[cut - 1] += p.size
    wrong = sum(total) - sum(same)
    return Outcome(
        verdict(not wrong),
        f"Of {sum(total):,} gradient entries at {HIDDEN} cuts, {wrong} differ in a bit. What a layer "
        "learns depends on the layers below through its input alone.",
        ["cut after layer", "gradient entries", "with the same bits"],
        [[str(i), f"{t:,}", f"{s:,}"] for i, (s, t) in enumerate(zip(same, total, strict=True), 1)],
        {"same": same, "total": total},
    )
