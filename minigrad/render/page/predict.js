// Predict mode: the next contribution is hidden until somebody has said what an entry of it is.
const CLOSE = 0.005;  // three digits are enough

// Which number is asked for: {step, contribution, index}, or null where there is nothing to ask.
function question() {
  const step = app.model.picture.steps[app.step];
  if (!app.predict || !step || step.phase !== "backward" || step.contributions.length === 0) return null;
  const c = step.contributions[0], index = place(c.value, app.entry);
  return at(c.value, index) === undefined ? null : { step, c, index };
}

function predictCard() {
  const asked = question();
  if (!app.predict) return [];
  if (!asked) return [html("section", { class: "predict" }, html("p", {}, app.step >= app.model.last ? "The pass is over." : "The next step sends nothing: go on, or jump to the backward pass."), app.step < app.model.forwards ? html("button", { type: "button", onclick: () => go(app.model.forwards) }, "To the backward pass") : null)];
  const { step, c, index } = asked, model = app.model, node = model.node.get(step.node), name = nameOf(model, step.node);
  const numbers = numbersFor(model, node, node.value, step.values[0], index), wanted = number(at(c.value, index));
  const verdict = html("p", { id: "verdict", role: "status" });
  const answer = html("input", { id: "answer", type: "text", inputmode: "decimal", autocomplete: "off" });
  const check = (event) => {
    event.preventDefault();
    const text = answer.value.trim().replace(/−/g, "-").replace(",", "."), said = Number(text);
    if (text === "" || Number.isNaN(said)) verdict.textContent = "Type a number, such as −0.25.";
    else if (Math.abs(said - wanted) <= CLOSE * Math.abs(wanted) + 1e-9) verdict.textContent = `✓ Right: ${exact(wanted)}. Press → to go on.`;
    else verdict.textContent = `✗ Not quite${Math.sign(said) === -Math.sign(wanted) && wanted !== 0 ? ", and look at the sign" : ""}. Try again, or press → to see.`;
    verdict.className = verdict.textContent.startsWith("✓") ? "good" : "bad";
  };
  const rule = slotOf(node, c.slot);
  return [html("section", { class: "predict", "aria-label": "Predict the next number" },
    html("h2", {}, `What does ${node.op} send to ${nameOf(model, c.target)}?`),
    rule ? html("p", { class: "worked" }, math(rule)) : null, letters(model, node, true),
    numbers ? html("p", {}, "At ", html("b", {}, indexText(index) || "the scalar"), ": ", Object.entries(numbers).map(([letter, x], i) => [i ? ", " : "", html("i", {}, letter), " = ", html("span", { title: exact(x) }, short(x))])) : null,
    html("form", { onsubmit: check }, html("label", { for: "answer" }, `Its entry ${indexText(index) || "(scalar)"} is `), answer, " ", html("button", { type: "submit" }, "Check")),
    verdict, html("details", {}, html("summary", {}, `what arrives: d_${name}`), heat(step.values.find(Boolean), `gradient of ${name}`, { key: "question" })))];
}
