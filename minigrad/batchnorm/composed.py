"""Batch normalization composed from primitives: Algorithm 1, line by line.

The gradient flows through the batch statistics because they are nodes like any
other.  Nothing here has a derivative rule.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..context import scope
from ..ops.elementwise import sqrt, stop_gradient
from ..ops.reduce import mean as average
from ..tensor import Tensor, array_of, operand
from .layout import Axis, Layout, inference, overflow_scale


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
        Also return the mean and the (biased) variance that were used.

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
    beyond 1e19 in float32), the feature is first scaled by a power of two, which is exact.

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
            y = inference("batchnorm.composed", x, gamma, beta, mean, variance, eps, layout)
            return (y, mean, variance) if return_statistics else y
        if layout.count:
            mu, variance, y = _standardise(x, eps, layout, through_statistics)
        else:
            mu = variance = np.zeros(layout.wide, x.dtype)
            y = x
        if gamma is not None:
            y = y * layout.vector("batchnorm.composed", "gamma", gamma)
        if beta is not None:
            y = y + layout.vector("batchnorm.composed", "beta", beta)
    return (y, _flat(mu, layout), _flat(variance, layout)) if return_statistics else y


def _standardise(x: Any, eps: Any, layout: Layout, through: bool) -> tuple[Any, Any, Any]:
    """Mean, variance and x-hat: the first three lines of Algorithm 1."""
    axes, keepdims = layout.axes, layout.keepdims
    mu = average(x, axis=axes, keepdims=keepdims)
    mu = mu if through else stop_gradient(mu)
    centred = x - mu
    with np.errstate(over="ignore"):
        variance = average(centred**2, axis=axes, keepdims=keepdims)
    variance = variance if through else stop_gradient(variance)
    scale = overflow_scale(array_of(variance), array_of(centred), axes)
    if scale is not None:
        if isinstance(x, Tensor):
            x._look()  # a trace holds only for values that overflow alike
        return mu, variance, _standardise(x * scale, eps * scale * scale, layout, through)[2]
    std = sqrt(variance + eps)
    y = centred / std
    if isinstance(y, Tensor):
        mu.name, variance.name, std.name, y.name = "mean", "variance", "std", "x_hat"
    return mu, variance, y


def _flat(statistic: Any, layout: Layout) -> Any:
    return statistic if statistic.shape == layout.features else statistic.reshape(layout.features)
