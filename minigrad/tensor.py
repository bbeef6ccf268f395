"""Tensor: a value, and the node that made it.

A `Tensor` holds an immutable NumPy array and, when it is tracked, the `Node`
that says how it was made.  Nodes point at their parents and never at tensors,
so the graph has no cycles: memory goes back as soon as the last reference does.
Serial numbers grow with creation, so sorting by them is a topological order.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import CodeType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from . import context
from .describe import at as at
from .describe import describe as describe
from .errors import ArgumentError, DtypeError, GradientError, ImmutableError, ShapeError
from .syntax import FUNCTIONS as FUNCTIONS
from .syntax import PROTOCOL as PROTOCOL
from .syntax import Syntax

if TYPE_CHECKING:
    from .primitive import Primitive

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
ArrayLike: TypeAlias = Any  # a Tensor, an array, a scalar, or nested lists of scalars
Shape: TypeAlias = tuple[int, ...]

FLOATING = frozenset(np.dtype(c) for c in "efdg")  # half, single, double, long double


@dataclass(slots=True, eq=False, repr=False, weakref_slot=True)
class Node:
    """How one value was made."""

    primitive: Primitive | None  # what was applied; None for a leaf
    parents: tuple[Any, ...]  # per input a Node, a Python scalar, or a Spec: an array nobody tracks
    params: dict[str, Any] | None  # static parameters of the primitive: axis, shape, ...
    saved: tuple[Any, ...]  # per input and output the value, if a rule needs it; else see `parents`
    shape: Shape
    dtype: np.dtype[Any]
    requires_grad: bool  # whether cotangents pass
    state: context.State  # scope; and for a node of a backward pass, whose rule made it
    code: CodeType  # the user's code, and the instruction in it
    instruction: int
    serial: int = field(default_factory=itertools.count().__next__)  # parents have smaller ones
    name: str | None = None  # what the user called the value

    @property
    def op(self) -> str:
        """The primitive's name, or ``"leaf"`` or ``"constant"``."""
        return self.primitive.name if self.primitive is not None else "leaf"

    @property
    def scope(self) -> tuple[str, ...]:
        """Names of the scopes around the operation, outermost first."""
        return self.state.scope

    @property
    def vjp_of(self) -> Node | None:
        """For a node of a backward pass: the forward node whose rule made it."""
        return self.state.vjp_of

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def location(self) -> tuple[str, int]:
        """The user's file and line."""
        return self.code.co_filename, context.line_number(self.code, self.instruction)

    def __repr__(self) -> str:
        return f"<Node {self.serial} {self.op} {self.dtype}{list(self.shape)}>"


class Leaf(Node):
    """A node that nothing made: an input, a parameter, or (while tracing) a constant."""

    __slots__ = ("grad", "value")

    def __init__(self, value: Array, requires_grad: bool, keep: bool = False, depth: int = 2) -> None:
        frame = context.user_frame(depth)
        made = (value.shape, value.dtype, requires_grad, context.current(), frame.f_code, frame.f_lasti)
        Node.__init__(self, None, (), None, (), *made)
        self.grad: Tensor | None = None
        self.value = value if keep else None

    @property
    def op(self) -> str:
        return "constant" if self.value is not None else "leaf"


class Tensor(Syntax):
    """An immutable array that remembers how it was made.

    Make one with :func:`minigrad.tensor`.  Arithmetic, comparisons, indexing and
    ``@`` work as on NumPy arrays.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    __slots__ = ("__weakref__", "_name", "_node", "_value")

    def __init__(self, value: Array, node: Node | None = None) -> None:
        if value.__class__ is not np.ndarray:
            value = _array(value)
        self._value = value
        self._node = node

    # What it is ----------------------------------------------------------------
    @property
    def shape(self) -> Shape:
        """Sizes of the dimensions."""
        return self._value.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy dtype of the elements."""
        return self._value.dtype

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return self._value.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return self._value.size

    @property
    def node(self) -> Node | None:
        """How the value was made; None when nothing is tracked."""
        return self._node

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow through this tensor."""
        return self._node is not None and self._node.requires_grad

    @requires_grad.setter
    def requires_grad(self, flag: bool) -> None:
        self.requires_grad_(flag)

    def requires_grad_(self, flag: bool = True) -> Tensor:
        """Track this tensor from now on (or stop, for a leaf); returns it."""
        if not self.is_leaf:
            raise GradientError(
                f"requires_grad can be changed on leaves only, and this is {describe(self)}. "
                "Use x.detach() for a copy that is not tracked."
            )
        if flag != self.requires_grad:
            name = self.name
            self._node = Leaf(_differentiable(self._value), True) if flag else None
            self.name = name
        return self

    @property
    def is_leaf(self) -> bool:
        """True when no operation made this tensor."""
        return self._node is None or self._node.primitive is None

    @property
    def name(self) -> str | None:
        """A name for pictures and messages; may be set."""
        return self._node.name if self._node is not None else getattr(self, "_name", None)

    @name.setter
    def name(self, name: str | None) -> None:
        if self._node is not None:
            self._node.name = name
        else:
            self._name = name

    @property
    def grad(self) -> Tensor | None:
        """What :meth:`backward` has accumulated here; None before, and on non-leaves."""
        if isinstance(self._node, Leaf):
            return self._node.grad
        if self.requires_grad:
            warnings.warn(
                f"backward() keeps the gradients of leaves only, and this is {describe(self)}: its "
                ".grad is None. For the gradient there, use mg.grad, or a step of mg.record().",
                stacklevel=2,
            )
        return None

    @grad.setter
    def grad(self, grad: Tensor | None) -> None:
        if not isinstance(self._node, Leaf):
            raise GradientError(f"only leaves hold a gradient, and this is {describe(self)}.")
        if grad is not None:
            grad = grad if isinstance(grad, Tensor) else Tensor(np.array(grad))
            if grad.shape != self.shape or grad.dtype != self.dtype:
                raise ShapeError(
                    f"the gradient of {describe(self)} must be {self.dtype}{list(self.shape)}, "
                    f"not {grad.dtype}{list(grad.shape)}."
                )
        self._node.grad = grad

    # The value -----------------------------------------------------------------
    @property
    def data(self) -> Array:
        """The value as a read-only array that shares memory; a leaf's may be rebound."""
        self._look()
        view = self._value.view()
        view.flags.writeable = False
        return view

    @data.setter
    def data(self, value: ArrayLike) -> None:
        if not self.is_leaf:
            raise ImmutableError(f"only a leaf's data can be rebound, and this is {describe(self)}.")
        new = np.array(value._value if isinstance(value, Tensor) else value, dtype=self.dtype)
        if new.shape != self.shape:
            raise ShapeError(f"cannot rebind {describe(self)} to data of shape {list(new.shape)}.")
        self._value = new

    def numpy(self) -> Array:
        """The value as a read-only array, outside of any graph."""
        return self.data

    def item(self) -> Any:
        """The value of a tensor with one element as a Python scalar."""
        if self.size != 1:
            raise ShapeError(f"item() needs one element, and this is {describe(self)}.")
        self._look()
        return self._value.item()

    def tolist(self) -> Any:
        """The value as nested lists of Python scalars."""
        self._look()
        return self._value.tolist()

    def _look(self) -> None:
        """Tell a trace that a value leaves the graph."""
        tracing = context.current().tracing
        if tracing is not None and self._node is not None:
            tracing.looked(self._node)

    def detach(self) -> Tensor:
        """The same value, not tracked."""
        fresh: Tensor = FUNCTIONS["stop_gradient"](self)
        return fresh

    def backward(
        self,
        gradient: ArrayLike | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
    ) -> None:
        """Accumulate the gradient of this tensor into every leaf it was made from.

        Parameters
        ----------
        gradient : array_like, optional
            Cotangent of this tensor, of its shape; only a scalar may go without.
        retain_graph : bool, optional
            Whether the graph can be walked again; by default only with `create_graph`.
            Otherwise what the nodes saved is given back on the way, to save memory.
        create_graph : bool
            Whether the gradients are themselves differentiable.

        Raises
        ------
        GradientError
            If nothing is tracked, a non-scalar comes without a gradient, or the graph was
            walked before.
        ShapeError
            If the gradient's shape is not this tensor's.

        Examples
        --------
        >>> import minigrad as mg
        >>> x = mg.tensor(3.0, requires_grad=True)
        >>> (x**2).backward()
        >>> x.grad.item()
        6.0
        """
        from .autodiff import backward

        backward(self, gradient, create_graph if retain_graph is None else retain_graph, create_graph)

    # Python's protocols ----------------------------------------------------------
    def __repr__(self) -> str:
        body = np.array2string(self._value, separator=", ", prefix="tensor(")
        parts = [body]
        if self.dtype not in (np.dtype(float), np.dtype(int), np.dtype(bool)):
            parts.append(f"dtype={self.dtype}")
        node = self._node
        if self.name is not None:
            parts.append(f"name={self.name!r}")
        if node is not None and node.primitive is None and node.requires_grad:
            parts.append("requires_grad=True")
        elif node is not None and node.primitive is not None:
            parts.append(f"op={node.op}, line={node.location[1]}")
        return f"tensor({', '.join(parts)})"

    def __len__(self) -> int:
        if not self.ndim:
            raise ShapeError(f"a 0-d tensor has no length: {describe(self)}.")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self.item())

    def __float__(self) -> float:
        if self.requires_grad:  # `math.sin(x)` and `array[i] = x` call this, too
            warnings.warn(
                f"a number was made of {describe(self)}, and no gradient flows through it. Write "
                "mg.sin for math.sin, mg.stack or x.at[i].set(v) for array[i] = v; or x.item() where "
                "a number is wanted.",
                UserWarning,
                stacklevel=2,
            )
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.ndim or self.dtype.kind not in "iu":
            raise DtypeError(f"only a 0-d integer tensor is an index, and this is {describe(self)}.")
        self._look()
        return int(self._value)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else repr(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise GradientError(f"only leaves can be copied deeply, and this is {describe(self)}.")
        copy = Tensor(self._value)  # immutable, so the array itself may be shared
        if self.requires_grad:
            copy.requires_grad_()
        copy.name = self.name
        return copy

    def __reduce__(self) -> Any:
        if not self.is_leaf:
            raise GradientError(
                f"only leaves can be pickled, and this is {describe(self)}. Pickle x.detach()."
            )
        return _rebuild, (self._value, self.requires_grad, self.name)


def tensor(
    data: ArrayLike,
    dtype: Any = None,
    requires_grad: bool = False,
    name: str | None = None,
) -> Tensor:
    """Make a tensor from data, copying it.

    Parameters
    ----------
    data : array_like
        Numbers, nested lists, an array, or a tensor (whose value is taken).
    dtype : dtype, optional
        NumPy dtype; by default that of the data (Python floats give float64).
    requires_grad : bool
        Whether gradients are wanted with respect to this tensor.
    name : str, optional
        Shown in pictures and messages.

    Returns
    -------
    Tensor

    Raises
    ------
    DtypeError
        For complex data, and for integer or boolean data with ``requires_grad``.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.tensor([[1, 2], [3, 4]], dtype="float32", requires_grad=True).shape
    (2, 2)
    """
    if isinstance(data, Tensor):
        if data.requires_grad:
            raise GradientError(
                f"mg.tensor copies values, and would cut {describe(data)} out of its graph in silence. "
                "Use the tensor as it is, or mg.tensor(x.detach()) to leave the graph on purpose."
            )
        data = data.data
    try:
        value = np.array(data, dtype=dtype)
    except (TypeError, ValueError, GradientError) as error:
        raise ArgumentError(
            f"mg.tensor cannot read this data: {error} To join tensors, use mg.stack or mg.concatenate."
        ) from error
    if value.dtype.kind not in "fiub":
        hint = " Split it into real and imaginary parts." if value.dtype.kind == "c" else ""
        raise DtypeError(
            f"mg.tensor was given {value.dtype} data of shape {list(value.shape)}; tensors hold real "
            f"numbers, integers or booleans.{hint}"
        )
    if not value.dtype.isnative:  # numbers in another machine's byte order, from a file
        value = value.astype(value.dtype.newbyteorder("="))
    made = Tensor(value, Leaf(_differentiable(value), True) if requires_grad else None)
    if name is not None:
        made.name = name
    return made


def as_tensor(data: ArrayLike) -> Tensor:
    """The tensor itself, or an untracked one that shares memory with the data where it can.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.as_tensor([1.0, 2.0])
    tensor([1., 2.])
    """
    if isinstance(data, Tensor):
        return data
    value = np.asarray(data)
    return Tensor(value) if value.dtype.kind in "fiub" and value.dtype.isnative else tensor(value)


def array_of(x: Any) -> Any:
    """The value of a tensor, unseen by a trace; an array as it is."""
    return x._value if isinstance(x, Tensor) else np.asarray(x)


def operand(x: ArrayLike) -> Any:
    """Tensors and arrays as they are, anything else as an array: plain input stays plain."""
    return x if isinstance(x, Tensor) or x.__class__ is np.ndarray else np.asarray(x)


def _array(value: Any) -> Array:
    if not isinstance(value, np.ndarray | np.generic):
        raise ArgumentError(
            f"mg.Tensor is the class, and takes an array, not {type(value).__name__}. Write "
            "mg.tensor(...), which reads numbers, lists and arrays."
        )
    return np.asarray(value)


def _differentiable(value: Array) -> Array:
    if value.dtype not in FLOATING:
        raise DtypeError(
            f"requires_grad needs a floating dtype, and this is {value.dtype}{list(value.shape)}: "
            "integers and booleans are data without gradients. Write dtype=float."
        )
    return value


def _rebuild(value: Array, requires_grad: bool, name: str | None) -> Tensor:
    return tensor(value, requires_grad=requires_grad, name=name)
