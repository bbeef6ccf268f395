"""mg.save and mg.load: PyTorch reads what minigrad writes, and the other way round."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.training import CheckpointError

from .models import bits, network


@pytest.mark.parametrize("dtype", "? u1 i1 u2 i2 u4 i4 u8 i8 f2 f4 f8".split())
def test_every_dtype_and_shape_comes_back(tmp_path: Path, dtype: str) -> None:
    values = np.arange(24).astype(dtype)
    state = {
        "cube": values.reshape(2, 3, 4),
        "turned": values.reshape(4, 6).T,  # rows are columns in memory
        "scalar": values[5],
        "none": values[:0].reshape(0, 3),
        "big end": values.astype(values.dtype.newbyteorder(">")),
        "ü.0": values[::-1],
    }
    found = mg.load(mg.save(state, tmp_path / "a.safetensors"))
    assert found.keys() == state.keys()
    for key, value in state.items():
        assert found[key].dtype == np.dtype(dtype), key
        assert found[key].shape == value.shape, key
        assert np.array_equal(found[key].numpy(), value), key


def test_a_module_comes_back_to_the_bit(tmp_path: Path) -> None:
    model = network()
    model(np.ones((4, 5), "float32"))
    other = network(1)
    other.load_state_dict(mg.load(mg.save(model, str(tmp_path / "a.safetensors"))))
    assert bits(other) == bits(model)
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def models(framework: Any) -> Any:
    return framework.Sequential(
        framework.Conv2d(1, 3, 3), framework.BatchNorm2d(3), framework.ReLU(), framework.Flatten(),
        framework.Linear(108, 4),
    )  # fmt: skip


@pytest.mark.torch
def test_pytorch_reads_ours(tmp_path: Path) -> None:
    import safetensors.torch
    import torch

    x = np.random.default_rng(0).standard_normal((5, 1, 8, 8)).astype("float32")
    ours = models(nn)
    ours(x)  # moves the running statistics
    path = mg.save(ours, tmp_path / "ours.safetensors")
    theirs = models(torch.nn)
    theirs.load_state_dict(safetensors.torch.load_file(path))
    for key, value in theirs.state_dict().items():
        assert np.array_equal(value.numpy(), ours.state_dict()[key].numpy()), key
        assert value.numpy().dtype == ours.state_dict()[key].dtype, key
    expected = theirs.eval()(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(ours.eval()(x).numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.torch
def test_we_read_pytorchs(tmp_path: Path) -> None:
    import safetensors.torch
    import torch

    x = np.random.default_rng(0).standard_normal((5, 1, 8, 8)).astype("float32")
    theirs = models(torch.nn)
    theirs(torch.tensor(x))
    safetensors.torch.save_file(theirs.state_dict(), tmp_path / "theirs.safetensors")
    ours = models(nn)
    assert ours.load_state_dict(mg.load(tmp_path / "theirs.safetensors")) == ([], [])
    for key, value in theirs.state_dict().items():
        assert np.array_equal(value.numpy(), ours.state_dict()[key].numpy()), key
    assert ours[1].num_batches_tracked.item() == 1


@pytest.mark.torch
def test_bfloat16_is_read_exactly(tmp_path: Path) -> None:
    import safetensors.torch
    import torch

    values = torch.tensor([[1.5, -3e38], [float("inf"), 2**-130]]).bfloat16()
    safetensors.torch.save_file({"w": values}, tmp_path / "a.safetensors")
    found = mg.load(tmp_path / "a.safetensors")["w"]
    assert found.dtype == np.float32
    assert np.array_equal(found.numpy(), values.float().numpy())


@pytest.mark.torch
def test_a_dtype_that_numpy_lacks_is_named(tmp_path: Path) -> None:
    import safetensors.torch
    import torch

    safetensors.torch.save_file({"w": torch.ones(2).to(torch.float8_e5m2)}, tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match=r"load: 'w' in .*a\.safetensors is F8_E5M2, which NumPy does not have"):  # fmt: skip
        mg.load(tmp_path / "a.safetensors")


def whole() -> bytes:
    import safetensors.numpy

    return bytes(safetensors.numpy.save({"w": np.arange(6.0), "b": np.zeros(2)}))


def zipped() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, w=np.zeros(2))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"\(it is empty\)"),
        (b"abc", r"is no whole \.safetensors file .*It was cut short, damaged"),
        (b"<html>no such page</html>", r"is no whole \.safetensors file .*written by something else"),
        (whole()[:-1], r"not fully covered.*It was cut short"),
        (whole()[:50], r"is no whole \.safetensors file"),
        (whole()[:8], r"is no whole \.safetensors file"),
        (whole() + b"x", r"not fully covered"),
        (whole()[:20] + b"\xff" + whole()[21:], r"is no whole \.safetensors file"),
        (zipped(), r"\(it is a zip archive, as torch\.save and np\.savez write them\)\. Write it with mg\.save"),
        (b"\x80\x04\x95", r"\(it is a pickle\)\. Write it with mg\.save"),
    ],
    ids=range(10),
)  # fmt: skip
def test_a_damaged_or_foreign_file_is_one_clear_error(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"load: .*a\.safetensors is no whole .safetensors file"):
        mg.load(path)
    with pytest.raises(CheckpointError, match=message):
        mg.load(path)
    with pytest.raises(CheckpointError, match=message.replace("load: ", "fit: ")):
        mg.fit(network(), np.zeros((4, 5)), np.zeros(4, int), resume=path, verbose=False)


def test_every_cut_is_noticed(tmp_path: Path) -> None:
    content, path = whole(), tmp_path / "a.safetensors"
    for end in range(len(content)):
        path.write_bytes(content[:end])
        with pytest.raises(CheckpointError, match="is no whole"):
            mg.load(path)


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda f: mg.load(f / "none"), CheckpointError, r"load: there is no file .*none"),
        (lambda f: mg.load(f), CheckpointError, r"load: cannot read .*Is a directory"),
        (lambda f: mg.save(network(), f / "no" / "a"), CheckpointError, r"save: cannot write .*no/a: No such file or directory\.$"),
        (lambda f: mg.save(network(), f), CheckpointError, r"save: cannot write .*Is a directory"),
        (lambda f: mg.save(f / "a", network()), mg.ArgumentError, r"the model comes first, then the path"),
        (lambda f: mg.save([1.0], f / "a"), mg.ArgumentError, r"needs a module or a dict of tensors by name, not list"),
        (lambda f: mg.save({1: [1.0]}, f / "a"), mg.ArgumentError, r"tensors are named by text, not by 1"),
        (lambda f: mg.save({"w": "text"}, f / "a"), mg.DtypeError, r"'w' is <U4, and a \.safetensors file holds"),
        (lambda f: mg.save(network(), ""), mg.ArgumentError, r"save: the path is empty"),
        (lambda f: mg.save(network(), f / "a\0b"), mg.ArgumentError, r"save: no file can have the name .*a\\x00b"),
        (lambda f: mg.save(network(), 3), mg.ArgumentError, r"save: a path is text, bytes or a pathlib\.Path, not int"),
        (lambda f: mg.load(3), mg.ArgumentError, r"load: a path is text, bytes or a pathlib\.Path, not int"),
        (lambda f: mg.load(""), mg.ArgumentError, r"load: the path is empty"),
        (lambda f: mg.save({"a\ud800": [1.0]}, f / "a"), mg.ArgumentError, r"save: the name 'a\\ud800' holds half a character"),
        (lambda f: mg.save({"__metadata__": [1.0]}, f / "a"), mg.ArgumentError, r"save: a \.safetensors file keeps the name '__metadata__'"),
        (lambda f: mg.save({"w": [1j]}, f / "a"), mg.DtypeError, r"'w' is complex128"),
    ],
)  # fmt: skip
def test_wrong_input(tmp_path: Path, act: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        act(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_fit_the_model_is_told_by_the_model(tmp_path: Path) -> None:
    path = mg.save(nn.Linear(2, 3), tmp_path / "a.safetensors")
    with pytest.raises(nn.StateDictError, match=r"weight: shape \[3, 2\], but the module has \[3, 4\]"):
        nn.Linear(4, 3).load_state_dict(mg.load(path))


FULL = """
import resource, signal, sys
import minigrad as mg
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    mg.save(mg.nn.Linear(1000, 10), sys.argv[1])
except mg.training.CheckpointError as error:
    print(error)
"""


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX systems")
def test_a_write_that_the_system_refuses_leaves_the_old_file(tmp_path: Path) -> None:
    """As on a full disk: the system takes the first bytes and refuses the rest."""
    path = mg.save(nn.Linear(2, 2), tmp_path / "a.safetensors")
    old = path.read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", FULL, path, "20000"], capture_output=True, text=True, timeout=60, check=True
    )  # fmt: skip
    assert done.stdout == f"save: cannot write {path}: File too large. The file that was there before is unchanged.\n"  # fmt: skip
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = mg.save(nn.Linear(2, 2), tmp_path / "a.safetensors")
    old = path.read_bytes()

    def fail(*names: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(CheckpointError, match=r"save: cannot write .*: No space left on device\. The file that was there before is unchanged"):  # fmt: skip
        mg.save(nn.Linear(2, 2), path)
    assert path.read_bytes() == old


def test_without_safetensors_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("safetensors", "safetensors.numpy"):
        monkeypatch.setitem(sys.modules, name, None)
    for act in (lambda: mg.save({}, tmp_path / "a"), lambda: mg.load(tmp_path / "a")):
        with pytest.raises(mg.MissingExtraError, match=r'mg\.(save|load) needs safetensors.*pip install "minigrad\[checkpoint\]"'):  # fmt: skip
            act()


def test_long_names_and_paths_of_bytes(tmp_path: Path) -> None:
    path = mg.save(nn.Linear(2, 2), os.fsencode(tmp_path / ("x" * 250)))
    assert path == tmp_path / ("x" * 250)
    assert list(mg.load(os.fsencode(path))) == ["bias", "weight"]


@pytest.mark.skipif(os.name != "posix", reason="files of POSIX systems")
def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(
        CheckpointError, match=r"save: cannot write .*pipe: it is not a regular file\.$"
    ):
        mg.save(nn.Linear(2, 2), tmp_path / "pipe")
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX systems")
def test_a_private_file_stays_private(tmp_path: Path) -> None:
    path = mg.save(nn.Linear(2, 2), tmp_path / "a")
    path.chmod(0o600)
    mg.save(nn.Linear(2, 2), path)
    assert path.stat().st_mode & 0o777 == 0o600
