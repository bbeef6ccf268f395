"""How the arguments of a call map onto the inputs of a graph, and outputs onto a result."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..tensor import Tensor
from ..transforms import flatten

_ANY = inspect.Signature(
    [
        inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL),
        inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD),
    ]
)


class Interface:
    """The arguments of a traced call: which are inputs, which are fixed, and how they nest.

    Tensors and arrays are inputs.  Everything else (numbers, strings, axes, functions) is
    fixed and becomes part of the graph; only when there is no tensor and no array do Python
    floats count as inputs.

    Attributes
    ----------
    signature : inspect.Signature
        Of the function.
    arguments : list
        The inputs of the traced call; taken away once they are used.
    names : tuple of str
        Of the inputs: parameter names, with a path into containers (``params.w``).
    fixed : dict
        The other arguments by name.
    """

    def __init__(self, name: str, signature: inspect.Signature, args: Any, kwargs: Any) -> None:
        self.name = name
        self.signature = signature
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise ArgumentError(f"{name}{signature}: {error}.") from None
        leaves, self._rebuild = flatten(bound.arguments)
        paths = list(self._paths(bound.arguments))
        scalars = not any(_is_array(leaf) for leaf in leaves)
        chosen = [_is_array(x) or (scalars and isinstance(x, float)) for x in leaves]
        self._leaves = [None if take else leaf for leaf, take in zip(leaves, chosen, strict=True)]
        self._places = [i for i, take in enumerate(chosen) if take]
        self.arguments = [leaves[i] for i in self._places]
        self.names = tuple([paths[i] for i in self._places])
        self.fixed = {p: x for p, x, take in zip(paths, leaves, chosen, strict=True) if not take}

    @classmethod
    def of_function(cls, f: Callable[..., Any], args: Any, kwargs: Any) -> Interface:
        """For a function (or a graph) and the arguments of one call."""
        of_graph = getattr(f, "interface", None)
        if isinstance(of_graph, Interface):
            return cls(of_graph.name, of_graph.signature, args, kwargs)
        wrapped = inspect.isroutine(f) or hasattr(f, "__wrapped__")  # a custom_vjp, for example
        named = f if wrapped else getattr(f, "forward", f)  # a module's own signature
        try:
            signature = inspect.signature(named)
        except (TypeError, ValueError):  # some builtins have none
            signature = _ANY
        return cls(getattr(f, "__name__", type(f).__name__), signature, args, kwargs)

    @classmethod
    def of_names(cls, name: str, names: Sequence[str], like: Sequence[Any]) -> Interface:
        """For a graph that no function made: its inputs by position or by name."""
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        try:
            signature = inspect.Signature([inspect.Parameter(n, kind) for n in names])
        except ValueError:  # a name is no Python name
            signature = _ANY
        return cls(name, signature, like, {})

    def call(self, f: Callable[..., Any], inputs: Sequence[Any]) -> Any:
        """Call the function with its own arguments, the inputs replaced."""
        leaves = list(self._leaves)
        for place, x in zip(self._places, inputs, strict=True):
            leaves[place] = x
        bound = inspect.BoundArguments(self.signature, self._rebuild(leaves))
        return f(*bound.args, **bound.kwargs)

    def read(self, args: Any, kwargs: Any) -> list[Any]:
        """The inputs among the arguments of another call; fixed arguments may be left out."""
        try:
            arguments = self.signature.bind_partial(*args, **kwargs).arguments
        except TypeError as error:
            raise ArgumentError(f"{self._who()}: {error}.") from None
        found = dict(zip(self._paths(arguments), flatten(arguments)[0], strict=True))
        missing = [name for name in self.names if name not in found]
        if missing:
            raise ArgumentError(f"{self._who()}: the input {missing[0]!r} is missing.")
        inputs = [found.pop(name) for name in self.names]
        for path, x in found.items():
            if path not in self.fixed:
                raise ArgumentError(
                    f"{self._who()}: there was no argument {path!r} when it was traced."
                )
            if not _same(x, self.fixed[path]):
                raise ArgumentError(
                    f"{self._who()}: {path}={x!r}, but {path}={self.fixed[path]!r} is part of the "
                    "graph. Only tensors and arrays may change: trace again with mg.trace."
                )
        return inputs

    def _who(self) -> str:
        return f"replay of {self.name}({', '.join(self.names)})"

    def _paths(self, arguments: dict[str, Any]) -> Iterator[str]:
        """A name per leaf, in the order of `flatten`."""
        for name, value in arguments.items():
            loose = self.signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD
            yield from _walk(value, "" if loose else name)


def _walk(tree: Any, path: str) -> Iterator[str]:
    if isinstance(tree, dict):
        parts: Any = tree.items()
    elif isinstance(tree, list | tuple):
        parts = zip(getattr(tree, "_fields", range(len(tree))), tree, strict=True)
    else:
        if tree is not None:
            yield path
        return
    for key, part in parts:
        yield from _walk(part, f"{path}.{key}" if path else str(key))


def output_paths(result: Any) -> list[str]:
    """A name per leaf of a result; "" for a single one."""
    return list(_walk(result, ""))


def _is_array(x: Any) -> bool:
    return isinstance(x, Tensor | np.ndarray) or (isinstance(x, np.generic) and x.dtype.kind == "f")


def _same(x: Any, y: Any) -> bool:
    if x is y:
        return True
    try:
        return type(x) is type(y) and bool(x == y)
    except (TypeError, ValueError):
        return False
