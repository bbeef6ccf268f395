"""Linear, Identity, Flatten, Unflatten."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

import minigrad as mg

from ..errors import ArgumentError, ShapeError
from ..tensor import Tensor, describe
from . import functional, init
from .functional.arguments import as_input
from .module import Module
from .parameter import Parameter


class Linear(Module):
    """The affine map ``x @ weight.T + bias`` of the last axis.

    Parameters
    ----------
    in_features, out_features : int
    bias : bool
        Whether to add a bias.
    dtype : dtype
        Of the parameters; float32, as in PyTorch.
    generator : numpy.random.Generator, optional
        For the first values; by default the one of :func:`minigrad.manual_seed`.

    Attributes
    ----------
    weight : Parameter, shape (out_features, in_features)
        At first uniform between -k and k with ``k = 1 / sqrt(in_features)``.
    bias : Parameter, shape (out_features,), or None
        At first the same.

    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.Linear(3, 2)
    >>> layer
    Linear(in_features=3, out_features=2, bias=True)
    >>> layer(mg.tensor([[1.0, 2.0, 3.0]], dtype="float32")).shape
    (1, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        dtype: Any = np.float32,
        *,
        generator: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.in_features = check_size("Linear", "in_features", in_features)
        self.out_features = check_size("Linear", "out_features", out_features)
        self.weight = Parameter(np.zeros((out_features, in_features), dtype))
        self.bias = Parameter(np.zeros(out_features, dtype)) if bias else None
        if not bias:
            self.register_parameter("bias", None)
        self.reset_parameters(generator)

    def reset_parameters(self, generator: np.random.Generator | None = None) -> None:
        """Draw the first values again."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5), generator=generator)
        if self.bias is not None:
            bound = 1.0 / math.sqrt(self.in_features) if self.in_features else 0.0
            init.uniform_(self.bias, -bound, bound, generator=generator)

    def forward(self, x: Any) -> Tensor:
        """Apply the map to the last axis of x."""
        return functional.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The sizes."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Identity(Module):
    """Returns its input; any arguments are accepted and forgotten.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.Identity()(mg.tensor([1.0]))
    tensor([1.])
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, x: Any) -> Tensor:
        """x itself."""
        return as_input(x)


class Flatten(Module):
    """Merge neighbouring axes into one; by default all but the first.

    Parameters
    ----------
    start_dim, end_dim : int

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.Flatten()(mg.broadcast_to(1.0, (5, 8, 8))).shape
    (5, 64)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, x: Any) -> Tensor:
        """x with the axes merged."""
        return mg.flatten(as_input(x), self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """The axes."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Split one axis into several.

    Parameters
    ----------
    dim : int
        The axis.
    unflattened_size : sequence of int
        The new axes; one may be -1, for what is left.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.Unflatten(1, (2, -1))(mg.broadcast_to(1.0, (5, 6))).shape
    (5, 2, 3)
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__()
        sizes = tuple(unflattened_size) if isinstance(unflattened_size, tuple | list) else ()
        integers = [isinstance(n, int | np.integer) and not isinstance(n, bool) for n in (dim, *sizes)]
        if not sizes or not all(integers) or min(sizes) < -1 or sizes.count(-1) > 1:
            raise ArgumentError(
                "Unflatten: dim is an integer and unflattened_size a tuple of sizes, of which one may "
                f"be -1; not {dim!r} and {unflattened_size!r}."
            )
        self.dim = dim
        self.unflattened_size = unflattened_size

    def forward(self, x: Any) -> Tensor:
        """x with the axis split."""
        x, sizes = as_input(x), tuple(self.unflattened_size)
        size = x.shape[self.dim] if -x.ndim <= self.dim < x.ndim else -1
        known = math.prod([n for n in sizes if n != -1])
        left = size // known if -1 in sizes and known else 1
        if known * left != size:
            raise ShapeError(
                f"Unflatten: axis {self.dim} of {describe(x)} cannot be split into {list(sizes)}."
            )
        sizes = tuple([left if n == -1 else n for n in sizes])
        axis = self.dim % x.ndim
        return mg.reshape(x, (*x.shape[:axis], *sizes, *x.shape[axis + 1 :]))

    def extra_repr(self) -> str:
        """The axis and its parts."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


def check_size(who: str, name: str, size: Any) -> int:
    """Refuse what is no size.

    Examples
    --------
    >>> check_size("Linear", "in_features", 3)
    3
    """
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 0:
        raise ArgumentError(f"{who}: {name} is an integer from 0 upwards, not {size!r}.")
    return int(size)
