"""What whitening costs against batch norm: forward + backward, float32, twice as many examples as
features, which it needs at least to have a covariance.

The budget is the textbook's claim turned round: batch norm is not dearer than either.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .harness import Check, Report, Step, Table, interleave, overloaded, ratio

WIDTHS = (64, 128, 256, 512, 1024)


def problem(features: int) -> tuple[np.ndarray, np.ndarray]:
    """Correlated features, and a cotangent."""
    rng = np.random.default_rng(0)
    mix = 0.3 * rng.standard_normal((features, features)) / features**0.5 + np.eye(features)
    x = rng.standard_normal((2 * features, features)) @ mix
    return x.astype("f4"), rng.standard_normal(x.shape).astype("f4")


def _step(normalise: str, features: int) -> Step:
    import minigrad as mg

    x, dy = problem(features)
    function = getattr(mg.batchnorm, normalise)
    x = mg.tensor(x, requires_grad=True)

    def step() -> Any:
        y = function(x)
        x.grad = None
        y.backward(dy)
        return y, x.grad

    return step


CONTENDERS = {
    "batch norm composed": lambda features: _step("composed", features),
    "batch norm fused": lambda features: _step("fused", features),
    "ZCA whitening": lambda features: _step("zca", features),
    "Newton-Schulz, 5 steps": lambda features: _step("newton_schulz", features),
}


def run(quick: bool = False, tiny: bool = False, threads: int = 1) -> Report:
    """Time the steps."""
    report = Report("whitening: against batch norm, forward + backward, float32")
    for features in (4,) if tiny else WIDTHS[:3] if quick else WIDTHS:
        rounds = 1 if tiny else 5 if features >= 512 else 15
        steps = {name: make(features) for name, make in CONTENDERS.items()}
        timings = interleave(steps, rounds, 0.0 if tiny else 0.005, threads)
        own = timings["batch norm composed"]
        columns = [("contender", ""), ("ms", ".3f"), ("spread", ".0%"), ("it / composed", ".1f")]
        table = Table(f"{features} features, {2 * features} examples", columns)
        for name, timing in timings.items():
            table.rows.append([name, timing.median * 1e3, timing.spread, ratio(timing, own)])
            if not name.startswith("batch norm"):
                what = f"{features} features: batch norm composed / {name}"
                report.checks.append(Check(what, ratio(own, timing), 1.0))
        report.tables.append(table)
        report.notes += overloaded(timings, threads)
    return report
