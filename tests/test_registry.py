"""Every primitive against NumPy and against the oracles, generated from the registry.

A new primitive needs nothing here: its declaration brings samples, and the tests find it.  Where
NumPy has no function of its public function's name, REFERENCES says what its value is.
"""

from __future__ import annotations

import doctest
import math
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special

from minigrad.primitive import REGISTRY, Primitive
from tests import checks
from tests.checks import cases


def _batchnorm(x: Any, gamma: Any, beta: Any, axis: Any) -> Any:
    axes = (axis,) if isinstance(axis, int) else axis
    shape = [1 if i in axes else n for i, n in enumerate(x.shape)]
    mu, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mu) / np.sqrt(var + 1e-5) * gamma.reshape(shape) + beta.reshape(shape)


def _scatter_add(x: Any, shape: Any, index: Any) -> Any:
    out = np.zeros(shape)
    np.add.at(out, index, x)
    return out


def _embed_diagonal(x: Any, shape: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    out = np.zeros(shape)
    rows, columns = np.arange(x.shape[-1]) + max(-offset, 0), np.arange(x.shape[-1]) + max(offset, 0)
    index: list[Any] = [slice(None)] * len(shape)
    index[axis1], index[axis2] = rows, columns
    place = out[tuple(index)]  # neighbouring index arrays stay in place, others come first
    out[tuple(index)] = np.moveaxis(x, -1, 0) if place.shape != x.shape else x
    return out


def _first_reached(best: Any) -> Callable[..., Any]:
    def places(x: Any, axis: int | None = None) -> Any:
        x, axis = (x.ravel(), 0) if axis is None else (x, axis)
        ends = range(1, x.shape[axis] + 1)
        return np.stack([best(np.take(x, range(end), axis), axis) for end in ends], axis)

    return places


def _last_written(x: Any, index: Any) -> Any:
    out = np.full(x.shape, -1)
    out[index] = np.arange(x[index].size).reshape(x[index].shape)
    return out


def _solve_triangular(
    a: Any, b: Any, trans: int = 0, lower: bool = False, unit_diagonal: bool = False
) -> Any:
    a = np.tril(a) if lower else np.triu(a)
    a, upper = (np.swapaxes(a, -1, -2), lower) if trans else (a, not lower)
    vector, columns = b.ndim == 1, b[:, None] if b.ndim == 1 else b
    x = columns + np.zeros((*a.shape[:-2], 1, 1))
    for j in range(a.shape[-1])[:: -1 if upper else 1]:
        if not unit_diagonal:
            x[..., j, :] /= a[..., j, j, None]
        rest = slice(0, j) if upper else slice(j + 1, None)
        x[..., rest, :] -= a[..., rest, j, None] * x[..., None, j, :]
    return x[..., 0] if vector else x


def _cofactors(a: Any) -> Any:
    if a.shape[-1] < 2 or not np.isfinite(a).all():
        return np.full(a.shape, np.nan if a.shape[-1] > 1 else 1.0)
    return np.moveaxis(np.linalg.inv(a), -1, -2) * np.linalg.det(a)[..., None, None]


def _cofactors_along(a: Any, t: Any) -> Any:
    if a.shape[-1] < 2 or not (np.isfinite(a).all() and np.isfinite(t).all()):
        return np.full(a.shape, np.nan if a.shape[-1] > 1 else 0.0)
    inverse = np.moveaxis(np.linalg.inv(a), -1, -2)
    along = (t * inverse).sum((-2, -1))[..., None, None]
    return (along * inverse - inverse @ np.moveaxis(t, -1, -2) @ inverse) * np.linalg.det(a)[
        ..., None, None
    ]


def _expm(a: Any) -> Any:
    if a.shape[-1] < 2:
        return np.exp(a)
    a = np.where(np.isfinite(a).all((-2, -1), keepdims=True), a, np.nan)
    term = total = np.broadcast_to(np.eye(a.shape[-1]), a.shape)
    for k in range(1, 40):
        term = term @ a / k
        total = total + term
    return total


def _unfold(x: Any, size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    size, dilation, padding, stride = (np.broadcast_to(v, 2) for v in (size, dilation, padding, stride))
    x = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(p, p) for p in padding])
    span = dilation * (size - 1) + 1
    tops, lefts = (range(0, x.shape[i - 2] - span[i] + 1, stride[i]) for i in range(2))
    boxes = [
        x[..., y : y + span[0] : dilation[0], z : z + span[1] : dilation[1]].reshape(*x.shape[:-3], -1)
        if x.size
        else np.zeros((*x.shape[:-3], x.shape[-3] * size.prod()))
        for y in tops
        for z in lefts
    ]
    return np.stack(boxes, axis=-1)


def _pooled(x: Any, best: Any, border: float, size: Any, stride: Any = None, padding: int = 0) -> Any:
    size = np.broadcast_to(size, 2)
    stride = np.broadcast_to(size if stride is None else stride, 2)
    x = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(padding, padding)] * 2, constant_values=border)
    windows = np.lib.stride_tricks.sliding_window_view(x, size, axis=(-2, -1))
    return best(windows[..., :: stride[0], :: stride[1], :, :], axis=(-2, -1))


def _adaptively_pooled(x: Any, best: Any, size: Any) -> Any:
    for axis, m in zip((-2, -1), size, strict=True):
        n = x.shape[axis]
        ranges = [range(i * n // m, math.ceil((i + 1) * n / m)) for i in range(m)]
        x = np.stack([best(np.take(x, list(r), axis), axis=axis) for r in ranges], axis=axis)
    return x


def _softmax_cross_entropy(x: Any, labels: Any) -> Any:
    shares = np.exp(x - x.max(axis=1, keepdims=True))
    return -np.log((shares / shares.sum(axis=1, keepdims=True))[np.arange(len(labels)), labels])


def _fold(x: Any, output: Any, size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Where every element comes from, by unfolding the numbers of the elements."""
    channels = x.shape[-2] // int(np.prod(np.broadcast_to(size, 2)))
    shape = (channels, *np.broadcast_to(output, 2))
    place = _unfold(1 + np.arange(np.prod(shape)).reshape(shape), size, dilation, padding, stride)
    out = np.zeros((*x.shape[:-2], 1 + int(np.prod(shape))))  # entry 0 is the padding
    np.add.at(out, (..., place), x)
    return out[..., 1:].reshape(*x.shape[:-2], *shape)


# What primitives that NumPy does not have (by the name of their public function) compute.
REFERENCES: dict[str, Callable[..., Any]] = {
    "rsqrt": lambda x: 1.0 / np.sqrt(x),
    "sigmoid": lambda x: np.exp(-np.logaddexp(0.0, -x)),
    "relu": lambda x: np.maximum(x, 0.0),
    "softplus": lambda x: np.logaddexp(x, 0.0),
    "logsumexp": lambda x, **axes: np.log(np.sum(np.exp(x), **axes)),
    "softmax_cross_entropy": _softmax_cross_entropy,
    "identity": lambda x: x.copy(),
    "stop_gradient": lambda x: x.copy(),
    "astype": lambda x, dtype: x.astype(dtype),
    "getitem": lambda x, index: x[index],
    "scatter_add": _scatter_add,
    "fused": _batchnorm,
    "solve_triangular": _solve_triangular,
    "cofactors": _cofactors,
    "cofactors_along": _cofactors_along,
    "unfold": _unfold,
    "max_pool2d": lambda x, *args: _pooled(x, np.max, -np.inf, *args),
    "avg_pool2d": lambda x, *args: _pooled(x, np.mean, 0.0, *args),
    "adaptive_max_pool2d": lambda x, size: _adaptively_pooled(x, np.max, size),
    "adaptive_avg_pool2d": lambda x, size: _adaptively_pooled(x, np.mean, size),
    "fold": _fold,
    "least_squares": lambda a, b: np.linalg.lstsq(a, b)[0],
    "expm": _expm,
    "embed_diagonal": _embed_diagonal,
    "argcummax": _first_reached(np.argmax),
    "argcummin": _first_reached(np.argmin),
    "last_written": _last_written,
    "erf": np.vectorize(math.erf, otypes=[float]),
    "erfc": np.vectorize(math.erfc, otypes=[float]),
    "gammaln": lambda x: special.gammaln(x),
    "digamma": lambda x: special.digamma(x),
    "polygamma": lambda n, x: special.polygamma(n, x),
}

PRIMITIVES = checks.everything()
DIFFERENTIABLE = [p for p in PRIMITIVES if p.differentiable]
ELEMENTWISE = [p for p in PRIMITIVES if p.aligned == "shape"]
FLOATS = ("float16", "float32", "float64")

each = pytest.mark.parametrize("primitive", PRIMITIVES, ids=lambda p: p.name)
differentiable = pytest.mark.parametrize("primitive", DIFFERENTIABLE, ids=lambda p: p.name)
dtypes = pytest.mark.parametrize("dtype", FLOATS)


def reference_of(primitive: Primitive) -> Callable[..., Any]:
    """NumPy's function, or the one in REFERENCES."""
    name = primitive.function.__name__
    found = REFERENCES.get(name) or getattr(np, name, None) or getattr(np.linalg, name, None)
    assert found, f"{primitive.name}: NumPy has no {name}; add its value to REFERENCES"
    return found


def reference_cases(primitive: Primitive) -> list[tuple[checks.Case, Callable[..., Any]]]:
    """Each case beside the same call of the reference."""
    one, other = cases(primitive), []
    mine = primitive.function
    try:
        primitive.function = reference_of(primitive)
        for case in cases(primitive):
            frozen = case.call.__kwdefaults__ | {"function": primitive.function}
            other.append(_calling(frozen))
    finally:
        primitive.function = mine
    return list(zip(one, other, strict=True))


def _calling(frozen: dict[str, Any]) -> Callable[..., Any]:
    return lambda *new: frozen["function"](*frozen["rebuild"](iter(new)), **frozen["kwargs"])


def seeded(primitive: Primitive) -> np.random.Generator:
    """Random numbers that depend on the primitive's name and nothing else."""
    return np.random.default_rng(zlib.crc32(primitive.name.encode()))


@each
def test_declaration_is_complete(primitive: Primitive) -> None:
    primitive_name = REGISTRY[primitive.name]
    assert primitive_name is primitive
    checks.declared_completely(primitive)


@each
def test_example_in_the_docstring(primitive: Primitive) -> None:
    # pytest's own collection does not see functions that a family makes.
    function = primitive.function
    namespace = dict(function.__globals__) | {"np": np, function.__name__: function}
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(
        optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS, verbose=False
    )  # fmt: skip
    runner.run(parser.get_doctest(function.__doc__ or "", namespace, primitive.name, None, 0))
    assert runner.tries > 0, f"{primitive.name}: no example"
    assert runner.failures == 0, f"{primitive.name}: the example is wrong"


@each
@dtypes
def test_value_is_numpys(primitive: Primitive, dtype: str) -> None:
    for case, reference in reference_cases(primitive):
        checks.value_against(case.cast(dtype), reference)


@each
@dtypes
def test_recording_changes_nothing(primitive: Primitive, dtype: str) -> None:
    for case in cases(primitive):
        checks.recording_changes_nothing(case.cast(dtype))


@differentiable
def test_oracles_agree(primitive: Primitive) -> None:
    rng = seeded(primitive)
    for case in cases(primitive):
        checks.oracles_agree(case, rng)


@differentiable
@dtypes
def test_first_order(primitive: Primitive, dtype: str) -> None:
    rng = seeded(primitive)
    for case in cases(primitive):
        cast = case.cast(dtype)
        checks.vjp_against_oracle(cast, rng)
        checks.jvp_against_oracle(cast, rng)
        checks.jvp_against_vjp(cast, rng)
        checks.dtypes_are_kept(cast, rng)


@differentiable
def test_second_order(primitive: Primitive) -> None:
    rng = seeded(primitive)
    for case in cases(primitive):
        checks.second_order(case, rng)


@differentiable
def test_layouts_do_not_matter(primitive: Primitive) -> None:
    rng = seeded(primitive)
    for case in cases(primitive):  # single precision: its sums have code of their own
        checks.layouts_do_not_matter(case.cast("float32"), rng)


@differentiable
def test_inputs_are_not_mutated(primitive: Primitive) -> None:
    rng = seeded(primitive)
    for case in cases(primitive):
        checks.inputs_are_not_mutated(case, rng)


@differentiable
def test_nonfinite_values_follow_numpy(primitive: Primitive) -> None:
    for case, reference in reference_cases(primitive):
        checks.nonfinite_values_follow(case, reference, primitive.family == "elementwise")


@pytest.mark.parametrize(
    "primitive", [p for p in PRIMITIVES if not p.differentiable], ids=lambda p: p.name
)
def test_zero_on_purpose(primitive: Primitive) -> None:
    for case in cases(primitive):
        checks.nothing_is_differentiable(case)


@pytest.mark.parametrize("primitive", ELEMENTWISE, ids=lambda p: p.name)
def test_samples_break_things(primitive: Primitive) -> None:
    """Elementwise samples include scalars and empty arrays, and for several inputs, broadcasting."""
    shapes = [tuple(p.shape for p in case.primals) for case in cases(primitive)]
    assert any(() in s for s in shapes), f"{primitive.name}: no 0-d sample"
    assert any(0 in np.broadcast_shapes(*s) for s in shapes), f"{primitive.name}: no empty sample"
    if len(shapes[0]) > 1:
        assert any(len(set(s)) > 1 for s in shapes), f"{primitive.name}: no sample broadcasts"


@differentiable
def test_kinks_are_documented_and_tested(primitive: Primitive) -> None:
    tested = primitive.name in checks.KINKS
    assert bool(primitive.kink) == tested, (
        f"{primitive.name}: the kink is {'documented' if primitive.kink else 'tested'}, but not "
        f"{'in checks.KINKS' if primitive.kink else 'documented in the declaration'}"
    )
    for case, expected in checks.kink_cases(primitive.name) if tested else ():
        checks.kink_is_as_documented(case, expected)
