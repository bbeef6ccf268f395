"""dtype policy: float32 stays, Python scalars are weak, integers are data, conversions are visible."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest

import minigrad as mg

FLOATS = ["f2", "f4", "f8"]


def leaf(data: Any, dtype: str) -> mg.Tensor:
    return mg.tensor(data, dtype=dtype, requires_grad=True)


def ops(tensor: mg.Tensor) -> list[str]:
    """Names of all nodes that a tensor was made by, oldest first."""
    found, stack = {}, [tensor.node]
    while stack:
        node = stack.pop()
        if hasattr(node, "serial") and node.serial not in found:
            found[node.serial] = node
            stack += list(node.parents)
    return [found[s].op for s in sorted(found)]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("scalar", [2, 2.0, True])
def test_python_scalars_are_weak(dtype: str, scalar: Any) -> None:
    for f in (
        lambda x: x + scalar, lambda x: scalar + x, lambda x: x - scalar, lambda x: scalar - x,
        lambda x: x * scalar, lambda x: x / scalar, lambda x: scalar / x, lambda x: x**scalar,
        lambda x: scalar**x, lambda x: mg.maximum(x, scalar), lambda x: mg.where(x > 0, x, scalar),
    ):  # fmt: skip
        x = leaf([1.0, 2.0, 3.0], dtype)
        y = f(x)
        assert y.dtype == np.dtype(dtype)
        y.sum().backward()
        assert x.grad.dtype == np.dtype(dtype)
        assert "astype" not in ops(y)


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_network_stays_in_its_precision(dtype: str) -> None:
    w, b = leaf(np.ones((3, 2)), dtype), leaf(np.zeros(2), dtype)
    x = np.linspace(-1, 1, 12).reshape(4, 3).astype(dtype)
    h = mg.tanh(x @ w + b)
    y = mg.mean((h - mg.mean(h, axis=0)) ** 2 / (1.0 + mg.exp(-h)), axis=1) * 0.5
    loss = mg.logsumexp(y) + mg.var(h) + mg.softmax(h).max()
    loss.backward(create_graph=True)
    gradients = w.grad, b.grad
    w.grad = b.grad = None
    (gradients[0] ** 2).sum().backward()
    everything = (h, y, loss, *gradients, w.grad)
    assert {t.dtype for t in everything} == {np.dtype(dtype)}
    if dtype != "f2":  # half precision is accumulated wider
        assert "astype" not in ops(gradients[0])


@pytest.mark.parametrize(("one", "other"), list(itertools.product(FLOATS, repeat=2)))
def test_mixed_precision_is_numpys_and_visible(one: str, other: str) -> None:
    a, b = leaf([1.0, 2.0], one), leaf([[3.0], [4.0]], other)
    for f in (lambda a, b: a * b, lambda a, b: mg.concatenate([a[None], b.T]), lambda a, b: b.T @ a):
        y = f(a, b)
        assert y.dtype == np.result_type(one, other)
        assert ops(y).count("astype") == (one != other)
        a.grad = b.grad = None
        y.sum().backward()
        assert (a.grad.dtype, b.grad.dtype) == (np.dtype(one), np.dtype(other))
        assert (a.grad.shape, b.grad.shape) == (a.shape, b.shape)


def test_mixed_precision_derivatives() -> None:
    a, b = np.array([1.5, 2.5], "f4"), np.array([3.0, 4.0])
    da, db = mg.grad(lambda a, b: (a * a * b).sum(), argnums=(0, 1))(a, b)
    assert (da.dtype, db.dtype) == (np.float32, np.float64)
    np.testing.assert_array_equal(da.numpy(), 2 * a * b.astype("f4"))
    np.testing.assert_array_equal(db.numpy(), a.astype(float) ** 2)
    out, tangent = mg.jvp(lambda a, b: a * b, (a, b), (np.ones(2, "f4"), np.zeros(2)))
    assert out.dtype == tangent.dtype == np.float64


def test_numpys_scalars_are_strong() -> None:
    x = leaf([1.0, 2.0], "f4")
    y = x * np.float64(2.0)
    assert y.dtype == np.float64
    assert ops(y) == ["leaf", "astype", "mul"]
    y.sum().backward()
    assert x.grad.dtype == np.float32
    assert (x * np.float32(2.0)).dtype == np.float32


def test_integers_and_booleans_are_data() -> None:
    x = leaf([1.0, 2.0, 3.0], "f8")
    counts, mask = mg.tensor([1, 2, 3]), mg.tensor([True, False, True])
    y = (x * counts + mask * x) ** mg.tensor([2, 1, 2])
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [8.0, 2.0, 96.0])
    assert counts.dtype == np.int64
    assert (counts * 2).dtype == np.int64
    assert (counts / 2).dtype == np.float64
    assert (counts > 1).dtype == bool
    assert (counts * counts).node is None
    assert mg.mean(counts).dtype == np.float64
    assert mg.sum(mask).dtype == np.int64


def test_integer_arrays_with_single_precision() -> None:
    """NumPy widens float32 with int64 arrays; the gradient comes back."""
    x = leaf([1.0, 2.0], "f4")
    y = x * np.array([3, 4])
    assert y.dtype == np.float64
    y.sum().backward()
    assert (x.grad.dtype, x.grad.tolist()) == (np.float32, [3.0, 4.0])
    z = x * np.array([3, 4], np.int16)
    assert z.dtype == np.float32


def test_astype_and_back() -> None:
    x = leaf([1.25, 2.5], "f8")
    y = x.astype("f4")
    assert y.dtype == np.float32
    assert x.astype(float) is x
    (y * y).sum().backward()
    assert (x.grad.dtype, x.grad.tolist()) == (np.float64, [2.5, 5.0])
    assert not x.astype(int).requires_grad
    assert mg.jvp(lambda x: x.astype("f2"), (np.ones(2),), (np.ones(2),))[1].dtype == np.float16


def test_a_given_gradient_is_converted() -> None:
    x = leaf([1.0, 2.0], "f4")
    for given in (np.ones(2), np.ones(2, int), [1.0, 1.0], mg.tensor([1.0, 1.0])):
        x.grad = None
        (x * 2.0).backward(given)
        assert (x.grad.dtype, x.grad.tolist()) == (np.float32, [2.0, 2.0])


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_half_precision_is_accumulated_wider(axis: Any) -> None:
    x = np.full((300, 300), 0.1, "f2")
    for f, plain in ((mg.sum, np.sum), (mg.mean, np.mean)):
        got = f(leaf(x, "f2"), axis=axis)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a sum over everything is beyond half precision's range
            want = plain(x.astype(float), axis=axis)
        assert got.dtype == np.float16
        np.testing.assert_allclose(got.numpy().astype(float), want, rtol=1e-3)


@pytest.mark.parametrize(
    "shape", [(1_000_003,), (50_000, 24), (24, 50_000), (30, 200, 300), (70_000, 3)]
)
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_single_precision_sums_are_accurate(shape: Any, offset: float) -> None:
    """As accurate as accumulation in double, also far from zero."""
    x = (np.random.default_rng(0).standard_normal(shape) + offset).astype("f4")
    for axis in (None, 0, -1):
        for f, plain in ((mg.sum, np.sum), (mg.mean, np.mean)):
            got = np.asarray(f(x, axis=axis), float)
            want = plain(x, axis=axis, dtype=float)
            size = plain(np.abs(x), axis=axis, dtype=float)  # what a sum can be held against
            assert np.max(np.abs(got - want) / size) < 2e-7


def test_complex_is_refused() -> None:
    x = leaf([1.0, 2.0], "f8")
    for f in (
        lambda: mg.tensor([1j]),
        lambda: mg.as_tensor(np.ones(2, complex)),
        lambda: x * 1j,
        lambda: np.ones(2, complex) + x,
        lambda: x.astype(complex),
        lambda: mg.grad(lambda x: x)(1j),
        lambda: (x * 2.0).backward(np.ones(2, complex)),
    ):
        with pytest.raises(mg.DtypeError, match=r"complex|real"):
            f()


def test_integer_tensors_cannot_require_gradients() -> None:
    for make in (
        lambda: mg.tensor([1, 2], requires_grad=True),
        lambda: mg.tensor([True], requires_grad=True),
        lambda: mg.tensor([1, 2]).requires_grad_(),
    ):
        with pytest.raises(mg.DtypeError, match=r"requires_grad needs a floating dtype.*dtype=float"):
            make()
    with pytest.raises(mg.DtypeError, match=r"grad: .*Python int 3.*Write 3\.0 for 3"):
        mg.grad(lambda x: x * x)(3)
    with pytest.raises(mg.DtypeError, match=r"jvp: .*int64\[2\]"):
        mg.jvp(lambda x: x * x, (np.array([1, 2]),), (np.ones(2),))
