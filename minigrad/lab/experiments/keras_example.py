"""The glossary's Keras example, with batch norm and without."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn

from ..experiment import Bench, Outcome, experiment
from ..figures import lines
from ..measure import verdict
from ..training import digits

EPOCHS, BATCH = 5, 32
KEPT = 0.99  # Keras' momentum: the share of the old running statistics that is kept


def example(norm: bool, seed: int) -> Any:
    """Dense, batch norm with Keras' defaults, ReLU, dense, softmax."""
    rng = np.random.default_rng(seed)
    middle = [nn.BatchNorm1d(64, eps=1e-3, momentum=1 - KEPT, running_var_correction=0)] if norm else []
    layers: list[Any] = [
        nn.Linear(64, 64, generator=rng),
        *middle,
        nn.ReLU(),
        nn.Linear(64, 10, generator=rng),
    ]
    for layer in layers:
        if isinstance(layer, nn.Linear):  # Keras' default: Glorot's uniform weights, no bias
            nn.init.xavier_uniform_(layer.weight, generator=rng)
            nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers, nn.Softmax(dim=1))


def draw(figure: Any, data: dict[str, Any]) -> None:
    """Test accuracy per epoch, mean of the seeds."""
    axes = figure.subplots()
    lines(axes, range(1, EPOCHS + 1), data["accuracy"])
    axes.set(
        xlabel="epoch", ylabel="share of test digits", xticks=range(1, EPOCHS + 1), ylim=(0, 1),
        title="the glossary's Keras example: test accuracy after each epoch",
    )  # fmt: skip
    axes.legend(fontsize=8, loc="lower right")


@experiment(
    row="B18",
    claim="allows for faster convergence (the Keras example: 5 epochs, batches of 32)",
    sources=["S1"],
    setup="The glossary's model literally, by mg.fit, on digits of 64 pixels: dense 64, batch norm "
    "with Keras' defaults, ReLU, dense 10, softmax; Adam, 5 epochs, batches of 32; and without "
    "batch norm.",
    expected="Better test accuracy with batch norm for every seed.",
    draw=draw,
    seeds=3,
    quick_seeds=3,
)
def keras_example(bench: Bench) -> Outcome:
    """Fit both."""
    data, test = digits()
    found: dict[str, list[list[float]]] = {"plain": [], "batch norm": []}
    done = 0
    for kind, histories in found.items():
        for seed in bench.seeds:
            bench.report(done, 2 * len(bench.seeds), f"{kind}, seed {seed}")
            done += 1
            model = example(kind == "batch norm", seed)
            history = mg.fit(
                model, *data, epochs=EPOCHS, batch_size=BATCH, optimizer="adam", metrics=["accuracy"],
                loss="sparse_categorical_crossentropy", validation_data=test, verbose=False, seed=seed,
            )  # fmt: skip
            histories.append([float(v) for v in history["val_accuracy"]])
    parameters = sum(p.size for p in model.parameters()) + 2 * 64  # as Keras counts
    updates = EPOCHS * -(-len(data[0]) // BATCH)
    better = [b[-1] > p[-1] for b, p in zip(found["batch norm"], found["plain"], strict=True)]
    last = {k: float(np.mean([h[-1] for h in v])) for k, v in found.items()}
    return Outcome(
        verdict(all(better), part=last["batch norm"] > last["plain"]),
        f"After 5 epochs {last['batch norm']:.3f} of the test digits with batch norm, "
        f"{last['plain']:.3f} without; better for {sum(better)} of {len(better)} seeds. The model "
        f"has {parameters:,} numbers, 128 of them running statistics. With Keras' momentum of {KEPT} "
        f"the {updates} steps leave {KEPT**updates:.1%} of the running statistics' arbitrary start.",
        ["network", *[f"epoch {i}" for i in range(1, EPOCHS + 1)]],
        [[k, *[f"{x:.3f}" for x in np.mean(v, axis=0)]] for k, v in found.items()],
        {"accuracy": {k: np.mean(v, axis=0).tolist() for k, v in found.items()}},
    )
