"""No result shares memory with the user's cotangent: it may be written to afterwards."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg

# Functions whose pullback and pushforward hand on what they get, as it is or as a view of it.
SAME = {
    "identity": mg.identity,
    "add": lambda x: x + 1.0,
    "reshape": lambda x: x.reshape(-1),
    "transpose": mg.transpose,
    "views": lambda x: (x.T + 1.0).reshape(3, 2).T,
    "indexing": lambda x: x[:, 1:],
    "twice": lambda x: x + x.reshape(2, 3),
}


def run(function, mode):
    """A derivative and the array that was handed in, for x of shape (2, 3)."""
    x = np.arange(6.0).reshape(2, 3)
    if mode == "jvp":
        given = np.ones((2, 3))
        return mg.jvp(function, (x,), (given,))[1], given
    given = np.ones(function(mg.tensor(x)).shape)
    if mode == "vjp":
        return mg.vjp(function, x)[1](given)[0], given
    leaf = mg.tensor(x, requires_grad=True)
    function(leaf).backward(given, create_graph=mode == "create_graph")
    return leaf.grad, given


@pytest.mark.parametrize("mode", ["backward", "create_graph", "vjp", "jvp"])
@pytest.mark.parametrize("name", SAME)
def test_a_result_does_not_change_with_the_cotangent(name, mode):
    found, given = run(SAME[name], mode)
    before = found.numpy().copy()
    given += 1.0
    np.testing.assert_array_equal(found.numpy(), before)
    assert not np.may_share_memory(found.numpy(), given)


@pytest.mark.parametrize("name", SAME)
def test_a_backward_pass_does_not_write_into_the_cotangent(name):
    _, given = run(SAME[name], "backward")
    assert (given == 1.0).all()
