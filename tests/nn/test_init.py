"""First values: ranges, moments, generators, and PyTorch's bounds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.nn import Linear, Parameter, init

BIG = (400, 300)


def fresh(shape: Any = BIG, dtype: str = "float64") -> Parameter:
    return Parameter(np.full(shape, np.nan, dtype))


@pytest.mark.parametrize(
    ("fill", "deviation", "bound"),
    [
        (lambda w, g: init.uniform_(w, -1.0, 3.0, generator=g), 4 / math.sqrt(12), 3.0),
        (lambda w, g: init.normal_(w, 0.0, 0.3, generator=g), 0.3, None),
        (lambda w, g: init.xavier_uniform_(w, 2.0, generator=g), 2 * math.sqrt(2 / 700), 2 * math.sqrt(6 / 700)),
        (lambda w, g: init.xavier_normal_(w, 2.0, generator=g), 2 * math.sqrt(2 / 700), None),
        (lambda w, g: init.kaiming_uniform_(w, generator=g), math.sqrt(2 / 300), math.sqrt(6 / 300)),
        (lambda w, g: init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu", generator=g), math.sqrt(2 / 400), None),
        (lambda w, g: init.kaiming_normal_(w, a=1.0, generator=g), math.sqrt(1 / 300), None),
        (lambda w, g: init.orthogonal_(w, generator=g), math.sqrt(1 / 400), None),
    ],
)  # fmt: skip
def test_spread_and_range(fill: Any, deviation: float, bound: float | None) -> None:
    weight = fresh()
    assert fill(weight, np.random.default_rng(1)) is weight
    values = weight.numpy()
    assert abs(values.std() / deviation - 1) < 0.02
    if bound is not None:
        assert 0.999 * bound < np.abs(values).max() <= bound


def test_truncated_normal_stays_inside() -> None:
    values = init.trunc_normal_(fresh(), 0.5, 1.0, -1.0, 1.0, np.random.default_rng(0)).numpy()
    assert values.min() >= -1.0
    assert values.max() <= 1.0
    # mean of N(0.5, 1) between -1 and 1: 0.5 + (phi(-1.5) - phi(0.5)) / (Phi(0.5) - Phi(-1.5))
    assert abs(values.mean() - 0.14298) < 0.005


def test_constants() -> None:
    assert init.constant_(fresh((2,)), 3.5).tolist() == [3.5, 3.5]
    assert init.ones_(fresh((2,))).tolist() == [1.0, 1.0]
    assert init.zeros_(fresh((2,))).tolist() == [0.0, 0.0]
    assert init.eye_(fresh((2, 3))).tolist() == [[1, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 3, 4)])
def test_orthogonal_rows_or_columns(shape: Any) -> None:
    w = init.orthogonal_(fresh(shape), gain=2.0, generator=np.random.default_rng(0)).numpy()
    w = w.reshape(shape[0], -1)
    product = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-12)


def test_windows_count_into_the_fans() -> None:
    assert init.fans("here", fresh((8, 3, 5, 5))) == (75, 200)


def test_float32_and_float64_begin_alike() -> None:
    one = Linear(5, 4, generator=np.random.default_rng(3))
    two = Linear(5, 4, dtype="float64", generator=np.random.default_rng(3))
    assert np.array_equal(one.weight.data, two.weight.data.astype("float32"))
    assert np.array_equal(one.bias.data, two.bias.data.astype("float32"))


def test_manual_seed_repeats_and_moves_on() -> None:
    assert mg.manual_seed(7) is not None
    first, second = Linear(3, 3), Linear(3, 3)
    mg.manual_seed(7)
    again = Linear(3, 3)
    assert np.array_equal(first.weight.data, again.weight.data)
    assert not np.array_equal(first.weight.data, second.weight.data)


def test_an_explicit_generator_leaves_the_default_alone() -> None:
    mg.manual_seed(7)
    expected = Linear(3, 3)
    mg.manual_seed(7)
    Linear(9, 9, generator=np.random.default_rng(0))
    assert np.array_equal(Linear(3, 3).weight.data, expected.weight.data)


def test_linear_draws_from_pytorchs_distribution() -> None:
    layer = Linear(300, 400, generator=np.random.default_rng(0))
    bound = 1 / math.sqrt(300)
    for values in (layer.weight.numpy(), layer.bias.numpy()):
        assert 0.98 * bound < np.abs(values).max() <= np.float32(bound)
        assert abs(values.std() * math.sqrt(3) / bound - 1) < 0.05


@pytest.mark.torch
@pytest.mark.parametrize("name", ["linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"])
def test_gains_are_pytorchs(name: str) -> None:
    import torch

    assert init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    if name == "leaky_relu":
        assert init.calculate_gain(name, 0.3) == torch.nn.init.calculate_gain(name, 0.3)


@pytest.mark.torch
@pytest.mark.parametrize("shape", [(6, 4), (6, 4, 3), (6, 4, 3, 5)])
def test_bounds_are_pytorchs(shape: Any) -> None:
    """Both draw uniformly: the largest of many draws tells the bound."""
    import torch

    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    for ours, theirs in (
        (init.xavier_uniform_, torch.nn.init.xavier_uniform_),
        (init.kaiming_uniform_, torch.nn.init.kaiming_uniform_),
    ):
        left = max(np.abs(ours(fresh(shape), generator=rng).numpy()).max() for _ in range(200))
        right = max(float(theirs(torch.empty(shape)).abs().max()) for _ in range(200))
        assert abs(left / right - 1) < 0.01


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: init.kaiming_uniform_(fresh((3,))), mg.ShapeError, r"kaiming_uniform_: a tensor float64\[3\].* has no fan-in"),
        (lambda: init.kaiming_normal_(fresh(), mode="fan"), mg.ArgumentError, r'mode is "fan_in" or "fan_out", not \'fan\''),
        (lambda: init.calculate_gain("swish"), mg.ArgumentError, r"no gain is known for 'swish', but for conv1d"),
        (lambda: init.uniform_(fresh(), 1.0, 0.0), mg.ArgumentError, r"the lower end comes first, and a=1\.0, b=0\.0"),
        (lambda: init.normal_(fresh(), std=-1.0), mg.ArgumentError, r"std must be zero or positive, not -1\.0"),
        (lambda: init.trunc_normal_(fresh(), 0.0, 1.0, 7.0, 9.0), mg.ArgumentError, r"interval a=7\.0, b=9\.0 must lie within four deviations"),
        (lambda: init.eye_(fresh((2,))), mg.ShapeError, r"eye_: needs a matrix"),
        (lambda: init.orthogonal_(fresh((2,))), mg.ShapeError, r"orthogonal_: needs two dimensions"),
        (lambda: init.normal_(fresh(), generator=3), mg.ArgumentError, r"generator must be a numpy\.random\.Generator, not int 3\. Write generator=np\.random\.default_rng"),
        (lambda: mg.manual_seed(-1), mg.ArgumentError, r"manual_seed: the seed is an integer from 0 upwards, not -1"),
        (lambda: mg.manual_seed(True), mg.ArgumentError, r"not True"),
        (lambda: init.ones_(fresh((2,)) * 2.0), mg.ImmutableError, r"only a leaf's data can be rebound"),
    ],
)  # fmt: skip
def test_wrong_arguments(act: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        act()
