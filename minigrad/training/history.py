"""History: what every epoch of a training came to."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..errors import ArgumentError, missing_extra
from ..files import path_of, write_atomically
from .weights import PathLike

VALIDATION = "val_"


class History(Mapping[str, list[float]]):
    """A list per quantity, with one number per epoch.

    Parameters
    ----------
    columns : mapping of str to list of float, optional
        What is known already.

    Attributes
    ----------
    epochs : int
        How many epochs there are.

    Examples
    --------
    >>> history = History()
    >>> history.append({"loss": 1.5, "val_loss": 1.75})
    >>> history.append({"loss": 1.0, "val_loss": 1.25})
    >>> history["loss"], history.epochs
    ([1.5, 1.0], 2)
    >>> history
    History of 2 epochs: loss 1.5 to 1, val_loss 1.75 to 1.25
    """

    def __init__(self, columns: Mapping[str, list[float]] | None = None) -> None:
        self._columns = {name: list(values) for name, values in (columns or {}).items()}

    def __getitem__(self, name: str) -> list[float]:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    @property
    def epochs(self) -> int:
        """How many epochs there are."""
        return len(next(iter(self._columns.values()), []))

    def append(self, values: Mapping[str, float]) -> None:
        """Add an epoch.

        Parameters
        ----------
        values : mapping of str to float
            A number for every quantity.

        Raises
        ------
        ArgumentError
            If these are not the quantities of the epochs before.

        Examples
        --------
        >>> History({"loss": [1.0]}).append({"accuracy": 0.5})
        Traceback (most recent call last):
        minigrad.errors.ArgumentError: History: so far there are loss, and now accuracy. ...
        """
        if self._columns and self._columns.keys() != values.keys():
            raise ArgumentError(
                f"History: so far there are {', '.join(self._columns)}, and now {', '.join(values)}. "
                "Use the same metrics and validation data in all epochs."
            )
        for name, value in values.items():
            self._columns.setdefault(name, []).append(float(value))

    def plot(self, path: PathLike) -> Path:
        """Draw the curves: a panel per quantity, training and validation together.

        Parameters
        ----------
        path : str or path-like
            ``.png``, ``.svg`` or ``.pdf``.

        Returns
        -------
        pathlib.Path

        Raises
        ------
        ArgumentError
            If there is no epoch yet, or for another suffix.
        MissingExtraError
            If matplotlib is not installed.

        Examples
        --------
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     History({"loss": [1.5, 1.0]}).plot(f"{folder}/training.svg").name
        'training.svg'
        """
        path = path_of("plot", path)
        suffix = path.suffix.lower()
        if suffix not in (".png", ".svg", ".pdf"):
            raise ArgumentError(f"plot: the path ends in .png, .svg or .pdf, not in {path.name!r}.")
        if not self.epochs:
            raise ArgumentError("plot: there is no epoch to draw yet.")
        try:
            from matplotlib import rc_context
            from matplotlib.figure import Figure
        except ImportError:
            raise missing_extra("matplotlib", "plot", "The picture of the training curves") from None
        names = list(dict.fromkeys(name.removeprefix(VALIDATION) for name in self))
        figure = Figure(figsize=(4.5 * len(names), 3.6), layout="constrained")
        epochs = range(1, self.epochs + 1)
        marker = "o" if self.epochs == 1 else ""  # a line needs two points
        for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
            for key, label, style in (
                (name, "training", {"color": "#0072B2"}),
                (VALIDATION + name, "validation", {"color": "#D55E00", "ls": "--"}),
            ):
                if key in self:
                    axes.plot(epochs, self[key], label=label, marker=marker, **style)
            # A name is the user's, and a dollar sign would begin mathematics.
            axes.set_title(name.replace("$", r"\$"))
            axes.set_xlabel("epoch")
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.grid(alpha=0.3)
            axes.legend()
        buffer = io.BytesIO()
        # The same curves give the same file: no date, and no random names.
        stamp = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}[suffix]
        with rc_context({"svg.hashsalt": "minigrad"}):
            figure.savefig(buffer, format=suffix[1:], dpi=150, metadata=stamp)
        return write_atomically(path, buffer.getvalue())

    def __repr__(self) -> str:
        if not self.epochs:
            return "History of 0 epochs"
        changes = [f"{name} {values[0]:.4g} to {values[-1]:.4g}" for name, values in self.items()]
        return f"History of {self.epochs} epoch{'s' * (self.epochs != 1)}: {', '.join(changes)}"
