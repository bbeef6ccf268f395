"""What is done to a model from outside: gradient clipping, folding, recalibration."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from ..context import no_grad
from ..errors import ArgumentError, GradientError
from ..tensor import Array, Tensor
from .containers import Sequential
from .convolution import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from .layers import Identity, Linear
from .module import Module
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
        Both in inference mode, with running statistics; the input is (N, in_features).

    Returns
    -------
    Linear
        A new layer in inference mode, with a bias.

    Raises
    ------
    ArgumentError
        In training mode, without running statistics, or if the sizes differ.

    Examples
    --------
    >>> import minigrad as mg, numpy as np
    >>> linear, bn = mg.nn.Linear(3, 2).eval(), mg.nn.BatchNorm1d(2).eval()
    >>> fused = mg.nn.utils.fuse_linear_bn_eval(linear, bn)
    >>> x = np.ones((1, 3), "float32")
    >>> bool(np.allclose(fused(x).data, bn(linear(x)).data))
    True
    """
    scale, shift = _affine("fuse_linear_bn_eval", linear, bn, linear.out_features)
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
        In training mode, without running statistics, or if the sizes differ.

    Examples
    --------
    >>> import minigrad as mg, numpy as np
    >>> conv, bn = mg.nn.Conv2d(1, 2, 3).eval(), mg.nn.BatchNorm2d(2).eval()
    >>> fused = mg.nn.utils.fuse_conv_bn_eval(conv, bn)
    >>> x = np.ones((1, 1, 5, 5), "float32")
    >>> bool(np.allclose(fused(x).data, bn(conv(x)).data))
    True
    """
    scale, shift = _affine("fuse_conv_bn_eval", conv, bn, conv.out_channels)
    weight = conv.weight._value
    window = (1,) * (weight.ndim - 2)
    if isinstance(conv, ConvTranspose):  # (C, O / groups, window): every group has its own outputs
        groups = (conv.groups, -1, *weight.shape[1:])
        per_output = scale.reshape(conv.groups, 1, -1, *window)
        wide = (weight.reshape(groups) * per_output).reshape(weight.shape)
    else:
        wide = weight * scale.reshape(-1, 1, *window)
    return _with_affine(conv, wide, scale, shift)


def _affine(who: str, layer: Any, bn: BatchNorm, outputs: int) -> tuple[Array, Array]:
    """The factor and the shift per channel that a batch norm is in inference mode."""
    kind = type(layer).__name__
    if layer.training or bn.training:
        raise ArgumentError(
            f"{who}: in training mode the statistics depend on the batch, so there is no one affine "
            "map. Call .eval() first."
        )
    if bn.running_mean is None or bn.running_var is None:
        raise ArgumentError(
            f"{who}: the batch norm has no running statistics (track_running_stats=False)."
        )
    if outputs != bn.num_features:
        raise ArgumentError(
            f"{who}: the {kind} has {outputs} outputs, but the batch norm {bn.num_features} features."
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


def fold_batchnorm(model: Module) -> Module:
    """A copy of a model, for inference, without the batch norms that a layer before can absorb.

    Parameters
    ----------
    model : Module
        Wherever a Sequential in it holds a batch norm right after a Linear or a convolution, the
        pair becomes one such layer and an Identity.

    Returns
    -------
    Module
        A copy in inference mode; the model itself stays as it is.

    Examples
    --------
    >>> import minigrad.nn as nn
    >>> nn.utils.fold_batchnorm(nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU()))
    Sequential(
      (0): Linear(in_features=4, out_features=8, bias=True)
      (1): Identity()
      (2): ReLU()
    )
    """
    folded = copy.deepcopy(model).eval()
    for module in list(folded.modules()):
        if not isinstance(module, Sequential):
            continue
        named = list(module.named_children())
        for (first, layer), (second, bn) in pairwise(named):
            if type(bn) is not _ABSORBED.get(type(layer)) or bn.running_mean is None:
                continue
            fuse: Any = fuse_linear_bn_eval if type(layer) is Linear else fuse_conv_bn_eval
            module.add_module(first, fuse(layer, bn))
            module.add_module(second, Identity().eval())
    return folded


def recalibrate(model: Module, loader: Iterable[Any]) -> Module:
    """Set running statistics to plain averages over batches: the paper's Algorithm 2.

    Moving averages lag behind the weights.  Here the trained model stays as it is, and each
    batch norm averages the mean and the variance (with m / (m - 1)) of the given batches.
    Only batch norms run in training mode meanwhile: dropout and the like are off, as they
    will be in use.

    Parameters
    ----------
    model : Module
    loader : iterable
        Batches; of a tuple or list the first entry is the input.

    Returns
    -------
    Module
        The model, its modes as before.

    Raises
    ------
    ArgumentError
        If there are no batches, or nothing tracks statistics.

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
    layers = [m for m in model.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    if not layers:
        raise ArgumentError(
            f"recalibrate: no batch norm in this {type(model).__name__} keeps statistics."
        )
    modes = {m: m.training for m in model.modules()}
    before = [(m, m.momentum, m.state_dict()) for m in layers]
    batches = 0
    try:
        model.eval()
        for layer in layers:
            layer.reset_running_stats()
            layer.momentum = None
            layer.train()
        with no_grad():
            for batch in loader:
                model(batch[0] if isinstance(batch, tuple | list) else batch)
                batches += 1
    except BaseException:
        batches = 0
        raise
    finally:
        for module, mode in modes.items():
            module.training = mode
        for layer, momentum, state in before:
            layer.momentum = momentum
            if not batches:  # nothing, or not all: the old statistics are better than half of them
                layer.load_state_dict(state)
    if not batches:
        raise ArgumentError(
            "recalibrate: the loader gave no batches, so the statistics stay as they were. A generator "
            "that was used before is empty: pass a DataLoader."
        )
    return model
