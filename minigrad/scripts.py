"""Scripts of the user's own: run one, find a name in it, and say in one line why it fails."""

from __future__ import annotations

import difflib
import importlib
import linecache
import sys
import traceback
from collections.abc import Collection
from pathlib import Path
from types import ModuleType
from typing import Any

from .errors import ArgumentError

MOST = 12  # functions that an error lists


def split_name(word: str) -> tuple[str, str]:
    """A file or module, and the name in it, "" if there is none.

    Examples
    --------
    >>> split_name("mine.py:forward"), split_name("mine.py")
    (('mine.py', 'forward'), ('mine.py', ''))
    """
    where, colon, name = word.rpartition(":")
    # a drive letter is no module: C:\script.py
    if not colon or (len(where) == 1 and name.startswith(("\\", "/"))):
        return word, ""
    return where, name


def load(where: str) -> ModuleType:
    """A module by its name, or from a file, which is run as a script of another name.

    Raises
    ------
    ArgumentError
        If there is none, or if it fails; the message names the line.
    """
    path = Path(where)
    if path.suffix != ".py" and not path.is_file():
        if path.exists():
            raise ArgumentError(f"{where} is a folder; name a Python file in it.")
        sys.path.insert(0, "")
        try:
            return importlib.import_module(where)
        except ModuleNotFoundError as error:
            if error.name and (where == error.name or where.startswith(error.name + ".")):
                raise ArgumentError(f"there is no file and no module {where!r}.") from None
            raise failure(where, error, ()) from error
        except Exception as error:
            raise failure(where, error, ()) from error
        finally:
            sys.path.remove("")
    if not path.is_file():
        raise ArgumentError(f"there is no file {where!r}.")
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    before = sys.path[:], sys.argv[:]
    sys.path.insert(0, str(path.resolve().parent))
    sys.argv[:] = [str(path)]
    sys.modules.setdefault(path.stem, module)
    linecache.checkcache(str(path))  # pictures show lines of it: of this version
    try:
        source = path.read_bytes()
        exec(compile(source, str(path), "exec"), module.__dict__)
    except (Exception, SystemExit) as error:
        raise failure(where, error, {str(path)}) from error
    finally:
        sys.path[:], sys.argv[:] = before
        if sys.modules.get(path.stem) is module:
            del sys.modules[path.stem]
    return module


def failure(where: str, error: BaseException, files: Collection[str]) -> ArgumentError:
    """One line about an exception in the user's own code: the last line of it that was reached."""
    line = getattr(error, "lineno", None) if isinstance(error, SyntaxError) else None
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename in files:
            line = frame.lineno
    place = f"{where}, line {line}," if line else where
    if isinstance(error, SystemExit):
        return ArgumentError(
            f"{place} leaves with sys.exit({error.code!r}). Put that under if __name__ == '__main__'."
        )
    text = str(error).splitlines()[0] if str(error) else ""
    text = ". ".join([text, *[str(note) for note in getattr(error, "__notes__", ())][:1]])
    return ArgumentError(f"{place} fails with {type(error).__name__}: {text.strip()}")


def named(module: ModuleType, name: str, where: str) -> Any:
    """A function of a module; the error lists what there is."""
    value = vars(module).get(name)
    if callable(value):
        return value
    own = [
        n for n, v in vars(module).items()
        if callable(v) and not n.startswith("_") and getattr(v, "__module__", None) == module.__name__
    ]  # fmt: skip
    near = difflib.get_close_matches(name, own, n=1)
    meant = f" Did you mean {near[0]}?" if near else ""
    listed = ", ".join(own[:MOST]) + (f" and {len(own) - MOST} more" if len(own) > MOST else "")
    raise ArgumentError(f"{where} has no function {name!r}.{meant} Its functions: {listed or 'none'}.")
