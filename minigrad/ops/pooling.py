"""Pooling in one to three dimensions, by PyTorch's names and arguments.

The largest element or the sum of every window.  Both go through the window element by element,
each time for all windows at once: NumPy's reductions over the many short axes of the view that
``unfold`` gives take up to sixty times as long.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..primitive import bind, general, linear
from ..tensor import Array, Shape, describe
from .arithmetic import astype, stop_gradient
from .choice import where
from .index import getitem, scatter_add
from .logic import equal, isnan, logical_and, logical_or
from .rearrange import pad
from .reduce import argmax, mean, share
from .reduce import sum as summed
from .shape import broadcast_to, reshape
from .window import (
    Sizes,
    batched,
    check_fit,
    documented,
    fold_windows,
    padded_with_zeros,
    per_axis,
    unfold_windows,
    view,
)

MAXIMUM = """The largest element of every window.

Parameters
----------
input : array_like, shape (N, C, {axes}) or (C, {axes})
kernel_size : int{ints}
    Of a window.
stride : int{ints}, optional
    Distance of the windows; by default they touch.
padding : int{ints}
    Minus infinities on either side, at most half a window.
dilation : int{ints}
    Distance of the elements in a window.
ceil_mode : bool
    Whether a last window may reach beyond the end.
return_indices : bool
    Whether to return the places of the largest elements, too, counted through the axes
    ({axes}): data, without a derivative.

Returns
-------
Tensor, shape (N, C, places) or (C, places)
    With `return_indices` a pair.

Raises
------
ShapeError
    For an input of another number of axes, or too small.
ArgumentError
    For sizes that are no positive integers, or too much padding.

Notes
-----
Where several elements of a window are largest, the gradient is split evenly among them; PyTorch
gives it to the first.

Examples
--------
>>> import minigrad as mg
>>> mg.{name}(mg.tensor([1.0, 5.0, 3.0, 2.0]).reshape{four}, {pair}).flatten()
tensor([5., 3.])
"""

MEAN = """The mean of every window.

Parameters
----------
input : array_like, shape (N, C, {axes}) or (C, {axes})
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

Returns
-------
Tensor, shape (N, C, places) or (C, places)

Raises
------
ShapeError
    For an input of another number of axes, or too small.
ArgumentError
    For sizes that are no positive integers, or too much padding.

Examples
--------
>>> import minigrad as mg
>>> mg.{name}(mg.tensor([1.0, 5.0, 3.0, 2.0]).reshape{four}, {pair}).flatten()
tensor([3. , 2.5])
"""

ADAPTIVE_MAXIMUM = """The largest element of windows, as many as are asked for.

Window i of m over n elements goes from ``i * n // m`` to ``ceil((i + 1) * n / m)``.

Parameters
----------
input : array_like, shape (N, C, {axes}) or (C, {axes})
output_size : int{ints_or_none}
    How many windows per axis; None for as many as there are elements.
return_indices : bool
    Whether to return the places of the largest elements, too: data, without a derivative.

Returns
-------
Tensor, shape (N, C, output_size) or (C, output_size)

Raises
------
ShapeError
    For an input of another number of axes, or an empty one.
ArgumentError
    For sizes that are no positive integers.

Examples
--------
>>> import minigrad as mg
>>> mg.{name}(mg.tensor([1.0, 5.0, 3.0]).reshape{three}, {pair}).flatten()
tensor([5., 5.])
"""

ADAPTIVE_MEAN = """The mean of windows, as many as are asked for.

Window i of m over n elements goes from ``i * n // m`` to ``ceil((i + 1) * n / m)``.

Parameters
----------
input : array_like, shape (N, C, {axes}) or (C, {axes})
output_size : int{ints_or_none}
    How many windows per axis; None for as many as there are elements.

Returns
-------
Tensor, shape (N, C, output_size) or (C, output_size)

Raises
------
ShapeError
    For an input of another number of axes, or an empty one.
ArgumentError
    For sizes that are no positive integers.

Examples
--------
>>> import minigrad as mg
>>> mg.{name}(mg.tensor([1.0, 5.0, 3.0]).reshape{three}, {pair}).flatten()
tensor([3., 4.])
"""


def _places(
    who: str, x: Any, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool
) -> tuple[Sizes, Sizes]:
    """How many windows there are per axis, and how much to add at the end to make room for them."""
    if any(2 * p > k for p, k in zip(padding, size, strict=True)):
        raise ArgumentError(
            f"{who}: padding={padding} is more than half of kernel_size={size}: a window would hold "
            "nothing but padding."
        )
    counts, extra = [], []
    for n, k, s, p, d in zip(x.shape[2:], size, stride, padding, dilation, strict=True):
        span = d * (k - 1) + 1
        count = (n + 2 * p - span) // s + 1
        if ceil_mode and (n + 2 * p - span) % s and count * s < n + p:
            count += 1  # one more, that begins inside
        counts.append(count)
        extra.append(max(0, (count - 1) * s + span - n - 2 * p))
    with_padding = tuple([n + 2 * p for n, p in zip(x.shape[2:], padding, strict=True)])
    check_fit(who, x, size, dilation, with_padding)
    return tuple(counts), tuple(extra)


def _window_axes(windows: Any, count: int) -> tuple[int, ...]:
    return tuple(range(windows.ndim - 2 * count, windows.ndim - count))


# The two primitives -------------------------------------------------------------------------------


def _elements(x: Array, size: Sizes, stride: Sizes, dilation: Sizes, write: bool = False) -> Any:
    """Per element of the window the array of that element in all windows."""
    windows = view(x, size, stride, dilation, write)
    places = (slice(None),) * len(size)
    return [windows[(..., *offset, *places)] for offset in itertools.product(*map(range, size))]


def _largest_array(x: Array, size: Sizes, stride: Sizes, dilation: Sizes) -> Array:
    first, *others = _elements(x, size, stride, dilation)
    out = first.copy()
    for element in others:
        np.maximum(out, element, out=out)
    return out


def _shares(x: Any, out: Any, t: Any, size: Sizes, stride: Sizes, dilation: Sizes) -> Any:
    """Per element of the windows its share of t, as in :func:`minigrad.max`."""
    windows = unfold_windows(x, size, stride, dilation)
    return share(t, windows, out, _window_axes(windows, len(size)))


def _max_pool_pullback(
    g: Any, needed: Any, x: Any, out: Any, size: Sizes, stride: Sizes, dilation: Sizes
) -> Any:
    shape = x.shape[x.ndim - len(size) :]
    if not isinstance(x, np.ndarray) or not isinstance(g, np.ndarray):
        wide = reshape(g, (*g.shape[: x.ndim - len(size)], *[1] * len(size), *out.shape[-len(size) :]))
        shared = _shares(x, out, wide, size, stride, dilation)
        return (fold_windows(shared, shape, size, stride, dilation),)
    elements = _elements(x, size, stride, dilation)
    best = [(element == out) | np.isnan(element) for element in elements]
    ties = np.zeros(out.shape, np.int32)
    for mask in best:
        ties += mask
    wide = np.float32 if g.dtype == np.float16 else g.dtype
    part = g / ties.astype(wide)
    total = np.zeros(x.shape, wide)
    for place, mask in zip(_elements(total, size, stride, dilation, write=True), best, strict=True):
        place += np.where(mask, part, 0)
    return (total.astype(g.dtype, copy=False),)


def _max_pool_pushforward(
    tangents: Any, x: Any, out: Any, size: Sizes, stride: Sizes, dilation: Sizes
) -> Any:
    t = unfold_windows(tangents[0], size, stride, dilation)
    shared = _shares(x, out, t, size, stride, dilation)
    return summed(shared, axis=_window_axes(shared, len(size)))


def _pool_samples(rng: np.random.Generator) -> Any:
    for shape, args in (
        ((1, 2, 4, 5), (2,)),
        ((2, 1, 5, 4), ((2, 3), 1, 1)),
        ((2, 6, 5), ((3, 2), (2, 1))),
        ((1, 1, 3, 3), (3,)),
        ((0, 1, 3, 3), (2,)),
    ):
        yield (rng.standard_normal(shape), *args), {}


_max_primitive = general(
    "max_pool",
    _largest_array,
    vjp=_max_pool_pullback,
    jvp=_max_pool_pushforward,
    formula=r"\max_k x_{s p + d k}",
    vjp_formula=r"\sum_{s p + d k = i} g_p\,[x_i = \mathrm{out}_p] \,/\, \text{number of ties}",
    samples=_pool_samples,
    kink="ties are split evenly",
)


def _sum_array(x: Array, size: Sizes, stride: Sizes) -> Array:
    wide = {"e": np.float32, "f": np.float64}.get(x.dtype.char, x.dtype)
    first, *others = _elements(x, size, stride, (1,) * len(size))
    out = first.astype(wide)
    for element in others:
        out += element
    return out.astype(x.dtype)


def _sum_transpose(g: Any, _x: Any, _out: Any, size: Sizes, stride: Sizes) -> Any:
    count = len(size)
    lead, places = g.shape[: len(g.shape) - count], g.shape[len(g.shape) - count :]
    wide = broadcast_to(reshape(g, (*lead, *[1] * count, *places)), (*lead, *size, *places))
    return fold_windows(wide, _x.shape[len(_x.shape) - count :], size, stride, (1,) * count)


_sum_primitive = linear(
    "sum_pool",
    _sum_array,
    _sum_transpose,
    formula=r"\sum_k x_{s p + k}",
    vjp_formula=r"\sum_{s p + k = i} g_p",
    samples=_pool_samples,
)


def _largest(x: Any, size: Sizes, stride: Sizes, dilation: Sizes) -> Any:
    return bind(_max_primitive, (x,), {"size": size, "stride": stride, "dilation": dilation})


def _sums(x: Any, size: Sizes, stride: Sizes) -> Any:
    return bind(_sum_primitive, (x,), {"size": size, "stride": stride})


# The same for windows whose number is given ------------------------------------------------------


def _bounds(n: int, m: int) -> tuple[Array, Array]:
    """Where each of m windows over n elements begins and ends."""
    i = np.arange(m)
    return i * n // m, -(-(i + 1) * n // m)


def _ranges(n: int, m: int) -> tuple[Array, Array]:
    """Per window (columns) its elements, and which of them are really inside."""
    start, stop = _bounds(n, m)
    reach = np.arange((stop - start).max())[:, None] + start
    return np.minimum(reach, n - 1), reach < stop


def _spread(table: Array, i: int, count: int) -> Array:
    """A table (window, positions) of axis i, with axes of size one for the others."""
    shape = [1] * (2 * count)
    shape[i], shape[count + i] = table.shape
    return table.reshape(shape)


def _in_turn(n: int, m: int) -> Iterator[tuple[Array, Array]]:
    """For the first, second, ... elements of m windows over n: the windows that have one, and where."""
    start, stop = _bounds(n, m)
    for k in range((stop - start).max(initial=0)):
        windows = np.flatnonzero(stop - start > k)
        yield windows, start[windows] + k


def _combined(x: Array, axis: int, m: int, combine: Any) -> Array:
    """The elements of each of m windows along an axis combined."""
    lead = (slice(None),) * axis
    out = np.zeros((*x.shape[:axis], m, *x.shape[axis + 1 :]), x.dtype)
    for k, (windows, places) in enumerate(_in_turn(x.shape[axis], m)):
        element = np.take(x, places, axis)
        if len(windows) < m:
            out[(*lead, windows)] = combine(out[(*lead, windows)], element)
        elif k:
            combine(out, element, out=out)
        else:
            out = element
    return out


def _adaptive_sum_array(x: Array, sizes: Sizes) -> Array:
    out = x.astype({"e": np.float32, "f": np.float64}.get(x.dtype.char, x.dtype))
    for axis, m in enumerate(sizes, x.ndim - len(sizes)):
        out = _combined(out, axis, m, np.add)
    return out.astype(x.dtype)


def _adaptive_samples(rng: np.random.Generator) -> Any:
    for shape, size in (
        ((1, 2, 4, 5), (2, 3)),
        ((2, 1, 2, 3), (5, 2)),
        ((2, 7, 5), (3, 5)),
        ((1, 1, 3, 3), (1, 1)),
        ((0, 1, 3, 3), (2, 2)),
    ):
        yield (rng.standard_normal(shape), size), {}


# Element j is in window i of m over n exactly where i is in window j of n over m.
_adaptive_sum = linear(
    "adaptive_sum_pool",
    _adaptive_sum_array,
    lambda g, _x, _out, sizes: _adaptive_sums(g, _x.shape[len(_x.shape) - len(sizes) :]),
    formula=r"\sum_{\lfloor p n / m \rfloor \le i < \lceil (p + 1) n / m \rceil} x_i",
    vjp_formula=r"\sum_{\lfloor i m / n \rfloor \le p < \lceil (i + 1) m / n \rceil} g_p",
    samples=_adaptive_samples,
)


def _adaptive_sums(x: Any, sizes: Sizes) -> Any:
    return bind(_adaptive_sum, (x,), {"sizes": sizes})


def _winning(element: Array, best: Array) -> Any:
    return (element == best) | np.isnan(element)


def _adaptive_max_array(x: Array, sizes: Sizes) -> Array:
    return _largest_by_axis(x, sizes)[-1]


def _largest_by_axis(x: Array, sizes: Sizes) -> list[Array]:
    """The input, then the largest elements along one, two, ... of the axes."""
    steps = [np.asarray(x)]
    for axis, m in enumerate(sizes, x.ndim - len(sizes)):
        steps.append(_combined(steps[-1], axis, m, np.maximum))
    return steps


def _adaptive_windows(x: Any, sizes: Sizes) -> tuple[Any, Array, tuple[Any, ...]]:
    """The windows, what of them is really inside, and the index that reads them."""
    count = len(sizes)
    pairs = [_ranges(n, m) for n, m in zip(x.shape[x.ndim - count :], sizes, strict=True)]
    index = (..., *[_spread(table, i, count) for i, (table, _) in enumerate(pairs)])
    held = functools.reduce(np.logical_and, [_spread(a, i, count) for i, (_, a) in enumerate(pairs)])
    return getitem(x, index), held, index


def _adaptive_shares(t: Any, windows: Any, held: Array, out: Any, count: int) -> Any:
    """Per element of the windows its share of t; what is not inside has none."""
    best = reshape(out, (*out.shape[: out.ndim - count], *[1] * count, *out.shape[out.ndim - count :]))
    wins = logical_and(held, logical_or(equal(windows, best), isnan(windows)))
    ties = summed(astype(wins, windows.dtype), axis=_window_axes(windows, count), keepdims=True)
    return where(wins, t / ties, 0.0)


def _adaptive_max_pullback(g: Any, needed: Any, x: Any, out: Any, sizes: Sizes) -> Any:
    count = len(sizes)
    if not isinstance(x, np.ndarray) or not isinstance(g, np.ndarray):
        windows, held, index = _adaptive_windows(x, sizes)
        wide = reshape(g, (*g.shape[: g.ndim - count], *[1] * count, *sizes))
        return (scatter_add(_adaptive_shares(wide, windows, held, out, count), x.shape, index),)
    # An element is the largest of a window if it is so along each axis in turn.
    steps = _largest_by_axis(x, sizes)
    axes = range(x.ndim - count, x.ndim)
    ties = np.ones(x.shape, np.int32)
    for axis, inner, outer in zip(axes, steps, steps[1:], strict=False):
        more = np.zeros(outer.shape, np.int32)
        lead = (slice(None),) * axis
        for windows, places in _in_turn(inner.shape[axis], outer.shape[axis]):
            at, of = (*lead, windows), (*lead, places)
            more[at] += np.where(_winning(inner[of], outer[at]), ties[of], 0)
        ties = more
    part = g / ties.astype(np.float32 if g.dtype == np.float16 else g.dtype)
    for axis, inner, outer in list(zip(axes, steps, steps[1:], strict=False))[::-1]:
        total = np.zeros(inner.shape, part.dtype)
        lead = (slice(None),) * axis
        for windows, places in _in_turn(inner.shape[axis], outer.shape[axis]):
            at, of = (*lead, windows), (*lead, places)
            mine = np.where(_winning(inner[of], outer[at]), part[at], 0)
            if outer.shape[axis] <= inner.shape[axis]:
                total[of] += mine
            else:  # more windows than elements: several begin at the same one
                np.add.at(total, of, mine)
        part = total
    return (part.astype(g.dtype, copy=False),)


def _adaptive_max_pushforward(tangents: Any, x: Any, out: Any, sizes: Sizes) -> Any:
    windows, held, index = _adaptive_windows(x, sizes)
    shared = _adaptive_shares(getitem(tangents[0], index), windows, held, out, len(sizes))
    return summed(shared, axis=_window_axes(shared, len(sizes)))


_adaptive_max = general(
    "adaptive_max_pool",
    _adaptive_max_array,
    vjp=_adaptive_max_pullback,
    jvp=_adaptive_max_pushforward,
    formula=r"\max_{\lfloor p n / m \rfloor \le i < \lceil (p + 1) n / m \rceil} x_i",
    vjp_formula=r"\sum_p g_p\,[x_i = \mathrm{out}_p] \,/\, \text{number of ties}",
    samples=_adaptive_samples,
    kink="ties are split evenly",
)


# Pools of a given window ----------------------------------------------------------------------------


def _max_pool(count: int) -> Callable[..., Any]:
    who = f"max_pool{count}d"

    def max_pool(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        x, batch = batched(who, input, count)
        size = per_axis(who, "kernel_size", kernel_size, count)
        stride = size if stride is None else per_axis(who, "stride", stride, count)
        padding = per_axis(who, "padding", padding, count, 0)
        dilation = per_axis(who, "dilation", dilation, count)
        places, extra = _places(who, x, size, stride, padding, dilation, ceil_mode)
        inner = x.shape[2:]
        if any(padding) or any(extra):
            widths = [(p, p + e) for p, e in zip(padding, extra, strict=True)]
            x = pad(x, [(0, 0), (0, 0), *widths], constant_values=-np.inf)
        out = _largest(x, size, stride, dilation)
        if not return_indices:
            return out if batch else reshape(out, out.shape[1:])
        windows = unfold_windows(x, size, stride, dilation)
        offsets = np.ix_(*[np.arange(k) * d for k, d in zip(size, dilation, strict=True)])
        starts = [
            np.arange(p).reshape([-1 if j == i else 1 for j in range(count)]) * s - q
            for i, (p, s, q) in enumerate(zip(places, stride, padding, strict=True))
        ]
        table = _flat(
            [o.reshape(*o.shape, *[1] * count) + s for o, s in zip(offsets, starts, strict=True)], inner
        ).reshape(math.prod(size), *places)
        return _both(out, _chosen(windows, table, count), batch)

    return documented(max_pool, who, MAXIMUM, count)


def _avg_pool(count: int) -> Callable[..., Any]:
    who = f"avg_pool{count}d"

    def avg_pool(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Any:
        x, batch = batched(who, input, count)
        size = per_axis(who, "kernel_size", kernel_size, count)
        stride = size if stride is None else per_axis(who, "stride", stride, count)
        padding = per_axis(who, "padding", padding, count, 0)
        if divisor_override is not None:
            per_axis(who, "divisor_override", divisor_override, 1)
        ones = (1,) * count
        places, extra = _places(who, x, size, stride, padding, ones, ceil_mode)
        inner = x.shape[2:]
        after = tuple([p + e for p, e in zip(padding, extra, strict=True)])
        sums = _sums(padded_with_zeros(x, padding, after), size, stride)
        whole = not any(extra) and (count_include_pad or not any(padding))
        if divisor_override is not None or whole:
            out = sums * (1.0 / (divisor_override or math.prod(size)))
        else:
            counted = np.ones(places)
            for i, (n, k, s, p, m) in enumerate(zip(inner, size, stride, padding, places, strict=True)):
                start = np.arange(m) * s - p
                low, high = (-p, n + p) if count_include_pad else (0, n)
                held = np.minimum(start + k, high) - np.maximum(start, low)
                counted *= held.reshape([-1 if j == i else 1 for j in range(count)])
            out = sums / counted.astype(x.dtype)
        return out if batch else reshape(out, out.shape[1:])

    return documented(avg_pool, who, MEAN, count)


# Adaptive: the number of windows is given ---------------------------------------------------------


def _adaptive(count: int, best: bool) -> Callable[..., Any]:
    who = f"adaptive_{'max' if best else 'avg'}_pool{count}d"

    def places(x: Any, out: Any) -> Array | Any:
        """Where the largest elements are."""
        windows, held, index = _adaptive_windows(stop_gradient(x), out.shape[2:])
        table = _flat(list(index[1:]), x.shape[2:])
        return _chosen(where(held, windows, -np.inf), table.reshape(-1, *out.shape[2:]), count)

    def sizes_of(x: Any, output_size: Any) -> Sizes:
        given = output_size if isinstance(output_size, tuple | list) else (output_size,) * count
        if len(given) == count:
            given = tuple([n if m is None else m for m, n in zip(given, x.shape[2:], strict=True)])
        wanted = per_axis(who, "output_size", given, count)
        if 0 in x.shape[1:]:
            raise ShapeError(f"{who}: input is {describe(x)}: there is nothing to pool.")
        return wanted

    def adaptive_avg_pool(input: Any, output_size: Any) -> Any:
        x, batch = batched(who, input, count)
        wanted = sizes_of(x, output_size)
        if set(wanted) == {1}:
            out = mean(x, axis=tuple(range(2, 2 + count)), keepdims=True)
        else:
            lengths = [np.ptp(bounds, axis=0) for bounds in map(_bounds, x.shape[2:], wanted)]
            counted = functools.reduce(np.multiply, np.ix_(*lengths))
            out = _adaptive_sums(x, wanted) / counted.astype(x.dtype)
        return out if batch else reshape(out, out.shape[1:])

    def adaptive_max_pool(input: Any, output_size: Any, return_indices: bool = False) -> Any:
        x, batch = batched(who, input, count)
        wanted = sizes_of(x, output_size)
        size = tuple([n // m for n, m in zip(x.shape[2:], wanted, strict=True)])
        if all(n % m == 0 for n, m in zip(x.shape[2:], wanted, strict=True)):  # all windows are alike
            out = _largest(x, size, size, (1,) * count)
        else:
            out = bind(_adaptive_max, (x,), {"sizes": wanted})
        if return_indices:
            return _both(out, places(x, out), batch)
        return out if batch else reshape(out, out.shape[1:])

    if best:
        return documented(adaptive_max_pool, who, ADAPTIVE_MAXIMUM, count)
    return documented(adaptive_avg_pool, who, ADAPTIVE_MEAN, count)


# Places of the largest elements ---------------------------------------------------------------------


def _flat(indices: list[Array], shape: Shape) -> Array:
    """Indices per axis as one index into all axes, counted as in memory."""
    out: Any = 0
    for index, n in zip(indices, shape, strict=True):
        out = out * n + index
    return np.asarray(out)


def _chosen(windows: Any, table: Array, count: int) -> Any:
    """From a table (window, positions) the entry of each window's largest element."""
    places = windows.shape[windows.ndim - count :]
    flat = reshape(windows, (*windows.shape[: windows.ndim - 2 * count], -1, *places))
    first = argmax(stop_gradient(flat), axis=flat.ndim - count - 1)
    return getitem(table, (first, *np.ix_(*map(np.arange, places))))


def _both(out: Any, indices: Any, batch: bool) -> tuple[Any, Any]:
    return (out, indices) if batch else (reshape(out, out.shape[1:]), reshape(indices, out.shape[1:]))


max_pool1d, max_pool2d, max_pool3d = map(_max_pool, (1, 2, 3))
avg_pool1d, avg_pool2d, avg_pool3d = map(_avg_pool, (1, 2, 3))
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = [
    _adaptive(n, best=True) for n in (1, 2, 3)
]
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = [
    _adaptive(n, best=False) for n in (1, 2, 3)
]
_max_primitive.function = max_pool2d
_sum_primitive.function = avg_pool2d
_adaptive_max.function = adaptive_max_pool2d
_adaptive_sum.function = adaptive_avg_pool2d
