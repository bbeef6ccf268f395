"""Ways from one column to another: lines that hand values over pass behind no node.

A line runs straight from side to side where nothing is in its way.  Else it takes the streets: the
gaps between ranks, and a place across the flow that is free in all ranks between.  Where the target
is on the left, everything is mirrored, so that lines always leave their source on its right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .sheet import BEND, NODE
from .straighten import COLUMN

if TYPE_CHECKING:
    from .place import Frame

FREE = 4  # what a line keeps free beside a node
STUB = 8  # from the side of a node to the first corner
LANE = 5  # between lines side by side
PIECES = 32  # of a curve, when it is looked at closely
WORK = 2_000_000  # nodes and lines looked at: of a huge picture the last lines are left straight
FAR = 1 << 40

Street = tuple[int, ...]  # (0, place) along the flow; (1, rank) in it; (2, rank, lane) below it


@dataclass(frozen=True, slots=True)
class Trip:
    """From where to where a line goes, mirrored so that it begins at the right of its source.

    Attributes
    ----------
    source, target : int
        Items.
    r, q : int
        Their ranks.
    y, z : int
        Their middles along the flow.
    side : int
        -1 if it is mirrored, else 1.
    begin, end : int
        Where it leaves, where it arrives.
    back : bool
        Whether it arrives from the right, too: neither node stands beside the other.
    """

    source: int
    target: int
    r: int
    q: int
    y: int
    z: int
    side: int
    begin: int
    end: int
    back: bool


class Streets:
    """What is free in a picture, and which lines run where."""

    def __init__(self, frame: Frame) -> None:
        sheet = self.sheet = frame.sheet
        self.frame = frame
        self.work = WORK
        self.nodes: list[list[int]] = [[] for _ in range(sheet.ranks)]
        self.lines: list[list[int]] = [[] for _ in range(sheet.ranks)]  # other edges, borders
        for i, kind in enumerate(sheet.kind):
            if kind == NODE:
                self.nodes[sheet.rank[i]].append(i)
            elif kind == BEND or sheet.scope[sheet.box[i]]:
                self.lines[sheet.rank[i]].append(frame.across[i])
        columns = range(1, sheet.columns + 1)
        self.corridors = [frame.across[sheet.border[c] + 1] + COLUMN for c in columns]
        self.taken: dict[Street, list[tuple[int, int, int, int]]] = {}

    def way(self, source: int, target: int) -> list[tuple[int, int]] | None:
        """The way between nodes of two columns, across and along; None if it is too much work."""
        rank, strip = self.sheet.rank, self.frame.strip
        r, q = rank[source], rank[target]
        if self.work < 0 or strip[r] != strip[q]:
            return None
        (a, b), (c, d) = self._span(source, 1), self._span(target, 1)
        side = -1 if d < a else 1
        back = b >= c and d >= a
        end = d if back else c if side > 0 else -d
        y, z = self._middle(source), self._middle(target)
        trip = Trip(source, target, r, q, y, z, side, b if side > 0 else -a, end, back)
        if not back and self._is_free(trip):
            if r == q:
                self._take((1, r), trip, side * trip.begin, side * end)
            way = [(trip.begin, y), (end, z)]
        else:
            out = self._reach(source, side, trip.begin)
            into = self._reach(target, side, end) if back else -self._reach(target, -side, -end)
            costs = [(self._cost(trip, x, near, out, into), x) for x, near in self._places(trip)]
            way = self._along(trip, min(costs)[1], out, into)
        return [(side * a, b) for a, b in way]

    def _span(self, node: int, side: int) -> tuple[int, int]:
        """From where to where a node stands across the flow."""
        low = self.frame.across[node] - self.frame.width[node] // 2
        high = low + self.frame.width[node]
        return (low, high) if side > 0 else (-high, -low)

    def _height(self, node: int) -> tuple[int, int]:
        """From where to where it stands along the flow."""
        frame, r = self.frame, self.sheet.rank[node]
        top = frame.start[r] + (frame.end[r] - frame.start[r] - frame.height[node]) // 2
        return top, top + frame.height[node]

    def _middle(self, node: int) -> int:
        return sum(self._height(node)) // 2

    def _is_free(self, trip: Trip) -> bool:
        """Whether the curve from side to side passes behind no other node."""
        x, u, y, z = trip.begin, trip.end, trip.y, trip.z
        near = []
        for k in range(min(trip.r, trip.q), max(trip.r, trip.q) + 1):
            self.work -= len(self.nodes[k])
            for i in self.nodes[k]:
                low, high = self._span(i, trip.side)
                if i not in (trip.source, trip.target) and low - FREE < u and high + FREE > x:
                    top, bottom = self._height(i)
                    near.append((low - FREE, high + FREE, top - FREE, bottom + FREE))
        self.work -= len(near)
        m, a, b = (x + u) // 2, x, y
        for t in range(1, PIECES + 1) if near else ():
            s = PIECES - t
            one, two, three, four = s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t
            c = (one * x + (two + three) * m + four * u) // PIECES**3
            d = ((one + two) * y + (three + four) * z) // PIECES**3
            for low, high, top, bottom in near:
                if low < c and a < high and top < max(b, d) and min(b, d) < bottom:
                    return False
            a, b = c, d
        return True

    def _places(self, trip: Trip) -> list[tuple[int, int]]:
        """Where the line could run along the flow, and how far the next node is from there."""
        begin, end = trip.begin, trip.end
        blocks = []
        for k in range(min(trip.r, trip.q) + 1, max(trip.r, trip.q)):
            self.work -= len(self.nodes[k])
            for i in self.nodes[k]:
                low, high = self._span(i, trip.side)
                blocks.append((low - FREE, high + FREE))
        wishes = [begin + STUB, (begin + end) // 2, end + STUB if trip.back else end - STUB]
        wishes += [trip.side * a for a in self.corridors]
        wishes += [w + s for w in wishes for s in (-LANE, LANE)]
        found = []
        free = -FAR
        for low, high in [*sorted(blocks), (FAR, FAR)]:
            if free <= low:
                tries = wishes[:]
                if free > -FAR and low < FAR:
                    tries.append((free + low) // 2)
                for k in range(5):
                    if free > -FAR:
                        tries.append(free + k * LANE)
                    if low < FAR:
                        tries.append(low - k * LANE)
                found += [(x, min(x - free, low - x)) for x in tries if free <= x <= low]
            free = max(free, high)
        return found

    def _reach(self, node: int, side: int, begin: int) -> int:
        """How far from the right of a node its rank is free."""
        reach = FAR
        for i in self.nodes[self.sheet.rank[node]]:
            low, _ = self._span(i, side)
            if i != node and low >= begin:
                reach = min(reach, low - FREE)
        return reach

    def _opens(self, trip: Trip, x: int, out: int, into: int) -> tuple[bool, bool]:
        """Whether the line can leave its source, and reach its target, within their ranks."""
        leaves = trip.begin + STUB <= x <= out
        if trip.back:
            return leaves, trip.end + STUB <= x <= into
        return leaves, into <= x <= trip.end - STUB

    def _cost(self, trip: Trip, x: int, near: int, out: int, into: int) -> int:
        """How long a way is, how often it turns, and what it runs along."""
        leaves, arrives = self._opens(trip, x, out, into)
        cost = abs(x - trip.begin) + abs(x - trip.end) + 3 * max(0, 10 - near)
        cost += 30 * (2 - leaves - arrives)
        at = trip.side * x
        for k in range(min(trip.r, trip.q), max(trip.r, trip.q) + 1):
            self.work -= 8 + len(self.lines[k])
            cost += sum([max(0, STUB - abs(at - line)) for line in self.lines[k]])
        for beside in range(1 - FREE, FREE):
            cost += 80 * self._conflicts((0, at + beside), trip, trip.y, trip.z)
        if leaves:
            cost += 120 * self._conflicts((1, trip.r), trip, trip.side * trip.begin, at)
        if arrives:
            cost += 120 * self._conflicts((1, trip.q), trip, at, trip.side * trip.end)
        return cost

    def _conflicts(self, street: Street, trip: Trip, a: int, b: int) -> int:
        """How many lines with other ends run there."""
        low, high, found = min(a, b), max(a, b), 0
        for c, d, source, target in self.taken.get(street, ()):
            found += c < high and low < d and source != trip.source and target != trip.target
        return found

    def _take(self, street: Street, trip: Trip, a: int, b: int) -> None:
        self.taken.setdefault(street, []).append((min(a, b), max(a, b), trip.source, trip.target))

    def _gap(self, gap: int, trip: Trip, a: int, b: int) -> int:
        """Along the flow, a free lane in the gap below that rank."""
        frame = self.frame
        a, b = trip.side * a, trip.side * b
        low = frame.begin[0] - 24 if gap < 0 else frame.low[gap]
        many = 4
        if 0 <= gap < self.sheet.ranks - 1 and frame.strip[gap] == frame.strip[gap + 1]:
            many = max(1, (frame.begin[gap + 1] - low - 8) // LANE)
        lane = 0
        while lane < many - 1 and self._conflicts((2, gap, lane), trip, a, b):
            lane += 1
        self._take((2, gap, lane), trip, a, b)
        return low + 6 + LANE * lane

    def _along(self, trip: Trip, x: int, out: int, into: int) -> list[tuple[int, int]]:
        """The way through a place, corner by corner."""
        side, r, q, y = trip.side, trip.r, trip.q, trip.y
        leaves, arrives = self._opens(trip, x, out, into)
        way = [(trip.begin, y)]
        if leaves:
            self._take((1, r), trip, side * trip.begin, side * x)
        else:
            at = trip.begin + STUB
            y = self._gap(r if q >= r else r - 1, trip, at, x)
            way += [(at, trip.y), (at, y)]
        way.append((x, y))
        if arrives:
            self._take((1, q), trip, side * x, side * trip.end)
            way.append((x, trip.z))
            self._take((0, side * x), trip, y, trip.z)
        else:
            at = trip.end + STUB if trip.back else trip.end - STUB
            gap = self._gap(q - 1 if q > r else q, trip, x, at)
            way += [(x, gap), (at, gap), (at, trip.z)]
            self._take((0, side * x), trip, y, gap)
        return [*way, (trip.end, trip.z)]
