"""A skip says what is missing, and where everything must be there it is a failure."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import pytest

@pytest.mark.dot
def test_needs_dot():
    pass

@pytest.mark.slow
def test_slow():
    pass
"""
SETTINGS = "[pytest]\nmarkers =\n    dot: d\n    slow: s\n    torch: t\n    jax: j\n    browser: b\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copy(Path(__file__).parent / "conftest.py", tmp_path)
    (tmp_path / "test_program.py").write_text(PROGRAM)
    (tmp_path / "pytest.ini").write_text(SETTINGS)
    return tmp_path


def run(project: Path, *options: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-ra", "-p", "no:cacheprovider", *options],
        cwd=project,
        env=os.environ | {"PATH": str(project), "MINIGRAD_REQUIRE": ""} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout


def test_what_is_missing_is_named(project: Path) -> None:
    text = run(project)
    assert "2 skipped" in text
    assert "needs Graphviz' program dot (apt install graphviz)" in text
    assert "slow: run with -m slow" in text


def test_a_required_one_is_a_failure(project: Path) -> None:
    text = run(project, MINIGRAD_REQUIRE="1")
    assert "1 skipped, 1 error" in text
    assert "MINIGRAD_REQUIRE=1, and this test needs Graphviz' program dot" in text


def test_slow_ones_run_when_asked_for(project: Path) -> None:
    assert "1 passed, 1 deselected" in run(project, "-m", "slow")
