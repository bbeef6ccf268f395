"""Nonlinearities as modules."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from ..errors import ArgumentError
from ..tensor import Tensor
from . import functional, init
from .functional.arguments import as_input
from .layers import check_size
from .module import Module
from .parameter import Parameter


class _InPlace(Module):
    """PyTorch's `inplace` argument is accepted; tensors are immutable."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        """Whether PyTorch would work in place."""
        return "inplace=True" if self.inplace else ""


class ReLU(_InPlace):
    """The positive part; derivative 0 at 0.

    Parameters
    ----------
    inplace : bool
        Accepted for PyTorch's sake; tensors are immutable.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.ReLU()(mg.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def forward(self, x: Any) -> Tensor:
        """max(x, 0)."""
        return functional.relu(as_input(x))


class LeakyReLU(Module):
    """x where it is positive, a small multiple of x elsewhere.

    Parameters
    ----------
    negative_slope : float
    inplace : bool
        Accepted for PyTorch's sake; tensors are immutable.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.LeakyReLU(0.1)(mg.tensor([-1.0, 2.0]))
    tensor([-0.1,  2. ])
    """

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, x: Any) -> Tensor:
        """x or negative_slope * x."""
        return functional.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        """The slope."""
        return f"negative_slope={self.negative_slope}{', inplace=True' if self.inplace else ''}"


class PReLU(Module):
    """x where it is positive, a learned multiple of x elsewhere.

    Parameters
    ----------
    num_parameters : int
        One slope for all, or one per channel (axis 1).
    init : float
        The first slope.
    dtype : dtype
        Of the slopes; float32, as in PyTorch.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.PReLU()(mg.tensor([-1.0, 2.0], dtype="float32"))
    tensor([-0.25,  2.  ], dtype=float32, op=where, line=1)
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, dtype: Any = np.float32) -> None:
        super().__init__()
        self.num_parameters = check_size("PReLU", "num_parameters", num_parameters)
        self.init = init
        self.weight = Parameter(np.full(num_parameters, init, dtype))

    def reset_parameters(self) -> None:
        """Set every slope to the first value again."""
        init.constant_(self.weight, self.init)

    def forward(self, x: Any) -> Tensor:
        """x or weight * x."""
        return functional.prelu(x, self.weight)

    def extra_repr(self) -> str:
        """How many slopes."""
        return f"num_parameters={self.num_parameters}"


class ELU(Module):
    """x where it is positive, ``alpha * (exp(x) - 1)`` elsewhere.

    Parameters
    ----------
    alpha : float
    inplace : bool
        Accepted for PyTorch's sake; tensors are immutable.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.ELU()(mg.tensor([-1000.0, 2.0]))
    tensor([-1.,  2.])
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, x: Any) -> Tensor:
        """x or alpha (exp(x) - 1)."""
        return functional.elu(x, self.alpha)

    def extra_repr(self) -> str:
        """The limit on the left."""
        return f"alpha={self.alpha}{', inplace=True' if self.inplace else ''}"


class GELU(Module):
    """x times the probability that a standard normal variable is smaller than x.

    Parameters
    ----------
    approximate : {"none", "tanh"}
        Exact, with the error function (which needs SciPy); or by a hyperbolic tangent.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.GELU()(mg.tensor([0.0, 1.0]))
    tensor([0.        , 0.84134475])
    """

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        super().__init__()
        if approximate not in ("none", "tanh"):
            raise ArgumentError(f'GELU: approximate is "none" or "tanh", not {approximate!r}.')
        self.approximate: Literal["none", "tanh"] = approximate

    def forward(self, x: Any) -> Tensor:
        """x times the normal distribution function of x."""
        return functional.gelu(x, self.approximate)

    def extra_repr(self) -> str:
        """Exact or not."""
        return f"approximate={self.approximate!r}"


class SiLU(_InPlace):
    """``x * sigmoid(x)``.

    Parameters
    ----------
    inplace : bool
        Accepted for PyTorch's sake; tensors are immutable.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.SiLU()(mg.tensor([0.0]))
    tensor([0.])
    """

    def forward(self, x: Any) -> Tensor:
        """x sigmoid(x)."""
        return functional.silu(x)


class Sigmoid(Module):
    """The logistic function.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.Sigmoid()(mg.tensor([0.0]))
    tensor([0.5])
    """

    def forward(self, x: Any) -> Tensor:
        """1 / (1 + exp(-x))."""
        return functional.sigmoid(as_input(x))


class LogSigmoid(Module):
    """The logarithm of :class:`Sigmoid`, exact also where that is near zero.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.LogSigmoid()(mg.tensor([-1000.0]))
    tensor([-1000.])
    """

    def forward(self, x: Any) -> Tensor:
        """log(1 / (1 + exp(-x)))."""
        return functional.logsigmoid(x)


class Tanh(Module):
    """The hyperbolic tangent.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.Tanh()(mg.tensor([0.0]))
    tensor([0.])
    """

    def forward(self, x: Any) -> Tensor:
        """tanh(x)."""
        return functional.tanh(as_input(x))


class Softplus(Module):
    """A smooth rectifier, ``log(1 + exp(beta x)) / beta``.

    Parameters
    ----------
    beta : float
    threshold : float
        Where ``beta x`` is larger, the result is x itself.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.Softplus()(mg.tensor([0.0]))
    tensor([0.69314718])
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, x: Any) -> Tensor:
        """log(1 + exp(beta x)) / beta."""
        return functional.softplus(x, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """The sharpness."""
        return f"beta={self.beta}, threshold={self.threshold}"


class Softmax(Module):
    """Exponentials along an axis, scaled to sum to one.

    CrossEntropyLoss does this itself: give it logits, not the output of a Softmax.

    Parameters
    ----------
    dim : int
        The axis of the classes.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.Softmax(dim=1)(mg.tensor([[0.0, 0.0]]))
    tensor([[0.5, 0.5]])
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Any) -> Tensor:
        """exp(x) / sum exp(x)."""
        return functional.softmax(x, self.dim)

    def extra_repr(self) -> str:
        """The axis."""
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """The logarithm of :class:`Softmax`, for NLLLoss.

    Parameters
    ----------
    dim : int
        The axis of the classes.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.LogSoftmax(dim=1)(mg.tensor([[0.0, 0.0]]))
    tensor([[-0.69314718, -0.69314718]])
    """

    def forward(self, x: Any) -> Tensor:
        """x - log sum exp(x)."""
        return functional.log_softmax(x, self.dim)
