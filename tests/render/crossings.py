"""How often the lines of a laid out picture cross, by our layout and by dot's."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Sequence
from dataclasses import replace

from minigrad.render import Picture, to_dot
from minigrad.render.layout import layout

Line = list[tuple[float, float]]


def plain(picture: Picture) -> Picture:
    """The picture without what is written and drawn beside its edges."""
    edges = tuple([replace(e, mark="", routes=()) for e in picture.edges])
    return replace(picture, edges=edges, labelled=False, routes=())


def ours(picture: Picture) -> int:
    """Crossings in our own layout of the lines within each order."""
    picture = plain(picture)
    order = {node.id: node.order for node in picture.nodes}
    ways = zip(picture.edges, layout(picture).edges, strict=True)
    return count([[(x, y) for x, y in way] for e, way in ways if order[e.source] == order[e.target]])


def by_dot(picture: Picture, timeout: float = 60) -> int:
    """Crossings in dot's layout of the same lines."""
    picture = plain(picture)
    source = to_dot(picture, legend=False)
    done = subprocess.run(
        ["dot", "-Tplain"], input=source.encode(), capture_output=True, timeout=timeout
    )
    order = {node.id: node.order for node in picture.nodes}
    lines = []
    for row in done.stdout.decode().splitlines():
        words = row.split()
        if words[0] == "edge" and "invis" not in words[-2:] and order[words[1]] == order[words[2]]:
            numbers = [float(w) for w in words[4 : 4 + 2 * int(words[3])]]
            lines.append(_sampled(list(zip(numbers[::2], numbers[1::2], strict=True))))
    assert len(lines) == sum(order[e.source] == order[e.target] for e in picture.edges)
    return count(lines)


def _sampled(control: Line) -> Line:
    """Points on a chain of Bézier curves."""
    found = [control[0]]
    for k in range(0, len(control) - 1, 3):
        a, b, c, d = control[k : k + 4]
        for step in range(1, 9):
            t = step / 8
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            found.append(
                tuple(sum(w * p[i] for w, p in zip(weights, (a, b, c, d), strict=True)) for i in (0, 1))  # type: ignore[arg-type]
            )
    return found


def count(lines: Sequence[Line]) -> int:
    """How many pairs of pieces of different lines cross; to touch is not to cross."""
    pieces = [
        (min(a[1], b[1]), max(a[1], b[1]), a, b, k)
        for k, line in enumerate(lines)
        for a, b in itertools.pairwise(line)
    ]
    pieces.sort(key=lambda piece: piece[0])
    found, open_pieces = 0, []
    for piece in pieces:
        open_pieces = [other for other in open_pieces if other[1] >= piece[0]]
        found += sum(other[4] != piece[4] and _cross(*piece[2:4], *other[2:4]) for other in open_pieces)
        open_pieces.append(piece)
    return found


def _cross(a, b, c, d) -> bool:
    def side(p, q, r):
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0
