"""Nonlinearities as modules."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor, as_tensor
from . import functional
from .module import Module


class _InPlace(Module):
    """PyTorch's `inplace` argument is accepted; tensors are immutable."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


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
        return functional.relu(as_tensor(x))


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
        return f"negative_slope={self.negative_slope}"


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
        return functional.sigmoid(as_tensor(x))


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
        return functional.tanh(as_tensor(x))


class Softplus(Module):
    """A smooth rectifier, ``log(1 + exp(beta x)) / beta``.

    Parameters
    ----------
    beta : float

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.Softplus()(mg.tensor([0.0]))
    tensor([0.69314718])
    """

    def __init__(self, beta: float = 1.0) -> None:
        super().__init__()
        self.beta = beta

    def forward(self, x: Any) -> Tensor:
        """log(1 + exp(beta x)) / beta."""
        return functional.softplus(as_tensor(x) * self.beta) / self.beta

    def extra_repr(self) -> str:
        """The sharpness."""
        return f"beta={self.beta}"


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
