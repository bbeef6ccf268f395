"""The laboratory: every experiment declares itself, runs, and writes what it saw."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ElementTree

import pytest

import minigrad as mg
from minigrad.cli import lab, main
from minigrad.lab import Outcome, experiment, experiments, run
from minigrad.lab.experiment import SOURCES

EXACT = [e.name for e in experiments().values() if e.row.startswith("A")]
OTHERS = [e.name for e in experiments().values() if not e.row.startswith("A")]


@pytest.mark.parametrize("name", list(experiments()))
def test_every_experiment_says_what_it_is(name):
    e = experiments()[name]
    assert e.claim
    assert e.setup.endswith(".")
    assert e.expected.endswith(".")
    assert set(e.sources) <= set(SOURCES)
    assert e.seeds >= e.quick_seeds >= 1


def proved(name, tmp_path):
    found = run(experiments()[name], quick=True, folder=tmp_path)
    assert found["summary"]
    assert json.loads((tmp_path / f"{name}.json").read_text())["verdict"] == found["verdict"]
    assert ElementTree.fromstring((tmp_path / f"{name}.svg").read_text()).tag.endswith("svg")
    return found


@pytest.mark.parametrize("name", EXACT)
def test_exact_identities_hold(name, tmp_path):
    assert proved(name, tmp_path)["verdict"] != "does not hold here"


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_experiments_run(name, tmp_path):
    proved(name, tmp_path)


def test_figures_are_the_same_every_time(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        run(experiments()["broadcast"], quick=True, folder=tmp_path / folder)
    one, other = ((tmp_path / f / "broadcast.svg").read_bytes() for f in ("a", "b"))
    assert one == other


def test_a_verdict_or_source_that_does_not_exist_is_refused():
    with pytest.raises(mg.ArgumentError, match=r"Outcome: verdict is one of .* not 'maybe'"):
        Outcome("maybe", "")
    with pytest.raises(mg.ArgumentError, match="there is no source 'S9'"):
        experiment("A1", "", ["S9"], "", "", lambda figure, data: None)


def test_an_outcome_must_survive_json():
    declare = experiment("A1", "c", ["S0"], "s.", "e.", lambda figure, data: None)
    broken = declare(lambda bench: Outcome("holds", "s", data={"loss": float("nan")}))
    with pytest.raises(mg.ArgumentError, match=r"does not survive JSON.*None instead of NaN"):
        run(broken)


# The command -------------------------------------------------------------------------------------


def test_the_command_lists_runs_and_writes(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["lab", "list"]) == 0
    assert "A10  broadcast" in capsys.readouterr().out
    assert main(["lab", "list", "--json"]) == 0
    assert {e["name"] for e in json.loads(capsys.readouterr().out)} == set(experiments())
    assert main(["lab", "run", "A10", "--quick"]) == 0
    out = capsys.readouterr().out
    assert "+ holds" in out
    assert {p.name for p in (tmp_path / "minigrad-lab").iterdir()} == {
        "broadcast.json",
        "broadcast.svg",
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "broadcst"], "there is no experiment 'broadcst'. Did you mean broadcast?"),
        (["run"], "give the names of experiments, or --all"),
        (["run", "--all", "A1"], "give the names of experiments, or --all"),
        (["run", "A10", "--quik"], "there is no option '--quik'. See minigrad lab run --help."),
        (["run", "A10", "--quick=3"], "--quick takes no value. See minigrad lab run --help."),
        (["run", "A10", "--out"], "--out needs the name of a folder. See minigrad lab run --help."),
        (["run", "A10", "--out", ""], "--out needs the name of a folder. See minigrad lab run --help."),
        (["run", "A10", "--out="], "--out needs the name of a folder. See minigrad lab run --help."),
        (["list", "A10"], "there is no argument 'A10'. See minigrad lab list --help."),
        (["rn"], "there is no 'rn', but list and run. See minigrad lab --help."),
        ([], "give list or run. See minigrad lab --help."),
    ],
)
def test_wrong_use_is_one_line(words, message, capsys):
    assert main(["lab", *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["lab", "run", "broadcast", "--quick", "--out", str(tmp_path / "file")]) == 2
    assert "cannot write to" in capsys.readouterr().err


def test_without_matplotlib_nothing_is_measured_and_no_folder_is_left(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    measured = []
    declare = experiment("A1", "c", ["S0"], "s.", "e.", lambda figure, data: None)
    e = declare(lambda bench: measured.append(bench) or Outcome("holds", "s"))
    with pytest.raises(mg.MissingExtraError, match=r"needs matplotlib.*minigrad\[lab\]"):
        run(e, folder=tmp_path)
    assert measured == []
    assert main(["lab", "run", "broadcast", "--quick"]) == 1
    out, error = capsys.readouterr()
    assert out == ""
    assert "minigrad[lab]" in error
    assert list(tmp_path.iterdir()) == []
    assert run(e)["verdict"] == "holds"  # without a folder there is no figure


def test_a_folder_that_stays_empty_is_not_left_behind(tmp_path, capsys, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(lab, "run", stopped)
    assert main(["lab", "run", "broadcast", "--out", str(tmp_path / "new")]) == 130
    assert list(tmp_path.iterdir()) == []


def test_a_row_is_found_in_small_letters_too(tmp_path, capsys):
    assert main(["lab", "run", "a10", "--quick", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "broadcast.json").exists()
