"""Dropout as layers: of single elements, and of whole channels."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..seeding import check_generator
from ..tensor import Tensor
from . import functional
from .module import Module


class Dropout(Module):
    """In training mode, zero each element with probability p and scale the others.

    Parameters
    ----------
    p : float
        From 0 to 1.
    inplace : bool
        Accepted for PyTorch's sake; tensors are immutable.
    generator : numpy.random.Generator, optional
        By default the one of :func:`minigrad.manual_seed`.

    Examples
    --------
    >>> import minigrad as mg, numpy as np
    >>> layer = mg.nn.Dropout(0.5, generator=np.random.default_rng(0))
    >>> layer(mg.tensor([1.0, 1.0, 1.0, 1.0]))
    tensor([2., 2., 2., 0.])
    >>> layer.eval()(mg.tensor([1.0, 1.0]))
    tensor([1., 1.])
    """

    def __init__(
        self, p: float = 0.5, inplace: bool = False, *, generator: np.random.Generator | None = None
    ) -> None:
        super().__init__()
        functional.check_probability("Dropout", p)
        self.p = p
        self.inplace = inplace
        self.generator = check_generator("Dropout", generator)

    def forward(self, x: Any) -> Tensor:
        """x with some elements dropped, in training mode."""
        return functional.dropout(x, self.p, self.training, self.generator)

    def extra_repr(self) -> str:
        """The settings."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout1d(Dropout):
    """In training mode, zero each channel of a signal with probability p.

    Signals are (N, C, L) or (C, L); the channels that stay are scaled by ``1 / (1 - p)``.

    Parameters
    ----------
    p : float
        From 0 to 1.
    inplace : bool
        Accepted for PyTorch's sake; tensors are immutable.
    generator : numpy.random.Generator, optional
        By default the one of :func:`minigrad.manual_seed`.

    Examples
    --------
    >>> import minigrad as mg, numpy as np
    >>> layer = mg.nn.Dropout1d(0.5, generator=np.random.default_rng(0))
    >>> layer(np.ones((4, 3))).tolist()
    [[2.0, 2.0, 2.0], [2.0, 2.0, 2.0], [2.0, 2.0, 2.0], [0.0, 0.0, 0.0]]
    """

    def forward(self, x: Any) -> Tensor:
        """x with some channels dropped, in training mode."""
        return functional.dropout1d(x, self.p, self.training, self.generator)


class Dropout2d(Dropout):
    """In training mode, zero each channel of an image with probability p.

    Images are (N, C, H, W); the channels that stay are scaled by ``1 / (1 - p)``.

    Parameters
    ----------
    p : float
        From 0 to 1.
    inplace : bool
        Accepted for PyTorch's sake; tensors are immutable.
    generator : numpy.random.Generator, optional
        By default the one of :func:`minigrad.manual_seed`.

    Examples
    --------
    >>> import minigrad as mg, numpy as np
    >>> layer = mg.nn.Dropout2d(0.5, generator=np.random.default_rng(0))
    >>> layer(np.ones((1, 4, 1, 1))).flatten()
    tensor([2., 2., 2., 0.])
    """

    def forward(self, x: Any) -> Tensor:
        """x with some channels dropped, in training mode."""
        return functional.dropout2d(x, self.p, self.training, self.generator)


class Dropout3d(Dropout):
    """In training mode, zero each channel of a volume with probability p.

    Volumes are (N, C, D, H, W) or (C, D, H, W); the channels that stay are scaled by
    ``1 / (1 - p)``.

    Parameters
    ----------
    p : float
        From 0 to 1.
    inplace : bool
        Accepted for PyTorch's sake; tensors are immutable.
    generator : numpy.random.Generator, optional
        By default the one of :func:`minigrad.manual_seed`.

    Examples
    --------
    >>> import minigrad as mg, numpy as np
    >>> layer = mg.nn.Dropout3d(0.5, generator=np.random.default_rng(0))
    >>> layer(np.ones((4, 1, 1, 1))).flatten()
    tensor([2., 2., 2., 0.])
    """

    def forward(self, x: Any) -> Tensor:
        """x with some channels dropped, in training mode."""
        return functional.dropout3d(x, self.p, self.training, self.generator)
