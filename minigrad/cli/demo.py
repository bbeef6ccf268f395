"""``minigrad demo``: what minigrad is for, in a minute and in numbers.

Two networks train on real handwritten digits; three ways to the derivative of batch norm are
compared; the gradient is looked at along the mean and along x-hat; pictures go into a folder.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import batchnorm
from ..errors import MissingExtraError, missing_extra
from ..files import write_atomically
from ..graph import Graph, trace
from ..record import Record, record
from ..render import render
from ..tensor import tensor
from ..threads import one_thread
from ..transforms import vjp
from .evidence import agreement, projections
from .terminal import Parser, integer, output_folder, progress, table, writing
from .twins import BATCH, RATE, WIDTHS, WITH, WITHOUT, History, train

STATISTICS = ("mean", "variance")  # what the ways of the gradient are told apart by
TOLERANCE = 1e-12  # in float64, of the largest entry
Say = Callable[[str], None]


def main(arguments: Sequence[str]) -> int:
    """Run the demo; returns the exit code."""
    parser = Parser(
        prog="minigrad demo",
        description="Train on handwritten digits with and without batch norm, compare composed, "
        "hand-derived and numerical gradients, and draw the graphs. Needs no network, and less "
        "than a minute.",
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        default="minigrad-demo",
        help="folder for pictures (default: %(default)s)",
    )
    parser.add_argument(
        "--seed", metavar="N", type=integer(0), default=0, help="of all random numbers (default: 0)"
    )
    parser.add_argument(
        "--steps", metavar="N", type=integer(1), default=400, help="of training (default: %(default)s)"
    )
    parser.add_argument(
        "--quiet", action="store_true", help="numbers and files only: no progress, no explanations"
    )
    options = parser.parse_args(arguments)
    if not options.out:
        parser.error("--out needs the name of a folder")
    say = _silent if options.quiet else _explain
    with output_folder(options.out) as folder:
        histories = _training(options.seed, options.steps, say, options.quiet)
        agrees = _agreement(options.seed, say)
        _projection(options.seed, say)
        _pictures(folder, histories, say)
    return 0 if agrees else 1


def _explain(text: str) -> None:
    for line in text.splitlines():
        inside = line[: len(line) - len(line.lstrip())]
        print(textwrap.fill(line, 92, initial_indent="   ", subsequent_indent="   " + inside))


def _silent(text: str) -> None:
    """Explain nothing."""


def _training(seed: int, steps: int, say: Say, quiet: bool) -> dict[str, History]:
    print("1. Training on 1,348 handwritten digits, tested on 449 others")
    say(
        f"Two networks, {'-'.join(map(str, WIDTHS))}-10 with ReLU, start from the same weights and "
        f"see the same batches of {BATCH}, by plain gradient descent at rate {RATE:g}. One has batch "
        "norm before each ReLU."
    )
    with progress("step", steps, quiet) as report, one_thread():
        histories = train(seed, steps, report)
    rows = []
    for name, history in histories.items():
        first = history.first(0.9)
        reached = f"step {first}" if first else "not reached"
        rows.append([name, f"{history.losses[-1]:.4f}", f"{history.accuracies[-1]:.1%}", reached])
    print(table(["", "training loss", "test accuracy", "90% right from"], rows), end="\n\n")
    return histories


def _agreement(seed: int, say: Say) -> bool:
    print("2. Batch norm's gradient, found in three ways (float64)")
    say(
        "Composed: minigrad differentiates mean, sub, pow, sqrt, div, ... one by one. Fused: one "
        "rule, derived by hand. Numerical: from values of the function alone. The largest difference, "
        "relative to the largest entry:"
    )
    rows, reports = agreement(seed)
    cells = []
    for row in rows:
        what = f"{'first' if row.order == 1 else 'second'} order, {row.name}"
        cells.append(
            [what, *(f"{d:.1e}" if d else "0" for d in (row.between, row.composed, row.fused))]
        )
    print(table(["", "composed - fused", "composed - numerical", "fused - numerical"], cells))
    agrees = all(row.worst <= TOLERANCE for row in rows) and all(reports.values())
    print(f"  {'All agree' if agrees else 'THEY DO NOT AGREE'} to {TOLERANCE:g}.")
    for name, report in reports.items():
        if not report:
            print(report.text())
        say(f"The check of {name}: {report.verdict}; numerical means: {report.oracle}.")
    print()
    return agrees


def _projection(seed: int, say: Say) -> None:
    differentiated, constant, predicted = projections(seed)
    print("3. What part of the gradient would only shift a unit's values, or stretch them?")
    say(
        f"The gradient that the first batch norm hands down on {BATCH} digits. Shares of its length "
        "along the ones vector, which moves the mean, and along x-hat, which moves the deviation:"
    )
    rows = [
        ["differentiated", f"{differentiated.mean:.2g}", f"{differentiated.x_hat:.2g}"],
        ["by the formula", "0", f"{predicted:.2g}"],
        ["held constant", f"{constant.mean:.2g}", f"{constant.x_hat:.2g}"],
    ]
    print(table(["statistics", "along the mean", "along x-hat"], rows))
    say(
        "With the statistics differentiated, what would only shift or stretch is taken out of the "
        "gradient, down to the share eps / (variance + eps) of a stretch that normalization lets "
        "through. With the statistics held constant it stays in, and that part of every step goes into "
        "a change that the next normalization undoes."
    )
    print()


def _pictures(folder: Path, histories: dict[str, History], say: Say) -> None:
    forward, step = _graphs()
    print("4. Pictures: the graph of batch norm, step by step, and how the training went")
    say("The first graph in words, one operation a line:")
    say(str(forward))
    with writing(folder):
        written, notes = _write(folder, forward, step, histories)
    print(f"Written to {folder.resolve()}:")
    for path in written:
        print(f"  {path.name}")
    say(
        "Open batchnorm.html in a browser: the right arrow key steps through the backward pass, with "
        "all its numbers."
    )
    for note in notes:
        print(f"Note: {note}")


def _write(
    folder: Path, forward: Graph, step: Graph, histories: dict[str, History]
) -> tuple[list[Path], list[str]]:
    """Write all files; returns them, and notes on what is missing to write better ones."""
    written: list[Path] = []
    notes: list[str] = []
    title = "batch norm, and the ways of its gradient"
    written.append(render(forward, folder / "batchnorm.svg", title=title, paths=STATISTICS))
    written.append(
        render(recorded(), folder / "batchnorm.html", title=title, paths=STATISTICS, wrt="x")
    )
    title = "batch norm with its backward pass"
    written.append(render(step, folder / "batchnorm-backward.svg", title=title))
    written.append(_write_table(folder / "training.csv", histories))
    try:
        written.append(_write_curves(folder / "training.png", histories))
    except MissingExtraError as error:
        notes.append(str(error))
    return written, notes


def _graphs() -> tuple[Graph, Graph]:
    """Batch norm alone, and with its backward pass."""
    x, gamma, beta = np.random.default_rng(0).normal(size=(8, 3)), np.ones(3), np.zeros(3)

    def batchnorm_step(x: Any, gamma: Any, beta: Any, dy: Any) -> dict[str, Any]:
        y, pullback = vjp(batchnorm.composed, x, gamma, beta)
        dx, dgamma, dbeta = pullback(dy)
        return {"y": y, "dx": dx, "dgamma": dgamma, "dbeta": dbeta}

    return trace(batchnorm.composed, x, gamma, beta), trace(batchnorm_step, x, gamma, beta, x)


def recorded() -> Record:
    """A forward and a backward pass of batch norm on a few numbers, step by step."""
    rng = np.random.default_rng(10)  # of which each way's share is large enough to be seen
    x, gamma, beta = (
        tensor(array, requires_grad=True, name=name)
        for name, array in (
            ("x", rng.normal(1.0, 2.0, (4, 3)).round(1)),
            ("gamma", np.array([1.0, 2.0, 0.5])),
            ("beta", np.array([0.0, 1.0, 0.0])),
        )
    )
    with record() as found:
        batchnorm.composed(x, gamma, beta).backward(rng.normal(size=(4, 3)).round(1))
    return found


def _write_table(path: Path, histories: dict[str, History]) -> Path:
    """The curves as numbers."""
    columns = [histories[WITH].steps]
    head = ["step"]
    for name, history in histories.items():
        head += [f"training loss {name}", f"test accuracy {name}"]
        columns += [history.losses, history.accuracies]
    rows = [",".join(head)] + [",".join(f"{c:.6g}" for c in row) for row in zip(*columns, strict=True)]
    return write_atomically(path, "\n".join(rows) + "\n")


def _write_curves(path: Path, histories: dict[str, History]) -> Path:
    """The curves as a picture."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise missing_extra("matplotlib", "plot", "The picture of the training curves") from None
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    for name, style in ((WITH, {"color": "#0072B2"}), (WITHOUT, {"color": "#D55E00", "ls": "--"})):
        history = histories[name]
        marker = {"marker": "o"} if len(history.steps) == 1 else {}  # a line needs two points
        loss.plot(history.steps, history.losses, label=name, **style, **marker)
        accuracy.plot(history.steps, history.accuracies, label=name, **style, **marker)
    loss.set(title="training loss", xlabel="step", yscale="log")
    accuracy.set(title="test accuracy", xlabel="step", ylim=(0, 1))
    accuracy.yaxis.set_major_formatter("{x:.0%}")
    for axes in (loss, accuracy):
        axes.grid(alpha=0.3)
        axes.legend()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    return write_atomically(path, buffer.getvalue())
