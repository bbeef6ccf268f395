// An array as a table: colour, stripes and sign tell the sign, strength the size.
// One cell is chosen; its digits are shown in full below, and formulas are worked out for it.
function heat(view, label, options = {}) {
  if (!view || view.entries.length === 0) return html("p", { class: "quiet" }, view ? `empty, ${shapeText(view.shape)}` : "not known");
  const columns = view.corner.length ? view.corner[view.corner.length - 1] : 1;
  const largest = Math.max(...view.entries.map((x) => (Number.isFinite(number(x)) ? Math.abs(number(x)) : 0)), 0) || 1;
  const chosen = place(view, app.entry), all = [...indices(view.corner)];
  const chosenText = indexText(chosen);
  const cells = view.entries.map((entry, i) => {
    const index = all[i], value = number(entry), on = indexText(index) === chosenText;
    const kind = !Number.isFinite(value) ? "odd" : value < 0 ? "minus" : value > 0 ? "plus" : "none";
    const cell = html("td", {
      role: "gridcell", class: `cell ${kind}`, tabindex: on ? 0 : -1, "aria-selected": on ? "true" : "false",
      "data-index": index.join(), "data-exact": exact(entry), title: `${indexText(index)} ${exact(entry)}`,
      onclick: () => choose(index, options.key), onkeydown: (event) => walk(event, view, index, options.key),
    }, short(entry));
    cell.style.setProperty("--heat", String(Number.isFinite(value) ? Math.abs(value) / largest : 0));
    return cell;
  });
  const rows = [];
  for (let i = 0; i < cells.length; i += columns) rows.push(html("tr", { role: "row" }, cells.slice(i, i + columns)));
  const entry = at(view, chosen);
  return html("div", { class: "array", "data-array": options.key || "" },
    html("table", { class: "heat", role: "grid", "aria-label": label }, html("tbody", { role: "rowgroup" }, rows)),
    html("p", { class: "exact" }, html("b", {}, indexText(chosen) || "value"), " ", entry === undefined ? "–" : exact(entry),
      whole(view) ? null : html("span", { class: "quiet" }, ` · a corner of ${shapeText(view.shape)}`),
      view.nans || view.infinities ? html("span", { class: "bad" }, ` · ${view.nans} NaN, ${view.infinities} infinite`) : null));
}

function choose(index, key) {
  app.entry = index;
  show();
  if (key) document.querySelector(`[data-array="${CSS.escape(key)}"] [aria-selected=true]`)?.focus({ preventScroll: true });
}

function walk(event, view, index, key) {
  const all = [...indices(view.corner)], columns = view.corner[view.corner.length - 1] || 1;
  const here = all.findIndex((i) => i.join() === index.join());
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
  if (event.key === "Enter" || event.key === " ") choose(index, key);
  else if (!by) return;
  else if (all[here + by]) choose(all[here + by], key);
  event.preventDefault();
  event.stopPropagation();
}
