"use strict";
// The losses of the plane. They come in turns, coarse first; until all are there, what is missing lies evenly between what
// has come. And their colors: darker is lower.
(() => {
  const L = Glasshouse.landscape, B = Glasshouse.boundary;
  const LOWEST = 1e-4; // a log scale ends here: below it the loss is as good as zero

  // ---- the grid ----------------------------------------------------------------------------------------------------
  // Indices of an R x R grid in the order in which values come, and how many have come when a row and when a stride is complete.
  L.order = (R) => {
    const order = new Int32Array(R * R), strides = [], come = new Uint8Array(R * R);
    let stride = 1, n = 0;
    while (Math.ceil(R / (2 * stride)) >= 5) stride *= 2;
    for (; stride >= 1; stride /= 2) {
      const rows = [];
      for (let i = 0; i < R; i += stride) {
        for (let j = 0; j < R; j += stride) if (!come[i * R + j]) { come[i * R + j] = 1; order[n++] = i * R + j; }
        rows.push(n);
      }
      strides.push({ stride, rows, end: n });
    }
    return { order, strides };
  };
  // The mean of up to four corners by their weights; corners that are not finite do not take part.
  const between = (values, R, i, j, stride) => {
    const last = Math.floor((R - 1) / stride) * stride, low = (at) => Math.min(last, Math.floor(at / stride) * stride), i0 = low(i), j0 = low(j), i1 = Math.min(last, i0 + stride), j1 = Math.min(last, j0 + stride);
    const v = Math.min(1, (i - i0) / stride), u = Math.min(1, (j - j0) / stride);
    let sum = 0, weights = 0;
    for (const [value, weight] of [[values[i0 * R + j0], (1 - u) * (1 - v)], [values[i0 * R + j1], u * (1 - v)], [values[i1 * R + j0], (1 - u) * v], [values[i1 * R + j1], u * v]]) {
      if (Number.isFinite(value) && weight > 0) { sum += weight * value; weights += weight; }
    }
    return weights > 0 ? sum / weights : NaN;
  };
  // model.grid: every value that has come, the others by the finest stride whose rows have come so far; rows come upwards.
  // NaN: not finite, or nothing is known there yet; model.seen tells which.
  const fill = (model) => {
    const { R, values, grid, seen, known, order, strides } = model, whole = strides.findLast(({ end }) => end <= known)?.stride, next = strides.find(({ end }) => end > known);
    const top = next ? (next.rows.filter((end) => end <= known).length - 1) * next.stride : -1;
    for (let i = 0; i < R; i++) {
      const stride = i <= top ? next.stride : whole;
      if (stride) for (let j = 0; j < R; j++) { grid[i * R + j] = between(values, R, i, j, stride); seen[i * R + j] = 1; }
    }
    for (let n = 0; n < known; n++) { grid[order[n]] = values[order[n]]; seen[order[n]] = 1; }
    model.stride = whole ?? null; // null: not even the coarsest grid is whole
    model.version += 1;
  };
  L.append = async (model, chunk) => {
    Object.assign(model, { done: chunk.done, of: chunk.of, finished: Boolean(chunk.finished), measured: Boolean(chunk.measured ?? true) });
    // Losses along the paths are measured after the coarse picture; views keep their paths and see them grow.
    const paths = await Promise.all((chunk.paths ?? []).map(L.decodePath));
    paths.forEach((path, index) => Object.assign(model.paths[index] ??= {}, path));
    for (const path of model.paths) path.pending = !model.measured;
    if (!chunk.values) return;
    const values = await Glasshouse.unpack(chunk.values);
    for (let n = 0; n < values.length; n++) model.values[model.order[chunk.from + n]] = values[n];
    model.known = Math.max(model.known, chunk.from + values.length);
    fill(model);
  };

  // ---- loss to color: darker is lower ----------------------------------------------------------------------------------
  // {low, high, log} over all given models; `height` percent of the range of the loss is shown, what is higher is cut off.
  L.rangeOf = (models, { scale, height }) => {
    let low = Infinity, top = -Infinity;
    for (const { grid } of models) for (const value of grid) if (Number.isFinite(value)) { low = Math.min(low, value); top = Math.max(top, value); }
    if (!(top >= low)) [low, top] = [0, 1];
    const log = scale !== "linear";
    if (log) low = Math.max(low, LOWEST);
    return { low, high: Math.max(low * (1 + 1e-6) + 1e-9, low + (top - low) * height / 100), log, cut: height < 100 };
  };
  L.range = (model, state) => L.rangeOf([model], state);
  // Where a loss lies on the scale: 0 at its low end, 1 at its high end; more than 1 is cut off. Not finite is the top.
  L.height = ({ low, high, log }, loss) => {
    if (!Number.isFinite(loss)) return 1;
    return log ? Math.log(Math.max(loss, low) / low) / Math.log(high / low) : Math.max(0, (loss - low) / (high - low));
  };
  L.lossAt = ({ low, high, log }, height) => (log ? low * (high / low) ** height : low + (high - low) * height);
  L.table = () => Glasshouse.table("viridis");
  L.color = (model, state, range = L.range(model, state)) => (loss) => {
    const packed = L.table()[Math.round(255 * Math.min(1, L.height(range, loss)))];
    return [packed & 255, (packed >> 8) & 255, (packed >> 16) & 255];
  };
  // A loss with as many digits as it takes to tell the two ends of a narrow range apart.
  L.isFlat = ({ low, high }) => (high - low) / high < 0.05;
  L.label = (range, loss) => (L.isFlat(range) ? loss.toFixed(Math.min(9, Math.max(2, 1 - Math.floor(Math.log10(range.high - range.low))))) : L.short(loss));
  // Marks for a scale: round losses [height, text], far enough apart to be read.
  L.scaleTicks = (range) => {
    const { low, high, log } = range, ticks = [[0, L.label(range, low)], [1, L.label(range, high)]];
    const few = log && !L.isFlat(range) ? Array.from({ length: 16 }, (_, i) => [1, 3].map((first) => first * 10 ** (i - 8))).flat() : B.ticks(low, high, 3);
    for (const value of few) {
      const at = L.height(range, value);
      if (value > low && value < high && ticks.every(([other]) => Math.abs(other - at) > 0.19)) ticks.push([at, L.label(range, value)]);
    }
    return ticks.sort(([a], [b]) => a - b);
  };
  // A loss in a sentence or on a scale: no powers of ten before 0.00001.
  L.short = (value) => (value > 0 && value < 0.001 ? (value < 1e-5 ? "0" : Number(value.toPrecision(2)).toFixed(Math.min(6, 1 - Math.floor(Math.log10(value)))).replace(/0+$/, "")) : B.digits(value));
  // The loss of the plane at any place, from the grid around it; outside it is not known.
  L.lossOnGrid = ({ alpha, beta, R, grid }, a, b) => {
    const u = (a - alpha[0]) / (alpha[R - 1] - alpha[0]) * (R - 1), v = (b - beta[0]) / (beta[R - 1] - beta[0]) * (R - 1);
    return u >= 0 && v >= 0 && u <= R - 1 && v <= R - 1 ? between(grid, R, v, u, 1) : NaN;
  };
})();
