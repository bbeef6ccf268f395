"""The UCI handwritten digits, shipped with the package."""

from __future__ import annotations

from importlib import resources
from typing import Literal

import numpy as np

from ..errors import ArgumentError, MinigradError
from ..tensor import Array
from .split import stratified_split

FILE = "digits.npz"


def digits(
    split: Literal["train", "test"] | None = None,
    *,
    flatten: bool = False,
    test_fraction: float = 0.25,
    seed: int | np.random.Generator = 0,
) -> tuple[Array, Array]:
    """1,797 real handwritten digits of 8x8 pixels with their labels.

    Source: E. Alpaydin and C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI Machine
    Learning Repository, 1998, https://doi.org/10.24432/C50P49 (its test part: digits of
    13 writers), licensed under Creative Commons Attribution 4.0 (CC BY 4.0).  The pixels
    count the ink in 4x4 blocks of a scanned bitmap, from 0 to 16.  They are unchanged but for
    the scaling to 0..1 done here.

    Parameters
    ----------
    split : {"train", "test"}, optional
        One part of a stratified split; by default all digits.
    flatten : bool
        Whether an image is a row of 64 numbers instead of 8x8.
    test_fraction : float
        Share of the test part.
    seed : int or numpy.random.Generator
        Of the split.  The same seed gives the same parts on every machine; pass an integer,
        not one Generator twice, to get two parts that match.

    Returns
    -------
    images : ndarray of float32, shape (N, 8, 8) or (N, 64)
        From 0 (paper) to 1 (ink).
    labels : ndarray of int64, shape (N,)
        From 0 to 9.

    Raises
    ------
    ArgumentError
        For another `split`.

    Examples
    --------
    >>> import minigrad as mg
    >>> images, labels = mg.data.digits()
    >>> images.shape, labels.shape
    ((1797, 8, 8), (1797,))
    >>> x_train, y_train = mg.data.digits("train", flatten=True)
    >>> x_test, y_test = mg.data.digits("test", flatten=True)
    >>> x_train.shape, x_test.shape
    ((1348, 64), (449, 64))
    """
    if split not in (None, "train", "test"):
        raise ArgumentError(f'digits: split is "train", "test" or None (all), not {split!r}.')
    pixels, labels = _read()
    images = pixels.astype(np.float32) / np.float32(16.0)
    if flatten:
        images = images.reshape(len(images), -1)
    if split is not None:
        train, test = stratified_split(labels, test_fraction, seed)
        chosen = train if split == "train" else test
        images, labels = images[chosen], labels[chosen]
    return images, labels.astype(np.int64)


def _read() -> tuple[Array, Array]:
    """Pixels and labels as they are in the file, both uint8."""
    try:
        with (resources.files(__package__) / FILE).open("rb") as file, np.load(file) as stored:
            return stored["images"], stored["labels"]
    except Exception as error:  # zip, zlib, OS and NumPy errors all mean the same here
        raise MinigradError(
            f"digits: the file {FILE} inside minigrad/data is missing or damaged ({error}). "
            "Reinstall minigrad."
        ) from error
