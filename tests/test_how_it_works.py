"""The page docs/how-it-works.md says what is so: its examples, its files, its picture."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

TOP = Path(__file__).parents[1]
PAGE = TOP / "docs" / "how-it-works.md"


def test_examples():
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    result = doctest.testfile(str(PAGE), module_relative=False, optionflags=flags)
    assert result.attempted >= 45
    assert result.failed == 0


def test_the_declaration_shown_is_the_one_in_the_code():
    shown = re.search(r"```text\n(.*?)\n\)\n```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    code = (TOP / "minigrad" / "ops" / "arithmetic.py").read_text(encoding="utf-8")
    declaration = code[code.index("multiply = elementwise(") :]
    declaration = declaration[: declaration.index("\n)\n")].splitlines()
    assert [line for line in declaration if line in shown.group(1).splitlines()] == (
        shown.group(1).splitlines()
    )


def test_files_and_links_exist():
    text = re.sub(r"```.*?```", "", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    for row in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE):
        folder = TOP / "minigrad"
        for name in re.findall(r"`([^`]+)`", row):
            path = TOP / name if name.startswith("minigrad/") else folder / name
            assert path.exists(), name
            folder = path.parent
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (PAGE.parent / target).exists(), target


def test_its_picture_can_be_drawn_again(tmp_path):
    script = (PAGE.parent / "draw_how_it_works.py").read_text(encoding="utf-8")
    copy = tmp_path / "draw_how_it_works.py"
    exec(compile(script, copy, "exec"), {"__file__": str(copy)})
    assert "squared deviations" in (tmp_path / "how-it-works.svg").read_text()
