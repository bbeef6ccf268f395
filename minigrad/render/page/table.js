// All steps at a glance.
function tableCard() {
  const model = app.model, { steps } = model.picture, MOST_ROWS = 1000;
  const start = Math.max(0, Math.min(app.step - MOST_ROWS / 2, steps.length - MOST_ROWS));
  const rows = steps.slice(start, start + MOST_ROWS).map((s, i) => {
    const k = start + i + 1, n = model.node.get(s.node), first = s.values.find(Boolean);
    const hidden = app.predict && k > app.step && s.phase === "backward";
    const to = s.contributions.map((c) => nameOf(model, c.target)).join(", ");
    return html("tr", { class: (k === app.step ? "now" : "") + " " + s.phase, "aria-current": k === app.step ? "step" : null },
      html("th", { scope: "row" }, html("button", { type: "button", class: "jump", "aria-label": `To step ${k}`, "data-step": k, onclick: () => jumpTo(k) }, String(k))),
      html("td", { class: "phase" }, s.phase === "forward" ? "↓" : "↑", html("span", { class: "unseen" }, s.phase)), html("td", {}, readable(n.op || n.kind)), html("td", {}, (s.phase === "backward" ? "d_" : "") + nameOf(model, s.node)),
      html("td", { class: "digits" }, !first ? "" : hidden ? "?" : summary(first).replace("norm ", "")), html("td", {}, to));
  });
  return [html("h2", {}, "All steps"), steps.length > MOST_ROWS ? html("p", { class: "quiet" }, `steps ${start + 1} to ${start + rows.length} of ${steps.length}`) : null,
    html("div", { class: "scroll wide", tabindex: 0, role: "region", "aria-label": "Steps" }, html("table", { class: "steps" }, html("thead", {}, html("tr", {}, ["step", "", "operation", "of", "number or norm", "sends to"].map((t) => html("th", { scope: "col" }, t || html("span", { class: "unseen" }, "phase"))))), html("tbody", {}, rows)))];
}

function jumpTo(step) {
  moved(step);
  document.querySelector(`#pages [data-step="${step}"]`)?.focus({ preventScroll: true });
}
