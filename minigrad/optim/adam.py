"""Adam, and AdamW, whose weight decay stays out of the moments."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..tensor import Array
from .optimizer import Group, Optimizer, State


class Adam(Optimizer):
    """Adam: steps scaled by running averages of the gradient and of its square.

    Parameters
    ----------
    params : iterable of Tensor, or of dicts
    lr : float
        Learning rate.
    betas : (float, float)
        How much of the two running averages is kept.
    eps : float
        Added to the root.
    weight_decay : float
        Times the value, added to the gradient.
    amsgrad : bool
        Whether to divide by the largest average so far.
    maximize : bool
        Whether to climb instead.

    References
    ----------
    Kingma and Ba, 2015, arXiv:1412.6980.

    Examples
    --------
    >>> import minigrad as mg
    >>> w = mg.nn.Parameter([1.0, 100.0])
    >>> optimizer = mg.optim.Adam([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> [round(v, 6) for v in w.tolist()]
    [0.5, 99.5]
    """

    decoupled = False

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
            },
        )

    def update(self, value: Array, gradient: Array, state: State, group: Group) -> Array:
        """m and v, both corrected for their start at zero; value - lr m / (sqrt(v) + eps)."""
        first, second = group["betas"]
        step = state["step"] = state.get("step", 0) + 1
        if group["weight_decay"]:
            if self.decoupled:
                value = value * (1.0 - group["lr"] * group["weight_decay"])
            else:
                gradient = gradient + group["weight_decay"] * value
        if "exp_avg" not in state:
            state.update({name: np.zeros_like(value) for name in ("exp_avg", "exp_avg_sq")})
        # Nobody else sees the state, nor the one fresh array that becomes the value: all in place.
        average, square, fresh = state["exp_avg"], state["exp_avg_sq"], np.empty_like(value)
        average *= first
        average += np.multiply(gradient, 1.0 - first, out=fresh)
        square *= second
        square += np.multiply(np.multiply(gradient, gradient, out=fresh), 1.0 - second, out=fresh)
        if group["amsgrad"]:
            largest = state.setdefault("max_exp_avg_sq", np.zeros_like(value))
            square = np.maximum(largest, square, out=largest)
        correction = math.sqrt(1.0 - second**step)  # of the root, moved into the two numbers
        root = np.sqrt(square, out=fresh)
        root += group["eps"] * correction
        change = np.divide(average, root, out=fresh)
        change *= group["lr"] * correction / (1.0 - first**step)
        return np.subtract(value, change, out=fresh)


class AdamW(Adam):
    """Adam with weight decay that does not pass through the running averages.

    Parameters
    ----------
    params : iterable of Tensor, or of dicts
    lr : float
        Learning rate.
    betas : (float, float)
        How much of the two running averages is kept.
    eps : float
        Added to the root.
    weight_decay : float
        Each step first multiplies the value by ``1 - lr * weight_decay``.
    amsgrad : bool
        Whether to divide by the largest average so far.
    maximize : bool
        Whether to climb instead.

    References
    ----------
    Loshchilov and Hutter, 2019, arXiv:1711.05101.

    Examples
    --------
    >>> import minigrad as mg
    >>> w = mg.nn.Parameter([1.0])
    >>> optimizer = mg.optim.AdamW([w], lr=0.1, weight_decay=0.5)
    >>> (0.0 * w).sum().backward()
    >>> optimizer.step()
    >>> w.tolist()
    [0.95]
    """

    decoupled = True

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)
