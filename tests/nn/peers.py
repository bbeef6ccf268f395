"""The same layer in minigrad and in PyTorch, in float64, and the comparison of both."""

from __future__ import annotations

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


def same_step(layer: Any, peer: Any, *inputs: np.ndarray, rng: np.random.Generator, what: str) -> None:
    """Run both on the same inputs and compare outputs, all gradients, and the state after."""
    import torch

    ours_in = [mg.tensor(x, requires_grad=x.dtype.kind == "f") for x in inputs]
    peer_in = [torch.tensor(x, requires_grad=x.dtype.kind == "f") for x in inputs]
    ours, theirs = layer(*ours_in), peer(*peer_in)
    agree(ours, theirs, f"{what}: output")
    cotangent = rng.standard_normal(ours.shape)
    layer.zero_grad()
    peer.zero_grad()
    ours.backward(cotangent)
    theirs.backward(torch.tensor(cotangent))
    for i, (x, y) in enumerate(zip(ours_in, peer_in, strict=True)):
        if x.requires_grad:
            agree(x.grad, y.grad, f"{what}: gradient of input {i}")
    peer_parameters = dict(peer.named_parameters())
    for name, parameter in layer.named_parameters():
        agree(parameter.grad, peer_parameters[name].grad, f"{what}: gradient of {name}")
    peer_state = peer.state_dict()
    for name, value in layer.state_dict().items():
        agree(value, peer_state[name], f"{what}: {name} after the step")
