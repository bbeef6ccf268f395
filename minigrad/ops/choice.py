"""Choices, element by element: one of several values, by a condition or by size; and their kinks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..primitive import bind, elementwise, public
from ..tensor import FLOATING, FUNCTIONS, operand
from .arguments import refuse_out
from .docstring import document
from .logic import isnan, isneginf, isposinf, sign, signbit
from .samples import binary, unary

# By a condition --------------------------------------------------------------------------------


def _where_samples(rng: np.random.Generator) -> Any:
    for (x, y), _ in binary()(rng):
        yield (rng.random(np.broadcast_shapes(x.shape, y.shape)) < 0.5, x, y), {}


_BITS = {"f": np.int32, "d": np.int64}


def _choose(condition: Any, x: Any, y: Any) -> Any:
    """``np.where``; with 0 for one branch by the numbers' bits, up to fourteen times as fast.

    NumPy jumps at every element, and a processor cannot foresee the jumps of random signs.
    """
    zero_last = _is_zero(y)
    kept = x if zero_last else y if _is_zero(x) else None
    if (
        kept.__class__ is not np.ndarray
        or condition.__class__ is not np.ndarray
        or kept.dtype.char not in _BITS
        or condition.dtype.kind != "b"
        or condition.shape != kept.shape
        or not kept.size > 512
        or not (kept.flags.c_contiguous and kept.dtype.isnative)
    ):
        return np.where(condition, x, y)
    bits = _BITS[kept.dtype.char]
    mask = condition.astype(bits, order="C")
    if zero_last:
        np.negative(mask, out=mask)  # all bits set where the condition is true
    else:
        mask -= 1
    mask &= kept.view(bits)
    return mask.view(kept.dtype)


def _is_zero(x: Any) -> bool:
    return x.__class__ is float and x == 0.0 and math.copysign(1.0, x) > 0


_where = elementwise(
    "where",
    _choose,
    None,
    lambda t, condition, _x, _y, _out: where(condition, t, 0.0),
    lambda t, condition, _x, _y, _out: where(condition, 0.0, t),
    formula=r"c\;?\;x : y",
    vjp_formula=r"(g\,[c],\; g\,[\lnot c])",
    samples=_where_samples,
    kink="nothing leaks from the branch not taken, not even NaN",
    doc="",
).primitive  # type: ignore[attr-defined]


@public("where")
def where(condition: Any, x: Any = None, y: Any = None, /) -> Any:
    """Choose by a condition: x where it is true, y elsewhere.

    Parameters
    ----------
    condition : array_like
    x, y : array_like, optional
        Any shapes that broadcast with it.  With the condition alone, this is :func:`nonzero`.

    Returns
    -------
    Tensor
        Of the broadcast shape; a plain array for plain arrays.

    Raises
    ------
    ArgumentError
        If only one of x and y is given.

    Notes
    -----
    The cotangent of the branch not taken is exactly 0.  A NaN made *before* `where` by that
    branch's own derivative (0 times infinity) needs a safe argument there: the double-where trick.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.where([True, False], mg.tensor([1.0, 2.0]), 0.0)
    tensor([1., 0.])
    """
    if x is None or y is None:
        if x is y:
            return FUNCTIONS["nonzero"](condition)
        raise ArgumentError("where: x and y come together; one is missing.")
    plain = x.__class__ is condition.__class__ is np.ndarray  # in a rule
    if plain and _is_zero(y) and x.shape == condition.shape and x.dtype in FLOATING:
        return _choose(condition, x, y)
    return bind(_where, (condition, x, y))


_where.function = where


def nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    """Replace NaN and infinities by numbers; no gradient passes where it did.

    Parameters
    ----------
    x : array_like
    copy : bool
        As in NumPy; without effect, because tensors are immutable.
    nan, posinf, neginf : array_like
        The replacements; by default 0 and the largest and smallest number of the dtype.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nan_to_num(mg.tensor([np.nan, np.inf, 1.0]), posinf=9.0)
    tensor([0., 9., 1.])
    """
    x = operand(x)
    if x.dtype.kind != "f":
        return x
    limits = np.finfo(x.dtype)
    x = where(isnan(x), nan, x)
    x = where(isposinf(x), limits.max if posinf is None else posinf, x)
    return where(isneginf(x), limits.min if neginf is None else neginf, x)


public("nan_to_num")(nan_to_num)


# By sign -----------------------------------------------------------------------------------------


def _abs(x: Any) -> Any:
    # Analytic, unlike np.abs: a complex step keeps its imaginary part.
    return np.where(x.real < 0, -x, x) if np.iscomplexobj(x) else np.abs(x)


absolute = elementwise(
    "abs",
    _abs,
    lambda t, x, _out: t * sign(x),
    function="absolute",
    formula=r"|x|",
    vjp_formula=r"g\,\operatorname{sign} x",
    samples=unary(apart=0.1),
    kink="derivative 0 at 0",
    doc=document("Absolute value.", ">>> mg.absolute(mg.tensor([-3.0]))\ntensor([3.])"),
)
public("fabs")(absolute)

relu = elementwise(
    "relu",
    lambda x: np.maximum(x, 0),
    lambda t, _x, out: where(out > 0, t, 0.0),  # not a product: 0 * inf is NaN
    formula=r"\max(x, 0)",
    vjp_formula=r"g\,[x > 0]",
    samples=unary(apart=0.1),
    kink="derivative 0 at 0",
    doc=document(
        "Rectifier: the positive part.", ">>> mg.relu(mg.tensor([-3.0, 3.0]))\ntensor([0., 3.])"
    ),
)


def _copysign(x: Any, y: Any) -> Any:
    if np.iscomplexobj(x) or np.iscomplexobj(y):
        return np.where(np.signbit(np.real(x)) == np.signbit(np.real(y)), x, -x)
    return np.copysign(x, y)


copysign = elementwise(
    "copysign",
    _copysign,
    lambda t, x, y, _out: where(signbit(x) == signbit(y), t, -t),
    None,
    formula=r"|x|\operatorname{sign} y",
    vjp_formula=r"\left(g\operatorname{sign}(x)\operatorname{sign}(y),\; 0\right)",
    samples=binary(apart=0.1),
    kink="zeros have signs: the derivative is 1 or -1 also there",
    doc=document(
        "The size of x with the sign of y.",
        ">>> mg.copysign(mg.tensor([1.0, -2.0]), -1.0)\ntensor([-1., -2.])",
        "x, y",
    ),
)


def _heaviside(x: Any, y: Any) -> Any:
    if np.iscomplexobj(x) or np.iscomplexobj(y):
        return np.where(np.real(x) == 0, y, np.heaviside(np.real(x), 0.0))
    return np.heaviside(x, y)


heaviside = elementwise(
    "heaviside",
    _heaviside,
    None,
    lambda t, x, _y, _out: where(x == 0, t, 0.0),
    formula=r"[x > 0] + y\,[x = 0]",
    vjp_formula=r"(0,\; g\,[x = 0])",
    samples=binary(apart=0.1),
    kink="derivative 0 in x everywhere, also at the step",
    doc=document(
        "Step function; y is its value at x = 0.",
        ">>> mg.heaviside(mg.tensor([-1.0, 0.0, 1.0]), 0.5)\ntensor([0. , 0.5, 1. ])",
        "x, y",
    ),
)


# By size -----------------------------------------------------------------------------------------


def _larger(t: Any, x: Any, y: Any) -> Any:
    """t where x > y, half of it where they are equal, else 0."""
    return where(x == y, t * 0.5, where(x > y, t, 0.0))


maximum = elementwise(
    "maximum",
    np.maximum,
    lambda t, x, y, _out: _larger(t, x, y),
    lambda t, x, y, _out: _larger(t, y, x),
    formula=r"\max(x, y)",
    vjp_formula=r"(g\,[x > y],\; g\,[y > x]),\ \text{half each at ties}",
    samples=binary(),
    kink="ties are split evenly",
    doc=document(
        "Larger of two.", ">>> mg.maximum(mg.tensor([1.0, 5.0]), 3.0)\ntensor([3., 5.])", "x, y"
    ),
)

minimum = elementwise(
    "minimum",
    np.minimum,
    lambda t, x, y, _out: _larger(t, y, x),
    lambda t, x, y, _out: _larger(t, x, y),
    formula=r"\min(x, y)",
    vjp_formula=r"(g\,[x < y],\; g\,[y < x]),\ \text{half each at ties}",
    samples=binary(),
    kink="ties are split evenly",
    doc=document(
        "Smaller of two.", ">>> mg.minimum(mg.tensor([1.0, 5.0]), 3.0)\ntensor([1., 3.])", "x, y"
    ),
)


def _larger_number(t: Any, x: Any, y: Any) -> Any:
    """As `_larger`, but a number wins against NaN."""
    return where(isnan(y) & ~isnan(x), t, _larger(t, x, y))


fmax = elementwise(
    "fmax",
    np.fmax,
    lambda t, x, y, _out: _larger_number(t, x, y),
    lambda t, x, y, _out: _larger_number(t, y, x),
    formula=r"\max(x, y),\ \text{a number before NaN}",
    vjp_formula=r"(g\,[x > y],\; g\,[y > x]),\ \text{half each at ties}",
    samples=binary(),
    kink="ties are split evenly; next to NaN the number has derivative 1",
    doc=document(
        "Larger of two, ignoring NaN where the other is a number.",
        ">>> mg.fmax(mg.tensor([1.0, np.nan]), 3.0)\ntensor([3., 3.])",
        "x, y",
    ),
)

fmin = elementwise(
    "fmin",
    np.fmin,
    lambda t, x, y, _out: _larger_number(t, -x, -y),
    lambda t, x, y, _out: _larger_number(t, -y, -x),
    formula=r"\min(x, y),\ \text{a number before NaN}",
    vjp_formula=r"(g\,[x < y],\; g\,[y < x]),\ \text{half each at ties}",
    samples=binary(),
    kink="ties are split evenly; next to NaN the number has derivative 1",
    doc=document(
        "Smaller of two, ignoring NaN where the other is a number.",
        ">>> mg.fmin(mg.tensor([1.0, np.nan]), 3.0)\ntensor([1., 3.])",
        "x, y",
    ),
)


def _clip_samples(rng: np.random.Generator) -> Any:
    for (x, y), _ in binary()(rng):
        low = y - rng.uniform(0.2, 1.5, y.shape)
        yield (x, low, y + 0.3), {}
        yield (x, -0.7, 0.9), {}


_clip = elementwise(
    "clip",
    np.clip,
    lambda t, x, low, high, _out: where((low <= x) & (x <= high), t, 0.0),
    lambda t, x, low, high, _out: where((x < low) & (low <= high), t, 0.0),
    lambda t, x, low, high, _out: where((x > high) | (low > high), t, 0.0),
    formula=r"\min(\max(x, a), b)",
    vjp_formula=r"(g\,[a \le x \le b],\; g\,[x < a],\; g\,[x > b])",
    samples=_clip_samples,
    kink="at a bound the derivative belongs to x: 1 there, 0 for the bound",
    doc="",
).primitive  # type: ignore[attr-defined]


@public("clip", aliases=("clamp",))
def clip(
    a: Any, a_min: Any = None, a_max: Any = None, out: None = None, *, min: Any = None, max: Any = None
) -> Any:
    """Bring what lies outside of an interval to its bounds.

    Parameters
    ----------
    a : array_like
    a_min, a_max : array_like, optional
        The bounds; None for none.
    out : None
        Not supported: tensors are immutable.
    min, max : array_like, optional
        Other names of the bounds.

    Returns
    -------
    Tensor

    Raises
    ------
    ArgumentError
        If a bound is given under both names.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.clip(mg.tensor([-2.0, 0.5, 2.0]), -1.0, 1.0)
    tensor([-1. ,  0.5,  1. ])
    """
    refuse_out("clip", out)
    for old, new, given, again in (("a_min", "min", a_min, min), ("a_max", "max", a_max, max)):
        if given is not None and again is not None:
            raise ArgumentError(f"clip: {old}= and {new}= are the same bound; give one of them.")
    x, low, high = operand(a), min if a_min is None else a_min, max if a_max is None else a_max
    if x.dtype in FLOATING:
        return bind(_clip, (x, -np.inf if low is None else low, np.inf if high is None else high))
    x = x if low is None else maximum(x, low)
    return x if high is None else minimum(x, high)


_clip.function = clip
