"""What the commands share: errors of one line, options, the folder for files, tables, progress."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn


class CommandError(Exception):
    """Something that the user can mend: one line, and exit code 2."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are one line, without the usage before it."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        """Complain, and leave with exit code 2."""
        raise CommandError(f"{message}. See {self.prog} --help.")


def integer(least: int) -> Callable[[str], int]:
    """A converter for an option that is an integer from `least` upwards.

    Examples
    --------
    >>> integer(1)("25")
    25
    >>> integer(1)("0")
    Traceback (most recent call last):
    argparse.ArgumentTypeError: an integer from 1 upwards is needed, not '0'
    """

    def convert(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f"an integer from {least} upwards is needed, not {text!r}")
        return number

    return convert


@contextlib.contextmanager
def output_folder(name: str) -> Iterator[Path]:
    """The folder of ``--out``, proved writable before the work; not left behind empty.

    Yields
    ------
    Path

    Raises
    ------
    CommandError
        If it cannot be made, or nothing can be written there.

    Examples
    --------
    >>> with output_folder(".") as folder:
    ...     folder.is_dir()
    True
    """
    folder = Path(name)
    with writing(folder):
        new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
    try:
        with writing(folder):
            tempfile.TemporaryFile(dir=folder).close()
        yield folder
    finally:
        if new:
            with contextlib.suppress(OSError):  # it holds something
                folder.rmdir()


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Say in one line what the system says at length.

    Examples
    --------
    >>> with writing(Path("out")):
    ...     raise PermissionError(13, "Permission denied", "out/page.html")
    Traceback (most recent call last):
    minigrad.cli.terminal.CommandError: cannot write to out/page.html: Permission denied. Choose a \
folder with --out DIR.
    """
    try:
        yield
    except OSError as error:
        where = error.filename2 or error.filename or folder
        raise CommandError(
            f"cannot write to {where}: {error.strerror}. Choose a folder with --out DIR."
        ) from error


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns under their heads: the first to the left, the others to the right.

    Examples
    --------
    >>> print(table(["what", "size"], [["mean", "0.5"], ["x-hat", "12.25"]]))
      what    size
      mean     0.5
      x-hat  12.25
    """
    widths = [max(len(cell) for cell in column) for column in zip(head, *rows, strict=True)]
    lines = []
    for row in (head, *rows):
        cells = [row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])]
        lines.append(("  " + "  ".join(cells)).rstrip())
    return "\n".join(lines)


Report = Callable[[int, str], None]


@contextlib.contextmanager
def progress(title: str, total: int, quiet: bool = False) -> Iterator[Report]:
    """Show how far something is, on standard error: with rich, as plain text, or not at all.

    Parameters
    ----------
    title : str
        What goes on.
    total : int
        How many steps there are.
    quiet : bool
        Whether to show nothing.

    Yields
    ------
    callable
        ``report(done, note)``: so many steps are done, and what there is to say.

    Examples
    --------
    >>> with progress("counting", 2, quiet=True) as report:
    ...     report(1, "half of it")
    """
    if quiet:
        yield lambda done, note: None
    elif not sys.stderr.isatty():
        yield _lines(title, total)
    else:
        try:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
        except ImportError:
            try:
                yield _bar(title, total)
            finally:
                print(file=sys.stderr)
        else:
            columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), "{task.fields[note]}")
            console = Console(stderr=True)
            with Progress(f"  {title}", *columns, console=console) as bars:
                bar = bars.add_task("", total=total, note="")
                yield lambda done, note: bars.update(bar, completed=done, note=note)


def _lines(title: str, total: int) -> Report:
    """For a log: one line per quarter."""
    due = [total * quarter // 4 for quarter in (4, 3, 2, 1)]

    def report(done: int, note: str) -> None:
        if due and done >= due[-1]:
            while due and done >= due[-1]:
                due.pop()
            print(f"  {title} {done}/{total}  {note}", file=sys.stderr, flush=True)

    return report


def _bar(title: str, total: int) -> Report:
    """For a terminal without rich: one line that is written again and again."""
    width = 0

    def report(done: int, note: str) -> None:
        nonlocal width
        filled = 30 * done // total
        line = f"  {title} [{'#' * filled}{'.' * (30 - filled)}] {done}/{total}  {note}"
        width = max(width, len(line))
        print("\r" + line.ljust(width), end="", file=sys.stderr, flush=True)

    return report
