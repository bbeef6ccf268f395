"""What surrounds an operation: recording on or off, scopes, provenance.

The surroundings are one immutable `State` in a context variable, so two
threads (or two asyncio tasks) never see one another's.  An operation reads it
once; a context manager replaces it and puts the old one back.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from contextvars import ContextVar
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


class Trace(Protocol):
    """Who harvests a graph."""

    def constant(self, value: Any) -> Node:
        """The node of a value that nobody tracks."""

    def looked(self, node: Node) -> None:
        """The function took a value out of the graph: what it does with it cannot be replayed."""


class State:
    """The surroundings of an operation.

    Attributes
    ----------
    recording : bool
        Whether results remember how they were made.
    scope : tuple of str
        Names of the scopes around the operation, outermost first.
    vjp_of : Node or None
        While a derivative is being recorded: the forward node it belongs to.
    tracing : Trace or None
        While a graph is harvested: who records constants, so that operations without a
        derivative are recorded too.
    observer : Observer or None
        Who is told of every value and every cotangent.
    plain : bool
        Recording, and nothing out of the ordinary: the short way through `bind`.
    """

    __slots__ = ("observer", "plain", "recording", "scope", "tracing", "vjp_of")

    def __init__(
        self,
        recording: bool = True,
        scope: tuple[str, ...] = (),
        vjp_of: Node | None = None,
        tracing: Trace | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.recording = recording
        self.scope = scope
        self.vjp_of = vjp_of
        self.tracing = tracing
        self.observer = observer
        self.plain = recording and tracing is None and observer is None

    def replace(self, **changes: Any) -> State:
        """A copy with some fields changed."""
        fields = ("recording", "scope", "vjp_of", "tracing", "observer")
        return State(**{name: changes.get(name, getattr(self, name)) for name in fields})


_STATE: ContextVar[State] = ContextVar("minigrad_state", default=State())
current = _STATE.get


@contextlib.contextmanager
def surroundings(**changes: Any) -> Iterator[State]:
    """Run a block with some fields of the state changed."""
    state = current().replace(**changes)
    token = _STATE.set(state)
    try:
        yield state
    finally:
        _STATE.reset(token)


class no_grad(contextlib.ContextDecorator):
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

    recording = False

    def __init__(self) -> None:
        self._stack: list[Any] = []

    def __enter__(self) -> None:
        manager = surroundings(recording=self.recording)
        manager.__enter__()
        self._stack.append(manager)

    def __exit__(self, *exc: Any) -> None:
        self._stack.pop().__exit__(*exc)

    def _recreate_cm(self) -> no_grad:
        # A decorated function may run in several threads: each call gets its own.
        return type(self)()


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

    recording = True


@contextlib.contextmanager
def scope(name: str) -> Iterator[None]:
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
    with surroundings(scope=(*current().scope, str(name))):
        yield


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
