"use strict";
// See: all heads at once, one head as heatmap or arcs, BertViz.
(() => {
  const A = Glasshouse.attention, { el } = Glasshouse;
  A.ROOT_TICKS = [0, 0.04, 0.16, 0.36, 0.64, 1].map((value) => [Math.sqrt(value), value === 0 || value === 1 ? String(value) : value.toFixed(2).slice(1)]);
  A.attentionScale = () => Glasshouse.scale(Glasshouse.magnitude(), A.ROOT_TICKS, "attention, each row sums to 1 (color follows its square root)");

  A.drawHeads = (panel, frame) => {
    const overview = el("div", { class: "ga-overview" }), one = el("div", { class: "ga-one" });
    panel.append(el("div", { class: "ga-heads" }, overview, one));
    A.drawOverview(overview, frame);
    A.drawOne(one, frame);
  };

  // ---- all heads -------------------------------------------------------------------------------------------------
  A.order = (model, state) => {
    const all = [];
    for (let layer = 0; layer < model.L; layer++) for (let head = 0; head < model.H; head++) all.push({ layer, head });
    const pattern = (item) => A.patternName(model, item.layer, item.head);
    if (state.sort === "entropy") all.sort((a, b) => model.entropy[a.layer][a.head] - model.entropy[b.layer][b.head]);
    if (state.sort === "pattern") {
      const rank = (item) => (model.pattern[item.layer][item.head] + model.pattern_names.length + 1) % (model.pattern_names.length + 1);
      all.sort((a, b) => (pattern(a) ? 0 : 1) - (pattern(b) ? 0 : 1) || rank(a) - rank(b) || (pattern(b)?.score ?? 0) - (pattern(a)?.score ?? 0));
    }
    return all;
  };

  A.drawOverview = (root, frame) => {
    const { model, state } = { model: frame.model, state: frame.state };
    root.append(A.patternBar(frame));
    const body = el("div", { class: "ga-overview-body" });
    const canvas = el("canvas", { class: "ga-canvas", tabindex: "0", role: "img", "data-focus": "overview",
      "aria-label": `${model.L * model.H} heads as thumbnails. ${model.summary} Arrow keys walk through them.` });
    const entropy = el("canvas", { class: "ga-canvas", role: "img", "aria-label": "Entropy of every head, layers by heads" });
    const side = el("div", { class: "ga-entropy" }, el("p", { class: "gh-small" }, "Entropy"), entropy,
      Glasshouse.scale(Glasshouse.spread(), [[0, "0"], [1, "max"]], ""));
    body.append(canvas, side);
    root.append(body, el("p", { class: "gh-small" }, state.sort === "layer" ? "Rows are layers, columns are heads, the last column is the layer’s average. " : `Sorted by ${state.sort}, from left to right. `,
      model.weights ? "" : `This text is too long for all heads at once: thumbnails are reduced to ${model.thumbs.shape[2]} pixels, each head is fetched when you open it. `,
      "Click one, or walk with the arrow keys."));
    const layout = A.layout(model, state, root.clientWidth || 400);
    A.paintOverview(canvas, frame, layout);
    A.paintEntropy(entropy, frame);
  };

  A.patternBar = (frame) => {
    const { model, state } = { model: frame.model, state: frame.state };
    const counts = new Map();
    model.pattern.flat().forEach((index) => counts.set(index, (counts.get(index) || 0) + 1));
    const names = [...counts].filter(([index]) => index >= 0).sort((a, b) => a[0] - b[0]);
    const pick = (name) => frame.set({ filter: state.filter === name ? "" : name });
    return el("div", { class: "ga-patterns" },
      names.map(([index, count]) => el("button", { type: "button", class: "gh-button", "aria-pressed": String(state.filter === model.pattern_names[index]),
        title: "Show only the heads with this pattern", onclick: () => pick(model.pattern_names[index]) }, `${model.pattern_names[index]} `, el("b", {}, String(count)))),
      el("label", { class: "gh-small" }, "order ", el("select", { onchange: (event) => frame.set({ sort: event.target.value }) },
        [["layer", "by layer"], ["pattern", "by pattern"], ["entropy", "by entropy"]].map(([value, text]) =>
          el("option", { value, selected: state.sort === value }, text)))));
  };

  // Where every thumbnail stands: {cell, gap, width, height, items: [{layer, head, x, y}]}.
  A.layout = (model, state, width) => {
    const columns = model.H + 1, left = 18;
    const room = width - left - Math.min(104, 14 + 22 * model.H) - 12;
    const gap = model.H > 8 ? 3 : 8;
    const cell = Math.max(18, Math.min(84, Math.floor((room - gap * columns) / columns)));
    const caption = cell >= 50 ? 24 : 0;
    const step = cell + gap, down = cell + gap + caption;
    const items = A.order(model, state).map((item, i) => ({ ...item, ...A.place(state, model, item, i, step, down, left) }));
    if (state.sort === "layer") for (let layer = 0; layer < model.L; layer++) items.push({ layer, head: "mean", x: left + model.H * step + 4, y: layer * down });
    const rows = Math.ceil(model.L);
    return { cell, caption, left, down, width: left + columns * step + 4, height: rows * down, items };
  };
  A.place = (state, model, item, i, step, down, left) => {
    if (state.sort === "layer") return { x: left + item.head * step, y: item.layer * down };
    return { x: left + (i % model.H) * step, y: Math.floor(i / model.H) * down };
  };

  // One tile per head, as large as a thumbnail: the strongest of the pooled weights, so thin diagonals stay visible.
  A.tiles = (model, cell) => {
    const dark = Glasshouse.isDark(), key = `${cell}${dark}`;
    if (model.tiles?.key === key) return model.tiles;
    const source = model.weights || model.thumbs, n = model.weights ? model.N : model.thumbs.shape[2];
    const size = Math.min(n, Math.round(cell * (devicePixelRatio || 1)));
    const table = Glasshouse.magnitude();
    const sheet = new OffscreenCanvas(size * (model.H + 1), size * model.L), context = sheet.getContext("2d");
    const image = context.createImageData(sheet.width, sheet.height), pixels = new Uint32Array(image.data.buffer);
    const bins = Int32Array.from({ length: n }, (_, i) => Math.floor(i * size / n));
    const peak = new Uint8Array(size * size), mean = new Float32Array(size * size);
    for (let layer = 0; layer < model.L; layer++) {
      mean.fill(0);
      for (let head = 0; head < model.H; head++) {
        peak.fill(0);
        let at = (layer * model.H + head) * n * n;
        for (let i = 0; i < n; i++) {
          const row = bins[i] * size;
          for (let j = 0; j < n; j++, at++) { const k = row + bins[j]; if (source[at] > peak[k]) peak[k] = source[at]; }
        }
        for (let k = 0; k < peak.length; k++) {
          mean[k] += peak[k] * peak[k] / model.H;
          pixels[(layer * size + Math.floor(k / size)) * sheet.width + head * size + k % size] = table[peak[k]];
        }
      }
      for (let k = 0; k < mean.length; k++) {
        pixels[(layer * size + Math.floor(k / size)) * sheet.width + model.H * size + k % size] = table[Math.round(Math.sqrt(mean[k]))];
      }
    }
    context.putImageData(image, 0, 0);
    return (model.tiles = { key, sheet, size });
  };

  A.paintOverview = (canvas, frame, layout) => {
    const { model } = frame;
    const context = Glasshouse.canvas(canvas, layout.width, layout.height);
    const tiles = A.tiles(model, layout.cell);
    const before = model.places, after = new Map(layout.items.map((item) => [`${item.layer}.${item.head}`, item]));
    const moved = before && !Glasshouse.reduced() && layout.items.some((item) => { const old = before.get(`${item.layer}.${item.head}`); return old && (old.x !== item.x || old.y !== item.y); });
    model.places = after;
    const paint = (progress) => A.paintTiles(context, canvas, frame, layout, tiles, (item) => {
      const old = moved && before.get(`${item.layer}.${item.head}`);
      if (!old) return item;
      const ease = 1 - (1 - progress) ** 3;
      return { x: old.x + (item.x - old.x) * ease, y: old.y + (item.y - old.y) * ease };
    });
    if (!moved) paint(1);
    else {
      const began = performance.now();
      const tick = (now) => { const progress = Math.min(1, (now - began) / 300); paint(progress); if (progress < 1) requestAnimationFrame(tick); };
      paint(0);
      requestAnimationFrame(tick);
    }
    A.listen(canvas, frame, layout);
  };

  A.paintTiles = (context, canvas, frame, layout, tiles, where) => {
    const { model, state } = { model: frame.model, state: frame.state };
    const { cell } = layout, ink = Glasshouse.variable(canvas, "--gh-muted"), accent = Glasshouse.variable(canvas, "--gh-accent");
    context.clearRect(0, 0, layout.width, layout.height);
    context.font = `10px ${Glasshouse.variable(canvas, "--gh-font")}`;
    context.textBaseline = "top";
    context.imageSmoothingEnabled = tiles.size > cell;
    for (const item of layout.items) {
      const { x, y } = where(item), pattern = A.patternName(model, item.layer, item.head);
      const mean = item.head === "mean", column = mean ? model.H : item.head;
      context.globalAlpha = state.filter && pattern?.name !== state.filter ? 0.18 : 1;
      context.drawImage(tiles.sheet, column * tiles.size, item.layer * tiles.size, tiles.size, tiles.size, x, y, cell, cell);
      const selected = state.layer === item.layer && state.head === item.head;
      context.strokeStyle = selected ? accent : Glasshouse.variable(canvas, "--gh-line");
      context.lineWidth = selected ? 3 : 1;
      context.strokeRect(x - (selected ? 1.5 : 0.5), y - (selected ? 1.5 : 0.5), cell + (selected ? 3 : 1), cell + (selected ? 3 : 1));
      if (layout.caption) {
        context.fillStyle = selected ? accent : ink;
        context.textAlign = "left";
        const head = mean ? "mean" : state.sort === "layer" ? `${item.head}` : `${item.layer}·${item.head}`;
        context.fillText(Glasshouse.fit(context, pattern ? `${A.short(pattern.name)} ${pattern.score.toFixed(2).replace(/^0/, "")}` : mean ? "average" : `head ${head}`, cell + 5), x, y + cell + 4);
      }
      context.globalAlpha = 1;
    }
    if (state.sort === "layer") {
      context.fillStyle = ink;
      context.textAlign = "left";
      for (let layer = 0; layer < model.L; layer++) context.fillText(String(layer), 2, layer * layout.down + cell / 2 - 5);
    }
  };

  A.short = (name) => ({ "previous token": "previous", "next token": "next", "same token": "same", "first token": "first",
    "same word elsewhere": "same word", "diagonal band": "band", "hub column": "hub" })[name] || name;

  A.listen = (canvas, frame, layout) => {
    const { model } = frame;
    const hit = (event) => {
      const box = canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
      return layout.items.find((item) => x >= item.x - 2 && x < item.x + layout.cell + 3 && y >= item.y - 2 && y < item.y + layout.cell + layout.caption);
    };
    canvas.onpointermove = (event) => {
      const item = hit(event);
      canvas.style.cursor = item ? "pointer" : "";
      if (!item) return Glasshouse.tip(event, null);
      const pattern = A.patternName(model, item.layer, item.head);
      Glasshouse.tip(event, [A.title(item.layer, item.head),
        pattern ? `${pattern.name} ${pattern.score.toFixed(2)} (spread evenly: ${pattern.floor.toFixed(2)})` : item.head === "mean" ? "smoother, and diagnoses less" : "no named pattern",
        ...(item.head === "mean" ? [] : [`entropy ${model.entropy[item.layer][item.head].toFixed(2)} of ${model.entropy_bound.toFixed(2)} nats`])]);
    };
    canvas.onpointerleave = (event) => Glasshouse.tip(event, null);
    canvas.onclick = (event) => { const item = hit(event); if (item) frame.set({ layer: item.layer, head: item.head }); };
    canvas.onkeydown = (event) => A.walk(event, frame);
  };

  // Arrow keys walk layers (up, down) and heads (left, right).
  A.walk = (event, frame) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    const { model, state } = { model: frame.model, state: frame.state };
    const head = state.head === "mean" ? model.H : state.head, layer = state.layer === "mean" ? 0 : state.layer;
    const next = Math.max(0, Math.min(model.H, head + step[1]));
    frame.set({ layer: Math.max(0, Math.min(model.L - 1, layer + step[0])), head: next === model.H ? "mean" : next });
  };

  A.paintEntropy = (canvas, frame) => {
    const { model, state } = { model: frame.model, state: frame.state };
    const cell = Math.max(7, Math.min(20, Math.floor(80 / model.H)));
    const context = Glasshouse.canvas(canvas, cell * model.H + 2, cell * model.L + 2), table = Glasshouse.spread();
    for (let layer = 0; layer < model.L; layer++) {
      for (let head = 0; head < model.H; head++) {
        context.fillStyle = Glasshouse.css(table[Math.round(255 * Math.max(0, Math.min(1, model.normalized_entropy[layer][head])))]);
        context.fillRect(head * cell + 1, layer * cell + 1, cell - 1, cell - 1);
      }
    }
    if (state.head !== "mean" && state.layer !== "mean") {
      context.strokeStyle = Glasshouse.variable(canvas, "--gh-accent");
      context.lineWidth = 2;
      context.strokeRect(state.head * cell + 1, state.layer * cell + 1, cell - 1, cell - 1);
    }
    const hit = (event) => {
      const box = canvas.getBoundingClientRect();
      const head = Math.floor((event.clientX - box.left - 1) / cell), layer = Math.floor((event.clientY - box.top - 1) / cell);
      return head >= 0 && head < model.H && layer >= 0 && layer < model.L ? { layer, head } : null;
    };
    canvas.onclick = (event) => { const item = hit(event); if (item) frame.set(item); };
    canvas.onpointermove = (event) => {
      const item = hit(event);
      Glasshouse.tip(event, item && [A.title(item.layer, item.head), `entropy ${model.entropy[item.layer][item.head].toFixed(2)} of at most ${model.entropy_bound.toFixed(2)} nats`]);
    };
    canvas.onpointerleave = (event) => Glasshouse.tip(event, null);
  };

  // ---- one head --------------------------------------------------------------------------------------------------
  A.drawOne = (root, frame) => {
    const { model, state } = { model: frame.model, state: frame.state };
    const pattern = A.patternName(model, state.layer, state.head);
    const picture = state.picture || "heatmap";
    const body = el("div", { class: "ga-body" });
    root.append(
      el("div", { class: "ga-one-head" },
        el("h3", {}, A.title(state.layer, state.head), pattern ? el("span", { class: "ga-badge" }, `${pattern.name} ${pattern.score.toFixed(2)}`) : ""),
        Glasshouse.choice("Picture", [["heatmap", "Heatmap"], ["arcs", "Arcs"]], picture, (value) => frame.set({ picture: value })),
        A.more(frame)),
      body);
    const show = (weights) => {
      const display = A.display(model, weights, state);
      if (!display.rows.length || !display.columns.length) body.append(el("p", { class: "gh-waiting" }, "Nothing is left to show: bring the special tokens back, or choose another pair filter."));
      else if (picture === "arcs") A.paintArcs(body, display, frame);
      else A.paintHeatmap(body, display, frame);
      body.append(picture === "arcs" ? el("p", { class: "gh-small" }, "The stronger the attention, the thicker and darker the line; below 0.01 none is drawn.") : A.attentionScale());
      if (state.special === "renormalized") body.append(el("p", { class: "gh-small" }, "Rows are renormalized: what went to special tokens is shared out among the rest."));
      if (state.special === "hidden") body.append(el("p", { class: "gh-small" }, "Special tokens are hidden, so rows no longer sum to 1."));
    };
    const here = A.head(model, state.layer, state.head);
    if (here) show(here);
    else frame.later(body, A.fetchHead(frame, model, state.layer, state.head), show, "Fetching this head…");
  };

  A.more = (frame) => {
    const { state } = frame, pair = Glasshouse.viewers.attention.paired(frame);
    const select = (label, name, options, value) => el("label", {}, label, el("select", { onchange: (event) => frame.set({ [name]: event.target.value }) },
      options.map(([key, text]) => el("option", { value: key, selected: key === value }, text))));
    const list = el("div", { class: "gh-menu-list" },
      select("Special tokens ", "special", [["shown", "shown"], ["hidden", "hidden"], ["renormalized", "hidden, rows renormalized"]], state.special),
      el("label", {}, el("input", { type: "checkbox", checked: state.words, onchange: (event) => frame.set({ words: event.target.checked }) }), " merge pieces to words"),
      pair ? select("Pair ", "pairs", [["all", "all"], ["AA", "A to A"], ["AB", "A to B"], ["BA", "B to A"], ["BB", "B to B"]], state.pairs) : "",
      el("button", { type: "button", class: "gh-link", onclick: () => frame.set({ layer: "mean", head: "mean" }) }, "Average of all heads"));
    return el("details", { class: "gh-menu" }, el("summary", { class: "gh-tool" }, "More"), list);
  };

  A.paintHeatmap = (root, display, frame) => {
    const { rows, columns, values } = display, R = rows.length, C = columns.length;
    const canvas = el("canvas", { class: "ga-canvas", tabindex: "0", role: "img", "data-focus": "heatmap", "aria-label": frame.parts.finding.textContent });
    root.append(canvas);
    const font = Glasshouse.variable(root, "--gh-font"), width = Math.max(220, root.clientWidth || 380);
    const probe = document.createElement("canvas").getContext("2d");
    probe.font = `12px ${font}`;
    const label = (groups) => Math.min(96, 10 + Math.max(...groups.map((group) => probe.measureText(group.label).width)));
    const left = label(rows) + 2, top = label(columns) * 0.82 + 12;
    // Small texts stay above the fold; long ones get the height they need.
    const cell = Math.max(0.4, Math.min(34, (width - left - 14) / C, Math.max(330 / R, Math.min(14, 560 / R))));
    const context = Glasshouse.canvas(canvas, width, top + cell * R + 2);
    const sheet = display.sheet || A.sheet(values, R, C);
    let focus = null;
    const paint = () => A.paintMatrix(context, { canvas, rows, columns, left, top, cell, sheet, font, focus, width, R, C });
    paint();
    const find = (event) => {
      const box = canvas.getBoundingClientRect();
      const c = Math.floor((event.clientX - box.left - left) / cell), r = Math.floor((event.clientY - box.top - top) / cell);
      return r >= 0 && r < R && c >= 0 && c < C ? { r, c } : null;
    };
    const tell = (event) => {
      focus = find(event);
      paint();
      Glasshouse.tip(event, focus && [`${rows[focus.r].label} → ${columns[focus.c].label}`, `attention ${values[focus.r * C + focus.c].toFixed(3)}`, "from the row to the column"]);
    };
    canvas.onpointermove = tell;
    canvas.onpointerleave = (event) => { focus = null; paint(); Glasshouse.tip(event, null); };
    canvas.onclick = (event) => { const at = find(event); if (at && !frame.host.frozen) frame.set({ token: rows[at.r].members[0] }); };
    canvas.onkeydown = (event) => A.walk(event, frame);
  };

  // The values as an image, one pixel a cell.
  A.sheet = (values, R, C, table = Glasshouse.magnitude(), index = (value) => Math.round(255 * Math.sqrt(Math.max(0, Math.min(1, value))))) => {
    const sheet = new OffscreenCanvas(C, R), context = sheet.getContext("2d"), image = context.createImageData(C, R);
    const pixels = new Uint32Array(image.data.buffer);
    for (let i = 0; i < values.length; i++) pixels[i] = table[index(values[i])];
    context.putImageData(image, 0, 0);
    return sheet;
  };

  A.paintMatrix = (context, { canvas, rows, columns, left, top, cell, sheet, font, focus, width, R, C }) => {
    const ink = Glasshouse.variable(canvas, "--gh-ink"), muted = Glasshouse.variable(canvas, "--gh-muted"), accent = Glasshouse.variable(canvas, "--gh-accent");
    context.clearRect(0, 0, width, top + cell * R + 4);
    context.imageSmoothingEnabled = cell < 1;
    context.drawImage(sheet, left, top, cell * C, cell * R);
    context.strokeStyle = Glasshouse.variable(canvas, "--gh-line");
    context.strokeRect(left - 0.5, top - 0.5, cell * C + 1, cell * R + 1);
    const size = Math.max(9, Math.min(12.5, cell * 0.8)), every = Math.max(1, Math.ceil(11 / cell));
    context.font = `${size}px ${font}`;
    context.textBaseline = "middle";
    const label = (i, text, row, strong) => {
      context.fillStyle = strong ? accent : every > 1 ? muted : ink;
      context.save();
      if (row) { context.textAlign = "right"; context.fillText(Glasshouse.fit(context, text, left - 8), left - 5, top + (i + 0.5) * cell); }
      else {
        context.translate(left + (i + 0.5) * cell, top - 5);
        context.rotate(-Math.PI / 3.2);
        context.textAlign = "left";
        context.fillText(Glasshouse.fit(context, text, 92), 0, 0);
      }
      context.restore();
    };
    rows.forEach((row, i) => { if (focus ? focus.r === i || (i % every === 0 && Math.abs(i - focus.r) * cell > 12) : i % every === 0) label(i, row.label, true, focus?.r === i); });
    columns.forEach((column, i) => { if (focus ? focus.c === i || (i % every === 0 && Math.abs(i - focus.c) * cell > 12) : i % every === 0) label(i, column.label, false, focus?.c === i); });
    if (focus) {
      context.strokeStyle = accent;
      context.lineWidth = 1.5;
      context.strokeRect(left, top + focus.r * cell, cell * C, cell);
      context.strokeRect(left + focus.c * cell, top, cell, cell * R);
      context.lineWidth = 1;
    }
  };

  A.paintArcs = (root, display, frame) => {
    const { rows, columns, values } = display, R = rows.length, C = columns.length;
    const width = Math.max(220, Math.min(460, root.clientWidth || 380)), line = Math.max(15, Math.min(30, 460 / Math.max(R, C)));
    const height = Math.max(R, C) * line + 28;
    const canvas = el("canvas", { class: "ga-canvas", tabindex: "0", role: "img", "data-focus": "arcs", "aria-label": frame.parts.finding.textContent });
    root.append(el("div", { class: "ga-scroll" }, canvas));
    const context = Glasshouse.canvas(canvas, width, height), font = Glasshouse.variable(root, "--gh-font");
    const ink = Glasshouse.variable(root, "--gh-ink"), muted = Glasshouse.variable(root, "--gh-muted"), accent = Glasshouse.variable(root, "--gh-accent");
    const left = Math.min(150, width * 0.34), right = width - left, y = (i) => 26 + (i + 0.5) * line;
    let focus = null;
    const paint = () => {
      context.clearRect(0, 0, width, height);
      context.font = `11px ${font}`;
      context.textBaseline = "middle";
      context.fillStyle = muted;
      context.textAlign = "right"; context.fillText("from (query)", left - 6, 10);
      context.textAlign = "left"; context.fillText("to (key)", right + 6, 10);
      context.strokeStyle = accent;
      for (let r = 0; r < R; r++) {
        for (let c = 0; c < C; c++) {
          const value = values[r * C + c], lit = !focus || (focus.left ? focus.i === r : focus.i === c);
          if (value < 0.01 || !lit) continue;
          context.globalAlpha = Math.min(1, 0.06 + value * 0.94);
          context.lineWidth = 0.6 + 3.4 * value;
          context.beginPath();
          context.moveTo(left, y(r));
          context.bezierCurveTo((left + right) / 2, y(r), (left + right) / 2, y(c), right, y(c));
          context.stroke();
        }
      }
      context.globalAlpha = 1;
      context.font = `${Math.min(13, line * 0.72)}px ${font}`;
      const word = (i, text, isLeft, value) => {
        const on = focus && focus.left === isLeft && focus.i === i;
        context.fillStyle = on ? accent : ink;
        context.globalAlpha = focus && focus.left !== isLeft ? Math.max(0.3, Math.sqrt(value)) : 1;
        context.textAlign = isLeft ? "right" : "left";
        context.fillText(Glasshouse.fit(context, text, left - 12), isLeft ? left - 6 : right + 6, y(i));
        context.globalAlpha = 1;
      };
      rows.forEach((row, i) => word(i, row.label, true, focus && !focus.left ? values[i * C + focus.i] : 1));
      columns.forEach((column, i) => word(i, column.label, false, focus?.left ? values[focus.i * C + i] : 1));
    };
    paint();
    canvas.onpointermove = (event) => {
      const box = canvas.getBoundingClientRect(), i = Math.floor((event.clientY - box.top - 26) / line), isLeft = event.clientX - box.left < width / 2;
      const next = i >= 0 && i < (isLeft ? R : C) ? { i, left: isLeft } : null;
      if (next?.i === focus?.i && next?.left === focus?.left) return;
      focus = next;
      paint();
      if (!focus) return Glasshouse.tip(event, null);
      const best = (isLeft ? columns.map((column, c) => [column.label, values[i * C + c]]) : rows.map((row, r) => [row.label, values[r * C + i]]))
        .sort((a, b) => b[1] - a[1]).slice(0, 3).map(([text, value]) => `${text} ${value.toFixed(3)}`);
      Glasshouse.tip(event, [isLeft ? `${rows[i].label} looks at` : `${columns[i].label} is seen by`, ...best]);
    };
    canvas.onpointerleave = (event) => { focus = null; paint(); Glasshouse.tip(event, null); };
    canvas.onkeydown = (event) => A.walk(event, frame);
  };

  // ---- BertViz ---------------------------------------------------------------------------------------------------
  // In a sandboxed frame: its scripts expect a page of their own and run nowhere else.
  A.drawBertViz = (panel, frame) => {
    const view = frame.state.bertviz || "head";
    const body = el("div", { class: "ga-body" });
    panel.append(el("div", { class: "ga-one-head" }, el("h3", {}, "BertViz"),
      Glasshouse.choice("BertViz view", [["head", "Head view"], ["model", "Model view"]], view, (value) => frame.set({ bertviz: value })),
      el("span", { class: "gh-small" }, "the original by Jesse Vig, running offline")), body);
    frame.later(body, frame.compute("bertviz", { view, dark: Glasshouse.isDark() }), (answer) => {
      const inner = el("iframe", { class: "ga-bertviz", sandbox: "allow-scripts", title: `BertViz ${view} view`, srcdoc: answer.html });
      const listen = (event) => {
        if (!inner.isConnected) return removeEventListener("message", listen);
        if (event.source === inner.contentWindow && event.data?.glasshouse === "height") inner.style.height = `${Math.max(200, Math.min(4000, event.data.height))}px`;
      };
      addEventListener("message", listen);
      body.append(inner);
    });
  };
})();
