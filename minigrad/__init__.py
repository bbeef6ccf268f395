"""minigrad: see how gradients flow.

A small tensor and graph engine with reverse- and forward-mode autodiff on NumPy.

>>> import minigrad as mg
>>> x = mg.tensor([1.0, 2.0, 3.0], requires_grad=True, name="x")
>>> loss = (x**2).mean()
>>> loss.backward()
>>> x.grad
tensor([0.66666667, 1.33333333, 2.        ])
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from . import batchnorm, fft
from . import calculus as _calculus  # these four fill the table of functions
from . import functional as _functional
from . import ops as _ops
from . import statistics as _statistics
from .context import enable_grad, is_grad_enabled, no_grad, scope
from .custom import custom_vjp, primitive
from .debug import debug_nans
from .errors import (
    ArgumentError,
    DtypeError,
    GradientCheckError,
    GradientError,
    GraphError,
    ImmutableError,
    LinAlgError,
    MinigradError,
    MissingExtraError,
    MissingProgramError,
    NonFiniteError,
    ShapeError,
    UnsupportedError,
)
from .graph import Graph, paths, trace
from .memory import keep_freed_memory as _keep_freed_memory
from .ops import linalg
from .recompute import checkpoint
from .record import record
from .render import render
from .seeding import manual_seed
from .syntax import complete as _complete
from .tensor import FUNCTIONS as _FUNCTIONS
from .tensor import Tensor, as_tensor, tensor
from .transforms import grad, hessian, hvp, jacobian, jvp, tree_map, value_and_grad, vjp

__version__ = "0.1.0"

globals().update({k: v for k, v in _FUNCTIONS.items() if k != "getitem" and not k.startswith("at_")})
_complete(Tensor)


_keep_freed_memory()

# Packages that `import minigrad` does not wait for, and what they give to its face.
_ON_DEMAND = ("check", "data", "lab", "nn", "optim", "training")
_FROM = {
    "check_against": "check", "check_pair": "check", "checked": "check",
    "cross_entropy": "nn.functional", "fit": "training", "gradcheck": "check", "load": "training",
    "save": "training",
}  # fmt: skip
# Arrays to begin with, which people look for here.
_BY_NUMPY = {name: f"np.{name}" for name in ("zeros", "ones", "full", "eye", "arange", "linspace")}
_BY_NUMPY |= {
    "randn": "np.random.default_rng().standard_normal",
    "rand": "np.random.default_rng().random",
}


if _TYPE_CHECKING:  # what editors see
    from . import check, data, lab, nn, optim, training
    from .check import check_against, check_pair, checked, gradcheck
    from .nn.functional import cross_entropy
    from .training import fit, load, save


def __getattr__(name: str) -> _Any:  # to type checkers: the functions in the table, too
    from importlib import import_module

    if name in _ON_DEMAND:
        return import_module(f".{name}", __name__)
    if name in _FROM:  # by their short names; the next time they are there
        found = globals()[name] = getattr(import_module(f".{_FROM[name]}", __name__), name)
        return found
    hint = f" Write mg.tensor({_BY_NUMPY[name]}(...))." if name in _BY_NUMPY else ""
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}.{hint}")


def __dir__() -> list[str]:  # completion knows them, too
    return sorted({*globals(), *_ON_DEMAND, *_FROM})
