"""Row 2 and 3: batch norm, composed and fused, forward + backward, float32, eager.

"The same arithmetic by hand in NumPy, without autodiff" means:

*composed*: one NumPy expression per primitive of the forward pass (mean, sub, pow, mean,
add, sqrt, div, mul, add) and one per pullback that the chain rule needs, nothing
simplified, every result in a temporary of its own, and NumPy's own float32 sums.

*fused*: the simplified backward of the paper's equations, what a careful NumPy user writes:
x-hat and 1/std are kept, temporaries are updated in place where that is possible.

All contenders take x, gamma, beta and the cotangent dy, and give y, dx, dgamma, dbeta.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .harness import Check, Report, Step, Table, build, interleave, overloaded, paired, peer, ratio

EPS = 1e-5
SHAPES = ((32, 64), (256, 1024), (8192, 512), (64, 64, 32, 32))
SMALL, MEDIUM = SHAPES[:2]


@dataclass
class Problem:
    """The arrays of one measurement."""

    x: np.ndarray
    gamma: np.ndarray
    beta: np.ndarray
    dy: np.ndarray

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes to average over: all but the features'."""
        return (0,) if self.x.ndim == 2 else (0, 2, 3)

    @property
    def leaves(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What is differentiated."""
        return self.x, self.gamma, self.beta


def problem(shape: tuple[int, ...], seed: int = 0) -> Problem:
    """Random float32 arrays: (N, C) or (N, C, H, W)."""
    rng = np.random.default_rng(seed)

    def normal(*size: int) -> np.ndarray:
        return rng.standard_normal(size, np.float32)

    return Problem(normal(*shape), 1 + normal(shape[1]) / 4, normal(shape[1]), normal(*shape))


# Contenders ------------------------------------------------------------------------------


def composed(
    mean: Callable[[Any], Any], sqrt: Any, x: Any, gamma: Any, beta: Any, eps: Any = EPS
) -> Any:
    """The same line for every library: `mean` keeps the reduced axes where x has four."""
    if x.ndim == 4:
        gamma, beta = gamma.reshape(1, -1, 1, 1), beta.reshape(1, -1, 1, 1)
    centred = x - mean(x)
    variance = mean(centred**2)
    return centred / sqrt(variance + eps) * gamma + beta


def minigrad_composed(p: Problem) -> Step:
    """minigrad from primitives."""
    import minigrad as mg

    return _minigrad(p, mg.batchnorm.composed)


def minigrad_fused(p: Problem) -> Step:
    """minigrad's one primitive."""
    import minigrad as mg

    return _minigrad(p, mg.batchnorm.fused)


def _minigrad(p: Problem, normalise: Any) -> Step:
    import minigrad as mg

    leaves = [mg.tensor(v, requires_grad=True) for v in p.leaves]
    dy = p.dy

    def step() -> Any:
        y = normalise(*leaves, eps=EPS, axis=p.axes)
        y.backward(dy)
        gradients = [v.grad for v in leaves]
        for v in leaves:
            v.grad = None
        return y, *gradients

    return step


def pytorch_composed(p: Problem) -> Step:
    """PyTorch eager from its own elementary operations."""
    torch = peer("PyTorch")
    axes, keep = p.axes, p.x.ndim == 4
    return _pytorch(
        p, lambda *args: composed(lambda t: torch.mean(t, axes, keepdim=keep), torch.sqrt, *args)
    )


def pytorch_native(p: Problem) -> Step:
    """PyTorch's compiled kernel."""
    normalise = peer("PyTorch").nn.functional.batch_norm
    return _pytorch(
        p, lambda x, gamma, beta: normalise(x, None, None, gamma, beta, training=True, eps=EPS)
    )


def _pytorch(p: Problem, normalise: Any) -> Step:
    torch = peer("PyTorch")
    leaves = [torch.tensor(v, requires_grad=True) for v in p.leaves]
    dy = torch.tensor(p.dy)

    def step() -> Any:
        y = normalise(*leaves)
        y.backward(dy)
        gradients = [v.grad for v in leaves]
        for v in leaves:
            v.grad = None
        return y, *gradients

    return step


def hips(p: Problem) -> Step:
    """HIPS autograd."""
    library = peer("HIPS autograd")
    import autograd.numpy as anp

    axes, keep = p.axes, p.x.ndim == 4
    pull = library.make_vjp(
        lambda *args: composed(lambda t: anp.mean(t, axes, keepdims=keep), anp.sqrt, *args), (0, 1, 2)
    )

    def step() -> Any:
        pullback, y = pull(*p.leaves)
        return y, *pullback(p.dy)

    return step


def mygrad(p: Problem) -> Step:
    """MyGrad with its defaults."""
    library = peer("MyGrad")
    leaves = [library.tensor(v) for v in p.leaves]
    axes, keep = p.axes, p.x.ndim == 4
    eps = np.float32(EPS)  # a Python float would turn everything that follows into float64

    def step() -> Any:
        y = composed(lambda t: library.mean(t, axes, keepdims=keep), library.sqrt, *leaves, eps)
        y.backward(p.dy)
        gradients = [v.grad for v in leaves]
        for v in leaves:
            v.null_grad()
        return y, *gradients

    return step


def jax(p: Problem) -> Step:
    """JAX, forward and backward in one jit; compiling is not timed."""
    library = peer("JAX")
    jnp = library.numpy
    axes, keep = p.axes, p.x.ndim == 4

    @library.jit
    def both(leaves: Any, dy: Any) -> Any:
        y, pull = library.vjp(
            lambda *args: composed(lambda t: jnp.mean(t, axes, keepdims=keep), jnp.sqrt, *args), *leaves
        )
        return y, *pull(dy)

    leaves, dy = tuple(map(jnp.asarray, p.leaves)), jnp.asarray(p.dy)

    def step() -> Any:
        return library.block_until_ready(both(leaves, dy))

    return step


def by_hand_composed(p: Problem) -> Step:
    """Each primitive and each pullback as one NumPy expression."""
    x, dy, axes = p.x, p.dy, p.axes
    wide = (-1,) if x.ndim == 2 else (1, -1, 1, 1)
    gamma, beta = p.gamma.reshape(wide), p.beta.reshape(wide)
    keep, count = x.ndim == 4, np.float32(math.prod([x.shape[a] for a in axes]))

    def step() -> Any:
        mean = x.mean(axes, keepdims=keep)
        centred = x - mean
        squares = centred**2
        variance = squares.mean(axes, keepdims=keep)
        std = np.sqrt(variance + np.float32(EPS))
        x_hat = centred / std
        scaled = x_hat * gamma
        y = scaled + beta
        dbeta = dy.sum(axes)
        dgamma = (dy * x_hat).sum(axes)
        dx_hat = dy * gamma
        dcentred = dx_hat / std
        dstd = -(dx_hat * x_hat / std).sum(axes, keepdims=keep)
        dvariance = dstd * (np.float32(0.5) / std)
        dsquares = dvariance / count
        dcentred = dcentred + dsquares * centred * np.float32(2)
        dmean = -dcentred.sum(axes, keepdims=keep)
        dx = dcentred + dmean / count
        return y, dx, dgamma, dbeta

    return step


def by_hand_fused(p: Problem) -> Step:
    """The paper's backward, simplified, in place where possible."""
    x, dy, axes = p.x, p.dy, p.axes
    wide = (-1,) if x.ndim == 2 else (1, -1, 1, 1)
    gamma, beta = p.gamma.reshape(wide), p.beta.reshape(wide)
    keep, count = x.ndim == 4, np.float32(math.prod([x.shape[a] for a in axes]))

    def step() -> Any:
        x_hat = x - x.mean(axes, keepdims=keep)
        variance = np.square(x_hat).mean(axes, keepdims=keep)
        inverse = 1 / np.sqrt(variance + np.float32(EPS))
        x_hat *= inverse
        y = x_hat * gamma
        y += beta
        dbeta = dy.sum(axes, keepdims=keep)
        dx = dy * x_hat
        dgamma = dx.sum(axes, keepdims=keep)
        np.multiply(x_hat, dgamma / -count, out=dx)
        dx += dy
        dx -= dbeta / count
        dx *= gamma * inverse
        return y, dx, dgamma.reshape(-1), dbeta.reshape(-1)

    return step


CONTENDERS = {
    "minigrad composed": minigrad_composed,
    "minigrad fused": minigrad_fused,
    "NumPy by hand, composed": by_hand_composed,
    "NumPy by hand, fused": by_hand_fused,
    "HIPS autograd": hips,
    "MyGrad": mygrad,
    "PyTorch composed": pytorch_composed,
    "PyTorch F.batch_norm": pytorch_native,
    "JAX jit": jax,
}


def budgets(shape: tuple[int, ...]) -> dict[tuple[str, str], float]:
    """The largest ratio allowed, per minigrad's contender and peer."""
    of_hand = {SMALL: 3.0, MEDIUM: 1.5}.get(shape, 1.2)
    of_fused = {SMALL: 3.0, MEDIUM: 1.3}.get(shape, 1.1)
    return {
        ("composed", "HIPS autograd"): 1 / 1.5,
        ("composed", "MyGrad"): 1.0,
        ("composed", "PyTorch composed"): 1.0 if shape == SMALL else 1 / 1.5,
        ("composed", "NumPy by hand, composed"): of_hand,
        ("fused", "NumPy by hand, fused"): of_fused,
    }


def run(quick: bool = False, tiny: bool = False, threads: int = 1) -> Report:
    """Time the steps."""
    report = Report("batchnorm: forward + backward, float32, eager")
    for shape in ((4, 3), (2, 3, 2, 2)) if tiny else SHAPES:
        large = math.prod(shape) > 1_000_000
        rounds = 1 if tiny else (7 if large else 20) if quick else (15 if large else 60)
        timings = interleave(build(CONTENDERS, problem(shape)), rounds, 0.0 if tiny else 0.005, threads)
        allowed = budgets(shape)
        table = Table(
            f"{'x'.join(map(str, shape))}",
            [
                ("contender", ""),
                ("ms", ".3f"),
                ("spread", ".0%"),
                ("composed / it", ".2f"),
                ("paired", ".2f"),
                ("fused / it", ".2f"),
                ("paired", ".2f"),
            ],
        )
        own = {kind: timings[f"minigrad {kind}"] for kind in ("composed", "fused")}
        for name, timing in timings.items():
            row = [name, timing.median * 1e3, timing.spread]
            for mine in own.values():
                row += [ratio(mine, timing), paired(mine, timing)]
            table.rows.append(row)
            for (kind, against), limit in allowed.items():
                if against == name:
                    what = f"{table.title}: {kind} / {name}"
                    report.checks.append(Check(what, ratio(own[kind], timing), limit))
        report.tables.append(table)
        report.notes += overloaded(timings, threads)
    report.notes.append("JAX is compiled beforehand; the others are eager.")
    return report
