"""mg.fit: what it computes, what it is given, what it shows, and what it refuses."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.training import Callback, History, Progress

from .models import EXAMPLES, bits, data, network


def quiet(model: Any, *given: Any, **settings: Any) -> History:
    return mg.fit(model, *given, **({"verbose": False} | settings))


# What it computes -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "rmsprop", "adagrad", "Adam"])
def test_it_is_the_loop_that_one_would_write(name: str) -> None:
    x, y = data()
    fitted, looped = network(own=True), network(own=True)
    history = quiet(
        fitted, x, y, epochs=3, batch_size=8, optimizer=name, lr=0.01, seed=5,
        metrics=["accuracy"], validation_data=data(20, 2),
    )  # fmt: skip
    classes = {
        "adam": optim.Adam, "adamw": optim.AdamW, "sgd": optim.SGD,
        "rmsprop": optim.RMSprop, "adagrad": optim.Adagrad,
    }  # fmt: skip
    optimizer = classes[name.lower()](looped.parameters(), lr=0.01)
    order = np.random.default_rng(5)
    loader = mg.data.DataLoader(mg.data.TensorDataset(x, y), 8, shuffle=True, generator=order)
    columns: dict[str, list[float]] = {n: [] for n in ("loss", "accuracy", "val_loss", "val_accuracy")}
    for _ in range(3):
        looped.train()
        losses, right = [], 0
        for a, b in loader:
            optimizer.zero_grad()
            out = looped(a)
            loss = nn.functional.cross_entropy(out, b)
            loss.backward()
            optimizer.step()
            losses += [loss.item()] * len(b)
            right += int((out.numpy().argmax(axis=1) == b.numpy()).sum())
        looped.eval()
        out = looped(data(20, 2)[0])
        columns["loss"].append(np.mean(losses))
        columns["accuracy"].append(right / EXAMPLES)
        columns["val_loss"].append(nn.functional.cross_entropy(out, data(20, 2)[1]).item())
        columns["val_accuracy"].append(float(np.mean(out.numpy().argmax(axis=1) == data(20, 2)[1])))
    assert bits(fitted) == bits(looped)
    assert list(history) == list(columns)
    for key, values in columns.items():
        np.testing.assert_allclose(history[key], values, rtol=1e-6, err_msg=key)


def test_the_seed_decides_and_the_default_generator_too() -> None:
    def run(**settings: Any) -> dict[str, bytes]:
        model = network(own=True)
        quiet(model, *data(), epochs=2, batch_size=8, **settings)
        return bits(model)

    assert run(seed=3) == run(generator=np.random.default_rng(3)) == run(seed=3)
    assert run(seed=3) != run(seed=4)
    assert run(shuffle=False) == run(shuffle=False, seed=4)
    mg.manual_seed(3)
    first = run()
    mg.manual_seed(3)
    assert run() == first == run(seed=3)


def test_batches_and_drop_last() -> None:
    seen: list[int] = []

    class Watch(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter([1.0])

        def forward(self, x: Any) -> Any:
            seen.append(len(x))
            return x * self.scale

    x = np.ones((70, 1))
    quiet(Watch(), x, x, loss="mse")
    quiet(Watch(), x, x, loss="mse", batch_size=30, drop_last=True)
    assert seen == [32, 32, 6, 30, 30]


def test_float64_data_meet_a_float32_model_and_back() -> None:
    x = np.linspace(-1, 1, 40)[:, None]
    for model in (nn.Linear(1, 1), nn.Linear(1, 1).double()):
        for dtype in (np.float32, np.float64):
            history = quiet(
                model, x.astype(dtype), (3 * x).astype(dtype), epochs=40, loss="mse", optimizer="adam", lr=0.1
            )  # fmt: skip
        assert history["loss"][-1] < 0.01
        assert all(p.dtype == model.weight.dtype for p in model.parameters())


def test_whole_numbers_stay_whole_for_an_embedding() -> None:
    model = nn.Sequential(nn.Embedding(4, 6), nn.Linear(6, 4))
    x = np.arange(40) % 4
    assert quiet(model, x, x, epochs=30, lr=0.1)["loss"][-1] < 0.05


@pytest.mark.parametrize("kind", ["lists", "tensors", "dataset", "loader"])
def test_data_come_in_every_form(kind: str) -> None:
    x, y = data(24)
    given: dict[str, Any] = {
        "lists": (x.tolist(), y.tolist()),
        "tensors": (mg.tensor(x), mg.tensor(y)),
        "dataset": (mg.data.TensorDataset(x, y),),
        "loader": (mg.data.DataLoader(mg.data.TensorDataset(x, y), 32, shuffle=True),),
    }
    validation = given[kind] if len(given[kind]) == 2 else given[kind][0]
    if kind == "loader":
        validation = mg.data.DataLoader(validation.dataset, 32)
    mg.manual_seed(0)
    model = network()
    history = quiet(model, *given[kind], epochs=2, validation_data=validation)
    mg.manual_seed(0)
    expected = network()
    assert dict(history) == dict(quiet(expected, x, y, epochs=2, validation_data=(x, y)))
    assert bits(model) == bits(expected)


def test_several_inputs() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(1, 1), nn.Linear(1, 1)

        def forward(self, a: Any, b: Any) -> Any:
            return self.first(a) + self.second(b)

    a, b = np.random.default_rng(0).standard_normal((2, 64, 1)).astype("float32")
    model = Sum()
    quiet(model, mg.data.TensorDataset(a, b, 2 * a - b), epochs=60, lr=0.1, loss="mse")
    assert model.first.weight.item() == pytest.approx(2, abs=0.05)
    assert model.second.weight.item() == pytest.approx(-1, abs=0.05)


def test_modes_are_left_as_they_were() -> None:
    model = network()
    model.eval()
    seen = []

    def look(run: Any) -> None:
        seen.append(run.model.training)

    quiet(model, *data(), validation_data=data(), epochs=2, callbacks=look)
    assert seen == [True, True]
    assert [module.training for module in model.modules()] == [False] * 6
    model.train()
    model[1].eval()
    quiet(model, *data())
    assert [module.training for module in model.modules()] == [True, True, False, True, True, True]


# Optimizers, schedulers, losses, metrics -----------------------------------------------------------


def test_an_optimizer_its_class_or_a_function() -> None:
    def run(make: Any, **settings: Any) -> dict[str, bytes]:
        model = network(own=True)
        quiet(model, *data(), epochs=2, seed=0, optimizer=make(model), **settings)
        return bits(model)

    expected = run(lambda model: optim.SGD(model.parameters(), lr=0.1))
    assert run(lambda model: "sgd", lr=0.1) == expected
    assert run(lambda model: optim.SGD, lr=0.1) == expected
    assert run(lambda model: lambda p: optim.SGD(p, lr=0.1)) == expected
    assert run(lambda model: "sgd", lr=0.2) != expected


@pytest.mark.parametrize(
    ("schedule", "rates"), [("epoch", [1.0, 0.5, 0.25]), ("batch", [0.25, 1 / 16, 1 / 64])]
)
def test_a_scheduler_steps_by_epoch_or_by_batch(schedule: Any, rates: list[float]) -> None:
    def half(optimizer: Any) -> Any:
        return optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)

    x, y = data(16)
    history = quiet(
        network(), x, y, epochs=3, batch_size=8, optimizer="sgd", lr=1.0, scheduler=half, schedule=schedule
    )  # fmt: skip
    np.testing.assert_allclose(history["lr"], rates)


PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])


@pytest.mark.parametrize(
    ("name", "outputs", "targets", "expected"),
    [
        ("cross_entropy", np.log(PROBABILITIES) + 3, [0, 1], -(np.log(0.7) + np.log(0.1)) / 2),
        ("sparse_categorical_crossentropy", PROBABILITIES, [0, 1], -(np.log(0.7) + np.log(0.1)) / 2),
        ("categorical_crossentropy", PROBABILITIES, [[1, 0, 0], [0, 1, 0]], -(np.log(0.7) + np.log(0.1)) / 2),
        ("nll", np.log(PROBABILITIES), [0, 1], -(np.log(0.7) + np.log(0.1)) / 2),
        ("binary_crossentropy", [[0.9], [0.2]], [[1.0], [0.0]], -(np.log(0.9) + np.log(0.8)) / 2),
        ("bce_with_logits", [0.0, 0.0], [1.0, 0.0], np.log(2)),
        ("mse", [1.0, 3.0], [0.0, 0.0], 5.0),
        ("mean_squared_error", [1.0, 3.0], [0.0, 0.0], 5.0),
        ("l1", [1.0, -3.0], [0.0, 0.0], 2.0),
        ("mean_absolute_error", [1.0, -3.0], [0.0, 0.0], 2.0),
        ("smooth_l1", [0.5, 3.0], [0.0, 0.0], (0.125 + 2.5) / 2),
        ("huber", [0.5, 3.0], [0.0, 0.0], (0.125 + 2.5) / 2),
    ],
)  # fmt: skip
def test_losses_by_name(name: str, outputs: Any, targets: Any, expected: float) -> None:
    from minigrad.training.objectives import find_loss

    outputs = mg.tensor(np.asarray(outputs, "float64"), requires_grad=True)
    value = find_loss(name)(outputs, mg.tensor(targets))
    assert value.item() == pytest.approx(expected, rel=1e-6)
    value.backward()
    assert np.isfinite(outputs.grad.numpy()).all()


def test_every_name_of_a_loss_is_tested() -> None:
    from minigrad.training.objectives import LOSSES

    (mark,) = [m for m in test_losses_by_name.pytestmark if m.name == "parametrize"]  # type: ignore[attr-defined]
    assert {case[0] for case in mark.args[1]} == LOSSES.keys()


@pytest.mark.parametrize("name", ["sparse_categorical_crossentropy", "binary_crossentropy"])
def test_certain_and_wrong_is_finite_as_in_keras(name: str) -> None:
    from minigrad.training.objectives import find_loss

    outputs, target = ([[1.0, 0.0]], [1]) if name.startswith("sparse") else ([[0.0]], [[1.0]])
    value = find_loss(name)(mg.tensor(outputs), mg.tensor(target))
    assert value.item() == pytest.approx(-np.log(1e-7))


def test_metrics() -> None:
    from minigrad.training.objectives import find_metrics, measure

    outputs = np.array([[2.0, 1.0], [0.0, 3.0], [1.0, 0.0]])
    shares = np.eye(2)[[0, 1, 1]]
    for targets in ([0, 1, 1], shares):
        assert measure(find_metrics("accuracy", "x"), outputs, np.array(targets)) == {"accuracy": 2 / 3}
    yes = np.array([[0.3], [-0.3], [0.7]])
    right = np.array([1, 0, 1])
    assert measure(find_metrics(["accuracy"], "binary_crossentropy"), yes, right)["accuracy"] == 2 / 3
    assert measure(find_metrics(["accuracy"], "bce_with_logits"), yes, right)["accuracy"] == 1.0
    assert measure(find_metrics(["accuracy"], nn.BCEWithLogitsLoss()), yes, right)["accuracy"] == 1.0
    pair = np.array([1.0, 3.0]), np.array([0.0, 1.0])
    assert measure(find_metrics(["mse", "mae"], "mse"), *pair) == {"mse": 2.5, "mae": 1.5}

    def largest(outputs: Any, targets: Any) -> Any:
        assert isinstance(outputs, np.ndarray)
        return np.abs(outputs - targets).max()

    assert measure(find_metrics([largest], "mse"), *pair) == {"largest": 2.0}
    assert measure(find_metrics({"top": largest, "off": "mae"}, "mse"), *pair) == {
        "top": 2.0,
        "off": 1.5,
    }
    assert find_metrics(None, "mse") == {}


def test_means_are_over_examples_not_over_batches() -> None:
    x = np.array([[0.0], [0.0], [3.0]])
    model = nn.Linear(1, 1, bias=False).double()
    model.weight.data = [[1.0]]
    history = quiet(
        model, x, 0 * x, batch_size=2, shuffle=False, loss="mse", optimizer="sgd", lr=0.0, metrics=["mae"],
        validation_data=(x, 0 * x),
    )  # fmt: skip
    assert dict(history) == {"loss": [3.0], "mae": [1.0], "val_loss": [3.0], "val_mae": [1.0]}


# A softmax too many ------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["cross_entropy", nn.CrossEntropyLoss()])
def test_a_second_softmax_is_pointed_out(loss: Any) -> None:
    model = nn.Sequential(nn.Linear(5, 10), nn.Softmax(dim=1))
    with pytest.warns(UserWarning, match=r"Squashed twice, this loss of 10 classes cannot fall below 1\.4612\. Leave") as seen:  # fmt: skip
        quiet(model, *data(), epochs=3, loss=loss)
    assert len(seen) == 1
    assert seen[0].filename.endswith("test_fit.py")


def test_no_false_alarm() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quiet(network(), *data(), loss="cross_entropy")
        quiet(nn.Sequential(network(), nn.Softmax(1)), *data(), loss="sparse_categorical_crossentropy")
        quiet(nn.Sequential(network(), nn.LogSoftmax(1)), *data(), loss="cross_entropy")


def test_the_floor_is_there() -> None:
    """The loss of a model that squashes twice stays above the number that the warning names."""
    model = nn.Sequential(nn.Linear(10, 10), nn.Softmax(dim=1))
    x, y = 10 * np.eye(10), np.arange(10)
    with pytest.warns(UserWarning, match="1.4612"):
        twice = quiet(model, x, y, epochs=300, batch_size=10, lr=0.05)["loss"][-1]
    once = quiet(nn.Linear(10, 10), x, y, epochs=300, batch_size=10, lr=0.05)["loss"][-1]
    assert 1.46115 < twice < 1.47
    assert once < 0.01


# Callbacks ---------------------------------------------------------------------------------------


def test_callbacks_are_called_in_order() -> None:
    calls: list[Any] = []

    class Note(Callback):
        def on_start(self, run: Any) -> None:
            calls.append(("start", run.epoch, run.batch))

        def on_batch_end(self, run: Any) -> None:
            calls.append(("batch", run.epoch, run.batch, sorted(run.averages.means())))

        def on_epoch_end(self, run: Any) -> None:
            calls.append(("epoch", run.epoch, run.batch, run.history.epochs))

        def on_end(self, run: Any) -> None:
            calls.append(("end", run.epoch, run.batch))

    quiet(network(), *data(16), epochs=2, batch_size=8, metrics=["accuracy"], callbacks=[Note()])
    names = ["accuracy", "loss"]
    assert calls == [
        ("start", 0, 0),
        ("batch", 0, 1, names), ("batch", 0, 2, names), ("epoch", 1, 0, 1),
        ("batch", 1, 1, names), ("batch", 1, 2, names), ("epoch", 2, 0, 2),
        ("end", 2, 0),
    ]  # fmt: skip


def test_a_function_can_stop_the_training() -> None:
    def enough(run: Any) -> None:
        run.stop = run.epoch == 3

    assert quiet(network(), *data(), epochs=10, callbacks=[enough]).epochs == 3


def test_the_end_is_told_when_something_fails() -> None:
    ended = []

    class Fail(Callback):
        def on_batch_end(self, run: Any) -> None:
            raise ZeroDivisionError

        def on_end(self, run: Any) -> None:
            ended.append(run.batch)

    with pytest.raises(ZeroDivisionError):
        quiet(network(), *data(), callbacks=[Fail()])
    assert ended == [1]


# What it shows -----------------------------------------------------------------------------------


LINE = r"epoch {}: loss \d+\.\d{{4}}, accuracy \d\.\d{{4}}, val_loss \d+\.\d{{4}}, val_accuracy \d\.\d{{4}} \(\d+\.\d s\)"


def show(**settings: Any) -> None:
    mg.fit(network(), *data(), epochs=10, metrics=["accuracy"], validation_data=data(), **settings)


@pytest.mark.parametrize("verbose", [True, 1, 2])
def test_a_line_per_epoch_where_there_is_no_terminal(capsys: Any, verbose: Any) -> None:
    show(verbose=verbose)
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert err == ""
    assert len(lines) == 10
    for number, line in enumerate(lines, 1):
        assert re.fullmatch(LINE.format(f"{number:2}/10"), line), line


@pytest.mark.parametrize("verbose", [False, 0])
def test_nothing_when_asked_to_be_quiet(capsys: Any, verbose: Any) -> None:
    show(verbose=verbose)
    assert capsys.readouterr() == ("", "")


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def test_without_rich_a_terminal_gets_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n.partition(".")[0] == "rich"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich", None)
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    show()
    assert re.match(LINE.format(" 1/10"), screen.getvalue())
    assert len(screen.getvalue().splitlines()) == 10


def test_a_bar_with_loss_metric_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TERM": "xterm", "COLUMNS": "140", "LINES": "20"}.items():
        monkeypatch.setenv(name, value)
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr("minigrad.training.progress._PAUSE", 0.0)
    show(callbacks=[lambda run: mg.training.progress.time.sleep(0.03)])
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())
    assert len(re.findall(LINE.format(r"[ \d]\d/10"), text)) == 10
    assert re.search(
        r"epoch \d+/10 ━+\S* +\d+/20 [-\d]:[-\d]{2}:[-\d]{2} loss \d\.\d{4}, accuracy \d\.\d{4}", text
    )
    assert (
        screen.getvalue().endswith("\x1b[2K") or "\x1b[?25h" in screen.getvalue()
    )  # the cursor is back


def test_progress_by_itself(capsys: Any) -> None:
    quiet(network(), *data(), epochs=2, callbacks=[Progress(bar=False)])
    assert capsys.readouterr().out.count("epoch ") == 2


# What it refuses ---------------------------------------------------------------------------------


def call(**changes: Any) -> Any:
    x, y = data(8)
    given: dict[str, Any] = {"model": network(), "x": x, "y": y, "verbose": False} | changes
    return lambda: mg.fit(given.pop("model"), given.pop("x"), given.pop("y"), **given)


LOADER = mg.data.DataLoader(mg.data.TensorDataset(*data(8)), 4)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"model": len}, mg.ArgumentError, r"fit: the model is an nn\.Module, not builtin_function_or_method"),
        ({"model": nn.ReLU()}, mg.ArgumentError, r"fit: this ReLU has no parameters to train"),
        ({"epochs": 2.5}, mg.ArgumentError, r"epochs is an integer from 0 upwards, not 2\.5"),
        ({"epochs": -1}, mg.ArgumentError, r"epochs is an integer from 0 upwards, not -1"),
        ({"batch_size": 0}, mg.ArgumentError, r"batch_size is a positive integer, not 0"),
        ({"y": None}, mg.ArgumentError, r"fit: x needs targets: pass x and y"),
        ({"y": np.zeros(7)}, mg.ShapeError, r"fit: x is .*float32\[8, 5\], and its y is .*float64\[7\]; they need the same number of examples"),
        ({"x": 1.0}, mg.ShapeError, r"they need the same number of examples"),
        ({"x": np.zeros((0, 5)), "y": np.zeros(0, int)}, mg.ArgumentError, r"there is no batch: 0 examples, batch_size=32"),
        ({"drop_last": True}, mg.ArgumentError, r"there is no batch: 8 examples, batch_size=32, drop_last=True"),
        ({"x": LOADER}, mg.ArgumentError, r"x is a DataLoader, which gives the targets; leave y out"),
        ({"x": LOADER, "y": None, "batch_size": 3, "seed": 0}, mg.ArgumentError, r"DataLoader, which has its own batch_size, seed; leave that out"),
        ({"x": mg.data.TensorDataset(data(8)[0]), "y": None}, mg.ArgumentError, r"a batch must be \(x, y\), .* it is a list of 1"),
        ({"seed": 0, "generator": np.random.default_rng(0)}, mg.ArgumentError, r"a generator or a seed, not both"),
        ({"seed": "x"}, mg.ArgumentError, r"seed is an integer from 0 upwards, not 'x'"),
        ({"generator": 3}, mg.ArgumentError, r"fit: generator must be a numpy\.random\.Generator, not int 3"),
        ({"optimizer": "adan"}, mg.ArgumentError, r"there is no optimizer 'adan'; there are sgd, adam, adamw, rmsprop, adagrad"),
        ({"optimizer": 3}, mg.ArgumentError, r"optimizer is a name .* not int"),
        ({"optimizer": optim.SGD(nn.Linear(1, 1).parameters())}, mg.ArgumentError, r"the optimizer holds no parameter of this model"),
        ({"optimizer": optim.SGD(nn.Linear(1, 1).parameters()), "lr": 1.0}, mg.ArgumentError, r"lr goes with an optimizer's name"),
        ({"scheduler": 3}, mg.ArgumentError, r"scheduler is a scheduler of the optimizer, .* not int"),
        ({"scheduler": optim.lr_scheduler.StepLR(optim.SGD(nn.Linear(1, 1).parameters()), 1)}, mg.ArgumentError, r"the scheduler belongs to another optimizer"),
        ({"schedule": "step"}, mg.ArgumentError, r'schedule is "epoch" or "batch", not \'step\''),
        ({"loss": "crossentropy"}, mg.ArgumentError, r"there is no loss 'crossentropy'; did you mean '\w*cross_?entropy'\?"),
        ({"loss": 3}, mg.ArgumentError, r"loss is a name or a function of outputs and targets, not 3"),
        ({"loss": lambda out, y: out}, mg.ArgumentError, r"the loss must be one number, and it is .*float32\[8, 3\].*\.mean\(\)"),
        ({"loss": lambda out, y: 1.0}, mg.ArgumentError, r"the loss must be one number, and it is float 1\.0"),
        ({"loss": lambda out, y: out.detach().sum()}, mg.ArgumentError, r"the loss does not depend on any parameter"),
        ({"loss": "categorical_crossentropy"}, mg.ShapeError, r"categorical_crossentropy: the outputs are .*\[8, 3\].*, but the targets are .*\[8\]"),
        ({"metrics": ["accurate"]}, mg.ArgumentError, r"there is no metric 'accurate'; did you mean 'accuracy'\?"),
        ({"metrics": [3]}, mg.ArgumentError, r"a metric is a name or a function, not 3"),
        ({"metrics": 3}, mg.ArgumentError, r"metrics is a list of names or functions, not 3"),
        ({"metrics": ["accuracy", "accuracy"]}, mg.ArgumentError, r"'accuracy' is taken already"),
        ({"metrics": {"loss": "mse"}}, mg.ArgumentError, r"'loss' is taken already"),
        ({"metrics": {"odd": lambda out, y: out}}, mg.ArgumentError, r"the metric 'odd' must give one number, not"),
        ({"validation_data": 3}, mg.ArgumentError, r"validation_data is a pair \(x, y\), a Dataset or a DataLoader"),
        ({"validation_data": (np.zeros((2, 5)), [0])}, mg.ShapeError, r"fit: the x of validation_data is"),
        ({"validation_data": (np.zeros((0, 5)), np.zeros(0, int))}, mg.ArgumentError, r"validation_data holds no batch"),
        ({"callbacks": [3]}, mg.ArgumentError, r"a callback is an instance of mg\.training\.Callback or a function, not 3"),
        ({"callbacks": [Callback]}, mg.ArgumentError, r"a callback is an instance"),
        ({"callbacks": 3}, mg.ArgumentError, r"callbacks is a list of Callback or functions, not 3"),
        ({"resume": True}, mg.ArgumentError, r"resume=True goes on from checkpoint=path, and there is none"),
    ],
)  # fmt: skip
def test_wrong_input(changes: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(**changes)()


def test_a_wrong_call_changes_nothing() -> None:
    model = network()
    before = bits(model)
    with pytest.raises(mg.ArgumentError):
        quiet(model, *data(), metrics=["accurate"])
    assert bits(model) == before


# Names and imports -------------------------------------------------------------------------------


def test_fit_is_loaded_on_demand() -> None:
    code = (
        "import sys, minigrad as mg\n"
        "assert not [n for n in sys.modules if n.startswith(('minigrad.training', 'minigrad.nn'))]\n"
        "mg.fit, mg.save, mg.load, mg.training.History\n"
        "heavy = {'rich', 'matplotlib', 'safetensors', 'pooch', 'tensorboardX', 'requests'}\n"
        "assert not heavy & {n.partition('.')[0] for n in sys.modules}, heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=os.environ)
