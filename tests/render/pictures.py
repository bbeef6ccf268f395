"""Pictures to lay out: of autodiff's usual graphs, and random ones with boxes in boxes."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np

import minigrad as mg
from minigrad.render import Picture, picture
from minigrad.render.model import Edge, Node, Scope


def node(i: int, kind: str = "op", title: str = "op", **more) -> Node:
    return Node(f"e{i}", kind, more.pop("order", 0), title, more.pop("detail", f"v{i}"), False,
                more.pop("scope", ""), title, **more)  # fmt: skip


def nested(seed: int) -> Picture:
    """A random graph with boxes in boxes, that need not be connected or hold what belongs together,
    several orders of differentiation, several edges between the same nodes, and sometimes cycles."""
    draw = random.Random(seed)
    orders = draw.choice([1, 1, 1, 2, 3])
    scopes: list[Scope] = []
    for i in range(draw.randrange(8)):
        parent = draw.choice([None, *scopes])
        order = parent.order if parent else draw.randrange(orders)
        label = draw.choice(["a", "a longer label of a box", "übung × 漢字"])
        scopes.append(Scope(f"s{i}", label, parent.id if parent else "", order, ""))
    nodes: list[Node] = []
    for i in range(draw.randrange(1, 60)):
        scope = draw.choice([None, *scopes])
        order = scope.order if scope else draw.randrange(orders)
        # Neighbours in order of creation mostly stand in the same box, as in real graphs.
        if nodes and draw.random() < 0.6:
            scope = next((s for s in scopes if s.id == nodes[-1].scope), None)
            order = nodes[-1].order
        kind = draw.choice(["op", "op", "op", "input", "parameter", "constant", "output", "fold"])
        title = "x" * draw.randrange(1, 50)
        twin = draw.choice(nodes).id if nodes and draw.random() < 0.5 else ""
        nodes.append(node(i, kind, title, scope=scope.id if scope else "", order=order, twin=twin))
    edges = []
    backwards = draw.random() < 0.2  # as after folding boxes that were entered twice
    for i in range(1, len(nodes)):
        for slot in range(draw.choice([0, 1, 1, 2, 3])):
            near = i - 1 - min(int(draw.expovariate(0.3)), i - 1)
            source = draw.choice([near, near, draw.randrange(i)])
            ends = (nodes[source].id, nodes[i].id)
            if backwards and draw.random() < 0.1:
                ends = ends[::-1]
            routes = tuple(sorted(draw.sample(range(4), draw.choice([0, 0, 0, 1, 3]))))
            edges.append(Edge(*ends, slot, "(4, 3)", draw.choice(["", "−"]), routes))
    against = (False, True, False)[:orders]
    return Picture(
        f"random {seed}", "", tuple(nodes), tuple(edges), tuple(scopes),
        tuple(f"way {i}" for i in range(4)), ("forward", "backward", "second derivative")[:orders],
        against, draw.random() < 0.5,
    )  # fmt: skip


# Graphs as they come from differentiating -------------------------------------------------------


def _data(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape)


def _attention(x, wq, wk, wv):
    with mg.scope("attention"):
        q, k, v = x @ wq, x @ wk, x @ wv
        with mg.scope("softmax"):
            e = mg.exp((s := q @ k.T / 1.7) - mg.max(s, axis=-1, keepdims=True))
            weights = e / mg.sum(e, axis=-1, keepdims=True)
        return weights @ v


def _residual(x, w1, w2):
    for i in range(3):
        with mg.scope(f"block{i}"):
            x = x + mg.maximum(x @ w1, 0.0) @ w2
    return x


def _layers():
    nn, f32 = mg.nn, np.float32
    net = nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2)
    )
    return mg.trace(net, _data(5, 4).astype(f32))


def _dense(x):
    seen = [x]
    for _ in range(8):
        seen.append(mg.sin(sum(seen[1:], seen[0])))
    return seen[-1]


def _batchnorm(x, gamma, beta):
    return (mg.batchnorm.composed(x, gamma, beta) ** 3).sum()


def _recurrent(x, h, w, u):
    for _ in range(5):
        h = mg.tanh(x @ w + h @ u)
    return h.sum()


_BN = (_data(4, 3), np.ones(3), np.zeros(3))
_SQUARE = (_data(3, 3),) * 3

USUAL: dict[str, Callable[[], Picture]] = {
    "chain": lambda: picture(mg.trace(lambda x: mg.exp(mg.sin(x) * 2.0) + 1.0, 3.0)),
    "diamond": lambda: picture(mg.trace(lambda x: mg.sin(x) * mg.cos(x) + mg.exp(x), 3.0)),
    "batch norm": lambda: picture(mg.trace(mg.batchnorm.composed, *_BN), ["mean", "variance"]),
    "batch norm's gradient": lambda: picture(mg.trace(mg.grad(_batchnorm, (0, 1, 2)), *_BN)),
    "network": lambda: picture(_layers()),
    "attention": lambda: picture(mg.trace(_attention, _data(4, 3), *_SQUARE)),
    "attention's gradient": lambda: picture(
        mg.trace(mg.grad(lambda *a: _attention(*a).sum(), (0, 1, 2, 3)), _data(4, 3), *_SQUARE)
    ),
    "residual": lambda: picture(mg.trace(_residual, _data(4, 3), *_SQUARE[:2])),
    "residual's gradient": lambda: picture(
        mg.trace(mg.grad(lambda *a: _residual(*a).sum(), (0, 1, 2)), _data(4, 3), *_SQUARE[:2])
    ),
    "dense": lambda: picture(mg.trace(_dense, 1.0)),
    "dense's gradient": lambda: picture(mg.trace(mg.grad(_dense), 1.0)),
    "recurrent's gradient": lambda: picture(
        mg.trace(mg.grad(_recurrent, (1, 2, 3)), *(_data(3, 3),) * 4)
    ),
    "second derivative": lambda: picture(
        mg.trace(mg.grad(lambda x: mg.grad(lambda y: mg.sin(y) * y)(x)), 1.0)
    ),
}  # fmt: skip
