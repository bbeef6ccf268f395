"""Write down and draw what a function does, forward and backward.

Usage: python draw_graph.py [FILE.svg]
"""

import argparse

import numpy as np

import minigrad as mg

parser = argparse.ArgumentParser(description="Write down and draw a function and its gradient.")
parser.add_argument("file", nargs="?", default="loss.svg", help="where to draw (default: loss.svg)")
path = parser.parse_args().file


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

try:
    mg.render(both, path)
except mg.MissingProgramError as error:  # the drawing program is missing; the DOT text is written
    print(error)
    path = error.path
except (mg.ArgumentError, OSError) as error:  # another suffix, no such folder
    parser.error(str(error))
print(f"The picture is in {path}")
