"""Forty wrong backwards: each is caught, at full strength and blended in, and named."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from tests.check.known_bad import CASES, Bad, backward, batch, forward

SMALLEST = {"structural": 1e-8, "eps": 1e-4}
BLENDED = [
    name
    for name, case in CASES.items()
    if case.kind in SMALLEST and not name.startswith(("15", "16"))  # single entries: see below
]


def check(case: Bad, strength: float, seed: int) -> mg.check.Report:
    inputs = case.inputs(np.random.default_rng(seed))
    pair = case.forward, case.blended(strength)
    return mg.check_pair(*pair, inputs, seed=seed, **case.options)


@pytest.mark.parametrize("name", CASES)
def test_caught_and_named(name):
    case = CASES[name]
    report = check(case, 1.0, 0)
    assert report.verdict == "FAIL", report.text()
    assert not report
    if case.says:
        assert case.says in {i.kind for i in report.issues if i.severity == "error"}, report.text()
    if case.diagnosis:
        hints = [i.message for i in report.issues if i.kind == "diagnosis"]
        assert any(case.diagnosis in hint for hint in hints), hints


@pytest.mark.parametrize("name", BLENDED)
def test_caught_when_blended_in(name):
    case = CASES[name]
    report = check(case, SMALLEST[case.kind], 1)
    assert report.verdict == "FAIL", report.text()


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if c.right is not None])
def test_without_the_bug_it_passes(name):
    case = CASES[name]
    report = mg.check_pair(
        case.forward, case.right, case.inputs(np.random.default_rng(2)), seed=2, strict=False
    )
    assert report.verdict != "FAIL", report.text()


def single_entry(seed: int, relative: float = 1e-7) -> mg.check.Report:
    rng = np.random.default_rng(seed)
    inputs = batch(rng, 64, 8)
    where = int(rng.integers(512))

    def wrong(x, gamma, beta, dy):
        dx, dgamma, dbeta = backward(x, gamma, beta, dy)
        dx = dx.copy()
        dx.flat[where] *= 1 + relative
        return dx, dgamma, dbeta

    report = mg.check_pair(forward, wrong, inputs, mode="sketch", seed=seed)
    assert report.verdict == "FAIL", report.text()
    assert {e.index for e in report.wrong if e.index} == {(where // 8, where % 8)}
    return report


@pytest.mark.parametrize("seed", range(2))
def test_one_entry_of_512_off_by_1e_7_is_found_by_random_directions(seed):
    single_entry(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 20))
def test_one_entry_of_512_off_by_1e_7_twenty_seeds(seed):
    single_entry(seed)


def test_a_tiny_difference_is_not_taken_for_a_kink():
    report = check(CASES["03 mean path without 1/N"], 1e-12, 1)
    assert report.verdict == "FAIL", report.text()
    assert "kink" not in {e.state for e in report.entries}


@pytest.mark.slow
@pytest.mark.parametrize("name", BLENDED)
def test_every_strength_down_to_the_resolution(name):
    """What is far above the resolution is caught; what is caught is above it."""
    case = CASES[name]
    for seed in range(5):
        for exponent in range(0, 13, 2):
            strength = 10.0**-exponent
            report = check(case, strength, seed)
            if strength >= SMALLEST[case.kind]:
                assert report.verdict == "FAIL", (strength, report.text())
            if report.verdict != "FAIL":
                break
        assert report.verdict in ("PASS", "FAIL"), report.text()


def test_case_40_a_wrong_second_derivative_under_a_right_first_one():
    def once(x):  # the derivative is right, and a constant as far as the engine knows
        cosine = mg.stop_gradient(mg.cos(x))
        return mg.stop_gradient(mg.sin(x)) + (x - mg.stop_gradient(x)) * cosine

    x = np.array([0.3, -1.2, 2.0])
    # Numerically the function moves with x, so its first derivative is right as well.
    assert mg.check_against(mg.sin, mg.sin, x).verdict == "PASS"
    report = mg.gradcheck(once, x, order=2)
    assert report.verdict == "FAIL"
    assert {e.order for e in report.wrong} == {2}


def test_a_large_input_is_searched_by_bisection(rng):
    x = rng.normal(size=(40, 50))

    def wrong(x, dy):
        dx = 2 * x * dy
        dx[17, 3] *= 1.001
        dx[30, 49] += 1e-3
        return dx

    report = mg.check_pair(lambda x: x**2, wrong, x)
    assert {e.index for e in report.wrong if e.index} == {(17, 3), (30, 49)}
    assert report.evaluations["forward"] < 6000


def test_a_large_input_is_diagnosed_from_a_sample(rng):
    x = rng.normal(size=(300, 5)), np.ones(5), np.zeros(5)

    def wrong(x, gamma, beta, dy):
        _, dgamma, dbeta = backward(x, gamma, beta, dy)
        mean = x.mean(0)
        inverse = 1 / np.sqrt(((x - mean) ** 2).mean(0) + 1e-5)
        g = gamma * dy
        return inverse * (g - g.mean(0)), dgamma, dbeta

    report = mg.check_pair(forward, wrong, x)
    hints = [i.message for i in report.issues if i.kind == "diagnosis"]
    assert any("path through the variance is missing" in h for h in hints), report.text()


@pytest.mark.parametrize(
    ("axes", "shape", "words"),
    [((0, 2, 3), (4, 3, 3, 2), "path through the mean is missing"), ((1,), (6, 8), "through the mean")],
)
def test_other_layouts_are_diagnosed(rng, axes, shape, words):
    def parts(x):
        mean = x.mean(axis=axes, keepdims=True)
        inverse = 1 / np.sqrt(((x - mean) ** 2).mean(axis=axes, keepdims=True) + 1e-3)
        return (x - mean) * inverse, inverse

    def backward(x, dy):
        hat, inverse = parts(x)
        return inverse * (dy - hat * (dy * hat).mean(axis=axes, keepdims=True))

    report = mg.check_pair(lambda x: parts(x)[0], backward, rng.normal(size=shape))
    hints = [i.message for i in report.issues if i.kind == "diagnosis"]
    assert any(words in h for h in hints), hints


def test_nothing_is_claimed_where_nothing_fits(rng):
    x = rng.normal(size=(5, 4))
    report = mg.check_pair(lambda x: np.sin(x), lambda x, dy: dy * (np.cos(x) + 0.1 * np.sin(7 * x)), x)
    assert report.verdict == "FAIL"
    assert "diagnosis" not in {i.kind for i in report.issues}
