"""BatchNorm layers: PyTorch's semantics case by case, other conventions, and what comes after training."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F

from .peers import agree, same_step, twin

LAYOUTS = {"1d (N, C)": ("BatchNorm1d", (6, 3)), "1d (N, C, L)": ("BatchNorm1d", (4, 3, 5)),
           "2d": ("BatchNorm2d", (4, 3, 2, 5)), "3d": ("BatchNorm3d", (2, 3, 2, 2, 3))}  # fmt: skip
OPTIONS: list[dict[str, Any]] = [
    {},
    {"momentum": None},
    {"momentum": 0.0},
    {"momentum": 1.0},
    {"affine": False},
    {"track_running_stats": False},
    {"affine": False, "track_running_stats": False},
    {"bias": False},
    {"eps": 0.5, "momentum": 0.25},
]
METHODS = ["composed", "fused"]


def column(*values: float, dtype: str = "float32") -> Any:
    return np.array(values, dtype)[:, None]


@pytest.mark.torch
@pytest.mark.parametrize(
    ("method", "layout", "options"),
    list(product(METHODS, LAYOUTS, OPTIONS)),
    ids=lambda value: str(value).replace(" ", ""),
)
def test_three_steps_and_inference_are_pytorchs(
    method: Any, layout: str, options: Any, rng: np.random.Generator
) -> None:
    """Output, all gradients and the whole state: three training steps, inference, training again."""
    import torch

    name, shape = LAYOUTS[layout]
    layer = getattr(nn, name)(3, method=method, **options).double()
    peer = getattr(torch.nn, name)(3, **options).double()
    for parameter in layer.parameters():
        parameter.data = rng.uniform(0.5, 1.5, 3)
    twin(layer, peer)
    for step in range(3):
        x = rng.normal(2.0, 3.0, (shape[0] + step, *shape[1:]))
        same_step(layer, peer, x, rng=rng, what=f"training step {step}")
    layer.eval()
    peer.eval()
    same_step(layer, peer, rng.normal(0.0, 1.0, shape), rng=rng, what="inference")
    layer.train()
    peer.train()
    same_step(layer, peer, rng.normal(0.0, 1.0, shape), rng=rng, what="training again")


@pytest.mark.torch
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("train", [True, False])
def test_an_empty_batch_is_pytorchs(method: Any, train: bool, rng: np.random.Generator) -> None:
    import torch

    layer, peer = nn.BatchNorm1d(3, method=method).double(), torch.nn.BatchNorm1d(3).double()
    same_step(layer, peer, rng.standard_normal((5, 3)), rng=rng, what="before")
    layer.train(train)
    peer.train(train)
    same_step(layer, peer, np.zeros((0, 3)), rng=rng, what="empty")
    assert layer.num_batches_tracked.item() == 1 + train
    assert layer.weight.grad.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.torch
@pytest.mark.parametrize("method", METHODS)
def test_second_derivatives_are_pytorchs(method: Any, rng: np.random.Generator) -> None:
    import torch

    layer, peer = nn.BatchNorm1d(3, method=method).double(), torch.nn.BatchNorm1d(3).double()
    x, w, direction = (
        rng.normal(1.0, 2.0, (5, 3)),
        rng.standard_normal((5, 3)),
        rng.standard_normal((5, 3)),
    )
    found = mg.hvp(lambda v: (layer(v) ** 2 * w).sum(), (x,), (direction,))
    _, expected = torch.autograd.functional.hvp(
        lambda v: (peer(v) ** 2 * torch.tensor(w)).sum(), torch.tensor(x), torch.tensor(direction)
    )
    agree(found, expected, "Hessian times vector")


@pytest.mark.torch
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("x_dtype", "parameters", "works"),
    [
        ("float16", "float32", True),
        ("float16", "float16", True),
        ("float32", "float32", True),
        ("float64", "float64", True),
        ("float64", "float32", False),
        ("float32", "float64", False),
        ("float32", "float16", False),
    ],
)
def test_mixed_dtypes_are_pytorchs(
    method: Any, x_dtype: str, parameters: str, works: bool, rng: np.random.Generator
) -> None:
    import torch

    x = rng.normal(2.0, 3.0, (8, 3)).astype(x_dtype)
    layer = nn.BatchNorm1d(3, method=method).to(parameters)
    peer = torch.nn.BatchNorm1d(3).to(getattr(torch, parameters))
    for mode in (True, False):
        layer.train(mode)
        peer.train(mode)
        if not works:
            with pytest.raises(RuntimeError):
                peer(torch.tensor(x))
            message = (
                rf"batch_norm: x is .*{x_dtype}\[8, 3\].*but weight is {parameters}\. Convert the data"
            )
            with pytest.raises(mg.DtypeError, match=message):
                layer(x)
            continue
        ours, theirs = layer(x), peer(torch.tensor(x))
        assert ours.dtype == x_dtype
        assert str(theirs.dtype) == f"torch.{x_dtype}"
        size = {"float16": 4e-3, "float32": 4e-6, "float64": 1e-12}
        np.testing.assert_allclose(ours.numpy(), theirs.detach().numpy(), atol=size[x_dtype])
        for ours_buffer, peer_buffer in zip(layer.buffers(), peer.buffers(), strict=True):
            assert str(peer_buffer.dtype) == f"torch.{ours_buffer.dtype}"
            np.testing.assert_allclose(ours_buffer.numpy(), peer_buffer.numpy(), rtol=size[parameters])


# Cases by hand, without PyTorch ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: nn.BatchNorm1d(1), 0.9 + 0.1 * 5 / 3),
        (lambda: nn.BatchNorm1d(1, running_var_correction=0), 0.9 + 0.1 * 1.25),
        (lambda: nn.BatchNorm1d.from_keras([1.0], [0.0], [0.0], [1.0]), 1.0025),
        (lambda: nn.BatchNorm1d.from_onnx([1.0], [0.0], [0.0], [1.0]), 1.025),
    ],
    ids=["PyTorch", "biased", "Keras", "ONNX"],
)
def test_running_variance_by_convention(make: Any, expected: float) -> None:
    layer = make().double()
    layer(column(1, 2, 3, 4, dtype="float64"))
    assert layer.running_var.item() == pytest.approx(expected, rel=1e-14)


def test_keras_layer_computes_keras_formula(rng: np.random.Generator) -> None:
    gamma, beta, mean, var = rng.uniform(0.5, 2.0, (4, 3))
    layer = nn.BatchNorm1d.from_keras(gamma, beta, mean, var)
    assert (layer.eps, layer.num_features, layer.weight.dtype) == (1e-3, 3, np.float64)
    assert layer.momentum == pytest.approx(0.01)
    x = rng.standard_normal((5, 3))
    expected = gamma * (x - mean) / np.sqrt(var + 1e-3) + beta
    np.testing.assert_allclose(layer.eval()(x).numpy(), expected, rtol=1e-13)


def test_keras_layers_without_scale_or_center() -> None:
    scale_only = nn.BatchNorm1d.from_keras([2.0], None, [0.0], [1.0])
    assert [n for n, _ in scale_only.named_parameters()] == ["weight"]
    neither = nn.BatchNorm1d.from_keras(None, None, [0.0], [1.0])
    assert not list(neither.parameters())
    center_only = nn.BatchNorm1d.from_keras(None, [5.0], [0.0], [1.0])
    center_only(column(1, 2, dtype="float64")).sum().backward()
    assert center_only.weight.grad is None
    assert center_only.bias.grad.tolist() == [2.0]


@pytest.mark.parametrize("make", [nn.BatchNorm1d.from_keras, nn.BatchNorm1d.from_onnx])
def test_integers_become_keras_own_dtype(make: Any) -> None:
    layer = make([1], [0], [0], [1])
    assert {v.dtype.name for k, v in layer.state_dict().items() if "num" not in k} == {"float32"}
    assert layer(column(1, 2, 3, 4, dtype="float32")).dtype == np.float32
    mixed = make(np.ones(2, "float64"), None, [0, 0], [1, 1])
    assert mixed.running_mean.dtype == mixed.weight.dtype == np.float64


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: nn.BatchNorm1d.from_keras([1], [0], [0], [1], momentum=1.5), mg.ArgumentError, r"BatchNorm1d\.from_keras: momentum is the weight of the old value, between 0 and 1, not 1\.5\."),
        (lambda: nn.BatchNorm1d.from_keras([1], [0], [0], [1], momentum=None), mg.ArgumentError, r"between 0 and 1, not None\."),
        (lambda: nn.BatchNorm2d.from_onnx([1], [0], [0], [1], momentum=-0.1), mg.ArgumentError, r"BatchNorm2d\.from_onnx: momentum is the weight of the old value, between 0 and 1, not -0\.1\."),
        (lambda: nn.BatchNorm1d.from_keras([1], [0], [0], [1], epsilon=-1), mg.ArgumentError, r"from_keras: epsilon is zero or positive, not -1\."),
        (lambda: nn.BatchNorm1d.from_keras([1], [0], None, [1]), mg.ArgumentError, r"from_keras: moving_mean and moving_variance are arrays, not None"),
        (lambda: nn.BatchNorm1d.from_keras([1, 1], [0, 0], [0], [1]), mg.ShapeError, r"from_keras: needs one number per channel each, and gamma is .*\[2\], beta is .*moving_mean is .*\[1\]"),
        (lambda: nn.BatchNorm1d.from_onnx(1.0, 0.0, 0.0, 1.0), mg.ShapeError, r"from_onnx: needs one number per channel each, and scale is"),
    ],
)  # fmt: skip
def test_what_keras_and_onnx_do_not_have(act: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        act()


def test_onnx_layer_computes_onnx_formula(rng: np.random.Generator) -> None:
    scale, shift, mean, var = rng.uniform(0.5, 2.0, (4, 3))
    layer = nn.BatchNorm2d.from_onnx(scale, shift, mean, var, epsilon=0.01, momentum=0.8)
    x = rng.standard_normal((2, 3, 4, 5))
    shape = (3, 1, 1)
    expected = (x - mean.reshape(shape)) / np.sqrt(var.reshape(shape) + 0.01)
    expected = expected * scale.reshape(shape) + shift.reshape(shape)
    np.testing.assert_allclose(layer.eval()(x).numpy(), expected, rtol=1e-13)
    layer.train()(x)
    np.testing.assert_allclose(
        layer.running_var.numpy(), 0.8 * var + 0.2 * x.var(axis=(0, 2, 3)), rtol=1e-13
    )


def test_cumulative_average_is_the_plain_mean(rng: np.random.Generator) -> None:
    layer = nn.BatchNorm1d(2, momentum=None).double()
    batches = rng.normal(3.0, 2.0, (7, 4, 2))
    for batch in batches:
        layer(batch)
    np.testing.assert_allclose(layer.running_mean.numpy(), batches.mean(axis=(0, 1)), rtol=1e-13)
    np.testing.assert_allclose(
        layer.running_var.numpy(), batches.var(axis=1, ddof=1).mean(axis=0), rtol=1e-13
    )


def test_a_batch_without_examples_is_no_part_of_the_plain_mean(rng: np.random.Generator) -> None:
    layer = nn.BatchNorm1d(2, momentum=None).double()
    batches = rng.normal(3.0, 2.0, (2, 4, 2))
    for batch in (np.zeros((0, 2)), batches[0], np.zeros((0, 2)), batches[1]):
        layer(batch)
    np.testing.assert_allclose(layer.running_mean.numpy(), batches.mean(axis=(0, 1)), rtol=1e-13)
    assert layer.num_batches_tracked.item() == 2


def test_batch_mates_matter_in_training_only(rng: np.random.Generator) -> None:
    """B20: the same example beside two sets of companions."""
    layer = nn.BatchNorm1d(2).double()
    x = rng.standard_normal((1, 2))
    one, two = (np.concatenate([x, rng.normal(m, 1.0, (7, 2))]) for m in (0.0, 3.0))
    assert np.abs(layer(one).data[0] - layer(two).data[0]).max() > 0.1
    layer.eval()
    assert np.array_equal(layer(one).data[0], layer(two).data[0])


def test_nan_poisons_its_channel_alone() -> None:
    layer = nn.BatchNorm1d(2).double()
    y = layer(np.array([[np.nan, 1.0], [0.0, 2.0], [1.0, 3.0]]))
    assert np.isnan(y.data[:, 0]).all()
    assert np.isfinite(y.data[:, 1]).all()
    assert np.isnan(layer.running_mean.data).tolist() == [True, False]


@pytest.mark.parametrize("method", METHODS)
def test_a_constant_feature_is_zero(method: Any) -> None:
    layer = nn.BatchNorm1d(1, method=method)
    y = layer(column(*[3333.0] * 1000))
    assert not y.data.any()


def test_running_averages_never_enter_the_graph() -> None:
    layer = nn.BatchNorm1d(1).double()
    x = mg.tensor(column(1, 2, 4, dtype="float64"), requires_grad=True)
    layer(x).sum().backward()
    assert layer.running_mean.node is None
    layer.eval()
    y = layer(x)
    with mg.no_grad():
        layer.train()(x)  # moves the averages between a forward and its backward
    x.grad = None
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 1 / np.sqrt(0.9 + 0.1 * 7 / 3 + 1e-5), rtol=1e-12)


def test_a_failed_step_changes_no_statistics() -> None:
    layer = nn.BatchNorm1d(2)
    before = {k: v.numpy().copy() for k, v in layer.state_dict().items()}
    for wrong in (np.ones((1, 2), "float32"), np.ones((3, 2)), np.ones((3, 4), "float32")):
        with pytest.raises(mg.MinigradError):
            layer(wrong)
    assert all(np.array_equal(v.data, before[k]) for k, v in layer.state_dict().items())


def test_reset(rng: np.random.Generator) -> None:
    layer = nn.BatchNorm1d(2).double()
    layer(rng.normal(3.0, 1.0, (5, 2)))
    layer.weight.data = [3.0, 3.0]
    layer.reset_parameters()
    assert {k: v.tolist() for k, v in layer.state_dict().items()} == {
        "weight": [1.0, 1.0], "bias": [0.0, 0.0], "running_mean": [0.0, 0.0],
        "running_var": [1.0, 1.0], "num_batches_tracked": 0,
    }  # fmt: skip


def test_constant_statistics_on_request(rng: np.random.Generator) -> None:
    x = mg.tensor(rng.normal(1.0, 2.0, (5, 1)), requires_grad=True)
    nn.BatchNorm1d(1, through_statistics=False).double()(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 1 / np.sqrt(x.data.var() + 1e-5), rtol=1e-12)
    x.grad = None
    nn.BatchNorm1d(1).double()(x).sum().backward()
    assert np.abs(x.grad.data).max() < 1e-12


def test_graphs_show_the_layer(rng: np.random.Generator) -> None:
    model = nn.Sequential(nn.BatchNorm1d(2))
    node = model(rng.standard_normal((3, 2)).astype("float32")).node
    assert node.scope == ("0: BatchNorm1d", "batchnorm")
    names = set()
    stack = [node]
    while stack:
        found = stack.pop()
        names.add(found.name)
        stack += [p for p in found.parents if hasattr(p, "parents")]
    assert {"0.weight", "0.bias"} <= names


def test_repr() -> None:
    assert repr(nn.BatchNorm1d(3)) == (
        "BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)"
    )


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: nn.BatchNorm1d(2)(np.ones((1, 2), "float32")), mg.ArgumentError, r"one value per channel has no variance, and x is .*\[1, 2\].*drop_last=True.*model\.eval\(\)"),
        (lambda: nn.BatchNorm1d(2, track_running_stats=False).eval()(np.ones((1, 2), "float32")), mg.ArgumentError, r"one value per channel .*Give a larger batch\. Only a layer that keeps running averages \(track_running_stats=True\)"),
        (lambda: nn.BatchNorm2d(2)(np.ones((1, 2, 1, 1), "float32")), mg.ArgumentError, r"one value per channel"),
        (lambda: nn.BatchNorm1d(2, eps=0.0)(np.ones((3, 2), "float32")), mg.ArgumentError, r"eps must be positive in training mode, not 0\.0.*mg\.batchnorm\.composed allows eps=0"),
        (lambda: nn.BatchNorm1d(2, eps=-1e-5), mg.ArgumentError, r"BatchNorm1d: eps must be positive .*not -1e-05"),
        (lambda: nn.BatchNorm1d(2, momentum=2.0), mg.ArgumentError, r"momentum is the weight of the new value, between 0 and 1, or None, not 2\.0"),
        (lambda: nn.BatchNorm1d(2, method="fast"), mg.ArgumentError, r'method is "composed" or "fused", not \'fast\''),
        (lambda: nn.BatchNorm1d(2)(np.ones((3, 4), "float32")), mg.ShapeError, r"x is .*\[3, 4\] with 4 channels \(axis 1\), but the layer has num_features=2"),
        (lambda: nn.BatchNorm1d(2)(np.ones((3, 2, 2, 2), "float32")), mg.ShapeError, r"BatchNorm1d: x must be \(N, C\) or \(N, C, L\), and it is"),
        (lambda: nn.BatchNorm2d(2)(np.ones((3, 2), "float32")), mg.ShapeError, r"BatchNorm2d: x must be \(N, C, H, W\)"),
        (lambda: nn.BatchNorm3d(2)(np.ones((3, 2), "float32")), mg.ShapeError, r"BatchNorm3d: x must be \(N, C, D, H, W\)"),
        (lambda: nn.BatchNorm1d(2)(np.ones((3, 2), int)), mg.DtypeError, r"batch_norm: x is .*int64"),
        (lambda: F.batch_norm(np.ones((3, 2)), mg.tensor([0.0, 0.0]), None), mg.ArgumentError, r"running_mean and running_var come together; one is missing"),
        (lambda: F.batch_norm(np.ones((3, 2)), None, None), mg.ArgumentError, r"inference needs running_mean and running_var"),
        (lambda: F.batch_norm(np.ones((3, 2)), np.zeros(2), np.ones(2), training=True), mg.ArgumentError, r"running_mean must be a tensor, because training rebinds its value"),
        (lambda: F.batch_norm(np.ones((3, 2)), mg.tensor(np.zeros(3)), mg.tensor(np.ones(3))), mg.ShapeError, r"with 2 channels, but running_mean is .*\[3\]; it must be \[2\]"),
        (lambda: F.batch_norm(np.ones(3), None, None, training=True), mg.ShapeError, r"x must be \(N, C, \.\.\.\)"),
    ],
)  # fmt: skip
def test_wrong_input(act: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        act()


def test_eps_zero_is_allowed_in_inference() -> None:
    assert nn.BatchNorm1d(1, eps=0.0).eval()(column(3.0)).tolist() == [[3.0]]
