"""Questions and roundings, element by element: no derivative, zero on purpose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import DtypeError
from ..primitive import bind, nondifferentiable, public
from ..tensor import describe, operand
from .arguments import checked_integers, refuse_out
from .docstring import document
from .samples import binary, unary


def _binary(name: str, ufunc: Any, formula: str, summary: str, example: str) -> Callable[..., Any]:
    return nondifferentiable(
        name,
        ufunc,
        formula=formula,
        samples=binary(apart=0.5),
        doc=document(f"{summary}; without a derivative.", example, "x, y"),
    )


def _unary(
    name: str, ufunc: Any, formula: str, summary: str, example: str, **declared: Any
) -> Callable[..., Any]:
    return nondifferentiable(
        name,
        ufunc,
        formula=formula,
        samples=unary(apart=0.1),
        doc=document(f"{summary}; without a derivative.", example),
        **declared,
    )


# Comparisons -----------------------------------------------------------------------------------

_EXAMPLE = ">>> mg.{}(mg.tensor([1.0, 2.0]), 2.0)\ntensor([{}])"

equal = _binary(
    "equal", np.equal, "x = y", "Whether x equals y", _EXAMPLE.format("equal", "False,  True")
)
not_equal = _binary(
    "not_equal", np.not_equal, r"x \ne y", "Whether x differs from y",
    _EXAMPLE.format("not_equal", " True, False"),
)  # fmt: skip
less = _binary(
    "less", np.less, "x < y", "Whether x is below y", _EXAMPLE.format("less", " True, False")
)
less_equal = _binary(
    "less_equal", np.less_equal, r"x \le y", "Whether x is at most y",
    _EXAMPLE.format("less_equal", " True,  True"),
)  # fmt: skip
greater = _binary(
    "greater", np.greater, "x > y", "Whether x is above y", _EXAMPLE.format("greater", "False, False")
)
greater_equal = _binary(
    "greater_equal", np.greater_equal, r"x \ge y", "Whether x is at least y",
    _EXAMPLE.format("greater_equal", "False,  True"),
)  # fmt: skip


# Logic -----------------------------------------------------------------------------------------

logical_and = _binary(
    "logical_and", np.logical_and, r"x \land y", "Whether both are true",
    ">>> mg.logical_and([True, True], mg.tensor([True, False]))\ntensor([ True, False])",
)  # fmt: skip
logical_or = _binary(
    "logical_or", np.logical_or, r"x \lor y", "Whether one is true, or both",
    ">>> mg.logical_or([True, False], mg.tensor([False, False]))\ntensor([ True, False])",
)  # fmt: skip
logical_xor = _binary(
    "logical_xor", np.logical_xor, r"x \oplus y", "Whether exactly one is true",
    ">>> mg.logical_xor([True, False], mg.tensor([True, True]))\ntensor([False,  True])",
)  # fmt: skip
logical_not = _unary(
    "logical_not", np.logical_not, r"\lnot x", "Whether x is false",
    ">>> mg.logical_not(mg.tensor([True, False]))\ntensor([False,  True])",
)  # fmt: skip


def _of_booleans(name: str, logical: Callable[..., Any], what: str, example: str) -> Callable[..., Any]:
    """What Python's ``&``, ``|``, ``^`` and ``~`` mean: logic, for booleans only."""

    def function(*inputs: Any) -> Any:
        for i, x in enumerate(inputs):
            if operand(x).dtype.kind != "b":
                raise DtypeError(
                    f"{name}: input {i} is {describe(x)}; tensors do logic on booleans, and the bits "
                    "of other numbers are not recorded. Compare first, (x > 0), or use x.numpy()."
                )
        return logical(*inputs)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = document(f"{what}; for booleans only.", example, "x, y" if "y" in what else "x")
    return public(name)(function)


bitwise_and = _of_booleans(
    "bitwise_and", logical_and, "The operator ``x & y``: whether both are true",
    ">>> mg.bitwise_and(mg.tensor([True, True]), [True, False])\ntensor([ True, False])",
)  # fmt: skip
bitwise_or = _of_booleans(
    "bitwise_or", logical_or, "The operator ``x | y``: whether one is true, or both",
    ">>> mg.bitwise_or(mg.tensor([True, False]), [False, False])\ntensor([ True, False])",
)  # fmt: skip
bitwise_xor = _of_booleans(
    "bitwise_xor", logical_xor, "The operator ``x ^ y``: whether exactly one is true",
    ">>> mg.bitwise_xor(mg.tensor([True, False]), [True, True])\ntensor([False,  True])",
)  # fmt: skip
invert = _of_booleans(
    "invert", logical_not, "The operator ``~x``: whether x is false",
    ">>> mg.invert(mg.tensor([True, False]))\ntensor([False,  True])",
)  # fmt: skip


# What kind of number -----------------------------------------------------------------------------

isnan = _unary(
    "isnan", np.isnan, r"x = \mathrm{NaN}", "Whether x is not a number",
    ">>> mg.isnan(mg.tensor([np.nan, 1.0]))\ntensor([ True, False])",
)  # fmt: skip
isfinite = _unary(
    "isfinite", np.isfinite, r"|x| < \infty", "Whether x is neither infinite nor NaN",
    ">>> mg.isfinite(mg.tensor([np.inf, 1.0]))\ntensor([False,  True])",
)  # fmt: skip
isinf = _unary(
    "isinf", np.isinf, r"|x| = \infty", "Whether x is infinite",
    ">>> mg.isinf(mg.tensor([-np.inf, 1.0]))\ntensor([ True, False])",
)  # fmt: skip
isposinf = _unary(
    "isposinf", lambda x: np.isposinf(x), r"x = \infty", "Whether x is plus infinity",
    ">>> mg.isposinf(mg.tensor([-np.inf, np.inf]))\ntensor([False,  True])",
)  # fmt: skip
isneginf = _unary(
    "isneginf", lambda x: np.isneginf(x), r"x = -\infty", "Whether x is minus infinity",
    ">>> mg.isneginf(mg.tensor([-np.inf, np.inf]))\ntensor([ True, False])",
)  # fmt: skip
signbit = _unary(
    "signbit", np.signbit, r"x < 0 \lor x = -0", "Whether the sign is minus, also of zero",
    ">>> mg.signbit(mg.tensor([-0.0, 0.0]))\ntensor([ True, False])",
)  # fmt: skip
sign = _unary(
    "sign", np.sign, r"\operatorname{sign} x", "Sign: -1, 0 or 1",
    ">>> mg.sign(mg.tensor([-3.0]))\ntensor([-1.])",
)  # fmt: skip


# Rounding ------------------------------------------------------------------------------------------

floor = _unary(
    "floor", np.floor, r"\lfloor x \rfloor", "The largest whole number not above x",
    ">>> mg.floor(mg.tensor([1.7, -1.7]))\ntensor([ 1., -2.])",
)  # fmt: skip
ceil = _unary(
    "ceil", np.ceil, r"\lceil x \rceil", "The smallest whole number not below x",
    ">>> mg.ceil(mg.tensor([1.2, -1.2]))\ntensor([ 2., -1.])",
)  # fmt: skip
trunc = _unary(
    "trunc", np.trunc, r"\operatorname{trunc} x", "The whole number next to x towards zero",
    ">>> mg.trunc(mg.tensor([1.7, -1.7]))\ntensor([ 1., -1.])", aliases=("fix",),
)  # fmt: skip
public("fix")(trunc)
rint = _unary(
    "rint", np.rint, r"\operatorname{round} x", "The nearest whole number, the even one of two",
    ">>> mg.rint(mg.tensor([0.5, 1.5, 2.6]))\ntensor([0., 2., 3.])",
)  # fmt: skip
floor_divide = _binary(
    "floor_divide", np.floor_divide, r"\lfloor x / y \rfloor", "The quotient, rounded down",
    ">>> mg.floor_divide(mg.tensor([7.0, -7.0]), 2.0)\ntensor([ 3., -4.])",
)  # fmt: skip


def _round_samples(rng: np.random.Generator) -> Any:
    for shape, decimals in (((3, 4), 0), ((), 1), ((0, 3), 0), ((2, 3), 2)):
        yield (rng.uniform(-2.0, 2.0, shape), decimals), {}


_round = nondifferentiable(
    "round",
    lambda x, decimals: np.round(x, decimals),
    formula=r"10^{-d}\,\operatorname{round}(10^d x)",
    samples=_round_samples,
    doc="",
).primitive  # type: ignore[attr-defined]


@public("round", aliases=("around",))
def round(a: Any, decimals: int = 0, out: None = None) -> Any:
    """Round to a number of decimals, halves to even; without a derivative.

    Parameters
    ----------
    a : array_like
    decimals : int
        Negative ones round to tens, hundreds, ...
    out : None
        Not supported: tensors are immutable.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.round(mg.tensor([1.25, 2.5]), 1)
    tensor([1.2, 2.5])
    """
    refuse_out("round", out)
    (places,) = checked_integers("round", "decimals", decimals)
    return bind(_round, (a,), {"decimals": places})


public("around")(round)
_round.function = round
