"""fit: train a model on data, with everything around it that a training needs."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from ..data import DataLoader, Dataset, TensorDataset
from ..errors import ArgumentError, ShapeError
from ..files import path_of
from ..nn.module import Module, dtype_of
from ..optim import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop
from ..optim.lr_scheduler import LRScheduler
from ..seeding import check_generator, resolve_generator
from ..tensor import as_tensor, describe
from .callbacks import Callback, as_callbacks
from .checkpoint import check_writable, read_run, write_run
from .evaluate import evaluate, modes_kept, parts
from .history import VALIDATION, History
from .interrupt import Interrupt, Interrupted, deferred_interrupt
from .objectives import check_loss, find_loss, find_metrics, measure, warn_of_probabilities
from .progress import Progress
from .randomness import old_generators_of, restore, states_of
from .run import Averages, Run
from .weights import PathLike

OPTIMIZERS = {"sgd": SGD, "adam": Adam, "adamw": AdamW, "rmsprop": RMSprop, "adagrad": Adagrad}


def fit(
    model: Module,
    x: Any,
    y: Any = None,
    *,
    epochs: int = 1,
    batch_size: int | None = None,
    optimizer: str | Optimizer | Callable[[Any], Optimizer] = "adam",
    lr: float | None = None,
    loss: str | Callable[[Any, Any], Any] = "cross_entropy",
    metrics: Any = None,
    validation_data: Any = None,
    shuffle: bool | None = None,
    drop_last: bool | None = None,
    generator: np.random.Generator | None = None,
    seed: int | None = None,
    scheduler: LRScheduler | Callable[[Optimizer], LRScheduler] | None = None,
    schedule: Literal["epoch", "batch"] = "epoch",
    callbacks: Any = None,
    verbose: bool | Literal[0, 1, 2] = True,
    checkpoint: PathLike | None = None,
    resume: PathLike | bool | None = None,
) -> History:
    """Train a model: Keras' ``compile`` and ``fit`` in one call.

    Parameters
    ----------
    model : Module
        All of it is put into training mode meanwhile, and then back into the mode it had:
        ``model.eval()`` is yours to call.
    x : array_like, Dataset or DataLoader
        Examples along the first axis.  A dataset or loader gives ``(x, y)``, or several inputs and
        then the target; `y` is left out then.
    y : array_like
        Targets, as the loss wants them.
    epochs : int
        How many passes there are in all, those before a resumed start included.
    batch_size : int, optional
        By default 32.
    optimizer : {"adam", "adamw", "sgd", "rmsprop", "adagrad"}, Optimizer, or callable
        A callable makes an optimizer of parameters.
    lr : float, optional
        Of an optimizer given by name; by default the optimizer's own.
    loss : str or callable
        ``"cross_entropy"``, ``"mse"``, ... of outputs and targets, by PyTorch's names.  Keras'
        ``"sparse_categorical_crossentropy"``, ``"categorical_crossentropy"`` and
        ``"binary_crossentropy"`` take probabilities instead of logits, as they do there.
        A callable returns one number that depends on the parameters.
    metrics : list or dict
        ``"accuracy"``, ``"mse"``, ``"mae"``, or functions of two NumPy arrays, outputs and
        targets; a dict gives them names.
    validation_data : (x, y), Dataset or DataLoader, optional
        Looked at after every epoch, in inference mode.
    shuffle : bool, optional
        Whether each epoch goes in a new order; by default it does.
    drop_last : bool, optional
        Whether to leave out a last batch that is smaller; batch norm refuses one of one example.
    generator : numpy.random.Generator, optional
        Where the orders come from; by default the one of :func:`minigrad.manual_seed`.
    seed : int, optional
        Instead of `generator`.
    scheduler : LRScheduler, or callable
        A callable makes a scheduler of the optimizer.
    schedule : {"epoch", "batch"}
        When the scheduler steps.
    callbacks : list of Callback or functions
        See :class:`minigrad.training.Callback`; a function of the run is called after every epoch.
    verbose : bool or 2
        Whether to print a line per epoch, and in a terminal to show a bar, which needs ``rich``;
        2 prints the lines alone.
    checkpoint : str, bytes or path-like, optional
        A ``.safetensors`` file that is written after every epoch, and at Ctrl-C.
    resume : str, bytes, path-like or True, optional
        The checkpoint to go on from; True goes on from `checkpoint` if that file exists.  Everything
        continues as if it had not stopped, to the last bit: model, optimizer, scheduler, random
        generators, history, in the middle of an epoch as well.

    Returns
    -------
    History
        A list per quantity: ``loss``, the metrics, the same with ``val_`` before, and ``lr`` under
        a scheduler.  What training measured is the mean over the epoch, while the model changed.

    Raises
    ------
    ArgumentError, ShapeError
        If arguments do not fit together.
    CheckpointError
        If a checkpoint cannot be written or read; then model, optimizer, scheduler and generators
        are as they were.
    KeyboardInterrupt
        At Ctrl-C, after the batch under way is done, the checkpoint is written and one line
        on standard error has said so.  A second Ctrl-C does not wait.

    Notes
    -----
    Floating inputs and targets are converted to the dtype of the model's parameters.

    A checkpoint holds the default generator, those of the training and validation batches, and
    those that modules have in attributes, or in lists, tuples and dicts there.  Not part of it are
    data sets that draw random numbers of their own, and ``numpy.random.RandomState``, of which a
    warning tells.

    Examples
    --------
    >>> import minigrad as mg, minigrad.nn as nn
    >>> _ = mg.manual_seed(0)
    >>> model = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10))
    >>> history = mg.fit(
    ...     model, *mg.data.digits("train", flatten=True), epochs=2, optimizer="adam", lr=0.01,
    ...     metrics=["accuracy"], validation_data=mg.data.digits("test", flatten=True), verbose=False,
    ... )
    >>> list(history), history["val_accuracy"][-1] > 0.9
    (['loss', 'accuracy', 'val_loss', 'val_accuracy'], True)
    """
    if not isinstance(model, Module):
        raise ArgumentError(f"fit: the model is an nn.Module, not {type(model).__name__}.")
    if isinstance(epochs, bool) or not isinstance(epochs, int | np.integer) or epochs < 0:
        raise ArgumentError(f"fit: epochs is an integer from 0 upwards, not {epochs!r}.")
    if schedule not in ("epoch", "batch"):
        raise ArgumentError(f'fit: schedule is "epoch" or "batch", not {schedule!r}.')
    loader = _training_loader(
        x, y,
        {"batch_size": batch_size, "shuffle": shuffle, "drop_last": drop_last,
         "generator": generator, "seed": seed},
    )  # fmt: skip
    made = _optimizer(model, optimizer, lr)
    validation = _validation_loader(validation_data, loader.batch_size)
    run = Run(
        model=model,
        optimizer=made,
        scheduler=_scheduler(made, scheduler),
        loader=loader,
        epochs=int(epochs),
        order=resolve_generator("fit", loader.generator),
        validation=validation,
    )
    trainer = _Trainer(
        run=run,
        loss=loss,
        metrics=metrics,
        validation=validation,
        every_batch=schedule == "batch",
        listeners=[*([Progress(bar=verbose != 2)] if verbose else []), *as_callbacks(callbacks)],
        checkpoint=None if checkpoint is None else path_of("fit", checkpoint),
    )
    if checkpoint is not None:
        check_writable(checkpoint)
    source = _source(checkpoint, resume)
    old = old_generators_of(model) if checkpoint is not None or source is not None else []
    if old:
        warnings.warn(
            f"fit: {', '.join(old)} is a numpy.random.RandomState, which a checkpoint does not hold: a "
            "resumed training draws other numbers there. Use np.random.default_rng(seed).",
            UserWarning,
            stacklevel=2,
        )
    if source is not None:
        read_run(source, run)
    trainer.train()
    return run.history


class _Trainer:
    """The loop."""

    def __init__(
        self,
        run: Run,
        loss: Any,
        metrics: Any,
        validation: DataLoader | None,
        every_batch: bool,
        listeners: list[Callback],
        checkpoint: PathLike | None,
    ) -> None:
        self.run = run
        self.given_loss = loss
        self.loss = find_loss(loss)
        self.metrics = find_metrics(metrics, loss)
        self.validation = validation
        self.every_batch = every_batch
        self.listeners = listeners
        self.checkpoint = checkpoint
        self.dtype = dtype_of(run.model)
        run.columns = ["loss", *self.metrics]
        if validation is not None:
            run.columns += [VALIDATION + name for name in run.columns]
        if run.scheduler:
            run.columns.append("lr")
        self.looked = False  # whether outputs were looked at for a second softmax

    def train(self) -> None:
        run = self.run
        with modes_kept(run.model), deferred_interrupt() as interrupt:
            try:
                for listener in self.listeners:
                    listener.on_start(run)
                while run.epoch < run.epochs and not run.stop:
                    self.train_epoch(interrupt)
                    self.end_epoch(interrupt)
                    interrupt.check()
            except Interrupted:
                self.end()
                self.leave()
            except BaseException:
                self.end()
                raise
            self.end()

    def train_epoch(self, interrupt: Interrupt) -> None:
        run = self.run
        run.model.train()
        for batch in run.batches():
            inputs, target, count = parts(batch, self.dtype)
            run.optimizer.zero_grad()
            outputs = run.model(*inputs)
            loss = check_loss(self.loss(outputs, target))
            if not self.looked:
                warn_of_probabilities(self.given_loss, outputs)
                self.looked = True
            loss.backward()
            run.optimizer.step()
            if run.scheduler and self.every_batch:
                run.scheduler.step()
            run.batch += 1
            run.averages.add({"loss": loss.item(), **measure(self.metrics, outputs, target)}, count)
            for listener in self.listeners:
                listener.on_batch_end(run)
            interrupt.check()

    def end_epoch(self, interrupt: Interrupt) -> None:
        run = self.run
        found = run.averages.means()
        if self.validation is not None:
            before = states_of(run.generators)
            try:
                values = evaluate(run.model, self.validation, self.loss, self.metrics, interrupt.check)
            except Interrupted:  # it will be done again, and draw the same numbers
                restore(run.generators, before)
                raise
            found |= {VALIDATION + name: value for name, value in values.items()}
        # From here to the end no interruption is looked at, so an epoch is whole or not there.
        if run.scheduler:
            found["lr"] = run.optimizer.param_groups[0]["lr"]
            if not self.every_batch:
                run.scheduler.step()
        run.history.append(found)
        run.epoch += 1
        run.batch, run.averages, run.order_at_start = 0, Averages(), None
        for listener in self.listeners:
            listener.on_epoch_end(run)
        if self.checkpoint is not None:
            write_run(self.checkpoint, run)

    def leave(self) -> None:
        """Save, say so in one line, and raise KeyboardInterrupt."""
        run = self.run
        where = f"after epoch {run.epoch} of {run.epochs}"
        if run.batch:
            where = f"in epoch {run.epoch + 1} of {run.epochs}, batch {run.batch} of {len(run.loader)}"
        if self.checkpoint is None:
            kept = "The model keeps what it learned; with checkpoint=path it would be saved, too."
        else:
            write_run(self.checkpoint, run)
            path = str(self.checkpoint)
            kept = f"All is saved in {path}; go on with mg.fit(..., resume={path!r})."
        print(f"fit: interrupted {where}. {kept}", file=sys.stderr, flush=True)
        raise KeyboardInterrupt from None  # the signal was noted before

    def end(self) -> None:
        for listener in self.listeners:
            listener.on_end(self.run)


def _training_loader(x: Any, y: Any, settings: dict[str, Any]) -> DataLoader:
    given = [name for name, value in settings.items() if value is not None]
    if isinstance(x, DataLoader):
        if given:
            raise ArgumentError(
                f"fit: x is a DataLoader, which has its own {', '.join(given)}; leave that out here."
            )
        loader = x
    else:
        if settings["generator"] is not None and settings["seed"] is not None:
            raise ArgumentError("fit: pass a generator or a seed, not both.")
        seed, order = settings["seed"], check_generator("fit", settings["generator"])
        if seed is not None:
            if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
                raise ArgumentError(f"fit: seed is an integer from 0 upwards, not {seed!r}.")
            order = np.random.default_rng(seed)
        loader = DataLoader(
            _dataset("x", x, y),
            batch_size=32 if settings["batch_size"] is None else settings["batch_size"],
            shuffle=settings["shuffle"] is not False,
            drop_last=bool(settings["drop_last"]),
            generator=order,
        )
    if isinstance(x, DataLoader | Dataset) and y is not None:
        raise ArgumentError(f"fit: x is a {type(x).__name__}, which gives the targets; leave y out.")
    if not len(loader):
        raise ArgumentError(
            f"fit: there is no batch: {len(loader.dataset)} examples, batch_size={loader.batch_size}, "
            f"drop_last={loader.drop_last}."
        )
    return loader


def _validation_loader(data: Any, batch_size: int) -> DataLoader | None:
    if data is None:
        return None
    if not isinstance(data, DataLoader | Dataset):
        if not isinstance(data, tuple | list) or len(data) != 2:
            raise ArgumentError("fit: validation_data is a pair (x, y), a Dataset or a DataLoader.")
        data = _dataset("the x of validation_data", *data)
    loader = data if isinstance(data, DataLoader) else DataLoader(data, batch_size)
    if not len(loader):
        raise ArgumentError("fit: validation_data holds no batch; leave it out, or give it examples.")
    return loader


def _dataset(name: str, x: Any, y: Any) -> Dataset:
    if isinstance(x, Dataset):
        return x
    if y is None:
        raise ArgumentError(
            f"fit: {name} needs targets: pass x and y, or a Dataset or DataLoader that gives both."
        )
    x, y = as_tensor(x), as_tensor(y)
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y):
        raise ShapeError(
            f"fit: {name} is {describe(x)}, and its y is {describe(y)}; they need the same number of "
            "examples, along the first axis."
        )
    return TensorDataset(x.detach(), y.detach())


def _optimizer(model: Module, given: Any, lr: float | None) -> Optimizer:
    own = {id(p) for p in model.parameters()}
    if not own:
        raise ArgumentError(f"fit: this {type(model).__name__} has no parameters to train.")
    if isinstance(given, str):
        if given.lower() not in OPTIMIZERS:
            raise ArgumentError(
                f"fit: there is no optimizer {given!r}; there are {', '.join(OPTIMIZERS)}."
            )
        options = {} if lr is None else {"lr": lr}
        return OPTIMIZERS[given.lower()](model.parameters(), **options)
    if isinstance(given, type) and issubclass(given, Optimizer) and lr is not None:
        return given(model.parameters(), lr=lr)  # type: ignore[call-arg]
    if lr is not None:
        raise ArgumentError(
            "fit: lr goes with an optimizer's name; one that exists has its own learning rate."
        )
    if not isinstance(given, Optimizer) and callable(given):
        given = given(model.parameters())
    if not isinstance(given, Optimizer):
        raise ArgumentError(
            f"fit: optimizer is a name ({', '.join(OPTIMIZERS)}), an Optimizer, or a function that "
            f"makes one of parameters, not {type(given).__name__}."
        )
    if not any(id(p) in own for group in given.param_groups for p in group["params"]):
        raise ArgumentError(
            "fit: the optimizer holds no parameter of this model. Make it with model.parameters() of "
            "the model that is trained."
        )
    return given


def _scheduler(optimizer: Optimizer, given: Any) -> LRScheduler | None:
    if given is None:
        return None
    if not isinstance(given, LRScheduler) and callable(given):
        given = given(optimizer)
    if not isinstance(given, LRScheduler):
        raise ArgumentError(
            "fit: scheduler is a scheduler of the optimizer, or a function that makes one of it, not "
            f"{type(given).__name__}."
        )
    if given.optimizer is not optimizer:
        raise ArgumentError(
            "fit: the scheduler belongs to another optimizer. Pass scheduler=lambda optimizer: ... to "
            "make one for this."
        )
    return given


def _source(checkpoint: PathLike | None, resume: Any) -> PathLike | None:
    """The file to go on from, if there is one."""
    if resume is None or resume is False:
        return None
    if resume is not True:
        return resume  # type: ignore[no-any-return]
    if checkpoint is None:
        raise ArgumentError("fit: resume=True goes on from checkpoint=path, and there is none.")
    return checkpoint if path_of("fit", checkpoint).exists() else None
