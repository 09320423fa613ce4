"use strict";
// The attention viewer: its data, and which part of a head is on display. The pictures are in attention_*.js.
(() => {
  const A = (Glasshouse.attention = {});

  A.decode = async (data) => {
    const [weights, thumbs, changed] = await Promise.all([data.weights, data.thumbs, null].map((packed) => packed && Glasshouse.unpack(packed)));
    const shape = (weights || thumbs).shape;
    return { ...data, weights, thumbs, L: shape[0], H: shape[1], N: data.tokens.length, heads: new Map() };
  };

  // Attention of one head (N * N floats), of a layer's mean (head "mean") or of the mean of all (layer "mean").
  A.head = (model, layer, head) => {
    const key = `${layer}.${head}`;
    if (model.heads.has(key)) return model.heads.get(key);
    if (!model.weights) return null;
    const { L, H, N } = model, size = N * N, out = new Float32Array(size);
    const layers = layer === "mean" ? [...Array(L).keys()] : [layer];
    const heads = layer === "mean" || head === "mean" ? [...Array(H).keys()] : [head];
    const share = 1 / (65025 * layers.length * heads.length);
    for (const l of layers) {
      for (const h of heads) {
        const start = (l * H + h) * size;
        for (let i = 0; i < size; i++) { const root = model.weights[start + i]; out[i] += root * root * share; }
      }
    }
    if (model.heads.size > 24) model.heads.clear();
    model.heads.set(key, out);
    return out;
  };

  // The same, asked from the server where the page does not hold all heads.
  A.fetchHead = async (frame, model, layer, head) => {
    const here = A.head(model, layer, head);
    if (here) return here;
    const roots = await Glasshouse.unpack(await frame.compute("head", { layer, head }));
    const out = Float32Array.from(roots, (root) => root * root / 65025);
    model.heads.set(`${layer}.${head}`, out);
    return out;
  };

  // Tokens grouped as the options ask: [{label, members, special, segment}].
  A.groups = (model, state) => {
    const groups = [];
    for (let i = 0; i < model.N; i++) {
      const word = model.words[i], last = groups.at(-1);
      if (state.words && word >= 0 && last?.word === word) { last.members.push(i); continue; }
      const label = state.words && word >= 0 ? model.word_texts[word] : model.tokens[i];
      groups.push({ label, members: [i], word, special: model.special[i], segment: model.segments[i] });
    }
    return state.special === "shown" ? groups : groups.filter((group) => !group.special);
  };

  // Rows, columns and values of what is on display. To a word's pieces attention is summed, from them averaged.
  A.display = (model, weights, state) => {
    const groups = A.groups(model, state);
    const side = (letter) => (letter === undefined ? groups : groups.filter((group) => group.segment === (letter === "B" ? 1 : 0)));
    const pair = model.segments.includes(1) && state.pairs !== "all" ? state.pairs : "";
    const rows = side(pair[0]), columns = side(pair[1]);
    const values = new Float32Array(rows.length * columns.length);
    rows.forEach((row, r) => {
      let sum = 0;
      columns.forEach((column, c) => {
        let value = 0;
        for (const i of row.members) for (const j of column.members) value += weights[i * model.N + j];
        values[r * columns.length + c] = value /= row.members.length;
        sum += value;
      });
      if (state.special === "renormalized" && sum > 0) for (let c = 0; c < columns.length; c++) values[r * columns.length + c] /= sum;
    });
    return { rows, columns, values };
  };

  A.patternName = (model, layer, head) => {
    if (layer === "mean" || head === "mean") return null;
    const index = model.pattern[layer][head];
    return index < 0 ? null : { name: model.pattern_names[index], score: model.pattern_scores[index][layer][head], floor: model.pattern_floors[index] };
  };

  // The head that fits a named pattern best, whether or not it wears that name.
  A.bestOf = (model, name) => {
    const scores = model.pattern_scores[model.pattern_names.indexOf(name)];
    let best = null;
    scores?.forEach((row, layer) => row.forEach((score, head) => { if (!best || score > best.score) best = { layer, head, score }; }));
    return best ? { layer: best.layer, head: best.head } : {};
  };

  A.title = (layer, head) =>
    layer === "mean" ? "Average of all heads" : head === "mean" ? `Layer ${layer} · average of its heads` : `Layer ${layer} · head ${head}`;

  A.describe = (frame) => {
    const { model, state } = { model: frame.model, state: frame.state };
    const { layer, head } = state;
    const finding = (state.tab === "switch" && A.switchFinding(model)) || model.findings[`${layer}.${head}`];
    const own = layer !== "mean" && head !== "mean";
    const entropy = own ? model.entropy[layer][head] : model.mean_entropy[`${layer}.${head}`];
    const pattern = A.patternName(model, layer, head);
    return {
      finding,
      trust: {
        value: `Entropy ${entropy.toFixed(2)}`,
        label: `of at most ${model.entropy_bound.toFixed(2)} nats.`,
        floor: pattern ? `“${pattern.name}” scores ${pattern.score.toFixed(2)}; attention spread evenly would score ${pattern.floor.toFixed(2)}.`
          : own ? "No named pattern fits this head." : "An average is smoother than any head in it, and diagnoses less.",
      },
    };
  };

  A.parse = (changes, frame) => {
    const number = (text, limit) => (text === "mean" ? "mean" : Math.max(0, Math.min(limit - 1, Math.trunc(Number(text)) || 0)));
    const out = { ...changes };
    if ("pattern" in out) {
      Object.assign(out, A.bestOf(frame.model, out.pattern));
      delete out.pattern;
    }
    if ("layer" in out) out.layer = number(out.layer, frame.model.L);
    if ("head" in out) out.head = number(out.head, frame.model.H);
    if ("token" in out) out.token = number(out.token, frame.model.N);
    if ("words" in out) out.words = out.words === "true" || out.words === true;
    return out;
  };

  const paired = (frame) => frame.model.segments.includes(1);
  Glasshouse.viewers.attention = {
    keys: ["layer", "head", "token", "picture", "bertviz", "column"],
    options: [
      { id: "special", value: "shown", chip: (value) => (value === "hidden" ? "Special tokens hidden" : "Special tokens hidden, rows renormalized") },
      { id: "words", value: false, chip: () => "Pieces merged to words" },
      { id: "pairs", value: "all", chip: (value) => `Only ${value[0]} to ${value[1]}` },
      { id: "sort", value: "layer", chip: (value) => `Sorted by ${value}` },
      { id: "filter", value: "", chip: (value) => `Only “${value}”` },
    ],
    decode: A.decode,
    describe: A.describe,
    parse: A.parse,
    limits: (model) => ({ layer: model.L, head: model.H, token: model.N }),
    caption: (pinned) => `${pinned.payload.inputs.model}, ${A.title(pinned.state.layer, pinned.state.head).toLowerCase()}`,
    paired,
    tabs: [
      { id: "heads", group: "See", label: "Heads", title: "every head as a thumbnail, one of them large", draw: (panel, frame) => A.drawHeads(panel, frame) },
      { id: "bertviz", group: "See", label: "BertViz", title: "BertViz's own head view and model view", draw: (panel, frame) => A.drawBertViz(panel, frame) },
      { id: "query", group: "Compute", label: "Query × key", title: "how one head computes its attention", draw: (panel, frame) => A.drawQueryKey(panel, frame) },
      { id: "switch", group: "Doubt", label: "Switch off", title: "switch heads off, hide words: what changes?", draw: (panel, frame) => A.drawSwitches(panel, frame) },
      { id: "numbers", group: "Doubt", label: "Statistics", title: "numbers for every head, and what they mean", draw: (panel, frame) => A.drawStatistics(panel, frame) },
      { id: "flow", group: "Doubt", label: "Flow", title: "three opinions on which words mattered", draw: (panel, frame) => A.drawFlow(panel, frame) },
      { id: "compare", group: "Compare", label: "A | B", title: "the pinned picture beside this one", when: (frame) => frame.pinned, draw: (panel, frame) => A.drawCompare(panel, frame) },
    ],
  };
})();
