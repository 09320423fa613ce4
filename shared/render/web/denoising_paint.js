"use strict";
// Bytes to pixels: every view has one fixed way from numbers to gray; canvases hold the network's own pixels and CSS
// makes them large, so that a frame costs next to nothing.
(() => {
  const D = Glasshouse.denoising, { el } = Glasshouse;
  const SHARP = 0.86; // whole multiples of a pixel, unless they would waste more room than this

  const sub = (letter, index) => [el("i", {}, letter), el("sub", {}, index)];
  const clipped = "values from −1 to 1 from black to white; what lies beyond is clipped to black and white";
  D.VIEWS = {
    x: { name: "x_t", mark: () => sub("x", "t"), says: "the picture so far", how: clipped, note: "clipped to black and white", level: (value) => (value + 1) / 2 },
    x0: { name: "predicted x_0", mark: () => ["predicted ", ...sub("x", "0")], says: "what the network believes is under the noise", how: clipped, note: "clipped to black and white", level: (value) => (value + 1) / 2 },
    eps: { name: "predicted noise", mark: () => ["predicted noise"], says: "what it wants to take away", how: "values from −3 to 3 from black to white; middle gray is no noise", note: "gray is zero", level: (value) => (value + 3) / 6 },
  };

  const gray = Uint32Array.from({ length: 256 }, (_, i) => (255 << 24 | i << 16 | i << 8 | i) >>> 0);
  const table = (colors) => (colors === "gray" ? gray : Glasshouse.table(colors));
  // What each of the 256 bytes of one frame looks like: a brightness, or with one channel at once its color.
  const levels = ({ low, step }, level) => Uint8ClampedArray.from({ length: 256 }, (_, byte) => 255 * level(low + step * byte));
  const PLAIN = Uint8ClampedArray.from({ length: 256 }, (_, i) => i);
  const shades = (bright, { channels }, colors) => (channels === 1 ? Uint32Array.from(bright, (value) => table(colors)[value]) : bright);

  // Rows and columns of a nearly square grid, one pixel between two pictures.
  D.sheet = ([height, width], count) => {
    // The same choice as in denoising_picture.py.
    const columns = [4, 5, 3, 2].find((columns) => count % columns === 0) ?? Math.ceil(Math.sqrt(count)), rows = Math.ceil(count / columns), gap = count > 1 ? 1 : 0;
    return { columns, rows, width: columns * (width + gap) - gap, height: rows * (height + gap) - gap, cell: [height + gap, width + gap] };
  };
  D.fit = (pixels, room) => {
    const density = window.devicePixelRatio || 1, whole = Math.floor(room * density / pixels) * pixels / density;
    return whole >= SHARP * room ? whole : Math.floor(room);
  };

  const prepare = (canvas, width, height) => {
    if (canvas.words && canvas.width === width && canvas.height === height) return;
    Object.assign(canvas, { width, height });
    canvas.brush = canvas.getContext("2d");
    canvas.image = canvas.brush.createImageData(width, height);
    canvas.words = new Uint32Array(canvas.image.data.buffer);
  };
  // Several pictures (channels first) of one array into one canvas, on its grid.
  const draw = (canvas, bytes, { size, channels }, samples, light) => {
    const sheet = D.sheet(size, samples.length), [height, width] = size, plane = height * width;
    prepare(canvas, sheet.width, sheet.height);
    const { words } = canvas;
    samples.forEach((sample, place) => {
      let from = sample * channels * plane;
      const top = Math.floor(place / sheet.columns) * sheet.cell[0], left = (place % sheet.columns) * sheet.cell[1];
      for (let y = 0; y < height; y++) {
        const row = (top + y) * sheet.width + left;
        for (let x = 0; x < width; x++, from++) {
          words[row + x] = channels === 1 ? light[bytes[from]]
            : 255 << 24 | light[bytes[from + 2 * plane]] << 16 | light[bytes[from + plane]] << 8 | light[bytes[from]];
        }
      }
    });
    canvas.brush.putImageData(canvas.image, 0, 0);
  };

  // One frame of one view; returns false where it has not come yet.
  D.paintFrame = (canvas, model, view, index, samples, colors) => {
    const frames = model.run[view], frame = frames[Math.min(index, frames.length - 1)];
    if (!frame) return false;
    if (frame.colors !== colors) Object.assign(frame, { colors, light: shades(levels(frame, D.VIEWS[view].level), model, colors) });
    draw(canvas, frame.bytes, model, samples, frame.light);
    return true;
  };
  // The values themselves, for comparisons.
  D.valueAt = (frame, place) => frame.low + frame.step * frame.bytes[place];

  // Finished pictures as they were sent, 0 black to 255 white.
  D.paintBytes = (canvas, bytes, model, index, colors) => draw(canvas, bytes, model, [index], shades(PLAIN, model, colors));
  // Numbers of the same shape, by a function to 0..1.
  D.paintValues = (canvas, values, model, level, colors) => {
    const bytes = Uint8ClampedArray.from(values, (value) => 255 * level(value));
    draw(canvas, bytes, model, [0], shades(PLAIN, model, colors));
  };
  // Signed numbers with one channel by the diverging map, 0 in its middle.
  D.paintSigned = (canvas, values, { size }, samples, most) => {
    const colors = Glasshouse.signed(), sheet = D.sheet(size, samples.length), [height, width] = size;
    prepare(canvas, sheet.width, sheet.height);
    for (let i = 0; i < values.length; i++) {
      const sample = Math.floor(i / (height * width)), inside = i % (height * width), y = Math.floor(inside / width), x = inside % width;
      const row = Math.floor(sample / sheet.columns) * sheet.cell[0] + y, column = (sample % sheet.columns) * sheet.cell[1] + x;
      canvas.words[row * sheet.width + column] = colors[Math.max(0, Math.min(255, Math.round(127.5 + 127.5 * values[i] / most)))];
    }
    canvas.brush.putImageData(canvas.image, 0, 0);
  };

  // ---- small pictures in a row -----------------------------------------------------------------------------------
  // entries [{paint(canvas), label, lines: [text or node], on, onclick, focus}]; `columns` on a wide page and on a phone.
  D.strip = (entries, name, columns, narrow = Math.min(columns, 4)) => el("div", { class: "gd-strip", role: "group", "aria-label": name, style: `--gd-columns:${columns};--gd-narrow:${narrow}` },
    entries.map(({ paint, label, lines = [], on, onclick, focus }) => {
      const canvas = el("canvas", { class: "gd-pixels", role: "img", "aria-label": label });
      paint(canvas);
      return el("figure", { class: on ? "gd-on" : "" },
        onclick ? el("button", { type: "button", class: "gd-open", "data-focus": focus, "aria-pressed": String(Boolean(on)), onclick }, canvas) : canvas,
        lines.length ? el("figcaption", {}, lines.map((line) => el("span", {}, line))) : null);
    }));
  // Finished pictures with what the judge says about each; `wrong(i)` marks the others.
  D.finals = (frame, bytes, { said, name, columns, narrow, wrong = () => false, lines = () => [] }) => {
    const { model } = frame, count = bytes.shape[0], colors = D.colors(frame);
    return D.strip(Array.from({ length: count }, (_, i) => ({
      paint: (canvas) => D.paintBytes(canvas, bytes, model, i, colors),
      label: `${name} ${i + 1} of ${count}${said?.[i] >= 0 ? `: ${D.said(model, said[i])}` : ""}`,
      lines: [...lines(i), ...(said?.[i] >= 0 ? [el("span", { class: wrong(i) ? "gd-weak" : "" }, D.said(model, said[i]))] : [])],
    })), name, columns ?? count, narrow);
  };
})();
