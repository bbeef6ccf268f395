"""The separations that are large enough to be relied upon hold with every one of three seeds."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.lab import Bench, experiments
from minigrad.lab.measure import behind

SEEDS = (0, 1, 2)
pytestmark = pytest.mark.slow


def outcome(name):
    """An experiment in quick mode, but with three seeds."""
    found = experiments()[name].measure(Bench(True, SEEDS))
    assert found.verdict == "holds", found.summary
    return found.data


def test_b1_held_constant_the_biases_drift_and_training_is_slower():
    data = outcome("stop-gradient")
    for kind in ("batch norm", "centring"):
        through, held = (data["grown"][f"{kind}, {way}"] for way in (True, False))
        assert len(through) == len(held) == len(SEEDS)
        assert max(through) < 1.01
        assert min(held) > 2
    losses = zip(data["final"]["batch norm, False"], data["final"]["batch norm, True"], strict=True)
    assert all(behind(held, through, factor=1.2) for held, through in losses)


def test_b3_steps_are_undone_and_the_loss_is_behind():
    data = outcome("renormalise-after-step")
    assert len(data["medians"]) == len(data["final"]) == 4 * len(SEEDS)
    assert min(data["medians"]) > 0.25
    assert all(behind(renormalised, normed) for renormalised, normed in data["final"])


def test_b5_batch_norm_learns_at_rates_several_times_larger():
    largest = outcome("higher-rates")["largest"]
    assert len(largest["plain"]) == len(SEEDS)
    for plain, normed in zip(largest["plain"], largest["batch norm"], strict=True):
        assert normed >= 3 * plain > 0


def test_b6_batch_norm_learns_from_weights_of_any_size():
    data = outcome("initialisation")
    plain, normed = (np.array(data["accuracy"][name]) for name in ("plain", "batch norm"))
    assert plain.shape == normed.shape == (len(SEEDS), len(data["factors"]))
    assert (normed > plain).all()
    off = [f != 1.0 for f in data["factors"]]
    assert plain[:, off].max() < 0.5 < normed[:, off].min()


def test_b7_batch_norm_needs_a_fraction_of_the_steps():
    first = outcome("faster-training")["first"]
    assert len(first["plain"]) == len(SEEDS)
    for plain, normed in zip(first["plain"], first["batch norm"], strict=True):
        assert plain is None or plain >= 3 * normed


def test_b8_saturating_units_learn_with_batch_norm_only():
    final = outcome("saturating")["final"]
    assert len(final["plain"]) == len(SEEDS)
    assert max(final["plain"]) < 0.2
    assert min(final["batch norm"]) > 0.8
