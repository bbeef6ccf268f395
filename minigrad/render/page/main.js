// The page: its state, its controls, its keys.
const app = {
  data: JSON.parse(byId("data").textContent), models: [], model: null, which: 0, matched: null,
  step: 0, entry: [0, 0], selected: null, found: new Set(), shut: new Set(), cut: new Set(),
  tab: "step", show: "both", predict: false, timer: null, tapped: false,
};

// Arrays are there once, and are named by number; what is empty was left out. Both are put back.
const NODE = { order: 0, named: false, copies: 1, scope: "", hint: "", twin: "", op: "", label: "", title: "", detail: "", parameters: "", dtype: "", shape: [], operands: [], formula: "", vjp: "", value: null, gradient: null };
const EDGE = { shape: "", mark: "", routes: [] }, SCOPE = { label: "", parent: "", order: 0, copies: 1 };
const STEP = { values: [], contributions: [] }, CONTRIBUTION = { before: null };
const PICTURE = { title: "", subtitle: "", edges: [], scopes: [], routes: [], steps: [], paths: null };

function unpack(data) {
  const views = data.views.map(([shape, entries = [], norm, nans, infinities, corner = shape, minimum, maximum, mean]) => ({ shape, entries, norm, nans, infinities, corner, minimum, maximum, mean }));
  const inside = (x) => {
    if (Array.isArray(x)) return x.map(inside);
    if (x === null || typeof x !== "object") return x;
    if ("view" in x) return views[x.view];
    return Object.fromEntries(Object.entries(x).map(([key, value]) => [key, inside(value)]));
  };
  return data.pictures.map(inside).map((p) => ({
    ...PICTURE, ...p, nodes: (p.nodes || []).map((n) => ({ ...NODE, ...n, source: n.source.length ? n.source : ["", 0, ""] })),
    edges: (p.edges || []).map((e) => ({ ...EDGE, ...e })), scopes: (p.scopes || []).map((s) => ({ ...SCOPE, ...s })),
    steps: (p.steps || []).map((s) => ({ ...STEP, ...s, contributions: (s.contributions || []).map((c) => ({ ...CONTRIBUTION, ...c })) })),
    paths: p.paths ? { numeric: null, ...p.paths, parts: p.paths.parts.map((x) => ({ crossed: [], ...x })) } : null,
  }));
}

const TABS = {
  step: ["Step", () => [...predictCard(), ...nodeCard(), ...(app.predict && question() && !app.selected ? [html("hr"), html("p", { class: "label" }, "The step before")] : []), ...stepCard()]],
  routes: ["Routes", routesCard],
  table: ["All steps", tableCard],
  compare: ["Compare", compareCard],
};

// What belongs to a picture: its title, its tabs, how long the track is.
function setUp() {
  const { picture, last, forwards, backward } = app.model;
  byId("title").textContent = readable(picture.title) || "graph";
  byId("subtitle").textContent = readable(picture.subtitle);
  const there = { step: true, routes: picture.routes.length > 0, table: last > 0, compare: app.models.length > 1 };
  if (!there[app.tab]) app.tab = "step";
  byId("tabs").replaceChildren(...Object.entries(TABS).filter(([id]) => there[id]).map(([id, [name]]) => html("button", {
    type: "button", role: "tab", id: "tab-" + id, "aria-controls": "page-" + id, onclick: (event) => { app.tapped = event.detail > 0; openTab(id); }, onblur: () => { app.tapped = false; }, onkeydown: turnTabs,
  }, name)));
  byId("predicting").hidden = !backward;
  byId("pages").replaceChildren(...Object.keys(TABS).filter((id) => there[id]).map((id) => html("div", { role: "tabpanel", id: "page-" + id, "aria-labelledby": "tab-" + id, tabindex: 0 })));
  byId("slider").max = last;
  byId("scrubber").hidden = last === 0;
  const share = last ? forwards / last : 1;
  const phases = [html("span", { class: "forward" }, "forward"), backward ? html("span", { class: "backward" }, "backward") : null].filter(Boolean);
  phases[0].style.flexGrow = String(share);
  if (phases[1]) phases[1].style.flexGrow = String(1 - share);
  byId("phases").replaceChildren(...phases);
  const boxes = picture.scopes.length > 0;
  byId("fold-all").hidden = byId("unfold-all").hidden = !boxes;
  const narrow = matchMedia("(max-width: 760px)").matches;
  if (!backward) app.show = "forward";
  else if (app.show === "forward" && !app.choseView) app.show = "both";
  if (backward && narrow && !app.choseView) app.show = "follow";
  byId("halves").hidden = !backward;
  byId("halves").replaceChildren(...[["both", "Both"], ["forward", "Forward"], ["backward", "Backward"], ["follow", "Follow"]].map(([id, name]) => html("button", {
    type: "button", "data-show": id, title: id === "follow" ? "the half that runs" : null, "aria-pressed": String(app.show === id), onclick: () => setShow(id),
  }, name)));
}

// The panel.
function show() {
  for (const tab of byId("tabs").querySelectorAll("[role=tab]")) {
    const on = tab.id === "tab-" + app.tab;
    tab.setAttribute("aria-selected", String(on));
    tab.tabIndex = on ? 0 : -1;
    byId(tab.id.replace("tab-", "page-")).hidden = !on;
  }
  const page = byId("page-" + app.tab);
  const open = [...page.querySelectorAll("details")].map((d) => d.open), scroll = page.querySelector(".scroll")?.scrollTop;
  page.replaceChildren(...[TABS[app.tab][1]()].flat(Infinity).filter(Boolean));
  page.querySelectorAll("details").forEach((d, i) => { d.open = Boolean(open[i]); });
  if (scroll) page.querySelector(".scroll").scrollTop = scroll;
  page.querySelector(".now")?.scrollIntoView({ block: "nearest" });
}

function openTab(id) {
  app.tab = id;
  show();
  paint();
}

function turnTabs(event) {
  const tabs = [...byId("tabs").querySelectorAll("[role=tab]")], here = tabs.indexOf(event.currentTarget);
  const next = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (next === undefined || app.tapped) return;  // after a mouse click the keys go on to step
  event.preventDefault();
  event.stopPropagation();
  const tab = tabs[(next + tabs.length) % tabs.length];
  openTab(tab.id.replace("tab-", ""));
  tab.focus();
}

function setPredict(on) {
  app.predict = on;
  app.tab = "step";
  if (on) stop();
  show();
  announce(on ? "predict mode: the next contribution is hidden" : "predict mode is off");
}

function setShow(id) {
  app.show = id;
  app.choseView = true;
  for (const b of byId("halves").children) b.setAttribute("aria-pressed", String(b.dataset.show === id));
  draw();
}

// Steps -------------------------------------------------------------------------------------------

function go(step, quiet) {
  const was = half();
  app.step = Math.max(0, Math.min(app.model.last, Math.round(Number(step)) || 0));
  byId("slider").value = app.step;
  const text = stepText(app.model, app.step);
  byId("slider").setAttribute("aria-valuetext", text);
  if (app.show === "follow" && half() !== was) draw();
  else paint();
  show();
  const s = app.model.picture.steps[app.step - 1], seen = s && drawn?.nodes.get(drawn.seen.seenAs.get(s.node));
  const element = seen && (seen[s.phase] || seen.forward || seen.backward)?.element;
  if (element) bring(element);
  if (!quiet) announce(text);
  try {
    history.replaceState(null, "", "#step=" + app.step);
  } catch { /* a notebook's frame has no address of its own */ }
}

let announcing = null;
function announce(text) {
  clearTimeout(announcing);
  announcing = setTimeout(() => { byId("live").textContent = text; }, 80);
}

function stop() {
  clearInterval(app.timer);
  app.timer = null;
  byId("play").textContent = "▶ Play";
}

function play() {
  if (app.timer) return stop();
  if (app.step >= app.model.last) go(0);
  const tick = () => {
    go(app.step + 1);
    if (app.step >= app.model.last || (app.predict && question())) stop();
  };
  app.timer = setInterval(tick, Number(byId("speed").value));
  byId("play").textContent = "❚❚ Pause";
}

const moved = (step) => { stop(); go(step); };

const stepInHash = () => Number(/(?:^#|&)step=(\d+)/.exec(location.hash)?.[1] ?? 0);
function fromHash() {
  if (stepInHash() !== app.step) go(stepInHash(), true);
}

// Search and folding --------------------------------------------------------------------------------

function search(text) {
  const wanted = text.trim().toLowerCase();
  app.found = new Set();
  if (wanted && drawn) {
    for (const n of app.model.picture.nodes) {
      if ([n.op, n.label, n.title].some((t) => t.toLowerCase().includes(wanted))) app.found.add(drawn.seen.seenAs.get(n.id));
    }
  }
  byId("found").textContent = wanted ? `${app.found.size} found` : "";
  paint();
  const [first] = app.found, seen = first && drawn.nodes.get(first);
  if (seen) bring((seen.forward || seen.backward).element);
}

function nextFound() {
  const ids = [...app.found];
  if (ids.length === 0) return;
  const next = ids[(ids.indexOf(app.selected) + 1) % ids.length], seen = drawn.nodes.get(next);
  if (app.model.node.has(next)) select(next);
  const { element } = seen.forward || seen.backward;
  bring(element);
}

function foldAll() {
  app.shut = new Set(app.model.picture.scopes.map((s) => s.id));
  draw();
  announce("all boxes are folded");
}

function unfoldAll() {
  app.shut = new Set();
  draw();
  announce("all boxes are unfolded");
}

// Colours, legend, keys --------------------------------------------------------------------------------

function turnColours() {
  const next = { auto: "light", light: "dark", dark: "auto" }[document.documentElement.dataset.theme || "auto"];
  if (next === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  byId("theme").textContent = { auto: "◐ auto", light: "○ light", dark: "● dark" }[next];
}

const KEYS = [
  ["← →", "one step back, one step on"], ["Home End", "to the start, to the end"], ["Space", "play, pause"],
  ["↑ ↓", "from node to node, in the graph"], ["Enter", "show a node, fold or unfold a box"], ["/", "find"], ["p", "predict"],
  ["+ − 0", "zoom in, zoom out, fit"], ["Esc", "close a node"],
];

function legend() {
  const node = (kind, w = 34) => svg("svg", { width: 40, height: 20, viewBox: "-3 -2 40 20", "aria-hidden": "true" }, svg("g", { class: "node " + kind }, outline({ kind: kind === "named" ? "op" : kind, order: 0 }, w, 16)));
  const kinds = [["input", "input"], ["parameter", "parameter"], ["constant", "constant"], ["op", "operation"], ["named", "operation with a name"], ["output", "output"], ["fold", "folded box: Enter unfolds it"]];
  const used = new Set([...app.model.picture.nodes.map(styleOf), ...(app.model.picture.scopes.length ? ["fold"] : [])]);
  const strip = thumbnail({ entries: [1, 0.5, -0.5, -1], corner: [4], shape: [4] });
  byId("legend").lastElementChild.replaceChildren(
    html("ul", {}, kinds.filter(([k]) => used.has(k)).map(([k, text]) => html("li", {}, node(k), text)),
      html("li", {}, svg("svg", { width: 40, height: 20, viewBox: "0 8 40 18", "aria-hidden": "true" }, strip), "numbers: blue is positive, orange with stripes negative, strong is large"),
      app.model.backward ? html("li", {}, svg("svg", { width: 40, height: 20, viewBox: "-3 -2 40 20", "aria-hidden": "true" }, svg("g", { class: "node op partial" }, outline({ kind: "op", order: 0 }, 34, 16))), "dashed in the mirror: so far, more arrives") : null),
    html("dl", {}, KEYS.flatMap(([key, text]) => [html("dt", {}, key.split(" ").map((k) => html("kbd", {}, k))), html("dd", {}, text)])));
}

function key(event) {
  const inField = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target.type !== "range" && event.target.type !== "checkbox";
  if (event.key === "Escape") {
    if (app.selected) select(null);
    if (inField) event.target.blur();
    return;
  }
  if (inField || event.ctrlKey || event.metaKey || event.altKey) return;
  const pressable = /^(BUTTON|SUMMARY)$/.test(event.target.tagName) || event.target.type === "checkbox";
  const act = {
    ArrowLeft: () => moved(app.step - 1), ArrowRight: () => moved(app.step + 1), Home: () => moved(0), End: () => moved(app.model.last),
    " ": pressable ? null : play, "/": () => byId("query").focus(), p: () => byId("predict")?.click(),
    "+": () => zoom(1.25), "-": () => zoom(0.8), 0: fit,
  }[event.key];
  if (!act || (app.model.last === 0 && /^(Arrow|Home|End| )/.test(event.key))) return;
  event.preventDefault();
  act();
}

function start() {
  app.models = unpack(app.data).map(modelOf);
  app.model = app.models[0];
  app.shut = foldedAtFirst(app.model);
  if (app.model.picture.paths) app.entry = place(app.model.picture.paths.total, [0, 0]);
  setUp();
  draw();
  legend();
  for (const [id, act] of [["first", () => moved(0)], ["back", () => moved(app.step - 1)], ["play", play], ["next", () => moved(app.step + 1)], ["last", () => moved(app.model.last)],
    ["zoom-in", () => zoom(1.25)], ["zoom-out", () => zoom(0.8)], ["zoom-fit", fitAll], ["fold-all", foldAll], ["unfold-all", unfoldAll],
    ["save-svg", saveSvg], ["save-png", savePng], ["theme", turnColours]]) byId(id).addEventListener("click", act);
  byId("slider").addEventListener("input", (event) => moved(event.target.value));
  byId("speed").addEventListener("change", () => { if (app.timer) { stop(); play(); } });
  byId("predict").addEventListener("change", (event) => setPredict(event.target.checked));
  byId("query").addEventListener("input", (event) => search(event.target.value));
  byId("search").addEventListener("submit", (event) => { event.preventDefault(); nextFound(); });
  document.addEventListener("keydown", key);
  addEventListener("hashchange", fromHash);
  let wide = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== wide) { wide = innerWidth; fit(); } });
  go(stepInHash(), true);
}

start();
