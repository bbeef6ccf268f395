"""Operations by the user: an implementation of their own, with a derivative of their own.

:func:`primitive` makes a node of a function of NumPy arrays; its rules are given by family, as for
minigrad's own primitives.  :func:`custom_vjp` replaces the pullback of a function, by JAX's name and
arguments.  A pullback is linear in the cotangent, so one of the two modes is enough: the other is
its transpose, which minigrad finds by differentiating the rule itself.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .context import current, surroundings
from .errors import ArgumentError, GradientError, ImmutableError, MinigradError, ShapeError
from .primitive import Primitive, bind
from .tensor import FLOATING, Tensor, describe, operand
from .transforms import vjp
from .tree import flatten

Rule = Callable[..., Any]
FAMILIES = ("elementwise", "linear", "bilinear")


# Rules that the user wrote ------------------------------------------------------------------------


def transposed(who: str, rule: Rule, like: Sequence[Any], vectors: Sequence[Any]) -> list[Any]:
    """Apply the transpose of a linear map, which is found by differentiating it.

    Parameters
    ----------
    who : str
        What is missing, for messages.
    rule : callable
        From tensors like `like` to a sequence of results, None for zero.
    like : sequence
        Anything with shapes and dtypes: the arguments of the map.
    vectors : sequence
        One per result, None for zero.

    Returns
    -------
    list of Tensor
        One per argument.

    Raises
    ------
    GradientError
        If the map cannot be followed.
    """
    chosen: list[int] = []

    def results(*arguments: Any) -> list[Any]:
        found = rule(*arguments)
        for i, (result, vector) in enumerate(zip(found, vectors, strict=True)):
            if result is None or vector is None:
                continue
            if isinstance(result, Tensor) and result.requires_grad:
                chosen.append(i)
            elif np.any(result.numpy() if isinstance(result, Tensor) else result):
                raise GradientError(f"result {i} is a plain array that the graph does not lead to.")
        return [found[i] for i in chosen]

    try:
        pull = vjp(results, *[np.ones(x.shape, x.dtype) for x in like])[1]
    except (MinigradError, AttributeError, TypeError, ValueError) as error:
        raise GradientError(
            f"{who}, and the other rule cannot be transposed: {error} Write it with mg's functions, or "
            "NumPy's on tensors; or give both rules."
        ) from error
    return list(pull([vectors[i] for i in chosen]))


def checked(what: str, found: Any, like: Sequence[Any], names: Sequence[str]) -> list[Any]:
    """What a rule gave, if it is one result for each of `like`, of its shape; None for zero."""
    results = list(found) if isinstance(found, tuple | list) else [found]
    if len(results) != len(like):
        raise GradientError(
            f"{what}: the rule returned {len(results)} of them, and there are {len(like)}: "
            f"{', '.join(names)}. Return one for each, None for zero."
        )
    for i, (result, x, name) in enumerate(zip(results, like, names, strict=True)):
        if result is None or not hasattr(x, "shape") or x.dtype not in FLOATING:
            results[i] = None
            continue
        result = operand(result)
        if result.shape != x.shape:
            raise ShapeError(
                f"{what}: that of {name} has shape {list(result.shape)}, and {name} is "
                f"{x.dtype}{list(x.shape)}. A (co)tangent has its primal's shape."
            )
        results[i] = result if result.dtype in FLOATING else result.astype(x.dtype)
    return results


def filled(given: Sequence[Any], like: Sequence[Any]) -> tuple[Any, ...]:
    """(Co)tangents with zeros in place of None."""
    return tuple(
        [
            g if g is not None else np.zeros(x.shape, x.dtype) if hasattr(x, "shape") else 0.0
            for g, x in zip(given, like, strict=True)
        ]
    )


def _lifted(values: Sequence[Any]) -> bool:
    return any(isinstance(v, Tensor) for v in values)


def _settled(found: Sequence[Any], lifted: bool) -> list[Any]:
    """Tensors while recording, plain arrays otherwise."""
    return list(found) if lifted else [x._value if isinstance(x, Tensor) else x for x in found]


def with_names(rule: Rule, names: Sequence[str]) -> Rule:
    """The engine reads off the names of a rule's arguments what a node has to keep."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    named = functools.partial(rule)
    named.__signature__ = inspect.Signature([inspect.Parameter(n, kind) for n in names])  # type: ignore[attr-defined]
    return named


# Primitives ---------------------------------------------------------------------------------------


class CustomPrimitive:
    """What :func:`primitive` makes: call it like the implementation, add rules with its methods."""

    def __init__(
        self, impl: Callable[..., Any], family: str, rules: Sequence[Any], outputs: int, once: bool
    ) -> None:
        functools.update_wrapper(self, impl)
        self.impl, self.family, self.rules = impl, family, tuple(rules)
        self.outputs, self.once = outputs, once
        self.name = str(getattr(impl, "__name__", type(impl).__name__))
        self.signature = inspect.signature(impl)
        self._rules: dict[str, Rule] = {}
        self._made: dict[int, Primitive] = {}  # by the number of inputs

    def vjp(self, rule: Rule) -> Rule:
        """Decorator for the pullback, ``rule(g, *inputs, out, **params)``; see :func:`primitive`.

        Examples
        --------
        >>> import minigrad as mg
        >>> @mg.primitive
        ... def cube(x):
        ...     return x * x * x
        >>> @cube.vjp
        ... def cube_vjp(g, x, _out):
        ...     return g * 3 * x * x
        >>> mg.grad(cube)(2.0)
        tensor(12.)
        """
        return self._add("vjp", rule)

    def jvp(self, rule: Rule) -> Rule:
        """Decorator for the pushforward, ``rule(tangents, *inputs, out, **params)``.

        Examples
        --------
        >>> import minigrad as mg
        >>> @mg.primitive
        ... def cube(x):
        ...     return x * x * x
        >>> @cube.jvp
        ... def cube_jvp(tangents, x, _out):
        ...     return 3 * x * x * tangents[0]
        >>> mg.jvp(cube, (2.0,), (1.0,))[1], mg.grad(cube)(2.0)
        (tensor(12.), tensor(12.))
        """
        return self._add("jvp", rule)

    def _add(self, which: str, rule: Rule) -> Rule:
        if self.family != "general":
            raise ArgumentError(f"{self.name}.{which}: its {self.family} rules are complete.")
        self._rules[which] = rule
        self._made.clear()
        return rule

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise ArgumentError(f"{self.name}{self.signature}: {error}.") from None
        bound.apply_defaults()
        made = self._made.get(len(bound.args))
        if made is None:
            made = self._made[len(bound.args)] = self._make(len(bound.args))
        return bind(made, bound.args, bound.kwargs)

    def __repr__(self) -> str:
        return f"<primitive {self.name}{self.signature} ({self.family})>"

    # As the engine sees it

    def _check(self, which: str, rule: Rule, count: int) -> None:
        """Refuse a rule that cannot be called as rules are, before it is."""
        options = [p.name for p in self.signature.parameters.values() if p.kind is p.KEYWORD_ONLY]
        first = {"vjp": "g", "jvp": "tangents"}.get(which, "t")
        outs = ["out"] if self.outputs == 1 else [f"out{i}" for i in range(self.outputs)]
        given = [first, *self._names(count), *outs]
        try:
            takes = inspect.signature(rule)
        except (TypeError, ValueError):  # a builtin does not tell
            return
        try:
            takes.bind(*given, **dict.fromkeys(options))
        except TypeError as error:
            called = ", ".join([*given, *[f"{name}=..." for name in options]])
            raise ArgumentError(
                f"{self.name}: its {which} rule takes {takes}, and is called as ({called}): {error}. "
                "Inputs come by position; what is no input stands after a * in the implementation."
            ) from None

    def _make(self, count: int) -> Primitive:
        for which, rule in self._rules.items():
            self._check(which, rule, count)
        if self.family in FAMILIES:
            if len(self.rules) != count:
                raise ArgumentError(
                    f"{self.name}: {len(self.rules)} {self.family} rules for {count} inputs; there is "
                    "one for each."
                )
            for rule in self.rules:
                if rule is not None:
                    self._check(self.family, rule, count)
            aligned = "shape" if self.family == "elementwise" else "dtype"
            made = Primitive(
                self.name, self.family, self._run, self.rules, aligned=aligned, registered=False
            )
        elif self.family == "nondifferentiable":
            made = Primitive(self.name, self.family, self._run, aligned="", registered=False)
        else:
            kept = [self._keeps(i, count) for i in range(count + self.outputs)]
            names = [f"{'' if keep else '_'}v{i}" for i, keep in enumerate(kept)]
            made = Primitive(
                self.name, "general", self._run,
                joint=with_names(functools.partial(self._pull, count), ["g", "needed", *names]),
                jvp=with_names(functools.partial(self._push, count), ["tangents", *names]),
                outputs=self.outputs, registered=False,
            )  # fmt: skip
        made.function = self
        return made

    def _keeps(self, i: int, count: int) -> bool:
        """Whether a rule needs input (then output) i; outputs tell a missing rule its shapes."""
        if i >= count and len(self._rules) < 2:
            return True
        for rule in self._rules.values():
            kinds = inspect.Parameter
            parameters = list(inspect.signature(rule).parameters.values())
            plain = [
                p.name
                for p in parameters
                if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)
            ]
            if i + 1 >= len(plain) or not plain[i + 1].startswith("_"):
                return True
        return False

    def _run(self, *values: Any, **params: Any) -> Any:
        try:
            out = self.impl(*map(_read_only, values), **params)
        except ValueError as error:
            if "read-only" not in str(error):
                raise
            raise ImmutableError(
                f"{self.name}: the implementation writes into an input. Copy it first: x = x.copy()."
            ) from error
        if self.outputs == 1:
            return np.asarray(out)
        if not isinstance(out, tuple | list) or len(out) != self.outputs:
            raise ArgumentError(
                f"{self.name}: with outputs={self.outputs} the implementation must return a tuple of "
                f"so many arrays, and it returned {type(out).__name__}."
            )
        return tuple(map(np.asarray, out))

    def _names(self, count: int) -> list[str]:
        names: list[str] = []
        for p in self.signature.parameters.values():
            if p.kind is inspect.Parameter.VAR_POSITIONAL:
                names += [f"{p.name}[{i}]" for i in range(count - len(names))]
            else:
                names.append(p.name)
        return names[:count]

    def _pull(self, count: int, g: Any, needed: Any, *values: Any, **params: Any) -> list[Any]:
        inputs, outs = values[:count], values[count:]
        given = list(g) if self.outputs > 1 else [g]
        if "vjp" in self._rules:
            g = filled(given, outs if self.outputs > 1 else given)
            found = self._apply("vjp", g if self.outputs > 1 else g[0], values, params)
            return checked(f"the gradients of {self.name}", found, inputs, self._names(count))
        rule = self._other("VJP", "jvp")
        active = [i for i, want in enumerate(needed) if want]

        def push(*tangents: Any) -> list[Any]:
            every: list[Any] = [None] * count
            for i, t in zip(active, tangents, strict=True):
                every[i] = t
            found = rule(filled(every, inputs), *values, **params)
            return checked(f"the tangents of {self.name}", found, outs, ["out"] * self.outputs)

        moved = transposed(f"{self.name} has no VJP", push, [inputs[i] for i in active], given)
        found = dict(zip(active, _settled(moved, _lifted([*values, *given])), strict=True))
        return [found.get(i) for i in range(count)]

    def _push(self, count: int, tangents: Any, *values: Any, **params: Any) -> Any:
        inputs, outs = values[:count], values[count:]
        if "jvp" in self._rules:
            found = self._apply("jvp", filled(tangents, inputs), values, params)
            results = list(found) if isinstance(found, tuple | list) else [found]
            if len(results) != self.outputs:
                raise GradientError(
                    f"the tangents of {self.name}: the rule returned {len(results)} of them, and there "
                    f"are {self.outputs} outputs."
                )
            results = [None if r is None else operand(r) for r in results]
        else:
            rule = self._other("JVP", "vjp")

            def pull(*g: Any) -> list[Any]:
                found = rule(g if self.outputs > 1 else g[0], *values, **params)
                return checked(f"the gradients of {self.name}", found, inputs, self._names(count))

            moved = transposed(f"{self.name} has no JVP", pull, outs, tangents)
            results = _settled(moved, _lifted([*values, *tangents]))
        return tuple(results) if self.outputs > 1 else results[0]

    def _other(self, missing: str, which: str) -> Rule:
        if which not in self._rules:
            raise GradientError(
                f"{self.name} has no rule. Add one with @{self.name}.vjp, or say that it has no "
                "derivative: @mg.primitive(nondifferentiable=True)."
            )
        if self.once:
            raise GradientError(
                f"{self.name} has no {missing}, and with once=True its {which.upper()} cannot be "
                f"transposed. Add @{self.name}.{missing.lower()}."
            )
        return self._rules[which]

    def _apply(self, which: str, change: Any, values: Sequence[Any], params: dict[str, Any]) -> Any:
        """Call a rule; if it takes plain arrays only, as a node that has no derivative itself."""
        rule = self._rules[which]
        changes = list(change) if isinstance(change, tuple) else [change]
        if not self.once or not _lifted([*changes, *values]):
            return rule(change, *values, **params)
        places = [i for i, v in enumerate((*changes, *values)) if isinstance(v, Tensor | np.ndarray)]
        width = len(values) - self.outputs if which == "vjp" else self.outputs

        def run(*arrays: Any) -> Any:
            full = [*changes, *values]
            for i, array in zip(places, arrays, strict=True):
                full[i] = array
            head = tuple(full[: len(changes)]) if isinstance(change, tuple) else full[0]
            found = rule(head, *full[len(changes) :], **params)
            results = list(found) if isinstance(found, tuple | list) else [found]
            like = values[:width] if which == "vjp" else [np.zeros(())] * width
            results = list(filled(results, like)) if len(results) == width else results
            return tuple(map(np.asarray, results)) if width > 1 else np.asarray(results[0])

        def refuse(*_: Any, **__: Any) -> Any:
            raise GradientError(
                f"{self.name} was made with once=True: its {which.upper()} is plain NumPy, which "
                "cannot be differentiated again. Write the rule with mg's functions and leave "
                "once=True away."
            )

        node = Primitive(
            f"{self.name}_{which}", "general", run, joint=with_names(refuse, ["g", "needed"]),
            jvp=with_names(refuse, ["tangents"]), outputs=width, registered=False,
        )  # fmt: skip
        return bind(node, [(*changes, *values)[i] for i in places])


def _read_only(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    view = value.view()
    view.flags.writeable = False
    return view


def primitive(
    impl: Callable[..., Any] | None = None,
    *,
    vjp: Rule | None = None,
    jvp: Rule | None = None,
    elementwise: Sequence[Rule | None] | None = None,
    linear: Sequence[Rule] | None = None,
    bilinear: Sequence[Rule] | None = None,
    nondifferentiable: bool = False,
    outputs: int = 1,
    once: bool = False,
) -> Any:
    """Make a primitive of a function of NumPy arrays, with a derivative of your own.  A decorator.

    Its positional arguments are the inputs, which arrive as plain arrays; its keyword-only arguments
    are static parameters.  In graphs it is one node of its name.

    Parameters
    ----------
    impl : callable
        The value.
    vjp : callable, optional
        The pullback, ``vjp(g, *inputs, out, **params)``: one gradient for each input, None for zero.
        Inputs and the output that it does not need by value get names that begin with an underscore: a
        node then does not keep them, and they arrive by shape and dtype.  With several outputs, `g`
        is a tuple, and they come one by one.
    jvp : callable, optional
        The pushforward, ``jvp(tangents, *inputs, out, **params)``: the tangent of the output, or one
        for each.
    elementwise : sequence of callable, optional
        Instead: per input ``rule(t, *inputs, out)``, `t` times the partial derivative, for both modes.
        None for an input that has none.  The implementation broadcasts.
    linear : sequence of callable, optional
        Instead: the function is linear in all inputs together; per input the transpose,
        ``rule(g, *inputs, out)``.
    bilinear : sequence of callable, optional
        Instead: the function is linear in each input; per input the transpose.
    nondifferentiable : bool
        Instead: the derivative is zero on purpose.
    outputs : int
        How many arrays the implementation returns, as a tuple.
    once : bool
        Whether `vjp` and `jvp` are plain NumPy code that does not take tensors.  Then the primitive
        can be differentiated once, and asking for more is an error.

    Returns
    -------
    CustomPrimitive
        A function; ``.vjp`` and ``.jvp`` are decorators that add a rule.

    Raises
    ------
    ArgumentError
        If rules of two families are given.

    Notes
    -----
    Rules are handed plain arrays, or, to be differentiated again, tensors: NumPy's functions and
    operators on tensors record.  Where only one of `vjp` and `jvp` is given, the other is its
    transpose.

    Examples
    --------
    A hand-written backward:

    >>> import minigrad as mg
    >>> @mg.primitive
    ... def normalize(x, *, eps=0.0):
    ...     return x / np.sqrt((x * x).sum() + eps)
    >>> @normalize.vjp
    ... def normalize_vjp(g, x, out, *, eps):
    ...     return (g - out * (out * g).sum()) / np.sqrt((x * x).sum() + eps)
    >>> x = mg.tensor([3.0, 4.0], requires_grad=True)
    >>> y = normalize(x)
    >>> y
    tensor([0.6, 0.8], op=normalize, line=1)
    >>> y[0].backward()
    >>> x.grad
    tensor([ 0.128, -0.096])
    >>> mg.jvp(normalize, (np.array([3.0, 4.0]),), (np.array([1.0, 0.0]),))[1]
    tensor([ 0.128, -0.096])

    One partial derivative, for both modes:

    >>> @mg.primitive(elementwise=[lambda t, x, out: t * (1 - out * out)])
    ... def my_tanh(x):
    ...     return np.tanh(x)
    >>> bool(mg.gradcheck(my_tanh, np.array([0.5, -1.0])))
    True
    """
    families = {"elementwise": elementwise, "linear": linear, "bilinear": bilinear}
    given = [name for name, rules in families.items() if rules is not None]
    given += ["nondifferentiable"] * nondifferentiable + ["vjp/jvp"] * (
        vjp is not None or jvp is not None
    )
    if len(given) > 1:
        raise ArgumentError(f"primitive: rules of one family only, not {' and '.join(given)}.")
    family = given[0] if given and given[0] != "vjp/jvp" else "general"

    def make(impl: Callable[..., Any]) -> CustomPrimitive:
        made = CustomPrimitive(impl, family, families.get(family) or (), outputs, once)
        for which, rule in (("vjp", vjp), ("jvp", jvp)):
            if rule is not None:
                made._add(which, rule)
        return made

    return make if impl is None else make(impl)


# Functions ----------------------------------------------------------------------------------------


class custom_vjp:
    """A function with a pullback of your own, by JAX's name and arguments.  A decorator.

    Parameters
    ----------
    fun : callable
        Of tensors or arrays, also nested ones.
    nondiff_argnums : sequence of int
        Arguments that are not differentiated and may be anything; `bwd` gets them first.

    Notes
    -----
    ``defvjp(fwd, bwd)`` gives the rule: ``fwd(*args)`` returns the output and any residuals, and
    ``bwd(residuals, g)`` returns a tuple with a gradient for each argument, None for zero.  `fun`
    runs where nothing is tracked, `fwd` where something is.  Forward mode uses the transpose of `bwd`.
    Second derivatives differentiate `bwd` and, for what its residuals depend on, `fwd`.  Only arguments
    are differentiated: a tracked tensor that `fwd` takes from outside is an error.

    Examples
    --------
    Clip the gradient and leave the value alone:

    >>> import minigrad as mg
    >>> @mg.custom_vjp
    ... def gently(x):
    ...     return x
    >>> gently.defvjp(lambda x: (x, None), lambda _, g: (mg.clip(g, -1.0, 1.0),))
    >>> mg.grad(lambda x: (gently(x) * np.array([5.0, 0.5])).sum())(np.zeros(2))
    tensor([1. , 0.5])
    """

    def __init__(self, fun: Callable[..., Any], nondiff_argnums: Sequence[int] = ()) -> None:
        functools.update_wrapper(self, fun)
        self.fun = fun
        self.nondiff_argnums = tuple(sorted(nondiff_argnums))
        self.name = str(getattr(fun, "__name__", type(fun).__name__))
        self._fwd: Callable[..., Any] | None = None
        self._bwd: Callable[..., Any] | None = None

    def defvjp(self, fwd: Callable[..., Any], bwd: Callable[..., Any]) -> None:
        """Set the forward function, which also returns residuals, and the backward function.

        Examples
        --------
        >>> import minigrad as mg
        >>> cube = mg.custom_vjp(lambda x: x**3)
        >>> cube.defvjp(lambda x: (x**3, x), lambda x, g: (3 * x**2 * g,))
        >>> mg.grad(cube)(2.0)
        tensor(12.)
        """
        self._fwd, self._bwd = fwd, bwd

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            bound = inspect.signature(self.fun).bind(*args, **kwargs)
        except TypeError as error:
            raise ArgumentError(f"{self.name}: {error}.") from None
        bound.apply_defaults()
        if bound.kwargs:
            raise ArgumentError(
                f"{self.name}: custom_vjp passes arguments by position, and {', '.join(bound.kwargs)} "
                "can only be passed by keyword."
            )
        if self._fwd is None or self._bwd is None:
            raise GradientError(f"{self.name}: call {self.name}.defvjp(fwd, bwd) before using it.")
        arguments = _Arguments(bound.args, self.nondiff_argnums)
        if not arguments.tracked:
            return self.fun(*args, **kwargs)
        return _as_one_node(self, arguments)

    # Run by `_as_one_node`

    def forward(self, arguments: _Arguments, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """Leaves of the output and how to build it; the same of the residuals."""
        found = self._fwd(*arguments.rebuild(inputs))  # type: ignore[misc]
        if not isinstance(found, tuple) or len(found) != 2:
            raise ArgumentError(
                f"{self.name}: fwd must return (output, residuals), and it returned "
                f"{type(found).__name__}."
            )
        return (*flatten(found[0]), *flatten(found[1]))

    def backward(self, arguments: _Arguments, residuals: Any, g: Any) -> list[Any]:
        """One gradient for each input."""
        found = self._bwd(*arguments.static, residuals, g)  # type: ignore[misc]
        count = len(arguments.trees)
        if not isinstance(found, tuple) or len(found) != count:
            what = f"a tuple of {len(found)}" if isinstance(found, tuple) else type(found).__name__
            raise GradientError(
                f"{self.name}: bwd must return a tuple with one gradient for each of {count} "
                f"arguments, None for zero, and it returned {what}."
            )
        return checked(
            f"the gradients of {self.name}", arguments.select(self.name, found), arguments.inputs,
            [f"input {i}" for i in range(len(arguments.inputs))],
        )  # fmt: skip


class _Arguments:
    """The arguments of one call: tensors and arrays are inputs, everything else stays as it is."""

    def __init__(self, args: tuple[Any, ...], nondiff: Sequence[int]) -> None:
        self.fixed = {i: x for i, x in enumerate(args) if i in nondiff}
        self.static = list(self.fixed.values())
        self.trees = {i: flatten(x) for i, x in enumerate(args) if i not in nondiff}
        self.leaves = [leaf for leaves, _ in self.trees.values() for leaf in leaves]
        self.places = [k for k, leaf in enumerate(self.leaves) if is_array(leaf)]
        self.inputs = [
            x if isinstance(x, Tensor) else np.asarray(x) for x in (self.leaves[k] for k in self.places)
        ]

    @property
    def tracked(self) -> bool:
        """Whether something is to be recorded."""
        state = current()
        return (state.recording or state.tracing is not None) and any(
            isinstance(x, Tensor) and x._node is not None for x in self.inputs
        )

    def rebuild(self, inputs: Sequence[Any]) -> list[Any]:
        """All arguments, with other inputs."""
        leaves = list(self.leaves)
        for k, x in zip(self.places, inputs, strict=True):
            leaves[k] = x
        rest = iter(leaves)
        built = {i: build([next(rest) for _ in old]) for i, (old, build) in self.trees.items()}
        return [x for _, x in sorted((built | self.fixed).items())]

    def select(self, who: str, gradients: Sequence[Any]) -> list[Any]:
        """From a gradient for each argument those of the inputs."""
        found: list[Any] = []
        for (i, (leaves, _)), gradient in zip(self.trees.items(), gradients, strict=True):
            parts = [None] * len(leaves) if gradient is None else flatten(gradient)[0]
            if len(parts) != len(leaves):
                raise GradientError(
                    f"{who}: the gradient of argument {i} has {len(parts)} entries, and the argument "
                    f"has {len(leaves)}; their structures must match."
                )
            found += parts
        return [found[k] for k in self.places]

    def release(self) -> list[Any]:
        """Give the inputs away; of them, shapes and dtypes are left."""
        given = self.inputs
        self.inputs = [np.broadcast_to(np.zeros((), x.dtype), x.shape) for x in given]
        for k in self.places:
            self.leaves[k] = None
        return given


def is_array(x: Any) -> bool:
    """Tensors, arrays and floats; Python's integers are axes and counts."""
    return isinstance(x, Tensor | np.ndarray | np.generic | float)


def _value(x: Any) -> Any:
    return np.asarray(x._value if isinstance(x, Tensor) else x)


class Listener:
    """Hears of every operation, and tells whoever listens already."""

    def __init__(self) -> None:
        self.outer = current().observer

    def foreign(self, x: Tensor) -> None:
        """A tracked tensor from outside is used."""
        raise NotImplementedError

    def value(self, primitive: Any, inputs: Any, value: Any, node: Any) -> None:
        """An operation was evaluated."""
        for x in inputs:
            if isinstance(x, Tensor) and x.requires_grad and primitive.differentiable:
                self.foreign(x)
        if self.outer is not None:
            self.outer.value(primitive, inputs, value, node)

    def cotangent(self, *args: Any) -> None:
        """Part of the interface; nothing is tracked here."""

    contribution = tangent = cotangent


class _Refusing(Listener):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def foreign(self, x: Tensor) -> None:
        raise GradientError(
            f"{self.name}: fwd uses {describe(x)}, which is tracked and no argument: no gradient would "
            "pass to it. Make it an argument, or detach it."
        )


def quietly(run: Callable[..., Any], inputs: Sequence[Any], listener: Listener) -> Any:
    """Call a function with untracked tensors, so that it records nothing."""
    plain = [Tensor(_value(x)) for x in inputs]
    with surroundings(recording=False, tracing=None, observer=listener):
        return run(plain)


def _as_one_node(owner: custom_vjp, arguments: _Arguments) -> Any:
    """Run forward as one node; its outputs are those of the function and the residuals."""
    name, count = owner.name, len(arguments.inputs)

    def forward(inputs: Sequence[Any]) -> tuple[Any, ...]:
        return owner.forward(arguments, inputs)

    outs, build, residuals, build_residuals = quietly(forward, arguments.inputs, _Refusing(name))
    kept = [k for k, r in enumerate(residuals) if is_array(r)]
    as_tensor = {k for k in kept if isinstance(residuals[k], Tensor)}
    for out in outs:
        if not is_array(out):
            raise ArgumentError(f"{name}: fwd returned {type(out).__name__} {out!r} as an output.")

    def arrays(outs: Sequence[Any], residuals: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(map(_value, [*outs, *[residuals[k] for k in kept]]))

    first = [arrays(outs, residuals)]
    like = [np.broadcast_to(np.zeros((), a.dtype), a.shape) for a in first[0][: len(outs)]]
    rest = [None if k in kept else r for k, r in enumerate(residuals)]

    def run(*values: Any) -> Any:
        if first:
            found = first.pop()
        else:  # a graph is replayed
            again = quietly(forward, values, _Refusing(name))
            found = arrays(again[0], again[2])
        return found if len(found) > 1 else found[0]

    def remembered(values: Sequence[Any]) -> Any:
        """The residuals; to be differentiated again they are made anew, from what they depend on."""
        if _lifted(values):
            return build_residuals(forward(values[:count])[2])
        leaves = list(rest)
        for k, value in zip(kept, values[count + len(outs) :], strict=True):
            leaves[k] = Tensor(np.asarray(value)) if k in as_tensor else value
        return build_residuals(leaves)

    def gradients(g: Sequence[Any], residuals: Any) -> list[Any]:
        cotangents = [x if isinstance(x, Tensor) else Tensor(np.asarray(x)) for x in g]
        return owner.backward(arguments, residuals, build(cotangents))

    def pull(g: Any, needed: Any, *values: Any) -> list[Any]:
        given = (list(g) if len(values) > count + 1 else [g])[: len(outs)]
        found = gradients(filled(given, like), remembered(values))
        return _settled(found, _lifted([*values, *given]))

    def push(tangents: Any, *values: Any) -> Any:
        residuals = remembered(values)
        moved = transposed(
            f"{name} has no JVP", lambda *g: gradients(g, residuals), like, list(tangents)
        )
        found = _settled(moved, _lifted([*values, *tangents])) + [None] * len(kept)
        return tuple(found) if len(found) > 1 else found[0]

    names = [f"x{i}" for i in range(count)] + [f"_y{i}" for i in range(len(outs))]
    names += [f"r{k}" for k in kept]
    node = Primitive(
        name, "general", run, joint=with_names(pull, ["g", "needed", *names]),
        jvp=with_names(push, ["tangents", *names]), outputs=len(outs) + len(kept), registered=False,
    )  # fmt: skip
    node.function = owner
    found = bind(node, arguments.release())
    return build(list(found[: len(outs)]) if node.outputs > 1 else [found])
