r"""What was tried before batch norm, to be compared with it.

Two rivals keep the network as it is and work against its statistics from outside:

- a penalty in the loss pulls means to 0 and variances to 1, never quite;
- renormalising rewrites the weights after each step, so that what the step did to mean and
  deviation is undone.

The third, normalising but holding the statistics constant in the derivative, is a switch of
batch norm itself: ``through_statistics=False``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..context import scope
from ..errors import ArgumentError, ShapeError
from ..ops.reduce import mean as average
from ..tensor import Array, array_of, describe, operand
from .layout import Axis, Layout

# Penalty ----------------------------------------------------------------------------------------


def penalty(x: Any, axis: Axis = 0) -> Any:
    r"""How far the statistics of a batch are from mean 0 and variance 1, to be added to a loss.

    The mean over features of :math:`\mu^2 + (\sigma^2 - 1)^2`.

    Parameters
    ----------
    x : array_like
        Activations; at least two values per feature.
    axis : int or sequence of int
        The axes to average over: 0 for (N, C), ``(0, 2, 3)`` for (N, C, H, W).

    Returns
    -------
    Tensor, shape ()

    Raises
    ------
    ArgumentError
        For one value per feature, or an axis out of range.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.batchnorm.penalty(mg.tensor([[-1.0], [1.0]])).item()
    0.0
    >>> mg.batchnorm.penalty(mg.tensor([[1.0], [5.0]])).item()
    18.0
    """
    x = operand(x)
    layout = Layout("batchnorm.penalty", x, axis, 0.0, training=True)
    with scope("penalty"):
        mean = average(x, axis=layout.axes, keepdims=layout.keepdims)
        variance = average((x - mean) ** 2, axis=layout.axes, keepdims=layout.keepdims)
        return average(mean**2 + (variance - 1.0) ** 2)


# Renormalising ----------------------------------------------------------------------------------


class Renormalised(NamedTuple):
    """Weights after :func:`renormalise`.

    Attributes
    ----------
    weight, bias : ndarray
        Of the shapes given.
    undone : ndarray, shape (units,)
        Per unit the share of the step that was undone.
    """

    weight: Array
    bias: Array
    undone: Array


def renormalise(before: Any, after: Any, inputs: Any, eps: float = 1e-5) -> Renormalised:
    r"""Rewrite a linear layer after a step so that its outputs have mean 0 and deviation 1 again.

    Say the step proposed to change the outputs of a unit from h to h', and what is left after
    renormalising is h''.  The share undone is :math:`\|h' - h''\|^2 / \|h' - h\|^2`.  If h was
    normalised, then for small steps the change splits at right angles: into the part that
    moves the mean and the deviation, which is undone, and the part that stays.

    Parameters
    ----------
    before, after : (weight, bias)
        The layer before and after the step: arrays or tensors of shapes (units, inputs) and
        (units,), as in :class:`minigrad.nn.Linear`.
    inputs : array_like, shape (examples, inputs)
        The examples over which mean and deviation are taken.
    eps : float
        Added to the variance.

    Returns
    -------
    Renormalised
        The new weight and bias, and the share undone per unit (0 where nothing was proposed).

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    ArgumentError
        For fewer than two examples, or a negative eps.

    Examples
    --------
    A step that only moves the mean is undone whole:

    >>> import minigrad as mg, numpy as np
    >>> inputs, weight = np.array([[-1.0], [1.0]]), np.array([[1.0]])
    >>> mg.batchnorm.renormalise((weight, [0.0]), (weight, [0.5]), inputs, eps=0.0)
    Renormalised(weight=array([[1.]]), bias=array([0.]), undone=array([1.]))
    """
    who = "batchnorm.renormalise"
    x = np.asarray(array_of(operand(inputs)))
    old, new = (_outputs(who, name, w, x) for name, w in (("before", before), ("after", after)))
    if old.shape != new.shape:
        raise ShapeError(
            f"{who}: before has {old.shape[1]} units, but after has {new.shape[1]}. Give the same "
            "layer twice."
        )
    if len(x) < 2:
        raise ArgumentError(
            f"{who}: inputs is {describe(inputs)}, and one example has no deviation. Give at least two."
        )
    if not eps >= 0:
        raise ArgumentError(f"{who}: eps must be zero or positive, not {eps!r}.")
    mean = new.mean(axis=0)
    deviation = np.sqrt(((new - mean) ** 2).mean(axis=0) + eps)
    if not deviation.all():
        raise ArgumentError(
            f"{who}: unit {int(np.argmin(deviation))} gives the same output for all examples, and "
            "eps=0. Use a positive eps."
        )
    kept = (new - mean) / deviation
    proposed = ((new - old) ** 2).sum(axis=0)
    undone = ((new - kept) ** 2).sum(axis=0) / np.where(proposed == 0, np.inf, proposed)
    weight, bias = (np.asarray(array_of(operand(v))) for v in after)
    return Renormalised(
        (weight / deviation[:, None]).astype(weight.dtype),
        ((bias - mean) / deviation).astype(bias.dtype),
        undone,
    )


def _outputs(who: str, name: str, layer: Any, x: Array) -> Array:
    """What a linear layer gives, in float64: a small change of it must not drown in rounding."""
    try:
        weight, bias = (np.asarray(array_of(operand(v)), np.float64) for v in layer)
    except (TypeError, ValueError):
        raise ArgumentError(
            f"{who}: {name} must be a pair of arrays, (layer.weight, layer.bias), not {layer!r}."
        ) from None
    if x.ndim != 2 or weight.shape != (bias.size, x.shape[1]) or bias.ndim != 1:
        raise ShapeError(
            f"{who}: {name} has a weight of shape {list(weight.shape)} and a bias of shape "
            f"{list(bias.shape)}, and inputs has shape {list(x.shape)}. They must be (units, inputs), "
            "(units,) and (examples, inputs)."
        )
    return x @ weight.T + bias
