"""Exponentials and logarithms, element by element."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..primitive import elementwise
from .choice import where
from .docstring import document
from .samples import binary, unary

_LOG_2 = np.log(np.longdouble(2))
_LOG_10 = np.log(np.longdouble(10))


# Exponentials ------------------------------------------------------------------------------

exp = elementwise(
    "exp",
    np.exp,
    lambda t, _x, out: t * out,
    formula=r"e^x",
    vjp_formula=r"g\,\mathrm{out}",
    samples=unary(),
    doc=document("Exponential.", ">>> mg.exp(mg.tensor([0.0]))\ntensor([1.])"),
)

exp2 = elementwise(
    "exp2",
    np.exp2,
    lambda t, _x, out: t * (out * out.dtype.type(_LOG_2)),
    formula=r"2^x",
    vjp_formula=r"g\,\mathrm{out}\,\ln 2",
    samples=unary(),
    doc=document("Power of two.", ">>> mg.exp2(mg.tensor([3.0]))\ntensor([8.])"),
)

expm1 = elementwise(
    "expm1",
    np.expm1,
    lambda t, x, _out: t * exp(x),  # out + 1 would lose the digits of a small exponential
    formula=r"e^x - 1",
    vjp_formula=r"g\,e^x",
    samples=unary(),
    doc=document(
        "Exponential minus one, exact also near 0.",
        ">>> mg.expm1(mg.tensor([1e-20]))\ntensor([1.e-20])",
    ),
)


# Logarithms --------------------------------------------------------------------------------

log = elementwise(
    "log",
    np.log,
    lambda t, x, _out: t / x,
    formula=r"\ln x",
    vjp_formula=r"g / x",
    samples=unary(0.2, 3.0),
    doc=document("Natural logarithm.", ">>> mg.log(mg.tensor([1.0]))\ntensor([0.])"),
)

log2 = elementwise(
    "log2",
    np.log2,
    lambda t, x, _out: t / (x * x.dtype.type(_LOG_2)),
    formula=r"\log_2 x",
    vjp_formula=r"\frac{g}{x \ln 2}",
    samples=unary(0.2, 3.0),
    doc=document("Logarithm to base 2.", ">>> mg.log2(mg.tensor([8.0]))\ntensor([3.])"),
)

log10 = elementwise(
    "log10",
    np.log10,
    lambda t, x, _out: t / (x * x.dtype.type(_LOG_10)),
    formula=r"\log_{10} x",
    vjp_formula=r"\frac{g}{x \ln 10}",
    samples=unary(0.2, 3.0),
    doc=document("Logarithm to base 10.", ">>> mg.log10(mg.tensor([100.0]))\ntensor([2.])"),
)

log1p = elementwise(
    "log1p",
    np.log1p,
    lambda t, x, _out: t / (x + 1.0),
    formula=r"\ln(1 + x)",
    vjp_formula=r"\frac{g}{1 + x}",
    samples=unary(-0.7, 3.0),
    doc=document(
        "Logarithm of one plus x, exact also near 0.",
        ">>> mg.log1p(mg.tensor([1e-20]))\ntensor([1.e-20])",
    ),
)


# Sums of exponentials ------------------------------------------------------------------------


def _gap(x: Any, y: Any) -> Any:
    """``x - y``, and 0 for two equal infinities."""
    same = (x == y) & (abs(x) == np.inf)
    return where(same, 0.0, x) - where(same, 0.0, y)


def _logaddexp(x: Any, y: Any) -> Any:
    if not (np.iscomplexobj(x) or np.iscomplexobj(y)):
        return np.logaddexp(x, y)
    return np.maximum(x, y) + _softplus(-_abs(x - y))


def _logaddexp2(x: Any, y: Any) -> Any:
    if not (np.iscomplexobj(x) or np.iscomplexobj(y)):
        return np.logaddexp2(x, y)
    return np.maximum(x, y) + _softplus(-_abs(x - y) * _LOG_2) / _LOG_2


def _abs(x: Any) -> Any:
    return np.where(np.real(x) < 0, -x, x)


logaddexp = elementwise(
    "logaddexp",
    _logaddexp,
    lambda t, x, y, _out: t * sigmoid(_gap(x, y)),
    lambda t, x, y, _out: t * sigmoid(_gap(y, x)),
    formula=r"\ln(e^x + e^y)",
    vjp_formula=r"\left(\frac{g}{1 + e^{y - x}},\; \frac{g}{1 + e^{x - y}}\right)",
    samples=binary(),
    kink="half each for two equal infinities",
    doc=document(
        "Logarithm of the sum of two exponentials, safe for any size.",
        ">>> mg.logaddexp(mg.tensor([1000.0]), 1000.0)\ntensor([1000.69314718])",
        "x, y",
    ),
)

logaddexp2 = elementwise(
    "logaddexp2",
    _logaddexp2,
    lambda t, x, y, out: t * sigmoid(_gap(x, y) * out.dtype.type(_LOG_2)),
    lambda t, x, y, out: t * sigmoid(_gap(y, x) * out.dtype.type(_LOG_2)),
    formula=r"\log_2(2^x + 2^y)",
    vjp_formula=r"\left(\frac{g}{1 + 2^{y - x}},\; \frac{g}{1 + 2^{x - y}}\right)",
    samples=binary(),
    kink="half each for two equal infinities",
    doc=document(
        "Logarithm to base 2 of the sum of two powers of two, safe for any size.",
        ">>> mg.logaddexp2(mg.tensor([1000.0]), 1000.0)\ntensor([1001.])",
        "x, y",
    ),
)


def _sigmoid(x: Any) -> Any:
    # From exp(-|x|): no overflow, and full relative precision where the result is tiny.
    negative = np.real(x) < 0
    small = np.exp(np.where(negative, x, -x) if np.iscomplexobj(x) else -np.abs(x))
    return np.where(negative, small, 1) / (small + 1)


sigmoid = elementwise(
    "sigmoid",
    _sigmoid,
    lambda t, _x, out: t * (out * (1.0 - out)),
    formula=r"\frac{1}{1 + e^{-x}}",
    vjp_formula=r"g\,\mathrm{out}\,(1 - \mathrm{out})",
    samples=unary(-4.0, 4.0),
    doc=document("Logistic function.", ">>> mg.sigmoid(mg.tensor([0.0]))\ntensor([0.5])"),
)


def _softplus(x: Any) -> Any:
    # max(x, 0) + log(1 + exp(-|x|)): no overflow, no kink, analytic.
    positive = np.real(x) > 0
    return np.where(positive, x, 0) + np.log1p(np.exp(np.where(positive, -x, x)))


softplus = elementwise(
    "softplus",
    _softplus,
    lambda t, x, _out: t * sigmoid(x),
    formula=r"\ln(1 + e^x)",
    vjp_formula=r"\frac{g}{1 + e^{-x}}",
    samples=unary(-4.0, 4.0),
    doc=document("Smooth rectifier.", ">>> mg.softplus(mg.tensor([0.0]))\ntensor([0.69314718])"),
)
