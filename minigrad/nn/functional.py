"""Layers and losses as plain functions, by PyTorch's names and arguments.

All are made of minigrad's own operations and have no derivative rules of their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

import minigrad as mg

from ..errors import ArgumentError, DtypeError, ShapeError
from ..seeding import resolve_generator
from ..tensor import FLOATING, Array, Tensor, as_tensor, describe

__all__ = [
    "batch_norm", "binary_cross_entropy_with_logits", "cross_entropy", "dropout", "huber_loss",
    "layer_norm", "leaky_relu", "linear", "log_softmax", "mse_loss", "nll_loss", "one_hot", "relu",
    "sigmoid", "silu", "softmax", "softplus", "tanh",
]  # fmt: skip

Reduction = Literal["mean", "sum", "none"]

relu, sigmoid, softplus, tanh = mg.relu, mg.sigmoid, mg.softplus, mg.tanh


# Layers ----------------------------------------------------------------------------------


def linear(x: Any, weight: Any, bias: Any = None) -> Tensor:
    """The affine map ``x @ weight.T + bias`` of the last axis.

    Parameters
    ----------
    x : array_like, shape (..., in_features)
    weight : array_like, shape (out_features, in_features)
    bias : array_like, shape (out_features,), optional

    Returns
    -------
    Tensor, shape (..., out_features)

    Raises
    ------
    ShapeError, DtypeError
        If sizes or dtypes do not fit.

    Examples
    --------
    >>> linear(np.ones((1, 2)), np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0.0, 1.0]))
    tensor([[3., 8.]])
    """
    x, weight = as_tensor(x), as_tensor(weight)
    if weight.ndim != 2 or not x.ndim or x.shape[-1] != weight.shape[1]:
        expected = f"[..., {weight.shape[1]}]" if weight.ndim == 2 else "an (out, in) matrix as weight"
        raise ShapeError(
            f"linear: x is {describe(x)}, weight is {describe(weight)}: the last size of x must be the "
            f"number of input features, {expected}."
        )
    same_dtype("linear", x, weight=weight, bias=bias)
    out = mg.matmul(x, mg.transpose(weight))
    return out if bias is None else out + bias


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
    x = as_tensor(x)
    check_probability("dropout", p)
    rng = resolve_generator("dropout", generator)
    if not training or p == 0.0:
        return x
    kept = rng.random(x.shape, dtype=np.float32) >= p
    return x * (kept.astype(x.dtype) * x.dtype.type(1.0 / (1.0 - p) if p < 1.0 else 0.0))


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
    x = as_tensor(x)
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
    weight, bias = [None if v is None else as_tensor(v) for v in (weight, bias)]
    vectors = {"weight": weight, "bias": bias, "running_mean": running_mean, "running_var": running_var}
    for name, vector in vectors.items():
        if vector is not None and not isinstance(vector, Tensor):
            raise ArgumentError(
                f"batch_norm: {name} must be a tensor, because training rebinds its value, not "
                f"{describe(vector)}. Write mg.tensor(...)."
            )
    same_dtype("batch_norm", x, half=True, **vectors)
    channels = x.shape[1]
    for name, vector in vectors.items():
        if vector is not None and vector.shape != (channels,):
            raise ShapeError(
                f"batch_norm: x is {describe(x)} with {channels} channels, but {name} is "
                f"{describe(vector)}; it must be [{channels}]."
            )
    axes = (0, *range(2, x.ndim))
    count = math.prod([x.shape[a] for a in axes])
    if training and count == 1:
        raise ArgumentError(
            f"batch_norm: one value per channel has no variance, and x is {describe(x)}. Train with a "
            "larger batch (DataLoader(..., drop_last=True) leaves out a last batch of one), or call "
            "model.eval()."
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
    x = as_tensor(x)
    wanted = normal_shape("layer_norm", normalized_shape)
    if x.shape[x.ndim - len(wanted) :] != wanted or x.ndim < len(wanted):
        raise ShapeError(f"layer_norm: x is {describe(x)}, but it must end in {list(wanted)}.")
    weight, bias = [None if v is None else as_tensor(v) for v in (weight, bias)]
    same_dtype("layer_norm", x, half=True, weight=weight, bias=bias)
    for name, value in (("weight", weight), ("bias", bias)):
        if value is not None and value.shape != wanted:
            raise ShapeError(f"layer_norm: {name} is {describe(value)}, but it must be {list(wanted)}.")
    with mg.scope("layer_norm"):
        wide = mg.astype(x, np.float32) if x.dtype == np.float16 else x
        axes = tuple(range(x.ndim - len(wanted), x.ndim))
        centred = wide - mg.mean(wide, axis=axes, keepdims=True)
        out = centred / mg.sqrt(mg.mean(centred**2, axis=axes, keepdims=True) + eps)
        if weight is not None:
            out = out * weight
        if bias is not None:
            out = out + bias
        return mg.astype(out, x.dtype)


# Activations -----------------------------------------------------------------------------


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Tensor:
    """x where it is positive, ``negative_slope * x`` elsewhere; at 0 the slope is the negative one.

    Examples
    --------
    >>> leaky_relu(np.array([-1.0, 1.0]), 0.1)
    tensor([-0.1,  1. ])
    """
    x = as_tensor(x)
    return mg.where(x > 0, x, x * negative_slope)


def silu(x: Any) -> Tensor:
    """``x * sigmoid(x)``.

    Examples
    --------
    >>> silu(np.array([0.0]))
    tensor([0.])
    """
    x = as_tensor(x)
    return x * sigmoid(x)


def softmax(x: Any, dim: int) -> Tensor:
    """Exponentials along an axis, scaled to sum to one.

    Examples
    --------
    >>> softmax(np.array([0.0, 0.0]), dim=0)
    tensor([0.5, 0.5])
    """
    return mg.softmax(as_tensor(x), axis=dim)


def log_softmax(x: Any, dim: int) -> Tensor:
    """Logarithm of the softmax along an axis.

    Examples
    --------
    >>> log_softmax(np.array([0.0, 0.0]), dim=0)
    tensor([-0.69314718, -0.69314718])
    """
    return mg.log_softmax(as_tensor(x), axis=dim)


# Losses ------------------------------------------------------------------------------------


def cross_entropy(
    logits: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Cross-entropy of logits against class numbers, or against class probabilities.

    Parameters
    ----------
    logits : array_like, shape (C,), (N, C) or (N, C, d1, ...)
        Unnormalised: do not apply a softmax before.
    target : array_like
        Class numbers from 0 to C - 1, of the shape of `logits` without its class axis; or
        probabilities, floating and of the shape of `logits`.
    weight : array_like, shape (C,), optional
        A weight per class.
    ignore_index : int
        Examples of this class number do not count.
    reduction : {"mean", "sum", "none"}
        For class numbers the mean is weighted by `weight`.
    label_smoothing : float
        Share of the target, from 0 to 1, that goes evenly to all classes.

    Returns
    -------
    Tensor
        A scalar, or one loss per example.

    Raises
    ------
    ShapeError, DtypeError, ArgumentError
        For shapes that do not fit, and for class numbers out of range.

    Examples
    --------
    >>> cross_entropy(np.array([[0.0, 0.0], [0.0, 0.0]]), [1, 0])
    tensor(0.69314718)
    """
    check_reduction("cross_entropy", reduction)
    check_probability("cross_entropy", label_smoothing, "label_smoothing")
    with mg.scope("cross_entropy"):
        logits, target = as_tensor(logits), as_tensor(target)
        if target.dtype not in FLOATING or target.shape != logits.shape:
            logs, labels, shape = _rows("cross_entropy", logits, target)
            logs = mg.log_softmax(logs, axis=1)
            return _from_logs(
                "cross_entropy", logs, labels, shape, weight, ignore_index, reduction, label_smoothing
            )
        axis = 1 if logits.ndim > 1 else 0
        classes = logits.shape[axis]
        target = _like(target, logits)
        if label_smoothing:
            target = target * (1.0 - label_smoothing) + label_smoothing / classes
        if weight is not None:
            weight = _class_weights("cross_entropy", weight, classes, logits)
            target = target * weight.reshape([-1 if i == axis else 1 for i in range(logits.ndim)])
        return _reduce(-mg.sum(mg.log_softmax(logits, axis=axis) * target, axis=axis), reduction)


def nll_loss(
    log_probabilities: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Tensor:
    """Negative log-likelihood: minus the log-probability of each example's class.

    Parameters
    ----------
    log_probabilities : array_like, shape (C,), (N, C) or (N, C, d1, ...)
        For example of :func:`log_softmax`.
    target, weight, ignore_index, reduction
        As in :func:`cross_entropy`; class numbers only.

    Returns
    -------
    Tensor
        A scalar, or one loss per example.

    Examples
    --------
    >>> nll_loss(np.log([[0.25, 0.75]]), [1])
    tensor(0.28768207)
    """
    check_reduction("nll_loss", reduction)
    logs, labels, shape = _rows("nll_loss", as_tensor(log_probabilities), as_tensor(target))
    return _from_logs("nll_loss", logs, labels, shape, weight, ignore_index, reduction, 0.0)


def mse_loss(x: Any, target: Any, reduction: Reduction = "mean") -> Tensor:
    """Squared error.

    Parameters
    ----------
    x, target : array_like
        Of one shape.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor

    Examples
    --------
    >>> mse_loss(np.array([1.0, 3.0]), np.array([0.0, 0.0]))
    tensor(5.)
    """
    x, target = _pair("mse_loss", x, target, reduction)
    return _reduce((x - target) ** 2, reduction)


def huber_loss(x: Any, target: Any, reduction: Reduction = "mean", delta: float = 1.0) -> Tensor:
    """Half the squared error up to `delta`, and linear beyond.

    Parameters
    ----------
    x, target : array_like
        Of one shape.
    reduction : {"mean", "sum", "none"}
    delta : float
        Positive.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> huber_loss(np.array([1.0, 3.0]), np.array([0.0, 0.0]), reduction="none")
    tensor([0.5, 2.5])
    """
    if not delta > 0:
        raise ArgumentError(f"huber_loss: delta must be positive, not {delta!r}.")
    x, target = _pair("huber_loss", x, target, reduction)
    error = x - target
    size = mg.absolute(error)
    return _reduce(mg.where(size <= delta, error**2 * 0.5, (size - 0.5 * delta) * delta), reduction)


def binary_cross_entropy_with_logits(
    x: Any, target: Any, weight: Any = None, reduction: Reduction = "mean", pos_weight: Any = None
) -> Tensor:
    """Cross-entropy of yes/no logits against probabilities; safe for logits of any size.

    Parameters
    ----------
    x, target : array_like
        Of one shape; targets from 0 to 1.
    weight : array_like, optional
        Factor of each loss; broadcasts.
    reduction : {"mean", "sum", "none"}
    pos_weight : array_like, optional
        Factor of the positive part; broadcasts.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> binary_cross_entropy_with_logits(np.array([0.0]), np.array([1.0]))
    tensor(0.69314718)
    """
    x, target = _pair("binary_cross_entropy_with_logits", x, target, reduction)
    negative_log = softplus(-x)  # of the probability of yes
    if pos_weight is not None:
        negative_log = negative_log * (1.0 + (_like(pos_weight, x) - 1.0) * target)
    losses = (1.0 - target) * x + negative_log
    if weight is not None:
        losses = losses * _like(weight, x)
    return _reduce(losses, reduction)


def one_hot(target: Any, num_classes: int = -1) -> Tensor:
    """Class numbers as rows with a single 1, of integers.

    Parameters
    ----------
    target : array_like of int
    num_classes : int
        By default one more than the largest class number.

    Examples
    --------
    >>> one_hot([0, 2])
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    labels = as_tensor(target)
    classes = int(labels._value.max(initial=-1)) + 1 if num_classes == -1 else num_classes
    _check_labels("one_hot", labels, classes)
    return Tensor(np.eye(classes, dtype=np.int64)[labels._value])


# What they share ------------------------------------------------------------------------------


def _rows(who: str, scores: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, tuple[int, ...]]:
    """Scores as (examples, classes), labels as (examples,), and the shape of the examples."""
    expected = scores.shape[:1] + scores.shape[2:] if scores.ndim > 1 else ()
    if not scores.ndim or labels.shape != expected:
        raise ShapeError(
            f"{who}: scores are {describe(scores)} and targets {describe(labels)}. Scores are (N, C), "
            "one column per class, or (N, C, d1, ...); class numbers have that shape without C"
            + (f", here {list(expected)}." if scores.ndim else ".")
        )
    if scores.ndim > 2:
        scores = mg.transpose(scores, (0, *range(2, scores.ndim), 1))
    if scores.ndim != 2:
        scores, labels = mg.reshape(scores, (labels.size, -1)), mg.reshape(labels, (-1,))
    return scores, labels, expected


def _check_labels(who: str, labels: Tensor, classes: int) -> None:
    numbers = labels._value
    if labels.dtype.kind not in "iu":
        raise DtypeError(
            f"{who}: class numbers are integers, and these are {describe(labels)}. Write "
            "target.astype(int)."
        )
    if numbers.size and (numbers.min() < 0 or numbers.max() >= classes):
        raise ArgumentError(
            f"{who}: class numbers from {numbers.min()} to {numbers.max()} were given for {classes} "
            f"classes; they run from 0 to {classes - 1}."
        )


def _from_logs(
    who: str,
    logs: Tensor,
    labels: Tensor,
    shape: tuple[int, ...],
    weight: Any,
    ignore_index: int,
    reduction: str,
    smoothing: float,
) -> Tensor:
    """Losses from (examples, classes) log-probabilities.  Labels stay tensors: a traced graph
    reads them anew on replay."""
    count, classes = logs.shape
    ignored = None
    if (labels._value == ignore_index).any():
        ignored = labels == ignore_index
        labels = mg.where(ignored, 0, labels)
    _check_labels(who, labels, classes)
    losses = -logs[np.arange(count), labels]
    shares = None  # of each example in the mean
    if weight is not None:
        weight = _class_weights(who, weight, classes, logs)
        shares = weight[labels]
        losses = losses * shares
    if smoothing:
        everywhere = -mg.sum(logs if weight is None else logs * weight, axis=1)
        losses = losses * (1.0 - smoothing) + everywhere * (smoothing / classes)
    if ignored is not None:
        losses = mg.where(ignored, 0.0, losses)
        shares = mg.where(ignored, 0.0, shares if shares is not None else np.ones(count, logs.dtype))
    if reduction == "none":
        return mg.reshape(losses, shape)
    if reduction == "mean" and shares is not None:
        total = mg.sum(shares)
        return mg.sum(losses) / total if total._value else mg.sum(losses) * math.nan
    return _reduce(losses, reduction)


def _class_weights(who: str, weight: Any, classes: int, scores: Tensor) -> Tensor:
    weight = _like(weight, scores)
    if weight.shape != (classes,):
        raise ShapeError(
            f"{who}: weight is {describe(weight)}, but it needs one number per class: [{classes}]."
        )
    return weight


def _reduce(losses: Any, reduction: str) -> Tensor:
    return losses if reduction == "none" else mg.mean(losses) if reduction == "mean" else mg.sum(losses)


def _pair(who: str, x: Any, target: Any, reduction: str) -> tuple[Tensor, Tensor]:
    check_reduction(who, reduction)
    x = as_tensor(x)
    target = _like(target, x)
    if x.shape != target.shape:
        raise ShapeError(
            f"{who}: x is {describe(x)}, but target is {describe(target)}; their shapes must be equal. "
            "Reshape one of them: broadcasting would compare every value with every other."
        )
    return x, target


def _like(value: Any, x: Tensor) -> Tensor:
    """Data in x's dtype; something tracked stays as it is."""
    value = as_tensor(value)
    return value if value.requires_grad or value.dtype == x.dtype else mg.astype(value, x.dtype)


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
