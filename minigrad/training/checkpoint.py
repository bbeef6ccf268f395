"""Training checkpoints: all that a run needs to go on as if it had never stopped.

The file is a ``.safetensors`` file.  Its tensors are the model's state, under its own keys, and what
the optimizer remembers; everything else is JSON in the header.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from reprlib import repr as short
from typing import Any

from ..errors import ArgumentError, MinigradError
from ..files import destination, path_of
from ..tensor import Tensor
from .history import History
from .interrupt import deferred_interrupt
from .plain import from_text, to_text
from .randomness import restore, states_of
from .run import Averages, Run
from .weights import (
    CheckpointError,
    PathLike,
    mark_of,
    marking,
    read_tensors,
    reason,
    separate,
    write_tensors,
)

VERSION = 1
_LOADER = ("examples", "batch_size", "shuffle", "drop_last")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _list_of(kind: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(kind(v) for v in value)


def _dict_of(kind: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(kind(v) for v in value.values())


def _or_none(kind: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or kind(value)


_is_dict = _dict_of(lambda value: True)

# What the JSON holds, and how it looks.
_KINDS: dict[str, Callable[[Any], bool]] = {
    "epoch": _is_count,
    "batch": _is_count,
    "loader": lambda value: _is_dict(value) and value.keys() == set(_LOADER),
    "sums": _dict_of(_is_number),
    "count": _is_count,
    "columns": _list_of(_is_text),
    "history": _dict_of(_list_of(_is_number)),
    "optimizer": _is_text,
    "numbers": _dict_of(_is_dict),
    "param_groups": _list_of(lambda g: _is_dict(g) and _list_of(_is_count)(g.get("params"))),
    "scheduler": _or_none(_is_text),
    "schedule": _or_none(_is_dict),
    "generators": _dict_of(_is_dict),
    "order_at_start": _or_none(_is_dict),
}


def check_writable(path: PathLike) -> None:
    """Refuse a path that cannot be written, before any work is done.

    Examples
    --------
    >>> check_writable("no/such/folder/run.safetensors")
    Traceback (most recent call last):
    minigrad.training.weights.CheckpointError: fit: cannot write no/such/folder/run.safetensors: ...
    """
    import tempfile

    path = path_of("fit", path)
    try:
        if path.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        real, _ = destination(path)
        with tempfile.TemporaryFile(dir=real.parent):
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
    notes = marking(tensors)
    mark = mark_of(notes)
    remembered = run.optimizer.state_dict()
    numbers: dict[str, dict[str, Any]] = {}
    names: dict[str, list[str]] = {}
    for number, state in remembered["state"].items():
        for name, value in state.items():
            if isinstance(value, Tensor):
                tensors[f"{mark}{number}/{name}"] = value
                names.setdefault(str(number), []).append(name)
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
            "tensors": names,
            "param_groups": remembered["param_groups"],
            "scheduler": type(run.scheduler).__name__ if run.scheduler else None,
            "schedule": run.scheduler.state_dict() if run.scheduler else None,
            "generators": states_of(run.generators),
            "order_at_start": run.order_at_start,
        }
    )
    return write_tensors("fit", path, tensors, {"format": "pt", "minigrad": text, **notes})


def read_run(path: PathLike, run: Run) -> None:
    """Bring a run to where the one was that wrote the file; whatever goes wrong, it stays as it was.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, or holds no training.
    MinigradError
        If model, optimizer, scheduler or data are others.
    """
    path = path_of("fit", path)
    arrays, notes = read_tensors("fit", path)
    if "minigrad" not in notes:
        raise CheckpointError(
            f"fit: {path} holds tensors, but no training to go on with. To start from them, write "
            "model.load_state_dict(mg.load(path)), and leave resume out."
        )
    try:
        saved = from_text(notes["minigrad"])
        version = saved["version"]
    except Exception as error:  # anything may stand in a damaged file
        raise _damaged(path, _kind(error)) from error
    if not _is_count(version) or version != VERSION:
        raise CheckpointError(
            f"fit: {path} is of version {version!r}, and this minigrad reads {VERSION}."
        )
    model: dict[str, Any] = {}
    state: dict[int, dict[str, Any]] = {}
    own = run.model.state_dict().keys()
    for key, array in arrays.items():
        found = None if key in own else separate(key, notes)
        if found is None:
            model[key] = array
        else:
            state.setdefault(found[0], {})[found[1]] = array
    trouble = _trouble(saved, state)
    if trouble:
        raise _damaged(path, trouble)
    _compare(path, saved, run)
    back = _way_back(run)
    try:
        for number, values in saved["numbers"].items():
            state.setdefault(int(number), {}).update(values)
        run.model.load_state_dict(model)
        run.optimizer.load_state_dict({"state": state, "param_groups": saved["param_groups"]})
        restore(run.generators, saved["generators"])
        if saved["order_at_start"] is not None:  # it is needed later: is it the state of a generator?
            copy.deepcopy(run.order).bit_generator.state = saved["order_at_start"]
        if run.scheduler:
            run.scheduler.load_state_dict(saved["schedule"])
        run.history = History(saved["history"])
        run.averages = Averages(saved["sums"], saved["count"])
        run.epoch, run.batch = saved["epoch"], saved["batch"]
        run.order_at_start = saved["order_at_start"]
    except BaseException as error:
        with deferred_interrupt():
            back()
        if isinstance(error, Exception) and not isinstance(error, MinigradError):
            raise _damaged(path, _kind(error)) from error
        raise


def _damaged(path: Path, what: str) -> CheckpointError:
    return CheckpointError(
        f"fit: the header of {path} is damaged ({what}). Go on from another copy; mg.load(path) reads "
        "the tensors alone."
    )


def _kind(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _trouble(saved: dict[str, Any], state: dict[int, dict[str, Any]]) -> str:
    """What is wrong with the JSON as such, if something is."""
    for name, kind in _KINDS.items():
        if name not in saved:
            return f"{name!r} is missing"
        if not kind(saved[name]):
            return f"{name!r} is {short(saved[name])}"
    names = {str(number): sorted(values) for number, values in state.items()}
    listed = saved.get("tensors", names)  # files of before do not list them
    if not _dict_of(_list_of(_is_text))(listed) or {k: sorted(v) for k, v in listed.items()} != names:
        return "the optimizer's tensors are others than those that it lists"
    history, columns, epoch = saved["history"], saved["columns"], saved["epoch"]
    if {len(values) for values in history.values()} - {epoch} or (
        set(history) != set(columns) and (epoch or history)
    ):
        return f"'history' does not hold {epoch} epochs of {', '.join(columns)}"
    if bool(saved["batch"]) != bool(saved["count"]) or bool(saved["batch"]) != bool(saved["sums"]):
        return f"'batch' is {saved['batch']}, with sums of {saved['count']} examples"
    if set(saved["sums"]) - set(columns):
        return f"'sums' are of {', '.join(saved['sums'])}"
    if saved["batch"] and saved["order_at_start"] is None:
        return "'order_at_start' is missing"
    if (saved["scheduler"] is None) != (saved["schedule"] is None):
        return "of the scheduler there is one half"
    return ""


def _way_back(run: Run) -> Callable[[], None]:
    """A function that makes model, optimizer, scheduler, generators and run what they are now."""
    tensors = [(t, t._value) for t in (*run.model.parameters(), *run.model.buffers())]
    owners = [run, run.optimizer, *([run.scheduler] if run.scheduler else [])]
    dicts = [vars(owner) for owner in owners] + run.optimizer.param_groups
    before = [dict(d) for d in dicts]
    generators = run.generators
    positions = states_of(generators)

    def back() -> None:
        for tensor, value in tensors:
            tensor._value = value
        for changed, old in zip(dicts, before, strict=True):
            changed.clear()
            changed.update(old)
        restore(generators, positions)

    return back


def _shape_of(run: Run) -> dict[str, Any]:
    """What must be the same to go on in the middle of an epoch."""
    loader = run.loader
    shape = len(loader.dataset), loader.batch_size, loader.shuffle, loader.drop_last
    return dict(zip(_LOADER, shape, strict=True))


def _compare(path: Path, saved: dict[str, Any], run: Run) -> None:
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
    for group, saved_group in zip(run.optimizer.param_groups, saved["param_groups"], strict=False):
        missing = run.optimizer.defaults.keys() - saved_group.keys()
        if missing:
            raise _damaged(path, f"of {len(group['params'])} parameters there is no {min(missing)!r}")
    if run.scheduler:
        missing = run.scheduler.state_dict().keys() - saved["schedule"].keys()
        rates = saved["schedule"].get("base_lrs")
        if missing:
            raise _damaged(path, f"of the scheduler {min(missing)!r} is missing")
        if "base_lrs" in vars(run.scheduler) and not (
            _list_of(_is_number)(rates) and len(rates) == len(run.scheduler.base_lrs)
        ):
            raise _damaged(path, f"'base_lrs' of the scheduler are {short(rates)}")
    shape = _shape_of(run)
    if saved["batch"] and saved["loader"] != shape:
        raise ArgumentError(
            f"fit: {path} was written in the middle of an epoch over {_told(saved['loader'])}, and now "
            f"there are {_told(shape)}. Pass the same data and batches to go on."
        )
    if saved["batch"] > len(run.loader):
        raise _damaged(path, f"batch {saved['batch']} of {len(run.loader)}")


def _told(shape: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in shape.items())
