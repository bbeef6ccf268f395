"""Row 1: what one recorded operation costs on tiny arrays.

A chain of 5,000 operations on three float64 numbers: forward, backward, and giving
the graph back.  With arrays this small, only the overhead per operation counts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .harness import Check, Report, Step, Table, build, interleave, overloaded, paired, peer, ratio

KINDS = {
    "scalar": "y * 1.0001, y + 0.0001 in turn",
    "tensor": "y * a, y + b in turn, a and b tracked too",
    "unary": "sin(y)",
}
BUDGETS = {"PyTorch": 0.9, "HIPS autograd": 0.2, "MyGrad": 0.2}


def chain(kind: str, length: int, x: Any, a: Any, b: Any, sin: Callable[[Any], Any]) -> Any:
    """The same lines for every contender."""
    y = x
    if kind == "scalar":
        for _ in range(length // 2):
            y = y * 1.0001
            y = y + 0.0001
    elif kind == "tensor":
        for _ in range(length // 2):
            y = y * a
            y = y + b
    else:
        for _ in range(length):
            y = sin(y)
    return y.sum()


def _start() -> tuple[Any, Any, Any]:
    return np.array([0.5, 1.0, 1.5]), np.full(3, 1.0001), np.full(3, 0.0001)


def _used(kind: str, leaves: Any) -> Any:
    """The leaves that the chain depends on: only with tensor operands all three."""
    return leaves if kind == "tensor" else leaves[:1]


def minigrad(kind: str, length: int) -> Step:
    """minigrad, through ``backward``."""
    import minigrad as mg

    leaves = [mg.tensor(v, requires_grad=True) for v in _start()]

    def step() -> Any:
        chain(kind, length, *leaves, mg.sin).backward()
        gradients = [v.grad for v in _used(kind, leaves)]
        for v in leaves:
            v.grad = None
        return gradients

    return step


def pytorch(kind: str, length: int) -> Step:
    """PyTorch eager, through ``backward``."""
    torch = peer("PyTorch")
    leaves = [torch.tensor(v, requires_grad=True) for v in _start()]

    def step() -> Any:
        chain(kind, length, *leaves, torch.sin).backward()
        gradients = [v.grad for v in _used(kind, leaves)]
        for v in leaves:
            v.grad = None
        return gradients

    return step


def mygrad(kind: str, length: int) -> Step:
    """MyGrad with its defaults (arrays in a graph are locked)."""
    library = peer("MyGrad")
    leaves = [library.tensor(v) for v in _start()]

    def step() -> Any:
        chain(kind, length, *leaves, library.sin).backward()
        gradients = [v.grad for v in _used(kind, leaves)]
        for v in leaves:
            v.null_grad()
        return gradients

    return step


def hips(kind: str, length: int) -> Step:
    """HIPS autograd, through ``make_vjp``."""
    library = peer("HIPS autograd")
    import autograd.numpy as anp

    x, a, b = _start()
    if kind == "tensor":
        pull = library.make_vjp(lambda x, a, b: chain(kind, length, x, a, b, anp.sin), (0, 1, 2))
    else:
        pull = library.make_vjp(lambda x, a, b: chain(kind, length, x, a, b, anp.sin), (0,))

    def step() -> Any:
        pullback, _ = pull(x, a, b)
        return pullback(1.0)

    return step


def by_hand(kind: str, length: int) -> Step:
    """The same arithmetic in bare NumPy: what must be kept is appended to a list."""
    x, a, b = _start()

    def step() -> Any:
        y, kept = x, []
        if kind == "scalar":
            for _ in range(length // 2):
                y = y * 1.0001
                y = y + 0.0001
        elif kind == "tensor":
            for _ in range(length // 2):
                kept.append(y)
                y = y * a
                y = y + b
        else:
            for _ in range(length):
                kept.append(y)
                y = np.sin(y)
        y.sum()
        g = np.ones(3)
        da, db = np.zeros(3), np.zeros(3)
        if kind == "scalar":
            for _ in range(length // 2):
                g = g * 1.0001
        elif kind == "tensor":
            for y in reversed(kept):
                db += g
                da += g * y
                g = g * a
        else:
            for y in reversed(kept):
                g = g * np.cos(y)
        return _used(kind, (g, da, db))

    return step


CONTENDERS = {
    "minigrad": minigrad,
    "PyTorch": pytorch,
    "HIPS autograd": hips,
    "MyGrad": mygrad,
    "NumPy by hand": by_hand,
}


def run(quick: bool = False, tiny: bool = False, threads: int = 1) -> Report:
    """Time the chains."""
    length, rounds = (20, 1) if tiny else (5000, 5 if quick else 15)
    report = Report(f"chain: {length:,} operations on (3,) float64, forward + backward + freeing")
    for kind, what in KINDS.items():
        timings = interleave(build(CONTENDERS, kind, length), rounds, 0.0 if tiny else 0.005, threads)
        own = timings["minigrad"]
        table = Table(
            f"{kind}: {what}",
            [
                ("contender", ""),
                ("µs per op", ".2f"),
                ("spread", ".0%"),
                ("minigrad / it", ".2f"),
                ("paired", ".2f"),
            ],
        )
        for name, timing in timings.items():
            row = [name, timing.median / length * 1e6, timing.spread]
            table.rows.append([*row, ratio(own, timing), paired(own, timing)])
            if name in BUDGETS:
                report.checks.append(
                    Check(f"{kind}: minigrad / {name}", ratio(own, timing), BUDGETS[name])
                )
        report.tables.append(table)
        report.notes += overloaded(timings, threads)
    report.notes.append(
        "JAX is not in this row: jit compiles the whole chain away, and nothing is recorded per step."
    )
    return report
