"""Schedulers: learning rates that change from step to step.

A scheduler sets ``group["lr"]`` of every group of its optimizer, once when it is made and
once per ``step()``.  All but LambdaLR and OneCycleLR change the rate they find, so
several can work on one optimizer: warm up with LinearLR and decay with StepLR.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from ..errors import ArgumentError
from .optimizer import Group, Optimizer


class LRScheduler:
    """Base class of all schedulers.

    A subclass defines ``rate(group, initial)``, which returns the learning rate of one group.

    Parameters
    ----------
    optimizer : Optimizer
    last_epoch : int
        Number of the step to go on from; -1 begins.

    Attributes
    ----------
    last_epoch : int
        Number of steps so far.

    Raises
    ------
    ArgumentError
        If `optimizer` is none, or is to be gone on with and has no ``"initial_lr"``.

    Examples
    --------
    >>> import minigrad as mg
    >>> class Halve(mg.optim.lr_scheduler.LRScheduler):
    ...     def rate(self, group, initial):
    ...         return initial * 0.5**self.last_epoch
    >>> scheduler = Halve(mg.optim.SGD([mg.nn.Parameter([1.0])], lr=0.8))
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.4]
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        who = type(self).__name__
        if not isinstance(optimizer, Optimizer):
            raise ArgumentError(f"{who}: needs an optimizer, not {type(optimizer).__name__}.")
        self.optimizer = optimizer
        for group in optimizer.param_groups:
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])  # an earlier scheduler may have warmed up
            elif "initial_lr" not in group:
                raise ArgumentError(
                    f"{who}: last_epoch={last_epoch} goes on with a schedule, but the groups of the "
                    "optimizer have no 'initial_lr'. Load the optimizer's state_dict first."
                )
        self.base_lrs = [float(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self.step()

    def rate(self, group: Group, initial: float) -> float:
        """The learning rate of one group at step ``last_epoch``; subclasses define it.

        Parameters
        ----------
        group : dict
            Its ``"lr"`` is that of the step before.
        initial : float
            The rate that the group began with.

        Returns
        -------
        float
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method rate(group, initial).")

    def step(self) -> None:
        """Go on by one and set the learning rates; call it after the optimizer's step."""
        self.last_epoch += 1
        for group, initial in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            group["lr"] = self.rate(group, initial)

    def get_last_lr(self) -> list[float]:
        """The learning rate of each group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """All that a resumed run needs, but for the optimizer and functions."""
        return {k: v for k, v in self.__dict__.items() if k != "optimizer" and not _holds_function(v)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned; the rates come with the optimizer's own state."""
        self.__dict__.update(state_dict)


def _holds_function(value: Any) -> bool:
    return callable(value) or (isinstance(value, list) and any(callable(v) for v in value))


class LambdaLR(LRScheduler):
    """The initial rate times a function of the number of steps.

    Parameters
    ----------
    optimizer : Optimizer
    lr_lambda : callable, or list of callable
        One for all groups, or one per group.
    last_epoch : int

    Examples
    --------
    >>> import minigrad as mg
    >>> optimizer = mg.optim.SGD([mg.nn.Parameter([1.0])], lr=1.0)
    >>> scheduler = mg.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step))
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        groups = len(optimizer.param_groups)
        self.lr_lambdas = [lr_lambda] * groups if callable(lr_lambda) else list(lr_lambda)
        if len(self.lr_lambdas) != groups:
            raise ArgumentError(
                f"LambdaLR: {len(self.lr_lambdas)} functions were given for {groups} parameter groups."
            )
        super().__init__(optimizer, last_epoch)

    def rate(self, group: Group, initial: float) -> float:
        """initial * function(steps)."""
        number = next(i for i, g in enumerate(self.optimizer.param_groups) if g is group)
        return initial * self.lr_lambdas[number](self.last_epoch)


class StepLR(LRScheduler):
    """Multiply the rate by `gamma` every `step_size` steps.

    Parameters
    ----------
    optimizer : Optimizer
    step_size : int
    gamma : float
    last_epoch : int

    Examples
    --------
    >>> import minigrad as mg
    >>> optimizer = mg.optim.SGD([mg.nn.Parameter([1.0])], lr=1.0)
    >>> scheduler = mg.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> rates = []
    >>> for _ in range(4):
    ...     rates += scheduler.get_last_lr()
    ...     scheduler.step()
    >>> rates
    [1.0, 1.0, 0.5, 0.5]
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.step_size = _positive("StepLR", "step_size", step_size)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, group: Group, initial: float) -> float:
        """gamma times the rate before, at every step_size-th step."""
        due = self.last_epoch > 0 and self.last_epoch % self.step_size == 0
        return group["lr"] * self.gamma if due else group["lr"]


class LinearLR(LRScheduler):
    """Warm up: from `start_factor` to `end_factor` times the rate, in `total_iters` equal steps.

    Parameters
    ----------
    optimizer : Optimizer
    start_factor, end_factor : float
    total_iters : int
    last_epoch : int

    Examples
    --------
    >>> import minigrad as mg
    >>> optimizer = mg.optim.SGD([mg.nn.Parameter([1.0])], lr=1.0)
    >>> scheduler = mg.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.25, total_iters=3)
    >>> rates = []
    >>> for _ in range(5):
    ...     rates += scheduler.get_last_lr()
    ...     scheduler.step()
    >>> rates
    [0.25, 0.5, 0.75, 1.0, 1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise ArgumentError(
                f"LinearLR: start_factor is above 0 and at most 1, not {start_factor!r}."
            )
        if not 0 <= end_factor <= 1:
            raise ArgumentError(f"LinearLR: end_factor is between 0 and 1, not {end_factor!r}.")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = _positive("LinearLR", "total_iters", total_iters)
        super().__init__(optimizer, last_epoch)

    def rate(self, group: Group, initial: float) -> float:
        """The rate before, times the quotient of two factors."""
        if self.last_epoch == 0:
            return group["lr"] * self.start_factor
        if self.last_epoch > self.total_iters:
            return group["lr"]
        return group["lr"] * self._factor(self.last_epoch) / self._factor(self.last_epoch - 1)

    def _factor(self, step: int) -> float:
        return self.start_factor + (self.end_factor - self.start_factor) * step / self.total_iters


class CosineAnnealingLR(LRScheduler):
    """Half a cosine from the initial rate down to `eta_min` in `T_max` steps, then up again.

    Parameters
    ----------
    optimizer : Optimizer
    T_max : int
        Number of steps down.
    eta_min : float
        Lowest rate.
    last_epoch : int

    References
    ----------
    Loshchilov and Hutter, 2017, arXiv:1608.03983, without restarts.

    Examples
    --------
    >>> import minigrad as mg
    >>> optimizer = mg.optim.SGD([mg.nn.Parameter([1.0])], lr=1.0)
    >>> scheduler = mg.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=2)
    >>> rates = []
    >>> for _ in range(3):
    ...     rates += [round(r, 6) for r in scheduler.get_last_lr()]
    ...     scheduler.step()
    >>> rates
    [1.0, 0.5, 0.0]
    """

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self.T_max = _positive("CosineAnnealingLR", "T_max", T_max)
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def rate(self, group: Group, initial: float) -> float:
        """The rate before, times the quotient of two heights of the cosine."""
        if self.last_epoch == 0:
            return group["lr"]
        before, now = self._height(self.last_epoch - 1), self._height(self.last_epoch)
        if (self.last_epoch - 1) % (2 * self.T_max) == self.T_max:  # at the bottom: no quotient
            return group["lr"] + (initial - self.eta_min) * now
        return self.eta_min + (group["lr"] - self.eta_min) * now / before

    def _height(self, step: int) -> float:
        return (1.0 + math.cos(math.pi * step / self.T_max)) / 2.0


class OneCycleLR(LRScheduler):
    """One rise to `max_lr` and one fall far below the start, with momentum the other way round.

    Parameters
    ----------
    optimizer : Optimizer
        With ``momentum`` or ``betas``, if momentum is to cycle.
    max_lr : float or list of float
        The top, of all groups or of each.
    total_steps : int, optional
        Or else `epochs` and `steps_per_epoch`.
    epochs, steps_per_epoch : int, optional
    pct_start : float
        Share of the steps that rise.
    anneal_strategy : {"cos", "linear"}
    cycle_momentum : bool
        Whether momentum falls while the rate rises.
    base_momentum, max_momentum : float or list of float
    div_factor : float
        The start is ``max_lr / div_factor``.
    final_div_factor : float
        The end is the start divided by this.
    three_phase : bool
        Whether to come down as one went up, and then fall to the end.
    last_epoch : int

    References
    ----------
    Smith and Topin, 2018, arXiv:1708.07120.

    Examples
    --------
    >>> import minigrad as mg
    >>> optimizer = mg.optim.SGD([mg.nn.Parameter([1.0])], lr=0.1, momentum=0.9)
    >>> scheduler = mg.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=10)
    >>> rates = []
    >>> for _ in range(9):
    ...     rates += [round(r, 3) for r in scheduler.get_last_lr()]
    ...     scheduler.step()
    >>> rates
    [0.04, 0.52, 1.0, 0.95, 0.812, 0.611, 0.389, 0.188, 0.05]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ArgumentError("OneCycleLR: give total_steps, or epochs and steps_per_epoch.")
            total_steps = _positive("OneCycleLR", "epochs", epochs) * _positive(
                "OneCycleLR", "steps_per_epoch", steps_per_epoch
            )
        self.total_steps = _positive("OneCycleLR", "total_steps", total_steps)
        if not 0 <= pct_start <= 1:
            raise ArgumentError(f"OneCycleLR: pct_start is between 0 and 1, not {pct_start!r}.")
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(
                f'OneCycleLR: anneal_strategy is "cos" or "linear", not {anneal_strategy!r}.'
            )
        self.anneal_strategy = anneal_strategy
        self.cycle_momentum = cycle_momentum
        if cycle_momentum and not {"momentum", "betas"} & optimizer.defaults.keys():
            raise ArgumentError(
                f"OneCycleLR: {type(optimizer).__name__} has no momentum to cycle; pass "
                "cycle_momentum=False."
            )
        # Each phase: its last step, and the names of what it goes from and to.
        up = pct_start * self.total_steps - 1
        down, end = 2 * up, self.total_steps - 1
        rise = (up, "initial_lr", "max_lr", "max_momentum", "base_momentum")
        if three_phase:
            fall = (down, "max_lr", "initial_lr", "base_momentum", "max_momentum")
            self.phases = [rise, fall, (end, "initial_lr", "min_lr", "max_momentum", "max_momentum")]
        else:
            self.phases = [rise, (end, "max_lr", "min_lr", "base_momentum", "max_momentum")]
        groups = optimizer.param_groups
        tops = _per_group("max_lr", max_lr, len(groups))
        low = _per_group("base_momentum", base_momentum, len(groups))
        high = _per_group("max_momentum", max_momentum, len(groups))
        if last_epoch == -1:
            for i, group in enumerate(groups):
                start = tops[i] / div_factor
                group.update(initial_lr=start, max_lr=tops[i], min_lr=start / final_div_factor)
                if cycle_momentum:
                    group.update(base_momentum=low[i], max_momentum=high[i])
        super().__init__(optimizer, last_epoch)

    def rate(self, group: Group, initial: float) -> float:
        """Where the cycle is; sets the group's momentum too."""
        if self.last_epoch > self.total_steps:
            raise ArgumentError(
                f"OneCycleLR: step {self.last_epoch}, but the cycle has total_steps={self.total_steps}."
            )
        start, phase = 0.0, self.phases[-1]
        for earlier in self.phases[:-1]:
            if self.last_epoch <= earlier[0]:
                phase = earlier
                break
            start = earlier[0]
        end, lr_from, lr_to, momentum_from, momentum_to = phase
        share = (self.last_epoch - start) / (end - start) if end != start else 1.0
        if self.cycle_momentum:
            momentum = self._between(group[momentum_from], group[momentum_to], share)
            if "betas" in group:
                group["betas"] = (momentum, *group["betas"][1:])
            else:
                group["momentum"] = momentum
        return self._between(group[lr_from], group[lr_to], share)

    def _between(self, start: float, end: float, share: float) -> float:
        if self.anneal_strategy == "cos":
            return end + (start - end) / 2.0 * (1.0 + math.cos(math.pi * share))
        return start + (end - start) * share


def _per_group(name: str, value: float | Sequence[float], groups: int) -> list[float]:
    values = [float(v) for v in value] if isinstance(value, Sequence) else [float(value)] * groups
    if len(values) != groups:
        raise ArgumentError(
            f"OneCycleLR: {len(values)} values of {name} were given for {groups} parameter groups."
        )
    return values


def _positive(who: str, name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ArgumentError(f"{who}: {name} is a positive integer, not {value!r}.")
    return value
