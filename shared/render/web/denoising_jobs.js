"use strict";
// Answers that come in turns: the run itself, frame by frame, and everything else that takes long.
// Asking again means go on, not asking means cancel; what nobody looks at is not asked for.
(() => {
  const D = Glasshouse.denoising, { el } = Glasshouse;
  const SETTLE = 200; // ms: a slider that still moves starts no run
  const HEARD = 400; // ms between two sentences about a run under way
  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  const keyOf = (kind, details) => JSON.stringify([kind, details]);

  D.newRun = (seconds) => ({ status: "running", working: false, finished: false, done: 0, seconds: seconds ?? null, x: [], x0: [], eps: [], verdict: null, decided: null });

  // The pinned picture is asked about by its own inputs, and may have brought answers of its own.
  const asOf = (frame, { model, payload }, details) => (model === frame.model ? details : { inputs: payload.inputs, ...details });
  const ask = (frame, subject, kind, details) => {
    const own = subject.model !== frame.model && subject.payload.computed?.[keyOf(kind, details)];
    return own ? Promise.resolve(own) : frame.compute(kind, asOf(frame, subject, details));
  };

  // ---- the run ---------------------------------------------------------------------------------------------------
  // Only the picture of the tab Forward has changed: the run goes on as it was.
  D.adopt = (frame) => {
    const ui = D.ui(frame), { model } = frame, plan = JSON.stringify(model.plan);
    if (ui.model === model) return;
    if (ui.plan === plan) model.run = ui.run;
    else Object.assign(ui, { mode: null, position: 0 });
    Object.assign(ui, { model, plan, run: model.run });
  };
  // The run of A goes on only while A is looked at.
  const present = (frame, { run }) => frame.model.run === run || (frame.state.tab === "compare" && frame.pinned?.model.run === run);

  D.startRun = async (frame, subject) => {
    const { model } = subject, { run } = model;
    if (run.working || run.finished || run.status !== "running") return;
    run.working = true;
    try {
      const known = [frame.payload.computed, subject.payload.computed].some((computed) => computed?.[keyOf("run", { part: 0 })]);
      if (!run.x.length && !known && !frame.host.frozen) await pause(SETTLE);
      while (!run.finished && run.status === "running" && present(frame, model)) await D.turn(frame, subject, run);
    } catch (error) {
      Object.assign(run, { status: "failed", message: error.message });
    }
    run.working = false;
    D.heard(frame, run, true);
    if (run.finished) D.measure(frame, subject);
  };
  D.turn = async (frame, subject, run) => {
    const part = run.x.length, key = keyOf("run", asOf(frame, subject, { part })), answer = await ask(frame, subject, "run", { part });
    // An unfinished answer is different the next time; the first one stays as the mark that this run was looked at.
    if (part || !answer.frames) frame.cache.delete(key);
    if (answer.frames) await D.append(run, answer.frames);
    else if (!answer.finished) await pause(100);
    if (answer.seconds !== undefined) run.seconds = answer.seconds;
    if (answer.finished) run.instant = part === 0;
    Object.assign(run, { done: answer.done ?? run.done, finished: Boolean(answer.finished), verdict: answer.verdict ?? run.verdict });
    D.heard(frame, run, run.finished);
  };
  D.append = async (run, { first, ...parts }) => {
    const views = await Promise.all(["x", "x0", "eps"].map((view) => D.frames(parts[view])));
    ["x", "x0", "eps"].forEach((view, i) => { run[view].length = Math.min(first, run[view].length); run[view].push(...views[i]); });
  };

  // Whoever shows a run hears of its frames, as long as it stands on the page.
  D.hear = (frame, node, listen) => D.ui(frame).listeners.push({ node, listen });
  D.heard = (frame, run, now) => {
    const ui = D.ui(frame);
    ui.listeners = ui.listeners.filter(({ node }) => node.isConnected);
    ui.listeners.forEach(({ listen }) => listen());
    if (frame.model.run !== run || (!now && performance.now() - (ui.told ?? 0) < HEARD)) return;
    ui.told = performance.now();
    frame.tell();
  };

  // When the pictures are there, the page asks by itself since when the judge was sure.
  D.measure = async (frame, subject) => {
    const { model } = subject, { run } = model;
    if (!model.judge || run.decided || (frame.host.frozen && !frame.cache.has(keyOf("decided", {})))) return;
    await pause(SETTLE);
    if (frame.model.run !== run) return;
    try { run.decided = await frame.compute("decided", {}); } catch { return; } // the tab Decided asks again and says why
    if (frame.model.run === run) frame.tell();
  };

  // Progress of a run, a way to stop it, a way to go on.
  D.runState = (frame, subject = { model: frame.model, payload: frame.payload }) => {
    const { run, timesteps } = subject.model;
    const again = () => { run.status = "running"; D.startRun(frame, subject); D.heard(frame, run); };
    return D.progress(frame, () => ({ status: run.finished ? "done" : run.status, message: run.message, done: run.done, of: timesteps.length, unit: "step",
      finished: `${D.count(timesteps.length, "step")}${run.seconds === null ? "" : ` in ${D.seconds(run.seconds)}`}` }),
    () => { run.status = "stopped"; D.heard(frame, run); }, again);
  };
  // What needs all frames waits for them, with the run's own progress.
  D.afterRun = (frame, panel, draw) => {
    if (frame.model.run.finished) { draw(); return; }
    const node = el("div", { class: "gd-waiting" }, el("p", { class: "gh-small" }, "This view looks at the whole run, so the run comes first."), D.runState(frame));
    panel.append(node);
    D.hear(frame, node, () => { if (frame.model.run.finished) frame.draw(); });
  };

  // ---- one line of progress: [bar] step 12 of 50 [Cancel] -----------------------------------------------------------------
  D.progress = (frame, read, stop, again) => {
    const node = el("div", { class: "gd-state" }), bar = el("progress", { max: 1, value: 0, "aria-label": "Progress" }), words = el("span", {});
    let drawn = null;
    const button = (label, action) => el("button", { type: "button", class: "gh-button", "data-focus": "state", onclick: action }, label);
    node.paint = () => {
      const { status, message, done, of, unit, finished } = read();
      bar.max = of || 1;
      bar.value = done;
      words.textContent = of ? `${unit ? `${unit} ` : ""}${done} of ${of}` : "starting…";
      if (status === drawn) return; // the button that a pointer is on stays
      drawn = status;
      const focused = node.contains(document.activeElement);
      if (status === "done") node.replaceChildren(el("span", {}, finished ?? ""));
      else if (status === "stopped") node.replaceChildren(el("span", {}, "stopped at "), words, button("Go on", again));
      else if (status === "failed") node.replaceChildren(el("span", { class: "gd-problem", role: "alert" }, message), frame.host.frozen ? "" : button("Try again", again));
      else node.replaceChildren(bar, words, frame.host.frozen ? "" : button("Cancel", stop));
      if (focused) node.querySelector("button")?.focus({ preventScroll: true });
    };
    node.paint();
    D.hear(frame, node, node.paint);
    return node;
  };

  // ---- everything else that takes long ---------------------------------------------------------------------------
  D.job = (frame, kind, details) => {
    const { jobs } = frame.model, id = keyOf(kind, details);
    if (!jobs.has(id)) jobs.set(id, { kind, details, status: "idle", done: 0, of: 0, part: 0, answer: null, node: null });
    const job = jobs.get(id), cached = frame.cache.get(keyOf(kind, { ...details, part: 0 }));
    if (cached?.finished && job.status !== "done") Object.assign(job, { status: "done", answer: cached });
    return job;
  };
  // A finished answer is kept under its first part, where a saved page looks for it.
  D.work = async (frame, job, model) => {
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
    if (job.status === "running" && frame.model === model && job.node.isConnected) D.work(frame, job, model); // the view was drawn anew meanwhile
  };

  // A long answer on the page. With a `button` it waits for a click; `partial` names the list that is shown while it grows.
  D.long = (frame, job, { button, unit, partial, show }) => {
    const { model } = frame, body = el("div", { class: "gd-answer" }), state = el("div", {});
    let shown = 0, drawing = Promise.resolve(); // one drawing after the other: the last answer stays
    const start = () => { job.status = "running"; paint(); D.work(frame, job, model); };
    const line = D.progress(frame, () => ({ ...job, unit, finished: "" }), () => { job.status = "stopped"; paint(); }, start);
    const paint = () => {
      const idle = job.status === "idle";
      state.replaceChildren(idle && button ? el("button", { type: "button", class: "gh-button gd-start", "data-focus": `start ${job.kind}`, onclick: start }, button) : job.status === "done" ? "" : line);
      line.paint();
      const come = job.status === "done" ? Infinity : job.answer?.[partial]?.length ?? 0;
      if (come <= shown) return;
      shown = come;
      const { answer } = job, finished = job.status === "done";
      drawing = drawing.then(() => show(answer, body, finished)).catch((error) => body.replaceChildren(el("p", { class: "gd-problem", role: "alert" }, error.message)));
    };
    const node = job.node = el("div", { class: "gd-long" }, state, body);
    job.tell = () => { if (job.node === node && node.isConnected) paint(); };
    paint();
    if (job.status === "running" || (job.status === "idle" && (!button || frame.host.frozen))) queueMicrotask(() => { if (node.isConnected) start(); });
    return node;
  };
})();
