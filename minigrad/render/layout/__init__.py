"""Our own layout: where everything in a picture stands, without Graphviz.

The steps are those of Sugiyama: ranks (:mod:`.ranks`), the order within each rank
(:mod:`.order`), places (:mod:`.straighten`), pixels (:mod:`.place`).  Scopes are boxes in boxes, and
each order of differentiation has a column of its own, beside the function that it belongs to.
Everything is done with whole numbers and in a fixed order, so equal pictures give equal layouts on
every machine; ``page/layout.js`` is the same in JavaScript.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from ..model import Picture
from .order import order
from .place import HEAD, Frame, Layout, item_sizes, least_widths, ways
from .ranks import bend, enclose, rank
from .sheet import Sheet
from .sizes import size
from .straighten import Spacing, straighten

__all__ = ["Layout", "layout"]


def layout(
    picture: Picture, direction: Literal["down", "right"] = "down", show: Collection[str] = ()
) -> Layout:
    """Lay out a picture.

    Parameters
    ----------
    picture : Picture
    direction : {"down", "right"}
        Where the data flows.
    show : collection of {"values", "gradients"}
        What nodes tell beside what they are.

    Returns
    -------
    Layout

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.render import picture
    >>> found = layout(picture(mg.trace(lambda a: a * a, 3.0)))
    >>> found.nodes["v0"]["y"] < found.nodes["e0"]["y"] < found.nodes["o0"]["y"]
    True
    >>> len(found.edges), found.edges[0] != found.edges[1]
    (3, True)
    """
    if not picture.nodes:
        return Layout(0, 0, {}, {}, [], [])
    down = direction == "down"
    sheet = Sheet(picture)
    rank(sheet)
    bend(sheet)
    enclose(sheet)
    layers = order(sheet)
    width, height = item_sizes(sheet, [size(node, show) for node in picture.nodes], down)
    spacing = Spacing(sheet, width, 0 if down else HEAD)
    across = straighten(sheet, layers, spacing, least_widths(sheet, down), width)
    frame = Frame(sheet, across, width, height, down)
    edges, labels = ways(frame)
    nodes = {node.id: frame.box(i) for i, node in enumerate(picture.nodes)}
    scopes = {s: frame.scope(box) for box, s in enumerate(sheet.scope) if s}
    return _from_zero(nodes, scopes, edges, labels)


def _from_zero(
    nodes: dict[str, dict[str, int]], scopes: dict[str, dict[str, int]],
    edges: list[list[list[int]]], labels: list[list[int]],
) -> Layout:  # fmt: skip
    """The layout moved so that it begins at (0, 0)."""
    boxes = [*nodes.values(), *scopes.values()]
    points = [p for way in edges for p in way]
    x = min([b["x"] for b in boxes] + [p[0] for p in points])
    y = min([b["y"] for b in boxes] + [p[1] for p in points])
    for box in boxes:
        box["x"] -= x
        box["y"] -= y
    for p in points + labels:
        p[0] -= x
        p[1] -= y
    width = max([b["x"] + b["width"] for b in boxes] + [p[0] for p in points])
    height = max([b["y"] + b["height"] for b in boxes] + [p[1] for p in points])
    return Layout(width, height, nodes, scopes, edges, labels)
