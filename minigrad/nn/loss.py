"""Losses as modules."""

from __future__ import annotations

from typing import Any

from ..errors import ArgumentError
from ..tensor import Tensor, as_tensor
from . import functional
from .functional import Reduction
from .module import Module


class _Loss(Module):
    def __init__(self, reduction: Reduction = "mean") -> None:
        super().__init__()
        functional.check_reduction(type(self).__name__, reduction)
        self.reduction: Reduction = reduction


class _Weighted(_Loss):
    """Weights are buffers: they follow ``to`` and ``state_dict``, as in PyTorch."""

    def __init__(self, reduction: Reduction, **weights: Any) -> None:
        super().__init__(reduction)
        for name, weight in weights.items():
            self.register_buffer(name, None if weight is None else as_tensor(weight))


class CrossEntropyLoss(_Weighted):
    """Cross-entropy of logits against class numbers, or against class probabilities.

    Parameters
    ----------
    weight : array_like, shape (C,), optional
        A weight per class.
    ignore_index : int
        Examples of this class number do not count.
    reduction : {"mean", "sum", "none"}
    label_smoothing : float
        Share of the target, from 0 to 1, that goes evenly to all classes.

    Notes
    -----
    It applies the softmax itself.  A model that ends in Softmax is squashed twice, and the
    loss of ten classes cannot fall below 1.4612.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.CrossEntropyLoss()(mg.tensor([[0.0, 0.0]]), mg.tensor([1]))
    tensor(0.69314718)
    """

    def __init__(
        self,
        weight: Any = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(reduction, weight=weight)
        functional.check_probability("CrossEntropyLoss", label_smoothing, "label_smoothing")
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, logits: Any, target: Any) -> Tensor:
        """The loss of logits (N, C, ...) against class numbers (N, ...)."""
        return functional.cross_entropy(
            logits, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing
        )


class NLLLoss(_Weighted):
    """Negative log-likelihood: minus the log-probability of each example's class.

    Parameters
    ----------
    weight : array_like, shape (C,), optional
        A weight per class.
    ignore_index : int
        Examples of this class number do not count.
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.NLLLoss()(mg.tensor([[-1.0, -2.0]]), mg.tensor([1]))
    tensor(2.)
    """

    def __init__(
        self, weight: Any = None, ignore_index: int = -100, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(reduction, weight=weight)
        self.ignore_index = ignore_index

    def forward(self, log_probabilities: Any, target: Any) -> Tensor:
        """The loss of log-probabilities (N, C, ...) against class numbers (N, ...)."""
        return functional.nll_loss(
            log_probabilities, target, self.weight, self.ignore_index, self.reduction
        )


class MSELoss(_Loss):
    """Squared error.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.MSELoss()(mg.tensor([1.0, 3.0]), mg.tensor([0.0, 0.0]))
    tensor(5.)
    """

    def forward(self, x: Any, target: Any) -> Tensor:
        """The loss of x against a target of its shape."""
        return functional.mse_loss(x, target, self.reduction)


class L1Loss(_Loss):
    """Absolute error.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.L1Loss()(mg.tensor([1.0, -3.0]), mg.tensor([0.0, 0.0]))
    tensor(2.)
    """

    def forward(self, x: Any, target: Any) -> Tensor:
        """The loss of x against a target of its shape."""
        return functional.l1_loss(x, target, self.reduction)


class SmoothL1Loss(_Loss):
    """Absolute error less ``beta / 2``, rounded off where it is below `beta`.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
    beta : float
        Zero or positive; zero rounds nothing off.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.SmoothL1Loss(beta=2.0)(mg.tensor([3.0]), mg.tensor([0.0]))
    tensor(2.)
    """

    def __init__(self, reduction: Reduction = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        if not beta >= 0:
            raise ArgumentError(f"SmoothL1Loss: beta must be zero or positive, not {beta!r}.")
        self.beta = beta

    def forward(self, x: Any, target: Any) -> Tensor:
        """The loss of x against a target of its shape."""
        return functional.smooth_l1_loss(x, target, self.reduction, self.beta)


class HuberLoss(_Loss):
    """Half the squared error up to `delta`, and linear beyond.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
    delta : float
        Positive.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.HuberLoss(reduction="none")(mg.tensor([1.0, 3.0]), mg.tensor([0.0, 0.0]))
    tensor([0.5, 2.5])
    """

    def __init__(self, reduction: Reduction = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = delta

    def forward(self, x: Any, target: Any) -> Tensor:
        """The loss of x against a target of its shape."""
        return functional.huber_loss(x, target, self.reduction, self.delta)


class BCEWithLogitsLoss(_Weighted):
    """Cross-entropy of yes/no logits against probabilities; safe for logits of any size.

    Parameters
    ----------
    weight : array_like, optional
        Factor of each loss; broadcasts.
    reduction : {"mean", "sum", "none"}
    pos_weight : array_like, optional
        Factor of the positive part; broadcasts.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.BCEWithLogitsLoss()(mg.tensor([0.0]), mg.tensor([1.0]))
    tensor(0.69314718)
    """

    def __init__(
        self, weight: Any = None, reduction: Reduction = "mean", pos_weight: Any = None
    ) -> None:
        super().__init__(reduction, weight=weight, pos_weight=pos_weight)

    def forward(self, x: Any, target: Any) -> Tensor:
        """The loss of logits against probabilities of their shape."""
        return functional.binary_cross_entropy_with_logits(
            x, target, self.weight, self.reduction, self.pos_weight
        )
