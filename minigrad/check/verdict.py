"""From comparisons and remarks to one word."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .checker import Checker
from .report import Curve, Report

_DTYPES = {"g": "long double", "d": "float64", "f": "float32", "e": "float16"}


def conclude(checks: Sequence[Checker], strict: bool) -> Report:
    """Turn the checks of one subject (first order, then second) into a report.

    Parameters
    ----------
    checks : sequence of Checker
        That have run.
    strict : bool
        Whether INCONCLUSIVE and VACUOUS count as failed.

    Returns
    -------
    Report
    """
    first = checks[0]
    unresolved, vacuous, resolutions = [], [], []
    for check in checks:
        for i in check.subject.checked:
            name = check.subject.names[i]
            if not check.subject.inputs[i].size:
                continue
            nothing = check.vacuous.get(name, [])
            if nothing and all(nothing):
                # At second order zero is an answer: a linear function has no more to give.
                if check.order == 1:
                    vacuous.append(name)
                continue
            resolution = check.resolution(name)
            resolutions.append(resolution)
            if not resolution <= check.required():
                unresolved.append((check, name))
            elif resolution < check.allowed(name):
                _explain_seen(check, name)
    empty = not any(first.subject.inputs[i].size for i in first.subject.checked)
    entries = [e for c in checks for e in c.entries]
    errors = [i for c in checks for i in c.issues if i.severity == "error" and i.kind != "undefined"]
    if errors or any(e.state == "wrong" for e in entries):
        verdict = "FAIL"
    elif unresolved or not first.reached or any(c.pardoned for c in checks):
        verdict = "INCONCLUSIVE"
    elif vacuous or empty:
        verdict = "VACUOUS"
    else:
        verdict = "PASS"
    if empty:
        first.note("vacuous", "warning", "no input has any elements: there was nothing to compare.")
    for name in vacuous:
        first.note(
            "vacuous",
            "warning",
            "the numerical derivative is zero up to rounding, and so is the one under test: that "
            "proves nothing. (The sum of a batch norm's output, for example, does not depend on its "
            "input.) Check the output itself, or a weighted sum of it.",
            name,
        )
    for check in checks:
        _explain_kinks(check)
    if verdict == "INCONCLUSIVE":
        for check, name in unresolved:
            _explain_resolution(check, name)
    subject = first.subject
    return Report(
        name=subject.name,
        verdict=verdict,
        resolution=max((r for r in resolutions if math.isfinite(r)), default=math.inf),
        required=first.required(),
        entries=entries,
        issues=[i for c in checks for i in c.issues],
        evaluations=dict(subject.evaluations),
        inputs={
            subject.names[i]: {
                "shape": list(subject.inputs[i].shape),
                "dtype": str(subject.inputs[i].dtype),
                "resolution": first.resolution(subject.names[i]),
            }
            for i in subject.checked
        },
        curves={name: _curve(first, name) for name in first.estimates},
        seed=first.seed,
        mode=first.mode,
        order=max(c.order for c in checks),
        strict=strict,
        oracle=_oracle(first),
        replay=_replay(first, max(c.order for c in checks)),
    )


def _explain_kinks(check: Checker) -> None:
    for name in dict.fromkeys(e.input for e in check.entries):
        kinks = [e for e in check.entries if e.input == name and e.state == "kink"]
        sided = [e for e in check.entries if e.input == name and e.mode == "one-sided"]
        if not kinks:
            continue
        where = "the given point" if any(e.point == 0 for e in kinks) else "a jittered point"
        tested = ""
        if sided:
            tested = (
                " The gradient there lies between the one-sided derivatives, as it should."
                if all(e.state == "ok" for e in sided)
                else " The gradient there does not lie between the one-sided derivatives."
            )
        check.note(
            "kink",
            "note",
            f"there is a kink at {where}: the one-sided derivatives differ, so there is no derivative "
            f"to compare with.{tested} Other points are checked as usual.",
            name,
        )


def _explain_resolution(check: Checker, name: str) -> None:
    resolution = check.resolution(name)
    if math.isfinite(resolution):
        seen = f"only errors of {resolution:.0e} of the largest gradient entry or more would be seen"
    else:
        seen = "no step gives a numerical derivative here (a kink, or the edge of the domain)"
    check.note(
        "resolution",
        "warning",
        f"{seen}, and {check.required():.0e} is required. Use float64 inputs, values of moderate "
        "size, a point away from singularities; or accept it with require_resolution=.",
        name,
    )


def _explain_seen(check: Checker, name: str) -> None:
    check.note(
        "resolution",
        "note",
        f"by rounding alone the gradient could be off here by {check.allowed(name):.0e} of its "
        f"largest entry; in every comparison it was within {check.seen(name):.0e}, and that counts.",
        name,
    )


def _oracle(check: Checker) -> str:
    """Which numerical derivatives there were, in words."""
    said: dict[str, list[str]] = {}
    for name, what in check.complex.items():
        said.setdefault(what, []).append(name)
    several = len(said) > 1
    parts = [f"step ladder in {_DTYPES.get(check.dtype.char, check.dtype.name)}"]
    for what, names in said.items():
        parts.append(f"complex step {what}" + (f" ({', '.join(names)})" if several else ""))
    return "; ".join(parts)


def _replay(check: Checker, order: int) -> str:
    """The call that gives this report again."""
    options = [f"seed={check.seed}", f"mode={check.mode!r}"]
    options += [f"order={order}"] * (check.subject.who != "check_pair")
    options += [f"points={check.point_count}"] * (check.point_count != 3)
    options += [f"cotangents={check.width}"] * (check.width != 2)
    return f"mg.{check.subject.who}(..., {', '.join(options)})"


def _curve(check: Checker, name: str) -> Curve:
    """Error against step along one direction, for the picture."""
    estimate, entry = check.estimates[name]
    value = estimate.value[0]
    return Curve(
        steps=list(estimate.steps),
        errors=[float(abs(d[0] - value)) for d in estimate.differences],
        noise=float(estimate.noise[0]),
        first=int(estimate.first[0]),
        last=int(estimate.last[0]),
        truncation=float(estimate.truncation[0]),
        rounding=float(estimate.rounding[0]),
        difference=entry.difference,
        allowed=entry.allowed,
        value=float(value),
        kink=bool(estimate.kink[0]),
    )
