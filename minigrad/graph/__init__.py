"""Graphs: harvested, immutable, printable, checkable, replayable.

Read :mod:`minigrad.graph.ir` for what a graph is made of, then
:mod:`minigrad.graph.graph` for what it can do; :mod:`minigrad.graph.harvest` makes it.

>>> import minigrad as mg
>>> g = mg.trace(lambda x, y: x * y + x, 2.0, 3.0)
>>> print(g)
<lambda>(x: f64[], y: f64[])
  v2: f64[] = mul(x: f64[], y: f64[])
  v3: f64[] = add(v2: f64[], x: f64[])
  return v3: f64[]
"""

from .graph import Graph
from .harvest import trace
from .ir import Equation, Scalar, Value
from .paths import Energy, Paths, paths

__all__ = ["Energy", "Equation", "Graph", "Paths", "Scalar", "Value", "paths", "trace"]
