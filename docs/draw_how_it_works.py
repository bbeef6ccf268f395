"""Draw the picture of how-it-works.md: a small function, and its gradient beside it.

Run it from anywhere: ``python docs/draw_how_it_works.py``.
"""

from pathlib import Path

import numpy as np

import minigrad as mg


def f(x):
    return ((x - x.mean()) ** 2).sum()


graph = mg.trace(mg.grad(f), np.array([1.0, 2.0, 6.0]))
title = "f(x) = sum of squared deviations, and its gradient"
print(mg.render(graph, Path(__file__).with_name("how-it-works.svg"), title=title))
