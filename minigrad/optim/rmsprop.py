"""RMSprop: steps scaled by a running average of squared gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tensor import Array
from .optimizer import Group, Optimizer, State


class RMSprop(Optimizer):
    """Gradient descent, each entry divided by the root of its running mean square.

    Parameters
    ----------
    params : iterable of Tensor, or of dicts
    lr : float
        Learning rate.
    alpha : float
        How much of the running average is kept.
    eps : float
        Added to the root.
    weight_decay : float
        Times the value, added to the gradient.
    momentum : float
        Share of the last step that is kept.
    centered : bool
        Whether to divide by the standard deviation instead of the root mean square.
    maximize : bool
        Whether to climb instead.

    Examples
    --------
    >>> import minigrad as mg
    >>> w = mg.nn.Parameter([1.0])
    >>> optimizer = mg.optim.RMSprop([w], lr=0.01)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> [round(v, 6) for v in w.tolist()]
    [0.9]
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "alpha": alpha,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "centered": centered,
                "maximize": maximize,
            },
        )

    def update(self, value: Array, gradient: Array, state: State, group: Group) -> Array:
        """s = alpha s + (1 - alpha) g²; value - lr g / (sqrt(s) + eps)."""
        alpha = group["alpha"]
        state["step"] = state.get("step", 0) + 1
        if group["weight_decay"]:
            gradient = gradient + group["weight_decay"] * value
        square = state.get("square_avg", 0.0) * alpha + gradient * gradient * (1.0 - alpha)
        state["square_avg"] = square
        if group["centered"]:
            mean = state.get("grad_avg", 0.0) * alpha + gradient * (1.0 - alpha)
            state["grad_avg"] = mean
            square = square - mean * mean
        direction = gradient / (np.sqrt(square) + group["eps"])
        if group["momentum"]:
            direction = state.get("momentum_buffer", 0.0) * group["momentum"] + direction
            state["momentum_buffer"] = direction
        return value - group["lr"] * direction
