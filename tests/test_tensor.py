"""Tensor: making, looking, operators, immutability, copying, NumPy's protocols."""

from __future__ import annotations

import copy
import math
import operator as python_operator
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

import minigrad as mg


@pytest.fixture
def x() -> mg.Tensor:
    return mg.tensor([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]], requires_grad=True, name="x")


# Making and looking ---------------------------------------------------------------------------


def test_data_is_copied() -> None:
    data = np.ones(3)
    x = mg.tensor(data)
    data[0] = 5.0
    assert x.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("data", "dtype"),
    [(1, "i8"), (1.5, "f8"), (True, "?"), ([1, 2.5], "f8"), (np.float32(2), "f4"), ([], "f8"), (np.ones(2, "f2"), "f2")],
)  # fmt: skip
def test_dtype_of_the_data(data: Any, dtype: str) -> None:
    assert mg.tensor(data).dtype == np.dtype(dtype)


def test_properties(x: mg.Tensor) -> None:
    assert (x.shape, x.ndim, x.size, len(x), x.name, x.dtype) == ((2, 3), 2, 6, 2, "x", np.float64)
    assert x.T.shape == (3, 2)
    assert x.is_leaf
    assert not (x * 2).is_leaf
    assert mg.tensor(x.detach()).node is None  # a tensor's value, as new data
    assert x.tolist() == x.numpy().tolist()
    assert [row.shape for row in x] == [(3,), (3,)]


def test_scalars_convert() -> None:
    x = mg.tensor(2.5)
    assert (float(x), int(x), bool(x), x.item(), f"{x:.3f}") == (2.5, 2, True, 2.5, "2.500")
    assert not mg.tensor(0.0)
    assert [10, 20, 30][mg.tensor(1)] == 20
    assert list(range(mg.tensor(3))) == [0, 1, 2]


def test_representation() -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True, name="x")
    assert repr(x) == "tensor([1., 2.], name='x', requires_grad=True)"
    assert repr(mg.tensor([1.0], dtype="f4")) == "tensor([1.], dtype=float32)"
    assert "op=mul, line=" in repr(x * 2.0)


def test_comparisons_are_elementwise_and_tensors_are_keys() -> None:
    x, y = mg.tensor([1.0, 2.0]), mg.tensor([1.0, 3.0])
    assert (x == y).tolist() == [True, False]
    assert (x != y).tolist() == [False, True]
    assert (x < y).tolist() == [False, True]
    assert (x >= y).tolist() == [True, False]
    assert {x: 1, y: 2}[x] == 1


# Operators ---------------------------------------------------------------------------------------

OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
}


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("other", [2, 2.0, np.float64(2.0), np.full(3, 2.0), [2.0, 2.0, 2.0]], ids=repr)
def test_operators_from_both_sides(name: str, other: Any) -> None:
    f = OPERATORS[name]
    value = np.array([1.0, 2.0, 3.0])
    plain = np.asarray(other) if isinstance(other, list) else other
    x = mg.tensor(value, requires_grad=True)
    for got, want in ((f(x, other), f(value, plain)), (f(other, x), f(plain, value))):
        assert isinstance(got, mg.Tensor)
        assert got.requires_grad
        np.testing.assert_allclose(got.numpy(), want, rtol=1e-15)


def test_matmul_from_both_sides() -> None:
    a = np.arange(6.0).reshape(2, 3)
    x = mg.tensor(a, requires_grad=True)
    np.testing.assert_array_equal((x @ a.T).numpy(), a @ a.T)
    np.testing.assert_array_equal((a.T @ x).numpy(), a.T @ a)
    np.testing.assert_array_equal((x @ [1.0, 2.0, 3.0]).numpy(), a @ [1.0, 2.0, 3.0])
    assert all(t.requires_grad for t in (x @ a.T, a.T @ x))


def test_unary_operators(x: mg.Tensor) -> None:
    assert (-x).tolist() == (-x.numpy()).tolist()
    assert (+x) is x
    assert abs(x).tolist() == np.abs(x.numpy()).tolist()
    assert (~(x > 0)).tolist() == (~(x.numpy() > 0)).tolist()
    assert ((x > 0) & (x < 2)).tolist() == ((x.numpy() > 0) & (x.numpy() < 2)).tolist()
    assert ((x > 3) | (x < 0)).tolist() == ((x.numpy() > 3) | (x.numpy() < 0)).tolist()


def test_augmented_assignment_rebinds(x: mg.Tensor) -> None:
    y = x
    y += 1.0
    y *= 2.0
    assert y is not x
    assert y.tolist() == ((x.numpy() + 1.0) * 2.0).tolist()


MATMUL_SHAPES = [
    ((2, 3), (3, 4)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)),
    ((5, 1, 2, 3), (4, 3, 2)), ((3,), (5, 3, 4)), ((5, 2, 3), (3,)), ((0, 3), (3, 2)), ((2, 0), (0, 3)),
    ((4, 2, 0), (0, 3)), ((0, 2, 3), (3, 4)), ((0, 2, 3), (1, 3, 4)), ((3, 2, 1, 2), (3, 1, 2, 1)), ((1, 1), (1,)),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right"), MATMUL_SHAPES)
def test_matmul_has_numpys_batches(left: Any, right: Any, rng: np.random.Generator) -> None:
    a, b = rng.standard_normal(left), rng.standard_normal(right)
    out, pullback = mg.vjp(mg.matmul, a, b)
    np.testing.assert_allclose(out.numpy(), np.matmul(a, b), rtol=1e-13, atol=1e-14)
    g = rng.standard_normal(out.shape)
    da, db = pullback(g)
    assert (da.shape, db.shape) == (left, right)
    v, w = rng.standard_normal(left), rng.standard_normal(right)
    tangent = np.matmul(v, b) + np.matmul(a, w)
    paired = np.sum(da.numpy() * v) + np.sum(db.numpy() * w)
    np.testing.assert_allclose(paired, np.sum(g * tangent), rtol=1e-11, atol=1e-12)
    _, forward = mg.jvp(mg.matmul, (a, b), (v, w))
    np.testing.assert_allclose(forward.numpy(), tangent, rtol=1e-12, atol=1e-13)


INDICES = {
    "int": 1, "negative": -1, "numpy int": np.int64(1), "0-d array": np.array(1), "slice": slice(1, 4, 2),
    "reversed": slice(None, None, -1), "empty slice": slice(2, 2), "Ellipsis": (..., 0), "newaxis": (None, slice(None), 1),
    "list": [0, 2, 2], "nested list": [[0, 1], [2, 0]], "empty list": [], "bool array": np.arange(5) > 1,
    "bool list": [True, False, True, False, False], "bool matrix": np.arange(20).reshape(5, 4) % 3 == 0,
    "two arrays": ([0, 1, 4], [3, 3, 0]), "broadcast arrays": (np.array([[0], [2]]), np.array([1, 3])),
    "array and slice": ([0, 4], slice(1, 3)), "slice and array": (slice(None), [1, 1]), "array and int": ([0, 2], 1),
    "separated arrays": ([0, 1], None, [2, 3]), "all": (), "True": True, "None": None, "bool and int": (np.arange(5) > 2, 1),
    "integer tensor": mg.tensor([1, 1, 0]), "uint": np.array([1, 2], np.uint8),
}  # fmt: skip


@pytest.mark.parametrize("name", INDICES)
def test_indexing_reads_what_numpy_reads(name: str, rng: np.random.Generator) -> None:
    index = INDICES[name]
    plain = index.numpy() if isinstance(index, mg.Tensor) else index
    a = rng.standard_normal((5, 4))
    out, pullback = mg.vjp(lambda x: x[index], a)
    np.testing.assert_array_equal(out.numpy(), a[plain])
    g = rng.standard_normal(out.shape)
    expected = np.zeros_like(a)
    np.add.at(expected, plain, g)
    np.testing.assert_allclose(pullback(g)[0].numpy(), expected, rtol=1e-14, atol=1e-15)


def test_index_of_a_computed_tensor() -> None:
    x = mg.tensor([1.0, 5.0, 3.0], requires_grad=True)
    x[mg.argmax(x)].backward()
    assert x.grad.tolist() == [0.0, 1.0, 0.0]


def test_subclasses_of_arrays_are_plain_data() -> None:
    """np.matrix gives * and ** another meaning: in a rule that would be silently wrong."""
    a = np.array([[1.0, 2.0], [3.0, 4.0]])
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix(a)
    for f in (lambda x, m: x * m, mg.multiply, lambda x, m: mg.multiply(m, x), mg.power):
        got = mg.grad(lambda x, f=f: f(x, matrix).sum())(a + 1.0)
        want = mg.grad(lambda x, f=f: f(x, a).sum())(a + 1.0)
        np.testing.assert_array_equal(got.numpy(), want.numpy())
    assert type(mg.exp(matrix)) is np.ndarray
    assert float(mg.var(matrix)) == float(mg.var(a))


def test_another_byte_order_is_converted() -> None:
    big = np.array([1.0, 2.0], ">f8")
    for x in (mg.tensor(big, requires_grad=True), mg.as_tensor(big)):
        assert x.dtype == np.dtype("f8")
        assert x.dtype.isnative
        assert x.tolist() == [1.0, 2.0]
    assert mg.grad(lambda x: (x * big).sum())(big).tolist() == [1.0, 2.0]


# Immutability ------------------------------------------------------------------------------------


def test_assignment_is_refused(x: mg.Tensor) -> None:
    with pytest.raises(mg.ImmutableError, match=r"immutable.*'x'.*x\.at\[i\]\.set\(v\)"):
        x[0] = 1.0
    with pytest.raises(mg.ImmutableError, match=r"x\.at\[i\]\.add\(v\)"):
        x[0] += 1.0
    assert x.tolist() == [[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]]


def test_views_are_read_only(x: mg.Tensor) -> None:
    untracked = mg.tensor([1.0, 2.0])
    for view in (x.data, x.numpy(), untracked.data, untracked.numpy(), np.asarray(untracked)):
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 9.0
    copied = np.array(untracked)  # a copy is the caller's own
    copied[0] = 9.0
    assert untracked.tolist() == [1.0, 2.0]


def test_numpy_writes_are_refused(x: mg.Tensor) -> None:
    target = np.ones((2, 3))
    with pytest.raises(mg.UnsupportedError, match="leave out= away"):
        np.add(target, x, out=target)
    with pytest.raises(mg.UnsupportedError, match="leave out= away"):
        target += x
    with pytest.raises(mg.UnsupportedError, match=r"np\.add\.at"):
        np.add.at(x, 0, 1.0)
    with pytest.raises(mg.UnsupportedError, match=r"np\.copyto"):
        np.copyto(target, x)


@pytest.mark.parametrize(
    "index", [0, (slice(None), 1), ([0, 1], [2, 2]), np.array([True, False])], ids=str
)
def test_at_set_and_add(x: mg.Tensor, index: Any) -> None:
    before = x.numpy().copy()
    shape = before[index].shape
    v = mg.tensor(np.arange(1.0, 1.0 + np.prod(shape)).reshape(shape), requires_grad=True)
    expected = before.copy()
    expected[index] = v.numpy()
    done = x.at[index].set(v)
    np.testing.assert_array_equal(done.numpy(), expected)
    (done * 2.0).sum().backward()
    mask = np.ones_like(before)
    mask[index] = 0.0
    np.testing.assert_array_equal(x.grad.numpy(), 2.0 * mask)
    np.testing.assert_array_equal(v.grad.numpy(), np.full(shape, 2.0))
    expected = before.copy()
    np.add.at(expected, index, v.numpy())
    np.testing.assert_array_equal(x.at[index].add(v).numpy(), expected)
    np.testing.assert_array_equal(x.numpy(), before)


def test_at_with_repeated_indices() -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    v = mg.tensor([10.0, 20.0], requires_grad=True)
    last = x.at[[0, 0]].set(v)
    assert last.tolist() == [20.0, 2.0]  # the last one wins, as in NumPy, and gets the gradient
    last.sum().backward()
    assert (x.grad.tolist(), v.grad.tolist()) == ([0.0, 1.0], [0.0, 1.0])
    assert x.at[[0, 0]].add(v).tolist() == [31.0, 2.0]
    assert x.at[0].set(7.0).tolist() == [7.0, 2.0]
    assert x.at[:].set(0.0).tolist() == [0.0, 0.0]
    assert x.at[2:].set(1.0).tolist() == [1.0, 2.0]


# Copying -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))]
)
@pytest.mark.parametrize(
    ("dtype", "tracked"), [("f4", True), ("f8", True), ("f4", False), ("i8", False), ("?", False)]
)
def test_leaves_are_copied_and_pickled(duplicate: Any, dtype: str, tracked: bool) -> None:
    x = mg.tensor([[1, 0], [2, 3]], dtype=dtype, requires_grad=tracked, name="weights")
    y = duplicate(x)
    assert y is not x
    assert (y.tolist(), y.dtype, y.requires_grad, y.name) == (x.tolist(), x.dtype, tracked, "weights")
    if tracked:
        (y * y).sum().backward()
        assert x.grad is None
        assert y.grad.tolist() == [[2, 0], [4, 6]]


def test_shared_leaves_stay_shared() -> None:
    x = mg.tensor([1.0], requires_grad=True)
    for duplicate in (copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))):
        one, other = duplicate([x, x])
        assert one is other


def test_results_are_not_copied(x: mg.Tensor) -> None:
    y = x * 2.0
    with pytest.raises(mg.GradientError, match="only leaves can be copied deeply"):
        copy.deepcopy(y)
    with pytest.raises(mg.GradientError, match=r"only leaves can be pickled.*x\.detach\(\)"):
        pickle.dumps(y)
    assert copy.deepcopy(y.detach()).tolist() == y.tolist()


def test_rebinding_the_data_of_a_leaf(x: mg.Tensor) -> None:
    new = np.zeros((2, 3))
    x.data = new
    new[:] = 5.0
    assert x.tolist() == [[0.0] * 3] * 2
    with pytest.raises(mg.ShapeError, match=r"'x'.*data of shape \[3\]"):
        x.data = np.zeros(3)
    with pytest.raises(mg.ImmutableError, match="only a leaf's data"):
        (x * 2.0).data = np.zeros((2, 3))


# NumPy's protocols -------------------------------------------------------------------------------


def test_numpys_functions_record(x: mg.Tensor) -> None:
    a = x.numpy()
    for got, want in (
        (np.exp(x), np.exp(a)),
        (np.add(a, x), a + a),
        (np.multiply(2.0, x), 2.0 * a),
        (a * x, a * a),
        (np.float64(2.0) * x, 2.0 * a),
        (np.sum(x, axis=0), a.sum(0)),
        (np.mean(x), a.mean()),
        (np.max(x, axis=1, keepdims=True), a.max(1, keepdims=True)),
        (np.transpose(x), a.T),
        (np.reshape(x, (3, 2)), a.reshape(3, 2)),
        (np.concatenate([x, x], axis=1), np.concatenate([a, a], 1)),
        (np.stack([x, a]), np.stack([a, a])),
        (np.where(a > 0, x, 0.0), np.where(a > 0, a, 0.0)),
        (np.maximum(x, 0.0), np.maximum(a, 0.0)),
        (np.matmul(a, x.T), a @ a.T),
        (np.broadcast_to(x, (4, 2, 3)), np.broadcast_to(a, (4, 2, 3))),
        (np.squeeze(x[None]), a),
        (np.expand_dims(x, 1), a[:, None]),
        (np.swapaxes(x, 0, 1), a.T),
    ):
        assert isinstance(got, mg.Tensor)
        assert got.requires_grad
        np.testing.assert_allclose(got.numpy(), want, rtol=1e-15)


def test_numpys_functions_without_a_derivative(x: mg.Tensor) -> None:
    a = x.numpy()
    for got, want in (
        (np.argmax(x, axis=1), a.argmax(1)),
        (np.greater(x, 0.0), a > 0),
        (np.sign(x), np.sign(a)),
        (np.isnan(x), np.isnan(a)),
        (np.any(x > 0), (a > 0).any()),
    ):
        assert isinstance(got, mg.Tensor)
        assert not got.requires_grad
        np.testing.assert_array_equal(got.numpy(), want)


def test_untracked_tensors_become_arrays() -> None:
    x = mg.tensor([1.0, 2.0])
    assert np.asarray(x).tolist() == [1.0, 2.0]
    assert np.asarray(x, dtype="f4").dtype == np.float32
    assert np.array([x, x]).tolist() == [[1.0, 2.0], [1.0, 2.0]]


def test_attribute_errors_name_the_function(x: mg.Tensor) -> None:
    with pytest.raises(
        AttributeError, match=r"no attribute 'concatenate'\. Write mg\.concatenate\(x\)\."
    ):
        x.concatenate  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        x.nonsense  # noqa: B018


def test_a_number_made_of_a_tracked_tensor_is_told():
    """Python and NumPy ask for one in places where the gradient would be lost in silence."""
    x = mg.tensor(0.5, requires_grad=True, name="x")
    with pytest.warns(UserWarning, match=r"no gradient flows through it\. Write mg\.sin for math\.sin"):
        assert math.sin(x) == math.sin(0.5)
    array = np.zeros(2)
    with pytest.warns(UserWarning, match=r"mg\.stack or x\.at\[i\]\.set\(v\) for array\[i\] = v"):
        array[1] = x * 2.0
    with pytest.warns(UserWarning, match=r"x\.item\(\) where a number is wanted"):
        float(x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (x.item(), f"{x:.1f}", float(x.detach())) == (0.5, "0.5", 0.5)
        with mg.no_grad():
            assert float(x * 2.0) == 1.0


def test_the_class_and_numpys_arrays_to_begin_with() -> None:
    with pytest.raises(mg.ArgumentError, match=r"mg\.Tensor is the class.*not list\. Write mg\.tensor"):
        mg.Tensor([1.0, 2.0])  # type: ignore[arg-type]
    with pytest.raises(
        AttributeError, match=r"no attribute 'zeros'\. Write mg\.tensor\(np\.zeros\(\.\.\.\)\)"
    ):
        _ = mg.zeros
    with pytest.raises(AttributeError, match=r"standard_normal"):
        _ = mg.randn
    assert mg.Tensor(np.float64(3.0)).shape == ()


def test_the_gradient_of_what_is_no_leaf_is_told() -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    y.sum().backward()
    with pytest.warns(UserWarning, match=r"gradients of leaves only, .* made by `mul` at .*mg\.grad"):
        assert y.grad is None
    assert x.grad is not None
    assert mg.tensor(1.0).grad is None


@pytest.mark.parametrize("operator", ["iadd", "isub", "imul", "itruediv"])
def test_in_place_operators_rebind_but_not_a_leaf_that_would_be_lost(operator: str) -> None:
    change = getattr(python_operator, operator)
    w = mg.tensor([1.0, 2.0], requires_grad=True, name="w")
    out = change(w, 2.0)
    assert out is not w
    assert out.requires_grad
    with mg.no_grad():
        assert change(out, 2.0).requires_grad is False
        with pytest.raises(mg.ImmutableError, match=r"under no_grad\(\) nothing tracks, .*'w'.*x\.data = x\.data - 0\.1 \* x\.grad\.data"):  # fmt: skip
            change(w, 2.0)


def test_an_array_takes_in_no_tensor_in_place() -> None:
    w = mg.tensor([1.0, 2.0], requires_grad=True)
    for array in (np.ones(2), w.data):
        with pytest.raises(mg.UnsupportedError, match=r"write array = array - x\.data"):
            array -= w
