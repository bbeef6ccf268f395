"""Broken rules and broken walks must turn the checks red: a test that cannot fail tests nothing.

Each mutant is one plausible mistake.  It is put in at runtime, the checks are called directly, and
the one that is there to find such a mistake must raise.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import autodiff, transforms
from minigrad.ops.shape import broadcast_to, reshape, sum_to, swapaxes, transpose
from minigrad.primitive import REGISTRY, bind
from tests import checks

primitive = sys.modules["minigrad.primitive"]  # as an attribute it is the decorator
MATMUL = REGISTRY["matmul"]


def first_order(name: str) -> None:
    rng = np.random.default_rng(0)
    for case in checks.cases(REGISTRY[name]):
        checks.vjp_against_oracle(case, rng)
        checks.jvp_against_oracle(case, rng)


def dot_product(name: str) -> None:
    for case in checks.cases(REGISTRY[name]):
        checks.jvp_against_vjp(case, np.random.default_rng(0))


def second_order(name: str) -> None:
    for case in checks.cases(REGISTRY[name]):
        checks.second_order(case, np.random.default_rng(0))


def kinks(name: str) -> None:
    for case, expected in checks.kink_cases(name):
        checks.kink_is_as_documented(case, expected)


def mutation(name: str) -> None:
    for case in checks.cases(REGISTRY[name]):
        checks.inputs_are_not_mutated(case, np.random.default_rng(0))


def dtypes(name: str) -> None:
    for case in checks.cases(REGISTRY[name]):
        checks.dtypes_are_kept(case.cast(np.float32), np.random.default_rng(0))


def oracles_agree(name: str) -> None:
    for case in checks.cases(REGISTRY[name]):
        checks.oracles_agree(case, np.random.default_rng(0))


def declaration(name: str) -> None:
    checks.declared_completely(REGISTRY[name])


def layouts(name: str) -> None:
    for case in checks.cases(REGISTRY[name]):
        checks.layouts_do_not_matter(case, np.random.default_rng(0))


def rules(**slots: Any) -> Callable[[Any], dict[str, Any]]:
    """Replace single rules: ``rules(_0=...)``."""

    def change(target: Any) -> dict[str, Any]:
        new = list(target.rules)
        for slot, rule in slots.items():
            new[int(slot[1:])] = rule
        return {"rules": tuple(new)}

    return change


def fields(**changes: Any) -> Callable[[Any], dict[str, Any]]:
    """Replace other fields of the declaration."""
    return lambda target: changes


def _scribble(t: Any, x: Any, _out: Any) -> Any:
    if isinstance(x, np.ndarray) and x.flags.writeable:
        x *= 1.5
    return t * mg.cos(x)


def _max_to_all(g: Any, needed: Any, x: Any, out: Any, axis: Any, keepdims: bool) -> Any:
    full = broadcast_to(_kept(out, x, axis), x.shape)
    return (mg.where(mg.equal(x, full), broadcast_to(_kept(g, x, axis), x.shape), 0.0),)


def _max_forward_of_the_sum(t: Any, x: Any, _out: Any, axis: Any, keepdims: bool) -> Any:
    return mg.sum(t[0], axis=axis, keepdims=keepdims)


def _kept(g: Any, x: Any, axis: Any) -> Any:
    return reshape(g, tuple(1 if i in axis else n for i, n in enumerate(x.shape)))


def _max_without_axis(g: Any, needed: Any, x: Any, out: Any, axis: Any, keepdims: bool) -> Any:
    return (mg.where(mg.equal(x, mg.max(x)), mg.sum(g) + x * 0.0, 0.0),)


# what is wrong, primitive, how to break it, the check that must notice
MUTANTS: list[tuple[str, str, Callable[[Any], dict[str, Any]], Callable[[str], None]]] = [
    ("a factor is dropped", "mul", rules(_0=lambda t, _x, _y, _o: t), first_order),
    ("the other input", "mul", rules(_0=lambda t, x, _y, _o: t * x), first_order),
    ("sign", "sub", rules(_1=lambda t, _x, _y, _o: t), first_order),
    ("sign", "neg", rules(_0=lambda t, _x, _o: t), first_order),
    ("sign", "cos", rules(_0=lambda t, x, _o: t * mg.sin(x)), first_order),
    ("x for y", "div", rules(_1=lambda t, x, y, _o: -(t * x / y)), first_order),
    ("rules swapped", "div", lambda p: {"rules": p.rules[::-1]}, first_order),
    ("exponent not lowered", "pow", rules(_0=lambda t, x, y, _o: t * y * mg.power(x, y)), first_order),
    (
        "logarithm of the wrong input",
        "pow",
        rules(_1=lambda t, _x, y, o: t * o * mg.log(mg.abs(y))),
        first_order,
    ),
    ("factor of two", "square", rules(_0=lambda t, x, _o: t * x), first_order),
    ("factor of one half", "sqrt", rules(_0=lambda t, _x, o: t / o), first_order),
    ("the square is dropped", "tanh", rules(_0=lambda t, _x, o: t * (1.0 - o)), first_order),
    ("one term of the product rule", "sigmoid", rules(_0=lambda t, _x, o: t * o), first_order),
    ("derivative of the wrong function", "log", rules(_0=lambda t, _x, o: t / o), first_order),
    ("off by one part in 10^9", "exp", rules(_0=lambda t, _x, o: t * (o * (1.0 + 1e-9))), first_order),
    ("the sign is dropped", "abs", rules(_0=lambda t, _x, _o: t), first_order),
    ("passes everything", "relu", rules(_0=lambda t, _x, _o: t), first_order),
    ("branches swapped", "where", rules(_1=lambda t, c, _x, _y, _o: mg.where(c, 0.0, t)), first_order),
    (
        "the loser gets it",
        "maximum",
        rules(_0=lambda t, x, y, _o: mg.where(mg.less(x, y), t, 0.0)),
        first_order,
    ),
    ("no sum over stretched axes", "broadcast", rules(_0=lambda g, _x, _o, shape: g), first_order),
    (
        "the sum over stretched axes is scaled",
        "broadcast",
        rules(_0=lambda g, _x, _o, shape: sum_to(g, _x.shape) * (1.0 / (len(shape) + 1))),
        first_order,
    ),
    (
        "the fused sum forgets the factor",
        "mul",
        fields(
            summed=(
                lambda g, shape, _x, y, _o: sum_to(g, shape),
                lambda g, shape, x, _y, _o: sum_to(g, shape),
            )
        ),
        first_order,
    ),
    (
        "the fused sum has the wrong sign",
        "sub",
        fields(summed=(None, lambda g, shape, *_: sum_to(g, shape))),
        first_order,
    ),
    (
        "permutation not inverted",
        "transpose",
        rules(_0=lambda g, _x, _o, axes: reshape(transpose(g, axes), _x.shape)),
        first_order,
    ),
    (
        "reshaped in Fortran's order",
        "reshape",
        rules(_0=lambda g, _x, _o, shape: transpose(reshape(transpose(g), _x.shape[::-1]))),
        first_order,
    ),
    (
        "count forgotten",
        "mean",
        rules(_0=lambda g, _x, _o, axis, keepdims: broadcast_to(_kept(g, _x, axis), _x.shape)),
        first_order,
    ),
    (
        "axis forgotten",
        "sum",
        rules(_0=lambda g, _x, _o, axis, keepdims: broadcast_to(mg.mean(g), _x.shape)),
        first_order,
    ),
    ("axis forgotten", "max", fields(joint=_max_without_axis), first_order),
    (
        "repeated indices overwrite",
        "getitem",
        rules(_0=lambda g, _x, *arrays, index: _overwrite(g, _x, arrays, index)),
        first_order,
    ),
    (
        "no transpose",
        "matmul",
        rules(_1=lambda g, x, _y, _o: bind(MATMUL, (x, swapaxes(g, -1, -2)))),
        first_order,
    ),
    (
        "counted twice",
        "matmul",
        rules(_0=lambda g, _x, y, _o: bind(MATMUL, (g, swapaxes(y, -1, -2))) * 2.0),
        first_order,
    ),
    (
        "not turned",
        "inner",
        rules(_1=lambda g, x, _y, _o: bind(MATMUL, (swapaxes(x, -1, -2), g))),
        first_order,
    ),
    (
        "the class is forgotten",
        "softmax_cross_entropy",
        fields(joint=lambda g, needed, x, _c, _o: (mg.reshape(g, (-1, 1)) * mg.softmax(x, 1), None)),
        first_order,
    ),
    (
        "pieces in the wrong order",
        "concatenate",
        fields(joint=lambda g, needed, *_a, axis: _backwards(g, _a[:-1], axis)),
        first_order,
    ),
    ("forward rule of another function", "max", fields(jvp=_max_forward_of_the_sum), dot_product),
    (
        "the rule cuts the graph: output",
        "exp",
        rules(_0=lambda t, _x, o: t * mg.stop_gradient(o)),
        second_order,
    ),
    (
        "the rule cuts the graph: input",
        "mul",
        rules(_0=lambda t, _x, y, _o: t * mg.stop_gradient(y)),
        second_order,
    ),
    (
        "the rule cuts the graph: cotangent",
        "sin",
        rules(_0=lambda t, x, _o: mg.stop_gradient(t) * mg.cos(x)),
        second_order,
    ),
    ("all ties get everything", "max", fields(joint=_max_to_all), kinks),
    (
        "the first of a tie gets everything",
        "maximum",
        rules(_0=lambda t, x, y, _o: mg.where(mg.greater_equal(x, y), t, 0.0)),
        kinks,
    ),
    ("derivative 1 at 0", "relu", rules(_0=lambda t, _x, o: t * mg.greater_equal(o, 0.0)), kinks),
    ("0 times infinity", "pow", rules(_0=lambda t, x, y, _o: t * y * mg.power(x, y - 1.0)), kinks),
    (
        "a product where a choice is needed",
        "where",
        rules(_1=lambda t, c, x, _y, _o: t * c + 0.0 * x),
        kinks,
    ),
    ("writes into an input", "sin", rules(_0=_scribble), mutation),
    ("a complex cotangent", "exp", rules(_0=lambda t, _x, o: np.zeros(o.shape, complex)), dtypes),
    ("NumPy code that drops the imaginary part", "abs", fields(impl=np.abs), first_order),
    (
        "NumPy code that is not analytic",
        "square",
        fields(impl=lambda x: x * np.conj(x)),
        oracles_agree,
    ),
    ("formula forgotten", "add", fields(formula=""), declaration),
    ("samples forgotten", "add", fields(samples=None), declaration),
    (
        "rule in a nondifferentiable primitive",
        "sign",
        fields(rules=(lambda t, _x, _o: t,)),
        declaration,
    ),
    ("forward rule forgotten", "max", fields(jvp=None), declaration),
]


def _overwrite(g: Any, x: Any, arrays: Any, index: Any) -> Any:
    out = np.zeros(x.shape)
    out[mg.ops.index.join_index(index, arrays[:-1])] = g
    return out


def _backwards(g: Any, arrays: Any, axis: int) -> Any:
    pieces, start = [], g.shape[axis]
    for a in arrays:
        stop, start = start, start - a.shape[axis]
        pieces.append(g[(slice(None),) * axis + (slice(start, stop),)])
    return pieces


@pytest.mark.parametrize(
    ("change", "name", "notices"),
    [(change, name, notices) for _, name, change, notices in MUTANTS],
    ids=[f"{name}: {what}" for what, name, _, _ in MUTANTS],
)
def test_a_broken_rule_is_noticed(
    change: Any, name: str, notices: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = REGISTRY[name]
    notices(name)  # green before
    for field, value in change(target).items():
        monkeypatch.setattr(target, field, value)
    monkeypatch.setattr(target, "_needs", [primitive._needs(rule, 1) for rule in target.rules])
    monkeypatch.setattr(
        target, "_joint_needs", [primitive._needs(target.joint, 2), primitive._needs(target.jvp, 1)]
    )
    monkeypatch.setattr(target, "_keeps", {})
    monkeypatch.setattr(target, "alone", target.keeps((True,)))
    _refresh(target, monkeypatch)
    with pytest.raises(AssertionError, match=rf"(?s){name}"):
        notices(name)


def _refresh(target: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The public function reads what to keep when it is made: make it again."""
    make = {1: primitive._unary, 2: primitive.binary}.get(len(target.rules))
    if target.family == "elementwise" and make is not None:
        fresh = make(target)
        fresh.__name__, fresh.__doc__ = target.function.__name__, target.function.__doc__
        monkeypatch.setattr(target, "function", fresh)


# The walks ---------------------------------------------------------------------------------

# where, what stands there (a pattern, so that small changes do not matter), what the mutant says
WALK_MUTANTS = [
    ("pullback", r"pending\[parent\] = before \+ c\n", "pending[parent] = c\n"),
    ("pullback", r"(elif parent in owned:\n\s*)[^\n]*", r"\1pass"),
    ("pullback", r"np\.add\(before, c, out=c [^\n]*\)", "c"),
    ("pullback", r"made = contributions is None[^\n]*\n[^\n]*", "made = c.flags.writeable"),
    ("pullback", r"in reversed\(nodes\)", "in nodes"),
    ("pullback", r"saved = kept\(node, lift, state\)", "saved = node.saved"),
    ("pullback", r"c = fused\[slot\]\(g, parent\.shape, \*saved\)", "c = sum_to(g, parent.shape)"),
    ("tangent", r"total = part if total is None else total \+ part", "total = part"),
    ("tangent", r"(if t is None:\s*)continue", r"\1return None"),
    ("pushforward", r"or all\(t is None for t in incoming\)", "or any(t is None for t in incoming)"),
    ("pushforward", r"kept\(node, lift, state\)", "node.saved"),
    ("conform", r"bind\(REGISTRY\[\"astype\"\], [^\n]*", "c"),
    ("collect", r"nodes\.sort\(key=by_serial\)", "nodes.sort(key=by_serial, reverse=True)"),
    ("collect", r"foreign = True\n", "pass\n"),
    ("seed", r"np\.array\(gradient[^)]*\)", "np.asarray(gradient)"),
]  # fmt: skip


def rewritten(function: Any, old: str, new: str) -> Any:
    """The function with one piece of its source changed."""
    source, count = re.subn(old, new, inspect.getsource(function))
    assert count, f"{function.__name__} no longer says {old!r}: break another line"
    namespace = dict(function.__globals__) | {"sum_to": sum_to}
    flags = annotations.compiler_flag
    exec(compile(source, function.__code__.co_filename, "exec", flags), namespace)
    return namespace[function.__name__]


def _all_walks() -> None:
    checks.check_closures()
    for case in checks.walks():
        checks.check_walk(case)


@pytest.mark.parametrize(
    ("where", "old", "new"), WALK_MUTANTS, ids=[f"{w}: {o[:40].strip()}" for w, o, _ in WALK_MUTANTS]
)
def test_a_broken_walk_is_noticed(
    where: str, old: str, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = rewritten(getattr(autodiff, where), old, new)
    for name in ("pullback", "pushforward"):  # they look up their helpers in their own module
        if name != where:
            same = rewritten(getattr(autodiff, name), "^", "")
            same.__globals__[where] = broken
            monkeypatch.setattr(transforms, name, same)
    monkeypatch.setattr(transforms, where, broken, raising=False)
    monkeypatch.setattr(autodiff, where, broken)
    with pytest.raises(AssertionError):
        _all_walks()
