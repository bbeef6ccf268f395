"""What is probably wrong: the residual, fitted against known mistakes.

For every wrong gradient the residual r = got - expected is compared with templates.  Each
template is a mistake that people make; the share of r that its best multiple explains is
measured.  The likeliest is named if it explains practically everything, or nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..tensor import Array
from .normalisation import recognise

ENOUGH = 0.999  # the share of the residual that a template must explain
FEW = 0.1  # a gradient with fewer wrong entries than this is wrong in places only


@dataclass
class Evidence:
    """One wrong gradient.

    Attributes
    ----------
    name : str
        Of the input.
    got, expected, allowed : ndarray
        Of the input's shape; `expected` is NaN where it is not known.
    inputs : dict of str to ndarray
        All inputs at that point, this one included.
    outputs, cotangents : list of ndarray
        There.
    others : dict of str to ndarray
        The other inputs' right gradients, as far as they are known.
    """

    name: str
    got: Array
    expected: Array
    allowed: Array
    inputs: dict[str, Array]
    outputs: list[Array]
    cotangents: list[Array]
    others: dict[str, Array] = field(default_factory=dict)

    @property
    def known(self) -> Array:
        """Where the right gradient is known."""
        return np.isfinite(self.expected) & np.isfinite(self.got)

    @property
    def residual(self) -> Array:
        """Got minus expected."""
        return self.got - self.expected


@dataclass
class Diagnosis:
    """A mistake that would explain the residual.

    Attributes
    ----------
    text : str
        In words.
    share : float
        Of the residual's square sum, how much it explains.
    coefficient : float
        The multiple of the template that fits best.
    """

    text: str
    share: float
    coefficient: float = 1.0


@dataclass
class Template:
    """A shape that the residual may have, and what it would mean.

    `basis` spans the residuals that the mistake makes: one array of the gradient's shape, or
    several (one per group, for "constant along an axis").  `text` receives the coefficient.
    """

    basis: Array | Callable[[Array], Array]
    text: Callable[[float], str | None]
    freedom: int = 1


def diagnose(evidence: Evidence) -> Diagnosis | None:
    """The likeliest mistake, or None.

    Parameters
    ----------
    evidence : Evidence
        One wrong gradient.

    Returns
    -------
    Diagnosis or None

    Examples
    --------
    >>> x = np.array([1.0, -2.0, 3.0])
    >>> evidence = Evidence("x", -2 * x, 2 * x, 1e-12 + 0 * x, {"x": x}, [x**2], [np.ones(3)])
    >>> diagnose(evidence).text
    'the sign is wrong: every entry is -1 times what it should be'
    """
    known = evidence.known
    residual = np.where(known, evidence.residual, 0.0)
    power = float(np.sum(residual**2))
    count = int(np.sum(known))
    if not count or power <= 100 * float(np.sum(np.where(known, evidence.allowed, 0.0) ** 2)):
        return None
    best: Diagnosis | None = None
    with np.errstate(all="ignore"):
        for template in _templates(evidence):
            if template.freedom * 3 > count:
                continue
            fitted, coefficient = _fit(template, residual, known)
            if fitted is None:
                continue
            share = 1.0 - float(np.sum((residual - fitted) ** 2)) / power
            if not share >= ENOUGH or (best is not None and share <= best.share + (1 - best.share) / 2):
                continue
            text = template.text(coefficient)
            if text is not None:
                best = Diagnosis(text, share, coefficient)
    return best if best is not None else _places(evidence, residual)


def _fit(template: Template, residual: Array, known: Array) -> tuple[Array | None, float]:
    """The part of the residual that a template explains."""
    if callable(template.basis):
        return np.where(known, template.basis(residual), 0.0), float("nan")
    basis = np.where(known, template.basis, 0.0)
    power = float(np.sum(basis**2))
    if not np.isfinite(power) or not power:
        return None, 0.0
    coefficient = float(np.sum(basis * residual)) / power
    return coefficient * basis, coefficient


def _places(evidence: Evidence, residual: Array) -> Diagnosis | None:
    """A gradient that is wrong in a few places only."""
    wrong = np.abs(residual) > evidence.allowed
    count = int(np.sum(wrong))
    if not count or count > max(1, FEW * residual.size) or residual.size < 4:
        return None
    where = [tuple(int(n) for n in row) for row in np.argwhere(wrong)[:5]]
    listed = ", ".join(str(w[0]) if len(w) == 1 else str(w) for w in where)
    more = "" if count <= 5 else ", ..."
    return Diagnosis(
        f"{count} of {residual.size} entries wrong (at {listed}{more}), the others right: look for a "
        "special case, an index, or a boundary",
        1.0,
    )


# The templates: the specific ones first, because a later one must explain clearly more -----------


def _templates(evidence: Evidence) -> Iterator[Template]:
    yield from _normalisation(evidence)
    yield from _multiples(evidence)
    yield from _exchanges(evidence)
    yield from _broadcast_factors(evidence)
    yield from _outputs(evidence)
    yield from _paths(evidence)


def _normalisation(evidence: Evidence) -> Iterator[Template]:
    """For functions that normalise: what goes wrong in the statistics."""
    found = recognise(evidence.inputs, evidence.outputs)
    if found is None or len(evidence.cotangents) != 1:
        return
    for mistake in found.mistakes(evidence.name, evidence.cotangents[0]):
        # Fitted freely per group, a multiple of dy needs as many values as there are groups.
        freedom = found.variance.size if callable(mistake.template) else 1
        yield Template(mistake.template, mistake.text, freedom)


def _always(text: str) -> Callable[[float], str | None]:
    """Words for any multiple of a mistake."""
    return lambda coefficient: text


def _once(text: str, otherwise: str | None = None) -> Callable[[float], str | None]:
    """Words for a mistake itself, and others (or none) for a multiple of it."""
    return lambda coefficient: text if abs(coefficient - 1) < 1e-6 else otherwise


def _multiples(evidence: Evidence) -> Iterator[Template]:
    """A constant factor."""
    arrays = (*evidence.inputs.values(), *evidence.outputs)
    yield Template(evidence.expected, lambda c: _factor(1.0 + c, arrays))


def _factor(factor: float, arrays: Sequence[Array]) -> str:
    """Words for a gradient that is a multiple of the right one."""
    if abs(factor) < 1e-9:
        return "the gradient is zero, and it should not be"
    if abs(factor + 1) < 1e-6:
        return "the sign is wrong: every entry is -1 times what it should be"
    for n in sorted({int(n) for a in arrays for n in (*a.shape, a.size)}):
        if n > 1 and abs(factor * n - 1) < 1e-6:
            return f"every entry is 1/N of what it should be, with N = {n}: a mean where a sum belongs"
        if n > 2 and abs(factor / n - 1) < 1e-6:
            return f"every entry is N times too large, with N = {n}: the 1/N of a mean is missing"
    return f"every entry has a constant factor: {factor:.10g} times what it should be"


def diagnose_factor(got: Array, expected: Array, arrays: Sequence[Array]) -> Diagnosis | None:
    """A constant factor, seen in several comparisons of a gradient with few entries.

    Examples
    --------
    >>> diagnose_factor(np.array([-1.0, 2.0, 3.0]), np.array([1.0, -2.0, -3.0]), []).text
    'the sign is wrong: every entry is -1 times what it should be'
    """
    power = float(np.sum((got - expected) ** 2))
    if len(got) < 3 or not power:
        return None
    factor = float(np.sum(got * expected) / np.sum(expected**2))
    share = 1 - float(np.sum((got - factor * expected) ** 2)) / power
    return Diagnosis(_factor(factor, arrays), share, factor) if share >= ENOUGH else None


def _exchanges(evidence: Evidence) -> Iterator[Template]:
    """The right numbers in the wrong place."""
    expected = evidence.expected
    if expected.ndim == 2 and expected.shape[0] == expected.shape[1] > 1:
        yield Template(
            expected.T - expected,
            _once("it is transposed", "it is mixed with its transpose"),
        )
    for name, gradient in evidence.others.items():
        if gradient.shape == expected.shape:
            yield Template(
                gradient - expected,
                _once(
                    f"it is the gradient of {name}: the two are swapped",
                    f"it is mixed with the gradient of {name}",
                ),
            )


def _broadcast_factors(evidence: Evidence) -> Iterator[Template]:
    """A factor that is one of the other inputs: missing, or there twice."""
    for name, value in evidence.inputs.items():
        if name == evidence.name or value.dtype.kind != "f" or value.size < 2:
            continue
        try:
            if np.broadcast_shapes(value.shape, evidence.got.shape) != evidence.got.shape:
                continue
        except ValueError:
            continue
        yield Template(
            evidence.expected * (1 / value - 1),
            _once(f"the factor {name} is missing"),
        )
        yield Template(
            evidence.expected * (value - 1),
            _once(f"the factor {name} is there twice"),
        )


def _outputs(evidence: Evidence) -> Iterator[Template]:
    """Multiples of the output, row by row (softmax), of the cotangent, of the input itself."""
    shape = evidence.got.shape
    for y, v in zip(evidence.outputs, evidence.cotangents, strict=True):
        if y.shape != shape:
            continue
        for axis in range(y.ndim):
            if shape[axis] > 2:
                yield Template(
                    _along(y, axis),
                    _always(
                        f"a multiple of the output along axis {axis} is missing: for a softmax, "
                        "the term p * sum(dy * p)"
                    ),
                    max(1, y.size // shape[axis]),
                )
        yield Template(
            v,
            _once(
                "the cotangent passes straight through, and it should not",
                "a multiple of the cotangent is added, or missing",
            ),
        )
    yield Template(
        evidence.inputs[evidence.name],
        lambda c: f"{c:.6g} times the input itself is added (a weight decay?)",
    )


def _paths(evidence: Evidence) -> Iterator[Template]:
    """Residuals with structure along an axis: a path through a statistic is wrong."""
    x = evidence.inputs[evidence.name]
    if x.ndim < 1 or x.shape != evidence.got.shape:
        return
    for axes in _axis_sets(x.ndim):
        size = int(np.prod([x.shape[a] for a in axes]))
        if size < 3:
            continue
        groups = x.size // size
        label = f"axis {axes[0]}" if len(axes) == 1 else f"axes {axes}"
        centred = x - x.mean(axis=axes, keepdims=True)
        ones = np.ones_like(x)
        yield Template(
            _along(ones, axes),
            _always(
                f"the residual is constant along {label}: a path through a sum or mean over it is "
                "missing or wrong (in a normalisation, the path through the mean)"
            ),
            groups,
        )
        yield Template(
            _along(centred, axes),
            _always(
                f"the residual is proportional to x - mean along {label}: a path through a sum of "
                "squares over it is missing or wrong (in a normalisation, the path through variance)"
            ),
            groups,
        )
        yield Template(
            _within(ones, centred, axes),
            _always(
                f"along {label} the residual is a constant plus a multiple of x - mean: the statistics "
                "over it are treated as constants, or wrong"
            ),
            2 * groups,
        )


def _axis_sets(ndim: int) -> Iterator[tuple[int, ...]]:
    for axis in range(ndim):
        yield (axis,)
    if ndim > 2:
        for kept in range(ndim):
            yield tuple(a for a in range(ndim) if a != kept)
    if ndim > 1:
        yield tuple(range(ndim))


def _along(basis: Array, axes: int | tuple[int, ...]) -> Callable[[Array], Array]:
    """Per group, the multiple of the basis that fits best."""

    def project(residual: Array) -> Array:
        power = np.sum(basis**2, axis=axes, keepdims=True)
        shares = np.sum(residual * basis, axis=axes, keepdims=True) / np.where(power == 0, 1, power)
        return np.asarray(shares * basis)

    return project


def _within(one: Array, other: Array, axes: tuple[int, ...]) -> Callable[[Array], Array]:
    """Per group, the combination of two orthogonal bases that fits best."""

    def project(residual: Array) -> Array:
        return _along(one, axes)(residual) + _along(other, axes)(residual)

    return project


# The cotangent ---------------------------------------------------------------------------------------


def diagnose_cotangent(
    right_for: Callable[[Sequence[Array]], bool], cotangents: Sequence[Array]
) -> str | None:
    """What a backward that is not linear does to its cotangent.

    Parameters
    ----------
    right_for : callable
        Whether the backward is right for given cotangents.
    cotangents : sequence of ndarray
        For which it is wrong.

    Returns
    -------
    str or None
    """

    def changed(change: Callable[[Array], Any]) -> list[Array]:
        return [np.asarray(change(c), c.dtype) for c in cotangents]

    if not right_for(changed(lambda c: (c > 0) * 1.0)):
        return None
    if right_for(changed(np.abs)):
        return "it is right for positive dy only: abs(dy) somewhere"
    if right_for(changed(lambda c: 0.5 * c / max(1e-300, float(np.max(np.abs(c), initial=0))))):
        return "it is right for small dy only: dy is clipped"
    if right_for(changed(lambda c: (c < 0) * 1.0)):
        return "it is right where dy is 0 or 1 only: dy is squared, or taken to another power"
    return None
