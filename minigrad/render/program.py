"""Graphviz' program ``dot``: from DOT text to a picture, or a message that says how to get it."""

from __future__ import annotations

import subprocess
from typing import Any

from ..errors import ArgumentError, GraphError, MissingExtraError, MissingProgramError

LARGEST = 5_000  # nodes; dot takes seconds at 1,000, minutes beyond
PATIENCE = 60  # seconds; how hard a layout is cannot be told from the number of nodes

INSTALL = """\
  Debian, Ubuntu:  sudo apt install graphviz
  macOS:           brew install graphviz
  Windows:         winget install Graphviz.Graphviz
                   (and tick "add to PATH", or add its bin folder yourself)"""


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
            f"limit is {LARGEST:,}). Draw a part of it, or write its text: a path in .txt or .dot."
        )
    command, execute = _package()
    try:
        done = execute.run_check(
            command.command("dot", suffix), input=source.encode(), capture_output=True, quiet=True,
            timeout=PATIENCE,
        )  # fmt: skip
    except execute.ExecutableNotFound:
        raise MissingProgramError(
            f"the picture needs Graphviz' program `dot`, which is not installed:\n{INSTALL}"
        ) from None
    except subprocess.TimeoutExpired:
        raise GraphError(
            f"render: dot did not finish laying out {nodes:,} nodes within {PATIENCE} seconds. Draw a "
            "part of the graph, or write its text: a path that ends in .txt or .dot."
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
