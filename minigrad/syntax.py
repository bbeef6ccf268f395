"""Syntax: what Python's operators and NumPy's functions mean for a tensor.

Nothing is computed here.  Every operator, method and NumPy function is looked up by
name in a table that the primitives fill when they are declared.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .context import current
from .describe import describe
from .errors import GradientError, ImmutableError, UnsupportedError

if TYPE_CHECKING:
    from .tensor import Tensor

FUNCTIONS: dict[str, Callable[..., Any]] = {}  # public functions by name; ops/ fills it
PROTOCOL: dict[Any, Callable[..., Any]] = {}  # NumPy's function, or (ufunc, method) -> ours
HINTS: dict[Any, str] = {}  # NumPy's function, or a ufunc's method -> what to write instead

METHODS = frozenset(
    "abs absolute all any arccos arccosh arcsin arcsinh arctan arctanh argmax argmin argpartition "
    "argsort astype ceil clamp clip clone compress copy cos cosh count_nonzero cummax cummin cumprod "
    "cumsum deg2rad diagonal diff digamma dot erf erfc exp exp2 expm1 flatten flip floor fmax fmin "
    "gather hypot isfinite isinf isnan lgamma log log10 log1p log2 logaddexp log_softmax logsumexp "
    "matmul max maximum mean median min minimum moveaxis nan_to_num nonzero permute pow prod ptp "
    "quantile rad2deg ravel reciprocal relu reshape roll round rsqrt searchsorted sigmoid sign "
    "signbit sin sinc sinh softmax sqrt square squeeze std sum swapaxes take tan tanh tile topk "
    "transpose tril triu trunc unbind unsqueeze var view".split()
)


_SAME: dict[Any, str] = {}  # operators that are a function, arguments in the same order


def _unary(name: str) -> Callable[[Any], Tensor]:
    _SAME[operator := lambda self: FUNCTIONS[name](self)] = name
    return operator


def _left(name: str) -> Callable[[Any, Any], Tensor]:
    _SAME[operator := lambda self, other: FUNCTIONS[name](self, other)] = name
    return operator


def _right(name: str) -> Callable[[Any, Any], Tensor]:
    return lambda self, other: FUNCTIONS[name](other, self)  # type: ignore[no-any-return]


def _in_place(name: str, sign: str) -> Callable[[Any, Any], Tensor]:
    def operator(self: Any, other: Any) -> Tensor:
        if self.is_leaf and self.requires_grad and not current().recording:
            raise ImmutableError(
                f"x {sign}= ... makes a new tensor, which under no_grad() nothing tracks, and this is "
                f"{describe(self)}. To change its value, write for example "
                "x.data = x.data - 0.1 * x.grad.data; the optimizers of mg.optim do it for you."
            )
        return FUNCTIONS[name](self, other)  # type: ignore[no-any-return]

    return operator


class Syntax:
    """The base of Tensor: operators, indexing, methods, NumPy's protocols."""

    __slots__ = ()
    __array_priority__ = 1000.0

    __add__, __radd__ = _left("add"), _right("add")
    __sub__, __rsub__ = _left("subtract"), _right("subtract")
    __mul__, __rmul__ = _left("multiply"), _right("multiply")
    __truediv__, __rtruediv__ = _left("divide"), _right("divide")
    __pow__, __rpow__ = _left("power"), _right("power")
    __matmul__, __rmatmul__ = _left("matmul"), _right("matmul")
    __floordiv__, __rfloordiv__ = _left("floor_divide"), _right("floor_divide")
    __mod__, __rmod__ = _left("remainder"), _right("remainder")
    __and__, __rand__ = _left("bitwise_and"), _right("bitwise_and")
    __or__, __ror__ = _left("bitwise_or"), _right("bitwise_or")
    __xor__, __rxor__ = _left("bitwise_xor"), _right("bitwise_xor")
    __divmod__, __rdivmod__ = _left("divmod"), _right("divmod")
    __iadd__, __isub__ = _in_place("add", "+"), _in_place("subtract", "-")
    __imul__, __itruediv__ = _in_place("multiply", "*"), _in_place("divide", "/")
    __neg__, __abs__, __invert__ = _unary("negative"), _unary("absolute"), _unary("invert")
    __eq__, __ne__ = _left("equal"), _left("not_equal")  # type: ignore[assignment]
    __lt__, __le__ = _left("less"), _left("less_equal")
    __gt__, __ge__ = _left("greater"), _left("greater_equal")
    __getitem__ = _left("getitem")
    __hash__ = object.__hash__  # by identity: == is element by element

    def __pos__(self) -> Any:
        return self

    def __setitem__(self, index: Any, value: Any) -> None:
        raise ImmutableError(
            f"tensors are immutable, and this is {describe(self)}. "
            "Instead of `x[i] = v` write `x = x.at[i].set(v)`; of `x[i] += v`, `x = x.at[i].add(v)`."
        )

    @property
    def T(self) -> Tensor:
        """The transpose: all axes reversed."""
        return FUNCTIONS["transpose"](self)  # type: ignore[no-any-return]

    def trace(self, *args: Any, **kwargs: Any) -> Tensor:
        """The sum of a diagonal: :func:`minigrad.matrix_trace`."""
        return FUNCTIONS["matrix_trace"](self, *args, **kwargs)  # type: ignore[no-any-return]

    @property
    def at(self) -> At:
        """``x.at[i].set(v)``, ``.add(v)``, ...: a changed copy; gradients flow to both."""
        return At(self)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        # Methods are the functions of the same name; once all are declared, the package makes
        # them real attributes.  What arrives here is unknown, except to type checkers.
        hint = f" Write mg.{name}(x)." if name in FUNCTIONS else ""
        raise AttributeError(f"a Tensor has no attribute {name!r}.{hint}")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        x: Any = self
        if x.requires_grad:
            raise GradientError(
                f"NumPy asked for the plain array of {describe(x)}, which would cut the graph "
                "in silence. Write x.numpy() or x.detach() to leave the graph on purpose."
            )
        return np.array(x.data, dtype=dtype, copy=copy)  # read-only, unless NumPy copies

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__":
            dtype = kwargs.pop("dtype", None)
            if dtype is not None:  # of the loop, to which NumPy converts the inputs
                inputs = tuple([FUNCTIONS["astype"](x, dtype) for x in inputs])
            return _protocol(f"np.{ufunc.__name__}", ufunc, ufunc, inputs, kwargs)
        return _protocol(f"np.{ufunc.__name__}.{method}", (ufunc, method), method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        name = f"{func.__module__}.{func.__name__}".replace("numpy", "np")
        return _protocol(name, func, func, args, kwargs)


def complete(tensor: type[Syntax]) -> None:
    """Once all functions are declared: make methods of them, and operators without a detour."""
    for name in METHODS & set(FUNCTIONS):
        setattr(tensor, name, FUNCTIONS[name])
    for name, operator in vars(Syntax).items():
        if callable(operator) and _SAME.get(operator) in FUNCTIONS:
            setattr(tensor, name, FUNCTIONS[_SAME[operator]])


class At:
    """``x.at[index]``: the place in a tensor that a method changes in a copy."""

    def __init__(self, tensor: Any, index: Any = None) -> None:
        self._tensor = tensor
        self._index = index

    def __getitem__(self, index: Any) -> At:
        return At(self._tensor, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        self._tensor[index] = value  # raises, and says how to write it

    def get(self) -> Tensor:
        """The elements at the index, as indexing reads them."""
        return FUNCTIONS["getitem"](self._tensor, self._index)  # type: ignore[no-any-return]

    def set(self, value: Any) -> Tensor:
        """A copy in which the elements at the index are `value`."""
        return FUNCTIONS["at_set"](self._tensor, self._index, value)  # type: ignore[no-any-return]

    def add(self, value: Any) -> Tensor:
        """A copy with `value` added at the index; repeated indices accumulate."""
        return FUNCTIONS["at_add"](self._tensor, self._index, value)  # type: ignore[no-any-return]

    def mul(self, value: Any) -> Tensor:
        """A copy multiplied by `value` at the index; repeated indices accumulate."""
        return FUNCTIONS["at_mul"](self._tensor, self._index, value)  # type: ignore[no-any-return]

    def min(self, value: Any) -> Tensor:
        """A copy with the smaller of the element and `value` at the index."""
        return FUNCTIONS["at_min"](self._tensor, self._index, value)  # type: ignore[no-any-return]

    def max(self, value: Any) -> Tensor:
        """A copy with the larger of the element and `value` at the index."""
        return FUNCTIONS["at_max"](self._tensor, self._index, value)  # type: ignore[no-any-return]


def _protocol(name: str, key: Any, hint_key: Any, args: Any, kwargs: Any) -> Any:
    """Run our version of a NumPy function, or say what to use."""
    function = PROTOCOL.get(key)
    if function is None or kwargs.get("out") is not None:
        base = name.rsplit(".", 1)[-1]
        if kwargs.get("out") is not None:
            hint = "Tensors are immutable: leave out= away and use the result."
            out = kwargs["out"]
            if isinstance(out, tuple) and args and out[0] is args[0]:  # array -= tensor
                hint = f"{hint[:-1]}; for array -= x write array = array - x.data."
        elif hint_key in HINTS:
            hint = HINTS[hint_key]
        elif base in FUNCTIONS:
            hint = f"Use mg.{base}."
        elif hint_key != key:
            hint = "Write the reduction with mg.sum, mg.max, ..."
        else:
            hint = "Leave the graph on purpose with x.numpy(), or build it from mg's functions."
        found = ", ".join(describe(a) for a in args if isinstance(a, Syntax))
        raise UnsupportedError(f"{name} does not record tensors ({found}). {hint}")
    try:
        return function(*args, **kwargs)
    except TypeError as error:
        try:
            inspect.signature(function).bind(*args, **kwargs)
        except TypeError as wrong:
            ours = f"minigrad's {function.__name__}{inspect.signature(function)}"
            raise UnsupportedError(
                f"{name}: {ours} does not take all of NumPy's arguments: {wrong}. "
                "Leave them out, or convert before or after."
            ) from error
        raise
