"""The page docs/checking-a-gradient.md says what is so: its examples, links and picture."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "checking-a-gradient.md"


def test_examples():
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    result = doctest.testfile(str(PAGE), module_relative=False, optionflags=flags)
    assert result.attempted >= 30
    assert result.failed == 0


def test_links_exist():
    text = re.sub(r"```.*?```", "", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#]+)\)", text)
    assert len(targets) >= 2
    for target in targets:
        assert (PAGE.parent / target).exists(), target


def test_its_picture_can_be_drawn_again(tmp_path, capsys):
    script = (PAGE.parent / "draw_checking_a_gradient.py").read_text(encoding="utf-8")
    copy = tmp_path / "draw_checking_a_gradient.py"
    exec(compile(script, copy, "exec"), {"__file__": str(copy)})
    drawn = (tmp_path / "checking-a-gradient.svg").read_text()
    assert "FAIL" in drawn
    assert drawn.count("<rect class=") == (PAGE.parent / "checking-a-gradient.svg").read_text().count(
        "<rect class="
    )
