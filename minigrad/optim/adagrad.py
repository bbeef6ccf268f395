"""Adagrad: steps scaled by the sum of all squared gradients so far."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tensor import Array
from .optimizer import Group, Optimizer, State


class Adagrad(Optimizer):
    """Gradient descent, each entry divided by the root of its summed squares.

    Parameters
    ----------
    params : iterable of Tensor, or of dicts
    lr : float
        Learning rate.
    lr_decay : float
        The rate is divided by ``1 + (step - 1) * lr_decay``.
    weight_decay : float
        Times the value, added to the gradient.
    initial_accumulator_value : float
        Where the sums begin.
    eps : float
        Added to the root.
    maximize : bool
        Whether to climb instead.

    References
    ----------
    Duchi, Hazan and Singer, 2011, JMLR 12.

    Examples
    --------
    >>> import minigrad as mg
    >>> w = mg.nn.Parameter([1.0, 100.0])
    >>> optimizer = mg.optim.Adagrad([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> [round(v, 6) for v in w.tolist()]
    [0.5, 99.5]
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "eps": eps,
                "maximize": maximize,
            },
        )

    def update(self, value: Array, gradient: Array, state: State, group: Group) -> Array:
        """s = s + g²; value - lr g / (sqrt(s) + eps)."""
        step = state["step"] = state.get("step", 0) + 1
        if group["weight_decay"]:
            gradient = gradient + group["weight_decay"] * value
        total = state.get("sum", group["initial_accumulator_value"]) + gradient * gradient
        state["sum"] = total
        rate = group["lr"] / (1.0 + (step - 1) * group["lr_decay"])
        return value - rate * gradient / (np.sqrt(total) + group["eps"])
