"""Losses against PyTorch, at the edges, and with wrong input."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F

from .peers import agree

REDUCTIONS = ["mean", "sum", "none"]
LAYOUTS = [(6, 4), (4,), (3, 4, 5), (2, 4, 3, 2)]


def compare(ours: Any, theirs: Any, inputs: list[np.ndarray], rng: np.random.Generator) -> None:
    """Value and the gradient of every floating input."""
    import torch

    left = [mg.tensor(x, requires_grad=x.dtype.kind == "f") for x in inputs]
    right = [torch.tensor(x, requires_grad=x.dtype.kind == "f") for x in inputs]
    y, z = ours(*left), theirs(*right)
    agree(y, z, "value")
    cotangent = rng.standard_normal(y.shape)
    y.backward(cotangent)
    z.backward(torch.tensor(cotangent))
    for a, b in zip(left, right, strict=True):
        if a.requires_grad:
            agree(a.grad, b.grad, "gradient")


@pytest.mark.torch
@pytest.mark.parametrize(
    ("shape", "reduction", "weighted", "smoothing", "ignored"),
    list(product(LAYOUTS, REDUCTIONS, [False, True], [0.0, 0.3], [False, True])),
)
def test_cross_entropy_of_class_numbers(
    shape: Any,
    reduction: Any,
    weighted: bool,
    smoothing: float,
    ignored: bool,
    rng: np.random.Generator,
) -> None:
    import torch

    logits = rng.normal(0.0, 3.0, shape)
    labels = rng.integers(0, 4, (shape[0], *shape[2:]) if len(shape) > 1 else ())
    if ignored and labels.ndim:
        labels.flat[0] = -100
    weight = rng.uniform(0.5, 2.0, 4) if weighted else None
    options = {"reduction": reduction, "label_smoothing": smoothing}
    ours = nn.CrossEntropyLoss(weight, **options)
    theirs = torch.nn.CrossEntropyLoss(None if weight is None else torch.tensor(weight), **options)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    compare(ours, theirs, [logits, labels], rng)


@pytest.mark.torch
@pytest.mark.parametrize(
    ("shape", "reduction", "weighted", "smoothing"),
    list(product(LAYOUTS, REDUCTIONS, [False, True], [0.0, 0.3])),
)
def test_cross_entropy_of_probabilities(
    shape: Any, reduction: Any, weighted: bool, smoothing: float, rng: np.random.Generator
) -> None:
    import torch

    axis = 1 if len(shape) > 1 else 0
    target = rng.uniform(0.1, 1.0, shape)
    target /= target.sum(axis=axis, keepdims=True)
    weight = rng.uniform(0.5, 2.0, 4) if weighted else None
    options = {"reduction": reduction, "label_smoothing": smoothing}
    ours = nn.CrossEntropyLoss(weight, **options)
    theirs = torch.nn.CrossEntropyLoss(None if weight is None else torch.tensor(weight), **options)
    compare(ours, theirs, [rng.normal(0.0, 3.0, shape), target], rng)


@pytest.mark.torch
@pytest.mark.parametrize(
    ("shape", "reduction", "weighted", "ignored"),
    list(product(LAYOUTS, REDUCTIONS, [False, True], [None, 2])),
)
def test_nll(
    shape: Any, reduction: Any, weighted: bool, ignored: Any, rng: np.random.Generator
) -> None:
    import torch

    labels = rng.integers(0, 4, (shape[0], *shape[2:]) if len(shape) > 1 else ())
    if not labels.ndim and ignored is not None:
        labels = np.asarray(1)  # one example, and it counts
    weight = rng.uniform(0.5, 2.0, 4) if weighted else None
    options = {"reduction": reduction, "ignore_index": -100 if ignored is None else ignored}
    ours = nn.NLLLoss(weight, **options)
    theirs = torch.nn.NLLLoss(None if weight is None else torch.tensor(weight), **options)
    compare(ours, theirs, [rng.normal(-2.0, 1.0, shape), labels], rng)


@pytest.mark.torch
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(5,), (3, 4), ()])
def test_regression_losses(shape: Any, reduction: Any, rng: np.random.Generator) -> None:
    import torch

    inputs = [rng.normal(0.0, 2.0, shape), rng.normal(0.0, 2.0, shape)]
    for name, options in (
        ("MSELoss", {}), ("L1Loss", {}), ("HuberLoss", {}), ("HuberLoss", {"delta": 0.4}),
        ("SmoothL1Loss", {}), ("SmoothL1Loss", {"beta": 0.4}), ("SmoothL1Loss", {"beta": 0.0}),
    ):  # fmt: skip
        ours = getattr(nn, name)(reduction=reduction, **options)
        compare(ours, getattr(torch.nn, name)(reduction=reduction, **options), inputs, rng)


@pytest.mark.torch
@pytest.mark.parametrize("difference", [0.0, 1.0, -1.0])
def test_kinks_are_pytorchs(difference: float, rng: np.random.Generator) -> None:
    import torch

    for name in ("L1Loss", "SmoothL1Loss", "HuberLoss"):
        inputs = [np.array([difference]), np.zeros(1)]
        compare(getattr(nn, name)(), getattr(torch.nn, name)(), inputs, rng)


@pytest.mark.torch
@pytest.mark.parametrize(
    ("reduction", "weighted", "positive"), list(product(REDUCTIONS, [False, True], [False, True]))
)
def test_binary_cross_entropy(
    reduction: Any, weighted: bool, positive: bool, rng: np.random.Generator
) -> None:
    import torch

    weight = rng.uniform(0.5, 2.0, (5, 1)) if weighted else None
    factor = rng.uniform(0.5, 2.0, 3) if positive else None
    ours = nn.BCEWithLogitsLoss(weight, reduction, factor)
    theirs = torch.nn.BCEWithLogitsLoss(
        *[None if w is None else torch.tensor(w) for w in (weight,)],
        reduction=reduction,
        pos_weight=None if factor is None else torch.tensor(factor),
    )
    x = rng.normal(0.0, 3.0, (5, 3))
    x[0] = [0.0, 30.0, -30.0]
    compare(ours, theirs, [x, rng.uniform(0.0, 1.0, (5, 3))], rng)


@pytest.mark.torch
def test_second_derivatives(rng: np.random.Generator) -> None:
    import torch

    logits, labels = rng.standard_normal((3, 4)), rng.integers(0, 4, 3)
    x, direction = rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
    for ours, theirs in (
        (lambda z: F.cross_entropy(z, labels, label_smoothing=0.1),
         lambda z: torch.nn.functional.cross_entropy(z, torch.tensor(labels), label_smoothing=0.1)),
        (lambda z: F.binary_cross_entropy_with_logits(z, np.full((3, 4), 0.3)),
         lambda z: torch.nn.functional.binary_cross_entropy_with_logits(z, torch.full((3, 4), 0.3).double())),
        (lambda z: F.huber_loss(z, x), lambda z: torch.nn.functional.huber_loss(z, torch.tensor(x))),
    ):  # fmt: skip
        found = mg.hvp(ours, (logits,), (direction,))
        _, expected = torch.autograd.functional.hvp(
            theirs, torch.tensor(logits), torch.tensor(direction)
        )
        agree(found, expected, "Hessian times vector")


# At the edges -----------------------------------------------------------------------------------------


def test_huge_logits_stay_finite() -> None:
    x = mg.tensor([[1e4, -1e4], [-1e4, 1e4]], requires_grad=True)
    loss = F.cross_entropy(x, [1, 1])
    loss.backward()
    assert loss.item() == 1e4
    assert x.grad.tolist() == [[0.5, -0.5], [0.0, 0.0]]
    z = mg.tensor([1e4, -1e4, 0.0], requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(z, [0.0, 0.0, 1.0], reduction="sum")
    loss.backward()
    assert loss.item() == 1e4 + np.log(2.0)
    assert z.grad.tolist() == [1.0, 0.0, -0.5]


def test_a_large_offset_costs_no_digits(rng: np.random.Generator) -> None:
    logits = (rng.standard_normal((50, 10)) + 1e4).astype("float32")
    labels = rng.integers(0, 10, 50)
    exact = F.cross_entropy(logits.astype("float64"), labels, reduction="none").numpy()
    np.testing.assert_allclose(
        F.cross_entropy(logits, labels, reduction="none").numpy(), exact, atol=1e-6
    )


def test_an_ignored_example_leaks_nothing() -> None:
    x = mg.tensor([[-np.inf, 0.0], [0.0, 0.0]], requires_grad=True)
    loss = F.cross_entropy(x, [-100, 1])
    loss.backward()
    assert loss.item() == np.log(2.0)
    assert x.grad.tolist() == [[0.0, 0.0], [0.5, -0.5]]


def test_all_ignored_is_nan_in_the_mean_and_zero_in_the_sum() -> None:
    assert np.isnan(F.cross_entropy(np.zeros((2, 3)), [-100, -100]).item())
    assert F.cross_entropy(np.zeros((2, 3)), [-100, -100], reduction="sum").item() == 0.0


def test_float32_logits_take_float64_targets_and_weights() -> None:
    x = mg.tensor([[0.5, -0.5]], dtype="float32", requires_grad=True)
    for loss in (
        F.cross_entropy(x, [0], weight=np.ones(2), label_smoothing=0.1),
        F.cross_entropy(x, np.array([[0.5, 0.5]])),
        F.mse_loss(x, np.zeros((1, 2))),
        F.binary_cross_entropy_with_logits(x, np.zeros((1, 2)), np.ones(2), pos_weight=np.ones(2)),
    ):
        assert loss.dtype == np.float32
    F.huber_loss(x, np.zeros((1, 2))).backward()
    assert x.grad.dtype == np.float32


def test_soft_targets_get_gradients() -> None:
    target = mg.tensor([[0.25, 0.75]], requires_grad=True)
    F.cross_entropy(np.array([[0.0, 0.0]]), target).backward()
    np.testing.assert_allclose(target.grad.numpy(), [[np.log(2), np.log(2)]])


def test_a_traced_loss_reads_its_labels_anew() -> None:
    logits = np.array([[1.0, 2.0, 4.0], [0.0, 1.0, 0.5]])
    graph = mg.trace(lambda x, y: F.cross_entropy(x, y), logits, np.array([0, 1]))
    other = np.array([2, 0])
    replayed = graph(logits, other)
    assert float(np.asarray(replayed)) == F.cross_entropy(logits, other).item()


def test_graphs_show_the_loss_as_one_part() -> None:
    x = mg.tensor(np.zeros((2, 3)), requires_grad=True)
    for target in (np.array([0, 1]), np.full((2, 3), 1 / 3)):
        assert F.cross_entropy(x, target).node.scope == ("cross_entropy",)


def test_double_softmax_cannot_fall_below_its_floor() -> None:
    """The glossary's model squashes twice: the best loss of ten classes is -ln(e / (e + 9))."""
    certain = nn.Softmax(dim=1)(np.eye(10) * 1e3)
    floor = nn.CrossEntropyLoss()(certain, np.arange(10)).item()
    assert floor == pytest.approx(-np.log(np.e / (np.e + 9.0)), abs=1e-12)
    assert round(floor, 4) == 1.4612


@pytest.mark.torch
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(0, 3), (0, 3, 2), (2, 3, 0), (0, 3, 2, 2)])
def test_no_examples_are_pytorchs(shape: Any, reduction: Any) -> None:
    import torch
    import torch.nn.functional as peer

    labels = np.zeros(shape[:1] + shape[2:], int)
    weight = np.ones(3)
    for target, options in (
        (labels, {}), (labels, {"weight": weight}), (labels, {"label_smoothing": 0.1}),
        (np.zeros(shape), {}),
    ):  # fmt: skip
        x = mg.tensor(np.zeros(shape), requires_grad=True)
        ours = F.cross_entropy(x, target, reduction=reduction, **options)
        theirs = peer.cross_entropy(
            torch.zeros(shape, dtype=torch.float64), torch.tensor(target), reduction=reduction,
            **{k: torch.tensor(v) if k == "weight" else v for k, v in options.items()},
        )  # fmt: skip
        assert np.array_equal(ours.numpy(), theirs.numpy(), equal_nan=True)
        ours.sum().backward()
        assert x.grad.shape == shape
    agree(
        F.mse_loss(np.zeros(shape), np.zeros(shape), reduction),
        peer.mse_loss(torch.zeros(shape).double(), torch.zeros(shape).double(), reduction=reduction),
        "mse",
    )


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int32", "int64", "uint64"])
def test_labels_of_every_integer_dtype(dtype: str) -> None:
    scores, labels = np.random.default_rng(0).standard_normal((4, 3)), [0, 2, 1, 2]
    wanted = F.cross_entropy(scores, labels)
    assert F.cross_entropy(scores, np.array(labels, dtype)) == wanted
    assert F.nll_loss(mg.log_softmax(scores), np.array(labels, dtype)).item() == pytest.approx(
        wanted.item()
    )
    with pytest.raises(mg.ArgumentError, match="from 0 to 3 were given for 3 classes"):
        F.cross_entropy(scores, np.array([0, 1, 2, 3], dtype))


def test_both_rules_of_the_cross_entropy_read_a_class_from_the_end() -> None:
    """A replay does not check labels again: the value and both rules must agree on what they mean."""
    scores = np.random.default_rng(0).standard_normal((4, 3))
    step = mg.value_and_grad(lambda x, c: F.cross_entropy(x, c, reduction="sum"))
    replayed = mg.trace(step, scores, np.array([0, 2, 1, 2]))(scores, np.array([-1, 1, 0, -2]))
    for got, wanted in zip(replayed, step(scores, np.array([2, 1, 0, 1])), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-14)


@pytest.mark.parametrize(
    "f",
    {
        "cross_entropy": lambda w, x, c: F.cross_entropy(mg.matmul(x, w), c, reduction="sum"),
        "smoothed": lambda w, x, c: F.cross_entropy(mg.matmul(x, w), c, label_smoothing=0.1),
        "nll_loss": lambda w, x, c: F.nll_loss(mg.log_softmax(mg.matmul(x, w)), c),
        "mse_loss": lambda w, x, c: F.mse_loss(mg.matmul(x, w)[:, :2], x),
        "linear": lambda w, x, c: (F.linear(x, w.T) ** 2).sum(),
        "layer_norm": lambda w, x, c: (F.layer_norm(x, 2, w[:, 0]) ** 3).sum(),
        "embedding": lambda w, x, c: (F.embedding(c % 2, w) ** 2).sum(),
        "attention": lambda w, x, c: F.scaled_dot_product_attention(x, mg.matmul(x, w)[:, :2], x).sum(),
        "Linear": lambda w, x, c: (mg.nn.Sequential(mg.nn.Flatten())(x) @ w).sum(),
    }.items(),
    ids=lambda pair: pair[0],
)  # fmt: skip
def test_an_array_may_be_used_again_before_the_backward_pass(f: Any) -> None:
    rng = np.random.default_rng(0)
    batches = [(rng.standard_normal((4, 2)), rng.integers(0, 3, 4)) for _ in range(3)]
    w = mg.tensor(rng.standard_normal((2, 3)), requires_grad=True)
    x, c = np.empty((4, 2)), np.empty(4, int)
    total: Any = 0.0
    for x[...], c[...] in batches:
        total = total + f[1](w, x, c)
    total.backward()
    wanted = sum(mg.grad(f[1])(w.detach(), a.copy(), b.copy()).numpy() for a, b in batches)
    np.testing.assert_allclose(w.grad, wanted, rtol=1e-12)


def test_one_hot() -> None:
    assert F.one_hot([1, 0], 3).tolist() == [[0, 1, 0], [1, 0, 0]]
    assert F.one_hot([[1], [0]]).shape == (2, 1, 2)
    assert F.one_hot(np.zeros(0, int), 3).shape == (0, 3)


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: F.cross_entropy(np.zeros((2, 3)), [0, 1, 2]), mg.ShapeError, r"cross_entropy: scores are .*\[2, 3\] and targets .*\[3\].*here \[2\]"),
        (lambda: F.cross_entropy(np.zeros((2, 3)), [[0], [1]]), mg.ShapeError, r"class numbers have that shape without C, here \[2\]"),
        (lambda: F.cross_entropy(np.zeros((2, 3)), [0, 3]), mg.ArgumentError, r"class numbers from 0 to 3 were given for 3 classes; they run from 0 to 2"),
        (lambda: F.cross_entropy(np.zeros((2, 3)), [0, -1]), mg.ArgumentError, r"class numbers from -1 to 0"),
        (lambda: F.cross_entropy(np.zeros((2, 3)), [0.0, 1.0]), mg.DtypeError, r"class numbers are integers, and these are .*float64\[2\].*target\.astype\(int\)"),
        (lambda: F.cross_entropy(np.zeros((2, 3)), [0, 1], weight=np.ones(2)), mg.ShapeError, r"weight is .*\[2\], but it needs one number per class: \[3\]"),
        (lambda: F.cross_entropy(np.zeros((2, 3)), np.ones((2, 3)), ignore_index=1), mg.ArgumentError, r"ignore_index=1 is for class numbers, and the target .*\[2, 3\] holds probabilities"),
        (lambda: F.cross_entropy(np.zeros((2, 3)), [0, 1], ignore_index="none"), mg.ArgumentError, r"cross_entropy: ignore_index is an integer, not 'none'"),
        (lambda: F.nll_loss(np.zeros((2, 3)), [0, 1], ignore_index=0.5), mg.ArgumentError, r"nll_loss: ignore_index is an integer, not 0\.5"),
        (lambda: F.cross_entropy(np.zeros((2, 3)), [1, 7], ignore_index=1), mg.ArgumentError, r"cross_entropy: class numbers from 7 to 7 were given for 3 classes"),
        (lambda: F.cross_entropy(np.float64(1.0), 0), mg.ShapeError, r"cross_entropy: scores are"),
        (lambda: nn.CrossEntropyLoss(label_smoothing=2.0), mg.ArgumentError, r"label_smoothing must be between 0 and 1, not 2\.0"),
        (lambda: nn.CrossEntropyLoss(reduction="average"), mg.ArgumentError, r'CrossEntropyLoss: reduction is "mean", "sum" or "none", not \'average\''),
        (lambda: F.mse_loss(np.zeros((2, 1)), np.zeros(2)), mg.ShapeError, r"mse_loss: x is .*\[2, 1\], but target is .*\[2\]; their shapes must be equal.*broadcasting would compare"),
        (lambda: F.huber_loss(np.zeros(2), np.zeros(2), delta=0.0), mg.ArgumentError, r"delta must be positive, not 0\.0"),
        (lambda: F.smooth_l1_loss(np.zeros(2), np.zeros(2), beta=-1.0), mg.ArgumentError, r"smooth_l1_loss: beta must be zero or positive, not -1\.0"),
        (lambda: nn.SmoothL1Loss(beta=-1.0), mg.ArgumentError, r"SmoothL1Loss: beta must be zero or positive"),
        (lambda: nn.L1Loss()(np.zeros((2, 1)), np.zeros(2)), mg.ShapeError, r"l1_loss: x is .*their shapes must be equal"),
        (lambda: F.one_hot([0, 3], 3), mg.ArgumentError, r"one_hot: class numbers from 0 to 3 were given for 3 classes"),
    ],
)  # fmt: skip
def test_wrong_input(act: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        act()
