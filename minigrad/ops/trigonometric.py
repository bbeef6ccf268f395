"""Circular and hyperbolic functions and their inverses, element by element."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..primitive import Primitive, bind, elementwise, public
from ..tensor import operand
from .choice import where
from .docstring import document
from .powers import sqrt
from .samples import binary, unary

_PI = np.arccos(np.longdouble(-1))


# Circular functions ----------------------------------------------------------------------------

sin = elementwise(
    "sin",
    np.sin,
    lambda t, x, _out: t * cos(x),
    formula=r"\sin x",
    vjp_formula=r"g\cos x",
    samples=unary(),
    doc=document("Sine.", ">>> mg.sin(mg.tensor([0.0]))\ntensor([0.])"),
)

cos = elementwise(
    "cos",
    np.cos,
    lambda t, x, _out: -(t * sin(x)),
    formula=r"\cos x",
    vjp_formula=r"-g\sin x",
    samples=unary(),
    doc=document("Cosine.", ">>> mg.cos(mg.tensor([0.0]))\ntensor([1.])"),
)

tan = elementwise(
    "tan",
    np.tan,
    lambda t, _x, out: t * (out * out + 1.0),
    formula=r"\tan x",
    vjp_formula=r"g\,(1 + \mathrm{out}^2)",
    samples=unary(-1.2, 1.2),
    doc=document("Tangent.", ">>> mg.tan(mg.tensor([0.0]))\ntensor([0.])"),
)

arcsin = elementwise(
    "arcsin",
    np.arcsin,
    lambda t, x, _out: t / sqrt((1.0 - x) * (x + 1.0)),
    aliases=("asin",),
    formula=r"\arcsin x",
    vjp_formula=r"\frac{g}{\sqrt{1 - x^2}}",
    samples=unary(-0.8, 0.8),
    doc=document("Inverse sine.", ">>> mg.arcsin(mg.tensor([0.0]))\ntensor([0.])"),
)

arccos = elementwise(
    "arccos",
    np.arccos,
    lambda t, x, _out: -t / sqrt((1.0 - x) * (x + 1.0)),
    aliases=("acos",),
    formula=r"\arccos x",
    vjp_formula=r"-\frac{g}{\sqrt{1 - x^2}}",
    samples=unary(-0.8, 0.8),
    doc=document("Inverse cosine.", ">>> mg.arccos(mg.tensor([1.0]))\ntensor([0.])"),
)

arctan = elementwise(
    "arctan",
    np.arctan,
    lambda t, x, _out: t / (x * x + 1.0),
    aliases=("atan",),
    formula=r"\arctan x",
    vjp_formula=r"\frac{g}{1 + x^2}",
    samples=unary(),
    doc=document("Inverse tangent.", ">>> mg.arctan(mg.tensor([0.0]))\ntensor([0.])"),
)


# Right-angled triangles --------------------------------------------------------------------------


def _hypot(x: Any, y: Any) -> Any:
    if np.iscomplexobj(x) or np.iscomplexobj(y):
        return np.sqrt(x * x + y * y)
    return np.hypot(x, y)


def _share(x: Any, out: Any) -> Any:
    """x / out, and 0 at the origin."""
    return x / where(out == 0, 1.0, out)


hypot = elementwise(
    "hypot",
    _hypot,
    lambda t, x, _y, out: t * _share(x, out),
    lambda t, _x, y, out: t * _share(y, out),
    formula=r"\sqrt{x^2 + y^2}",
    vjp_formula=r"\left(g\,\frac{x}{\mathrm{out}},\; g\,\frac{y}{\mathrm{out}}\right)",
    samples=binary(apart=0.3),
    kink="derivative 0 at the origin",
    doc=document(
        "Length of the hypotenuse, without overflow.",
        ">>> mg.hypot(mg.tensor([3.0]), 4.0)\ntensor([5.])",
        "x, y",
    ),
)


def _arctan2(y: Any, x: Any) -> Any:
    real = np.arctan2(np.real(y), np.real(x))
    if not (np.iscomplexobj(x) or np.iscomplexobj(y)):
        return real
    # Up to a constant, the angle is the arctangent of whichever quotient is small.
    x, y = np.broadcast_arrays(x, y)
    flat = np.abs(x.real) >= np.abs(y.real)
    top, bottom = np.where(flat, y, -x), np.where(flat, x, y)
    return real + 1j * np.arctan(top / bottom).imag


def _over_squares(x: Any, y: Any) -> Any:
    """``x / (x**2 + y**2)`` without the squares, which would overflow; 0 at the origin."""
    length = hypot(x, y)
    length = where(length == 0, 1.0, length)
    return x / length / length


arctan2 = elementwise(
    "arctan2",
    _arctan2,
    lambda t, y, x, _out: t * _over_squares(x, y),
    lambda t, y, x, _out: t * -_over_squares(y, x),
    aliases=("atan2",),
    formula=r"\operatorname{atan2}(y, x)",
    vjp_formula=r"\left(\frac{g\,x}{x^2 + y^2},\; -\frac{g\,y}{x^2 + y^2}\right)",
    samples=binary(apart=0.3),
    kink="derivative 0 at the origin",
    doc=document(
        "Angle of the point (x, y), from -pi to pi.",
        ">>> mg.arctan2(mg.tensor([0.0]), 1.0)\ntensor([0.])",
        "y, x",
    ),
)


# Degrees ---------------------------------------------------------------------------------------------


def _degrees_to_radians(x: Any) -> Any:
    return np.deg2rad(x) if not np.iscomplexobj(x) else x * (_PI / 180)


def _radians_to_degrees(x: Any) -> Any:
    return np.rad2deg(x) if not np.iscomplexobj(x) else x * (180 / _PI)


deg2rad = elementwise(
    "deg2rad",
    _degrees_to_radians,
    lambda t, _x, _out: t * (math.pi / 180.0),
    aliases=("radians",),
    formula=r"\frac{\pi}{180}\,x",
    vjp_formula=r"\frac{\pi}{180}\,g",
    samples=unary(),
    doc=document("Degrees to radians.", ">>> mg.deg2rad(mg.tensor([180.0]))\ntensor([3.14159265])"),
)
public("radians")(deg2rad)

rad2deg = elementwise(
    "rad2deg",
    _radians_to_degrees,
    lambda t, _x, _out: t * (180.0 / math.pi),
    aliases=("degrees",),
    formula=r"\frac{180}{\pi}\,x",
    vjp_formula=r"\frac{180}{\pi}\,g",
    samples=unary(),
    doc=document("Radians to degrees.", ">>> mg.rad2deg(mg.tensor([np.pi]))\ntensor([180.])"),
)
public("degrees")(rad2deg)


# The cardinal sine ----------------------------------------------------------------------------------


def _sinc(x: Any, order: int) -> Any:
    """The derivative of this order of ``sin(u) / u``, at ``u = pi x``.

    Differentiating ``u * s = sin(u)`` gives ``u * s[n] + n * s[n-1] = sin(u + n pi / 2)``: a recurrence
    that is stable for large u.  For small u the Taylor series takes its place.
    """
    x = np.asarray(x)
    wide = np.result_type(x.dtype, np.float64)
    u = np.asarray(x * wide.type(_PI))
    small = np.abs(u.real) <= 1.0 + order / 2
    outer, inner = np.where(small, 10.0, u), np.where(small, u, 0.0)
    waves = np.sin(outer), np.cos(outer), -np.sin(outer), -np.cos(outer)
    value = waves[0] / outer
    for n in range(1, order + 1):
        value = (waves[n % 4] - n * value) / outer
    series = np.zeros_like(inner)
    for k in reversed(range((order + 1) // 2, order // 2 + 16 + order)):  # Horner, in u**2
        power = 2 * k - order
        factor = wide.type(math.prod(range(power + 1, 2 * k + 1))) / wide.type(
            math.factorial(2 * k + 1)
        )
        series = series * inner * inner + (-1) ** k * factor
    if order % 2:
        series = series * inner
    dtype = np.result_type(x.dtype, np.float16) if x.dtype.kind in "fc" else wide
    return np.where(small, series, value).astype(dtype)


_sinc_primitive = Primitive(
    "sinc",
    "elementwise",
    _sinc,
    (lambda t, x, _out, order: t * (bind(_sinc_primitive, (x,), {"order": order + 1}) * math.pi),),
    aligned="shape",
    formula=r"\frac{\sin \pi x}{\pi x}",
    vjp_formula=r"g\,\frac{\cos \pi x - \mathrm{out}}{x}",
    samples=unary(-1.2, 1.2),
)


@public("sinc")
def sinc(x: Any) -> Any:
    """Cardinal sine, ``sin(pi x) / (pi x)``, and 1 at 0; smooth at all orders.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.sinc(mg.tensor([0.0, 0.5]))
    tensor([1.        , 0.63661977])
    >>> mg.grad(mg.grad(mg.sinc))(0.0)
    tensor(-3.28986813)
    """
    return bind(_sinc_primitive, (operand(x),), {"order": 0})


_sinc_primitive.function = sinc


# Hyperbolic functions -------------------------------------------------------------------------------

sinh = elementwise(
    "sinh",
    np.sinh,
    lambda t, x, _out: t * cosh(x),
    formula=r"\sinh x",
    vjp_formula=r"g\cosh x",
    samples=unary(),
    doc=document("Hyperbolic sine.", ">>> mg.sinh(mg.tensor([0.0]))\ntensor([0.])"),
)

cosh = elementwise(
    "cosh",
    np.cosh,
    lambda t, x, _out: t * sinh(x),
    formula=r"\cosh x",
    vjp_formula=r"g\sinh x",
    samples=unary(),
    doc=document("Hyperbolic cosine.", ">>> mg.cosh(mg.tensor([0.0]))\ntensor([1.])"),
)

tanh = elementwise(
    "tanh",
    np.tanh,
    lambda t, _x, out: t * (1.0 - out * out),
    formula=r"\tanh x",
    vjp_formula=r"g\,(1 - \mathrm{out}^2)",
    samples=unary(),
    doc=document("Hyperbolic tangent.", ">>> mg.tanh(mg.tensor([0.0]))\ntensor([0.])"),
)

arcsinh = elementwise(
    "arcsinh",
    np.arcsinh,
    lambda t, x, _out: t / hypot(x, 1.0),  # the square of a large x would overflow
    aliases=("asinh",),
    formula=r"\operatorname{arsinh} x",
    vjp_formula=r"\frac{g}{\sqrt{1 + x^2}}",
    samples=unary(),
    doc=document("Inverse hyperbolic sine.", ">>> mg.arcsinh(mg.tensor([0.0]))\ntensor([0.])"),
)

arccosh = elementwise(
    "arccosh",
    np.arccosh,
    lambda t, x, _out: t / (sqrt(x - 1.0) * sqrt(x + 1.0)),
    aliases=("acosh",),
    formula=r"\operatorname{arcosh} x",
    vjp_formula=r"\frac{g}{\sqrt{x^2 - 1}}",
    samples=unary(1.3, 3.0),
    doc=document("Inverse hyperbolic cosine.", ">>> mg.arccosh(mg.tensor([1.0]))\ntensor([0.])"),
)

arctanh = elementwise(
    "arctanh",
    np.arctanh,
    lambda t, x, _out: t / ((1.0 - x) * (x + 1.0)),
    aliases=("atanh",),
    formula=r"\operatorname{artanh} x",
    vjp_formula=r"\frac{g}{1 - x^2}",
    samples=unary(-0.8, 0.8),
    doc=document("Inverse hyperbolic tangent.", ">>> mg.arctanh(mg.tensor([0.0]))\ntensor([0.])"),
)
