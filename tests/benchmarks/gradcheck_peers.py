"""Gradient checkers side by side: ``python -m tests.benchmarks.gradcheck_peers``.

Each checker gets the same hand-written NumPy forward and backward, wrapped for its framework,
with the same inputs and seeds and its own default settings.  Three tables: the smallest error
that is caught, false alarms, and cost.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.files import write_atomically
from tests.check import known_bad, known_good

STRENGTHS = [10.0**-n for n in range(13)]
Accepts = Callable[[Any, Any, Sequence[np.ndarray], int], bool]


# The checkers: does one accept this pair? ------------------------------------------------------


def by_minigrad(forward: Any, backward: Any, inputs: Any, seed: int) -> bool:
    return mg.check_pair(forward, backward, inputs, seed=seed, style="inputs").verdict != "FAIL"


def by_torch(fast: bool) -> Accepts:
    import torch

    torch.set_num_threads(1)

    def accepts(forward: Any, backward: Any, inputs: Any, seed: int) -> bool:
        class Wrapped(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, *tensors: Any) -> Any:
                ctx.save_for_backward(*tensors)
                made = forward(*(t.detach().numpy() for t in tensors))
                return torch.from_numpy(np.array(made))

            @staticmethod
            def backward(ctx: Any, dy: Any) -> Any:
                arrays = [t.detach().numpy() for t in ctx.saved_tensors]
                return tuple(torch.from_numpy(np.array(g)) for g in backward(*arrays, dy.numpy()))

        torch.manual_seed(seed)
        tensors = [torch.tensor(x, requires_grad=True) for x in inputs]
        return torch.autograd.gradcheck(Wrapped.apply, tensors, raise_exception=False, fast_mode=fast)

    return accepts


def by_jax() -> Accepts:
    import jax
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)

    def accepts(forward: Any, backward: Any, inputs: Any, seed: int) -> bool:
        example = np.asarray(forward(*inputs))

        def call(*arrays: Any) -> Any:
            shape = jax.ShapeDtypeStruct(example.shape, example.dtype)
            return jax.pure_callback(
                lambda *xs: np.asarray(forward(*map(np.asarray, xs)), example.dtype), shape, *arrays
            )

        wrapped = jax.custom_vjp(call)

        def back(saved: Any, dy: Any) -> Any:
            shapes = tuple(jax.ShapeDtypeStruct(x.shape, x.dtype) for x in inputs)
            return jax.pure_callback(
                lambda *xs: tuple(
                    np.asarray(g, x.dtype)
                    for g, x in zip(backward(*map(np.asarray, xs)), inputs, strict=True)
                ),
                shapes, *saved, dy,
            )  # fmt: skip

        wrapped.defvjp(lambda *arrays: (call(*arrays), arrays), back)
        try:
            check_grads(wrapped, tuple(inputs), order=1, modes=["rev"])
        except AssertionError:
            return False
        return True

    return accepts


def by_autograd() -> Accepts:
    from autograd.extend import defvjp, primitive
    from autograd.test_util import check_grads

    def accepts(forward: Any, backward: Any, inputs: Any, seed: int) -> bool:
        wrapped = primitive(forward)
        defvjp(
            wrapped,
            *(
                lambda out, *xs, i=i: lambda dy: np.asarray(backward(*xs, np.asarray(dy))[i])
                for i in range(len(inputs))
            ),
        )
        np.random.seed(seed)  # noqa: NPY002 (what autograd draws from)
        try:
            for argument in range(len(inputs)):  # by default it would look at the first only
                check_grads(
                    lambda x, n=argument: wrapped(*inputs[:n], x, *inputs[n + 1 :]),
                    modes=["rev"],
                    order=1,
                )(inputs[argument])
        except AssertionError:
            return False
        return True

    return accepts


CHECKERS: dict[str, Callable[[], Accepts]] = {
    "minigrad": lambda: by_minigrad,
    "torch slow": lambda: by_torch(False),
    "torch fast": lambda: by_torch(True),
    "jax": by_jax,
    "autograd": by_autograd,
}


# What is checked ---------------------------------------------------------------------------------


def single_entry(backward: Any, relative: float, where: float) -> Any:
    """One entry of the first gradient times 1 + relative."""

    def wrong(*arguments: Any) -> Any:
        first, *rest = (np.array(g) for g in backward(*arguments))
        first.flat[int(where * first.size)] *= 1 + relative
        return (first, *rest)

    return wrong


def logsumexp(x: Any) -> Any:
    top = x.max(axis=1, keepdims=True)
    return (np.log(np.exp(x - top).sum(axis=1, keepdims=True)) + top)[:, 0]


def logsumexp_backward(x: Any, dy: Any) -> Any:
    return (known_bad.softmax(x) * dy[:, None],)


FUNCTIONS: dict[str, tuple[Any, Any, Any]] = {
    "batch norm 4 x 3": (known_bad.forward, known_bad.backward, lambda r: known_bad.batch(r, 4, 3)),
    "batch norm 16 x 5": (known_bad.forward, known_bad.backward, known_bad.batch),
    "batch norm 64 x 8": (known_bad.forward, known_bad.backward, lambda r: known_bad.batch(r, 64, 8)),
    "softmax": (known_bad.softmax, known_bad.softmax_backward, known_bad.logits),
    "logsumexp": (logsumexp, logsumexp_backward, known_bad.logits),
    "sqrt": (np.sqrt, lambda x, dy: (0.5 * dy / np.sqrt(x),), lambda r: (r.uniform(0.5, 2, 12),)),
    "tanh of a product": (
        lambda x, w: np.tanh(x @ w),
        lambda x, w, dy: (
            (dy * (1 - np.tanh(x @ w) ** 2)) @ w.T,
            x.T @ (dy * (1 - np.tanh(x @ w) ** 2)),
        ),
        lambda r: (r.normal(size=(6, 4)), r.normal(size=(4, 3))),
    ),
}

BUGS = [name for name in known_bad.CASES if name[:2] in "01 02 03 05 07 08 09 10 12 14 17 18".split()]

ALARMS: dict[str, tuple[Any, Any, Any]] = {
    f"batch norm{label}": (known_bad.forward, known_bad.backward, known_good.data(**options))
    for label, options in (
        ("", {}),
        (", std 1e-3", {"std": 1e-3}),
        (", mean 1e4", {"mean": 1e4}),
        (", float32", {"dtype": np.float32}),
    )
} | {
    "relu, entries near 1e-7": (
        lambda x: np.maximum(x, 0),
        lambda x, dy: ((x > 0) * dy,),
        lambda r: (known_good.near_zero(1e-7)(r),),
    ),
    "relu at 0": (
        lambda x: np.maximum(x, 0),
        lambda x, dy: ((x > 0) * dy,),
        lambda r: (known_good.near_zero(0.0)(r),),
    ),
    "sqrt near 1e-6": (
        np.sqrt,
        lambda x, dy: (0.5 * dy / np.sqrt(x),),
        lambda r: (1e-6 * r.uniform(0.5, 2, 6),),
    ),
    "square at 1e6": (lambda x: x**2, lambda x, dy: (2 * x * dy,), lambda r: (1e6 * r.normal(size=6),)),
}


def smallest_caught(accepts: Accepts, forward: Any, make: Any, inputs: Any, seed: int) -> float:
    """The smallest strength down to which every one is caught; infinite if the full bug passes."""
    caught = float("inf")
    for strength in STRENGTHS:
        if accepts(forward, make(strength), inputs, seed):
            return caught
        caught = strength
    return caught


def sensitivity(checkers: dict[str, Accepts], seeds: int) -> dict[str, Any]:
    """Smallest errors caught: median over seeds, and the worst."""
    rows: dict[str, Any] = {}
    targets: dict[str, tuple[Any, Any, Any]] = {}
    for name, (forward, backward, draw) in FUNCTIONS.items():
        targets[f"one entry, {name}"] = (
            forward,
            lambda s, seed, b=backward: single_entry(b, s, np.random.default_rng(seed).random()),
            draw,
        )
    for name in BUGS:
        case = known_bad.CASES[name]
        targets[name[3:]] = (case.forward, lambda s, seed, c=case: c.blended(s), case.inputs)
    for name, (forward, make, draw) in targets.items():
        rows[name] = {}
        for checker, accepts in checkers.items():
            found = []
            for seed in range(seeds):
                inputs = draw(np.random.default_rng(seed + 1))
                found.append(
                    smallest_caught(accepts, forward, lambda s, m=make, n=seed: m(s, n), inputs, seed)
                )
            rows[name][checker] = {"median": float(np.median(found)), "worst": max(found)}
        print("  " + name.ljust(34) + "".join(_cell(rows[name][c]) for c in checkers), flush=True)
    return rows


def false_alarms(checkers: dict[str, Accepts], seeds: int) -> dict[str, Any]:
    """How many right gradients are rejected."""
    rows: dict[str, Any] = {}
    for name, (forward, backward, draw) in ALARMS.items():
        rows[name] = {}
        for checker, accepts in checkers.items():
            inputs = [draw(np.random.default_rng(seed + 1)) for seed in range(seeds)]
            rejected = [not accepts(forward, backward, x, seed) for seed, x in enumerate(inputs)]
            rows[name][checker] = sum(rejected)
        print(
            "  " + name.ljust(34) + "".join(f"{rows[name][c]:>10}/{seeds:<7}" for c in checkers),
            flush=True,
        )
    return rows


def cost(checkers: dict[str, Accepts]) -> dict[str, Any]:
    """Calls and seconds for batch norm at 64 x 8, the median of three."""
    forward, backward, draw = FUNCTIONS["batch norm 64 x 8"]
    inputs = draw(np.random.default_rng(0))
    rows: dict[str, Any] = {}
    for checker, accepts in checkers.items():
        times = []
        for _ in range(3):
            calls = {"forward": 0, "backward": 0}

            def counted(way: str, function: Any, calls: dict[str, int] = calls) -> Any:
                def call(*arguments: Any) -> Any:
                    calls[way] += 1
                    return function(*arguments)

                return call

            start = time.perf_counter()
            accepts(counted("forward", forward), counted("backward", backward), inputs, 0)
            times.append(time.perf_counter() - start)
        rows[checker] = {**calls, "seconds": float(np.median(times))}
        print(f"  {checker:12} {calls['forward']:6} forward {calls['backward']:6} backward "
              f"{rows[checker]['seconds']:8.3f} s", flush=True)  # fmt: skip
    return rows


def _cell(found: dict[str, float]) -> str:
    def show(value: float) -> str:
        return "missed" if value == float("inf") else f"{value:.0e}"

    return f"{show(found['median'])} [{show(found['worst'])}]".rjust(18)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.gradcheck_peers", description=__doc__
    )
    parser.add_argument("--seeds", type=int, default=5, help="per row (default: %(default)s)")
    parser.add_argument("--only", nargs="+", choices=list(CHECKERS), help="these checkers")
    parser.add_argument("--json", metavar="FILE", help="also write the figures to a file")
    options = parser.parse_args(arguments)
    checkers: dict[str, Accepts] = {}
    for name in options.only or CHECKERS:
        try:
            checkers[name] = CHECKERS[name]()
        except ImportError as error:
            print(f"{name} is left out: {error}")
    head = " " * 36 + "".join(name.rjust(18) for name in checkers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        print(f"Smallest error caught: median [worst] of {options.seeds} seeds\n{head}")
        small = sensitivity(checkers, options.seeds)
        print(f"\nFalse alarms: right gradients rejected\n{head}")
        alarms = false_alarms(checkers, options.seeds)
        print("\nCost for batch norm, 64 x 8")
        calls = cost(checkers)
    if options.json:
        found = {"seeds": options.seeds, "smallest": small, "alarms": alarms, "cost": calls}
        write_atomically(
            Path(options.json), json.dumps(found, indent=1).replace("Infinity", '"missed"')
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
