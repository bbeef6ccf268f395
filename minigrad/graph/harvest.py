"""Harvesting: from the nodes that a computation left behind to a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from types import CodeType, MappingProxyType
from typing import Any

import numpy as np

from ..autodiff import by_serial
from ..context import Observer, Trace, current, line_number, surroundings, user_frame
from ..errors import ArgumentError, GradientError
from ..primitive import PICK, Spec
from ..tensor import FLOATING, Array, Leaf, Node, Tensor, as_tensor, describe
from ..transforms import flatten
from .graph import Graph
from .interface import Interface, output_paths
from .ir import Equation, Kind, Location, Scalar, Value

_NO_PARAMS: MappingProxyType[str, Any] = MappingProxyType({})


def trace(f: Callable[..., Any], *args: Any, values: bool = False, **kwargs: Any) -> Graph:
    """Run a function once and harvest what it did as a graph.

    Parameters
    ----------
    f : callable
        Returns tensors, nested in dicts, lists and tuples if need be.  Transforms may stand
        inside or around it: ``mg.trace(mg.grad(f), x)`` holds the forward and the backward
        pass.
    *args, **kwargs
        Where to run it.  Tensors and arrays, also nested ones, become the inputs of the graph;
        everything else (axes, numbers, strings) becomes a fixed part of it.  If there is no
        tensor and no array, Python floats are the inputs.
    values : bool
        Whether to keep the value of every intermediate result, for viewers.

    Returns
    -------
    Graph

    Raises
    ------
    ArgumentError
        If nothing can be an input, or a result is neither a tensor nor a number.

    Notes
    -----
    Tensors that f reaches by closure and that require a gradient are parameters: a replay reads
    their present value.  Other arrays are constants.  Inside ``no_grad`` steps are recorded,
    too, marked so that no derivative passes.

    Examples
    --------
    >>> import minigrad as mg
    >>> print(mg.trace(mg.grad(lambda x: x**3), 2.0))
    <lambda>(x: f64[])
      constant d_v2: f64[] = 1.
      v2: f64[] = pow(x: f64[], 3)
      backward:
        v3: f64[]  = mul(d_v2: f64[], 3)  # rule of v2
        v4: f64[]  = pow(x: f64[], 2)  # rule of v2
        d_x: f64[] = mul(v3: f64[], v4: f64[])  # rule of v2
      return d_x: f64[]
    """
    interface = Interface.of_function(f, args, kwargs)
    if not interface.arguments:
        raise ArgumentError(
            f"trace: none of the arguments of {interface.name} is a tensor, an array or a float, so "
            "the graph would have no inputs. Pass np.array([...]) for a list, 3.0 for 3."
        )
    tracer = Tracer(values, current().observer)
    try:
        return _harvest(f, interface, tracer)
    finally:
        # Nodes remember their surroundings, and so the tracer: if it went on holding them, only the
        # garbage collector could free either.
        vars(tracer).clear()


def _harvest(f: Callable[..., Any], interface: Interface, tracer: Tracer) -> Graph:
    with surroundings(recording=True, scope=(), vjp_of=None, tracing=tracer, observer=tracer):
        inputs = [_input(x, name) for x, name in zip(interface.arguments, interface.names, strict=True)]
        interface.arguments = []  # the graph must not keep them alive
        result = interface.call(f, inputs)
        leaves, rebuild = flatten(result)
        outputs = [tracer.output(x, interface.name) for x in leaves]
    build = _Builder(tracer, [x._node for x in inputs])  # type: ignore[misc]
    if tracer.values is not None:
        tracer.values.update({x._node: x._value for x in inputs})  # type: ignore[misc]
    build.add(outputs)
    return build.graph(interface, outputs, rebuild, tuple(output_paths(result)))


def graph_of(tensors: Sequence[Tensor], name: str) -> Graph:
    """See :meth:`Graph.of`."""
    for x in tensors:
        if not isinstance(x, Tensor) or x._node is None:
            raise GradientError(
                f"Graph.of: nothing is tracked, this is {describe(x)}. Make the inputs with "
                "mg.tensor(..., requires_grad=True), or use mg.trace(f, *args)."
            )
    return graph_of_nodes([x._node for x in tensors if x._node is not None], name)[0]


def graph_of_nodes(
    outputs: list[Node], name: str, seen: Seen | None = None
) -> tuple[Graph, dict[Node, int]]:
    """The graph behind nodes, with the values that were seen, and which node is which value."""
    build = _Builder(None, [], seen)
    build.add(outputs)
    labels = [v.name or f"v{v.id}" for v in build.stored.values() if v.kind == "input"]
    like = [np.empty(()) for _ in labels]
    rebuild = tuple if len(outputs) > 1 else next
    graph = build.graph(
        Interface.of_names(name, labels, like), outputs, lambda new: rebuild(iter(new)), ()
    )
    known = {n: build.ids[build.resolve(n)] for n in build.nodes if build.resolve(n) in build.ids}
    return graph, known


def _input(x: Any, name: str) -> Tensor:
    x = as_tensor(x)
    fresh = Tensor(x._value, Leaf(x._value, x.dtype in FLOATING))
    fresh.name = x.name or name
    return fresh


@dataclass
class Seen:
    """What somebody who watched a computation knows of its nodes."""

    values: dict[Node, Any] = field(default_factory=dict)
    operands: dict[Node, Sequence[Any]] = field(default_factory=dict)  # what it was applied to
    names: dict[int, str] = field(default_factory=dict)  # of untracked operands, by the array's id


class Tracer(Trace, Observer):
    """Listens while a function runs: a :class:`context.Trace` and :class:`context.Observer`."""

    def __init__(self, keep_values: bool, outer: Observer | None) -> None:
        self.outer = outer
        self.values: dict[Node, Any] | None = {} if keep_values else None
        self.tensors: dict[Node, Tensor] = {}  # leaves, and what was tracked before
        self.cotangents: dict[Node, list[Node]] = {}  # whose complete cotangent a node is
        self.tangents: dict[Node, list[Node]] = {}  # whose tangent a node is
        self.contributions: dict[Node, list[Node]] = {}  # per node what arrived there
        self.places: dict[Location, None] = {}
        self._constants: dict[int, tuple[Any, Leaf]] = {}

    # Trace
    def constant(self, value: Any) -> Node:
        """One node per array, as long as the array does not change."""
        found = self._constants.get(id(value))
        if found is not None and found[1].value.tobytes() == np.asarray(value).tobytes():  # type: ignore[union-attr]
            return found[1]
        array = np.array(value)
        array.flags.writeable = False
        leaf = Leaf(array, False, keep=True)
        self._constants[id(value)] = (value, leaf)  # holding the array keeps its id its own
        return leaf

    def looked(self, node: Node) -> None:
        if node.state.tracing is self:
            frame = user_frame(2)
            self.places[frame.f_code.co_filename, frame.f_lineno] = None

    # Observer
    def value(self, primitive: Any, inputs: Any, value: Any, node: Node | None) -> None:
        for x in inputs:
            if not isinstance(x, Tensor):
                continue
            if x._node is None:
                found = self._constants.get(id(x._value))
                if found is not None and x.name is not None:
                    found[1].name = x.name
            elif x._node.primitive is None or x._node.state.tracing is not self:
                self.tensors.setdefault(x._node, x)
        if self.values is not None and node is not None:
            self.values[node] = value
        if self.outer is not None:
            self.outer.value(primitive, inputs, value, node)

    def cotangent(self, node: Node, cotangent: Any) -> None:
        if isinstance(cotangent, Tensor) and cotangent._node is not None:
            self.cotangents.setdefault(cotangent._node, []).append(node)
        if self.outer is not None:
            self.outer.cotangent(node, cotangent)

    def contribution(self, node: Node, slot: int, parent: Node, cotangent: Any) -> None:
        if isinstance(cotangent, Tensor) and cotangent._node is not None:
            self.contributions.setdefault(parent, []).append(cotangent._node)
        if self.outer is not None:
            self.outer.contribution(node, slot, parent, cotangent)

    def tangent(self, node: Node, tangent: Any) -> None:
        if isinstance(tangent, Tensor) and tangent._node is not None:
            self.tangents.setdefault(tangent._node, []).append(node)
        if self.outer is not None:
            self.outer.tangent(node, tangent)

    def output(self, x: Any, name: str) -> Node:
        """The node of a result; an untracked one is a constant."""
        if isinstance(x, Tensor) and x._node is not None:
            if x._node.state.tracing is not self:
                self.tensors.setdefault(x._node, x)
            return x._node
        value = x._value if isinstance(x, Tensor) else x
        if not isinstance(value, np.ndarray | np.generic | bool | int | float):
            raise ArgumentError(
                f"trace: {name} returned {type(x).__name__} {x!r}. A graph returns tensors and "
                "numbers, in nested dicts, lists and tuples."
            )
        return self.constant(np.asarray(value))


class _Builder:
    """Turns nodes into values and equations.  All walks are loops."""

    def __init__(self, tracer: Tracer | None, inputs: list[Node], seen: Seen | None = None) -> None:
        self.tracer = tracer
        self.values = seen.values if seen else None if tracer is None else tracer.values
        self.operands = seen.operands if seen else {}
        self.names = seen.names if seen else {}
        self.inputs = inputs
        self.nodes: list[Node] = []
        self.alias: dict[Node, Node] = {}
        self.picks: dict[tuple[Node, int], Node] = {}
        self.stored: dict[Any, Value] = {}  # inputs, parameters, constants
        self.ids: dict[Any, int] = {}
        self._lines: dict[tuple[CodeType, int], int] = {}

    def add(self, outputs: Iterable[Node]) -> None:
        """Collect what the outputs were made from, and what derivatives belong to."""
        stack = list(outputs)
        seen = {*stack, *self.inputs}
        while stack:
            node = stack.pop()
            if self._outside(node):
                continue
            for other in (*node.parents, node.vjp_of):
                if isinstance(other, Node) and other not in seen:
                    seen.add(other)
                    stack.append(other)
        self.nodes = sorted(seen, key=by_serial)
        for node in self.nodes:
            self._simplify(node)
        for node in self.inputs:
            self._store(node, node, "input")
        for node in self.nodes:
            if node.primitive is None or self._outside(node):
                if node not in self.inputs and not self._belongs_only(node):
                    self._store(node, node, self._kind(node))
            elif node not in self.alias:
                for slot, parent in enumerate(node.parents):
                    if isinstance(parent, Spec):
                        self._store(self._key(node, slot), node, "constant", slot)

    def _outside(self, node: Node) -> bool:
        """Made before the trace began."""
        return self.tracer is not None and node.state.tracing is not self.tracer

    def _belongs_only(self, node: Node) -> bool:
        """Outside the graph, and only named as the forward step of a derivative."""
        return self.tracer is not None and self._outside(node) and node not in self.tracer.tensors

    def _simplify(self, node: Node) -> None:
        """Unnamed identities that transforms put in, and repeated picks, stand for another node."""
        if self._outside(node) or node.primitive is None:
            return
        if node.primitive is PICK:
            key = (node.parents[0], node.params["index"])  # type: ignore[index]
            first = self.picks.setdefault(key, node)
            if first is not node:
                self.alias[node] = first
        elif node.op == "identity" and node.name is None:
            parent = node.parents[0]
            if isinstance(parent, Node) and (node.requires_grad or not parent.requires_grad):
                self.alias[node] = self.resolve(parent)

    def resolve(self, node: Node) -> Node:
        """The node that stands for another one."""
        return self.alias.get(node, node)  # what it stands for is resolved already

    def _kind(self, node: Node) -> Kind:
        if self.tracer is None:
            return "input"
        return "parameter" if self._outside(node) and node.requires_grad else "constant"

    def _key(self, node: Node, slot: int) -> Any:
        """Arrays that nobody tracked are the same constant if they are the same array."""
        array = self._array(node, slot)
        return (node, slot) if array is None else id(array)

    def _store(self, key: Any, node: Node, kind: Kind, slot: int | None = None) -> None:
        if key in self.stored:
            return
        array: Array | None = None
        tensor = None if self.tracer is None else self.tracer.tensors.get(node)
        like: Any = node
        if slot is not None:  # an array that a rule kept, or all that is left of it
            like, array = node.parents[slot], self._array(node, slot)
        elif isinstance(node, Leaf) and node.value is not None:
            array = node.value
        elif tensor is not None and kind == "constant":
            array = tensor._value
        elif self.values is not None and kind == "input":
            array = self.values.get(node)
        name = node.name if slot is None else self.names.get(id(array))
        self.ids[key] = len(self.stored)
        self.stored[key] = Value(
            len(self.stored), kind, name, like.shape, like.dtype,
            node.scope, self._location(node), array, tensor if kind == "parameter" else None,
        )  # fmt: skip

    def _location(self, node: Node) -> Location:
        key = node.code, node.instruction
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = line_number(*key)
        return node.code.co_filename, line

    def graph(
        self, interface: Interface, outputs: list[Node], rebuild: Any, names: tuple[str, ...]
    ) -> Graph:
        """Number the results in the order of their equations, and put everything together."""
        steps = [
            n for n in self.nodes
            if n.primitive is not None and n.primitive is not PICK
            and n not in self.alias and not self._outside(n)
        ]  # fmt: skip
        made: list[Node] = []
        for node in steps:
            for out in self._outputs_of(node):
                if out is not None:
                    self.ids[out] = len(self.stored) + len(made)
                    made.append(out)
        roles = self._roles()
        kept = {} if self.values is None else self._kept(steps, self.values)
        values = [
            *self.stored.values(),
            *[
                Value(
                    self.ids[n], "result", n.name, n.shape, n.dtype, n.scope, self._location(n),
                    kept.get(n),
                )
                for n in made
            ],
        ]  # fmt: skip
        for i, role in roles.items():
            changes: dict[str, Any] = {k: tuple(targets) for k, targets in role.items()}
            values[i] = replace(values[i], **changes)
        return Graph(
            interface.name, tuple(values), self._equations(steps),
            tuple([v.id for v in values if v.kind == "input"]),
            tuple([self.ids[self.resolve(o)] for o in outputs]),
            interface, rebuild, names,
            () if self.tracer is None else tuple(self.tracer.places),
        )  # fmt: skip

    def _outputs_of(self, node: Node) -> list[Node | None]:
        count = node.primitive.outputs  # type: ignore[union-attr]
        return [node] if count == 1 else [self.picks.get((node, i)) for i in range(count)]

    def _equations(self, steps: list[Node]) -> tuple[Equation, ...]:
        orders: dict[Node, int] = {}
        for node in self.nodes:
            twin = node.vjp_of
            orders[node] = 0 if twin is None else orders.get(twin, 0) + 1
        index = {node: i for i, node in enumerate(steps)}
        found = []
        for i, node in enumerate(steps):
            outputs = self._outputs_of(node)
            twin = node.vjp_of
            found.append(
                Equation(
                    i, node.primitive,  # type: ignore[arg-type]
                    tuple([self._operand(node, slot, p) for slot, p in enumerate(node.parents)]),
                    tuple([None if o is None else self.ids[o] for o in outputs]),
                    MappingProxyType(node.params) if node.params else _NO_PARAMS,
                    node.scope, self._location(node),
                    None if twin is None else index.get(self.resolve(twin)),
                    orders[node], node.state.recording,
                )
            )  # fmt: skip
        return tuple(found)

    def _operand(self, node: Node, slot: int, parent: Any) -> int | Scalar:
        if isinstance(parent, Spec):
            return self.ids[self._key(node, slot)]
        return self.ids[self.resolve(parent)] if isinstance(parent, Node) else Scalar(parent)

    def _roles(self) -> dict[int, dict[str, dict[int, None]]]:
        """Per value what it is a cotangent or tangent of, or a part of."""
        found: dict[int, dict[str, dict[int, None]]] = {}
        if self.tracer is None:
            return found
        pairs = [
            ("cotangent_of", n, t) for n, targets in self.tracer.cotangents.items() for t in targets
        ]
        pairs += [("tangent_of", n, t) for n, targets in self.tracer.tangents.items() for t in targets]
        pairs += [
            ("part_of", n, t)
            for t, parts in self.tracer.contributions.items() if len(parts) > 1 for n in parts
        ]  # fmt: skip
        for role, node, target in pairs:
            one, other = self.ids.get(self.resolve(node)), self.ids.get(self.resolve(target))
            if one is not None and other is not None and one != other:
                found.setdefault(one, {}).setdefault(role, {})[other] = None
        return found

    def _array(self, node: Node, slot: int) -> Array | None:
        """An untracked input, if somebody saw it, or a rule needs it and nobody gave it back."""
        operands = self.operands.get(node) or node.saved
        found = operands[slot] if operands else None
        found = found._value if isinstance(found, Tensor) else found
        return found if isinstance(found, np.ndarray) else None

    def _kept(self, steps: list[Node], values: dict[Node, Any]) -> dict[Node, Array]:
        """The value of every result; of broadcasts that NumPy did natively, made here."""
        kept: dict[Node, Array] = {}
        arrays = {
            key: v.array if v.tensor is None else v.tensor._value for key, v in self.stored.items()
        }
        for node in steps:
            if node in values:
                result = values[node]
            else:
                parent = self.resolve(node.parents[0])
                given = kept.get(parent, arrays.get(parent))
                if given is None:  # made before anybody watched
                    continue
                result = node.primitive.impl(given, **(node.params or {}))  # type: ignore[union-attr]
            outputs = self._outputs_of(node)
            for out, array in zip(outputs, result if len(outputs) > 1 else (result,), strict=True):
                if out is not None:
                    view = np.asarray(array).view()
                    view.flags.writeable = False
                    kept[out] = view
        return kept
