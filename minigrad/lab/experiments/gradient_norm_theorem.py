"""Santurkar's Theorem 4.1: for one layer an equality, with two parts of the gradient removed."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn

from ..experiment import Bench, Outcome, experiment
from ..figures import BLUE, GREEN, ORANGE, errors
from ..measure import BOTH, error, verdict
from ..training import digits

EPSILONS = [0.0, 1e-5, 0.1]
BOUND = 1e-11


def gradients(rng: np.random.Generator) -> Any:
    """What flows into and out of a batch norm layer under a classifier's loss: x, gamma, dy."""
    (images, labels), _ = digits()
    chosen = rng.choice(len(images), 60, replace=False)
    x = images[chosen].astype(float) @ rng.normal(0, 0.2, (64, 20))
    gamma, classifier = rng.uniform(0.5, 1.5, 20), rng.normal(0, 0.5, (20, 10))
    criterion = nn.CrossEntropyLoss()
    y = mg.batchnorm.composed(x, gamma)
    dy = mg.grad(lambda y: criterion(mg.relu(y) @ classifier, labels[chosen]) * 60)(y)
    return x, gamma, dy.numpy()


def draw(figure: Any, data: dict[str, Any]) -> None:
    """The error of the equality, and what it is made of at epsilon 0."""
    left, right = figure.subplots(1, 2)
    errors(left, data["errors"], BOUND)
    left.set_title("both sides of the theorem")
    bottom = np.zeros(len(data["shares"][0]))
    parts = zip(
        ["passes", "removed: along the ones", "removed: along x̂"], (BLUE, ORANGE, GREEN),
        ("", "//", ".."), np.array(data["shares"]), strict=True,
    )  # fmt: skip
    for label, colour, hatch, share in parts:
        right.bar(range(len(bottom)), share, bottom=bottom, color=colour, hatch=hatch, label=label)
        bottom = bottom + share
    right.set(title="the squared gradient, by unit", xlabel="unit", ylabel="share", ylim=(0, 1.35))
    right.legend(fontsize=8, loc="upper right")


@experiment(
    row="C3",
    claim="the gradient's squared norm loses what lies along the ones and along x̂ (Theorem 4.1)",
    sources=["Santurkar"],
    setup="Batch norm of 60 digits under a classifier, float64: per unit, ‖dx‖² against "
    "(γ²/s²)(‖dy‖² − m·mean(dy)² − (1 + ε/s²)⟨dy, x̂⟩²/m) with s² = σ² + ε; at ε = 0 this is the "
    "theorem.",
    expected="An equality to rounding, for every epsilon.",
    draw=draw,
    seeds=5,
    quick_seeds=5,
)
def gradient_norm_theorem(bench: Bench) -> Outcome:
    """Compute both sides."""
    found: dict[str, float] = {}
    shares: Any = None
    least = 1.0
    for seed in bench.seeds:
        x, gamma, dy = gradients(np.random.default_rng(seed))
        m = len(x)
        for eps in EPSILONS:
            s2 = x.var(axis=0) + eps
            normalised = (x - x.mean(axis=0)) / np.sqrt(s2)
            whole = np.square(dy).sum(axis=0)
            ones = m * dy.mean(axis=0) ** 2
            along = (1 + eps / s2) * (dy * normalised).sum(axis=0) ** 2 / m
            for name, f in BOTH.items():
                _, pullback = mg.vjp(functools.partial(f, gamma=gamma, eps=eps), x)
                (dx,) = pullback(dy)
                left = np.square(dx.numpy()).sum(axis=0)
                key = f"{name}, ε = {eps:g}"
                worst = error(left, gamma**2 / s2 * (whole - ones - along))
                found[key] = max(found.get(key, 0.0), worst)
            if eps == 0:
                part = np.stack([whole - ones - along, ones, along]) / whole
                shares = part if shares is None else shares
                least = min(least, float(part[0].min()))
    worst = max(found.values())
    return Outcome(
        verdict(worst <= BOUND),
        f"Both sides differ by at most {worst:.1e} of the largest. In this network "
        f"{1 - shares[0].mean():.0%} of the squared gradient is removed on average (before the "
        f"factor γ²/σ²), and at most {1 - least:.0%}.",
        ["case", "largest relative difference"],
        [[k, f"{v:.1e}"] for k, v in found.items()],
        {"errors": found, "shares": shares.tolist()},
    )
