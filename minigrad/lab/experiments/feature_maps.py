"""A feature map has one mean and one deviation for all its places, so a picture stays a picture."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg

from ..experiment import Bench, Outcome, experiment
from ..measure import BOTH, error, verdict
from ..training import digits

BOUND = 1e-12


def draw(figure: Any, data: dict[str, Any]) -> None:
    """A digit, normalized per map and per place."""
    titles = [
        "a digit",
        "one mean per map:\nstill the digit",
        "one mean per place:\nwhat digits share is gone",
    ]
    for axes, title, picture in zip(figure.subplots(1, 3), titles, data["pictures"], strict=True):
        axes.imshow(picture, cmap="gray")
        axes.set(title=title, xticks=[], yticks=[], xlabel="column", ylabel="row")


@experiment(
    row="A9",
    claim="apply the same normalizing μ and σ at every spatial location within a feature map",
    sources=["S2", "paper"],
    setup="60 digits as 8 by 8 maps, and random maps, in float64: batch norm over (0, 2, 3) against "
    "batch norm of the pixels as rows, with gradients; the maps rolled by one row and two columns "
    "before and after; the same with one mean per place.",
    expected="The same numbers as for pixels in rows; rolling before or after is the same, per map; "
    "per place it is not.",
    draw=draw,
    seeds=5,
    quick_seeds=5,
)
def feature_maps(bench: Bench) -> Outcome:
    """Normalize per map and per place."""
    rows_off = rolled = per_place = 0.0
    (images, _), _ = digits()
    pixels = images[:60].reshape(60, 1, 8, 8).astype("f8")
    for seed in bench.seeds:
        rng = np.random.default_rng(seed)
        x, weights = rng.normal(3.0, 2.0, (20, 3, 8, 8)), rng.normal(size=(20, 3, 8, 8))
        gamma, beta = rng.uniform(0.5, 1.5, 3), rng.normal(size=3)
        for bn in BOTH.values():
            found, expected = (
                values_and_gradients(f, (x, gamma, beta), weights)
                for f in (lambda *a, bn=bn: bn(*a, axis=(0, 2, 3)), lambda *a, bn=bn: in_rows(bn, *a))
            )
            rows_off = max([rows_off, *[error(a, b) for a, b in zip(found, expected, strict=True)]])

            def roll(v: Any) -> Any:
                return np.roll(v, (1, 2), axis=(2, 3))

            per_map = bn(roll(x), axis=(0, 2, 3)), roll(bn(x, axis=(0, 2, 3)))
            rolled = max(rolled, error(*per_map))
            # Normalized place by place, a pattern that all pictures share is lost.
            pattern = x + 5.0 * np.linspace(-1, 1, 8)
            per_place = max(per_place, error(bn(pattern), bn(pattern, axis=(0, 2, 3))))
    shown = [pixels, mg.batchnorm.composed(pixels, axis=(0, 2, 3)), mg.batchnorm.composed(pixels)]
    return Outcome(
        verdict(rows_off <= BOUND and rolled <= BOUND and per_place > 0.1),
        f"Per map it is batch norm with pixels as rows, to {rows_off:.0e}, gradients included, and "
        f"rolling the picture before or after is the same to {rolled:.0e}. One mean per place instead "
        f"would change the values by {per_place:.0%} of the largest.",
        ["what", "largest relative difference"],
        [
            ["maps against pixels as rows", f"{rows_off:.1e}"],
            ["rolled before against after", f"{rolled:.1e}"],
            ["per map against per place", f"{per_place:.2f}"],
        ],
        {"pictures": [np.asarray(v)[0, 0].round(4).tolist() for v in shown]},
    )


def in_rows(bn: Any, x: Any, gamma: Any, beta: Any) -> Any:
    """The same by batch norm of (N H W, C)."""
    n, c, h, w = x.shape
    rows = bn(mg.transpose(x, (0, 2, 3, 1)).reshape(-1, c), gamma, beta)
    return mg.transpose(rows.reshape(n, h, w, c), (0, 3, 1, 2))


def values_and_gradients(f: Any, primals: Any, weights: Any) -> list[Any]:
    """The value of a function, and its pullback of the weights."""
    y, pullback = mg.vjp(f, *primals)
    return [y.numpy(), *[g.numpy() for g in pullback(weights)]]
