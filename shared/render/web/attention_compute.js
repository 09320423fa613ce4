"use strict";
// Compute: from query and key to attention, one token of one head at a time.
(() => {
  const A = Glasshouse.attention, { el } = Glasshouse;

  A.drawQueryKey = (panel, frame) => {
    const { model, state } = { model: frame.model, state: frame.state };
    if (state.layer === "mean" || state.head === "mean") {
      panel.append(el("p", { class: "gh-waiting" }, "An average has no query and no key. Choose one head under Heads."));
      return;
    }
    const token = Math.min(model.N - 1, state.token ?? model.default_token);
    const body = el("div", { class: "ga-body" });
    const heads = Array.from({ length: model.H }, (_, head) => [head, `head ${head}`]), layers = Array.from({ length: model.L }, (_, layer) => [layer, `layer ${layer}`]);
    const pick = (label, name, options, value) => el("select", { "aria-label": label, onchange: (event) => frame.set({ [name]: Number(event.target.value) }) },
      options.map(([key, text]) => el("option", { value: key, selected: key === value }, text)));
    panel.append(el("div", { class: "ga-one-head" },
      el("h3", {}, "How “", model.tokens[token], "” chooses where to look"),
      pick("Layer", "layer", layers, state.layer), pick("Head", "head", heads, state.head),
      pick("Token that asks", "token", model.tokens.map((text, i) => [i, `${i} ${text}`]), token)), body);
    const load = async () => {
      const answer = await frame.compute("query_key", { layer: state.layer, head: state.head });
      const [query, key, scores, attention] = await Promise.all([answer.query, answer.key, answer.scores, answer.attention].map(Glasshouse.unpack));
      return { ...answer, query, key, scores, attention };
    };
    frame.later(body, load(), (answer) => A.paintQueryKey(body, frame, answer, token));
  };

  // One row per key: its vector, the product with the query dimension by dimension, the score, the softmax.
  A.paintQueryKey = (root, frame, answer, token) => {
    const { model } = frame, D = answer.query.shape[1], N = model.N;
    const width = Math.max(320, Math.min(980, root.clientWidth || 640)), phone = width < 560;
    const names = phone ? 62 : 96, numbers = phone ? 74 : 190, gap = 10;
    const strip = (width - names - numbers - 2 * gap) / (phone ? 1 : 2), pixel = strip / D, line = 20, top = 74;
    const canvas = el("canvas", { class: "ga-canvas", role: "img", "aria-label": `Query of ${model.tokens[token]} against ${N} keys` });
    root.append(el("p", { class: "gh-small" }, `score = ${answer.scale.toFixed(4)} × Σ query × key over ${D} dimensions; softmax over the scores gives the attention. `,
      `Largest difference from the network’s own attention: ${answer.error.toExponential(1)}.`),
      el("div", { class: "ga-scroll" }, canvas));
    const context = Glasshouse.canvas(canvas, width, top + N * line + 4), table = Glasshouse.signed();
    const ink = Glasshouse.variable(root, "--gh-ink"), muted = Glasshouse.variable(root, "--gh-muted"), accent = Glasshouse.variable(root, "--gh-accent");
    const vector = (values, start) => Array.from({ length: D }, (_, d) => values[start + d]);
    const q = vector(answer.query, token * D);
    const limit = (array) => Math.max(1e-9, ...array.map(Math.abs));
    const keys = Array.from({ length: N }, (_, j) => vector(answer.key, j * D)), products = keys.map((key) => key.map((value, d) => value * q[d]));
    const keyLimit = limit(keys.map(limit)), queryLimit = limit(q), productLimit = limit(products.map(limit));
    const paint = (values, most, x, y) => values.forEach((value, d) => {
      context.fillStyle = Glasshouse.css(table[Math.round(127.5 + 127.5 * value / most)]);
      context.fillRect(x + d * pixel, y, Math.ceil(pixel), line - 4);
    });
    const text = (value, x, y, color = ink, align = "left") => { context.fillStyle = color; context.textAlign = align; context.fillText(value, x, y); };
    context.font = `12px ${Glasshouse.variable(root, "--gh-font")}`;
    context.textBaseline = "middle";
    const x1 = names + gap, x2 = phone ? x1 : x1 + strip + gap, x3 = x2 + strip + gap;
    text("query", names, 14, accent, "right");
    paint(q, queryLimit, x1, 6);
    if (!phone) text("key", x1, top - 14, muted);
    text("query × key", x2, top - 14, muted);
    text(phone ? "attention" : "score   →   attention", x3, top - 14, muted);
    const row = token * N;
    const most = Math.max(...Array.from({ length: N }, (_, j) => answer.attention[row + j]));
    for (let j = 0; j < N; j++) {
      const y = top + j * line, hidden = !Number.isFinite(answer.scores[row + j]), weight = answer.attention[row + j];
      text(Glasshouse.fit(context, model.tokens[j], names - 4), names, y + 8, weight === most ? accent : ink, "right");
      if (hidden) { text("not visible from here", x1, y + 8, muted); continue; }
      if (!phone) paint(keys[j], keyLimit, x1, y);
      paint(products[j], productLimit, x2, y);
      if (!phone) text(answer.scores[row + j].toFixed(2), x3 + 46, y + 8, ink, "right");
      const bar = phone ? x3 : x3 + 58, room = width - bar - 44;
      context.fillStyle = accent;
      context.fillRect(bar, y + 2, Math.max(1, room * weight), line - 8);
      text(weight.toFixed(2), bar + Math.max(1, room * weight) + 4, y + 8);
    }
    root.append(el("div", { class: "ga-scales" },
      Glasshouse.scale(table, [[0, (-productLimit).toFixed(2)], [0.5, "0"], [1, productLimit.toFixed(2)]], "query × key: pushes down, pulls up")));
  };
})();
