"""Two networks that differ in batch norm alone, trained side by side on the handwritten digits."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import nn
from ..context import no_grad
from ..data import DataLoader, TensorDataset, digits
from ..optim import SGD
from .terminal import Report

WIDTHS = (64, 64, 64, 64)  # pixels, then three hidden layers
BATCH = 60
RATE = 0.1
WITH, WITHOUT = "with batch norm", "without"


@dataclass
class History:
    """What was seen of one network while it trained.

    Attributes
    ----------
    steps : list of int
        When it was looked at.
    losses : list of float
        Mean training loss since the look before.
    accuracies : list of float
        Share of the test digits that it got right.
    """

    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)

    def first(self, accuracy: float) -> int | None:
        """The first step at which so many test digits were right, if there was one.

        Examples
        --------
        >>> History([10, 20], [1.0, 0.5], [0.8, 0.95]).first(0.9)
        20
        """
        return next((s for s, a in zip(self.steps, self.accuracies) if a >= accuracy), None)


def network(seed: int, batch_norm: bool) -> Any:
    """A classifier of digits; the same seed gives the same weights, with and without batch norm.

    Examples
    --------
    >>> network(0, True)[0].weight.tolist() == network(0, False)[0].weight.tolist()
    True
    """
    generator = np.random.default_rng(seed)
    layers: list[Any] = []
    for before, after in itertools.pairwise(WIDTHS):
        layers.append(nn.Linear(before, after, generator=generator))
        layers += [nn.BatchNorm1d(after), nn.ReLU()] if batch_norm else [nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(WIDTHS[-1], 10, generator=generator))


def train(seed: int, steps: int, report: Report) -> dict[str, History]:
    """Train both networks on the same batches.

    Parameters
    ----------
    seed : int
        Of the first weights and of the order of the digits.
    steps : int
        How many batches.
    report : callable
        Is told of every step.

    Returns
    -------
    dict of str to History

    Examples
    --------
    >>> histories = train(0, 2, lambda done, note: None)
    >>> histories["with batch norm"].steps
    [1, 2]
    """
    twins = {WITH: network(seed, True), WITHOUT: network(seed, False)}
    optimizers = {name: SGD(twin.parameters(), lr=RATE) for name, twin in twins.items()}
    histories = {name: History() for name in twins}
    recent: dict[str, list[float]] = {name: [] for name in twins}
    criterion = nn.CrossEntropyLoss()
    test = digits("test", flatten=True)
    every, note = max(1, steps // 40), ""
    for step, (images, labels) in zip(range(1, steps + 1), _batches(seed)):
        for name, twin in twins.items():
            optimizers[name].zero_grad()
            loss = criterion(twin(images), labels)
            loss.backward()
            optimizers[name].step()
            recent[name].append(loss.item())
        if step % every == 0 or step == steps:
            for name, twin in twins.items():
                histories[name].steps.append(step)
                histories[name].losses.append(sum(recent[name]) / len(recent[name]))
                histories[name].accuracies.append(accuracy(twin, *test))
                recent[name].clear()
            note = ", ".join(f"{name} {h.accuracies[-1]:.1%}" for name, h in histories.items())
        report(step, note)
    return histories


def accuracy(network: Any, images: Any, labels: Any) -> float:
    """The share of images that a network gets right, in inference mode."""
    network.eval()
    with no_grad():
        scores = network(images).numpy()
    network.train()
    return float(np.mean(scores.argmax(axis=1) == labels))


def _batches(seed: int) -> Iterator[Any]:
    """Batches of training digits without end, in a new order each time round."""
    data = TensorDataset(*digits("train", flatten=True))
    order = np.random.default_rng([seed, 1])  # other numbers than the weights are drawn from
    loader = DataLoader(data, BATCH, shuffle=True, drop_last=True, generator=order)
    return itertools.chain.from_iterable(itertools.repeat(loader))
