"use strict";
// Small charts in SVG for every viewer: axes, lines and dots; and whether the reader wants things to move.
(() => {
  Glasshouse.svg = (tag, properties = {}, ...children) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(properties)) if (value !== undefined) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };
  const { svg } = Glasshouse;

  // Asked each time: the reader can change it while the page is open.
  Glasshouse.reduced = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  // Axes; an axis may run downwards, as time does in denoising. Returns the picture and the two ways from value to pixel.
  Glasshouse.chart = ({ width, height = 190, x: [x0, x1], y: [y0, y1], xTicks, yTicks, xLabel, label, left = 42, right = 12, top = 10 }) => {
    const bottom = xLabel ? 38 : 22;
    const x = (value) => left + (value - x0) / (x1 - x0) * (width - left - right);
    const y = (value) => top + (1 - (value - y0) / (y1 - y0)) * (height - top - bottom);
    const node = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", class: "gh-chart", "aria-label": label });
    for (const [value, text] of yTicks) {
      node.append(svg("line", { x1: x(x0), x2: x(x1), y1: y(value), y2: y(value), class: "gh-grid" }), svg("text", { x: left - 7, y: y(value) + 4, "text-anchor": "end" }, text));
    }
    for (const [value, text] of xTicks) node.append(svg("text", { x: x(value), y: height - bottom + 16, "text-anchor": "middle" }, text));
    if (xLabel) node.append(svg("text", { x: (x(x0) + x(x1)) / 2, y: height - 4, "text-anchor": "middle" }, xLabel));
    return { node, x, y, width, height, floor: height - bottom, top };
  };
  Glasshouse.line = ({ node, x, y }, points, properties = {}) => {
    const line = svg("polyline", { points: points.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(" "), fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-linejoin": "round", ...properties });
    node.append(line);
    return line;
  };
  Glasshouse.dot = ({ node, x, y }, [a, b], properties = {}) => {
    const dot = svg("circle", { cx: x(a).toFixed(1), cy: y(b).toFixed(1), r: 4, fill: "currentColor", ...properties });
    node.append(dot);
    return dot;
  };
})();
