"""Transforms of functions: grad, vjp, jvp, jacobian, hessian, by JAX's names.

A transform runs the function on fresh leaves (or on an ``identity`` of a tensor
that is tracked already), and then walks the graph.  Nested transforms need no
levels: what one of them does not reach cannot confuse it.  Arguments and results
may be nested dicts, lists and tuples.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .autodiff import collect, enter, pullback, pushforward, seed
from .context import current, surroundings
from .errors import ArgumentError, DtypeError, GradientError
from .tensor import FLOATING, FUNCTIONS, Leaf, Node, Tensor, describe, tensor
from .tree import flatten as flatten
from .tree import flatten_like
from .tree import tree_map as tree_map

Function = Callable[..., Any]
Argnums = int | Sequence[int]


# Running a function on fresh leaves ------------------------------------------------------


class _Run:
    """A function run once on fresh leaves, ready for either walk."""

    def __init__(self, who: str, f: Function, primals: Sequence[Any], has_aux: bool = False) -> None:
        self.who = who
        self.recording, tracing = current().recording, current().tracing is not None
        self.outer = self.recording or tracing  # a trace shows what no_grad computes, too
        leaves, rebuild = flatten(tuple(primals))
        with surroundings(recording=True):
            self.inputs = [self._fresh(leaf) for leaf in leaves]
            out = f(*rebuild(self.inputs))
        aux = None
        if has_aux:
            if not isinstance(out, tuple) or len(out) != 2:
                raise ArgumentError(f"{who}: with has_aux=True the function must return (value, aux).")
            out, aux = out
        self.primals, self.out = tuple(primals), out
        self.outputs, self.rebuild = flatten(out)
        for output in self.outputs:
            if not isinstance(output, Tensor):
                raise GradientError(
                    f"{who}: the function returned {type(output).__name__} {output!r}, not a tensor. "
                    "Compute with mg's functions, or NumPy's on tensors, without float() or .numpy()."
                )
            if who != "vjp" and who != "jvp" and output.dtype not in FLOATING:
                raise DtypeError(
                    f"{who}: the function returned {describe(output)}: integers and booleans have no "
                    "derivative. Compare or count outside, or return a floating value."
                )
        self.roots = [o._node for o in self.outputs if o._node is not None]
        self.fresh: list[Node] = [x._node for x in self.inputs if x._node is not None]
        self.nodes, foreign = collect(self.roots, self.fresh)
        self.lift = tracing or (foreign and self.outer)
        self.aux = tree_map(lambda x: self._leave(x, self.lift), aux)
        self.value = self.rebuild([self._leave(o, self.lift) for o in self.outputs])

    def _fresh(self, leaf: Any) -> Tensor:
        x = leaf if isinstance(leaf, Tensor) else tensor(leaf)  # a copy: the user's may change
        if x.dtype not in FLOATING:
            raise DtypeError(
                f"{self.who}: a derivative with respect to {describe(leaf)} is not defined: "
                "integers and booleans are data. Write 3.0 for 3, or x.astype(float), or leave the "
                "argument out with argnums."
            )
        if x._node is not None and self.outer:
            same = FUNCTIONS["identity"](x)
            same._node.requires_grad = True
            return same  # type: ignore[no-any-return]
        name = x.name
        fresh = Tensor(x._value, Leaf(x._value, True, depth=4))
        fresh.name = name
        return fresh

    def _leave(self, x: Any, lift: bool) -> Any:
        """Results do not keep the inner graph alive, unless an outer one needs it."""
        if not isinstance(x, Tensor):
            return x
        if not lift:
            return Tensor(x._value)
        return x if self.recording else FUNCTIONS["stop_gradient"](x)

    def pull(self, cotangents: Sequence[Any]) -> list[Tensor]:
        """Reverse mode: a cotangent per output, a gradient per input."""
        lift = self.lift or (self.outer and any(_tracked(c) for c in cotangents))
        pending: dict[Node, Any] = {}
        for output, c in zip(self.outputs, cotangents, strict=True):
            node, c = output._node, enter(seed(output, c, self.who), lift)
            if node is not None:
                pending[node] = c if node not in pending else pending[node] + c
        with surroundings(recording=lift):
            found = pullback(self.nodes, pending, set(self.fresh), lift)
        return [self._leave(_result(found.get(n), n), lift) for n in self.fresh]

    def push(self, tangents: Sequence[Any]) -> list[Tensor]:
        """Forward mode: a tangent per input, a tangent per output."""
        lift = self.lift or (self.outer and any(_tracked(t) for t in tangents))
        start = {
            x._node: enter(seed(x, t, self.who, role="tangent"), lift)
            for x, t in zip(self.inputs, tangents, strict=True)
            if t is not None and x._node is not None
        }
        with surroundings(recording=lift):
            found = pushforward(self.nodes, start, lift)
        results = [_result(found.get(o._node) if o._node else None, o) for o in self.outputs]
        return [self._leave(r, lift) for r in results]


def _tracked(x: Any) -> bool:
    return isinstance(x, Tensor) and x.requires_grad


def _result(x: Any, like: Any) -> Tensor:
    if x is None:
        return Tensor(np.zeros(like.shape, like.dtype))
    return x if isinstance(x, Tensor) else Tensor(np.asarray(x))


def _select(who: str, f: Function, argnums: Argnums, args: tuple[Any, ...], kwargs: Any) -> Any:
    """The function of the chosen arguments alone, and these arguments."""
    wanted = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    if not all(isinstance(i, int) and -len(args) <= i < len(args) for i in wanted):
        raise ArgumentError(
            f"{who}: argnums={argnums!r}, but the function was called with {len(args)} positional "
            "arguments, and argnums are numbers of those. Pass the argument by position."
        )
    wanted = tuple(i % len(args) for i in wanted)
    if len(set(wanted)) < len(wanted):
        raise ArgumentError(f"{who}: argnums={argnums!r} names an argument twice.")

    def chosen(*primals: Any) -> Any:
        full = list(args)
        for i, primal in zip(wanted, primals, strict=True):
            full[i] = primal
        return f(*full, **kwargs)

    return chosen, [args[i] for i in wanted]


def _shape_back(primals: Sequence[Any], results: Sequence[Any], argnums: Argnums) -> Any:
    built = flatten(tuple(primals))[1](results)
    return built[0] if isinstance(argnums, int) else built


# The transforms ------------------------------------------------------------------------


def value_and_grad(f: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """The function that returns f's value and its gradient, in one pass.

    Parameters
    ----------
    f : callable
        Returns a scalar tensor, or with `has_aux` a pair ``(scalar, anything)``.
    argnums : int or sequence of int
        Which positional arguments to differentiate.
    has_aux : bool
        Whether f returns auxiliary data beside its value.

    Returns
    -------
    callable
        Returns ``(value, gradient)`` or ``((value, aux), gradient)``; the gradient has the
        structure of the argument (of the tuple of arguments, for a sequence).

    Raises
    ------
    GradientError
        If the value is not a scalar tensor.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.value_and_grad(lambda w: (w["a"] * w["b"]).sum())({"a": 3.0, "b": 4.0})
    (tensor(12.), {'a': tensor(4.), 'b': tensor(3.)})
    """

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        chosen, primals = _select("grad", f, argnums, args, kwargs)
        run = _Run("grad", chosen, primals, has_aux)
        if len(run.outputs) != 1:
            raise GradientError(
                f"grad: the function returned {len(run.outputs)} tensors; a gradient belongs to one "
                "scalar. Use has_aux=True for (value, aux), or mg.jacobian."
            )
        gradient = _shape_back(primals, run.pull([None]), argnums)
        return ((run.value, run.aux) if has_aux else run.value), gradient

    return wrapped


def grad(f: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """The gradient of a scalar function, as a function.

    Parameters
    ----------
    f : callable
        Returns a scalar tensor, or with `has_aux` a pair ``(scalar, anything)``.
    argnums : int or sequence of int
        Which positional arguments to differentiate.
    has_aux : bool
        Whether f returns auxiliary data beside its value.

    Returns
    -------
    callable
        Returns the gradient, or ``(gradient, aux)``.

    Raises
    ------
    GradientError
        If the value is not a scalar tensor.

    Examples
    --------
    >>> import minigrad as mg
    >>> third = mg.grad(mg.grad(mg.grad(lambda x: x**4)))
    >>> third(2.0)
    tensor(48.)
    """
    both = value_and_grad(f, argnums, has_aux)

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapped


def vjp(f: Function, *primals: Any) -> tuple[Any, Function]:
    """Run f and return its value and its pullback.

    Parameters
    ----------
    f : callable
        Returns a tensor or nested tensors.
    *primals : array_like or nested
        Where to run it.

    Returns
    -------
    out
        f's value.
    pullback : callable
        Takes a cotangent like `out`; returns a tuple with a cotangent per primal.
        May be called any number of times.

    Examples
    --------
    >>> import minigrad as mg
    >>> out, pullback = mg.vjp(lambda x, y: x * y, 3.0, 4.0)
    >>> pullback(1.0)
    (tensor(4.), tensor(3.))
    """
    run = _Run("vjp", f, primals)

    def pull(cotangent: Any) -> tuple[Any, ...]:
        results = run.pull(_matching("vjp", "cotangents", cotangent, run.out))
        return flatten(primals)[1](results)  # type: ignore[no-any-return]

    return run.value, pull


def jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Run f and push tangents forward through it.

    Parameters
    ----------
    f : callable
        Returns a tensor or nested tensors.
    primals, tangents : sequence
        One entry per argument of f, of equal structure and shapes.

    Returns
    -------
    out, tangent_out
        f's value, and its directional derivative.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.jvp(lambda x: x**3, (2.0,), (1.0,))
    (tensor(8.), tensor(12.))
    """
    _in_a_row("jvp", primals, tangents)
    run = _Run("jvp", f, primals)
    pushed = run.push(_matching("jvp", "tangents", tuple(tangents), run.primals))
    return run.value, run.rebuild(pushed)


def jacobian(f: Function, argnums: Argnums = 0, mode: str = "auto") -> Function:
    """The function that returns the matrix of all first derivatives.

    Parameters
    ----------
    f : callable
        Returns a tensor or nested tensors.
    argnums : int or sequence of int
        Which positional arguments to differentiate.
    mode : {"auto", "reverse", "forward"}
        Row by row, column by column, or whichever is fewer.

    Returns
    -------
    callable
        Returns, per output and per argument, a tensor of shape
        ``output.shape + argument.shape``.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    if mode not in ("auto", "reverse", "forward"):
        raise ArgumentError(f'jacobian: mode is "auto", "reverse" or "forward", not {mode!r}.')

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        chosen, primals = _select("jacobian", f, argnums, args, kwargs)
        run = _Run("jacobian", chosen, primals)
        rows, columns = sum(o.size for o in run.outputs), sum(x.size for x in run.inputs)
        forward = mode == "forward" or (mode == "auto" and columns < rows)
        walk, start, end = (
            (run.push, run.inputs, run.outputs) if forward else (run.pull, run.outputs, run.inputs)
        )
        blocks = []  # blocks[i][j]: d end[j] / d start[i], the axes of start[i] first
        for i, x in enumerate(start):
            slices = []
            for k in range(x.size):
                basis = [np.zeros(s.shape, s.dtype) for s in start]
                basis[i].flat[k] = 1
                slices.append(walk(basis))
            blocks.append([
                FUNCTIONS["reshape"](FUNCTIONS["stack"]([s[j] for s in slices]), (*x.shape, *e.shape))
                if slices else Tensor(np.zeros((*x.shape, *e.shape), e.dtype))
                for j, e in enumerate(end)
            ])  # fmt: skip
        if forward:  # bring the output's axes to the front
            blocks = [
                [
                    FUNCTIONS["transpose"](b, (*range(x.ndim, b.ndim), *range(x.ndim)))
                    for b, x in zip([row[j] for row in blocks], start, strict=True)
                ]
                for j in range(len(end))
            ]
        return run.rebuild([_shape_back(primals, row, argnums) for row in blocks])

    return wrapped


def hessian(f: Function, argnums: Argnums = 0) -> Function:
    """The function that returns the matrix of second derivatives of a scalar function.

    Parameters
    ----------
    f : callable
        Returns a scalar tensor.
    argnums : int or sequence of int
        Which positional arguments to differentiate.

    Returns
    -------
    callable

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.hessian(lambda x: (x**3).sum())(np.array([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """Hessian times vector, forward over reverse: the cost of a few gradients.

    Parameters
    ----------
    f : callable
        Returns a scalar tensor.
    primals, tangents : sequence
        One entry per argument of f.

    Returns
    -------
    nested tensors
        Like `primals` (like its only entry, if there is one).

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.hvp(lambda x: (x**3).sum(), (np.array([1.0, 2.0]),), (np.ones(2),))
    tensor([ 6., 12.])
    """
    _in_a_row("hvp", primals, tangents)
    argnums = 0 if len(primals) == 1 else tuple(range(len(primals)))
    return jvp(grad(f, argnums), primals, tangents)[1]


def _in_a_row(who: str, *given: Any) -> None:
    for x in given:
        if not isinstance(x, list | tuple):
            raise ArgumentError(
                f"{who}: primals and tangents are tuples with one entry per argument of the function, "
                f"and one of them is {describe(x)}. Write mg.{who}(f, (x,), (v,))."
            )


def _matching(who: str, what: str, tree: Any, like: Any) -> list[Any]:
    """The leaves of (co)tangents in the order of what they belong to."""
    leaves = flatten_like(tree, like)
    if leaves is None:
        raise ArgumentError(
            f"{who}: the {what} are nested as {_outline(tree)}, but belong to {_outline(like)}. They "
            "must be nested alike. A list is a container: write a vector as np.array([...])."
        )
    return leaves


def _outline(tree: Any) -> str:
    """The containers of a tree, with * for each leaf."""
    return str(tree_map(lambda leaf: "*", tree)).replace("'*'", "*")
