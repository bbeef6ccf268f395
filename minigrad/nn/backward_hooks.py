"""What calls a module's backward hooks: two nodes that pass everything on, around its forward.

The one behind the module sees the gradients of its outputs, the one before it those of its inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..primitive import Primitive, bind
from ..tensor import Tensor, describe

Gradients = tuple[Tensor | None, ...]
Hook = Callable[[Any, Gradients, Gradients], Any]
PreHook = Callable[[Any, Gradients], Any]


class Watch:
    """One call of a module.

    Parameters
    ----------
    module : Module
        For the hooks, and for messages.
    hooks, pre_hooks : sequence of callable
        Called with the module and the gradients.
    """

    def __init__(self, module: Any, hooks: Sequence[Hook], pre_hooks: Sequence[PreHook]) -> None:
        self.module = module
        self.hooks, self.pre_hooks = list(hooks), list(pre_hooks)
        self.inputs: int | None = None  # how many, if one of them is tracked
        self.grad_output: Gradients = ()

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, watched."""
        self.count = len(args)
        watched = _through(args, self._arrived)
        if watched is None:
            return args
        self.inputs = len(args)
        return watched

    def leave(self, out: Any) -> Any:
        """The output, watched: a tensor, or those in a tuple or list."""
        several = isinstance(out, tuple | list)
        watched = _through(tuple(out) if several else (out,), self._began)
        if watched is None:
            return out
        if not several:
            return watched[0]
        # A named tuple takes its fields one by one.
        return type(out)(*watched) if hasattr(out, "_fields") else type(out)(watched)

    def _began(self, gradients: Gradients) -> Gradients:
        for hook in self.pre_hooks:
            gradients = self._replaced(gradients, hook(self.module, gradients), "grad_output")
        self.grad_output = gradients
        if self.inputs is None:  # nothing before the module is tracked: nobody else will call
            for told in self.hooks:
                if told(self.module, (None,) * self.count, gradients) is not None:
                    raise ArgumentError(
                        f"{self._name()}: a backward hook returned a gradient for the inputs, and none "
                        "of them is tracked. Return None."
                    )
        return gradients

    def _arrived(self, gradients: Gradients) -> Gradients:
        for hook in self.hooks:
            found = hook(self.module, gradients, self.grad_output)
            gradients = self._replaced(gradients, found, "grad_input")
        self.grad_output = ()
        return gradients

    def _replaced(self, before: Gradients, found: Any, what: str) -> Gradients:
        """What a hook returned, if it fits."""
        if found is None:
            return before
        after = tuple(found) if isinstance(found, tuple | list) else (found,)
        if len(after) != len(before):
            raise ArgumentError(
                f"{self._name()}: a backward hook returned {len(after)} gradients for {what}, and "
                f"there are {len(before)}. Return one for each, or None to change nothing."
            )
        for old, new in zip(before, after, strict=True):
            if isinstance(old, Tensor) and getattr(new, "shape", None) != old.shape:
                raise ShapeError(
                    f"{self._name()}: a backward hook returned {describe(new)} in {what} in place of "
                    f"{describe(old)}; their shapes must be equal."
                )
        return after

    def _name(self) -> str:
        return type(self.module).__name__


def _through(values: tuple[Any, ...], told: Callable[[Gradients], Gradients]) -> tuple[Any, ...] | None:
    """The values, the tracked tensors among them behind a node that tells of their gradients."""
    places = [i for i, v in enumerate(values) if isinstance(v, Tensor) and v.requires_grad]
    if not places:
        return None
    several = len(places) > 1

    def pull(g: Any, needed: Any, *_values: Any) -> list[Any]:
        given = list(g) if several else [g]
        lifted = any(isinstance(x, Tensor) for x in given)
        gradients: list[Tensor | None] = [None] * len(values)
        for i, x in zip(places, given, strict=True):
            gradients[i] = x if x is None or isinstance(x, Tensor) else Tensor(np.asarray(x))
        found = told(tuple(gradients))
        after = [found[i] for i in places]
        return [x._value if isinstance(x, Tensor) and not lifted else x for x in after]

    def push(tangents: Any, *_values: Any) -> Any:
        return tuple(tangents) if several else tangents[0]

    node = Primitive(
        "identity", "general", lambda *xs: xs if several else xs[0], joint=pull, jvp=push, aligned="",
        outputs=len(places), registered=False,
    )  # fmt: skip
    node.function = _through  # not itself: a cycle would wait for the collector
    found = bind(node, [values[i] for i in places])
    watched = list(values)
    for i, x in zip(places, found if several else [found], strict=True):
        watched[i] = x
    return tuple(watched)
