"""Hand-written pairs: both styles, all ways to return gradients, and manners."""

from __future__ import annotations

import re

import numpy as np
import pytest

import minigrad as mg


@pytest.fixture
def x(rng):
    return rng.normal(size=(5, 3))


def kinds(report, severity="error"):
    return {i.kind for i in report.issues if i.severity == severity}


def affine(x, w, b):
    return x @ w + b


def affine_backward(x, w, b, dy):
    return dy @ w.T, x.T @ dy, dy.sum(0)


@pytest.fixture
def layer(rng):
    return rng.normal(size=(5, 3)), rng.normal(size=(3, 2)), rng.normal(size=2)


def cached(x, w, b):
    return x @ w + b, (x, w)


def cached_backward(dy, cache):
    x, w = cache
    return dy @ w.T, x.T @ dy, dy.sum(0)


def test_both_styles(layer):
    assert mg.check_pair(affine, affine_backward, layer)
    assert mg.check_pair(cached, cached_backward, layer)
    assert mg.check_pair(cached, cached_backward, layer, style="cache")


def test_one_input_in_both_styles(x):
    assert mg.check_pair(lambda x: x**2, lambda x, dy: 2 * x * dy, x)
    assert mg.check_pair(lambda x: (x**2, x), lambda dy, x: 2 * x * dy, x)


def test_gradients_in_a_tuple_a_list_or_a_dict(layer):
    def as_dict(dy, cache):
        return dict(zip(("dx", "dw", "db"), cached_backward(dy, cache), strict=True))

    assert mg.check_pair(cached, lambda dy, cache: list(cached_backward(dy, cache)), layer)
    report = mg.check_pair(cached, as_dict, layer)
    assert report
    assert set(report.inputs) == {"x", "w", "b"}


def test_a_dict_of_inputs_gives_names(layer):
    report = mg.check_pair(affine, affine_backward, dict(zip("abc", layer, strict=True)))
    assert set(report.inputs) == {"a", "b", "c"}


def test_what_is_not_numerical_is_passed_on(rng):
    """A dict of settings, as course assignments have it; forward may write into it."""

    def forward(x, gamma, settings, axis):
        assert settings["mode"] == "train"
        settings["calls"] = settings.get("calls", 0) + 1
        return gamma * x.sum(axis=axis, keepdims=True), (x, gamma, axis)

    def backward(dy, cache):
        x, gamma, axis = cache
        return gamma * dy + 0 * x, (dy * x.sum(axis=axis, keepdims=True)).sum()

    settings = {"mode": "train"}
    report = mg.check_pair(forward, backward, (rng.normal(size=(4, 3)), 2.0, settings, 1))
    assert report, report.text()
    assert set(report.inputs) == {"x", "gamma"}
    assert settings == {"mode": "train"}


def test_wrt_leaves_the_others_alone(layer):
    def backward(x, w, b, dy):
        return dy @ w.T, 7 * w, 7 * b

    assert mg.check_pair(affine, backward, layer).verdict == "FAIL"
    assert mg.check_pair(affine, backward, layer, wrt="x")
    assert mg.check_pair(affine, lambda x, w, b, dy: dy @ w.T, layer, wrt=0)


def test_integer_inputs_have_no_gradient(rng):
    labels = np.array([0, 2, 1])

    def backward(x, labels, dy):
        dx = np.zeros_like(x)
        dx[np.arange(3), labels] = dy
        return dx

    assert mg.check_pair(
        lambda x, labels: x[np.arange(3), labels], backward, (rng.normal(size=(3, 4)), labels)
    )


def test_several_outputs(x):
    report = mg.check_pair(
        lambda x: (x**2, np.sin(x)),
        lambda x, dys: 2 * x * dys[0] + np.cos(x) * dys[1],
        x,
        style="inputs",
    )
    assert report, report.text()


# Manners ------------------------------------------------------------------------------------------


def test_aliasing_is_a_warning_and_no_failure(x):
    report = mg.check_pair(lambda x: x + 1, lambda x, dy: dy, x)
    assert report
    assert kinds(report, "warning") == {"aliasing"}
    assert "the cotangent dy" in report.text()


def test_a_wider_gradient_is_a_warning_and_a_narrower_one_an_error(x):
    narrow = x.astype(np.float32)
    report = mg.check_pair(lambda x: x**2, lambda x, dy: (2 * x * dy).astype(float), narrow)
    assert kinds(report, "warning") == {"dtype"}
    assert report
    report = mg.check_pair(lambda x: x**2, lambda x, dy: (2 * x * dy).astype(np.float32), x)
    assert "dtype" in kinds(report)
    assert not report


def test_a_second_call_must_give_the_same(x):
    def backward(dy, cache):
        cache["total"] = cache.get("total", 0) + 2 * cache["x"] * dy
        return cache["total"]

    report = mg.check_pair(lambda x: (x**2, {"x": x}), backward, x)
    assert "second call" in kinds(report)


def test_lost_contributions_of_a_shared_input(rng):
    def backward(x, y, dy):
        gradients = {id(x): dy * y}
        gradients[id(y)] = dy * x  # an assignment where a sum belongs
        return gradients[id(x)].copy(), gradients[id(y)].copy()

    inputs = rng.normal(size=4), rng.normal(size=4)
    report = mg.check_pair(lambda x, y: x * y, lambda x, y, dy: (dy * y, dy * x), inputs)
    assert report, report.text()

    def counted(x, y, dy):
        return (dy * y + dy * x, dy * y + dy * x) if x is y else (dy * y, dy * x)

    assert "shared input" in kinds(mg.check_pair(lambda x, y: x * y, counted, inputs))


def test_a_forgotten_sum_is_explained(layer):
    def backward(x, w, b, dy):
        return dy @ w.T, x.T @ dy, dy

    report = mg.check_pair(affine, backward, layer)
    assert "sum its gradient over axis=0" in report.text()


def test_layouts_matter_to_some(x):
    def backward(x, dy):
        flat = np.ravel(x, order="K")  # the order in memory: another one for a Fortran array
        return 2 * flat.reshape(x.shape) * dy

    report = mg.check_pair(lambda x: x**2, backward, x)
    assert "layout" in kinds(report)
    assert "Fortran" in report.text()


def test_clipping_far_out_is_found(x):
    report = mg.check_pair(lambda x: x**2, lambda x, dy: np.clip(2 * x * dy, -1e3, 1e3), x)
    assert "nonlinearity" in kinds(report)


def test_dropout_needs_its_seed(x):
    noise = np.random.default_rng(0)

    def forward(x, rng):
        mask = rng.random(x.shape) < 0.5
        return x * mask, mask

    # A Generator among the inputs starts anew for every call, so the mask is always the same.
    assert mg.check_pair(forward, lambda dy, mask: dy * mask, (x, np.random.default_rng(0)))
    report = mg.check_pair(lambda x: forward(x, noise), lambda dy, mask: dy * mask, x)
    assert "nondeterminism" in kinds(report)


# Usage ---------------------------------------------------------------------------------------------


def test_wrong_usage_teaches(x, layer):
    with pytest.raises(mg.ArgumentError, match=r"returned 2 gradients for the inputs x, w, b.*wrt="):
        mg.check_pair(affine, lambda x, w, b, dy: (x, w), layer)
    with pytest.raises(
        mg.ArgumentError, match=r"takes 3 arguments. It should take either the 3 inputs"
    ):
        mg.check_pair(affine, lambda a, b, c: a, layer)
    with pytest.raises(mg.ArgumentError, match='style is "auto", "cache" or "inputs"'):
        mg.check_pair(affine, affine_backward, layer, style="both")
    with pytest.raises(mg.ArgumentError, match=r"returned ndarray, and in the cache style"):
        mg.check_pair(affine, affine_backward, layer, style="cache")
    with pytest.raises(mg.ArgumentError, match="backward is int, not a function"):
        mg.check_pair(affine, 3, layer)
    with pytest.raises(mg.ArgumentError, match="forward returned str, not an array"):
        mg.check_pair(lambda x: "y", lambda x, dy: dy, x)
    with pytest.raises(mg.ArgumentError, match="'x' holds NaN or infinity"):
        mg.check_pair(lambda x: x, lambda x, dy: dy, np.array([np.nan, 1.0]))
    with pytest.raises(mg.ArgumentError, match="real numbers, and an input is complex"):
        mg.check_pair(lambda x: x, lambda x, dy: dy, np.array([1j]))
    with pytest.raises(mg.ArgumentError, match="gradient for 'z'; the inputs are x"):
        mg.check_pair(lambda x: x**2, lambda x, dy: {"z": dy}, x)
    with pytest.raises(mg.ArgumentError, match="2 names were given for 1 inputs"):
        mg.check_pair(lambda x: x, lambda x, dy: dy, (x,), names=["a", "b"])


def test_outside_of_the_domain_is_inconclusive():
    with np.errstate(all="ignore"):
        report = mg.check_pair(np.log, lambda x, dy: dy / x, np.array([-1.0, 2.0]))
    assert report.verdict == "INCONCLUSIVE"
    assert "NaN or infinite at the given point" in report.text()


def test_too_coarse_is_inconclusive_and_says_so(x):
    report = mg.check_pair(lambda x: x**2, lambda x, dy: 2 * x * dy, x, require_resolution=1e-16)
    assert report.verdict == "INCONCLUSIVE"
    assert "1e-16 is required" in report.text()
    assert not report
    lenient = mg.check_pair(
        lambda x: x**2, lambda x, dy: 2 * x * dy, x, require_resolution=1e-16, strict=False
    )
    assert lenient


def test_without_long_double_it_still_works(x):
    def forward(x):
        if x.dtype.itemsize > 8:
            raise TypeError("no such dtype here")
        return np.tanh(x)

    report = mg.check_pair(forward, lambda x, dy: (1 - np.tanh(x) ** 2) * dy, x)
    assert report
    assert "float64" in report.oracle
    assert report.resolution < 1e-8


@pytest.mark.parametrize(
    ("forward", "backward", "inputs", "note"),
    [
        (lambda x, w: (x @ w, (x, w)), lambda cache, dy: (dy @ cache[1].T, cache[0].T @ dy), ((3, 4), (4, 2)), "(dy, cache)"),
        (lambda x, w: x @ w, lambda dy, x, w: (dy @ w.T, x.T @ dy), ((3, 4), (4, 2)), "(x, w, dy)"),
        (lambda x: x**2, lambda x: 2 * x, ((3,),), "(x, dy)"),
    ],
)  # fmt: skip
def test_arguments_in_another_order_are_told_how_they_came(forward, backward, inputs, note):
    with pytest.raises((ValueError, TypeError)) as caught:
        mg.check_pair(forward, backward, tuple(map(np.ones, inputs)))
    assert caught.value.__notes__ == [f"The check called <lambda>{note}."]


def test_the_table_says_which_cotangent_an_entry_belongs_to():
    text = mg.check_pair(lambda x: x**2, lambda x, dy: 3 * x * dy, np.array([1.0, -2.0, 3.0])).text()
    assert re.search(r"d/dx +\(0\) +dy1 ", text)
    assert re.search(r"d/dx +\(0\) +dy2 ", text)
    assert "dy1, dy2: random gradients from above" in text
    text = mg.check_pair(lambda x: x**2, lambda x, dy: 3 * x * dy, np.ones(1), cotangents=1).text()
    assert "dy1" not in text
