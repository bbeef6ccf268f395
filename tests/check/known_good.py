"""Right gradients on which checkers raise false alarms.

Each case draws its inputs from a generator and gives a report.  None may FAIL; `expects` lists
the verdicts that are right for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.check import Report
from tests.check import known_bad


@dataclass
class Good:
    """One right gradient."""

    name: str
    run: Callable[[np.random.Generator, int], Report]
    expects: tuple[str, ...] = ("PASS",)


CASES: dict[str, Good] = {}
HELD_OUT: dict[str, Good] = {}  # no constant of the checker was chosen by looking at these


def function(name: str, f: Any, draw: Any, *expects: str, cases: Any = CASES, **options: Any) -> None:
    """A function of minigrad's, right by the engine."""

    def run(rng: np.random.Generator, seed: int) -> Report:
        return mg.gradcheck(f, draw(rng), seed=seed, **options)

    cases[name] = Good(name, run, expects or ("PASS",))


def pair(name: str, forward: Any, backward: Any, draw: Any, *expects: str, cases: Any = CASES) -> None:
    """A hand-written pair."""

    def run(rng: np.random.Generator, seed: int) -> Report:
        return mg.check_pair(forward, backward, draw(rng), seed=seed)

    cases[name] = Good(name, run, expects or ("PASS",))


# Batch normalization --------------------------------------------------------------------------


def data(n=16, c=5, mean=0.0, std=1.0, dtype=float):
    def draw(rng):
        made = (
            mean + std * rng.normal(size=(n, c)),
            rng.uniform(0.5, 1.5, c),
            rng.normal(size=c),
        )
        return tuple(a.astype(dtype) for a in made)

    return draw


def paper_backward(x, gamma, beta, dy):
    """As printed in 2015, with the term that is identically zero."""
    mean, n = x.mean(0), len(x)
    variance = ((x - mean) ** 2).mean(0)
    inverse = 1 / np.sqrt(variance + known_bad.EPS)
    dhat = dy * gamma
    dvariance = (dhat * (x - mean) * -0.5 * inverse**3).sum(0)
    dmean = (dhat * -inverse).sum(0) + dvariance * (-2 * (x - mean)).sum(0) / n
    dx = dhat * inverse + dvariance * 2 * (x - mean) / n + dmean / n
    return dx, (dy * (x - mean) * inverse).sum(0), dy.sum(0)


SINGLE = ("PASS", "INCONCLUSIVE")
for label, make, verdicts in (
    ("", data(), ("PASS",)),
    (", N = 2", data(2), ("PASS", "INCONCLUSIVE")),  # dx is almost zero there
    (", 4 x 3", data(4, 3), ("PASS",)),
    (", std 1e-3", data(std=1e-3), ("PASS",)),
    (", mean 1e4", data(mean=1e4), ("PASS",)),
    (", scale 1e6", data(std=1e6), ("PASS",)),
    (", float32", data(dtype=np.float32), ("PASS",)),
    (", float32, mean 1e4", data(mean=1e4, dtype=np.float32), SINGLE),
    (", float32, std 1e-3", data(std=1e-3, dtype=np.float32), SINGLE),
    (", float32, scale 1e6", data(std=1e6, dtype=np.float32), ("PASS",)),
):
    function(f"composed batch norm{label}", mg.batchnorm.composed, make, *verdicts)
    function(f"fused batch norm{label}", mg.batchnorm.fused, make, *verdicts)
    pair(f"the paper's batch norm{label}", known_bad.forward, paper_backward, make, *verdicts)
    pair(f"hand-written batch norm{label}", known_bad.forward, known_bad.backward, make, *verdicts)


def narrow_forward(x, gamma, beta):
    return known_bad.forward(*(a.astype(np.float32) for a in (x, gamma, beta))).astype(x.dtype)


def narrow_backward(x, gamma, beta, dy):
    found = known_bad.backward(*(a.astype(np.float32) for a in (x, gamma, beta, dy)))
    return tuple(g.astype(x.dtype) for g in found)


pair("batch norm in float32 inside", narrow_forward, narrow_backward, data(), "PASS", "INCONCLUSIVE")
pair("batch norm backward in float32 inside", known_bad.forward, narrow_backward, data(), *SINGLE)


# Smooth functions at hard places ----------------------------------------------------------------


def at(*shape, low=-2.0, high=2.0, scale=1.0, offset=0.0):
    return lambda rng: offset + scale * rng.uniform(low, high, shape)


function("exp", mg.exp, at(3, 4))
function(
    "tanh of a matrix product", lambda x, w: mg.tanh(x @ w), lambda rng: (at(6, 4)(rng), at(4, 3)(rng))
)
function("logsumexp times 300", lambda x: mg.logsumexp(x * 300.0, axis=1), at(4, 5))
function("softmax cross-entropy", lambda x: mg.cross_entropy(x, np.arange(5)), at(5, 6))
function("sqrt at 1e-12", mg.sqrt, at(5, low=0.5, high=2.0, scale=1e-12))
function("sqrt at 1e-6", mg.sqrt, at(5, low=0.5, high=2.0, scale=1e-6))
function("sqrt of entries of all sizes", mg.sqrt, lambda rng: 10.0 ** rng.uniform(-8, 4, 6), *SINGLE)
function("log at 1e-8", mg.log, at(5, low=0.5, high=2.0, scale=1e-8))
function("cube at 0", lambda x: x**3, lambda rng: np.zeros(4), "PASS", "VACUOUS")
function("square at 1e6", lambda x: x**2, at(5, scale=1e6))
function("square at 1e-6", lambda x: x**2, at(5, scale=1e-6))
pair("sine of 100 x", lambda x: np.sin(100 * x), lambda x, dy: 100 * np.cos(100 * x) * dy, at(5))
pair(
    "1 - cos near 0", lambda x: 1 - np.cos(x), lambda x, dy: np.sin(x) * dy, at(5, scale=1e-4), *SINGLE
)
pair("1 - cos", lambda x: 1 - np.cos(x), lambda x, dy: np.sin(x) * dy, at(5))
pair("difference of squares at 1e4", lambda x: (x + 1) ** 2 - x**2, lambda x, dy: 2 * dy + 0 * x,
     at(5, offset=1e4))  # fmt: skip
function("linear", lambda x: x * 3.0 + 1.0, at(4, 3))
function("linear, second order", lambda x: x * 3.0 + 1.0, at(4, 3), order=2)
function("constant", lambda x: x * 0.0 + 1.0, at(4), "VACUOUS")
function("sum of batch norm", lambda x, g, b: mg.batchnorm.fused(x, g, b).sum(), data(), "VACUOUS")
function("sum of squares of batch norm", lambda x: (mg.batchnorm.fused(x) ** 2).sum(), at(16, 5), "PASS",
         "VACUOUS", "INCONCLUSIVE")  # fmt: skip
function("a scalar", lambda x: mg.tanh(x), lambda rng: rng.normal())
function(
    "a 0-d array and a matrix", lambda a, x: a * x, lambda rng: (np.array(rng.normal()), at(3, 2)(rng))
)
function("empty and not", lambda x, y: x.sum() + y**2, lambda rng: (np.zeros((0, 3)), at(3)(rng)))
function("broadcast", lambda x, b: x * b + b, lambda rng: (at(3, 4)(rng), at(4)(rng)))
function("broadcast both ways", lambda x, y: mg.exp(x * y), lambda rng: (at(3, 1)(rng), at(1, 4)(rng)))
function("one input twice", lambda x: x * mg.exp(x) + x / (x**2 + 1.0), at(5))
function("norm", lambda x: mg.sqrt((x**2).sum(axis=1)), at(4, 3))
function("variance at 1e4", lambda x: mg.var(x, axis=0), at(8, 3, offset=1e4))
function("division by small numbers", lambda x, y: x / y,
         lambda rng: (at(5)(rng), at(5, low=0.5, high=1.0, scale=1e-5)(rng)))  # fmt: skip
function("sigmoid far out", mg.sigmoid, at(5, scale=20.0))
function("power", lambda x, y: x**y, lambda rng: (at(4, low=0.5)(rng), at(4)(rng)))


# Kinks -------------------------------------------------------------------------------------------


def near_zero(distance):
    def draw(rng):
        x = rng.normal(size=8)
        x[:3] = distance * rng.uniform(0.5, 1.5, 3) * rng.choice([-1, 1], 3)
        return x

    return draw


def huber(x, y):
    r = x - y
    return mg.where(mg.abs(r) < 1.0, 0.5 * r**2, mg.abs(r) - 0.5)


for distance in (0.0, 1e-15, 1e-12, 1e-9, 1e-7, 1e-3):
    function(f"relu at {distance:g}", lambda x: mg.maximum(x, 0.0), near_zero(distance))
    function(f"abs at {distance:g}", mg.abs, near_zero(distance))
    function(
        f"relu at {distance:g} in a network",
        lambda x, w: mg.maximum(x @ w, 0.0) ** 2 + mg.maximum(x @ w, 0.0),
        lambda rng, d=distance: (near_zero(d)(rng).reshape(1, 8), rng.normal(size=(8, 6))),
    )
    function(f"faint relu at {distance:g}", lambda x: mg.exp(x) + 1e-9 * mg.maximum(x, 0.0),
             near_zero(distance))  # fmt: skip
function("huber", huber, lambda rng: (at(20)(rng), at(20)(rng)))
function("relu of a 64 x 8 matrix", lambda x: mg.maximum(x, 0.0), lambda rng: rng.normal(size=(64, 8)))
function("max over an axis", lambda x: mg.max(x, axis=1), at(4, 5))
function("max of ties", lambda x: mg.max(x, axis=1), lambda rng: np.round(at(4, 5)(rng)))
function("maximum of ties", lambda x, y: mg.maximum(x, y), lambda rng: (np.ones(4), np.ones(4)))
function("max of minima", lambda x: mg.max(mg.minimum(x, 0.3 * x**2), axis=0), at(6, 3))


# Held out -----------------------------------------------------------------------------------------


def layer_norm(x, gamma, beta):
    centred = x - mg.mean(x, axis=-1, keepdims=True)
    return centred / mg.sqrt(mg.mean(centred**2, axis=-1, keepdims=True) + 1e-5) * gamma + beta


def gelu(x):
    return 0.5 * x * (1.0 + mg.tanh(0.7978845608028654 * (x + 0.044715 * x**3)))


def attention(q, k, v):
    return mg.softmax(q @ mg.transpose(k) / 2.0, axis=-1) @ v


def cumulative_product(x):
    out = [x[:, :1]]
    for n in range(1, x.shape[1]):
        out.append(out[-1] * x[:, n : n + 1])
    return mg.concatenate(out, axis=1)


def max_pool(x):
    n, h, w = x.shape
    return mg.max(mg.reshape(x, (n, h // 2, 2, w // 2, 2)), axis=(2, 4))


def inverse_forward(x):
    return np.linalg.inv(x)


def inverse_backward(x, dy):
    inverse = np.linalg.inv(x)
    return (-inverse.T @ dy @ inverse.T,)


for label, scale, offset, verdicts in (
    ("", 1.0, 0.0, ("PASS",)),
    (" at 1e4", 1.0, 1e4, SINGLE),
    (" times 1e-3", 1e-3, 0.0, ("PASS",)),
    (" times 1e6", 1e6, 0.0, SINGLE + ("VACUOUS",)),
):
    for dtype in (np.float64, np.float32):
        suffix = label + (", float32" if dtype is np.float32 else "")
        allowed = verdicts if dtype is np.float64 else (*dict.fromkeys((*SINGLE, *verdicts)),)

        def draw(*shapes, scale=scale, offset=offset, dtype=dtype):
            return lambda rng: tuple(
                (offset + scale * rng.normal(size=s)).astype(dtype) for s in shapes
            )

        function("layer norm" + suffix, layer_norm, draw((4, 6), (6,), (6,)), *allowed, cases=HELD_OUT)
        function(
            "gelu" + suffix, gelu, draw((5, 4)), *allowed, "VACUOUS", "INCONCLUSIVE", cases=HELD_OUT
        )
        function("attention" + suffix, attention, draw((4, 3), (5, 3), (5, 3)), *allowed, "INCONCLUSIVE",
                 "VACUOUS", cases=HELD_OUT)  # fmt: skip
        function(
            "cumulative product" + suffix, cumulative_product, draw((3, 5)), *allowed, cases=HELD_OUT
        )
        function("max pooling" + suffix, max_pool, draw((2, 4, 6)), *allowed, cases=HELD_OUT)
        function("huber" + suffix, huber, draw((12,), (12,)), *allowed, cases=HELD_OUT)
        pair("matrix inverse" + suffix, inverse_forward, inverse_backward, draw((4, 4)), *allowed,
             "INCONCLUSIVE", cases=HELD_OUT)  # fmt: skip
        pair("1 - cos" + suffix, lambda x: 1 - np.cos(x), lambda x, dy: np.sin(x) * dy, draw((6,)),
             *allowed, "INCONCLUSIVE", cases=HELD_OUT)  # fmt: skip
