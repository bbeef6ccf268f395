"""What notebooks show of a graph, a record, and a gradient that was split: never an exception."""

from __future__ import annotations

import html
from collections.abc import Callable

from ..graph import Graph, Paths
from ..graph.text import printable
from ..record import Record
from .build import picture
from .fold import fold
from .model import Picture
from .style import ROUTES
from .svg import to_svg

MOST_TEXT = 200  # lines that a notebook prints
MOST_EQUATIONS = 5_000  # a graph of more is not drawn: a cell must not be waited for
MOST_NODES = 400  # after folding
MOST_STEPS = 1_000  # of a page; a longer record is for a file


def representations(x: Graph | Record | Paths) -> dict[str, str]:
    """Per MIME type what a notebook shows: always text, a picture and a page as far as they go.

    Parameters
    ----------
    x : Graph, Record or Paths

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> import minigrad as mg
    >>> sorted(representations(mg.trace(mg.sin, 3.0)))
    ['image/svg+xml', 'text/plain']
    """
    makers: dict[str, Callable[[], str]] = {"text/plain": lambda: _text(x)}
    if isinstance(x, Paths):
        makers["text/html"] = lambda: _table(x)
    else:
        makers["text/html"] = lambda: _page(x)
        makers["image/svg+xml"] = lambda: _svg(x)
    found = {kind: _safely(make) for kind, make in makers.items()}
    found["text/plain"] = found["text/plain"] or f"<{type(x).__name__}>"
    return {kind: text for kind, text in found.items() if text}


def _safely(make: Callable[[], str]) -> str:
    try:
        return make()
    except Exception:  # a notebook shows a traceback instead of the cell's other output
        return ""


def _text(x: Graph | Record | Paths) -> str:
    """The whole, or its first line and how to see more."""
    if isinstance(x, Paths):
        return repr(x)
    size = len(x.steps) if isinstance(x, Record) else len(x.equations)
    text = "" if size > MOST_TEXT else x.text() if isinstance(x, Record) else str(x)
    if text and text.count("\n") < MOST_TEXT:
        return text
    whole = "print(_.text())" if isinstance(x, Record) else "print(_)"
    return f'{x!r}\n{whole} prints it all, mg.render(_, "graph.html") draws it.'


def _picture(x: Graph | Record) -> Picture | None:
    graph = x.graph if isinstance(x, Record) else x
    return picture(x) if len(graph.equations) <= MOST_EQUATIONS else None


def _svg(x: Graph | Record) -> str:
    drawn = _picture(x)
    if drawn is None:
        return ""
    drawn = fold(drawn)
    return to_svg(drawn) if len(drawn.nodes) <= MOST_NODES else ""


def _page(x: Graph | Record) -> str:
    """The page in which one steps through a record, in a frame that can reach nothing outside."""
    if not isinstance(x, Record) or len(x.steps) > MOST_STEPS:
        return ""
    from .page import to_html

    drawn = _picture(x)
    if drawn is None:
        return ""
    page = html.escape(to_html(drawn), quote=True)
    title = html.escape(printable(drawn.title), quote=True)
    return (
        f'<iframe title="{title}" sandbox="allow-scripts allow-downloads" srcdoc="{page}" '
        'style="width: 100%; height: 680px; border: 1px solid #9aa5b1"></iframe>'
    )


def _table(x: Paths) -> str:
    """The lengths of the parts, as numbers and as bars."""
    longest = max(x.norms.values(), default=0.0) or 1.0
    rows = []
    for i, (crossed, norm) in enumerate(x.norms.items()):
        name = "direct" if not crossed else "via " + ", then ".join(crossed)
        color, width = ROUTES[i % len(ROUTES)][0], round(160 * norm / longest)
        bar = f'<div style="height: 0.8em; width: {width}px; background: {color}"></div>'
        rows.append(
            f'<tr><td style="text-align: left">{html.escape(printable(name))}</td>'
            f"<td>{norm:.6g}</td><td>{bar}</td></tr>"
        )
    head = '<tr><th style="text-align: left">way of the gradient</th><th>length</th><th></th></tr>'
    return f"<table>{head}{''.join(rows)}</table>"
