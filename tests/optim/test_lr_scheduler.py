"""Schedulers beside PyTorch's, chained and resumed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.optim import lr_scheduler

ONE_CYCLE = {"max_lr": 0.8, "total_steps": 40}
CASES: list[tuple[str, dict[str, Any]]] = [
    ("StepLR", {"step_size": 7}),
    ("StepLR", {"step_size": 3, "gamma": 0.5}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.1, "end_factor": 0.6, "total_iters": 11}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 4}),
    ("CosineAnnealingLR", {"T_max": 9}),
    ("CosineAnnealingLR", {"T_max": 5, "eta_min": 0.01}),
    ("CosineAnnealingLR", {"T_max": 1}),
    ("LambdaLR", {"lr_lambda": lambda step: 0.95**step}),
    ("OneCycleLR", ONE_CYCLE),
    ("OneCycleLR", {"max_lr": 0.8, "epochs": 8, "steps_per_epoch": 5}),
    ("OneCycleLR", {**ONE_CYCLE, "three_phase": True, "anneal_strategy": "linear"}),
    ("OneCycleLR", {**ONE_CYCLE, "pct_start": 0.7, "div_factor": 4.0, "final_div_factor": 3.0}),
    ("OneCycleLR", {**ONE_CYCLE, "cycle_momentum": False}),
    ("OneCycleLR", {"max_lr": [0.8, 0.4], "total_steps": 40, "base_momentum": [0.5, 0.6]}),
]
STEPS = 38


def optimizer(name: str = "SGD") -> Any:
    options: dict[str, Any] = {"momentum": 0.9} if name == "SGD" else {}
    groups = [{"params": [nn.Parameter([1.0])]}, {"params": [nn.Parameter([2.0])], "lr": 0.05}]
    return getattr(optim, name)(groups, lr=0.2, **options)


def peer(name: str = "SGD") -> Any:
    import torch

    options: dict[str, Any] = {"momentum": 0.9} if name == "SGD" else {}
    groups = [{"params": [torch.ones(1)]}, {"params": [torch.ones(1)], "lr": 0.05}]
    return getattr(torch.optim, name)(groups, lr=0.2, **options)


def settings(found: Any) -> list[float]:
    """Rates and momenta of all groups."""
    return [
        value
        for group in found.param_groups
        for value in (group["lr"], *group.get("betas", ()), group.get("momentum", 0.0))
    ]


def same(ours: Any, theirs: Any, step: int) -> None:
    np.testing.assert_allclose(
        settings(ours), settings(theirs), rtol=1e-12, atol=1e-15, err_msg=str(step)
    )


@pytest.mark.torch
@pytest.mark.parametrize("rule", ["SGD", "Adam"])
@pytest.mark.parametrize(("name", "options"), CASES, ids=[f"{n}{list(o)}" for n, o in CASES])
def test_rates_and_momenta_are_pytorchs(name: str, options: Any, rule: str) -> None:
    import torch

    ours, theirs = optimizer(rule), peer(rule)
    left = getattr(lr_scheduler, name)(ours, **options)
    right = getattr(torch.optim.lr_scheduler, name)(theirs, **options)
    same(ours, theirs, 0)
    for step in range(1, STEPS):
        theirs.step()  # PyTorch warns otherwise
        left.step()
        right.step()
        same(ours, theirs, step)
        assert left.get_last_lr() == [group["lr"] for group in ours.param_groups]
        assert left.last_epoch == right.last_epoch


@pytest.mark.torch
@pytest.mark.parametrize("second", [("StepLR", {"step_size": 4}), ("CosineAnnealingLR", {"T_max": 20})])
def test_warming_up_and_then_decaying_is_pytorchs(second: Any) -> None:
    import torch

    ours, theirs = optimizer(), peer()
    name, options = second
    left = [
        lr_scheduler.LinearLR(ours, 0.1, total_iters=6),
        getattr(lr_scheduler, name)(ours, **options),
    ]
    module = torch.optim.lr_scheduler
    right = [module.LinearLR(theirs, 0.1, total_iters=6), getattr(module, name)(theirs, **options)]
    for step in range(STEPS):
        same(ours, theirs, step)
        theirs.step()
        for one in left + right:
            one.step()


@pytest.mark.parametrize(("name", "options"), CASES, ids=[f"{n}{list(o)}" for n, o in CASES])
def test_resuming_goes_on(name: str, options: Any) -> None:
    whole, half = optimizer(), optimizer()
    one, two = (getattr(lr_scheduler, name)(o, **options) for o in (whole, half))
    for _ in range(5):
        one.step()
        two.step()
    states = half.state_dict(), two.state_dict()
    resumed = optimizer()
    three = getattr(lr_scheduler, name)(resumed, **options)
    resumed.load_state_dict(states[0])
    three.load_state_dict(states[1])
    for _ in range(20):
        one.step()
        three.step()
        assert settings(whole) == settings(resumed)
    assert "optimizer" not in states[1]


def test_going_on_by_number() -> None:
    found = optimizer()
    first = lr_scheduler.StepLR(found, 3)
    for _ in range(4):
        first.step()
    second = lr_scheduler.StepLR(found, 3, last_epoch=first.last_epoch)
    assert second.last_epoch == 5
    assert second.base_lrs == [0.2, 0.05]


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: lr_scheduler.StepLR(nn.Linear(1, 1), 3), r"StepLR: needs an optimizer, not Linear"),
        (lambda: lr_scheduler.StepLR(optimizer(), 0), r"StepLR: step_size is a positive integer, not 0"),
        (lambda: lr_scheduler.StepLR(optimizer(), 3, last_epoch=4), r"goes on with a schedule, but the groups of the optimizer have no 'initial_lr'"),
        (lambda: lr_scheduler.LinearLR(optimizer(), 0.0), r"LinearLR: start_factor is above 0 and at most 1, not 0\.0"),
        (lambda: lr_scheduler.LinearLR(optimizer(), end_factor=2.0), r"LinearLR: end_factor is between 0 and 1, not 2\.0"),
        (lambda: lr_scheduler.LinearLR(optimizer(), total_iters=0), r"total_iters is a positive integer, not 0"),
        (lambda: lr_scheduler.CosineAnnealingLR(optimizer(), 0), r"T_max is a positive integer, not 0"),
        (lambda: lr_scheduler.LambdaLR(optimizer(), [lambda s: 1.0]), r"1 functions were given for 2 parameter groups"),
        (lambda: lr_scheduler.OneCycleLR(optimizer(), 1.0), r"give total_steps, or epochs and steps_per_epoch"),
        (lambda: lr_scheduler.OneCycleLR(optimizer(), 1.0, 10, pct_start=2.0), r"pct_start is between 0 and 1, not 2\.0"),
        (lambda: lr_scheduler.OneCycleLR(optimizer(), 1.0, 10, anneal_strategy="exp"), r'"cos" or "linear", not \'exp\''),
        (lambda: lr_scheduler.OneCycleLR(optimizer("Adagrad"), 1.0, 10), r"Adagrad has no momentum to cycle; pass cycle_momentum=False"),
        (lambda: lr_scheduler.OneCycleLR(optimizer(), [1.0], 10), r"1 values of max_lr were given for 2 parameter groups"),
    ],
)  # fmt: skip
def test_wrong_input(act: Any, message: str) -> None:
    with pytest.raises(mg.ArgumentError, match=message):
        act()


def test_one_cycle_ends() -> None:
    scheduler = lr_scheduler.OneCycleLR(optimizer(), 1.0, total_steps=3)
    for _ in range(3):
        scheduler.step()
    with pytest.raises(mg.ArgumentError, match=r"step 4, but the cycle has total_steps=3"):
        scheduler.step()
