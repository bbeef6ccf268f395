// Formulas as MathML, with identifiers or with numbers in their place; unless it comes first, a
// negative number stands in brackets.
const TIMES = "\u2062";

function math(tree, numbers, first = true) {
  const element = (tag, ...children) => build(document.createElementNS(MATH, tag), {}, children);
  const value = (x, bare) => {
    const text = element("mn", short(x));
    return bare || number(x) >= 0 || Number.isNaN(number(x)) ? text : element("mrow", element("mo", "("), text, element("mo", ")"));
  };
  const make = (t, bare) => {
    const [tag, ...rest] = t;
    if (tag === "var") {
      if (numbers && numbers[rest[0]] !== undefined) return value(numbers[rest[0]], bare);
      return build(document.createElementNS(MATH, "mi"), { class: "var" }, rest);
    }
    if (tag === "function") return element("mi", rest[0]);
    if (tag === "large") return element("mo", rest[0]);
    if (tag === "mo" && rest[0] === TIMES && numbers) return element("mo", "·");
    if (tag === "mspace") return build(document.createElementNS(MATH, "mspace"), { width: rest[0] + "em" }, []);
    if (tag === "fence") return element("mrow", element("mo", rest[0]), rest.slice(2).map((x, i) => make(x, i === 0)), element("mo", rest[1]));
    if (["mi", "mn", "mo", "mtext"].includes(tag)) return element(tag, rest[0]);
    return element(tag, rest.map((x, i) => make(x, i === 0 && tag !== "msup" && (bare || tag === "mfrac"))));
  };
  return build(document.createElementNS(MATH, "math"), { displaystyle: "true" }, [make(tree, first)]);
}

// Numbers that are added up; they may go over several lines.
const sum = (terms) => html("span", { class: "sum" }, terms.map((x, i) => [i ? " + " : "", math(["var", "x"], { x }, i === 0)]));
