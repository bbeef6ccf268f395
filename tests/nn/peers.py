"""The same layer in minigrad and in PyTorch, in float64, and the comparison of both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import minigrad as mg

TOLERANCE = {"rtol": 1e-10, "atol": 1e-12}


def agree(ours: Any, theirs: Any, what: str) -> None:
    """Both hold the same numbers, up to rounding."""
    left = ours.numpy() if isinstance(ours, mg.Tensor) else np.asarray(ours)
    right = theirs.detach().numpy() if hasattr(theirs, "detach") else np.asarray(theirs)
    assert left.shape == tuple(right.shape), what
    assert left.dtype == right.dtype, what
    np.testing.assert_allclose(left, right, **TOLERANCE, err_msg=what)


def twin(layer: Any, peer: Any) -> None:
    """Give a PyTorch module the state of a minigrad module; keys, shapes, dtypes must be equal."""
    import torch

    ours, theirs = layer.state_dict(), peer.state_dict()
    assert list(ours) == list(theirs)
    for key, value in ours.items():
        assert value.shape == tuple(theirs[key].shape), key
        assert str(value.dtype) == str(theirs[key].dtype).removeprefix("torch."), key
    peer.load_state_dict({k: torch.tensor(v.numpy()) for k, v in ours.items()})


def same_step(
    layer: Any, peer: Any, *inputs: Any, rng: np.random.Generator, what: str, **options: Any
) -> None:
    """Run both on the same inputs and compare outputs, all gradients, and the state after.

    Inputs and options are arrays, tuples of arrays, or what both take as it is; options that are
    arrays are not differentiated.
    """
    import torch

    ours_in = [converted(x, lambda a: mg.tensor(a, requires_grad=a.dtype.kind == "f")) for x in inputs]
    peer_in = [
        converted(x, lambda a: torch.tensor(a, requires_grad=a.dtype.kind == "f")) for x in inputs
    ]
    ours = layer(*ours_in, **{k: converted(v, mg.tensor) for k, v in options.items()})
    theirs = peer(*peer_in, **{k: converted(v, torch.tensor) for k, v in options.items()})
    layer.zero_grad()
    peer.zero_grad()
    roots: list[Any] = []
    for i, (x, y) in enumerate(zip(flat(ours), flat(theirs), strict=True)):
        agree(x, y, f"{what}: output {i}")
        if x.requires_grad:
            cotangent = rng.standard_normal(x.shape)
            roots.append(((x * cotangent).sum(), (y * torch.tensor(cotangent)).sum()))
    if roots:
        sum(x for x, _ in roots).backward()
        sum(y for _, y in roots).backward()
    for i, (x, y) in enumerate(zip(flat(ours_in), flat(peer_in), strict=True)):
        if x.requires_grad:
            agree(x.grad, y.grad, f"{what}: gradient of input {i}")
    peer_parameters = dict(peer.named_parameters())
    for name, parameter in layer.named_parameters():
        agree(parameter.grad, peer_parameters[name].grad, f"{what}: gradient of {name}")
    same_state(layer, peer, what)


def same_state(layer: Any, peer: Any, what: str) -> None:
    """Both hold the same parameters and buffers."""
    peer_state = peer.state_dict()
    for name, value in layer.state_dict().items():
        agree(value, peer_state[name], f"{what}: {name} after the step")


def flat(found: Any) -> Iterator[Any]:
    """The tensors in nested tuples and lists."""
    if isinstance(found, tuple | list):
        for part in found:
            yield from flat(part)
    elif hasattr(found, "requires_grad"):
        yield found


def flat_arrays(found: Any) -> list[np.ndarray]:
    """The values in nested tuples and lists of arrays and tensors."""
    if isinstance(found, tuple | list):
        return [array for part in found for array in flat_arrays(part)]
    return [found.numpy() if isinstance(found, mg.Tensor) else np.asarray(found)]


def converted(value: Any, convert: Any) -> Any:
    """The arrays in nested tuples converted; anything else as it is."""
    if isinstance(value, tuple):
        return tuple([converted(v, convert) for v in value])
    return convert(value) if isinstance(value, np.ndarray) else value
