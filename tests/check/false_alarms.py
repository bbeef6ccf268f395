"""Count false alarms over many seeds: ``python -m tests.check.false_alarms --seeds 1000``."""

from __future__ import annotations

import argparse
import collections
import sys
import time

import numpy as np

from tests.check.known_good import CASES, HELD_OUT


def main() -> int:
    """Run every right gradient with every seed; the exit code says whether one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="per case (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    options = parser.parse_args()
    alarms = runs = 0
    began = time.monotonic()
    for group, cases in (("known", CASES), ("held out", HELD_OUT)):
        for name, case in cases.items():
            if options.only not in name:
                continue
            verdicts: collections.Counter[str] = collections.Counter()
            worst, failed = 0.0, []
            for seed in range(options.first, options.first + options.seeds):
                report = case.run(np.random.default_rng(1000 + seed), seed)
                verdicts[report.verdict] += 1
                worst = max([worst, *(e.margin for e in report.entries if e.state == "ok")])
                if report.verdict == "FAIL":
                    failed.append(seed)
            alarms, runs = alarms + len(failed), runs + options.seeds
            note = f"  FALSE ALARMS at seeds {failed[:5]}" if failed else ""
            print(f"{group:8}  {name:45}  {dict(verdicts)}  margin {worst:.2g}{note}", flush=True)
    print(f"{alarms} false alarms in {runs} checks, {time.monotonic() - began:.0f} s")
    return 1 if alarms else 0


if __name__ == "__main__":
    sys.exit(main())
