"use strict";
// Time in the hand: one clock over the epochs that were kept, play and single steps, for this viewer and those that borrow it.
(() => {
  const B = (Glasshouse.boundary ??= {}), { el } = Glasshouse;
  const SETTLED = 250; // ms after the last move the address is written
  const TOLD = 450; // ms between two sentences while it plays

  // A choice that is the default stays out of links.
  B.choose = (frame, name, value) => { if (value === undefined) delete frame.chosen[name]; else frame.chosen[name] = value; };

  // B.clock(frame, track, {show(index, moving), curves, autoplay, smooth}) -> {node, keys, fresh, again, stop, at()}
  //   track   {ui, lead, speeds, epochs, start, newest(), epochAt(index), indexAt(epoch), finished(), come(), hear(frame, node, listen)}:
  //           ui holds `mode` ("play" while it runs) and `position` (the epoch it has reached); `start` names the first moment
  //   show    paints the moment of that index; `moving` while more is to come at once
  //   smooth  shows every frame of the screen, between two kept epochs too: the painter reads ui.position
  //   again   paints the present moment anew, for example after a weight was moved
  B.clock = (frame, track, { show, curves = [], autoplay = false, smooth = false }) => {
    const { ui, lead, newest, epochAt, indexAt } = track;
    let at = -1, timer = 0, ticking = false, before = 0, told = 0;
    const button = (text, label, focus, action) => el("button", { type: "button", class: "gh-button gb-play", "aria-label": label, title: label, "data-focus": focus, onclick: action }, text);
    const restart = button("|◂", `Back to ${track.start} (Home)`, "restart", () => { stop(); go(0); });
    const play = button("▶", "Play (space)", "play", () => toggle());
    const step = button("▸|", "One epoch on (right arrow)", "step", () => { stop(); go(at + 1); });
    const slider = el("input", { type: "range", min: 0, max: 1, step: 1, value: 0, class: "gb-slider", "data-focus": "timeline", "aria-label": "Epoch", oninput: () => { stop(); go(Number(slider.value)); } });
    const rail = el("span", { class: "gb-track" }, slider), place = el("output", { class: "gb-place" });
    const speed = el("select", { "data-focus": "speed", "aria-label": "Speed in epochs a second", title: "epochs a second", onchange: (event) => frame.set({ speed: Number(event.target.value) }) },
      track.speeds.map((value) => el("option", { value, selected: value === frame.state.speed }, `${value} / s`)));
    const node = el("div", { class: "gb-timeline" }, el("div", { class: "gb-controls" }, restart, play, step, rail, place, speed), curves.length ? el("div", { class: "gb-curves" }, curves.map((curve) => curve.node)) : null);

    const clamp = (index) => Math.max(0, Math.min(newest(), index));
    const moving = () => ui.mode === "play";
    const paint = () => {
      const last = newest(), ready = last >= 0;
      for (const each of [slider, restart, play, step]) each.disabled = !ready;
      slider.max = Math.max(1, last);
      slider.value = Math.max(0, at);
      const epoch = epochAt(at);
      slider.setAttribute("aria-valuetext", ready ? `epoch ${epoch} of ${track.epochs}` : "nothing trained yet");
      place.textContent = ready ? `epoch ${epoch} of ${track.epochs}` : "no epoch yet";
      rail.style.setProperty("--gb-come", `${100 * Math.max(0.05, track.come())}%`); // it grows with what has come
      if (play.textContent !== (moving() ? "❚❚" : "▶")) {
        play.textContent = moving() ? "❚❚" : "▶";
        play.setAttribute("aria-label", moving() ? "Pause (space)" : "Play (space)");
        play.title = moving() ? "Pause (space)" : "Play (space)";
      }
      curves.forEach((curve) => curve.move(ready ? epoch : 0));
      if (lead && ready) ui.at = epoch;
      show(at, moving());
      if (!moving()) frame.tell();
      else if (performance.now() - told > TOLD) { told = performance.now(); frame.tell(); }
    };
    const settle = () => { clearTimeout(timer); timer = setTimeout(() => { if (node.isConnected) frame.rememberAddress(); }, SETTLED); };
    const write = () => B.choose(frame, "epoch", at < 0 || at >= newest() ? undefined : epochAt(at));
    const go = (index) => { at = clamp(index); write(); paint(); settle(); };
    const stop = () => { ui.mode = ui.fresh = null; };

    const tick = (now) => {
      if (!ui.mode || !node.isConnected) { ticking = false; return; }
      const last = newest(), end = epochAt(last), passed = Math.max(0, Math.min(0.1, (now - before) / 1000)); // the first tick may tell an earlier time
      before = now;
      if (ui.position <= end || track.finished()) ui.position = Math.min(end, ui.position + passed * frame.state.speed); // else the frames it goes on from are still coming
      const next = indexAt(ui.position);
      if (ui.position >= end && track.finished()) ui.mode = null;
      if (next !== at || !ui.mode) { at = next; write(); paint(); if (!ui.mode) settle(); } else if (smooth) show(at, true);
      requestAnimationFrame(tick);
    };
    const run = () => { if (ticking) return; ticking = true; before = performance.now(); requestAnimationFrame(tick); };
    const playFrom = (index) => { ui.mode = "play"; at = clamp(index); ui.position = epochAt(at); write(); run(); paint(); };
    const toggle = () => { ui.fresh = null; if (moving()) { stop(); write(); paint(); settle(); } else playFrom(at >= newest() && track.finished() ? 0 : at); };

    // Frames have come, or the view is drawn: play a new run, go on where it was, or stay at the chosen epoch.
    const fresh = () => {
      curves.forEach((curve) => curve.draw());
      const last = newest(), { epoch } = frame.chosen;
      if (epoch !== undefined && !moving()) ui.fresh = null;
      if (last < 0) { paint(); return; }
      if (autoplay && ui.fresh && epoch === undefined && last > 0 && !Glasshouse.reduced() && frame.parts.veil.hidden) { ui.fresh = false; playFrom(0); return; }
      if (moving()) { at = indexAt(ui.position); run(); paint(); return; }
      at = epoch === undefined ? last : indexAt(epoch);
      paint();
    };
    const keys = (event) => {
      const { tagName, type } = event.target, ownArrows = tagName === "SELECT" || ["range", "number"].includes(type), ownSpace = ["BUTTON", "SELECT", "SUMMARY"].includes(tagName);
      const action = { ArrowRight: () => go(at + 1), ArrowLeft: () => go(at - 1), Home: () => go(0), End: () => go(newest()) }[event.key];
      if (event.altKey || event.ctrlKey || event.metaKey || at < 0 || event.defaultPrevented) return;
      if (event.key === " " && !ownSpace) { event.preventDefault(); toggle(); }
      else if (action && !ownArrows) { event.preventDefault(); stop(); action(); }
    };
    curves.forEach((curve) => curve.scrub((epoch) => { stop(); go(indexAt(epoch)); }));
    track.hear(frame, node, fresh);
    return { node, keys, fresh, stop, again: paint, at: () => at };
  };
})();
