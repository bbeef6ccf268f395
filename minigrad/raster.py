"""From SVG to PNG without another program: by the package resvg, with whatever font there is."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from .errors import GraphError, MissingProgramError, missing_extra

FONT = "Helvetica,Arial,sans-serif"  # of all pictures
PIXELS = 64_000_000  # a picture is drawn smaller rather than larger than this
# What resvg may take where it finds none of the families that a picture names.
FAMILIES = (
    "DejaVu Sans", "Liberation Sans", "Noto Sans", "Open Sans", "Ubuntu", "Cantarell", "Roboto",
    "Helvetica Neue", "Segoe UI", "Verdana", "Tahoma", "FreeSans", "Nimbus Sans",
)  # fmt: skip


def to_png(svg: str, scale: float = 2.0) -> bytes:
    """An SVG picture as PNG, on white.

    Parameters
    ----------
    svg : str
    scale : float
        How many pixels one unit of the picture becomes; fewer in a picture that would have more
        than 64 million of them.

    Returns
    -------
    bytes

    Raises
    ------
    MissingExtraError
        If the package resvg-py is not installed.
    MissingProgramError
        If there is no font to draw text with.
    GraphError
        If it cannot be drawn.

    Examples
    --------
    >>> square = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>'
    >>> to_png(square)[:4]
    b'\\x89PNG'
    """
    resvg = _package()
    fonts = _fonts() if "<text" in svg else {}
    size = re.search(r'<svg\b[^>]*?\bwidth="([\d.]+)(?:px|pt)?"[^>]*?\bheight="([\d.]+)', svg)
    if size:
        area = max(float(size[1]) * float(size[2]), 1.0)
        scale = min(scale, (PIXELS / area) ** 0.5)
    try:
        return bytes(resvg.svg_to_bytes(svg_string=svg, zoom=scale, background="#ffffff", **fonts))
    except ValueError as error:
        raise GraphError(f"render: resvg cannot draw this SVG: {error}.") from None


def _package() -> Any:
    try:
        import resvg_py
    except ImportError:
        raise missing_extra("resvg-py", "png", "A PNG picture without Graphviz' program dot") from None
    return resvg_py


@lru_cache(maxsize=1)
def _fonts() -> dict[str, Any]:
    """Settings with which letters appear: resvg leaves out what it finds no font for."""
    for settings in _settings():
        if _draw("A", settings) != _draw("", settings):
            return settings
    raise MissingProgramError(
        "render: a PNG picture needs a font, and none was found; its text would be missing. Install "
        "one (Debian, Ubuntu: sudo apt install fonts-dejavu-core; Fedora: sudo dnf install "
        "dejavu-sans-fonts) or the package matplotlib, which brings one; or write an .svg file."
    )


def _settings() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{}, *[{"sans_serif_family": family} for family in FAMILIES]]
    try:
        from matplotlib import get_data_path
    except ImportError:
        return found
    own = {"font_dirs": [f"{get_data_path()}/fonts/ttf"], "sans_serif_family": "DejaVu Sans"}
    return [*found, own]


def _draw(letters: str, settings: dict[str, Any]) -> bytes:
    text = f'<text x="4" y="16" font-family="{FONT}" font-size="16">{letters}</text>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24">{text}</svg>'
    return bytes(_package().svg_to_bytes(svg_string=svg, **settings))
