"""Optimizers: 100 steps beside PyTorch to 1e-12, groups, state, and wrong input."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim

CASES: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.05}),
    ("SGD", {"lr": 0.05, "momentum": 0.9}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.01, "weight_decay": 0.1, "maximize": True}),
    ("Adam", {"lr": 0.05}),
    ("Adam", {"lr": 0.05, "betas": (0.8, 0.99), "eps": 1e-3, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.05, "amsgrad": True}),
    ("Adam", {"lr": 0.05, "maximize": True}),
    ("AdamW", {"lr": 0.05}),
    ("AdamW", {"lr": 0.05, "weight_decay": 0.3, "amsgrad": True}),
    ("RMSprop", {"lr": 0.02}),
    ("RMSprop", {"lr": 0.02, "momentum": 0.9, "alpha": 0.9}),
    ("RMSprop", {"lr": 0.02, "centered": True, "weight_decay": 0.1, "eps": 1e-4}),
    ("Adagrad", {"lr": 0.3}),
    ("Adagrad", {"lr": 0.3, "lr_decay": 0.05, "weight_decay": 0.1, "initial_accumulator_value": 0.2}),
]


def bowl(w: Any, a: Any) -> Any:
    """A convex loss that is not quadratic, in either framework: rounding does not grow on the way."""
    return ((w - 1.0) ** 2 * a + w**4 * 0.05).sum()


class Race:
    """The same parameters and losses, here and in PyTorch."""

    def __init__(self, rng: np.random.Generator) -> None:
        import torch

        self.torch = torch
        self.a = [rng.uniform(0.5, 3.0, s) for s in ((3, 4), (5,), ())]
        starts = [rng.normal(0.0, 2.0, a.shape) for a in self.a]
        self.ours = [nn.Parameter(s) for s in starts]
        self.theirs = [torch.tensor(s, requires_grad=True) for s in starts]

    def step(self, ours: Any, theirs: Any) -> None:
        for optimizer, parameters, make in (
            (ours, self.ours, np.asarray),
            (theirs, self.theirs, self.torch.tensor),
        ):
            optimizer.zero_grad()
            loss = sum(bowl(w, make(a)) for w, a in zip(parameters, self.a, strict=True))
            (-loss if optimizer.param_groups[0]["maximize"] else loss).backward()
            optimizer.step()

    def check(self, what: Any) -> None:
        for w, v in zip(self.ours, self.theirs, strict=True):
            np.testing.assert_allclose(
                w.numpy(), v.detach().numpy(), rtol=1e-12, atol=1e-12, err_msg=str(what)
            )


@pytest.mark.torch
@pytest.mark.parametrize(("name", "options"), CASES, ids=[f"{n}{list(o.items())}" for n, o in CASES])
def test_a_hundred_steps_are_pytorchs(name: str, options: Any, rng: np.random.Generator) -> None:
    import torch

    race = Race(rng)
    ours = getattr(optim, name)(race.ours, **options)
    theirs = getattr(torch.optim, name)(race.theirs, **options)
    before = race.ours[0].numpy().copy()
    for step in range(100):
        race.step(ours, theirs)
        race.check(step)
    assert np.abs(race.ours[0].numpy() - before).max() > 0.1
    own, peer = ours.state_dict(), theirs.state_dict()
    assert own["param_groups"][0]["params"] == peer["param_groups"][0]["params"]
    assert own["state"].keys() == peer["state"].keys()
    for number, state in peer["state"].items():
        for key, value in state.items():
            if value is not None:
                np.testing.assert_allclose(
                    np.asarray(own["state"][number][key]),
                    value.numpy(),
                    rtol=1e-12,
                    atol=1e-12,
                    err_msg=key,
                )


@pytest.mark.torch
@pytest.mark.parametrize(("name", "options"), CASES, ids=[f"{n}{list(o.items())}" for n, o in CASES])
def test_a_run_goes_on_from_pytorchs_state(name: str, options: Any, rng: np.random.Generator) -> None:
    import torch

    race = Race(rng)
    ours = getattr(optim, name)(race.ours, **options)
    theirs = getattr(torch.optim, name)(race.theirs, **options)
    for _ in range(5):
        race.step(ours, theirs)
    fresh = getattr(optim, name)(race.ours)
    fresh.load_state_dict(theirs.state_dict())
    assert fresh.param_groups[0].keys() == ours.param_groups[0].keys()
    for step in range(5):
        race.step(fresh, theirs)
        race.check(step)


@pytest.mark.parametrize(("name", "options"), CASES, ids=[f"{n}{list(o.items())}" for n, o in CASES])
def test_resuming_gives_the_same_bits(name: str, options: Any, rng: np.random.Generator) -> None:
    target = rng.standard_normal((4, 3))

    def run(parameter: Any, optimizer: Any, steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            ((parameter - target) ** 4).sum().backward()
            optimizer.step()

    whole, half = nn.Parameter(np.zeros((4, 3))), nn.Parameter(np.zeros((4, 3)))
    run(whole, getattr(optim, name)([whole], **options), 10)
    first = getattr(optim, name)([half], **options)
    run(half, first, 5)
    state = copy.deepcopy(first.state_dict())
    value = half.numpy().copy()
    run(half, first, 3)  # the snapshot must not notice
    half.data = value
    second = getattr(optim, name)([half], **options)
    second.load_state_dict(state)
    run(half, second, 5)
    assert np.array_equal(whole.data, half.data)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_dtypes_stay(name: str) -> None:
    options: dict[str, Any] = {"lr": np.float64(0.1), "weight_decay": np.float64(0.1)}
    if name in ("SGD", "RMSprop"):
        options["momentum"] = np.float64(0.9)
    for dtype in ("float16", "float32", "float64"):
        w = nn.Parameter(np.ones((2, 3), dtype))
        scalar = nn.Parameter(np.ones((), dtype))
        optimizer = getattr(optim, name)([w, scalar], **options)
        for _ in range(3):
            optimizer.zero_grad()
            ((w * w).sum() + scalar * scalar).backward()
            optimizer.step()
        assert w.dtype == scalar.dtype == dtype
        assert isinstance(scalar.data, np.ndarray)
        assert np.isfinite(w.data).all()


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_values_are_rebound_and_gradients_left_alone(name: str) -> None:
    w = nn.Parameter([1.0, 2.0])
    held = w.numpy()
    loss = (w * w).sum()
    loss.backward(retain_graph=True)
    grad = w.grad
    kept = grad.numpy().copy()
    optimizer = getattr(optim, name)([w], lr=0.1)
    optimizer.step()
    optimizer.step()
    assert held.tolist() == [1.0, 2.0]
    assert np.array_equal(grad.data, kept)
    w.grad = None
    loss.backward()  # the graph of before the steps
    assert w.grad.tolist() == [2.0, 4.0]


# Groups, closures, text --------------------------------------------------------------------------------


def test_groups_have_their_own_settings() -> None:
    slow, fast = nn.Parameter([1.0]), nn.Parameter([1.0])
    optimizer = optim.SGD([{"params": slow}, {"params": [fast], "lr": 0.5}], lr=0.1)
    (slow + fast).sum().backward()
    optimizer.step()
    assert (slow.item(), fast.item()) == (0.9, 0.5)
    late = nn.Parameter([1.0])
    optimizer.add_param_group({"params": [late], "lr": 1.0})
    (late * 1.0).sum().backward()
    optimizer.zero_grad()
    assert late.grad is None
    (late * 1.0).sum().backward()
    optimizer.step()
    assert (slow.item(), late.item()) == (0.9, 0.0)


def test_parameters_without_gradient_stay() -> None:
    w, frozen = nn.Parameter([1.0]), nn.Parameter([1.0], requires_grad=False)
    optimizer = optim.Adam([w, frozen])
    (w * frozen).sum().backward()
    optimizer.step()
    assert frozen.item() == 1.0
    assert w.item() != 1.0
    optimizer.zero_grad(set_to_none=False)
    assert w.grad.tolist() == [0.0]


def test_a_closure_is_recorded_even_under_no_grad() -> None:
    w = nn.Parameter([3.0])
    optimizer = optim.SGD([w], lr=0.1)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    with mg.no_grad():
        assert optimizer.step(closure).item() == 9.0
    assert w.item() == pytest.approx(2.4)


def test_plain_leaves_are_optimized_too() -> None:
    w = mg.tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.25)
    (w * w).sum().backward()
    optimizer.step()
    assert w.tolist() == [0.5]


def test_repr_lists_the_settings() -> None:
    assert repr(optim.Adagrad([nn.Parameter([1.0])], lr=0.5)).splitlines()[:3] == [
        "Adagrad (", "  group 0: 1 parameters", "    lr: 0.5",
    ]  # fmt: skip


W = nn.Parameter([1.0])


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: optim.SGD([]), r"SGD: there are no parameters\. A generator that was used before is empty"),
        (lambda: optim.SGD(W), r"SGD: params must be an iterable of tensors, not Parameter\. Pass \[w, b\]"),
        (lambda: optim.SGD(nn.Linear(1, 1)), r"not Linear\. Pass model\.parameters\(\)"),
        (lambda: optim.SGD([W, W]), r"SGD: a tensor float64\[1\].* was given twice"),
        (lambda: optim.SGD([1.0]), r"SGD: a parameter is a tensor, not float 1\.0"),
        (lambda: optim.SGD([W * 2.0]), r"SGD: can only optimize floating leaves, and this is .*made by `mul`"),
        (lambda: optim.SGD([mg.tensor([1])]), r"can only optimize floating leaves"),
        (lambda: optim.SGD([{"lr": 1.0}]), r"a parameter group is a dict with the key 'params'"),
        (lambda: optim.SGD([{"params": [W], "beta": 1.0}]), r"no settings \['beta'\]; it has \['dampening', 'lr'"),
        (lambda: optim.SGD([W], lr=-0.1), r"SGD: lr must be zero or positive, not -0\.1"),
        (lambda: optim.SGD([W], lr=float("nan")), r"SGD: lr must be zero or positive, not nan"),
        (lambda: optim.SGD([W], nesterov=True), r"SGD: nesterov must be False, or come with momentum > 0"),
        (lambda: optim.Adam([W], betas=(0.9, 1.0)), r"Adam: betas must be two numbers from 0 up to, not including, 1"),
        (lambda: optim.RMSprop([W], alpha=-1.0), r"RMSprop: alpha must be zero or positive"),
        (lambda: optim.Adagrad([W], lr_decay=-1.0), r"Adagrad: lr_decay must be zero or positive"),
        (lambda: optim.Adam([W]).load_state_dict({"state": {}}), r"Adam\.load_state_dict: needs a dict with the keys 'state' and 'param_groups'"),
        (lambda: optim.Adam([W]).load_state_dict(optim.Adam([nn.Parameter([1.0]), nn.Parameter([2.0])]).state_dict()), r"the saved groups hold \[2\] parameters, but the optimizer's hold \[1\]"),
        (lambda: optim.Adam([W]).load_state_dict({"state": {3: {}}, "param_groups": [{"params": [0]}]}), r"state for parameter 3, but no such parameter"),
        (lambda: optim.Adam([W]).load_state_dict({"state": {}, "param_groups": [{"params": [0], "lr": -1.0}]}), r"lr must be zero or positive, not -1\.0"),
    ],
)  # fmt: skip
def test_wrong_input(act: Any, message: str) -> None:
    with pytest.raises(mg.ArgumentError, match=message):
        act()


def test_a_state_of_another_shape_is_refused_whole() -> None:
    optimizer = optim.Adam([nn.Parameter([1.0, 2.0])], lr=0.5)
    state = {
        "state": {0: {"step": 1, "exp_avg": np.zeros(3)}},
        "param_groups": [{"params": [0], "lr": 9.0}],
    }
    with pytest.raises(
        mg.ShapeError, match=r"exp_avg has shape \[3\], but it belongs to a tensor float64\[2\]"
    ):
        optimizer.load_state_dict(state)
    assert optimizer.param_groups[0]["lr"] == 0.5
    assert not optimizer.state


def test_a_rule_must_keep_the_shape() -> None:
    class Wrong(optim.Optimizer):
        def update(self, value: Any, gradient: Any, state: Any, group: Any) -> Any:
            return value.sum()

    w = nn.Parameter([1.0, 2.0])
    (w * w).sum().backward()
    with pytest.raises(mg.ShapeError, match=r"Wrong\.update gave .* for a tensor float64\[2\]"):
        Wrong([w], {}).step()
