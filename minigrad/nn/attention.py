"""Multi-head attention: several attentions side by side, each over its share of the features."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import minigrad as mg

from ..errors import ArgumentError, ShapeError
from ..seeding import check_generator
from ..tensor import Tensor, as_tensor, describe
from . import functional, init
from .functional.arguments import as_input
from .layers import Linear, check_size
from .module import Module
from .parameter import Parameter


class MultiheadAttention(Module):
    """Attention in several heads, with linear maps before and after.

    Parameters
    ----------
    embed_dim : int
        Size of queries and of the output; a multiple of `num_heads`.
    num_heads : int
    dropout : float
        Probability to drop a weight, in training mode.
    bias : bool
        Whether the linear maps have biases.
    add_bias_kv : bool
        Whether to append a learned key and value (`bias_k`, `bias_v`), after the linear maps.
    add_zero_attn : bool
        Whether to append a key and a value of zeros: something to look at where nothing fits.
    kdim, vdim : int, optional
        Sizes of keys and values, by default `embed_dim`.
    batch_first : bool
        Whether sequences are (N, L, E) instead of (L, N, E).
    dtype : dtype
        Of the parameters; float32, as in PyTorch.
    generator : numpy.random.Generator, optional
        For the first values and the dropout; by default the one of :func:`minigrad.manual_seed`.

    Attributes
    ----------
    in_proj_weight : Parameter, shape (3 * embed_dim, embed_dim), or None
        For query, key and value, in this order; at first Xavier-uniform.
    q_proj_weight, k_proj_weight, v_proj_weight : Parameter or None
        Instead of it, if keys or values have another size than queries.
    in_proj_bias : Parameter, shape (3 * embed_dim,), or None
        At first zeros.
    bias_k, bias_v : Parameter, shape (1, 1, embed_dim), or None
        At first Xavier-normal.
    out_proj : Linear
        Its bias is zero at first.

    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.MultiheadAttention(4, 2, batch_first=True)
    >>> x = mg.tensor(np.ones((1, 3, 4), "float32"))
    >>> out, weights = layer(x, x, x)
    >>> out.shape, weights.shape
    ((1, 3, 4), (1, 3, 3))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        dtype: Any = np.float32,
        *,
        generator: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        who = "MultiheadAttention"
        self.embed_dim = check_size(who, "embed_dim", embed_dim)
        self.num_heads = check_size(who, "num_heads", num_heads)
        if not embed_dim or not num_heads or embed_dim % num_heads:
            raise ArgumentError(
                f"{who}: embed_dim={embed_dim} must be a positive multiple of num_heads={num_heads}: "
                "each head gets its share."
            )
        self.kdim = embed_dim if kdim is None else check_size(who, "kdim", kdim)
        self.vdim = embed_dim if vdim is None else check_size(who, "vdim", vdim)
        functional.check_probability(who, dropout, "dropout")
        self.dropout = dropout
        self.batch_first = batch_first
        self.generator = check_generator(who, generator)
        packed = self.kdim == self.vdim == embed_dim
        whole = Parameter(np.zeros((3 * embed_dim, embed_dim), dtype)) if packed else None
        self.register_parameter("in_proj_weight", whole)
        for name, size in (("q", embed_dim), ("k", self.kdim), ("v", self.vdim)):
            part = None if packed else Parameter(np.zeros((embed_dim, size), dtype))
            self.register_parameter(f"{name}_proj_weight", part)
        self.register_parameter(
            "in_proj_bias", Parameter(np.zeros(3 * embed_dim, dtype)) if bias else None
        )
        for name in ("bias_k", "bias_v"):
            row = Parameter(np.zeros((1, 1, embed_dim), dtype)) if add_bias_kv else None
            self.register_parameter(name, row)
        self.add_zero_attn = add_zero_attn
        self.out_proj = Linear(embed_dim, embed_dim, bias, dtype, generator=generator)
        self.reset_parameters(generator)

    def reset_parameters(self, generator: np.random.Generator | None = None) -> None:
        """Draw the first values again."""
        for name, parameter in self.named_parameters(recurse=False):
            if name.endswith("weight"):
                init.xavier_uniform_(parameter, generator=generator)
            elif name in ("bias_k", "bias_v"):
                init.xavier_normal_(parameter, generator=generator)
            else:
                init.zeros_(parameter)
        self.out_proj.reset_parameters(generator)
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Let every query look at all keys.

        Parameters
        ----------
        query : array_like, shape (L, N, embed_dim), or (L, embed_dim) without a batch
        key : array_like, shape (S, N, kdim) or (S, kdim)
        value : array_like, shape (S, N, vdim) or (S, vdim)
        key_padding_mask : array_like, shape (N, S) or (S,), optional
            Booleans: True for keys that nobody may look at.  Numbers are added to the scores.
        need_weights : bool
            Whether to return the weights.
        attn_mask : array_like, shape (L, S) or (N * num_heads, L, S), optional
            Booleans: True where a query may not look at a key.  Numbers are added to the scores.
            Keys that `add_bias_kv` and `add_zero_attn` append are never masked.
        average_attn_weights : bool
            Whether the weights returned are the mean over the heads.
        is_causal : bool
            A hint that `attn_mask` is causal; the mask is needed all the same.

        Returns
        -------
        out : Tensor
            Of the query's shape.
        weights : Tensor, shape (N, L, S) or (N, num_heads, L, S), or None
            Without N for sequences without a batch; with the appended keys at the end.

        Raises
        ------
        ShapeError, DtypeError, ArgumentError
            If shapes or dtypes do not fit, or the causal mask is missing.

        Notes
        -----
        A query that may look at nothing gets zeros (before the last linear map); PyTorch gives
        NaN if the weights are needed.
        """
        who, same = "MultiheadAttention", query is key and key is value
        if is_causal and attn_mask is None:
            raise ArgumentError(
                f"{who}: is_causal=True is only a hint; pass the mask, too: "
                "attn_mask=np.triu(np.ones((L, L), bool), 1)."
            )
        query, key, value = self._given(query, key, value)
        single = query.ndim == 2
        if single:
            query, key, value = [mg.expand_dims(t, 0) for t in (query, key, value)]
        elif not self.batch_first:
            query, key, value = [mg.swapaxes(t, 0, 1) for t in (query, key, value)]
        mask = self._mask(query, key, attn_mask, key_padding_mask, single)
        q, k, v = self._projected(query, key, value, same)
        k, v = self._appended(k, self.bias_k), self._appended(v, self.bias_v)
        extra = k.shape[1] - key.shape[1]
        if mask is not None and extra:
            mask = mg.pad(mask, [(0, 0)] * 3 + [(0, extra)])
        q, k, v = [self._heads(t) for t in (q, k, v)]
        with mg.scope("attention"):
            weights = functional.attention_weights(who, q, k, mask, 1.0 / math.sqrt(q.shape[-1]))
            weights = functional.dropout(weights, self.dropout, self.training, self.generator)
            out = mg.matmul(weights, v)
        out = self.out_proj(mg.reshape(mg.swapaxes(out, 1, 2), query.shape))
        if single:
            out = out[0]
        elif not self.batch_first:
            out = mg.swapaxes(out, 0, 1)
        if not need_weights:
            return out, None
        if average_attn_weights:
            weights = mg.mean(weights, axis=1)
        return out, weights[0] if single else weights

    def _given(self, *inputs: Any) -> list[Tensor]:
        """Query, key and value, if shapes and dtypes fit."""
        who, found = "MultiheadAttention", list(map(as_tensor, inputs))
        query, key, value = found
        axes = "(N, length, size)" if self.batch_first else "(length, N, size)"
        told = ", ".join(
            [f"{n} is {describe(t)}" for n, t in zip(("query", "key", "value"), found, strict=True)]
        )
        if query.ndim not in (2, 3) or any(t.ndim != query.ndim for t in found):
            raise ShapeError(f"{who}: all inputs are {axes}, or all (length, size); {told}.")
        sizes = {"embed_dim": self.embed_dim, "kdim": self.kdim, "vdim": self.vdim}
        if [t.shape[-1] for t in found] != list(sizes.values()):
            raise ShapeError(
                f"{who}: the sizes of query, key and value are "
                f"{', '.join([f'{k}={v}' for k, v in sizes.items()])}; {told}."
            )
        batch = 0 if self.batch_first else 1
        if key.shape[:-1] != value.shape[:-1] or (
            query.ndim == 3 and query.shape[batch] != key.shape[batch]
        ):
            raise ShapeError(
                f"{who}: there is one value per key, and the batches are equal: {axes}; {told}."
            )
        functional.same_dtype(who, query, key=key, value=value, parameters=self.out_proj.weight)
        return found

    def _projected(self, query: Tensor, key: Tensor, value: Tensor, same: bool) -> list[Tensor]:
        """The three linear maps; of one input in one."""
        bias = self.in_proj_bias
        if self.in_proj_weight is not None and same:
            return mg.split(functional.linear(query, self.in_proj_weight, bias), 3, axis=-1)
        biases = [None] * 3 if bias is None else mg.split(bias, 3)
        if self.in_proj_weight is not None:
            weights = mg.split(self.in_proj_weight, 3)
        else:
            weights = [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]
        inputs = (query, key, value)
        return [functional.linear(x, w, b) for x, w, b in zip(inputs, weights, biases, strict=True)]

    def _appended(self, x: Tensor, row: Tensor | None) -> Tensor:
        """Keys or values with what is appended to each sequence."""
        parts, shape = [x], (x.shape[0], 1, self.embed_dim)
        if row is not None:
            parts.append(mg.broadcast_to(row, shape))
        if self.add_zero_attn:
            parts.append(as_tensor(np.zeros(shape, x.dtype)))
        return mg.concatenate(parts, axis=1) if len(parts) > 1 else x

    def _heads(self, x: Tensor) -> Tensor:
        """(N, length, embed_dim) as (N, num_heads, length, share)."""
        shared = mg.reshape(x, (*x.shape[:2], self.num_heads, self.embed_dim // self.num_heads))
        return mg.swapaxes(shared, 1, 2)

    def _mask(
        self, query: Tensor, key: Tensor, attn_mask: Any, key_padding_mask: Any, single: bool
    ) -> Tensor | None:
        """Both masks as what is added to the scores (N, num_heads, L, S)."""
        batch, length, keys = query.shape[0], query.shape[1], key.shape[1]
        heads = batch * self.num_heads
        allowed: dict[
            str, dict[Any, tuple[int, ...]]
        ] = {  # the shapes that a mask may have, and what becomes of them
            "attn_mask": {
                (length, keys): (1, 1, length, keys),
                (heads, length, keys): (batch, self.num_heads, length, keys),
            },
            "key_padding_mask": {((keys,) if single else (batch, keys)): (batch, 1, 1, keys)},
        }
        total = None
        for name, mask in (("attn_mask", attn_mask), ("key_padding_mask", key_padding_mask)):
            if mask is None:
                continue
            mask = as_input(mask)
            if mask.shape not in allowed[name]:
                shapes = " or ".join([str(list(shape)) for shape in allowed[name]])
                raise ShapeError(
                    f"MultiheadAttention: {name} is {describe(mask)}; for query {describe(query)} and "
                    f"key {describe(key)} (batch first) it must be {shapes}."
                )
            wide = mg.reshape(mask, allowed[name][mask.shape])
            wide = mg.logical_not(wide) if wide.dtype == bool else wide
            added = functional.additive("MultiheadAttention", wide, query, name)
            total = added if total is None else total + added
        return total
