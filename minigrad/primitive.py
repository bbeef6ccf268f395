"""Primitive: one declaration per operation; everything else follows from it.

A declaration gives a name, a NumPy implementation, derivative rules, formulas,
samples and a sentence.  Families turn one statement into both modes:

===================  ==========================  ============================
family               declared                    follows
===================  ==========================  ============================
elementwise          a partial per input         JVP and VJP
linear               the transpose               JVP (itself) and VJP
bilinear             the two transposes          JVP and VJP
general              both rules                  (checked against each other)
nondifferentiable    nothing                     zero on purpose
===================  ==========================  ============================

A rule receives the (co)tangent, then the inputs, then the output, then the
params as keywords: ``lambda t, _x, y, _out: t * y``.  **The names say what is
kept**: an argument whose name starts with an underscore arrives by shape and
dtype only, the others by value.  So a node holds what its rules need and no
more.  Rules are written in minigrad's own operations: handed arrays they are
plain NumPy, handed tensors they record, and every derivative is again a graph.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .context import INTERNAL, State, current, user_frame
from .describe import explain, refuse
from .errors import ArgumentError
from .tensor import FLOATING, FUNCTIONS, PROTOCOL, Array, Node, Shape, Tensor

REGISTRY: dict[str, Primitive] = {}
Rule = Callable[..., Any]
_SCALARS = (bool, int, float)
_PLAIN = (np.generic, bool, int, float, complex)


@dataclass(eq=False, repr=False)
class Primitive:
    """An operation with its derivative.  Declared through one of the families below."""

    name: str  # as it appears in graphs
    family: str  # one of the five
    impl: Callable[..., Any]  # the value, on plain NumPy arrays
    rules: Sequence[Rule | None] = ()  # per input the pullback; elementwise: the pushforward too
    joint: Rule | None = None  # or all pullbacks at once: joint(g, needed, *inputs, out)
    jvp: Rule | None = None  # pushforward of a general primitive: jvp(tangents, *inputs, out)
    aligned: str = "dtype"  # whether inputs see `broadcast` and `astype` nodes: "shape", "dtype", ""
    formula: str = ""  # LaTeX
    vjp_formula: str = ""
    samples: Callable[[np.random.Generator], Any] | None = None  # yields (args, kwargs) for `function`
    kink: str = ""  # the value chosen where there is no derivative
    outputs: int = 1  # if more, `impl` returns a tuple, and rules take a cotangent and a value of each
    # Per input a rule and the sum over stretched axes in one, for plain arrays: speed alone.
    summed: Sequence[Rule | None] | None = None  # summed[i](g, shape, *inputs, out)
    # Adds the first input's pullback to an array, for plain arrays; False where it cannot: speed alone.
    into: Callable[..., bool] | None = None  # into(total, g, *inputs, out)
    registered: bool = True  # a user's primitives are not: a name may come twice

    def __post_init__(self) -> None:
        if self.registered and self.name in REGISTRY:
            raise ArgumentError(f"there is already a primitive named {self.name!r}.")
        self.function: Callable[..., Any] = self  # the public function
        self._needs = [_needs(rule, 1) for rule in self.rules]
        self._joint_needs = [_needs(self.joint, 2), _needs(self.jvp, 1)]
        self._keeps: dict[tuple[bool, ...], tuple[bool, ...]] = {}
        self.short = self.differentiable and self.outputs == 1  # may take the short way
        self.alone = self.keeps((True,))
        if self.registered:
            REGISTRY[self.name] = self

    @property
    def differentiable(self) -> bool:
        """False for the nondifferentiable family only."""
        return self.family != "nondifferentiable"

    def __call__(self, *inputs: Any, **params: Any) -> Any:
        return bind(self, inputs, params)

    def __repr__(self) -> str:
        return f"<Primitive {self.name} ({self.family})>"

    def keeps(self, tracked: tuple[bool, ...]) -> tuple[bool, ...]:
        """Per input, then per output: is the value needed, given who is tracked?"""
        found = self._keeps.get(tracked)
        if found is None:
            used = [n for n, t in zip(self._needs, tracked, strict=False) if t] + self._joint_needs
            width = len(tracked)
            found = self._keeps[tracked] = tuple(
                any(need(i, width) for need in used) for i in range(width + self.outputs)
            )
        return found


def _needs(rule: Rule | None, skip: int) -> Callable[[int, int], bool]:
    """Read off a rule's signature which inputs (index `width`: the output) it uses by value."""
    if rule is None:
        return lambda i, width: False
    kinds = inspect.Parameter
    names = inspect.signature(rule).parameters.values()
    plain = [p.name for p in names if p.kind is kinds.POSITIONAL_OR_KEYWORD][skip:]
    star = [p.name for p in names if p.kind is kinds.VAR_POSITIONAL]

    def need(i: int, width: int) -> bool:
        if i < len(plain):
            return not plain[i].startswith("_")
        # any number of further inputs, treated alike; then the output is never kept
        return bool(star) and i < width and not star[0].startswith("_")

    return need


# Evaluate and record -----------------------------------------------------------------


def bind(primitive: Primitive, inputs: Sequence[Any], params: dict[str, Any] | None = None) -> Any:
    """Apply a primitive.  Plain arrays give plain arrays; tracked tensors are recorded."""
    if len(inputs) == 1 and isinstance(inputs[0], Tensor) and inputs[0]._node is not None:
        return bind_one(primitive, inputs[0], params or None)
    values: list[Any] = []
    nodes: list[Node | None] = []
    plain = True
    for x in inputs:
        if isinstance(x, Tensor):
            plain = False
            values.append(x._value)
            nodes.append(x._node)
        else:
            # A subclass (np.matrix) would give `*` and `**` another meaning in the rules.
            values.append(x if x.__class__ is np.ndarray or isinstance(x, _PLAIN) else np.asarray(x))
            nodes.append(None)
    try:
        value = primitive.impl(*values, **params) if params else primitive.impl(*values)
    except (TypeError, ValueError, IndexError) as error:
        raise explain(primitive, inputs, error) from error
    if plain:
        return value
    return finish(primitive, inputs, values, nodes, params or None, value, current(), 2)


def finish(
    primitive: Primitive,
    inputs: Sequence[Any],
    values: Sequence[Any],
    nodes: Sequence[Node | None],
    params: dict[str, Any] | None,
    value: Any,
    state: State,
    depth: int,
) -> Any:
    """Turn a computed value into a tensor, with a node if something is tracked."""
    many = primitive.outputs > 1
    outs = tuple([np.asarray(v) for v in (value if many else (value,))])
    for out in outs:
        if out.dtype.kind not in "fiub":
            raise refuse(primitive, inputs, out)
    node = None
    flows = primitive.differentiable and (many or outs[0].dtype in FLOATING)  # integers are data
    if (state.tracing is not None or (state.recording and flows)) and any(n is not None for n in nodes):
        node = connect(primitive, inputs, values, nodes, params, outs, flows, state, depth + 1)
    if state.observer is not None:
        state.observer.value(primitive, inputs, value, node)
    if not many:
        return Tensor(outs[0], node)
    return tuple([Tensor(o, None if node is None else pick(node, i, o)) for i, o in enumerate(outs)])


def pick(node: Node, index: int, like: Any) -> Node:
    """The node of one of several outputs."""
    flows = node.requires_grad and like.dtype in FLOATING
    return Node(
        PICK, (node,), {"index": index}, (node, None), like.shape, like.dtype, flows,
        node.state, node.code, node.instruction,
    )  # fmt: skip


def connect(
    primitive: Primitive,
    inputs: Sequence[Any],
    values: Sequence[Any],
    nodes: Sequence[Node | None],
    params: dict[str, Any] | None,
    outs: tuple[Array, ...],
    flows: bool,
    state: State,
    depth: int,
) -> Node:
    """Make the node of a value; differing shapes and dtypes become visible nodes."""
    frame = user_frame(depth)
    origin = (state, frame.f_code, frame.f_lasti)
    shape, dtype = outs[0].shape, outs[0].dtype
    parents: list[Any] = []
    for v, node in zip(values, nodes, strict=True):
        if node is None:
            if isinstance(v, _SCALARS) or state.tracing is None:
                parents.append(v if isinstance(v, _SCALARS) else Spec(v))
                continue
            node = state.tracing.constant(v)
        if primitive.aligned:
            if node.dtype is not dtype and node.dtype in FLOATING and dtype in FLOATING:
                node = derived("astype", node, {"dtype": dtype}, node.shape, dtype, origin)
            if primitive.aligned == "shape" and node.shape != shape:
                node = derived("broadcast", node, {"shape": shape}, shape, node.dtype, origin)
        parents.append(node)
    tracked = tuple([isinstance(p, Node) and p.requires_grad for p in parents])
    saved: list[Any] = []
    keeps = primitive.keeps(tracked)
    for i, (v, parent) in enumerate(zip(values, parents, strict=True)):
        if not keeps[i]:
            v = parent
        elif isinstance(v, np.ndarray) and not isinstance(inputs[i], Tensor) and v.flags.writeable:
            v = v.copy()  # the user's own array: it may change before the rule runs
        saved.append(v)
    saved += [out if keep else None for out, keep in zip(outs, keeps[len(saved) :], strict=True)]
    return Node(
        primitive, tuple(parents), params, tuple(saved), shape, dtype,
        state.recording and flows and any(tracked), *origin,
    )  # fmt: skip


class Spec:
    """Shape and dtype: all that a node knows of an array that nobody tracks."""

    __slots__ = ("dtype", "shape")

    def __init__(self, value: Any) -> None:
        self.shape, self.dtype = value.shape, value.dtype


def derived(
    name: str, node: Node, params: dict[str, Any], shape: Shape, dtype: np.dtype[Any], origin: Any
) -> Node:
    """A ``broadcast`` or ``astype`` node that the graph shows and NumPy does natively."""
    return Node(
        REGISTRY[name], (node,), params, (node, None), shape, dtype, node.requires_grad, *origin
    )


def lifted(node: Node) -> tuple[Any, ...]:
    """What a node saved, as tensors: a rule handed these records its derivative."""
    inputs = [
        s if s is p or not isinstance(p, Node) else Tensor(materialise(s, p), p)
        for s, p in zip(node.saved, node.parents, strict=False)
    ]
    outs = node.saved[len(inputs) :]
    nodes = (
        [node] if len(outs) == 1 else [o if o is None else pick(node, i, o) for i, o in enumerate(outs)]
    )
    return (*inputs, *[o if o is None else Tensor(o, n) for o, n in zip(outs, nodes, strict=True)])


def materialise(value: Any, node: Node) -> Array:
    """A saved value with its node's shape and dtype: NumPy broadcast and cast it natively."""
    value = np.asarray(value, dtype=node.dtype)
    return value if value.shape == node.shape else stretch(value, node.shape)


def stretch(value: Array, shape: Shape) -> Array:
    """``np.broadcast_to``, ten times as fast on contiguous arrays (0.4 against 4 µs)."""
    lead = len(shape) - value.ndim
    if lead >= 0 and value.flags.c_contiguous:
        steps = value.strides
        if shape[lead:] != value.shape:
            if any(have != want and have != 1 for have, want in zip(value.shape, shape[lead:])):
                return np.broadcast_to(value, shape)  # its error names both shapes
            pairs = zip(steps, value.shape, shape[lead:])
            steps = tuple([0 if have != want else step for step, have, want in pairs])
        return np.ndarray(shape, value.dtype, value, 0, (0,) * lead + steps)
    return np.broadcast_to(value, shape)


PICK = Primitive("output", "linear", lambda outs, index: outs[index])
del REGISTRY["output"]  # part of the engine: the walks know it

# Families ----------------------------------------------------------------------------


def public(
    name: str, numpy: Any = None, aliases: Sequence[str] = ()
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a public function under its name, and for NumPy's protocols under NumPy's."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        for key in (name, *aliases):
            FUNCTIONS[key] = function
        source = numpy if numpy is not None else getattr(np, name, None)
        if source is not None:
            PROTOCOL[source] = function
        return function

    return register


def elementwise(
    name: str,
    impl: Callable[..., Any],
    *rules: Rule | None,
    doc: str,
    function: str | None = None,
    aliases: Sequence[str] = (),
    **declared: Any,
) -> Callable[..., Any]:
    """Declare a primitive by one partial derivative per input.

    Parameters
    ----------
    name : str
        As it appears in graphs.
    impl : callable
        A NumPy ufunc, or a function that broadcasts like one.
    *rules : callable or None
        ``rule(t, *inputs, out)``: `t` times the partial derivative; serves both modes.
        None for an input that has no derivative (a condition).
    doc : str
        Docstring of the public function.
    function : str, optional
        Name of the public function, if it differs from `name`.
    aliases : sequence of str
        Further names for it.
    **declared
        formula, vjp_formula, samples, kink.

    Returns
    -------
    callable
        The public function; ``.primitive`` is the declaration.
    """
    primitive = Primitive(name, "elementwise", impl, rules, aligned="shape", **declared)
    make = {1: _unary, 2: binary}.get(len(rules), _nary)
    return _publish(primitive, make(primitive), doc, function or name, aliases)


def nondifferentiable(
    name: str,
    impl: Callable[..., Any],
    *,
    doc: str,
    function: str | None = None,
    aliases: Sequence[str] = (),
    **declared: Any,
) -> Callable[..., Any]:
    """Declare a primitive whose derivative is zero on purpose (comparisons, rounding)."""
    aligned = "shape" if isinstance(impl, np.ufunc) else ""
    primitive = Primitive(name, "nondifferentiable", impl, aligned=aligned, **declared)
    return _publish(primitive, _nary(primitive), doc, function or name, aliases)


def linear(
    name: str, impl: Callable[..., Any], *transposes: Rule, joint: Rule | None = None, **declared: Any
) -> Primitive:
    """Declare a primitive that is jointly linear in its inputs, by its transposes."""
    return Primitive(name, "linear", impl, transposes, joint, **declared)


def bilinear(name: str, impl: Callable[..., Any], *transposes: Rule, **declared: Any) -> Primitive:
    """Declare a primitive that is linear in each of its inputs, by its transposes."""
    return Primitive(name, "bilinear", impl, transposes, **declared)


def general(name: str, impl: Callable[..., Any], *, vjp: Rule, jvp: Rule, **declared: Any) -> Primitive:
    """Declare a primitive by both rules, ``vjp(g, needed, ...)`` and ``jvp(tangents, ...)``."""
    return Primitive(name, "general", impl, joint=vjp, jvp=jvp, **declared)


def _publish(
    primitive: Primitive, call: Callable[..., Any], doc: str, name: str, aliases: Sequence[str]
) -> Callable[..., Any]:
    call.__name__ = call.__qualname__ = name
    call.__module__ = sys._getframe(2).f_globals["__name__"]
    call.__doc__ = doc
    call.primitive = primitive  # type: ignore[attr-defined]
    primitive.function = call
    numpy = primitive.impl if isinstance(primitive.impl, np.ufunc) else None
    return public(name, numpy, (primitive.name, *aliases))(call)


# The functions below are what a recorded operation costs.  They say what `bind` and `connect`
# say, unrolled for one and two inputs of one dtype, and hand everything else to them.


def bind_one(primitive: Primitive, x: Tensor, params: dict[str, Any] | None) -> Any:
    """`bind` for one tracked input."""
    node: Any = x._node
    before = x._value
    try:
        value = primitive.impl(before, **params) if params else primitive.impl(before)
    except (TypeError, ValueError, IndexError) as error:
        raise explain(primitive, (x,), error) from error
    if value.__class__ is not np.ndarray and primitive.outputs == 1:
        value = np.asarray(value)
    state = current()
    if not (state.plain and primitive.short) or value.dtype is not node.dtype:
        return finish(primitive, (x,), (before,), (node,), params, value, state, 3)
    frame: Any = sys._getframe(1)
    while INTERNAL[frame.f_code.co_filename]:
        frame = frame.f_back or frame
    keep_x, keep_out = primitive.alone
    made = Node(
        primitive, (node,), params, (before if keep_x else node, value if keep_out else None),
        value.shape, value.dtype, node.requires_grad, state, frame.f_code, frame.f_lasti,
    )  # fmt: skip
    return Tensor(value, made)


def _unary(primitive: Primitive) -> Callable[..., Any]:
    impl = primitive.impl

    def call(x: Any) -> Any:
        if isinstance(x, Tensor) and x._node is not None:
            return bind_one(primitive, x, None)
        if x.__class__ is np.ndarray and x.dtype in FLOATING:  # a rule on plain arrays
            return impl(x)
        return bind(primitive, (x,))

    return call


def binary(primitive: Primitive) -> Callable[..., Any]:
    """`bind` for a primitive of two inputs, without params and with one output."""
    impl, keeps, stretches = primitive.impl, primitive.keeps, primitive.aligned == "shape"
    both, first, second = keeps((True, True)), keeps((True, False)), keeps((False, True))
    ndarray, as_array, get_frame = np.ndarray, np.asarray, sys._getframe

    def call(x: Any, y: Any) -> Any:
        value_x: Any
        value_y: Any
        if isinstance(x, Tensor):
            node_x, value_x = x._node, x._value
            if isinstance(y, Tensor):
                node_y, value_y = y._node, y._value
            elif y.__class__ is float or y.__class__ is int:
                node_y, value_y = None, y
            else:
                return bind(primitive, (x, y))
        elif isinstance(y, Tensor) and (x.__class__ is float or x.__class__ is int):
            node_x, value_x = None, x
            node_y, value_y = y._node, y._value
        else:
            return bind(primitive, (x, y))
        try:
            value = impl(value_x, value_y)
        except (TypeError, ValueError, IndexError) as error:
            raise explain(primitive, (x, y), error) from error
        if value.__class__ is not ndarray:
            value = as_array(value)
        state = current()
        shape, dtype = value.shape, value.dtype
        if (
            not state.plain
            or (node_x is None and node_y is None)
            or (node_x is not None and node_x.dtype is not dtype)
            or (node_y is not None and node_y.dtype is not dtype)
        ):
            nodes, values = (node_x, node_y), (value_x, value_y)
            return finish(primitive, (x, y), values, nodes, None, value, state, 2)
        frame: Any = get_frame(1)
        while INTERNAL[frame.f_code.co_filename]:
            frame = frame.f_back or frame
        code, instruction = frame.f_code, frame.f_lasti
        parent_x: Any = node_x
        if node_x is None:
            keep = second
            parent_x = value_x if x is value_x else Spec(value_x)
        else:
            keep = both if node_y is not None else first
            if stretches and node_x.shape != shape:
                parent_x = derived(
                    "broadcast", node_x, {"shape": shape}, shape, dtype, (state, code, instruction)
                )
        parent_y: Any = node_y
        if node_y is None:
            parent_y = value_y if y is value_y else Spec(value_y)
        elif stretches and node_y.shape != shape:
            parent_y = derived(
                "broadcast", node_y, {"shape": shape}, shape, dtype, (state, code, instruction)
            )
        made = Node(
            primitive, (parent_x, parent_y), None,
            (
                value_x if keep[0] else parent_x,
                value_y if keep[1] else parent_y,
                value if keep[2] else None,
            ),
            shape, dtype,
            (node_x is not None and node_x.requires_grad)
            or (node_y is not None and node_y.requires_grad),
            state, code, instruction,
        )  # fmt: skip
        return Tensor(value, made)

    return call


def _nary(primitive: Primitive) -> Callable[..., Any]:
    def call(*inputs: Any) -> Any:
        return bind(primitive, inputs)

    return call
