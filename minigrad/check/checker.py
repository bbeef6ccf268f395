"""The judge: derivative under test against the ladder, and what follows from it.

The rule is one line.  With the numerical derivative n and its error bound e from the ladder,
the derivative under test a and its own rounding noise s, measured by moving the inputs in
their last place::

    allowed = 10 e + 32 s + 256 unit * (largest term)          wrong if |a - n| > allowed

The numbers 10, 32 and 256 are safety factors on measured errors, not tolerances: a function
that can be computed precisely is checked precisely.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..tensor import FLOATING, Array
from . import sampling
from .complexstep import complex_step
from .ladder import Estimate, climb, noise
from .report import Entry, Issue
from .subject import Subject

SAFETY_LADDER, SAFETY_NOISE, SAFETY_UNIT = 10, 32, 256
REPEATS = 3  # evaluations with moved inputs, from which the derivative's noise is estimated
SMALL = 64  # an input set of at most so many entries is checked entry by entry as well
FULL = 1024  # after a failure, an input of at most so many entries is searched completely
COARSE = 1e-8  # a rounding unit above this is single precision
MODES = ("auto", "sketch", "full")


@dataclass
class Point:
    """A point, its cotangents, and the derivatives under test there."""

    number: int
    inputs: list[Array]
    wide: list[Array]
    centre: list[Array]  # the outputs, in the wide dtype
    cotangents: list[list[Array]]
    contraction: Array  # the cotangents as rows, in the wide dtype
    gradients: list[list[Any]] = field(default_factory=list)  # [cotangent][input]
    moved: list[list[list[Any]]] = field(default_factory=list)  # [repeat][cotangent][input]
    jitter: dict[int, Array] = field(default_factory=dict)  # per input the noise of the values


class Checker:
    """Runs one check.  Use :func:`minigrad.gradcheck` and its sisters."""

    def __init__(
        self,
        subject: Subject,
        mode: str = "auto",
        points: int = 3,
        cotangents: int = 2,
        seed: int = 0,
        require_resolution: float | None = None,
        order: int = 1,
        who: str = "gradcheck",
    ) -> None:
        if mode not in MODES:
            raise ArgumentError(f'{who}: mode is "auto", "sketch" or "full", not {mode!r}.')
        for name, value in (("points", points), ("cotangents", cotangents)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ArgumentError(f"{who}: {name} is an integer from 1 upwards, not {value!r}.")
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
            raise ArgumentError(f"{who}: seed is an integer from 0 upwards, not {seed!r}.")
        self.subject, self.mode, self.seed, self.order = subject, mode, int(seed), order
        self.point_count, self.width = points, cotangents
        self.require_resolution = require_resolution
        self.entries: list[Entry] = []
        self.issues: list[Issue] = []
        self.vacuous: dict[str, list[bool]] = {}
        self.estimates: dict[tuple[str, int], Estimate] = {}  # (input, point) -> first direction
        self.complex: dict[str, str] = {}  # input -> what the complex step said
        self.given_cotangents: list[Array] = []  # the first at the given point, for second order
        self.dtype = np.dtype(float)  # in which the function's values are computed
        self.unit = 0.0  # rounding unit of the derivative under test

    # The way through a check ---------------------------------------------------------------

    def run(self) -> None:
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
                return
            if not given.cotangents[0]:
                raise ArgumentError(
                    f"gradcheck: {self.subject.name} returns no floating array: it has no derivative."
                )
            self.given_cotangents = given.cotangents[0]
            self.unit = self._effective_unit(given)
            reached = [given, *self._jittered_points()]
            for point in reached:
                self._derive(point)
                for i in self.subject.checked:
                    self._sketch(point, i)
            small = sum(self.subject.inputs[i].size for i in self.subject.checked) <= SMALL
            for i in self.subject.checked:
                if self.mode == "full" or (self.mode == "auto" and small):
                    self._entrywise(given, i)
            if self.mode != "full":
                self._localise(reached)

    def note(self, kind: str, severity: str, message: str, input: str | None = None) -> None:
        """Remember a remark once."""
        issue = Issue(kind, severity, message, input)
        if issue not in self.issues:
            self.issues.append(issue)

    # Points ----------------------------------------------------------------------------------

    def _working_dtype(self) -> np.dtype[Any]:
        """The widest dtype that the function keeps and in which it gives the same values."""
        subject = self.subject
        native = [x.dtype for x in subject.inputs if x.dtype in FLOATING]
        base = subject.forward(subject.inputs)
        outputs = [y for y in base if y.dtype in FLOATING]
        smallest = max(sampling.unit(d) for d in [*native, *(y.dtype for y in outputs)])
        for dtype in (np.dtype(np.longdouble), np.dtype(float)):
            try:
                wide = [
                    y for y in self._values(self._widened(subject.inputs, dtype)) if y.dtype.kind == "f"
                ]
            except Exception:  # whatever the user's code raises for a dtype it was not made for
                continue
            if [y.shape for y in wide] != [y.shape for y in outputs]:
                continue
            if any(sampling.unit(y.dtype) > sampling.unit(dtype) for y in wide):
                continue
            near = all(
                np.max(np.abs(w - y), initial=0)
                <= math.sqrt(smallest) * 10 * np.max(np.abs(y), initial=0)
                for w, y in zip(wide, outputs, strict=True)
            )
            if near or not sampling.finite(outputs):
                return dtype
        return np.result_type(*native)

    def _widened(self, inputs: Sequence[Array], dtype: Any) -> list[Array]:
        return [x.astype(dtype) if x.dtype in FLOATING else x for x in inputs]

    def _values(self, inputs: Sequence[Array]) -> list[Array]:
        return [y for y in self.subject.forward(inputs) if y.dtype in FLOATING]

    def _point(self, number: int, inputs: list[Array]) -> Point | None:
        """Evaluate the function at a point; None where it is not finite."""
        wide = self._widened(inputs, self.dtype)
        try:
            outputs = self._values(inputs)
            centre = self._values(wide)
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
        rows = [np.concatenate([c.astype(self.dtype).ravel() for c in cs] or [[]]) for cs in drawn]
        return Point(number, inputs, wide, centre, drawn, np.array(rows))

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
        found = self.subject.backward([x.copy() for x in inputs], [c.copy() for c in cotangents])
        return [
            np.asarray(found[i]) if i in self.subject.checked and found[i] is not None else None
            for i in range(len(inputs))
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

    # The oracle ----------------------------------------------------------------------------------

    def _line(self, point: Point, i: int, u: Array) -> Any:
        """t -> the values contracted with each cotangent, along direction u of input i."""
        wide = u.astype(self.dtype)
        shapes = [y.shape for y in point.centre]

        def line(t: Any) -> Array:
            inputs = list(point.wide)
            inputs[i] = point.wide[i] + self.dtype.type(t) * wide
            try:
                outputs = self._values(inputs)
            except Exception:  # outside of the domain the user's code may raise anything
                outputs = []
            if [y.shape for y in outputs] != shapes:
                return np.full(self.width, np.nan, self.dtype)
            return self._contract(point, outputs)

        return line

    def _contract(self, point: Point, outputs: Sequence[Array]) -> Array:
        flat = np.concatenate([np.asarray(y, self.dtype).ravel() for y in outputs])
        return np.asarray(point.contraction @ flat)

    def _ladder(self, point: Point, i: int, u: Array) -> Estimate:
        line = self._line(point, i, u)
        centre = self._contract(point, point.centre)
        extent = sampling.size(point.inputs[i])
        fine = sampling.unit(self.dtype)
        if i not in point.jitter:
            flat = np.concatenate([y.ravel() for y in point.centre])
            floor = 4 * fine * np.sqrt(np.sum((point.contraction * flat) ** 2, axis=1))
            measured = noise(line, centre, extent, fine)
            point.jitter[i] = np.maximum(np.maximum(measured, floor), np.finfo(self.dtype).tiny)
        return climb(line, centre, extent, point.jitter[i], fine)

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
        value = self._contract(point, found[0])
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
        return [y for y in self.subject.forward(inputs) if y.dtype.kind in "fc"]

    # Comparisons -----------------------------------------------------------------------------------

    def _sketch(self, point: Point, i: int) -> None:
        """Compare along one random direction, for all cotangents, in both modes."""
        x = point.inputs[i]
        if not x.size:
            return
        u = sampling.direction(
            sampling.generator(self.seed, "direction", self.order, point.number, i), x
        )
        estimate = self._ladder(point, i, u)
        self.estimates[self.subject.names[i], point.number] = estimate
        witness = self._witness(point, i, u, estimate) if point.number == 0 else [None] * self.width
        for k in range(self.width):
            got, spread, largest = self._project(point, i, k, u)
            entry = self._judge(point, i, None, k, estimate, got, spread, largest, "reverse")
            if witness[k] is not None:
                self._confirm(entry, got, *witness[k])
        if self.subject.pushes:
            self._forward_mode(point, i, u, estimate)

    def _project(self, point: Point, i: int, k: int, u: Array) -> tuple[Any, float, float]:
        """The gradient along u, its noise, and the size of its largest term."""
        gradient = point.gradients[k][i]
        if gradient is None or gradient.shape != u.shape:
            return np.longdouble("nan"), 0.0, 0.0
        terms = gradient.astype(np.longdouble) * u
        spread = 0.0
        for repeat in point.moved:
            moved = repeat[k][i]
            if moved is not None and moved.shape == u.shape:
                spread = max(spread, float(abs(np.sum(moved * u.astype(np.longdouble) - terms))))
        largest = max(float(np.max(np.abs(terms))), sampling.norm(terms) / 16)
        return np.sum(terms), spread, largest

    def _judge(
        self, point: Point, i: int, index: Any, k: int, estimate: Estimate, got: Any, spread: float,
        largest: float, mode: str,
    ) -> Entry:  # fmt: skip
        expected, error = estimate.value[k], float(estimate.error[k])
        analytic = SAFETY_NOISE * spread + SAFETY_UNIT * self.unit * largest
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
            entry.state = "wrong"
        if mode == "reverse" and entry.state == "ok":
            hidden = SAFETY_LADDER * error + SAFETY_NOISE * spread
            nothing = abs(entry.expected) <= hidden and largest <= hidden
            self.vacuous.setdefault(entry.input, []).append(nothing)
        self.entries.append(entry)
        return entry

    def _confirm(self, entry: Entry, got: Any, value: Any, bound: float) -> None:
        """Let the complex step confirm what the ladder is too coarse to see."""
        allowed = bound + entry.analytic
        coarse = entry.state == "unresolved" or entry.resolution > self.required()
        if entry.state in ("ok", "unresolved") and coarse and abs(got - value) <= allowed:
            entry.state, entry.expected, entry.allowed = "ok", float(value), allowed
            entry.truncation, entry.rounding, entry.oracle = 0.0, bound, "complex step"

    def _forward_mode(self, point: Point, i: int, u: Array, estimate: Estimate) -> None:
        """The pushforward against the ladder and against the pullback."""
        subject = self.subject
        rng = sampling.generator(self.seed, "pushed", self.order, point.number, i)

        def push(inputs: Sequence[Array], tangent: Array) -> list[Array]:
            tangents = [
                tangent if j == i else np.zeros_like(x) if x.dtype in FLOATING else None
                for j, x in enumerate(inputs)
            ]
            return [np.asarray(t, np.longdouble) for t in subject.pushforward(inputs, tangents)]

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
            spread = max(float(abs(contract(k, m) - got)) for m in moved)
            terms = [
                float(np.max(np.abs(c * t), initial=0)) for c, t in zip(point.cotangents[k], pushed)
            ]
            largest = max(terms)
            self._judge(point, i, None, k, estimate, got, spread, largest, "forward")
            # The two modes against one another need no step: only rounding is allowed.
            pulled, spread_pulled, largest_pulled = self._project(point, i, k, u)
            allowed = SAFETY_NOISE * (spread + spread_pulled)
            allowed += SAFETY_UNIT * self.unit * (largest + largest_pulled)
            state = "ok" if abs(got - pulled) <= allowed else "wrong"
            if estimate.kink[k] or math.isnan(float(pulled)):
                state = "kink" if estimate.kink[k] else "ok"
            self.entries.append(
                Entry(
                    subject.names[i], None, float(pulled), float(got), allowed, point.number, k,
                    "forward against reverse", self.order, state, max(largest, largest_pulled),
                )
            )  # fmt: skip

    def _entrywise(self, point: Point, i: int, cotangents: Sequence[int] | None = None) -> list[Entry]:
        """Compare every entry of one input's gradient."""
        x = point.inputs[i]
        chosen = range(self.width) if cotangents is None else cotangents
        usable = [
            k for k in chosen
            if point.gradients[k][i] is not None and point.gradients[k][i].shape == x.shape
        ]  # fmt: skip
        spreads = {}
        for k in usable:
            moved = [r[k][i] for r in point.moved if r[k][i] is not None and r[k][i].shape == x.shape]
            spread = np.max([np.abs(m.astype(float) - point.gradients[k][i]) for m in moved], axis=0)
            spreads[k] = np.maximum(spread, sampling.norm(spread) / math.sqrt(max(spread.size, 1)))
        made = []
        for index in np.ndindex(*x.shape):
            u = np.zeros_like(x)
            u[index] = 1
            estimate = self._ladder(point, i, u)
            for k in usable:
                gradient = point.gradients[k][i]
                largest = float(np.max(np.abs(gradient)))
                made.append(
                    self._judge(
                        point, i, index, k, estimate, np.longdouble(gradient[index]),
                        float(spreads[k][index]), largest, "reverse",
                    )
                )  # fmt: skip
        return made

    def _localise(self, reached: Sequence[Point]) -> None:
        """After a failure along a direction, find the entries that are wrong."""
        for i in self.subject.checked:
            name = self.subject.names[i]
            failed = [
                e
                for e in self.entries
                if e.input == name and e.state == "wrong" and e.mode == "reverse"
            ]
            if any(e.index is not None for e in failed):
                continue
            whole = [e for e in failed if math.isfinite(e.got)]
            if whole and self.subject.inputs[i].size <= FULL:
                worst = max(whole, key=lambda e: e.margin)
                point = next(p for p in reached if p.number == worst.point)
                self._entrywise(point, i, [worst.cotangent])

    # The verdict --------------------------------------------------------------------------------------

    def required(self) -> float:
        """The resolution that is needed for a PASS."""
        if self.require_resolution is not None:
            return self.require_resolution
        return 1e-3 if self.unit > COARSE else 1e-6

    def resolution(self, name: str) -> float:
        """The relative error that would have been caught for an input."""
        seen = [
            e for e in self.entries
            if e.input == name and e.state == "ok" and e.mode == "reverse" and e.index is None
        ]  # fmt: skip
        given = [e.resolution for e in seen if e.point == 0 and e.scale]
        if given:
            return max(given)
        return min((e.resolution for e in seen if e.scale), default=math.inf)
