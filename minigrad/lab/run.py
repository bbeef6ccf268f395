"""Finding experiments, running them, and writing down what came out."""

from __future__ import annotations

import json
import pkgutil
import re
import time
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import ArgumentError, missing_extra
from ..files import write_atomically
from ..threads import one_thread
from . import experiments as package
from .experiment import Bench, Experiment, Outcome

VERSION = 1  # of the JSON form


@cache
def experiments() -> dict[str, Experiment]:
    """All experiments by name, in the order of the list of claims."""
    found = []
    for module in pkgutil.iter_modules(package.__path__):
        inside = vars(import_module(f"{package.__name__}.{module.name}")).values()
        found += [x for x in inside if isinstance(x, Experiment)]
    return {e.name: e for e in sorted(found, key=_order)}


def _order(e: Experiment) -> tuple[str, int, str]:
    letter, number = re.fullmatch(r"([A-Z])(\d*).*", e.row).groups()  # type: ignore[union-attr]
    return letter, int(number or 0), e.name


def run(
    e: Experiment,
    quick: bool = False,
    folder: Path | None = None,
    report: Callable[[int, int, str], None] | None = None,
) -> dict[str, Any]:
    """Run an experiment.

    Parameters
    ----------
    e : Experiment
    quick : bool
        Whether it must be done within 20 seconds.
    folder : Path, optional
        Where ``NAME.json`` and ``NAME.svg`` are written.
    report : callable, optional
        ``report(done, total, note)`` is told of progress.

    Returns
    -------
    dict
        What the JSON file holds: the declaration, the outcome, and how long it took.

    Raises
    ------
    MissingExtraError
        If there is a folder and matplotlib, which draws the figure, is not installed; before
        anything is measured.

    Examples
    --------
    >>> from minigrad.lab import experiments, run
    >>> run(experiments()["broadcast"], quick=True)["verdict"]
    'holds'
    """
    if folder is not None:
        drawing()
    start = time.perf_counter()
    seeds = tuple(range(e.quick_seeds if quick else e.seeds))
    with one_thread():
        outcome = e.measure(Bench(quick, seeds, report or (lambda done, total, note: None)))
    found = {
        "format": "minigrad experiment", "version": VERSION, "name": e.name, "row": e.row,
        "claim": e.claim, "sources": list(e.sources), "setup": e.setup, "expected": e.expected,
        "quick": quick, "seeds": list(seeds), "seconds": round(time.perf_counter() - start, 1),
        "verdict": outcome.verdict, "summary": outcome.summary, "head": list(outcome.head),
        "rows": [list(row) for row in outcome.rows], "data": outcome.data,
    }  # fmt: skip
    text = _json(e, found)
    if folder is not None:
        write_atomically(folder / f"{e.name}.svg", figure(e, outcome))
        write_atomically(folder / f"{e.name}.json", text)
    return found


def _json(e: Experiment, found: dict[str, Any]) -> str:
    try:
        return json.dumps(found, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"the outcome of {e.name} does not survive JSON ({error}). Give plain numbers, lists and "
            "texts; None instead of NaN."
        ) from None


def drawing() -> tuple[Any, Any]:
    """What figures are drawn with, matplotlib and its Figure; an error where it is missing."""
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        raise missing_extra("matplotlib", "lab", "The figure of an experiment") from None
    return mpl, Figure


def figure(e: Experiment, outcome: Outcome) -> str:
    """The figure of an outcome, as SVG."""
    import io

    mpl, Figure = drawing()
    # The same numbers give the same bytes: no date, and ids that do not change.
    with mpl.rc_context({"svg.hashsalt": e.name, "svg.fonttype": "none", "font.size": 9}):
        drawn = Figure(figsize=(7.2, 3.6), layout="constrained")
        e.draw(drawn, outcome.data)
        buffer = io.StringIO()
        drawn.savefig(buffer, format="svg", metadata={"Date": None, "Title": e.claim})
    return buffer.getvalue()
