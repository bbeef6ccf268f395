"""New arrays like others: copies, and constants of the same shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..primitive import public
from ..tensor import Tensor, operand
from .arguments import checked_dtype
from .arithmetic import astype, identity
from .shape import broadcast_to


@public("copy")
def copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    """A copy; gradients flow through it.

    Parameters
    ----------
    a : array_like
    order, subok
        As in NumPy; without effect.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.copy(mg.tensor([1.0, 2.0]))
    tensor([1., 2.])
    """
    x = operand(a)
    return identity(x) if isinstance(x, Tensor) else np.array(x)


def _like(name: str, function: Any, a: Any, dtype: Any, shape: Any, device: Any) -> Any:
    if device not in (None, "cpu"):
        raise ArgumentError(f'{name}: device={device!r}; there is only "cpu".')
    a = operand(a)
    dtype = None if dtype is None else checked_dtype(name, dtype)
    made = function(a._value if isinstance(a, Tensor) else a, dtype=dtype, shape=shape)
    return Tensor(made) if isinstance(a, Tensor) else made


@public("full_like")
def full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    """An array of one's shape and dtype, filled with a value; a gradient goes to the value.

    Parameters
    ----------
    a : array_like
        Gives shape and dtype.
    fill_value : array_like
    dtype : dtype, optional
        Instead of a's.
    order, subok
        As in NumPy; without effect.
    shape : int or tuple of int, optional
        Instead of a's.
    device : {None, "cpu"}

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.full_like(mg.tensor([1.0, 2.0]), 7)
    tensor([7., 7.])
    """
    zeros = zeros_like(a, dtype, shape=shape, device=device)
    value = astype(operand(fill_value), zeros.dtype)
    filled = broadcast_to(value, zeros.shape)
    if isinstance(filled, Tensor) or not isinstance(zeros, Tensor):
        return filled if isinstance(filled, Tensor) else np.array(filled)
    return Tensor(np.array(filled))


def _declare(name: str, source: Any, words: str, example: str) -> Any:
    def function(
        a: Any,
        dtype: Any = None,
        order: str = "K",
        subok: bool = True,
        shape: Any = None,
        *,
        device: Any = None,
    ) -> Any:
        return _like(name, source, a, dtype, shape, device)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"{words} of another array's shape and dtype.\n\nParameters\n----------\na : array_like\n"
        "    Gives shape and dtype.\ndtype : dtype, optional\n    Instead of a's.\norder, subok\n"
        "    As in NumPy; without effect.\nshape : int or tuple of int, optional\n    Instead of a's.\n"
        'device : {None, "cpu"}\n\nReturns\n-------\nTensor\n\nExamples\n--------\n'
        f">>> import minigrad as mg\n{example}\n"
    )
    return public(name)(function)


zeros_like = _declare(
    "zeros_like", np.zeros_like, "Zeros", ">>> mg.zeros_like(mg.tensor([1.0, 2.0]))\ntensor([0., 0.])"
)
ones_like = _declare(
    "ones_like", np.ones_like, "Ones", ">>> mg.ones_like(mg.tensor([1.0, 2.0]))\ntensor([1., 1.])"
)
# Uninitialised memory would differ from run to run.
empty_like = _declare(
    "empty_like", np.zeros_like, "Any values (zeros)", ">>> mg.empty_like(mg.tensor([1.0])).shape\n(1,)"
)
