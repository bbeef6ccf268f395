"""Writing files: the whole file or nothing."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_atomically(path: str | os.PathLike[str], content: str | bytes) -> Path:
    """Write a file so that nobody ever sees half of it.

    The content goes into a temporary file in the same folder, which then takes the place of the
    old file in one step.  If anything goes wrong, the old file stays and the temporary one goes.

    Parameters
    ----------
    path : str or path-like
        Where to; the folder must exist.
    content : str or bytes
        Text is written as UTF-8, with its line ends as they are.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    OSError
        If the folder cannot be written into, or the disk is full.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_atomically(f"{folder}/a.txt", "whole")
    ...     path.name, path.read_text(), len(list(path.parent.iterdir()))
    ('a.txt', 'whole', 1)
    """
    path = Path(path)
    content = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return path
