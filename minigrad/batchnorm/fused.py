r"""Batch normalization as one primitive, with the derivative worked out by hand.

Derivation, per feature
-----------------------
Write m for the number of values, mu for their mean, v for their (biased) variance,
r = 1/sqrt(v + eps), h_i = (x_i - mu) r (this is x-hat), y_i = gamma h_i + beta, and g_i for the
cotangent of h_i.  Every line is a doctest: the left side in minigrad, the right side by hand.

>>> import minigrad as mg, numpy as np
>>> rng = np.random.default_rng(0)
>>> x, dy, eps, m = rng.normal(3.0, 2.0, 6), rng.normal(size=6), 0.1, 6
>>> gamma, beta = 1.5, 0.5
>>> mu = x.mean(); v = ((x - mu) ** 2).mean(); r = 1 / np.sqrt(v + eps); h = (x - mu) * r
>>> same = lambda a, b: bool(np.allclose(np.asarray(a), b, rtol=1e-12, atol=1e-14))
>>> MEAN = lambda x: x.mean()
>>> VAR = lambda x: ((x - x.mean()) ** 2).mean()
>>> HAT = lambda x: (x - x.mean()) / mg.sqrt(VAR(x) + eps)

**Step 1.** The affine map: dbeta = sum dy, dgamma = sum dy h, and g = gamma dy.

>>> f = lambda gamma, beta: (dy * (HAT(mg.as_tensor(x)) * gamma + beta)).sum()
>>> dgamma, dbeta = mg.grad(f, argnums=(0, 1))(gamma, beta)
>>> same(dbeta, dy.sum()), same(dgamma, (dy * h).sum())
(True, True)
>>> g = gamma * dy

**Step 2.** The mean: d mu / d x_i = 1/m.

>>> same(mg.grad(MEAN)(x), np.full(6, 1 / m))
True

**Step 3.** The variance: d v / d x_i = 2 (x_i - mu)/m.  The route through mu inside v is
-2/m sum (x_j - mu) = 0: identically zero, whatever x is.

>>> same(mg.grad(VAR)(x), 2 * (x - mu) / m)
True
>>> same(mg.grad(lambda mu: ((x - mu) ** 2).mean())(mu), 0.0)
True

**Step 4.** The inverse deviation: d r / d v = -r^3/2, so with step 3
d r / d x_i = -r^3 (x_i - mu)/m = -r^2 h_i/m.

>>> same(mg.grad(lambda x: 1 / mg.sqrt(VAR(x) + eps))(x), -(r**2) * h / m)
True

**Step 5.** The product h_j = (x_j - mu) r, differentiated:
d h_j / d x_i = r (delta_ij - 1/m) - (x_j - mu) r^2 h_i/m = r (delta_ij - 1/m - h_i h_j/m).
So the Jacobian is J = r (I - 11'/m - hh'/m), and it is symmetric.

>>> J = r * (np.eye(m) - np.ones((m, m)) / m - np.outer(h, h) / m)
>>> same(mg.jacobian(HAT)(x), J), same(J, J.T)
(True, True)

**Step 6.** The pullback is J g, which needs no matrix:

    dx = r (g - mean(g) - h mean(g h))
       = gamma r (dy - dbeta/m - h dgamma/m)

>>> dx = r * (g - g.mean() - h * (g * h).mean())
>>> same(mg.grad(lambda x: (dy * (HAT(x) * gamma + beta)).sum())(x), dx)
True
>>> same(dx, gamma * r * (dy - dbeta.item() / m - h * dgamma.item() / m))
True

**Step 7.** What it removes: J 1 = 0, so dx never moves the mean.  Along h it keeps eps r^2 of
it: J h = r (1 - mean(h^2)) h = eps r^3 h, because mean(h^2) = v r^2 = 1 - eps r^2.

>>> same(dx.sum(), 0.0), same(dx @ h, eps * r**3 * gamma * dgamma.item())
(True, True)

The rules below are these lines.  They are written in minigrad's operations and use h and r as
outputs of the same primitive, so they can be differentiated again.

References
----------
Ioffe and Szegedy, 2015, arXiv:1502.03167, section 3; the paper's own backward is steps 1 to 5
without step 6's simplification.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..context import scope
from ..ops.accumulate import SMALL, product_total, total
from ..ops.reduce import mean as average
from ..ops.reduce import sum as summed
from ..ops.shape import broadcast_to, reshape, sum_to
from ..primitive import bind, general
from ..tensor import Array, operand
from .layout import Axis, Layout, inference, overflow_scale


def _forward(x: Array, gamma: Any, beta: Any, axes: Any, eps: float, through: bool) -> Any:
    """y, x-hat, mean, variance and 1/sqrt(variance + eps), on plain arrays.

    Two passes with a correction: the mean is rounded to x's dtype, and what the rounding left
    over is subtracted from the centred values, where it is not lost.
    """
    given, x = x.dtype, x.astype(np.float32) if x.dtype == np.float16 else x
    keep = axes != tuple(range(len(axes)))
    wide = tuple([1 if i in axes else n for i, n in enumerate(x.shape) if keep or i not in axes])
    count = math.prod([x.shape[a] for a in axes])
    if not count:
        zero = np.zeros(wide, x.dtype)
        return x * gamma + beta, x, zero, zero, zero + 1.0 / math.sqrt(eps or 1.0)
    mu = np.asarray(total(x, axes, mean=True)).reshape(wide)
    h = x - mu
    with np.errstate(over="ignore", invalid="ignore"):
        v = _mean_square(h, axes, count, wide)
        scale = overflow_scale(v, h, axes)
        if scale is not None:
            v, eps = np.asarray(total((h * scale) ** 2, axes, mean=True)).reshape(wide), eps * scale**2
        small = 1.0 if scale is None else scale  # v and r are those of x * small
        r = 1.0 / np.sqrt(v + eps)
        if (np.abs(mu) * np.abs(r) * small > 2.0).any():
            left = np.asarray(total(h, axes, mean=True)).reshape(wide)
            h -= left
            v = v - (left * small) ** 2
            r = 1.0 / np.sqrt(v + eps)
        if scale is not None:
            r, v = r * scale, v / scale / scale
    h *= r
    y = h * gamma
    y = np.add(y, beta, out=None if np.iscomplexobj(beta) else y)
    if given != x.dtype:
        y, h = y.astype(given), h.astype(given)
    return y, h, mu, v, r


def _mean_square(h: Array, axes: Any, count: int, wide: Any) -> Array:
    """The mean of h * h; for large float32 arrays without the squares in memory."""
    if h.size <= SMALL or h.dtype.char != "f":
        return np.asarray(total(h * h, axes, mean=True)).reshape(wide)
    return np.asarray(product_total(h, h, axes) * np.float32(1.0 / count)).reshape(wide)


def _pullback(
    cotangents: Any, needed: Any, _x: Any, gamma: Any, _beta: Any, _y: Any, h: Any, _mu: Any, _v: Any,
    r: Any, axes: Any, eps: float, through: bool,
) -> Any:  # fmt: skip
    """Step 6 for y, plus what arrives at x-hat, the mean, the variance and 1/std themselves."""
    gy, gh, gm, gv, gr = cotangents
    count = math.prod([h.shape[a] for a in axes]) or 1
    shape = r.shape
    dgamma = dbeta = dx = None
    if gy is not None:
        dbeta = _per_feature(gy, shape, axes)
        plain = isinstance(gy, np.ndarray) and isinstance(h, np.ndarray) and h.size > SMALL
        dgamma = (
            product_total(gy, h, axes).reshape(shape) if plain else _per_feature(gy * h, shape, axes)
        )
    if needed[0]:
        if gh is None and gy is not None:
            scale = r * gamma
            if not through:
                dx = gy * scale
            elif isinstance(gy, np.ndarray) and isinstance(h, np.ndarray):
                dx = h * (dgamma / count).astype(h.dtype)
                dx += (dbeta / count).astype(h.dtype)
                np.subtract(gy, dx, out=dx)
                dx *= scale
            else:
                dx = (gy - (dbeta * (1.0 / count) + h * (dgamma * (1.0 / count)))) * scale
        elif gh is not None:
            g = gh if gy is None else gh + gy * gamma
            dx = _jacobian_times(g, h, r, axes, through)
        if through and gm is not None:
            part = broadcast_to(gm * (1.0 / count), h.shape)
            dx = part if dx is None else dx + part
        if through and (gv is not None or gr is not None):
            into_v = gr * (-0.5 * r**3) if gr is not None else None
            into_v = gv if into_v is None else into_v if gv is None else gv + into_v
            part = h * (into_v * (2.0 / count) / r)
            dx = part if dx is None else dx + part
    return (
        dx,
        sum_to(dgamma, operand(gamma).shape) if needed[1] and dgamma is not None else None,
        sum_to(dbeta, _beta.shape) if needed[2] and dbeta is not None else None,
    )


def _pushforward(
    tangents: Any, _x: Any, gamma: Any, _beta: Any, _y: Any, h: Any, _mu: Any, _v: Any, r: Any,
    axes: Any, eps: float, through: bool,
) -> Any:  # fmt: skip
    """J is symmetric: the pushforward of x-hat is the same expression as its pullback."""
    tx, tgamma, tbeta = tangents
    th = tm = tv = tr = ty = None
    if tx is not None:
        th = _jacobian_times(tx, h, r, axes, through)
        ty = th * gamma
        if through:
            count = math.prod([h.shape[a] for a in axes]) or 1
            along = _per_feature(tx * h, r.shape, axes) * (1.0 / count)
            tm = _per_feature(tx, r.shape, axes) * (1.0 / count)
            tv = along * 2.0 / r
            tr = -(along * r * r)
    if tgamma is not None:
        ty = h * tgamma if ty is None else ty + h * tgamma
    if tbeta is not None:
        ty = broadcast_to(tbeta, h.shape) if ty is None else ty + tbeta
    return ty, th, tm, tv, tr


def _jacobian_times(g: Any, h: Any, r: Any, axes: Any, through: bool) -> Any:
    """Step 5: J g = r (g - mean(g) - h mean(g h)); with constant statistics only r g."""
    if not through:
        return g * r
    mean_g = _per_feature(g, r.shape, axes, average)
    return (g - mean_g - h * _per_feature(g * h, r.shape, axes, average)) * r


def _per_feature(g: Any, shape: Any, axes: Any, reduce: Any = summed) -> Any:
    out = reduce(g, axis=axes)
    return out if out.shape == shape else reshape(out, shape)


def _samples(rng: np.random.Generator) -> Any:
    for shape, axes, features in (
        ((5, 3), 0, (3,)),
        ((3, 2, 4, 2), (0, 2, 3), (2,)),
        ((4, 6), 1, (4,)),
    ):
        x = rng.normal(1.0, 2.0, shape)
        yield (x, rng.uniform(0.5, 1.5, features), rng.standard_normal(features)), {"axis": axes}


_batchnorm = general(
    "batchnorm",
    _forward,
    vjp=_pullback,
    jvp=_pushforward,
    outputs=5,
    formula=r"\gamma\,\hat x + \beta,\quad \hat x = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}}",
    vjp_formula=(
        r"\left(\tfrac{\gamma}{s}\left(g - \tfrac{1}{m}\textstyle\sum g - \hat x\,\tfrac{1}{m}"
        r"\textstyle\sum g\hat x\right),\; \textstyle\sum g\hat x,\; \textstyle\sum g\right)"
    ),
    samples=_samples,
)


def fused(
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    eps: float = 1e-5,
    axis: Axis = 0,
    *,
    mean: Any = None,
    variance: Any = None,
    through_statistics: bool = True,
    return_statistics: bool = False,
) -> Any:
    """Batch normalization as one primitive with a hand-derived derivative.

    Parameters
    ----------
    x : array_like
        Any layout; at least two values per feature.
    gamma, beta : array_like, optional
        Scale and shift, one per feature (the axes of x that are not averaged over).
    eps : float
        Added to the variance inside the root; zero is allowed.
    axis : int or sequence of int
        The axes to average over: 0 for features (N, C), ``(0, 2, 3)`` for feature maps
        (N, C, H, W) with one mean and variance per map.
    mean, variance : array_like, optional
        Given statistics: inference mode.
    through_statistics : bool
        False holds mean and variance constant in the derivative, to see what goes wrong.
    return_statistics : bool
        Also return the mean and the (biased) variance that were used.

    Returns
    -------
    Tensor or (Tensor, Tensor, Tensor)
        Of x's shape and dtype; plain arrays for plain arrays.

    Raises
    ------
    ArgumentError
        For one value per feature in training mode, a negative eps, an axis out of range.
    ShapeError
        If gamma, beta or the statistics are not one per feature.

    Notes
    -----
    The derivation stands, step by step, in the docstring of this module.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([[1.0], [3.0]], requires_grad=True)
    >>> mg.batchnorm.fused(x, [2.0], [1.0], eps=0.0)
    tensor([[-1.],
            [ 3.]], op=output, line=1)
    """
    who = "batchnorm.fused"
    x = operand(x)
    training = mean is None and variance is None
    layout = Layout(who, x, axis, eps, training)
    with scope("batchnorm"):
        if not training:
            y = inference(who, x, gamma, beta, mean, variance, eps, layout)
            return (y, mean, variance) if return_statistics else y
        gamma = 1.0 if gamma is None else layout.vector(who, "gamma", gamma)
        beta = 0.0 if beta is None else layout.vector(who, "beta", beta)
        params = {"axes": layout.axes, "eps": float(eps), "through": bool(through_statistics)}
        y, _, mu, v, _ = bind(_batchnorm, (x, gamma, beta), params)
    if not return_statistics:
        return y
    return y, reshape(mu, layout.features), reshape(v, layout.features)


_batchnorm.function = fused
