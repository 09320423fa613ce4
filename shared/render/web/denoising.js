"use strict";
// The denoising viewer: its data, its frames (unpacked once, kept as bytes), its sentences, its tabs.
// How the answers come in turns is in denoising_jobs.js, how time is held in the hand in denoising_timeline.js.
(() => {
  const D = (Glasshouse.denoising = {});
  const VIEWS = ["all", "x", "x0", "eps"], SPEEDS = [4, 8, 16, 30], COLORMAPS = ["gray", "viridis"];
  const T_DEFAULT = 300;
  D.SPEEDS = SPEEDS;

  D.decode = async (data) => ({ ...data, F: data.shown.length, N: data.wanted.length, run: D.newRun(data.seconds), jobs: new Map(), findings: new Map() });

  // Frames are differences to the frame before, which a byte adds up modulo 256 by itself. What stays is one byte a
  // value: value = low + step * byte.
  D.frames = async ({ values, low, step }) => {
    const bytes = await Glasshouse.unpack(values), size = values.shape.slice(1).reduce((product, length) => product * length, 1);
    for (let i = size; i < bytes.length; i++) bytes[i] += bytes[i - size];
    return low.map((lowest, f) => ({ bytes: bytes.subarray(f * size, (f + 1) * size), low: lowest, step: step[f] }));
  };

  // Answers are unpacked once: a view that is drawn anew shows them at once.
  const opened = new WeakMap();
  D.unpack = (packed) => {
    if (!opened.has(packed)) opened.set(packed, Glasshouse.unpack(packed));
    return opened.get(packed);
  };

  // ---- what is on display ----------------------------------------------------------------------------------------
  // What is open on the page; it belongs to no link.
  D.ui = (frame) => (frame.denoising ??= { mode: null, position: 0, listeners: [], open: new Set() });
  D.samples = (subject) => {
    const { sample = -1 } = subject.state;
    return sample < 0 ? Array.from({ length: subject.model.N }, (_, i) => i) : [sample];
  };
  // The one sample of a view that shows no grid.
  D.one = (frame) => Math.max(0, frame.state.sample ?? -1);
  // How pictures are colored: only gray ones can wear a color map.
  D.colors = (frame) => (frame.model.channels === 1 && frame.state.colormap === "viridis" ? "viridis" : "gray");
  D.newest = (model) => model.run.x.length - 1;
  D.time = (model, index) => (index >= model.F ? null : model.timesteps[model.shown[index]]);
  D.stepName = (model, index) => (index >= model.F ? `after ${model.timesteps.length} steps` : `step ${model.shown[index] + 1} of ${model.timesteps.length}`);
  D.place = (model, index) => (index >= model.F ? "at the end" : `${D.stepName(model, index)} (t = ${D.time(model, index)})`);
  D.signal = (model, t) => Math.sqrt(model.abar[t]);
  D.noise = (model, t) => Math.sqrt(1 - model.abar[t]);
  D.snr = (model, t) => model.abar[t] / (1 - model.abar[t]);

  // ---- words -----------------------------------------------------------------------------------------------------
  D.digits = (value) => {
    const size = Math.abs(value);
    const text = size === 0 ? "0" : size >= 1000 ? Math.round(size).toLocaleString("en").replaceAll(",", " ") : size < 0.00005 ? size.toExponential(0) : String(Number(size.toPrecision(2)));
    return (value < 0 ? `−${text}` : text).replace("e-", "e−");
  };
  D.seconds = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)} s`;
  D.count = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;
  D.wantedName = (model, sample) => model.labels[model.wanted[sample]];
  // The judge may number its classes in another way: names decide.
  D.right = (model, sample, said) => D.wantedName(model, sample) === undefined || D.wantedName(model, sample) === model.judge.labels[said];
  D.said = (model, index) => model.judge?.labels[index] ?? model.labels[index] ?? "";
  // Pictures of what: of “Sneaker”, of every class in turn, of no class in particular.
  D.what = ({ plan, wanted }) => {
    const pictures = D.count(wanted.length, "picture");
    if (wanted.every((index) => index < 0)) return `${pictures} of no class in particular`;
    return new Set(wanted).size > 1 ? `${pictures}, a class each` : `${pictures} of “${plan.label}”`;
  };
  D.steps = ({ plan }) => `${D.count(Number(plan.steps), `${plan.sampler} step`)}`;
  D.median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
  D.judgeNote = (model) => `The judge is ${model.judge.name}, a separate classifier that is right on ${Glasshouse.percent(model.judge.accuracy, 1)} of real test pictures.`;

  D.finding = (frame) => {
    const { model } = frame, { run } = model, special = model.findings.get(frame.state.tab ?? "watch");
    if (special) return special;
    if (!run.finished) {
      const at = D.newest(model);
      if (at < 0) return `${D.steps(model)} will turn the noise of seed ${model.plan.seed} into ${D.what(model)}.`;
      const t = D.time(model, at);
      return `Step ${run.done} of ${model.timesteps.length}: at t = ${t} the picture is ${Glasshouse.percent(D.signal(model, t))} signal and ${Glasshouse.percent(D.noise(model, t))} noise by amplitude; signal to noise ${D.digits(D.snr(model, t))}.`;
    }
    return `${D.steps(model)} turn seed ${model.plan.seed} into ${D.what(model)}${D.verdictWords(model)}.`;
  };
  D.verdictWords = (model) => {
    const { run: { verdict, decided, seconds }, judge } = model;
    if (!verdict || !judge) return seconds === null ? "" : `, in ${D.seconds(seconds)}`;
    const agrees = verdict.agreement === null || verdict.agreement === undefined
      ? `: ${judge.name} is ${Glasshouse.percent(D.mean(verdict.probability))} sure of what it sees` : `: ${judge.name} agrees with ${Glasshouse.percent(verdict.agreement)}`;
    return decided ? `${agrees}, sure of its answer from ${D.place(model, D.median(decided.decided))}` : agrees;
  };
  D.mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  // A view that has computed more says more, as long as it is on display.
  D.tellTab = (frame, tab, sentence) => {
    frame.model.findings.set(tab, sentence);
    frame.tell();
  };

  D.trust = (frame) => {
    const { model } = frame, { judge, run: { verdict, finished, status }, plan } = model;
    if (!judge) {
      const first = model.timesteps[0], last = model.timesteps.at(-1);
      return { value: `Signal to noise ${D.digits(D.snr(model, last))}`, label: `at the last step (t = ${last});`, floor: `the first, at t = ${first}, began with ${D.digits(D.snr(model, first))}.` };
    }
    if (!finished && status === "failed") return { value: "Agreement:", label: "not known, the run did not come to its end.", floor: "" };
    if (!finished) return { value: "Agreement:", label: `known when the last of ${D.count(Number(plan.steps), "step")} is done.`, floor: "" };
    if (!verdict) return { value: "Agreement:", label: "this page was saved without the judge's answer.", floor: "" };
    const itself = `${judge.name} (itself right on ${Glasshouse.percent(judge.accuracy, 1)} of photographs);`, floor = `guessing would score ${Glasshouse.percent(1 / judge.labels.length)}.`;
    if (verdict.agreement === null || verdict.agreement === undefined) return { value: `Confidence ${Glasshouse.percent(D.mean(verdict.probability))}`, label: `on average over ${D.count(model.N, "sample")}, says ${itself}`, floor };
    return { value: `Agreement ${Glasshouse.percent(verdict.agreement)}`, label: `of ${D.count(model.N, "sample")} ${model.N === 1 ? "is" : "are"} what was asked for, says ${itself}`, floor };
  };

  // ---- the viewer ------------------------------------------------------------------------------------------------
  D.parse = (changes, { model }) => {
    const out = { ...changes };
    const whole = (name, low, high) => {
      if (!(name in out)) return;
      if (String(out[name]).trim() === "" || !Number.isFinite(Number(out[name]))) delete out[name];
      else out[name] = Math.max(low, Math.min(high, Math.round(Number(out[name]))));
    };
    const among = (name, values) => { if (name in out && !values.includes(out[name])) delete out[name]; };
    if (out.step === "last") out.step = model.F;
    whole("step", 0, model.F);
    whole("sample", -1, model.N - 1);
    if (out.sample === -1) delete out.sample;
    whole("fork", 0, model.F - 1);
    whole("t", 0, model.abar.length - 1);
    whole("speed", 0, 1000);
    among("view", VIEWS);
    among("speed", SPEEDS);
    among("colormap", COLORMAPS);
    return out;
  };
  D.forkAt = (frame) => Math.min(frame.model.F - 1, frame.state.fork ?? Math.floor(frame.model.F / 2));
  D.noiseAt = (frame) => frame.state.t ?? T_DEFAULT;

  const tab = (id, group, label, title, draw, when) => ({ id, group, label, title, when, draw: (panel, frame) => {
    D.adopt(frame);
    frame.model.findings.delete(id);
    D[draw](panel, frame);
    frame.tell();
    D.startRun(frame, { model: frame.model, payload: frame.payload });
  } });
  Glasshouse.viewers.denoising = {
    keys: ["step", "sample", "view", "fork", "t"],
    options: [
      { id: "speed", value: 16, chip: (value) => `${value} frames a second` },
      { id: "colormap", value: "gray", chip: (value) => `Colors: ${value}` },
    ],
    decode: D.decode,
    describe: (frame) => ({ finding: D.finding(frame), trust: D.trust(frame) }),
    parse: D.parse,
    // Frames of another plan of steps mean other moments.
    forget: (before, now) => [
      ...(["model", "sampler", "steps"].some((name) => before[name] !== now[name]) ? ["step", "fork"] : []),
      ...(before.samples !== now.samples || before.model !== now.model ? ["sample"] : []),
      ...(before.image !== now.image ? ["t"] : []),
    ],
    limits: (model) => ({ step: model.F + 1, sample: model.N, fork: model.F, t: model.abar.length }),
    caption: ({ payload: { inputs }, model }) => `${model.labels.length ? `${inputs.label}, ` : ""}seed ${inputs.seed}, ${inputs.steps} × ${inputs.sampler}, ${inputs.model}`,
    tabs: [
      tab("watch", "See", "Watch", "hold time in your hand: the picture, what the network believes, what it takes away", "drawWatch"),
      tab("learned", "See", "Learned", "the same noise through the network while it was being trained", "drawLearned", (frame) => frame.model.moments.length > 0),
      tab("decided", "Compute", "Decided", "when does the answer stand, and which structure comes first?", "drawDecided", (frame) => frame.model.judge),
      tab("fork", "Compute", "Fork", "go on from one moment with eight other noises", "drawFork"),
      tab("forward", "Compute", "Forward", "put noise on a picture, then take it away again", "drawForward"),
      tab("race", "Doubt", "Steps", "the same noise with fewer and with more steps", "drawRace"),
      tab("morph", "Doubt", "Morph", "from one noise, or one class, to another", "drawMorph"),
      tab("invert", "Doubt", "Inversion", "a picture back to its noise, and forward again", "drawInvert"),
      tab("compare", "Compare", "A | B", "the pinned run beside this one, on one timeline", "drawCompare", (frame) => frame.pinned),
    ],
  };
})();
