"""Linear algebra against NumPy, against its own identities, at the difficult places, and PyTorch."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests import checks
from tests.ops.agreement import agree_with_torch, as_tuple, close

LA = mg.linalg
SQUARE = [(1, 1), (2, 2), (3, 3), (5, 5), (2, 3, 3), (2, 1, 4, 4)]
TALL = [(1, 1), (3, 3), (4, 2), (5, 1), (2, 4, 3), (2, 1, 3, 2)]
WIDE = [(2, 4), (1, 5), (2, 3, 4), (1, 2, 2, 3)]


def regular(rng: np.random.Generator, shape: Any) -> Any:
    return rng.standard_normal(shape) + 2.0 * np.eye(*shape[-2:])


def symmetrized(x: Any) -> Any:
    return (x + x.swapaxes(-1, -2)) * 0.5


def definite(rng: np.random.Generator, shape: Any) -> Any:
    x = rng.standard_normal(shape)
    return symmetrized(x @ np.swapaxes(x, -1, -2)) + np.eye(shape[-1])


def apart(rng: np.random.Generator, shape: Any) -> Any:
    """Symmetric, with eigenvalues whose absolute values are well apart."""
    q = np.linalg.qr(rng.standard_normal(shape))[0]
    w = np.arange(1.0, shape[-1] + 1) * (-1.0) ** np.arange(shape[-1])
    return symmetrized((q * w) @ np.swapaxes(q, -1, -2))


# Values --------------------------------------------------------------------------------------------

CALLS: list[tuple[str, Any, tuple[Any, ...], dict[str, Any]]] = [
    *[(name, regular, (s,), {}) for name in ("inv", "det", "slogdet", "cond") for s in SQUARE],
    *[("cholesky", definite, (s,), {}) for s in SQUARE],
    *[(name, apart, (s,), {}) for name in ("eigh", "eigvalsh") for s in SQUARE],
    *[(name, regular, (s,), {}) for name in ("qr", "svdvals", "pinv", "matrix_rank") for s in TALL + WIDE],
    *[("svd", regular, (s,), {"full_matrices": False}) for s in TALL + WIDE],
    *[("solve", regular, s, {}) for s in (
        ((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (3,)), ((2, 3, 3), (3, 2)), ((3, 3), (2, 3, 1)),
        ((2, 1, 2, 2), (3, 2, 2)), ((0, 0), (0, 1)),
    )],
    *[("lstsq", regular, s, {}) for s in (
        ((3, 3), (3,)), ((4, 2), (4,)), ((4, 2), (4, 3)), ((2, 4), (2,)), ((2, 4), (2, 2)), ((5, 1), (5, 1)),
    )],
    ("svd", regular, ((3, 3),), {}), ("svd", regular, ((3, 3),), {"compute_uv": False}),
    ("svd", regular, ((4, 2),), {}), ("svd", regular, ((4, 2),), {"compute_uv": False}),
    ("svd", apart, ((2, 4, 4),), {"hermitian": True}),
    ("svd", apart, ((4, 4),), {"hermitian": True, "compute_uv": False}),
    ("qr", regular, ((3, 3),), {"mode": "complete"}), ("qr", regular, ((2, 3),), {"mode": "complete"}),
    ("qr", regular, ((4, 3),), {"mode": "complete"}), ("qr", regular, ((4, 3),), {"mode": "r"}),
    ("qr", regular, ((2, 4),), {"mode": "r"}),
    ("cholesky", definite, ((3, 3),), {"upper": True}),
    ("eigh", regular, ((3, 3),), {"UPLO": "L"}), ("eigh", regular, ((2, 3, 3),), {"UPLO": "U"}),
    ("eigvalsh", regular, ((3, 3),), {"UPLO": "U"}),
    ("pinv", apart, ((3, 3),), {"hermitian": True}), ("pinv", regular, ((4, 2),), {"rcond": 0.5}),
    ("pinv", regular, ((4, 2),), {"rtol": 0.5}),
    ("matrix_rank", regular, ((4, 3),), {"tol": 1.5}), ("matrix_rank", regular, ((4, 3),), {"rtol": 0.9}),
    ("matrix_rank", apart, ((3, 3),), {"hermitian": True}), ("matrix_rank", regular, ((2, 3),), {}),
    *[("matrix_power", regular, (s,), {"n": n}) for s in ((3, 3), (2, 2, 2)) for n in (-3, -1, 0, 1, 2, 7)],
    ("tensorsolve", regular, ((6, 2, 3), (6,)), {}), ("tensorsolve", regular, ((2, 3, 6), (2, 3)), {}),
    ("tensorsolve", regular, ((3, 6, 2), (6,)), {"axes": (0, 2)}),
    ("tensorinv", regular, ((2, 3, 6),), {}), ("tensorinv", regular, ((6, 2, 3),), {"ind": 1}),
    *[("cond", regular, ((2, 3, 3),), {"p": p}) for p in (None, 2, -2, 1, -1, np.inf, -np.inf, "fro", "nuc")],
    ("cond", regular, ((4, 2),), {"p": -2}),
    ("matrix_transpose", regular, ((2, 3, 4),), {}), ("diagonal", regular, ((2, 3, 4),), {"offset": 1}),
    ("trace", regular, ((2, 3, 4),), {}), ("trace", regular, ((3, 3),), {"offset": -1}),
    ("cross", regular, ((2, 3), (2, 3)), {}), ("cross", regular, ((3, 2), (3, 2)), {"axis": 0}),
    ("tensordot", regular, ((2, 3), (3, 2)), {"axes": 1}), ("matmul", regular, ((2, 3), (3, 4)), {}),
    ("vecdot", regular, ((2, 3), (2, 3)), {}), ("vecdot", regular, ((2, 3), (2, 3)), {"axis": 0}),
]  # fmt: skip
EXPONENTS = {"matrix_power"}


def sampled(call: Any, rng: np.random.Generator) -> tuple[list[Any], list[Any], dict[str, Any]]:
    """Arrays, other positional arguments, keywords."""
    name, make, shapes, kwargs = call
    arrays = [
        make(rng, s) if len(s) > 1 and make is not None else rng.standard_normal(s) for s in shapes
    ]
    kwargs = dict(kwargs)
    return arrays, [kwargs.pop("n")] if name in EXPONENTS else [], kwargs


@pytest.mark.parametrize("call", CALLS, ids=[f"{c[0]} {c[2]} {c[3] or ''}" for c in CALLS])
def test_value_is_numpys(call: Any, rng: np.random.Generator) -> None:
    name = call[0]
    arrays, others, kwargs = sampled(call, rng)
    expected = getattr(np.linalg, name)(*arrays, *others, **kwargs)
    for function in (getattr(LA, name), getattr(np.linalg, name)):  # by name, and by NumPy's protocol
        found = function(*map(mg.tensor, arrays), *others, **kwargs)
        plain = getattr(LA, name)(*arrays, *others, **kwargs)
        assert len(as_tuple(found)) == len(as_tuple(expected)) == len(as_tuple(plain))
        for got, same, want in zip(*map(as_tuple, (found, plain, expected)), strict=True):
            assert not isinstance(same, mg.Tensor)
            if isinstance(want, int | np.integer):
                assert int(got) == int(same) == want
                continue
            assert isinstance(got, mg.Tensor)
            close(got.numpy(), want, name, 1e-12)
            close(same, want, name, 1e-12)
        if hasattr(expected, "_fields"):
            assert found._fields == expected._fields


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize(
    "name", ["inv", "det", "slogdet", "qr", "svdvals", "eigvalsh", "norm", "expm", "cholesky"]
)
def test_dtypes_stay(name: str, dtype: str, rng: np.random.Generator) -> None:
    x = mg.tensor(definite(rng, (3, 3)).astype(dtype), requires_grad=True)
    outs = as_tuple(getattr(LA, name)(x))
    assert {o.dtype for o in outs} == {np.dtype(dtype)}
    outs[-1].sum().backward()
    assert x.grad.dtype == dtype


def test_integers_are_data(rng: np.random.Generator) -> None:
    a = mg.tensor([[2, 1], [1, 3]])
    assert LA.inv(a).dtype == np.float64
    assert LA.det(a).item() == pytest.approx(5.0)
    b = mg.tensor([1.0, 2.0], requires_grad=True)
    LA.solve(a, b).sum().backward()
    close(b.grad.numpy(), np.linalg.inv(a.numpy()).sum(0), "gradient", 1e-14)
    assert LA.norm(mg.tensor([3, 4])).item() == 5.0


def test_named_tuples_are_unpacked_and_differentiated(rng: np.random.Generator) -> None:
    a = apart(rng, (3, 3))
    out = mg.jvp(LA.eigh, (a,), (np.eye(3),))[1]
    assert type(out) is LA.EighResult
    np.testing.assert_allclose(out.eigenvalues, np.ones(3), rtol=1e-12)
    np.testing.assert_allclose(out.eigenvectors, np.zeros((3, 3)), atol=1e-14)


# Identities ------------------------------------------------------------------------------------------


def test_derivatives_of_identities_vanish(rng: np.random.Generator) -> None:
    a, t = regular(rng, (4, 3)), rng.standard_normal((4, 3))

    def residuals(x: Any) -> Any:
        u, s, vh = LA.svd(x, full_matrices=False)
        q, r = LA.qr(x)
        one = np.eye(3)
        return (
            (u * s) @ vh - x, u.T @ u - one, vh @ vh.T - one, q @ r - x, q.T @ q - one, mg.tril(r, -1),
            LA.pinv(x) @ x - one, LA.expm(x[:3]) @ LA.expm(-x[:3]) - one,
        )  # fmt: skip

    values, tangents = mg.jvp(residuals, (a,), (t,))
    twice = mg.jvp(lambda x: mg.jvp(residuals, (x,), (t,))[1], (a,), (t,))[1]
    for group, bound in ((values, 1e-12), (tangents, 1e-11), (twice, 1e-9)):
        for k, part in enumerate(group):
            assert np.abs(part.numpy()).max() < bound, k


def test_the_trace_of_the_logarithm_is_the_logarithm_of_the_determinant(
    rng: np.random.Generator,
) -> None:
    a = definite(rng, (4, 4))
    by_values = mg.grad(lambda x: mg.log(LA.eigvalsh(x)).sum())(a)
    by_factor = mg.grad(lambda x: 2 * mg.log(LA.diagonal(LA.cholesky(x))).sum())(a)
    by_determinant = mg.grad(lambda x: LA.slogdet(x).logabsdet)(a)
    directly = mg.grad(lambda x: mg.log(LA.det(x)))(a)
    for found in (by_values, by_factor, by_determinant, directly):
        close(found.numpy(), np.linalg.inv(a), "gradient", 1e-12)
    hessians = [
        mg.hessian(f)(a).numpy()
        for f in (
            lambda x: LA.slogdet(symmetrized(x)).logabsdet,
            lambda x: 2 * mg.log(LA.diagonal(LA.cholesky(x))).sum(),
            lambda x: mg.log(LA.eigvalsh(x)).sum(),
        )
    ]
    close(hessians[1], hessians[0], "second order, Cholesky", 1e-11)
    close(hessians[2], hessians[0], "second order, eigenvalues", 1e-10)


def test_gradients_of_symmetric_matrices_are_symmetric(rng: np.random.Generator) -> None:
    a, w = definite(rng, (4, 4)), rng.standard_normal((4, 4))
    for f in (LA.cholesky, lambda x: LA.eigh(x).eigenvectors ** 2):
        g = mg.grad(lambda x, f=f: (f(x) * w).sum())(a).numpy()
        close(g, g.T, "gradient", 1e-13)


def test_one_triangle_is_read_alone(rng: np.random.Generator) -> None:
    a = regular(rng, (3, 3))
    below = mg.grad(lambda x: LA.eigvalsh(x, UPLO="L")[0])(a).numpy()
    assert np.all(np.triu(below, 1) == 0)
    assert np.all(below[np.tril_indices(3)] != 0)
    above = mg.grad(lambda x: LA.eigvalsh(x, UPLO="u")[0])(a).numpy()
    assert np.all(np.tril(above, -1) == 0)
    case = checks.Case("eigvalsh", lambda x: LA.eigvalsh(x, UPLO="L"), [a])
    checks.NOT_ANALYTIC.setdefault("eigvalsh", "LAPACK's complex version conjugates")
    checks.jvp_against_oracle(case, rng)
    checks.second_order(case, rng)


def test_large_triangular_systems_go_in_blocks(rng: np.random.Generator) -> None:
    n = 100
    a = np.tril(rng.standard_normal((n, n)) / n) + np.eye(n)
    b = rng.standard_normal((n, 3))
    for lower in (True, False):
        for trans in (0, 1):
            given = a if lower else a.T
            full = given.T if trans else given
            noise = (
                np.triu(rng.standard_normal((n, n)), 1)
                if lower
                else np.tril(rng.standard_normal((n, n)), -1)
            )
            x = LA.solve_triangular(given + noise, b, trans=trans, lower=lower)
            close(full @ x, b, f"lower={lower}, trans={trans}", 1e-13)


@pytest.mark.parametrize("size", [1e-3, 0.5, 5.0, 30.0])
def test_exponential_of_small_and_large_matrices(size: float, rng: np.random.Generator) -> None:
    q = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    w = np.array([-1.0, 0.3, 0.5, 1.0]) * size
    a = (q * w) @ q.T
    close(LA.expm(a), (q * np.exp(w)) @ q.T, "value", 1e-13 * max(1.0, size))
    # Along a symmetric direction the derivative is known: divided differences of exp.
    t = symmetrized(rng.standard_normal((4, 4)))
    gaps = w[:, None] - w
    same = np.eye(4, dtype=bool)
    slopes = np.where(same, np.exp(w), (np.exp(w)[:, None] - np.exp(w)) / np.where(same, 1, gaps))
    expected = q @ (slopes * (q.T @ t @ q)) @ q.T
    found = mg.jvp(LA.expm, (a,), (t,))[1].numpy()
    close(found, expected, "tangent", 1e-12 * max(1.0, size))
    close(mg.vjp(LA.expm, a)[1](t)[0].numpy(), expected, "cotangent", 1e-12 * max(1.0, size))


def test_exponential_of_nilpotent_and_zero_matrices() -> None:
    a = np.diag([1.0, 2.0, 3.0], 1)
    close(LA.expm(a), np.eye(4) + a + a @ a / 2 + a @ a @ a / 6, "value", 1e-15)
    zero = np.zeros((3, 3))
    np.testing.assert_array_equal(mg.vjp(LA.expm, zero)[1](zero)[0], zero)
    close(mg.hessian(lambda x: LA.expm(x)[0, 1])(zero).numpy()[0, 0, 0, 1], 0.5, "second", 1e-14)


def test_exponential_batches_scale_each_matrix_by_its_own(rng: np.random.Generator) -> None:
    a = rng.standard_normal((3, 3, 3)) * np.array([1e-2, 1.0, 30.0])[:, None, None]
    together = LA.expm(a)
    for k in range(3):
        np.testing.assert_array_equal(together[k], LA.expm(a[k]))


def test_multi_dot(rng: np.random.Generator) -> None:
    arrays = [rng.standard_normal(s) for s in ((2, 30), (30, 3), (3, 40), (40, 5))]
    expected = np.linalg.multi_dot(arrays)
    close(np.linalg.multi_dot([mg.tensor(a) for a in arrays]).numpy(), expected, "value", 1e-14)
    program = mg.trace(lambda *x: LA.multi_dot(x), *arrays)
    shapes = [program.values[e.outputs[0]].shape for e in program.equations if e.op == "matmul"]
    assert shapes == [(2, 3), (2, 40), (2, 5)] or shapes == [(2, 3), (3, 5), (2, 5)]
    v, w = rng.standard_normal(30), rng.standard_normal(3)
    close(LA.multi_dot([mg.tensor(v), arrays[1], w]).numpy(), v @ arrays[1] @ w, "vectors", 1e-14)
    close(LA.multi_dot([mg.tensor(v), arrays[1]]).numpy(), v @ arrays[1], "two", 1e-14)
    grads = mg.grad(lambda *x: LA.multi_dot(x).sum(), argnums=(0, 3))(*arrays)
    close(grads[0].numpy(), np.ones((2, 5)) @ (arrays[1] @ arrays[2] @ arrays[3]).T, "gradient", 1e-13)


# Difficult places --------------------------------------------------------------------------------------


def test_determinant_of_singular_matrices(rng: np.random.Generator) -> None:
    a = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])  # rank 2
    expected = np.array([[-3.0, 6.0, -3.0], [6.0, -12.0, 6.0], [-3.0, 6.0, -3.0]])
    close(mg.grad(LA.det)(a).numpy(), expected, "rank n - 1", 1e-14)
    close(mg.jvp(LA.det, (a,), (np.eye(3),))[1].numpy(), -18.0, "rank n - 1, forward", 1e-14)
    np.testing.assert_allclose(mg.grad(LA.det)(np.ones((3, 3))), np.zeros((3, 3)), atol=1e-15)
    np.testing.assert_array_equal(mg.grad(LA.det)(np.zeros((3, 3))), np.zeros((3, 3)))
    np.testing.assert_allclose(mg.grad(LA.det)(np.diag([2.0, 0.0])), np.diag([0.0, 2.0]), atol=1e-15)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_second_derivative_of_singular_determinants(n: int, rng: np.random.Generator) -> None:
    def by_definition(x: Any) -> Any:  # a sum over permutations, of products: exact at all orders
        total = mg.tensor(0.0)
        for order in itertools.permutations(range(n)):
            term = mg.tensor(np.linalg.det(np.eye(n)[list(order)]).round())
            for row, column in enumerate(order):
                term = term * x[row, column]
            total = total + term
        return total

    for rank in range(n + 1):
        a = rng.standard_normal((n, rank)) @ rng.standard_normal((rank, n))
        exact = mg.hessian(by_definition)(a).numpy()
        size = max(np.abs(exact).max(), 1.0)
        for found in (
            mg.hessian(LA.det)(a).numpy(),
            mg.jacobian(mg.grad(LA.det))(a).numpy(),
        ):
            np.testing.assert_allclose(found, exact, atol=1e-13 * size)


def test_third_derivative_of_a_determinant(rng: np.random.Generator) -> None:
    a, s, t = rng.standard_normal((3, 3, 3))

    def second(x: Any) -> Any:
        return mg.jvp(mg.grad(LA.det), (x,), (s,))[1]

    third = mg.jvp(second, (a,), (t,))[1].numpy()
    step = 0.5  # of a 3 by 3 determinant it is linear: differences are exact
    ends = [second(a + k * step * t).numpy() for k in (1, -1)]
    close(third, (ends[0] - ends[1]) / (2 * step), "third", 1e-12)
    with pytest.raises(mg.LinAlgError, match=r"inv: input 0 is .*float64\[2, 2\].*Singular"):
        mg.jvp(mg.hessian(LA.det), (np.zeros((2, 2)),), (np.eye(2),))


def test_logarithm_of_the_determinant_does_not_overflow() -> None:
    a = np.eye(400) * 1e3
    with np.errstate(over="ignore"):
        assert np.isinf(LA.det(a))
    close(mg.grad(lambda x: LA.slogdet(x).logabsdet)(a).numpy(), np.eye(400) / 1e3, "gradient", 1e-14)
    sign, logabsdet = LA.slogdet(mg.tensor(np.zeros((2, 2)), requires_grad=True))
    assert (sign.item(), logabsdet.item()) == (0.0, -np.inf)
    with pytest.raises(mg.LinAlgError, match=r"inv: input 0 is .*float64\[2, 2\].*Singular"):
        logabsdet.backward()


@pytest.mark.parametrize("gap", [1e-2, 1e-5, 1e-8])
def test_close_eigenvalues_cost_digits_and_no_more(gap: float, rng: np.random.Generator) -> None:
    """The error of the vectors' derivative is about eps over the gap, as documented."""
    q = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    w = np.array([1.0, 1.0 + gap, 3.0])
    a = symmetrized((q * w) @ q.T)
    t = symmetrized(rng.standard_normal((3, 3)))
    # Of the projector on the third, which is well separated, nothing is lost ...
    change = q.T @ t @ q
    slopes = np.zeros((3, 3))
    slopes[2, :2] = slopes[:2, 2] = 1 / (w[2] - w[:2])
    third = mg.jvp(lambda x: mg.outer(*[LA.eigh(x).eigenvectors[:, 2]] * 2), (a,), (t,))[1].numpy()
    np.testing.assert_allclose(third, q @ (slopes * change) @ q.T, atol=1e-13 / (3 - w[1]))
    # ... of the projector on the first, digits are.
    slopes = np.zeros((3, 3))
    slopes[0, 1:] = slopes[1:, 0] = 1 / (w[0] - w[1:])
    first = mg.jvp(lambda x: mg.outer(*[LA.eigh(x).eigenvectors[:, 0]] * 2), (a,), (t,))[1].numpy()
    expected = q @ (slopes * change) @ q.T
    assert np.abs(first - expected).max() <= 200 * np.finfo(float).eps / gap * np.abs(expected).max()
    # The values and the gradient of their symmetric functions never suffer.
    total = mg.grad(lambda x: (LA.eigvalsh(x) ** 3).sum())(a).numpy()
    close(total, 3 * a @ a, "values", 1e-13)


def test_equal_eigenvalues_give_no_wrong_number() -> None:
    a = np.eye(3)
    close(mg.grad(lambda x: (LA.eigvalsh(x) ** 2).sum())(a).numpy(), 2 * np.eye(3), "values", 1e-15)
    close(mg.grad(lambda x: LA.svdvals(x).sum())(a).numpy(), np.eye(3), "values", 1e-15)
    with np.errstate(all="ignore"):
        root = mg.grad(lambda x: ((lambda w, v: (v * mg.sqrt(w)) @ v.T)(*LA.eigh(x)))[0, 1])(a)
        assert np.isnan(root.numpy()).any()  # and not 0, as leaving out the pair would give
        left = mg.grad(lambda x: ((lambda u, s, vh: (u * s**2) @ vh)(*LA.svd(x)))[0, 1])(a)
        assert np.isnan(left.numpy()).any()
    with np.errstate(invalid="ignore"), pytest.warns(RuntimeWarning, match="divide by zero"):
        mg.grad(lambda x: LA.eigh(x).eigenvectors[0, 0])(a)


def test_singular_values_near_zero(rng: np.random.Generator) -> None:
    a = np.outer([1.0, 2.0], [3.0, 4.0])  # rank 1
    close(
        mg.grad(lambda x: LA.svdvals(x)[0])(a).numpy(),
        np.linalg.svd(a)[0][:, :1] @ np.linalg.svd(a)[2][:1],
        "top",
        1e-14,
    )
    top = mg.grad(lambda x: ((lambda u, s, vh: u[:, :1] * s[:1] @ vh[:1])(*LA.svd(x)))[0, 0])(a)
    assert np.isfinite(top.numpy()).all()


@pytest.mark.parametrize("order", [None, 2, 1, 3, 1.5, 0.5, 4, np.inf])
@pytest.mark.parametrize("x", [np.zeros(3), np.array([0.0, 2.0, 0.0]), np.zeros((2, 2))])
def test_norm_at_zero_has_subgradient_zero(order: Any, x: Any) -> None:
    axis = -1 if order is not None else None
    g = mg.grad(lambda x: LA.norm(x, order, axis=axis).sum())(x).numpy()
    expected = np.zeros(x.shape)
    expected[x != 0] = 1.0
    np.testing.assert_allclose(g, expected, atol=1e-15)
    tangent = mg.jvp(lambda x: LA.norm(x, order, axis=axis).sum(), (x,), (np.ones(x.shape),))[1]
    np.testing.assert_allclose(tangent, expected.sum())
    second = mg.grad(lambda x: mg.grad(lambda y: LA.norm(y, order, axis=axis).sum())(x).sum())(x)
    assert np.isfinite(second.numpy()).all()


@pytest.mark.parametrize("order", [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_matrix_norms_at_zero_are_finite(order: Any) -> None:
    g = mg.grad(lambda x: LA.norm(x, order))(np.zeros((2, 2))).numpy()
    assert np.isfinite(g).all()


# Norms ----------------------------------------------------------------------------------------------------

VECTOR_ORDERS = [None, 0, 1, 2, 3, 0.5, 1.5, -1, -2.5, np.inf, -np.inf]
MATRIX_ORDERS = [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf]


@pytest.mark.parametrize("keepdims", [False, True])
def test_norms_are_numpys(keepdims: bool, rng: np.random.Generator) -> None:
    x = rng.standard_normal((2, 3, 4))
    calls: list[tuple[Any, Any, Any]] = [(x, None, None), (x[0], None, None), (x[0, 0], None, None)]
    calls += [(x[0, 0], o, None) for o in VECTOR_ORDERS] + [(x[0], o, None) for o in MATRIX_ORDERS]
    calls += [(x, o, a) for o in VECTOR_ORDERS for a in (0, 1, -1, (2,))]
    calls += [(x, o, a) for o in MATRIX_ORDERS for a in ((0, 1), (1, 0), (-1, 0), (1, 2))]
    calls += [(np.zeros((0, 3)), 1, 0), (np.zeros((0, 3)), np.inf, 0), (np.zeros((0, 3)), None, None)]
    for array, order, axis in calls:
        expected = np.linalg.norm(array, order, axis, keepdims)
        found = np.linalg.norm(mg.tensor(array), order, axis, keepdims)
        close(found.numpy(), expected, f"{array.shape} {order} {axis}", 1e-14)
    if hasattr(np.linalg, "vector_norm"):
        for axis in (None, 0, (0, 2), -1):
            for order in (2, 1, 3, np.inf):
                expected = np.linalg.vector_norm(x, axis=axis, ord=order, keepdims=keepdims)
                found = LA.vector_norm(mg.tensor(x), axis=axis, ord=order, keepdims=keepdims)
                close(found.numpy(), expected, f"vector {order} {axis}", 1e-14)
        for order in MATRIX_ORDERS[1:]:
            expected = np.linalg.matrix_norm(x, ord=order, keepdims=keepdims)
            found = np.linalg.matrix_norm(mg.tensor(x), ord=order, keepdims=keepdims)
            close(found.numpy(), expected, f"matrix {order}", 1e-14)


def test_half_precision_norms_do_not_overflow() -> None:
    x = mg.tensor(np.full(1000, 100.0, np.float16), requires_grad=True)
    out = LA.norm(x)
    assert (out.dtype, out.item()) == (np.float16, 3162.0)


# Wrong input ----------------------------------------------------------------------------------------------

VECTOR, FLAT, ZERO = np.ones(3), np.ones((2, 3)), np.zeros((2, 2))


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda t: LA.solve(t(FLAT), VECTOR), mg.ShapeError, r"solve: a is .*\[2, 3\].*square"),
        (lambda t: LA.solve(t(np.eye(2)), VECTOR), mg.ShapeError, r"solve: a is .*\[2, 2\].*, b is .*\[3\]; b needs 2 rows"),
        (lambda t: LA.solve(t(np.ones((2, 3, 3))), np.ones((4, 3, 1))), mg.ShapeError, r"leading sizes \[2\] and \[4\]"),
        (lambda t: LA.solve(t(ZERO), np.ones(2)), mg.LinAlgError, r"solve: input 0 is .*\[2, 2\].*Singular"),
        (lambda t: LA.inv(t(VECTOR)), mg.ShapeError, r"inv: a is .*\[3\].*; it takes square matrices"),
        (lambda t: LA.inv(t(ZERO)), mg.LinAlgError, r"inv: .*Singular"),
        (lambda t: LA.det(t(FLAT)), mg.ShapeError, r"det: a is .*\[2, 3\]"),
        (lambda t: LA.slogdet(t(FLAT)), mg.ShapeError, r"slogdet: a is .*\[2, 3\]"),
        (lambda t: LA.cholesky(t(FLAT)), mg.ShapeError, r"cholesky: a is .*\[2, 3\]"),
        (lambda t: LA.cholesky(t(ZERO)), mg.LinAlgError, r"cholesky: .*not positive definite"),
        (lambda t: LA.cholesky(t(ZERO.astype(np.longdouble))), mg.LinAlgError, r"cholesky: .*not positive definite"),
        (lambda t: LA.qr(t(VECTOR)), mg.ShapeError, r"qr: a is .*\[3\].*; it takes matrices"),
        (lambda t: LA.qr(t(FLAT), mode="full"), mg.ArgumentError, r"qr: mode is .*not 'full'"),
        (lambda t: LA.qr(t(FLAT.T), mode="complete"), mg.UnsupportedError, r"mode='complete' of .*free to turn.*mode=\"reduced\""),
        (lambda t: LA.qr(t(FLAT), mode="raw"), mg.UnsupportedError, r"mode='raw' of .*no derivative"),
        (lambda t: LA.eigh(t(FLAT)), mg.ShapeError, r"eigh: a is .*\[2, 3\]"),
        (lambda t: LA.eigh(t(ZERO), UPLO="X"), mg.ArgumentError, r"eigh: UPLO is \"L\" or \"U\", not 'X'"),
        (lambda t: LA.svd(t(FLAT)), mg.UnsupportedError, r"svd: full_matrices=True of .*\[2, 3\].*full_matrices=False"),
        (lambda t: LA.svd(t(ZERO * np.nan)), mg.LinAlgError, r"svd: a holds NaN or infinity"),
        (lambda t: LA.svdvals(t(ZERO + np.inf)), mg.LinAlgError, r"svd: a holds NaN or infinity"),
        (lambda t: LA.pinv(t(ZERO + np.inf)), mg.LinAlgError, r"pinv: a holds NaN or infinity"),
        (lambda t: LA.pinv(t(ZERO), rcond=mg.tensor(0.1, requires_grad=True)), mg.GradientError, r"pinv: rcond is data"),
        (lambda t: LA.lstsq(t(FLAT), np.ones(3)), mg.ShapeError, r"lstsq: a is .*\[2, 3\].*, b is .*\[3\]"),
        (lambda t: LA.norm(t(VECTOR), "fro"), mg.ArgumentError, r"norm: 'fro' is for matrices"),
        (lambda t: LA.norm(t(FLAT), 3), mg.ArgumentError, r"norm: for matrices ord is .*ord=3"),
        (lambda t: LA.norm(t(FLAT), axis=2), mg.ArgumentError, r"norm: axis 2 is out of range.*\[2, 3\]"),
        (lambda t: LA.norm(t(FLAT), axis=(0, 0)), mg.ArgumentError, r"names a dimension twice"),
        (lambda t: LA.norm(t(np.ones((2, 2, 2))), 2), mg.ArgumentError, r"say which one or two axes"),
        (lambda t: LA.norm(t(np.ones((2, 2, 2))), axis=(0, 1, 2)), mg.ArgumentError, r"one axis holds vectors"),
        (lambda t: LA.vector_norm(t(FLAT), axis=5), mg.ArgumentError, r"vector_norm: axis 5"),
        (lambda t: LA.vector_norm(t(FLAT), ord="nuc"), mg.ArgumentError, r"vector_norm: ord is a number"),
        (lambda t: LA.matrix_norm(t(VECTOR)), mg.ShapeError, r"matrix_norm: x is .*\[3\]"),
        (lambda t: LA.cond(t(FLAT), 1), mg.ShapeError, r"cond: x is .*square"),
        (lambda t: LA.matrix_power(t(FLAT), 2), mg.ShapeError, r"matrix_power: a is .*\[2, 3\]"),
        (lambda t: LA.matrix_power(t(ZERO), 0.5), mg.ArgumentError, r"exponent is an integer, not 0.5"),
        (lambda t: LA.matrix_power(t(ZERO), -1), mg.LinAlgError, r"Singular"),
        (lambda t: LA.multi_dot([t(ZERO)]), mg.ArgumentError, r"at least two matrices, and got 1"),
        (lambda t: LA.multi_dot([t(ZERO), VECTOR, ZERO]), mg.ShapeError, r"multi_dot: factor 1 .*\[3\], the next"),
        (lambda t: LA.multi_dot([t(ZERO), np.ones((3, 2)), ZERO]), mg.ShapeError, r"neighbouring sizes agree"),
        (lambda t: LA.expm(t(FLAT)), mg.ShapeError, r"expm: a is .*\[2, 3\]"),
        (lambda t: LA.expm(t(ZERO.astype(np.longdouble))), mg.DtypeError, r"expm: .*no long double"),
        (lambda t: LA.solve(t(ZERO.astype(np.longdouble)), VECTOR[:2]), mg.DtypeError, r"solve: .*unsupported in linalg"),
        (lambda t: LA.solve_triangular(t(ZERO), np.ones(2)), mg.LinAlgError, r"zero on the diagonal of a.*\[2, 2\]"),
        (lambda t: LA.solve_triangular(t(ZERO), np.ones(2), trans="C"), mg.ArgumentError, r"trans is 0, 1"),
        (lambda t: LA.solve_triangular(t(ZERO), VECTOR), mg.ShapeError, r"solve_triangular: .*b needs 2 rows"),
        (lambda t: LA.tensorsolve(t(FLAT), np.ones(2)), mg.ShapeError, r"tensorsolve: a is .*\[2, 3\].*, b is .*\[2\]"),
        (lambda t: LA.tensorinv(t(FLAT), ind=1), mg.ShapeError, r"first 1 axes have 2 elements"),
        (lambda t: LA.tensorinv(t(FLAT), ind=0), mg.ArgumentError, r"ind is a positive number"),
    ],
)  # fmt: skip
def test_wrong_input(act: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        act(lambda x: mg.tensor(x, requires_grad=True))


def test_linalg_errors_are_numpys_too() -> None:
    with pytest.raises(np.linalg.LinAlgError):
        mg.linalg.inv(mg.tensor(ZERO))


@pytest.mark.parametrize("name", ["eig", "eigvals"])
def test_complex_eigenvalues_are_refused(name: str) -> None:
    for function in (getattr(LA, name), getattr(np.linalg, name)):
        with pytest.raises(mg.UnsupportedError, match=r"not symmetric are complex.*mg.linalg.eigh"):
            function(mg.tensor(np.eye(2)))


@pytest.mark.parametrize("name", mg.fft.__all__)
def test_fourier_transforms_are_refused(name: str) -> None:
    for function in (getattr(mg.fft, name), getattr(np.fft, name)):
        message = r"mg.roll" if name.endswith("shift") else r"complex numbers are out"
        with pytest.raises(mg.UnsupportedError, match=rf"fft.{name}.*{message}"):
            function(mg.tensor([1.0, 2.0]))
    assert {"fft", "rfft", "irfft2", "fftn"} <= set(mg.fft.__all__)


def test_what_has_no_derivative_is_computed_without_one(rng: np.random.Generator) -> None:
    a = rng.standard_normal((4, 2))
    for x in (mg.tensor(a), mg.tensor(a, requires_grad=True).detach()):
        u, _s, _vh = LA.svd(x)
        assert (type(u), u.shape) == (mg.Tensor, (4, 4))
        assert LA.qr(x, mode="complete").Q.shape == (4, 4)
    assert not LA.matrix_rank(mg.tensor(a, requires_grad=True)).requires_grad


# PyTorch ----------------------------------------------------------------------------------------------------


def tall_and_wide(torch_name: str = "") -> list[Any]:
    return TALL + WIDE


PEERS: dict[str, tuple[Any, Any, Any, list[Any]]] = {
    # name: ours, theirs, inputs, shapes
    "inv": (LA.inv, lambda la, x: la.inv(x), regular, SQUARE),
    "det": (LA.det, lambda la, x: la.det(x), regular, SQUARE),
    "slogdet": (lambda x: LA.slogdet(x)[1], lambda la, x: la.slogdet(x)[1], regular, SQUARE),
    "cholesky": (
        lambda x: LA.cholesky(symmetrized(x)), lambda la, x: la.cholesky(symmetrized(x)), definite, SQUARE,
    ),
    "qr": (LA.qr, lambda la, x: la.qr(x), regular, TALL + [(2, 3), (1, 4), (2, 2, 3)]),
    "eigvalsh": (
        lambda x: LA.eigvalsh(symmetrized(x)), lambda la, x: la.eigvalsh(symmetrized(x)), apart, SQUARE,
    ),
    "eigh": (
        lambda x: (lambda w, v: (w, (v * mg.exp(w[..., None, :])) @ v.swapaxes(-1, -2), v * v))(
            *LA.eigh(symmetrized(x))
        ),
        lambda la, x: (lambda w, v: (w, (v * w[..., None, :].exp()) @ v.mT, v * v))(
            *la.eigh(symmetrized(x))
        ),
        apart, SQUARE,
    ),
    "svdvals": (LA.svdvals, lambda la, x: la.svdvals(x), regular, TALL + WIDE),
    "svd": (
        lambda x: (lambda u, s, vh: (s, (u * s[..., None, :] ** 2) @ vh, u * u, vh * vh))(
            *LA.svd(x, full_matrices=False)
        ),
        lambda la, x: (lambda u, s, vh: (s, (u * s[..., None, :] ** 2) @ vh, u * u, vh * vh))(
            *la.svd(x, full_matrices=False)
        ),
        regular, TALL + WIDE,
    ),
    "pinv": (LA.pinv, lambda la, x: la.pinv(x), regular, TALL + WIDE),
    "expm": (LA.expm, lambda la, x: la.matrix_exp(x), regular, SQUARE),
    "matrix_power": (
        lambda x: (LA.matrix_power(x, 5), LA.matrix_power(x, -2)),
        lambda la, x: (la.matrix_power(x, 5), la.matrix_power(x, -2)), regular, SQUARE,
    ),
    "cond": (LA.cond, lambda la, x: la.cond(x), regular, (TALL + WIDE)[1:]),
    "cond fro": (
        lambda x: LA.cond(x, "fro"), lambda la, x: la.matrix_norm(x) * la.matrix_norm(la.inv(x)),
        regular, [(4, 4), *SQUARE[1:]],
    ),
    "diagonal": (LA.diagonal, lambda la, x: la.diagonal(x), regular, TALL + WIDE),
    "trace": (
        LA.trace, lambda la, x: la.diagonal(x).sum(-1), regular, TALL + WIDE,
    ),
    **{
        f"matrix_norm {order}": (
            lambda x, order=order: LA.matrix_norm(x, ord=order),
            lambda la, x, order=order: la.matrix_norm(x, ord=order), regular, TALL + WIDE,
        )
        for order in MATRIX_ORDERS[1:]
    },
    **{
        f"vector_norm {order}": (
            lambda x, order=order: LA.vector_norm(x, ord=order, axis=-1),
            lambda la, x, order=order: la.vector_norm(x, ord=order, dim=-1), regular, TALL + WIDE,
        )
        for order in (2, 1, 3, 1.5, 4, np.inf, -np.inf, -2)
    },
}  # fmt: skip
SINGLE = [(name, shape) for name, (_, _, _, shapes) in PEERS.items() for shape in shapes]


@pytest.mark.torch
@pytest.mark.parametrize(("name", "shape"), SINGLE, ids=[f"{n} {s}" for n, s in SINGLE])
def test_against_pytorch(name: str, shape: Any, rng: np.random.Generator) -> None:
    import torch

    ours, theirs, make, _ = PEERS[name]
    agree_with_torch(ours, lambda x: theirs(torch.linalg, x), [make(rng, shape)])


@pytest.mark.torch
@pytest.mark.parametrize("shape", SQUARE, ids=str)
def test_cholesky_gradient_is_pytorchs(shape: Any, rng: np.random.Generator) -> None:
    import torch

    agree_with_torch(LA.cholesky, torch.linalg.cholesky, [definite(rng, shape)], second=False)
    agree_with_torch(
        lambda x: LA.cholesky(x, upper=True), lambda x: torch.linalg.cholesky(x, upper=True),
        [definite(rng, shape)], second=False,
    )  # fmt: skip


PAIRS = [
    ((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (2, 3, 2)), ((2, 3, 3), (3, 2)), ((3, 3), (2, 3, 1)),
    ((2, 1, 2, 2), (3, 2, 2)), ((1, 1), (1, 1)),
]  # fmt: skip


@pytest.mark.torch
@pytest.mark.parametrize("shapes", PAIRS, ids=str)
def test_systems_against_pytorch(shapes: Any, rng: np.random.Generator) -> None:
    import torch

    arrays = [regular(rng, shapes[0]), rng.standard_normal(shapes[1])]
    agree_with_torch(LA.solve, torch.linalg.solve, arrays)
    for lower in (True, False):
        for unit in (True, False):
            agree_with_torch(
                lambda a, b, lower=lower, unit=unit: LA.solve_triangular(a, b, 0, lower, unit),
                lambda a, b, lower=lower, unit=unit: torch.linalg.solve_triangular(
                    a, b if b.ndim > 1 else b[:, None], upper=not lower, unitriangular=unit
                ).reshape(np.broadcast_shapes(a.shape[:-2], b.shape[:-2]) + b.shape[-2:]),
                arrays,
            )


LEAST = [
        ((3, 3), (3, 2)),
        ((4, 2), (4, 1)),
        ((4, 2), (4, 3)),
        ((6, 3), (6, 2)),
        ((5, 1), (5, 1)),
        ((1, 1), (1, 2)),
    ]  # fmt: skip


@pytest.mark.torch
@pytest.mark.parametrize("shapes", LEAST, ids=str)
def test_least_squares_against_pytorch(shapes: Any, rng: np.random.Generator) -> None:
    import torch

    arrays = [regular(rng, shapes[0]), rng.standard_normal(shapes[1])]
    agree_with_torch(
        lambda a, b: LA.lstsq(a, b)[0], lambda a, b: torch.linalg.lstsq(a, b).solution, arrays
    )


CHAINS = [
        ((2, 3), (3, 4)), ((2, 3), (3, 4), (4, 2)), ((3,), (3, 4), (4,)), ((2, 5), (5, 1), (1, 5), (5, 2)),
        ((1, 1), (1, 1)), ((2, 3), (3, 4), (4,)),
    ]  # fmt: skip


@pytest.mark.torch
@pytest.mark.parametrize("shapes", CHAINS, ids=str)
def test_products_of_many_against_pytorch(shapes: Any, rng: np.random.Generator) -> None:
    import torch

    arrays = [rng.standard_normal(s) for s in shapes]
    agree_with_torch(lambda *x: LA.multi_dot(x), lambda *x: torch.linalg.multi_dot(x), arrays)


TENSORS = [
        ((6, 2, 3), (6,)),
        ((2, 3, 6), (2, 3)),
        ((4, 4), (4,)),
        ((2, 2, 4), (2, 2)),
        ((1, 1), (1,)),
        ((4, 2, 2), (4,)),
    ]  # fmt: skip


@pytest.mark.torch
@pytest.mark.parametrize("shapes", TENSORS, ids=str)
def test_tensor_systems_against_pytorch(shapes: Any, rng: np.random.Generator) -> None:
    import torch

    n = int(np.sqrt(np.prod(shapes[0])))
    a, b = regular(rng, (n, n)).reshape(shapes[0]), rng.standard_normal(shapes[1])
    agree_with_torch(LA.tensorsolve, torch.linalg.tensorsolve, [a, b])
    ind = len(shapes[1])
    agree_with_torch(lambda a: LA.tensorinv(a, ind), lambda a: torch.linalg.tensorinv(a, ind), [a])
