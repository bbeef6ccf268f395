"""Ctrl-C that waits for a good moment, so that what is saved is whole."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any


class Interrupted(Exception):
    """Raised at a good moment after Ctrl-C; inside the package only."""


class Interrupt:
    """Whether Ctrl-C was pressed.

    Examples
    --------
    >>> interrupt = Interrupt()
    >>> interrupt.check()
    >>> interrupt.pressed = True
    >>> interrupt.check()
    Traceback (most recent call last):
    minigrad.training.interrupt.Interrupted
    """

    def __init__(self) -> None:
        self.pressed = False

    def check(self) -> None:
        """Raise :class:`Interrupted` if it was; called where the state is whole."""
        if self.pressed:
            raise Interrupted


@contextlib.contextmanager
def deferred_interrupt() -> Iterator[Interrupt]:
    """Note the first Ctrl-C instead of raising; the second one raises at once.

    What was noted and not looked at is raised at the end.  Outside the main thread, and where the
    program handles the signal in a way of its own, nothing is changed.

    Yields
    ------
    Interrupt

    Examples
    --------
    >>> try:
    ...     with deferred_interrupt() as interrupt:
    ...         signal.raise_signal(signal.SIGINT)
    ...         print("what was begun is done")
    ... except KeyboardInterrupt:
    ...     print("and then it stops")
    what was begun is done
    and then it stops
    """
    interrupt = Interrupt()
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield interrupt
        return

    def note(number: int, frame: Any) -> None:
        if interrupt.pressed:
            raise KeyboardInterrupt
        interrupt.pressed = True

    signal.signal(signal.SIGINT, note)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if interrupt.pressed:
        raise KeyboardInterrupt
