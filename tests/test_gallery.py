"""The gallery is what its script draws, and the page on reading graphs is right."""

from __future__ import annotations

import doctest
import re
import runpy
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
SCRIPT = DOCS / "draw_gallery.py"
GUIDE = DOCS / "how-to-read-the-graph.md"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """The gallery, drawn again."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / "gallery").mkdir()
    runpy.run_path(str(SCRIPT))["main"](folder)
    return folder


def test_the_gallery_is_what_its_script_draws(drawn):
    files = sorted(p.relative_to(drawn) for p in drawn.rglob("*") if p.is_file())
    kept = sorted(p.relative_to(DOCS) for p in [DOCS / "gallery.md", *(DOCS / "gallery").iterdir()])
    assert files == kept
    for name in files:
        same = (drawn / name).read_bytes() == (DOCS / name).read_bytes()
        assert same, f"docs/{name} is not what is drawn now: run python docs/draw_gallery.py"


def test_every_picture_is_on_the_page_with_words_and_code():
    page = (DOCS / "gallery.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[([^\]]+)\]\(gallery/([\w-]+\.svg)\)", page)
    assert sorted(name for _, name in shown) == sorted(p.name for p in (DOCS / "gallery").iterdir())
    assert len(shown) == page.count("\n## ") == page.count("\n```python\n") == 11
    for words, name in shown:
        root = ElementTree.parse(DOCS / "gallery" / name).getroot()
        described = root.find("{http://www.w3.org/2000/svg}desc").text
        assert described.startswith(words)


@pytest.mark.browser
def test_the_photo_of_the_page_can_be_taken_again(tmp_path):
    script = DOCS / "draw_page.py"
    code = compile(script.read_text(encoding="utf-8"), script, "exec")
    exec(code, {"__file__": str(tmp_path / script.name)})
    assert (tmp_path / "page.png").stat().st_size > 50_000
    assert (DOCS / "page.png").stat().st_size < 400_000


@pytest.mark.parametrize("page", ["gallery.md", "how-to-read-the-graph.md"])
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", (DOCS / page).read_text(encoding="utf-8")):
        assert (DOCS / target).exists(), target


def test_the_guides_examples():
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    result = doctest.testfile(str(GUIDE), module_relative=False, optionflags=flags)
    assert result.attempted >= 10
    assert result.failed == 0


def test_the_guide_explains_every_legend_entry():
    from minigrad.render.style import ROUTES, STYLES

    text = GUIDE.read_text(encoding="utf-8")
    for style, words in {
        "input": "Input", "parameter": "Parameter", "constant": "Constant", "op": "Operation", "named": "named",
        "op 1": "backward", "op 2": "second derivative", "fold": "Folded box", "output": "Output",
    }.items():  # fmt: skip
        assert style in STYLES
        assert words in text
    for _, line, _ in ROUTES[:4]:
        assert line in text
