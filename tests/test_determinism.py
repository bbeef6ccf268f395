"""Same inputs, same bits: twice, in other processes, whatever the hash seed and the addresses are."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg

ROOT = Path(mg.__file__).parents[1]


def fingerprint() -> str:
    """A digest of values and derivatives in which the order of every sum matters."""
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((40, 30)).astype("f4"), rng.standard_normal((30, 20)).astype("f4")
    b = rng.standard_normal(20).astype("f4")

    def loss(p: Any) -> Any:
        h = mg.tanh(x @ p["w"] + p["b"])
        for k in range(5):  # the same values used again and again, on paths of different length
            h = (
                h * 0.7
                + mg.sin(h * (k + 1.0)) * p["b"]
                - mg.mean(h, axis=0)
                + mg.max(h, axis=1, keepdims=True)
            )
        return mg.logsumexp(h) + (h[rng_index] * p["b"][::-1]).sum() * 1e-3

    rng_index = np.random.default_rng(1).integers(0, 40, 100)
    p = {"w": w, "b": b}
    value, g = mg.value_and_grad(loss)(p)
    _, tangent = mg.jvp(loss, (p,), ({"w": w, "b": b},))
    curvature = mg.hvp(loss, (p,), ({"w": w, "b": b},))
    leaf = mg.tensor(w, requires_grad=True)
    loss({"w": leaf, "b": mg.tensor(b, requires_grad=True)}).backward()
    y = mg.grad(lambda x: (mg.batchnorm.fused(x, np.ones(30, "f4"), np.zeros(30, "f4")) ** 3).sum())(x)
    digest = hashlib.sha256()
    for t in (value, g["w"], g["b"], tangent, curvature["w"], curvature["b"], leaf.grad, y):
        digest.update(t.numpy().tobytes())
    return digest.hexdigest()


def test_twice() -> None:
    assert fingerprint() == fingerprint()


def test_in_other_processes_with_other_hash_seeds() -> None:
    found = set()
    for seed in ("0", "1", "4711"):
        program = f"padding = [object() for _ in range({seed} * 3)]\n" + (
            "from tests.test_determinism import fingerprint; print(fingerprint())"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        found.add(done.stdout.strip())
    assert found == {fingerprint()}


def test_the_order_of_accumulation_is_by_serial() -> None:
    """The last made contribution comes first: in single precision another order gives other bits."""
    big, one = np.float32(2**24), np.float32(1.0)

    def accumulated(*factors: Any) -> float:
        x = mg.tensor(np.float32(1.0), requires_grad=True)
        total = mg.tensor(np.float32(0.0))
        for f in [x * f for f in factors]:
            total = total + f
        total.backward()
        return x.grad.item()

    assert accumulated(big, one, one) == 2**24 + 2  # (1 + 1) + 2^24
    assert accumulated(one, one, big) == 2**24  # (2^24 + 1) + 1, rounded twice
