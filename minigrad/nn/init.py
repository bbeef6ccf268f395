"""First values for parameters, by PyTorch's names.

Each function rebinds the value of a leaf and returns it.  The numbers are drawn in
float64 and then rounded, so a float32 and a float64 model begin alike.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..seeding import resolve_generator
from ..tensor import Array, Shape, Tensor, describe

Generator = np.random.Generator | None
_GAINS = {
    "linear": 1.0, "conv1d": 1.0, "conv2d": 1.0, "conv3d": 1.0, "conv_transpose1d": 1.0,
    "conv_transpose2d": 1.0, "conv_transpose3d": 1.0, "sigmoid": 1.0, "tanh": 5.0 / 3,
    "relu": math.sqrt(2.0), "selu": 3.0 / 4,
}  # fmt: skip


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor that keeps the size of activations through a nonlinearity.

    Parameters
    ----------
    nonlinearity : str
        "linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu", "conv1d", ...
    param : float, optional
        The negative slope of "leaky_relu", by default 0.01.

    Raises
    ------
    ArgumentError
        For another name.

    Examples
    --------
    >>> round(calculate_gain("leaky_relu", 1.0), 6)
    1.0
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        return math.sqrt(2.0 / (1.0 + slope**2))
    if nonlinearity not in _GAINS:
        known = ", ".join(sorted([*_GAINS, "leaky_relu"]))
        raise ArgumentError(f"calculate_gain: no gain is known for {nonlinearity!r}, but for {known}.")
    return _GAINS[nonlinearity]


def fans(who: str, tensor: Tensor) -> tuple[int, int]:
    """How many inputs reach an output, and how many outputs an input reaches.

    Examples
    --------
    >>> import minigrad as mg
    >>> fans("example", mg.nn.Parameter(np.zeros((10, 64))))
    (64, 10)
    """
    if tensor.ndim < 2:
        raise ShapeError(
            f"{who}: {describe(tensor)} has no fan-in and fan-out; it needs two dimensions or more "
            "(out_features, in_features, ...). Use init.uniform_ or init.normal_ for vectors."
        )
    window = math.prod(tensor.shape[2:])
    return tensor.shape[1] * window, tensor.shape[0] * window


def _fill(tensor: Tensor, value: Any) -> Tensor:
    tensor.data = np.broadcast_to(value, tensor.shape)
    return tensor


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator = None) -> Tensor:
    """Uniform between a and b.

    Examples
    --------
    >>> import minigrad as mg
    >>> w = mg.nn.init.uniform_(mg.nn.Parameter(np.zeros(100)), -1.0, 1.0)
    >>> bool((abs(w.data) <= 1.0).all())
    True
    """
    if not a <= b:
        raise ArgumentError(f"uniform_: the lower end comes first, and a={a}, b={b}.")
    return _fill(tensor, resolve_generator("uniform_", generator).uniform(a, b, tensor.shape))


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator = None) -> Tensor:
    """Normal with a mean and a standard deviation.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.init.normal_(mg.nn.Parameter(np.zeros((2, 3))), std=0.01).shape
    (2, 3)
    """
    if not std >= 0:
        raise ArgumentError(f"normal_: std must be zero or positive, not {std}.")
    return _fill(tensor, resolve_generator("normal_", generator).normal(mean, std, tensor.shape))


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator = None,
) -> Tensor:
    """Normal, but only values between a and b; others are drawn again.

    Examples
    --------
    >>> import minigrad as mg
    >>> w = mg.nn.init.trunc_normal_(mg.nn.Parameter(np.zeros(1000)), a=-1.0, b=1.0)
    >>> bool((abs(w.data) <= 1.0).all())
    True
    """
    if not (a < b and std > 0) or a > mean + 4 * std or b < mean - 4 * std:
        raise ArgumentError(
            f"trunc_normal_: the interval a={a}, b={b} must lie within four deviations of the mean "
            f"{mean} (std={std})."
        )
    rng = resolve_generator("trunc_normal_", generator)
    values = rng.normal(mean, std, tensor.shape)
    while (outside := (values < a) | (values > b)).any():
        values[outside] = rng.normal(mean, std, int(outside.sum()))
    return _fill(tensor, values)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """The same number everywhere.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.init.constant_(mg.nn.Parameter(np.zeros(2)), 3.0).tolist()
    [3.0, 3.0]
    """
    return _fill(tensor, val)


def ones_(tensor: Tensor) -> Tensor:
    """Ones.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.init.ones_(mg.nn.Parameter(np.zeros(2))).tolist()
    [1.0, 1.0]
    """
    return _fill(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Zeros.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.init.zeros_(mg.nn.Parameter(np.ones(2))).tolist()
    [0.0, 0.0]
    """
    return _fill(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.init.eye_(mg.nn.Parameter(np.zeros((2, 2)))).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    if tensor.ndim != 2:
        raise ShapeError(f"eye_: needs a matrix, not {describe(tensor)}.")
    return _fill(tensor, np.eye(*tensor.shape))


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator = None) -> Tensor:
    """Glorot and Bengio's uniform: variance ``2 gain² / (fan_in + fan_out)``.

    Examples
    --------
    >>> import minigrad as mg
    >>> w = mg.nn.init.xavier_uniform_(mg.nn.Parameter(np.zeros((3, 3))))
    >>> bool((abs(w.data) <= 1.0).all())
    True
    """
    bound = math.sqrt(3.0) * _xavier_deviation("xavier_uniform_", tensor, gain)
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator = None) -> Tensor:
    """Glorot and Bengio's normal: variance ``2 gain² / (fan_in + fan_out)``.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.init.xavier_normal_(mg.nn.Parameter(np.zeros((2, 3)))).shape
    (2, 3)
    """
    return normal_(tensor, 0.0, _xavier_deviation("xavier_normal_", tensor, gain), generator)


def _xavier_deviation(who: str, tensor: Tensor, gain: float) -> float:
    return gain * math.sqrt(2.0 / max(1, sum(fans(who, tensor))))


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0.0,
    mode: Literal["fan_in", "fan_out"] = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator = None,
) -> Tensor:
    """He's uniform: deviation ``gain / sqrt(fan)``.

    Parameters
    ----------
    tensor : Tensor
        A leaf with two dimensions or more.
    a : float
        Negative slope of a leaky ReLU.
    mode : {"fan_in", "fan_out"}
        Keep the size of activations, or of gradients.
    nonlinearity : str
        As in :func:`calculate_gain`.
    generator : numpy.random.Generator, optional

    Examples
    --------
    >>> import minigrad as mg
    >>> w = mg.nn.init.kaiming_uniform_(mg.nn.Parameter(np.zeros((5, 6))), nonlinearity="relu")
    >>> bool((abs(w.data) <= 1.0).all())
    True
    """
    deviation = _kaiming_deviation("kaiming_uniform_", tensor, a, mode, nonlinearity)
    bound = math.sqrt(3.0) * deviation
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0.0,
    mode: Literal["fan_in", "fan_out"] = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator = None,
) -> Tensor:
    """He's normal: deviation ``gain / sqrt(fan)``.

    Parameters
    ----------
    tensor : Tensor
        A leaf with two dimensions or more.
    a : float
        Negative slope of a leaky ReLU.
    mode : {"fan_in", "fan_out"}
        Keep the size of activations, or of gradients.
    nonlinearity : str
        As in :func:`calculate_gain`.
    generator : numpy.random.Generator, optional

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.init.kaiming_normal_(mg.nn.Parameter(np.zeros((5, 6)))).shape
    (5, 6)
    """
    deviation = _kaiming_deviation("kaiming_normal_", tensor, a, mode, nonlinearity)
    return normal_(tensor, 0.0, deviation, generator)


def _kaiming_deviation(who: str, tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ArgumentError(f'{who}: mode is "fan_in" or "fan_out", not {mode!r}.')
    fan_in, fan_out = fans(who, tensor)
    fan = fan_in if mode == "fan_in" else fan_out
    return calculate_gain(nonlinearity, a) / math.sqrt(max(1, fan))


def orthogonal_(tensor: Tensor, gain: float = 1.0, generator: Generator = None) -> Tensor:
    """Orthonormal rows, or columns, whichever are fewer; further axes are flattened.

    Examples
    --------
    >>> import minigrad as mg
    >>> w = mg.nn.init.orthogonal_(mg.nn.Parameter(np.zeros((2, 3)))).data
    >>> bool(np.allclose(w @ w.T, np.eye(2)))
    True
    """
    if tensor.ndim < 2:
        raise ShapeError(f"orthogonal_: needs two dimensions or more, not {describe(tensor)}.")
    if not tensor.size:
        return tensor
    shape: Shape = (tensor.shape[0], tensor.size // tensor.shape[0])
    normal = resolve_generator("orthogonal_", generator).normal(size=shape)
    q: Array
    q, r = np.linalg.qr(normal if shape[0] >= shape[1] else normal.T)
    q = q * np.sign(np.diag(r))  # makes the distribution uniform (Mezzadri 2007)
    return _fill(tensor, gain * (q if shape[0] >= shape[1] else q.T).reshape(tensor.shape))
