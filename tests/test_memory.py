"""Memory: freed arrays are used again, and the graph goes back without the collector."""

from __future__ import annotations

import gc
import platform
import subprocess
import sys
import weakref

import numpy as np
import pytest

import minigrad as mg

FAULTS = """
import resource
import numpy as np
import minigrad as mg
x = mg.tensor(np.random.default_rng(0).standard_normal((1024, 1024)).astype("f"), requires_grad=True)
dy = np.ones(x.shape, "f")
def step():
    mg.batchnorm.composed(x).backward(dy)
for _ in range(5):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 20)
"""


def faults() -> float:
    return float(subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc hands memory back so eagerly")
def test_a_step_does_not_fault_its_memory_in_again() -> None:
    assert faults() < 100  # untuned: up to 6,000, a fault per 4 KB of every temporary array


@pytest.mark.parametrize("walk", ["forward", "backward", "create_graph"])
def test_memory_is_back_without_the_collector(walk: str) -> None:
    """No reference cycles: every node dies with the last tensor that needs it."""
    gc.collect()
    gc.disable()
    try:
        x = mg.tensor(np.ones((4, 3)), requires_grad=True)
        y = mg.batchnorm.composed(x * 2.0, np.ones(3), np.zeros(3)).sum()
        nodes = weakref.WeakSet([y])
        if walk != "forward":
            y.backward(create_graph=walk == "create_graph")
            x.grad = None
        del y
        assert not nodes
        del x
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_trace_leaves_nothing_to_the_collector():
    f = mg.grad(lambda x: (mg.batchnorm.composed(x) ** 2).sum())
    x = np.ones((4, 3))
    mg.trace(f, x)
    gc.collect()
    gc.disable()
    try:
        mg.trace(f, x)
        mg.trace(f, x, values=True)
        assert gc.collect() == 0
    finally:
        gc.enable()
