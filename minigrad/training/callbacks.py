"""Callback: what is called while a model trains."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..errors import ArgumentError
from .run import Run


class Callback:
    """Base class of callbacks; a subclass defines what it needs.

    A plain function of the run serves, too: it is called after every epoch.

    Examples
    --------
    >>> import minigrad as mg, numpy as np
    >>> class StopEarly(mg.training.Callback):
    ...     def on_epoch_end(self, run):
    ...         run.stop = run.history["loss"][-1] < 0.5
    >>> model = mg.nn.Linear(1, 1)
    >>> x = np.linspace(0.0, 1.0, 32, dtype="float32")[:, None]
    >>> history = mg.fit(model, x, 2 * x, epochs=1000, loss="mse", lr=0.1, callbacks=[StopEarly()],
    ...                  verbose=False)
    >>> history.epochs < 1000, history["loss"][-1] < 0.5
    (True, True)
    """

    def on_start(self, run: Run) -> None:
        """Before the first batch."""

    def on_batch_end(self, run: Run) -> None:
        """After the optimizer's step; ``run.averages.means()`` are those of the epoch so far."""

    def on_epoch_end(self, run: Run) -> None:
        """After validation; ``run.history`` holds this epoch."""

    def on_end(self, run: Run) -> None:
        """After the last epoch, or when an error or Ctrl-C ends the training."""


class _Function(Callback):
    def __init__(self, function: Callable[[Run], Any]) -> None:
        self.function = function

    def on_epoch_end(self, run: Run) -> None:
        self.function(run)


def as_callbacks(given: Any) -> list[Callback]:
    """Callbacks as a list; functions are wrapped.

    Examples
    --------
    >>> len(as_callbacks(print)), len(as_callbacks(None))
    (1, 0)
    """
    if given is None:
        return []
    found = [given] if isinstance(given, Callback) or callable(given) else given
    if not isinstance(found, Iterable):
        raise ArgumentError(f"fit: callbacks is a list of Callback or functions, not {given!r}.")
    made = []
    for one in found:
        if not (isinstance(one, Callback) or callable(one)) or isinstance(one, type):
            raise ArgumentError(
                f"fit: a callback is an instance of mg.training.Callback or a function, not {one!r}."
            )
        made.append(one if isinstance(one, Callback) else _Function(one))
    return made
