"""Paths: the gradient itself, split by which tensors it passed through on its way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..autodiff import by_serial, collect, enter, pullback, seed
from ..errors import ArgumentError, GradientError
from ..tensor import Array, Node, Tensor, describe
from .routes import LIMIT, Tags
from .text import printable


@dataclass(frozen=True)
class Energy:
    """How much of the arriving gradient survives, where the parts are perpendicular.

    Shares are squared lengths over that of the direct part.  If the whole is perpendicular to what
    the other parts take away, as in batch norm, Pythagoras' theorem makes them add up to one.

    Attributes
    ----------
    direct : float
        Length of the part that passed through none of the tensors.
    survives : float
        Share of the whole gradient.
    removed : dict
        Per other part its share.
    cancels : bool
        Whether the parts cancel one another, so that nothing but rounding is left of the whole.
    """

    direct: float
    survives: float
    removed: Mapping[Tags, float]
    cancels: bool

    @property
    def gap(self) -> float:
        """What is missing from one; near zero only if the parts are perpendicular."""
        return 1.0 - self.survives - sum(self.removed.values())

    def __str__(self) -> str:
        if self.cancels:
            kept = "cancels exactly: nothing but rounding survives"
        else:
            kept = f"{self.survives:.1%} survives"
        taken = [f"{share:.1%} removed via {' then '.join(t)}" for t, share in self.removed.items()]
        gap = f" (the parts are not perpendicular: {self.gap:+.1%})" if abs(self.gap) > 0.005 else ""
        return ", ".join([kept, *taken]) + gap


@dataclass(frozen=True, eq=False)
class Paths:
    """A gradient, split by the tensors that it passed through.

    Attributes
    ----------
    parts : dict
        From a tuple of the names crossed, in order from the output to the input (``()`` for the
        direct path), to an array of the input's shape.
    """

    parts: Mapping[Tags, Array]

    @cached_property
    def total(self) -> Array:
        """The sum of the parts: the gradient."""
        return np.asarray(sum(self.parts.values()))

    @cached_property
    def norms(self) -> dict[Tags, float]:
        """The Euclidean length of every part."""
        return {tags: _length(part) for tags, part in self.parts.items()}

    def energy(self) -> Energy:
        """How much of the direct part survives, and what the other parts remove.

        Raises
        ------
        GradientError
            If there is no direct path, or nothing arrives along it.

        Examples
        --------
        >>> import minigrad as mg, numpy as np
        >>> x = mg.tensor(np.array([[1.0, 2.0], [3.0, 5.0], [0.0, 1.0]]), requires_grad=True, name="x")
        >>> y = mg.batchnorm.composed(x)
        >>> print(mg.paths(y.sum(), x, via=["mean", "variance"]).energy())
        cancels exactly: nothing but rounding survives, 100.0% removed via mean, 0.0% removed via ...
        """
        direct = self.norms.get((), 0.0)
        if not direct:
            raise GradientError(
                "Paths.energy(): shares are of the direct path's squared length, and nothing arrives "
                f"along a direct path. There are {', '.join(map(str, self.parts))}."
            )
        whole = _length(self.total)
        rounding = float(np.finfo(self.total.dtype).eps) * (8.0 + self.total.size**0.5)
        return Energy(
            direct, (whole / direct) ** 2,
            {tags: (norm / direct) ** 2 for tags, norm in self.norms.items() if tags},
            whole <= rounding * max(self.norms.values()),
        )  # fmt: skip

    def __repr__(self) -> str:
        names = [printable(" then ".join(tags)) or "direct" for tags in self.norms]
        rows = [f"  {name}: {n:.6g}" for name, n in zip(names, self.norms.values())]
        return "\n".join(["Paths, lengths of the parts:", *rows, f"  all: {_length(self.total):.6g}"])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """For notebooks: the lengths as bars, and as text.  Never raises."""
        from ..render.notebook import representations  # pictures know paths, not the other way round

        return representations(self)


def paths(
    output: Tensor,
    wrt: Tensor | str,
    via: Iterable[Tensor | str] = (),
    gradient: Any = None,
) -> Paths:
    """Split a gradient by which tensors it passed through.

    A cotangent that arrives at one of the tensors in `via` is carried on by itself, so every part
    is exact and the parts add up to the gradient.  What lies between two of them is walked once
    per way of getting there.

    Parameters
    ----------
    output : Tensor
        Where the gradient comes from.
    wrt : Tensor or str
        What it is the gradient of: a tensor that `output` was made from, or its name.
    via : iterable of (Tensor or str)
        What tells the paths apart.  A name stands for every tensor that has it.
    gradient : array_like, optional
        The cotangent of `output`; needed if that is not a scalar.

    Returns
    -------
    Paths

    Raises
    ------
    GradientError
        If nothing is tracked, or no gradient flows from `output` to `wrt`.
    ArgumentError
        If a name is not found, stands for `output` or `wrt`, or there are more than 64 paths.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0, 6.0], requires_grad=True, name="x")
    >>> mean = x.mean()
    >>> mean.name = "mean"
    >>> found = mg.paths(((x - mean) ** 3).sum(), x, via=[mean])
    >>> found.parts[()], found.parts["mean",]
    (array([12.,  3., 27.]), array([-14., -14., -14.]))
    >>> found.total
    array([ -2., -11.,  13.])
    """
    if not isinstance(output, Tensor) or not output.requires_grad:
        raise GradientError(
            f"paths: nothing is tracked, this is {describe(output)}. Make the inputs with "
            "mg.tensor(..., requires_grad=True)."
        )
    start: Any = output._node
    nodes, _ = collect([start])
    target = _one(wrt, nodes)
    tags = _tags(via, nodes, {start: "the output", target: "wrt"})
    ends = {target, *tags}
    parts: dict[Tags, Any] = {}
    arriving: dict[Node, dict[Tags, Any]] = {}  # per tensor in `via` what came along each path

    def walk(nodes: list[Node], node: Node, crossed: Tags, cotangent: Any) -> None:
        for end, found in pullback(nodes, {node: cotangent}, ends - {node}).items():
            buckets = parts if end is target else arriving.setdefault(end, {})
            buckets[crossed] = buckets[crossed] + found if crossed in buckets else found
            if len(buckets) > LIMIT:
                raise ArgumentError(
                    f"paths: there are more than {LIMIT} paths that cross {', '.join(tags.values())}. "
                    "Give tensors instead of names that many tensors have, or fewer of them."
                )

    walk(nodes, start, (), enter(seed(output, gradient, "paths"), lift=False))
    for node in sorted(tags, key=by_serial, reverse=True):  # nothing arrives at a later one
        below, _ = collect([node])
        for crossed, cotangent in sorted(arriving.pop(node, {}).items()):
            walk(below, node, (*crossed, tags[node]), cotangent)
    if not parts:
        raise GradientError(f"paths: no gradient flows from {describe(output)} to {target!r}.")
    order = list(dict.fromkeys(tags.values()))
    found = sorted(parts, key=lambda t: (len(t), [order.index(tag) for tag in t]))
    return Paths({t: np.array(parts[t]) for t in found})


def _length(array: Array) -> float:
    return float(np.linalg.norm(array.ravel()))


def _one(wrt: Tensor | str, nodes: list[Node]) -> Node:
    """The node that the gradient is taken with respect to."""
    if isinstance(wrt, str):
        found = [n for n in nodes if n.name == wrt]
        if len(found) == 1:
            return found[0]
        raise ArgumentError(
            f"paths: wrt={wrt!r} names {len(found)} of the tensors that the output was made from, not "
            f"of one. {_known(nodes)}"
        )
    node = wrt._node if isinstance(wrt, Tensor) else None
    if node is None or node not in set(nodes):
        raise GradientError(f"paths: no gradient flows to wrt, {describe(wrt)}.")
    return node


def _tags(via: Iterable[Tensor | str], nodes: list[Node], ends: dict[Node, str]) -> dict[Node, str]:
    """Per node that tells paths apart its name."""
    if isinstance(via, str | Tensor):
        raise ArgumentError(f"paths: via is a list, [{via!r}], not a single {type(via).__name__}.")
    tags: dict[Node, str] = {}
    reached = set(nodes)
    for i, item in enumerate(via):
        if isinstance(item, str):
            found = [n for n in nodes if n.name == item]
            if not found:
                raise ArgumentError(
                    f"paths: no tensor that the output was made from is named {item!r}. {_known(nodes)}"
                )
            tags.update(dict.fromkeys(found, item))
            continue
        node = item._node if isinstance(item, Tensor) else None
        if node is None or node not in reached:
            raise ArgumentError(
                f"paths: via[{i}], {describe(item)}, is not among what the output was made from."
            )
        tags[node] = node.name or f"via[{i}]"
    for node, what in ends.items():
        if node in tags:
            raise ArgumentError(
                f"paths: {tags[node]!r} in via is {what} itself; every path crosses it."
            )
    return tags


def _known(nodes: list[Node]) -> str:
    names = sorted({n.name for n in nodes if n.name})
    return f'Named are {", ".join(names) or "none"}. Name a tensor with t.name = "mean".'
