"""Folding: what is hidden, what stays, and that no edge loses its ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.render import picture
from minigrad.render.fold import collapse, fold, group_repeats


def chain(n, step=lambda y: y * 1.001 + 0.1):
    y = mg.tensor(1.0, requires_grad=True, name="x")
    for _ in range(n):
        y = step(y)
    return picture(mg.Graph.of(y))


def titles(drawn):
    return [(n.title, n.copies) for n in drawn.nodes]


@pytest.fixture(scope="module")
def network():
    layers = []
    for _ in range(6):
        layers += [mg.nn.Linear(4, 4), mg.nn.BatchNorm1d(4), mg.nn.ReLU()]
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("f4")
    return picture(mg.trace(mg.nn.Sequential(*layers, mg.nn.Linear(4, 2)), x))


def test_equal_layers_fold_to_one_box(network):
    folded = fold(network, "all")
    assert titles(folded) == [
        ("x", 1) if folded.nodes[0].title == "x" else (folded.nodes[0].title, 1),
        ("Linear, BatchNorm1d, ReLU", 6), ("18: Linear", 1), ("output", 1),
    ]  # fmt: skip
    assert len(folded.edges) == 3


def test_a_long_chain_folds_to_one_box():
    folded = fold(chain(10_000))
    assert titles(folded) == [("x", 1), ("mul, add", 10_000), ("output", 1)]
    assert folded.nodes[1].detail == "2 operations each"


def test_sixty_doublings_fold_to_one_box():
    assert titles(fold(chain(60, lambda y: y + y), "all")) == [("x", 1), ("add", 60), ("output", 1)]


def test_a_small_picture_stays_as_it_is(rng):
    drawn = picture(mg.trace(mg.batchnorm.composed, rng.normal(size=(4, 3))))
    assert fold(drawn) is drawn
    assert fold(chain(1_000), "none").scopes == ()


def test_blocks_that_differ_do_not_fold():
    y = x = mg.tensor(1.0, requires_grad=True, name="x")
    for i in range(90):
        y = y * x + float(i)  # another number each time
    folded = fold(picture(mg.Graph.of(y)))
    assert all(n.copies == 1 for n in folded.nodes)


def test_blocks_wired_differently_do_not_fold():
    y = x = mg.tensor(np.ones(3), requires_grad=True, name="x")
    made = [x]
    for i in range(12):
        y = y + made[i // 2]
        made.append(y)
    grouped = group_repeats(picture(mg.Graph.of(y)))
    assert max([s.copies for s in grouped.scopes], default=1) < 6


def test_a_value_shared_by_all_blocks_comes_from_outside():
    y = x = mg.tensor(np.ones(3), requires_grad=True, name="x")
    for _ in range(8):
        y = mg.sin(y) * x
    folded = fold(picture(mg.Graph.of(y)), "all")
    assert titles(folded) == [("x", 1), ("sin, mul", 8), ("output", 1)]
    assert {(e.source, e.target) for e in folded.edges} == {("v0", "s0"), ("s0", "o0")}


def test_a_scope_that_holds_nothing_but_copies_counts_them():
    def f(x):
        for _ in range(5):
            with mg.scope("block"):
                x = mg.tanh(x) * 0.5
        return x

    folded = fold(picture(mg.trace(f, np.ones(3))), "all")
    assert titles(folded) == [("x", 1), ("block", 5), ("output", 1)]


def test_boxes_fold_by_name_and_by_depth(network):
    by_name = fold(network, ["1: BatchNorm1d"])
    assert [n.title for n in by_name.nodes if n.kind == "fold"] == ["1: BatchNorm1d"]
    inner = fold(network, 1)  # the box around the six equal blocks does not count
    assert {n.title for n in inner.nodes if n.kind == "fold"} == {"batchnorm"}
    assert fold(network, 0) == fold(network, "all")


def test_parameters_go_into_the_box_that_alone_uses_them(network):
    folded = fold(network, ["0: Linear"])
    kept = {n.title for n in folded.nodes if n.kind == "parameter"}
    assert "0.weight" not in kept
    assert "3.weight" in kept


def test_a_derivative_folds_with_its_twin(rng):
    f = mg.grad(lambda x: (mg.batchnorm.composed(x) ** 3).sum())
    drawn = picture(mg.trace(f, rng.normal(size=(4, 3))))
    boxes = {s.label: s.id for s in drawn.scopes if s.label == "batchnorm" and s.order == 1}
    forward = next(s.id for s in drawn.scopes if s.label == "batchnorm" and s.order == 0)
    folded = collapse(drawn, [forward, *boxes.values()])
    back = next(n for n in folded.nodes if n.kind == "fold" and n.order == 1)
    assert back.twin == forward


def test_twenty_thousand_operations_without_repeats():
    rng = np.random.default_rng(0)
    made = [mg.tensor(1.0, requires_grad=True)]
    ops = [mg.add, mg.mul, mg.sub]
    for _ in range(20_000):
        made.append(ops[rng.integers(3)](made[-1 - rng.integers(min(len(made), 60))], made[-1]))
    drawn = picture(mg.Graph.of(made[-1]))
    assert len(fold(drawn).nodes) <= len(drawn.nodes)


def test_routes_stay_on_folded_edges(rng):
    drawn = picture(mg.trace(mg.batchnorm.composed, rng.normal(size=(4, 3))), ["mean", "variance"])
    into = [e for e in fold(drawn, "all").edges if e.target.startswith("s")]
    assert [e.routes for e in into if e.routes] == [(0, 1, 2, 3)]
    wide = picture(mg.trace(lambda x: mg.batchnorm.composed(x * 2.0) * 2.0, rng.normal(size=(4, 3))),
                   ["mean", "variance"])  # fmt: skip
    into = [e for e in fold(wide, "all").edges if e.target.startswith("s")]
    assert [e.routes for e in into] == [(0, 1, 2, 3)]


@st.composite
def programs(draw):
    return draw(
        st.lists(
            st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(0, 9), st.sampled_from("ab "),
                      st.sampled_from("cd ")),
            min_size=1, max_size=25,
        )
    )  # fmt: skip


def build(program):
    made = [mg.tensor(1.0, requires_grad=True, name="x"), mg.tensor(2.0, requires_grad=True, name="y")]
    for op, i, j, outer, inner in program:
        a, b = made[-1 - i % len(made)], made[-1 - j % len(made)]
        with mg.scope(outer), mg.scope(inner):
            made.append([mg.add, mg.mul, mg.sub][op](a, b))
    return picture(mg.Graph.of(*[t for t in made if t.node.primitive][-3:]))


@given(programs(), st.data())
def test_every_edge_keeps_its_ends(program, data):
    """Each edge of the whole is, after folding, between what its ends are seen as."""
    drawn = group_repeats(build(program))
    around = drawn.around
    ids = [s.id for s in drawn.scopes]
    shut = set(data.draw(st.lists(st.sampled_from(ids), unique=True))) if ids else set()
    folded = collapse(drawn, shut)
    seen = {}
    for node in drawn.nodes:
        seen[node.id] = next((s for s in around[node.scope] if s in shut), node.id)
    assert {n.id for n in folded.nodes} == set(seen.values())
    expected = {(seen[e.source], seen[e.target]) for e in drawn.edges if seen[e.source] != seen[e.target]
                or seen[e.source] not in shut}  # fmt: skip
    assert {(e.source, e.target) for e in folded.edges} == expected
    assert {n.scope for n in folded.nodes} <= {"", *[s.id for s in folded.scopes]}
    assert {s.parent for s in folded.scopes} <= {"", *[s.id for s in folded.scopes]}
    assert all(s.id not in shut for s in folded.scopes)


@given(programs())
def test_grouping_moves_nothing_but_into_boxes(program):
    drawn = build(program)
    grouped = group_repeats(drawn)
    assert [n.id for n in grouped.nodes] == [n.id for n in drawn.nodes]
    assert grouped.edges == drawn.edges
    seen = set()
    for scope in grouped.scopes:
        assert scope.parent == "" or scope.parent in seen
        seen.add(scope.id)


def test_wrong_folds_say_what_there_is(network):
    with pytest.raises(mg.ArgumentError, match=r"no box is called 'Conv'; there are 0: Linear"):
        fold(network, ["Conv"])
    with pytest.raises(mg.ArgumentError, match=r'fold is "auto", "all", "none", .* not 1\.5'):
        fold(network, 1.5)
    with pytest.raises(mg.ArgumentError, match=r'fold is "auto"'):
        fold(network, "some")
