"""What the figures of experiments share: colours that the colour-blind can tell, each with a
line style and a marker of its own, and bars of errors."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

BLUE, ORANGE, GREEN, PINK, GREY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#555555"
STYLES = [
    (BLUE, "-", "o"),
    (ORANGE, "--", "s"),
    (GREEN, "-.", "^"),
    (PINK, ":", "D"),
    (GREY, "--", "v"),
]
FLOOR = 1e-18  # where a logarithmic axis of errors ends; an error of zero is drawn there


def lines(
    axes: Any,
    x: Sequence[float],
    series: Mapping[str, Sequence[float | None]],
    markers: bool = True,
    first: int = 0,
) -> None:
    """Curves over common x values; None leaves a gap.  Batch norm is blue everywhere.

    Parameters
    ----------
    axes : matplotlib axes
    x : sequence of float
    series : mapping of str to sequence of float
        By label.
    markers : bool
        Whether the points are marked: few points yes, whole curves no.
    first : int
        With which style to begin.
    """
    others = itertools.count(max(first, int("batch norm" in series)))
    for label, values in series.items():
        index = 0 if label == "batch norm" else next(others)
        colour, style, marker = STYLES[index % len(STYLES)]
        y = [float("nan") if v is None else v for v in values]
        axes.plot(
            x, y, color=colour, linestyle=style, marker=marker if markers else None, markersize=4.5,
            label=label,
        )  # fmt: skip


def errors(
    axes: Any, found: Mapping[str, float], bound: float, contrast: Mapping[str, float] | None = None
) -> None:
    """Errors as bars on a logarithmic scale: what must be rounding, and what is not meant to be.

    Parameters
    ----------
    axes : matplotlib axes
    found : mapping of str to float
        Must be below the bound.
    bound : float
    contrast : mapping of str to float, optional
        What a different formula gives: hatched.
    """
    contrast = contrast or {}
    names = [*found, *contrast]
    values = [max(v, FLOOR) for v in [*found.values(), *contrast.values()]]
    bars = axes.barh(names, values, color=[BLUE] * len(found) + [ORANGE] * len(contrast))
    for bar, value in zip(bars, [*found.values(), *contrast.values()], strict=True):
        label_bar(axes, bar, f"{value:.0e}" if value else "exactly 0")
    for bar in bars[len(found) :]:
        bar.set_hatch("//")
    axes.axvline(bound, color="black", linestyle=":", label=f"rounding: {bound:.0e}")
    top = max([*values, bound])
    axes.set(xscale="log", xlim=(FLOOR, max(top * 1e4, 1e-6)), xlabel="largest relative difference")
    axes.invert_yaxis()
    axes.legend(loc="upper right", fontsize=8)


def label_bar(axes: Any, bar: Any, text: str) -> None:
    """Write beside the end of a horizontal bar."""
    end = bar.get_width(), bar.get_y() + bar.get_height() / 2
    axes.annotate(text, end, (4, 0), textcoords="offset points", va="center")
