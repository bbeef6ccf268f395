"""``python -m tests.benchmarks``: run the measurements and print them."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence

from . import harness

MODULES = {
    "chain": "a recorded operation on tiny arrays",
    "batchnorm": "batch norm, composed and fused, forward + backward",
    "memory": "peak memory of that step",
    "importtime": "import minigrad beyond NumPy",
    "scale": "a chain of 1,000,000 operations; a diamond",
    "accuracy": "errors of batch norm in float32",
    "training": "a training step of a small network",
    "whitening": "what whitening costs against batch norm",
    "layout": "pictures of large graphs, beside dot",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="Measure minigrad against its peers.",
        epilog="; ".join(f"{name}: {what}" for name, what in MODULES.items()),
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller sizes")
    parser.add_argument("--only", nargs="+", choices=list(MODULES), metavar="NAME", help="only these")
    parser.add_argument("--json", metavar="FILE", help="also write the figures to a file")
    parser.add_argument("--threads", type=int, default=1, help="per contender (default: 1)")
    options = parser.parse_args(arguments)
    if options.threads < 1:
        parser.error(f"--threads must be at least 1, not {options.threads}")
    harness.set_threads(options.threads)
    if "numpy" in sys.modules:
        print("Note: NumPy was imported before the threads were set; its BLAS may use more.")

    found = {"machine": harness.machine(options.threads), "missing": harness.missing_peers()}
    print(harness.machine_text(found["machine"]))
    for name, why in found["missing"].items():
        print(f"{name} is left out: {why}")
    reports = {}
    for name in options.only or MODULES:
        module = importlib.import_module(f"{__package__}.{name}")
        start = time.perf_counter()
        report = module.run(quick=options.quick, threads=options.threads)
        print(f"\n{report.text()}\n\n({name}: {time.perf_counter() - start:.0f} s)", flush=True)
        reports[name] = report.data()
    if options.json:
        write_json(options.json, {**found, "quick": options.quick, "benchmarks": reports})
        print(f"\nFigures written to {options.json}")
    return 0


def write_json(path: str, data: object) -> None:
    """Write the whole file or nothing."""
    folder = os.path.dirname(os.path.abspath(path))
    with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".tmp", delete=False) as file:
        try:
            json.dump(data, file, indent=1)
            file.close()
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


if __name__ == "__main__":
    sys.exit(main())
