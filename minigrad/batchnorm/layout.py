"""What composed and fused share: layout, checks, and inference with given statistics."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, DtypeError, ShapeError
from ..ops.accumulate import kept_shape, normalize_axes
from ..ops.elementwise import sqrt
from ..ops.shape import reshape
from ..tensor import Shape, describe, operand

Axis = int | Sequence[int]


class Layout:
    """Which axes are reduced, and how a per-feature vector lies against x.

    Attributes
    ----------
    axes : tuple of int
        Reduced axes: (0,) for features (N, C), (0, 2, 3) for feature maps (N, C, H, W).
    features : tuple of int
        Shape of gamma, beta, mean and variance.
    wide : tuple of int
        The same with the sizes of one that broadcast against x.
    count : int
        Number of values per feature, m.
    keepdims : bool
        Whether the statistics need sizes of one to broadcast.
    """

    def __init__(self, who: str, x: Any, axis: Axis, eps: float, training: bool) -> None:
        if x.dtype.kind in "iub":
            raise DtypeError(
                f"{who}: x must be floating, and it is {describe(x)}. Use x.astype(float)."
            )
        try:
            self.axes = normalize_axes(axis, x.ndim)
        except (IndexError, TypeError) as error:
            raise ArgumentError(
                f"{who}: {error}; x is {describe(x)}. axis names the axes that are averaged over: "
                "0 for (N, C), (0, 2, 3) for (N, C, H, W)."
            ) from None
        self.features, self.wide, self.count = _arranged(x.shape, self.axes)
        self.keepdims = self.wide != self.features
        if not isinstance(eps, float | int | np.floating | np.integer) or not eps >= 0:
            raise ArgumentError(f"{who}: eps must be zero or positive, not {eps!r}.")
        if training and self.count == 1:
            raise ArgumentError(
                f"{who}: one value per feature has no variance: x is {describe(x)} and axis={axis!r} "
                "averages over a single value. Use a larger batch, or inference mode with mean= and "
                "variance=."
            )

    def vector(self, who: str, name: str, value: Any) -> Any:
        """A per-feature argument, shaped to broadcast against x."""
        value = operand(value)
        if value.shape not in (self.features, self.wide):
            raise ShapeError(
                f"{who}: {name} is {describe(value)}, but there is one per feature: shape "
                f"{list(self.features)}."
            )
        return value if value.shape == self.wide else reshape(value, self.wide)


@functools.lru_cache(maxsize=512)
def _arranged(shape: Shape, axes: tuple[int, ...]) -> tuple[Shape, Shape, int]:
    """Shape per feature, the same to broadcast against the whole, and values per feature."""
    features = tuple([n for i, n in enumerate(shape) if i not in axes])
    leading = axes == tuple(range(len(axes)))
    wide = features if leading else kept_shape(shape, axes)
    return features, wide, math.prod([shape[a] for a in axes])


def inference(
    who: str, x: Any, gamma: Any, beta: Any, mean: Any, variance: Any, eps: float, layout: Layout
) -> Any:
    """Normalise with given statistics: one affine map per feature (the paper's Algorithm 2).

    Computed as (x - mean) * (gamma / std) + beta: folding the mean into beta would cancel badly
    when the mean is large.
    """
    if mean is None or variance is None:
        raise ArgumentError(f"{who}: inference needs both mean= and variance=; only one was given.")
    std = sqrt(layout.vector(who, "variance", variance) + eps)
    centred = x - layout.vector(who, "mean", mean)
    scaled = (
        centred * (layout.vector(who, "gamma", gamma) / std) if gamma is not None else centred / std
    )
    return scaled if beta is None else scaled + layout.vector(who, "beta", beta)


def overflow_scale(variance: Any, centred: Any, axes: tuple[int, ...]) -> Any:
    """Per feature a power of two that keeps squares of finite numbers finite; None if all are."""
    if np.fmax.reduce(variance.real, axis=None, initial=0.0) != np.inf:
        return None
    peak = np.max(np.abs(centred), axis=axes).reshape(variance.shape)
    rescued = np.isinf(variance) & np.isfinite(peak)
    if not rescued.any():
        return None
    _, exponent = np.frexp(np.where(rescued, peak, 1.0))
    return np.where(rescued, np.ldexp(1.0, -exponent), 1.0).astype(centred.dtype)
