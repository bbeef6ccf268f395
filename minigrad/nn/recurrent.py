"""Recurrent layers: RNN, LSTM and GRU, step by step and over whole sequences.

A step makes the next state of what the input and the hidden state contribute to all gates.  The
contribution of a whole sequence is one matrix product; then the steps follow one another.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from inspect import cleandoc
from typing import Any, ClassVar

import numpy as np

import minigrad as mg

from ..errors import ArgumentError, ShapeError
from ..seeding import check_generator
from ..tensor import Tensor, as_tensor, describe
from . import functional, init
from .functional.arguments import as_input
from .layers import check_size
from .module import Module
from .parameter import Parameter
from .text import unusual

State = tuple[Tensor, ...]  # the hidden state, and of an LSTM the cell state
Step = Callable[[Tensor, Tensor, State], State]


# One step -----------------------------------------------------------------------------------------


def _elman(nonlinearity: Callable[[Any], Tensor]) -> Step:
    def step(from_input: Tensor, from_hidden: Tensor, state: State) -> State:
        return (nonlinearity(from_input + from_hidden),)

    return step


def _lstm(from_input: Tensor, from_hidden: Tensor, state: State) -> State:
    enter, forget, new, leave = mg.split(from_input + from_hidden, 4, axis=-1)
    cell = mg.sigmoid(forget) * state[1] + mg.sigmoid(enter) * mg.tanh(new)
    return mg.sigmoid(leave) * mg.tanh(cell), cell


def _gru(from_input: Tensor, from_hidden: Tensor, state: State) -> State:
    reset, update, new = mg.split(from_input, 3, axis=-1)
    hidden_reset, hidden_update, hidden_new = mg.split(from_hidden, 3, axis=-1)
    kept = mg.sigmoid(update + hidden_update)
    proposed = mg.tanh(new + mg.sigmoid(reset + hidden_reset) * hidden_new)
    return (proposed + kept * (state[0] - proposed),)


_ELMAN = {"tanh": _elman(mg.tanh), "relu": _elman(mg.relu)}


class _Recurrent(Module):
    """What cells and layers share: the step, how many gates it has, and the first values."""

    _gates: ClassVar[int] = 1
    _states: ClassVar[int] = 1

    input_size: int
    hidden_size: int
    proj_size = 0

    def _step(self) -> Step:
        raise NotImplementedError

    def _sizes(self, input_size: int, hidden_size: int) -> None:
        who = type(self).__name__
        self.input_size = check_size(who, "input_size", input_size)
        self.hidden_size = check_size(who, "hidden_size", hidden_size)
        if not input_size or not hidden_size:
            raise ArgumentError(f"{who}: input_size and hidden_size must be positive.")

    @property
    def _width(self) -> int:
        """Of the hidden state, which an LSTM may project."""
        return self.proj_size or self.hidden_size

    def _add(self, suffix: str, inputs: int, bias: bool, dtype: Any) -> None:
        """The parameters of one step."""
        rows = self._gates * self.hidden_size
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (rows, inputs), "weight_hh": (rows, self._width),
            "bias_ih": (rows,), "bias_hh": (rows,),
        }  # fmt: skip
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        for name, shape in shapes.items():
            wanted = bias or not name.startswith("bias")
            self.register_parameter(
                name + suffix, Parameter(np.zeros(shape, dtype)) if wanted else None
            )

    def reset_parameters(self, generator: np.random.Generator | None = None) -> None:
        """Draw the first values again."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound, generator=generator)

    def _given(self, x: Any, most: int, expected: str) -> Tensor:
        """The input, if axes, size and dtype fit."""
        x, who = as_input(x), type(self).__name__
        if x.ndim not in (most - 1, most) or x.shape[-1] != self.input_size:
            raise ShapeError(
                f"{who}: x must be {expected} with input_size={self.input_size}, and it is "
                f"{describe(x)}."
            )
        functional.same_dtype(who, x, weight=next(self.parameters()))
        return x

    def _state(self, hx: Any, lead: tuple[int, ...], x: Tensor) -> State:
        """The first state, with some leading sizes; zeros if none is given."""
        shapes = [(*lead, width) for width in (self._width, self.hidden_size)]
        if hx is None:
            return tuple([Tensor(np.zeros(shape, x.dtype)) for shape in shapes[: self._states]])
        who = type(self).__name__
        if self._states > 1 and not (isinstance(hx, tuple | list) and len(hx) == self._states):
            raise ArgumentError(f"{who}: the state is a pair, hidden and cell state: (h, c).")
        given = hx if self._states > 1 else [hx]
        parts: dict[str, Any] = dict(zip("hc", map(as_tensor, given), strict=False))
        for (name, part), shape in zip(parts.items(), shapes, strict=False):
            if part.shape != shape:
                raise ShapeError(
                    f"{who}: x is {describe(x)} and the state {name} is {describe(part)}, but it must "
                    f"be {list(shape)}."
                )
        functional.same_dtype(who, x, **parts)
        return tuple(parts.values())


# Cells --------------------------------------------------------------------------------------------


class _Cell(_Recurrent):
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        dtype: Any = np.float32,
        *,
        generator: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self._sizes(input_size, hidden_size)
        self.bias = bias
        self._add("", input_size, bias, dtype)
        self.reset_parameters(generator)

    def _next(self, x: Any, hx: Any) -> State:
        x = self._given(x, 2, "(N, input_size) or (input_size,)")
        state = self._state(hx, x.shape[:-1], x)
        from_input = functional.linear(x, self.weight_ih, self.bias_ih)
        from_hidden = functional.linear(state[0], self.weight_hh, self.bias_hh)
        return self._step()(from_input, from_hidden, state)

    def forward(self, x: Any, hx: Any = None) -> Any:
        """The state after x, from the state before; zeros if none is given."""
        return self._next(x, hx)[0]

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.input_size}, {self.hidden_size}" + unusual(bias=(self.bias, True))


class RNNCell(_Cell):
    """One step of a recurrent network: ``tanh(W_ih x + b_ih + W_hh h + b_hh)``.

    Parameters
    ----------
    input_size, hidden_size : int
    bias : bool
        Whether to add the two biases.
    nonlinearity : {"tanh", "relu"}
    dtype : dtype
        Of the parameters; float32, as in PyTorch.
    generator : numpy.random.Generator, optional
        For the first values; by default the one of :func:`minigrad.manual_seed`.

    Attributes
    ----------
    weight_ih, weight_hh, bias_ih, bias_hh : Parameter
        At first uniform between -k and k with ``k = 1 / sqrt(hidden_size)``.

    Examples
    --------
    >>> import minigrad as mg
    >>> cell = mg.nn.RNNCell(3, 5)
    >>> h = cell(mg.tensor(np.ones((2, 3), "float32")))
    >>> cell(mg.tensor(np.ones((2, 3), "float32")), h).shape
    (2, 5)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        dtype: Any = np.float32,
        *,
        generator: np.random.Generator | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, dtype, generator=generator)
        self.nonlinearity = _check_nonlinearity("RNNCell", nonlinearity)

    def _step(self) -> Step:
        return _ELMAN[self.nonlinearity]

    def extra_repr(self) -> str:
        """The sizes."""
        return super().extra_repr() + unusual(nonlinearity=(self.nonlinearity, "tanh"))


class LSTMCell(_Cell):
    """One step of a long short-term memory.

    Parameters
    ----------
    input_size, hidden_size : int
    bias : bool
        Whether to add the two biases.
    dtype : dtype
        Of the parameters; float32, as in PyTorch.
    generator : numpy.random.Generator, optional
        For the first values; by default the one of :func:`minigrad.manual_seed`.

    Attributes
    ----------
    weight_ih, weight_hh, bias_ih, bias_hh : Parameter
        For input gate, forget gate, new value and output gate, in this order; at first uniform
        between -k and k with ``k = 1 / sqrt(hidden_size)``.

    Examples
    --------
    >>> import minigrad as mg
    >>> h, c = mg.nn.LSTMCell(3, 5)(mg.tensor(np.ones((2, 3), "float32")))
    >>> h.shape, c.shape
    ((2, 5), (2, 5))
    """

    _gates = 4
    _states = 2

    def _step(self) -> Step:
        return _lstm

    def forward(self, x: Any, hx: Any = None) -> tuple[Tensor, Tensor]:
        """Hidden and cell state after x, from those before; zeros if none are given."""
        hidden, cell = self._next(x, hx)
        return hidden, cell


class GRUCell(_Cell):
    """One step of a gated recurrent unit.

    Parameters
    ----------
    input_size, hidden_size : int
    bias : bool
        Whether to add the two biases.
    dtype : dtype
        Of the parameters; float32, as in PyTorch.
    generator : numpy.random.Generator, optional
        For the first values; by default the one of :func:`minigrad.manual_seed`.

    Attributes
    ----------
    weight_ih, weight_hh, bias_ih, bias_hh : Parameter
        For reset gate, update gate and new value, in this order; at first uniform between -k
        and k with ``k = 1 / sqrt(hidden_size)``.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.GRUCell(3, 5)(mg.tensor(np.ones((2, 3), "float32"))).shape
    (2, 5)
    """

    _gates = 3

    def _step(self) -> Step:
        return _gru


# Layers -------------------------------------------------------------------------------------------


class _Layer(_Recurrent):
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        dtype: Any = np.float32,
        *,
        generator: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        self._sizes(input_size, hidden_size)
        self.num_layers = check_size(who, "num_layers", num_layers)
        if not num_layers:
            raise ArgumentError(f"{who}: num_layers must be positive.")
        functional.check_probability(who, dropout, "dropout")
        if dropout and num_layers == 1:
            warnings.warn(
                f"{who}: dropout={dropout} acts between layers, and with num_layers=1 there is no such "
                "place. Put an nn.Dropout after the layer, or leave it out.",
                stacklevel=3,
            )
        self.proj_size = check_size(who, "proj_size", proj_size)
        if proj_size and self._states == 1:
            raise ArgumentError(f"{who}: proj_size={proj_size}: only an nn.LSTM projects its state.")
        if proj_size >= hidden_size:
            raise ArgumentError(
                f"{who}: proj_size={proj_size} must be smaller than hidden_size={hidden_size}, or 0."
            )
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.generator = check_generator(who, generator)
        for layer in range(num_layers):
            inputs = self._width * len(self._directions) if layer else input_size
            for direction in self._directions:
                self._add(f"_l{layer}{direction}", inputs, bias, dtype)
        self.reset_parameters(generator)

    @property
    def _directions(self) -> tuple[str, ...]:
        return ("", "_reverse") if self.bidirectional else ("",)

    def forward(self, x: Any, hx: Any = None) -> tuple[Tensor, Any]:
        """The hidden states of the last layer at all times, and the last states of all layers."""
        axes = "(N, L, input_size)" if self.batch_first else "(L, N, input_size)"
        x = self._given(x, 3, f"{axes} or (L, input_size)")
        single = x.ndim == 2
        time = 1 if self.batch_first and not single else 0
        if not x.shape[time]:
            raise ShapeError(
                f"{type(self).__name__}: x is {describe(x)}: a sequence without any steps."
            )
        count = self.num_layers * len(self._directions)
        batch = () if single else (x.shape[1 - time],)
        first = [mg.unstack(s) for s in self._state(hx, (count, *batch), x)]
        last: list[State] = []
        x = mg.swapaxes(x, 0, time) if time else x
        for layer in range(self.num_layers):
            if layer and self.dropout:
                x = functional.dropout(x, self.dropout, self.training, self.generator)
            found = []
            for direction in self._directions:
                state = tuple([s[len(last)] for s in first])
                with mg.scope(f"l{layer}{direction}"):
                    out, state = self._run_over(x, state, f"_l{layer}{direction}")
                found.append(out)
                last.append(state)
            x = found[0] if len(found) == 1 else mg.concatenate(found, axis=-1)
        x = mg.swapaxes(x, 0, time) if time else x
        states = tuple([mg.stack([state[i] for state in last]) for i in range(self._states)])
        return x, states if self._states > 1 else states[0]

    def _run_over(self, x: Tensor, state: State, suffix: str) -> tuple[Tensor, State]:
        """One layer in one direction: the hidden states at all times, and the last state."""
        weight_ih, weight_hh, bias_ih, bias_hh = [
            getattr(self, name + suffix) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        ]
        step, backwards = self._step(), suffix.endswith("_reverse")
        inputs = mg.unstack(functional.linear(x, weight_ih, bias_ih))
        transposed = mg.transpose(weight_hh)  # once for all steps
        projection = mg.transpose(getattr(self, "weight_hr" + suffix)) if self.proj_size else None
        hidden = []
        for t in reversed(range(len(inputs))) if backwards else range(len(inputs)):
            with mg.scope(f"t{t}"):
                from_hidden = mg.matmul(state[0], transposed)
                if bias_hh is not None:
                    from_hidden = from_hidden + bias_hh
                state = step(inputs[t], from_hidden, state)
                if projection is not None:
                    state = (mg.matmul(state[0], projection), *state[1:])
            hidden.append(state[0])
        return mg.stack(hidden[::-1] if backwards else hidden), state

    def extra_repr(self) -> str:
        """The settings, without those that are as usual."""
        return f"{self.input_size}, {self.hidden_size}" + unusual(
            proj_size=(self.proj_size, 0),
            num_layers=(self.num_layers, 1),
            bias=(self.bias, True),
            batch_first=(self.batch_first, False),
            dropout=(self.dropout, 0.0),
            bidirectional=(self.bidirectional, False),
        )


_SHARED = """
    bias : bool
        Whether to add the two biases.
    batch_first : bool
        Whether input and output are (N, L, ...) instead of (L, N, ...); states never are.
    dropout : float
        Probability for a dropout between layers, in training mode.
    bidirectional : bool
        Whether a second set of weights goes over the sequence backwards, too; the outputs of
        both stand side by side.
    dtype : dtype
        Of the parameters; float32, as in PyTorch.
    generator : numpy.random.Generator, optional
        For the first values and the dropout; by default the one of :func:`minigrad.manual_seed`.

    Attributes
    ----------
    weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, weight_ih_l1, ... : Parameter
        Per layer, with ``_reverse`` at the end for the way back; the rows as in the cell.  At
        first uniform between -k and k with ``k = 1 / sqrt(hidden_size)``.
"""


def _documented(doc: str) -> str:
    """A docstring with the parameters that all three layers share."""
    return cleandoc(doc.replace("    {shared}\n", _SHARED.strip("\n") + "\n\n"))


class RNN(_Layer):
    __doc__ = _documented("""
    A recurrent network over sequences: ``h = tanh(W_ih x + b_ih + W_hh h + b_hh)``.

    Parameters
    ----------
    input_size, hidden_size : int
    num_layers : int
        How many, one upon the other.
    nonlinearity : {"tanh", "relu"}
    {shared}
    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.RNN(3, 5, num_layers=2)
    >>> out, h = layer(mg.tensor(np.ones((7, 2, 3), "float32")))
    >>> out.shape, h.shape
    ((7, 2, 5), (2, 2, 5))
    """)

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        dtype: Any = np.float32,
        *,
        generator: np.random.Generator | None = None,
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, dtype,
            generator=generator,
        )  # fmt: skip
        self.nonlinearity = _check_nonlinearity("RNN", nonlinearity)

    def _step(self) -> Step:
        return _ELMAN[self.nonlinearity]


class LSTM(_Layer):
    __doc__ = _documented("""
    A long short-term memory over sequences.

    Parameters
    ----------
    input_size, hidden_size : int
    num_layers : int
        How many, one upon the other.
    proj_size : int
        Unless 0, every hidden state is multiplied by a matrix, ``weight_hr_l0`` and so on, to this
        size, and the next step sees the product; the cell state keeps `hidden_size`.
    {shared}
    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.LSTM(3, 5, num_layers=2)
    >>> out, (h, c) = layer(mg.tensor(np.ones((7, 2, 3), "float32")))
    >>> out.shape, h.shape, c.shape
    ((7, 2, 5), (2, 2, 5), (2, 2, 5))
    """)

    _gates = 4
    _states = 2

    def _step(self) -> Step:
        return _lstm


class GRU(_Layer):
    __doc__ = _documented("""
    A gated recurrent unit over sequences.

    Parameters
    ----------
    input_size, hidden_size : int
    num_layers : int
        How many, one upon the other.
    proj_size : int
        Refused, unless 0, as in PyTorch: an LSTM's.
    {shared}
    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.GRU(3, 5, num_layers=2)
    >>> out, h = layer(mg.tensor(np.ones((7, 2, 3), "float32")))
    >>> out.shape, h.shape
    ((7, 2, 5), (2, 2, 5))
    """)

    _gates = 3

    def _step(self) -> Step:
        return _gru


def _check_nonlinearity(who: str, nonlinearity: str) -> str:
    if nonlinearity not in _ELMAN:
        raise ArgumentError(f'{who}: nonlinearity is "tanh" or "relu", not {nonlinearity!r}.')
    return nonlinearity
