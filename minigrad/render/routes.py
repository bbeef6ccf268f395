"""The ways of a gradient through a picture: where they run, and what arrived along each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..check.ladder import climb, noise
from ..errors import ArgumentError, MinigradError
from ..graph import Graph, Paths
from ..graph import paths as split
from ..graph.routes import Tags
from ..record import Record
from ..tensor import FLOATING, Array, tensor
from .model import Part, PathSet, TensorView

SMALL = 256  # a gradient of up to so many entries is compared with differences


def routes_along(
    graph: Graph, paths: Iterable[str] | Mapping[str, Sequence[str]] | None, wrt: str | None
) -> tuple[dict[Tags, str], dict[tuple[int, int], tuple[int, ...]]]:
    """Labels of the routes, by what they cross, and per edge of the graph which run along it."""
    if paths is None:
        return {}, {}
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
    return wanted, along


def first_input(graph: Graph, record: Record | None) -> str | None:
    """The label of the input that routes lead to unless somebody says otherwise.

    None leaves it to the graph; of a record it is the first that is no parameter of a module.
    """
    owned = record.parameters if record else frozenset[int]()
    found = [i for i in graph.inputs if i not in owned and graph.values[i].dtype in FLOATING]
    return graph.labels[found[0]] if record and found else None


def path_set(graph: Graph, labels: Mapping[Tags, str], wrt: str, record: Record) -> PathSet | None:
    """The gradient that a backward pass of a record sent to an input, split by routes.

    None where the graph cannot be computed again: then there are no numbers to split.
    """
    target = graph[wrt]
    arrays = {i: graph.values[i].array for i in graph.inputs}
    if any(a is None for a in arrays.values()):
        return None
    start = record.gradients.get(graph.outputs[0])
    given = np.ones(graph.values[graph.outputs[0]].shape) if start is None else start
    inputs = [
        tensor(arrays[i], requires_grad=True, name=graph.values[i].name or graph.labels[i])
        for i in graph.inputs
    ]
    place = graph.inputs.index(target.id)
    try:
        found = split(_first(graph(*inputs)), inputs[place], _names(labels), given)
    except MinigradError:
        return None

    def weighted(x: Array) -> float:
        new = [x if i == target.id else a for i, a in arrays.items()]
        return float(np.sum(given * np.asarray(_first(graph(*new)))))

    numeric = None
    if target.array is not None and target.array.size <= SMALL and target.dtype == np.float64:
        numeric = TensorView.of(_differences(weighted, target.array))
    return _describe(f"v{target.id}", labels, found, numeric)


def _describe(
    node: str, labels: Mapping[Tags, str], found: Paths, numeric: TensorView | None
) -> PathSet:
    zero = np.zeros_like(found.total)
    energy = found.energy() if found.norms.get(()) else None
    direct = energy.direct if energy else float("nan")
    parts = [
        Part(
            tags, TensorView.of(found.parts.get(tags, zero)), (found.norms.get(tags, 0.0) / direct) ** 2
        )
        for tags in labels
    ]
    return PathSet(
        node, tuple(parts), TensorView.of(found.total), numeric,
        energy.survives if energy else float("nan"), energy.cancels if energy else False,
    )  # fmt: skip


def _names(labels: Mapping[Tags, str]) -> list[str]:
    return list(dict.fromkeys(tag for tags in labels for tag in tags))


def _first(outputs: Any) -> Any:
    return outputs[0] if isinstance(outputs, tuple) else outputs


def _differences(f: Callable[[Array], float], x: Array) -> Array:
    """The gradient of a scalar function from its values alone, by the ladder of the checker."""

    def along(index: tuple[int, ...]) -> Callable[[Any], Array]:
        def line(t: Any) -> Array:
            moved = np.array(x)
            moved[index] += t
            return np.array([f(moved)])

        return line

    lines = [along(index) for index in np.ndindex(x.shape)]
    centre, unit = np.array([f(x)]), float(np.finfo(x.dtype).eps)
    size = float(np.abs(x).max(initial=0.0)) or 1.0
    jitter = np.max([noise(line, centre, size, unit) for line in lines], axis=0)
    jitter = np.maximum(jitter, np.finfo(float).tiny)
    found = climb(lines, centre, size, jitter, unit)
    return np.reshape([estimate.value[0] for estimate in found], x.shape)
