"""Recognise a normalisation from its values, and list the mistakes in its backward.

A function is recognised if its output is, group by group, an affine function of the centred
input: y = gamma (x - mean)/sqrt(var + eps) + beta.  Then eps follows from the values, and every
textbook mistake can be written down as a gradient of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..tensor import Array, Shape


@dataclass
class Mistake:
    """What a mistake does to the gradient, and what to say for a multiple of that."""

    template: Array | Callable[[Array], Array]  # or from a residual to the part it explains
    text: Callable[[float], str | None]


@dataclass
class Normalisation:
    """A recognised normalisation over `axes`.

    Attributes
    ----------
    x, gamma, beta : str
        Names of the inputs; empty for a missing one.
    axes : tuple of int
        Over which mean and variance are taken.
    centred, variance : ndarray
        x - mean, and the biased variance, as they broadcast with x.
    scale : ndarray
        Gamma, as it broadcasts with x.
    eps : float
        As far as it can be told from the values; zero where it cannot.
    shapes : dict
        Per parameter its shape as it broadcasts with x, and its own.
    """

    x: str
    gamma: str
    beta: str
    axes: tuple[int, ...]
    centred: Array
    variance: Array
    scale: Array
    eps: float
    shapes: dict[str, tuple[Shape, Shape]]

    @property
    def inverse(self) -> Array:
        """1/sqrt(var + eps)."""
        return np.asarray(1 / np.sqrt(self.variance + self.eps))

    @property
    def hat(self) -> Array:
        """The normalised input."""
        return self.centred * self.inverse

    @property
    def count(self) -> int:
        """How many values a mean is taken of."""
        return int(np.prod([self.centred.shape[a] for a in self.axes]))

    def mean(self, a: Array) -> Array:
        """Over the group."""
        return np.asarray(a.mean(axis=self.axes, keepdims=True))

    def dx(self, g: Array, hat: Array, inverse: Array, mean: float = 1, variance: Any = 1) -> Array:
        """The gradient of x, the two paths weighted."""
        return np.asarray(inverse * (g - mean * self.mean(g) - variance * hat * self.mean(g * hat)))

    def parameter(self, terms: Array, name: str) -> Array:
        """Sum a gradient down to a parameter's shape."""
        wide, shape = self.shapes[name]
        axes = tuple(a for a, n in enumerate(wide) if n == 1 and terms.shape[a] != 1)
        return np.asarray(terms.sum(axis=axes, keepdims=True).reshape(shape))

    def mistakes(self, name: str, dy: Array) -> Iterator[Mistake]:
        """The textbook mistakes in the gradient of one input.

        Parameters
        ----------
        name : str
            Of the input.
        dy : ndarray
            The cotangent.

        Yields
        ------
        Mistake
        """
        if name == self.x:
            yield from self._in_dx(dy)
        elif name == self.gamma:
            yield from self._in_dgamma(dy)
        elif name == self.beta:
            yield from self._in_dbeta(dy)

    def _in_dx(self, dy: Array) -> Iterator[Mistake]:
        hat, inverse, g, n = self.hat, self.inverse, dy * self.scale, self.count
        right = self.dx(g, hat, inverse)
        through_mean = -inverse * self.mean(g) + 0 * g
        through_variance = -inverse * hat * self.mean(g * hat)
        yield Mistake(-through_mean, _path("mean", n))
        yield Mistake(-through_variance, _path("variance", n))
        yield Mistake(
            -through_mean - through_variance,
            lambda c: (
                "the statistics are treated as constants: both paths, through the mean and through "
                "the variance, are missing"
                if abs(c - 1) < 1e-6
                else "both paths, through the mean and through the variance, have a wrong factor: "
                f"{1 - c:.10g} instead of 1"
            ),
        )
        if self.gamma:
            yield Mistake(
                self.dx(dy, hat, inverse) - right,
                _strength("gamma is dropped: dx is computed from dy instead of gamma * dy"),
            )
            yield Mistake(
                self.dx(g * self.scale, hat, inverse) - right,
                _strength("gamma is there twice"),
            )
        if self.eps > 0:
            bare = 1 / np.sqrt(self.variance)
            ratio = (self.variance + self.eps) / self.variance
            yield Mistake(
                self.dx(g, hat, inverse, variance=ratio**1.5) - right,
                _strength("eps is missing in the path through the variance"),
            )
            yield Mistake(
                self.dx(g, hat, inverse, variance=ratio) - right,
                _strength("eps is missing in the path through the variance"),
            )
            yield Mistake(
                self.dx(g, self.centred * bare, bare) - right,
                _strength("eps is missing: the backward divides by sqrt(var)"),
            )
            outside = 1 / (np.sqrt(self.variance) + self.eps)
            yield Mistake(
                self.dx(g, self.centred * outside, outside) - right,
                _strength("eps stands outside of the root: sqrt(var) + eps instead of sqrt(var + eps)"),
            )
        if n > 2:

            def constant(residual: Array) -> Array:
                power = np.sum(dy**2, axis=self.axes, keepdims=True)
                factor = np.sum((residual + right) * dy, axis=self.axes, keepdims=True) / power
                return np.asarray(factor * dy - right)

            yield Mistake(
                constant,
                lambda c: (
                    "dx is proportional to dy: the statistics are treated as constants, and they are "
                    "not the batch's (running statistics?)"
                ),
            )

    def _in_dgamma(self, dy: Array) -> Iterator[Mistake]:
        hat, bare = self.hat, self.centred / np.sqrt(self.variance)
        right = self.parameter(dy * hat, self.gamma)
        for terms, text in (
            (dy * self.centred, "dgamma is computed from x - mean instead of the normalised x"),
            (dy * bare, "eps is missing in the normalised x that dgamma uses"),
            (dy * self.scale * hat, "dgamma has a factor gamma too many"),
        ):
            yield Mistake(self.parameter(terms, self.gamma) - right, _strength(text))

    def _in_dbeta(self, dy: Array) -> Iterator[Mistake]:
        yield Mistake(
            self.parameter(dy * self.scale, self.beta) - self.parameter(dy, self.beta),
            _strength("dbeta has a factor gamma too many"),
        )


def _path(which: str, n: int) -> Callable[[float], str]:
    """Words for a multiple of a path that is missing."""

    def text(c: float) -> str:
        factor = 1 - c  # what the path is multiplied by
        path = f"the path through the {which}"
        if abs(factor) < 1e-6:
            return f"{path} is missing"
        if abs(factor + 1) < 1e-6:
            return f"{path} has the wrong sign"
        if abs(factor / n - 1) < 1e-6:
            return f"{path} lacks its 1/N (N = {n})"
        if abs(factor - 0.5) < 1e-6:
            return f"{path} is only half of what it should be: a factor 2 is missing"
        if abs(factor - 2) < 1e-6:
            return f"{path} is counted twice"
        if n > 2 and abs(factor - n / (n - 1)) < 1e-9 * n:
            return f"{path} divides by N - 1 instead of N (N = {n})"
        return f"{path} is wrong: it has the factor {factor:.10g} instead of 1"

    return text


def _strength(text: str) -> Callable[[float], str]:
    """Words for a mistake, and how much of it there is."""
    return lambda c: text if abs(c - 1) < 1e-3 else f"{text} (at {c:.3g} of full strength)"


def recognise(inputs: dict[str, Array], outputs: Sequence[Array]) -> Normalisation | None:
    """Find mean, variance, gamma, beta and eps in the values of a function, if they are there.

    Parameters
    ----------
    inputs : dict of str to ndarray
    outputs : sequence of ndarray

    Returns
    -------
    Normalisation or None

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(6, 2))
    >>> y = (x - x.mean(0)) / np.sqrt(x.var(0) + 0.01) * np.array([2.0, 3.0])
    >>> found = recognise({"x": x, "w": np.array([2.0, 3.0])}, [y])
    >>> found.axes, found.gamma, round(found.eps, 9)
    ((0,), 'w', 0.01)
    """
    if len(outputs) != 1:
        return None
    y = outputs[0]
    if y.ndim < 1 or y.size > 1 << 20:
        return None
    for name, x in inputs.items():
        if x.shape != y.shape or x.dtype.kind != "f":
            continue
        for axes in _normalised_axes(x.ndim):
            found = _match(name, x, y, axes, inputs)
            if found is not None:
                return found
    return None


def _normalised_axes(ndim: int) -> Iterator[tuple[int, ...]]:
    if ndim == 1:
        yield (0,)
        return
    for kept in (1, ndim - 1, 0):  # batch norm: all axes but the channels'
        if kept < ndim:
            yield tuple(a for a in range(ndim) if a != kept)
    yield (ndim - 1,)  # layer norm
    if ndim > 2:
        yield tuple(range(1, ndim))
        yield tuple(range(2, ndim))


def _match(
    name: str, x: Array, y: Array, axes: tuple[int, ...], inputs: dict[str, Array]
) -> Normalisation | None:
    centred = x - x.mean(axis=axes, keepdims=True)
    variance = (centred**2).mean(axis=axes, keepdims=True)
    if not (variance > 0).all():
        return None
    parameters = {"": (np.ones((1,) * x.ndim, x.dtype), ((1,) * x.ndim, ()))}
    for other, value in inputs.items():
        wide = _broadcast_shape(value, axes, x.shape)
        if other != name and wide is not None and value.dtype.kind == "f":
            parameters[other] = (value.reshape(wide), (wide, value.shape))
    fine = 1e3 * float(np.finfo(y.dtype).eps)
    with np.errstate(all="ignore"):
        for gamma, (scale, _) in parameters.items():
            for beta, (shift, _) in parameters.items():
                if beta == gamma and beta:
                    continue
                z = (y - (shift if beta else 0.0)) / scale
                slope = np.sum(z * centred, axis=axes, keepdims=True) / np.sum(
                    centred**2, axis=axes, keepdims=True
                )
                if not np.all(np.abs(z - slope * centred) <= fine * (1 + np.max(np.abs(z)))):
                    continue
                surplus = 1 / slope**2 - variance
                eps = float(np.median(surplus))
                if eps < -1e-9 * np.max(variance) or not np.all(
                    np.abs(surplus - eps) <= 1e-6 * variance
                ):
                    continue
                clear = np.max(np.abs(surplus - eps)) < 0.1 * eps
                return Normalisation(
                    name, gamma, beta, axes, centred, variance, scale, eps if clear else 0.0,
                    {key: shapes for key, (_, shapes) in parameters.items()},
                )  # fmt: skip
    return None


def _broadcast_shape(value: Array, axes: tuple[int, ...], shape: Shape) -> Shape | None:
    """The shape in which a parameter broadcasts with x: one value per group, or as NumPy does."""
    kept = tuple(n for a, n in enumerate(shape) if a not in axes)
    if value.shape == kept and value.ndim:
        return tuple(1 if a in axes else n for a, n in enumerate(shape))
    try:
        if np.broadcast_shapes(value.shape, shape) == shape:
            return (*(1,) * (len(shape) - value.ndim), *value.shape)
    except ValueError:
        pass
    return None
