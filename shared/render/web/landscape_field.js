"use strict";
// What stands still in the map: the field of colors, contour lines by marching squares, a few numbers on them, the axes.
(() => {
  const L = Glasshouse.landscape, B = Glasshouse.boundary, { el, svg } = Glasshouse;
  const LEVELS = 12, LABELED = [2, 5, 8, 11], FINEST = 760; // contour lines, those with a number, pixels across the field

  // ---- the field -----------------------------------------------------------------------------------------------------
  // Heights on the scale, the top row first: beta points upwards. NaN: nothing is known there yet.
  const heightsOf = ({ R, grid, seen }, range) => {
    const heights = new Float32Array(R * R);
    for (let i = 0; i < R; i++) for (let j = 0; j < R; j++) heights[(R - 1 - i) * R + j] = seen[i * R + j] ? L.height(range, grid[i * R + j]) : NaN;
    return heights;
  };
  const paintField = (heights, R, side) => {
    const image = new ImageData(side, side), pixels = new Uint32Array(image.data.buffer), table = L.table(), step = (R - 1) / (side - 1);
    for (let y = 0; y < side; y++) {
      const v = Math.min(R - 1.000001, y * step), i = Math.floor(v), q = v - i;
      for (let x = 0; x < side; x++) {
        const u = Math.min(R - 1.000001, x * step), j = Math.floor(u), p = u - j, k = i * R + j;
        const height = (heights[k] * (1 - p) + heights[k + 1] * p) * (1 - q) + (heights[k + R] * (1 - p) + heights[k + R + 1] * p) * q;
        if (height === height) pixels[y * side + x] = table[Math.max(0, Math.min(255, (255 * height + 0.5) | 0))];
      }
    }
    const sheet = el("canvas", { width: side, height: side });
    sheet.getContext("2d").putImageData(image, 0, 0);
    return sheet;
  };
  const contours = (context, heights, R, side) => {
    const field = { columns: R, rows: R, f: heights, outputs: 1, size: R * R };
    context.lineWidth = 1;
    for (let k = 1; k < LEVELS; k++) {
      B.tracePath(context, field, side, side, k / LEVELS);
      context.strokeStyle = k / LEVELS > 0.62 ? "rgba(10,20,30,.38)" : "rgba(255,255,255,.4)";
      context.stroke();
    }
  };
  // A number on some lines: where the line runs through the map farthest from the path, the edge and the other numbers.
  const labels = (context, heights, R, side, range, taken) => {
    const cell = side / (R - 1), edge = 24, apart = (x, y) => taken.reduce((least, [tx, ty]) => Math.min(least, Math.hypot(x - tx, y - ty)), 90);
    context.font = "11px ui-sans-serif, system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const k of LABELED) {
      let best = null, room = 26; // pixels: less is no place for a number
      for (let i = 0; i < R; i++) for (let j = 0; j < R - 1; j++) {
        const low = heights[i * R + j] - k / LEVELS, high = heights[i * R + j + 1] - k / LEVELS;
        if (!(low * high < 0)) continue;
        const x = (j + low / (low - high)) * cell, y = i * cell, own = apart(x, y);
        if (own > room && Math.min(x, side - x) > edge && Math.min(y, side - y) > edge / 2) { best = [x, y]; room = own; }
      }
      if (!best) continue;
      taken.push(best);
      const color = L.table()[Math.round(255 * k / LEVELS)], loss = L.lossAt(range, k / LEVELS), text = L.label(range, L.isFlat(range) ? loss : Number(loss.toPrecision(2)));
      context.lineWidth = 4;
      context.lineJoin = "round";
      context.strokeStyle = Glasshouse.css(color);
      context.strokeText(text, ...best);
      context.fillStyle = Glasshouse.inkOn(color);
      context.fillText(text, ...best);
    }
  };
  // The ground of a map on a context of side x side; numbers keep away from the places [x, y] that are taken.
  L.paintGround = (context, model, side, range, taken) => {
    const heights = heightsOf(model, range);
    context.clearRect(0, 0, side, side);
    context.imageSmoothingQuality = "high";
    context.drawImage(paintField(heights, model.R, Math.round(Math.min(FINEST, side * (devicePixelRatio || 1)))), 0, 0, side, side);
    contours(context, heights, model.R, side);
    labels(context, heights, model.R, side, range, taken);
  };
  L.axes = ({ axes: { names }, alpha, beta }, side, margin) => {
    const node = svg("svg", { class: "gh-chart gb-axes", width: side + margin.left + margin.right, height: side + margin.top + margin.bottom, "aria-hidden": "true" });
    const text = (value) => String(value).replace("-", "−"), many = side < 260 ? 3 : 5, middle = margin.top + side / 2, floor = margin.top + side;
    for (const value of B.ticks(alpha[0], alpha.at(-1), many)) {
      const x = margin.left + (value - alpha[0]) / (alpha.at(-1) - alpha[0]) * side;
      node.append(svg("line", { x1: x, x2: x, y1: floor, y2: floor + 4 }), svg("text", { x, y: floor + 16, "text-anchor": "middle" }, text(value)));
    }
    for (const value of B.ticks(beta[0], beta.at(-1), many)) {
      const y = floor - (value - beta[0]) / (beta.at(-1) - beta[0]) * side;
      node.append(svg("line", { x1: margin.left - 4, x2: margin.left, y1: y, y2: y }), svg("text", { x: margin.left - 7, y: y + 4, "text-anchor": "end" }, text(value)));
    }
    const long = (name) => (name.length > side / 7.5 ? `${name.slice(0, Math.floor(side / 7.5))}…` : name);
    node.append(svg("text", { x: margin.left + side / 2, y: floor + 32, "text-anchor": "middle", class: "gb-axis-name" }, long(`α: ${names[0]}`)),
      svg("text", { x: 11, y: middle, "text-anchor": "middle", transform: `rotate(-90 11 ${middle})`, class: "gb-axis-name" }, long(`β: ${names[1]}`)));
    return node;
  };
})();
