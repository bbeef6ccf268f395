"""What a picture of a graph shows, before anybody decides how: nodes, edges, boxes, routes.

Every renderer is a function of a :class:`Picture`.  Texts in it are the user's and unescaped;
each renderer escapes them for its format.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import ArgumentError
from ..graph import Equation, Graph, Scalar, Value
from ..graph.text import constant_text, expression, phase, short_dtype, static, type_of

Kind = Literal["input", "parameter", "constant", "op", "output"]

LABELLED_EDGES = 300  # shapes stand on edges up to here, in nodes beyond: labels cost layout time

# What the slots of operations are called where their order matters.
SLOTS: dict[str, tuple[str, ...]] = {
    "sub": ("", "−"),
    "div": ("", "÷"),
    "pow": ("", "exponent"),
    "matmul": ("", "right"),
    "where": ("if", "", "else"),
    "greater": ("", "<"),
    "greater_equal": ("", "≤"),
    "less": ("", ">"),
    "less_equal": ("", "≥"),
}


@dataclass(frozen=True, slots=True)
class Node:
    """A thing to draw.

    Attributes
    ----------
    id : str
        Unique and safe in every format: ``e7`` for an equation, ``v3`` for a stored value,
        ``o0`` for an output.
    kind : {"input", "parameter", "constant", "op", "output"}
    order : int
        0 for the function itself, 1 for a derivative, ...
    title, detail : str
        What it is; which value it makes.
    named : bool
        Whether the detail is a name that somebody gave.
    boxes : tuple of str
        The scopes around it, outermost first.
    hint : str
        The whole equation and the user's line, for those who point at it.
    twin : str
        For a step of a derivative the node of the step that it belongs to, else "".
    """

    id: str
    kind: Kind
    order: int
    title: str
    detail: str
    named: bool
    boxes: tuple[str, ...]
    hint: str
    twin: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """A use of a value.

    Attributes
    ----------
    source, target : str
        Nodes, in the direction of the data.
    slot : int
        Which input of the target it is: ``a * a`` has two edges.
    shape : str
        Of the value; with the dtype where it is not the usual one.
    mark : str
        What the slot is called, where the order matters.
    routes : tuple of int
        The routes that run along it, against the data.
    """

    source: str
    target: str
    slot: int
    shape: str
    mark: str = ""
    routes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """All that a renderer needs.

    Attributes
    ----------
    title, subtitle : str
    nodes, edges : tuple
    routes : tuple of str
        What the routes are called, by number.
    phases : tuple of str
        What the orders of differentiation are called.
    against : tuple of bool
        Per order whether its data flows against that of the function.
    labelled : bool
        Whether shapes stand on the edges; else they stand in the nodes.
    """

    title: str
    subtitle: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    routes: tuple[str, ...] = ()
    phases: tuple[str, ...] = ("forward",)
    against: tuple[bool, ...] = (False,)
    labelled: bool = True


def picture(
    graph: Graph,
    paths: Iterable[str] | Mapping[str, Sequence[str]] | None = None,
    wrt: str | None = None,
    title: str | None = None,
) -> Picture:
    """The picture of a graph; `paths`, `wrt` and `title` as in :func:`minigrad.render`."""
    labels, along = _routes(graph, paths, wrt)
    usual = _usual_dtype(graph)
    edges = _edges(graph, usual, along)
    labelled = len(edges) <= LABELLED_EDGES
    against = [False]
    for reverse in graph.reverse[1:]:
        against.append(against[-1] != reverse)
    return Picture(
        graph.name if title is None else title,
        f"every array is {usual}, unless noted" if usual else "",
        tuple(_nodes(graph, usual, labelled, {e.source for e in edges})),
        tuple(edges),
        labels,
        tuple(phase(graph, order) for order in range(len(against))),
        tuple(against),
        labelled,
    )


def shape_text(value: Value, usual: str) -> str:
    """A shape as NumPy writes it, after the dtype if that is not the usual one."""
    size = ", ".join(map(str, value.shape)) + ("," if len(value.shape) == 1 else "")
    dtype = short_dtype(value.dtype)
    size = f"({size})" if value.shape else "scalar"
    return size if dtype == usual else f"{dtype} {size}"


def _usual_dtype(graph: Graph) -> str:
    """The dtype of most floating values, which goes without saying."""
    counts: dict[str, int] = {}
    for value in graph.values:
        if value.dtype.kind == "f":
            name = short_dtype(value.dtype)
            counts[name] = counts.get(name, 0) + 1
    return max(counts, key=lambda name: counts[name]) if counts else ""


def _routes(
    graph: Graph, paths: Iterable[str] | Mapping[str, Sequence[str]] | None, wrt: str | None
) -> tuple[tuple[str, ...], dict[tuple[int, int], tuple[int, ...]]]:
    """Labels of the routes, and per edge of the graph which of them run along it."""
    if paths is None:
        return (), {}
    if isinstance(paths, str):
        raise ArgumentError(f'render: paths is a list of names, ["{paths}"], not a string.')
    if isinstance(paths, Mapping):
        wanted = {tuple(tags): label for label, tags in paths.items()}
        via = list(dict.fromkeys(tag for tags in wanted for tag in tags))
        found = graph.routes(wrt, via)
        for tags, label in wanted.items():
            if tags not in found:
                raise ArgumentError(
                    f"render: paths[{label!r}] = {list(tags)}, but there is no such route. From output "
                    f"to input the routes of {graph.name} are {', '.join(str(list(t)) for t in found)}."
                )
    else:
        found = graph.routes(wrt, paths)
        wanted = {tags: "via " + ", then ".join(tags) if tags else "direct" for tags in found}
    along: dict[tuple[int, int], tuple[int, ...]] = {}
    for i, tags in enumerate(wanted):
        for edge in sorted(found[tags]):
            along[edge] = (*along.get(edge, ()), i)
    return tuple(wanted.values()), along


def _edges(graph: Graph, usual: str, along: Mapping[tuple[int, int], tuple[int, ...]]) -> list[Edge]:
    edges = []
    for equation, slot, ref in graph.edges():
        marks = SLOTS.get(equation.op, ())
        alone = sum(not isinstance(r, Scalar) for r in equation.inputs) < 2
        edges.append(
            Edge(
                _source(graph, ref), f"e{equation.index}", slot, shape_text(graph.values[ref], usual),
                "" if alone or slot >= len(marks) else marks[slot],
                along.get((equation.index, slot), ()),
            )
        )  # fmt: skip
    edges += [
        Edge(_source(graph, ref), f"o{i}", 0, shape_text(graph.values[ref], usual))
        for i, ref in enumerate(graph.outputs)
    ]
    return edges


def _source(graph: Graph, ref: int) -> str:
    return f"e{graph.makers[ref]}" if ref in graph.makers else f"v{ref}"


def _nodes(graph: Graph, usual: str, labelled: bool, used: set[str]) -> Iterable[Node]:
    orders = _orders_of_constants(graph)
    for value in graph.values:
        if value.kind == "result" or (value.kind != "input" and f"v{value.id}" not in used):
            continue
        label, text = graph.labels[value.id], constant_text(value) if value.kind == "constant" else ""
        given = value.name is not None or value.kind != "constant"
        title, detail = (label, text) if given else (text or label, label if text else "")
        order = orders.get(value.id, 0)
        yield Node(
            f"v{value.id}", value.kind, order, title,
            _with_shape(detail, "" if labelled else shape_text(value, usual)), value.name is not None,
            value.scope if value.kind == "constant" else (),
            f"{label}: {type_of(value)}{_line(value)}",
            _source(graph, value.cotangent_of[0]) if value.cotangent_of else "",
        )  # fmt: skip
    for equation in graph.equations:
        yield _op(graph, equation, usual, labelled)
    for i, ref in enumerate(graph.outputs):
        name = graph.output_names[i] if graph.output_names else ""
        name = "" if name.replace(".", "").isdigit() else name
        value, label = graph.values[ref], graph.labels[ref]
        named = bool(value.name or value.cotangent_of or value.tangent_of)
        yield Node(
            f"o{i}", "output", graph.equations[graph.makers[ref]].order if ref in graph.makers else 0,
            name or (label if named else "output"),
            _with_shape("" if named and not name else label, shape_text(value, usual)),
            bool(name), (), f"output {label}: {type_of(value)}",
        )  # fmt: skip


def _op(graph: Graph, equation: Equation, usual: str, labelled: bool) -> Node:
    outs = [graph.values[o] for o in equation.outputs if o is not None]
    numbers = any(isinstance(ref, Scalar) for ref in equation.inputs)
    operands = [_number(r.value) if isinstance(r, Scalar) else "·" for r in equation.inputs]
    inside = [*(operands if numbers else []), *filter(None, [static(graph, equation)])]
    detail = ", ".join(graph.labels[o.id] for o in outs)
    left = ", ".join(f"{graph.labels[o.id]}: {type_of(o)}" for o in outs)
    return Node(
        f"e{equation.index}", "op", equation.order,
        f"{equation.op}({', '.join(inside)})" if inside else equation.op,
        _with_shape(detail, "" if labelled else " ".join(shape_text(o, usual) for o in outs)),
        any(o.name is not None or o.cotangent_of or o.tangent_of for o in outs),
        equation.scope,
        f"{left} = {expression(graph, equation)}{_line(equation)}",
        "" if equation.vjp_of is None else f"e{equation.vjp_of}",
    )  # fmt: skip


def _number(x: bool | int | float) -> str:
    """A Python number, short enough for a picture."""
    return f"{x:.6g}" if isinstance(x, float) and len(repr(x)) > 8 else repr(x)


def _with_shape(detail: str, shape: str) -> str:
    return f"{detail} {shape}".strip()


def _orders_of_constants(graph: Graph) -> dict[int, int]:
    """A constant belongs to the pass that uses it first."""
    orders: dict[int, int] = {}
    for equation, _, ref in graph.edges():
        if graph.values[ref].kind == "constant":
            orders[ref] = min(equation.order, orders.get(ref, equation.order))
    return orders


def _line(made: Any) -> str:
    file, line = made.location  # pictures are passed around: the file's name, not its folder
    return f"\n{os.path.basename(file)}, line {line}" if file else ""
