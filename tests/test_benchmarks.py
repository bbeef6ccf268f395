"""The benchmarks compare like with like: every contender computes the same numbers."""

from __future__ import annotations

import json
import math
import os

import numpy as np
import pytest

from tests.benchmarks import __main__ as command
from tests.benchmarks import (
    accuracy,
    batchnorm,
    chain,
    harness,
    importtime,
    layout,
    memory,
    scale,
    training,
    whitening,
)
from tests.conftest import missing


def parameters(contenders):
    """One test per contender; those that need PyTorch or JAX carry the marker."""
    marks = {"PyTorch": pytest.mark.torch, "JAX": pytest.mark.jax}
    return [pytest.param(name, marks=marks.get(name.split()[0], ())) for name in contenders]


def make(contenders, name, *problem):
    """The step of a contender, or a skip that names the library."""
    for peer, why in harness.missing_peers().items():
        if name.startswith(peer):
            missing(f"{peer} ({why})")
    return contenders[name](*problem)


def arrays(step):
    """What a step gives, as plain arrays."""
    return [np.array(harness.to_numpy(v)) for v in step()]


# Like with like --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", chain.KINDS)
@pytest.mark.parametrize("name", parameters(chain.CONTENDERS))
def test_chain_contenders_agree(name, kind):
    # d/dx of 10 pairs is 1.0001**10; of sines it is the product of cosines.
    found = arrays(make(chain.CONTENDERS, name, kind, 20))
    x, a, b = np.array([0.5, 1.0, 1.5]), 1.0001, 0.0001
    if kind == "unary":
        expected = [np.ones(3)]
        for _ in range(20):
            expected[0], x = expected[0] * np.cos(x), np.sin(x)
    else:
        powers = a ** np.arange(11.0)
        into_a = 10 * a**9 * x + b * (np.arange(10) * a ** np.maximum(np.arange(10.0) - 1, 0)).sum()
        expected = [np.full(3, powers[10]), into_a, np.full(3, powers[:10].sum())]
        expected = expected if kind == "tensor" else expected[:1]
    assert len(found) == len(expected)
    for got, want in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize("shape", [(6, 5), (4, 3, 2, 5)])
@pytest.mark.parametrize("name", parameters(batchnorm.CONTENDERS))
def test_batchnorm_contenders_agree(name, shape):
    p = batchnorm.problem(shape)
    step = make(batchnorm.CONTENDERS, name, p)
    flat, dy = (np.moveaxis(v, 1, -1).reshape(-1, shape[1]).astype(float) for v in (p.x, p.dy))
    x_hat, dx = accuracy.exact(batchnorm.Problem(flat, p.gamma, p.beta, dy * p.gamma))
    y = x_hat * p.gamma + p.beta
    for found in (arrays(step), arrays(step)):  # a second step starts afresh
        columns = [np.moveaxis(v, 1, -1).reshape(-1, shape[1]) if v.ndim > 1 else v for v in found]
        for got, want in zip(columns, (y, dx, (dy * x_hat).sum(0), dy.sum(0)), strict=True):
            assert got.dtype == np.float32
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.torch
@pytest.mark.parametrize(
    "name",
    ["minigrad composed", "minigrad fused", pytest.param("JAX jit", marks=pytest.mark.jax)],
)
def test_training_contenders_agree(name):
    steps = [training.CONTENDERS[which](8) for which in (name, "PyTorch")]
    losses = []
    for _ in range(5):
        found, expected = map(arrays, steps)
        assert len(found) == len(expected) == 7  # the loss; weights and biases
        # Batch norm takes the first bias out again: its gradient is rounding, and Adam follows that.
        for i in (0, 1, 3, 4, 5, 6):
            np.testing.assert_allclose(found[i], expected[i], rtol=1e-3, atol=1e-4)
        losses.append(float(found[0]))
    assert losses[-1] < 0.9 * losses[0]


def test_whitening_contenders_do_what_they_are_called():
    for name, make_step in whitening.CONTENDERS.items():
        y, dx = arrays(make_step(4))
        np.testing.assert_allclose(y.mean(axis=0), 0.0, atol=1e-6)
        np.testing.assert_allclose(dx.sum(axis=0), 0.0, atol=1e-4)
        # What is left between the features: batch norm lets it stand, whitening removes it.
        rest = np.abs(y.T @ y / len(y) - np.eye(4)).max()
        assert (rest < 0.1) is not name.startswith("batch norm"), name


# Every module in a tiny size --------------------------------------------------------------


@pytest.mark.parametrize(
    "module", [chain, batchnorm, importtime, scale, accuracy, training, whitening, layout]
)
def test_tiny_run(module):
    report = module.run(tiny=True)
    assert report.title.startswith(module.__name__.rsplit(".", 1)[-1])
    # There is no budget for a training step, and the chain's are about its peers alone.
    alone = module is chain and not set(chain.BUDGETS) - set(harness.missing_peers())
    assert bool(report.checks) is (module is not training and not alone)
    assert all(math.isfinite(check.budget) for check in report.checks)
    assert all(table.rows for table in report.tables)
    assert all(check.what in report.text() for check in report.checks)
    json.dumps(report.data())


def test_tiny_run_lists_every_installed_contender():
    names = [row[0] for row in chain.run(tiny=True).tables[0].rows]
    assert set(names) == set(harness.build(chain.CONTENDERS, "unary", 2))


def test_memory_counts_live_arrays(monkeypatch):
    if not memory.exact():
        pytest.skip("needs a kernel that can reset the peak of resident memory (Linux)")
    few = ("minigrad composed", "NumPy by hand, fused")
    monkeypatch.setattr(memory, "CONTENDERS", {name: batchnorm.CONTENDERS[name] for name in few})
    (table,) = memory.run(tiny=True).tables
    arrays = {row[0]: row[1] for row in table.rows}
    assert 2 < arrays["NumPy by hand, fused"] < arrays["minigrad composed"] < 10


def test_memory_shows_why_a_child_failed():
    with pytest.raises(RuntimeError, match=r"measuring nobody failed:(.|\n)*KeyError: 'nobody'"):
        memory.peak("nobody", (4, 3))


def test_scale_gives_memory_back_and_is_right():
    with scale.without_collector():
        scale.long_chain(2000)
        found = scale.long_chain(2000)
    np.testing.assert_allclose(found["gradient"], 1.0001**1000, rtol=1e-12)
    assert found["held"] > 2 * 2000  # the graph is alive before ...
    assert found["left"] < 50  # ... and gone after `del`
    assert scale.diamond(60)[1] == 2.0**60


def test_accuracy_sees_an_error():
    p = accuracy.with_values(np.random.default_rng(0).standard_normal((64, 8), np.float32))
    x_hat, dx = accuracy.exact(p)
    assert accuracy.errors(p, lambda: (x_hat, dx)) == (0.0, 0.0)
    off, wrong = accuracy.errors(p, lambda: (x_hat + 1.0, dx * 2.0))
    assert off == pytest.approx(1.0)
    assert wrong == pytest.approx(1.0)


def test_accuracy_of_a_constant_feature_must_be_exact():
    constant = accuracy.with_values(np.full((10, 8), 3333, np.float32))
    assert accuracy.limits(constant, "composed")[0] == 0.0


# The harness -------------------------------------------------------------------------------


def test_interleaving_rotates():
    calls = []
    steps = {name: (lambda name=name: calls.append(name)) for name in "ABC"}
    timings = harness.interleave(steps, 3, sample=0.0)
    assert "".join(calls) == "AAABBBCCC" + "ABC" + "BCA" + "CAB"
    assert all(len(timing.seconds) == 3 for timing in timings.values())


def test_ratios_and_spread():
    one = harness.Timing([1.0, 2.0, 3.0], [1.0] * 3)
    other = harness.Timing([2.0, 1.0, 6.0], [2.0] * 3)
    assert harness.ratio(one, other) == 1.0
    assert harness.paired(one, other) == 0.5
    assert one.spread == 0.5
    assert harness.overloaded({"one": one, "other": other}, 1) == [
        "Note: other used 2.0 cores, though 1 was asked for."
    ]


@pytest.mark.parametrize(("value", "met"), [(0.9, True), (1.0, True), (1.1, False), (math.nan, False)])
def test_a_budget_is_met_or_not(value, met):
    assert harness.Check("what", value, 1.0).met is met


def test_table_is_aligned():
    table = harness.Table("title", [("name", ""), ("x", ".1f")], [["a", 1.0], ["long one", None]])
    assert table.text() == "title\n  name        x\n  a         1.0\n  long one    -"


def test_a_missing_peer_is_named_and_left_out(monkeypatch, capsys):
    monkeypatch.setitem(harness.PEERS, "MyGrad", "no_such_library")
    assert "no_such_library" in harness.missing_peers()["MyGrad"]
    assert "MyGrad" not in harness.build(chain.CONTENDERS, "unary", 2)
    monkeypatch.setattr(harness, "set_threads", lambda threads: None)
    monkeypatch.setattr(importtime, "run", lambda **options: harness.Report("importtime"))
    assert command.main(["--only", "importtime"]) == 0
    printed = capsys.readouterr().out
    assert "MyGrad is left out: No module named 'no_such_library'; install it with: pip" in printed


def test_threads_are_set_for_everybody(monkeypatch):
    monkeypatch.setattr(os, "environ", {})
    harness.set_threads(1)
    assert {os.environ[name] for name in harness.THREAD_VARIABLES} == {"1"}
    assert os.environ["NPROC"] == "1"
    assert "multi_thread_eigen=false" in os.environ["XLA_FLAGS"]


def test_figures_are_written_whole_or_not_at_all(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(harness, "set_threads", lambda threads: None)
    found = harness.Report("importtime", checks=[harness.Check("seconds", 0.1, 0.2)])
    monkeypatch.setattr(importtime, "run", lambda **options: found)
    path = tmp_path / "figures.json"
    command.main(["--only", "importtime", "--json", str(path)])
    data = json.loads(path.read_text())
    assert data["machine"]["threads"] == 1
    assert data["benchmarks"]["importtime"]["budgets"][0]["met"] is True
    before = path.read_text()
    with pytest.raises(TypeError):
        command.write_json(str(path), {"not": object()})
    assert path.read_text() == before
    assert os.listdir(tmp_path) == ["figures.json"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--threads", "0"], "must be at least 1, not 0"),
        (["--only", "speed"], "invalid choice: 'speed'"),
    ],
)
def test_wrong_arguments(arguments, message, capsys):
    with pytest.raises(SystemExit):
        command.main(arguments)
    assert message in capsys.readouterr().err
