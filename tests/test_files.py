"""Files are written whole or not at all."""

from __future__ import annotations

import os

import pytest

from minigrad.files import write_atomically


def test_text_and_bytes(tmp_path):
    path = write_atomically(tmp_path / "a.txt", "one\ntwo\r\n x̂")
    assert path.read_bytes() == "one\ntwo\r\n x̂".encode()
    assert write_atomically(str(path), b"\x00\xff").read_bytes() == b"\x00\xff"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX systems")
def test_the_mode_follows_the_umask(tmp_path):
    before = os.umask(0o022)
    try:
        path = write_atomically(tmp_path / "a.txt", "")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_when_it_fails_the_old_file_stays_and_nothing_else(tmp_path, monkeypatch, error):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(*names):
        raise error

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(type(error)):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "none" / "a.txt", "")


def test_a_folder_in_the_way(tmp_path):
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(OSError, match=r"a\.txt"):
        write_atomically(tmp_path / "a.txt", "")
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
