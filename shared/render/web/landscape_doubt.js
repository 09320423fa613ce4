"use strict";
// When not to believe the picture: is this a minimum at all, how sharp is it, and would another draw of the directions
// show something else?
(() => {
  const L = Glasshouse.landscape, B = Glasshouse.boundary, { el } = Glasshouse;
  const FLAT = 0.01; // of the largest curvature: a smaller one counts as 0
  const SLOPE = 0.01; // of the loss: where one step downhill would gain more, it is still on a slope
  const BROAD = 900, LEVELS = 8, STEADY = 1.5, LOOSE = 3; // pixels; contour lines; ratios of the rim between draws

  // ---- sharpness -----------------------------------------------------------------------------------------------------
  // What kind of place this is, by its numbers; top, bottom: the largest and the smallest eigenvalue of the Hessian.
  L.verdict = ({ gradient, top, bottom }, loss) => {
    if (top === null || bottom === null || top === undefined || bottom === undefined) return { kind: "unknown", words: "not known before both curvatures are found" };
    const size = Math.max(Math.abs(top), Math.abs(bottom)), gain = size > 0 ? gradient ** 2 / (2 * size) : Infinity, up = top > FLAT * size, down = bottom < -FLAT * size;
    const bends = up && down ? `it rises along one direction with curvature ${L.digits(top)} and falls along another with ${L.digits(bottom)}` : down ? `no direction found bends upwards, the largest curvature is ${L.digits(top)}, the smallest ${L.digits(bottom)}`
      : bottom >= 0 ? `all curvatures found are ≥ 0, from ${L.digits(bottom)} to ${L.digits(top)}` : `curvatures up to ${L.digits(top)}; the smallest, ${L.digits(bottom)}, is as good as 0 beside it`;
    if (gain > SLOPE * Math.max(loss, 1e-12)) return { kind: "slope", words: `still on a slope: |gradient| ${L.digits(gradient)}; ${bends}` };
    return { kind: up && down ? "saddle" : down ? "top" : "minimum", words: `${up && down ? "a saddle" : down ? "a top" : "a minimum"}: ${bends}` };
  };
  const STAGES = { curvature: "looking for the largest and the smallest curvature", sharpness: "climbing to the greatest loss nearby", profiles: "walking along single directions" };
  const numbers = ({ top, bottom, gradient }) => el("dl", { class: "gl-numbers-list" }, [
    ["Largest curvature", top, "the largest eigenvalue of the Hessian"], ["Smallest curvature", bottom, "the smallest eigenvalue: below 0 the loss falls to both sides"], ["|gradient|", gradient, "0 where the ground is level"],
  ].map(([name, value, told]) => el("div", {}, el("dt", {}, name), el("dd", {}, el("b", {}, value === null || value === undefined ? "…" : L.digits(value)), el("span", { class: "gh-small" }, told)))));
  // How sure the eigenvalues are: between one and its bound an eigenvalue surely lies.
  const sureness = ({ products, error, found }) => `${L.plural(products, "Hessian-vector product")} (Lanczos 1950)${Number.isFinite(error) ? `; each curvature lies within ${L.digits(error)} of an eigenvalue${found ? "" : ", and the search ended before it was sure that no larger or smaller one exists"}` : ""}.`;
  const radii = ({ radii: rows }, loss) => (rows?.length ? el("section", { class: "gb-section" }, el("h3", {}, "How high the loss rises nearby"), el("div", { class: "gb-scroll" }, el("table", { class: "gb-table" }, el("thead", {}, el("tr", {}, ["ε", "greatest loss found", "above the trained loss", "ε-sharpness"].map((text) => el("th", { scope: "col" }, text)))),
    el("tbody", {}, rows.map(({ radius, loss: most, percent }) => el("tr", {}, el("th", { scope: "row" }, L.short(radius)), el("td", {}, L.short(most)), el("td", {}, Number.isFinite(most) ? `+ ${L.short(most - loss)}` : "–"), el("td", {}, Number.isFinite(percent) ? `${L.short(percent)} %` : "–")))))),
  el("p", { class: "gh-small gb-note" }, "The greatest loss that a few steps uphill find where no weight θ moves by more than ε (|θ| + 1): a lower bound. ε-sharpness: that rise as a share of 1 + loss (Keskar et al. 2017, arXiv 1609.04836).")) : null);
  const profiles = ({ profiles: curves }, width) => {
    if (!curves?.length) return null;
    const axis = L.axisOf(curves.map(({ loss }) => loss)), ends = curves.flatMap(({ at }) => [at[0], at.at(-1)]), [x0, x1] = [Math.min(...ends), Math.max(...ends)];
    const made = Glasshouse.chart({ width, height: 240, x: [x0, x1], y: [axis.low, axis.high], xTicks: B.ticks(x0, x1, width < 420 ? 4 : 8).map((value) => [value, String(value).replace("-", "−")]), yTicks: axis.ticks, xLabel: "distance from the trained weights", left: 52, right: 14,
      label: `Loss along ${curves.length} directions: ${curves.map(({ name, loss }) => `${name} up to ${L.digits(Math.max(...loss.filter(Number.isFinite)))}`).join("; ")}` });
    curves.forEach(({ at, loss }, i) => Glasshouse.line(made, at.map((x, k) => [x, loss[k]]).filter(([, value]) => Number.isFinite(value)).map(([x, value]) => [x, axis.at(value)]), { class: `gl-ink-${i > 1 ? "rest" : i}`, "stroke-width": i > 1 ? 1.5 : 2.4, "stroke-dasharray": i > 1 ? ["2 3", "6 3", "9 3 2 3"][(i - 2) % 3] : undefined }));
    return el("section", { class: "gb-section" }, el("figure", { class: "gl-chart" }, el("figcaption", {}, el("b", {}, "The loss along single directions"), axis.log ? " log scale" : "", el("span", { class: "gl-now" }, curves.map(({ name }, i) => el("span", { class: `gl-ink-${i > 1 ? "rest" : i}` }, el("i", { class: `gb-swatch${i > 1 ? " gb-dashed" : ""}` }), name)))), made.node));
  };
  L.drawSharpness = (panel, frame) => {
    const room = panel.clientWidth || 640;
    const show = (answer, body, finished) => {
      const loss = answer.loss ?? frame.model.origin.loss;
      const verdict = L.verdict(answer, loss);
      body.replaceChildren(finished ? "" : el("p", { class: "gl-numbers" }, `Now ${STAGES[answer.stage] ?? answer.stage}.`), numbers(answer), finished ? el("p", { class: "gh-small" }, sureness(answer)) : "", ...[radii(answer, loss), profiles(answer, Math.min(room, BROAD))].filter(Boolean));
      if (finished) L.tellTab(frame, "sharpness", `At a loss of ${L.digits(loss)}: ${verdict.words}${verdict.kind === "slope" ? "" : `; |gradient| ${L.digits(answer.gradient)}`}.`);
    };
    panel.append(el("p", { class: "gh-small gb-lead" }, "A picture of two directions cannot tell a minimum from a saddle: there may be a way down that it does not show. The curvature along all directions can. Sharpness changes when the weights are rescaled although the network stays the same (Dinh et al. 2017, arXiv 1703.04933): compare only networks of one kind and one scale."),
      L.long(frame, L.job(frame, "sharpness", {}), { unit: "step", partial: true, show }));
  };

  // ---- redraw --------------------------------------------------------------------------------------------------------
  const median = (values) => { const order = [...values].sort((a, b) => a - b), half = order.length / 2; return order.length % 2 ? order[Math.floor(half)] : (order[half - 1] + order[half]) / 2; };
  // The loss at the rim of a draw, the median over its four edges; a loss that is not finite counts as the highest.
  const rimOf = (values, r) => median(Array.from(values).filter((_, at) => at < r || at >= r * (r - 1) || at % r === 0 || at % r === r - 1).map((value) => (Number.isFinite(value) ? value : Infinity)));
  const thumb = (values, r, range, side) => {
    const canvas = el("canvas", { "aria-hidden": "true" }), context = Glasshouse.canvas(canvas, side, side), image = new ImageData(r, r), pixels = new Uint32Array(image.data.buffer), heights = new Float32Array(r * r), table = L.table();
    for (let i = 0; i < r; i++) for (let j = 0; j < r; j++) {
      const at = (r - 1 - i) * r + j; // beta points upwards
      heights[at] = Math.min(1, L.height(range, values[i * r + j]));
      pixels[at] = table[Math.round(255 * heights[at])];
    }
    const sheet = el("canvas", { width: r, height: r });
    sheet.getContext("2d").putImageData(image, 0, 0);
    context.imageSmoothingQuality = "high";
    context.drawImage(sheet, 0.5, 0.5, r - 1, r - 1, 0, 0, side, side);
    context.strokeStyle = "rgba(255,255,255,.4)";
    for (let k = 1; k < LEVELS; k++) { B.tracePath(context, { columns: r, rows: r, f: heights, outputs: 1, size: r * r }, side, side, k / LEVELS); context.stroke(); }
    return canvas;
  };
  const spreadWords = (rims) => {
    const low = Math.min(...rims), high = Math.max(...rims), ratio = high / low, range = `from ${L.digits(low)} to ${L.digits(high)}`;
    if (!Number.isFinite(ratio)) return `${range}: in some draws the loss is not finite there`;
    return `${range}: the picture ${ratio < STEADY ? "hardly depends" : ratio < LOOSE ? "depends a little" : "depends"} on the draw`;
  };
  const paintRedraw = async (frame, body, { rows = [], alpha }, finished) => {
    const r = alpha.length, all = await Promise.all(rows.map(({ values }) => Glasshouse.unpack(values))), { model } = frame, room = body.clientWidth || 640, side = Math.floor(Math.min(210, (room - 32) / 3));
    if (!all.length) return;
    const joined = new Float32Array(all.length * r * r);
    all.forEach((values, i) => joined.set(values, i * r * r));
    const range = L.rangeOf([{ grid: joined }], frame.state), rims = all.map((values) => rimOf(values, r)), own = model.finished ? ` In this picture it is ${L.digits(rimOf(model.grid, model.R))}.` : "";
    const card = ({ seed }, i) => {
      const told = [thumb(all[i], r, range, side), el("span", {}, `seed ${seed}`), el("span", { class: "gh-small" }, `rim ${L.digits(rims[i])}`)], name = `Seed ${seed}: loss at the rim ${L.digits(rims[i])}`;
      return frame.host.frozen ? el("figure", { class: "gl-draw", role: "img", "aria-label": name }, told) : el("button", { type: "button", class: "gl-draw", "aria-label": `${name}. Show this draw`, "data-focus": `seed ${seed}`, onclick: () => frame.host.edit({ seed: String(seed) }) }, told);
    };
    body.replaceChildren(el("div", { class: "gl-redraw" }, el("div", { class: "gl-draws", style: `--gl-side:${side}px` }, rows.map(card)), el("div", { class: "gl-beside" },
      el("p", { class: "gl-numbers" }, `The loss at the rim (median over the four edges) goes ${spreadWords(rims)}.${own}`), L.scaleOf(range), el("p", { class: "gh-small" }, `${L.plural(all.length, "draw")}, each on ${r} × ${r} points, all on one scale.${frame.host.frozen ? "" : " A click shows a draw as the map."}`))));
    if (finished) L.tellTab(frame, "redraw", `Over ${all.length} draws of two random directions the loss at the rim goes ${spreadWords(rims)}; at the trained weights it is ${L.digits(model.origin.loss)}.`);
  };
  L.drawRedraw = (panel, frame) => {
    const { plan } = frame.model;
    if (!["filter_normalized", "random"].includes(plan.plane)) {
      panel.append(el("p", { class: "gh-waiting" }, `This plane is not random: the ${plan.plane_name} follows from the weights themselves, so there is nothing to draw again. Choose a random plane to see how much its picture depends on chance.`));
      return;
    }
    panel.append(el("p", { class: "gh-small gb-lead" }, `Two directions of ${L.plural(frame.model.P, "dimension")} were drawn by chance. Here are other draws around the same weights: what all of them show belongs to the network, what only one shows to the draw.`),
      L.long(frame, L.job(frame, "redraw", {}), { unit: "point", partial: "rows", show: (answer, body, finished) => paintRedraw(frame, body, answer, finished) }));
  };
})();
