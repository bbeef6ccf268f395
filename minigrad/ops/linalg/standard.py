"""Names that ``np.linalg`` has for functions that stand elsewhere, with matrices in the last axes."""

from __future__ import annotations

from typing import Any

from ...tensor import FUNCTIONS
from .. import contract
from .common import matrices, mT, numpys

matmul = numpys("matmul")(contract.matmul)
outer = numpys("outer")(contract.outer)
tensordot = numpys("tensordot")(contract.tensordot)
vecdot = numpys("vecdot")(contract.vecdot)


@numpys("cross")
def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """Cross product of vectors with three components; see :func:`minigrad.cross`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.cross(mg.tensor([1.0, 0.0, 0.0]), [0.0, 1.0, 0.0])
    tensor([0., 0., 1.])
    """
    return contract.cross(x1, x2, axis=axis)


@numpys("matrix_transpose")
def matrix_transpose(x: Any, /) -> Any:
    """The matrices in the last two axes transposed.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.matrix_transpose(mg.tensor([[1.0, 2.0]])).shape
    (2, 1)
    """
    return mT(matrices("matrix_transpose", "x", x))


@numpys("diagonal")
def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """The diagonals of the matrices in the last two axes.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.diagonal(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([1., 4.])
    """
    return FUNCTIONS["diagonal"](matrices("diagonal", "x", x), offset, -2, -1)


@numpys("trace")
def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """The sums of the diagonals of the matrices in the last two axes.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.trace(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    """
    return FUNCTIONS["sum"](diagonal(x, offset=offset), axis=-1, dtype=dtype)
