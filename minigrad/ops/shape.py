"""Shapes: the same numbers in other places.  All of these are linear."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ..describe import speaker
from ..errors import ArgumentError, DtypeError, ShapeError
from ..primitive import bind, linear, public, stretch
from ..tensor import FUNCTIONS, Shape, Tensor, describe, operand
from .accumulate import SMALL, product_total, total
from .arguments import checked_axes, checked_axis, refuse_out


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
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    """Stretch over new axes and over axes of size one; no memory is copied.

    Parameters
    ----------
    array : array_like
    shape : int or tuple of int
    subok : bool
        As in NumPy; without effect.

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
    x = operand(array)
    if x.shape == shape:
        return x
    try:
        return bind(_broadcast, (x,), {"shape": shape})
    except ShapeError:
        raise ShapeError(
            f"{speaker('broadcast_to')}: {describe(x)} does not stretch to the shape {shape}: read "
            "from the right, its sizes must be equal or 1."
        ) from None


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
def reshape(
    a: Any, /, *sizes: Any, shape: Any = None, order: str = "C", copy: bool | None = None
) -> Any:
    """The same elements in the same order, in another shape.

    Parameters
    ----------
    a : array_like
    *sizes : int or tuple of int
        The shape, in one piece as in NumPy or size by size as in PyTorch.  One size may be -1:
        whatever is left over.
    shape : int or tuple of int
        The shape, by keyword.
    order : {"C", "F"}
        Whether the last or the first index runs fastest.
    copy : bool, optional
        As in NumPy; without effect, because tensors are immutable.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the number of elements differs.
    ArgumentError
        If no shape is given, or for another order.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.reshape(mg.tensor([1.0, 2.0, 3.0, 4.0]), (2, -1)).shape
    (2, 2)
    """
    wanted = (sizes[0] if len(sizes) == 1 else sizes) if sizes else shape
    if wanted is None:
        raise ArgumentError(f"reshape: the shape is missing; a is {describe(a)}.")
    try:
        if a.__class__ is np.ndarray and order == "C":
            return a.reshape(wanted)
        if wanted.__class__ is tuple or wanted.__class__ is list:
            wanted = tuple([operator.index(n) for n in wanted])
        else:  # one size, or an array of them
            wanted = tuple([operator.index(n) for n in np.atleast_1d(wanted).tolist()])
        if order == "C":
            return bind(_reshape, (a,), {"shape": wanted})
    except (TypeError, ValueError) as error:  # ShapeError is a ValueError, too
        size = np.size(a._value if isinstance(a, Tensor) else a)
        said = (
            f"{speaker('reshape')}: {describe(a)} ({size} elements) does not fit the shape {wanted!r}"
        )
        kind = ShapeError if isinstance(error, ValueError) else ArgumentError
        raise kind(f"{said}: {error}." if kind is ArgumentError else f"{said}.") from None
    if order == "F":
        return transpose(reshape(transpose(a), wanted[::-1]))
    raise ArgumentError(f'reshape: order is "C" or "F", not {order!r}; tensors hide their memory.')


def _transposed(x: Any, order: tuple[int, ...]) -> Any:
    return x.transpose(order) if x.__class__ is np.ndarray else bind(_transpose, (x,), {"axes": order})


_transpose = linear(
    "transpose",
    lambda x, axes: np.transpose(x, axes),
    lambda g, _x, _out, axes: _transposed(g, tuple([axes.index(i) for i in range(len(axes))])),
    formula=r"x^\top",
    vjp_formula=r"g^\top",
    samples=lambda rng: (
        ((rng.standard_normal(a), b), {})
        for a, b in (((3, 4), None), ((2, 3, 4), (1, 2, 0)), ((), None), ((2, 0, 3), (2, 1, 0)))
    ),
)


@public("transpose", aliases=("permute_dims",))
def transpose(a: Any, axes: Any = None, *more: Any) -> Any:
    """Permute the axes, by default reverse them.

    With two integers, ``x.transpose(0, 1)`` swaps two axes, as in PyTorch.

    Parameters
    ----------
    a : array_like
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
    x = operand(a)
    if more:
        if len(more) == 1:
            return swapaxes(x, axes, more[0])
        axes = (axes, *more)
    order = tuple(range(x.ndim))
    if axes is None:
        order = order[::-1]
    else:
        order = tuple([checked_axis("transpose", x, a, "axes") for a in axes])
        if sorted(order) != list(range(x.ndim)):
            raise ShapeError(
                f"transpose: axes={axes!r} is no permutation of the axes of {describe(x)}."
            )
    return bind(_transpose, (x,), {"axes": order})


@public("swapaxes")
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """Swap two axes.

    Parameters
    ----------
    a : array_like
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
    if isinstance(a, np.ndarray):
        return np.swapaxes(a, axis1, axis2)
    x = operand(a)
    one, other = (
        checked_axis("swapaxes", x, axis1, "axis1"),
        checked_axis("swapaxes", x, axis2, "axis2"),
    )
    axes = list(range(x.ndim))
    axes[one], axes[other] = other, one
    return bind(_transpose, (x,), {"axes": tuple(axes)})


@public("squeeze")
def squeeze(a: Any, axis: Any = None) -> Any:
    """Drop axes of size one.

    Parameters
    ----------
    a : array_like
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
    x = operand(a)
    if axis is None:
        return reshape(x, tuple([n for n in x.shape if n != 1]))
    named = checked_axes("squeeze", x, axis)
    for i in named:
        if x.shape[i] != 1:
            raise ShapeError(f"squeeze: axis {i} has size {x.shape[i]}, not 1, in {describe(x)}.")
    return reshape(x, tuple([n for i, n in enumerate(x.shape) if i not in named]))


@public("expand_dims")
def expand_dims(a: Any, axis: Any) -> Any:
    """Insert axes of size one.

    Parameters
    ----------
    a : array_like
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
    x = operand(a)
    try:
        shape = np.expand_dims(np.empty(x.shape, bool), axis).shape
    except (ValueError, TypeError) as error:
        said = f"{speaker('expand_dims')}: axis={axis!r}, a is {describe(x)}; {error}."
        raise ArgumentError(said) from None
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


@public("concatenate", aliases=("cat", "concat"))
def concatenate(
    arrays: Any,
    /,
    axis: int | None = 0,
    out: None = None,
    *,
    dtype: Any = None,
    casting: str = "same_kind",
) -> Any:
    """Join along an axis that exists.

    Parameters
    ----------
    arrays : sequence of array_like
    axis : int, optional
        None joins all elements in a row.
    out : None
        Tensors are immutable.
    dtype : dtype, optional
        Of the result; by default the common one.
    casting : str
        Which conversions to `dtype` are allowed, as in NumPy.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the other axes differ.
    ArgumentError
        For an axis out of range.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.concatenate([mg.tensor([1.0]), mg.tensor([2.0, 3.0])])
    tensor([1., 2., 3.])
    """
    refuse_out("concatenate", out)
    arrays = converted("concatenate", arrays, dtype, casting)
    if axis is None:
        arrays, axis = [reshape(a, (-1,)) for a in arrays], 0
    return bind(_concatenate, arrays, {"axis": checked_axis("concatenate", arrays[0], axis)})


def converted(name: str, arrays: Any, dtype: Any, casting: str) -> list[Any]:
    """The members of a sequence to join, as arrays or tensors of a dtype.

    Examples
    --------
    >>> converted("stack", [1.0, 2], "float32", "same_kind")
    [array(1., dtype=float32), array(2., dtype=float32)]
    """
    found = [operand(a) for a in arrays]
    if not found:
        raise ShapeError(f"{name}: an empty sequence has no shape; pass at least one tensor.")
    if dtype is None:
        return found
    for a in found:
        if not np.can_cast(a.dtype, dtype, casting):  # type: ignore[arg-type]
            raise DtypeError(
                f"{name}: {describe(a)} does not convert to {dtype} by {casting!r} casting."
            )
    return [FUNCTIONS["astype"](a, dtype) for a in found]


@public("stack")
def stack(
    arrays: Any, axis: int = 0, out: None = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    """Join along a new axis.

    Parameters
    ----------
    arrays : sequence of array_like
        All of one shape.
    axis : int
        Position of the new axis in the result.
    out : None
        Tensors are immutable.
    dtype : dtype, optional
        Of the result; by default the common one.
    casting : str
        Which conversions to `dtype` are allowed, as in NumPy.

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
    refuse_out("stack", out)
    arrays = converted("stack", arrays, dtype, casting)
    for a in arrays[1:]:
        if a.shape != arrays[0].shape:
            raise ShapeError(
                f"stack: all need one shape, and these differ: {describe(arrays[0])}; {describe(a)}."
            )
    return concatenate([expand_dims(a, axis) for a in arrays], axis)


for _primitive, _function in (
    (_broadcast, broadcast_to), (_reshape, reshape), (_transpose, transpose),
    (_concatenate, concatenate),
):  # fmt: skip
    _primitive.function = _function


@public("ravel")
def ravel(a: Any, order: str = "C") -> Any:
    """All elements in a row.

    Parameters
    ----------
    a : array_like
    order : {"C", "F"}
        Whether the last or the first index runs fastest.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.ravel(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), order="F")
    tensor([1., 3., 2., 4.])
    """
    return reshape(operand(a), (-1,), order=order)


@public("matrix_transpose")
def matrix_transpose(x: Any, /) -> Any:
    """Swap the last two axes.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.matrix_transpose(mg.broadcast_to(1.0, (5, 2, 3))).shape
    (5, 3, 2)
    """
    x = operand(x)
    if x.ndim < 2:
        raise ShapeError(f"matrix_transpose: a matrix has two axes, and x is {describe(x)}.")
    return swapaxes(x, -1, -2)


@public("moveaxis")
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """Move axes to other positions; the others keep their order.

    Parameters
    ----------
    a : array_like
    source, destination : int or sequence of int
        As many of one as of the other.

    Returns
    -------
    Tensor

    Raises
    ------
    ArgumentError
        For axes out of range, named twice, or of different numbers.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.moveaxis(mg.broadcast_to(1.0, (2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    x = operand(a)
    both = []
    for name, axes in (("source", source), ("destination", destination)):
        listed = [axes] if isinstance(axes, int | np.integer) else list(axes)
        both.append([checked_axis("moveaxis", x, i, name) for i in listed])
    if len(both[0]) != len(both[1]) or any(len(set(axes)) != len(axes) for axes in both):
        raise ArgumentError(
            f"moveaxis: source={source!r} and destination={destination!r} must name equally many axes, "
            f"each once; a is {describe(x)}."
        )
    order = [i for i in range(x.ndim) if i not in both[0]]
    for place, axis in sorted(zip(both[1], both[0], strict=True)):
        order.insert(place, axis)
    return transpose(x, tuple(order))


@public("rollaxis")
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """Move an axis backwards until it lies before another; :func:`moveaxis` is easier to read.

    Parameters
    ----------
    a : array_like
    axis : int
        The one to move.
    start : int
        Before which axis it comes to lie.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.rollaxis(mg.broadcast_to(1.0, (2, 3, 4)), 2).shape
    (4, 2, 3)
    """
    x = operand(a)
    axis = checked_axis("rollaxis", x, axis)
    if not -x.ndim <= start <= x.ndim:
        raise ArgumentError(f"rollaxis: start={start!r} is out of range; a is {describe(x)}.")
    start += x.ndim if start < 0 else 0
    return moveaxis(x, axis, start - 1 if axis < start else start)


@public("broadcast_arrays")
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    """Stretch several arrays to their common shape.

    Parameters
    ----------
    *args : array_like
    subok : bool
        As in NumPy; without effect.

    Returns
    -------
    tuple of Tensor

    Raises
    ------
    ShapeError
        If they have no common shape.

    Examples
    --------
    >>> import minigrad as mg
    >>> [x.shape for x in mg.broadcast_arrays(mg.tensor([1.0, 2.0]), mg.tensor([[3.0]]))]
    [(1, 2), (1, 2)]
    """
    arrays = [operand(a) for a in args]
    try:
        shape = np.broadcast_shapes(*[a.shape for a in arrays])
    except ValueError:
        found = "; ".join(describe(a) for a in arrays)
        raise ShapeError(f"broadcast_arrays: these have no common shape: {found}.") from None
    return tuple([broadcast_to(a, shape) for a in arrays])


def _at_least(name: str, fill: Any) -> Any:
    def function(*arys: Any) -> Any:
        made = [reshape(x, fill(x.shape)) for x in map(operand, arys)]
        return made[0] if len(made) == 1 else tuple(made)

    axes = name[-2]
    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"View each input with at least {axes} axes.\n\nParameters\n----------\n*arys : array_like\n\n"
        "Returns\n-------\nTensor or tuple of Tensor\n\nExamples\n--------\n>>> import minigrad as mg\n"
        f">>> mg.{name}(mg.tensor(1.0)).shape\n{fill(())}\n"
    )
    return public(name)(function)


atleast_1d = _at_least("atleast_1d", lambda shape: shape or (1,))
atleast_2d = _at_least("atleast_2d", lambda shape: (1,) * (2 - len(shape)) + shape)
atleast_3d = _at_least(
    "atleast_3d",
    lambda shape: {0: (1, 1, 1), 1: (1, *shape, 1), 2: (*shape, 1)}.get(len(shape), shape),
)


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
    start = checked_axis("flatten", x, start_dim, "start_dim")
    end = checked_axis("flatten", x, end_dim, "end_dim")
    return reshape(x, (*x.shape[:start], math.prod(x.shape[start : end + 1]), *x.shape[end + 1 :]))


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
