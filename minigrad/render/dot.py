"""A picture as DOT, the language of Graphviz."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Literal

from ..graph.text import printable
from .build import LABELLED_EDGES
from .hubs import spread
from .model import Edge, Node, Picture
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

Direction = Literal["down", "right"]


def to_dot(picture: Picture, direction: Direction = "down", legend: bool = True) -> str:
    """The picture as DOT text.

    Parameters
    ----------
    picture : Picture
    direction : {"down", "right"}
        Where the data flows.
    legend : bool
        Whether to explain shapes, colours and routes.
    """
    heading = _bold(picture.title, 15) + (
        f"<BR/>{_small(picture.subtitle, GREY, 10)}" if picture.subtitle else ""
    )
    settings = {
        "rankdir": {"down": "TB", "right": "LR"}[direction], "fontname": FONT, "fontcolor": INK,
        "bgcolor": "white", "pad": "0.3", "nodesep": "0.28", "ranksep": "0.32", "labelloc": "t",
        "tooltip": picture.title, "newrank": "true",
    }  # fmt: skip
    lines = [
        "digraph minigrad {",
        f"  graph [{_attributes(settings)}, label=<{heading}<BR/> >];",
        f"  node [{_attributes({'fontname': FONT, 'fontsize': '11', 'fontcolor': INK})}, "
        'style="filled", margin="0.10,0.05", height=0.3, width=0.4];',
        f"  edge [{_attributes({'fontname': FONT, 'fontsize': '9', 'fontcolor': GREY})}, "
        f'color="{EDGE}", arrowsize=0.6];',
    ]
    if len(picture.edges) > LABELLED_EDGES:  # give up some straightness, or dot takes minutes
        lines.append('  nslimit=2; nslimit1=2; mclimit=0.5; splines="polyline";')
    picture = spread(picture)
    lines += _boxes(picture)
    orders = {node.id: node.order for node in picture.nodes}
    for edge in picture.edges:
        lines += [f"  {line}" for line in _edge(edge, picture, orders)]
    lines += [f"  {line}" for line in _ties(picture, orders)]
    if legend:
        lines += [f"  {line}" for line in _legend(picture, direction)]
    return "\n".join([*lines, "}", ""])


# Escaping ------------------------------------------------------------------------------------


def quote(text: str) -> str:
    """A DOT string that shows this text; line breaks stay.

    How often a backslash in it is interpreted differs between versions of Graphviz, so a sign
    that looks like one takes its place.

    Examples
    --------
    >>> print(quote('say "a -> b"'))
    "say &quot;a -&gt; b&quot;"
    """
    lines = [html.escape(printable(line)).replace("\\", "∖") for line in text.split("\n")]
    return '"' + "\\n".join(lines) + '"'


def _markup(text: str) -> str:
    """Text for a label, where DOT takes a backslash for a command, and stumbles over a lone bracket."""
    return html.escape(printable(text)).replace("\\", "\\\\").replace("]", "&#93;")


def _bold(text: str, size: int = 11) -> str:
    return f'<FONT POINT-SIZE="{size}"><B>{_markup(text)}</B></FONT>' if text else ""


def _small(text: str, color: str, size: int = 9) -> str:
    return f'<FONT POINT-SIZE="{size}" COLOR="{color}">{_markup(text)}</FONT>' if text else ""


def _attributes(pairs: dict[str, str]) -> str:
    return ", ".join(f"{key}={quote(value)}" for key, value in pairs.items())


# Nodes and boxes ---------------------------------------------------------------------------------


def _node(node: Node) -> str:
    op, _, arguments = node.title.partition("(")
    title = _bold(op) + (_small("(" + arguments, GREY) if arguments else "")
    detail = _small(node.detail, INK if node.named else PALE)
    label = "<BR/>".join(filter(None, [title, detail])) or " "
    return (
        f"{node.id} [label=<{label}>, {_attributes({**STYLES[style_of(node)], 'tooltip': node.hint})}];"
    )


def _boxes(picture: Picture) -> Iterator[str]:
    """Nodes inside nested clusters, one per scope."""
    inside: dict[str, list[Node]] = {"": []}
    scopes = {scope.id: scope for scope in picture.scopes}
    for node in sorted(picture.nodes, key=lambda n: n.order):  # what comes first stands on the left
        inside.setdefault(node.scope, []).append(node)
    number = {"": 0} | {scope.id: i for i, scope in enumerate(picture.scopes, 1)}
    places = sorted(picture.around, key=lambda s: [number[a] for a in picture.around[s]])
    open_boxes: tuple[str, ...] = ()
    for place in places:
        around = picture.around[place]
        while open_boxes != around[: len(open_boxes)]:
            yield "  " * len(open_boxes) + "}"
            open_boxes = open_boxes[:-1]
        if place:
            scope = scopes[place]
            colors = BOXES[bool(scope.order)]
            indent = "  " * len(around)
            yield f"{indent}subgraph cluster_{number[place]} {{"
            yield (
                f'{indent}  label=<{_small(scope.label, GREY, 10)}>; labeljust="l"; margin=10; '
                f'style="rounded,filled"; color="{colors[0]}"; fillcolor="{colors[1]}"; '
                f"tooltip={quote('/'.join(scopes[a].label for a in around))};"
            )
            open_boxes = around
        for node in inside.get(place, ()):
            yield "  " * (len(around) + 1) + _node(node)
    while open_boxes:
        yield "  " * len(open_boxes) + "}"
        open_boxes = open_boxes[:-1]


# Edges -------------------------------------------------------------------------------------------


def _edge(edge: Edge, picture: Picture, orders: dict[str, int]) -> Iterator[str]:
    """One line of DOT for the edge, and one for each route along it.

    A backward pass is drawn upwards beside its forward pass: its edges are turned round for the
    layout, and what it takes over from the forward pass does not take part in the layout.
    """
    order = orders[edge.source]
    crosses = order != orders[edge.target]
    against = picture.against[order] and not crosses
    ends = f"{edge.target} -> {edge.source}" if against else f"{edge.source} -> {edge.target}"
    look = {"dir": "back"} if against else {}
    # At its end a mark might stand beside another line: dot does not say which of them is the left one.
    shape, bold = edge.shape if picture.labelled and not crosses else "", ""
    if edge.mark:
        bold = f", label=< {_small(shape, GREY)} {_bold(edge.mark, 10)} >"
    elif shape:
        look["label"] = f" {shape} "
    if crosses:
        look |= {"constraint": "false", "style": "dashed", "color": CROSSING, "penwidth": "0.8"}
    look["tooltip"] = edge.shape
    yield f"{ends} [{_attributes(look)}{bold}];"
    for route in edge.routes:  # against the data: that way the gradient goes
        color, line, _ = ROUTES[route % len(ROUTES)]
        look = {"color": color, "style": line, "penwidth": "2.4", "dir": "back", "arrowsize": "0.8"}
        if line == "double":  # Graphviz draws a list of colours as lines side by side
            look |= {"color": f"{color}:{color}", "style": "solid", "penwidth": "1.6"}
        yield f"{ends} [{_attributes({**look, 'label': '  '})}];"


def _ties(picture: Picture, orders: dict[str, int]) -> Iterator[str]:
    """Where a derivative begins it stands beside the step that it belongs to."""
    fed = {e.target for e in picture.edges if orders[e.source] == orders[e.target]}
    for node in picture.nodes:
        if node.twin and node.id not in fed:
            if node.kind == "constant":  # what a backward pass starts from
                yield f"{{ rank=same; {node.twin}; {node.id} }}"
            yield f"{node.twin} -> {node.id} [style=invis];"


# Legend --------------------------------------------------------------------------------------------


def _legend(picture: Picture, direction: Direction) -> Iterator[str]:
    """What occurs in the picture, and nothing else: a node of every kind, and a table of lines."""
    kinds = explained(picture, direction)
    rows = []
    if handed(picture):
        rows.append(_legend_line(CROSSING, "╍╍╍╍", handed(picture)))
    if picture.routes:
        heading = _small(f"ways of the gradient, {BACK[direction]}", GREY)
        rows.append(f'<TR><TD COLSPAN="2" ALIGN="LEFT">{heading}</TD></TR>')
    for i, text in enumerate(picture.routes):
        color, _, line = ROUTES[i % len(ROUTES)]
        rows.append(_legend_line(color, line, text))
    names = [f"legend_{i}" for i in range(len(kinds))]
    for name, (key, text) in zip(names, kinds.items(), strict=True):
        look = _attributes(STYLES[key] | {"tooltip": "legend"})
        yield f"{name} [label=<{_small(text, INK)}>, {look}];"
    if rows:
        names.append("legend")
        sizes = 'BORDER="0" CELLBORDER="0" CELLSPACING="3" CELLPADDING="2"'
        table = f"<TABLE {sizes}>{''.join(rows)}</TABLE>"
        yield f'legend [shape=plain, style="", label=<{table}>, tooltip="legend"];'
    if len(names) > 1:
        chain = f"{'->'.join(names)} [style=invis];"
        yield f"{{ rank=same; {chain} }}" if direction == "right" else chain


def _legend_line(color: str, line: str, text: str) -> str:
    sample = f'<FONT COLOR="{color}"><B>{line}</B></FONT>'
    return f'<TR><TD>{sample}</TD><TD ALIGN="LEFT">{_small(text, INK)}</TD></TR>'
