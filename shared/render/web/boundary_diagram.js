"use strict";
// The network as a picture: units as small maps of what they see, links with their weights; both are handles.
(() => {
  const B = Glasshouse.boundary, { el, svg } = Glasshouse;
  const MOST = 16; // units of one layer
  const MAP = 26; // nodes across a small map
  const PER_PIXEL = 0.02, KEY = 0.1; // how far a drag and an arrow key move a weight

  // ---- small maps --------------------------------------------------------------------------------------------------------
  // What every unit sees, on a grid of side x side nodes over the window: {side, z (a layer: units x nodes), f}.
  B.maps = (model, weights, side = MAP) => {
    model.grids ??= new Map();
    if (!model.grids.has(side)) {
      const [left, right, bottom, top] = model.window, n = side * side, points = new Float64Array(2 * n);
      for (let i = 0; i < n; i++) { points[2 * i] = left + (right - left) * (i % side) / (side - 1); points[2 * i + 1] = top - (top - bottom) * Math.floor(i / side) / (side - 1); }
      const sheet = el("canvas", { width: side, height: side }), image = new ImageData(side, side);
      model.grids.set(side, { side, n, points, z: model.hidden.map((units) => new Float64Array(units * n)), f: new Float64Array(model.run.outputs * n), values: new Float64Array(n), odds: new Float64Array(Math.max(2, model.run.outputs)), sheet, image, pixels: new Uint32Array(image.data.buffer), context: sheet.getContext("2d") });
    }
    const grid = model.grids.get(side);
    model.run.run(weights, grid.points, grid.n, grid.f, grid.n, 0, { record: grid.z });
    return grid;
  };
  // One map onto a context at x, y. layer -1: an input; the number of hidden layers: an output.
  B.drawMap = (context, model, grid, layer, unit, x, y, width, height = width) => {
    const { n, pixels, values, points, f, odds } = grid, { activation, output } = model.network, outputs = model.run.outputs;
    if (layer === model.hidden.length) {
      const colors = outputs === 1 ? B.pairTable() : B.classTable(outputs, "probability");
      for (let i = 0; i < n; i++) pixels[i] = outputs === 1 ? colors[Math.round(255 * B.chance(output, f[i]))] : colors[256 * unit + Math.round(255 * B.chances(output, f, outputs, n, i, odds)[unit])];
    } else {
      const colors = B.signedTable(model), own = layer < 0 ? null : grid.z[layer].subarray(unit * n, (unit + 1) * n), extent = layer < 0 ? Math.max(...model.window.map(Math.abs)) : 0;
      for (let i = 0; i < n; i++) values[i] = own ? own[i] : points[2 * i + unit] / extent;
      if (own) B.activate(activation, values);
      let top = 0;
      for (let i = 0; i < n; i++) top = Math.max(top, Math.abs(values[i]));
      for (let i = 0; i < n; i++) pixels[i] = colors[Math.max(0, Math.min(255, (127.5 + 127.5 * (own ? B.unitShade(activation, values[i], top) : values[i])) | 0))];
    }
    grid.context.putImageData(grid.image, 0, 0);
    context.drawImage(grid.sheet, 0.5, 0.5, grid.side - 1, grid.side - 1, x, y, width, height);
  };

  // ---- layout ------------------------------------------------------------------------------------------------------------
  // Of a wide layer the units with the largest outgoing weights, judged by the newest moment, so that none jumps while it plays.
  const picked = (model) => model.network.sizes.map((units, column) => {
    const all = Array.from({ length: units }, (_, i) => i), weights = model.frames.at(-1), next = model.run.layers[column];
    if (units <= MOST || !weights || !next) return all.slice(0, MOST);
    const size = all.map((unit) => Array.from({ length: next.out }, (_, j) => Math.abs(weights[next.weights + j * next.in + unit])).reduce((a, b) => a + b, 0));
    return [...all].sort((a, b) => size[b] - size[a]).slice(0, MOST).sort((a, b) => a - b);
  });
  const layout = (model, room, height) => {
    const columns = picked(model), tallest = Math.max(...columns.map((units) => units.length)), head = 22, labels = model.K > 2 ? 74 : 10;
    const size = Math.max(16, Math.min(40, Math.floor((height - head) / tallest) - 5)), width = Math.max(room, columns.length * (size + 34) + labels), gap = (width - labels - size - 2) / (columns.length - 1);
    const own = Math.max(height, head + tallest * (size + 5));
    const spots = columns.map((units, c) => units.map((unit, i) => ({ unit, x: 1 + c * gap, y: head + (own - head) * (i + 0.5) / units.length - size / 2 })));
    return { columns, spots, size, width, height: own, gap };
  };

  // B.diagram(frame, model, {room, height, changed, peek, pick}) -> {node, paint(weights), editor}
  //   changed   a weight was moved; peek ([layer, unit] or null): the pointer is on a unit; pick: it was clicked
  B.diagram = (frame, model, { room, height, changed, peek, pick }) => {
    const ui = B.ui(frame), plan = layout(model, room, height), { spots, size, width } = plan;
    const canvas = el("canvas", { class: "gb-canvas", "aria-hidden": "true" }), context = Glasshouse.canvas(canvas, width, plan.height);
    const cover = svg("svg", { class: "gh-chart gb-cover", width, height: plan.height, role: "group", "aria-label": `The network: ${model.network.sizes.join(", ")} units. Links and units are handles; the arrow keys up and down change a weight.` });
    const links = [], newest = model.frames.at(-1);
    const largest = model.run.layers.map((layer) => { let most = 0.5; if (newest) for (let i = layer.weights; i < layer.bias; i++) most = Math.max(most, Math.abs(newest[i])); return most; });
    let current = null;
    spots.slice(1).forEach((targets, layer) => targets.forEach((to) => spots[layer].forEach((from) => {
      const x1 = from.x + size, y1 = from.y + size / 2, x2 = to.x, y2 = to.y + size / 2, middle = (x1 + x2) / 2;
      const path = `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`, change = { layer, to: to.unit, from: from.unit };
      links.push({ change, at: B.place(model, change), path: new Path2D(path), most: largest[layer], hit: handle(svg("path", { d: path, class: "gb-hit" }), change) });
    })));
    const units = spots.flatMap((column, c) => column.map((spot) => ({ ...spot, layer: c - 1, hit: c ? unitHandle(spot, c - 1) : null })));

    const named = ({ layer, to, from }) => (from === "b" ? `bias of ${B.unitName(model, layer, to)}` : `weight from ${B.unitName(model, layer - 1, from)} to ${B.unitName(model, layer, to)}`);
    const valueOf = (change) => (current ? current[B.place(model, change)] : 0);
    const move = (change, value) => {
      const rest = B.dragged(frame.chosen.drag).filter((each) => !(each.layer === change.layer && each.to === change.to && each.from === change.from));
      frame.chosen.drag = B.dragText([...rest, { ...change, value: Math.max(-1e4, Math.min(1e4, value)) }]);
      changed();
    };
    const choose = (change, rove) => {
      ui.link = change;
      for (const link of links) link.hit.setAttribute("tabindex", rove && same(link.change, change) ? "0" : "-1");
      if (!rove) links[0]?.hit.setAttribute("tabindex", "0");
      paint(current);
    };
    function handle(node, change, click) {
      let start = null;
      const set = (name, value) => node.setAttribute(name, value);
      set("role", "slider"); set("tabindex", "-1"); set("aria-valuemin", -100); set("aria-valuemax", 100);
      node.addEventListener("pointerdown", (event) => { if (event.button) return; event.preventDefault(); node.setPointerCapture(event.pointerId); start = { y: event.clientY, value: valueOf(change), moved: false }; node.focus({ preventScroll: true }); });
      node.addEventListener("pointermove", (event) => {
        if (!start) return;
        if (Math.abs(event.clientY - start.y) > 3) start.moved = true;
        if (start.moved) { Glasshouse.tip(null, null); move(change, start.value + (start.y - event.clientY) * PER_PIXEL); }
      });
      const end = () => { if (start && !start.moved) click?.(); if (start?.moved) frame.rememberAddress(); start = null; };
      node.addEventListener("pointerup", end);
      node.addEventListener("pointercancel", () => { start = null; });
      node.addEventListener("focus", () => choose(change, change.from !== "b"));
      node.addEventListener("keydown", (event) => {
        const way = { ArrowUp: 1, ArrowDown: -1 }[event.key], walk = change.from === "b" ? 0 : { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (way) { event.preventDefault(); move(change, valueOf(change) + way * KEY * (event.shiftKey ? 10 : 1)); frame.rememberAddress(); }
        else if (walk) { event.preventDefault(); const i = links.findIndex((link) => same(link.change, change)); links[(i + walk + links.length) % links.length].hit.focus({ preventScroll: true }); }
        else if (event.key === "Enter" && click) { event.preventDefault(); click(); }
      });
      return node;
    }
    function unitHandle({ unit, x, y }, layer) {
      const node = handle(svg("rect", { x, y, width: size, height: size, rx: 3, class: "gb-unit" }), { layer, to: unit, from: "b" }, () => pick(layer, unit));
      node.setAttribute("tabindex", "0");
      node.addEventListener("pointerenter", () => { if (layer < model.hidden.length) peek([layer, unit]); });
      node.addEventListener("pointerleave", () => peek(null));
      return node;
    }
    cover.append(...links.map((link) => link.hit), ...units.map(({ hit }) => hit).filter(Boolean), ...names(model, plan));
    links[0]?.hit.setAttribute("tabindex", "0");

    const editor = B.weightEditor(frame, model, { named, valueOf, move, leave: () => { ui.link = null; paint(current); } });
    const paint = (weights, moving) => {
      current = weights;
      context.clearRect(0, 0, width, plan.height);
      if (!weights) return;
      const drag = new Set(B.dragged(frame.chosen.drag).map((each) => B.place(model, each)));
      for (const { at, path, most, change, hit } of links) {
        const weight = weights[at];
        context.strokeStyle = B.signInk(model, weight);
        context.lineWidth = 0.4 + 5.6 * Math.min(1, Math.abs(weight) / most);
        context.globalAlpha = drag.has(at) ? 1 : 0.72;
        context.stroke(path);
        if (!moving) { hit.setAttribute("aria-valuenow", weight.toFixed(3)); hit.setAttribute("aria-label", named(change)); hit.classList.toggle("gb-on", same(change, ui.link)); hit.classList.toggle("gb-moved", drag.has(at)); }
      }
      context.globalAlpha = 1;
      const grid = B.maps(model, weights);
      for (const { layer, unit, x, y, hit } of units) {
        B.drawMap(context, model, grid, layer, unit, x, y, size);
        if (!hit || moving) continue;
        const bias = { layer, to: unit, from: "b" };
        hit.setAttribute("aria-valuenow", valueOf(bias).toFixed(3));
        hit.setAttribute("aria-label", `${B.unitName(model, layer, unit)}, ${named(bias)}`);
        hit.classList.toggle("gb-on", (frame.state.layer ?? 0) === layer && frame.state.unit === unit);
        hit.classList.toggle("gb-moved", drag.has(B.place(model, bias)));
      }
      if (!moving) editor.paint();
    };
    const hidden = model.hidden.some((units) => units > MOST);
    const node = el("div", { class: "gb-diagram" }, el("div", { class: "gb-scroll" }, el("div", { class: "gb-drawing", style: `width:${width}px;height:${plan.height}px` }, canvas, cover)),
      hidden ? el("p", { class: "gh-small" }, `Of each wide layer the ${MOST} units with the largest outgoing weights are shown.`) : null);
    return { node, paint, editor: editor.node };
  };
  const same = (a, b) => Boolean(a && b && a.layer === b.layer && a.to === b.to && a.from === b.from);
  const names = (model, { spots, size, gap }) => {
    const heads = spots.map((column, c) => svg("text", { x: c ? Math.min(column[0].x + size / 2, 1 + c * gap + size / 2) : 1, y: 12, "text-anchor": c ? "middle" : "start" }, c === 0 ? "inputs" : c === spots.length - 1 ? "output" : `layer ${c - 1} · ${model.network.sizes[c]}`));
    const ends = spots.at(-1).map(({ unit, x, y }) => svg("text", { x: x + size + 6, y: y + size / 2 + 4 }, model.run.outputs > 1 ? (model.classes[unit].length > 11 ? `${model.classes[unit].slice(0, 10)}…` : model.classes[unit]) : ""));
    return [...heads, ...ends];
  };

  // The chosen weight as a number, and what to do with weights that were moved.
  B.weightEditor = (frame, model, { named, valueOf, move, leave }) => {
    const ui = B.ui(frame), name = el("span", {}), field = el("input", { type: "number", step: "0.1", class: "gb-number", "data-focus": "weight", onchange: () => { if (ui.link && field.value.trim() && Number.isFinite(Number(field.value))) { move(ui.link, Number(field.value)); frame.rememberAddress(); } } });
    const label = el("label", { class: "gb-label" }, name, field);
    const back = el("button", { type: "button", class: "gh-button", "data-focus": "back", onclick: () => { delete frame.chosen.drag; leave(); frame.set({}); } }, "Put back");
    const on = frame.host.frozen ? null : el("button", { type: "button", class: "gh-button", "data-focus": "train on", onclick: () => B.trainFromHere(frame) }, "Train on from here");
    const hint = el("span", { class: "gh-small" }, "Drag a link or a unit up or down: the network answers at once.");
    const node = el("div", { class: "gb-editor" });
    const paint = () => {
      const many = B.dragged(frame.chosen.drag).length, link = ui.link && B.place(model, ui.link) >= 0 ? ui.link : null, key = `${link ? 1 : 0}${many ? 1 : 0}`;
      if (node.dataset.key !== key) { node.dataset.key = key; node.replaceChildren(...(link ? [label] : many ? [] : [hint]), ...(many ? [back, ...(on ? [on] : [])] : [])); }
      if (!link) return;
      name.textContent = named(link);
      if (document.activeElement !== field) field.value = Number(valueOf(link).toFixed(3));
    };
    return { node, paint };
  };
})();
