"""Sample inputs for the generated tests: shapes that break things, values in a domain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Samples = Callable[[np.random.Generator], Iterator[tuple[tuple[Any, ...], dict[str, Any]]]]

UNARY_SHAPES = ((3, 4), (), (0, 3), (1,), (2, 1, 3))
BINARY_SHAPES = (
    ((3, 4), (3, 4)),
    ((3, 4), (4,)),
    ((3, 1), (1, 4)),
    ((), (2, 3)),
    ((2, 3), ()),
    ((), ()),
    ((0, 3), (3,)),
    ((2, 1, 3), (4, 1)),
)


def unary(low: float = -2.0, high: float = 2.0, apart: float = 0.0) -> Samples:
    """One input, uniform in ``[low, high]``, no closer to zero than `apart`."""

    def draw(rng: np.random.Generator) -> Iterator[Any]:
        for shape in UNARY_SHAPES:
            yield (_draw(rng, shape, low, high, apart),), {}

    return draw


def binary(
    low: float = -2.0,
    high: float = 2.0,
    second: tuple[float, float] | None = None,
    apart: float = 0.0,
) -> Samples:
    """Two inputs that broadcast; `second` is the domain of the other, `apart` their distance
    from zero."""

    def draw(rng: np.random.Generator) -> Iterator[Any]:
        for one, other in BINARY_SHAPES:
            x = _draw(rng, one, low, high, apart)
            yield (x, _draw(rng, other, *(second or (low, high)), apart)), {}

    return draw


def calls(*cases: tuple[Any, ...]) -> Samples:
    """Cases ``(shape, shape, ..., params)``: normal inputs of these shapes; params last."""

    def draw(rng: np.random.Generator) -> Iterator[Any]:
        for case in cases:
            *shapes, params = case
            yield tuple(rng.standard_normal(s) for s in shapes), dict(params)

    return draw


reductions = calls(
    ((3, 4), {}),
    ((3, 4), {"axis": 0}),
    ((3, 4), {"axis": -1, "keepdims": True}),
    ((2, 3, 4), {"axis": (0, 2)}),
    ((2, 3, 4), {"axis": (0, -1), "keepdims": True}),
    ((), {}),
    ((1, 5), {"axis": 0}),
)


def _draw(rng: np.random.Generator, shape: Any, low: float, high: float, apart: float) -> Any:
    x = rng.uniform(low, high, shape)
    return np.where(np.abs(x) < apart, apart + np.abs(x), x) if apart else x
