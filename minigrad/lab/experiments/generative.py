"""Batch norm in a generative adversarial network on a ring of eight Gaussians."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn

from ..experiment import Bench, Outcome, experiment
from ..figures import BLUE, ORANGE
from ..measure import verdict

MODES = 2.0 * np.array([[np.cos(a), np.sin(a)] for a in np.arange(8) * np.pi / 4])
SPREAD, NOISE, BATCH = 0.05, 8, 128
CLEAR = 0.1  # in the share of samples near a mode
# Where batch norm is: in the generator, in the discriminator.
VARIANTS = {
    "none": (False, False), "generator": (True, False), "discriminator": (False, True),
    "both": (True, True),
}  # fmt: skip


def net(inputs: int, outputs: int, norm: bool, rng: np.random.Generator) -> Any:
    """Two hidden layers of 64."""
    layers: list[Any] = []
    for width in (inputs, 64):
        layers.append(nn.Linear(width, 64, generator=rng))
        layers += [nn.BatchNorm1d(64, method="fused")] if norm else []
        layers.append(nn.ReLU())
    return nn.Sequential(*layers, nn.Linear(64, outputs, generator=rng))


def real(rng: np.random.Generator) -> Any:
    """A batch of the true distribution."""
    points = MODES[rng.integers(8, size=BATCH)] + rng.normal(0, SPREAD, (BATCH, 2))
    return points.astype("f4")


def adversaries(variant: str, steps: int, seed: int) -> Any:
    """Train both, and draw 1000 samples."""
    rng = np.random.default_rng([seed, 6])
    generator_norm, discriminator_norm = VARIANTS[variant]
    g, d = net(NOISE, 2, generator_norm, rng), net(2, 1, discriminator_norm, rng)
    options = {"lr": 1e-3, "betas": (0.5, 0.999)}
    adam_g, adam_d = mg.optim.Adam(g.parameters(), **options), mg.optim.Adam(d.parameters(), **options)
    criterion = nn.BCEWithLogitsLoss()
    ones, zeros = np.ones((BATCH, 1), "f4"), np.zeros((BATCH, 1), "f4")

    def noise(count: int = BATCH) -> Any:
        return rng.normal(size=(count, NOISE)).astype("f4")

    for _ in range(steps):
        adam_d.zero_grad()
        fake = g(noise()).detach()
        # Real and fake go in separate batches, as usual: with batch norm each has its own statistics.
        (criterion(d(real(rng)), ones) + criterion(d(fake), zeros)).backward()
        adam_d.step()
        adam_g.zero_grad()
        criterion(d(g(noise())), ones).backward()
        adam_g.step()
    with mg.no_grad():
        return g(noise(1000)).numpy()


def judged(samples: Any) -> tuple[float, int]:
    """Share of samples within 0.3 of a mode, and how many of the eight have at least 20 of the 1000."""
    distance = np.linalg.norm(samples[:, None] - MODES, axis=2)
    near = distance.min(axis=1) < 0.3
    counts = np.bincount(distance.argmin(axis=1)[near], minlength=8)
    return float(near.mean()), int((counts >= 20).sum())


def draw(figure: Any, data: dict[str, Any]) -> None:
    """The samples of the first seed beside the modes."""
    figure.set_figheight(3.0)  # four squares
    panels = figure.subplots(1, len(VARIANTS), sharex=True, sharey=True)
    for axes, (name, points) in zip(panels, data["samples"].items(), strict=True):
        axes.plot(*np.transpose(points), ".", color=BLUE, markersize=2)
        axes.plot(*MODES.T, "+", color=ORANGE, markersize=9, markeredgewidth=2)
        share, modes = data["judged"][name]
        axes.set(title=f"{name}\n{share:.0%} near\n{modes} of 8 modes", aspect="equal")
        axes.set(xlim=(-4, 4), ylim=(-4, 4))
    figure.suptitle(
        "where batch norm is, and what the generator makes (dots); wanted: near every cross"
    )


@experiment(
    row="B17",
    claim="stabilize training of both generator and discriminator networks",
    sources=["S1"],
    setup="Generator and discriminator of two layers of 64, a ring of eight Gaussians of deviation "
    f"{SPREAD}, Adam 0.001, batches of {BATCH}, real and generated ones apart. Batch norm in "
    "neither, in one, in both: share of samples within 0.3 of a mode, and modes that are met.",
    expected=f"With batch norm in both, a share larger by {CLEAR:g} than without, and no fewer modes.",
    draw=draw,
    seeds=3,
    quick_seeds=1,
)
def generative(bench: Bench) -> Outcome:
    """Train all four."""
    steps = 320 if bench.quick else 1500
    found: dict[str, list[tuple[float, int]]] = {v: [] for v in VARIANTS}
    samples: dict[str, Any] = {}
    done = 0
    for variant, judgements in found.items():
        for seed in bench.seeds:
            bench.report(done, len(VARIANTS) * len(bench.seeds), f"{variant}, seed {seed}")
            done += 1
            points = adversaries(variant, steps, seed)
            judgements.append(judged(points))
            samples.setdefault(variant, np.round(points[:250].astype(float), 3).tolist())
    share = {v: float(np.mean([s for s, _ in f])) for v, f in found.items()}
    modes = {v: float(np.mean([m for _, m in f])) for v, f in found.items()}
    helps = {v: share[v] > share["none"] + CLEAR and modes[v] >= modes["none"] for v in VARIANTS}
    both, one = helps["both"], helps["generator"]
    return Outcome(
        verdict(both, part=one),
        "Share of samples near a mode, and modes met: "
        + "; ".join(f"{v} {share[v]:.2f}, {modes[v]:.1f} of 8" for v in VARIANTS)
        + f". In both networks batch norm {'helps' if both else 'does not help'}; in the "
        f"generator alone it {'helps' if one else 'does not'}.",
        ["batch norm in", "samples near a mode", "modes met", "both, by seed"],
        [
            [
                v,
                f"{share[v]:.2f}",
                f"{modes[v]:.1f}",
                "; ".join(f"{s:.2f}, {m} of 8" for s, m in found[v]),
            ]
            for v in VARIANTS
        ],
        {"samples": samples, "judged": {v: list(f[0]) for v, f in found.items()}},
    )
