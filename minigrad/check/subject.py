"""What is checked: a function, its derivative, and the inputs, behind one interface.

The checker knows nothing of tensors, caches or frameworks.  It sees a `Subject`: arrays in,
arrays out, in each of three ways (forward, backward, pushforward).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..context import no_grad
from ..errors import ArgumentError
from ..tensor import FLOATING, Array, Tensor, as_tensor, describe
from ..transforms import flatten, jvp, vjp

Arrays = Sequence[Any]


class Subject:
    """A function with its derivative, at one point.

    Attributes
    ----------
    name : str
        For the report.
    inputs : list of ndarray
        The given point.
    names : list of str
        One per input.
    checked : list of int
        Inputs whose gradients are checked: the floating ones that the user wants.
    pushes : bool
        Whether there is a forward mode.
    evaluations : dict
        How often each way was called.
    """

    pushes = False

    def __init__(
        self,
        name: str,
        inputs: Sequence[Array],
        names: Sequence[str],
        wrt: Any = "all",
        who: str = "gradcheck",
    ) -> None:
        self.name = name
        self.inputs = list(inputs)
        self.names = list(names)
        self.checked = _select(who, self.inputs, self.names, wrt)
        self.evaluations = {"forward": 0, "backward": 0, "pushforward": 0}

    def forward(self, inputs: Arrays) -> list[Array]:
        """The outputs, computed in the inputs' dtype where the function can do so."""
        self.evaluations["forward"] += 1
        return self._forward(inputs)

    def backward(self, inputs: Arrays, cotangents: Arrays) -> list[Any]:
        """The gradients as they come, one entry per input (of `checked`, or all)."""
        self.evaluations["backward"] += 1
        return self._backward(inputs, cotangents)

    def pushforward(self, inputs: Arrays, tangents: Arrays) -> list[Any]:
        """The outputs' tangents."""
        self.evaluations["pushforward"] += 1
        return self._pushforward(inputs, tangents)

    def _forward(self, inputs: Arrays) -> list[Array]:
        raise NotImplementedError

    def _backward(self, inputs: Arrays, cotangents: Arrays) -> list[Any]:
        raise NotImplementedError

    def _pushforward(self, inputs: Arrays, tangents: Arrays) -> list[Any]:
        raise NotImplementedError


def _select(who: str, inputs: Sequence[Array], names: Sequence[str], wrt: Any) -> list[int]:
    """The inputs to check, by name or number; all floating ones by default."""
    floating = [i for i, x in enumerate(inputs) if x.dtype in FLOATING]
    known = ", ".join(f"{i} {n!r} ({describe(inputs[i])})" for i, n in enumerate(names))
    if isinstance(wrt, str) and wrt == "all":
        chosen = floating
    else:
        chosen = []
        for item in [wrt] if isinstance(wrt, str | int) else wrt:
            if item in names:
                found = [i for i, n in enumerate(names) if n == item]
            elif isinstance(item, int) and -len(inputs) <= item < len(inputs):
                found = [item % len(inputs)]
            else:
                raise ArgumentError(
                    f"{who}: wrt={wrt!r}: there is no input {item!r}. The inputs are: {known}."
                )
            chosen.extend(found)
        wrong = [names[i] for i in chosen if i not in floating]
        if wrong:
            raise ArgumentError(
                f"{who}: wrt={wrt!r}: {wrong[0]!r} has no derivative. The inputs are: {known}."
            )
    if not chosen:
        raise ArgumentError(
            f"{who}: there is nothing to differentiate. The inputs are: {known or 'none'}. Pass at "
            "least one floating array, for example np.array([1.0, 2.0])."
        )
    return sorted(set(chosen))


def arguments(who: str, inputs: Any) -> tuple[list[Any], list[str] | None]:
    """The user's `inputs` as a list of arguments, with names if they came as a dict."""
    if isinstance(inputs, dict):
        return list(inputs.values()), [str(key) for key in inputs]
    if isinstance(inputs, list | tuple):
        return list(inputs), None
    if isinstance(inputs, Tensor | np.ndarray | np.generic | int | float) or hasattr(
        inputs, "__array__"
    ):
        return [inputs], None
    raise ArgumentError(
        f"{who}: inputs is {type(inputs).__name__} {inputs!r}; pass a tuple with one array per "
        "argument of the function, or a dict from argument names to arrays."
    )


def label(function: Callable[..., Any]) -> str:
    """A name for the report."""
    while isinstance(function, functools.partial):
        function = function.func
    return getattr(function, "__name__", type(function).__name__)


def parameter_names(function: Callable[..., Any], count: int) -> list[str]:
    """Names of the first `count` positional parameters, as far as they are known."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [p.name for p in parameters if p.kind in kinds][:count]
    return names + [f"input{i}" for i in range(len(names), count)]


class MinigradSubject(Subject):
    """A function of minigrad's own: both modes come from the engine."""

    pushes = True

    def __init__(
        self,
        function: Callable[..., Any],
        inputs: Any,
        wrt: Any = "all",
        names: Sequence[str] | None = None,
        name: str | None = None,
        who: str = "gradcheck",
    ) -> None:
        given, keys = arguments(who, inputs)
        tops = list(names or keys or parameter_names(function, len(given)))
        if len(tops) != len(given):
            raise ArgumentError(f"{who}: {len(tops)} names were given for {len(given)} inputs.")
        leaves, self._rebuild = flatten(tuple(given))
        arrays = [np.array(x._value if isinstance(x, Tensor) else x) for x in leaves]
        super().__init__(name or label(function), arrays, _leaf_names(given, tops), wrt, who)
        self._function = function

    def _call(self, inputs: Arrays) -> list[Any]:
        return flatten(self._function(*self._rebuild(inputs)))[0]

    def _forward(self, inputs: Arrays) -> list[Array]:
        with no_grad():
            if any(np.iscomplexobj(x) for x in inputs):
                out = self._call(inputs)  # tensors hold no complex numbers, plain arrays do
            else:
                out = self._call([as_tensor(x) for x in inputs])
        return [np.asarray(o._value if isinstance(o, Tensor) else o) for o in out]

    def _restricted(self, inputs: Arrays) -> tuple[Callable[..., Any], list[Any]]:
        """The function of the floating inputs alone."""
        floating = [i for i, x in enumerate(inputs) if x.dtype in FLOATING]

        def function(*primals: Any) -> Any:
            full = [as_tensor(x) for x in inputs]
            for i, primal in zip(floating, primals, strict=True):
                full[i] = primal
            return tuple(o for o in self._call(full) if o.dtype in FLOATING)

        return function, [as_tensor(inputs[i]) for i in floating]

    def _backward(self, inputs: Arrays, cotangents: Arrays) -> list[Any]:
        function, primals = self._restricted(inputs)
        _, pull = vjp(function, *primals)
        found = iter(pull(tuple(as_tensor(c) for c in cotangents)))
        return [np.array(next(found).data) if x.dtype in FLOATING else None for x in inputs]

    def _pushforward(self, inputs: Arrays, tangents: Arrays) -> list[Any]:
        function, primals = self._restricted(inputs)
        given = [as_tensor(t) for t in tangents if t is not None]
        return [np.array(t.data) for t in flatten(jvp(function, primals, given)[1])[0]]

    def derivative(self, cotangents: Arrays) -> MinigradSubject:
        """The pullback as a function of the inputs and the cotangents: for second order."""
        floating = [i for i, x in enumerate(self.inputs) if x.dtype in FLOATING]
        split = len(floating)

        def pullback(*arguments: Any) -> Any:
            function, _ = self._restricted(self._frozen(arguments[:split]))
            return vjp(function, *arguments[:split])[1](tuple(arguments[split:]))

        wanted = [self.inputs[i] for i in floating] + list(cotangents)
        multiple = len(cotangents) > 1
        names = [self.names[i] for i in floating] + [
            f"cotangent{n}" if multiple else "cotangent" for n in range(len(cotangents))
        ]
        wrt = [n for n, i in enumerate(floating) if i in self.checked]
        wrt += range(split, len(wanted))
        made = MinigradSubject(pullback, tuple(wanted), wrt, names, self.name)
        made.evaluations = self.evaluations
        return made

    def _frozen(self, floating: Sequence[Any]) -> list[Any]:
        """All inputs, the floating ones replaced."""
        replacements = iter(floating)
        return [next(replacements) if x.dtype in FLOATING else x for x in self.inputs]


def _leaf_names(trees: Sequence[Any], tops: Sequence[str]) -> list[str]:
    """Names of the leaves of nested arguments: ``params['w']``, ``layers[0]``."""
    names: list[str] = []

    def walk(part: Any, name: str) -> None:
        if part is None:
            return
        if isinstance(part, dict):
            for key, value in part.items():
                walk(value, f"{name}[{key!r}]")
        elif isinstance(part, list | tuple):
            for i, value in enumerate(part):
                walk(value, f"{name}[{i}]")
        else:
            names.append(name)

    for tree, top in zip(trees, tops, strict=True):
        walk(tree, top)
    return names
