"""MNIST and Fashion-MNIST, from files on this machine, or fetched when asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..errors import ArgumentError
from ..tensor import Array
from .fetch import fetch
from .idx import DataError, read_idx

Split = Literal["train", "test"]
NAMES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
MNIST_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
MNIST_CHECKSUMS = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
FASHION_URL = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
FASHION_CHECKSUMS = {
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}


def mnist(
    split: Split,
    folder: Any = None,
    *,
    flatten: bool = False,
    download: bool = False,
    base_url: str = MNIST_URL,
    checksums: Mapping[str, str] = MNIST_CHECKSUMS,
) -> tuple[Array, Array]:
    """The MNIST digits: 60,000 to train and 10,000 to test, of 28x28 pixels.

    Source: Y. LeCun, C. Cortes and C. J. C. Burges, *The MNIST database of handwritten digits*.

    Parameters
    ----------
    split : {"train", "test"}
    folder : str or path-like, optional
        Where the four IDX files are, under their usual names, plain or with ``.gz``; by default
        ``mnist`` in the folder that the environment variable ``MINIGRAD_DATA`` names, or else in
        ``~/.cache/minigrad``.
    flatten : bool
        Whether an image is a row of 784 numbers instead of 28x28.
    download : bool
        Whether to fetch files that are missing.  Without it, nothing is ever fetched.
    base_url : str
        Where from; the names are put after it.
    checksums : mapping of str to str
        The SHA-256 of every file by name; what does not match is thrown away.

    Returns
    -------
    images : ndarray of float32, shape (N, 28, 28) or (N, 784)
        From 0 (paper) to 1 (ink).
    labels : ndarray of int64, shape (N,)
        From 0 to 9.

    Raises
    ------
    DataError
        If a file is missing, damaged or another one, or cannot be fetched.
    MissingExtraError
        With `download`, if ``pooch`` is not installed.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.data.mnist("train", "no/such/folder")
    Traceback (most recent call last):
    minigrad.data.idx.DataError: mnist: there is no train-images-idx3-ubyte.gz in no/such/folder...
    """
    return _read("mnist", split, folder, flatten, download, base_url, checksums)


def fashion_mnist(
    split: Split,
    folder: Any = None,
    *,
    flatten: bool = False,
    download: bool = False,
    base_url: str = FASHION_URL,
    checksums: Mapping[str, str] = FASHION_CHECKSUMS,
) -> tuple[Array, Array]:
    """Fashion-MNIST: pictures of ten kinds of clothes, in the form of MNIST.

    Source: H. Xiao, K. Rasul and R. Vollgraf, 2017, arXiv:1708.07747, MIT licence.

    Parameters
    ----------
    split : {"train", "test"}
    folder : str or path-like, optional
        As in :func:`mnist`; by default ``fashion_mnist`` beside it.
    flatten : bool
        Whether an image is a row of 784 numbers instead of 28x28.
    download : bool
        Whether to fetch files that are missing.
    base_url : str
        Where from.
    checksums : mapping of str to str
        The SHA-256 of every file by name.

    Returns
    -------
    images : ndarray of float32, shape (N, 28, 28) or (N, 784)
    labels : ndarray of int64, shape (N,)
        0 T-shirt, 1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker, 8 bag,
        9 ankle boot.

    Raises
    ------
    DataError
        If a file is missing, damaged or another one, or cannot be fetched.
    MissingExtraError
        With `download`, if ``pooch`` is not installed.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.data.fashion_mnist("train", "no/such/folder")
    Traceback (most recent call last):
    minigrad.data.idx.DataError: fashion_mnist: there is no train-images-idx3-ubyte.gz in no/such/...
    """
    return _read("fashion_mnist", split, folder, flatten, download, base_url, checksums)


def _read(
    who: str,
    split: str,
    folder: Any,
    flatten: bool,
    download: bool,
    base_url: str,
    checksums: Mapping[str, str],
) -> tuple[Array, Array]:
    if split not in NAMES:
        raise ArgumentError(f'{who}: split is "train" or "test", not {split!r}.')
    if folder is None:
        home = os.environ.get("MINIGRAD_DATA") or Path("~/.cache/minigrad").expanduser()
        folder = Path(home) / who
    folder = Path(folder)
    paths = []
    for name in NAMES[split]:
        path = next((p for p in (folder / f"{name}.gz", folder / name) if p.is_file()), None)
        if path is None:
            if not download:
                raise DataError(
                    f"{who}: there is no {name}.gz in {folder}, nor {name}. Put the files there, name "
                    "their folder with folder=, or fetch them with download=True."
                )
            path = fetch(who, base_url, f"{name}.gz", folder, checksums)
        paths.append(path)
    images, labels = (read_idx(path) for path in paths)
    if images.ndim != 3 or images.dtype != np.uint8 or images.shape[1:] != (28, 28):
        raise DataError(
            f"{who}: {paths[0]} holds {_told(images)}, and images are uint8 [N, 28, 28]: it is another "
            "file."
        )
    if labels.ndim != 1 or labels.dtype != np.uint8 or labels.max(initial=0) > 9:
        raise DataError(
            f"{who}: {paths[1]} holds {_told(labels)}, and labels are uint8 [N] from 0 to 9: it is "
            "another file."
        )
    if len(images) != len(labels):
        raise DataError(
            f"{who}: {paths[0]} holds {len(images)} images, but {paths[1]} {len(labels)} labels; they "
            "do not belong together."
        )
    pixels = images.astype(np.float32) / np.float32(255.0)
    return (pixels.reshape(len(pixels), -1) if flatten else pixels), labels.astype(np.int64)


def _told(values: Array) -> str:
    return f"{values.dtype.name} {list(values.shape)}"
