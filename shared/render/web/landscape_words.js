"use strict";
// What the landscape says of itself: the finding, how far the picture can be trusted, and the numbers under the ball.
(() => {
  const L = Glasshouse.landscape, { digits, plural, short } = L;
  const STUCK = 0.9; // of the first loss: a run that has come no further is called stuck
  const FLAT = 1.02; // of the loss in the middle
  const OFF = 1e-3; // distances below this share of the way are rounding

  L.rounded = (value, places = 2) => digits(Number(value.toFixed(places)) || 0);
  const share = (value) => Glasshouse.percent(value, value < 0.1 ? 1 : 0);
  const nameOf = ({ plan, paths }) => paths[0]?.name || plan.optimizer || "The optimizer";
  const lastOf = ({ loss }) => loss.findLast(Number.isFinite);
  // The greatest loss of the plane no further than `reach` from the trained weights, among the points that have come.
  L.rim = ({ alpha, beta, R, values, order, known }, reach) => {
    let most = -Infinity;
    for (let n = 0; n < known; n++) {
      const a = alpha[order[n] % R], b = beta[Math.floor(order[n] / R)];
      if (Math.hypot(a, b) <= reach + 1e-9 && values[order[n]] > most) most = values[order[n]];
    }
    return most;
  };
  const rise = (model) => {
    const reach = Math.min(1, model.alpha.at(-1), model.beta.at(-1)), most = L.rim(model, reach), { plane } = model.plan;
    if (!Number.isFinite(most)) return "the plane around it is still unknown";
    const own = plane === "filter_normalized", within = own ? ` within ${reach === 1 ? "one filter length" : `${digits(reach)} filter lengths`}` : "", highest = own ? most : L.rim(model, Infinity);
    return highest < FLAT * model.origin.loss ? `the plane around it is flat: the loss is nowhere above ${highest.toFixed(4)}${within}` : `in this plane the loss rises to ${short(highest)}${within}`;
  };
  const seen = ({ explained }) => (explained === null || explained === undefined ? "" : `, and ${share(explained)} of the way it came is visible here`);
  const rivals = ({ paths }) => {
    const found = paths.map((path) => ({ name: path.name, last: path.loss.at(-1) })), lost = found.filter(({ last }) => !Number.isFinite(last)), order = found.filter(({ last }) => Number.isFinite(last)).sort((a, b) => a.last - b.last);
    if (!order.length) return "";
    const best = order[0], worst = lost[0] ?? order.at(-1);
    return `Of ${paths.length} trainings with ${plural(paths[0].epochs.at(-1), "epoch")} each, ${best.name} came lowest, to a loss of ${short(best.last)}, and ${worst.name} ${lost.length ? "was lost: its loss is not finite" : `stayed highest, at ${short(worst.last)}`}`;
  };
  L.finding = (frame) => {
    const { model } = frame, { paths, plan, origin } = model, [path] = paths, special = model.findings.get(frame.state.tab ?? "map");
    if (special) return special;
    if (model.stopped) return model.stopped;
    const unknown = !model.measured && !paths.every(({ loss }) => Number.isFinite(loss.at(-1)));
    if (unknown) return `${plan.title}: the loss is ${short(origin.loss)} at the trained weights; ${rise(model)}; the losses on the way there are still being measured.`;
    if (!path) return `${plan.title}: the loss is ${short(origin.loss)} at the trained weights; ${rise(model)}.`;
    if (paths.length > 1) return `${rivals(model)}; ${rise(model)}.`;
    const first = path.loss.find(Number.isFinite), last = lastOf(path), epochs = plural(path.epochs.at(-1), "epoch");
    if (!Number.isFinite(last)) return `${nameOf(model)} was lost at once: no loss of its ${epochs} is finite.`;
    if (last > STUCK * first) return `${nameOf(model)} has moved from a loss of ${first.toFixed(3)} to ${last.toFixed(3)} in ${epochs}: it is stuck; ${rise(model)}.`;
    return `${nameOf(model)} rolled from a loss of ${short(first)} to ${short(last)} in ${epochs}; ${rise(model)}${seen(path)}.`;
  };
  L.trust = (frame) => {
    const { paths: [path], P, directions } = frame.model, explained = path?.explained;
    if (explained !== null && explained !== undefined) {
      return { value: `${share(explained)} of the path lies in this plane`, label: "(share of its squared distance from the trained weights);", floor: `a random plane of ${plural(P, "dimension")} shows ${digits(200 / P)} %.` };
    }
    if (!Number.isFinite(directions?.cosine)) return { value: plural(P, "weight"), label: "in all;", floor: "the picture shows two directions of them." };
    return { value: `Cosine ${L.rounded(directions.cosine, 4)}`, label: "between the two directions;", floor: `0 is a right angle, and two random directions of ${plural(P, "dimension")} are about ${digits(1 / Math.sqrt(P))} away from it.` };
  };
  // A view that has computed more says more, as long as it is on display.
  L.tellTab = (frame, tab, sentence) => { frame.model.findings.set(tab, sentence); frame.tell(); };

  // "epoch 12: true loss 0.31; in the plane under it 0.35; 0.8 off the plane"
  L.isOff = ({ distance }, path) => distance > OFF * Math.max(...path.distance.filter(Number.isFinite), Math.hypot(...path.coordinates.subarray(0, 2)));
  L.ballWords = (path, epoch) => {
    const ball = L.ballAt(path, L.indexAt(path, epoch));
    if (path.pending && !Number.isFinite(ball.plane_loss)) return `epoch ${Math.floor(epoch + 1e-9)}: its losses are being measured…`;
    return `epoch ${Math.floor(epoch + 1e-9)}: true loss ${short(ball.loss)}; in the plane under it ${short(ball.plane_loss)}; ${L.isOff(ball, path) ? `${digits(ball.distance)} off the plane` : "it lies in the plane"}`;
  };
})();
