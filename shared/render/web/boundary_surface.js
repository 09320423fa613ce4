"use strict";
// The surface: one picture of what a network answers everywhere, with axes, points, hover. While it moves it is evaluated on
// a coarse grid and scaled smoothly; at rest it is evaluated anew at the canvas' own resolution, in slices.
(() => {
  const B = (Glasshouse.boundary ??= {}), { el, svg } = Glasshouse;
  const BUDGET = 6, SLICE = 10; // ms: for the field of a moving picture, for one slice of a resting one
  const COARSE = [44, 112], FINEST = 760; // columns
  const NEAR = 11; // pixels from a point that count as on it

  // Round numbers from low to high, about `count` of them.
  B.ticks = (low, high, count = 5) => {
    const raw = (high - low) / count, size = 10 ** Math.floor(Math.log10(raw)), step = size * [1, 2, 5, 10].find((each) => raw <= each * size);
    const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
    return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
  };
  const axes = (model, width, height, margin) => {
    const [left, right, bottom, top] = model.window, [ax, ay] = model.axes, own = (axis, value) => axis.mean + axis.scale * value;
    const node = svg("svg", { class: "gh-chart gb-axes", width: width + margin.left + margin.right, height: height + margin.top + margin.bottom, "aria-hidden": "true" });
    const text = (value) => String(value).replace("-", "−");
    for (const value of B.ticks(own(ax, left), own(ax, right), width < 320 ? 4 : 6)) {
      const x = margin.left + ((value - ax.mean) / ax.scale - left) / (right - left) * width;
      node.append(svg("line", { x1: x, x2: x, y1: margin.top + height, y2: margin.top + height + 4 }), svg("text", { x, y: margin.top + height + 16, "text-anchor": "middle" }, text(value)));
    }
    for (const value of B.ticks(own(ay, bottom), own(ay, top), 5)) {
      const y = margin.top + (top - (value - ay.mean) / ay.scale) / (top - bottom) * height;
      node.append(svg("line", { x1: margin.left - 4, x2: margin.left, y1: y, y2: y }), svg("text", { x: margin.left - 7, y: y + 4, "text-anchor": "end" }, text(value)));
    }
    const long = (name) => (name.length > 44 ? `${name.slice(0, 43)}…` : name), middle = margin.top + height / 2;
    node.append(svg("text", { x: margin.left + width / 2, y: margin.top + height + 32, "text-anchor": "middle", class: "gb-axis-name" }, long(ax.name)),
      svg("text", { x: 11, y: middle, "text-anchor": "middle", transform: `rotate(-90 11 ${middle})`, class: "gb-axis-name" }, long(ay.name)));
    return node;
  };

  // How many columns a moving picture has: guessed from the work a point costs, then led by the measured time.
  const columnsOf = (model) => {
    if (!model.columns) {
      const work = model.run.layers.reduce((sum, { in: inputs, out }) => sum + out * (inputs + 12), 0);
      model.columns = Math.max(COARSE[0], Math.min(COARSE[1], Math.sqrt(5e6 / work)));
    }
    return Math.round(model.columns);
  };
  const measured = (model, milliseconds) => {
    const factor = Math.sqrt(BUDGET / Math.max(0.5, milliseconds));
    if (milliseconds > BUDGET || factor > 1.5) model.columns = Math.max(COARSE[0], Math.min(COARSE[1], model.columns * Math.max(0.8, Math.min(1.1, factor))));
  };

  // B.surface(frame, model, {width, tallest, points, threshold, focus, name}) -> {node, canvas, paint, locate, say, margin}
  //   paint(weights, epoch, moving, unit)   unit [layer, unit]: what that unit gives out, in place of the answer
  B.surface = (frame, model, { width, tallest = 900, points = true, threshold = 50, focus = "surface", name = "Decision surface", bare = false }) => {
    const margin = bare ? { left: 0, right: 0, top: 0, bottom: 0 } : { left: 46, right: 8, top: 6, bottom: 38 };
    const [left, right, bottom, top] = model.window, ratio = Math.max(0.62, Math.min(1.05, (top - bottom) / (right - left)));
    const plotWidth = Math.floor(Math.min(width - margin.left - margin.right, (tallest - margin.top - margin.bottom) / ratio)), plotHeight = Math.round(plotWidth * ratio);
    const canvas = el("canvas", { class: "gb-canvas", role: "img", tabindex: "0", "data-focus": focus, style: `left:${margin.left}px;top:${margin.top}px` });
    const context = Glasshouse.canvas(canvas, plotWidth, plotHeight), coarse = el("canvas"), fine = el("canvas");
    const node = el("div", { class: "gb-surface", style: `width:${plotWidth + margin.left + margin.right}px;height:${plotHeight + margin.top + margin.bottom}px` }, bare ? null : axes(model, plotWidth, plotHeight, margin), canvas);
    const at = { x: (value) => (value - left) / (right - left) * plotWidth, y: (value) => (top - value) / (top - bottom) * plotHeight };
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return [left + (right - left) * (event.clientX - box.left) / box.width, top - (top - bottom) * (event.clientY - box.top) / box.height];
    };
    const level = () => B.level(model.network.output, threshold / 100);
    const shown = { weights: null, epoch: 0, unit: undefined };
    let fields = {}, ticket = null, extra = [];

    const field = (size, unit) => {
      const key = `${size} ${unit ?? ""}`, kind = size === "fine" ? "fine" : "coarse";
      const columns = size === "fine" ? Math.round(Math.min(FINEST, plotWidth * (devicePixelRatio || 1))) : size, rows = Math.max(2, Math.round(columns * ratio));
      if (fields[kind]?.key !== key) fields[kind] = Object.assign(B.newField(model, columns, rows, unit), { key });
      return fields[kind];
    };
    const compose = (from, sheet) => {
      sheet.width = from.columns;
      sheet.height = from.rows;
      sheet.getContext("2d").putImageData(from.image, 0, 0);
      context.clearRect(0, 0, plotWidth, plotHeight);
      context.imageSmoothingQuality = "high";
      context.drawImage(sheet, 0.5, 0.5, from.columns - 1, from.rows - 1, 0, 0, plotWidth, plotHeight); // nodes on the edge lie on the edge
      B.tracePath(context, from, plotWidth, plotHeight, from.unit ? 0 : level());
      context.strokeStyle = B.css(B.paper());
      context.lineWidth = 4;
      context.globalAlpha = 0.75;
      context.stroke();
      context.globalAlpha = 1;
      context.strokeStyle = B.ink();
      context.lineWidth = from.unit ? 1.3 : 1.8;
      context.stroke();
      if (frame.state.arrows && !bare && !from.unit) B.drawArrows(context, model, shown.weights, plotWidth, plotHeight);
      if (points) B.drawPoints(context, model, at, shown.epoch, from.unit ? null : B.predict(model, shown.weights));
      B.drawPending(context, extra, at);
    };
    // Slices, so that nothing freezes; a newer picture has another ticket.
    const rest = (unit) => {
      const mine = ticket = {}, target = field("fine", unit);
      let row = 0;
      const slice = () => {
        if (mine !== ticket || !node.isConnected) return;
        const end = performance.now() + SLICE;
        while (row < target.rows && performance.now() < end) { B.fillField(target, shown.weights, row, Math.min(target.rows, row + 4)); row += 4; }
        if (row < target.rows) { setTimeout(slice, 4); return; }
        B.colorField(target, frame.state.surface);
        compose(target, fine);
      };
      setTimeout(slice, 30);
    };
    const paint = (weights, epoch, moving, unit) => {
      ticket = null;
      shown.epoch = epoch;
      shown.unit = unit;
      if (!weights) { context.clearRect(0, 0, plotWidth, plotHeight); if (points) B.drawPoints(context, model, at, Infinity, null); B.drawPending(context, extra, at); return; }
      shown.weights = weights === shown.weights ? weights : (shown.weights ?? new Float64Array(weights.length));
      shown.weights.set(weights);
      const start = performance.now(), target = field(columnsOf(model), unit);
      B.fillField(target, shown.weights);
      B.colorField(target, frame.state.surface);
      if (moving) measured(model, performance.now() - start);
      compose(target, coarse);
      if (!moving) rest(unit);
    };
    const say = (sentence) => canvas.setAttribute("aria-label", `${name}: ${model.axes[1].name} over ${model.axes[0].name}. ${sentence}`);
    canvas.addEventListener("pointermove", (event) => { if (shown.weights && !(event.buttons && frame.boundary?.paint >= 0)) Glasshouse.tip(event, B.tipLines(model, shown, place(event), plotWidth)); });
    canvas.addEventListener("pointerleave", () => Glasshouse.tip(null, null));
    return { node, canvas, paint, place, say, margin, width: plotWidth, height: plotHeight, level,
      set threshold(value) { threshold = value; },
      pending: (list) => { extra = list; } };
  };
  // Points that were just painted and that the network does not know yet.
  B.drawPending = (context, pending, at) => {
    context.lineWidth = 2;
    for (const [x, y, kind] of pending) {
      context.strokeStyle = B.classColor(kind);
      context.setLineDash([2, 2]);
      context.beginPath();
      context.arc(at.x(x), at.y(y), 5, 0, 2 * Math.PI);
      context.stroke();
    }
    context.setLineDash([]);
  };

  B.nearest = (model, [x, y], epoch) => {
    let best = -1, distance = Infinity;
    for (let i = 0; i < model.N; i++) {
      const own = (model.x[2 * i] - x) ** 2 + (model.x[2 * i + 1] - y) ** 2;
      if (model.since[i] <= epoch && own < distance) { best = i; distance = own; }
    }
    return { best, distance: Math.sqrt(distance) };
  };
  B.tipLines = (model, { weights, epoch, unit }, point, width) => {
    const where = model.axes.map((axis, i) => `${axis.name} ${B.inUnits(axis, point[i])}`).join(", ");
    if (unit) {
      const z = new Float64Array(1);
      model.run.run(weights, point, 1, z, 1, 0, { unit });
      return [where, `${B.unitName(model, ...unit)}: sum ${B.digits(z[0])}, gives out ${B.digits(B.activate(model.network.activation, z)[0])}`];
    }
    const odds = B.probabilities(model, weights, point), order = [...odds.keys()].sort((a, b) => odds[b] - odds[a]).slice(0, 4);
    const { best, distance } = B.nearest(model, point, epoch), lines = [where, ...order.map((k) => `${model.classes[k]}: ${Glasshouse.percent(odds[k], 1)}`)];
    if (best >= 0 && distance / (model.window[1] - model.window[0]) * width < NEAR) lines.push(`${model.role[best] ? "held-out" : "training"} point: ${model.classes[model.label[best]]}`);
    return lines;
  };

  // The scale of what one unit gives out.
  B.unitScale = (model) => {
    const [low, middle, high] = { tanh: ["−1", "0", "1"], sigmoid: ["0", "0.5", "1"] }[model.network.activation] ?? ["negative", "0", "largest"];
    return el("div", { class: "gb-scale", hidden: true }, Glasshouse.scale(B.signedTable(model), [[0, low], [0.5, middle], [1, high]], "what the unit gives out"));
  };
  // The scale under a picture, and what the marks mean.
  B.scale = (model, surface) => {
    const held = model.role.indexOf(1) >= 0;
    const colors = model.K === 2 && surface === "probability" ? Glasshouse.scale(B.pairTable(), [[0, "0 %"], [0.5, "50 %"], [1, "100 %"]], `probability of ${model.classes[1]}`)
      : el("span", { class: "gb-names" }, el("span", {}, surface === "classes" ? "the class that is said" : "the stronger, the surer"));
    const kinds = el("span", { class: "gb-names" }, model.classes.map((name, k) => el("span", {}, el("i", { class: "gb-dot", style: `background:${B.classColor(k)}` }), name)));
    const marks = el("span", { class: "gb-names" }, el("span", {}, el("i", { class: "gb-mark gb-mark-disc" }), "trained on"), held ? el("span", {}, el("i", { class: "gb-mark gb-mark-ring" }), "held out") : null, el("span", {}, el("i", { class: "gb-mark gb-mark-wrong" }), "wrong"));
    return el("div", { class: "gb-scale" }, colors, kinds, marks);
  };
})();
