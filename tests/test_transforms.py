"""The transforms: grad, value_and_grad, vjp, jvp, jacobian, hessian, hvp, and their nesting."""

from __future__ import annotations

import functools
import itertools
import math
import weakref
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg

Pair = namedtuple("Pair", "first second")
Function = Callable[..., Any]


# Higher orders against analytic values ---------------------------------------------------------


def forward(f: Function) -> Function:
    """The derivative of a scalar function by forward mode."""
    return lambda x: mg.jvp(f, (x,), (1.0,))[1]


def nth(f: Function, modes: tuple[Function, ...]) -> Function:
    return functools.reduce(lambda g, mode: mode(g), modes, f)


def rising(a: float, n: int) -> float:
    return math.prod(a - k for k in range(n))


TANH_5 = 16.0, -120.0, 120.0  # tanh'''''(x) = (16 - 120 t^2 + 120 t^4)(1 - t^2), t = tanh x

FIFTH = {
    "sin": (mg.sin, 0.7, math.cos(0.7)),
    "cos": (mg.cos, 0.7, -math.sin(0.7)),
    "exp": (mg.exp, 0.7, math.exp(0.7)),
    "log": (mg.log, 0.7, 24 / 0.7**5),
    "sqrt": (mg.sqrt, 0.7, rising(0.5, 5) * 0.7**-4.5),
    "seventh power": (lambda x: x**7, 0.7, rising(7, 5) * 0.7**2),
    "fourth power vanishes": (lambda x: x**4, 0.7, 0.0),
    "power 2.5": (lambda x: x**2.5, 0.7, rising(2.5, 5) * 0.7**-2.5),
    "base 3": (lambda x: 3.0**x, 0.7, math.log(3) ** 5 * 3**0.7),
    "reciprocal": (lambda x: 1.0 / x, 0.7, -120 / 0.7**6),
    "square in a quotient": (lambda x: x * x / (x - 2.0), 0.7, -480 / (0.7 - 2.0) ** 6),
    "tanh": (
        mg.tanh,
        0.7,
        (TANH_5[0] + TANH_5[1] * math.tanh(0.7) ** 2 + TANH_5[2] * math.tanh(0.7) ** 4)
        * (1 - math.tanh(0.7) ** 2),
    ),
    "x^x": (lambda x: x**x, 1.0, 10.0),
    "through mean, broadcast and indexing": (
        lambda x: mg.mean((mg.broadcast_to(x, (2, 3)) * np.arange(1.0, 4.0)) ** 5, axis=1)[1],
        0.7,
        120.0 * (1 + 32 + 243) / 3,
    ),
}


@pytest.mark.parametrize("name", FIFTH)
@pytest.mark.parametrize("mode", [mg.grad, forward], ids=["reverse", "forward"])
def test_fifth_derivative(name: str, mode: Function) -> None:
    f, at, expected = FIFTH[name]
    assert nth(f, (mode,) * 5)(at).item() == pytest.approx(expected, rel=1e-11, abs=1e-11)


MIXTURES = list(itertools.product((mg.grad, forward), repeat=4))


@pytest.mark.parametrize("modes", MIXTURES, ids=lambda m: "".join(f.__name__[0] for f in m))
def test_every_mixture_of_modes(modes: tuple[Function, ...]) -> None:
    """The n-th derivative of e^x sin x is 2^(n/2) e^x sin(x + n pi/4)."""
    x = 0.3
    for n in range(1, 5):
        expected = 2 ** (n / 2) * math.exp(x) * math.sin(x + n * math.pi / 4)
        got = nth(lambda x: mg.exp(x) * mg.sin(x), modes[:n])(x).item()
        assert got == pytest.approx(expected, rel=1e-12)


def test_taylor_series_of_a_sigmoid() -> None:
    """All derivatives up to the sixth at once, at 0: 1/2, 1/4, 0, -1/8, 0, 1/4, 0."""
    f, found = mg.sigmoid, []
    for _ in range(7):
        found.append(f(mg.tensor(0.0)).item())
        f = mg.grad(f)
    np.testing.assert_allclose(found, [0.5, 0.25, 0, -0.125, 0, 0.25, 0], atol=1e-14)


# Nesting -----------------------------------------------------------------------------------


@pytest.mark.parametrize("outer", [mg.grad, forward], ids=["reverse", "forward"])
@pytest.mark.parametrize("inner", [mg.grad, forward], ids=["reverse", "forward"])
class TestPerturbationConfusion:
    def test_sum(self, outer: Function, inner: Function) -> None:
        assert outer(lambda x: x * inner(lambda y: x + y)(1.0))(1.0).item() == 1.0

    def test_product(self, outer: Function, inner: Function) -> None:
        # d/dx [x d/dy (x y^2) at y = 3] = d/dx 6 x^2 = 12 x
        assert outer(lambda x: x * inner(lambda y: x * y * y)(3.0))(2.0).item() == 24.0

    def test_same_tensor_in_both_roles(self, outer: Function, inner: Function) -> None:
        # d/dx [d/dy (x y^2) at y = x] = d/dx 2 x^2
        assert outer(lambda x: inner(lambda y: x * y * y)(x))(5.0).item() == 20.0

    def test_three_levels(self, outer: Function, inner: Function) -> None:
        # f(x) = d/dy [ y d/dz (x y z^3) at z=2 ] at y=3 = d/dy 12 x y^2 = 72 x
        def f(x: Any) -> Any:
            return outer(lambda y: y * inner(lambda z: x * y * z**3)(2.0))(3.0)

        assert inner(f)(7.0).item() == 72.0

    def test_shift_operator(self, outer: Function, inner: Function) -> None:
        """Siskind's example: a derivative that returns a function which is differentiated again."""

        def shifted(offset: Any) -> Function:
            return lambda f: lambda x: f(x + offset)

        def twice(f: Function) -> Function:
            return outer(lambda x: inner(shifted(x)(f))(0.0))

        # d/dx f'(x) = f''(x) for f = y^3
        assert twice(lambda y: y**3)(2.0).item() == 12.0


def test_an_inner_gradient_is_a_constant_when_it_does_not_depend() -> None:
    inner = []

    def f(x: Any) -> Any:
        g = mg.grad(lambda y: y * y)(3.0)
        inner.append(g.requires_grad)
        return x * g

    assert mg.grad(f)(1.0).item() == 6.0
    assert inner == [False]


def test_gradient_of_a_tracked_tensor_reaches_both() -> None:
    """The argument of an inner gradient may itself be a tracked leaf."""
    x = mg.tensor(2.0, requires_grad=True)
    slope = mg.grad(lambda y: y**3)(x)
    assert slope.item() == 12.0
    slope.backward()
    assert x.grad.item() == 12.0  # 6 x


def test_closures_over_parameters_in_a_class() -> None:
    w = mg.tensor([1.0, 2.0], requires_grad=True)

    def energy(x: Any) -> Any:
        return (w * x * x).sum()

    force = mg.grad(energy)(np.array([3.0, 4.0]))
    np.testing.assert_array_equal(force.numpy(), [6.0, 16.0])
    (force * force).sum().backward()  # a loss on forces: d/dw sum (2 w x)^2 = 8 w x^2
    np.testing.assert_array_equal(w.grad.numpy(), [72.0, 256.0])


def test_gradient_inside_no_grad() -> None:
    with mg.no_grad():
        g = mg.grad(lambda x: x**3)(2.0)
        second = mg.grad(mg.grad(lambda x: x**3))(2.0)
        h = mg.hessian(lambda x: (x**3).sum())(np.array([2.0]))
    assert (g.item(), second.item(), h.item()) == (12.0, 12.0, 12.0)
    assert not g.requires_grad


def test_gradient_of_a_tracked_tensor_inside_no_grad_is_cut() -> None:
    x = mg.tensor(2.0, requires_grad=True)
    with mg.no_grad():
        g = mg.grad(lambda y: y**3)(x)
    assert g.item() == 12.0
    assert not g.requires_grad


def test_no_grad_inside_the_function() -> None:
    def f(x: Any) -> Any:
        with mg.no_grad():
            factor = x * 10.0
        return factor * x

    assert mg.grad(f)(2.0).item() == 20.0
    assert mg.jvp(f, (2.0,), (1.0,))[1].item() == 20.0


@pytest.mark.parametrize("cut", [mg.stop_gradient, lambda x: x.detach()], ids=["stop", "detach"])
def test_stop_gradient(cut: Function) -> None:
    assert mg.grad(lambda x: cut(x) * x)(3.0).item() == 3.0
    assert mg.jvp(lambda x: cut(x) * x, (3.0,), (1.0,))[1].item() == 3.0
    assert mg.grad(mg.grad(lambda x: cut(x) * x * x))(3.0).item() == 6.0


# Containers and arguments --------------------------------------------------------------------


def loss(tree: Any) -> Any:
    total = mg.tensor(0.0)
    for k, leaf in enumerate(mg.transforms.flatten(tree)[0]):
        total = total + (leaf * leaf * (k + 1.0)).sum()
    return total


TREES = {
    "dict": {"b": np.array([1.0, 2.0]), "a": 3.0},
    "list": [1.0, 2.0],
    "tuple": (1.0, np.ones((2, 2))),
    "named tuple": Pair(1.0, [2.0, 3.0]),
    "nested": {"layers": [{"w": np.ones((2, 3)), "b": np.zeros(3)}, (1.0, None)], "scale": 2.0},
    "with None": [1.0, None, 2.0],
    "tensors": {"w": mg.tensor([1.0, 2.0]), "b": mg.tensor(3.0)},
}


@pytest.mark.parametrize("name", TREES)
def test_gradient_has_the_structure_of_the_argument(name: str) -> None:
    tree = TREES[name]
    value, gradient = mg.value_and_grad(loss)(tree)
    leaves, rebuild = mg.transforms.flatten(tree)
    expected = [2.0 * (k + 1) * np.asarray(leaf) for k, leaf in enumerate(leaves)]
    assert type(gradient) is type(tree)
    found = mg.transforms.flatten(gradient)[0]
    assert len(found) == len(expected)
    for got, want in zip(found, expected, strict=True):
        np.testing.assert_array_equal(got.numpy(), want)
    assert repr(rebuild(["x"] * len(leaves))) == repr(mg.tree_map(lambda _: "x", gradient))
    total = sum(float(np.sum(g * g)) / (4 * (k + 1)) for k, g in enumerate(expected))
    assert value.item() == pytest.approx(total)
    order = list(gradient) if isinstance(tree, dict) else None
    assert order is None or order == list(tree)


def test_containers_through_vjp_and_jvp() -> None:
    def f(p: Any, q: Any) -> Any:
        return {"sum": p["a"] + q[0], "both": (p["a"] * q[1], [q[0]])}

    p, q = {"a": np.array([1.0, 2.0])}, [np.array([3.0, 4.0]), 5.0]
    out, pullback = mg.vjp(f, p, q)
    assert out["both"][0].tolist() == [5.0, 10.0]
    dp, dq = pullback({"sum": np.ones(2), "both": (np.ones(2), [np.zeros(2)])})
    assert dp["a"].tolist() == [6.0, 6.0]
    assert dq[0].tolist() == [1.0, 1.0]
    assert dq[1].item() == 3.0
    _, tangent = mg.jvp(f, (p, q), ({"a": np.ones(2)}, [np.zeros(2), 0.0]))
    assert tangent["sum"].tolist() == [1.0, 1.0]
    assert tangent["both"][0].tolist() == [5.0, 5.0]
    assert tangent["both"][1][0].tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("argnums", "expected"),
    [(0, 6.0), (1, 3.0), (-1, 3.0), (-2, 6.0), ((0, 1), (6.0, 3.0)), ((1, 0), (3.0, 6.0)), ([1], (3.0,))],
)  # fmt: skip
def test_argnums(argnums: Any, expected: Any) -> None:
    got = mg.grad(lambda x, y: x * y, argnums=argnums)(3.0, 6.0)
    if isinstance(argnums, int):
        assert got.item() == expected
    else:
        assert isinstance(got, tuple)
        assert tuple(g.item() for g in got) == expected


def test_other_arguments_may_be_anything() -> None:
    def f(w: Any, labels: Any, *, power: int, mode: str) -> Any:
        assert mode == "fast"
        return (w[labels] ** power).sum()

    g = mg.grad(f)(np.array([1.0, 2.0, 3.0]), np.array([0, 2, 2]), power=2, mode="fast")
    assert g.tolist() == [2.0, 0.0, 12.0]


def test_has_aux() -> None:
    def f(x: Any) -> Any:
        y = x * x
        return y.sum(), {"y": y, "text": "kept", "count": 3}

    gradient, aux = mg.grad(f, has_aux=True)(np.array([1.0, 2.0]))
    assert gradient.tolist() == [2.0, 4.0]
    assert aux["y"].tolist() == [1.0, 4.0]
    assert (aux["text"], aux["count"]) == ("kept", 3)
    assert not aux["y"].requires_grad
    (value, aux), gradient = mg.value_and_grad(f, has_aux=True)(np.array([1.0, 2.0]))
    assert (value.item(), aux["count"], gradient.tolist()) == (5.0, 3, [2.0, 4.0])


def test_aux_of_an_inner_gradient_is_differentiated() -> None:
    def f(x: Any) -> Any:
        slope, aux = mg.grad(lambda y: (y**3, y * y), has_aux=True)(x)
        return slope + aux  # 3 x^2 + x^2

    assert mg.grad(f)(2.0).item() == 16.0


def test_the_same_tensor_in_two_places() -> None:
    x = mg.tensor(3.0)
    assert [g.item() for g in mg.grad(lambda a, b: a * a * b, argnums=(0, 1))(x, x)] == [18.0, 9.0]
    assert mg.grad(lambda a: a * x)(x).item() == 3.0


def test_outputs_that_are_inputs_or_constants() -> None:
    out, pullback = mg.vjp(lambda x, y: (x, x, mg.tensor(1.0)), 2.0, 3.0)
    assert [o.item() for o in out] == [2.0, 2.0, 1.0]
    assert [g.item() for g in pullback((10.0, 100.0, 1000.0))] == [110.0, 0.0]
    assert [t.item() for t in mg.jvp(lambda x: (x, mg.tensor(1.0)), (2.0,), (5.0,))[1]] == [5.0, 0.0]
    assert mg.grad(lambda x: mg.tensor(1.0))(2.0).item() == 0.0


def test_python_numbers_and_dtypes() -> None:
    g = mg.grad(lambda x: x * x)(3.0)
    assert (g.shape, g.dtype) == ((), np.dtype(float))
    g = mg.grad(lambda x: (x * x).sum())(np.ones(3, "f4"))
    assert g.dtype == np.float32


def test_wrapped_functions_keep_their_name() -> None:
    def energy(x: Any) -> Any:
        """Squares."""
        return x * x

    for transform in (mg.grad, mg.value_and_grad, mg.jacobian, mg.hessian):
        assert transform(energy).__name__ == "energy"
        assert transform(energy).__doc__ == "Squares."
    partial = functools.partial(lambda a, x: a * x * x, 2.0)
    assert mg.grad(partial)(3.0).item() == 12.0


def test_numpys_functions_inside() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.exp(np.sin(x)) * np.maximum(x, 0.0)) + np.mean(np.transpose(x) @ x)

    x = np.array([[0.3, -0.2], [0.5, 0.1]])
    h = 1e-6
    expected = np.zeros_like(x)

    def plain(x: Any) -> float:
        return float(np.sum(np.exp(np.sin(x)) * np.maximum(x, 0.0)) + np.mean(x.T @ x))

    for i in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[i] = h
        expected[i] = (plain(x + e) - plain(x - e)) / (2 * h)
    np.testing.assert_allclose(mg.grad(f)(x).numpy(), expected, rtol=1e-7)


# vjp and jvp -----------------------------------------------------------------------------


def test_pullback_is_linear_and_can_be_called_again(rng: np.random.Generator) -> None:
    x, y = rng.standard_normal((2, 3, 4))
    _, pullback = mg.vjp(lambda x, y: mg.tanh(x * y) @ mg.transpose(y), x, y)
    a, b = rng.standard_normal((2, 3, 3))
    one, other, both = pullback(a), pullback(b), pullback(2.0 * a - 3.0 * b)
    for p, q, r in zip(one, other, both, strict=True):
        np.testing.assert_allclose(r.numpy(), 2.0 * p.numpy() - 3.0 * q.numpy(), rtol=1e-11, atol=1e-13)
    again = pullback(a)
    assert all(p.numpy().tobytes() == q.numpy().tobytes() for p, q in zip(one, again, strict=True))


def test_pullback_is_differentiable_in_its_cotangent() -> None:
    _, pullback = mg.vjp(lambda x: x**2, np.array([1.0, 2.0]))
    g = mg.grad(lambda c: (pullback(c)[0] ** 2).sum())(np.array([1.0, 1.0]))
    assert g.tolist() == [8.0, 32.0]  # sum (2 x c)^2, differentiated: 8 x^2 c


def test_tangents_compose(rng: np.random.Generator) -> None:
    x, v = rng.standard_normal((2, 5))

    def inner(x: Any) -> Any:
        return mg.sin(x) * x

    def outer(x: Any) -> Any:
        return mg.exp(x) / (1.0 + x * x)

    y, dy = mg.jvp(inner, (x,), (v,))
    _, chained = mg.jvp(outer, (y,), (dy,))
    _, at_once = mg.jvp(lambda x: outer(inner(x)), (x,), (v,))
    np.testing.assert_allclose(chained.numpy(), at_once.numpy(), rtol=1e-14)


def test_results_do_not_hold_the_graph() -> None:
    seen = []

    def f(x: Any) -> Any:
        y = mg.exp(x)
        seen.append(weakref.ref(y))
        return (y * y).sum()

    x = np.ones(3)
    results = [mg.value_and_grad(f)(x), mg.grad(f)(x), mg.jvp(f, (x,), (x,)), mg.jacobian(f)(x)]
    assert len(seen) == 4
    assert all(r() is None for r in seen)
    assert not any(t.requires_grad for t in mg.transforms.flatten(results)[0])


# Jacobians and Hessians ------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["auto", "reverse", "forward"])
class TestJacobian:
    def test_analytic(self, mode: str) -> None:
        a = np.arange(6.0).reshape(2, 3)
        j = mg.jacobian(lambda x: mg.matmul(a, mg.sin(x)), mode=mode)(np.array([0.1, 0.2, 0.3]))
        np.testing.assert_allclose(j.numpy(), a * np.cos([0.1, 0.2, 0.3]), rtol=1e-14)

    def test_shapes_of_matrices(self, mode: str) -> None:
        x = np.arange(6.0).reshape(2, 3)
        j = mg.jacobian(lambda x: mg.transpose(x) * 2.0, mode=mode)(x)
        assert j.shape == (3, 2, 2, 3)
        expected = 2.0 * np.einsum("ac,bd->abdc", np.eye(3), np.eye(2))
        np.testing.assert_array_equal(j.numpy(), expected)

    def test_structures(self, mode: str) -> None:
        def f(p: Any, y: Any) -> Any:
            return {"u": p["w"] * y, "v": (p["w"] * p["w"]).sum()}

        j = mg.jacobian(f, argnums=(0, 1), mode=mode)({"w": np.array([1.0, 2.0])}, np.array([3.0, 4.0]))
        assert j["u"][0]["w"].tolist() == [[3.0, 0.0], [0.0, 4.0]]
        assert j["u"][1].tolist() == [[1.0, 0.0], [0.0, 2.0]]
        assert j["v"][0]["w"].tolist() == [2.0, 4.0]
        assert j["v"][1].tolist() == [0.0, 0.0]

    @pytest.mark.parametrize(("rows", "columns"), [(0, 3), (3, 0), (0, 0)])
    def test_empty(self, mode: str, rows: int, columns: int) -> None:
        j = mg.jacobian(lambda x: mg.matmul(np.ones((rows, columns)), x), mode=mode)(np.ones(columns))
        assert j.shape == (rows, columns)

    def test_differentiated_again(self, mode: str) -> None:
        third = mg.jacobian(mg.jacobian(lambda x: x**3, mode=mode), mode=mode)(np.array([1.0, 2.0]))
        expected = np.zeros((2, 2, 2))
        expected[0, 0, 0], expected[1, 1, 1] = 6.0, 12.0
        np.testing.assert_array_equal(third.numpy(), expected)

    def test_scalars(self, mode: str) -> None:
        assert mg.jacobian(lambda x: x * x, mode=mode)(3.0).item() == 6.0


def rosenbrock(x: Any) -> Any:
    return (1.0 - x[0]) ** 2 + 100.0 * (x[1] - x[0] ** 2) ** 2


def test_hessian_of_rosenbrock() -> None:
    a, b = -1.2, 1.0
    expected = [[2 - 400 * (b - 3 * a * a), -400 * a], [-400 * a, 200.0]]
    np.testing.assert_allclose(mg.hessian(rosenbrock)(np.array([a, b])).numpy(), expected, rtol=1e-13)


def test_hessian_of_a_quadratic_form(rng: np.random.Generator) -> None:
    a = rng.standard_normal((4, 4))
    h = mg.hessian(lambda x: x @ (a @ x))(rng.standard_normal(4))
    np.testing.assert_allclose(h.numpy(), a + a.T, rtol=1e-13)


def test_hessian_in_several_arguments() -> None:
    h = mg.hessian(lambda x, y: x * x * y, argnums=(0, 1))(3.0, 5.0)
    assert [[e.item() for e in row] for row in h] == [[10.0, 6.0], [6.0, 0.0]]


def test_hvp_is_hessian_times_vector(rng: np.random.Generator) -> None:
    def f(x: Any) -> Any:
        return mg.logsumexp(mg.tanh(x) * np.arange(4.0)) + (x[1:] * x[:-1]).sum()

    x, v = rng.standard_normal((2, 4))
    h = mg.hessian(f)(x).numpy()
    np.testing.assert_allclose(h, h.T, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(mg.hvp(f, (x,), (v,)).numpy(), h @ v, rtol=1e-12)
    by_reverse = mg.grad(lambda x: (mg.grad(f)(x) * v).sum())(x)
    np.testing.assert_allclose(by_reverse.numpy(), h @ v, rtol=1e-12)


def test_hvp_with_several_arguments() -> None:
    got = mg.hvp(lambda x, y: x * x * y, (3.0, 5.0), (1.0, 2.0))
    assert [g.item() for g in got] == [10.0 + 12.0, 6.0]


def test_jacobian_of_indexing_writes() -> None:
    def f(x: Any, v: Any) -> Any:
        return x.at[1].set(v).at[[0, 0]].add(v * 2.0)

    jx, jv = mg.jacobian(f, argnums=(0, 1))(np.array([1.0, 2.0, 3.0]), 7.0)
    np.testing.assert_array_equal(jx.numpy(), np.diag([1.0, 0.0, 1.0]))
    assert jv.tolist() == [4.0, 1.0, 0.0]


def test_nested_tangents_and_cotangents_go_by_their_keys() -> None:
    """Not by the order in which a dict was written."""
    p = {"w": 2.0, "b": 5.0}
    assert mg.jvp(lambda p: p["w"] * p["b"], (p,), ({"b": 0.0, "w": 1.0},))[1].item() == 5.0
    _, pull = mg.vjp(lambda x: {"u": x, "v": 2 * x}, 3.0)
    assert pull({"v": 1.0, "u": 0.0})[0].item() == 2.0
    assert mg.hvp(lambda p: p["w"] ** 3 * p["b"], (p,), ({"b": 0.0, "w": 1.0},))["w"].item() == 60.0


@pytest.mark.parametrize("who", ["jvp", "hvp"])
def test_a_bare_array_is_no_row_of_arguments(who: str) -> None:
    f = lambda x: (x**2).sum()  # noqa: E731
    for pair in ((np.ones(1), (np.ones(1),)), ((np.ones(1),), np.ones(1))):
        with pytest.raises(mg.ArgumentError, match=rf"{who}: primals and tangents are tuples .*mg\.{who}\(f, \(x,\), \(v,\)\)"):  # fmt: skip
            getattr(mg, who)(f, *pair)
