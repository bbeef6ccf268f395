"""Writing files: the whole file or nothing."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path
from typing import Any

from .errors import ArgumentError


def path_of(who: str, path: Any) -> Path:
    """What names a file, as a path.

    Parameters
    ----------
    who : str
        For the message.
    path : str, bytes or path-like

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ArgumentError
        For anything that can be no name of a file.

    Examples
    --------
    >>> path_of("save", b"model.safetensors").name
    'model.safetensors'
    >>> path_of("load", 3)
    Traceback (most recent call last):
    minigrad.errors.ArgumentError: load: a path is text, bytes or a pathlib.Path, not int.
    """
    if not isinstance(path, str | bytes | os.PathLike):
        raise ArgumentError(
            f"{who}: a path is text, bytes or a pathlib.Path, not {type(path).__name__}."
        )
    name = os.fsdecode(path)
    if not name:
        raise ArgumentError(f"{who}: the path is empty. Write the name of a file.")
    try:
        encoded = os.fsencode(name)
    except UnicodeEncodeError:
        encoded = b"\0"
    if b"\0" in encoded:
        raise ArgumentError(
            f"{who}: no file can have the name {name!r}, with a NUL or half a character in it."
        )
    return Path(name)


def destination(path: Path) -> tuple[Path, os.stat_result | None]:
    """The file that writing to a path would write, and what is there now.

    Symbolic links are followed.

    Raises
    ------
    OSError
        If there is something that is no regular file: a folder, a device, a pipe.

    Examples
    --------
    >>> destination(Path(os.devnull))
    Traceback (most recent call last):
    OSError: [Errno 22] it is not a regular file: ...
    """
    real = Path(os.path.realpath(path)) if path.is_symlink() else path
    try:
        found = os.stat(real)
    except FileNotFoundError:
        return real, None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    return real, found


def write_atomically(path: str | bytes | os.PathLike[Any], content: str | bytes) -> Path:
    """Write a file so that nobody ever sees half of it.

    The content goes into a temporary file in the same folder, which then takes the place of the
    old file in one step.  If anything goes wrong, the old file stays and the temporary one goes.

    Parameters
    ----------
    path : str, bytes or path-like
        Where to; the folder must exist.  Of a symbolic link the file is written that it leads to.
    content : str or bytes
        Text is written as UTF-8, with its line ends as they are.

    Returns
    -------
    pathlib.Path
        The path as given.

    Raises
    ------
    ArgumentError
        If the path is none.
    OSError
        If the folder cannot be written into, the disk is full, or the path leads to something that
        is no regular file: a folder, a device, a pipe.

    Notes
    -----
    An existing file keeps its permissions, and its owner as far as the system allows it.  Other
    hard links to it keep the old content.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_atomically(f"{folder}/a.txt", "whole")
    ...     path.name, path.read_text(), len(list(path.parent.iterdir()))
    ('a.txt', 'whole', 1)
    """
    path = path_of("write_atomically", path)
    content = content.encode() if isinstance(content, str) else content
    temporary = None
    try:
        real, found = destination(path)
        # A short name: with that of the file in it, the longest names would become too long.
        temporary = real.with_name(f".{secrets.token_hex(8)}.tmp")
        with open(temporary, "xb", opener=_opener(0o666 if found is None else 0o600)) as file:
            if found is not None:
                if hasattr(os, "chown"):  # first: it takes some permissions away
                    with contextlib.suppress(OSError):
                        os.chown(temporary, found.st_uid, found.st_gid)
                os.chmod(temporary, stat.S_IMODE(found.st_mode))
            file.write(content)
        os.replace(temporary, real)
    except BaseException as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None:
            # Of the temporary file the user knows nothing.
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise
    return path


def _opener(mode: int) -> Any:
    """For `open`: a new file has these permissions, less what the umask takes away."""
    return lambda name, flags: os.open(name, flags, mode)
