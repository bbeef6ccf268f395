"""Whitening removes correlations, too, but is much dearer and needs more examples than features."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg

from ..experiment import Bench, Outcome, experiment
from ..figures import lines
from ..measure import verdict

WIDTHS = [64, 128, 256, 512, 1024]
WAYS: dict[str, Callable[..., Any]] = {
    "batch norm": mg.batchnorm.composed,
    "ZCA whitening": mg.batchnorm.zca,
    "Newton-Schulz, 5 steps": mg.batchnorm.newton_schulz,
}


def draw(figure: Any, data: dict[str, Any]) -> None:
    """Time against the number of features; the covariances after both."""
    grid = figure.add_gridspec(2, 2, width_ratios=[2.4, 1])
    left = figure.add_subplot(grid[:, 0])
    lines(left, data["widths"], data["milliseconds"])
    left.set(xscale="log", yscale="log", xlabel="features", ylabel="ms, forward and backward")
    left.set_xticks(data["widths"], [str(w) for w in data["widths"]])
    left.minorticks_off()
    left.set_title("whitening is much dearer")
    left.legend(fontsize=8)
    titles = {
        "batch norm": "covariance after batch norm:\nfeatures still go together",
        "ZCA whitening": "after whitening:\nthe identity",
    }
    for i, (name, title) in enumerate(titles.items()):
        axes = figure.add_subplot(grid[i, 1])
        axes.imshow(data["covariances"][name], cmap="RdBu", vmin=-1, vmax=1)
        axes.set(xticks=[], yticks=[], xlabel="feature", ylabel="feature")
        axes.set_title(title, fontsize=8)


@experiment(
    row="B4",
    claim="eliminating all linear interactions is much more expensive",
    sources=["S0", "S2", "paper"],
    setup="Batch norm against ZCA whitening, its eigendecomposition differentiated, and five steps of "
    "Newton and Schulz: forward and backward in float32 on 2d examples of d correlated features, d "
    "from 64 to 1024 (quick: to 256), medians of processor time. Then 60 examples of 64 features.",
    expected="Whitening is dearer at every width, the more the wider; 60 examples of 64 features "
    "cannot be whitened.",
    draw=draw,
    seeds=1,
)
def whitening(bench: Bench) -> Outcome:
    """Time all three, and look at the covariance."""
    widths = WIDTHS[:3] if bench.quick else WIDTHS
    milliseconds: dict[str, list[float]] = {name: [] for name in WAYS}
    for i, width in enumerate(widths):
        bench.report(i, len(widths), f"{width} features")
        rng = np.random.default_rng(bench.seeds[0])
        x, dy = _correlated(rng, 2 * width, width), rng.normal(size=(2 * width, width)).astype("f4")
        for name, taken in _timed(x, dy, rounds=3 if width > 500 else 7).items():
            milliseconds[name].append(taken)
    ratios = {
        name: [a / b for a, b in zip(taken, milliseconds["batch norm"], strict=True)]
        for name, taken in milliseconds.items()
        if name != "batch norm"
    }
    zca = ratios["ZCA whitening"]
    few = _correlated(np.random.default_rng(bench.seeds[0]), 60, 64).astype("f8")
    rank = int(np.linalg.matrix_rank(np.cov(few.T)))
    refused = _refused(few)
    return Outcome(
        verdict(min(map(min, ratios.values())) > 2 and rank < 64 and refused, part=min(zca) > 1),
        f"ZCA whitening takes {zca[0]:.1f} times as long as batch norm at {widths[0]} features and "
        f"{zca[-1]:.1f} times at {widths[-1]}; Newton-Schulz "
        f"{ratios['Newton-Schulz, 5 steps'][0]:.1f} and {ratios['Newton-Schulz, 5 steps'][-1]:.1f} "
        f"times. From 60 examples the covariance of 64 features has rank {rank}: it has no inverse "
        "root, and batch norm does not mind.",
        ["features", *[f"{name}, ms" for name in WAYS], "ZCA / batch norm"],
        [
            [str(w), *[f"{taken[i]:.2f}" for taken in milliseconds.values()], f"{zca[i]:.1f}"]
            for i, w in enumerate(widths)
        ],
        {"widths": widths, "milliseconds": milliseconds, "rank": rank, "covariances": _covariances()},
    )


def _correlated(rng: np.random.Generator, examples: int, features: int) -> Any:
    mix = np.eye(features) + 0.3 * rng.normal(size=(features, features)) / features**0.5
    return (rng.normal(size=(examples, features)) @ mix).astype("f4")


def _timed(x: Any, dy: Any, rounds: int) -> dict[str, float]:
    """Median milliseconds of a forward and a backward pass, the ways taking turns."""
    taken: dict[str, list[float]] = {name: [] for name in WAYS}
    for turn in range(rounds + 1):
        for name, way in WAYS.items():
            start = time.process_time_ns()
            _, pullback = mg.vjp(way, x)
            pullback(dy)
            if turn:  # the first warms up
                taken[name].append((time.process_time_ns() - start) / 1e6)
    return {name: float(np.median(times)) for name, times in taken.items()}


def _refused(x: Any) -> bool:
    try:
        mg.batchnorm.zca(x)
    except mg.ArgumentError:
        return bool(np.isfinite(mg.batchnorm.composed(x)).all())
    return False


def _covariances() -> dict[str, Any]:
    """Of six correlated features, after both."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 6)) @ np.triu(np.ones((6, 6)))
    after = {name: WAYS[name](x) for name in ("batch norm", "ZCA whitening")}
    return {name: (y.T @ y / len(y)).round(4).tolist() for name, y in after.items()}
