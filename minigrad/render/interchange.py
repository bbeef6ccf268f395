"""A picture as JSON and back: for the page, and for other people's viewers.

The form is the data model itself: an object with ``format``, ``version`` and the fields of
:class:`~minigrad.render.model.Picture`, nested as its dataclasses are.  JSON has no NaN and no
infinity: they are the strings "NaN", "Infinity" and "-Infinity" where a number may stand.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from typing import Any

from ..errors import ArgumentError
from . import model
from .model import Picture

FORMAT = "minigrad picture"
VERSION = 1  # raised when a reader of the old form would go wrong

_ODD = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def to_json(picture: Picture) -> str:
    """The picture as JSON text; equal pictures give equal text.

    Examples
    --------
    >>> import json, minigrad as mg
    >>> from minigrad.render import picture
    >>> found = json.loads(to_json(picture(mg.trace(lambda a: a * a, 3.0))))
    >>> found["version"], found["nodes"][1]["op"], len(found["edges"])
    (1, 'mul', 3)
    """
    form = {"format": FORMAT, "version": VERSION, **_plain(picture)}
    return json.dumps(form, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def from_json(text: str) -> Picture:
    """The picture that a JSON text holds.

    Raises
    ------
    ArgumentError
        If it is no picture, or of a later version.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.render import picture
    >>> drawn = picture(mg.trace(lambda a: a * a, 3.0))
    >>> from_json(to_json(drawn)) == drawn
    True
    """
    try:
        form = json.loads(text)
    except json.JSONDecodeError as error:
        raise ArgumentError(f"from_json: this is not JSON: {error}.") from None
    if not isinstance(form, dict) or form.get("format") != FORMAT:
        raise ArgumentError(f'from_json: this is JSON, but no picture: it has no "format": "{FORMAT}".')
    if form.get("version") != VERSION:
        raise ArgumentError(
            f"from_json: this is version {form.get('version')} of the form, and this minigrad reads "
            f"version {VERSION}."
        )
    try:
        return typing.cast(Picture, _read(Picture, form, "picture"))
    except (KeyError, TypeError, ValueError) as error:
        raise ArgumentError(f"from_json: the picture is damaged: {error!r}.") from None


def _plain(x: Any) -> Any:
    """Objects, lists, strings, and finite numbers."""
    if dataclasses.is_dataclass(x):
        return {f.name: _plain(getattr(x, f.name)) for f in dataclasses.fields(x)}
    if isinstance(x, tuple):
        return [_plain(y) for y in x]
    if isinstance(x, float) and not math.isfinite(x):
        return "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"
    if isinstance(x, str):
        return x.encode("utf-8", "replace").decode()  # a lone surrogate is no text
    return x


def _read(kind: Any, x: Any, where: str) -> Any:
    """The value of a type from its plain form."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(x, dict):
            raise TypeError(f"{where} is no object")
        types_ = typing.get_type_hints(kind, vars(model))
        return kind(
            **{
                f.name: _read(types_[f.name], x[f.name], f"{where}.{f.name}")
                for f in dataclasses.fields(kind)
            }
        )
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        if not isinstance(x, list):
            raise TypeError(f"{where} is no list")
        kinds = inside[:1] * len(x) if inside[1:] == (...,) else inside
        return tuple(
            [_read(k, y, f"{where}[{i}]") for i, (k, y) in enumerate(zip(kinds, x, strict=True))]
        )
    if origin in (types.UnionType, typing.Union):
        return None if x is None else _read(next(k for k in inside if k is not type(None)), x, where)
    if kind in (float, Any) and isinstance(x, str) and x in _ODD:
        return _ODD[x]
    if kind in (str, int, bool) and type(x) is not kind:
        raise TypeError(f"{where} is {x!r}, not {kind.__name__}")
    return float(x) if kind is float else x
