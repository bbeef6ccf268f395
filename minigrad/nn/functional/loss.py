"""Losses, with PyTorch's reductions."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

import minigrad as mg

from ...errors import ArgumentError, DtypeError, ShapeError
from ...functional import softmax_cross_entropy
from ...tensor import FLOATING, Tensor, as_tensor, describe
from .arguments import as_input, check_probability, check_reduction, like_of

Reduction = Literal["mean", "sum", "none"]


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
        Examples of this class number do not count; class probabilities have no number.
    reduction : {"mean", "sum", "none"}
        For class numbers the mean is weighted by `weight`.
    label_smoothing : float
        Share of the target, from 0 to 1, that goes evenly to all classes.

    Returns
    -------
    Tensor
        A scalar, or one loss per example.  The mean of no examples is NaN, and their sum 0.

    Raises
    ------
    ShapeError, DtypeError, ArgumentError
        For shapes that do not fit, for class numbers out of range, and for an `ignore_index` with
        probabilities.

    Examples
    --------
    >>> cross_entropy(np.array([[0.0, 0.0], [0.0, 0.0]]), [1, 0])
    tensor(0.69314718)
    """
    check_reduction("cross_entropy", reduction)
    check_probability("cross_entropy", label_smoothing, "label_smoothing")
    with mg.scope("cross_entropy"):
        logits, target = as_input(logits), as_input(target)
        if target.dtype not in FLOATING or target.shape != logits.shape:
            scores, labels, shape = _rows("cross_entropy", logits, target)
            settings = weight, ignore_index, reduction, label_smoothing
            return _of_classes("cross_entropy", scores, labels, shape, *settings)
        if ignore_index != -100:
            raise ArgumentError(
                f"cross_entropy: ignore_index={ignore_index!r} is for class numbers, and the target "
                f"{describe(target)} holds probabilities. Leave it out; a target of zeros adds nothing "
                "to the sum."
            )
        axis = 1 if logits.ndim > 1 else 0
        classes = logits.shape[axis]
        target = like_of(target, logits)
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
    logs, labels, shape = _rows("nll_loss", as_input(log_probabilities), as_input(target))
    return _of_classes("nll_loss", logs, labels, shape, weight, ignore_index, reduction)


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


def l1_loss(x: Any, target: Any, reduction: Reduction = "mean") -> Tensor:
    """Absolute error.

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
    >>> l1_loss([1.0, -3.0], [0.0, 0.0])
    tensor(2.)
    """
    x, target = _pair("l1_loss", x, target, reduction)
    return _reduce(mg.absolute(x - target), reduction)


def smooth_l1_loss(x: Any, target: Any, reduction: Reduction = "mean", beta: float = 1.0) -> Tensor:
    """Absolute error less ``beta / 2``, rounded off where it is below `beta`.

    Parameters
    ----------
    x, target : array_like
        Of one shape.
    reduction : {"mean", "sum", "none"}
    beta : float
        Zero or positive; zero rounds nothing off.

    Returns
    -------
    Tensor

    Notes
    -----
    It is :func:`huber_loss` with ``delta=beta``, divided by beta.

    Examples
    --------
    >>> smooth_l1_loss([0.5, 3.0], [0.0, 0.0], reduction="none", beta=2.0)
    tensor([0.0625, 2.    ])
    """
    if not beta >= 0:
        raise ArgumentError(f"smooth_l1_loss: beta must be zero or positive, not {beta!r}.")
    x, target = _pair("smooth_l1_loss", x, target, reduction)
    error = x - target
    size = mg.absolute(error)
    if not beta:
        return _reduce(size, reduction)
    return _reduce(mg.where(size < beta, error**2 * (0.5 / beta), size - 0.5 * beta), reduction)


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
    negative_log = mg.softplus(-x)  # of the probability of yes
    if pos_weight is not None:
        negative_log = negative_log * (1.0 + (like_of(pos_weight, x) - 1.0) * target)
    losses = (1.0 - target) * x + negative_log
    if weight is not None:
        losses = losses * like_of(weight, x)
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
        rows = (labels.size, scores.shape[-1])
        scores, labels = mg.reshape(scores, rows), mg.reshape(labels, (labels.size,))
    return scores, labels, expected


def _check_labels(who: str, labels: Tensor, classes: int, ignore_index: int | None = None) -> bool:
    """Refuse what is no class number; whether there are any that do not count."""
    numbers = labels._value
    if not isinstance(ignore_index, int | np.integer | None):
        raise ArgumentError(f"{who}: ignore_index is an integer, not {ignore_index!r}.")
    if labels.dtype.kind not in "iu":
        raise DtypeError(
            f"{who}: class numbers are integers, and these are {describe(labels)}. Write "
            "target.astype(int)."
        )
    if _within(numbers, classes) and not (ignore_index is not None and 0 <= ignore_index < classes):
        return False
    counted = numbers[numbers != ignore_index]
    if not _within(counted, classes):
        raise ArgumentError(
            f"{who}: class numbers from {counted.min()} to {counted.max()} were given for {classes} "
            f"classes; they run from 0 to {classes - 1}."
        )
    return counted.size < numbers.size


def _within(numbers: Any, classes: int) -> bool:
    """Whether all are from 0 to classes - 1; read as unsigned, negative ones are the largest."""
    unsigned = numbers.view(f"u{numbers.itemsize}")
    return not numbers.size or bool(np.maximum.reduce(unsigned, axis=None) < classes)


def _of_classes(
    who: Literal["cross_entropy", "nll_loss"],
    scores: Tensor,
    labels: Tensor,
    shape: tuple[int, ...],
    weight: Any,
    ignore_index: int,
    reduction: str,
    smoothing: float = 0.0,
) -> Tensor:
    """Losses from (examples, classes) scores; those of `nll_loss` are log-probabilities, not smoothed.

    Labels stay tensors: a traced graph reads them anew on replay.
    """
    count, classes = scores.shape
    ignored = None
    if _check_labels(who, labels, classes, ignore_index):
        ignored = labels == ignore_index
        labels = mg.where(ignored, 0, labels)
    if who == "cross_entropy" and not smoothing:
        losses = softmax_cross_entropy(scores, labels)
    else:
        logs = mg.log_softmax(scores, axis=1) if smoothing else scores
        losses = -logs[np.arange(count), labels]
    shares = None  # of each example in the mean
    if weight is not None:
        weight = _class_weights(who, weight, classes, scores)
        shares = weight[labels]
        losses = losses * shares
    if smoothing:
        everywhere = -mg.sum(logs if weight is None else logs * weight, axis=1)
        losses = losses * (1.0 - smoothing) + everywhere * (smoothing / classes)
    if ignored is not None:
        losses = mg.where(ignored, 0.0, losses)
        shares = mg.where(ignored, 0.0, shares if shares is not None else np.ones(count, scores.dtype))
    if reduction == "none":
        return mg.reshape(losses, shape)
    if reduction == "mean" and shares is not None:
        total = mg.sum(shares)
        return mg.sum(losses) / total if total._value else mg.sum(losses) * math.nan
    return _reduce(losses, reduction)


def _class_weights(who: str, weight: Any, classes: int, scores: Tensor) -> Tensor:
    weight = like_of(weight, scores)
    if weight.shape != (classes,):
        raise ShapeError(
            f"{who}: weight is {describe(weight)}, but it needs one number per class: [{classes}]."
        )
    return weight


def _reduce(losses: Any, reduction: str) -> Tensor:
    if reduction == "mean" and not losses.size:
        return mg.sum(losses) * math.nan  # as PyTorch, and without NumPy's warning
    return losses if reduction == "none" else mg.mean(losses) if reduction == "mean" else mg.sum(losses)


def _pair(who: str, x: Any, target: Any, reduction: str) -> tuple[Tensor, Tensor]:
    check_reduction(who, reduction)
    x = as_input(x)
    target = like_of(target, x)
    if x.shape != target.shape:
        raise ShapeError(
            f"{who}: x is {describe(x)}, but target is {describe(target)}; their shapes must be equal. "
            "Reshape one of them: broadcasting would compare every value with every other."
        )
    return x, target
