"""A picture in words: what a screen reader says instead of showing it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ..graph.text import printable
from .model import Edge, Node, Picture

MOST = 24  # operations of one pass that are told one by one; of more the first and the last few
ENDS = (12, 4)
NAMES = 12  # of anything else
LONGEST = 60  # characters of a name


def to_text(picture: Picture) -> str:
    """The picture in a few sentences, one a line.

    They say what it is, what goes in, which operations run in which order (of many the first and
    the last ones), which boxes they stand in, what comes out, and which ways the gradient takes.

    Parameters
    ----------
    picture : Picture

    Returns
    -------
    str

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.render import picture
    >>> print(to_text(picture(mg.trace(lambda a: a * a + 1.0, 3.0), title="A parabola")))
    A parabola: a graph of 2 operations, from 1 input to 1 output; every array is f64, unless noted.
    Input: a (scalar).
    Forward, in order: v1 = mul of a and a; v2 = add of v1 and 1.0.
    Output: v2 (scalar).
    """
    sources = {(e.target, e.slot): e for e in picture.edges}
    lines = [summary(picture)]
    for kind, one in (("input", "Input"), ("parameter", "Parameter"), ("constant", "Constant")):
        found = [n for n in picture.nodes if n.kind == kind]
        lines += _line(one, [f"{_name(n)} {_shape(n)}" for n in found], NAMES)
    for order, phase in enumerate(picture.phases):
        steps = [n for n in picture.nodes if n.kind in ("op", "fold") and n.order == order]
        told = [_operation(n, picture, sources) for n in _ends(steps)]
        if len(steps) > MOST:
            told.insert(ENDS[0], f"then {len(steps) - sum(ENDS):,} more ({_most_common(steps)})")
        if told:
            lines.append(f"{phase[:1].upper()}{phase[1:]}, in order: {'; '.join(told)}.")
    lines += _line("Box", _boxes(picture), NAMES, "Boxes")
    outputs = []
    for node in picture.nodes:
        if node.kind == "output":
            edge = sources.get((node.id, 0))
            source = picture.node[edge.source] if edge else node
            made = _name(node if source.kind == "fold" else source)
            title = _short(node.title)
            name = made if title in (made, "output") else f"{title} = {made}"
            outputs.append(f"{name} {_shape(node)}")
    lines += _line("Output", outputs, NAMES)
    if picture.routes:
        lines.append(_routes(picture))
    if picture.steps:
        ran = Counter(step.phase for step in picture.steps)
        lines.append(f"Recorded: {ran['forward']:,} forward and {ran['backward']:,} backward steps.")
    return "\n".join(lines)


def summary(picture: Picture) -> str:
    """The first sentence: what there is to see.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.render import picture
    >>> summary(picture(mg.trace(mg.sin, 3.0)))
    'sin: a graph of 1 operation, from 1 input to 1 output; every array is f64, unless noted.'
    """
    counts = Counter(node.kind for node in picture.nodes)
    parts = [_count(counts["op"], "operation")] if counts["op"] or not counts["fold"] else []
    if counts["fold"]:
        parts.append(_count(counts["fold"], "folded box", "folded boxes"))
    note = f"; {printable(picture.subtitle)}" if picture.subtitle else ""
    return (
        f"{_short(picture.title)}: a graph of {' and '.join(parts)}, from "
        f"{_count(counts['input'], 'input')} to {_count(counts['output'], 'output')}{note}."
    )


def _count(number: int, one: str, several: str = "") -> str:
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def _short(text: str) -> str:
    text = printable(text)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _name(node: Node) -> str:
    """What other nodes call it."""
    if node.kind == "constant" or not node.label:
        return _short(node.title)
    return _short(node.label)


def _shape(node: Node) -> str:
    if not node.shape:
        return "(scalar)"
    return f"({', '.join(map(str, node.shape))}{',' if len(node.shape) == 1 else ''})"


def _line(one: str, items: Sequence[str], most: int, several: str = "") -> list[str]:
    """A list as a sentence; nothing for nothing."""
    if not items:
        return []
    shown = [*items[:most], *([f"and {len(items) - most:,} more"] if len(items) > most else [])]
    return [f"{one if len(items) == 1 else several or one + 's'}: {', '.join(shown)}."]


def _ends(steps: Sequence[Node]) -> Iterable[Node]:
    return steps if len(steps) <= MOST else [*steps[: ENDS[0]], *steps[-ENDS[1] :]]


def _most_common(steps: Sequence[Node]) -> str:
    counts = Counter(n.op or _short(n.title) for n in steps).most_common(4)
    return "of all most often " + ", ".join(f"{name} {number:,} times" for name, number in counts)


def _operation(node: Node, picture: Picture, sources: dict[tuple[str, int], Edge]) -> str:
    if node.kind == "fold":
        copies = f", {node.copies:,} times in a row" if node.copies > 1 else ""
        return f"the box {_short(node.title)} of {node.detail}{copies}"
    operands = []
    for slot, operand in enumerate(node.operands):
        edge = sources.get((node.id, slot))
        if edge is not None:
            operands.append(_name(picture.node[edge.source]))
        elif not operand[:1].isalpha() or not operand[1:].isdigit():  # a number, not a node folded away
            operands.append(operand)
    inside = f"({_short(node.parameters)})" if node.parameters else ""
    of = f" of {_and(operands)}" if operands else ""
    return f"{_name(node)} = {node.op}{inside}{of}"


def _and(items: Sequence[str]) -> str:
    if len(items) > NAMES:
        items = [*items[:NAMES], f"{len(items) - NAMES:,} more"]
    return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]]))


def _boxes(picture: Picture) -> list[str]:
    inside = Counter(
        around for n in picture.nodes if n.kind == "op" for around in picture.around[n.scope]
    )
    return [
        f"{_short(scope.label)}{f' × {scope.copies:,}' if scope.copies > 1 else ''} "
        f"({_count(inside[scope.id], 'operation')})"
        for scope in picture.scopes
    ]


def _routes(picture: Picture) -> str:
    split = picture.paths
    to = f" to {_name(picture.node[split.target])}" if split and split.target in picture.node else ""
    line = f"Ways of the gradient{to}: {', '.join(map(_short, picture.routes))}."
    if split is None or split.survives != split.survives:  # without numbers, or NaN
        return line
    shares = [
        f"{_short(route)} {part.share:.1%}"
        for route, part in zip(picture.routes, split.parts)
        if part.crossed
    ]
    whole = "nothing but rounding" if split.cancels else f"{split.survives:.1%}"
    return (
        f"{line} Squared lengths, as shares of the direct way's: {', '.join(shares)}; of the whole "
        f"{whole}."
    )
