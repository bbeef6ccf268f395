// Arrays as the picture tells of them: all entries of a small one, a corner of a large one.
const ODD = { NaN: NaN, Infinity: Infinity, "-Infinity": -Infinity };
const number = (x) => (typeof x === "string" ? ODD[x] : Number(x));

// All digits, and as many as fit.
const exact = (x) => (typeof x === "boolean" ? String(x) : Object.is(number(x), -0) ? "-0" : String(number(x)));
function short(x) {
  if (typeof x === "boolean") return String(x);
  const value = number(x);
  if (!Number.isFinite(value)) return String(value).replace("-", "−").replace("Infinity", "∞");
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
  return text.replace(/-/g, "−");
}

const whole = (view) => view.shape.join() === view.corner.join();
const isZero = (view) => (view.norm === 0 || view.shape.includes(0)) && view.nans === 0 && view.infinities === 0;

// The place in an array that belongs to an entry of another: aligned at the last axis, as in broadcasting.
function place(view, entry) {
  const missing = view.corner.length - entry.length;
  return view.corner.map((n, axis) => {
    const i = axis < missing ? 0 : entry[axis - missing];
    return view.shape[axis] === 1 ? 0 : Math.min(i, Math.max(n - 1, 0));
  });
}

// The entry at an index; undefined if the picture does not tell it.
function at(view, index) {
  let flat = 0;
  for (let axis = 0; axis < view.corner.length; axis++) {
    if (!(index[axis] >= 0 && index[axis] < view.corner[axis])) return undefined;
    flat = flat * view.corner[axis] + index[axis];
  }
  return view.entries[flat];
}

function* indices(shape) {
  const size = shape.reduce((a, b) => a * b, 1);
  for (let flat = 0; flat < size; flat++) {
    const index = [];
    for (let axis = shape.length - 1, rest = flat; axis >= 0; axis--) {
      index.unshift(rest % shape[axis]);
      rest = Math.floor(rest / shape[axis]);
    }
    yield index;
  }
}

const indexText = (index) => (index.length ? "[" + index.join(", ") + "]" : "");
const summary = (view) => (view.entries.length === 0 ? "empty" : view.entries.length === 1 && whole(view) ? short(view.entries[0]) : "norm " + short(Number(number(view.norm).toPrecision(3))));
