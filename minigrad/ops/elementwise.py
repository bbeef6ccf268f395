"""Element by element: arithmetic, powers, exponentials, comparisons.

A rule is ``t`` times a partial derivative, so it serves both modes.  Arguments
that begin with an underscore are not kept (see :mod:`minigrad.primitive`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..primitive import Primitive, bind, elementwise, nondifferentiable, public
from ..tensor import FLOATING, operand
from .samples import binary, unary
from .shape import scaled, sum_product_to, sum_to, unstretch


def _doc(summary: str, example: str, inputs: str = "x", note: str = "") -> str:
    """A numpydoc docstring for an elementwise function."""
    return (
        f"{summary}\n\nParameters\n----------\n{inputs} : array_like\n    Any shapes that broadcast; "
        "real.\n\nReturns\n-------\nTensor\n    Of the broadcast shape; a plain array for plain "
        f"arrays.\n\n{f'Notes{chr(10)}-----{chr(10)}{note}{chr(10)}{chr(10)}' if note else ''}"
        f"Examples\n--------\n>>> import minigrad as mg\n{example}\n"
    )


# Arithmetic ------------------------------------------------------------------------------

add = elementwise(
    "add",
    np.add,
    lambda t, _x, _y, _out: t,
    lambda t, _x, _y, _out: t,
    summed=(lambda g, shape, *_: sum_to(g, shape),) * 2,
    formula=r"x + y",
    vjp_formula=r"(g,\; g)",
    samples=binary(),
    doc=_doc("Sum.", ">>> mg.add(mg.tensor([1.0]), 2.0)\ntensor([3.])", "x, y"),
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
    doc=_doc("Difference.", ">>> mg.subtract(mg.tensor([1.0]), 2.0)\ntensor([-1.])", "x, y"),
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
    doc=_doc("Product.", ">>> mg.multiply(mg.tensor([3.0]), 2.0)\ntensor([6.])", "x, y"),
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
    doc=_doc("Quotient.", ">>> mg.divide(mg.tensor([3.0]), 2.0)\ntensor([1.5])", "x, y"),
)

negative = elementwise(
    "neg",
    np.negative,
    lambda t, _x, _out: -t,
    function="negative",
    formula=r"-x",
    vjp_formula=r"-g",
    samples=unary(),
    doc=_doc("Negation.", ">>> mg.negative(mg.tensor([3.0]))\ntensor([-3.])"),
)


# Powers ----------------------------------------------------------------------------------


def _power(x: Any, y: Any) -> Any:
    # Python scalars reach NumPy's short cuts for squares and roots through the operator.
    return x**y if y.__class__ in (int, float) and isinstance(x, np.ndarray) else np.power(x, y)


def _power_in_base(t: Any, x: Any, y: Any, _out: Any) -> Any:
    if y.__class__ in (int, float):
        if y == 0:
            return t * 0.0
        return scaled(t, y) * (x if y == 2 else x ** (y - 1)) if y != 1 else t
    # Only where the product would be 0 * inf: elsewhere it must go on depending on y.
    zero = (x == 0) & (y == 0)
    return where(zero, 0.0 * t, t * y * power(x, where(zero, 1.0, y - 1.0)))


def _power_in_exponent(t: Any, x: Any, _y: Any, out: Any) -> Any:
    zero = x == 0
    return where(zero, 0.0 * t, t * out * log(where(zero, 1.0, x)))


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
    doc=_doc(
        "Power.",
        ">>> mg.power(mg.tensor([3.0]), 2)\ntensor([9.])",
        "x, y",
        "The derivative in x is 0 for exponent 0, also at x = 0, and infinite at x = 0 for exponents\n"
        "between 0 and 1.  The derivative in y is 0 at x = 0 and NaN for negative x.",
    ),
)
public("power", np.power)(power)

square = elementwise(
    "square",
    np.square,
    lambda t, x, _out: scaled(t, 2.0) * x,
    formula=r"x^2",
    vjp_formula=r"2\,g\,x",
    samples=unary(),
    doc=_doc("Square.", ">>> mg.square(mg.tensor([3.0]))\ntensor([9.])"),
)

sqrt = elementwise(
    "sqrt",
    np.sqrt,
    lambda t, _x, out: t * (0.5 / out),
    formula=r"\sqrt{x}",
    vjp_formula=r"\frac{g}{2\,\mathrm{out}}",
    samples=unary(0.2, 3.0),
    kink="at 0 the derivative is infinite (NaN for a zero cotangent), as in NumPy's 1/0",
    doc=_doc(
        "Square root.",
        ">>> mg.sqrt(mg.tensor([9.0]))\ntensor([3.])",
        note="At 0 the derivative is infinite.  Add an epsilon inside the root where zeros occur.",
    ),
)


# Exponentials ------------------------------------------------------------------------------

exp = elementwise(
    "exp",
    np.exp,
    lambda t, _x, out: t * out,
    formula=r"e^x",
    vjp_formula=r"g\,\mathrm{out}",
    samples=unary(),
    doc=_doc("Exponential.", ">>> mg.exp(mg.tensor([0.0]))\ntensor([1.])"),
)

log = elementwise(
    "log",
    np.log,
    lambda t, x, _out: t / x,
    formula=r"\ln x",
    vjp_formula=r"g / x",
    samples=unary(0.2, 3.0),
    doc=_doc("Natural logarithm.", ">>> mg.log(mg.tensor([1.0]))\ntensor([0.])"),
)

tanh = elementwise(
    "tanh",
    np.tanh,
    lambda t, _x, out: t * (1.0 - out * out),
    formula=r"\tanh x",
    vjp_formula=r"g\,(1 - \mathrm{out}^2)",
    samples=unary(),
    doc=_doc("Hyperbolic tangent.", ">>> mg.tanh(mg.tensor([0.0]))\ntensor([0.])"),
)

sin = elementwise(
    "sin",
    np.sin,
    lambda t, x, _out: t * cos(x),
    formula=r"\sin x",
    vjp_formula=r"g\cos x",
    samples=unary(),
    doc=_doc("Sine.", ">>> mg.sin(mg.tensor([0.0]))\ntensor([0.])"),
)

cos = elementwise(
    "cos",
    np.cos,
    lambda t, x, _out: -(t * sin(x)),
    formula=r"\cos x",
    vjp_formula=r"-g\sin x",
    samples=unary(),
    doc=_doc("Cosine.", ">>> mg.cos(mg.tensor([0.0]))\ntensor([1.])"),
)


def _sigmoid(x: Any) -> Any:
    # (1 + tanh(x/2)) / 2 neither overflows nor loses its dtype, and is analytic.
    return (np.tanh(x * 0.5) + 1.0) * 0.5


sigmoid = elementwise(
    "sigmoid",
    _sigmoid,
    lambda t, _x, out: t * (out * (1.0 - out)),
    formula=r"\frac{1}{1 + e^{-x}}",
    vjp_formula=r"g\,\mathrm{out}\,(1 - \mathrm{out})",
    samples=unary(-4.0, 4.0),
    doc=_doc("Logistic function.", ">>> mg.sigmoid(mg.tensor([0.0]))\ntensor([0.5])"),
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
    doc=_doc("Smooth rectifier.", ">>> mg.softplus(mg.tensor([0.0]))\ntensor([0.69314718])"),
)


# Kinks -------------------------------------------------------------------------------------

sign = nondifferentiable(
    "sign",
    np.sign,
    formula=r"\operatorname{sign} x",
    samples=unary(apart=0.1),
    doc=_doc("Sign: -1, 0 or 1.", ">>> mg.sign(mg.tensor([-3.0]))\ntensor([-1.])"),
)


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
    doc=_doc("Absolute value.", ">>> mg.absolute(mg.tensor([-3.0]))\ntensor([3.])"),
)
public("absolute", np.absolute)(absolute)

relu = elementwise(
    "relu",
    lambda x: np.maximum(x, 0),
    lambda t, _x, out: t * (out > 0),
    formula=r"\max(x, 0)",
    vjp_formula=r"g\,[x > 0]",
    samples=unary(apart=0.1),
    kink="derivative 0 at 0",
    doc=_doc("Rectifier: the positive part.", ">>> mg.relu(mg.tensor([-3.0, 3.0]))\ntensor([0., 3.])"),
)


def _larger(t: Any, x: Any, y: Any) -> Any:
    """t where x > y, half of it where they are equal, else 0."""
    return where(x == y, t * 0.5, where(x > y, t, 0.0 * t))


maximum = elementwise(
    "maximum",
    np.maximum,
    lambda t, x, y, _out: _larger(t, x, y),
    lambda t, x, y, _out: _larger(t, y, x),
    formula=r"\max(x, y)",
    vjp_formula=r"(g\,[x > y],\; g\,[y > x]),\ \text{half each at ties}",
    samples=binary(),
    kink="ties are split evenly",
    doc=_doc("Larger of two.", ">>> mg.maximum(mg.tensor([1.0, 5.0]), 3.0)\ntensor([3., 5.])", "x, y"),
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
    doc=_doc("Smaller of two.", ">>> mg.minimum(mg.tensor([1.0, 5.0]), 3.0)\ntensor([1., 3.])", "x, y"),
)


def _where_samples(rng: np.random.Generator) -> Any:
    for (x, y), _ in binary()(rng):
        yield (rng.random(np.broadcast_shapes(x.shape, y.shape)) < 0.5, x, y), {}


where = elementwise(
    "where",
    np.where,
    None,
    lambda t, condition, _x, _y, _out: where(condition, t, 0.0),
    lambda t, condition, _x, _y, _out: where(condition, 0.0, t),
    formula=r"c\;?\;x : y",
    vjp_formula=r"(g\,[c],\; g\,[\lnot c])",
    samples=_where_samples,
    kink="nothing leaks from the branch not taken, not even NaN",
    doc=_doc(
        "Choose by a condition: x where it is true, y elsewhere.",
        ">>> mg.where([True, False], mg.tensor([1.0, 2.0]), 0.0)\ntensor([1., 0.])",
        "condition, x, y",
        "The cotangent of the branch not taken is exactly 0.  A NaN made *before* `where` by that\n"
        "branch's own derivative (0 times infinity) needs a safe argument there: the double-where trick.",
    ),
)
public("where", np.where)(where)


# Comparisons and logic ------------------------------------------------------------------------

for _name, _ufunc, _formula in (
    ("equal", np.equal, "x = y"),
    ("not_equal", np.not_equal, r"x \ne y"),
    ("less", np.less, "x < y"),
    ("less_equal", np.less_equal, r"x \le y"),
    ("greater", np.greater, "x > y"),
    ("greater_equal", np.greater_equal, r"x \ge y"),
    ("logical_and", np.logical_and, r"x \land y"),
    ("logical_or", np.logical_or, r"x \lor y"),
):
    globals()[_name] = nondifferentiable(
        _name,
        _ufunc,
        formula=_formula,
        samples=binary(),
        doc=_doc(
            f"Element by element {_name.replace('_', ' ')}: booleans, without a derivative.",
            f">>> mg.{_name}(mg.tensor([1.0]), 2.0).dtype\ndtype('bool')",
            "x, y",
        ),
    )

for _name, _unary_ufunc, _formula in (
    ("logical_not", np.logical_not, r"\lnot x"),
    ("isnan", np.isnan, r"x = \mathrm{NaN}"),
    ("isfinite", np.isfinite, r"|x| < \infty"),
):
    globals()[_name] = nondifferentiable(
        _name,
        _unary_ufunc,
        formula=_formula,
        samples=unary(),
        doc=_doc(
            f"Element by element {_name}: booleans, without a derivative.",
            f">>> mg.{_name}(mg.tensor([1.0])).dtype\ndtype('bool')",
        ),
    )


# Identity, detachment, dtype --------------------------------------------------------------------

identity = elementwise(
    "identity",
    lambda x: x,
    lambda t, _x, _out: t,
    formula="x",
    vjp_formula="g",
    samples=unary(),
    doc=_doc("The same value as a new node.", ">>> mg.identity(mg.tensor([1.0]))\ntensor([1.])"),
)

stop_gradient = nondifferentiable(
    "stop_gradient",
    lambda x: x,
    formula=r"x",
    samples=unary(),
    doc=_doc(
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
def astype(x: Any, dtype: Any) -> Any:
    """Convert to another dtype; the cotangent is converted back.

    Parameters
    ----------
    x : array_like
    dtype : dtype
        Any real, integer or boolean dtype.

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
    dtype = np.dtype(dtype)
    x = operand(x)
    return x if x.dtype == dtype else bind(_astype, (x,), {"dtype": dtype})


_astype.function = astype
