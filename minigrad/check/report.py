"""The outcome of a check: a verdict, the numbers behind it, and what to do next."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import GradientCheckError

VERDICTS = ("PASS", "FAIL", "INCONCLUSIVE", "VACUOUS")


@dataclass
class Entry:
    """One comparison: a number from the derivative under test beside the numerical one.

    Attributes
    ----------
    input : str
        Which input's derivative.
    index : tuple of int or None
        Which entry of it; None for a sum over all entries along a random direction.
    expected, got : float
        The numerical derivative, and the one under test.
    allowed : float
        How far apart the two may be: a bound of both errors, not a tolerance.
    point : int
        0 is the given point, the others are jittered copies of it.
    cotangent : int
        Number of the random cotangent.
    mode : str
        "reverse", "forward", "forward against reverse", "one-sided", and for two functions
        "value" and "against".
    order : int
        1 or 2.
    state : str
        "ok", "wrong", "kink" (no derivative exists there), "unresolved" (no step works).
    scale : float
        Size of the largest term that entered the comparison.
    step, truncation, rounding, analytic : float
        The chosen step, and what `allowed` is made of.
    oracle : str
        Where `expected` comes from: "ladder", or "complex step" where only that is precise
        enough and agrees, or "one-sided derivatives", or "the first" of two functions.
    function : str
        Which of two functions, in :func:`minigrad.check_against`.
    """

    input: str
    index: tuple[int, ...] | None
    expected: float
    got: float
    allowed: float
    point: int = 0
    cotangent: int = 0
    mode: str = "reverse"
    order: int = 1
    state: str = "ok"
    scale: float = 0.0
    step: float = math.nan
    truncation: float = math.nan
    rounding: float = math.nan
    analytic: float = math.nan
    oracle: str = "ladder"
    function: str = ""

    @property
    def difference(self) -> float:
        """How far apart they are."""
        return abs(self.got - self.expected)

    @property
    def margin(self) -> float:
        """Difference over allowed difference: above one is wrong."""
        if math.isnan(self.difference):
            return math.inf
        if self.allowed == 0:
            return 0.0 if self.difference == 0 else math.inf
        return self.difference / self.allowed

    @property
    def relative(self) -> float:
        """Difference over the expected value's size."""
        return self.difference / abs(self.expected) if self.expected else math.inf

    @property
    def resolution(self) -> float:
        """The relative error, in the largest term, from which on it would be seen."""
        return self.allowed / self.scale if self.scale else math.inf


@dataclass
class Issue:
    """Something that was noticed, in words.

    Attributes
    ----------
    kind : str
        A short name: "mutation", "shape", "kink", "vacuous", ...
    severity : str
        "error" (fails the check), "warning" or "note".
    message : str
        What, where, and what to do about it.
    input : str or None
        The input concerned.
    """

    kind: str
    severity: str
    message: str
    input: str | None = None


@dataclass
class Curve:
    """Error of the plain central difference against the step, along one direction.

    Attributes
    ----------
    steps, errors : list of float
        Error against the ladder's result, per step.
    noise : float
        Of the function's values; divided by the step it is the rounding error.
    first, last : int
        The chosen window, as positions in `steps`.
    truncation, rounding : float
        The bounds of the ladder's result.
    difference, allowed : float
        Of the derivative under test along the same direction.
    value : float
        The ladder's result.
    kink : bool
        Whether there is no derivative here.
    """

    steps: list[float]
    errors: list[float]
    noise: float
    first: int
    last: int
    truncation: float
    rounding: float
    difference: float
    allowed: float
    value: float
    kink: bool = False


@dataclass(repr=False)
class Report:
    """What a gradient check found.  True if, and only if, it passed.

    Attributes
    ----------
    verdict : str
        PASS; FAIL: the derivative is wrong; INCONCLUSIVE: noise or a kink hides the answer;
        VACUOUS: the derivative is zero, so the check proves nothing.
    resolution : float
        The smallest relative error (of an input's largest gradient entry) that the check
        would have caught, for the input where that is worst.
    entries : list of Entry
        All comparisons.
    issues : list of Issue
        All remarks.
    evaluations : dict
        Calls of "forward", "backward" and "pushforward".
    inputs : dict
        Per checked input its shape, dtype and resolution.
    curves : dict of str to Curve
        Per checked input, error against step at the given point.
    replay : str
        How to repeat exactly this check.

    Examples
    --------
    >>> import minigrad as mg, numpy as np
    >>> report = mg.gradcheck(mg.tanh, np.array([0.5, -1.0]))
    >>> bool(report), report.verdict, report.resolution < 1e-9
    (True, 'PASS', True)
    """

    name: str
    verdict: str
    resolution: float
    required: float
    entries: list[Entry] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    evaluations: dict[str, int] = field(default_factory=dict)
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    curves: dict[str, Curve] = field(default_factory=dict)
    seed: int = 0
    mode: str = "auto"
    order: int = 1
    strict: bool = True
    oracle: str = ""
    replay: str = ""

    def __bool__(self) -> bool:
        if self.verdict == "PASS":
            return True
        return self.verdict != "FAIL" and not self.strict

    @property
    def wrong(self) -> list[Entry]:
        """The wrong entries, worst first; single entries before sums over directions."""
        found = [e for e in self.entries if e.state == "wrong"]
        return sorted(found, key=lambda e: (e.index is None, -e.margin))

    def text(self, worst: int = 10) -> str:
        """The report for reading.

        Parameters
        ----------
        worst : int
            How many wrong entries to show.

        Returns
        -------
        str
        """
        lines = [self._headline(), *self._summary()]
        wrong = self.wrong
        if wrong:
            lines += ["", *_table(wrong[:worst])]
            if len(wrong) > worst:
                lines.append(f"  ... and {len(wrong) - worst} more")
            if len({e.cotangent for e in wrong[:worst]}) > 1:
                lines.append("  dy1, dy2: random gradients from above; each has gradients of its own")
            lines.append("")
        for issue in self.issues:
            where = f" [{issue.input}]" if issue.input else ""
            lines.append(f"{issue.severity}: {issue.kind}{where}: {issue.message}")
        calls = ", ".join(f"{n} {way}" for way, n in self.evaluations.items() if n)
        lines.append(f"oracle: {self.oracle}; calls: {calls}")
        lines.append(f"replay: {self.replay}")
        return "\n".join(lines)

    @property
    def _judged(self) -> list[Entry]:
        return [e for e in self.entries if e.state in ("ok", "wrong")]

    def _headline(self) -> str:
        head, judged, wrong = f"{self.verdict}  {self.name}", self._judged, self.wrong
        what = f"{len(judged)} comparisons, order {self.order}"
        if self.verdict == "PASS":
            return f"{head}: {what}; relative errors from {self.resolution:.0e} on would be caught"
        if wrong:
            worst = max(e.margin for e in wrong)
            return f"{head}: {len(wrong)} of {what}, are wrong, by up to {worst:.1e} times the allowed"
        return f"{head}: {what}"

    def _summary(self) -> list[str]:
        """A line per input: how many comparisons, how close, how fine."""
        rows = []
        for name, facts in self.inputs.items():
            mine = [e for e in self._judged if e.input == name]
            wrong = sum(e.state == "wrong" for e in mine)
            margin = max((e.margin for e in mine if e.state == "ok"), default=0.0)
            fine = facts["resolution"]
            state = f"{wrong} of {len(mine)} wrong" if wrong else f"{len(mine)} right"
            rest = f"differences up to {margin:.2g} of the allowed" if not wrong and mine else ""
            seen = f"errors from {fine:.0e} would show" if math.isfinite(fine) and not wrong else ""
            rows.append((f"d/d{name}", f"{facts['dtype']}{facts['shape']}", state, rest, seen))
        return _columns(rows)

    def __repr__(self) -> str:
        return self.text()

    def figure(self, path: Any) -> None:
        """Write a picture of the check: where it is wrong, and what the numbers are worth.

        Parameters
        ----------
        path : str or path-like
            Ends in ``.svg``, or in ``.html`` for a page with the text as well.

        Raises
        ------
        ArgumentError
            For another suffix.

        Examples
        --------
        >>> import tempfile, pathlib, minigrad as mg, numpy as np
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "tanh.svg"
        >>> mg.gradcheck(mg.tanh, np.array([0.5, -1.0])).figure(file)
        >>> file.read_text().startswith("<svg")
        True
        """
        from .figure import write

        write(self, path)

    def _repr_html_(self) -> str:
        from .figure import notebook

        return notebook(self)

    def json(self) -> str:
        """The report as JSON (non-finite numbers as strings)."""
        fields = dataclasses.asdict(self)
        for entry, raw in zip(self.entries, fields["entries"], strict=True):
            raw.update(difference=entry.difference, margin=entry.margin)
        fields["passed"] = bool(self)
        return json.dumps(_jsonable(fields), indent=1, allow_nan=False)

    def raise_if_failed(self) -> Report:
        """Raise :class:`minigrad.GradientCheckError` with the text, unless the report is true.

        Returns
        -------
        Report
            Itself, if it is true.

        Raises
        ------
        GradientCheckError
            With the whole text.
        """
        if not self:
            raise GradientCheckError(self.text())
        return self


def _table(entries: list[Entry]) -> list[str]:
    """Wrong entries with seventeen digits."""
    head = ("input", "index", "cotangent", "expected (numerical)", "got", "|difference|", "allowed")
    rows: list[tuple[str, ...]] = [(*head, "relative")]
    for e in entries:
        index = "direction" if e.index is None else str(e.index).replace(",)", ")")
        if e.function:
            index += f" ({e.function})"
        if e.mode not in ("reverse", "against"):
            index += f" {e.mode}"
        if e.point:
            index += f" @{e.point}"
        what = e.input if e.mode == "value" else f"d/d{e.input}"
        rows.append((
            what, index, f"dy{e.cotangent + 1}", f"{e.expected:.17g}", f"{e.got:.17g}",
            f"{e.difference:.1e}", f"{e.allowed:.1e}", f"{e.relative:.1e}",
        ))  # fmt: skip
    if len({e.cotangent for e in entries}) == 1:  # nothing to tell apart
        rows = [row[:2] + row[3:] for row in rows]
    return _columns(rows)


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Cells, aligned."""
    if not rows:
        return []
    widths = [max(len(row[c]) for row in rows) for c in range(len(rows[0]))]
    return [
        "  " + "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _jsonable(x: Any) -> Any:
    if isinstance(x, dict):
        return {str(k): _jsonable(v) for k, v in x.items()}
    if isinstance(x, list | tuple):
        return [_jsonable(v) for v in x]
    if isinstance(x, np.ndarray):
        return _jsonable(x.tolist())
    if isinstance(x, np.generic):
        x = x.item()
    if isinstance(x, float) and not math.isfinite(x):
        return str(x)
    if isinstance(x, bool | int | float | str) or x is None:
        return x
    return str(x)
