"""Everything that a right backward keeps to, besides returning the right numbers.

None of this needs a numerical derivative.  Each rule that is broken is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..tensor import FLOATING, Array
from . import sampling
from .subject import Subject

Note = Callable[..., None]  # (kind, severity, message, input=None)
Tolerance = Callable[[int], Any]  # input -> how far two evaluations of its gradient may be apart


def inspect_protocol(
    subject: Subject,
    inputs: Sequence[Array],
    cotangents: Sequence[Array],
    tolerance: Tolerance,
    rng: np.random.Generator,
    note: Note,
) -> None:
    """Try a function and its backward in all the ways that reveal bad manners.

    Parameters
    ----------
    subject : Subject
        What is checked.
    inputs, cotangents : sequence of ndarray
        The point.
    tolerance : callable
        Per input, how far apart two evaluations of its gradient may be by rounding.
    rng : numpy.random.Generator
        Draws what is needed besides.
    note : callable
        Receives every broken rule: kind, severity, message, input.
    """
    _Inspection(subject, inputs, cotangents, tolerance, rng, note).run()


class _Inspection:
    def __init__(
        self,
        subject: Subject,
        inputs: Sequence[Array],
        cotangents: Sequence[Array],
        tolerance: Tolerance,
        rng: np.random.Generator,
        note: Note,
    ) -> None:
        self.subject, self.rng, self.note, self.tolerance = subject, rng, note, tolerance
        self.inputs, self.cotangents = list(inputs), list(cotangents)
        self.first: list[Any] = []

    def run(self) -> None:
        if not self.repeat():
            return
        self.linear()
        if self.subject.private:
            self.stale()
            self.layouts()
        self.shared()

    # Mutation, aliasing, shapes, determinism --------------------------------------------------

    def repeat(self) -> bool:
        """Forward and backward, twice each.  False where no gradients can be compared."""
        subject = self.subject
        inputs = [x.copy() for x in self.inputs]
        outputs, state = subject.begin(inputs)
        self._unchanged(self.inputs, inputs, "forward", "an input")
        again, _ = subject.begin([x.copy() for x in self.inputs])
        if not _same(outputs, again):
            apart = max(_apart(a, b) for a, b in zip(outputs, again, strict=True))
            self.note(
                "nondeterminism",
                "error",
                f"forward gave two answers for the same inputs (up to {apart:.1e} apart). Pass random "
                "numbers in, or seed them inside.",
            )
        inputs = [x.copy() for x in self.inputs]
        outputs, state = subject.begin(inputs)
        before = dict(_arrays(state))
        kept = {path: a.copy() for path, a in before.items()}
        cotangents = [c.copy() for c in self.cotangents]
        found = subject.finish(inputs, state, cotangents)
        if subject.private:
            self._unchanged(self.inputs, inputs, "backward", "an input")
            for c, original in zip(cotangents, self.cotangents, strict=True):
                if not _same([c], [original]):
                    self.note(
                        "mutation",
                        "error",
                        "backward changed the cotangent dy in place. Whoever passed it still needs it: "
                        "compute with a copy, dy = dy * ..., not dy *= ...",
                    )
            for path, array in _arrays(state):
                inside = any(array is x for x in inputs)
                if path in kept and not inside and not _same([array], [kept[path]]):
                    self.note(
                        "mutation",
                        "error",
                        f"backward changed the cache in place ({path}). A second backward would be "
                        "wrong: compute with a copy.",
                    )
        if not self._well_formed(found):
            return False
        if subject.private:
            self._aliases(found, inputs, cotangents, before)
        self.first = [None if g is None else np.array(g) for g in found]
        fresh = subject.backward(self.inputs, self.cotangents)
        second = subject.finish(
            [x.copy() for x in self.inputs], state, [c.copy() for c in self.cotangents]
        )
        for i in subject.checked:
            name = subject.names[i]
            if not _same([fresh[i]], [self.first[i]]):
                self.note(
                    "nondeterminism",
                    "error",
                    "backward gave two answers for the same inputs and cotangent (up to "
                    f"{_apart(fresh[i], self.first[i]):.1e} apart).",
                    name,
                )
            elif not _same([second[i]], [self.first[i]]):
                self.note(
                    "second call",
                    "error",
                    "a second call of backward for the same forward gave another gradient (up to "
                    f"{_apart(second[i], self.first[i]):.1e} apart): something is used up or added up.",
                    name,
                )
        return True

    def _unchanged(self, before: Any, after: Any, who: str, what: str) -> None:
        for i, (a, b) in enumerate(zip(before, after, strict=True)):
            if not _same([a], [b]):
                self.note(
                    "mutation",
                    "error",
                    f"{who} changed {what} in place (by up to {_apart(a, b):.1e}). The caller still "
                    "needs it: compute with a copy.",
                    self.subject.names[i],
                )

    def _well_formed(self, found: Sequence[Any]) -> bool:
        """Shapes, dtypes, None, NaN."""
        good = True
        for i in self.subject.checked:
            x, g, name = self.inputs[i], found[i], self.subject.names[i]
            if g is None:
                self.note(
                    "none",
                    "error",
                    "backward returned None. Return an array of the input's shape.",
                    name,
                )
                good = False
                continue
            g = np.asarray(g)
            if g.dtype.kind not in "fiub":
                self.note("dtype", "error", f"the gradient has dtype {g.dtype}, not {x.dtype}.", name)
                good = False
                continue
            if g.shape != x.shape:
                self.note("shape", "error", _shape_hint(g, x), name)
                good = False
                continue
            if g.dtype != x.dtype:
                narrower = g.dtype not in FLOATING or sampling.unit(g.dtype) > sampling.unit(x.dtype)
                self.note(
                    "dtype",
                    "error" if narrower else "warning",
                    f"the gradient is {g.dtype} and the input {x.dtype}. A cotangent has its primal's "
                    f"dtype; {'digits are lost' if narrower else 'convert it before returning'}.",
                    name,
                )
            if not np.isfinite(g).all():
                index = tuple(int(n) for n in np.argwhere(~np.isfinite(g))[0])
                self.note("nan", "error", f"the gradient is {g[index]} at {index}.", name)
                good = False
        return good

    def _aliases(
        self, found: Sequence[Any], inputs: Sequence[Array], cotangents: Sequence[Array], cache: Any
    ) -> None:
        """A gradient that shares memory with something else changes when that does."""
        owners = [(f"the input {n}", x) for n, x in zip(self.subject.names, inputs, strict=True)]
        owners += [("the cotangent dy", c) for c in cotangents]
        owners += [(f"the cache ({path})", a) for path, a in cache.items()]
        for i in self.subject.checked:
            mine = found[i]
            if not isinstance(mine, np.ndarray) or not mine.size:
                continue
            others = owners + [
                (f"the gradient of {self.subject.names[j]}", found[j])
                for j in self.subject.checked
                if j < i and isinstance(found[j], np.ndarray)
            ]
            for owner, array in others:
                if np.may_share_memory(mine, array) and np.shares_memory(mine, array):
                    self.note(
                        "aliasing",
                        "warning",
                        f"the gradient shares memory with {owner}: adding to one in place changes the "
                        "other. Return a copy.",
                        self.subject.names[i],
                    )
                    break

    # Linearity ----------------------------------------------------------------------------------

    def linear(self) -> None:
        """A pullback is linear in the cotangent: sums, multiples and zero."""
        other = sampling.cotangents(self.rng, self.cotangents)
        second = self.subject.backward(self.inputs, other)
        mixed = [
            np.asarray(c * a - d * b, c.dtype)
            for c, d, a, b in zip(
                self.cotangents, other, [1.25] * len(other), [0.75] * len(other), strict=True
            )
        ]
        together = self.subject.backward(self.inputs, mixed)
        # The tolerance belongs to the first cotangent, which may by chance be the smallest.
        growth = max(1.0, max(map(_largest, (other, mixed))) / (_largest(self.cotangents) or 1.0))
        self._agree(
            together,
            [_combine(f, s, 1.25, -0.75) for f, s in zip(self.first, second, strict=True)],
            "backward is not linear in the cotangent: the gradient of a sum is not the sum of the "
            "gradients. Something like dy**2, abs(dy) or a clipped dy?",
            8 * growth,
        )
        half = any(c.dtype == np.float16 for c in self.cotangents)
        for power in (-3, 3) if half else (-20, 20):
            factor = 2.0**power
            scaled = self.subject.backward(
                self.inputs, [np.asarray(c * factor, c.dtype) for c in self.cotangents]
            )
            self._agree(
                [None if g is None else np.asarray(g) / factor for g in scaled],
                self.first,
                f"backward is not linear in the cotangent: {factor:g} times dy is not {factor:g} "
                "times the gradient. Is dy clipped, or is something added?",
                8,
                1 / min(factor, 1.0),
            )
        nothing = self.subject.backward(self.inputs, [np.zeros_like(c) for c in self.cotangents])
        for i in self.subject.checked:
            if nothing[i] is not None and np.any(nothing[i] != 0):
                self.note(
                    "zero cotangent",
                    "error",
                    "for a cotangent of zeros the gradient is not zero (up to "
                    f"{np.max(np.abs(nothing[i])):.1e}): dy is ignored, or something is added.",
                    self.subject.names[i],
                )

    def _agree(
        self,
        got: Sequence[Any],
        expected: Sequence[Any],
        message: str,
        factor: float = 1.0,
        underflow: float = 1.0,
    ) -> None:
        for i in self.subject.checked:
            if got[i] is None or expected[i] is None or np.shape(got[i]) != np.shape(expected[i]):
                continue
            apart = np.abs(np.asarray(got[i], float) - np.asarray(expected[i], float))
            lost = underflow * float(np.finfo(self.inputs[i].dtype).tiny)  # digits of tiny numbers
            if apart.size and not np.all(apart <= factor * self.tolerance(i) + lost):
                self.note(
                    "nonlinearity", "error", f"{message} (Up to {np.max(apart):.1e} apart.)",
                    self.subject.names[i],
                )  # fmt: skip

    # State, layout, shared inputs ---------------------------------------------------------------

    def stale(self) -> None:
        """A forward elsewhere, between a forward and its backward, must not matter."""
        inputs = [x.copy() for x in self.inputs]
        _, state = self.subject.begin(inputs)
        elsewhere = [
            sampling.jittered(self.rng, x, 0.2, "positive") if i in self.subject.checked else x
            for i, x in enumerate(self.inputs)
        ]
        try:
            self.subject.begin(elsewhere)
        except Exception:  # outside of the domain: nothing is learnt
            return
        found = self.subject.finish(inputs, state, [c.copy() for c in self.cotangents])
        for i in self.subject.checked:
            if not _same([found[i]], [self.first[i]]):
                self.note(
                    "stale state",
                    "error",
                    "the gradient changes when forward runs on other inputs before backward does: "
                    "something is kept outside of the cache.",
                    self.subject.names[i],
                )

    def layouts(self) -> None:
        """Read-only, Fortran-ordered and strided inputs hold the same numbers."""
        for layout, arrange in (
            ("read-only", _read_only),
            ("Fortran-ordered", np.asfortranarray),
            ("strided", _strided),
        ):
            inputs = [arrange(x.copy()) for x in self.inputs]
            cotangents = [arrange(c.copy()) for c in self.cotangents]
            try:
                _, state = self.subject.begin(inputs)
                found = self.subject.finish(inputs, state, cotangents)
            except Exception as error:
                self.note(
                    "layout",
                    "warning",
                    f"with {layout} arrays it raises {type(error).__name__}: {error}",
                )
                continue
            for i in self.subject.checked:
                if found[i] is None or np.shape(found[i]) != self.first[i].shape:
                    continue
                apart = np.abs(np.asarray(found[i], float) - self.first[i])
                if apart.size and not np.all(apart <= 8 * self.tolerance(i)):
                    self.note(
                        "layout",
                        "error",
                        f"with {layout} arrays the gradient is another one (up to {np.max(apart):.1e} "
                        "apart).",
                        self.subject.names[i],
                    )

    def shared(self) -> None:
        """One array passed twice must give the gradients of two equal arrays."""
        subject = self.subject
        for i in subject.checked:
            for j in subject.checked:
                x, y = self.inputs[i], self.inputs[j]
                if j <= i or x.shape != y.shape or x.dtype != y.dtype or not x.size:
                    continue
                inputs = [v.copy() for v in self.inputs]
                inputs[j] = inputs[i].copy()
                twice = list(inputs)
                twice[j] = twice[i]
                try:
                    apart = subject.backward(inputs, self.cotangents)
                    _, state = subject.begin(twice)
                    found = subject.finish(twice, state, [c.copy() for c in self.cotangents])
                except Exception:  # equal values may lie outside of the domain
                    continue
                if not sampling.finite([g for g in apart if g is not None]):
                    continue
                for k in (i, j):
                    if not _same([found[k]], [apart[k]]):
                        self.note(
                            "shared input",
                            "error",
                            f"with the same array as {subject.names[i]} and {subject.names[j]} the "
                            "gradient is another one than with two equal arrays: contributions are "
                            "lost or counted twice when an input is used twice.",
                            subject.names[k],
                        )


def _arrays(state: Any) -> Iterator[tuple[str, Array]]:
    """The arrays in a cache, however it nests, with a path to each."""
    stack: list[tuple[str, Any]] = [("cache", state)]
    seen: set[int] = set()
    while stack:
        path, part = stack.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, np.ndarray):
            yield path, part
        elif isinstance(part, dict):
            stack.extend((f"{path}[{key!r}]", value) for key, value in part.items())
        elif isinstance(part, list | tuple):
            stack.extend((f"{path}[{n}]", value) for n, value in enumerate(part))
        elif hasattr(part, "__dict__") and not isinstance(part, type) and not callable(part):
            stack.extend((f"{path}.{key}", value) for key, value in vars(part).items())


def _same(a: Sequence[Any], b: Sequence[Any]) -> bool:
    """Bitwise, but for NaN."""
    return len(a) == len(b) and all(
        (x is None and y is None)
        or (x is not None and y is not None and np.array_equal(x, y, equal_nan=True))
        for x, y in zip(a, b, strict=True)
    )


def _apart(a: Any, b: Any) -> float:
    if a is None or b is None or np.shape(a) != np.shape(b):
        return float("inf")
    return float(np.max(np.abs(np.asarray(a, float) - np.asarray(b, float)), initial=0))


def _largest(arrays: Sequence[Array]) -> float:
    return max((float(np.max(np.abs(a), initial=0.0)) for a in arrays), default=0.0)


def _combine(f: Any, s: Any, a: float, b: float) -> Any:
    return None if f is None or s is None else a * np.asarray(f) + b * np.asarray(s)


def _read_only(x: Array) -> Array:
    x.flags.writeable = False
    return x


def _strided(x: Array) -> Array:
    """The same numbers in every second place of a larger array."""
    if not x.ndim:
        return x
    wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
    wide[..., ::2] = x
    return wide[..., ::2]


def _shape_hint(g: Array, x: Array) -> str:
    text = f"the gradient has shape {list(g.shape)} and the input {list(x.shape)}."
    try:
        stretched = np.broadcast_shapes(g.shape, x.shape) == g.shape
    except ValueError:
        stretched = False
    if stretched and g.size > x.size:
        lead = g.ndim - x.ndim
        axes = tuple(range(lead)) + tuple(
            a + lead for a, n in enumerate(x.shape) if n == 1 and g.shape[a + lead] != 1
        )
        axis = axes[0] if len(axes) == 1 else axes
        return f"{text} The input was broadcast: sum its gradient over axis={axis}."
    if g.size == x.size:
        return f"{text} Reshape or transpose it."
    return text
