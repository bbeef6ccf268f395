"""What layers say of themselves: docstrings of layers that differ in little, settings in a repr."""

from __future__ import annotations

from inspect import cleandoc
from typing import Any

from ..ops.window import AXES


def extended(base: type, examples: str) -> str:
    """The docstring of a base class, with examples.

    Examples
    --------
    >>> class Base:
    ...     "What both do."
    >>> print(extended(Base, "Here."))
    What both do.
    <BLANKLINE>
    Here.
    <BLANKLINE>
    """
    return f"{cleandoc(base.__doc__ or '')}\n\n{cleandoc(examples)}\n"


def for_axes(doc: str, count: int, **more: Any) -> str:
    """A docstring whose braces are filled in for one, two or three axes.

    Examples
    --------
    >>> for_axes("MaxPool{count}d: windows along {axes}, of size int{ints}.", 2)
    'MaxPool2d: windows along H, W, of size int or tuple of int.'
    """
    several = count > 1
    return doc.format(
        count=count,
        axes=AXES[count - 1],
        ints=" or tuple of int" if several else "",
        or_none=", None, or tuple of these" if several else "",
        four=(5, 3, *[4] * count),
        **more,
    )


def unusual(**settings: tuple[Any, Any]) -> str:
    """Of settings and their usual values those that differ, for a repr.

    Examples
    --------
    >>> unusual(stride=(2, 1), groups=(1, 1))
    ', stride=2'
    """
    return "".join([f", {k}={value}" for k, (value, usual) in settings.items() if value != usual])
