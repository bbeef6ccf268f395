// Reads a JSON list of Mermaid texts, and says of each what Mermaid's own parser makes of it.
import { readFileSync } from "node:fs";
import { JSDOM } from "jsdom";

const page = new JSDOM("<!doctype html><body></body>").window;
globalThis.window = page; // Mermaid cleans labels with the help of a document
globalThis.document = page.document;
const mermaid = (await import("mermaid")).default;

// A label as a reader sees it, and the elements in it.
function shown(label) {
  const html = label.replace(/ﬂ°°/g, "&#").replace(/ﬂ°/g, "&").replace(/¶ß/g, ";");
  const body = new page.DOMParser().parseFromString(html, "text/html").body;
  const elements = [...body.querySelectorAll("*")].map((e) => e.tagName.toLowerCase());
  for (const br of body.querySelectorAll("br")) br.replaceWith("\n");
  return { text: body.textContent, elements };
}

const found = [];
for (const text of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    await mermaid.parse(text);
    const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
    found.push({
      nodes: Object.fromEntries([...db.getVertices()].map(([id, node]) => [id, shown(node.text)])),
      boxes: Object.fromEntries(db.getSubGraphs().map((box) => [box.id, shown(box.title).text])),
      classes: Object.fromEntries(db.getSubGraphs().map((box) => [box.id, box.classes])),
      edges: db.getEdges().map((edge) => [edge.start, edge.end, edge.style ?? []]),
    });
  } catch (error) {
    found.push({ error: String(error) });
  }
}
console.log(JSON.stringify(found));
