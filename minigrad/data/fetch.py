"""Fetching a file once, and only if it is the right one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from ..errors import ArgumentError, missing_extra
from .idx import DataError


def fetch(who: str, base_url: str, name: str, folder: Path, checksums: Mapping[str, str]) -> Path:
    """Fetch a file into a folder, check it, and only then put it under its name.

    Parameters
    ----------
    who : str
        The function that errors name.
    base_url : str
    name : str
    folder : pathlib.Path
        It is made if it is missing.
    checksums : mapping of str to str
        The SHA-256 of every file by name.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    DataError
        If it cannot be fetched or written, or is not the right one; then nothing is left.
    MissingExtraError
        If ``pooch`` is not installed.

    Examples
    --------
    >>> fetch("mnist", "http://localhost:1/", "a.gz", Path("."), {})
    Traceback (most recent call last):
    minigrad.errors.ArgumentError: mnist: there is no checksum for a.gz; ...
    """
    if name not in checksums:
        raise ArgumentError(
            f"{who}: there is no checksum for {name}; nothing is fetched without one. Pass "
            f"checksums={{{name!r}: sha256, ...}}."
        )
    try:
        import pooch
    except ImportError:
        raise missing_extra("pooch", "data", f"{who} with download=True") from None
    url = f"{base_url.rstrip('/')}/{name}"
    log = pooch.get_logger()
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        pooch.retrieve(url, f"sha256:{checksums[name]}", fname=name, path=folder)
    except (OSError, ValueError) as error:  # of the network and the file system; of pooch
        told = f"cannot fetch {url} into {folder}: {error}."
        if "does not match the known hash" in str(error):
            told = f"what {url} gave is not the right file: its SHA-256 is not {checksums[name]}."
        raise DataError(f"{who}: {told} Nothing was kept.") from error
    finally:
        log.setLevel(level)
    return folder / name
