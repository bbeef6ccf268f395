"""``minigrad graph``: a picture of what a script of the user's own builds."""

from __future__ import annotations

import contextlib
import re
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from ..errors import ArgumentError, MinigradError
from ..record import Record, record
from ..render import picture, render
from ..render.write import WRITERS, Shown, as_graph
from ..scripts import load, split_name
from ..subjects import Subject, backward, choose, forward, recorded
from ..tensor import Tensor
from .terminal import CommandError, Parser

STEPPED = ("html", "json")  # what can hold the steps of a recorded pass


def main(arguments: Sequence[str]) -> int:
    """Run ``minigrad graph``; returns the exit code."""
    options = _options(arguments)
    try:
        path = _draw(options)
    except ArgumentError as error:
        raise CommandError(re.sub(r"^render: (?=(?:show|fold|paths)\b)", "--", str(error))) from error
    print(f"written: {path}")
    if options.open:
        webbrowser.open(path.resolve().as_uri())
    return 0


def _options(arguments: Sequence[str]) -> Any:
    parser = Parser(
        prog="minigrad graph",
        description="Draw what a script builds: a record, a graph, a tracked tensor, a function or a "
        "Module. The script runs first, under its own name, so what stands under "
        "if __name__ == '__main__' does not. A function or Module called NAME runs on NAME_inputs, or "
        "else on example_inputs, from the same script: a tuple of arrays, a dict of them by "
        "parameter, a function that returns either, or text like that of --inputs; a function also "
        "on its defaults.",
        epilog="Without NAME the obvious thing is drawn: the only record or graph; else the only "
        "function or Module with example inputs; else the only tensor that no other one was made "
        "from. Exit codes: 0 written, 1 the picture failed, 2 wrong usage, a failing script included.",
    )
    add = parser.add_argument
    add("what", metavar="FILE.py[:NAME]", help="a script, or a module, and a name in it")
    add("-o", "--out", metavar="PATH", help=f"the suffix says how: .{', .'.join(WRITERS)} "
        "(default: NAME.html)")  # fmt: skip
    add("--backward", action="store_true", help="with a backward pass; .html and .json hold its steps")
    add("--fold", metavar="HOW", help="auto, all, none, how many levels of boxes stay open, or names "
        "of boxes, with commas")  # fmt: skip
    add(
        "--paths",
        metavar="NAMES",
        help="colour the ways of the gradient across these values",
    )
    add("--wrt", metavar="NAME", help="the input that those ways lead to (default: the first)")
    add("--compare", metavar="NAME", help="another name in the script, to be compared on the same page")
    add("--show", metavar="WHAT", help="values, gradients, or both, with a comma: numbers in the nodes")
    add("--inputs", metavar="TEXT", help='example inputs, like "x=randn(16,5),gamma=uniform(.5,1.5,5)"')
    add("--title", metavar="TEXT", help="above the picture")
    add("--direction", choices=("down", "right"), help="where the data flows")
    add("--engine", choices=("auto", "own", "dot"), help="who lays the picture out")
    add("--open", action="store_true", help="show the file in the browser")
    return parser.parse_args(arguments)


def _draw(options: Any) -> Path:
    _usage(options)
    where, name = split_name(options.what)
    stepped = options.backward and _suffix(options.out) in STEPPED
    gradients = "gradients" in (_words(options.show) or [])
    made: list[Any] = []
    with record() if stepped or gradients else contextlib.nullcontext() as running:
        module = load(where)
        subjects = [choose(module, where, name)]
        if options.compare is not None:
            subjects.append(choose(module, where, options.compare))
        tensors = all(isinstance(subject.value, Tensor) for subject in subjects)
        if running is not None and (stepped or (options.backward and tensors)):
            made = [recorded(subject, options.inputs, where, running) for subject in subjects]
    if not made:
        made = [_made(subject, options, where, running) for subject in subjects]
    found = [
        running.of(subject.value) if x is None and running is not None else x
        for subject, x in zip(subjects, made, strict=True)
    ]
    if gradients and not any(n.gradient for n in picture(as_graph(found[0])).nodes):
        raise ArgumentError(
            f"--show gradients: {subjects[0].name} has none, because no backward pass has run. Add "
            "--backward."
        )
    path = Path(options.out or f"{subjects[0].name}.html")
    _look_at(path)
    settings = _settings(options, subjects[0].name)
    if options.compare is not None:
        settings["compare"] = picture(as_graph(found[1]), title=subjects[1].name)
    try:
        return render(found[0], path, **settings)
    except MinigradError:  # a missing program is an OSError, too
        raise
    except OSError as error:
        raise CommandError(f"cannot write to {path}: {error.strerror or error}") from error


def _made(subject: Subject, options: Any, where: str, running: Record | None) -> Any:
    """A graph or record of one subject; None if it is part of what was recorded of the script."""
    value = subject.value
    if running is not None and isinstance(value, Tensor) and running.started_from(value):
        return None  # its gradients are wanted, and the script has computed them
    return (backward if options.backward else forward)(subject, options.inputs, where)


def _usage(options: Any) -> None:
    """What would be wrong after the script has run is wrong before."""
    if not split_name(options.what)[0]:
        raise ArgumentError("FILE.py[:NAME] is empty; write the name of a script.")
    if options.out is not None:
        _look_at(Path(options.out) if options.out else None)
    if options.wrt is not None and options.paths is None:
        raise ArgumentError(
            "--wrt says where the ways of --paths lead to; add --paths NAMES, or leave it out."
        )
    for word in _words(options.show) or []:
        if word not in get_args(Shown):
            raise ArgumentError(f"--show is {', '.join(get_args(Shown))} or both, not {word!r}.")


def _suffix(out: str | None) -> str:
    return Path(out).suffix[1:].lower() if out else "html"


def _look_at(path: Path | None) -> None:
    if path is None:
        raise ArgumentError("--out is empty; write the name of a file, like graph.svg.")
    if _suffix(str(path)) not in WRITERS:
        known = ", ".join(f".{suffix}" for suffix in WRITERS)
        raise ArgumentError(f"--out {path}: the suffix says how to draw, and there are {known}.")
    if not path.parent.is_dir():
        raise ArgumentError(f"--out {path}: there is no folder {str(path.parent)!r}.")
    if path.is_dir():
        raise ArgumentError(f"cannot write to {path}: it is a folder.")


def _settings(options: Any, name: str) -> dict[str, Any]:
    """What :func:`minigrad.render` is told; what nobody said is left to it."""
    settings: dict[str, Any] = {"title": options.title or name, "wrt": options.wrt}
    settings |= {"direction": options.direction, "engine": options.engine}
    settings |= {"paths": _words(options.paths), "show": _words(options.show)}
    if options.fold is not None:
        fold: Any = options.fold
        if fold.isdecimal():
            fold = int(fold)
        elif fold not in ("auto", "all", "none"):
            fold = _words(fold)
        settings["fold"] = fold
    return {key: value for key, value in settings.items() if value is not None}


def _words(text: str | None) -> list[str] | None:
    return None if text is None else [word.strip() for word in text.split(",") if word.strip()]
