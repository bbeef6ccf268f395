"""Files are written whole or not at all."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

import minigrad as mg
from minigrad.files import destination, path_of, write_atomically

posix = pytest.mark.skipif(os.name != "posix", reason="files of POSIX systems")


def test_text_and_bytes(tmp_path):
    path = write_atomically(tmp_path / "a.txt", "one\ntwo\r\n x̂")
    assert path.read_bytes() == "one\ntwo\r\n x̂".encode()
    assert write_atomically(str(path), b"\x00\xff").read_bytes() == b"\x00\xff"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


@posix
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
    with pytest.raises(FileNotFoundError) as caught:
        write_atomically(tmp_path / "none" / "a.txt", "")
    assert caught.value.filename == str(tmp_path / "none" / "a.txt")
    assert caught.value.filename2 is None
    assert "tmp" not in str(caught.value).replace(str(tmp_path), "")


def test_a_folder_in_the_way(tmp_path):
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(OSError, match=r"a\.txt"):
        write_atomically(tmp_path / "a.txt", "")
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_an_error_names_the_users_path(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"

    def fail(source, target):
        raise OSError(28, "No space left on device", source, None, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space") as caught:
        write_atomically(path, "new")
    assert str(caught.value) == f"[Errno 28] No space left on device: {str(path)!r}"
    assert (caught.value.filename, caught.value.filename2) == (str(path), None)


@posix
def test_a_link_leads_to_the_file_that_is_written(tmp_path):
    (tmp_path / "there").mkdir()
    real = tmp_path / "there" / "real.txt"
    real.write_text("old")
    (tmp_path / "link.txt").symlink_to(os.path.join("there", "real.txt"))
    (tmp_path / "second.txt").symlink_to("link.txt")
    assert write_atomically(tmp_path / "second.txt", "new") == tmp_path / "second.txt"
    assert real.read_text() == "new"
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "second.txt").is_symlink()
    real.unlink()  # a link that leads to a file that is not there yet
    write_atomically(tmp_path / "link.txt", "newer")
    assert real.read_text() == "newer"
    assert sorted(os.listdir(tmp_path)) == ["link.txt", "second.txt", "there"]
    assert os.listdir(tmp_path / "there") == ["real.txt"]
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(OSError, match=r"round"):
        write_atomically(tmp_path / "round", "")
    assert (tmp_path / "round").is_symlink()


@posix
def test_what_is_no_regular_file_is_refused(tmp_path):
    """Never on a real device: if it were replaced, that of the machine would be gone."""
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "link.txt").symlink_to("pipe.txt")
    for name in ("pipe.txt", "link.txt"):
        with pytest.raises(OSError, match=r"is not a regular file") as caught:
            write_atomically(tmp_path / name, "")
        assert caught.value.filename == str(tmp_path / name)
    assert stat.S_ISFIFO(os.stat(tmp_path / "pipe.txt").st_mode)
    assert (tmp_path / "link.txt").is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["link.txt", "pipe.txt"]
    with pytest.raises(OSError, match=r"is not a regular file"):
        destination(Path(os.devnull))  # looks, and writes nothing


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o777])
def test_an_existing_file_keeps_its_mode(tmp_path, mode):
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(mode)
    before = os.umask(0o077)
    try:
        write_atomically(path, "new")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == mode
    assert path.read_bytes() == b"new"


@posix
def test_a_secret_is_never_open_to_others(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o600)
    seen = []
    chmod = os.chmod

    def watched(name, mode):
        seen.append(os.stat(name).st_mode & 0o777)
        chmod(name, mode)

    monkeypatch.setattr(os, "chmod", watched)
    write_atomically(path, "new")
    assert seen == [0o600]


@posix
def test_the_owner_stays(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("old")
    # Only the superuser gives files away; everyone else's are asked for in the same way.
    owner = (os.geteuid(), os.getegid()) if os.geteuid() else (65534, 65534)
    os.chown(path, *owner)
    asked = []
    chown = os.chown

    def watched(name, *wanted):
        asked.append(wanted)
        chown(name, *wanted)

    monkeypatch.setattr(os, "chown", watched)
    write_atomically(path, "new")
    assert asked == [owner]
    assert (path.stat().st_uid, path.stat().st_gid) == owner


def test_the_longest_names(tmp_path):
    for name in ("x" * 250, "é" * 127):
        assert write_atomically(tmp_path / name, "whole").read_text() == "whole"


def test_a_path_of_bytes(tmp_path):
    path = write_atomically(os.fsencode(tmp_path / "a.txt"), "whole")
    assert path == tmp_path / "a.txt"
    assert path.read_text() == "whole"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (3, r"f: a path is text, bytes or a pathlib\.Path, not int"),
        (None, r"not NoneType"),
        ("", r"f: the path is empty"),
        (b"", r"f: the path is empty"),
        ("a\0b", r"f: no file can have the name 'a\\x00b'"),
        ("a\ud800b", r"f: no file can have the name 'a\\ud800b'"),
    ],
)
def test_what_is_no_path(path, message):
    with pytest.raises(mg.ArgumentError, match=message):
        path_of("f", path)
    with pytest.raises(mg.ArgumentError, match=message.replace("f: ", "write_atomically: ")):
        write_atomically(path, "")


def test_many_at_once_leave_one_whole_file(tmp_path):
    path = tmp_path / "a.txt"
    contents = [str(i) * 100_000 for i in range(8)]
    threads = [threading.Thread(target=write_atomically, args=(path, c)) for c in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in contents
    assert os.listdir(tmp_path) == ["a.txt"]
