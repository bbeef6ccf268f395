"""Pictures of graphs: one data model, many renderers.

:mod:`minigrad.render.model` says what a picture shows; :mod:`minigrad.render.dot` writes it as
DOT, from which Graphviz' program draws SVG, PNG and PDF.

>>> import minigrad as mg, tempfile
>>> x = mg.tensor([1.0, 2.0], requires_grad=True, name="x")
>>> with tempfile.TemporaryDirectory() as folder:
...     path = mg.render((x**2).sum(), f"{folder}/square.dot")
...     path.read_text().splitlines()[0]
'digraph minigrad {'
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..errors import ArgumentError, MissingExtraError, MissingProgramError
from ..files import write_atomically
from ..graph import Graph
from ..record import Record
from ..tensor import Tensor
from .build import picture
from .dot import Direction, to_dot
from .model import Picture
from .program import run_dot

__all__ = ["Picture", "picture", "render", "to_dot"]

DRAWN = ("svg", "png", "pdf")


def render(
    x: Tensor | Graph | Record | Sequence[Tensor],
    path: str | os.PathLike[str],
    *,
    paths: Iterable[str] | Mapping[str, Sequence[str]] | None = None,
    wrt: str | None = None,
    title: str | None = None,
    direction: Direction = "down",
    legend: bool = True,
) -> Path:
    """Draw a graph into a file; the suffix says how.

    ==========================  ==========================================================
    ``.svg`` ``.png`` ``.pdf``  a picture, laid out by Graphviz' program ``dot``
    ``.dot``                    the picture as DOT text, for other tools; needs nothing
    ``.txt``                    the graph as text, ``str(graph)``; needs nothing
    ==========================  ==========================================================

    Parameters
    ----------
    x : Tensor, Graph, or sequence of Tensor
        What to draw: a tracked tensor with all it was made from, or a graph from
        :func:`minigrad.trace`.
    path : str or path-like
        Where to write.  The folder must exist.
    paths : iterable of str, or dict
        Colour the ways that the gradient takes from the first output to `wrt`, told apart by
        which of the named values they cross.  A dict names each way: from its label to the
        names crossed, in order from the output to `wrt` (an empty tuple for the direct way).
    wrt : str, optional
        Label of the input that the coloured ways lead to; by default the first.
    title : str, optional
        By default the graph's name.
    direction : {"down", "right"}
        Where the data flows.
    legend : bool
        Whether to explain shapes and colours.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    MissingProgramError
        If ``dot`` is not installed.  The DOT text was then written beside the wanted file all
        the same: the exception's ``path``.
    ArgumentError
        For another suffix, or names that are not in the graph.

    Examples
    --------
    >>> import minigrad as mg, numpy as np, tempfile
    >>> g = mg.trace(mg.batchnorm.composed, np.eye(3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mg.render(g, f"{folder}/bn.dot", paths=["mean", "variance"]).name
    'bn.dot'
    """
    path = Path(path)
    suffix = path.suffix[1:].lower()
    if suffix not in (*DRAWN, "dot", "txt"):
        raise ArgumentError(
            f"render: the path {str(path)!r} ends in {path.suffix!r}, and there are .svg, .png and "
            ".pdf (pictures), .dot (for other tools) and .txt (the graph as text)."
        )
    if direction not in ("down", "right"):
        raise ArgumentError(f'render: direction is "down" or "right", not {direction!r}.')
    if not path.parent.is_dir():
        raise ArgumentError(
            f"render: there is no folder {str(path.parent)!r} to write {path.name!r} to."
        )
    graph = as_graph(x)
    if suffix == "txt":
        return write_atomically(path, f"{graph}\n")
    drawn = picture(graph, paths, wrt, title)
    source = to_dot(drawn, direction, legend)
    if suffix == "dot":
        return write_atomically(path, source)
    try:
        return write_atomically(path, run_dot(source, suffix, len(drawn.nodes)))
    except (MissingProgramError, MissingExtraError) as error:
        beside = write_atomically(path.with_suffix(".dot"), source)
        raise MissingProgramError(
            f"{error}\nMeanwhile the graph is written as DOT text: {beside}", beside
        ) from None


def as_graph(x: Tensor | Graph | Record | Sequence[Tensor]) -> Graph | Record:
    """A graph as it is; of tensors, what they remember.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor(1.0, requires_grad=True, name="x")
    >>> as_graph([x * 2.0, x + 1.0])
    <Graph graph(x): 2 equations>
    """
    if isinstance(x, Graph | Record):
        return x
    tensors = [x] if isinstance(x, Tensor) else x
    if not isinstance(tensors, list | tuple) or not all(isinstance(t, Tensor) for t in tensors):
        raise ArgumentError(
            f"render: a Tensor, a list of them or a Graph can be drawn, and this is "
            f"{type(x).__name__}. For a function write mg.trace(f, *args)."
        )
    return Graph.of(*tensors)
