"use strict";
// The timeline of a run: its clock over the kept epochs, and the curves with a marker that moves along.
(() => {
  const B = Glasshouse.boundary, { el, svg } = Glasshouse;
  // The clock of a run, see B.clock; it grows with the epochs that have come.
  B.timeline = (frame, { model, ...rest }) => B.clock(frame, {
    ui: B.ui(frame), lead: model === frame.model, speeds: B.SPEEDS, epochs: model.plan.epochs, start: "the untrained network", hear: B.hear,
    newest: () => B.newest(model), epochAt: (index) => B.epochAt(model, index), indexAt: (epoch) => B.indexAt(model, epoch),
    finished: () => model.finished, come: () => Math.max(0, B.newest(model)) / Math.max(1, model.shown.length - 1),
  }, rest);

  // ---- curves ------------------------------------------------------------------------------------------------------------
  // The epoch of the lowest validation loss, where early stopping would have stopped; null without a validation set.
  B.earlyStop = ({ loss: { validation } }) => {
    if (!validation) return null;
    let best = null;
    validation.forEach((value, epoch) => { if (value !== null && (best === null || value < validation[best])) best = epoch; });
    return best;
  };
  // Pieces of a curve between the values that are not finite.
  const pieces = (values, top) => {
    const found = [[]];
    values.forEach((value, epoch) => { if (value === null || value === undefined) found.push([]); else found.at(-1).push([epoch, Math.min(top, value)]); });
    return found.filter((piece) => piece.length > 1);
  };
  // One chart of one measure over the epochs. series: [{values(), ink, name, dashed}]
  const curve = (model, { width, height, title, top, ticks, series, mark, epochs = Number(model.plan.epochs) }) => {
    const holder = el("div", {}), legend = el("span", { class: "gb-curve-legend" }), node = el("figure", { class: "gb-curve" }, el("figcaption", {}, el("b", {}, title), legend), holder);
    let chart = null, cursor = null, scrubbing = null, now = 0;
    const draw = () => {
      const y1 = top(), few = width < 340, xTicks = B.ticks(0, Math.max(1, epochs), few ? 3 : 6).filter(Number.isInteger).map((value) => [value, String(value)]);
      chart = Glasshouse.chart({ width, height, x: [0, Math.max(1, epochs)], y: [0, y1], xTicks, yTicks: ticks(y1), xLabel: "epoch", left: 46, right: 14, top: 8, label: `${title} over ${epochs} epochs: ${series.map(({ name, values }) => `${name} ${lastOf(values())}`).join("; ")}` });
      for (const event of model.steer ?? []) chart.node.append(svg("line", { x1: chart.x(event.epoch), x2: chart.x(event.epoch), y1: chart.top, y2: chart.floor, class: "gb-event" }));
      for (const { values, ink, dashed } of series) for (const piece of pieces(values() ?? [], y1)) Glasshouse.line(chart, piece, { class: `gb-ink-${ink}`, "stroke-dasharray": dashed ? "5 3" : undefined });
      const at = mark?.();
      if (at !== null && at !== undefined) {
        const value = Math.min(y1, series.at(-1).values()[at]), right = chart.x(at) > width - 150;
        Glasshouse.dot(chart, [at, value], { class: "gb-ink-validation gb-early", r: 4.5 });
        chart.node.append(svg("text", { x: chart.x(at) + (right ? -8 : 8), y: Math.max(18, chart.y(value) - 8), "text-anchor": right ? "end" : "start", class: "gb-line-name gb-ink-validation" }, `lowest: epoch ${at}`));
      }
      cursor = svg("line", { y1: chart.top, y2: chart.floor, class: "gb-cursor" });
      chart.node.append(cursor);
      holder.replaceChildren(chart.node);
      if (scrubbing) wire();
      move(now);
    };
    const lastOf = (values) => { const value = values?.findLast((each) => each !== null && each !== undefined); return value === undefined ? "not known" : B.digits(value); };
    const move = (epoch) => {
      now = epoch;
      if (!cursor) return;
      const x = chart.x(Math.min(epoch, epochs));
      cursor.setAttribute("x1", x);
      cursor.setAttribute("x2", x);
      legend.replaceChildren(...series.filter(({ values }) => values()).map(({ values, ink, name, dashed, shown }) => {
        const value = values()[epoch];
        return el("span", { class: `gb-ink-${ink}` }, el("i", { class: `gb-swatch${dashed ? " gb-dashed" : ""}` }), `${name} `, el("b", {}, value === null || value === undefined ? "–" : shown(value)));
      }));
    };
    const wire = () => B.onDrag(chart.node, (event) => {
      const box = chart.node.getBoundingClientRect(), x = (event.clientX - box.left) * width / box.width;
      scrubbing(Math.round((x - chart.x(0)) / (chart.x(1) - chart.x(0))));
    });
    draw();
    return { node, draw, move, scrub: (act) => { scrubbing = act; wire(); } };
  };
  B.onDrag = (node, act) => {
    node.classList.add("gb-drag");
    node.addEventListener("pointerdown", (event) => { if (event.button === 0) { node.setPointerCapture(event.pointerId); act(event); } });
    node.addEventListener("pointermove", (event) => { if (node.hasPointerCapture(event.pointerId)) act(event); });
  };
  // The loss axis ends where a run that diverges would leave nothing else to see.
  B.lossTop = (models) => {
    const all = models.flatMap(({ loss }) => [...loss.training, ...(loss.validation ?? [])]).filter((value) => value !== null && value !== undefined);
    const first = Math.max(...models.map(({ loss }) => loss.training[0] ?? 0)), most = Math.max(0.01, ...all);
    return most > 3 * first && first > 0 ? 3 * first : most * 1.05;
  };
  const few = (y1) => B.ticks(0, y1, 3).map((value) => [value, String(value)]);
  const cut = (models) => (y1) => { const ticks = few(y1), most = Math.max(...models.flatMap(({ loss }) => loss.training).map((value) => value ?? 0)); return most > y1 * 1.001 ? [...ticks.filter(([at]) => at < y1 * 0.85), [y1, "more"]] : ticks; };
  const percents = () => [[0, "0"], [0.5, "50 %"], [1, "100 %"]];
  B.curves = (model, room, height = 150) => {
    const width = room < B.PHONE ? room : Math.floor((room - 28) / 2), size = { width, height };
    const pair = (name, shown) => [{ name: "training", ink: "training", values: () => model[name].training, shown }, { name: "validation", ink: "validation", values: () => model[name].validation, shown }];
    return [
      curve(model, { ...size, title: "Loss ", top: () => B.lossTop([model]), ticks: cut([model]), mark: () => B.earlyStop(model), series: pair("loss", (value) => value.toFixed(3)) }),
      curve(model, { ...size, title: "Accuracy ", top: () => 1, ticks: percents, series: pair("accuracy", (value) => Glasshouse.percent(value)) }),
    ];
  };
  // Two runs in one chart: A dashed, B solid; judged on the held-out points where there are any.
  B.curvesOfTwo = (models, lead, room) => {
    const width = room < B.PHONE ? room : Math.floor((room - 28) / 2), epochs = Math.max(...models.map(({ plan }) => Number(plan.epochs)));
    const pair = (name, shown) => models.map((model, i) => ({ name: "AB"[i], ink: i ? "validation" : "other", dashed: !i, values: () => model[name].validation ?? model[name].training, shown }));
    const make = (rest) => curve(lead, { width, height: 160, epochs, ...rest });
    return [make({ title: "Loss ", top: () => B.lossTop(models), ticks: cut(models), series: pair("loss", (value) => value.toFixed(3)) }), make({ title: "Accuracy ", top: () => 1, ticks: percents, series: pair("accuracy", (value) => Glasshouse.percent(value)) })];
  };
})();
