"""Parameter: a leaf that a module owns and an optimizer rebinds."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DtypeError
from ..tensor import FLOATING, Leaf, Tensor, describe


class Parameter(Tensor):
    """A leaf tensor that registers itself where a :class:`Module` keeps it.

    Parameters
    ----------
    data : array_like
        Its first value.
    requires_grad : bool
        Whether gradients are wanted.

    Raises
    ------
    DtypeError
        For integers and booleans.

    Examples
    --------
    >>> import minigrad as mg
    >>> weight = mg.nn.Parameter([1.0, 2.0])
    >>> (weight**2).sum().backward()
    >>> weight.grad
    tensor([2., 4.])
    >>> weight.data = weight.data - 0.5 * weight.grad.data
    >>> weight
    Parameter(tensor([0., 0.], requires_grad=True))
    """

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        value = np.array(data._value if isinstance(data, Tensor) else data)
        if value.dtype not in FLOATING:
            raise DtypeError(f"Parameter: data must be floating, and it is {describe(value)}.")
        super().__init__(value, Leaf(value, True) if requires_grad else None)

    def convert(self, dtype: Any) -> None:
        """Change the dtype of the value and of the gradient; the object stays the same."""
        if self.dtype == dtype:
            return
        grad, name, tracked = self.grad, self.name, self.requires_grad
        self._value = self._value.astype(dtype)
        self._node = Leaf(self._value, True) if tracked else None
        self.name = name
        if grad is not None:
            self.grad = Tensor(grad._value.astype(dtype))

    def __repr__(self) -> str:
        return f"Parameter({super().__repr__()})"

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        copy = Parameter(self._value, self.requires_grad)
        copy.name = self.name
        if self.grad is not None:
            copy.grad = Tensor(self.grad._value)
        return copy

    def __reduce__(self) -> Any:
        return _rebuild, (self._value, self.requires_grad, self.name)


def _rebuild(value: Any, requires_grad: bool, name: str | None) -> Parameter:
    made = Parameter(value, requires_grad)
    made.name = name
    return made
