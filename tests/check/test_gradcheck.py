"""mg.gradcheck on minigrad's own functions: right ones pass, wrong ones are named."""

from __future__ import annotations

import json

import numpy as np
import pytest

import minigrad as mg
from minigrad.primitive import REGISTRY, general


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def declare():
    """Declare a primitive with wrong rules, and forget it afterwards."""
    names = []

    def make(impl, *, vjp, jvp):
        names.append(f"wrong{len(names)}")
        return general(names[-1], impl, vjp=vjp, jvp=jvp)

    yield make
    for name in names:
        del REGISTRY[name]


def batch(rng, *shape):
    return rng.normal(size=shape), rng.uniform(0.5, 1.5, shape[1]), rng.normal(size=shape[1])


@pytest.mark.parametrize("function", [mg.batchnorm.composed, mg.batchnorm.fused])
@pytest.mark.parametrize("order", [1, 2])
def test_batch_norm_passes_with_a_fine_resolution(rng, function, order):
    report = mg.gradcheck(function, batch(rng, 16, 5), order=order)
    assert report.verdict == "PASS", report.text()
    assert report.resolution < 1e-9
    assert {e.input for e in report.entries} >= {"x", "gamma", "beta"}
    assert {e.mode for e in report.entries} == {"reverse", "forward", "forward against reverse"}
    assert max(e.margin for e in report.entries) < 0.5
    assert {e.order for e in report.entries} == set(range(1, order + 1))


def test_statistics_held_constant_fail(rng):
    x, gamma, beta = batch(rng, 8, 3)
    report = mg.gradcheck(lambda x: mg.batchnorm.composed(x, gamma, beta, through_statistics=False), x)
    assert not report
    assert report.verdict == "FAIL"
    worst = report.wrong[0]
    assert worst.index is not None
    assert worst.input == "x"
    assert worst.difference == abs(worst.got - worst.expected)
    assert f"{worst.expected:.17g}" in report.text()
    assert f"{worst.got:.17g}" in report.text()
    assert str(worst.index) in report.text()
    with pytest.raises(mg.GradientCheckError, match="FAIL"):
        report.raise_if_failed()


@pytest.mark.parametrize("relative", [1e-3, 1e-5, 1e-7])
def test_one_wrong_entry_is_found_and_named(rng, declare, relative):
    factor = np.ones((16, 5))
    factor[7, 3] += relative
    broken = declare(
        np.sin,
        vjp=lambda g, needed, x, _out: (g * mg.cos(x) * factor,),
        jvp=lambda tangents, x, _out: tangents[0] * mg.cos(x) * factor,
    )
    report = mg.gradcheck(broken, rng.normal(size=(16, 5)))
    assert report.verdict == "FAIL"
    assert {e.index for e in report.wrong if e.index} == {(7, 3)}
    assert report.wrong[0].relative == pytest.approx(relative, rel=1e-2)


def test_forward_mode_is_checked_on_its_own(rng, declare):
    broken = declare(
        lambda x: x * x,
        vjp=lambda g, needed, x, _out: (g * x * 2.0,),
        jvp=lambda tangents, x, _out: tangents[0] * x * 2.00001,
    )
    report = mg.gradcheck(broken, rng.normal(size=4))
    assert report.verdict == "FAIL"
    assert {e.mode for e in report.wrong} == {"forward", "forward against reverse"}


def test_second_order_bug_under_a_right_first_order(rng, declare):
    broken = declare(
        np.sin,
        vjp=lambda g, needed, x, _out: (g * mg.stop_gradient(mg.cos(x)),),
        jvp=lambda tangents, x, _out: tangents[0] * mg.stop_gradient(mg.cos(x)),
    )
    x = rng.normal(size=4)
    assert mg.gradcheck(broken, x).verdict == "PASS"
    report = mg.gradcheck(broken, x, order=2)
    assert report.verdict == "FAIL"
    assert {e.order for e in report.wrong} == {2}


def test_every_input_is_checked_and_nested_ones_are_named(rng):
    params = {"w": rng.normal(size=(3, 2)), "b": [rng.normal(size=2)]}

    def layer(p, x):
        return mg.tanh(x @ mg.stop_gradient(p["w"]) + p["b"][0])

    report = mg.gradcheck(layer, (params, rng.normal(size=(4, 3))))
    assert report.verdict == "FAIL"
    assert {e.input for e in report.wrong} == {"p['w']"}
    assert {e.input for e in report.entries} == {"p['w']", "p['b'][0]", "x"}
    assert mg.gradcheck(layer, (params, rng.normal(size=(4, 3))), wrt="x")


def test_vacuous_is_not_a_pass(rng):
    x, gamma, beta = batch(rng, 8, 3)
    report = mg.gradcheck(lambda x: mg.batchnorm.fused(x, gamma, beta).sum(), x)
    assert report.verdict == "VACUOUS"
    assert not report
    assert "proves nothing" in report.text()
    assert mg.gradcheck(lambda x: mg.batchnorm.fused(x, gamma, beta).sum(), x, strict=False)


def test_integers_are_data(rng):
    labels = np.array([0, 2, 1])
    report = mg.gradcheck(mg.cross_entropy, (rng.normal(size=(3, 4)), labels))
    assert report.verdict == "PASS", report.text()
    assert {e.input for e in report.entries} == {"logits"}


def test_float32_passes_at_a_coarser_resolution(rng):
    inputs = [a.astype(np.float32) for a in batch(rng, 16, 5)]
    report = mg.gradcheck(mg.batchnorm.fused, inputs)
    assert report.verdict == "PASS", report.text()
    assert 1e-7 < report.resolution < 1e-3


@pytest.mark.parametrize("value", [1e-12, 1e-4, 1.0])
def test_roots_near_zero(value):
    report = mg.gradcheck(mg.sqrt, np.full(3, value))
    assert report.verdict == "PASS", report.text()


def test_the_same_call_gives_the_same_report(rng):
    x = rng.normal(size=(4, 3))
    first, second = (mg.gradcheck(mg.tanh, x, seed=5).json() for _ in range(2))
    assert first == second
    assert json.loads(first)["verdict"] == "PASS"


def test_wrong_options_teach():
    x = np.ones(2)
    with pytest.raises(mg.ArgumentError, match=r"order is 1 or 2, not 3"):
        mg.gradcheck(mg.exp, x, order=3)
    with pytest.raises(mg.ArgumentError, match=r'mode is "auto", "sketch" or "full", not \'fast\''):
        mg.gradcheck(mg.exp, x, mode="fast")
    with pytest.raises(mg.ArgumentError, match=r"there is no input 'y'.*0 'x'"):
        mg.gradcheck(mg.exp, x, wrt="y", names=["x"])
    with pytest.raises(mg.ArgumentError, match=r"nothing to differentiate.*one floating array"):
        mg.gradcheck(mg.exp, np.ones(2, int))
    with pytest.raises(mg.ArgumentError, match="points is an integer from 1 upwards, not 0"):
        mg.gradcheck(mg.exp, x, points=0)
    with pytest.raises(mg.ArgumentError, match="no floating array"):
        mg.gradcheck(lambda x: mg.argmax(x), x)


def test_far_from_zero_float32_passes_where_it_is_seen_to_be_near(rng):
    inputs = [a.astype(np.float32) for a in batch(rng, 16, 5)]
    inputs[0] += np.float32(1e4)
    report = mg.gradcheck(mg.batchnorm.fused, inputs)
    assert report.verdict == "PASS", report.text()
    assert 1e-5 < report.resolution <= 1e-3
    assert "in every comparison it was within" in report.text()


@pytest.mark.parametrize("strength", [1.0, 0.1, 0.01])
def test_far_from_zero_float32_never_passes_a_wrong_gradient(rng, strength):
    inputs = [a.astype(np.float32) for a in batch(rng, 16, 5)]
    inputs[0] += np.float32(1e4)

    def wrong(x, gamma, beta):
        missing = mg.mean(x, axis=0) - mg.stop_gradient(mg.mean(x, axis=0))  # a value of zero
        return mg.batchnorm.fused(x, gamma, beta) + strength * missing

    for seed in range(4):
        assert mg.gradcheck(wrong, inputs, seed=seed).verdict != "PASS"


def test_a_gradient_that_rounding_turns_into_nan_is_not_called_wrong():
    """The difference of two large numbers: a variance that may come out negative."""
    x = (np.random.default_rng(9).normal(size=(8, 3)) + 1e4).astype(np.float32)

    def careless(x):
        return x / mg.sqrt(mg.mean(x**2, axis=0) - mg.mean(x, axis=0) ** 2)

    assert mg.gradcheck(careless, x, seed=9).verdict == "INCONCLUSIVE"


def test_steps_that_are_periods_of_the_function_refute_nothing():
    x = np.array([1234567.3, 7654321.25])
    assert mg.gradcheck(lambda x: mg.sin(np.pi * x), np.array([0.3, 1.25])).verdict == "PASS"
    assert mg.gradcheck(mg.sinc, 1e6 * x).verdict != "FAIL"
    report = mg.check_pair(lambda x: np.sinc(x) * x, lambda x, dy: dy * np.cos(np.pi * x), x)
    assert report.verdict != "FAIL", report.text()


def test_nothing_but_empty_inputs_prove_nothing():
    for shapes in ([(0, 3)], [(0,), (2, 0)]):
        report = mg.gradcheck(lambda *xs: sum((x**2).sum() for x in xs), tuple(map(np.zeros, shapes)))
        assert report.verdict == "VACUOUS"
        assert "no input has any elements" in report.text()
    assert mg.gradcheck(lambda x, y: x.sum() + y**2, (np.zeros((0, 3)), np.ones(2)))
