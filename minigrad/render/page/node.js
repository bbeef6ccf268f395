// The card of a node that somebody chose.
function nodeCard() {
  const model = app.model, node = model.node.get(app.selected);
  if (!node) return [];
  const name = nameOf(model, node.id), value = valueOf(model, app.step, node.id);
  const { state, view, complete } = gradientOf(model, app.step, node.id);
  const jump = (phase) => {
    const step = model.ran.get(phase + " " + origin(model, node.id));
    return step ? html("button", { type: "button", onclick: () => go(step) }, `To its ${phase} step, ${step}`) : null;
  };
  return [html("section", { class: "chosen", "aria-label": `Node ${name}` },
    html("h2", {}, name, html("span", { class: "quiet" }, ` ${node.op || node.kind} ${shapeText(node.shape)} ${node.dtype}`)),
    html("p", { class: "buttons" }, jump("forward"), jump("backward"), html("button", { type: "button", onclick: () => select(null) }, "Close")),
    html("p", { class: "source" }, html("code", {}, readableLines(node.hint))),
    [["computes", node.formula], ["sends to its inputs, given g", node.vjp]].map(([label, latex]) => (latex ? html("p", { class: "worked" }, html("span", { class: "label" }, label), math(formulaOf(latex).tree)) : null)),
    html("h3", {}, "value"), value ? heat(value, `value of ${name}`, { key: "node value" }) : html("p", { class: "quiet" }, model.last ? "has not run" : "not recorded"),
    html("h3", {}, "gradient: ", html("span", { class: "state", "data-state": state }, state), complete || !view ? null : html("span", { class: "quiet" }, " so far, more arrives")),
    view ? heat(view, `gradient of ${name}`, { key: "node gradient" }) : html("p", { class: "quiet" }, {
      "not run": "No backward pass has come here yet: this is not zero, it is unknown.",
      "not required": "Nothing that needs a gradient leads here.",
    }[state] || "not recorded"))];
}

function select(id) {
  const before = app.selected, inside = byId("panel").contains(document.activeElement);
  app.selected = before === id ? null : id;
  if (app.selected) app.tab = "step";
  show();
  paint();
  if (app.selected) byId("pages").scrollTop = 0;
  else if (inside) {  // the card is gone: back to where it came from
    const seen = drawn?.nodes.get(before);
    (seen?.forward || seen?.backward)?.element.focus({ preventScroll: true });
  }
}
