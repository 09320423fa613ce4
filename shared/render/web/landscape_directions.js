"use strict";
// What the two axes are made of: how they lie to each other, how long they are, which tensors they change; and how much
// of the gradient reaches each layer.
(() => {
  const L = Glasshouse.landscape, B = Glasshouse.boundary, { el, svg } = Glasshouse;
  const MOST = 40, ROW = 22, FAINT = 0.01; // tensors in the chart, pixels of a row, a share of the last layer's gradient that hardly learns
  const KINDS = { weights: "weights", bias: "biases", norm: "normalization" };
  const share = (value) => (value > 0 && value < 0.0005 ? "< 0.1 %" : Glasshouse.percent(value, value > 0 && value < 0.095 ? 1 : 0));
  const layerName = (name) => (/^\d+$/.test(name) ? `layer ${name}` : name);

  // ---- directions ----------------------------------------------------------------------------------------------------
  const meaning = (cosine, P) => {
    const angle = Math.acos(Math.max(-1, Math.min(1, Math.abs(cosine)))) * 180 / Math.PI, chance = 1 / Math.sqrt(P);
    if (Math.abs(cosine) < 1e-6) return "a right angle: a step along one axis is no step along the other";
    const size = `the axes stand at ${angle.toFixed(1)}° although they are drawn at 90°`;
    return `${size}; two random directions of ${L.plural(P, "dimension")} are typically ${L.digits(chance)} away from 0`;
  };
  const facts = ({ directions: { cosine, lengths, weights_length: whole }, P }) => [
    ["Cosine between them", Number.isFinite(cosine) ? L.rounded(cosine, 4) : "–", Number.isFinite(cosine) ? meaning(cosine, P) : ""],
    ...lengths.map((length, i) => [`Length of direction ${i + 1}`, L.digits(length), whole > 0 ? `${share(length / whole)} of the length of all weights` : ""]),
    ["Length of the trained weights", L.digits(whole), `${L.plural(P, "weight")} in all`],
  ];
  // Layers of one kind below each other are put together where there are too many of them.
  const grouped = (layers) => {
    if (layers.length <= MOST) return { rows: layers, told: "" };
    const groups = new Map();
    for (const { name, kind, size, shares } of layers) {
      const key = `${name.split(".")[0]} ${kind}`, known = groups.get(key) ?? { name: name.split(".")[0], kind, size: 0, shares: [0, 0], count: 0 };
      groups.set(key, { ...known, size: known.size + size, shares: known.shares.map((value, i) => value + shares[i]), count: known.count + 1 });
    }
    return { rows: [...groups.values()], told: `${layers.length} tensors, put together by the first part of their names and by kind. ` };
  };
  const nameOf = ({ name, kind, count }) => `${layerName(name)}: ${KINDS[kind] ?? kind}${count > 1 ? ` (${count})` : ""}`;
  const bar = (value, most, ink) => el("span", { class: `gl-meter gl-ink-${ink}` }, el("i", { style: `width:${(100 * value / most).toFixed(2)}%` }), el("b", {}, share(value)));
  const tensors = ({ directions: { layers }, axes: { names } }) => {
    const { rows, told } = grouped(layers), total = rows.reduce((sum, { size }) => sum + size, 0), parts = rows.map((row) => [row.shares[0], row.shares[1], row.size / total]), most = Math.max(...parts.flat(), 1e-9);
    return [el("div", { class: "gb-scroll" }, el("table", { class: "gb-table gl-tensors" }, el("thead", {}, el("tr", {}, ["tensor", "numbers in it", `α: ${names[0]}`, `β: ${names[1]}`, "its share of all weights"].map((text) => el("th", { scope: "col" }, text)))),
      el("tbody", {}, rows.map((row, i) => el("tr", { class: row.shares[0] + row.shares[1] ? "" : "gl-left-out" }, el("th", { scope: "row" }, nameOf(row)), el("td", {}, row.size.toLocaleString("en-US")), parts[i].map((value, k) => el("td", {}, bar(value, most, k === 2 ? "rest" : k)))))))),
    el("p", { class: "gh-small gb-note" }, `${told}Share of the squared length of a direction that lies in each tensor. A direction that treats all numbers alike would have the bars of the last column; 0 % means left out: the tensor keeps its trained values everywhere in the plane.`)];
  };
  const loudest = ({ layers }, i) => layers.reduce((best, each) => (each.shares[i] > best.shares[i] ? each : best));
  L.drawDirections = (panel, frame) => {
    const { model } = frame, { directions, axes } = model, left = directions.layers.filter(({ shares }) => !(shares[0] + shares[1])).reduce((sum, { size }) => sum + size, 0);
    panel.append(el("ul", { class: "gl-facts" }, [...directions.facts, axes.unit, ...(model.notes ?? [])].filter(Boolean).map((text) => el("li", {}, text))),
      el("dl", { class: "gl-numbers-list" }, facts(model).map(([name, value, told]) => el("div", {}, el("dt", {}, name), el("dd", {}, el("b", {}, value), told ? el("span", { class: "gh-small" }, told) : null)))),
      el("section", { class: "gb-section" }, el("h3", {}, "What the directions change"), tensors(model)));
    if (!directions.layers.length) return;
    const most = loudest(directions, 0);
    L.tellTab(frame, "directions", `${share(most.shares[0])} of direction 1 lies in the ${KINDS[most.kind] ?? most.kind} of ${layerName(most.name)}, ${share(most.size / model.P)} of all weights; ${left ? `${L.plural(left, "number")} of ${model.P} (${share(left / model.P)}) are left out` : "no weight is left out"}.`);
  };

  // ---- gradient flow ---------------------------------------------------------------------------------------------------
  const ratioWords = ({ layers }) => {
    const first = layers[0], last = layers.at(-1), ratio = first.norm / last.norm;
    if (!(last.norm > 0) && !(first.norm > 0)) return "no gradient reaches the first or the last layer";
    if (!(first.norm > 0)) return "no gradient reaches the first layer at all";
    if (!Number.isFinite(ratio)) return "the gradients are not finite";
    if (ratio > 1) return `the first layer hears ${L.digits(Number(ratio.toPrecision(2)))} times what the last one hears`;
    return ratio > 0.67 ? "the first layer hears about as much as the last one" : `the first layer hears 1/${Math.round(1 / ratio)} of what the last one hears${ratio < FAINT ? ": it vanishes" : ""}`;
  };
  L.flowSentence = ({ moments }) => `${moments.map((moment, i) => `${i ? moment.name : moment.name[0].toUpperCase() + moment.name.slice(1)}, ${ratioWords(moment)}`).join("; ")} (${moments[0].layers.length} layers).`;
  const bars = ({ name, layers }, { low, high }, width) => {
    const thin = layers.length > 16, row = thin ? Math.max(7, Math.min(12, 700 / layers.length)) : ROW, left = 118, height = Math.round(row * layers.length) + 34, every = Math.ceil(layers.length / 20);
    const decades = Array.from({ length: Math.round(high - low) + 1 }, (_, i) => Math.round(low) + i), step = Math.max(1, Math.ceil(decades.length / 6));
    const node = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, class: "gh-chart", role: "img", "aria-label": `Gradient norm of each layer, ${name}: ${ratioWords({ layers })}; first ${L.digits(layers[0].norm)}, last ${L.digits(layers.at(-1).norm)}` });
    const x = (value) => left + Math.max(0, Math.min(1, (Math.log10(value) - low) / (high - low))) * (width - left - 62);
    for (const power of decades.filter((_, i) => i % step === 0)) node.append(svg("line", { x1: x(10 ** power), x2: x(10 ** power), y1: 0, y2: height - 22, class: "gh-grid" }), svg("text", { x: x(10 ** power), y: height - 6, "text-anchor": "middle" }, power === 0 ? "1" : power > -4 && power < 4 ? String(10 ** power) : B.power(power)));
    layers.forEach((layer, i) => {
      const y = i * row, end = layer.norm > 0 ? x(layer.norm) : left, said = i % every === 0 || i === layers.length - 1;
      node.append(svg("rect", { x: left, y: y + row * 0.12, width: Math.max(0, end - left), height: row * 0.76, rx: 1.5, class: "gl-fill" }, svg("title", {}, `${layerName(layer.name)}: ${L.digits(layer.norm)}`)));
      if (said) node.append(svg("text", { x: left - 7, y: y + row / 2 + 4, "text-anchor": "end" }, layerName(layer.name.length > 17 ? `${layer.name.slice(0, 16)}…` : layer.name)));
      if (!thin || i === 0 || i === layers.length - 1) node.append(svg("text", { x: end + 6, y: y + row / 2 + 4, class: "gl-value" }, L.digits(layer.norm)));
    });
    return el("figure", {}, el("figcaption", {}, el("b", {}, name), `: ${ratioWords({ layers })}`), node);
  };
  const paintFlow = (panel, frame, answer) => {
    const room = panel.clientWidth || 640, wide = room >= 820, norms = answer.moments.flatMap(({ layers }) => layers.map(({ norm }) => norm)).filter((value) => value > 0 && Number.isFinite(value));
    const scale = norms.length ? { low: Math.floor(Math.log10(Math.min(...norms))), high: Math.ceil(Math.log10(Math.max(...norms)) + 1e-6) } : { low: -1, high: 0 };
    if (scale.high <= scale.low) scale.high = scale.low + 1;
    panel.append(el("p", { class: "gh-small gb-lead" }, "How strongly the loss pulls at the weights of each layer: the norm of the gradient, on a log scale. First layer on top. A layer that hears little learns little; in a deep network without skip connections the pull can fade or grow from layer to layer."),
      el("div", { class: wide ? "gl-flows" : "" }, answer.moments.map((moment, i) => bars(moment, scale, wide ? Math.floor((room - 40) / 2) : room))), el("p", { class: "gh-small gb-note" }, answer.note ?? ""));
    L.tellTab(frame, "gradients", L.flowSentence(answer));
  };
  L.drawFlow = (panel, frame) => frame.later(panel, frame.compute("flow", {}), (answer) => paintFlow(panel, frame, answer), "Measuring the gradient of each layer…");
})();
