"""What holds examples: Dataset, TensorDataset, Subset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..tensor import Tensor, as_tensor, describe


class Dataset:
    """Base class: examples by number.

    A subclass defines ``__getitem__`` and ``__len__``.

    Examples
    --------
    >>> import minigrad as mg
    >>> class Squares(mg.data.Dataset):
    ...     def __len__(self):
    ...         return 4
    ...
    ...     def __getitem__(self, index):
    ...         return float(index), float(index**2)
    >>> Squares()[3]
    (3.0, 9.0)
    """

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} needs a method __getitem__(self, index).")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} needs a method __len__(self).")


class TensorDataset(Dataset):
    """Tensors that are cut along their first axis.

    Parameters
    ----------
    *tensors : array_like
        All of one length.

    Raises
    ------
    ShapeError
        If the lengths differ.

    Examples
    --------
    >>> import minigrad as mg
    >>> data = mg.data.TensorDataset([[1.0], [2.0]], [0, 1])
    >>> data[1]
    (tensor([2.]), tensor(1))
    """

    def __init__(self, *tensors: Any) -> None:
        if not tensors:
            raise ArgumentError("TensorDataset: pass at least one tensor.")
        self.tensors = tuple([as_tensor(t) for t in tensors])
        lengths = {t.shape[0] if t.ndim else None for t in self.tensors}
        if len(lengths) > 1 or None in lengths:
            found = "; ".join(describe(t) for t in self.tensors)
            raise ShapeError(f"TensorDataset: the first sizes must be equal, and these are {found}.")

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple([Tensor(np.asarray(t._value[index])) for t in self.tensors])

    def __len__(self) -> int:
        return self.tensors[0].shape[0]

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        return (self[i] for i in range(len(self)))


class Subset(Dataset):
    """Some examples of another dataset, by number.

    Parameters
    ----------
    dataset : Dataset
    indices : sequence of int

    Examples
    --------
    >>> import minigrad as mg
    >>> data = mg.data.TensorDataset([1.0, 2.0, 3.0])
    >>> mg.data.Subset(data, [2, 0])[0]
    (tensor(3.),)
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = np.asarray(indices, dtype=int)

    def __getitem__(self, index: Any) -> Any:
        return self.dataset[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)
