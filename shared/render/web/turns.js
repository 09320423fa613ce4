"use strict";
// Answers that come in turns: asking again means go on, not asking means cancel; what nobody looks at is not asked for.
(() => {
  const { el } = Glasshouse;
  const HEARD = 400; // ms between two sentences about something under way
  const SETTLE = 150; // ms: a slider that still moves starts no run
  const IDLE = 100; // ms before asking again where nothing new had come
  Glasshouse.pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  Glasshouse.questionKey = (kind, details) => JSON.stringify([kind, details]);
  // The pinned picture is asked about by its own inputs.
  Glasshouse.detailsFor = (frame, { model, payload }, details) => (model === frame.model ? details : { inputs: payload.inputs, ...details });

  // The ways in which a viewer waits. ui(frame) is what is open on its page, with a list of `listeners`; subject(frame) is
  // what the finding speaks of.
  Glasshouse.turns = (ui, subject) => {
    const keyOf = Glasshouse.questionKey;
    // Whoever shows something under way hears of it, as long as it stands on the page.
    const hear = (frame, node, listen) => ui(frame).listeners.push({ node, listen });
    const heard = (frame, what, now) => {
      const own = ui(frame);
      own.listeners = own.listeners.filter(({ node }) => node.isConnected);
      own.listeners.forEach(({ listen }) => listen());
      if (subject(frame) !== what || (!now && performance.now() - (own.told ?? 0) < HEARD)) return;
      own.told = performance.now();
      frame.tell();
    };

    // One line of progress: [bar] step 12 of 50 [Cancel]. read() -> {status, message, done, of, unit, finished}
    const progress = (frame, read, stop, again, verb = "Cancel") => {
      const node = el("div", { class: "gh-state" }), bar = el("progress", { max: 1, value: 0, "aria-label": "Progress" }), words = el("span", {});
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
        else if (status === "failed") node.replaceChildren(el("span", { class: "gh-failure", role: "alert" }, message), button("Try again", again));
        else node.replaceChildren(bar, words, button(verb, stop));
        if (focused) node.querySelector("button")?.focus({ preventScroll: true });
      };
      node.paint();
      hear(frame, node, node.paint);
      return node;
    };

    // A long question, remembered by the model that it is about.
    const job = (frame, kind, details) => {
      const { jobs } = frame.model, id = keyOf(kind, details);
      if (!jobs.has(id)) jobs.set(id, { kind, details, status: "idle", done: 0, of: 0, part: 0, answer: null, node: null });
      const known = jobs.get(id), cached = frame.cache.get(keyOf(kind, { ...details, part: 0 }));
      if (cached?.finished && known.status !== "done") Object.assign(known, { status: "done", answer: cached });
      return known;
    };
    // A finished answer is kept under its first part, where a saved page looks for it.
    const work = async (frame, asked, model) => {
      if (asked.working) return;
      asked.working = true;
      try {
        while (asked.status === "running" && frame.model === model && asked.node.isConnected) {
          const details = { ...asked.details, part: asked.part }, answer = await frame.compute(asked.kind, details);
          frame.cache.delete(keyOf(asked.kind, details));
          asked.part += 1;
          Object.assign(asked, { answer, done: answer.done ?? asked.done, of: answer.of ?? asked.of });
          if (answer.finished) {
            asked.status = "done";
            if (frame.model === model) frame.cache.set(keyOf(asked.kind, { ...asked.details, part: 0 }), answer);
          }
          if (asked.status === "running" || answer.finished) asked.tell();
        }
      } catch (error) {
        Object.assign(asked, { status: "failed", message: error.message });
        asked.tell();
      }
      asked.working = false;
      if (asked.status === "running" && frame.model === model && asked.node.isConnected) work(frame, asked, model); // the view was drawn anew meanwhile
    };
    // A long answer on the page, drawn by show(answer, body, finished). With a `button` it waits for a click; `partial`
    // names the list in it that is shown while it grows, or is true where every answer is shown.
    const long = (frame, asked, { button, unit, partial, show }) => {
      const { model } = frame, body = el("div", { class: "gh-answer" }), state = el("div", {});
      let shown = null, rows = 0, drawing = Promise.resolve(); // one drawing after the other: the last answer stays
      const start = () => { asked.status = "running"; paint(); work(frame, asked, model); };
      const line = progress(frame, () => ({ ...asked, unit, finished: "" }), () => { asked.status = "stopped"; paint(); }, start);
      const paint = () => {
        const { answer } = asked, idle = asked.status === "idle", finished = asked.status === "done", come = partial === true ? asked.part : answer?.[partial]?.length ?? 0;
        state.replaceChildren(idle && button && !frame.host.frozen ? el("button", { type: "button", class: "gh-button gh-start", "data-focus": `start ${asked.kind}`, onclick: start }, button) : finished ? "" : line);
        line.paint();
        if (!answer || answer === shown || (!finished && come <= rows)) return;
        [shown, rows] = [answer, come];
        drawing = drawing.then(() => show(answer, body, finished)).catch((error) => body.replaceChildren(el("p", { class: "gh-failure", role: "alert" }, error.message)));
      };
      const node = asked.node = el("div", {}, state, body);
      asked.tell = () => { if (asked.node === node && node.isConnected) paint(); };
      paint();
      if (asked.status === "running" || (asked.status === "idle" && (!button || frame.host.frozen))) queueMicrotask(() => { if (node.isConnected) start(); });
      return node;
    };
    // A run that its model holds and that grows in place: asked on from what is there, as long as it is looked at. The run
    // of A is looked at in Compare alone. have() is what the page has; took(answer) adds to it, and is false where nothing came.
    const present = (frame, model) => frame.model === model || (frame.state.tab === "compare" && frame.pinned?.model === model);
    const follow = async (frame, subject, kind, have, took) => {
      const { model } = subject;
      if (model.working || model.finished || model.status !== "running" || frame.host.frozen) return;
      model.working = true;
      try {
        await Glasshouse.pause(SETTLE);
        while (!model.finished && model.status === "running" && present(frame, model)) {
          const asked = Glasshouse.detailsFor(frame, subject, { part: have() }), answer = await frame.compute(kind, asked);
          frame.cache.delete(keyOf(kind, asked)); // an unfinished answer is different the next time
          if (!(await took(answer)) && !answer.finished) await Glasshouse.pause(IDLE);
          heard(frame, model, model.finished);
        }
      } catch (error) {
        Object.assign(model, { status: "failed", message: error.message });
      }
      model.working = false;
      heard(frame, model, true);
    };
    return { hear, heard, progress, job, work, long, follow };
  };
})();
