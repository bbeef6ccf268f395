"""Inputs that are used all over the place are drawn again beside each of their uses."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from .model import Picture

OFTEN = 12  # uses; of more the lines from one corner to everywhere would hide the rest


def spread(picture: Picture) -> Picture:
    """Draw an input, a parameter or a constant with more than 12 uses beside each of them.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.render import picture
    >>> x = y = mg.tensor(1.0, requires_grad=True, name="x")
    >>> for _ in range(20):
    ...     y = y * x
    >>> drawn = picture(mg.Graph.of(y))
    >>> [sum(n.title == "x" for n in p.nodes) for p in (drawn, spread(drawn))]
    [1, 22]
    """
    uses = Counter(edge.source for edge in picture.edges)
    hubs = {
        n.id: n for n in picture.nodes
        if n.kind in ("input", "parameter", "constant") and uses[n.id] > OFTEN
    }  # fmt: skip
    if not hubs:
        return picture
    targets = picture.node
    nodes, edges = list(picture.nodes), []
    for i, edge in enumerate(picture.edges):
        hub = hubs.get(edge.source)
        if hub is not None:
            near = targets[edge.target]
            again = replace(
                hub, id=f"{hub.id}_{i}", scope=near.scope, order=near.order, detail="", twin=""
            )
            nodes.append(again)
            edge = replace(edge, source=again.id)
        edges.append(edge)
    return replace(picture, nodes=tuple(nodes), edges=tuple(edges))
