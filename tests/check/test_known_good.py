"""No false alarms: right gradients at hard places never FAIL.

One seed here; more as a slow test (``MINIGRAD_SEEDS`` says how many); ``python -m tests.check.false_alarms`` runs a thousand.
"""

from __future__ import annotations

import os
import re
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad.primitive import REGISTRY
from tests.check.known_good import CASES, HELD_OUT, Good

ALL = [(name, case) for group in (CASES, HELD_OUT) for name, case in group.items()]
IDS = [name for name, _ in ALL]


def run(case: Good, seed: int) -> mg.check.Report:
    report = case.run(np.random.default_rng(1000 + seed), seed)
    assert report.verdict != "FAIL", f"seed {seed}\n{report.text()}"
    return report


@pytest.mark.parametrize("case", [c for _, c in ALL], ids=IDS)
def test_no_false_alarm(case):
    report = run(case, 0)
    assert report.verdict in case.expects, report.text()


@pytest.mark.parametrize(
    ("name", "seed"),
    [
        ("attention at 1e4", 206),  # values of 1e-70: both modes are nothing but rounding
        ("matrix inverse at 1e4", 0),  # a pole within the longest steps
        ("faint relu at 1e-09", 110),  # kinks whose jumps nearly cancel
        ("attention at 1e4", 48),  # gradients of 1e-308, whose multiples have fewer digits
        ("matrix inverse", 96),  # a nearly singular matrix beside the given one: more noise there
        ("batch norm in float32 inside", 43),  # rounding that looks like a kink, and is none
        ("faint relu at 1e-15", 312),  # a kink that one of two cotangents hides
        ("sum of batch norm", 283),  # the first cotangent is small by chance, rounding beside it large
        ("attention at 1e4", 359),  # rounding that no small change of the inputs reveals
        ("sum of squares of batch norm", 471),  # two wrong extrapolations agree by chance
        ("sigmoid far out", 1),  # saturated: rounding beside one is all there is
    ],
)
def test_no_false_alarm_where_there_was_one(name, seed):
    run({**CASES, **HELD_OUT}[name], seed)


def test_what_more_digits_show_to_be_rounding_is_inconclusive_and_says_so():
    report = run(HELD_OUT["attention at 1e4"], 359)
    assert report.verdict == "INCONCLUSIVE"
    assert not report.wrong
    said = r"rounding \[q\]: in float64 the derivative is off by up to \d.*in long double .*is right"
    assert re.search(said, report.text())


SEEDS = int(os.environ.get("MINIGRAD_SEEDS", "50"))


@pytest.mark.slow
@pytest.mark.parametrize("case", [c for _, c in ALL], ids=IDS)
def test_no_false_alarm_in_more_seeds(case):
    for seed in range(1, SEEDS):
        run(case, seed)


PRIMITIVES = [n for n, p in REGISTRY.items() if p.differentiable and p.samples]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", PRIMITIVES)
def test_no_false_alarm_on_a_primitive(name, dtype):
    check_primitive(name, dtype, 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", PRIMITIVES)
def test_no_false_alarm_on_a_primitive_far_out_or_in_more_seeds(name):
    for dtype in (np.float64, np.float32):
        for scale, offset in ((1e-3, 0.0), (1e6, 0.0), (1.0, 1e4)):
            check_primitive(name, dtype, 300, scale, offset)
        for seed in range(301, 301 + SEEDS // 16):
            check_primitive(name, dtype, seed)


def check_primitive(name, dtype, seed, scale=1.0, offset=0.0):
    primitive = REGISTRY[name]
    if name == "polygamma":
        pytest.importorskip("scipy")
    rng = np.random.default_rng(seed)
    for number, (arguments, options) in enumerate(primitive.samples(rng)):
        if number == 2:  # two shapes here; tests/test_registry.py goes through all of them
            break
        inputs = tuple(cast(a, dtype, scale, offset) for a in arguments)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            report = mg.gradcheck(
                lambda *xs, options=options: primitive.function(*xs, **options),
                inputs,
                mode="sketch",
                points=2,
                seed=seed,
            )
        assert report.verdict != "FAIL", report.text()


def cast(x, dtype, scale=1.0, offset=0.0):
    if isinstance(x, list):
        return [cast(part, dtype, scale, offset) for part in x]
    return (
        np.asarray(scale * np.asarray(x) + offset, dtype)
        if isinstance(x, np.ndarray | float) and np.asarray(x).dtype.kind == "f"
        else x
    )
