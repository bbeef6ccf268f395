"""Losses and metrics of a model on data that it does not learn from."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..context import no_grad
from ..data import DataLoader
from ..errors import ArgumentError
from ..nn.module import Module, converted, dtype_of
from ..tensor import as_tensor
from .objectives import Loss, Metric, measure
from .run import Averages


def evaluate(
    model: Module,
    loader: DataLoader,
    loss: Loss,
    metrics: Mapping[str, Metric],
    check: Callable[[], None] = lambda: None,
) -> dict[str, float]:
    """Mean loss and metrics over all batches, in inference mode and without a graph.

    Parameters
    ----------
    model : Module
        Its mode is put back afterwards.
    loader : DataLoader
        Of batches ``(x, y)``.
    loss : callable
    metrics : mapping of str to callable
    check : callable
        Called after every batch; it may raise.

    Returns
    -------
    dict of str to float

    Examples
    --------
    >>> import minigrad as mg
    >>> data = mg.data.TensorDataset([[1.0], [2.0]], [[1.0], [4.0]])
    >>> evaluate(mg.nn.Identity(), mg.data.DataLoader(data), mg.nn.MSELoss(), {})
    {'loss': 2.0}
    """
    dtype, averages = dtype_of(model), Averages()
    with modes_kept(model), no_grad():
        model.eval()
        for batch in loader:
            inputs, target, count = parts(batch, dtype)
            outputs = model(*inputs)
            values = {"loss": float(loss(outputs, target)), **measure(metrics, outputs, target)}
            averages.add(values, count)
            check()
    return averages.means()


@contextlib.contextmanager
def modes_kept(model: Module) -> Iterator[None]:
    """Put every module's mode back at the end.

    Examples
    --------
    >>> import minigrad as mg
    >>> model = mg.nn.Dropout()
    >>> with modes_kept(model):
    ...     _ = model.eval()
    >>> model.training
    True
    """
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, mode in modes:
            module.__dict__["training"] = mode


def parts(batch: Any, dtype: Any) -> tuple[list[Any], Any, int]:
    """Inputs, target and number of examples of a batch; floating numbers get the model's dtype.

    Examples
    --------
    >>> import numpy as np
    >>> parts([np.ones((2, 1)), np.array([0, 1])], np.dtype("float32"))
    ([tensor([[1.],
              [1.]], dtype=float32)], tensor([0, 1]), 2)
    """
    if not isinstance(batch, list | tuple) or len(batch) < 2:
        raise ArgumentError(
            "fit: a batch must be (x, y), or several inputs and then the target, and it is a "
            f"{type(batch).__name__}{f' of {len(batch)}' if isinstance(batch, list | tuple) else ''}."
        )
    *inputs, target = [converted(as_tensor(part), dtype) for part in batch]
    return inputs, target, len(target)
