"""checkpoint: forget the intermediate values of a function, and compute them again for its "
"derivative."""

from __future__ import annotations

import contextlib
import copy
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .autodiff import by_serial, collect, enter, pullback, pushforward
from .context import current, surroundings
from .custom import Listener, is_array, quietly, with_names
from .errors import ArgumentError, GradientError
from .primitive import Primitive, bind
from .seeding import resolve_generator
from .tensor import FLOATING, FUNCTIONS, Leaf, Node, Tensor
from .tree import flatten

SAMPLED = 256  # elements of an output that are remembered, to notice a function that is not repeatable


def checkpoint(fun: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose intermediate values are not kept: the derivative computes them again.

    Less memory for more time: of everything inside the function, only its inputs stay.

    Parameters
    ----------
    fun : callable
        Of tensors, also nested ones; it may use tracked tensors (parameters) from outside.

    Returns
    -------
    callable
        Of the same values and derivatives, at all orders and in both modes; one node in graphs.

    Raises
    ------
    GradientError
        In the derivative, if the function gives other values when it runs again.

    Notes
    -----
    Random numbers are drawn again as they were: from minigrad's own generator and from generators
    among the arguments.  One that the function finds elsewhere is not put back, and noticed.

    Examples
    --------
    >>> import minigrad as mg
    >>> block = mg.checkpoint(lambda x: mg.exp(mg.sin(x) ** 2))
    >>> x = mg.tensor(0.5, requires_grad=True)
    >>> block(x).backward()
    >>> round(x.grad.item(), 6)
    1.058915
    """

    @functools.wraps(fun)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        state = current()
        if state.tracing is not None or not state.recording:
            return fun(*args, **kwargs)
        return _Checkpoint(fun, args, kwargs).result()

    return wrapped


class _Random:
    """The random generators that the function can reach by its arguments, as they are now."""

    def __init__(self, leaves: Sequence[Any]) -> None:
        self.generators = [
            resolve_generator("checkpoint", None),
            *[x for x in leaves if isinstance(x, np.random.Generator)],
        ]
        self.states = self._read()

    def _read(self) -> list[Any]:
        return [copy.deepcopy(g.bit_generator.state) for g in self.generators]

    def _write(self, states: list[Any]) -> None:
        for generator, state in zip(self.generators, states, strict=True):
            generator.bit_generator.state = state

    @contextlib.contextmanager
    def as_before(self) -> Iterator[None]:
        """Draw the same numbers again in a block."""
        present = self._read()
        self._write(self.states)
        try:
            yield
        finally:
            self._write(present)


class _Outside(Listener):
    """Collects the tracked tensors that a function uses without having been given them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[Node, Tensor] = {}

    def foreign(self, x: Tensor) -> None:
        if x._node is not None:
            self.found.setdefault(x._node, x)


class _Checkpoint:
    """One call: its inputs are the tensors among the arguments, and those from outside."""

    def __init__(self, fun: Callable[..., Any], args: Any, kwargs: Any) -> None:
        self.fun = fun
        self.name = str(getattr(fun, "__name__", type(fun).__name__))
        self.leaves, self.build = flatten((args, kwargs))
        self.places = [
            k for k, x in enumerate(self.leaves) if isinstance(x, Tensor) and x.requires_grad
        ]
        self.random = _Random(self.leaves)
        self.outside: list[Node] = []

    def run(self, inputs: Sequence[Any]) -> tuple[list[Any], Any]:
        """Call the function with other inputs; leaves of its output and how to build it."""
        leaves = list(self.leaves)
        for k, x in zip(self.places, inputs, strict=True):
            leaves[k] = x
        args, kwargs = self.build(leaves)
        return flatten(self.fun(*args, **kwargs))

    def result(self) -> Any:
        """Run without recording, as one node."""
        given = [self.leaves[k] for k in self.places]
        listener = _Outside()
        outs, build = quietly(self.run, given, listener)
        self.outside = list(listener.found)
        inputs = [*given, *listener.found.values()]
        for k in self.places:
            self.leaves[k] = None  # the node has them
        for out in outs:
            if not is_array(out):
                raise ArgumentError(
                    f"checkpoint: {self.name} returned {type(out).__name__} {out!r}; it must return "
                    "tensors."
                )
        if not inputs:
            return build(outs)
        arrays = [np.asarray(out._value if isinstance(out, Tensor) else out) for out in outs]
        self.sample = [_sampled(a) for a in arrays]
        self.like = [(a.shape, a.dtype) for a in arrays]
        first = [tuple(arrays)]

        def run(*values: Any) -> Any:
            found = first.pop() if first else tuple(np.asarray(x) for x in self.again(values))
            return found if len(found) > 1 else found[0]

        names = [f"x{i}" for i in range(len(inputs))] + [f"_y{i}" for i in range(len(outs))]
        node = Primitive(
            self.name, "general", run, joint=with_names(self.pull, ["g", "needed", *names]),
            jvp=with_names(self.push, ["tangents", *names]), outputs=len(outs), registered=False,
        )  # fmt: skip
        found = bind(node, inputs)
        return build(list(found) if len(outs) > 1 else [found])

    def again(self, values: Sequence[Any]) -> list[Any]:
        """The outputs from other values of the inputs."""
        with self.random.as_before():
            outs, _ = quietly(self.run, values[: len(self.places)], _Outside())
        return [out._value if isinstance(out, Tensor) else out for out in outs]

    def record(self, values: Sequence[Any], lift: bool) -> tuple[list[Any], list[Node], list[Node]]:
        """Run again, recording: the outputs, the nodes, and the nodes of the inputs."""
        fresh = [self._fresh(x, lift) for x in values[: len(self.places)]]
        with self.random.as_before(), surroundings(recording=True, observer=None):
            outs, _ = self.run(fresh)
        for out, sample in zip(outs, self.sample, strict=True):
            new = _sampled(np.asarray(out._value if isinstance(out, Tensor) else out))
            size = np.abs(sample).max(initial=0.0)
            if not np.allclose(new, sample, rtol=1e-3, atol=1e-3 * size, equal_nan=True):
                raise GradientError(
                    f"checkpoint: {self.name} gave other values when it ran again for its derivative. "
                    "It must be repeatable: pass the random generator as an argument, and change "
                    "nothing outside."
                )
        starts = [x._node for x in fresh if x._node is not None]
        roots = [out._node for out in outs if isinstance(out, Tensor) and out._node is not None]
        nodes, _ = collect(roots, starts)
        before = sorted(set(self.outside) - set(nodes), key=by_serial)
        return outs, [*before, *nodes], [*starts, *self.outside]

    def _fresh(self, x: Any, lift: bool) -> Tensor:
        if lift:
            with surroundings(recording=True):
                same: Tensor = FUNCTIONS["identity"](
                    x if isinstance(x, Tensor) else Tensor(np.asarray(x))
                )
            if same._node is not None:
                same._node.requires_grad = True
                return same
        value = np.asarray(x._value if isinstance(x, Tensor) else x)
        return Tensor(value, Leaf(value, True))

    def pull(self, g: Any, needed: Any, *values: Any) -> list[Any]:
        """The pullback: run again, walk backwards."""
        cotangents = list(g) if len(self.like) > 1 else [g]
        lift = any(isinstance(x, Tensor) for x in (*values, *cotangents))
        outs, nodes, starts = self.record(values, lift)
        pending: dict[Node, Any] = {}
        for out, c in zip(outs, cotangents, strict=True):
            if c is not None and isinstance(out, Tensor) and out.requires_grad:
                node, c = out._node, enter(c, lift)
                pending[node] = c if node not in pending else pending[node] + c  # type: ignore[index]
        with surroundings(recording=lift):
            found = pullback(nodes, pending, set(starts), lift)
        return [found.get(node) for node in starts]

    def push(self, tangents: Any, *values: Any) -> Any:
        """The pushforward: run again, walk forwards."""
        lift = any(isinstance(x, Tensor) for x in (*values, *tangents))
        outs, nodes, starts = self.record(values, lift)
        known = {n: enter(t, lift) for n, t in zip(starts, tangents, strict=True) if t is not None}
        with surroundings(recording=lift):
            found = pushforward(nodes, known, lift)
        results = [
            None if not isinstance(out, Tensor) or out._node is None else found.get(out._node)
            for out in outs
        ]
        results = [
            np.zeros(shape, dtype) if r is None and dtype in FLOATING else r
            for r, (shape, dtype) in zip(results, self.like, strict=True)
        ]
        return tuple(results) if len(results) > 1 else results[0]


def _sampled(array: Any) -> Any:
    flat = np.ravel(array)
    return flat[:: max(1, flat.size // SAMPLED)].astype(float)
