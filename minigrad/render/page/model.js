// The picture, and what was known after so many of its steps.
function modelOf(picture) {
  const node = new Map(picture.nodes.map((n) => [n.id, n]));
  const scope = new Map(picture.scopes.map((s) => [s.id, s]));
  const around = new Map([["", []]]);
  for (const s of picture.scopes) around.set(s.id, [...around.get(s.parent), s.id]);
  const ran = new Map();  // per phase and node the number of its step, from 1
  picture.steps.forEach((s, i) => ran.set(s.phase + " " + s.node, i + 1));
  const forwards = picture.steps.findIndex((s) => s.phase === "backward");
  return {
    picture, node, scope, around, ran,
    last: picture.steps.length,
    forwards: forwards < 0 ? picture.steps.length : forwards,
    backward: forwards >= 0,
    known: new Map(),
  };
}

// An output shows the value and the gradient of what it is an output of.
const origin = (model, id) => {
  const n = model.node.get(id);
  return n && n.kind === "output" && model.node.has(n.operands[0]) ? n.operands[0] : id;
};
const nameOf = (model, id) => readable(model.node.get(id)?.label || model.node.get(id)?.title || id);

// Per node what has arrived after so many steps, in the last pass that reached it, and whether that is all.
function gradientsAt(model, step) {
  if (model.known.has(step)) return model.known.get(step);
  const found = new Map();
  for (const s of model.picture.steps.slice(0, step)) {
    if (s.phase !== "backward") continue;
    if (s.values[0]) found.set(s.node, { view: s.values[0], complete: true });
    for (const c of s.contributions) found.set(c.target, { view: c.after, complete: false });
  }
  model.known.clear();  // one is enough: the page asks for the same step many times
  model.known.set(step, found);
  return found;
}

// {state, view, complete}: "not run" before any gradient has, "not required", "zero" or "value".
function gradientOf(model, step, id) {
  const n = model.node.get(id);
  if (!model.backward) return { state: n.gradient_state, view: n.gradient, complete: true };
  if (step <= model.forwards) return { state: "not run", view: null, complete: false };
  const found = gradientsAt(model, step).get(origin(model, id));
  if (found) return { state: isZero(found.view) ? "zero" : "value", ...found };
  return { state: n.gradient_state === "not required" ? "not required" : "not run", view: null, complete: false };
}

// The value of a node, if it was known after so many steps.
function valueOf(model, step, id) {
  const run = model.ran.get("forward " + origin(model, id));
  return run !== undefined && run > step ? null : model.node.get(id).value;
}

// What a step of the picture does, in words.
function stepText(model, k) {
  if (k === 0) return `Step 0 of ${model.last}: nothing has run yet`;
  const s = model.picture.steps[k - 1], n = model.node.get(s.node), name = nameOf(model, s.node);
  const what = n.op || n.kind;
  if (s.phase === "forward") return `Step ${k} of ${model.last}, forward, ${what}: makes ${name}`;
  const to = [...new Set(s.contributions.map((c) => nameOf(model, c.target)))];
  if (to.length === 0) return `Step ${k} of ${model.last}, backward, ${name}: its gradient is complete`;
  return `Step ${k} of ${model.last}, backward, ${what}: d_${name} is complete and sends to ${to.join(" and ")}`;
}
