"""Gradients of a deep network before training: batch norm with ReLU makes them grow with depth."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg

from ..experiment import Bench, Outcome, experiment
from ..figures import BLUE, lines
from ..measure import verdict

DEPTH = 40
THEORY = (np.pi / (np.pi - 1)) ** 0.5  # per layer, for batch norm with ReLU (Yang and others, 2019)


def gradient_norms(norm: bool, relu: bool, scale: float, width: int, seed: int) -> Any:
    """Norm of the gradient at the input of every layer, from the bottom to the top."""
    rng = np.random.default_rng(seed)
    std = scale * ((2 if relu else 1) / width) ** 0.5
    x: Any = mg.tensor(rng.normal(size=(256, width)), dtype="float32")
    pullbacks = []
    for _ in range(DEPTH):
        weight = rng.normal(0, std, (width, width)).astype("f4")

        def layer(x: Any, weight: Any = weight) -> Any:
            x = x @ weight
            x = mg.batchnorm.fused(x) if norm else x
            return mg.relu(x) if relu else x

        x, pullback = mg.vjp(layer, x)
        pullbacks.append(pullback)
    cotangent: Any = rng.normal(size=x.shape).astype("f4")
    norms = []
    for pullback in reversed(pullbacks):
        (cotangent,) = pullback(cotangent)
        norms.append(float(np.linalg.norm(cotangent.numpy().astype(float))))
    return np.array(norms[::-1])


# By name: batch norm, ReLU, scale of the weights beside He's.
NETWORKS = {
    "plain, weights as He's": (False, True, 1.0),
    "batch norm": (True, True, 1.0),
    "plain, weights 1.5 times": (False, True, 1.5),
    "plain, weights 0.67 times": (False, True, 0.67),
    "batch norm, no ReLU": (True, False, 1.0),
    "batch norm, weights 1.5 times": (True, True, 1.5),
}
PLAIN, NORMED, LARGE, SMALL, LINEAR, SCALED = NETWORKS


def draw(figure: Any, data: dict[str, Any]) -> None:
    """The gradient's norm from the bottom layer to the top."""
    axes = figure.subplots()
    norms = dict(data["norms"])
    scaled = norms.pop(SCALED)
    lines(axes, range(1, DEPTH + 1), norms, markers=False)
    # It lies on batch norm's own line.
    axes.plot(range(1, DEPTH + 1), scaled, "o", color=BLUE, fillstyle="none", markevery=3, label=SCALED)
    axes.set(
        yscale="log", xlabel="layer (the loss is at the right end)", ylabel="gradient's norm",
        title="before training: with batch norm and ReLU the gradient grows "
        f"{data['growth']:.2f}-fold per layer down",
    )  # fmt: skip
    axes.legend(fontsize=7, loc="upper right")


@experiment(
    row="B12",
    claim="reducing the risks of vanishing or exploding gradients",
    sources=["S1"],
    setup=f"{DEPTH} layers of ReLUs at their initial weights, a batch of 256: the gradient's norm at "
    "every layer, with and without batch norm, with weights as He's and 1.5 and 0.67 times these.",
    expected="About the same norm in all layers with batch norm. Theory says otherwise: growth by "
    f"{THEORY:.3f} per layer.",
    draw=draw,
    seeds=3,
    quick_seeds=1,
)
def exploding_gradients(bench: Bench) -> Outcome:
    """Growth of the gradient per layer."""
    width = 192 if bench.quick else 512
    norms: dict[str, Any] = {}
    for i, (name, settings) in enumerate(NETWORKS.items()):
        bench.report(i, len(NETWORKS), name)
        found = [gradient_norms(*settings, width, seed) for seed in bench.seeds]
        norms[name] = np.exp(np.mean(np.log([n / n[-1] for n in found]), axis=0))
    growth = {k: float((v[0] / v[-1]) ** (1 / (DEPTH - 1))) for k, v in norms.items()}
    change = {k: abs(np.log(v)) for k, v in growth.items()}
    better = change[NORMED] <= change[PLAIN]
    rescued = max(change[NORMED], change[SCALED]) < min(change[LARGE], change[SMALL])
    return Outcome(
        verdict(better and rescued, part=better or rescued),
        f"With good weights it is {'true' if better else 'false'}: from one layer to the one below, "
        f"gradients grow {growth[NORMED]:.3f}-fold with batch norm and ReLU (theory {THEORY:.3f}), "
        f"{norms[NORMED][0] / norms[NORMED][-1]:.0f}-fold over the network, and "
        f"{growth[PLAIN]:.3f}-fold without. With weights 1.5 or 0.67 times as large the plain "
        f"network's change {growth[LARGE]:.2f}- and {growth[SMALL]:.2f}-fold per layer, those with "
        f"batch norm (1.5 times) {growth[SCALED]:.2f}-fold as before.",
        ["network", "growth per layer down", f"over {DEPTH} layers"],
        [[k, f"{v:.3f}", f"{norms[k][0] / norms[k][-1]:.2e}"] for k, v in growth.items()],
        {"norms": {k: v.tolist() for k, v in norms.items()}, "growth": growth[NORMED]},
    )
