"use strict";
// Answers that come in turns: the frames of a training, and everything else that takes long.
// Asking again means go on, not asking means cancel; what nobody looks at is not asked for.
(() => {
  const B = Glasshouse.boundary, { el } = Glasshouse;
  const SETTLE = 150; // ms: a slider that still moves starts no training
  const HEARD = 400; // ms between two sentences about a training under way
  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  const keyOf = (kind, details) => JSON.stringify([kind, details]);
  const asOf = (frame, { model, payload }, details) => (model === frame.model ? details : { inputs: payload.inputs, ...details });

  // ---- training ----------------------------------------------------------------------------------------------------------
  const stitch = (old, { from, training, validation }) => {
    old.training.length = Math.min(old.training.length, from);
    old.training.push(...training);
    if (validation) {
      old.validation ??= [];
      old.validation.length = Math.min(old.validation.length, from);
      old.validation.push(...validation);
    }
  };
  B.append = async (model, chunk) => {
    Object.assign(model, { done: chunk.done, of: chunk.of, finished: Boolean(chunk.finished), stopped: chunk.stopped || "" });
    if (!chunk.frames) return;
    const [frames, gradients] = await Promise.all([chunk.frames, chunk.gradients].map((packed) => packed && Glasshouse.unpack(packed)));
    const [count, P] = frames.shape, L = model.run.layers.length;
    model.frames.length = model.gradients.length = Math.min(chunk.first, model.frames.length);
    for (let i = 0; i < count; i++) {
      model.frames.push(frames.subarray(i * P, (i + 1) * P));
      model.gradients.push(gradients ? gradients.subarray(i * L, (i + 1) * L) : null);
    }
    stitch(model.loss, chunk.loss);
    stitch(model.accuracy, chunk.accuracy);
  };
  // Steered in mid-run, the picture goes on from the epoch it had; anything else is a new run, seen from its start.
  B.adopt = (frame) => {
    const ui = B.ui(frame), { model } = frame, { steer, epochs, ...rest } = model.plan, key = JSON.stringify(rest);
    if (ui.model === model) return;
    const steered = ui.key === key && ui.at !== undefined, before = ui.model;
    Object.assign(ui, { model, key, link: steered ? ui.link : null, past: steered ? ui.past : [], pending: [], fresh: true });
    if (!steered) Object.assign(ui, { mode: null, position: 0, paint: model.N === 0 ? 0 : ui.paint < model.K ? ui.paint : -1 }); // an empty picture waits for paint
    else if (before) Object.assign(ui, { position: ui.at, fresh: false, mode: Glasshouse.reduced() || frame.chosen.epoch !== undefined ? null : "play" });
  };
  // The run of A goes on only while A is looked at.
  const present = (frame, model) => frame.model === model || (frame.state.tab === "compare" && frame.pinned?.model === model);
  B.train = async (frame, subject) => {
    const { model } = subject;
    if (model.working || model.finished || model.status !== "running" || frame.host.frozen) return;
    model.working = true;
    try {
      await pause(SETTLE);
      while (!model.finished && model.status === "running" && present(frame, model)) {
        const details = { part: model.frames.length }, asked = asOf(frame, subject, details), answer = await frame.compute("train", asked);
        frame.cache.delete(keyOf("train", asked)); // an unfinished answer is different the next time
        await B.append(model, answer);
        if (!answer.frames && !answer.finished) await pause(100);
        B.heard(frame, model, model.finished);
      }
    } catch (error) {
      Object.assign(model, { status: "failed", message: error.message });
    }
    model.working = false;
    B.heard(frame, model, true);
  };

  // Whoever shows a run hears of its frames, as long as it stands on the page.
  B.hear = (frame, node, listen) => B.ui(frame).listeners.push({ node, listen });
  B.heard = (frame, model, now) => {
    const ui = B.ui(frame);
    ui.listeners = ui.listeners.filter(({ node }) => node.isConnected);
    ui.listeners.forEach(({ listen }) => listen());
    if (frame.model !== model || (!now && performance.now() - (ui.told ?? 0) < HEARD)) return;
    ui.told = performance.now();
    frame.tell();
  };
  // How far the training is, a way to stop it, a way to go on; and why it ended early.
  B.runState = (frame, subject = { model: frame.model, payload: frame.payload }) => {
    const { model } = subject, again = () => { model.status = "running"; B.train(frame, subject); B.heard(frame, model); };
    return B.progress(frame, () => (model.finished ? { status: "done", finished: model.stopped ? el("p", { class: "gb-warning", role: "alert" }, model.stopped) : "" }
      : { status: model.status, message: model.message, done: model.done, of: model.of, unit: "training, epoch" }), () => { model.status = "stopped"; B.heard(frame, model); }, again, "Stop");
  };

  // ---- one line of progress: [bar] epoch 12 of 50 [Stop] --------------------------------------------------------------------
  B.progress = (frame, read, stop, again, verb = "Cancel") => {
    const node = el("div", { class: "gb-state" }), bar = el("progress", { max: 1, value: 0, "aria-label": "Progress" }), words = el("span", {});
    let drawn = null;
    const button = (label, action) => (frame.host.frozen ? "" : el("button", { type: "button", class: "gh-button", "data-focus": "state", onclick: action }, label));
    node.paint = () => {
      const { status, message, done, of, unit, finished } = read();
      bar.max = of || 1;
      bar.value = done || 0;
      words.textContent = of ? `${unit ? `${unit} ` : ""}${done} of ${of}` : "starting…";
      if (status === drawn) return; // the button that a pointer is on stays
      drawn = status;
      const focused = node.contains(document.activeElement);
      if (status === "done") node.replaceChildren(finished ?? "");
      else if (status === "stopped") node.replaceChildren(el("span", {}, "stopped at "), words, button("Go on", again));
      else if (status === "failed") node.replaceChildren(el("span", { class: "gb-problem", role: "alert" }, message), button("Try again", again));
      else node.replaceChildren(bar, words, button(verb, stop));
      if (focused) node.querySelector("button")?.focus({ preventScroll: true });
    };
    node.paint();
    B.hear(frame, node, node.paint);
    return node;
  };

  // ---- everything else that takes long -----------------------------------------------------------------------------------
  B.job = (frame, kind, details) => {
    const { jobs } = frame.model, id = keyOf(kind, details);
    if (!jobs.has(id)) jobs.set(id, { kind, details, status: "idle", done: 0, of: 0, part: 0, answer: null, node: null });
    const job = jobs.get(id), cached = frame.cache.get(keyOf(kind, { ...details, part: 0 }));
    if (cached?.finished && job.status !== "done") Object.assign(job, { status: "done", answer: cached });
    return job;
  };
  // A finished answer is kept under its first part, where a saved page looks for it.
  B.work = async (frame, job, model) => {
    if (job.working) return;
    job.working = true;
    try {
      while (job.status === "running" && frame.model === model && job.node.isConnected) {
        const details = { ...job.details, part: job.part }, answer = await frame.compute(job.kind, details);
        frame.cache.delete(keyOf(job.kind, details));
        job.part += 1;
        Object.assign(job, { answer, done: answer.done ?? job.done, of: answer.of ?? job.of });
        if (answer.finished) {
          job.status = "done";
          if (frame.model === model) frame.cache.set(keyOf(job.kind, { ...job.details, part: 0 }), answer);
        }
        if (job.status === "running" || answer.finished) job.tell();
      }
    } catch (error) {
      Object.assign(job, { status: "failed", message: error.message });
      job.tell();
    }
    job.working = false;
    if (job.status === "running" && frame.model === model && job.node.isConnected) B.work(frame, job, model); // drawn anew meanwhile
  };
  // A long answer on the page; with a `button` it waits for a click. show(answer, body, finished) draws it anew each time.
  B.long = (frame, job, { button, unit, show }) => {
    const { model } = frame, body = el("div", { class: "gb-answer" }), state = el("div", {});
    let shown = null, drawing = Promise.resolve(); // one drawing after the other: the last answer stays
    const start = () => { job.status = "running"; paint(); B.work(frame, job, model); };
    const line = B.progress(frame, () => ({ ...job, unit, finished: "" }), () => { job.status = "stopped"; paint(); }, start);
    const paint = () => {
      const idle = job.status === "idle";
      state.replaceChildren(idle && button && !frame.host.frozen ? el("button", { type: "button", class: "gh-button gb-start", "data-focus": `start ${job.kind}`, onclick: start }, button) : job.status === "done" ? "" : line);
      line.paint();
      if (!job.answer || job.answer === shown) return;
      const answer = shown = job.answer, finished = job.status === "done";
      drawing = drawing.then(() => show(answer, body, finished)).catch((error) => body.replaceChildren(el("p", { class: "gb-problem", role: "alert" }, error.message)));
    };
    const node = job.node = el("div", { class: "gb-long" }, state, body);
    job.tell = () => { if (job.node === node && node.isConnected) paint(); };
    paint();
    if (job.status === "running" || (job.status === "idle" && (!button || frame.host.frozen))) queueMicrotask(() => { if (node.isConnected) start(); });
    return node;
  };
})();
