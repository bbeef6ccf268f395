"""What all benchmarks share: peers, interleaved timing, tables, the machine line.

Nothing here imports NumPy or a peer at the top, so that ``__main__`` can set the
number of threads first.
"""

from __future__ import annotations

import gc
import importlib
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

Step = Callable[[], Any]

# Contender -> the distribution and module it needs beside minigrad and NumPy.
PEERS = {
    "HIPS autograd": "autograd",
    "MyGrad": "mygrad",
    "PyTorch": "torch",
    "JAX": "jax",
}
THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
    "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS",
)  # fmt: skip


# Threads and peers -----------------------------------------------------------------------


def set_threads(threads: int) -> None:
    """Tell BLAS, OpenMP and XLA how many threads to use; must come before ``import numpy``."""
    os.environ.update({name: str(threads) for name in THREAD_VARIABLES})
    os.environ["NPROC"] = str(threads)  # the size of XLA's thread pool
    os.environ["JAX_PLATFORMS"] = "cpu"
    if threads == 1:
        flags = os.environ.get("XLA_FLAGS", "")
        os.environ["XLA_FLAGS"] = f"{flags} --xla_cpu_multi_thread_eigen=false".strip()


def peer(name: str) -> Any:
    """Import a peer by its name in `PEERS`; raises ImportError if it is not installed."""
    module = importlib.import_module(PEERS[name])
    if name == "PyTorch" and "OMP_NUM_THREADS" in os.environ:
        module.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    if name == "JAX":
        module.config.update("jax_enable_x64", True)
    return module


def missing_peers() -> dict[str, str]:
    """The peers that cannot be imported, and why."""
    found = {}
    for name in PEERS:
        try:
            peer(name)
        except ImportError as error:
            found[name] = f"{error}; install it with: pip install {PEERS[name]}"
    return found


def build(contenders: Mapping[str, Callable[..., Step]], *problem: Any) -> dict[str, Step]:
    """The steps of all contenders whose library is installed (`missing_peers` names the others)."""
    absent = missing_peers()
    return {
        name: make(*problem)
        for name, make in contenders.items()
        if not any(name.startswith(prefix) for prefix in absent)
    }


def to_numpy(value: Any) -> Any:
    """The plain array behind any contender's tensor."""
    import numpy as np

    if hasattr(value, "detach"):  # PyTorch, minigrad
        return value.detach().numpy()
    if type(value).__module__.startswith("mygrad"):
        return value.data
    return np.asarray(value)


# Timing ----------------------------------------------------------------------------------


@dataclass
class Timing:
    """Seconds per step, one figure per round, and the share of one core that was busy."""

    seconds: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The middle round."""
        return statistics.median(self.seconds)

    @property
    def spread(self) -> float:
        """The distance between the quartiles, relative to the median."""
        if len(self.seconds) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return (high - low) / self.median


def interleave(
    steps: Mapping[str, Step], rounds: int, sample: float = 0.005, threads: int = 1
) -> dict[str, Timing]:
    """Time all steps in turn, A B C A B C ..., so that a drift of the machine hits all alike.

    Parameters
    ----------
    steps : mapping of str to callable
        What to time.  The result is dropped inside the timed region: freeing is paid for.
    rounds : int
        How often the turn is taken; each round begins one contender later than the last.
    sample : float
        Seconds that one figure should take at least; short steps are repeated.
    threads : int
        With one thread, the processor's time is taken: waiting for other programs is not
        counted.  With more, the clock on the wall.

    Returns
    -------
    dict of str to Timing
    """
    clock, cpu = time.perf_counter, time.process_time
    repeats = {}
    for name, step in steps.items():
        step()  # compiles, fills caches
        step()
        start = clock()
        step()
        repeats[name] = max(1, min(1000, round(sample / max(clock() - start, 1e-7))))
    timings = {name: Timing() for name in steps}
    order = list(steps)
    gc.collect()
    gc.freeze()  # what is imported by now is not searched again, whoever imported it
    try:
        for turn in range(rounds):
            shift = turn % len(order)
            for name in order[shift:] + order[:shift]:
                step, number = steps[name], range(repeats[name])
                gc.collect()  # nobody pays for a predecessor's garbage
                busy, start = cpu(), clock()
                for _ in number:
                    step()
                elapsed, busy = clock() - start, cpu() - busy
                timings[name].seconds.append((busy if threads == 1 else elapsed) / len(number))
                timings[name].busy.append(busy / elapsed)
    finally:
        gc.unfreeze()
    return timings


def ratio(one: Timing, other: Timing) -> float:
    """The ratio of the medians."""
    return one.median / other.median


def paired(one: Timing, other: Timing) -> float:
    """The median of the ratios within each round: blind to a machine that changes its speed."""
    return statistics.median([a / b for a, b in zip(one.seconds, other.seconds, strict=True)])


# Reports ---------------------------------------------------------------------------------


@dataclass
class Table:
    """Rows of raw values; a column is its heading and a format."""

    title: str
    columns: list[tuple[str, str]]
    rows: list[list[Any]] = field(default_factory=list)

    def text(self) -> str:
        """Aligned plain text; the first column to the left, numbers to the right."""
        head = [heading for heading, _ in self.columns]
        body = [
            ["-" if v is None else format(v, f) for v, (_, f) in zip(row, self.columns, strict=True)]
            for row in self.rows
        ]
        widths = [max(len(line[i]) for line in [head, *body]) for i in range(len(head))]
        lines = [
            "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip()
            for line in [head, *body]
        ]
        return "\n".join([self.title, *[f"  {line}" for line in lines]])


@dataclass
class Check:
    """A measured value and its budget."""

    what: str
    value: float
    budget: float

    @property
    def met(self) -> bool:
        """Whether the value is within the budget (a NaN is not)."""
        return bool(self.value <= self.budget)


@dataclass
class Report:
    """What one benchmark found."""

    title: str
    tables: list[Table] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def text(self) -> str:
        """The report as plain text."""
        parts = [f"== {self.title} =="]
        parts += [table.text() for table in self.tables]
        if self.checks:
            rows = [[c.what, c.value, c.budget, "met" if c.met else "NOT MET"] for c in self.checks]
            columns = [("budget", ""), ("measured", ".3g"), ("at most", ".3g"), ("", "")]
            parts.append(Table("Budgets", columns, rows).text())
        parts += self.notes
        return "\n\n".join(parts)

    def data(self) -> dict[str, Any]:
        """The report as plain data, for JSON."""
        return {
            "title": self.title,
            "tables": [
                {"title": t.title, "columns": [c for c, _ in t.columns], "rows": t.rows}
                for t in self.tables
            ],
            "budgets": [
                {"what": c.what, "measured": c.value, "at_most": c.budget, "met": c.met}
                for c in self.checks
            ],
            "notes": self.notes,
        }


def overloaded(timings: Mapping[str, Timing], threads: int) -> list[str]:
    """A note per contender that kept more cores busy than it was given."""
    return [
        f"Note: {name} used {busy:.1f} cores, though {threads} was asked for."
        for name, timing in timings.items()
        if (busy := statistics.median(timing.busy)) > threads + 0.2
    ]


# The machine -----------------------------------------------------------------------------


def machine(threads: int) -> dict[str, Any]:
    """Processor, cores, load, threads, and the versions of everybody."""
    import numpy as np

    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    versions = {"numpy": np.__version__}
    for name in ("minigrad", *PEERS.values()):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": [round(load, 2) for load in os.getloadavg()] if hasattr(os, "getloadavg") else None,
        "threads": threads,
        "python": platform.python_version(),
        "blas": f"{blas['name']} {blas['version']}",
        "versions": versions,
    }


def machine_text(found: Mapping[str, Any]) -> str:
    """The machine in three lines."""
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    return (
        f"{found['processor']}, {found['cores']} cores, {found['threads']} thread(s) per contender, "
        f"load {found['load']}\n"
        f"Python {found['python']}, BLAS {found['blas']}\n{versions}"
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
