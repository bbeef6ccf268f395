"""Datasets and the loader."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

import minigrad as mg
from minigrad.data import DataLoader, Dataset, Subset, TensorDataset, default_collate


class Counting(Dataset):
    """Not a TensorDataset, so every example is fetched on its own."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: Any) -> Any:
        return {"x": np.full(2, index, "float32"), "y": index}


def numbers(loader: Any) -> list[list[float]]:
    return [x.tolist() for (x,) in loader]


def data(count: int = 7) -> TensorDataset:
    return TensorDataset(np.arange(count, dtype="float32"))


def test_batches_in_order() -> None:
    assert numbers(DataLoader(data(), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert numbers(DataLoader(data(), 3, drop_last=True)) == [[0, 1, 2], [3, 4, 5]]
    assert numbers(DataLoader(data(6), 3, drop_last=True)) == [[0, 1, 2], [3, 4, 5]]
    assert numbers(DataLoader(data(2), 3, drop_last=True)) == []
    assert numbers(DataLoader(data(0), 3)) == []


@pytest.mark.parametrize(
    ("count", "size", "drop"), [(7, 3, False), (7, 3, True), (6, 3, True), (0, 2, False)]
)
def test_the_length_is_the_number_of_batches(count: int, size: int, drop: bool) -> None:
    loader = DataLoader(data(count), size, drop_last=drop)
    assert len(loader) == len(list(loader))


def test_shuffling_is_a_new_permutation_each_time_and_repeats_with_the_seed() -> None:
    def passes(seed: int) -> list[Any]:
        loader = DataLoader(data(50), 8, shuffle=True, generator=np.random.default_rng(seed))
        return [numbers(loader) for _ in range(2)]

    first, second = passes(3)
    assert first != second
    assert sorted(x for batch in first for x in batch) == list(range(50))
    assert passes(3) == [first, second]
    assert passes(4)[0] != first


def test_shuffling_without_a_generator_follows_manual_seed() -> None:
    mg.manual_seed(11)
    one = numbers(DataLoader(data(50), 8, shuffle=True))
    mg.manual_seed(11)
    assert numbers(DataLoader(data(50), 8, shuffle=True)) == one


def test_dtypes_come_through() -> None:
    images, labels = mg.data.digits("test")
    x, y = next(iter(DataLoader(TensorDataset(images, labels), 32)))
    assert (x.shape, x.dtype, y.dtype) == ((32, 8, 8), np.float32, np.int64)
    assert not x.requires_grad


def test_any_dataset_is_collated() -> None:
    first, second = DataLoader(Counting(3), 2)
    assert first["x"].tolist() == [[0.0, 0.0], [1.0, 1.0]]
    assert first["y"].tolist() == [0, 1]
    assert second["y"].tolist() == [2]
    assert first["x"].dtype == np.float32


def test_one_read_per_tensor_gives_what_single_reads_give(rng: np.random.Generator) -> None:
    inner = TensorDataset(rng.standard_normal((9, 2)), np.arange(9))
    nested = Subset(Subset(inner, [8, 6, 4, 2, 0]), [4, 0, 1])
    whole = next(iter(DataLoader(nested, 3)))
    single = next(iter(DataLoader(nested, 3, collate_fn=default_collate)))
    assert [t.tolist() for t in whole] == [t.tolist() for t in single]
    assert whole[1].tolist() == [0, 8, 6]


def test_a_subclass_of_tensordataset_is_read_example_by_example() -> None:
    class Doubled(TensorDataset):
        def __getitem__(self, index: Any) -> Any:
            return tuple(t * 2.0 for t in super().__getitem__(index))

    assert numbers(DataLoader(Doubled(np.arange(3.0)), 3)) == [[0.0, 2.0, 4.0]]


def test_a_list_is_a_dataset() -> None:
    (batch,) = DataLoader([(1.0, True), (2.0, False)], 2)
    assert [t.tolist() for t in batch] == [[1.0, 2.0], [True, False]]


def test_collating_keeps_structure() -> None:
    class Pair(NamedTuple):
        a: Any
        b: Any

    pair = default_collate([Pair(1.0, "x"), Pair(2.0, "y")])
    assert isinstance(pair, Pair)
    assert pair.a.tolist() == [1.0, 2.0]
    assert pair.b == ["x", "y"]
    assert default_collate([[mg.tensor([1.0])], [mg.tensor([2.0])]])[0].tolist() == [[1.0], [2.0]]


def test_own_collate_function() -> None:
    assert list(DataLoader([1, 2, 3], 2, collate_fn=sum)) == [3, 3]


def test_tensordataset_iterates() -> None:
    assert [x.item() for (x,) in data(3)] == [0.0, 1.0, 2.0]
    assert len(data(3)) == 3


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: DataLoader(data(), 0), mg.ArgumentError, r"DataLoader: batch_size is a positive integer, not 0"),
        (lambda: DataLoader(data(), 2.5), mg.ArgumentError, r"batch_size is a positive integer, not 2\.5"),
        (lambda: DataLoader(data(), generator=7), mg.ArgumentError, r"DataLoader: generator must be a numpy\.random\.Generator, not int 7"),
        (lambda: TensorDataset(np.zeros(3), np.zeros(4)), mg.ShapeError, r"TensorDataset: the first sizes must be equal, and these are .*float64\[3\].*; .*float64\[4\]"),
        (lambda: TensorDataset(1.0), mg.ShapeError, r"first sizes must be equal"),
        (lambda: TensorDataset(), mg.ArgumentError, r"pass at least one tensor"),
        (lambda: default_collate([np.zeros(2), np.zeros(3)]), mg.ShapeError, r"different shapes: .*\[2\], then .*\[3\]"),
        (lambda: default_collate([(1, 2), (1,)]), mg.ArgumentError, r"different numbers of parts: \[1, 2\]"),
        (lambda: default_collate([object()]), mg.ArgumentError, r"cannot batch examples of type object"),
        (lambda: Dataset()[0], NotImplementedError, r"Dataset needs a method __getitem__"),
        (lambda: len(Dataset()), NotImplementedError, r"Dataset needs a method __len__"),
    ],
)  # fmt: skip
def test_wrong_input(act: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        act()
