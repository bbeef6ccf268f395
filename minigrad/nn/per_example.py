"""Normalization of every example by itself: over its last axes, groups of channels, or each channel.

Training and inference are alike, but for an instance norm that keeps running averages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import minigrad as mg

from ..errors import ArgumentError, ShapeError
from ..tensor import Tensor, describe
from . import functional, init
from .functional.arguments import as_input
from .layers import check_size
from .module import Module
from .normalization import RunningNorm
from .parameter import Parameter
from .text import extended


class _Affine(Module):
    """A scale and a shift, at first ones and zeros; either may be left out."""

    def __init__(
        self, eps: float, shape: tuple[int, ...], affine: bool, bias: bool, dtype: Any
    ) -> None:
        super().__init__()
        if not eps >= 0:
            raise ArgumentError(f"{type(self).__name__}: eps must be zero or positive, not {eps!r}.")
        self.eps = eps
        self.register_parameter("weight", Parameter(np.ones(shape, dtype)) if affine else None)
        self.register_parameter("bias", Parameter(np.zeros(shape, dtype)) if affine and bias else None)

    def reset_parameters(self) -> None:
        """Set scale and shift to ones and zeros."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


class LayerNorm(_Affine):
    """Normalise every example over its last axes; the same in training and inference.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        Sizes of these axes.
    eps : float
        Added to the variance inside the root.
    elementwise_affine : bool
        Whether to learn a scale (`weight`) and a shift (`bias`) per element.
    bias : bool
        False leaves out the shift alone.
    dtype : dtype
        Of the parameters; float32, as in PyTorch.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.LayerNorm(2, eps=0.0)(mg.tensor([[1.0, 3.0]], dtype="float32")).tolist()
    [[-1.0, 1.0]]
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        dtype: Any = np.float32,
    ) -> None:
        shape = functional.normal_shape("LayerNorm", normalized_shape)
        super().__init__(eps, shape, elementwise_affine, bias, dtype)
        self.normalized_shape = shape
        self.elementwise_affine = elementwise_affine

    def forward(self, x: Any) -> Tensor:
        """Normalise x."""
        return functional.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The settings."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class GroupNorm(_Affine):
    """Normalise every example over groups of channels (axis 1) and all further axes.

    Parameters
    ----------
    num_groups : int
        A divisor of `num_channels`.
    num_channels : int
    eps : float
        Added to the variance inside the root.
    affine : bool
        Whether to learn a scale (`weight`) and a shift (`bias`) per channel.
    dtype : dtype
        Of the parameters; float32, as in PyTorch.
    bias : bool
        False leaves out the shift alone.

    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.GroupNorm(2, 4, eps=0.0)
    >>> layer(mg.tensor([[1.0, 3.0, 10.0, 30.0]], dtype="float32")).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        dtype: Any = np.float32,
        *,
        bias: bool = True,
    ) -> None:
        functional.check_groups("GroupNorm", num_groups)
        if check_size("GroupNorm", "num_channels", num_channels) % num_groups:
            raise ArgumentError(
                f"GroupNorm: num_channels={num_channels} must be a multiple of num_groups={num_groups}."
            )
        super().__init__(eps, (num_channels,), affine, bias, dtype)
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.affine = affine

    def forward(self, x: Any) -> Tensor:
        """Normalise x, of shape (N, C, ...)."""
        x = as_input(x)
        if x.ndim < 2 or x.shape[1] != self.num_channels:
            raise ShapeError(
                f"GroupNorm: x must be (N, {self.num_channels}, ...), as num_channels says, and it is "
                f"{describe(x)}."
            )
        return functional.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The settings."""
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class _InstanceNorm(RunningNorm):
    """Normalise every channel of every example over its further axes.

    Parameters
    ----------
    num_features : int
        Number of channels.
    eps : float
        Added to the variance inside the root.
    momentum : float or None
        Weight of the new value in the running averages; 0 and None freeze them.
    affine : bool
        Whether to learn a scale (`weight`) and a shift (`bias`); off by default.
    track_running_stats : bool
        Whether to keep running averages, and to normalise with them in inference mode; off by
        default: then both modes are alike.
    dtype : dtype
        Of parameters and running averages; float32, as in PyTorch.
    bias : bool
        False leaves out the shift alone.

    Notes
    -----
    A wrong number of channels is an error; PyTorch warns, where no parameter depends on it.
    As in PyTorch, `num_batches_tracked` stays 0.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        dtype: Any = np.float32,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, dtype, bias=bias)

    def forward(self, x: Any) -> Tensor:
        """Normalise x; in training mode move the running averages, if there are any."""
        x = as_input(x)
        single = x.ndim == self._layouts[0] - 1
        x = self._checked(mg.expand_dims(x, 0) if single else x)
        out = functional.instance_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum, self.eps,
        )  # fmt: skip
        return out[0] if single else out


class InstanceNorm1d(_InstanceNorm):
    __doc__ = extended(
        _InstanceNorm,
        """
    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.InstanceNorm1d(1, eps=0.0)
    >>> layer(mg.tensor([[[1.0, 3.0]], [[10.0, 30.0]]])).tolist()
    [[[-1.0, 1.0]], [[-1.0, 1.0]]]
    """,
    )

    _layouts = (3,)
    _expected = "(N, C, L) or (C, L)"


class InstanceNorm2d(_InstanceNorm):
    __doc__ = extended(
        _InstanceNorm,
        """
    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.InstanceNorm2d(3)(mg.broadcast_to(1.0, (2, 3, 4, 4))).shape
    (2, 3, 4, 4)
    """,
    )

    _layouts = (4,)
    _expected = "(N, C, H, W) or (C, H, W)"


class InstanceNorm3d(_InstanceNorm):
    __doc__ = extended(
        _InstanceNorm,
        """
    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.InstanceNorm3d(3)(mg.broadcast_to(1.0, (2, 3, 4, 4, 4))).shape
    (2, 3, 4, 4, 4)
    """,
    )

    _layouts = (5,)
    _expected = "(N, C, D, H, W) or (C, D, H, W)"
