"use strict";
// Inside: what every hidden unit sees, how busy the layers are, which units are lost, and how strongly each layer learns.
(() => {
  const B = Glasshouse.boundary, { el, svg } = Glasshouse;
  const MOST = 48, SIDE = 72, NODES = 34, BINS = 40, TALL = 64;
  const FLAT = 0.99, MOSTLY = 0.95, HUGE = 100; // saturated: |tanh| above FLAT at MOSTLY all points; exploding: above HUGE
  const FAINT = 0.01, LOUD = 10; // a layer's gradient beside the largest one's; a gradient that overshoots
  const NOTE = { ReLU: "Dead: gives out 0 at every point, so no gradient reaches it any more.", GELU: "Dead: gives out almost 0 at every point.", tanh: `Saturated: at ${FLAT} of its limits or beyond at ${100 * MOSTLY} % of the points, where it is flat and hardly learns.`, sigmoid: `Saturated: within ${(1 - FLAT).toFixed(2)} of 0 or 1 at ${100 * MOSTLY} % of the points, where it is flat and hardly learns.` };

  // What every hidden unit gives out at every point: one array (units, N) a layer, kept by the model.
  B.activations = (model, weights) => {
    const record = (model.record ??= model.hidden.map((units) => new Float64Array(units * model.N)));
    model.run.run(weights, model.x, model.N, null, model.N, 0, { record });
    for (const values of record) B.activate(model.network.activation, values);
    return record;
  };
  // Units that do not work: [{layer, unit, kind, text}].
  B.health = ({ network: { activation }, hidden, N }, record) => hidden.flatMap((units, layer) => Array.from({ length: units }, (_, unit) => {
    const own = record[layer].subarray(unit * N, (unit + 1) * N);
    let low = Infinity, high = -Infinity, flat = 0, finite = true;
    for (const value of own) {
      if (!Number.isFinite(value)) finite = false;
      low = Math.min(low, value); high = Math.max(high, value);
      if (activation === "tanh" ? Math.abs(value) > FLAT : activation === "sigmoid" && (value < 1 - FLAT || value > FLAT)) flat++;
    }
    if (!finite || Math.max(-low, high) > HUGE) return { layer, unit, kind: "exploding", text: finite ? `gives out up to ${B.digits(Math.max(-low, high))}` : "gives out numbers that are not finite" };
    if (activation === "ReLU" && high <= 0) return { layer, unit, kind: "dead", text: "gives out 0 at every point" };
    if (activation === "GELU" && Math.max(-low, high) < 0.01) return { layer, unit, kind: "dead", text: "gives out almost 0 at every point" };
    return flat >= MOSTLY * N ? { layer, unit, kind: "saturated", text: `flat at ${Glasshouse.percent(flat / N)} of the points` } : null;
  }).filter(Boolean));

  B.drawInside = (panel, frame) => {
    const { model } = frame, room = panel.clientWidth || 640, chosen = B.unit(frame);
    const large = chosen ? B.oneUnit(frame, model, chosen, Math.min(360, room)) : null, rows = model.hidden.map((_, layer) => B.layerRow(frame, model, layer, chosen, room));
    const ill = el("div", {}), flow = B.flow(model, room);
    const show = (index, moving) => {
      const weights = B.weights(model, index, frame.chosen.drag);
      if (!weights) return;
      const grid = B.maps(model, weights, NODES), record = B.activations(model, weights), lost = B.health(model, record), epoch = B.epochAt(model, index);
      rows.forEach((row) => row.paint(grid, record, lost));
      large?.paint(weights, epoch, moving);
      B.illTable(ill, frame, lost);
      flow.move(index);
      frame.model.findings.set("inside", B.insideSentence(model, lost, index));
    };
    const timeline = B.timeline(frame, { model, show });
    panel.append(el("div", { onkeydown: timeline.keys },
      el("p", { class: "gh-small gb-lead" }, model.hidden.length ? "Each map is one hidden unit; its line is where its weighted sum is 0. The first layer can only draw straight lines, the next ones combine them. Click a unit to see it large." : "There is no hidden layer here: inputs go straight to the output. What can be seen is how strongly its weights are pulled."),
      timeline.node, large ? large.node : null, rows.map((row) => row.node),
      model.hidden.length ? el("section", { class: "gb-section" }, el("h3", {}, "Units that do not work"), ill, el("p", { class: "gh-small" }, `${NOTE[model.network.activation]} Exploding: gives out more than ${HUGE}.`)) : null,
      flow.node));
    timeline.fresh();
  };
  B.insideSentence = (model, lost, index) => {
    const total = model.hidden.reduce((sum, units) => sum + units, 0), kinds = ["dead", "saturated", "exploding"].map((kind) => [kind, lost.filter((each) => each.kind === kind).length]).filter(([, count]) => count);
    const words = total ? `${kinds.length ? kinds.map(([kind, count]) => `${count} ${kind}`).join(", ") : "none dead, saturated or exploding"}, of ${B.plural(total, "hidden unit")}` : "No hidden unit";
    return `Epoch ${B.epochAt(model, index)}: ${words}; ${B.flowWords(model, index)}`;
  };

  // ---- one layer ---------------------------------------------------------------------------------------------------------
  B.layerRow = (frame, model, layer, chosen, room) => {
    const units = model.hidden[layer], shown = Math.min(units, MOST), [left, right, bottom, top] = model.window, tall = Math.round(SIDE * Math.max(0.62, Math.min(1.05, (top - bottom) / (right - left))));
    const cells = Array.from({ length: shown }, (_, unit) => {
      const canvas = el("canvas"), context = Glasshouse.canvas(canvas, SIDE, tall), on = chosen && chosen[0] === layer && chosen[1] === unit;
      const node = el("button", { type: "button", class: `gb-map${on ? " gb-on" : ""}`, "aria-pressed": String(Boolean(on)), "aria-label": B.unitName(model, layer, unit), "data-focus": `unit ${layer}.${unit}`, onclick: () => { if (on) { delete frame.chosen.layer; delete frame.chosen.unit; frame.set({}); } else frame.set({ layer, unit }); } }, canvas, el("span", {}, String(unit)));
      return { node, context };
    });
    const busy = B.histogram(model, layer, room < 840 ? Math.min(room, 340) : 240);
    const node = el("section", { class: "gb-inside" }, el("div", {}, el("h3", {}, `Layer ${layer}`), el("p", { class: "gh-small" }, `${B.plural(units, `${model.network.activation} unit`)}${units > shown ? `, the first ${shown} shown` : ""}`), el("div", { class: "gb-units" }, cells.map((cell) => cell.node))), busy.node);
    const paint = (grid, record, lost) => {
      const ill = new Map(lost.filter((each) => each.layer === layer).map((each) => [each.unit, each.kind]));
      cells.forEach(({ node: cellNode, context }, unit) => {
        B.drawMap(context, model, grid, layer, unit, 0, 0, SIDE, tall);
        B.tracePath(context, { columns: grid.side, rows: grid.side, outputs: 1, f: grid.z[layer].subarray(unit * grid.n, (unit + 1) * grid.n) }, SIDE, tall, 0);
        context.strokeStyle = B.ink();
        context.lineWidth = 1.2;
        context.stroke();
        const text = ill.has(unit) ? `${unit} ${ill.get(unit)}` : String(unit);
        if (cellNode.lastChild.textContent !== text) { cellNode.lastChild.textContent = text; cellNode.classList.toggle("gb-ill", ill.has(unit)); }
      });
      busy.paint(record[layer]);
    };
    return { node, paint };
  };
  // How often each value is given out, over all units of a layer and all points.
  B.histogram = (model, layer, width) => {
    const canvas = el("canvas", { role: "img" }), context = Glasshouse.canvas(canvas, width, TALL), low = el("span", {}), high = el("span", {}), fixed = { tanh: [-1, 1], sigmoid: [0, 1] }[model.network.activation], counts = new Float64Array(BINS);
    const node = el("figure", {}, el("figcaption", {}, el("b", {}, "What it gives out"), " at all points"), canvas, el("div", { class: "gh-small", style: `display:flex;justify-content:space-between;width:${width}px` }, low, high));
    const paint = (values) => {
      let [from, to] = fixed ?? [Infinity, -Infinity];
      if (!fixed) for (const value of values) if (Number.isFinite(value)) { from = Math.min(from, value); to = Math.max(to, value); }
      if (!(to > from)) { from -= 0.5; to = from + 1; }
      counts.fill(0);
      for (const value of values) if (Number.isFinite(value)) counts[Math.max(0, Math.min(BINS - 1, Math.floor((value - from) / (to - from) * BINS)))]++;
      const most = Math.max(...counts), size = width / BINS;
      context.clearRect(0, 0, width, TALL);
      context.fillStyle = Glasshouse.variable(canvas, "--gh-muted");
      counts.forEach((count, bin) => { const tall = count ? Math.max(1, (TALL - 2) * count / most) : 0; context.fillRect(bin * size, TALL - tall, size - 1, tall); });
      low.textContent = B.digits(from);
      high.textContent = B.digits(to);
      canvas.setAttribute("aria-label", `Histogram of layer ${layer}: values from ${B.digits(from)} to ${B.digits(to)}, ${Glasshouse.percent(most / values.length)} in the fullest of ${BINS} bins`);
    };
    return { node, paint };
  };
  // The chosen unit, large, and its sum in words.
  B.oneUnit = (frame, model, [layer, unit], width) => {
    const surface = B.surface(frame, model, { width, name: `What ${B.unitName(model, layer, unit)} sees`, focus: "unit" }), words = el("p", { class: "gh-small" }), { weights: at, in: inputs, bias } = model.run.layers[layer];
    const named = (from) => (layer ? `unit ${from}` : model.axes[from].name), signed = (value, first) => `${value < 0 ? "− " : first ? "" : "+ "}${B.digits(Math.abs(value))}`;
    const node = el("section", { class: "gb-sides gb-section" }, el("figure", {}, surface.node), el("div", {}, el("h3", {}, `Unit ${unit} of layer ${layer}`), words, el("p", { class: "gh-small" }, layer ? `Units of layer ${layer - 1} go in; the line is where the sum is 0.` : "The inputs go in as deviations from their mean, in standard deviations; the line is where the sum is 0.")));
    const paint = (weights, epoch, moving) => {
      surface.paint(weights, epoch, moving, [layer, unit]);
      const terms = Array.from({ length: inputs }, (_, from) => [weights[at + unit * inputs + from], from]).sort(([a], [b]) => Math.abs(b) - Math.abs(a)), shown = terms.slice(0, 6);
      words.textContent = `${model.network.activation}( ${shown.map(([value, from], i) => `${signed(value, !i)} · ${named(from)}`).join(" ")}${terms.length > 6 ? ` and ${terms.length - 6} smaller terms` : ""} ${signed(weights[bias + unit])} )`;
      if (!moving) surface.say(words.textContent);
    };
    return { node, paint };
  };
  B.illTable = (root, frame, lost) => {
    const key = JSON.stringify(lost);
    if (root.dataset.key === key) return;
    root.dataset.key = key;
    if (!lost.length) { root.replaceChildren(el("p", { class: "gh-small" }, "None at this epoch.")); return; }
    root.replaceChildren(el("div", { class: "gb-scroll" }, el("table", { class: "gb-table" }, el("thead", {}, el("tr", {}, ["unit", "what is wrong", ""].map((text) => el("th", { scope: "col" }, text)))),
      el("tbody", {}, lost.slice(0, 40).map(({ layer, unit, kind, text }) => el("tr", {}, el("th", { scope: "row" }, `unit ${unit} of layer ${layer}`), el("td", { class: "gb-weak" }, kind), el("td", {}, text)))))),
    lost.length > 40 ? el("p", { class: "gh-small" }, `and ${lost.length - 40} more`) : "");
  };

  // ---- gradient flow -----------------------------------------------------------------------------------------------------
  const layerName = (model, l) => (l === model.run.layers.length - 1 ? "output" : `layer ${l}`);
  B.flowWords = (model, index) => {
    const now = model.gradients[index], most = now ? Math.max(...now) : 0;
    if (!now || (!index && !(most > 0))) return "gradients are known from the first trained epoch on.";
    if (!(most > 0)) return "no gradient reaches the weights of any layer: nothing is learned.";
    const faintest = now.indexOf(Math.min(...now)), loudest = now.indexOf(most);
    if (most > LOUD) return `the gradient of ${layerName(model, loudest)} is ${B.digits(most)}: it explodes.`;
    if (now[faintest] < FAINT * most) return `${layerName(model, faintest)} learns ${now[faintest] > 0 ? `with a gradient ${B.digits(most / now[faintest])} times smaller than that of ${layerName(model, loudest)}` : "nothing, its gradient is 0"}: it vanishes.`;
    return now.length > 1 ? `the largest gradient (${layerName(model, loudest)}, ${B.digits(most)}) is ${B.digits(most / now[faintest])} times the smallest (${layerName(model, faintest)}).` : `the gradient is ${B.digits(most)}.`;
  };
  B.flow = (model, room) => {
    const width = room < 840 ? room : Math.floor((room - 40) / 2), layers = model.run.layers.length, floor = 1e-8, ink = (l) => (l === layers - 1 ? "training" : l % 6);
    const logs = (index) => Array.from(model.gradients[index] ?? [], (value) => Math.log10(Math.max(floor, Number.isFinite(value) ? value : 1e8)));
    const all = model.gradients.flatMap((_, index) => (index ? logs(index) : [])), low = Math.max(-8, Math.floor(Math.min(-3, ...all))), high = Math.min(8, Math.ceil(Math.max(0, ...all)));
    const every = Math.ceil((high - low) / 5), yTicks = Array.from({ length: high - low + 1 }, (_, i) => low + i).filter((value) => (value - low) % every === 0).map((value) => [value, value === 0 ? "1" : value > -3 && value < 4 ? String(10 ** value) : B.power(value)]);
    const bars = Glasshouse.chart({ width, height: 200, x: [0, layers], y: [low, high], xTicks: Array.from({ length: layers }, (_, l) => [l + 0.5, layers > 6 && l < layers - 1 ? String(l) : layerName(model, l)]), yTicks, left: 50, label: "Gradient of each layer at the shown epoch" });
    const rects = Array.from({ length: layers }, (_, l) => { const rect = svg("rect", { x: bars.x(l + 0.22), width: bars.x(0.56) - bars.x(0), class: `gb-fill gb-ink-${ink(l)}` }); bars.node.append(rect); return rect; });
    const epochs = Math.max(1, B.epochAt(model, B.newest(model))), lines = Glasshouse.chart({ width, height: 200, x: [0, epochs], y: [low, high], xTicks: B.ticks(0, epochs, 5).filter(Number.isInteger).map((value) => [value, String(value)]), yTicks, xLabel: "epoch", left: 50, label: "Gradient of each layer over the epochs" });
    for (let l = 0; l < layers; l++) Glasshouse.line(lines, model.gradients.map((_, index) => [B.epochAt(model, index), logs(index)[l]]).slice(1).filter(([, value]) => value !== undefined), { class: `gb-ink-${ink(l)}`, "stroke-width": 1.7 });
    const cursor = svg("line", { y1: lines.top, y2: lines.floor, class: "gb-cursor" }), words = el("p", { class: "gh-small" });
    lines.node.append(cursor);
    const move = (index) => {
      const now = logs(index), epoch = Math.min(epochs, B.epochAt(model, index));
      rects.forEach((rect, l) => { const y = bars.y(index ? now[l] ?? low : low); rect.setAttribute("y", y); rect.setAttribute("height", Math.max(0, bars.floor - y)); });
      cursor.setAttribute("x1", lines.x(epoch));
      cursor.setAttribute("x2", lines.x(epoch));
      const text = B.flowWords(model, index);
      words.textContent = text[0].toUpperCase() + text.slice(1);
      words.classList.toggle("gb-weak", /vanishes|explodes|nothing/.test(text));
    };
    const legend = el("ul", { class: "gb-legend" }, Array.from({ length: layers }, (_, l) => el("li", { class: `gb-ink-${ink(l)}` }, el("i", { class: "gb-swatch" }), layerName(model, l))));
    const node = el("section", { class: "gb-section" }, el("h3", {}, "How strongly each layer learns"), words,
      el("div", { class: "gb-two" }, el("figure", {}, el("figcaption", {}, el("b", {}, "At this epoch")), bars.node), el("figure", {}, el("figcaption", {}, el("b", {}, "Over the epochs")), lines.node, legend)),
      el("p", { class: "gh-small" }, `Size of the gradient of each layer's weights (root mean square, in the last step of the epoch), on a logarithmic axis. Vanishing: under ${Glasshouse.percent(FAINT)} of the largest; exploding: above ${LOUD}.`));
    return { node, move };
  };
})();
