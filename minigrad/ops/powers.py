"""Powers and roots, element by element."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..primitive import elementwise, public
from ..tensor import operand
from .arithmetic import astype
from .choice import where
from .docstring import document
from .exponential import log
from .samples import binary, unary
from .shape import scaled


def _power(x: Any, y: Any) -> Any:
    # Python scalars reach NumPy's short cuts for squares and roots through the operator.
    return x**y if y.__class__ in (int, float) and isinstance(x, np.ndarray) else np.power(x, y)


def _power_in_base(t: Any, x: Any, y: Any, _out: Any) -> Any:
    if y.__class__ in (int, float):
        if y == 0:
            return where(False, t, 0.0)
        return scaled(t, y) * (x if y == 2 else x ** (y - 1)) if y != 1 else t
    # Only where the product would be 0 * inf: elsewhere it must go on depending on y.
    zero = (x == 0) & (y == 0)
    return where(zero, 0.0, t * y * power(x, where(zero, 1.0, y - 1.0)))


def _power_in_exponent(t: Any, x: Any, _y: Any, out: Any) -> Any:
    zero = x == 0
    return where(zero, 0.0, t * out * log(where(zero, 1.0, x)))


power = elementwise(
    "pow",
    _power,
    _power_in_base,
    _power_in_exponent,
    function="power",
    formula=r"x^y",
    vjp_formula=r"\left(g\,y\,x^{y-1},\; g\,\mathrm{out}\,\ln x\right)",
    samples=binary(0.5, 2.0, second=(-2.0, 3.0)),
    kink="exponent 0: derivative 0 in x, also at x = 0; base 0: derivative 0 in y",
    doc=document(
        "Power.",
        ">>> mg.power(mg.tensor([3.0]), 2)\ntensor([9.])",
        "x, y",
        "The derivative in x is 0 for exponent 0, also at x = 0, and infinite at x = 0 for exponents\n"
        "between 0 and 1.  The derivative in y is 0 at x = 0 and NaN for negative x.",
    ),
)
public("power")(power)

square = elementwise(
    "square",
    np.square,
    lambda t, x, _out: scaled(t, 2.0) * x,
    formula=r"x^2",
    vjp_formula=r"2\,g\,x",
    samples=unary(),
    doc=document("Square.", ">>> mg.square(mg.tensor([3.0]))\ntensor([9.])"),
)

sqrt = elementwise(
    "sqrt",
    np.sqrt,
    lambda t, _x, out: t * (0.5 / out),
    formula=r"\sqrt{x}",
    vjp_formula=r"\frac{g}{2\,\mathrm{out}}",
    samples=unary(0.2, 3.0),
    kink="at 0 the derivative is infinite (NaN for a zero cotangent), as in NumPy's 1/0",
    doc=document(
        "Square root.",
        ">>> mg.sqrt(mg.tensor([9.0]))\ntensor([3.])",
        note="At 0 the derivative is infinite.  Add an epsilon inside the root where zeros occur.",
    ),
)

rsqrt = elementwise(
    "rsqrt",
    lambda x: np.reciprocal(np.sqrt(x)),
    lambda t, x, out: t * (out / x * -0.5),
    formula=r"1 / \sqrt{x}",
    vjp_formula=r"-\frac{g\,\mathrm{out}}{2\,x}",
    samples=unary(0.2, 3.0),
    doc=document("One over the square root.", ">>> mg.rsqrt(mg.tensor([4.0]))\ntensor([0.5])"),
)


def _cbrt(x: Any) -> Any:
    if not np.iscomplexobj(x):
        return np.cbrt(x)
    # The branch that is real on the negative axis, unlike the principal one.
    negative = np.real(x) < 0
    root = np.exp(np.log(np.where(negative, -x, x)) / 3)
    return np.where(x == 0, 0, np.where(negative, -root, root))


cbrt = elementwise(
    "cbrt",
    _cbrt,
    lambda t, _x, out: t / (3.0 * out * out),
    formula=r"\sqrt[3]{x}",
    vjp_formula=r"\frac{g}{3\,\mathrm{out}^2}",
    samples=unary(apart=0.3),
    kink="at 0 the derivative is infinite (NaN for a zero cotangent), as in NumPy's 1/0",
    doc=document(
        "Cube root, also of negative numbers.", ">>> mg.cbrt(mg.tensor([-8.0]))\ntensor([-2.])"
    ),
)


@public("float_power")
def float_power(x: Any, y: Any) -> Any:
    """Power, computed at least in float64.

    Parameters
    ----------
    x, y : array_like
        Any shapes that broadcast; real.

    Returns
    -------
    Tensor
        Of the broadcast shape, float64 or longer.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.float_power(mg.tensor([2, 3]), -1)
    tensor([0.5       , 0.33333333])
    """
    x, y = operand(x), operand(y)
    dtype = np.result_type(x.dtype, y.dtype, np.float64)
    return power(astype(x, dtype), astype(y, dtype))
