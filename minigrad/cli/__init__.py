"""The command line: ``minigrad COMMAND``, with one module per command.

A command is a function ``main(arguments) -> exit code``; :data:`COMMANDS` says where it is.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec

from .. import __version__
from ..errors import MinigradError
from .terminal import CommandError

COMMANDS = {
    "demo": ("minigrad.cli.demo", "train with and without batch norm, and see that gradients agree"),
    "graph": ("minigrad.cli.graph", "draw what a script of your own builds"),
    "check": ("minigrad.check.command", "check the gradients in a script of your own"),
    "lab": ("minigrad.cli.lab", "put claims about batch norm to the test"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after ``minigrad``; by default those of this process.

    Returns
    -------
    int
        The exit code: 0 if all went well, 1 if something failed, 2 for wrong input, 130 after Ctrl-C.

    Examples
    --------
    >>> main(["--version"])
    minigrad ...
    0
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that cannot show a letter gets a substitute
            stream.reconfigure(errors="backslashreplace")
    available = {name: where for name, where in COMMANDS.items() if find_spec(where[0])}
    who = f"minigrad {words[0]}" if words and words[0] in available else "minigrad"
    # What the user can mend or has caused is one line; a traceback means a bug.
    try:
        code = _run(words, available)
        sys.stdout.flush()
    except CommandError as error:
        return _complain(who, str(error), 2)
    except MinigradError as error:
        return _complain(who, str(error), 1)
    except KeyboardInterrupt:
        return _complain(who, "interrupted.", 130)
    except OSError as error:
        # Standard output: its reader has gone (`minigrad demo | head -1`), or its disk is full.
        # What is still in the buffer must not complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1 if isinstance(error, BrokenPipeError) else _complain(who, str(error), 1)
    return code


def _run(words: list[str], available: dict[str, tuple[str, str]]) -> int:
    if not words or words[0] in ("-h", "--help"):
        print(_help({name: summary for name, (_, summary) in available.items()}))
    elif words[0] == "--version":
        print(f"minigrad {__version__}")
    elif words[0] in available:
        try:
            code: int = import_module(available[words[0]][0]).main(words[1:])
        except SystemExit as leave:  # argparse, after --help
            return leave.code if isinstance(leave.code, int) else 0
        return code
    else:
        kind = "option" if words[0].startswith("-") else "command"
        near = difflib.get_close_matches(words[0], available, n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        raise CommandError(f"there is no {kind} {words[0]!r}.{meant} See minigrad --help.")
    return 0


def _complain(who: str, message: str, code: int) -> int:
    print(f"{who}: {message}", file=sys.stderr)
    return code


def _help(summaries: dict[str, str]) -> str:
    lines = "\n".join(f"  {name:<8}{summary}" for name, summary in summaries.items())
    return (
        "usage: minigrad COMMAND [options]\n\n"
        "See how gradients flow: batch norm from primitives, pictures of graphs, gradient checks.\n\n"
        f"commands:\n{lines}\n\n"
        "options:\n  -h, --help  show this\n  --version   show the version\n\n"
        "minigrad COMMAND --help says more about a command."
    )
