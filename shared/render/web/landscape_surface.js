"use strict";
// The loss as a surface that can be turned, drawn by plotly: colors and cut of the map, height by the same scale. A path
// lies on the surface; where the true loss differs from the loss of the plane, a dashed line shows it above or below.
(() => {
  const L = Glasshouse.landscape, { el } = Glasshouse;
  const LIFT = 0.012, SEEN = 0.012; // heights, of the range: a path above its surface; a difference that the eye can tell
  const BETWEEN = 4; // pieces of a path from one epoch to the next, so that it follows the surface
  const UP = 0.66; // the height of the box beside its width
  const CLEAR = "rgba(0,0,0,0)";
  L.BELOW = 1e-6; // a true loss below the scale is drawn down to here

  // Plotly reads a little HTML in labels.
  const plain = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const inside = ({ alpha, beta }, a, b) => a >= alpha[0] && a <= alpha.at(-1) && b >= beta[0] && b <= beta.at(-1);
  // Height of a true loss: it may lie below the lowest loss of the plane, but not above the cut.
  const rise = (range, loss) => {
    const { low, high, log } = range;
    if (!Number.isFinite(loss) || loss >= high) return 1;
    return log ? Math.log(Math.max(loss, Math.min(low, L.BELOW)) / low) / Math.log(high / low) : (loss - low) / (high - low);
  };
  const ground = (model, range, a, b) => (inside(model, a, b) ? Math.min(1, L.height(range, L.lossOnGrid(model, a, b))) : NaN);

  // ---- what is drawn -----------------------------------------------------------------------------------------------
  const ramp = () => Array.from({ length: 33 }, (_, i) => [i / 32, Glasshouse.css(L.table()[Math.round(i * 255 / 32)])]);
  const sheet = (model, range, look) => {
    const { R, grid, alpha, beta, axes: { names } } = model, rows = (value) => Array.from({ length: R }, (_, i) => Array.from({ length: R }, (_, j) => value(grid[i * R + j], alpha[j], beta[i])));
    const name = names.map(plain), line = { highlightcolor: look.ink, highlightwidth: 2 };
    return { type: "surface", x: alpha, y: beta, z: rows((loss) => Math.min(1, L.height(range, loss))), colorscale: ramp(), cmin: 0, cmax: 1, showscale: false, hoverinfo: "text",
      text: rows((loss, a, b) => `loss ${L.short(loss)}<br>${name[0]} ${L.digits(a)}<br>${name[1]} ${L.digits(b)}`),
      lighting: { ambient: 0.72, diffuse: 0.5, specular: 0.04, roughness: 0.9, fresnel: 0.05 }, lightposition: { x: -600, y: -900, z: 1600 },
      contours: { x: line, y: line, z: { show: true, start: 1 / 12, end: 0.999, size: 1 / 12, color: "#2b3f4a", width: 1, highlight: false, project: { z: false } } } };
  };
  // The way of a path on the surface as it is drawn; null where it leaves the plane's window.
  const trail = (model, range, path) => {
    const points = [], last = path.epochs.length - 1;
    for (let n = 0; n <= last * BETWEEN; n++) {
      const { alpha, beta } = L.ballAt(path, n / BETWEEN);
      points.push(inside(model, alpha, beta) ? [alpha, beta, ground(model, range, alpha, beta) + LIFT] : [null, null, null]);
    }
    return points;
  };
  const overhead = (model, range, path) => path.epochs.map((_, i) => {
    const { alpha, beta, loss } = L.ballAt(path, i), height = rise(range, loss) + LIFT;
    return inside(model, alpha, beta) && Math.abs(height - LIFT - ground(model, range, alpha, beta)) > SEEN ? [alpha, beta, height] : [null, null, null];
  });
  const columns = (points) => ({ x: points.map(([x]) => x), y: points.map(([, y]) => y), z: points.map(([, , z]) => z) });
  const said = (path, i) => `${plain(path.name)}, epoch ${path.epochs[i]}<br>true loss ${L.short(path.loss[i])}<br>in the plane ${L.short(path.plane_loss[i])}`;
  const lines = (model, range, look) => model.paths.flatMap((path, p) => {
    const shared = { type: "scatter3d", mode: "lines", connectgaps: false, hoverinfo: "text" };
    return [{ ...shared, ...columns(trail(model, range, path)), text: Array.from({ length: (path.epochs.length - 1) * BETWEEN + 1 }, (_, n) => said(path, Math.round(n / BETWEEN))), line: { color: L.pathInk(p), width: 8 } },
      { ...shared, ...columns(overhead(model, range, path)), text: path.epochs.map((_, i) => said(path, i)), line: { color: look.muted, width: 5, dash: "dash" } }];
  });
  const traces = (frame, range, look) => {
    const { model, state } = frame;
    return [sheet(model, range, look), ...(state.path === "hidden" ? [] : lines(model, range, look))];
  };
  // What moves: {balls: [{at, over} or null], end, pinned, heightAt, key}; points are [alpha, beta, height], key tells when to draw.
  L.surfaceThings = (frame) => {
    const { model, state } = frame, ui = L.ui(frame), seen = JSON.stringify([model.version, state.scale, state.height]);
    if (ui.seen !== seen || ui.rangeOf !== model) Object.assign(ui, { seen, rangeOf: model, shownRange: L.range(model, state) });
    const range = ui.shownRange, on = (a, b) => [a, b, ground(model, range, a, b) + LIFT], { pinned, alpha, beta } = L.place(frame);
    const balls = state.path === "hidden" ? [] : model.paths.map((path) => {
      const ball = L.ballAt(path, L.pathIndex(frame, path));
      return inside(model, ball.alpha, ball.beta) ? { at: on(ball.alpha, ball.beta), over: [ball.alpha, ball.beta, rise(range, ball.loss) + LIFT] } : null;
    });
    return { balls, end: on(0, 0), pinned: pinned ? on(alpha, beta) : null, heightAt: (a, b) => ground(model, range, a, b), key: [seen, balls, pinned, alpha, beta] };
  };

  // ---- how it looks ------------------------------------------------------------------------------------------------
  const looks = (node) => {
    const of = (name) => Glasshouse.variable(node, name);
    return { ink: of("--gh-ink"), muted: of("--gh-muted"), line: of("--gh-line"), font: of("--gh-font") };
  };
  const layout = (frame, range, look, eye, width, height) => {
    const { model } = frame, { names } = model.axes, lowest = Math.min(0, ...(frame.state.path === "hidden" ? [] : model.paths.flatMap((path) => path.loss.map((loss) => rise(range, loss)))));
    const font = { family: look.font, size: 11, color: look.muted }, axis = { color: look.muted, gridcolor: look.line, linecolor: look.line, zerolinecolor: look.line, showbackground: false, showspikes: false, tickfont: font };
    const box = Math.min(1, Math.max(0.6, 0.62 * width / height)), title = (text) => ({ text: plain(text), font: { ...font, size: 12 } }), ticks = L.scaleTicks(range).filter(([at]) => at > 0.06); // the lowest would stand on a mark of the floor
    const loss = lowest < -0.03 ? [[lowest, L.short(Math.max(L.BELOW, L.lossAt(range, lowest)))], ...ticks] : ticks;
    return { width, height, margin: { l: 0, r: 0, t: 0, b: 0 }, paper_bgcolor: CLEAR, plot_bgcolor: CLEAR, showlegend: false, font, hoverlabel: { bgcolor: "#1c2326", bordercolor: "#1c2326", font: { ...font, size: 12, color: "#f4f6f5" }, align: "left" },
      scene: { bgcolor: CLEAR, dragmode: false, aspectmode: "manual", aspectratio: { x: box, y: box, z: box * UP }, camera: { eye, center: { x: 0, y: 0, z: -0.17 * box }, up: { x: 0, y: 0, z: 1 } },
        xaxis: { ...axis, title: title(names[0]), range: [model.alpha[0], model.alpha.at(-1)], nticks: 6 }, yaxis: { ...axis, title: title(names[1]), range: [model.beta[0], model.beta.at(-1)], nticks: 6 },
        zaxis: { ...axis, title: title(range.log ? "loss (log)" : "loss"), range: [lowest - 0.02, 1.05], tickvals: loss.map(([at]) => at), ticktext: loss.map(([, text]) => text) } } };
  };
  L.surfacePicture = (frame, node, eye, width, height) => {
    const range = L.range(frame.model, frame.state), look = looks(node);
    return { data: traces(frame, range, look), layout: layout(frame, range, look, eye, width, height) };
  };

  // ---- the tab -----------------------------------------------------------------------------------------------------
  const lostWords = ({ stride, grid, plan }) => {
    if (stride === null) return "The surface appears when a coarse grid of it is known.";
    const lost = grid.reduce((count, loss) => count + (Number.isFinite(loss) ? 0 : 1), 0);
    return lost ? `At ${L.plural(lost, "point")} of ${plan.resolution ** 2} the loss is not finite: drawn at the top.` : "";
  };
  const legend = (frame) => {
    const { model } = frame, made = L.legend(model, true), off = frame.state.path === "shown" && model.paths.some((path) => path.epochs.some((_, i) => L.isOff(L.ballAt(path, i), path)));
    const mark = (kind, text) => el("span", {}, el("i", { class: kind, "aria-hidden": "true" }), text);
    made.node.append(mark("gl-mark gl-mark-cross", "the trained weights"), ...(off ? [mark("gl-swatch gl-swatch-dashed", "dashed: the true loss, where a path runs beside the plane")] : []));
    return made;
  };
  const noDepth = (panel, frame) => panel.append(el("p", { class: "gh-waiting" }, "This browser cannot draw in 3-D (WebGL is off). The map shows the same loss from above. ", el("button", { type: "button", class: "gh-button", onclick: () => frame.set({ tab: "map" }) }, "Open the map")));

  L.drawSurface = (panel, frame) => {
    if (!L.ui(frame).scene && !L.drawsInDepth()) { noDepth(panel, frame); return; }
    const { model } = frame, ui = L.ui(frame), room = panel.clientWidth || 640, phone = room < L.PHONE, width = phone ? room : Math.floor(room * 0.6), height = Math.round(Math.max(280, Math.min(phone ? 330 : 520, width * 0.8)));
    const stage = el("div", { class: "gl-stage", style: `width:${width}px;height:${height}px` }, el("p", { class: "gh-waiting" }, globalThis.Plotly ? "" : "Loading what draws in 3-D…")), words = el("p", { class: "gl-numbers" }), lost = el("p", { class: "gh-small" }), scale = el("div", {}), names = legend(frame);
    const place = L.placeView(frame, { model, payload: frame.payload }, { width: phone ? room : Math.min(room - width - 32, 560), tallest: phone ? 900 : 430 });
    const closer = (key, title) => el("button", { type: "button", class: "gh-button", title, "aria-label": title, "data-focus": title, onclick: () => scene?.eye.move(L.TURNS[key]) }, key === "-" ? "−" : key);
    const views = el("div", { class: "gl-views", role: "group", "aria-label": "Point of view" }, L.VIEWS.map(([name, eye, title]) => el("button", { type: "button", class: "gh-button", title, "data-focus": name, onclick: () => scene?.eye.look(eye, true) }, name)), closer("+", "Closer"), closer("-", "Farther"),
      el("span", { class: "gh-small" }, "Drag to turn it (or arrow keys), click a place to stay there."));
    let scene = null;
    const point = (moving) => place.show(ui.hover ?? L.place(frame), moving || Boolean(ui.hover));
    const show = (_, rolling) => {
      names.paint(L.epoch(frame));
      words.textContent = model.paths.length ? L.ballWords(model.paths[0], L.epoch(frame)) : `at the trained weights: loss ${L.short(model.origin.loss)}`;
      point(rolling);
      scene?.touch();
      if (!rolling) scene?.node.setAttribute("aria-label", `Surface of the loss: darker and deeper is lower. ${frame.parts.finding.textContent} ${words.textContent}. Arrow keys turn it, plus and minus come closer; the tab Map shows the same loss from above.`);
    };
    const refresh = () => { lost.textContent = lostWords(model); scale.replaceChildren(L.scaleOf(L.range(model, frame.state))); scene?.touch(); };
    const timeline = model.paths.length ? L.timeline(frame, { show }) : null;
    const root = el("div", { class: "gl-map gl-solid", onkeydown: timeline?.keys },
      el("div", { class: "gl-top" }, el("div", { class: "gl-left", style: `width:${width}px` }, stage, views, scale, lost), el("div", { class: "gl-right" }, place.node)),
      el("div", { class: "gl-time" }, timeline?.node ?? "", el("div", { class: "gl-line" }, words, L.looks(frame))), L.scanState(frame) ?? "", names.node);
    const open = () => { scene = L.scene(frame); scene.hovered = () => point(Boolean(ui.mode)); stage.replaceChildren(scene.node); scene.draw(width, height); show(-1, Boolean(ui.mode)); };
    panel.append(root);
    L.hear(frame, root, () => { refresh(); if (!timeline) show(-1, false); });
    if (globalThis.Plotly) open();
    else L.plotly(frame).then(() => { if (root.isConnected) open(); }).catch((error) => stage.replaceChildren(el("p", { class: "gh-problem", role: "alert" }, error.message)));
    refresh();
    if (timeline) timeline.fresh(); else show(-1, false);
  };
})();
