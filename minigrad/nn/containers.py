"""Modules that hold modules: Sequential, ModuleList, ModuleDict."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..errors import ArgumentError
from .module import Module


class _Numbered(Module):
    """Submodules under the names "0", "1", ..., read like a list."""

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(list(self._modules.values()))

    def _key(self, index: Any) -> str:
        keys = list(self._modules)
        try:
            number = operator.index(index)
        except TypeError:
            raise ArgumentError(
                f"{type(self).__name__}: an index is an integer or a slice, not {index!r}."
            ) from None
        if not -len(keys) <= number < len(keys):
            # IndexError, because Python's iteration and `in` rely on it.
            raise IndexError(f"{type(self).__name__} holds {len(keys)} modules; there is no {index}.")
        return keys[number]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            part = type(self)()
            # Not through add_module: the modules keep their place and name in this container.
            part._modules.update(self._picked(list(self._modules.items())[index]))
            return part
        return self._modules[self._key(index)]

    def _picked(self, items: list[tuple[str, Module]]) -> dict[str, Module]:
        return dict(items)

    def __setitem__(self, index: int, module: Module) -> None:
        self.add_module(self._key(index), module)

    def __delitem__(self, index: int) -> None:
        del self._modules[self._key(index)]
        if all(key.isdecimal() for key in self._modules):
            rest = list(self._modules.values())
            self._modules.clear()
            for module in rest:
                self.append(module)

    def append(self, module: Module) -> Any:
        """Add a module at the end; returns the container."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Any:
        """Add modules at the end; returns the container."""
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Any:
        """Put a module before a position; returns the container."""
        rest = list(self._modules.values())
        rest.insert(index, module)
        self._modules.clear()
        return self.extend(rest)


class Sequential(_Numbered):
    """Modules one after another.

    Parameters
    ----------
    *modules : Module or dict of str to Module
        Named "0", "1", ... or by the keys of one dict.

    Raises
    ------
    ArgumentError
        If something is no module.

    Examples
    --------
    >>> import minigrad.nn as nn
    >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> len(model), model[1]
    (3, ReLU())
    >>> list(model.state_dict())
    ['0.weight', '0.bias', '2.weight', '2.bias']
    """

    def __init__(self, *modules: Any) -> None:
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            for name, module in modules[0].items():
                self.add_module(name, module)
        else:
            self.extend(modules)

    def forward(self, x: Any) -> Any:
        """Pass x through every module in turn."""
        for module in self._modules.values():
            x = module(x)
        return x


class _Transparent(Module):
    """A container that is not called itself: its name goes into its parts' scopes."""

    def _label(self, name: str, module: Module) -> str:
        return super()._label(name, module) if self._scope is None else f"{self._scope}.{name}"


class ModuleList(_Transparent, _Numbered):
    """A list of modules that are registered.

    Parameters
    ----------
    modules : iterable of Module, optional

    Examples
    --------
    >>> import minigrad.nn as nn
    >>> layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
    >>> len(layers), len(list(layers.parameters()))
    (3, 6)
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        super().__init__()
        self.extend(modules)

    def _picked(self, items: list[tuple[str, Module]]) -> dict[str, Module]:
        return {str(i): module for i, (_, module) in enumerate(items)}

    def __repr__(self) -> str:
        """Neighbours that look alike are shown once."""
        groups: list[tuple[str, list[int]]] = []
        for i, text in enumerate(map(repr, self)):
            if groups and groups[-1][0] == text:
                groups[-1][1].append(i)
            else:
                groups.append((text, [i]))
        lines = [
            f"({at[0]}): {text}" if len(at) == 1 else f"({at[0]}-{at[-1]}): {len(at)} x {text}"
            for text, at in groups
        ]
        below = "\n".join(lines).replace("\n", "\n  ")
        return f"{type(self).__name__}(\n  {below}\n)" if lines else f"{type(self).__name__}()"


class ModuleDict(_Transparent):
    """A dict of modules that are registered.

    Parameters
    ----------
    modules : mapping of str to Module, optional

    Examples
    --------
    >>> import minigrad.nn as nn
    >>> heads = nn.ModuleDict({"digit": nn.Linear(8, 10), "parity": nn.Linear(8, 2)})
    >>> list(heads), heads["parity"].out_features
    (['digit', 'parity'], 2)
    """

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__()
        self.update(modules or {})

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._modules))

    def __contains__(self, name: str) -> bool:
        return name in self._modules

    def __getitem__(self, name: str) -> Module:
        return self._modules[self._key(name)]

    def _key(self, name: str) -> str:
        if name not in self._modules:
            raise ArgumentError(f"ModuleDict: there is no {name!r}; it holds {list(self._modules)}.")
        return name

    def __setitem__(self, name: str, module: Module) -> None:
        self.add_module(name, module)

    def __delitem__(self, name: str) -> None:
        del self._modules[self._key(name)]

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._modules.keys()

    def values(self) -> Iterable[Module]:
        """The modules."""
        return self._modules.values()

    def items(self) -> Iterable[tuple[str, Module]]:
        """Names and modules."""
        return self._modules.items()

    def update(self, modules: Mapping[str, Module]) -> None:
        """Add or replace modules by name."""
        for name, module in modules.items():
            self.add_module(name, module)
