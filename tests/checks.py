"""What every primitive must pass.  Each check raises AssertionError, which names the primitive.

A `Case` is a function with inputs.  The registry's samples give the cases of a primitive; the
mutants and the properties make their own.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.primitive import REGISTRY, Primitive
from tests import oracles

# Primitives whose NumPy code is not analytic, so that a complex step says nothing; why.
NOT_ANALYTIC: dict[str, str] = {
    "polygamma": "SciPy's is for real arguments only",
    "cross_entropy": "it makes tensors of its inputs, and these hold no complex numbers",
    **dict.fromkeys(("qr", "eigh", "svd", "pinv", "lstsq"), "LAPACK's complex version conjugates"),
}

# Exact samples of a primitive whose rules lose more digits than their result shows; factor.
LOSSY: dict[str, float] = {"det": 8.0}  # an entry is as exact as the largest of its matrix

SLACK = 32.0  # roundings that a rule may make, in units of the absolute Jacobian


class Case:
    """A function of floating arrays, ready for the checks.

    Attributes
    ----------
    name : str
        For messages.
    call : callable
        Takes the primals (arrays or tensors), returns what the public function returns.
    primals : list of ndarray
        The differentiable inputs.
    """

    def __init__(self, name: str, call: Callable[..., Any], primals: list[Any], slack: float = SLACK):
        self.name = name
        self.call = call
        self.primals = primals
        self.slack = slack

    def __call__(self, *primals: Any) -> tuple[Any, ...]:
        out = self.call(*primals)
        return tuple(out) if isinstance(out, tuple | list) else (out,)

    def cast(self, dtype: Any) -> Case:
        """The same case in another precision."""
        return Case(
            f"{self.name} {np.dtype(dtype)}",
            self.call,
            [p.astype(dtype) for p in self.primals],
            self.slack,
        )

    @functools.cached_property
    def jacobian(self) -> tuple[Any, Any]:
        """The Jacobian by an oracle, and a bound on its error."""
        analytic = self.name.split()[0] not in NOT_ANALYTIC
        oracle = oracles.complex_step if analytic else oracles.central_difference
        return oracle(self, self.primals)

    @property
    def eps(self) -> Any:
        """The coarsest machine epsilon among inputs and outputs."""
        outs = [o for o in self(*self.primals) if np.issubdtype(o.dtype, np.floating)]
        return oracles.precision([*self.primals, *outs])

    def draw(self, rng: np.random.Generator) -> tuple[list[Any], list[Any]]:
        """Random tangents and cotangents, in the dtypes of inputs and outputs."""
        outs = self(*self.primals)
        return (
            [np.asarray(rng.standard_normal(p.shape), p.dtype) for p in self.primals],
            [np.asarray(rng.standard_normal(o.shape), o.dtype) for o in outs],
        )


def cases(primitive: Primitive, seed: int = 0) -> list[Case]:
    """The samples of a primitive, with their floating arrays as primals."""
    assert primitive.samples is not None, f"{primitive.name}: no samples"
    found = []
    for i, (args, kwargs) in enumerate(primitive.samples(np.random.default_rng(seed))):
        primals: list[Any] = []
        rebuild = _take_arrays(list(args), primals)

        def call(*new: Any, rebuild: Any = rebuild, kwargs: Any = kwargs) -> Any:
            return primitive.function(*rebuild(iter(new)), **kwargs)

        shapes = ", ".join(str(list(p.shape)) for p in primals)
        name = f"{primitive.name} (sample {i}: {shapes} {kwargs or ''})"
        found.append(Case(name, call, primals, SLACK * LOSSY.get(primitive.name, 1.0)))
    assert found, f"{primitive.name}: samples(rng) yields nothing"
    return found


def _take_arrays(part: Any, primals: list[Any]) -> Callable[[Iterator[Any]], Any]:
    """Collect the floating arrays in nested lists; everything else is a constant."""
    if isinstance(part, np.ndarray) and np.issubdtype(part.dtype, np.floating):
        primals.append(part)
        return next
    if isinstance(part, list):
        builds = [_take_arrays(p, primals) for p in part]
        return lambda new: [build(new) for build in builds]
    return lambda new: part


def check(function: Callable[..., None]) -> Callable[..., None]:
    """Whatever goes wrong in a check is an AssertionError that names check and case."""

    @functools.wraps(function)
    def wrapped(case: Any, *args: Any) -> None:
        try:
            function(case, *args)
        except AssertionError as error:
            raise AssertionError(f"{function.__name__}, {case.name}: {error}") from error
        except Exception as error:
            raise AssertionError(f"{function.__name__}, {case.name}: {error!r}") from error

    return wrapped


def close(got: Any, expected: Any, bound: Any, what: str) -> None:
    """Every element within its own bound, both sides in long double."""
    got, expected = np.asarray(got, oracles.WIDE), np.asarray(expected, oracles.WIDE)
    assert got.shape == expected.shape, f"{what}: shape {got.shape}, expected {expected.shape}"
    wrong = ~(np.abs(got - expected) <= bound)
    if wrong.any():
        i = tuple(np.argwhere(wrong)[0])
        raise AssertionError(
            f"{what}{list(map(int, i))}: got {got[i]:.17g}, expected {expected[i]:.17g}, "
            f"allowed {np.broadcast_to(bound, got.shape)[i]:.1e} ({wrong.sum()} of {wrong.size} wrong)"
        )


def arrays(tensors: Any) -> list[Any]:
    """The values of tensors."""
    return [t.numpy() if isinstance(t, mg.Tensor) else np.asarray(t) for t in tensors]


def pull(case: Case, cotangents: list[Any]) -> list[Any]:
    """The VJP as arrays, one per primal."""
    return arrays(mg.vjp(lambda *x: case(*x), *case.primals)[1](tuple(cotangents)))


def push(case: Case, tangents: list[Any]) -> list[Any]:
    """The JVP as arrays, one per output."""
    return arrays(mg.jvp(lambda *x: case(*x), case.primals, tangents)[1])


# The oracles themselves ----------------------------------------------------------------------


@check
def oracles_agree(case: Case, rng: np.random.Generator) -> None:
    """The complex step is right only where the NumPy code is analytic: differences tell.

    Random directions see every column of the Jacobian.
    """
    exact, exact_bound = case.jacobian
    for _ in range(2):
        v, _ = case.draw(rng)
        wide = oracles.ravel(v).astype(oracles.WIDE)
        by_steps, bound = oracles.directional_difference(case, case.primals, v)
        wrong = ~(np.abs(exact @ wide - by_steps) <= bound + exact_bound @ np.abs(wide))
        assert not wrong.any(), (
            f"the complex step and central differences disagree at {np.argwhere(wrong)[:3]}: "
            f"{(exact @ wide)[wrong][:3]} and {by_steps[wrong][:3]}. Make the NumPy code analytic, or "
            "list the primitive in checks.NOT_ANALYTIC with the reason."
        )


# First order ---------------------------------------------------------------------------


@check
def vjp_against_oracle(case: Case, rng: np.random.Generator) -> None:
    """The pullback is the transposed Jacobian, to rounding."""
    jacobian, bound = case.jacobian
    _, g = case.draw(rng)
    wide = oracles.ravel(g).astype(oracles.WIDE)
    scale = case.slack * case.eps * (np.abs(jacobian).T @ np.abs(wide))
    allowed = scale + bound.T @ np.abs(wide)
    close(oracles.ravel(pull(case, g)), jacobian.T @ wide, allowed, "VJP")


@check
def jvp_against_oracle(case: Case, rng: np.random.Generator) -> None:
    """The pushforward is the Jacobian, to rounding."""
    jacobian, bound = case.jacobian
    v, _ = case.draw(rng)
    wide = oracles.ravel(v).astype(oracles.WIDE)
    allowed = case.slack * case.eps * (np.abs(jacobian) @ np.abs(wide)) + bound @ np.abs(wide)
    close(oracles.ravel(push(case, v)), jacobian @ wide, allowed, "JVP")


@check
def jvp_against_vjp(case: Case, rng: np.random.Generator) -> None:
    """The dot-product test, ``<g, J v> == <J^T g, v>``, to rounding."""
    jacobian, bound = case.jacobian
    v, g = case.draw(rng)
    forward, reverse = push(case, v), pull(case, g)
    v, g, forward, reverse = (oracles.ravel(p).astype(oracles.WIDE) for p in (v, g, forward, reverse))
    size = np.abs(g) @ (np.abs(jacobian) + bound) @ np.abs(v)
    allowed = case.slack * case.eps * size
    close(np.atleast_1d(g @ forward), np.atleast_1d(reverse @ v), allowed, "<g, Jv> - <J'g, v>")


# Second order ----------------------------------------------------------------------------


@check
def second_order(case: Case, rng: np.random.Generator) -> None:
    """All four ways to differentiate twice give the same, and what differences say."""
    w, g = case.draw(rng)
    u, _ = case.draw(rng)
    expected, bound = oracles.second_directional(case, case.primals, g, u, w)
    jacobian, first_bound = case.jacobian
    wide_g, wide_u, wide_w = (oracles.ravel(p).astype(oracles.WIDE) for p in (g, u, w))
    # Second derivatives may be differences of first-order terms as large as these.
    first = np.abs(wide_g) @ np.abs(jacobian) @ (np.abs(wide_u) + np.abs(wide_w))
    bound = bound + 4 * case.slack * case.eps * (np.abs(expected) + first) * max(1, wide_u.size)

    def run(*x: Any) -> Any:
        return case(*x)

    def gradient(*x: Any) -> Any:  # J(x)^T g
        return mg.vjp(run, *x)[1](tuple(g))

    def tangent(*x: Any) -> Any:  # J(x) w
        return mg.jvp(run, x, w)[1]

    def along(vectors: Any, weights: Any) -> Any:
        total = mg.tensor(0.0)
        for one, other in zip(vectors, weights, strict=True):
            total = total + (one * other).sum()
        return total

    inputs = tuple(range(len(case.primals)))
    ways = {
        "VJP of VJP": (mg.grad(lambda *x: along(gradient(*x), w), argnums=inputs)(*case.primals), u),
        "VJP of JVP": (mg.grad(lambda *x: along(tangent(*x), g), argnums=inputs)(*case.primals), u),
        "JVP of VJP": (mg.jvp(gradient, case.primals, w)[1], u),
        "JVP of JVP": (mg.jvp(tangent, case.primals, u)[1], g),
    }
    for way, (found, weights) in ways.items():
        parts = zip(arrays(found), weights, strict=True)
        got = sum(((a.astype(oracles.WIDE) * b).sum() for a, b in parts), oracles.WIDE(0))
        close(np.atleast_1d(got), np.atleast_1d(expected), bound, way)
    # The pullback is linear in the cotangent, so its own VJP with respect to it is the JVP.
    by_cotangent = mg.grad(
        lambda *c: along(mg.vjp(run, *case.primals)[1](c), w), argnums=tuple(range(len(g)))
    )(*g)
    allowed = case.slack * case.eps * (np.abs(jacobian) @ np.abs(wide_w)) + first_bound @ np.abs(wide_w)
    close(oracles.ravel(arrays(by_cotangent)), jacobian @ wide_w, allowed, "VJP in the cotangent")


# Values ------------------------------------------------------------------------------------


@check
def value_against(case: Case, reference: Callable[..., Any]) -> None:
    """The value is NumPy's, computed in double."""
    outs = case(*case.primals)
    expected = reference(*[p.astype(np.float64) for p in case.primals])
    expected = expected if isinstance(expected, tuple) else (expected,)
    assert len(outs) == len(expected), f"{len(outs)} outputs, expected {len(expected)}"
    for out, want in zip(outs, expected, strict=True):
        want = np.asarray(want)
        assert out.shape == want.shape, f"shape {out.shape}, expected {want.shape}"
        if want.dtype.kind != "f":
            assert out.dtype == want.dtype, f"{out.dtype}, expected {want.dtype}"
            np.testing.assert_array_equal(out, want)
        else:
            scale = np.abs(want) + np.abs(want).max(initial=0.0)
            close(out, want, case.slack * case.eps * scale, "value")


@check
def recording_changes_nothing(case: Case) -> None:
    """Plain arrays, untracked and tracked tensors, under no_grad: the same bits and dtypes."""
    plain = case(*case.primals)
    assert not any(isinstance(p, mg.Tensor) for p in plain), "plain arrays gave a tensor"
    untracked = case(*map(mg.tensor, case.primals))
    tracked = case(*[mg.tensor(p, requires_grad=True) for p in case.primals])
    leaves = [mg.tensor(p, requires_grad=True) for p in case.primals]
    with mg.no_grad():
        quiet = case(*leaves)
    with mg.scope("somewhere"), mg.debug_nans():
        watched = case(*[mg.tensor(p, requires_grad=True) for p in case.primals])
    for what, outs in (
        ("untracked", untracked), ("tracked", tracked), ("no_grad", quiet), ("watched", watched),
    ):  # fmt: skip
        for out, want in zip(outs, plain, strict=True):
            want = np.asarray(want)
            assert isinstance(out, mg.Tensor), f"{what}: {type(out)}"
            assert out.dtype == want.dtype, f"{what}: {out.dtype}, plain {want.dtype}"
            assert out.shape == want.shape, f"{what}: {out.shape}, plain {want.shape}"
            assert out.numpy().tobytes() == want.tobytes(), f"{what}: other bits than plain"
    for out in (*untracked, *quiet):  # some functions give back their input, when it fits
        assert not out.requires_grad or any(out is x for x in leaves), (
            "recorded where nothing is tracked"
        )


@check
def dtypes_are_kept(case: Case, rng: np.random.Generator) -> None:
    """NumPy's result dtype; a cotangent has its primal's dtype, a tangent its output's."""
    v, g = case.draw(rng)
    for p, c in zip(case.primals, pull(case, g), strict=True):
        assert (c.dtype, c.shape) == (p.dtype, p.shape), (
            f"cotangent {c.dtype}{c.shape} for {p.dtype}{p.shape}"
        )
    for o, t in zip(case(*case.primals), push(case, v), strict=True):
        assert (t.dtype, t.shape) == (o.dtype, o.shape), (
            f"tangent {t.dtype}{t.shape} for {o.dtype}{o.shape}"
        )


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "Fortran order": lambda p: np.array(p, order="F"),
    "every second element": lambda p: np.repeat(p, 2, axis=-1)[..., ::2] if p.ndim else p,
    "negative strides": lambda p: np.flip(np.flip(p).copy()),
    "transposed": lambda p: p.T.copy().T,
    "read-only": lambda p: _read_only(p.copy()),
    "unaligned": lambda p: _unaligned(p),
}


def _unaligned(p: Any) -> Any:
    return np.frombuffer(b"\0" + p.tobytes() + b"\0" * 8, p.dtype, p.size, 1).reshape(p.shape)


def _read_only(p: Any) -> Any:
    p.flags.writeable = False
    return p


@check
def layouts_do_not_matter(case: Case, rng: np.random.Generator) -> None:
    """Strided, reversed, Fortran-ordered, read-only inputs and cotangents: the same result."""
    v, g = case.draw(rng)
    plain = (case(*case.primals), pull(case, g), push(case, v))
    for layout, change in LAYOUTS.items():
        moved = Case(case.name, case.call, list(map(change, case.primals)))
        assert all(a.shape == b.shape for a, b in zip(moved.primals, case.primals, strict=True))
        odd_g, odd_v = list(map(change, g)), list(map(change, v))
        found = (moved(*moved.primals), pull(moved, odd_g), push(moved, odd_v))
        for kind, some, want in zip(("value", "VJP", "JVP"), found, plain, strict=True):
            for one, other in zip(some, want, strict=True):
                assert one.dtype == other.dtype, f"{layout}, {kind}: {one.dtype}"
                if one.dtype.kind != "f":
                    np.testing.assert_array_equal(one, other)
                    continue
                size = np.abs(other) + np.abs(other).max(initial=0.0)
                close(one, other, case.slack * case.eps * size, f"{layout}, {kind}")


@check
def inputs_are_not_mutated(case: Case, rng: np.random.Generator) -> None:
    """Neither inputs nor cotangents nor tangents change, and results are not views that let them."""
    v, g = case.draw(rng)
    given = [*case.primals, *v, *g]
    before = [p.tobytes() for p in given]
    case(*case.primals)
    out, pullback = mg.vjp(lambda *x: case(*x), *case.primals)
    first = arrays(pullback(tuple(g)))
    bits = [a.tobytes() for a in [*arrays(out), *first]]
    second = arrays(pullback(tuple(g)))
    push(case, v)
    assert [p.tobytes() for p in given] == before, "an input was mutated"
    assert [a.tobytes() for a in second] == bits[len(out) :], "the second pullback differs"
    changed = Case(case.name, case.call, [p.copy() for p in case.primals])
    seeds = [c.copy() for c in g]
    outs, pullback = mg.vjp(lambda *x: changed(*x), *changed.primals)
    results = arrays(pullback(tuple(seeds)))
    for a in (*changed.primals, *seeds):
        a[...] = 7.0
    assert [a.tobytes() for a in arrays(outs)] == bits[: len(out)], "a value shares the user's memory"
    assert [a.tobytes() for a in results] == bits[len(out) :], "a gradient shares the user's memory"
    again = arrays(pullback(tuple(g)))
    assert [a.tobytes() for a in again] == bits[len(out) :], "the graph shares the user's memory"


@check
def nothing_is_differentiable(case: Case) -> None:
    """A nondifferentiable primitive gives zeros on purpose: no node, no rule, no error."""
    tensors = [mg.tensor(p, requires_grad=True) for p in case.primals]
    assert not any(o.requires_grad for o in case(*tensors)), "tracked"
    for p in case.primals:
        tangent = np.ones_like(p)
        zeros = [np.zeros_like(q) for q in case.primals]
        out = mg.jvp(
            lambda *x: [o.astype(float) for o in case(*x)],
            case.primals, [tangent if q is p else z for q, z in zip(case.primals, zeros, strict=True)],
        )[1]  # fmt: skip
        assert not any(np.any(o.numpy()) for o in out), "a nonzero tangent"


SPECIAL = (np.nan, np.inf, -np.inf, 0.0, -0.0)


@check
def nonfinite_values_follow(case: Case, reference: Callable[..., Any], pointwise: bool) -> None:
    """NaN and infinity in the input give what NumPy gives, and stay in their place."""
    rng = np.random.default_rng(0)
    with np.errstate(all="ignore"):
        _, g = case.draw(rng)
        clean = pull(case, g) if pointwise else []
        for slot, p in enumerate(case.primals):
            if not p.size:
                continue
            for special in SPECIAL:
                odd = p.copy()
                odd.flat[0] = special
                primals = [odd if k == slot else q for k, q in enumerate(case.primals)]
                moved = Case(case.name, case.call, primals)
                try:
                    outs, gradients = moved(*primals), pull(moved, g)
                except mg.LinAlgError:  # said so; NumPy says so, too, or searches without end
                    continue
                expected = reference(*primals)
                expected = expected if isinstance(expected, tuple) else (expected,)
                for out, want in zip(outs, expected, strict=True):
                    if not np.issubdtype(np.asarray(want).dtype, np.floating):
                        np.testing.assert_array_equal(out, want)
                        continue
                    tolerance = float(case.slack * case.eps)
                    np.testing.assert_allclose(out, want, rtol=tolerance, atol=tolerance)
                alike = len({q.shape for q in primals}) == 1
                if pointwise and alike:
                    for one, other in zip(gradients, clean, strict=True):
                        np.testing.assert_array_equal(
                            one.ravel()[1:], other.ravel()[1:], f"{special} leaks into other elements"
                        )


# Declarations --------------------------------------------------------------------------------


@check
def declared_completely(primitive: Primitive) -> None:
    """Formula, samples, docstring, and rules as the family demands."""
    assert primitive.formula, "no formula"
    assert primitive.samples is not None, "no samples"
    families = ("elementwise", "linear", "bilinear", "general", "nondifferentiable")
    assert primitive.family in families, f"family {primitive.family!r}"
    if primitive.family == "nondifferentiable":
        assert primitive.rules == (), "a nondifferentiable primitive has rules"
        assert primitive.joint is primitive.jvp is None, "a nondifferentiable primitive has rules"
    else:
        assert primitive.vjp_formula, "no VJP formula"
        assert any(primitive.rules) or primitive.joint, "no pullback"
        if primitive.family == "general":
            assert primitive.jvp is not None, "no pushforward"
    function = primitive.function
    assert function is not primitive, "no public function"
    doc = inspect.getdoc(function) or ""
    for section in ("Parameters", "Returns", "Examples"):
        assert re.search(rf"^{section}\n-{{{len(section)}}}$", doc, re.M), (
            f"docstring without {section}"
        )
    assert ">>> " in doc, "docstring without an example"


def everything(seed: int = 0) -> list[Primitive]:
    """All primitives that minigrad itself declares, by name."""
    return [p for _, p in sorted(REGISTRY.items())]


# Kinks: the documented choice where there is no derivative ---------------------------------

_INF = np.inf

# Per primitive: positional arguments (floats are made arrays), keywords, and per float argument
# the gradient of the sum of the result.
KINKS: dict[str, list[tuple[tuple[Any, ...], dict[str, Any], tuple[Any, ...]]]] = {
    "abs": [(([0.0, -0.0, 2.0, -2.0],), {}, ([0.0, 0.0, 1.0, -1.0],))],
    "relu": [(([0.0, -0.0, 2.0, -2.0],), {}, ([0.0, 0.0, 1.0, 0.0],))],
    "maximum": [(([1.0, 2.0, 3.0], [2.0, 2.0, 2.0]), {}, ([0.0, 0.5, 1.0], [1.0, 0.5, 0.0]))],
    "minimum": [(([1.0, 2.0, 3.0], [2.0, 2.0, 2.0]), {}, ([1.0, 0.5, 0.0], [0.0, 0.5, 1.0]))],
    "max": [
        (([1.0, 3.0, 3.0],), {}, ([0.0, 0.5, 0.5],)),
        (
            ([[5.0, 5.0, 5.0, 5.0], [1.0, 2.0, 2.0, 2.0]],),
            {"axis": 1},
            ([[0.25] * 4, [0.0] + [1 / 3] * 3],),
        ),
        (([[1.0, 2.0], [1.0, 0.0]],), {"axis": 0, "keepdims": True}, ([[0.5, 1.0], [0.5, 0.0]],)),
    ],
    "adaptive_max_pool": [
        (([[[1.0, 3.0, 1.0]]], (1, 2)), {}, ([[[0.0, 2.0, 0.0]]],)),
        (
            ([[[2.0, 2.0, 2.0], [2.0, 0.0, 1.0]]], (1, 2)),
            {},
            ([[[1 / 3, 1 / 3 + 0.5, 0.5], [1 / 3, 0.0, 0.0]]],),
        ),
        (([[[4.0, 4.0], [4.0, 4.0]]], (3, 1)), {}, ([[[0.75, 0.75], [0.75, 0.75]]],)),
    ],
    "max_pool": [
        (([[[1.0, 3.0, 3.0, 2.0]]], (1, 2), 1), {}, ([[[0.0, 1.5, 1.5, 0.0]]],)),
        (([[[2.0, 2.0], [2.0, 0.0]]], 2), {}, ([[[1 / 3, 1 / 3], [1 / 3, 0.0]]],)),
    ],
    "min": [
        (([1.0, 1.0, 3.0],), {}, ([0.5, 0.5, 0.0],)),
        (([[5.0, 5.0], [1.0, 2.0]],), {"axis": 1}, ([[0.5, 0.5], [1.0, 0.0]],)),
    ],
    "sqrt": [(([0.0, 4.0],), {}, ([_INF, 0.25],))],
    "eigh": [(([[1.0, 0.0], [0.0, 1.0]],), {}, (np.full((2, 2), np.nan),))],
    "svd": [(([[1.0, 0.0], [0.0, 1.0]],), {}, (np.full((2, 2), np.nan),))],
    "pinv": [(([[1.0, 0.0], [0.0, 0.0]],), {}, ([[-1.0, 1.0], [1.0, 0.0]],))],
    "lstsq": [
        (([[1.0, 0.0], [0.0, 0.0]], [1.0, 1.0]), {}, ([[-1.0, 1.0], [1.0, 0.0]], [1.0, 0.0])),
    ],
    "pow": [
        (
            ([0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 2.0, 0.5]),
            {},
            ([0.0, 1.0, 0.0, _INF], [0.0, 0.0, 0.0, 0.0]),
        ),
        (([-2.0, -2.0], [0.0, 3.0]), {}, ([0.0, 12.0], [np.nan, np.nan])),
    ],
    "sort": [(([2.0, 1.0, 1.0],), {}, ([1.0] * 3,))],
    "cbrt": [(([0.0, 8.0],), {}, ([_INF, 1 / 12],))],
    "mod": [(([2.0, -2.0, 0.0], [2.0, 2.0, 2.0]), {}, ([1.0] * 3, [-1.0, 1.0, 0.0]))],
    "fmod": [(([2.0, -2.0, 0.0], [2.0, 2.0, 2.0]), {}, ([1.0] * 3, [-1.0, 1.0, 0.0]))],
    "copysign": [(([0.0, -0.0, 2.0], [-1.0, -1.0, -0.0]), {}, ([-1.0, 1.0, -1.0], [0.0] * 3))],
    "heaviside": [(([0.0, -1.0, 1.0], [0.5] * 3), {}, ([0.0] * 3, [1.0, 0.0, 0.0]))],
    "fmax": [
        (
            ([1.0, 2.0, 3.0, np.nan, 1.0], [2.0, 2.0, 2.0, 1.0, np.nan]),
            {},
            ([0.0, 0.5, 1.0, 0.0, 1.0], [1.0, 0.5, 0.0, 1.0, 0.0]),
        )
    ],
    "fmin": [
        (
            ([1.0, 2.0, 3.0, np.nan, 1.0], [2.0, 2.0, 2.0, 1.0, np.nan]),
            {},
            ([1.0, 0.5, 0.0, 0.0, 1.0], [0.0, 0.5, 1.0, 1.0, 0.0]),
        )
    ],
    "clip": [
        (
            ([0.0, 1.0, 2.0, 3.0, 4.0], [1.0] * 5, [3.0] * 5),
            {},
            ([0.0, 1.0, 1.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0]),
        ),
        (([0.0, 2.0, 5.0], [3.0] * 3, [1.0] * 3), {}, ([0.0] * 3, [0.0] * 3, [1.0] * 3)),
    ],
    "hypot": [(([0.0, 3.0, 0.0], [0.0, 4.0, 2.0]), {}, ([0.0, 0.6, 0.0], [0.0, 0.8, 1.0]))],
    "arctan2": [(([0.0, 0.0, 2.0], [0.0, 4.0, 0.0]), {}, ([0.0, 0.25, 0.0], [0.0, 0.0, -0.5]))],
    "logaddexp": [
        (
            ([-_INF, _INF, 0.0, -_INF], [-_INF, _INF, 0.0, 0.0]),
            {},
            ([0.5] * 3 + [0.0], [0.5] * 3 + [1.0]),
        )
    ],
    "logaddexp2": [
        (
            ([-_INF, _INF, 0.0, -_INF], [-_INF, _INF, 0.0, 0.0]),
            {},
            ([0.5] * 3 + [0.0], [0.5] * 3 + [1.0]),
        )
    ],
    "where": [
        (
            (np.array([True, False]), [1.0, np.nan], [np.inf, 2.0]),
            {},
            ([1.0, 0.0], [0.0, 1.0]),
        )
    ],
}


def kink_cases(name: str) -> Iterator[tuple[Case, list[Any]]]:
    """Cases at the kinks of a primitive, with the gradient that it documents."""
    for args, kwargs, expected in KINKS[name]:
        primals: list[Any] = []
        arranged = [np.asarray(a) if isinstance(a, list) else a for a in args]
        rebuild = _take_arrays(arranged, primals)

        def call(*new: Any, rebuild: Any = rebuild, kwargs: Any = kwargs) -> Any:
            return REGISTRY[name].function(*rebuild(iter(new)), **kwargs)

        yield Case(f"{name} at {args}", call, primals), [np.asarray(e) for e in expected]


@check
def kink_is_as_documented(case: Case, expected: list[Any]) -> None:
    """Both modes give the chosen value, whatever its neighbours are."""
    with np.errstate(all="ignore"):
        ones = [np.ones_like(o) for o in case(*case.primals)]
        for got, want in zip(pull(case, ones), expected, strict=True):
            np.testing.assert_array_equal(got, want, "VJP")
        for slot, want in enumerate(expected):
            for i in range(want.size):
                tangents = [np.zeros_like(p) for p in case.primals]
                tangents[slot].flat[i] = 1.0
                forward = sum(float(np.sum(t)) for t in push(case, tangents))
                # An infinite derivative elsewhere, times a zero tangent, may be NaN there.
                if np.isfinite([np.sum(w) for w in expected]).all():
                    np.testing.assert_array_equal(forward, want.flat[i], "JVP")


# The walks: functions whose graphs branch and join ---------------------------------------------


def walks() -> list[Case]:
    """Composite functions: values used twice, several outputs, broadcasting, mixed dtypes."""
    rng = np.random.default_rng(7)
    x, y, w = rng.standard_normal((3, 4)), rng.standard_normal((4,)), rng.standard_normal((4, 4))

    def reuse(a: Any) -> Any:
        b = mg.exp(a)
        return a * b + a * a + b / (a * a + 2.0) + b

    def diamond(a: Any) -> Any:
        for _ in range(6):
            a = a * 0.5 + mg.sin(a)
        return a

    def broadcasts(a: Any, b: Any) -> Any:
        c = a * b - b
        return c * mg.sum(c, axis=0) / (b * b + 1.0) + a

    def several(a: Any, b: Any) -> Any:
        c = mg.tanh(a + b)
        return c * a, mg.sum(c, axis=-1), b * 2.0

    def shared_weight(m: Any, b: Any) -> Any:
        return mg.tanh(mg.matmul(m, mg.tanh(mg.matmul(m, b))))

    def normalised(a: Any) -> Any:
        centred = a - mg.mean(a, axis=0, keepdims=True)
        return centred / mg.sqrt(mg.mean(centred * centred, axis=0, keepdims=True) + 0.1)

    def gathered(a: Any) -> Any:
        rows = mg.concatenate([mg.transpose(a), mg.transpose(a * a)], axis=0)
        return mg.sum(rows[np.array([0, 0, 3, 7])] * rows[1:5], axis=1)

    def passes_through(a: Any, b: Any) -> Any:
        return mg.reshape(a, (-1,)), mg.transpose(b)

    def wide_scalar(a: Any) -> Any:
        return mg.power(2.0, a) * np.float64(0.5)

    return [
        Case("passes through", passes_through, [x, x + 1.0]),
        Case("wide scalar", wide_scalar, [y.astype(np.float32)]),
        Case("reuse", reuse, [x]),
        Case("diamond", diamond, [x], 4 * SLACK),
        Case("broadcasts", broadcasts, [x, y], 4 * SLACK),
        Case("several", several, [x, y]),
        Case("shared weight", shared_weight, [w, y], 4 * SLACK),
        Case("normalised", normalised, [x], 4 * SLACK),
        Case("gathered", gathered, [x]),
        Case("mixed dtypes", broadcasts, [x, y.astype(np.float32)], 4 * SLACK),
    ]


def check_closures() -> None:
    """An inner derivative that depends on an outer variable is itself differentiated."""
    cube = mg.grad(lambda x: x * mg.grad(lambda y: x * x * y)(1.0))(3.0).item()
    assert cube == 27.0, f"reverse over reverse: {cube}, expected 27"
    cube = mg.jvp(lambda x: x * mg.jvp(lambda y: x * x * y, (1.0,), (1.0,))[1], (3.0,), (1.0,))[
        1
    ].item()
    assert cube == 27.0, f"forward over forward: {cube}, expected 27"
    one = mg.grad(lambda x: x * mg.grad(lambda y: x + y)(1.0))(2.0).item()
    assert one == 1.0, f"perturbation confusion: {one}, expected 1"


def check_walk(case: Case) -> None:
    """Everything that both walks promise, for one function."""
    rng = np.random.default_rng(3)
    vjp_against_oracle(case, rng)
    jvp_against_oracle(case, rng)
    jvp_against_vjp(case, rng)
    dtypes_are_kept(case, rng)
    second_order(case, rng)
    inputs_are_not_mutated(case, rng)
