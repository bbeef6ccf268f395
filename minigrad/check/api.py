"""The functions that people call."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import ArgumentError
from .checker import Checker
from .report import Report
from .subject import MinigradSubject, Subject


def gradcheck(
    f: Callable[..., Any],
    inputs: Any,
    *,
    wrt: Any = "all",
    order: int = 1,
    mode: str = "auto",
    points: int = 3,
    cotangents: int = 2,
    seed: int = 0,
    require_resolution: float | None = None,
    strict: bool = True,
    names: Sequence[str] | None = None,
) -> Report:
    """Check the derivatives of a function against numerical ones.

    Both modes are checked, for every floating input, at the given point and at jittered
    copies of it.  What is allowed follows from the measured errors of both sides, so there
    is no tolerance to choose; the report says how small an error would have been caught.

    Parameters
    ----------
    f : callable
        Of minigrad's functions; returns a tensor or nested tensors.
    inputs : array_like, tuple, list or dict
        One entry per argument of f (nested containers are taken apart); a dict gives names.
    wrt : "all", or names or numbers of inputs
        What to differentiate.
    order : {1, 2}
        With 2 the derivative of the gradient is checked as well.
    mode : {"auto", "sketch", "full"}
        Along random directions; entry by entry; or the first, and the second for small
        inputs and after a failure.
    points : int
        The given point, and so many less one near it.
    cotangents : int
        Random cotangents per point.
    seed : int
        Of directions, cotangents and points.
    require_resolution : float, optional
        A coarser check is INCONCLUSIVE; by default 1e-6, and 1e-3 for single precision.
    strict : bool
        Whether INCONCLUSIVE and VACUOUS count as failed.
    names : sequence of str, optional
        Of the arguments.

    Returns
    -------
    Report
        True if it passed; ``print`` it.

    Raises
    ------
    ArgumentError
        For wrong options, and where there is nothing to differentiate.

    Examples
    --------
    >>> import minigrad as mg, numpy as np
    >>> report = mg.gradcheck(lambda x: (x**3).sum(), np.array([1.0, 2.0]), order=2)
    >>> report.verdict
    'PASS'
    >>> wrong = lambda x: x * mg.stop_gradient(x)
    >>> mg.gradcheck(wrong, np.array([1.0, 2.0])).verdict
    'FAIL'
    """
    if order not in (1, 2):
        raise ArgumentError(f"gradcheck: order is 1 or 2, not {order!r}.")
    subject = MinigradSubject(f, inputs, wrt, names)
    checks = [Checker(subject, mode, points, cotangents, seed, require_resolution)]
    checks[0].run()
    if order == 2 and checks[0].given_cotangents:
        second = subject.derivative(checks[0].given_cotangents)
        checks.append(Checker(second, mode, min(points, 2), 1, seed, require_resolution, 2))
        checks[1].run()
    return conclude(subject, checks, strict)


def conclude(subject: Subject, checks: Sequence[Checker], strict: bool) -> Report:
    """Turn comparisons and remarks into a verdict."""
    first = checks[0]
    unresolved, vacuous, resolutions = [], [], []
    for check in checks:
        for i in check.subject.checked:
            name, empty = check.subject.names[i], not check.subject.inputs[i].size
            nothing = check.vacuous.get(name, [])
            if empty:
                continue
            if nothing and all(nothing):
                if check.order == 1:
                    vacuous.append(name)
                    check.note(
                        "vacuous", "warning",
                        "the numerical derivative is zero up to rounding, so is the one under test: "
                        "this proves nothing. (The sum of a batch norm's output, for example, does not "
                        "depend on its input.) Check the output itself, or a weighted sum of it.", name,
                    )  # fmt: skip
                continue
            resolution = check.resolution(name)
            resolutions.append(resolution)
            if not resolution <= check.required():
                unresolved.append(name)
    entries = [e for c in checks for e in c.entries]
    if any(e.state == "wrong" for e in entries) or any(
        i.severity == "error" and i.kind != "undefined" for c in checks for i in c.issues
    ):
        verdict = "FAIL"
    elif unresolved or not entries:
        verdict = "INCONCLUSIVE"
    elif vacuous:
        verdict = "VACUOUS"
    else:
        verdict = "PASS"
    for check in checks:
        _explain_states(check, unresolved if verdict == "INCONCLUSIVE" else [])
    issues = [i for c in checks for i in c.issues]
    finite = [r for r in resolutions if math.isfinite(r)]
    return Report(
        subject.name,
        verdict,
        max(finite, default=math.inf),
        first.required(),
        entries,
        issues,
        dict(subject.evaluations),
        {
            subject.names[i]: {
                "shape": list(subject.inputs[i].shape), "dtype": str(subject.inputs[i].dtype),
                "resolution": first.resolution(subject.names[i]),
            }
            for i in subject.checked
        },
        first.seed,
        first.mode,
        max(c.order for c in checks),
        strict,
        _oracle(first),
        f"seed={first.seed}, mode={first.mode!r}",
    )  # fmt: skip


def _oracle(check: Checker) -> str:
    """Which numerical derivatives there were, in words."""
    said: dict[str, list[str]] = {}
    for name, what in check.complex.items():
        said.setdefault(what, []).append(name)
    several = len(said) > 1
    witness = "; ".join(
        f"complex step {what}" + (f" ({', '.join(names)})" if several else "")
        for what, names in said.items()
    )
    return f"step ladder in {_DTYPES.get(check.dtype.char, check.dtype.name)}" + (
        f"; {witness}" if witness else ""
    )


_DTYPES = {"g": "long double", "d": "float64", "f": "float32", "e": "float16"}


def _explain_states(check: Checker, unresolved: Sequence[str]) -> None:
    """Say in words which inputs met a kink, and which could not be resolved."""
    for name in dict.fromkeys(e.input for e in check.entries):
        kinks = [e for e in check.entries if e.input == name and e.state == "kink"]
        if kinks:
            where = "at the given point" if any(e.point == 0 for e in kinks) else "at a jittered point"
            check.note(
                "kink", "note",
                f"the function has a kink {where}: its one-sided derivatives differ, so there is no "
                "derivative to compare with. The points near it are checked.", name,
            )  # fmt: skip
        if name in unresolved:
            check.note(
                "resolution", "warning",
                f"an error below {check.resolution(name):.0e} of the largest gradient entry would not "
                f"be seen, and {check.required():.0e} is required. Use float64 inputs, values of "
                "moderate size, a point away from singularities; or accept it with require_resolution=.", name,
            )  # fmt: skip
