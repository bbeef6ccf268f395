"""Data sets and loaders, by PyTorch's names; handwritten digits, MNIST and Fashion-MNIST.

>>> import minigrad as mg, numpy as np
>>> images, labels = mg.data.digits("train", flatten=True)
>>> data = mg.data.TensorDataset(images, labels)
>>> loader = mg.data.DataLoader(data, batch_size=32, shuffle=True, generator=np.random.default_rng(0))
>>> x, y = next(iter(loader))
>>> x.shape, x.dtype.name, y.shape, y.dtype.name
((32, 64), 'float32', (32,), 'int64')
"""

from .dataset import Dataset, Subset, TensorDataset
from .handwritten import digits
from .idx import DataError, read_idx
from .loader import DataLoader, default_collate
from .mnist import fashion_mnist, mnist
from .split import stratified_split

__all__ = [
    "DataError",
    "DataLoader",
    "Dataset",
    "Subset",
    "TensorDataset",
    "default_collate",
    "digits",
    "fashion_mnist",
    "mnist",
    "read_idx",
    "stratified_split",
]
