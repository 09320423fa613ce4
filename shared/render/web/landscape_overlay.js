"use strict";
// What moves on the surface: the balls, how far the true loss lies above or below them, the place that was picked. They
// are drawn over the scene and follow its camera, so that a rolling ball does not draw the surface anew 60 times a second.
(() => {
  const L = Glasshouse.landscape, { svg } = Glasshouse;
  const RIM = "rgba(16,18,28,.72)", APART = 7; // pixels from the ball to the true loss that are worth a line
  const STEPS = 48, COVER = 0.015; // places looked at on the way from a ball to the eye; height that hides it

  // The camera of plotly's scene; no public name tells it, and the version is pinned in scripts/vendor.py.
  const cameraOf = (graph) => {
    const scene = graph._fullLayout?.scene?._scene;
    return scene?.glplot?.cameraParams && { ...scene.glplot.cameraParams, unit: scene.dataScale };
  };
  const times = (matrix, v) => [0, 1, 2, 3].map((row) => matrix[row] * v[0] + matrix[4 + row] * v[1] + matrix[8 + row] * v[2] + matrix[12 + row] * v[3]);
  const toPixel = ({ model, view, projection, unit }, [x, y, z], width, height) => {
    const [px, py, , w] = times(projection, times(view, times(model, [x * unit[0], y * unit[1], z * unit[2], 1])));
    return [0.5 * (1 + px / w) * width, 0.5 * (1 - py / w) * height];
  };
  // The eye in the coordinates of the axes.
  const eyeOf = ({ model, view, unit }) => [0, 1, 2].map((axis) => {
    const own = -[0, 1, 2].reduce((sum, row) => sum + view[4 * axis + row] * view[12 + row], 0);
    return (own - model[12 + axis]) / model[5 * axis] / unit[axis];
  });
  // Whether the surface lies between a point and the eye.
  const covered = (heightAt, from, eye) => {
    for (let n = 1; n <= STEPS; n++) {
      const part = (n / STEPS) ** 2, [x, y, z] = from.map((value, axis) => value + part * (eye[axis] - value));
      if (z > 1) return false;
      const ground = heightAt(x, y);
      if (!Number.isFinite(ground)) return false;
      if (ground > z + COVER) return true;
    }
    return false;
  };

  const put = (node, place) => { for (const [name, value] of Object.entries(place)) node.setAttribute(name, typeof value === "number" ? value.toFixed(1) : value); };
  const stand = (node, at, behind) => {
    node.style.display = at ? "" : "none";
    if (at) put(node, { transform: `translate(${at[0].toFixed(1)} ${at[1].toFixed(1)})`, opacity: behind ? 0.45 : 1 });
  };
  const makeBall = (root, ink, r) => {
    const stem = svg("line", { class: "gl-stem" }), above = svg("circle", { r: 3.5, class: "gl-stem" }), ball = svg("circle", { r, fill: ink, stroke: RIM, "stroke-width": 2.4 });
    root.append(stem, above, ball);
    return (at, over, behind) => {
      const far = at && over && Math.hypot(at[0] - over[0], at[1] - over[1]) > APART;
      for (const node of [stem, above]) node.style.display = far ? "" : "none";
      ball.style.display = at ? "" : "none";
      if (!at) return;
      put(ball, { cx: at[0], cy: at[1], opacity: behind ? 0.45 : 1, "stroke-dasharray": behind ? "3 2" : "none" });
      if (far) { put(stem, { x1: at[0], y1: at[1], x2: over[0], y2: over[1] }); put(above, { cx: over[0], cy: over[1] }); }
    };
  };
  // L.overlay(frame, graph) -> {node, follow(width, height)}; follow draws if the camera or what is shown has moved.
  L.overlay = (frame, graph) => {
    const node = svg("svg", { class: "gl-overlay", "aria-hidden": "true" });
    let shown = null, balls = [], pin = null, end = null, last = "";
    const make = () => {
      shown = frame.model;
      node.replaceChildren();
      end = svg("path", { d: "M-5 -5 L5 5 M-5 5 L5 -5", class: "gl-end" });
      node.append(end);
      balls = shown.paths.map((_, p) => makeBall(node, L.pathInk(p), p ? 6.5 : 8.5)).reverse();
      pin = svg("path", { d: "M0 -9 L7 0 L0 9 L-7 0 Z", class: "gl-pin" });
      node.append(pin);
    };
    const draw = (camera, things, width, height) => {
      const pixel = (point) => point && toPixel(camera, point, width, height), eye = eyeOf(camera), { pinned } = things;
      balls.forEach((paint, i) => { const { at, over } = things.balls[balls.length - 1 - i] ?? {}; paint(pixel(at), pixel(over), at && covered(things.heightAt, at, eye)); });
      stand(end, pixel(things.end), covered(things.heightAt, things.end, eye));
      stand(pin, pixel(pinned), pinned && covered(things.heightAt, pinned, eye));
    };
    const follow = (width, height) => {
      const camera = cameraOf(graph);
      if (!camera) return;
      if (shown !== frame.model) make();
      const things = L.surfaceThings(frame), key = JSON.stringify([things.key, camera.view, camera.model, width, height]);
      if (key === last) return;
      last = key;
      put(node, { width, height, viewBox: `0 0 ${width} ${height}` });
      draw(camera, things, width, height);
    };
    return { node, follow };
  };
})();
