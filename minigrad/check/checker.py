"""The judge: derivative under test against the ladder, and what follows from it.

The rule is one line.  With the numerical derivative n and its error bound e from the ladder,
the derivative under test a and its own rounding noise s, measured by moving the inputs in
their last place::

    allowed = 10 e + 32 s + 256 unit * (largest term) + 4 unit * (largest value) / length

and a is wrong if ``|a - n| > allowed``.  The last term is what rounding the function's values
does to a slope over the length on which the function is smooth.  The numbers are safety
factors on measured errors, not tolerances: a function that can be computed precisely is
checked precisely.
"""

from __future__ import annotations

import copy
import heapq
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..tensor import FLOATING, Array
from . import sampling
from .complexstep import complex_step
from .diagnosis import Diagnosis, Evidence, diagnose, diagnose_cotangent, diagnose_factor
from .kinks import one_sided
from .ladder import CONTRADICTION, Estimate, binary, climb, noise
from .protocol import inspect_protocol
from .report import Entry, Issue
from .subject import Subject

SAFETY_LADDER, SAFETY_NOISE, SAFETY_UNIT, SAFETY_VALUE = 10, 32, 256, 4
SAFETY_SEEN = 4
COINCIDENCES = 4  # comparisons that chance alone does not make agree
REPEATS = 3  # evaluations with moved inputs, from which the derivative's noise is estimated
SMALL = 64  # an input set of at most so many entries is checked entry by entry as well
FULL = 1024  # after a failure, an input of at most so many entries is searched completely
SEARCH = 400  # ladders that may be spent on finding wrong entries of a larger one
SAMPLE = 200  # ... and random entries of it, from which the mistake is guessed
NARROW = 100  # a difference below so many times the allowed one may be noise
ODD = 1 / math.sqrt(2)  # of a step: no multiple of any period that a step is a multiple of
TOGETHER = 16  # ladders that share their arithmetic
COARSE = 1e-8  # a rounding unit above this is single precision
MODES = ("auto", "sketch", "full")

Progress = Callable[[int, int, str], None]  # (ladders done, ladders known so far, what)


@dataclass
class Point:
    """A point, its cotangents, and the derivatives under test there."""

    number: int
    inputs: list[Array]
    wide: list[Array]
    centre: list[Array]  # the outputs, in the wide dtype
    cotangents: list[list[Array]]
    contraction: Array  # the cotangents as rows, in the wide dtype
    terms: list[float]  # per cotangent the largest product of it with an output
    gradients: list[list[Any]] = field(default_factory=list)  # [cotangent][input]
    moved: list[list[list[Any]]] = field(default_factory=list)  # [repeat][cotangent][input]


class Checker:
    """Runs one check.  Use :func:`minigrad.gradcheck` and its sisters.

    Parameters
    ----------
    subject : Subject
        What is checked.
    mode, points, cotangents, seed, require_resolution
        See :func:`minigrad.gradcheck`.
    order : int
        Which derivative this is, for the report.
    protocol : bool
        Whether to try the rules of :mod:`minigrad.check.protocol`.
    progress : callable, optional
        Told of every ladder.
    """

    def __init__(
        self,
        subject: Subject,
        mode: str = "auto",
        points: int = 3,
        cotangents: int = 2,
        seed: int = 0,
        require_resolution: float | None = None,
        order: int = 1,
        protocol: bool = True,
        progress: Progress | None = None,
    ) -> None:
        who = subject.who
        if mode not in MODES:
            raise ArgumentError(f'{who}: mode is "auto", "sketch" or "full", not {mode!r}.')
        for name, value in (("points", points), ("cotangents", cotangents)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ArgumentError(f"{who}: {name} is an integer from 1 upwards, not {value!r}.")
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
            raise ArgumentError(f"{who}: seed is an integer from 0 upwards, not {seed!r}.")
        self.subject, self.mode, self.seed, self.order = subject, mode, int(seed), order
        self.point_count, self.width, self.protocol = points, cotangents, protocol
        self.require_resolution, self.progress = require_resolution, progress
        self.entries: list[Entry] = []
        self.issues: list[Issue] = []
        self.vacuous: dict[str, list[bool]] = {}
        self.estimates: dict[str, tuple[Estimate, Entry]] = {}  # per input, at the given point
        self.complex: dict[str, str] = {}  # input -> what the complex step said
        self.reached: list[Point] = []
        self.dtype: np.dtype[Any] = np.dtype(float)  # in which the function's values are computed
        self.unit = 0.0  # rounding unit of the derivative under test
        self._jitter: dict[int, tuple[Any, Any]] = {}  # input -> noise, and over its floor
        self._smooth: dict[tuple[int, int], float] = {}  # (point, input) -> length of smoothness
        self._ladders_done, self._planned = 0, 0
        self.pardoned = False  # whether a difference turned out to be rounding

    # The way through a check ---------------------------------------------------------------

    def run(self) -> Checker:
        """All comparisons; fills `entries` and `issues`."""
        with np.errstate(all="ignore"):
            self.dtype = self._working_dtype()
            given = self._point(0, self.subject.inputs)
            if given is None:
                self.note(
                    "undefined", "error",
                    f"{self.subject.name} is NaN or infinite at the given point; there is nothing to "
                    "differentiate. Choose a point inside its domain.",
                )  # fmt: skip
                return self
            if not given.cotangents[0]:
                raise ArgumentError(
                    f"{self.subject.who}: {self.subject.name} returns no floating array: it has no "
                    "derivative."
                )
            self.unit = self._effective_unit(given)
            self._derive(given)
            self.reached = [given]
            if self.protocol:
                self._inspect(given)
            self.reached += self._jittered_points()
            self._compare(given)
        return self

    # Rounding ------------------------------------------------------------------------------

    def off_in_numbers_alone(self) -> bool:
        """Whether it failed, and in nothing that rounding could not bring about."""
        kinds = {i.kind for i in self.issues if i.severity == "error"}
        return self.failed() and kinds <= {"nonlinearity"}

    def failed(self) -> bool:
        """Whether something is wrong."""
        return any(i.severity == "error" for i in self.issues) or any(
            e.state == "wrong" for e in self.entries
        )

    def widened(self) -> Subject | None:
        """The subject in the wide dtype; None where it is in it already."""
        inputs = self._widened(self.subject.inputs, self.dtype)
        if all(a.dtype == b.dtype for a, b in zip(inputs, self.subject.inputs, strict=True)):
            return None
        subject = copy.copy(self.subject)
        subject.inputs = inputs
        return subject

    def would_have_seen(self, narrow: Checker) -> bool:
        """Whether this check, in the wide dtype, is fine enough for what the narrow one found."""
        for name in {e.input for e in narrow.entries if e.state == "wrong"}:
            mine = [e for e in self.entries if (e.input, e.point, e.state) == (name, 0, "ok")]
            theirs = [e for e in narrow.entries if (e.input, e.state) == (name, "wrong")]
            allowed = max((e.allowed for e in mine), default=math.inf)
            if not max(e.difference for e in theirs) > 4 * allowed:
                return False
        return True

    def pardon(self) -> None:
        """The same derivative does not fail in the wide dtype: what is off here is rounding."""
        wrong = [e for e in self.entries if e.state == "wrong"]
        self.issues = [i for i in self.issues if i.kind not in ("nonlinearity", "diagnosis")]
        self.pardoned = True
        narrow = "/".join(
            dict.fromkeys(x.dtype.name for x in self.subject.inputs if x.dtype in FLOATING)
        )
        wide = "long double" if self.dtype.char == "g" else self.dtype.name
        for name in dict.fromkeys(e.input for e in wrong):
            off = max((e.difference for e in wrong if e.input == name), default=0.0)
            self.note(
                "rounding", "warning",
                f"in {narrow} the derivative is off by up to {off:.1e}, and in {wide} the same code is "
                "right: the formula is, but its rounding is larger than what it computes, or than "
                "small changes of the inputs reveal. Centre or scale the inputs.",
                name,
            )  # fmt: skip
        for e in wrong:
            e.state = "unresolved"

    def _compare(self, given: Point) -> None:
        checked = [i for i in self.subject.checked if self.subject.inputs[i].size]
        for i in self.subject.checked:
            if i not in checked:
                self.note("empty", "note", "it has no entries, so there is nothing to compare",
                          self.subject.names[i])  # fmt: skip
        small = sum(self.subject.inputs[i].size for i in checked) <= SMALL
        every = self.mode == "full" or (self.mode == "auto" and small)
        self._plan(len(self.reached) * len(checked))
        self._plan(sum(self.subject.inputs[i].size for i in checked) if every else 0)
        for point in self.reached:
            if point is not given:
                self._derive(point)
            for i in checked:
                self._sketch(point, i)
        for i in checked:
            if every:
                self._entrywise(given, i)
        for i in checked:
            self._localise(i)
            self._at_a_kink(given, i)
        self._diagnose(checked)

    def note(self, kind: str, severity: str, message: str, input: str | None = None) -> None:
        """Remember a remark once."""
        issue = Issue(kind, severity, message, input)
        if issue not in self.issues:
            self.issues.append(issue)

    def _plan(self, ladders: int) -> None:
        self._planned += ladders

    # Points ----------------------------------------------------------------------------------

    def _working_dtype(self) -> np.dtype[Any]:
        """The widest dtype that the function keeps and in which it gives the same values."""
        subject = self.subject
        native = [x.dtype for x in subject.inputs if x.dtype in FLOATING]
        outputs = self._values([x.copy() for x in subject.inputs])
        previous: list[Array] = []
        for dtype in (np.dtype(np.longdouble), np.dtype(float)):
            try:
                wide = self._values(self._widened(subject.inputs, dtype))
            except Exception:  # whatever the user's code raises for a dtype it was not made for
                continue
            if [y.shape for y in wide] != [y.shape for y in outputs]:
                continue
            if any(sampling.unit(y.dtype) > sampling.unit(dtype) for y in wide):
                continue
            # In single precision even right values may be far off, but not twice alike.
            if _near(wide, outputs) or (previous and _near(wide, previous)):
                return np.dtype(np.longdouble) if previous else dtype
            if not sampling.finite(outputs):
                return dtype
            previous = wide
        return np.result_type(*native)

    def _widened(self, inputs: Sequence[Array], dtype: Any) -> list[Array]:
        return [x.astype(dtype) if x.dtype in FLOATING else x.copy() for x in inputs]

    def _values(self, inputs: Sequence[Array]) -> list[Array]:
        return [y for y in self.subject.forward(inputs) if y.dtype in FLOATING]

    def _point(self, number: int, inputs: list[Array]) -> Point | None:
        """Evaluate the function at a point; None where it is not finite."""
        wide = self._widened(inputs, self.dtype)
        try:
            outputs = self._values([x.copy() for x in inputs])
            centre = self._values([x.copy() for x in wide])
        except Exception:
            if number == 0:
                raise
            return None  # a jittered point may lie outside of the domain
        if not sampling.finite(outputs) or not sampling.finite(centre):
            return None
        drawn = [
            sampling.cotangents(
                sampling.generator(self.seed, "cotangent", self.order, number, k), outputs
            )
            for k in range(self.width)
        ]
        rows = [
            np.concatenate([c.astype(self.dtype).ravel() for c in cs] or [np.zeros(0)]) for cs in drawn
        ]
        flat = np.concatenate([y.ravel() for y in centre] or [np.zeros(0)])
        terms = [float(np.max(np.abs(row * flat), initial=0)) for row in rows]
        return Point(number, inputs, wide, centre, drawn, np.array(rows), terms)

    def _jittered_points(self) -> list[Point]:
        """Copies of the given point, moved a little; closer ones where it leaves the domain."""
        found = []
        for number in range(1, self.point_count):
            rng = sampling.generator(self.seed, "point", self.order, number)
            for amount, zeros in ((0.2, "both"), (0.05, "positive"), (0.01, "keep")):
                moved = [
                    sampling.jittered(rng, x, amount, zeros) if i in self.subject.checked else x
                    for i, x in enumerate(self.subject.inputs)
                ]
                point = self._point(number, moved)
                if point is not None:
                    found.append(point)
                    break
        return found

    def _effective_unit(self, point: Point) -> float:
        """The precision in which the derivative is really computed.

        The inputs and the cotangent are moved by more and more, until most entries of the
        gradient change.  A gradient computed in float32 inside changes late.
        """
        found = self._gradient(point.inputs, point.cotangents[0])
        fine = max(
            [sampling.unit(g.dtype) for g in found if g is not None and g.dtype in FLOATING] or [0.0]
        ) or sampling.unit(float)
        rng = sampling.generator(self.seed, "unit", self.order)
        relative = 4 * fine
        while relative < 1e-3:
            moved = self._moved_gradient(rng, point, 0, relative)
            changed, total = 0, 0
            for before, after in zip(found, moved, strict=True):
                if before is not None and after is not None and before.shape == after.shape:
                    total += int(np.count_nonzero(before))
                    changed += int(np.count_nonzero((before != after) & (before != 0)))
            if 2 * changed >= total:
                return relative / 4
            relative *= 16
        return fine

    # The derivative under test -----------------------------------------------------------------

    def _gradient(self, inputs: Sequence[Array], cotangents: Sequence[Array]) -> list[Any]:
        """Gradients, one per input; None for what is not checked or not an array."""
        found = self.subject.backward(inputs, cotangents)
        return [
            np.asarray(g) if i in self.subject.checked and g is not None else None
            for i, g in enumerate(found)
        ]

    def _moved_gradient(
        self, rng: np.random.Generator, point: Point, k: int, relative: float
    ) -> list[Any]:
        inputs = [sampling.perturbed(rng, x, relative) for x in point.inputs]
        cotangents = [sampling.perturbed(rng, c, relative) for c in point.cotangents[k]]
        return self._gradient(inputs, cotangents)

    def _derive(self, point: Point) -> None:
        """Gradients at a point for all cotangents, and again with moved inputs."""
        point.gradients = [self._gradient(point.inputs, c) for c in point.cotangents]
        rng = sampling.generator(self.seed, "moved", self.order, point.number)
        point.moved = [
            [self._moved_gradient(rng, point, k, 2 * self.unit) for k in range(self.width)]
            for _ in range(REPEATS)
        ]

    def usable(self, point: Point, i: int, k: int) -> bool:
        """Whether there is a gradient to compare: not None, and of the input's shape."""
        gradient = point.gradients[k][i]
        return gradient is not None and gradient.shape == point.inputs[i].shape

    def spread(self, point: Point, i: int, k: int) -> Array:
        """Per entry, how much the gradient changes when everything moves in its last place."""
        gradient = point.gradients[k][i].astype(np.longdouble)
        moved = [r[k][i] for r in point.moved]
        found = [
            _distance(m - gradient, gradient)
            for m in moved
            if m is not None and m.shape == gradient.shape
        ]
        return np.max(found, axis=0) if found else np.zeros_like(gradient)

    def _inspect(self, point: Point) -> None:
        def tolerance(i: int) -> float:
            if not self.usable(point, i, 0) or not point.inputs[i].size:
                return math.inf
            largest = float(np.max(np.abs(point.gradients[0][i])))
            return SAFETY_NOISE * float(np.max(self.spread(point, i, 0))) + (
                SAFETY_UNIT * self.unit * largest
            )

        rng = sampling.generator(self.seed, "protocol", self.order)
        inspect_protocol(self.subject, point.inputs, point.cotangents[0], tolerance, rng, self.note)

    # The oracle ----------------------------------------------------------------------------------

    def _outputs_near(self, point: Point, i: int, move: Array) -> list[Array] | None:
        """The outputs with input i displaced; None outside of the domain."""
        inputs = [x.copy() for x in point.wide]
        inputs[i] += move
        try:
            outputs = self._values(inputs)
        except Exception:  # outside of the domain the user's code may raise anything
            return None
        return outputs if [y.shape for y in outputs] == [y.shape for y in point.centre] else None

    def _line(self, point: Point, i: int, u: Array) -> Callable[[Any], Array]:
        """t -> the values contracted with each cotangent, along direction u of input i."""
        wide = u.astype(self.dtype)

        def line(t: Any) -> Array:
            outputs = self._outputs_near(point, i, self.dtype.type(t) * wide)
            if outputs is None:
                return np.full(len(point.contraction), np.nan, self.dtype)
            return self.contract(point, outputs)

        return line

    def contract(self, point: Point, outputs: Sequence[Array]) -> Array:
        flat = np.concatenate([np.asarray(y, self.dtype).ravel() for y in outputs])
        return np.asarray(point.contraction @ flat)

    def _ladder(self, point: Point, i: int, u: Array, what: str = "") -> tuple[Estimate, Any]:
        return self._ladders(point, i, [u], what)[0]

    def _ladders(
        self, point: Point, i: int, directions: Sequence[Array], what: str = ""
    ) -> list[tuple[Estimate, Any]]:
        """The numerical derivatives along directions of input i, and the lines they came from."""
        lines = [self._line(point, i, u) for u in directions]
        centre = self.contract(point, point.centre)
        extent = sampling.size(point.inputs[i])
        fine = sampling.unit(self.dtype)
        floor = self._floor(point)
        if i not in self._jitter:
            measured = noise(lines[0], centre, extent, fine)
            self._jitter[i] = np.max(measured), np.max(measured / floor)
        estimates = climb(lines, centre, extent, self._noise(i, floor), fine)
        self._ladders_done += len(lines)
        if self.progress is not None:
            self.progress(self._ladders_done, max(self._planned, self._ladders_done), what)
        return list(zip(estimates, lines, strict=True))

    def _floor(self, point: Point) -> Array:
        """Per cotangent, the noise that rounding makes unavoidable."""
        flat = np.concatenate([y.ravel() for y in point.centre])
        terms = np.sqrt(np.sum((point.contraction * flat) ** 2, axis=1))
        tiny = np.finfo(self.dtype).tiny
        return np.asarray(np.maximum(4 * sampling.unit(self.dtype) * terms, tiny))

    def _noise(self, i: int, floor: Array) -> Array:
        """The noise of the values as input i moves: measured at the given point, used at all."""
        measured, ratio = self._jitter[i]
        return np.asarray(np.maximum(np.maximum(floor, 2 * measured), floor * min(ratio, 16)))

    def noise(self, point: Point) -> Array:
        """Per cotangent, the noise of the function's contracted values."""
        floor = self._floor(point)
        return np.asarray(np.max([floor, *(self._noise(i, floor) for i in self._jitter)], axis=0))

    def smooth(self, point: Point, i: int) -> float:
        """Over which length the function was seen to be smooth in input i."""
        return self._smooth.get((point.number, i), sampling.size(point.inputs[i]))

    def _witness(self, point: Point, i: int, u: Array, estimate: Estimate) -> list[Any]:
        """Per cotangent the complex step's value and bound, where it agrees with the ladder."""
        nothing = [None] * self.width
        name = self.subject.names[i]
        tolerance = [
            1e6 * sampling.unit(self.dtype) * (np.abs(y) + np.max(np.abs(y), initial=0))
            for y in point.centre
        ]
        found = complex_step(
            self._values_anyhow, point.wide, i, u.astype(self.dtype), point.centre, tolerance
        )
        if found is None:
            self.complex[name] = "not available"
            return nothing
        value = self.contract(point, found[0])
        flat = np.concatenate([b.ravel() for b in found[1]])
        bound = np.sqrt(np.sum((point.contraction * flat) ** 2, axis=1)) * 8
        usable = ~estimate.kink & np.isfinite(value)
        apart = np.abs(value - estimate.value)
        agrees = ~np.isfinite(estimate.error) | (apart <= SAFETY_LADDER * estimate.error + bound)
        if (usable & ~agrees).any():
            self.complex[name] = (
                "disagrees with the ladder (the code is not analytic), so it is ignored"
            )
            return nothing
        self.complex[name] = "agrees with the ladder" if usable.any() else "not used at a kink"
        return [(value[k], float(bound[k])) if usable[k] else None for k in range(self.width)]

    def _values_anyhow(self, inputs: Sequence[Array]) -> list[Array]:
        inputs = [x.copy() for x in inputs]
        return [y for y in self.subject.forward(inputs) if y.dtype.kind in "fc"]

    # Comparisons -----------------------------------------------------------------------------------

    def _sketch(self, point: Point, i: int) -> None:
        """Compare along one random direction, for all cotangents, in both modes."""
        x, name = point.inputs[i], self.subject.names[i]
        u = sampling.direction(
            sampling.generator(self.seed, "direction", self.order, point.number, i), x
        )
        estimate, line = self._ladder(point, i, u, f"{name}, point {point.number}")
        witness = self._witness(point, i, u, estimate) if point.number == 0 else [None] * self.width
        reverse: dict[int, Entry] = {}
        before = len(self.entries)
        for k in range(self.width):
            if self.usable(point, i, k):
                got, spread, largest = self._project(point, i, k, u)
                entry = reverse[k] = self._judge(
                    point, i, None, k, estimate, line, got, spread, largest, "reverse"
                )
                said = witness[k]
                if said is not None:
                    self._confirm(entry, got, *said)
                if point.number == 0 and k == 0:
                    self.estimates[name] = (estimate, entry)
        if self.subject.pushes:
            self._forward_mode(point, i, u, estimate, line, reverse)
        self._share_kinks(before)

    def _project(self, point: Point, i: int, k: int, u: Array) -> tuple[Any, float, float]:
        """The gradient along u, its noise, and the size of its largest term."""
        wide = u.astype(np.longdouble)
        terms = point.gradients[k][i] * wide
        moved = [r[k][i] for r in point.moved]
        spreads = [
            float(_distance(np.sum(m * wide - terms), np.sum(terms)))
            for m in moved
            if m is not None and m.shape == u.shape
        ]
        largest = max(float(np.max(np.abs(terms))), sampling.norm(terms) / 16)
        return np.sum(terms), max(spreads, default=0.0), largest

    def _judge(
        self, point: Point, i: int, index: Any, k: int, estimate: Estimate, line: Any, got: Any,
        spread: float, largest: float, mode: str,
    ) -> Entry:  # fmt: skip
        expected, error = estimate.value[k], float(estimate.error[k])
        analytic = SAFETY_NOISE * spread + SAFETY_UNIT * self.unit * largest
        smooth = estimate.steps[0 if estimate.jump[k] else estimate.first[k]]
        self._smooth[point.number, i] = min(smooth, self._smooth.get((point.number, i), math.inf))
        analytic += SAFETY_VALUE * self.unit * point.terms[k] / smooth
        allowed = SAFETY_LADDER * error + analytic
        entry = Entry(
            self.subject.names[i], index, float(expected), float(got), allowed, point.number, k, mode,
            self.order, "ok", largest, float(estimate.step[k]), float(estimate.truncation[k]),
            float(estimate.rounding[k]), analytic,
        )  # fmt: skip
        if estimate.kink[k]:
            entry.state = "kink"
        elif not math.isfinite(entry.expected) or not math.isfinite(error):
            entry.state = "unresolved"
        elif not abs(got - expected) <= allowed:
            entry.state = self._appeal(point, i, k, estimate, line, got, entry)
        if mode == "reverse" and entry.state == "ok":
            zero = abs(entry.expected) <= SAFETY_LADDER * error
            nothing = zero and largest <= SAFETY_NOISE * spread
            self.vacuous.setdefault(entry.input, []).append(nothing)
        self.entries.append(entry)
        return entry

    def _appeal(
        self, point: Point, i: int, k: int, estimate: Estimate, line: Any, got: Any, entry: Entry
    ) -> str:
        """What a difference means: a wrong derivative, or a kink too faint for the ladder.

        The ladder sees a kink only where it is stronger than the curvature within the step.  A
        fainter one could explain a small difference, so steps are taken that are just long
        enough for the difference to stand out from rounding.  If it is gone there, it came from
        a kink nearby; if the one-sided derivatives differ by as much, from a kink at the point.
        """
        apart = float(abs(got - estimate.value[k]))
        single = self.dtype.itemsize <= 4 or (self.unit > COARSE and point.inputs[i].dtype.itemsize > 4)
        if estimate.plateau[k] and single:
            return "unresolved"  # steps of single precision look like a constant
        if self._aliased(point, i, k, estimate, line):
            return "unresolved"
        if entry.margin < NARROW and self._noisier(point, i, k, estimate, line, entry):
            return "ok"
        if entry.margin < NARROW and self._other_steps(point, k, estimate, line, entry):
            return "ok"
        curvature = float(estimate.seconds[estimate.last[k]][k])
        if not math.isfinite(apart) or not apart <= 4 * curvature:
            return "wrong"
        jitter = estimate.noise
        h = self.dtype.type(binary(64 * float(jitter[k]) / apart))
        if not 4 * h < estimate.steps[estimate.last[k]]:
            return "wrong"
        centre = self.contract(point, point.centre)
        (again,) = climb([line], centre, float(16 * h), jitter, sampling.unit(self.dtype), 3)
        gone = abs(again.value[k] - estimate.value[k]) > apart / 2
        if gone and abs(got - again.value[k]) <= SAFETY_LADDER * again.error[k] + entry.analytic:
            entry.expected, entry.step = float(again.value[k]), float(again.step[k])
            entry.allowed = SAFETY_LADDER * float(again.error[k]) + entry.analytic
            return "kink"
        near, far = (line(t)[k] - 2 * centre[k] + line(-t)[k] for t in (h, 4 * h))
        jump = abs(4 * near / h - far / (4 * h)) / 3  # what remains of it as the step vanishes
        # Several kinks at once may have jumps of both signs.
        return "kink" if jump > 0.25 * apart else "wrong"

    def _share_kinks(self, before: int) -> None:
        """A kink along a direction is one for all cotangents, also where one of them hides it.

        A small cotangent of the output that has the kink leaves a jump that lifts the difference
        just above the allowed one, and is itself too faint to be seen.
        """
        along = self.entries[before:]
        if any(e.state == "kink" for e in along):
            for e in along:
                if e.state == "wrong" and e.margin < NARROW:
                    e.state = "kink"

    def _noisier(
        self, point: Point, i: int, k: int, estimate: Estimate, line: Any, entry: Entry
    ) -> bool:
        """Whether more noise than was measured at the given point explains a small difference."""
        extent, fine = sampling.size(point.inputs[i]), sampling.unit(self.dtype)
        measured = 2 * noise(line, self.contract(point, point.centre), extent, fine)[k]
        if not measured > estimate.noise[k]:
            return False
        entry.rounding *= float(measured / estimate.noise[k])
        entry.allowed = SAFETY_LADDER * (entry.truncation + entry.rounding) + entry.analytic
        return entry.difference <= entry.allowed

    def _other_steps(self, point: Point, k: int, estimate: Estimate, line: Any, entry: Entry) -> bool:
        """Whether a ladder with steps in between contradicts the first by as much.

        What is left of the truncation is estimated from how far neighbours in the table are apart,
        and once in some million times two of them agree by chance.
        """
        centre, size = self.contract(point, point.centre), 2.0 * estimate.steps[0]  # half of each step
        (again,) = climb([line], centre, size, estimate.noise, sampling.unit(self.dtype))
        between = float(abs(again.value[k] - estimate.value[k]))
        if not between > entry.truncation + entry.rounding:
            return False
        entry.truncation = between
        entry.allowed = SAFETY_LADDER * (between + entry.rounding) + entry.analytic
        return entry.difference <= entry.allowed

    def _aliased(self, point: Point, i: int, k: int, estimate: Estimate, line: Any) -> bool:
        """Whether an odd step contradicts the window: its steps may all be periods of the function.

        Far out, sin(pi x) is the same after every step that is a large power of two.
        """
        value, window = estimate.value[k], slice(estimate.first[k], estimate.last[k] + 1)
        h = self.dtype.type(estimate.steps[estimate.last[k]] * ODD)
        away = abs((line(h)[k] - line(-h)[k]) / (2 * h) - value)
        within = max(abs(d[k] - value) for d in estimate.differences[window])
        inexact = sampling.unit(self.dtype) * sampling.size(point.inputs[i]) * abs(value)
        return bool(away > CONTRADICTION * (within + (estimate.noise[k] + inexact) / h))

    def _confirm(self, entry: Entry, got: Any, value: Any, bound: float) -> None:
        """Let the complex step confirm what the ladder is too coarse to see."""
        allowed = bound + entry.analytic
        coarse = entry.state == "unresolved" or entry.resolution > self.required()
        if entry.state in ("ok", "unresolved") and coarse and abs(got - value) <= allowed:
            entry.state, entry.expected, entry.allowed = "ok", float(value), allowed
            entry.truncation, entry.rounding, entry.oracle = 0.0, bound, "complex step"

    def _forward_mode(
        self, point: Point, i: int, u: Array, estimate: Estimate, line: Any, reverse: dict[int, Entry]
    ) -> None:
        """The pushforward against the ladder and against the pullback."""
        subject = self.subject
        rng = sampling.generator(self.seed, "pushed", self.order, point.number, i)

        def push(inputs: Sequence[Array], tangent: Array) -> list[Array]:
            tangents = [tangent if j == i else np.zeros_like(x) for j, x in enumerate(inputs)]
            return [t.astype(np.longdouble) for t in subject.pushforward(inputs, tangents)]

        def contract(k: int, pushed: Sequence[Array]) -> Any:
            pairs = zip(point.cotangents[k], pushed, strict=True)
            return sum((np.sum(c * t) for c, t in pairs), np.longdouble(0))

        pushed = push(point.inputs, u)
        moved = [
            push([sampling.perturbed(rng, x, 2 * self.unit) for x in point.inputs], u)
            for _ in range(REPEATS)
        ]
        for k in range(self.width):
            got = contract(k, pushed)
            spread = max(float(_distance(contract(k, m) - got, got)) for m in moved)
            terms = np.concatenate(
                [(c * t).ravel() for c, t in zip(point.cotangents[k], pushed, strict=True)]
            )
            largest = max(float(np.max(np.abs(terms), initial=0)), sampling.norm(terms) / 16)
            entry = self._judge(point, i, None, k, estimate, line, got, spread, largest, "forward")
            if not self.usable(point, i, k):
                continue
            # The two modes against one another need no step: only rounding is allowed.
            pulled, spread_pulled, largest_pulled = self._project(point, i, k, u)
            allowed = SAFETY_NOISE * (spread + spread_pulled)
            allowed += SAFETY_UNIT * self.unit * (largest + largest_pulled)
            allowed += 2 * SAFETY_VALUE * self.unit * point.terms[k] / self.smooth(point, i)
            state = "ok" if abs(got - pulled) <= allowed else "wrong"
            if entry.state == "wrong" and (reverse[k].state, state) == ("ok", "ok"):
                # It agrees with reverse mode, and that with the ladder: both bounds are open to it.
                entry.allowed, entry.state = reverse[k].allowed + allowed, "ok"
            self.entries.append(
                Entry(
                    subject.names[i], None, float(pulled), float(got), allowed, point.number, k,
                    "forward against reverse", self.order, "kink" if estimate.kink[k] else state,
                    max(largest, largest_pulled), oracle="none",
                )
            )  # fmt: skip

    # Entry by entry --------------------------------------------------------------------------------

    def _entrywise(
        self, point: Point, i: int, cotangents: Sequence[int] | None = None, indices: Any = None
    ) -> None:
        """Compare single entries of one input's gradient, by default all."""
        x = point.inputs[i]
        chosen = range(self.width) if cotangents is None else cotangents
        usable = [k for k in chosen if self.usable(point, i, k)]
        spreads = {}
        for k in usable:
            spread = self.spread(point, i, k)
            spreads[k] = np.maximum(spread, sampling.norm(spread) / math.sqrt(spread.size))
        everything = list(np.ndindex(*x.shape) if indices is None else indices)
        for begin in range(0, len(everything), TOGETHER):
            some = everything[begin : begin + TOGETHER]
            directions = []
            for index in some:
                directions.append(np.zeros_like(x))
                directions[-1][index] = 1
            ladders = self._ladders(point, i, directions, f"{self.subject.names[i]}{list(some[-1])}")
            for index, (estimate, line) in zip(some, ladders, strict=True):
                before = len(self.entries)
                for k in usable:
                    gradient = point.gradients[k][i]
                    self._judge(
                        point, i, index, k, estimate, line, gradient[index].astype(np.longdouble),
                        float(spreads[k][index]), float(np.max(np.abs(gradient))), "reverse",
                    )  # fmt: skip
                self._share_kinks(before)

    def _localise(self, i: int) -> None:
        """After a failure along a direction, find the entries that are wrong."""
        name = self.subject.names[i]
        failed = [
            e
            for e in self.entries
            if e.input == name and e.state == "wrong" and e.mode in ("reverse", "forward")
        ]
        if all(e.mode == "forward" for e in failed) or any(e.index is not None for e in failed):
            return
        # Where most inputs fail together, their gradients can be compared with one another.
        together = Counter(
            place
            for j in self.subject.checked
            for place in {
                (e.point, e.cotangent) for e in self.entries
                if e.input == self.subject.names[j] and e.state == "wrong" and e.mode == "reverse"
            }
        )  # fmt: skip
        worst = max(
            failed,
            key=lambda e: (
                not math.isfinite(e.got), together[e.point, e.cotangent], -e.point, -e.cotangent
            ),
        )  # fmt: skip
        point = next(p for p in self.reached if p.number == worst.point)
        size = point.inputs[i].size
        if not math.isfinite(worst.got):
            wrong = np.argwhere(~np.isfinite(point.gradients[worst.cotangent][i]))
            indices = [tuple(int(n) for n in row) for row in wrong[:10]]
        elif size <= FULL:
            indices = list(np.ndindex(*point.inputs[i].shape))
        else:  # the worst entries for the reader, and some others for the diagnosis
            found = dict.fromkeys(self._bisect(point, i, worst))
            rng = sampling.generator(self.seed, "sample", self.order, i)
            for n in rng.choice(size, SAMPLE, replace=False):
                found[tuple(int(m) for m in np.unravel_index(n, point.inputs[i].shape))] = None
            indices = list(found)
        self._plan(len(indices))
        before = len(self.entries)
        self._entrywise(point, i, [worst.cotangent], indices)
        states = {e.state for e in self.entries[before:]}
        if len(indices) == size and "kink" in states and "wrong" not in states:
            # Along the direction the jumps of several kinks had cancelled, so they were not seen.
            for e in failed:
                if e.point == point.number and math.isfinite(e.got):
                    e.state = "kink"

    def _bisect(self, point: Point, i: int, worst: Entry, wanted: int = 10) -> list[tuple[int, ...]]:
        """Halve the direction, always where the residual is largest, down to single entries."""
        x, k = point.inputs[i], worst.cotangent
        u = sampling.direction(
            sampling.generator(self.seed, "direction", self.order, point.number, i), x
        )
        gradient = point.gradients[k][i].astype(np.longdouble)
        heap = [(-worst.difference, 0, x.size, worst.got - worst.expected)]
        found: list[tuple[int, ...]] = []
        for _ in range(SEARCH):
            if not heap or len(found) == wanted:
                break
            _, start, stop, residual = heapq.heappop(heap)
            if stop - start == 1:
                found.append(tuple(int(n) for n in np.unravel_index(start, x.shape)))
                continue
            middle = (start + stop) // 2
            part = np.zeros_like(x)
            part.flat[start:middle] = u.flat[start:middle]
            self._plan(1)
            estimate, _ = self._ladder(point, i, part, f"searching {self.subject.names[i]}")
            left = float(np.sum(gradient * part) - estimate.value[k])
            if not math.isfinite(left):
                continue
            for a, b, r in ((start, middle, left), (middle, stop, residual - left)):
                if abs(r) > worst.allowed / 4:
                    heapq.heappush(heap, (-abs(r), a, b, r))
        return found

    def _at_a_kink(self, point: Point, i: int) -> None:
        """The one-sided test, where the given point is a kink."""
        name = self.subject.names[i]
        if not any(e.input == name and e.point == 0 and e.state == "kink" for e in self.entries):
            return
        if not self.usable(point, i, 0):
            return

        def gradient(entry: tuple[int, int]) -> Any:
            cotangents = [np.zeros_like(c) for c in point.cotangents[0]]
            cotangents[entry[0]].flat[entry[1]] = 1
            return self._gradient(point.inputs, cotangents)[i]

        tests = one_sided(
            lambda move: self._outputs_near(point, i, move),
            gradient,
            point.wide[i],
            max(1.0, 4 * float(self._jitter[i][1])) * sampling.unit(self.dtype),
            sampling.generator(self.seed, "kink", self.order, i),
            self.unit,
        )
        for test in tests:
            entry = Entry(
                name, None, test.expected, test.got, test.allowed, 0, 0, "one-sided", self.order
            )
            entry.state = "ok" if entry.difference <= test.allowed else "wrong"
            entry.oracle = "one-sided derivatives"
            self.entries.append(entry)

    # What is probably wrong -------------------------------------------------------------------

    def _diagnose(self, checked: Sequence[int]) -> None:
        """Name the likeliest mistake for every input whose gradient is wrong."""
        names = self.subject.names
        wrong = [e for e in self.entries if e.state == "wrong"]
        reverse = {e.input for e in wrong if e.mode == "reverse"}
        if any(i.kind in ("nonlinearity", "zero cotangent") for i in self.issues):
            self._diagnose_nonlinearity(checked)  # and nothing else: no template would fit
            return
        for i in checked:
            name = names[i]
            failed = {e.mode for e in wrong if e.input == name}
            found = self._diagnose_input(i) if name in reverse else None
            if found is not None:
                share = f"{found.share:.4f}" if found.share < 0.9999 else "all"
                self.note("diagnosis", "hint", f"{found.text} (explains {share} of the error)", name)
            elif "forward" in failed and name not in reverse:
                self.note(
                    "diagnosis", "hint",
                    "reverse mode is right and forward mode is wrong: look at the JVP rule", name,
                )  # fmt: skip
            elif self.subject.pushes and failed == {"reverse", "forward"}:
                self.note(
                    "diagnosis", "hint",
                    "both modes agree with one another: either a partial derivative is wrong, or "
                    "something is held constant (stop_gradient, .numpy(), float())", name,
                )  # fmt: skip
            elif (
                "reverse" in failed and "forward against reverse" in failed and "forward" not in failed
            ):
                self.note(
                    "diagnosis", "hint",
                    "forward mode is right and reverse mode is wrong: look at the VJP rule", name,
                )  # fmt: skip

    def _diagnose_input(self, i: int) -> Diagnosis | None:
        name = self.subject.names[i]
        singles = [
            e for e in self.entries
            if e.input == name and e.index is not None and e.mode == "reverse" and math.isfinite(e.got)
        ]  # fmt: skip
        bad = [e for e in singles if e.state == "wrong"]
        if self.subject.inputs[i].size < 3:
            sums = [
                e for e in self.entries
                if e.input == name and e.index is None and e.mode == "reverse"
                and e.state in ("ok", "wrong") and math.isfinite(e.got)
            ]  # fmt: skip
            arrays = [*self.subject.inputs, *self.reached[0].centre]
            return diagnose_factor(
                np.array([e.got for e in sums]), np.array([e.expected for e in sums]), arrays
            )
        if not bad:
            return None
        worst = max(bad, key=lambda e: e.margin)
        point = next(p for p in self.reached if p.number == worst.point)
        return diagnose(self._evidence(point, i, worst.cotangent))

    def _evidence(self, point: Point, i: int, k: int) -> Evidence:
        """All that is known about one gradient."""
        names = self.subject.names
        right: dict[int, tuple[Array, Array]] = {}
        for j in self.subject.checked:
            expected = np.full(point.inputs[j].shape, np.nan)
            allowed = np.zeros(point.inputs[j].shape)
            for e in self.entries:
                same = e.input == names[j] and e.point == point.number and e.cotangent == k
                if same and e.mode == "reverse" and e.index is not None:
                    expected[e.index], allowed[e.index] = e.expected, e.allowed
            wrong = any(
                e.input == names[j] and e.state == "wrong" and e.mode == "reverse" for e in self.entries
            )
            if not wrong and self.usable(point, j, k):
                expected = np.asarray(point.gradients[k][j], float)
            right[j] = expected, allowed
        expected, allowed = right[i]
        return Evidence(
            names[i],
            np.asarray(point.gradients[k][i], float),
            expected,
            allowed,
            {
                n: np.asarray(x, float) if x.dtype in FLOATING else x
                for n, x in zip(names, point.inputs)
            },
            [np.asarray(y, float) for y in point.centre],
            [np.asarray(c, float) for c in point.cotangents[k]],
            {names[j]: e for j, (e, _) in right.items() if j != i and np.isfinite(e).all()},
        )

    def _diagnose_nonlinearity(self, checked: Sequence[int]) -> None:
        """Find out what is done to the cotangent, by choosing cotangents that survive it."""
        given = self.reached[0]
        usable = [i for i in checked if self.usable(given, i, 0)]
        if self.width > 1 and all(
            np.array_equal(given.gradients[0][i], given.gradients[1][i]) for i in usable
        ):
            self.note("diagnosis", "hint", "the gradients are the same for every dy: dy is ignored")
            return

        def right_for(cotangents: Sequence[Array]) -> bool:
            row = np.concatenate([c.astype(self.dtype).ravel() for c in cotangents])
            point = replace(
                given, cotangents=[list(cotangents)], contraction=row[None], gradients=[], moved=[]
            )
            point.gradients = [self._gradient(point.inputs, cotangents)]
            for i in usable:
                u = sampling.direction(sampling.generator(self.seed, "nonlinear", i), point.inputs[i])
                estimate, _ = self._ladder(point, i, u, "diagnosis")
                got, _, largest = self._project(point, i, 0, u)
                if not abs(got - estimate.value[0]) <= 1e-6 * largest + 10 * estimate.error[0]:
                    return False
            return True

        found = diagnose_cotangent(right_for, given.cotangents[0])
        if found is not None:
            self.note("diagnosis", "hint", found)

    # What follows ---------------------------------------------------------------------------

    def required(self) -> float:
        """The resolution that is needed for a PASS."""
        if self.require_resolution is not None:
            return self.require_resolution
        return 1e-3 if self.unit > COARSE else 1e-6

    def resolution(self, name: str) -> float:
        """The relative error with which an input's gradient would not have passed."""
        allowed = self.allowed(name)
        return allowed if allowed <= self.required() else min(allowed, self.seen(name))

    def allowed(self, name: str) -> float:
        """The relative error that would have been called wrong."""
        seen = [
            e for e in self.entries
            if e.input == name and e.state == "ok" and e.mode == "reverse" and e.index is None
        ]  # fmt: skip
        given = [e.resolution for e in seen if e.point == 0 and e.scale]
        if given:
            return max(given)
        return min((e.resolution for e in seen if e.scale), default=math.inf)

    def seen(self, name: str) -> float:
        """How near the gradient came to the numerical one in every comparison.

        In single precision at a large offset a right gradient may be far off by rounding, so
        a difference cannot be called wrong.  But where there is none, the gradient is right:
        rounding would have to make up for a mistake again and again.
        """
        mine = [e for e in self.entries if e.input == name and e.mode == "reverse"]
        if len({(e.point, e.cotangent) for e in mine if e.index is None}) < COINCIDENCES:
            return math.inf
        if any(e.state != "ok" or not e.scale for e in mine):
            return math.inf
        near = max(
            (SAFETY_LADDER * (e.truncation + e.rounding) + SAFETY_SEEN * e.difference) / e.scale
            for e in mine
        )
        return max(near, SAFETY_UNIT * self.unit)


def _distance(change: Any, before: Any) -> Any:
    """How far a derivative has moved: beyond all bounds where it is NaN all of a sudden."""
    return np.where(np.isfinite(before) & np.isnan(change), np.inf, np.abs(change))


def _near(one: Sequence[Array], other: Sequence[Array]) -> bool:
    """Whether outputs are alike, but for rounding and dtype."""
    return all(
        np.max(np.abs(a - b), initial=0) <= 1e-3 * np.max(np.abs(b), initial=0)
        for a, b in zip(one, other, strict=True)
    )
