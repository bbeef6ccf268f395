"""Linear, activations, Dropout, LayerNorm: what the table against PyTorch does not show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


@pytest.mark.torch
def test_kinks_are_pytorchs() -> None:
    import torch

    for name in ("ReLU", "LeakyReLU", "ELU", "PReLU"):
        ours, theirs = mg.tensor([0.0], requires_grad=True), torch.zeros(1, requires_grad=True)
        getattr(nn, name)().double()(ours).sum().backward()
        getattr(torch.nn, name)()(theirs).sum().backward()
        assert ours.grad.item() == pytest.approx(theirs.grad.item())


@pytest.mark.torch
def test_a_pytorch_state_loads_and_computes_the_same(rng: np.random.Generator) -> None:
    import torch

    peer = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 2))
    peer(torch.randn(8, 4))
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))
    model.load_state_dict(peer.state_dict())
    x = rng.standard_normal((5, 4)).astype("float32")
    theirs = peer.eval()(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(model.eval()(x).numpy(), theirs, rtol=1e-5, atol=1e-6)


# Dropout ------------------------------------------------------------------------------------------


def test_dropout_keeps_the_mean_and_masks_the_gradient() -> None:
    layer = nn.Dropout(0.25, generator=np.random.default_rng(0))
    x = mg.tensor(np.full((200, 200), 3.0, "float32"), requires_grad=True)
    y = layer(x)
    values, counts = np.unique(y.numpy(), return_counts=True)
    assert values.tolist() == [0.0, 4.0]
    assert abs(counts[0] / y.size - 0.25) < 0.01
    assert y.dtype == np.float32
    y.sum().backward()
    assert np.array_equal(x.grad.data, y.data / 3.0)
    assert not np.array_equal(layer(x).data, y.data)


@pytest.mark.parametrize(
    ("name", "shape", "axes"),
    [
        ("Dropout1d", (40, 50, 3), (2,)),
        ("Dropout1d", (2000, 3), (1,)),
        ("Dropout2d", (40, 50, 2, 2), (2, 3)),
        ("Dropout3d", (40, 50, 1, 2, 2), (2, 3, 4)),
        ("Dropout3d", (2000, 1, 2, 2), (1, 2, 3)),
    ],
)
def test_channels_are_dropped_as_a_whole(name: str, shape: Any, axes: Any) -> None:
    layer = getattr(nn, name)(0.25, generator=np.random.default_rng(0))
    x = mg.tensor(np.full(shape, 3.0), requires_grad=True)
    y = layer(x)
    low, high = y.numpy().min(axis=axes), y.numpy().max(axis=axes)
    assert np.array_equal(low, high)
    assert set(np.unique(low)) == {0.0, 4.0}
    assert abs((low == 0.0).mean() - 0.25) < 0.03
    y.sum().backward()
    assert np.array_equal(x.grad.data, y.data / 3.0)
    assert layer.eval()(x) is x


def test_gelu_keeps_its_digits_far_to_the_left() -> None:
    assert nn.GELU()(np.array([-20.0])).item() == pytest.approx(-20.0 * 2.753624118606233e-89)


def test_log_sigmoid_and_elu_do_not_overflow() -> None:
    for layer in (nn.LogSigmoid(), nn.ELU(), nn.Softplus()):
        x = mg.tensor([-1e4, 1e4], requires_grad=True)
        y = layer(x)
        y.sum().backward()
        assert np.isfinite(y.numpy()).all()
        assert np.isfinite(x.grad.numpy()).all()


def test_dropout_at_the_ends() -> None:
    x = mg.tensor([1.0, 2.0])
    assert nn.Dropout(1.0)(x).tolist() == [0.0, 0.0]
    assert nn.Dropout(0.0)(x) is x
    assert nn.Dropout(0.9).eval()(x) is x


def test_dropout_repeats_with_its_generator() -> None:
    x = np.ones(50)
    one = nn.Dropout(generator=np.random.default_rng(5))(x).tolist()
    two = nn.Dropout(generator=np.random.default_rng(5))(x).tolist()
    mg.manual_seed(5)
    three = nn.Dropout()(x).tolist()
    assert one == two == three


# dtypes and wrong input ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(
    "name",
    [
        "ReLU",
        "LeakyReLU",
        "ELU",
        "GELU",
        "SiLU",
        "Sigmoid",
        "LogSigmoid",
        "Tanh",
        "Softplus",
        "Dropout",
    ],
)
def test_dtypes_are_kept(name: str, dtype: str) -> None:
    x = mg.tensor([[-1.0, 2.0]], dtype=dtype, requires_grad=True)
    y = getattr(nn, name)()(x)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == dtype


@pytest.mark.parametrize("make", [lambda: nn.Linear(2, 2), lambda: nn.LayerNorm(2)])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_layers_keep_dtypes(make: Any, dtype: str) -> None:
    x = mg.tensor([[-1.0, 2.0]], dtype=dtype, requires_grad=True)
    y = make().to(dtype)(x)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == dtype


def test_layer_norm_takes_half_with_float32_parameters() -> None:
    x = np.array([[300.0, -300.0, 100.0]], "float16")
    y = nn.LayerNorm(3)(x)
    assert y.dtype == np.float16
    exact = (x.astype("float64") - x.mean(dtype="float64")) / x.astype("float64").std()
    np.testing.assert_allclose(y.numpy(), exact, atol=1e-3)


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: nn.Linear(4, 2)(np.ones((3, 5), "float32")), mg.ShapeError, r"linear: x is a plain array float32\[3, 5\]|linear: x is a tensor float32\[3, 5\].*input features, \[\.\.\., 4\]"),
        (lambda: nn.Linear(4, 2)(np.ones((3, 4))), mg.DtypeError, r"linear: x is a tensor float64\[3, 4\], but weight is float32\. Convert the data, x\.astype\('float32'\), or the model, model\.to\('float64'\)"),
        (lambda: nn.Linear(4, 2)(np.ones((3, 4), int)), mg.DtypeError, r"linear: x is a tensor int64\[3, 4\], but weight is float32\. Convert the data"),
        (lambda: nn.Linear(4.5, 2), mg.ArgumentError, r"Linear: in_features is an integer from 0 upwards, not 4\.5"),
        (lambda: nn.LayerNorm(4)(np.ones((3, 5), "float32")), mg.ShapeError, r"layer_norm: x is a tensor float32\[3, 5\], but it must end in \[4\]"),
        (lambda: nn.LayerNorm(4)(np.ones((3, 4))), mg.DtypeError, r"layer_norm: x is .*, but weight is float32"),
        (lambda: nn.LayerNorm([]), mg.ArgumentError, r"LayerNorm: normalized_shape names at least one axis"),
        (lambda: nn.LayerNorm(4, eps=-1.0), mg.ArgumentError, r"LayerNorm: eps must be zero or positive"),
        (lambda: nn.Dropout(1.5), mg.ArgumentError, r"Dropout: p must be between 0 and 1, not 1\.5"),
        (lambda: nn.Dropout(generator=1), mg.ArgumentError, r"Dropout: generator must be a numpy\.random\.Generator"),
    ],
)  # fmt: skip
def test_wrong_input(act: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        act()
