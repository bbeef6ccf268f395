"""The ladder: its value is right, and its own bound says how right."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.check.complexstep import complex_step
from minigrad.check.ladder import climb, noise

WIDE = np.dtype(np.longdouble)
UNIT = float(np.finfo(WIDE).eps) / 2

# name: function, derivative, point
SMOOTH = {
    "exp": (np.exp, np.exp, 0.7),
    "sin(100 x)": (lambda x: np.sin(100 * x), lambda x: 100 * np.cos(100 * x), 0.3),
    "root near zero": (np.sqrt, lambda x: 0.5 / np.sqrt(x), 1e-9),
    "log": (np.log, lambda x: 1 / x, 3.0),
    "cube at a large number": (lambda x: x**3, lambda x: 3 * x**2, 1e6),
    "cube at zero": (lambda x: x**3, lambda x: 0 * x, 0.0),
    "linear": (lambda x: 3 * x + 1, lambda x: 3 + 0 * x, 2.0),
    "steep": (lambda x: np.tanh(1e4 * (x - 1)), lambda x: 1e4 / np.cosh(1e4 * (x - 1)) ** 2, 1.00003),
    "1 - cos": (lambda x: 1 - np.cos(x), np.sin, 1e-3),
    "beyond a pole": (lambda x: 1 / (x - 1.0001), lambda x: -1 / (x - 1.0001) ** 2, 1.0),
}


def line_of(function, at, dtype=WIDE):
    at = dtype.type(at)
    return lambda t: np.array([function(at + dtype.type(t))], dtype)


def estimate(function, at, size=None, dtype=WIDE):
    unit = float(np.finfo(dtype).eps) / 2
    line = line_of(function, at, dtype)
    size = size or abs(at) or 1.0
    with np.errstate(all="ignore"):
        jitter = noise(line, line(0.0), size, unit)
        jitter = np.maximum(jitter, 4 * unit * np.abs(line(0.0)) + np.finfo(dtype).tiny)
        return climb([line], line(0.0), size, jitter, unit)[0]


@pytest.mark.parametrize("dtype", [WIDE, np.dtype(float)], ids=["long double", "float64"])
@pytest.mark.parametrize("name", SMOOTH)
def test_the_error_is_within_a_few_bounds_and_the_bound_is_small(name, dtype):
    function, derivative, at = SMOOTH[name]
    found = estimate(function, at, dtype=dtype)
    right = derivative(np.longdouble(dtype.type(at)))
    error = abs(np.longdouble(found.value[0]) - right)
    assert error <= 10 * found.error[0] + 4 * np.finfo(dtype).eps * abs(right)
    fine = 1e-12 if dtype == WIDE and np.finfo(WIDE).eps < 1e-18 else 1e-6
    assert found.error[0] <= fine * max(abs(right), 1.0)
    assert not found.kink[0]


@pytest.mark.parametrize("at", [0.0, 1e-18])
def test_a_kink_at_the_point_is_seen(at):
    found = estimate(np.abs, at, size=1.0)
    assert found.kink[0]
    assert found.jump[0] == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize("distance", [1e-3, 1e-7, 1e-9])
def test_a_kink_nearby_only_shortens_the_steps(distance):
    found = estimate(np.abs, distance, size=1.0)
    assert not found.kink[0]
    assert abs(found.value[0] - 1) <= 10 * found.error[0] < 1e-4
    assert found.steps[found.first[0]] <= distance


def test_levels_outside_of_the_domain_are_left_out():
    found = estimate(np.sqrt, 1e-6, size=1.0)
    assert abs(found.value[0] - 500.0) <= 10 * found.error[0] < 1e-6


def test_constant_functions_have_an_exact_derivative():
    found = estimate(lambda x: 0 * x + 2.5, 1.0)
    assert found.value[0] == 0
    assert not found.plateau[0]


def test_a_plateau_of_single_precision_is_seen():
    found = estimate(lambda x: 1 - np.cos(np.float32(x)), 1e-3, dtype=np.dtype(float))
    assert found.plateau[0]


def test_several_functions_have_their_own_windows():
    def line(t):
        t = np.longdouble(t)
        return np.array([np.exp(t), np.sin(1000 * t), abs(t), 3 * t])

    jitter = np.array([1e-18, 1e-18, 1e-18, 1e-18], WIDE)
    (found,) = climb([line], line(0.0), 1.0, jitter, UNIT)
    assert list(found.kink) == [False, False, True, False]
    smooth = [0, 1, 3]
    assert np.all(np.abs(found.value - [1, 1000, 0, 3])[smooth] <= 10 * found.error[smooth])
    assert found.first[1] > found.first[0]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: np.float32(np.sin(np.float32(x))), 2.0**-25),
        (lambda x: np.sin(x), 2.0**-54),
        (lambda x: np.sin(x) + 1e6 - 1e6, 1e6 * 2.0**-54),
    ],
)
def test_noise_finds_the_precision_that_is_really_there(function, expected):
    line = line_of(function, 0.7, np.dtype(float))
    measured = noise(line, line(0.0), 0.7, 2.0**-53)
    assert expected / 20 < measured[0] < expected * 20


def test_noise_does_not_mind_that_a_function_is_smooth_and_steep():
    line = line_of(lambda x: np.exp(30 * x), 0.7, np.dtype(float))
    assert noise(line, line(0.0), 0.7, 2.0**-53)[0] < 1e-12 * line(0.0)[0]


# The complex step ---------------------------------------------------------------------------------

x = np.array([[1.0, -2.0], [0.5, 3.0]])
u = np.array([[0.5, 1.0], [-1.0, 0.75]])


def step(function):
    return complex_step(lambda xs: [function(xs[0])], [x], 0, u, [function(x)], [1e-9])


@pytest.mark.parametrize(
    "function",
    [np.abs, lambda a: a * np.sign(a.real), lambda a: a.astype(float), lambda a: np.linalg.norm(a)],
)
def test_the_complex_step_says_nothing_where_the_imaginary_part_is_dropped(function):
    with np.errstate(all="ignore"):
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = step(function)
    if found is not None:  # a * sign(a.real) keeps it, and is right away from zero
        assert np.allclose(found[0][0], np.sign(x) * u)


def test_the_complex_step_is_right_to_rounding():
    tangents, bounds = step(lambda a: a**3 / (1 + a**2))
    right = (x**4 + 3 * x**2) / (1 + x**2) ** 2 * u
    assert np.all(np.abs(tangents[0] - right) <= 8 * bounds[0] + 1e-16)
