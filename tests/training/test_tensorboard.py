"""What TensorBoard is given."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

import minigrad as mg
from minigrad import optim
from minigrad.training import TensorBoard

from .models import data, network


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Every number in the one log of a folder, by title: records of a length, bytes and checksums."""
    from tensorboardX.proto.event_pb2 import Event

    (path,) = folder.glob("events.out.tfevents.*")
    content, found = path.read_bytes(), {}
    while content:
        (length,) = struct.unpack("<Q", content[:8])
        event = Event.FromString(content[12 : 12 + length])
        content = content[16 + length :]
        for value in event.summary.value:
            found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


@pytest.mark.tensorboard
@pytest.mark.parametrize("scheduled", [False, True])
def test_every_epoch_is_logged(tmp_path: Path, scheduled: bool) -> None:
    half = {"scheduler": lambda o: optim.lr_scheduler.StepLR(o, 1, gamma=0.5)} if scheduled else {}
    history = mg.fit(
        network(), *data(), epochs=3, lr=0.5, metrics=["accuracy"], validation_data=data(20, 2),
        callbacks=[TensorBoard(tmp_path / "logs")], verbose=False, **half,
    )  # fmt: skip
    found = scalars(tmp_path / "logs")
    titles = {"loss": "loss/training", "accuracy": "accuracy/training",
              "val_loss": "loss/validation", "val_accuracy": "accuracy/validation"}  # fmt: skip
    assert found.keys() == {*titles.values(), "lr"}
    for name, title in titles.items():
        assert [step for step, _ in found[title]] == [1, 2, 3]
        assert [value for _, value in found[title]] == pytest.approx(history[name], rel=1e-6)
    assert [value for _, value in found["lr"]] == ([0.5, 0.25, 0.125] if scheduled else [0.5] * 3)


@pytest.mark.tensorboard
def test_the_log_is_closed_when_training_fails(tmp_path: Path) -> None:
    log = TensorBoard(tmp_path)

    def fail(run: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        mg.fit(network(), *data(), callbacks=[log, fail], verbose=False)
    assert [step for step, _ in scalars(tmp_path)["loss/training"]] == [1]
    assert log._writer is None


def test_without_tensorboardx_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(mg.MissingExtraError, match=r'mg\.training\.TensorBoard needs tensorboardX.*"minigrad\[tensorboard\]"'):  # fmt: skip
        TensorBoard("logs")
