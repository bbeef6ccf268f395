"""Files of tensors: a model's state as ``.safetensors``, under PyTorch's keys.

Such a file is a header in JSON and the bare numbers.  Reading it runs no code, unlike a pickle,
and PyTorch, JAX and others read it, too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ArgumentError, DtypeError, MinigradError, missing_extra
from ..files import path_of, write_atomically
from ..nn.module import Module
from ..tensor import Array, Tensor

PathLike = str | bytes | os.PathLike[Any]
SEPARATE = "optimizer/"  # before what a training checkpoint holds besides the model's state
_NOTE = "minigrad.separate"  # what does so instead, where names of the model begin like that

_DTYPES = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4",
    "U64": "<u8", "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8",
}  # fmt: skip


class CheckpointError(MinigradError, OSError):
    """A file of tensors cannot be written, or is none that can be read.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.load("nowhere.safetensors")
    Traceback (most recent call last):
    minigrad.training.weights.CheckpointError: load: there is no file nowhere.safetensors.
    """


def save(state: Module | Mapping[str, Any], path: PathLike) -> Path:
    """Write a model's state, or any tensors by name, into a ``.safetensors`` file.

    The file appears whole or not at all; if writing fails, an older one stays.

    Parameters
    ----------
    state : Module or mapping of str to array_like
        A module's ``state_dict()`` is taken.
    path : str, bytes or path-like
        Where to; the folder must exist.  Of a symbolic link the file is written that it leads to;
        a file that exists keeps its permissions.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    CheckpointError
        If the folder is missing or cannot be written into, the disk is full, or there is something
        that is no regular file.
    ArgumentError
        If the path is none, or a tensor has a name that the format cannot hold.
    DtypeError
        If a value holds something other than numbers.
    MissingExtraError
        If ``safetensors`` is not installed.

    Examples
    --------
    >>> import tempfile, minigrad as mg
    >>> model = mg.nn.Linear(2, 1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = mg.save(model, f"{folder}/model.safetensors")
    ...     mg.nn.Linear(2, 1).load_state_dict(mg.load(path))
    IncompatibleKeys(missing_keys=[], unexpected_keys=[])
    """
    if isinstance(state, Module):
        state = state.state_dict()
    if not isinstance(state, Mapping):
        if isinstance(path, Module | Mapping) and isinstance(state, str | bytes | os.PathLike):
            raise ArgumentError("save: the model comes first, then the path: mg.save(model, path).")
        raise ArgumentError(
            f"save: needs a module or a dict of tensors by name, not {type(state).__name__}. "
            "Write mg.save(model, path)."
        )
    return write_tensors("save", path, state, {})


def load(path: PathLike) -> dict[str, Tensor]:
    """Read the tensors of a ``.safetensors`` file; no other kind of file is accepted.

    Parameters
    ----------
    path : str, bytes or path-like
        Written by :func:`save`, by PyTorch's ``safetensors.torch.save_file``, or by
        ``mg.fit(..., checkpoint=path)``: then what is returned is the model's state.

    Returns
    -------
    dict of str to Tensor
        For ``load_state_dict``.  bfloat16, which NumPy lacks, is read as float32, exactly.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, or of another kind.
    ArgumentError
        If the path is none.
    MissingExtraError
        If ``safetensors`` is not installed.

    Examples
    --------
    >>> import tempfile, minigrad as mg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mg.load(mg.save({"scale": [1.0, 2.0]}, f"{folder}/a.safetensors"))
    {'scale': tensor([1., 2.])}
    """
    arrays, notes = read_tensors("load", path)
    return {k: Tensor(v) for k, v in arrays.items() if separate(k, notes) is None}


def marking(keys: Iterable[str]) -> dict[str, str]:
    """The note about what marks an optimizer's tensors, if names of the model begin like that.

    Examples
    --------
    >>> marking(["0.weight"]), marking(["optimizer/0.weight"])
    ({}, {'minigrad.separate': '_optimizer/'})
    """
    mark, keys = SEPARATE, list(keys)
    while any(key.startswith(mark) for key in keys):
        mark = f"_{mark}"
    return {} if mark == SEPARATE else {_NOTE: mark}


def mark_of(notes: Mapping[str, str]) -> str:
    """What the names of an optimizer's tensors begin with.

    Examples
    --------
    >>> mark_of({})
    'optimizer/'
    """
    return notes.get(_NOTE, SEPARATE)


def separate(key: str, notes: Mapping[str, str]) -> tuple[int, str] | None:
    """Of an optimizer's tensor in a training checkpoint, the parameter and the name of what it is.

    None for a tensor of the model.

    Examples
    --------
    >>> separate("optimizer/3/exp_avg", {"minigrad": "{}"})
    (3, 'exp_avg')
    >>> separate("optimizer/3.weight", {"minigrad": "{}"})
    """
    if "minigrad" not in notes:
        return None
    found = re.fullmatch(re.escape(mark_of(notes)) + "([0-9]{1,9})/(.*)", key, re.DOTALL)
    return (int(found[1]), found[2]) if found else None


def write_tensors(
    who: str, path: PathLike, tensors: Mapping[str, Any], notes: Mapping[str, str]
) -> Path:
    """Write tensors and notes (text by name) into one file, whole or not at all.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     read_tensors("f", write_tensors("f", f"{folder}/a", {"x": [1.0]}, {"by": "me"}))
    ({'x': array([1.])}, {'by': 'me'})
    """
    library, path = _library(who), path_of(who, path)
    arrays = {name: _plain(who, name, value) for name, value in tensors.items()}
    content = library.numpy.save(arrays, dict(notes) or None)
    try:
        return write_atomically(path, content)
    except OSError as error:
        old = " The file that was there before is unchanged." if path.is_file() else ""
        raise CheckpointError(f"{who}: cannot write {path}: {reason(error)}.{old}") from error


def read_tensors(who: str, path: PathLike) -> tuple[dict[str, Array], dict[str, str]]:
    """The tensors and the notes in a file.

    Examples
    --------
    >>> read_tensors("f", "nowhere")
    Traceback (most recent call last):
    minigrad.training.weights.CheckpointError: f: there is no file nowhere.
    """
    library, path = _library(who), path_of(who, path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise CheckpointError(f"{who}: there is no file {path}.") from None
    except OSError as error:
        raise CheckpointError(f"{who}: cannot read {path}: {reason(error)}.") from error
    try:
        entries = library.deserialize(content)
        notes = _notes(content)
    except Exception as error:  # the library has one class for all that can be wrong with a file
        raise CheckpointError(
            f"{who}: {path} is no whole .safetensors file ({_diagnose(content, error)}). "
            f"{_remedy(content)}"
        ) from error
    return {name: _array(who, path, name, entry) for name, entry in sorted(entries)}, notes


def reason(error: OSError) -> str:
    """What the system says, without the path and the number.

    Examples
    --------
    >>> reason(OSError(28, "No space left on device"))
    'No space left on device'
    """
    return error.strerror or str(error) or type(error).__name__


def _library(who: str) -> Any:
    try:
        import safetensors.numpy
    except ImportError:
        raise missing_extra("safetensors", "checkpoint", f"mg.{who}") from None
    return safetensors


def _plain(who: str, name: Any, value: Any) -> Array:
    """A value as an array in rows, little-endian, of a dtype that the format knows."""
    if not isinstance(name, str):
        raise ArgumentError(f"{who}: tensors are named by text, not by {name!r}.")
    if name == "__metadata__":
        raise ArgumentError(
            f"{who}: a .safetensors file keeps the name {name!r} for its own notes; name the tensor "
            "otherwise."
        )
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ArgumentError(
            f"{who}: the name {name!r} holds half a character (a surrogate), which UTF-8, and so a "
            ".safetensors file, cannot hold; name the tensor otherwise."
        ) from None
    array = value._value if isinstance(value, Tensor) else np.asarray(value)
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        raise DtypeError(
            f"{who}: {name!r} is {array.dtype}, and a .safetensors file holds booleans, integers and "
            "floating numbers of up to 64 bits."
        )
    return array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)


def _array(who: str, path: Path, name: str, entry: Mapping[str, Any]) -> Array:
    dtype, shape = entry["dtype"], tuple(entry["shape"])
    if dtype == "BF16":  # the upper half of a float32
        upper = np.frombuffer(entry["data"], "<u2").astype(np.uint32)
        return (upper << np.uint32(16)).view(np.float32).reshape(shape)
    if dtype not in _DTYPES:
        raise CheckpointError(
            f"{who}: {name!r} in {path} is {dtype}, which NumPy does not have. Convert it to F32 where "
            "it was written."
        )
    little = np.frombuffer(entry["data"], _DTYPES[dtype])
    return little.astype(little.dtype.newbyteorder("=")).reshape(shape)


def _notes(content: bytes) -> dict[str, str]:
    import json

    length = int.from_bytes(content[:8], "little")
    return dict(json.loads(content[8 : 8 + length]).get("__metadata__", {}))


def _diagnose(content: bytes, error: Exception) -> str:
    if not content:
        return "it is empty"
    if content[:2] == b"PK":
        return "it is a zip archive, as torch.save and np.savez write them"
    if content[:1] == b"\x80":
        return "it is a pickle"
    return str(error).removeprefix("Error while deserializing header: ")


def _remedy(content: bytes) -> str:
    if content[:2] == b"PK" or content[:1] == b"\x80":
        return "Write it with mg.save(model, path), or with safetensors.torch.save_file."
    return "It was cut short, damaged, or written by something else; use another copy."
