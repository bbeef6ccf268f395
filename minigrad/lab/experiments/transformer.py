"""Batch norm, layer norm, or none in the blocks of a small transformer."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn

from ..experiment import Bench, Outcome, experiment
from ..figures import BLUE, GREEN, ORANGE
from ..measure import verdict
from ..training import digits, score

TOKENS, FEATURES, BLOCKS = 8, 32, 3


class TokenNorm(nn.Module):
    """Batch norm of every feature over batch and tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(FEATURES)

    def forward(self, x: Any) -> Any:
        """The normalised tokens."""
        return self.norm(x.reshape(-1, FEATURES)).reshape(x.shape)


NORMS = {
    "none": nn.Identity, "batch norm": TokenNorm, "layer norm": lambda: nn.LayerNorm(FEATURES),
}  # fmt: skip


STYLES = {
    "none": (ORANGE, "--", "s"), "batch norm": (BLUE, "-", "o"), "layer norm": (GREEN, "-.", "^"),
}  # fmt: skip


class Classifier(nn.Module):
    """The rows of a digit as tokens, blocks of attention, the mean token classified."""

    def __init__(self, norm: Any, seed: int) -> None:
        super().__init__()
        rng = np.random.default_rng(seed)
        self.embed = nn.Linear(8, FEATURES, generator=rng)
        self.place = nn.Parameter(rng.normal(0, 0.1, (TOKENS, FEATURES)).astype("f4"))
        self.blocks = nn.Sequential(
            *[
                nn.TransformerEncoderLayer(
                    FEATURES, 4, 2 * FEATURES, dropout=0.0, batch_first=True, generator=rng
                )
                for _ in range(BLOCKS)
            ]
        )
        for block in self.blocks:
            block.norm1, block.norm2 = norm(), norm()
        self.classify = nn.Linear(FEATURES, 10, generator=rng)

    def forward(self, images: Any) -> Any:
        """Scores of the classes."""
        x = self.embed(mg.as_tensor(images).reshape(-1, TOKENS, 8)) + self.place
        return self.classify(self.blocks(x).mean(axis=1))


def draw(figure: Any, data: dict[str, Any]) -> None:
    """Test accuracy by learning rate, a line for each norm, a point for each seed."""
    axes = figure.subplots()
    rates = [float(r) for r in data["accuracy"]]
    for name, (colour, style, marker) in STYLES.items():
        values = [found[name] for found in data["accuracy"].values()]
        axes.plot(rates, [np.mean(v) for v in values], style, marker=marker, color=colour, label=name)
        for rate, v in zip(rates, values, strict=True):
            axes.plot([rate] * len(v), v, marker, color=colour, alpha=0.4)
    axes.axhline(0.1, color="black", linewidth=0.6, linestyle=":")
    axes.text(rates[0], 0.12, "chance", fontsize=8)
    axes.set(xscale="log", xticks=rates, xticklabels=rates, xlabel="learning rate of SGD", ylim=(0, 1))
    axes.set(ylabel="share of test digits", title=f"a transformer of {BLOCKS} blocks, by its norm")
    axes.xaxis.minorticks_off()
    axes.legend(fontsize=8, loc="center right")


@experiment(
    row="B16",
    claim="improves the performance of transformers",
    sources=["S1"],
    setup=f"{BLOCKS} blocks of attention over the 8 rows of a digit, norms after each part: batch "
    "norm over batch and tokens, layer norm, or none; SGD at rates 0.05 and 0.3, batches of 60.",
    expected="Better than no norm. Practice uses layer norm, for reasons that a task of one fixed "
    "length does not show.",
    draw=draw,
    seeds=3,
    quick_seeds=1,
)
def transformer(bench: Bench) -> Outcome:
    """Train all three at two rates."""
    data, test = digits()
    steps = 100 if bench.quick else 500
    rates = [0.05, 0.3]
    found: dict[str, dict[str, list[float]]] = {f"{r:g}": {} for r in rates}
    done = 0
    for rate in rates:
        for name, norm in NORMS.items():
            bench.report(done, len(rates) * len(NORMS), f"{name}, rate {rate:g}")
            done += 1
            values = found[f"{rate:g}"][name] = []
            for seed in bench.seeds:
                model = Classifier(norm, seed)
                optimizer = mg.optim.SGD(model.parameters(), lr=rate)
                values.append(score(model, optimizer, data, test, steps, seed))
    means = {r: {n: float(np.mean(v)) for n, v in f.items()} for r, f in found.items()}
    helps = [m["batch norm"] > m["none"] + 0.02 for m in means.values()]
    beats = [m["batch norm"] >= m["layer norm"] for m in means.values()]
    told = "; ".join(
        f"at rate {r} none {m['none']:.3f}, batch norm {m['batch norm']:.3f}, layer norm "
        f"{m['layer norm']:.3f}"
        for r, m in means.items()
    )
    return Outcome(
        verdict(all(helps), part=any(helps)),
        f"Test digits right: {told}. Batch norm is at least as good as layer norm at {sum(beats)} of "
        f"{len(beats)} rates on this toy classification of sequences of one length; "
        "language models are another matter.",
        ["norm", *[f"rate {r:g}" for r in rates]],
        [[n, *[f"{m[n]:.3f}" for m in means.values()]] for n in NORMS],
        {"accuracy": found},
    )
