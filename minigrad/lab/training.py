"""What experiments share: the digits, networks to train, and training step by step."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .. import nn
from ..context import no_grad
from ..data import DataLoader, TensorDataset
from ..data import digits as handwritten
from ..errors import NonFiniteError
from ..tensor import Array, Tensor

DIVERGED = 1e6  # a loss beyond this does not come back
CHANCE = 0.1  # the share of ten digits that guessing gets right
NORMS: dict[str, Any] = {"plain": None, "batch norm": nn.BatchNorm1d}  # what most compare


def digits(binary: bool = False) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Training and test digits, as rows of 64 pixels from 0 to 1, and their labels.

    Parameters
    ----------
    binary : bool
        Whether pixels are 0 or 1, as in the paper's first experiment.

    Examples
    --------
    >>> (images, labels), test = digits(binary=True)
    >>> images.shape, sorted(set(images.ravel().tolist()))
    ((1348, 64), [0.0, 1.0])
    """
    parts = []
    for split in ("train", "test"):
        images, labels = handwritten(split, flatten=True)
        parts.append(((images >= 0.5).astype(images.dtype) if binary else images, labels))
    return parts[0], parts[1]


def network(
    widths: Sequence[int],
    seed: int,
    norm: Callable[[int], Any] | None = None,
    activation: Callable[[], Any] = nn.ReLU,
    scale: float | Callable[[int], float] | None = None,
) -> Any:
    """A classifier: linear, normalized if wanted, activated, and so on; the last layer bare.

    Parameters
    ----------
    widths : sequence of int
        Of the input, the hidden layers and the output.
    seed : int
        Of the weights; the same with and without normalization.
    norm : callable, optional
        Makes a normalizing layer for a width: ``nn.BatchNorm1d``.
    activation : callable
        Makes an activation.
    scale : float or callable, optional
        Standard deviation of the weights, or from a layer's number of inputs to it; biases are then
        zero.  By default PyTorch's way.

    Examples
    --------
    >>> network([64, 10, 10], 0, norm=nn.BatchNorm1d)[1]
    BatchNorm1d(10, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
    """
    generator = np.random.default_rng(seed)
    layers: list[Any] = []
    for depth, (before, after) in enumerate(itertools.pairwise(widths), 1):
        linear = nn.Linear(before, after, generator=generator)
        if scale is not None:
            deviation = scale(before) if callable(scale) else scale
            linear.weight.data = generator.normal(0.0, deviation, linear.weight.shape).astype("f4")
            linear.bias.data = np.zeros(after, "f4")
        layers.append(linear)
        if depth < len(widths) - 1:
            layers += [norm(after)] if norm else []
            layers.append(activation())
    return nn.Sequential(*layers)


def he(factor: float = 1.0) -> Callable[[int], float]:
    """He's deviation for layers before a ReLU, times a factor: a ``scale`` for :func:`network`.

    Examples
    --------
    >>> he()(50)
    0.2
    """
    return lambda inputs: factor * (2.0 / inputs) ** 0.5


def batches(data: tuple[Array, Array], size: int, seed: int) -> Iterator[tuple[Any, Any]]:
    """Batches without end, in a new order each time round."""
    order = np.random.default_rng([seed, 1])  # other numbers than the weights are drawn from
    loader = DataLoader(TensorDataset(*data), size, shuffle=True, drop_last=True, generator=order)
    return itertools.chain.from_iterable(itertools.repeat(loader))


def train(
    model: Any,
    optimizer: Any,
    data: tuple[Array, Array],
    steps: int,
    size: int = 60,
    seed: int = 0,
    each: Callable[[int, float], None] | None = None,
    criterion: Callable[[Tensor, Any], Tensor] | None = None,
) -> list[float]:
    """Train, and give the loss of every step; training that diverges ends.

    Parameters
    ----------
    model, optimizer
    data : tuple of ndarray
        Images and labels.
    steps : int
    size : int
        Of a batch.
    seed : int
        Of the order of the examples.
    each : callable, optional
        ``each(step, loss)`` is called after every step, from 1.
    criterion : callable, optional
        From scores and labels to the loss; by default cross-entropy.

    Returns
    -------
    list of float
        Ends with infinity if the loss left all bounds.
    """
    criterion = criterion or nn.CrossEntropyLoss()
    losses: list[float] = []
    for step, (images, labels) in zip(range(1, steps + 1), batches(data, size, seed)):
        optimizer.zero_grad()
        try:
            with np.errstate(all="ignore"):
                loss = criterion(model(images), labels)
                value = loss.item()
                if not abs(value) < DIVERGED:
                    return [*losses, float("inf")]
                loss.backward()
                optimizer.step()
        except NonFiniteError:
            return [*losses, float("inf")]
        losses.append(value)
        if each is not None:
            each(step, value)
    return losses


def accuracy(model: Any, data: tuple[Array, Array]) -> float:
    """The share of images that a network gets right, in inference mode."""
    images, labels = data
    model.eval()
    with no_grad(), np.errstate(all="ignore"):
        scores = model(images).numpy()
    model.train()
    return float(np.mean(scores.argmax(axis=1) == labels))


def score(
    model: Any,
    optimizer: Any,
    data: tuple[Array, Array],
    test: tuple[Array, Array],
    steps: int,
    seed: int,
) -> float:
    """Train, and give the share of test digits right; that of guessing if training diverged."""
    losses = train(model, optimizer, data, steps, seed=seed)
    return accuracy(model, test) if np.isfinite(losses[-1]) else CHANCE


def learning_curve(
    model: Any,
    optimizer: Any,
    data: tuple[Array, Array],
    test: tuple[Array, Array],
    steps: int,
    every: int,
    seed: int = 0,
    report: Callable[[int], None] | None = None,
) -> list[float]:
    """Train, and give the share of test digits right before and after every so many steps.

    Parameters
    ----------
    model, optimizer, data, test, steps, seed
        As for :func:`train` and :func:`accuracy`.
    every : int
        How many steps lie between two looks.
    report : callable, optional
        Told the step at every look.

    Returns
    -------
    list of float
        ``steps // every + 1`` of them; after divergence that of guessing.
    """
    found = [accuracy(model, test)]

    def look(step: int, loss: float) -> None:
        if step % every == 0:
            found.append(accuracy(model, test))
            if report is not None:
                report(step)

    train(model, optimizer, data, steps, seed=seed, each=look)
    return found + [CHANCE] * (steps // every + 1 - len(found))
