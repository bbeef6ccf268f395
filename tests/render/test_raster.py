"""PNG without dot: letters appear with any font, and what is missing is named."""

from __future__ import annotations

import struct
import sys

import pytest

import minigrad as mg
from minigrad import raster
from minigrad.raster import to_png
from minigrad.render.style import FONT

TEXT = f'<text x="2" y="15" font-family="{FONT}">Ag</text>'


def svg(inside="", width=60, height=20):
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{inside}</svg>'


def size(png):
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", png[16:24])


@pytest.fixture(autouse=True)
def fonts_are_looked_for_anew():
    raster._fonts.cache_clear()
    yield
    raster._fonts.cache_clear()


@pytest.fixture
def no_system_fonts(monkeypatch):
    """As on a machine without any font."""
    package = raster._package()

    class Package:
        @staticmethod
        def svg_to_bytes(**settings):
            return package.svg_to_bytes(skip_system_fonts=True, **settings)

    monkeypatch.setattr(raster, "_package", lambda: Package)


def test_it_is_a_png_of_the_right_size_with_text():
    assert size(to_png(svg())) == (120, 40)
    assert size(to_png(svg(), scale=1)) == (60, 20)
    assert to_png(svg(TEXT)) != to_png(svg())


def test_a_huge_picture_is_drawn_smaller():
    width, height = size(to_png(svg(width=40_000, height=10_000)))
    assert width * height <= raster.PIXELS * 1.01
    assert width == pytest.approx(4 * height, rel=0.01)


def test_a_font_is_found_where_the_system_has_none(no_system_fonts):
    pytest.importorskip("matplotlib")
    assert to_png(svg(TEXT)) != to_png(svg())


def test_without_any_font_it_says_so_instead_of_leaving_text_out(no_system_fonts, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(
        mg.MissingProgramError, match=r"needs a font.*apt install fonts-dejavu.*\.svg file"
    ):
        to_png(svg(TEXT))
    assert size(to_png(svg())) == (120, 40)  # no text, no font needed


def test_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(mg.errors.MissingExtraError, match=r'resvg-py.*pip install "minigrad\[png\]"'):
        to_png(svg())


def test_what_is_no_svg_is_told():
    with pytest.raises(mg.GraphError, match="resvg cannot draw this SVG: "):
        to_png("<svg")
