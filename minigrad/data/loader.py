"""DataLoader: batches from a dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..seeding import check_generator, resolve_generator
from ..tensor import Tensor, as_tensor, describe
from .dataset import Subset, TensorDataset


class DataLoader:
    """Go through a dataset in batches.

    Parameters
    ----------
    dataset : Dataset or sequence
        Anything with ``len`` and integer indexing.
    batch_size : int
    shuffle : bool
        Whether each pass goes in a new order.
    generator : numpy.random.Generator, optional
        Where the orders come from; by default the one of :func:`minigrad.manual_seed`.
    drop_last : bool
        Whether to leave out a last batch that is smaller than the others.  Batch norm
        refuses to train on a last batch of one.
    collate_fn : callable, optional
        Makes a batch of a list of examples; by default :func:`default_collate`.

    Raises
    ------
    ArgumentError
        If `batch_size` is no positive integer, or `generator` no Generator.

    Examples
    --------
    >>> import minigrad as mg, numpy as np
    >>> data = mg.data.TensorDataset(np.arange(5.0))
    >>> loader = mg.data.DataLoader(data, batch_size=2)
    >>> [x.tolist() for (x,) in loader]
    [[0.0, 1.0], [2.0, 3.0], [4.0]]
    >>> len(loader), len(mg.data.DataLoader(data, batch_size=2, drop_last=True))
    (3, 2)
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        generator: np.random.Generator | None = None,
        drop_last: bool = False,
        collate_fn: Callable[[list[Any]], Any] | None = None,
    ) -> None:
        if (
            isinstance(batch_size, bool)
            or not isinstance(batch_size, int | np.integer)
            or batch_size < 1
        ):
            raise ArgumentError(f"DataLoader: batch_size is a positive integer, not {batch_size!r}.")
        self.dataset = dataset
        self.batch_size = int(batch_size)
        self.shuffle = bool(shuffle)
        self.generator = check_generator("DataLoader", generator)
        self.drop_last = bool(drop_last)
        self.collate_fn = collate_fn

    def __len__(self) -> int:
        count = len(self.dataset)
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        order = np.arange(len(self.dataset))
        if self.shuffle:
            resolve_generator("DataLoader", self.generator).shuffle(order)
        for number in range(len(self)):
            yield self._batch(order[number * self.batch_size : (number + 1) * self.batch_size])

    def _batch(self, chosen: Any) -> Any:
        if self.collate_fn is None:
            source, inner = self.dataset, chosen
            while isinstance(source, Subset):
                source, inner = source.dataset, source.indices[inner]
            if type(source) is TensorDataset:  # one read per tensor instead of one per example
                return list(source[inner])
        return (self.collate_fn or default_collate)([self.dataset[int(i)] for i in chosen])


def default_collate(examples: Sequence[Any]) -> Any:
    """Make one batch of a list of examples: stack what is alike.

    Parameters
    ----------
    examples : sequence
        Tensors, arrays or numbers of one shape; or tuples, lists or dicts of them.

    Returns
    -------
    Tensor, list, tuple or dict
        Of the structure of one example (tuples become lists), with a first axis for the batch.

    Raises
    ------
    ShapeError
        If the shapes differ.
    ArgumentError
        If the examples hold something else, or are of different lengths.

    Examples
    --------
    >>> default_collate([(1.0, 0), (2.0, 1)])
    [tensor([1., 2.]), tensor([0, 1])]
    """
    first = examples[0]
    if isinstance(first, dict):
        return {key: default_collate([e[key] for e in examples]) for key in first}
    if isinstance(first, tuple | list):
        if len({len(e) for e in examples}) > 1:
            raise ArgumentError(
                "DataLoader: the examples of one batch have different numbers of parts: "
                f"{sorted({len(e) for e in examples})}."
            )
        parts = [default_collate(list(column)) for column in zip(*examples, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else parts
    if isinstance(first, str | bytes):
        return list(examples)
    if not isinstance(first, Tensor | np.ndarray | np.generic | bool | int | float):
        raise ArgumentError(
            f"DataLoader: cannot batch examples of type {type(first).__name__}. Return tensors, "
            "arrays, numbers, or tuples and dicts of them, or pass collate_fn=."
        )
    arrays = [as_tensor(e)._value for e in examples]
    if len({a.shape for a in arrays}) > 1:
        other = next(e for e, a in zip(examples, arrays, strict=True) if a.shape != arrays[0].shape)
        raise ShapeError(
            f"DataLoader: the examples of one batch have different shapes: {describe(first)}, then "
            f"{describe(other)}. Make them equal, or pass collate_fn=."
        )
    return Tensor(np.stack(arrays))
