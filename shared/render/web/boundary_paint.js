"use strict";
// Painting: class colors, the field of a network over the window, its boundary by marching squares, points, arrows.
(() => {
  const B = (Glasshouse.boundary ??= {});
  // Okabe and Ito's set for readers who see colors differently, after a blue and an orange for two classes.
  B.PALETTE = [[34, 113, 178], [226, 122, 20], [0, 148, 112], [196, 106, 158], [74, 168, 224], [178, 62, 22], [186, 168, 20], [118, 124, 130], [134, 96, 62], [98, 84, 168]];
  B.paper = () => (Glasshouse.isDark() ? [18, 22, 24] : [253, 253, 251]);
  B.ink = () => (Glasshouse.isDark() ? "#e8ebe9" : "#1c2326");
  B.css = ([r, g, b]) => `rgb(${r},${g},${b})`;
  B.classColor = (kind) => B.css(B.PALETTE[kind % B.PALETTE.length]);
  const full = () => (Glasshouse.isDark() ? 0.5 : 0.6); // how much of a class color the surest place wears: points stay visible on it
  const packed = (color, share) => {
    const paper = B.paper(), mixed = color.map((c, i) => Math.round(paper[i] + (c - paper[i]) * share));
    return (255 << 24 | mixed[2] << 16 | mixed[1] << 8 | mixed[0]) >>> 0;
  };
  const tables = new Map();
  const table = (key, make) => {
    const name = `${key} ${Glasshouse.isDark()}`;
    if (!tables.has(name)) tables.set(name, make());
    return tables.get(name);
  };
  // Two classes: 256 colors over the probability of class 1, the paper in the middle.
  B.pairTable = (surface = "probability") => table(`pair ${surface}`, () => Uint32Array.from({ length: 256 }, (_, i) => {
    const p = i / 255, sure = Math.abs(2 * p - 1);
    return packed(B.PALETTE[p > 0.5 ? 1 : 0], surface === "classes" ? 0.42 : full() * sure ** 0.85);
  }));
  // More classes: 256 colors of confidence for each, from just above chance to certain.
  B.classTable = (K, surface) => table(`class ${K} ${surface}`, () => {
    const colors = new Uint32Array(256 * K);
    for (let k = 0; k < K; k++) for (let i = 0; i < 256; i++) colors[256 * k + i] = packed(B.PALETTE[k], surface === "classes" ? 0.42 : 0.06 + (full() - 0.06) * Math.max(0, (i / 255 - 1 / K) / (1 - 1 / K)));
    return colors;
  });
  // Signed values, for what a unit sees and for weights; the class colors where there are two classes.
  B.signedTable = (model) => (model.K === 2 ? table("signed", () => Uint32Array.from({ length: 256 }, (_, i) => packed(B.PALETTE[i > 127 ? 1 : 0], 0.9 * Math.abs(i - 127.5) / 127.5))) : Glasshouse.signed());
  B.signInk = (model, value) => (model.K === 2 ? B.classColor(value > 0 ? 1 : 0) : Glasshouse.css(Glasshouse.signed()[value > 0 ? 225 : 30]));
  // What a unit gives out, between -1 and 1 for a color: `top` is the largest size over the window.
  B.unitShade = (activation, value, top) => (activation === "sigmoid" ? 2 * value - 1 : activation === "tanh" ? value : top > 0 ? value / top : 0);

  // ---- the field: outputs at columns x rows nodes; the outermost nodes lie on the window's edge ---------------------------
  // With `unit` [layer, unit] the field is that unit's pre-activation instead.
  B.newField = (model, columns, rows, unit) => {
    const outputs = unit ? 1 : model.run.outputs;
    return { model, columns, rows, unit, outputs, size: columns * rows, f: new Float32Array(outputs * columns * rows), line: new Float64Array(2 * columns), said: new Uint8Array(columns * rows), odds: new Float64Array(Math.max(2, outputs)), image: new ImageData(columns, rows) };
  };
  B.fillField = (field, weights, from = 0, to = field.rows) => {
    const { model, columns, rows, line, unit } = field, [left, right, bottom, top] = model.window, options = (field.options ??= { unit });
    for (let c = 0; c < columns; c++) line[2 * c] = left + (right - left) * c / (columns - 1);
    for (let r = from; r < to; r++) {
      const y = top - (top - bottom) * r / (rows - 1);
      for (let c = 0; c < columns; c++) line[2 * c + 1] = y;
      model.run.run(weights, line, columns, field.f, field.size, r * columns, options);
    }
  };
  B.colorField = (field, surface) => {
    const { model: { network: { output, activation } }, f, size, outputs, said, odds } = field, pixels = (field.pixels ??= new Uint32Array(field.image.data.buffer));
    if (field.unit) B.colorUnit(field, pixels, activation);
    else if (outputs === 1) {
      const colors = B.pairTable(surface);
      if (output === "sigmoid") for (let i = 0; i < size; i++) pixels[i] = colors[(255 / (1 + Math.exp(-f[i])) + 0.5) | 0];
      else for (let i = 0; i < size; i++) pixels[i] = colors[(255 * B.chance(output, f[i]) + 0.5) | 0];
    } else {
      const colors = B.classTable(outputs, surface);
      for (let i = 0; i < size; i++) {
        B.chances(output, f, outputs, size, i, odds);
        const kind = said[i] = B.winner(f, outputs, size, i);
        pixels[i] = colors[256 * kind + ((255 * odds[kind] + 0.5) | 0)];
      }
    }
  };
  B.colorUnit = (field, pixels, activation) => {
    const { f, size } = field, colors = B.signedTable(field.model), values = (field.values ??= new Float64Array(size));
    values.set(f);
    B.activate(activation, values);
    let top = 0;
    for (let i = 0; i < size; i++) top = Math.max(top, Math.abs(values[i]));
    for (let i = 0; i < size; i++) pixels[i] = colors[Math.max(0, Math.min(255, (127.5 + 127.5 * B.unitShade(activation, values[i], top)) | 0))];
  };

  // ---- marching squares ------------------------------------------------------------------------------------------------
  // One cell: corner values a (top left), b (top right), c (bottom right), d (bottom left), each minus the level.
  const cell = (context, a, b, c, d, x, y, dx, dy) => {
    const mask = (a > 0 ? 1 : 0) | (b > 0 ? 2 : 0) | (c > 0 ? 4 : 0) | (d > 0 ? 8 : 0);
    if (mask === 0 || mask === 15) return;
    const north = x + dx * a / (a - b), east = y + dy * b / (b - c), south = x + dx * d / (d - c), west = y + dy * a / (a - d);
    const N = 0, E = 1, S = 2, W = 3;
    const edge = (from, to) => {
      context.moveTo(from === N ? north : from === S ? south : from === E ? x + dx : x, from === N ? y : from === S ? y + dy : from === E ? east : west);
      context.lineTo(to === N ? north : to === S ? south : to === E ? x + dx : x, to === N ? y : to === S ? y + dy : to === E ? east : west);
    };
    if (mask === 1 || mask === 14) edge(W, N);
    else if (mask === 2 || mask === 13) edge(N, E);
    else if (mask === 4 || mask === 11) edge(E, S);
    else if (mask === 8 || mask === 7) edge(S, W);
    else if (mask === 3 || mask === 12) edge(W, E);
    else if (mask === 6 || mask === 9) edge(N, S);
    else if ((a + b + c + d > 0) === (mask === 5)) { edge(N, E); edge(S, W); } // a saddle: the middle decides
    else { edge(W, N); edge(E, S); }
  };
  // The path of the boundary on a context of width x height; level is for one output.
  B.tracePath = (context, field, width, height, level) => {
    const { columns, rows, f, outputs, said, size } = field, dx = width / (columns - 1), dy = height / (rows - 1);
    context.beginPath();
    for (let r = 0; r < rows - 1; r++) {
      for (let c = 0, i = r * columns; c < columns - 1; c++, i++) {
        if (outputs === 1) cell(context, f[i] - level, f[i + 1] - level, f[i + columns + 1] - level, f[i + columns] - level, c * dx, r * dy, dx, dy);
        else if (said[i] !== said[i + 1] || said[i] !== said[i + columns] || said[i] !== said[i + columns + 1]) {
          const last = lead(f, outputs, size, i, said[i]);
          for (let k = 0; k < outputs; k++) {
            if (k !== said[i] && k !== said[i + 1] && k !== said[i + columns] && k !== said[i + columns + 1]) continue;
            cell(context, k === said[i] ? last : lead(f, outputs, size, i, k), lead(f, outputs, size, i + 1, k), lead(f, outputs, size, i + columns + 1, k), lead(f, outputs, size, i + columns, k), c * dx, r * dy, dx, dy);
          }
        }
      }
    }
  };
  // By how much class k leads the best of the others.
  const lead = (f, outputs, size, i, k) => {
    let best = -Infinity;
    for (let j = 0; j < outputs; j++) if (j !== k && f[j * size + i] > best) best = f[j * size + i];
    return f[k * size + i] - best;
  };

  // ---- points ------------------------------------------------------------------------------------------------------------
  B.radius = (count) => (count <= 120 ? 5 : count <= 400 ? 4 : count <= 1200 ? 3 : 2.2);
  // Training points are discs, held-out ones rings, both with an outline of paper; a wrong one wears a crossed ring of
  // ink. Each kind is drawn once and then stamped: a picture has hundreds of them, sixty times a second.
  const stamps = new Map(), SHARP = 2;
  const stamp = (kind, held, wrong, r) => {
    const key = `${kind} ${held} ${wrong} ${r} ${Glasshouse.isDark()}`;
    if (!stamps.has(key)) {
      const half = Math.ceil(r + 3), sheet = Glasshouse.el("canvas", { width: 2 * half * SHARP, height: 2 * half * SHARP }), context = sheet.getContext("2d");
      context.scale(SHARP, SHARP);
      context.translate(half, half);
      const ring = (radius) => { context.beginPath(); context.arc(0, 0, radius, 0, 2 * Math.PI); };
      ring(r + 1.1);
      context.fillStyle = B.css(B.paper());
      context.fill();
      context.fillStyle = context.strokeStyle = B.classColor(kind);
      ring(held ? r - 0.9 : r);
      context.lineWidth = 1.9;
      if (held) context.stroke(); else context.fill();
      if (wrong) {
        const cross = r * 0.72;
        ring(r + 0.9);
        context.moveTo(-cross, -cross); context.lineTo(cross, cross);
        context.moveTo(-cross, cross); context.lineTo(cross, -cross);
        context.strokeStyle = B.ink();
        context.lineWidth = 1.4;
        context.stroke();
      }
      stamps.set(key, { sheet, half });
    }
    return stamps.get(key);
  };
  B.drawPoints = (context, model, at, epoch, said, r = B.radius(model.N)) => {
    const { x, label, role, since, N, K } = model, kinds = Array.from({ length: 4 * K }, (_, i) => stamp(i >> 2, Boolean(i & 2), Boolean(i & 1), r));
    for (let wrong = 0; wrong < (said ? 2 : 1); wrong++) { // wrong ones lie on top
      for (let i = 0; i < N; i++) {
        if (since[i] > epoch || (said && (said[i] !== label[i] ? 1 : 0) !== wrong)) continue;
        const { sheet, half } = kinds[4 * label[i] + 2 * role[i] + wrong];
        context.drawImage(sheet, at.x(x[2 * i]) - half, at.y(x[2 * i + 1]) - half, 2 * half, 2 * half);
      }
    }
  };

  // Arrows along d p / d x: where a small step changes the answer most. The longest one is just under a grid cell.
  B.drawArrows = (context, model, weights, width, height) => {
    const [left, right, bottom, top] = model.window, many = 13, step = width / many, rows = Math.max(3, Math.round(height / step)), found = [];
    for (let r = 0; r < rows; r++) for (let c = 0; c < many; c++) {
      const px = (c + 0.5) * step, py = (r + 0.5) * height / rows, { dx, dy } = B.gradient(model, weights, left + (right - left) * px / width, top - (top - bottom) * py / height);
      found.push([px, py, dx, dy, Math.hypot(dx, dy)]);
    }
    const largest = Math.max(...found.map((each) => each[4]));
    if (!(largest > 0)) return;
    context.beginPath();
    for (const [px, py, dx, dy, size] of found) {
      const length = 0.92 * step * Math.sqrt(size / largest);
      if (length < 2.5) continue;
      const ux = dx / size, uy = -dy / size, ex = px + ux * length / 2, ey = py + uy * length / 2, head = Math.min(5, length / 2.4);
      context.moveTo(px - ux * length / 2, py - uy * length / 2); context.lineTo(ex, ey);
      context.moveTo(ex - head * (ux - 0.6 * uy), ey - head * (uy + 0.6 * ux)); context.lineTo(ex, ey);
      context.lineTo(ex - head * (ux + 0.6 * uy), ey - head * (uy - 0.6 * ux));
    }
    context.strokeStyle = B.ink();
    context.globalAlpha = 0.62;
    context.lineWidth = 1.1;
    context.stroke();
    context.globalAlpha = 1;
  };
})();
