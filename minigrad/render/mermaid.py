"""A picture as Mermaid, the language that Markdown pages draw flowcharts from."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..graph.text import printable
from .fold import Fold, fold
from .model import Edge, Node, Picture
from .style import BOXES, CROSSING, GREY, INK, ROUTES, STYLES, explained, style_of
from .text import summary

MOST_EDGES, MOST_TEXT = 500, 50_000  # Mermaid draws no more unless maxEdges, maxTextSize say so

# The two ends of a node, per kind: the outlines that come nearest to those of the other pictures.
OUTLINES: dict[str, tuple[str, str]] = {
    "input": ("([", "])"),
    "parameter": ("{{", "}}"),
    "constant": ("[", "]"),
    "op": ("(", ")"),
    "output": ("[[", "]]"),
    "fold": ("[/", "/]"),
}
DASHES = {"solid": "", "dashed": "8 4", "double": "12 3 3 3", "dotted": "2 4"}  # per line of a route


def to_mermaid(picture: Picture) -> str:
    """The picture as a Mermaid flowchart; every text in it is quoted and escaped.

    A picture of more than 500 edges, which is all that Mermaid draws unless it is told otherwise,
    is folded first; a comment in the text says so.

    Parameters
    ----------
    picture : Picture

    Returns
    -------
    str

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.render import picture
    >>> print(to_mermaid(picture(mg.trace(lambda a: a * a, 3.0), title="square")))
    ---
    title: "square"
    ---
    flowchart TB
      accTitle: square
      ...
      v0(["a"]):::input
      e0("mul<br/>v1"):::op
      o0[["output<br/>v1 scalar"]]:::output
      v0 -->|"scalar"| e0
      v0 -->|"scalar"| e0
      e0 -->|"scalar"| o0
      ...
    """
    drawn, notes = _few_enough(picture)
    links = [link for edge in drawn.edges for link in _links(edge, drawn)]
    links += [(f"r{i} --- g{i}", _line(i)) for i in range(len(drawn.routes))]
    places: dict[str, list[str]] = {}
    for i, (_, style) in enumerate(links):
        if style:
            places.setdefault(style, []).append(str(i))
    styles = [f"linkStyle {','.join(which)} {style}" for style, which in places.items()]
    body = [*_alternative(drawn), *_boxes(drawn), *_legend(drawn), *[link for link, _ in links]]
    body += [*styles, *_classes(drawn)]
    text = "\n".join(
        ["---", f'title: "{_title(drawn.title)}"', "---", "flowchart TB", *[f"  {x}" for x in body], ""]
    )
    if len(text) > MOST_TEXT:
        notes.append(
            f"This text has {len(text)} characters, and Mermaid reads {MOST_TEXT} unless its setting "
            "maxTextSize says more."
        )
    return text + "".join(f"%% {note}\n" for note in notes)


def _few_enough(picture: Picture) -> tuple[Picture, list[str]]:
    """The picture, folded until Mermaid draws it, and what its reader should know."""
    if _count(picture) <= MOST_EDGES:
        return picture, []
    note = f"The whole picture has {_count(picture)} lines, and Mermaid draws {MOST_EDGES}"
    hows: tuple[Fold, ...] = ("auto", 2, 1, 0)
    drawn = picture
    for how in hows:
        if how != "auto" and not drawn.scopes:
            break
        drawn = fold(picture, how)
        if _count(drawn) <= MOST_EDGES:
            return drawn, [f"{note}: its boxes are folded here."]
    return drawn, [
        f"{note} unless its setting maxEdges says more: with all its boxes folded it has "
        f"{_count(drawn)}."
    ]


def _count(picture: Picture) -> int:
    """How many lines there are to draw."""
    return sum(1 + len(edge.routes) for edge in picture.edges) + len(picture.routes)


# Escaping ------------------------------------------------------------------------------------------


def quote(text: str) -> str:
    """Text inside a label: a sign that Mermaid, Markdown or HTML could take for theirs is a number.

    Examples
    --------
    >>> quote('"]; a -> b')
    '#34;]#59; a #45;#62; b'
    """
    kept = "".join(
        [c if c.isalnum() or c in " ()[],:=/.·−×" else f"#{ord(c)};" for c in printable(text)]
    )
    kept = re.sub(r"^(\d+)([.)])", lambda m: f"{m[1]}#{ord(m[2])};", kept)  # "1." begins a list
    if not kept:
        return " "
    return kept if kept[0].isalnum() or kept[0] in "#([·−×" else f"#{ord(kept[0])};{kept[1:]}"


def _title(text: str) -> str:
    """Text inside a string of the heading, which is YAML; of which Mermaid would cut out tags."""
    units = printable(text).replace("<", "‹").replace(">", "›").encode("utf-16-be")
    codes = [int.from_bytes(units[i : i + 2]) for i in range(0, len(units), 2)]
    plain = {ord(c) for c in " _.,()abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"}
    return "".join([chr(c) if c in plain else f"\\u{c:04x}" for c in codes])


def _alternative(picture: Picture) -> Iterator[str]:
    """What a screen reader says; without odd signs, for nothing can be escaped here."""
    for key, text in (("accTitle", picture.title), ("accDescr", summary(picture))):
        plain = "".join([c if c.isalnum() or c in " _.,()" else " " for c in printable(text)])
        if plain.strip():
            yield f"{key}: {' '.join(plain.split())}"


# Nodes and boxes -------------------------------------------------------------------------------------


def _node(node: Node) -> str:
    left, right = OUTLINES[node.kind]
    title = node.title + (f" × {node.copies}" if node.copies > 1 else "")
    label = "<br/>".join([quote(part) for part in (title, node.detail) if part]) or " "
    return f'{node.id}{left}"{label}"{right}:::{_class(style_of(node))}'


def _boxes(picture: Picture) -> Iterator[str]:
    """Nodes inside nested subgraphs, one per scope."""
    inside: dict[str, list[Node]] = {}
    for node in picture.nodes:
        inside.setdefault(node.scope, []).append(node)
    children: dict[str, list[str]] = {}
    for scope in picture.scopes:
        children.setdefault(scope.parent, []).append(scope.id)
    scopes = {scope.id: scope for scope in picture.scopes}
    stack: list[tuple[str, bool]] = [("", True)]
    while stack:
        place, opens = stack.pop()
        depth = "  " * max(len(picture.around[place]) - 1, 0)
        if not opens:
            yield f"{depth}end"
            continue
        if place:
            scope = scopes[place]
            label = quote(scope.label + (f" × {scope.copies}" if scope.copies > 1 else ""))
            yield f'{depth}subgraph {place}["{label}"]'
            stack.append((place, False))
            depth += "  "
        yield from [f"{depth}{_node(node)}" for node in inside.get(place, ())]
        stack += [(child, True) for child in children.get(place, ())[::-1]]


# Edges -----------------------------------------------------------------------------------------------


def _links(edge: Edge, picture: Picture) -> Iterator[tuple[str, str]]:
    """A link for the edge, and one for each route along it; each with its style."""
    crosses = picture.node[edge.source].order != picture.node[edge.target].order
    shape = edge.shape if picture.labelled and not crosses else ""
    label = quote(f"{edge.mark} {shape}".strip()) if edge.mark or shape else ""
    arrow = ("-.->" if crosses else "-->") + (f'|"{label}"|' if label else "")
    yield f"{edge.source} {arrow} {edge.target}", f"stroke:{CROSSING}" if crosses else ""
    for route in edge.routes:
        yield f"{edge.source} --- {edge.target}", _line(route)


def _line(route: int) -> str:
    color, line, _ = ROUTES[route % len(ROUTES)]
    dashes = f",stroke-dasharray:{DASHES[line]}" if DASHES[line] else ""
    return f"stroke:{color},stroke-width:3px{dashes}"


def _legend(picture: Picture) -> Iterator[str]:
    """The ends of one line per route, in a box of their own."""
    if picture.routes:
        yield 'subgraph legend["ways of the gradient, upwards"]'
        yield from [f'  r{i}["{quote(name)}"]\n    g{i}[" "]' for i, name in enumerate(picture.routes)]
        yield "end"


# Classes ---------------------------------------------------------------------------------------------


def _class(style: str) -> str:
    return style.replace(" ", "")


def _classes(picture: Picture) -> Iterator[str]:
    """Colours and lines of what occurs in the picture."""
    for name in explained(picture):
        look = STYLES[name]
        line = look.get("style", "")
        dashes = "6 3" if "dashed" in line else "2 3" if "dotted" in line else ""
        yield (
            f"classDef {_class(name)} fill:{look['fillcolor']},stroke:{look['color']},color:{INK},"
            f"stroke-width:{look.get('penwidth', '1')}px"
            + (f",stroke-dasharray:{dashes}" if dashes else "")
        )
    for order, (stroke, fill) in enumerate(BOXES):
        boxes = [scope.id for scope in picture.scopes if min(scope.order, 1) == order]
        if boxes:
            yield f"classDef box{order} fill:{fill},stroke:{stroke},color:{GREY}"
            yield f"class {','.join(boxes)} box{order}"
