// The drawing: the graph, and beside it its mirror image, through which the gradient flows back.
const GAP = 40, HEADING = 64, LANE = 5, STACK = 6;
const ROUTES = [
  ["#0072b2", "solid"], ["#d55e00", "dashed"], ["#009e73", "double"], ["#cc3d95", "dotted"],
  ["#b07a00", "solid"], ["#2f8fc7", "dashed"], ["#6b6b6b", "dotted"],
];
const DASHES = { dashed: "7 4", dotted: "2 3", solid: null, double: null };
const THUMB = 38;  // room for an array in small in a node
const TITLE = 23;  // letters of a title: in bold, and with an array beside it, no more fit into the widest node

let drawn = null;  // what is on the canvas: the visible picture, its layout, elements by node

const styleOf = (n) => (n.kind !== "op" ? n.kind : n.order ? "derived" : n.named ? "named" : "op");
const detailOf = (n) => (n.kind === "fold" ? n.detail + (n.copies > 1 ? ` × ${n.copies}` : "") : readable(n.kind === "constant" || n.label === n.title ? "" : n.label) + " " + shapeText(n.shape)).trim();

// The same picture for the layout, with room in the nodes for arrays in small, and shapes in them.
function forLayout(seen, thumbs) {
  const nodes = seen.nodes.map((n) => {
    const title = cut(readable(n.title), TITLE), name = title.split("(")[0].length;
    const wide = Math.max(cut(detailOf(n), 24).length, app.model.backward ? 13 : 0, Math.ceil((name * 7.6 + (title.length - name) * 6) / 6));
    const room = n.kind !== "fold" && thumbs ? 6 : 0;
    return { ...n, title, detail: "m".repeat(wide + room) };
  });
  return { ...seen, nodes, labelled: false, edges: seen.edges.map((e) => ({ ...e, shape: "" })) };
}

function draw() {
  const model = app.model, seen = visible(model, app.shut);
  const refusal = byId("refusal"), focused = document.activeElement?.dataset?.node;
  byId("canvas").replaceChildren();
  refusal.hidden = seen.nodes.length <= MOST;
  drawn = null;
  if (seen.nodes.length > MOST) {
    refusal.textContent = `${seen.nodes.length.toLocaleString("en")} nodes would be visible, and this page draws at most ${MOST.toLocaleString("en")}. Fold boxes, give scopes with mg.scope("name"), or draw a part of the graph.`;
    return;
  }
  const thumbs = seen.nodes.length <= 150 && seen.nodes.some((n) => n.value && n.kind !== "constant");
  const places = layout(forLayout(seen, thumbs), "down");
  const twin = model.backward;
  const halves = !twin ? ["forward"] : app.show === "both" ? ["forward", "backward"] : [half()];
  const width = halves.length * places.width + (halves.length - 1) * GAP, height = places.height + HEADING + 30;
  const root = svg("g", { id: "drawing" });
  drawn = { seen, places, halves, width, height, root, thumbs, nodes: new Map(), edges: [] };
  halves.forEach((which, i) => {
    root.append(svg("g", { class: "half " + which, transform: `translate(${i * (places.width + GAP)} ${HEADING})` },
      svg("text", { class: "heading", x: 0, y: -40 }, which === "forward" ? (twin ? "Forward" : "The graph") : "Backward"),
      svg("text", { class: "aside", x: 0, y: -22 }, which === "backward" ? "the gradient flows up ↑" : model.picture.against.includes(true) ? "values flow down ↓, derivatives up ↑" : "values flow down ↓"),
      scopesOf(which), edgesOf(which), seen.nodes.map((n) => nodeOf(n, which)), tagsOf(which)));
  });
  const title = svg("title", {}, model.picture.title || "graph");
  byId("canvas").append(svg("svg", { id: "svg", role: "graphics-document", "aria-label": "Graph: " + (readable(model.picture.title) || "graph") }, title, root));
  watchCamera();
  fit();
  rove();
  paint();
  if (focused && drawn.nodes.has(focused)) Object.values(drawn.nodes.get(focused))[0].element.focus({ preventScroll: true });
}

// Which half is seen where only one fits: the one that runs.
const half = () => (app.show === "follow" ? (app.step > app.model.forwards ? "backward" : "forward") : app.show);
const mirror = (box, which) => (which === "forward" ? box : { ...box, x: drawn.places.width - box.x - box.width });
const mirrored = (points, which) => (which === "forward" ? points : points.map(([x, y]) => [drawn.places.width - x, y]).reverse());

function scopesOf(which) {
  return drawn.seen.scopes.filter((s) => drawn.places.scopes[s.id]).map((s) => {
    const box = mirror(drawn.places.scopes[s.id], which), label = readable(s.label) + (s.copies > 1 ? " × " + s.copies : "");
    return svg("g", { class: "scope" + (s.order ? " derived" : "") },
      svg("rect", { x: box.x, y: box.y, width: box.width, height: box.height, rx: 8 }),
      svg("g", {
        class: "handle", role: "button", tabindex: -1, "data-scope": s.id, "aria-label": `Fold ${label}`,
        onclick: () => fold(s.id), onkeydown: press(() => fold(s.id)),
      }, svg("rect", { x: box.x + 5, y: box.y + 4, width: Math.min(box.width - 10, 26 + label.length * 6.2), height: 17, rx: 3 }),
      svg("text", { x: box.x + 10, y: box.y + 16 }, "⊟ " + cut(label, Math.max(4, Math.floor(box.width / 6.4) - 5)))));
  });
}

// What tells a newcomer where things begin and end.
function tagsOf(which) {
  return drawn.seen.nodes.filter((n) => !n.order).map((n) => {
    const box = mirror(drawn.places.nodes[n.id], which);
    const text = which === "forward" ? { input: cut(readable(n.title), 18) + " enters here ↓" }[n.kind]
      : { output: "the gradient starts here ↑", input: "the gradient of " + cut(readable(n.title), 12) + " ↑" }[n.kind];
    if (!text) return null;
    const above = n.kind === "input";
    return svg("text", { class: "tag", x: box.x + box.width / 2, y: above ? box.y - 6 : box.y + box.height + 16 }, text);
  });
}

function outline(n, w, h) {
  if (n.kind === "input" || n.kind === "output") {
    const r = Math.min(h, 44) / 2;
    return [svg("rect", { class: "box", width: w, height: h, rx: r }),
      n.kind === "output" ? svg("rect", { class: "box inner", x: 3, y: 3, width: w - 6, height: h - 6, rx: r - 3 }) : null];
  }
  if (n.kind === "parameter") return svg("polygon", { class: "box", points: `0,${h / 2} 10,0 ${w - 10},0 ${w},${h / 2} ${w - 10},${h} 10,${h}` });
  if (n.kind === "fold") return [6, 3, 0].map((d) => svg("rect", { class: "box", x: d, y: STACK - d, width: w - STACK, height: h - STACK, rx: 4 }));
  return svg("rect", { class: "box", width: w, height: h, rx: n.order ? 0 : 6 });
}

function nodeOf(n, which) {
  const box = mirror(drawn.places.nodes[n.id], which), w = box.width, h = box.height;
  const thumb = drawn.thumbs && n.kind !== "fold";
  const middle = (thumb ? w - THUMB + 4 : n.kind === "fold" ? w - STACK : w) / 2 + (thumb && n.kind !== "op" ? 5 : 0);
  const [name, ...rest] = cut(readable(n.title), TITLE).split("(");
  const two = h > 32, top = n.kind === "fold" ? STACK : 0;
  const detail = svg("text", { class: "detail", x: middle, y: h / 2 + (n.kind === "output" ? 12 : 15) + top / 2 }, cut(detailOf(n), 24));
  const small = svg("g", { class: "thumb", transform: `translate(${w - THUMB + (n.kind === "op" ? 0 : -6)} 6)` });
  const act = () => (n.kind === "fold" ? unfold(n.id) : select(n.id));
  const element = svg("g", {
    class: `node ${styleOf(n)}`, role: "button", tabindex: -1, "data-node": n.id, "data-half": which,
    transform: `translate(${box.x} ${box.y})`,
    onclick: act, onkeydown: press(act), onpointerenter: () => point(n.id), onpointerleave: () => point(null),
    onfocus: () => { point(n.id); }, onblur: () => point(null),
  }, svg("title", {}, readableLines(n.hint || n.title)), outline(n, w, h),
  svg("text", { class: "title", x: middle, y: (two ? h / 2 - (n.kind === "output" ? 3 : 2) : h / 2 + 4) + top / 2 }, name, rest.length ? svg("tspan", { class: "arguments" }, "(" + rest.join("(")) : null),
  " ", detail, small);
  if (!drawn.nodes.has(n.id)) drawn.nodes.set(n.id, {});
  drawn.nodes.get(n.id)[which] = { element, detail, small, node: n };
  return element;
}

const readableLines = (text) => text.split("\n").map(readable).join("\n");

// An array in small: a cell per entry, larger ones stronger, negative ones striped.
function thumbnail(view) {
  if (!view || view.entries.length === 0) return [];
  const columns = view.corner.length ? view.corner[view.corner.length - 1] : 1;
  const rows = view.entries.length / columns;
  const cell = Math.max(2, Math.min(8, Math.floor(32 / rows), Math.floor((THUMB - 8) / columns)));
  const largest = Math.max(...view.entries.map((x) => Math.abs(number(x)) || 0)) || 1;
  const paths = new Map();
  const x0 = Math.floor((THUMB - 8 - cell * columns) / 2), y0 = Math.floor((32 - cell * rows) / 2);
  view.entries.forEach((entry, i) => {
    const value = number(entry), x = x0 + (i % columns) * cell, y = y0 + Math.floor(i / columns) * cell;
    if (x + cell > THUMB || y + cell > 36) return;
    const level = Number.isFinite(value) ? Math.ceil((Math.abs(value) / largest) * 4) : 5;
    const key = level === 5 ? "odd" : level === 0 ? "none" : (value < 0 ? "minus" : "plus") + level;
    paths.set(key, (paths.get(key) || "") + `M${x} ${y}h${cell - 0.6}v${cell - 0.6}h${0.6 - cell}z`);
    if (value < 0 && cell > 3) paths.set("stripe", (paths.get("stripe") || "") + `M${x} ${y + cell - 0.6}L${x + cell - 0.6} ${y}`);
  });
  return [...paths].map(([key, d]) => svg("path", { class: "heat-" + key, d }));
}

function edgesOf(which) {
  const routes = which === "backward" || !app.model.backward;
  const orders = new Map(drawn.seen.nodes.map((n) => [n.id, n.order])), order = (id) => orders.get(id);
  const arrivals = new Map();  // per node where its inputs arrive, from left to right
  drawn.seen.edges.forEach((e, i) => {
    const x = mirrored(drawn.places.edges[i], which).at(which === "forward" ? -1 : 0)?.[0];
    if (e.source !== e.target) arrivals.set(e.target, [...(arrivals.get(e.target) || []), x]);
  });
  return drawn.seen.edges.map((e, i) => {
    if (e.source === e.target) return null;
    const lines = 1 + e.routes.length, points = mirrored(drawn.places.edges[i], which);
    const crosses = order(e.source) !== order(e.target);
    const moved = (lane) => points.map(([x, y]) => [x + lane * LANE - ((lines - 1) * LANE) / 2, y]);
    const own = moved(0), k = own.length;
    const [at, from] = which === "forward" ? [points[k - 1], points[k - 2]] : points;
    const line = svg("g", { class: "edge" + (crosses ? " crosses" : ""), "data-source": e.source, "data-target": e.target, "data-slot": e.slot, "data-half": which },
      svg("title", {}, `${nameFor(e.source)} to ${nameFor(e.target)}`), svg("path", { class: "line", d: curve(own, crosses) }),
      svg("path", { class: "head", d: arrow(own[k - 2], own[k - 1], crosses, 7, 3.5) }),
      e.mark ? markOf(readable(e.mark), at, from[1] > at[1], arrivals.get(e.target), ((lines - 1) * LANE) / 2) : null);
    drawn.edges.push({ edge: e, which, element: line });
    const coloured = !routes ? [] : e.routes.map((route, r) => {
      const way = which === "forward" ? moved(r + 1).reverse() : moved(r + 1);
      const [color, kind] = ROUTES[route % ROUTES.length], d = curve(way, false), n = way.length;
      return svg("g", { class: "route", "data-route": route },
        svg("path", { d, fill: "none", stroke: color, "stroke-width": kind === "double" ? 4 : 2.4, "stroke-dasharray": DASHES[kind] }),
        kind === "double" ? svg("path", { d, fill: "none", class: "hollow", "stroke-width": 1.4 }) : null,
        svg("path", { d: arrow(way[n - 2], way[n - 1], false, 8, 4), fill: color }));
    });
    return [line, coloured];
  });
}

// What a slot is called stands on the outer side of its line: left of the first, right of the last.
function markOf(text, [x, y], below, all, wing) {
  const side = x === Math.min(...all) ? -1 : x === Math.max(...all) ? 1 : 0, away = side ? 4 : 10;
  return svg("text", { class: "mark", x: x + side * (wing + 5), y: below ? y + away + 8 : y - away, "text-anchor": ["end", "middle", "start"][side + 1] }, text);
}

const nameFor = (id) => (app.model.node.has(id) ? nameOf(app.model, id) : readable(app.model.scope.get(id).label));

// Everything that depends on the step, the selection and the routes.
function paint() {
  if (!drawn) return;
  const model = app.model, step = model.picture.steps[app.step - 1];
  const at = step && drawn.seen.seenAs.get(step.node);
  for (const [id, halves] of drawn.nodes) {
    for (const [which, { element, detail, small, node }] of Object.entries(halves)) {
      const running = Boolean(at === id && (which === step.phase || !model.backward));
      element.classList.toggle("running", running);
      element.classList.toggle("selected", app.selected === id);
      element.classList.toggle("found", app.found.has(id));
      if (node.kind === "fold") {
        element.setAttribute("aria-label", `Unfold ${readable(node.title)}, ${node.detail}` + (node.copies > 1 ? `, ${node.copies} equal blocks` : ""));
        continue;
      }
      const ran = model.ran.get(which + " " + id), prefix = ran ? `step ${ran}, ` : "";
      const title = cut(readable(node.title), TITLE);
      if (which === "forward") {
        const value = valueOf(model, app.step, id), known = value && drawn.thumbs ? value : null;
        element.classList.toggle("pending", model.last > 0 && !value);
        if (small.view !== known) small.replaceChildren(...thumbnail(known));
        small.view = known;
        const inputs = node.operands.map((o) => (model.node.has(o) ? nameOf(model, o) : o)).join(", ");
        element.setAttribute("aria-label", `${prefix}${title} ${detail.textContent}` + (inputs ? `, inputs ${inputs}` : "") + (model.last && !value ? ", has not run" : ""));
      } else {
        const { state, view, complete } = gradientOf(model, app.step, id), known = drawn.thumbs && state === "value" ? view : null;
        element.dataset.state = state;
        element.classList.toggle("pending", !view);
        element.classList.toggle("partial", Boolean(view) && !complete);
        const text = state !== "value" ? state : complete ? summary(view) : "so far " + summary(view).replace("norm ", "");
        if (detail.textContent !== text) detail.textContent = text;
        if (small.view !== known) small.replaceChildren(...thumbnail(known));
        small.view = known;
        element.setAttribute("aria-label", `${prefix}${title} ${text}, gradient of ${nameOf(model, id)}`);
      }
    }
  }
  const sent = new Set(step && step.phase === "backward" ? step.contributions.map((c) => c.slot + " " + c.target) : []);
  for (const { edge, which, element } of drawn.edges) {
    const along = step && at === edge.target && (step.phase === "forward" ? which === "forward" : which === "backward" && (sent.has(edge.slot + " " + edge.source) || app.shut.size > 0));
    element.classList.toggle("running", Boolean(along));
  }
  drawn.root.classList.toggle("with-routes", app.tab === "routes" || !app.model.backward);
  for (const r of drawn.root.querySelectorAll(".route")) r.classList.toggle("cut", app.cut.has(Number(r.dataset.route)));
  markDifferences();
}

// One node is pointed at, or has the focus: both twins show it.
function point(id) {
  if (!drawn) return;
  for (const [other, halves] of drawn.nodes) {
    for (const { element } of Object.values(halves)) element.classList.toggle("hot", other === id);
  }
}

// The graph is one stop of the Tab key; arrows go up and down in it.
function rove() {
  const stops = [...drawn.root.querySelectorAll("[role=button]")];
  stops.forEach((s, i) => s.setAttribute("tabindex", i === 0 ? 0 : -1));
  drawn.root.onkeydown = (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key];
    const here = stops.indexOf(document.activeElement);
    if (!by || here < 0) return;
    event.preventDefault();
    event.stopPropagation();
    const next = stops[Math.max(0, Math.min(stops.length - 1, here + by))];
    stops.forEach((s) => s.setAttribute("tabindex", s === next ? 0 : -1));
    next.focus({ preventScroll: true });
    bring(next);
  };
}

const press = (act) => (event) => {
  if (event.key !== "Enter" && event.key !== " ") return;
  event.preventDefault();
  event.stopPropagation();
  act();
};

function fold(scope) {
  app.shut.add(scope);
  draw();
  drawn?.nodes.get(scope)?.forward?.element.focus({ preventScroll: true });
  announce("folded " + readable(app.model.scope.get(scope).label));
}

function unfold(scope) {
  app.shut.delete(scope);
  draw();
  drawn?.root.querySelector(`[data-scope="${scope}"]`)?.focus({ preventScroll: true });
  announce("unfolded " + readable(app.model.scope.get(scope).label));
}
