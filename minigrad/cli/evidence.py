"""The numbers behind the demo's two claims: the gradients agree, and what they contain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import batchnorm, nn
from ..check import Report, gradcheck
from ..data import digits
from ..tensor import Array
from ..transforms import grad
from .twins import BATCH, network

NAMES = ("x", "gamma", "beta")


@dataclass
class Agreement:
    """How far three ways to one derivative are apart, relative to its largest entry.

    Attributes
    ----------
    order : int
        1 for the gradient, 2 for the derivative of the gradient.
    name : str
        Which input's.
    between, composed, fused : float
        Composed against fused; composed against numerical; fused against numerical.
    """

    order: int
    name: str
    between: float
    composed: float
    fused: float

    @property
    def worst(self) -> float:
        """The largest of the three."""
        return max(self.between, self.composed, self.fused)


def agreement(seed: int) -> tuple[list[Agreement], dict[str, Report]]:
    """Compare composed, fused and numerical derivatives of batch norm, in float64.

    Parameters
    ----------
    seed : int
        Of the random numbers.

    Returns
    -------
    list of Agreement
        For x, gamma and beta, in first and second order.
    dict of str to Report
        What the gradient checks said, which the numerical columns come from.

    Examples
    --------
    >>> rows, reports = agreement(0)
    >>> max(row.worst for row in rows) < 1e-12, {r.verdict for r in reports.values()}
    (True, {'PASS'})
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(3.0, 2.0, (8, 3)), rng.uniform(0.5, 1.5, 3), rng.normal(size=3)
    weights = rng.normal(size=(8, 3))  # of the outputs: their plain sum does not depend on x
    directions = [rng.normal(size=part.shape) for part in x]
    reports, gradients = {}, {}
    for function in (batchnorm.composed, batchnorm.fused):
        first = grad(lambda *args, f=function: (weights * f(*args)).sum(), (0, 1, 2))

        def along(*args: Any, first: Any = first) -> Any:
            return sum((d * g).sum() for d, g in zip(directions, first(*args), strict=True))

        name = function.__name__
        gradients[name] = {1: first(*x), 2: grad(along, (0, 1, 2))(*x)}
        inputs = dict(zip(NAMES, x, strict=True))
        reports[name] = gradcheck(function, inputs, order=2, mode="full", points=1, seed=seed)
    rows = []
    for order in (1, 2):
        for i, name in enumerate(NAMES):
            ours, theirs = (gradients[f][order][i].numpy() for f in ("composed", "fused"))
            between = _relative(np.abs(ours - theirs), ours)
            numerical = [_from_numerical(reports[f], order, name) for f in ("composed", "fused")]
            rows.append(Agreement(order, name, between, *numerical))
    return rows, reports


def _from_numerical(report: Report, order: int, name: str) -> float:
    entries = [
        e
        for e in report.entries
        if (e.order, e.input, e.mode) == (order, name, "reverse") and e.index is not None
    ]
    return _relative([e.difference for e in entries], [e.expected for e in entries])


def _relative(differences: Any, values: Any) -> float:
    """The largest difference over the largest value, or as it is where all values are zero."""
    scale = np.max(np.abs(values))
    return float(np.max(differences) / scale) if scale else float(np.max(differences))


@dataclass
class Projection:
    """How much of a gradient lies along two directions, as a share of its length.

    Attributes
    ----------
    mean : float
        Along the ones vector: moving every value alike, and so the mean.
    x_hat : float
        Along x-hat: stretching the values about their mean, and so the deviation.
    """

    mean: float
    x_hat: float


def projections(seed: int) -> tuple[Projection, Projection, float]:
    """The gradient that the first batch norm of a network hands down, on a batch of real digits.

    Parameters
    ----------
    seed : int
        Of the network's weights.

    Returns
    -------
    differentiated, constant : Projection
        With the statistics differentiated, and with the statistics held constant.
    predicted : float
        The share along x-hat by the formula: eps / (variance + eps) of what arrives along x-hat.

    Examples
    --------
    >>> differentiated, constant, predicted = projections(0)
    >>> differentiated.mean < 1e-12 < 0.01 < constant.mean
    True
    """
    model = network(seed, batch_norm=True).double()
    linear, norm, above = model[0], model[1], model[2:]
    images, labels = digits("train", flatten=True)
    x = linear(images[:BATCH].astype(float)).numpy()
    loss = nn.CrossEntropyLoss()
    found = {}
    for through in (True, False):
        norm.through_statistics = through
        found[through] = grad(lambda x: loss(above(norm(x)), labels[:BATCH]))(x).numpy()
    x_hat = batchnorm.fused(x, eps=norm.eps)
    keeps = norm.eps / (x.var(axis=0) + norm.eps)
    arriving = _along(found[False], x_hat)
    predicted = float(np.linalg.norm(keeps * arriving) / np.linalg.norm(found[True]))
    return _project(found[True], x_hat), _project(found[False], x_hat), predicted


def _project(dx: Array, x_hat: Array) -> Projection:
    length = np.linalg.norm(dx)
    mean, deviation = (np.linalg.norm(_along(dx, d)) for d in (np.ones_like(dx), x_hat))
    return Projection(float(mean / length), float(deviation / length))


def _along(dx: Array, direction: Array) -> Array:
    """Per unit (column), the component of dx along a direction."""
    return np.asarray(np.sum(dx * direction, axis=0) / np.linalg.norm(direction, axis=0))
