"""Optimizers and schedulers, by PyTorch's names and formulas.

>>> import minigrad as mg
>>> w = mg.nn.Parameter([4.0])
>>> optimizer = mg.optim.SGD([w], lr=0.1, momentum=0.9)
>>> for _ in range(100):
...     optimizer.zero_grad()
...     loss = ((w - 1.0) ** 2).sum()
...     loss.backward()
...     optimizer.step()
>>> round(w.item(), 1)
1.0
"""

from . import lr_scheduler
from .adagrad import Adagrad
from .adam import Adam, AdamW
from .optimizer import Optimizer
from .rmsprop import RMSprop
from .sgd import SGD

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "lr_scheduler"]
