// Where everything in a picture stands: the same as minigrad/render/layout/ in Python, step by step
// and number by number; a test holds the two equal.  The comments there say why.
"use strict";

/** Lays out a picture: {width, height, nodes, scopes, edges, labels}, all in whole pixels. */
function layout(picture, direction = "down") {
  const NODE = 0, BEND = 1, LEFT = 2, RIGHT = 3;
  const down = direction === "down";
  const half = (x) => Math.floor(x / 2);
  const even = (x) => half(x + 1) * 2;
  const length = (text) => [...text].length;
  const range = (n) => Array.from({ length: n }, (_, i) => i);
  const lists = (n) => range(n).map(() => []);
  const most = (xs, least) => xs.reduce((a, b) => Math.max(a, b), least);
  const compare = (a, b) => a - b;
  const total = (xs) => xs.reduce((a, b) => a + b, 0);

  // Sizes (sizes.py) ----------------------------------------------------------------------------

  const LONGEST = 36, BOLD = 76, PLAIN = 60, TITLE_LINE = 18, LINE = 15, STACK = 6, LABEL = 54;
  const PAD = { input: 16, parameter: 16, output: 18, fold: 14 }, USUAL_PAD = 10;

  function sizeOf(node) {
    const texts = node.detail ? [node.title, node.detail] : [node.title];
    if (node.kind === "fold" && node.copies > 1) texts.push(`× ${node.copies}`);
    const title = Math.min(length(texts[0]), LONGEST);
    const name = Math.min(length(texts[0].split("(")[0]), title);
    let widest = BOLD * name + PLAIN * (title - name);
    for (const text of texts.slice(1)) widest = Math.max(widest, PLAIN * Math.min(length(text), LONGEST));
    const width = Math.max(44, Math.floor((widest + 9) / 10) + 2 * (PAD[node.kind] ?? USUAL_PAD));
    const height = 11 + TITLE_LINE + LINE * (texts.length - 1);
    const extra = node.kind === "fold" ? STACK : 0;
    return [even(width) + extra, even(height) + extra];
  }

  // Boxes and links (sheet.py) ------------------------------------------------------------------

  const count = picture.nodes.length;
  if (count === 0) return { width: 0, height: 0, nodes: {}, scopes: {}, edges: [], labels: [] };
  const edges = picture.edges;
  const item = new Map(picture.nodes.map((node, i) => [node.id, i]));
  const scopes = new Map(picture.scopes.map((scope) => [scope.id, scope]));
  const around = new Map([["", []]]);
  for (const scope of picture.scopes) around.set(scope.id, [...around.get(scope.parent), scope.id]);
  const kind = Array(count).fill(NODE);
  const up = lists(count), lower = lists(count);

  const used = new Set();
  const order = picture.nodes.map((node) => {
    const chain = around.get(node.scope);
    for (const scope of chain) used.add(scope);
    return chain.length ? scopes.get(chain[0]).order : node.order;
  });
  const orders = [...new Set(order)].sort(compare);
  const columns = orders.length > 1 ? orders.length : 0;
  const parent = Array(columns + 1).fill(0), scopeOf = Array(columns + 1).fill("");
  const column = new Map(orders.map((o, i) => [o, columns ? i + 1 : 0]));
  const number = new Map();
  for (const scope of picture.scopes) {
    if (!used.has(scope.id)) continue;
    number.set(scope.id, parent.length);
    parent.push(scope.parent ? number.get(scope.parent) : column.get(scope.order));
    scopeOf.push(scope.id);
  }
  const boxes = parent.length;
  const box = picture.nodes.map((node, i) => (node.scope ? number.get(node.scope) : column.get(order[i])));

  function common(a, b) {
    while (a !== b) {
      if (a > b) a = parent[a];
      else b = parent[b];
    }
    return a;
  }

  let links = [];
  const loose = [], ends = [];
  edges.forEach((edge, e) => {
    const source = item.get(edge.source), target = item.get(edge.target), o = order[source];
    if (o !== order[target] || source === target) loose.push(e);
    else if (o < picture.against.length && picture.against[o]) ends.push([target, source, e]);
    else ends.push([source, target, e]);
  });
  const key = (a, b) => a * 4194304 + b;
  const pairs = new Map();
  for (const [top, bottom] of ends) if (!pairs.has(key(top, bottom))) pairs.set(key(top, bottom), [top, bottom]);
  const hard = [...pairs.values()];
  const ties = [...beside(), ...stacked()];
  const place = topological(count + 2 * boxes, hard, ties);
  const known = new Map();
  for (let [top, bottom, e] of ends) {
    if (place[top] > place[bottom]) [top, bottom] = [bottom, top];
    let link = known.get(key(top, bottom));
    if (!link) {
      link = { top, bottom, edges: [], items: [] };
      known.set(key(top, bottom), link);
      links.push(link);
    }
    link.edges.push(e);
  }

  function beside() {
    const above = new Map();
    for (const [top, bottom] of hard) {
      if (!above.has(bottom)) above.set(bottom, []);
      above.get(bottom).push(top);
    }
    const found = [];
    picture.nodes.forEach((node, i) => {
      const twin = item.get(node.twin) ?? i;
      if (order[twin] === order[i]) return;
      found.push([i, twin, 0]);
      for (const top of above.get(twin) ?? []) found.push([top, i, 1]);
    });
    return found;
  }

  function stacked() {
    const feeds = new Map();
    for (const [top, bottom] of hard) {
      let a = box[top], b = box[bottom];
      const outer = common(a, b);
      if (outer === a || outer === b) continue;
      while (parent[a] !== outer) a = parent[a];
      while (parent[b] !== outer) b = parent[b];
      feeds.set(key(a, b), [a, b]);
    }
    const found = [], tied = new Set();
    for (const [a, b] of feeds.values()) {
      if (feeds.has(key(b, a))) continue;
      found.push([count + 2 * a + 1, count + 2 * b, 1]);
      tied.add(count + 2 * a + 1).add(count + 2 * b);
    }
    for (let i = 0; i < count; i++) {
      for (let b = box[i]; b; b = parent[b]) {
        const begin = count + 2 * b;
        if (tied.has(begin)) found.push([begin, i, 0]);
        if (tied.has(begin + 1)) found.push([i, begin + 1, 0]);
      }
    }
    return found;
  }

  function topological(size, hardPairs, softPairs) {
    const before = [Array(size).fill(0), Array(size).fill(0)];
    const after = [lists(size), lists(size)];
    [hardPairs, softPairs].forEach((some, which) => {
      for (const [a, b] of some) {
        after[which][a].push(b);
        before[which][b] += 1;
      }
    });
    const ready = range(size).filter((i) => before[0][i] + before[1][i] === 0);
    const waiting = range(size).filter((i) => before[0][i] === 0 && before[1][i] > 0);
    const places = Array(size).fill(-1);
    let head = 0, patient = 0, lowest = 0, found = 0;
    while (found < size) {
      let i;
      if (head < ready.length) i = ready[head++];
      else if (patient < waiting.length) i = waiting[patient++];
      else i = lowest++;
      if (places[i] >= 0) continue;
      places[i] = found++;
      for (const which of [0, 1]) {
        for (const j of after[which][i]) {
          before[which][j] -= 1;
          if (before[0][j] === 0 && before[1][j] === 0) ready.push(j);
          else if (before[which][j] === 0 && which === 0) waiting.push(j);
        }
      }
    }
    return places;
  }

  function add(what, where, r) {
    kind.push(what);
    light.push(false);
    box.push(where);
    rank.push(r);
    up.push([]);
    lower.push([]);
    return kind.length - 1;
  }

  function join(a, b) {
    lower[a].push(b);
    up[b].push(a);
  }

  // Ranks (ranks.py) ----------------------------------------------------------------------------

  let rank, ranks, light;
  const first = [], last = [], border = Array(boxes).fill(0);

  function setRanks() {
    const vertices = place.length;
    const below = lists(vertices);
    for (const link of links) below[link.top].push([link.bottom, 1]);
    const uses = below.map((b) => b.length);
    for (const [a, b, least] of ties) if (place[a] < place[b]) below[a].push([b, least]);
    const ordered = range(vertices).sort((a, b) => place[a] - place[b]);
    const level = Array(vertices).fill(0);
    const feeds = range(vertices).map((i) => i < count);
    for (const i of ordered) {
      below[i].forEach(([j, least], which) => {
        level[j] = Math.max(level[j], level[i] + least);
        if (which < uses[i]) feeds[j] = feeds[j] && feeds[i] && uses[i] === 1;
      });
    }
    const lowest = Array(boxes).fill(0);
    for (let i = 0; i < count; i++) {
      for (let b = box[i]; b; b = parent[b]) lowest[b] = Math.max(lowest[b], level[i]);
    }
    for (const i of ordered.reverse()) {
      if (!feeds[i] || !uses[i]) continue;
      let least = vertices;
      for (const [j] of below[i].slice(0, uses[i])) {
        const inside = common(box[i], box[j]) === box[i];
        least = Math.min(least, inside ? level[j] - 1 : Math.min(level[j] - 1, lowest[box[i]]));
      }
      level[i] = Math.max(level[i], least);
    }
    light = range(count).map((i) => feeds[i] && uses[i] === 1);
    const levels = [...new Set(level.slice(0, count))].sort(compare);
    const numbered = new Map(levels.map((r, i) => [r, i]));
    rank = level.slice(0, count).map((r) => numbered.get(r));
    ranks = levels.length;
    for (let b = 0; b < boxes; b++) [first[b], last[b]] = [ranks, -1];
    for (let i = 0; i < count; i++) {
      first[box[i]] = Math.min(first[box[i]], rank[i]);
      last[box[i]] = Math.max(last[box[i]], rank[i]);
    }
    for (let b = boxes - 1; b > 0; b--) {
      first[parent[b]] = Math.min(first[parent[b]], first[b]);
      last[parent[b]] = Math.max(last[parent[b]], last[b]);
    }
  }

  function bend() {
    let left = Math.max(5000, 3 * count);
    const span = (k) => rank[links[k].bottom] - rank[links[k].top];
    const kept = Array(links.length).fill(false);
    for (const k of range(links.length).sort((a, b) => span(a) - span(b))) {
      left -= span(k) - 1;
      kept[k] = left >= 0;
    }
    links.forEach((link, k) => {
      if (!kept[k]) {
        loose.push(...link.edges);
        return;
      }
      link.items = [link.top];
      for (let r = rank[link.top] + 1; r < rank[link.bottom]; r++) {
        link.items.push(add(BEND, boxOfBend(link, r), r));
        light[light.length - 1] = light[link.top];
      }
      link.items.push(link.bottom);
      for (let s = 1; s < link.items.length; s++) join(link.items[s - 1], link.items[s]);
    });
    links = links.filter((_, k) => kept[k]);
  }

  function boxOfBend(link, r) {
    const outer = common(box[link.top], box[link.bottom]);
    for (let b = box[link.bottom]; b !== outer; b = parent[b]) if (first[b] <= r) return b;
    for (let b = box[link.top]; b !== outer; b = parent[b]) if (last[b] >= r) return b;
    return outer;
  }

  function enclose() {
    for (let b = 1; b < boxes; b++) {
      border[b] = kind.length;
      for (let r = first[b]; r <= last[b]; r++) {
        for (const side of [LEFT, RIGHT]) {
          const i = add(side, b, r);
          if (r > first[b]) join(i - 2, i);
        }
      }
    }
  }

  // The order in each rank (order.py) -----------------------------------------------------------

  let position;

  function setNumbers(layers) {
    for (const layer of layers) layer.forEach((i, p) => (position[i] = p));
  }

  function setOrder() {
    const keys = firstKeys(), places = firstPlaces(keys);
    const layers = firstLayers(keys, places), size = kind.length;
    position = Array(size).fill(0);
    setNumbers(layers);
    let best = layers.map((layer) => [...layer]), least = crossings(layers), idle = 0;
    const [rounds, patience] = size < 2500 ? [24, 6] : size < 12000 ? [8, 3] : [3, 1];
    for (let turn = 0; turn < rounds; turn++) {
      if (least === 0 || idle === patience) break;
      const wishes = range(boxes).map(() => [0, 0]);
      const downwards = turn % 2 === 0, near = downwards ? up : lower;
      for (let s = 0; s < ranks; s++) {
        const r = downwards ? s : ranks - 1 - s;
        layers[r] = sorted(layers[r], near, places, wishes);
        layers[r].forEach((i, p) => (position[i] = p));
      }
      transpose(layers, !downwards);
      const found = crossings(layers);
      idle += 1;
      if (found < least) [best, least, idle] = [layers.map((layer) => [...layer]), found, 0];
      for (let b = columns + 1; b < boxes; b++) if (wishes[b][1]) places[b] = wishes[b][0] / wishes[b][1];
    }
    setNumbers(best);
    return best;
  }

  function firstKeys() {
    const keys = Array(kind.length).fill(-1);
    let met = 0;
    for (const start of range(count).sort((a, b) => rank[a] - rank[b])) {
      const stack = [start];
      while (stack.length) {
        const i = stack.pop();
        if (keys[i] >= 0) continue;
        keys[i] = met++;
        for (let k = lower[i].length - 1; k >= 0; k--) stack.push(lower[i][k]);
      }
    }
    return keys;
  }

  function firstPlaces(keys) {
    const places = Array(boxes).fill(keys.length);
    for (let i = 0; i < count; i++) places[box[i]] = Math.min(places[box[i]], keys[i]);
    for (let b = boxes - 1; b > 0; b--) places[parent[b]] = Math.min(places[parent[b]], places[b]);
    for (let c = 1; c <= columns; c++) places[c] = c;
    return places;
  }

  function firstLayers(keys, places) {
    const here = lists(ranks), members = range(ranks).map(() => new Map());
    const put = (r, b, element) => {
      if (!members[r].has(b)) members[r].set(b, []);
      members[r].get(b).push(element);
    };
    const inside = (r, b) => (members[r].get(b) ?? []).sort((x, y) => x[0] - y[0]).flatMap((m) => m[1]);
    for (let b = 1; b < boxes; b++) for (let r = first[b]; r <= last[b]; r++) here[r].push(b);
    kind.forEach((what, i) => what <= BEND && put(rank[i], box[i], [keys[i], [i]]));
    return range(ranks).map((r) => {
      for (const b of here[r].reverse()) {
        const left = border[b] + 2 * (r - first[b]);
        put(r, parent[b], [places[b], [left, ...inside(r, b), left + 1]]);
      }
      return inside(r, 0);
    });
  }

  function sorted(layer, near, places, wishes) {
    const open = [[]];
    for (const i of layer) {
      if (kind[i] === LEFT) open.push([]);
      else if (kind[i] === RIGHT) {
        const b = box[i], inside = arranged(open.pop(), places);
        const keys = inside.map((e) => e[0]).filter((k) => k !== null);
        const mean = keys.length ? total(keys) / keys.length : null;
        if (mean !== null) {
          wishes[b][0] += mean;
          wishes[b][1] += 1;
        }
        open[open.length - 1].push([mean, [i - 1, ...inside.flatMap((e) => e[1]), i], b]);
      } else open[open.length - 1].push([median(near[i].map((j) => position[j])), [i], -1]);
    }
    return arranged(open[0], places).flatMap((e) => e[1]);
  }

  function arranged(elements, places) {
    const refill = (chosen, less) => {
      const slots = range(elements.length).filter((s) => chosen(elements[s]));
      const moved = slots.map((s) => elements[s]).sort(less);
      slots.forEach((s, k) => (elements[s] = moved[k]));
    };
    refill((e) => e[0] !== null, (x, y) => x[0] - y[0]);
    refill((e) => e[2] >= 0, (x, y) => places[x[2]] - places[y[2]]);
    return elements;
  }

  function median(positions) {
    const n = positions.length;
    if (n === 0) return null;
    if (n === 1) return positions[0];
    positions.sort(compare);
    const middle = half(n);
    if (n % 2) return positions[middle];
    const low = positions[middle - 1], high = positions[middle];
    const onLeft = low - positions[0], onRight = positions[n - 1] - high;
    if (onLeft + onRight === 0) return (low + high) / 2;
    return (low * onRight + high * onLeft) / (onLeft + onRight);
  }

  function transpose(layers, lax) {
    let waiting = range(ranks);
    for (let turn = 0; turn < (kind.length < 12000 ? 4 : 1); turn++) {
      const again = new Set();
      for (const r of waiting) {
        const layer = layers[r];
        for (let p = 0; p + 1 < layer.length; p++) {
          const u = layer[p], v = layer[p + 1];
          if (kind[u] > BEND || kind[v] > BEND) continue;
          const fewer = gain(up[u], up[v]) + gain(lower[u], lower[v]);
          if (fewer > 0 || (lax && turn === 0 && fewer === 0)) {
            [layer[p], layer[p + 1], position[u], position[v]] = [v, u, p + 1, p];
            again.add(r - 1).add(r).add(r + 1);
          }
        }
      }
      if (!again.size) return;
      waiting = [...again].filter((r) => r >= 0 && r < ranks).sort(compare);
    }
  }

  function gain(us, vs) {
    if (us.length * vs.length > 2000) return 0;
    let found = 0;
    for (const j of vs) for (const i of us) found += Math.sign(position[i] - position[j]);
    return found;
  }

  function crossings(layers) {
    let found = 0;
    const after = (met, p) => {
      let low = 0, high = met.length;
      while (low < high) {
        const middle = half(low + high);
        if (p < met[middle]) high = middle;
        else low = middle + 1;
      }
      return low;
    };
    for (const layer of layers) {
      const met = [];
      for (const i of layer) {
        if (kind[i] > BEND) continue;
        const ends = lower[i].map((j) => position[j]);
        for (const p of ends) found += met.length - after(met, p);
        for (const p of ends) met.splice(after(met, p), 0, p);
      }
    }
    return found;
  }

  // Places (straighten.py) ----------------------------------------------------------------------

  const ROOM = [11, 7, 5, 5], COLUMN = 22, BOX = 9, HEAD = 16;

  function straighten(layers, width, least) {
    const size = kind.length, before = [], after = [];
    for (let i = 0; i < size; i++) {
      const room = kind[i] > BEND && box[i] <= columns ? COLUMN : ROOM[kind[i]];
      const over = kind[i] === LEFT && box[i] > columns && !down ? HEAD : 0;
      before.push(half(width[i]) + room + over);
      after.push(half(width[i]) + room);
    }
    const blocked = blockedLinks(layers);
    const found = [];
    for (const upwards of [false, true]) {
      for (const mirrored of [false, true]) {
        const root = columnsOf(layers, blocked, upwards, mirrored);
        found.push(compact(layers, before, after, least, root, mirrored));
        if (found.length === 1 && tangled(layers, before, after, found[0])) {
          return relaxed(layers, before, after, least);
        }
      }
    }
    const nodes = range(count);
    const low = found.map((x) => nodes.reduce((m, i) => Math.min(m, x[i] - half(width[i])), Infinity));
    const high = found.map((x) => nodes.reduce((m, i) => Math.max(m, x[i] + half(width[i])), -Infinity));
    let narrow = 0;
    for (let k = 1; k < 4; k++) if (high[k] - low[k] < high[narrow] - low[narrow]) narrow = k;
    const shift = found.map((_, k) => (k % 2 ? high[narrow] - high[k] : low[narrow] - low[k]));
    return range(size).map((i) => {
      const four = found.map((x, k) => x[i] + shift[k]).sort(compare);
      return half(four[1] + four[2]);
    });
  }

  function blockedLinks(layers) {
    const blocked = new Set();
    for (let r = 0; r + 1 < ranks; r++) {
      const passed = (layer, near) => {
        const found = new Map();
        let borders = 0;
        for (const i of layer) {
          found.set(i, borders);
          if (kind[i] > BEND && near[i].length) borders += 1;
        }
        return found;
      };
      const above = passed(layers[r], lower), below = passed(layers[r + 1], up);
      const bends = [];
      for (const v of layers[r + 1]) {
        const heavy = up[v].length > 1 && !up[v].every((u) => light[u]);
        for (const u of up[v]) {
          if (above.get(u) !== below.get(v) || (heavy && light[u])) blocked.add(key(u, v));
          else if (kind[u] === BEND && kind[v] === BEND) bends.push([position[u], position[v]]);
        }
      }
      if (!bends.length) continue;
      const rightmost = [-1], leftmost = [layers[r].length];
      for (const [p] of bends) rightmost.push(Math.max(rightmost[rightmost.length - 1], p));
      for (let k = bends.length - 1; k >= 0; k--) {
        leftmost.push(Math.min(leftmost[leftmost.length - 1], bends[k][0]));
      }
      let begun = 0, ended = 0;
      for (const v of layers[r + 1]) {
        while (ended < bends.length && bends[ended][1] <= position[v]) ended += 1;
        while (begun < bends.length && bends[begun][1] < position[v]) begun += 1;
        for (const u of up[v]) {
          if ((kind[u] === BEND && kind[v] === BEND) || kind[v] > BEND) continue;
          if (rightmost[begun] > position[u] || leftmost[bends.length - ended] < position[u]) {
            blocked.add(key(u, v));
          }
        }
      }
    }
    return blocked;
  }

  function columnsOf(layers, blocked, upwards, mirrored) {
    const size = kind.length, root = range(size), follower = range(size);
    const near = upwards ? lower : up;
    const at = mirrored ? position.map((p) => -p) : position;
    for (let s = 0; s < ranks; s++) {
      const layer = layers[upwards ? ranks - 1 - s : s];
      let reached = -size;
      for (let p = 0; p < layer.length; p++) {
        const v = layer[mirrored ? layer.length - 1 - p : p];
        let us = near[v].filter((u) => !blocked.has(upwards ? key(v, u) : key(u, v)));
        us.sort((a, b) => at[a] - at[b]);
        us = us.slice(half(us.length - 1), half(us.length) + 1);
        for (const u of us) {
          if (follower[v] !== v || at[u] <= reached) continue;
          follower[u] = v;
          root[v] = follower[v] = root[u];
          reached = at[u];
        }
      }
    }
    return root;
  }

  function compact(layers, before, after, least, root, mirrored) {
    const size = root.length, beyond = lists(size), waits = Array(size).fill(0);
    const apart = (u, v, distance) => {
      const [a, b] = mirrored ? [root[v], root[u]] : [root[u], root[v]];
      beyond[a].push([b, distance]);
      waits[b] += 1;
    };
    for (const layer of layers) {
      for (let p = 0; p + 1 < layer.length; p++) {
        apart(layer[p], layer[p + 1], after[layer[p]] + before[layer[p + 1]]);
      }
    }
    for (let b = 1; b < boxes; b++) if (least[b]) apart(border[b], border[b] + 1, least[b]);
    const x = Array(size).fill(0);
    const ordered = range(size).filter((i) => root[i] === i && waits[i] === 0);
    for (let k = 0; k < ordered.length; k++) {
      const a = ordered[k];
      for (const [b, distance] of beyond[a]) {
        x[b] = Math.max(x[b], x[a] + distance);
        waits[b] -= 1;
        if (waits[b] === 0) ordered.push(b);
      }
    }
    const closes = mirrored ? LEFT : RIGHT;
    for (const a of ordered.reverse()) {
      if (!beyond[a].length || kind[a] === closes) continue;
      const room = beyond[a].reduce((low, [b, distance]) => Math.min(low, x[b] - distance), Infinity);
      x[a] = Math.max(x[a], room);
    }
    return root.map((r) => (mirrored ? -x[r] : x[r]));
  }

  function tangled(layers, before, after, x) {
    const need = most(layers.map((layer) => total(layer.map((i) => before[i] + after[i]))), 0);
    return most(x, -Infinity) - x.reduce((a, b) => Math.min(a, b), Infinity) > 3 * need;
  }

  function relaxed(layers, before, after, least) {
    const root = range(kind.length);
    for (let b = 1; b < boxes; b++) {
      for (let i = 0; i < 2 * (last[b] - first[b] + 1); i++) root[border[b] + i] = border[b] + (i % 2);
    }
    const [one, other] = [false, true].map((m) => compact(layers, before, after, least, root, m));
    const shift = most(one, -Infinity) - most(other, -Infinity);
    const x = one.map((a, i) => half(a + other[i] + shift));
    const rounds = x.length < 12000 ? 12 : 6;
    for (let turn = 0; turn < rounds; turn++) {
      const near = turn % 2 ? lower : up;
      for (let s = 0; s < ranks; s++) {
        let left = -1, free = [];
        for (const i of layers[turn % 2 ? ranks - 1 - s : s]) {
          if (kind[i] > BEND) {
            settle(before, after, near, x, left, free, i);
            [left, free] = [i, []];
          } else free.push(i);
        }
        settle(before, after, near, x, left, free, -1);
      }
    }
    return x;
  }

  function settle(before, after, near, x, left, free, right) {
    if (!free.length) return;
    let offset = 0, moved = 0;
    const shifts = [], runs = [];
    free.forEach((i, k) => {
      if (k) offset += after[free[k - 1]] + before[i];
      shifts.push(offset);
      const us = near[i];
      let wish = x[i], weight = 1;
      if (us.length) {
        wish = Math.floor(total(us.map((u) => x[u])) / us.length);
        weight = kind[i] === BEND && kind[us[0]] === BEND ? 80 : 10;
      }
      let run = [weight, weight * (wish - offset), 1];
      while (runs.length && runs[runs.length - 1][1] * run[0] >= run[1] * runs[runs.length - 1][0]) {
        const previous = runs.pop();
        run = run.map((x, k) => previous[k] + x);
      }
      runs.push(run);
    });
    const low = left >= 0 ? x[left] + after[left] + before[free[0]] : -Infinity;
    const high = right >= 0 ? x[right] - before[right] - after[free[free.length - 1]] - offset : Infinity;
    for (const [weight, wishes, many] of runs) {
      const place = Math.max(Math.min(Math.floor(wishes / weight), high), low);
      for (let k = 0; k < many; k++, moved++) x[free[moved]] = place + shifts[moved];
    }
  }

  // Pixels (place.py) ---------------------------------------------------------------------------

  const GAP = 26, LABELLED_GAP = 34, LANE = 5, PORT = 13, WIDEST = 240, MARK = 8;
  const STRIP = 2400, THIN = 4, GUTTER = 44;
  const lanes = (edge) => 1 + edge.routes.length;
  const wideness = (link) => total(link.edges.map((e) => lanes(edges[e]))) * LANE + 4 * (link.edges.length - 1);
  let width, height, across, start, end, begin, lead, tail, lows, cuts, strip, aside, back, gutter;

  function itemSizes() {
    width = Array(kind.length).fill(0);
    height = Array(kind.length).fill(0);
    picture.nodes.forEach((node, i) => {
      const [w, h] = sizeOf(node);
      [width[i], height[i]] = down ? [w, h] : [h, w];
    });
    const needs = [Array(count).fill(0), Array(count).fill(0)];
    for (const link of links) {
      const wide = wideness(link);
      for (const i of link.items.slice(1, -1)) width[i] = even(wide);
      needs[0][link.bottom] += Math.max(wide, PORT) + 1;
      needs[1][link.top] += Math.max(wide, PORT) + 1;
    }
    for (let i = 0; i < count; i++) {
      const need = Math.max(needs[0][i], needs[1][i]) + 20;
      width[i] = Math.max(width[i], Math.min(even(need), WIDEST));
    }
  }

  function leastWidths() {
    return scopeOf.map((s) =>
      s && down ? Math.floor((Math.min(length(scopes.get(s).label), LONGEST) * LABEL + 9) / 10) + 24 : 0);
  }

  function setBands() {
    const high = Array(ranks).fill(0), above = Array(ranks).fill(0), below = Array(ranks).fill(0);
    const reach = Array(ranks).fill(0);
    for (let i = 0; i < count; i++) high[rank[i]] = Math.max(high[rank[i]], height[i]);
    lead = Array(boxes).fill(0);
    tail = Array(boxes).fill(0);
    for (let b = boxes - 1; b > 0; b--) {
      const outer = parent[b];
      if (scopeOf[b]) {
        lead[b] += BOX + (down ? HEAD : 0);
        tail[b] += BOX;
      }
      if (first[outer] === first[b]) lead[outer] = Math.max(lead[outer], lead[b]);
      if (last[outer] === last[b]) tail[outer] = Math.max(tail[outer], tail[b]);
      above[first[b]] = Math.max(above[first[b]], lead[b]);
      below[last[b]] = Math.max(below[last[b]], tail[b]);
    }
    for (const link of links) {
      for (let s = 1; s < link.items.length; s++) {
        const u = link.items[s - 1];
        reach[rank[u]] = Math.max(reach[rank[u]], Math.abs(across[u] - across[link.items[s]]));
      }
    }
    let gap = picture.labelled ? LABELLED_GAP : GAP;
    if (!down && picture.labelled) {
      const longest = most(edges.map((edge) => length(edge.shape)), 0);
      const marks = most(edges.map((edge) => length(edge.mark)), 0);
      gap = Math.max(gap, Math.floor((Math.min(longest, LONGEST) * LABEL) / 10) + 12 + marks * MARK);
    }
    begin = [], start = [], end = [], lows = [];
    let y = 0;
    for (let r = 0; r < ranks; r++) {
      begin.push(y);
      start.push(y + above[r]);
      end.push(start[r] + high[r]);
      lows.push(end[r] + below[r]);
      y = lows[r] + gap + Math.min(Math.floor(reach[r] / 10), 40);
    }
  }

  function setStrips() {
    let low = Infinity, high = -Infinity;
    across.forEach((a, i) => {
      low = Math.min(low, a - half(width[i]));
      high = Math.max(high, a + half(width[i]));
    });
    const long = end[ranks - 1], wide = Math.max(high - low, 120) + GUTTER;
    cuts = [];
    if (long >= STRIP && long > THIN * wide) {
      let parts = 1;
      while (2 * parts * parts * wide < 3 * long) parts += 1;
      cuts = cutsFor(Math.floor(long / parts));
    }
    const cut = new Set(cuts);
    strip = [];
    let s = 0;
    for (let r = 0; r < ranks; r++) {
      strip.push(s);
      if (cut.has(r)) s += 1;
    }
    const least = [], furthest = [];
    across.forEach((a, i) => {
      const t = strip[rank[i]], wing = half(width[i]) + HEAD;
      least[t] = Math.min(least[t] ?? Infinity, a - wing);
      furthest[t] = Math.max(furthest[t] ?? -Infinity, a + wing);
    });
    aside = [], back = [], gutter = [];
    let x = 0;
    for (let t = 0; t <= s; t++) {
      aside.push(x - least[t]);
      x += furthest[t] - least[t] + GUTTER;
      back.push(t ? begin[cuts[t - 1] + 1] : 0);
      gutter.push(aside[t] + furthest[t] + half(GUTTER));
    }
  }

  function cutsFor(wanted) {
    const passing = Array(ranks + 1).fill(0), closed = Array(ranks + 1).fill(0);
    for (const link of links) {
      passing[rank[link.top]] += 1;
      passing[rank[link.bottom]] -= 1;
    }
    for (let b = 1; b < boxes; b++) {
      closed[first[b]] += 1;
      closed[last[b]] -= 1;
    }
    for (let r = 0; r < ranks; r++) {
      passing[r + 1] += passing[r];
      closed[r + 1] += closed[r];
    }
    const cuts = [];
    let best = -1, least = 0, begun = 0;
    for (let r = 0; r < ranks - 1; r++) {
      const soFar = end[r] - begun;
      const rest = end[ranks - 1] - end[r];
      if (closed[r] === 0 && 4 * soFar >= 3 * wanted && 2 * rest >= wanted) {
        const cost = passing[r] * wanted + 4 * Math.abs(soFar - wanted);
        if (best < 0 || cost < least) [best, least] = [r, cost];
      }
      if (best >= 0 && 4 * soFar >= 5 * wanted) {
        cuts.push(best);
        [begun, r, best] = [end[best], best, -1];
        if (4 * (end[ranks - 1] - begun) <= 5 * wanted) break;
      }
    }
    return cuts;
  }

  function point(r, a, b) {
    const x = a + aside[strip[r]], y = b - back[strip[r]];
    return down ? [x, y] : [y, x];
  }

  function rectangle([x, y], w, h) {
    return down ? { x, y, width: w, height: h } : { x, y, width: h, height: w };
  }

  function nodeBox(i) {
    return rectangle(point(rank[i], across[i] - half(width[i]), edgeOf(i, 0)), width[i], height[i]);
  }

  function scopeBox(b) {
    const left = across[border[b]] - (down ? 0 : HEAD), right = across[border[b] + 1];
    const top = start[first[b]] - lead[b];
    return rectangle(point(first[b], left, top), right - left, end[last[b]] + tail[b] - top);
  }

  function edgeOf(i, side) {
    const r = rank[i];
    return start[r] + half(end[r] - start[r] - height[i]) + side * height[i];
  }

  function ways() {
    const found = edges.map(() => []), labels = edges.map(() => [0, 0]), ports = setPorts();
    const turns = setTurns();
    links.forEach((link, k) => {
      const offsets = apartBy(link.edges.map((e) => lanes(edges[e]) * LANE), 4);
      link.edges.forEach((e, which) => {
        const startsAbove = item.get(edges[e].source) === link.top;
        const [way, label] = wayOf(link, ports[k], offsets[which], startsAbove, turns, e);
        found[e] = startsAbove ? way : way.reverse();
        labels[e] = label;
      });
    });
    const detour = streets();
    for (const e of loose) {
      const ends = [item.get(edges[e].source), item.get(edges[e].target)];
      const way = order[ends[0]] === order[ends[1]] ? null : detour(ends);
      found[e] = way ? simple(way.map(([a, b]) => point(rank[ends[0]], a, b))) : straight(...ends);
      const [a, b] = found[e][0], [c, d] = found[e][found[e].length - 1];
      labels[e] = [half(a + c), half(b + d)];
    }
    return [found, labels];
  }

  function apartBy(widths, room) {
    let at = half(-(total(widths) + room * (widths.length - 1)));
    return widths.map((w) => {
      const offset = at + half(w);
      at += w + room;
      return offset;
    });
  }

  function setPorts() {
    const ports = links.map(() => [0, 0]);
    for (const side of [0, 1]) {
      const at = lists(count);
      links.forEach((link, k) => {
        const [i, other] = side === 0 ? [link.top, link.items[1]] : [link.bottom, link.items[link.items.length - 2]];
        at[i].push([across[other], k, wideness(link)]);
      });
      at.forEach((ends, i) => {
        if (!ends.length) return;
        ends.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
        let middle = 0;
        const far = (p) => Math.abs(ends[p][0] - across[i]);
        for (let p = 1; p < ends.length; p++) if (far(p) < far(middle)) middle = p;
        const offsets = apartBy(ends.map(([, , w]) => Math.max(w, PORT)), 1);
        const shift = ends.length % 2 || ends[middle][0] === across[i] ? offsets[middle] : 0;
        const room = Math.max(half(width[i]) - 8, 0);
        ends.forEach(([, k, wide], p) => {
          const limit = Math.max(room - half(wide), 0);
          ports[k][side] = across[i] + Math.max(-limit, Math.min(limit, offsets[p] - shift));
        });
      });
    }
    return ports;
  }

  function wayOf(link, ports, offset, startsAbove, turns, edge) {
    const items = link.items, final = items.length - 1;
    const top = rank[link.top], bottom = rank[link.bottom];
    const xs = items.map((i) => across[i] + offset);
    xs[0] = ports[0] + offset;
    xs[final] = ports[1] + offset;
    const way = [point(top, xs[0], edgeOf(link.top, 1)), point(top, xs[0], end[top])];
    let label = [0, 0];
    for (let step = 0; step < final; step++) {
      const r = top + step;
      const turned = strip[r] !== strip[r + 1];
      if (turned) {
        const s = strip[r], round = turns.get(r), many = round.length, turn = round.indexOf(edge);
        const lane = Math.max(1, Math.min(LANE, Math.floor(36 / many)));
        const under = lows[r] + 7 + lane * turn, over = begin[r + 1] - 7 - lane * (many - 1 - turn);
        const side = gutter[s] - aside[s] + lane * turn - 12;
        way.push(point(r, xs[step], under), point(r, side, under));
        const onward = side + aside[s] - aside[s + 1];
        way.push(point(r + 1, onward, over), point(r + 1, xs[step + 1], over));
      }
      if (step === (startsAbove ? 0 : final - 1)) {
        label = turned
          ? point(r, xs[step], end[r] + 12)
          : point(r, half(xs[step] + xs[step + 1]), half(end[r] + start[r + 1]));
      }
      way.push(point(r + 1, xs[step + 1], start[r + 1]));
      if (step < final - 1) way.push(point(r + 1, xs[step + 1], end[r + 1]));
    }
    way.push(point(bottom, xs[final], edgeOf(link.bottom, 0)));
    return [simple(way), label];
  }

  function setTurns() {
    const found = new Map(cuts.map((r) => [r, []]));
    for (const { top, bottom, items, edges: some } of links) {
      if (strip[rank[top]] === strip[rank[bottom]]) continue;
      for (let s = 0; s + 1 < items.length; s++) {
        const round = found.get(rank[top] + s);
        if (round) for (const e of some) round.push([across[items[s]], across[items[s + 1]], e]);
      }
    }
    for (const round of found.values()) round.sort((a, b) => b[0] - a[0] || b[1] - a[1] || b[2] - a[2]);
    return new Map([...found].map(([r, round]) => [r, round.map(([, , e]) => e)]));
  }

  function simple(way) {
    const kept = [];
    for (const p of way) {
      const n = kept.length;
      if (n && kept[n - 1][0] === p[0] && kept[n - 1][1] === p[1]) continue;
      const between = (c) => kept[n - 2][c] === kept[n - 1][c] && kept[n - 1][c] === p[c];
      if (n > 1 && (between(0) || between(1))) kept.pop();
      kept.push(p);
    }
    return kept;
  }

  function straight(source, target) {
    const sides = [source, target].map(nodeBox).map((r) => {
      const x = [r.x, r.x + r.width], y = [r.y, r.y + r.height];
      return down ? [x, y] : [y, x];
    });
    const [[[a, b], [e, f]], [[c, d], [g, h]]] = sides;
    let way;
    if (b < c) way = [[b, half(e + f)], [c, half(g + h)]];
    else if (d < a) way = [[a, half(e + f)], [d, half(g + h)]];
    else if (f < g) way = [[half(a + b), f], [half(c + d), g]];
    else way = [[half(a + b), e], [half(c + d), h]];
    return down ? way : way.map(([x, y]) => [y, x]);
  }

  // Ways from one column to another (detour.py) --------------------------------------------------

  function streets() {
    const FREE = 4, STUB = 8, PIECES = 32, FAR = 2 ** 40;
    const inRank = lists(ranks), lines = lists(ranks), taken = new Map();
    kind.forEach((k, i) => {
      if (k === NODE) inRank[rank[i]].push(i);
      else if (k === BEND || scopeOf[box[i]]) lines[rank[i]].push(across[i]);
    });
    const corridors = range(columns).map((c) => across[border[c + 1] + 1] + COLUMN);
    let work = 2e6, ends, side, leave, arrive, round, r, q, y, z;

    const span = (i, s) => {
      const low = across[i] - half(width[i]), high = low + width[i];
      return s > 0 ? [low, high] : [-high, -low];
    };
    const middle = (i) => half(edgeOf(i, 0) + edgeOf(i, 1));

    function isFree() {
      const near = [];
      for (let k = Math.min(r, q); k <= Math.max(r, q); k++) {
        work -= inRank[k].length;
        for (const i of inRank[k]) {
          const [low, high] = span(i, side);
          if (!ends.includes(i) && low - FREE < arrive && high + FREE > leave) {
            near.push([low - FREE, high + FREE, edgeOf(i, 0) - FREE, edgeOf(i, 1) + FREE]);
          }
        }
      }
      work -= near.length;
      const m = half(leave + arrive);
      let a = leave, b = y;
      for (let t = 1; t <= PIECES && near.length; t++) {
        const s = PIECES - t, one = s * s * s, two = 3 * s * s * t, three = 3 * s * t * t, four = t * t * t;
        const c = Math.floor((one * leave + (two + three) * m + four * arrive) / PIECES ** 3);
        const d = Math.floor(((one + two) * y + (three + four) * z) / PIECES ** 3);
        for (const [low, high, top, bottom] of near) {
          if (low < c && a < high && top < Math.max(b, d) && Math.min(b, d) < bottom) return false;
        }
        [a, b] = [c, d];
      }
      return true;
    }

    function places() {
      const blocks = [];
      for (let k = Math.min(r, q) + 1; k < Math.max(r, q); k++) {
        work -= inRank[k].length;
        for (const i of inRank[k]) {
          const [low, high] = span(i, side);
          blocks.push([low - FREE, high + FREE]);
        }
      }
      blocks.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      const wishes = [leave + STUB, half(leave + arrive), round ? arrive + STUB : arrive - STUB, ...corridors.map((a) => side * a)];
      const found = [];
      let free = -FAR;
      for (const [low, high] of [...blocks, [FAR, FAR]]) {
        if (free <= low) {
          const tries = [...wishes, ...wishes.flatMap((w) => [w - LANE, w + LANE])];
          if (free > -FAR && low < FAR) tries.push(half(free + low));
          for (let k = 0; k < 5; k++) {
            if (free > -FAR) tries.push(free + k * LANE);
            if (low < FAR) tries.push(low - k * LANE);
          }
          for (const x of tries) if (free <= x && x <= low) found.push([x, Math.min(x - free, low - x)]);
        }
        free = Math.max(free, high);
      }
      return found;
    }

    function reach(i, from, s) {
      let least = FAR;
      for (const j of inRank[rank[i]]) {
        const [low] = span(j, side * s);
        if (j !== i && low >= from * s) least = Math.min(least, low - FREE);
      }
      return s * least;
    }

    const opens = (x, reaches) => [
      leave + STUB <= x && x <= reaches[0],
      round ? arrive + STUB <= x && x <= reaches[1] : reaches[1] <= x && x <= arrive - STUB,
    ];

    function conflicts(where, a, b) {
      const low = Math.min(a, b), high = Math.max(a, b);
      let found = 0;
      for (const [c, d, source, target] of taken.get(where) || []) {
        found += c < high && low < d && source !== ends[0] && target !== ends[1];
      }
      return found;
    }

    function take(where, a, b) {
      if (!taken.has(where)) taken.set(where, []);
      taken.get(where).push([Math.min(a, b), Math.max(a, b), ...ends]);
    }

    function costOf(x, near, reaches) {
      const [out, into] = opens(x, reaches);
      let cost = Math.abs(x - leave) + Math.abs(x - arrive) + 3 * Math.max(0, 10 - near) + 30 * (2 - out - into);
      for (let k = Math.min(r, q); k <= Math.max(r, q); k++) {
        work -= 8 + lines[k].length;
        for (const line of lines[k]) cost += Math.max(0, STUB - Math.abs(side * x - line));
      }
      for (let d = 1 - FREE; d < FREE; d++) cost += 80 * conflicts("0 " + (side * x + d), y, z);
      if (out) cost += 120 * conflicts("1 " + r, side * leave, side * x);
      if (into) cost += 120 * conflicts("1 " + q, side * x, side * arrive);
      return cost;
    }

    function gapAt(gap, a, b) {
      const low = gap < 0 ? begin[0] - 24 : lows[gap];
      const inner = gap >= 0 && gap < ranks - 1 && strip[gap] === strip[gap + 1];
      const many = inner ? Math.max(1, Math.floor((begin[gap + 1] - low - 8) / LANE)) : 4;
      let lane = 0;
      while (lane < many - 1 && conflicts(`2 ${gap} ${lane}`, a, b)) lane += 1;
      take(`2 ${gap} ${lane}`, a, b);
      return low + 6 + LANE * lane;
    }

    function along(x, [out, into]) {
      const way = [[leave, y]];
      let from = y;
      if (out) take("1 " + r, side * leave, side * x);
      else {
        const at = leave + STUB;
        from = gapAt(q >= r ? r : r - 1, side * at, side * x);
        way.push([at, y], [at, from]);
      }
      way.push([x, from]);
      if (into) {
        take("1 " + q, side * x, side * arrive);
        way.push([x, z]);
        take("0 " + side * x, from, z);
      } else {
        const at = round ? arrive + STUB : arrive - STUB, gap = gapAt(q > r ? q - 1 : q, side * x, side * at);
        way.push([x, gap], [at, gap], [at, z]);
        take("0 " + side * x, from, gap);
      }
      return [...way, [arrive, z]];
    }

    return (pair) => {
      ends = pair;
      [r, q] = ends.map((i) => rank[i]);
      if (work < 0 || strip[r] !== strip[q]) return null;
      const [[a, b], [c, d]] = ends.map((i) => span(i, 1));
      side = d < a ? -1 : 1;
      round = b >= c && d >= a;
      leave = side > 0 ? b : -a;
      arrive = round ? d : side * (side > 0 ? c : d);
      [y, z] = ends.map(middle);
      if (!round && isFree()) {
        if (r === q) take("1 " + r, side * leave, side * arrive);
        return [[side * leave, y], [side * arrive, z]];
      }
      const reaches = [reach(ends[0], leave, 1), reach(ends[1], arrive, round ? 1 : -1)];
      let least = Infinity, best = 0;
      for (const [x, near] of places()) {
        const cost = costOf(x, near, reaches);
        if (cost < least || (cost === least && x < best)) [least, best] = [cost, x];
      }
      return along(best, opens(best, reaches)).map(([a, b]) => [side * a, b]);
    };
  }

  // Everything (__init__.py) --------------------------------------------------------------------

  setRanks();
  bend();
  enclose();
  const layers = setOrder();
  itemSizes();
  across = straighten(layers, width, leastWidths());
  setBands();
  setStrips();
  const [paths, labels] = ways();
  const nodes = {}, outlines = {};
  picture.nodes.forEach((node, i) => (nodes[node.id] = nodeBox(i)));
  scopeOf.forEach((s, b) => s && (outlines[s] = scopeBox(b)));
  const all = [...Object.values(nodes), ...Object.values(outlines)], points = paths.flat();
  let x = Infinity, y = Infinity, right = -Infinity, bottom = -Infinity;
  for (const b of all) {
    [x, y] = [Math.min(x, b.x), Math.min(y, b.y)];
    [right, bottom] = [Math.max(right, b.x + b.width), Math.max(bottom, b.y + b.height)];
  }
  for (const p of points) {
    [x, y] = [Math.min(x, p[0]), Math.min(y, p[1])];
    [right, bottom] = [Math.max(right, p[0]), Math.max(bottom, p[1])];
  }
  for (const b of all) {
    b.x -= x;
    b.y -= y;
  }
  for (const p of [...points, ...labels]) {
    p[0] -= x;
    p[1] -= y;
  }
  return { width: right - x, height: bottom - y, nodes, scopes: outlines, edges: paths, labels };
}

/** The path along a way, with round corners; `sideways` if the data flows to the right (as svg.py). */
function curve(points, sideways) {
  let [x, y] = points[0];
  let found = `M${x} ${y}`;
  points.slice(1).forEach(([a, b], k) => {
    if (a === x || b === y) {
      const [c, d] = points[k + 2] || [a, b];
      if ((a - x) * (d - b) === (b - y) * (c - a) || (c !== a && d !== b)) found += `L${a} ${b}`;
      else {
        const size = (u, v) => Math.floor((Math.abs(u) + Math.abs(v)) / 2);
        const r = Math.min(6, size(a - x, b - y), size(c - a, d - b));
        found += `L${a - r * Math.sign(a - x)} ${b - r * Math.sign(b - y)}Q${a} ${b} `;
        [a, b] = [a + r * Math.sign(c - a), b + r * Math.sign(d - b)];
        found += `${a} ${b}`;
      }
    } else if (sideways) {
      const m = Math.floor((x + a) / 2);
      found += `C${m} ${y} ${m} ${b} ${a} ${b}`;
    } else {
      const m = Math.floor((y + b) / 2);
      found += `C${x} ${m} ${a} ${m} ${a} ${b}`;
    }
    [x, y] = [a, b];
  });
  return found;
}

/** The path of an arrow's head at `tip`. */
function arrow(before, tip, sideways, size, wing) {
  const [[a, b], [x, y]] = [before, tip];
  if (sideways) {
    const back = a < x ? x - size : x + size;
    return `M${x} ${y}L${back} ${y - wing}L${back} ${y + wing}Z`;
  }
  const back = b < y ? y - size : y + size;
  return `M${x} ${y}L${x - wing} ${back}L${x + wing} ${back}Z`;
}
