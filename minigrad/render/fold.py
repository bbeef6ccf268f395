"""Folding: a box becomes one node, and equal blocks in a row become one box with "× N"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..errors import ArgumentError
from .model import Edge, Node, Picture, Scope

Fold = Literal["auto", "all", "none"] | int | Sequence[str]

FEW = 80  # a picture with up to so many nodes is not folded unless somebody asks
MANY = 400  # of a larger one so many are left to be seen
PERIOD = 48  # blocks of up to so many operations and boxes are looked for


def fold(picture: Picture, how: Fold = "auto") -> Picture:
    """Fold a picture.

    Parameters
    ----------
    picture : Picture
    how : {"auto", "all", "none"}, int, or sequence of str
        "auto" leaves a picture of up to 80 nodes as it is; in a larger one it folds equal blocks
        in a row, and then boxes, the innermost first, until 400 nodes are left.  "all" folds every
        outermost box.  A number is how deep boxes stay open.  Names fold the boxes that are called so.

    Returns
    -------
    Picture

    Raises
    ------
    ArgumentError
        For something else, or a name that no box has.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.render import picture
    >>> x = y = mg.tensor(1.0, requires_grad=True, name="x")
    >>> for _ in range(60):
    ...     y = y + y
    >>> folded = fold(picture(mg.Graph.of(y)), 0)
    >>> [(n.title, n.copies) for n in folded.nodes]
    [('x', 1), ('add', 60), ('output', 1)]
    """
    if how == "none":
        return picture
    if how == "auto":
        return picture if len(picture.nodes) <= FEW else _until_few(group_repeats(picture))
    grouped = group_repeats(picture)
    if how == "all":
        how = 0
    if isinstance(how, int) and not isinstance(how, bool) and how >= 0:
        return collapse(grouped, _at_depth(grouped, how, {scope.id for scope in picture.scopes}))
    if isinstance(how, list | tuple) and all(isinstance(name, str) for name in how):
        return collapse(grouped, _named(grouped, how))
    raise ArgumentError(
        f'render: fold is "auto", "all", "none", how many levels of boxes stay open (0, 1, ...), or a '
        f'list of their names, ["BatchNorm1d"], not {how!r}.'
    )


def _at_depth(picture: Picture, depth: int, counted: set[str]) -> list[str]:
    """The boxes with so many boxes around them that count; those around equal blocks do not."""
    around = picture.around.items()
    return [s for s, boxes in around if s and len(counted.intersection(boxes[:-1])) == depth]


def _named(picture: Picture, names: Sequence[str]) -> list[str]:
    known = {scope.label for scope in picture.scopes}
    for name in names:
        if name not in known:
            raise ArgumentError(
                f"render: fold={list(names)!r}, but no box is called {name!r}; there are "
                f"{', '.join(sorted(known)) or 'none'}."
            )
    return [scope.id for scope in picture.scopes if scope.label in names]


def _until_few(picture: Picture) -> Picture:
    shut = {scope.id for scope in picture.scopes if scope.copies > 1}
    folded = collapse(picture, shut)
    depth = max(map(len, picture.around.values())) - 1
    while len(folded.nodes) > MANY and depth >= 0:
        shut.update(s for s, around in picture.around.items() if len(around) == depth + 1)
        folded = collapse(picture, shut)
        depth -= 1
    return folded


def collapse(picture: Picture, scopes: Iterable[str]) -> Picture:
    """Draw each of some boxes as one node.

    Parameters and constants that nothing outside uses go into the box.  Edges between the same two
    nodes become one.  Steps, which belong to single operations, are left out.

    Parameters
    ----------
    picture : Picture
    scopes : iterable of str
        Ids of boxes.

    Returns
    -------
    Picture
    """
    shut = set(scopes)
    if not shut:
        return picture
    outermost = {s: next((a for a in around if a in shut), "") for s, around in picture.around.items()}
    seen_as = {n.id: outermost[n.scope] or n.id for n in picture.nodes}
    users: dict[str, set[str]] = {}
    for edge in picture.edges:
        users.setdefault(edge.source, set()).add(seen_as[edge.target])
    for node in picture.nodes:
        if node.kind in ("parameter", "constant") and len(users.get(node.id, ())) == 1:
            (user,) = users[node.id]
            if user in shut:
                seen_as[node.id] = user
    inside: dict[str, list[Node]] = {}
    for node in picture.nodes:
        inside.setdefault(seen_as[node.id], []).append(node)
    by_id = {scope.id: scope for scope in picture.scopes}
    nodes = [
        _folded(by_id[seen], members, seen_as) if seen in shut
        else replace(members[0], twin=seen_as.get(members[0].twin, ""))
        for seen, members in inside.items()
    ]  # fmt: skip
    kept = [s for s in picture.scopes if not outermost[s.id]]
    return replace(
        picture, nodes=tuple(nodes), scopes=tuple(kept), steps=(),
        edges=tuple(_merged(picture.edges, seen_as, shut)),
    )  # fmt: skip


def _folded(scope: Scope, members: list[Node], seen_as: dict[str, str]) -> Node:
    operations = [n for n in members if n.kind == "op"]
    twins = {seen_as[n.twin] for n in operations if n.twin}
    number = len(operations) // scope.copies
    count = f"{number} operation" + ("s" if number != 1 else "") + (" each" if scope.copies > 1 else "")
    return Node(
        scope.id, "fold", scope.order, scope.label, count, True, scope.parent,
        "\n".join([scope.label, *[n.hint.split("\n")[0] for n in operations[:12]]])
        + ("\n..." if len(operations) > 12 else ""),
        twins.pop() if len(twins) == 1 else "", copies=scope.copies,
    )  # fmt: skip


def _merged(edges: Sequence[Edge], seen_as: dict[str, str], shut: set[str]) -> list[Edge]:
    """The edges between what is seen; those that meet a folded box are one each."""
    found: dict[Any, Edge] = {}
    for edge in edges:
        source, target = seen_as[edge.source], seen_as[edge.target]
        if source == target and source in shut:
            continue
        key: Any = (source, target) if source in shut or target in shut else (source, target, edge.slot)
        edge = replace(edge, source=source, target=target)
        if target in shut:
            edge = replace(edge, mark="")
        before = found.get(key)
        if before is not None:
            routes = tuple(sorted({*before.routes, *edge.routes}))
            same = before.shape == edge.shape
            edge = replace(before, routes=routes, shape=before.shape if same else "")
        found[key] = edge
    return list(found.values())


# Equal blocks in a row ---------------------------------------------------------------------------


@dataclass(slots=True)
class _Item:
    """A node or a box among its siblings."""

    id: str
    token: Any  # what it is
    # Per input: the sibling that it comes from or -1, the node, what kind that is, and the shape.
    sources: list[tuple[int, str, str, str]]


def group_repeats(picture: Picture) -> Picture:
    """Put a box around equal blocks in a row.

    Blocks are equal if they hold the same operations, wired alike, with arrays of the same shapes;
    what differs between parameters does not count.

    Parameters
    ----------
    picture : Picture

    Returns
    -------
    Picture
        With one more :class:`Scope` for every run of blocks, its ``copies`` their number.
    """
    scopes, moved, parents = list(picture.scopes), dict[str, str](), dict[str, str]()
    for place, items in _siblings(picture).items():
        for start, period, copies in _runs(items):
            if place and period * copies == len(items):  # the scope holds nothing else
                at = next(i for i, s in enumerate(scopes) if s.id == place)
                scopes[at] = replace(scopes[at], copies=copies)
                continue
            new = f"s{len(scopes)}"
            block = items[start : start + period]
            order = next((s.order for s in picture.scopes if s.id == place), 0)
            label = _label(picture, [item.id for item in block])
            structure = repr([item.token for item in block])
            scopes.append(Scope(new, label, place, order, structure, copies))
            for item in items[start : start + period * copies]:
                (parents if item.id in picture.around else moved)[item.id] = new
    if scopes == list(picture.scopes):
        return picture
    moved_scopes = [replace(s, parent=parents.get(s.id, s.parent)) for s in scopes]
    return replace(
        picture,
        nodes=tuple([replace(n, scope=moved.get(n.id, n.scope)) for n in picture.nodes]),
        scopes=tuple(_outermost_first(moved_scopes)),
    )


def _siblings(picture: Picture) -> dict[str, list[_Item]]:
    """Per box the operations and boxes right inside it, in the order in which they ran."""
    chains = {
        node.id: (*picture.around[node.scope], node.id) for node in picture.nodes if node.kind == "op"
    }
    structures: dict[str, Any] = {scope.id: scope.structure for scope in picture.scopes}
    for node in picture.nodes:
        scalars = [o for o in node.operands if o not in picture.node]
        structures[node.id] = (node.op, node.parameters, scalars, node.shape, node.dtype)
    numbers: dict[Any, int] = {}
    found: dict[str, list[_Item]] = {}
    index: dict[str, int] = {}  # of every item among its siblings
    for chain in chains.values():
        for outer, inner in zip(("", *chain), chain):
            if inner not in index:
                items = found.setdefault(outer, [])
                index[inner] = len(items)
                key = structures[inner]
                token = numbers.setdefault(repr(key), len(numbers))
                items.append(_Item(inner, token, []))
    stored = {n.id: n.kind for n in picture.nodes if n.kind not in ("op", "output")}
    for edge in picture.edges:
        if edge.target not in chains:
            continue
        target, source = ("", *chains[edge.target]), ("", *chains.get(edge.source, ()))
        for depth in range(len(target) - 1):
            outer, item = target[depth], target[depth + 1]
            near = len(source) > depth + 1 and source[: depth + 1] == target[: depth + 1]
            beside = source[depth + 1] if near else ""
            if beside == item:
                continue  # from inside the item
            at = index[beside] if near else -1
            origin = stored.get(edge.source, "") if at < 0 else ""
            found[outer][index[item]].sources.append((at, edge.source, origin, edge.shape))
    return found


def _runs(items: list[_Item]) -> list[tuple[int, int, int]]:
    """Where equal blocks in a row begin, how long one is, and how many there are."""
    found, start = [], 0
    tokens = [item.token for item in items]
    while start < len(items):
        best = (0, 0)  # how much it covers, how long a block is
        for period in range(1, min(PERIOD, (len(items) - start) // 2) + 1):
            if tokens[start] != tokens[start + period] or (best[1] and period % best[1] == 0):
                continue  # blocks of blocks cover no more
            if best[0] >= len(items) - start:
                break
            copies = _count(items, start, period)
            if copies >= (2 if period > 2 else 3) and copies * period > best[0]:
                best = (copies * period, period)
        if best[0]:
            found.append((start, best[1], best[0] // best[1]))
        start += best[0] or 1
    return found


def _count(items: list[_Item], start: int, period: int) -> int:
    """How many equal blocks there are from here."""
    copies = 1
    while start + (copies + 1) * period <= len(items):
        begin = start + copies * period
        if not all(
            _alike(items, begin - period + i, begin + i, begin - period, copies == 1)
            for i in range(period)
        ):
            break
        copies += 1
    return copies


def _alike(items: list[_Item], one: int, other: int, begin: int, first: bool) -> bool:
    """Whether two items, a block apart, are equal.  The first block takes its input from anywhere."""
    a, b = items[one], items[other]
    if a.token != b.token or len(a.sources) != len(b.sources):
        return False
    for (at, node, kind, shape), (at_other, node_other, kind_other, shape_other) in zip(
        a.sources, b.sources
    ):
        if shape != shape_other:
            return False
        same = node == node_other or (at < 0 and at_other < 0 and kind == kind_other)
        same = same or (at >= 0 and at_other >= 0 and one - at == other - at_other)
        if not same and not (first and at < begin <= at_other):
            return False
    return True


def _label(picture: Picture, ids: list[str]) -> str:
    """What a block is called: by its boxes, or by its operations."""
    labels = {scope.id: scope.label for scope in picture.scopes}
    boxes = [re.sub(r"^\d+(: )?", "", labels[i]) or labels[i] for i in ids if i in labels]
    names = boxes or [picture.node[i].op for i in ids]
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def _outermost_first(scopes: list[Scope]) -> list[Scope]:
    """A box comes before those inside it."""
    inside: dict[str, list[Scope]] = {}
    for scope in scopes:
        inside.setdefault(scope.parent, []).append(scope)
    found: list[Scope] = []
    stack = inside.get("", [])[::-1]
    while stack:
        scope = stack.pop()
        found.append(scope)
        stack += inside.get(scope.id, [])[::-1]
    return found
