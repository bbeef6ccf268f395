"""What there is to draw in a user's script, and how to come by its graph or its record.

Drawn can be what the script made, a record, a graph or a tracked tensor, and what can still be
run: a function or a module with example inputs.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import numpy as np

from .autodiff import collect
from .check.discover import MARK, Found, resolve_inputs
from .errors import ArgumentError, GradientError, MinigradError
from .graph import Graph, trace
from .graph.interface import Interface
from .nn import Module
from .record import Record, record
from .scripts import failure
from .tensor import FLOATING, Leaf, Tensor, as_tensor
from .transforms import flatten

MOST = 12  # names that an error lists
Made = TypeVar("Made")


@dataclass
class Subject:
    """Something to draw.

    Attributes
    ----------
    name : str
        As the script calls it.
    value : object
        A Record, Graph, Tensor, or something to call.
    inputs : object
        For something to call: its inputs, or how to make them; None if nobody said.
    file : str
        The script.
    """

    name: str
    value: Any
    inputs: Any = None
    file: str = ""

    @property
    def runs(self) -> bool:
        """Whether it has to be called first."""
        return not isinstance(self.value, Record | Graph | Tensor)


# Which one --------------------------------------------------------------------------------------


def choose(module: ModuleType, where: str, name: str) -> Subject:
    """The subject of that name; without a name the obvious one.

    Raises
    ------
    ArgumentError
        If there is none, or several.

    Examples
    --------
    >>> import minigrad as mg
    >>> module = ModuleType("mine")
    >>> x = module.x = mg.tensor(2.0, requires_grad=True)
    >>> y = module.y = x * x
    >>> module.loss = y + 1.0
    >>> choose(module, "mine.py", "").name
    'loss'
    """
    found = _named(module, where, name) if name else _obvious(module, where)
    found.file = getattr(module, "__file__", None) or where
    return found


def _named(module: ModuleType, where: str, name: str) -> Subject:
    names = vars(module)
    value = names.get(name)
    if inspect.isclass(value):
        raise ArgumentError(
            f"{where}: {name} is a class; make an object of it, {name.lower()} = {name}(...), and name "
            "that."
        )
    if isinstance(value, Record | Graph | Tensor) or callable(value):
        return Subject(name, value, None if value is None else _inputs(names, name, value))
    if name in names:
        raise ArgumentError(
            f"{where}: {name} is of type {type(value).__name__}; drawn can be a Tensor, a Graph, a "
            "Record, a function or a Module."
        )
    found = [s.name for tier in _tiers(module) for s in tier]
    known = found or [n for n, v in names.items() if not n.startswith("_") and callable(v)]
    raise ArgumentError(f"{where} has no {name!r}. {_listed(known)}")


def _obvious(module: ModuleType, where: str) -> Subject:
    tiers = _tiers(module)
    for tier in tiers:
        if len(tier) == 1:
            return tier[0]
        if tier:
            found = [s.name for t in tiers for s in t]
            raise ArgumentError(
                f"{where} holds several things to draw; name one, {where}:{tier[-1].name}. "
                f"{_listed(found)}"
            )
    raise ArgumentError(
        f"{where} holds nothing to draw at its top level (what stands under if __name__ == "
        "'__main__' does not run). Make a tracked tensor, a graph or a record there, or write "
        "example_inputs = (array, ...) for a function or a Module and name it."
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return f"There is {', '.join(names[:MOST]) or 'nothing'}{more}."


def _tiers(module: ModuleType) -> list[list[Subject]]:
    """What can be drawn, the most obvious first.

    Records and graphs were made to be looked at; then what has example inputs; then the tensors
    that are no part of another one; then functions whose defaults are arrays or floats.
    """
    names = {n: v for n, v in vars(module).items() if not n.startswith("_")}
    made, given, tensors, others = list[Subject](), list[Subject](), list[Subject](), list[Subject]()
    seen: list[Any] = []
    for name, value in names.items():
        if any(value is other for other in seen):
            continue  # a second name of the same thing
        if isinstance(value, Record | Graph):
            made.append(Subject(name, value))
        elif isinstance(value, Tensor):
            if value._node is not None and value._node.primitive is not None:
                tensors.append(Subject(name, value))
        elif isinstance(value, Module) or _is_own_function(value, module):
            subject = Subject(name, value, _inputs(names, name, value))
            if subject.inputs is not None:
                given.append(subject)
            elif _has_defaults(value):
                others.append(subject)
        else:
            continue
        seen.append(value)
    return [made, given, _ends(tensors), others]


def _is_own_function(value: Any, module: ModuleType) -> bool:
    return inspect.isfunction(value) and value.__module__ == module.__name__


def _inputs(names: dict[str, Any], name: str, value: Any) -> Any:
    """What the script says of something's inputs."""
    if isinstance(value, Record | Graph | Tensor):
        return None
    mark = getattr(value, MARK, None)
    marked = mark.inputs if isinstance(mark, Found) else None
    keys = [f"{name}_inputs"]
    if name == "forward" or name.endswith("_forward"):  # as minigrad check calls them
        stem = name.removesuffix("forward")
        keys += [f"{stem}inputs", "inputs"]
    for key in (*keys, "example_inputs"):
        if names.get(key) is not None and names[key] is not value:
            return names[key]
    return marked


def _has_defaults(function: Any) -> bool:
    """Whether a function can be called as it is, on something that can be differentiated."""
    if not inspect.isfunction(function):
        return False
    parameters = inspect.signature(function).parameters.values()
    defaults = [p.default for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    floating = [isinstance(d, float | np.ndarray | Tensor) for d in defaults]
    return not any(d is inspect.Parameter.empty for d in defaults) and any(floating)


def _ends(tensors: list[Subject]) -> list[Subject]:
    """The tensors that no other one was made from."""
    inner = set[Any]()
    for subject in tensors:
        node = subject.value._node
        inner.update(n for n in collect([node])[0] if n is not node)
    return [subject for subject in tensors if subject.value._node not in inner]


# Its graph or its record ------------------------------------------------------------------------


def forward(subject: Subject, line: str | None, where: str) -> Tensor | Graph | Record:
    """What draws the subject without any backward pass.

    Parameters
    ----------
    subject : Subject
    line : str or None
        Its inputs as text, like ``"x=randn(4,3)"``.
    where : str
        The script, for errors.
    """
    if not subject.runs:
        value: Tensor | Graph | Record = subject.value
        return value
    args, kwargs = _arguments(subject, line)
    return _guarded(subject, where, lambda: trace(_callable(subject), *args, values=True, **kwargs))


def backward(subject: Subject, line: str | None, where: str) -> Graph | Record:
    """One graph of the forward pass and of the backward pass from its first output."""
    value = subject.value
    if isinstance(value, Record):
        return value
    if isinstance(value, Tensor):
        return _of_tensor(value, subject.name)
    args, kwargs = _arguments(subject, line)
    function = _callable(subject)

    def step(*args: Any, **kwargs: Any) -> dict[str, Any]:
        call = Interface.of_function(function, args, kwargs)
        leaves = dict(zip(call.names, call.arguments, strict=True)) | _parameters(value)
        found = call.call(function, call.arguments)
        _pull(_first(found, subject.name))
        return {"output": found} | {f"d_{n}": x.grad for n, x in leaves.items() if x.grad is not None}

    call = Interface.of_function(function, args, kwargs)
    step.__name__, step.__signature__ = call.name, call.signature  # type: ignore[attr-defined]
    return _guarded(subject, where, lambda: trace(step, *args, values=True, **kwargs))


def recorded(subject: Subject, line: str | None, where: str, running: Record) -> Record | None:
    """A record of a forward and a backward pass, for a page to step through.

    None for a tensor: it is part of `running`, the record of the script.  That still listens, and
    hears here of a backward pass if the script has run none.
    """
    value = subject.value
    if isinstance(value, Record):
        return value
    if isinstance(value, Tensor):
        if not running.started_from(value):
            _pull(value)
        return None
    args, kwargs = _arguments(subject, line)
    function = _callable(subject)
    call = Interface.of_function(function, args, kwargs)
    _parameters(value)

    def run() -> Record:
        inputs = [_leaf(x, name) for x, name in zip(call.arguments, call.names, strict=True)]
        with record() as rec:
            _pull(_first(call.call(function, inputs), subject.name))
        return rec

    return _guarded(subject, where, run)


def _callable(subject: Subject) -> Any:
    """A module as a function whose arguments have the names that its forward gives them."""
    value = subject.value
    if not isinstance(value, Module):
        return value

    def call(*args: Any, **kwargs: Any) -> Any:
        return value(*args, **kwargs)

    call.__name__ = subject.name
    call.__signature__ = inspect.signature(value.forward)  # type: ignore[attr-defined]
    return call


def _leaf(x: Any, name: str) -> Tensor:
    x = as_tensor(x)
    leaf = Tensor(x._value, Leaf(x._value, x.dtype in FLOATING))
    leaf.name = x.name or name
    return leaf


def _parameters(value: Any) -> dict[str, Tensor]:
    """Of a module, without the gradients that the script has left in them."""
    found: dict[str, Tensor] = dict(value.named_parameters()) if isinstance(value, Module) else {}
    for parameter in found.values():
        parameter.grad = None
    return found


def _arguments(subject: Subject, line: str | None) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The example inputs as the arguments of a call."""
    value = subject.value
    if isinstance(value, Graph):
        arrays = [value.values[i].array for i in value.inputs]
        if any(a is None for a in arrays):
            raise ArgumentError(
                f"{subject.name}: the graph does not know the values of its inputs, and a backward "
                "pass needs some. Make it with mg.trace(f, ..., values=True), or name the function."
            )
        return tuple(arrays), {}
    if subject.inputs is None and line is None and _has_defaults(value):
        bound = inspect.signature(value).bind()
        bound.apply_defaults()
        return bound.args, bound.kwargs
    function = value.forward if isinstance(value, Module) else value
    dtype = (
        next((str(p.dtype) for p in value.parameters()), None) if isinstance(value, Module) else None
    )
    found = resolve_inputs(Found(subject.name, function, None, subject.inputs), line, 0, dtype)
    if isinstance(found, dict):
        return (), found
    if isinstance(found, tuple):
        return found, {}
    if isinstance(found, list) and any(isinstance(x, np.ndarray | Tensor) for x in found):
        return tuple(found), {}
    return (np.asarray(found) if isinstance(found, list) else found,), {}


def _guarded(subject: Subject, where: str, run: Callable[[], Made]) -> Made:
    """Run the user's function; what it raises becomes one line.

    What is made on the way, such as its inputs, counts as made where the script defines it.
    """
    here = "\n" * (_line(subject) - 1) + "def here(run): return run()"
    names: dict[str, Any] = {}
    exec(compile(here, subject.file, "exec"), names)
    try:
        made: Made = names["here"](run)
    except MinigradError:
        raise
    except Exception as error:
        raise failure(f"{where}:{subject.name}", error, {where, subject.file}) from error
    return made


def _line(subject: Subject) -> int:
    """Where the script defines something: the last line that gives it its name."""
    try:
        tree = ast.parse(Path(subject.file).read_bytes())
    except (OSError, ValueError, SyntaxError):  # no source to look at
        return 1
    lines = [1]
    for node in ast.walk(tree):
        stores = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id
        name = node.name if isinstance(node, ast.FunctionDef) else stores
        if name == subject.name:
            lines.append(node.lineno)  # type: ignore[attr-defined]
    return max(lines)


def _first(found: Any, name: str) -> Tensor:
    """The output that the backward pass starts from: the first that a gradient can reach."""
    for x in flatten(found)[0]:
        if isinstance(x, Tensor) and x.requires_grad and x.dtype in FLOATING:
            return x
    raise GradientError(
        f"{name}: no output depends on an input or parameter that a gradient can reach, so there is no "
        "backward pass."
    )


def _pull(output: Tensor) -> None:
    """Run a backward pass; of an output that is no scalar, from random numbers."""
    output.backward(None if output.shape == () else _cotangent(output))


def _cotangent(output: Tensor) -> Any:
    # Not ones, of which normalization hands down nothing; and not the numbers of a usual seed, for
    # of a multiple of its own input it hands down nothing, either.
    return np.random.default_rng(150211).normal(size=output.shape).astype(output.dtype)


def _of_tensor(x: Tensor, name: str) -> Graph:
    """The graph of a tensor and of its gradients."""
    leaves = [n for n in collect([x._node])[0] if isinstance(n, Leaf)]  # type: ignore[list-item]
    for leaf in leaves:
        leaf.grad = None
    try:
        x.backward(None if x.shape == () else _cotangent(x), create_graph=True)
    except GradientError as error:
        if "gave back what it had saved" not in str(error):
            raise
        raise ArgumentError(
            f"{name}: the script has called backward() on it, which gave back what a second pass "
            "needs. Take that call out, say backward(retain_graph=True), or write an .html file, for "
            "which the script's own pass is recorded."
        ) from None
    grads = []
    for leaf in leaves:
        if leaf.grad is not None and leaf.grad._node is not None:
            leaf.grad.name = f"d_{leaf.name}" if leaf.name else None
            grads.append(leaf.grad)
    return Graph.of(x, *grads, name=name)
