"""What experiments share: training that diverges is told from training that learns."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad import nn, optim
from minigrad.lab.training import CHANCE, digits, he, learning_curve, network, score, train


@pytest.fixture(scope="module")
def data():
    return digits()


def start(rate, **options):
    model = network([64, 20, 10], 0, **options)
    return model, optim.SGD(model.parameters(), lr=rate)


def test_a_learning_curve_rises_and_has_all_its_points(data):
    told: list[int] = []
    curve = learning_curve(*start(0.3, norm=nn.BatchNorm1d), *data, 60, 20, report=told.append)
    assert told == [20, 40, 60]
    assert len(curve) == 4
    assert curve[0] < 0.5 < 0.8 < curve[-1]


def test_after_divergence_it_is_guessing(data):
    losses = train(*start(1e6), data[0], 30)
    assert losses[-1] == np.inf
    assert len(losses) < 30
    assert score(*start(1e6), *data, 30, 0) == CHANCE
    curve = learning_curve(*start(1e6), *data, 30, 10)
    assert curve[1:] == [CHANCE] * 3


def test_the_same_weights_with_and_without_batch_norm():
    plain, normed = (network([64, 20, 10], 3, norm=n, scale=he()) for n in (None, nn.BatchNorm1d))
    np.testing.assert_array_equal(plain[0].weight.numpy(), normed[0].weight.numpy())
    np.testing.assert_array_equal(plain[2].weight.numpy(), normed[3].weight.numpy())
    assert not plain[0].bias.numpy().any()
    assert plain[0].weight.numpy().std() == pytest.approx((2 / 64) ** 0.5, rel=0.05)
