"""What one sees while a model trains: a line per epoch, and in a terminal a bar below them."""

from __future__ import annotations

import sys
import time
from typing import Any

from .callbacks import Callback
from .run import Run

_PAUSE = 0.05  # seconds between two looks at the bar


def told(values: dict[str, float]) -> str:
    """Quantities in one line.

    Examples
    --------
    >>> told({"loss": 0.51234, "accuracy": 0.9})
    'loss 0.5123, accuracy 0.9000'
    """
    return ", ".join(f"{name} {value:.4f}" for name, value in values.items())


class Progress(Callback):
    """A line per epoch on standard output; in a terminal also a bar with the time left, by rich.

    Parameters
    ----------
    bar : bool
        Whether to show the bar where that is possible.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([[1.0], [2.0]], dtype="float32")
    >>> _ = mg.fit(mg.nn.Linear(1, 1), x, x, epochs=2, loss="mse", verbose=2)
    epoch 1/2: loss ... s)
    epoch 2/2: loss ... s)
    """

    def __init__(self, bar: bool = True) -> None:
        self.bar = bar
        self._bars: Any = None

    def on_start(self, run: Run) -> None:
        """Put up the bar."""
        self._digits = len(str(run.epochs))
        self._began = self._looked = time.monotonic()
        self._bars = None
        if not (self.bar and sys.stdout.isatty()):
            return
        try:
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
        except ImportError:
            return
        columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bars = Progress(*columns, "{task.fields[note]}", transient=True)
        total = run.epochs * len(run.loader)
        self._task = self._bars.add_task("", total=total, note="")
        self._move(run, "")
        self._bars.start()

    def on_batch_end(self, run: Run) -> None:
        """Move the bar, but not for every batch if these are quick."""
        if self._bars is not None and time.monotonic() - self._looked >= _PAUSE:
            self._looked = time.monotonic()
            self._move(run, told(run.averages.means()))

    def on_epoch_end(self, run: Run) -> None:
        """Print the epoch's line."""
        now = time.monotonic()
        last = {name: values[-1] for name, values in run.history.items()}
        seconds, self._began = now - self._began, now
        line = f"epoch {run.epoch:{self._digits}}/{run.epochs}: {told(last)} ({seconds:.1f} s)"
        if self._bars is None:
            print(line, flush=True)
        else:
            self._move(run, told(last))
            self._bars.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def on_end(self, run: Run) -> None:
        """Take the bar away."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def _move(self, run: Run, note: str) -> None:
        epoch = min(run.epoch + 1, run.epochs)
        self._bars.update(
            self._task,
            completed=run.epoch * len(run.loader) + run.batch,
            description=f"epoch {epoch}/{run.epochs}",
            note=note.replace("[", r"\["),
        )
