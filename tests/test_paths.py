"""mg.paths: the parts are the gradient, told apart by what they crossed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.autodiff import collect
from minigrad.primitive import REGISTRY


def leaf(value, name=None):
    return mg.tensor(np.asarray(value, float), requires_grad=True, name=name)


@pytest.mark.parametrize("function", [mg.batchnorm.composed])
@pytest.mark.parametrize("shape", [(4, 3), (64, 3), (2, 1)])
def test_the_parts_of_batch_norm_sum_to_its_gradient(rng, function, shape):
    x = leaf(rng.normal(size=shape), "x")
    loss = (function(x) * rng.normal(size=shape)).sum()
    found = mg.paths(loss, x, via=["mean", "variance"])
    assert list(found.parts) == [(), ("mean",), ("variance",), ("variance", "mean")]
    loss.backward()
    size = np.abs(found.parts[()]).max()
    np.testing.assert_allclose(found.total, x.grad.numpy(), rtol=0, atol=1e-14 * size)
    assert found.norms["variance", "mean"] <= 1e-15 * found.norms[()]


def test_parts_are_what_the_derivation_says(rng):
    n = 8
    x, c = leaf(rng.normal(size=(n, 3)), "x"), rng.normal(size=(n, 3))
    found = mg.paths((mg.batchnorm.composed(x, eps=0.0) * c).sum(), "x", via=["mean", "variance"])
    deviation = x.numpy() - x.numpy().mean(0)
    std = np.sqrt((deviation**2).mean(0))
    direct = c / std
    np.testing.assert_allclose(found.parts[()], direct, rtol=1e-12)
    np.testing.assert_allclose(found.parts[("mean",)], np.tile(-direct.mean(0), (n, 1)), rtol=1e-11)
    x_hat = deviation / std
    removed = -x_hat * (x_hat * direct).mean(0)
    np.testing.assert_allclose(found.parts[("variance",)], removed, rtol=1e-10, atol=1e-13)


def test_energy_is_split_by_pythagoras(rng):
    x = leaf(rng.normal(size=(32, 4)), "x")
    loss = (mg.batchnorm.composed(x, eps=1e-12) * rng.normal(size=(32, 4))).sum()
    energy = mg.paths(loss, x, via=["mean", "variance"]).energy()
    assert abs(energy.gap) < 1e-11
    assert not energy.cancels
    assert 0 < energy.survives < 1
    assert energy.survives + energy.removed["mean",] + energy.removed["variance",] == pytest.approx(1)
    assert "survives" in str(energy)
    assert "not perpendicular" not in str(energy)


def test_a_gradient_that_cancels_is_called_so(rng):
    x = leaf(rng.normal(size=(8, 3)), "x")
    energy = mg.paths(mg.batchnorm.composed(x).sum(), x, via=["mean", "variance"]).energy()
    assert energy.cancels
    assert "cancels exactly" in str(energy)
    kept = mg.paths(
        (mg.batchnorm.composed(x) * rng.normal(size=(8, 3))).sum(), x, via=["mean"]
    ).energy()
    assert not kept.cancels


def test_parts_that_are_not_perpendicular_are_called_so():
    x = leaf([1.0, 2.0], "x")
    y = x * 2.0
    y.name = "twice"
    assert "not perpendicular" in str(mg.paths((x + y).sum(), x, via=["twice"]).energy())


def test_no_direct_path_has_no_energy():
    x = leaf([1.0, 2.0], "x")
    y = x * 2.0
    y.name = "twice"
    found = mg.paths(y.sum(), x, via=[y])
    assert list(found.parts) == [("twice",)]
    with pytest.raises(mg.GradientError, match=r"nothing arrives along a direct path.*twice"):
        found.energy()


def test_a_name_may_be_crossed_twice():
    x = leaf(3.0, "x")
    y = x
    for _ in range(2):
        y = y * y + y
        y.name = "block"
    found = mg.paths(y * 1.0, x, via=["block"])
    assert list(found.parts) == [("block", "block")]
    assert found.total == pytest.approx((2 * 3 + 1) * (2 * 12 + 1))


def test_tensors_without_a_name_are_numbered():
    x = leaf(3.0)
    y = mg.sin(x)
    assert list(mg.paths(y * x, x, via=[y]).parts) == [(), ("via[0]",)]


def test_the_order_of_names_is_from_the_output_to_the_input():
    x = leaf(2.0, "x")
    a = x * x
    a.name = "a"
    b = mg.exp(a)
    b.name = "b"
    found = mg.paths(b * a * x, x, via=["a", "b"])
    assert set(found.parts) == {(), ("a",), ("b", "a")}


def test_several_outputs_and_a_given_cotangent(rng):
    x, g = leaf(rng.normal(size=(6, 2)), "x"), rng.normal(size=(6, 2))
    y, mean, variance = mg.batchnorm.fused(x, return_statistics=True)
    mean.name = "mean"
    found = mg.paths(y + mean * variance, x, via=["mean"], gradient=g)
    (y + mean * variance).backward(g)
    np.testing.assert_allclose(found.total, x.grad.numpy(), rtol=1e-13, atol=1e-14)
    assert set(found.parts) == {(), ("mean",)}


def test_float32_stays_float32(rng):
    x = mg.tensor(rng.normal(size=(4, 3)), dtype="f4", requires_grad=True, name="x")
    found = mg.paths(mg.batchnorm.composed(x).sum(), x, via=["mean"])
    assert {part.dtype for part in found.parts.values()} == {np.dtype("f4")}
    assert found.energy().cancels or found.energy().survives < 1e-9


def test_the_tape_is_left_as_it_was(rng):
    x = leaf(rng.normal(size=3), "x")
    y = mg.sin(x)
    loss = (y * y).sum()
    first = mg.paths(loss, x, via=[y])
    again = mg.paths(loss, x, via=[y])
    assert np.array_equal(first.total, again.total)
    loss.backward()
    assert x.grad.numpy().tolist() == pytest.approx(first.total.tolist())


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50), st.integers(0, 50)), max_size=14),
    st.data(),
)
def test_on_any_graph_the_parts_sum_to_the_gradient(steps, data):
    x = leaf([0.3, -0.7], "x")
    made = [x, x * 0.5]
    for op, i, j in steps:
        a, b = made[i % len(made)], made[j % len(made)]
        made.append([a + b, a * b, mg.sin(a), mg.tanh(a) - b][op])
    total = made[-1].sum()
    reached = set(collect([total.node])[0])
    between = [t for t in made[1:-1] if t.node in reached]
    via = data.draw(st.lists(st.sampled_from(between), unique_by=id, max_size=3)) if between else []
    found = mg.paths(total, x, via=via)
    expected = mg.grad(lambda v: _replay(v, steps))(x.numpy()).numpy()
    np.testing.assert_allclose(found.total, expected, rtol=1e-12, atol=1e-13)


def _replay(x, steps):
    made = [x, x * 0.5]
    for op, i, j in steps:
        a, b = made[i % len(made)], made[j % len(made)]
        made.append([a + b, a * b, mg.sin(a), mg.tanh(a) - b][op])
    return made[-1].sum()


def test_it_costs_two_rule_calls_more_than_a_backward_pass(rng, monkeypatch):
    calls = []
    for name in ("mean", "sub", "pow", "sqrt", "div", "broadcast", "add", "mul", "sum"):
        primitive = REGISTRY[name]
        rules = [
            rule and (lambda *a, rule=rule, name=name, **k: calls.append(name) or rule(*a, **k))
            for rule in primitive.rules
        ]
        monkeypatch.setattr(primitive, "rules", rules)
        monkeypatch.setattr(primitive, "summed", None)
    x = leaf(rng.normal(size=(4, 3)), "x")
    loss = (mg.batchnorm.composed(x) * rng.normal(size=(4, 3))).sum()
    mg.paths(loss, x, via=["mean", "variance"])
    split = len(calls)
    calls.clear()
    loss.backward()
    assert split - len(calls) <= 4


# Wrong input -------------------------------------------------------------------------------------


def test_wrong_input_says_what_to_write():
    x = leaf([1.0, 2.0], "x")
    y = mg.sin(x)
    y.name = "y"
    loss = (y * x).sum()
    with pytest.raises(mg.GradientError, match="paths: nothing is tracked"):
        mg.paths(mg.tensor(1.0), x)
    with pytest.raises(mg.GradientError, match=r"paths: only a scalar has a gradient"):
        mg.paths(y, x)
    with pytest.raises(
        mg.ArgumentError, match=r"no tensor .* is named 'z'\. Named are x, y\. Name a tensor"
    ):
        mg.paths(loss, x, via=["z"])
    with pytest.raises(mg.ArgumentError, match=r"via is a list, \['y'\], not a single str"):
        mg.paths(loss, x, via="y")
    with pytest.raises(mg.ArgumentError, match=r"'x' in via is wrt itself"):
        mg.paths(loss, x, via=["x"])
    with pytest.raises(
        mg.ArgumentError, match=r"via\[0\] in via is the output itself|'via\[0\]' in via is the output"
    ):
        mg.paths(loss, x, via=[loss])
    with pytest.raises(mg.ArgumentError, match=r"wrt='q' names 0 of the tensors"):
        mg.paths(loss, "q")
    with pytest.raises(mg.GradientError, match="no gradient flows to wrt"):
        mg.paths(loss, leaf(1.0))
    with pytest.raises(
        mg.ArgumentError, match=r"via\[0\], .*, is not among what the output was made from"
    ):
        mg.paths(loss, x, via=[leaf(1.0)])
    with pytest.raises(mg.ShapeError, match="paths: the cotangent has shape"):
        mg.paths(y, x, gradient=np.ones(3))


def test_a_walked_graph_says_so():
    x = leaf([1.0, 2.0], "x")
    loss = mg.sin(x).sum()
    loss.backward()
    with pytest.raises(mg.GradientError, match="gave back what it had saved"):
        mg.paths(loss, x)


def test_too_many_paths_are_refused():
    x = y = leaf(1.0, "x")
    for _ in range(70):
        inner = mg.sin(y)
        inner.name = "inner"
        y = inner + y
    with pytest.raises(mg.ArgumentError, match="more than 64 paths that cross inner"):
        mg.paths(y * 1.0, x, via=["inner"])
