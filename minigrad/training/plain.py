"""Python's values as JSON and back: tuples, arrays and numbers of any size come back as they were."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from ..errors import ArgumentError

_TUPLE, _ARRAY = "__tuple__", "__array__"


def to_text(value: Any) -> str:
    """Write a value as JSON.

    Parameters
    ----------
    value : object
        Numbers, text, None, arrays; lists, tuples and dicts (with text for keys) of them.

    Raises
    ------
    ArgumentError
        For anything else; the message says where it is.

    Examples
    --------
    >>> to_text({"betas": (0.9, 0.999)})
    '{"betas": {"__tuple__": [0.9, 0.999]}}'
    >>> from_text(to_text({"betas": (0.9, 0.999), "seed": 2**100}))
    {'betas': (0.9, 0.999), 'seed': 1267650600228229401496703205376}
    """
    return json.dumps(_encode(value, "the state"))


def from_text(text: str) -> Any:
    """Read what :func:`to_text` wrote.

    Examples
    --------
    >>> from_text('{"a": [1, NaN]}')
    {'a': [1, nan]}
    """
    return json.loads(text, object_hook=_decode)


def _encode(value: Any, where: str) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return {_ARRAY: value.tolist(), "dtype": value.dtype.str}
    if isinstance(value, tuple):
        return {_TUPLE: [_encode(v, f"{where}[{i}]") for i, v in enumerate(value)]}
    if isinstance(value, list):
        return [_encode(v, f"{where}[{i}]") for i, v in enumerate(value)]
    if isinstance(value, dict) and all(isinstance(k, str) for k in value):
        return {k: _encode(v, f"{where}[{k!r}]") for k, v in value.items()}
    raise ArgumentError(
        f"fit: {where} is {type(value).__name__} {value!r}, which a checkpoint cannot hold; it holds "
        "numbers, text, arrays, and lists, tuples and dicts of them."
    )


def _decode(found: dict[str, Any]) -> Any:
    if found.keys() == {_TUPLE}:
        return tuple(found[_TUPLE])
    if found.keys() == {_ARRAY, "dtype"}:
        return np.array(found[_ARRAY], dtype=found["dtype"])
    return found
