"""Rearranging: turned round, shifted, repeated, padded, diagonals.  All of these are linear."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..describe import speaker
from ..errors import ArgumentError, ShapeError
from ..primitive import bind, linear, public
from ..tensor import FUNCTIONS, Array, Shape, describe, operand
from .arguments import as_data, checked_axes, checked_axis, checked_integers, refuse_out
from .choice import where
from .index import getitem
from .shape import broadcast_to, concatenate, ravel, reshape, transpose

# Turning and shifting --------------------------------------------------------------------------

_flip = linear(
    "flip",
    lambda x, axis: np.flip(x, axis),
    lambda g, _x, _out, axis: flip(g, axis),
    formula=r"\mathrm{out}_i = x_{n - 1 - i}",
    vjp_formula=r"\bar{x}_i = g_{n - 1 - i}",
    samples=lambda rng: (
        ((rng.standard_normal(shape), axis), {})
        for shape, axis in (((3, 4), None), ((3, 4), 0), ((2, 3, 2), (0, -1)), ((), None), ((0, 2), 1))
    ),
)


@public("flip")
def flip(m: Any, axis: Any = None) -> Any:
    """Reverse the order of the elements along axes.

    Parameters
    ----------
    m : array_like
    axis : int or tuple of int, optional
        By default all.

    Returns
    -------
    Tensor

    Raises
    ------
    ArgumentError
        For an axis out of range or named twice.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.flip(mg.tensor([1.0, 2.0, 3.0]))
    tensor([3., 2., 1.])
    """
    x = operand(m)
    return bind(_flip, (x,), {"axis": checked_axes("flip", x, axis)})


_flip.function = flip


@public("fliplr")
def fliplr(m: Any) -> Any:
    """Reverse the order along axis 1.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.fliplr(mg.tensor([[1.0, 2.0]]))
    tensor([[2., 1.]])
    """
    return bind(_flip, (m,), {"axis": (checked_axis("fliplr", operand(m), 1),)})


@public("flipud")
def flipud(m: Any) -> Any:
    """Reverse the order along axis 0.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.flipud(mg.tensor([1.0, 2.0]))
    tensor([2., 1.])
    """
    return bind(_flip, (m,), {"axis": (checked_axis("flipud", operand(m), 0),)})


@public("rot90")
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Turn a plane by quarters of a circle.

    Parameters
    ----------
    m : array_like
    k : int
        How many quarters, from the first axis towards the second.
    axes : tuple of int
        The plane.

    Returns
    -------
    Tensor

    Raises
    ------
    ArgumentError
        If `axes` are not two different axes of m.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.rot90(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[2., 4.],
            [1., 3.]])
    """
    x = operand(m)
    if len(axes) != 2:
        raise ArgumentError(f"rot90: axes={axes!r} are not two; m is {describe(x)}.")
    one, other = [checked_axis("rot90", x, axis, "axes") for axis in axes]
    if one == other:
        raise ArgumentError(f"rot90: axes={axes!r} are the same axis; m is {describe(x)}.")
    order = list(range(x.ndim))
    order[one], order[other] = other, one
    k %= 4
    if k in (1, 2):
        x = flip(x, other)
    if k in (1, 3):
        x = transpose(x, tuple(order))
    if k == 2:
        return flip(x, one)
    return flip(x, other) if k == 3 else x


@public("roll")
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """Shift along axes; what leaves at the end comes back at the start.

    Parameters
    ----------
    a : array_like
    shift : int or tuple of int
        How far, per axis.
    axis : int or tuple of int, optional
        By default all elements in a row.

    Returns
    -------
    Tensor

    Raises
    ------
    ArgumentError
        For an axis out of range.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.roll(mg.tensor([1.0, 2.0, 3.0]), 1)
    tensor([3., 1., 2.])
    """
    x = operand(a)
    shift = as_data("roll", "shift", shift)
    checked_integers("roll", "shift", shift)
    if axis is None:
        return reshape(roll(ravel(x), shift, 0), x.shape)
    for step, along in zip(*map(np.ravel, np.broadcast_arrays(shift, axis)), strict=True):
        along = checked_axis("roll", x, along)
        size = x.shape[along]
        step = operator.index(step) % size if size else 0
        if step:
            before = (slice(None),) * along
            ends = getitem(x, (*before, slice(size - step, None)))
            x = concatenate([ends, getitem(x, (*before, slice(None, size - step)))], along)
    return x


# Repeating -------------------------------------------------------------------------------------


@public("repeat")
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """Every element several times.

    Parameters
    ----------
    a : array_like
    repeats : int or sequence of int
        How often; one number for all, or one per element of the axis.
    axis : int, optional
        By default all elements in a row.

    Returns
    -------
    Tensor

    Raises
    ------
    ArgumentError
        For an axis out of range or a negative number.
    ShapeError
        If there are more or fewer numbers than elements.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.repeat(mg.tensor([1.0, 2.0]), [3, 1])
    tensor([1., 1., 1., 2.])
    """
    x = operand(a)
    if axis is None:
        x, axis = ravel(x), 0
    axis = checked_axis("repeat", x, axis)
    counts = np.asarray(as_data("repeat", "repeats", repeats))
    if counts.dtype.kind not in "iub" or (counts < 0).any():
        raise ArgumentError(f"repeat: repeats={repeats!r} must be whole numbers from 0 on.")
    size = x.shape[axis]
    if counts.size == 1:
        count = int(counts.ravel()[0])
        wide = reshape(x, (*x.shape[: axis + 1], 1, *x.shape[axis + 1 :]))
        wide = broadcast_to(wide, (*x.shape[: axis + 1], count, *x.shape[axis + 1 :]))
        return reshape(wide, (*x.shape[:axis], size * count, *x.shape[axis + 1 :]))
    if counts.shape != (size,):
        raise ShapeError(
            f"repeat: repeats has shape {list(counts.shape)}, but axis {axis} of {describe(x)} has "
            f"{size} elements."
        )
    return getitem(x, ((slice(None),) * axis + (np.repeat(np.arange(size), counts),)))


@public("tile")
def tile(A: Any, reps: Any) -> Any:
    """The whole array several times, side by side.

    Parameters
    ----------
    A : array_like
    reps : int or sequence of int
        How often along each axis, the last ones if there are fewer numbers than axes.

    Returns
    -------
    Tensor

    Raises
    ------
    ArgumentError
        For a negative number.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.tile(mg.tensor([1.0, 2.0]), (2, 2))
    tensor([[1., 2., 1., 2.],
            [1., 2., 1., 2.]])
    """
    x = operand(A)
    counts = checked_integers("tile", "reps", as_data("tile", "reps", reps))
    if any(n < 0 for n in counts):
        raise ArgumentError(f"tile: reps={reps!r} must be whole numbers from 0 on.")
    width = max(len(counts), x.ndim)
    counts = (1,) * (width - len(counts)) + counts
    shape: Shape = (1,) * (width - x.ndim) + x.shape
    apart = tuple([n for size in shape for n in (1, size)])
    stretched = tuple([n for pair in zip(counts, shape, strict=True) for n in pair])
    whole = tuple([n * size for n, size in zip(counts, shape, strict=True)])
    return reshape(broadcast_to(reshape(x, apart), stretched), whole)


# Padding ---------------------------------------------------------------------------------------

_MODES = ("edge", "reflect", "symmetric", "wrap")


def _inside(widths: Any, shape: Shape) -> tuple[slice, ...]:
    return tuple([slice(before, before + n) for (before, _), n in zip(widths, shape, strict=True)])


_pad = linear(
    "pad",
    lambda x, widths: np.pad(x, widths) if widths else x,
    lambda g, _x, _out, widths: getitem(g, _inside(widths, _x.shape)),
    formula=r"x \text{ with zeros around}",
    vjp_formula=r"g \text{ without its borders}",
    samples=lambda rng: (
        ((rng.standard_normal(shape), width), {})
        for shape, width in (
            ((3, 4), 1),
            ((2, 3), ((0, 1), (2, 0))),
            ((4,), (1, 2)),
            ((), 0),
            ((0, 2), 1),
        )
    ),
)


@public("pad")
def pad(array: Any, pad_width: Any, mode: str = "constant", **kwargs: Any) -> Any:
    """Add a border.

    Parameters
    ----------
    array : array_like
    pad_width : int, pair, sequence of pairs, or dict
        How many elements before and after, for each axis.
    mode : {"constant", "edge", "reflect", "symmetric", "wrap"}
        What the border holds: one value, the element at the edge, the array mirrored at its last
        element or at its end, or the array over again.
    **kwargs
        ``constant_values`` for "constant": a number, or before and after, for each axis.

    Returns
    -------
    Tensor

    Raises
    ------
    ArgumentError
        For NumPy's other modes and arguments, and for negative widths.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.pad(mg.tensor([1.0, 2.0, 3.0]), 2, mode="reflect")
    tensor([3., 2., 1., 2., 3., 2., 1.])
    """
    x = operand(array)
    widths = _pairs("pad_width", pad_width, x)
    if any(n < 0 for pair in widths for n in pair):
        raise ArgumentError(f"pad: pad_width={pad_width!r} must not be negative.")
    if mode != "constant":
        if mode not in _MODES or kwargs:
            raise ArgumentError(
                f"pad: mode={mode!r} with {kwargs or 'nothing else'} is not recorded; the modes are "
                f"'constant', {', '.join(map(repr, _MODES))}. Build other borders with concatenate."
            )
        return _pad_by_index(x, widths, mode)
    values = kwargs.pop("constant_values", 0)
    if kwargs:
        raise ArgumentError(f'pad: mode="constant" does not take {", ".join(kwargs)}.')
    padded = bind(_pad, (x,), {"widths": widths})
    if not np.any(values):
        return padded
    frame = np.pad(np.zeros(x.shape, x.dtype), widths, constant_values=values)
    return where(np.pad(np.ones(x.shape, bool), widths), padded, frame)


_pad.function = pad


def _pairs(argument: str, given: Any, x: Any) -> tuple[tuple[int, int], ...]:
    given = as_data("pad", argument, given)
    if isinstance(given, dict):
        rows: list[Any] = [(0, 0)] * x.ndim
        for axis, width in given.items():
            rows[checked_axis("pad", x, axis, argument)] = (
                (width, width) if np.ndim(width) == 0 else width
            )
        given = rows
    try:
        pairs = np.broadcast_to(np.asarray(given), (x.ndim, 2))
        return tuple([(operator.index(a), operator.index(b)) for a, b in pairs])
    except (TypeError, ValueError):
        raise ArgumentError(
            f"pad: {argument}={given!r} is no whole number, pair, or sequence of {x.ndim} pairs for "
            f"{describe(x)}."
        ) from None


def _pad_by_index(x: Any, widths: Any, mode: Any) -> Any:
    """A border of the array's own elements: NumPy says which."""
    for axis, pair in enumerate(widths):
        if pair == (0, 0):
            continue
        if not x.shape[axis]:
            raise ShapeError(
                f"pad: axis {axis} of {describe(x)} is empty: mode={mode!r} needs elements."
            )
        places = np.pad(np.arange(x.shape[axis]), pair, mode=mode)
        x = getitem(x, (*(slice(None),) * axis, places))
    return x


# Diagonals -------------------------------------------------------------------------------------


def _embed(x: Array, shape: Shape, offset: int, axis1: int, axis2: int) -> Array:
    out = np.zeros(shape, np.asarray(x).dtype)
    rows = np.arange(x.shape[-1]) + max(-offset, 0)
    np.moveaxis(out, (axis1, axis2), (-2, -1))[..., rows, rows + offset] = x
    return out


_diagonal = linear(
    "diagonal",
    lambda x, offset, axis1, axis2: np.diagonal(x, offset, axis1, axis2),
    lambda g, _x, _out, **where: embed_diagonal(g, _x.shape, **where),
    formula=r"\mathrm{out}_i = x_{i,\,i + k}",
    vjp_formula=r"g \text{ on the diagonal of zeros}",
    samples=lambda rng: (
        ((rng.standard_normal(shape), *where), {})
        for shape, *where in (((3, 4),), ((4, 3), 1), ((3, 3), -2), ((2, 3, 4), 0, 2, 0), ((2, 2), 5))
    ),
)

_embed_diagonal = linear(
    "embed_diagonal",
    _embed,
    lambda g, _x, _out, shape, **where: diagonal(g, **where),
    formula=r"x \text{ on the diagonal of zeros}",
    vjp_formula=r"\bar{x}_i = g_{i,\,i + k}",
    samples=lambda rng: (
        ((rng.standard_normal(shape), *where), {})
        for shape, *where in (((3,), (3, 4)), ((2,), (4, 3), 1), ((3, 2), (2, 3, 4), 0, 2, 0))
    ),
)


def _plane(name: str, x: Any, axis1: int, axis2: int) -> dict[str, int]:
    if x.ndim < 2:
        raise ShapeError(f"{speaker(name)}: a diagonal needs two axes, and a is {describe(x)}.")
    one, other = checked_axis(name, x, axis1, "axis1"), checked_axis(name, x, axis2, "axis2")
    if one == other:
        raise ArgumentError(
            f"{name}: axis1={axis1} and axis2={axis2} are the same; a is {describe(x)}."
        )
    return {"axis1": one, "axis2": other}


@public("diagonal")
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonal of a plane, as the last axis.

    Parameters
    ----------
    a : array_like
        At least two-dimensional.
    offset : int
        How far above the main diagonal.
    axis1, axis2 : int
        The plane.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        For fewer than two axes.
    ArgumentError
        For an axis out of range or named twice.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.diagonal(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([1., 4.])
    """
    x = operand(a)
    return bind(_diagonal, (x,), {"offset": int(offset), **_plane("diagonal", x, axis1, axis2)})


def embed_diagonal(x: Any, shape: Shape, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Zeros of a shape with x on a diagonal: the transpose of :func:`diagonal`.

    Parameters
    ----------
    x : array_like
        Of the shape that :func:`diagonal` gives; its last axis is the diagonal.
    shape : tuple of int
        Of the result.
    offset : int
        How far above the main diagonal.
    axis1, axis2 : int
        The plane.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If x has not the shape of that diagonal.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.embed_diagonal(mg.tensor([1.0, 2.0]), (2, 2))
    tensor([[1., 0.],
            [0., 2.]])
    """
    x, shape = operand(x), tuple(shape)
    where = {"offset": int(offset), **_plane("embed_diagonal", np.empty(shape, bool), axis1, axis2)}
    wanted = np.diagonal(np.broadcast_to(False, shape), **where).shape
    if x.shape != wanted:
        raise ShapeError(
            f"embed_diagonal: x is {describe(x)}, but that diagonal of {list(shape)} has shape "
            f"{list(wanted)}."
        )
    return bind(_embed_diagonal, (x,), {"shape": shape, **where})


public("embed_diagonal")(embed_diagonal)
_diagonal.function = diagonal
_embed_diagonal.function = embed_diagonal


@public("diag")
def diag(v: Any, k: int = 0) -> Any:
    """The diagonal of a matrix, or the matrix with a vector on its diagonal.

    Parameters
    ----------
    v : array_like
        A matrix or a vector.
    k : int
        How far above the main diagonal.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If v is neither.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.diag(mg.tensor([1.0, 2.0]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    x = operand(v)
    if x.ndim == 1:
        size = len(x) + abs(k)
        return embed_diagonal(x, (size, size), k)
    if x.ndim == 2:
        return diagonal(x, k)
    raise ShapeError(f"diag: v must be a vector or a matrix, and it is {describe(x)}. Use diagonal.")


@public("diagflat")
def diagflat(v: Any, k: int = 0) -> Any:
    """The matrix with all elements of v on its diagonal.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.diagflat(mg.tensor([[1.0], [2.0]]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    return diag(ravel(v), k)


@public("matrix_trace", numpy=np.trace)
def matrix_trace(
    a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: None = None
) -> Any:
    """Sum of a diagonal: what NumPy calls ``trace``, because :func:`minigrad.trace` records a graph.

    Parameters
    ----------
    a : array_like
        At least two-dimensional.
    offset : int
        How far above the main diagonal.
    axis1, axis2 : int
        The plane.
    dtype : dtype, optional
        Convert first.
    out : None
        Tensors are immutable.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.matrix_trace(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    """
    refuse_out("matrix_trace", out)
    return FUNCTIONS["sum"](diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype)


def _triangle(name: str, keep: str, words: str, example: str) -> Any:
    def function(m: Any, k: int = 0) -> Any:
        x = operand(m)
        if not x.ndim:
            raise ShapeError(f"{name}: m is {describe(x)}; a triangle needs an axis.")
        (k,) = checked_integers(name, "k", k)
        below = np.tri(*x.shape[-2:], k=k if keep == "below" else k - 1, dtype=bool)
        return where(below, x, 0) if keep == "below" else where(below, 0, x)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"The {words} triangle of the last two axes; zeros elsewhere.\n\nParameters\n----------\n"
        "m : array_like\nk : int\n    How far above the main diagonal the border lies.\n\n"
        f"Returns\n-------\nTensor\n\nExamples\n--------\n>>> import minigrad as mg\n{example}\n"
    )
    return public(name)(function)


tril = _triangle(
    "tril", "below", "lower",
    ">>> mg.tril(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))\ntensor([[1., 0.],\n        [3., 4.]])",
)  # fmt: skip
triu = _triangle(
    "triu", "above", "upper",
    ">>> mg.triu(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))\ntensor([[1., 2.],\n        [0., 4.]])",
)  # fmt: skip


# Grids -----------------------------------------------------------------------------------------


@public("meshgrid")
def meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> tuple[Any, ...]:
    """Coordinates of a grid from the coordinates of its axes.

    Parameters
    ----------
    *xi : array_like
        Vectors.
    copy : bool
        As in NumPy; without effect, because tensors are immutable.
    sparse : bool
        Whether the results keep size one along the other axes.
    indexing : {"xy", "ij"}
        Whether the second vector runs along axis 0, as in pictures, or the first, as in matrices.

    Returns
    -------
    tuple of Tensor

    Raises
    ------
    ArgumentError
        For another indexing.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.meshgrid(mg.tensor([1.0, 2.0]), mg.tensor([3.0]))
    (tensor([[1., 2.]]), tensor([[3., 3.]]))
    """
    if indexing not in ("xy", "ij"):
        raise ArgumentError(f'meshgrid: indexing is "xy" or "ij", not {indexing!r}.')
    vectors = [ravel(x) for x in xi]
    places = list(range(len(vectors)))
    if indexing == "xy" and len(vectors) > 1:
        places[:2] = [1, 0]
    sizes = [0] * len(vectors)
    for x, place in zip(vectors, places, strict=True):
        sizes[place] = len(x)
    grids = []
    for x, place in zip(vectors, places, strict=True):
        x = reshape(x, tuple([len(x) if i == place else 1 for i in range(len(vectors))]))
        grids.append(x if sparse else broadcast_to(x, tuple(sizes)))
    return tuple(grids)
