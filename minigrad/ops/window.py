"""Windows: all places of a small box in the last axes, and what is put back from them.

``unfold`` reads all windows of an array: a view, nothing is copied.  ``fold``, its transpose,
adds windows up where they overlap.  Convolution and pooling are made of these two.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..primitive import bind, linear, public
from ..tensor import Array, Shape, describe, operand
from .arguments import checked_axis
from .index import getitem
from .rearrange import pad
from .shape import reshape, transpose

Sizes = tuple[int, ...]
AXES = ("L", "H, W", "D, H, W")  # names of the axes of a signal, an image, a volume


def positions(shape: Sizes, size: Sizes, stride: Sizes, dilation: Sizes) -> Sizes:
    """How many places a window has along each axis.

    Examples
    --------
    >>> positions((5,), (3,), (2,), (1,))
    (2,)
    """
    spans = [d * (k - 1) + 1 for k, d in zip(size, dilation, strict=True)]
    return tuple([max((n - w) // s + 1, 0) for n, w, s in zip(shape, spans, stride, strict=True)])


def view(x: Array, size: Sizes, stride: Sizes, dilation: Sizes, writeable: bool = False) -> Array:
    """The windows as a view of shape (leading axes, window, positions)."""
    n = x.ndim - len(size)
    steps = x.strides[n:]
    return np.lib.stride_tricks.as_strided(
        x,
        (*x.shape[:n], *size, *positions(x.shape[n:], size, stride, dilation)),
        (
            *x.strides[:n],
            *[step * d for step, d in zip(steps, dilation, strict=True)],
            *[step * s for step, s in zip(steps, stride, strict=True)],
        ),
        writeable=writeable,
    )


def _add_up(x: Array, shape: Sizes, size: Sizes, stride: Sizes, dilation: Sizes) -> Array:
    """Windows of shape (leading axes, window, positions), added where they belong."""
    k = len(size)
    lead, places = x.shape[: x.ndim - 2 * k], x.shape[x.ndim - k :]
    narrow = x.dtype == np.float16
    out = np.zeros((*lead, *shape), np.float32 if narrow else x.dtype)
    if all(s >= d * (w - 1) + 1 for s, d, w in zip(stride, dilation, size, strict=True)):
        view(out, size, stride, dilation, writeable=True)[...] = x  # none overlap
    elif math.prod(size) <= math.prod(places):
        for offset in itertools.product(*map(range, size)):
            index = [
                slice(i * d, i * d + s * (p - 1) + 1, s)
                for i, d, s, p in zip(offset, dilation, stride, places, strict=True)
            ]
            out[(..., *index)] += x[(..., *offset, *[slice(None)] * k)]
    else:  # large windows in few places
        for place in itertools.product(*map(range, places)):
            index = [
                slice(i * s, i * s + d * (w - 1) + 1, d)
                for i, s, d, w in zip(place, stride, dilation, size, strict=True)
            ]
            out[(..., *index)] += x[(..., *place)]
    return out.astype(x.dtype) if narrow else out


def _samples_of_unfold(rng: np.random.Generator) -> Any:
    for shape, size, params in (
        ((1, 2, 4, 5), (2, 3), {}),
        ((2, 1, 5, 4), 2, {"stride": 2, "padding": 1}),
        ((1, 1, 6, 5), (2, 2), {"dilation": (3, 2)}),
        ((2, 3, 3), (3, 3), {}),
        ((0, 2, 3, 3), 2, {}),
    ):
        yield (rng.standard_normal(shape), size), params


def _samples_of_fold(rng: np.random.Generator) -> Any:
    for shape, output, size, params in (
        ((1, 12, 9), (4, 5), (2, 3), {}),
        ((2, 4, 9), (5, 4), 2, {"stride": 2, "padding": 1}),
        ((1, 4, 9), (6, 5), (2, 2), {"dilation": (3, 2)}),
        ((9, 4), (4, 4), (3, 3), {}),
        ((1, 4, 4), (4, 4), 2, {"stride": 2}),
    ):
        yield (rng.standard_normal(shape), output, size), params


_unfold = linear(
    "unfold",
    lambda x, size, stride, dilation: view(np.asarray(x), size, stride, dilation),
    lambda g, _x, _out, size, stride, dilation: fold_windows(
        g, _x.shape[len(_x.shape) - len(size) :], size, stride, dilation
    ),
    formula=r"\mathrm{out}_{k,p} = x_{s p + d k}",
    vjp_formula=r"\sum_{s p + d k = i} g_{k,p}",
    samples=_samples_of_unfold,
)

_fold = linear(
    "fold",
    lambda x, shape, size, stride, dilation: _add_up(np.asarray(x), shape, size, stride, dilation),
    lambda g, _x, _out, shape, size, stride, dilation: unfold_windows(g, size, stride, dilation),
    formula=r"\mathrm{out}_i = \sum_{s p + d k = i} x_{k,p}",
    vjp_formula=r"g_{s p + d k}",
    samples=_samples_of_fold,
)


def unfold_windows(x: Any, size: Sizes, stride: Sizes, dilation: Sizes) -> Any:
    """All windows in the last axes: (leading axes, window, positions)."""
    return bind(_unfold, (x,), {"size": size, "stride": stride, "dilation": dilation})


def fold_windows(x: Any, shape: Shape, size: Sizes, stride: Sizes, dilation: Sizes) -> Any:
    """The transpose of :func:`unfold_windows`, on arrays of a shape."""
    params = {"shape": tuple(shape), "size": size, "stride": stride, "dilation": dilation}
    return bind(_fold, (x,), params)


# Arguments that all functions of windows share ----------------------------------------------------


def per_axis(who: str, name: str, value: Any, count: int, least: int = 1) -> Sizes:
    """An integer for all axes, or one for each."""
    values = tuple(value) if isinstance(value, tuple | list) else (value,) * count
    if len(values) == 1 < count:
        values *= count
    try:
        found = tuple([operator.index(v) for v in values])
    except TypeError:
        found = ()
    if len(found) != count or any(v < least for v in found):
        raise ArgumentError(
            f"{who}: {name}={value!r}; it is an integer from {least} upwards"
            + (f", or {count} of them, one per axis." if count > 1 else ".")
        )
    return found


def batched(who: str, x: Any, count: int, name: str = "input") -> tuple[Any, bool]:
    """The input with an axis of samples, and whether it had one."""
    x = operand(x)
    axes = AXES[count - 1]
    if x.ndim not in (count + 1, count + 2):
        raise ShapeError(
            f"{who}: {name} is {describe(x)} with {x.ndim} axes; it takes (N, C, {axes}), or "
            f"(C, {axes}) for a single sample."
        )
    return (x, True) if x.ndim == count + 2 else (reshape(x, (1, *x.shape)), False)


def check_fit(who: str, x: Any, size: Sizes, dilation: Sizes, padded: Shape) -> None:
    """Whether the window has a place at all."""
    spans = [d * (k - 1) + 1 for k, d in zip(size, dilation, strict=True)]
    if any(w > n for w, n in zip(spans, padded, strict=True)):
        raise ShapeError(
            f"{who}: the window spans {spans} elements, and the input with padding has {list(padded)}: "
            f"{describe(x)}. Use a smaller kernel_size or dilation, or more padding."
        )


def padded_with_zeros(x: Any, before: Sizes, after: Sizes) -> Any:
    """Zeros around the last axes."""
    if not any(before) and not any(after):
        return x
    return pad(x, [(0, 0)] * (x.ndim - len(before)) + list(zip(before, after, strict=True)))


def cropped(x: Any, before: Sizes, after: Sizes) -> Any:
    """The last axes without what :func:`padded_with_zeros` adds."""
    if not any(before) and not any(after):
        return x
    sizes = x.shape[x.ndim - len(before) :]
    return getitem(x, (..., *[slice(b, n - a) for b, a, n in zip(before, after, sizes, strict=True)]))


def documented(function: Callable[..., Any], name: str, doc: str, count: int) -> Callable[..., Any]:
    """Publish a function for so many axes, with a docstring whose braces are filled in."""
    function.__name__ = function.__qualname__ = name
    several = count > 1
    one = (1,) * count
    function.__doc__ = doc.format(
        name=name,
        count=count,
        axes=AXES[count - 1],
        ints=" or tuple of int" if several else "",
        ints_or_none=" or tuple of (int or None)" if several else "",
        three=(*one, 3),
        four=(*one, 4),
        kernel=(*one, 1, 2),
        pair=(*one[1:], 2),
    )
    return public(name)(function)


# Public ---------------------------------------------------------------------------------------------


@public("unfold")
def unfold(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """All windows of images as columns, by PyTorch's name and arguments.

    Parameters
    ----------
    input : array_like, shape (N, C, H, W) or (C, H, W)
    kernel_size : int or (int, int)
        Of a window.
    dilation : int or (int, int)
        Distance of the elements in a window.
    padding : int or (int, int)
        Zeros on either side.
    stride : int or (int, int)
        Distance of the windows.

    Returns
    -------
    Tensor, shape (N, C * window, windows) or (C * window, windows)

    Raises
    ------
    ShapeError
        For an input of another number of axes, or too small.
    ArgumentError
        For sizes that are no positive integers.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.unfold(mg.tensor([[[1.0, 2.0, 3.0]]]), (1, 2))
    tensor([[1., 2.],
            [2., 3.]])
    """
    x, batch = batched("unfold", input, 2)
    size = per_axis("unfold", "kernel_size", kernel_size, 2)
    dilation = per_axis("unfold", "dilation", dilation, 2)
    padding = per_axis("unfold", "padding", padding, 2, 0)
    stride = per_axis("unfold", "stride", stride, 2)
    x = padded_with_zeros(x, padding, padding)
    check_fit("unfold", input, size, dilation, x.shape[2:])
    windows = unfold_windows(x, size, stride, dilation)
    shape = (x.shape[1] * math.prod(size), math.prod(windows.shape[4:]))
    return reshape(windows, (x.shape[0], *shape) if batch else shape)


@public("fold")
def fold(
    input: Any,
    output_size: Any,
    kernel_size: Any,
    dilation: Any = 1,
    padding: Any = 0,
    stride: Any = 1,
) -> Any:
    """Images from windows in columns, added where they overlap: the transpose of :func:`unfold`.

    Parameters
    ----------
    input : array_like, shape (N, C * window, windows) or (C * window, windows)
    output_size : int or (int, int)
        Of the images.
    kernel_size, dilation, padding, stride : int or (int, int)
        As in :func:`unfold`.

    Returns
    -------
    Tensor, shape (N, C, H, W) or (C, H, W)

    Raises
    ------
    ShapeError
        If the input is no such array of windows.
    ArgumentError
        For sizes that are no positive integers.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.fold(mg.tensor([[1.0, 2.0], [2.0, 3.0]]), (1, 3), (1, 2))
    tensor([[[1., 4., 3.]]])
    """
    x = operand(input)
    output = per_axis("fold", "output_size", output_size, 2)
    size = per_axis("fold", "kernel_size", kernel_size, 2)
    dilation = per_axis("fold", "dilation", dilation, 2)
    padding = per_axis("fold", "padding", padding, 2, 0)
    stride = per_axis("fold", "stride", stride, 2)
    full = tuple([n + 2 * p for n, p in zip(output, padding, strict=True)])
    places = positions(full, size, stride, dilation)
    area, count = math.prod(size), math.prod(places)
    if x.ndim not in (2, 3) or x.shape[-2] % area or x.shape[-1] != count:
        raise ShapeError(
            f"fold: input is {describe(x)}; for output_size={output_size!r} and "
            f"kernel_size={kernel_size!r} it takes (N, C * {area}, {count}) or (C * {area}, {count}): "
            f"{count} windows of {area} elements."
        )
    channels = x.shape[-2] // area
    windows = reshape(x, (*x.shape[:-2], channels, *size, *places))
    return cropped(fold_windows(windows, full, size, stride, dilation), padding, padding)


@public("sliding_window_view", np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(x: Any, window_shape: Any, axis: Any = None) -> Any:
    """All windows of an array, by NumPy's name and arguments; a view.

    Parameters
    ----------
    x : array_like
    window_shape : int or tuple of int
        One size per axis.
    axis : int or tuple of int, optional
        The axes that the window slides along; by default all.

    Returns
    -------
    Tensor
        The positions in place of the axes, then the axes of the window.

    Raises
    ------
    ArgumentError
        For an axis out of range, or sizes and axes that do not go together.
    ShapeError
        For a window that is larger than its axis.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.sliding_window_view(mg.tensor([1.0, 2.0, 3.0]), 2)
    tensor([[1., 2.],
            [2., 3.]])
    """
    who, x = "sliding_window_view", operand(x)
    sizes = tuple(window_shape) if isinstance(window_shape, tuple | list) else (window_shape,)
    axes = tuple(range(x.ndim)) if axis is None else axis
    axes = tuple(axes) if isinstance(axes, tuple | list) else (axes,)
    sizes = per_axis(who, "window_shape", sizes, len(sizes), 0) if sizes else ()
    if len(sizes) != len(axes):
        raise ArgumentError(
            f"{who}: window_shape={window_shape!r} has {len(sizes)} sizes for {len(axes)} axes of "
            f"{describe(x)}."
        )
    given = x
    for size, a in zip(sizes, [checked_axis(who, x, a) for a in axes], strict=True):
        if size > x.shape[a]:
            raise ShapeError(
                f"{who}: a window of {size} does not fit into axis {a} of {describe(given)}, where "
                f"{x.shape[a]} elements are left."
            )
        rest = [i for i in range(x.ndim) if i != a]
        windows = unfold_windows(transpose(x, (*rest, a)), (size,), (1,), (1,))
        n = len(rest)  # then come the window, n, and the positions, n + 1
        x = transpose(windows, (*range(a), n + 1, *range(a, n), n))
    return x


_unfold.function = unfold
_fold.function = fold
