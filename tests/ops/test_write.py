"""``x.at[index]``: against NumPy's in-place methods, and the gradients of both inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests import checks

RNG = np.random.default_rng(5)
X = RNG.standard_normal((4, 3))
INDICES: dict[str, Any] = {
    "integer": 1,
    "slice": (slice(None, None, 2), slice(1, None)),
    "ellipsis": (..., 0),
    "new axis": (None, 2),
    "rows": np.array([0, 2]),
    "repeated rows": np.array([0, 2, 0, 0]),
    "repeated elements": ([1, 1, 3], [0, 0, 2]),
    "columns": (slice(None), [2, 2]),
    "mask": X > 0,
    "row mask": np.array([True, False, True, False]),
    "mixed": ([3, 3], slice(0, 2)),
    "nothing": np.zeros(0, int),
}
UFUNCS = {"add": np.add, "mul": np.multiply, "min": np.minimum, "max": np.maximum}


def written(x: Any, index: Any, value: Any, how: str) -> Any:
    out = np.array(x)
    if how == "set":
        out[index] = value
    else:
        UFUNCS[how].at(out, index, value)
    return out


@pytest.mark.parametrize("how", ["set", *UFUNCS])
@pytest.mark.parametrize("name", INDICES)
def test_values_and_both_modes_to_second_order(how: str, name: str) -> None:
    index = INDICES[name]
    value = RNG.standard_normal(X[index].shape)
    got = getattr(mg.tensor(X).at[index], how)(value)
    np.testing.assert_allclose(got, written(X, index, value, how), rtol=1e-14, atol=1e-14)
    case = checks.Case(
        f"at {how} {name}", lambda x, v: getattr(mg.as_tensor(x).at[index], how)(v), [X, value]
    )
    ones = [np.ones_like(X)]
    v, g = [RNG.standard_normal(p.shape) for p in case.primals], [RNG.standard_normal(X.shape)]
    steps = 1e-6
    moved = [written(X + s * v[0], index, value + s * v[1], how) for s in (steps, -steps)]
    forward = checks.push(case, v)[0]
    np.testing.assert_allclose(forward, (moved[0] - moved[1]) / (2 * steps), rtol=1e-7, atol=1e-7)
    reverse = checks.pull(case, g)
    total = sum((r * d).sum() for r, d in zip(reverse, v, strict=True))
    np.testing.assert_allclose((forward * g[0]).sum(), total, rtol=1e-12, atol=1e-12)
    assert all(r.shape == p.shape for r, p in zip(checks.pull(case, ones), case.primals, strict=True))

    def inner(x: Any, value: Any) -> Any:
        return (getattr(x.at[index], how)(value) ** 2).sum()

    hv = mg.hvp(inner, (X, value), (v[0], v[1]))
    up, down = (mg.grad(inner, (0, 1))(X + s * v[0], value + s * v[1]) for s in (steps, -steps))
    for h, a, b in zip(hv, up, down, strict=True):
        np.testing.assert_allclose(h, (a.numpy() - b.numpy()) / (2 * steps), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("how", ["set", *UFUNCS])
def test_scalars_broadcast_and_integers_stay_integers(how: str) -> None:
    x = mg.tensor([5, 7, 9])
    got = getattr(x.at[[0, 0, 2]], how)(6)
    assert got.dtype == x.dtype
    np.testing.assert_array_equal(got, written([5, 7, 9], [0, 0, 2], 6, how))


def test_ties_are_split_evenly() -> None:
    dx, dv = mg.grad(lambda x, v: x.at[[0, 0]].max(v).sum(), (0, 1))(np.ones(2), np.ones(2))
    np.testing.assert_allclose(dx, [1 / 3, 1.0])
    np.testing.assert_allclose(dv, [1 / 3, 1 / 3])


def test_repeated_products_with_zeros() -> None:
    def f(v: Any) -> Any:
        return mg.tensor([2.0]).at[[0, 0, 0]].mul(v).sum()

    np.testing.assert_array_equal(mg.grad(f)(np.array([0.0, 3.0, 4.0])), [24.0, 0.0, 0.0])
    np.testing.assert_array_equal(mg.hessian(f)(np.array([0.0, 3.0, 0.0]))[0, 2], 6.0)


def test_the_last_of_several_values_gets_the_gradient() -> None:
    g = mg.grad(lambda v: mg.tensor(np.zeros(2)).at[[1, 1]].set(v).sum())(np.array([5.0, 7.0]))
    assert g.tolist() == [0.0, 1.0]


def test_get_reads() -> None:
    assert mg.tensor([1.0, 2.0]).at[1].get().item() == 2.0


def test_many_float32_values_add_up_as_in_float64() -> None:
    index = np.zeros(100_000, int)
    got = mg.tensor(np.zeros(3, np.float32)).at[index].add(np.float32(0.1))
    np.testing.assert_allclose(got[0].item(), 100_000 * float(np.float32(0.1)), rtol=1e-7)


@pytest.mark.parametrize(
    ("shape", "index"),
    [((6, 4), np.array([[0, 5], [5, 1]])), ((3, 6, 2), (slice(None), np.array([-1, 5, 0]))),
     ((300, 20), ([3, 3, -1], [0, 0, 2])), ((4, 4), ([0, 0], slice(None, None, -1)))],
)  # fmt: skip
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble", "complex128"])
def test_scattering_adds_what_numpy_adds(shape: Any, index: Any, dtype: Any) -> None:
    g = RNG.standard_normal(np.empty(shape)[index].shape).astype(dtype)
    expected = np.zeros(shape, np.result_type(dtype, np.longdouble))
    np.add.at(expected, index, g)
    got = mg.scatter_add(g, shape, index)
    assert got.dtype == np.dtype(dtype)
    np.testing.assert_allclose(got, expected.astype(dtype), rtol=2e-3 if dtype == "float16" else 1e-6)


@pytest.mark.parametrize("index", [[3], ([0], [9]), -5], ids=str)
def test_scattering_checks_the_range(index: Any) -> None:
    with pytest.raises(mg.ArgumentError, match=r"scatter_add: .*out of bounds"):
        mg.scatter_add(np.ones(1), (3, 3), index)
