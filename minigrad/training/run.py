"""Run: where a training is, and what it is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..data import DataLoader
from ..nn.module import Module
from ..optim import Optimizer
from ..optim.lr_scheduler import LRScheduler
from .history import History
from .randomness import generators_of, restore, states_of


@dataclass
class Averages:
    """Running means, weighted by the number of examples.

    Examples
    --------
    >>> averages = Averages()
    >>> averages.add({"loss": 1.0}, 3)
    >>> averages.add({"loss": 2.0}, 1)
    >>> averages.means()
    {'loss': 1.25}
    """

    sums: dict[str, float] = field(default_factory=dict)
    count: int = 0

    def add(self, values: Mapping[str, float], count: int) -> None:
        """Take in the means of a batch of `count` examples."""
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value * count
        self.count += count

    def means(self) -> dict[str, float]:
        """The means so far."""
        return {name: total / self.count for name, total in self.sums.items()}


@dataclass
class Run:
    """A training under way; callbacks are given it.

    Attributes
    ----------
    model : Module
    optimizer : Optimizer
    scheduler : LRScheduler or None
    loader : DataLoader
        The training batches.
    epochs : int
        How many epochs there are to be in all.
    order : numpy.random.Generator
        What shuffles.
    history : History
        The epochs that are done.
    epoch : int
        How many epochs are done.
    batch : int
        How many batches of the next epoch are done.
    columns : list of str
        What the history holds of every epoch.
    averages : Averages
        Of these batches.
    stop : bool
        A callback sets it to end the training with this epoch.
    validation : DataLoader or None
        The validation batches.
    """

    model: Module
    optimizer: Optimizer
    scheduler: LRScheduler | None
    loader: DataLoader
    epochs: int
    order: np.random.Generator
    history: History = field(default_factory=History)
    epoch: int = 0
    batch: int = 0
    columns: list[str] = field(default_factory=list)
    averages: Averages = field(default_factory=Averages)
    order_at_start: Mapping[str, Any] | None = None  # the state before the epoch's order was drawn
    stop: bool = False
    validation: DataLoader | None = None

    @property
    def generators(self) -> dict[str, np.random.Generator]:
        """All generators that the training draws from, by name."""
        own = self.validation.generator if self.validation else None
        return generators_of(self.model, self.order, own)

    def batches(self) -> Iterator[Any]:
        """The batches of this epoch that are not done yet."""
        if self.batch == 0 or self.order_at_start is None:
            self.order_at_start = self.order.bit_generator.state
            return iter(self.loader)
        # Draw the same order once more, pass over what was done, and be where one was.
        now = states_of(self.generators)
        self.order.bit_generator.state = self.order_at_start
        batches = iter(self.loader)
        for _ in range(self.batch):
            next(batches)
        restore(self.generators, now)
        return batches
