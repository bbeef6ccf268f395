"""How things look, in every picture alike: colours, outlines, lines, and what a legend says."""

from __future__ import annotations

from ..raster import FONT as FONT
from .model import Node, Picture

INK, GREY, PALE = "#1a1a1a", "#5c6670", "#6b747d"  # text, asides, names that nobody gave
EDGE, CROSSING = "#8a949e", "#b9a27f"  # lines; those from a function to its derivative
BOXES = (("#9aa5b1", "#f7f9fb"), ("#c98a4b", "#fffaf3"))  # border and fill: forward, derivative

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
    "fold": {"shape": "box3d", "fillcolor": "#e8eaf6", "color": "#3f51b5", "penwidth": "1.4"},
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


def style_of(node: Node) -> str:
    """Which of the styles a node has.

    Examples
    --------
    >>> style_of(Node("e0", "op", 1, "mul", "d_x", True, "", ""))
    'op 1'
    """
    if node.kind != "op":
        return node.kind
    return f"op {min(node.order, 2)}" if node.order else "named" if node.named else "op"


# Where a backward pass runs, per direction of the data.
BACK = {"down": "upwards", "right": "to the left"}


def explained(picture: Picture, direction: str = "down") -> dict[str, str]:
    """Per style that occurs in a picture what it stands for.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.render import picture
    >>> explained(picture(mg.trace(mg.sin, 3.0)))
    {'input': 'input', 'op': 'operation', 'output': 'output'}
    """
    texts = {
        "input": "input", "parameter": "parameter, reached by closure", "constant": "constant",
        "op": "operation", "named": "operation whose result has a name",
        "fold": "folded box: operations drawn as one", "output": "output",
    }  # fmt: skip
    for order, name in enumerate(picture.phases[1:3], 1):
        texts[f"op {order}"] = name + (f", read {BACK[direction]}" if picture.against[order] else "")
    present = {style_of(node) for node in picture.nodes}
    return {key: text for key, text in texts.items() if key in present}


def handed(picture: Picture) -> str:
    """What a legend says of dashed lines, between a function and its derivatives; "" without any.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.render import picture
    >>> handed(picture(mg.trace(mg.grad(mg.sin), 3.0)))
    'value handed over to a derivative'
    >>> handed(picture(mg.trace(lambda x: x - mg.grad(mg.sin)(x), 3.0)))
    'value handed to or from a derivative'
    """
    order = {node.id: node.order for node in picture.nodes}
    ways = {
        order[e.source] < order[e.target] for e in picture.edges if order[e.source] != order[e.target]
    }
    if not ways:
        return ""
    whither = "to or from" if len(ways) > 1 else "over to" if True in ways else "over by"
    return f"value handed {whither} a derivative"
