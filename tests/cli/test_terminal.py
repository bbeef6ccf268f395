"""What the commands share: dispatch, errors of one line, progress on every kind of terminal."""

from __future__ import annotations

import builtins
import io
import os
import subprocess
import sys

import pytest

import minigrad as mg
from minigrad import cli
from minigrad.cli import terminal


@pytest.fixture
def command(monkeypatch):
    """Replace the demo by a function."""

    def replace(function):
        module = type(sys)("minigrad_test_command")
        module.main = function
        monkeypatch.setitem(sys.modules, module.__name__, module)
        module.__spec__ = type(sys.__spec__)(module.__name__, None)
        monkeypatch.setitem(cli.COMMANDS, "demo", (module.__name__, "a test"))

    return replace


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self):
        return True


@pytest.fixture
def no_rich(monkeypatch):
    """As if rich were not installed."""
    original = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.partition(".")[0] == "rich":
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help_lists_the_commands(capsys, words):
    assert cli.main(words) == 0
    out = capsys.readouterr().out
    assert "usage: minigrad COMMAND" in out
    assert "\n  demo " in out
    assert max(len(line) for line in out.splitlines()) <= 100


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"minigrad {mg.__version__}\n"


def test_every_listed_command_exists_and_has_help(capsys):
    cli.main(["--help"])
    listed = [name for name in cli.COMMANDS if f"\n  {name} " in capsys.readouterr().out]
    assert "demo" in listed
    for name in listed:
        assert cli.main([name, "--help"]) == 0
        assert f"usage: minigrad {name}" in capsys.readouterr().out


def test_a_command_that_is_not_there_is_not_listed(capsys, monkeypatch):
    monkeypatch.setitem(cli.COMMANDS, "dream", ("minigrad.cli.dream", "not written yet"))
    cli.main([])
    assert "dream" not in capsys.readouterr().out
    assert cli.main(["dream"]) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dmo"], "minigrad: there is no command 'dmo'. Did you mean demo? See minigrad --help.\n"),
        (["zebra"], "minigrad: there is no command 'zebra'. See minigrad --help.\n"),
        (["--loud"], "minigrad: there is no option '--loud'. See minigrad --help.\n"),
        ([""], "minigrad: there is no command ''. See minigrad --help.\n"),
    ],
)
def test_unknown_words(capsys, words, message):
    assert cli.main(words) == 2
    assert capsys.readouterr().err == message


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (terminal.CommandError("wrong."), 2, "minigrad demo: wrong.\n"),
        (mg.ArgumentError("no such axis."), 1, "minigrad demo: no such axis.\n"),
        (KeyboardInterrupt(), 130, "minigrad demo: interrupted.\n"),
        (SystemExit(3), 3, ""),
        (SystemExit(), 0, ""),
    ],
)
def test_errors_are_one_line(capsys, command, error, code, message):
    def fail(words):
        raise error

    command(fail)
    assert cli.main(["demo"]) == code
    assert capsys.readouterr().err == message


def test_a_bug_keeps_its_traceback(command):
    def fail(words):
        raise ZeroDivisionError("a bug")

    command(fail)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        cli.main(["demo"])


def test_the_words_and_the_exit_code_pass_through(command):
    seen = []
    command(lambda words: seen.append(words) or 7)
    assert cli.main(["demo", "--out", "x"]) == 7
    assert seen == [["--out", "x"]]


def test_words_come_from_the_process(command, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["minigrad", "--version"])
    assert cli.main() == 0
    assert mg.__version__ in capsys.readouterr().out


def test_python_m_minigrad():
    done = subprocess.run(
        [sys.executable, "-m", "minigrad", "dmo"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "Did you mean demo?" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX systems")
def test_a_reader_that_leaves_is_no_error():
    script = "import sys; from minigrad.cli import main; sys.exit(main(['--help']))"
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-c", script], stdout=write, stderr=subprocess.PIPE, text=True, timeout=60
        )
    finally:
        os.close(write)
    assert done.returncode == 1
    assert done.stderr == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
def test_output_on_a_full_disk():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "minigrad", "--version"],
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "minigrad: [Errno 28] No space left on device\n"


@pytest.mark.parametrize("text", ["0", "-3", "1.5", "many", "", "nan", "1e3"])
def test_integers_are_checked(text):
    with pytest.raises(Exception, match="an integer from 1 upwards is needed") as caught:
        terminal.integer(1)(text)
    assert repr(text) in str(caught.value)


def test_progress_is_silent_when_quiet(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Screen())
    with terminal.progress("step", 2, quiet=True) as report:
        report(1, "half")
    assert sys.stderr.getvalue() == ""


@pytest.mark.parametrize(("total", "expected"), [(8, [2, 4, 6, 8]), (3, [1, 2, 3]), (1, [1])])
def test_progress_in_a_log_is_a_few_lines(monkeypatch, total, expected):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with terminal.progress("step", total) as report:
        for done in range(1, total + 1):
            report(done, f"note {done}")
    lines = sys.stderr.getvalue().splitlines()
    assert lines == [f"  step {done}/{total}  note {done}" for done in expected]


def test_progress_without_rich_is_one_line_rewritten(monkeypatch, no_rich):
    monkeypatch.setattr(sys, "stderr", Screen())
    with terminal.progress("step", 4) as report:
        report(1, "a long note")
        report(4, "short")
    shown = sys.stderr.getvalue()
    assert shown.count("\n") == 1
    assert shown.endswith("\n")
    first, last = shown.strip("\r\n").split("\r")
    assert first.count("#") == 7
    assert last.count("#") == 30
    assert len(last) >= len(first), "the end of the longer line before it is wiped out"


def test_progress_with_rich(monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setattr(sys, "stderr", Screen())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with terminal.progress("step", 4) as report:
        report(4, "with batch norm 97.0%")
    shown = sys.stderr.getvalue()
    assert "4/4" in shown
    assert "with batch norm 97.0%" in shown
