"use strict";
// Watch: the surface, the network, one timeline; and the ways to steer a training in mid-run.
(() => {
  const B = Glasshouse.boundary, { el } = Glasshouse;
  const RATES = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3], APART = 12; // pixels between two painted points
  const MOST = { points: 400, events: 40, characters: 6000 };

  B.drawWatch = (panel, frame) => {
    const { model } = frame, ui = B.ui(frame), room = panel.clientWidth || 640, phone = room < B.PHONE;
    const side = phone ? room : Math.min(470, Math.round(room * 0.47)), surface = B.surface(frame, model, { width: side, tallest: phone ? 900 : 430 });
    let peeked = null;
    const chosen = () => peeked ?? B.unit(frame);
    const seen = el("p", { class: "gb-seen", hidden: true }), scales = [B.scale(model, frame.state.surface), B.unitScale(model)];
    const show = (index, moving) => {
      const weights = B.weights(model, index, frame.chosen.drag), unit = weights ? chosen() : undefined;
      surface.paint(weights, B.epochAt(model, index), moving, unit);
      diagram.paint(weights, moving);
      if (!moving) surface.say(`${frame.parts.finding.textContent} Arrow keys step, space plays.`);
      scales[0].hidden = Boolean(unit);
      scales[1].hidden = seen.hidden = !unit;
      if (unit && seen.dataset.unit !== String(unit)) { seen.dataset.unit = String(unit); seen.replaceChildren(el("b", {}, `What ${B.unitName(model, ...unit)} sees`), peeked ? "" : el("button", { type: "button", class: "gh-link", "data-focus": "output", onclick: () => pick() }, "Show the answer")); }
    };
    const pick = (layer, unit) => {
      if (layer === undefined || layer >= model.hidden.length || (frame.state.unit === unit && (frame.state.layer ?? 0) === layer)) { delete frame.chosen.layer; delete frame.chosen.unit; }
      else Object.assign(frame.chosen, { layer, unit });
      peeked = null;
      frame.set({});
    };
    const diagram = B.diagram(frame, model, {
      room: phone ? room : room - side - 32, height: phone ? 300 : surface.height + surface.margin.top, pick,
      changed: () => { timeline.stop(); timeline.again(); },
      peek: (unit) => { peeked = unit; if (ui.mode !== "play") timeline.again(); },
    });
    const timeline = B.timeline(frame, { model, show, curves: B.curves(model, room), autoplay: true });
    const root = el("div", { class: "gb-watch", onkeydown: timeline.keys },
      el("p", { class: "gh-small gb-lead" }, B.lead(model)),
      el("div", { class: "gb-top" }, el("div", { class: "gb-picture", style: `width:${side}px` }, el("div", { class: "gb-stack" }, surface.node, seen), el("div", { class: "gb-scales" }, scales), B.looks(frame)), el("div", { class: "gb-network" }, diagram.node, diagram.editor)),
      timeline.node, B.runState(frame), frame.host.frozen ? null : B.steering(frame, timeline), model.note ? el("p", { class: "gh-small gb-note" }, model.note) : null);
    panel.append(root);
    if (!frame.host.frozen) B.painting(frame, surface, timeline);
    timeline.fresh();
  };
  B.lead = (model) => (!model.hidden.length ? `No hidden layer: ${model.K > 2 ? "the boundaries are straight lines, and training can only turn and shift them. Watch where they get" : "the boundary is one straight line, and training can only turn and shift it. Watch where it gets"} stuck.`
    : model.hidden[0] === 1 ? "One unit in the first layer: everything after it sees only one number, so the boundary stays made of parallel lines." : "Watch the line: first it lies straight, then it bends where the points force it to. Each small map shows what one unit has learned to tell apart.");
  B.looks = (frame) => el("div", { class: "gb-bar" },
    Glasshouse.choice("Surface", [["probability", "Probability", "how sure the network is, everywhere"], ["classes", "Classes", "only which class is said"]], frame.state.surface, (surface) => frame.set({ surface })),
    el("button", { type: "button", class: "gh-button", "data-focus": "arrows", "aria-pressed": String(frame.state.arrows), title: "Where a small step changes the probability most, and which way (dp/dx)", onclick: () => frame.set({ arrows: !frame.state.arrows }) }, "Arrows"));

  // ---- steering: events "<epoch>:<kind>=<value>" joined by ";" --------------------------------------------------------------
  const events = (frame) => String(frame.payload.inputs.steer ?? "").split(";").filter(Boolean);
  const epochOf = (event) => Number(event.split(":")[0]);
  const sorted = (list) => list.map((event, i) => [event, i]).sort(([a, i], [b, j]) => epochOf(a) - epochOf(b) || i - j).map(([event]) => event);
  const paintedIn = (list) => list.filter((event) => event.includes(":add=")).reduce((sum, event) => sum + event.split("/").length, 0);
  // A new history from the epoch on display: the page trains from there. At the very end there must be epochs left to train.
  B.steer = (frame, make, { remember = true } = {}) => {
    const ui = B.ui(frame), { model } = frame, index = Math.max(0, B.index(frame)), epoch = B.epochAt(model, index), before = events(frame), next = sorted(make(before, epoch));
    const text = next.join(";"), painted = paintedIn(next);
    if (painted > MOST.points || next.length > MOST.events || text.length > MOST.characters) {
      frame.say(painted > MOST.points ? `At most ${MOST.points} points can be painted; take some back with Undo.` : "That is as much steering as one run can remember; take something back with Undo.");
      return false;
    }
    if (remember) ui.past.push(before.join(";"));
    ui.mode = null;
    ui.at = epoch;
    B.choose(frame, "epoch", index < B.newest(model) ? epoch : undefined);
    const edit = { steer: text };
    if (next.length > before.length && model.frames.length && epoch >= Number(model.plan.epochs)) edit.epochs = String(Number(model.plan.epochs) + B.more(model));
    frame.host.edit(edit);
    return true;
  };
  B.more = ({ plan }) => Math.max(20, Math.round(Number(plan.epochs) / 20) * 10);
  // Points that were painted in one go join an event of the same epoch.
  B.addPoints = (frame, points) => {
    const text = points.map(([x, y, kind]) => `${x.toFixed(3)},${y.toFixed(3)},${kind}`).join("/");
    return B.steer(frame, (list, epoch) => {
      const last = list.findLastIndex((event) => event.startsWith(`${epoch}:add=`));
      return last >= 0 ? list.map((event, i) => (i === last ? `${event}/${text}` : event)) : [...list, `${epoch}:add=${text}`];
    });
  };
  B.trainFromHere = (frame) => {
    const changes = B.dragged(frame.chosen.drag);
    if (B.steer(frame, (list, epoch) => [...list, ...changes.map(({ layer, to, from, value }) => `${epoch}:set=${layer}.${to}.${from},${value}`)])) delete frame.chosen.drag;
  };
  const undo = (frame) => {
    const ui = B.ui(frame), before = ui.past.pop() ?? events(frame).slice(0, -1).join(";");
    B.steer(frame, () => before.split(";").filter(Boolean), { remember: false });
  };

  B.steering = (frame, timeline) => {
    const { model } = frame, ui = B.ui(frame), steered = events(frame), epoch = () => B.epochAt(model, Math.max(0, timeline.at()));
    const rate = el("select", { "data-focus": "rate", onchange: (event) => { const { value } = event.target; if (value) B.steer(frame, (list, at) => [...list.filter((each) => !each.startsWith(`${at}:rate=`)), `${at}:rate=${value}`]); } });
    const fill = () => {
      const present = model.rates[Math.max(0, Math.min(model.rates.length, epoch() + 1) - 1)] ?? Number(model.plan.learning_rate);
      rate.replaceChildren(el("option", { value: "", selected: true }, `now ${B.digits(present)}`), ...RATES.map((value) => el("option", { value }, String(value))));
    };
    fill();
    rate.onpointerdown = rate.onfocus = fill;
    const paints = [[-1, "look"], ...model.classes.map((name, k) => [k, name])].map(([kind, name]) => el("button", { type: "button", class: "gh-button", "data-focus": `paint ${kind}`, "aria-pressed": String(ui.paint === kind), onclick: () => { ui.paint = kind; frame.draw(); } },
      kind < 0 ? name : [el("i", { class: "gb-dot", style: `background:${B.classColor(kind)}` }), name]));
    const more = B.more(model);
    return el("div", { class: "gb-steering" }, el("h3", {}, "Steer it"),
      el("label", { class: "gb-label" }, "Learning rate from here ", rate),
      el("div", { class: "gb-label", role: "group", "aria-label": "Paint points" }, "Paint ", el("span", { class: "gh-choice gb-paints" }, paints)),
      el("button", { type: "button", class: "gh-button", "data-focus": "more", title: "Train longer", onclick: () => { ui.mode = null; frame.host.edit({ epochs: String(Number(model.plan.epochs) + more) }); } }, `Train on: ${more} more epochs`),
      steered.length ? [el("button", { type: "button", class: "gh-button", "data-focus": "undo", onclick: () => undo(frame) }, "Undo"), el("button", { type: "button", class: "gh-button", "data-focus": "clear", onclick: () => B.steer(frame, () => []) }, "Clear changes")] : null,
      steered.length ? el("p", { class: "gh-small gb-told" }, B.steeredWords(model)) : ui.paint >= 0 ? el("p", { class: "gh-small gb-told" }, "Click or drag on the surface: new points take part from the epoch on display.") : null);
  };
  B.steeredWords = (model) => `In mid-run: ${(model.steer ?? []).map((event) => `epoch ${event.epoch} ${event.kind === "rate" ? `learning rate ${B.digits(event.value)}` : event.kind === "add" ? `${B.plural(event.points.length, "point")} painted` : `one weight set to ${B.digits(event.value)}`}`).join("; ")}. The gray lines in the curves mark the moments.`;

  // ---- painting ----------------------------------------------------------------------------------------------------------
  B.painting = (frame, surface, timeline) => {
    const ui = B.ui(frame), { canvas } = surface;
    let stroke = null;
    surface.pending(ui.pending);
    canvas.classList.toggle("gb-painting", ui.paint >= 0);
    if (ui.paint < 0) return;
    const add = (event) => {
      const last = stroke.at(-1), point = surface.place(event);
      if (last && Math.hypot(event.clientX - last.px, event.clientY - last.py) < APART) return;
      stroke.push({ px: event.clientX, py: event.clientY, point: [...point, ui.paint] });
      ui.pending.push([...point, ui.paint]);
      timeline.again();
    };
    canvas.addEventListener("pointerdown", (event) => { if (event.button) return; event.preventDefault(); canvas.setPointerCapture(event.pointerId); Glasshouse.tip(null, null); stroke = []; timeline.stop(); B.choose(frame, "epoch", timeline.at() < B.newest(frame.model) && timeline.at() >= 0 ? B.epochAt(frame.model, timeline.at()) : undefined); add(event); });
    canvas.addEventListener("pointermove", (event) => { if (stroke) add(event); });
    canvas.addEventListener("pointerup", () => {
      if (!stroke) return;
      const points = stroke.map((each) => each.point);
      stroke = null;
      if (!B.addPoints(frame, points)) { ui.pending.splice(-points.length); timeline.again(); }
    });
    canvas.addEventListener("pointercancel", () => { if (stroke) { ui.pending.splice(-stroke.length); stroke = null; timeline.again(); } });
  };
})();
