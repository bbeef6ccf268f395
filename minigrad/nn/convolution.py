"""Convolutions and their transposes as layers."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

import minigrad as mg

from ..errors import ArgumentError, ShapeError
from ..ops.window import AXES, per_axis
from ..tensor import Tensor, describe
from . import functional, init
from .functional.arguments import as_input
from .layers import check_size
from .module import Module
from .parameter import Parameter
from .text import for_axes, unusual

_BORDERS = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}  # in NumPy's words


class _Conv(Module):
    """A kernel, a bias, and how they go over the input: what all convolutions share."""

    _count: ClassVar[int] = 0  # how many axes the kernel goes along
    _transposed: ClassVar[bool] = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        output_padding: Any,
        dilation: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        dtype: Any,
        generator: np.random.Generator | None,
    ) -> None:
        super().__init__()
        who, count = type(self).__name__, self._count
        self.in_channels = check_size(who, "in_channels", in_channels)
        self.out_channels = check_size(who, "out_channels", out_channels)
        self.groups = per_axis(who, "groups", groups, 1)[0]
        for name in ("in_channels", "out_channels"):
            if getattr(self, name) % self.groups:
                raise ArgumentError(
                    f"{who}: {name}={getattr(self, name)} must be a multiple of groups={groups}."
                )
        self.kernel_size = per_axis(who, "kernel_size", kernel_size, count)
        self.stride = per_axis(who, "stride", stride, count)
        self.dilation = per_axis(who, "dilation", dilation, count)
        self.output_padding = per_axis(who, "output_padding", output_padding, count, 0)
        if not isinstance(padding, str):
            padding = per_axis(who, "padding", padding, count, 0)
        elif padding not in ("same", "valid") or self._transposed:
            known = "a number" if self._transposed else 'a number, "same" or "valid"'
            raise ArgumentError(f"{who}: padding is {known}, not {padding!r}.")
        elif padding == "same" and any(s != 1 for s in self.stride):
            raise ArgumentError(f'{who}: padding="same" needs stride=1, and this is {self.stride}.')
        self.padding = padding
        modes = ("zeros",) if self._transposed else ("zeros", *_BORDERS)
        if padding_mode not in modes:
            raise ArgumentError(
                f"{who}: padding_mode is {' or '.join(map(repr, modes))}, not {padding_mode!r}."
            )
        self.padding_mode = padding_mode
        first, second = self.out_channels, self.in_channels
        if self._transposed:
            first, second = second, first
        self.weight = Parameter(np.zeros((first, second // self.groups, *self.kernel_size), dtype))
        self.register_parameter("bias", Parameter(np.zeros(out_channels, dtype)) if bias else None)
        self.reset_parameters(generator)

    def reset_parameters(self, generator: np.random.Generator | None = None) -> None:
        """Draw the first values again."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5), generator=generator)
        if self.bias is not None:
            fan_in, _ = init.fans(type(self).__name__, self.weight)
            bound = 1.0 / math.sqrt(fan_in) if fan_in else 0.0
            init.uniform_(self.bias, -bound, bound, generator=generator)

    def _checked(self, x: Any) -> Tensor:
        """x, if its axes, channels and dtype fit."""
        x, who, axes = as_input(x), type(self).__name__, AXES[self._count - 1]
        if x.ndim not in (self._count + 1, self._count + 2):
            raise ShapeError(
                f"{who}: x must be (N, C, {axes}), or (C, {axes}) for a single sample, and it is "
                f"{describe(x)}."
            )
        channels = x.shape[-self._count - 1]
        if channels != self.in_channels:
            raise ShapeError(
                f"{who}: x is {describe(x)} with {channels} channels (axis -{self._count + 1}), but "
                f"the layer has in_channels={self.in_channels}."
            )
        functional.same_dtype(who, x, weight=self.weight)
        return x

    def extra_repr(self) -> str:
        """The settings, without those that are as usual."""
        zeros, ones = (0,) * self._count, (1,) * self._count
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}"
        ) + unusual(
            padding=(self.padding, zeros),
            dilation=(self.dilation, ones),
            output_padding=(self.output_padding, zeros),
            groups=(self.groups, 1),
            bias=(self.bias is not None, True),
            padding_mode=(self.padding_mode, "zeros"),
        )


class _Forward(_Conv):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        dtype: Any = np.float32,
        *,
        generator: np.random.Generator | None = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, 0, dilation, groups, bias,
            padding_mode, dtype, generator,
        )  # fmt: skip

    def forward(self, x: Any) -> Tensor:
        """Convolve x."""
        x, padding = self._checked(x), self.padding
        if self.padding_mode != "zeros":
            x, padding = self._bordered(x), 0
        function = getattr(functional, f"conv{self._count}d")
        return function(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def _bordered(self, x: Tensor) -> Tensor:
        """x with a border of its own elements."""
        if isinstance(self.padding, str):
            spans = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
            widths = [(n // 2, n - n // 2) if self.padding == "same" else (0, 0) for n in spans]
        else:
            widths = [(n, n) for n in self.padding]
        sizes = x.shape[x.ndim - self._count :]
        least = {"reflect": 1, "circular": 0}.get(self.padding_mode)  # beyond the width
        if least is not None and any(max(w) > n - least for w, n in zip(widths, sizes, strict=True)):
            raise ShapeError(
                f"{type(self).__name__}: padding_mode={self.padding_mode!r} takes the border from the "
                f"input, which is too small for a border of {[max(w) for w in widths]}: {describe(x)}."
            )
        return mg.pad(x, [(0, 0)] * (x.ndim - self._count) + widths, mode=_BORDERS[self.padding_mode])


class _Transposed(_Conv):
    _transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        dtype: Any = np.float32,
        *,
        generator: np.random.Generator | None = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, output_padding, dilation, groups,
            bias, padding_mode, dtype, generator,
        )  # fmt: skip

    def forward(self, x: Any, output_size: Any = None) -> Tensor:
        """Let every element of x paint a kernel; `output_size` stands in for `output_padding`."""
        x = self._checked(x)
        extra = self.output_padding if output_size is None else self._extra(x, output_size)
        function = getattr(functional, f"conv_transpose{self._count}d")
        return function(
            x, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )

    def _extra(self, x: Tensor, output_size: Any) -> tuple[int, ...]:
        """The output padding that gives a size."""
        who, count = type(self).__name__, self._count
        wanted = per_axis(who, "output_size", tuple(output_size)[-count:], count)
        settings = (
            x.shape[x.ndim - count :],
            self.stride,
            self.padding,
            self.dilation,
            self.kernel_size,
        )
        least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in zip(*settings, strict=True)]
        extra = tuple([w - n for w, n in zip(wanted, least, strict=True)])
        if any(not 0 <= e < s for e, s in zip(extra, self.stride, strict=True)):
            most = [n + s - 1 for n, s in zip(least, self.stride, strict=True)]
            raise ShapeError(
                f"{who}: output_size={output_size!r} cannot come of {describe(x)}; sizes go from "
                f"{least} to {most}."
            )
        return extra


_FORWARD = """Convolution along {axes}, without turning the kernel round.

Parameters
----------
in_channels, out_channels : int
kernel_size : int{ints}
stride : int{ints}
    Distance of the windows.
padding : int{ints}, "same" or "valid"
    How much border there is on either side; "same" gives as many places as the input has elements.
dilation : int{ints}
    Distance of the elements in a window.
groups : int
    Split the channels into groups that do not see one another.
bias : bool
    Whether to add a bias.
padding_mode : {{"zeros", "reflect", "replicate", "circular"}}
    What the border holds: zeros, the input mirrored at its last element, that element, or the
    input over again.
dtype : dtype
    Of the parameters; float32, as in PyTorch.
generator : numpy.random.Generator, optional
    For the first values; by default the one of :func:`minigrad.manual_seed`.

Attributes
----------
weight : Parameter, shape (out_channels, in_channels / groups, window)
    At first uniform between -k and k with ``k = 1 / sqrt(in_channels / groups * window)``.
bias : Parameter, shape (out_channels,), or None
    At first the same.

Examples
--------
>>> import minigrad as mg
>>> layer = mg.nn.Conv{count}d(3, 8, kernel_size=3, padding=1)
>>> layer(mg.tensor(np.ones({four}, "float32"))).shape
{result}
"""

_TRANSPOSE = """Transpose of :class:`Conv{count}d`: every element paints a kernel.

Parameters
----------
in_channels, out_channels : int
kernel_size : int{ints}
stride : int{ints}
    Distance of the painted kernels.
padding : int{ints}
    How much to take away on either side of the result.
output_padding : int{ints}
    How much to add at the end, less than stride or dilation.
groups : int
    Split the channels into groups that do not see one another.
bias : bool
    Whether to add a bias.
dilation : int{ints}
    Distance of the elements in a kernel.
padding_mode : {{"zeros"}}
dtype : dtype
    Of the parameters; float32, as in PyTorch.
generator : numpy.random.Generator, optional
    For the first values; by default the one of :func:`minigrad.manual_seed`.

Attributes
----------
weight : Parameter, shape (in_channels, out_channels / groups, window)
    At first uniform between -k and k with ``k = 1 / sqrt(out_channels / groups * window)``.
bias : Parameter, shape (out_channels,), or None
    At first the same.

Examples
--------
>>> import minigrad as mg
>>> layer = mg.nn.ConvTranspose{count}d(3, 8, kernel_size=2, stride=2)
>>> layer(mg.tensor(np.ones({four}, "float32"))).shape
{result}
"""


class Conv1d(_Forward):
    __doc__ = for_axes(_FORWARD, 1, result=(5, 8, 4))
    _count = 1


class Conv2d(_Forward):
    __doc__ = for_axes(_FORWARD, 2, result=(5, 8, 4, 4))
    _count = 2


class Conv3d(_Forward):
    __doc__ = for_axes(_FORWARD, 3, result=(5, 8, 4, 4, 4))
    _count = 3


class ConvTranspose1d(_Transposed):
    __doc__ = for_axes(_TRANSPOSE, 1, result=(5, 8, 8))
    _count = 1


class ConvTranspose2d(_Transposed):
    __doc__ = for_axes(_TRANSPOSE, 2, result=(5, 8, 8, 8))
    _count = 2


class ConvTranspose3d(_Transposed):
    __doc__ = for_axes(_TRANSPOSE, 3, result=(5, 8, 8, 8, 8))
    _count = 3
