"""The order of the items in each rank: few crossings, boxes in one piece, neighbours in order."""

from __future__ import annotations

from bisect import bisect_right, insort

from .sheet import BEND, LEFT, RIGHT, Sheet

Element = tuple[float | None, list[int], int]  # its key, its items, its box or -1


def order(sheet: Sheet) -> list[list[int]]:
    """The layers: per rank its items from left to right."""
    keys = _first_keys(sheet)
    places = _first_places(sheet, keys)
    layers = _first_layers(sheet, keys, places)
    position = [0] * len(sheet.kind)
    _number(layers, position)
    best, least = [layer[:] for layer in layers], crossings(sheet, layers, position)
    size = len(sheet.kind)
    rounds, patience = (24, 6) if size < 2_500 else (8, 3) if size < 12_000 else (3, 1)
    idle = 0
    for turn in range(rounds):
        if least == 0 or idle == patience:
            break
        wishes = [[0.0, 0] for _ in sheet.parent]
        ranks = range(len(layers))
        for r in ranks if turn % 2 == 0 else reversed(ranks):
            near = sheet.up if turn % 2 == 0 else sheet.down
            layers[r] = _sorted(sheet, layers[r], near, position, places, wishes)
            for p, i in enumerate(layers[r]):
                position[i] = p
        _transpose(sheet, layers, position, turn % 2 == 1)
        found = crossings(sheet, layers, position)
        idle += 1
        if found < least:
            best, least, idle = [layer[:] for layer in layers], found, 0
        for box in range(sheet.columns + 1, len(places)):
            if wishes[box][1]:
                places[box] = wishes[box][0] / wishes[box][1]
    _number(best, position)
    sheet.position = position
    return best


def _number(layers: list[list[int]], position: list[int]) -> None:
    for layer in layers:
        for p, i in enumerate(layer):
            position[i] = p


# The order to begin with -----------------------------------------------------------------------


def _first_keys(sheet: Sheet) -> list[int]:
    """Per item when a walk down, depth first, meets it."""
    keys = [-1] * len(sheet.kind)
    met = 0
    for start in sorted(range(sheet.count), key=lambda i: sheet.rank[i]):
        stack = [start]
        while stack:
            i = stack.pop()
            if keys[i] < 0:
                keys[i] = met
                met += 1
                stack += reversed(sheet.down[i])
    return keys


def _first_places(sheet: Sheet, keys: list[int]) -> list[float]:
    """Per box where it stands among its siblings: by the first of its nodes; columns by order."""
    places = [float(len(keys))] * len(sheet.parent)
    for i in range(sheet.count):
        places[sheet.box[i]] = min(places[sheet.box[i]], keys[i])
    for box in range(len(places) - 1, 0, -1):
        places[sheet.parent[box]] = min(places[sheet.parent[box]], places[box])
    for column in range(1, sheet.columns + 1):
        places[column] = float(column)
    return places


def _first_layers(sheet: Sheet, keys: list[int], places: list[float]) -> list[list[int]]:
    """Layers sorted by the keys, boxes by their places."""
    ranks = sheet.ranks
    boxes: list[list[int]] = [[] for _ in range(ranks)]
    for box in range(1, len(sheet.parent)):
        for r in range(sheet.first[box], sheet.last[box] + 1):
            boxes[r].append(box)
    members: list[dict[int, list[tuple[float, list[int]]]]] = [{} for _ in range(ranks)]
    for i, kind in enumerate(sheet.kind):
        if kind <= BEND:
            members[sheet.rank[i]].setdefault(sheet.box[i], []).append((keys[i], [i]))
    layers = []
    for r in range(ranks):
        for box in reversed(boxes[r]):  # a box comes after the one around it
            inside = sorted(members[r].get(box, []), key=lambda m: m[0])
            border = sheet.border[box] + 2 * (r - sheet.first[box])
            items = [border, *[i for _, part in inside for i in part], border + 1]
            members[r].setdefault(sheet.parent[box], []).append((places[box], items))
        inside = sorted(members[r].get(0, []), key=lambda m: m[0])
        layers.append([i for _, part in inside for i in part])
    return layers


# Sweeps ----------------------------------------------------------------------------------------


def _sorted(
    sheet: Sheet, layer: list[int], near: list[list[int]], position: list[int],
    places: list[float], wishes: list[list[float]],
) -> list[int]:  # fmt: skip
    """A layer sorted by the medians of its items' neighbours, box by box from the inside."""
    open_boxes: list[list[Element]] = [[]]
    for i in layer:
        kind = sheet.kind[i]
        if kind == LEFT:
            open_boxes.append([])
        elif kind == RIGHT:
            box = sheet.box[i]
            inside = _arranged(open_boxes.pop(), places)
            known = [key for key, _, _ in inside if key is not None]
            mean = sum(known) / len(known) if known else None
            if mean is not None:
                wishes[box][0] += mean
                wishes[box][1] += 1
            items = [j for _, part, _ in inside for j in part]
            items = [i - 1, *items, i]  # borders are made in pairs
            open_boxes[-1].append((mean, items, box))
        else:
            open_boxes[-1].append((_median([position[j] for j in near[i]]), [i], -1))
    return [j for _, part, _ in _arranged(open_boxes[0], places) for j in part]


def _arranged(elements: list[Element], places: list[float]) -> list[Element]:
    """Elements with keys sorted into the slots of such; then boxes, by their places, into theirs."""
    slots = [s for s, e in enumerate(elements) if e[0] is not None]
    moved = sorted([elements[s] for s in slots], key=lambda e: e[0] or 0.0)
    for s, element in zip(slots, moved):
        elements[s] = element
    slots = [s for s, e in enumerate(elements) if e[2] >= 0]
    moved = sorted([elements[s] for s in slots], key=lambda e: places[e[2]])
    for s, element in zip(slots, moved):
        elements[s] = element
    return elements


def _median(positions: list[int]) -> float | None:
    """The middle; between two middle ones the point that leans to the crowded side."""
    n = len(positions)
    if n == 0:
        return None
    if n == 1:
        return float(positions[0])
    positions.sort()
    half = n // 2
    if n % 2:
        return float(positions[half])
    low, high = positions[half - 1], positions[half]
    on_left, on_right = low - positions[0], positions[-1] - high
    if on_left + on_right == 0:
        return (low + high) / 2
    return (low * on_right + high * on_left) / (on_left + on_right)


def _transpose(sheet: Sheet, layers: list[list[int]], position: list[int], lax: bool) -> None:
    """Swap neighbours wherever that takes crossings away; at first, if `lax`, where it adds none."""
    up, down, kind = sheet.up, sheet.down, sheet.kind
    waiting = range(len(layers))
    for turn in range(4 if len(kind) < 12_000 else 1):
        again = set[int]()
        for r in waiting:
            layer = layers[r]
            for p in range(len(layer) - 1):
                u, v = layer[p], layer[p + 1]
                if kind[u] > BEND or kind[v] > BEND:
                    continue
                gain = _gain(up[u], up[v], position) + _gain(down[u], down[v], position)
                if gain > 0 or (lax and turn == 0 and gain == 0):
                    layer[p], layer[p + 1] = v, u
                    position[u], position[v] = p + 1, p
                    again.update((r - 1, r, r + 1))
        if not again:
            return
        waiting = sorted(r for r in again if 0 <= r < len(layers))  # type: ignore[assignment]


def _gain(us: list[int], vs: list[int], position: list[int]) -> int:
    """How many crossings fewer there are if v stands before u."""
    if len(us) * len(vs) > 2_000:
        return 0
    gain = 0
    for j in vs:
        p = position[j]
        for i in us:
            q = position[i]
            gain += (q > p) - (q < p)
    return gain


def crossings(sheet: Sheet, layers: list[list[int]], position: list[int]) -> int:
    """How many pairs of lines cross."""
    found = 0
    for layer in layers:
        met: list[int] = []
        for i in layer:
            if sheet.kind[i] <= BEND:
                ends = sorted([position[j] for j in sheet.down[i]])
                for p in ends:
                    found += len(met) - bisect_right(met, p)
                for p in ends:
                    insort(met, p)
    return found
