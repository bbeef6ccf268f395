"""mg.record: what it remembers is what an independent recomputation gives, and off it costs nothing."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad.primitive import REGISTRY


def leaf(value, name=None, dtype="f8"):
    return mg.tensor(np.asarray(value, dtype), requires_grad=True, name=name)


@pytest.fixture
def recorded(rng):
    x, gamma, beta = (
        leaf(rng.normal(size=(4, 3)), "x"),
        leaf([1.0, 2.0, 3.0], "gamma"),
        leaf(np.zeros(3), "beta"),
    )
    w = rng.normal(size=(4, 3))
    with mg.record() as rec:
        loss = (mg.batchnorm.composed(x, gamma, beta) * w).sum()
        loss.backward()
    return rec, (x, gamma, beta)


def test_gradients_are_those_of_the_leaves_bit_for_bit(recorded):
    rec, leaves = recorded
    for x in leaves:
        assert np.array_equal(rec.gradients[rec.graph[x.name].id], x.grad.numpy())


def test_values_replay_bit_for_bit(recorded):
    rec, leaves = recorded
    graph = rec.graph.check()
    assert [graph.labels[i] for i in graph.inputs] == ["x", "gamma", "beta"]
    result = graph(*[x.numpy() for x in leaves])
    assert np.array_equal(result, graph.values[graph.outputs[0]].array)
    assert all(v.array is not None for v in graph.values)


def test_every_backward_step_is_the_rule_applied_to_what_arrived(recorded):
    """The rules are called by hand here, on plain arrays."""
    rec, _ = recorded
    graph = rec.graph
    sums: dict[int, np.ndarray] = {graph.outputs[0]: np.ones(())}
    for step in rec.steps:
        if step.phase == "forward":
            continue
        (value,), (arriving,) = step.values, step.arrays
        assert np.array_equal(sums[value], arriving)
        assert np.array_equal(rec.gradients[value], arriving)
        if step.equation is None:
            assert not step.contributions
            continue
        equation = graph.equations[step.equation]
        given = [graph.values[r].array if isinstance(r, int) else r.value for r in equation.inputs]
        for part in step.contributions:
            rule = REGISTRY[equation.op].rules[part.slot]
            sent = rule(arriving, *given, graph.values[value].array, **equation.params)
            np.testing.assert_allclose(part.array, sent, rtol=1e-14, atol=1e-300)
            assert part.value == equation.inputs[part.slot]
            before = sums.get(part.value)
            assert (part.before is None) == (before is None)
            if before is not None:
                assert np.array_equal(part.before, before)
            expected = part.array if before is None else before + part.array
            assert np.array_equal(part.after, expected)
            sums[part.value] = expected


def test_a_square_sends_twice_to_the_same_tensor():
    x = leaf(3.0, "x")
    with mg.record() as rec:
        (x * x).backward()
    (step,) = [s for s in rec.steps if s.contributions]
    assert [(c.slot, c.before, c.after.item()) for c in step.contributions] == [
        (0, None, 3.0), (1, np.array(3.0), 6.0),
    ]  # fmt: skip


def test_a_broadcast_is_a_step_that_takes_the_sum():
    b = leaf([1.0, 2.0], "b")
    with mg.record() as rec:
        (b + np.ones((3, 2))).sum().backward()
    ops = [
        rec.graph.equations[s.equation].op
        for s in rec.steps
        if s.phase == "backward" and s.contributions
    ]
    assert ops == ["sum", "add", "broadcast"]
    (stretch,) = [
        s for s in rec.steps if s.contributions and rec.graph.equations[s.equation].op == "broadcast"
    ]
    assert stretch.arrays[0].shape == (3, 2)
    assert stretch.contributions[0].array.tolist() == [3.0, 3.0]


def test_an_operation_with_several_outputs_is_one_step(rng):
    x = leaf(rng.normal(size=(4, 3)), "x")
    with mg.record() as rec:
        y, mean, _ = mg.batchnorm.fused(x, return_statistics=True)
        ((y * y * y).sum() + mean.sum()).backward()
    (step,) = [s for s in rec.steps if s.phase == "backward" and s.equation is not None
               and rec.graph.equations[s.equation].op == "batchnorm"]  # fmt: skip
    assert [a is None for a in step.arrays] == [False, True, False, True, True]
    assert np.array_equal(step.contributions[0].after, x.grad.numpy())


def test_two_backward_passes_are_numbered(rng):
    x = leaf([1.0, 2.0], "x")
    with mg.record() as rec:
        y = (x * x).sum()
        y.backward(retain_graph=True)
        y.backward()
    assert {s.backward_pass for s in rec.steps} == {0, 1, 2}
    assert "backward 2" in rec.text()
    assert x.grad.numpy().tolist() == [4.0, 8.0]
    assert rec.gradients[rec.graph["x"].id].tolist() == [2.0, 4.0]  # of one pass


def test_a_forward_pass_alone_can_be_recorded():
    x = leaf([1.0, 2.0], "x")
    with mg.record() as rec:
        mg.sin(x)
        mg.cos(x)
    assert [e.op for e in rec.graph.equations] == ["sin", "cos"]
    assert rec.gradients == {}
    assert {s.phase for s in rec.steps} == {"forward"}


def test_what_was_made_before_the_block_has_no_value():
    x = leaf([1.0, 2.0], "x")
    y = mg.sin(x)
    with mg.record() as rec:
        (y * y).sum().backward()
    assert rec.graph["v1"].array is None or rec.graph.equations[0].op == "sin"
    assert np.array_equal(rec.gradients[rec.graph["x"].id], x.grad.numpy())


def test_modules_parameters_are_known(rng):
    layer = mg.nn.Linear(3, 2)
    x = mg.tensor(rng.normal(size=(4, 3)), dtype="f4", requires_grad=True, name="x")
    with mg.record() as rec:
        layer(x).sum().backward()
    assert {rec.graph.labels[i] for i in rec.parameters} == {"weight", "bias"}


def test_a_users_array_may_change_afterwards(rng):
    x, w = leaf(rng.normal(size=3), "x"), rng.normal(size=3)
    kept = w.copy()
    with mg.record() as rec:
        y = x * w
        w[:] = 0.0
        (y + w).sum().backward()
    constants = [v.array for v in rec.graph.values if v.kind == "constant"]
    assert any(np.array_equal(c, kept) for c in constants)
    assert any(np.array_equal(c, np.zeros(3)) for c in constants)


def test_transforms_are_recorded_too():
    with mg.record() as rec:
        mg.grad(lambda x: x * x * x)(2.0)
    assert rec.steps[-1].arrays[0].item() == 12.0


def test_an_observer_outside_is_still_told():
    x = leaf([-1.0, 2.0], "x")
    with mg.debug_nans(), mg.record(), pytest.raises(mg.NonFiniteError, match="`log` made a NaN"):
        mg.log(x)


def test_recording_costs_nothing_when_it_is_off():
    x = leaf([1.0], "x")
    with mg.record():
        pass
    from minigrad.context import current

    assert current().observer is None
    assert current().plain
    assert x.sum().node.state.plain


def test_a_dropped_record_gives_all_memory_back():
    gc.disable()
    try:
        x = leaf(np.ones(1000), "x")
        with mg.record() as rec:
            y = mg.sin(x)
            node = weakref.ref(y.node)
            y.sum().backward()
        assert rec.steps
        del y, rec
        assert node() is None
    finally:
        gc.enable()


def test_a_chain_of_twenty_thousand_steps():
    x = y = leaf(1.0, "x")
    with mg.record() as rec:
        for _ in range(10_000):
            y = y * 0.9999 + 1e-5
        y.backward()
    assert len(rec.steps) == 40_001
    assert rec.steps[-1].arrays[0] == x.grad.numpy()


def test_data_that_nobody_tracks_keep_their_name():
    data = mg.tensor([[1.0, 2.0]], name="data")
    with mg.record() as rec:
        (data @ mg.tensor([[1.0], [3.0]], requires_grad=True, name="w")).sum().backward()
    assert {v.kind: v.name for v in rec.graph.values if v.name} == {"constant": "data", "input": "w"}
    assert "matmul(data, w)" in rec.text()


def test_wrong_use_says_what_to_do():
    message = "after its `with` block has ended"
    with mg.record() as rec, pytest.raises(mg.ArgumentError, match=message):
        rec.graph  # noqa: B018
    with pytest.raises(mg.GradientError, match=r"nothing was recorded.*requires_grad=True"):
        rec.graph  # noqa: B018


def test_a_record_can_be_cut_to_the_pass_of_one_tensor(rng):
    x = mg.tensor(rng.normal(size=3), requires_grad=True, name="x")
    with mg.record() as rec:
        h = mg.sin(x)
        loss, other = (h * h).sum(), mg.exp(h).sum()
        assert not rec.started_from(loss)
        loss.backward(retain_graph=True)
        assert rec.started_from(loss)
        other.backward(retain_graph=True)
        loss.backward(np.array(2.0))
    part = rec.of(loss)
    assert [e.op for e in part.graph.equations] == ["sin", "mul", "sum"]
    assert {s.backward_pass for s in part.steps} == {0, 1}
    (value,) = [v.id for v in part.graph.values if v.name == "x"]
    np.testing.assert_array_equal(part.gradients[value], 4.0 * np.sin(x.data) * np.cos(x.data))
    assert {s.backward_pass for s in rec.steps} == {0, 1, 2, 3}  # the whole is as it was
    with pytest.raises(mg.ArgumentError, match=r"started from .*sin"):
        rec.of(h)
