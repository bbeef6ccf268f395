"""Forty wrong backwards, each of which somebody has written.

A case has a right pair and a wrong backward of the same form; the bug can be blended in at any
strength s: right + s (wrong - right).  `structural` bugs must be caught at 1e-8, the O(eps) ones
at 1e-4.  Bugs of manners (mutation, a wrong shape) have no strength: s is None.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

EPS = 1e-5
Arrays = tuple[Any, ...]


@dataclass
class Bad:
    """One wrong backward."""

    name: str
    forward: Callable[..., Any]
    right: Callable[..., Any]
    wrong: Callable[..., Any]
    inputs: Callable[[np.random.Generator], Arrays]
    kind: str = "structural"  # or "eps", or "manners"
    says: str = ""  # kind of issue that must be named
    diagnosis: str = ""  # part of the diagnosis that must be made
    options: dict[str, Any] = field(default_factory=dict)

    def blended(self, s: float) -> Callable[..., Any]:
        """The backward with the bug at strength s."""

        def backward(*arguments: Any) -> Any:
            right, wrong = self.right(*arguments), self.wrong(*arguments)
            return tuple(r + s * (w - r) for r, w in zip(right, wrong, strict=True))

        return self.wrong if s == 1 or self.kind == "manners" else backward


CASES: dict[str, Bad] = {}


def add(name: str, forward: Any, right: Any, inputs: Any, **options: Any) -> Any:
    """Register a wrong backward under a name."""

    def register(wrong: Any) -> Any:
        CASES[name] = Bad(name, forward, right, wrong, inputs, **options)
        return wrong

    return register


# Batch normalization -----------------------------------------------------------------------------


def forward(x, gamma, beta):
    mean = x.mean(0)
    variance = ((x - mean) ** 2).mean(0)
    return gamma * (x - mean) / np.sqrt(variance + EPS) + beta


def parts(x, gamma, dy, eps=EPS):
    mean = x.mean(0)
    variance = ((x - mean) ** 2).mean(0)
    inverse = 1 / np.sqrt(variance + eps)
    return (x - mean) * inverse, inverse, gamma * dy


def backward(x, gamma, beta, dy):
    hat, inverse, g = parts(x, gamma, dy)
    dx = inverse * (g - g.mean(0) - hat * (g * hat).mean(0))
    return dx, (dy * hat).sum(0), dy.sum(0)


def batch(rng, n=16, c=5):
    return rng.normal(size=(n, c)), rng.uniform(0.5, 1.5, c), rng.normal(size=c)


def plain_batch(rng):
    """A fresh layer: gamma is one and beta zero, which hides a lot."""
    x, _, _ = batch(rng)
    return x, np.ones(5), np.zeros(5)


def dx_bug(name, formula, **options):
    """A bug in dx alone."""

    def wrong(x, gamma, beta, dy):
        _, dgamma, dbeta = backward(x, gamma, beta, dy)
        return formula(*parts(x, gamma, dy), x, dy), dgamma, dbeta

    inputs = options.pop("inputs", batch)
    CASES[name] = Bad(name, forward, backward, wrong, inputs, **options)


dx_bug("01 no mean path", lambda h, r, g, x, dy: r * (g - h * (g * h).mean(0)), diagnosis="mean")
dx_bug("02 no variance path", lambda h, r, g, x, dy: r * (g - g.mean(0)), diagnosis="variance")
dx_bug(
    "03 mean path without 1/N",
    lambda h, r, g, x, dy: r * (g - g.sum(0) - h * (g * h).mean(0)),
    diagnosis="1/N",
)
dx_bug(
    "04 variance path without 1/N",
    lambda h, r, g, x, dy: r * (g - g.mean(0) - h * (g * h).sum(0)),
    diagnosis="1/N",
)
dx_bug(
    "05 variance path with the wrong sign",
    lambda h, r, g, x, dy: r * (g - g.mean(0) + h * (g * h).mean(0)),
    diagnosis="sign",
)
dx_bug(
    "06 half of the variance path",
    lambda h, r, g, x, dy: r * (g - g.mean(0) - 0.5 * h * (g * h).mean(0)),
    diagnosis="half",
)


@add("07 gamma dropped from dx", forward, backward, plain_batch, diagnosis="gamma")
def gamma_dropped(x, gamma, beta, dy):
    hat, inverse, _ = parts(x, gamma, dy)
    dx = inverse * (dy - dy.mean(0) - hat * (dy * hat).mean(0))
    return dx, (dy * hat).sum(0), dy.sum(0)


dx_bug(
    "08 N - 1 in the variance path",
    lambda h, r, g, x, dy: r * (g - g.mean(0) - h * (g * h).sum(0) / (len(x) - 1)),
    diagnosis="N - 1",
)


@add("09 eps missing in the variance path", forward, backward, batch, kind="eps", diagnosis="eps")
def no_eps_in_variance(x, gamma, beta, dy):
    hat, inverse, g = parts(x, gamma, dy)
    # -1/2 (var)^(-3/2) where (var + eps)^(-3/2) belongs
    factor = (((x - x.mean(0)) ** 2).mean(0) + EPS) / ((x - x.mean(0)) ** 2).mean(0)
    dx = inverse * (g - g.mean(0) - hat * factor**1.5 * (g * hat).mean(0))
    return dx, (dy * hat).sum(0), dy.sum(0)


@add("10 eps missing everywhere", forward, backward, batch, kind="eps", diagnosis="eps")
def no_eps(x, gamma, beta, dy):
    hat, inverse, g = parts(x, gamma, dy, 0.0)
    dx = inverse * (g - g.mean(0) - hat * (g * hat).mean(0))
    return dx, (dy * hat).sum(0), dy.sum(0)


@add("11 eps outside the root", forward, backward, batch, kind="eps", diagnosis="eps")
def eps_outside(x, gamma, beta, dy):
    centred = x - x.mean(0)
    inverse = 1 / (np.sqrt((centred**2).mean(0)) + EPS)
    hat, g = centred * inverse, gamma * dy
    dx = inverse * (g - g.mean(0) - hat * (g * hat).mean(0))
    return dx, (dy * hat).sum(0), dy.sum(0)


@add("12 dgamma from x - mean", forward, backward, batch, diagnosis="x - mean")
def dgamma_not_normalised(x, gamma, beta, dy):
    dx, _, dbeta = backward(x, gamma, beta, dy)
    return dx, (dy * (x - x.mean(0))).sum(0), dbeta


@add("13 dbeta is a mean", forward, backward, batch, diagnosis="1/N")
def dbeta_mean(x, gamma, beta, dy):
    dx, dgamma, dbeta = backward(x, gamma, beta, dy)
    return dx, dgamma, dbeta / len(x)


@add("14 dgamma and dbeta swapped", forward, backward, batch, diagnosis="swapped")
def swapped(x, gamma, beta, dy):
    dx, dgamma, dbeta = backward(x, gamma, beta, dy)
    return dx, dbeta, dgamma


def one_entry(relative):
    def wrong(x, gamma, beta, dy):
        dx, dgamma, dbeta = backward(x, gamma, beta, dy)
        dx = dx.copy()
        dx.flat[11] *= 1 + relative
        return dx, dgamma, dbeta

    return wrong


CASES["15 one entry off by 1e-3"] = Bad("15", forward, backward, one_entry(1e-3), batch)
CASES["16 one entry off by 1e-5"] = Bad("16", forward, backward, one_entry(1e-5), batch)


def distorted(distort):
    def wrong(x, gamma, beta, dy):
        return backward(x, gamma, beta, distort(dy))

    return wrong


for number, what, distort in (
    (17, "dy squared", lambda dy: dy**2),
    (18, "absolute value of dy", np.abs),
    (19, "clipped dy", lambda dy: np.clip(dy, -1.0, 1.0)),
):
    CASES[f"{number} {what}"] = Bad(
        what, forward, backward, distorted(distort), batch, says="nonlinearity"
    )

CASES["20 dy ignored"] = Bad(
    "dy ignored",
    forward,
    backward,
    distorted(lambda dy: np.ones_like(dy)),
    batch,
    says="zero cotangent",
)


# Small functions ------------------------------------------------------------------------------------


def vector(rng):
    return (rng.normal(size=12),)


def tiny(x):
    return 1e-6 * x**2


@add(
    "21 zero gradient of a tiny function",
    tiny,
    lambda x, dy: (2e-6 * x * dy,),
    vector,
    diagnosis="zero",
)
def zero(x, dy):
    return (np.zeros_like(x),)


def scaled(x, b):
    return x * b


def scaled_backward(x, b, dy):
    return dy * b, (dy * x).sum(0)


def scaled_inputs(rng):
    return rng.normal(size=(6, 4)), rng.normal(size=4)


@add("22 None", scaled, scaled_backward, scaled_inputs, kind="manners", says="none")
def returns_none(x, b, dy):
    return dy * b, None


@add("23 forgotten unbroadcast", scaled, scaled_backward, scaled_inputs, kind="manners", says="shape")
def not_summed(x, b, dy):
    return dy * b, dy * x


@add("24 unbroadcast by a mean", scaled, scaled_backward, scaled_inputs, diagnosis="1/N")
def averaged(x, b, dy):
    return dy * b, (dy * x).mean(0)


def product(x, y):
    return x**2 * y


def product_backward(x, y, dy):
    return 2 * x * y * dy, x**2 * dy


def two(rng):
    return rng.normal(size=(4, 4)), rng.normal(size=(4, 4))


@add("25 gradients of equal shapes swapped", product, product_backward, two, diagnosis="swapped")
def wrong_order(x, y, dy):
    return x**2 * dy, 2 * x * y * dy


@add("26 transposed", product, product_backward, two, diagnosis="transposed")
def transposed(x, y, dy):
    return (2 * x * y * dy).T, x**2 * dy


@add("27 float32 gradient", product, product_backward, two, kind="manners", says="dtype")
def narrow(x, y, dy):
    dx, dy_ = product_backward(x, y, dy)
    return dx.astype(np.float32), dy_


@add("28 changes dy", product, product_backward, two, kind="manners", says="mutation")
def changes_dy(x, y, dy):
    dx = 2 * x * y * dy
    dy *= x**2
    return dx, dy


def cached(x):
    return np.sin(x), {"x": x.copy()}


@add("29 changes the cache", cached, None, vector, kind="manners", says="mutation")
def changes_cache(dy, cache):
    x = cache["x"]
    gradient = np.cos(x) * dy
    x += 1.0
    return (gradient,)


def changes_input(x, y):
    out = x**2 * y
    x += 1e-3
    return out


CASES["30 forward changes x"] = Bad(
    "30", changes_input, None, product_backward, two, "manners", says="mutation"
)

_noise = np.random.default_rng(7)


@add("31 random backward", product, product_backward, two, kind="manners", says="nondeterminism")
def random_backward(x, y, dy):
    dx, dy_ = product_backward(x, y, dy)
    return dx * (1 + 1e-7 * _noise.normal(size=dx.shape)), dy_


def random_forward(x, y):
    return x**2 * y * (1 + 1e-9 * _noise.normal(size=x.shape))


CASES["32 random forward"] = Bad(
    "32", random_forward, None, product_backward, two, "manners", says="nondeterminism"
)


def twice(x):
    return np.sin(x) * x


@add(
    "33 assignment instead of accumulation",
    twice,
    lambda x, dy: (dy * (np.cos(x) * x + np.sin(x)),),
    vector,
)
def assigned(x, dy):
    grad = dy * np.cos(x) * x
    grad = dy * np.sin(x)
    return (grad,)


@add("34 straight-through rounding", lambda x: np.round(x), lambda x, dy: (0 * dy,), vector)
def straight_through(x, dy):
    return (dy,)


@add("35 NaN entry", product, product_backward, two, kind="manners", says="nan")
def not_a_number(x, y, dy):
    dx, dy_ = product_backward(x, y, dy)
    dx[2, 1] = np.nan
    return dx, dy_


def largest(x):
    return x.max(axis=1)


def shared_evenly(x, dy):
    mask = x == x.max(axis=1, keepdims=True)
    return (mask / mask.sum(axis=1, keepdims=True) * dy[:, None],)


def tied(rng):
    x = rng.normal(size=(3, 5))
    x[:, 3] = x[:, 1] = 3.0
    return (x,)


@add("36 ties counted twice", largest, shared_evenly, tied, kind="kink")
def counted_twice(x, dy):
    return ((x == x.max(axis=1, keepdims=True)) * dy[:, None],)


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def softmax_backward(x, dy):
    p = softmax(x)
    return (p * (dy - (dy * p).sum(axis=1, keepdims=True)),)


def logits(rng):
    return (rng.normal(size=(6, 5)),)


@add("37 softmax without its sum", softmax, softmax_backward, logits, diagnosis="softmax")
def softmax_diagonal(x, dy):
    return (softmax(x) * dy,)


@add("38 running statistics", forward, backward, batch, diagnosis="constant")
def running_statistics(x, gamma, beta, dy):
    mean, variance = np.full(5, 0.1), np.full(5, 1.3)
    inverse = 1 / np.sqrt(variance + EPS)
    return gamma * dy * inverse, (dy * (x - mean) * inverse).sum(0), dy.sum(0)


class Layer:
    """Keeps its cache in itself, and only the first one."""

    def __init__(self):
        self.x = None

    def forward(self, x):
        self.x = x.copy()
        return np.sin(x)

    def backward(self, x, dy):
        return (np.cos(self.x) * dy,)


_layer = Layer()
CASES["39 stale cache"] = Bad(
    "39", _layer.forward, None, _layer.backward, vector, "manners", says="stale state"
)
