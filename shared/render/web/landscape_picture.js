"use strict";
// One map with what moves on it: paths, balls with their downhill arrows, the place that is looked at; pointer and keys.
(() => {
  const L = Glasshouse.landscape, { el } = Glasshouse;
  const ARROW = 52, APART = 8; // pixels: the longest arrow, the least between the marks of two epochs
  // Legible on viridis with a dark rim; none of them is a color of the map.
  const INKS = ["#ffffff", "#ff9d2e", "#ff86c8", "#ff5a4d", "#bfe9ff", "#ffe0c2"], RIM = "rgba(16,18,28,.72)";
  L.pathInk = (i) => INKS[i % INKS.length];

  // ---- marks ---------------------------------------------------------------------------------------------------------
  const ring = (context, x, y, r) => { context.beginPath(); context.arc(x, y, r, 0, 2 * Math.PI); };
  // A stroke that is seen on every color: a dark rim under it.
  const rimmed = (context, color, width) => {
    context.lineJoin = context.lineCap = "round";
    context.strokeStyle = RIM;
    context.lineWidth = width + 2.6;
    context.stroke();
    context.strokeStyle = color;
    context.lineWidth = width;
    context.stroke();
  };
  const along = (context, points, last) => {
    context.beginPath();
    points.slice(0, last + 1).forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  };
  const cross = (context, x, y, r) => { context.beginPath(); context.moveTo(x - r, y - r); context.lineTo(x + r, y + r); context.moveTo(x - r, y + r); context.lineTo(x + r, y - r); };
  const star = (context, color, x, y) => { cross(context, x, y, 5); rimmed(context, color, 2.2); };
  // Names at the ends of several paths: the first of four sides where nothing else is.
  const nameEnds = (context, paths, side) => {
    const boxes = [], hit = (box) => box[0] < 3 || box[1] < 3 || box[2] > side - 3 || box[3] > side - 3 || boxes.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1]);
    context.font = "600 12px ui-sans-serif, system-ui, sans-serif";
    context.textBaseline = "middle";
    context.textAlign = "left";
    paths.forEach(({ name, points, ink }) => {
      const end = points.findLast(([x, y]) => x >= 0 && y >= 0 && x <= side && y <= side);
      if (!end) return;
      const wide = context.measureText(name).width, [x, y] = end, places = [[12, 0], [-12 - wide, 0], [-wide / 2, -18], [-wide / 2, 18], [12, -20], [12, 20], [-12 - wide, -20], [-12 - wide, 20]].map(([dx, dy]) => [x + dx - 2, y + dy - 8, x + dx + wide + 2, y + dy + 8]);
      const box = places.find((each) => !hit(each));
      if (!box) return;
      boxes.push(box);
      context.lineWidth = 4;
      context.strokeStyle = RIM;
      context.strokeText(name, box[0] + 2, box[1] + 8);
      context.fillStyle = ink;
      context.fillText(name, box[0] + 2, box[1] + 8);
    });
  };
  // L.picture(frame, model, {width, range(), place(), hover(place|null), pick(alpha, beta), focus, name}) -> {node, canvas, refresh, paint(epoch), say}
  //   refresh  paints the field anew if it has changed;  paint  the paths and the balls at an epoch
  L.picture = (frame, model, { width, range, place, hover, pick, focus, name = "Map of the loss" }) => {
    const margin = { left: 46, right: 8, top: 6, bottom: 38 }, side = Math.floor(width - margin.left - margin.right), { alpha, beta, R } = model;
    const at = { x: (value) => (value - alpha[0]) / (alpha[R - 1] - alpha[0]) * side, y: (value) => side - (value - beta[0]) / (beta[R - 1] - beta[0]) * side };
    const style = `left:${margin.left}px;top:${margin.top}px`, ground = el("canvas", { class: "gb-canvas", style, "aria-hidden": "true" }), canvas = el("canvas", { class: "gb-canvas gl-over", role: "img", tabindex: "0", "data-focus": focus, style });
    const below = Glasshouse.canvas(ground, side, side), context = Glasshouse.canvas(canvas, side, side), still = el("canvas"), trail = Glasshouse.canvas(still, side, side);
    const node = el("div", { class: "gb-surface", style: `width:${side + margin.left + margin.right}px;height:${side + margin.top + margin.bottom}px` }, L.axes(model, side, margin), ground, canvas);
    const paths = model.paths.map((path, i) => ({ ...path, ink: L.pathInk(i), points: Array.from({ length: path.epochs.length }, (_, k) => [at.x(path.coordinates[2 * k]), at.y(path.coordinates[2 * k + 1])]) }));
    for (const path of paths) path.marks = path.points.reduce((kept, point) => (kept.length && Math.hypot(point[0] - kept.at(-1)[0], point[1] - kept.at(-1)[1]) < APART ? kept : [...kept, point]), []);
    const sizes = paths.flatMap(({ arrows }) => Array.from({ length: arrows.length / 2 }, (_, k) => Math.hypot(arrows[2 * k], arrows[2 * k + 1]))).filter((size) => size > 0).sort((a, b) => a - b), usual = sizes[sizes.length >> 1] || 1;
    let painted = "";

    const refresh = () => {
      const now = range(), key = JSON.stringify([model.version, now]);
      if (key === painted) return;
      painted = key;
      L.paintGround(below, model, side, now, [[at.x(0), at.y(0)], ...(frame.state.path === "shown" ? paths.flatMap(({ points }) => points) : [])]);
    };
    // What stands still of the paths: the whole way, its epochs, where it began.
    const lay = () => {
      trail.clearRect(0, 0, side, side);
      if (frame.state.path === "shown") {
        for (const { points, ink } of [...paths].reverse()) {
          trail.globalAlpha = 0.8;
          along(trail, points, points.length);
          rimmed(trail, ink, 1.3);
          trail.globalAlpha = 1;
          ring(trail, ...points[0], 6);
          rimmed(trail, ink, 2);
          if (points !== paths[0].points) star(trail, ink, ...points.at(-1));
        }
      }
      star(trail, INKS[0], at.x(0), at.y(0));
      if (paths.length > 1 && frame.state.path === "shown") nameEnds(trail, paths, side);
    };
    const epochs = ({ marks, ink }) => {
      context.beginPath();
      for (const [x, y] of marks) { context.moveTo(x + 2.6, y); context.arc(x, y, 2.6, 0, 2 * Math.PI); }
      context.fillStyle = ink;
      context.strokeStyle = RIM;
      context.lineWidth = 1.4;
      context.fill();
      context.stroke();
    };
    const arrow = (x, y, [da, db], ink) => {
      const size = Math.hypot(da, db), length = ARROW * (1 - Math.exp(-size / (2 * usual)));
      if (!(length > 3)) return;
      const ux = da / size, uy = -db / size, ex = x + ux * (11 + length), ey = y + uy * (11 + length), head = 8;
      context.beginPath();
      context.moveTo(x + ux * 8, y + uy * 8); context.lineTo(ex, ey);
      context.moveTo(ex - head * (ux - 0.55 * uy), ey - head * (uy + 0.55 * ux)); context.lineTo(ex, ey);
      context.lineTo(ex - head * (ux + 0.55 * uy), ey - head * (uy - 0.55 * ux));
      rimmed(context, ink, 2.2);
    };
    // A ball outside the map waits at its edge as a wedge that points to it.
    const ball = (path, epoch, r) => {
      const { alpha: a, beta: b, arrow: pull } = L.ballAt(path, L.indexAt(path, epoch)), x = at.x(a), y = at.y(b), outside = x < 0 || y < 0 || x > side || y > side;
      if (!Number.isFinite(x + y)) return;
      const cx = Math.max(9, Math.min(side - 9, x)), cy = Math.max(9, Math.min(side - 9, y));
      if (outside) {
        const size = Math.hypot(x - cx, y - cy), ux = (x - cx) / size, uy = (y - cy) / size;
        context.beginPath();
        context.moveTo(cx + 8 * ux, cy + 8 * uy); context.lineTo(cx - 6 * ux - 6 * uy, cy - 6 * uy + 6 * ux); context.lineTo(cx - 6 * ux + 6 * uy, cy - 6 * uy - 6 * ux);
        context.closePath();
      } else { arrow(x, y, pull, path.ink); ring(context, x, y, r); }
      context.fillStyle = path.ink;
      context.strokeStyle = RIM;
      context.lineWidth = 2.4;
      context.fill();
      context.stroke();
    };
    const pinned = ({ alpha: a, beta: b }) => {
      const x = at.x(a), y = at.y(b);
      context.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) { context.moveTo(x + 5 * dx, y + 5 * dy); context.lineTo(x + 15 * dx, y + 15 * dy); }
      rimmed(context, "#fff", 1.8);
      ring(context, x, y, 9);
      rimmed(context, "#fff", 1.6);
    };
    const paint = (epoch) => {
      context.clearRect(0, 0, side, side);
      context.drawImage(still, 0, 0, side, side);
      if (frame.state.path === "shown") for (const path of [...paths].reverse()) {
        const index = L.indexAt(path, epoch), { alpha: a, beta: b } = L.ballAt(path, index);
        along(context, path.points, Math.floor(index));
        context.lineTo(at.x(a), at.y(b));
        rimmed(context, path.ink, 2.4);
        epochs(path);
      }
      for (const path of [...paths].reverse()) ball(path, epoch, path === paths[0] || paths.length === 1 ? 8.5 : 6.5);
      const now = place();
      if (now.pinned) pinned(now);
    };

    const toPlace = (event) => {
      const box = canvas.getBoundingClientRect(), part = (value) => Math.max(0, Math.min(1, value));
      return { alpha: alpha[0] + (alpha[R - 1] - alpha[0]) * part((event.clientX - box.left) / box.width), beta: beta[R - 1] - (beta[R - 1] - beta[0]) * part((event.clientY - box.top) / box.height) };
    };
    canvas.addEventListener("pointermove", (event) => {
      if (event.pointerType === "touch") return;
      const here = toPlace(event);
      hover({ ...here, pointer: true });
      Glasshouse.tip(event, [`loss ${L.short(L.lossHere(model, here))}`, `α ${L.rounded(here.alpha)}, β ${L.rounded(here.beta)}`, "click to stay here"]);
    });
    canvas.addEventListener("pointerleave", () => { Glasshouse.tip(null, null); hover(null); });
    canvas.addEventListener("click", (event) => { const here = toPlace(event); pick(here.alpha, here.beta); });
    canvas.addEventListener("keydown", (event) => {
      const steps = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key], now = place();
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      if (event.key === "Escape" && now.pinned) { event.preventDefault(); pick(); }
      if (!steps) return;
      event.preventDefault();
      pick(now.alpha + steps[0] * (alpha[1] - alpha[0]), now.beta + steps[1] * (beta[1] - beta[0]));
    });
    const say = (sentence) => canvas.setAttribute("aria-label", `${name}: darker is lower. ${sentence}`);
    lay();
    return { node, canvas, refresh, paint, say, side, margin };
  };
})();
