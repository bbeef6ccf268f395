"""Names, arguments and values are NumPy's, called both as mg.f(x) and as np.f(tensor)."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.syntax import FUNCTIONS, PROTOCOL

RNG = np.random.default_rng(11)
X, Y, Z = (RNG.standard_normal(s) for s in ((3, 4), (4,), (2, 3, 4)))
SQUARE, SORTED, MASK = (
    RNG.standard_normal((3, 3)),
    np.sort(RNG.standard_normal(6)),
    RNG.random((3, 4)) < 0.7,
)
MASK[:, 0] = True
HOLES = np.where(MASK, X, np.nan)
WHOLE = np.array([[3, 0, 2], [1, 1, 0]])
INDEX = np.array([[0, 2], [1, 0]])

METHODS = (
    "inverted_cdf averaged_inverted_cdf closest_observation interpolated_inverted_cdf hazen weibull linear "
    "median_unbiased normal_unbiased lower higher midpoint nearest"
).split()

# name: calls (args, kwargs) that NumPy's function and ours must answer alike
CALLS: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {
    **{
        name: [
            ((X,), {}), ((X,), {"axis": 0}), ((Z,), {"axis": (0, -1), "keepdims": True}), ((Z, 1), {}),
            ((X,), {"where": MASK}), ((X,), {"axis": 1, "where": MASK[0]}),
        ]
        for name in ("sum", "mean", "prod", "var", "std", "nansum", "nanmean", "any", "all")
    },
    "max": [((X,), {}), ((X, 0), {}), ((Z,), {"axis": (0, 2), "keepdims": True}), ((X,), {"initial": 0.5}),
            ((X,), {"axis": 1, "where": MASK, "initial": -9.0}), ((np.zeros((0, 2)),), {"axis": 0, "initial": 1.0})],
    "min": [((X,), {}), ((X, 0), {}), ((X,), {"axis": 1, "where": MASK, "initial": 9.0})],
    "ptp": [((X,), {}), ((X, 1), {"keepdims": True})],
    "median": [((X,), {}), ((X, 0), {}), ((Z,), {"axis": (0, 2), "keepdims": True}), ((WHOLE,), {}), ((HOLES, 1), {})],
    "average": [((X,), {}), ((X, 1, Y), {}), ((X,), {"weights": X * X, "axis": 0}), ((X,), {"weights": X * X, "returned": True}),
                ((Z,), {"axis": (1, 2), "weights": X * X, "keepdims": True}), ((X,), {"axis": 0, "returned": True})],
    "quantile": [((X, q), {"method": m, "axis": a}) for m in METHODS for q in (0.3, [0.0, 0.25, 0.5, 1.0]) for a in (None, 1)],
    "percentile": [((X, 30.0), {}), ((X, [[10, 20], [30, 100]]), {"axis": (0, 1), "keepdims": True})],
    "cov": [((X,), {}), ((X, X * X), {"bias": True}), ((X,), {"rowvar": False, "ddof": 0}), ((Y,), {})],
    "argmax": [((X,), {}), ((X, 0), {}), ((X,), {"axis": 1, "keepdims": True})],
    "argmin": [((X,), {}), ((X, 0), {})],
    "count_nonzero": [((WHOLE,), {}), ((WHOLE,), {"axis": 0, "keepdims": True}), ((WHOLE,), {"axis": (0, 1)})],
    "cumsum": [((X,), {}), ((X, 0), {}), ((Y,), {"dtype": np.float32}), ((np.float64(3.0),), {})],
    "cumprod": [((X,), {}), ((X, 1), {})],
    "cumulative_sum": [((Y,), {}), ((X,), {"axis": 0, "include_initial": True})],
    "cumulative_prod": [((Y,), {"include_initial": True}), ((X,), {"axis": 1})],
    "diff": [((X,), {}), ((X,), {"n": 2, "axis": 0}), ((X,), {"prepend": 0.0, "append": X[:, :2]}), ((X, 9), {}), ((MASK,), {})],
    "trapezoid": [((X,), {}), ((X, Y), {}), ((X, X * X), {"axis": 0}), ((X,), {"dx": 0.5, "axis": 0}), ((Z, SORTED[:3]), {"axis": 1})],
    "gradient": [((X,), {}), ((X, 2.0), {"edge_order": 2}), ((X, SORTED[:3], 0.5), {}), ((X,), {"axis": 1}),
                 ((Y, np.cumsum(np.abs(Y))), {"edge_order": 2}), ((WHOLE,), {})],
    "interp": [((X, SORTED, SORTED**2), {}), ((X, SORTED, SORTED**2), {"left": 7.0, "right": -7.0}),
               ((X, SORTED, SORTED**2), {"period": 1.3}), ((X, [0.0], [2.0]), {}), ((HOLES, SORTED, SORTED), {})],
    "polyval": [((Y, X), {}), (([], Y), {})],
    "reshape": [((X, (2, 6)), {}), ((X, -1), {}), ((X,), {"shape": (4, 3), "order": "F"})],
    "ravel": [((X,), {}), ((X, "F"), {})],
    "squeeze": [((X[None, :, None],), {}), ((X[None, :, None],), {"axis": (0, 2)}), ((X[None],), {"axis": 0})],
    "expand_dims": [((X, 0), {}), ((X, (0, -1)), {})],
    "transpose": [((Z,), {}), ((Z,), {"axes": (1, 0, 2)}), ((Z, (-1, 0, 1)), {})],
    "permute_dims": [((Z, (2, 0, 1)), {})],
    "matrix_transpose": [((Z,), {})],
    "swapaxes": [((Z, 0, -1), {})],
    "moveaxis": [((Z, 0, -1), {}), ((Z, (0, 1), (-1, 0)), {}), ((Z, [2], [0]), {})],
    "rollaxis": [((Z, 2), {}), ((Z, 0, 3), {}), ((Z, 1, -1), {}), ((Z, 2, 1), {})],
    "broadcast_to": [((Y, (2, 3, 4)), {}), ((X[:1], (3, 4)), {}), ((Y[:1], 5), {})],
    "broadcast_arrays": [((X, Y, Z), {})],
    "atleast_1d": [((X,), {}), ((np.float64(1.0),), {}), ((Y, np.float64(2.0)), {})],
    "atleast_2d": [((Y,), {}), ((np.float64(1.0),), {})],
    "atleast_3d": [((Y,), {}), ((X,), {}), ((np.float64(1.0),), {}), ((Z,), {})],
    "concatenate": [(([X, X * X],), {}), (([X, X], 1), {}), (([X, Y],), {"axis": None}), (([X, X],), {"dtype": np.float32})],
    "stack": [(([X, X],), {}), (([X, X], -1), {}), (([Y, Y],), {"axis": 1, "dtype": np.float32})],
    "hstack": [(([X, X[:, :1]],), {}), (([Y, Y[:2]],), {}), (([np.float64(1.0), np.float64(2.0)],), {})],
    "vstack": [(([X, Y],), {}), (([Y, Y],), {})],
    "dstack": [(([X, X],), {}), (([Y, Y],), {})],
    "column_stack": [(([Y, Y],), {}), (([X, X[:, 0]],), {})],
    "append": [((X, Y), {}), ((X, X[:1]), {"axis": 0})],
    "block": [(([[X, X], [Z[0], Z[1]]],), {}), (([Y, Y],), {}), ((Y,), {}), (([[Y], [Y]],), {}), (([[[Z]], [[Z]]],), {})],
    "split": [((X, 2), {"axis": 1}), ((X, [1, 1, 2]), {}), ((Y, 4), {})],
    "array_split": [((Y, 3), {}), ((X, 3), {"axis": 1}), ((X, [2, 1]), {}), ((Y, 6), {})],
    "hsplit": [((X, 2), {}), ((Y, 2), {}), ((Z, [1]), {})],
    "vsplit": [((X, 3), {})],
    "dsplit": [((Z, [1, 3]), {})],
    "unstack": [((X,), {}), ((X,), {"axis": 1})],
    "tile": [((X, 2), {}), ((Y, (2, 3)), {}), ((X, (2, 1, 2)), {}), ((Z, (1,)), {}), ((Y, 0), {})],
    "repeat": [((X, 2), {}), ((X, 2, 0), {}), ((X, [1, 0, 2]), {"axis": 0}), ((Y, [2]), {}), ((X, 0, 1), {})],
    "roll": [((X, 1), {}), ((X, -1, 0), {}), ((X, (1, 2)), {"axis": (0, 1)}), ((X, 1, (0, 1)), {}), ((X, 9, 1), {})],
    "flip": [((X,), {}), ((X, 0), {}), ((Z, (0, 2)), {})],
    "fliplr": [((X,), {})],
    "flipud": [((X,), {})],
    "rot90": [((X, k), {}) for k in range(-1, 4)] + [((Z,), {"axes": (1, 2)}), ((Z, 1, (2, 0)), {})],
    "pad": [((X, 1), {}), ((X, ((0, 1), (2, 0))), {}), ((Y, (1, 2)), {"constant_values": (7.0, 8.0)}), ((X, {1: 2}), {}),
            *[((X, ((2, 1), (3, 4))), {"mode": m}) for m in ("edge", "reflect", "symmetric", "wrap")], ((Y, 9, "reflect"), {})],
    "tril": [((X,), {}), ((Z, 1), {}), ((SQUARE, -1), {}), ((Y,), {}), ((WHOLE,), {})],
    "triu": [((X,), {}), ((Z, 1), {}), ((SQUARE, -1), {}), ((Y,), {})],
    "diag": [((Y,), {}), ((Y, -2), {}), ((X,), {}), ((X, 1), {})],
    "diagflat": [((X,), {}), ((Y, 1), {})],
    "diagonal": [((X,), {}), ((Z, 1), {"axis1": 2, "axis2": 0})],
    "trace": [((X,), {}), ((Z,), {"offset": 1, "axis1": 1, "axis2": 2})],
    "meshgrid": [((Y, SORTED), {}), ((Y, SORTED, SORTED[:2]), {"indexing": "ij"}), ((Y, SORTED), {"sparse": True}), ((Y,), {})],
    "full_like": [((X, 7), {}), ((X, 7), {"dtype": np.float32, "shape": (2,)}), ((X, Y), {})],
    "zeros_like": [((X,), {}), ((WHOLE,), {"shape": 3})],
    "ones_like": [((X,), {"dtype": int})],
    "take": [((X, [0, 5]), {}), ((X, INDEX), {"axis": 1}), ((X, -1, 0), {}), ((X, [7, -9], 1), {"mode": "wrap"}),
             ((X, [7, -9], 1), {"mode": "clip"})],
    "take_along_axis": [((X, np.argsort(X, 0), 0), {}), ((X, INDEX[:1], 1), {}), ((X, np.array([3, 1])), {"axis": None})],
    "where": [((MASK, X, Y), {}), ((MASK,), {})],
    "select": [(([X < 0, X > 1], [X * 2, X + 1], X), {}), (([X < 0], [Y]), {})],
    "compress": [(([True, False, True], X), {"axis": 0}), (([0, 1, 1], X), {})],
    "extract": [((MASK, X), {})],
    "nonzero": [((WHOLE,), {})],
    "argwhere": [((WHOLE,), {})],
    "flatnonzero": [((WHOLE,), {})],
    "sort": [((X,), {}), ((X, 0), {}), ((X, None), {}), ((HOLES,), {})],
    "argsort": [((X,), {}), ((X,), {"axis": 0, "kind": "stable"}), ((WHOLE, None), {"stable": True})],
    "searchsorted": [((SORTED, X), {}), ((SORTED, SORTED, "right"), {}), ((SORTED[::-1], X), {"sorter": np.arange(5, -1, -1)})],
    "digitize": [((X, SORTED), {}), ((SORTED, SORTED, True), {})],
    "unique": [((WHOLE,), {}), ((WHOLE,), {"return_index": True, "return_inverse": True, "return_counts": True}),
               ((HOLES,), {}), ((np.vstack([X, X]),), {"axis": 0}), ((HOLES,), {"equal_nan": False})],
    "clip": [((X, -0.5, 0.5), {}), ((X, None, Y), {}), ((X, Y, None), {}), ((X,), {"min": 0.0}), ((WHOLE, 1, None), {}), ((X, 1.0, -1.0), {})],
    "round": [((X * 10,), {}), ((X, 2), {}), ((WHOLE, -1), {})],
    "around": [((X, 1), {})],
    "nan_to_num": [((HOLES,), {}), ((np.array([np.inf, -np.inf, np.nan]),), {"nan": 1.0, "posinf": 2.0}), ((WHOLE,), {})],
    "float_power": [((np.abs(X), 2), {}), ((WHOLE, 2), {})],
    "divmod": [((X, Y), {})],
    "isclose": [((X, X + 1e-9), {}), ((HOLES, HOLES), {"equal_nan": True})],
    "copy": [((X,), {})],
}  # fmt: skip
CASES = [(name, i) for name, calls in CALLS.items() for i in range(len(calls))]


def tensors(part: Any) -> Any:
    """The float arrays of a call as tracked tensors."""
    if isinstance(part, np.ndarray) and part.dtype.kind == "f":
        return mg.tensor(part, requires_grad=True)
    if isinstance(part, list):
        return [tensors(p) for p in part]
    return part


def alike(got: Any, expected: Any) -> None:
    if isinstance(expected, tuple | list):
        assert len(got) == len(expected)
        for one, other in zip(got, expected, strict=True):
            alike(one, other)
        return
    got, expected = np.asarray(got.numpy() if isinstance(got, mg.Tensor) else got), np.asarray(expected)
    assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("name", "i"), CASES, ids=lambda part: str(part))
def test_values_and_shapes(name: str, i: int) -> None:
    args, kwargs = CALLS[name][i]
    theirs = getattr(np, name)
    ours = FUNCTIONS[name] if name != "trace" else FUNCTIONS["matrix_trace"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = theirs(*args, **kwargs)
        plain = ours(*args, **kwargs)
        changed = [tensors(a) for a in args]
        recorded, protocol = ours(*changed, **kwargs), theirs(*changed, **kwargs)
    alike(plain, expected)
    alike(recorded, expected)
    alike(protocol, expected)


def test_every_function_of_the_shelf_is_called() -> None:
    """What this package declares and NumPy has is either called here or a primitive with samples."""
    from minigrad.primitive import REGISTRY

    sampled = {p.function for p in REGISTRY.values()}
    elsewhere = {"partition", "argpartition", "empty_like", "allclose", "array_equal", "bitwise_and",
                 "bitwise_or", "bitwise_xor", "invert"}  # fmt: skip
    modules = (
        "contract",
        "einsum",
        "linalg",
        "window",
        "convolution",
        "pooling",
        "batchnorm",
        "custom",
    )
    missing = [
        name
        for name, function in FUNCTIONS.items()
        if hasattr(np, name) and name not in CALLS and name not in elsewhere and function not in sampled
        and not any(m in function.__module__ for m in modules)
        and not any(FUNCTIONS[other] is function for other in CALLS if other in FUNCTIONS)
    ]  # fmt: skip
    assert not missing


# Arguments ---------------------------------------------------------------------------------------

DIFFERENT = {
    "reshape": "also takes the sizes one by one, as PyTorch does",
    "transpose": "the same",
    "clip": "ufunc arguments by keyword are not taken",
    "isposinf": "out= is not taken, as for ufuncs",
    "isneginf": "the same",
    "fix": "the same",
    "empty_like": "the first argument has the name that the other functions of this kind give it",
    "real_if_close": "what is real stays real, whatever the tolerance",
    "array_equiv": "the answer is NumPy's own",
    "array_repr": "the same",
    "array_str": "the same",
    "array2string": "the same",
}
OTHERS = ("contract", "einsum", "linalg", "window", "convolution", "pooling")


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (theirs, ours)
        for theirs, ours in PROTOCOL.items()
        if not isinstance(theirs, np.ufunc | tuple) and not any(m in ours.__module__ for m in OTHERS)
    ],
    ids=lambda f: f.__name__,
)
def test_arguments_have_numpys_names_and_order(theirs: Any, ours: Any) -> None:
    try:
        wanted = list(inspect.signature(theirs).parameters)
    except ValueError:
        pytest.skip("NumPy tells no signature of this function")
    same = list(inspect.signature(ours).parameters) == wanted
    assert same != (theirs.__name__ in DIFFERENT)


# Order ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_partition_puts_the_kth_in_its_place(axis: Any) -> None:
    size = X.size if axis is None else X.shape[axis]
    for k in range(-size, size):
        parted = mg.partition(X, k, axis)
        along = -1 if axis is None else axis
        np.testing.assert_array_equal(np.take(parted, k, along), np.take(np.sort(X, axis), k, along))
        places = mg.argpartition(X, k, axis)
        whole = X.ravel() if axis is None else X
        np.testing.assert_array_equal(np.take_along_axis(whole, places, along), parted)


def test_top_k() -> None:
    x = mg.tensor([[3.0, 1.0, 3.0, 2.0], [np.nan, 1.0, 2.0, 0.0]])
    values, places = mg.top_k(x, 3)
    np.testing.assert_array_equal(values, [[3.0, 3.0, 2.0], [np.nan, 2.0, 1.0]])
    np.testing.assert_array_equal(places, [[0, 2, 3], [0, 2, 1]])
    values, places = mg.top_k(x, 2, axis=0, largest=False)
    np.testing.assert_array_equal(places, [[0, 0, 1, 1], [1, 1, 0, 0]])
    assert mg.top_k(x, 0)[0].shape == (2, 0)
    g = mg.grad(lambda x: (mg.top_k(x, 2)[0] * np.array([1.0, 10.0])).sum())(np.array([3.0, 1.0, 2.0]))
    assert g.tolist() == [1.0, 0.0, 10.0]


def test_running_extrema() -> None:
    x = np.array([[1.0, 3.0, 3.0, np.nan, 4.0], [5.0, 2.0, 6.0, 1.0, 6.0]])
    np.testing.assert_array_equal(mg.cummax(x, 1), np.maximum.accumulate(x, axis=1))
    np.testing.assert_array_equal(mg.cummin(x, 1), np.minimum.accumulate(x, axis=1))
    assert mg.argcummax(x, 1).tolist() == [[0, 1, 1, 3, 3], [0, 0, 2, 2, 2]]
    g = mg.grad(lambda x: mg.cummax(x).sum())(np.array([1.0, 3.0, 3.0, 2.0]))
    assert g.tolist() == [1.0, 3.0, 0.0, 0.0]


def test_gather_is_pytorchs() -> None:
    got = mg.gather(X, 1, INDEX)
    np.testing.assert_array_equal(got, [[X[0, 0], X[0, 2]], [X[1, 1], X[1, 0]]])
