"""The digits: the right bits, a split that is the same everywhere, and clear errors."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.data import handwritten, stratified_split

COUNTS = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_the_bits_are_those_of_the_source() -> None:
    """The sums were taken over scikit-learn's copy (``load_digits``), which is UCI's test file."""
    images, labels = mg.data.digits()
    pixels = np.rint(images * 16).astype(np.uint8)
    assert np.array_equal(pixels / np.float32(16), images)
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == (
        "8f26b2bd9d135c256808f68f14fdabddde6d9c7f869ae419704b051f0f14b3b3"
    )
    assert hashlib.sha256(labels.astype(np.uint8).tobytes()).hexdigest() == (
        "8ba4f891220f5e4c9c819638d1602d74b83618f167043c6da52a2a247841ddf0"
    )


def test_shapes_dtypes_and_range() -> None:
    images, labels = mg.data.digits()
    assert (images.shape, images.dtype, labels.dtype) == ((1797, 8, 8), np.float32, np.int64)
    assert (images.min(), images.max()) == (0.0, 1.0)
    assert np.bincount(labels).tolist() == COUNTS
    flat, _ = mg.data.digits(flatten=True)
    assert np.array_equal(flat, images.reshape(-1, 64))


def test_the_parts_are_disjoint_complete_and_stratified() -> None:
    images, labels = mg.data.digits(flatten=True)
    parts = [mg.data.digits(part, flatten=True) for part in ("train", "test")]
    assert [len(x) for x, _ in parts] == [1348, 449]
    rows = np.concatenate([np.column_stack([x, y]) for x, y in parts])
    everything = np.column_stack([images, labels])
    assert np.array_equal(*[a[np.lexsort(a.T)] for a in (rows, everything)])
    share = np.bincount(parts[1][1]) / np.array(COUNTS)
    assert np.abs(share - 0.25).max() < 1 / 174


def test_the_split_is_the_same_on_every_machine() -> None:
    _, labels = mg.data.digits()
    _, test = stratified_split(labels)
    assert test[:8].tolist() == [1, 2, 3, 11, 13, 15, 20, 21]
    assert hashlib.sha256(test.astype("<i8").tobytes()).hexdigest() == (
        "35f4b45a54f4771257ce01c5aaf30c28ce8b36664c8c5887b0e6db1fc0bd9324"
    )


def test_other_seeds_and_generators_give_other_parts() -> None:
    _, labels = mg.data.digits()
    zero, one = (stratified_split(labels, seed=s)[1] for s in (0, 1))
    assert not np.array_equal(zero, one)
    again = stratified_split(labels, seed=np.random.Generator(np.random.PCG64(1)))[1]
    assert np.array_equal(one, again)
    generator = np.random.default_rng(1)
    assert not np.array_equal(
        stratified_split(labels, seed=generator)[1], stratified_split(labels, seed=generator)[1]
    )


@pytest.mark.parametrize("fraction", [0.0, 0.1, 1 / 3, 0.5, 1.0])
def test_shares_add_up(fraction: float, rng: np.random.Generator) -> None:
    labels = rng.integers(0, 7, 101)
    train, test = stratified_split(mg.tensor(labels), fraction)
    assert len(test) == round(fraction * 101)
    assert np.array_equal(np.sort(np.concatenate([train, test])), np.arange(101))
    for label in range(7):
        assert abs((labels[test] == label).sum() - fraction * (labels == label).sum()) < 1


def test_labels_may_be_text() -> None:
    train, test = stratified_split(np.array(["a", "b"] * 4), 0.5)
    assert len(train) == len(test) == 4


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: mg.data.digits("valid"), mg.ArgumentError, r'split is "train", "test" or None \(all\), not \'valid\''),
        (lambda: mg.data.digits("test", test_fraction=2.0), mg.ArgumentError, r"test_fraction is a share between 0 and 1, not 2\.0"),
        (lambda: mg.data.digits("test", seed="x"), mg.ArgumentError, r"seed is an integer from 0 upwards or a numpy\.random\.Generator, not 'x'"),
        (lambda: stratified_split(np.zeros((2, 2))), mg.ShapeError, r"labels must be one-dimensional, not a plain array float64\[2, 2\]"),
    ],
)  # fmt: skip
def test_wrong_arguments(act: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        act()


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "foreign"])
def test_a_damaged_file_is_named(damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = (Path(handwritten.__file__).parent / handwritten.FILE).read_bytes()
    content = {"empty": b"", "truncated": whole[: len(whole) // 2], "foreign": b"<html>"}.get(damage)
    if content is not None:
        (tmp_path / handwritten.FILE).write_bytes(content)
    monkeypatch.setattr(handwritten.resources, "files", lambda package: tmp_path)
    with pytest.raises(
        mg.MinigradError, match=r"digits\.npz inside minigrad/data is missing or damaged"
    ):
        mg.data.digits()


def test_the_file_is_small_and_the_docstring_says_where_it_is_from() -> None:
    assert (Path(handwritten.__file__).parent / handwritten.FILE).stat().st_size < 50_000
    for words in ("Alpaydin", "Kaynak", "1998", "10.24432/C50P49", "CC BY 4.0"):
        assert words in (mg.data.digits.__doc__ or "")
