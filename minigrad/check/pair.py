"""A hand-written NumPy forward and backward as a `Subject`."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..tensor import FLOATING
from .subject import Arguments, Arrays, Subject, label

STYLES = ("auto", "cache", "inputs")


class PairSubject(Subject):
    """A forward and a backward, in one of two styles.

    ``"inputs"``: ``forward(*inputs) -> y`` with ``backward(*inputs, dy) -> gradients``.
    ``"cache"``: ``forward(*inputs) -> (y, cache)`` with ``backward(dy, cache) -> gradients``.

    The gradients are one array, a tuple with one array per input (or per checked input), or a
    dict from input names.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        backward: Callable[..., Any],
        inputs: Any,
        wrt: Any = "all",
        names: Sequence[str] | None = None,
        name: str | None = None,
        style: str = "auto",
        who: str = "check_pair",
    ) -> None:
        for role, function in (("forward", forward), ("backward", backward)):
            if not callable(function):
                raise ArgumentError(f"{who}: {role} is {type(function).__name__}, not a function.")
        self._arguments = Arguments(who, inputs, forward, names, nested=False)
        super().__init__(
            name or label(forward), self._arguments.arrays, self._arguments.names, wrt, who
        )
        self._forward, self._backward = forward, backward
        self.style = self._resolve(style)

    def _resolve(self, style: str) -> str:
        """Which of the two styles this pair is written in."""
        if style not in STYLES:
            raise ArgumentError(f'{self.who}: style is "auto", "cache" or "inputs", not {style!r}.')
        if style != "auto":
            return style
        count = len(self._arguments.rebuild(self.inputs))
        accepts = _positional(self._backward)
        if count > 1 and accepts is not None:
            if accepts[0] <= count + 1 <= accepts[1]:
                return "inputs"
            if accepts[0] <= 2 <= accepts[1]:
                return "cache"
            raise ArgumentError(
                f"{self.who}: {label(self._backward)} takes {accepts[0]} arguments. It should take "
                f"either the {count} inputs and dy, or dy and the cache that forward returned."
            )
        with _called(self._forward, self.names):
            made = self._forward(*self._arguments.rebuild([x.copy() for x in self.inputs]))
        return "cache" if isinstance(made, tuple) and len(made) == 2 else "inputs"

    def start(self, inputs: Arrays) -> tuple[list[Any], Any]:
        arguments = self._arguments.rebuild(inputs)
        with _called(self._forward, self.names):
            made = self._forward(*arguments)
        if self.style == "inputs":
            return _outputs(self.who, made), arguments
        if not isinstance(made, tuple) or len(made) != 2:
            raise ArgumentError(
                f"{self.who}: {label(self._forward)} returned {type(made).__name__}, and in the cache "
                "style it returns (y, cache). If backward takes the inputs and dy, say "
                'style="inputs".'
            )
        return _outputs(self.who, made[0]), made[1]

    def pull(self, inputs: Arrays, state: Any, cotangents: Arrays) -> list[Any]:
        dy = cotangents[0] if len(cotangents) == 1 else tuple(cotangents)
        if self.style == "cache":
            with _called(self._backward, ["dy", "cache"]):
                return self._sort(self._backward(dy, state))
        with _called(self._backward, [*self.names, "dy"]):
            return self._sort(self._backward(*state, dy))

    def _sort(self, found: Any) -> list[Any]:
        """The gradients by input."""
        gradients: list[Any] = [None] * len(self.inputs)
        floating = [i for i, x in enumerate(self.inputs) if x.dtype in FLOATING]
        if isinstance(found, dict):
            keys = [str(key).removeprefix("d") if str(key) not in self.names else key for key in found]
            unknown = [k for k in keys if k not in self.names]
            if unknown:
                raise ArgumentError(
                    f"{self.who}: backward returned a gradient for {unknown[0]!r}; the inputs are "
                    f"{', '.join(self.names)}."
                )
            for key, value in zip(keys, found.values(), strict=True):
                gradients[self.names.index(key)] = value
            return gradients
        parts = list(found) if isinstance(found, list | tuple) else [found]
        for targets in (list(range(len(self.inputs))), floating, self.checked):
            if len(parts) == len(targets):
                for i, part in zip(targets, parts, strict=True):
                    gradients[i] = part
                return gradients
        raise ArgumentError(
            f"{self.who}: {label(self._backward)} returned {len(parts)} gradients for the inputs "
            f"{', '.join(self.names)}. Return one per input in this order, a dict from input names, "
            "or say which inputs have one with wrt=(...)."
        )


@contextlib.contextmanager
def _called(function: Callable[..., Any], names: Sequence[str]) -> Iterator[None]:
    """Tell whoever reads the traceback of the user's code in which order the arguments came."""
    try:
        yield
    except Exception as error:
        note = f"The check called {label(function)}({', '.join(names)})."
        if note not in getattr(error, "__notes__", ()) and not isinstance(error, ArgumentError):
            error.add_note(note)
        raise


def _outputs(who: str, made: Any) -> list[Any]:
    outputs = list(made) if isinstance(made, list | tuple) else [made]
    for y in outputs:
        if not isinstance(y, np.ndarray | np.generic | float | int):
            raise ArgumentError(
                f"{who}: forward returned {type(y).__name__}, not an array. For torch or JAX functions "
                'use gradcheck; for (y, cache) say style="cache".'
            )
    return outputs


def _positional(function: Callable[..., Any]) -> tuple[int, float] | None:
    """The fewest and the most positional arguments, where that can be known."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    plain = [p for p in parameters if p.kind in kinds]
    if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters):
        return len([p for p in plain if p.default is p.empty]), float("inf")
    return len([p for p in plain if p.default is p.empty]), len(plain)
