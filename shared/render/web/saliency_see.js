"use strict";
// See: the grid of methods and classes, one method through all layers, the attention of one patch.
(() => {
  const S = Glasshouse.saliency, { el } = Glasshouse;
  const PHONE = 560;

  // What is open on the page; it belongs to no link.
  const page = (frame) => (frame.saliency ??= { open: new Set(), large: null });
  const fold = (frame, name, label, ...content) => {
    const { open } = page(frame);
    return el("details", { class: "gs-fold", open: open.has(name), ontoggle: (event) => (event.target.open ? open.add(name) : open.delete(name)) },
      el("summary", { class: "gh-button", "data-focus": `fold ${name}` }, label), ...content);
  };

  S.drawHeat = (panel, frame) => {
    const cells = el("div", { class: "gs-cells" }), ui = page(frame);
    let waiting = 0; // a slider may move more often than the screen is drawn
    const refresh = () => { waiting ||= requestAnimationFrame(() => { waiting = 0; S.paintCells(cells, frame); }); };
    panel.append(el("div", { class: "gs-heat" },
      el("div", { class: "gs-top" }, S.prediction(frame), el("div", { class: "gs-side" }, S.controls(frame, refresh), S.methodFold(frame))),
      cells));
    if (ui.large && !S.largeFits(frame)) ui.large = null;
    S.paintCells(cells, frame);
  };

  // ---- prediction ------------------------------------------------------------------------------------------------
  S.prediction = (frame) => {
    const { model } = frame, { target, targets } = S.view(frame), [own, against] = S.classes(target);
    const rows = model.top.map((entry) => entry.class);
    for (const index of [own, against]) if (index !== undefined && !rows.includes(index)) rows.push(index);
    return el("div", { class: "gs-prediction", role: "group", "aria-label": "Prediction: choose the class to explain" },
      rows.map((index) => S.classRow(frame, index, { own, against, targets })));
  };
  S.classRow = (frame, index, { own, against, targets }) => {
    const { model } = frame, probability = S.probability(model, index), last = model.top.at(-1).probability, name = S.short(model, index);
    const key = String(index), column = targets.slice(1).includes(key), main = index === own;
    const explain = (event) => (event.shiftKey ? S.toggleColumn(frame, key) : frame.set({ target: key }));
    return el("div", { class: `gs-class${main ? " gs-explained" : ""}${index === against ? " gs-against" : ""}` },
      el("button", { type: "button", class: "gs-class-name", "aria-pressed": String(main && against === undefined), "data-focus": `class ${key}`, title: `Explain “${model.labels[index]}”`, onclick: explain },
        el("span", {}, index === against ? `− ${name}` : name), el("span", { class: "gs-track" }, el("span", { style: `width:${100 * (probability ?? 0)}%` })),
        el("span", { class: "gs-share" }, probability === undefined ? `≤ ${S.chance(last)}` : S.chance(probability))),
      el("button", { type: "button", class: "gs-mini", disabled: main, "aria-pressed": String(column), "data-focus": `column ${key}`, "aria-label": column ? `Remove the column ${name}` : `Add ${name} as a column`,
        title: column ? "Remove its column" : "Show it beside (also Shift-click)", onclick: () => S.toggleColumn(frame, key) }, column ? "×" : "+"),
      el("button", { type: "button", class: "gs-mini", disabled: main, "aria-pressed": String(index === against), "data-focus": `against ${key}`, "aria-label": `Explain ${S.short(model, own)} against ${name}`,
        title: `What speaks for “${S.short(model, own)}” and not for “${name}”?`, onclick: () => frame.set({ target: index === against ? String(own) : `${own}-${key}` }) }, "vs"));
  };
  S.toggleColumn = (frame, key) => {
    const { target, targets } = S.view(frame), more = targets.slice(1);
    if (key === target) return;
    frame.set({ more: (more.includes(key) ? more.filter((each) => each !== key) : [...more, key]).join(",") });
  };

  // ---- controls --------------------------------------------------------------------------------------------------
  S.select = (label, name, options, value, frame) => el("label", { class: "gs-label" }, `${label} `,
    el("select", { "data-focus": name, onchange: (event) => frame.set({ [name]: event.target.value }) },
      options.map(([key, text]) => el("option", { value: key, selected: key === value }, text))));

  // A slider that repaints while it is dragged and settles, with its chip and address, when it is let go.
  S.slider = (frame, label, name, { min = 0, max, value, say, live }) => {
    const output = el("output", {}, say(value));
    const input = el("input", { type: "range", min, max, value, "data-focus": name, "aria-label": label,
      oninput: () => { frame.chosen[name] = Number(input.value); output.textContent = say(Number(input.value)); live(); },
      onchange: () => frame.set({ [name]: Number(input.value) }) });
    return el("label", { class: "gs-label gs-slider" }, el("span", {}, label), input, output);
  };
  S.layerControl = (frame, live = () => {}) => {
    const { layers } = frame.model, { layer } = S.view(frame);
    if (layers.length < 2) return null;
    let timer;
    const later = () => { clearTimeout(timer); timer = setTimeout(live, 120); };
    const say = (value) => `${value} · ${S.shortStage(layers[value].name)} · ${layers[value].grid.join(" × ")}`;
    return S.slider(frame, "Layer", "layer", { max: layers.length - 1, value: layer, say, live: later });
  };

  S.controls = (frame, refresh) => {
    const { state } = frame, percent = (value) => `${value} %`;
    const signs = [["positive", "for", "what argued for the class"], ["negative", "against", "what argued against it"], ["signed", "both", "red for, blue against"]];
    return el("div", { class: "gs-controls" },
      S.classSearch(frame), S.layerControl(frame, refresh),
      el("span", { class: "gs-label" }, el("span", {}, "Sign"), Glasshouse.choice("Sign", signs, state.sign, (sign) => frame.set({ sign }))),
      S.slider(frame, "Opacity", "opacity", { max: 100, value: state.opacity, say: percent, live: refresh }),
      fold(frame, "more", "More", el("div", { class: "gs-more" },
        S.slider(frame, "Threshold", "threshold", { max: 95, value: state.threshold, say: percent, live: refresh }),
        S.select("Colors", "colormap", [["viridis", "viridis"], ["magma", "magma"], ["cividis", "cividis"]], state.colormap, frame))));
  };

  S.classSearch = (frame) => {
    const { model } = frame, { target } = S.view(frame), list = (model.list ??= S.classList(model)), answer = el("span", { class: "gs-nothing", role: "status" });
    const choose = (input) => {
      const index = S.findClass(model, input.value);
      if (index >= 0) frame.set({ target: String(index) });
      else if (input.value.trim()) answer.textContent = "No class has such a name.";
    };
    return el("div", { class: "gs-search" }, el("label", { class: "gs-label" }, el("span", {}, "Class"),
      el("input", { type: "search", list: list.id, placeholder: S.targetName(model, target), "data-focus": "search", "aria-label": `Search one of ${model.labels.length} classes to explain`, autocomplete: "off", maxlength: 120,
        onchange: (event) => choose(event.target) })), answer, list);
  };
  // Some names stand for two classes (ImageNet has two cranes): those carry their number.
  S.classList = (model) => {
    const seen = new Map();
    model.labels.forEach((label) => seen.set(label, (seen.get(label) || 0) + 1));
    return el("datalist", { id: `gs-classes-${Math.random().toString(36).slice(2)}` }, model.labels.map((label, i) => el("option", { value: seen.get(label) > 1 ? `${label} (${i})` : label })));
  };

  // ---- methods ---------------------------------------------------------------------------------------------------
  S.methodButton = (frame, method, methods, label) => {
    const on = methods.includes(method.name);
    const next = on ? methods.filter((name) => name !== method.name) : [...methods, method.name];
    return el("button", { type: "button", class: "gh-button gs-method", "aria-pressed": String(on), disabled: !method.available || (on && !next.length), "data-focus": `method ${method.name}`,
      title: method.available ? `${method.idea}${method.slow ? " Slow: many passes through the network." : ""}` : method.why, onclick: () => frame.set({ methods: next.join(",") }) },
    label ?? method.name, !label && method.slow && el("small", {}, "slow"));
  };
  S.methodFold = (frame) => {
    const { model } = frame, { methods } = S.view(frame), families = [...new Set(model.methods.map((method) => method.family))];
    return fold(frame, "methods", el("span", {}, el("b", {}, "Methods "), `${methods.length} of ${model.methods.filter((method) => method.available).length}: `, el("span", { class: "gs-names" }, methods.join(", "))),
      el("div", { class: "gs-families" }, families.map((family) => el("div", { class: "gs-family", role: "group", "aria-label": family }, el("span", { class: "gs-family-name" }, family),
        el("span", { class: "gs-chips" }, model.methods.filter((method) => method.family === family).map((method) => S.methodButton(frame, method, methods)))))));
  };

  // ---- the grid --------------------------------------------------------------------------------------------------
  // A method has one scale: its largest value over all classes that are shown.
  S.rowScale = (model, name, targets, layer) => Math.max(0, ...targets.map((target) => S.map(model, name, target, layer)).filter(Boolean).map(S.top));

  S.paintCells = (root, frame) => {
    const { model } = frame, view = S.view(frame), ui = page(frame);
    const wanted = new Set(view.methods.filter((name) => model.names.get(name).slow).flatMap((name) => view.targets.map((target) => S.key(model, name, target, view.layer))));
    S.dropJobs(model, wanted);
    const again = () => { if (root.isConnected) (ui.large ? S.large : S.grid)(root, frame, S.view(frame)); };
    again();
    const missing = (target) => view.methods.some((name) => !model.names.get(name).slow && !S.map(model, name, target, view.layer));
    view.targets.filter(missing).forEach((target) => S.load(frame, frame, view.methods, target, view.layer).then(() => { again(); frame.tell(); }).catch((error) => { if (root.isConnected && S.view(frame).layer === view.layer) S.failed(root, target, error.message); }));
  };
  S.failed = (root, target, message) => root.querySelectorAll(`[data-target="${CSS.escape(target)}"] .gs-wait`).forEach((node) => node.replaceChildren(message));

  // One class: cells side by side. Several: a table, lying or standing as it fits; on a phone two cells in a row.
  S.layout = (room, methods, targets) => {
    const phone = room < PHONE, gap = phone ? 10 : 16, fits = Math.max(2, Math.floor((room + gap) / (170 + gap)));
    if (phone || targets.length < 2) {
      const columns = phone ? 2 : Math.ceil(methods.length / Math.ceil(methods.length / fits));
      return { gap, columns, side: 0, most: 300 };
    }
    const side = 118, lying = methods.length >= targets.length && methods.length < fits;
    return { gap, columns: lying ? methods.length : targets.length, side, lying, most: lying ? 300 : 240 };
  };
  S.grid = (root, frame, view) => {
    const { model } = frame, { methods, targets } = view, room = root.clientWidth || 640, several = targets.length > 1;
    const focus = document.activeElement?.dataset?.focus, { gap, columns, side, lying, most } = S.layout(room, methods, targets);
    const width = Math.max(110, Math.min(most, Math.floor((room - (side ? side + gap : 0) - gap * (columns - 1)) / columns)));
    const cell = (name, target) => S.cell(root, frame, view, name, target, width);
    const method = (name) => el("span", { class: "gs-row-name", title: model.names.get(name).idea }, el("b", {}, name));
    const target = (each, i) => el("span", { class: "gs-row-name" }, el("b", {}, S.targetName(model, each),
      i ? el("button", { type: "button", class: "gs-mini", "aria-label": `Remove ${S.targetName(model, each)}`, "data-focus": `drop ${each}`, onclick: () => S.toggleColumn(frame, each) }, "×") : ""));
    const grid = el("div", { class: `gs-grid-of-maps${side ? " gs-matrix" : ""}`, style: `gap:${room < PHONE ? 14 : 18}px ${gap}px;grid-template-columns:${side ? `${side}px ` : ""}repeat(${columns}, ${width}px)` });
    if (lying) grid.append(el("span", {}), ...methods.map(method), ...targets.flatMap((each, i) => [target(each, i), ...methods.map((name) => cell(name, each))]));
    else {
      if (side) grid.append(el("span", {}), ...targets.map(target));
      grid.append(...methods.flatMap((name) => [side ? method(name) : null, ...targets.map((each) => cell(name, each))].filter(Boolean)));
    }
    root.replaceChildren(grid, S.scale(view.look, several ? "heat; every method has one scale over its classes" : "heat, each method in its own units, from 0 to its peak"),
      S.fineNote(model, view));
    if (focus) root.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
  };

  S.fineNote = (model, { methods, targets, layer }) => {
    const fine = methods.filter((name) => { const map = S.map(model, name, targets[0], layer); return map && S.top(map) < map.peak; });
    return fine.length ? el("p", { class: "gh-small" }, `${fine.join(", ")}: the hottest 1 % of the values share the last color.`) : "";
  };

  S.cell = (root, frame, view, name, target, width) => {
    const { model } = frame, { look, layer, targets } = view, method = model.names.get(name), map = S.map(model, name, target, layer);
    const label = `${name} for ${S.targetName(model, target)}`, canvas = el("canvas", { role: "img" }), caption = el("figcaption", {});
    const scale = S.rowScale(model, name, targets, layer), silent = map && S.nothing(map, method, look.sign);
    const spot = map && S.concentration(map, look.sign);
    canvas.setAttribute("aria-label", !map ? `${label}: computing` : silent ? `${label}: ${silent}` : `${label}: ${S.peakText(map, look.sign)}${spot ? `, 70 % of its heat on ${Glasshouse.percent(spot.area)} of the picture, ${S.where(spot)}` : ""}`);
    const fit = S.paint(canvas, model, silent ? null : map, look, scale, { width });
    const open = () => { page(frame).large = { name, target }; S.large(root, frame, view); root.querySelector('[data-focus="large"]')?.focus({ preventScroll: true }); frame.parts.root.scrollIntoView({ block: "nearest" }); };
    const figure = el("figure", { class: "gs-cell", "data-target": target, style: `width:${fit.width}px` },
      el("button", { type: "button", class: "gs-open", title: "Enlarge", "data-focus": `cell ${name} ${target}`, onclick: open }, canvas), caption);
    caption.append(el("span", { class: "gs-cell-name" }, el("b", { title: method.idea }, name), targets.length > 1 || target !== String(model.top[0].class) ? el("span", { class: "gs-cell-class" }, S.targetName(model, target)) : ""));
    if (map) {
      S.hover(canvas, model, map, scale, label);
      if (silent) caption.append(S.blankNote(frame, map, method, silent));
      else caption.append(el("span", { class: "gs-peak" }, S.peakText(map, look.sign), map.note ? ` · ${map.note}` : "", method.class_specific || targets.length < 2 ? "" : " · same for every class"));
    } else if (method.slow) S.watch(caption, frame, name, target, layer, () => { if (!page(frame).large) S.grid(root, frame, S.view(frame)); });
    else caption.append(el("span", { class: "gs-wait" }, "computing…"));
    return figure;
  };
  S.blankNote = (frame, map, method, sentence) => {
    const { sign } = frame.state, button = (label, next) => el("button", { type: "button", class: "gh-link", onclick: () => frame.set({ sign: next }) }, label);
    return el("span", { class: "gs-nothing" }, `${sentence} `, sign === "positive" && method.signed && S.extremes(map).low < 0 ? button("Show the negative map", "negative") : "", sign === "negative" ? button("Show the positive map", "positive") : "");
  };

  // A slow map: its progress, a way to stop it, a way to start it again.
  S.watch = (place, frame, name, target, layer, done) => {
    const job = S.job(frame, frame, name, target, layer), node = el("span", { class: "gs-job" });
    const again = (status) => { job.status = status; job.message = undefined; job.tell(); S.work(frame, frame); };
    const button = (label, action) => el("button", { type: "button", class: "gh-button", "data-focus": `job ${name} ${target}`, onclick: action }, label);
    job.tell = () => {
      if (!node.isConnected) return;
      if (job.status === "done") done();
      else paint();
    };
    const bar = el("progress", { max: 1, value: 0, "aria-label": `Progress of ${name}` }), share = el("span", { class: "gs-share" });
    let drawn = null;
    const paint = () => {
      bar.value = job.progress;
      share.textContent = job.status === "waiting" ? "queued" : Glasshouse.percent(job.progress);
      const kind = job.status === "running" ? "waiting" : job.status;
      if (kind === drawn) return; // the button that a pointer is on stays
      drawn = kind;
      const focused = node.contains(document.activeElement);
      if (kind === "stopped") node.replaceChildren(el("span", {}, "stopped"), button("Compute", () => again("waiting")));
      else if (kind === "failed") node.replaceChildren(el("span", { class: "gs-nothing" }, job.message), button("Try again", () => again("waiting")));
      else node.replaceChildren(bar, share, button("Cancel", () => again("stopped")));
      if (focused) node.querySelector("button").focus({ preventScroll: true });
    };
    paint();
    place.append(node);
  };

  // ---- one map, large --------------------------------------------------------------------------------------------
  S.largeFits = (frame) => {
    const { large } = page(frame), { methods, targets } = S.view(frame);
    return methods.includes(large.name) && targets.includes(large.target);
  };
  S.large = (root, frame, view) => {
    const ui = page(frame), { model } = frame, { name, target } = ui.large, { look, layer, targets, methods } = view;
    const method = model.names.get(name), map = S.map(model, name, target, layer), scale = S.rowScale(model, name, targets, layer);
    const all = methods.flatMap((each) => targets.map((one) => ({ name: each, target: one }))), at = all.findIndex((each) => each.name === name && each.target === target);
    const room = root.clientWidth || 640, width = room < PHONE ? room : Math.min(520, Math.floor((room - 16) / 2));
    const close = () => { ui.large = null; S.grid(root, frame, S.view(frame)); root.querySelector(`[data-focus="${CSS.escape(`cell ${name} ${target}`)}"]`)?.focus({ preventScroll: true }); };
    const step = (by) => { ui.large = all[(at + by + all.length) % all.length]; S.large(root, frame, S.view(frame)); root.querySelector('[data-focus="large"]').focus({ preventScroll: true }); };
    const photo = el("canvas", { role: "img", "aria-label": `The photo: ${model.alt}` }), heat = el("canvas", { role: "img", "aria-label": map ? `${name} for ${S.targetName(model, target)}: ${S.peakText(map, look.sign)}` : `${name}: computing` });
    const silent = map && S.nothing(map, method, look.sign);
    S.paint(photo, model, null, look, 1, { width, tallest: 560 });
    S.paint(heat, model, silent ? null : map, look, scale, { width, tallest: 560 });
    if (map) S.hover(heat, model, map, scale, name);
    const keys = (event) => { const action = { Escape: close, ArrowRight: () => step(1), ArrowLeft: () => step(-1) }[event.key]; if (action) { event.preventDefault(); action(); } };
    const button = (label, title, onclick, focus) => el("button", { type: "button", class: "gh-button", title, "aria-label": title, "data-focus": focus, onclick }, label);
    root.replaceChildren(el("div", { class: "gs-large", onkeydown: keys },
      el("div", { class: "gs-bar" }, el("h3", {}, name, " for ", S.targetName(model, target, false)),
        all.length > 1 && button("‹", "Previous map (left arrow)", () => step(-1), "previous"), all.length > 1 && button("›", "Next map (right arrow)", () => step(1), "next"), button("Close", "Close (Escape)", close, "large")),
      el("div", { class: "gs-row" }, el("figure", {}, heat, el("figcaption", {}, silent ? S.blankNote(frame, map, method, silent) : map ? S.peakText(map, look.sign) : "not computed yet")),
        el("figure", {}, photo, el("figcaption", {}, model.box[2] < model.size[0] || model.box[3] < model.size[1] ? "the photo; the network saw what is inside the frame" : "the photo"))),
      el("p", { class: "gs-lead" }, method.idea), el("p", { class: "gs-equation" }, method.equation), el("p", { class: "gh-small" }, el("b", {}, "Fails: "), method.fails),
      S.scale(look, "heat, on one scale for all classes of this method")));
  };

  // ---- layers ----------------------------------------------------------------------------------------------------
  S.drawLayers = (panel, frame) => {
    const { model } = frame, { method, target, layer, look } = S.view(frame), body = el("div", {});
    const layered = model.methods.filter((each) => each.available && each.layered && !each.slow).map((each) => each.name);
    const own = layered.includes(method) ? method : layered[0];
    if (!own) { panel.append(el("p", { class: "gh-waiting" }, "No method that reads a layer can be used on this network.")); return; }
    panel.append(el("div", { class: "gs-bar" }, S.select("Method", "method", layered.map((name) => [name, name]), own, frame), el("span", { class: "gh-small" }, `for ${S.targetName(model, target, false)}. Click a layer to choose it for all views.`)), body);
    const load = frame.compute("filmstrip", { method: own, target }).then((answer) => Promise.all(answer.maps.map(S.unpack)));
    frame.later(body, load, (maps) => {
      const room = body.clientWidth, gap = 12, per = room < PHONE ? 3 : Math.max(4, Math.floor((room + gap) / (138 + gap))), width = Math.floor((room - gap * (per - 1)) / per);
      const pick = (index) => frame.set({ layer: index });
      const walk = (event, index) => {
        const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: per, ArrowUp: -per }[event.key], next = index + step;
        if (!step || !maps[next]) return;
        event.preventDefault();
        body.querySelector(`[data-focus="layer ${next}"]`).focus();
        pick(next);
      };
      body.append(el("div", { class: "gs-film", style: `grid-template-columns:repeat(${per}, ${width}px);gap:${gap}px` }, maps.map((map, index) => {
        const { name, grid } = model.layers[index], canvas = el("canvas", { role: "img", "aria-label": `Layer ${index}, ${name}, ${grid.join(" by ")}: ${map.blank || S.peakText(map, look.sign)}` });
        S.paint(canvas, model, map, look, S.top(map), { width, tallest: width });
        S.hover(canvas, model, map, S.top(map), `layer ${index}, ${name}`);
        return el("figure", { class: index === layer ? "gs-selected" : "" }, el("button", { type: "button", class: "gs-open", "aria-pressed": String(index === layer), "data-focus": `layer ${index}`, onclick: () => pick(index), onkeydown: (event) => walk(event, index) }, canvas),
          el("figcaption", {}, el("b", { title: name }, `${index} · ${S.shortStage(name)}`), el("span", { class: "gs-peak" }, `${grid.join(" × ")} · ${map.blank ? "blank" : S.peakText(map, look.sign)}`)));
      })), S.scale(look, "heat, each layer on its own scale"));
      S.layersFinding(frame, own, maps);
    }, `${own} at ${model.layers.length} layers…`);
  };
  S.layersFinding = (frame, method, maps) => {
    const { look, layer } = S.view(frame), spots = maps.map((map) => S.concentration(map, look.sign)), last = spots.findLastIndex(Boolean), first = spots.findIndex(Boolean);
    if (first < 0 || first === last) return;
    const say = (index) => `${Glasshouse.percent(spots[index].area)} of the picture at layer ${index}`;
    const middle = spots[layer] && layer !== first && layer !== last ? `, on ${say(layer)}` : "";
    S.tellTab(frame, "layers", `70 % of ${method}’s heat lies on ${say(first)}${middle} and on ${say(last)}.`);
  };

  // ---- attention of one patch ------------------------------------------------------------------------------------
  S.drawPatch = (panel, frame) => {
    const { model } = frame, { layer, look } = S.view(frame), [rows, columns] = model.layers[layer].grid, last = rows * columns - 1;
    const patch = Math.min(last, frame.state.patch ?? Math.floor(rows / 2) * columns + Math.floor(columns / 2));
    const body = el("div", { class: "gs-row gs-patch" }), place = `row ${Math.floor(patch / columns)}, column ${patch % columns}`;
    panel.append(el("div", { class: "gs-bar" }, el("h3", {}, `Where does the patch in ${place} look?`), S.layerControl(frame)), body, S.scale({ ...look, sign: "positive" }, "attention, mean over heads"));
    const [top, left, height, width] = model.box, cell = [height / rows, width / columns];
    const outline = [top + Math.floor(patch / columns) * cell[0], left + (patch % columns) * cell[1], ...cell];
    const room = panel.clientWidth, size = { width: room < PHONE ? room : Math.min(460, (room - 16) / 2), tallest: 460, outline };
    const photo = el("canvas", { role: "img", tabindex: "0", "data-focus": "patch", class: "gs-pick", "aria-label": `The photo in ${rows} by ${columns} patches; chosen: ${place}. Click another, or walk with the arrow keys.` });
    const heat = el("canvas", { role: "img", class: "gs-pick", "aria-label": "Attention of the chosen patch" });
    const pick = (event) => {
      const rect = event.currentTarget.getBoundingClientRect(), y = ((event.clientY - rect.top) / rect.height * model.size[0] - top) / cell[0], x = ((event.clientX - rect.left) / rect.width * model.size[1] - left) / cell[1];
      if (x >= 0 && y >= 0 && x < columns && y < rows) frame.set({ patch: Math.floor(y) * columns + Math.floor(x) });
    };
    photo.onclick = heat.onclick = pick;
    photo.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key], next = patch + step;
      if (!step) return;
      event.preventDefault();
      if (next >= 0 && next <= last) frame.set({ patch: next });
    };
    const asked = frame.state.patch, note = el("figcaption", {}, "computing…"), fit = S.paint(photo, model, null, look, 1, size);
    S.paint(heat, model, null, look, 1, size);
    S.patchLines(photo, model, fit, rows, columns);
    body.append(el("figure", {}, photo, el("figcaption", {}, "click a patch")), el("figure", {}, heat, note));
    frame.compute("patch", { layer, patch }).then(async (answer) => ({ heads: answer.heads, map: await S.unpack(answer.map) })).then(({ heads, map }) => {
      if (!heat.isConnected) return;
      S.paint(heat, model, map, { ...look, sign: "positive" }, S.top(map), size);
      S.hover(heat, model, map, S.top(map), `attention from ${place}`);
      const spot = S.concentration(map, "positive");
      note.textContent = `layer ${layer}, mean of ${heads} heads · peak ${S.number(map.peak)}; spread evenly each patch would get ${S.number(1 / (rows * columns))}`;
      if (spot && frame.model === model && frame.state.patch === asked) S.tellTab(frame, "attention", `The patch in ${place} puts ${Glasshouse.percent(spot.share)} of its attention on ${Glasshouse.percent(spot.area)} of the picture, ${S.where(spot)}.`);
      heat.setAttribute("aria-label", `Attention of the patch in ${place}${spot ? `: 70 % on ${Glasshouse.percent(spot.area)} of the picture, ${S.where(spot)}` : ""}`);
    }).catch((error) => { if (heat.isConnected) note.replaceChildren(el("span", { class: "gs-nothing" }, error.message)); });
  };
  S.patchLines = (canvas, model, { scale }, rows, columns) => {
    const context = canvas.getContext("2d"), [top, left, height, width] = model.box.map((value) => value * scale);
    context.strokeStyle = "rgb(255 255 255 / .35)";
    context.lineWidth = 0.75;
    context.beginPath();
    for (let r = 1; r < rows; r++) { context.moveTo(left, top + r * height / rows); context.lineTo(left + width, top + r * height / rows); }
    for (let c = 1; c < columns; c++) { context.moveTo(left + c * width / columns, top); context.lineTo(left + c * width / columns, top + height); }
    context.stroke();
  };
})();
