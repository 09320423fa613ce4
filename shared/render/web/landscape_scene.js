"use strict";
// One 3-D scene for a frame: made when its tab is opened first, kept while the tab is drawn anew, turned by mouse, touch,
// keys and buttons, refined in place, and given back when the visitor leaves the tab.
(() => {
  const L = Glasshouse.landscape, { el } = Glasshouse;
  const FIRST = { x: 0.86, y: -1.3, z: 1.12 };
  L.VIEWS = [["Overview", FIRST, "From above a corner"], ["From above", { x: 0, y: -0.01, z: 2.05 }, "As on the map"], ["From the side", { x: 0, y: -2, z: 0.22 }, "Along direction 2"]];
  const OFTEN = 500, SETTLED = 250, GLIDE = 350; // ms: between two refinements; until the camera is written; a turn by button
  const TURN = Math.PI / 24, STEP = 1.15, NEAR = 0.6, FAR = 4; // radians and factor of a key; distances of the eye
  const PULL = Math.PI / 420, SLIP = 5, TOLD = 60, PATIENCE = 1500; // radians a pixel turns; pixels that a click may slip; ms until the scene knows, or should know, what the pointer is on
  const CONFIG = { plotGlPixelRatio: Math.min(2, globalThis.devicePixelRatio || 1), displayModeBar: false, displaylogo: false, scrollZoom: false, doubleClick: false, showTips: false };

  // The library as globalThis.Plotly: a saved page holds it, a running one asks for it when it is first needed.
  L.plotly = async (frame) => {
    if (globalThis.Plotly) return;
    const { script } = await frame.compute("plotly", {});
    frame.cache.delete(Glasshouse.questionKey("plotly", {})); // a saved page carries the library itself
    if (!globalThis.Plotly) {
      const node = el("script", {}, script);
      document.head.append(node);
      node.remove();
    }
    if (!globalThis.Plotly) throw new Error("The library that draws in 3-D did not start here; look at the map instead.");
  };
  L.drawsInDepth = () => {
    const canvas = el("canvas"), context = canvas.getContext("webgl2") || canvas.getContext("webgl");
    context?.getExtension("WEBGL_lose_context")?.loseContext(); // browsers lend only a few
    return Boolean(context);
  };

  // ---- the eye -----------------------------------------------------------------------------------------------------
  const asText = ({ x, y, z }) => [x, y, z].map((value) => Number(value.toFixed(2))).join(",");
  const eyeOf = (text) => {
    const [x, y, z] = String(text ?? "").split(",").map(Number);
    return Number.isFinite(z) && Math.hypot(x, y, z) > 0.01 ? { x, y, z } : FIRST;
  };
  const polar = ({ x, y, z }) => ({ far: Math.hypot(x, y, z), around: Math.atan2(y, x), up: Math.asin(z / Math.hypot(x, y, z)) });
  const placed = ({ far, around, up }) => {
    const steep = Math.max(-1.5, Math.min(1.565, up)), r = Math.max(NEAR, Math.min(FAR, far));
    return { x: r * Math.cos(steep) * Math.cos(around), y: r * Math.cos(steep) * Math.sin(around), z: r * Math.sin(steep) };
  };
  L.TURNS = {
    ArrowLeft: (at) => ({ ...at, around: at.around - TURN }), ArrowRight: (at) => ({ ...at, around: at.around + TURN }),
    ArrowUp: (at) => ({ ...at, up: at.up + TURN }), ArrowDown: (at) => ({ ...at, up: at.up - TURN }),
    "+": (at) => ({ ...at, far: at.far / STEP }), "-": (at) => ({ ...at, far: at.far * STEP }),
  };
  // The eye: {look(eye, slowly), move(change), follow(), now()}; show(eye) moves the picture. Plotly's own turning runs on
  // with the speed of the last move until the next frame, which throws a slow machine's picture about.
  const makeEye = (frame, show) => {
    let now = eyeOf(frame.chosen.camera), written = frame.chosen.camera, timer = 0, glide = 0;
    const write = () => {
      written = asText(now) === asText(FIRST) ? undefined : asText(now);
      if (written === undefined) delete frame.chosen.camera; else frame.chosen.camera = written;
      frame.rememberAddress();
    };
    const moved = (to) => { now = to; clearTimeout(timer); timer = setTimeout(write, SETTLED); };
    const look = (to, slowly) => {
      cancelAnimationFrame(glide);
      if (!slowly || Glasshouse.reduced()) { moved(to); show(to); return; }
      const from = polar(now), end = polar(to), began = performance.now(), whole = 2 * Math.PI, around = end.around - from.around, short = around - whole * Math.round(around / whole);
      const step = (time) => {
        const part = Math.max(0, Math.min(1, (time - began) / GLIDE)), eased = part * part * (3 - 2 * part), at = (name) => from[name] + eased * (end[name] - from[name]);
        moved(part < 1 ? placed({ far: at("far"), up: at("up"), around: from.around + eased * short }) : to);
        show(now);
        if (part < 1) glide = requestAnimationFrame(step);
      };
      glide = requestAnimationFrame(step);
    };
    const move = (change, from = now) => look(placed(change(polar(from))));
    // A story may ask for another view.
    const follow = () => {
      if (frame.chosen.camera === written) return false;
      written = frame.chosen.camera;
      now = eyeOf(written);
      return true;
    };
    return { look, move, follow, now: () => now };
  };

  // ---- the scene -----------------------------------------------------------------------------------------------------
  // {node, draw(width, height), touch(), eye, end(), hovered}: touch shows a finer grid, another scale, another theme in its turn.
  const makeScene = (frame) => {
    const { Plotly } = globalThis, graph = el("div", {}), overlay = L.overlay(frame, graph), node = el("div", { class: "gl-scene", tabindex: "0", role: "img", "data-focus": "surface" }, graph, overlay.node);
    let shown = null, drawn = "", last = 0, timer = 0, size = [640, 400], ready = false;
    const alive = () => node.isConnected && shown !== undefined;
    const eye = makeEye(frame, (to) => { if (ready && alive()) Plotly.relayout(graph, { "scene.camera.eye": to }); });
    const key = () => [frame.model.version, frame.state.scale, frame.state.height, frame.state.path, Glasshouse.isDark(), ...size].join();
    const whole = async () => {
      timer = 0;
      if (!alive() || frame.model.stride === null) return;
      [shown, drawn, last] = [frame.model, key(), performance.now()];
      const { data, layout } = L.surfacePicture(frame, node, eye.now(), ...size);
      await Plotly.react(graph, data, layout, CONFIG);
      if (!ready && alive()) { wire(graph, node, frame, eye); follow(); }
      ready = true;
      touch();
    };
    const follow = () => { if (!alive()) return; overlay.follow(...size); requestAnimationFrame(follow); };
    const touch = () => {
      if (timer || (shown === frame.model && key() === drawn)) return;
      timer = setTimeout(whole, shown === frame.model ? Math.max(0, OFTEN - (performance.now() - last)) : 0);
    };
    const draw = (width, height) => {
      size = [width, height];
      clearTimeout(timer);
      timer = 0;
      if (eye.follow() && ready) Plotly.relayout(graph, { "scene.camera.eye": eye.now() });
      if (shown !== frame.model || key() !== drawn) whole();
    };
    const end = () => { shown = undefined; clearTimeout(timer); Plotly.purge(graph); };
    return { node, draw, touch, eye, end };
  };
  // What the visitor does with it: turning by a drag or by keys, picking a place by a click.
  const wire = (graph, node, frame, eye) => {
    let over = null, pressed = null, queued = false, wanted = 0, finger = false;
    const ui = L.ui(frame);
    const pick = () => { if (over && performance.now() < wanted) { wanted = 0; ui.hover = null; L.setPlace(frame, ...over); } };
    const point = (place) => {
      over = place;
      ui.hover = place && !finger ? { alpha: place[0], beta: place[1], pointer: true } : null; // a finger that is lifted points at nothing
      ui.scene?.hovered?.();
    };
    const meet = ({ points: [{ x, y }] }) => { point([x, y]); if (!pressed) pick(); };
    graph.on("plotly_hover", meet);
    graph.on("plotly_click", meet);
    graph.on("plotly_unhover", () => point(null));
    node.addEventListener("pointerleave", () => point(null));
    const drag = () => {
      queued = false;
      if (pressed) eye.move((at) => ({ ...at, around: at.around - PULL * (pressed.now[0] - pressed.x), up: at.up + PULL * (pressed.now[1] - pressed.y) }), pressed.from);
    };
    node.addEventListener("pointerdown", ({ button, pointerType, clientX: x, clientY: y }) => {
      if (button) return;
      pressed = { x, y, now: [x, y], from: eye.now(), turning: false };
      finger = pointerType === "touch";
      if (finger) over = null; // what the last tap was on
    });
    node.addEventListener("pointermove", ({ clientX, clientY, pointerId, pointerType }) => {
      if (!pressed) return;
      const dx = Math.abs(clientX - pressed.x), dy = Math.abs(clientY - pressed.y);
      if (!pressed.turning && (Math.hypot(dx, dy) < SLIP || (pointerType === "touch" && dy > dx))) return; // a finger that goes up or down scrolls the page
      if (!pressed.turning) { pressed.turning = true; node.setPointerCapture(pointerId); }
      pressed.now = [clientX, clientY];
      if (!queued) { queued = true; requestAnimationFrame(drag); }
    });
    node.addEventListener("pointerenter", ({ pointerType }) => { finger = pointerType === "touch"; });
    node.addEventListener("pointerup", () => {
      const still = pressed && !pressed.turning;
      pressed = null;
      if (!still) return;
      wanted = performance.now() + PATIENCE;
      setTimeout(pick, TOLD);
    });
    node.addEventListener("pointercancel", () => { pressed = null; });
    node.addEventListener("touchmove", (event) => event.stopPropagation(), { capture: true, passive: true }); // plotly would keep the page from scrolling
    node.addEventListener("keydown", (event) => {
      const change = L.TURNS[event.key];
      if (!change || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      eye.move(change);
    });
  };

  // The scene of the frame; it is given back when its tab is left, and its colors follow the theme.
  L.scene = (frame) => {
    const ui = L.ui(frame);
    if (ui.scene) return ui.scene;
    const scene = (ui.scene = makeScene(frame)), theme = new MutationObserver(() => scene.touch());
    for (const node of [document.documentElement, document.body]) theme.observe(node, { attributes: true, attributeFilter: ["class", "data-theme"] });
    const left = new MutationObserver(() => {
      if (scene.node.isConnected) return;
      for (const each of [left, theme]) each.disconnect();
      ui.scene = ui.hover = null;
      scene.end();
    });
    left.observe(frame.parts.panel, { childList: true, subtree: true });
    return scene;
  };
})();
