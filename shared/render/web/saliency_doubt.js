"use strict";
// Doubt: hide what is hot, make the network forget, ask about evidence that is known.
(() => {
  const S = Glasshouse.saliency, { el } = Glasshouse;
  const INKS = ["#2b83c6", "#d9622b", "#1b9a78", "#c767a0", "#b98a00", "#7a6ad8", "#4aa8c0", "#a8553c"];
  const FLOORS = [["random", "a random map"], ["center", "the image center"]];

  // A line of its own for a slow map that must be finished first.
  S.lateLine = (frame, name, target, layer, done) => {
    const line = el("div", { class: "gs-job" }, el("b", {}, name));
    S.watch(line, frame, name, target, layer, done);
    return line;
  };

  // ---- deletion and insertion ------------------------------------------------------------------------------------
  S.drawDeletion = (panel, frame) => {
    const { model } = frame, { methods, target, layer } = S.view(frame), body = el("div", {});
    panel.append(el("p", { class: "gh-small gs-lead" }, "Deletion: the hottest pixels are hidden first; the faster the answer falls, the better the map knew. Insertion: they are shown first, on a blurred photo; the faster the answer rises, the better. Faithfulness is the area under insertion minus the area under deletion (Petsiuk et al. 2018)."), body);
    const subjects = [...methods.slice(0, INKS.length).map((name, i) => ({ name, label: name, ink: INKS[i] })), ...FLOORS.map(([name, label]) => ({ name, label, floor: true }))];
    const show = (lit) => S.paintDeletion(body, frame, subjects, lit);
    const measure = async (subject) => {
      if (!body.isConnected || frame.model !== model) return;
      try { subject.answer = await S.faith(frame, subject.name, target, layer); } catch (error) { subject.problem = error.message; }
      if (!body.isConnected) return;
      show();
      if (subjects.every((each) => each.answer || each.problem || each.line)) S.deletionFinding(frame, subjects);
    };
    show();
    (async () => {
      await S.load(frame, frame, [], target, layer); // maps that came with the page
      const order = [subjects[0], ...subjects.slice(-2), ...subjects.slice(1, -2)], late = order.filter(({ name }) => S.late(frame, name, target, layer));
      for (const subject of late) subject.line = S.lateLine(frame, subject.name, target, layer, () => { subject.line = null; show(); measure(subject); });
      show();
      for (const subject of order) if (!late.includes(subject)) await measure(subject);
    })();
  };

  S.paintDeletion = (root, frame, subjects, lit) => {
    const known = subjects.filter((subject) => subject.answer), failed = subjects.filter((subject) => subject.problem), late = subjects.filter((subject) => subject.line);
    const waiting = subjects.length - known.length - failed.length - late.length;
    const focus = document.activeElement?.dataset?.focus;
    root.replaceChildren(
      el("div", { class: "gs-charts" }, [["deletion", "hottest pixels hidden", "the lower the better"], ["insertion", "hottest pixels shown", "the higher the better"]]
        .map(([kind, axis, note]) => el("figure", {}, el("figcaption", {}, el("b", {}, kind[0].toUpperCase() + kind.slice(1)), ` ${note}`), S.chart(kind, axis, known, lit, root.clientWidth)))),
      waiting ? el("p", { class: "gh-waiting gs-slim" }, `measuring, ${known.length} of ${subjects.length}…`, el("progress", { max: subjects.length, value: known.length + failed.length, "aria-label": "Maps measured" })) : "",
      el("div", { class: "gs-scroll" }, S.faithTable(known, (name) => S.paintDeletion(root, frame, subjects, name), lit)),
      waiting ? "" : el("p", { class: "gs-reading" }, S.deletionReading(subjects)),
      ...late.map((subject) => subject.line),
      ...failed.map((subject) => el("p", { class: "gs-nothing" }, `${subject.label}: ${subject.problem}`)),
      known.length ? el("p", { class: "gh-small" }, `Probability of ${S.targetName(frame.model, S.view(frame).target, false)}. Hidden pixels are replaced by a ${known[0].answer.baseline}; another baseline gives other numbers. Drop: what the answer loses when only the hot part is shown; increase: it gains (Chattopadhay et al. 2018).`) : "");
    if (focus) root.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
  };

  S.chart = (kind, axis, known, lit, room) => {
    const width = room < 640 ? room : Math.min(560, (room - 32) / 2), ticks = [0, 0.25, 0.5, 0.75, 1].map((value) => [value, `${100 * value} %`]);
    const chart = Glasshouse.chart({ width, height: 232, x: [0, 1], y: [0, 1], xTicks: ticks, yTicks: ticks, xLabel: axis, left: 50, right: 20, top: 8,
      label: `${kind} curves: ${known.map((subject) => `${subject.label}, area ${subject.answer[`${kind}_auc`].toFixed(2)}`).join("; ") || "measuring"}` });
    chart.node.classList.add("gs-chart");
    for (const { name, ink, floor, answer } of [...known].reverse()) {
      const points = answer.fractions.map((fraction, i) => [fraction, Math.max(0, Math.min(1, answer[kind][i]))]);
      const dash = { random: "6 4", center: "2 4" }[name];
      Glasshouse.line(chart, points, { ...(floor ? { class: "gs-floor", "stroke-dasharray": dash } : { stroke: ink }),
        "stroke-width": lit === name ? 3.5 : floor ? 1.8 : 2.2, opacity: lit && lit !== name ? 0.25 : 1 });
    }
    return chart.node;
  };

  S.faithTable = (known, light, lit) => {
    const floor = known.find((subject) => subject.name === "random")?.answer.score;
    const rows = [...known].sort((a, b) => b.answer.score - a.answer.score);
    const head = ["map", "faithfulness", "deletion area", "insertion area", "drop", "increase"];
    return el("table", { class: "gs-table" }, el("thead", {}, el("tr", {}, head.map((text) => el("th", { scope: "col" }, text)))),
      el("tbody", {}, rows.map(({ name, label, ink, floor: isFloor, answer }) => el("tr", { class: [isFloor && "gs-floor-row", lit === name && "gs-lit"].filter(Boolean).join(" ") },
        el("th", { scope: "row" }, el("button", { type: "button", class: "gs-line", "data-focus": `line ${name}`, "aria-pressed": String(lit === name), title: "Point out its curves", onclick: () => light(lit === name ? undefined : name) },
          el("span", { class: `gs-swatch${isFloor ? ` gs-swatch-${name}` : ""}`, style: ink ? `background:${ink}` : "" }), label)),
        el("td", {}, el("b", {}, S.signed(answer.score)), !isFloor && floor !== undefined && answer.score <= floor ? el("span", { class: "gs-weak", title: "not above a random map", "aria-label": "not above a random map" }, " ✗") : ""),
        el("td", {}, answer.deletion_auc.toFixed(2)), el("td", {}, answer.insertion_auc.toFixed(2)), el("td", {}, Glasshouse.percent(answer.average_drop)), el("td", {}, answer.increase ? "yes" : "no")))));
  };

  S.deletionReading = (subjects) => {
    const done = subjects.filter((subject) => subject.answer && !subject.floor).sort((a, b) => b.answer.score - a.answer.score);
    const floors = Object.fromEntries(subjects.filter((subject) => subject.answer && subject.floor).map((subject) => [subject.name, subject.answer.score]));
    if (!done.length || floors.random === undefined) return "";
    const weak = done.filter((subject) => subject.answer.score <= floors.random).map((subject) => subject.label);
    const center = floors.center !== undefined && floors.center >= done[0].answer.score;
    return [`${done[0].label} knows best here which pixels carry the answer (${S.signed(done[0].answer.score)}; a random map ${S.signed(floors.random)}).`,
      weak.length ? `${weak.join(" and ")} ${weak.length > 1 ? "do" : "does"} no better than a random map on this photo: do not believe ${weak.length > 1 ? "them" : "it"}.` : "Every map beats the random one.",
      center ? "Simply pointing at the image center does as well: the object sits in the middle, and this photo tells the maps apart badly." : "",
      "One photo is one photo: the order can change with the next."].filter(Boolean).join(" ");
  };
  S.deletionFinding = (frame, subjects) => {
    const done = subjects.filter((subject) => subject.answer && !subject.floor).sort((a, b) => b.answer.score - a.answer.score), random = subjects.find((subject) => subject.name === "random").answer;
    if (!done.length || !random) return;
    const { fractions, deletion } = done[0].answer, half = deletion.findIndex((value) => value <= deletion[0] / 2);
    const falls = half > 0 ? `hiding ${Glasshouse.percent(fractions[half])} of the picture halves ${S.targetName(frame.model, S.view(frame).target, false)}` : `${S.targetName(frame.model, S.view(frame).target, false)} never falls to half`;
    S.tellTab(frame, "deletion", `By ${done[0].label}’s map, ${falls}; its faithfulness is ${S.signed(done[0].answer.score)}, a random map’s ${S.signed(random.score)}.`);
  };

  // ---- parameter randomization -----------------------------------------------------------------------------------
  const NOTICES = 0.5; // mean rank correlation above which a map is still "the same" while the network forgets
  // Flat maps have no ranks: they are left out of the mean.
  S.meanSimilarity = (values) => {
    const known = values.slice(1).filter((value) => value !== null);
    return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : 0;
  };
  S.drawRandomize = (panel, frame) => {
    const { model } = frame, { methods, target, layer, look } = S.view(frame), body = el("div", {});
    const guided = "Guided backpropagation", wanted = new Set(methods);
    if (model.names.get(guided)?.available) wanted.add(guided); // the method that fails, and why this test exists
    const asked = model.methods.filter((method) => wanted.has(method.name) && method.available && !method.slow).map((method) => method.name);
    panel.append(el("p", { class: "gh-small gs-lead" }, "The network forgets what it learned, from the answer downwards: each column replaces one more stage by random weights. A map that explains the network must change; one that stays the same only draws the photo (Adebayo et al. 2018)."), body);
    const load = async () => {
      const answer = await frame.compute("randomize", { methods: asked, target, layer });
      const maps = Object.fromEntries(await Promise.all(Object.entries(answer.maps).map(async ([name, list]) => [name, await Promise.all(list.map(S.unpack))])));
      return { ...answer, maps };
    };
    frame.later(body, load(), (answer) => {
      const names = asked.filter((name) => answer.maps[name]), cell = Math.max(92, Math.min(190, Math.floor((body.clientWidth - 130) / answer.steps.length) - 8));
      const rows = names.flatMap((name) => S.randomRow(frame, name, answer, cell, look));
      body.append(el("div", { class: "gs-scroll" }, el("div", { class: "gs-strip", style: `grid-template-columns: minmax(92px, 130px) repeat(${answer.steps.length}, ${cell}px)` },
        el("span", {}), answer.steps.map((step, i) => el("span", { class: "gs-step", title: step }, i ? `+ ${S.shortStage(step)}` : "trained")), rows)),
      el("p", { class: "gs-reading" }, S.randomReading(names, answer)),
      el("p", { class: "gh-small" }, `The number is the rank correlation (Spearman) with the trained network’s map: 1 means unchanged. The name carries its mean over the steps; ✗: above ${NOTICES}. Each map is drawn on its own scale.`));
      S.randomFinding(frame, names, answer);
    }, "Randomizing the network stage by stage…");
  };
  S.randomRow = (frame, name, answer, cell, look) => {
    const similarity = answer.similarity[name], mean = S.meanSimilarity(similarity), fails = mean > NOTICES;
    const said = (value) => (value === null ? "no ranks" : S.signed(value));
    return [el("span", { class: "gs-row-name" }, el("b", {}, name), el("span", { class: fails ? "gs-weak" : "gs-good" }, `${fails ? "✗ hardly notices" : "✓ notices"}, ${S.signed(mean)}`)),
      ...answer.maps[name].map((map, i) => {
        const canvas = el("canvas", { role: "img", "aria-label": `${name}, random so far: ${answer.steps[i]}; similarity ${said(similarity[i])}` });
        S.paint(canvas, frame.model, map, look, S.top(map), { width: cell, tallest: cell });
        S.hover(canvas, frame.model, map, S.top(map), `${name}, ${i ? `random: ${answer.steps[i]}` : "trained"}`);
        return el("figure", {}, canvas, el("figcaption", {}, said(similarity[i]), map.blank ? " · blank" : ""));
      })];
  };
  S.randomReading = (names, { similarity }) => {
    const stubborn = names.filter((name) => S.meanSimilarity(similarity[name]) > NOTICES);
    if (!stubborn.length) return "Every map changes when the network forgets: each of them depends on what was learned.";
    return `${stubborn.map((name) => `${name} (${S.meanSimilarity(similarity[name]).toFixed(2)})`).join(" and ")} ${stubborn.length > 1 ? "hardly change" : "hardly changes"} while the network forgets what it learned: however convincing, ${stubborn.length > 1 ? "they show" : "it shows"} the photo more than the reasons of the network.`;
  };
  S.randomFinding = (frame, names, { similarity }) => {
    const mean = (name) => S.meanSimilarity(similarity[name]), order = [...names].sort((a, b) => mean(a) - mean(b)), [first, last] = [order[0], order.at(-1)];
    if (!first) return;
    const rest = first === last ? "" : `, ${last} one of ${S.signed(mean(last))}`;
    S.tellTab(frame, "randomize", `While the network forgets, ${first} keeps a mean rank correlation of ${S.signed(mean(first))} with its trained map${rest}; an explanation should come near 0.`);
  };

  // ---- the known evidence ----------------------------------------------------------------------------------------
  S.drawDot = (panel, frame) => {
    const { model } = frame, { methods, target, layer, look } = S.view(frame), body = el("div", { class: "gs-dot" });
    panel.append(el("p", { class: "gh-small gs-lead" }, `In training, one class always wore ${model.known.name}, and the network learned to look for it. So the true evidence is known here, and every method can be marked.`), body);
    const load = async () => {
      await S.load(frame, frame, methods, target, layer);
      const ready = methods.filter((name) => !S.unfinished(model, name, target, layer)), late = methods.filter((name) => S.late(frame, name, target, layer));
      return { late, ...(await frame.compute("known", { methods: ready, target, layer })) };
    };
    frame.later(body, load(), (answer) => {
      const canvas = el("canvas", { role: "img", "aria-label": `The photo; ${model.known.name} is outlined` });
      const rows = methods.filter((name) => answer.shares[name] !== undefined).sort((a, b) => answer.shares[b] - answer.shares[a]);
      S.paint(canvas, model, null, look, 1, { width: Math.min(250, body.clientWidth), tallest: 250, outline: model.known.box });
      body.append(el("figure", {}, canvas, el("figcaption", {}, `${model.known.name}: ${Glasshouse.percent(answer.area, 1)} of the picture`)),
        el("div", { class: "gs-marks" }, rows.map((name) => S.dotRow(frame, name, answer)), answer.late.map((name) => S.lateLine(frame, name, target, layer, () => frame.draw())), el("p", { class: "gh-small" }, `The line is ${Glasshouse.percent(answer.area, 1)}: what a map spread evenly would hold. ✓: at least half of the heat is on ${model.known.name}; ∼: more than twice an even map; ✗: less.`)));
      const right = rows.filter((name) => answer.shares[name] >= 0.5).length;
      if (rows.length) S.tellTab(frame, "dot", `${right} of ${rows.length} methods put at least half of their heat on ${model.known.name}; ${rows[0]} does best with ${Glasshouse.percent(answer.shares[rows[0]])}, an even map would score ${Glasshouse.percent(answer.area, 1)}.`);
    });
  };
  S.dotRow = (frame, name, { shares, area }) => {
    const { model } = frame, { target, layer, look } = S.view(frame), share = shares[name], map = S.map(model, name, target, layer);
    const [mark, kind] = share >= 0.5 ? ["✓", "gs-good"] : share > 2 * area ? ["∼", "gs-half"] : ["✗", "gs-weak"];
    const tile = el("canvas", { role: "img", "aria-label": `${name}: ${Glasshouse.percent(share)} of its heat on ${model.known.name}` });
    S.paint(tile, model, map ?? null, { ...look, sign: "positive" }, map ? S.top(map) : 1, { width: 64, tallest: 64, outline: model.known.box });
    return el("div", { class: "gs-mark" }, tile, el("span", {}, el("b", {}, name)),
      el("span", { class: "gs-track" }, el("span", { style: `width:${100 * Math.max(0, Math.min(1, share))}%` }), el("i", { style: `left:${100 * area}%` })),
      el("span", { class: "gs-share" }, Glasshouse.percent(share)), el("span", { class: kind, "aria-label": { "✓": "right", "∼": "partly", "✗": "wrong" }[mark] }, mark));
  };
})();
