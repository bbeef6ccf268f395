"""Routes: the ways a gradient can take through a graph, told apart by what they cross."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from ..errors import ArgumentError
from ..tensor import FLOATING
from .ir import Equation, Scalar

if TYPE_CHECKING:
    from .graph import Graph

Route: TypeAlias = frozenset[tuple[int, int]]  # of (equation index, slot)
Tags: TypeAlias = tuple[str, ...]

LIMIT = 64  # more routes than anybody can look at


def routes(
    graph: Graph, wrt: str | None, via: tuple[str, ...], output: str | None
) -> dict[Tags, Route]:
    """See :meth:`Graph.routes`.

    A way is described by the tags it crosses.  One sweep upwards finds, per value, the tags on
    the ways from it to the input; one sweep downwards those from the output to it; an edge is
    on every route that the two can be joined to.
    """
    target = _find(graph, wrt, graph.inputs, "input")
    start = _find(graph, output, graph.outputs, "output")
    tags = _tags(graph, via, {target, start})

    below: dict[int, set[Tags]] = {target: {()}}
    for equation in graph.equations:
        if not equation.recording or not equation.primitive.differentiable:
            continue
        joined = set().union(*[below.get(ref, set()) for _, ref in _slots(graph, equation)])
        for out in equation.outputs:
            if joined and out is not None and graph.values[out].dtype in FLOATING:
                below[out] = {tags.get(out, ()) + t for t in joined}
                _limit(graph, below[out])
    if start not in below:
        raise ArgumentError(
            f"no gradient flows from {graph.labels[start]!r} to {graph.labels[target]!r} in "
            f"{graph.name}."
        )

    above: dict[int, set[Tags]] = {start: {()}}
    found: dict[Tags, set[tuple[int, int]]] = {}
    for equation in reversed(graph.equations):
        arriving = {
            a + tags.get(out, ())
            for out in equation.outputs
            if out in above and out in below
            for a in above[out]
        }
        if not arriving:
            continue
        for slot, ref in _slots(graph, equation):
            if ref in below:
                above.setdefault(ref, set()).update(arriving)
                _limit(graph, above[ref])
                for a in arriving:
                    for b in below[ref]:
                        found.setdefault(a + b, set()).add((equation.index, slot))
    order = sorted(found, key=lambda t: (len(t), [via.index(tag) for tag in t]))
    return {t: frozenset(found[t]) for t in order}


def _slots(graph: Graph, equation: Equation) -> list[tuple[int, int]]:
    """The slots through which a cotangent can pass."""
    return [
        (slot, ref)
        for slot, ref in enumerate(equation.inputs)
        if not isinstance(ref, Scalar) and graph.values[ref].dtype in FLOATING
    ]


def _find(graph: Graph, label: str | None, default: tuple[int, ...], what: str) -> int:
    if label is not None:
        return graph[label].id
    floating = [i for i in default if graph.values[i].dtype in FLOATING]
    if not floating:
        raise ArgumentError(f"{graph.name} has no {what} with a floating dtype.")
    return floating[0]


def _tags(graph: Graph, via: tuple[str, ...], ends: set[int]) -> dict[int, Tags]:
    tags: dict[int, Tags] = {}
    for name in via:
        found = [
            v.id for v in graph.values
            if name in (v.name, graph.labels[v.id]) and v.id not in ends and not v.cotangent_of
        ]  # fmt: skip
        if not found:
            named = [v.name for v in graph.values if v.name is not None]
            raise ArgumentError(
                f"{graph.name} has no value named {name!r}; named are {', '.join(named) or 'none'}. "
                'Name a tensor with t.name = "mean".'
            )
        tags.update(dict.fromkeys(found, (name,)))
    return tags


def _limit(graph: Graph, ways: set[Tags]) -> None:
    if len(ways) > LIMIT:
        raise ArgumentError(
            f"{graph.name} has more than {LIMIT} routes that cross these names. Give labels that "
            "name one value each, or fewer of them."
        )
