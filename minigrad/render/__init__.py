"""Pictures of graphs: one data model, many renderers.

:mod:`minigrad.render.model` says what a picture shows and :mod:`minigrad.render.build` makes one;
every renderer is a function of it.  Nothing of it is loaded before something is drawn.

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
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from .dot import Direction
    from .fold import Fold
    from .write import Drawable, Engine, Shown

# Where the names of this package are defined.
_FROM = {
    "Picture": "model", "from_json": "interchange", "picture": "build",
    "to_dot": "dot", "to_json": "interchange", "to_mermaid": "mermaid", "to_svg": "svg",
    "to_text": "text",
}  # fmt: skip

__all__ = [
    "Picture", "from_json", "picture", "render", "to_dot", "to_json", "to_mermaid", "to_svg", "to_text",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _FROM:
        return getattr(import_module(f".{_FROM[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def render(
    x: Drawable,
    path: str | os.PathLike[str],
    *,
    engine: Engine = "auto",
    direction: Direction = "down",
    fold: Fold = "auto",
    show: Iterable[Shown] = (),
    paths: Iterable[str] | Mapping[str, Sequence[str]] | None = None,
    wrt: str | None = None,
    title: str | None = None,
    legend: bool = True,
    compare: Drawable | None = None,
) -> Path:
    """Draw a graph into a file; the suffix says how.

    ==================  ==========================================================================
    ``.html``           a page to step through a recorded backward pass; one file, works offline
    ``.svg`` ``.png``   a picture
    ``.pdf``            a picture; needs Graphviz' program ``dot``
    ``.dot`` ``.mmd``   the picture in the language of Graphviz and of Mermaid
    ``.json``           all that a picture shows, for other viewers
    ``.txt``            the graph as text, ``str(graph)``; of a record its steps
    ==================  ==========================================================================

    Parameters
    ----------
    x : Tensor, Graph, Record, Picture, or sequence of Tensor
        What to draw: a tracked tensor with all it was made from, a graph from
        :func:`minigrad.trace`, or what :func:`minigrad.record` remembers.
    path : str or path-like
        Where to write.  The folder must exist.
    engine : {"auto", "own", "dot"}
        Who lays the picture out: minigrad itself, or Graphviz' program ``dot``, which "auto" takes
        for a PDF alone.
    direction : {"down", "right"}
        Where the data flows; on a page always down.
    fold : {"auto", "all", "none"}, int, or sequence of str
        Which boxes become one node.  "auto" leaves a graph of up to 80 nodes as it is; in a larger
        one it folds equal blocks in a row, and then boxes until 400 nodes are left.  "all" folds
        every outermost box, a number is how many levels stay open, names fold the boxes called so.
    show : iterable of {"values", "gradients"}
        What else stands in the nodes, as far as it was recorded.
    paths : iterable of str, or dict
        Colour the ways that the gradient takes from the first output to `wrt`, told apart by
        which of the named values they cross.  A dict names each way: from its label to the
        names crossed, in order from the output to `wrt` (an empty tuple for the direct way).
    wrt : str, optional
        Label of the input that the coloured ways lead to; by default the first.
    title : str, optional
        By default the graph's name.
    legend : bool
        Whether to explain shapes and colours.
    compare : like x, optional
        For ``.html``: what to compare it with, on the same page.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    MissingProgramError
        If ``dot`` is wanted and not installed.  The DOT text was then written beside the wanted
        file all the same: the exception's ``path``.
    MissingExtraError
        For ``.png`` without the extra that it needs.
    ArgumentError
        For another suffix, an unknown option, or names that are not in the graph.

    Examples
    --------
    >>> import minigrad as mg, numpy as np, tempfile
    >>> g = mg.trace(mg.batchnorm.composed, np.eye(3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mg.render(g, f"{folder}/bn.svg", paths=["mean", "variance"]).name
    'bn.svg'
    """
    from .write import draw

    return draw(
        x, path, engine=engine, direction=direction, fold=fold, show=show, paths=paths, wrt=wrt,
        title=title, legend=legend, compare=compare,
    )  # fmt: skip
