"""Wrong input: one clear message each, which names the function, the argument, and the way out.

Every row: what is done, the exception, what the message must say.  The message of an operation on
tensors also names the line where each of them was made.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg

ALL = [v for v in vars(mg).values() if isinstance(v, type) and issubclass(v, mg.MinigradError)]


def leaf(*shape: int) -> mg.Tensor:
    return mg.tensor(np.ones(shape), requires_grad=True, name="x")


def plain(*shape: int) -> mg.Tensor:
    return mg.tensor(np.ones(shape))


# name: (what is done, exception, what the message must contain, in any order)
WRONG: dict[str, tuple[Callable[[], Any], type[Exception], list[str]]] = {
    # gradients
    "non-scalar backward": (
        lambda: (leaf(3) * 2.0).backward(), mg.GradientError,
        ["backward()", "only a scalar", "float64[3]", "made by `mul`", "y.sum().backward()", "y.backward(gradient)"],
    ),
    "non-scalar grad": (
        lambda: mg.grad(lambda x: x * 2.0)(np.ones(3)), mg.GradientError, ["grad:", "only a scalar", "float64[3]"],
    ),
    "gradient of the wrong shape": (
        lambda: (leaf(3) * 2.0).backward(np.ones(2)), mg.ShapeError, ["shape [2]", "float64[3]", "its primal's shape"],
    ),
    "a scalar gradient for a vector": (
        lambda: (leaf(3) * 2.0).backward(1.0), mg.ShapeError, ["shape []", "float64[3]"],
    ),
    "gradient of text": (
        lambda: (leaf(1) * 2.0).backward(np.array(["a"])), mg.DtypeError, ["cotangent is real", "<U1"],
    ),
    "backward of an untracked tensor": (
        lambda: plain(3).sum().backward(), mg.GradientError, ["nothing is tracked", "requires_grad=True", "no_grad"],
    ),
    "backward under no_grad": (
        lambda: mg.no_grad()(lambda: leaf(1).sum())().backward(), mg.GradientError, ["nothing is tracked"],
    ),
    "float instead of a tensor": (
        lambda: mg.grad(lambda x: x.item())(2.0), mg.GradientError, ["returned float 2.0, not a tensor", "without float()"],
    ),
    "array instead of a tensor": (
        lambda: mg.grad(lambda x: x.detach().numpy())(2.0), mg.GradientError, ["returned ndarray", "not a tensor"],
    ),
    "None instead of a tensor": (lambda: mg.grad(lambda x: None)(2.0), mg.GradientError, ["returned 0 tensors"]),
    "a pair without has_aux": (
        lambda: mg.grad(lambda x: (x, x))(2.0), mg.GradientError, ["returned 2 tensors", "has_aux=True"],
    ),
    "has_aux without a pair": (
        lambda: mg.grad(lambda x: x, has_aux=True)(2.0), mg.ArgumentError, ["has_aux=True", "(value, aux)"],
    ),
    "argnums out of range": (
        lambda: mg.grad(lambda x: x, argnums=1)(2.0), mg.ArgumentError, ["argnums=1", "1 positional"],
    ),
    "keyword instead of position": (
        lambda: mg.grad(lambda x: x)(x=2.0), mg.ArgumentError, ["argnums=0", "0 positional", "by position"],
    ),
    "integer argument": (lambda: mg.grad(lambda x: x)(2), mg.DtypeError, ["Python int 2", "3.0 for 3", "argnums"]),
    "mode of a jacobian": (lambda: mg.jacobian(lambda x: x, mode="both"), mg.ArgumentError, ["'both'", '"forward"']),
    "too few cotangents": (
        lambda: mg.vjp(lambda x: (x, x), 1.0)[1](1.0), mg.ArgumentError, ["vjp", "nested as *, but belong to (*, *)"],
    ),
    "cotangents under other keys": (
        lambda: mg.vjp(lambda x: {"u": x, "v": x}, 1.0)[1]({"u": 1.0, "w": 1.0}),
        mg.ArgumentError, ["vjp", "{'u': *, 'w': *}", "{'u': *, 'v': *}"],
    ),
    "a list of tangents for a dict": (
        lambda: mg.jvp(lambda p: p["a"], ({"a": 1.0},), ([1.0],)), mg.ArgumentError, ["jvp", "([*],)", "({'a': *},)"],
    ),
    "argnums twice": (
        lambda: mg.grad(lambda x, y: x * y, argnums=(1, -1))(2.0, 3.0), mg.ArgumentError, ["names an argument twice"],
    ),
    "argnums that is text": (
        lambda: mg.grad(lambda x: x, argnums="x")(2.0), mg.ArgumentError, ["argnums='x'", "1 positional"],
    ),
    "gradient of a count": (
        lambda: mg.grad(lambda x: (x > 0).sum())(np.ones(2)), mg.DtypeError, ["grad", "int64[]", "have no derivative"],
    ),
    "a tracked tensor copied": (
        lambda: mg.tensor(leaf(2) * 2.0), mg.GradientError, ["mg.tensor", "made by `mul`", "in silence", "x.detach()"],
    ),
    "a list of tracked tensors": (lambda: mg.tensor([leaf(2), leaf(2)]), mg.ArgumentError, ["mg.stack"]),
    "text as data": (lambda: mg.tensor(["a"]), mg.DtypeError, ["<U1", "real numbers, integers or booleans"]),
    "assignment through at": (
        lambda: leaf(2).at.__setitem__(0, 1.0), mg.ImmutableError, ["x.at[i].set(v)", "float64[2]"],
    ),
    "a list is a container": (
        lambda: mg.vjp(lambda x: x, np.ones(2))[1]([1.0, 1.0]), mg.ArgumentError, ["A list is a container", "np.array"],
    ),
    "tangent of the wrong shape": (
        lambda: mg.jvp(lambda x: x, (np.ones(3),), (np.ones(2),)), mg.ShapeError, ["jvp", "[2]", "float64[3]"],
    ),
    "requires_grad of a result": (
        lambda: (leaf(2) * 2.0).requires_grad_(), mg.GradientError, ["leaves only", "made by `mul`", "x.detach()"],
    ),
    # shapes
    "shapes that do not broadcast": (
        lambda: leaf(2, 3) + leaf(4), mg.ShapeError,
        ["add:", "float64[2, 3] 'x'", "float64[4]", "made by `leaf`", "equal or one of them is 1", "x[:, None]"],
    ),
    "shapes with a plain array": (
        lambda: np.ones(4) * leaf(2, 3), mg.ShapeError, ["mul:", "a plain array float64[4]", "float64[2, 3]"],
    ),
    "shapes in where": (
        lambda: mg.where(np.ones(4, bool), leaf(2, 3), 0.0), mg.ShapeError, ["where:", "bool[4]", "float64[2, 3]"],
    ),
    "matmul: inner sizes": (
        lambda: leaf(2, 3) @ leaf(2, 3), mg.ShapeError, ["matmul", "float64[2, 3]", "last size of x, 3", "x @ y.T"],
    ),
    "matmul: a scalar": (lambda: leaf() @ leaf(3), mg.ShapeError, ["matmul", "float64[]", "x * y"]),
    "matmul: batches": (
        lambda: leaf(2, 3, 4) @ leaf(5, 4, 2), mg.ShapeError, ["matmul", "[2] and [5]", "do not broadcast"],
    ),
    "reshape": (lambda: leaf(2, 3).reshape(4), mg.ShapeError, ["reshape", "float64[2, 3]", "6 elements", "shape (4,)"]),
    "broadcast_to": (
        lambda: mg.broadcast_to(leaf(3), (2, 2)), mg.ShapeError, ["broadcast_to", "float64[3]", "(2, 2)"],
    ),
    "concatenate": (
        lambda: mg.concatenate([leaf(2, 3), leaf(2, 2)]), mg.ShapeError, ["concatenate", "[2, 3]", "[2, 2]"],
    ),
    "concatenate nothing": (lambda: mg.concatenate([]), mg.ShapeError, ["concatenate", "at least one"]),
    "squeeze": (lambda: mg.squeeze(leaf(2, 3), 1), mg.ShapeError, ["squeeze: axis 1 has size 3", "float64[2, 3]"]),
    "transpose": (lambda: mg.transpose(leaf(2, 3), (0, 0)), mg.ShapeError, ["transpose", "(0, 0)", "no permutation"]),
    "at.set": (lambda: leaf(4).at[[0, 1]].set(np.ones(3)), mg.ShapeError, [".set(v)", "float64[3]", "shape [2]"]),
    "maximum of nothing": (lambda: mg.max(leaf(0, 3)), mg.ShapeError, ["max", "float64[0, 3]", "zero-size"]),
    "item of a vector": (lambda: leaf(3).item(), mg.ShapeError, ["item() needs one element", "float64[3]"]),
    "truth of a vector": (lambda: bool(leaf(3) > 0), mg.ShapeError, ["one element", "bool[3]"]),
    "length of a scalar": (lambda: len(leaf()), mg.ShapeError, ["0-d tensor has no length"]),
    # axes and indices
    "axis out of range: sum": (lambda: mg.sum(leaf(2, 3), axis=2), mg.ArgumentError, ["sum", "axis=2", "float64[2, 3]"]),
    "axis out of range: method": (lambda: leaf(2, 3).mean(-3), mg.ArgumentError, ["mean", "axis=-3", "float64[2, 3]"]),
    "axis out of range: NumPy": (lambda: np.max(leaf(2, 3), axis=5), mg.ArgumentError, ["max", "axis=5"]),
    "axis out of range: argmax": (lambda: mg.argmax(leaf(2), axis=1), mg.ArgumentError, ["argmax", "axis=1"]),
    "axis named twice": (lambda: mg.sum(leaf(2, 3), axis=(0, -2)), mg.ArgumentError, ["sum", "(0, -2)", "twice"]),
    "axis of another type": (lambda: mg.sum(leaf(2), axis="rows"), mg.ArgumentError, ["sum", "axis='rows'"]),
    "axis out of range: expand_dims": (
        lambda: mg.expand_dims(leaf(2), 5), mg.ArgumentError, ["expand_dims", "axis=5", "float64[2]"],
    ),
    "axis out of range: concatenate": (
        lambda: mg.concatenate([leaf(2), leaf(2)], axis=1), mg.MinigradError, ["axis 1 is out of range", "float64[2]"],
    ),
    "axis out of range: swapaxes": (
        lambda: mg.swapaxes(leaf(2), 0, 1), mg.MinigradError, ["axis 1 is out of range", "float64[2]"],
    ),
    "index out of range": (lambda: leaf(3)[7], mg.ArgumentError, ["getitem", "float64[3]", "index 7 is out of bounds"]),
    "too many indices": (lambda: leaf(3)[0, 0], mg.ArgumentError, ["getitem", "too many indices"]),
    "a float index": (lambda: leaf(3)[1.0], mg.ArgumentError, ["getitem", "only integers, slices"]),
    "a float index array": (lambda: leaf(3)[np.ones(1)], mg.DtypeError, ["integers or booleans", "float64[1]"]),
    # dtypes
    "complex data": (lambda: mg.tensor([1j]), mg.DtypeError, ["complex128", "[1]", "real and imaginary"]),
    "complex factor": (lambda: leaf(2) * 1j, mg.DtypeError, ["mul gave complex128", "the Python complex 1j"]),
    "text": (lambda: mg.tensor(["a"]), mg.DtypeError, ["<U1", "real numbers"]),
    "ragged": (lambda: mg.tensor([[1.0], [1.0, 2.0]]), mg.ArgumentError, ["cannot read this data", "inhomogeneous"]),
    "an unknown dtype": (lambda: mg.tensor([1.0], dtype="float99"), mg.ArgumentError, ["cannot read", "float99"]),
    "adding text": (lambda: leaf(2) + "a", mg.DtypeError, ["add", "float64[2]", "<U1"]),
    "adding None": (lambda: leaf(2) + None, mg.DtypeError, ["add", "float64[2]", "object"]),
    "integers with requires_grad": (
        lambda: mg.tensor([1, 2], requires_grad=True), mg.DtypeError, ["int64[2]", "floating", "dtype=float"],
    ),
    "a float tensor as an index": (lambda: range(mg.tensor(2.0)), mg.DtypeError, ["0-d integer tensor", "float64[]"]),
    # immutability
    "assignment": (lambda: leaf(3).__setitem__(0, 1.0), mg.ImmutableError, ["immutable", "'x'", "x.at[i].set(v)"]),
    "data of a result": (
        lambda: setattr(leaf(3) * 2.0, "data", np.ones(3)), mg.ImmutableError, ["only a leaf's data", "made by `mul`"],
    ),
    # NumPy
    "asarray of a tracked tensor": (
        lambda: np.asarray(leaf(3)), mg.GradientError, ["float64[3] 'x'", "cut the graph", "x.numpy()", "x.detach()"],
    ),
    "array of tracked tensors": (lambda: np.array([leaf(), leaf()]), mg.GradientError, ["cut the graph"]),
    "a function that is not there": (
        lambda: np.histogram(leaf(3)), mg.UnsupportedError, ["np.histogram", "float64[3]", "x.numpy()"],
    ),
    "a ufunc that is not there": (lambda: np.frexp(leaf(3)), mg.UnsupportedError, ["np.frexp", "float64[3]"]),
    "a ufunc's method": (
        lambda: np.add.reduceat(leaf(3), [0, 2]), mg.UnsupportedError, ["np.add.reduceat", "float64[3]"],
    ),
    "out=": (lambda: np.exp(leaf(3), out=np.ones(3)), mg.UnsupportedError, ["np.exp", "leave out= away"]),
    "where=": (
        lambda: np.exp(leaf(3), where=np.ones(3, bool)), mg.UnsupportedError, ["np.exp", "where", "Leave them out"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input(name: str) -> None:
    f, kind, said = WRONG[name]
    with pytest.raises(kind) as caught:
        f()
    assert isinstance(caught.value, mg.MinigradError)
    text = str(caught.value)
    for part in said:
        assert part in text, f"{part!r} is missing in: {text}"
    assert len(text) < 700


def test_the_users_line_is_named_for_every_tensor() -> None:
    one = leaf(2, 3) * 2.0
    other = mg.tensor(np.ones(4), requires_grad=True)
    with pytest.raises(mg.ShapeError) as caught:
        one + other
    here = re.escape(__file__)
    found = re.findall(rf'made by `(\w+)` at "{here}", line (\d+)', str(caught.value))
    assert [(op, int(line)) for op, line in found] == [
        ("mul", one.node.location[1]),
        ("leaf", other.node.location[1]),
    ]


def test_a_failed_operation_records_nothing() -> None:
    x = leaf(3)
    with pytest.raises(mg.ShapeError):
        x + np.ones(4)
    (x * 2.0).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("kind", ALL, ids=lambda c: c.__name__)
def test_exceptions_are_one_family(kind: type[Exception]) -> None:
    assert issubclass(kind, mg.MinigradError)
    builtin = [
        b
        for b in kind.__mro__
        if b.__module__ == "builtins" and b not in (Exception, BaseException, object)
    ]
    assert kind is mg.MinigradError or builtin, "it also derives from what a NumPy user would catch"
    assert kind.__doc__


def test_builtin_exceptions_catch_them() -> None:
    with pytest.raises(ValueError, match="broadcast"):
        leaf(2) + leaf(3)
    with pytest.raises(TypeError, match="immutable"):
        leaf(2)[0] = 1.0
    with pytest.raises(RuntimeError, match="scalar"):
        leaf(2).backward()


def test_python_stops_at_none() -> None:
    """Comparisons with None and iteration behave as Python expects."""
    assert (leaf(2) == None).tolist() == [False, False]  # noqa: E711
    assert [t.item() for t in leaf(2)] == [1.0, 1.0]
    with pytest.raises(mg.ShapeError, match="no length"):
        iter(leaf())
