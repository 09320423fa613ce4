"use strict";
// Compare: the pinned landscape A beside the present one B, on one color scale and one timeline; and a cut through both.
(() => {
  const L = Glasshouse.landscape, B = Glasshouse.boundary, { el, svg } = Glasshouse;
  const INKS = ["gb-ink-other", "gb-ink-validation"];

  // The pinned side keeps its own place; it belongs to the page, not to the link of B.
  const otherPlace = (frame, model) => {
    const ui = L.ui(frame), { a, b } = frame.pinned.state;
    if (ui.otherOf !== model) { ui.otherOf = model; ui.other = a === undefined ? null : { alpha: Number(a), beta: Number(b), pinned: true }; }
    return ui.other;
  };
  const sideOf = (frame, subject, i, { width, range, again }) => {
    const { model } = subject, [path] = model.paths, ui = L.ui(frame), first = !i && model !== frame.model;
    let pointed = null;
    const ball = () => (path ? L.ballAt(path, L.indexAt(path, L.epoch(frame))) : { alpha: 0, beta: 0 }), place = () => (first ? otherPlace(frame, model) ?? ball() : L.place(frame, model));
    const within = (value, lines) => Math.max(lines[0], Math.min(lines.at(-1), value));
    const pick = (alpha, beta) => {
      if (!first) { L.setPlace(frame, alpha, beta); return; }
      ui.otherOf = model;
      ui.other = alpha === undefined ? null : { alpha: within(alpha, model.alpha), beta: within(beta, model.beta), pinned: true };
      again();
    };
    const view = L.placeView(frame, subject, { width: Math.min(width, 300), tallest: 260, bare: true, follow: () => pick() }), words = el("figcaption", {}, el("b", {}, `${"AB"[i]} `), `${model.plan.title}, ${model.plan.plane_name}`), numbers = el("p", { class: "gl-numbers" }), legend = L.legend(model, true);
    const picture = L.picture(frame, model, { width, range, place, pick, focus: `side ${i}`, name: `Map of the loss ${"AB"[i]}`, hover: (at) => { pointed = at; view.show(pointed ?? place(), Boolean(at)); } });
    const show = (moving) => {
      const epoch = L.epoch(frame);
      picture.paint(epoch);
      legend.paint(epoch);
      numbers.textContent = path ? L.ballWords(path, Math.min(epoch, path.epochs.at(-1))) : `at the trained weights: loss ${L.short(model.origin.loss)}`;
      view.show(pointed ?? place(), moving || Boolean(pointed));
      if (!moving) picture.say(numbers.textContent);
    };
    return { node: el("figure", { class: "gl-side", style: `width:${width}px` }, words, picture.node, numbers, legend.node), below: el("figure", { class: "gl-side", style: `width:${width}px` }, el("figcaption", {}, el("b", {}, "AB"[i])), view.node), show, refresh: picture.refresh };
  };

  // Losses along beta = 0: [[alpha, loss], ...] in pieces between what is not known or not finite.
  const cutOf = ({ alpha, beta, R, grid }) => {
    const row = beta.reduce((best, value, i) => (Math.abs(value) < Math.abs(beta[best]) ? i : best), 0), pieces = [[]];
    for (let j = 0; j < R; j++) { const loss = grid[row * R + j]; if (Number.isFinite(loss)) pieces.at(-1).push([alpha[j], loss]); else pieces.push([]); }
    return pieces.filter((piece) => piece.length > 1);
  };
  const profile = (models, range, width) => {
    const cuts = models.map(cutOf), all = cuts.flat(2), holder = el("div", {});
    if (!all.length) return holder;
    const reach = Math.max(...models.map(({ alpha }) => alpha.at(-1))), low = Math.min(...models.map(({ alpha }) => alpha[0])), ticks = L.scaleTicks(range).map(([height, text]) => [height, text]);
    const chart = Glasshouse.chart({ width, height: 200, x: [low, reach], y: [0, 1], left: 52, xLabel: "α, along β = 0", xTicks: B.ticks(low, reach, width < 420 ? 4 : 8).map((value) => [value, String(value).replace("-", "−")]), yTicks: ticks, label: "Loss of A (dashed) and B along the first direction" });
    chart.node.append(svg("line", { x1: chart.x(0), x2: chart.x(0), y1: chart.top, y2: chart.floor, class: "gb-ideal" }));
    cuts.forEach((pieces, i) => pieces.forEach((piece) => Glasshouse.line(chart, piece.map(([at, loss]) => [at, Math.min(1, L.height(range, loss))]), { class: INKS[i], "stroke-dasharray": i ? undefined : "5 3" })));
    holder.append(chart.node);
    return holder;
  };
  // How far from the trained weights the loss has doubled along beta = 0: a plain measure of width.
  const widthOf = (model) => {
    const limit = 2 * Math.max(model.origin.loss, 1e-3), cut = cutOf(model).flat(), out = (sign) => cut.filter(([at]) => sign * at > 0).sort(([a], [b]) => Math.abs(a) - Math.abs(b)).find(([, loss]) => loss > limit)?.[0];
    return [out(-1), out(1)];
  };
  const doubled = (model) => { const [left, right] = widthOf(model); return left === undefined && right === undefined ? "not in this plane's picture" : `${left === undefined ? "further out" : `α ${L.rounded(left)}`} and ${right === undefined ? "further out" : `α ${L.rounded(right)}`}`; };
  const table = (models) => {
    const rows = [["plane", ({ plan }) => plan.plane_name], ["optimizer", ({ plan }) => (plan.optimizer ? `${plan.optimizer} ${plan.learning_rate ?? ""}` : "–")], ["weights", ({ P }) => String(P)],
      ["loss at the trained weights", ({ origin }) => L.short(origin.loss)], ["highest loss in the plane", (model) => L.short(L.rim(model, Infinity))], ["twice the loss is passed at", doubled],
      ["share of the path in the plane", ({ paths: [path] }) => (Number.isFinite(path?.explained) ? Glasshouse.percent(path.explained, path.explained < 0.1 ? 1 : 0) : "–")]];
    return el("div", { class: "gb-scroll" }, el("table", { class: "gb-table" }, el("thead", {}, el("tr", {}, el("th", {}), ["A", "B"].map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, rows.map(([name, tell]) => el("tr", {}, el("th", { scope: "row" }, name), models.map((model) => el("td", { class: "gb-wrap" }, tell(model))))))));
  };
  const sentence = ([a, b]) => `A lies at a loss of ${L.short(a.origin.loss)} and rises to ${L.short(L.rim(a, Infinity))} in its plane; B lies at ${L.short(b.origin.loss)} and rises to ${L.short(L.rim(b, Infinity))}.`;

  L.drawCompare = (panel, frame) => {
    const subjects = [frame.pinned, { model: frame.model, payload: frame.payload }], models = subjects.map(({ model }) => model), room = panel.clientWidth || 640, phone = room < L.PHONE;
    const width = phone ? room : Math.min(460, Math.floor((room - 32) / 2)), range = () => L.rangeOf(models, frame.state), scale = el("div", {}), cut = el("div", {}), facts = el("div", {});
    const sides = subjects.map((subject, i) => sideOf(frame, subject, i, { width, range, again: () => timeline.again() }));
    const show = (_, moving) => { frame.model.findings.set("compare", sentence(models)); sides.forEach((side) => side.show(moving)); };
    const timeline = L.timeline(frame, { models, show });
    const refresh = () => {
      sides.forEach((side) => side.refresh());
      scale.replaceChildren(L.scaleOf(range()));
      cut.replaceChildren(profile(models, range(), phone ? room : Math.min(560, Math.floor(room * 0.43))));
      facts.replaceChildren(table(models));
    };
    const same = models[0].axes.unit === models[1].axes.unit && models[0].plan.plane === models[1].plan.plane;
    const root = el("div", { class: "gl-compare", onkeydown: timeline.keys }, el("p", { class: "gh-small gb-lead" }, `One color scale for both. ${same ? models[1].axes.unit : "The two planes have different units: compare colors, not widths."}`),
      el("div", { class: "gb-sides gl-sides" }, sides.map(({ node }) => node)), scale, timeline.node, subjects.map((subject) => L.scanState(frame, subject) ?? ""), el("div", { class: "gb-sides gl-sides" }, sides.map(({ below }) => below)),
      el("div", { class: "gl-cut" }, el("figure", {}, el("figcaption", {}, el("b", {}, "A cut through both "), el("span", { class: INKS[0] }, "A dashed, "), el("span", { class: INKS[1] }, "B solid")), cut), facts));
    panel.append(root);
    refresh();
    L.hear(frame, root, () => { if (models.some(({ finished }) => !finished)) refresh(); });
    timeline.fresh();
    L.scan(frame, frame.pinned);
  };
})();
