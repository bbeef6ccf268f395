"""What there is to check in a file or a module, and how to mark it.

The convention: a function ``NAME_backward`` belongs to ``NAME`` or ``NAME_forward`` (and
``backward`` to ``forward``), with its inputs in ``NAME_inputs``; and every function marked with
:func:`checked` is checked.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from ..errors import ArgumentError
from .inputs import parse_inputs

MARK = "__minigrad_checked__"


@dataclass
class Found:
    """Something to check.

    Attributes
    ----------
    name : str
        As the user calls it.
    function : callable
        The function, or the forward of a pair.
    backward : callable or None
        Of a pair.
    inputs : object
        Arrays, a line of text, or a function without parameters that returns either.
    options : dict
        For the check.
    """

    name: str
    function: Callable[..., Any]
    backward: Callable[..., Any] | None = None
    inputs: Any = None
    options: dict[str, Any] = field(default_factory=dict)


def checked(
    inputs: Any = None, *, backward: Callable[..., Any] | None = None, **options: Any
) -> Callable[..., Any]:
    """Mark a function, so that ``minigrad check FILE.py`` checks it.

    Parameters
    ----------
    inputs : arrays, str or callable, optional
        As for :func:`minigrad.gradcheck`; or a line like ``"x=randn(16,5), n=3"``; or a function
        without parameters that returns them.  By default what ``--inputs`` says.
    backward : callable, optional
        Of a hand-written pair; without it, the function is one of minigrad's.
    **options
        For :func:`minigrad.gradcheck` or :func:`minigrad.check_pair`.

    Returns
    -------
    callable
        A decorator that gives the function back as it is.

    Examples
    --------
    >>> import minigrad as mg
    >>> @mg.checked("x=randn(4,3)", order=2)
    ... def energy(x):
    ...     return (x**2).sum()
    >>> energy(mg.tensor([1.0, 2.0])).item()
    5.0
    """
    if callable(inputs) and backward is None and not options and _has_parameters(inputs):
        function: Callable[..., Any] = checked()(inputs)  # @mg.checked without brackets
        return function

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        found = Found(getattr(function, "__name__", "function"), function, backward, inputs, options)
        setattr(function, MARK, found)
        return function

    return mark


def _has_parameters(function: Callable[..., Any]) -> bool:
    try:
        return bool(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return True


def find(module: ModuleType) -> list[Found]:
    """Everything in a module that is marked, or follows the convention.

    Examples
    --------
    >>> module = ModuleType("example")
    >>> exec("def f(x): return x**2\\ndef f_backward(x, dy): return 2*x*dy", module.__dict__)
    >>> [(found.name, found.backward is not None) for found in find(module)]
    [('f', True)]
    """
    names = vars(module)
    found: list[Found] = []
    for value in list(names.values()):
        mark = getattr(value, MARK, None)
        if isinstance(mark, Found) and mark not in found:
            found.append(mark)
    marked = [f.function for f in found] + [f.backward for f in found]
    for name, backward in list(names.items()):
        stem = "" if name == "backward" else name.removesuffix("_backward")
        if stem == name or not callable(backward) or backward in marked:
            continue
        candidates = [f"{stem}_forward", stem] if stem else ["forward"]
        forward = next((names[c] for c in candidates if callable(names.get(c))), None)
        if forward is None or forward in marked:
            continue
        inputs = names.get(f"{stem}_inputs" if stem else "inputs", names.get("inputs"))
        found.append(Found(stem or "forward", forward, backward, inputs))
    return found


def resolve_inputs(found: Found, line: str | None, seed: int, dtype: Any) -> Any:
    """The inputs of something found: from the command line, or its own."""
    inputs = found.inputs if line is None else line
    if callable(inputs) and not hasattr(inputs, "__array__"):
        inputs = inputs()
    if isinstance(inputs, str):
        inputs = parse_inputs(inputs, seed, dtype)
        if line is not None:
            inputs = _matching(found, inputs)
    if inputs is None:
        raise ArgumentError(
            f"{found.name}: what are its inputs? Define {found.name}_inputs = (array, ...) or a "
            f"function of that name beside it, or say --inputs "
            f'"{", ".join(f"{p}=randn(4,3)" for p in _parameters(found))}".'
        )
    return inputs


def _matching(found: Found, inputs: dict[str, Any]) -> dict[str, Any]:
    """Inputs from the command line, in the order of the function's parameters."""
    parameters = _parameters(found, everything=True)
    if not parameters:
        return inputs  # no names to go by: in the order in which they were written
    unknown = [name for name in inputs if name not in parameters]
    if unknown:
        raise ArgumentError(
            f"--inputs gives {', '.join(map(repr, unknown))}, and {found.name} takes "
            f"{', '.join(parameters)}."
        )
    return {name: inputs[name] for name in parameters if name in inputs}


def _parameters(found: Found, everything: bool = False) -> list[str]:
    try:
        parameters = inspect.signature(found.function).parameters.values()
    except (TypeError, ValueError):
        return [] if everything else ["x"]
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    plain = [p for p in parameters if p.kind in kinds]
    return [p.name for p in plain if everything or p.default is p.empty] or ["x"]
