"""The checker: is a graph a well-formed program whose shapes and dtypes are true?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import GraphError
from .ir import Equation, Scalar, Value
from .text import expression, type_of

if TYPE_CHECKING:
    from .graph import Graph


def check(graph: Graph) -> None:
    """See :meth:`Graph.check`."""
    defined = _stored(graph)
    for position, equation in enumerate(graph.equations):
        _references(graph, equation, position, defined)
        for out in equation.outputs:
            if out is None:
                continue
            if not _exists(graph, out):
                raise _wrong(
                    graph, equation, f"its output is number {out!r}, which is not in the graph"
                )
            if out in defined or graph.values[out].kind != "result":
                raise _wrong(graph, equation, f"it defines {graph.labels[out]!r} a second time")
            defined.add(out)
        _types(graph, equation)
    for value in graph.values:
        if value.id not in defined:
            raise GraphError(f"{graph.name}: the result {graph.labels[value.id]!r} is never made.")
    for out in graph.outputs:
        if out not in defined:
            raise GraphError(f"{graph.name}: the output is number {out!r}, which is never defined.")


def _stored(graph: Graph) -> set[int]:
    """The values that no equation makes, themselves checked."""
    for position, value in enumerate(graph.values):
        if value.id != position:
            raise GraphError(
                f"{graph.name}: the value at place {position} has the number {value.id}; numbers are "
                "places and occur once."
            )
        for held in (value.array, None if value.tensor is None else value.tensor._value):
            if held is not None and (held.shape, held.dtype) != (value.shape, value.dtype):
                raise GraphError(
                    f"{graph.name}: {graph.labels[value.id]!r} is declared {type_of(value)}, but its "
                    f"array is {type_of(held)}."
                )
    if len(set(graph.labels)) != len(graph.labels):
        raise GraphError(f"{graph.name}: two values have the same label.")
    for i in graph.inputs:
        if not _exists(graph, i) or graph.values[i].kind != "input":
            raise GraphError(f"{graph.name}: the input number {i!r} is no value of kind 'input'.")
    return {v.id for v in graph.values if v.kind != "result"}


def _exists(graph: Graph, ref: Any) -> bool:
    return isinstance(ref, int) and 0 <= ref < len(graph.values)


def _references(graph: Graph, equation: Equation, position: int, defined: set[int]) -> None:
    if equation.index != position:
        raise _wrong(graph, equation, f"it has the index {equation.index}, but stands at {position}")
    for slot, ref in enumerate(equation.inputs):
        if isinstance(ref, Scalar):
            if not isinstance(ref.value, bool | int | float):
                raise _wrong(graph, equation, f"slot {slot} holds {ref.value!r}, no Python number")
        elif not _exists(graph, ref):
            raise _wrong(graph, equation, f"slot {slot} is number {ref!r}, which is not in the graph")
        elif ref not in defined:
            raise _wrong(
                graph, equation, f"slot {slot} uses {graph.labels[ref]!r} before it is defined"
            )
    twin = equation.vjp_of
    if twin is not None and not 0 <= twin < position:
        raise _wrong(
            graph, equation, f"it is called a derivative of equation {twin}, which is not before it"
        )
    if len(equation.outputs) != equation.primitive.outputs:
        raise _wrong(
            graph, equation,
            f"it has {len(equation.outputs)} outputs, {equation.op} makes {equation.primitive.outputs}",
        )  # fmt: skip


def _types(graph: Graph, equation: Equation) -> None:
    """Evaluate the primitive on stand-ins and compare shapes and dtypes."""
    operands = [
        ref.value if isinstance(ref, Scalar) else _stand_in(graph.values[ref])
        for ref in equation.inputs
    ]
    try:
        with np.errstate(all="ignore"):
            results = equation.primitive.impl(*operands, **equation.params)
    except np.linalg.LinAlgError:
        return  # the stand-in is singular: its shapes cannot be evaluated
    except (TypeError, ValueError, IndexError) as error:
        raise _wrong(graph, equation, f"NumPy says: {error}") from None
    # how many elements a boolean index selects depends on its values
    open_ended = any(o.dtype.kind == "b" for o in operands if isinstance(o, np.ndarray)) and any(
        key == "index" for key in equation.params
    )
    for out, result in zip(
        equation.outputs, results if equation.primitive.outputs > 1 else (results,), strict=True
    ):
        if out is None:
            continue
        value, result = graph.values[out], np.asarray(result)
        if value.dtype != result.dtype or (value.shape != result.shape and not open_ended):
            raise _wrong(
                graph, equation,
                f"{graph.labels[out]!r} is declared {type_of(value)}, but {equation.op} gives "
                f"{type_of(result)}",
            )  # fmt: skip


def _stand_in(value: Value) -> Any:
    """A stored array, or zeros that take no memory."""
    if value.array is not None:
        return value.array
    return np.broadcast_to(np.zeros((), value.dtype), value.shape)


def _wrong(graph: Graph, equation: Equation, what: str) -> GraphError:
    file, line = equation.location
    try:
        text = expression(graph, equation)
    except (IndexError, StopIteration, TypeError):  # it refers to nothing
        text = equation.op
    return GraphError(
        f'{graph.name}, equation {equation.index}, {text} (from "{file}", line {line}): {what}. Graphs '
        "made by mg.trace pass this check; one that was edited or rewritten must keep to it."
    )
