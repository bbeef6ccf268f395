"""Epsilon does not stand for the larger variance of the population: it ignores the size of a batch."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg

from ..experiment import Bench, Outcome, experiment
from ..figures import lines
from ..measure import verdict

SIZES = [2, 4, 8, 16, 32, 64, 128, 256]
SCALES = [0.03, 0.3, 3.0]  # standard deviations of the population
EPSILON = 1e-3  # the lesson's example


def draw(figure: Any, data: dict[str, Any]) -> None:
    """What is missing against what epsilon adds, by batch size."""
    axes = figure.subplots()
    series = {"what a batch's variance lacks: 1/(m−1)": data["missing"]}
    series |= {
        f"what ε adds at standard deviation {s:g}": v
        for s, v in zip(SCALES, data["added"], strict=True)
    }
    lines(axes, SIZES, series)
    axes.set(
        xscale="log", yscale="log", xticks=SIZES, xticklabels=SIZES, xlabel="batch size m",
        ylabel="relative increase of the variance",
        title="what is lacking falls with the batch size; what ε = 0.001 adds does not",
    )  # fmt: skip
    axes.xaxis.minorticks_off()
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(0.02, 0.25))


@experiment(
    row="B14",
    claim="epsilon acts to increase the variance, as that of a population is typically higher",
    sources=["S3"],
    setup="Many batches of m normal numbers, m from 2 to 256, from populations of three scales: by "
    "how much the mean variance of a batch, as batch norm computes it, must be raised to meet the "
    f"population's, and by how much epsilon = {EPSILON:g} raises it.",
    expected="If epsilon did this, it would add about 1/(m-1), whatever the scale.",
    draw=draw,
    seeds=3,
    quick_seeds=1,
)
def epsilon_and_population(bench: Bench) -> Outcome:
    """Measure what is missing, and what is added."""
    draws = 2**20 if bench.quick else 2**22
    missing = np.zeros(len(SIZES))
    added = np.zeros((len(SCALES), len(SIZES)))
    for i, m in enumerate(SIZES):
        bench.report(i, len(SIZES), f"batches of {m}")
        for seed in bench.seeds:
            x = np.random.default_rng([seed, m]).normal(size=(m, draws // m))
            lacking = 1 / np.mean(np.var(x, axis=0)) - 1
            missing[i] += lacking / len(bench.seeds)
            for j, scale in enumerate(SCALES):
                _, _, var = mg.batchnorm.composed(scale * x, eps=EPSILON, return_statistics=True)
                added[j, i] += EPSILON / np.mean(np.asarray(var)) / len(bench.seeds)
    ratio = added / missing
    close = (ratio > 0.5) & (ratio < 2)
    slope = float(np.polyfit(np.log(SIZES[1:]), np.log(missing[1:]), 1)[0])
    flat = float(np.polyfit(np.log(SIZES[1:]), np.log(added[1, 1:]), 1)[0])
    follows = abs(flat - slope) < 0.25
    return Outcome(
        verdict(close.all(), part=follows),
        f"A batch of 4 lacks {missing[1]:.0%} of its own variance, one of 256 {missing[-1]:.2%} "
        f"(falling as m to the {slope:.2f}). Epsilon adds from {added.min():.1e} to "
        f"{added.max():.1e} of it, by the scale of the data, and falls as m to the {flat:.2f}: "
        f"within a factor of two in {int(close.sum())} of {close.size} cases. What corrects for the "
        "population is the m/(m-1) in the running variance.",
        ["m", "lacks", *[f"ε adds, deviation {s:g}" for s in SCALES]],
        [
            [str(m), f"{a:.2e}", *[f"{v:.2e}" for v in b]]
            for m, a, b in zip(SIZES, missing, added.T, strict=True)
        ],
        {"missing": missing.tolist(), "added": added.tolist()},
    )
