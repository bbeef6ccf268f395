"""Recording: every value, cotangent and sum of one forward and backward pass, step by step.

The recorder is a :class:`minigrad.context.Observer`: inside the block it is told of every
operation and of every step of a backward pass; outside there is none, so it costs nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from . import context
from .context import Observer
from .errors import ArgumentError, GradientError
from .graph import Graph
from .graph.harvest import Seen, graph_of_nodes
from .graph.text import expression
from .primitive import PICK
from .tensor import Array, Node, Tensor, describe

if TYPE_CHECKING:
    from .primitive import Primitive


@dataclass(frozen=True, slots=True, eq=False)
class Contribution:
    """What one step of a backward pass sends to one input of an operation.

    Attributes
    ----------
    slot : int
        Which input; ``a * a`` sends to two.
    value : int
        The number of the value it belongs to, in ``record.graph.values``.
    array : ndarray
        What is sent.
    before : ndarray or None
        What had arrived there already; None if nothing had.
    after : ndarray
        The sum: ``before + array``.
    """

    slot: int
    value: int
    array: Array
    before: Array | None
    after: Array


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One operation evaluated, or one operation's rule applied.

    Attributes
    ----------
    number : int
        Its place in ``record.steps``.
    phase : {"forward", "backward"}
    backward_pass : int
        Which backward pass it belongs to, from 1; 0 for a forward step.
    equation : int or None
        Its place in ``record.graph.equations``; None where a cotangent arrives at a leaf.
    values : tuple of (int or None)
        Numbers of the values that it makes, or whose cotangents it takes.
    arrays : tuple of (ndarray or None)
        Forward the results; backward their complete cotangents.
    contributions : tuple of Contribution
        Backward: what is sent to the inputs.  An operation whose inputs were stretched sends to
        the ``broadcast`` in between, whose own step takes the sum.
    """

    number: int
    phase: Literal["forward", "backward"]
    backward_pass: int
    equation: int | None
    values: tuple[int | None, ...]
    arrays: tuple[Array | None, ...]
    contributions: tuple[Contribution, ...] = ()


@contextlib.contextmanager
def record() -> Iterator[Record]:
    """Context manager: remember every step of the passes inside.

    Yields
    ------
    Record

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor(3.0, requires_grad=True, name="x")
    >>> with mg.record() as rec:
    ...     (x * x + x).backward()
    >>> print(rec.text())
    forward
      1  v1 = mul(x, x) = 9
      2  v2 = add(v1, x) = 12
    backward
      3  add: d_v2 = 1
           to v1: 1
           to x: 1
      4  mul: d_v1 = 1
           to x: 3; 1 before + 3 = 4
           to x: 3; 4 before + 3 = 7
      5  x: d_x = 7
    """
    watch = _Watch(context.current().observer)
    found = Record(watch)
    try:
        with context.surroundings(observer=watch):
            yield found
    finally:
        # The nodes remember their surroundings, and so the watch: if it went on holding them, only
        # the garbage collector could free either.
        found._watch = copy(watch)
        found._watch.done = True
        vars(watch).clear()


class Record:
    """What was recorded; ``mg.render(record, "page.html")`` lets one step through it.

    Attributes
    ----------
    graph : Graph
        Of what the backward passes started from (without one, of all that was computed), with the
        values.
    steps : tuple of Step
        In the order in which they ran.
    gradients : dict of int to ndarray
        Per number of a value its complete cotangent, of the last backward pass that reached it.
    parameters : frozenset of int
        Numbers of the inputs that are parameters of a module.
    """

    def __init__(self, watch: _Watch) -> None:
        self._watch = watch

    def __repr__(self) -> str:
        return f"<Record: {len(self.graph.equations)} operations, {len(self.steps)} steps>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """For notebooks: the page that one steps through, picture and text.  Never raises."""
        from .render.notebook import representations  # pictures know records, not the other way round

        return representations(self)

    def started_from(self, output: Tensor) -> bool:
        """Whether a backward pass was recorded that started from a tensor; also while recording."""
        return output._node in self._watch.starts

    def of(self, output: Tensor) -> Record:
        """The part that belongs to the last backward pass from one tensor.

        Parameters
        ----------
        output : Tensor
            What the pass started from.

        Returns
        -------
        Record

        Raises
        ------
        ArgumentError
            If no backward pass was recorded that started there.

        Examples
        --------
        >>> import minigrad as mg
        >>> x = mg.tensor(3.0, requires_grad=True, name="x")
        >>> with mg.record() as rec:
        ...     mg.sin(x).backward()
        ...     y = x * x
        ...     y.backward()
        >>> rec, rec.of(y)
        (<Record: 2 operations, 6 steps>, <Record: 1 operations, 3 steps>)
        """
        if not self.started_from(output):
            raise ArgumentError(
                f"record.of: no backward pass was recorded that started from {describe(output)}."
            )
        node, began = output._node, dict[int, Node]()
        assert node is not None
        for event in self._watch.events:
            if event.backward_pass:
                began.setdefault(event.backward_pass, event.node)
        last = max((number for number, start in began.items() if start is node), default=None)
        part = copy(self._watch)
        part.starts, part.events, part.cotangents = {node: None}, [], {}
        for event in self._watch.events:
            if event.backward_pass and last is not None:
                if event.backward_pass != last:
                    continue
                if len(event.arrays) == 1:
                    part.cotangents[event.node] = event.arrays[0]
                event = event.numbered(1)
            part.events.append(event)
        if last is None:  # it is one of several outputs, whose pass nothing tells apart
            part.cotangents = self._watch.cotangents
        return Record(part)

    @cached_property
    def _harvest(self) -> tuple[Graph, dict[Node, int]]:
        watch = self._watch
        if not watch.done:
            raise ArgumentError("mg.record(): look at the record after its `with` block has ended.")
        ends = list(watch.starts) or watch.unused()
        outputs = [out for node in ends for out in self._outputs(node)]
        if not outputs:
            raise GradientError(
                "mg.record(): nothing was recorded. Compute inside the `with` block, with inputs made "
                "by mg.tensor(..., requires_grad=True)."
            )
        return graph_of_nodes(outputs, "record", watch.seen)

    def _outputs(self, node: Node) -> list[Node]:
        """The nodes of an operation's outputs, as far as somebody met them."""
        several = node.primitive is not None and node.primitive.outputs > 1
        return list(self._watch.picked.get(node, ())) if several else [node]

    @property
    def graph(self) -> Graph:
        """The graph behind the passes, with the values."""
        return self._harvest[0]

    @cached_property
    def gradients(self) -> dict[int, Array]:
        """Per number of a value its complete cotangent, of the last pass that reached it."""
        known = self._harvest[1]
        return {known[n]: g for n, g in self._watch.cotangents.items() if n in known}

    @cached_property
    def parameters(self) -> frozenset[int]:
        """Numbers of the values that belong to a module: its parameters."""
        known = self._harvest[1]
        return frozenset([known[n] for n in self._watch.parameters if n in known])

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """All steps, in the order in which they ran."""
        graph, known = self._harvest
        found: list[Step] = []
        shown: set[int] = set()
        for event in self._watch.events:
            made = [known[n] for n in self._outputs(event.node) if n in known]
            if not made:
                continue
            index = graph.makers.get(made[0])
            values = (made[0],) if index is None else graph.equations[index].outputs
            if event.backward_pass == 0:
                for i in () if index is None else _with_native(graph, index, shown):
                    outs = graph.equations[i].outputs
                    arrays = tuple([None if o is None else graph.values[o].array for o in outs])
                    found.append(Step(len(found), "forward", 0, i, outs, arrays))
                continue
            parts = tuple(
                [
                    Contribution(slot, known[to], array, before, after)
                    for slot, to, array, before, after in event.contributions
                    if to in known
                ]
            )
            found.append(
                Step(
                    len(found), "backward", event.backward_pass, index, values,
                    tuple(event.arrays), parts,
                )
            )  # fmt: skip
        return tuple(found)

    def text(self) -> str:
        """The steps as text."""
        graph, lines, phase = self.graph, [], ""
        for step in self.steps:
            title = step.phase + (f" {step.backward_pass}" if step.backward_pass > 1 else "")
            if title != phase:
                phase = title
                lines.append(phase)
            labels = [graph.labels[v] for v in step.values if v is not None]
            arrays = ", ".join(_short(a) for a in step.arrays if a is not None)
            if step.equation is None:
                what = f"{labels[0]}: d_{labels[0]} = {arrays}"
            elif step.phase == "backward":
                names = ", ".join(f"d_{label}" for label in labels)
                what = f"{graph.equations[step.equation].op}: {names} = {arrays}"
            else:
                equation = graph.equations[step.equation]
                what = f"{', '.join(labels)} = {expression(graph, equation, types=False)} = {arrays}"
            lines.append(f"  {step.number + 1}  {what}")
            for part in step.contributions:
                line = f"to {graph.labels[part.value]}: {_short(part.array)}"
                if part.before is not None:
                    line += (
                        f"; {_short(part.before)} before + {_short(part.array)} = {_short(part.after)}"
                    )
                lines.append(f"       {line}")
        return "\n".join(lines)


def _with_native(graph: Graph, index: int, shown: set[int]) -> list[int]:
    """An equation that is shown for the first time, after those that NumPy did natively before it."""
    stack, found = [index], []
    while stack:
        i = stack.pop()
        if i in shown:
            continue
        shown.add(i)
        found.append(i)
        makers = [graph.makers[ref] for ref in graph.equations[i].inputs if ref in graph.makers]
        stack += [m for m in makers if graph.equations[m].op in ("broadcast", "astype")]
    return sorted(found)


def _short(array: Array) -> str:
    if array.ndim == 0:
        return f"{array.item():.6g}"
    text = np.array2string(array, precision=4, threshold=8, separator=", ").replace("\n", "")
    return text if len(text) < 70 else f"{array.dtype}{list(array.shape)}"


class _Event:
    """One thing that the recorder was told."""

    __slots__ = ("arrays", "backward_pass", "contributions", "node")

    def __init__(self, node: Node, backward_pass: int, arrays: Any) -> None:
        self.node = node
        self.backward_pass = backward_pass
        self.arrays = arrays
        self.contributions: list[tuple[int, Node, Array, Array | None, Array]] = []

    def numbered(self, backward_pass: int) -> _Event:
        """The same in another pass."""
        new = _Event(self.node, backward_pass, self.arrays)
        new.contributions = self.contributions
        return new


class _Watch(Observer):
    """Listens, and keeps everything alive until the record is dropped."""

    def __init__(self, before: Observer | None) -> None:
        self.before = before
        self.done = False
        self.seen = Seen()
        self.nodes: dict[Node, None] = {}
        self.starts: dict[Node, None] = {}  # where backward passes began
        self.events: list[_Event] = []
        self.cotangents: dict[Node, Array] = {}
        self.picked: dict[Node, dict[Node, None]] = {}  # per operation with several outputs, those used
        self.parameters: set[Node] = set()
        self._sums: dict[Node, Array] = {}  # what has arrived so far in this pass
        self._copies: dict[int, tuple[Any, Array]] = {}
        self._passes = 0
        self._last: _Event | None = None

    def value(self, primitive: Primitive, inputs: Any, value: Any, node: Node | None) -> None:
        if self.before is not None:
            self.before.value(primitive, inputs, value, node)
        if node is None:
            return
        self.seen.operands[node] = [self._operand(x) for x in inputs]
        self.seen.values[node] = value
        self.nodes[node] = None
        self.events.append(_Event(node, 0, None))

    def unused(self) -> list[Node]:
        """The operations whose results no other operation took, also none that NumPy did natively."""
        used, stack = set[Node](), list(self.nodes)
        while stack:
            for parent in stack.pop().parents:
                if isinstance(parent, Node) and parent not in used:
                    used.add(parent)
                    if parent not in self.nodes:
                        stack.append(parent)
        return [n for n in self.nodes if n not in used]

    def _operand(self, x: Any) -> Any:
        if isinstance(x, Tensor):
            if x._node is not None:
                self.seen.values.setdefault(x._node, x._value)
                self._met(x._node)
                if type(x) is not Tensor and x._node.primitive is None:
                    self.parameters.add(x._node)
            elif x.name is not None:
                self.seen.names[id(x._value)] = x.name  # `operands` hold the array: its id stays
            return x._value
        if not isinstance(x, np.ndarray) or not x.flags.writeable:
            return x
        found = self._copies.get(id(x))  # one constant for one array, as long as it stays the same
        if found is None or not np.array_equal(found[1], x, equal_nan=x.dtype.kind == "f"):
            found = self._copies[id(x)] = (x, x.copy())
        return found[1]

    def _met(self, node: Node) -> None:
        if node.primitive is PICK:
            self.picked.setdefault(node.parents[0], {})[node] = None

    def cotangent(self, node: Node, cotangent: Any) -> None:
        if self.before is not None:
            self.before.cotangent(node, cotangent)
        several = isinstance(cotangent, list)
        arrays = [None if c is None else _array(c) for c in (cotangent if several else [cotangent])]
        self._met(node)
        if not several:
            self._begin(node)
            self.cotangents[node] = arrays[0]  # type: ignore[assignment]
            self._sums.pop(node, None)
        if node.primitive is not PICK:
            self._last = _Event(node, self._passes, arrays)
            self.events.append(self._last)

    def _begin(self, node: Node) -> None:
        """A cotangent that nobody sent starts a pass."""
        if node not in self._sums:
            self._passes += 1
            self._sums.clear()
            self.starts[node] = None

    def contribution(self, node: Node, slot: int, parent: Node, cotangent: Any) -> None:
        if self.before is not None:
            self.before.contribution(node, slot, parent, cotangent)
        array = _array(cotangent)
        before = self._sums.get(parent)
        after = array if before is None else before + array
        self._sums[parent] = after
        if self._last is not None:
            self._last.contributions.append((slot, parent, array, before, after))

    def tangent(self, node: Node, tangent: Any) -> None:
        if self.before is not None:
            self.before.tangent(node, tangent)


def _array(x: Any) -> Array:
    return np.asarray(x._value if isinstance(x, Tensor) else x)
