"""Inputs described in a line of text: ``x=randn(16,5), gamma=uniform(.5,1.5,5)``.

The line is read, never run: only the functions below and plain values are understood.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError
from . import sampling

Draw = Callable[..., Any]

FUNCTIONS: dict[str, tuple[str, Draw]] = {
    "randn": ("randn(16,5): standard normal", lambda rng, *shape: rng.standard_normal(shape)),
    "rand": ("rand(16,5): uniform in [0, 1)", lambda rng, *shape: rng.random(shape)),
    "normal": (
        "normal(mean,std,16,5)",
        lambda rng, mean, std, *shape: mean + std * rng.standard_normal(shape),
    ),
    "uniform": (
        "uniform(low,high,16,5)",
        lambda rng, low, high, *shape: rng.uniform(low, high, shape),
    ),
    "integers": (
        "integers(low,high,16): high excluded; data without gradients",
        lambda rng, low, high, *shape: rng.integers(low, high, shape),
    ),
    "permutation": ("permutation(16)", lambda rng, n: rng.permutation(n)),
    "zeros": ("zeros(16,5)", lambda rng, *shape: np.zeros(shape)),
    "ones": ("ones(16,5)", lambda rng, *shape: np.ones(shape)),
    "full": ("full(value,16,5)", lambda rng, value, *shape: np.full(shape, float(value))),
    "arange": ("arange(16)", lambda rng, *bounds: np.arange(*bounds, dtype=float)),
    "linspace": ("linspace(low,high,16)", lambda rng, low, high, n: np.linspace(low, high, n)),
    "eye": ("eye(5)", lambda rng, n: np.eye(n)),
}


def parse_inputs(text: str, seed: int = 0, dtype: Any = None) -> dict[str, Any]:
    """Read a line that describes inputs.

    Parameters
    ----------
    text : str
        ``name=value`` pairs with commas between them.  A value is a call of one of the functions
        above, a number, a list of numbers, or text in quotes.
    seed : int
        Of the random numbers.
    dtype : dtype, optional
        Of floating arrays.

    Returns
    -------
    dict

    Raises
    ------
    ArgumentError
        If the line cannot be read; the message shows what can be written.

    Examples
    --------
    >>> found = parse_inputs("x=randn(4,3), labels=integers(0,3,4), eps=1e-5, mode='train'")
    >>> {name: getattr(value, "shape", value) for name, value in found.items()}
    {'x': (4, 3), 'labels': (4,), 'eps': 1e-05, 'mode': 'train'}
    """
    try:
        call = ast.parse(f"inputs({text})", mode="eval").body
    except SyntaxError:
        raise _unreadable(text, "it is not a list of name=value") from None
    if not isinstance(call, ast.Call) or call.args or not call.keywords:
        raise _unreadable(text, "every input needs a name")
    found: dict[str, Any] = {}
    for number, keyword in enumerate(call.keywords):
        if keyword.arg is None:
            raise _unreadable(text, "** has no meaning here")
        rng = sampling.generator(seed, "inputs", number)
        value = _value(keyword.value, rng, text)
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and dtype is not None:
            value = value.astype(dtype)
        found[keyword.arg] = value
    return found


def _value(node: ast.expr, rng: np.random.Generator, text: str) -> Any:
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
        if name not in FUNCTIONS or node.keywords:
            raise _unreadable(text, f"{ast.unparse(node)!r} is none of the functions below")
        arguments = [_literal(a, text) for a in node.args]
        try:
            return np.asarray(FUNCTIONS[name][1](rng, *arguments))
        except (TypeError, ValueError, MemoryError) as error:
            raise _unreadable(text, f"{ast.unparse(node)} does not work: {error}") from None
    value = _literal(node, text)
    if isinstance(value, list | tuple):
        try:
            return np.array(value, dtype=float)
        except (TypeError, ValueError):
            raise _unreadable(text, f"{ast.unparse(node)} is not a list of numbers") from None
    return value


def _literal(node: ast.expr, text: str) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise _unreadable(text, f"{ast.unparse(node)!r} is not a plain value") from None


def _unreadable(text: str, why: str) -> ArgumentError:
    return ArgumentError(
        f"inputs {text!r} cannot be read: {why}. Write for example "
        f'"x=randn(16,5), gamma=uniform(.5,1.5,5), eps=1e-5". There are {", ".join(FUNCTIONS)}; '
        "numbers, [1.0, 2.0], 'text'."
    )
