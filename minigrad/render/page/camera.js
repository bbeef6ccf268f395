// Zoom and pan: wheel, drag, two fingers, buttons and keys.
const camera = { x: 0, y: 0, scale: 1 };

function place_() {
  drawn?.root.setAttribute("transform", `translate(${camera.x} ${camera.y}) scale(${camera.scale})`);
}

// The whole width, and of the height as much as stays readable.
function fit() {
  if (!drawn) return;
  const { clientWidth: w, clientHeight: h } = byId("canvas"), margin = 16;
  const wide = (w - 2 * margin) / drawn.width, high = (h - 2 * margin) / drawn.height;
  camera.scale = Math.min(1.15, Math.max(Math.min(wide, high), Math.min(wide, 0.85), 0.3));
  camera.x = Math.max(margin, (w - drawn.width * camera.scale) / 2);
  camera.y = margin;
  place_();
}

// All of it, however small.
function fitAll() {
  const { clientWidth: w, clientHeight: h } = byId("canvas"), margin = 20;
  if (!drawn) return;
  camera.scale = Math.min(1.15, (w - 2 * margin) / drawn.width, (h - 2 * margin) / drawn.height);
  camera.x = (w - drawn.width * camera.scale) / 2;
  camera.y = margin;
  place_();
}

function zoom(by, x, y) {
  const { clientWidth: w, clientHeight: h } = byId("canvas");
  [x, y] = [x ?? w / 2, y ?? h / 2];
  const scale = Math.min(4, Math.max(0.02, camera.scale * by)), k = scale / camera.scale;
  Object.assign(camera, { scale, x: x - (x - camera.x) * k, y: y - (y - camera.y) * k });
  place_();
}

// Move so that an element is seen.
function bring(element) {
  const canvas = byId("canvas").getBoundingClientRect(), box = element.getBoundingClientRect();
  const shift = (from, to, low, high) => (to - from > high - low || from < low ? low - from : to > high ? high - to : 0);
  camera.x += shift(box.left, box.right, canvas.left + 10, canvas.right - 10);
  camera.y += shift(box.top, box.bottom, canvas.top + 40, canvas.bottom - 24);
  place_();
}

function watchCamera() {
  const pointers = new Map(), element = byId("svg");
  let moved = 0;
  const spread = () => {
    const [a, b] = [...pointers.values()];
    return Math.hypot(a.x - b.x, a.y - b.y);
  };
  element.addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = element.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY * 0.0015), event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });
  element.addEventListener("pointerdown", (event) => {
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    moved = 0;
  });
  element.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY }, wide = pointers.size === 2 ? spread() : 0;
    pointers.set(event.pointerId, now);
    moved += Math.abs(now.x - before.x) + Math.abs(now.y - before.y);
    if (moved < 4) return;
    if (pointers.size === 2) {
      const box = element.getBoundingClientRect(), [a, b] = [...pointers.values()];
      if (wide) zoom(spread() / wide, (a.x + b.x) / 2 - box.left, (a.y + b.y) / 2 - box.top);
    } else {
      camera.x += now.x - before.x;
      camera.y += now.y - before.y;
      place_();
    }
  });
  for (const end of ["pointerup", "pointercancel", "pointerleave"]) {
    element.addEventListener(end, (event) => pointers.delete(event.pointerId));
  }
  element.addEventListener("click", (event) => {  // the end of a drag is no click
    if (moved > 4) event.stopPropagation();
  }, { capture: true });
}
