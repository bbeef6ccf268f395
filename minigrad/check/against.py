"""Two implementations of one function: against one another, and each against the numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..errors import ArgumentError
from ..tensor import Array
from .checker import (
    SAFETY_LADDER,
    SAFETY_NOISE,
    SAFETY_UNIT,
    SAFETY_VALUE,
    Checker,
    Point,
)
from .report import VERDICTS, Entry, Issue, Report
from .verdict import conclude

ORDER = ("FAIL", "INCONCLUSIVE", "VACUOUS", "PASS")  # the worst first


def compare(
    one: Sequence[Checker], other: Sequence[Checker], names: tuple[str, str], strict: bool
) -> Report:
    """The report of two checked subjects.

    Parameters
    ----------
    one, other : sequence of Checker
        That have run, with the same inputs and the same seed.
    names : tuple of str
        What the two are called.
    strict : bool
        Whether INCONCLUSIVE and VACUOUS count as failed.

    Returns
    -------
    Report
        Entries of mode "value" and "against" compare the two; the others are those of each.
    """
    reports = [conclude(one, strict), conclude(other, strict)]
    entries: list[Entry] = []
    for a, b in zip(one, other, strict=False):
        with np.errstate(all="ignore"):
            entries += _compare(a, b, names)
    issues: list[Issue] = []
    for name, report in zip(names, reports, strict=True):
        for entry in report.entries:
            entry.function = name
        for issue in report.issues:
            issue.message = f"{name}: {issue.message}"
        issues += report.issues
    wrong = any(e.state == "wrong" for e in entries)
    verdict = min((r.verdict for r in reports), key=ORDER.index)
    assert verdict in VERDICTS
    issues += _judgement(names, reports, wrong)
    first = reports[0]
    return Report(
        name=f"{names[0]} against {names[1]}",
        verdict="FAIL" if wrong else verdict,
        resolution=max(r.resolution for r in reports),
        required=max(r.required for r in reports),
        entries=entries + reports[0].entries + reports[1].entries,
        issues=issues,
        evaluations={way: sum(r.evaluations[way] for r in reports) for way in first.evaluations},
        inputs=first.inputs,
        curves=first.curves,
        seed=first.seed,
        mode=first.mode,
        order=max(r.order for r in reports),
        strict=strict,
        replay=first.replay.replace(one[0].subject.who, "check_against"),
        oracle="; ".join(dict.fromkeys(r.oracle for r in reports)),
    )


def _compare(a: Checker, b: Checker, names: tuple[str, str]) -> list[Entry]:
    """Values and gradients at the points that both have reached."""
    if [x.shape for x in a.subject.inputs] != [x.shape for x in b.subject.inputs]:
        return []
    entries = []
    others = {p.number: p for p in b.reached}
    for p in a.reached:
        q = others.get(p.number)
        if q is None or not all(map(np.array_equal, p.inputs, q.inputs)):
            continue
        shapes = [[y.shape for y in r.centre] for r in (p, q)]
        if shapes[0] != shapes[1]:
            raise ArgumentError(
                f"check_against: {names[0]} returns shapes {shapes[0]} and {names[1]} {shapes[1]}; "
                "they must be the same."
            )
        entries += [_value(a, b, p, q, k) for k in range(min(a.width, b.width))]
        for i in a.subject.checked:
            if i in b.subject.checked and p.inputs[i].size:
                for k in range(min(a.width, b.width)):
                    if a.usable(p, i, k) and b.usable(q, i, k):
                        entries.append(_gradient(a, b, p, q, i, k))
    for entry in entries:
        entry.function = " against ".join(names)
    return entries


def _value(a: Checker, b: Checker, p: Point, q: Point, k: int) -> Entry:
    """The outputs, contracted with a cotangent, in the wider of what both can do."""
    one, other = a.contract(p, p.centre)[k], b.contract(q, q.centre)[k]
    allowed = SAFETY_LADDER * (a.noise(p)[k] + b.noise(q)[k])
    return Entry(
        "value", None, float(one), float(other), float(allowed), p.number, k, "value", a.order,
        "ok" if abs(one - other) <= allowed else "wrong", p.terms[k], oracle="the first",
    )  # fmt: skip


def _gradient(a: Checker, b: Checker, p: Point, q: Point, i: int, k: int) -> Entry:
    """The entry at which two gradients differ most."""
    one, other = (np.asarray(r.gradients[k][i], np.longdouble) for r in (p, q))
    allowed = _room(a, p, i, k, one) + _room(b, q, i, k, other)
    apart = np.abs(one - other)
    margin = np.where(np.isfinite(apart), apart / np.maximum(allowed, np.finfo(float).tiny), np.inf)
    index = tuple(int(n) for n in np.unravel_index(int(np.argmax(margin)), one.shape))
    room = float(allowed[index])
    return Entry(
        a.subject.names[i], index, float(one[index]), float(other[index]), room, p.number, k, "against",
        a.order, "ok" if apart[index] <= room else "wrong", float(np.max(np.abs(one))),
        oracle="the first",
    )  # fmt: skip


def _room(checker: Checker, point: Point, i: int, k: int, gradient: Array) -> Array:
    """Per entry, how inexact one gradient may be by rounding."""
    spread = checker.spread(point, i, k)
    typical = math.sqrt(float(np.mean(spread**2)))
    largest = float(np.max(np.abs(gradient)))
    floor = SAFETY_UNIT * checker.unit * largest + SAFETY_VALUE * checker.unit * point.terms[k] / (
        checker.smooth(point, i)
    )
    return SAFETY_NOISE * np.maximum(spread, typical) + floor


def _judgement(names: tuple[str, str], reports: Sequence[Report], wrong: bool) -> list[Issue]:
    """In words, who is to blame."""
    verdicts = [r.verdict for r in reports]
    if verdicts == ["PASS", "PASS"]:
        if not wrong:
            return []
        text = "each agrees with its own numerical derivative, so the two compute different functions"
    elif verdicts.count("PASS") == 1 and "FAIL" in verdicts:
        good, bad = names[verdicts.index("PASS")], names[verdicts.index("FAIL")]
        text = f"{good} agrees with the numerical derivative, {bad} does not"
    elif verdicts == ["FAIL", "FAIL"]:
        same = "and not with one another either" if wrong else "but with one another: a shared mistake"
        text = f"neither agrees with its numerical derivative, {same}"
    else:
        return []
    return [Issue("comparison", "hint", text)]
