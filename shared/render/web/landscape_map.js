"use strict";
// The Map: the loss from above, the network at one place beside it, one timeline; and what other views borrow from it.
(() => {
  const L = Glasshouse.landscape, B = Glasshouse.boundary, { el } = Glasshouse;

  // ---- around the map --------------------------------------------------------------------------------------------------
  // The clock of the paths; `models` may be two. show(index, moving) reads L.epoch(frame).
  L.timeline = (frame, { models = [frame.model], ...rest }) => {
    const lead = models.reduce((most, model) => (L.lastEpoch(model) > L.lastEpoch(most) ? model : most)), epochs = lead.paths[0]?.epochs ?? [], newest = () => epochs.length - 1;
    const indexAt = (epoch) => Math.floor(L.indexAt({ epochs }, epoch) + 1e-9);
    return B.clock(frame, { ui: L.ui(frame), lead: true, speeds: L.SPEEDS, epochs: epochs.at(-1) ?? 0, start: "the start", newest, epochAt: (index) => epochs[Math.max(0, index)] ?? 0, indexAt: (epoch) => (epochs.length ? indexAt(epoch) : -1), finished: () => true, come: () => 1, hear: L.hear }, { smooth: true, ...rest });
  };
  L.scaleOf = (range) => {
    const cut = `${range.cut ? "; the brightest is higher still" : ""}${L.isFlat(range) ? `; all colors together span only ${L.digits(range.high - range.low)}` : ""}`;
    return el("div", { class: "gb-scale gl-scale" }, Glasshouse.scale(L.table(), L.scaleTicks(range), `loss${range.log ? " (log scale)" : ""}, darker is lower${cut}`));
  };
  const swatch = (ink) => el("i", { class: "gl-swatch", style: `background:${ink}` });
  const mark = (kind) => el("i", { class: `gl-mark gl-mark-${kind}`, "aria-hidden": "true" });
  L.legend = (model, brief) => {
    const losses = model.paths.map(() => el("b", {})), many = model.paths.length > 1;
    const names = model.paths.map((path, i) => el("span", {}, swatch(L.pathInk(i)), `${path.name} `, many ? losses[i] : "")), marks = model.paths.length ? [["ball", "the network now"], ["arrow", "downhill, as far as it lies in the plane"], ["ring", "start"], ["cross", "the trained weights"]] : [["cross", "the trained weights"]];
    const node = el("p", { class: "gl-legend" }, names, brief ? null : marks.map(([kind, text]) => el("span", {}, mark(kind), text)));
    return { node, paint: (epoch) => { if (many) model.paths.forEach((path, i) => { losses[i].textContent = L.short(L.ballAt(path, L.indexAt(path, epoch)).loss); }); } };
  };
  L.looks = (frame) => el("div", { class: "gb-bar" },
    Glasshouse.choice("Scale of the loss", [["log", "Log", "every step down counts by its share"], ["linear", "Linear", "the loss as it is"]], frame.state.scale, (scale) => frame.set({ scale })),
    el("label", { class: "gb-label" }, "Heights ", el("select", { "data-focus": "height", title: "High walls hide the valley: what lies higher gets one color", onchange: (event) => frame.set({ height: Number(event.target.value) }) },
      [...new Set([100, 50, 25, 10, 5, frame.state.height])].sort((a, b) => b - a).map((value) => el("option", { value, selected: value === frame.state.height }, value === 100 ? "all" : `lowest ${value} %`)))),
    frame.model.paths.length ? el("button", { type: "button", class: "gh-button", "data-focus": "path", "aria-pressed": String(frame.state.path === "shown"), onclick: () => frame.set({ path: frame.state.path === "shown" ? "hidden" : "shown" }) }, "Path") : null);

  L.drawMap = (panel, frame) => {
    const { model } = frame, ui = L.ui(frame), room = panel.clientWidth || 640, phone = room < L.PHONE, width = phone ? room : Math.min(470, Math.floor(room * 0.46));
    const range = () => L.range(model, frame.state), here = () => ui.hover ?? L.place(frame), place = L.placeView(frame, { model, payload: frame.payload }, { width: phone ? room : Math.min(room - width - 32, 560), tallest: phone ? 900 : 430 });
    const scale = el("div", {}), words = el("p", { class: "gl-numbers" }), legend = L.legend(model);
    let queued = false;
    const move = (now, moving) => place.show(now, moving);
    const later = () => { if (queued) return; queued = true; requestAnimationFrame(() => { queued = false; if (picture.node.isConnected) move(here(), Boolean(ui.hover)); }); };
    const picture = L.picture(frame, model, { width, range, focus: "map", place: () => L.place(frame), hover: (at) => { ui.hover = at; later(); }, pick: (a, b) => L.setPlace(frame, a, b) });
    const show = (_, moving) => {
      const epoch = L.epoch(frame);
      picture.paint(epoch);
      legend.paint(epoch);
      words.textContent = model.paths.length ? L.ballWords(model.paths[0], epoch) : `at the trained weights: loss ${L.short(model.origin.loss)}${model.origin.accuracy === null || model.origin.accuracy === undefined ? "" : `, ${Glasshouse.percent(model.origin.accuracy)} right`}`;
      move(here(), moving || Boolean(ui.hover));
      if (!moving) picture.say(`${frame.parts.finding.textContent} Arrow keys move the place that is looked at.`);
    };
    const timeline = model.paths.length ? L.timeline(frame, { show, autoplay: true }) : null;
    const refresh = () => { picture.refresh(); scale.replaceChildren(L.scaleOf(range())); };
    const root = el("div", { class: "gl-map", onkeydown: timeline?.keys },
      el("div", { class: "gl-top" }, el("div", { class: "gl-left", style: `width:${width}px` }, picture.node, scale), el("div", { class: "gl-right" }, place.node)),
      el("div", { class: "gl-time" }, timeline?.node ?? "", el("div", { class: "gl-line" }, words, L.scanState(frame) ?? "", L.looks(frame))), legend.node,
      (model.notes ?? []).length ? el("p", { class: "gh-small gb-note" }, model.notes.join(" ")) : "");
    panel.append(root);
    refresh();
    L.hear(frame, root, () => { refresh(); if (!timeline) show(-1, false); });
    if (timeline) timeline.fresh(); else show(-1, false);
  };
})();
