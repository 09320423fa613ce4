"use strict";
// Time in the hand: one slider over the frames, play and speed, the schedule with its cursor, the numbers at the cursor.
(() => {
  const D = Glasshouse.denoising, { el } = Glasshouse;
  const SETTLED = 250; // ms after the last move the address is written

  // source: {model, newest(), finished(), end, read(), write(index | undefined), show(index), settled(index), state: node}
  //   read    the moment that was chosen; undefined: the newest one, whatever comes
  //   model   whose schedule and time steps are shown
  D.timeline = (frame, source) => {
    const ui = D.ui(frame), { model, end } = source;
    let at = -1, timer = 0, ticking = false, before = 0;
    const room = frame.parts.panel.clientWidth || 640, wide = room >= 760;
    const schedule = D.schedule(model, wide ? room - 300 : room, { scrub: (t) => { stop(); go(nearest(t)); } });
    const numbers = D.numbers(model);
    const slider = el("input", { type: "range", min: 0, max: 1, step: 1, value: 0, class: "gd-slider", "data-focus": "timeline", "aria-label": "Moment of the run", oninput: () => { stop(); go(Number(slider.value)); } });
    const track = el("span", { class: "gd-track" }, slider);
    const button = el("button", { type: "button", class: "gh-button gd-play", "data-focus": "play", onclick: () => toggle() });
    const speed = el("select", { "data-focus": "speed", "aria-label": "Frames a second", onchange: (event) => frame.set({ speed: Number(event.target.value) }) },
      D.SPEEDS.map((value) => el("option", { value, selected: value === frame.state.speed }, `${value} / s`)));
    const node = el("div", { class: "gd-timeline" },
      el("div", { class: "gd-controls" }, button, track, speed),
      el("div", { class: "gd-below" }, schedule.node, el("div", { class: "gd-facts" }, numbers.node, source.state)));

    const nearest = (t) => D.nearest(model, t, source.newest());
    const clamp = (index) => Math.max(0, Math.min(source.newest(), index));
    const paint = () => {
      const newest = source.newest(), ready = newest >= 0;
      slider.disabled = button.disabled = !ready;
      slider.max = Math.max(1, newest);
      slider.value = at;
      slider.setAttribute("aria-valuetext", ready ? `${D.stepName(model, at)}${D.time(model, at) === null ? "" : `, t ${D.time(model, at)}`}` : "no frame yet");
      track.style.setProperty("--gd-come", `${100 * Math.max(0.04, newest / Math.max(1, end))}%`); // it grows with what has come
      const playing = ui.mode === "play";
      button.textContent = playing ? "❚❚" : "▶";
      button.setAttribute("aria-label", playing ? "Pause" : "Play");
      button.title = playing ? "Pause (space)" : "Play (space)";
      if (!ready) { schedule.move(model.abar.length - 1); return; }
      schedule.move(D.time(model, at));
      numbers.show(at);
      source.show(at);
    };
    const settle = () => { clearTimeout(timer); timer = setTimeout(() => { if (node.isConnected) { source.settled(at); frame.rememberAddress(); } }, SETTLED); };
    const go = (index) => {
      at = clamp(index);
      source.write(at >= source.newest() ? undefined : at);
      paint();
      settle();
    };
    const stop = () => { ui.mode = null; };

    // One clock for playing, and for catching up with frames that have just come.
    const tick = (now) => {
      if (!ui.mode || !node.isConnected) { ticking = false; return; }
      const newest = source.newest(), passed = Math.max(0, Math.min(0.1, (now - before) / 1000)); // the first tick may tell an earlier time
      before = now;
      const rate = ui.mode === "follow" ? Math.max(frame.state.speed, 4 * (newest - ui.position)) : frame.state.speed;
      ui.position = Math.min(newest, ui.position + passed * rate);
      const arrived = ui.position >= newest, next = arrived ? newest : Math.floor(ui.position);
      if (arrived && (ui.mode === "follow" || source.finished())) ui.mode = null;
      if (next !== at || !ui.mode) {
        at = next;
        source.write(at >= newest || ui.mode === "follow" ? undefined : at);
        paint();
        if (!ui.mode) settle();
      }
      requestAnimationFrame(tick);
    };
    const run = () => { if (ticking) return; ticking = true; before = performance.now(); requestAnimationFrame(tick); };
    const play = (from) => { ui.mode = "play"; ui.position = from; run(); paint(); };
    const toggle = () => {
      if (ui.mode === "play") { stop(); paint(); settle(); }
      else play(at >= source.newest() && source.finished() ? 0 : at);
    };

    // Frames have come: follow the newest unless a moment was chosen.
    const fresh = () => {
      const { run: own } = frame.model, newest = source.newest();
      if (newest < 0) { paint(); return; }
      if (own.instant && !own.played && !Glasshouse.reduced() && source.read() === undefined && frame.parts.veil.hidden) { own.played = true; at = 0; play(0); return; }
      if (ui.mode === "play") { run(); paint(); return; }
      if (source.read() !== undefined) at = clamp(source.read());
      else if (Glasshouse.reduced() || at < 0 || at === newest) at = newest;
      else { ui.mode = "follow"; ui.position = at; run(); }
      paint();
    };
    if (ui.mode === "play") { at = clamp(Math.floor(ui.position)); run(); }

    const keys = (event) => {
      const { tagName, type } = event.target, ownArrows = tagName === "SELECT" || type === "range", ownSpace = ["BUTTON", "SELECT", "SUMMARY"].includes(tagName);
      const action = { ArrowRight: () => go(at + 1), ArrowLeft: () => go(at - 1), Home: () => go(0), End: () => go(source.newest()) }[event.key];
      if (event.altKey || event.ctrlKey || event.metaKey || at < 0) return;
      if (event.key === " " && !ownSpace) { event.preventDefault(); toggle(); }
      else if (action && !ownArrows) { event.preventDefault(); stop(); action(); }
    };
    // Dragging a picture sideways is the same as dragging the slider; a short press is a click.
    const grab = (canvas, click) => {
      let start = null;
      canvas.classList.add("gd-grab");
      canvas.addEventListener("pointerdown", (event) => { if (event.button === 0) { start = { x: event.clientX, at, moved: false }; canvas.setPointerCapture(event.pointerId); } });
      canvas.addEventListener("pointermove", (event) => {
        if (!start || at < 0) return;
        const way = event.clientX - start.x;
        if (Math.abs(way) > 5) start.moved = true;
        if (start.moved) { stop(); go(Math.round(start.at + way / canvas.clientWidth * end)); }
      });
      canvas.addEventListener("pointerup", (event) => { if (start && !start.moved) click?.(event); start = null; });
      canvas.addEventListener("pointercancel", () => { start = null; });
    };
    return { node, keys, grab, fresh };
  };

  // The frame whose noise level is nearest; a level below the last one is the finished picture.
  D.nearest = (model, t, newest) => {
    const last = D.time(model, model.F - 1);
    if (newest >= model.F && (t === null || t < last / 2)) return model.F;
    let best = 0;
    for (let i = 1; i <= Math.min(newest, model.F - 1); i++) if (Math.abs(D.time(model, i) - (t ?? 0)) < Math.abs(D.time(model, best) - (t ?? 0))) best = i;
    return best;
  };

  D.numbers = (model) => {
    const cells = Object.fromEntries(["step", "t", "signal", "noise", "snr"].map((name) => [name, el("dd", {}, "–")]));
    const row = (term, name, kind, title) => [el("dt", { class: kind ? `gd-ink-${kind}` : "", title }, term), cells[name]];
    const node = el("dl", { class: "gd-numbers" }, row("step", "step"), row("noise level t", "t"), row("picture √ᾱ", "signal", "signal", "amplitude of the picture in x_t"),
      row("noise √(1−ᾱ)", "noise", "noise", "amplitude of the noise in x_t"), row("signal to noise", "snr", "", "SNR = ᾱ / (1 − ᾱ)"));
    const show = (index) => {
      const t = D.time(model, index), put = (name, text) => { cells[name].textContent = text; };
      put("step", t === null ? `all ${model.timesteps.length} done` : `${model.shown[index] + 1} of ${model.timesteps.length}`);
      put("t", t === null ? "none left" : String(t));
      put("signal", t === null ? "–" : D.signal(model, t).toFixed(3));
      put("noise", t === null ? "–" : D.noise(model, t).toFixed(3));
      put("snr", t === null ? "–" : D.digits(D.snr(model, t)));
    };
    return { node, show };
  };
})();
