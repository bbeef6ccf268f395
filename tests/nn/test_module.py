"""Module: registration, walking, state, modes, dtypes, hooks, text, scopes."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


class Model(nn.Module):
    """The shape of the glossary's model."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(4, 3)
        self.bn = nn.BatchNorm1d(3)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(3, 2)

    def forward(self, x: Any) -> Any:
        return self.fc2(self.relu(self.bn(self.fc1(x))))


@pytest.fixture
def x(rng: np.random.Generator) -> Any:
    return mg.tensor(rng.standard_normal((5, 4)), dtype="float32")


# Registration --------------------------------------------------------------------------------


def test_parts_are_registered_in_order_of_assignment() -> None:
    model = Model()
    assert [n for n, _ in model.named_children()] == ["fc1", "bn", "relu", "fc2"]
    assert [n for n, _ in model.named_parameters()] == [
        "fc1.weight", "fc1.bias", "bn.weight", "bn.bias", "fc2.weight", "fc2.bias",
    ]  # fmt: skip
    assert [n for n, _ in model.named_buffers()] == [
        "bn.running_mean", "bn.running_var", "bn.num_batches_tracked",
    ]  # fmt: skip
    assert [n for n, _ in model.named_modules()] == ["", "fc1", "bn", "relu", "fc2"]
    assert len(list(model.parameters(recurse=False))) == 0


def test_a_shared_module_comes_once_but_twice_in_the_state() -> None:
    layer = nn.Linear(2, 2)
    model = nn.Sequential(layer, nn.ReLU(), layer)
    assert len(list(model.parameters())) == 2
    assert len(list(model.modules())) == 3
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]


def test_a_tied_parameter_comes_once() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    assert [n for n, _ in model.named_parameters()] == ["0.weight", "0.bias", "1.bias"]
    assert len(list(model.named_parameters(remove_duplicate=False))) == 4
    model(mg.tensor(np.ones((1, 3), "float32"))).sum().backward()
    assert model[1].weight.grad is model[0].weight.grad


def test_assignment_replaces_across_kinds() -> None:
    module = nn.Module()
    module.part = nn.Parameter([1.0])
    module.part = nn.Linear(1, 1)
    assert not list(module.parameters(recurse=False))
    assert [n for n, _ in module.named_children()] == ["part"]
    del module.part
    assert not list(module.named_children())
    with pytest.raises(AttributeError, match="Module has no attribute 'part'"):
        _ = module.part


def test_a_buffer_is_replaced_by_assignment() -> None:
    module = nn.Module()
    module.register_buffer("seen", np.zeros(2))
    module.seen = np.ones(2)
    assert isinstance(module.seen, mg.Tensor)
    assert module.state_dict()["seen"].tolist() == [1.0, 1.0]


def test_an_unsaved_buffer_is_not_in_the_state() -> None:
    module = nn.Module()
    module.register_buffer("kept", np.zeros(1))
    module.register_buffer("scratch", np.zeros(1), persistent=False)
    assert list(module.state_dict()) == ["kept"]
    assert [n for n, _ in module.named_buffers()] == ["kept", "scratch"]


def test_an_unsaved_buffer_that_becomes_a_parameter_is_saved() -> None:
    module = nn.Module()
    module.register_buffer("scale", np.zeros(1), persistent=False)
    module.scale = nn.Parameter([1.0])
    assert list(module.state_dict()) == ["scale"]


def test_none_stands_for_a_part_that_is_left_out() -> None:
    layer = nn.Linear(2, 2, bias=False)
    assert layer.bias is None
    assert list(layer.state_dict()) == ["weight"]
    layer.bias = nn.Parameter(np.zeros(2, "float32"))
    assert list(layer.state_dict()) == ["weight", "bias"]


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda m: setattr(m.fc1, "weight", np.ones((3, 4))), r"Linear\.weight is a parameter, and a plain array float64\[3, 4\] was assigned\. Write weight = nn\.Parameter"),
        (lambda m: setattr(m, "fc1", 3), r"Model\.fc1 is a module, and int 3 was assigned\. Delete it first: del model\.fc1"),
        (lambda m: m.add_module("a.b", nn.ReLU()), r"'a\.b' cannot name a part; a name is text without dots"),
        (lambda m: m.add_module("forward", nn.ReLU()), r"Model\.forward exists already"),
        (lambda m: m.add_module("part", 3), r"add_module: 'part' must be a module or None, not int 3"),
        (lambda m: m.register_parameter("w", mg.tensor([1.0])), r"register_parameter: 'w' must be an nn\.Parameter or None"),
        (lambda m: m.get_submodule("fc1.inner"), r"there is no 'inner' in Linear on the way to 'fc1\.inner'"),
        (lambda m: m.train("yes"), r"train: mode is True or False, not str 'yes'"),
        (lambda m: m.load_state_dict([1]), r"load_state_dict: needs a dict of arrays by path, not list \[1\]"),
    ],
)  # fmt: skip
def test_wrong_parts_are_refused(act: Any, message: str) -> None:
    with pytest.raises(mg.ArgumentError, match=message):
        act(Model())


def test_a_forgotten_super_init_is_named() -> None:
    class Forgetful(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.ReLU()

    class Silent(nn.Module):
        def __init__(self) -> None:
            self.size = 3

    with pytest.raises(
        mg.ArgumentError, match=r"call super\(\)\.__init__\(\) at the start of Forgetful"
    ):
        Forgetful()
    with pytest.raises(mg.ArgumentError, match=r"call super\(\)\.__init__\(\) at the start of Silent"):
        Silent()(1)


def test_a_module_without_forward_says_so() -> None:
    class Empty(nn.Module):
        pass

    with pytest.raises(NotImplementedError, match=r"Empty needs a method forward"):
        Empty()(1)


# Names, scopes, text ----------------------------------------------------------------------------


def test_parameters_and_scopes_have_the_paths_of_the_state(x: Any) -> None:
    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = Model()

        def forward(self, x: Any) -> Any:
            return self.body(x)

    model = Outer()
    assert all(p.name == n for n, p in model.named_parameters())
    assert model(x).node.scope == ("body", "fc2")


def test_a_name_that_the_user_gave_stays() -> None:
    weight = nn.Parameter([1.0])
    weight.name = "temperature"
    model = nn.Module()
    model.inner = nn.Module()
    model.inner.weight = weight
    assert weight.name == "temperature"


def test_a_number_alone_is_no_scope(x: Any) -> None:
    model = nn.Sequential(nn.Linear(4, 2), nn.Sigmoid())
    assert model(x).node.scope == ("1: Sigmoid",)


def test_scopes_close_when_forward_raises(x: Any) -> None:
    model = Model()
    with pytest.raises(mg.ShapeError):
        model(mg.tensor(np.ones((5, 3), "float32")))
    assert mg.context.current().scope == ()


def test_the_users_line_is_recorded(x: Any) -> None:
    model = Model()
    assert model(x).node.location[0] == __file__


def test_repr_nests() -> None:
    assert repr(nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU()))) == (
        "Sequential(\n"
        "  (0): Linear(in_features=2, out_features=3, bias=True)\n"
        "  (1): Sequential(\n"
        "    (0): ReLU()\n"
        "  )\n"
        ")"
    )


# State -----------------------------------------------------------------------------------------------


def test_state_round_trip_gives_the_same_bits(x: Any) -> None:
    model, other = Model(), Model()
    model(x)
    assert not np.array_equal(model.fc1.weight.data, other.fc1.weight.data)
    assert other.load_state_dict(model.state_dict()) == ([], [])
    assert other.bn.num_batches_tracked.item() == 1
    assert np.array_equal(model.eval()(x).data, other.eval()(x).data)


def test_a_state_is_a_snapshot(x: Any) -> None:
    model = Model()
    state = model.state_dict()
    before = {k: v.numpy().copy() for k, v in state.items()}
    model(x)
    model.fc1.weight.data = np.zeros((3, 4))
    assert all(np.array_equal(state[k].data, before[k]) for k in before)


def test_loading_keeps_the_objects_and_converts_dtypes() -> None:
    model = Model()
    weight, mean = model.fc1.weight, model.bn.running_mean
    state = {k: v.numpy().astype("float64") + 1.0 for k, v in model.state_dict().items()}
    model.load_state_dict(state)
    assert model.fc1.weight is weight
    assert model.bn.running_mean is mean
    assert weight.dtype == np.float32
    assert mean.tolist() == [1.0, 1.0, 1.0]
    assert model.bn.num_batches_tracked.dtype == np.int64


def test_a_state_that_does_not_fit_changes_nothing() -> None:
    model = Model()
    before = model.state_dict()
    state: dict[str, Any] = {k: np.zeros(v.shape) for k, v in before.items()}
    state["fc3.weight"] = state.pop("fc2.weight")
    state["fc1.bias"] = np.zeros(7)
    with pytest.raises(nn.StateDictError) as caught:
        model.load_state_dict(state)
    text = str(caught.value)
    assert "does not fit this Model, and nothing was loaded" in text
    assert "missing keys: fc2.weight" in text
    assert "unexpected keys: fc3.weight (did you mean fc2.weight?)" in text
    assert "fc1.bias: shape [7], but the module has [3]" in text
    assert all(np.array_equal(v.data, before[k].data) for k, v in model.state_dict().items())


def test_not_strict_loads_what_fits_and_tells() -> None:
    model = Model()
    found = model.load_state_dict({"fc1.bias": np.ones(3), "head": np.ones(1)}, strict=False)
    assert found.unexpected_keys == ["head"]
    assert "fc1.weight" in found.missing_keys
    assert model.fc1.bias.tolist() == [1.0, 1.0, 1.0]
    with pytest.raises(nn.StateDictError, match=r"fc1\.bias: shape \[2\]"):
        model.load_state_dict({"fc1.bias": np.ones(2)}, strict=False)


def test_text_in_a_state_is_refused() -> None:
    with pytest.raises(nn.StateDictError, match=r"'weight' holds <U1 values; numbers are needed"):
        nn.Linear(1, 1).load_state_dict({"weight": [["a"]], "bias": [0.0]})


def test_copy_and_pickle_are_independent(x: Any) -> None:
    model = Model()
    model(x).sum().backward()
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(other.eval()(x).data, model.eval()(x).data)
        other.fc1.weight.data = np.zeros((3, 4))
        other.train()(x)
        assert model.fc1.weight.data.any()
        assert model.bn.num_batches_tracked.item() == 1
        assert other.fc1.weight.name == "fc1.weight"


def test_a_deep_copy_keeps_ties_and_gradients() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight
    model(np.ones((1, 2), "float32")).sum().backward()
    other = copy.deepcopy(model)
    assert other[1].weight is other[0].weight
    assert other[0].weight is not model[0].weight
    assert np.array_equal(other[0].weight.grad.data, model[0].weight.grad.data)


# Modes, dtypes, gradients, hooks ----------------------------------------------------------------------


def test_train_and_eval_reach_everything() -> None:
    model = Model()
    assert model.eval() is model
    assert not any(m.training for m in model.modules())
    model.train()
    assert all(m.training for m in model.modules())


def test_to_keeps_objects_names_and_gradients(x: Any) -> None:
    model = Model()
    model(x).sum().backward()
    weight, grad = model.fc1.weight, model.fc1.weight.grad.numpy()
    assert model.double() is model
    assert model.fc1.weight is weight
    assert weight.dtype == weight.grad.dtype == np.float64
    assert np.array_equal(weight.grad.data, grad.astype("float64"))
    assert weight.name == "fc1.weight"
    assert weight.requires_grad
    assert model.bn.running_var.dtype == np.float64
    assert model.bn.num_batches_tracked.dtype == np.int64
    assert model(x.numpy().astype("float64")).dtype == np.float64
    assert model.half().fc2.bias.dtype == np.float16
    assert model.float().fc2.bias.dtype == np.float32
    assert model.to("float64").fc2.bias.dtype == np.float64


@pytest.mark.parametrize("wrong", ["cuda", int, "int64"])
def test_to_refuses_devices_and_integers(wrong: Any) -> None:
    with pytest.raises(mg.DtypeError, match=r"is no floating dtype\. Write model\.to\('float64'\)"):
        Model().to(wrong)


def test_zero_grad(x: Any) -> None:
    model = Model()
    model(x).sum().backward()
    model.zero_grad(set_to_none=False)
    assert all(not p.grad.data.any() for p in model.parameters())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


def test_frozen_parameters_get_no_gradient(x: Any) -> None:
    model = Model()
    model.fc1.requires_grad_(False)
    model(x).sum().backward()
    assert model.fc1.weight.grad is None
    assert model.fc2.weight.grad is not None
    model.requires_grad_()
    assert all(p.requires_grad for p in model.parameters())


def test_apply_goes_from_the_inside_out() -> None:
    seen: list[str] = []
    Model().apply(lambda m: seen.append(type(m).__name__))
    assert seen == ["Linear", "BatchNorm1d", "ReLU", "Linear", "Model"]


def test_hooks_see_change_and_go(x: Any) -> None:
    model = Model()
    calls: list[str] = []
    layer = model.relu
    first = layer.register_forward_hook(lambda m, args, out: calls.append(f"{len(args)} {out.shape}"))
    second = layer.register_forward_hook(lambda m, args, out: out * 0.0)
    before = layer.register_forward_pre_hook(lambda m, args: args[0] * 0.0 + 1.0)
    assert layer(x).tolist() == np.zeros((5, 4)).tolist()
    assert calls == ["1 (5, 4)"]
    second.remove()
    second.remove()
    assert layer(x).tolist() == np.ones((5, 4)).tolist()
    first.remove()
    before.remove()
    assert np.array_equal(layer(x).data, np.maximum(x.data, 0))
    assert len(calls) == 2


# Parameter ------------------------------------------------------------------------------------------------


def test_a_parameter_copies_and_is_floating() -> None:
    data = np.ones(2)
    parameter = nn.Parameter(data)
    data[0] = 5.0
    assert parameter.tolist() == [1.0, 1.0]
    with pytest.raises(
        mg.DtypeError, match=r"Parameter: data must be floating, and it is a plain array int64\[1\]"
    ):
        nn.Parameter([1])


def test_rebinding_leaves_a_recorded_graph_alone() -> None:
    weight = nn.Parameter([3.0])
    loss = (weight * weight).sum()
    weight.data = [100.0]
    loss.backward()
    assert weight.grad.tolist() == [6.0]


def test_transforms_see_parameters() -> None:
    weight = nn.Parameter([3.0])
    assert mg.grad(lambda w: (w * w * w).sum())(weight).tolist() == [27.0]
    x = nn.Linear(2, 1)
    out = mg.grad(lambda v: x(v).sum())(np.ones((1, 2), "float32"))
    assert np.array_equal(out.data, x.weight.data)


def test_memory_goes_back_without_the_collector(x: Any) -> None:
    import gc
    import weakref

    gc.collect()
    gc.disable()
    try:
        model = Model()
        out = model(x)
        out.sum().backward()
        watched = [weakref.ref(out), weakref.ref(model.fc1.weight), weakref.ref(model)]
        del out, model
        assert [w() for w in watched] == [None, None, None]
    finally:
        gc.enable()
