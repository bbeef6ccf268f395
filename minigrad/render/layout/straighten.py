"""Where the items of each rank stand: long edges straight, nodes above the middle of what they feed.

The method is that of Brandes and Köpf (2001): in four ways, from above or below and from the left or
right, items are joined to columns that stay straight, and the columns are pushed together; the four
results are put on top of each other, and every item takes the mean of its two middle places.  Boxes
need no rule of their own: their borders are items, and an edge never bends a border.  Any distance
that all four results keep, the middle keeps, too; so nothing overlaps.
"""

from __future__ import annotations

from itertools import pairwise

from .sheet import BEND, LEFT, RIGHT, Sheet

# Half of the distance that an item keeps from its neighbours, per kind; of a column's border.
ROOM = (11, 7, 5, 5)
COLUMN = 22
SPREAD = 3  # a layout so many times as wide as its widest rank is not worth its straight lines


class Spacing:
    """How far the middles of two neighbours must be apart."""

    def __init__(self, sheet: Sheet, width: list[int], head: int) -> None:
        self.before = [0] * len(sheet.kind)
        self.after = [0] * len(sheet.kind)
        for i, kind in enumerate(sheet.kind):
            room = COLUMN if kind > BEND and sheet.box[i] <= sheet.columns else ROOM[kind]
            over = head if kind == LEFT and sheet.box[i] > sheet.columns else 0
            self.before[i] = width[i] // 2 + room + over
            self.after[i] = width[i] // 2 + room


def straighten(
    sheet: Sheet, layers: list[list[int]], spacing: Spacing, least: list[int], width: list[int]
) -> list[int]:
    """Per item the middle of its place; `least` holds per box how wide it must be."""
    blocked = _blocked(sheet, layers)
    found: list[list[int]] = []
    for upwards in (False, True):
        for mirrored in (False, True):
            root = _columns(sheet, layers, blocked, upwards, mirrored)
            found.append(_compact(sheet, layers, spacing, least, root, mirrored))
            if len(found) == 1 and _tangled(sheet, layers, spacing, found[0]):
                return _relaxed(sheet, layers, spacing, least)
    low = [min([x[i] - width[i] // 2 for i in range(sheet.count)]) for x in found]
    high = [max([x[i] + width[i] // 2 for i in range(sheet.count)]) for x in found]
    narrow = min(range(4), key=lambda k: high[k] - low[k])
    for k, x in enumerate(found):
        shift = high[narrow] - high[k] if k % 2 else low[narrow] - low[k]
        found[k] = [v + shift for v in x]
    middle = []
    for four in zip(*found):
        _, a, b, _ = sorted(four)
        middle.append((a + b) // 2)
    return middle


def _blocked(sheet: Sheet, layers: list[list[int]]) -> set[tuple[int, int]]:
    """Links between ranks that keep nothing straight: they cross a border, or a long edge where it is
    straight, or bring a parameter to what has other inputs."""
    position, kind = sheet.position, sheet.kind
    blocked = set[tuple[int, int]]()
    for upper, lower in pairwise(layers):
        above, below = {}, {}
        for layer, near, passed in ((upper, sheet.down, above), (lower, sheet.up, below)):
            borders = 0
            for i in layer:
                passed[i] = borders
                borders += kind[i] > BEND and bool(near[i])
        bends = []  # pairs of positions, from left to right below
        for v in lower:
            us = sheet.up[v]
            heavy = len(us) > 1 and not all(sheet.light[u] for u in us)
            for u in us:
                if above[u] != below[v] or (heavy and sheet.light[u]):
                    blocked.add((u, v))
                elif kind[u] == kind[v] == BEND:
                    bends.append((position[u], position[v]))
        if not bends:
            continue
        rightmost = [-1]
        for p, _ in bends:
            rightmost.append(max(rightmost[-1], p))
        leftmost = [len(upper)]
        for p, _ in reversed(bends):
            leftmost.append(min(leftmost[-1], p))
        begun = ended = 0  # how many of them stand strictly left of v, and how many not right of it
        for v in lower:
            while ended < len(bends) and bends[ended][1] <= position[v]:
                ended += 1
            while begun < len(bends) and bends[begun][1] < position[v]:
                begun += 1
            for u in sheet.up[v]:
                if kind[u] == kind[v] == BEND or kind[v] > BEND:
                    continue
                if rightmost[begun] > position[u] or leftmost[len(bends) - ended] < position[u]:
                    blocked.add((u, v))
    return blocked


def _columns(
    sheet: Sheet, layers: list[list[int]], blocked: set[tuple[int, int]], upwards: bool, mirrored: bool
) -> list[int]:
    """Per item the item that its column begins with."""
    size = len(sheet.kind)
    root, follower = list(range(size)), list(range(size))
    near = sheet.down if upwards else sheet.up
    position = [-p for p in sheet.position] if mirrored else sheet.position
    for layer in reversed(layers) if upwards else layers:
        last = -size
        for v in reversed(layer) if mirrored else layer:
            us = [u for u in near[v] if ((v, u) if upwards else (u, v)) not in blocked]
            if len(us) > 1:
                us.sort(key=lambda u: position[u])
                us = us[(len(us) - 1) // 2 : len(us) // 2 + 1]
            for u in us:
                if follower[v] == v and position[u] > last:
                    follower[u] = v
                    root[v] = follower[v] = root[u]
                    last = position[u]
    return root


def _compact(
    sheet: Sheet, layers: list[list[int]], spacing: Spacing, least: list[int], root: list[int],
    mirrored: bool,
) -> list[int]:  # fmt: skip
    """The places of all items: columns pushed to the left as far as they go, then back to the right
    as far as the others let them, but for what closes a box."""
    before, after, size = spacing.before, spacing.after, len(root)
    beyond: list[list[tuple[int, int]]] = [[] for _ in range(size)]
    waits = [0] * size
    for layer in layers:
        for u, v in pairwise(layer):
            a, b = (root[v], root[u]) if mirrored else (root[u], root[v])
            beyond[a].append((b, after[u] + before[v]))
            waits[b] += 1
    for box in range(1, len(least)):
        if least[box]:
            u = sheet.border[box]
            a, b = (root[u + 1], root[u]) if mirrored else (root[u], root[u + 1])
            beyond[a].append((b, least[box]))
            waits[b] += 1
    x = [0] * size
    ordered = [i for i in range(size) if root[i] == i and waits[i] == 0]
    for a in ordered:  # grows as we go
        for b, distance in beyond[a]:
            x[b] = max(x[b], x[a] + distance)
            waits[b] -= 1
            if waits[b] == 0:
                ordered.append(b)
    closes = LEFT if mirrored else RIGHT
    for a in reversed(ordered):
        if beyond[a] and sheet.kind[a] != closes:
            x[a] = max(x[a], min([x[b] - distance for b, distance in beyond[a]]))
    return [-x[r] for r in root] if mirrored else [x[r] for r in root]


# Where straight columns would need too much room --------------------------------------------------


def _tangled(sheet: Sheet, layers: list[list[int]], spacing: Spacing, x: list[int]) -> bool:
    """Whether columns, each kept straight by others, have spread over much more than they need."""
    need = max([sum([spacing.before[i] + spacing.after[i] for i in layer]) for layer in layers])
    return max(x) - min(x) > SPREAD * need


def _relaxed(sheet: Sheet, layers: list[list[int]], spacing: Spacing, least: list[int]) -> list[int]:
    """Packed tightly, then rank by rank moved to the middle of the neighbours, as near as possible."""
    root = list(range(len(sheet.kind)))
    for box in range(1, len(sheet.parent)):
        for i in range(2 * (sheet.last[box] - sheet.first[box] + 1)):
            root[sheet.border[box] + i] = sheet.border[box] + i % 2
    packed = [_compact(sheet, layers, spacing, least, root, mirrored) for mirrored in (False, True)]
    shift = max(packed[0]) - max(packed[1])
    x = [(a + b + shift) // 2 for a, b in zip(*packed)]
    rounds = 12 if len(x) < 12_000 else 6
    for turn in range(rounds):
        near = sheet.down if turn % 2 else sheet.up
        for layer in reversed(layers) if turn % 2 else layers:
            border, free = -1, list[int]()
            for i in layer:
                if sheet.kind[i] > BEND:
                    _settle(sheet, spacing, near, x, border, free, i)
                    border, free = i, []
                else:
                    free.append(i)
            _settle(sheet, spacing, near, x, border, free, -1)
    return x


def _settle(
    sheet: Sheet, spacing: Spacing, near: list[list[int]], x: list[int], left: int, free: list[int],
    right: int,
) -> None:  # fmt: skip
    """Move the items between two borders as near to their neighbours' middles as their order allows.

    With the distances that they must keep subtracted, their places may only grow from left to right:
    where they would not, runs of them take the mean of what they wish (isotonic regression).
    """
    if not free:
        return
    before, after, kind = spacing.before, spacing.after, sheet.kind
    offset = moved = 0
    shifts, runs = list[int](), list[tuple[int, int, int]]()  # of a run: weight, sum of wishes, items
    for k, i in enumerate(free):
        if k:
            offset += after[free[k - 1]] + before[i]
        shifts.append(offset)
        us = near[i]
        wish, weight = x[i], 1
        if us:
            wish = sum([x[u] for u in us]) // len(us)
            weight = 80 if kind[i] == BEND and kind[us[0]] == BEND else 10
        run = (weight, weight * (wish - offset), 1)
        while runs and runs[-1][1] * run[0] >= run[1] * runs[-1][0]:
            last = runs.pop()
            run = (last[0] + run[0], last[1] + run[1], last[2] + run[2])
        runs.append(run)
    low = x[left] + after[left] + before[free[0]] if left >= 0 else None
    high = x[right] - before[right] - after[free[-1]] - offset if right >= 0 else None
    for weight, wishes, many in runs:
        place = wishes // weight
        if high is not None:
            place = min(place, high)
        if low is not None:
            place = max(place, low)
        for _ in range(many):
            x[free[moved]] = place + shifts[moved]
            moved += 1
