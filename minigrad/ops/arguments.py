"""Checks of arguments that many functions share."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..describe import speaker
from ..errors import ArgumentError, DtypeError, GradientError, UnsupportedError
from ..tensor import Tensor, describe
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
        raise ArgumentError(f"{speaker(name)}: {error}; axis={axis!r}, x is {describe(x)}.") from None


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
        raise ArgumentError(
            f"{speaker(name)}: {error}; {argument}={axis!r}, x is {describe(x)}."
        ) from None


def checked_integers(name: str, argument: str, given: Any) -> tuple[int, ...]:
    """An integer or integers, in a row.

    Parameters
    ----------
    name, argument : str
        The function and its argument, for the message.
    given : int or sequence of int

    Returns
    -------
    tuple of int

    Raises
    ------
    ArgumentError
        For anything else.

    Examples
    --------
    >>> checked_integers("roll", "shift", [1, -2])
    (1, -2)
    """
    try:
        return tuple([operator.index(n) for n in np.ravel(given)])
    except TypeError:
        raise ArgumentError(f"{name}: {argument}={given!r}; whole numbers are needed.") from None


def checked_dtype(name: str, dtype: Any) -> np.dtype[Any]:
    """A dtype.

    Parameters
    ----------
    name : str
        The function, for the message.
    dtype : dtype

    Returns
    -------
    numpy.dtype

    Raises
    ------
    DtypeError
        For what NumPy does not know as a dtype.

    Examples
    --------
    >>> checked_dtype("astype", float)
    dtype('float64')
    """
    try:
        return np.dtype(dtype)
    except TypeError as error:
        raise DtypeError(f"{speaker(name)}: dtype={dtype!r}: {error}.") from None


def as_data(name: str, argument: str, x: Any) -> Any:
    """The value of an argument that is data: where to look, how often, how far.

    Parameters
    ----------
    name, argument : str
        The function and its argument, for the message.
    x : array_like
        A tensor leaves the graph here; a trace is told.

    Returns
    -------
    ndarray, or x itself if it is no tensor

    Raises
    ------
    GradientError
        If x is tracked: its gradient would be cut in silence.

    Examples
    --------
    >>> import minigrad as mg
    >>> as_data("repeat", "repeats", mg.tensor([1, 2]))
    array([1, 2])
    """
    if not isinstance(x, Tensor):
        return x
    if x.requires_grad:
        raise GradientError(
            f"{name}: {argument} is data without a derivative, and it is {describe(x)}. Write "
            f"{argument}=x.detach() to leave the graph on purpose."
        )
    return x.numpy()
