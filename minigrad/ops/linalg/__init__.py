"""Linear algebra by the names of ``np.linalg``, differentiable in both modes and at all orders.

``solve_triangular`` and ``expm`` have SciPy's names.  Matrices are in the last two axes; the axes
before them broadcast.
"""

from .factor import EighResult, QRResult, SVDResult, cholesky, eigh, eigvalsh, qr, svd, svdvals
from .least import least_squares, lstsq, matrix_rank, pinv
from .norm import cond, matrix_norm, norm, vector_norm
from .power import expm, matrix_power, multi_dot
from .refused import eig, eigvals
from .solve import (
    SlogdetResult,
    cofactors,
    cofactors_along,
    det,
    inv,
    slogdet,
    solve,
    tensorinv,
    tensorsolve,
)
from .standard import cross, diagonal, matmul, matrix_transpose, outer, tensordot, trace, vecdot
from .triangular import solve_triangular

__all__ = [
    "EighResult", "QRResult", "SVDResult", "SlogdetResult", "cholesky", "cofactors",
    "cofactors_along", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh",
    "expm", "inv", "least_squares", "lstsq", "matmul", "matrix_norm", "matrix_power", "matrix_rank",
    "matrix_transpose", "multi_dot", "norm", "outer", "pinv", "qr", "slogdet", "solve",
    "solve_triangular", "svd", "svdvals", "tensordot", "tensorinv", "tensorsolve", "trace",
    "vecdot", "vector_norm",
]  # fmt: skip
