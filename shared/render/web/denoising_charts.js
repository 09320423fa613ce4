"use strict";
// The charts of this viewer: what falls with the steps, the noise schedule with its cursor, a histogram under the normal density.
(() => {
  const D = Glasshouse.denoising, { el, svg } = Glasshouse;
  D.figure = (title, text, ...content) => el("figure", { class: "gd-figure" }, el("figcaption", {}, el("b", {}, title), ` ${text}`), ...content);
  D.legend = (entries) => el("ul", { class: "gd-legend" }, entries.map(({ ink, dashed, text, value }) =>
    el("li", {}, el("span", { class: `gd-swatch gd-ink-${ink}${dashed ? " gd-dashed" : ""}` }), el("span", {}, text), value ? el("b", {}, value) : null)));

  // Round ticks of the noise level, from much noise on the left to none on the right.
  D.noiseTicks = (model, few) => [1, 0.75, 0.5, 0.25, 0].filter((_, i) => !few || i % 2 === 0).map((share) => Math.round(share * (model.abar.length - 1) / 10) * 10)
    .map((t) => Math.min(t, model.abar.length - 1)).map((t) => [t, String(t)]);
  D.percentTicks = [[0, "0"], [0.5, "50 %"], [1, "100 %"]];

  // What falls with the number of steps; both axes are logarithmic. points [[steps, value > 0]]
  D.fall = (points, width, ink, label) => {
    const logs = points.map((point) => point.map(Math.log10)), values = logs.map(([, value]) => value), steps = logs.map(([step]) => step);
    const low = Math.floor(Math.min(...values)), high = Math.max(low + 1, Math.ceil(Math.max(...values))), right = Math.max(...steps), left = Math.min(...steps);
    const yTicks = Array.from({ length: high - low + 1 }, (_, i) => [low + i, D.digits(10 ** (low + i))]);
    const chart = Glasshouse.chart({ width, height: 220, x: [left, Math.max(right, left + 0.1)], y: [low, high], xTicks: points.map(([step], i) => [steps[i], String(step)]), yTicks, xLabel: "steps", left: 54, right: 22, label });
    Glasshouse.line(chart, logs, { class: `gd-ink-${ink}` });
    logs.forEach((point) => Glasshouse.dot(chart, point, { class: `gd-ink-${ink}` }));
    return chart.node;
  };

  // sqrt(abar) and sqrt(1 - abar) over t; the little marks below are the levels at which the network is asked.
  D.schedule = (model, width, { scrub, height = 138 } = {}) => {
    const last = model.abar.length - 1, chart = Glasshouse.chart({ width, height, x: [last, 0], y: [0, 1], xTicks: D.noiseTicks(model, width < 420), yTicks: [[0, "0"], [0.5, "0.5"], [1, "1"]],
      xLabel: "noise level t", label: "The noise schedule: the share of picture, square root of alpha bar, rises from left to right; the share of noise falls." });
    const every = Math.max(1, Math.round(last / 200)), levels = Array.from({ length: Math.floor(last / every) + 1 }, (_, i) => i * every);
    if (levels.at(-1) !== last) levels.push(last);
    Glasshouse.line(chart, levels.map((t) => [t, D.noise(model, t)]), { class: "gd-ink-noise" });
    Glasshouse.line(chart, levels.map((t) => [t, D.signal(model, t)]), { class: "gd-ink-signal", "stroke-width": 2.5 });
    const text = (words, t, value, kind, dy) => chart.node.append(svg("text", { x: chart.x(t), y: chart.y(value) + dy, class: `gd-line-name gd-ink-${kind}`, "text-anchor": "middle" }, words));
    const [left, right] = [Math.round(0.9 * last), Math.round(0.1 * last)];
    text("noise √(1−ᾱ)", left, D.noise(model, left), "noise", 17);
    text("picture √ᾱ", right, D.signal(model, right), "signal", 17);
    if (model.timesteps.length <= 120) for (const t of model.timesteps) chart.node.append(svg("line", { x1: chart.x(t), x2: chart.x(t), y1: chart.floor - 5, y2: chart.floor, class: "gd-rug" }));
    const cursor = svg("line", { y1: chart.top, y2: chart.floor, class: "gd-cursor" }), dots = [Glasshouse.dot(chart, [0, 0], { class: "gd-ink-noise" }), Glasshouse.dot(chart, [0, 0], { class: "gd-ink-signal" })];
    chart.node.append(cursor);
    // Where nothing is left to take away (null) the cursor stands at the right end.
    const move = (t) => {
      const at = chart.x(t ?? 0);
      cursor.setAttribute("x1", at);
      cursor.setAttribute("x2", at);
      dots.forEach((dot, i) => { dot.setAttribute("cx", at); dot.setAttribute("cy", chart.y(t === null ? i : (i ? D.signal : D.noise)(model, t))); });
    };
    if (scrub) D.onDrag(chart.node, (event) => {
      const box = chart.node.getBoundingClientRect(), at = (event.clientX - box.left) * width / box.width;
      scrub(last * (chart.x(0) - at) / (chart.x(0) - chart.x(last)));
    });
    return { node: chart.node, move };
  };
  D.onDrag = (node, act) => {
    node.classList.add("gd-drag");
    node.addEventListener("pointerdown", (event) => { if (event.button === 0) { node.setPointerCapture(event.pointerId); act(event); } });
    node.addEventListener("pointermove", (event) => { if (node.hasPointerCapture(event.pointerId)) act(event); });
  };

  // How often each value occurs, as a density, and the standard normal density over it.
  D.histogram = (values, width) => {
    const low = -3.5, high = 3.5, bins = 56, size = (high - low) / bins, counts = new Float64Array(bins);
    for (const value of values) { const bin = Math.floor((value - low) / size); if (bin >= 0 && bin < bins) counts[bin]++; }
    const tallest = 0.85, density = (count) => count / values.length / size, over = Math.max(...counts.map(density)) > tallest;
    const chart = Glasshouse.chart({ width, height: 200, x: [low, high], y: [0, tallest], xTicks: [-3, -2, -1, 0, 1, 2, 3].map((value) => [value, D.digits(value)]), yTicks: [[0, "0"], [0.4, "0.4"], [0.8, "0.8"]],
      xLabel: "pixel value", label: "Histogram of the pixel values with the density of the standard normal distribution over it" });
    counts.forEach((count, bin) => {
      const tall = Math.min(tallest, density(count)), left = chart.x(low + bin * size);
      if (count) chart.node.append(svg("rect", { x: left, y: chart.y(tall), width: chart.x(low + (bin + 1) * size) - left - 0.6, height: chart.floor - chart.y(tall), class: "gd-bar" }));
    });
    const curve = Array.from({ length: 71 }, (_, i) => low + i / 10).map((value) => [value, Math.exp(-value * value / 2) / Math.sqrt(2 * Math.PI)]);
    Glasshouse.line(chart, curve, { class: "gd-ink-noise" });
    return { node: chart.node, over };
  };
})();
