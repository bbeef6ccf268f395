"""Functions of PyTorch and JAX as subjects.  Each library is imported only when it is used."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import DtypeError, missing_extra
from ..tensor import FLOATING
from .pair import PairSubject
from .subject import Arguments, Arrays, MinigradSubject, Subject, label


class Foreign:
    """A function of another library, marked as such by :func:`from_torch` or :func:`from_jax`."""

    def __init__(self, make: Callable[..., Subject], function: Callable[..., Any]) -> None:
        self._make, self.function = make, function

    def subject(self, inputs: Any, wrt: Any, names: Sequence[str] | None, who: str) -> Subject:
        """The function at given inputs."""
        return self._make(self.function, inputs, wrt, names, who)

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)


def from_torch(function: Callable[..., Any]) -> Foreign:
    """Mark a function of PyTorch tensors, for :func:`minigrad.gradcheck` and `check_against`.

    Parameters
    ----------
    function : callable
        From tensors to a tensor or a tuple of tensors.

    Returns
    -------
    Foreign

    Notes
    -----
    ``gradcheck(function, tensors)`` marks the function by itself where an input is a PyTorch
    tensor.  PyTorch has no long double, so the ladder runs in float64.

    Examples
    --------
    >>> import minigrad as mg, numpy as np
    >>> torch = __import__("pytest").importorskip("torch")
    >>> mg.gradcheck(mg.check.from_torch(torch.tanh), np.array([0.5])).verdict
    'PASS'
    """
    return Foreign(TorchSubject, function)


def from_jax(function: Callable[..., Any]) -> Foreign:
    """Mark a function of JAX arrays, for :func:`minigrad.gradcheck` and `check_against`.

    Parameters
    ----------
    function : callable
        From arrays to an array or a tuple of arrays.

    Returns
    -------
    Foreign

    Examples
    --------
    >>> import minigrad as mg, numpy as np
    >>> numpy = __import__("pytest").importorskip("jax.numpy")
    >>> mg.gradcheck(mg.check.from_jax(numpy.tanh), np.array([0.5])).verdict
    'PASS'
    """
    return Foreign(JaxSubject, function)


def as_subject(
    function: Any, inputs: Any, wrt: Any, names: Sequence[str] | None, who: str, name: str | None = None
) -> Subject:
    """Whatever can be checked, as a subject."""
    if isinstance(function, Subject):
        return function
    if isinstance(function, tuple) and len(function) == 2 and all(map(callable, function)):
        return PairSubject(*function, inputs, wrt, names, name, who=who)
    if not isinstance(function, Foreign):
        given = inputs.values() if isinstance(inputs, dict) else inputs
        given = given if isinstance(given, list | tuple) or isinstance(inputs, dict) else [given]
        homes = {type(x).__module__.split(".")[0] for x in given}
        if "torch" in homes:
            function = from_torch(function)
        elif homes & {"jax", "jaxlib"}:
            function = from_jax(function)
    if isinstance(function, Foreign):
        return function.subject(inputs, wrt, names, who)
    return MinigradSubject(function, inputs, wrt, names, name, who)


class _ForeignSubject(Subject):
    """What both libraries have in common: flat arguments, tuples of outputs."""

    private = False
    library = ""

    def __init__(
        self, function: Callable[..., Any], inputs: Any, wrt: Any, names: Sequence[str] | None, who: str
    ) -> None:
        self._module = _library(self.library)
        self._arguments = Arguments(who, inputs, function, names, nested=False)
        super().__init__(label(function), self._arguments.arrays, self._arguments.names, wrt, who)
        self._function = function

    def _call(self, converted: Sequence[Any]) -> list[Any]:
        made = self._function(*self._arguments.rebuild(converted))
        return list(made) if isinstance(made, list | tuple) else [made]


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise missing_extra(name, "peers", f"A gradient check of a {name} function") from None


class TorchSubject(_ForeignSubject):
    """A function of PyTorch tensors."""

    library = "torch"

    def _tensors(self, inputs: Arrays, tracked: bool) -> list[Any]:
        torch = self._module
        made = []
        for i, x in enumerate(inputs):
            if x.dtype.char == "g":
                raise DtypeError("PyTorch has no long double.")
            tensor = torch.from_numpy(np.array(x, order="C", copy=True))
            made.append(tensor.requires_grad_(tracked and i in self.checked))
        return made

    def values(self, inputs: Arrays) -> list[Any]:
        with self._module.no_grad():
            return [y.resolve_conj().numpy() for y in self._call(self._tensors(inputs, False))]

    def start(self, inputs: Arrays) -> tuple[list[Any], Any]:
        torch = self._module
        tensors = self._tensors(inputs, True)
        with torch.enable_grad():
            outputs = [y for y in self._call(tensors) if y.is_floating_point()]
        return [y.detach().numpy() for y in outputs], (tensors, outputs)

    def pull(self, inputs: Arrays, state: Any, cotangents: Arrays) -> list[Any]:
        torch = self._module
        tensors, outputs = state
        pairs = [
            (y, torch.from_numpy(np.array(c, copy=True)))
            for y, c in zip(outputs, cotangents, strict=True)
            if y.requires_grad
        ]
        gradients: list[Any] = [None] * len(inputs)
        wanted = [tensors[i] for i in self.checked]
        found = [None] * len(wanted)
        if pairs:
            ys, cs = zip(*pairs, strict=True)
            found = torch.autograd.grad(ys, wanted, cs, retain_graph=True, allow_unused=True)
        for i, g in zip(self.checked, found, strict=True):
            # PyTorch writes None for an input that does not matter
            gradients[i] = np.zeros_like(inputs[i]) if g is None else g.detach().numpy().copy()
        return gradients

    def derivative(self, cotangents: Arrays) -> TorchSubject:
        """The pullback as a function of the checked inputs and the cotangents: second order."""
        torch, split = self._module, len(self.checked)

        def pullback(*arguments: Any) -> Any:
            with torch.enable_grad():
                fresh = [
                    a if a.requires_grad else a.detach().requires_grad_() for a in arguments[:split]
                ]
                full = self._tensors(self.inputs, False)
                for i, a in zip(self.checked, fresh, strict=True):
                    full[i] = a
                outputs = [y for y in self._call(full) if y.is_floating_point()]
                found = torch.autograd.grad(
                    outputs, fresh, arguments[split:], create_graph=True, allow_unused=True
                )
            return tuple(
                torch.zeros_like(a) if g is None else g for g, a in zip(found, fresh, strict=True)
            )

        made: TorchSubject = _second(self, TorchSubject, pullback, cotangents)
        return made


class JaxSubject(_ForeignSubject):
    """A function of JAX arrays.  Double precision is switched on while it runs."""

    library = "jax"
    pushes = True

    @contextlib.contextmanager
    def _precision(self) -> Any:
        with self._module.enable_x64(True):
            yield

    def _convert(self, inputs: Arrays) -> list[Any]:
        if any(x.dtype.char in "gG" for x in inputs):
            raise DtypeError("JAX has no long double.")
        return [self._module.numpy.asarray(x) for x in inputs]

    def _restricted(self, inputs: Arrays) -> tuple[Callable[..., Any], list[Any]]:
        converted = self._convert(inputs)

        def function(*primals: Any) -> Any:
            full = list(converted)
            for i, primal in zip(self.checked, primals, strict=True):
                full[i] = primal
            return tuple(y for y in self._call(full) if np.dtype(y.dtype) in FLOATING)

        return function, [converted[i] for i in self.checked]

    def values(self, inputs: Arrays) -> list[Any]:
        with self._precision():
            return [np.asarray(y) for y in self._call(self._convert(inputs))]

    def start(self, inputs: Arrays) -> tuple[list[Any], Any]:
        with self._precision():
            function, primals = self._restricted(inputs)
            outputs, pull = self._module.vjp(function, *primals)
            return [np.asarray(y) for y in outputs], pull

    def pull(self, inputs: Arrays, state: Any, cotangents: Arrays) -> list[Any]:
        gradients: list[Any] = [None] * len(inputs)
        with self._precision():
            found = state(tuple(self._module.numpy.asarray(c) for c in cotangents))
            for i, g in zip(self.checked, found, strict=True):
                gradients[i] = np.array(g)
        return gradients

    def push(self, inputs: Arrays, tangents: Arrays) -> list[Any]:
        with self._precision():
            function, primals = self._restricted(inputs)
            given = tuple(self._module.numpy.asarray(tangents[i]) for i in self.checked)
            return [np.asarray(t) for t in self._module.jvp(function, tuple(primals), given)[1]]

    def derivative(self, cotangents: Arrays) -> JaxSubject:
        """The pullback as a function of the checked inputs and the cotangents: second order."""
        split = len(self.checked)

        def pullback(*arguments: Any) -> Any:
            function, _ = self._restricted(self.inputs)
            return self._module.vjp(function, *arguments[:split])[1](tuple(arguments[split:]))

        made: JaxSubject = _second(self, JaxSubject, pullback, cotangents)
        return made


def _second(first: Subject, kind: Any, pullback: Callable[..., Any], cotangents: Arrays) -> Any:
    """The subject of a pullback, counted together with the function it belongs to."""
    many = len(cotangents) > 1
    names = [first.names[i] for i in first.checked]
    names += [f"cotangent{n}" if many else "cotangent" for n in range(len(cotangents))]
    primals = [first.inputs[i] for i in first.checked]
    made = kind(pullback, (*primals, *cotangents), "all", names, first.who)
    made.name, made.evaluations = first.name, first.evaluations
    return made
