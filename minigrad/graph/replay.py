"""Replaying a graph: the same primitives in the same order on other inputs."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from ..context import _STATE, State, current
from ..errors import DtypeError, GraphError, ShapeError
from ..primitive import bind
from ..tensor import Node, Tensor, describe
from .ir import Equation, Scalar, Value

if TYPE_CHECKING:
    from .graph import Graph


def replay(graph: Graph, inputs: list[Any]) -> Any:
    """Run the equations.  Arrays in, arrays out; tensors record (see :meth:`Graph.__call__`)."""
    if graph.looked:
        file, line = graph.looked[0]
        warnings.warn(
            f'{graph.name} took values out of the graph when it was traced (first at "{file}", line '
            f"{line}: float(x), x.numpy(), an if on a tensor, ...). What it did with them is fixed: "
            "for other inputs the replay may differ from the function.",
            UserWarning,
            stacklevel=3,
        )
    values = [_input(graph, i, x) for i, x in zip(graph.inputs, inputs, strict=True)]
    recording = any(isinstance(x, Tensor) for x in values) or any(
        v.kind == "parameter" for v in graph.values
    )
    run = _Recorded(graph) if recording else _Plain(graph)
    known: dict[int, Any] = {}
    for i, x in zip(graph.inputs, values, strict=True):
        known[i] = x
        run.met(graph.values[i], x)

    def read(ref: int | Scalar) -> Any:
        if isinstance(ref, Scalar):
            return ref.value
        if ref not in known:
            known[ref] = run.stored(graph.values[ref])
        return known[ref]

    for equation in graph.equations:
        if not run.every and equation.index not in graph.live:
            continue
        results = run.apply(equation, [read(ref) for ref in equation.inputs])
        for out, result in zip(equation.outputs, results, strict=True):
            if out is not None:
                _same_shape(graph, equation, graph.values[out], result)
                known[out] = result
        if not run.every:
            for ref in graph.last_uses.get(equation.index, ()):
                del known[ref]
    return graph.rebuild([run.leave(read(o)) for o in graph.outputs])


class _Plain:
    """On arrays: nothing is recorded."""

    every = False  # only what the outputs need is computed

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def met(self, value: Value, x: Any) -> None:
        """A value has got its array or tensor."""

    def stored(self, value: Value) -> Any:
        """What a constant or parameter stands for."""
        return _stored(self.graph, value)

    def apply(self, equation: Equation, operands: list[Any]) -> list[Any]:
        """The results of an equation."""
        results = equation.primitive.impl(*operands, **equation.params)
        # An array even where NumPy gives a scalar: some functions treat the two differently.
        return [np.asarray(r) for r in (results if len(equation.outputs) > 1 else (results,))]

    def leave(self, x: Any) -> Any:
        """An output as the caller gets it."""
        return np.asarray(x)


class _Recorded(_Plain):
    """On tensors: records like the function itself.

    Inside another trace everything is passed on that a graph knows beyond its equations:
    forward steps that nothing needs, whose rule a step is, what is whose cotangent.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.state = current()
        self.every = self.state.tracing is not None
        self.made: dict[int, Node] = {}  # per equation
        self.nodes: dict[int, Node] = {}  # per value

    def met(self, value: Value, x: Any) -> None:
        if not self.every or not isinstance(x, Tensor) or x._node is None:
            return
        self.nodes[value.id] = x._node
        tell = self.state.observer
        if tell is None:
            return
        for role, targets in ((tell.cotangent, value.cotangent_of), (tell.tangent, value.tangent_of)):
            for target in targets:
                if target in self.nodes:
                    role(self.nodes[target], x)

    def stored(self, value: Value) -> Any:
        x = _stored(self.graph, value)
        if not self.every or isinstance(x, Tensor):
            return x
        tracing = self.state.tracing
        x = Tensor(x, None if tracing is None else tracing.constant(x))
        self.met(value, x)
        return x

    def apply(self, equation: Equation, operands: list[Any]) -> list[Any]:
        state = self.state
        twin = None if equation.vjp_of is None else self.made.get(equation.vjp_of)
        token = _STATE.set(
            State(
                state.recording and equation.recording, (*state.scope, *equation.scope),
                twin or state.vjp_of, state.tracing, state.observer,
            )
        )  # fmt: skip
        try:
            out = bind(equation.primitive, operands, dict(equation.params))
        finally:
            _STATE.reset(token)
        results = list(out) if len(equation.outputs) > 1 else [out]
        for ref, x in zip(equation.outputs, results, strict=True):
            if ref is None or not isinstance(x, Tensor):
                continue
            value = self.graph.values[ref]
            x.name = value.name
            if x._node is not None:
                self.made[equation.index] = x._node.parents[0] if len(results) > 1 else x._node
                self._contribute(equation, value, x)
            self.met(value, x)
        return results

    def _contribute(self, equation: Equation, value: Value, x: Tensor) -> None:
        """Tell an outer trace of one of several contributions to a cotangent."""
        if not self.every or self.state.observer is None or equation.vjp_of is None:
            return
        slots = self.graph.equations[equation.vjp_of].inputs
        twin = self.made[equation.vjp_of]
        for target in value.part_of:
            if target in self.nodes:
                slot = slots.index(target) if target in slots else 0  # a sum may be passed on
                self.state.observer.contribution(twin, slot, self.nodes[target], x)

    def leave(self, x: Any) -> Any:
        return x if isinstance(x, Tensor) else Tensor(np.asarray(x))


def _input(graph: Graph, ref: int, x: Any) -> Any:
    """An input, checked against what was traced."""
    value = graph.values[ref]
    if isinstance(x, int | float) and not isinstance(x, np.generic) and not value.shape:
        return np.asarray(x, value.dtype)
    if not isinstance(x, Tensor):
        x = np.asarray(x)
    name = graph.labels[ref]
    traced = f"{value.dtype}{list(value.shape)} was traced"
    if x.shape != value.shape:
        raise ShapeError(
            f"replay of {graph.name}: the input {name!r} is {describe(x)}, but {traced}. A graph has "
            "fixed shapes: trace again with mg.trace for another one."
        )
    if x.dtype != value.dtype:
        raise DtypeError(
            f"replay of {graph.name}: the input {name!r} is {describe(x)}, but {traced}. Convert it "
            f"with .astype({str(value.dtype)!r})."
        )
    return x


def _stored(graph: Graph, value: Value) -> Any:
    """The tensor of a parameter, or the array of a constant."""
    if value.tensor is not None:
        return value.tensor
    if value.array is None:
        file, line = value.location
        raise GraphError(
            f"replay of {graph.name}: the constant {graph.labels[value.id]!r} ({value.dtype}"
            f'{list(value.shape)}, used at "{file}", line {line}) was not kept, because no derivative '
            "rule needs it. A graph that replays comes from mg.trace(f, *args)."
        )
    return value.array


def _same_shape(graph: Graph, equation: Equation, value: Value, result: Any) -> None:
    if result.shape != value.shape:
        file, line = equation.location
        raise ShapeError(
            f"replay of {graph.name}: {equation.op} gave {list(result.shape)}, but "
            f'{list(value.shape)} when it was traced (at "{file}", line {line}). A boolean index '
            "selects as many elements as its values say; write mg.where for a fixed shape."
        )


def find_last_uses(graph: Graph) -> dict[int, list[int]]:
    """Per live equation the results that nobody needs after it."""
    seen = set(graph.outputs)
    last: dict[int, list[int]] = {}
    for equation in reversed(graph.equations):
        if equation.index not in graph.live:
            continue
        made = [o for o in equation.outputs if o is not None]
        used = [r for r in equation.inputs if not isinstance(r, Scalar)]
        for ref in (*made, *used):
            if ref not in seen:
                seen.add(ref)
                if graph.values[ref].kind == "result":
                    last.setdefault(equation.index, []).append(ref)
    return last
