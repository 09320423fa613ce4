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
