"""The one generator that is used where none is passed.

Everything random takes an explicit NumPy Generator.  Where it is left out, this
one serves.  It starts from seed 0, so a program gives the same numbers each time
it runs, until :func:`manual_seed` says otherwise.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import ArgumentError

_DEFAULT: list[np.random.Generator] = [np.random.default_rng(0)]


def manual_seed(seed: int) -> np.random.Generator:
    """Seed the generator that is used where none is passed.

    Parameters
    ----------
    seed : int
        Zero or positive.

    Returns
    -------
    numpy.random.Generator
        The fresh default generator.

    Raises
    ------
    ArgumentError
        If `seed` is no such integer.

    Examples
    --------
    >>> import minigrad as mg
    >>> _ = mg.manual_seed(1)
    >>> first = mg.nn.Linear(2, 2).weight.tolist()
    >>> _ = mg.manual_seed(1)
    >>> mg.nn.Linear(2, 2).weight.tolist() == first
    True
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ArgumentError(f"manual_seed: the seed is an integer from 0 upwards, not {seed!r}.")
    _DEFAULT[0] = np.random.default_rng(seed)
    return _DEFAULT[0]


def check_generator(who: str, generator: Any) -> np.random.Generator | None:
    """A Generator or None as it is; anything else is an error that shows how to make one.

    Examples
    --------
    >>> check_generator("Dropout", None) is None
    True
    """
    if generator is None or isinstance(generator, np.random.Generator):
        return generator
    raise ArgumentError(
        f"{who}: generator must be a numpy.random.Generator, not {type(generator).__name__} "
        f"{generator!r}. Write generator=np.random.default_rng(seed)."
    )


def resolve_generator(who: str, generator: Any) -> np.random.Generator:
    """The generator that was passed, or else the default one.

    Examples
    --------
    >>> mine = np.random.default_rng(3)
    >>> resolve_generator("init.normal_", mine) is mine
    True
    """
    found = check_generator(who, generator)
    return _DEFAULT[0] if found is None else found
