"use strict";
// Doubt: too few steps, the ways between two noises and two classes, and how exact the way back is.
(() => {
  const D = Glasshouse.denoising, { el } = Glasshouse;
  const number = (value, digits) => (value === null || value === undefined ? "–" : digits === undefined ? D.digits(value) : value.toFixed(digits));
  const pictureCell = (frame, bytes, index, label) => {
    const canvas = el("canvas", { class: "gd-pixels", role: "img", "aria-label": label });
    D.paintBytes(canvas, bytes, frame.model, index, D.colors(frame));
    return canvas;
  };
  const table = (head, rows) => el("div", { class: "gd-scroll" }, el("table", { class: "gd-table" },
    el("thead", {}, el("tr", {}, head.map((text) => el("th", { scope: "col" }, text)))), el("tbody", {}, rows)));

  const falling = (frame, points, title, text, ink) => (points.length < 2 ? null : D.figure(title, text, D.fall(points, Math.min(460, frame.parts.panel.clientWidth), ink, `${title} ${text}: ${points.map(([steps, value]) => `${steps} steps ${D.digits(value)}`).join("; ")}`)));

  // ---- steps -----------------------------------------------------------------------------------------------------
  D.drawRace = (panel, frame) => {
    const judged = frame.model.judge && frame.model.wanted.some((index) => index >= 0);
    panel.append(el("p", { class: "gh-small gd-lead" }, `The same noise, with few steps and with many. Look where more steps stop paying${judged ? ": the judge may be content long before the eye is" : ""}.`),
      D.long(frame, D.job(frame, "race", {}), { unit: "step", partial: "rows", show: (answer, body, finished) => D.paintRace(frame, body, answer.rows || [], finished, judged) }));
  };
  D.paintRace = async (frame, body, rows, finished, judged) => {
    if (!rows.length) return;
    const bytes = await Promise.all(rows.map((row) => D.unpack(row.finals))), slowest = Math.max(...rows.map((row) => row.seconds));
    const head = ["steps", "the same four noises", "time", ...(judged ? ["agreement"] : []), "distance"];
    const fallen = rows.filter((row) => row.distance > 0).map((row) => [row.steps, row.distance]);
    body.replaceChildren(el("div", { class: "gd-split" }, table(head, rows.map((row, r) => el("tr", {}, el("th", { scope: "row" }, el("b", {}, String(row.steps))),
      el("td", {}, el("span", { class: "gd-four" }, Array.from({ length: bytes[r].shape[0] }, (_, i) => pictureCell(frame, bytes[r], i, `Sample ${i} with ${row.steps} steps`)))),
      el("td", {}, D.seconds(row.seconds), el("span", { class: "gd-meter", style: `width:${Math.max(2, 72 * row.seconds / slowest)}px` })),
      judged ? el("td", {}, row.agreement === null || row.agreement === undefined ? "–" : Glasshouse.percent(row.agreement)) : null, el("td", {}, number(row.distance))))), falling(frame, fallen, "Distance", "to the pictures with the most steps, over the number of steps", "noise")),
    el("p", { class: "gh-small" }, `Distance: to the pictures with the most steps (root mean square of pixels; black to white is 2).${judged ? " Agreement: share of the samples in which the judge sees what was asked for." : ""}`));
    if (!finished || frame.state.tab !== "race" || rows.length < 2) return;
    const [few, many] = [rows[0], rows.at(-1)], agreement = judged && few.agreement !== null ? ` (agreement ${Glasshouse.percent(few.agreement)} against ${Glasshouse.percent(many.agreement)})` : "";
    D.tellTab(frame, "race", `${many.steps} steps take ${D.seconds(many.seconds)}, ${few.steps} take ${D.seconds(few.seconds)}, and land ${number(few.distance)} a pixel away from them${agreement}.`);
  };

  // ---- morph -----------------------------------------------------------------------------------------------------
  D.drawMorph = (panel, frame) => {
    const { model } = frame, ui = D.ui(frame), from = model.wanted[0], seed = Number(model.plan.seed);
    const other = ui.seed !== undefined && ui.seed !== seed ? ui.seed : seed + 1;
    panel.append(el("p", { class: "gh-small gd-lead" }, "Nine pictures on the way from one to another. Look for the jump: noises lie on a sphere and every point between them is a picture, but the network likes to be decided."),
      el("section", { class: "gd-section" }, el("div", { class: "gd-bar" }, el("h3", {}, `Noise: seed ${seed} to seed `),
        el("input", { type: "number", class: "gd-number", min: 0, max: 999_999, value: other, "aria-label": "The other seed", "data-focus": "other seed",
          onchange: (event) => { const value = Math.round(Number(event.target.value)); if (event.target.value !== "" && value >= 0 && value !== seed) ui.seed = Math.min(999_999, value); frame.set({}); } })),
      D.long(frame, D.job(frame, "morph", { to: other }), { unit: "step", show: (answer, body) => D.paintMorph(frame, body, answer, `Seed ${seed} to seed ${other}`, (i) => (i === 0 ? `seed ${seed}` : i === 8 ? `seed ${other}` : `${i} / 8`), true) })));
    if (model.labels.length < 2) return;
    const section = el("section", { class: "gd-section" });
    panel.append(section);
    if (from < 0) { section.append(el("h3", {}, "Class"), el("p", { class: "gh-small" }, "Choose a class for the run, and this view leads from it to another one.")); return; }
    const to = ui.toClass !== undefined && ui.toClass !== from && ui.toClass < model.labels.length ? ui.toClass : (from + 1) % model.labels.length;
    section.append(el("div", { class: "gd-bar" }, el("h3", {}, `Class: ${model.labels[from]} to `),
      el("select", { "data-focus": "other class", "aria-label": "The other class", onchange: (event) => { ui.toClass = Number(event.target.value); frame.set({}); } },
        model.labels.map((label, index) => (index === from ? null : el("option", { value: index, selected: index === to }, label)))),
      el("span", { class: "gh-small" }, "the same noise; the two predictions of the noise are mixed")),
    D.long(frame, D.job(frame, "classes", { to }), { unit: "step", show: (answer, body) => D.paintMorph(frame, body, answer, `${model.labels[from]} to ${model.labels[to]}`, (i) => `${Glasshouse.percent(i / 8)}`, false) }));
  };
  // Mean distance between neighbors, 0 to 255, to find where the picture changes most.
  const jump = (bytes) => {
    const count = bytes.shape[0], size = bytes.length / count;
    const distances = Array.from({ length: count - 1 }, (_, i) => {
      let sum = 0;
      for (let place = i * size; place < (i + 1) * size; place++) sum += (bytes[place + size] - bytes[place]) ** 2;
      return Math.sqrt(sum / size) / 127.5;
    });
    const most = Math.max(...distances);
    return { at: distances.indexOf(most), most, mean: D.mean(distances) };
  };
  D.paintMorph = async (frame, body, { finals, said }, name, place, tell) => {
    const { model } = frame, bytes = await D.unpack(finals), judged = Boolean(model.judge && said), { at, most, mean } = jump(bytes);
    const changes = judged ? said.slice(1).filter((index, i) => index !== said[i]).length : 0;
    body.replaceChildren(D.finals(frame, bytes, { said: judged ? said : null, name, columns: 9, narrow: 3, lines: (i) => [place(i)] }),
      el("p", { class: "gh-small" }, `The largest change is between picture ${at + 1} and ${at + 2}: ${D.digits(most)} a pixel, the mean of the eight is ${D.digits(mean)}.${judged ? ` The judge changes its answer ${changes === 1 ? "once" : `${changes} times`}.` : ""}`));
    if (tell && frame.state.tab === "morph") D.tellTab(frame, "morph", `Between ${place(0)} and ${place(8)} the largest of eight changes is ${D.digits(most)} a pixel, the mean ${D.digits(mean)}${judged ? `; the judge changes its answer ${changes === 1 ? "once" : `${changes} times`}` : ""}.`);
  };

  // ---- inversion -------------------------------------------------------------------------------------------------
  D.drawInvert = (panel, frame) => {
    panel.append(el("p", { class: "gh-small gd-lead" }, "DDIM without fresh noise can be run backwards: picture to noise (encode), noise to picture (decode). Each step is only nearly right, so the way back errs; look how the error falls with more steps, and whether the noise that was found is standard normal (mean 0, deviation 1)."),
      D.long(frame, D.job(frame, "invert", {}), { unit: "step", partial: "rows", show: (answer, body, finished) => D.paintInvert(frame, body, answer.rows || [], finished) }));
  };
  D.paintInvert = async (frame, body, rows, finished) => {
    if (!rows.length) return;
    const [pixels, ...pairs] = await Promise.all([D.unpack(frame.model.picture.pixels), ...rows.map((row) => Promise.all([D.unpack(row.noise), D.unpack(row.decoded)]))]);
    const worst = Math.max(...rows.map((row) => row.error));
    body.replaceChildren(el("div", { class: "gd-split" }, table(["steps", "picture", "noise found", "decoded", "mean", "deviation", "round-trip error"], rows.map((row, r) => el("tr", {}, el("th", { scope: "row" }, el("b", {}, String(row.steps))),
      el("td", {}, pictureCell(frame, pixels, 0, "The picture")), el("td", {}, pictureCell(frame, pairs[r][0], 0, `The noise found with ${row.steps} steps`)), el("td", {}, pictureCell(frame, pairs[r][1], 0, `Decoded with ${row.steps} steps`)),
      el("td", {}, number(row.mean, 2)), el("td", {}, number(row.std, 2)), el("td", {}, number(row.error), el("span", { class: "gd-meter", style: `width:${Math.max(2, 72 * row.error / worst)}px` }))))), falling(frame, rows.filter((row) => row.error > 0).map((row) => [row.steps, row.error]), "Round-trip error", "over the number of steps", "signal")),
    el("p", { class: "gh-small" }, "Round-trip error: mean squared difference of pixels between the picture and what comes back. The picture is the one of the tab Forward."));
    if (!finished || frame.state.tab !== "invert" || rows.length < 2) return;
    const [few, many] = [rows[0], rows.at(-1)];
    D.tellTab(frame, "invert", `To noise and back with ${few.steps} steps errs by ${number(few.error)} (mean squared), with ${many.steps} steps by ${number(many.error)}; the noise found there has a deviation of ${number(many.std, 2)}, true noise 1.`);
  };
})();
