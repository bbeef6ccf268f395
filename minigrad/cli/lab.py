"""``minigrad lab``: run what is claimed about batch normalization, and see what comes out."""

from __future__ import annotations

import contextlib
import difflib
import json
import re
import textwrap
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from ..errors import MinigradError
from ..lab import Experiment, experiments, run
from ..lab.run import drawing
from .terminal import CommandError, Parser, output_folder, progress, table

MARKS = {"holds": "+", "holds partly": "~", "does not hold here": "-"}

# What argparse says, and what is said instead.
WORDS = (
    (r"argument (--\w+): expected one argument", r"\1 needs the name of a folder"),
    (r"argument (--\w+): ignored explicit argument .*", r"\1 takes no value"),
    (r"argument list \| run: invalid choice: ('.*?') .*", r"there is no \1, but list and run"),
    (r"the following arguments are required: list \| run", "give list or run"),
)


class _Parser(Parser):
    def error(self, message: str) -> NoReturn:
        for theirs, ours in WORDS:
            message = re.sub(theirs, ours, message)
        super().error(message)


def main(arguments: Sequence[str]) -> int:
    """Run the laboratory; returns the exit code."""
    parser = _Parser(
        prog="minigrad lab",
        description="Claims about batch normalization, put to the test on real handwritten digits.",
    )
    commands = parser.add_subparsers(metavar="list | run", dest="command", required=True)
    listing = commands.add_parser("list", help="name the experiments and their claims")
    listing.add_argument("--json", action="store_true", help="as JSON")
    running = commands.add_parser("run", help="run one or all of them")
    running.add_argument("names", nargs="*", metavar="NAME", help="of an experiment, or its row: B1")
    running.add_argument("--all", action="store_true", help="run every experiment")
    running.add_argument("--quick", action="store_true", help="fewer seeds and steps, under 20 s each")
    running.add_argument(
        "--out", metavar="DIR", default="minigrad-lab",
        help="folder for NAME.json and NAME.svg (default: %(default)s)",
    )  # fmt: skip
    running.add_argument("--quiet", action="store_true", help="verdicts only: no progress")
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        which = {"list": listing, "run": running}[options.command]
        kind = "option" if unknown[0].startswith("-") else "argument"
        which.error(f"there is no {kind} {unknown[0]!r}")
    if options.command == "list":
        return _list(options.json)
    if bool(options.names) == options.all:
        running.error("give the names of experiments, or --all")
    if not options.out.strip():
        running.error("--out needs the name of a folder")
    chosen = list(experiments().values()) if options.all else [_find(n) for n in options.names]
    drawing()  # what is missing must not come out after the work
    with output_folder(options.out) as folder:
        return _run(chosen, options.quick, folder, options.quiet)


def _list(as_json: bool) -> int:
    found = experiments().values()
    if as_json:
        rows = [{"name": e.name, "row": e.row, "claim": e.claim, "sources": e.sources} for e in found]
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return 0
    for e in found:
        print(f"{e.row:>4}  {e.name}")
        print(textwrap.fill(e.claim, 92, initial_indent=" " * 6, subsequent_indent=" " * 6))
    return 0


def _find(name: str) -> Experiment:
    known = experiments()
    for e in known.values():
        if name.casefold() in (e.name, e.row.casefold()):
            return e
    near = difflib.get_close_matches(name, known, n=1)
    meant = f" Did you mean {near[0]}?" if near else ""
    raise CommandError(f"there is no experiment {name!r}.{meant} See minigrad lab list.")


def _run(chosen: Sequence[Experiment], quick: bool, folder: Path, quiet: bool) -> int:
    verdicts: list[list[str]] = []
    failed = 0
    start = time.perf_counter()
    for e in chosen:
        print(f"{e.row} {e.name}: {e.claim}", flush=True)
        try:
            with _progress(e.name, quiet) as report:
                found = run(e, quick, folder, report)
        except MinigradError as error:
            if len(chosen) == 1:
                raise
            failed += 1
            print(f"    failed: {error}\n")
            continue
        print(textwrap.fill(found["summary"], 92, initial_indent="    ", subsequent_indent="    "))
        if found["rows"]:
            print(textwrap.indent(table(found["head"], found["rows"]), "    "))
        print(
            f"    {MARKS[found['verdict']]} {found['verdict']}   ({found['seconds']:g} s)\n", flush=True
        )
        verdicts.append([f"{e.row} {e.name}", found["verdict"], f"{found['seconds']:g} s"])
    if len(chosen) > 1:
        print(table(["experiment", "verdict", "took"], verdicts))
        print(f"  {len(verdicts)} experiments in {time.perf_counter() - start:.0f} s")
    print(f"Written to {folder.resolve()}")
    return 1 if failed else 0


@contextlib.contextmanager
def _progress(name: str, quiet: bool) -> Any:
    """Progress of an experiment, which says the total only while it runs."""
    with contextlib.ExitStack() as stack:
        shown: list[Callable[[int, str], None]] = []

        def report(done: int, total: int, note: str) -> None:
            if not shown:
                shown.append(stack.enter_context(progress(name, total, quiet)))
            shown[0](done, note)

        yield report
