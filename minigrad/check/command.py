"""``minigrad check``: the gradients in a script of the user's own.

Exit codes: 0 passed, 1 failed, 2 inconclusive or vacuous, 3 wrong usage (the script itself
failing included).
"""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..cli.terminal import CommandError, Parser, integer, progress
from ..errors import ArgumentError, MinigradError
from ..scripts import failure, load, named, split_name
from .api import check_pair, gradcheck
from .checker import MODES
from .discover import Found, find, resolve_inputs
from .figure import OTHER_FORMATS, SUFFIXES
from .inputs import FUNCTIONS
from .report import Report

PASSED, FAILED, UNDECIDED, USAGE = 0, 1, 2, 3
PATIENCE = 1.0  # seconds after which progress is shown
DTYPES = ("float64", "float32", "float16")


def main(arguments: Sequence[str]) -> int:
    """Run ``minigrad check``; returns the exit code."""
    try:
        return _run(_options(arguments))
    except (CommandError, MinigradError) as error:
        print(f"minigrad check: {error}", file=sys.stderr)
        return USAGE


def _options(arguments: Sequence[str]) -> Any:
    known = "; ".join(example for example, _ in FUNCTIONS.values())
    parser = Parser(
        prog="minigrad check",
        description="Check gradients. In a file, everything is checked that is marked with "
        "@mg.checked, and every function NAME or NAME_forward that has a NAME_backward beside it; its "
        "inputs are in NAME_inputs (arrays in a tuple or dict, or a function that returns them). Two "
        "names check a forward and its backward; one name, a function of minigrad's.",
        epilog=f"Inputs: {known}; numbers, lists, text. Exit codes: 0 passed, 1 failed, 2 inconclusive "
        "or vacuous, 3 wrong usage.",
    )
    add = parser.add_argument
    add(
        "what",
        metavar="FILE.py | MODULE:FUNCTION",
        nargs="+",
        help="one, or a forward and its backward",
    )
    add("--inputs", metavar="TEXT", help='for example "x=randn(16,5),gamma=uniform(.5,1.5,5)"')
    add(
        "--wrt",
        metavar="NAMES",
        help="inputs to differentiate, with commas (default: all floating ones)",
    )
    add("--order", metavar="N", type=integer(1), help="2 checks second derivatives as well")
    add("--mode", choices=MODES, help="along random directions, or entry by entry (default: auto)")
    add("--seed", metavar="N", type=integer(0), help="of everything random (default: 0)")
    add("--points", metavar="N", type=integer(1), help="the given one and others near it (default: 3)")
    add("--dtype", choices=DTYPES, help="of the arrays that --inputs or a text describes")
    add("--require-resolution", metavar="R", type=float, help="a coarser check is inconclusive")
    add("--lenient", action="store_true", help="inconclusive and vacuous count as passed")
    add("--json", action="store_true", help="print the reports as JSON")
    add(
        "--figure",
        metavar="PATH",
        help="a picture: a file .svg, .png or .html, or a folder for several",
    )
    add("--quiet", action="store_true", help="print one line per check, and no progress")
    options = parser.parse_args(arguments)
    if len(options.what) > 2:
        parser.error("name one file or function, or a forward and its backward")
    return options


def _run(options: Any) -> int:
    # What the user's script prints must not get between the lines of JSON.
    with contextlib.redirect_stdout(sys.stderr) if options.json else contextlib.nullcontext():
        found = _targets(options.what)
        pictures = _pictures(options.figure, found)
        reports = []
        for number, target in enumerate(found):
            report = _check(target, options)
            reports.append(report)
            if pictures[number] is not None:
                report.figure(pictures[number])
            if not options.json:
                print(report.text().splitlines()[0] if options.quiet else report.text(), flush=True)
                if pictures[number] is not None and not options.quiet:
                    print(f"picture: {pictures[number]}")
    if options.json:
        print(json.dumps({"version": 1, "checks": [json.loads(r.json()) for r in reports]}, indent=1))
    if any(r.verdict == "FAIL" for r in reports):
        return FAILED
    return PASSED if all(reports) else UNDECIDED


def _targets(what: Sequence[str]) -> list[Found]:
    """What to check."""
    split = [split_name(word) for word in what]
    modules = {where: load(where) for where, _ in dict.fromkeys(split)}
    if len(split) == 2:
        missing = [word for word, (_, name) in zip(what, split, strict=True) if not name]
        if missing:
            raise ArgumentError(f"{missing[0]!r} names no function; write for example FILE.py:forward.")
        forward, backward = (named(modules[where], name, where) for where, name in split)
        inputs = vars(modules[split[0][0]]).get(f"{split[0][1]}_inputs")
        return [Found(split[0][1], forward, backward, inputs)]
    (where, name), module = split[0], modules[split[0][0]]
    found = find(module)
    if name:
        chosen = [f for f in found if name in (f.name, getattr(f.function, "__name__", ""))]
        if chosen:
            return chosen
        function = named(module, name, where)
        return [Found(name, function, None, vars(module).get(f"{name}_inputs"))]
    if not found:
        raise ArgumentError(
            f"{where} holds nothing to check. Write a function NAME_backward beside NAME, or mark a "
            "function with @mg.checked, or name one: FILE.py:NAME."
        )
    return found


def _check(target: Found, options: Any) -> Report:
    settings = dict(target.options)
    for name in ("mode", "seed", "points", "order", "require_resolution"):
        value = getattr(options, name)
        if value is not None:
            settings[name] = value
    if options.wrt:
        settings["wrt"] = tuple(word.strip() for word in options.wrt.split(","))
    if options.lenient:
        settings["strict"] = False
    inputs = resolve_inputs(target, options.inputs, settings.get("seed", 0), options.dtype)
    with _progress(target.name, options.quiet) as tell:
        settings["progress"] = tell
        try:
            if target.backward is None:
                report = gradcheck(target.function, inputs, **settings)
            else:
                if settings.pop("order", 1) != 1:
                    raise ArgumentError(
                        f"{target.name}: a hand-written backward has no derivative of its own; "
                        "--order 2 is for functions of minigrad, PyTorch and JAX."
                    )
                report = check_pair(target.function, target.backward, inputs, **settings)
        except MinigradError:
            raise
        except Exception as error:  # the user's own functions may raise anything
            raise failure(target.name, error, _files(target)) from error
    report.name = target.name
    report.replay = _replay(target, options, report.seed)
    return report


def _replay(target: Found, options: Any, seed: int) -> str:
    """The command that gives this report again."""
    words = list(options.what)
    if len(words) == 1 and not split_name(words[0])[1]:
        words = [f"{words[0]}:{target.name}"]
    for name in ("inputs", "wrt", "order", "mode", "points", "dtype", "require_resolution"):
        value = getattr(options, name)
        if value is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(["minigrad", "check", *words, "--seed", str(seed)])


def _files(target: Found) -> set[str]:
    """Where the user's functions are written."""
    codes = [getattr(f, "__code__", None) for f in (target.function, target.backward)]
    return {code.co_filename for code in codes if code is not None}


@contextlib.contextmanager
def _progress(name: str, quiet: bool) -> Iterator[Callable[[int, int, str], None]]:
    """Progress on long checks only."""
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        shown: list[Any] = []

        def tell(done: int, planned: int, what: str) -> None:
            if quiet or time.monotonic() - began < PATIENCE:
                return
            if not shown:
                shown.extend((stack.enter_context(progress(f"checking {name}", planned)), planned))
            report, total = shown
            report(min(done, total), what)

        yield tell


def _pictures(path: str | None, found: Sequence[Found]) -> list[Path | None]:
    """Where each picture goes."""
    if path is None:
        return [None] * len(found)
    target = Path(path)
    if target.suffix in SUFFIXES:
        if len(found) > 1:
            raise ArgumentError(
                f"--figure {path}: there are {len(found)} checks; name a folder, or one function."
            )
        if not target.parent.is_dir():
            raise ArgumentError(f"--figure {path}: there is no folder {str(target.parent)!r}.")
        return [target]
    if target.suffix:
        raise ArgumentError(
            f"--figure {path}: the suffix should be .svg, .png or .html, or name a folder. "
            f"{OTHER_FORMATS}"
        )
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArgumentError(f"--figure {path}: {error.strerror}.") from error
    return [target / f"{f.name}.svg" for f in found]
