"""Layers and losses as plain functions, by PyTorch's names and arguments.

All are made of minigrad's own operations and have no derivative rules of their own.
"""

from .activation import (
    leaky_relu,
    log_softmax,
    relu,
    sigmoid,
    silu,
    softmax,
    softplus,
    tanh,
)  # fmt: skip
from .arguments import check_probability, check_reduction, normal_shape, same_dtype
from .linear import dropout, linear
from .loss import (
    Reduction,
    binary_cross_entropy_with_logits,
    cross_entropy,
    huber_loss,
    mse_loss,
    nll_loss,
    one_hot,
)  # fmt: skip
from .normalization import batch_norm, layer_norm

__all__ = [
    "batch_norm", "binary_cross_entropy_with_logits", "cross_entropy", "dropout", "huber_loss",
    "layer_norm", "leaky_relu", "linear", "log_softmax", "mse_loss", "nll_loss", "one_hot", "relu",
    "sigmoid", "silu", "softmax", "softplus", "tanh",
]  # fmt: skip
