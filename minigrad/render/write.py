"""Drawing into a file: which renderer a suffix means, and what goes wrong on the way."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from ..errors import ArgumentError, MissingExtraError, MissingProgramError
from ..files import write_atomically
from ..graph import Graph
from ..record import Record
from ..tensor import Tensor
from .build import picture
from .dot import Direction, to_dot
from .fold import Fold
from .fold import fold as fold_boxes
from .interchange import to_json
from .mermaid import to_mermaid
from .model import Picture
from .program import run_dot
from .svg import to_svg
from .text import to_text

Engine = Literal["auto", "own", "dot"]
Shown = Literal["values", "gradients"]
Drawable = Tensor | Graph | Record | Picture | Sequence[Tensor]


def draw(
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
    """See :func:`minigrad.render`."""
    path = Path(path)
    suffix = path.suffix[1:].lower()
    if suffix not in WRITERS:
        raise ArgumentError(
            f"render: the path {str(path)!r} ends in {path.suffix!r}, and there are .html (a page to "
            "step through), .svg, .png and .pdf (pictures), .dot, .mmd and .json (for other tools) and "
            ".txt (the graph as text)."
        )
    _check("direction", direction, get_args(Direction))
    _check("engine", engine, get_args(Engine))
    wanted = frozenset([show] if isinstance(show, str) else show)
    for item in wanted:
        _check("show", item, get_args(Shown))
    if title is not None and not isinstance(title, str):
        raise ArgumentError(f"render: title is a text, not {title!r}.")
    if compare is not None and suffix != "html":
        raise ArgumentError("render: compare draws two graphs on one page, for a path in .html only.")
    if not path.parent.is_dir():
        raise ArgumentError(
            f"render: there is no folder {str(path.parent)!r} to write {path.name!r} to."
        )

    def drawn(x: Drawable) -> Picture:
        return x if isinstance(x, Picture) else picture(as_graph(x), paths, wrt, title)

    order = _Order(x, engine, direction, fold, wanted, legend, drawn, compare)
    try:
        return write_atomically(path, WRITERS[suffix](order))
    except (MissingProgramError, MissingExtraError) as error:
        if engine == "own" or suffix not in ("svg", "png", "pdf"):
            raise
        beside = write_atomically(path.with_suffix(".dot"), _dot(order))
        raise MissingProgramError(
            f"{error}\nMeanwhile the graph is written as DOT text: {beside}", beside
        ) from None


@dataclass
class _Order:
    """What somebody wants to have drawn."""

    x: Drawable
    engine: Engine
    direction: Direction
    fold: Fold
    show: frozenset[str]
    legend: bool
    drawn: Callable[[Drawable], Picture]
    compare: Drawable | None

    @cached_property
    def folded(self) -> Picture:
        """The picture, folded as wanted."""
        return fold_boxes(self.drawn(self.x), self.fold)


def _svg(order: _Order) -> str | bytes:
    if order.engine == "dot":
        return _by_dot(order, "svg")
    return to_svg(order.folded, order.direction, order.legend, order.show)


def _png(order: _Order) -> bytes:
    from ..raster import to_png

    if order.engine == "dot":
        return _by_dot(order, "png")
    try:
        return to_png(str(_svg(order)))
    except MissingExtraError:
        if order.engine == "own" or shutil.which("dot") is None:
            raise
        return _by_dot(order, "png")


def _pdf(order: _Order) -> bytes:
    if order.engine == "own":
        raise ArgumentError(
            'render: a PDF needs Graphviz\' program `dot`: engine="dot". minigrad itself draws .svg, '
            "which every browser prints to PDF, and .png."
        )
    return _by_dot(order, "pdf")


def _dot(order: _Order) -> str:
    return to_dot(order.folded, order.direction, order.legend)


def _by_dot(order: _Order, suffix: str) -> bytes:
    return run_dot(_dot(order), suffix, len(order.folded.nodes))


def _html(order: _Order) -> str:
    from .page import to_html

    other = order.compare
    if other is not None and not isinstance(other, Picture):
        other = picture(as_graph(other))
    return to_html(order.drawn(order.x), other, order.fold)


def _txt(order: _Order) -> str:
    if isinstance(order.x, Picture):
        return f"{to_text(order.x)}\n"
    graph = as_graph(order.x)
    return f"{graph}\n\n{graph.text()}\n" if isinstance(graph, Record) else f"{graph}\n"


WRITERS: dict[str, Callable[[_Order], str | bytes]] = {
    "html": _html,
    "svg": _svg,
    "png": _png,
    "pdf": _pdf,
    "dot": _dot,
    "mmd": lambda order: to_mermaid(order.folded),
    "json": lambda order: to_json(order.drawn(order.x)),
    "txt": _txt,
}


def _check(what: str, given: Any, known: Sequence[str]) -> None:
    if given not in known:
        *others, last = [f'"{k}"' for k in known]
        raise ArgumentError(f"render: {what} is {', '.join(others)} or {last}, not {given!r}.")


def as_graph(x: Tensor | Graph | Record | Sequence[Tensor]) -> Graph | Record:
    """A graph or record as it is; of tensors, what they remember.

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
            f"render: a Tensor, a list of them, a Graph or a Record can be drawn, and this is "
            f"{type(x).__name__}. For a function write mg.trace(f, *args)."
        )
    if not tensors:
        raise ArgumentError("render: the list is empty, and there is nothing to draw.")
    return Graph.of(*tensors)
