"""Row 4: peak memory of one batch norm step, each contender in a process of its own.

The child builds the problem, takes a step at a tiny size (which loads whatever is loaded
lazily), resets the peak of its resident memory, takes one step, and reports by how much the
peak exceeds what was resident before.  Unit: arrays of x's size.  Inputs (x and dy) are
resident before and do not count; y, dx and what the backward pass keeps do.

Tracers such as tracemalloc see NumPy's memory only; resident memory is the same for all.
glibc is told to give large blocks back at once, so that resident means live.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from .batchnorm import CONTENDERS, problem
from .harness import Check, Report, Table, missing_peers

ROOT = Path(__file__).resolve().parents[2]
SHAPES = ((8192, 512), (64, 64, 32, 32))
CLEAR = Path("/proc/self/clear_refs")
STATUS = Path("/proc/self/status")
MALLOC = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


def _status(field: str) -> int:
    """A field of /proc/self/status, in bytes."""
    for line in STATUS.read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


def _maximum() -> int:
    """The largest resident size of this process so far, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def exact() -> bool:
    """Whether the kernel can reset the peak; without, a peak below that of importing is not seen."""
    return os.access(CLEAR, os.W_OK) and STATUS.exists()


def measure(contender: str, shape: tuple[int, ...]) -> int:
    """Bytes by which one step exceeds what was resident before; call it in a fresh process."""
    tiny = (4, 3) if len(shape) == 2 else (2, 3, 2, 2)
    CONTENDERS[contender](problem(tiny))()
    step = CONTENDERS[contender](problem(shape))
    if contender.startswith("JAX"):
        step()  # the compiler's own memory is not the step's
    gc.collect()
    with contextlib.suppress(AttributeError, OSError):  # glibc: give back what is free already
        ctypes.CDLL(None).malloc_trim(0)
    if exact():
        CLEAR.write_text("5")
        before = _status("VmRSS")
        step()
        return _status("VmHWM") - before
    before = _maximum()
    step()
    return _maximum() - before


def peak(contender: str, shape: tuple[int, ...]) -> int:
    """The same from outside: start the process, read its answer."""
    code = f"from tests.benchmarks import memory; print(memory.measure({contender!r}, {shape!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, **MALLOC}, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"measuring {contender} failed:\n{done.stderr}")
    return int(done.stdout.split()[-1])


def run(quick: bool = False, tiny: bool = False, threads: int = 1) -> Report:
    """Measure the peaks."""
    report = Report("memory: peak of one step beyond its inputs, in arrays of x's size")
    absent = missing_peers()
    names = [name for name in CONTENDERS if not any(name.startswith(a) for a in absent)]
    for shape in ((8192, 64),) if tiny else SHAPES[:1] if quick else SHAPES:
        p = problem(shape)
        columns = [("contender", ""), ("arrays", ".2f"), ("MiB", ".1f"), ("composed / it", ".2f")]
        table = Table(f"{'x'.join(map(str, shape))} (x: {p.x.nbytes / 2**20:.1f} MiB)", columns)
        peaks: dict[str, Any] = {name: peak(name, shape) for name in names}
        own = peaks["minigrad composed"]
        for name, size in peaks.items():
            relative = own / size if size else None
            table.rows.append([name, size / p.x.nbytes, size / 2**20, relative])
        report.tables.append(table)
        against = "PyTorch composed"
        if peaks.get(against):
            what = f"{table.title}: minigrad composed / {against}"
            report.checks.append(Check(what, own / peaks[against], 1.0))
    if not exact():
        report.notes.append(
            "No /proc/self/clear_refs here: ru_maxrss is used, which is blind below its start."
        )
    return report
