"""Graphs: harvested from any computation, printed, checked, replayed."""

from __future__ import annotations

import dataclasses
import gc
import threading
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad.graph import Scalar
from minigrad.graph.interface import output_paths
from minigrad.primitive import REGISTRY
from minigrad.transforms import flatten

COMPOSED = """\
composed(x: f64[4,3], gamma: f64[3], beta: f64[3])
  batchnorm:
    mean: f64[3]     = mean(x: f64[4,3], axis=0)
    v4: f64[4,3]     = broadcast(mean: f64[3])
    v5: f64[4,3]     = sub(x: f64[4,3], v4: f64[4,3])
    v6: f64[4,3]     = pow(v5: f64[4,3], 2)
    variance: f64[3] = mean(v6: f64[4,3], axis=0)
    v8: f64[3]       = add(variance: f64[3], 1e-05)
    std: f64[3]      = sqrt(v8: f64[3])
    v10: f64[4,3]    = broadcast(std: f64[3])
    x_hat: f64[4,3]  = div(v5: f64[4,3], v10: f64[4,3])
    v12: f64[4,3]    = broadcast(gamma: f64[3])
    v13: f64[4,3]    = mul(x_hat: f64[4,3], v12: f64[4,3])
    v14: f64[4,3]    = broadcast(beta: f64[3])
    v15: f64[4,3]    = add(v13: f64[4,3], v14: f64[4,3])
  return v15: f64[4,3]"""


def same_bits(one, other):
    ones, others = flatten(one)[0], flatten(other)[0]
    assert len(ones) == len(others)
    for a, b in zip(ones, others, strict=True):
        a, b = (np.asarray(t._value if isinstance(t, mg.Tensor) else t) for t in (a, b))
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        assert a.tobytes() == b.tobytes()


@pytest.fixture
def batch(rng):
    return rng.normal(3.0, 2.0, (4, 3)), rng.uniform(0.5, 1.5, 3), rng.normal(size=3)


def loss(x, gamma, beta):
    return (mg.batchnorm.composed(x, gamma, beta) ** 3).sum()


# Printing ----------------------------------------------------------------------------------


def test_an_index_prints_as_it_was_written(rng):
    x, i = rng.normal(size=(3, 4)), mg.tensor([1, 0])
    for function, written in (
        (lambda x, i: x[[0, 2, 2], [1, 1, 3]], "index=([0, 2, 2], [1, 1, 3])"),
        (lambda x, i: x[1:, [0, 0]], "index=(1:, [0, 0])"),
        (lambda x, i: x[np.zeros(40, int)], "index=i64[40]"),
        (lambda x, i: x[i], "index=i)"),
        (lambda x, i: x[mg.argmax(x, axis=0)], "index=v2)"),
        (lambda x, i: x[None, ..., ::2], "index=(None, ..., ::2)"),
        (lambda x, i: mg.grad(lambda x: x[[0, 0]].sum())(x), "scatter_add(d_v4: f64[2,4], v2: i64[2], index=[0, 0])"),
    ):  # fmt: skip
        assert written in str(mg.trace(function, x, i))


def test_batch_norm_reads_like_the_algorithm(batch):
    assert str(mg.trace(mg.batchnorm.composed, *batch)) == COMPOSED


def test_backward_is_a_section_with_named_cotangents(batch):
    text = str(mg.trace(mg.grad(loss, (0, 1, 2)), *batch))
    forward, backward = text.split("  backward:\n")
    assert "d_" not in forward.replace("constant d_", "")
    for line in (
        "d_variance: f64[3] = mul(d_std: f64[3], ",
        "d_mean: f64[3]     = sum(d_v5: f64[4,3], axis=0)",
        "d_x: f64[4,3]      = add(d_v6: f64[4,3], d_x_1: f64[4,3])",
        "return d_x: f64[4,3], d_gamma: f64[3], d_beta: f64[3]",
    ):
        assert line in backward
    assert "    batchnorm:\n" in backward  # the scope of the forward step whose rule runs


def test_scopes_are_nested_headings():
    def f(x):
        with mg.scope("outer"):
            y = mg.exp(x)
            with mg.scope("inner"):
                y = mg.sin(y)
            y = mg.cos(y)
        return y * 2.0

    assert str(mg.trace(f, np.ones(2))).splitlines()[1:] == [
        "  outer:",
        "    v1: f64[2] = exp(x: f64[2])",
        "    inner:",
        "      v2: f64[2] = sin(v1: f64[2])",
        "    v3: f64[2] = cos(v2: f64[2])",
        "  v4: f64[2] = mul(v3: f64[2], 2.0)",
        "  return v4: f64[2]",
    ]


def test_names_are_unique_and_found():
    def f(x, v2):
        y = x * v2
        y.name = "x"
        z = y * y
        return z * z

    g = mg.trace(f, np.ones(2), np.ones(2))
    assert g.labels == ("x", "v2", "x_2", "v3", "v4")
    assert g["x_2"].id == 2
    with pytest.raises(mg.ArgumentError, match=r"f has no value 'w'. There are x, v2, x_2, v3, v4"):
        g["w"]


def test_pushforward_is_called_one():
    g = mg.trace(lambda x: mg.jvp(mg.sin, (x,), (np.ones(2),)), np.ones(2))
    assert "  pushforward:\n" in str(g)
    assert "t_v2: f64[2] = " in str(g)
    assert g.reverse == (False, False)
    assert mg.trace(mg.grad(lambda x: x**3), 2.0).reverse == (False, True)
    assert mg.trace(mg.grad(mg.grad(lambda x: x**3)), 2.0).reverse == (False, True, True)
    hvp = mg.trace(lambda x: mg.hvp(lambda z: (z**3).sum(), (x,), (x,)), np.ones(3))
    assert hvp.reverse == (False, True, False)


def test_structure_of_results_is_shown():
    g = mg.trace(lambda p: {"a": p["w"] * 2.0, "b": [p["w"]]}, {"w": np.ones(2)})
    assert str(g).splitlines()[-1] == "  return a = v1: f64[2], b.0 = p.w: f64[2]"


# What is in it --------------------------------------------------------------------------------


def test_slots_keep_repeated_operands():
    g = mg.trace(lambda a: a * a, np.ones(2))
    assert [(e.op, slot, ref) for e, slot, ref in g.edges()] == [("mul", 0, 0), ("mul", 1, 0)]


def test_python_scalars_stay_scalars():
    g = mg.trace(lambda x: 2 * x**3 + 1.5, np.ones(2, np.float32))
    assert [s for e in g.equations for s in e.inputs if isinstance(s, Scalar)] == [
        Scalar(3), Scalar(2), Scalar(1.5),
    ]  # fmt: skip
    assert g(np.ones(2, np.float32)).dtype == np.float32


def test_provenance_is_the_users_line(batch):
    g = mg.trace(loss, *batch)
    files = {e.location[0] for e in g.equations}
    assert files == {__file__}
    first = loss.__code__.co_firstlineno
    assert {e.location[1] for e in g.equations} == {first + 1}


def test_backward_steps_know_their_forward_step(batch):
    g = mg.trace(mg.grad(loss), *batch).check()
    orders = [e.order for e in g.equations]
    assert orders == sorted(orders)
    assert set(orders) == {0, 1}
    for e in g.equations:
        assert (e.vjp_of is not None) == (e.order == 1)
        if e.order:
            assert g.equations[e.vjp_of].order == 0
            assert g.equations[e.vjp_of].scope == e.scope
    # the loss itself is not needed for its gradient, but it is there to be seen
    assert g.equations[len([o for o in orders if not o]) - 1].op == "sum"
    assert len(g.live) < len(g.equations)


def test_cotangents_are_known(batch):
    g = mg.trace(mg.grad(loss), *batch)
    assert g.labels[g.outputs[0]] == "d_x"
    assert g["d_x"].cotangent_of == (g["x"].id,)
    assert g["d_x_1"].part_of == (g["x"].id,)
    seed = g["d_v18"]
    assert (seed.kind, seed.array.item()) == ("constant", 1.0)


def test_second_order_has_order_two():
    g = mg.trace(lambda x: mg.hvp(lambda z: (z**3).sum(), (x,), (x,)), np.ones(3)).check()
    assert {e.order for e in g.equations} == {0, 1, 2}
    assert "  second derivative:\n" in str(g)


def test_values_only_when_asked(batch):
    x = batch[0]
    assert all(v.array is None for v in mg.trace(loss, *batch).values)
    g = mg.trace(loss, *batch, values=True).check()
    assert all(v.array is not None for v in g.values)
    np.testing.assert_allclose(g["mean"].array, x.mean(axis=0), rtol=1e-14)
    np.testing.assert_array_equal(g["v4"].array, np.broadcast_to(g["mean"].array, (4, 3)))
    with pytest.raises(ValueError, match="read-only"):
        g["mean"].array[0] = 1.0


def test_several_outputs_of_one_primitive(batch):
    g = mg.trace(lambda x: mg.batchnorm.fused(x, return_statistics=True), batch[0]).check()
    (equation,) = [e for e in g.equations if e.op == "batchnorm"]
    assert len(equation.outputs) == 5
    assert equation.outputs.count(None) == 2
    same_bits(g(batch[0]), mg.batchnorm.fused(mg.tensor(batch[0]), return_statistics=True))
    g = mg.trace(mg.grad(lambda x: (mg.batchnorm.fused(x) ** 3).sum()), batch[0]).check()
    assert sum(e.op == "batchnorm" for e in g.equations) == 1
    assert g.labels[g.outputs[0]] == "d_x"


def test_identities_of_transforms_do_not_show_but_named_ones_do():
    def f(x):
        y = mg.identity(mg.identity(x))
        y.name = "tag"
        return y * 2.0

    assert [e.op for e in mg.trace(f, np.ones(2)).equations] == ["identity", "mul"]
    assert all(e.op != "identity" for e in mg.trace(mg.grad(lambda x: x**2), 1.0).equations)


def test_immutable(batch):
    g = mg.trace(loss, *batch)
    for part, field in ((g, "name"), (g.values[0], "name"), (g.equations[0], "index")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(part, field, None)
    with pytest.raises(TypeError):
        g.equations[0].params["axis"] = 1


def test_mutated_constants_are_two_constants():
    scale = np.ones(2)

    def f(x):
        y = x * scale + x * scale
        scale[0] = 5.0
        return y * scale

    g = mg.trace(f, np.ones(2))
    constants = [v.array.tolist() for v in g.values if v.kind == "constant"]
    assert constants == [[1.0, 1.0], [5.0, 1.0]]
    scale[:] = 7.0
    np.testing.assert_array_equal(g(np.ones(2)), [10.0, 2.0])


# Replaying --------------------------------------------------------------------------------------


def _cases():
    rng = np.random.default_rng(7)
    for name, primitive in REGISTRY.items():
        if primitive.samples is not None:
            for i, (args, kwargs) in enumerate(primitive.samples(rng)):
                yield pytest.param(primitive.function, args, kwargs, id=f"{name}-{i}")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.filterwarnings("ignore:.*took values out of the graph:UserWarning")
@pytest.mark.parametrize(("function", "args", "kwargs"), list(_cases()))
def test_every_primitive_traces_checks_and_replays_to_the_bit(function, args, kwargs):
    def tensors(tree):
        leaves, rebuild = flatten(tree)
        return rebuild([mg.tensor(x) if isinstance(x, np.ndarray) else x for x in leaves])

    if not any(isinstance(x, np.ndarray) for x in flatten(args)[0]):
        pytest.skip("no array among the arguments")
    g = mg.trace(function, *args, **kwargs).check()
    expected = function(*tensors(args), **kwargs)
    same_bits(g(*args, **kwargs), expected)
    same_bits(g(*tensors(args), **kwargs), expected)


@pytest.mark.parametrize("method", ["composed", "fused"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_replay_to_the_bit(batch, method, dtype):
    norm = getattr(mg.batchnorm, method)
    args = [a.astype(dtype) for a in batch]
    f = mg.value_and_grad(lambda *a: (norm(*a) ** 3).sum(), (0, 1, 2))
    g = mg.trace(f, *args, values=True).check()
    kept = [g.values[o].array for o in g.outputs]
    same_bits(flatten(g(*args))[0], kept)
    # eager mode fuses some sums, so it agrees to rounding
    others = [a[::-1] for a in args]
    tolerance = {"float32": 3e-4, "float64": 1e-12}[dtype]
    for one, other in zip(flatten(g(*others))[0], flatten(f(*others))[0], strict=True):
        np.testing.assert_allclose(one, other.numpy(), rtol=tolerance, atol=tolerance)


def test_arrays_give_arrays_and_tensors_record(batch):
    g = mg.trace(loss, *batch)
    assert isinstance(g(*batch), np.ndarray)
    x = mg.tensor(batch[0], requires_grad=True)
    out = g(x, *batch[1:])
    out.backward()
    np.testing.assert_allclose(
        x.grad.numpy(), mg.grad(loss)(*batch).numpy(), rtol=1e-12, atol=1e-13
    )  # fmt: skip


def test_replay_is_differentiable_in_every_mode(batch):
    g = mg.trace(loss, *batch)
    x, rest = batch[0], batch[1:]
    v = np.cos(np.arange(12.0)).reshape(4, 3)
    close = {"rtol": 1e-10, "atol": 1e-11}
    one = mg.jvp(lambda z: g(z, *rest), (x,), (v,))[1]
    np.testing.assert_allclose(
        one.numpy(), mg.jvp(lambda z: loss(z, *rest), (x,), (v,))[1].numpy(), **close
    )
    one = mg.hvp(lambda z: g(z, *rest), (x,), (v,))
    np.testing.assert_allclose(
        one.numpy(), mg.hvp(lambda z: loss(z, *rest), (x,), (v,)).numpy(), **close
    )
    h = mg.trace(mg.grad(loss), *batch)  # a graph of a gradient can be differentiated once more
    one = mg.jvp(lambda z: h(z, *rest), (x,), (v,))[1]
    np.testing.assert_allclose(
        one.numpy(), mg.hvp(lambda z: loss(z, *rest), (x,), (v,)).numpy(), **close
    )


def test_tracing_a_replay_gives_the_same_graph(batch):
    for f in (loss, mg.grad(loss, (0, 2)), lambda x, a, b: mg.jvp(lambda z: loss(z, a, b), (x,), (x,))):
        g = mg.trace(f, *batch)
        again = mg.trace(g, *batch)
        assert str(again).splitlines()[1:] == str(g).splitlines()[1:]
        assert [e.vjp_of for e in again.equations] == [e.vjp_of for e in g.equations]


def test_index_that_is_computed_is_computed_again():
    g = mg.trace(lambda x: x[mg.argmax(x)] * x[[0, 1]].sum(), np.array([1.0, 2.0, 3.0])).check()
    x = np.array([9.0, 2.0, 3.0])
    assert g(x) == 99.0
    np.testing.assert_array_equal(mg.grad(g)(x).numpy(), [11.0 + 9.0, 9.0, 0.0])


def test_writing_at_an_index_that_is_computed_is_done_again_or_told():
    g = mg.trace(lambda x: x.at[mg.argmax(x)].set(0.0), np.array([1.0, 2.0, 3.0])).check()
    if g.looked:
        with pytest.warns(UserWarning, match="took values out of the graph"):
            g(np.array([9.0, 2.0, 3.0]))
    else:
        np.testing.assert_array_equal(g(np.array([9.0, 2.0, 3.0])), [0.0, 2.0, 3.0])


def test_comparisons_are_computed_again():
    g = mg.trace(lambda x: mg.where(x > 1.0, x, -x).sum(), np.array([0.0, 2.0])).check()
    assert g(np.array([5.0, -3.0])) == 8.0
    np.testing.assert_array_equal(mg.grad(g)(np.array([5.0, -3.0])).numpy(), [1.0, -1.0])


def test_class_numbers_are_an_input(rng):
    logits, target = rng.normal(size=(5, 3)), np.array([0, 1, 2, 1, 0])
    g = mg.trace(mg.cross_entropy, logits, target).check()
    other = np.array([2, 2, 2, 0, 0])
    same_bits(g(logits, other), mg.cross_entropy(mg.tensor(logits), other))


def test_gradient_that_depends_on_an_integer_input_is_not_folded():
    weights = np.array([1.0, 2.0, 3.0])
    f = lambda i: mg.grad(lambda w: (w[i] ** 2).sum())(weights)  # noqa: E731
    g = mg.trace(f, np.array([0, 1])).check()
    np.testing.assert_array_equal(g(np.array([2, 2])), [0.0, 0.0, 12.0])


def test_parameters_are_live_and_receive_gradients():
    w = mg.tensor([1.0, 2.0], requires_grad=True, name="w")
    g = mg.trace(lambda x: (x * w).sum(), np.ones(2)).check()
    assert g["w"].kind == "parameter"
    out = g(np.array([3.0, 4.0]))
    out.backward()
    np.testing.assert_array_equal(w.grad.numpy(), [3.0, 4.0])
    w.data = [10.0, 10.0]
    assert g(np.array([3.0, 4.0])).item() == 70.0


def test_backward_inside_a_trace_is_recorded():
    w = mg.tensor([1.0, 2.0], requires_grad=True, name="w")

    def step(x):
        w.grad = None
        ((x * w) ** 2).sum().backward()
        return w.grad

    g = mg.trace(step, np.ones(2)).check()
    np.testing.assert_array_equal(g(np.array([3.0, 1.0])).numpy(), [18.0, 4.0])
    assert g.labels[g.outputs[0]] == "d_w"


def test_no_grad_is_recorded_and_respected():
    def f(x):
        with mg.no_grad():
            held = x * 2.0
            slope = mg.grad(lambda z: (z**2).sum())(x)
        return (x * held * slope).sum()

    x = np.array([1.0, 2.0])
    g = mg.trace(f, x).check()
    assert "mul(x: f64[2], 2.0)" in str(g)
    assert "# no gradient passes" in str(g)
    other = np.array([3.0, 5.0])
    assert g(other) == f(mg.tensor(other)).item() == 4 * (27.0 + 125.0)
    same_bits(mg.grad(g)(other), mg.grad(f)(other))
    same_bits(mg.trace(mg.grad(f), x)(other), mg.grad(f)(other))


def test_an_identity_under_no_grad_still_cuts():
    def f(x):
        with mg.no_grad():
            held = mg.identity(x)
        return (x * held).sum()

    x = np.array([1.0, 2.0])
    same_bits(mg.grad(mg.trace(f, x))(x), mg.grad(f)(x))


def test_gradient_of_something_detached_is_recorded():
    def f(x):
        y = mg.stop_gradient(x) * 1.0
        return mg.grad(lambda z: (z**3).sum())(y) + x

    g = mg.trace(f, np.ones(2)).check()
    np.testing.assert_array_equal(g(np.array([2.0, 3.0])), [14.0, 30.0])


def test_nested_arguments_keywords_and_fixed_ones():
    def f(params, x, *, power=2, shift=None):
        return {"y": (x @ params["w"] + params["b"][0]) ** power}

    params = {"w": np.eye(2), "b": [np.zeros(2)]}
    g = mg.trace(f, params, x=np.ones((3, 2)), power=3).check()
    assert [g.labels[i] for i in g.inputs] == ["params.w", "params.b.0", "x"]
    out = g({"w": 2 * np.eye(2), "b": [np.ones(2)]}, np.ones((3, 2)))
    np.testing.assert_array_equal(out["y"], np.full((3, 2), 27.0))
    assert output_paths(out) == ["y"]


def test_floats_are_inputs_only_without_arrays():
    assert [g.labels[i] for g in [mg.trace(mg.add, 1.0, 2.0)] for i in g.inputs] == ["x", "y"]
    g = mg.trace(mg.batchnorm.composed, np.eye(3, dtype="float32"), eps=1e-3)
    assert len(g.inputs) == 1
    assert g(np.eye(3, dtype="float32")).dtype == np.float32


def test_results_may_be_inputs_constants_parameters_and_numbers():
    w = mg.tensor([1.0], requires_grad=True)
    g = mg.trace(lambda x: (x, 2.0, w, np.arange(2)), np.ones(3)).check()
    x, two, same, numbers = g(np.zeros(3))
    np.testing.assert_array_equal(x.numpy(), np.zeros(3))
    assert (two.item(), numbers.tolist()) == (2.0, [0, 1])
    assert same is w


def test_replay_names_the_wrong_input(batch):
    x, gamma, beta = batch
    g = mg.trace(mg.batchnorm.composed, x, gamma, beta, eps=1e-3)
    cases = [
        (lambda: g(x[:2], gamma, beta), mg.ShapeError,
         r"the input 'x' is a plain array float64\[2, 3\], but float64\[4, 3\] was traced.*trace again"),
        (lambda: g(x, gamma.astype("float32"), beta), mg.DtypeError,
         r"the input 'gamma' is a plain array float32\[3\].*astype\('float64'\)"),
        (lambda: g(x, gamma), mg.ArgumentError, r"composed\(x, gamma, beta\): the input 'beta' is missing"),
        (lambda: g(x, gamma, beta, 0.5), mg.ArgumentError, r"eps=0.5, but eps=0.001 is part of the graph"),
        (lambda: g(x, gamma, beta, mean=x), mg.ArgumentError, r"no argument 'mean' when it was traced"),
        (lambda: g(x, gamma, beta, nonsense=1), mg.ArgumentError, r"unexpected keyword argument 'nonsense'"),
    ]  # fmt: skip
    for call, error, message in cases:
        with pytest.raises(error, match=message):
            call()
    assert g(x, gamma, beta, eps=1e-3).shape == (4, 3)


def test_trace_says_what_it_cannot_do():
    with pytest.raises(
        mg.ArgumentError, match=r"no inputs. Pass np.array\(\[...\]\) for a list, 3.0 for 3"
    ):
        mg.trace(lambda x: x, 3)
    with pytest.raises(mg.ArgumentError, match=r"returned str 'no'"):
        mg.trace(lambda x: "no", 3.0)
    with pytest.raises(mg.ArgumentError, match=r"missing a required argument: 'y'"):
        mg.trace(lambda x, y: x, 3.0)


def test_a_mask_of_another_size_is_an_error():
    g = mg.trace(lambda x: x[x > 0].sum(), np.array([1.0, 2.0, -1.0])).check()
    assert g(np.array([-1.0, 5.0, 6.0])) == 11.0
    with pytest.raises(
        mg.ShapeError, match=r"getitem gave \[3\], but \[2\] when it was traced.*mg.where"
    ):
        g(np.array([1.0, 5.0, 6.0]))


@pytest.mark.parametrize(
    "look",
    [
        lambda x: x * 2.0 if x.sum() > 0 else x,
        lambda x: x * float(x.detach().sum()),
        lambda x: x * x.numpy(),
    ],
    ids=["if", "float", "numpy"],
)
def test_values_that_left_the_graph_are_told(look):
    g = mg.trace(look, np.array([1.0, 2.0]))
    assert g.looked[0] == (__file__, look.__code__.co_firstlineno)
    assert "# a value left the graph at" in str(g)
    with pytest.warns(UserWarning, match=r"took values out of the graph.*test_graph.py"):
        g(np.array([1.0, 2.0]))


def test_parameters_may_be_looked_at():
    w = mg.tensor([1.0], requires_grad=True)
    assert mg.trace(lambda x: x * float(w.item()), np.ones(1)).looked == ()


# From tensors -----------------------------------------------------------------------------------


def test_graph_of_a_tensor_before_and_after_backward():
    data, w = np.ones((3, 2)), mg.tensor(np.eye(2), requires_grad=True, name="w")
    y = ((data @ w * np.ones(2) + 0.0 * data) ** 2).sum()
    g = mg.Graph.of(y).check()
    assert [g.labels[i] for i in g.inputs] == ["w"]
    with pytest.raises(mg.GraphError, match=r"constant .*was not kept.*comes from mg.trace"):
        g(np.eye(2))  # a sum needs no value of its terms
    y.backward()
    after = mg.Graph.of(y)
    assert [e.op for e in after.equations] == [e.op for e in g.equations]
    assert [v.shape for v in after.values] == [v.shape for v in g.values]
    assert str(after).count("# value not kept") > str(g).count("# value not kept") > 0


def test_a_named_tensor_that_nobody_tracks_keeps_its_name():
    data = mg.tensor([[1.0, 2.0]], name="data")
    g = mg.trace(lambda w: mg.sum(data @ w), np.ones((2, 1)))
    assert [v.name for v in g.values if v.kind == "constant"] == ["data"]
    assert "matmul(data: f64[1,2], w" in str(g)


def test_graph_of_a_tensor_replays_if_its_constants_were_kept():
    w = mg.tensor(np.eye(2), requires_grad=True, name="w")
    g = mg.Graph.of(((np.ones((3, 2)) @ w) ** 2).sum()).check()
    assert g(2 * np.eye(2)) == g(w=2 * np.eye(2)) == 24.0


def test_graph_of_a_backward_pass():
    x = mg.tensor([1.0, 2.0], requires_grad=True, name="x")
    y = (x**3).sum()
    y.backward(create_graph=True)
    g = mg.Graph.of(y, x.grad, name="both").check()
    assert {e.order for e in g.equations} == {0, 1}
    assert [e.vjp_of is None for e in g.equations] == [e.order == 0 for e in g.equations]
    value, grad = g(np.array([2.0, 3.0]))
    assert value == 35.0
    np.testing.assert_array_equal(grad, [12.0, 27.0])


def test_graph_of_untracked_tensors_is_an_error():
    with pytest.raises(mg.GradientError, match=r"Graph.of: nothing is tracked.*requires_grad=True"):
        mg.Graph.of(mg.tensor(1.0))


# Routes -------------------------------------------------------------------------------------------


def test_routes_of_batch_norm(batch):
    g = mg.trace(mg.batchnorm.composed, *batch)
    routes = g.routes("x", via=("mean", "variance"))
    assert list(routes) == [(), ("mean",), ("variance",), ("variance", "mean")]
    names = {
        tags: {f"{g.equations[e].op}{slot}" for e, slot in edges} for tags, edges in routes.items()
    }
    assert names[()] == {"add0", "mul0", "div0", "sub0"}
    assert names["mean",] == {"add0", "mul0", "div0", "sub1", "broadcast0", "mean0"}
    assert names["variance",] == {
        "add0", "mul0", "div1", "broadcast0", "sqrt0", "mean0", "pow0", "sub0",
    }  # fmt: skip
    assert names["variance", "mean"] == names["variance",] - {"sub0"} | {"sub1"}
    assert list(g.routes("gamma")) == [()]
    with pytest.raises(mg.ArgumentError, match=r"no value named 'median'; named are .*mean, variance"):
        g.routes("x", via=("median",))


def test_routes_of_a_diamond_are_linear_in_time():
    def f(x):
        for _ in range(60):
            x = x + x
        return x

    ((tags, edges),) = mg.trace(f, 1.0).routes().items()
    assert tags == ()
    assert len(edges) == 120


def test_routes_stop_where_no_gradient_passes():
    held = mg.trace(lambda x: mg.stop_gradient(x) * 2.0, np.ones(2))
    with pytest.raises(mg.ArgumentError, match=r"no gradient flows from 'v2' to 'x'"):
        held.routes()
    g = mg.trace(lambda x: mg.batchnorm.composed(x, through_statistics=False), np.eye(3))
    assert list(g.routes(via=("mean", "variance"))) == [()]


def test_too_many_routes_are_refused():
    def f(x):
        for i in range(10):
            y = mg.sin(x)
            y.name = f"s{i}"
            x = x + y
        return x

    with pytest.raises(mg.ArgumentError, match="more than 64 routes"):
        mg.trace(f, 1.0).routes(via=[f"s{i}" for i in range(10)])


# Checking -------------------------------------------------------------------------------------------


def _changed(g, **equation):
    """The graph with fields of its second equation changed."""
    equations = list(g.equations)
    equations[1] = dataclasses.replace(equations[1], **equation)
    return dataclasses.replace(g, equations=tuple(equations))


def _value(g, i, **changes):
    values = list(g.values)
    values[i] = dataclasses.replace(values[i], **changes)
    return dataclasses.replace(g, values=tuple(values))


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (
            lambda g: _changed(g, inputs=(0, 3)),
            r"equation 1, mul\(.*slot 1 uses 'v3' before it is defined",
        ),
        (
            lambda g: _changed(g, inputs=(0, 99)),
            r"equation 1, mul .*slot 1 is number 99, which is not in",
        ),
        (lambda g: _changed(g, inputs=(0, Scalar("2"))), r"slot 1 holds '2', no Python number"),
        (lambda g: _changed(g, outputs=(1,)), r"it defines 'v1' a second time"),
        (lambda g: _changed(g, outputs=(2, 3)), r"it has 2 outputs, mul makes 1"),
        (lambda g: _changed(g, index=0), r"it has the index 0, but stands at 1"),
        (lambda g: _changed(g, vjp_of=1), r"a derivative of equation 1, which is not before it"),
        (
            lambda g: _value(g, 2, shape=(3, 4)),
            r"'v2' is declared f64\[3,4\], but mul gives f64\[4,3\]",
        ),
        (
            lambda g: _value(g, 2, dtype=np.dtype("f4")),
            r"'v2' is declared f32\[4,3\], but mul gives f64",
        ),
        (
            lambda g: _value(g, 0, shape=(4, 5)),
            r"'v1' is declared f64\[4,3\], but exp gives f64\[4,5\]",
        ),
        (lambda g: _value(g, 1, id=0), r"the value at place 1 has the number 0"),
        (lambda g: _value(g, 0, kind="constant"), r"the input number 0 is no value of kind 'input'"),
        (lambda g: dataclasses.replace(g, outputs=(7,)), r"the output is number 7"),
        (lambda g: dataclasses.replace(g, equations=g.equations[:2]), r"the result 'v3' is never made"),
    ],
)
def test_the_checker_finds_what_is_wrong(break_it, message):
    g = mg.trace(lambda x: (mg.exp(x) * x).sum(axis=0), np.ones((4, 3))).check()
    with pytest.raises(mg.GraphError, match=message):
        break_it(g).check()


# Isolation and scale ----------------------------------------------------------------------------------


def test_a_trace_belongs_to_its_thread():
    inside, done = threading.Event(), threading.Event()
    graphs = []

    def f(x):
        inside.set()
        assert done.wait(10)
        return x * 2.0

    worker = threading.Thread(target=lambda: graphs.append(mg.trace(f, np.ones(2))))
    worker.start()
    assert inside.wait(10)
    x = mg.tensor(1.0, requires_grad=True)
    y = x * 3.0 > 1.0
    assert y.node is None  # comparisons are recorded in a trace only
    done.set()
    worker.join()
    assert [e.op for e in graphs[0].equations] == ["mul"]


def test_an_exception_leaves_no_trace():
    with pytest.raises(ZeroDivisionError):
        mg.trace(lambda x: 1 / 0, 3.0)
    assert (mg.tensor(1.0, requires_grad=True) > 0).node is None


def test_observers_outside_still_see_everything():
    with mg.debug_nans(), pytest.raises(mg.NonFiniteError, match="log"):
        mg.trace(lambda x: mg.log(x), np.array([-1.0]))
    with mg.debug_nans(), pytest.raises(mg.NonFiniteError):
        mg.trace(mg.grad(lambda x: mg.where(x > 0.0, x * np.inf, x) * 0.0), 1.0)


def test_a_graph_keeps_no_nodes():
    w = mg.tensor(np.ones(2), requires_grad=True)
    held = []

    def f(x):
        y = x * w
        held.append(weakref.ref(y))
        return y

    g = mg.trace(f, np.ones(2))
    assert held[0]() is None
    del g


def test_a_deep_chain_is_harvested_printed_checked_replayed_and_freed():
    def chain(x):
        for _ in range(20_000):
            x = x * 1.0001
        return x

    x = np.ones(2)
    g = mg.trace(mg.grad(lambda z: chain(z).sum()), x).check()
    assert len(str(g).splitlines()) == len(g.equations) + 4  # heading, seed, "backward:", return
    same_bits(g(x), g.values[g.outputs[0]].array if g.values[g.outputs[0]].array is not None else g(x))
    np.testing.assert_allclose(g(x), np.full(2, 1.0001**20_000), rtol=1e-9)
    gc.collect()
    gc.disable()
    try:
        alive = weakref.ref(g)
        del g
        assert alive() is None
    finally:
        gc.enable()


@pytest.mark.slow
def test_a_million_operations():
    def chain(x):
        for _ in range(1_000_000):
            x = x * 1.000001
        return x

    g = mg.trace(chain, np.ones(1))
    assert len(g.equations) == 1_000_000
    np.testing.assert_allclose(g(np.ones(1)), 1.000001**1_000_000, rtol=1e-9)


def test_sixty_doublings():
    def f(x):
        for _ in range(60):
            x = x + x
        return x

    g = mg.trace(mg.grad(f), 1.0).check()
    assert g(1.0) == 2.0**60
    assert len(g.equations) < 200


def test_a_modules_input_is_called_as_in_its_forward():
    net = mg.nn.Sequential(mg.nn.Linear(2, 3), mg.nn.ReLU())
    graph = mg.trace(net, np.ones((4, 2), "f4"))
    assert [graph.labels[i] for i in graph.inputs] == ["x"]
    assert graph.name == "Sequential"
    assert np.array_equal(graph(x=np.ones((4, 2), "f4")).numpy(), net(np.ones((4, 2), "f4")).numpy())


def test_a_function_with_a_pullback_of_its_own_is_traced_by_its_own_arguments() -> None:
    @mg.custom_vjp
    def square(x):
        return x * x

    square.defvjp(lambda x: (x * x, x), lambda x, g: (2 * x * g,))
    graph = mg.trace(square, np.array([1.0, 2.0]))
    np.testing.assert_array_equal(graph(np.array([3.0, 4.0])), [9.0, 16.0])
