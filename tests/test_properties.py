"""Random programs: values against NumPy, derivatives against differences, and the laws they obey."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from tests import checks, oracles

# Each entry: our operation, NumPy's, on values of moderate size; smooth, so differences converge.
UNARY: list[tuple[Any, Any]] = [
    (mg.exp, lambda x: np.exp(x)), (mg.tanh, np.tanh), (mg.sin, np.sin), (mg.cos, np.cos),
    (mg.sigmoid, lambda x: 1 / (1 + np.exp(-x))), (mg.square, np.square), (lambda x: -x, np.negative),
    (lambda x: mg.sqrt(x * x + 0.5), lambda x: np.sqrt(x * x + 0.5)),
    (lambda x: mg.log(x * x + 0.5), lambda x: np.log(x * x + 0.5)),
    (lambda x: x**3, lambda x: x**3),
]  # fmt: skip
BINARY: list[tuple[Any, Any]] = [
    (lambda x, y: x + y, np.add), (lambda x, y: x - y, np.subtract), (lambda x, y: x * y, np.multiply),
    (lambda x, y: x / (y * y + 0.5), lambda x, y: x / (y * y + 0.5)),
    (lambda x, y: (x * x + 0.5) ** mg.tanh(y), lambda x, y: (x * x + 0.5) ** np.tanh(y)),
]  # fmt: skip
ROWS, COLUMNS = 2, 3
SHAPING: list[tuple[Any, Any]] = [  # all give back the full shape, by way of another
    (lambda x: x - mg.mean(x, axis=0), lambda x: x - np.mean(x, axis=0)),
    (lambda x: x * mg.sum(x, axis=1, keepdims=True), lambda x: x * np.sum(x, axis=1, keepdims=True)),
    (lambda x: mg.transpose(mg.reshape(x, (COLUMNS, ROWS))), lambda x: np.reshape(x, (COLUMNS, ROWS)).T),
    (lambda x: mg.concatenate([x[1:], x[:1] * 2.0]), lambda x: np.concatenate([x[1:], x[:1] * 2.0])),
    (lambda x: mg.matmul(x, mg.transpose(x)) @ x, lambda x: x @ x.T @ x),
    (lambda x: mg.broadcast_to(x[0], (ROWS, COLUMNS)) * x, lambda x: np.broadcast_to(x[0], x.shape) * x),
    (lambda x: x[:, np.array([2, 0, 0])], lambda x: x[:, [2, 0, 0]]),
    (lambda x: mg.where(FIXED, x, mg.tanh(x)), lambda x: np.where(FIXED, x, np.tanh(x))),
    (lambda x: x.at[0, 1].set(0.5) if isinstance(x, mg.Tensor) else _set(x), lambda x: _set(x)),
]  # fmt: skip
FIXED = np.array([[True, False, True], [False, True, True]])


def _set(x: Any) -> Any:
    x = np.array(x)
    x[0, 1] = 0.5
    return x


Step = tuple[str, int, int, int]  # kind, which operation, which earlier values


@st.composite
def programs(draw: st.DrawFn) -> list[Step]:
    """A random directed acyclic graph: every step takes one or two earlier values."""
    steps = []
    for k in range(draw(st.integers(1, 9))):
        kind = draw(st.sampled_from(["unary", "binary", "shaping"]))
        table = {"unary": UNARY, "binary": BINARY, "shaping": SHAPING}[kind]
        which = draw(st.integers(0, len(table) - 1))
        # earlier values: two inputs, and the steps so far; recent ones are more likely
        one, other = (
            k + 1 - min(draw(st.integers(0, k + 1)), draw(st.integers(0, k + 1))) for _ in "ab"
        )
        steps.append((kind, which, one, other))
    return steps


def run(program: list[Step], inputs: Any, ours: bool) -> Any:
    """Evaluate a program; values are squashed now and then so that they stay moderate."""
    values = list(inputs)
    squash = mg.tanh if ours else np.tanh
    for kind, which, one, other in program:
        table = {"unary": UNARY, "binary": BINARY, "shaping": SHAPING}[kind]
        f = table[which][0 if ours else 1]
        x = squash(values[one])
        values.append(f(x, squash(values[other])) if kind == "binary" else f(x))
    return values[-1]


seeds = st.integers(0, 2**32 - 1)


@given(programs(), seeds)
def test_values_are_numpys(program: list[Step], seed: int) -> None:
    inputs = np.random.default_rng(seed).normal(0.0, 1.0, (2, ROWS, COLUMNS))
    expected = run(program, inputs, ours=False)
    for make in (lambda a: a, mg.tensor, lambda a: mg.tensor(a, requires_grad=True)):
        got = run(program, [make(a) for a in inputs], ours=True)
        np.testing.assert_allclose(
            np.asarray(checks.arrays([got])[0]), expected, rtol=1e-12, atol=1e-13
        )


@given(programs(), seeds)
def test_derivatives_are_those_of_differences(program: list[Step], seed: int) -> None:
    rng = np.random.default_rng(seed)
    inputs = list(rng.normal(0.0, 1.0, (2, ROWS, COLUMNS)))

    def plain(*arrays: Any) -> Any:
        return (run(program, arrays, ours=False),)

    jacobian, bound = oracles.central_difference(plain, inputs)
    case = checks.Case("program", lambda *x: run(program, x, ours=True), inputs)
    v, g = case.draw(rng)
    wide = [oracles.ravel(part).astype(oracles.WIDE) for part in (v, g)]
    size = 1e-12 * (1.0 + np.abs(jacobian).max())
    checks.close(
        oracles.ravel(checks.pull(case, g)), jacobian.T @ wide[1],
        (bound + size).T @ np.abs(wide[1]), "VJP",
    )  # fmt: skip
    checks.close(
        oracles.ravel(checks.push(case, v)), jacobian @ wide[0], (bound + size) @ np.abs(wide[0]), "JVP"
    )


@given(programs(), seeds)
def test_second_derivatives_are_symmetric_and_agree(program: list[Step], seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(0.0, 1.0, (2, ROWS, COLUMNS))
    v, w = rng.normal(0.0, 1.0, (2, ROWS, COLUMNS))

    def f(x: Any) -> Any:
        return mg.sum(run(program, [x, mg.tensor(y)], ours=True))

    hv = mg.hvp(f, (x,), (v,)).numpy()
    hw = mg.hvp(f, (x,), (w,)).numpy()
    reverse = mg.grad(lambda x: (mg.grad(f)(x) * v).sum())(x).numpy()
    twice_forward = mg.jvp(lambda x: mg.jvp(f, (x,), (v,))[1], (x,), (w,))[1].item()
    size = 1e-9 * (1.0 + np.abs(hv).max() + np.abs(hw).max())
    assert abs(np.sum(hv * w) - np.sum(hw * v)) < 10 * size
    assert np.max(np.abs(reverse - hv)) < size
    assert abs(twice_forward - np.sum(hv * w)) < 10 * size


@given(programs(), seeds, st.floats(-3, 3), st.floats(-3, 3))
def test_pullback_and_pushforward_are_linear(
    program: list[Step], seed: int, a: float, b: float
) -> None:
    rng = np.random.default_rng(seed)
    inputs = list(rng.normal(0.0, 1.0, (2, ROWS, COLUMNS)))
    case = checks.Case("program", lambda *x: run(program, x, ours=True), inputs)
    (v, g), (w, h) = case.draw(rng), case.draw(rng)
    for walk, one, other in ((checks.pull, g, h), (checks.push, v, w)):
        mixed = walk(case, [a * p + b * q for p, q in zip(one, other, strict=True)])
        for m, p, q in zip(mixed, walk(case, one), walk(case, other), strict=True):
            size = 1e-12 * (1.0 + np.abs(a * p).max() + np.abs(b * q).max())
            assert np.max(np.abs(m - (a * p + b * q))) <= size
        for zero in walk(case, [np.zeros_like(p) for p in one]):
            assert not zero.any()


@given(programs(), programs(), seeds)
def test_chain_rule(inner: list[Step], outer: list[Step], seed: int) -> None:
    """Pulling back through a composition is pulling back twice, forward pushing twice."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(0.0, 1.0, (2, ROWS, COLUMNS))
    g, v = rng.normal(0.0, 1.0, (2, ROWS, COLUMNS))

    def first(x: Any) -> Any:
        return run(inner, [x, mg.tensor(y)], ours=True)

    def then(z: Any) -> Any:
        return run(outer, [z, mg.tensor(y)], ours=True)

    middle, pull_first = mg.vjp(first, x)
    _, pull_then = mg.vjp(then, middle)
    _, pull_both = mg.vjp(lambda x: then(first(x)), x)
    stepwise, at_once = pull_first(pull_then(g)[0])[0].numpy(), pull_both(g)[0].numpy()
    np.testing.assert_allclose(stepwise, at_once, rtol=1e-11, atol=1e-11 * (1 + np.abs(at_once).max()))
    _, dm = mg.jvp(first, (x,), (v,))
    _, stepwise_forward = mg.jvp(then, (middle,), (dm,))
    _, both = mg.jvp(lambda x: then(first(x)), (x,), (v,))
    np.testing.assert_allclose(
        stepwise_forward.numpy(),
        both.numpy(),
        rtol=1e-11,
        atol=1e-11 * (1 + np.abs(both.numpy()).max()),
    )


# Broadcasting ---------------------------------------------------------------------------------


@st.composite
def broadcastable(draw: st.DrawFn) -> tuple[tuple[int, ...], ...]:
    full = draw(st.lists(st.integers(0, 3), max_size=4))

    def one() -> tuple[int, ...]:
        shape = [1 if draw(st.booleans()) else n for n in full]
        return tuple(shape[draw(st.integers(0, len(shape))) :])

    return one(), one()


FIRST_ORDER: list[tuple[Callable[..., Any], Any, Any]] = [
    (mg.add, lambda x, y: np.ones_like(x * y), lambda x, y: np.ones_like(x * y)),
    (mg.subtract, lambda x, y: np.ones_like(x * y), lambda x, y: -np.ones_like(x * y)),
    (mg.multiply, lambda x, y: y + 0 * x, lambda x, y: x + 0 * y),
    (mg.divide, lambda x, y: 1 / y + 0 * x, lambda x, y: -x / y**2),
    (mg.power, lambda x, y: y * x ** (y - 1), lambda x, y: x**y * np.log(x)),
    (mg.maximum, lambda x, y: (x > y) * 1.0, lambda x, y: (y > x) * 1.0),
]


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """The sum over what was stretched, by definition: element by element."""
    out = np.zeros(shape)
    lead = g.ndim - len(shape)
    for i in np.ndindex(g.shape):
        out[tuple(0 if n == 1 else k for k, n in zip(i[lead:], shape, strict=True))] += g[i]
    return out


@given(broadcastable(), seeds, st.integers(0, len(FIRST_ORDER) - 1))
def test_random_broadcasts(shapes: Any, seed: int, which: int) -> None:
    f, dx, dy = FIRST_ORDER[which]
    rng = np.random.default_rng(seed)
    x, y = (np.asarray(rng.uniform(0.5, 2.0, s)) for s in shapes)
    out, pullback = mg.vjp(f, x, y)
    assert out.shape == np.broadcast_shapes(*shapes)
    g = np.asarray(rng.standard_normal(out.shape))
    gx, gy = pullback(g)
    np.testing.assert_allclose(gx.numpy(), unbroadcast(g * dx(x, y), x.shape), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(gy.numpy(), unbroadcast(g * dy(x, y), y.shape), rtol=1e-12, atol=1e-12)
    v, w = (np.asarray(rng.standard_normal(s)) for s in shapes)
    _, t = mg.jvp(f, (x, y), (v, w))
    np.testing.assert_allclose(t.numpy(), dx(x, y) * v + dy(x, y) * w, rtol=1e-12, atol=1e-12)


@st.composite
def reductions(draw: st.DrawFn) -> tuple[tuple[int, ...], Any, bool]:
    shape = tuple(draw(st.lists(st.integers(1, 4), max_size=4)))
    axes = draw(
        st.lists(st.integers(-len(shape), len(shape) - 1), max_size=3) if shape else st.just([])
    )
    unique = {a % len(shape): a for a in axes}
    axis = draw(st.sampled_from([None, tuple(unique.values()), *unique.values()]))
    return shape, axis, draw(st.booleans())


@given(reductions(), seeds)
def test_random_reductions(case: Any, seed: int) -> None:
    shape, axis, keepdims = case
    rng = np.random.default_rng(seed)
    x = np.asarray(rng.standard_normal(shape))
    for f, plain in ((mg.sum, np.sum), (mg.mean, np.mean), (mg.max, np.max), (mg.min, np.min)):
        out, pullback = mg.vjp(lambda x, f=f: f(x, axis=axis, keepdims=keepdims), x)
        want = plain(x, axis=axis, keepdims=keepdims)
        np.testing.assert_allclose(out.numpy(), want, rtol=1e-12, atol=1e-13)
        g = np.asarray(rng.standard_normal(out.shape))
        v = np.asarray(rng.standard_normal(shape))
        _, t = mg.jvp(lambda x, f=f: f(x, axis=axis, keepdims=keepdims), (x,), (v,))
        paired = np.sum(pullback(g)[0].numpy() * v)
        np.testing.assert_allclose(paired, np.sum(g * t.numpy()), rtol=1e-10, atol=1e-12)


@st.composite
def slices(draw: st.DrawFn) -> tuple[Any, ...]:
    part = st.one_of(
        st.integers(-3, 2),
        st.builds(
            slice,
            *[st.one_of(st.none(), st.integers(-4, 4))] * 2,
            st.sampled_from([None, 1, 2, -1, -2]),
        ),
        st.just(None),
        st.lists(st.integers(-3, 2), min_size=2, max_size=2),
    )
    parts: list[Any] = []
    while sum(p is not None for p in parts) < 3 and len(parts) < 5 and draw(st.booleans()):
        parts.append(draw(part))
    if draw(st.booleans()) and sum(p is not None for p in parts) < 4:
        parts.insert(draw(st.integers(0, len(parts))), Ellipsis)
    return tuple(parts)


@given(slices(), seeds)
def test_random_indices(index: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((3, 3, 3))
    out, pullback = mg.vjp(lambda x: x[index], x)
    np.testing.assert_array_equal(out.numpy(), x[index])
    g = np.asarray(rng.standard_normal(out.shape))
    expected = np.zeros_like(x)
    np.add.at(expected, index, g)
    np.testing.assert_allclose(pullback(g)[0].numpy(), expected, rtol=1e-13, atol=1e-14)
    written = x.copy()
    written[index] = g
    dx, dv = mg.grad(lambda x, v: (x.at[index].set(v) ** 2).sum(), argnums=(0, 1))(x, g)
    assert mg.tensor(x).at[index].set(g).tolist() == written.tolist()
    # every entry of the result comes from one place: what is written, or what was there
    total = np.sum(dx.numpy() * x) + np.sum(dv.numpy() * g)
    np.testing.assert_allclose(total, 2 * np.sum(written**2), rtol=1e-11)
