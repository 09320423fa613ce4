"use strict";
// See: watch a run with time in the hand; see how the network learned to do this.
(() => {
  const D = Glasshouse.denoising, { el } = Glasshouse;
  const PHONE = 560, TALLEST = { 1: 560, 3: 400 };

  // ---- watch -----------------------------------------------------------------------------------------------------
  D.shownViews = (state) => (D.VIEWS[state.view] ? [state.view] : Object.keys(D.VIEWS));
  D.drawWatch = (panel, frame) => {
    const { model, state } = frame, views = D.shownViews(state), samples = D.samples(frame), room = panel.clientWidth || 640, phone = room < PHONE;
    const sheet = D.sheet(model.size, samples.length), gap = phone ? 10 : 24;
    const space = (i) => (views.length === 1 || (phone && !i) ? room : phone ? (room - gap) / 2 : (room - 2 * gap) / 3);
    const tiles = views.map((view, i) => D.tile(frame, view, samples, D.fit(sheet.width, Math.min(TALLEST[views.length], space(i)))));
    const pictures = el("div", { class: `gd-views gd-views-${views.length}` }, tiles.map((tile) => tile.node));
    const timeline = D.timeline(frame, {
      model, end: model.F, newest: () => D.newest(model), finished: () => model.run.finished,
      read: () => frame.chosen.step, write: (index) => D.choose(frame, "step", index),
      show: (index) => tiles.forEach((tile) => tile.paint(index)), settled: (index) => tiles.forEach((tile) => tile.say(index)),
      state: D.runState(frame),
    });
    const select = (sample) => { D.choose(frame, "sample", sample < 0 ? undefined : sample); frame.set({}); };
    tiles.forEach((tile) => timeline.grab(tile.canvas, (event) => {
      const sample = tile.under(event);
      if (samples.length > 1 && sample !== undefined) select(sample);
    }));
    const close = (event) => { if (event.key === "Escape" && samples.length < model.N) { event.preventDefault(); select(-1); } else timeline.keys(event); };
    const root = el("div", { class: "gd-watch", onkeydown: close },
      el("p", { class: "gh-small gd-lead" }, "Drag a picture sideways, or press play. Compare the first two pictures: what the network believes takes shape long before the noise is gone."),
      D.watchBar(frame, select), pictures, timeline.node);
    panel.append(root);
    D.hear(frame, root, timeline.fresh);
    timeline.fresh();
    tiles.forEach((tile) => tile.say(Math.max(0, Math.min(frame.chosen.step ?? model.F, D.newest(model)))));
  };
  // A choice that is the default stays out of links.
  D.choose = (frame, name, value) => { if (value === undefined) delete frame.chosen[name]; else frame.chosen[name] = value; };

  D.watchBar = (frame, select) => {
    const { model, state } = frame, one = (state.sample ?? -1) >= 0;
    const views = [["all", "All three", "the three pictures side by side"], ["x", el("span", {}, D.VIEWS.x.mark()), D.VIEWS.x.says], ["x0", el("span", {}, D.VIEWS.x0.mark()), D.VIEWS.x0.says], ["eps", "noise", D.VIEWS.eps.says]];
    return el("div", { class: "gd-bar" },
      Glasshouse.choice("View", views, D.VIEWS[state.view] ? state.view : "all", (view) => { D.choose(frame, "view", view === "all" ? undefined : view); frame.set({}); }),
      model.N > 1 ? D.samplePicker(frame, true, select) : null,
      one && model.N > 1 ? el("button", { type: "button", class: "gh-button", "data-focus": "close", title: "Back to all samples (Escape)", onclick: () => select(-1) }, "Back to all") : null,
      model.channels === 1 ? D.fold(frame, "more", "More", el("label", { class: "gd-label" }, "Colors ",
        el("select", { "data-focus": "colormap", onchange: (event) => frame.set({ colormap: event.target.value }) }, ["gray", "viridis"].map((name) => el("option", { value: name, selected: name === state.colormap }, name))))) : null);
  };
  D.fold = (frame, name, label, ...content) => {
    const { open } = D.ui(frame);
    return el("details", { class: "gd-fold", open: open.has(name), ontoggle: (event) => (event.target.open ? open.add(name) : open.delete(name)) },
      el("summary", { class: "gh-button", "data-focus": `fold ${name}` }, label), el("div", { class: "gd-folded" }, ...content));
  };
  D.sampleName = (model, sample) => `sample ${sample}${D.wantedName(model, sample) === undefined ? "" : `, ${D.wantedName(model, sample)}`}`;
  D.samplePicker = (frame, all, pick = (sample) => { D.choose(frame, "sample", sample); frame.set({}); }) => {
    const { model } = frame, current = all ? frame.state.sample ?? -1 : D.one(frame), options = Array.from({ length: model.N }, (_, i) => [i, D.sampleName(model, i)]);
    if (all) options.unshift([-1, `all ${model.N} samples`]);
    return el("label", { class: "gd-label" }, "Show ", el("select", { "data-focus": "sample", onchange: (event) => pick(Number(event.target.value)) },
      options.map(([value, text]) => el("option", { value, selected: value === current }, text))));
  };

  // One view: its canvas, its caption, what is under the pointer.
  D.tile = (frame, view, samples, width) => {
    const { model } = frame, { name, mark, says, how, note } = D.VIEWS[view], sheet = D.sheet(model.size, samples.length), colors = D.colors(frame);
    const canvas = el("canvas", { class: "gd-pixels", role: "img", tabindex: "0", "data-focus": `view ${view}`, style: `width:${width}px;aspect-ratio:${sheet.width}/${sheet.height}` });
    canvas.width = sheet.width;
    canvas.height = sheet.height;
    const node = el("figure", { class: `gd-view gd-view-${view}`, style: `width:${width}px` }, canvas,
      el("figcaption", { title: how }, el("b", {}, mark()), ` ${says}`, el("small", {}, ` · ${note}`)));
    const under = (event) => {
      const box = canvas.getBoundingClientRect(), column = Math.floor((event.clientX - box.left) / box.width * sheet.columns), row = Math.floor((event.clientY - box.top) / box.height * sheet.rows);
      return samples[row * sheet.columns + column];
    };
    const say = (index) => canvas.setAttribute("aria-label", `${name}, ${says}: ${samples.length > 1 ? D.what(model) : D.sampleName(model, samples[0])}, ${D.newest(model) < 0 ? "not computed yet" : D.place(model, index)}. Arrow keys step, space plays.`);
    canvas.onpointermove = (event) => { if (!event.buttons && event.pointerType === "mouse") Glasshouse.tip(event, D.tipLines(model, under(event))); };
    canvas.onpointerleave = () => Glasshouse.tip(null, null);
    return { node, canvas, under, say, paint: (index) => D.paintFrame(canvas, model, view, index, samples, colors) };
  };
  D.tipLines = (model, sample) => {
    if (sample === undefined) return null;
    const { verdict, decided } = model.run, lines = [D.sampleName(model, sample)];
    if (verdict) lines.push(`judge: ${D.said(model, verdict.said[sample])}${D.right(model, sample, verdict.said[sample]) ? ` ${Glasshouse.percent(verdict.probability[sample])}` : ", not what was asked for"}`);
    if (decided) lines.push(`its answer stands from ${D.place(model, decided.decided[sample])}`);
    return lines;
  };

  // ---- learned ---------------------------------------------------------------------------------------------------
  D.drawLearned = (panel, frame) => {
    const body = el("div", {});
    panel.append(el("p", { class: "gh-small gd-lead" }, "One noise, always the same, through the network as it was after so many training steps. Look for the order: first gray clouds, then outlines, then details."), body);
    frame.later(body, frame.compute("learning"), (answer) => {
      if (answer.grids.length) D.paintLearned(body, frame, answer);
      else body.append(el("p", { class: "gh-waiting" }, answer.note || "No moments of this training were kept."));
    }, "Fetching the moments of training…");
  };
  D.paintLearned = (root, frame, { grids, loss, ranges, note }) => {
    const { model } = frame, ui = D.ui(frame), room = root.clientWidth || 640, phone = room < PHONE, side = phone ? room : Math.min(420, Math.round(room * 0.4));
    const image = el("img", { class: "gd-pixels", style: `width:${side}px`, alt: "" }), caption = el("figcaption", {}), place = el("output", {}), button = el("span", {});
    const width = phone ? room : Math.min(700, room - side - 40), chart = D.lossChart(loss, ranges, width), cursor = Glasshouse.svg("line", { y1: chart.top, y2: chart.floor, class: "gd-cursor" });
    chart.node.append(cursor);
    const before = (step) => loss.findLast(([at]) => at <= step) ?? loss[0];
    const show = (index) => {
      ui.moment = index;
      const { step, uri } = grids[index], [, value] = before(step) ?? [step, null];
      Object.assign(image, { src: uri, alt: `Samples after ${step} training steps` });
      caption.replaceChildren(el("b", {}, `after ${D.digits(step)} training steps`), value === null ? "" : ` loss ${value.toFixed(3)}`);
      place.textContent = `${index + 1} of ${grids.length}`;
      cursor.setAttribute("x1", chart.at(step));
      cursor.setAttribute("x2", chart.at(step));
      button.replaceChildren(D.momentButton(frame, step) ?? "");
    };
    const first = Math.min(ui.moment ?? grids.length - 1, grids.length - 1);
    const slider = el("input", { type: "range", min: 0, max: grids.length - 1, value: first, class: "gd-slider", "data-focus": "moment", "aria-label": "Moment of training", oninput: () => show(Number(slider.value)) });
    root.append(el("div", { class: "gd-learned" },
      el("figure", { style: `width:${side}px` }, image, caption, el("div", { class: "gd-controls" }, slider, place), button),
      el("figure", {}, el("figcaption", {}, el("b", {}, "Loss "), "mean squared error of the predicted noise, over training steps"), chart.node, chart.legend, note ? el("p", { class: "gh-small" }, note) : null)));
    show(first);
    const [start, end] = [loss[0], loss.at(-1)];
    if (start) D.tellTab(frame, "learned", `In ${D.digits(end[0])} training steps the loss fell from ${start[1].toFixed(3)} to ${end[1].toFixed(3)}; ${D.count(grids.length, "moment")} of one noise show what that bought.`);
  };
  // The network itself can be asked at some of these moments.
  D.momentButton = (frame, step) => {
    const { moments, plan } = frame.model, base = plan.model.split("@")[0], kept = moments.find((moment) => moment.step === step);
    if (!kept || frame.host.frozen) return null;
    if (plan.moment === step) return el("p", { class: "gh-small" }, "This is the network on the page now.");
    return el("button", { type: "button", class: "gh-button gh-start", onclick: () => { frame.host.edit({ model: `${base}@${step}` }); frame.set({ tab: "watch" }); } }, `Watch this network${kept.name ? ` (${kept.name})` : ""}`);
  };
  // Loss falls fast and then slowly: both axes are logarithmic.
  D.lossChart = (loss, ranges, width) => {
    const series = [{ name: "all noise levels", points: loss, ink: "signal" }, ...ranges.map(({ name, loss: points }, i) => ({ name, points, ink: i }))].filter(({ points }) => points.length);
    const all = series.flatMap(({ points }) => points), shift = ([step, value]) => [Math.log10(step + 1), Math.log10(Math.max(1e-5, value))];
    const values = all.map(([, value]) => Math.max(1e-5, value)), steps = all.map(([step]) => step);
    const low = Math.floor(Math.log10(Math.min(...values)) * 2) / 2, high = Math.ceil(Math.log10(Math.max(...values)) * 2) / 2, last = Math.max(...steps);
    const yTicks = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1].map((value) => [Math.log10(value), String(value)]).filter(([at]) => at >= low && at <= high);
    const xTicks = [1, 10, 100, 1000, 10_000, 100_000].filter((step) => step <= last).map((step) => [Math.log10(step + 1), D.digits(step)]);
    const chart = Glasshouse.chart({ width, height: 250, x: [0, Math.log10(last + 1)], y: [low, high], xTicks, yTicks, xLabel: "training steps", label: `Loss over ${last} training steps, on logarithmic axes`, right: 20 });
    for (const { points, ink } of [...series].reverse()) Glasshouse.line(chart, points.map(shift), { class: `gd-ink-${ink}`, "stroke-width": ink === "signal" ? 2.5 : 1.5 });
    const legend = D.legend(series.map(({ name, points, ink }) => ({ ink, text: name, value: points.at(-1)[1].toFixed(3) })));
    return { ...chart, at: (step) => chart.x(Math.log10(step + 1)), legend };
  };
})();
