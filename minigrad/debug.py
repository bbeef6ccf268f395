"""Finding the first NaN: which operation made it, and from what.

The watch is a :class:`minigrad.context.Observer`: inside the block every operation and every step
of a backward or forward pass is looked at; outside nothing is, so it costs nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import context
from .context import Observer
from .errors import NonFiniteError
from .tensor import Tensor, at, describe

if TYPE_CHECKING:
    from .primitive import Primitive
    from .tensor import Node


@contextlib.contextmanager
def debug_nans() -> Iterator[None]:
    """Context manager and decorator: raise at the first operation that makes a NaN.

    Both passes are watched: an operation, and the derivative rule of an operation.  A NaN that
    comes in from outside is reported as such where it is first used.  NaN in data is allowed as
    long as it is masked (``mg.where(mg.isnan(x), 0.0, x)``).  NumPy's own warning about an invalid
    value is silent inside, because the error says more.

    Raises
    ------
    NonFiniteError
        Names the operation, shapes, the line, the first index and the numbers there.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([4.0, -1.0], requires_grad=True, name="x")
    >>> with mg.debug_nans():
    ...     y = mg.sqrt(x).sum()
    Traceback (most recent call last):
    minigrad.errors.NonFiniteError: `sqrt` made a NaN ... index [1], from -1.0...
    """
    watch = _Watch(context.current().observer)
    with context.surroundings(observer=watch), np.errstate(invalid="ignore"):
        yield


class _Watch(Observer):
    """Looks for NaN in every value and (co)tangent, and tells the observer before it, if any."""

    def __init__(self, before: Observer | None) -> None:
        self._before = before
        self._contributions: dict[Node, int] = {}

    def value(self, primitive: Primitive, inputs: Any, value: Any, node: Node | None) -> None:
        if self._before is not None:
            self._before.value(primitive, inputs, value, node)
        outs = value if primitive.outputs > 1 else (value,)
        for out in outs:
            index = _first_nan(out)
            if index is not None:
                raise NonFiniteError(_blame(primitive, inputs, np.asarray(out), index, node))

    def cotangent(self, node: Node, cotangent: Any) -> None:
        if self._before is not None:
            self._before.cotangent(node, cotangent)
        count = self._contributions.pop(node, 0)
        parts = cotangent if isinstance(cotangent, list) else [cotangent]
        if all(_first_nan(c) is None for c in parts if c is not None):
            return
        if count > 1:
            raise NonFiniteError(
                f"the cotangent of {_where(node)} is NaN: its {count} contributions hold no NaN, but "
                "infinities of both signs, and their sum is not defined. Look for the operation that "
                "makes the infinite derivative (a division by zero, a root or logarithm at zero)."
            )
        raise NonFiniteError(
            f"the cotangent that the backward pass of {_where(node)} started from is NaN already: no "
            "operation here made it. Look at what was given to backward() or to the pullback."
        )

    def contribution(self, node: Node, slot: int, parent: Node, cotangent: Any) -> None:
        if self._before is not None:
            self._before.contribution(node, slot, parent, cotangent)
        self._contributions[parent] = self._contributions.get(parent, 0) + 1
        self._rule(node, f"the backward rule of {_where(node)}", slot, cotangent, "cotangent")

    def tangent(self, node: Node, tangent: Any) -> None:
        if self._before is not None:
            self._before.tangent(node, tangent)
        for part in tangent if isinstance(tangent, tuple) else [tangent]:
            self._rule(node, f"the forward rule of {_where(node)}", None, part, "tangent")

    def _rule(self, node: Node, who: str, slot: int | None, found: Any, kind: str) -> None:
        index = None if found is None else _first_nan(found)
        if index is None:
            return
        place = "" if slot is None else f" for input {slot}"
        shape = _value(found).shape
        kept = [s for s in node.saved if isinstance(s, np.ndarray | float)]
        cause = f"What it was given holds no NaN{_numbers(kept, shape, index, '; numbers it kept: ')}."
        if any(_first_nan(s) is not None for s in kept):
            cause = "What the operation kept is NaN already: run the forward pass in the block, too."
        raise NonFiniteError(
            f"{who} made a NaN{place}: a {kind} {_value(found).dtype}{list(shape)}, first at index "
            f"{list(index)}. {cause}"
        )


def _blame(primitive: Primitive, inputs: Sequence[Any], value: Any, index: Any, node: Any) -> str:
    """The message for a NaN in the value of an operation."""
    place = f"at {_line() if node is None else at(node)}"
    rule = context.current().vjp_of
    if rule is not None:
        place += f", in the derivative of {_where(rule)}"
    found = "; ".join(f"input {i} is {describe(x)}" for i, x in enumerate(inputs))
    for i, x in enumerate(inputs):
        first = _first_nan(x)
        if first is not None:
            made = isinstance(x, Tensor) and not x.is_leaf
            source = "made outside of the block" if made else "data that came in with it"
            return (
                f"`{primitive.name}` ({place}) did not make this NaN: input {i} is NaN already, first "
                f"at index {list(first)}, {source}; {found}. Clean the data, or mask it with "
                "mg.where(mg.isnan(x), 0.0, x)."
            )
    count = int(np.isnan(value).sum())
    return (
        f"`{primitive.name}` made a NaN {place}: {count} of {value.size} elements of its result "
        f"{value.dtype}{list(value.shape)}, first at index {list(index)}"
        f"{_numbers(inputs, value.shape, index, ', from ')}. Inputs: {found}."
    )


def _numbers(inputs: Sequence[Any], shape: Any, index: Any, lead: str) -> str:
    """What stands in the inputs where the NaN is, as far as they have a value of that shape."""
    numbers = []
    for x in inputs:
        if isinstance(x, Tensor | np.ndarray | np.generic | float | int):
            try:
                numbers.append(repr(np.broadcast_to(_value(x), shape)[index].item()))
            except ValueError:
                return ""
    return lead + " and ".join(numbers) if numbers else ""


def _where(node: Node) -> str:
    return f"`{node.op}` (made at {at(node)})"


def _line() -> str:
    frame = context.user_frame(2)
    return f'"{frame.f_code.co_filename}", line {frame.f_lineno}'


def _value(x: Any) -> Any:
    return x._value if isinstance(x, Tensor) else np.asarray(x)


def _first_nan(x: Any) -> tuple[int, ...] | None:
    """The index of the first NaN."""
    value = _value(x)
    if value.dtype.kind != "f":
        return None
    found = np.isnan(value)
    return tuple(map(int, np.argwhere(found)[0])) if found.any() else None
