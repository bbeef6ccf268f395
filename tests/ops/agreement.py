"""Our function against PyTorch's: values, gradients and second gradients in float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import minigrad as mg

RELATIVE = 1e-10


def as_tuple(out: Any) -> tuple[Any, ...]:
    """Several outputs as a tuple, one output as a tuple of one."""
    return tuple(out) if isinstance(out, tuple | list) else (out,)


def close(got: Any, expected: Any, what: str, relative: float = RELATIVE) -> None:
    """Equal up to `relative` of the largest expected entry."""
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape, f"{what}: shape {got.shape}, expected {expected.shape}"
    size = np.abs(expected).max(initial=0.0)
    worst = np.abs(got - expected).max(initial=0.0)
    assert worst <= relative * size, f"{what}: off by {worst:.2e}, the largest entry is {size:.2e}"


def agree_with_torch(
    ours: Callable[..., Any],
    theirs: Callable[..., Any],
    arrays: Sequence[Any],
    *,
    second: bool = True,
    relative: float = RELATIVE,
) -> None:
    """Check value, VJP and VJP of the VJP with random (co)tangents, for all inputs.

    Parameters
    ----------
    ours, theirs : callable
        Take tensors of their library; return one tensor, or a tuple of tensors.
    arrays : sequence of ndarray
        The inputs.
    second : bool
        Whether to differentiate twice.
    relative : float
        How far off an entry may be, relative to the largest.
    """
    import torch

    rng = np.random.default_rng(7)
    leaves = [torch.tensor(a, requires_grad=True) for a in arrays]
    outs = as_tuple(theirs(*leaves))
    cotangents = [rng.standard_normal(tuple(o.shape)) for o in outs]
    tangents = [rng.standard_normal(np.shape(a)) for a in arrays]

    def torch_total(parts: Any, weights: Any) -> Any:
        return sum((p * torch.tensor(w)).sum() for p, w in zip(parts, weights, strict=True))

    first = torch.autograd.grad(
        torch_total(outs, cotangents), leaves, create_graph=second, materialize_grads=True
    )

    def gradient(*x: Any) -> tuple[Any, ...]:
        return mg.vjp(lambda *y: as_tuple(ours(*y)), *x)[1](tuple(cotangents))  # type: ignore[no-any-return]

    found = as_tuple(ours(*map(mg.tensor, arrays)))
    assert len(found) == len(outs), f"{len(found)} outputs, expected {len(outs)}"
    for k, (a, b) in enumerate(zip(found, outs, strict=True)):
        close(a.numpy(), b.detach().numpy(force=True), f"output {k}", relative)
    for k, (a, b) in enumerate(zip(gradient(*arrays), first, strict=True)):
        close(a.numpy(), b.detach().numpy(force=True), f"gradient {k}", relative)
    if not second:
        return
    total = torch_total(first, tangents)
    twice = (
        torch.autograd.grad(total, leaves, materialize_grads=True)
        if total.requires_grad
        else [torch.zeros_like(x) for x in leaves]
    )

    def along(*x: Any) -> Any:
        parts = gradient(*x)
        total = mg.tensor(0.0)
        for part, weight in zip(parts, tangents, strict=True):
            total = total + (part * weight).sum()
        return total

    everything = tuple(range(len(arrays)))
    scale = max([float(b.detach().abs().max()) for b in (*twice, *first) if b.numel()], default=0.0)
    for k, (a, b) in enumerate(zip(mg.grad(along, everything)(*arrays), twice, strict=True)):
        got, expected = a.numpy(), b.detach().numpy(force=True)
        worst = np.abs(got - expected).max(initial=0.0)
        assert worst <= relative * scale, f"second gradient {k}: off by {worst:.2e} of {scale:.2e}"
