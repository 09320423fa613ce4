"use strict";
// Compare: the pinned picture A beside the present one B, on one scale, with the difference where it is defined.
(() => {
  const A = Glasshouse.attention, { el } = Glasshouse;

  A.drawCompare = (panel, frame) => {
    const pinned = frame.pinned, state = { ...frame.state, filter: "" };
    const stateA = { ...state, layer: pinned.state.layer, head: pinned.state.head };
    const columns = el("div", { class: "ga-compare" });
    panel.append(columns);
    const load = Promise.all([A.fetchPinned(frame, pinned, stateA), A.fetchHead(frame, frame.model, state.layer, state.head)]);
    frame.later(columns, load, ([a, b]) => {
      const left = A.display(pinned.model, a, stateA), right = A.display(frame.model, b, state);
      const boxes = []; // all stand in the page before one is drawn, because a picture takes the width it finds
      const box = (name, caption, draw) => {
        const node = el("div", { class: "ga-body" });
        columns.append(el("figure", {}, el("figcaption", {}, el("b", {}, name), ` ${caption}`), node));
        boxes.push(() => draw(node));
      };
      const text = (payload) => [payload.inputs.text, payload.inputs.pair].filter(Boolean).join(" / ");
      const label = (payload, each) => `${payload.inputs.model} · ${A.title(each.layer, each.head).toLowerCase()} · “${text(payload).slice(0, 60)}”`;
      box("A", label(pinned.payload, stateA), (node) => A.paintHeatmap(node, left, frame));
      box("B", label(frame.payload, state), (node) => A.paintHeatmap(node, right, frame));
      const same = left.rows.length === right.rows.length && left.columns.length === right.columns.length;
      if (same) box("B − A", A.differenceCaption(left, right), (node) => A.paintDifference(node, left, right, frame));
      boxes.forEach((draw) => draw());
      panel.append(A.attentionScale(), el("p", { class: "gh-small" }, same ? "" : `No difference is drawn: A shows ${left.rows.length} × ${left.columns.length} tokens, B ${right.rows.length} × ${right.columns.length}. `,
        A.predictionLine(pinned, frame)));
    });
  };

  A.fetchPinned = async (frame, pinned, state) => {
    const here = A.head(pinned.model, state.layer, state.head);
    if (here) return here;
    const roots = await Glasshouse.unpack(await frame.compute("head", { inputs: pinned.payload.inputs, layer: state.layer, head: state.head }));
    return Float32Array.from(roots, (root) => root * root / 65025);
  };

  const sameLabels = (left, right) => left.rows.every((row, i) => row.label === right.rows[i].label) && left.columns.every((column, i) => column.label === right.columns[i].label);

  A.differenceCaption = (left, right) => {
    let moved = 0;
    for (let i = 0; i < left.values.length; i++) moved += Math.abs(right.values[i] - left.values[i]);
    const share = moved / (2 * left.rows.length);
    return `${Glasshouse.percent(share)} of the attention has moved${sameLabels(left, right) ? "" : " (tokens differ: compared position by position)"}`;
  };

  A.paintDifference = (root, left, right, frame) => {
    const difference = left.values.map((value, i) => right.values[i] - value);
    const limit = Math.max(0.01, difference.reduce((most, value) => Math.max(most, Math.abs(value)), 0)), table = Glasshouse.signed();
    const labels = right.rows.map((row, i) => ({ ...row, label: row.label === left.rows[i].label ? row.label : `${left.rows[i].label}→${row.label}` }));
    const display = { rows: labels, columns: right.columns, values: difference };
    A.paintHeatmap(root, { ...display, sheet: A.sheet(difference, labels.length, right.columns.length, table, (value) => Math.round(127.5 + 127.5 * value / limit)) }, frame);
    root.append(Glasshouse.scale(table, [[0, `−${limit.toFixed(2)}`], [0.5, "0"], [1, `+${limit.toFixed(2)}`]], "attention in B minus attention in A"));
  };

  A.predictionLine = (pinned, frame) => {
    const say = (name, { prediction }) => (prediction.task === "sentence vector" ? `${name} makes no prediction` : `${name} answers ${prediction.answer} (${Glasshouse.percent(prediction.probability, 1)})`);
    return `${say("A", pinned.model)}; ${say("B", frame.model)}.`;
  };
})();
