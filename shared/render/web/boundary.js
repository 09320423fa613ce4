"use strict";
// The boundary viewer: its data, its sentences, its tabs. The weights of every kept epoch come from the server; the
// browser evaluates the small network itself (boundary_network.js), so every picture is sharp and every weight a handle.
(() => {
  const B = (Glasshouse.boundary ??= {});
  B.SPEEDS = [5, 15, 30, 60];
  B.PHONE = 620;

  B.decode = async (data) => {
    const [x, label, role, since] = await Promise.all(["x", "label", "role", "since"].map((name) => Glasshouse.unpack(data.points[name])));
    const model = { ...data, x, label, role, since, N: label.length, K: data.classes.length, P: B.countWeights(data.network.sizes), hidden: data.network.sizes.slice(1, -1),
      frames: [], gradients: [], loss: { training: [], validation: null }, accuracy: { training: [], validation: null }, done: 0, finished: false, stopped: "", jobs: new Map(), findings: new Map(), status: "running" };
    model.run = B.evaluator(data.network);
    await B.append(model, data.train);
    return model;
  };
  B.countWeights = (sizes) => sizes.slice(1).reduce((sum, out, i) => sum + out * (sizes[i] + 1), 0);

  // What is open on the page; it belongs to no link.
  B.ui = (frame) => (frame.boundary ??= { mode: null, position: 0, listeners: [], open: new Set(), paint: -1, past: [], link: null });

  // ---- moments ---------------------------------------------------------------------------------------------------
  B.newest = (model) => model.frames.length - 1;
  B.epochAt = (model, index) => model.shown[Math.max(0, index)] ?? 0;
  // The last kept moment that is not later than the epoch.
  B.indexAt = (model, epoch) => {
    let low = 0, high = B.newest(model);
    while (low < high) { const middle = (low + high + 1) >> 1; if (model.shown[middle] <= epoch) low = middle; else high = middle - 1; }
    return high < 0 ? -1 : low;
  };
  B.index = (frame) => {
    const { model } = frame, ui = B.ui(frame), { epoch } = frame.chosen;
    if (ui.mode) return B.indexAt(model, ui.position);
    return epoch === undefined ? B.newest(model) : B.indexAt(model, epoch);
  };
  // The chosen hidden unit as [layer, unit], if the network has it.
  B.unit = ({ model, state: { layer = 0, unit } }) => (unit !== undefined && unit < (model.hidden[layer] ?? 0) ? [layer, unit] : undefined);

  // ---- weights changed by hand: "layer.to.from=value,..." ------------------------------------------------------------
  B.dragged = (text) => String(text ?? "").split(",").filter(Boolean).map((each) => {
    const [place, value] = each.split("="), [layer, to, from] = place.split(".");
    return { layer: Number(layer), to: Number(to), from: from === "b" ? "b" : Number(from), value: Number(value) };
  });
  B.dragText = (changes) => changes.map(({ layer, to, from, value }) => `${layer}.${to}.${from}=${Number(value.toFixed(4))}`).join(",");
  B.place = (model, { layer, to, from }) => {
    const own = model.run.layers[layer];
    if (!own || !(to >= 0 && to < own.out) || !(from === "b" || (from >= 0 && from < own.in))) return -1;
    return from === "b" ? own.bias + to : own.weights + to * own.in + from;
  };
  // The weights on display: those of the moment, with what the visitor has changed. One buffer for each model.
  B.weights = (model, index, drag) => {
    const kept = model.frames[index];
    if (!kept) return null;
    model.work ??= new Float64Array(model.P);
    model.work.set(kept);
    if (drag) for (const change of B.dragged(drag)) model.work[B.place(model, change)] = change.value;
    return model.work;
  };

  // ---- words -----------------------------------------------------------------------------------------------------
  B.learnerName = ({ plan, P, hidden }, bare) => (hidden.length && !bare ? `${plan.learner} (${hidden.join(", ")}; ${P} weights)` : plan.learner);
  B.unitName = (model, layer, unit) => (layer < 0 ? model.axes[unit].name : layer < model.hidden.length ? `unit ${unit} of layer ${layer}` : model.K > 2 ? `output for ${model.classes[unit]}` : "the output");

  // Which points judge the network: the held-out ones, else those it learned from; only those that take part already.
  B.judges = (model, epoch) => {
    const held = model.role.indexOf(1) >= 0, picks = [];
    for (let i = 0; i < model.N; i++) if (model.role[i] === (held ? 1 : 0) && model.since[i] <= epoch) picks.push(i);
    return { held, picks };
  };
  // Accuracy on display: the server's, or the browser's own where the visitor has moved a weight.
  B.accuracyAt = (model, index, drag) => {
    const epoch = B.epochAt(model, index), { held, picks } = B.judges(model, epoch);
    if (!drag) { const value = (held ? model.accuracy.validation : model.accuracy.training)?.[epoch]; if (value !== undefined && value !== null) return { value, held, count: picks.length }; }
    const weights = B.weights(model, index, drag);
    if (!weights || !picks.length) return { value: null, held, count: picks.length };
    const said = B.predict(model, weights);
    return { value: picks.filter((i) => said[i] === model.label[i]).length / picks.length, held, count: picks.length };
  };
  B.told = (held) => (held ? "it never saw" : "it was trained on");
  const share = (value) => (value === null ? "an unknown share" : Glasshouse.percent(value));
  const after = (epoch) => (epoch ? `After ${B.plural(epoch, "epoch")}` : "Untrained,");

  B.finding = (frame) => {
    const { model } = frame, index = B.index(frame), special = model.findings.get(frame.state.tab ?? "watch");
    if (special) return special;
    if (index < 0 || !model.N) return model.stopped || `${model.plan.title}: ${B.plural(model.N, "point")} and ${B.plural(model.P, "weight")}, nothing is trained yet.`;
    const epoch = B.epochAt(model, index), drag = frame.chosen.drag, now = B.accuracyAt(model, index, drag), points = `of ${B.plural(now.count, "point")} ${B.told(now.held)}`;
    if (drag) {
      const before = B.accuracyAt(model, index), many = B.dragged(drag).length;
      return `${B.plural(many, "weight")} changed by hand at epoch ${epoch}: accuracy ${share(now.value)} ${points}; as trained it was ${share(before.value)}.`;
    }
    const straight = !model.line ? "" : model.hidden.length ? `; any straight line on all points: ${Glasshouse.percent(model.line.accuracy)} at best` : `: on all points no straight line can do better than ${Glasshouse.percent(model.line.accuracy)}`;
    const floor = model.line ? "" : `; always saying the commonest class: ${Glasshouse.percent(model.majority)}`;
    return `${after(epoch)} the ${B.learnerName(model)} is right on ${share(now.value)} ${points}${straight}${floor}.`;
  };
  B.trust = (frame) => {
    const { model } = frame, index = B.index(frame), { drag } = frame.chosen, { value, held, count } = B.accuracyAt(model, Math.max(0, index), drag);
    const floor = `always saying the commonest class: ${Glasshouse.percent(model.majority)}${model.line ? `; the best straight line: ${Glasshouse.percent(model.line.accuracy)} of all points` : ""}.`;
    if (!model.N) return { value: "Accuracy:", label: "known when there are points of two classes.", floor: "" };
    if (index < 0 || value === null) return { value: "Accuracy:", label: "known when the first epoch is trained;", floor };
    const when = drag ? `after epoch ${B.epochAt(model, index)} and with weights changed by hand` : `after epoch ${B.epochAt(model, index)}`;
    return { value: `${held ? "Validation" : "Training"} accuracy ${Glasshouse.percent(value)}`, label: held ? `on ${B.plural(count, "point")} that were held out, ${when};` : `on the ${B.plural(count, "point")} it was trained on (none were held out), ${when};`, floor };
  };
  // A view that has computed more says more, as long as it is on display.
  B.tellTab = (frame, tab, sentence) => { frame.model.findings.set(tab, sentence); frame.tell(); };

  // ---- the viewer ------------------------------------------------------------------------------------------------
  B.parse = (changes, { model }) => {
    const out = { ...changes };
    const whole = (name, low, high) => {
      if (!(name in out)) return;
      if (String(out[name]).trim() === "" || !Number.isFinite(Number(out[name]))) delete out[name];
      else out[name] = Math.max(low, Math.min(high, Math.round(Number(out[name]))));
    };
    const among = (name, values) => { if (name in out && !values.includes(out[name])) delete out[name]; };
    if (out.epoch === "last") out.epoch = model.plan.epochs;
    whole("epoch", 0, Number(model.plan.epochs));
    whole("layer", 0, Math.max(0, model.hidden.length - 1));
    whole("unit", 0, Math.max(0, (model.hidden[out.layer ?? 0] ?? 1) - 1));
    whole("threshold", 1, 99);
    whole("speed", 0, 1000);
    among("speed", B.SPEEDS);
    among("surface", ["probability", "classes"]);
    among("space", ["pca", "tsne"]);
    among("axis", (model.races ?? []).map(({ id }) => id));
    if ("arrows" in out) out.arrows = String(out.arrows) === "true";
    if ("drag" in out) {
      const kept = B.dragged(out.drag).filter((change) => B.place(model, change) >= 0 && Number.isFinite(change.value));
      if (kept.length) out.drag = B.dragText(kept); else delete out.drag;
    }
    return out;
  };

  const trained = (frame) => frame.model.frames.length && frame.model.N;
  const tab = (id, group, label, title, draw, when) => ({ id, group, label, title, when, draw: (panel, frame) => {
    B.adopt(frame);
    frame.model.findings.delete(id);
    B[draw](panel, frame);
    frame.tell();
    B.train(frame, { model: frame.model, payload: frame.payload });
  } });
  Glasshouse.viewers.boundary = {
    keys: ["epoch", "layer", "unit", "threshold", "space", "axis", "drag"],
    options: [
      { id: "surface", value: "probability", chip: () => "Classes only" },
      { id: "arrows", value: false, chip: () => "Arrows: where the answer changes fastest" },
      { id: "speed", value: 30, chip: (value) => `${value} epochs a second` },
    ],
    decode: B.decode,
    describe: (frame) => ({ finding: B.finding(frame), trust: B.trust(frame) }),
    parse: B.parse,
    // Another network means other weights; what was only steered goes on from its epoch.
    forget: (before, now) => {
      const changed = Object.keys(now).filter((name) => before[name] !== now[name]);
      if (!changed.length) return [];
      const other = ["learner", "hidden_layers"].some((name) => changed.includes(name));
      return ["drag", "epoch", ...(other ? ["layer", "unit"] : [])];
    },
    limits: (model) => ({ layer: model.hidden.length, unit: Math.max(0, ...model.hidden), axis: (id) => (model.races ?? []).some((race) => race.id === id) }),
    caption: ({ payload: { inputs }, model }) => `${model.plan.title}, ${B.learnerName(model, true)}${model.hidden.length ? ` ${model.hidden.join("-")} ${inputs.activation}` : ""}, seed ${inputs.seed}`,
    tabs: [
      tab("watch", "See", "Watch", "how the boundary bends while the network learns", "drawWatch"),
      tab("inside", "Compute", "Inside", "what each hidden unit sees, and how strongly each layer learns", "drawInside", trained),
      tab("space", "Compute", "Hidden space", "how a layer folds the plane until a straight line is enough", "drawSpace", (frame) => frame.model.hidden.length && trained(frame)),
      tab("verdict", "Doubt", "Verdict", "which mistakes it makes, and whether its probabilities can be believed", "drawVerdict", trained),
      tab("race", "Doubt", "Race", "is another setting better, or was it luck?", "drawRace", (frame) => (frame.model.races ?? []).length && frame.model.N),
      tab("compare", "Compare", "A | B", "the pinned run beside this one, on one timeline", "drawCompare", (frame) => frame.pinned),
    ],
  };
})();
