"use strict";
// The saliency viewer: its data, its maps (asked for once, kept by method, class and layer), its sentences.
// How a map is laid over a photo is in saliency_paint.js, the tabs in the other saliency_*.js.
(() => {
  const S = (Glasshouse.saliency = {});
  const SIGNS = ["positive", "negative", "signed"], COLORMAPS = ["viridis", "magma", "cividis"];
  const MOST_TARGETS = 6, MOST_METHODS = 24;

  S.decode = async (data) => {
    const names = new Map(data.methods.map((method) => [method.name, method]));
    return { ...data, image: await S.image(data.photo), names, maps: new Map(), jobs: new Map(), faith: new Map(), findings: new Map() };
  };
  S.image = async (source) => {
    const image = new Image();
    image.src = source;
    await image.decode();
    return image;
  };

  // ---- what is on display ----------------------------------------------------------------------------------------
  S.methods = (model, state) => {
    const usable = (name) => model.names.get(name)?.available;
    const asked = state.methods === undefined ? model.first : state.methods.split(",");
    const chosen = [...new Set(asked)].filter(usable);
    return chosen.length ? chosen : model.methods.filter((method) => method.available && !method.slow).slice(0, 4).map((method) => method.name);
  };
  // {methods, targets, target, layer, method, look} of a frame or of a pinned picture.
  S.view = ({ model, state }) => {
    const methods = S.methods(model, state), target = String(state.target ?? model.top[0].class);
    const more = String(state.more ?? "").split(",").filter(Boolean);
    const method = model.names.get(state.method)?.available ? state.method : methods[0];
    const look = { sign: state.sign, opacity: state.opacity / 100, threshold: state.threshold / 100, colormap: state.colormap };
    const layer = Math.max(0, Math.min(model.layers.length - 1, state.layer ?? model.layers.length - 1));
    return { methods, target, targets: [...new Set([target, ...more])].slice(0, MOST_TARGETS), layer, method, look };
  };
  S.classes = (target) => target.split("-").map(Number);
  S.short = (model, index) => model.labels[index].split(",")[0];
  S.targetName = (model, target, short = true) => S.classes(target)
    .map((index) => (short ? S.short(model, index) : `“${model.labels[index]}”`)).join(short ? " − " : " against ");
  S.probability = (model, index) => model.top.find((entry) => entry.class === index)?.probability;
  S.chance = (probability) => Glasshouse.percent(probability, probability < 0.01 ? 1 : 0);
  S.number = (value) => {
    const size = Math.abs(value);
    const text = size === 0 ? "0" : size >= 1000 || size < 0.001 ? size.toExponential(1).replace("-", "−").replace("+", "") : String(Number(size.toPrecision(2)));
    return value < 0 ? `−${text}` : text;
  };

  // ---- maps ------------------------------------------------------------------------------------------------------
  S.unpack = async (packed) => {
    const values = await Glasshouse.unpack(packed.values);
    return { values, rows: values.shape[0], columns: values.shape[1], peak: packed.peak, blank: packed.blank, note: packed.note || "" };
  };
  // A method without layers has one map for all of them, one that ignores the class has one for all classes.
  S.key = (model, name, target, layer) => {
    const method = model.names.get(name);
    return `${name}|${method.class_specific ? target : "any"}|${method.layered ? layer : "any"}`;
  };
  S.map = (model, name, target, layer) => model.maps.get(S.key(model, name, target, layer));
  S.keep = async (model, name, target, layer, packed) => {
    const map = await S.unpack(packed);
    model.maps.set(S.key(model, name, target, layer), map);
    return map;
  };
  // The pinned picture is asked about by its own inputs.
  S.of = (frame, subject) => (subject.model === frame.model ? {} : { inputs: subject.payload.inputs });
  S.present = (frame, subject) => frame.model === subject.model || frame.pinned?.model === subject.model;

  // Maps that came with the page itself.
  S.gather = async (frame, { model, payload }) => {
    const own = JSON.stringify(payload.inputs), found = [];
    for (const source of [frame.payload, payload]) {
      for (const [key, answer] of Object.entries(source.computed || {})) {
        const [kind, details] = JSON.parse(key);
        if (JSON.stringify(details.inputs ?? source.inputs) !== own) continue;
        const maps = kind === "maps" ? answer.maps : kind === "map" && answer.map ? { [details.method]: answer.map } : {};
        for (const [name, map] of Object.entries(maps)) found.push(S.keep(model, name, details.target, details.layer, map));
      }
    }
    await Promise.all(found);
  };

  // The fast maps of one class: one question for all that are missing.
  S.load = async (frame, subject, names, target, layer) => {
    const { model } = subject;
    await (model.gathered ??= S.gather(frame, subject));
    const missing = model.methods.filter((method) => names.includes(method.name) && !method.slow && !S.map(model, method.name, target, layer)).map((method) => method.name);
    if (!missing.length || !S.present(frame, subject)) return;
    const { maps } = await frame.compute("maps", { ...S.of(frame, subject), methods: missing, target, layer });
    await Promise.all(Object.entries(maps).map(([name, map]) => S.keep(model, name, target, layer, map)));
  };

  // ---- slow maps: one after the other, in parts, so that they can be watched and stopped ---------------------------------
  S.job = (frame, subject, name, target, layer) => {
    const { jobs } = subject.model, key = S.key(subject.model, name, target, layer);
    if (!jobs.has(key)) jobs.set(key, { key, name, target, layer, status: "waiting", progress: 0, tell: null });
    S.work(frame, subject);
    return jobs.get(key);
  };
  // What is asked about a slow map must wait until it is finished; a saved page has what it has.
  S.unfinished = (model, name, target, layer) => Boolean(model.names.get(name)?.slow && !S.map(model, name, target, layer));
  S.late = (frame, name, target, layer) => !frame.host.frozen && S.unfinished(frame.model, name, target, layer);
  // Jobs that no cell waits for any more end here.
  S.dropJobs = (model, wanted) => {
    for (const [key, job] of model.jobs) if (!wanted.has(key) && job.status !== "done") { job.status = "dropped"; model.jobs.delete(key); }
  };
  S.work = async (frame, subject) => {
    const { model } = subject;
    if (model.working) return;
    model.working = true;
    await model.gathered;
    for (let job; (job = [...model.jobs.values()].find((each) => each.status === "waiting"));) {
      job.status = "running";
      try { await S.runJob(frame, subject, job); } catch (error) { job.status = "failed"; job.message = error.message; }
      job.tell?.();
      if (job.status === "done") S.measure(frame); // trust may have waited for it
    }
    model.working = false;
  };
  S.runJob = async (frame, subject, job) => {
    const { model } = subject, { name: method, target, layer } = job;
    for (let part = 0; job.status === "running" && S.present(frame, subject); part++) {
      if (!model.maps.has(job.key)) {
        const answer = await frame.compute("map", { ...S.of(frame, subject), method, target, layer, part });
        if (answer.map) await S.keep(model, method, target, layer, answer.map);
        else job.progress = answer.progress;
      }
      if (model.maps.has(job.key)) job.status = "done";
      job.tell?.();
    }
  };

  // ---- sentences -------------------------------------------------------------------------------------------------
  // The smallest part of the picture that holds 70 % of a map's heat, and where that heat has its center.
  S.concentration = (map, sign) => {
    const key = sign === "negative" ? "cold" : "hot";
    if (map[key] === undefined) map[key] = S.measureHeat(map, sign);
    return map[key];
  };
  S.measureHeat = (map, sign) => {
    const side = 56, grown = S.grow(map, Math.max(side, map.columns), Math.max(side, map.rows)), { width, height } = grown;
    const heat = Float32Array.from(grown.data, (value) => Math.max(0, sign === "negative" ? -value : value));
    let total = 0, x = 0, y = 0;
    heat.forEach((value, i) => { total += value; x += value * (i % width + 0.5); y += value * (Math.floor(i / width) + 0.5); });
    if (total <= 0) return null;
    let sum = 0, count = 0;
    for (const value of heat.sort().reverse()) { if (sum >= 0.7 * total) break; sum += value; count++; }
    return { share: sum / total, area: count / heat.length, x: x / total / width, y: y / total / height };
  };
  // "mobilenet_v2.layer.13" is called "layer.13" where room is scarce.
  S.shortStage = (name) => name.split(".").slice(-2).join(".");
  S.where = ({ x, y }) => {
    const across = x < 0.44 ? "left" : x > 0.56 ? "right" : "", down = y < 0.44 ? "above" : y > 0.56 ? "below" : "";
    if (across && down) return `${down} and ${across} of the middle`;
    return across ? `${across} of the middle` : down ? `${down} the middle` : "around the middle";
  };

  S.finding = (frame) => {
    const { model } = frame, { methods, target, layer, look } = S.view(frame), [best, second] = model.top;
    const says = `${frame.payload.inputs.model} says “${model.labels[best.class]}” (${S.chance(best.probability)})`;
    const special = model.findings.get(S.findingKey(frame, frame.state.tab));
    if (special) return special;
    const map = S.map(model, methods[0], target, layer), spot = map && S.concentration(map, look.sign);
    if (!map) return second ? `${says}, then “${model.labels[second.class]}” (${S.chance(second.probability)}).` : `${says}.`;
    const [own] = S.classes(target), probability = S.probability(model, own);
    const chance = target.includes("-") || probability === undefined ? "" : ` (${S.chance(probability)})`;
    const asked = target === String(best.class) ? "" : `Asked about ${S.targetName(model, target, false)}${chance}: `;
    if (map && !spot) return `${says}. ${asked}${asked ? "n" : "N"}othing in ${methods[0]}’s map argues ${look.sign === "negative" ? "against" : "for"} it.`;
    const negative = look.sign === "negative" ? "negative heat" : "heat";
    const lies = `${Glasshouse.percent(spot.share)} of ${methods[0]}’s ${negative} lies on ${Glasshouse.percent(spot.area)} of the picture, ${S.where(spot)}`;
    return asked ? `${says}. ${asked}${lies}.` : `${says}; ${lies}.`;
  };
  // A view that has computed more says more, as long as it shows the same.
  S.findingKey = (frame, tab) => {
    const { target, layer, methods, method, look } = S.view(frame);
    return JSON.stringify([tab, target, layer, methods, method, look.sign, frame.state.patch]);
  };
  S.tellTab = (frame, tab, sentence) => {
    frame.model.findings.set(S.findingKey(frame, tab), sentence);
    frame.tell();
  };

  // ---- trust: insertion minus deletion of the first method, beside a random map -------------------------------------------
  S.trusted = (frame) => {
    const { model } = frame, { methods, target, layer } = S.view(frame);
    const method = methods.find((name) => !model.names.get(name).slow) ?? methods[0];
    return { method, target, layer };
  };
  S.faith = async (frame, method, target, layer) => {
    const { model } = frame, key = `${method}|${target}|${layer}`;
    const answer = await frame.compute("faith", { method, target, layer });
    model.faith.set(key, answer);
    return answer;
  };
  S.trust = (frame) => {
    const { method, target, layer } = S.trusted(frame), { faith } = frame.model;
    const own = faith.get(`${method}|${target}|${layer}`), floor = faith.get(`random|${target}|${layer}`);
    if (own?.problem) return { value: "Faithfulness not measured:", label: own.problem, floor: "" };
    if (!own) return { value: "Faithfulness:", label: S.late(frame, method, target, layer) ? `measured once ${method} is there.` : "measuring…", floor: "" };
    return { value: `Faithfulness ${S.signed(own.score)}`, label: `(insertion minus deletion, ${method});`,
      floor: floor?.score === undefined ? "a random map: measuring…" : `a random map scores ${S.signed(floor.score)}.` };
  };
  S.signed = (value, digits = 2) => value.toFixed(digits).replace("-", "−");

  // The page asks by itself, once the picture stands and the visitor has stayed with it for a moment.
  S.measure = async (frame) => {
    const { model } = frame, asked = S.trusted(frame), { method, target, layer } = asked;
    const same = () => frame.model === model && JSON.stringify(S.trusted(frame)) === JSON.stringify(asked);
    try {
      await S.load(frame, frame, [method], target, layer);
      if (!same()) return;
      frame.tell();
      if (S.late(frame, method, target, layer)) return;
      if (!frame.host.frozen) await new Promise((resolve) => setTimeout(resolve, 400));
      for (const name of [method, "random"]) {
        if (!same()) return;
        if (model.faith.get(`${name}|${target}|${layer}`)?.score === undefined) await S.faith(frame, name, target, layer);
        if (same()) frame.tell();
      }
    } catch (error) {
      const key = `${method}|${target}|${layer}`;
      if (!model.faith.has(key)) model.faith.set(key, { problem: frame.host.frozen ? "this page was saved without it." : error.message });
      if (same()) frame.tell();
    }
  };

  // ---- the viewer ------------------------------------------------------------------------------------------------
  S.validTarget = (model, target) => {
    const parts = String(target).split("-");
    return parts.length <= 2 && new Set(parts).size === parts.length && parts.every((part) => /^\d{1,5}$/.test(part) && Number(part) < model.labels.length);
  };
  // The class that a visitor means: its exact name, a name among several ("tabby"), its number, or a part of a name.
  S.findClass = (model, text) => {
    const asked = text.trim().toLowerCase();
    if (!asked) return -1;
    const numbered = asked.match(/(?:^|\()(\d{1,5})\)?$/);
    if (numbered && Number(numbered[1]) < model.labels.length && !model.labels.includes(text.trim())) return Number(numbered[1]);
    const tests = [(label) => label === asked, (label) => label.split(", ").includes(asked), (label) => label.startsWith(asked), (label) => label.includes(asked)];
    for (const test of tests) {
      const index = model.labels.findIndex((label) => test(label.toLowerCase()));
      if (index >= 0) return index;
    }
    return -1;
  };

  S.parse = (changes, { model }) => {
    const out = { ...changes };
    const whole = (value, low, high) => Math.max(low, Math.min(high, Math.round(Number(value)) || 0));
    const drop = (name, keep) => { if (name in out && !keep(out[name])) delete out[name]; };
    if ("target" in out) {
      const text = String(out.target), named = S.findClass(model, text);
      out.target = text === "predicted" ? String(model.top[0].class) : S.validTarget(model, text) || named < 0 ? text : String(named);
    }
    if ("more" in out) out.more = String(out.more).split(",").filter((target) => S.validTarget(model, target)).slice(0, MOST_TARGETS - 1).join(",");
    if ("methods" in out) out.methods = String(out.methods).split(",").filter((name) => model.names.has(name)).slice(0, MOST_METHODS).join(",");
    if ("layer" in out) out.layer = out.layer === "last" ? Math.max(0, model.layers.length - 1) : whole(out.layer, 0, Math.max(0, model.layers.length - 1));
    if ("patch" in out) out.patch = whole(out.patch, 0, 65535);
    if ("opacity" in out) out.opacity = whole(out.opacity, 0, 100);
    if ("threshold" in out) out.threshold = whole(out.threshold, 0, 95);
    drop("target", (value) => S.validTarget(model, value));
    drop("methods", Boolean);
    drop("method", (value) => model.names.has(value));
    drop("sign", (value) => SIGNS.includes(value));
    drop("colormap", (value) => COLORMAPS.includes(value));
    drop("sort", (value) => S.SORTS.some(([name]) => name === value));
    return out;
  };

  const tab = (id, group, label, title, draw, when) =>
    ({ id, group, label, title, when, draw: (panel, frame) => { S[draw](panel, frame); S.measure(frame); } });
  Glasshouse.viewers.saliency = {
    keys: ["methods", "target", "more", "layer", "method", "patch", "sort"],
    options: [
      { id: "sign", value: "positive", chip: (value) => (value === "negative" ? "What argued against" : "For and against") },
      { id: "opacity", value: 60, chip: (value) => `Opacity ${value} %` },
      { id: "threshold", value: 0, chip: (value) => `Only above ${value} %` },
      { id: "colormap", value: "viridis", chip: (value) => `Colors: ${value}` },
    ],
    decode: S.decode,
    describe: (frame) => ({ finding: S.finding(frame), trust: S.trust(frame) }),
    parse: S.parse,
    // Another photo has other answers, another network other classes and layers.
    forget: (before, now) => (before.model !== now.model ? ["target", "more", "patch", "layer"] : before.image !== now.image ? ["target", "more", "patch"] : []),
    limits: (model) => ({
      layer: Math.max(1, model.layers.length),
      target: (value) => S.validTarget(model, value),
      more: (value) => value.split(",").every((target) => !target || S.validTarget(model, target)),
      method: (value) => model.names.get(value)?.available,
    }),
    caption: (pinned) => `${pinned.payload.inputs.model}, ${S.targetName(pinned.model, S.view(pinned).target)}`,
    tabs: [
      tab("heat", "See", "Heat", "every chosen method, class by class, on one scale", "drawHeat"),
      tab("layers", "See", "Layers", "one method through all layers of the network", "drawLayers", (frame) => frame.model.layers.length > 1),
      tab("attention", "See", "Attention", "click a patch: which patches does it look at?", "drawPatch", (frame) => frame.model.transformer),
      tab("how", "Compute", "How", "how the heat is put together", "drawHow"),
      tab("deletion", "Doubt", "Deletion", "hide the hottest pixels first: does the answer fall?", "drawDeletion"),
      tab("randomize", "Doubt", "Randomize", "does the map notice when the network forgets what it learned?", "drawRandomize", (frame) => frame.model.randomizable),
      tab("dot", "Doubt", "Dot", "the true evidence is known here: who finds it?", "drawDot", (frame) => frame.model.known),
      tab("compare", "Compare", "A | B", "the pinned picture beside this one", "drawCompare", (frame) => frame.pinned),
      tab("sheet", "Compare", "Contact sheet", "many photos at once", "drawSheet", (frame) => frame.model.sheet > 0),
    ],
  };
})();
