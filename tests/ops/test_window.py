"""Windows, convolution and pooling: against loops and identities in NumPy, and PyTorch."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests import checks
from tests.ops.agreement import agree_with_torch, close

# Name, shapes, arguments beyond the arrays.
CONVOLUTIONS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("conv1d", ((2, 3, 7), (4, 3, 2), (4,)), {}),
    ("conv1d", ((2, 3, 7), (4, 3, 3)), {"stride": 2, "padding": 1}),
    ("conv1d", ((3, 7), (2, 3, 2), (2,)), {"dilation": 2}),
    ("conv1d", ((2, 4, 6), (6, 2, 3), (6,)), {"groups": 2, "padding": "same"}),
    ("conv1d", ((1, 1, 5), (1, 1, 5)), {"padding": "valid"}),
    ("conv1d", ((2, 2, 5), (3, 2, 4)), {"padding": "same", "dilation": 1}),
    ("conv1d", ((0, 2, 5), (3, 2, 2), (3,)), {}),
    ("conv2d", ((2, 3, 5, 6), (4, 3, 2, 3), (4,)), {}),
    ("conv2d", ((2, 3, 6, 6), (4, 3, 3, 3)), {"stride": (2, 1), "padding": (1, 2)}),
    ("conv2d", ((3, 7, 6), (2, 3, 2, 3), (2,)), {"dilation": (3, 2), "padding": 1}),
    ("conv2d", ((2, 4, 4, 5), (6, 2, 3, 1), (6,)), {"groups": 2}),
    ("conv2d", ((2, 3, 5, 5), (3, 1, 3, 3)), {"groups": 3, "stride": 2, "padding": 1}),
    ("conv2d", ((1, 2, 4, 4), (3, 2, 4, 4)), {}),
    ("conv2d", ((2, 3, 4, 4), (5, 3, 1, 1), (5,)), {}),
    ("conv2d", ((2, 2, 7, 7), (2, 2, 2, 4)), {"padding": "same", "dilation": (2, 1)}),
    ("conv2d", ((1, 1, 24, 24), (3, 1, 3, 3)), {}),
    ("conv3d", ((1, 2, 3, 4, 5), (3, 2, 2, 2, 2), (3,)), {}),
    ("conv3d", ((2, 2, 4, 3, 4), (2, 2, 2, 3, 2)), {"stride": (2, 1, 2), "padding": (1, 1, 0)}),
    ("conv3d", ((2, 3, 4, 4), (4, 2, 2, 1, 2), (4,)), {"dilation": (2, 1, 3)}),
    ("conv3d", ((1, 4, 3, 3, 3), (4, 2, 2, 2, 2)), {"groups": 2}),
    ("conv3d", ((1, 2, 3, 3, 3), (2, 1, 3, 2, 1), (2,)), {"groups": 2, "padding": "same"}),
    ("conv3d", ((1, 1, 2, 2, 2), (1, 1, 2, 2, 2)), {}),
    ("conv_transpose1d", ((2, 3, 4), (3, 2, 3), (2,)), {}),
    ("conv_transpose1d", ((2, 3, 4), (3, 2, 3)), {"stride": 2, "padding": 1, "output_padding": 1}),
    ("conv_transpose1d", ((4, 4), (4, 2, 2), (2,)), {"dilation": 3}),
    ("conv_transpose1d", ((2, 4, 3), (4, 3, 2), (6,)), {"groups": 2, "stride": 3}),
    ("conv_transpose1d", ((1, 1, 1), (1, 1, 4)), {"padding": 1}),
    ("conv_transpose1d", ((2, 2, 5), (2, 2, 1)), {"stride": 2}),
    ("conv_transpose2d", ((2, 3, 3, 4), (3, 2, 2, 3), (2,)), {}),
    ("conv_transpose2d", ((2, 3, 3, 4), (3, 2, 4, 4)), {"stride": 2, "padding": 1}),
    ("conv_transpose2d", ((3, 3, 2), (3, 2, 2, 2), (2,)), {"stride": (3, 2), "output_padding": (2, 1)}),
    ("conv_transpose2d", ((1, 4, 3, 3), (4, 2, 3, 2)), {"groups": 2, "dilation": (1, 2)}),
    ("conv_transpose2d", ((1, 2, 3, 3), (2, 1, 2, 2), (2,)), {"groups": 2, "stride": 2, "padding": (0, 1)}),
    ("conv_transpose2d", ((2, 1, 1, 1), (1, 3, 5, 5)), {}),
    ("conv_transpose3d", ((1, 2, 2, 3, 2), (2, 3, 2, 2, 3), (3,)), {}),
    ("conv_transpose3d", ((1, 2, 2, 2, 2), (2, 2, 3, 2, 2)), {"stride": (2, 1, 2), "padding": (1, 0, 1)}),
    ("conv_transpose3d", ((2, 2, 2, 3), (2, 1, 2, 2, 1), (1,)), {"stride": 2, "output_padding": 1}),
    ("conv_transpose3d", ((1, 4, 2, 2, 2), (4, 1, 2, 2, 2)), {"groups": 2}),
    ("conv_transpose3d", ((1, 1, 2, 2, 2), (1, 1, 2, 2, 2)), {"dilation": 2}),
    ("conv_transpose3d", ((1, 1, 1, 1, 1), (1, 2, 2, 3, 1)), {}),
]  # fmt: skip
POOLS: list[tuple[str, tuple[int, ...], tuple[Any, ...], dict[str, Any]]] = [
    *[
        (f"{kind}_pool1d", shape, args, kwargs)
        for kind in ("max", "avg")
        for shape, args, kwargs in (
            ((2, 3, 8), (2,), {}), ((2, 3, 7), (3, 2), {}), ((3, 7), (3, 1), {"padding": 1}),
            ((2, 2, 8), (3, 2), {"ceil_mode": True}), ((1, 1, 5), (5,), {}),
            ((2, 2, 5), (2, 3), {"padding": 1, "ceil_mode": True}),
        )
    ],
    *[
        (f"{kind}_pool2d", shape, args, kwargs)
        for kind in ("max", "avg")
        for shape, args, kwargs in (
            ((2, 3, 6, 6), (2,), {}), ((2, 3, 7, 6), (3, 2, 1), {}), ((3, 5, 6), ((2, 3), (1, 2)), {}),
            ((2, 2, 7, 8), (3, 2), {"ceil_mode": True}), ((2, 2, 6, 7), ((3, 4), 2, (1, 2)), {}),
            ((1, 2, 5, 5), (2, 3), {"padding": 1, "ceil_mode": True}), ((1, 1, 4, 4), (4,), {}),
        )
    ],
    *[
        (f"{kind}_pool3d", shape, args, kwargs)
        for kind in ("max", "avg")
        for shape, args, kwargs in (
            ((1, 2, 4, 4, 4), (2,), {}), ((1, 2, 5, 4, 6), (3, 2, 1), {}), ((2, 4, 3, 4), ((2, 1, 2), 1), {}),
            ((1, 1, 5, 5, 5), (2,), {"ceil_mode": True}), ((1, 1, 3, 3, 3), (3,), {}),
            ((2, 1, 4, 4, 3), ((2, 2, 3), (2, 1, 1)), {"padding": (1, 1, 0)}),
        )
    ],
    ("max_pool1d", (2, 2, 9), (3, 1), {"dilation": 2}),
    ("max_pool2d", (2, 2, 7, 8), (2, 2, 1), {"dilation": (2, 3)}),
    ("max_pool3d", (1, 1, 4, 5, 4), (2, 1), {"dilation": (1, 2, 3)}),
    ("avg_pool1d", (2, 2, 6), (3, 1, 1), {"count_include_pad": False}),
    ("avg_pool2d", (2, 2, 5, 6), (3, 2, 1), {"count_include_pad": False}),
    ("avg_pool2d", (2, 2, 6, 6), (3, 2, 1), {"count_include_pad": False, "ceil_mode": True}),
    ("avg_pool2d", (2, 2, 6, 6), (2,), {"divisor_override": 3}),
    ("avg_pool3d", (1, 2, 4, 4, 4), (3, 2, 1), {"divisor_override": 5}),
    *[
        (f"adaptive_{kind}_pool{n}d", shape, (size,), {})
        for kind in ("max", "avg")
        for n, cases in (
            (1, (((2, 3, 6), 3), ((2, 3, 7), 3), ((3, 5), 4), ((2, 1, 3), 5), ((1, 1, 4), 1), ((2, 2, 4), 4))),
            (2, (
                ((2, 3, 6, 4), 2), ((2, 3, 7, 5), 3), ((3, 5, 6), (2, 4)), ((2, 2, 5, 4), (None, 3)),
                ((1, 1, 4, 4), 1), ((2, 1, 2, 3), (3, 5)),
            )),
            (3, (
                ((1, 2, 4, 4, 4), 2), ((1, 2, 5, 4, 3), 2), ((2, 3, 4, 5), (2, 3, 1)),
                ((1, 1, 3, 5, 2), (None, 2, None)), ((1, 1, 2, 2, 2), 1), ((1, 1, 2, 3, 2), (3, 2, 2)),
            )),
        )
        for shape, size in cases
    ],
]  # fmt: skip
FOLDS: list[tuple[tuple[int, ...], tuple[Any, ...]]] = [
    ((2, 3, 5, 6), ((2, 3),)), ((2, 3, 6, 6), (2, 1, 0, 2)), ((3, 5, 5), (3, 1, 1, 2)),
    ((1, 2, 7, 6), ((2, 3), (3, 2), (1, 0), (1, 2))), ((1, 1, 3, 3), (3,)), ((2, 1, 4, 4), (1, 1, 0, 3)),
]  # fmt: skip


def function_of(call: Any) -> Any:
    """Ours: of arrays alone."""
    name, kwargs = call[0], call[-1]
    others = call[2] if len(call) == 4 else ()

    def function(*arrays: Any) -> Any:
        return getattr(mg, name)(*arrays, *others, **kwargs)

    return function


# Without PyTorch ---------------------------------------------------------------------------------


def by_loops(x: Any, w: Any, stride: int, dilation: int) -> Any:
    """A convolution in two dimensions, as it is defined."""
    n, _, height, width = x.shape
    o, _, k, m = w.shape
    rows = (height - dilation * (k - 1) - 1) // stride + 1
    columns = (width - dilation * (m - 1) - 1) // stride + 1
    out = np.zeros((n, o, rows, columns))
    for y, z in itertools.product(range(rows), range(columns)):
        top, left = y * stride, z * stride
        box = x[:, :, top : top + dilation * k : dilation, left : left + dilation * m : dilation]
        out[:, :, y, z] = np.einsum("ncij,ocij->no", box[:, :, :k, :m], w)
    return out


@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2), (3, 2)])
def test_convolution_is_the_sum_that_defines_it(
    stride: int, dilation: int, rng: np.random.Generator
) -> None:
    x, w = rng.standard_normal((2, 3, 9, 8)), rng.standard_normal((4, 3, 3, 2))
    found = mg.conv2d(x, w, stride=stride, dilation=dilation)
    close(found, by_loops(x, w, stride, dilation), "value", 1e-14)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("params", [{}, {"stride": 2}, {"stride": 2, "padding": 1}, {"dilation": 2}])
def test_transposed_convolution_is_the_pullback(
    count: int, params: Any, rng: np.random.Generator
) -> None:
    x, w = rng.standard_normal((2, 3, *[7] * count)), rng.standard_normal((4, 3, *[3] * count))
    out, pullback = mg.vjp(lambda x: getattr(mg, f"conv{count}d")(x, w, **params), x)
    g = rng.standard_normal(out.shape)
    again = getattr(mg, f"conv_transpose{count}d")(g, w, **params)
    close(again, pullback(g)[0].numpy(), "pullback", 1e-13)


@pytest.mark.parametrize("call", CONVOLUTIONS[1::4], ids=lambda c: f"{c[0]} {c[1]} {c[2]}")
def test_convolutions_by_the_oracles(call: Any, rng: np.random.Generator) -> None:
    arrays = [rng.standard_normal(tuple(min(n, 4) for n in s)) for s in call[1]]
    if call[0].startswith("conv") and "same" not in call[2].values():
        arrays = [rng.standard_normal(s) for s in call[1]]
    case = checks.Case(call[0], function_of(call), arrays)
    tangents, (g,) = case.draw(rng)
    value, tangent = mg.jvp(case.call, arrays, tangents)
    pulled = mg.vjp(case.call, *arrays)[1](g)
    both = sum((p.numpy() * t).sum() for p, t in zip(pulled, tangents, strict=True))
    size = np.abs(tangent.numpy()).max(initial=1.0) * np.abs(g).sum()
    assert abs((tangent.numpy() * g).sum() - both) <= 1e-13 * max(size, 1.0)
    step = 2.0**-8  # the value is bilinear in input and weight: central differences are exact
    ends = [
        function_of(call)(*[a + s * step * t for a, t in zip(arrays, tangents, strict=True)])
        for s in (1, -1)
    ]
    close(tangent.numpy(), (ends[0] - ends[1]) / (2 * step), "tangent", 1e-11)
    assert value.shape == ends[0].shape


@pytest.mark.parametrize("call", POOLS[::3], ids=lambda c: f"{c[0]} {c[1]} {c[2]} {c[3]}")
def test_pools_by_the_oracles(call: Any, rng: np.random.Generator) -> None:
    case = checks.Case(call[0], function_of(call), [rng.standard_normal(call[1])])
    tangents, (g,) = case.draw(rng)
    _, tangent = mg.jvp(case.call, case.primals, tangents)
    pulled = mg.vjp(case.call, *case.primals)[1](g)[0].numpy()
    step = 2.0**-30  # too small to change which element is largest
    ends = [np.asarray(case.call(case.primals[0] + s * step * tangents[0])) for s in (1, -1)]
    close(tangent.numpy(), (ends[0] - ends[1]) / (2 * step), "tangent", 1e-6)
    assert (pulled * tangents[0]).sum() == pytest.approx((tangent.numpy() * g).sum(), abs=1e-11)


def test_windows_are_views() -> None:
    x = mg.tensor(np.arange(1000.0).reshape(1, 1, 10, 100), requires_grad=True)
    out = mg.sliding_window_view(x, (3, 5), axis=(2, 3))
    assert np.shares_memory(out.numpy(), x.numpy())
    w = mg.tensor(np.ones((1, 1, 3, 5)), requires_grad=True)
    y = mg.conv2d(x, w)
    kept = [s for s in y.node.saved if isinstance(s, np.ndarray)]
    assert all(np.shares_memory(s, x.numpy()) or np.shares_memory(s, w.numpy()) for s in kept)


@pytest.mark.parametrize(
    ("shape", "window", "axis"),
    [((7,), 3, None), ((4, 5), (2, 3), None), ((4, 5, 6), 2, 1), ((4, 5, 6), (2, 3), (2, 0)),
     ((6,), (2, 3), (0, 0)), ((3, 4), (3, 4), None), ((3, 4), (), ())],
)  # fmt: skip
def test_sliding_window_view_is_numpys(
    shape: Any, window: Any, axis: Any, rng: np.random.Generator
) -> None:
    x = rng.standard_normal(shape)
    numpy = np.lib.stride_tricks.sliding_window_view
    expected = numpy(x, window, axis)
    found = numpy(mg.tensor(x, requires_grad=True), window, axis)
    assert isinstance(found, mg.Tensor)
    np.testing.assert_array_equal(found.detach(), expected)
    g = rng.standard_normal(expected.shape)
    t = rng.standard_normal(shape)
    pulled = mg.vjp(lambda x: mg.sliding_window_view(x, window, axis), x)[1](g)[0].numpy()
    assert (pulled * t).sum() == pytest.approx((numpy(t, window, axis) * g).sum(), abs=1e-12)


def test_large_windows_in_few_places_and_small_ones_in_many(rng: np.random.Generator) -> None:
    for size in ((2, 2), (9, 8)):
        x = rng.standard_normal((2, 10, 9))
        windows = np.lib.stride_tricks.sliding_window_view(x, size, axis=(1, 2))
        g = rng.standard_normal(windows.shape)
        expected = np.zeros(x.shape)
        for y, z in itertools.product(*map(range, windows.shape[1:3])):
            expected[:, y : y + size[0], z : z + size[1]] += g[:, y, z]
        found = mg.vjp(lambda x, size=size: mg.sliding_window_view(x, size, axis=(1, 2)), x)[1](g)[0]
        close(found.numpy(), expected, str(size), 1e-14)


def test_ties_of_a_maximum_are_split_evenly() -> None:
    x = mg.tensor(np.array([[[1.0, 1.0, 0.0, 2.0]]]), requires_grad=True)
    mg.max_pool1d(x, 2).sum().backward()
    np.testing.assert_array_equal(x.grad, [[[0.5, 0.5, 0.0, 1.0]]])
    x = mg.tensor(np.array([[[3.0, 3.0, 3.0]]]), requires_grad=True)
    mg.adaptive_max_pool1d(x, 2).sum().backward()
    np.testing.assert_array_equal(x.grad, [[[0.5, 1.0, 0.5]]])


@pytest.mark.parametrize("size", [3, (2, 7), 9])
def test_adaptive_maximum_is_the_same_recorded_and_plain(size: Any, rng: np.random.Generator) -> None:
    x = rng.integers(0, 3, (2, 2, 5, 6)) * 1.0  # many ties
    x[0, 0, 1, 2], x[1, 1, 0] = np.nan, -np.inf
    out, pullback = mg.vjp(lambda x: mg.adaptive_max_pool2d(x, size), x)
    g, t = rng.standard_normal(out.shape), rng.standard_normal(x.shape)
    plain = pullback(g)[0].numpy()
    recorded = mg.jvp(
        lambda g: mg.vjp(lambda x: mg.adaptive_max_pool2d(x, size), x)[1](g)[0], (g,), (g,)
    )
    close(recorded[0].numpy(), plain, "recorded", 1e-14)
    close(recorded[1].numpy(), plain, "linear in g", 1e-14)
    forward = mg.jvp(lambda x: mg.adaptive_max_pool2d(x, size), (x,), (t,))[1].numpy()
    assert (forward * g).sum() == pytest.approx((plain * t).sum(), abs=1e-11)


def test_padding_never_wins_and_nothing_leaks(rng: np.random.Generator) -> None:
    x = -np.ones((1, 1, 3, 3)) - rng.random((1, 1, 3, 3))
    assert np.all(mg.max_pool2d(x, 3, 1, 1) < 0)
    odd = np.ones((1, 1, 5))
    odd[0, 0, 4] = np.inf
    assert np.isfinite(mg.adaptive_avg_pool1d(odd, 3)[0, 0, :2]).all()
    assert np.isfinite(mg.adaptive_max_pool1d(odd, 3)[0, 0, :2]).all()
    odd[0, 0, 4] = np.nan
    assert np.isnan(mg.max_pool1d(odd, 2, 1)).tolist() == [[[False, False, False, True]]]


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_dtypes_stay(dtype: str, rng: np.random.Generator) -> None:
    x = mg.tensor(rng.standard_normal((2, 3, 6, 6)).astype(dtype), requires_grad=True)
    w = mg.tensor(rng.standard_normal((4, 3, 3, 3)).astype(dtype), requires_grad=True)
    y = mg.conv2d(x, w, padding=1)
    for out in (
        y, mg.max_pool2d(y, 2, padding=1), mg.avg_pool2d(y, 3, 2, 1, count_include_pad=False),
        mg.adaptive_avg_pool2d(y, 4), mg.adaptive_max_pool2d(y, 4), mg.conv_transpose2d(x, w.swapaxes(0, 1)[:3]),
        mg.unfold(x, 2), mg.fold(mg.unfold(x, 2), 6, 2),
    ):  # fmt: skip
        assert out.dtype == dtype
        x.grad = w.grad = None
        out.sum().backward(retain_graph=True)
        assert x.grad.dtype == dtype


def test_the_graph_shows_what_a_convolution_is() -> None:
    x, w = np.ones((1, 2, 4, 4)), np.ones((3, 2, 3, 3))
    program = mg.trace(lambda x, w, b: mg.conv2d(x, w, b, padding=1), x, w, np.ones(3))
    names = [e.op for e in program.equations if e.op not in ("reshape", "broadcast")]
    assert names == ["pad", "unfold", "einsum", "add"]
    np.testing.assert_array_equal(program(x, w, np.zeros(3)), mg.conv2d(x, w, padding=1))


def test_indices_of_a_traced_pool_follow_the_input(rng: np.random.Generator) -> None:
    first, second = rng.standard_normal((2, 1, 1, 6, 6))
    program = mg.trace(lambda x: mg.max_pool2d(x, 2, return_indices=True), first)
    np.testing.assert_array_equal(program(second)[1], mg.max_pool2d(second, 2, return_indices=True)[1])


X, W = np.ones((2, 3, 5, 5)), np.ones((4, 3, 3, 3))


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda t: mg.conv2d(t(X[0, 0]), W), mg.ShapeError, r"conv2d: input is .*\[5, 5\].*takes \(N, C, H, W\)"),
        (lambda t: mg.conv2d(t(X), W[0]), mg.ShapeError, r"conv2d: weight has 3 axes.*\[3, 3, 3\].*\[2, 3, 5, 5\]"),
        (lambda t: mg.conv2d(t(X), W[:, :2]), mg.ShapeError, r"input has 3 channels, .*for 2.*\[4, 2, 3, 3\].*\[2, 3, 5, 5\]"),
        (lambda t: mg.conv2d(t(X), W[:, :1], groups=3), mg.ShapeError, r"multiples of groups.*groups=3"),
        (lambda t: mg.conv2d(t(X), W[:, :, :0]), mg.ShapeError, r"conv2d: the window is empty"),
        (lambda t: mg.conv2d(t(X), W, np.ones(3)), mg.ShapeError, r"conv2d: bias is .*\[3\].*\(4,\)"),
        (lambda t: mg.conv2d(t(X), W, dilation=3), mg.ShapeError, r"spans \[7, 7\] .*\[5, 5\].*\[2, 3, 5, 5\]"),
        (lambda t: mg.conv2d(t(X), W, stride=0), mg.ArgumentError, r"conv2d: stride=0; it is an integer from 1"),
        (lambda t: mg.conv2d(t(X), W, stride=(1, 2, 3)), mg.ArgumentError, r"or 2 of them, one per axis"),
        (lambda t: mg.conv2d(t(X), W, padding=1.5), mg.ArgumentError, r"padding=1.5; it is an integer from 0"),
        (lambda t: mg.conv2d(t(X), W, padding="full"), mg.ArgumentError, r"\"same\" or \"valid\", not 'full'"),
        (lambda t: mg.conv2d(t(X), W, padding="same", stride=2), mg.ArgumentError, r"needs stride=1"),
        (lambda t: mg.conv_transpose2d(t(X), W), mg.ShapeError, r"conv_transpose2d: the input has 3 channels.*for 4"),
        (lambda t: mg.conv_transpose2d(t(X), W[:3], output_padding=1), mg.ArgumentError, r"output_padding=\(1, 1\) must be smaller"),
        (lambda t: mg.conv_transpose2d(t(X), W[:3], padding=4), mg.ShapeError, r"result has \[7, 7\].*padding=\(4, 4\)"),
        (lambda t: mg.max_pool2d(t(X), 6), mg.ShapeError, r"max_pool2d: the window spans \[6, 6\]"),
        (lambda t: mg.max_pool2d(t(X), 2, padding=2), mg.ArgumentError, r"more than half of kernel_size"),
        (lambda t: mg.max_pool1d(t(X), 2), mg.ShapeError, r"max_pool1d: input is .*\[2, 3, 5, 5\] .*4 axes; it takes \(N, C, L\)"),
        (lambda t: mg.avg_pool2d(t(X), 2, divisor_override=0), mg.ArgumentError, r"divisor_override=0"),
        (lambda t: mg.adaptive_avg_pool2d(t(X), 0), mg.ArgumentError, r"output_size=.*0.*from 1"),
        (lambda t: mg.adaptive_max_pool2d(t(X), (1, 2, 3)), mg.ArgumentError, r"output_size=\(1, 2, 3\)"),
        (lambda t: mg.adaptive_max_pool2d(t(X[:, :, :0]), 1), mg.ShapeError, r"nothing to pool"),
        (lambda t: mg.unfold(t(X), 6), mg.ShapeError, r"unfold: the window spans"),
        (lambda t: mg.fold(t(np.ones((1, 12, 8))), (4, 5), (2, 3)), mg.ShapeError, r"fold: input is .*\[1, 12, 8\].*9 windows of 6"),
        (lambda t: mg.sliding_window_view(t(X), 2), mg.ArgumentError, r"1 sizes for 4 axes of .*\[2, 3, 5, 5\]"),
        (lambda t: mg.sliding_window_view(t(X), 6, axis=3), mg.ShapeError, r"window of 6 does not fit into axis 3"),
        (lambda t: mg.sliding_window_view(t(X), 2, axis=4), mg.ArgumentError, r"sliding_window_view: axis 4"),
    ],
)  # fmt: skip
def test_wrong_input(act: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        act(lambda x: mg.tensor(x, requires_grad=True))


# PyTorch --------------------------------------------------------------------------------------------


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("call", CONVOLUTIONS, ids=lambda c: f"{c[0]} {c[1]} {c[2]}")
def test_convolutions_against_pytorch(call: Any, rng: np.random.Generator) -> None:
    import torch

    name, shapes, kwargs = call
    theirs = getattr(torch.nn.functional, name)
    agree_with_torch(
        function_of(call), lambda *x: theirs(*x, **kwargs), [rng.standard_normal(s) for s in shapes]
    )


@pytest.mark.torch
@pytest.mark.parametrize("call", POOLS, ids=lambda c: f"{c[0]} {c[1]} {c[2]} {c[3]}")
def test_pools_against_pytorch(call: Any, rng: np.random.Generator) -> None:
    import torch

    name, shape, args, kwargs = call
    theirs = getattr(torch.nn.functional, name)
    x = rng.standard_normal(shape)
    agree_with_torch(function_of(call), lambda x: theirs(x, *args, **kwargs), [x])
    if "max" in name:
        ours = getattr(mg, name)(mg.tensor(x, requires_grad=True), *args, return_indices=True, **kwargs)
        expected = theirs(torch.tensor(x), *args, return_indices=True, **kwargs)
        np.testing.assert_array_equal(ours[1], expected[1].numpy())
        assert not ours[1].requires_grad
        assert ours[0].requires_grad


@pytest.mark.torch
@pytest.mark.parametrize(("shape", "args"), FOLDS, ids=str)
def test_unfold_and_fold_against_pytorch(shape: Any, args: Any, rng: np.random.Generator) -> None:
    import torch

    functional = torch.nn.functional
    x = rng.standard_normal(shape)
    agree_with_torch(lambda x: mg.unfold(x, *args), lambda x: functional.unfold(x, *args), [x])
    columns = np.asarray(mg.unfold(x, *args))
    agree_with_torch(
        lambda y: mg.fold(y, shape[-2:], *args),
        lambda y: functional.fold(y, shape[-2:], *args),
        [columns],
    )
