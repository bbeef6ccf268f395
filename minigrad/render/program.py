"""Graphviz' program ``dot``: from DOT text to a picture, or a message that says how to get it."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
import sys
from typing import Any

from ..errors import ArgumentError, GraphError, MissingExtraError, MissingProgramError

LARGEST = 5_000  # nodes; dot takes seconds at 1,000, minutes beyond
PATIENCE = 60  # seconds; how hard a layout is cannot be told from the number of nodes

# Per system how it is called in a list, how to know it, and what to type there.
SYSTEMS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("conda", ("conda",), "conda install -c conda-forge graphviz"),
    ("Debian, Ubuntu", ("debian", "ubuntu"), "sudo apt install graphviz"),
    ("Fedora", ("fedora", "rhel", "centos"), "sudo dnf install graphviz"),
    ("Arch", ("arch",), "sudo pacman -S graphviz"),
    ("openSUSE", ("suse", "opensuse"), "sudo zypper install graphviz"),
    ("Alpine", ("alpine",), "sudo apk add graphviz"),
    ("macOS", ("darwin",), "brew install graphviz"),
    ("Windows", ("win32",), "winget install Graphviz.Graphviz  (or: choco install graphviz)"),
)
LISTED = ("Debian, Ubuntu", "Fedora", "macOS", "Windows", "conda")  # where the system is not known


def install_lines() -> str:
    """What to type to install Graphviz: on this system, if it is known, and on the usual ones.

    Examples
    --------
    >>> "sudo apt install graphviz" in install_lines()
    True
    """
    here = _here()
    mine = [(name, line) for name, signs, line in SYSTEMS if not here.isdisjoint(signs)]
    others = [(n, line) for n, _, line in SYSTEMS if n in LISTED and (n, line) not in mine]
    rows = [(f"{name} (here)", line) for name, line in mine] + others
    width = max(len(name) for name, _ in rows) + 2
    return "\n".join([f"  {name + ':':<{width}}{line}" for name, line in rows])


def _here() -> set[str]:
    """Signs of the system that this runs on."""
    signs = {sys.platform}
    if os.environ.get("CONDA_PREFIX"):
        signs.add("conda")
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # a system that does not say what it is
            release = platform.freedesktop_os_release()
            signs.update([release.get("ID", ""), *release.get("ID_LIKE", "").split()])
    return signs


def run_dot(source: str, suffix: str, nodes: int) -> bytes:
    """Lay out and draw DOT text.

    Parameters
    ----------
    source : str
        DOT text.
    suffix : {"svg", "png", "pdf"}
    nodes : int
        How many nodes it has.

    Returns
    -------
    bytes

    Raises
    ------
    MissingProgramError
        If `dot` is not installed; the message says how to install it on each system.
    MissingExtraError
        If the Python package graphviz is not installed.
    ArgumentError
        For more nodes than `dot` can lay out in a reasonable time.
    GraphError
        If it takes too long all the same.
    """
    if nodes > LARGEST:
        raise ArgumentError(
            f"render: this graph has {nodes:,} nodes, and its layout by dot would take minutes (the "
            f'limit is {LARGEST:,}). Let minigrad lay it out, engine="own", fold it, or write its '
            "text: a path in .txt or .dot."
        )
    command, execute = _package()
    try:
        done = execute.run_check(
            command.command("dot", suffix), input=source.encode(), capture_output=True, quiet=True,
            timeout=PATIENCE,
        )  # fmt: skip
    except execute.ExecutableNotFound:
        raise MissingProgramError(
            "this picture needs Graphviz' program `dot`, which is not installed:\n"
            f'{install_lines()}\n  or without it:  engine="own", which draws .svg, .html and, with '
            'pip install "minigrad[png]", .png'
        ) from None
    except subprocess.TimeoutExpired:
        raise GraphError(
            f"render: dot did not finish laying out {nodes:,} nodes within {PATIENCE} seconds. Let "
            'minigrad lay it out, engine="own", fold it, or write its text: a path that ends in .txt '
            "or .dot."
        ) from None
    drawn: bytes = done.stdout
    return drawn


def _package() -> tuple[Any, Any]:
    try:
        from graphviz.backend import dot_command, execute  # type: ignore[import-untyped]
    except ImportError:
        raise MissingExtraError(
            "a picture needs the package graphviz, which is not installed. Install it with: "
            "pip install graphviz"
        ) from None
    return dot_command, execute
