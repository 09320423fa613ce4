"use strict";
// Hidden space: the points and the carried grid as one hidden layer sees them, over the same time.
(() => {
  const B = Glasshouse.boundary, { el } = Glasshouse;
  const LINES = 17, STEPS = 48, LOOKS = 8; // grid lines each way, points along one, moments that set the frame

  B.drawSpace = (panel, frame) => {
    const { model } = frame, layers = model.hidden.length, layer = Math.min(frame.state.layer ?? layers - 1, layers - 1), units = model.hidden[layer], way = units > 2 ? frame.state.space ?? "pca" : "pca";
    const pick = (each) => { delete frame.chosen.unit; frame.set({ layer: each }); };
    const body = el("div", {});
    panel.append(el("p", { class: "gh-small gb-lead" }, "A hidden layer moves every point somewhere else. Training folds and stretches the plane, carried along here as a grid, until the next layer can separate the colors with a straight cut."),
      el("div", { class: "gb-bar gb-first" }, el("label", { class: "gb-label" }, "Layer ", el("select", { "data-focus": "layer", onchange: (event) => pick(Number(event.target.value)) }, model.hidden.map((count, each) => el("option", { value: each, selected: each === layer }, `${each} (${B.plural(count, "unit")})`)))),
        units > 2 ? Glasshouse.choice("Projection", [["pca", "PCA", "the two directions in which the last epoch spreads most"], ["tsne", "t-SNE", "neighbors stay neighbors, distances mean little"]], way, (space) => frame.set({ space })) : null), body);
    if (way === "tsne") { B.drawTsne(body, frame, layer); return; }
    if (units <= 2) { B.spaceOver(body, frame, layer, null); return; }
    frame.later(body, frame.compute("hidden", { layer }), (answer) => B.spaceOver(body, frame, layer, answer), "Finding the two directions…");
  };

  // From activations (units, n) to the plane: exact for one or two units, else two components.
  B.projector = (units, answer) => (values, n, i) => {
    if (units === 1) return [values[i], 0];
    if (units === 2) return [values[i], values[n + i]];
    let u = 0, v = 0;
    for (let k = 0; k < units; k++) { const value = values[k * n + i] - answer.mean[k]; u += answer.components[0][k] * value; v += answer.components[1][k] * value; }
    return [u, v];
  };
  const gridPoints = ([left, right, bottom, top]) => {
    const points = new Float64Array(4 * LINES * STEPS);
    for (let line = 0, at = 0; line < 2 * LINES; line++) for (let step = 0; step < STEPS; step++) {
      const across = (line % LINES) / (LINES - 1), along = step / (STEPS - 1), [a, b] = line < LINES ? [across, along] : [along, across];
      points[at++] = left + (right - left) * a;
      points[at++] = bottom + (top - bottom) * b;
    }
    return points;
  };
  B.spaceOver = (root, frame, layer, answer) => {
    const { model } = frame, units = model.hidden[layer], room = root.clientWidth || frame.parts.panel.clientWidth || 640, phone = room < B.PHONE, side = phone ? room : Math.min(480, Math.round(room * 0.5)), plane = B.surface(frame, model, { width: phone ? room : Math.min(400, room - side - 40), tallest: side, focus: "plane", name: "The plane itself" });
    const canvas = el("canvas", { class: "gb-space", role: "img", tabindex: "0", "data-focus": "space" }), project = B.projector(units, answer);
    const grid = gridPoints(model.window), count = grid.length / 2, room2 = { record: model.hidden.map((each) => new Float64Array(each * count)) };
    const spots = new Float64Array(2 * count), f = new Float64Array(model.run.outputs * count), own = new Float64Array(2 * model.N);
    // Sideways spread for a single unit, so that its points do not hide each other.
    const jitter = (i) => (units === 1 ? ((i * 0.618034) % 1 - 0.5) * 0.8 : 0);
    const bounds = B.spaceBounds(model, layer, project), pad = 22, scale = (side - 2 * pad) / Math.max(bounds[1] - bounds[0], bounds[3] - bounds[2]), mid = [(bounds[0] + bounds[1]) / 2, (bounds[2] + bounds[3]) / 2];
    const tall = Math.round(Math.max(side / 2, Math.min(side, (bounds[3] - bounds[2]) * scale + 2 * pad))), context = Glasshouse.canvas(canvas, side, tall), px = (u) => side / 2 + (u - mid[0]) * scale, py = (v) => tall / 2 - (v - mid[1]) * scale;
    const carry = (weights) => {
      model.run.run(weights, grid, count, f, count, 0, room2);
      B.activate(model.network.activation, room2.record[layer]);
      for (let i = 0; i < count; i++) { const [u, v] = project(room2.record[layer], count, i); spots[2 * i] = px(u); spots[2 * i + 1] = py(v + (units === 1 ? (i % STEPS) / STEPS - 0.5 : 0)); }
    };
    const classAt = (i) => (model.run.outputs > 1 ? B.winner(f, model.run.outputs, count, i) : f[i] > 0 ? 1 : 0);
    const drawGrid = () => {
      context.lineWidth = 1;
      context.globalAlpha = 0.55;
      for (let k = 0; k < model.K; k++) {
        context.beginPath();
        for (let line = 0; line < 2 * LINES; line++) for (let step = 1; step < STEPS; step++) {
          const i = line * STEPS + step;
          if (classAt(i) !== k) continue;
          context.moveTo(spots[2 * i - 2], spots[2 * i - 1]);
          context.lineTo(spots[2 * i], spots[2 * i + 1]);
        }
        context.strokeStyle = B.classColor(k);
        context.stroke();
      }
      context.globalAlpha = 1;
    };
    const at = { x: (value) => value, y: (value) => value }, placed = Object.create(model, { x: { value: own } });
    const show = (index, moving) => {
      const weights = B.weights(model, index, frame.chosen.drag);
      if (!weights) return;
      const epoch = B.epochAt(model, index), record = B.activations(model, weights)[layer], said = B.predict(model, weights);
      carry(weights);
      for (let i = 0; i < model.N; i++) { const [u, v] = project(record, model.N, i); own[2 * i] = px(u); own[2 * i + 1] = py(v + jitter(i)); }
      context.clearRect(0, 0, side, tall);
      drawGrid();
      if (units === 2 && layer === model.hidden.length - 1 && model.run.outputs === 1) B.cut(context, model, weights, side, px, py, scale, mid);
      B.drawPoints(context, placed, at, epoch, said);
      plane.paint(weights, epoch, moving);
      if (!moving) canvas.setAttribute("aria-label", `The points as layer ${layer} sees them at epoch ${epoch}, with the grid of the plane carried along. Arrow keys step, space plays.`);
      model.findings.set("space", B.spaceSentence(model, layer, answer, epoch, record, said));
    };
    const timeline = B.timeline(frame, { model, show });
    const words = units === 1 ? "One unit: all that is left of the plane is one number, drawn from left to right (up and down means nothing)." : units === 2 ? `Exact: what unit 0 gives out from left to right, unit 1 upwards${layer === model.hidden.length - 1 && model.run.outputs === 1 ? "; the dark line is where the output decides" : ""}.` : `Seen along the two directions in which the points of the last epoch spread most: ${Glasshouse.percent(answer.explained[0] + answer.explained[1])} of the spread (variance) of ${units} units; the rest is not in this picture.`;
    root.append(el("div", { onkeydown: timeline.keys }, el("div", { class: "gb-sides" }, el("figure", { style: `width:${side}px` }, canvas, el("figcaption", {}, el("b", {}, `Layer ${layer} `), words)), el("figure", {}, plane.node, el("figcaption", { class: phone ? "" : "gb-plane" }, el("b", {}, "The plane "), "as it is"))), timeline.node));
    timeline.fresh();
  };
  // The frame stays the same over time: wide enough for the points at a few moments.
  B.spaceBounds = (model, layer, project) => {
    const { activation } = model.network, units = model.hidden[layer];
    if (units === 2 && (activation === "tanh" || activation === "sigmoid")) return activation === "tanh" ? [-1.05, 1.05, -1.05, 1.05] : [-0.04, 1.04, -0.04, 1.04];
    const bounds = [Infinity, -Infinity, units === 1 ? -0.6 : Infinity, units === 1 ? 0.6 : -Infinity], last = B.newest(model), corners = gridPoints(model.window), n = corners.length / 2;
    for (let look = 0; look < LOOKS; look++) {
      const weights = model.frames[Math.round(look * last / (LOOKS - 1))], values = B.activate(activation, B.inner(model, weights, model.x, model.N)[layer]), carried = look === LOOKS - 1 ? B.activate(activation, B.inner(model, weights, corners)[layer]) : null;
      const take = ([u, v]) => { if (Number.isFinite(u + v)) { bounds[0] = Math.min(bounds[0], u); bounds[1] = Math.max(bounds[1], u); bounds[2] = Math.min(bounds[2], v); bounds[3] = Math.max(bounds[3], v); } };
      for (let i = 0; i < model.N; i++) take(project(values, model.N, i));
      if (carried && activation !== "ReLU" && activation !== "GELU") for (let i = 0; i < n; i++) take(project(carried, n, i));
    }
    if (!(bounds[1] > bounds[0])) { bounds[0] -= 0.5; bounds[1] = bounds[0] + 1; }
    return bounds;
  };
  // The straight cut of the output in the exact space of two units.
  B.cut = (context, model, weights, side, px, py, scale, mid) => {
    const { weights: at, bias } = model.run.layers.at(-1), [a, b] = [weights[at], weights[at + 1]], size = Math.hypot(a, b);
    if (!(size > 0)) return;
    const offset = (a * mid[0] + b * mid[1] + weights[bias] - B.level(model.network.output, 0.5)) / size, reach = 2 * side / scale, [u, v] = [mid[0] - offset * a / size, mid[1] - offset * b / size];
    context.beginPath();
    context.moveTo(px(u - reach * b / size), py(v + reach * a / size));
    context.lineTo(px(u + reach * b / size), py(v - reach * a / size));
    context.strokeStyle = B.ink();
    context.lineWidth = 1.8;
    context.stroke();
  };
  // How far the classes lie apart, beside how wide they are: the spread between class means over the whole spread.
  B.separation = (model, record, epoch) => {
    const { N, K, label, since } = model, units = record.length / N, picks = Array.from({ length: N }, (_, i) => i).filter((i) => since[i] <= epoch);
    let between = 0, total = 0;
    for (let k = 0; k < units; k++) {
      const mean = picks.reduce((sum, i) => sum + record[k * N + i], 0) / picks.length;
      const sums = new Float64Array(K), counts = new Float64Array(K);
      for (const i of picks) { sums[label[i]] += record[k * N + i]; counts[label[i]]++; total += (record[k * N + i] - mean) ** 2; }
      for (let c = 0; c < K; c++) if (counts[c]) between += counts[c] * (sums[c] / counts[c] - mean) ** 2;
    }
    return total > 0 ? between / total : 0;
  };
  B.spaceSentence = (model, layer, answer, epoch, record, said) => {
    const plane = Float64Array.from({ length: 2 * model.N }, (_, i) => model.x[2 * (i % model.N) + (i < model.N ? 0 : 1)]), right = said.reduce((sum, each, i) => sum + (each === model.label[i] && model.since[i] <= epoch ? 1 : 0), 0);
    return `At epoch ${epoch} the classes make up ${Glasshouse.percent(B.separation(model, record, epoch))} of the spread in layer ${layer}, against ${Glasshouse.percent(B.separation(model, plane, epoch))} in the plane itself; ${right} of ${B.plural(model.N, "point")} are on the right side.`;
  };

  // ---- t-SNE: the last epoch only, no grid -------------------------------------------------------------------------------
  B.drawTsne = (root, frame, layer) => {
    const { model } = frame;
    root.append(el("p", { class: "gh-small gb-lead" }, "t-SNE keeps neighbors together; how far apart two groups lie, and how large they look, means nothing. Only the last epoch, and no grid: there is no map from the plane to this picture."),
      B.long(frame, B.job(frame, "tsne", { layer }), { button: "Arrange the points by t-SNE", unit: "step", partial: true, show: async (answer, body, finished) => {
        const positions = await Glasshouse.unpack(answer.positions), side = Math.min(480, frame.parts.panel.clientWidth || 480), canvas = body.querySelector("canvas") ?? el("canvas", { role: "img" }), context = Glasshouse.canvas(canvas, side, side);
        const xs = positions.filter((_, i) => i % 2 === 0), ys = positions.filter((_, i) => i % 2), low = [Math.min(...xs), Math.min(...ys)], wide = Math.max(Math.max(...xs) - low[0], Math.max(...ys) - low[1], 1e-9);
        const place = (k) => (value) => 14 + (value - low[k]) / wide * (side - 28), weights = B.weights(model, B.newest(model), undefined);
        context.clearRect(0, 0, side, side);
        B.drawPoints(context, Object.create(model, { x: { value: positions } }), { x: place(0), y: place(1) }, Infinity, weights && B.predict(model, weights));
        canvas.setAttribute("aria-label", `t-SNE of layer ${layer}: ${model.N} points, ${finished ? "done" : `step ${answer.done} of ${answer.of}`}`);
        if (!canvas.isConnected) body.replaceChildren(canvas);
        if (finished) B.tellTab(frame, "space", `t-SNE has arranged ${B.plural(model.N, "point")} by what the ${B.plural(model.hidden[layer], "unit")} of layer ${layer} give out at epoch ${B.epochAt(model, B.newest(model))}.`);
      } }));
  };
})();
