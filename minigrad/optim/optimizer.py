"""Optimizer: parameter groups, state, and the loop that all rules share.

Values are rebound and never changed in place, so a graph that was recorded before a
step still holds the numbers it was computed with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from ..context import enable_grad
from ..errors import ArgumentError, ShapeError
from ..nn.module import Module, zero_gradients
from ..tensor import FLOATING, Array, Tensor, describe

State = dict[str, Any]
Group = dict[str, Any]
_SCHEDULED = ("base_momentum", "initial_lr", "max_lr", "max_momentum", "min_lr")  # schedulers' own
_NOT_NEGATIVE = (
    "alpha", "eps", "initial_accumulator_value", "lr", "lr_decay", "momentum", "weight_decay",
)  # fmt: skip


class Optimizer:
    """Base class of all optimizers.

    A subclass defines ``update(value, gradient, state, group)``, which returns the new value
    of one parameter.

    Parameters
    ----------
    params : iterable of Tensor, or of dicts
        Leaves with ``requires_grad``.  A dict is a group: its ``"params"``, and whatever
        it wants to have its own way (``lr=...``).
    defaults : dict
        What groups have that say nothing else.

    Attributes
    ----------
    param_groups : list of dict
        The groups, with all their settings; a scheduler changes ``group["lr"]``.
    state : dict of Tensor to dict
        Per parameter what the rule remembers.

    Raises
    ------
    ArgumentError
        Without parameters, for the same one twice, or for something that is no leaf.

    Examples
    --------
    >>> import minigrad as mg
    >>> class SignDescent(mg.optim.Optimizer):
    ...     def __init__(self, params, lr=0.1):
    ...         super().__init__(params, {"lr": lr})
    ...
    ...     def update(self, value, gradient, state, group):
    ...         return value - group["lr"] * np.sign(gradient)
    >>> w = mg.nn.Parameter([1.0, -1.0])
    >>> (w * w).sum().backward()
    >>> SignDescent([w]).step()
    >>> w.tolist()
    [0.9, -0.9]
    """

    def __init__(self, params: Any, defaults: Group) -> None:
        self.defaults = dict(defaults)
        self.param_groups: list[Group] = []
        self.state: dict[Tensor, State] = {}
        who = type(self).__name__
        if isinstance(params, Tensor | Module | Mapping) or not isinstance(params, Iterable):
            hint = (
                "model.parameters()" if isinstance(params, Module) else "[w, b] or model.parameters()"
            )
            raise ArgumentError(
                f"{who}: params must be an iterable of tensors, not {type(params).__name__}. "
                f"Pass {hint}."
            )
        groups = list(params)
        if not groups:
            raise ArgumentError(
                f"{who}: there are no parameters. A generator that was used before is empty: call "
                "model.parameters() again."
            )
        if not isinstance(groups[0], Mapping):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def update(self, value: Array, gradient: Array, state: State, group: Group) -> Array:
        """The new value of one parameter; subclasses define it.

        Parameters
        ----------
        value, gradient : ndarray
            Not to be changed in place.
        state : dict
            What the rule remembers of this parameter; empty at first.
        group : dict
            The settings.

        Returns
        -------
        ndarray
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method update(value, gradient, ...).")

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Add parameters with settings of their own.

        Parameters
        ----------
        param_group : dict
            ``"params"``, and what differs from the defaults.

        Examples
        --------
        >>> import minigrad as mg
        >>> optimizer = mg.optim.SGD([mg.nn.Parameter([1.0])], lr=0.1)
        >>> optimizer.add_param_group({"params": [mg.nn.Parameter([2.0])], "lr": 0.01})
        >>> [group["lr"] for group in optimizer.param_groups]
        [0.1, 0.01]
        """
        who = type(self).__name__
        if not isinstance(param_group, Mapping) or "params" not in param_group:
            raise ArgumentError(f"{who}: a parameter group is a dict with the key 'params'.")
        given = param_group["params"]
        params = [given] if isinstance(given, Tensor) else list(given)
        seen = {id(p) for p in self._parameters()}
        for p in params:
            if not isinstance(p, Tensor):
                raise ArgumentError(f"{who}: a parameter is a tensor, not {type(p).__name__} {p!r}.")
            if not p.is_leaf or p.dtype not in FLOATING:
                raise ArgumentError(
                    f"{who}: can only optimize floating leaves, and this is {describe(p)}. Make it "
                    "with nn.Parameter(...) or mg.tensor(..., requires_grad=True)."
                )
            if id(p) in seen:
                raise ArgumentError(f"{who}: {describe(p)} was given twice.")
            seen.add(id(p))
        settings = {key: value for key, value in param_group.items() if key != "params"}
        unknown = settings.keys() - self.defaults.keys() - set(_SCHEDULED)
        if unknown:
            raise ArgumentError(
                f"{who}: a parameter group has no settings {sorted(unknown)}; it has "
                f"{sorted(self.defaults)}."
            )
        group = {"params": params, **self.defaults, **settings}
        self.check(group)
        self.param_groups.append(group)

    def check(self, group: Group) -> None:
        """Refuse settings that make no sense; subclasses add their own."""
        for name in _NOT_NEGATIVE:
            if name in group and not group[name] >= 0:
                raise self._wrong(name, group[name], "zero or positive")
        for beta in group.get("betas", ()):
            if not 0 <= beta < 1:
                raise self._wrong("betas", group["betas"], "two numbers from 0 up to, not including, 1")

    def _wrong(self, name: str, value: Any, needed: str) -> ArgumentError:
        return ArgumentError(f"{type(self).__name__}: {name} must be {needed}, not {value!r}.")

    def _parameters(self) -> Iterator[Tensor]:
        for group in self.param_groups:
            yield from group["params"]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or set them to zeros."""
        zero_gradients(self._parameters(), set_to_none)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss and its gradients first.

        Returns
        -------
        object
            What the closure returned.

        Examples
        --------
        >>> import minigrad as mg
        >>> weight = mg.nn.Parameter([1.0])
        >>> (weight * 3.0).sum().backward()
        >>> mg.optim.SGD([weight], lr=0.5).step()
        >>> weight.tolist()
        [-0.5]
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            negate = group.get("maximize", False)
            for p in group["params"]:
                grad = p.grad
                if grad is None:
                    continue
                state = self.state.setdefault(p, {})
                gradient = -grad._value if negate else grad._value
                new = self.update(p._value, gradient, state, group)
                if new.shape != p.shape:
                    raise ShapeError(
                        f"{type(self).__name__}.update gave {describe(new)} for {describe(p)}."
                    )
                # A fresh array that nobody else sees, so it needs no copy as in `p.data = new`.
                p._value = np.asarray(new, p.dtype)
        return loss

    # State -------------------------------------------------------------------------------------
    def state_dict(self) -> dict[str, Any]:
        """Everything that a resumed run needs: a snapshot that later steps do not change.

        Returns
        -------
        dict
            ``"state"``: per parameter, by number, what is remembered of it;
            ``"param_groups"``: the settings, with numbers instead of parameters.

        Examples
        --------
        >>> import minigrad as mg
        >>> optimizer = mg.optim.SGD([mg.nn.Parameter([1.0])], lr=0.1)
        >>> optimizer.state_dict()["param_groups"][0]["lr"]
        0.1
        """
        numbers = {id(p): i for i, p in enumerate(self._parameters())}
        return {
            "state": {
                numbers[id(p)]: {
                    k: Tensor(np.array(v)) if isinstance(v, np.ndarray | np.generic) else v
                    for k, v in state.items()
                }
                for p, state in self.state.items()
                if state
            },
            "param_groups": [
                {**group, "params": [numbers[id(p)] for p in group["params"]]}
                for group in self.param_groups
            ],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned, of minigrad's or PyTorch's optimizer.

        Parameters
        ----------
        state_dict : dict

        Raises
        ------
        ArgumentError, ShapeError
            If groups, numbers or shapes differ; then nothing was changed.

        Examples
        --------
        >>> import minigrad as mg
        >>> weight = mg.nn.Parameter([1.0])
        >>> resumed = mg.optim.SGD([weight])
        >>> resumed.load_state_dict(mg.optim.SGD([weight], lr=0.5).state_dict())
        >>> resumed.param_groups[0]["lr"]
        0.5
        """
        who = f"{type(self).__name__}.load_state_dict"
        if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= state_dict.keys():
            raise ArgumentError(f"{who}: needs a dict with the keys 'state' and 'param_groups'.")
        saved = state_dict["param_groups"]
        sizes = [len(group["params"]) for group in saved]
        own = [len(group["params"]) for group in self.param_groups]
        if sizes != own:
            raise ArgumentError(
                f"{who}: the saved groups hold {sizes} parameters, but the optimizer's hold {own}."
            )
        order = [number for group in saved for number in group["params"]]
        by_number = dict(zip(order, self._parameters(), strict=True))
        states: dict[Tensor, State] = {}
        for number, remembered in state_dict["state"].items():
            if number not in by_number:
                raise ArgumentError(
                    f"{who}: there is state for parameter {number}, but no such parameter."
                )
            p = by_number[number]
            states[p] = {k: _restore(who, k, v, p) for k, v in remembered.items() if v is not None}
        known = {*self.defaults, *_SCHEDULED}
        settings = [{k: v for k, v in group.items() if k in known} for group in saved]
        for group, new in zip(self.param_groups, settings, strict=True):
            self.check({**group, **new})
        for group, new in zip(self.param_groups, settings, strict=True):
            group.update(new)
        self.state = states

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for number, group in enumerate(self.param_groups):
            lines.append(f"  group {number}: {len(group['params'])} parameters")
            lines += [f"    {key}: {value}" for key, value in group.items() if key != "params"]
        return "\n".join([*lines, ")"])


def _restore(who: str, name: str, value: Any, p: Tensor) -> Any:
    """A saved number or array, as a rule keeps it for a parameter."""
    array = value._value if isinstance(value, Tensor) else np.asarray(value)
    if name == "step":  # PyTorch keeps it as a tensor
        return int(array)
    if array.shape != p.shape:
        raise ShapeError(
            f"{who}: {name} has shape {list(array.shape)}, but it belongs to {describe(p)}."
        )
    return np.array(array, dtype=p.dtype)
