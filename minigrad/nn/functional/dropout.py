"""Dropout: of single elements, and of whole channels."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ShapeError
from ...ops.window import AXES
from ...seeding import resolve_generator
from ...tensor import Shape, Tensor, describe
from .arguments import as_input, check_probability

Generator = np.random.Generator | None


def dropout(
    x: Any, p: float = 0.5, training: bool = True, generator: np.random.Generator | None = None
) -> Tensor:
    """Zero each element with probability p and scale the others by ``1 / (1 - p)``.

    Parameters
    ----------
    x : array_like
    p : float
        From 0 to 1.
    training : bool
        False returns x.
    generator : numpy.random.Generator, optional
        By default the one of :func:`minigrad.manual_seed`.

    Examples
    --------
    >>> dropout(np.ones(8), generator=np.random.default_rng(0)).tolist()
    [2.0, 2.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    return _masked("dropout", as_input(x), None, p, training, generator)


def dropout1d(x: Any, p: float = 0.5, training: bool = True, generator: Generator = None) -> Tensor:
    """Zero each channel of a signal, (N, C, L) or (C, L), with probability p and scale the others.

    Examples
    --------
    >>> dropout1d(np.ones((4, 1)), generator=np.random.default_rng(0)).flatten()
    tensor([2., 2., 2., 0.])
    """
    return _channels("dropout1d", x, 1, p, training, generator)


def dropout2d(x: Any, p: float = 0.5, training: bool = True, generator: Generator = None) -> Tensor:
    """Zero each channel of an image, (N, C, H, W), with probability p and scale the others.

    Examples
    --------
    >>> dropout2d(np.ones((1, 4, 1, 1)), generator=np.random.default_rng(0)).flatten()
    tensor([2., 2., 2., 0.])
    """
    return _channels("dropout2d", x, 2, p, training, generator)


def dropout3d(x: Any, p: float = 0.5, training: bool = True, generator: Generator = None) -> Tensor:
    """Zero each channel of a volume, (N, C, D, H, W) or (C, D, H, W), with probability p.

    Examples
    --------
    >>> dropout3d(np.ones((4, 1, 1, 1)), generator=np.random.default_rng(0)).flatten()
    tensor([2., 2., 2., 0.])
    """
    return _channels("dropout3d", x, 3, p, training, generator)


def _channels(who: str, x: Any, count: int, p: float, training: bool, generator: Generator) -> Tensor:
    x = as_input(x)
    # PyTorch reads three axes here as (N, C, L), but documents (C, H, W): neither in silence.
    least = count + 2 if count == 2 else count + 1
    if not least <= x.ndim <= count + 2:
        single = f", or (C, {AXES[count - 1]}) for a single sample" if least <= count + 1 else ""
        raise ShapeError(
            f"{who}: x must be (N, C, {AXES[count - 1]}){single}, and it is {describe(x)}."
        )
    return _masked(who, x, (*x.shape[: x.ndim - count], *[1] * count), p, training, generator)


def _masked(
    who: str, x: Tensor, shape: Shape | None, p: float, training: bool, generator: Generator
) -> Tensor:
    """Keep what chance keeps: one decision per element of a shape, by default x's."""
    check_probability(who, p)
    rng = resolve_generator(who, generator)
    if not training or p == 0.0:
        return x
    kept = rng.random(x.shape if shape is None else shape, dtype=np.float32) >= p
    return x * (kept.astype(x.dtype) * x.dtype.type(1.0 / (1.0 - p) if p < 1.0 else 0.0))
