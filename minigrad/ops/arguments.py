"""Checks of arguments that many functions share."""

from __future__ import annotations

from typing import Any

from ..errors import ArgumentError, UnsupportedError
from ..tensor import describe
from .accumulate import normalize_axes


def refuse_out(name: str, out: Any) -> None:
    """NumPy's functions take an array to write into; tensors are never written into.

    Examples
    --------
    >>> refuse_out("sum", None)
    """
    if out is not None:
        raise UnsupportedError(
            f"{name}: out= is {describe(out)}, and tensors are immutable: leave out= away and use the "
            "result."
        )


def checked_axes(name: str, x: Any, axis: Any) -> tuple[int, ...]:
    """Axes as a sorted tuple of non-negative ints; None means all.

    Parameters
    ----------
    name : str
        The function, for the message.
    x : array_like
        What has the axes.
    axis : int, tuple of int or None

    Returns
    -------
    tuple of int

    Raises
    ------
    ArgumentError
        For an axis out of range, named twice, or no integer.

    Examples
    --------
    >>> import numpy as np
    >>> checked_axes("sum", np.ones((2, 3)), -1)
    (1,)
    """
    try:
        return normalize_axes(axis, x.ndim)
    except (IndexError, TypeError) as error:
        raise ArgumentError(f"{name}: {error}; axis={axis!r}, x is {describe(x)}.") from None


def checked_axis(name: str, x: Any, axis: Any, argument: str = "axis") -> int:
    """One axis as a non-negative int.

    Parameters
    ----------
    name : str
        The function, for the message.
    x : array_like
        What has the axis.
    axis : int
    argument : str
        What the function calls it.

    Returns
    -------
    int

    Raises
    ------
    ArgumentError
        For an axis out of range, or no integer.

    Examples
    --------
    >>> import numpy as np
    >>> checked_axis("flip", np.ones((2, 3)), -1)
    1
    """
    try:
        if axis is None or isinstance(axis, tuple | list):
            raise TypeError("one integer is needed")
        return normalize_axes(axis, x.ndim)[0]
    except (IndexError, TypeError) as error:
        raise ArgumentError(f"{name}: {error}; {argument}={axis!r}, x is {describe(x)}.") from None
