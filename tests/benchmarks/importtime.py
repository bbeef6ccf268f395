"""Row 5: how long ``import minigrad`` takes beyond NumPy, in fresh processes."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from .harness import Check, Report, Table

ROOT = Path(__file__).resolve().parents[2]
BUDGET = 0.2
# The processor's time, as in the other rows: waiting for other programs is not counted.
TIMED = "import time, numpy; s = time.process_time(); import minigrad; print(time.process_time() - s)"
LISTED = "import numpy, sys; sys.stderr.write('#'); import minigrad"


class Python:
    """Runs fresh interpreters that share a folder of byte code, as installed packages have one."""

    def __init__(self, cache: str) -> None:
        self.environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
        self.environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment,
            text=True,
            capture_output=True,
            check=True,
        )


def seconds(python: Python) -> float:
    """Processor seconds of one import, NumPy being imported already."""
    return float(python("-c", TIMED).stdout)


def slowest(python: Python, count: int = 10) -> list[tuple[str, float, float]]:
    """Modules that come with minigrad and not with NumPy: name, own and cumulative seconds."""
    rows = []
    for line in python("-X", "importtime", "-c", LISTED).stderr.split("#", 1)[1].splitlines():
        own, cumulative, name = line.removeprefix("import time:").split("|")
        rows.append((name.strip(), int(own) / 1e6, int(cumulative) / 1e6))
    return sorted(rows, key=lambda row: -row[1])[:count]


def run(quick: bool = False, tiny: bool = False, threads: int = 1) -> Report:
    """Time the import."""
    report = Report("importtime: import minigrad beyond NumPy")
    with tempfile.TemporaryDirectory() as cache:
        python = Python(cache)
        seconds(python)  # writes the byte code
        times = [seconds(python) for _ in range(1 if tiny else 5 if quick else 15)]
        modules = slowest(python)
    table = Table("Processor seconds in fresh processes, byte code cached", [("", ""), ("ms", ".1f")])
    table.rows += [["median", statistics.median(times) * 1e3], ["least", min(times) * 1e3]]
    table.rows += [["most", max(times) * 1e3]]
    slow = Table("Slowest modules", [("module", ""), ("own ms", ".1f"), ("with its imports", ".1f")])
    slow.rows += [[name, own * 1e3, cumulative * 1e3] for name, own, cumulative in modules]
    report.tables += [table, slow]
    report.checks.append(Check("seconds beyond NumPy", statistics.median(times), BUDGET))
    return report
