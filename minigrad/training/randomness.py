"""The state of all random generators that a training draws from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..nn.module import Module
from ..seeding import resolve_generator

State = Mapping[str, Any]


_REGISTRIES = frozenset(vars(Module()))


def generators_of(
    model: Module, order: np.random.Generator, validation: np.random.Generator | None = None
) -> dict[str, np.random.Generator]:
    """Every generator in play: that of the batches' order, the default one, and those of layers.

    Parameters
    ----------
    model : Module
        Its modules' attributes are looked through, lists, tuples and dicts of them as well.
    order : numpy.random.Generator
        What shuffles.
    validation : numpy.random.Generator, optional
        What shuffles the validation data, if it has its own.

    Returns
    -------
    dict of str to numpy.random.Generator

    Examples
    --------
    >>> import minigrad as mg
    >>> model = mg.nn.Sequential(mg.nn.Dropout(0.5, generator=np.random.default_rng(0)))
    >>> list(generators_of(model, np.random.default_rng(1)))
    ['order', 'default', 'model.0.generator']
    """
    found = {"order": order, "default": resolve_generator("fit", None)}
    if validation is not None and validation is not order:
        found["validation"] = validation
    return found | {
        name: value for name, value in _attributes(model) if isinstance(value, np.random.Generator)
    }


def old_generators_of(model: Module) -> list[str]:
    """Where a model holds generators of NumPy's old kind, which a checkpoint does not save.

    Examples
    --------
    >>> import minigrad as mg
    >>> model = mg.nn.ReLU()
    >>> model.draws = {"noise": np.random.RandomState(0)}
    >>> old_generators_of(model)
    ["model.draws['noise']"]
    """
    return [name for name, value in _attributes(model) if isinstance(value, np.random.RandomState)]


def _attributes(model: Module) -> Iterator[tuple[str, Any]]:
    """What a model's modules hold of their own, with its name."""
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if name not in _REGISTRIES:
                whole = ".".join(part for part in ("model", path, name) if part)
                yield from _within(whole, value, frozenset())


def _within(name: str, value: Any, around: frozenset[int]) -> Iterator[tuple[str, Any]]:
    """A value, or all that is in a list, tuple or dict."""
    if not isinstance(value, list | tuple | dict):
        yield name, value
    elif id(value) not in around:  # else it holds itself
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _within(f"{name}[{key!r}]", part, around | {id(value)})


def states_of(generators: Mapping[str, np.random.Generator]) -> dict[str, State]:
    """Where each generator is.

    Examples
    --------
    >>> states_of({"order": np.random.default_rng(0)})["order"]["bit_generator"]
    'PCG64'
    """
    return {name: generator.bit_generator.state for name, generator in generators.items()}


def restore(generators: Mapping[str, np.random.Generator], states: Mapping[str, State]) -> None:
    """Set each generator to where it was.

    Raises
    ------
    ArgumentError
        If there are other generators, or of another kind; then none was set.

    Examples
    --------
    >>> one, other = np.random.default_rng(0), np.random.default_rng(1)
    >>> restore({"order": other}, states_of({"order": one}))
    >>> bool(one.random() == other.random())
    True
    """
    kinds = {name: type(g.bit_generator).__name__ for name, g in generators.items()}
    saved = {name: state["bit_generator"] for name, state in states.items()}
    if kinds != saved:
        raise ArgumentError(
            f"fit: the checkpoint was written with the random generators {saved}, and now there are "
            f"{kinds}. Make the model and the loader as they were made then."
        )
    for name, state in states.items():
        generators[name].bit_generator.state = state
