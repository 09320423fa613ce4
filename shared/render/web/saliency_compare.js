"use strict";
// Compare: the pinned picture A beside the present one B, method by method; many photos on one sheet.
(() => {
  const S = Glasshouse.saliency, { el } = Glasshouse;

  // ---- A | B -----------------------------------------------------------------------------------------------------
  S.drawCompare = (panel, frame) => {
    const { pinned } = frame, right = S.view(frame), left = S.view(pinned);
    const shared = right.methods.filter((name) => pinned.model.names.get(name)?.available);
    const fast = shared.filter((name) => !frame.model.names.get(name).slow);
    const skipped = right.methods.filter((name) => !fast.includes(name));
    const body = el("div", {});
    panel.append(body);
    const load = Promise.all([S.load(frame, pinned, fast, left.target, left.layer), S.load(frame, frame, fast, right.target, right.layer)]);
    frame.later(body, load, () => {
      const sides = [{ letter: "A", subject: pinned, view: left }, { letter: "B", subject: frame, view: right }];
      body.append(...fast.map((name) => S.comparison(name, sides, frame, body.clientWidth)),
        S.scale(right.look, "heat; A and B of one method share one scale"),
        el("p", { class: "gh-small" }, sides.map(({ letter, subject, view }) => `${letter}: ${S.predictionLine(subject, view)}`).join(" "),
          skipped.length ? ` Left out: ${skipped.join(", ")} (slow, or not for the network of A).` : ""));
    });
  };

  S.predictionLine = ({ model, payload }, view) => {
    const [best] = model.top;
    return `${payload.inputs.model} says “${model.labels[best.class]}” (${Glasshouse.percent(best.probability)}), asked about ${S.targetName(model, view.target, false)}${model.layers.length ? ` at ${model.layers[view.layer].name}` : ""}.`;
  };

  S.comparison = (name, sides, frame, room) => {
    const maps = sides.map(({ subject, view }) => S.map(subject.model, name, view.target, view.layer));
    if (maps.some((map) => !map)) return el("p", { class: "gh-small" }, `${name} has no map on one side.`);
    const [a, b] = maps, look = S.view(frame).look, scale = Math.max(S.top(a), S.top(b));
    const fits = a.rows === b.rows && a.columns === b.columns, phone = room < 560;
    const width = Math.floor((room - (phone ? 10 : 40)) / (phone ? 2 : 3));
    const figures = sides.map(({ letter, subject, view }, i) => {
      const label = `${letter}: ${name} for ${S.targetName(subject.model, view.target)}`, canvas = el("canvas", { role: "img", tabindex: "0", "aria-label": `${label}, ${S.peakText(maps[i], look.sign)}` });
      S.paint(canvas, subject.model, maps[i], look, scale, { width: Math.min(300, width) });
      S.hover(canvas, subject.model, maps[i], scale, label);
      return el("figure", {}, canvas, el("figcaption", {}, el("b", {}, letter), ` ${S.targetName(subject.model, view.target)} · ${S.peakText(maps[i], look.sign)}`,
        S.nothing(maps[i], subject.model.names.get(name), look.sign) && el("span", { class: "gs-nothing" }, S.nothing(maps[i], subject.model.names.get(name), look.sign))));
    });
    if (fits) figures.push(S.difference(a, b, name, frame, Math.min(300, width)));
    return el("section", { class: "gs-comparison" }, el("h3", {}, name), el("div", { class: "gs-row" }, figures),
      fits ? null : el("p", { class: "gh-small" }, `No difference is drawn: A has ${a.rows} × ${a.columns} values, B ${b.rows} × ${b.columns}.`));
  };

  S.difference = (a, b, name, frame, width) => {
    const raw = Float32Array.from(b.values, (value, i) => (value * b.peak - a.values[i] * a.peak) / 127);
    const peak = raw.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const map = { values: raw.map((value) => (peak ? 127 * value / peak : 0)), rows: b.rows, columns: b.columns, peak, blank: "" };
    const canvas = el("canvas", { role: "img", tabindex: "0", "aria-label": `${name}: B minus A, largest difference ${S.number(peak)}` });
    const scale = Math.max(S.top(a), S.top(b)), look = { ...S.view(frame).look, sign: "signed" };
    S.paint(canvas, frame.model, map, look, scale, { width });
    S.hover(canvas, frame.model, map, scale, `${name}, B − A`);
    const same = frame.pinned.payload.inputs.image === frame.payload.inputs.image;
    return el("figure", {}, canvas, el("figcaption", {}, el("b", {}, "B − A"), ` red: hotter in B, blue: hotter in A · ${S.peakText(map, "signed")}`,
      same ? "" : " · the photos differ: place by place"));
  };

  // ---- contact sheet ---------------------------------------------------------------------------------------------
  S.SORTS = [["order", "as uploaded"], ["confidence", "by confidence"], ["trust", "by faithfulness"]];

  S.drawSheet = (panel, frame) => {
    const { model } = frame, { method, look } = S.view(frame), sort = frame.state.sort ?? "order";
    const cards = (model.cards ??= new Map()), room = panel.clientWidth, per = Math.max(2, Math.floor((room + 16) / 190));
    const width = Math.min(230, Math.floor((room - 16 * (per - 1)) / per));
    const grid = el("div", { class: "gs-sheet", style: `grid-template-columns:repeat(${per}, ${width}px)` }), state = el("div", {});
    const fast = model.methods.filter((each) => each.available && !each.slow).map((each) => each.name);
    const own = fast.includes(method) ? method : fast[0];
    panel.append(el("div", { class: "gs-bar" },
      S.select("Method", "method", fast.map((name) => [name, name]), own, frame),
      el("span", { class: "gs-label" }, "Sort ", Glasshouse.choice("Sort", S.SORTS, sort, (value) => frame.set({ sort: value })))),
    state, grid, S.scale(look, "heat, each photo on its own scale"),
    el("p", { class: "gh-small" }, "Faithfulness is insertion minus deletion; the number after it is what a random map scores on the same photo. A card below its floor is marked."));
    const name = (index) => `${own}|${index}`;
    const show = () => {
      const here = Array.from({ length: model.sheet }, (_, index) => cards.get(name(index)) || { index }).map((card, index) => ({ ...card, index }));
      const rank = { order: (card) => card.index, confidence: (card) => -(card.probability ?? -1), trust: (card) => -(card.score ?? -9) }[sort];
      grid.replaceChildren(...here.sort((a, b) => rank(a) - rank(b)).map((card) => S.card(card, look, width)));
      const done = here.filter((card) => card.image || card.problem).length;
      state.replaceChildren(done < model.sheet ? el("p", { class: "gh-waiting gs-slim" }, `${done} of ${model.sheet} photos`, el("progress", { max: model.sheet, value: done, "aria-label": "Photos explained" })) : "");
      if (done === model.sheet) S.sheetFinding(frame, here, own);
    };
    show();
    S.fillSheet(frame, grid, own, name, cards, show);
  };

  S.fillSheet = async (frame, grid, method, name, cards, show) => {
    const { model } = frame;
    for (let index = 0; index < model.sheet && grid.isConnected; index++) {
      if (cards.get(name(index))?.image) continue;
      try {
        const answer = await frame.compute("sheet", { index, method });
        const [image, map] = await Promise.all([S.image(answer.photo), S.unpack(answer.map)]);
        cards.set(name(index), { ...answer, image, map });
      } catch (error) { cards.set(name(index), { problem: error.message }); }
      if (grid.isConnected) show();
    }
  };

  S.card = (card, look, width) => {
    if (card.problem) return el("figure", { class: "gs-card" }, el("p", { class: "gs-nothing" }, card.problem));
    if (!card.image) return el("figure", { class: "gs-card" }, el("div", { class: "gs-empty", style: `height:${Math.round(width * 0.75)}px` }));
    const canvas = el("canvas", { role: "img", "aria-label": `${card.name}: ${card.label}, ${Glasshouse.percent(card.probability)}` }), weak = card.score <= card.floor;
    S.paint(canvas, card, card.map, look, S.top(card.map), { width, tallest: width });
    S.hover(canvas, card, card.map, S.top(card.map), card.name);
    return el("figure", { class: "gs-card" }, canvas, el("figcaption", {},
      el("span", {}, el("b", {}, card.label.split(",")[0]), ` ${Glasshouse.percent(card.probability)}`),
      el("span", { class: weak ? "gs-weak" : "" }, `faithfulness ${S.signed(card.score)} (${S.signed(card.floor)})${weak ? " ✗" : ""}`),
      el("span", { class: "gs-name", title: card.name }, card.name), card.map.blank && el("span", { class: "gs-nothing" }, card.map.blank)));
  };

  S.sheetFinding = (frame, cards, method) => {
    const good = cards.filter((card) => card.image), above = good.filter((card) => card.score > card.floor).length;
    if (!good.length) return;
    const mean = good.reduce((sum, card) => sum + card.score, 0) / good.length;
    S.tellTab(frame, "sheet", `On ${above} of ${good.length} photos ${method} is more faithful than a random map; its mean faithfulness is ${S.signed(mean)}.`);
  };
})();
