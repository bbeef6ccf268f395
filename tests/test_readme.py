"""What the README says is so: its examples, its commands, its links."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import minigrad as mg
from minigrad import cli

TOP = Path(__file__).parents[1]
README = (TOP / "README.md").read_text(encoding="utf-8")


def test_examples():
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    result = doctest.testfile(str(TOP / "README.md"), module_relative=False, optionflags=flags)
    assert result.attempted >= 8
    assert result.failed == 0


def test_two_commands_do_all_the_set_up():
    commands = re.findall(r"```sh\n(.*?)\n```", README, re.DOTALL)
    assert len(commands) == 2
    for command in commands:
        assert "\n" not in command
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert commands[0].endswith(".venv/bin/minigrad demo")
    assert commands[1].endswith(".venv/bin/python -m pytest")
    for extra in re.findall(r"\[(\w+)\]", " ".join(commands)):
        assert f"\n{extra} = [" in (TOP / "pyproject.toml").read_text()


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", README):
        path = "".join(target)
        if not path.startswith("http"):
            assert (TOP / path).exists(), path
    for path, anchor in re.findall(r"\]\(([^)#]+)#([^)]+)\)", README):
        headings = re.findall(r"^#+ (.+)$", (TOP / path).read_text(encoding="utf-8"), re.MULTILINE)
        assert anchor in [h.lower().replace(" ", "-") for h in headings], anchor


def test_names_exist():
    for name in re.findall(r"`mg\.([a-z_.]+)", README):
        found = mg
        for part in name.rstrip(".").split("."):
            found = getattr(found, part)
    for command in re.findall(r"`minigrad ([a-z]+)", README):
        assert command in cli.COMMANDS
