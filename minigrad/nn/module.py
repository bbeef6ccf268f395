"""Module: a function with parameters, buffers and submodules.

What is assigned to an attribute is registered by its type: a Parameter, a Module,
or with ``register_buffer`` a tensor that is saved but not trained.  Calling a
module opens the scope of its name, so graphs show layers.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Self

import numpy as np

from ..context import scope
from ..errors import ArgumentError, DtypeError, MinigradError
from ..tensor import FLOATING, Array, Tensor, as_tensor, describe
from .backward_hooks import Watch
from .parameter import Parameter


class StateDictError(MinigradError, RuntimeError):
    """A state dict does not fit the module; nothing was loaded.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.Linear(1, 1, bias=False).load_state_dict({"weights": [[1.0]]})
    Traceback (most recent call last):
    minigrad.nn.module.StateDictError: load_state_dict: the state does not fit this Linear, ...
    """


class IncompatibleKeys(NamedTuple):
    """What :meth:`Module.load_state_dict` did not find, and what it did not know.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.Linear(1, 1).load_state_dict({"scale": [1.0]}, strict=False)
    IncompatibleKeys(missing_keys=['weight', 'bias'], unexpected_keys=['scale'])
    """

    missing_keys: list[str]
    unexpected_keys: list[str]


class RemovableHandle:
    """Takes a hook away again: ``handle.remove()``, or leave its ``with`` block.

    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.ReLU()
    >>> handle = layer.register_forward_hook(lambda module, args, out: out * 0.0)
    >>> layer(mg.tensor([1.0])).item()
    0.0
    >>> handle.remove()
    >>> layer(mg.tensor([1.0])).item()
    1.0
    """

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        self._hooks = hooks
        self._key = max(hooks, default=-1) + 1
        hooks[self._key] = hook

    def remove(self) -> None:
        """Take the hook away; twice does no harm."""
        self._hooks.pop(self._key, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.remove()


class Module:
    """Base class of all layers and models.

    A subclass calls ``super().__init__()``, assigns its parts, and defines ``forward``.

    Examples
    --------
    >>> import minigrad as mg, minigrad.nn as nn
    >>> class Model(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.fc1 = nn.Linear(4, 8)
    ...         self.fc2 = nn.Linear(8, 2)
    ...
    ...     def forward(self, x):
    ...         return self.fc2(mg.relu(self.fc1(x)))
    >>> model = Model()
    >>> model
    Model(
      (fc1): Linear(in_features=4, out_features=8, bias=True)
      (fc2): Linear(in_features=8, out_features=2, bias=True)
    )
    >>> [name for name, _ in model.named_parameters()]
    ['fc1.weight', 'fc1.bias', 'fc2.weight', 'fc2.bias']
    >>> y = model(mg.tensor([[1.0, 2.0, 3.0, 4.0]], dtype="float32"))
    >>> y.shape, y.node.scope
    ((1, 2), ('fc2',))
    """

    training: bool

    def __init__(self) -> None:
        # Past our own __setattr__, which needs these to exist.
        self.__dict__.update(
            training=True,
            _parameters={},
            _buffers={},
            _modules={},
            _unsaved=set(),
            _hooks={},
            _pre_hooks={},
            _backward_hooks={},
            _backward_pre_hooks={},
            _scope=None,
            _path="",
        )

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} needs a method forward(self, ...).")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if "_scope" not in self.__dict__:
            raise _not_initialised(self)
        if self._scope is None:
            return self._run(args, kwargs)
        with scope(self._scope):
            return self._run(args, kwargs)

    def _run(self, args: Any, kwargs: Any) -> Any:
        if self._pre_hooks:
            for hook in list(self._pre_hooks.values()):
                changed = hook(self, args)
                if changed is not None:
                    args = changed if isinstance(changed, tuple) else (changed,)
        watch = None
        if self._backward_hooks or self._backward_pre_hooks:
            watch = Watch(self, self._backward_hooks.values(), self._backward_pre_hooks.values())
            args = watch.enter(args)
        out = self.forward(*args, **kwargs)
        if self._hooks:
            for hook in list(self._hooks.values()):
                changed = hook(self, args, out)
                if changed is not None:
                    out = changed
        return out if watch is None else watch.leave(out)

    # Registration -------------------------------------------------------------------------
    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        if isinstance(value, Parameter):
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            self.add_module(name, value)
        elif name in own.get("_parameters", ()):
            if value is not None:
                raise ArgumentError(
                    f"{type(self).__name__}.{name} is a parameter, and {_kind(value)} was assigned. "
                    f"Write {name} = nn.Parameter(...), or {name}.data = ... for a new value."
                )
            own["_parameters"][name] = None
        elif name in own.get("_modules", ()):
            if value is not None:
                raise ArgumentError(
                    f"{type(self).__name__}.{name} is a module, and {_kind(value)} was assigned. "
                    f"Delete it first: del model.{name}."
                )
            own["_modules"][name] = None
        elif name in own.get("_buffers", ()):
            own["_buffers"][name] = value if value is None else as_tensor(value)
        else:
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        for registry in ("_parameters", "_buffers", "_modules"):
            if registry in own and name in own[registry]:
                return own[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}.", name=name, obj=self)

    def __delattr__(self, name: str) -> None:
        for registry in (self._parameters, self._buffers, self._modules):
            if name in registry:
                del registry[name]
                self._unsaved.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._parameters, *self._buffers, *self._modules})

    def _register(self, kind: str, name: str, value: Any) -> None:
        """Put a value into one registry, and take the name out of the others."""
        if "_scope" not in self.__dict__:
            raise _not_initialised(self)
        if not isinstance(name, str) or not name or "." in name:
            raise ArgumentError(
                f"{type(self).__name__}: {name!r} cannot name a part; a name is text without dots."
            )
        if hasattr(type(self), name):
            raise ArgumentError(
                f"{type(self).__name__}.{name} exists already and is no part of the module; "
                "choose another name."
            )
        self.__dict__.pop(name, None)
        self._unsaved.discard(name)
        for registry in ("_parameters", "_buffers", "_modules"):
            if registry != kind:
                self.__dict__[registry].pop(name, None)
        self.__dict__[kind][name] = value

    def register_parameter(self, name: str, parameter: Parameter | None) -> None:
        """Add a parameter, or None for one that this instance does without.

        Parameters
        ----------
        name : str
        parameter : Parameter or None
        """
        if parameter is not None and not isinstance(parameter, Parameter):
            raise ArgumentError(
                f"register_parameter: {name!r} must be an nn.Parameter or None, not {_kind(parameter)}."
            )
        self._register("_parameters", name, parameter)
        if parameter is not None:
            self._name(name, parameter)

    def register_buffer(self, name: str, tensor: Any, persistent: bool = True) -> None:
        """Add a tensor that belongs to the state but is not trained.

        Parameters
        ----------
        name : str
        tensor : array_like or None
        persistent : bool
            Whether the state dict holds it.

        Examples
        --------
        >>> import minigrad as mg
        >>> module = mg.nn.Module()
        >>> module.register_buffer("seen", [0.0])
        >>> module.seen = module.seen + 1.0
        >>> module.state_dict()
        {'seen': tensor([1.])}
        """
        value = None if tensor is None else as_tensor(tensor).detach()
        self._register("_buffers", name, value)
        if not persistent:
            self._unsaved.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a submodule under a name.

        Parameters
        ----------
        name : str
        module : Module or None
        """
        if module is not None and not isinstance(module, Module):
            raise ArgumentError(f"add_module: {name!r} must be a module or None, not {_kind(module)}.")
        self._register("_modules", name, module)
        if module is not None:
            module._place(_join(self._path, name), self._label(name, module))

    register_module = add_module

    def _place(self, path: str, label: str) -> None:
        """Become a part of another module: parameters are named by the path, the scope by the label."""
        self.__dict__.update(_path=path, _scope=label)
        for name, parameter in self._parameters.items():
            if parameter is not None:
                self._name(name, parameter)
        for name, module in self.named_children():
            module._place(_join(path, name), self._label(name, module))

    def _label(self, name: str, module: Module) -> str:
        """The scope of a part; a bare number would say little in a picture."""
        return f"{name}: {type(module).__name__}" if name.isdecimal() else name

    def _name(self, name: str, parameter: Parameter) -> None:
        given = parameter.name
        if given is None or given == name or given.endswith(f".{name}"):  # not the user's own
            parameter.name = _join(self._path, name)

    # Walking ------------------------------------------------------------------------------
    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it, with their paths; each once.

        Yields
        ------
        (str, Module)

        Examples
        --------
        >>> import minigrad.nn as nn
        >>> [name for name, _ in nn.Sequential(nn.ReLU(), nn.Tanh()).named_modules()]
        ['', '0', '1']
        """
        memo = set() if memo is None else memo
        if remove_duplicate and self in memo:
            return
        memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, _join(prefix, name), remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and all below it; each once."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below this one, with their names."""
        return ((name, module) for name, module in self._modules.items() if module is not None)

    def children(self) -> Iterator[Module]:
        """The modules directly below this one."""
        return (module for _, module in self.named_children())

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """All parameters with their paths; a shared one once.

        Parameters
        ----------
        prefix : str
            Put before every path.
        recurse : bool
            Whether to go below this module.
        remove_duplicate : bool
            Whether a shared parameter comes once.

        Yields
        ------
        (str, Parameter)

        Examples
        --------
        >>> import minigrad as mg
        >>> [(name, p.shape) for name, p in mg.nn.Linear(3, 2).named_parameters()]
        [('weight', (2, 3)), ('bias', (2,))]
        """
        return self._members("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters; a shared one once."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """All buffers with their paths."""
        return self._members("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _members(self, kind: str, prefix: str, recurse: bool, once: bool) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        modules = (
            self.named_modules(prefix=prefix, remove_duplicate=once) if recurse else [(prefix, self)]
        )
        for path, module in modules:
            for name, value in module.__dict__[kind].items():
                if value is None or (once and id(value) in seen):
                    continue
                seen.add(id(value))
                yield _join(path, name), value

    def get_submodule(self, target: str) -> Module:
        """The module at a path such as ``"body.0"``; the empty path is this module.

        Raises
        ------
        ArgumentError
            If there is none; the message says what there is.

        Examples
        --------
        >>> import minigrad.nn as nn
        >>> nn.Sequential(nn.Sequential(nn.ReLU())).get_submodule("0.0")
        ReLU()
        """
        found: Module = self
        for part in target.split(".") if target else ():
            below = found._modules.get(part)
            if below is None:
                raise ArgumentError(
                    f"get_submodule: there is no {part!r} in {type(found).__name__} on the way to "
                    f"{target!r}; it holds {list(found._modules)}."
                )
            found = below
        return found

    # State --------------------------------------------------------------------------------
    def state_dict(self, prefix: str = "") -> dict[str, Tensor]:
        """All parameters and saved buffers by path: a snapshot that training does not change.

        Parameters
        ----------
        prefix : str
            Put before every path.

        Returns
        -------
        dict of str to Tensor

        Examples
        --------
        >>> import minigrad as mg
        >>> list(mg.nn.BatchNorm1d(3).state_dict())
        ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked']
        """
        return {prefix + path: Tensor(value._value) for path, value in self._saved()}

    def _saved(self) -> Iterator[tuple[str, Tensor]]:
        for path, module in self.named_modules(remove_duplicate=False):
            for name, value in [*module._parameters.items(), *module._buffers.items()]:
                if value is not None and name not in module._unsaved:
                    yield _join(path, name), value

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Take over values by path.  Either everything that fits is loaded, or nothing.

        Parameters
        ----------
        state_dict : mapping of str to array_like
            Tensors or NumPy arrays; they are converted to the module's dtypes.
        strict : bool
            Whether missing and unexpected keys are errors.

        Returns
        -------
        IncompatibleKeys
            ``missing_keys`` and ``unexpected_keys``.

        Raises
        ------
        StateDictError
            If a shape differs, or under `strict` the keys do.

        Examples
        --------
        >>> import minigrad as mg, numpy as np
        >>> layer = mg.nn.Linear(2, 1)
        >>> layer.load_state_dict({"weight": np.ones((1, 2)), "bias": np.zeros(1)})
        IncompatibleKeys(missing_keys=[], unexpected_keys=[])
        >>> layer.weight.tolist()
        [[1.0, 1.0]]
        """
        if not isinstance(state_dict, Mapping):
            raise ArgumentError(
                f"load_state_dict: needs a dict of arrays by path, not {_kind(state_dict)}."
            )
        wanted = dict(self._saved())
        missing = [key for key in wanted if key not in state_dict]
        unexpected = [key for key in state_dict if key not in wanted]
        problems = []
        if strict and missing:
            problems.append(f"missing keys: {', '.join(missing)}")
        if strict and unexpected:
            near = {key: difflib.get_close_matches(key, missing, 1) for key in unexpected}
            told = [f"{key} (did you mean {near[key][0]}?)" if near[key] else key for key in unexpected]
            problems.append(f"unexpected keys: {', '.join(told)}")
        values = {}
        for key, have in wanted.items():
            if key in state_dict:
                new = _read_array(key, state_dict[key])
                if new.shape != have.shape:
                    problems.append(
                        f"{key}: shape {list(new.shape)}, but the module has {list(have.shape)}"
                    )
                values[key] = new
        hint = strict and (missing or unexpected)
        if problems:
            raise StateDictError(
                f"load_state_dict: the state does not fit this {type(self).__name__}, and nothing was "
                "loaded.\n  " + "\n  ".join(problems)
                + ("\nstrict=False passes over keys that do not match." if hint else "")
            )  # fmt: skip
        for key, new in values.items():
            wanted[key].data = new
        return IncompatibleKeys(missing, unexpected)

    # Modes, dtypes, gradients -------------------------------------------------------------
    def train(self, mode: bool = True) -> Self:
        """Training mode for this module and all below; returns it."""
        if not isinstance(mode, bool):
            raise ArgumentError(f"train: mode is True or False, not {_kind(mode)}.")
        for module in self.modules():
            module.__dict__["training"] = mode
        return self

    def eval(self) -> Self:
        """Inference mode for this module and all below; returns it.

        Examples
        --------
        >>> import minigrad.nn as nn
        >>> nn.Sequential(nn.Dropout(0.5)).eval()[0].training
        False
        """
        return self.train(False)

    def to(self, dtype: Any) -> Self:
        """Convert floating parameters and buffers to a dtype; returns the module.

        Parameters
        ----------
        dtype : dtype
            float16, float32 or float64.

        Raises
        ------
        DtypeError
            For anything else.

        Examples
        --------
        >>> import minigrad as mg
        >>> mg.nn.Linear(3, 2).to("float64").weight.dtype
        dtype('float64')
        """
        try:
            wanted = np.dtype(dtype)
        except TypeError:
            wanted = None
        if wanted not in FLOATING:
            raise DtypeError(
                f"to: {dtype!r} is no floating dtype. Write model.to('float64'); minigrad computes on "
                "the CPU and knows no devices."
            )
        for module in self.modules():
            for parameter in module._parameters.values():
                if parameter is not None:
                    parameter.convert(wanted)
            for name, buffer in module._buffers.items():
                if buffer is not None and buffer.dtype in FLOATING and buffer.dtype != wanted:
                    module._buffers[name] = Tensor(buffer._value.astype(wanted))
        return self

    def half(self) -> Self:
        """Convert to float16."""
        return self.to(np.float16)

    def float(self) -> Self:
        """Convert to float32."""
        return self.to(np.float32)

    def double(self) -> Self:
        """Convert to float64."""
        return self.to(np.float64)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Track all parameters from now on, or stop; returns the module."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or set them to zeros."""
        zero_gradients(self.parameters(), set_to_none)

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call a function with every module, the innermost first; returns the module.

        Examples
        --------
        >>> import minigrad.nn as nn
        >>> def small(module):
        ...     if isinstance(module, nn.Linear):
        ...         nn.init.normal_(module.weight, std=0.01)
        >>> _ = nn.Sequential(nn.Linear(2, 2), nn.ReLU()).apply(small)
        """
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # Hooks --------------------------------------------------------------------------------
    def register_forward_hook(self, hook: Callable[[Module, Any, Any], Any]) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after every forward; what it returns replaces the output.

        Returns
        -------
        RemovableHandle
            ``handle.remove()`` takes the hook away.

        Examples
        --------
        >>> import minigrad as mg
        >>> seen = []
        >>> layer = mg.nn.ReLU()
        >>> with layer.register_forward_hook(lambda module, args, out: seen.append(out.tolist())):
        ...     _ = layer(mg.tensor([-1.0, 1.0]))
        >>> seen
        [[0.0, 1.0]]
        """
        return RemovableHandle(self._hooks, hook)

    def register_forward_pre_hook(self, hook: Callable[[Module, Any], Any]) -> RemovableHandle:
        """Call ``hook(module, args)`` before every forward; what it returns replaces the arguments.

        Returns
        -------
        RemovableHandle
            ``handle.remove()`` takes the hook away.

        Examples
        --------
        >>> import minigrad as mg
        >>> layer = mg.nn.ReLU()
        >>> with layer.register_forward_pre_hook(lambda module, args: -args[0]):
        ...     layer(mg.tensor([-1.0, 1.0]))
        tensor([1., 0.])
        """
        return RemovableHandle(self._pre_hooks, hook)

    def register_full_backward_hook(self, hook: Callable[[Module, Any, Any], Any]) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` when a backward pass has passed the module.

        Both are tuples: a gradient per positional argument and per output, None where there is
        none.  What the hook returns replaces `grad_input`.

        Returns
        -------
        RemovableHandle
            ``handle.remove()`` takes the hook away.

        Notes
        -----
        Tensors in keyword arguments, and deeper than in one tuple or list, are not watched; as in
        PyTorch.  Without a tracked argument the hook is called with None for each.

        Examples
        --------
        >>> import minigrad as mg
        >>> def show(module, grad_input, grad_output):
        ...     print(type(module).__name__, grad_input[0].tolist(), grad_output[0].tolist())
        >>> layer = mg.nn.ReLU()
        >>> with layer.register_full_backward_hook(show):
        ...     loss = layer(mg.tensor([-1.0, 1.0], requires_grad=True)).sum()
        >>> loss.backward()
        ReLU [0.0, 1.0] [1.0, 1.0]
        """
        return RemovableHandle(self._backward_hooks, hook)

    def register_full_backward_pre_hook(self, hook: Callable[[Module, Any], Any]) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` when a backward pass arrives at the module.

        What it returns replaces `grad_output`, a tuple with a gradient per output.

        Returns
        -------
        RemovableHandle
            ``handle.remove()`` takes the hook away.

        Examples
        --------
        >>> import minigrad as mg
        >>> layer = mg.nn.ReLU()
        >>> x = mg.tensor([-1.0, 1.0], requires_grad=True)
        >>> with layer.register_full_backward_pre_hook(lambda module, grads: grads[0] * 10.0):
        ...     layer(x).sum().backward()
        >>> x.grad
        tensor([ 0., 10.])
        """
        return RemovableHandle(self._backward_pre_hooks, hook)

    # Text ---------------------------------------------------------------------------------
    def extra_repr(self) -> str:
        """What stands between the parentheses; subclasses define it."""
        return ""

    def __repr__(self) -> str:
        lines = [line for line in [self.extra_repr()] if line]
        below = [
            f"({name}): {module!r}".replace("\n", "\n  ") for name, module in self._modules.items()
        ]
        if not below:
            return f"{type(self).__name__}({''.join(lines)})"
        return f"{type(self).__name__}(\n  " + "\n  ".join(lines + below) + "\n)"


def zero_gradients(parameters: Any, set_to_none: bool) -> None:
    """Forget gradients, or set those that exist to zeros.

    Examples
    --------
    >>> weight = Parameter([1.0])
    >>> (weight * 2.0).sum().backward()
    >>> zero_gradients([weight], set_to_none=True)
    >>> weight.grad is None
    True
    """
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad = None if set_to_none else Tensor(np.zeros(parameter.shape, parameter.dtype))


def dtype_of(model: Module) -> Any:
    """The dtype of the first floating parameter, else of the first floating buffer, or None.

    Examples
    --------
    >>> import minigrad as mg
    >>> dtype_of(mg.nn.Linear(1, 1)).name
    'float32'
    """
    held = [*model.parameters(), *model.buffers()]
    return next((v.dtype for v in held if v.dtype in FLOATING), None)


def converted(x: Any, dtype: Any) -> Any:
    """Floating numbers in another dtype; what holds none as it is.

    Examples
    --------
    >>> converted(np.ones(2), np.dtype("float32")).dtype.name
    'float32'
    >>> converted(np.arange(2), np.dtype("float32"))
    array([0, 1])
    """
    if dtype is None or not isinstance(x, Tensor | np.ndarray) or x.dtype not in FLOATING:
        return x  # first of all: NumPy takes None for float64
    return x if x.dtype == dtype else Tensor((x._value if isinstance(x, Tensor) else x).astype(dtype))


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _kind(value: Any) -> str:
    return (
        describe(value)
        if isinstance(value, Tensor | np.ndarray)
        else f"{type(value).__name__} {value!r}"
    )


def _not_initialised(module: Module) -> ArgumentError:
    name = type(module).__name__
    return ArgumentError(f"{name}: call super().__init__() at the start of {name}.__init__.")


def _read_array(key: str, value: Any) -> Array:
    if isinstance(value, Tensor):
        return value._value
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise StateDictError(f"load_state_dict: cannot read {key!r}: {error}.") from error
    if array.dtype.kind not in "fiub":
        raise StateDictError(
            f"load_state_dict: {key!r} holds {array.dtype} values; numbers are needed."
        )
    return array
