"""Arithmetic, element by element; and what leaves the number as it is: identity, another dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..primitive import Primitive, bind, elementwise, nondifferentiable, public
from ..tensor import FLOATING, PROTOCOL, operand
from .arguments import checked_dtype
from .docstring import document
from .logic import floor_divide, rint
from .samples import binary, unary
from .shape import sum_product_to, sum_to, unstretch

add = elementwise(
    "add",
    np.add,
    lambda t, _x, _y, _out: t,
    lambda t, _x, _y, _out: t,
    summed=(lambda g, shape, *_: sum_to(g, shape),) * 2,
    formula=r"x + y",
    vjp_formula=r"(g,\; g)",
    samples=binary(),
    doc=document("Sum.", ">>> mg.add(mg.tensor([1.0]), 2.0)\ntensor([3.])", "x, y"),
)

subtract = elementwise(
    "sub",
    np.subtract,
    lambda t, _x, _y, _out: t,
    lambda t, _x, _y, _out: -t,
    function="subtract",
    summed=(None, lambda g, shape, *_: -sum_to(g, shape)),
    formula=r"x - y",
    vjp_formula=r"(g,\; -g)",
    samples=binary(),
    doc=document("Difference.", ">>> mg.subtract(mg.tensor([1.0]), 2.0)\ntensor([-1.])", "x, y"),
)

multiply = elementwise(
    "mul",
    np.multiply,
    lambda t, _x, y, _out: t * y,
    lambda t, x, _y, _out: t * x,
    function="multiply",
    summed=(
        lambda g, shape, _x, y, _out: sum_product_to(g, y, shape),
        lambda g, shape, x, _y, _out: sum_product_to(g, x, shape),
    ),
    formula=r"x\,y",
    vjp_formula=r"(g\,y,\; g\,x)",
    samples=binary(),
    doc=document("Product.", ">>> mg.multiply(mg.tensor([3.0]), 2.0)\ntensor([6.])", "x, y"),
)

divide = elementwise(
    "div",
    np.true_divide,
    lambda t, _x, y, _out: t / y,
    lambda t, _x, y, out: t * out / -y,
    function="divide",
    summed=(None, lambda g, shape, _x, y, out: sum_product_to(g, out, shape) / -unstretch(y, shape)),
    aliases=("true_divide",),
    formula=r"x / y",
    vjp_formula=r"\left(\frac{g}{y},\; -\frac{g\,\mathrm{out}}{y}\right)",
    samples=binary(apart=0.5),
    doc=document("Quotient.", ">>> mg.divide(mg.tensor([3.0]), 2.0)\ntensor([1.5])", "x, y"),
)

negative = elementwise(
    "neg",
    np.negative,
    lambda t, _x, _out: -t,
    function="negative",
    formula=r"-x",
    vjp_formula=r"-g",
    samples=unary(),
    doc=document("Negation.", ">>> mg.negative(mg.tensor([3.0]))\ntensor([-3.])"),
)

reciprocal = elementwise(
    "reciprocal",
    np.reciprocal,
    lambda t, _x, out: t * -(out * out),
    formula=r"1 / x",
    vjp_formula=r"-g\,\mathrm{out}^2",
    samples=unary(apart=0.5),
    doc=document("One over x.", ">>> mg.reciprocal(mg.tensor([4.0]))\ntensor([0.25])"),
)


# Remainders: piecewise x minus a whole multiple of y -----------------------------------------


def _quotient(x: Any, y: Any, out: Any) -> Any:
    """The whole number that was taken off; exact where ``floor(x / y)`` is off by a rounding."""
    return rint((x - out) / y)


def _analytic(remainder: Any) -> Any:
    """The same function where an input is complex: the whole number follows the real parts."""

    def impl(x: Any, y: Any) -> Any:
        if not (np.iscomplexobj(x) or np.iscomplexobj(y)):
            return remainder(x, y)
        real = np.real(x), np.real(y)
        return x - y * _quotient(*real, remainder(*real))

    return impl


def _between_jumps(rng: np.random.Generator) -> Any:
    """Quotients near half-integers, where a small step crosses no jump."""
    for (x, y), _ in binary()(rng):
        whole = np.trunc(x) + rng.uniform(0.4, 0.6, x.shape)
        yield (np.asarray(2.0 * whole), np.asarray(np.where(y < 0, -2.0, 2.0) + y / 50)), {}


remainder = elementwise(
    "mod",
    _analytic(np.remainder),
    lambda t, _x, _y, _out: t,
    lambda t, x, y, out: t * -_quotient(x, y, out),
    function="remainder",
    formula=r"x - y\,\lfloor x / y \rfloor",
    vjp_formula=r"\left(g,\; -g\,\lfloor x / y \rfloor\right)",
    samples=_between_jumps,
    kink="at the jumps the derivative of the piece that the value is on",
    doc=document(
        "Remainder with the sign of y, as Python's ``%``.",
        ">>> mg.remainder(mg.tensor([5.0, -5.0]), 3.0)\ntensor([2., 1.])",
        "x, y",
    ),
)

fmod = elementwise(
    "fmod",
    _analytic(np.fmod),
    lambda t, _x, _y, _out: t,
    lambda t, x, y, out: t * -_quotient(x, y, out),
    formula=r"x - y\,\operatorname{trunc}(x / y)",
    vjp_formula=r"\left(g,\; -g\,\operatorname{trunc}(x / y)\right)",
    samples=_between_jumps,
    kink="at the jumps the derivative of the piece that the value is on",
    doc=document(
        "Remainder with the sign of x, as in C.",
        ">>> mg.fmod(mg.tensor([5.0, -5.0]), 3.0)\ntensor([ 2., -2.])",
        "x, y",
    ),
)


@public("divmod")
def divmod(x: Any, y: Any) -> tuple[Any, Any]:
    """Whole quotient and remainder, as Python's ``divmod``.

    Parameters
    ----------
    x, y : array_like
        Any shapes that broadcast; real.

    Returns
    -------
    tuple of Tensor
        ``(floor_divide(x, y), remainder(x, y))``; the quotient has no derivative.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.divmod(mg.tensor([7.0]), 2.0)
    (tensor([3.]), tensor([1.]))
    """
    return floor_divide(x, y), remainder(x, y)


# Identity and dtype ----------------------------------------------------------------------------

identity = elementwise(
    "identity",
    lambda x: x,
    lambda t, _x, _out: t,
    aliases=("positive", "clone"),
    formula="x",
    vjp_formula="g",
    samples=unary(),
    doc=document("The same value as a new node.", ">>> mg.identity(mg.tensor([1.0]))\ntensor([1.])"),
)
public("identity", np.positive)(identity)
del PROTOCOL[np.identity]  # the matrix

stop_gradient = nondifferentiable(
    "stop_gradient",
    lambda x: x,
    formula=r"x",
    samples=unary(),
    doc=document(
        "The same value, as a constant: no gradient passes.",
        ">>> x = mg.tensor([1.0], requires_grad=True)\n>>> mg.stop_gradient(x).requires_grad\nFalse",
    ),
)


def _astype_samples(rng: np.random.Generator) -> Any:
    for shape in ((3, 4), (), (0, 2)):
        yield (rng.standard_normal(shape), "float32"), {}


_astype = Primitive(
    "astype",
    "linear",
    lambda x, dtype: np.asarray(x).astype(
        np.result_type(dtype, 1j) if np.iscomplexobj(x) and np.dtype(dtype) in FLOATING else dtype
    ),
    (lambda g, _x, _out, dtype: astype(g, _x.dtype),),
    aligned="",
    formula=r"x \text{ as another dtype}",
    vjp_formula=r"g \text{ as } x\text{'s dtype}",
    samples=_astype_samples,
)


@public("astype", np.astype)
def astype(x: Any, dtype: Any, *, copy: bool = True, device: Any = None) -> Any:
    """Convert to another dtype; the cotangent is converted back.

    Parameters
    ----------
    x : array_like
    dtype : dtype
        Any real, integer or boolean dtype.
    copy, device
        As in NumPy; without effect, because tensors are immutable.

    Returns
    -------
    Tensor
        x itself, if it has the dtype.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.astype(mg.tensor([1.0]), "float32").dtype
    dtype('float32')
    """
    dtype = checked_dtype("astype", dtype)
    x = operand(x)
    return x if x.dtype == dtype else bind(_astype, (x,), {"dtype": dtype})


_astype.function = astype
