"""What a picture of a graph shows, before anybody decides how: nodes, edges, boxes, steps, routes.

Every renderer is a function of a :class:`Picture`; :mod:`minigrad.render.build` makes one.  Texts in
it are the user's and unescaped: each renderer escapes them for its format.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from ..graph.text import short_dtype

Kind = Literal["input", "parameter", "constant", "op", "output", "fold"]
GradientState = Literal["not run", "not required", "zero", "value"]

ENTRIES = 64  # an array of up to so many is shown whole, of a larger one a corner


@dataclass(frozen=True, slots=True)
class TensorView:
    """What a picture tells of an array.

    Attributes
    ----------
    shape : tuple of int
    dtype : str
        ``f64``, ``i64``, ``bool``.
    entries : tuple of (float or int or bool)
        The array itself, row by row, if it has at most 64 entries; else those of a corner.
    corner : tuple of int
        The shape of what `entries` holds: the leading part along every axis.
    minimum, maximum, mean, norm : float
        Over the finite entries; NaN if there are none.
    nans, infinities : int
        How many entries are NaN, how many infinite.

    Examples
    --------
    >>> view = TensorView.of(np.array([[3.0, -4.0]]))
    >>> view.entries, view.norm, view.whole
    ((3.0, -4.0), 5.0, True)
    """

    shape: tuple[int, ...]
    dtype: str
    entries: tuple[Any, ...]
    corner: tuple[int, ...]
    minimum: float
    maximum: float
    mean: float
    norm: float
    nans: int
    infinities: int

    @property
    def whole(self) -> bool:
        """Whether `entries` is all there is."""
        return self.shape == self.corner

    @classmethod
    def of(cls, array: Any) -> TensorView:
        """The view of an array.

        Parameters
        ----------
        array : array_like

        Returns
        -------
        TensorView
        """
        array = np.asarray(array)
        part = array[tuple(slice(n) for n in _corner(array.shape))]
        flat = array.astype(np.float64).ravel()
        kept = flat[np.isfinite(flat)]
        largest = float(np.abs(kept).max(initial=0.0)) or 1.0  # squares of large entries overflow
        none = not kept.size
        return cls(
            array.shape, short_dtype(array.dtype), tuple(part.ravel().tolist()), part.shape,
            np.nan if none else float(kept.min()),
            np.nan if none else float(kept.max()),
            np.nan if none else float((kept / largest).mean()) * largest,
            np.nan if none else float(np.linalg.norm(kept / largest)) * largest,
            int(np.isnan(flat).sum()), int(np.isinf(flat).sum()),
        )  # fmt: skip


def _corner(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A leading part of at most 64 entries: eight columns, then as many rows as there is room for."""
    if np.prod(shape, dtype=object) <= ENTRIES:
        return shape
    room, corner = ENTRIES, list[int]()
    for n in reversed(shape):
        corner.append(min(n, room if corner or len(shape) == 1 else 8))
        room //= max(corner[-1], 1)
    return tuple(reversed(corner))


@dataclass(frozen=True, slots=True)
class Node:
    """A thing to draw.

    Attributes
    ----------
    id : str
        Unique and safe in every format: ``e7`` for an equation, ``v3`` for a stored value,
        ``o0`` for an output, ``f2`` for a folded box.  Numbers grow with creation.
    kind : {"input", "parameter", "constant", "op", "output", "fold"}
    order : int
        0 for the function itself, 1 for a derivative, ...
    title, detail : str
        What it is; which value it makes.
    named : bool
        Whether the detail is a name that somebody gave.
    scope : str
        The id of the innermost box around it, "" for none.
    hint : str
        The whole equation and the user's line, for those who point at it.
    twin : str
        For a step of a derivative the node of the step that it belongs to, else "".
    op, label : str
        The primitive's name, "" for what no operation made; the label of (the first of) its values.
    shape, dtype
        Of (the first of) its values: ``(4, 3)``, ``f64``.
    parameters : str
        What the shapes do not tell: ``axis=0``.
    operands : tuple of str
        Per slot what it is applied to: a node's id, or a Python number as text.
    formula, vjp : str
        LaTeX, from the registry: the value, and what its rule sends to the inputs.
    source : (str, int, str)
        The user's file (without its folder), line number, and line; ("", 0, "") if unknown.
    value, gradient : TensorView or None
        As far as somebody recorded them.
    gradient_state : {"not run", "not required", "zero", "value"}
    copies : int
        Of a folded box: how many equal blocks it stands for.
    """

    id: str
    kind: Kind
    order: int
    title: str
    detail: str
    named: bool
    scope: str
    hint: str
    twin: str = ""
    op: str = ""
    label: str = ""
    shape: tuple[int, ...] = ()
    dtype: str = ""
    parameters: str = ""
    operands: tuple[str, ...] = ()
    formula: str = ""
    vjp: str = ""
    source: tuple[str, int, str] = ("", 0, "")
    value: TensorView | None = None
    gradient: TensorView | None = None
    gradient_state: GradientState = "not run"
    copies: int = 1


@dataclass(frozen=True, slots=True)
class Edge:
    """A use of a value.

    Attributes
    ----------
    source, target : str
        Nodes, in the direction of the data.
    slot : int
        Which input of the target it is: ``a * a`` has two edges.
    shape : str
        Of the value; with the dtype where it is not the usual one.
    mark : str
        What the slot is called, where the order matters.
    routes : tuple of int
        The routes that run along it, against the data.
    """

    source: str
    target: str
    slot: int
    shape: str
    mark: str = ""
    routes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """A box around nodes.

    Attributes
    ----------
    id : str
        ``s0``, ``s1``, ...; a box comes before those inside it.
    label : str
        The scope's name, or what an order of differentiation is called.
    parent : str
        The id of the box around it, "" for none.
    order : int
        0 for the function itself, 1 for a derivative, ...
    structure : str
        Equal for boxes that hold the same operations, wired alike.
    copies : int
        1 for a scope; for a box that was put around equal blocks in a row, how many those are.
    """

    id: str
    label: str
    parent: str
    order: int
    structure: str
    copies: int = 1


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a step of a backward pass sends to one input.

    Attributes
    ----------
    slot : int
    target : str
        The node that it is sent to.
    value : TensorView
    before : TensorView or None
        What had arrived there already; None if nothing had.
    after : TensorView
    """

    slot: int
    target: str
    value: TensorView
    before: TensorView | None
    after: TensorView


@dataclass(frozen=True, slots=True)
class Step:
    """One operation evaluated (forward), or one rule applied (backward).

    Attributes
    ----------
    phase : {"forward", "backward"}
    backward_pass : int
        Which one, from 1; 0 for a forward step.
    node : str
    values : tuple of (TensorView or None)
        Forward the results; backward the cotangents that have arrived, complete.
    contributions : tuple of Contribution
    """

    phase: Literal["forward", "backward"]
    backward_pass: int
    node: str
    values: tuple[TensorView | None, ...]
    contributions: tuple[Contribution, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """The share of a gradient that took one route.

    Attributes
    ----------
    crossed : tuple of str
        Names, in order from the output to the input; () for the direct route.
    value : TensorView
    share : float
        Its squared length over that of the direct part; NaN if there is no direct part.
    """

    crossed: tuple[str, ...]
    value: TensorView
    share: float


@dataclass(frozen=True, slots=True)
class PathSet:
    """A gradient, split by the routes it took.

    Attributes
    ----------
    target : str
        The node whose gradient it is.
    parts : tuple of Part
        In the order of ``Picture.routes``.
    total : TensorView
    numeric : TensorView or None
        The same gradient found from values of the function alone, by differences.
    survives : float
        The squared length of the whole over that of the direct part.
    cancels : bool
        Whether nothing but rounding is left of the whole.
    """

    target: str
    parts: tuple[Part, ...]
    total: TensorView
    numeric: TensorView | None
    survives: float
    cancels: bool


@dataclass(frozen=True)
class Picture:
    """All that a renderer needs.

    Attributes
    ----------
    title, subtitle : str
    nodes, edges, scopes : tuple
    routes : tuple of str
        What the routes are called, by number.
    phases : tuple of str
        What the orders of differentiation are called.
    against : tuple of bool
        Per order whether its data flows against that of the function.
    labelled : bool
        Whether shapes stand on the edges; else they stand in the nodes.
    steps : tuple of Step
        Of a recorded forward and backward pass.
    paths : PathSet or None
        The gradient along the routes.
    """

    title: str
    subtitle: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    scopes: tuple[Scope, ...] = ()
    routes: tuple[str, ...] = ()
    phases: tuple[str, ...] = ("forward",)
    against: tuple[bool, ...] = (False,)
    labelled: bool = True
    steps: tuple[Step, ...] = ()
    paths: PathSet | None = None

    @cached_property
    def node(self) -> dict[str, Node]:
        """The nodes by id."""
        return {node.id: node for node in self.nodes}

    @cached_property
    def around(self) -> dict[str, tuple[str, ...]]:
        """Per id of a box the ids of the boxes from the outermost to it; of "" none."""
        found: dict[str, tuple[str, ...]] = {"": ()}
        for scope in self.scopes:
            found[scope.id] = (*found[scope.parent], scope.id)
        return found
