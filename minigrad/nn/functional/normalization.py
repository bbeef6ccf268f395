"""Normalization: over the batch, over the axes of an example, over groups of channels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

import minigrad as mg

from ...errors import ArgumentError, ShapeError
from ...tensor import Array, Shape, Tensor, as_tensor, describe
from .arguments import as_input, check_groups, normal_shape, same_dtype


def batch_norm(
    x: Any,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    *,
    method: Literal["composed", "fused"] = "composed",
    running_var_correction: float = 1,
    through_statistics: bool = True,
) -> Tensor:
    """Batch normalization of axis 1, with running statistics.

    Parameters
    ----------
    x : array_like, shape (N, C, ...)
    running_mean, running_var : Tensor, shape (C,), optional
        In training mode they are rebound to their moving averages; else they normalise.
    weight, bias : array_like, shape (C,), optional
        Gamma and beta.
    training : bool
        Whether to normalise with the statistics of this batch.
    momentum : float
        Weight of the new value in the moving averages.
    eps : float
        Added to the variance inside the root; positive in training mode.
    method : {"composed", "fused"}
        From primitives, or as one primitive with a derivative by hand.
    running_var_correction : float
        The moving average is of the variance with ``m - running_var_correction`` in its
        denominator: 1 is PyTorch's (unbiased), 0 is Keras', Flax' and ONNX' (biased).
        The batch itself is always normalised with the biased variance.
    through_statistics : bool
        False holds the batch statistics constant in the derivative.

    Returns
    -------
    Tensor
        Of x's shape and dtype.

    Raises
    ------
    ArgumentError
        For one value per channel or eps <= 0 in training mode, a negative eps, missing
        statistics, an unknown method.
    ShapeError, DtypeError
        If sizes or dtypes do not fit.

    Notes
    -----
    float16 input is normalised in float32 and rounded once, at the end.  Its parameters and
    statistics may be float16 or float32; otherwise all dtypes must be equal.

    Examples
    --------
    >>> import minigrad as mg
    >>> mean, var = mg.tensor([0.0]), mg.tensor([1.0])
    >>> batch_norm([[1.0], [2.0], [3.0], [4.0]], mean, var, training=True).shape
    (4, 1)
    >>> mean.tolist(), [round(v, 4) for v in var.tolist()]
    ([0.25], [1.0667])
    """
    x = as_input(x)
    if method not in ("composed", "fused"):
        raise ArgumentError(f'batch_norm: method is "composed" or "fused", not {method!r}.')
    if x.ndim < 2:
        raise ShapeError(f"batch_norm: x must be (N, C, ...), and it is {describe(x)}.")
    if (running_mean is None) != (running_var is None):
        raise ArgumentError("batch_norm: running_mean and running_var come together; one is missing.")
    if not training and running_mean is None:
        raise ArgumentError(
            "batch_norm: inference needs running_mean and running_var. Pass them, or training=True to "
            "use the statistics of the batch."
        )
    if eps < 0 or (training and eps == 0):
        needed = "positive in training mode" if training else "zero or positive"
        raise ArgumentError(
            f"batch_norm: eps must be {needed}, not {eps!r}: without it a constant feature is 0 / 0. "
            "mg.batchnorm.composed allows eps=0."
        )
    weight, bias = [None if v is None else as_input(v) for v in (weight, bias)]
    vectors = {"weight": weight, "bias": bias, "running_mean": running_mean, "running_var": running_var}
    channels = x.shape[1]
    for name, vector in vectors.items():
        if vector is None:
            continue
        if not isinstance(vector, Tensor):
            raise ArgumentError(
                f"batch_norm: {name} must be a tensor, because training rebinds its value, not "
                f"{describe(vector)}. Write mg.tensor(...)."
            )
        if vector.dtype is not x.dtype:
            same_dtype("batch_norm", x, half=True, **{name: vector})
        if vector.shape != (channels,):
            raise ShapeError(
                f"batch_norm: x is {describe(x)} with {channels} channels, but {name} is "
                f"{describe(vector)}; it must be [{channels}]."
            )
    axes = (0, *range(2, x.ndim))
    count = math.prod([x.shape[a] for a in axes])
    if training and count == 1:
        remedy = (
            "Train with a larger batch (DataLoader(..., drop_last=True) leaves out a last batch of "
            "one), or call model.eval()."
            if running_mean is not None
            else "Give a larger batch. Only a layer that keeps running averages "
            "(track_running_stats=True) can do with one value, in inference mode."
        )
        raise ArgumentError(
            f"batch_norm: one value per channel has no variance, and x is {describe(x)}. {remedy}"
        )
    normalise = mg.batchnorm.composed if method == "composed" else mg.batchnorm.fused
    wide, scale, shift = x, weight, bias
    if x.dtype == np.float16:
        wide = mg.astype(x, np.float32)
        scale, shift = [None if v is None else mg.astype(v, np.float32) for v in (weight, bias)]
    if not training:
        mu, var = [mg.astype(as_tensor(s).detach(), wide.dtype) for s in (running_mean, running_var)]
        out = normalise(wide, scale, shift, eps, axes, mean=mu, variance=var)
        return mg.astype(out, x.dtype)
    out, batch_mean, batch_var = normalise(
        wide, scale, shift, eps, axes, through_statistics=through_statistics, return_statistics=True
    )
    if running_mean is not None and running_var is not None and count:
        bessel = count / (count - running_var_correction)
        _move(running_mean, batch_mean._value, momentum)
        _move(running_var, batch_var._value * bessel, momentum)
    return mg.astype(out, x.dtype)


def _move(average: Tensor, new: Array, momentum: float) -> None:
    """Rebind a moving average; graphs recorded before keep the old value."""
    if momentum:
        moved = average._value * (1.0 - momentum) + new * float(momentum)
        average._value = np.asarray(moved, average.dtype)


def layer_norm(
    x: Any,
    normalized_shape: int | Sequence[int],
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise every example over its last axes.

    Parameters
    ----------
    x : array_like, shape (..., *normalized_shape)
    normalized_shape : int or sequence of int
    weight, bias : array_like, shape normalized_shape, optional
    eps : float
        Added to the variance inside the root.

    Returns
    -------
    Tensor
        Of x's shape and dtype.

    Examples
    --------
    >>> layer_norm(np.array([[1.0, 3.0]]), 2, eps=0.0)
    tensor([[-1.,  1.]])
    """
    x = as_input(x)
    wanted = normal_shape("layer_norm", normalized_shape)
    if x.shape[x.ndim - len(wanted) :] != wanted or x.ndim < len(wanted):
        raise ShapeError(f"layer_norm: x is {describe(x)}, but it must end in {list(wanted)}.")
    weight, bias = _parameters("layer_norm", x, weight, bias, wanted)
    with mg.scope("layer_norm"):
        axes = tuple(range(x.ndim - len(wanted), x.ndim))
        out, _, _ = _standardised(x, axes, eps)
        if weight is not None:
            out = out * weight
        if bias is not None:
            out = out + bias
        return mg.astype(out, x.dtype)


def group_norm(
    x: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Tensor:
    """Normalise every example over groups of channels (axis 1) and all further axes.

    Parameters
    ----------
    x : array_like, shape (N, C, ...)
    num_groups : int
        A divisor of C.
    weight, bias : array_like, shape (C,), optional
    eps : float
        Added to the variance inside the root.

    Returns
    -------
    Tensor
        Of x's shape and dtype.

    Raises
    ------
    ShapeError, DtypeError, ArgumentError
        If sizes or dtypes do not fit, or all in all there is one value.

    References
    ----------
    Wu and He, 2018, arXiv:1803.08494.

    Examples
    --------
    >>> group_norm(np.array([[1.0, 3.0, 10.0, 30.0]]), 2, eps=0.0)
    tensor([[-1.,  1., -1.,  1.]])
    """
    x = as_input(x)
    check_groups("group_norm", num_groups)
    if x.ndim < 2 or x.shape[1] % num_groups:
        raise ShapeError(
            f"group_norm: x is {describe(x)}; it must be (N, C, ...), with a number of channels C that "
            f"{num_groups} groups can share evenly."
        )
    weight, bias = _parameters("group_norm", x, weight, bias, x.shape[1:2])
    if x.size == num_groups:  # as PyTorch counts: over the whole batch
        raise ArgumentError(f"group_norm: one value per group has no variance, and x is {describe(x)}.")
    with mg.scope("group_norm"):
        members = (x.shape[1] // num_groups, *x.shape[2:])
        grouped = mg.reshape(x, (x.shape[0], num_groups, *members))
        out, _, _ = _standardised(grouped, tuple(range(2, grouped.ndim)), eps)
        return mg.astype(_scaled(mg.reshape(out, x.shape), weight, bias), x.dtype)


def instance_norm(
    x: Any,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise every channel (axis 1) of every example over all further axes.

    Parameters
    ----------
    x : array_like, shape (N, C, ...)
    running_mean, running_var : Tensor, shape (C,), optional
        With `use_input_stats` they are rebound to their moving averages; else they normalise.
    weight, bias : array_like, shape (C,), optional
    use_input_stats : bool
        Whether to normalise with each example's own statistics.
    momentum : float
        Weight of the new value in the moving averages: the mean over the batch of the means, and
        of the unbiased variances.
    eps : float
        Added to the variance inside the root.

    Returns
    -------
    Tensor
        Of x's shape and dtype.

    Raises
    ------
    ArgumentError
        For one value per channel, a negative eps, or missing statistics.
    ShapeError, DtypeError
        If sizes or dtypes do not fit.

    References
    ----------
    Ulyanov, Vedaldi and Lempitsky, 2016, arXiv:1607.08022.

    Examples
    --------
    >>> instance_norm(np.array([[[1.0, 3.0]], [[10.0, 30.0]]]), eps=0.0).tolist()
    [[[-1.0, 1.0]], [[-1.0, 1.0]]]
    """
    x = as_input(x)
    if not use_input_stats:
        return batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    if x.ndim < 3:
        raise ShapeError(f"instance_norm: x must be (N, C, ...), and it is {describe(x)}.")
    if (running_mean is None) != (running_var is None):
        raise ArgumentError(
            "instance_norm: running_mean and running_var come together; one is missing."
        )
    weight, bias = _parameters("instance_norm", x, weight, bias, x.shape[1:2])
    _parameters(
        "instance_norm", x, running_mean, running_var, x.shape[1:2], "running_mean", "running_var"
    )
    count = math.prod(x.shape[2:])
    if count == 1:
        raise ArgumentError(
            f"instance_norm: one value per channel has no variance, and x is {describe(x)}."
        )
    with mg.scope("instance_norm"):
        out, mean, variance = _standardised(x, tuple(range(2, x.ndim)), eps)
        if running_mean is not None and running_var is not None and x.size:
            bessel = count / (count - 1)
            for average, each in ((running_mean, mean._value), (running_var, variance._value * bessel)):
                _move(average, each.reshape(x.shape[:2]).mean(0), momentum)
        return mg.astype(_scaled(out, weight, bias), x.dtype)


# What they share ------------------------------------------------------------------------------


def _parameters(
    who: str, x: Tensor, first: Any, second: Any, wanted: Shape, *names: str
) -> tuple[Tensor | None, Tensor | None]:
    """Two parameters or statistics as tensors, of one shape and of x's dtype."""
    given = [None if v is None else as_input(v) for v in (first, second)]
    named = dict(zip(names or ("weight", "bias"), given, strict=True))
    same_dtype(who, x, half=True, **named)
    for name, value in named.items():
        if value is not None and value.shape != wanted:
            raise ShapeError(
                f"{who}: x is {describe(x)} and {name} is {describe(value)}, not {list(wanted)}."
            )
    return given[0], given[1]


def _standardised(x: Tensor, axes: tuple[int, ...], eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """Mean zero and variance one over some axes, and what these were; of float16 in float32."""
    wide = mg.astype(x, np.float32) if x.dtype == np.float16 else x
    if not wide.size:
        return wide, wide, wide
    mean = mg.mean(wide, axis=axes, keepdims=True)
    centred = wide - mean
    variance = mg.mean(centred**2, axis=axes, keepdims=True)
    std = mg.sqrt(variance + eps)
    out = centred / std
    if out.node is not None:  # as batch norm's
        mean.name, variance.name, std.name, out.name = "mean", "variance", "std", "x_hat"
    return out, mean, variance


def _scaled(out: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """Scale and shift every channel (axis 1)."""
    channel = (-1, *[1] * (out.ndim - 2))
    if weight is not None:
        out = out * mg.reshape(weight, channel)
    return out if bias is None else out + mg.reshape(bias, channel)
