"""Contraction: the matrix product with NumPy's full batched semantics, and its relatives.

``matmul``, ``inner``, ``einsum`` and ``convolve`` are primitives; ``dot``, ``tensordot`` and the
others are made of them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..primitive import bilinear, binary, bind, public
from ..tensor import FUNCTIONS, Array, Tensor, describe, operand
from .einsum import LETTERS, einsum
from .index import getitem
from .samples import calls
from .shape import broadcast_to, concatenate, expand_dims, reshape, transpose


def _matmul_array(x: Any, y: Any) -> Any:
    if x.dtype.char == "e" == y.dtype.char:  # thirteen times as fast as NumPy's own loop
        return np.matmul(x.astype(np.float32), y.astype(np.float32)).astype(np.float16)
    return np.matmul(x, y)


def _pull_right(g: Any, x: Any, y: Any, _out: Any) -> Any:
    if y.__class__ is np.ndarray and y.flags.f_contiguous and g.__class__ is np.ndarray:
        # y is a weight transposed: so laid out, its cotangent turned back lies row by row.
        return _matmul_array(g.swapaxes(-1, -2), x).swapaxes(-1, -2)
    return bind(_matmul, (x.swapaxes(-1, -2), g))


_matmul = bilinear(
    "matmul",
    _matmul_array,
    lambda g, _x, y, _out: bind(_matmul, (g, y.swapaxes(-1, -2))),
    _pull_right,
    formula=r"x\,y",
    vjp_formula=r"(g\,y^\top,\; x^\top g)",
    samples=calls(
        ((3, 4), (4, 2), {}),
        ((4,), (4,), {}),
        ((3, 4), (4,), {}),
        ((4,), (4, 2), {}),
        ((2, 3, 4), (4, 2), {}),
        ((3, 4), (2, 4, 2), {}),
        ((2, 1, 3, 4), (5, 4, 2), {}),
        ((4,), (2, 4, 3), {}),
        ((0, 4), (4, 2), {}),
    ),
)

_product = binary(_matmul)


@public("matmul")
def matmul(x: Any, y: Any) -> Any:
    """Matrix product; vectors are rows on the left and columns on the right.

    Parameters
    ----------
    x, y : array_like
        At least one-dimensional.  Leading axes broadcast.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        For scalars, or if the inner sizes differ.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.matmul(mg.tensor([[1.0, 2.0]]), mg.tensor([3.0, 4.0]))
    tensor([11.])
    """
    if not isinstance(x, Tensor) and not isinstance(y, Tensor):
        return np.matmul(x, y)
    x, y = operand(x), operand(y)
    if not x.ndim or not y.ndim:
        raise ShapeError(
            f"matmul: x is {describe(x)}, y is {describe(y)}; a scalar has no rows. Use x * y."
        )
    if x.shape[-1] != y.shape[-2 if y.ndim > 1 else -1]:
        raise ShapeError(
            f"matmul: x is {describe(x)}, y is {describe(y)}: the last size of x, {x.shape[-1]}, must "
            f"be the {'second last' if y.ndim > 1 else 'only'} size of y, "
            f"{y.shape[-2 if y.ndim > 1 else -1]}. Did you mean x @ y.T?"
        )
    if x.ndim == y.ndim == 2:
        return _product(x, y)
    left = reshape(x, (1, -1)) if x.ndim == 1 else x
    right = reshape(y, (-1, 1)) if y.ndim == 1 else y
    rows, columns = left.shape[-2:-1], right.shape[-1:]
    try:
        batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    except ValueError:
        raise ShapeError(
            f"matmul: x is {describe(x)}, y is {describe(y)}: the leading sizes {list(x.shape[:-2])} "
            f"and {list(y.shape[:-2])} do not broadcast."
        ) from None
    if right.ndim == 2 and left.ndim > 2:  # one tall product instead of many small ones
        out = bind(_matmul, (reshape(left, (math.prod(left.shape[:-1]), left.shape[-1])), right))
    else:
        left = broadcast_to(left, (*batch, *left.shape[-2:]))
        right = broadcast_to(right, (*batch, *right.shape[-2:]))
        out = bind(_matmul, (left, right))
    shape = batch + (rows if x.ndim > 1 else ()) + (columns if y.ndim > 1 else ())
    return out if out.shape == shape else reshape(out, shape)


_matmul.function = matmul


# Products by NumPy's other names ------------------------------------------------------------


@public("dot")
def dot(a: Any, b: Any) -> Any:
    """Sum over the last axis of a and the second last (or only) axis of b.

    Parameters
    ----------
    a, b : array_like
        Scalars multiply; two matrices give the matrix product.

    Returns
    -------
    Tensor
        Of shape ``a.shape[:-1] + b.shape[:-2] + b.shape[-1:]``.

    Raises
    ------
    ShapeError
        If the summed sizes differ.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.dot(mg.tensor([1.0, 2.0]), [3.0, 4.0])
    tensor(11.)
    """
    a, b = operand(a), operand(b)
    if not a.ndim or not b.ndim:
        return FUNCTIONS["multiply"](a, b)
    if a.shape[-1] != b.shape[-2:][0]:
        raise ShapeError(
            f"dot: a is {describe(a)}, b is {describe(b)}: the last size of a, {a.shape[-1]}, must be "
            f"the {'second last' if b.ndim > 1 else 'only'} size of b, {b.shape[-2:][0]}."
        )
    if b.ndim <= 2:
        return matmul(a, b)
    return tensordot(a, b, axes=((-1,), (-2,)))


_inner = bilinear(
    "inner",
    lambda x, y: _matmul_array(x, y.T),
    lambda g, _x, y, _out: _product(g, y),
    lambda g, x, _y, _out: _product(g.swapaxes(0, 1), x),
    formula=r"x\,y^\top",
    vjp_formula=r"(g\,y,\; g^\top x)",
    samples=calls(
        ((3, 4), (2, 4), {}), ((4,), (2, 4), {}), ((2, 3, 4), (5, 4), {}), ((0, 4), (2, 4), {})
    ),
)

_rows_by_rows = binary(_inner)  # of two matrices


@public("inner")
def inner(a: Any, b: Any) -> Any:
    """Sum over the last axes of both.

    Parameters
    ----------
    a, b : array_like
        Scalars multiply.

    Returns
    -------
    Tensor
        Of shape ``a.shape[:-1] + b.shape[:-1]``.

    Raises
    ------
    ShapeError
        If the last sizes differ.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.inner(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), [1.0, 10.0])
    tensor([21., 43.])
    """
    a, b = operand(a), operand(b)
    if not a.ndim or not b.ndim:
        return FUNCTIONS["multiply"](a, b)
    if a.shape[-1] != b.shape[-1]:
        raise ShapeError(
            f"inner: a is {describe(a)}, b is {describe(b)}: their last sizes must be equal, and they "
            f"are {a.shape[-1]} and {b.shape[-1]}."
        )
    if a.ndim == b.ndim == 2:
        return _rows_by_rows(a, b)
    flat = [x if x.ndim == 2 else reshape(x, (math.prod(x.shape[:-1]), x.shape[-1])) for x in (a, b)]
    return reshape(_rows_by_rows(*flat), a.shape[:-1] + b.shape[:-1])


_inner.function = inner


@public("outer")
def outer(a: Any, b: Any) -> Any:
    """All products of an element of a with an element of b; both are flattened.

    Parameters
    ----------
    a, b : array_like

    Returns
    -------
    Tensor
        Of shape ``(a.size, b.size)``.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.outer(mg.tensor([1.0, 2.0]), [3.0, 4.0])
    tensor([[3., 4.],
            [6., 8.]])
    """
    return FUNCTIONS["multiply"](reshape(operand(a), (-1, 1)), reshape(operand(b), (1, -1)))


@public("vdot")
def vdot(a: Any, b: Any) -> Any:
    """Sum of the products of all elements; both are flattened.

    Parameters
    ----------
    a, b : array_like
        Of equal sizes.

    Returns
    -------
    Tensor, shape ()

    Raises
    ------
    ShapeError
        If the sizes differ.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.vdot(mg.tensor([[1.0, 2.0]]), [3.0, 4.0])
    tensor(11.)
    """
    a, b = operand(a), operand(b)
    if a.size != b.size:
        raise ShapeError(
            f"vdot: a is {describe(a)} with {a.size} elements, b is {describe(b)} with {b.size}; they "
            "must have equally many."
        )
    return matmul(reshape(a, (-1,)), reshape(b, (-1,)))


@public("vecdot")
def vecdot(x1: Any, x2: Any, axis: int = -1) -> Any:
    """Sum of products along one axis, the others broadcast.

    Parameters
    ----------
    x1, x2 : array_like
    axis : int
        Of both, counted before broadcasting.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the sizes along the axis differ, or an operand has no such axis.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.vecdot(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), [1.0, 10.0])
    tensor([21., 43.])
    """
    x1, x2 = (_axis_last("vecdot", name, x, axis) for name, x in (("x1", x1), ("x2", x2)))
    if x1.shape[-1] != x2.shape[-1]:
        raise ShapeError(
            f"vecdot: x1 is {describe(x1)}, x2 is {describe(x2)} (with the axis moved to the end): the "
            f"sizes along it, {x1.shape[-1]} and {x2.shape[-1]}, must be equal."
        )
    return einsum("...i,...i->...", x1, x2)


@public("matvec")
def matvec(x1: Any, x2: Any) -> Any:
    """Matrices times vectors, the leading axes broadcast.

    Parameters
    ----------
    x1 : array_like, shape (..., M, N)
    x2 : array_like, shape (..., N)

    Returns
    -------
    Tensor, shape (..., M)

    Raises
    ------
    ShapeError
        If the sizes N differ, or an operand has too few axes.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.matvec(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), [1.0, 10.0])
    tensor([21., 43.])
    """
    return einsum("...ij,...j->...i", x1, x2)


@public("vecmat")
def vecmat(x1: Any, x2: Any) -> Any:
    """Vectors times matrices, the leading axes broadcast.

    Parameters
    ----------
    x1 : array_like, shape (..., M)
    x2 : array_like, shape (..., M, N)

    Returns
    -------
    Tensor, shape (..., N)

    Raises
    ------
    ShapeError
        If the sizes M differ, or an operand has too few axes.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.vecmat([1.0, 10.0], mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([31., 42.])
    """
    return einsum("...i,...ij->...j", x1, x2)


@public("tensordot")
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Sum over pairs of axes, one of each operand.

    Parameters
    ----------
    a, b : array_like
    axes : int or (sequence of int, sequence of int)
        The axes of a and those of b, pair by pair; an integer n means the last n of a and the
        first n of b.

    Returns
    -------
    Tensor
        The axes of a that are left, then those of b.

    Raises
    ------
    ArgumentError
        For axes out of range, named twice, or not in pairs.
    ShapeError
        If two paired sizes differ.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor(np.ones((2, 3, 4)))
    >>> mg.tensordot(x, x, axes=((1, 2), (1, 2)))
    tensor([[12., 12.],
            [12., 12.]])
    """
    a, b = operand(a), operand(b)
    found = f"axes={axes!r}, a is {describe(a)}, b is {describe(b)}"
    if isinstance(axes, int | np.integer):
        count = int(axes)
        if not 0 <= count <= min(a.ndim, b.ndim):
            raise ArgumentError(f"tensordot: there are not {count} axes to sum in both; {found}.")
        axes = range(a.ndim - count, a.ndim), range(count)
    ours, others = ([one] if isinstance(one, int | np.integer) else list(one) for one in axes)
    if len(ours) != len(others):
        raise ArgumentError(f"tensordot: the axes are not in pairs; {found}.")
    for chosen, x, name in ((ours, a, "a"), (others, b, "b")):
        for k, axis in enumerate(chosen):
            if not -x.ndim <= axis < x.ndim or int(axis) % x.ndim in chosen[:k]:
                raise ArgumentError(
                    f"tensordot: axis {axis} of {name} is out of range or named twice; {found}."
                )
            chosen[k] = int(axis) % x.ndim
    left, right = list(LETTERS[: a.ndim]), list(LETTERS[a.ndim : a.ndim + b.ndim])
    for i, j in zip(ours, others, strict=True):
        if a.shape[i] != b.shape[j]:
            raise ShapeError(
                f"tensordot: axis {i} of a has size {a.shape[i]}, axis {j} of b has size {b.shape[j]}; "
                f"{found}."
            )
        right[j] = left[i]
    out = [c for c in (*left, *right) if not (c in left and c in right)]
    return einsum(f"{''.join(left)},{''.join(right)}->{''.join(out)}", a, b)


@public("kron")
def kron(a: Any, b: Any) -> Any:
    """Kronecker product: copies of b, each scaled by an element of a.

    Parameters
    ----------
    a, b : array_like
        Missing leading axes are of size one.

    Returns
    -------
    Tensor
        Of the product of the shapes.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.kron(mg.tensor([1.0, 10.0]), [1.0, 2.0])
    tensor([ 1.,  2., 10., 20.])
    """
    a, b = operand(a), operand(b)
    ndim = max(a.ndim, b.ndim)
    one, other = ((1,) * (ndim - x.ndim) + x.shape for x in (a, b))
    tall = reshape(a, tuple([n for size in one for n in (size, 1)]))
    wide = reshape(b, tuple([n for size in other for n in (1, size)]))
    product = FUNCTIONS["multiply"](tall, wide)
    return reshape(product, tuple([m * n for m, n in zip(one, other, strict=True)]))


@public("cross")
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """Cross product of vectors with three components.

    Parameters
    ----------
    a, b : array_like
        The other axes broadcast.
    axisa, axisb, axisc : int
        The axis of the components in a, b and the result.
    axis : int, optional
        All three at once.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        For vectors of another length, or an axis out of range.

    Notes
    -----
    Vectors of two components, deprecated in NumPy, are refused.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.cross(mg.tensor([1.0, 0.0, 0.0]), [0.0, 1.0, 0.0])
    tensor([0., 0., 1.])
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = _axis_last("cross", "a", a, axisa), _axis_last("cross", "b", b, axisb)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise ShapeError(
            f"cross: a has {a.shape[-1]} components in {describe(a)}, b has {b.shape[-1]} in "
            f"{describe(b)}; it takes three. For two write "
            "a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]."
        )
    x, y = ([getitem(v, (..., i)) for i in range(3)] for v in (a, b))
    parts = [x[i] * y[j] - x[j] * y[i] for i, j in ((1, 2), (2, 0), (0, 1))]
    ndim = operand(parts[0]).ndim + 1
    if not -ndim <= axisc < ndim:
        raise ShapeError(f"cross: axisc={axisc} is out of range for a result with {ndim} axes.")
    return concatenate([expand_dims(p, axisc) for p in parts], axisc)


def _axis_last(who: str, name: str, x: Any, axis: int) -> Any:
    x = operand(x)
    if not -x.ndim <= axis < x.ndim:
        raise ShapeError(f"{who}: there is no axis {axis} in {name}, which is {describe(x)}.")
    if axis in (-1, x.ndim - 1):
        return x
    axis %= x.ndim
    return transpose(x, (*[i for i in range(x.ndim) if i != axis], axis))


# Convolution of two sequences --------------------------------------------------------------------


def _reversed(x: Any) -> Any:
    return getitem(x, slice(None, None, -1))


def _convolve_in_a(g: Any, _a: Any, v: Any, _out: Any, mode: str) -> Any:
    return bind(_convolve, (g, _reversed(v)), {"mode": "valid" if mode == "full" else "full"})


def _convolve_in_v(g: Any, a: Any, _v: Any, _out: Any, mode: str) -> Any:
    if mode == "full":
        return bind(_convolve, (g, _reversed(a)), {"mode": "valid"})
    return bind(_convolve, (_reversed(a), g), {"mode": "valid"})


def _slide(a: Array, v: Array, mode: str) -> Array:
    return np.convolve(a, v, mode)


_convolve = bilinear(
    "convolve",
    _slide,
    _convolve_in_a,
    _convolve_in_v,
    formula=r"\sum_k a_{n-k}\,v_k",
    vjp_formula=r"\left(\sum_n g_{n+k}\,v_n,\; \sum_n g_{n+k}\,a_n\right)",
    samples=calls(
        ((5,), (3,), {}),
        ((2,), (4,), {}),
        ((5,), (3,), {"mode": "valid"}),
        ((2,), (4,), {"mode": "valid"}),
        ((5,), (2,), {"mode": "same"}),
        ((3,), (4,), {"mode": "same"}),
        ((1,), (1,), {"mode": "same"}),
    ),
)


@public("convolve")
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """Convolution of two sequences.

    Parameters
    ----------
    a, v : array_like, one-dimensional
        Not empty.
    mode : {"full", "same", "valid"}
        All of it; as long as the longer sequence; only where both overlap completely.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        For other than two sequences, or an empty one.
    ArgumentError
        For another mode.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.convolve(mg.tensor([1.0, 2.0, 3.0]), [1.0, -1.0])
    tensor([ 1.,  1.,  1., -3.])
    """
    a, v = operand(a), operand(v)
    if mode not in ("full", "same", "valid"):
        raise ArgumentError(f'convolve: mode is "full", "same" or "valid", not {mode!r}.')
    if a.ndim > 1 or v.ndim > 1 or not a.size or not v.size:
        raise ShapeError(
            f"convolve: a is {describe(a)}, v is {describe(v)}; it takes two sequences that are not "
            "empty. For images there is mg.conv2d."
        )
    a, v = (reshape(x, (1,)) if not x.ndim else x for x in (a, v))
    if len(v) > len(a):
        a, v = v, a
    if mode != "same":
        return bind(_convolve, (a, v), {"mode": mode})
    start = (len(v) - 1) // 2
    return getitem(bind(_convolve, (a, v), {"mode": "full"}), slice(start, start + len(a)))


@public("correlate")
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """Correlation of two sequences: the convolution of a with v reversed.

    Parameters
    ----------
    a, v : array_like, one-dimensional
        Not empty.
    mode : {"valid", "same", "full"}
        As in :func:`convolve`.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        For other than two sequences, or an empty one.
    ArgumentError
        For another mode.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.correlate(mg.tensor([1.0, 2.0, 3.0]), [0.0, 1.0])
    tensor([2., 3.])
    """
    a, v = (reshape(x, (1,)) if not x.ndim else x for x in (operand(a), operand(v)))
    if v.ndim == a.ndim == 1 and len(v) > len(a):
        return _reversed(convolve(v, _reversed(a), mode))
    return convolve(a, _reversed(v), mode)


_convolve.function = convolve
