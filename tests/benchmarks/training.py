"""Row 7: one training step of the glossary's 784-64-10 network, beside PyTorch and compiled JAX.

Linear, BatchNorm1d, ReLU, Linear, cross-entropy, Adam, float32: clear the gradients, forward,
backward, update.  All begin with the same weights and see the same batch.  The budget is 1.0 of
PyTorch eager for the batch norm that `mg.nn` takes unasked.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .harness import Report, Step, Table, build, interleave, overloaded, paired, peer, ratio

BATCHES = (32, 256)
SIZES = (784, 64, 10)


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
    return _step(mg.nn, mg.optim.Adam, normalise, values, x, labels)


def pytorch(size: int) -> Step:
    """PyTorch eager with its compiled batch norm."""
    torch = peer("PyTorch")
    values = {name: torch.tensor(value) for name, value in weights().items()}
    x, labels = map(torch.tensor, batch(size))
    return _step(torch.nn, torch.optim.Adam, torch.nn.BatchNorm1d(SIZES[1]), values, x, labels)


def _step(nn: Any, adam: Any, normalise: Any, values: Any, x: Any, labels: Any) -> Step:
    """The same lines for both libraries: their names are the same."""
    inputs, hidden, classes = SIZES
    model = nn.Sequential(nn.Linear(inputs, hidden), normalise, nn.ReLU(), nn.Linear(hidden, classes))
    model.load_state_dict(values, strict=False)
    parameters = list(model.parameters())
    optimizer = adam(parameters, lr=0.001)
    criterion = nn.CrossEntropyLoss()

    def step() -> Any:
        optimizer.zero_grad()
        loss = criterion(model(x), labels)
        loss.backward()
        optimizer.step()
        return [loss, *parameters]

    return step


def jax(size: int) -> Step:
    """JAX, the whole step compiled by jit; waits for the result."""
    jax = peer("JAX")
    jnp = jax.numpy
    x, labels = map(jnp.asarray, batch(size))
    hidden = SIZES[1]
    start = {k: jnp.asarray(v) for k, v in weights().items()}
    start |= {"1.weight": jnp.ones(hidden, "f4"), "1.bias": jnp.zeros(hidden, "f4")}
    order = ("0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias")

    def loss_of(w: Any) -> Any:
        h = x @ w["0.weight"].T + w["0.bias"]
        mean, variance = h.mean(0), h.var(0)
        h = (h - mean) / jnp.sqrt(variance + 1e-5) * w["1.weight"] + w["1.bias"]
        scores = jnp.maximum(h, 0) @ w["3.weight"].T + w["3.bias"]
        picked = jnp.take_along_axis(jax.nn.log_softmax(scores), labels[:, None], 1)
        return -picked.mean(), (mean, variance)

    @jax.jit
    def update(w: Any, m: Any, v: Any, running: Any, t: Any) -> Any:
        (loss, statistics), g = jax.value_and_grad(loss_of, has_aux=True)(w)
        t = t + 1
        new: tuple[dict[str, Any], ...] = ({}, {}, {})
        for k in w:
            new[1][k] = 0.9 * m[k] + 0.1 * g[k]
            new[2][k] = 0.999 * v[k] + 0.001 * g[k] ** 2
            root = jnp.sqrt(new[2][k]) / jnp.sqrt(1 - 0.999**t) + 1e-8
            new[0][k] = (w[k] - 0.001 / (1 - 0.9**t) * new[1][k] / root).astype("f4")
        running = [0.9 * old + 0.1 * now for old, now in zip(running, statistics)]
        return loss, *new, running, t

    zeros = {k: jnp.zeros_like(value) for k, value in start.items()}
    state: list[Any] = [start, zeros, zeros, [jnp.zeros(hidden, "f4"), jnp.ones(hidden, "f4")]]
    state.append(jnp.asarray(0.0, "f4"))

    def step() -> Any:
        loss, *state[:] = update(*state)
        jax.block_until_ready(state)
        return [loss, *[state[0][k] for k in order]]

    return step


CONTENDERS = {
    "minigrad composed": minigrad_composed,
    "minigrad fused": minigrad_fused,
    "PyTorch": pytorch,
    "JAX jit": jax,
}


def run(quick: bool = False, tiny: bool = False, threads: int = 1) -> Report:
    """Time the steps."""
    report = Report("training: one step of the glossary's 784-64-10 network, float32, Adam")
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
