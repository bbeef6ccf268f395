"""Custom primitives, custom_vjp, checkpoint: right in both modes and twice, and wrong use is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.primitive import REGISTRY
from tests import checks

X = np.array([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]])


def by_family() -> dict[str, Any]:
    """x * tanh(x) summed against itself in some way, by rules of each kind."""

    @mg.primitive
    def both(x: Any) -> Any:
        return x * np.tanh(x)

    @both.vjp
    def _(g: Any, x: Any, _out: Any) -> Any:
        t = np.tanh(x)
        return g * (t + x * (1 - t * t))

    @both.jvp
    def _(tangents: Any, x: Any, _out: Any) -> Any:
        t = np.tanh(x)
        return tangents[0] * (t + x * (1 - t * t))

    @mg.primitive(vjp=lambda g, x, out: (g * (np.tanh(x) + x * (1 - np.tanh(x) ** 2)),))
    def vjp_alone(x: Any) -> Any:
        return x * np.tanh(x)

    @mg.primitive(jvp=lambda t, x, out: t[0] * (np.tanh(x) + x * (1 - np.tanh(x) ** 2)))
    def jvp_alone(x: Any) -> Any:
        return x * np.tanh(x)

    @mg.primitive(elementwise=[lambda t, x, out: t * (mg.tanh(x) + x * (1 - mg.tanh(x) ** 2))])
    def partial(x: Any) -> Any:
        return x * np.tanh(x)

    @mg.custom_vjp
    def function(x: Any) -> Any:
        return x * mg.tanh(x)

    function.defvjp(
        lambda x: (x * mg.tanh(x), (x, mg.tanh(x))),
        lambda residuals, g: (g * (residuals[1] + residuals[0] * (1 - residuals[1] ** 2)),),
    )
    return {
        "both rules": both, "VJP alone": vjp_alone, "JVP alone": jvp_alone, "elementwise": partial,
        "custom_vjp": function, "checkpoint": mg.checkpoint(lambda x: x * mg.tanh(x)),
    }  # fmt: skip


@pytest.mark.parametrize("kind", list(by_family()))
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 2)])
def test_every_kind_is_right_in_both_modes_and_twice(
    kind: str, shape: Any, rng: np.random.Generator
) -> None:
    f = by_family()[kind]
    case = checks.Case(kind, lambda x: f(x), [np.asarray(rng.standard_normal(shape))])
    checks.NOT_ANALYTIC.setdefault(kind.split()[0], "a test's function may take tensors only")
    checks.vjp_against_oracle(case, rng)
    checks.jvp_against_oracle(case, rng)
    checks.jvp_against_vjp(case, rng)
    checks.second_order(case, rng)
    third = mg.grad(mg.grad(mg.grad(lambda x: f(x).sum())))(0.4).item()
    expected = mg.grad(mg.grad(mg.grad(lambda x: (x * mg.tanh(x)).sum())))(0.4).item()
    assert third == pytest.approx(expected, rel=1e-12)


def test_linear_and_bilinear_by_their_transposes(rng: np.random.Generator) -> None:
    @mg.primitive(linear=[lambda g, _x, _out: mg.flip(g, -1)])
    def mirrored(x: Any) -> Any:
        return x[..., ::-1]

    @mg.primitive(bilinear=[lambda g, _x, y, _out: g @ y.T, lambda g, x, _y, _out: x.T @ g])
    def times(x: Any, y: Any) -> Any:
        return x @ y

    for name, f, shapes in (("mirrored", mirrored, [(2, 3)]), ("times", times, [(2, 3), (3, 2)])):
        case = checks.Case(name, lambda *x, f=f: f(*x), [rng.standard_normal(s) for s in shapes])
        checks.vjp_against_oracle(case, rng)
        checks.jvp_against_oracle(case, rng)
        checks.second_order(case, rng)


def test_several_inputs_outputs_and_parameters(rng: np.random.Generator) -> None:
    @mg.primitive(outputs=2)
    def polar(x: Any, y: Any, *, turn: float = 0.0) -> Any:
        return np.sqrt(x * x + y * y), np.arctan2(y, x) + turn

    @polar.vjp
    def _(g: Any, x: Any, y: Any, r: Any, _angle: Any, *, turn: float) -> Any:
        along, across = g[0] / r, g[1] / (r * r)
        return along * x - across * y, along * y + across * x

    x, y = rng.uniform(0.5, 2.0, (2, 4))
    out = polar(mg.tensor(x, requires_grad=True), y, turn=1.0)
    assert [o.requires_grad for o in out] == [True, True]
    np.testing.assert_allclose(out[1].detach(), np.arctan2(y, x) + 1.0)
    checks.NOT_ANALYTIC.setdefault("polar", "arctan2")
    case = checks.Case("polar", lambda x, y: polar(x, y, turn=0.5), [x, y])
    checks.vjp_against_oracle(case, rng)
    checks.jvp_against_oracle(case, rng)
    checks.second_order(case, rng)
    only_angle = mg.grad(lambda x, y: polar(x, y)[1].sum(), argnums=(0, 1))(x, y)
    np.testing.assert_allclose(only_angle[0], -y / (x * x + y * y))


def test_any_number_of_inputs(rng: np.random.Generator) -> None:
    @mg.primitive(vjp=lambda g, *args: [g * args[-1] / x for x in args[:-1]])
    def product(*factors: Any) -> Any:
        return np.prod(np.stack(factors), 0)

    arrays = list(rng.uniform(0.5, 2.0, (3, 4)))
    found = mg.grad(lambda *x: product(*x).sum(), argnums=(0, 1, 2))(*arrays)
    for i, g in enumerate(found):
        np.testing.assert_allclose(g, np.prod(arrays, 0) / arrays[i])
    assert product(mg.tensor(2.0), mg.tensor(3.0)).item() == 6.0


def test_nodes_keep_what_the_rule_names() -> None:
    @mg.primitive(vjp=lambda g, _x, out: 0.5 * g / out, jvp=lambda t, _x, out: 0.5 * t[0] / out)
    def root(x: Any) -> Any:
        return np.sqrt(x)

    x = mg.tensor([4.0], requires_grad=True)
    y = root(x)
    assert [isinstance(s, np.ndarray) for s in y.node.saved] == [False, True]
    y.sum().backward()
    assert x.grad.item() == 0.25


def test_one_node_by_its_name_in_graphs_and_replay() -> None:
    f = by_family()["VJP alone"]
    program = mg.trace(lambda x: f(x).sum(), X)
    assert [e.op for e in program.equations] == ["vjp_alone", "sum"]
    np.testing.assert_allclose(program(2 * X), (2 * X * np.tanh(2 * X)).sum())
    g = by_family()["custom_vjp"]
    program = mg.trace(lambda x: mg.grad(lambda y: g(y).sum())(x), X)
    assert "function" in [e.op for e in program.equations]
    np.testing.assert_allclose(program(2 * X), mg.grad(lambda x: (x * mg.tanh(x)).sum())(2 * X))


def test_names_may_come_twice_and_stay_out_of_the_registry() -> None:
    before = set(REGISTRY)
    for factor in (2.0, 3.0):

        @mg.primitive(linear=[lambda g, _x, _out, factor=factor: g * factor])
        def exp(x: Any, factor: float = factor) -> Any:
            return x * factor

    assert set(REGISTRY) == before
    assert mg.exp(0.0) == 1.0


def test_plain_input_stays_plain() -> None:
    f = by_family()["both rules"]
    assert type(f(X)) is np.ndarray
    assert isinstance(f(mg.tensor(X)), mg.Tensor)
    assert not f(mg.tensor(X)).requires_grad
    assert f.__name__ == "both"
    assert repr(f).startswith("<primitive both(x")


def test_gradcheck_takes_custom_primitives() -> None:
    for kind in ("both rules", "VJP alone", "JVP alone", "elementwise"):
        assert mg.gradcheck(by_family()[kind], X, order=2)

    @mg.primitive(vjp=lambda g, x, out: g * 2.0)
    def wrong(x: Any) -> Any:
        return x * x

    assert not mg.gradcheck(wrong, X)


def test_nondifferentiable_is_said() -> None:
    @mg.primitive(nondifferentiable=True)
    def steps(x: Any) -> Any:
        return np.floor(x)

    assert not steps(mg.tensor(X, requires_grad=True)).requires_grad


def test_once_computes_first_derivatives_with_plain_numpy(rng: np.random.Generator) -> None:
    def vjp(g: Any, x: Any, _out: Any) -> Any:
        result = np.empty_like(x)
        for i in range(len(x)):  # writes into arrays: no tensor could do it
            result[i] = g[i] * 3 * x[i] ** 2
        return result

    def jvp(tangents: Any, x: Any, _out: Any) -> Any:
        return np.asarray([3 * a**2 * t for a, t in zip(x, tangents[0], strict=True)])

    @mg.primitive(vjp=vjp, jvp=jvp, once=True)
    def cube(x: Any) -> Any:
        return x**3

    x = rng.standard_normal(4)
    np.testing.assert_allclose(mg.grad(lambda x: cube(x).sum())(x), 3 * x**2)
    np.testing.assert_allclose(mg.jvp(cube, (x,), (np.ones(4),))[1], 3 * x**2)
    leaf = mg.tensor(x, requires_grad=True)
    cube(leaf).sum().backward(create_graph=True)  # recorded, as one node
    assert leaf.grad.node.op == "cube_vjp"
    with pytest.raises(mg.GradientError, match=r"cube was made with once=True: its VJP is plain NumPy"):
        mg.grad(lambda x: mg.grad(lambda y: cube(y).sum())(x).sum())(x)

    @mg.primitive(vjp=vjp, once=True)
    def alone(x: Any) -> Any:
        return x**3

    with pytest.raises(mg.GradientError, match=r"alone has no JVP, and with once=True its VJP cannot"):
        mg.jvp(alone, (x,), (np.ones(4),))


def test_rules_that_cannot_be_transposed_are_refused_by_name() -> None:
    @mg.primitive(vjp=lambda g, x, out: np.asarray(g) * 2 * x)
    def converts(x: Any) -> Any:
        return x**2

    @mg.primitive(vjp=lambda g, x, out: (g.numpy() if isinstance(g, mg.Tensor) else g) * 2 * x)
    def leaves(x: Any) -> Any:
        return x**2

    for f in (converts, leaves):
        np.testing.assert_allclose(mg.grad(lambda x, f=f: f(x).sum())(X), 2 * X)
        with pytest.raises(
            mg.GradientError, match=rf"{f.__name__} has no JVP, and the other rule cannot"
        ):
            mg.jvp(f, (X,), (X,))


def simple(**rules: Any) -> Any:
    def double(x: Any, y: Any = 1.0) -> Any:
        return x * 2.0

    return mg.primitive(double, **rules)


def writes(x: Any) -> Any:
    x *= 2
    return x


TRACKED = {"x": X}


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: mg.grad(lambda x: simple()(x).sum())(X), mg.GradientError, r"double has no rule. Add one with @double.vjp"),
        (lambda: mg.jvp(simple(), (X,), (X,)), mg.GradientError, r"double has no rule"),
        (lambda: mg.grad(lambda x: simple(vjp=lambda g, *a: (g, g, g))(x).sum())(X), mg.GradientError,
         r"gradients of double: the rule returned 3 of them, and there are 2: x, y"),
        (lambda: mg.grad(lambda x: simple(vjp=lambda g, *a: (g[0], None))(x).sum())(X), mg.ShapeError,
         r"gradients of double: that of x has shape \[3\], and x is float64\[2, 3\]"),
        (lambda: simple(vjp=len, elementwise=[len]), mg.ArgumentError, r"one family only, not elementwise and vjp/jvp"),
        (lambda: simple(elementwise=[len]).vjp(len), mg.ArgumentError, r"double.vjp: its elementwise rules are complete"),
        (lambda: simple(elementwise=[len])(X), mg.ArgumentError, r"1 elementwise rules for 2 inputs"),
        (lambda: simple()(X, X, X), mg.ArgumentError, r"double.*too many positional"),
        (lambda: mg.primitive(writes)(X), mg.ImmutableError, r"writes: the implementation writes into an input"),
        (lambda: mg.primitive(writes, outputs=2)(X.copy() + 0), mg.ImmutableError, r"writes into an input"),
        (lambda: mg.primitive(lambda x: x, outputs=2)(X), mg.ArgumentError, r"must return a tuple of so\s+many"),
        (lambda: mg.primitive(lambda x: x + 1j)(mg.tensor(X)), mg.DtypeError, r"gave complex128 values"),
    ],
)  # fmt: skip
def test_wrong_use_of_primitives(act: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        act()


# custom_vjp ---------------------------------------------------------------------------------------


def test_custom_vjp_with_nested_arguments_and_static_ones(rng: np.random.Generator) -> None:
    @mg.custom_vjp
    def layer(parameters: Any, x: Any, activation: str, repeat: int = 1) -> Any:
        return {"y": parameters["w"] * x + parameters["b"], "scale": x * repeat}

    def forward(parameters: Any, x: Any, activation: str, repeat: int) -> Any:
        assert activation == "none"
        return layer.fun(parameters, x, activation, repeat), (parameters["w"], x, repeat)

    def backward(residuals: Any, g: Any) -> Any:
        w, x, repeat = residuals
        return {"w": g["y"] * x, "b": g["y"]}, g["y"] * w + g["scale"] * repeat, None, None

    layer.defvjp(forward, backward)
    parameters = {"w": rng.standard_normal(3), "b": rng.standard_normal(3)}
    x = rng.standard_normal(3)

    def loss(f: Any) -> Any:
        def total(p: Any, x: Any) -> Any:
            out = f(p, x, "none", 2)
            return (out["y"] ** 2).sum() + (out["scale"] ** 3).sum()

        return total

    ours = mg.grad(loss(layer), argnums=(0, 1))(parameters, x)
    expected = mg.grad(loss(layer.fun), argnums=(0, 1))(parameters, x)
    np.testing.assert_allclose(ours[0]["w"], expected[0]["w"])
    np.testing.assert_allclose(ours[0]["b"], expected[0]["b"])
    np.testing.assert_allclose(ours[1], expected[1])
    second = mg.hessian(lambda x: loss(layer)(parameters, x))(x)
    np.testing.assert_allclose(
        second, mg.hessian(lambda x: loss(layer.fun)(parameters, x))(x), rtol=1e-12
    )
    forward_mode = mg.jvp(lambda x: loss(layer)(parameters, x), (x,), (np.ones(3),))[1]
    np.testing.assert_allclose(forward_mode, expected[1].numpy().sum())


def test_nondiff_arguments_come_first() -> None:
    def power(n: int, x: Any) -> Any:
        return x**n

    custom = mg.custom_vjp(power, nondiff_argnums=(0,))
    custom.defvjp(lambda n, x: (x**n, x), lambda n, x, g: (n * x ** (n - 1) * g,))
    assert mg.grad(lambda x: custom(3, x))(2.0).item() == 12.0


def test_the_gradient_is_the_users_even_if_it_is_not_the_derivative() -> None:
    reverse = mg.custom_vjp(lambda x: x)
    reverse.defvjp(lambda x: (x, ()), lambda _, g: (-g,))
    assert mg.grad(lambda x: (reverse(x) ** 2).sum())(3.0).item() == -6.0
    x = mg.tensor(3.0, requires_grad=True)
    reverse(x).backward()
    assert x.grad.item() == -1.0


def test_residuals_replace_what_the_body_would_keep() -> None:
    @mg.custom_vjp
    def body(x: Any) -> Any:
        return mg.exp(mg.sin(mg.exp(mg.sin(x))))

    body.defvjp(lambda x: (body.fun(x), x), lambda x, g: (mg.vjp(body.fun, x)[1](g)[0],))
    x = mg.tensor(np.ones(1000), requires_grad=True)
    y = body(x)
    held = {id(s) for s in y.node.parents[0].saved if isinstance(s, np.ndarray)}
    assert len(held) == 1
    y.sum().backward()
    np.testing.assert_allclose(x.grad, mg.grad(lambda x: body.fun(x).sum())(np.ones(1000)))


def broken(fwd: Any, bwd: Any) -> Any:
    f = mg.custom_vjp(lambda x: x * 2)
    f.defvjp(fwd, bwd)
    return mg.grad(lambda x: f(x).sum())


OUTSIDE = mg.tensor(2.0, requires_grad=True, name="outside")


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: mg.grad(mg.custom_vjp(lambda x: x))(1.0), mg.GradientError, r"call <lambda>.defvjp\(fwd, bwd\)"),
        (lambda: broken(lambda x: x, lambda r, g: (g,))(X), mg.ArgumentError, r"fwd must return \(output, residuals\), and it returned Tensor"),
        (lambda: broken(lambda x: (x, x), lambda r, g: g)(X), mg.GradientError, r"bwd must return a tuple .* 1 arguments.*returned Tensor"),
        (lambda: broken(lambda x: (x, x), lambda r, g: (g, g))(X), mg.GradientError, r"it returned a tuple of 2"),
        (lambda: broken(lambda x: (x, x), lambda r, g: ({"a": g, "b": g},))(X), mg.GradientError, r"gradient of argument 0 has 2 entries"),
        (lambda: broken(lambda x: (x, x), lambda r, g: (g.sum(),))(X), mg.ShapeError, r"that of input 0 has shape \[\], and input 0 is float64\[2, 3\]"),
        (lambda: broken(lambda x: (x * OUTSIDE, x), lambda r, g: (g,))(X), mg.GradientError, r"fwd uses .*'outside'.*Make it an argument"),
        (lambda: broken(lambda x: ("text", x), lambda r, g: (g,))(X), mg.ArgumentError, r"fwd returned str 'text'"),
        (lambda: mg.custom_vjp(lambda x: x)(1, 2), mg.ArgumentError, r"too many positional"),
    ],
)  # fmt: skip
def test_wrong_use_of_custom_vjp(act: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        act()


def test_detached_tensors_from_outside_are_welcome() -> None:
    f = mg.custom_vjp(lambda x: x)
    f.defvjp(lambda x: (x * OUTSIDE.detach(), None), lambda _, g: (g * OUTSIDE.detach(),))
    assert mg.grad(lambda x: f(x).sum())(1.0).item() == 2.0


# checkpoint ---------------------------------------------------------------------------------------


def chain(x: Any, w: Any) -> Any:
    for _ in range(6):
        x = mg.tanh(x @ w)
    return x


def test_checkpoint_keeps_inputs_alone_and_gives_the_same_bits(rng: np.random.Generator) -> None:
    x, w = rng.standard_normal((5, 4)), rng.standard_normal((4, 4))
    plain = mg.grad(lambda x, w: chain(x, w).sum(), argnums=(0, 1))(x, w)
    found = mg.grad(lambda x, w: mg.checkpoint(chain)(x, w).sum(), argnums=(0, 1))(x, w)
    for a, b in zip(plain, found, strict=True):
        assert a.numpy().tobytes() == b.numpy().tobytes()
    out = mg.checkpoint(chain)(mg.tensor(x, requires_grad=True), mg.tensor(w, requires_grad=True))
    assert out.node.op == "chain"
    assert len(out.node.parents) == 2
    assert sum(isinstance(s, np.ndarray) for s in out.node.saved) == 2


def test_checkpoint_passes_gradients_to_parameters_from_outside(rng: np.random.Generator) -> None:
    def run(wrap: Any) -> list[Any]:
        w = mg.tensor(np.ones((3, 3)) * 0.3, requires_grad=True)
        derived = w * 2.0  # both a parameter and what is made of it
        x = mg.tensor(X, requires_grad=True)
        block = wrap(lambda x: mg.sin(x @ derived) @ w + derived.sum())
        (block(block(x)) ** 2).sum().backward()
        return [w.grad.numpy(), x.grad.numpy()]

    for a, b in zip(run(mg.checkpoint), run(lambda f: f), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_checkpoint_without_tracked_arguments() -> None:
    w = mg.tensor(2.0, requires_grad=True)
    mg.checkpoint(lambda x: mg.exp(w) * x)(3.0).backward()
    assert w.grad.item() == pytest.approx(3 * np.exp(2.0))
    assert mg.checkpoint(lambda x: x + 1.0)(1.0) == 2.0


def test_checkpoint_nested_and_twice(rng: np.random.Generator) -> None:
    inner = mg.checkpoint(lambda x: mg.sin(x) * x)
    outer = mg.checkpoint(lambda x, s: {"y": inner(inner(x)) * s["scale"]})
    x = rng.standard_normal(3)

    def loss(f: Any) -> Any:
        return lambda x: (f(x, {"scale": x})["y"]).sum()

    def bare(x: Any, s: Any) -> Any:
        y = mg.sin(x) * x
        return {"y": mg.sin(y) * y * s["scale"]}

    np.testing.assert_allclose(mg.hessian(loss(outer))(x), mg.hessian(loss(bare))(x), rtol=1e-12)
    np.testing.assert_allclose(
        mg.hvp(loss(outer), (x,), (np.ones(3),)), mg.hvp(loss(bare), (x,), (np.ones(3),)), rtol=1e-12
    )


def test_checkpoint_draws_the_same_random_numbers_again() -> None:
    def noisy(x: Any, generator: Any) -> Any:
        mask = generator.random(x.shape) < 0.5
        return mg.where(mask, mg.sin(x), 0.0)

    def run(wrap: Any) -> tuple[Any, float]:
        generator = np.random.default_rng(5)
        x = mg.tensor(np.ones(50), requires_grad=True)
        y = wrap(noisy)(x, generator)
        y = wrap(noisy)(y, generator)
        y.sum().backward()
        return x.grad.numpy(), generator.random()

    (one, after_one), (other, after_other) = run(mg.checkpoint), run(lambda f: f)
    np.testing.assert_array_equal(one, other)
    assert after_one == after_other
    again = np.random.default_rng(6)
    x = mg.tensor(np.ones(50), requires_grad=True)
    y = mg.checkpoint(lambda x: noisy(x, again))(x)
    with pytest.raises(mg.GradientError, match=r"gave other values when it ran again"):
        y.sum().backward()


def test_checkpoint_is_transparent_to_traces_and_no_grad() -> None:
    program = mg.trace(lambda x: mg.checkpoint(chain)(x, np.eye(3)), X)
    assert [e.op for e in program.equations].count("tanh") == 6
    with mg.no_grad():
        assert mg.checkpoint(chain)(mg.tensor(X, requires_grad=True), np.eye(3)).node is None
    with pytest.raises(mg.ArgumentError, match=r"returned str 'text'; it must return tensors"):
        mg.checkpoint(lambda x: "text")(mg.tensor(X, requires_grad=True))


def test_a_rule_with_the_wrong_arguments_is_refused_by_name() -> None:
    @mg.primitive
    def square(x: Any) -> Any:
        return x * x

    @square.vjp
    def _pull(g: Any, x: Any) -> Any:
        return 2 * g * x

    with pytest.raises(mg.ArgumentError, match=r"square: its vjp rule takes \(g: .Any., x: .Any.\).*as \(g, x, out\)"):  # fmt: skip
        mg.grad(square)(2.0)

    @mg.primitive
    def scale(x: Any, *, by: float = 2.0) -> Any:
        return x * by

    @scale.vjp
    def _pull_scale(g: Any, _x: Any, _out: Any) -> Any:
        return g

    with pytest.raises(mg.ArgumentError, match=r"called as \(g, x, out, by=\.\.\.\).*after a \*"):
        mg.grad(scale)(2.0)
