"""Values, gradients and second gradients in float64 against PyTorch, on six shapes or more each.

The elementwise primitives are held against PyTorch in ``tests/test_torch.py``; here is the rest of
the shelf: reductions, running and sorted values, shapes, reading and writing by index.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg

from .agreement import agree_with_torch

pytestmark = pytest.mark.torch

SHAPES = [(1,), (5,), (3, 4), (4, 1), (2, 3, 4), (3, 1, 2), (2, 3, 2, 2)]
MATRICES = [(1, 1), (3, 3), (2, 4), (4, 2), (2, 3, 4), (3, 4, 2), (2, 1, 3, 3)]
VECTORS = [(1,), (2,), (3,), (5,), (6,), (8,)]


def torch() -> Any:
    import torch

    return torch


def draw(*shapes: Any) -> list[Any]:
    rng = np.random.default_rng(3)
    return [rng.uniform(0.3, 2.0, s) * rng.choice([-1.0, 1.0], s) for s in shapes]


def middle(shape: Any) -> int:
    return len(shape) // 2


def places(shape: Any, axis: int) -> Any:
    """Numbers along an axis, some of them twice."""
    return np.random.default_rng(4).integers(0, shape[axis], shape)


# name: ours and theirs, of an input and the number of one of its axes
ALONG: dict[str, tuple[Any, Any]] = {
    "sum": (lambda x, a: mg.sum(x, axis=a), lambda t, a: t.sum(a)),
    "mean": (lambda x, a: mg.mean(x, axis=a, keepdims=True), lambda t, a: t.mean(a, keepdim=True)),
    "prod": (lambda x, a: mg.prod(x, axis=a), lambda t, a: t.prod(a)),
    "max": (lambda x, a: mg.max(x, axis=a), lambda t, a: t.amax(a)),
    "min": (lambda x, a: mg.min(x, axis=a), lambda t, a: t.amin(a)),
    "var": (lambda x, a: mg.var(x, axis=a), lambda t, a: t.var(a, correction=0)),
    "std": (
        lambda x, a: mg.std(mg.concatenate([x, x * x, mg.sin(x)], axis=a), axis=a, ddof=1),
        lambda t, a: torch().cat([t, t * t, torch().sin(t)], a).std(a),
    ),
    "logsumexp": (lambda x, a: mg.logsumexp(x, axis=a), lambda t, a: t.logsumexp(a)),
    "softmax": (lambda x, a: mg.softmax(x, axis=a), lambda t, a: t.softmax(a)),
    "log_softmax": (lambda x, a: mg.log_softmax(x, axis=a), lambda t, a: t.log_softmax(a)),
    "median": (
        lambda x, a: mg.median(x, axis=a),
        lambda t, a: t.quantile(0.5, dim=a),  # PyTorch's median takes the lower of the two
    ),
    "quantile": (lambda x, a: mg.quantile(x, [0.1, 0.7], axis=a) ** 2, lambda t, a: t.quantile(torch().tensor([0.1, 0.7], dtype=torch().float64), a) ** 2),
    "nansum": (lambda x, a: mg.nansum(x**2, axis=a), lambda t, a: (t**2).nansum(a)),
    "nanmean": (lambda x, a: mg.nanmean(x**2, axis=a), lambda t, a: (t**2).nanmean(a)),
    "cumsum": (lambda x, a: mg.cumsum(x**2, a), lambda t, a: (t**2).cumsum(a)),
    "cumprod": (lambda x, a: mg.cumprod(x, a), lambda t, a: t.cumprod(a)),
    "cummax": (lambda x, a: mg.cummax(x, a) ** 2, lambda t, a: t.cummax(a).values ** 2),
    "cummin": (lambda x, a: mg.cummin(x, a) ** 2, lambda t, a: t.cummin(a).values ** 2),
    "sort": (lambda x, a: mg.sort(x, a) ** 3, lambda t, a: t.sort(dim=a).values ** 3),
    "top_k": (lambda x, a: mg.top_k(x, 1, a)[0] ** 2, lambda t, a: t.topk(1, dim=a).values ** 2),
    "diff": (lambda x, a: mg.diff(x**2, axis=a, prepend=1.0), lambda t, a: torch().diff(t**2, dim=a, prepend=torch().ones_like(t.narrow(a, 0, 1)))),
    "trapezoid": (lambda x, a: mg.trapezoid(x**2, dx=0.5, axis=a), lambda t, a: torch().trapezoid(t**2, dx=0.5, dim=a)),
    "flip": (lambda x, a: mg.flip(x, a) ** 2, lambda t, a: t.flip(a) ** 2),
    "roll": (lambda x, a: mg.roll(x, 2, a) ** 2, lambda t, a: t.roll(2, a) ** 2),
    "repeat": (lambda x, a: mg.repeat(x, 3, a) ** 2, lambda t, a: t.repeat_interleave(3, a) ** 2),
    "concatenate": (lambda x, a: mg.concatenate([x, x**2], a), lambda t, a: torch().cat([t, t**2], a)),
    "stack": (lambda x, a: mg.stack([x, x**2], a), lambda t, a: torch().stack([t, t**2], a)),
    "unstack": (lambda x, a: mg.unstack(x, axis=a)[0] ** 2, lambda t, a: t.unbind(a)[0] ** 2),
    "array_split": (lambda x, a: mg.array_split(x, 2, a)[0] ** 2, lambda t, a: torch().tensor_split(t, 2, a)[0] ** 2),
    "moveaxis": (lambda x, a: mg.moveaxis(x, a, -1) ** 2, lambda t, a: t.movedim(a, -1) ** 2),
    "swapaxes": (lambda x, a: mg.swapaxes(x, a, 0) ** 2, lambda t, a: t.swapaxes(a, 0) ** 2),
    "expand_dims": (lambda x, a: mg.expand_dims(x, a) ** 2, lambda t, a: t.unsqueeze(a) ** 2),
    "take": (lambda x, a: mg.take(x, [0, -1, 0], a) ** 2, lambda t, a: t.index_select(a, torch().tensor([0, t.shape[a] - 1, 0])) ** 2),
    "take_along_axis": (
        lambda x, a: mg.take_along_axis(x, places(x.shape, a), a) ** 2,
        lambda t, a: t.take_along_dim(torch().tensor(places(t.shape, a)), a) ** 2,
    ),
    "gather": (
        lambda x, a: mg.gather(x, a, places(x.shape, a)) ** 2,
        lambda t, a: t.gather(a, torch().tensor(places(t.shape, a))) ** 2,
    ),
}  # fmt: skip

# name: ours, theirs, and the shapes that both take
WHOLE: dict[str, tuple[Any, Any, list[Any]]] = {
    "ravel": (lambda x: mg.ravel(x) ** 2, lambda t: t.ravel() ** 2, SHAPES),
    "squeeze": (lambda x: mg.squeeze(x) ** 2, lambda t: t.squeeze() ** 2, SHAPES),
    "prod": (mg.prod, lambda t: t.prod(), SHAPES),
    "tile": (lambda x: mg.tile(x, (2, 3)) ** 2, lambda t: t.tile((2, 3)) ** 2, SHAPES),
    "broadcast_arrays": (
        lambda x: mg.broadcast_arrays(x**2, x[:1])[1] * x, lambda t: torch().broadcast_tensors(t**2, t[:1])[1] * t, SHAPES,
    ),
    "atleast_3d": (lambda x: mg.atleast_3d(x) ** 2, lambda t: torch().atleast_3d(t) ** 2, SHAPES),
    "hstack": (lambda x: mg.hstack([x, x**2]), lambda t: torch().hstack([t, t**2]), SHAPES),
    "vstack": (lambda x: mg.vstack([x, x**2]), lambda t: torch().vstack([t, t**2]), SHAPES),
    "dstack": (lambda x: mg.dstack([x, x**2]), lambda t: torch().dstack([t, t**2]), SHAPES),
    "column_stack": (lambda x: mg.column_stack([x, x**2]), lambda t: torch().column_stack([t, t**2]), SHAPES),
    "nan_to_num": (lambda x: mg.nan_to_num(x) ** 2, lambda t: t.nan_to_num() ** 2, SHAPES),
    "clip": (lambda x: mg.clip(x, -1.0, 1.2) * x, lambda t: t.clamp(-1.0, 1.2) * t, SHAPES),
    "where": (lambda x: mg.where(x > 0, mg.exp(x), x**2), lambda t: torch().where(t > 0, t.exp(), t**2), SHAPES),
    "mask": (lambda x: x[x > 0] ** 2, lambda t: t[t > 0] ** 2, SHAPES),
    "extract": (lambda x: mg.extract(x > 0, x) ** 2, lambda t: t.masked_select(t > 0) ** 2, SHAPES),
    "at set": (lambda x: x.at[0].set(x[-1] ** 2) * x, lambda t: torch().cat([t[-1:] ** 2, t[1:]]) * t, SHAPES),
    "at add": (
        lambda x: x.at[[0, 0]].add(x[-1:] ** 2) ** 2,
        lambda t: t.index_add(0, torch().tensor([0, 0]), (t[-1:] ** 2).expand(2, *t.shape[1:])) ** 2, SHAPES,
    ),
    "at mul": (
        lambda x: x.at[[0, 0]].mul(x[-1:]),
lambda t: torch().cat([t[:1] * t[-1:] ** 2, t[1:]]), SHAPES,
    ),
    "tril": (lambda x: mg.tril(x, 1) ** 2, lambda t: t.tril(1) ** 2, MATRICES),
    "triu": (lambda x: mg.triu(x) ** 2, lambda t: t.triu() ** 2, MATRICES),
    "diagonal": (lambda x: mg.diagonal(x, 0, -2, -1) ** 2, lambda t: t.diagonal(0, -2, -1) ** 2, MATRICES),
    "rot90": (lambda x: mg.rot90(x) ** 2, lambda t: t.rot90() ** 2, MATRICES),
    "fliplr": (lambda x: mg.fliplr(x) ** 2, lambda t: t.fliplr() ** 2, MATRICES),
    "matrix_transpose": (lambda x: mg.matrix_transpose(x) ** 2, lambda t: t.mT**2, MATRICES),
    "reflect": (
        lambda x: mg.pad(x, [(0, 0)] * (x.ndim - 1) + [(1, 1)], "edge") ** 2,
        lambda t: torch().cat([t[..., :1], t, t[..., -1:]], -1) ** 2, MATRICES,
    ),
    "pad": (
        lambda x: mg.pad(x, [(0, 0)] * (x.ndim - 1) + [(1, 2)], constant_values=3.0) ** 2,
        lambda t: torch().nn.functional.pad(t, (1, 2), value=3.0) ** 2, MATRICES,
    ),
    "trace": (lambda x: mg.matrix_trace(x**2), lambda t: (t**2).diagonal(0, 0, 1).sum(-1), MATRICES),
    "diag": (lambda x: mg.diag(x, 1) ** 2, lambda t: t.diag(1) ** 2, VECTORS),
    "cov": (lambda x: mg.cov(mg.stack([x, x**2, mg.sin(x)]), ddof=0), lambda t: torch().stack([t, t**2, t.sin()]).cov(correction=0), VECTORS),
    "meshgrid": (
        lambda x: mg.meshgrid(x, x**2)[0] ** 2, lambda t: torch().meshgrid(t, t**2, indexing="xy")[0] ** 2, VECTORS,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ALONG)
def test_along_an_axis(name: str) -> None:
    ours, theirs = ALONG[name]
    for shape in SHAPES:
        axis = middle(shape)
        agree_with_torch(lambda x, a=axis: ours(x, a), lambda t, a=axis: theirs(t, a), draw(shape))


@pytest.mark.parametrize("name", WHOLE)
def test_whole_tensors(name: str) -> None:
    ours, theirs, shapes = WHOLE[name]
    for shape in shapes:
        agree_with_torch(lambda x: ours(mg.as_tensor(x)), theirs, draw(shape))


@pytest.mark.parametrize("zeros", [1, 2, 3])
@pytest.mark.parametrize("name", ["prod", "cumprod"])
def test_products_with_zeros(name: str, zeros: int) -> None:
    ours, theirs = ALONG[name]
    for shape in SHAPES:
        (x,) = draw(shape)
        np.moveaxis(x, middle(shape), 0)[:zeros] = 0.0
        axis = middle(shape)
        agree_with_torch(lambda x, a=axis: ours(x, a), lambda t, a=axis: theirs(t, a), [x])
