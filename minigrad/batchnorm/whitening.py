r"""Whitening: what batch norm leaves out because it is dearer.

Batch norm gives every feature mean 0 and variance 1.  Whitening also removes the correlations
between features: the covariance of the result is the identity.  It multiplies the centred
batch by the inverse square root of the covariance, and there are two ways to get that:

- ZCA: decompose :math:`\Sigma = V \operatorname{diag}(w)\,V^\top`; then
  :math:`\Sigma^{-1/2} = V \operatorname{diag}(w^{-1/2})\,V^\top`.  Exact, and its derivative goes
  through the derivative of the eigenvectors.
- Newton-Schulz: :math:`P_{k+1} = \tfrac12 (3 P_k - P_k^3 \Sigma)` tends to :math:`\Sigma^{-1/2}`
  from the identity if the eigenvalues are between 0 and 1 (dividing by the trace makes them so).
  Matrix products only.  In this form rounding grows from step to step; carrying
  :math:`Q_k = P_k \Sigma` along, as below, gives the same numbers and keeps it small.

Either costs d by d matrices where batch norm costs vectors of length d, and needs more examples
than features: the covariance of m examples has rank m - 1 at most.

References
----------
Huang, Yang, Lang and Deng, Decorrelated Batch Normalization, 2018, arXiv:1804.08450.
Huang, Zhou, Zhu, Liu and Shao, Iterative Normalization, 2019, arXiv:1904.03441.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..context import scope
from ..errors import ArgumentError, DtypeError, LinAlgError, ShapeError
from ..ops.elementwise import sqrt
from ..ops.linalg import eigh, trace
from ..ops.reduce import mean as average
from ..tensor import array_of, describe, operand


def zca(x: Any, eps: float = 1e-5) -> Any:
    """Whiten a batch by the eigenvectors of its covariance, and no further from it than needed.

    Parameters
    ----------
    x : array_like, shape (examples, features)
        More examples than features.
    eps : float
        Added to the variances, so that the result has the covariance C (C + eps)^-1.

    Returns
    -------
    Tensor
        Of x's shape: mean 0, and the identity as its covariance up to eps.  Of all whitened
        batches (each a rotation of another) it is the nearest to x.

    Raises
    ------
    ArgumentError
        If there are not more examples than features, or for a negative eps.
    LinAlgError
        If a feature is constant or depends on others, and eps does not make up for it; or if x is
        tracked and two eigenvalues of the covariance are equal up to rounding.
    ShapeError
        For other than two axes.

    Notes
    -----
    The derivative passes through that of the eigenvectors, which divides by the gaps between
    eigenvalues: it loses digits where two of them nearly agree.  Whitening itself has no such
    trouble; :func:`newton_schulz` never divides.

    Examples
    --------
    >>> import minigrad as mg, numpy as np
    >>> x = np.random.default_rng(0).normal(size=(20, 3)) @ [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    >>> y = mg.batchnorm.zca(x, eps=0.0)
    >>> bool(np.allclose(y.T @ y / 20, np.eye(3)))
    True
    """
    who = "batchnorm.zca"
    with scope("zca"):
        centred, covariance = _covariance(who, operand(x), eps, always=True)
        variances, vectors = eigh(covariance)
        found = array_of(variances)
        rounding = 4.0 * found.size**0.5 * np.finfo(found.dtype).eps  # relative to the largest
        if found.size and not found[0] > rounding * found[-1]:
            raise LinAlgError(
                f"{who}: the covariance of x, {describe(x)}, is singular: its eigenvalues are from "
                f"{found[0]:.1e} to {found[-1]:.1e}. A feature is constant or depends on others. "
                f"Leave it out, or use a larger eps than {eps:g}."
            )
        if (
            getattr(covariance, "requires_grad", False)
            and (np.diff(found) <= rounding * found[-1:]).any()
        ):
            raise LinAlgError(
                f"{who}: two eigenvalues of the covariance of x, {describe(x)}, are equal up to "
                "rounding, so their eigenvectors have no derivative. Use batchnorm.newton_schulz, "
                "which needs none, or call zca under mg.no_grad() for the value alone."
            )
        return centred @ ((vectors / sqrt(variances)) @ vectors.T)


def newton_schulz(x: Any, eps: float = 1e-5, iterations: int = 5) -> Any:
    """Whiten a batch nearly, by matrix products only.

    Parameters
    ----------
    x : array_like, shape (examples, features)
    eps : float
        Added to the variances.
    iterations : int
        How many steps of Newton and Schulz.  Directions of small variance come last: a variance
        that is a share s of the total is done after about log(1/s) / log(9/4) + 4 steps.

    Returns
    -------
    Tensor
        Of x's shape: mean 0; its covariance tends to the identity with more iterations.

    Raises
    ------
    ArgumentError
        For a negative eps or number of iterations, or if eps is zero and there are not more
        examples than features.
    ShapeError
        For other than two axes.

    Examples
    --------
    >>> import minigrad as mg, numpy as np
    >>> x = np.random.default_rng(0).normal(size=(20, 3)) @ [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    >>> for iterations in (1, 4, 16):
    ...     y = mg.batchnorm.newton_schulz(x, 0.0, iterations)
    ...     print(f"{np.abs(y.T @ y / 20 - np.eye(3)).max():.0e}")
    7e-01
    4e-01
    3e-15
    """
    who = "batchnorm.newton_schulz"
    if isinstance(iterations, bool) or not isinstance(iterations, int) or iterations < 0:
        raise ArgumentError(f"{who}: iterations must be a whole number from 0, not {iterations!r}.")
    with scope("newton_schulz"):
        centred, covariance = _covariance(who, operand(x), eps, always=False)
        total = trace(covariance)
        root = identity = np.eye(covariance.shape[0], dtype=covariance.dtype)  # P
        product = covariance / total  # Q; its eigenvalues add up to 1
        for _ in range(iterations):
            factor = identity * 1.5 - (root @ product) * 0.5
            root, product = factor @ root, product @ factor
        return centred @ (root / sqrt(total))


def _covariance(who: str, x: Any, eps: float, always: bool) -> tuple[Any, Any]:
    """The centred batch and its covariance plus eps, checked."""
    if x.ndim != 2:
        raise ShapeError(
            f"{who}: x must be (examples, features), and it is {describe(x)}. For feature maps "
            "(N, C, H, W), whiten x.transpose((0, 2, 3, 1)).reshape(-1, C)."
        )
    if x.dtype.kind != "f":
        raise DtypeError(f"{who}: x must be floating, and it is {describe(x)}. Use x.astype(float).")
    if not isinstance(eps, float | int | np.floating | np.integer) or not eps >= 0:
        raise ArgumentError(f"{who}: eps must be zero or positive, not {eps!r}.")
    examples, features = x.shape
    if examples <= features and (always or eps == 0):
        way = (
            "leave out features, or use batchnorm.newton_schulz with eps > 0"
            if always
            else "use eps > 0"
        )
        raise ArgumentError(
            f"{who}: {examples} examples of {features} features: x is {describe(x)}, and its "
            f"covariance is singular, of rank {max(examples - 1, 0)} at most. Use a batch of more than "
            f"{features} examples, {way}."
        )
    centred = x - average(x, axis=0)
    covariance = centred.T @ centred * (1.0 / examples)
    return centred, covariance + eps * np.eye(features, dtype=x.dtype)
