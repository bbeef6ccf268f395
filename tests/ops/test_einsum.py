"""einsum: every notation against NumPy, its derivative against its own linearity, and PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.ops.einsum import contract
from tests.ops.agreement import agree_with_torch, close

# Notation and shapes; labels alone, diagonals, dots, broadcasting, one to four operands.
FORMS: list[tuple[Any, ...]] = [
    ("ij,jk->ik", (3, 4), (4, 2)),
    ("ij,jk", (3, 4), (4, 2)),
    (" i j , j -> i ", (3, 4), (4,)),
    ("ij,jk->ki", (3, 4), (4, 2)),
    ("ij,jk->k", (3, 4), (4, 2)),
    ("ij,kl->", (3, 4), (4, 2)),
    ("ba", (3, 4)),
    ("bA", (3, 4)),
    ("ij->", (3, 4)),
    ("ij->j", (3, 4)),
    ("ii", (3, 3)),
    ("ii->i", (3, 3)),
    ("iii->i", (3, 3, 3)),
    ("iij->j", (3, 3, 2)),
    ("ijij->ij", (2, 3, 2, 3)),
    ("ijji->", (2, 3, 3, 2)),
    ("iij,jjk->ik", (2, 2, 3), (3, 3, 4)),
    ("i,i->i", (3,), (3,)),
    ("i,j", (3,), (4,)),
    ("i,i", (3,), (3,)),
    ("i,->i", (3,), ()),
    (",", (), ()),
    ("->", ()),
    ("", ()),
    ("...", (2, 3)),
    ("...ij->...ji", (2, 5, 3, 4)),
    ("i...->...", (3, 2, 4)),
    ("i...i->...", (3, 2, 3)),
    ("...ij,...jk->...ik", (2, 1, 3, 4), (5, 4, 2)),
    ("...ij,...jk", (5, 3, 4), (2, 5, 4, 2)),
    ("i...,...j", (2, 5, 1), (4, 3)),
    ("...,...", (2, 5, 1), (4,)),
    ("...i->i", (3,)),
    ("i->i...", (3,)),
    ("ij,jk->ik", (3, 1), (4, 2)),
    ("ij,ij", (1, 3), (2, 1)),
    ("ij,ij->ij", (1, 3), (2, 1)),
    ("bi,bj->bij", (2, 3), (2, 4)),
    ("bi,bj->ijb", (2, 3), (2, 4)),
    ("bik,bjk->ijb", (2, 3, 5), (2, 4, 5)),
    ("bik,bjk->ibj", (2, 3, 5), (2, 4, 5)),
    ("bi,bi->b", (2, 3), (2, 3)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)),
    ("ab,bc,ca->", (2, 3), (3, 4), (4, 2)),
    ("a,b,c,d->dbca", (2,), (3,), (4,), (1,)),
    ("i,i,i->i", (3,), (3,), (3,)),
    ("i,i,i->", (3,), (3,), (3,)),
    ("ijk,jl,kl->il", (2, 3, 4), (3, 5), (4, 5)),
    ("...i,ij,...j->...", (2, 3), (3, 3), (2, 3)),
    ("i,ij,jk,k,->", (2,), (2, 3), (3, 4), (4,), ()),
    ("ochw,nchwyx->noyx", (3, 2, 2, 2), (2, 2, 2, 2, 20, 20)),
    ("ij,jk->ik", (0, 4), (4, 2)),
    ("ij,jk->ik", (3, 0), (0, 2)),
    ("ij->i", (3, 0)),
]
forms = pytest.mark.parametrize("form", FORMS, ids=[f"{f[0]} {f[1:]}" for f in FORMS])


def random_forms(count: int) -> list[tuple[Any, ...]]:
    """Random notations: up to four operands, repeated labels, any output."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(count):
        sizes = dict(zip("abcdef", rng.integers(1, 4, 6).tolist(), strict=True))
        terms = [
            "".join(rng.choice(list("abcdef"), rng.integers(0, 5))) for _ in range(rng.integers(1, 5))
        ]
        labels = sorted(set("".join(terms)))
        out = rng.permutation(labels)[: rng.integers(0, len(labels) + 1)] if labels else []
        arrow = "->" + "".join(out) if rng.random() < 0.8 else ""
        shapes = [tuple(sizes[c] for c in t) for t in terms]
        found.append((",".join(terms) + arrow, *shapes))
    return found


@forms
def test_value_is_numpys(form: Any, rng: np.random.Generator) -> None:
    subscripts, *shapes = form
    arrays = [rng.standard_normal(s) for s in shapes]
    close(
        mg.einsum(subscripts, *map(mg.tensor, arrays)).numpy(),
        np.einsum(subscripts, *arrays),
        "value",
        1e-14,
    )
    whole = [rng.integers(-5, 5, s) for s in shapes]
    found = mg.einsum(subscripts, *map(mg.tensor, whole))
    expected = np.einsum(subscripts, *whole)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("part", range(8))
def test_random_forms(part: int, rng: np.random.Generator) -> None:
    for form in random_forms(400)[part::8]:
        check_derivatives(form, rng)


@forms
def test_derivatives_are_those_of_a_multilinear_map(form: Any, rng: np.random.Generator) -> None:
    check_derivatives(form, rng)


def check_derivatives(form: Any, rng: np.random.Generator) -> None:
    """The tangent by NumPy, one operand replaced at a time; the pullback by the dot product."""
    subscripts, *shapes = form
    arrays = [rng.standard_normal(s) for s in shapes]
    tangents = [rng.standard_normal(s) for s in shapes]

    def product(*x: Any) -> Any:
        return mg.einsum(subscripts, *x)

    expected = sum(
        np.einsum(subscripts, *[t if i == k else a for i, a in enumerate(arrays)])
        for k, t in enumerate(tangents)
    )
    value, tangent = mg.jvp(product, arrays, tangents)
    size = np.abs(expected).max(initial=1.0)
    close(value.numpy(), np.einsum(subscripts, *arrays), f"{form}: value", 1e-12)
    assert np.abs(tangent.numpy() - expected).max(initial=0.0) <= 1e-12 * size, form
    g = rng.standard_normal(value.shape)
    pulled = mg.vjp(product, *arrays)[1](g)
    one = (g * expected).sum()
    other = sum((p.numpy() * t).sum() for p, t in zip(pulled, tangents, strict=True))
    assert abs(one - other) <= 1e-11 * max(1.0, np.abs(g).sum() * size), form
    assert [p.shape for p in pulled] == shapes


@pytest.mark.parametrize(
    "operands",
    [
        ((3, 4), [0, 1], (4, 2), [1, 2]),
        ((3, 4), [0, 1], (4, 2), [1, 2], [2, 0]),
        ((3, 4), [27, 0]),
        ((3, 3), [5, 5], [5]),
        ((2, 3, 4), [Ellipsis, 1], (4, 2), [1, 2], [Ellipsis, 2]),
        ((3,), [0], (3,), [0], []),
    ],
)
def test_labels_as_integers(operands: Any, rng: np.random.Generator) -> None:
    filled = [rng.standard_normal(o) if isinstance(o, tuple) else o for o in operands]
    tensors = [mg.tensor(o) if isinstance(o, np.ndarray) else o for o in filled]
    close(mg.einsum(*tensors).numpy(), np.einsum(*filled), "value", 1e-14)


@pytest.mark.parametrize(
    "optimize", [True, False, "greedy", "optimal", ["einsum_path", (1, 2), (0, 1)]]
)
def test_the_order_of_contraction_does_not_change_the_result(
    optimize: Any, rng: np.random.Generator
) -> None:
    arrays = [rng.standard_normal(s) for s in ((2, 3), (3, 4), (4, 5))]
    found = mg.einsum("ij,jk,kl->il", *map(mg.tensor, arrays), optimize=optimize)
    close(found.numpy(), arrays[0] @ arrays[1] @ arrays[2], "value", 1e-14)


def test_the_cheapest_order_is_taken() -> None:
    x, y = mg.tensor(np.ones((50, 2)), requires_grad=True), mg.tensor(np.ones((2, 50)))
    program = mg.trace(lambda x: mg.einsum("ij,jk,kl,lm->im", x, y, x, y), x)
    shapes = [program.values[e.outputs[0]].shape for e in program.equations]
    assert (2, 2) in shapes
    assert max(np.prod(s) for s in shapes[:-1]) <= 100


def test_dtype_converts_first() -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    out = mg.einsum("i,i->", x, x, dtype="float32")
    assert out.dtype == np.float32
    out.backward()
    assert x.grad.dtype == np.float64


def test_half_precision_is_summed_in_single() -> None:
    ones = np.ones((1, 5000), np.float16)
    assert mg.einsum("ij,kj->", ones, ones).dtype == np.float16
    assert float(mg.einsum("ij,kj->ik", ones, ones * np.float16(0.1))[0, 0]) == pytest.approx(
        500, rel=1e-3
    )


def test_numpys_protocol_records(rng: np.random.Generator) -> None:
    x = mg.tensor(rng.standard_normal((3, 3)), requires_grad=True)
    out = np.einsum("ii", x)
    assert isinstance(out, mg.Tensor)
    out.backward()
    np.testing.assert_array_equal(x.grad, np.eye(3))
    assert np.einsum_path("ij,jk", x, x)[0] == ["einsum_path", (0, 1)]
    with pytest.raises(mg.UnsupportedError, match="leave out= away"):
        np.einsum("ii", x, out=np.empty(()))
    with pytest.raises(mg.UnsupportedError, match="order"):
        np.einsum("ii", x, order="F")


def test_one_node_for_a_contraction() -> None:
    x = mg.tensor(np.ones((3, 4)), requires_grad=True)
    y = mg.tensor(np.ones((4, 2)), requires_grad=True)
    program = mg.trace(mg.grad(lambda x, y: mg.einsum("ij,jk->ik", x, y).sum(), argnums=(0, 1)), x, y)
    text = str(program)
    assert "'ij,jk->ik'" in text
    assert "'ik,jk->ij'" in text
    assert "'ij,ik->jk'" in text
    assert "transpose" not in text


@pytest.mark.parametrize("order", ["C", "F", "strided", "view"])
def test_layouts_take_the_same_way(order: str, rng: np.random.Generator) -> None:
    # Overlapping windows: a view whose copy can be made row by row or in tiny pieces.
    x = rng.standard_normal((2, 3, 12, 12))
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3)).transpose(
        0, 1, 4, 5, 2, 3
    )
    if order != "view":
        windows = np.array(windows, order="F" if order == "F" else "C")
    if order == "strided":
        windows = np.repeat(windows, 2, axis=-1)[..., ::2]
    w = rng.standard_normal((4, 3, 3, 3))
    for subscripts in ("ochw,nchwyx->noyx", "ochw,nchwyx->nyxo", "ochw,nchwyx->oxyn"):
        close(contract(w, windows, subscripts), np.einsum(subscripts, w, windows), subscripts, 1e-13)


@pytest.mark.parametrize(
    ("operands", "error", "message"),
    [
        ((), mg.ArgumentError, r"einsum: no operands"),
        (("ij,jk", np.ones((2, 2))), mg.ArgumentError, r"labels for 2 operands, and there are 1"),
        (("ij", np.ones((2, 2, 2))), mg.ShapeError, r"operand 0 has 2 labels, 'ij', but .*float64\[2, 2, 2\]"),
        (("ijk", np.ones((2, 2))), mg.ShapeError, r"operand 0 has 3 labels"),
        (("ij,jk", np.ones((2, 3)), np.ones((2, 3))), mg.ShapeError,
         r"label 'j' of ij,jk->ik has the sizes 3 and 2: 'ij' is .*\[2, 3\]; 'jk' is .*\[2, 3\]"),
        (("ii", np.ones((1, 3))), mg.ShapeError, r"label 'i' of ii-> has the sizes 1 and 3"),
        (("ij->ii", np.ones((2, 2))), mg.ArgumentError, r"'i' stands twice in the result"),
        (("ij->k", np.ones((2, 2))), mg.ArgumentError, r"no operand of 'ij->k' has the label 'k'"),
        (("i1", np.ones((2, 2))), mg.ArgumentError, r"'1' in the labels 'i1'"),
        (("i.j", np.ones((2, 2))), mg.ArgumentError, r"'.' in the labels 'i.j'"),
        (("i->i->", np.ones(2)), mg.ArgumentError, r"'-' in the labels"),
        (("...i...", np.ones((2, 2))), mg.ArgumentError, r"may stand once per operand"),
        (("...i->i", np.ones((2, 2))), mg.ArgumentError, r"the result needs it, too: '->...i'"),
        ((np.ones(2), [52]), mg.ArgumentError, r"an integer from 0 to 51 or Ellipsis, not 52"),
        ((np.ones(2), np.ones(2)), mg.ArgumentError, r"where the labels of an operand should"),
        (("i,i,i", np.ones(2), np.ones(2), np.ones(2)), None, ""),
    ],
)  # fmt: skip
def test_wrong_notation(operands: Any, error: Any, message: str) -> None:
    tensors = [mg.tensor(o) if isinstance(o, np.ndarray) else o for o in operands]
    if error is None:
        with pytest.raises(mg.ArgumentError, match=r"optimize='fastest'"):
            mg.einsum(*tensors, optimize="fastest")
        return
    with pytest.raises(error, match=message):
        mg.einsum(*tensors)


# PyTorch wants labels, orders capitals differently, and asks for all of them at once.
SHARED = [f for f in FORMS if f[0] not in ("", "->", "bA")]


@pytest.mark.torch
@pytest.mark.parametrize("form", SHARED, ids=[f"{f[0]} {f[1:]}" for f in SHARED])
def test_against_pytorch(form: Any, rng: np.random.Generator) -> None:
    import torch

    subscripts, *shapes = form
    arrays = [rng.standard_normal(s) for s in shapes]
    agree_with_torch(
        lambda *x: mg.einsum(subscripts, *x), lambda *x: torch.einsum(subscripts, *x), arrays
    )
