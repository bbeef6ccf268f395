// The gradient split by the routes it took, and what becomes of it when a route is cut.
function routesCard() {
  const { picture } = app.model, paths = picture.paths;
  const list = html("ul", { class: "routes" }, picture.routes.map((name, i) => html("li", {}, html("label", {},
    html("input", { type: "checkbox", checked: app.cut.has(i) ? null : true, "data-route": i, onchange: (event) => cutRoute(i, !event.target.checked) }),
    sample(i), html("span", {}, readable(name), paths ? html("span", { class: "quiet" }, " · " + partText(paths, i)) : null)))));
  const parts = [html("h2", {}, "The routes of the gradient"), html("p", {}, paths ? "Each line is one way from the output back to " : "The ways from the output back to ", html("b", {}, paths ? nameOf(app.model, paths.target) : "the input"), paths ? ". Together they make up the gradient exactly. Take the tick away to cut a route." : "."), list];
  if (!paths) return parts;
  const tags = [...new Set(paths.parts.flatMap((p) => p.crossed))];
  const buttons = tags.map((tag) => html("button", {
    type: "button", "aria-pressed": String(paths.parts.every((p, i) => !p.crossed.includes(tag) || app.cut.has(i))), "data-cut": tag,
    onclick: (event) => cutTag(tag, event.currentTarget.getAttribute("aria-pressed") !== "true"),
  }, `Hold ${readable(tag)} constant`));
  return [...parts, html("p", { class: "buttons" }, buttons), energy(paths), comparison(paths)];
}

const sample = (i) => {
  const [color, kind] = ROUTES[i % ROUTES.length];
  return svg("svg", { class: "sample", width: 34, height: 10, viewBox: "0 0 34 10", "aria-hidden": "true" },
    svg("path", { d: "M0 5H34", stroke: color, "stroke-width": kind === "double" ? 5 : 2.6, "stroke-dasharray": DASHES[kind] }),
    kind === "double" ? svg("path", { class: "hollow", d: "M0 5H34", "stroke-width": 1.8 }) : null);
};

const percent = (x) => (100 * x).toFixed(1) + " %";
function partText(paths, i) {
  const { value, share, crossed } = paths.parts[i], size = number(value.norm), largest = Math.max(...paths.parts.map((p) => number(p.value.norm)));
  if (size <= 1e-12 * largest) return "identically zero";
  return `length ${short(size)}` + (crossed.length && Number.isFinite(number(share)) ? `, takes ${percent(number(share))}` : "");
}

// Pythagoras: what survives and what the routes take away, as shares of the direct route's energy.
function energy(paths) {
  const survives = number(paths.survives);
  if (!Number.isFinite(survives)) return null;
  const removed = paths.parts.map((p, i) => [i, p]).filter(([, p]) => p.crossed.length && number(p.share) > 5e-4);
  const pieces = [[survives, "survives", "keeps"], ...removed.map(([i, p]) => [number(p.share), "removed via the " + readable(p.crossed.join(" and the ")), "takes" + (i % 3)])];
  const total = pieces.reduce((a, [share]) => a + share, 0);
  const words = [paths.cancels ? "cancels exactly: only rounding survives" : `${percent(survives)} survives`, ...pieces.slice(1).map(([share, text]) => `${percent(share)} ${text}`)];
  const bar = html("div", { class: "energy", role: "img", "aria-label": words.join(", ") }, pieces.map(([share, , kind]) => {
    const piece = html("span", { class: kind }, share / total > 0.12 ? percent(share) : "");
    piece.style.flexGrow = String(Math.max(share / total, 0.002));
    return piece;
  }));
  return html("section", { class: "energies" }, html("h3", {}, "Where the energy of the direct route goes"), bar,
    html("ul", { class: "words" }, pieces.map(([, , kind], i) => html("li", {}, html("span", { class: "swatch " + kind }), words[i]))),
    Math.abs(total - 1) > 0.005 ? html("p", { class: "quiet" }, "The parts are not perpendicular, so these shares do not add up to one.") : html("p", { class: "quiet" }, "The routes through the statistics remove a projection of the gradient: the squared lengths add up."));
}

// The gradient with the routes that are left.
function remaining(paths) {
  const size = paths.total.entries.length, found = new Array(size).fill(0);
  if (app.cut.size === 0) return paths.total.entries.map(number);
  paths.parts.forEach((part, i) => {
    if (!app.cut.has(i)) part.value.entries.forEach((x, k) => { found[k] += number(x); });
  });
  return found;
}

function differs(paths, values) {
  if (!paths.numeric) return values.map(() => false);
  const given = paths.numeric.entries.map(number), direct = paths.parts.map((p) => number(p.value.norm));
  const scale = Math.max(...given.map(Math.abs), ...direct) || 1;
  return values.map((x, k) => !(Math.abs(x - given[k]) <= 1e-6 * scale));
}

function comparison(paths) {
  const values = remaining(paths), wrong = differs(paths, values), count = wrong.filter(Boolean).length, all = [...indices(paths.total.corner)];
  const verdict = !paths.numeric ? "There are no differences to compare with." : count ? `✗ ${count} of ${values.length} entries are wrong: the routes that were cut are part of the derivative.` : "✓ Every entry agrees with the difference quotient of the function itself.";
  return html("section", {}, html("h3", {}, "Checked against differences"), html("p", { id: "agreement", class: count ? "bad" : "good", role: "status" }, verdict),
    html("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Gradient and differences" }, html("table", { class: "compared", id: "differences" },
      html("thead", {}, html("tr", {}, ["entry", "routes left", "differences", ""].map((t) => html("th", { scope: "col" }, t || html("span", { class: "unseen" }, "verdict"))))),
      html("tbody", {}, values.map((x, k) => html("tr", { class: wrong[k] ? "wrong" : "" }, html("th", { scope: "row" }, indexText(all[k]) || "value"),
        html("td", { class: "part", "data-exact": String(x), title: String(x) }, short(x)), html("td", { class: "numeric", title: paths.numeric ? exact(paths.numeric.entries[k]) : null }, paths.numeric ? short(paths.numeric.entries[k]) : "–"),
        html("td", {}, !paths.numeric ? "" : wrong[k] ? "✗ differs" : "✓")))))));
}

function cutRoute(i, off) {
  if (off) app.cut.add(i);
  else app.cut.delete(i);
  afterCut(`[data-route="${i}"]`);
}

function cutTag(tag, off) {
  app.model.picture.paths.parts.forEach((p, i) => {
    if (p.crossed.includes(tag)) off ? app.cut.add(i) : app.cut.delete(i);
  });
  afterCut(`[data-cut="${CSS.escape(tag)}"]`);
}

function afterCut(control) {
  show();
  paint();
  document.querySelector("#pages " + control)?.focus({ preventScroll: true });
}
