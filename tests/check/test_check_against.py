"""Two implementations, and functions of other libraries."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.check import from_jax, from_torch
from tests.check import known_bad


@pytest.fixture
def inputs(rng):
    return known_bad.batch(rng, 8, 3)


@pytest.mark.parametrize("order", [1, 2])
def test_composed_against_fused(inputs, order):
    report = mg.check_against(mg.batchnorm.composed, mg.batchnorm.fused, inputs, order=order)
    assert report.verdict == "PASS", report.text()
    assert {"value", "against", "reverse"} <= {e.mode for e in report.entries}
    assert {e.function for e in report.entries} == {"composed", "fused", "composed against fused"}


def test_a_hand_written_pair_against_minigrad(inputs):
    pair = known_bad.forward, known_bad.backward
    assert mg.check_against(mg.batchnorm.fused, pair, inputs)


def test_it_says_who_is_wrong(inputs):
    wrong = known_bad.forward, known_bad.CASES["02 no variance path"].wrong
    report = mg.check_against(mg.batchnorm.fused, wrong, inputs)
    assert report.verdict == "FAIL"
    assert "fused agrees with the numerical derivative, forward does not" in report.text()
    assert "path through the variance is missing" in report.text()


def test_two_different_functions(inputs):
    def other(x, gamma, beta):
        return mg.batchnorm.fused(x, gamma, beta, eps=1.1e-5)

    report = mg.check_against(mg.batchnorm.fused, other, inputs)
    assert report.verdict == "FAIL"
    assert "the two compute different functions" in report.text()
    assert {e.mode for e in report.wrong} == {"value", "against"}


def test_a_shared_mistake(inputs):
    def constant(x, gamma, beta):
        return mg.batchnorm.composed(x, gamma, beta, through_statistics=False)

    def fused(x, gamma, beta):
        return mg.batchnorm.fused(x, gamma, beta, through_statistics=False)

    report = mg.check_against(constant, fused, inputs)
    assert report.verdict == "FAIL"
    assert "a shared mistake" in report.text()


def test_shapes_must_agree(inputs):
    with pytest.raises(mg.ArgumentError, match=r"returns shapes.*must be the same"):
        mg.check_against(lambda x, g, b: x * g, lambda x, g, b: (x * g).sum(), inputs)


def test_second_order_of_a_pair_is_refused(inputs):
    pair = known_bad.forward, known_bad.backward
    with pytest.raises(mg.ArgumentError, match="a hand-written backward has no derivative of its own"):
        mg.check_against(mg.batchnorm.fused, pair, inputs, order=2)


def test_a_missing_library_is_named(monkeypatch):
    import importlib

    def refuse(name):
        raise ImportError(name)

    gradcheck = mg.gradcheck  # itself loaded when it is first used
    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(mg.MissingExtraError, match="needs torch, which is not installed"):
        gradcheck(from_torch(lambda x: x), np.ones(2))


# PyTorch and JAX ----------------------------------------------------------------------------------


@pytest.mark.torch
@pytest.mark.parametrize("order", [1, 2])
def test_torch_batch_norm(inputs, order):
    import torch

    torch.set_num_threads(1)  # arrays this small are not worth a second one

    def batch_norm(x, gamma, beta):
        return torch.nn.functional.batch_norm(x, None, None, gamma, beta, training=True)

    report = mg.check_against(mg.batchnorm.fused, from_torch(batch_norm), inputs, order=order, points=1)
    assert report.verdict == "PASS", report.text()


@pytest.mark.torch
def test_torch_tensors_are_recognised_and_wrong_ones_caught():
    import torch

    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        def backward(ctx, dy):
            return 2.0001 * ctx.saved_tensors[0] * dy

    x = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64)
    assert mg.gradcheck(torch.tanh, x)
    report = mg.gradcheck(Wrong.apply, x)
    assert report.verdict == "FAIL"
    assert "constant factor: 1.00005" in report.text()


@pytest.mark.torch
def test_torch_single_precision_and_unused_inputs():
    import torch

    x, y = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    report = mg.gradcheck(lambda x, y: torch.exp(x), (x, y))
    assert report.verdict == "VACUOUS"
    assert [i.input for i in report.issues if i.kind == "vacuous"] == ["y"]


@pytest.mark.jax
@pytest.mark.parametrize("order", [1, 2])
def test_jax_batch_norm(inputs, order):
    import jax.numpy as jnp

    def batch_norm(x, gamma, beta):
        mean = x.mean(0)
        return gamma * (x - mean) / jnp.sqrt(((x - mean) ** 2).mean(0) + 1e-5) + beta

    report = mg.check_against(
        from_jax(batch_norm), mg.batchnorm.composed, inputs, order=order, points=1
    )
    assert report.verdict == "PASS", report.text()
    assert "forward" in {e.mode for e in report.entries}


@pytest.mark.torch
@pytest.mark.jax
@pytest.mark.parametrize("library", ["torch", "jax"])
def test_an_unmarked_function_of_another_library_is_told(library):
    import jax.numpy as jnp
    import torch

    function = {"torch": torch.tanh, "jax": jnp.tanh}[library]
    said = (
        rf"check_against: tanh calls a function of {library}, .*Mark it as such: .*from_{library}\(f\)"
    )
    with pytest.raises(mg.ArgumentError, match=said):
        mg.check_against(function, mg.tanh, np.ones(2))
