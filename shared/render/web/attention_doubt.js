"use strict";
// Doubt: switch heads off, hide words, read the numbers, compare three opinions.
(() => {
  const A = Glasshouse.attention, { el } = Glasshouse;
  const changeText = (change, vector) => (vector ? `sentence vector moves by ${Math.abs(change).toFixed(4)}` : Glasshouse.points(change));

  // ---- switch off ------------------------------------------------------------------------------------------------
  A.drawSwitches = (panel, frame) => {
    const { model } = frame;
    const off = (model.off ??= { heads: new Set(), words: new Set() });
    const map = el("div", { class: "ga-body" }), words = el("div", { class: "ga-body" }), answer = el("div", { class: "ga-answer" });
    panel.append(answer, el("div", { class: "ga-two" },
      el("div", {}, el("h3", {}, "Heads"), el("p", { class: "gh-small" }, "Color: how the answer changes with that head alone switched off. Click to switch it off."), map),
      el("div", {}, el("h3", {}, "Words"), el("p", { class: "gh-small" }, "Color: how it changes with that word alone hidden. Click to hide it."), words)));
    const again = () => { A.drawAnswer(answer, frame, off, again); A.paintChanges(map, frame, off, again); A.paintWords(words, frame, off, again); };
    again();
    A.loadChanges(frame, again, map);
  };

  // The map grows layer by layer, so it can be watched, and stopped by leaving.
  A.loadChanges = async (frame, again, node) => {
    const { model } = frame;
    if (model.changes?.length === model.L || model.loading) return;
    model.loading = true;
    model.changes ??= [];
    try {
      model.occlusion ??= await frame.compute("occlude");
      while (model.changes.length < model.L && node.isConnected && frame.model === model) {
        model.changes.push((await frame.compute("switch_off", { layer: model.changes.length })).change);
        if (node.isConnected) again();
      }
    } catch (error) {
      node.replaceChildren(el("p", { class: "gh-problem", role: "alert" }, error.message));
    } finally { model.loading = false; }
    if (!node.isConnected) return;
    again();
    if (model.changes.length === model.L) frame.tell();
  };

  // The finding of this view: the head and the word that the answer hangs on.
  A.switchFinding = (model) => {
    if (model.changes?.length !== model.L || !model.occlusion?.words.length) return null;
    const flat = model.changes.flat(), at = A.strongest(flat), word = A.strongest(model.occlusion.change);
    const vector = model.prediction.task === "sentence vector", say = (change) => (vector ? `moves the sentence vector by ${Math.abs(change).toFixed(3)}` : `changes “${model.prediction.answer}” by ${Glasshouse.points(change)}`);
    return `Switching off head ${at % model.H} of layer ${Math.floor(at / model.H)} ${say(flat[at])}, more than any other head; hiding “${model.occlusion.words[word]}” ${say(model.occlusion.change[word])}.`;
  };

  A.drawAnswer = (root, frame, off, again) => {
    const { model } = frame, before = model.prediction, vector = before.task === "sentence vector";
    const many = off.heads.size + off.words.size;
    const buttons = [];
    const { state } = frame, pattern = A.patternName(model, state.layer, state.head);
    const toggle = (label, keys) => buttons.push(el("button", { type: "button", class: "gh-button", onclick: () => { keys.forEach((key) => off.heads.add(key)); again(); } }, label));
    if (state.layer !== "mean" && state.head !== "mean") {
      toggle(`layer ${state.layer}, head ${state.head} off`, [`${state.layer}.${state.head}`]);
      toggle(`layer ${state.layer} off`, Array.from({ length: model.H }, (_, head) => `${state.layer}.${head}`));
      if (pattern) {
        const index = model.pattern[state.layer][state.head];
        toggle(`all “${pattern.name}” heads off`, model.pattern.flatMap((row, layer) => row.flatMap((value, head) => (value === index ? [`${layer}.${head}`] : []))));
      }
    }
    if (many) buttons.push(el("button", { type: "button", class: "gh-link", onclick: () => { off.heads.clear(); off.words.clear(); again(); } }, "All on again"));
    root.replaceChildren(el("p", { class: "ga-buttons" }, buttons));
    const bars = el("div", { class: "ga-bars" });
    root.append(bars);
    const draw = (after) => bars.replaceChildren(A.bars(before, after, off));
    if (!many) { draw(null); return; }
    if (!bars.childElementCount) draw(null);
    const ticket = (root.ticket = {});
    frame.compute("predict", { heads_off: [...off.heads].sort(), words_off: [...off.words].sort((a, b) => a - b) })
      .then((after) => { if (root.ticket === ticket) draw(after); })
      .catch((error) => { if (root.ticket === ticket) bars.append(el("p", { class: "gh-problem", role: "alert" }, error.message)); });
    if (vector) bars.append(el("p", { class: "gh-small" }, "This network has no prediction: the change of its sentence vector stands in."));
  };

  A.bars = (before, after, off) => {
    const what = [off.heads.size && `${off.heads.size} head${off.heads.size > 1 ? "s" : ""} off`, off.words.size && `${off.words.size} word${off.words.size > 1 ? "s" : ""} hidden`].filter(Boolean).join(", ");
    if (before.task === "sentence vector") {
      return el("p", {}, after ? `With ${what}: similarity to the untouched sentence vector ${after.probability.toFixed(3)} of 1.` : "Nothing is switched off: the sentence vector is untouched (similarity 1).");
    }
    const bar = (label, value, kind) => el("div", { class: `ga-bar ${kind}` }, el("span", {}, label), el("span", { class: "ga-bar-track" }, el("span", { style: `width:${100 * value}%` })), el("b", {}, Glasshouse.percent(value, 1)));
    const rows = [bar(`${before.answer}: everything on`, before.probability, "ga-before")];
    if (after) rows.push(bar(`${before.answer}: ${what}`, after.probability, "ga-after"),
      el("p", { class: "gh-small" }, `Change ${Glasshouse.points(after.probability - before.probability)}. Best answer now: ${after.labels[0]} (${Glasshouse.percent(after.probabilities[0], 1)}).`));
    else rows.push(el("p", { class: "gh-small" }, `Task: ${before.task}. Other answers: ${before.labels.map((label, i) => `${label} ${Glasshouse.percent(before.probabilities[i], 1)}`).filter((_, i) => before.labels[i] !== before.answer).join(", ") || "none"}.`));
    return el("div", {}, rows);
  };

  const most = (values) => Math.max(1e-4, ...values.map(Math.abs));
  const tint = (value, limit) => Glasshouse.signed()[Math.round(127.5 + 127.5 * Math.max(-1, Math.min(1, value / limit)))];

  A.paintChanges = (root, frame, off, again) => {
    const { model } = frame, changes = model.changes || [], vector = model.prediction.task === "sentence vector";
    const limit = most(changes.flat());
    const grid = el("div", { class: "ga-grid", style: `grid-template-columns: 1.6em repeat(${model.H}, minmax(0, 1fr))` });
    for (let layer = 0; layer < model.L; layer++) {
      grid.append(el("span", { class: "gh-small" }, String(layer)));
      for (let head = 0; head < model.H; head++) {
        const key = `${layer}.${head}`, change = changes[layer]?.[head], color = change === undefined ? null : tint(change, limit);
        const cell = el("button", { type: "button", class: `ga-cell${off.heads.has(key) ? " ga-off" : ""}`, "aria-pressed": String(off.heads.has(key)), "data-focus": `head ${key}`,
          "aria-label": `${A.title(layer, head)}${change === undefined ? "" : `, change ${changeText(change, vector)}`}`,
          style: color === null ? "" : `background:${Glasshouse.css(color)};color:${Glasshouse.inkOn(color)}`,
          onclick: () => { if (!off.heads.delete(key)) off.heads.add(key); again(); } },
        change === undefined ? "·" : off.heads.has(key) ? "off" : model.H > 8 ? "" : (vector ? Math.abs(change).toFixed(3) : (100 * change).toFixed(1)));
        cell.onpointermove = (event) => Glasshouse.tip(event, [A.title(layer, head), change === undefined ? "not computed yet" : changeText(change, vector), A.patternName(model, layer, head)?.name || "no named pattern"]);
        cell.onpointerleave = (event) => Glasshouse.tip(event, null);
        grid.append(cell);
      }
    }
    const focus = document.activeElement?.dataset?.focus;
    const done = changes.length === model.L;
    root.replaceChildren(grid, done ? "" : el("p", { class: "gh-waiting" }, `layer ${changes.length} of ${model.L}…`, el("progress", { max: model.L, value: changes.length })),
      Glasshouse.scale(Glasshouse.signed(), vector ? [[0, limit.toFixed(3)], [0.5, "0"]] : [[0, `−${(100 * limit).toFixed(1)}`], [0.5, "0"], [1, `+${(100 * limit).toFixed(1)}`]],
        vector ? "change of the sentence vector (1 − cosine similarity)" : `change of “${model.prediction.answer}”, percentage points`));
    if (focus) root.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
  };

  A.paintWords = (root, frame, off, again) => {
    const { occlusion, prediction } = frame.model, vector = prediction.task === "sentence vector";
    if (!occlusion) { root.replaceChildren(el("p", { class: "gh-waiting" }, "Hiding one word at a time…")); return; }
    const limit = most(occlusion.change);
    const focus = document.activeElement?.dataset?.focus;
    root.replaceChildren(el("div", { class: "ga-words" }, occlusion.words.map((word, i) => {
      const color = tint(occlusion.change[i], limit);
      const node = el("button", { type: "button", class: `ga-word${off.words.has(i) ? " ga-off" : ""}`, "aria-pressed": String(off.words.has(i)), "data-focus": `word ${i}`,
        style: `background:${Glasshouse.css(color)};color:${Glasshouse.inkOn(color)}`, onclick: () => { if (!off.words.delete(i)) off.words.add(i); again(); } }, word);
      node.onpointermove = (event) => Glasshouse.tip(event, [word, changeText(occlusion.change[i], vector)]);
      node.onpointerleave = (event) => Glasshouse.tip(event, null);
      return node;
    })), el("p", { class: "gh-small" }, `${occlusion.how}. `,
      vector ? "" : `Largest change: “${occlusion.words[A.strongest(occlusion.change)]}”, ${Glasshouse.points(occlusion.change[A.strongest(occlusion.change)])}.`),
    Glasshouse.scale(Glasshouse.signed(), vector ? [[0, limit.toFixed(3)], [0.5, "0"]] : [[0, `−${(100 * limit).toFixed(1)}`], [0.5, "0"], [1, `+${(100 * limit).toFixed(1)}`]],
      vector ? "change of the sentence vector (1 − cosine similarity)" : `change of “${prediction.answer}”, percentage points`));
    if (focus) root.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
  };
  A.strongest = (values) => values.reduce((best, value, i) => (Math.abs(value) > Math.abs(values[best]) ? i : best), 0);

  // ---- statistics ------------------------------------------------------------------------------------------------
  const COLUMNS = [["entropy", "entropy (nats)"], ["normalized_entropy", "normalized"], ["distance", "distance (tokens)"], ["first_mass", "first token"],
    ["separator_mass", "separators"], ["top1_mass", "top 1"], ["top5_mass", "top 5"]];

  A.drawStatistics = (panel, frame) => {
    const { model, state } = { model: frame.model, state: frame.state };
    const key = state.column || "head", rows = [];
    for (let layer = 0; layer < model.L; layer++) {
      for (let head = 0; head < model.H; head++) rows.push({ layer, head, pattern: A.patternName(model, layer, head), ...Object.fromEntries(COLUMNS.map(([name]) => [name, model[name][layer][head]])) });
    }
    if (key === "pattern") rows.sort((a, b) => (b.pattern?.score ?? -1) - (a.pattern?.score ?? -1));
    else if (key !== "head") rows.sort((a, b) => b[key] - a[key]);
    const heading = (name, text) => el("th", { scope: "col", "aria-sort": key === name ? "descending" : "none" }, el("button", { type: "button", class: "gh-link", onclick: () => frame.set({ column: name }) }, text));
    const cell = (name, value) => el("td", {}, el("span", { class: "ga-meter", style: `width:${100 * Math.min(1, name === "entropy" ? value / model.entropy_bound : name === "distance" ? value / model.N : value)}%` }), value.toFixed(2));
    panel.append(el("p", { class: "ga-reading" }, model.readings[`${state.layer}.${state.head}`] || "Choose one head to read its numbers in words."),
      el("div", { class: "ga-scroll" }, el("table", { class: "ga-table" },
        el("thead", {}, el("tr", {}, heading("head", "layer · head"), heading("pattern", "pattern"), COLUMNS.map(([name, text]) => heading(name, text)))),
        el("tbody", {}, rows.map((row) => el("tr", { class: row.layer === state.layer && row.head === state.head ? "ga-selected" : "" },
          el("th", { scope: "row" }, el("button", { type: "button", class: "gh-link", onclick: () => frame.set({ layer: row.layer, head: row.head }) }, `${row.layer} · ${row.head}`)),
          el("td", {}, row.pattern ? `${row.pattern.name} ${row.pattern.score.toFixed(2)}` : "–"), COLUMNS.map(([name]) => cell(name, row[name]))))))),
      el("p", { class: "gh-small" }, `Entropy is the mean over tokens; it lies between 0 (one key takes all) and ${model.entropy_bound.toFixed(2)} nats (all visible keys alike). Masses are shares of attention, mean over tokens.`));
  };

  // ---- flow ------------------------------------------------------------------------------------------------------
  A.drawFlow = (panel, frame) => {
    const body = el("div", { class: "ga-body" });
    panel.append(body);
    frame.later(body, frame.compute("flow"), (answer) => {
      const rows = [["Rollout", answer.rollout, "attention multiplied through the layers, half of each left to the residual path"],
        ["Gradient × attention", answer.gradient_attention, "attention that the answer is sensitive to"],
        ["Occlusion", answer.occlusion, "how far the answer moves when the word is hidden"]];
      const table = Glasshouse.magnitude();
      body.append(...rows.map(([name, values, what]) => {
        const top = Math.max(1e-9, ...values);
        return el("div", { class: "ga-flow" }, el("h3", {}, name, el("span", { class: "gh-small" }, ` ${what}`)),
          el("div", { class: "ga-words" }, answer.words.map((word, i) => {
            const color = table[Math.round(200 * Math.sqrt(values[i] / top))];
            const node = el("span", { class: "ga-word", tabindex: "0", style: `background:${Glasshouse.css(color)};color:${Glasshouse.inkOn(color)}` }, word, el("small", {}, Glasshouse.percent(values[i])));
            return node;
          })));
      }), A.correlations(answer.correlation),
      el("p", { class: "gh-small" }, "Attention is not explanation (Jain & Wallace 2019), and need not be useless (Wiegreffe & Pinter 2019): where the three disagree, believe the one that changed the input. Shares sum to 100 %; color is scaled to each row’s largest share."));
    });
  };

  A.correlations = (matrix) => {
    const names = ["rollout", "gradient × attention", "occlusion"], pairs = [[0, 1], [0, 2], [1, 2]];
    const value = (number) => (number === null ? "not defined" : number.toFixed(2));
    return el("p", { class: "ga-reading" }, "Rank correlation (Spearman): ", pairs.map(([a, b]) => `${names[a]} with ${names[b]} ${value(matrix[a][b])}`).join("; "), ".");
  };
})();
