"""The pytest plugin, in a pytest of its own."""

from __future__ import annotations

import json

import pytest

from minigrad.check.pytest_plugin import Gradcheck
from minigrad.errors import ArgumentError

pytest_plugins = ["pytester"]

TESTS = """
import numpy as np
import minigrad as mg

x = np.array([1.0, -2.0, 3.0])

def test_right(gradcheck):
    report = gradcheck(mg.tanh, x, order=2)
    assert report.verdict == "PASS"

def test_pair(gradcheck):
    gradcheck.pair(lambda x: x**2, lambda x, dy: 3 * x * dy, x)

def test_against(gradcheck):
    gradcheck.against(mg.exp, mg.tanh, x)

def test_seed(gradcheck):
    print("seed", gradcheck(mg.exp, x).seed, gradcheck(mg.exp, x, seed=9).seed)
    print("mode", gradcheck(mg.exp, x).mode)
"""


@pytest.fixture
def run(pytester, monkeypatch):
    # Loaded by name, once, whether or not the entry point is installed.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(test_sample=TESTS)
    return lambda *words: pytester.runpytest_subprocess("-p", "minigrad.check.pytest_plugin", *words)


def test_failures_say_everything(run):
    result = run()
    result.assert_outcomes(passed=2, failed=2)
    text = result.stdout.str()
    assert "FAIL  <lambda>" in text
    assert "constant factor: 1.5" in text
    assert "FAIL  exp against tanh" in text
    assert "Traceback" not in text


def test_reports_go_into_a_folder(run, pytester):
    run("--gradcheck-report", "reports").assert_outcomes(passed=2, failed=2)
    files = sorted(p.name for p in (pytester.path / "reports").iterdir())
    assert files == [
        "test_sample.py_test_against.json",
        "test_sample.py_test_against.svg",
        "test_sample.py_test_pair.json",
        "test_sample.py_test_pair.svg",
    ]
    read = json.loads((pytester.path / "reports" / "test_sample.py_test_pair.json").read_text())
    assert read["verdict"] == "FAIL"


def test_options_apply_where_the_test_does_not_say_otherwise(run):
    result = run("--gradcheck-seed", "5", "--gradcheck-mode", "full", "-k", "seed", "-s")
    result.assert_outcomes(passed=1, deselected=3)
    text = result.stdout.str()
    assert "seed 5 9" in text
    assert "mode full" in text


def test_wrong_options_are_refused(run):
    assert run("--gradcheck-mode", "fast").ret != 0


def test_it_is_an_entry_point():
    import tomllib
    from pathlib import Path

    settings = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert settings["project"]["entry-points"]["pytest11"] == {
        "minigrad": "minigrad.check.pytest_plugin"
    }


@pytest.mark.parametrize("words", [(abs, abs), (abs, abs, 1.0)])
def test_a_pair_given_as_a_function_is_told_where_pairs_go(request, words):
    with pytest.raises(ArgumentError, match=r"gradcheck\.pair\(forward, backward, inputs\)"):
        Gradcheck(request.config, "a test")(*words)
