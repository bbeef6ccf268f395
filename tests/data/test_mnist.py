"""IDX files, MNIST and Fashion-MNIST: read, refused, and fetched from a server on this machine."""

from __future__ import annotations

import functools
import gzip
import hashlib
import http.server
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.data import DataError, fashion_mnist, mnist, read_idx
from minigrad.data.mnist import FASHION_CHECKSUMS, MNIST_CHECKSUMS, NAMES

CODES = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D, "float64": 0x0E}


def idx(values: Any) -> bytes:
    """An array as the content of an IDX file."""
    values = np.asarray(values)
    head = bytes([0, 0, CODES[values.dtype.name], values.ndim])
    sizes = b"".join(n.to_bytes(4, "big") for n in values.shape)
    return head + sizes + values.astype(values.dtype.newbyteorder(">")).tobytes()


def write(folder: Path, compress: bool = True, count: int = 12) -> dict[str, Any]:
    """The four files with random pictures; returns the arrays by name."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {}
    for images, labels in NAMES.values():
        arrays[images] = rng.integers(0, 256, (count, 28, 28), np.uint8)
        arrays[labels] = np.arange(count).astype(np.uint8) % 10
    for name, values in arrays.items():
        content = idx(values)
        path = folder / (f"{name}.gz" if compress else name)
        path.write_bytes(gzip.compress(content, mtime=0) if compress else content)
    return arrays


@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("compress", [False, True])
def test_every_dtype_is_read(tmp_path: Path, dtype: str, compress: bool) -> None:
    values = np.arange(-6, 18).astype(dtype).reshape(2, 3, 4)
    content = idx(values)
    (tmp_path / "a").write_bytes(gzip.compress(content, mtime=0) if compress else content)
    found = read_idx(tmp_path / "a")
    assert found.dtype == values.dtype
    assert np.array_equal(found, values)
    assert found.flags.writeable


@pytest.mark.parametrize("read", [mnist, fashion_mnist])
@pytest.mark.parametrize("compress", [False, True])
def test_both_splits(tmp_path: Path, read: Any, compress: bool) -> None:
    arrays = write(tmp_path, compress)
    for split, (name, of) in NAMES.items():
        images, labels = read(split, tmp_path)
        assert (images.shape, images.dtype, labels.dtype) == ((12, 28, 28), np.float32, np.int64)
        assert np.array_equal(images, arrays[name].astype(np.float32) / np.float32(255))
        assert np.array_equal(labels, arrays[of])
        assert np.array_equal(read(split, tmp_path, flatten=True)[0], images.reshape(12, 784))


def test_the_default_folder_follows_the_environment(tmp_path: Path, monkeypatch: Any) -> None:
    write(tmp_path / "mnist")
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path))
    assert len(mnist("test")[0]) == 12
    with pytest.raises(DataError, match=r"fashion_mnist: there is no t10k-images-idx3-ubyte\.gz in .*fashion_mnist, nor t10k-images-idx3-ubyte\. Put the files there"):  # fmt: skip
        fashion_mnist("test")


WHOLE = idx(np.arange(300).astype(np.uint8).reshape(3, 10, 10))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"is no IDX file: it begins with b''"),
        (b"<html>404</html>", r"is no IDX file: it begins with b'<htm'"),
        (b"\0\0\x07\x01", r"is no IDX file"),
        (WHOLE[:-1], r"is cut short: its head says 3x10x10 values of uint8, that is 316 bytes, and there are 315"),
        (WHOLE[:9], r"is cut short: its head, of 3 axes, is 16 bytes, and there are 9"),
        (WHOLE + b"x", r"is too long: .* 316 bytes, and there are 317"),
        (gzip.compress(WHOLE, mtime=0)[:-20], r"is cut short or damaged"),
        (gzip.compress(WHOLE, mtime=0)[:40] + b"xxxxxxxx" + gzip.compress(WHOLE, mtime=0)[48:], r"is cut short or damaged"),
        (gzip.compress(b"text", mtime=0), r"is no IDX file"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.gz").write_bytes(content)
    with pytest.raises(DataError, match=rf"read_idx: .*a\.gz {message}.*Delete it, and get it again"):
        read_idx(tmp_path / "a.gz")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"read_idx: cannot read .*Is a directory"):
        read_idx(tmp_path)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("train-images-idx3-ubyte", np.zeros((12, 8, 8), np.uint8), r"holds uint8 \[12, 8, 8\], and images are uint8 \[N, 28, 28\]"),
        ("train-images-idx3-ubyte", np.zeros((12, 28, 28), np.int32), r"holds int32 \[12, 28, 28\]"),
        ("train-images-idx3-ubyte", np.zeros((11, 28, 28), np.uint8), r"holds 11 images, but .*train-labels-idx1-ubyte\.gz 12 labels"),
        ("train-labels-idx1-ubyte", np.full(12, 10, np.uint8), r"labels are uint8 \[N\] from 0 to 9"),
        ("train-labels-idx1-ubyte", np.zeros((12, 1), np.uint8), r"holds uint8 \[12, 1\]"),
    ],
)  # fmt: skip
def test_another_file_is_refused(tmp_path: Path, name: str, values: Any, message: str) -> None:
    write(tmp_path)
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(idx(values), mtime=0))
    with pytest.raises(DataError, match=message):
        mnist("train", tmp_path)


def test_wrong_split() -> None:
    with pytest.raises(mg.ArgumentError, match=r'mnist: split is "train" or "test", not \'valid\''):
        mnist("valid", "anywhere")  # type: ignore[arg-type]


def test_the_checksums_are_sha256_of_all_files() -> None:
    names = {f"{name}.gz" for pair in NAMES.values() for name in pair}
    for sums in (MNIST_CHECKSUMS, FASHION_CHECKSUMS):
        assert sums.keys() == names
        assert all(len(bytes.fromhex(digest)) == 32 for digest in sums.values())


# Fetching ---------------------------------------------------------------------------------------


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, notes what is asked for, and cuts short what is called ``cut``."""

    asked: list[str] = []  # noqa: RUF012  (one list for all requests is what is wanted)

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if not self.path.startswith("/cut/"):
            super().do_GET()
            return
        content = Path(self.translate_path(self.path.removeprefix("/cut"))).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, dict[str, str]]]:
    """A server with the four files: its address, and their checksums."""
    monkeypatch.setenv("NO_PROXY", "*")
    folder = tmp_path / "served"
    write(folder)
    sums = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}
    Handler.asked.clear()
    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", sums
        server.shutdown()
        thread.join()


@pytest.mark.pooch
def test_missing_files_are_fetched_once(served: Any, tmp_path: Path, capfd: Any) -> None:
    url, sums = served
    folder = tmp_path / "new" / "folder"
    for _ in range(2):
        images, labels = mnist("train", folder, download=True, base_url=url, checksums=sums)
        assert (images.shape, labels[:3].tolist()) == ((12, 28, 28), [0, 1, 2])
    assert Handler.asked == [f"/{name}.gz" for name in NAMES["train"]]
    assert sorted(p.name for p in folder.iterdir()) == sorted(f"{n}.gz" for n in NAMES["train"])
    assert capfd.readouterr() == ("", "")


@pytest.mark.pooch
@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("", r"gave is not the right file: its SHA-256 is not 0000.*Nothing was kept"),
        ("/cut", r"mnist: (cannot fetch .*|what .* is not the right file.*)Nothing was kept"),
        ("/none", r"mnist: cannot fetch http.*404.*Nothing was kept"),
    ],
    ids=["another file", "cut short", "not there"],
)
def test_what_goes_wrong_leaves_nothing(served: Any, tmp_path: Path, where: str, message: str) -> None:
    url, sums = served
    wrong = sums if where else dict.fromkeys(sums, "0" * 64)
    folder = tmp_path / "new"
    with pytest.raises(DataError, match=message):
        mnist("test", folder, download=True, base_url=url + where, checksums=wrong)
    assert list(folder.iterdir()) == []
    assert len(Handler.asked) == 1


@pytest.mark.pooch
def test_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    with pytest.raises(DataError, match=r"cannot fetch http://127\.0\.0\.1:1/t10k-images"):
        mnist("test", tmp_path, download=True, base_url="http://127.0.0.1:1")
    with pytest.raises(DataError, match=r"cannot fetch nonsense/t10k-images"):
        mnist("test", tmp_path, download=True, base_url="nonsense")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.pooch
def test_a_folder_that_cannot_be_made(served: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=r"cannot fetch .* into .*file.*(Not a directory|File exists)"):
        mnist("test", tmp_path / "file" / "x", download=True, base_url=served[0], checksums=served[1])
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.pooch
def test_without_a_checksum_nothing_is_fetched(served: Any, tmp_path: Path) -> None:
    with pytest.raises(mg.ArgumentError, match=r"mnist: there is no checksum for train-images-idx3-ubyte\.gz; nothing is fetched"):  # fmt: skip
        mnist("train", tmp_path, download=True, base_url=served[0], checksums={})
    assert Handler.asked == []


def test_without_pooch_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(mg.MissingExtraError, match=r'mnist with download=True needs pooch.*pip install "minigrad\[data\]"'):  # fmt: skip
        mnist("train", tmp_path, download=True)


def test_without_download_no_connection_is_opened(tmp_path: Path, monkeypatch: Any) -> None:
    import socket

    monkeypatch.setattr(socket, "socket", lambda *args, **kwargs: pytest.fail("a socket was opened"))
    with pytest.raises(DataError, match=r"or fetch them with download=True"):
        mnist("train", tmp_path)
