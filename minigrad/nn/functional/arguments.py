"""Checks of arguments that layers and losses share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import minigrad as mg

from ...errors import ArgumentError, DtypeError
from ...tensor import FLOATING, Tensor, as_tensor, describe


def as_input(data: Any) -> Tensor:
    """The tensor itself, or an untracked one that holds the data as they are now.

    While operations are recorded, an array is copied: a loop may write its next batch into it
    before the backward pass.

    Examples
    --------
    >>> batch = np.zeros(1)
    >>> x = as_input(batch)
    >>> batch[:] = 5.0
    >>> x
    tensor([0.])
    """
    if isinstance(data, Tensor):
        return data
    borrowed = isinstance(data, np.ndarray) and data.flags.writeable and mg.is_grad_enabled()
    return as_tensor(np.array(data) if borrowed else data)


def check_reduction(who: str, reduction: str) -> None:
    """Refuse an unknown reduction.

    Examples
    --------
    >>> check_reduction("mse_loss", "mean")
    """
    if reduction not in ("mean", "sum", "none"):
        raise ArgumentError(f'{who}: reduction is "mean", "sum" or "none", not {reduction!r}.')


def check_probability(who: str, p: float, name: str = "p") -> None:
    """Refuse a number that is no probability.

    Examples
    --------
    >>> check_probability("dropout", 0.5)
    """
    if not 0.0 <= p <= 1.0:
        raise ArgumentError(f"{who}: {name} must be between 0 and 1, not {p!r}.")


def normal_shape(who: str, shape: int | Sequence[int]) -> tuple[int, ...]:
    """A shape given as an int or a sequence, as a tuple.

    Examples
    --------
    >>> normal_shape("layer_norm", 3)
    (3,)
    """
    found = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    if not found:
        raise ArgumentError(f"{who}: normalized_shape names at least one axis, not {shape!r}.")
    return tuple([int(n) for n in found])


def check_groups(who: str, num_groups: int) -> None:
    """Refuse what is no number of groups.

    Examples
    --------
    >>> check_groups("group_norm", 2)
    """
    if isinstance(num_groups, bool) or not isinstance(num_groups, int | np.integer) or num_groups < 1:
        raise ArgumentError(f"{who}: num_groups is an integer from 1 upwards, not {num_groups!r}.")


def same_dtype(who: str, x: Tensor, half: bool = False, **others: Any) -> None:
    """Refuse mixed dtypes; with `half`, a float16 x may meet float32 parameters.

    Examples
    --------
    >>> x = as_tensor(np.ones(2, "float16"))
    >>> same_dtype("layer_norm", x, half=True, weight=np.ones(2, "float32"))
    """
    for name, other in others.items():
        if other is None or getattr(other, "dtype", None) is x.dtype:
            continue
        dtype = as_tensor(other).dtype
        if dtype != x.dtype and not (half and x.dtype == np.float16 and dtype == np.float32):
            raise DtypeError(
                f"{who}: x is {describe(x)}, but {name} is {dtype}. Convert the data, "
                f"x.astype('{dtype}'), or the model, model.to('{x.dtype}')."
                if x.dtype in FLOATING
                else f"{who}: x is {describe(x)}, but {name} is {dtype}. Convert the data, "
                f"x.astype('{dtype}')."
            )


def like_of(value: Any, x: Tensor) -> Tensor:
    """Data in x's dtype; something tracked stays as it is."""
    value = as_input(value)
    return value if value.requires_grad or value.dtype == x.dtype else mg.astype(value, x.dtype)
