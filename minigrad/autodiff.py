"""The two walks over one graph: pullback and pushforward.

Both collect what is reachable with an explicit stack and then go by serial
number: downwards for cotangents, upwards for tangents.  Both call the
primitives' rules.  Handed arrays (the default) the rules are plain NumPy;
handed tensors (``lift=True``) they record, and the derivative is again a graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from sys import getrefcount
from typing import Any

import numpy as np

from .context import _STATE, State, current
from .errors import DtypeError, GradientError, ShapeError
from .primitive import PICK, REGISTRY, bind, lifted, stretch
from .tensor import FLOATING, ArrayLike, Leaf, Node, Tensor, at, describe

by_serial = attrgetter("serial")


def collect(roots: Iterable[Node], fresh: Sequence[Node] = ()) -> tuple[list[Node], bool]:
    """All tracked nodes that the roots were made from, oldest first.

    Parameters
    ----------
    roots : iterable of Node
        Where to begin.
    fresh : sequence of Node
        If given, do not go past these, nor to anything older.

    Returns
    -------
    nodes : list of Node
        In order of creation: parents before children.
    foreign : bool
        Whether something tracked that is not fresh was met: then the derivative
        depends on it too and must itself be recorded.
    """
    oldest = min((n.serial for n in fresh), default=0)
    stop = set(fresh)
    stack = [n for n in roots if n.requires_grad]
    seen = set(stack)
    foreign = any(n.primitive is not None and n.parents[0].requires_grad for n in fresh)
    while stack:
        node = stack.pop()
        if node in stop:
            continue
        if node.primitive is None or node.serial < oldest:
            foreign = True
            continue
        for parent in node.parents:
            if isinstance(parent, Node) and parent not in seen and parent.requires_grad:
                seen.add(parent)
                stack.append(parent)
    nodes = [n for n in seen if n.serial >= oldest] if oldest else list(seen)
    nodes.sort(key=by_serial)
    return nodes, foreign


def pullback(
    nodes: Sequence[Node],
    cotangents: dict[Node, Any],
    targets: set[Node] | None = None,
    lift: bool = False,
    free: bool = False,
) -> dict[Node, Any]:
    """Carry cotangents from outputs to inputs (reverse mode).

    Parameters
    ----------
    nodes : sequence of Node
        From :func:`collect`.
    cotangents : dict
        Per output node its cotangent; used up.
    targets : set of Node, optional
        Nodes whose cotangents are wanted, by default all leaves; the walk ends there.
    lift : bool
        Whether to record the rules.
    free : bool
        Whether to give back what each node saved as soon as it is used.

    Returns
    -------
    dict
        Per target that was reached, its cotangent.
    """
    if targets is None:
        targets = {n for n in nodes if n.primitive is None}
        needed: set[Node] | frozenset[Node] = set(nodes)
    else:
        needed = set()
        for node in nodes:
            if node in targets or any(p in needed for p in node.parents):
                needed.add(node)
    pending = cotangents
    found: dict[Node, Any] = {}
    owned: set[Node] = set()  # sums made here, which nobody else can see
    state = current()
    observer = state.observer
    broadcast = REGISTRY["broadcast"]
    c: Any
    entry = _STATE.set(state)  # so that whatever happens below can be undone in one place
    try:
        for node in reversed(nodes):
            g = pending.pop(node, None)
            if g is None:
                continue
            if observer is not None:
                observer.cotangent(node, g)
            if node in targets:
                found[node] = g
                continue
            primitive = node.primitive
            if primitive is None:
                continue
            parents, params = node.parents, node.params
            if primitive is PICK:  # one of several outputs: their maker wants all cotangents at once
                if parents[0] in needed:
                    slots = pending.setdefault(parents[0], [None] * parents[0].primitive.outputs)
                    i = params["index"]  # type: ignore[index]
                    slots[i] = g if slots[i] is None else slots[i] + g
                continue
            saved = node.saved
            if lift or not saved:
                saved = kept(node, lift, state)
            fused: Any = None if lift or observer is not None else primitive.summed
            into: Any = None if lift or observer is not None else primitive.into
            contributions = None
            if primitive.joint is not None:
                wanted = tuple([p in needed for p in parents])
                contributions = primitive.joint(g, wanted, *saved, **(params or {}))
            for slot, parent in enumerate(parents):
                if parent not in needed:
                    continue
                added = into is not None and slot == 0 and parent in owned
                if added and into(pending[parent], g, *saved, **(params or {})):
                    continue
                if contributions is not None:
                    c = contributions[slot]
                elif fused is not None and fused[slot] is not None and parent.primitive is broadcast:
                    parent = parent.parents[0]  # skip the node that stretched: rule and sum in one
                    c = fused[slot](g, parent.shape, *saved)
                else:
                    rule = primitive.rules[slot]
                    if rule is None:  # a condition
                        continue
                    c = rule(g, *saved) if params is None else rule(g, *saved, **params)
                if c is None:
                    continue
                if c.dtype is not parent.dtype or c.shape != parent.shape:
                    c = conform(c, parent, node)
                if observer is not None:
                    observer.contribution(node, slot, parent, c)
                before = pending.get(parent)
                if before is None:
                    pending[parent] = c
                elif parent in owned:
                    before += c
                elif lift or observer is not None or before.__class__ is not np.ndarray:
                    pending[parent] = before + c
                else:  # an array that the rule has just made, and kept no hold of, may hold the sum
                    made = contributions is None and c is not g and c.__class__ is np.ndarray
                    made = made and c.base is None and getrefcount(c) <= 2  # `c`, and the question
                    pending[parent] = np.add(before, c, out=c if made else None)
                    if before.ndim:  # a sum of 0-d arrays is a scalar
                        owned.add(parent)
            if free:
                node.saved = ()
            before = g = c = contributions = saved = None  # type: ignore[assignment]  # free memory
    finally:
        _STATE.reset(entry)
    return found


def kept(node: Node, lift: bool, state: State) -> tuple[Any, ...]:
    """What a node saved for its rules; with `lift` as tensors, in the node's surroundings."""
    if not node.saved:
        raise GradientError(
            f"backward() went through `{node.op}` (made at {at(node)}) before and gave back what it "
            "had saved. Call the earlier backward(retain_graph=True) to walk a graph twice."
        )
    if not lift:
        return node.saved
    _STATE.set(State(True, node.state.scope, node, state.tracing, state.observer))
    return lifted(node)


def pushforward(
    nodes: Sequence[Node], tangents: dict[Node, Any], lift: bool = False
) -> dict[Node, Any]:
    """Carry tangents from inputs to outputs (forward mode), over the same nodes.

    Parameters
    ----------
    nodes : sequence of Node
        From :func:`collect`.
    tangents : dict
        Per input node its tangent; nodes without one have tangent zero.
    lift : bool
        Whether to record the rules.

    Returns
    -------
    dict
        The tangent of every node that has one.
    """
    state = current()
    entry = _STATE.set(state)
    try:
        for node in nodes:
            incoming = [tangents.get(p) for p in node.parents]
            if node in tangents or all(t is None for t in incoming):
                continue
            if node.primitive is PICK:
                total = incoming[0][node.params["index"]]  # type: ignore[index]
            else:
                total = tangent(node, incoming, kept(node, lift, state))
            if total is None:
                continue
            if node.primitive.outputs == 1 or node.primitive is PICK:  # type: ignore[union-attr]
                total = conform(total, node, node)
            tangents[node] = total
            if state.observer is not None:
                state.observer.tangent(node, total)
    finally:
        _STATE.reset(entry)
    return tangents


def tangent(node: Node, incoming: Sequence[Any], saved: tuple[Any, ...]) -> Any:
    """One step of the pushforward: what each family's rules mean for tangents."""
    primitive: Any = node.primitive
    params = node.params or {}
    if primitive.jvp is not None:
        return primitive.jvp(tuple(incoming), *saved, **params)
    if primitive.family == "linear":  # the primitive itself, on the tangents; data stays
        dense = [
            t if t is not None
            else np.zeros(s.shape, s.dtype) if primitive.joint or primitive.rules[slot : slot + 1]
            else s
            for slot, (t, s) in enumerate(zip(incoming, saved[:-1], strict=True))
        ]  # fmt: skip
        return bind(primitive, dense, params)
    total: Any = None
    for slot, t in enumerate(incoming):
        if t is None:
            continue
        if primitive.family == "bilinear":
            part = bind(primitive, [*saved[:slot], t, *saved[slot + 1 : -1]], params)
        elif primitive.rules[slot] is None:  # a condition
            continue
        else:
            part = primitive.rules[slot](t, *saved, **params)
        total = part if total is None else total + part
    return total


def conform(c: Any, like: Node, node: Node) -> Any:
    """Give a (co)tangent the shape and dtype of its primal; a wrong one is an error.

    A constant factor may leave a tangent in the smaller shape that NumPy would
    broadcast natively, and a strong scalar may widen a dtype; nothing else may differ.
    """
    if c.dtype not in FLOATING:
        raise DtypeError(f"the rule of `{node.op}` gave a {c.dtype} derivative for {like!r}.")
    if c.dtype != like.dtype:
        c = bind(REGISTRY["astype"], (c,), {"dtype": like.dtype})
    if c.shape != like.shape:
        try:
            np.broadcast_shapes(c.shape, like.shape)
            if isinstance(c, Tensor):
                return bind(REGISTRY["broadcast"], (c,), {"shape": like.shape})
            return stretch(np.asarray(c), like.shape)
        except ValueError:
            raise ShapeError(
                f"the rule of `{node.op}` gave a derivative of shape {list(c.shape)} for {like!r}."
            ) from None
    return c


def seed(
    output: Tensor, gradient: ArrayLike | None, who: str, copy: bool = True, role: str = "cotangent"
) -> Any:
    """Check the (co)tangent that a walk starts from; copied, for the user's may change."""
    if gradient is None:
        if output.shape != ():
            raise GradientError(
                f"{who}: only a scalar has a gradient without further ado, and this is "
                f"{describe(output)}. Reduce it first, y.sum().backward() or y.mean().backward(), "
                "or say what to pull back: y.backward(gradient) with an array of y's shape, or mg.vjp; "
                "mg.jacobian gives all rows."
            )
        return np.ones((), output.dtype)
    g = gradient if isinstance(gradient, Tensor) else np.array(gradient, copy=copy or None)
    if g.shape != output.shape:
        raise ShapeError(
            f"{who}: the {role} has shape {list(g.shape)}, but belongs to {describe(output)}. "
            f"A {role} has its primal's shape."
        )
    if g.dtype != output.dtype:
        if g.dtype.kind not in "fiub":
            raise DtypeError(
                f"{who}: a {role} is real, and this one, of {describe(output)}, is {g.dtype}."
            )
        g = bind(REGISTRY["astype"], (g,), {"dtype": output.dtype})
    return g


def enter(x: Any, lift: bool) -> Any:
    """A (co)tangent as the walk wants it: a tensor to record with, or a plain array."""
    if not lift:
        return x._value if isinstance(x, Tensor) else x
    if isinstance(x, Tensor) and x._node is not None:
        return x
    tracing = current().tracing
    x = np.asarray(x._value if isinstance(x, Tensor) else x)
    return Tensor(x, None if tracing is None else tracing.constant(x))


def backward(
    output: Tensor, gradient: ArrayLike | None, retain_graph: bool, create_graph: bool
) -> None:
    """Accumulate gradients into the leaves: :meth:`Tensor.backward`."""
    node = output._node
    if node is None or not node.requires_grad:
        raise GradientError(
            f"backward(): nothing is tracked, this is {describe(output)}. Make the inputs with "
            "mg.tensor(..., requires_grad=True), and compute outside of mg.no_grad()."
        )
    create_graph = create_graph or current().tracing is not None
    copy = create_graph or current().observer is not None  # else no one holds on to it: see `_own`
    g = enter(seed(output, gradient, "backward()", copy), create_graph)
    nodes, _ = collect([node])
    gradients = pullback(nodes, {node: g}, None, create_graph, not retain_graph)
    given = None if gradient is None else g  # of our own nobody else knows
    for leaf, found in gradients.items():
        if isinstance(leaf, Leaf):
            made = found if isinstance(found, Tensor) else Tensor(_own(found, given))
            leaf.grad = made if leaf.grad is None else leaf.grad + made


def _own(value: Any, given: Any) -> Any:
    """An array that shares no memory with the user's cotangent and is not a stretched view."""
    value = np.asarray(value)
    shared = 0 in value.strides or (given is not None and np.may_share_memory(value, given))
    return value.copy() if shared else value
