"""Ctrl-C in a program of its own: one clear line, a checkpoint that loads, and a run that goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg

PROGRAM = """
import sys, time
import numpy as np
import minigrad as mg
from tests.training.models import data, network

mg.manual_seed(0)
model = network()

class Slow(mg.training.Callback):
    def on_batch_end(self, run):
        if run.epoch == 1 and "quick" not in sys.argv:
            print("second epoch", flush=True)
            time.sleep(0.1)

history = mg.fit(model, *data(), epochs=4, batch_size=8, checkpoint="run.safetensors", resume=True,
                 verbose=False, callbacks=[Slow()])
mg.save(model, sys.argv[1])
print("done", history.epochs, flush=True)
"""


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    top = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(top)},
    )  # fmt: skip


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX systems")
def test_ctrl_c(tmp_path: Path) -> None:
    process = start(tmp_path, "never.safetensors")
    assert process.stdout is not None
    assert process.stdout.readline() == "second epoch\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT  # as of any program that Ctrl-C has ended
    lines = [line for line in err.splitlines() if "fit: " in line]
    assert len(lines) == 1
    assert lines[0].startswith("fit: interrupted in epoch 2 of 4, batch ")
    assert lines[0].endswith(
        "All is saved in run.safetensors; go on with mg.fit(..., resume='run.safetensors')."
    )
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert "During handling" not in err
    assert [p.name for p in tmp_path.iterdir()] == ["run.safetensors"]
    assert "0.weight" in mg.load(tmp_path / "run.safetensors")
    whole = tmp_path / "whole"
    whole.mkdir()
    for folder in (tmp_path, whole):  # the one goes on, the other begins and is not interrupted
        out, err = start(folder, "last.safetensors", "quick").communicate(timeout=60)
        assert (out, err) == ("done 4\n", "")
    one, other = (mg.load(folder / "last.safetensors") for folder in (tmp_path, whole))
    assert all(np.array_equal(one[key].numpy(), other[key].numpy()) for key in one)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX systems")
def test_killed_at_any_time_there_is_a_whole_checkpoint(tmp_path: Path) -> None:
    """Without a chance to say goodbye: what is there is the last whole epoch."""
    process = start(tmp_path, "never.safetensors")
    assert process.stdout is not None
    assert process.stdout.readline() == "second epoch\n"
    time.sleep(0.05)
    process.kill()
    process.communicate(timeout=60)
    assert "0.weight" in mg.load(tmp_path / "run.safetensors")
    out, _ = start(tmp_path, "last.safetensors", "quick").communicate(timeout=60)
    assert out == "done 4\n"
