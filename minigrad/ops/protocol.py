"""NumPy's functions on tensors, beyond those with a namesake here.

Most of NumPy's functions find ours through the table that :func:`minigrad.primitive.public` fills.
Here are the others: questions about metadata, the methods of ufuncs, and why some are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..describe import describe, speaker
from ..errors import ShapeError
from ..primitive import public
from ..syntax import HINTS, PROTOCOL
from ..tensor import Tensor, operand
from .arguments import refuse_out
from .arithmetic import astype, identity
from .creation import zeros_like
from .cumulative import cummax, cummin, cumprod, cumsum
from .reduce import all, any, max, min, prod, sum
from .shape import reshape

# Metadata --------------------------------------------------------------------------------------


def _answers(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(answer: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            PROTOCOL[function] = answer
        return answer

    return register


@_answers(np.shape)
def _shape(a: Any) -> tuple[int, ...]:
    return operand(a).shape  # type: ignore[no-any-return]


@_answers(np.ndim)
def _ndim(a: Any) -> int:
    return operand(a).ndim  # type: ignore[no-any-return]


@_answers(np.size)
def _size(a: Any, axis: Any = None) -> int:
    return np.size(np.broadcast_to(False, operand(a).shape), axis)


@_answers(np.iscomplexobj)
def _is_complex(x: Any) -> bool:
    return False


@_answers(np.isrealobj)
def _is_real(x: Any) -> bool:
    return True


@_answers(np.result_type)
def _result_type(*arrays_and_dtypes: Any) -> Any:
    return np.result_type(*[x.dtype if isinstance(x, Tensor) else x for x in arrays_and_dtypes])


@_answers(np.can_cast)
def _can_cast(from_: Any, to: Any, casting: Any = "safe") -> bool:
    return np.can_cast(from_.dtype if isinstance(from_, Tensor) else from_, to, casting)


def _with_values(function: Any) -> None:
    """A question about values whose answer is no tensor: a trace is told that they leave."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        return function(*[_value(x) for x in args], **{name: _value(x) for name, x in kwargs.items()})

    answer.__name__ = function.__name__
    PROTOCOL[function] = answer


def _value(x: Any) -> Any:
    return x.numpy() if isinstance(x, Tensor) else x


for _function in (
    np.array_equal, np.array_equiv, np.allclose, np.array_repr, np.array_str, np.array2string,
):  # fmt: skip
    _with_values(_function)


# Complex numbers that happen to be real ------------------------------------------------------------


@_answers(np.real, np.conjugate, np.real_if_close)
def _real(val: Any) -> Any:
    return identity(val)


@_answers(np.imag)
def _imag(val: Any) -> Any:
    return zeros_like(val)


# Comparing values ----------------------------------------------------------------------------------


@public("isclose")
def isclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    """Element by element, whether two values are equal up to a tolerance; without a derivative.

    Parameters
    ----------
    a, b : array_like
    rtol, atol : float
        The tolerance is ``atol + rtol * abs(b)``.
    equal_nan : bool
        Whether NaN equals NaN.

    Returns
    -------
    Tensor of bool

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.isclose(mg.tensor([1.0, 2.0]), [1.0 + 1e-9, 2.1])
    tensor([ True, False])
    """
    try:
        found = np.isclose(_value(a), _value(b), _value(rtol), _value(atol), equal_nan)
    except ValueError as error:
        raise ShapeError(
            f"{speaker('isclose')}: a is {describe(a)}, b is {describe(b)}. NumPy says: {error}."
        ) from None
    return Tensor(np.asarray(found)) if isinstance(a, Tensor) or isinstance(b, Tensor) else found


@public("allclose")
def allclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all values are equal up to a tolerance.

    Parameters
    ----------
    a, b : array_like
    rtol, atol : float
        The tolerance is ``atol + rtol * abs(b)``.
    equal_nan : bool
        Whether NaN equals NaN.

    Returns
    -------
    bool

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.allclose(mg.tensor([1.0, 2.0]), [1.0 + 1e-9, 2.0])
    True
    """
    return bool(np.all(_value(isclose(a, b, rtol, atol, equal_nan))))


@public("array_equal")
def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    """Whether shapes and all values are equal.

    Parameters
    ----------
    a1, a2 : array_like
    equal_nan : bool
        Whether NaN equals NaN.

    Returns
    -------
    bool

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.array_equal(mg.tensor([1.0, 2.0]), [1.0, 2.0])
    True
    """
    return np.array_equal(_value(a1), _value(a2), equal_nan)


# Methods of ufuncs -----------------------------------------------------------------------------


def _reduce(function: Any) -> Callable[..., Any]:
    def reduce(
        array: Any,
        axis: Any = 0,
        dtype: Any = None,
        out: None = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = None,
    ) -> Any:
        refuse_out("reduce", out)
        x = operand(array) if dtype is None else astype(operand(array), dtype)
        given = {"initial": initial} if initial is not None else {}
        return function(
            x, axis=axis, keepdims=keepdims, where=None if where is True else where, **given
        )

    return reduce


def _accumulate(function: Any) -> Callable[..., Any]:
    def accumulate(array: Any, axis: int = 0, dtype: Any = None, out: None = None) -> Any:
        refuse_out("accumulate", out)
        return function(operand(array) if dtype is None else astype(operand(array), dtype), axis=axis)

    return accumulate


def _outer(function: Any) -> Callable[..., Any]:
    def outer(A: Any, B: Any, /) -> Any:
        x, y = operand(A), operand(B)
        return function(reshape(x, x.shape + (1,) * y.ndim), y)

    return outer


for _ufunc, _function in (
    (np.add, sum), (np.multiply, prod), (np.maximum, max), (np.minimum, min),
    (np.logical_and, all), (np.logical_or, any),
):  # fmt: skip
    PROTOCOL[_ufunc, "reduce"] = _reduce(_function)
for _ufunc, _function in (
    (np.add, cumsum), (np.multiply, cumprod), (np.maximum, cummax), (np.minimum, cummin),
):  # fmt: skip
    PROTOCOL[_ufunc, "accumulate"] = _accumulate(_function)
for _ufunc, _function in list(PROTOCOL.items()):
    if isinstance(_ufunc, np.ufunc) and _ufunc.nin == 2 and _ufunc.nout == 1 and not _ufunc.signature:
        PROTOCOL[_ufunc, "outer"] = _outer(_function)


# Refusals --------------------------------------------------------------------------------------

_IMMUTABLE = "Tensors are immutable: write x = x.at[index].set(v), and keep the result."
for _function in (
    np.copyto, np.put, np.put_along_axis, np.putmask, np.place, np.fill_diagonal,
):  # fmt: skip
    HINTS[_function] = _IMMUTABLE
for _function in (np.apply_along_axis, np.apply_over_axes):
    HINTS[_function] = "It calls Python per slice; write the calculation for whole arrays."
for _function in (np.angle, np.iscomplex, np.isreal):
    HINTS[_function] = "Complex numbers are out: work with real and imaginary parts."
HINTS["at"] = "Tensors are immutable: write x = x.at[index].add(v), .mul(v), .max(v), ..."
HINTS["reduceat"] = "Write it with mg.cumsum or x.at[index].add(v)."
