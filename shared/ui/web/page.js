// Teaching mode by query string: view=picture, hide=inputs,story, type=large. Set before the page is drawn.
(() => {
  const query = new URLSearchParams(location.search), root = document.documentElement;
  if (query.get("view") === "picture") root.classList.add("gh-only-picture");
  if (query.get("type") === "large") root.classList.add("gh-large");
  for (const part of (query.get("hide") || "").split(",")) if (/^[a-z]+$/.test(part)) root.classList.add(`gh-hide-${part}`);
  if (window.parent !== window) {
    const report = () => window.parent.postMessage({ glasshouse: "height", height: Math.ceil(document.body.getBoundingClientRect().height) }, "*");
    addEventListener("load", () => new ResizeObserver(report).observe(document.body));
  }
})();

// Presets and edits of the picture are asked one after the other, so that the last one asked is the last one answered.
// Edits that wait are joined, and a preset replaces what waits.
globalThis.glasshouseQueue = (() => {
  const LOST = 30_000; // ms after which an answer is no longer waited for
  let waiting = [], open = 0, number = 0, timer = 0;
  const next = () => {
    if (open || !waiting.length) return;
    const { fire, data } = waiting.shift();
    open = ++number;
    timer = setTimeout(() => answered(open), LOST);
    fire({ ...data, number });
  };
  const answered = (which) => {
    if (which !== open) return;
    clearTimeout(timer);
    open = 0;
    next();
  };
  return {
    answered,
    pick: (fire, index) => { waiting = [{ fire, data: { index } }]; next(); },
    edit: (fire, inputs) => {
      const last = waiting.at(-1);
      if (last?.data.inputs) Object.assign(last.data.inputs, inputs);
      else waiting.push({ fire, data: { inputs: { ...inputs } } });
      next();
    },
  };
})();
