"""What the experiments B9 to C5 measure with, and those of their orderings that must hold."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.lab import Bench, experiments
from minigrad.lab.experiments import covariate_shift, exploding_gradients, generative, stacked_networks
from minigrad.lab.experiments.covariate_shift import turned
from minigrad.lab.experiments.double_softmax import FLOOR
from minigrad.lab.experiments.paper_figure import KINDS, activation_inputs, watched
from minigrad.lab.experiments.regularization import noise
from minigrad.lab.experiments.smoothness import probe, probed
from minigrad.lab.training import digits, he, network


def outcome(name, seeds=(0,)):
    """An experiment in quick mode."""
    return experiments()[name].measure(Bench(True, seeds))


def weights(model):
    return np.concatenate([p.numpy().ravel() for p in model.parameters()])


@pytest.fixture
def trial():
    """A network at its start, and a batch."""
    (images, labels), _ = digits()
    return network([64, 20, 20, 20, 10], 0, nn.BatchNorm1d, scale=he()), images[:60], labels[:60]


@pytest.mark.parametrize("look", [turned, probe])
def test_probes_leave_the_weights_as_they_were(trial, look):
    before = weights(trial[0])
    look(*trial)
    np.testing.assert_array_equal(weights(trial[0]), before)
    assert all(p.grad is None or not p.grad.numpy().any() for p in trial[0].parameters())


def test_the_cosine_is_1_if_the_layers_below_stand_still(trial, monkeypatch):
    assert -1 <= turned(*trial) < 0.9999
    monkeypatch.setattr(covariate_shift, "LR", 0.0)
    assert turned(*trial) == pytest.approx(1.0, abs=1e-5)


def test_along_a_straight_slope_the_gradient_does_not_change():
    flat = nn.Linear(4, 3, bias=False)
    x = np.zeros((6, 4), "f4")
    low, high, change, ratio = probe(flat, x, np.zeros(6, int))
    assert low == high == pytest.approx(np.log(3))
    assert change == ratio == 0


def test_looking_at_activations_or_noise_leaves_the_running_averages(trial):
    model, images, _ = trial
    before = {k: v.numpy().copy() for k, v in model.state_dict().items()}
    activation_inputs(model, images)
    assert noise(model, images, 16, np.random.default_rng(0)) > 0
    for key, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[key])


def test_samples_are_judged_by_their_modes():
    assert generative.judged(np.repeat(generative.MODES, 100, axis=0)) == (1.0, 8)
    assert generative.judged(np.repeat(generative.MODES[:3], 100, axis=0)) == (1.0, 3)
    assert generative.judged(np.zeros((100, 2))) == (0.0, 0)


def test_a_part_with_other_layers_is_no_tail():
    (whole, part, _), (x, inside, _) = stacked_networks.stack(0)
    long, short = (stacked_networks.signature(mg.trace(*p)) for p in ((whole, x), (part, inside)))
    assert long[-len(short) :] == short
    other = stacked_networks.signature(mg.trace(nn.Sequential(*list(part)[:2], nn.Tanh()), inside))
    assert long[-len(other) :] != other


def test_gradients_grow_as_theory_says():
    norms = exploding_gradients.gradient_norms(True, True, 1.0, 192, 0)
    growth = (norms[4] / norms[-4]) ** (1 / (len(norms) - 8))
    assert abs(growth - exploding_gradients.THEORY) < 0.05


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("epsilon-guards", "holds"),
        ("epsilon-and-population", "does not hold here"),
        ("gradient-norm-theorem", "holds"),
        ("stacked-networks", "holds"),
        ("train-and-inference", "holds"),
        ("exploding-gradients", "holds partly"),
    ],
)
def test_verdicts_that_are_sure(name, verdict):
    found = outcome(name)
    assert found.verdict == verdict, found.summary


@pytest.mark.slow
def test_the_loss_of_the_text_stays_above_its_floor():
    found = outcome("double-softmax")
    text, scores = (float(row[-1]) for row in found.rows)
    assert scores < 0.1 < FLOOR - 1e-4 < text


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_landscape_is_smoother(seed):
    data, _ = digits()
    plain, normed = (np.median(probed(norm, data, 120, 15, seed), axis=0) for norm in KINDS.values())
    assert normed[1] - normed[0] < 0.5 * (plain[1] - plain[0])
    assert normed[2] < 0.5 * plain[2]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_inputs_drift_less(seed):
    data = digits(binary=True)
    plain, normed = (watched(norm, data, 300, 30, seed, 0.5) for norm in KINDS.values())
    assert normed["drift"] < 0.5 * plain["drift"]
    assert normed["growth"] < plain["growth"]


def idx(path, array):
    """An array as an IDX file of bytes."""
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
    path.write_bytes(head + array.astype(np.uint8).tobytes())


@pytest.mark.slow
def test_the_papers_figure_is_drawn_of_mnist_too_when_its_files_are_there(tmp_path, monkeypatch):
    folder = tmp_path / "mnist"
    folder.mkdir()
    for part, name in (("train", "train"), ("test", "t10k")):
        images, labels = mg.data.digits(part)
        large = np.pad(np.kron(images, np.ones((1, 3, 3))), ((0, 0), (2, 2), (2, 2)))
        idx(folder / f"{name}-images-idx3-ubyte", 255 * large)
        idx(folder / f"{name}-labels-idx1-ubyte", labels)
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path))
    found = outcome("paper-figure")
    assert set(found.data["sets"]) == {"digits", "MNIST"}
    assert [row[0] for row in found.rows] == ["digits"] * 2 + ["MNIST"] * 2
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained")
    experiments()["paper-figure"].draw(figure, found.data)
    assert len(figure.axes) == 6
