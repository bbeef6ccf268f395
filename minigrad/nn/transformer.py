"""The transformer's encoder: attention and a small network by turns, each with a way around it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..tensor import Tensor
from . import functional
from .attention import MultiheadAttention
from .containers import ModuleList
from .dropout import Dropout
from .functional.arguments import as_input
from .layers import Linear, check_size
from .module import Module
from .per_example import LayerNorm

_ACTIVATIONS = {"relu": functional.relu, "gelu": functional.gelu}


class TransformerEncoderLayer(Module):
    """A transformer block: self-attention, then two linear maps, each added to its input.

    Parameters
    ----------
    d_model : int
        Number of features.
    nhead : int
        Number of heads.
    dim_feedforward : int
        Number of features between the two linear maps.
    dropout : float
        Probability for all dropouts, in training mode.
    activation : {"relu", "gelu"} or callable
        Between the two linear maps.
    layer_norm_eps : float
        Added to the variance inside the root.
    batch_first : bool
        Whether sequences are (N, L, d_model) instead of (L, N, d_model).
    norm_first : bool
        Whether each part is normalised before it, and not after the sum.
    bias : bool
        Whether linear maps and norms have biases.
    dtype : dtype
        Of the parameters; float32, as in PyTorch.
    generator : numpy.random.Generator, optional
        For the first values and the dropout; by default the one of :func:`minigrad.manual_seed`.

    References
    ----------
    Vaswani et al., 2017, arXiv:1706.03762; for `norm_first` Xiong et al., 2020, arXiv:2002.04745.

    Examples
    --------
    >>> import minigrad as mg
    >>> block = mg.nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, batch_first=True)
    >>> block(mg.tensor(np.ones((1, 5, 8), "float32"))).shape
    (1, 5, 8)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Any], Tensor] = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        dtype: Any = np.float32,
        *,
        generator: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout, bias, batch_first=batch_first, dtype=dtype, generator=generator
        )
        self.linear1 = Linear(d_model, dim_feedforward, bias, dtype, generator=generator)
        self.dropout = Dropout(dropout, generator=generator)
        self.linear2 = Linear(dim_feedforward, d_model, bias, dtype, generator=generator)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.dropout1 = Dropout(dropout, generator=generator)
        self.dropout2 = Dropout(dropout, generator=generator)
        if isinstance(activation, str):
            if activation not in _ACTIVATIONS:
                raise ArgumentError(
                    'TransformerEncoderLayer: activation is "relu", "gelu" or a function, not '
                    f"{activation!r}."
                )
            activation = _ACTIVATIONS[activation]
        self.activation: Any = activation

    def forward(
        self,
        src: Any,
        src_mask: Any = None,
        src_key_padding_mask: Any = None,
        is_causal: bool = False,
    ) -> Tensor:
        """The sequence after this block; masks as in :class:`MultiheadAttention`."""
        x, masks = as_input(src), (src_mask, src_key_padding_mask, is_causal)
        if self.norm_first:
            x = x + self._attended(self.norm1(x), *masks)
            return x + self._fed_forward(self.norm2(x))
        x = self.norm1(x + self._attended(x, *masks))
        return self.norm2(x + self._fed_forward(x))

    def _attended(self, x: Tensor, mask: Any, padding: Any, is_causal: bool) -> Tensor:
        out, _ = self.self_attn(
            x, x, x, padding, need_weights=False, attn_mask=mask, is_causal=is_causal
        )
        return self.dropout1(out)

    def _fed_forward(self, x: Tensor) -> Tensor:
        return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerEncoder(Module):
    """Several blocks, one after the other.

    Parameters
    ----------
    encoder_layer : TransformerEncoderLayer
        It is copied, so that all blocks begin with the same values, as in PyTorch.
    num_layers : int
    norm : Module, optional
        Applied to the output.
    enable_nested_tensor, mask_check : bool
        Accepted for PyTorch's sake: they choose between implementations there.

    Examples
    --------
    >>> import minigrad as mg, minigrad.nn as nn
    >>> block = nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, batch_first=True)
    >>> encoder = nn.TransformerEncoder(block, num_layers=3, norm=nn.LayerNorm(8))
    >>> encoder(mg.tensor(np.ones((1, 5, 8), "float32"))).shape
    (1, 5, 8)
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.num_layers = check_size("TransformerEncoder", "num_layers", num_layers)
        if not isinstance(encoder_layer, Module):
            raise ArgumentError(
                f"TransformerEncoder: encoder_layer is a module to copy, not {encoder_layer!r}."
            )
        # A generator stays shared: copies of it would let all blocks drop the same.
        found = [v for m in encoder_layer.modules() for v in m.__dict__.values()]
        shared = {id(v): v for v in found if isinstance(v, np.random.Generator)}
        self.layers = ModuleList(
            [copy.deepcopy(encoder_layer, dict(shared)) for _ in range(num_layers)]
        )
        self.norm = norm

    def forward(
        self,
        src: Any,
        mask: Any = None,
        src_key_padding_mask: Any = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """The sequence after all blocks; masks as in :class:`MultiheadAttention`."""
        x = as_input(src)
        for layer in self.layers:
            x = layer(x, mask, src_key_padding_mask, bool(is_causal))
        return x if self.norm is None else self.norm(x)
