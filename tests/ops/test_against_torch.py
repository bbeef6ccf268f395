"""Values, gradients and second gradients in float64 against PyTorch, on six shapes or more each.

The elementwise primitives are held against PyTorch in ``tests/test_torch.py``; here is the rest of
the shelf: reductions, running and sorted values, shapes, reading and writing by index, data.  The
tables are keyed by our public names, with a remark after a comma: ``test_torch_coverage.py`` counts.
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


def three(x: Any) -> Any:
    """Three times as long along the last axis, which there is."""
    library = mg if isinstance(x, mg.Tensor) else torch()
    return library.cat([x, x * x, library.sin(x)], -1)


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
    "cumulative_sum": (lambda x, a: mg.cumulative_sum(x**2, axis=a), lambda t, a: (t**2).cumsum(a)),
    "cumulative_prod": (lambda x, a: mg.cumulative_prod(x, axis=a), lambda t, a: t.cumprod(a)),
    "ptp": (lambda x, a: mg.ptp(x**2, axis=a), lambda t, a: (t**2).amax(a) - (t**2).amin(a)),
    "percentile": (lambda x, a: mg.percentile(x, 30, axis=a) ** 2, lambda t, a: t.quantile(0.3, dim=a) ** 2),
    "average": (
        lambda x, a: mg.average(x, axis=a, weights=x**2 + 1), lambda t, a: (t * (t**2 + 1)).sum(a) / (t**2 + 1).sum(a),
    ),
    "partition": (
        lambda x, a: mg.take(mg.partition(x, x.shape[a] // 2, a), x.shape[a] // 2, a) ** 2,
        lambda t, a: t.kthvalue(t.shape[a] // 2 + 1, a).values ** 2,
    ),
    "gradient": (
        lambda x, a: mg.gradient(mg.stack([x, x**2, mg.sin(x)], a), 0.5, axis=a, edge_order=2),
        lambda t, a: torch().gradient(torch().stack([t, t**2, t.sin()], a), spacing=0.5, dim=a, edge_order=2)[0],
    ),
    "sliding_window_view": (
        lambda x, a: mg.sliding_window_view(mg.concatenate([x, x**2, mg.sin(x)], a), 3, axis=a) ** 2,
        lambda t, a: torch().cat([t, t**2, t.sin()], a).unfold(a, 3, 1) ** 2,
    ),
    "split": (lambda x, a: mg.split(x, [1], a)[0] ** 2, lambda t, a: t.split(1, a)[0] ** 2),
    "unsqueeze": (lambda x, a: mg.unsqueeze(x, a) ** 2, lambda t, a: t.unsqueeze(a) ** 2),
    "rollaxis": (lambda x, a: mg.rollaxis(x, a) ** 2, lambda t, a: t.movedim(a, 0) ** 2),
    "append": (lambda x, a: mg.append(x, x**2, a), lambda t, a: torch().cat([t, t**2], a)),
    "compress": (
        lambda x, a: mg.compress([True], x, a) ** 2, lambda t, a: t.narrow(a, 0, 1) ** 2,
    ),
    "scatter_add": (
        lambda x, a: mg.scatter_add(x, x.shape, (slice(None),) * a + (np.zeros(x.shape[a], int),)) ** 2,
        lambda t, a: torch().zeros_like(t).index_add(a, torch().zeros(t.shape[a], dtype=int), t) ** 2,
    ),
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
    "getitem, mask": (lambda x: x[x > 0] ** 2, lambda t: t[t > 0] ** 2, SHAPES),
    "extract": (lambda x: mg.extract(x > 0, x) ** 2, lambda t: t.masked_select(t > 0) ** 2, SHAPES),
    "at_set": (lambda x: x.at[0].set(x[-1] ** 2) * x, lambda t: torch().cat([t[-1:] ** 2, t[1:]]) * t, SHAPES),
    "at_add": (
        lambda x: x.at[[0, 0]].add(x[-1:] ** 2) ** 2,
        lambda t: t.index_add(0, torch().tensor([0, 0]), (t[-1:] ** 2).expand(2, *t.shape[1:])) ** 2, SHAPES,
    ),
    "at_mul": (
        lambda x: x.at[[0, 0]].mul(x[-1:]),
        lambda t: torch().cat([t[:1] * t[-1:] ** 2, t[1:]]), SHAPES,
    ),
    "at_min": (
        lambda x: x.at[0].min(x[-1] ** 2 - 1.0) * x,
        lambda t: torch().cat([torch().minimum(t[:1], t[-1:] ** 2 - 1.0), t[1:]]) * t, SHAPES,
    ),
    "at_max": (
        lambda x: x.at[0].max(x[-1] ** 2 - 1.0) * x,
        lambda t: torch().cat([torch().maximum(t[:1], t[-1:] ** 2 - 1.0), t[1:]]) * t, SHAPES,
    ),
    "take": (lambda x: mg.take(x, [0, -1, 0]) ** 2, lambda t: t.take(torch().tensor([0, t.numel() - 1, 0])) ** 2, SHAPES),
    "reshape": (lambda x: mg.reshape(x, (1, -1)) ** 2, lambda t: t.reshape(1, -1) ** 2, SHAPES),
    "flatten": (lambda x: mg.flatten(x) ** 2, lambda t: t.flatten() ** 2, SHAPES),
    "transpose": (lambda x: mg.transpose(x) ** 2, lambda t: t.permute(tuple(range(t.ndim))[::-1]) ** 2, SHAPES),
    "permute": (lambda x: mg.permute(x, tuple(range(x.ndim))[::-1]) ** 2, lambda t: t.permute(tuple(range(t.ndim))[::-1]) ** 2, SHAPES),
    "broadcast_to": (lambda x: mg.broadcast_to(x, (2, *x.shape)) ** 2, lambda t: t.broadcast_to((2, *t.shape)) ** 2, SHAPES),
    "atleast_1d": (lambda x: mg.atleast_1d(x) ** 2, lambda t: torch().atleast_1d(t) ** 2, [(), *SHAPES]),
    "atleast_2d": (lambda x: mg.atleast_2d(x) ** 2, lambda t: torch().atleast_2d(t) ** 2, [(), *SHAPES]),
    "diagflat": (lambda x: mg.diagflat(x, 1) ** 2, lambda t: t.diagflat(1) ** 2, SHAPES),
    "flipud": (lambda x: mg.flipud(x) ** 2, lambda t: t.flipud() ** 2, SHAPES),
    "hsplit": (lambda x: mg.hsplit(three(x), [1])[1] ** 2, lambda t: three(t).hsplit([1])[1] ** 2, SHAPES),
    "vsplit": (lambda x: mg.vsplit(mg.stack([x, x**2]), 2)[1] ** 2, lambda t: torch().stack([t, t**2]).vsplit(2)[1] ** 2, SHAPES),
    "dsplit": (lambda x: mg.dsplit(mg.dstack([x, x**2]), 2)[1] ** 2, lambda t: torch().dstack([t, t**2]).dsplit(2)[1] ** 2, SHAPES),
    "block": (lambda x: mg.block([[x, x**2]]), lambda t: torch().cat([torch().atleast_2d(t), torch().atleast_2d(t**2)], -1), SHAPES),
    "astype": (lambda x: mg.astype(mg.astype(x, "float64"), float) ** 2, lambda t: t.to(torch().float64) ** 2, SHAPES),
    "copy": (lambda x: mg.copy(x) ** 2, lambda t: t.clone() ** 2, SHAPES),
    "stop_gradient": (lambda x: mg.stop_gradient(x) * x, lambda t: t.detach() * t, SHAPES),
    "float_power": (lambda x: mg.float_power(x**2, 1.5), lambda t: torch().float_power(t**2, 1.5), SHAPES),
    "float_power, exponent": (lambda x: mg.float_power(1.5, x), lambda t: torch().float_power(1.5, t), SHAPES),
    "divmod": (lambda x: mg.divmod(x, 0.7)[1] ** 2, lambda t: t.remainder(0.7) ** 2, SHAPES),
    "select": (
        lambda x: mg.select([x > 1, x > 0], [x**2, mg.sin(x)], 0.5),
        lambda t: torch().where(t > 1, t**2, torch().where(t > 0, t.sin(), 0.5)), SHAPES,
    ),
    "polyval": (lambda x: mg.polyval([2.0, -1.0, 3.0], x), lambda t: 2 * t**2 - t + 3, SHAPES),
    "linalg.cross": (
        lambda x: mg.linalg.cross(mg.stack([x, x**2, mg.sin(x)], -1), mg.stack([mg.cos(x), x, x * 0 + 1], -1)),
        lambda t: torch().linalg.cross(torch().stack([t, t**2, t.sin()], -1), torch().stack([t.cos(), t, t * 0 + 1], -1)), SHAPES,
    ),
    "linalg.norm": (lambda x: mg.linalg.norm(x, axis=-1), lambda t: torch().linalg.norm(t, dim=-1), SHAPES),
    "linalg.norm, whole": (lambda x: mg.linalg.norm(mg.ravel(x)), lambda t: torch().linalg.norm(t), SHAPES),
    "linalg.matrix_transpose": (lambda x: mg.linalg.matrix_transpose(x) ** 2, lambda t: t.mT**2, MATRICES),
    "tril": (lambda x: mg.tril(x, 1) ** 2, lambda t: t.tril(1) ** 2, MATRICES),
    "triu": (lambda x: mg.triu(x) ** 2, lambda t: t.triu() ** 2, MATRICES),
    "diagonal": (lambda x: mg.diagonal(x, 0, -2, -1) ** 2, lambda t: t.diagonal(0, -2, -1) ** 2, MATRICES),
    "rot90": (lambda x: mg.rot90(x) ** 2, lambda t: t.rot90() ** 2, MATRICES),
    "fliplr": (lambda x: mg.fliplr(x) ** 2, lambda t: t.fliplr() ** 2, MATRICES),
    "matrix_transpose": (lambda x: mg.matrix_transpose(x) ** 2, lambda t: t.mT**2, MATRICES),
    "pad, edge": (
        lambda x: mg.pad(x, [(0, 0)] * (x.ndim - 1) + [(1, 1)], "edge") ** 2,
        lambda t: torch().cat([t[..., :1], t, t[..., -1:]], -1) ** 2, MATRICES,
    ),
    "pad": (
        lambda x: mg.pad(x, [(0, 0)] * (x.ndim - 1) + [(1, 2)], constant_values=3.0) ** 2,
        lambda t: torch().nn.functional.pad(t, (1, 2), value=3.0) ** 2, MATRICES,
    ),
    "matrix_trace": (lambda x: mg.matrix_trace(x**2), lambda t: (t**2).diagonal(0, 0, 1).sum(-1), MATRICES),
    "diag": (lambda x: mg.diag(x, 1) ** 2, lambda t: t.diag(1) ** 2, VECTORS),
    "diag, of matrices": (
        lambda x: mg.diag(mg.outer(x, mg.sin(x))) ** 2, lambda t: torch().outer(t, t.sin()).diag() ** 2, VECTORS,
    ),
    "einsum, diagonal": (lambda x: mg.einsum("...ii->...i", mg.stack([mg.stack([x, x**2], -1)] * 2, -1)), lambda t: torch().stack([t, t**2], -1), VECTORS),
    "cov": (lambda x: mg.cov(mg.stack([x, x**2, mg.sin(x)]), ddof=0), lambda t: torch().stack([t, t**2, t.sin()]).cov(correction=0), VECTORS),
    "meshgrid": (
        lambda x: mg.meshgrid(x, x**2)[0] ** 2, lambda t: torch().meshgrid(t, t**2, indexing="xy")[0] ** 2, VECTORS,
    ),
}  # fmt: skip

# Products of two: ours, theirs, pairs of shapes
PAIRED: dict[str, tuple[Any, Any, list[Any]]] = {
    "matvec": (
        mg.matvec, lambda a, v: (a @ v[..., None])[..., 0],
        [((2, 3), (3,)), ((1, 1), (1,)), ((4, 2, 3), (3,)), ((2, 3), (5, 3)), ((2, 1, 3, 2), (4, 2)), ((4, 3, 3), (4, 3))],
    ),
    "vecmat": (
        mg.vecmat, lambda v, a: (v[..., None, :] @ a)[..., 0, :],
        [((3,), (3, 2)), ((1,), (1, 1)), ((3,), (4, 3, 2)), ((5, 3), (3, 2)), ((4, 2), (2, 1, 2, 3)), ((4, 3), (4, 3, 3))],
    ),
    "where": (
        lambda x, y: mg.where(x > 0, x * y, mg.sin(y)), lambda x, y: torch().where(x > 0, x * y, y.sin()),
        [((3,), (3,)), ((2, 3), (3,)), ((3, 1), (1, 4)), ((1,), (2, 2)), ((2, 1, 3), (4, 1)), ((5, 2), (5, 2))],
    ),
}  # fmt: skip

# Data, without derivatives: ours and theirs, of an input and the number of one of its axes.
DATA: dict[str, tuple[Any, Any]] = {
    **{
        name: (lambda x, a, f=name: getattr(mg, f)(x), lambda t, a, f=name: getattr(torch(), f)(t))
        for name in (
            "floor", "ceil", "trunc", "sign", "signbit", "isfinite", "isinf", "isnan", "isneginf", "isposinf",
            "logical_not", "argwhere", "zeros_like", "ones_like",
        )
    },
    **{
        name: (
            lambda x, a, f=name: getattr(mg, f)(mg.rint(x), 1.0),
            lambda t, a, f=name: getattr(torch(), {"equal": "eq"}.get(f, f))(t.round(), torch().ones_like(t)),
        )
        for name in (
            "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "floor_divide", "isclose",
            "logical_and", "logical_or", "logical_xor",
        )
    },
    **{
        name: (
            lambda x, a, f=name: getattr(mg, f)(x > 0, x < 1),
            lambda t, a, f=name: getattr(torch(), f)(t > 0, t < 1),
        )
        for name in ("bitwise_and", "bitwise_or", "bitwise_xor")
    },
    "round": (lambda x, a: mg.round(x, 1), lambda t, a: t.round(decimals=1)),
    "rint": (lambda x, a: mg.rint(x * 2), lambda t, a: (t * 2).round()),
    "invert": (lambda x, a: ~(x > 0), lambda t, a: ~(t > 0)),
    "allclose": (lambda x, a: mg.allclose(x, x + 1e-12), lambda t, a: torch().tensor(torch().allclose(t, t + 1e-12))),
    "array_equal": (lambda x, a: mg.array_equal(x, x * 1), lambda t, a: torch().tensor(torch().equal(t, t * 1))),
    "full_like": (lambda x, a: mg.full_like(x, 2.5), lambda t, a: torch().full_like(t, 2.5)),
    "all": (lambda x, a: mg.all(x > -1, axis=a), lambda t, a: (t > -1).all(a)),
    "any": (lambda x, a: mg.any(x > 1, axis=a), lambda t, a: (t > 1).any(a)),
    "argmax": (lambda x, a: mg.argmax(x, axis=a), lambda t, a: t.argmax(a)),
    "argmin": (lambda x, a: mg.argmin(x, axis=a), lambda t, a: t.argmin(a)),
    "argsort": (lambda x, a: mg.argsort(x, axis=a), lambda t, a: t.argsort(a)),
    "argcummax": (lambda x, a: mg.argcummax(x, axis=a), lambda t, a: t.cummax(a).indices),
    "argcummin": (lambda x, a: mg.argcummin(x, axis=a), lambda t, a: t.cummin(a).indices),
    "argpartition": (
        lambda x, a: mg.take(mg.argpartition(x, 0, a), 0, a), lambda t, a: t.kthvalue(1, a).indices,
    ),
    "count_nonzero": (lambda x, a: mg.count_nonzero(x > 0, axis=a), lambda t, a: (t > 0).count_nonzero(a)),
    "nonzero": (lambda x, a: mg.stack(mg.nonzero(x > 0)), lambda t, a: torch().stack((t > 0).nonzero(as_tuple=True))),
    "flatnonzero": (lambda x, a: mg.flatnonzero(x > 0), lambda t, a: (t > 0).flatten().nonzero()[:, 0]),
    "unique": (lambda x, a: mg.unique(mg.rint(x)), lambda t, a: t.round().unique()),
    "searchsorted": (
        lambda x, a: mg.searchsorted(mg.sort(mg.ravel(x)), x, "right"),
        lambda t, a: torch().searchsorted(t.flatten().sort().values, t, right=True),
    ),
    "digitize": (
        lambda x, a: mg.digitize(x, [-1.0, 0.0, 1.0]),
        lambda t, a: torch().bucketize(t, torch().tensor([-1.0, 0.0, 1.0]).double(), right=True),
    ),
    "linalg.matrix_rank": (
        lambda x, a: mg.linalg.matrix_rank(mg.outer(x, x)), lambda t, a: torch().linalg.matrix_rank(torch().outer(t.ravel(), t.ravel())),
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


@pytest.mark.parametrize("name", PAIRED)
def test_pairs(name: str) -> None:
    ours, theirs, shapes = PAIRED[name]
    for pair in shapes:
        agree_with_torch(lambda *x: ours(*map(mg.as_tensor, x)), theirs, draw(*pair))


@pytest.mark.parametrize("name", DATA)
def test_data(name: str) -> None:
    ours, theirs = DATA[name]
    for shape in SHAPES:
        (x,) = draw(shape)
        if name.startswith("is"):
            x.flat[0] = {"isnan": np.nan, "isneginf": -np.inf}.get(name, np.inf)
        found = ours(mg.tensor(x, requires_grad=True), middle(shape))
        expected = theirs(torch().tensor(x), middle(shape)).numpy()
        assert not getattr(found, "requires_grad", False)
        np.testing.assert_array_equal(found, expected)
        assert np.asarray(found).dtype.kind == expected.dtype.kind or expected.dtype.kind == "b"
