"""The words of error messages: what a value is, where it was made, what went wrong with it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import CodeType
from typing import Any

import numpy as np

from .context import INTERNAL
from .errors import ArgumentError, DtypeError, LinAlgError, MinigradError, ShapeError


def at(node: Any) -> str:
    """Where the user made a node, for messages."""
    file, line = node.location
    return f'"{file}", line {line}'


def describe(x: Any) -> str:
    """One phrase for messages: dtype, shape, name, and the line where it was made."""
    tracked = hasattr(x, "_value")  # a Tensor, without importing one
    value = x._value if tracked else x
    if isinstance(value, bool | int | float | complex):
        return f"the Python {type(value).__name__} {value!r}"
    value = np.asarray(value)
    text = f"{value.dtype}{list(value.shape)}"
    if not tracked:
        return f"a plain array {text}"
    if x.name is not None:
        text += f" {x.name!r}"
    if x._node is not None:
        text += f" made by `{x._node.op}` at {at(x._node)}"
    return f"a tensor {text}"


def speaker(name: str) -> str:
    """A function's name for a message, behind that of the public one the user called, if another.

    ``hstack: concatenate`` says that `concatenate` complains, which `hstack` called.
    """
    from .syntax import FUNCTIONS, PROTOCOL

    public = {function: key for key, function in [*FUNCTIONS.items()][::-1]}
    for function in PROTOCOL.values():  # those of np.linalg, too
        public.setdefault(function, getattr(function, "__name__", "_"))
    by_code: dict[CodeType, list[Any]] = {}
    for function in public:
        by_code.setdefault(getattr(function, "__code__", speaker.__code__), []).append(function)
    outer, frame = None, sys._getframe(1)
    while INTERNAL[frame.f_code.co_filename]:
        made = by_code.get(frame.f_code, ())
        if len(made) == 1 and public[made[0]][0] != "_":  # functions that another makes share code
            outer = made[0]
        if frame.f_back is None:
            break
        frame = frame.f_back
    if outer is None or public[outer] == name or outer is FUNCTIONS.get(name):
        return name
    return f"{public[outer]}: {name}"


def explain(primitive: Any, inputs: Sequence[Any], error: Exception) -> Exception:
    """Turn NumPy's complaint into one that names the op, the shapes and the lines."""
    if isinstance(error, MinigradError):
        return error
    found = "; ".join(f"input {i} is {describe(x)}" for i, x in enumerate(inputs))
    by_type: Any = {
        IndexError: ArgumentError, TypeError: DtypeError, np.linalg.LinAlgError: LinAlgError,
    }  # fmt: skip
    kind = next((ours for theirs, ours in by_type.items() if isinstance(error, theirs)), ShapeError)
    hint = ""
    if "broadcast" in str(error):
        hint = (
            " Two shapes fit when, read from the right, each pair of sizes is equal or one of them "
            "is 1: insert axes with x[:, None] or x.reshape(...)."
        )
    return kind(f"{speaker(primitive.name)}: {found}. NumPy says: {error}.{hint}")


def refuse(primitive: Any, inputs: Sequence[Any], value: Any) -> DtypeError:
    """The error for a result that no tensor can hold."""
    found = "; ".join(f"input {i} is {describe(x)}" for i, x in enumerate(inputs))
    return DtypeError(
        f"{speaker(primitive.name)} gave {value.dtype} values, which tensors do not hold ({found}). "
        "Complex numbers are out: work with real and imaginary parts."
    )
