"use strict";
// Compare: the pinned run A beside the present run B, on one timeline by noise level.
(() => {
  const D = Glasshouse.denoising, { el } = Glasshouse;
  const PHONE = 560, WIDEST = { 1: 400, 3: 264 }, MOST = 1; // full color of a difference
  const NAMES = { model: "network", label: "class", seed: "seed", sampler: "sampler", steps: "steps", guidance: "guidance", eta: "eta", samples: "samples" };

  D.drawCompare = (panel, frame) => {
    const sides = [{ letter: "A", subject: frame.pinned }, { letter: "B", subject: { model: frame.model, payload: frame.payload } }];
    const models = sides.map(({ subject }) => subject.model), same = models[0] !== models[1] && ["N", "channels", "size"].every((name) => String(models[0][name]) === String(models[1][name]));
    // The finer of the two runs gives the timeline its moments.
    const lead = models[0].F > models[1].F ? models[0] : models[1], own = lead === frame.model;
    const at = (model, index) => (model === lead ? Math.min(index, D.newest(model)) : D.nearest(model, D.time(lead, index), D.newest(model)));
    const views = D.shownViews(frame.state), room = panel.clientWidth || 640, columns = room < PHONE ? 2 : same ? 3 : 2, gap = room < PHONE ? 10 : 24;
    const rows = views.map((view) => D.compareRow(frame, sides, view, Math.min(WIDEST[views.length], (room - gap * (columns - 1)) / columns), same));
    const summary = el("div", {}), states = el("div", { class: "gd-states" }, sides.map(({ letter, subject }) => el("div", { class: "gd-side-state" }, el("b", {}, letter), D.runState(frame, subject))));
    const show = (index) => rows.forEach((row) => row.show(models.map((model) => at(model, index))));
    const timeline = D.timeline(frame, {
      model: lead, end: lead.F, newest: () => D.newest(lead), finished: () => lead.run.finished,
      read: () => (frame.chosen.step === undefined ? undefined : own ? frame.chosen.step : D.nearest(lead, D.time(frame.model, frame.chosen.step), lead.F)),
      write: (index) => D.choose(frame, "step", index === undefined ? undefined : at(frame.model, index) < 0 ? undefined : at(frame.model, index)),
      show, settled: () => {}, state: states,
    });
    rows.forEach((row) => row.canvases.forEach((canvas) => timeline.grab(canvas)));
    const tell = () => { summary.replaceChildren(D.compareTable(sides)); D.compareFinding(frame, sides, same); };
    const root = el("div", { class: "gd-watch gd-compare", onkeydown: timeline.keys },
      el("p", { class: "gh-small gd-lead" }, "Two runs at the same noise level, whatever step each of them is at. Look when they part."), D.watchBar(frame, (sample) => { D.choose(frame, "sample", sample < 0 ? undefined : sample); frame.set({}); }),
      el("div", { class: "gd-compared" }, el("div", {}, rows.map((row) => row.node)),
        el("div", {}, summary, same ? Glasshouse.scale(Glasshouse.signed(), [[0, `−${MOST}`], [0.5, "0"], [1, String(MOST)]], "B − A: red is lighter in B, blue in A") : null)), timeline.node);
    panel.append(root);
    D.hear(frame, root, () => { timeline.fresh(); tell(); });
    timeline.fresh();
    tell();
    D.startRun(frame, frame.pinned);
  };

  D.compareRow = (frame, sides, view, room, same) => {
    const { mark, says, name, how } = D.VIEWS[view], chosen = frame.state.sample ?? -1;
    const tiles = sides.map(({ letter, subject: { model } }) => {
      const samples = chosen < 0 || chosen >= model.N ? Array.from({ length: model.N }, (_, i) => i) : [chosen], sheet = D.sheet(model.size, samples.length), width = D.fit(sheet.width, room);
      const canvas = el("canvas", { class: "gd-pixels", role: "img", tabindex: "0", "aria-label": `${letter}: ${name}, ${says}`, style: `width:${width}px;aspect-ratio:${sheet.width}/${sheet.height}`, width: sheet.width, height: sheet.height });
      const note = el("span", {});
      return { model, samples, canvas, note, node: el("figure", { style: `width:${width}px` }, canvas, el("figcaption", { title: how }, el("b", {}, `${letter} `), mark(), " ", note)) };
    });
    const difference = same ? D.differenceTile(tiles, view, room) : null;
    const show = (indices) => {
      tiles.forEach(({ model, samples, canvas, note }, i) => {
        const came = D.paintFrame(canvas, model, view, Math.max(0, indices[i]), samples, D.colors(frame));
        note.textContent = came ? D.place(model, indices[i]) : "not computed yet";
      });
      difference?.show(indices);
    };
    return { node: el("div", { class: "gd-row" }, tiles.map((tile) => tile.node), difference?.node ?? null), show, canvases: tiles.map((tile) => tile.canvas) };
  };
  // B minus A, mean over the colors; the scale is fixed, so that it can be watched over time.
  D.differenceTile = (tiles, view, room) => {
    const [a, b] = tiles, { model, samples } = b, [height, width] = model.size, plane = height * width, sheet = D.sheet(model.size, samples.length), size = D.fit(sheet.width, room);
    const canvas = el("canvas", { class: "gd-pixels", role: "img", "aria-label": "B minus A", style: `width:${size}px;aspect-ratio:${sheet.width}/${sheet.height}`, width: sheet.width, height: sheet.height }), note = el("span", {});
    const values = new Float32Array(samples.length * plane);
    const show = ([left, right]) => {
      const frames = [a.model.run[view], b.model.run[view]].map((list, i) => list[Math.min([left, right][i], list.length - 1)]);
      if (frames.some((each) => !each)) { note.textContent = "not computed yet"; return; }
      let sum = 0;
      for (let i = 0; i < values.length; i++) {
        const from = samples[Math.floor(i / plane)] * model.channels * plane + i % plane;
        let difference = 0;
        for (let channel = 0; channel < model.channels; channel++) difference += D.valueAt(frames[1], from + channel * plane) - D.valueAt(frames[0], from + channel * plane);
        values[i] = difference / model.channels;
        sum += values[i] ** 2;
      }
      D.paintSigned(canvas, values, model, samples, MOST);
      note.textContent = `root mean square ${D.digits(Math.sqrt(sum / values.length))}`;
    };
    return { show, node: el("figure", { style: `width:${size}px` }, canvas, el("figcaption", {}, el("b", {}, "B − A "), note)) };
  };

  D.compareTable = (sides) => {
    const plans = sides.map(({ subject }) => subject.model.plan), differs = (name) => String(plans[0][name]) !== String(plans[1][name]);
    const line = (name, values, loud) => el("tr", { class: loud ? "gd-lit" : "" }, el("th", { scope: "row" }, name), values.map((value) => el("td", {}, value)));
    const runs = sides.map(({ subject }) => subject.model.run), share = (run) => (run.verdict?.agreement === undefined || run.verdict?.agreement === null ? "–" : Glasshouse.percent(run.verdict.agreement));
    const sure = (run) => (run.verdict ? Glasshouse.percent(D.mean(run.verdict.probability)) : "–");
    const judged = sides.some(({ subject }) => subject.model.judge);
    return el("div", { class: "gd-scroll" }, el("table", { class: "gd-table gd-numbers-of-two" }, el("thead", {}, el("tr", {}, el("th", {}), sides.map(({ letter }) => el("th", { scope: "col" }, letter)))),
      el("tbody", {}, Object.keys(NAMES).filter((name) => ["sampler", "steps"].includes(name) || differs(name)).map((name) => line(NAMES[name], plans.map((plan) => String(plan[name])), differs(name))),
        line("time", runs.map((run) => (run.finished && run.seconds !== null ? D.seconds(run.seconds) : "–"))), judged ? [line("agreement", runs.map(share)), line("confidence of the judge", runs.map(sure))] : null)));
  };
  D.compareFinding = (frame, sides, same) => {
    const models = sides.map(({ subject }) => subject.model), runs = models.map((model) => model.run);
    if (runs.some((run) => !run.finished)) { D.tellTab(frame, "compare", sides.map(({ letter }, i) => `${letter}: ${runs[i].finished ? `all ${D.count(models[i].timesteps.length, "step")} done` : `step ${runs[i].done} of ${models[i].timesteps.length}`}`).join("; ") + "."); return; }
    const words = sides.map(({ letter }, i) => {
      const share = runs[i].verdict?.agreement, time = runs[i].seconds === null ? "" : ` in ${D.seconds(runs[i].seconds)}`;
      return `${letter}: ${D.steps(models[i])}${time}${share === undefined || share === null ? "" : `, agreement ${Glasshouse.percent(share)}`}`;
    });
    D.tellTab(frame, "compare", `${words.join("; ")}${same ? `; the final pictures differ by ${D.digits(D.finalDistance(models))} a pixel` : ""}.`);
  };
  D.finalDistance = ([a, b]) => {
    const [left, right] = [a.run.x.at(-1), b.run.x.at(-1)], size = left.bytes.length;
    let sum = 0;
    for (let i = 0; i < size; i++) sum += (D.valueAt(right, i) - D.valueAt(left, i)) ** 2;
    return Math.sqrt(sum / size);
  };
})();
