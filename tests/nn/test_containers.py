"""Sequential, ModuleList, ModuleDict."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


def sizes(container: Any) -> list[int]:
    return [m.out_features for m in container]


def test_sequential_is_a_list_that_is_called() -> None:
    model = nn.Sequential(nn.Linear(2, 1), nn.Linear(1, 3))
    model.append(nn.Linear(3, 4)).extend([nn.Linear(4, 5)])
    model.insert(0, nn.Linear(7, 2))
    assert sizes(model) == [2, 1, 3, 4, 5]
    assert model(np.ones((6, 7), "float32")).shape == (6, 5)
    assert [p.name for p in model[1].parameters()] == ["1.weight", "1.bias"]
    del model[-1]
    model[0] = nn.Linear(9, 2)
    assert sizes(model) == [2, 1, 3, 4]
    assert sizes(model[1:3]) == [1, 3]
    assert next(iter(model[1:3].state_dict())) == "1.weight"
    assert model[-1].out_features == 4


def test_sequential_takes_names() -> None:
    model = nn.Sequential({"first": nn.Linear(2, 3), "then": nn.ReLU()})
    assert list(model.state_dict()) == ["first.weight", "first.bias"]
    assert model(np.ones((1, 2), "float32")).node.scope == ("then",)


def test_modulelist_names_its_parts_in_scopes_and_slices_leave_them() -> None:
    class Stack(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])
            self.layers.append(nn.Linear(2, 2))

        def forward(self, x: Any) -> Any:
            for layer in self.layers[1:]:
                x = layer(x)
            return x

    model = Stack()
    out = model(np.ones((1, 2), "float32"))
    assert out.node.scope == ("layers.2",)
    assert [p.name for p in model.parameters()] == [n for n, _ in model.named_parameters()]
    assert list(model.state_dict())[:2] == ["layers.0.weight", "layers.0.bias"]
    assert model.layers[2].weight.name == "layers.2.weight"


def test_moduledict() -> None:
    heads = nn.ModuleDict({"a": nn.Linear(2, 1)})
    heads["b"] = nn.Linear(2, 3)
    heads.update({"c": nn.ReLU()})
    assert list(heads) == list(heads.keys()) == ["a", "b", "c"]
    assert len(heads) == 3
    assert "b" in heads
    del heads["a"]
    assert [n for n, _ in heads.items()] == ["b", "c"]
    assert [type(m).__name__ for m in heads.values()] == ["Linear", "ReLU"]
    with pytest.raises(mg.ArgumentError, match=r"ModuleDict: there is no 'a'; it holds \['b', 'c'\]"):
        _ = heads["a"]
    with pytest.raises(mg.ArgumentError, match="ModuleDict: there is no 'a'"):
        del heads["a"]


def test_wrong_use_is_refused() -> None:
    model = nn.Sequential(nn.ReLU())
    with pytest.raises(IndexError, match=r"Sequential holds 1 modules; there is no 1\."):
        _ = model[1]
    with pytest.raises(mg.ArgumentError, match=r"an index is an integer or a slice, not 'a'"):
        _ = model["a"]
    with pytest.raises(
        mg.ArgumentError, match=r"add_module: '1' must be a module or None, not function"
    ):
        model.append(lambda x: x)
    with pytest.raises(NotImplementedError, match="ModuleList needs a method forward"):
        nn.ModuleList([nn.ReLU()])(1)


def test_lists_in_lists_are_named_through() -> None:
    model = nn.Module()
    model.blocks = nn.ModuleList([nn.ModuleList([nn.Linear(1, 1)])])
    model.blocks[0].append(nn.ReLU())
    model.blocks.append(nn.Sequential(nn.Tanh()))
    x = mg.tensor([[1.0]], dtype="float32", requires_grad=True)
    assert model.blocks[0][0](x).node.scope == ("blocks.0.0",)
    assert model.blocks[0][1](x).node.scope == ("blocks.0.1",)
    assert model.blocks[1](x).node.scope == ("blocks.1", "0: Tanh")
