"use strict";
// The way of the optimizer in numbers: the loss of its weights beside the loss of the plane under them, how far it runs
// beside the plane, how hard the slope pulls, and every optimizer with the same budget.
(() => {
  const L = Glasshouse.landscape, B = Glasshouse.boundary, { el, svg } = Glasshouse;
  const WIDE = 30; // a loss that changes by more than this factor is drawn on a log scale
  const LEAST = 1e-6, BROAD = 900, GAP = 36; // the least value of a log scale; pixels from which charts stand side by side

  const finite = (values) => Array.from(values).filter(Number.isFinite);
  // The axis of a measure over all its curves: {x0, x1, at(value), ticks}, logarithmic where that is needed to see it.
  L.axisOf = (curves, { zero = false } = {}) => {
    const values = curves.flatMap(finite), most = Math.max(...values), least = Math.min(...values.filter((value) => value > LEAST)), log = !zero && Number.isFinite(least) && most / least > WIDE;
    if (!log) {
      const top = most > 0 ? most * 1.06 : 1;
      return { low: 0, high: top, at: (value) => Math.max(0, value), ticks: B.ticks(0, top, 4).map((value) => [value, L.short(value)]), log };
    }
    const low = Math.log10(least) - 0.05, high = Math.log10(most) + 0.05, every = Math.max(1, Math.ceil((high - low) / 5));
    const powers = Array.from({ length: 24 }, (_, i) => i - 14).filter((power) => power >= low && power <= high && power % every === 0), fine = high - low < 2.2 ? [3] : [];
    const ticks = [1, ...fine].flatMap((first) => powers.map((power) => first * 10 ** power)).concat(fine.map((first) => first * 10 ** (Math.ceil(low) - 1))).filter((value) => Math.log10(value) >= low && Math.log10(value) <= high);
    return { low, high, at: (value) => Math.log10(Math.max(10 ** low, value)), ticks: ticks.sort((a, b) => a - b).map((value) => [Math.log10(value), L.short(value)]), log };
  };
  // Pieces of a curve between the values that are not finite.
  const pieces = (epochs, values, axis) => {
    const found = [[]];
    epochs.forEach((epoch, i) => { if (Number.isFinite(values[i])) found.at(-1).push([epoch, axis.at(values[i])]); else if (found.at(-1).length) found.push([]); });
    return found.filter((piece) => piece.length);
  };
  // A chart over the epochs with a cursor; curves: [{name, epochs, values, ink, dashed}]. move(epoch) tells the values there.
  const chart = ({ width, height = 190, title, told, curves, zero }) => {
    const last = Math.max(1, ...curves.map(({ epochs }) => epochs.at(-1))), axis = L.axisOf(curves.map(({ values }) => values), { zero }), legend = el("span", { class: "gl-now" });
    const made = Glasshouse.chart({ width, height, x: [0, last], y: [axis.low, axis.high], xTicks: B.ticks(0, last, width < 340 ? 3 : 6).filter(Number.isInteger).map((value) => [value, String(value)]), yTicks: axis.ticks, xLabel: "epoch", left: 58, right: 14,
      label: `${title}: ${curves.map(({ name, values }) => `${name} from ${L.digits(values[0])} to ${L.digits(values.at(-1))}`).join("; ")}` });
    for (const { epochs, values, ink, dashed } of curves) for (const piece of pieces(epochs, values, axis)) Glasshouse.line(made, piece, { class: `gl-ink-${ink}`, "stroke-dasharray": dashed ? "5 3" : undefined });
    const cursor = svg("line", { y1: made.top, y2: made.floor, class: "gb-cursor" });
    made.node.append(cursor);
    const move = (epoch) => {
      for (const side of ["x1", "x2"]) cursor.setAttribute(side, made.x(Math.min(last, epoch)).toFixed(1));
      legend.replaceChildren(...curves.map((curve) => el("span", { class: `gl-ink-${curve.ink}` }, el("i", { class: `gb-swatch${curve.dashed ? " gb-dashed" : ""}` }), `${curve.name} `, el("b", {}, L.digits(curve.values[Math.floor(L.indexAt(curve, epoch) + 1e-9)])))));
    };
    return { node: el("figure", { class: "gl-chart" }, el("figcaption", {}, el("b", {}, title), axis.log ? " log scale" : "", legend), made.node, told ? el("p", { class: "gh-small" }, told) : null), move };
  };

  const pull = ({ arrows }) => Array.from({ length: arrows.length / 2 }, (_, i) => Math.hypot(arrows[2 * i], arrows[2 * i + 1]));
  const charts = (model, path, width) => {
    const { epochs } = path, own = (name, values, ink, dashed) => ({ name, epochs, values, ink, dashed }), several = model.paths.length > 1;
    return [
      chart({ width, title: "Loss", curves: [own("true", path.loss, "true"), own("in the plane under it", path.plane_loss, "plane", true)] }),
      chart({ width, title: "Distance from the plane", zero: true, curves: [own("distance", path.distance, "true")], told: "Euclidean, over all weights; 0 where the path crosses the plane." }),
      chart({ width, title: "Slope in the plane", told: "The length of the arrow on the map: the gradient as far as it lies in the plane, in the units of the axes.", curves: [own("gradient in the plane", pull(path), "true")] }),
      several ? chart({ width, title: "Every training", told: `Equal budget: every training made ${L.plural(epochs.at(-1), "epoch")}.`, curves: model.paths.map((each, i) => ({ name: each.name, epochs: each.epochs, values: each.loss, ink: i % 6 })) }) : null,
    ].filter(Boolean);
  };
  const table = ({ paths }, chosen, pick) => {
    const heads = ["first loss", "last loss", "in the plane at the start", "greatest distance", "share in the plane"];
    const row = (path, i) => el("tr", { class: i === chosen ? "gl-chosen" : "" }, el("th", { scope: "row" }, el("span", { class: `gl-ink-${i % 6}` }, el("i", { class: "gb-swatch" })), paths.length > 1 ? el("button", { type: "button", class: "gh-link", "aria-pressed": String(i === chosen), "data-focus": `path ${i}`, onclick: () => pick(i) }, path.name) : path.name),
      [path.loss[0], path.loss.at(-1), path.plane_loss[0], Math.max(...finite(path.distance))].map((value) => el("td", {}, L.digits(value))), el("td", {}, path.explained === null ? "–" : Glasshouse.percent(path.explained, path.explained < 0.1 ? 1 : 0)));
    return el("div", { class: "gb-scroll" }, el("table", { class: "gb-table" }, el("thead", {}, el("tr", {}, ["training", ...heads].map((text) => el("th", { scope: "col" }, text)))), el("tbody", {}, paths.map(row))));
  };
  // The epoch at which truth and plane differ most, by their ratio.
  const widest = ({ epochs, loss, plane_loss: under }) => {
    const gaps = loss.map((value, i) => Math.abs(Math.log(Math.max(LEAST, value) / Math.max(LEAST, under[i])))), at = gaps.reduce((best, gap, i) => (Number.isFinite(gap) && gap > gaps[best] ? i : best), 0);
    return { epoch: epochs[at], loss: loss[at], under: under[at] };
  };
  const sentence = (path) => {
    const { epoch, loss, under } = widest(path), far = Math.max(...finite(path.distance));
    return `${path.name} went from a loss of ${L.digits(path.loss[0])} to ${L.digits(path.loss.at(-1))} and was at most ${L.digits(far)} off the plane; truth and plane differ most at epoch ${epoch}: ${L.digits(loss)} against ${L.digits(under)}.`;
  };

  L.drawPath = (panel, frame) => {
    if (!frame.model.measured) {
      const node = el("p", { class: "gh-waiting" }, "The losses along the way are being measured…");
      panel.append(node);
      L.hear(frame, node, () => { if (frame.model.measured) frame.draw(); });
      return;
    }
    const { model } = frame, ui = L.ui(frame), chosen = Math.min(ui.path ?? 0, model.paths.length - 1), path = model.paths[chosen], room = panel.clientWidth || 640, width = room < BROAD ? room : Math.floor((room - GAP) / 2);
    const made = charts(model, path, width), words = el("p", { class: "gl-numbers" });
    const timeline = L.timeline(frame, { show: () => { const epoch = L.epoch(frame); made.forEach(({ move }) => move(epoch)); words.textContent = L.ballWords(path, epoch); } });
    panel.append(el("div", { onkeydown: timeline.keys },
      el("p", { class: "gh-small gb-lead" }, `The two losses differ because the path has ${L.plural(model.P, "dimension")} to move in and the plane has two: the plane shows what the loss would be if the part of the weights that leaves the plane were set back to its trained value.`),
      table(model, chosen, (i) => { ui.path = i; frame.draw(); }), timeline.node, words, el("div", { class: "gl-charts" }, made.map(({ node }) => node))));
    timeline.fresh();
    L.tellTab(frame, "path", sentence(path));
  };
})();
