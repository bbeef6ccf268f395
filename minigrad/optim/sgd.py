"""Gradient descent, with momentum."""

from __future__ import annotations

from typing import Any

from ..tensor import Array
from .optimizer import Group, Optimizer, State


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum, Nesterov's variant and weight decay.

    Parameters
    ----------
    params : iterable of Tensor, or of dicts
    lr : float
        Learning rate.
    momentum : float
        Share of the last step that is kept.
    dampening : float
        Share of the gradient that momentum leaves out.
    weight_decay : float
        Times the value, added to the gradient.
    nesterov : bool
        Whether to look one step of momentum ahead.
    maximize : bool
        Whether to climb instead.

    Examples
    --------
    >>> import minigrad as mg
    >>> w = mg.nn.Parameter([1.0])
    >>> optimizer = mg.optim.SGD([w], lr=0.25)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (w * w).sum().backward()
    ...     optimizer.step()
    >>> w.tolist()
    [0.25]
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
            },
        )

    def check(self, group: Group) -> None:
        """Nesterov's variant needs momentum, undampened."""
        super().check(group)
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise self._wrong("nesterov", True, "False, or come with momentum > 0 and dampening = 0")

    def update(self, value: Array, gradient: Array, state: State, group: Group) -> Array:
        """b = momentum b + (1 - dampening) g; value - lr b."""
        momentum = group["momentum"]
        if group["weight_decay"]:
            gradient = gradient + group["weight_decay"] * value
        if momentum:
            buffer = state.get("momentum_buffer")
            if buffer is None:
                buffer = gradient.copy()
            else:
                buffer = momentum * buffer + (1.0 - group["dampening"]) * gradient
            state["momentum_buffer"] = buffer
            gradient = gradient + momentum * buffer if group["nesterov"] else buffer
        return value - group["lr"] * gradient
