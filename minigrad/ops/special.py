"""Special functions, whose values come from SciPy."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ..errors import ArgumentError, DtypeError, missing_extra
from ..primitive import Primitive, bind, elementwise, public
from ..tensor import describe, operand
from .docstring import document
from .exponential import exp
from .samples import unary


@functools.cache
def _scipy(name: str) -> Any:
    try:
        from scipy import special
    except ImportError:
        raise missing_extra("scipy", "special", f"mg.{name}") from None
    return getattr(special, name)


def _kept(name: str, x: Any, *orders: int) -> Any:
    """SciPy's value in x's dtype; float16 goes through float32."""
    dtype = np.result_type(x)
    if dtype.char in "gG":
        raise DtypeError(
            f"{name}: x is {describe(x)}, and SciPy's function knows no long double. "
            "Convert x with x.astype(float)."
        )
    value = np.asarray(_scipy(name)(*orders, x))
    return value.astype(dtype) if dtype.kind == "f" and value.dtype != dtype else value


erf = elementwise(
    "erf",
    lambda x: _kept("erf", x),
    lambda t, x, _out: t * (exp(-x * x) * (2.0 / math.sqrt(math.pi))),
    formula=r"\operatorname{erf} x",
    vjp_formula=r"\frac{2\,g}{\sqrt{\pi}}\,e^{-x^2}",
    samples=unary(),
    doc=document("Error function (SciPy).", ">>> mg.erf(mg.tensor([0.0]))\ntensor([0.])"),
)

erfc = elementwise(
    "erfc",
    lambda x: _kept("erfc", x),
    lambda t, x, _out: t * (exp(-x * x) * (-2.0 / math.sqrt(math.pi))),
    formula=r"1 - \operatorname{erf} x",
    vjp_formula=r"-\frac{2\,g}{\sqrt{\pi}}\,e^{-x^2}",
    samples=unary(),
    doc=document(
        "One minus the error function, exact also where that is near one (SciPy).",
        ">>> mg.erfc(mg.tensor([0.0]))\ntensor([1.])",
    ),
)


def _gammaln(x: Any) -> Any:
    return _kept("loggamma" if np.iscomplexobj(x) else "gammaln", x)


gammaln = elementwise(
    "gammaln",
    _gammaln,
    lambda t, x, _out: t * digamma(x),
    aliases=("lgamma",),
    formula=r"\ln|\Gamma(x)|",
    vjp_formula=r"g\,\psi(x)",
    samples=unary(1.8, 5.0),  # the derivative has a zero at 1.46
    doc=document(
        "Logarithm of the absolute value of the gamma function (SciPy).",
        ">>> mg.gammaln(mg.tensor([1.0, 5.0]))\ntensor([0.        , 3.17805383])",
    ),
)

digamma = elementwise(
    "digamma",
    lambda x: _kept("digamma", x),
    lambda t, x, _out: t * polygamma(1, x),
    formula=r"\psi(x) = \frac{\Gamma'(x)}{\Gamma(x)}",
    vjp_formula=r"g\,\psi'(x)",
    samples=unary(0.4, 4.0),
    doc=document(
        "Derivative of the logarithm of the gamma function (SciPy).",
        ">>> mg.digamma(mg.tensor([1.0]))\ntensor([-0.57721566])",
    ),
)


def _polygamma(x: Any, n: int) -> Any:
    """Real arguments only: SciPy has no complex one."""
    if np.iscomplexobj(x):
        raise DtypeError(
            f"polygamma: x is {describe(x)}, and SciPy's function takes real numbers only."
        )
    return _kept("polygamma", x, n)


_polygamma_primitive = Primitive(
    "polygamma",
    "elementwise",
    _polygamma,
    (lambda t, x, _out, n: t * polygamma(n + 1, x),),
    aligned="shape",
    formula=r"\psi^{(n)}(x)",
    vjp_formula=r"g\,\psi^{(n + 1)}(x)",
    samples=lambda rng: (((1, *args), params) for args, params in unary(0.6, 4.0)(rng)),
)


@public("polygamma")
def polygamma(n: int, x: Any) -> Any:
    """The n-th derivative of :func:`digamma` (SciPy).

    Parameters
    ----------
    n : int
        From 0 on.
    x : array_like

    Returns
    -------
    Tensor

    Raises
    ------
    ArgumentError
        For a negative n.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.polygamma(1, mg.tensor([1.0]))
    tensor([1.64493407])
    """
    if n < 0:
        raise ArgumentError(f"polygamma: n={n!r} is an order of differentiation, from 0 on.")
    return digamma(x) if n == 0 else bind(_polygamma_primitive, (operand(x),), {"n": int(n)})


_polygamma_primitive.function = polygamma
