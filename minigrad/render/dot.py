"""A picture as DOT, the language of Graphviz."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from ..graph.text import printable
from .build import LABELLED_EDGES
from .model import Edge, Node, Picture

Direction = Literal["down", "right"]

OFTEN = 12  # an input with more uses than this is drawn beside each of them
FONT = "Helvetica,Arial,sans-serif"
INK, GREY = "#1a1a1a", "#5c6670"

# Fill, border, shape and line of each kind of node.  The colours are Okabe and Ito's, which
# colour-blind people can tell apart; shape and line say the same once more.
STYLES: dict[str, dict[str, str]] = {
    "input": {
        "shape": "ellipse", "fillcolor": "#d9ecf9", "color": "#0072b2", "penwidth": "1.6",
        "width": "0.8",
    },
    "parameter": {"shape": "hexagon", "fillcolor": "#f6e3ee", "color": "#a8467c", "penwidth": "1.6"},
    "constant": {"shape": "box", "style": "filled,dotted", "fillcolor": "#f2f2f2", "color": "#6b6b6b"},
    "output": {
        "shape": "ellipse", "fillcolor": "#d8f0e6", "color": "#007a59", "penwidth": "1.4",
        "peripheries": "2", "width": "0.8",
    },
    "op": {"shape": "box", "style": "filled,rounded", "fillcolor": "#ffffff", "color": "#3d4852"},
    "named": {
        "shape": "box", "style": "filled,rounded", "fillcolor": "#fff3c4", "color": "#3d4852",
        "penwidth": "1.6",
    },
    "op 1": {
        "shape": "box", "style": "filled,dashed", "fillcolor": "#fdebd0", "color": "#b85c00",
    },
    "op 2": {
        "shape": "octagon", "style": "filled,dashed", "fillcolor": "#fbf6c8", "color": "#7d6f00",
    },
}  # fmt: skip

# Colour and line of each route, and how a legend draws the line in text.
ROUTES: tuple[tuple[str, str, str], ...] = (
    ("#0072b2", "solid", "━━━━"),
    ("#d55e00", "dashed", "╍╍╍╍"),
    ("#009e73", "double", "════"),
    ("#cc3d95", "dotted", "┅┅┅┅"),
    ("#e69f00", "solid", "━━━━"),
    ("#56b4e9", "dashed", "╍╍╍╍"),
    ("#000000", "dotted", "┅┅┅┅"),
)


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
        f'color="#8a949e", arrowsize=0.6];',
    ]
    if len(picture.edges) > LABELLED_EDGES:  # give up some straightness, or dot takes minutes
        lines.append('  nslimit=2; nslimit1=2; mclimit=0.5; splines="polyline";')
    nodes, edges = _spread(picture)
    lines += _boxes(picture, nodes)
    orders = {node.id: node.order for node in nodes}
    for edge in edges:
        lines += [f"  {line}" for line in _edge(edge, picture, orders)]
    lines += [f"  {line}" for line in _ties(picture, orders)]
    if legend:
        lines.append(f"  {_legend(picture, orders)}")
    return "\n".join([*lines, "}", ""])


def _spread(picture: Picture) -> tuple[list[Node], list[Edge]]:
    """Draw an input that is used all over the place again beside each of its uses.

    Lines from one corner to everywhere hide the rest, and dot takes minutes to lay them out.
    """
    uses = Counter(edge.source for edge in picture.edges)
    targets = {node.id: node for node in picture.nodes}
    hubs = {
        n.id: n for n in picture.nodes
        if n.kind in ("input", "parameter", "constant") and uses[n.id] > OFTEN
    }  # fmt: skip
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
    return nodes, edges


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
    """Text for a label, where DOT would take a backslash for the start of a command."""
    return html.escape(printable(text)).replace("\\", "\\\\")


def _bold(text: str, size: int = 11) -> str:
    return f'<FONT POINT-SIZE="{size}"><B>{_markup(text)}</B></FONT>' if text else ""


def _small(text: str, color: str, size: int = 9) -> str:
    return f'<FONT POINT-SIZE="{size}" COLOR="{color}">{_markup(text)}</FONT>' if text else ""


def _attributes(pairs: dict[str, str]) -> str:
    return ", ".join(f"{key}={quote(value)}" for key, value in pairs.items())


# Nodes and boxes ---------------------------------------------------------------------------------


def style_of(node: Node) -> str:
    """Which of the styles a node has."""
    if node.kind != "op":
        return node.kind
    return f"op {min(node.order, 2)}" if node.order else "named" if node.named else "op"


def _node(node: Node) -> str:
    op, _, arguments = node.title.partition("(")
    title = _bold(op) + (_small("(" + arguments, GREY) if arguments else "")
    detail = _small(node.detail, INK if node.named else "#8a949e")
    label = "<BR/>".join(filter(None, [title, detail])) or " "
    return (
        f"{node.id} [label=<{label}>, {_attributes({**STYLES[style_of(node)], 'tooltip': node.hint})}];"
    )


def _boxes(picture: Picture, nodes: Sequence[Node]) -> Iterator[str]:
    """Nodes inside nested clusters, one per scope."""
    inside: dict[str, list[Node]] = {"": []}
    scopes = {scope.id: scope for scope in picture.scopes}
    for node in sorted(nodes, key=lambda n: n.order):  # what comes first stands on the left
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
            colors = ("#c98a4b", "#fffaf3") if scope.order else ("#9aa5b1", "#f7f9fb")
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
    if picture.labelled and not crosses:
        look["label"] = f" {edge.shape} "
    if edge.mark:
        look["taillabel" if against else "headlabel"] = f" {edge.mark} "
    if crosses:
        look |= {"constraint": "false", "style": "dashed", "color": "#b9a27f", "penwidth": "0.8"}
    yield f"{ends} [{_attributes({**look, 'tooltip': edge.shape})}];"
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


def _legend(picture: Picture, orders: dict[str, int]) -> str:
    """A table that explains what occurs in the picture, and nothing else."""
    texts = {
        "input": "input", "parameter": "parameter, reached by closure", "constant": "constant",
        "op": "operation", "named": "operation whose result has a name", "output": "output",
    }  # fmt: skip
    for order, name in enumerate(picture.phases[1:3], 1):
        texts[f"op {order}"] = name + (", read upwards" if picture.against[order] else "")
    present = {style_of(node) for node in picture.nodes}
    seen = {key: text for key, text in texts.items() if key in present}
    rows = []
    for key, text in seen.items():
        style = STYLES[key]
        dashed = 'STYLE="dashed"' if "dashed" in style.get("style", "") else ""
        dashed = 'STYLE="dotted"' if "dotted" in style.get("style", "") else dashed
        rows.append(
            f'<TR><TD BORDER="1" COLOR="{style["color"]}" BGCOLOR="{style["fillcolor"]}" {dashed} '
            f'WIDTH="26" HEIGHT="12"></TD><TD ALIGN="LEFT">{_small(text, INK)}</TD></TR>'
        )
    if any(orders[e.source] != orders[e.target] for e in picture.edges):
        rows.append(_legend_line("#b9a27f", "╍╍╍╍", "value handed over to a derivative"))
    if picture.routes:
        heading = _small("ways of the gradient, upwards", GREY)
        rows.append(f'<TR><TD COLSPAN="2" ALIGN="LEFT">{heading}</TD></TR>')
    for i, text in enumerate(picture.routes):
        color, _, line = ROUTES[i % len(ROUTES)]
        rows.append(_legend_line(color, line, text))
    table = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="3" CELLPADDING="2">{"".join(rows)}</TABLE>'
    return f'legend [shape=plain, style="", label=<{table}>, tooltip="legend"];'


def _legend_line(color: str, line: str, text: str) -> str:
    sample = f'<FONT COLOR="{color}"><B>{line}</B></FONT>'
    return f'<TR><TD>{sample}</TD><TD ALIGN="LEFT">{_small(text, INK)}</TD></TR>'
