"""What is out: eigenvalues of matrices that are not symmetric are complex."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from ...errors import UnsupportedError
from ...syntax import HINTS
from ...tensor import describe

REASON = (
    "Eigenvalues of a matrix that is not symmetric are complex, and complex numbers are out. For a "
    "symmetric one use mg.linalg.eigh; for the size of a matrix, mg.linalg.svdvals."
)
HINTS[np.linalg.eig] = HINTS[np.linalg.eigvals] = REASON


def eig(a: Any) -> NoReturn:
    """Refused: eigenvalues of a matrix that is not symmetric are complex.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.eig(np.eye(2))
    Traceback (most recent call last):
    minigrad.errors.UnsupportedError: linalg.eig of a plain array float64[2, 2]: Eigenvalues ...
    """
    raise UnsupportedError(f"linalg.eig of {describe(a)}: {REASON}")


def eigvals(a: Any) -> NoReturn:
    """Refused: eigenvalues of a matrix that is not symmetric are complex.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.eigvals(np.eye(2))
    Traceback (most recent call last):
    minigrad.errors.UnsupportedError: linalg.eigvals of a plain array float64[2, 2]: Eigenvalues ...
    """
    raise UnsupportedError(f"linalg.eigvals of {describe(a)}: {REASON}")
