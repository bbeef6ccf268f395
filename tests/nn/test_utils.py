"""Gradient clipping, folding, recalibration."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import utils


def with_gradients(rng: np.random.Generator, dtype: str = "float64") -> list[nn.Parameter]:
    parameters = [nn.Parameter(np.zeros(shape, dtype)) for shape in ((3, 4), (5,), ())]
    for p in parameters:
        p.grad = mg.tensor(rng.normal(0.0, 3.0, p.shape), dtype=dtype)
    return [*parameters, nn.Parameter(np.zeros(2, dtype))]


# Clipping ------------------------------------------------------------------------------------------


@pytest.mark.torch
@pytest.mark.parametrize("order", [1.0, 2.0, 3.0, math.inf])
@pytest.mark.parametrize("limit", [0.5, 1e3])
def test_clipping_by_norm_is_pytorchs(order: float, limit: float, rng: np.random.Generator) -> None:
    import torch

    ours = with_gradients(rng)
    theirs = []
    for p in ours:
        theirs.append(torch.zeros(p.shape, dtype=torch.float64, requires_grad=True))
        theirs[-1].grad = None if p.grad is None else torch.tensor(p.grad.numpy())
    left = utils.clip_grad_norm_(ours, limit, order)
    right = torch.nn.utils.clip_grad_norm_(theirs, limit, order)
    assert left.item() == pytest.approx(right.item(), rel=1e-14)
    for p, q in zip(ours[:-1], theirs[:-1], strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-13)
    assert ours[-1].grad is None


@pytest.mark.torch
def test_clipping_by_value_is_pytorchs(rng: np.random.Generator) -> None:
    import torch

    for p in with_gradients(rng)[:-1]:
        q = torch.zeros(p.shape, dtype=torch.float64, requires_grad=True)
        q.grad = torch.tensor(p.grad.numpy())
        utils.clip_grad_value_(p, 1.5)
        torch.nn.utils.clip_grad_value_(q, 1.5)
        assert np.array_equal(p.grad.numpy(), q.grad.numpy())


def test_clipping_never_writes_into_a_gradient(rng: np.random.Generator) -> None:
    p = with_gradients(rng)[0]
    seen = p.grad
    before = seen.numpy().copy()
    utils.clip_grad_norm_([p], 0.1)
    utils.clip_grad_value_([p], 0.01)
    assert np.array_equal(seen.data, before)


def test_clipping_keeps_float32(rng: np.random.Generator) -> None:
    parameters = with_gradients(rng, "float32")
    assert utils.clip_grad_norm_(parameters, 0.1).dtype == np.float32
    assert parameters[0].grad.dtype == np.float32


def test_clipping_nothing_is_norm_zero() -> None:
    assert utils.clip_grad_norm_([nn.Parameter([1.0])], 1.0).item() == 0.0


def test_wrong_clipping(rng: np.random.Generator) -> None:
    parameters = with_gradients(rng)
    with pytest.raises(mg.ArgumentError, match=r"clip_value must not be negative, and it is -1"):
        utils.clip_grad_value_(parameters, -1)
    with pytest.raises(mg.ArgumentError, match=r"norm_type must be positive, not 0"):
        utils.clip_grad_norm_(parameters, 1.0, 0)
    parameters[1].grad = mg.tensor(np.full(5, np.nan))
    with pytest.raises(mg.GradientError, match=r"the norm of the gradients is nan.*mg\.debug_nans"):
        utils.clip_grad_norm_(parameters, 1.0, error_if_nonfinite=True)


# Folding ------------------------------------------------------------------------------------------------


def trained(rng: np.random.Generator, dtype: str = "float64", **options: Any) -> nn.Sequential:
    model = nn.Sequential(
        nn.Linear(4, 5), nn.BatchNorm1d(5, **options), nn.ReLU(), nn.Linear(5, 3), nn.BatchNorm1d(3)
    ).to(dtype)
    for parameter in model.parameters():
        parameter.data = rng.normal(0.0, 1.0, parameter.shape)
    for _ in range(3):
        model(rng.normal(1.0, 2.0, (8, 4)).astype(dtype))
    return model.eval()


@pytest.mark.parametrize("options", [{}, {"affine": False}, {"bias": False}])
def test_folding_computes_the_same(options: Any, rng: np.random.Generator) -> None:
    """A11: inference is one affine map."""
    model = trained(rng, **options)
    folded = utils.fold_batchnorm(model)
    x = rng.standard_normal((6, 4))
    np.testing.assert_allclose(folded(x).numpy(), model(x).numpy(), rtol=1e-12, atol=1e-13)
    assert [type(m).__name__ for m in folded] == ["Linear", "Folded", "ReLU", "Linear", "Folded"]
    assert type(model[1]).__name__ == "BatchNorm1d"
    assert [p.name for p in folded.parameters()] == [n for n, _ in folded.named_parameters()]
    assert utils.fold_batchnorm(folded)(x).tolist() == folded(x).tolist()


def test_folding_without_a_bias_makes_one(rng: np.random.Generator) -> None:
    linear, bn = nn.Linear(3, 2, bias=False).double(), nn.BatchNorm1d(2).double()
    bn(linear(rng.normal(1.0, 2.0, (9, 3))))
    fused = utils.fuse_linear_bn_eval(linear.eval(), bn.eval())
    x = rng.standard_normal((4, 3))
    np.testing.assert_allclose(fused(x).numpy(), bn(linear(x)).numpy(), rtol=1e-13)


@pytest.mark.torch
def test_folding_is_pytorchs(rng: np.random.Generator) -> None:
    import torch

    model = trained(rng)
    peer = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.BatchNorm1d(5)).double()
    peer.load_state_dict({k: torch.tensor(v.numpy()) for k, v in model[:2].state_dict().items()})
    fused = utils.fuse_linear_bn_eval(model[0], model[1])
    expected = torch.nn.utils.fusion.fuse_linear_bn_eval(*peer.eval())
    for key, value in fused.state_dict().items():
        np.testing.assert_allclose(value.numpy(), expected.state_dict()[key].numpy(), rtol=1e-12)


CONVOLUTIONS = [
    ("Conv1d", (4, 6, 3), {"groups": 2, "padding": 1}, "BatchNorm1d", (5, 4, 6)),
    ("Conv2d", (2, 3, 3), {"stride": 2, "bias": False}, "BatchNorm2d", (5, 2, 5, 4)),
    ("Conv2d", (2, 3, 3), {"padding": 1, "padding_mode": "circular"}, "BatchNorm2d", (5, 2, 5, 4)),
    ("Conv3d", (1, 2, 2), {}, "BatchNorm3d", (3, 1, 3, 3, 3)),
    ("ConvTranspose1d", (4, 6, 3), {"groups": 2}, "BatchNorm1d", (5, 4, 6)),
    ("ConvTranspose2d", (2, 3, 3), {"stride": 2, "bias": False}, "BatchNorm2d", (5, 2, 3, 4)),
    ("ConvTranspose3d", (2, 1, 2), {}, "BatchNorm3d", (3, 2, 2, 2, 2)),
]


@pytest.mark.parametrize(("name", "sizes", "options", "norm", "shape"), CONVOLUTIONS)
def test_folding_into_a_convolution(
    name: str, sizes: Any, options: Any, norm: str, shape: Any, rng: np.random.Generator
) -> None:
    conv = getattr(nn, name)(*sizes, **options)
    model = nn.Sequential(conv, getattr(nn, norm)(conv.out_channels), nn.ReLU()).double()
    for parameter in model.parameters():
        parameter.data = rng.normal(0.0, 1.0, parameter.shape)
    for _ in range(3):
        model(rng.normal(1.0, 2.0, shape))
    folded = utils.fold_batchnorm(model)
    x = rng.standard_normal(shape)
    np.testing.assert_allclose(folded(x).numpy(), model.eval()(x).numpy(), rtol=1e-12, atol=1e-12)
    assert [type(m).__name__ for m in folded] == [name, "Folded", "ReLU"]
    assert list(folded.state_dict()) == ["0.weight", "0.bias"]
    assert (conv.bias is None) == (options.get("bias") is False)


def test_a_batch_norm_of_another_kind_is_not_folded() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm1d(2))
    assert type(utils.fold_batchnorm(model)[1]).__name__ == "BatchNorm1d"


@pytest.mark.torch
def test_folding_into_a_convolution_is_pytorchs(rng: np.random.Generator) -> None:
    import torch

    model = nn.Sequential(nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3)).double()
    model(rng.normal(1.0, 2.0, (4, 2, 3, 3)))
    peer = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 2), torch.nn.BatchNorm2d(3)).double().eval()
    peer.load_state_dict({k: torch.tensor(v.numpy()) for k, v in model.state_dict().items()})
    fused = utils.fuse_conv_bn_eval(*model.eval())
    expected = torch.nn.utils.fusion.fuse_conv_bn_eval(*peer)
    for key, value in fused.state_dict().items():
        np.testing.assert_allclose(value.numpy(), expected.state_dict()[key].numpy(), rtol=1e-12)


def shaken(model: nn.Sequential, shape: Any, rng: np.random.Generator) -> Any:
    """With statistics that are far from zeros and ones."""
    for parameter in model.parameters():
        parameter.data = rng.normal(0.0, 1.0, parameter.shape)
    for _ in range(3):
        model(rng.normal(1.0, 2.0, shape))
    return model.eval()


@pytest.mark.parametrize(
    ("make", "good", "bad"),
    [
        (lambda: [nn.Linear(4, 6), nn.BatchNorm1d(6)], (5, 4), (2, 6, 4)),
        (lambda: [nn.Linear(4, 6), nn.BatchNorm1d(6)], (5, 4), (2, 3, 4)),
        (lambda: [nn.Linear(4, 6), nn.BatchNorm1d(6)], (5, 4), (4,)),
        (lambda: [nn.Conv1d(2, 3, 2), nn.BatchNorm1d(3)], (5, 2, 4), (2, 4)),  # both channels are 3
        (lambda: [nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3)], (5, 2, 4, 4), (2, 4, 4)),
    ],
)
def test_a_folded_model_takes_only_what_it_was_folded_for(
    make: Any, good: Any, bad: Any, rng: np.random.Generator
) -> None:
    """A Linear's channels are the last axis, and a batch norm's the second."""
    model = shaken(nn.Sequential(*make()).double(), good, rng)
    folded = utils.fold_batchnorm(model)
    x = rng.normal(0.0, 1.0, good)
    np.testing.assert_allclose(folded(x).numpy(), model(x).numpy(), rtol=1e-11, atol=1e-12)
    with pytest.raises(mg.ShapeError, match=r"fold_batchnorm: a batch norm was folded into the \w+ before, which is exact for outputs of \d axes only, and this is .*Call the model that was not folded"):  # fmt: skip
        folded(rng.normal(0.0, 1.0, bad))


def test_other_channels_than_outputs_are_not_folded(rng: np.random.Generator) -> None:
    """On (N, 6, 4) the batch norm has the 6, and the Linear makes 5 of the 4."""
    model = shaken(nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(6)).double(), (2, 6, 4), rng)
    folded, x = utils.fold_batchnorm(model), rng.normal(0.0, 1.0, (3, 6, 4))
    assert folded(x).tolist() == model(x).tolist()


HOOKS: dict[str, Any] = {
    "forward": lambda m: m.register_forward_hook(lambda module, args, out: out * 2.0),
    "forward_pre": lambda m: m.register_forward_pre_hook(lambda module, args: args[0] * 2.0),
    "backward": lambda m: m.register_full_backward_hook(lambda module, gi, go: gi[0] * 2.0),
    "backward_pre": lambda m: m.register_full_backward_pre_hook(lambda module, go: go[0] * 2.0),
    "own": lambda m: m.__dict__.update(forward=lambda x, f=m.forward: f(x) * 2.0),
}


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("kind", HOOKS)
def test_what_has_hooks_is_not_folded(kind: str, which: int, rng: np.random.Generator) -> None:
    model = shaken(nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6)).double(), (5, 4), rng)
    HOOKS[kind](model[which])
    folded, x = utils.fold_batchnorm(model), rng.normal(0.0, 1.0, (5, 4))
    found = []
    for m in (model, folded):
        leaf = mg.tensor(x, requires_grad=True)
        out = m(leaf)
        out.sum().backward()
        found.append((out.tolist(), leaf.grad.tolist()))
    assert found[0] == found[1]
    assert type(folded[1]) is nn.BatchNorm1d
    with pytest.raises(mg.ArgumentError, match=r"fuse_linear_bn_eval: the \w+ has hooks or a forward of its own.*handle\.remove\(\)"):  # fmt: skip
        utils.fuse_linear_bn_eval(*model)


class Backwards(nn.Sequential):
    """Calls its parts from the last to the first."""

    def forward(self, x: Any) -> Any:
        for module in reversed(list(self)):
            x = module(x)
        return x


class Titled(nn.Sequential):
    """Calls its parts as a Sequential does."""

    title = "encoder"


def test_a_sequential_with_a_forward_of_its_own_is_not_folded(rng: np.random.Generator) -> None:
    model = Backwards(
        nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6))
    )
    model = shaken(model.double(), (5, 6), rng)
    folded, x = utils.fold_batchnorm(model), rng.normal(0.0, 1.0, (5, 6))
    np.testing.assert_allclose(folded(x).numpy(), model(x).numpy(), rtol=1e-11)
    assert [type(m).__name__ for m in folded] == ["Linear", "BatchNorm1d", "Sequential"]
    assert type(folded[2][1]) is utils.Folded
    assert type(utils.fold_batchnorm(Titled(nn.Linear(6, 6), nn.BatchNorm1d(6)))[1]) is utils.Folded


@pytest.mark.parametrize(
    ("fuse", "pair", "message"),
    [
        ("conv", (nn.Conv2d(1, 2, 1), nn.BatchNorm1d(2)), r"fuse_conv_bn_eval: takes a Conv2d and a BatchNorm2d, in this order, not Conv2d and BatchNorm1d"),
        ("linear", (nn.Linear(1, 2), nn.BatchNorm2d(2)), r"fuse_linear_bn_eval: takes a Linear and a BatchNorm1d, in this order, not Linear and BatchNorm2d"),
        ("conv", (nn.BatchNorm2d(2), nn.Conv2d(1, 2, 1)), r"fuse_conv_bn_eval: takes a Conv1d and a BatchNorm1d or .*not BatchNorm2d and Conv2d"),
        ("conv", (nn.Linear(1, 2), nn.BatchNorm1d(2)), r"not Linear and BatchNorm1d"),
        ("linear", (nn.Conv1d(1, 2, 1), nn.BatchNorm1d(2)), r"not Conv1d and BatchNorm1d"),
        ("linear", (3, None), r"not int and NoneType"),
    ],
)  # fmt: skip
def test_only_pairs_that_belong_together_are_fused(fuse: str, pair: Any, message: str) -> None:
    for module in pair:
        if isinstance(module, nn.Module):
            module.eval()
    with pytest.raises(mg.ArgumentError, match=message):
        getattr(utils, f"fuse_{fuse}_bn_eval")(*pair)


def test_only_a_module_is_folded_or_recalibrated() -> None:
    with pytest.raises(mg.ArgumentError, match=r"fold_batchnorm: the model is an nn\.Module, not int"):
        utils.fold_batchnorm(3)
    with pytest.raises(mg.ArgumentError, match=r"recalibrate: the model is an nn\.Module, not list"):
        utils.recalibrate([], [])


def test_wrong_folding(rng: np.random.Generator) -> None:
    linear, bn = nn.Linear(3, 2), nn.BatchNorm1d(2)
    with pytest.raises(
        mg.ArgumentError, match=r"in training mode the statistics depend on the batch.*\.eval\(\)"
    ):
        utils.fuse_linear_bn_eval(linear, bn.eval())
    untracked = nn.BatchNorm1d(2, track_running_stats=False).eval()
    with pytest.raises(mg.ArgumentError, match=r"has no running statistics"):
        utils.fuse_linear_bn_eval(linear.eval(), untracked)
    with pytest.raises(
        mg.ArgumentError, match=r"the Linear has 2 outputs, but the batch norm 5 features"
    ):
        utils.fuse_linear_bn_eval(linear, nn.BatchNorm1d(5).eval())
    conv = nn.Conv2d(1, 2, 1)
    with pytest.raises(
        mg.ArgumentError, match=r"fuse_conv_bn_eval: in training mode the statistics depend"
    ):
        utils.fuse_conv_bn_eval(conv, nn.BatchNorm2d(2).eval())
    with pytest.raises(
        mg.ArgumentError, match=r"the Conv2d has 2 outputs, but the batch norm 3 features"
    ):
        utils.fuse_conv_bn_eval(conv.eval(), nn.BatchNorm2d(3).eval())


# Recalibration ----------------------------------------------------------------------------------------------


def test_recalibration_is_algorithm_2(rng: np.random.Generator) -> None:
    model = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(2)).double()
    model[1](rng.normal(50.0, 1.0, (5, 2)))
    data = rng.normal(3.0, 2.0, (60, 2))
    loader = mg.data.DataLoader(mg.data.TensorDataset(data, np.arange(60)), batch_size=10)
    model.eval()
    model[0].train()
    assert utils.recalibrate(model, loader) is model
    batches = data.reshape(6, 10, 2)
    np.testing.assert_allclose(model[1].running_mean.numpy(), batches.mean(axis=(0, 1)), rtol=1e-13)
    np.testing.assert_allclose(
        model[1].running_var.numpy(), 10 / 9 * batches.var(axis=1).mean(axis=0), rtol=1e-13
    )
    assert model[1].momentum == 0.1
    assert [m.training for m in model] == [True, False]
    assert model[1].num_batches_tracked.item() == 6


@pytest.mark.torch
def test_recalibration_is_pytorchs_update_bn(rng: np.random.Generator) -> None:
    import torch

    model = trained(rng)
    peer = torch.nn.Sequential(
        torch.nn.Linear(4, 5), torch.nn.BatchNorm1d(5), torch.nn.ReLU(), torch.nn.Linear(5, 3),
        torch.nn.BatchNorm1d(3),
    ).double()  # fmt: skip
    peer.load_state_dict({k: torch.tensor(v.numpy()) for k, v in model.state_dict().items()})
    batches = [rng.standard_normal((n, 4)) for n in (7, 5, 9)]
    utils.recalibrate(model, batches)
    torch.optim.swa_utils.update_bn([torch.tensor(b) for b in batches], peer)
    for key, value in model.state_dict().items():
        np.testing.assert_allclose(value.numpy(), peer.state_dict()[key].numpy(), rtol=1e-12)


def test_a_recalibration_that_fails_changes_nothing(rng: np.random.Generator) -> None:
    model = trained(rng)
    before = {k: v.numpy().copy() for k, v in model.state_dict().items()}
    with pytest.raises(mg.ArgumentError, match=r"the loader gave no batches, so the statistics stay"):
        utils.recalibrate(model, [])
    with pytest.raises(mg.ShapeError):
        utils.recalibrate(model, [rng.standard_normal((5, 4)), rng.standard_normal((5, 3))])
    assert all(np.array_equal(v.data, before[k]) for k, v in model.state_dict().items())
    assert not any(m.training for m in model.modules())
    assert model[1].momentum == 0.1
    with pytest.raises(mg.ArgumentError, match=r"no batch norm in this Linear keeps statistics"):
        utils.recalibrate(nn.Linear(1, 1), [])


def test_a_batch_norm_that_no_batch_reaches_keeps_its_statistics(rng: np.random.Generator) -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right = nn.BatchNorm1d(2), nn.BatchNorm1d(2)

        def forward(self, x: Any) -> Any:
            return self.left(x)

    model = Two().double()
    model.right(rng.normal(50.0, 3.0, (9, 2)))
    before = {k: v.tolist() for k, v in model.right.state_dict().items()}
    x = rng.normal(3.0, 2.0, (10, 2))
    with pytest.warns(
        UserWarning, match=r"recalibrate: the batches never reached right; the statistics"
    ):
        utils.recalibrate(model, [x])
    assert {k: v.tolist() for k, v in model.right.state_dict().items()} == before
    np.testing.assert_allclose(model.left.running_mean.numpy(), x.mean(0), rtol=1e-13)
    before = {k: v.tolist() for k, v in model.state_dict().items()}
    model.__dict__["forward"] = lambda x: x
    with pytest.raises(mg.ArgumentError, match=r"none of the 1 batches reached a batch norm"):
        utils.recalibrate(model, [x])
    assert {k: v.tolist() for k, v in model.state_dict().items()} == before


def test_recalibration_keeps_a_layers_convention(rng: np.random.Generator) -> None:
    """Keras, ONNX and Flax average the biased variance."""
    batches = rng.normal(3.0, 2.0, (6, 10, 2))
    zeros, ones = np.zeros(2), np.ones(2)
    for make in (nn.BatchNorm1d.from_keras, nn.BatchNorm1d.from_onnx):
        layer = utils.recalibrate(make(ones, zeros, zeros, ones), list(batches))
        np.testing.assert_allclose(
            layer.running_var.numpy(), batches.var(axis=1).mean(axis=0), rtol=1e-13
        )


def test_recalibration_converts_as_fit_does(rng: np.random.Generator) -> None:
    model = nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2))
    batches = [rng.normal(1.0, 2.0, (8, 4)) for _ in range(3)]
    means = []
    for given in (
        batches,
        [mg.tensor(b) for b in batches],
        [(b, np.zeros(8)) for b in batches],
        [b.astype("float32") for b in batches],
    ):
        means.append(utils.recalibrate(model, given)[1].running_mean.tolist())
    assert means[1:] == means[:-1]
    alone = utils.recalibrate(nn.BatchNorm1d(4, affine=False), batches)
    assert alone.running_mean.dtype == np.float32
    double = nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2)).double()
    narrow = utils.recalibrate(double, [b.astype("float32") for b in batches])[1].running_mean
    assert narrow.dtype == np.float64
    np.testing.assert_allclose(narrow, utils.recalibrate(double, batches)[1].running_mean, rtol=1e-6)


def test_an_empty_batch_does_not_count(rng: np.random.Generator) -> None:
    batches = [rng.normal(3.0, 2.0, (10, 2)) for _ in range(2)]
    plain = utils.recalibrate(nn.BatchNorm1d(2).double(), batches)
    layer = utils.recalibrate(nn.BatchNorm1d(2).double(), [batches[0], np.zeros((0, 2)), batches[1]])
    for key, value in plain.state_dict().items():
        assert layer.state_dict()[key].tolist() == value.tolist(), key
    with pytest.raises(mg.ArgumentError, match=r"none of the 1 batches reached"):
        utils.recalibrate(layer, [np.zeros((0, 2))])
    assert layer.running_mean.tolist() == plain.running_mean.tolist()
