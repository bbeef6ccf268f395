"""Row 7: one training step of a 64-64-10 network with batch norm, beside PyTorch.

Linear, BatchNorm1d, ReLU, Linear, cross-entropy, SGD with momentum, float32: clear the
gradients, forward, backward, update.  All begin with the same weights and see the same
batch.  There is no budget for this row; it shows what the others add up to.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .harness import Report, Step, Table, build, interleave, overloaded, paired, peer, ratio

BATCHES = (32, 256)
SIZES = (64, 64, 10)


def batch(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Random inputs and labels."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((size, SIZES[0]), np.float32), rng.integers(0, SIZES[-1], size)


def weights() -> dict[str, np.ndarray]:
    """The weights to begin with, by the names that a state dict gives them."""
    rng = np.random.default_rng(1)
    inputs, hidden, classes = SIZES
    found = {}
    for name, shape in (("0", (hidden, inputs)), ("3", (classes, hidden))):
        found[f"{name}.weight"] = rng.standard_normal(shape, np.float32) / np.float32(shape[1] ** 0.5)
        found[f"{name}.bias"] = np.zeros(shape[0], np.float32)
    return found


def minigrad_composed(size: int) -> Step:
    """minigrad, batch norm from primitives."""
    return _minigrad(size, "composed")


def minigrad_fused(size: int) -> Step:
    """minigrad, batch norm as one primitive."""
    return _minigrad(size, "fused")


def _minigrad(size: int, method: str) -> Step:
    import minigrad as mg

    normalise = mg.nn.BatchNorm1d(SIZES[1], method=method)
    values = {name: mg.tensor(value) for name, value in weights().items()}
    x, labels = map(mg.tensor, batch(size))
    return _step(mg.nn, mg.optim.SGD, normalise, values, x, labels)


def pytorch(size: int) -> Step:
    """PyTorch eager with its compiled batch norm."""
    torch = peer("PyTorch")
    values = {name: torch.tensor(value) for name, value in weights().items()}
    x, labels = map(torch.tensor, batch(size))
    return _step(torch.nn, torch.optim.SGD, torch.nn.BatchNorm1d(SIZES[1]), values, x, labels)


def _step(nn: Any, sgd: Any, normalise: Any, values: Any, x: Any, labels: Any) -> Step:
    """The same lines for both libraries: their names are the same."""
    inputs, hidden, classes = SIZES
    model = nn.Sequential(nn.Linear(inputs, hidden), normalise, nn.ReLU(), nn.Linear(hidden, classes))
    model.load_state_dict(values, strict=False)
    parameters = list(model.parameters())
    optimizer = sgd(parameters, lr=0.1, momentum=0.9)
    criterion = nn.CrossEntropyLoss()

    def step() -> Any:
        optimizer.zero_grad()
        loss = criterion(model(x), labels)
        loss.backward()
        optimizer.step()
        return [loss, *parameters]

    return step


CONTENDERS = {
    "minigrad composed": minigrad_composed,
    "minigrad fused": minigrad_fused,
    "PyTorch": pytorch,
}


def run(quick: bool = False, tiny: bool = False, threads: int = 1) -> Report:
    """Time the steps."""
    report = Report("training: one step of a 64-64-10 network with batch norm, float32, SGD")
    rounds = 1 if tiny else 20 if quick else 60
    for size in (8,) if tiny else BATCHES:
        timings = interleave(build(CONTENDERS, size), rounds, 0.0 if tiny else 0.005, threads)
        table = Table(
            f"batch {size}",
            [
                ("contender", ""),
                ("ms", ".3f"),
                ("spread", ".0%"),
                ("composed / it", ".2f"),
                ("paired", ".2f"),
                ("fused / it", ".2f"),
                ("paired", ".2f"),
            ],
        )
        for name, timing in timings.items():
            row = [name, timing.median * 1e3, timing.spread]
            for kind in ("composed", "fused"):
                mine = timings[f"minigrad {kind}"]
                row += [ratio(mine, timing), paired(mine, timing)]
            table.rows.append(row)
        report.tables.append(table)
        report.notes += overloaded(timings, threads)
    return report
