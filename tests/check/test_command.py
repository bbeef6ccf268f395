"""``minigrad check``: conventions, inputs in a line of text, exit codes, one clear line per error."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.check.command import main
from minigrad.check.inputs import FUNCTIONS, parse_inputs
from minigrad.cli import main as minigrad

SCRIPT = """
import numpy as np
import minigrad as mg

print("the script is running")

def layer_forward(x, w, settings):
    settings["seen"] = True
    return x @ w, (x, w)

def layer_backward(dy, cache):
    x, w = cache
    return dy @ w.T, x.T @ dy

def layer_inputs():
    rng = np.random.RandomState(0)
    return rng.randn(4, 3), rng.randn(3, 2), {"mode": "train"}

def square(x):
    return x**2

def square_backward(x, dy):
    return FACTOR * x * dy

square_inputs = (np.array([1.0, -2.0, 3.0]),)

@mg.checked("x=randn(4,3)", order=2)
def energy(x):
    return (x**2).sum()

def helper(a):
    return mg.exp(a)

if __name__ == "__main__":
    raise SystemExit("not as a script")
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text=SCRIPT, factor="2", name="mine.py"):
        (tmp_path / name).write_text(text.replace("FACTOR", factor))
        return name

    return write


def test_everything_in_a_file_is_found_and_checked(script, capsys):
    assert main([script()]) == 0
    printed = capsys.readouterr().out
    assert [line.split()[1] for line in printed.splitlines() if line.startswith("PASS")] == [
        "energy:",
        "layer:",
        "square:",
    ]
    assert "order 2" in printed
    assert "replay: minigrad check mine.py:square --seed 0" in printed


def test_a_wrong_backward_gives_exit_code_1(script, capsys):
    assert main([script(factor="2.001")]) == 1
    printed = capsys.readouterr().out
    assert "FAIL  square" in printed
    assert "constant factor: 1.0005" in printed
    assert "PASS  layer" in printed


def test_the_command_line_replays_a_failure(script, capsys):
    import shlex

    main([script(factor="2.001")])
    replay = next(s for s in capsys.readouterr().out.splitlines() if "mine.py:square" in s)
    assert minigrad(shlex.split(replay.removeprefix("replay: minigrad "))) == 1
    assert capsys.readouterr().out.count("FAIL") == 1


def test_one_function_or_a_forward_and_its_backward(script, capsys):
    name = script()
    assert main([f"{name}:energy", "--seed", "3"]) == 0
    assert main([f"{name}:helper", "--inputs", "a=randn(3)"]) == 0
    assert main([f"{name}:square", f"{name}:square_backward"]) == 0
    assert main([f"{name}:square", f"{name}:square_backward", "--inputs", "x=uniform(1,2,50,3)"]) == 0
    assert "float64[50, 3]" in capsys.readouterr().out


def test_inconclusive_and_vacuous_give_2(script, capsys):
    name = script()
    assert main([f"{name}:square", "--require-resolution", "1e-20"]) == 2
    assert main([f"{name}:square", "--require-resolution", "1e-20", "--lenient"]) == 0
    flat = script("import minigrad as mg\n@mg.checked('x=ones(3)')\ndef flat(x):\n    return x * 0.0\n")
    assert main([flat]) == 2
    assert "VACUOUS" in capsys.readouterr().out


def test_json_is_alone_on_standard_output(script, capsys):
    assert main([script(factor="3"), "--json"]) == 1
    printed = capsys.readouterr()
    read = json.loads(printed.out)
    assert [c["verdict"] for c in read["checks"]] == ["PASS", "PASS", "FAIL"]
    assert "the script is running" in printed.err


def test_pictures(script, tmp_path, capsys):
    name = script()
    assert main([name, "--figure", "pictures"]) == 0
    assert sorted(p.name for p in (tmp_path / "pictures").iterdir()) == [
        "energy.svg",
        "layer.svg",
        "square.svg",
    ]
    assert main([f"{name}:square", "--figure", "one.html"]) == 0
    assert (tmp_path / "one.html").read_text().startswith("<!doctype html>")
    capsys.readouterr()
    for path, words in (
        ("all.svg", "there are 3 checks; name a folder"),
        ("all.pdf", "suffix should be .svg, .png or .html"),
        ("nowhere/x.svg", "there are 3 checks"),
    ):
        assert main([name, "--figure", path]) == 3
        assert words in capsys.readouterr().err


def test_options_reach_the_check(script, capsys):
    name = script()
    assert main([f"{name}:layer", "--wrt", "w", "--mode", "full", "--points", "1", "--quiet"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("\n") == 2  # what the script prints, and one line
    assert main([f"{name}:square", "--inputs", "x=randn(3)", "--dtype", "float32"]) == 0
    assert "float32[3]" in capsys.readouterr().out


def test_nothing_is_written_beside_the_script(script, tmp_path):
    name = script()
    main([name])
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_modules_are_found_by_name(script, capsys):
    script(name="my_module.py")
    try:
        assert main(["my_module:square"]) == 0
        assert "PASS" in capsys.readouterr().out
    finally:
        sys.modules.pop("my_module", None)


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        (None, ["nofile.py"], "there is no file 'nofile.py'"),
        (None, ["no.such.module:f"], "there is no file and no module 'no.such.module'"),
        (None, ["."], ". is a folder"),
        (SCRIPT, ["mine.py:nope"], "mine.py has no function 'nope'. Its functions: layer_forward"),
        (
            SCRIPT,
            ["mine.py:helpr"],
            "mine.py has no function 'helpr'. Did you mean helper? Its functions",
        ),
        (None, ["numpy:nosuch"], "numpy has no function 'nosuch'."),
        (None, ["numpy:nosuch"], " more."),
        (
            SCRIPT,
            ["mine.py:helper", "--inputs", "a=randn(1000000000000000,3)"],
            "randn(1000000000000000, 3) does not work: Unable to allocate",
        ),
        (
            SCRIPT,
            ["mine.py:helper", "--figure", "a.pdf"],
            "For a PDF open one of these in a browser",
        ),
        (SCRIPT, ["mine.py:helper"], "helper: what are its inputs? Define helper_inputs"),
        (SCRIPT, ["mine.py", "mine.py"], "'mine.py' names no function"),
        (SCRIPT, ["a", "b", "c"], "name one file or function"),
        (SCRIPT, ["mine.py", "--mode", "fast"], "invalid choice: 'fast'"),
        (SCRIPT, ["mine.py", "--seed", "-1"], "an integer from 0 upwards is needed"),
        (SCRIPT, ["mine.py:square", "--order", "3"], "--order 2 is for functions"),
        (SCRIPT, ["mine.py:energy", "--order", "3"], "order is 1 or 2, not 3"),
        (SCRIPT, ["mine.py:square", "--wrt", "z"], "there is no input 'z'"),
        (SCRIPT, ["mine.py:square", "--inputs", "x=system('ls')"], "cannot be read"),
        (
            SCRIPT,
            ["mine.py:square", "--inputs", "x=randn(2),y=randn(2)"],
            "--inputs gives 'y', and square takes x.",
        ),
        ("x = 1\n", ["mine.py"], "mine.py holds nothing to check"),
        ("x = 1\ny = foo\n", ["mine.py"], "mine.py, line 2, fails with NameError"),
        (
            "import numpy as np\ndef f(x, w): return x @ w\ndef f_backward(dy, x, w): return dy @ w.T, x.T @ dy\n"
            "f_inputs = (np.ones((3, 4)), np.ones((4, 2)))\n",
            ["mine.py"],
            "The check called f_backward(x, w, dy).",
        ),
        ("def f(:\n", ["mine.py"], "mine.py, line 1, fails with SyntaxError"),
        ("import sys\nsys.exit(3)\n", ["mine.py"], "line 2, leaves with sys.exit(3)"),
        (
            "f_inputs = 1.0\ndef f(x):\n    return x\ndef f_backward(x, dy):\n    return 1 / 0\n",
            ["mine.py"],
            "f, line 5, fails with ZeroDivisionError",
        ),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_3(script, capsys, text, words, expected):
    if text is not None:
        script(text)
    assert minigrad(["check", *words]) == 3
    complaint = capsys.readouterr().err.strip().splitlines()[-1]
    assert complaint.startswith("minigrad check: ")
    assert expected in complaint


def test_as_a_process(script):
    command = [sys.executable, "-m", "minigrad", "check", script(factor="5"), "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "FAIL  square" in done.stdout


def test_progress_is_shown_on_long_checks_only(script, capsys, monkeypatch):
    from minigrad.check import command

    assert main([script()]) == 0
    assert "checking" not in capsys.readouterr().err
    monkeypatch.setattr(command, "PATIENCE", 0.0)
    assert main(["mine.py"]) == 0
    assert "checking layer" in capsys.readouterr().err


# The line that describes inputs --------------------------------------------------------------------


def test_every_function_of_the_line_works_as_its_example_says():
    for example, _ in FUNCTIONS.values():
        call = example.split(":")[0]
        for name, number in (("mean", "0"), ("std", "1"), ("low", "0"), ("high", "3"), ("value", "2")):
            call = call.replace(f"{name},", f"{number},")
        value = parse_inputs(f"x={call}")["x"]
        assert isinstance(value, np.ndarray), example
        assert value.size


def test_the_line_is_reproducible_and_independent_of_other_inputs():
    one, again = parse_inputs("x=randn(3)"), parse_inputs("x=randn(3), y=randn(3)")
    assert np.array_equal(one["x"], again["x"])
    assert not np.array_equal(again["x"], again["y"])
    assert not np.array_equal(one["x"], parse_inputs("x=randn(3)", seed=1)["x"])
    # ... and unlike what a user draws with the same seed
    assert not np.allclose(one["x"], np.random.RandomState(0).randn(3))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x", "every input needs a name"),
        ("", "every input needs a name"),
        ("x=", "not a list of name=value"),
        ("x=rnadn(3)", "'rnadn(3)' is none of the functions"),
        ("x=randn(3, axis=1)", "none of the functions"),
        ("x=__import__('os')", "none of the functions"),
        ("x=randn('a')", "does not work"),
        ("x=[1,'a']", "is not a list of numbers"),
        ("x=y", "'y' is not a plain value"),
        ("**x", "** has no meaning"),
    ],
)
def test_a_line_that_cannot_be_read(text, words):
    with pytest.raises(mg.ArgumentError) as caught:
        parse_inputs(text)
    assert words in str(caught.value)
    assert "randn(16,5)" in str(caught.value)


def test_the_decorator_gives_the_function_back():
    @mg.checked
    def plain(x):
        return x

    @mg.checked(np.ones(2), seed=3)
    def marked(x):
        return x

    assert plain(1) == marked(1) == 1


def test_ctrl_c_while_minigrad_is_imported_is_one_line():
    code = """
import runpy
import sys

class Interrupt:
    def find_spec(self, name, *where):
        if name == "minigrad.cli":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt())
sys.exit(runpy.run_path("minigrad/cli/start.py")["main"]())
"""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "minigrad: interrupted.\n")


def test_the_installed_command_starts_there():
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    project = tomllib.loads(text)
    assert project["project"]["scripts"] == {"minigrad": "minigrad_command:main"}
    installed = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert installed == {"minigrad/cli/start.py": "minigrad_command.py"}
