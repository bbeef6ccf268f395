// Two pictures side by side: what is only in one, what differs.
function matches() {
  if (app.matched) return app.matched;
  const [one, other] = app.models;
  const keyed = (model) => {
    const found = new Map(), counts = new Map();
    for (const n of [...model.picture.nodes].reverse()) {  // from the end: there both compute the same
      const base = n.kind === "output" ? "output " + n.title : n.named || n.kind === "input" || n.kind === "parameter" ? "name " + n.label : [n.op || n.kind, n.parameters, n.shape.join()].join(" ");
      const k = counts.get(base) || 0;
      counts.set(base, k + 1);
      found.set(base + " " + k, n);
    }
    return new Map([...found].reverse());
  };
  const a = keyed(one), b = keyed(other), rows = [];
  for (const key of new Set([...a.keys(), ...b.keys()])) {
    const x = a.get(key), y = b.get(key);
    const values = x && y ? apart(x.value, y.value) : null, gradients = x && y ? apart(x.gradient, y.gradient) : null;
    const changed = x && y && (x.op !== y.op || x.shape.join() !== y.shape.join() || values === Infinity || gradients === Infinity || values > ROUND || gradients > ROUND);
    rows.push({ x, y, values, gradients, kind: !x ? "added" : !y ? "missing" : changed ? "changed" : "same" });
  }
  return (app.matched = rows);
}
const ROUND = 1e-9;  // differences up to here, relative to the largest entry, are rounding
const SIGNS = { added: "+ B only", missing: "− A only", changed: "≠ changed", same: "= same" };

// The largest difference of two arrays, relative to their largest entry; null if one is not known.
function apart(a, b) {
  if (!a || !b) return null;
  if (a.shape.join() !== b.shape.join()) return Infinity;
  const scale = Math.max(...a.entries.map((x) => Math.abs(number(x)) || 0), ...b.entries.map((x) => Math.abs(number(x)) || 0)) || 1;
  return Math.max(0, ...a.entries.map((x, i) => (Object.is(number(x), number(b.entries[i])) ? 0 : Math.abs(number(x) - number(b.entries[i])) / scale)).map((x) => (Number.isNaN(x) ? Infinity : x)));
}

function compareCard() {
  const rows = matches(), worst = (key) => Math.max(0, ...rows.map((r) => r[key] ?? 0)), counts = (kind) => rows.filter((r) => r.kind === kind).length;
  const titles = app.models.map((m, i) => "AB"[i] + ": " + (readable(m.picture.title) || "graph"));
  const gap = (x) => (x === null || x === undefined ? "–" : x === 0 ? "0" : x === Infinity ? "✗ shapes or NaN" : (x > ROUND ? "✗ " : "") + x.toExponential(1));
  const order = { changed: 0, missing: 1, added: 2, same: 3 };
  return [html("h2", {}, "Compare"),
    html("p", { class: "buttons", role: "group", "aria-label": "Which graph is shown" }, titles.map((t, i) => html("button", { type: "button", "aria-pressed": String(app.which === i), "data-which": i, onclick: () => showModel(i) }, t))),
    html("p", { id: "largest" }, `Largest difference of values ${gap(worst("values"))}, of gradients ${gap(worst("gradients"))}, relative to the largest entry. ${counts("same")} the same, ${counts("changed")} changed, ${counts("missing")} only in A, ${counts("added")} only in B.`),
    html("div", { class: "scroll wide", tabindex: 0, role: "region", "aria-label": "Nodes of both" }, html("table", { class: "matched" }, html("thead", {}, html("tr", {}, ["", "node", "operation", "values", "gradients"].map((t) => html("th", { scope: "col" }, t || html("span", { class: "unseen" }, "verdict"))))),
      html("tbody", {}, [...rows].sort((a, b) => order[a.kind] - order[b.kind]).map((r) => html("tr", { class: r.kind }, html("td", {}, SIGNS[r.kind]), html("th", { scope: "row" }, readable((r.x || r.y).label || (r.x || r.y).title)),
        html("td", {}, [...new Set([r.x, r.y].filter(Boolean).map((n) => n.op || n.kind))].join(" → ")), html("td", { class: "digits" }, gap(r.values)), html("td", { class: "digits" }, gap(r.gradients)))))))];
}

// Marks in the graph for what the other one lacks or has otherwise.
function markDifferences() {
  if (app.models.length < 2) return;
  const mine = app.which === 0 ? "x" : "y", kinds = new Map(matches().filter((r) => r[mine]).map((r) => [r[mine].id, r.kind]));
  for (const [id, halves] of drawn.nodes) {
    for (const { element } of Object.values(halves)) {
      const kind = app.tab === "compare" ? kinds.get(id) : undefined;
      element.querySelector(".verdict")?.remove();
      if (kind && kind !== "same") element.append(svg("text", { class: "verdict " + kind, x: -6, y: 12 }, { added: "+", missing: "−", changed: "≠" }[kind]));
    }
  }
}

function showModel(i) {
  app.which = i;
  app.model = app.models[i];
  app.shut = foldedAtFirst(app.model);
  app.selected = null;
  app.step = Math.min(app.step, app.model.last);
  setUp();
  draw();
  show();
  document.querySelector(`[data-which="${i}"]`)?.focus({ preventScroll: true });
}
