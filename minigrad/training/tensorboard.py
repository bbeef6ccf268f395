"""Logs that TensorBoard shows."""

from __future__ import annotations

import os
from typing import Any

from ..errors import missing_extra
from .callbacks import Callback
from .history import VALIDATION
from .run import Run


class TensorBoard(Callback):
    """Write every epoch's quantities and learning rate for TensorBoard.

    Look at them with ``tensorboard --logdir FOLDER``.

    Parameters
    ----------
    folder : str or path-like
        Where to; it is made if it is missing.

    Raises
    ------
    MissingExtraError
        If ``tensorboardX``, which writes the files, is not installed.

    Notes
    -----
    Training and validation are written as ``loss/training`` and ``loss/validation``, so that
    TensorBoard puts them side by side.

    Examples
    --------
    A training that is logged::

        mg.fit(model, x, y, epochs=5, callbacks=[mg.training.TensorBoard("runs/first")])
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ImportError:
            raise missing_extra("tensorboardX", "tensorboard", "mg.training.TensorBoard") from None
        self.folder = folder
        self._make = SummaryWriter
        self._writer: Any = None

    def on_start(self, run: Run) -> None:
        """Open a file."""
        self._writer = self._make(str(self.folder))

    def on_epoch_end(self, run: Run) -> None:
        """Write the epoch."""
        for name, values in run.history.items():
            part = "validation" if name.startswith(VALIDATION) else "training"
            title = name if name == "lr" else f"{name.removeprefix(VALIDATION)}/{part}"
            self._writer.add_scalar(title, values[-1], run.epoch)
        if "lr" not in run.history:
            self._writer.add_scalar("lr", run.optimizer.param_groups[0]["lr"], run.epoch)
        self._writer.flush()

    def on_end(self, run: Run) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
