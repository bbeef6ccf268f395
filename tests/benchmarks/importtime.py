"""Row 5: how long ``import minigrad`` takes beyond NumPy, in fresh processes."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

from .harness import Check, Report, Table

ROOT = Path(__file__).resolve().parents[2]
BUDGET = 0.2
TIMED = "import time, numpy; s = time.perf_counter(); import minigrad; print(time.perf_counter() - s)"


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, text=True, capture_output=True, check=True
    )


def seconds() -> float:
    """Seconds of one import, NumPy being imported already."""
    return float(_python("-c", TIMED).stdout)


def slowest(count: int = 10) -> list[tuple[str, float, float]]:
    """Modules that come with minigrad and not with NumPy: name, own and cumulative seconds."""
    listing = _python(
        "-X", "importtime", "-c", "import numpy, sys; sys.stderr.write('#'); import minigrad"
    )
    rows = []
    for line in listing.stderr.split("#", 1)[1].splitlines():
        own, cumulative, name = line.removeprefix("import time:").split("|")
        rows.append((name.strip(), int(own) / 1e6, int(cumulative) / 1e6))
    return sorted(rows, key=lambda row: -row[1])[:count]


def run(quick: bool = False, tiny: bool = False, threads: int = 1) -> Report:
    """Time the import."""
    report = Report("importtime: import minigrad beyond NumPy")
    seconds()  # writes the byte code
    times = [seconds() for _ in range(1 if tiny else 5 if quick else 15)]
    table = Table("Seconds in fresh processes", [("", ""), ("ms", ".1f")])
    table.rows += [["median", statistics.median(times) * 1e3], ["least", min(times) * 1e3]]
    table.rows += [["most", max(times) * 1e3]]
    slow = Table("Slowest modules", [("module", ""), ("own ms", ".1f"), ("with its imports", ".1f")])
    slow.rows += [[name, own * 1e3, cumulative * 1e3] for name, own, cumulative in slowest()]
    report.tables += [table, slow]
    report.checks.append(Check("seconds beyond NumPy", statistics.median(times), BUDGET))
    return report
