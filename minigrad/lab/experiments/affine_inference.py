"""In use, batch norm is one affine map, which the layer before can absorb."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn

from ..experiment import Bench, Outcome, experiment
from ..figures import STYLES
from ..measure import error, verdict

BOUND = 1e-12


def draw(figure: Any, data: dict[str, Any]) -> None:
    """One unit's output against its input, in training and in use."""
    axes = figure.subplots()
    for i, points in enumerate(data["training"]):
        colour, _, marker = STYLES[i + 1]
        x, y = np.array(points).T
        axes.plot(x, y, marker, color=colour, markersize=4, alpha=0.7, label=f"training, batch {i + 1}")
    x, y = np.array(data["inference"]).T
    axes.plot(x, y, color=STYLES[0][0], label="in use: one line for all")
    axes.set(xlabel="what comes into batch norm", ylabel="what comes out")
    axes.set_title("in training every batch has a line of its own; in use there is one")
    axes.legend(fontsize=8)


@experiment(
    row="A11",
    claim="a linear transform applied to each activation",
    sources=["paper"],
    setup="Linear and Conv2d layers with batch norm in float64 that saw ten batches of different "
    "mean and deviation, in inference mode, against the folded layers; the same example among "
    "different batch-mates.",
    expected="The folded layer gives the same to rounding; batch-mates change nothing.",
    draw=draw,
    seeds=5,
    quick_seeds=5,
)
def affine_inference(bench: Bench) -> Outcome:
    """Fold, and compare."""
    folded = {"Linear": 0.0, "Conv2d": 0.0}
    in_use = in_training = 0.0
    for seed in bench.seeds:
        rng = np.random.default_rng(seed)
        for kind in folded:
            model, shape = layers(kind, seed)
            for _ in range(10):
                model(rng.normal(rng.normal(), rng.uniform(0.5, 2.0), (30, *shape)))
            x, mates, others = rng.normal(1.0, 2.0, (3, 30, *shape))
            mates[0] = others[0] = x[0]
            in_training = max(in_training, error(model(mates).numpy()[0], model(others).numpy()[0]))
            model.eval()
            small = nn.utils.fold_batchnorm(model)
            folded[kind] = max(folded[kind], error(small(x).numpy(), model(x).numpy()))
            change = model(mates).numpy()[0] - model(others).numpy()[0]
            in_use = max(in_use, float(np.abs(change).max()))
    return Outcome(
        verdict(max(folded.values()) <= BOUND and in_use == 0.0),
        f"Folded into the layer before, the same comes out to {max(folded.values()):.0e}. Other "
        f"batch-mates change an example by {in_use:g} in use, and by {in_training:.0%} in training.",
        ["what", "largest difference"],
        [
            *[[f"{k} with batch norm against folded", f"{v:.1e}"] for k, v in folded.items()],
            ["other batch-mates, in use", f"{in_use:g}"],
            ["other batch-mates, in training", f"{in_training:.2f}"],
        ],
        lines_of_one_unit(),
    )


def layers(kind: str, seed: int) -> tuple[Any, tuple[int, ...]]:
    """A layer with batch norm, and the shape of an example."""
    generator = np.random.default_rng(seed)
    if kind == "Linear":
        pair = nn.Linear(6, 4, generator=generator), nn.BatchNorm1d(4)
    else:
        pair = nn.Conv2d(2, 4, 3, generator=generator), nn.BatchNorm2d(4)
    model = nn.Sequential(*pair).double()
    for p in (pair[1].weight, pair[1].bias):
        p.data = generator.normal(1.0, 0.5, p.shape)
    return model, (6,) if kind == "Linear" else (2, 6, 6)


def lines_of_one_unit() -> dict[str, Any]:
    """Inputs and outputs of a batch norm: three batches in training, then in use."""
    rng = np.random.default_rng(0)
    layer = nn.BatchNorm1d(1, momentum=None).double()
    training = []
    for mean, deviation in ((-1.0, 0.7), (0.5, 1.6), (2.0, 1.0)):
        x = rng.normal(mean, deviation, (12, 1))
        training.append(np.hstack([x, layer(mg.tensor(x)).numpy()]).round(4).tolist())
    ends = np.array([[-3.0], [5.0]])
    used = layer.eval()(mg.tensor(ends)).numpy()
    return {"training": training, "inference": np.hstack([ends, used]).round(4).tolist()}
