"""A missing ``dot``: what to type on the system at hand, and the way out without it."""

from __future__ import annotations

import platform
import sys

import pytest

import minigrad as mg
from minigrad.render import program

CASES = [
    ("linux", {"ID": "debian"}, "", "Debian, Ubuntu (here): sudo apt install graphviz"),
    ("linux", {"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, "", "sudo apt install graphviz"),
    ("linux", {"ID": "fedora"}, "", "Fedora (here):  sudo dnf install graphviz"),
    ("linux", {"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, "", "sudo dnf install graphviz"),
    ("linux", {"ID": "alpine"}, "", "sudo apk add graphviz"),
    ("darwin", {}, "", "brew install graphviz"),
    ("win32", {}, "", "winget install Graphviz.Graphviz  (or: choco install graphviz)"),
    ("darwin", {}, "/opt/conda", "conda install -c conda-forge graphviz"),
]  # fmt: skip


@pytest.mark.parametrize(("system", "release", "conda", "line"), CASES)
def test_the_line_for_this_system_comes_first(monkeypatch, system, release, conda, line):
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: release)
    monkeypatch.setenv("CONDA_PREFIX", conda)
    lines = program.install_lines().splitlines()
    assert line in lines[0]
    assert "(here)" in lines[0]
    text = "\n".join(lines)
    for command in ("apt install", "dnf install", "brew install", "winget install", "conda install"):
        assert text.count(command) == 1


def test_an_unknown_system_gets_the_list(monkeypatch):
    def unknown():
        raise OSError("no os-release")

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "freedesktop_os_release", unknown)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    assert "(here)" not in program.install_lines()
    assert len(program.install_lines().splitlines()) == 5


def test_the_message_names_the_way_out(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(mg.MissingProgramError) as caught:
        program.run_dot("digraph {}", "svg", 1)
    assert 'engine="own"' in str(caught.value)
    assert program.install_lines() in str(caught.value)
