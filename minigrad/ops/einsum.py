"""Einstein summation: every form NumPy takes, reduced to one bilinear primitive.

An operand is first made plain: a label that repeats becomes a diagonal, a size of one that
broadcasts is dropped, a label that nobody else has is summed.  More than two operands are
contracted in pairs, cheapest first.  What is left is the primitive ``einsum`` of two
operands, and its transposes are of the same kind: ``ij,jk->ik`` gives ``ik,jk->ij``.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..describe import speaker
from ..errors import ArgumentError, ShapeError
from ..primitive import bilinear, bind, public
from ..tensor import FUNCTIONS, Array, Shape, Tensor, describe, operand
from .index import getitem
from .reduce import sum as summed
from .shape import reshape, transpose

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SMALL_BLOCK = 256  # below so many elements per matrix product, one large product is faster


# Two operands: the primitive ----------------------------------------------------------------


def _rules(subscripts: str) -> tuple[str, str, str]:
    inputs, _, out = subscripts.partition("->")
    left, _, right = inputs.partition(",")
    return left, right, out


def _left_transpose(g: Any, _x: Any, y: Any, _out: Any, subscripts: str) -> Any:
    left, right, out = _rules(subscripts)
    return pair(g, y, f"{out},{right}->{left}")


def _right_transpose(g: Any, x: Any, _y: Any, _out: Any, subscripts: str) -> Any:
    left, right, out = _rules(subscripts)
    return pair(x, g, f"{left},{out}->{right}")


def contract(x: Array, y: Array, subscripts: str) -> Array:
    """The sum of products as one matrix product (BLAS) per entry of the leading labels.

    Every label is in two of the three: left, right, out.
    """
    left, right, out = _rules(subscripts)
    if x.dtype == np.float16 or y.dtype == np.float16:
        wide = np.promote_types(np.result_type(x, y), np.float32)
        return contract(x.astype(wide), y.astype(wide), subscripts).astype(np.result_type(x, y))
    if set(left) <= set(out) and set(right) <= set(out):  # nothing to sum
        return _aligned(x, left, out) * _aligned(y, right, out)
    sizes = dict(zip(left + right, x.shape + y.shape, strict=True))
    order, loop, rows, columns, swap = _blocks(left, right, out, tuple(sizes.items()))
    if swap:
        x, y, left, right = y, x, right, left
    inner = [c for c in left if c in right and c not in out]
    product = np.matmul(
        _matrices(x, left, loop, rows, inner, sizes), _matrices(y, right, loop, inner, columns, sizes)
    )
    product = product.reshape([sizes[c] for c in order])
    return product if order == out else product.transpose([order.index(c) for c in out])


@functools.lru_cache(maxsize=1024)
def _blocks(left: str, right: str, out: str, items: Any) -> tuple[str, str, str, str, bool]:
    """Cut the result into a loop over matrices, their rows and their columns.

    The result is built in the order of its labels where that leaves matrices that are worth a
    call; otherwise batch, rows, columns, transposed afterwards.
    """
    batch = [c for c in out if c in left and c in right]
    columns = _trailing(out, left, right, batch)
    swap = columns != "" and columns[0] in left
    rows = _trailing(out[: len(out) - len(columns)], right if swap else left, "", batch)
    loop = out[: len(out) - len(columns) - len(rows)]
    sizes = dict(items)
    block = math.prod([sizes[c] for c in rows + columns]) if rows and columns else 0
    if len(loop) > len(batch) and block < SMALL_BLOCK:
        loop = "".join(batch)
        rows = "".join([c for c in out if c in left and c not in loop])
        columns = "".join([c for c in out if c in right and c not in loop])
        swap = False
    return loop + rows + columns, loop, rows, columns, swap


def _trailing(labels: str, one: str, other: str, batch: Sequence[str]) -> str:
    """The last labels that belong to one operand (the first of the two that fits) alone."""
    owner = ""
    stop = len(labels)
    while stop:
        c = labels[stop - 1]
        if c in batch or (owner and c not in owner):
            break
        if not owner:
            owner = one if c in one else other
            if c not in owner:
                break
        stop -= 1
    return labels[stop:]


def _matrices(
    x: Array, labels: str, loop: str, rows: Any, columns: Any, sizes: dict[str, int]
) -> Array:
    """x as matrices, one for each entry of the loop; labels that x has not are of size one."""
    lead = [c for c in loop if c in labels]
    shape = [sizes[c] if c in labels else 1 for c in loop]
    height, width = (math.prod([sizes[c] for c in group]) for group in (rows, columns))
    strides = dict(zip(labels, x.strides, strict=True))

    def run(group: Sequence[str]) -> tuple[int, int]:  # how finely a copy would be chopped up
        last = [c for c in group if sizes[c] > 1][-1:]
        return (abs(strides[last[0]]), -sizes[last[0]]) if last else (1 << 62, 0)

    flip = run(rows) < run(columns)
    if flip:
        rows, columns, height, width = columns, rows, width, height
    matrices = x.transpose([labels.index(c) for c in (*lead, *rows, *columns)])
    matrices = matrices.reshape(*shape, height, width)
    return matrices.swapaxes(-1, -2) if flip else matrices


def _aligned(x: Array, labels: str, out: str) -> Array:
    """x with its axes in the order of `out`, and axes of size one for the others."""
    x = x.transpose([labels.index(c) for c in out if c in labels])
    return x[tuple([slice(None) if c in labels else None for c in out])]


_einsum = bilinear(
    "einsum",
    contract,
    _left_transpose,
    _right_transpose,
    formula=r"\sum_{\text{labels not in the output}} x\,y",
    vjp_formula=r"\left(\sum g\,y,\; \sum x\,g\right),\ \text{over the labels not in that input}",
    samples=lambda rng: (
        ((subscripts, *map(rng.standard_normal, shapes)), {})
        for subscripts, *shapes in (
            ("ij,jk->ik", (3, 4), (4, 2)),
            ("ij,jk", (3, 4), (4, 2)),
            ("bij,bkj->kbi", (2, 3, 4), (2, 5, 4)),
            ("i,j->ji", (3,), (4,)),
            ("ij,ij->", (3, 4), (3, 4)),
            ("...ij,...j->...i", (2, 1, 3, 4), (5, 4)),
            ("ij,ij->ij", (3, 1), (3, 4)),
            ("ii->i", (3, 3)),
            ("iij,j->i", (3, 3, 2), (2,)),
            ("ijk->k", (2, 3, 4)),
            ("ij,kj->ik", (0, 3), (2, 3)),
        )
    ),
)


def pair(x: Any, y: Any, subscripts: str) -> Any:
    """The primitive itself: every label is in two of the three, and has one size."""
    return bind(_einsum, (x, y), {"subscripts": subscripts})


# Any number of operands, in NumPy's notation -----------------------------------------------------


@public("einsum")
def einsum(*operands: Any, dtype: Any = None, optimize: Any = True) -> Any:
    """Sum of products in Einstein's notation.

    Parameters
    ----------
    *operands
        ``einsum("ij,jk->ik", x, y)``: per operand its labels, then after the arrow those of the
        result; without an arrow, the labels that occur once, in alphabetical order.  A label that
        repeats within an operand takes a diagonal, ``...`` stands for any further axes, sizes of
        one broadcast.  Or ``einsum(x, [0, 1], y, [1, 2], [0, 2])``, labels as integers.
    dtype : dtype, optional
        Convert the operands first.
    optimize : bool, str or list
        As in NumPy: how to choose the order of contraction for more than two operands.  Unlike
        NumPy's, ours is always optimised, unless a path is given.

    Returns
    -------
    Tensor

    Raises
    ------
    ArgumentError
        For a malformed notation.
    ShapeError
        If the labels do not fit the shapes.

    Notes
    -----
    A label that only one operand has is summed before anything is multiplied.  So an infinity may
    stay one where NumPy, which multiplies first, gets infinity minus infinity.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> mg.einsum("ij,j->i", x, [1.0, 10.0])
    tensor([21., 43.])
    >>> mg.einsum("ii", x)
    tensor(5.)
    >>> mg.einsum(x, [0, 1], x, [2, 1], [0, 2]).shape
    (2, 2)
    """
    labels, out, arrays = parse(operands)
    if dtype is not None:
        arrays = [FUNCTIONS["astype"](a, dtype) for a in arrays]
    sizes = _sizes(labels, out, arrays)
    terms = [_plain(a, term, sizes) for a, term in zip(arrays, labels, strict=True)]
    for chosen in _path(terms, out, sizes, optimize):
        part = [terms.pop(i) for i in sorted(chosen, reverse=True)][::-1]
        while len(part) > 1:
            x, y = part.pop(0), part.pop(0)
            others = [labels for _, labels in (*part, *terms)]
            part.insert(0, _pair(x, y, out, others))
        terms.append(part[0])
    x, term = _alone(*terms[0], out)
    return x if term == out else transpose(x, tuple([term.index(c) for c in out]))


@public("einsum_path")
def einsum_path(*operands: Any, optimize: Any = "greedy") -> Any:
    """The order in which NumPy would contract; data, without a derivative.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([[1.0, 2.0]])
    >>> mg.einsum_path("ij,kj,kl->il", x, x, x)[0]
    ['einsum_path', (0, 1), (0, 1)]
    """
    stand_in = [np.broadcast_to(0.0, x.shape) if isinstance(x, Tensor) else x for x in operands]
    return np.einsum_path(*stand_in, optimize=optimize)


Term = tuple[Any, str]  # an operand and its labels


def _alone(x: Any, labels: str, *others: str) -> Term:
    """Sum over the labels that occur nowhere else."""
    axes = tuple([i for i, c in enumerate(labels) if not any(c in other for other in others)])
    if not axes:
        return x, labels
    return summed(x, axis=axes), "".join([c for i, c in enumerate(labels) if i not in axes])


def _pair(one: Term, two: Term, out: str, others: Sequence[str]) -> Term:
    x, left = _alone(*one, two[1], out, *others)
    y, right = _alone(*two, left, out, *others)
    if others:  # an intermediate result: in the order that comes naturally
        wanted = [c for c in (*left, *right) if c in out or any(c in other for other in others)]
        both = [c for c in wanted if c in left and c in right]
        out = "".join(dict.fromkeys([*both, *wanted]))
    else:
        out = "".join([c for c in out if c in left or c in right])
    return pair(x, y, f"{left},{right}->{out}"), out


def _plain(x: Any, labels: str, sizes: dict[str, int]) -> Term:
    """Diagonals for repeated labels; no axes of size one that broadcast."""
    kept = [c for c, n in zip(labels, x.shape, strict=True) if n == sizes[c] or labels.count(c) > 1]
    if len(kept) < len(labels):
        x, labels = reshape(x, tuple([sizes[c] for c in kept])), "".join(kept)
    repeated = [c for c in dict.fromkeys(labels) if labels.count(c) > 1]
    if repeated:
        first = [i for c in repeated for i, other in enumerate(labels) if other == c]
        rest = [i for i in range(len(labels)) if i not in first]
        if (order := (*first, *rest)) != tuple(range(len(labels))):
            x = transpose(x, order)
        places = np.ix_(*[np.arange(sizes[c]) for c in repeated])
        x = getitem(x, tuple([places[repeated.index(labels[i])] for i in first]))
        labels = "".join([*repeated, *[labels[i] for i in rest]])
    return x, labels


def _path(terms: list[Term], out: str, sizes: dict[str, int], optimize: Any) -> list[tuple[int, ...]]:
    if len(terms) < 3:
        return [(0, 1)] if len(terms) == 2 else []
    if isinstance(optimize, bool):
        optimize = "optimal" if len(terms) < 6 else "greedy"
    if not isinstance(optimize, str):
        return list(optimize[1:])
    shapes = tuple([tuple([sizes[c] for c in labels]) for _, labels in terms])
    return _searched(",".join([labels for _, labels in terms]) + "->" + out, shapes, optimize)


@functools.lru_cache(maxsize=256)
def _searched(subscripts: str, shapes: tuple[Shape, ...], how: str) -> list[tuple[int, ...]]:
    try:
        path = np.einsum_path(subscripts, *[np.broadcast_to(0.0, s) for s in shapes], optimize=how)[0]
    except (KeyError, TypeError, ValueError) as error:
        raise ArgumentError(f"einsum: optimize={how!r}: {error}.") from None
    return path[1:]


# Notation ------------------------------------------------------------------------------------------


def parse(operands: Sequence[Any]) -> tuple[list[str], str, list[Any]]:
    """Labels per operand and of the result, one letter per axis, and the operands.

    Examples
    --------
    >>> x = np.ones((2, 3, 4))
    >>> parse(("...i,i", x, np.ones(4)))[:2]
    (['ABi', 'i'], 'AB')
    >>> parse((x, [0, 1, 1], [1]))[:2]
    (['ABB'], 'B')
    """
    if not operands:
        raise ArgumentError('einsum: no operands. Write einsum("ij,jk->ik", x, y).')
    if isinstance(operands[0], str):
        text, arrays = operands[0].replace(" ", ""), [operand(a) for a in operands[1:]]
    else:
        text, arrays = _from_lists(operands)
    inputs, arrow, result = text.partition("->")
    terms = inputs.split(",")
    for term in (*terms, result):
        letters = term.replace("...", "", 1)
        wrong = [c for c in letters if c not in LETTERS]
        if wrong:
            raise ArgumentError(
                f"einsum: {wrong[0]!r} in the labels {term!r} of {text!r}: labels are letters, and "
                "`...` may stand once per operand."
            )
    if len(terms) != len(arrays):
        raise ArgumentError(
            f"einsum: {text!r} has labels for {len(terms)} operands, and there are {len(arrays)}: "
            f"{', '.join(map(describe, arrays))}."
        )
    extra = [_extra_axes(k, text, t, a) for k, (t, a) in enumerate(zip(terms, arrays, strict=True))]
    free = [c for c in LETTERS if c not in text]
    widest = max(extra)
    if widest > len(free):
        raise ArgumentError(f"einsum: {text!r} needs more than {len(LETTERS)} labels.")
    dots = "".join(free[:widest])
    terms = [t.replace("...", dots[widest - n :]) for t, n in zip(terms, extra, strict=True)]
    if not arrow:
        joined = "".join(terms)
        result = dots + "".join(sorted([c for c in set(joined) - set(dots) if joined.count(c) == 1]))
    elif widest and "..." not in result:
        raise ArgumentError(
            f"einsum: {text!r}: `...` stands for {widest} axes of the operands, so the result needs "
            f"it, too: '->...{result}'."
        )
    else:
        result = result.replace("...", dots)
    for c in result:
        if result.count(c) > 1:
            raise ArgumentError(f"einsum: the label {c!r} stands twice in the result of {text!r}.")
        if not any(c in t for t in terms):
            raise ArgumentError(f"einsum: no operand of {text!r} has the label {c!r} of the result.")
    return terms, result, arrays


def _extra_axes(k: int, text: str, term: str, x: Any) -> int:
    """How many axes the dots of an operand stand for."""
    named = len(term.replace("...", ""))
    if x.ndim < named or (x.ndim > named and "..." not in term):
        raise ShapeError(
            f"{speaker('einsum')}: in {text!r} operand {k} has {named} labels, {term!r}, but it is "
            f"{describe(x)} with {x.ndim} axes. One label per axis; `...` stands for any further ones."
        )
    return x.ndim - named


def _from_lists(operands: Sequence[Any]) -> tuple[str, list[Any]]:
    """The notation with integers, as letters."""
    arrays = [operand(a) for a in operands[: len(operands) // 2 * 2 : 2]]
    terms = ",".join(map(_letters, operands[1::2]))
    return (terms + "->" + _letters(operands[-1]) if len(operands) % 2 else terms), arrays


def _letters(labels: Any) -> str:
    if not isinstance(labels, list | tuple):
        raise ArgumentError(
            f"einsum: {labels!r} stands where the labels of an operand should. Write "
            'einsum("ij,jk->ik", x, y) or einsum(x, [0, 1], y, [1, 2], [0, 2]).'
        )
    text = ""
    for label in labels:
        if label is Ellipsis:
            text += "..."
        elif isinstance(label, int | np.integer) and 0 <= label < len(LETTERS):
            text += LETTERS[label]
        else:
            raise ArgumentError(
                f"einsum: a label is an integer from 0 to 51 or Ellipsis, not {label!r}."
            )
    return text


def _sizes(labels: Sequence[str], out: str, arrays: Sequence[Any]) -> dict[str, int]:
    """The size of every label; between operands, a size of one goes with any other."""
    sizes: dict[str, int] = {}
    for term, x in zip(labels, arrays, strict=True):
        own: dict[str, int] = {}
        for c, n in zip(term, x.shape, strict=True):
            known = sizes.get(c, 1)
            if own.setdefault(c, n) != n or (n != known and n != 1 and known != 1):
                found = "; ".join(
                    f"{t!r} is {describe(a)}" for t, a in zip(labels, arrays, strict=True)
                )
                raise ShapeError(
                    f"{speaker('einsum')}: the label {c!r} of {','.join(labels)}->{out} has the sizes "
                    f"{own[c] if own[c] != n else known} and {n}: {found}."
                )
            if n != 1 or c not in sizes:
                sizes[c] = n
    return sizes


_einsum.function = einsum
