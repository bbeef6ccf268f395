"""NumPy's functions, called on tensors: they record, or they refuse and say what to write."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.syntax import METHODS, PROTOCOL

X = np.array([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]])


def tracked() -> Any:
    return mg.tensor(X, requires_grad=True, name="x")


# Everything that NumPy can dispatch is either ours or refused -------------------------------------

BITS = ("bitwise_and", "bitwise_or", "bitwise_xor", "invert")
UFUNCS = [f for f in vars(np).values() if isinstance(f, np.ufunc) and f.signature is None]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "ufunc", sorted(set(UFUNCS), key=lambda f: f.__name__), ids=lambda f: f.__name__
)
def test_a_ufunc_records_or_refuses(ufunc: Any) -> None:
    inputs = [tracked() for _ in range(ufunc.nin)]
    if ufunc not in PROTOCOL:
        with pytest.raises(mg.UnsupportedError, match=rf"^np\.{ufunc.__name__} does not record .*'x'"):
            ufunc(*inputs)
        return
    if ufunc.__name__ in BITS:
        with pytest.raises(mg.DtypeError, match=rf"^{ufunc.__name__}: .*booleans"):
            ufunc(*inputs)
        return
    outs = ufunc(*inputs)
    expected = ufunc(*[X] * ufunc.nin)
    for out, want in zip(*[(o,) if ufunc.nout == 1 else o for o in (outs, expected)], strict=True):
        assert isinstance(out, mg.Tensor)
        np.testing.assert_allclose(out.numpy(), want, rtol=1e-15)


def test_operators_from_the_left() -> None:
    x = tracked()
    for got, want in (
        (X * x, X * X), (X + x, X + X), (X - x, X - X), (X / x, X / X), (X.T @ x, X.T @ X), (abs(X) ** x, abs(X) ** X),
        (X // x, X // X), (X % x, X % X), (np.float32(2) * x, 2 * X), (2 * x, 2 * X),
    ):  # fmt: skip
        assert isinstance(got, mg.Tensor)
        assert got.requires_grad or got.node is None
        np.testing.assert_allclose(got.numpy(), want, rtol=1e-15)
    for compare in (operator.lt, operator.le, operator.eq, operator.ne, operator.gt, operator.ge):
        comparison = compare(X, x)
        assert isinstance(comparison, mg.Tensor)
        np.testing.assert_array_equal(comparison.numpy(), compare(X, X))
    np.testing.assert_array_equal((X > 0) & (x > 1), (X > 0) & (X > 1))
    assert divmod(x, 2.0)[1].requires_grad


def test_an_array_is_not_written_into() -> None:
    a = X.copy()
    with pytest.raises(mg.UnsupportedError, match="leave out= away"):
        a += tracked()
    np.testing.assert_array_equal(a, X)


def test_the_dtype_of_a_ufunc_is_that_of_its_loop() -> None:
    out = np.add(tracked(), 1.0, dtype=np.float32)
    assert out.dtype == np.float32
    assert mg.grad(lambda x: np.multiply(x, x, dtype=np.float32).sum())(X).dtype == np.float64


# Methods of ufuncs -----------------------------------------------------------------------------

REDUCE = {
    np.add: {},
    np.multiply: {},
    np.maximum: {},
    np.minimum: {},
    np.logical_and: {},
    np.logical_or: {},
}


@pytest.mark.parametrize("ufunc", REDUCE, ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    "options", [{}, {"axis": 1}, {"axis": None}, {"axis": (0, 1), "keepdims": True}], ids=str
)
def test_reduce(ufunc: Any, options: dict[str, Any]) -> None:
    np.testing.assert_allclose(ufunc.reduce(tracked(), **options).numpy(), ufunc.reduce(X, **options))


@pytest.mark.parametrize(
    "ufunc", [np.add, np.multiply, np.maximum, np.minimum], ids=lambda f: f.__name__
)
def test_accumulate(ufunc: Any) -> None:
    for options in ({}, {"axis": 1}):
        out = ufunc.accumulate(tracked(), **options)
        assert out.requires_grad
        np.testing.assert_allclose(out.numpy(), ufunc.accumulate(X, **options))


@pytest.mark.parametrize("ufunc", [np.add, np.multiply, np.arctan2, np.less], ids=lambda f: f.__name__)
def test_outer(ufunc: Any) -> None:
    np.testing.assert_allclose(ufunc.outer(tracked(), X[0]).numpy(), ufunc.outer(X, X[0]))
    np.testing.assert_allclose(ufunc.outer(X[0], tracked()).numpy(), ufunc.outer(X[0], X))


# Metadata --------------------------------------------------------------------------------------


def test_metadata() -> None:
    x = tracked()
    assert (np.shape(x), np.ndim(x), np.size(x), np.size(x, 1)) == ((2, 3), 2, 6, 3)
    assert (np.iscomplexobj(x), np.isrealobj(x)) == (False, True)
    assert np.result_type(x, np.float32) == np.float64
    assert np.can_cast(x, np.float32, "same_kind")
    assert np.array_equal(x, X)
    assert np.allclose(x, X + 1e-12)
    assert np.isclose(x, X).all()
    assert np.array2string(x) == np.array2string(X)


def test_real_numbers_are_their_own_real_part() -> None:
    x = tracked()
    for f in (np.real, np.conj, np.conjugate, np.positive, np.copy):
        assert f(x).requires_grad
        np.testing.assert_array_equal(f(x).numpy(), X)
    np.testing.assert_array_equal(np.imag(x), np.zeros_like(X))


@pytest.mark.parametrize("look", [np.allclose, np.array_equal, np.isclose], ids=lambda f: f.__name__)
def test_a_trace_hears_of_values_that_are_compared(look: Any) -> None:
    graph = mg.trace(
        lambda x: x * float(np.all(look(x, x).numpy() if look is np.isclose else look(x, x))), X
    )
    assert graph.looked


# Refusals ----------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[Any, str]] = {
    "copyto": (lambda x: np.copyto(x, 1.0), r"^np\.copyto .*x\.at\[index\]\.set\(v\)"),
    "put": (lambda x: np.put(x, 0, 1.0), r"^np\.put .*x\.at\[index\]\.set\(v\)"),
    "put_along_axis": (lambda x: np.put_along_axis(x, np.zeros((1, 3), int), 1.0, 0), r"x\.at\[index\]\.set\(v\)"),
    "fill_diagonal": (lambda x: np.fill_diagonal(x, 1.0), r"^np\.fill_diagonal .*x\.at\[index\]\.set\(v\)"),
    "place": (lambda x: np.place(x, X > 0, 1.0), r"x\.at\[index\]\.set\(v\)"),
    "putmask": (lambda x: np.putmask(x, X > 0, 1.0), r"x\.at\[index\]\.set\(v\)"),
    "add.at": (lambda x: np.add.at(x, 0, 1.0), r"^np\.add\.at .*x\.at\[index\]\.add\(v\)"),
    "add.reduceat": (lambda x: np.add.reduceat(x, [0, 1]), r"^np\.add\.reduceat .*mg\.cumsum"),
    "subtract.reduce": (lambda x: np.subtract.reduce(x), r"^np\.subtract\.reduce .*mg\.sum"),
    "apply_along_axis": (lambda x: np.apply_along_axis(sum, 0, x), r"write the calculation for whole arrays"),
    "angle": (lambda x: np.angle(x), r"^np\.angle .*Complex numbers are out"),
    "histogram": (lambda x: np.histogram(x), r"^np\.histogram .*x\.numpy\(\)"),
    "bincount": (lambda x: np.bincount(x), r"^np\.bincount .*x\.numpy\(\)"),
    "where=": (lambda x: np.exp(x, where=X > 0), r"^np\.exp: .*does not take all of NumPy's arguments.*where"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_say_what_to_write(name: str) -> None:
    call, message = REFUSED[name]
    with pytest.raises(mg.UnsupportedError, match=message):
        call(tracked())


def test_methods_are_the_functions() -> None:
    x = tracked()
    for name in METHODS:
        assert callable(getattr(x, name)), name
    assert x.trace().item() == np.trace(X)
    assert x.clone().requires_grad
    assert x.cumsum(axis=1).shape == (2, 3)


def test_numpys_functions_of_our_names_record() -> None:
    from minigrad.syntax import FUNCTIONS, PROTOCOL

    others = {"identity": "a matrix", "row_stack": "deprecated"}
    shared = {name: getattr(np, name) for name in FUNCTIONS if name not in others and hasattr(np, name)}
    missing = [n for n, f in shared.items() if not isinstance(f, np.ufunc) and f not in PROTOCOL]
    assert len(shared) > 150
    assert not missing
    x = mg.tensor([[1.0, 5.0], [2.0, 0.0]], requires_grad=True)
    assert np.amax(x, axis=0).requires_grad
    assert np.amin(x, axis=1, keepdims=True).tolist() == [[1.0], [0.0]]
