"""Row 6: long chains and wide diamonds.

A chain of up to 1,000,000 operations: no recursion error, the time per operation does not
grow, and with the garbage collector disabled all memory is back after ``del``.  A diamond
of 60 doublings has 2**60 paths and 60 nodes: the backward pass must visit nodes, not paths.
"""

from __future__ import annotations

import contextlib
import gc
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from .chain import chain
from .harness import Check, Report, Table

LENGTHS = (10_000, 100_000, 1_000_000)
DOUBLINGS = 60
LINEAR = 1.5  # time per op at the longest chain, relative to the shortest
LEFT = 0.001  # share of the graph's memory blocks that may remain after `del`


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    """What comes back in here, comes back by reference counting alone."""
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def long_chain(length: int) -> dict[str, Any]:
    """Seconds per operation for each phase, and memory blocks at the peak and afterwards."""
    import minigrad as mg

    clock = time.perf_counter
    x = mg.tensor(np.array([0.5, 1.0, 1.5]), requires_grad=True)
    one, zero = 1.0001, 0.0001
    before = sys.getallocatedblocks()
    start = clock()
    y = chain("scalar", length, x, one, zero, mg.sin)
    forward = clock()
    held = sys.getallocatedblocks() - before
    y.backward()
    backward = clock()
    del y
    freed = clock()
    gradient = x.grad.numpy().copy()
    x.grad = None
    left = sys.getallocatedblocks() - before
    return {
        "length": length,
        "forward": (forward - start) / length,
        "backward": (backward - forward) / length,
        "free": (freed - backward) / length,
        "total": (freed - start) / length,
        "held": held,
        "left": left,
        "gradient": gradient,
    }


def diamond(doublings: int) -> tuple[float, float]:
    """Seconds of y = y + y, repeated and differentiated; and the gradient, 2**doublings."""
    import minigrad as mg

    x = mg.tensor(1.0, requires_grad=True)
    start = time.perf_counter()
    y = x
    for _ in range(doublings):
        y = y + y
    y.backward()
    return time.perf_counter() - start, x.grad.item()


def run(quick: bool = False, tiny: bool = False, threads: int = 1) -> Report:
    """Grow the chain; double the diamond."""
    report = Report("scale: a long chain, scalar operands, (3,) float64; a diamond")
    lengths = (100, 1000) if tiny else LENGTHS[:2] if quick else LENGTHS
    table = Table(
        "Microseconds per operation (collector disabled), and Python's memory blocks",
        [
            ("operations", ","),
            ("forward", ".2f"),
            ("backward", ".2f"),
            ("freeing", ".2f"),
            ("total", ".2f"),
            ("blocks held", ","),
            ("left after del", ","),
        ],
    )
    per_op = {}
    for length in lengths:
        with without_collector():
            long_chain(lengths[0])  # fills Python's own lists of free tuples, which only it empties
            runs = [long_chain(length) for _ in range(3)]
        phases = ("forward", "backward", "free", "total")
        row = [statistics.median([r[k] for r in runs]) * 1e6 for k in phases]
        held, left = runs[-1]["held"], max(r["left"] for r in runs)
        table.rows.append([length, *row, held, left])
        per_op[length] = min(r["total"] for r in runs)
        report.checks.append(Check(f"{length:,} operations: share of blocks left", left / held, LEFT))
    first, last = lengths[0], lengths[-1]
    what = f"time per op at {last:,} / at {first:,}"
    report.checks.append(Check(what, per_op[last] / per_op[first], LINEAR))
    doubling = Table(
        "Diamond", [("doublings", ","), ("µs per doubling", ".2f"), ("gradient / 2**doublings", "g")]
    )
    for count in (10,) if tiny else (DOUBLINGS // 2, DOUBLINGS, 10 * DOUBLINGS):
        elapsed, gradient = sorted([diamond(count) for _ in range(5)])[2]
        doubling.rows.append([count, elapsed / count * 1e6, gradient / 2.0**count])
        report.checks.append(
            Check(
                f"diamond of {count}: |gradient / 2**{count} - 1|", abs(gradient / 2.0**count - 1), 0.0
            )
        )
    report.tables += [table, doubling]
    return report
