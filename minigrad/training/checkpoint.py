"""Training checkpoints: all that a run needs to go on as if it had never stopped.

The file is a ``.safetensors`` file.  Its tensors are the model's state, under its own keys, and what
the optimizer remembers; everything else is JSON in the header.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import ArgumentError, MinigradError
from ..tensor import Tensor
from .history import History
from .plain import from_text, to_text
from .randomness import restore, states_of
from .run import Averages, Run
from .weights import SEPARATE, CheckpointError, PathLike, read_tensors, reason, write_tensors

VERSION = 1


def check_writable(path: PathLike) -> None:
    """Refuse a path that cannot be written, before any work is done.

    Examples
    --------
    >>> check_writable("no/such/folder/run.safetensors")
    Traceback (most recent call last):
    minigrad.training.weights.CheckpointError: fit: cannot write no/such/folder/run.safetensors: ...
    """
    import tempfile

    path = Path(path)
    try:
        if path.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise CheckpointError(
            f"fit: cannot write {path}: {reason(error)}. Nothing was trained yet."
        ) from error


def write_run(path: PathLike, run: Run) -> Path:
    """Write all of a run; the file appears whole or not at all.

    Raises
    ------
    CheckpointError
        If it cannot be written; an older one stays.
    """
    tensors: dict[str, Any] = dict(run.model.state_dict())
    remembered = run.optimizer.state_dict()
    numbers: dict[str, dict[str, Any]] = {}
    for number, state in remembered["state"].items():
        for name, value in state.items():
            if isinstance(value, Tensor):
                tensors[f"{SEPARATE}{number}/{name}"] = value
            else:
                numbers.setdefault(str(number), {})[name] = value
    text = to_text(
        {
            "version": VERSION,
            "epoch": run.epoch,
            "batch": run.batch,
            "loader": _shape_of(run),
            "sums": run.averages.sums,
            "count": run.averages.count,
            "columns": run.columns,
            "history": dict(run.history),
            "optimizer": type(run.optimizer).__name__,
            "numbers": numbers,
            "param_groups": remembered["param_groups"],
            "scheduler": type(run.scheduler).__name__ if run.scheduler else None,
            "schedule": run.scheduler.state_dict() if run.scheduler else None,
            "generators": states_of(run.generators),
            "order_at_start": run.order_at_start,
        }
    )
    return write_tensors("fit", path, tensors, {"format": "pt", "minigrad": text})


def read_run(path: PathLike, run: Run) -> None:
    """Bring a run to where the one was that wrote the file.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, or holds no training.
    MinigradError
        If model, optimizer, scheduler or data are others; then the run is as it was.
    """
    arrays, notes = read_tensors("fit", path)
    if "minigrad" not in notes:
        raise CheckpointError(
            f"fit: {path} holds tensors, but no training to go on with. To start from them, write "
            "model.load_state_dict(mg.load(path)), and leave resume out."
        )
    try:
        saved = from_text(notes["minigrad"])
        version = saved["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"fit: the header of {path} is damaged ({error}).") from error
    if version != VERSION:
        raise CheckpointError(
            f"fit: {path} is of version {version!r}, and this minigrad reads {VERSION}."
        )
    _compare(path, saved, run)
    state: dict[int, dict[str, Any]] = {int(k): dict(v) for k, v in saved["numbers"].items()}
    model: dict[str, Any] = {}
    for key, array in arrays.items():
        if key.startswith(SEPARATE):
            number, name = key.removeprefix(SEPARATE).split("/", 1)
            state.setdefault(int(number), {})[name] = array
        else:
            model[key] = array
    before = run.model.state_dict(), run.optimizer.state_dict()
    try:
        run.model.load_state_dict(model)
        run.optimizer.load_state_dict({"state": state, "param_groups": saved["param_groups"]})
        restore(run.generators, saved["generators"])
    except MinigradError:
        run.model.load_state_dict(before[0])
        run.optimizer.load_state_dict(before[1])
        raise
    if run.scheduler:
        run.scheduler.load_state_dict(saved["schedule"])
    run.history = History(saved["history"])
    run.averages = Averages(saved["sums"], saved["count"])
    run.epoch, run.batch = saved["epoch"], saved["batch"]
    run.order_at_start = saved["order_at_start"]


def _shape_of(run: Run) -> dict[str, Any]:
    """What must be the same to go on in the middle of an epoch."""
    loader = run.loader
    return {
        "examples": len(loader.dataset),
        "batch_size": loader.batch_size,
        "shuffle": loader.shuffle,
        "drop_last": loader.drop_last,
    }


def _compare(path: PathLike, saved: dict[str, Any], run: Run) -> None:
    kinds = {
        "optimizer": type(run.optimizer).__name__,
        "scheduler": type(run.scheduler).__name__ if run.scheduler else None,
    }
    for what, kind in kinds.items():
        if saved[what] != kind:
            raise ArgumentError(
                f"fit: {path} was written with the {what} {saved[what]}, and now it is {kind}. "
                f"Pass the same {what} to go on."
            )
    if saved["columns"] != run.columns:
        raise ArgumentError(
            f"fit: {path} records {', '.join(saved['columns'])} of every epoch, and now there would be "
            f"{', '.join(run.columns)}. Pass the same metrics and validation data to go on."
        )
    shape = _shape_of(run)
    if saved["batch"] and saved["loader"] != shape:
        raise ArgumentError(
            f"fit: {path} was written in the middle of an epoch over {_told(saved['loader'])}, and now "
            f"there are {_told(shape)}. Pass the same data and batches to go on."
        )


def _told(shape: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in shape.items())
