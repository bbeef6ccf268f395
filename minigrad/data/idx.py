"""Files in the IDX format, in which MNIST and Fashion-MNIST come."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import MinigradError
from ..tensor import Array

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


class DataError(MinigradError, OSError):
    """A file of data is missing, damaged, or something else than it should be.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.data.read_idx("nowhere.gz")
    Traceback (most recent call last):
    minigrad.data.idx.DataError: read_idx: there is no file nowhere.gz.
    """


def read_idx(path: Any) -> Array:
    """Read an array from an IDX file, plain or compressed with gzip.

    Parameters
    ----------
    path : str or path-like
        Whether it is compressed is seen from its first bytes, not from its name.

    Returns
    -------
    ndarray
        Of the file's shape and dtype, in this machine's byte order.

    Raises
    ------
    DataError
        If the file is missing, cut short, too long, or no IDX file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "labels"
    ...     _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
    ...     read_idx(path)
    array([7, 2, 1], dtype=uint8)
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"read_idx: there is no file {path}.") from None
    except OSError as error:
        raise DataError(f"read_idx: cannot read {path}: {error.strerror or error}.") from error
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"read_idx: {path} is cut short or damaged ({error}). {_REMEDY}") from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _DTYPES:
        raise DataError(
            f"read_idx: {path} is no IDX file: it begins with {content[:4]!r} instead of two zeros, a "
            f"type and a number of axes. {_REMEDY}"
        )
    dtype, axes = np.dtype(_DTYPES[content[2]]), content[3]
    start = 4 + 4 * axes
    if len(content) < start:
        raise DataError(
            f"read_idx: {path} is cut short: its head, of {axes} axes, is {start} bytes, and there are "
            f"{len(content)}. {_REMEDY}"
        )
    shape = [int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4)]
    needed = start + math.prod(shape) * dtype.itemsize
    if len(content) != needed:
        what = "is cut short" if len(content) < needed else "is too long"
        raise DataError(
            f"read_idx: {path} {what}: its head says {'x'.join(map(str, shape))} values of "
            f"{dtype.name}, that is {needed} bytes, and there are {len(content)}. {_REMEDY}"
        )
    values = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return values.astype(dtype.newbyteorder("="))


_REMEDY = "Delete it, and get it again."
