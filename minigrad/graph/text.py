"""A graph as text: reads like mathematics, with shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ops.index import Slot
from .ir import Equation, Scalar, Value

if TYPE_CHECKING:
    from .graph import Graph


def to_text(graph: Graph) -> str:
    """The whole graph; scopes are indented headings, broadcasts are steps of their own."""
    lines = [_heading(graph)]
    lines += [f"  {line}" for line in _stored(graph)]
    for depth, title, block in _blocks(graph):
        if title:
            lines.append("  " * depth + title)
        left = _column([_left(graph, e) for e in block])
        right = _column([expression(graph, e) for e in block])
        lines += [
            f"{'  ' * (depth + 1)}{a} = {b}  {_remark(graph, e)}".rstrip()
            for a, b, e in zip(left, right, block, strict=True)
        ]
    lines.append(f"  return {', '.join(_outputs(graph))}")
    lines += [
        f'  # a value left the graph at "{file}", line {line}: what was done with it is fixed'
        for file, line in graph.looked
    ]
    return "\n".join(lines)


# Pieces, also used by pictures ---------------------------------------------------------------


TURNS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def printable(text: str) -> str:
    """Any text on one line, of characters that XML allows, too: others are spelled out.

    So are the marks that turn the direction of the text around them: a name that holds one must
    not rearrange its neighbours.

    Examples
    --------
    >>> print(printable("a\\x00b"))
    a\\x00b
    """
    if text.isprintable():  # the usual case, at once
        return text
    kept = []
    for c in text:
        odd = ord(c) < 32 or 127 <= ord(c) < 160 or 0xD800 <= ord(c) < 0xE000
        odd = odd or c in "\u2028\u2029\ufffe\uffff" or c in TURNS
        kept.append(c.encode("unicode_escape").decode() if odd else c)
    return "".join(kept)


def short_dtype(dtype: np.dtype[Any]) -> str:
    """A dtype as a letter and its bits.

    Examples
    --------
    >>> short_dtype(np.dtype("float32")), short_dtype(np.dtype(bool))
    ('f32', 'bool')
    """
    return "bool" if dtype.kind == "b" else f"{dtype.kind}{dtype.itemsize * 8}"


def type_of(value: Any) -> str:
    """Dtype and shape of a value.

    Examples
    --------
    >>> type_of(np.zeros((4, 3)))
    'f64[4,3]'
    """
    return f"{short_dtype(value.dtype)}[{','.join(map(str, value.shape))}]"


def label_values(values: Sequence[Value]) -> tuple[str, ...]:
    """A unique label per value.

    Its name; or ``d_`` and the label of what it is the cotangent of (``t_`` for a tangent, a
    number added for one of several contributions); or ``v`` and its number.
    """
    labels: list[str] = [""] * len(values)
    taken: set[str] = set()
    counts: dict[str, int] = {}

    def give(value: Value, wish: str, first: bool = True) -> None:
        label = wish if first else f"{wish}_1"
        while not label or label in taken:
            counts[wish] = counts.get(wish, 1) + 1
            label = f"{wish}_{counts[wish]}"
        taken.add(label)
        labels[value.id] = label

    later = []
    for value in values:
        if value.name:
            give(value, printable(value.name))
        elif value.cotangent_of or value.tangent_of or value.part_of:
            later.append(value)
        else:
            give(value, f"v{value.id}")
    later.sort(key=lambda v: (v.kind == "constant", v.id))  # seeds after what they belong to
    for value in later:
        whole = value.cotangent_of or value.tangent_of
        targets = whole or value.part_of
        best = min(targets, key=lambda t: (values[t].kind == "result", values[t].name is None, t))
        letter = "t" if value.tangent_of and not value.cotangent_of else "d"
        give(value, f"{letter}_{labels[best] or f'v{best}'}", first=bool(whole))
    return tuple(labels)


def reference(graph: Graph, ref: int | Scalar) -> str:
    """An operand: a label, or a Python number."""
    return repr(ref.value) if isinstance(ref, Scalar) else graph.labels[ref]


def static(graph: Graph, equation: Equation) -> str:
    """The parameters that the shapes do not tell already."""
    out = next(graph.values[o] for o in equation.outputs if o is not None)
    first = equation.inputs[0]
    every = () if isinstance(first, Scalar) else tuple(range(len(graph.values[first].shape)))
    seen = {"shape": out.shape, "dtype": out.dtype, "axis": every or None}
    filled = _filled(graph, equation)
    return ", ".join(
        key if value is True else f"{key}={_plain(value)}"
        for key, value in filled.items()
        if value is not False and value is not None and not (key in seen and _equal(seen[key], value))
    )


def _filled(graph: Graph, equation: Equation) -> Mapping[str, Any]:
    """The parameters, with an index as it was written: its arrays are the last inputs."""
    index = equation.params.get("index")
    if not isinstance(index, tuple):
        return equation.params
    count = sum(isinstance(part, Slot) for part in index)
    arrays = iter(equation.inputs[len(equation.inputs) - count :])
    parts = [_array(graph, next(arrays)) if isinstance(part, Slot) else part for part in index]
    return {**equation.params, "index": tuple(parts)}


class _Verbatim(str):
    """Text that stands for itself, without quotes."""

    def __repr__(self) -> str:
        return str(self)


def _array(graph: Graph, ref: int | Scalar) -> _Verbatim:
    """An array of an index: values of a short constant, type of a long one, otherwise its label."""
    value = None if isinstance(ref, Scalar) else graph.values[ref]
    if value is None or value.kind != "constant":
        return _Verbatim(reference(graph, ref))
    return _Verbatim(constant_text(value) or type_of(value))


def expression(graph: Graph, equation: Equation, types: bool = True) -> str:
    """The right-hand side of an equation."""
    operands = [
        reference(graph, ref)
        + (f": {type_of(graph.values[ref])}" if types and not isinstance(ref, Scalar) else "")
        for ref in equation.inputs
    ]
    params = static(graph, equation)
    return f"{equation.op}({', '.join([*operands, params] if params else operands)})"


def phase(graph: Graph, order: int) -> str:
    """What the equations of an order of differentiation are called."""
    if order < 2:
        return ("forward", "backward" if graph.reverse[order] else "pushforward")[order]
    return {2: "second", 3: "third"}.get(order, f"{order}th") + " derivative"


def constant_text(value: Value, limit: int = 6) -> str:
    """A constant's value if it is short, else ""."""
    if value.array is None or value.array.size > limit:
        return ""
    return np.array2string(value.array, separator=", ", precision=6).replace("\n", "")


# Parts of the whole -----------------------------------------------------------------------------


def _heading(graph: Graph) -> str:
    inputs = ", ".join(f"{graph.labels[i]}: {type_of(graph.values[i])}" for i in graph.inputs)
    return f"{printable(graph.name)}({inputs})"


def _stored(graph: Graph) -> Iterator[str]:
    for value in graph.values:
        if value.kind in ("parameter", "constant"):
            text = constant_text(value) if value.kind == "constant" else ""
            unknown = value.kind == "constant" and value.array is None
            yield (
                f"{value.kind} {graph.labels[value.id]}: {type_of(value)}"
                + (f" = {text}" if text else "")
                + ("  # value not kept" if unknown else "")
            )


def _blocks(graph: Graph) -> Iterator[tuple[int, str, list[Equation]]]:
    """Runs of equations of one scope and one order, with the headings that open them."""
    block: list[Equation] = []
    path: tuple[int | str, ...] = ()
    depth, title = 0, ""
    for equation in graph.equations:
        # the derivative of a scope stands under the scope's name, under "backward"
        new: tuple[int | str, ...] = equation.scope
        if equation.order:
            new = (equation.order, *new)
        if new != path:
            if block or title:
                yield depth, title, block
            common = 0
            while common < min(len(path), len(new)) and path[common] == new[common]:
                common += 1
            for level in range(common, len(new) - 1):
                yield level + 1, _title(graph, new[level]), []
            depth = len(new)
            # without a heading it goes on in a scope that is open
            title = _title(graph, new[-1]) if len(new) > common else ""
            path, block = new, []
        block.append(equation)
    yield depth, title, block


def _title(graph: Graph, scope: int | str) -> str:
    return f"{phase(graph, scope) if isinstance(scope, int) else printable(scope)}:"


def _left(graph: Graph, equation: Equation) -> str:
    return ", ".join(
        "_" if o is None else f"{graph.labels[o]}: {type_of(graph.values[o])}" for o in equation.outputs
    )


def _remark(graph: Graph, equation: Equation) -> str:
    remarks = []
    if equation.vjp_of is not None:
        made = [o for o in graph.equations[equation.vjp_of].outputs if o is not None]
        remarks.append(f"rule of {graph.labels[made[0]]}")
    for out in equation.outputs:
        if out is not None:
            value = graph.values[out]
            same = [f"d_{graph.labels[t]}" for t in value.cotangent_of]
            same += [f"t_{graph.labels[t]}" for t in value.tangent_of]
            remarks += [f"= {label}" for label in same if label != graph.labels[out]]
    if not equation.recording:
        remarks.append("no gradient passes")
    return f"# {', '.join(remarks)}" if remarks else ""


def _outputs(graph: Graph) -> list[str]:
    names = graph.output_names or ("",) * len(graph.outputs)
    return [
        (
            f"{name} = "
            if name and not name.replace(".", "").isdigit() and name != graph.labels[o]
            else ""
        )
        + f"{graph.labels[o]}: {type_of(graph.values[o])}"
        for name, o in zip(names, graph.outputs, strict=True)
    ]


def _column(texts: list[str]) -> list[str]:
    """Padded to equal width."""
    width = max(map(len, texts), default=0)
    return [text.ljust(width) for text in texts]


def _plain(value: Any) -> str:
    """A parameter as a user would write it."""
    if isinstance(value, slice):
        ends = ("" if value.start is None else value.start, "" if value.stop is None else value.stop)
        return f"{ends[0]}:{ends[1]}" + (f":{value.step}" if value.step is not None else "")
    if isinstance(value, list | tuple):
        if len(value) == 1:
            return _plain(value[0])
        return f"({', '.join(map(_plain, value))})"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{k}: {_plain(v)}' for k, v in value.items())}}}"
    if value is Ellipsis:
        return "..."
    return str(value) if isinstance(value, np.dtype) else repr(value)


def _equal(seen: Any, value: Any) -> bool:
    return isinstance(value, tuple | np.dtype) and seen == value
