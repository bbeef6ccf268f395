"""Losses and metrics by name.

A loss is a function of outputs and targets that returns one tracked number; a metric is one of
NumPy arrays.  Losses have PyTorch's names, and also Keras', whose cross-entropies take
probabilities where PyTorch's take logits.
"""

from __future__ import annotations

import difflib
import math
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

import minigrad as mg

from ..errors import ArgumentError, ShapeError
from ..nn import functional
from ..nn.functional.arguments import like_of
from ..tensor import Array, Tensor, describe

Loss = Callable[[Any, Any], Tensor]
Metric = Callable[[Any, Any], Any]
_SMALLEST = 1e-7  # Keras cuts probabilities off here, before it takes the logarithm


def _log(probabilities: Any) -> Tensor:
    return mg.log(mg.clip(probabilities, _SMALLEST, 1.0 - _SMALLEST))


def _shares(who: str, probabilities: Any, target: Any) -> Tensor:
    target = like_of(target, probabilities)
    if target.shape != probabilities.shape:
        raise ShapeError(
            f"{who}: the outputs are {describe(probabilities)}, but the targets are "
            f"{describe(target)}; their shapes must be equal."
        )
    return target


def _of_class_numbers(probabilities: Any, target: Any) -> Tensor:
    return functional.nll_loss(_log(probabilities), target)


def _of_class_shares(probabilities: Any, target: Any) -> Tensor:
    target = _shares("categorical_crossentropy", probabilities, target)
    return -(target * _log(probabilities)).sum(axis=-1).mean()


def _of_yes_and_no(probabilities: Any, target: Any) -> Tensor:
    target = _shares("binary_crossentropy", probabilities, target)
    return -(target * _log(probabilities) + (1.0 - target) * _log(1.0 - probabilities)).mean()


LOSSES: dict[str, Loss] = {
    "cross_entropy": functional.cross_entropy,
    "nll": functional.nll_loss,
    "bce_with_logits": functional.binary_cross_entropy_with_logits,
    "mse": functional.mse_loss,
    "l1": functional.l1_loss,
    "smooth_l1": functional.smooth_l1_loss,
    "huber": functional.huber_loss,
    "sparse_categorical_crossentropy": _of_class_numbers,
    "categorical_crossentropy": _of_class_shares,
    "binary_crossentropy": _of_yes_and_no,
    "mean_squared_error": functional.mse_loss,
    "mean_absolute_error": functional.l1_loss,
}


def accuracy(outputs: Any, targets: Any) -> float:
    """The share of examples that are classified as they should be.

    Parameters
    ----------
    outputs : array_like, shape (N, C, ...) or (N,) or (N, 1)
        Scores or probabilities per class; or yes/no answers, above one half for yes.
    targets : array_like
        Class numbers, or something of the shape of `outputs`.

    Returns
    -------
    float

    Examples
    --------
    >>> accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 1])
    0.5
    """
    return _accuracy(_array(outputs), _array(targets), 0.5)


def _accuracy_of_logits(outputs: Any, targets: Any) -> float:
    return _accuracy(_array(outputs), _array(targets), 0.0)


def _accuracy(outputs: Array, targets: Array, threshold: float) -> float:
    if outputs.ndim < 2 or outputs.shape[1] == 1:
        answers, right = outputs > threshold, targets > 0.5
    else:
        answers = outputs.argmax(axis=1)
        right = targets.argmax(axis=1) if targets.shape == outputs.shape else targets
    if answers.size != right.size:
        raise ArgumentError(
            f"accuracy: outputs of shape {list(outputs.shape)} do not fit targets of shape "
            f"{list(targets.shape)}."
        )
    return float(np.mean(answers.reshape(-1) == right.reshape(-1)))


def _mse(outputs: Any, targets: Any) -> float:
    return float(np.mean(np.square(_array(outputs) - _array(targets), dtype=np.float64)))


def _mae(outputs: Any, targets: Any) -> float:
    return float(np.mean(np.abs(_array(outputs) - _array(targets)), dtype=np.float64))


METRICS: dict[str, Metric] = {"accuracy": accuracy, "mse": _mse, "mae": _mae}


def find_loss(loss: Any) -> Loss:
    """The loss of a name, or the callable itself.

    Examples
    --------
    >>> find_loss("mse")([1.0, 3.0], [0.0, 0.0])
    tensor(5.)
    >>> find_loss("cross-entropy")
    Traceback (most recent call last):
    minigrad.errors.ArgumentError: fit: there is no loss 'cross-entropy'; did you mean ...
    """
    if isinstance(loss, str):
        return LOSSES[_known("loss", loss, LOSSES)]
    if not callable(loss):
        raise ArgumentError(
            f"fit: loss is a name or a function of outputs and targets, not {loss!r}. "
            f"Names: {', '.join(LOSSES)}."
        )
    return loss


def find_metrics(metrics: Any, loss: Any) -> dict[str, Metric]:
    """Metrics by name; yes/no answers are judged as the loss reads them.

    Examples
    --------
    >>> list(find_metrics(["accuracy"], "cross_entropy"))
    ['accuracy']
    """
    if metrics is None:
        return {}
    if isinstance(metrics, str) or callable(metrics):
        metrics = [metrics]
    if not isinstance(metrics, Mapping | Iterable):
        raise ArgumentError(f"fit: metrics is a list of names or functions, not {metrics!r}.")
    pairs = metrics.items() if isinstance(metrics, Mapping) else [(None, m) for m in metrics]
    found: dict[str, Metric] = {}
    for name, metric in pairs:
        if isinstance(metric, str):
            key = _known("metric", metric, METRICS)
            function = METRICS[key]
            if key == "accuracy" and _takes_logits(loss):
                function = _accuracy_of_logits
        elif callable(metric):
            key, function = getattr(metric, "__name__", type(metric).__name__), metric
        else:
            raise ArgumentError(f"fit: a metric is a name or a function, not {metric!r}.")
        key = name or key
        if key in found or key in ("loss", "lr"):
            raise ArgumentError(
                f"fit: {key!r} is taken already. Pass metrics={{'another_name': ...}} to name a metric."
            )
        found[key] = function
    return found


def measure(metrics: Mapping[str, Metric], outputs: Any, targets: Any) -> dict[str, float]:
    """The value of every metric on one batch.

    Examples
    --------
    >>> measure({"mae": METRICS["mae"]}, np.array([1.0]), np.array([3.0]))
    {'mae': 2.0}
    """
    return {
        name: _number(name, metric(_untracked(outputs), _untracked(targets)))
        for name, metric in metrics.items()
    }


def check_loss(value: Any) -> Tensor:
    """The value of a loss, if it is one tracked number.

    Examples
    --------
    >>> check_loss(mg.tensor([1.0, 2.0]))
    Traceback (most recent call last):
    minigrad.errors.ArgumentError: fit: the loss must be one number, and it is a tensor float64[2]. ...
    """
    if not isinstance(value, Tensor) or value.size != 1:
        found = describe(value) if isinstance(value, Tensor) else f"{type(value).__name__} {value!r}"
        raise ArgumentError(
            f"fit: the loss must be one number, and it is {found}. Let it end in .mean() or .sum()."
        )
    if not value.requires_grad:
        raise ArgumentError(
            "fit: the loss does not depend on any parameter. Compute it from the model's outputs with "
            "minigrad's functions; .numpy(), .item() and .detach() cut it off."
        )
    return value


def warn_of_probabilities(loss: Any, outputs: Any) -> None:
    """Warn if a loss that applies the softmax itself is given what has been through one.

    Examples
    --------
    >>> warn_of_probabilities("cross_entropy", mg.tensor([[2.0, -1.0]]))  # logits: all is well
    """
    if not (loss == "cross_entropy" or type(loss).__name__ == "CrossEntropyLoss"):
        return
    scores = _untracked(outputs)
    if not isinstance(scores, np.ndarray) or scores.ndim < 2 or scores.shape[1] < 2:
        return
    if scores.min() >= 0.0 and np.allclose(scores.sum(axis=1), 1.0, atol=1e-3):
        classes = scores.shape[1]
        floor = -math.log(math.e / (math.e + classes - 1))
        warnings.warn(
            "fit: the model's outputs look like probabilities, but cross_entropy takes logits and "
            f"applies a softmax itself. Squashed twice, this loss of {classes} classes cannot fall "
            f"below {floor:.4f}. Leave the model's last Softmax out, or write "
            'loss="sparse_categorical_crossentropy", which takes probabilities as in Keras.',
            UserWarning,
            stacklevel=5,
        )


def _known(kind: str, name: str, table: Mapping[str, Any]) -> str:
    if name in table:
        return name
    near = difflib.get_close_matches(name, table, 1)
    meant = f"; did you mean {near[0]!r}?" if near else "."
    raise ArgumentError(
        f"fit: there is no {kind} {name!r}{meant} Names: {', '.join(table)}; or pass a function."
    )


def _takes_logits(loss: Any) -> bool:
    return loss == "bce_with_logits" or type(loss).__name__ == "BCEWithLogitsLoss"


def _untracked(value: Any) -> Any:
    return value._value if isinstance(value, Tensor) else value


def _array(value: Any) -> Array:
    return np.asarray(_untracked(value))


def _number(name: str, value: Any) -> float:
    try:
        return float(_untracked(value))
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"fit: the metric {name!r} must give one number, not {value!r}.") from error
