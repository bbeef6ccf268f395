"""From ranks and middles to pixels: boxes, ways of the edges, and a long picture in several strips."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from .detour import Streets
from .sheet import Link, Sheet
from .sizes import LABEL, LONGEST

Point = list[int]
Rectangle = dict[str, int]

GAP, LABELLED_GAP = 26, 34  # between ranks
BOX, HEAD = 9, 16  # what a box keeps free around what is in it; what its label needs
MARK = 8  # a letter of what a slot is called
LANE = 5  # between the lines that run side by side along an edge
PORT = 13  # between the ends of edges at the same node
WIDEST = 240  # a node is made no wider for the sake of its edges
STRIP = 2_400  # a picture shorter than this is never cut into strips
THIN = 4  # nor one that is not so many times as long as it is wide
GUTTER = 44  # between strips


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands, in whole pixels.

    Attributes
    ----------
    width, height : int
    nodes : dict
        From a node's id to its box: ``{"x": left, "y": top, "width": ..., "height": ...}``.
    scopes : dict
        From a scope's id to its box; of a scope without nodes there is none.
    edges : list of list of [x, y]
        Per edge of the picture its way from the border of its source to that of its target.
    labels : list of [x, y]
        Per edge the middle of its label.
    """

    width: int
    height: int
    nodes: dict[str, Rectangle]
    scopes: dict[str, Rectangle]
    edges: list[list[Point]]
    labels: list[Point]


def lanes(routes: Collection[int]) -> int:
    """How many lines are drawn for an edge with these routes: its own, and one for each."""
    return 1 + len(routes)


def item_sizes(sheet: Sheet, sizes: list[tuple[int, int]], down: bool) -> tuple[list[int], list[int]]:
    """Per item its extent across the flow, and along it."""
    edges = sheet.picture.edges
    width, height = [0] * len(sheet.kind), [0] * len(sheet.kind)
    for i, (w, h) in enumerate(sizes):
        width[i], height[i] = (w, h) if down else (h, w)
    ends = [[0] * sheet.count, [0] * sheet.count]  # what the edges need above and below each node
    for link in sheet.links:
        wide = sum([lanes(edges[e].routes) for e in link.edges]) * LANE + 4 * (len(link.edges) - 1)
        for i in link.items[1:-1]:
            width[i] = (wide + 1) // 2 * 2
        ends[0][link.bottom] += max(wide, PORT) + 1
        ends[1][link.top] += max(wide, PORT) + 1
    for i in range(sheet.count):
        most = max(ends[0][i], ends[1][i]) + 20
        width[i] = max(width[i], min((most + 1) // 2 * 2, WIDEST))
    return width, height


def least_widths(sheet: Sheet, down: bool) -> list[int]:
    """Per box how wide its label makes it."""
    label = {scope.id: scope.label for scope in sheet.picture.scopes}
    return [
        (min(len(label[s]), LONGEST) * LABEL + 9) // 10 + 24 if s and down else 0 for s in sheet.scope
    ]


@dataclass
class Frame:
    """Coordinates across the flow (middles of the items) and along it (bands of the ranks)."""

    sheet: Sheet
    across: list[int]
    width: list[int]
    height: list[int]
    down: bool

    def __post_init__(self) -> None:
        self._bands()
        self._strips()

    def _bands(self) -> None:
        """Where each rank begins and ends."""
        sheet = self.sheet
        high = [0] * sheet.ranks
        for i in range(sheet.count):
            high[sheet.rank[i]] = max(high[sheet.rank[i]], self.height[i])
        boxes = len(sheet.parent)
        self.lead, self.tail = [0] * boxes, [0] * boxes  # from a box's border to its first, last rank
        above, below = [0] * sheet.ranks, [0] * sheet.ranks
        for box in range(boxes - 1, 0, -1):
            outer, first, last = sheet.parent[box], sheet.first[box], sheet.last[box]
            if sheet.scope[box]:
                self.lead[box] += BOX + (HEAD if self.down else 0)
                self.tail[box] += BOX
            if sheet.first[outer] == first:
                self.lead[outer] = max(self.lead[outer], self.lead[box])
            if sheet.last[outer] == last:
                self.tail[outer] = max(self.tail[outer], self.tail[box])
            above[first] = max(above[first], self.lead[box])
            below[last] = max(below[last], self.tail[box])
        reach = [0] * sheet.ranks  # how far the widest step to the next rank goes
        for link in sheet.links:
            for u, v in zip(link.items, link.items[1:]):
                step = abs(self.across[u] - self.across[v])
                reach[sheet.rank[u]] = max(reach[sheet.rank[u]], step)
        picture = sheet.picture
        gap = LABELLED_GAP if picture.labelled else GAP
        if not self.down and picture.labelled:  # labels lie along the edges
            longest = max([len(edge.shape) for edge in picture.edges], default=0)
            marks = max([len(edge.mark) for edge in picture.edges], default=0)
            gap = max(gap, min(longest, LONGEST) * LABEL // 10 + 12 + marks * MARK)
        self.begin, self.start, self.end = [0] * sheet.ranks, [0] * sheet.ranks, [0] * sheet.ranks
        self.low = [0] * sheet.ranks  # where the boxes end that end with the rank
        y = 0
        for r in range(sheet.ranks):
            self.begin[r] = y
            self.start[r] = y + above[r]
            self.end[r] = self.start[r] + high[r]
            self.low[r] = self.end[r] + below[r]
            y = self.low[r] + gap + min(reach[r] // 10, 40)

    def _strips(self) -> None:
        """Cut a long thin picture between ranks where no box is open, and set the parts in a row."""
        sheet = self.sheet
        ranks = sheet.ranks
        low = min([a - w // 2 for a, w in zip(self.across, self.width)], default=0)
        high = max([a + w // 2 for a, w in zip(self.across, self.width)], default=0)
        long, wide = (self.end[-1] if ranks else 0), max(high - low, 120) + GUTTER
        self.cuts: list[int] = []  # ranks after which the picture is cut
        if long >= STRIP and long > THIN * wide:
            parts = 1
            while 2 * parts * parts * wide < 3 * long:  # until it is about three by two
                parts += 1
            self.cuts = self._cuts(long // parts)
        strip, self.strip = 0, [0] * ranks
        for r in range(ranks):
            self.strip[r] = strip
            strip += r in self.cuts
        self.aside, self.back = [0] * (strip + 1), [0] * (strip + 1)  # by how much each part is moved
        least, most = [0] * (strip + 1), [0] * (strip + 1)
        seen = [False] * (strip + 1)
        for i, a in enumerate(self.across):
            s, half = self.strip[sheet.rank[i]], self.width[i] // 2 + HEAD
            least[s] = min(least[s], a - half) if seen[s] else a - half
            most[s] = max(most[s], a + half) if seen[s] else a + half
            seen[s] = True
        x = 0
        for s in range(strip + 1):
            self.aside[s] = x - least[s]
            x += most[s] - least[s] + GUTTER
            if s:
                self.back[s] = self.begin[self.cuts[s - 1] + 1]
        self.gutter = [self.aside[s] + most[s] + GUTTER // 2 for s in range(strip + 1)]

    def _cuts(self, length: int) -> list[int]:
        """Cut near every multiple of a length, where the fewest lines pass."""
        sheet = self.sheet
        passing = [0] * (sheet.ranks + 1)
        for link in sheet.links:
            passing[sheet.rank[link.top]] += 1
            passing[sheet.rank[link.bottom]] -= 1
        closed = [0] * (sheet.ranks + 1)
        for box in range(1, len(sheet.parent)):
            closed[sheet.first[box]] += 1
            closed[sheet.last[box]] -= 1
        for r in range(sheet.ranks):
            passing[r + 1] += passing[r]
            closed[r + 1] += closed[r]
        cuts = list[int]()
        r = begun = least = 0
        best = -1
        while r < sheet.ranks - 1:
            so_far = self.end[r] - begun
            rest = self.end[-1] - self.end[r]
            if closed[r] == 0 and 4 * so_far >= 3 * length and 2 * rest >= length:
                cost = passing[r] * length + 4 * abs(so_far - length)
                if best < 0 or cost < least:
                    best, least = r, cost
            if best >= 0 and 4 * so_far >= 5 * length:
                cuts.append(best)
                begun, r, best = self.end[best], best, -1
                if 4 * (self.end[-1] - begun) <= 5 * length:
                    break
            r += 1
        return cuts

    def box(self, node: int) -> Rectangle:
        """Where a node stands."""
        r, w, h = self.sheet.rank[node], self.width[node], self.height[node]
        x, y = self.point(r, self.across[node] - w // 2, _edge(self, node, 0))
        if not self.down:
            w, h = h, w
        return {"x": x, "y": y, "width": w, "height": h}

    def scope(self, box: int) -> Rectangle:
        """Where a box stands; it is never cut."""
        sheet, first, last = self.sheet, self.sheet.first[box], self.sheet.last[box]
        left = self.across[sheet.border[box]] - (0 if self.down else HEAD)
        right = self.across[sheet.border[box] + 1]
        x, y = self.point(first, left, self.start[first] - self.lead[box])
        w, h = right - left, self.end[last] + self.tail[box] - self.start[first] + self.lead[box]
        if not self.down:
            w, h = h, w
        return {"x": x, "y": y, "width": w, "height": h}

    def point(self, rank: int, across: int, along: int) -> Point:
        """A place beside or in a rank, in pixels."""
        strip = self.strip[rank]
        a, b = across + self.aside[strip], along - self.back[strip]
        return [a, b] if self.down else [b, a]


# Ways ------------------------------------------------------------------------------------------


def ways(frame: Frame) -> tuple[list[list[Point]], list[Point]]:
    """Per edge of the picture its way and the middle of its label."""
    sheet = frame.sheet
    edges = sheet.picture.edges
    found: list[list[Point]] = [[] for _ in edges]
    labels: list[Point] = [[0, 0] for _ in edges]
    ports = _ports(frame)
    turns = _turns(frame)
    for k, link in enumerate(sheet.links):
        apart = _apart([lanes(edges[e].routes) * LANE for e in link.edges], 4)
        for e, offset in zip(link.edges, apart):
            starts_above = sheet.item[edges[e].source] == link.top
            way, label = _way(frame, link, ports[k], offset, starts_above, turns, e)
            found[e] = way if starts_above else way[::-1]
            labels[e] = label
    streets = Streets(frame)
    for e in sheet.loose:
        source, target = sheet.item[edges[e].source], sheet.item[edges[e].target]
        found[e] = _straight(frame, source, target)
        if sheet.order[source] != sheet.order[target]:
            detour = streets.way(source, target)
            if detour is not None:
                found[e] = _simple([frame.point(sheet.rank[source], a, b) for a, b in detour])
        (a, b), (c, d) = found[e][0], found[e][-1]
        labels[e] = [(a + c) // 2, (b + d) // 2]
    return found, labels


def _apart(widths: list[int], room: int) -> list[int]:
    """Offsets from the middle that set things of these widths side by side."""
    at = -(sum(widths) + room * (len(widths) - 1)) // 2
    offsets = []
    for w in widths:
        offsets.append(at + w // 2)
        at += w + room
    return offsets


def _ports(frame: Frame) -> list[tuple[int, int]]:
    """Per link where it leaves the upper node and where it meets the lower one.

    The links on one side of a node stand in the order of where they go to; the one that runs
    straightest has the middle.
    """
    sheet, across = frame.sheet, frame.across
    ports = [[0, 0] for _ in sheet.links]
    for side in (0, 1):
        at: list[list[tuple[int, int, int]]] = [[] for _ in range(sheet.count)]
        for k, link in enumerate(sheet.links):
            node, other = (link.top, link.items[1]) if side == 0 else (link.bottom, link.items[-2])
            wide = sum([lanes(sheet.picture.edges[e].routes) for e in link.edges]) * LANE
            at[node].append((across[other], k, wide + 4 * (len(link.edges) - 1)))
        for node, ends in enumerate(at):
            if not ends:
                continue
            ends.sort()
            middle = min(range(len(ends)), key=lambda p: abs(ends[p][0] - across[node]))
            offsets = _apart([max(w, PORT) for _, _, w in ends], 1)
            shift = offsets[middle] if len(ends) % 2 or ends[middle][0] == across[node] else 0
            half = max(frame.width[node] // 2 - 8, 0)
            for (_, k, wide), offset in zip(ends, offsets):
                limit = max(half - wide // 2, 0)
                ports[k][side] = across[node] + max(-limit, min(limit, offset - shift))
    return [(a, b) for a, b in ports]


def _way(
    frame: Frame, link: Link, ports: tuple[int, int], offset: int, starts_above: bool,
    turns: dict[int, list[int]], edge: int,
) -> tuple[list[Point], Point]:  # fmt: skip
    """The way of an edge from top to bottom, and the middle of its label."""
    sheet, items = frame.sheet, link.items
    point, start, end = frame.point, frame.start, frame.end
    last = len(items) - 1
    top, bottom = sheet.rank[link.top], sheet.rank[link.bottom]
    xs = [frame.across[i] + offset for i in items]
    xs[0], xs[last] = ports[0] + offset, ports[1] + offset
    way = [point(top, xs[0], _edge(frame, link.top, 1)), point(top, xs[0], end[top])]
    label = [0, 0]
    for step in range(last):
        r = top + step
        turned = frame.strip[r] != frame.strip[r + 1]
        if turned:  # round the end of the strip, and all in parallel
            s, many = frame.strip[r], len(turns[r])
            turn, lane = turns[r].index(edge), max(1, min(LANE, 36 // many))
            under, over = (
                frame.low[r] + 7 + lane * turn,
                frame.begin[r + 1] - 7 - lane * (many - 1 - turn),
            )
            gutter = frame.gutter[s] - frame.aside[s] + lane * turn - 12
            way.append(point(r, xs[step], under))
            way.append(point(r, gutter, under))
            onward = gutter + frame.aside[s] - frame.aside[s + 1]
            way.append(point(r + 1, onward, over))
            way.append(point(r + 1, xs[step + 1], over))
        if step == (0 if starts_above else last - 1):
            middle = point(r, (xs[step] + xs[step + 1]) // 2, (end[r] + start[r + 1]) // 2)
            label = point(r, xs[step], end[r] + 12) if turned else middle
        way.append(point(r + 1, xs[step + 1], start[r + 1]))
        if step < last - 1:
            way.append(point(r + 1, xs[step + 1], end[r + 1]))
    way.append(point(bottom, xs[last], _edge(frame, link.bottom, 0)))
    return _simple(way), label


def _turns(frame: Frame) -> dict[int, list[int]]:
    """Per cut the edges that turn round it, the rightmost first: it has the inner lane."""
    sheet, across = frame.sheet, frame.across
    found: dict[int, list[tuple[int, int, int]]] = {r: [] for r in frame.cuts}
    for link in sheet.links:
        top = sheet.rank[link.top]
        if frame.strip[top] != frame.strip[sheet.rank[link.bottom]]:
            for r, u, v in zip(range(top, sheet.ranks), link.items, link.items[1:]):
                if r in found:
                    found[r] += [(across[u], across[v], e) for e in link.edges]
    return {r: [e for _, _, e in sorted(ends, reverse=True)] for r, ends in found.items()}


def _edge(frame: Frame, node: int, side: int) -> int:
    """Where a node, in the middle of its rank, begins (0) or ends (1)."""
    r = frame.sheet.rank[node]
    top = frame.start[r] + (frame.end[r] - frame.start[r] - frame.height[node]) // 2
    return top + side * frame.height[node]


def _simple(way: list[Point]) -> list[Point]:
    """Without points on a straight line between their neighbours."""
    kept: list[Point] = []
    for p in way:
        if kept and kept[-1] == p:
            continue
        if len(kept) > 1 and any(kept[-2][c] == kept[-1][c] == p[c] for c in (0, 1)):
            kept.pop()
        kept.append(p)
    return kept


def _straight(frame: Frame, source: int, target: int) -> list[Point]:
    """From side to side, across the flow; or along it, where that is not possible."""
    boxes = [frame.box(source), frame.box(target)]
    (a, b), (c, d) = [(r["x"], r["x"] + r["width"]) for r in boxes]
    (e, f), (g, h) = [(r["y"], r["y"] + r["height"]) for r in boxes]
    across = ((a, b, c, d), (e, f, g, h)) if frame.down else ((e, f, g, h), (a, b, c, d))
    (a, b, c, d), (e, f, g, h) = across
    if b < c or d < a:
        way = (
            [[b, (e + f) // 2], [c, (g + h) // 2]] if b < c else [[a, (e + f) // 2], [d, (g + h) // 2]]
        )
    else:
        way = (
            [[(a + b) // 2, f], [(c + d) // 2, g]] if f < g else [[(a + b) // 2, e], [(c + d) // 2, h]]
        )
    return way if frame.down else [[y, x] for x, y in way]
