"""The checker itself is broken on purpose: a small suite must then turn red."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.check import checker, ladder, protocol, sampling
from minigrad.check.checker import Checker
from minigrad.check.subject import Subject
from tests.check import known_bad


def smooth_pass():
    inputs = known_bad.batch(np.random.default_rng(0), 8, 3)
    return mg.check_pair(known_bad.forward, known_bad.backward, inputs).verdict == "PASS"


def tiny_resolution():
    inputs = known_bad.batch(np.random.default_rng(0), 8, 3)
    return mg.check_pair(known_bad.forward, known_bad.backward, inputs).resolution < 1e-8


def narrow_passes():
    """Single precision inside: only measured noise explains the differences."""
    x = np.random.default_rng(0).normal(size=6)

    def forward(x):
        return np.sin(x.astype(np.float32)).astype(x.dtype)

    return all(
        mg.check_pair(
            forward, lambda x, dy: np.cos(x) * dy, x + 0.1 * seed, seed=seed, strict=False
        ).verdict
        != "FAIL"
        for seed in range(6)
    )


def steep_passes():
    x = np.full(3, 1e-3)
    report = mg.check_pair(
        lambda x: np.sin(100 / x), lambda x, dy: -100 / x**2 * np.cos(100 / x) * dy, x
    )
    return report.verdict != "FAIL"


def kink_passes():
    x = np.array([0.0, 1.0, -1.0])
    return mg.check_pair(lambda x: np.abs(x), lambda x, dy: np.sign(x) * dy, x).verdict == "PASS"


def caught(name):
    def run():
        case = known_bad.CASES[name]
        inputs = case.inputs(np.random.default_rng(0))
        return mg.check_pair(case.forward, case.wrong, inputs).verdict == "FAIL"

    run.__name__ = name
    return run


def last_input_caught():
    def wrong(x, gamma, beta, dy):
        dx, dgamma, dbeta = known_bad.backward(x, gamma, beta, dy)
        return dx, dgamma, 1.001 * dbeta

    inputs = known_bad.batch(np.random.default_rng(0), 8, 3)
    return mg.check_pair(known_bad.forward, wrong, inputs).verdict == "FAIL"


def vacuous_seen():
    x = np.random.default_rng(0).normal(size=(6, 2))
    return mg.gradcheck(lambda x: mg.batchnorm.fused(x).sum(), x).verdict == "VACUOUS"


SUITE = [
    smooth_pass, tiny_resolution, narrow_passes, steep_passes, kink_passes, last_input_caught,
    vacuous_seen,
    caught("07 gamma dropped from dx"), caught("16 one entry off by 1e-5"), caught("18 absolute value of dy"),
    caught("28 changes dy"), caught("36 ties counted twice"), caught("39 stale cache"),
]  # fmt: skip


def red() -> list[str]:
    """Names of the members of the suite that fail."""
    found = []
    for member in SUITE:
        try:
            good = member()
        except Exception:
            good = False
        if not good:
            found.append(member.__name__)
    return found


def test_the_suite_is_green_as_it_stands():
    assert red() == []


def no_noise(patch):
    patch.setattr(checker, "noise", lambda line, centre, size, unit: np.zeros_like(centre))


def no_ladder_bound(patch):
    patch.setattr(checker, "SAFETY_LADDER", 0)


def no_analytic_bound(patch):
    for name in ("SAFETY_NOISE", "SAFETY_UNIT", "SAFETY_VALUE"):
        patch.setattr(checker, name, 0)


def huge_bound(patch):
    patch.setattr(checker, "SAFETY_UNIT", 1e12)


def last_input_skipped(patch):
    before = Checker._sketch
    patch.setattr(
        Checker,
        "_sketch",
        lambda self, p, i: before(self, p, i) if i != self.subject.checked[-1] else None,
    )
    patch.setattr(Checker, "_entrywise", lambda self, p, i, *a: None)


def sign_swapped(patch):
    before = Subject.backward
    patch.setattr(
        Subject,
        "backward",
        lambda self, x, c: [g if g is None else -np.asarray(g) for g in before(self, x, c)],
    )


def one_step_only(patch):
    before = ladder.climb
    patch.setattr(checker, "climb", lambda *a: before(*a[:5], 2))


def no_kinks(patch):
    before = ladder.climb

    def climb(*arguments):
        found = before(*arguments)
        for estimate in found:
            estimate.kink[:] = False
        return found

    patch.setattr(checker, "climb", climb)


def no_one_sided_test(patch):
    patch.setattr(Checker, "_at_a_kink", lambda self, point, i: None)


def given_point_only(patch):
    patch.setattr(Checker, "_jittered_points", lambda self: [])


def no_protocol(patch):
    patch.setattr(checker, "inspect_protocol", lambda *a: None)


def no_stale_test(patch):
    patch.setattr(protocol._Inspection, "stale", lambda self: None)


def cotangents_of_ones(patch):
    patch.setattr(sampling, "cotangents", lambda rng, outputs: [np.ones_like(y) for y in outputs])


def directions_of_zeros(patch):
    patch.setattr(sampling, "direction", lambda rng, x: np.zeros_like(x))


def nothing_is_vacuous(patch):
    before = Checker._judge

    def judge(self, *arguments):
        found = before(self, *arguments)
        self.vacuous.clear()
        return found

    patch.setattr(Checker, "_judge", judge)


MUTANTS = [
    no_noise, no_ladder_bound, no_analytic_bound, huge_bound, last_input_skipped, sign_swapped,
    one_step_only, no_kinks, no_one_sided_test, given_point_only, no_protocol, no_stale_test,
    cotangents_of_ones, directions_of_zeros, nothing_is_vacuous,
]  # fmt: skip


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.__name__)
def test_a_broken_checker_turns_the_suite_red(monkeypatch, mutant):
    mutant(monkeypatch)
    assert red()
