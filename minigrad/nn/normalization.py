"""Batch normalization as a layer with running statistics."""

from __future__ import annotations

import math
from typing import Any, Literal, Self

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..tensor import FLOATING, Tensor, as_tensor, describe
from . import functional, init
from .functional.arguments import as_input
from .layers import check_size
from .module import Module
from .parameter import Parameter
from .text import extended

Method = Literal["composed", "fused"]


class RunningNorm(Module):
    """What batch norm and instance norm share: parameters and running averages per channel.

    Parameters
    ----------
    num_features : int
        Number of channels.
    eps : float
        Added to the variance inside the root.
    momentum : float or None
        Weight of the new value in the running averages.
    affine : bool
        Whether to learn a scale and a shift.
    track_running_stats : bool
        Whether to keep running averages.
    dtype : dtype
        Of parameters and running averages.
    bias : bool
        False leaves out the shift alone.
    """

    _layouts: tuple[int, ...] = ()  # how many axes the input may have
    _expected = ""

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        dtype: Any,
        *,
        bias: bool,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        self.num_features = check_size(who, "num_features", num_features)
        if not eps >= 0:
            raise ArgumentError(
                f"{who}: eps must be positive (zero in inference mode only), not {eps!r}."
            )
        if momentum is not None and not 0 <= momentum <= 1:
            raise ArgumentError(
                f"{who}: momentum is the weight of the new value, between 0 and 1, or None, not "
                f"{momentum!r}."
            )
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        shape = (self.num_features,)
        self.register_parameter("weight", Parameter(np.ones(shape, dtype)) if affine else None)
        self.register_parameter("bias", Parameter(np.zeros(shape, dtype)) if affine and bias else None)
        tracked = track_running_stats
        self.register_buffer("running_mean", np.zeros(shape, dtype) if tracked else None)
        self.register_buffer("running_var", np.ones(shape, dtype) if tracked else None)
        self.register_buffer("num_batches_tracked", np.zeros((), np.int64) if tracked else None)

    def reset_running_stats(self) -> None:
        """Forget the running averages."""
        if self.running_mean is not None:
            self.running_mean.data = np.zeros(self.num_features)
            self.running_var.data = np.ones(self.num_features)
            self.num_batches_tracked.data = 0

    def reset_parameters(self) -> None:
        """Forget the running averages, and set scale and shift to ones and zeros."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def _checked(self, x: Tensor) -> Tensor:
        """x, if its axes and channels fit."""
        if x.ndim not in self._layouts:
            raise ShapeError(
                f"{type(self).__name__}: x must be {self._expected}, and it is {describe(x)}."
            )
        if x.shape[1] != self.num_features:
            raise ShapeError(
                f"{type(self).__name__}: x is {describe(x)} with {x.shape[1]} channels (axis 1), but "
                f"the layer has num_features={self.num_features}."
            )
        return x

    def extra_repr(self) -> str:
        """The settings."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(RunningNorm):
    """Normalise every channel (axis 1) over the batch and all other axes.

    Training mode uses the statistics of the batch, and lets the gradient flow through them;
    it also moves the running averages.  Inference mode uses the running averages.

    Parameters
    ----------
    num_features : int
        Number of channels.
    eps : float
        Added to the variance inside the root.
    momentum : float or None
        Weight of the new value in the running averages; 0 freezes them, None averages over
        all batches alike.
    affine : bool
        Whether to learn a scale (`weight`, gamma) and a shift (`bias`, beta).
    track_running_stats : bool
        Without running averages, inference mode uses the statistics of the batch too.
    dtype : dtype
        Of parameters and running averages; float32, as in PyTorch.
    bias : bool
        False leaves out the shift alone.
    method : {"composed", "fused"}
        From primitives, so that the graph shows every step; or as one primitive with a
        derivative by hand.
    running_var_correction : float
        1 keeps a running average of the unbiased variance, as PyTorch does; 0 of the biased
        one, as Keras, Flax and ONNX do.  The batch itself is always normalised with the biased one.
    through_statistics : bool
        False holds the batch statistics constant in the derivative, to see what goes wrong.

    Attributes
    ----------
    weight, bias : Parameter or None
        At first ones and zeros.
    running_mean, running_var, num_batches_tracked : Tensor or None
        Buffers: at first zeros, ones, and 0.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        dtype: Any = np.float32,
        *,
        bias: bool = True,
        method: Method = "composed",
        running_var_correction: float = 1,
        through_statistics: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, dtype, bias=bias)
        if method not in ("composed", "fused"):
            raise ArgumentError(
                f'{type(self).__name__}: method is "composed" or "fused", not {method!r}.'
            )
        self.method: Method = method
        self.running_var_correction = running_var_correction
        self.through_statistics = through_statistics

    def forward(self, x: Any) -> Tensor:
        """Normalise x, and in training mode move the running averages."""
        x = self._checked(as_input(x))
        averages = (self.running_mean, self.running_var)
        batch = self.training or (averages[0] is None and averages[1] is None)
        counter, momentum = None, 0.0
        if self.training and not self.track_running_stats:
            averages = (None, None)
        elif self.training:
            counter = self.num_batches_tracked
        if counter is not None:
            momentum = self.momentum if self.momentum is not None else 1.0 / (int(counter) + 1)
        out = functional.batch_norm(
            x, *averages, self.weight, self.bias, batch, momentum, self.eps,
            method=self.method,
            running_var_correction=self.running_var_correction,
            through_statistics=self.through_statistics,
        )  # fmt: skip
        # Of no examples there are no statistics; PyTorch counts such a batch, which does no harm
        # unless the count is what the average divides by.
        if counter is not None and (x.size or self.momentum is not None):
            counter.data = int(counter) + 1
        return out

    def extra_repr(self) -> str:
        """The settings."""
        text = super().extra_repr()
        return text if self.method == "composed" else f"{text}, method={self.method!r}"

    # Other conventions --------------------------------------------------------------------
    @classmethod
    def from_keras(
        cls,
        gamma: Any,
        beta: Any,
        moving_mean: Any,
        moving_variance: Any,
        *,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        method: Method = "composed",
    ) -> Self:
        """A layer that computes and trains like Keras' BatchNormalization.

        Keras' momentum is the weight of the old value, its epsilon is larger by default,
        and its moving variance is biased.  Its channels are the last axis: transpose data of
        more than two dimensions.  Integers become float32, Keras' own dtype.

        Parameters
        ----------
        gamma, beta : array_like or None
            None for a layer with ``scale=False`` or ``center=False``.
        moving_mean, moving_variance : array_like
            ``layer.get_weights()`` returns all four in this order.
        momentum, epsilon : float
            As Keras counts them.
        method : {"composed", "fused"}

        Returns
        -------
        BatchNorm

        Raises
        ------
        ArgumentError
            For a momentum that is not between 0 and 1.

        Examples
        --------
        >>> import minigrad as mg
        >>> layer = mg.nn.BatchNorm1d.from_keras([1.0], [0.0], [0.0], [1.0])
        >>> _ = layer(mg.tensor([[1.0], [2.0], [3.0], [4.0]]))
        >>> round(layer.running_var.item(), 6)
        1.0025
        """
        arrays = {
            "gamma": gamma, "beta": beta, "moving_mean": moving_mean, "moving_variance": moving_variance
        }  # fmt: skip
        return cls._converted("from_keras", arrays, momentum, epsilon, method)

    @classmethod
    def from_onnx(
        cls,
        scale: Any,
        B: Any,
        input_mean: Any,
        input_var: Any,
        *,
        epsilon: float = 1e-5,
        momentum: float = 0.9,
        method: Method = "composed",
    ) -> Self:
        """A layer that computes and trains like ONNX' BatchNormalization (operator set 15).

        Parameters
        ----------
        scale, B, input_mean, input_var : array_like
            The operator's inputs.
        epsilon, momentum : float
            The operator's attributes; momentum is the weight of the old value.
        method : {"composed", "fused"}

        Returns
        -------
        BatchNorm

        Raises
        ------
        ArgumentError
            For a momentum that is not between 0 and 1.

        Examples
        --------
        >>> import minigrad as mg
        >>> layer = mg.nn.BatchNorm1d.from_onnx([1.0], [0.0], [0.0], [1.0])
        >>> _ = layer(mg.tensor([[1.0], [2.0], [3.0], [4.0]]))
        >>> round(layer.running_var.item(), 6)
        1.025
        """
        arrays = {"scale": scale, "B": B, "input_mean": input_mean, "input_var": input_var}
        return cls._converted("from_onnx", arrays, momentum, epsilon, method)

    @classmethod
    def _converted(
        cls, who: str, given: dict[str, Any], momentum: float, epsilon: float, method: Method
    ) -> Self:
        """From scale, shift, mean and variance, in this order and under their names elsewhere."""
        where = f"{cls.__name__}.{who}"
        for name, value, most in (("momentum", momentum, 1.0), ("epsilon", epsilon, math.inf)):
            number = isinstance(value, int | float | np.integer | np.floating)
            if not number or not 0 <= value <= most:
                needed = (
                    "the weight of the old value, between 0 and 1" if most == 1 else "zero or positive"
                )
                raise ArgumentError(f"{where}: {name} is {needed}, not {value!r}.")
        tensors = {name: None if v is None else as_tensor(v) for name, v in given.items()}
        weight, bias, mean, var = tensors.values()
        if mean is None or var is None:
            raise ArgumentError(f"{where}: {' and '.join(list(given)[2:])} are arrays, not None.")
        if any(t is not None and (t.ndim != 1 or t.shape != mean.shape) for t in tensors.values()):
            found = [f"{k} is {describe(t)}" for k, t in tensors.items() if t is not None]
            raise ShapeError(f"{where}: needs one number per channel each, and {', '.join(found)}.")
        floating = [t.dtype for t in (mean, var, weight, bias) if t is not None and t.dtype in FLOATING]
        arrays = {
            "weight": weight, "bias": bias, "running_mean": mean, "running_var": var
        }  # fmt: skip
        layer = cls(
            mean.size,
            epsilon,
            1.0 - momentum,
            affine=weight is not None or bias is not None,
            dtype=floating[0] if floating else np.float32,
            bias=bias is not None,
            method=method,
            running_var_correction=0,
        )
        state = {name: t._value for name, t in arrays.items() if t is not None}
        layer.load_state_dict({**layer.state_dict(), **state})
        if weight is None and bias is not None:
            layer.weight.requires_grad_(False)  # a shift without a scale: ones, not trained
        return layer


class BatchNorm1d(_BatchNorm):
    __doc__ = extended(
        _BatchNorm,
        """
    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.BatchNorm1d(2)
    >>> y = layer(mg.tensor([[1.0, 10.0], [3.0, 30.0]], dtype="float32"))
    >>> [[round(v, 3) for v in row] for row in y.tolist()]
    [[-1.0, -1.0], [1.0, 1.0]]
    >>> layer.running_mean.tolist()
    [0.2..., 2.0]
    """,
    )

    _layouts = (2, 3)
    _expected = "(N, C) or (N, C, L)"


class BatchNorm2d(_BatchNorm):
    __doc__ = extended(
        _BatchNorm,
        """
    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.BatchNorm2d(3)(mg.broadcast_to(mg.tensor(1.0, "float32"), (2, 3, 4, 4))).shape
    (2, 3, 4, 4)
    """,
    )

    _layouts = (4,)
    _expected = "(N, C, H, W)"


class BatchNorm3d(_BatchNorm):
    __doc__ = extended(
        _BatchNorm,
        """
    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.BatchNorm3d(3)(mg.broadcast_to(mg.tensor(1.0, "float32"), (2, 3, 4, 4, 4))).shape
    (2, 3, 4, 4, 4)
    """,
    )

    _layouts = (5,)
    _expected = "(N, C, D, H, W)"
