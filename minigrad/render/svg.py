"""A picture as SVG, by our own layout: no program is needed."""

from __future__ import annotations

import html
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import Literal

from ..graph.text import printable
from .hubs import spread
from .layout import Layout, layout
from .layout.place import MARK
from .layout.sizes import BOLD, LABEL, LINE, LONGEST, PLAIN, STACK, TITLE_LINE, lines
from .model import Edge, Node, Picture, Scope
from .style import (
    BACK,
    BOXES,
    CROSSING,
    EDGE,
    FONT,
    GREY,
    INK,
    PALE,
    ROUTES,
    STYLES,
    explained,
    handed,
    style_of,
)
from .text import to_text

MARGIN = 18
SLACK = 150  # tenths of a pixel by which a text may be longer than reckoned: boxes are padded
LANE = 5  # between lines that run side by side
ROUND = 6  # of corners
DASHES = {"dashed": "7 4", "dotted": "2 3"}


def to_svg(
    picture: Picture,
    direction: Literal["down", "right"] = "down",
    legend: bool = True,
    show: Collection[str] = (),
) -> str:
    """The picture as an SVG document.

    Parameters
    ----------
    picture : Picture
    direction : {"down", "right"}
        Where the data flows.
    legend : bool
        Whether to explain shapes, colours and routes.
    show : collection of {"values", "gradients"}
        What nodes tell beside what they are, as far as it was recorded.

    Returns
    -------
    str

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.render import picture
    >>> text = to_svg(picture(mg.trace(lambda a: a * a, 3.0), title="a < b"))
    >>> text[:4], '<title id="title">a &lt; b</title>' in text
    ('<svg', True)
    """
    described = to_text(picture)
    picture = spread(picture)
    places = layout(picture, direction, show)
    key = _Legend(picture, direction) if legend else None
    head = [18 if picture.title else 0, 15 if picture.subtitle else 0]
    top = MARGIN + sum(head) + (10 if any(head) else 0)
    wide = places.width
    if key is not None and key.rows:
        beside = places.width < 900  # where there is room for it
        key.x, key.y = (MARGIN + wide + 24, top) if beside else (MARGIN, top + places.height + 24)
        wide = max(wide + 24 + key.width, 0) if beside else max(wide, key.width)
    titles = max(len(picture.title) * 9, len(picture.subtitle) * 7)
    width = max(wide, min(titles, LONGEST * 9)) + 2 * MARGIN
    height = max(top + places.height, key.y + key.height if key and key.rows else 0) + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-labelledby="title desc" '
        f'font-family="{FONT}" font-size="11">',
        f'<title id="title">{escape(picture.title or "graph")}</title>',
        f'<desc id="desc">{_lines_escaped(described)}</desc>',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    if picture.title:
        parts.append(
            f'<text x="{MARGIN}" y="{MARGIN + 12}" font-size="15" font-weight="bold" fill="{INK}">'
            f"{cut(picture.title, 60)}</text>"
        )
    if picture.subtitle:
        parts.append(
            f'<text x="{MARGIN}" y="{MARGIN + head[0] + 10}" fill="{GREY}">'
            f"{cut(picture.subtitle, 80)}</text>"
        )
    parts.append(f'<g transform="translate({MARGIN} {top})">')
    parts += _scopes(picture, places)
    parts += _edges(picture, places, direction)
    parts += [_node(node, places.nodes[node.id], show) for node in picture.nodes]
    parts += _marks(picture, places, direction)  # on top: between boxes side by side room is short
    parts.append("</g>")
    if key is not None:
        parts += key.draw()
    return "\n".join([*parts, "</svg>", ""])


# Text ------------------------------------------------------------------------------------------


def escape(text: str) -> str:
    """Text for XML: on one line, of characters that XML allows.

    Examples
    --------
    >>> escape("a < b")
    'a &lt; b'
    """
    return html.escape(printable(text))


def cut(text: str, most: int = LONGEST) -> str:
    """As much of a text as there is room for, escaped.

    Examples
    --------
    >>> cut("abcdef", 4), cut("abcd", 4)
    ('abc…', 'abcd')
    """
    text = printable(text)
    return html.escape(text if len(text) <= most else text[: max(most - 1, 0)] + "…")


def _lines_escaped(text: str) -> str:
    return "\n".join(escape(line) for line in text.split("\n"))


def _reckoned(text: str, size: int, tenths: int) -> tuple[int, int]:
    """Tenths of a pixel that a text may take, and those reserved for it: so many per character."""
    wide = sum(c.isupper() or c in "mw@%…—" or ord(c) > 0x2FFF for c in text)
    return size * (9 * wide + 6 * (len(text) - wide)), tenths * len(text)


def _fitted(text: str, size: int, tenths: int) -> str:
    """An attribute that squeezes a text into the room reserved for it, if so many of its characters
    are wider than most that it might run over the border."""
    need, room = _reckoned(text, size, tenths)
    if need <= room + SLACK:
        return ""
    return f' textLength="{room // 10}" lengthAdjust="spacingAndGlyphs"'


# Boxes and nodes ---------------------------------------------------------------------------------


def _scopes(picture: Picture, places: Layout) -> Iterator[str]:
    labels = {scope.id: _label(scope) for scope in picture.scopes}
    for scope in picture.scopes:
        box = places.scopes.get(scope.id)
        if box is None:
            continue
        color, fill = BOXES[bool(scope.order)]
        around = "/".join(labels[a] for a in picture.around[scope.id])
        room = (box["width"] - 16) * 10 // LABEL
        yield (
            f"<g><title>{escape(around)}</title>"
            f'<rect x="{box["x"]}" y="{box["y"]}" width="{box["width"]}" height="{box["height"]}" '
            f'rx="8" fill="{fill}" stroke="{color}"/>'
            f'<text x="{box["x"] + 9}" y="{box["y"] + 15}" fill="{GREY}">'
            f"{cut(_label(scope), min(room, LONGEST))}</text></g>"
        )


def _label(scope: Scope) -> str:
    return f"{scope.label} × {scope.copies}" if scope.copies > 1 else scope.label


def _node(node: Node, box: dict[str, int], show: Collection[str]) -> str:
    x, y, w, h = box["x"], box["y"], box["width"], box["height"]
    outline = _outline(style_of(node), x, y, w, h)
    if node.kind == "fold":
        w, h, y = w - STACK, h - STACK, y + STACK
    texts = lines(node, show)
    middle = x + w // 2
    down = y + (h - TITLE_LINE - LINE * (len(texts) - 1)) // 2 + 13
    shown = [_title(texts[0], middle, down)]
    for k, text in enumerate(texts[1:], 1):
        color = INK if node.named and k == 1 and node.detail else PALE
        shown.append(
            f'<text x="{middle}" y="{down + 2 + LINE * k}" text-anchor="middle" fill="{color}"'
            f"{_fitted(text[:LONGEST], 11, PLAIN)}>{cut(text)}</text>"
        )
    hint = "\n".join(escape(line) for line in node.hint.split("\n"))
    return f'<g id="{node.id}"><title>{hint}</title>{outline}{"".join(shown)}</g>'


def _title(text: str, x: int, y: int) -> str:
    """The operation in bold, its parameters in small letters."""
    text = printable(text)
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "…"
    name, bracket, rest = text.partition("(")
    size, small, fitted = "13", "", ""
    if bracket:  # two sizes of letters: renderers differ in what squeezing such a text means
        both = _reckoned(name, 13, BOLD), _reckoned(bracket + rest, 11, PLAIN)
        need, room = [sum(part) for part in zip(*both, strict=True)]
        size, smaller = [f"{s * min(need, room + SLACK) / need:.3g}" for s in (13, 11)]
        small = (
            f'<tspan font-size="{smaller}" font-weight="normal" fill="{GREY}">'
            f"{html.escape(bracket + rest)}</tspan>"
        )
    else:
        fitted = _fitted(name, 13, BOLD)
    return (
        f'<text x="{x}" y="{y}" text-anchor="middle" font-size="{size}" font-weight="bold" '
        f'fill="{INK}"{fitted}>{html.escape(name)}{small}</text>'
    )


def _outline(style: str, x: int, y: int, w: int, h: int) -> str:
    """The outline that a style has in all pictures."""
    look = STYLES[style]
    line = next((DASHES[d] for d in DASHES if d in look.get("style", "")), "")
    paint = (
        f'fill="{look["fillcolor"]}" stroke="{look["color"]}" '
        f'stroke-width="{look.get("penwidth", "1")}"' + (f' stroke-dasharray="{line}"' if line else "")
    )
    shape = look["shape"]
    if shape == "ellipse":
        found = f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="{min(h, 44) // 2}" {paint}/>'
        if look.get("peripheries") == "2":
            found += (
                f'<rect x="{x + 4}" y="{y + 4}" width="{w - 8}" height="{h - 8}" '
                f'rx="{min(h, 44) // 2 - 4}" {paint}/>'
            )
        return found
    if shape in ("hexagon", "octagon"):
        c = 10 if shape == "hexagon" else 7
        middle = [(x, y + h // 2)] if shape == "hexagon" else [(x, y + h - c), (x, y + c)]
        other = [(x + w, y + h // 2)] if shape == "hexagon" else [(x + w, y + c), (x + w, y + h - c)]
        corners = [*middle, (x + c, y), (x + w - c, y), *other, (x + w - c, y + h), (x + c, y + h)]
        return f'<polygon points="{" ".join(f"{a},{b}" for a, b in corners)}" {paint}/>'
    if shape == "box3d":  # a stack of three sheets
        w, h = w - STACK, h - STACK
        return "".join(
            f'<rect x="{x + d}" y="{y + STACK - d}" width="{w}" height="{h}" rx="3" {paint}/>'
            for d in range(STACK, -1, -3)
        )
    rounded = ' rx="6"' if "rounded" in look.get("style", "") else ""
    return f'<rect x="{x}" y="{y}" width="{w}" height="{h}"{rounded} {paint}/>'


# Edges -------------------------------------------------------------------------------------------


def curve(points: Sequence[Sequence[int]], sideways: bool) -> str:
    """The path along a way: straight where it keeps to one axis, else a curve that leaves and
    arrives along the flow.  Corners are round.

    Examples
    --------
    >>> curve([[0, 0], [0, 10], [8, 30]], False)
    'M0 0L0 10C0 20 8 20 8 30'
    >>> curve([[0, 0], [0, 20], [30, 20]], False)
    'M0 0L0 14Q0 20 6 20L30 20'
    """
    x, y = points[0]
    found = [f"M{x} {y}"]
    for k, (a, b) in enumerate(points[1:], 2):
        if a == x or b == y:
            c, d = points[k] if k < len(points) else (a, b)
            if (a - x) * (d - b) == (b - y) * (c - a) or (c != a and d != b):
                found.append(f"L{a} {b}")
            else:  # a corner, rounded
                r = min(ROUND, (abs(a - x) + abs(b - y)) // 2, (abs(c - a) + abs(d - b)) // 2)
                x, y = a - r * _sign(a - x), b - r * _sign(b - y)
                found.append(f"L{x} {y}Q{a} {b} ")
                a, b = a + r * _sign(c - a), b + r * _sign(d - b)
                found.append(f"{a} {b}")
        elif sideways:
            m = (x + a) // 2
            found.append(f"C{m} {y} {m} {b} {a} {b}")
        else:
            m = (y + b) // 2
            found.append(f"C{x} {m} {a} {m} {a} {b}")
        x, y = a, b
    return "".join(found)


def _sign(x: int) -> int:
    return (x > 0) - (x < 0)


def _edges(picture: Picture, places: Layout, direction: str) -> Iterator[str]:
    """Lines first, then the routes along them, then what is written beside them."""
    texts: list[str] = []
    told = set[tuple[str, str]]()
    lines_: list[tuple[int, str]] = []
    for edge, way, middle in zip(picture.edges, places.edges, places.labels, strict=True):
        if edge.source == edge.target:
            continue
        crosses = picture.node[edge.source].order != picture.node[edge.target].order
        sideways = (direction == "right") != crosses
        lines_ += _lines(edge, way, sideways, crosses, direction)
        if picture.labelled and not crosses and edge.shape and (edge.source, edge.shape) not in told:
            told.add((edge.source, edge.shape))
            texts.append(_beside(edge, way, middle, direction))
    lines_.sort(key=lambda line: line[0])
    yield from [text for _, text in lines_]
    yield from texts


def _lines(
    edge: Edge, way: list[list[int]], sideways: bool, crosses: bool, direction: str
) -> Iterator[tuple[int, str]]:
    """Per line of an edge what it lies above, and the line: its own, and one for each route."""
    count = 1 + len(edge.routes)
    hint = f"<title>{escape(edge.shape)}</title>" if edge.shape else ""
    for lane in range(count):
        offset = lane * LANE - (count - 1) * LANE // 2
        moved = [[x, y + offset] if direction == "right" else [x + offset, y] for x, y in way]
        if lane:  # a route runs against the data: that way the gradient goes
            color, line, _ = ROUTES[edge.routes[lane - 1] % len(ROUTES)]
            moved, head = moved[::-1], arrow(moved[1], moved[0], sideways, 8, 4)
            path, hidden = curve(moved, sideways), ""
            if line == "double":
                hidden = f'<path d="{path}" fill="none" stroke="white" stroke-width="1.4"/>'
            dashes = f' stroke-dasharray="{DASHES[line]}"' if line in DASHES else ""
            width = "4" if line == "double" else "2.4"
            yield (
                2,
                (
                    f'<g><path d="{path}" fill="none" stroke="{color}" stroke-width="{width}"{dashes}/>'
                    f'{hidden}<path d="{head}" fill="{color}"/></g>'
                ),
            )
        else:
            color, dashes = (CROSSING, ' stroke-dasharray="5 3"') if crosses else (EDGE, "")
            head = arrow(moved[-2], moved[-1], sideways, 7, 3)
            yield (
                (0 if crosses else 1),
                (
                    f'<g>{hint}<path d="{curve(moved, sideways)}" fill="none" '
                    f'stroke="{color}"{dashes}/><path d="{head}" fill="{color}"/></g>'
                ),
            )


def arrow(before: Sequence[int], tip: Sequence[int], sideways: bool, length: int, half: int) -> str:
    """The path of an arrow's head.

    Examples
    --------
    >>> arrow([5, 0], [5, 20], False, 7, 3)
    'M5 20L2 13L8 13Z'
    """
    (a, b), (x, y) = before, tip
    if sideways:
        back = x - length if a < x else x + length
        return f"M{x} {y}L{back} {y - half}L{back} {y + half}Z"
    back = y - length if b < y else y + length
    return f"M{x} {y}L{x - half} {back}L{x + half} {back}Z"


HALO = 'paint-order="stroke" stroke="white" stroke-width="5" stroke-linejoin="round"'


def _beside(edge: Edge, way: list[list[int]], middle: Sequence[int], direction: str) -> str:
    """The shape of a value: to the right of a steep line, above a flat one, on a slanting one."""
    x, y = middle
    aside = len(edge.routes) * LANE // 2
    along = 0 if direction == "right" else 1
    sign = 1 if way[-1][along] < way[0][along] else -1  # away from the end, where a mark stands
    slants = any(min(b, d) <= y <= max(b, d) and abs(a - c) > 30 for (a, b), (c, d) in pairwise(way))
    if direction == "right":
        x += sign * (len(edge.mark) * MARK // 2)
        place = f'x="{x}" y="{y - 4 - aside}" text-anchor="middle"'
    elif slants and not edge.routes:
        y += sign * 5 * bool(edge.mark)
        place = f'x="{x}" y="{y + 3}" text-anchor="middle"'
    else:
        place = f'x="{x + 5 + aside}" y="{y + 3}"'
    return f'<text {place} font-size="10" fill="{GREY}" {HALO}>{cut(edge.shape)}</text>'


def _marks(picture: Picture, places: Layout, direction: str) -> Iterator[str]:
    """What the slots of a node are called, where order matters."""
    across = 1 if direction == "right" else 0
    ways = [
        (edge, way)
        for edge, way in zip(picture.edges, places.edges, strict=True)
        if edge.source != edge.target
    ]
    arrivals: dict[str, list[int]] = {}  # per node where its inputs arrive
    for edge, way in ways:
        arrivals.setdefault(edge.target, []).append(way[-1][across])
    for edge, way in ways:
        if edge.mark:
            at, others = way[-1][across], arrivals[edge.target]
            side = -1 if at == min(others) else int(at == max(others))
            yield _mark(edge, way, direction, side)


def _mark(edge: Edge, way: list[list[int]], direction: str, side: int) -> str:
    """What a slot is called stands on the outer side of the line that leads to it: before the first
    (-1), behind the last (1); on one between them (0)."""
    (a, b), (x, y) = way[-2], way[-1]
    aside = 6 + len(edge.routes) * LANE // 2
    if direction == "right":
        end = "end" if a < x else "start"
        along = x - 10 if a < x else x + 10
        place = f'x="{along}" y="{y + (-aside, 4, aside + 8)[side + 1]}" text-anchor="{end}"'
    else:
        along = y - 4 if b < y else y + 12
        end = (' text-anchor="end"', ' text-anchor="middle"', "")[side + 1]
        place = f'x="{x + side * aside}" y="{along}"{end}'
    look = f'font-size="13" font-weight="bold" fill="{INK}" {HALO}'
    return f"<text {place} {look}>{cut(edge.mark)}</text>"


# Legend ------------------------------------------------------------------------------------------


class _Legend:
    """What occurs in the picture, and nothing else."""

    def __init__(self, picture: Picture, direction: str) -> None:
        self.x = self.y = 0
        self.rows: list[tuple[str, str, str]] = [
            ("node", style, text) for style, text in explained(picture, direction).items()
        ]
        if handed(picture):
            self.rows.append(("crossing", "", handed(picture)))
        if picture.routes:
            self.rows.append(("heading", "", f"ways of the gradient, {BACK[direction]}"))
            self.rows += [("route", str(i), text) for i, text in enumerate(picture.routes)]
        self.width = max([48 + 6 * min(len(text), LONGEST) for *_, text in self.rows], default=0)
        self.height = 20 * len(self.rows)

    def draw(self) -> Iterator[str]:
        yield f'<g transform="translate({self.x} {self.y})">'
        for k, (kind, what, text) in enumerate(self.rows):
            y = 20 * k
            if kind == "node":
                yield _outline(what, 0, y + 1, 30, 16)
            elif kind != "heading":
                color, line = (
                    (CROSSING, "dashed") if kind == "crossing" else ROUTES[int(what) % len(ROUTES)][:2]
                )
                dashes = f' stroke-dasharray="{DASHES[line]}"' if line in DASHES else ""
                width = {"crossing": "1"}.get(kind, "4" if line == "double" else "2.4")
                yield f'<path d="M0 {y + 9}H30" stroke="{color}" stroke-width="{width}"{dashes}/>'
                if line == "double":
                    yield f'<path d="M0 {y + 9}H30" stroke="white" stroke-width="1.4"/>'
            x, color = (0, GREY) if kind == "heading" else (38, INK)
            yield f'<text x="{x}" y="{y + 13}" fill="{color}">{cut(text)}</text>'
        yield "</g>"
