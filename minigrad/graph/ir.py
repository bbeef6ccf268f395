"""What a graph is made of: values, the equations that make them, and Python scalars.

Everything refers to values by number, never by reference: a chain of a million
equations is flat, and nothing here recurses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..primitive import Primitive
from ..tensor import Array, Shape, Tensor

Kind = Literal["input", "parameter", "constant", "result"]
Location = tuple[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """An array in a graph.

    Attributes
    ----------
    id : int
        Its place in ``Graph.values``.
    kind : {"input", "parameter", "constant", "result"}
        An argument; a tracked tensor that the function reached by closure; an array that
        nobody tracks; or what an equation makes.
    name : str or None
        As the user gave it.  :attr:`Graph.labels` has a unique one for every value.
    shape, dtype
        Of the array.
    scope : tuple of str
        Names of the scopes around it, outermost first.
    location : (str, int)
        The user's file and line.
    array : ndarray or None
        A constant's value; that of any value, if values were kept.
    tensor : Tensor or None
        A parameter's tensor: replaying reads its present value and passes gradients to it.
    cotangent_of : tuple of int
        The values whose complete cotangent this is.
    tangent_of : tuple of int
        The values whose tangent this is.
    part_of : tuple of int
        The values to whose cotangent this is one of several contributions.
    """

    id: int
    kind: Kind
    name: str | None
    shape: Shape
    dtype: np.dtype[Any]
    scope: tuple[str, ...] = ()
    location: Location = ("", 0)
    array: Array | None = None
    tensor: Tensor | None = None
    cotangent_of: tuple[int, ...] = ()
    tangent_of: tuple[int, ...] = ()
    part_of: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Scalar:
    """A Python number among the inputs of an equation; it does not widen a dtype."""

    value: bool | int | float


@dataclass(frozen=True, slots=True, eq=False)
class Equation:
    """One application of a primitive.

    Attributes
    ----------
    index : int
        Its place in ``Graph.equations``.
    primitive : Primitive
        What is applied.
    inputs : tuple of (int or Scalar)
        Per slot the number of a value, or a Python scalar.  ``a * a`` has two slots.
    outputs : tuple of (int or None)
        The numbers of the values it makes; None for an output that nobody uses.
    params : mapping
        Static parameters (axis, shape, ...).
    scope : tuple of str
        Names of the scopes around it, outermost first.
    location : (str, int)
        The user's file and line.
    vjp_of : int or None
        For an equation of a derivative: the equation whose rule made it.
    order : int
        0 for the function itself, 1 for a derivative, 2 for a derivative of a derivative.
    recording : bool
        False under ``no_grad``: no derivative passes.
    """

    index: int
    primitive: Primitive
    inputs: tuple[int | Scalar, ...]
    outputs: tuple[int | None, ...]
    params: Mapping[str, Any]
    scope: tuple[str, ...] = ()
    location: Location = ("", 0)
    vjp_of: int | None = None
    order: int = 0
    recording: bool = True

    @property
    def op(self) -> str:
        """The primitive's name."""
        return self.primitive.name
