"""History: a mapping of lists, drawn as curves."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import minigrad as mg
from minigrad.training import History

COLUMNS = {
    "loss": [3.0, 2.0, 1.0], "accuracy": [0.1, 0.5, 0.9],
    "val_loss": [3.5, 2.5, 2.0], "val_accuracy": [0.1, 0.4, 0.6],
}  # fmt: skip


def test_it_is_a_mapping_of_lists() -> None:
    history = History(COLUMNS)
    assert dict(history) == COLUMNS
    assert (list(history), len(history), history.epochs) == (list(COLUMNS), 4, 3)
    assert "val_loss" in history
    history.append(dict.fromkeys(COLUMNS, 0.25))
    assert history["loss"] == [3.0, 2.0, 1.0, 0.25]
    assert COLUMNS["loss"] == [3.0, 2.0, 1.0]


def test_repr() -> None:
    assert repr(History()) == "History of 0 epochs"
    assert repr(History({"loss": [0.123456]})) == "History of 1 epoch: loss 0.1235 to 0.1235"
    assert (
        repr(History({"a": [1.0, 2.0], "b": [0.0, 5.0]})) == "History of 2 epochs: a 1 to 2, b 0 to 5"
    )


@pytest.mark.parametrize(
    ("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF"), ("PNG", b"\x89PNG")]
)
def test_plot(tmp_path: Path, suffix: str, start: bytes) -> None:
    path = History(COLUMNS).plot(tmp_path / f"curves.{suffix}")
    assert path.read_bytes().startswith(start)
    assert [p.name for p in tmp_path.iterdir()] == [f"curves.{suffix}"]
    first = path.read_bytes()
    assert History(COLUMNS).plot(path).read_bytes() == first


def test_what_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib import figure as figures

    drawn: list[Any] = []
    save = figures.Figure.savefig
    monkeypatch.setattr(
        figures.Figure, "savefig", lambda self, *a, **k: (drawn.append(self), save(self, *a, **k))
    )
    History(COLUMNS | {"a$b$_x^": [1.0, 1.0, 1.0]}).plot(tmp_path / "a.svg")
    (figure,) = drawn
    loss, accuracy, odd = figure.axes
    assert [axes.get_title() for axes in (loss, accuracy)] == ["loss", "accuracy"]
    assert odd.get_title() == r"a\$b\$_x^"
    for axes, name in ((loss, "loss"), (accuracy, "accuracy")):
        curves = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
        assert curves == {"training": COLUMNS[name], "validation": COLUMNS[f"val_{name}"]}
        assert list(axes.lines[0].get_xdata()) == [1, 2, 3]
        assert axes.get_xlabel() == "epoch"
    assert len(odd.lines) == 1


def test_one_epoch_is_a_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib import figure as figures

    drawn: list[Any] = []
    save = figures.Figure.savefig
    monkeypatch.setattr(
        figures.Figure, "savefig", lambda self, *a, **k: (drawn.append(self), save(self, *a, **k))
    )
    History({"loss": [1.0]}).plot(tmp_path / "a.svg")
    assert drawn[0].axes[0].lines[0].get_marker() == "o"


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda f: History(COLUMNS).plot(f / "a.gif"), r"plot: the path ends in \.png, \.svg or \.pdf, not in 'a\.gif'"),
        (lambda f: History().plot(f / "a.png"), r"plot: there is no epoch to draw yet"),
        (lambda f: History(COLUMNS).append({"loss": 1.0}), r"so far there are loss, accuracy, val_loss, val_accuracy, and now loss\. Use the same"),
    ],
)  # fmt: skip
def test_wrong_input(tmp_path: Path, act: Any, message: str) -> None:
    with pytest.raises(mg.ArgumentError, match=message):
        act(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        mg.MissingExtraError, match=r'training curves needs matplotlib.*"minigrad\[plot\]"'
    ):
        History(COLUMNS).plot(tmp_path / "a.png")
