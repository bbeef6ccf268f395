"""Training: ``mg.fit``, its history, callbacks and checkpoints; tensors in files.

>>> import minigrad as mg
>>> x = mg.tensor([[0.0], [1.0], [2.0], [3.0]], dtype="float32")
>>> model = mg.nn.Linear(1, 1)
>>> history = mg.fit(model, x, 2 * x + 1, epochs=300, batch_size=4, loss="mse", optimizer="adam",
...                  lr=0.1, verbose=False)
>>> round(model.weight.item(), 2), round(model.bias.item(), 2)
(2.0, 1.0)
"""

from .callbacks import Callback
from .evaluate import evaluate
from .fit import fit
from .history import History
from .progress import Progress
from .run import Run
from .tensorboard import TensorBoard
from .weights import CheckpointError, load, save

__all__ = [
    "Callback",
    "CheckpointError",
    "History",
    "Progress",
    "Run",
    "TensorBoard",
    "evaluate",
    "fit",
    "load",
    "save",
]
