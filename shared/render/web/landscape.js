"use strict";
// The landscape viewer: the loss over a plane through the trained weights. Its data, its time and place, its tabs; the
// losses themselves come in turns (landscape_grid.js).
(() => {
  const L = (Glasshouse.landscape = {}), B = Glasshouse.boundary;
  L.SPEEDS = [5, 15, 30];
  L.PHONE = 660;
  Object.assign(L, { digits: B.digits, plural: B.plural });

  // ---- decode --------------------------------------------------------------------------------------------------------
  const numbers = (list) => list.map((value) => value ?? NaN);
  L.decodePath = async (path) => {
    const [coordinates, arrows] = await Promise.all([path.coordinates, path.arrows].map((packed) => Glasshouse.unpack(packed)));
    return { ...path, coordinates, arrows, loss: numbers(path.loss), plane_loss: numbers(path.plane_loss), distance: numbers(path.distance) };
  };
  // The points and the network as the boundary viewer knows them, so that it can draw the network at any place.
  const decodePoints = async (points) => {
    const [x, label, role, theta, d1, d2] = await Promise.all(["x", "label", "role", "theta", "d1", "d2"].map((name) => Glasshouse.unpack(points[name])));
    return { ...points, x, label, role, theta, d1, d2, N: label.length, K: points.classes.length, since: new Uint8Array(label.length), run: B.evaluator(points.network) };
  };
  L.decode = async (data) => {
    const R = data.alpha.length, blank = () => new Float32Array(R * R).fill(NaN);
    const model = { ...data, ...L.order(R), R, P: data.plan.parameters, values: blank(), grid: blank(), seen: new Uint8Array(R * R), known: 0, stride: null, version: 0, done: 0, of: R * R, finished: false, status: "running", jobs: new Map(), findings: new Map() };
    model.paths = await Promise.all((data.paths ?? []).map(L.decodePath));
    model.points = data.points ? await decodePoints(data.points) : null;
    await L.append(model, data.scan);
    return model;
  };

  // ---- time and place --------------------------------------------------------------------------------------------------
  // What is open on the page; it belongs to no link. `mode` is "play" while the ball rolls, at epoch `position`.
  L.ui = (frame) => (frame.landscape ??= { mode: null, position: 0, listeners: [] });
  L.lastEpoch = (model) => model.paths[0]?.epochs.at(-1) ?? 0;
  // The epoch on display, between two whole ones while the ball rolls.
  L.epoch = (frame) => {
    const ui = L.ui(frame), last = L.lastEpoch(frame.model);
    return ui.mode ? Math.min(last, ui.position) : Math.min(last, frame.chosen.epoch ?? last);
  };
  // Where an epoch lies in a path's lists: a real number, whole at the epochs that were kept.
  L.indexAt = ({ epochs }, epoch) => {
    const after = epochs.findIndex((each) => each > epoch);
    if (after < 0) return epochs.length - 1;
    return after === 0 ? 0 : after - 1 + (epoch - epochs[after - 1]) / (epochs[after] - epochs[after - 1]);
  };
  L.pathIndex = (frame, path) => L.indexAt(path, L.epoch(frame));
  const mix = (low, high, part) => (part > 0 ? low + part * (high - low) : low);
  // Everything about the ball at a real index: {alpha, beta, loss, plane_loss, distance, arrow: [alpha, beta]}
  L.ballAt = (path, index) => {
    const i = Math.floor(index), j = Math.min(path.epochs.length - 1, i + 1), part = index - i, { coordinates: at, arrows } = path;
    return { alpha: mix(at[2 * i], at[2 * j], part), beta: mix(at[2 * i + 1], at[2 * j + 1], part), arrow: [mix(arrows[2 * i], arrows[2 * j], part), mix(arrows[2 * i + 1], arrows[2 * j + 1], part)],
      ...Object.fromEntries(["loss", "plane_loss", "distance"].map((name) => [name, mix(path[name][i], path[name][j], part)])) };
  };
  // The place that is looked at: pinned by a click, else under the ball, else the trained weights.
  L.place = (frame, model = frame.model) => {
    const { a, b } = frame.state, [path] = model.paths;
    if (a !== undefined && b !== undefined) return { alpha: Number(a), beta: Number(b), pinned: true };
    return path ? L.ballAt(path, L.indexAt(path, L.epoch(frame))) : { alpha: 0, beta: 0 };
  };
  // Pin a place, or with no place follow the ball again; every view that shows it hears of it.
  L.setPlace = (frame, alpha, beta) => {
    const keep = (name, value, lines) => { if (value === undefined) delete frame.chosen[name]; else frame.chosen[name] = Math.max(lines[0], Math.min(lines.at(-1), value)).toFixed(3); };
    keep("a", alpha, frame.model.alpha);
    keep("b", beta, frame.model.beta);
    L.heard(frame, frame.model, true);
    frame.rememberAddress();
  };
  Object.assign(L, Glasshouse.turns(L.ui, (frame) => frame.model));

  // ---- the scan ----------------------------------------------------------------------------------------------------------
  L.scan = (frame, subject) => {
    const { model } = subject;
    return L.follow(frame, subject, "scan", () => model.known, async (answer) => { await L.append(model, answer); return answer.values; });
  };
  // How far the scan is, a way to stop it, a way to go on; a saved page says what it lacks.
  L.scanState = (frame, subject = { model: frame.model, payload: frame.payload }) => {
    const { model } = subject, again = () => { model.status = "running"; L.scan(frame, subject); L.heard(frame, model); };
    if (frame.host.frozen) return model.finished ? null : Glasshouse.el("p", { class: "gh-small" }, `Saved when ${model.known} of ${L.plural(model.of, "point")} were scanned; the others are interpolated.`);
    return L.progress(frame, () => ({ status: model.finished ? "done" : model.status, message: model.message, done: model.known, of: model.of, unit: model.status === "running" ? "scanning: point" : "point", finished: "" }), () => { model.status = "stopped"; L.heard(frame, model); }, again);
  };
  // Another network or another plane is a new picture, which plays by itself once.
  const adopt = (frame) => {
    const ui = L.ui(frame), { model } = frame;
    if (ui.model === model) return;
    const { rivals, ...rest } = frame.payload.inputs, key = JSON.stringify(rest);
    Object.assign(ui, { model, fresh: ui.key !== key, mode: ui.key === key ? ui.mode : null, key, hover: null });
  };

  // ---- the viewer ----------------------------------------------------------------------------------------------------
  L.parse = (changes, { model }) => {
    const out = { ...changes };
    const number = (name, low, high, round) => {
      if (!(name in out)) return;
      if (String(out[name]).trim() === "" || !Number.isFinite(Number(out[name]))) delete out[name];
      else out[name] = round(Math.max(low, Math.min(high, Number(out[name]))));
    };
    const among = (name, values) => { if (name in out && !values.includes(out[name])) delete out[name]; };
    if (out.epoch === "last") out.epoch = L.lastEpoch(model);
    if (model.paths.length) number("epoch", 0, L.lastEpoch(model), Math.round); else delete out.epoch;
    number("a", model.alpha[0], model.alpha.at(-1), (value) => value.toFixed(3));
    number("b", model.beta[0], model.beta.at(-1), (value) => value.toFixed(3));
    if (!("a" in out && "b" in out)) { delete out.a; delete out.b; }
    number("height", 2, 100, Math.round);
    number("speed", 0, 1000, Math.round);
    among("speed", L.SPEEDS);
    among("scale", ["log", "linear"]);
    among("path", ["shown", "hidden"]);
    if ("camera" in out && !(String(out.camera).split(",").length === 3 && String(out.camera).split(",").every((each) => each !== "" && Number.isFinite(Number(each))))) delete out.camera;
    return out;
  };
  const tab = (id, group, label, title, draw, when) => ({ id, group, label, title, when, draw: (panel, frame) => {
    adopt(frame);
    frame.model.findings.delete(id);
    L[draw](panel, frame);
    frame.tell();
    L.scan(frame, { model: frame.model, payload: frame.payload });
  } });
  const has = (part) => (frame) => Boolean(frame.model[part]?.length);
  Glasshouse.viewers.landscape = {
    keys: ["epoch", "a", "b", "camera"],
    options: [
      { id: "scale", value: "log", chip: () => "Linear scale" },
      { id: "height", value: 100, chip: (value) => `Cut off at ${value} % of the height` },
      { id: "speed", value: 15, chip: (value) => `${value} epochs a second` },
      { id: "path", value: "shown", chip: () => "Without the path" },
    ],
    decode: L.decode,
    describe: (frame) => ({ finding: L.finding(frame), trust: L.trust(frame) }),
    parse: L.parse,
    // Another network or plane has other places; other rivals leave the plane as it is.
    forget: (before, now) => {
      const changed = Object.keys(now).filter((name) => before[name] !== now[name] && name !== "rivals");
      if (!changed.length) return [];
      const look = ["resolution", "span"], other = changed.some((name) => !look.includes(name));
      return other ? ["a", "b", "epoch"] : changed.includes("span") ? ["a", "b"] : [];
    },
    limits: (model) => ({ epoch: L.lastEpoch(model) + 1 }),
    caption: ({ payload: { inputs }, model: { plan } }) => `${plan.title}, ${plan.optimizer ? `${[plan.optimizer, plan.learning_rate].filter(Boolean).join(" ")}, ` : ""}${plan.plane_name}, seed ${inputs.seed}`,
    tabs: [
      tab("map", "See", "Map", "the loss from above, the path of the optimizer, and the network at any place", "drawMap"),
      tab("surface", "See", "3-D", "the loss as a surface that can be turned", "drawSurface"),
      tab("path", "Compute", "Path", "the loss along the way, in the plane and beside it", "drawPath", has("paths")),
      tab("directions", "Compute", "Directions", "what the two axes are made of", "drawDirections"),
      tab("gradients", "Compute", "Gradients", "how much of the gradient reaches each layer", "drawFlow"),
      tab("sharpness", "Doubt", "Sharpness", "minimum, saddle or slope: the curvature in numbers", "drawSharpness"),
      tab("redraw", "Doubt", "Redraw", "would other random directions show another picture?", "drawRedraw"),
      tab("compare", "Compare", "A | B", "the pinned landscape beside this one, on one scale", "drawCompare", (frame) => frame.pinned),
    ],
  };
})();
