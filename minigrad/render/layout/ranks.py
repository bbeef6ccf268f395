"""Which rank every node stands in, and bends where an edge passes a rank."""

from __future__ import annotations

from .sheet import BEND, LEFT, RIGHT, Link, Sheet, common


def rank(sheet: Sheet) -> None:
    """Ranks by the longest path from above; what only feeds stands just above its first use."""
    links = sheet.links
    vertices = len(sheet.place)  # nodes; the beginning and the end of each box
    below: list[list[tuple[int, int]]] = [[] for _ in range(vertices)]
    for link in links:
        below[link.top].append((link.bottom, 1))
    uses = [len(b) for b in below]
    for upper, lower, least in sheet.ties:
        if sheet.place[upper] < sheet.place[lower]:
            below[upper].append((lower, least))
    ordered = sorted(range(vertices), key=lambda i: sheet.place[i])
    rank = [0] * vertices
    feeds = [i < sheet.count for i in range(vertices)]  # nothing hangs on it but what it is made from
    for i in ordered:
        for j, least in below[i]:
            rank[j] = max(rank[j], rank[i] + least)
        for j, _ in below[i][: uses[i]]:
            feeds[j] = feeds[j] and feeds[i] and uses[i] == 1
    lowest = [0] * len(sheet.parent)  # per box the rank of its last node
    for i in range(sheet.count):
        box = sheet.box[i]
        while box:
            lowest[box] = max(lowest[box], rank[i])
            box = sheet.parent[box]
    for i in reversed(ordered):
        if feeds[i] and uses[i]:
            box, least = sheet.box[i], vertices
            for j, _ in below[i][: uses[i]]:
                inside = common(sheet.parent, box, sheet.box[j]) == box
                least = min(least, rank[j] - 1 if inside else min(rank[j] - 1, lowest[box]))
            rank[i] = max(rank[i], least)
    sheet.light = [feeds[i] and uses[i] == 1 for i in range(sheet.count)]
    used = sorted(set(rank[: sheet.count]))
    number = {r: i for i, r in enumerate(used)}
    sheet.rank = [number[r] for r in rank[: sheet.count]]
    sheet.ranks = len(used)
    _span(sheet)


def _span(sheet: Sheet) -> None:
    """The ranks that each box spans."""
    boxes = len(sheet.parent)
    sheet.first, sheet.last = [sheet.ranks] * boxes, [-1] * boxes
    for i in range(sheet.count):
        sheet.first[sheet.box[i]] = min(sheet.first[sheet.box[i]], sheet.rank[i])
        sheet.last[sheet.box[i]] = max(sheet.last[sheet.box[i]], sheet.rank[i])
    for b in range(boxes - 1, 0, -1):
        outer = sheet.parent[b]
        sheet.first[outer] = min(sheet.first[outer], sheet.first[b])
        sheet.last[outer] = max(sheet.last[outer], sheet.last[b])


def bend(sheet: Sheet) -> None:
    """Give every link an item in each rank that it passes.

    Of a graph with very many long edges the longest go without, and are drawn straight.
    """
    rank, left = sheet.rank, max(5000, 3 * sheet.count)
    links = sheet.links
    kept: list[bool] = [False] * len(links)
    for k in sorted(range(len(links)), key=lambda k: rank[links[k].bottom] - rank[links[k].top]):
        left -= rank[links[k].bottom] - rank[links[k].top] - 1
        kept[k] = left >= 0
    for k, link in enumerate(links):
        if not kept[k]:
            sheet.loose += link.edges
            continue
        link.items = [link.top]
        for r in range(rank[link.top] + 1, rank[link.bottom]):
            link.items.append(sheet.add(BEND, _box_of_bend(sheet, link, r), r))
            sheet.light[-1] = sheet.light[link.top]
        link.items.append(link.bottom)
        for upper, lower in zip(link.items, link.items[1:]):
            sheet.join(upper, lower)
    sheet.links = [link for k, link in enumerate(links) if kept[k]]


def _box_of_bend(sheet: Sheet, link: Link, rank: int) -> int:
    """An edge enters a box from above and leaves it below, if it can."""
    around = common(sheet.parent, sheet.box[link.top], sheet.box[link.bottom])
    box = sheet.box[link.bottom]
    while box != around:
        if sheet.first[box] <= rank:
            return box
        box = sheet.parent[box]
    box = sheet.box[link.top]
    while box != around:
        if sheet.last[box] >= rank:
            return box
        box = sheet.parent[box]
    return around


def enclose(sheet: Sheet) -> None:
    """Give every box a left and a right border in each rank that it spans, in pairs."""
    boxes = len(sheet.parent)
    sheet.border = [0] * boxes
    for b in range(1, boxes):
        sheet.border[b] = len(sheet.kind)
        for r in range(sheet.first[b], sheet.last[b] + 1):
            for kind in (LEFT, RIGHT):
                i = sheet.add(kind, b, r)
                if r > sheet.first[b]:
                    sheet.join(i - 2, i)
