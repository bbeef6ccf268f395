"""Convolution in one to three dimensions, by PyTorch's names and arguments.

It is a contraction of the kernel with all windows of the input.  The windows are a view: only the
matrix product copies them, and a node keeps the input itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import ArgumentError, ShapeError
from ..tensor import describe, operand
from .einsum import pair
from .shape import reshape
from .window import (
    Sizes,
    batched,
    check_fit,
    cropped,
    documented,
    fold_windows,
    padded_with_zeros,
    per_axis,
    unfold_windows,
)

POSITIONS, WINDOW = "xyz", "uvw"  # labels of the contraction, with n, g (groups), i, o (channels)


CONVOLUTION = """Convolution along {axes}.

Parameters
----------
input : array_like, shape (N, C, {axes}) or (C, {axes})
weight : array_like, shape (O, C / groups, window)
bias : array_like, shape (O,), optional
    Added to each channel of the result.
stride : int{ints}
    Distance of the windows.
padding : int{ints}, "same" or "valid"
    Zeros on either side; "same" gives as many places as the input has elements.
dilation : int{ints}
    Distance of the elements in a window.
groups : int
    Split the channels into groups that do not see one another.

Returns
-------
Tensor, shape (N, O, places) or (O, places)

Raises
------
ShapeError
    If the shapes do not fit, or the window is larger than the input with its padding.
ArgumentError
    For sizes that are no positive integers, or another padding.

Notes
-----
As in PyTorch, the kernel is not turned round: mathematicians say cross-correlation.

Examples
--------
>>> import minigrad as mg
>>> x = mg.tensor([1.0, 2.0, 4.0]).reshape{three}
>>> mg.{name}(x, mg.tensor([1.0, -1.0]).reshape{kernel}).flatten()
tensor([-1., -2.])
"""

TRANSPOSE = """Transpose of :func:`conv{count}d`: every element paints a kernel.

Parameters
----------
input : array_like, shape (N, C, {axes}) or (C, {axes})
weight : array_like, shape (C, O / groups, window)
bias : array_like, shape (O,), optional
    Added to each channel of the result.
stride : int{ints}
    Distance of the painted kernels.
padding : int{ints}
    How much to take away on either side of the result.
output_padding : int{ints}
    How much to add at the end, less than stride or dilation.
groups : int
    Split the channels into groups that do not see one another.
dilation : int{ints}
    Distance of the elements in a kernel.

Returns
-------
Tensor, shape (N, O, places) or (O, places)

Raises
------
ShapeError
    If the shapes do not fit, or nothing is left of the result.
ArgumentError
    For sizes that are no positive integers.

Examples
--------
>>> import minigrad as mg
>>> x = mg.tensor([1.0, 2.0, 4.0]).reshape{three}
>>> mg.{name}(x, mg.tensor([1.0, -1.0]).reshape{kernel}).flatten()
tensor([ 1.,  1.,  2., -4.])
"""


def _kernel(
    who: str, weight: Any, x: Any, groups: Any, count: int, transposed: bool
) -> tuple[Any, int]:
    """The kernel, split into groups: (groups, first / groups, second, window)."""
    weight, groups = operand(weight), per_axis(who, "groups", groups, 1)[0]
    channels = x.shape[1]
    first, second = ("C", "O / groups") if transposed else ("O", "C / groups")
    found = f"weight is {describe(weight)}, input is {describe(x)}, groups={groups}"
    if weight.ndim != count + 2:
        raise ShapeError(
            f"{who}: weight has {weight.ndim} axes; it takes ({first}, {second}, window); {found}."
        )
    expected = weight.shape[0] if transposed else weight.shape[1] * groups
    if expected != channels or weight.shape[0] % groups or channels % groups:
        raise ShapeError(
            f"{who}: the input has {channels} channels, and the weight ({first}, {second}, window) is "
            f"for {expected}; C and O must be multiples of groups; {found}."
        )
    if 0 in weight.shape[2:]:
        raise ShapeError(f"{who}: the window is empty; {found}.")
    return reshape(weight, (groups, weight.shape[0] // groups, *weight.shape[1:])), groups


def _with_bias(who: str, out: Any, bias: Any, count: int, batch: bool) -> Any:
    if bias is not None:
        bias = operand(bias)
        if bias.shape != out.shape[1:2]:
            raise ShapeError(
                f"{who}: bias is {describe(bias)}; it takes one number per channel of the result: "
                f"({out.shape[1]},)."
            )
        out = out + reshape(bias, (-1, *[1] * count))
    return out if batch else reshape(out, out.shape[1:])


def _margins(
    who: str, padding: Any, window: Sizes, stride: Sizes, dilation: Sizes
) -> tuple[Sizes, Sizes]:
    """Zeros before and after the input."""
    if not isinstance(padding, str):
        both = per_axis(who, "padding", padding, len(window), 0)
        return both, both
    if padding == "valid":
        return (0,) * len(window), (0,) * len(window)
    if padding != "same":
        raise ArgumentError(f'{who}: padding is a number, "same" or "valid", not {padding!r}.')
    if any(s != 1 for s in stride):
        raise ArgumentError(f'{who}: padding="same" needs stride=1, and this is {stride}.')
    total = [d * (k - 1) for d, k in zip(dilation, window, strict=True)]
    return tuple([t // 2 for t in total]), tuple([t - t // 2 for t in total])


def _convolution(count: int) -> Callable[..., Any]:
    who = f"conv{count}d"
    at, window = POSITIONS[:count], WINDOW[:count]

    def conv(
        input: Any,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Any:
        x, batch = batched(who, input, count)
        kernel, groups = _kernel(who, weight, x, groups, count, transposed=False)
        size = kernel.shape[3:]
        stride = per_axis(who, "stride", stride, count)
        dilation = per_axis(who, "dilation", dilation, count)
        x = padded_with_zeros(x, *_margins(who, padding, size, stride, dilation))
        check_fit(who, input, size, dilation, x.shape[2:])
        if groups == 1:
            kernel = reshape(kernel, kernel.shape[1:])
            out = pair(
                kernel,
                unfold_windows(x, size, stride, dilation),
                f"oi{window},ni{window}{at}->no{at}",
            )
        else:
            x = reshape(x, (x.shape[0], groups, x.shape[1] // groups, *x.shape[2:]))
            out = pair(
                kernel,
                unfold_windows(x, size, stride, dilation),
                f"goi{window},ngi{window}{at}->ngo{at}",
            )
            out = reshape(out, (out.shape[0], out.shape[1] * out.shape[2], *out.shape[3:]))
        return _with_bias(who, out, bias, count, batch)

    return documented(conv, who, CONVOLUTION, count)


def _transposed(count: int) -> Callable[..., Any]:
    who = f"conv_transpose{count}d"
    at, window = POSITIONS[:count], WINDOW[:count]

    def conv_transpose(
        input: Any,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        dilation: Any = 1,
    ) -> Any:
        x, batch = batched(who, input, count)
        kernel, groups = _kernel(who, weight, x, groups, count, transposed=True)
        size = kernel.shape[3:]
        stride = per_axis(who, "stride", stride, count)
        padding = per_axis(who, "padding", padding, count, 0)
        extra = per_axis(who, "output_padding", output_padding, count, 0)
        dilation = per_axis(who, "dilation", dilation, count)
        if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation, strict=True)):
            raise ArgumentError(
                f"{who}: output_padding={extra} must be smaller than stride={stride} or "
                f"dilation={dilation}."
            )
        full = [
            (n - 1) * s + d * (k - 1) + 1 + e
            for n, s, d, k, e in zip(x.shape[2:], stride, dilation, size, extra, strict=True)
        ]
        if any(n - 2 * p <= 0 for n, p in zip(full, padding, strict=True)):
            raise ShapeError(
                f"{who}: the result has {full} elements, and padding={padding} would take away all of "
                f"them; input is {describe(x)}, weight is {describe(weight)}."
            )
        x = reshape(x, (x.shape[0], groups, x.shape[1] // groups, *x.shape[2:]))
        windows = pair(kernel, x, f"gio{window},ngi{at}->ngo{window}{at}")
        out = fold_windows(windows, tuple(full), size, stride, dilation)
        out = reshape(out, (out.shape[0], out.shape[1] * out.shape[2], *out.shape[3:]))
        return _with_bias(who, cropped(out, padding, padding), bias, count, batch)

    return documented(conv_transpose, who, TRANSPOSE, count)


conv1d, conv2d, conv3d = map(_convolution, (1, 2, 3))
conv_transpose1d, conv_transpose2d, conv_transpose3d = map(_transposed, (1, 2, 3))
