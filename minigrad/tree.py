"""Nested dicts, lists and tuples, taken apart and put together again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def flatten(tree: Any) -> tuple[list[Any], Callable[[Sequence[Any]], Any]]:
    """Take nested dicts, lists and tuples apart.

    Returns
    -------
    leaves : list
        In order; dicts by their keys' order of insertion; None counts as an empty container.
    rebuild : callable
        Puts other leaves into the same containers.

    Examples
    --------
    >>> leaves, rebuild = flatten({"w": 1.0, "b": [2.0, 3.0]})
    >>> leaves
    [1.0, 2.0, 3.0]
    >>> rebuild([x * 10 for x in leaves])
    {'w': 10.0, 'b': [20.0, 30.0]}
    """
    leaves: list[Any] = []
    build = _walk(tree, leaves)
    return leaves, lambda new: build(iter(new))


def _walk(part: Any, leaves: list[Any]) -> Callable[..., Any]:
    """Append the leaves of a part; how to build it again, which does not keep them alive."""
    if part is None:
        return lambda new: None
    kind = type(part)
    if isinstance(part, dict):
        inner = {key: _walk(value, leaves) for key, value in part.items()}
        return lambda new: {key: build(new) for key, build in inner.items()}
    if isinstance(part, list | tuple):
        builds = [_walk(value, leaves) for value in part]
        if hasattr(part, "_fields"):  # a named tuple
            return lambda new: kind(*[build(new) for build in builds])
        return lambda new: kind([build(new) for build in builds])
    leaves.append(part)
    return next


def flatten_like(tree: Any, like: Any) -> list[Any] | None:
    """The leaves of `tree` in the order of `like`; None if they are not built alike.

    Examples
    --------
    >>> flatten_like({"b": 1, "a": [2, 3]}, {"a": [0, 0], "b": 0})
    [2, 3, 1]
    >>> flatten_like([1, 2], {"a": 0, "b": 0}) is None
    True
    """
    if like is None:
        return [] if tree is None else None
    if isinstance(like, dict):
        if not isinstance(tree, dict) or tree.keys() != like.keys():
            return None
        parts = [flatten_like(tree[key], like[key]) for key in like]
    elif isinstance(like, list | tuple):
        if not isinstance(tree, list | tuple) or len(tree) != len(like):
            return None
        parts = [flatten_like(one, other) for one, other in zip(tree, like, strict=True)]
    else:
        return None if isinstance(tree, dict | list | tuple) else [tree]
    if any(part is None for part in parts):
        return None
    return [leaf for part in parts if part is not None for leaf in part]


def tree_map(function: Callable[..., Any], tree: Any) -> Any:
    """Apply a function to every leaf of nested containers.

    Examples
    --------
    >>> tree_map(lambda x: x + 1, {"a": 1, "b": (2, 3)})
    {'a': 2, 'b': (3, 4)}
    """
    leaves, rebuild = flatten(tree)
    return rebuild([function(leaf) for leaf in leaves])
