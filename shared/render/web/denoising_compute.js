"use strict";
// Compute: when the picture is decided, where its way can still fork, and what noise does to a picture.
(() => {
  const D = Glasshouse.denoising, { el } = Glasshouse;
  const PHONE = 560, SHOWN = 8, TOP = 1.05;
  const half = (room) => (room < 760 ? room : Math.floor((room - 40) / 2));
  const { figure } = D;

  // ---- decided ---------------------------------------------------------------------------------------------------
  D.drawDecided = (panel, frame) => D.afterRun(frame, panel, () => {
    const body = el("div", {});
    panel.append(el("p", { class: "gh-small gd-lead" }, `At every step the judge looks at what the network believes, the predicted picture. ${D.judgeNote(frame.model)}`), body);
    const load = async () => {
      const answer = frame.model.run.decided = await frame.compute("decided");
      const [probabilities, alike] = await Promise.all([D.unpack(answer.probabilities), D.unpack(answer.alike)]);
      return { ...answer, probabilities, alike };
    };
    frame.later(body, load(), (answer) => D.paintDecided(body, frame, answer), "The judge looks at every step…");
  });
  D.paintDecided = (root, frame, answer) => {
    const { model } = frame, width = half(root.clientWidth || 640);
    root.append(el("div", { class: "gd-two" }, D.certainty(frame, answer, width), D.spectrum(frame, answer, width)), D.moments(frame, answer));
    const known = answer.half.map((at, band) => ({ at, band })).filter(({ at }) => at !== null), early = known[0], late = known.at(-1);
    const bands = early && late !== early ? `; its ${answer.bands[early.band].name} structure is like the end's (correlation above 0.5) from t = ${D.time(model, early.at)}, the ${answer.bands[late.band].name} from t = ${D.time(model, late.at)}` : "";
    D.tellTab(frame, "decided", `For half of the ${D.count(model.N, "sample")} the judge's answer stands from ${D.place(model, D.median(answer.decided))} on${bands}.`);
  };
  // The class whose probability is drawn: the wanted one, or the one that the judge names at the end.
  D.drawnClass = (model, { probabilities }, sample) => {
    const K = probabilities.shape[2], wanted = model.judge.labels.indexOf(D.wantedName(model, sample));
    if (wanted >= 0) return wanted;
    const last = probabilities.subarray(((model.F - 1) * model.N + sample) * K, ((model.F - 1) * model.N + sample + 1) * K);
    return last.indexOf(Math.max(...last));
  };
  D.chanceOf = (model, { probabilities }, index, sample, kind) => probabilities[(index * model.N + sample) * probabilities.shape[2] + kind];

  D.certainty = (frame, answer, width) => {
    const { model } = frame, few = width < 420, last = model.abar.length - 1, chosen = frame.state.sample ?? -1;
    const chart = Glasshouse.chart({ width, height: 230, x: [last, 0], y: [0, TOP], xTicks: D.noiseTicks(model, few), yTicks: D.percentTicks, xLabel: "noise level t", left: 50, label: "Probability of the class in the predicted picture, over the noise level" });
    const curves = Array.from({ length: model.N }, (_, sample) => {
      const kind = D.drawnClass(model, answer, sample);
      return model.shown.map((_, f) => [D.time(model, f), D.chanceOf(model, answer, f, sample, kind)]);
    });
    curves.forEach((points) => Glasshouse.line(chart, points, { class: "gd-thin", "stroke-width": 1 }));
    const mean = model.shown.map((_, f) => [D.time(model, f), D.mean(curves.map((points) => points[f][1]))]);
    Glasshouse.line(chart, mean, { class: "gd-ink-signal", "stroke-width": 3 });
    if (chosen >= 0) Glasshouse.line(chart, curves[chosen], { class: "gd-ink-0", "stroke-width": 2 });
    answer.decided.forEach((at, sample) => Glasshouse.dot(chart, curves[sample][at], { class: sample === chosen ? "gd-ink-0" : "gd-spot", r: sample === chosen ? 5 : 3 }));
    const wanted = model.wanted.some((index) => index >= 0);
    return figure("Sure of the class", `how probable the judge finds ${wanted ? "the wanted class" : "its final answer"}`, chart.node,
      D.legend([{ ink: "signal", text: "mean" }, { ink: "thin", text: "one sample; its dot: from here the answer stays" }, ...(chosen >= 0 ? [{ ink: 0, text: D.sampleName(model, chosen) }] : [])]));
  };

  // Coarse structure first, fine detail last: how much of the final picture is there in each band.
  D.spectrum = (frame, answer, width) => {
    const { model } = frame, few = width < 420, last = model.abar.length - 1, bands = answer.bands.length;
    const chart = Glasshouse.chart({ width, height: 230, x: [last, 0], y: [0, TOP], xTicks: D.noiseTicks(model, few), yTicks: [[0, "0"], [0.5, "0.5"], [1, "1"]], xLabel: "noise level t", left: 50, label: "Correlation of the predicted picture with the final one in four bands of detail, over the noise level" });
    for (let band = 0; band < bands; band++) {
      const points = model.shown.map((_, f) => [D.time(model, f), Math.max(0, answer.alike[f * bands + band])]);
      Glasshouse.line(chart, points, { class: `gd-ink-${band}` });
      if (answer.half[band] !== null) Glasshouse.dot(chart, points[answer.half[band]], { class: `gd-ink-${band}` });
    }
    return figure("Coarse first", "correlation of the predicted picture with the final one, band by band", chart.node,
      D.legend(answer.bands.map(({ name, from, to }, band) => ({ ink: band, text: `${name} (${from} to ${to} cycles across the picture)`, value: answer.half[band] === null ? "" : `above 0.5 from t = ${D.time(model, answer.half[band])}` }))));
  };

  // What the network believed of one sample, at eight moments.
  D.moments = (frame, answer) => {
    const { model } = frame, sample = D.one(frame), K = answer.probabilities.shape[2], number = Math.min(SHOWN, model.F);
    const picks = [...new Set(Array.from({ length: number }, (_, i) => Math.round(i * (model.F - 1) / Math.max(1, number - 1))))];
    const entries = picks.map((index) => {
      const row = Array.from({ length: K }, (_, kind) => D.chanceOf(model, answer, index, sample, kind)), best = row.indexOf(Math.max(...row)), stands = index >= answer.decided[sample];
      return { paint: (canvas) => D.paintFrame(canvas, model, "x0", index, [sample], D.colors(frame)), label: `predicted x_0 at ${D.place(model, index)}: ${D.said(model, best)} ${Glasshouse.percent(row[best])}`,
        on: stands, focus: `moment ${index}`, onclick: () => frame.set({ tab: "watch", step: index }), lines: [`t = ${D.time(model, index)}`, el("span", { class: stands ? "gd-good" : "" }, `${D.said(model, best)} ${Glasshouse.percent(row[best])}`)] };
    });
    return el("section", { class: "gd-section" }, el("div", { class: "gd-bar" }, el("h3", {}, "What it believed"), model.N > 1 ? D.samplePicker(frame, false) : null,
      el("span", { class: "gh-small" }, "framed: the judge's answer stands. Click to watch that moment.")), D.strip(entries, "Predicted pictures of one sample", entries.length, 4));
  };

  // ---- fork ------------------------------------------------------------------------------------------------------
  D.drawFork = (panel, frame) => D.afterRun(frame, panel, () => {
    const { model } = frame, sample = D.one(frame), colors = D.colors(frame), one = el("div", {});
    const canvases = ["x", "x0"].map(() => el("canvas", { class: "gd-pixels", role: "img" })), place = el("output", {});
    const show = (at) => {
      ["x", "x0"].forEach((view, i) => {
        D.paintFrame(canvases[i], model, view, at, [sample], colors);
        canvases[i].setAttribute("aria-label", `${D.VIEWS[view].name} of ${D.sampleName(model, sample)}, ${D.place(model, at)}`);
      });
      place.textContent = `${D.stepName(model, at)}, t = ${D.time(model, at)}`;
    };
    const slider = el("input", { type: "range", min: 0, max: model.F - 1, value: D.forkAt(frame), class: "gd-slider", "data-focus": "fork", "aria-label": "Where the fork starts",
      oninput: () => show(Number(slider.value)), onchange: () => frame.set({ fork: Number(slider.value) }) });
    panel.append(el("p", { class: "gh-small gd-lead" }, "Stop at one moment and go on eight times, each time with other fresh noise. Fork early and the picture becomes something else; fork late and only its texture changes.", model.fork_note ? ` ${model.fork_note}` : ""),
      el("div", { class: "gd-bar" }, el("label", { class: "gd-label gd-long-slider" }, "Fork at ", slider, place), model.N > 1 ? D.samplePicker(frame, false) : null),
      el("div", { class: "gd-fork" }, el("div", { class: "gd-pair" }, ["x", "x0"].map((view, i) => el("figure", {}, canvases[i], el("figcaption", {}, D.VIEWS[view].mark(), " here")))), one),
      D.forkCurve(frame, sample));
    show(D.forkAt(frame));
    one.append(D.long(frame, D.job(frame, "fork", { at: D.forkAt(frame), sample }), { button: "Fork here: 8 other noises", unit: "step", show: (answer, body) => D.paintFork(frame, body, answer) }));
  });
  D.sameWords = (share) => `${Math.round(8 * share)} of 8 ${Math.round(8 * share) === 1 ? "keeps" : "keep"} the class`;
  D.paintFork = async (frame, body, { finals, said, same, distance, original }) => {
    const { model } = frame, at = D.forkAt(frame), bytes = await D.unpack(finals), judged = Boolean(model.judge && said);
    body.replaceChildren(D.finals(frame, bytes, { said: judged ? said : null, name: "Fork", columns: 8, narrow: 4, wrong: (i) => said[i] !== original }),
      el("p", { class: "gh-small" }, judged ? `The original is “${D.said(model, original)}”; ${D.sameWords(same)}. ` : "", `They differ from the original by ${D.digits(distance)} a pixel (root mean square; black to white is 2).`));
    if (frame.state.tab === "fork") D.tellTab(frame, "fork", `Eight forks at ${D.place(model, at)}: ${judged ? `${Math.round(8 * same)} of 8 stay “${D.said(model, original)}”, ` : ""}at a mean distance of ${D.digits(distance)} from the original.`);
  };
  D.forkCurve = (frame, sample) => el("section", { class: "gd-section" }, el("h3", {}, "All moments"),
    D.long(frame, D.job(frame, "forks", { sample }), { button: "Fork at 8 moments, from early to late", unit: "step", partial: "points", show: (answer, body, finished) => D.paintForks(frame, body, answer, finished) }));
  D.paintForks = async (frame, body, { points }, finished) => {
    if (!points?.length) return;
    const { model } = frame, width = half(frame.parts.panel.clientWidth), judged = Boolean(model.judge), last = model.abar.length - 1, most = Math.max(0.5, ...points.map((point) => point.distance));
    const axis = { width, height: 190, x: [last, 0], xTicks: D.noiseTicks(model, width < 420), xLabel: "the fork starts at noise level t", left: 50 };
    const draw = (name, top, yTicks, ink) => {
      const chart = Glasshouse.chart({ ...axis, y: [0, top], yTicks, label: `${name} over the noise level of the fork: ${points.map((point) => `t ${point.t}: ${D.digits(point[name])}`).join("; ")}` }), line = points.map((point) => [point.t, point[name]]);
      Glasshouse.line(chart, line, { class: `gd-ink-${ink}` });
      line.forEach((point) => Glasshouse.dot(chart, point, { class: `gd-ink-${ink}` }));
      return chart.node;
    };
    const rows = await Promise.all(points.map(async (point) => ({ ...point, bytes: await D.unpack(point.finals) })));
    body.replaceChildren(el("div", { class: "gd-two" },
      judged ? figure("Same class", "share of eight forks that stay what the original is", draw("same", 1, D.percentTicks, "signal")) : null,
      figure("Distance", "to the original (root mean square of pixels)", draw("distance", most * 1.1, [[0, "0"], [most / 2, D.digits(most / 2)], [most, D.digits(most)]], "noise"))),
    el("div", { class: "gd-rows" }, rows.flatMap(({ at, t, same, bytes }) => [
      el("button", { type: "button", class: "gd-row-name", "data-focus": `row ${at}`, title: "Choose this moment above", onclick: () => frame.set({ fork: at }) }, el("b", {}, `t = ${t}`), judged ? el("span", {}, D.sameWords(same)) : null),
      D.finals(frame, bytes, { name: `Fork at t ${t}`, columns: 8, narrow: 8 })])));
    const kept = rows.filter((row) => row.same >= 0.5);
    if (finished && judged && frame.state.tab === "fork" && kept.length) D.tellTab(frame, "fork", `Forked at t = ${rows[0].t}, ${D.sameWords(rows[0].same)}; forked at t = ${kept[0].t} at least half do, at t = ${rows.at(-1).t} it is ${Math.round(8 * rows.at(-1).same)} of 8.`);
  };

  // ---- forward ---------------------------------------------------------------------------------------------------
  D.drawForward = (panel, frame) => {
    const body = el("div", {});
    panel.append(el("p", { class: "gh-small gd-lead" }, "Noise needs no network: any level t is one formula away. Move the slider until you lose the picture, then look whether its histogram is the bell curve yet."), body);
    const { picture } = frame.model, load = Promise.all([D.unpack(picture.pixels), D.unpack(picture.noise)]);
    frame.later(body, load, ([pixels, noise]) => D.paintForward(body, frame, pixels, noise), "");
  };
  D.paintForward = (root, frame, pixels, noise) => {
    const { model } = frame, { picture } = model, room = root.clientWidth || 640, phone = room < PHONE, colors = D.colors(frame), restored = el("div", {});
    const clean = el("canvas", { class: "gd-pixels", role: "img", "aria-label": "What the network is shown" }), noisy = el("canvas", { class: "gd-pixels", role: "img" }), bell = el("div", {}), facts = el("figcaption", {}), place = el("output", {});
    D.paintBytes(clean, pixels, model, 0, colors);
    const values = new Float32Array(noise.length);
    const show = (t) => {
      const [signal, share] = [D.signal(model, t), D.noise(model, t)];
      for (let i = 0; i < values.length; i++) values[i] = signal * (pixels[i] / 127.5 - 1) + share * noise[i];
      D.paintValues(noisy, values, model, D.VIEWS.x.level, colors);
      noisy.setAttribute("aria-label", `The picture at noise level ${t}`);
      const mean = D.mean(values), deviation = Math.sqrt(D.mean(values.map((value) => (value - mean) ** 2))), { node, over } = D.histogram(values, phone ? room : Math.min(480, Math.round(room * 0.4)));
      bell.replaceChildren(node);
      facts.textContent = `mean ${mean.toFixed(2).replace("-", "−")}, standard deviation ${deviation.toFixed(2)}; the curve has 0 and 1${over ? ". The tallest bars are cut" : ""}`;
      place.replaceChildren(`t = ${t}: `, ...D.VIEWS.x.mark(), ` = ${signal.toFixed(3)} × picture + ${share.toFixed(3)} × noise`);
      return { mean, deviation };
    };
    const slider = el("input", { type: "range", min: 0, max: model.abar.length - 1, value: D.noiseAt(frame), class: "gd-slider", "data-focus": "t", "aria-label": "Noise level t",
      oninput: () => show(Number(slider.value)), onchange: () => frame.set({ t: Number(slider.value) }) });
    root.append(el("div", { class: "gd-forward" },
      el("figure", {}, el("img", { class: "gd-upload", src: picture.uri, alt: picture.alt }), el("figcaption", {}, "the picture")),
      el("figure", {}, clean, el("figcaption", {}, el("b", {}, "what the network is shown"), picture.note ? ` ${picture.note}` : "")),
      el("figure", {}, noisy, el("figcaption", { title: D.VIEWS.x.how }, el("b", {}, D.VIEWS.x.mark()), " clipped to black and white")),
      el("figure", { class: "gd-bell" }, bell, facts)),
    el("label", { class: "gd-label gd-long-slider" }, "Noise level ", slider, place),
    ...(picture.outside ? [el("p", { class: "gh-failure" }, "The network has never seen such a picture: denoised from far, it becomes one of those that it knows.")] : []),
    el("section", { class: "gd-section" }, el("h3", {}, "And back"), restored));
    const t = D.noiseAt(frame), { deviation } = show(t);
    D.tellTab(frame, "forward", `At t = ${t} what the network gets is ${Glasshouse.percent(D.signal(model, t))} picture and ${Glasshouse.percent(D.noise(model, t))} noise by amplitude; its pixels have a standard deviation of ${deviation.toFixed(2)}, pure noise has 1.`);
    restored.append(D.long(frame, D.job(frame, "restore", { t }), { button: `Denoise from here (t = ${t}), 8 times`, unit: "step", show: (answer, body) => D.paintRestored(frame, body, answer, t) }));
  };
  D.paintRestored = async (frame, body, { start, finals, said, kept, between }, t) => {
    const [first, bytes] = await Promise.all([D.unpack(start), D.unpack(finals)]), canvas = el("canvas", { class: "gd-pixels", role: "img", "aria-label": `The start: the picture at noise level ${t}` });
    D.paintBytes(canvas, first, frame.model, 0, D.colors(frame));
    body.replaceChildren(el("div", { class: "gd-fork" }, el("div", { class: "gd-pair gd-single" }, el("figure", {}, canvas, el("figcaption", {}, "the start"))), D.finals(frame, bytes, { said: frame.model.judge ? said : null, name: "Denoised", columns: 8, narrow: 4 })),
      el("p", { class: "gh-small" }, `What all eight share has survived; where they differ, the network invented. Correlation with the picture ${kept.toFixed(2)} (1: the same); they scatter by ${D.digits(between)} a pixel (root mean square; black to white is 2).`));
    if (frame.state.tab === "forward") D.tellTab(frame, "forward", `Denoised eight times from t = ${t}, the pictures correlate ${kept.toFixed(2)} with the original and scatter by ${D.digits(between)} a pixel: ${kept > 0.8 ? "it survives" : kept > 0.5 ? "its outline survives, the rest is invented" : "most of it is invented"}.`);
  };
})();
