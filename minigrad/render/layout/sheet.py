"""What is to be laid out: items in ranks, joined by links, in nested boxes.

Items are numbered: first the nodes in the picture's order, then the bends of long edges, then the
borders of boxes.  Everything that follows works on these numbers alone, never on ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..model import Picture

NODE, BEND, LEFT, RIGHT = range(4)
Tie = tuple[int, int, int]  # upper vertex, lower vertex, least distance: kept as far as possible


@dataclass(slots=True)
class Link:
    """All edges between the same two nodes: the way from the upper to the lower one.

    Attributes
    ----------
    top, bottom : int
        Items.
    edges : list of int
        In the picture's order.
    items : list of int
        `top`, the bends on the way, `bottom`.
    """

    top: int
    bottom: int
    edges: list[int] = field(default_factory=list)
    items: list[int] = field(default_factory=list)


class Sheet:
    """The boxes and links of a picture, and its items as they are made.

    Box 0 is the whole sheet.  If there are several orders of differentiation, each has a column:
    an invisible box.  Then come the picture's scopes, those without a node left out.

    Attributes
    ----------
    count : int
        How many items are nodes.
    kind, box, rank : list of int
        Per item.
    light : list of bool
        Per item whether it only feeds one other: what else feeds that one may stand above it.
    up, down : list of list of int
        Per item its neighbours in the rank above and below.
    parent, first, last : list of int
        Per box the box around it, and the ranks that it spans.
    border : list of int
        Per box its first border; the others follow, left and right, rank by rank.
    position : list of int
        Per item its place in its rank.
    scope : list of str
        Per box the id of the scope, "" for an invisible one.
    columns : int
        How many of the boxes are columns.
    links : list of Link
    loose : list of int
        Edges that take no part in the layout.
    """

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.count = len(picture.nodes)
        self.kind = [NODE] * self.count
        self.rank = [0] * self.count
        self.light = [False] * self.count
        self.links: list[Link] = []
        self.loose: list[int] = []
        self._boxes()
        self._links()
        self.up: list[list[int]] = [[] for _ in range(self.count)]
        self.down: list[list[int]] = [[] for _ in range(self.count)]
        self.ranks = 0
        self.first: list[int] = []
        self.last: list[int] = []
        self.border: list[int] = []
        self.position = [0] * self.count

    def _boxes(self) -> None:
        picture = self.picture
        scopes = {scope.id: scope for scope in picture.scopes}
        used, order = set[str](), list[int]()
        for node in picture.nodes:
            around = picture.around[node.scope]
            used.update(around)
            order.append(scopes[around[0]].order if around else node.order)
        orders = sorted(set(order))
        self.columns = len(orders) if len(orders) > 1 else 0
        self.parent, self.scope = [0] * (self.columns + 1), [""] * (self.columns + 1)
        column = {o: i for i, o in enumerate(orders, 1)} if self.columns else dict.fromkeys(orders, 0)
        number: dict[str, int] = {}
        for scope in picture.scopes:
            if scope.id in used:
                number[scope.id] = len(self.parent)
                self.parent.append(number[scope.parent] if scope.parent else column[scope.order])
                self.scope.append(scope.id)
        self.order = order
        self.box = [
            number[node.scope] if node.scope else column[o]
            for node, o in zip(picture.nodes, order, strict=True)
        ]

    def _links(self) -> None:
        """Edges whose ends may be in different columns are loose; the others form links."""
        item = self.item = {node.id: i for i, node in enumerate(self.picture.nodes)}
        against = self.picture.against
        ends: list[tuple[int, int, int]] = []
        for e, edge in enumerate(self.picture.edges):
            source, target = item[edge.source], item[edge.target]
            order = self.order[source]
            if order != self.order[target] or source == target:
                self.loose.append(e)
            elif order < len(against) and against[order]:
                ends.append((target, source, e))
            else:
                ends.append((source, target, e))
        hard = list(dict.fromkeys([(top, bottom) for top, bottom, _ in ends]))
        self.ties = self._beside(hard) + self._stacked(hard)
        vertices = self.count + 2 * len(self.parent)
        self.place = topological(vertices, hard, [(a, b) for a, b, _ in self.ties])
        known: dict[tuple[int, int], Link] = {}
        for top, bottom, e in ends:
            if self.place[top] > self.place[bottom]:  # closes a cycle
                top, bottom = bottom, top
            if (top, bottom) not in known:
                known[top, bottom] = Link(top, bottom)
                self.links.append(known[top, bottom])
            known[top, bottom].edges.append(e)

    def _beside(self, hard: Sequence[tuple[int, int]]) -> list[Tie]:
        """What brings a step of a derivative beside the step that it belongs to.

        The step stands beside the last of its twins at the earliest, and its twins stand below what
        it is computed from.
        """
        above: dict[int, list[int]] = {}
        for top, bottom in hard:
            above.setdefault(bottom, []).append(top)
        ties: list[Tie] = []
        for i, node in enumerate(self.picture.nodes):
            twin = self.item.get(node.twin, i)
            if self.order[twin] != self.order[i]:
                ties.append((i, twin, 0))
                ties += [(top, i, 1) for top in above.get(twin, ())]
        return ties

    def _stacked(self, hard: Sequence[tuple[int, int]]) -> list[Tie]:
        """What puts a box below another one beside it that feeds it.

        Every box has a beginning and an end, two more vertices after the nodes.
        """
        used = dict[tuple[int, int], None]()
        for top, bottom in hard:
            a, b = self.box[top], self.box[bottom]
            around = common(self.parent, a, b)
            if around not in (a, b):
                while self.parent[a] != around:
                    a = self.parent[a]
                while self.parent[b] != around:
                    b = self.parent[b]
                used[a, b] = None
        ties = [(self.count + 2 * a + 1, self.count + 2 * b, 1) for a, b in used if (b, a) not in used]
        tied = {v for upper, lower, _ in ties for v in (upper, lower)}
        for i in range(self.count):
            b = self.box[i]
            while b:
                begin = self.count + 2 * b
                if begin in tied:
                    ties.append((begin, i, 0))
                if begin + 1 in tied:
                    ties.append((i, begin + 1, 0))
                b = self.parent[b]
        return ties

    def add(self, kind: int, box: int, rank: int) -> int:
        """A new item."""
        self.kind.append(kind)
        self.light.append(False)
        self.box.append(box)
        self.rank.append(rank)
        self.up.append([])
        self.down.append([])
        return len(self.kind) - 1

    def join(self, upper: int, lower: int) -> None:
        """Make two items of adjacent ranks neighbours."""
        self.down[upper].append(lower)
        self.up[lower].append(upper)


def common(parent: list[int], a: int, b: int) -> int:
    """The innermost box around two boxes; a box has a larger number than the one around it."""
    while a != b:
        if a > b:
            a = parent[a]
        else:
            b = parent[b]
    return a


def topological(
    count: int, hard: Sequence[tuple[int, int]], soft: Sequence[tuple[int, int]]
) -> list[int]:
    """Per item its place in an order that respects all hard pairs, and soft ones as far as possible.

    Examples
    --------
    >>> topological(3, [(2, 1), (1, 0)], [(0, 2)])
    [2, 1, 0]
    >>> topological(2, [(0, 1), (1, 0)], [])  # a cycle is cut before its first item
    [0, 1]
    """
    before = [[0] * count, [0] * count]
    after: list[list[list[int]]] = [[[] for _ in range(count)] for _ in range(2)]
    for which, pairs in enumerate((hard, soft)):
        for upper, lower in pairs:
            after[which][upper].append(lower)
            before[which][lower] += 1
    ready = [i for i in range(count) if before[0][i] + before[1][i] == 0]
    waiting = [i for i in range(count) if before[0][i] == 0 < before[1][i]]
    place = [-1] * count
    head = patient = lowest = found = 0
    while found < count:
        if head < len(ready):
            i = ready[head]
            head += 1
        elif patient < len(waiting):  # soft pairs contradict: give up those of one item
            i = waiting[patient]
            patient += 1
        else:  # a cycle
            i = lowest
            lowest += 1
        if place[i] >= 0:
            continue
        place[i] = found
        found += 1
        for which in (0, 1):
            for j in after[which][i]:
                before[which][j] -= 1
                if before[0][j] == 0 and before[1][j] == 0:
                    ready.append(j)
                elif before[which][j] == 0 and which == 0:
                    waiting.append(j)
    return place
