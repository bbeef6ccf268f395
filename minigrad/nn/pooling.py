"""Pools as layers: the largest element or the mean of every window."""

from __future__ import annotations

from typing import Any, ClassVar

from ..errors import ArgumentError
from ..ops.window import per_axis
from ..tensor import Tensor
from . import functional
from .functional.arguments import as_input
from .module import Module
from .text import for_axes


class _Pool(Module):
    """What all pools share: the function of their name, called with their settings."""

    _count: ClassVar[int] = 0  # how many axes the windows go along
    _function: ClassVar[str] = ""

    def _pool(self, x: Any, **settings: Any) -> Any:
        return getattr(functional, f"{self._function}{self._count}d")(as_input(x), **settings)


class _Window(_Pool):
    """Windows of a given size."""

    def __init__(self, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool) -> None:
        super().__init__()
        who, count = type(self).__name__, self._count
        size = per_axis(who, "kernel_size", kernel_size, count)
        if stride is not None:
            per_axis(who, "stride", stride, count)
        around = per_axis(who, "padding", padding, count, 0)
        if any(2 * p > k for p, k in zip(around, size, strict=True)):
            raise ArgumentError(
                f"{who}: padding={padding} is more than half of kernel_size={kernel_size}: a window "
                "would hold nothing but padding."
            )
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode


class _MaxPool(_Window):
    _function = "max_pool"

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode)
        per_axis(type(self).__name__, "dilation", dilation, self._count)
        self.dilation = dilation
        self.return_indices = return_indices

    def forward(self, x: Any) -> Any:
        """The largest elements, and with `return_indices` their places, too."""
        return self._pool(
            x, kernel_size=self.kernel_size, stride=self.stride, padding=self.padding,
            dilation=self.dilation, ceil_mode=self.ceil_mode, return_indices=self.return_indices,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """The windows."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class _AvgPool(_Window):
    _function = "avg_pool"

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode)
        if divisor_override is not None:
            per_axis(type(self).__name__, "divisor_override", divisor_override, 1)
        if self._count == 1:  # PyTorch shows these as tuples
            for name in ("kernel_size", "stride", "padding"):
                setattr(self, name, per_axis("AvgPool1d", name, getattr(self, name), 1, 0))
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, x: Any) -> Tensor:
        """The means."""
        return self._pool(
            x, kernel_size=self.kernel_size, stride=self.stride, padding=self.padding,
            ceil_mode=self.ceil_mode, count_include_pad=self.count_include_pad,
            divisor_override=self.divisor_override,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """The windows."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _Adaptive(_Pool):
    """As many windows as are asked for."""

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        given = output_size if isinstance(output_size, tuple | list) else (output_size,)
        per_axis(
            type(self).__name__, "output_size",
            tuple([1 if n is None else n for n in given]), self._count,
        )  # fmt: skip
        self.output_size = output_size

    def extra_repr(self) -> str:
        """How many windows."""
        return f"output_size={self.output_size}"


class _AdaptiveAvgPool(_Adaptive):
    _function = "adaptive_avg_pool"

    def forward(self, x: Any) -> Tensor:
        """The means."""
        return self._pool(x, output_size=self.output_size)


class _AdaptiveMaxPool(_Adaptive):
    _function = "adaptive_max_pool"

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices

    def forward(self, x: Any) -> Any:
        """The largest elements, and with `return_indices` their places, too."""
        return self._pool(x, output_size=self.output_size, return_indices=self.return_indices)


_MAXIMUM = """The largest element of every window along {axes}.

Parameters
----------
kernel_size : int{ints}
    Of a window.
stride : int{ints}, optional
    Distance of the windows; by default they touch.
padding : int{ints}
    Minus infinities on either side, at most half a window.
dilation : int{ints}
    Distance of the elements in a window.
return_indices : bool
    Whether to return the places of the largest elements, too.
ceil_mode : bool
    Whether a last window may reach beyond the end.

Notes
-----
Where several elements of a window are largest, the gradient is split evenly among them; PyTorch
gives it to the first.

Examples
--------
>>> import minigrad as mg
>>> mg.nn.MaxPool{count}d(2)(mg.broadcast_to(1.0, {four})).shape
{result}
"""

_MEAN = """The mean of every window along {axes}.

Parameters
----------
kernel_size : int{ints}
    Of a window.
stride : int{ints}, optional
    Distance of the windows; by default they touch.
padding : int{ints}
    Zeros on either side, at most half a window.
ceil_mode : bool
    Whether a last window may reach beyond the end; only what is inside then counts.
count_include_pad : bool
    Whether the zeros of the padding count.
divisor_override : int, optional
    What to divide the sums by, instead.

Examples
--------
>>> import minigrad as mg
>>> mg.nn.AvgPool{count}d(2)(mg.broadcast_to(1.0, {four})).shape
{result}
"""

_ADAPTIVE_MEAN = """The mean of windows along {axes}, as many as are asked for.

Parameters
----------
output_size : int{or_none}
    How many windows per axis; None for as many as there are elements.

Examples
--------
>>> import minigrad as mg
>>> mg.nn.AdaptiveAvgPool{count}d(1)(mg.broadcast_to(1.0, {four})).shape
{result}
"""

_ADAPTIVE_MAXIMUM = """The largest element of windows along {axes}, as many as are asked for.

Parameters
----------
output_size : int{or_none}
    How many windows per axis; None for as many as there are elements.
return_indices : bool
    Whether to return the places of the largest elements, too.

Examples
--------
>>> import minigrad as mg
>>> mg.nn.AdaptiveMaxPool{count}d(1)(mg.broadcast_to(1.0, {four})).shape
{result}
"""


class MaxPool1d(_MaxPool):
    __doc__ = for_axes(_MAXIMUM, 1, result=(5, 3, 2))
    _count = 1


class MaxPool2d(_MaxPool):
    __doc__ = for_axes(_MAXIMUM, 2, result=(5, 3, 2, 2))
    _count = 2


class MaxPool3d(_MaxPool):
    __doc__ = for_axes(_MAXIMUM, 3, result=(5, 3, 2, 2, 2))
    _count = 3


class AvgPool1d(_AvgPool):
    __doc__ = for_axes(_MEAN, 1, result=(5, 3, 2))
    _count = 1


class AvgPool2d(_AvgPool):
    __doc__ = for_axes(_MEAN, 2, result=(5, 3, 2, 2))
    _count = 2


class AvgPool3d(_AvgPool):
    __doc__ = for_axes(_MEAN, 3, result=(5, 3, 2, 2, 2))
    _count = 3


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    __doc__ = for_axes(_ADAPTIVE_MEAN, 1, result=(5, 3, 1))
    _count = 1


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    __doc__ = for_axes(_ADAPTIVE_MEAN, 2, result=(5, 3, 1, 1))
    _count = 2


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    __doc__ = for_axes(_ADAPTIVE_MEAN, 3, result=(5, 3, 1, 1, 1))
    _count = 3


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    __doc__ = for_axes(_ADAPTIVE_MAXIMUM, 1, result=(5, 3, 1))
    _count = 1


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    __doc__ = for_axes(_ADAPTIVE_MAXIMUM, 2, result=(5, 3, 1, 1))
    _count = 2


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    __doc__ = for_axes(_ADAPTIVE_MAXIMUM, 3, result=(5, 3, 1, 1, 1))
    _count = 3
