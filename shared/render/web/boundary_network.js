"use strict";
// The network itself, evaluated in the browser in doubles: pure functions of weights and points.
// Flat weights: for every linear layer in order W row-major (out, in), then b (out), as in torch.nn.Linear.
(() => {
  const B = (Glasshouse.boundary ??= {});
  const BLOCK = 256; // points at a time: the working arrays stay in the processor's cache

  // The error function from a table with cubic interpolation; its error is below 1e-11.
  const ERF_STEPS = 256, ERF_END = 6;
  let erfTable = null;
  const erfSeries = (x) => { // erf(x) = 2/sqrt(pi) exp(-x^2) sum over n of 2^n x^(2n+1) / (2n+1)!!
    let term = x, sum = x;
    for (let n = 1; term > 1e-18 * sum; n++) { term *= 2 * x * x / (2 * n + 1); sum += term; }
    return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
  };
  const fillErf = () => {
    erfTable = new Float64Array(2 * (ERF_STEPS * ERF_END + 2));
    for (let i = 0; i < erfTable.length / 2; i++) {
      const x = i / ERF_STEPS;
      erfTable[2 * i] = erfSeries(x);
      erfTable[2 * i + 1] = 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) / ERF_STEPS;
    }
  };
  B.erf = (value) => {
    const size = Math.abs(value);
    if (size >= ERF_END) return value < 0 ? -1 : 1;
    if (!(size >= 0)) return NaN;
    if (!erfTable) fillErf();
    const at = size * ERF_STEPS, i = Math.floor(at), t = at - i, s = 1 - t, j = 2 * i;
    const found = s * s * (erfTable[j] * (1 + 2 * t) + erfTable[j + 1] * t) + t * t * (erfTable[j + 2] * (3 - 2 * t) - erfTable[j + 3] * s);
    return value < 0 ? -found : found;
  };
  const phi = (z) => 0.5 * (1 + B.erf(z * Math.SQRT1_2));

  // In place over values[from..to): tanh from one exponential, GELU the exact one, x * Phi(x).
  const ACTIVATE = {
    tanh: (values, from, to) => { for (let i = from; i < to; i++) values[i] = 1 - 2 / (Math.exp(2 * values[i]) + 1); },
    ReLU: (values, from, to) => { for (let i = from; i < to; i++) if (values[i] < 0) values[i] = 0; },
    sigmoid: (values, from, to) => { for (let i = from; i < to; i++) values[i] = 1 / (1 + Math.exp(-values[i])); },
    GELU: (values, from, to) => { for (let i = from; i < to; i++) values[i] *= phi(values[i]); },
  };
  B.activate = (name, values) => { ACTIVATE[name](values, 0, values.length); return values; };
  // The activation and its slope at one pre-activation z.
  const one = new Float64Array(1);
  const slope = (name, z) => {
    one[0] = z;
    ACTIVATE[name](one, 0, 1);
    const a = one[0];
    const rise = name === "tanh" ? 1 - a * a : name === "ReLU" ? (z > 0 ? 1 : 0) : name === "sigmoid" ? a * (1 - a) : phi(z) + z * Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
    return [a, rise];
  };

  const offsets = (sizes) => {
    let at = 0;
    return sizes.slice(1).map((out, i) => {
      const layer = { in: sizes[i], out, weights: at, bias: at + out * sizes[i] };
      at = layer.bias + out;
      return layer;
    });
  };
  // One linear layer over n points; values are unit-major, BLOCK apart. Four inputs at a time: the sums are read and
  // written a quarter as often, which is most of the time.
  const linear = ({ in: inputs, out, weights: at, bias }, weights, from, to, n) => {
    for (let j = 0; j < out; j++) {
      const start = j * BLOCK, row = at + j * inputs, offset = weights[bias + j];
      let k = inputs & 3;
      if (k === 0) for (let p = 0; p < n; p++) to[start + p] = offset;
      else if (k === 1) { const a = weights[row]; for (let p = 0; p < n; p++) to[start + p] = offset + a * from[p]; }
      else if (k === 2) { const a = weights[row], b = weights[row + 1]; for (let p = 0; p < n; p++) to[start + p] = offset + a * from[p] + b * from[BLOCK + p]; }
      else { const a = weights[row], b = weights[row + 1], c = weights[row + 2]; for (let p = 0; p < n; p++) to[start + p] = offset + a * from[p] + b * from[BLOCK + p] + c * from[2 * BLOCK + p]; }
      for (; k < inputs; k += 4) {
        const a = weights[row + k], b = weights[row + k + 1], c = weights[row + k + 2], d = weights[row + k + 3], source = k * BLOCK;
        for (let p = source, q = start, end = source + n; p < end; p++, q++) to[q] += a * from[p] + b * from[p + BLOCK] + c * from[p + 2 * BLOCK] + d * from[p + 3 * BLOCK];
      }
    }
  };

  // run(weights, points (n, 2) interleaved, n, f (K, stride) from column `at`, stride, at, {unit, record})
  //   f       the last layer's outputs, without an activation; with `unit` [layer, unit] that unit's pre-activation
  //   record  one array (units, stride) for each hidden layer, filled with pre-activations
  B.evaluator = ({ sizes, activation }) => {
    const layers = offsets(sizes), widest = Math.max(...sizes), inner = ACTIVATE[activation] ?? ACTIVATE.tanh;
    let from = new Float64Array(widest * BLOCK), to = new Float64Array(widest * BLOCK);
    const keep = (values, rows, first, out, stride, at, n) => {
      for (let j = 0; j < rows; j++) for (let p = 0, source = (first + j) * BLOCK, place = j * stride + at; p < n; p++) out[place + p] = values[source + p];
    };
    const block = (weights, points, start, n, f, stride, at, unit, record) => {
      for (let p = 0; p < n; p++) { from[p] = points[2 * (start + p)]; from[BLOCK + p] = points[2 * (start + p) + 1]; }
      for (let l = 0; l < layers.length; l++) {
        linear(layers[l], weights, from, to, n);
        if (unit && unit[0] === l) { keep(to, 1, unit[1], f, stride, at, n); return; }
        if (l === layers.length - 1) { if (f) keep(to, layers[l].out, 0, f, stride, at, n); return; }
        if (record) keep(to, layers[l].out, 0, record[l], stride, at, n);
        for (let j = 0; j < layers[l].out; j++) inner(to, j * BLOCK, j * BLOCK + n);
        [from, to] = [to, from];
      }
    };
    const run = (weights, points, n, f, stride = n, at = 0, { unit, record } = {}) => {
      for (let start = 0; start < n; start += BLOCK) block(weights, points, start, Math.min(BLOCK, n - start), f, stride, at + start, unit, record);
    };
    return { run, layers, outputs: sizes.at(-1), activation };
  };

  // ---- from outputs to probabilities -----------------------------------------------------------------------------------
  // The probability of class 1 from the one output f.
  B.chance = (output, f) => (output === "sigmoid" ? 1 / (1 + Math.exp(-f)) : output === "step" ? (f > 0 ? 1 : 0) : Math.max(0, Math.min(1, (f + 1) / 2)));
  // The output at which the probability of class 1 crosses the threshold; a step is always at 0.
  B.level = (output, threshold) => (output === "sigmoid" ? Math.log(threshold / (1 - threshold)) : output === "linear" ? 2 * threshold - 1 : 0);
  B.winner = (f, K, stride, at) => {
    let best = 0;
    for (let k = 1; k < K; k++) if (f[k * stride + at] > f[best * stride + at]) best = k;
    return best;
  };
  // K outputs at one place -> K probabilities in `out`.
  B.chances = (output, f, K, stride, at, out) => {
    const best = B.winner(f, K, stride, at), top = f[best * stride + at];
    let sum = 0;
    for (let k = 0; k < K; k++) {
      const value = f[k * stride + at];
      out[k] = output === "softmax" ? Math.exp(value - top) : output === "step" ? (k === best ? 1 : 0) : Math.max(0, Math.min(1, (value + 1) / 2));
      sum += out[k];
    }
    for (let k = 0; k < K; k++) out[k] = sum > 0 ? out[k] / sum : 1 / K;
    return out;
  };

  // Probabilities of all classes at points (n, 2): one array (n, classes), whatever the number of outputs.
  B.probabilities = ({ network, run }, weights, points, n = points.length / 2) => {
    const outputs = run.outputs, K = Math.max(2, outputs), f = new Float64Array(outputs * n), found = new Float64Array(n * K);
    run.run(weights, points, n, f);
    for (let i = 0; i < n; i++) {
      if (outputs > 1) B.chances(network.output, f, K, n, i, found.subarray(i * K, (i + 1) * K));
      else { found[2 * i + 1] = B.chance(network.output, f[i]); found[2 * i] = 1 - found[2 * i + 1]; }
    }
    return found;
  };
  // The class said at each of the model's own points; the buffers belong to the model.
  B.predict = (model, weights) => {
    const { run, N } = model, said = (model.said ??= new Uint8Array(N)), f = (model.outputs ??= new Float64Array(run.outputs * N));
    run.run(weights, model.x, N, f);
    for (let i = 0; i < N; i++) said[i] = run.outputs > 1 ? B.winner(f, run.outputs, N, i) : f[i] > 0 ? 1 : 0;
    return said;
  };
  // Pre-activations of every hidden unit at points (n, 2): one array (units, n) a layer.
  B.inner = ({ run, hidden }, weights, points, n = points.length / 2) => {
    const record = hidden.map((units) => new Float64Array(units * n));
    run.run(weights, points, n, null, n, 0, { record });
    return record;
  };

  // ---- d p / d x: values and both tangents, carried forward ------------------------------------------------------------
  // {p, dx, dy, kind}: the probability of `kind` (absent: class 1, or the class that is said) and its slope at (x, y).
  B.gradient = ({ network, run: { layers, activation, outputs } }, weights, x, y, kind) => {
    let value = [x, y], alongX = [1, 0], alongY = [0, 1];
    layers.forEach((layer, l) => {
      const next = [[], [], []];
      for (let j = 0; j < layer.out; j++) {
        let z = weights[layer.bias + j], dx = 0, dy = 0;
        for (let k = 0; k < layer.in; k++) { const w = weights[layer.weights + j * layer.in + k]; z += w * value[k]; dx += w * alongX[k]; dy += w * alongY[k]; }
        const [a, rise] = l < layers.length - 1 ? slope(activation, z) : [z, 1];
        next[0].push(a); next[1].push(rise * dx); next[2].push(rise * dy);
      }
      [value, alongX, alongY] = next;
    });
    if (outputs === 1) {
      const p = B.chance(network.output, value[0]), inside = Math.abs(value[0]) < 1;
      const rise = network.output === "sigmoid" ? p * (1 - p) : network.output === "linear" && inside ? 0.5 : 0;
      return { p, dx: rise * alongX[0], dy: rise * alongY[0], kind: 1 };
    }
    const chosen = kind ?? B.winner(value, outputs, 1, 0), p = B.chances(network.output, value, outputs, 1, 0, new Float64Array(outputs));
    const rates = network.output === "step" ? value.map(() => 0) : network.output === "softmax" ? value.map((_, k) => p[chosen] * ((k === chosen ? 1 : 0) - p[k])) : B.clippedRates(value, p, chosen);
    const along = (tangent) => rates.reduce((sum, rate, k) => sum + rate * tangent[k], 0);
    return { p: p[chosen], dx: along(alongX), dy: along(alongY), kind: chosen };
  };
  // d p_chosen / d f_k for p_k = c_k / sum(c), c = clip((f + 1) / 2, 0, 1).
  B.clippedRates = (f, p, chosen) => {
    const sum = f.reduce((total, value) => total + Math.max(0, Math.min(1, (value + 1) / 2)), 0);
    return f.map((value, k) => (sum > 0 && Math.abs(value) < 1 ? 0.5 * ((k === chosen ? 1 : 0) - p[chosen]) / sum : 0));
  };
})();
