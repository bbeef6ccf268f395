// The drawing as a file. Styles become attributes, so that it looks the same everywhere.
const KEPT = ["fill", "stroke", "stroke-width", "stroke-dasharray", "font-size", "font-weight", "font-family", "font-style", "opacity", "text-anchor", "paint-order", "visibility", "display"];

function standalone() {
  const original = byId("svg"), copy = original.cloneNode(true), margin = 16;
  const from = [original, ...original.querySelectorAll("*")], to = [copy, ...copy.querySelectorAll("*")];
  from.forEach((element, i) => {
    const style = getComputedStyle(element);
    for (const name of KEPT) {
      const value = style.getPropertyValue(name);
      if (value) to[i].setAttribute(name, value);
    }
    for (const name of ["class", "tabindex", "role", "data-half"]) to[i].removeAttribute(name);
  });
  const width = Math.ceil(drawn.width + 2 * margin), height = Math.ceil(drawn.height + 2 * margin);
  copy.setAttribute("xmlns", SVG);
  copy.setAttribute("role", "img");
  copy.setAttribute("viewBox", `${-margin} ${-margin} ${width} ${height}`);
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  copy.querySelector("#drawing").removeAttribute("transform");
  const paper = getComputedStyle(document.body).backgroundColor;
  copy.querySelector("title").after(svg("rect", { x: -margin, y: -margin, width, height, fill: paper }));
  return { text: new XMLSerializer().serializeToString(copy), width, height };
}

function download(blob, suffix) {
  const url = URL.createObjectURL(blob);
  const name = (app.model.picture.title || "graph").replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || "graph";
  html("a", { href: url, download: `${name}-step-${app.step}.${suffix}` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
  announce(`saved as ${suffix.toUpperCase()}`);
}

function saveSvg() {
  if (drawn) download(new Blob([standalone().text], { type: "image/svg+xml" }), "svg");
}

function savePng() {
  if (!drawn) return;
  const { text, width, height } = standalone(), image = new Image();
  const scale = Math.min(2, 16000 / Math.max(width, height));  // what browsers allow
  image.onload = () => {
    const canvas = html("canvas", { width: Math.ceil(width * scale), height: Math.ceil(height * scale) });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => (blob ? download(blob, "png") : announce("the picture is too large for a PNG")));
  };
  image.onerror = () => announce("this browser could not draw the picture");
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(text);
}
