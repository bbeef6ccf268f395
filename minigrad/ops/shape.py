"""Shapes: the same numbers in other places.  All of these are linear."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..primitive import bind, linear, public, stretch
from ..tensor import FUNCTIONS, Shape, Tensor, describe, operand
from .accumulate import SMALL, product_total, total


def stretched_axes(full: Shape, shape: Shape) -> tuple[int, ...]:
    """The axes that a broadcast from `shape` to `full` has stretched.

    Examples
    --------
    >>> stretched_axes((2, 3, 4), (3, 1))
    (0, 2)
    """
    lead = len(full) - len(shape)
    if full[lead:] == shape:
        return tuple(range(lead))
    return (*range(lead), *[i for i, n in enumerate(shape, lead) if n == 1 and full[i] != 1])


def sum_product_to(g: Any, x: Any, shape: Shape) -> Any:
    """``sum_to(g * x, shape)`` without the product in memory, on plain arrays."""
    if g.size <= SMALL or x.__class__ is not np.ndarray or x.shape != g.shape:
        return sum_to(g * x, shape)
    return np.reshape(product_total(g, x, stretched_axes(g.shape, shape)), shape)


def unstretch(x: Any, shape: Shape) -> Any:
    """The array that was stretched: along the stretched axes all entries are equal."""
    if x.shape == shape:
        return x
    if not x.size:  # stretched to nothing: the entries are gone, and nothing is divided by them
        return np.ones(shape, x.dtype)
    axes = stretched_axes(x.shape, shape)
    return x[tuple([slice(0, 1) if i in axes else slice(None) for i in range(x.ndim)])].reshape(shape)


def scaled(t: Any, factor: float) -> Any:
    """``t * factor``; a stretched array stays stretched instead of being written out."""
    if t.__class__ is np.ndarray and 0 in t.strides:
        small = t[tuple([slice(0, 1) if step == 0 else slice(None) for step in t.strides])]
        return stretch(small * factor, t.shape)
    return t * factor


def sum_to(g: Any, shape: Shape) -> Any:
    """Sum over the axes that a broadcast has stretched (*unbroadcast*).

    Examples
    --------
    >>> sum_to(np.ones((3, 4)), (4,))
    array([3., 3., 3., 3.])
    """
    axes = stretched_axes(g.shape, shape)
    if axes:
        g = FUNCTIONS["sum"](g, axis=axes) if isinstance(g, Tensor) else total(g, axes)
    return g if g.shape == shape else reshape(g, shape)


_broadcast = linear(
    "broadcast",
    lambda x, shape: stretch(np.asarray(x), shape),
    lambda g, _x, _out, shape: sum_to(g, _x.shape),
    formula=r"\text{stretch } x \text{ over new axes}",
    vjp_formula=r"\sum_{\text{stretched axes}} g",
    samples=lambda rng: (
        ((rng.standard_normal(a), b), {})
        for a, b in (
            ((4,), (3, 4)),
            ((3, 1), (2, 3, 4)),
            ((), (2, 2)),
            ((3, 4), (3, 4)),
            ((1, 0), (3, 0)),
        )
    ),
)


@public("broadcast_to")
def broadcast_to(x: Any, shape: Any) -> Any:
    """Stretch over new axes and over axes of size one; no memory is copied.

    Parameters
    ----------
    x : array_like
    shape : tuple of int

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the shape cannot be reached.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.broadcast_to(mg.tensor([1.0, 2.0]), (2, 2))
    tensor([[1., 2.],
            [1., 2.]])
    """
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    x = operand(x)
    return x if x.shape == shape else bind(_broadcast, (x,), {"shape": shape})


_reshape = linear(
    "reshape",
    lambda x, shape: np.reshape(x, shape),
    lambda g, _x, _out, shape: reshape(g, _x.shape),
    formula=r"x \text{ in another shape}",
    vjp_formula=r"g \text{ in } x\text{'s shape}",
    samples=lambda rng: (
        ((rng.standard_normal(a), b), {})
        for a, b in (((3, 4), (12,)), ((2, 6), (3, -1)), ((), (1, 1)), ((0, 3), (3, 0)))
    ),
)


@public("reshape")
def reshape(x: Any, *shape: Any) -> Any:
    """The same elements in the same order, in another shape.

    Parameters
    ----------
    x : array_like
    *shape : int or tuple of int
        One entry may be -1: whatever is left over.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the number of elements differs.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.reshape(mg.tensor([1.0, 2.0, 3.0, 4.0]), (2, -1)).shape
    (2, 2)
    """
    wanted = shape[0] if len(shape) == 1 and not isinstance(shape[0], int | np.integer) else shape
    if isinstance(x, np.ndarray):
        return np.reshape(x, wanted)
    return bind(_reshape, (x,), {"shape": tuple(int(n) for n in wanted)})


_transpose = linear(
    "transpose",
    lambda x, axes: np.transpose(x, axes),
    lambda g, _x, _out, axes: transpose(g, tuple([axes.index(i) for i in range(len(axes))])),
    formula=r"x^\top",
    vjp_formula=r"g^\top",
    samples=lambda rng: (
        ((rng.standard_normal(a), b), {})
        for a, b in (((3, 4), None), ((2, 3, 4), (1, 2, 0)), ((), None), ((2, 0, 3), (2, 1, 0)))
    ),
)


@public("transpose")
def transpose(x: Any, axes: Any = None, *more: Any) -> Any:
    """Permute the axes, by default reverse them.

    With two integers, ``x.transpose(0, 1)`` swaps two axes, as in PyTorch.

    Parameters
    ----------
    x : array_like
    axes : tuple of int, optional

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If `axes` is no permutation.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.transpose(mg.tensor([[1.0, 2.0, 3.0]])).shape
    (3, 1)
    """
    x = operand(x)
    if more:
        if len(more) == 1:
            return swapaxes(x, axes, more[0])
        axes = (axes, *more)
    order = tuple(range(x.ndim))[::-1] if axes is None else tuple([_axis(a, x) for a in axes])
    if sorted(order) != list(range(x.ndim)):
        raise ShapeError(f"transpose: axes={axes!r} is no permutation of the axes of {describe(x)}.")
    return bind(_transpose, (x,), {"axes": order})


@public("swapaxes")
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Swap two axes.

    Parameters
    ----------
    x : array_like
    axis1, axis2 : int

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.swapaxes(mg.tensor([[1.0, 2.0, 3.0]]), 0, 1).shape
    (3, 1)
    """
    if isinstance(x, np.ndarray):
        return np.swapaxes(x, axis1, axis2)
    axes = list(range(x.ndim))
    one, other = _axis(axis1, x), _axis(axis2, x)
    axes[one], axes[other] = other, one
    return bind(_transpose, (x,), {"axes": tuple(axes)})


def _axis(axis: int, x: Any) -> int:
    if not -x.ndim <= axis < x.ndim:
        raise ShapeError(f"axis {axis} is out of range for {describe(x)}.")
    return int(axis) % x.ndim


@public("squeeze")
def squeeze(x: Any, axis: Any = None) -> Any:
    """Drop axes of size one.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int, optional
        By default all of size one.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If a named axis is longer than one.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.squeeze(mg.tensor([[1.0, 2.0]])).shape
    (2,)
    """
    x = operand(x)
    named = [i for i, n in enumerate(x.shape) if n == 1] if axis is None else axis
    named = [_axis(a, x) for a in ([named] if isinstance(named, int) else named)]
    for a in named:
        if x.shape[a] != 1:
            raise ShapeError(f"squeeze: axis {a} has size {x.shape[a]}, not 1, in {describe(x)}.")
    return reshape(x, tuple([n for i, n in enumerate(x.shape) if i not in named]))


@public("expand_dims")
def expand_dims(x: Any, axis: Any) -> Any:
    """Insert axes of size one.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int
        Positions in the result.

    Returns
    -------
    Tensor

    Raises
    ------
    ArgumentError
        For a position outside of the result, or one named twice.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.expand_dims(mg.tensor([1.0, 2.0]), 0).shape
    (1, 2)
    """
    x = operand(x)
    try:
        shape = np.expand_dims(np.empty(x.shape, bool), axis).shape
    except (ValueError, TypeError) as error:
        raise ArgumentError(f"expand_dims: axis={axis!r}, x is {describe(x)}; {error}.") from None
    return reshape(x, shape)


_concatenate = linear(
    "concatenate",
    lambda *arrays, axis: np.concatenate(arrays, axis),
    joint=lambda g, needed, *_arrays, axis: _split(g, needed, _arrays[:-1], axis),
    formula=r"[x_1, x_2, \dots]",
    vjp_formula=r"\text{the slices of } g",
    samples=lambda rng: (
        ((list(map(rng.standard_normal, shapes)), axis), {})
        for shapes, axis in (([(3, 4), (2, 4)], 0), ([(2, 1), (2, 3), (2, 0)], -1))
    ),
)


def _split(g: Any, needed: Any, arrays: Any, axis: int) -> Any:
    pieces, start = [], 0
    for want, array in zip(needed, arrays, strict=True):
        stop = start + array.shape[axis]
        index = (slice(None),) * axis + (slice(start, stop),)
        pieces.append(g[index] if want else None)
        start = stop
    return pieces


@public("concatenate", aliases=("cat",))
def concatenate(arrays: Any, axis: int = 0) -> Any:
    """Join along an axis that exists.

    Parameters
    ----------
    arrays : sequence of array_like
    axis : int

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the other axes differ.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.concatenate([mg.tensor([1.0]), mg.tensor([2.0, 3.0])])
    tensor([1., 2., 3.])
    """
    arrays = [operand(a) for a in arrays]
    if not arrays:
        raise ShapeError("concatenate: an empty list has no shape; pass at least one tensor.")
    return bind(_concatenate, arrays, {"axis": _axis(axis, arrays[0])})


@public("stack")
def stack(arrays: Any, axis: int = 0) -> Any:
    """Join along a new axis.

    Parameters
    ----------
    arrays : sequence of array_like
        All of one shape.
    axis : int
        Position of the new axis in the result.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the shapes differ.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.stack([mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0])]).shape
    (2, 2)
    """
    return concatenate([expand_dims(a, axis) for a in arrays], axis)


for _primitive, _function in (
    (_broadcast, broadcast_to), (_reshape, reshape), (_transpose, transpose),
    (_concatenate, concatenate),
):  # fmt: skip
    _primitive.function = _function


@public("flatten")
def flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """Merge neighbouring axes into one, by PyTorch's name and arguments.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.flatten(mg.broadcast_to(1.0, (2, 3, 4)), 1).shape
    (2, 12)
    """
    x = operand(x)
    if not x.ndim:
        return reshape(x, (1,))
    start, end = _axis(start_dim, x), _axis(end_dim, x)
    return reshape(x, (*x.shape[:start], -1, *x.shape[end + 1 :]))


@public("unsqueeze")
def unsqueeze(x: Any, dim: int) -> Any:
    """Insert an axis of size one, by PyTorch's name.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.unsqueeze(mg.tensor([1.0, 2.0]), 1).shape
    (2, 1)
    """
    return expand_dims(x, dim)


@public("permute")
def permute(x: Any, *dims: Any) -> Any:
    """Permute the axes, by PyTorch's name.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.permute(mg.broadcast_to(1.0, (2, 3, 4)), 2, 0, 1).shape
    (4, 2, 3)
    """
    return transpose(x, dims[0] if len(dims) == 1 else dims)


public("view")(reshape)
