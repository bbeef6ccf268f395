"""A picture of a check, as SVG written by hand: no library, and it opens everywhere.

Per input, from left to right: every entry of the gradient as a cell (or every comparison as a
dot) by its margin, and the V-curve: the error of a plain central difference against its step,
which shows why one step is never enough, and what the ladder makes of all of them.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..files import write_atomically
from ..raster import to_png
from .report import Curve, Entry, Report

WIDTH, LEFT, PLOT, ROW = 980, 430, 460, 310  # the page, its two columns, the height of a row
OTHER_FORMATS = (
    "For a PDF open one of these in a browser and print it, or convert the SVG, for example with "
    "rsvg-convert or Inkscape."
)
SUFFIXES = (".svg", ".png", ".html")
MOST = 8  # inputs that are drawn
CELLS = 32  # rows and columns of cells; more entries are merged, the worst one shows

COLOURS = {  # what: in light, in dark
    "paper": ("#ffffff", "#11171d"),
    "ink": ("#1c2733", "#e6edf3"),
    "soft": ("#5d6b7a", "#9aa7b4"),
    "line": ("#c9d1d9", "#3a4653"),
    "band": ("#e3ecf7", "#1d2b3a"),
    "right": ("#2b7a5b", "#56c596"),
    "wrong": ("#c0392b", "#ff7b6b"),
    "open": ("#8a6d1f", "#e0b84f"),
    "curve": ("#1f5fa8", "#6fb1ff"),
}
VERDICT_COLOURS = {"PASS": "right", "FAIL": "wrong", "INCONCLUSIVE": "open", "VACUOUS": "open"}


def _style() -> str:
    """Plain classes, no variables: not every program that shows SVG knows those."""

    def rules(n: int) -> str:
        filled = "".join(f".check .{what}{{fill:{c[n]}}}" for what, c in COLOURS.items())
        drawn = "".join(f".check .{what}-line{{stroke:{c[n]}}}" for what, c in COLOURS.items())
        return filled + drawn

    return (
        '.check text{font:12px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}'
        ".check .title{font-size:17px;font-weight:600}.check .small{font-size:11px}"
        ".check .bold{font-weight:600}.check .hollow{fill:none}"
        ".check .halo{paint-order:stroke;stroke-width:3px}"
        f"{rules(0)}@media (prefers-color-scheme:dark){{{rules(1)}}}"
    )


SIGNS = {"PASS": "✓", "FAIL": "✗", "INCONCLUSIVE": "?", "VACUOUS": "∅"}
MEANING = {
    "PASS": "a relative error of {resolution:.0e} or more would have been caught",
    "FAIL": "the derivative under test is not the derivative of the function",
    "INCONCLUSIVE": "rounding or a kink hides the answer",
    "VACUOUS": "the derivative is zero, so the check proves nothing",
}


def svg(report: Report) -> str:
    """The picture as text.

    Parameters
    ----------
    report : Report
        Any.

    Returns
    -------
    str
        One ``<svg>`` element; light and dark.
    """
    names = list(report.inputs)
    remarks = _remarks(report)
    top = 78 + 18 * len(remarks)
    rows = [_row(report, name, top + n * ROW) for n, name in enumerate(names[:MOST])]
    height = top + len(rows) * ROW + 28
    meaning = MEANING[report.verdict].format(resolution=report.resolution)
    more = f" (the first {MOST} of {len(names)} inputs are drawn)" if len(names) > MOST else ""
    body = [
        f'<rect width="{WIDTH}" height="{height}" class="paper"/>',
        f'<text class="title {VERDICT_COLOURS[report.verdict]}" x="20" y="32">'
        f"{SIGNS[report.verdict]} {report.verdict}  {escape(report.name)}</text>",
        f'<text class="ink" x="20" y="53">{escape(meaning + more)}</text>',
        *(
            f'<text class="ink bold" x="20" y="{71 + 18 * n}">{escape(line)}</text>'
            for n, line in enumerate(remarks)
        ),
        *rows,
        f'<text class="soft small" x="20" y="{height - 12}">oracle: {escape(report.oracle)}; seed '
        f"{report.seed}</text>",
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="check" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img">'
        f"<title>Gradient check of {escape(report.name)}: {report.verdict}</title>"
        f"<desc>{escape(report.text(worst=3))}</desc><style>{_style()}</style>"
        + "".join(body)
        + "</svg>"
    )


def _remarks(report: Report) -> list[str]:
    """What is wrong, in words: first the likeliest mistake, then the broken rules."""
    told = [i for i in report.issues if i.severity == "hint"]
    told += [i for i in report.issues if i.severity == "error"]
    lines: list[str] = []
    for issue in told[:3]:
        text = f"{issue.input}: {issue.message}" if issue.input else issue.message
        lines += textwrap.wrap(text, 130, max_lines=2, placeholder=" ...")
    return lines


def notebook(report: Report) -> str:
    """Text and picture for a notebook; never raises."""
    try:
        picture = svg(report)
    except Exception as error:  # a broken picture must not hide the report
        picture = f"<p>(no picture: {escape(type(error).__name__)})</p>"
    return f"<pre>{escape(report.text())}</pre>{picture}"


def write(report: Report, path: Any) -> None:
    """Write the picture: ``.svg``, ``.png``, or ``.html`` with the text beside it.

    Parameters
    ----------
    report : Report
    path : str or path-like

    Raises
    ------
    ArgumentError
        For another suffix.
    MissingExtraError
        For ``.png`` without the extra that it needs.
    """
    path = Path(path)
    content: str | bytes
    if path.suffix == ".svg":
        content = svg(report) + "\n"
    elif path.suffix == ".png":
        content = to_png(svg(report))
    elif path.suffix == ".html":
        content = (
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>'
            f"{escape(report.verdict)}: {escape(report.name)}</title></head><body>"
            f"{notebook(report)}</body></html>\n"
        )
    else:
        raise ArgumentError(
            f"figure: {path.name!r} should end in .svg or .png (a picture) or .html (the text as "
            f"well). {OTHER_FORMATS}"
        )
    write_atomically(path, content)


# One input ---------------------------------------------------------------------------------------


def _row(report: Report, name: str, top: float) -> str:
    facts = report.inputs[name]
    mine = [e for e in report.entries if e.input == name]
    wrong = sum(e.state == "wrong" for e in mine)
    label = f"d/d{name}   {facts['dtype']}{facts['shape']}"
    state = f"{wrong} of {len(mine)} comparisons wrong" if wrong else f"{len(mine)} comparisons"
    parts = [
        f'<text class="ink bold" x="20" y="{top + 18}">{escape(label)}</text>',
        f'<text class="{"wrong" if wrong else "soft"}" x="20" y="{top + 35}">{escape(state)}</text>',
    ]
    singles = _worst_per_index([e for e in mine if e.index is not None and e.mode == "reverse"])
    size = math.prod(facts["shape"])
    if len(singles) == size and size > 1:
        parts.append(_cells(singles, tuple(facts["shape"]), top + 48))
    else:
        parts.append(_dots(mine, top + 48))
    if name in report.curves:
        parts.append(_v_curve(report.curves[name], LEFT + 60, top + 10))
    return "<g>" + "".join(parts) + "</g>"


def _worst_per_index(entries: Sequence[Entry]) -> dict[tuple[int, ...], Entry]:
    """Of several points and cotangents the worst, per entry of the gradient."""
    rank = {"wrong": 3, "unresolved": 2, "kink": 1, "ok": 0}
    worst: dict[tuple[int, ...], Entry] = {}
    for entry in entries:
        assert entry.index is not None
        before = worst.get(entry.index)
        key = (rank[entry.state], entry.margin)
        if before is None or key > (rank[before.state], before.margin):
            worst[entry.index] = entry
    return worst


def _opacity(margin: float) -> float:
    """Paler for what is far below the allowed difference, solid for what is far above it."""
    if not math.isfinite(margin):
        return 1.0
    exponent = max(-6.0, min(12.0, math.log10(max(margin, 1e-12))))
    return 0.25 + 0.25 * (exponent + 6) / 6 if exponent < 0 else 0.75 + 0.25 * exponent / 12


def _cells(singles: dict[tuple[int, ...], Entry], shape: tuple[int, ...], top: float) -> str:
    """The gradient as a table; the last axis runs to the right."""
    columns = shape[-1] if len(shape) > 1 else min(shape[0], 16)
    size = math.prod(shape)
    lines = -(-size // columns)
    merge_lines, merge_columns = -(-lines // CELLS), -(-columns // CELLS)
    merged: dict[tuple[int, int], Entry] = {}
    rank = {"wrong": 3, "unresolved": 2, "kink": 1, "ok": 0}
    for index, entry in singles.items():
        flat = int(np.ravel_multi_index(index, shape))
        place = (flat // columns // merge_lines, flat % columns // merge_columns)
        before = merged.get(place)
        if before is None or (rank[entry.state], entry.margin) > (rank[before.state], before.margin):
            merged[place] = entry
    down, across = max(p[0] for p in merged) + 1, max(p[1] for p in merged) + 1
    side = min(26.0, 190 / down, 370 / across)
    parts = []
    for (line, column), e in merged.items():
        x, y = 20 + column * side, top + line * side
        kind = {"ok": "right", "wrong": "wrong"}.get(e.state, "open")
        opacity = _opacity(e.margin) if kind != "open" else 0.5
        tip = (
            f"{list(e.index or ())}: expected {e.expected:.17g}, got {e.got:.17g}, "
            f"{e.margin:.2g} of the allowed difference ({e.state})"
        )
        parts.append(
            f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{side - 1:.1f}" '
            f'height="{side - 1:.1f}" fill-opacity="{opacity:.2f}"><title>{escape(tip)}</title></rect>'
        )
        sign = {"wrong": "✗", "kink": "^", "unresolved": "?"}.get(e.state)
        if sign and side >= 9:
            parts.append(
                f'<text class="ink" x="{x + side / 2 - 0.5:.1f}" y="{y + side * 0.7:.1f}" '
                f'text-anchor="middle" style="font-size:{side * 0.6:.1f}px">{sign}</text>'
            )
    note = (
        "one cell per entry" if merge_lines * merge_columns == 1 else "each cell: the worst of several"
    )
    for i, words in enumerate((note, "green: right, red ✗: wrong, ^: at a kink, ?: cannot be seen")):
        y = top + down * side + 18 + 14 * i
        parts.append(f'<text class="soft small" x="20" y="{y:.1f}">{words}</text>')
    return "".join(parts)


MODES = ("reverse", "forward", "forward against reverse", "one-sided", "against", "value")


def _dots(entries: Sequence[Entry], top: float) -> str:
    """Every comparison as a dot, by its difference in units of what is allowed."""
    modes = [m for m in MODES if any(e.mode == m for e in entries)]
    exponents = [math.log10(e.margin) for e in entries if 0 < e.margin < math.inf]
    left, width, low = 150.0, 240.0, -6.0
    high = max([2.0, *exponents]) + 1

    def place(margin: float) -> float:
        exponent = math.log10(margin) if margin > 0 else low
        return left + width * (min(max(exponent, low), high) - low) / (high - low)

    bottom = top + 24 * len(modes) + 6
    one = place(1.0)
    parts = [
        f'<rect class="band" x="{left:.1f}" y="{top:.1f}" width="{one - left:.1f}" '
        f'height="{bottom - top:.1f}"/>',
        f'<line class="line-line" x1="{one:.1f}" x2="{one:.1f}" y1="{top:.1f}" y2="{bottom:.1f}"/>',
        f'<text class="ink small" x="{one:.1f}" y="{bottom + 15:.1f}" '
        'text-anchor="middle">allowed</text>',
    ]
    for n, mode in enumerate(modes):
        y = top + 24 * n + 16
        parts.append(f'<text class="soft small" x="20" y="{y + 4:.1f}">{escape(mode)}</text>')
        for e in entries:
            if e.mode != mode:
                continue
            x = place(e.margin)
            sign = {"ok": "●", "wrong": "✗", "kink": "^"}.get(e.state, "?")
            kind = {"ok": "right", "wrong": "wrong"}.get(e.state, "open")
            where = "along a random direction" if e.index is None else f"at {list(e.index)}"
            tip = f"{where}, point {e.point}: expected {e.expected:.17g}, got {e.got:.17g}"
            parts.append(
                f'<text class="{kind}" x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" '
                f'fill-opacity="0.75">{sign}<title>{escape(tip)}</title></text>'
            )
    parts.append(
        f'<text class="soft small" x="20" y="{bottom + 34:.1f}">each sign is one comparison; to the '
        "right: a larger difference, each step ten times</text>"
    )
    return "".join(parts)


def _v_curve(curve: Curve, left: float, top: float) -> str:
    """Error of the central difference against the step, doubly logarithmic."""
    width, height = PLOT - 60.0, 215.0
    errors = [e if math.isfinite(e) and e > 0 else None for e in curve.errors]
    heights = [e for e in errors if e is not None]
    heights += [v for v in (curve.difference, curve.allowed) if math.isfinite(v) and v > 0]
    bound = curve.truncation + curve.rounding
    heights += [bound] if math.isfinite(bound) and bound > 0 else []
    if not heights and curve.kink:
        return (
            f'<text class="soft" x="{left:.1f}" y="{top + 60:.1f}">at a kink no step helps: the '
            "one-sided derivatives differ</text>"
        )
    if not heights:
        return (
            f'<text class="soft" x="{left:.1f}" y="{top + 60:.1f}">the function is exactly linear '
            "along this direction: every step is right</text>"
        )
    best = _best_single_step(curve)
    shortest = curve.steps[-1] if best is None else min(curve.steps[-1], best[0] / 300)
    if best is not None:
        heights += [best[1], curve.noise / shortest]
    low = math.floor(math.log10(min(heights))) - 0.5
    high = math.ceil(math.log10(max(heights))) + 0.5
    first, last = math.log10(shortest), math.log10(curve.steps[0])
    spread = max(last - first, 1e-9)

    def x(step: float) -> float:
        return left + width * (math.log10(step) - first) / spread

    def y(value: float) -> float:
        exponent = math.log10(value) if value > 0 and math.isfinite(value) else low
        return top + height * (high - min(max(exponent, low), high)) / (high - low)

    parts = [
        f'<rect class="hollow line-line" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}"/>'
    ]
    if not curve.kink:
        a, b = x(curve.steps[curve.last]), x(curve.steps[curve.first])
        parts.append(
            f'<rect class="band" x="{a - 4:.1f}" y="{top:.1f}" width="{b - a + 8:.1f}" '
            f'height="{height:.1f}"><title>the window of steps that the ladder combines</title></rect>'
        )
    step = max(1, round((high - low) / 6))
    for exponent in range(math.ceil(low), math.floor(high) + 1, step):
        at = y(10.0**exponent)
        parts.append(
            f'<line class="line-line" x1="{left - 4:.1f}" x2="{left:.1f}" y1="{at:.1f}" y2="{at:.1f}"/>'
            f'<text class="soft small" x="{left - 7:.1f}" y="{at + 4:.1f}" text-anchor="end">'
            f"1e{exponent}</text>"
        )
    step = max(1, round(spread / 5))
    for exponent in range(math.ceil(first), math.floor(last) + 1, step):
        at = x(10.0**exponent)
        parts.append(
            f'<text class="soft small" x="{at:.1f}" y="{top + height + 15:.1f}" text-anchor="middle">'
            f"1e{exponent}</text>"
        )
    points = " ".join(
        f"{x(h):.1f},{y(e):.1f}" for h, e in zip(curve.steps, errors, strict=True) if e is not None
    )
    parts.append(f'<polyline class="hollow curve-line" points="{points}" stroke-width="1.5"/>')
    parts += [
        f'<circle class="curve" cx="{x(h):.1f}" cy="{y(e):.1f}" r="3"><title>step {h:.1e}: '
        f"error {e:.1e}</title></circle>"
        for h, e in zip(curve.steps, errors, strict=True)
        if e is not None
    ]
    ends = (shortest, min(curve.steps[0], curve.noise / 10**low))
    noise = " ".join(f"{x(h):.1f},{y(curve.noise / h):.1f}" for h in ends)
    parts.append(f'<polyline class="hollow soft-line" points="{noise}" stroke-dasharray="2 3"/>')
    # What no words should cover.
    marks = [(x(h), y(e)) for h, e in zip(curve.steps, errors, strict=True) if e is not None]
    if best is not None:
        marks += [(x(best[0]) + 30 * n, y(best[1]) - 16) for n in range(6)] + [(x(best[0]), y(best[1]))]
        parts.append(
            f'<circle class="hollow open-line" cx="{x(best[0]):.1f}" cy="{y(best[1]):.1f}" r="6" '
            'stroke-width="2"/>'
            f'<text class="ink small halo paper-line" x="{x(best[0]) - 4:.1f}" '
            f'y="{y(best[1]) - 12:.1f}">best single step: error {best[1]:.0e}</text>'
        )
    lines = [("allowed difference", curve.allowed, "right-line", "6 3")]
    if math.isfinite(bound) and bound > 0:
        lines.append(("error bound of the ladder", bound, "curve-line", "1 0"))
    if curve.difference > curve.allowed:
        lines.append(
            ("the derivative under test is this far off", curve.difference, "wrong-line", "1 0")
        )
    written: list[float] = []
    for label, value, colour, dashes in sorted(lines, key=lambda line: -line[1]):
        at = y(value)
        text_at = max([at - 4, *[w + 13 for w in written]])
        written.append(text_at)
        words = f"{label}: {value:.1e}"
        near = [a for a, b in marks if text_at - 18 < b < text_at + 8]
        crowd = sum(a < left + 6 * len(words) for a in near)
        right = crowd > sum(a > left + width - 6 * len(words) for a in near)
        parts.append(
            f'<line class="{colour}" x1="{left:.1f}" x2="{left + width:.1f}" y1="{at:.1f}" '
            f'y2="{at:.1f}" stroke-dasharray="{dashes}" stroke-width="1.5"/>'
            f'<text class="ink small halo paper-line" x="{left + (width - 8 if right else 8):.1f}" '
            f'y="{text_at:.1f}" text-anchor="{"end" if right else "start"}">{words}</text>'
        )
    caption = (
        "at a kink no step helps: the one-sided derivatives differ"
        if curve.kink
        else "step (right: too long, truncation; left: too short, rounding; shaded: combined)"
    )
    parts.append(
        f'<text class="ink small" x="{left:.1f}" y="{top - 6:.1f}">error of a plain central '
        "difference (dots), of rounding alone (dotted)</text>"
        f'<text class="soft small" x="{left:.1f}" y="{top + height + 31:.1f}">{escape(caption)}</text>'
    )
    return "".join(parts)


def _best_single_step(curve: Curve) -> tuple[float, float] | None:
    """Where truncation, which falls with the square of the step, meets rounding."""
    pairs = [
        (h, e)
        for h, e in zip(curve.steps, curve.errors, strict=True)
        if math.isfinite(e) and e > 100 * curve.noise / h
    ]
    if curve.kink or not pairs or not curve.noise:
        return None
    h, error = pairs[-1]
    best = (curve.noise * h * h / error) ** (1 / 3)
    return (best, 2 * curve.noise / best) if best < curve.steps[0] else None
