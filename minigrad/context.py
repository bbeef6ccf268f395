"""What surrounds an operation: recording on or off, scopes, provenance.

The surroundings are one immutable `State` in a context variable, so two
threads (or two asyncio tasks) never see one another's.  An operation reads it
once; a context manager replaces it and puts the old one back.
"""

from __future__ import annotations

import contextlib
import os
import sys
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from types import CodeType, FrameType

    from .primitive import Primitive
    from .tensor import Node


class Observer(Protocol):
    """Who wants to see every value: the debugger of NaNs, the recorder of a backward pass."""

    def value(self, primitive: Primitive, inputs: Any, value: Any, node: Node | None) -> None:
        """An operation was evaluated."""

    def cotangent(self, node: Node, cotangent: Any) -> None:
        """A backward pass arrived at `node`; this is its complete cotangent."""

    def contribution(self, node: Node, slot: int, parent: Node, cotangent: Any) -> None:
        """A backward pass sent `cotangent` from `node` to the parent in a slot."""

    def tangent(self, node: Node, tangent: Any) -> None:
        """A forward pass arrived at `node`; a tuple for several outputs."""


class Trace(Protocol):
    """Who harvests a graph."""

    def constant(self, value: Any) -> Node:
        """The node of a value that nobody tracks."""

    def looked(self, node: Node) -> None:
        """The function took a value out of the graph: what it does with it cannot be replayed."""


@dataclass(slots=True, eq=False)
class State:
    """The surroundings of an operation."""

    recording: bool = True  # whether results remember how they were made
    scope: tuple[str, ...] = ()  # names of the scopes, outermost first
    vjp_of: Node | None = None  # while a derivative is recorded: the forward node it belongs to
    tracing: Trace | None = None  # who harvests a graph: then everything is recorded
    observer: Observer | None = None  # who is told of every value and every cotangent
    plain: bool = True  # recording, and nothing out of the ordinary: the short way through `bind`
    outer: State | None = field(default=None, repr=False)  # what leaving these brings back

    def __post_init__(self) -> None:
        self.plain = self.recording and self.tracing is None and self.observer is None


_STATE: ContextVar[State] = ContextVar("minigrad_state", default=State())  # noqa: B039  (nobody changes one)
current = _STATE.get


class surroundings:
    """Run a block with some fields of the state changed.

    Examples
    --------
    >>> with surroundings(recording=False):
    ...     current().recording
    False
    """

    __slots__ = ("_changes",)

    def __init__(self, **changes: Any) -> None:
        self._changes = changes

    def inside(self, old: State) -> State:
        """The state inside the block.

        The way back stands in the state, not in the manager: one manager may be entered by several
        threads at once.
        """
        new = self._changes.get
        return State(
            new("recording", old.recording),
            new("scope", old.scope),
            new("vjp_of", old.vjp_of),
            new("tracing", old.tracing),
            new("observer", old.observer),
            outer=old,
        )

    def __enter__(self) -> None:
        _STATE.set(self.inside(current()))

    def __exit__(self, *exc: Any) -> None:
        _STATE.set(current().outer or State())


class no_grad(surroundings, contextlib.ContextDecorator):
    """Context manager and decorator: operations inside record nothing.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor(2.0, requires_grad=True)
    >>> with mg.no_grad():
    ...     y = x * 3.0
    >>> y.requires_grad
    False
    """

    def __init__(self) -> None:
        super().__init__(recording=False)

    def _recreate_cm(self) -> no_grad:
        return type(self)()  # a decorated function may run in several threads: one for each call


class enable_grad(no_grad):
    """Context manager and decorator: record again, inside a ``no_grad``.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor(2.0, requires_grad=True)
    >>> with mg.no_grad(), mg.enable_grad():
    ...     y = x * 3.0
    >>> y.requires_grad
    True
    """

    def __init__(self) -> None:
        surroundings.__init__(self, recording=True)


class scope(surroundings):
    """Name a part of the computation; pictures draw it as a box.

    Parameters
    ----------
    name : str
        Any text.  Scopes nest.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor(2.0, requires_grad=True)
    >>> with mg.scope("block"), mg.scope("square"):
    ...     y = x * x
    >>> y.node.scope
    ('block', 'square')
    """

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = str(name)

    def inside(self, old: State) -> State:
        """One scope deeper."""
        deeper = (*old.scope, self._name)
        return State(old.recording, deeper, old.vjp_of, old.tracing, old.observer, outer=old)


def is_grad_enabled() -> bool:
    """Whether operations are recorded here.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.is_grad_enabled()
    True
    """
    return current().recording


# Provenance ------------------------------------------------------------------

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_NOT_LIBRARY = _PACKAGE + "cli" + os.sep  # the commands are users of the library


class _Internal(dict[str, bool]):
    """Remembers, per file name, whether it is minigrad's own library code."""

    def __missing__(self, filename: str) -> bool:
        path = os.path.abspath(filename)
        found = path.startswith(_PACKAGE) and not path.startswith(_NOT_LIBRARY)
        self[filename] = found
        return found


INTERNAL = _Internal()


def user_frame(depth: int = 1) -> FrameType:
    """The innermost frame outside minigrad: the line the user wrote."""
    frame: FrameType = sys._getframe(depth)
    while INTERNAL[frame.f_code.co_filename]:
        outer = frame.f_back
        if outer is None:
            break
        frame = outer
    return frame


def line_number(code: CodeType, instruction: int) -> int:
    """The line of an instruction.

    Computed when somebody asks: decoding a line table takes longer than the
    operation that it describes, so nodes only keep the instruction's offset.
    """
    for start, end, line in code.co_lines():
        if start <= instruction < end and line is not None:
            return line
    return code.co_firstlineno
