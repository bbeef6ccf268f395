"""Wrong shapes, axes and dtypes: the message names the function, the argument and what was given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg


def x(*shape: int) -> Any:
    return mg.tensor(np.ones(shape), requires_grad=True, name="x")


def whole(*shape: int) -> Any:
    return mg.tensor(np.ones(shape, int))


SHOWN = r"float64\[2, 3\] 'x'"  # how a message shows x(2, 3)

AXES = [
    (name, call)
    for name, call in {
        "sum": lambda a: mg.sum(x(2, 3), axis=a), "mean": lambda a: mg.mean(x(2, 3), axis=a),
        "prod": lambda a: mg.prod(x(2, 3), axis=a), "max": lambda a: mg.max(x(2, 3), axis=a),
        "min": lambda a: mg.min(x(2, 3), axis=a), "var": lambda a: mg.var(x(2, 3), axis=a),
        "std": lambda a: mg.std(x(2, 3), axis=a), "nansum": lambda a: mg.nansum(x(2, 3), axis=a),
        "nanmean": lambda a: mg.nanmean(x(2, 3), axis=a), "ptp": lambda a: mg.ptp(x(2, 3), axis=a),
        "median": lambda a: mg.median(x(2, 3), axis=a), "quantile": lambda a: mg.quantile(x(2, 3), 0.5, axis=a),
        "average": lambda a: mg.average(x(2, 3), axis=a), "logsumexp": lambda a: mg.logsumexp(x(2, 3), axis=a),
        "argmax": lambda a: mg.argmax(x(2, 3), axis=a), "argmin": lambda a: mg.argmin(x(2, 3), axis=a),
        "any": lambda a: mg.any(x(2, 3), axis=a), "all": lambda a: mg.all(x(2, 3), axis=a),
        "count_nonzero": lambda a: mg.count_nonzero(x(2, 3), axis=a), "cumsum": lambda a: mg.cumsum(x(2, 3), a),
        "cumprod": lambda a: mg.cumprod(x(2, 3), a), "cummax": lambda a: mg.cummax(x(2, 3), a),
        "diff": lambda a: mg.diff(x(2, 3), axis=a), "trapezoid": lambda a: mg.trapezoid(x(2, 3), axis=a),
        "gradient": lambda a: mg.gradient(x(2, 3), axis=a), "sort": lambda a: mg.sort(x(2, 3), a),
        "argsort": lambda a: mg.argsort(x(2, 3), a), "partition": lambda a: mg.partition(x(2, 3), 0, a),
        "top_k": lambda a: mg.top_k(x(2, 3), 1, a), "unique": lambda a: mg.unique(x(2, 3), axis=a),
        "flip": lambda a: mg.flip(x(2, 3), a), "roll": lambda a: mg.roll(x(2, 3), 1, a),
        "repeat": lambda a: mg.repeat(x(2, 3), 2, a), "squeeze": lambda a: mg.squeeze(x(2, 3), a),
        "split": lambda a: mg.split(x(2, 3), 1, a), "unstack": lambda a: mg.unstack(x(2, 3), axis=a),
        "take": lambda a: mg.take(x(2, 3), 0, a), "moveaxis": lambda a: mg.moveaxis(x(2, 3), a, 0),
        "swapaxes": lambda a: mg.swapaxes(x(2, 3), a, 0), "transpose": lambda a: mg.transpose(x(2, 3), (a, 0)),
        "rollaxis": lambda a: mg.rollaxis(x(2, 3), a), "concatenate": lambda a: mg.concatenate([x(2, 3)], a),
        "gather": lambda a: mg.gather(x(2, 3), a, whole(2, 3)), "diagonal": lambda a: mg.diagonal(x(2, 3), axis1=a),
        "take_along_axis": lambda a: mg.take_along_axis(x(2, 3), whole(2, 3), a),
        "rot90": lambda a: mg.rot90(x(2, 3), axes=(0, a)),
    }.items()
]  # fmt: skip


@pytest.mark.parametrize(("name", "call"), AXES, ids=lambda part: part if isinstance(part, str) else "")
@pytest.mark.parametrize("axis", [2, -3])
def test_an_axis_out_of_range(name: str, call: Any, axis: int) -> None:
    wanted = rf"^{name}: axis {axis} is out of range for 2 dimensions; .*{axis}.*{SHOWN}"
    with pytest.raises(mg.ArgumentError, match=wanted):
        call(axis)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "var", "median", "flip", "any"])
def test_an_axis_named_twice(name: str) -> None:
    with pytest.raises(mg.ArgumentError, match=rf"^{name}: .*names a dimension twice; .*{SHOWN}"):
        getattr(mg, name)(x(2, 3), axis=(0, -2))


@pytest.mark.parametrize("name", ["sum", "flip", "sort", "cumsum", "take"])
def test_an_axis_that_is_no_integer(name: str) -> None:
    call = {"take": lambda: mg.take(x(2, 3), 0, 1.5)}.get(
        name, lambda: getattr(mg, name)(x(2, 3), axis=1.5)
    )
    with pytest.raises(mg.ArgumentError, match=rf"^{name}: .*axis=1\.5.*{SHOWN}"):
        call()


# what is wrong: call, kind of error, what the message must say
WRONG: dict[str, tuple[Any, type[Exception], str]] = {
    "add": (lambda: x(2, 3) + x(4), mg.ShapeError, rf"^add: .*{SHOWN}.*float64\[4\].*x\[:, None\]"),
    "where": (lambda: mg.where(x(2, 3) > 0, x(2, 3), x(4)), mg.ShapeError, rf"^where: .*{SHOWN}.*float64\[4\]"),
    "where, one": (lambda: mg.where(True, x(2)), mg.ArgumentError, "^where: x and y come together"),
    "clip": (lambda: mg.clip(x(2, 3), x(4), 1.0), mg.ShapeError, rf"^clip: .*{SHOWN}.*float64\[4\]"),
    "clip, twice": (lambda: mg.clip(x(2), 0.0, min=1.0), mg.ArgumentError, "^clip: a_min= and min="),
    "&": (lambda: x(2, 3) & True, mg.DtypeError, rf"^bitwise_and: input 0 is .*{SHOWN}.*\(x > 0\)"),
    "reshape": (lambda: mg.reshape(x(2, 3), (4,)), mg.ShapeError, rf"^reshape: .*{SHOWN}.*\(4,\)"),
    "reshape, none": (lambda: mg.reshape(x(2, 3)), mg.ArgumentError, rf"^reshape: the shape is missing.*{SHOWN}"),
    "reshape, order": (lambda: mg.reshape(x(2, 3), 6, order="A"), mg.ArgumentError, "^reshape: order .*'A'"),
    "broadcast_to": (lambda: mg.broadcast_to(x(2, 3), (4,)), mg.ShapeError, rf"^broadcast_to: .*{SHOWN}.*\(4,\)"),
    "broadcast_to, itself": (lambda: mg.broadcast_to(x(2, 3), (3, 2)), mg.ShapeError, rf"^broadcast_to: .*{SHOWN}.*\(3, 2\)"),
    "reshape, two unknown": (lambda: mg.reshape(x(2, 3), (-1, -1)), mg.ShapeError, rf"^reshape: .*{SHOWN}.*\(-1, -1\)"),
    "reshape, a plain array": (lambda: mg.reshape(np.ones((2, 3)), (4,)), mg.ShapeError, r"^reshape: .*float64\[2, 3\].*\(4,\)"),
    "reshape, no integer": (lambda: mg.reshape(x(2, 3), (2.5, 3)), mg.ArgumentError, rf"^reshape: .*{SHOWN}.*\(2\.5, 3\)"),
    "broadcast_arrays": (lambda: mg.broadcast_arrays(x(2, 3), x(4)), mg.ShapeError, rf"^broadcast_arrays: .*{SHOWN}.*float64\[4\]"),
    "transpose": (lambda: mg.transpose(x(2, 3), (0, 0)), mg.ShapeError, rf"^transpose: axes=\(0, 0\).*{SHOWN}"),
    "squeeze": (lambda: mg.squeeze(x(2, 3), 0), mg.ShapeError, rf"^squeeze: axis 0 has size 2.*{SHOWN}"),
    "expand_dims": (lambda: mg.expand_dims(x(2, 3), 5), mg.ArgumentError, rf"^expand_dims: axis=5.*{SHOWN}"),
    "moveaxis": (lambda: mg.moveaxis(x(2, 3), (0, 1), 0), mg.ArgumentError, rf"^moveaxis: source=\(0, 1\) and destination=0.*{SHOWN}"),
    "rollaxis": (lambda: mg.rollaxis(x(2, 3), 0, 9), mg.ArgumentError, rf"^rollaxis: start=9.*{SHOWN}"),
    "matrix_transpose": (lambda: mg.matrix_transpose(x(3)), mg.ShapeError, r"^matrix_transpose: .*float64\[3\]"),
    "concatenate": (lambda: mg.concatenate([x(2, 3), x(2, 4)]), mg.ShapeError, rf"^concatenate: .*{SHOWN}.*float64\[2, 4\]"),
    "concatenate, nothing": (lambda: mg.concatenate([]), mg.ShapeError, "^concatenate: an empty sequence"),
    "concatenate, dtype": (lambda: mg.concatenate([x(2, 3)], dtype=int), mg.DtypeError, rf"^concatenate: .*{SHOWN}.*int"),
    "stack": (lambda: mg.stack([x(2, 3), x(2, 4)]), mg.ShapeError, rf"^stack: .*{SHOWN}.*float64\[2, 4\]"),
    "block": (lambda: mg.block([[x(2, 3)], x(2, 3)]), mg.ArgumentError, r"^block: .*different depths, \[0, 1\]"),
    "split": (lambda: mg.split(x(2, 3), 2, 1), mg.ArgumentError, rf"^split: axis 1 .*{SHOWN} .*size 3.*array_split"),
    "split, none": (lambda: mg.split(x(2, 3), 0), mg.ArgumentError, rf"^split: 0 pieces.*{SHOWN}"),
    "dsplit": (lambda: mg.dsplit(x(2, 3), 1), mg.ShapeError, rf"^dsplit: ary is .*{SHOWN}.*3 axes"),
    "repeat": (lambda: mg.repeat(x(2, 3), [1, 2, 3], 0), mg.ShapeError, rf"^repeat: repeats has shape \[3\].*axis 0 .*{SHOWN}"),
    "repeat, negative": (lambda: mg.repeat(x(2), -1), mg.ArgumentError, "^repeat: repeats=-1"),
    "tile": (lambda: mg.tile(x(2), -1), mg.ArgumentError, "^tile: reps=-1"),
    "pad, width": (lambda: mg.pad(x(2, 3), ((1, 1),) * 3), mg.ArgumentError, rf"^pad: pad_width=.*{SHOWN}"),
    "pad, negative": (lambda: mg.pad(x(2, 3), -1), mg.ArgumentError, "^pad: pad_width=-1"),
    "pad, mode": (lambda: mg.pad(x(2, 3), 1, "mean"), mg.ArgumentError, "^pad: mode='mean'.*'constant', 'edge'"),
    "pad, empty": (lambda: mg.pad(x(0, 3), 1, "edge"), mg.ShapeError, r"^pad: axis 0 of .*float64\[0, 3\].*'edge'"),
    "rot90": (lambda: mg.rot90(x(2, 3), axes=(1, 1)), mg.ArgumentError, rf"^rot90: axes=\(1, 1\).*{SHOWN}"),
    "diagonal": (lambda: mg.diagonal(x(3)), mg.ShapeError, r"^diagonal: .*float64\[3\]"),
    "diagonal, one": (lambda: mg.diagonal(x(2, 3), 0, 1, 1), mg.ArgumentError, rf"^diagonal: axis1=1 and axis2=1.*{SHOWN}"),
    "embed_diagonal": (lambda: mg.embed_diagonal(x(2, 3), (4, 4)), mg.ShapeError, rf"^embed_diagonal: .*{SHOWN}.*\[4, 4\].*\[4\]"),
    "diag": (lambda: mg.diag(x(1, 2, 3)), mg.ShapeError, r"^diag: .*float64\[1, 2, 3\]"),
    "tril": (lambda: mg.tril(x()), mg.ShapeError, r"^tril: .*float64\[\]"),
    "meshgrid": (lambda: mg.meshgrid(x(2), indexing="yx"), mg.ArgumentError, "^meshgrid: indexing .*'yx'"),
    "index": (lambda: x(2, 3)[7], mg.ArgumentError, rf"^getitem: .*{SHOWN}.*index 7"),
    "index, dtype": (lambda: x(2, 3)[np.ones(2)], mg.DtypeError, r"an index holds integers or booleans.*float64\[2\]"),
    "take": (lambda: mg.take(x(2, 3), 5, 1), mg.ArgumentError, rf"^take: .*{SHOWN}.*index 5"),
    "take, mode": (lambda: mg.take(x(2, 3), 0, mode="no"), mg.ArgumentError, "^take: mode .*'no'"),
    "take_along_axis": (lambda: mg.take_along_axis(x(2, 3), whole(2)), mg.ShapeError, rf"^take_along_axis: .*{SHOWN}.*int64\[2\]"),
    "take_along_axis, other": (lambda: mg.take_along_axis(x(2, 3), whole(5, 1)), mg.ShapeError, rf"^take_along_axis: .*{SHOWN}.*int64\[5, 1\]"),
    "gather": (lambda: mg.gather(x(2, 3), 0, whole(2, 4)), mg.ShapeError, rf"^gather: .*{SHOWN}.*int64\[2, 4\]"),
    "at": (lambda: x(2, 3).at[0].set(x(4)), mg.ShapeError, rf"^x\.at\[\.\.\.\]\.set\(v\): v is .*float64\[4\].*{SHOWN}.*\[3\]"),
    "at, range": (lambda: x(2, 3).at[9].mul(2.0), mg.ArgumentError, rf"^x\.at\[\.\.\.\]\.mul\(v\): .*index 9.*{SHOWN}"),
    "at, dtype": (lambda: whole(3).at[0].set(1.5), mg.DtypeError, r"^x\.at\[\.\.\.\]\.set\(v\): .*float64\[\].*int64 cannot hold"),
    "select": (lambda: mg.select([x(2) > 0], []), mg.ArgumentError, "^select: 1 conditions and 0 choices"),
    "select, dtype": (lambda: mg.select([x(2)], [x(2)]), mg.DtypeError, r"^select: conditions are booleans.*float64\[2\]"),
    "nonzero": (lambda: mg.nonzero(x()), mg.ShapeError, r"^nonzero: .*float64\[\].*atleast_1d"),
    "compress": (lambda: mg.compress(x(2, 3) > 0, x(2, 3)), mg.ShapeError, r"^compress: condition .*bool\[2, 3\]"),
    "max of nothing": (lambda: mg.max(x(0, 3), axis=0), mg.ShapeError, r"^max: .*float64\[0, 3\]"),
    "max, where": (lambda: mg.max(x(2, 3), where=x(2, 3) > 0), mg.ArgumentError, "^max: with where= .*initial="),
    "sum, where": (lambda: mg.sum(x(2, 3), where=np.ones(4, bool)), mg.ShapeError, rf"^sum: where= is .*bool\[4\].*{SHOWN}"),
    "sum, where, dtype": (lambda: mg.sum(x(2, 3), where=x(2, 3)), mg.ArgumentError, rf"^sum: where= holds booleans.*{SHOWN}"),
    "cumulative_sum": (lambda: mg.cumulative_sum(x(2, 3)), mg.ArgumentError, rf"^cumulative_sum: .*{SHOWN}.*axis="),
    "var": (lambda: mg.var(x(2), ddof=1, correction=1), mg.ArgumentError, "^var: ddof=1 and correction=1"),
    "average": (lambda: mg.average(x(2, 3), weights=x(4)), mg.ShapeError, rf"^average: .*{SHOWN}.*float64\[4\]"),
    "median": (lambda: mg.median(x(0)), mg.ShapeError, r"^median: .*nothing to reduce.*float64\[0\]"),
    "quantile, q": (lambda: mg.quantile(x(2), 1.5), mg.ArgumentError, "^quantile: q=1.5 must lie from 0 to 1"),
    "percentile, q": (lambda: mg.percentile(x(2), -3), mg.ArgumentError, "^percentile: q=-3 must lie from 0 to 100"),
    "quantile, method": (lambda: mg.quantile(x(2), 0.5, method="no"), mg.ArgumentError, "^quantile: .*'no'.*hazen.*linear"),
    "quantile, tracked": (lambda: mg.quantile(x(2), x()), mg.GradientError, r"^quantile: q is data.*q=x\.detach\(\)"),
    "quantile, weights": (lambda: mg.quantile(x(2), 0.5, weights=x(2)), mg.UnsupportedError, "^quantile: weights"),
    "cov": (lambda: mg.cov(x(1, 2, 3)), mg.ShapeError, r"^cov: .*float64\[1, 2, 3\]"),
    "cov, weights": (lambda: mg.cov(x(2, 3), fweights=[1, 1, 1]), mg.UnsupportedError, "^cov: weights"),
    "sort, order": (lambda: mg.sort(x(2), order="a"), mg.UnsupportedError, "^sort: order="),
    "partition": (lambda: mg.partition(x(2, 3), 3), mg.ArgumentError, rf"^partition: kth=3, but axis 1 .*{SHOWN} .*has 3 elements"),
    "top_k": (lambda: mg.top_k(x(2, 3), 4), mg.ArgumentError, rf"^top_k: k=4, but axis 1 of .*{SHOWN} .*has 3 elements"),
    "searchsorted": (lambda: mg.searchsorted(x(2, 3), 1.0), mg.ShapeError, rf"^searchsorted: .*{SHOWN}"),
    "searchsorted, side": (lambda: mg.searchsorted(x(2), 1.0, "up"), mg.ArgumentError, "^searchsorted: side .*'up'"),
    "diff": (lambda: mg.diff(x(2), -1), mg.ArgumentError, "^diff: n=-1"),
    "trapezoid": (lambda: mg.trapezoid(x(2, 3), x=x(4)), mg.ShapeError, rf"^trapezoid: .*{SHOWN}.*float64\[4\].*axis 1"),
    "gradient": (lambda: mg.gradient(x(2, 3), edge_order=2), mg.ShapeError, rf"^gradient: axis 0 of .*{SHOWN} .*has 2 samples"),
    "gradient, distances": (lambda: mg.gradient(x(2, 3, 4), 1.0, 2.0), mg.ArgumentError, "^gradient: 2 distances .* 3 axes"),
    "gradient, order": (lambda: mg.gradient(x(5), edge_order=3), mg.ArgumentError, "^gradient: edge_order is 1 or 2, not 3"),
    "gradient, positions": (lambda: mg.gradient(x(3), np.arange(4.0)), mg.ShapeError, r"^gradient: .*float64\[4\].*3 samples"),
    "interp": (lambda: mg.interp(1.0, x(2), x(3)), mg.ShapeError, r"^interp: .*float64\[2\].*float64\[3\]"),
    "long double": (lambda: mg.erf(np.ones(2, "g")), mg.DtypeError, r"^erf: .*\[2\].*long double.*x\.astype\(float\)"),
    "polygamma": (lambda: mg.polygamma(-1, x(2)), mg.ArgumentError, "^polygamma: n=-1"),
    "full_like": (lambda: mg.zeros_like(x(2), device="gpu"), mg.ArgumentError, "^zeros_like: device='gpu'"),
    # what fails inside of another function is said with the name of that which was called
    "kron": (lambda: mg.kron(x(2, 3), "a"), mg.DtypeError, r"^kron: mul: .*<U1"),
    "divmod": (lambda: mg.divmod(x(2, 3), x(4)), mg.ShapeError, rf"^divmod: floor_divide: .*{SHOWN}.*float64\[4\]"),
    "float_power": (lambda: mg.float_power(x(2, 3), x(4)), mg.ShapeError, rf"^float_power: pow: .*{SHOWN}.*float64\[4\]"),
    "isclose": (lambda: mg.isclose(x(2, 3), x(4)), mg.ShapeError, rf"^isclose: .*{SHOWN}.*float64\[4\]"),
    "allclose": (lambda: mg.allclose(x(2, 3), x(4)), mg.ShapeError, rf"^allclose: isclose: .*{SHOWN}.*float64\[4\]"),
    "hypot": (lambda: mg.hypot(x(2, 3), x(4)), mg.ShapeError, rf"^hypot: .*{SHOWN}.*float64\[4\]"),
    "logical_and": (lambda: mg.logical_and(x(2, 3) > 0, x(4) > 0), mg.ShapeError, r"^logical_and: .*bool\[2, 3\].*bool\[4\]"),
    "less": (lambda: x(2, 3) < x(4), mg.ShapeError, rf"^less: .*{SHOWN}.*float64\[4\]"),
    "**": (lambda: x(2, 3) ** x(4), mg.ShapeError, rf"^pow: .*{SHOWN}.*float64\[4\]"),
    "from the left": (lambda: np.ones(4) * x(2, 3), mg.ShapeError, rf"^mul: .*float64\[4\].*{SHOWN}"),
    "stack, axis": (lambda: mg.stack([x(2, 3)], axis=4), mg.ArgumentError, rf"^stack: expand_dims: axis=4.*{SHOWN}"),
    "hstack": (lambda: mg.hstack([x(2, 3), x(3, 3)]), mg.ShapeError, r"^hstack: concatenate: .*\[2, 3\].*\[3, 3\]"),
    "vstack": (lambda: mg.vstack([x(2, 3), x(2, 4)]), mg.ShapeError, r"^vstack: concatenate: .*\[2, 3\].*\[2, 4\]"),
    "dstack": (lambda: mg.dstack([x(2, 3), x(2, 4)]), mg.ShapeError, r"^dstack: concatenate: .*\[2, 3, 1\].*\[2, 4, 1\]"),
    "column_stack": (lambda: mg.column_stack([x(2, 3), x(3)]), mg.ShapeError, rf"^column_stack: concatenate: .*{SHOWN}.*\[3, 1\]"),
    "append": (lambda: mg.append(x(2, 3), x(2, 4), axis=0), mg.ShapeError, rf"^append: concatenate: .*{SHOWN}.*\[2, 4\]"),
    "cov, y": (lambda: mg.cov(x(2, 3), x(2, 4)), mg.ShapeError, r"^cov: concatenate: .*\[2, 3\].*\[2, 4\]"),
    "diff, prepend": (lambda: mg.diff(x(2, 3), prepend=x(4)), mg.ArgumentError, r"^diff: concatenate: axis 1 .*float64\[4\]"),
    "softmax": (lambda: mg.softmax(x(2, 3), axis=4), mg.ArgumentError, rf"^softmax: max: axis 4 .*{SHOWN}"),
    "log_softmax": (lambda: mg.log_softmax(x(2, 3), axis=4), mg.ArgumentError, rf"^log_softmax: max: axis 4 .*{SHOWN}"),
    "var, where": (lambda: mg.var(x(2, 3), where=np.ones(4, bool)), mg.ShapeError, r"^var: .*bool\[4\].*\[2, 3\]"),
    "std, ddof": (lambda: mg.std(x(2, 3), ddof="a"), mg.ArgumentError, "^std: var: ddof='a'"),
    "full_like, shape": (lambda: mg.full_like(x(2), [1, 2, 3]), mg.ShapeError, r"^full_like: .*\[3\].*\(2,\)"),
    "full_like, dtype": (lambda: mg.full_like(x(2), 1, dtype="nope"), mg.DtypeError, "^full_like: zeros_like: dtype='nope'"),
    "astype": (lambda: mg.astype(x(2), "nope"), mg.DtypeError, "^astype: dtype='nope'"),
    "astype, complex": (lambda: mg.astype(x(2), "complex64"), mg.DtypeError, r"^astype gave complex64 .*float64\[2\]"),
    "sum, dtype": (lambda: mg.sum(x(2), dtype="nope"), mg.DtypeError, "^sum: astype: dtype='nope'"),
    "nan_to_num": (lambda: mg.nan_to_num(x(2), nan="a"), mg.DtypeError, r"^nan_to_num: where gave <U"),
    "polyval": (lambda: mg.polyval(x(2, 2), x(3)), mg.ShapeError, r"^polyval: .*float64\[3\].*float64\[2\]"),
    "select, choice": (lambda: mg.select([x(2) > 0], [x(3)]), mg.ShapeError, r"^select: where: .*bool\[2\].*float64\[3\]"),
    "matvec": (lambda: mg.matvec(x(2, 3), x(4)), mg.ShapeError, rf"^matvec: einsum: .*3 and 4.*{SHOWN}.*float64\[4\]"),
    "vecmat": (lambda: mg.vecmat(x(4), x(2, 3)), mg.ShapeError, rf"^vecmat: einsum: .*4 and 2.*float64\[4\].*{SHOWN}"),
    "matrix_power": (lambda: mg.linalg.matrix_power(x(2, 2), -1), mg.LinAlgError, r"^matrix_power: inv: .*float64\[2, 2\].*Singular"),
    "by NumPy's name": (lambda: np.linalg.tensorinv(x(4, 2, 2), ind=1), mg.LinAlgError, r"^tensorinv: inv: .*float64\[4, 4\].*Singular"),
    "matrix_trace": (lambda: mg.matrix_trace(x(3)), mg.ShapeError, r"^matrix_trace: diagonal: .*float64\[3\]"),
    "tril, k": (lambda: mg.tril(x(2, 3), "a"), mg.ArgumentError, "^tril: k='a'; whole numbers"),
    "roll, shift": (lambda: mg.roll(x(2, 3), 1.5), mg.ArgumentError, r"^roll: shift=1\.5; whole numbers"),
    "tile, reps": (lambda: mg.tile(x(2, 3), 1.5), mg.ArgumentError, r"^tile: reps=1\.5; whole numbers"),
    "split, places": (lambda: mg.split(x(2, 3), [1, "a"]), mg.ArgumentError, r"^split: indices_or_sections=\[1, 'a'\]"),
    "partition, kth": (lambda: mg.partition(x(3), 0.5), mg.ArgumentError, r"^partition: kth=0\.5; whole numbers"),
    "top_k, k": (lambda: mg.top_k(x(2, 3), 1.5), mg.ArgumentError, r"^top_k: k=1\.5; whole numbers"),
    "round, decimals": (lambda: mg.round(x(2), 1.5), mg.ArgumentError, r"^round: decimals=1\.5; whole numbers"),
    "quantile, words": (lambda: mg.quantile(x(2, 3), "a"), mg.ArgumentError, "^quantile: q='a'"),
    "take, dtype": (lambda: mg.take(x(2, 3), [0.5]), mg.DtypeError, r"^take: getitem: an index holds integers.*float64\[1\]"),
    "gather, range": (lambda: mg.gather(x(2, 3), 0, whole(2, 3) * 7), mg.ArgumentError, rf"^gather: getitem: .*{SHOWN}.*index 7"),
    "too many indices": (lambda: x(2, 3)[0, 0, 0], mg.ArgumentError, rf"^getitem: .*{SHOWN}.*too many indices"),
    "a mask": (lambda: x(2, 3)[np.ones(3, bool)], mg.ArgumentError, rf"^getitem: .*{SHOWN}.*bool\[3\]"),
    "scatter_add": (lambda: mg.scatter_add(x(4), (2,), [0, 0, 1]), mg.ShapeError, r"^scatter_add: .*float64\[4\].*int64\[3\]"),
    "complex": (lambda: x(2) * 1j, mg.DtypeError, r"^mul gave complex128 values.*Complex numbers are out"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input(name: str) -> None:
    call, kind, message = WRONG[name]
    with pytest.raises(kind, match=message):
        call()


OUT = (
    "sum mean prod max min ptp var std median any all argmax argmin cumsum cumprod nansum nanmean clip round"
).split()


@pytest.mark.parametrize("name", OUT)
def test_nothing_is_written_into(name: str) -> None:
    with pytest.raises(mg.UnsupportedError, match=rf"^{name}: out= is .*float64\[3\].*leave out= away"):
        getattr(mg, name)(x(2, 3), out=np.zeros(3))
    with pytest.raises(mg.UnsupportedError, match=rf"^np\.{name} .*leave out= away"):
        getattr(np, name)(x(2, 3), out=np.zeros(3))


def test_scipy_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from minigrad.ops import special

    monkeypatch.setitem(__import__("sys").modules, "scipy", None)
    special._scipy.cache_clear()
    try:
        with pytest.raises(mg.MissingExtraError, match=r'mg\.erf needs scipy.*minigrad\[special\]"'):
            mg.erf(x(2))
    finally:
        special._scipy.cache_clear()
