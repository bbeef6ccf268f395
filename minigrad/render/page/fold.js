// Folding boxes: what is to be seen while some are shut.
const MANY = 400, MOST = 5000;

// The picture with shut boxes as nodes: as minigrad/render/fold.py does it.
function visible(model, shut) {
  const { picture, around } = model;
  const outermost = (scope) => around.get(scope).find((a) => shut.has(a)) || "";
  const seenAs = new Map(picture.nodes.map((n) => [n.id, outermost(n.scope) || n.id]));
  const users = new Map();
  for (const e of picture.edges) {
    if (!users.has(e.source)) users.set(e.source, new Set());
    users.get(e.source).add(seenAs.get(e.target));
  }
  for (const n of picture.nodes) {
    const by = users.get(n.id);
    if ((n.kind === "parameter" || n.kind === "constant") && by && by.size === 1) {
      const [user] = by;
      if (shut.has(user)) seenAs.set(n.id, user);
    }
  }
  const inside = new Map();
  for (const n of picture.nodes) {
    const seen = seenAs.get(n.id);
    if (!inside.has(seen)) inside.set(seen, []);
    inside.get(seen).push(n);
  }
  const nodes = [...inside].map(([id, members]) => {
    if (!shut.has(id)) return { ...members[0], twin: seenAs.get(members[0].twin) || "" };
    const scope = model.scope.get(id), operations = members.filter((n) => n.kind === "op");
    const each = Math.floor(operations.length / scope.copies);
    return {
      id, kind: "fold", order: scope.order, title: scope.label, named: true, scope: scope.parent,
      detail: each + (each === 1 ? " operation" : " operations") + (scope.copies > 1 ? " each" : ""),
      hint: [scope.label, ...operations.slice(0, 12).map((n) => n.hint.split("\n")[0])].join("\n"),
      twin: "", op: "", label: scope.label, shape: [], dtype: "", operands: [], copies: scope.copies, members,
    };
  });
  const edges = new Map();
  for (const e of picture.edges) {
    const source = seenAs.get(e.source), target = seenAs.get(e.target);
    if (source === target && shut.has(source)) continue;
    const folded = shut.has(source) || shut.has(target);
    const key = JSON.stringify(folded ? [source, target] : [source, target, e.slot]);
    const before = edges.get(key);
    if (before) {
      before.routes = [...new Set([...before.routes, ...e.routes])].sort((a, b) => a - b);
      if (before.shape !== e.shape) before.shape = "";
    } else {
      edges.set(key, { ...e, source, target, mark: shut.has(target) ? "" : e.mark, routes: [...e.routes] });
    }
  }
  return { ...picture, nodes, edges: [...edges.values()], scopes: picture.scopes.filter((s) => !outermost(s.id)), seenAs };
}

// Boxes to shut at first: equal blocks in a row, then the innermost, until few enough nodes are left.
function foldedAtFirst(model) {
  const wanted = app.data.shut[app.models.indexOf(model)];
  if (wanted) return new Set(wanted);
  const shut = new Set(model.picture.scopes.filter((s) => s.copies > 1).map((s) => s.id));
  let depth = Math.max(0, ...[...model.around.values()].map((a) => a.length)) - 1;
  for (; depth >= 0 && visible(model, shut).nodes.length > MANY; depth--) {
    for (const [s, a] of model.around) if (s && a.length === depth + 1) shut.add(s);
  }
  return shut;
}
