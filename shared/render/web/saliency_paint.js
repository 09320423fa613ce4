"use strict";
// A map over a photo: grown smoothly, colored by a table, as opaque as it is hot.
//
// With v = |value| / scale in [0, 1]: alpha = opacity * v ** 0.75 above the threshold and 0 below, so cold regions stay photo.
// The scale is the peak; in maps of more than 1,024 values it is the 99th percentile of |value|, and what lies above
// shares the last color: one glaring pixel among 50,000 would leave the rest invisible.
(() => {
  const S = Glasshouse.saliency, { el } = Glasshouse;
  const GAMMA = 0.75, FINE = 1024;

  S.top = (map) => {
    if (map.top === undefined) {
      const size = Float32Array.from(map.values, Math.abs).sort(), at = size.length > FINE ? Math.ceil(0.99 * size.length) - 1 : size.length - 1;
      map.top = (size[at] || size.at(-1)) / 127 * map.peak;
    }
    return map.top;
  };

  // Bilinear, with pixel centers at (i + 0.5) / n as PIL and torch (align_corners=False) have them; values in [-1, 1].
  S.grow = (map, width, height) => {
    const { values, rows, columns } = map, data = new Float32Array(width * height);
    const line = (count, size) => Array.from({ length: count }, (_, i) => {
      const at = Math.max(0, Math.min(size - 1, (i + 0.5) * size / count - 0.5)), low = Math.floor(at);
      return [low, Math.min(size - 1, low + 1), at - low];
    });
    const across = line(width, columns);
    line(height, rows).forEach(([top, bottom, down], y) => {
      for (let x = 0; x < width; x++) {
        const [left, right, part] = across[x];
        const upper = values[top * columns + left] * (1 - part) + values[top * columns + right] * part;
        const lower = values[bottom * columns + left] * (1 - part) + values[bottom * columns + right] * part;
        data[y * width + x] = (upper * (1 - down) + lower * down) / 127;
      }
    });
    return { width, height, data };
  };
  // The last size is kept: sliders repaint without growing again.
  S.grown = (map, width, height) => {
    if (map.kept?.width !== width || map.kept.height !== height) map.kept = S.grow(map, width, height);
    return map.kept;
  };

  S.colors = (look) => Glasshouse.table(look.sign === "signed" ? "RdBu_r" : look.colormap);
  // 256 packed RGBA colors over [0, 1], or over [-1, 1] where the sign is shown.
  S.palette = (look) => {
    const table = S.colors(look), signed = look.sign === "signed";
    return Uint32Array.from(table, (color, i) => {
      const strength = signed ? Math.abs(i - 127.5) / 127.5 : i / 255;
      const alpha = strength <= Math.max(look.threshold, 0.004) ? 0 : look.opacity * strength ** GAMMA;
      return ((Math.round(255 * alpha) << 24) | (color & 0xffffff)) >>> 0;
    });
  };

  // The map as a transparent picture of at least its own resolution.
  S.sheet = (map, look, scale, width, height) => {
    const node = el("canvas"), grown = S.grown(map, Math.max(width, map.columns), Math.max(height, map.rows));
    node.width = grown.width;
    node.height = grown.height;
    const context = node.getContext("2d"), pixels = context.createImageData(node.width, node.height);
    const out = new Uint32Array(pixels.data.buffer), palette = S.palette(look), share = scale > 0 ? map.peak / scale : 0;
    const clamp = (value) => Math.max(0, Math.min(255, Math.round(value)));
    const toIndex = { positive: (v) => clamp(255 * v), negative: (v) => clamp(-255 * v), signed: (v) => clamp(127.5 + 127.5 * v) }[look.sign];
    for (let i = 0; i < out.length; i++) out[i] = palette[toIndex(grown.data[i] * share)];
    context.putImageData(pixels, 0, 0);
    return node;
  };

  S.size = (subject, width, tallest) => {
    const [H, W] = subject.size, scale = Math.min(width / W, tallest / H);
    return { width: Math.max(1, Math.round(W * scale)), height: Math.max(1, Math.round(H * scale)), scale };
  };

  // A photo with its heat; what the network did not see is dimmed. subject: {image, size, box}.
  S.paint = (canvas, subject, map, look, scale, { width, tallest = 330, outline } = {}) => {
    const fit = S.size(subject, width, tallest), context = Glasshouse.canvas(canvas, fit.width, fit.height), density = devicePixelRatio || 1;
    const [top, left, height, across] = subject.box.map((value) => value * fit.scale);
    context.imageSmoothingQuality = "high";
    context.imageSmoothingEnabled = Math.max(...subject.size) > 64; // pixels of a digit stay pixels
    context.drawImage(subject.image, 0, 0, fit.width, fit.height);
    context.imageSmoothingEnabled = true;
    if (map) context.drawImage(S.sheet(map, look, scale, Math.round(across * density), Math.round(height * density)), left, top, across, height);
    if (across < fit.width - 1 || height < fit.height - 1) {
      context.fillStyle = Glasshouse.isDark() ? "rgb(18 22 24 / .62)" : "rgb(253 253 251 / .62)";
      context.beginPath();
      context.rect(0, 0, fit.width, fit.height);
      context.rect(left, top, across, height);
      context.fill("evenodd");
      S.frame(context, left, top, across, height, "rgb(255 255 255 / .85)", 1);
    }
    if (outline) {
      const [y, x, h, w] = outline.map((value) => value * fit.scale);
      S.frame(context, x, y, w, h, "#fff", 2);
    }
    return fit;
  };
  // A light line on a dark one is seen on every photo.
  S.frame = (context, x, y, width, height, color, line) => {
    for (const [style, thick] of [["rgb(0 0 0 / .55)", line + 1.5], [color, line]]) {
      context.strokeStyle = style;
      context.lineWidth = thick;
      context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
    }
  };

  // The value under the pointer, in the method's own units.
  S.hover = (canvas, subject, map, scale, name) => {
    canvas.onpointermove = (event) => {
      const rect = canvas.getBoundingClientRect(), [top, left, height, width] = subject.box;
      const x = (event.clientX - rect.left) / rect.width * subject.size[1] - left, y = (event.clientY - rect.top) / rect.height * subject.size[0] - top;
      if (x < 0 || y < 0 || x >= width || y >= height) return Glasshouse.tip(event, [name, "The network did not see this part."]);
      const column = Math.min(map.columns - 1, Math.floor(x / width * map.columns)), row = Math.min(map.rows - 1, Math.floor(y / height * map.rows));
      const value = map.values[row * map.columns + column] / 127 * map.peak;
      Glasshouse.tip(event, [name, S.number(value), scale > 0 ? `${Math.round(100 * value / scale)} % of the scale`.replace("-", "−") : "", `row ${row}, column ${column} of ${map.rows} × ${map.columns}`].filter(Boolean));
    };
    canvas.onpointerdown = canvas.onpointermove;
    canvas.onpointerleave = (event) => Glasshouse.tip(event, null);
  };

  S.extremes = (map) => {
    if (!map.extremes) {
      let low = 0, high = 0;
      for (const value of map.values) { if (value < low) low = value; if (value > high) high = value; }
      map.extremes = { low: low / 127 * map.peak, high: high / 127 * map.peak };
    }
    return map.extremes;
  };
  S.peakText = (map, sign) => {
    const { low, high } = S.extremes(map);
    if (sign === "signed") return `${S.number(low)} to ${S.number(high)}`;
    return sign === "negative" ? `lowest ${S.number(low)}` : `peak ${S.number(high)}`;
  };
  // Why there is nothing to see: the diagnosis of the answer, or of the sign that was asked for.
  S.nothing = (map, method, sign) => {
    const { low, high } = S.extremes(map);
    if (sign === "negative" && !method.signed) return "This method shows strength without a sign: it has no negative map.";
    if (sign === "negative" && low === 0) return "Nothing here argues against this class.";
    if (sign === "positive" && (map.blank || high === 0)) return map.blank || "Nothing here argues for this class.";
    return sign === "signed" && low === 0 && high === 0 ? map.blank || "This map is zero everywhere." : "";
  };

  S.scale = (look, caption) => {
    const ticks = { positive: [[0, "0"], [0.5, "½"], [1, "peak"]], negative: [[0, "0"], [0.5, "½"], [1, "−peak"]], signed: [[0, "−peak"], [0.5, "0"], [1, "peak"]] };
    return Glasshouse.scale(S.colors(look), ticks[look.sign], caption);
  };
})();
