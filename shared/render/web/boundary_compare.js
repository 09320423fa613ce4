"use strict";
// Compare: the pinned run A beside the present run B, on one timeline; and where they disagree.
(() => {
  const B = Glasshouse.boundary, { el } = Glasshouse;
  const NAMES = { title: "data", learner: "learner", hidden_layers: "hidden layers", activation: "activation", optimizer: "optimizer", learning_rate: "learning rate", schedule: "schedule", epochs: "epochs", batch_size: "batch size", regularization: "regularization", steer: "steered", seed: "seed" };
  const SIDE = 120; // nodes across the picture of where they disagree

  B.drawCompare = (panel, frame) => {
    const a = frame.pinned.model, b = frame.model, models = [a, b], same = a !== b && String(a.window) === String(b.window) && String(a.classes) === String(b.classes);
    const lead = Number(a.plan.epochs) > Number(b.plan.epochs) ? a : b, room = panel.clientWidth || 640, phone = room < B.PHONE, columns = phone ? 2 : same ? 3 : 2, width = Math.min(380, Math.floor((room - 24 * (columns - 1)) / columns));
    const surfaces = models.map((model, i) => B.surface(frame, model, { width, bare: phone, focus: `side ${i}`, name: `Decision surface ${"AB"[i]}` })), notes = models.map(() => el("span", {}));
    const tile = same ? B.differenceTile(a, b, width, phone) : null, facts = el("div", {});
    const show = (index, moving) => {
      const epoch = B.epochAt(lead, index), at = models.map((model) => B.indexAt(model, epoch)), weights = models.map((model, i) => B.weights(model, at[i], i ? frame.chosen.drag : undefined));
      models.forEach((model, i) => {
        surfaces[i].paint(weights[i], B.epochAt(model, at[i]), moving);
        notes[i].textContent = at[i] < 0 ? "nothing trained yet" : `epoch ${B.epochAt(model, at[i])}, ${Glasshouse.percent(B.accuracyAt(model, at[i], i ? frame.chosen.drag : undefined).value ?? 0)} right`;
        if (!moving) surfaces[i].say(notes[i].textContent);
      });
      const apart = weights.every(Boolean) && tile ? tile.paint(...weights, B.epochAt(b, at[1])) : null;
      b.findings.set("compare", B.compareSentence(models, at, apart));
    };
    const timeline = B.timeline(frame, { model: lead, show, curves: B.curvesOfTwo(models, lead, room) });
    const states = models.map((model, i) => (i ? B.runState(frame) : B.runState(frame, frame.pinned)));
    panel.append(el("div", { onkeydown: timeline.keys },
      el("p", { class: "gh-small gb-lead" }, same ? "Two runs on the same points, at the same epoch. Look where they disagree: there the data leave room for more than one answer." : "Two runs at the same epoch."),
      el("div", { class: "gb-sides" }, surfaces.map((surface, i) => el("figure", {}, surface.node, el("figcaption", {}, el("b", {}, `${"AB"[i]} `), notes[i]))), tile ? tile.node : null),
      timeline.node, states, el("div", { class: "gb-section" }, B.compareTable(models)), facts));
    timeline.fresh();
    B.train(frame, frame.pinned);
  };
  // Where the two say different classes, in ink; how much of the window, and how many points.
  B.differenceTile = (a, b, width, bare) => {
    const canvas = el("canvas", { role: "img" }), margin = bare ? 0 : 6, [left, right, bottom, top] = b.window, ratio = Math.max(0.62, Math.min(1.05, (top - bottom) / (right - left))), own = width - (bare ? 0 : 54), tall = Math.round(own * ratio);
    const context = Glasshouse.canvas(canvas, own, tall), fields = [a, b].map((model) => B.newField(model, SIDE, Math.round(SIDE * ratio))), sheet = el("canvas", { width: SIDE, height: fields[0].rows }), image = new ImageData(SIDE, fields[0].rows), pixels = new Uint32Array(image.data.buffer), note = el("span", {});
    const saidAt = (field, i) => (field.outputs > 1 ? B.winner(field.f, field.outputs, field.size, i) : field.f[i] > 0 ? 1 : 0);
    const paint = (first, second, epoch) => {
      B.fillField(fields[0], first);
      B.fillField(fields[1], second);
      const ink = Glasshouse.isDark() ? 0xffe9ebe8 : 0xff262c23, paper = Glasshouse.isDark() ? 0xff181612 : 0xfffbfdfd;
      let count = 0;
      for (let i = 0; i < pixels.length; i++) { const differs = saidAt(fields[0], i) !== saidAt(fields[1], i); if (differs) count++; pixels[i] = differs ? ink : paper; }
      sheet.getContext("2d").putImageData(image, 0, 0);
      context.drawImage(sheet, 0.5, 0.5, SIDE - 1, fields[0].rows - 1, 0, 0, own, tall);
      const said = [B.predict(a, first), B.predict(b, second)], shared = String(a.N) === String(b.N) ? Array.from({ length: b.N }, (_, i) => i).filter((i) => b.since[i] <= epoch) : [];
      const points = shared.filter((i) => said[0][i] !== said[1][i]).length, share = count / pixels.length;
      note.textContent = `${Glasshouse.percent(share, 1)} of the window${shared.length ? `, ${points} of ${B.plural(shared.length, "point")}` : ""}`;
      canvas.setAttribute("aria-label", `Where A and B say different classes: ${note.textContent}`);
      return { share, points, count: shared.length };
    };
    return { paint, node: el("figure", { style: `padding-top:${margin}px` }, canvas, el("figcaption", { style: bare ? "" : "margin-top:36px" }, el("b", {}, "They disagree "), note)) };
  };
  B.compareSentence = (models, at, apart) => {
    const sides = models.map((model, i) => `${"AB"[i]} (${B.learnerName(model, true)}, epoch ${B.epochAt(model, at[i])}) is right on ${Glasshouse.percent(B.accuracyAt(model, at[i]).value ?? 0)}`);
    return `${sides.join(", ")}${apart ? `; they disagree on ${Glasshouse.percent(apart.share, 1)} of the window` : ""}.`;
  };
  B.compareTable = (models) => {
    const text = (value) => (Array.isArray(value) ? value.join(", ") || "none" : String(value ?? "") || "none"), differs = (name) => text(models[0].plan[name]) !== text(models[1].plan[name]);
    const last = (model) => { const { value, held } = B.accuracyAt(model, B.newest(model)); return value === null ? "–" : `${Glasshouse.percent(value)} (${held ? "held out" : "training"})`; };
    const line = (name, values) => el("tr", {}, el("th", { scope: "row" }, name), values.map((value) => el("td", { class: "gb-wrap" }, value)));
    return el("div", { class: "gb-scroll" }, el("table", { class: "gb-table" }, el("thead", {}, el("tr", {}, el("th", {}), ["A", "B"].map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, Object.keys(NAMES).filter((name) => ["title", "learner"].includes(name) || differs(name)).map((name) => line(NAMES[name], models.map((model) => text(model.plan[name])))), line("weights", models.map((model) => String(model.P))), line("accuracy at the end", models.map(last)))));
  };
})();
