"""Batch normalization composed from primitives: Algorithm 1, line by line.

The gradient flows through the batch statistics because they are nodes like any
other.  Nothing here has a derivative rule.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..context import scope
from ..ops.elementwise import sqrt, stop_gradient
from ..ops.reduce import mean as average
from ..tensor import Tensor, operand
from .layout import Axis, Layout, inference


def composed(
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    eps: float = 1e-5,
    axis: Axis = 0,
    *,
    mean: Any = None,
    variance: Any = None,
    through_statistics: bool = True,
    return_statistics: bool = False,
) -> Any:
    """Batch normalization from the primitives mean, sub, pow, sqrt, div, mul, add and broadcast.

    Parameters
    ----------
    x : array_like
        Any layout; at least two values per feature.
    gamma, beta : array_like, optional
        Scale and shift, one per feature (the axes of x that are not averaged over).
    eps : float
        Added to the variance inside the root; zero is allowed.
    axis : int or sequence of int
        The axes to average over: 0 for features (N, C), ``(0, 2, 3)`` for feature maps
        (N, C, H, W) with one mean and variance per map.
    mean, variance : array_like, optional
        Given statistics: inference mode.
    through_statistics : bool
        False holds mean and variance constant in the derivative, to see what goes wrong.
    return_statistics : bool
        Also return the batch mean and the (biased) batch variance.

    Returns
    -------
    Tensor or (Tensor, Tensor, Tensor)
        Of x's shape and dtype; plain arrays for plain arrays.

    Raises
    ------
    ArgumentError
        For one value per feature in training mode, a negative eps, an axis out of range.
    ShapeError
        If gamma, beta or the statistics are not one per feature.

    Notes
    -----
    float32 statistics are accumulated as in float64.  Where squares would overflow (values
    beyond 1e19 in float32), x is first scaled by a power of two, which is exact.

    References
    ----------
    Ioffe and Szegedy, 2015, arXiv:1502.03167, Algorithm 1.

    Examples
    --------
    >>> import minigrad as mg, numpy as np
    >>> x = mg.tensor([[1.0], [3.0]], requires_grad=True)
    >>> mg.batchnorm.composed(x, [2.0], [1.0], eps=0.0)
    tensor([[-1.],
            [ 3.]], op=add, line=1)
    """
    x = operand(x)
    training = mean is None and variance is None
    layout = Layout("batchnorm.composed", x, axis, eps, training)
    with scope("batchnorm"):
        if not training:
            return inference("batchnorm.composed", x, gamma, beta, mean, variance, eps, layout)
        axes, keepdims = layout.axes, layout.keepdims
        if not layout.count:
            mu = variance = np.zeros(layout.wide, x.dtype)
            y = x
        else:
            mu = average(x, axis=axes, keepdims=keepdims)
            centred = x - (mu if through_statistics else stop_gradient(mu))
            with np.errstate(over="ignore"):
                variance = average(centred**2, axis=axes, keepdims=keepdims)
            if _overflowed(variance, centred):
                k = 2.0 ** -math.frexp(float(np.max(np.abs(value(centred)))))[1]
                out = composed(
                    x * k, gamma, beta, eps * k * k, axis, through_statistics=through_statistics
                )
                return (out, _flat(mu, layout), _flat(variance, layout)) if return_statistics else out
            std = sqrt((variance if through_statistics else stop_gradient(variance)) + eps)
            y = centred / std
            if isinstance(y, Tensor):
                mu.name, variance.name, std.name, y.name = "mean", "variance", "std", "x_hat"
        if gamma is not None:
            y = y * layout.vector("batchnorm.composed", "gamma", gamma)
        if beta is not None:
            y = y + layout.vector("batchnorm.composed", "beta", beta)
    return (y, _flat(mu, layout), _flat(variance, layout)) if return_statistics else y


def value(x: Any) -> Any:
    """The array of a tensor, or the array itself."""
    return x._value if isinstance(x, Tensor) else np.asarray(x)


def _overflowed(variance: Any, centred: Any) -> bool:
    """Whether the squares of finite numbers became infinite."""
    largest = np.maximum.reduce(value(variance).real, axis=None)
    return bool(largest == math.inf) and bool(np.isfinite(value(centred)).all())


def _flat(statistic: Any, layout: Layout) -> Any:
    return statistic if statistic.shape == layout.features else statistic.reshape(layout.features)
