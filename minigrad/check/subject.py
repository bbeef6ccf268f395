"""What is checked: a function, its derivative, and the inputs, behind one interface.

The checker knows nothing of tensors, caches or frameworks.  It sees a `Subject`: arrays in,
arrays out.  There is one kind per way in which a derivative can be written down.
"""

from __future__ import annotations

import copy
import functools
import inspect
import sys
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
        The given point: everything numerical.
    names : list of str
        One per input.
    checked : list of int
        Inputs whose gradients are checked: the floating ones that the user wants.
    pushes : bool
        Whether there is a forward mode.
    private : bool
        Whether inputs, cotangents and caches are arrays that a wrong backward could change.
    evaluations : dict
        How often each way was called.
    """

    pushes = False
    private = True

    def __init__(
        self,
        name: str,
        inputs: Sequence[Array],
        names: Sequence[str],
        wrt: Any = "all",
        who: str = "gradcheck",
    ) -> None:
        self.name, self.who = name, who
        self.inputs = list(inputs)
        self.names = list(names)
        self.checked = _select(who, self.inputs, self.names, wrt)
        self.evaluations = {"forward": 0, "backward": 0, "pushforward": 0}

    # To be written per kind -----------------------------------------------------------------

    def start(self, inputs: Arrays) -> tuple[list[Any], Any]:
        """Run forward; return the outputs and whatever the backward wants to remember."""
        raise NotImplementedError

    def pull(self, inputs: Arrays, state: Any, cotangents: Arrays) -> list[Any]:
        """Run backward; one entry per input, as it came (None where there is none)."""
        raise NotImplementedError

    def values(self, inputs: Arrays) -> list[Any]:
        """The outputs alone, in the dtype of the inputs where the function can do so."""
        return self.start(inputs)[0]

    def push(self, inputs: Arrays, tangents: Arrays) -> list[Any]:
        """The outputs' tangents (forward mode)."""
        raise NotImplementedError

    # What the checker calls -------------------------------------------------------------------

    def forward(self, inputs: Arrays) -> list[Array]:
        """The outputs as arrays."""
        self.evaluations["forward"] += 1
        return [np.asarray(y) for y in self.values(inputs)]

    def begin(self, inputs: Arrays) -> tuple[list[Array], Any]:
        """The outputs, and the state for :meth:`finish`."""
        self.evaluations["forward"] += 1
        outputs, state = self.start(inputs)
        return [np.asarray(y) for y in outputs], state

    def finish(self, inputs: Arrays, state: Any, cotangents: Arrays) -> list[Any]:
        """The gradients, one entry per input."""
        self.evaluations["backward"] += 1
        return self.pull(inputs, state, cotangents)

    def backward(self, inputs: Arrays, cotangents: Arrays) -> list[Any]:
        """A whole backward pass, on copies, with a state of its own."""
        inputs = [x.copy() for x in inputs]
        _, state = self.begin(inputs)
        return self.finish(inputs, state, [c.copy() for c in cotangents])

    def pushforward(self, inputs: Arrays, tangents: Arrays) -> list[Array]:
        """The outputs' tangents as arrays."""
        self.evaluations["pushforward"] += 1
        return [np.asarray(t) for t in self.push(inputs, tangents)]


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
                f"{who}: wrt={wrt!r}: {wrong[0]!r} is data without gradients. The inputs: {known}."
            )
    if not chosen:
        raise ArgumentError(
            f"{who}: there is nothing to differentiate. The inputs are: {known or 'none'}. Pass at "
            "least one floating array, for example np.array([1.0, 2.0])."
        )
    for i in chosen:
        if not np.isfinite(inputs[i]).all():
            raise ArgumentError(f"{who}: {names[i]!r} holds NaN or infinity; give it a finite value.")
    return sorted(set(chosen))


class Arguments:
    """The user's inputs, taken apart: numbers that can be moved, and everything else.

    Parameters
    ----------
    who : str
        The public function, for messages.
    inputs : array_like, tuple, list or dict
        One entry per argument; a dict gives their names.
    function : callable
        Its parameters give names where nothing else does.
    names : sequence of str, optional
        Of the arguments.
    nested : bool
        Whether dicts, lists and tuples are containers of inputs; otherwise a list is an
        array, and a dict is passed as it is.

    Examples
    --------
    >>> taken = Arguments("gradcheck", (np.ones(2), "mean"), lambda x, reduction: x, None, False)
    >>> taken.names, taken.rebuild([np.zeros(2)])
    (['x'], [array([0., 0.]), 'mean'])
    """

    def __init__(
        self,
        who: str,
        inputs: Any,
        function: Callable[..., Any],
        names: Sequence[str] | None,
        nested: bool,
    ) -> None:
        if isinstance(inputs, dict):
            given, keys = list(inputs.values()), [str(key) for key in inputs]
        elif isinstance(inputs, list | tuple):
            given, keys = list(inputs), None
        elif _numeric(inputs):
            given, keys = [inputs], None
        else:
            raise ArgumentError(
                f"{who}: inputs is {type(inputs).__name__} {inputs!r}; pass a tuple with one array "
                "per argument of the function, or a dict from argument names to arrays."
            )
        tops = list(names) if names is not None else keys or parameter_names(function, len(given))
        if len(tops) != len(given):
            raise ArgumentError(f"{who}: {len(tops)} names were given for {len(given)} inputs.")
        if nested:
            leaves, self._build = flatten(tuple(given))
            labels = _leaf_names(given, tops)
        else:
            leaves = [
                np.asarray(x)
                if isinstance(x, list | tuple) and np.asarray(x).dtype.kind in "fiub"
                else x
                for x in given
            ]
            labels, self._build = tops, list
        self._leaves = leaves
        self._numeric = [n for n, x in enumerate(leaves) if _numeric(x)]
        self.arrays = [_array(leaves[n]) for n in self._numeric]
        self.names = [labels[n] for n in self._numeric]

    def rebuild(self, arrays: Sequence[Any]) -> Any:
        """The arguments with other numbers in them."""
        leaves = list(self._leaves)
        for n, x in enumerate(leaves):
            if n not in self._numeric and not callable(x):
                leaves[n] = copy.deepcopy(x)
        for n, array in zip(self._numeric, arrays, strict=True):
            leaves[n] = array
        return self._build(leaves)


def _numeric(x: Any) -> bool:
    # A Python int is an axis or a count; a Python float is a value.
    if isinstance(x, Tensor | np.ndarray | np.generic):
        return x.dtype.kind in "fiubc"
    return isinstance(x, float) or (hasattr(x, "__array__") and not isinstance(x, type))


def _array(x: Any) -> Array:
    made = np.array(x.detach().numpy() if hasattr(x, "detach") else x)
    if made.dtype.kind == "c":
        raise ArgumentError(
            "gradient checks are about real numbers, and an input is complex: split it into its real "
            "and imaginary parts."
        )
    return made


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
    if not names and count == 1:
        return ["x"]
    return names + [f"input{i}" for i in range(len(names), count)]


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


# What other libraries say of tensors that are not theirs.
_FOREIGN = {"torch": "must be Tensor, not Tensor", "jax": "is not a valid JAX type"}


class MinigradSubject(Subject):
    """A function of minigrad's own: both modes come from the engine."""

    pushes = True
    private = False  # tensors are immutable, and the engine checks shapes and dtypes

    def __init__(
        self,
        function: Callable[..., Any],
        inputs: Any,
        wrt: Any = "all",
        names: Sequence[str] | None = None,
        name: str | None = None,
        who: str = "gradcheck",
    ) -> None:
        self._arguments = Arguments(who, inputs, function, names, nested=True)
        super().__init__(
            name or label(function), self._arguments.arrays, self._arguments.names, wrt, who
        )
        self._function = function

    def _call(self, inputs: Arrays) -> list[Any]:
        try:
            return flatten(self._function(*self._arguments.rebuild(inputs)))[0]
        except TypeError as error:
            for library, said in _FOREIGN.items():
                if said in str(error) and library in sys.modules:
                    raise ArgumentError(
                        f"{self.who}: {self.name} calls a function of {library}, and was given "
                        f"minigrad's tensors. Mark it as such: mg.check.from_{library}(f)."
                    ) from error
            raise

    def values(self, inputs: Arrays) -> list[Any]:
        with no_grad():
            if any(np.iscomplexobj(x) for x in inputs):
                out = self._call(inputs)  # tensors hold no complex numbers, plain arrays do
            else:
                out = self._call([as_tensor(x) for x in inputs])
        return [o._value if isinstance(o, Tensor) else o for o in out]

    def _restricted(self, inputs: Arrays) -> tuple[Callable[..., Any], list[Any]]:
        """The function of the checked inputs alone, and these inputs."""

        def function(*primals: Any) -> Any:
            full = [as_tensor(x) for x in inputs]
            for i, primal in zip(self.checked, primals, strict=True):
                full[i] = primal
            return tuple(as_tensor(o) for o in self._call(full) if o.dtype in FLOATING)

        return function, [as_tensor(inputs[i]) for i in self.checked]

    def start(self, inputs: Arrays) -> tuple[list[Any], Any]:
        function, primals = self._restricted(inputs)
        outputs, pull = vjp(function, *primals)
        return [y._value for y in outputs], pull

    def pull(self, inputs: Arrays, state: Any, cotangents: Arrays) -> list[Any]:
        found = state(tuple(as_tensor(c) for c in cotangents))
        gradients: list[Any] = [None] * len(inputs)
        for i, gradient in zip(self.checked, found, strict=True):
            gradients[i] = np.array(gradient.data)
        return gradients

    def push(self, inputs: Arrays, tangents: Arrays) -> list[Any]:
        function, primals = self._restricted(inputs)
        given = [as_tensor(tangents[i]) for i in self.checked]
        return [t.data for t in flatten(jvp(function, primals, given)[1])[0]]

    def derivative(self, cotangents: Arrays) -> MinigradSubject:
        """The pullback as a function of the checked inputs and the cotangents: second order."""
        split = len(self.checked)

        def pullback(*arguments: Any) -> Any:
            function, _ = self._restricted(self.inputs)
            return vjp(function, *arguments[:split])[1](tuple(arguments[split:]))

        many = len(cotangents) > 1
        names = [self.names[i] for i in self.checked]
        names += [f"cotangent{n}" if many else "cotangent" for n in range(len(cotangents))]
        primals = [self.inputs[i] for i in self.checked]
        made = MinigradSubject(pullback, (*primals, *cotangents), "all", names, self.name, self.who)
        made.evaluations = self.evaluations
        return made
