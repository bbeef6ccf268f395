"""Without epsilon, a feature that does not vary within the batch is zero over zero."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg

from ..experiment import Bench, Outcome, experiment
from ..figures import BLUE, ORANGE
from ..measure import verdict

EPSILONS = [0.0, 1e-12, 1e-5, 1e-3]


def draw(figure: Any, data: dict[str, Any]) -> None:
    """Per epsilon and feature the share of finite numbers, as a table of tiles."""
    from matplotlib.colors import ListedColormap

    axes = figure.subplots()
    finite = np.array(data["finite"])
    axes.imshow(finite, cmap=ListedColormap([ORANGE, BLUE]), vmin=0, vmax=1, aspect="auto")
    for row, column in np.ndindex(finite.shape):
        text = "finite" if finite[row, column] else "not a number"
        axes.text(column, row, text, ha="center", va="center", color="white", weight="bold")
    axes.set(
        xticks=range(len(data["features"])), xticklabels=data["features"],
        yticks=range(len(EPSILONS)), yticklabels=[f"ε = {e:g}" for e in EPSILONS],
        xlabel="feature of the batch", title="what batch norm gives, forward and backward",
    )  # fmt: skip


@experiment(
    row="B13",
    claim="a small constant epsilon is added to avoid division by zero",
    sources=["S1", "S3"],
    setup="Batch norm, composed and fused, of a batch whose features are constant or vary, with "
    "epsilon from 0 to 1e-3: whether value and gradient are finite numbers.",
    expected="Not a number only for a constant feature with epsilon 0.",
    draw=draw,
    seeds=3,
    quick_seeds=3,
)
def epsilon_guards(bench: Bench) -> Outcome:
    """Look at value and gradient per feature."""
    features = ["constant 3333", "constant 0", "varies by 1e-3", "varies by 1"]
    finite = np.ones((len(EPSILONS), len(features)), bool)
    largest = 0.0
    for seed in bench.seeds:
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(64, 4)) * [0, 0, 1e-3, 1] + [3333, 0, 0, 0]
        weights = rng.normal(size=x.shape)
        for f in (mg.batchnorm.composed, mg.batchnorm.fused):
            for i, eps in enumerate(EPSILONS):
                with np.errstate(all="ignore"):
                    y, pullback = mg.vjp(lambda x, f=f, eps=eps: f(x, eps=eps), x)
                    (gradient,) = pullback(weights)
                both = np.isfinite(y.numpy()) & np.isfinite(gradient.numpy())
                finite[i] &= both.all(axis=0)
                if eps:
                    largest = max(largest, float(np.abs(y.numpy()[:, :2]).max()))
    expected = np.ones_like(finite)
    expected[0, :2] = False
    guarded = bool(finite[1:].all())
    return Outcome(
        verdict(np.array_equal(finite, expected), part=guarded),
        f"With epsilon 0, {int((~finite[0]).sum())} of {len(features)} features are not a number: "
        "the constant ones. With every epsilon above 0 all are finite, and a constant feature "
        f"becomes {f'at most {largest:.0e}' if largest else 'exactly 0'}."
        if guarded
        else "Some features are not finite in spite of epsilon.",
        ["epsilon", *features],
        [
            [f"{e:g}", *["finite" if ok else "not a number" for ok in row]]
            for e, row in zip(EPSILONS, finite, strict=True)
        ],
        {"features": features, "finite": finite.astype(int).tolist()},
    )
