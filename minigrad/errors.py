"""One family of exceptions, each of which teaches.

Every message names the operation, the shapes and dtypes involved, the line of
the user's program where the tensor was made, and what to write instead.  Each
class also derives from the built-in exception that a NumPy user would catch.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np


class MinigradError(Exception):
    """Base class: ``except mg.MinigradError`` catches everything minigrad raises."""


class ShapeError(MinigradError, ValueError):
    """Shapes do not fit together, or a cotangent has not its primal's shape."""


class DtypeError(MinigradError, TypeError):
    """A dtype that cannot be differentiated, or that does not match."""


class ArgumentError(MinigradError, ValueError):
    """A value outside what the function accepts (axis, eps, argnums, ...)."""


class LinAlgError(MinigradError, np.linalg.LinAlgError):
    """A matrix has no such decomposition or inverse: singular, not positive definite, ..."""


class GradientError(MinigradError, RuntimeError):
    """A derivative was asked for that is not defined as asked."""


class ImmutableError(MinigradError, TypeError):
    """Somebody tried to write into a tensor."""


class UnsupportedError(MinigradError, TypeError):
    """A NumPy function that minigrad does not record; it never detaches silently."""


class NonFiniteError(MinigradError, FloatingPointError):
    """Raised under :func:`minigrad.debug_nans` by the first op that made a NaN."""


class GraphError(MinigradError, RuntimeError):
    """A graph is malformed, or holds too little to replay."""


class MissingProgramError(MinigradError, FileNotFoundError):
    """A program outside Python is not installed; the message says how to install it.

    Attributes
    ----------
    path : pathlib.Path or None
        What was written all the same.
    """

    def __init__(self, message: str, path: Path | None = None) -> None:
        super().__init__(message)
        self.path = path


class GradientCheckError(MinigradError, AssertionError):
    """A gradient check did not pass; the message is its report."""


class MissingExtraError(MinigradError, ImportError):
    """An optional library is not installed; the message names the extra."""


def missing_extra(library: str, extra: str, purpose: str) -> MissingExtraError:
    """Build the error for an optional library that is not installed.

    Parameters
    ----------
    library : str
        The module that could not be imported.
    extra : str
        The extra of minigrad that installs it.
    purpose : str
        What needs it, as the start of a sentence.

    Returns
    -------
    MissingExtraError
        Ready to be raised.

    Examples
    --------
    >>> print(missing_extra("matplotlib", "plot", "A training curve"))
    A training curve needs matplotlib, which is not installed.
    Install it with: pip install "minigrad[plot]"
    """
    return MissingExtraError(
        f"{purpose} needs {library}, which is not installed. "
        f'Install it with: pip install "minigrad[{extra}]"'
    )
