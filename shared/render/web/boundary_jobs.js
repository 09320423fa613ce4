"use strict";
// The frames of a training as the page asks for them; other answers that take long are those of turns.js.
(() => {
  const B = Glasshouse.boundary, { el } = Glasshouse;
  Object.assign(B, Glasshouse.turns(B.ui, (frame) => frame.model));

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
  B.train = (frame, subject) => {
    const { model } = subject;
    return B.follow(frame, subject, "train", () => model.frames.length, async (answer) => { await B.append(model, answer); return answer.frames; });
  };

  // How far the training is, a way to stop it, a way to go on; and why it ended early.
  B.runState = (frame, subject = { model: frame.model, payload: frame.payload }) => {
    const { model } = subject, again = () => { model.status = "running"; B.train(frame, subject); B.heard(frame, model); };
    return B.progress(frame, () => (model.finished ? { status: "done", finished: model.stopped ? el("p", { class: "gb-warning", role: "alert" }, model.stopped) : "" }
      : { status: model.status, message: model.message, done: model.done, of: model.of, unit: "training, epoch" }), () => { model.status = "stopped"; B.heard(frame, model); }, again, "Stop");
  };
})();
