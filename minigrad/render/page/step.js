// The card of a step: what runs, by which rule, with numbers, and what it adds to.
const formulaOf = (latex) => app.data.formulas[latex];

function stepCard() {
  const model = app.model, k = app.step;
  if (model.last === 0) return unrecordedCard(model);
  if (k === 0) return startCard(model);
  const step = model.picture.steps[k - 1], node = model.node.get(step.node);
  const several = Math.max(...model.picture.steps.map((s) => s.backward_pass)) > 1;
  const head = [
    html("p", { class: "where" }, html("span", { class: "badge " + step.phase }, step.phase + (several && step.backward_pass ? " " + step.backward_pass : "")), ` step ${k} of ${model.last}`),
    html("h2", {}, readable(node.op || node.title), html("span", { class: "quiet" }, node.op ? ` ${step.phase === "forward" ? "makes" : "made"} ${nameOf(model, step.node)} ${shapeText(node.shape)}` : "")),
    sourceOf(node),
  ];
  return [...head, ...(step.phase === "forward" ? forwardCard(model, step, node) : backwardCard(model, step, node, k))];
}

function unrecordedCard(model) {
  if (app.selected) return [];
  return [
    html("h2", {}, `${model.picture.nodes.filter((n) => n.kind === "op").length} operations`),
    html("p", {}, "This graph shows what is computed from what; nothing of it was recorded while it ran. Choose a node to see its shape, its line in the program and its rule."),
    html("p", {}, "To see values and to step through a backward pass, compute inside ", html("code", {}, "with mg.record() as rec:"), " and draw ", html("code", {}, "rec"), "."),
  ];
}

function startCard(model) {
  const back = model.last - model.forwards;
  return [
    html("h2", {}, "Nothing has run yet"),
    html("p", {}, `This is a recording of real numbers: ${model.forwards} forward steps, then ${back} backward steps. Every gradient says “not run”, because none has been computed.`),
    html("p", {}, "Press ", html("kbd", {}, "→"), " for the next step, or ", html("kbd", {}, "Space"), " to play."),
    html("ol", { class: "guide" },
      html("li", {}, "Left, values flow down. Each operation makes one array from those above it."),
      html("li", {}, "Right, the same graph in the mirror. The gradient starts at the output and flows up; where two arrows meet, contributions add up."),
      html("li", {}, "Choose a number in any table: formulas are worked out for that entry.")),
  ];
}

const sourceOf = (node) => {
  const [file, line, text] = node.source;
  return file ? html("p", { class: "source" }, html("code", {}, readable(text) || "(source not available)"), html("span", { class: "quiet" }, ` ${readable(file)}, line ${line}`)) : null;
};

// What the letters of a formula stand for.
function letters(model, node, backward) {
  const names = app.data.elementwise[node.op] || ["x", "y"], parts = [];
  if (backward) parts.push(["g", "d_" + nameOf(model, node.id)]);
  node.operands.slice(0, names.length).forEach((o, i) => parts.push([names[i], model.node.has(o) ? nameOf(model, o) : o]));
  if (backward) parts.push(["out", nameOf(model, node.id)]);
  const latex = backward ? node.vjp : node.formula;
  const used = parts.filter(([letter]) => formulaOf(latex)?.text.match(new RegExp(`(^|[^A-Za-z])${letter}([^A-Za-z]|$)`)));
  return used.length ? html("p", { class: "letters" }, "with ", used.flatMap(([letter, name], i) => [i ? ", " : "", html("i", {}, letter), " = " + name])) : null;
}

function forwardCard(model, step, node) {
  const found = formulaOf(node.formula), result = step.values.find(Boolean), numbers = numbersFor(model, node, result, null, app.entry);
  return [
    found ? html("div", { class: "rule" }, html("p", { class: "label" }, "computes"), math(found.tree), node.parameters ? html("span", { class: "quiet" }, " " + readable(node.parameters)) : null, letters(model, node, false)) : null,
    found && numbers ? html("p", { class: "worked" }, html("span", { class: "label" }, `with numbers, entry ${indexText(place(result, app.entry)) || "(scalar)"}`), math(["mrow", found.tree, ["mo", "="], ["var", "result"]], { ...numbers, result: numbers.out })) : null,
    step.values.map((v, i) => (v ? [html("h3", {}, (step.values.length > 1 ? `result ${i + 1} of ` : "") + nameOf(model, step.node)), heat(v, `value of ${nameOf(model, step.node)}`, { key: "value" + i })] : null)),
  ];
}

function backwardCard(model, step, node, k) {
  const name = nameOf(model, step.node);
  const arrived = step.values.map((v, i) => (v ? [html("h3", {}, `d_${name}: what has arrived`), heat(v, `gradient of ${name}`, { key: "arrived" + i })] : null));
  if (step.contributions.length === 0) {
    return [html("p", {}, node.op ? "It sends nothing on." : "Here the gradient arrives: all contributions are in, and this is what ", node.op ? null : html("code", {}, ".grad"), node.op ? null : " gets."), arrived];
  }
  const whole_ = formulaOf(node.vjp);
  return [
    whole_ ? html("div", { class: "rule" }, html("p", { class: "label" }, "rule: what it sends to its inputs, given g"), math(whole_.tree), node.parameters ? html("span", { class: "quiet" }, " " + readable(node.parameters)) : null, letters(model, node, true)) : null,
    step.contributions.map((c, i) => contribution(model, step, node, c, i)),
    arrived,
  ];
}

// One rule's worth: the formula of this slot, with numbers, and the sum it goes into.
function contribution(model, step, node, c, i) {
  const to = nameOf(model, c.target), index = place(c.value, app.entry), value = at(c.value, index);
  const entry = indexText(index), before = c.before ? at(c.before, index) : null, after = at(c.after, index);
  const rule = slotOf(node, c.slot), g = step.values.find(Boolean);
  const worked = g && value !== undefined ? work(model, node, c, g, index, rule) : null;
  return html("section", { class: "contribution", "aria-label": `sent to ${to}`, "data-slot": c.slot, "data-target": c.target },
    html("h3", {}, html("span", { class: "arrow" }, "↑ "), "to ", html("b", {}, to), node.operands.filter((o) => o === c.target).length > 1 || node.operands.length > 1 ? html("span", { class: "quiet" }, ` input ${c.slot + 1} of ${node.operands.length}`) : null),
    rule ? html("p", { class: "worked" }, math(rule), worked ? [" = ", worked] : null, value !== undefined ? [" = ", html("b", { class: "number", "data-exact": exact(value), title: exact(value) }, short(value))] : null,
      html("span", { class: "quiet" }, entry ? ` at ${entry}` : "")) : null,
    value === undefined ? null : html("p", { class: "adds" },
      before === null || before === undefined ? [html("span", { class: "quiet" }, "nothing before"), " + "] : [html("span", { class: "number", "data-exact": exact(before), title: exact(before) }, short(before)), html("span", { class: "quiet" }, " before"), " + "],
      html("span", { class: "number", "data-exact": exact(value), title: exact(value) }, short(value)), html("span", { class: "quiet" }, " this"), " = ",
      html("b", { class: "number", "data-exact": exact(after), title: exact(after) }, short(after)), html("span", { class: "quiet" }, " after")),
    heat(c.value, `sent to ${to}`, { key: "sent" + i }),
    c.before ? html("details", { class: "more" }, html("summary", {}, "before and after, whole"), html("p", { class: "label" }, "before"), heat(c.before, `gradient of ${to} before`, { key: "before" + i }), html("p", { class: "label" }, "after"), heat(c.after, `gradient of ${to} after`, { key: "after" + i })) : null);
}

// The formula of an input; those that come first may have none, as the condition of where.
function slotOf(node, slot) {
  const found = formulaOf(node.vjp);
  if (!found) return null;
  if (!found.slots) return found.tree;
  return found.slots[slot - (node.operands.length - found.slots.length)] || null;
}

// The numbers that the letters of an elementwise formula stand for at an entry.
function numbersFor(model, node, out, g, entry) {
  const names = app.data.elementwise[node.op];
  if (!names || !out) return null;
  const index = place(out, entry), found = {};
  for (const [i, o] of node.operands.entries()) {
    const view = model.node.get(o)?.value;
    const x = model.node.has(o) ? (view ? at(view, place(view, index)) : undefined) : { True: 1, False: 0, inf: Infinity, nan: NaN }[o] ?? Number(o);
    if (x === undefined) return null;
    found[names[i]] = x;
  }
  found.out = at(out, index);
  if (g) found.g = at(g, place(g, index));
  return found.out === undefined || (g && found.g === undefined) ? null : found;
}

// A rule with numbers at an entry of what it sends.
function work(model, node, c, g, index, rule) {
  const numbers = numbersFor(model, node, node.value, g, index);
  if (numbers) return math(rule, numbers);
  if (node.op === "broadcast") return addUp(over(g, c.value, index), g);
  if (node.op === "sum" || node.op === "mean") {
    const x = at(g, reduced(node, c.value, g, index));
    if (x === undefined) return null;
    if (node.op === "sum") return math(["var", "g"], { g: x });
    const count = c.value.shape.reduce((a, b) => a * b, 1) / Math.max(g.shape.reduce((a, b) => a * b, 1), 1);
    return math(["mrow", ["var", "g"], ["mo", "/"], ["var", "m"]], { g: x, m: count });
  }
  if (node.op === "matmul" || node.op === "inner") return products(model, node, c, g, index);
  return null;
}

// A broadcast turns round into a sum: the entries that one was copied to.
function over(g, target, index) {
  const missing = g.shape.length - target.shape.length, found = [];
  for (const i of indices(g.corner)) {
    if (target.shape.every((n, axis) => (n === 1 && g.shape[axis + missing] !== 1) || i[axis + missing] === index[axis])) found.push(at(g, i));
  }
  return found;
}

function addUp(terms, g) {
  const shown = terms.slice(0, 8), more = !whole(g) || terms.length > shown.length;
  return [sum(shown), more ? html("span", { class: "quiet" }, " + … ") : null];
}

// Where an entry of the input went when axes were reduced.
function reduced(node, input, g, index) {
  const keep = /keepdims=True/.test(node.parameters) || g.shape.length === input.shape.length;
  const given = /axis=(\([^)]*\)|-?\d+)/.exec(node.parameters);
  const axes = given ? given[1].match(/-?\d+/g).map((a) => (Number(a) + input.shape.length) % input.shape.length) : input.shape.map((_, axis) => axis);
  return index.flatMap((i, axis) => (axes.includes(axis) ? (keep ? [0] : []) : [i]));
}

// An entry of a product of matrices is a sum of products.
function products(model, node, c, g, [i, j]) {
  const other = model.node.get(node.operands[1 - c.slot])?.value;
  if (!other || other.shape.length !== 2 || g.shape.length !== 2 || c.value.shape.length !== 2) return null;
  const count = g.shape[c.slot === 0 ? 1 : 0], pairs = [];
  for (let k = 0; k < Math.min(count, 4); k++) {
    const [a, b] = node.op === "inner" ? [at(g, c.slot ? [k, i] : [i, k]), at(other, [k, j])]
      : c.slot ? [at(other, [k, i]), at(g, [k, j])] : [at(g, [i, k]), at(other, [j, k])];
    if (a === undefined || b === undefined) return null;
    pairs.push([a, b]);
  }
  const product = ["mrow", ["var", "a"], ["mo", TIMES], ["var", "b"]];
  const terms = pairs.map(([a, b], k) => [k ? " + " : "", math(product, { a, b }, k === 0)]);
  return [html("span", { class: "sum" }, terms), count > pairs.length ? html("span", { class: "quiet" }, " + … ") : null];
}
