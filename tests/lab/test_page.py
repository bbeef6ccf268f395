"""The page docs/laboratory.md is what its generator makes of the runs kept beside it."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from minigrad.lab import experiments

DOCS = Path(__file__).parents[2] / "docs"
AGAIN = "run `minigrad lab run NAME --out docs/laboratory`, then `python docs/write_laboratory.py`"


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(DOCS / "write_laboratory.py"))


def test_the_page_is_what_the_generator_writes(script):
    written = (DOCS / "laboratory.md").read_text(encoding="utf-8")
    assert written == script["page"](script["results"]()), AGAIN


@pytest.mark.parametrize("name", list(experiments()))
def test_every_experiment_has_an_entry_as_it_is_declared(script, name):
    e, found = experiments()[name], script["results"]()
    assert name in found, AGAIN
    declared = {k: found[name][k] for k in ("row", "claim", "sources", "setup", "expected")}
    now = {"row": e.row, "claim": e.claim, "sources": list(e.sources)}
    assert declared == {**now, "setup": e.setup, "expected": e.expected}, AGAIN
    page = (DOCS / "laboratory.md").read_text(encoding="utf-8")
    assert page.count(f"\n### {e.row} {name}\n") == 1
    assert f"**{found[name]['verdict'].capitalize()}**" in page


def test_nothing_is_kept_of_experiments_that_are_gone():
    kept = {path.stem for path in (DOCS / "laboratory").glob("*.json")}
    assert kept == set(experiments())


def test_every_picture_and_link_leads_somewhere():
    page = (DOCS / "laboratory.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", page)
    assert len(pictures) == len(experiments()) + 3
    for path in pictures:
        assert (DOCS / path).read_text(encoding="utf-8").rstrip().endswith("</svg>")
    headings = {h.lower().replace(" ", "-") for h in re.findall(r"^### (.+)$", page, re.M)}
    assert set(re.findall(r"\]\(#([^)]+)\)", page)) == headings


def test_a_run_that_says_something_else_makes_another_page(script):
    found = script["results"]()
    name = next(iter(found))
    changed = {
        **found,
        name: {**found[name], "summary": "a | <b> `c`", "quick": not found[name]["quick"]},
    }
    page = script["page"](changed)
    assert page != script["page"](found)
    assert r"a \| &lt;b&gt; \`c\`" in page
