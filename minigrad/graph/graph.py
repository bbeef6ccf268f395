"""Graph: an immutable program of primitives that prints, checks itself and replays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..errors import ArgumentError
from ..tensor import Tensor
from .check import check
from .interface import Interface
from .ir import Equation, Location, Scalar, Value
from .replay import find_last_uses, replay
from .routes import Route, routes
from .text import label_values, to_text


@dataclass(frozen=True, eq=False, repr=False)
class Graph:
    """What a function did, as a program: inputs, equations, outputs.

    Make one with :func:`minigrad.trace`, or from tensors with :meth:`Graph.of`.  It is
    immutable.  ``print(g)`` reads like mathematics with shapes, ``g.check()`` verifies it,
    ``g(*args)`` replays it on other inputs, ``mg.render(g, "g.svg")`` draws it.

    Attributes
    ----------
    name : str
        The function's.
    values : tuple of Value
        Every array, by number.
    equations : tuple of Equation
        In the order in which they ran.
    inputs, outputs : tuple of int
        Numbers of values.
    interface : Interface
        How a call's arguments map onto the inputs.
    rebuild : callable
        Puts the outputs into the containers that the function returned.
    looked : tuple of (str, int)
        Where the function took values out of the graph (``float(x)``, ``if x > 0``): what it
        did with them is fixed.

    Examples
    --------
    >>> import minigrad as mg, numpy as np
    >>> g = mg.trace(lambda x: ((x - x.mean(axis=0)) ** 2).sum(), np.ones((4, 3)))
    >>> print(g)
    <lambda>(x: f64[4,3])
      v1: f64[3]   = mean(x: f64[4,3], axis=0)
      v2: f64[4,3] = broadcast(v1: f64[3])
      v3: f64[4,3] = sub(x: f64[4,3], v2: f64[4,3])
      v4: f64[4,3] = pow(v3: f64[4,3], 2)
      v5: f64[]    = sum(v4: f64[4,3])
      return v5: f64[]
    >>> g(np.array([[1.0, 2.0, 3.0]] * 4))
    array(0.)
    """

    name: str
    values: tuple[Value, ...]
    equations: tuple[Equation, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    interface: Interface
    rebuild: Callable[[Sequence[Any]], Any]
    output_names: tuple[str, ...] = ()
    looked: tuple[Location, ...] = ()

    @classmethod
    def of(cls, *tensors: Tensor, name: str = "graph") -> Graph:
        """The graph that tracked tensors remember, after the fact.

        Its inputs are the leaves that require a gradient.  Arrays that nobody tracked are
        constants; where no derivative rule kept them, only shape and dtype are known.

        Parameters
        ----------
        *tensors : Tensor
            The outputs, for instance a loss, or with it gradients made by
            ``backward(create_graph=True)``.
        name : str
            For the heading.

        Returns
        -------
        Graph

        Raises
        ------
        GradientError
            If a tensor is not tracked.

        Examples
        --------
        >>> import minigrad as mg
        >>> x = mg.tensor([1.0, 2.0], requires_grad=True, name="x")
        >>> print(mg.Graph.of((x * x).sum()))
        graph(x: f64[2])
          v1: f64[2] = mul(x: f64[2], x: f64[2])
          v2: f64[]  = sum(v1: f64[2])
          return v2: f64[]
        """
        from .harvest import graph_of

        return graph_of(tensors, name)

    # Looking at it ---------------------------------------------------------------

    def __str__(self) -> str:
        return to_text(self)

    def __repr__(self) -> str:
        inputs = ", ".join(self.labels[i] for i in self.inputs)
        return f"<Graph {self.name}({inputs}): {len(self.equations)} equations>"

    def __getitem__(self, label: str) -> Value:
        """A value by its label (see :attr:`labels`)."""
        found = self._by_label.get(label)
        if found is None:
            known = ", ".join(list(self._by_label)[:12])
            raise ArgumentError(f"{self.name} has no value {label!r}. There are {known}, ...")
        return self.values[found]

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Per value a unique name, as printed: the user's, ``d_`` for a cotangent, ``v7``."""
        return label_values(self.values)

    @cached_property
    def _by_label(self) -> dict[str, int]:
        return {label: i for i, label in enumerate(self.labels)}

    @cached_property
    def makers(self) -> dict[int, int]:
        """Per result the index of the equation that makes it."""
        return {o: e.index for e in self.equations for o in e.outputs if o is not None}

    def edges(self) -> Iterator[tuple[Equation, int, int]]:
        """Every use of a value: (equation, slot, number of the value)."""
        for equation in self.equations:
            for slot, ref in enumerate(equation.inputs):
                if not isinstance(ref, Scalar):
                    yield equation, slot, ref

    @cached_property
    def live(self) -> frozenset[int]:
        """Indices of the equations that the outputs depend on.

        The others are there to be seen: the forward steps that a backward pass belongs to.
        """
        wanted = set(self.outputs)
        found = set()
        for equation in reversed(self.equations):
            if not wanted.isdisjoint(equation.outputs):
                found.add(equation.index)
                wanted.update(r for r in equation.inputs if not isinstance(r, Scalar))
        return frozenset(found)

    @cached_property
    def last_uses(self) -> dict[int, list[int]]:
        """Per live equation the results that a replay can forget after it."""
        return find_last_uses(self)

    @cached_property
    def reverse(self) -> tuple[bool, ...]:
        """Per order of differentiation whether it runs backwards, against the order below it.

        True for a pullback, False for a pushforward and for the function itself.
        """
        balance = [-1] + [0] * max((e.order for e in self.equations), default=0)
        for equation, _, ref in self.edges():
            maker = self.equations[self.makers[ref]] if ref in self.makers else equation
            twin, other = equation.vjp_of, maker.vjp_of
            if equation.order == maker.order and twin is not None and other is not None:
                balance[equation.order] += (other > twin) - (other < twin)
        for equation in self.equations:
            if equation.order:
                made = [self.values[o] for o in equation.outputs if o is not None]
                balance[equation.order] += sum(bool(v.cotangent_of) - bool(v.tangent_of) for v in made)
        return tuple([score >= 0 for score in balance])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """For notebooks: picture and text.  Never raises."""
        from ..render.notebook import representations  # pictures know graphs, not the other way round

        return representations(self)

    def _repr_svg_(self) -> str | None:
        return self._repr_mimebundle_().get("image/svg+xml")

    # Using it ----------------------------------------------------------------------

    def check(self) -> Graph:
        """Verify the graph, and return it.

        Every reference must be defined before it is used, every number and label be unique,
        and every shape and dtype be what the primitive gives for its inputs.

        Returns
        -------
        Graph
            The graph itself.

        Raises
        ------
        GraphError
            Naming the equation and what is wrong with it.

        Examples
        --------
        >>> import minigrad as mg
        >>> mg.trace(lambda x: x * 2.0, 3.0).check()
        <Graph <lambda>(x): 1 equations>
        """
        check(self)
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Replay on other inputs of the same shapes and dtypes.

        Arguments are those of the traced function; what is part of the graph (an axis, an
        epsilon) may be left out.  Arrays in, arrays out; with a tensor among the inputs (or a
        parameter in the graph) tensors come out, and the replay records like the function
        itself: it can be differentiated and traced.

        Raises
        ------
        ShapeError, DtypeError, ArgumentError
            If an input is not as it was traced.
        GraphError
            If the graph holds a constant whose value nobody kept.

        Examples
        --------
        >>> import minigrad as mg
        >>> g = mg.trace(lambda x: x**3, 2.0)
        >>> g(5.0), mg.grad(g)(5.0)
        (array(125.), tensor(75.))
        """
        return replay(self, self.interface.read(args, kwargs))

    def routes(
        self, wrt: str | None = None, via: Iterable[str] = (), output: str | None = None
    ) -> dict[tuple[str, ...], Route]:
        """The ways a gradient takes from an output to an input, told apart by what they cross.

        Parameters
        ----------
        wrt : str, optional
            Label of the input; by default the first one with a floating dtype.
        via : iterable of str
            Names or labels of the values to tell routes apart by.
        output : str, optional
            Label of the value to start from; by default the first output.

        Returns
        -------
        dict
            From a tuple of the names crossed, in order from the output to the input (``()`` for
            the direct route), to the edges on such a way: pairs (equation index, slot).

        Raises
        ------
        ArgumentError
            For a name that is not in the graph, or if no gradient flows.

        Examples
        --------
        >>> import minigrad as mg, numpy as np
        >>> g = mg.trace(mg.batchnorm.composed, np.eye(3))
        >>> list(g.routes("x", via=("mean", "variance")))
        [(), ('mean',), ('variance',), ('variance', 'mean')]
        """
        return routes(self, wrt, tuple(via), output)
