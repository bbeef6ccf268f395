"""Attention: means of values, weighted by how well queries and keys agree."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import minigrad as mg

from ...errors import ArgumentError, DtypeError, ShapeError
from ...tensor import FLOATING, Tensor, describe
from .arguments import as_input, same_dtype
from .dropout import dropout


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    *,
    generator: np.random.Generator | None = None,
) -> Tensor:
    """``softmax(query @ key.T * scale + mask) @ value``.

    Parameters
    ----------
    query : array_like, shape (..., L, E)
    key : array_like, shape (..., S, E)
    value : array_like, shape (..., S, V)
    attn_mask : array_like, optional
        Broadcasts to (..., L, S).  Booleans: True where a query may look at a key (the other
        way round than in :class:`minigrad.nn.MultiheadAttention`, as in PyTorch).  Numbers are
        added to the scores.
    dropout_p : float
        Probability to drop a weight, in inference too: pass 0 there.
    is_causal : bool
        Whether query i may look at the keys up to i only; without `attn_mask`.
    scale : float, optional
        By default ``1 / sqrt(E)``.
    enable_gqa : bool
        Whether heads (axis -3) of key and value each serve several heads of the query.
    generator : numpy.random.Generator, optional
        For the dropout.

    Returns
    -------
    Tensor, shape (..., L, V)

    Raises
    ------
    ShapeError, DtypeError, ArgumentError
        If shapes or dtypes do not fit, or both a mask and `is_causal` are given.

    Notes
    -----
    A query that may look at nothing gets zeros.

    References
    ----------
    Vaswani et al., 2017, arXiv:1706.03762.

    Examples
    --------
    >>> scaled_dot_product_attention([[0.0]], [[1.0], [2.0]], [[3.0], [5.0]])
    tensor([[4.]])
    """
    who = "scaled_dot_product_attention"
    query, key, value = as_input(query), as_input(key), as_input(value)
    same_dtype(who, query, key=key, value=value)
    found = f"query is {describe(query)}, key is {describe(key)}, value is {describe(value)}"
    if min(query.ndim, key.ndim, value.ndim) < 2 or key.shape[-1] != query.shape[-1]:
        raise ShapeError(f"{who}: query is (..., L, E), key (..., S, E), value (..., S, V); {found}.")
    if value.shape[-2] != key.shape[-2]:
        raise ShapeError(f"{who}: there is one value per key, (..., S, E) and (..., S, V); {found}.")
    if enable_gqa:
        if min(query.ndim, key.ndim, value.ndim) < 3 or any(
            not t.shape[-3] or query.shape[-3] % t.shape[-3] for t in (key, value)
        ):
            raise ShapeError(
                f"{who}: with enable_gqa the query's number of heads (axis -3) is a multiple of "
                f"those of key and value; {found}."
            )
        key, value = [mg.repeat(t, query.shape[-3] // t.shape[-3], axis=-3) for t in (key, value)]
    mask = None
    if is_causal:
        if attn_mask is not None:
            raise ArgumentError(f"{who}: give attn_mask or is_causal=True, not both.")
        mask = additive(who, np.tri(query.shape[-2], key.shape[-2], dtype=bool), query)
    elif attn_mask is not None:
        mask = additive(who, attn_mask, query)
    scale = 1.0 / math.sqrt(query.shape[-1]) if scale is None else scale
    with mg.scope("attention"):
        weights = attention_weights(who, query, key, mask, scale)
        return mg.matmul(dropout(weights, dropout_p, True, generator), value)


def additive(who: str, mask: Any, x: Tensor, name: str = "attn_mask") -> Tensor:
    """A mask as what is added to the scores: minus infinity where booleans are False.

    Examples
    --------
    >>> additive("attention", [True, False], as_input(1.0))
    tensor([  0., -inf])
    """
    mask = as_input(mask)
    if mask.dtype == bool:
        return mg.where(mask, np.zeros((), x.dtype), np.full((), -np.inf, x.dtype))
    if mask.dtype not in FLOATING:
        raise DtypeError(
            f"{who}: {name} is {describe(mask)}; it takes booleans, or floating numbers to add to the "
            "scores. Write mask.astype(bool)."
        )
    return mask if mask.dtype == x.dtype else mg.astype(mask, x.dtype)


def attention_weights(
    who: str, query: Tensor, key: Tensor, mask: Tensor | None, scale: float
) -> Tensor:
    """The softmax of the scores; zeros where the mask leaves nothing to look at.

    Examples
    --------
    >>> attention_weights("attention", as_input([[0.0]]), as_input([[1.0], [2.0]]), None, 1.0)
    tensor([[0.5, 0.5]])
    """
    scores = mg.matmul(query * scale, mg.swapaxes(key, -1, -2))
    if mask is None:
        return mg.softmax(scores, axis=-1)
    try:
        fits = np.broadcast_shapes(scores.shape, mask.shape) == scores.shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(
            f"{who}: the mask is {describe(mask)}; it must broadcast to one number per query and key, "
            f"{list(scores.shape)}."
        )
    scores = scores + mask
    blind = mg.all(mg.isneginf(mask), axis=-1, keepdims=True)
    if not blind._value.any():
        return mg.softmax(scores, axis=-1)
    return mg.where(blind, 0.0, mg.softmax(mg.where(blind, 0.0, scores), axis=-1))
