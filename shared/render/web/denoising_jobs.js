"use strict";
// The run, frame by frame, as the page asks for it; other answers that take long are those of turns.js.
(() => {
  const D = Glasshouse.denoising, { el } = Glasshouse;
  const SETTLE = 200; // ms: a slider that still moves starts no run
  const { pause, questionKey: keyOf, detailsFor: asOf } = Glasshouse;
  Object.assign(D, Glasshouse.turns(D.ui, (frame) => frame.model.run));

  D.newRun = (seconds) => ({ status: "running", working: false, finished: false, done: 0, seconds: seconds ?? null, x: [], x0: [], eps: [], verdict: null, decided: null });

  // The pinned picture may have brought answers of its own.
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
})();
