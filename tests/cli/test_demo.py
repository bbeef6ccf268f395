"""minigrad demo: what it prints and writes, what it refuses, and how it behaves when interrupted."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from minigrad import cli
from minigrad.cli import demo, evidence, twins
from minigrad.files import write_atomically
from minigrad.render import picture

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """One whole run of few steps, in a process of its own, without `dot` on the path."""
    folder = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "minigrad", "demo", "--out", "pictures", "--steps", "30"],
        cwd=folder, capture_output=True, text=True, timeout=300,
        env={**os.environ, "PATH": str(folder), "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    return folder, done


@pytest.fixture
def light(monkeypatch, tmp_path):
    """The demo in this process, in an empty folder, without what takes seconds."""
    monkeypatch.chdir(tmp_path)
    histories = {
        twins.WITH: twins.History([1, 2], [2.0, 0.5], [0.5, 0.95]),
        twins.WITHOUT: twins.History([1, 2], [2.0, 1.0], [0.1, 0.3]),
    }
    monkeypatch.setattr(demo, "train", lambda seed, steps, report: histories)
    rows = [evidence.Agreement(1, "x", 1e-16, 2e-16, 3e-16)]
    monkeypatch.setattr(demo, "agreement", lambda seed: (rows, {}))
    monkeypatch.setattr(demo, "render", lambda graph, path, **shown: write_atomically(path, "<svg/>"))
    return tmp_path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# A whole run ----------------------------------------------------------------------------------


def test_it_succeeds_without_dot(whole):
    folder, done = whole
    assert done.returncode == 0, done.stderr
    assert names(folder / "pictures") == [
        "batchnorm-backward.svg", "batchnorm.html", "batchnorm.svg", "training.csv", "training.png",
    ]  # fmt: skip
    assert f"Written to {(folder / 'pictures').resolve()}:" in done.stdout
    assert "graphviz" not in done.stdout
    for name in ("batchnorm", "batchnorm-backward"):
        ElementTree.parse(folder / f"pictures/{name}.svg")
    assert (folder / "pictures/training.png").read_bytes().startswith(PNG)


def test_the_page_holds_a_whole_backward_pass(whole):
    page = (whole[0] / "pictures/batchnorm.html").read_bytes()
    assert len(page) <= 150_000
    drawn = picture(demo.recorded(), paths=["mean", "variance"], wrt="x")
    assert {step.phase for step in drawn.steps} == {"forward", "backward"}
    numeric = np.array(drawn.paths.numeric.entries)
    np.testing.assert_allclose(drawn.paths.total.entries, numeric, rtol=1e-8, atol=1e-9)
    assert 0.05 < drawn.paths.survives < 0.95  # all of the bar's parts can be seen
    assert all(part.share > 0.05 for part in drawn.paths.parts[:3])


def test_progress_goes_to_standard_error(whole):
    assert re.search(r"step 30/30 +with batch norm \d+\.\d%, without \d+\.\d%", whole[1].stderr)
    assert "step 30/30" not in whole[1].stdout


def test_both_accuracies(whole):
    found = dict(
        re.findall(r"^  (with batch norm|without) +\d\.\d+ +(\d+\.\d)%", whole[1].stdout, re.M)
    )
    assert float(found["with batch norm"]) > float(found["without"]) > 0
    with open(whole[0] / "pictures/training.csv") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == list(range(1, 31))
    for name, shown in found.items():
        assert 100 * float(rows[-1][f"test accuracy {name}"]) == pytest.approx(float(shown), abs=0.06)


def test_the_agreement_table(whole):
    rows = re.findall(r"^  (first|second) order, (\w+) +(\S+) +(\S+) +(\S+)$", whole[1].stdout, re.M)
    assert [row[:2] for row in rows] == [
        (order, name) for order in ("first", "second") for name in ("x", "gamma", "beta")
    ]
    assert all(0 <= float(cell) <= 1e-12 for row in rows for cell in row[2:])
    assert any(float(cell) > 0 for row in rows for cell in row[2:])
    assert "All agree to 1e-12." in whole[1].stdout


def test_the_projections(whole):
    rows = dict(
        re.findall(r"^  (differentiated|by the formula|held constant) +(.+)$", whole[1].stdout, re.M)
    )
    shares = {name: [float(cell) for cell in row.split()] for name, row in rows.items()}
    assert shares["differentiated"][0] < 1e-12
    assert shares["differentiated"][1] == shares["by the formula"][1]
    assert min(shares["held constant"]) > 0.01


def test_the_graph_in_words(whole):
    for line in ("mean(x: f64[8,3], axis=0)", "sqrt(", "broadcast(gamma: f64[3])"):
        assert line in whole[1].stdout


# Parts ------------------------------------------------------------------------------------------


def test_twins_differ_in_batch_norm_alone():
    ours, theirs = twins.network(3, True), twins.network(3, False)
    linear = [layer for layer in ours if type(layer).__name__ == "Linear"]
    others = [layer for layer in theirs if type(layer).__name__ == "Linear"]
    assert len(linear) == len(others) == 4
    for a, b in zip(linear, others):
        assert a.weight.tolist() == b.weight.tolist()
        assert a.bias.tolist() == b.bias.tolist()
    assert [type(layer).__name__ for layer in ours if layer not in linear] == [
        "BatchNorm1d",
        "ReLU",
    ] * 3


def test_training_is_the_same_each_time_and_batch_norm_is_faster():
    first, second = (twins.train(1, 40, lambda done, note: None) for _ in range(2))
    assert first == second
    assert first[twins.WITH].accuracies[-1] > 0.8 > first[twins.WITHOUT].accuracies[-1]
    assert first[twins.WITH].losses[-1] < first[twins.WITHOUT].losses[-1]


def test_agreement_sees_a_difference(monkeypatch):
    right = evidence.batchnorm.fused

    def fused(x, gamma, beta):
        return right(x, gamma, beta, eps=2e-5)

    monkeypatch.setattr(evidence.batchnorm, "fused", fused)
    rows, reports = evidence.agreement(0)
    assert max(row.between for row in rows) > 1e-9
    assert all(reports.values()), "each agrees with its own numerical gradient"


def test_when_they_disagree_the_demo_says_so(light, monkeypatch, capsys):
    rows = [evidence.Agreement(2, "gamma", 1e-9, 0.0, 0.0)]
    monkeypatch.setattr(demo, "agreement", lambda seed: (rows, {}))
    assert cli.main(["demo", "--quiet"]) == 1
    out = capsys.readouterr().out
    assert "second order, gamma" in out
    assert "THEY DO NOT AGREE to 1e-12." in out


def test_projections_follow_the_formula():
    for seed in (0, 5):
        differentiated, constant, predicted = evidence.projections(seed)
        assert differentiated.mean < 1e-14
        assert differentiated.x_hat == pytest.approx(predicted, rel=1e-9)
        assert constant.x_hat > 100 * differentiated.x_hat


# Options ----------------------------------------------------------------------------------------


def test_help(capsys):
    assert cli.main(["demo", "--help"]) == 0
    out = capsys.readouterr().out
    for option in ("--out DIR", "--seed N", "--steps N", "--quiet"):
        assert option in out


def test_quiet_prints_numbers_and_files_alone(light, capsys):
    assert cli.main(["demo", "--quiet"]) == 0
    quiet = capsys.readouterr()
    assert cli.main(["demo"]) == 0
    loud = capsys.readouterr()
    assert quiet.err == ""
    assert len(quiet.out.splitlines()) < 30 < len(loud.out.splitlines())
    assert set(quiet.out.splitlines()) <= set(loud.out.splitlines())
    assert max(len(line) for line in loud.out.splitlines() if "Written" not in line) <= 100


def test_the_default_folder(light, capsys):
    assert cli.main(["demo", "--quiet"]) == 0
    assert names(light / "minigrad-demo") == [
        "batchnorm-backward.svg", "batchnorm.html", "batchnorm.svg", "training.csv", "training.png",
    ]  # fmt: skip


def test_a_second_run_replaces_its_files_and_no_others(light):
    (light / "out").mkdir()
    (light / "out" / "mine.txt").write_text("mine")
    for _ in range(2):
        assert cli.main(["demo", "--quiet", "--out", "out"]) == 0
    assert names(light / "out")[-3:] == ["mine.txt", "training.csv", "training.png"]
    assert (light / "out" / "mine.txt").read_text() == "mine"


def test_a_file_of_any_name_is_safe(light):
    (light / "out").mkdir()
    for name in ("test", "tmp", "batchnorm"):
        (light / "out" / name).write_text(name)
    assert cli.main(["demo", "--quiet", "--out", "out"]) == 0
    assert all((light / "out" / name).read_text() == name for name in ("test", "tmp", "batchnorm"))


def test_folders_are_made(light):
    assert cli.main(["demo", "--quiet", "--out", "a/b/c d"]) == 0
    assert "training.csv" in names(light / "a" / "b" / "c d")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--steps", "0"], "argument --steps: an integer from 1 upwards is needed, not '0'."),
        (["--steps", "many"], "argument --steps: an integer from 1 upwards is needed, not 'many'."),
        (["--steps"], "argument --steps: expected one argument."),
        (["--seed", "-1"], "argument --seed: an integer from 0 upwards is needed, not '-1'."),
        (["--seed", "1.5"], "argument --seed: an integer from 0 upwards is needed, not '1.5'."),
        (["--out", ""], "--out needs the name of a folder."),
        (["--sed", "1"], "unrecognized arguments: --sed 1."),
        (["now"], "unrecognized arguments: now."),
    ],
)
def test_wrong_values(light, capsys, words, message):
    assert cli.main(["demo", *words]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == f"minigrad demo: {message} See minigrad demo --help.\n"
    assert names(light) == []


def test_a_name_that_is_too_long(light, capsys):
    assert cli.main(["demo", "--out", "a" * 300]) == 2
    assert capsys.readouterr().err.endswith("a: File name too long. Choose a folder with --out DIR.\n")


def test_what_goes_wrong_with_the_output_is_not_blamed_on_the_folder(light, capfd, monkeypatch):
    def leave(seed, say):
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(demo, "_projection", leave)
    monkeypatch.setattr(os, "dup2", lambda new, old: None)
    assert cli.main(["demo", "--quiet"]) == 1
    assert capfd.readouterr().err == ""
    assert names(light) == []


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_file_in_the_way(light, capsys, name):
    (light / "file").write_text("here first")
    assert cli.main(["demo", "--out", name]) == 2
    printed = capsys.readouterr()
    assert printed.out == "", "found out before any work is done"
    assert printed.err.count("\n") == 1
    assert re.match(
        r"minigrad demo: cannot write to file.*: (File exists|Not a dir.*)\. Ch", printed.err
    )
    assert (light / "file").read_text() == "here first"
    assert names(light) == ["file"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(28, "No space left on device"), "No space left"),
        (PermissionError(13, "Denied"), "Denied"),
    ],
)
def test_a_disk_that_is_full_or_closed(light, capsys, monkeypatch, error, reason):
    def fail(path, histories):
        error.filename = str(path)
        raise error

    monkeypatch.setattr(demo, "_write_table", fail)
    assert cli.main(["demo", "--quiet", "--out", "out"]) == 2
    where = re.escape(os.path.join("out", "training.csv"))
    expected = (
        rf"minigrad demo: cannot write to {where}: {reason}[^.]*\. Choose a folder with --out DIR\.\n"
    )
    assert re.fullmatch(expected, capsys.readouterr().err)


def test_without_matplotlib(light, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert cli.main(["demo", "--quiet"]) == 0
    assert (
        'needs matplotlib, which is not installed. Install it with: pip install "minigrad[plot]"'
        in (capsys.readouterr().out)
    )
    assert names(light / "minigrad-demo")[-1] == "training.csv"


def test_one_step(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "agreement", lambda seed: ([], {}))
    assert cli.main(["demo", "--steps", "1", "--quiet", "--out", str(tmp_path)]) == 0
    assert len((tmp_path / "training.csv").read_text().splitlines()) == 2


# Interrupts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["train", "agreement", "projections", "render", "_write_curves"])
def test_an_interrupt_is_one_line_and_leaves_nothing_half_done(light, capsys, monkeypatch, where):
    def interrupt(*args, **shown):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, where, interrupt)
    assert cli.main(["demo", "--quiet"]) == 130
    assert capsys.readouterr().err == "minigrad demo: interrupted.\n"
    left = names(light / "minigrad-demo") if (light / "minigrad-demo").exists() else []
    assert all(
        name in ("batchnorm.svg", "batchnorm.html", "batchnorm-backward.svg", "training.csv")
        for name in left
    )
    if where in ("train", "agreement", "projections", "render"):
        assert names(light) == [], "a folder that was made for nothing is removed"


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX systems")
def test_ctrl_c_while_it_trains(tmp_path):
    # A shell starts what runs in the background with this signal ignored; children inherit that.
    script = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from minigrad.cli import main; sys.exit(main(['demo', '--steps', '1000000']))"
    )
    with subprocess.Popen(
        [sys.executable, "-u", "-c", script],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:  # fmt: skip
        try:
            assert process.stdout.readline().startswith("1. Training")
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert err == "minigrad demo: interrupted.\n"
    assert names(tmp_path) == []
