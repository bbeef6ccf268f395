"""A network of n layers is a stack of networks: drawn, and its parts' graphs are the whole's tails."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn

from ..experiment import Bench, Outcome, experiment
from ..figures import BLUE, GREY, ORANGE, PINK
from ..measure import verdict
from ..training import digits, network

LAYERS = 3  # as in the lesson
COLOURS = {"Linear": BLUE, "BatchNorm1d": ORANGE, "ReLU": PINK}


def stack(seed: int, layers: int = LAYERS) -> tuple[list[Any], list[Any]]:
    """The network and its sub-networks, and what enters each.

    Returns
    -------
    networks : list of Sequential
        The whole, without its first layer, without its first two, and so on.
    inputs : list of Tensor
        Digits, then the detached outputs of the layers that are left out.

    Examples
    --------
    >>> networks, inputs = stack(0)
    >>> [len(n) for n in networks], [x.shape for x in inputs]
    ([7, 4, 1], [(60, 64), (60, 16), (60, 16)])
    """
    images = digits()[0][0]
    chosen = np.random.default_rng(seed).choice(len(images), 60, replace=False)
    networks, inputs = [], [mg.tensor(images[chosen])]
    with mg.no_grad():
        for cut in range(layers):
            # Made anew from the seed: a layer keeps the name it has in the last network it is put into.
            every = list(network([64, *[16] * (layers - 1), 10], seed, nn.BatchNorm1d))
            networks.append(nn.Sequential(*every[3 * cut :]))
            if cut:
                x = inputs[-1]
                for layer in every[3 * (cut - 1) : 3 * cut]:
                    x = layer(x)
                inputs.append(x.detach())
    return networks, inputs


def signature(graph: Any) -> list[Any]:
    """What every equation does, to which shapes, without names: two graphs compare by this."""
    result = []
    for e in graph.equations:
        shapes = [graph.values[i].shape if isinstance(i, int) else i.value for i in e.inputs]
        result.append((e.op, shapes, sorted((k, str(v)) for k, v in e.params.items())))
    return result


def boxes(graph: Any, model: Any) -> list[tuple[str, int]]:
    """The layers of a graph in order, each with its number of equations."""
    counts: dict[str, int] = {}
    for e in graph.equations:
        counts[e.scope[0]] = counts.get(e.scope[0], 0) + 1
    names = [type(layer).__name__ for layer in model]
    return list(zip(names, counts.values(), strict=True))


def draw(figure: Any, data: dict[str, Any]) -> None:
    """Each network as a row of boxes, in line with the whole."""
    from matplotlib.patches import FancyBboxPatch

    axes = figure.subplots()
    width = len(data["boxes"][0])
    for row, found in enumerate(data["boxes"]):
        start = width - len(found)
        y = -1.5 * row
        for i, (name, count) in enumerate(found):
            x = start + i
            shape = FancyBboxPatch(
                (x + 0.1, y), 0.8, 0.9, boxstyle="round,pad=0.02", color=COLOURS.get(name, GREY)
            )
            axes.add_patch(shape)
            text = f"{name.replace('1d', '')}\n{count} {'op' if count == 1 else 'ops'}"
            axes.text(x + 0.5, y + 0.45, text, ha="center", va="center", color="white", fontsize=7.5)
            axes.annotate("", (x + 0.1, y + 0.45), (x - 0.1, y + 0.45), arrowprops={"arrowstyle": "->"})
        what = "the digits" if row == 0 else "the activations"
        layers = len(data["boxes"]) - row
        label = f"{layers} layer{'s' if layers > 1 else ''} on {what}"
        axes.text(start - 0.15, y + 0.45, label, ha="right", va="center", fontsize=8)
    axes.set(xlim=(-2.2, width), ylim=(-1.5 * len(data["boxes"]) + 1.2, 1.3))
    axes.axis("off")
    axes.set_title("one network, seen as a stack of smaller ones (from their graphs)")


@experiment(
    row="C4",
    claim="a series of neural networks feeding into each other",
    sources=["S3"],
    setup=f"The lesson's network of {LAYERS} layers, with batch norm, and deeper ones of up to 6. "
    "Every sub-network is traced on the detached activations below it; its graph must be the last "
    "part of the whole's, equation by equation, and its output the whole's, bit by bit.",
    expected="Every graph a tail of the whole's, every output the same.",
    draw=draw,
    seeds=3,
    quick_seeds=1,
)
def stacked_networks(bench: Bench) -> Outcome:
    """Trace the whole and the parts, and compare."""
    rows: list[list[str]] = []
    shown, wrong = [], 0
    for layers in range(2, 7):
        bench.report(layers - 2, 5, f"{layers} layers")
        tails = same = total = equations = 0
        for seed in bench.seeds:
            networks, inputs = stack(seed, layers)
            graphs = [mg.trace(n, x) for n, x in zip(networks, inputs, strict=True)]
            whole = signature(graphs[0])
            with mg.no_grad():
                outputs = [n(x).numpy() for n, x in zip(networks, inputs, strict=True)]
            for graph, output in zip(graphs[1:], outputs[1:], strict=True):
                found = signature(graph)
                total += 1
                equations += len(found)
                tails += found == whole[-len(found) :]
                same += bool(np.array_equal(output, outputs[0]))
            if layers == LAYERS:
                shown = [boxes(g, n) for g, n in zip(graphs, networks, strict=True)]
        wrong += 2 * total - tails - same
        rows.append(
            [str(layers), str(total), str(equations), f"{tails} of {total}", f"{same} of {total}"]
        )
    parts = sum(int(row[1]) for row in rows)
    return Outcome(
        verdict(wrong == 0),
        f"{parts} sub-networks of networks of 2 to 6 layers: "
        + (
            "every graph is the last part of the whole's, and every output has the same bits."
            if wrong == 0
            else f"{wrong} comparisons fail."
        ),
        ["layers", "sub-networks", "equations", "graph is a tail", "same output"],
        rows,
        {"boxes": shown},
    )
