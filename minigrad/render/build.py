"""From a graph, or from a record of a backward pass, to the picture of it."""

from __future__ import annotations

import linecache
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np

from ..graph import Equation, Graph, Scalar, Value
from ..graph.text import constant_text, expression, phase, short_dtype, static, type_of
from ..record import Record
from ..tensor import FLOATING
from .model import Contribution, Edge, GradientState, Node, Picture, Scope, Step, TensorView
from .routes import first_input, path_set, routes_along

LABELLED_EDGES = 300  # shapes stand on edges up to here, in nodes beyond: labels cost layout time

# What the slots of operations are called where their order matters.
SLOTS: dict[str, tuple[str, ...]] = {
    "sub": ("", "−"),
    "div": ("", "÷"),
    "pow": ("", "exponent"),
    "matmul": ("", "right"),
    "inner": ("", "right"),
    "softmax_cross_entropy": ("", "class"),
    "where": ("if", "", "else"),
    "greater": ("", "<"),
    "greater_equal": ("", "≤"),
    "less": ("", ">"),
    "less_equal": ("", "≥"),
}


def picture(
    x: Graph | Record,
    paths: Iterable[str] | Mapping[str, Sequence[str]] | None = None,
    wrt: str | None = None,
    title: str | None = None,
) -> Picture:
    """The picture of a graph or a record; `paths`, `wrt` and `title` as in :func:`minigrad.render`.

    Examples
    --------
    >>> import minigrad as mg
    >>> drawn = picture(mg.trace(lambda a: a * a, 3.0))
    >>> [(e.source, e.target, e.slot) for e in drawn.edges]
    [('v0', 'e0', 0), ('v0', 'e0', 1), ('e0', 'o0', 0)]
    """
    record = x if isinstance(x, Record) else None
    graph = record.graph if record else x
    assert isinstance(graph, Graph)
    wrt = wrt or first_input(graph, record)
    labels, along = routes_along(graph, paths, wrt)
    usual = _usual_dtype(graph)
    edges = _edges(graph, usual, along)
    against = [False]
    for reverse in graph.reverse[1:]:
        against.append(against[-1] != reverse)
    phases = tuple(phase(graph, order) for order in range(len(against)))
    labelled = len(edges) <= LABELLED_EDGES
    draw = _Drawing(graph, usual, labelled, _Boxes(graph, phases), record)
    return Picture(
        _title(graph, record) if title is None else title,
        f"every array is {usual}, unless noted" if usual else "",
        tuple(draw.nodes({e.source for e in edges})),
        tuple(edges),
        draw.boxes.scopes(),
        tuple(labels.values()),
        phases,
        tuple(against),
        labelled,
        _steps(record) if record else (),
        path_set(graph, labels, wrt, record) if record and labels and wrt else None,
    )


def _title(graph: Graph, record: Record | None) -> str:
    if record is None:
        return graph.name
    return "forward and backward pass" if record.gradients else "forward pass"


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


@dataclass
class _Boxes:
    """The boxes around nodes: one for every derivative, and one for every scope in it."""

    graph: Graph
    phases: tuple[str, ...]
    ids: dict[tuple[int | str, ...], str] = field(default_factory=dict)

    def around(self, order: int, names: tuple[str, ...]) -> str:
        """The id of the innermost box; made, with those around it, if need be."""
        place: tuple[int | str, ...] = (order, *names) if order else names
        for depth in range(1, len(place) + 1):
            self.ids.setdefault(place[:depth], f"s{len(self.ids)}")
        return self.ids[place] if place else ""

    def scopes(self) -> tuple[Scope, ...]:
        """All that were made."""
        structures = self._structures()
        found = []
        for place, scope in self.ids.items():
            last = place[-1]
            found.append(
                Scope(
                    scope,
                    self.phases[last] if isinstance(last, int) else last,
                    self.ids.get(place[:-1], ""),
                    place[0] if isinstance(place[0], int) else 0,
                    structures[place],
                )
            )
        return tuple(found)

    def _structures(self) -> dict[tuple[int | str, ...], str]:
        """Per box a hash of its operations, their shapes, and how they are wired."""
        graph = self.graph
        first: dict[tuple[int | str, ...], int] = {}
        hashes = {place: blake2b(digest_size=8) for place in self.ids}
        for e in graph.equations:
            place: tuple[int | str, ...] = (e.order, *e.scope) if e.order else e.scope
            text = [e.op, static(graph, e), *[_type(graph, o) for o in e.outputs]]
            for depth in range(1, len(place) + 1):
                start = first.setdefault(place[:depth], e.index)
                wires = []
                for ref in e.inputs:
                    maker = None if isinstance(ref, Scalar) else graph.makers.get(ref)
                    inside = maker is not None and maker >= start
                    wires.append(
                        repr(ref.value) if isinstance(ref, Scalar)
                        else str(e.index - maker) if inside and maker is not None
                        else _type(graph, ref)
                    )  # fmt: skip
                inner = repr((text, place[depth:], wires))
                hashes[place[:depth]].update(inner.encode("utf-8", "surrogatepass"))
        return {place: h.hexdigest() for place, h in hashes.items()}


def _type(graph: Graph, ref: int | None) -> str:
    return "" if ref is None else type_of(graph.values[ref])


@dataclass
class _Drawing:
    """Makes the nodes of a graph."""

    graph: Graph
    usual: str
    labelled: bool
    boxes: _Boxes
    record: Record | None

    def nodes(self, used: set[str]) -> Iterator[Node]:
        """Stored values that are used, operations, outputs."""
        graph = self.graph
        orders = _orders_of_constants(graph)
        for value in graph.values:
            if value.kind != "result" and (value.kind == "input" or f"v{value.id}" in used):
                yield self._stored(value, orders.get(value.id, 0))
        for equation in graph.equations:
            yield self._op(equation)
        for i, ref in enumerate(graph.outputs):
            yield self._output(i, ref)

    def _stored(self, value: Value, order: int) -> Node:
        label = self.graph.labels[value.id]
        text = constant_text(value) if value.kind == "constant" else ""
        given = value.name is not None or value.kind != "constant"
        title, detail = (label, text) if given else (text or label, label if text else "")
        names = value.scope if value.kind == "constant" else ()
        owned = self.record is not None and value.id in self.record.parameters
        return Node(
            f"v{value.id}", "parameter" if owned else value.kind, order, title,  # type: ignore[arg-type]
            _with_shape(detail, "" if self.labelled else shape_text(value, self.usual)),
            value.name is not None, self.boxes.around(order, names),
            f"{label}: {type_of(value)}{_line(value)}",
            _source(self.graph, value.cotangent_of[0]) if value.cotangent_of else "",
            **self._seen(value), source=_source_line(value),
        )  # fmt: skip

    def _output(self, i: int, ref: int) -> Node:
        graph = self.graph
        name = graph.output_names[i] if graph.output_names else ""
        name = "" if name.replace(".", "").isdigit() else name
        value, label = graph.values[ref], graph.labels[ref]
        named = bool(value.name or value.cotangent_of or value.tangent_of)
        return Node(
            f"o{i}", "output", graph.equations[graph.makers[ref]].order if ref in graph.makers else 0,
            name or (label if named else "output"),
            _with_shape("" if named and not name else label, shape_text(value, self.usual)),
            bool(name), "", f"output {label}: {type_of(value)}",
            operands=(_source(graph, ref),), **self._seen(value),
        )  # fmt: skip

    def _op(self, equation: Equation) -> Node:
        graph = self.graph
        outs = [graph.values[o] for o in equation.outputs if o is not None]
        numbers = any(isinstance(ref, Scalar) for ref in equation.inputs)
        texts = [_number(r.value) if isinstance(r, Scalar) else "·" for r in equation.inputs]
        parameters = static(graph, equation)
        inside = [*(texts if numbers else []), *filter(None, [parameters])]
        detail = ", ".join(graph.labels[o.id] for o in outs)
        left = ", ".join(f"{graph.labels[o.id]}: {type_of(o)}" for o in outs)
        shape = "" if self.labelled else " ".join(shape_text(o, self.usual) for o in outs)
        return Node(
            f"e{equation.index}", "op", equation.order,
            f"{equation.op}({', '.join(inside)})" if inside else equation.op,
            _with_shape(detail, shape),
            any(o.name is not None or o.cotangent_of or o.tangent_of for o in outs),
            self.boxes.around(equation.order, equation.scope),
            f"{left} = {expression(graph, equation)}{_line(equation)}",
            "" if equation.vjp_of is None else f"e{equation.vjp_of}",
            op=equation.op, parameters=parameters,
            operands=tuple(
                [repr(r.value) if isinstance(r, Scalar) else _source(graph, r) for r in equation.inputs]
            ),
            formula=equation.primitive.formula, vjp=equation.primitive.vjp_formula,
            source=_source_line(equation), **self._seen(outs[0]),
        )  # fmt: skip

    def _seen(self, value: Value) -> dict[str, Any]:
        """Label, type, value and gradient of a value, as far as they are known."""
        array = value.array if value.tensor is None else value.tensor.data
        gradient, state = self._gradient(value)
        return {
            "label": self.graph.labels[value.id],
            "shape": value.shape,
            "dtype": short_dtype(value.dtype),
            "value": None if array is None else TensorView.of(array),
            "gradient": None if gradient is None else TensorView.of(gradient),
            "gradient_state": state,
        }

    def _gradient(self, value: Value) -> tuple[Any, GradientState]:
        known = self.record.gradients if self.record else self._cotangents
        found = known.get(value.id)
        if found is not None:
            return found, "value" if np.any(found) else "zero"
        if self.record is None and known:  # what the pass in the graph does not compute
            return None, "not required"
        return None, "not run" if value.id in self._flows else "not required"

    @cached_property
    def _cotangents(self) -> dict[int, Any]:
        """Of a graph with its backward pass: the gradients that this computes, if they are known."""
        return {
            ref: v.array for v in self.graph.values if v.array is not None for ref in v.cotangent_of
        }

    @cached_property
    def _flows(self) -> frozenset[int]:
        return _flows(self.graph)


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


def _source_line(made: Any) -> tuple[str, int, str]:
    """The user's line, with its text where it can be read."""
    file, line = made.location
    return (
        (os.path.basename(file), line, linecache.getline(file, line).strip()) if file else ("", 0, "")
    )


def _steps(record: Record) -> tuple[Step, ...]:
    graph, found = record.graph, []
    for step in record.steps:
        first = next(v for v in step.values if v is not None)
        found.append(
            Step(
                step.phase, step.backward_pass,
                f"v{first}" if step.equation is None else f"e{step.equation}",
                tuple([None if a is None else TensorView.of(a) for a in step.arrays]),
                tuple(
                    [
                        Contribution(
                            c.slot, _source(graph, c.value), TensorView.of(c.array),
                            None if c.before is None else TensorView.of(c.before),
                            TensorView.of(c.after),
                        )
                        for c in step.contributions
                    ]
                ),
            )
        )  # fmt: skip
    return tuple(found)


def _flows(graph: Graph) -> frozenset[int]:
    """The values through which a cotangent can pass."""
    found = {v.id for v in graph.values if v.kind in ("input", "parameter") and v.dtype in FLOATING}
    for equation in graph.equations:
        if equation.recording and equation.primitive.differentiable:
            refs = (ref for ref in equation.inputs if not isinstance(ref, Scalar))
            if any(ref in found for ref in refs):
                outs = [o for o in equation.outputs if o is not None]
                found.update(o for o in outs if graph.values[o].dtype in FLOATING)
    return frozenset(found)
