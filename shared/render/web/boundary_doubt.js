"use strict";
// Doubt: the verdict on the shown epoch, and a race between settings over several seeds.
(() => {
  const B = Glasshouse.boundary, { el, svg } = Glasshouse;
  const SMALL = 30; // points under which percentages are shaky
  const shares = [[0, "0"], [0.5, "50 %"], [1, "100 %"]];
  const figure = (title, text, ...content) => el("figure", {}, el("figcaption", {}, el("b", {}, title), ` ${text}`), ...content);

  // ---- verdict -----------------------------------------------------------------------------------------------------------
  B.drawVerdict = (panel, frame) => {
    const { model } = frame, ui = B.ui(frame), room = panel.clientWidth || 640, two = model.K === 2, body = el("div", {}), held = model.role.indexOf(1) >= 0;
    const surface = B.surface(frame, model, { width: Math.min(room, 340), threshold: frame.state.threshold ?? 50, focus: "verdict", name: "Decision surface at this threshold" });
    const kind = () => (two ? 1 : Math.min(ui.kind ?? 0, model.K - 1)), place = el("output", {});
    let last = 0;
    const show = (index, moving) => {
      last = index;
      const weights = B.weights(model, index, frame.chosen.drag);
      if (!weights) return;
      const threshold = (frame.state.threshold ?? 50) / 100, answer = B.judge(model, weights, B.epochAt(model, index), kind(), threshold);
      surface.threshold = 100 * threshold;
      place.textContent = `${Math.round(100 * threshold)} %`;
      surface.paint(weights, B.epochAt(model, index), moving);
      B.paintVerdict(body, model, answer, kind(), threshold, room);
      model.findings.set("verdict", B.verdictSentence(model, answer, kind(), threshold, index));
      if (!moving) { surface.say(model.findings.get("verdict")); frame.tell(); }
    };
    const slider = el("input", { type: "range", min: 1, max: 99, value: frame.state.threshold ?? 50, class: "gb-slider", "data-focus": "threshold", oninput: () => { B.choose(frame, "threshold", Number(slider.value) === 50 ? undefined : Number(slider.value)); show(last, true); }, onchange: () => { show(last); frame.rememberAddress(); } });
    const timeline = B.timeline(frame, { model, show });
    const classes = two ? null : el("label", { class: "gb-label" }, "Curves for ", el("select", { "data-focus": "kind", onchange: (event) => { ui.kind = Number(event.target.value); show(last); } }, model.classes.map((name, k) => el("option", { value: k, selected: k === kind() }, name))), " against the rest");
    panel.append(el("div", { onkeydown: timeline.keys },
      el("p", { class: "gh-small gb-lead" }, held ? "Judged on the points that were held out of training. One number hides a lot: look which mistakes are made, and whether “80 % sure” is right 8 times in 10." : "No points were held out, so this judges the network on what it has learned by heart: expect worse on new points."),
      timeline.node,
      el("div", { class: "gb-bar gb-first", style: "margin-top:10px" }, two ? el("label", { class: "gb-threshold" }, `Say “${model.classes[1]}” from `, slider, place) : classes),
      model.network.output === "step" ? el("p", { class: "gh-small" }, "A Perceptron says yes or no, never how sure it is: its curves have one corner, and the threshold changes nothing.") : null,
      el("div", { class: "gb-verdict" }, surface.node, body)));
    timeline.fresh();
  };
  // Everything that can be counted: on the points that judge, with `kind` against the rest.
  B.judge = (model, weights, epoch, kind, threshold) => {
    const { held, picks } = B.judges(model, epoch), odds = B.probabilities(model, weights, model.x, model.N), K = model.K;
    const truth = picks.map((i) => model.label[i]), scores = picks.map((i) => odds[i * K + kind]), positive = truth.map((label) => label === kind);
    const said = picks.map((i, j) => (K === 2 ? (scores[j] >= threshold ? 1 : 0) : B.winner(odds.subarray(i * K, (i + 1) * K), K, 1, 0)));
    const right = said.filter((each, j) => each === truth[j]).length;
    return { held, count: picks.length, right, matrix: B.confusion(truth, said, K), roc: B.roc(positive, scores), pr: B.precisionRecall(positive, scores), calibration: B.calibration(positive, scores), positive, scores };
  };
  // Where the curves stand at the threshold.
  const standing = ({ positive, scores }, threshold) => {
    let hits = 0, alarms = 0, positives = 0;
    positive.forEach((is, i) => { if (is) positives++; if (scores[i] >= threshold) { if (is) hits++; else alarms++; } });
    return { recall: hits / Math.max(1, positives), precision: hits + alarms ? hits / (hits + alarms) : null, alarm: alarms / Math.max(1, positive.length - positives) };
  };
  B.verdictSentence = (model, { held, count, right, roc, calibration }, kind, threshold, index) => {
    const at = model.K === 2 && threshold !== 0.5 ? ` with the threshold at ${Glasshouse.percent(threshold)}` : "";
    return `Epoch ${B.epochAt(model, index)}: ${right} of ${B.plural(count, held ? "held-out point" : "training point")} right (${Glasshouse.percent(count ? right / count : 0)})${at}; ${roc ? `area under the ROC curve ${roc.area.toFixed(3)}` : "one class only, so no ROC curve"}, its probabilities are off by ${Glasshouse.percent(calibration.error, 1)} on average.`;
  };
  B.paintVerdict = (root, model, answer, kind, threshold, room) => {
    const { matrix, roc, pr, calibration, count } = answer, width = room < 820 ? Math.min(room, 380) : Math.max(230, Math.min(400, Math.floor((room - 340 - 80) / 2))), now = standing(answer, threshold), two = model.K === 2;
    const curve = (title, label, points, xLabel, ideal, spot) => {
      const chart = Glasshouse.chart({ width, height: 200, x: [0, 1], y: [0, 1], xTicks: shares, yTicks: shares, xLabel, left: 46, right: 20, label });
      chart.node.append(svg("line", { x1: chart.x(0), y1: chart.y(ideal[0]), x2: chart.x(1), y2: chart.y(ideal[1]), class: "gb-ideal" }));
      Glasshouse.line(chart, points, { class: "gb-ink-validation" });
      if (spot && two && spot[1] !== null) Glasshouse.dot(chart, spot, { class: "gb-early gb-ink-other", r: 5.5 });
      return chart.node;
    };
    const missing = el("p", { class: "gh-small" }, "All points that judge are of one class: there is no such curve.");
    root.replaceChildren(el("div", { class: "gb-two" },
      figure("Who is taken for whom", "rows: the truth, columns: what is said", B.confusionTable(model, matrix)),
      figure("Calibration", `how often it is right when it is so sure; expected error ${Glasshouse.percent(calibration.error, 1)}`, B.calibrationChart(calibration, width)),
      figure("ROC", roc ? `area ${roc.area.toFixed(3)}; a coin: 0.5` : "", roc ? curve("ROC", `ROC curve, area ${roc.area.toFixed(3)}`, roc.points, "false alarms", [0, 1], [now.alarm, now.recall]) : missing),
      figure("Precision and recall", pr ? `average precision ${pr.average.toFixed(3)}, area ${pr.area.toFixed(3)}; a coin: ${pr.floor.toFixed(2)}` : "", pr ? curve("Precision and recall", `Precision over recall, average precision ${pr.average.toFixed(3)}`, pr.points, "recall: share found", [pr.floor, pr.floor], [now.recall, now.precision]) : missing)),
    el("p", { class: "gh-small", style: "margin-top:10px" }, `${two ? `At the threshold: finds ${Glasshouse.percent(now.recall)} of “${model.classes[1]}” (recall), with ${Glasshouse.percent(now.alarm)} false alarms; ${now.precision === null ? "it never says so" : `${Glasshouse.percent(now.precision)} of its alarms are true (precision)`}. ` : ""}${count < SMALL ? `Only ${B.plural(count, "point")} judge: one more mistake moves everything by ${Glasshouse.percent(1 / Math.max(1, count), 1)}.` : ""}`));
  };
  B.confusionTable = (model, matrix) => {
    const most = Math.max(1, ...matrix.flat());
    const shade = (value, right) => `background:color-mix(in srgb, ${right ? "var(--gh-accent)" : "var(--gb-other)"} ${Math.round(62 * Math.sqrt(value / most))}%, transparent)`;
    return el("div", { class: "gb-scroll" }, el("table", { class: "gb-table gb-confusion" }, el("thead", {}, el("tr", {}, el("th", {}), model.classes.map((name) => el("th", { scope: "col", title: `said: ${name}` }, name)))),
      el("tbody", {}, matrix.map((row, truth) => el("tr", {}, el("th", { scope: "row", title: `truth: ${model.classes[truth]}` }, model.classes[truth]), row.map((value, said) => el("td", { style: value ? shade(value, truth === said) : "", title: `${model.classes[truth]}, said ${model.classes[said]}` }, String(value))))))));
  };
  B.calibrationChart = ({ bins }, width) => {
    const chart = Glasshouse.chart({ width, height: 200, x: [0, 1], y: [0, 1], xTicks: shares, yTicks: shares, xLabel: "probability that is said", left: 46, right: 20, label: `Calibration: ${bins.filter(({ count }) => count).map(({ said, found, count }) => `said ${Glasshouse.percent(said)}, found ${Glasshouse.percent(found)} of ${count}`).join("; ")}` });
    chart.node.append(svg("line", { x1: chart.x(0), y1: chart.y(0), x2: chart.x(1), y2: chart.y(1), class: "gb-ideal" }));
    const most = Math.max(...bins.map(({ count }) => count)), full = bins.filter(({ count }) => count);
    for (const { from, to, count } of full) chart.node.append(svg("rect", { x: chart.x(from) + 1, width: chart.x(to) - chart.x(from) - 2, y: chart.floor - 26 * count / most, height: 26 * count / most, class: "gb-fill gb-ink-training", opacity: 0.6 }));
    Glasshouse.line(chart, full.map(({ said, found }) => [said, found]), { class: "gb-ink-validation" });
    for (const { said, found, count } of full) Glasshouse.dot(chart, [said, found], { class: "gb-ink-validation", r: 2 + 3 * Math.sqrt(count / most) });
    return chart.node;
  };

  // ---- race --------------------------------------------------------------------------------------------------------------
  B.drawRace = (panel, frame) => {
    const { model } = frame, ui = B.ui(frame), races = model.races ?? [], axis = frame.state.axis ?? races[0].id, seeds = ui.seeds ?? 3;
    panel.append(el("p", { class: "gh-small gb-lead" }, "The same points, the same number of epochs, one setting changed; each runs from several random starts. A difference smaller than the band between the starts is luck."),
      el("div", { class: "gb-bar gb-first" }, el("label", { class: "gb-label" }, "Race between ", el("select", { "data-focus": "axis", onchange: (event) => frame.set({ axis: event.target.value }) }, races.map(({ id, name }) => el("option", { value: id, selected: id === axis }, name)))),
        Glasshouse.choice("Seeds", [[3, "3 starts"], [5, "5 starts"]], seeds, (value) => { ui.seeds = value; frame.draw(); })),
      B.long(frame, B.job(frame, "race", { axis, seeds }), { button: "Start the race", unit: "run", partial: "rows", show: (answer, body, finished) => B.paintRace(frame, body, answer, finished) }));
  };
  const median = (values) => { const order = [...values].sort((a, b) => a - b), middle = order.length / 2; return order.length % 2 ? order[Math.floor(middle)] : (order[middle - 1] + order[middle]) / 2; };
  const known = (values) => values.filter((value) => value !== null && value !== undefined);
  B.paintRace = (frame, body, { rows = [], target_note: note = "", target }, finished) => {
    if (!rows.length) return;
    const room = body.clientWidth || frame.parts.panel.clientWidth || 640, width = room < 820 ? room : Math.floor((room - 40) / 2);
    const chart = (measure, top, yTicks, title) => {
      const epochs = Math.max(...rows.map((row) => row[measure].median.length)) - 1, made = Glasshouse.chart({ width, height: 220, x: [0, Math.max(1, epochs)], y: [0, top], xTicks: B.ticks(0, Math.max(1, epochs), 5).filter(Number.isInteger).map((value) => [value, String(value)]), yTicks, xLabel: "epoch", left: 46, right: 16, label: `${title}: ${rows.map((row) => `${row.name} ${B.digits(known(row[measure].median).at(-1) ?? NaN)}`).join("; ")}` });
      rows.forEach((row, i) => {
        const at = (value, epoch) => `${made.x(epoch).toFixed(1)},${made.y(Math.min(top, value)).toFixed(1)}`, { low, high, median: middle } = row[measure], pairs = low.map((value, epoch) => [value, high[epoch], epoch]).filter(([a, b]) => a !== null && b !== null);
        made.node.append(svg("polygon", { points: [...pairs.map(([value, , epoch]) => at(value, epoch)), ...[...pairs].reverse().map(([, value, epoch]) => at(value, epoch))].join(" "), class: `gb-band gb-ink-${i % 6}` }));
        Glasshouse.line(made, middle.map((value, epoch) => [epoch, value]).filter(([, value]) => value !== null).map(([epoch, value]) => [epoch, Math.min(top, value)]), { class: `gb-ink-${i % 6}`, "stroke-dasharray": i > 5 ? "5 3" : undefined });
      });
      return figure(title, "median and range over the starts", made.node);
    };
    const first = Math.max(...rows.map((row) => row.loss.median[0] ?? 0)), top = Math.max(0.05, Math.min(2 * first || Infinity, Math.max(...rows.flatMap((row) => known(row.loss.high))))) * 1.02;
    const order = rows.map((row, i) => ({ row, i, score: row.finals.length && known(row.finals).length ? median(known(row.finals)) : -1 })).sort((a, b) => b.score - a.score);
    body.replaceChildren(el("div", { class: "gb-two" }, chart("loss", top, B.ticks(0, top, 4).map((value) => [value, String(value)]), "Loss"), chart("accuracy", 1, shares, "Accuracy")),
      el("div", { class: "gb-scroll gb-section" }, el("table", { class: "gb-table" }, el("thead", {}, el("tr", {}, ["", "accuracy at the end", "spread", `epochs to ${Glasshouse.percent(target ?? 0.9)}`, "diverged"].map((text) => el("th", { scope: "col" }, text)))),
        el("tbody", {}, order.map(({ row, i, score }) => { const finals = known(row.finals), reached = known(row.to_target); return el("tr", {}, el("th", { scope: "row" }, el("span", { class: `gb-ink-${i % 6}` }, el("i", { class: "gb-swatch" })), row.name), el("td", {}, el("b", {}, score < 0 ? "–" : Glasshouse.percent(score))), el("td", {}, finals.length ? `${Glasshouse.percent(Math.min(...finals))} to ${Glasshouse.percent(Math.max(...finals))}` : "–"),
          el("td", {}, reached.length ? `${B.digits(median(reached))}${reached.length < row.to_target.length ? ` (${reached.length} of ${row.to_target.length} starts)` : ""}` : "never"), el("td", { class: row.diverged ? "gb-weak" : "" }, row.diverged ? `${row.diverged} of ${row.finals.length || row.to_target.length}` : "none")); })))),
      el("p", { class: "gh-small" }, `${note} The table is ordered by the median accuracy at the end.`));
    if (!finished || order.length < 2 || frame.state.tab !== "race") return;
    const [best, second] = order, low = Math.min(...known(best.row.finals)), overlap = low <= Math.max(...known(second.row.finals), 0);
    B.tellTab(frame, "race", `${best.row.name} ends at ${Glasshouse.percent(best.score)} (median of ${best.row.finals.length} starts), ${second.row.name} at ${Glasshouse.percent(second.score)}; ${overlap ? "their ranges overlap, so this may be luck" : "even its worst start beats the other's best"}.`);
  };
})();
