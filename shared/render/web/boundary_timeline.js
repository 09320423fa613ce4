"use strict";
// Time in the hand: one clock over the kept epochs, play and single steps, and the curves with a marker that moves along.
(() => {
  const B = Glasshouse.boundary, { el, svg } = Glasshouse;
  const SETTLED = 250; // ms after the last move the address is written
  const TOLD = 450; // ms between two sentences while it plays

  // B.timeline(frame, {model, show(index, moving), curves, autoplay}) -> {node, keys, fresh, again, stop, at()}
  //   show    paints the moment of that index; `moving` while more is to come at once
  //   again   paints the present moment anew, for example after a weight was moved
  B.timeline = (frame, { model, show, curves = [], autoplay = false }) => {
    const ui = B.ui(frame), lead = model === frame.model;
    let at = -1, timer = 0, ticking = false, before = 0, told = 0;
    const button = (text, label, focus, action) => el("button", { type: "button", class: "gh-button gb-play", "aria-label": label, title: label, "data-focus": focus, onclick: action }, text);
    const restart = button("|◂", "Back to the untrained network (Home)", "restart", () => { stop(); go(0); });
    const play = button("▶", "Play (space)", "play", () => toggle());
    const step = button("▸|", "One epoch on (right arrow)", "step", () => { stop(); go(at + 1); });
    const slider = el("input", { type: "range", min: 0, max: 1, step: 1, value: 0, class: "gb-slider", "data-focus": "timeline", "aria-label": "Epoch", oninput: () => { stop(); go(Number(slider.value)); } });
    const track = el("span", { class: "gb-track" }, slider), place = el("output", { class: "gb-place" });
    const speed = el("select", { "data-focus": "speed", "aria-label": "Speed in epochs a second", title: "epochs a second", onchange: (event) => frame.set({ speed: Number(event.target.value) }) },
      B.SPEEDS.map((value) => el("option", { value, selected: value === frame.state.speed }, `${value} / s`)));
    const node = el("div", { class: "gb-timeline" }, el("div", { class: "gb-controls" }, restart, play, step, track, place, speed), curves.length ? el("div", { class: "gb-curves" }, curves.map((curve) => curve.node)) : null);

    const newest = () => B.newest(model), clamp = (index) => Math.max(0, Math.min(newest(), index));
    const moving = () => ui.mode === "play";
    const paint = () => {
      const last = newest(), ready = last >= 0;
      for (const each of [slider, restart, play, step]) each.disabled = !ready;
      slider.max = Math.max(1, last);
      slider.value = Math.max(0, at);
      const epoch = B.epochAt(model, at);
      slider.setAttribute("aria-valuetext", ready ? `epoch ${epoch} of ${model.plan.epochs}` : "nothing trained yet");
      place.textContent = ready ? `epoch ${epoch} of ${model.plan.epochs}` : "no epoch yet";
      track.style.setProperty("--gb-come", `${100 * Math.max(0.05, Math.max(0, last) / Math.max(1, model.shown.length - 1))}%`); // it grows with what has come
      if (play.textContent !== (moving() ? "❚❚" : "▶")) {
        play.textContent = moving() ? "❚❚" : "▶";
        play.setAttribute("aria-label", moving() ? "Pause (space)" : "Play (space)");
        play.title = moving() ? "Pause (space)" : "Play (space)";
      }
      curves.forEach((curve) => curve.move(ready ? epoch : 0));
      if (lead && ready) ui.at = epoch;
      show(at, moving());
      if (!moving()) frame.tell();
      else if (performance.now() - told > TOLD) { told = performance.now(); frame.tell(); }
    };
    const settle = () => { clearTimeout(timer); timer = setTimeout(() => { if (node.isConnected) frame.rememberAddress(); }, SETTLED); };
    const write = () => B.choose(frame, "epoch", at < 0 || at >= newest() ? undefined : B.epochAt(model, at));
    const go = (index) => { at = clamp(index); write(); paint(); settle(); };
    const stop = () => { ui.mode = ui.fresh = null; };

    const tick = (now) => {
      if (!ui.mode || !node.isConnected) { ticking = false; return; }
      const last = newest(), end = B.epochAt(model, last), passed = Math.max(0, Math.min(0.1, (now - before) / 1000)); // the first tick may tell an earlier time
      before = now;
      if (ui.position <= end || model.finished) ui.position = Math.min(end, ui.position + passed * frame.state.speed); // else the frames it goes on from are still coming
      const next = B.indexAt(model, ui.position);
      if (ui.position >= end && model.finished) ui.mode = null;
      if (next !== at || !ui.mode) { at = next; write(); paint(); if (!ui.mode) settle(); }
      requestAnimationFrame(tick);
    };
    const run = () => { if (ticking) return; ticking = true; before = performance.now(); requestAnimationFrame(tick); };
    const playFrom = (index) => { ui.mode = "play"; at = clamp(index); ui.position = B.epochAt(model, at); write(); run(); paint(); };
    const toggle = () => { ui.fresh = null; if (moving()) { stop(); write(); paint(); settle(); } else playFrom(at >= newest() && model.finished ? 0 : at); };

    // Frames have come, or the view is drawn: play a new run, go on where it was, or stay at the chosen epoch.
    const fresh = () => {
      curves.forEach((curve) => curve.draw());
      const last = newest(), { epoch } = frame.chosen;
      if (epoch !== undefined && !moving()) ui.fresh = null;
      if (last < 0) { paint(); return; }
      if (autoplay && ui.fresh && epoch === undefined && last > 0 && !Glasshouse.reduced() && frame.parts.veil.hidden) { ui.fresh = false; playFrom(0); return; }
      if (moving()) { at = B.indexAt(model, ui.position); run(); paint(); return; }
      at = epoch === undefined ? last : B.indexAt(model, epoch);
      paint();
    };
    const keys = (event) => {
      const { tagName, type } = event.target, ownArrows = tagName === "SELECT" || ["range", "number"].includes(type), ownSpace = ["BUTTON", "SELECT", "SUMMARY"].includes(tagName);
      const action = { ArrowRight: () => go(at + 1), ArrowLeft: () => go(at - 1), Home: () => go(0), End: () => go(newest()) }[event.key];
      if (event.altKey || event.ctrlKey || event.metaKey || at < 0 || event.defaultPrevented) return;
      if (event.key === " " && !ownSpace) { event.preventDefault(); toggle(); }
      else if (action && !ownArrows) { event.preventDefault(); stop(); action(); }
    };
    curves.forEach((curve) => curve.scrub((epoch) => { stop(); go(B.indexAt(model, epoch)); }));
    B.hear(frame, node, fresh);
    return { node, keys, fresh, stop, again: paint, at: () => at };
  };

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
