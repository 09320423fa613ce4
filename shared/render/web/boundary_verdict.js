"use strict";
// Numbers of a verdict: pure functions of what was said and what is true.
(() => {
  const B = Glasshouse.boundary;

  // matrix[truth][said]: how many points
  B.confusion = (truth, said, K) => {
    const matrix = Array.from({ length: K }, () => new Array(K).fill(0));
    truth.forEach((kind, i) => { matrix[kind][said[i]]++; });
    return matrix;
  };

  // Counts of hits and false alarms when the threshold sinks, one entry for every different score (ties fall together).
  const sweep = (positive, scores) => {
    const order = [...scores.keys()].sort((a, b) => scores[b] - scores[a]), steps = [];
    let hits = 0, alarms = 0;
    order.forEach((i, rank) => {
      if (positive[i]) hits++; else alarms++;
      if (rank === order.length - 1 || scores[order[rank + 1]] !== scores[i]) steps.push({ threshold: scores[i], hits, alarms });
    });
    return { steps, positives: hits, negatives: alarms };
  };
  // The area under a curve of points [x, y] by trapezoids, x in order.
  B.auc = (points) => points.slice(1).reduce((sum, [x, y], i) => sum + (x - points[i][0]) * (y + points[i][1]) / 2, 0);

  // Receiver operating characteristic: points [false positive rate, true positive rate, threshold], and the area; null with one class.
  B.roc = (positive, scores) => {
    const { steps, positives, negatives } = sweep(positive, scores);
    if (!positives || !negatives) return null;
    const points = [[0, 0, Infinity], ...steps.map(({ hits, alarms, threshold }) => [alarms / negatives, hits / positives, threshold])];
    return { points, area: B.auc(points) };
  };

  // Points [recall, precision, threshold] and two areas: average precision (a sum of steps) and the trapezoids.
  B.precisionRecall = (positive, scores) => {
    const { steps, positives } = sweep(positive, scores);
    if (!positives) return null;
    const points = [[0, 1, Infinity], ...steps.map(({ hits, alarms, threshold }) => [hits / positives, hits / (hits + alarms), threshold])];
    const average = points.slice(1).reduce((sum, [recall, precision], i) => sum + (recall - points[i][0]) * precision, 0);
    return { points, average, area: B.auc(points), floor: positives / positive.length };
  };

  // Bins of equal width over the score: {from, to, count, said, found}, and the expected calibration error
  // sum over bins of count / n * |said - found| (Naeini et al. 2015; Guo et al. 2017).
  B.calibration = (positive, scores, number = 10) => {
    const bins = Array.from({ length: number }, (_, i) => ({ from: i / number, to: (i + 1) / number, count: 0, said: 0, found: 0 }));
    scores.forEach((score, i) => {
      const bin = bins[Math.max(0, Math.min(number - 1, Math.floor(score * number)))];
      bin.count++;
      bin.said += score;
      bin.found += positive[i] ? 1 : 0;
    });
    for (const bin of bins) if (bin.count) { bin.said /= bin.count; bin.found /= bin.count; }
    const error = bins.reduce((sum, bin) => sum + bin.count * Math.abs(bin.said - bin.found), 0) / Math.max(1, positive.length);
    return { bins, error };
  };
})();
