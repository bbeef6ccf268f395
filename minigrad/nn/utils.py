"""What is done to a model from outside: gradient clipping, folding, recalibration."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from ..context import no_grad
from ..errors import ArgumentError, GradientError, ShapeError
from ..tensor import Array, Tensor, describe
from .containers import Sequential
from .convolution import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from .functional.arguments import as_input
from .layers import Identity, Linear
from .module import Module, converted, dtype_of
from .normalization import BatchNorm1d, BatchNorm2d, BatchNorm3d, _BatchNorm
from .parameter import Parameter

Parameters = Tensor | Iterable[Tensor]
Conv = Conv1d | Conv2d | Conv3d | ConvTranspose1d | ConvTranspose2d | ConvTranspose3d
ConvTranspose = ConvTranspose1d | ConvTranspose2d | ConvTranspose3d
BatchNorm = BatchNorm1d | BatchNorm2d | BatchNorm3d

# Which batch norm can follow a layer.
_ABSORBED: dict[type[Module], type[Module]] = {
    Linear: BatchNorm1d, Conv1d: BatchNorm1d, Conv2d: BatchNorm2d, Conv3d: BatchNorm3d,
    ConvTranspose1d: BatchNorm1d, ConvTranspose2d: BatchNorm2d, ConvTranspose3d: BatchNorm3d,
}  # fmt: skip


# Clipping -----------------------------------------------------------------------------------


def clip_grad_norm_(
    parameters: Parameters,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """Scale all gradients together so that their norm is at most `max_norm`.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Those without a gradient are passed over.
    max_norm : float
    norm_type : float
        The order; ``math.inf`` for the largest entry.
    error_if_nonfinite : bool
        Whether a NaN or infinite norm is an error.

    Returns
    -------
    Tensor, shape ()
        The norm before.

    Raises
    ------
    GradientError
        For a norm that is not finite, if asked.

    Examples
    --------
    >>> import minigrad as mg
    >>> w = mg.nn.Parameter([3.0, 4.0])
    >>> (w * w).sum().backward()
    >>> mg.nn.utils.clip_grad_norm_([w], max_norm=1.0).item()
    10.0
    >>> [round(g, 6) for g in w.grad.tolist()]
    [0.6, 0.8]
    """
    chosen = _with_gradients(parameters)
    grads = [p.grad._value for p in chosen if p.grad is not None]
    order = float(norm_type)
    if not order > 0:
        raise ArgumentError(f"clip_grad_norm_: norm_type must be positive, not {norm_type!r}.")
    dtype = np.result_type(*[g.dtype for g in grads]) if grads else np.dtype(np.float32)
    norms = np.array([np.linalg.norm(g.reshape(-1).astype(np.float64), order) for g in grads])
    total = float(np.linalg.norm(norms, order)) if grads else 0.0
    if error_if_nonfinite and not math.isfinite(total):
        raise GradientError(
            f"clip_grad_norm_: the norm of the gradients is {total}, so there is no scale that would "
            "help. Find where it arises with mg.debug_nans()."
        )
    scale = max_norm / (total + 1e-6)
    if not scale >= 1.0:
        for p, g in zip(chosen, grads, strict=True):
            p.grad = Tensor(np.asarray(g * g.dtype.type(scale)))
    return Tensor(np.asarray(total, dtype))


def clip_grad_value_(parameters: Parameters, clip_value: float) -> None:
    """Clip every entry of every gradient to ``[-clip_value, clip_value]``.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Those without a gradient are passed over.
    clip_value : float
        Not negative.

    Examples
    --------
    >>> import minigrad as mg
    >>> w = mg.nn.Parameter([3.0, -0.25])
    >>> (w * w).sum().backward()
    >>> mg.nn.utils.clip_grad_value_([w], 1.0)
    >>> w.grad
    tensor([ 1. , -0.5])
    """
    if not clip_value >= 0:
        raise ArgumentError(
            f"clip_grad_value_: clip_value must not be negative, and it is {clip_value!r}."
        )
    for p in _with_gradients(parameters):
        assert p.grad is not None
        p.grad = Tensor(np.asarray(np.clip(p.grad._value, -clip_value, clip_value)))


def _with_gradients(parameters: Parameters) -> list[Tensor]:
    chosen = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [p for p in chosen if p.grad is not None]


# Batch normalization after training ------------------------------------------------------------


def fuse_linear_bn_eval(linear: Linear, bn: BatchNorm1d) -> Linear:
    """One Linear that computes a Linear followed by a BatchNorm1d in inference mode.

    Parameters
    ----------
    linear : Linear
    bn : BatchNorm1d
        Both in inference mode, with running statistics; the input is (N, in_features).  Of more
        axes a batch norm takes the second for the channels, and a Linear the last.

    Returns
    -------
    Linear
        A new layer in inference mode, with a bias.

    Raises
    ------
    ArgumentError
        For other layers, in training mode, without running statistics, with hooks (nothing would
        be left to call them), or if the sizes differ.

    Examples
    --------
    >>> import minigrad as mg, numpy as np
    >>> linear, bn = mg.nn.Linear(3, 2).double().eval(), mg.nn.BatchNorm1d(2).double().eval()
    >>> fused = mg.nn.utils.fuse_linear_bn_eval(linear, bn)
    >>> x = np.ones((1, 3))
    >>> bool(np.allclose(fused(x).data, bn(linear(x)).data))
    True
    """
    scale, shift = _affine("fuse_linear_bn_eval", (Linear,), linear, bn)
    return _with_affine(linear, linear.weight._value * scale[:, None], scale, shift)


def fuse_conv_bn_eval(conv: Conv, bn: BatchNorm) -> Conv:
    """One convolution that computes a convolution followed by a batch norm in inference mode.

    Parameters
    ----------
    conv : Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d or ConvTranspose3d
    bn : BatchNorm1d, BatchNorm2d or BatchNorm3d
        Both in inference mode, with running statistics.

    Returns
    -------
    Module
        A new layer of the same kind in inference mode, with a bias.

    Raises
    ------
    ArgumentError
        For other layers, in training mode, without running statistics, with hooks (nothing would
        be left to call them), or if the sizes differ.

    Examples
    --------
    >>> import minigrad as mg, numpy as np
    >>> conv, bn = mg.nn.Conv2d(1, 2, 3).double().eval(), mg.nn.BatchNorm2d(2).double().eval()
    >>> fused = mg.nn.utils.fuse_conv_bn_eval(conv, bn)
    >>> x = np.ones((1, 1, 5, 5))
    >>> bool(np.allclose(fused(x).data, bn(conv(x)).data))
    True
    """
    scale, shift = _affine(
        "fuse_conv_bn_eval", tuple(k for k in _ABSORBED if k is not Linear), conv, bn
    )
    weight = conv.weight._value
    window = (1,) * (weight.ndim - 2)
    if isinstance(conv, ConvTranspose):  # (C, O / groups, window): every group has its own outputs
        groups = (conv.groups, -1, *weight.shape[1:])
        per_output = scale.reshape(conv.groups, 1, -1, *window)
        wide = (weight.reshape(groups) * per_output).reshape(weight.shape)
    else:
        wide = weight * scale.reshape(-1, 1, *window)
    return _with_affine(conv, wide, scale, shift)


def _affine(who: str, kinds: tuple[type[Module], ...], layer: Any, bn: Any) -> tuple[Array, Array]:
    """The factor and the shift per channel that a batch norm is in inference mode."""
    kind = type(layer).__name__
    fitting = [_ABSORBED[k] for k in kinds if isinstance(layer, k)]
    if not fitting or not isinstance(bn, fitting[0]):
        pairs = " or ".join(
            f"{k.__name__} and a {_ABSORBED[k].__name__}"
            for k in kinds
            if not fitting or isinstance(layer, k)
        )
        raise ArgumentError(
            f"{who}: takes a {pairs}, in this order, not {kind} and {type(bn).__name__}."
        )
    if layer.training or bn.training:
        raise ArgumentError(
            f"{who}: in training mode the statistics depend on the batch, so there is no one affine "
            "map. Call .eval() first."
        )
    for module in (layer, bn):
        if not _is_plain(module):
            raise ArgumentError(
                f"{who}: the {type(module).__name__} has hooks or a forward of its own, which one "
                "layer in the place of two cannot call. Take them away first: handle.remove()."
            )
    if bn.running_mean is None or bn.running_var is None:
        raise ArgumentError(
            f"{who}: the batch norm has no running statistics (track_running_stats=False)."
        )
    if _outputs(layer) != bn.num_features:
        raise ArgumentError(
            f"{who}: the {kind} has {_outputs(layer)} outputs, but the batch norm {bn.num_features} "
            "features."
        )
    # In float64, so that the only rounding is that of the result.
    wide = {k: v._value.astype(np.float64) for k, v in bn.state_dict().items()}
    scale = wide.get("weight", 1.0) / np.sqrt(wide["running_var"] + bn.eps)
    return scale, wide.get("bias", 0.0) - wide["running_mean"] * scale


def _with_affine(layer: Any, weight: Array, scale: Array, shift: Array) -> Any:
    """A copy of a layer with another weight, whose output is scaled and shifted."""
    fused = copy.deepcopy(layer)
    fused.zero_grad()
    fused.weight.data = weight
    if layer.bias is None:
        fused.bias = Parameter(shift.astype(layer.weight.dtype))
    else:
        fused.bias.data = layer.bias._value * scale + shift
    return fused


def _outputs(layer: Any) -> int:
    return int(layer.out_features if isinstance(layer, Linear) else layer.out_channels)


def _is_plain(module: Module) -> bool:
    """Whether calling the module is nothing but the forward of its class."""
    hooks = (
        module._hooks, module._pre_hooks, module._backward_hooks, module._backward_pre_hooks
    )  # fmt: skip
    return not any(hooks) and "forward" not in vars(module)


class Folded(Identity):
    """What :func:`fold_batchnorm` leaves in the place of a batch norm: it passes x on.

    A batch norm takes axis 1 for the channels, and the layer before the last one or the one that
    its window leaves.  For a batch these are one; any other input is refused here.

    Parameters
    ----------
    layer : Linear or convolution
        What the batch norm was folded into.

    Examples
    --------
    >>> import minigrad as mg
    >>> place = Folded(mg.nn.Linear(4, 1))
    >>> place
    Folded(Linear)
    >>> place(mg.tensor([[[1.0]]]))
    Traceback (most recent call last):
    minigrad.errors.ShapeError: fold_batchnorm: a batch norm was folded into the Linear before, ...
    """

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer_name = type(layer).__name__
        self.axes = layer.weight.ndim

    def forward(self, x: Any) -> Tensor:
        """x itself, if it is a batch."""
        x = as_input(x)
        if x.ndim != self.axes:
            raise ShapeError(
                f"fold_batchnorm: a batch norm was folded into the {self.layer_name} before, which is "
                f"exact for outputs of {self.axes} axes only, and this is {describe(x)}. Call the "
                "model that was not folded."
            )
        return x

    def extra_repr(self) -> str:
        """What has absorbed it."""
        return self.layer_name


def fold_batchnorm(model: Module) -> Module:
    """A copy of a model, for inference, without the batch norms that a layer before can absorb.

    Parameters
    ----------
    model : Module
        Wherever a Sequential in it holds a batch norm right after a Linear or a convolution of as
        many outputs, the pair becomes one such layer and a :class:`Folded`, which does nothing.

    Returns
    -------
    Module
        A copy in inference mode; the model itself stays as it is.

    Raises
    ------
    ArgumentError
        If it is no Module.
    ShapeError
        Not here, but by the copy, for input without a batch axis, or for a Linear and a
        BatchNorm1d of more than two: these agree no longer on what a channel is.

    Notes
    -----
    Left as they are: a pair of which one has hooks, a forward of its own or no running statistics,
    and the direct parts of a Sequential with a forward of its own.  A model that calls single parts
    of a Sequential from outside finds the scaled layer there; do not fold such a model.

    Examples
    --------
    >>> import minigrad.nn as nn
    >>> nn.utils.fold_batchnorm(nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU()))
    Sequential(
      (0): Linear(in_features=4, out_features=8, bias=True)
      (1): Folded(Linear)
      (2): ReLU()
    )
    """
    if not isinstance(model, Module):
        raise ArgumentError(f"fold_batchnorm: the model is an nn.Module, not {type(model).__name__}.")
    folded = copy.deepcopy(model).eval()
    for module in list(folded.modules()):
        if not isinstance(module, Sequential) or not _is_chain(module):
            continue
        named = list(module.named_children())
        for (first, layer), (second, bn) in pairwise(named):
            if _can_absorb(layer, bn):
                fuse: Any = fuse_linear_bn_eval if type(layer) is Linear else fuse_conv_bn_eval
                module.add_module(first, fuse(layer, bn))
                module.add_module(second, Folded(layer).eval())
    return folded


def _is_chain(module: Sequential) -> bool:
    """Whether it calls its parts one after another, and does nothing else."""
    own = type(module)
    return (
        own.forward is Sequential.forward
        and own.__call__ is Module.__call__
        and "forward" not in vars(module)
    )


def _can_absorb(layer: Any, bn: Any) -> bool:
    return (
        type(bn) is _ABSORBED.get(type(layer))
        and _is_plain(layer)
        and _is_plain(bn)
        and bn.running_mean is not None
        and bn.running_var is not None
        and _outputs(layer) == bn.num_features
    )


def recalibrate(model: Module, loader: Iterable[Any]) -> Module:
    """Set running statistics to plain averages over batches: the paper's Algorithm 2.

    Moving averages lag behind the weights.  Here the trained model stays as it is, and each
    batch norm averages the mean and the variance of the given batches.  Only batch norms run in
    training mode meanwhile: dropout and the like are off, as they will be in use.

    Parameters
    ----------
    model : Module
    loader : iterable
        Batches; of a tuple or list the first entry is the input.  Floating numbers are converted to
        the dtype of the model's parameters, as :func:`minigrad.fit` does it; a batch of no examples
        does not count.

    Returns
    -------
    Module
        The model, its modes as before.

    Raises
    ------
    ArgumentError
        If there are no batches, nothing tracks statistics, or no batch norm is reached.

    Warns
    -----
    UserWarning
        If some batch norms are never reached; these keep the statistics that they had.

    Notes
    -----
    The variances that are averaged are those of the layer's own convention.  By default
    (``running_var_correction=1``) they are the unbiased ones, with m / (m - 1), as in the paper and
    in PyTorch.  A layer of :meth:`BatchNorm1d.from_keras` or ``from_onnx`` has
    ``running_var_correction=0`` and averages the biased ones: what it is exported to, or goes on
    training with, expects them.

    References
    ----------
    Ioffe and Szegedy, 2015, arXiv:1502.03167, Algorithm 2.

    Examples
    --------
    >>> import minigrad as mg, numpy as np
    >>> model = mg.nn.Sequential(mg.nn.BatchNorm1d(1))
    >>> batches = [np.array([[0.0], [2.0]], "float32"), np.array([[4.0], [6.0]], "float32")]
    >>> bn = mg.nn.utils.recalibrate(model, batches)[0]
    >>> bn.running_mean.tolist(), bn.running_var.tolist()
    ([3.0], [2.0])
    """
    if not isinstance(model, Module):
        raise ArgumentError(f"recalibrate: the model is an nn.Module, not {type(model).__name__}.")
    layers = {
        path: m
        for path, m in model.named_modules()
        if isinstance(m, _BatchNorm) and m.track_running_stats and m.running_mean is not None
    }
    if not layers:
        raise ArgumentError(
            f"recalibrate: no batch norm in this {type(model).__name__} keeps statistics."
        )
    modes = {m: m.training for m in model.modules()}
    before = {path: (m.momentum, m.state_dict()) for path, m in layers.items()}
    dtype = dtype_of(model)
    batches, reached = 0, set()
    try:
        model.eval()
        for layer in layers.values():
            layer.reset_running_stats()
            layer.momentum = None
            layer.train()
        with no_grad():
            for batch in loader:
                model(converted(batch[0] if isinstance(batch, tuple | list) else batch, dtype))
                batches += 1
        reached = {path for path, layer in layers.items() if int(layer.num_batches_tracked)}
    finally:
        for module, mode in modes.items():
            module.training = mode
        for path, (momentum, state) in before.items():
            layers[path].momentum = momentum
            if path not in reached:  # nothing, or not all: the old ones are better than half of them
                layers[path].load_state_dict(state)
    if not batches:
        raise ArgumentError(
            "recalibrate: the loader gave no batches, so the statistics stay as they were. A generator "
            "that was used before is empty: pass a DataLoader."
        )
    if not reached:
        raise ArgumentError(
            f"recalibrate: none of the {batches} batches reached a batch norm with an example, so the "
            "statistics stay as they were."
        )
    missed = [path for path in layers if path not in reached]
    if missed:
        warnings.warn(
            f"recalibrate: the batches never reached {', '.join(missed)}; the statistics there stay as "
            "they were. Pass batches that take every way through the model.",
            UserWarning,
            stacklevel=2,
        )
    return model
