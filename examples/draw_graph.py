"""Write down and draw what a function does, forward and backward.

Usage: python draw_graph.py [FILE.svg]
"""

import sys

import numpy as np

import minigrad as mg


def loss(x, w):
    with mg.scope("hidden"):
        h = mg.tanh(x @ w)
    return (h**2).mean()


x, w = np.ones((4, 3)), np.full((3, 2), 0.5)

graph = mg.trace(loss, x, w)
print(graph)

# A gradient is a function like any other: its graph shows the backward pass.
both = mg.trace(mg.value_and_grad(loss, argnums=1), x, w)
print()
print(both)

# A graph can be run again, on other numbers.
print(f"\nreplayed on zeros: {graph(np.zeros((4, 3)), w)}")

path = sys.argv[1] if len(sys.argv) > 1 else "loss.svg"
try:
    mg.render(both, path)
except mg.MissingProgramError as error:  # the drawing program is missing; the DOT text is written
    print(error)
    path = error.path
print(f"The picture is in {path}")
