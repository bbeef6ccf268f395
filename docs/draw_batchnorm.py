"""Draw the picture of the README: batch norm, and the ways that its gradient takes.

Run it from anywhere: ``python docs/draw_batchnorm.py``.  It needs Graphviz' program ``dot``.
"""

from pathlib import Path

import numpy as np

import minigrad as mg

graph = mg.trace(mg.batchnorm.composed, np.ones((8, 3)), np.ones(3), np.zeros(3))
title = "batch norm, and the ways of its gradient"
print(
    mg.render(graph, Path(__file__).with_name("batchnorm.svg"), paths=["mean", "variance"], title=title)
)
