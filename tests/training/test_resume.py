"""Training that stops and goes on is training that never stopped, to the last bit."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.training import Callback, CheckpointError, checkpoint

from .models import EXAMPLES, bits, data, network

RULES: dict[str, Any] = {
    "adam": lambda p: optim.Adam(p, lr=0.01, amsgrad=True, weight_decay=0.01),
    "adamw": lambda p: optim.AdamW(p, lr=0.01),
    "momentum": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "rmsprop": lambda p: optim.RMSprop(p, lr=0.01, momentum=0.5, centered=True),
    "adagrad": lambda p: optim.Adagrad(p, lr=0.05, lr_decay=0.1),
}
SCHEDULES: dict[str, Any] = {
    "none": {},
    "step": {"scheduler": lambda o: optim.lr_scheduler.StepLR(o, 1, gamma=0.7)},
    "cycle": {
        "scheduler": lambda o: optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=24),
        "schedule": "batch",
    },
    "lambda": {"scheduler": lambda o: optim.lr_scheduler.LambdaLR(o, lambda step: 0.9**step)},
}


class Press(Callback):
    """Ctrl-C after so many batches, counted from the start of this call."""

    def __init__(self, batch: int) -> None:
        self.left = batch

    def on_batch_end(self, run: Any) -> None:
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)


def run(
    epochs: int, rule: str = "adam", schedule: str = "none", own: bool = False, **settings: Any
) -> Any:
    """Train a fresh model; what a program would do when it is started once more."""
    mg.manual_seed(7)
    model = network(own=own)
    settings = {"batch_size": 8, "metrics": ["accuracy"], "validation_data": data(20, 2)} | settings
    made = RULES[rule]
    history = mg.fit(
        model, *data(), epochs=epochs, optimizer=made, verbose=False, **SCHEDULES[schedule], **settings
    )  # fmt: skip
    return bits(model), dict(history), mg.tensor(0), model


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("own", [False, True])
def test_two_epochs_and_two_more_are_four(tmp_path: Path, rule: str, own: bool) -> None:
    """With dropout, batch norm, shuffling, and every optimizer's memory."""
    straight = run(4, rule, own=own)
    path = tmp_path / "run.safetensors"
    half = run(2, rule, own=own, checkpoint=path)
    resumed = run(4, rule, own=own, resume=path)
    assert resumed[0] == straight[0]
    assert resumed[1] == straight[1]
    assert half[0] != straight[0]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedulers_go_on(tmp_path: Path, schedule: str) -> None:
    rule = "momentum"
    straight = run(4, rule, schedule)
    run(2, rule, schedule, checkpoint=tmp_path / "a")
    assert run(4, rule, schedule, resume=tmp_path / "a")[:2] == straight[:2]


@pytest.mark.parametrize("kind", ["PCG64", "MT19937", "Philox", "SFC64"])
def test_every_kind_of_generator_goes_on(tmp_path: Path, kind: str) -> None:
    def order(seed: int = 3) -> np.random.Generator:
        return np.random.Generator(getattr(np.random, kind)(seed))

    straight = run(3, generator=order())
    run(1, generator=order(), checkpoint=tmp_path / "a")
    assert run(3, generator=order(99), resume=tmp_path / "a")[:2] == straight[:2]


@pytest.mark.parametrize("after", [1, 3, 6, 7, 17])
@pytest.mark.parametrize("settings", [{}, {"seed": 5}, {"shuffle": False}], ids=str)
def test_ctrl_c_at_any_batch_loses_nothing(
    tmp_path: Path, after: int, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stopped in the middle of an epoch or at its end, gone on with, stopped again, gone on with."""
    straight = run(4, schedule="cycle", **settings)
    path = tmp_path / "run.safetensors"
    with pytest.raises(KeyboardInterrupt):
        run(4, schedule="cycle", checkpoint=path, callbacks=[Press(after)], **settings)
    with pytest.raises(KeyboardInterrupt):
        run(4, schedule="cycle", checkpoint=path, resume=True, callbacks=[Press(2)], **settings)
    assert run(4, schedule="cycle", checkpoint=path, resume=True, **settings)[:2] == straight[:2]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    epoch, batch = divmod(after, 6)
    where = (
        f"in epoch {epoch + 1} of 4, batch {batch} of 6"
        if batch
        else f"in epoch {epoch} of 4, batch 6 of 6"
    )
    assert (
        lines[0]
        == f"fit: interrupted {where}. All is saved in {path}; go on with mg.fit(..., resume='{path}')."
    )


def test_ctrl_c_in_validation_loses_nothing(tmp_path: Path) -> None:
    class Once(nn.Module):
        """Presses Ctrl-C the first time that it is evaluated."""

        pressed = False

        def forward(self, x: Any) -> Any:
            if not self.training and not Once.pressed:
                Once.pressed = True
                signal.raise_signal(signal.SIGINT)
            return x

    def once(**settings: Any) -> Any:
        mg.manual_seed(7)
        model = nn.Sequential(network(), Once())
        held = mg.data.DataLoader(mg.data.TensorDataset(*data(20, 2)), 4, shuffle=True)
        history = mg.fit(
            model, *data(), epochs=3, batch_size=8, validation_data=held, verbose=False, **settings
        )  # fmt: skip
        return bits(model), dict(history)

    Once.pressed = True
    straight = once()
    Once.pressed = False
    with pytest.raises(KeyboardInterrupt):
        once(checkpoint=tmp_path / "a")
    assert once(resume=tmp_path / "a") == straight


def test_after_ctrl_c_things_are_as_before(capsys: pytest.CaptureFixture[str]) -> None:
    ended = []

    class End(Callback):
        def on_end(self, run: Any) -> None:
            ended.append(run.batch)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run(4, callbacks=[Press(2), End()])
    assert ended == [2]
    assert signal.getsignal(signal.SIGINT) is before
    assert capsys.readouterr().err == (
        "fit: interrupted in epoch 1 of 4, batch 2 of 6. The model keeps what it learned; with "
        "checkpoint=path it would be saved, too.\n"
    )


def test_the_second_ctrl_c_does_not_wait(tmp_path: Path) -> None:
    class Twice(Callback):
        def on_batch_end(self, run: Any) -> None:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            pytest.fail("the second one waited")

    with pytest.raises(KeyboardInterrupt):
        run(1, callbacks=[Twice()], checkpoint=tmp_path / "a")
    assert not (tmp_path / "a").exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_after_the_last_batch_is_not_lost(tmp_path: Path) -> None:
    class Late(Callback):
        def on_end(self, run: Any) -> None:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(1, checkpoint=tmp_path / "a", callbacks=[Late()])
    assert run(1, resume=tmp_path / "a")[:2] == run(1)[:2]


def test_in_another_thread() -> None:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(run(1, seed=0)[:2]))
    thread.start()
    thread.join()
    assert found == [run(1, seed=0)[:2]]


def test_a_programs_own_handler_is_left_alone() -> None:
    caught = []
    before = signal.signal(signal.SIGINT, lambda number, frame: caught.append(number))
    try:
        assert len(run(1, callbacks=[Press(2)])[1]["loss"]) == 1
    finally:
        signal.signal(signal.SIGINT, before)
    assert caught == [signal.SIGINT]


def test_resume_true_begins_if_there_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    straight = run(3)
    assert run(2, checkpoint=path, resume=True)[1]["loss"] == straight[1]["loss"][:2]
    assert run(3, checkpoint=path, resume=True)[:2] == straight[:2]
    again = run(3, checkpoint=path, resume=True)  # nothing is left to do
    assert again[:2] == straight[:2]


def test_a_checkpoint_is_also_a_file_of_weights(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    *_, model = run(1, checkpoint=path)
    other = network(5)
    assert other.load_state_dict(mg.load(path)) == ([], [])
    assert bits(other) == bits(model)


@pytest.mark.torch
def test_pytorch_reads_the_weights_in_a_checkpoint(tmp_path: Path) -> None:
    import safetensors.torch
    from torch import nn as peer

    path = tmp_path / "run.safetensors"
    *_, model = run(1, checkpoint=path)
    theirs = peer.Sequential(
        peer.Linear(5, 8), peer.BatchNorm1d(8), peer.ReLU(), peer.Dropout(0.3), peer.Linear(8, 3)
    )
    result = theirs.load_state_dict(safetensors.torch.load_file(path), strict=False)
    assert result.missing_keys == []
    assert all(key.startswith("optimizer/") for key in result.unexpected_keys)
    for key, value in theirs.state_dict().items():
        assert np.array_equal(value.numpy(), model.state_dict()[key].numpy()), key


# What is refused -----------------------------------------------------------------------------------


def changed(path: Path, change: Any) -> None:
    """Rewrite the JSON in a checkpoint's header."""
    from minigrad.training.weights import read_tensors, write_tensors

    arrays, notes = read_tensors("test", path)
    notes["minigrad"] = change(notes["minigrad"])
    write_tensors("test", path, arrays, notes)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"rule": "momentum"}, mg.ArgumentError, r"was written with the optimizer Adam, and now it is SGD\. Pass the same optimizer"),
        ({"schedule": "step"}, mg.ArgumentError, r"was written with the scheduler None, and now it is StepLR"),
        ({"batch_size": 4}, mg.ArgumentError, r"in the middle of an epoch over examples=44, batch_size=8, shuffle=True, drop_last=False, and now there are examples=44, batch_size=4"),
        ({"own": True}, mg.ArgumentError, r"was written with the random generators .*and now there are .*'model\.3\.generator': 'PCG64'"),
        ({"generator": np.random.Generator(np.random.MT19937(0))}, mg.ArgumentError, r"'order': 'PCG64'.*and now there are.*'order': 'MT19937'"),
        ({"metrics": None}, mg.ArgumentError, r"records loss, accuracy, val_loss, val_accuracy of every epoch, and now there would be loss, val_loss\. Pass the same metrics"),
    ],
)  # fmt: skip
def test_another_program_is_refused(tmp_path: Path, settings: Any, error: Any, message: str) -> None:
    path = tmp_path / "run.safetensors"
    with pytest.raises(KeyboardInterrupt):
        run(2, checkpoint=path, callbacks=[Press(8)])
    with pytest.raises(error, match=message):
        run(**({"epochs": 3} | settings), resume=path)


def test_when_resuming_fails_the_model_is_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    run(1, checkpoint=path, metrics=None, validation_data=None)
    model = network(3)
    optimizer = optim.Adam([{"params": [p]} for p in model.parameters()])
    before = bits(model), optimizer.state_dict()
    with pytest.raises(mg.ArgumentError, match=r"the saved groups hold \[6\] parameters"):
        mg.fit(model, *data(), batch_size=8, optimizer=optimizer, resume=path, verbose=False)
    assert (bits(model), optimizer.state_dict()) == before
    model = network(3, own=True)  # its dropout draws from a generator that the checkpoint lacks
    optimizer = optim.Adam(model.parameters())
    before = bits(model), optimizer.state_dict()
    with pytest.raises(mg.ArgumentError, match=r"random generators"):
        mg.fit(model, *data(), batch_size=8, optimizer=optimizer, resume=path, verbose=False)
    assert (bits(model), optimizer.state_dict()) == before
    wide = nn.Sequential(nn.Linear(5, 9), nn.BatchNorm1d(9), nn.ReLU(), nn.Dropout(), nn.Linear(9, 3))
    with pytest.raises(
        nn.StateDictError, match=r"0\.weight: shape \[8, 5\], but the module has \[9, 5\]"
    ):
        mg.fit(wide, *data(), batch_size=8, resume=path, verbose=False)


def test_weights_alone_are_no_training(tmp_path: Path) -> None:
    path = mg.save(network(), tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match=r"holds tensors, but no training to go on with.*model\.load_state_dict\(mg\.load\(path\)\)"):  # fmt: skip
        run(2, resume=path)
    with pytest.raises(CheckpointError, match=r"fit: there is no file .*none"):
        run(2, resume=tmp_path / "none")


def test_a_damaged_header(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    run(1, checkpoint=path)
    whole = path.read_bytes()
    for change, message in (
        (lambda text: text[:100], "the header of .* is damaged"),
        (lambda text: "[]", "the header of .* is damaged"),
        (lambda text: json.dumps(json.loads(text) | {"version": 9}), "is of version 9, and this minigrad reads 1"),
    ):  # fmt: skip
        path.write_bytes(whole)
        changed(path, change)
        with pytest.raises(CheckpointError, match=message):
            run(2, resume=path)


def everything(path: Path, **settings: Any) -> tuple[Any, Any]:
    """A training that goes on from a file, and all that it must leave alone if it cannot."""
    mg.manual_seed(3)
    model = network(3, own=True)
    optimizer = optim.Adam(model.parameters(), lr=0.5)
    scheduler = optim.lr_scheduler.StepLR(optimizer, 3)
    held = mg.data.DataLoader(
        mg.data.TensorDataset(*data(20, 2)), 4, shuffle=True, generator=np.random.default_rng(8)
    )
    order = np.random.default_rng(9)

    def go_on(epochs: int = 2) -> Any:
        return mg.fit(
            model, *data(), epochs=epochs, batch_size=8, optimizer=optimizer, scheduler=scheduler,
            validation_data=held, metrics=["accuracy"], generator=order, verbose=False,
            **({"resume": path} if path.exists() else {"checkpoint": path}), **settings,
        )  # fmt: skip

    def now() -> str:
        generators = [
            order,
            held.generator,
            model[3].generator,
            mg.seeding.resolve_generator("t", None),
        ]
        states = [g.bit_generator.state for g in generators if g is not None]
        settings = [{**g, "params": None} for g in optimizer.param_groups]
        own = {k: v for k, v in vars(scheduler).items() if k != "optimizer"}
        memory = [sorted((k, str(v)) for k, v in s.items()) for s in optimizer.state.values()]
        return repr((bits(model), settings, own, memory, states))

    return go_on, now


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two checkpoints: after an epoch, and in the middle of one."""
    folder = tmp_path_factory.mktemp("stopped")
    go_on, _ = everything(folder / "whole")
    go_on(1)
    go_on, _ = everything(folder / "middle", callbacks=[Press(8)])
    with pytest.raises(KeyboardInterrupt):
        go_on(2)
    return folder / "whole", folder / "middle"


KEYS = (
    "version epoch batch loader sums count columns history optimizer numbers param_groups scheduler "
    "schedule generators order_at_start"
).split()


@pytest.mark.parametrize("which", [0, 1], ids=["whole", "middle"])
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("value", ["missing", None, "text", -1, [1], {"a": "b"}], ids=str)
def test_a_header_with_something_missing_or_else(
    tmp_path: Path, stopped: Any, which: int, key: str, value: Any
) -> None:
    path = tmp_path / "run.safetensors"
    path.write_bytes(stopped[which].read_bytes())
    go_on, now = everything(path)
    before = now()

    def change(text: str) -> str:
        saved = json.loads(text)
        if value == "missing":
            del saved[key]
        else:
            saved[key] = value
        return json.dumps(saved)

    if (which, key, value) == (0, "order_at_start", None):
        return  # as it is
    changed(path, change)
    other = (key, value) in (("optimizer", "text"), ("scheduler", "text"), ("scheduler", None))
    with pytest.raises(mg.ArgumentError if other and value else CheckpointError, match=r"^fit: "):
        go_on()
    assert now() == before


@pytest.mark.parametrize("only", ['{"version": 1}', "{}", "[]", "1", '"text"', "null", "[" * 100_000])
def test_a_header_that_holds_nothing(tmp_path: Path, stopped: Any, only: str) -> None:
    path = tmp_path / "run.safetensors"
    path.write_bytes(stopped[0].read_bytes())
    go_on, now = everything(path)
    before = now()
    changed(path, lambda text: only)
    with pytest.raises(CheckpointError, match=r"fit: the header of .*run\.safetensors is damaged"):
        go_on()
    assert now() == before


def refusal(go_on: Any) -> str:
    try:
        go_on()
    except mg.MinigradError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("which", [0, 1], ids=["whole", "middle"])
def test_flipped_bits_in_the_header(tmp_path: Path, stopped: Any, which: int) -> None:
    """A digit may have become another digit; all else is told, and nothing is changed then."""
    path = tmp_path / "run.safetensors"
    whole = stopped[which].read_bytes()
    length = 8 + int.from_bytes(whole[:8], "little")
    path.write_bytes(whole)
    go_on, now = everything(path)
    before, rng, noticed = now(), np.random.default_rng(which), 0
    for _ in range(300):
        content = bytearray(whole)
        content[int(rng.integers(8, length))] ^= 1 << int(rng.integers(8))
        path.write_bytes(content)
        message = refusal(go_on)
        if message:
            assert message.startswith(("fit: ", "load_state_dict: ", "Adam"))
            assert now() == before
            noticed += 1
        else:
            go_on, now = everything(path)
    assert noticed > 200


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, mg.ArgumentError])
@pytest.mark.parametrize("at", ["model", "optimizer", "generators", "scheduler", "history"])
def test_nothing_is_left_half_done(
    tmp_path: Path, stopped: Any, at: str, error: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.safetensors"
    path.write_bytes(stopped[1].read_bytes())
    go_on, now = everything(path)
    before = now()
    owner, name = {
        "model": (nn.Module, "load_state_dict"),
        "optimizer": (optim.Optimizer, "load_state_dict"),
        "generators": (checkpoint, "restore"),
        "scheduler": (optim.lr_scheduler.LRScheduler, "load_state_dict"),
        "history": (checkpoint, "History"),
    }[at]
    done, calls = getattr(owner, name), []

    def fail(*args: Any) -> Any:
        calls.append(done(*args))
        if len(calls) == 1:
            raise error("now")

    monkeypatch.setattr(owner, name, fail)
    with pytest.raises(CheckpointError if error is ValueError else error, match="now"):
        go_on()
    assert now() == before


@pytest.mark.parametrize("name", ["optimizer/0", "optimizer/0/exp_avg", "optimizer/", "_optimizer/0"])
def test_parts_that_are_named_like_the_optimizers_tensors(tmp_path: Path, name: str) -> None:
    def go(epochs: int, **settings: Any) -> Any:
        mg.manual_seed(7)
        model = network()
        model.add_module(name, nn.Linear(3, 3))
        history = mg.fit(model, *data(), epochs=epochs, batch_size=8, verbose=False, **settings)
        return bits(model), dict(history)

    straight = go(3)
    half = go(1, checkpoint=tmp_path / "a")
    assert go(3, resume=tmp_path / "a") == straight
    found = mg.load(tmp_path / "a")
    assert {k: v.numpy().tobytes() for k, v in found.items()} == half[0]


@pytest.mark.parametrize("name", ["optimizer/0", "optimizer/0/x"])
def test_such_a_file_of_an_older_minigrad(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had one mark for all models, and no list of the tensors."""
    path = tmp_path / "a"

    def go(epochs: int, **settings: Any) -> Any:
        mg.manual_seed(7)
        model = network()
        model.add_module(name, nn.Linear(3, 3))
        mg.fit(model, *data(), epochs=epochs, batch_size=8, verbose=False, **settings)
        return bits(model)

    with monkeypatch.context() as old:
        old.setattr(checkpoint, "marking", lambda keys: {})
        go(1, checkpoint=path)
    changed(
        path, lambda text: json.dumps({k: v for k, v in json.loads(text).items() if k != "tensors"})
    )
    assert go(2, resume=path) == go(2)


class Noise(nn.Module):
    """Draws from generators that are kept in containers."""

    def __init__(self, seed: int, old: bool = False) -> None:
        super().__init__()
        self.linear = nn.Linear(5, 3)
        self.drawn = [
            np.random.default_rng(seed),
            {"second": (np.random.default_rng(seed + 1), "text")},
        ]
        self.drawn.append(self.drawn)  # a list that holds itself
        if old:
            self.old = {"a": [np.random.RandomState(seed)]}

    def forward(self, x: Any) -> Any:
        first, second = self.drawn[0], self.drawn[1]["second"][0]
        return self.linear(x) + (first.random() + second.random())


def noisy(epochs: int, seed: int, old: bool = False, **settings: Any) -> Any:
    mg.manual_seed(7)
    model = Noise(seed, old)
    held = mg.data.DataLoader(
        mg.data.TensorDataset(*data(20, 2)), 3, shuffle=True, drop_last=True,
        generator=np.random.default_rng(seed),
    )  # fmt: skip
    history = mg.fit(
        model, *data(), epochs=epochs, batch_size=8, validation_data=held, verbose=False, **settings
    )
    return bits(model), dict(history)


def test_generators_in_containers_and_of_the_validation_data_go_on(tmp_path: Path) -> None:
    straight = noisy(3, 0)
    noisy(1, 0, checkpoint=tmp_path / "a")
    assert noisy(3, 50, resume=tmp_path / "a") == straight
    assert noisy(3, 50) != straight


def test_a_random_state_is_told_of(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=r"fit: model\.old\['a'\]\[0\] is a numpy\.random\.RandomState, which a checkpoint does not hold"):  # fmt: skip
        noisy(1, 0, old=True, checkpoint=tmp_path / "a")
    with pytest.warns(UserWarning, match=r"RandomState"):
        noisy(2, 0, old=True, resume=tmp_path / "a")
    noisy(1, 0, old=True)  # where nothing is saved there is nothing to tell


@pytest.mark.skipif(os.name != "posix", reason="files of POSIX systems")
def test_a_checkpoint_under_a_link_or_as_bytes(tmp_path: Path) -> None:
    straight = run(2)
    (tmp_path / "there").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "there" / "run.safetensors")
    run(1, checkpoint=link)
    assert link.is_symlink()
    assert run(2, checkpoint=os.fsencode(link), resume=True)[:2] == straight[:2]
    assert os.listdir(tmp_path / "there") == ["run.safetensors"]
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "second").symlink_to("pipe")
    for name in ("pipe", "second"):
        with pytest.raises(CheckpointError, match=rf"fit: cannot write .*{name}: it is not a regular file\. Nothing was trained yet"):  # fmt: skip
            run(1, checkpoint=tmp_path / name)


@pytest.mark.parametrize(
    "settings", [{"checkpoint": 3}, {"checkpoint": ""}, {"resume": 3}, {"resume": "a\0"}]
)
def test_what_is_no_path(settings: Any) -> None:
    with pytest.raises(
        mg.ArgumentError, match=r"fit: (a path is text|the path is empty|no file can have)"
    ):
        run(1, **settings, callbacks=[lambda run: pytest.fail("it trained")])


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("none/run.safetensors", r"fit: cannot write .*none/run\.safetensors: No such file or directory\. Nothing was trained yet"),
        ("file/run.safetensors", r"fit: cannot write .*Not a directory"),
        ("folder", r"fit: cannot write .*folder: it is a folder"),
    ],
)  # fmt: skip
def test_an_unwritable_checkpoint_is_told_before_any_work(
    tmp_path: Path, where: str, message: str
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(CheckpointError, match=message):
        run(1, checkpoint=tmp_path / where, callbacks=[lambda run: pytest.fail("it trained")])


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX systems")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    user = os.geteuid()
    if user == 0:  # the superuser may write anywhere
        os.seteuid(65534)
    try:
        with pytest.raises(CheckpointError, match=r"fit: cannot write .*Permission denied"):
            run(1, checkpoint=tmp_path / "a")
    finally:
        os.seteuid(user)


def test_a_disk_that_fills_up_leaves_the_last_checkpoint(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "run.safetensors"
    replace = os.replace

    def fail(source: Any, target: Any) -> None:
        if path.exists():
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(CheckpointError, match=r"fit: cannot write .*: No space left on device\. The file that was there before is unchanged"):  # fmt: skip
        run(4, checkpoint=path)
    monkeypatch.undo()
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert run(2, resume=path)[:2] == run(2)[:2]


def test_settings_that_json_cannot_hold_are_named(tmp_path: Path) -> None:
    class Odd(optim.SGD):
        def __init__(self, params: Any) -> None:
            super().__init__(params)
            self.param_groups[0]["tag"] = object()

    with pytest.raises(mg.ArgumentError, match=r"fit: the state\['param_groups'\]\[0\]\['tag'\] is object .* which a checkpoint cannot hold"):  # fmt: skip
        mg.fit(network(), *data(), optimizer=Odd, checkpoint=tmp_path / "a", verbose=False)


def test_the_data_are_what_they_seem() -> None:
    assert EXAMPLES % 8 == 4  # the last batch is smaller, and six make an epoch
