"""Every function of the shelf that PyTorch also has is compared with it at six shapes or more.

The comparisons are tables: here they are counted, by public name.  A new function that PyTorch has
under one of its names fails here until it stands in a table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pytest

import minigrad as mg
from minigrad.tensor import FUNCTIONS
from tests import test_torch
from tests.ops import test_against_torch, test_contract, test_einsum, test_linalg, test_window

pytestmark = pytest.mark.torch

# Ours, that PyTorch has under a name that none of ours has.
OTHER_NAMES = {
    "append": "cat", "array_split": "tensor_split", "astype": "to", "average": "mean", "block": "cat",
    "convolve": "conv1d", "copy": "clone", "correlate": "conv1d", "cumulative_prod": "cumprod",
    "cumulative_sum": "cumsum", "expand_dims": "unsqueeze", "extract": "masked_select",
    "getitem": "__getitem__", "linalg.expm": "matrix_exp", "linalg.matrix_transpose": "mT",
    "at_add": "index_add", "at_max": "index_reduce", "at_min": "index_reduce", "at_mul": "index_reduce",
    "at_set": "index_put", "matrix_transpose": "mT", "matvec": "mv", "partition": "kthvalue",
    "percentile": "quantile", "rollaxis": "movedim", "sliding_window_view": "unfold",
    "stop_gradient": "detach", "take_along_axis": "take_along_dim", "unstack": "unbind", "vecmat": "mv",
}  # fmt: skip
# Why a function is not compared though PyTorch has one of that name.
NOT_COMPARED = {
    "empty_like": "holds no values",
    "linalg.eig": "refused: complex values",
    "linalg.eigvals": "refused: complex values",
}


def tables() -> Iterable[tuple[str, Iterable[Any]]]:
    """Names, with remarks, and the shapes that they are compared at."""
    for table in (test_torch.ELEMENTWISE, test_torch.WHOLE, test_torch.GAMMAS):
        yield from ((name, test_torch.SHAPES) for name in table)
    yield from ((name, test_torch.PAIRS) for name in (*test_torch.BINARY, "heaviside"))
    for primitive, _ in test_torch.namesakes().values():
        yield primitive.function.__name__, test_torch.shapes_of(primitive)
    yield "matmul", test_torch.MATRICES
    yield "cross_entropy", range(6)
    yield from ((name, test_against_torch.SHAPES) for name in test_against_torch.ALONG)
    yield from ((name, test_against_torch.SHAPES) for name in test_against_torch.DATA)
    yield from ((name, shapes) for name, (_, _, shapes) in test_against_torch.WHOLE.items())
    yield from ((name, pairs) for name, (_, _, pairs) in test_against_torch.PAIRED.items())
    yield from ((name, [shapes]) for name, *shapes in test_contract.SHARED)
    yield from (("tensordot", [(one, other)]) for _, one, other, _ in test_contract.EXTRAS[:8])
    yield from (("einsum", [form[1:]]) for form in test_einsum.SHARED)
    yield from ((name, [shapes]) for name, shapes, _ in test_window.CONVOLUTIONS)
    yield from ((name, [shape]) for name, shape, _, _ in test_window.POOLS)
    yield from ((name, [shape]) for name in ("unfold", "fold") for shape, _ in test_window.FOLDS)
    yield from ((f"linalg.{name}", [shape]) for name, shape in test_linalg.SINGLE)
    yield from ((f"linalg.{name}", test_linalg.PAIRS) for name in ("solve", "solve_triangular"))
    yield from ((f"linalg.{name}", test_linalg.TENSORS) for name in ("tensorsolve", "tensorinv"))
    yield "linalg.lstsq", test_linalg.LEAST
    yield "linalg.multi_dot", test_linalg.CHAINS


def compared() -> dict[str, set[str]]:
    """Per public name the shapes at which it is compared."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, shapes in tables():
        found[name.split(",")[0].split(" ")[0]].update(map(str, shapes))
    return found


def shelf() -> list[list[str]]:
    """The public functions, each with all its names."""
    names: dict[int, list[str]] = defaultdict(list)
    for name, function in FUNCTIONS.items():
        names[id(function)].append(name)
    for name in mg.linalg.__all__:
        if name[0].islower():
            names[id(getattr(mg.linalg, name))].append(f"linalg.{name}")
    return list(names.values())


def in_pytorch(names: list[str]) -> bool:
    """Whether PyTorch has a function of one of the names, or of one that it stands under there."""
    import torch

    places = (torch, torch.Tensor, torch.linalg, torch.special, torch.nn.functional)
    wanted = [OTHER_NAMES.get(name, name).split(".")[-1] for name in names]
    return any(hasattr(place, name) for place in places for name in wanted)


def too_few() -> dict[str, int]:
    """The functions that PyTorch also has and that are compared at fewer than six shapes."""
    found = compared()
    few = {}
    for names in shelf():
        if in_pytorch(names) and not set(names) & set(NOT_COMPARED):
            shapes = set[str]().union(*[found.get(name, set()) for name in names])
            if len(shapes) < 6:
                few[" = ".join(names)] = len(shapes)
    return few


def test_every_function_that_pytorch_has_is_compared_at_six_shapes() -> None:
    assert not too_few()


def test_a_missing_comparison_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_window, "FOLDS", test_window.FOLDS[:5])
    monkeypatch.delitem(test_against_torch.ALONG, "cummax")
    monkeypatch.setitem(FUNCTIONS, "new_zeros", lambda: None)
    assert too_few() == {"unfold": 5, "fold": 5, "cummax": 0, "new_zeros": 0}


def test_the_tables_name_functions_of_the_shelf() -> None:
    known = {name for names in shelf() for name in names} | {"cross_entropy"}
    assert set(compared()) <= known
    assert set(OTHER_NAMES) | set(NOT_COMPARED) <= known
