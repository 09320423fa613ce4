"use strict";
// What every viewer needs: unpacking arrays, colors, themes, small DOM helpers. No dependencies, no network.
var Glasshouse = {
  viewers: {},

  // An element with properties and children; text always enters as text, never as HTML.
  el(tag, properties = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (value === undefined || value === null || value === false) continue;
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (name === "class") node.className = value;
      else if (name === "style") node.style.cssText = value;
      else node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
    return node;
  },

  // {type, shape, data} as written by shared/render/packing.py -> typed array with a shape property.
  async unpack(packed) {
    const bytes = Uint8Array.from(atob(packed.data), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const buffer = await new Response(stream).arrayBuffer();
    const kinds = { root8: Uint8Array, uint8: Uint8Array, int8: Int8Array, int16: Int16Array, int32: Int32Array, float32: Float32Array };
    const array = packed.type === "float16" ? Glasshouse.halves(new Uint16Array(buffer)) : new kinds[packed.type](buffer);
    array.shape = packed.shape;
    return array;
  },

  halves(bits) {
    const out = new Float32Array(bits.length);
    for (let i = 0; i < bits.length; i++) {
      const sign = bits[i] & 0x8000 ? -1 : 1, exponent = (bits[i] >> 10) & 31, fraction = bits[i] & 1023;
      if (exponent === 31) out[i] = fraction ? NaN : sign * Infinity;
      else out[i] = sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
    }
    return out;
  },

  // A color table of 256 packed RGBA integers, ready for a Uint32Array over ImageData.
  table(name, reversed = false) {
    const key = name + reversed;
    Glasshouse.tables ??= {};
    if (!Glasshouse.tables[key]) {
      const rgb = Uint8Array.from(atob(Glasshouse.colormaps[name]), (c) => c.charCodeAt(0));
      Glasshouse.tables[key] = Uint32Array.from({ length: 256 }, (_, i) => {
        const j = 3 * (reversed ? 255 - i : i);
        return (255 << 24 | rgb[j + 2] << 16 | rgb[j + 1] << 8 | rgb[j]) >>> 0;
      });
    }
    return Glasshouse.tables[key];
  },
  css(color) { return `rgb(${color & 255},${(color >> 8) & 255},${(color >> 16) & 255})`; },

  // Low values wear the color of the paper in both themes, so the eye goes to what is there.
  isDark() {
    const root = document.documentElement;
    if (root.dataset.theme === "dark" || root.dataset.theme === "light") return root.dataset.theme === "dark";
    if (document.querySelector("gradio-app, .gradio-container")) return document.body.classList.contains("dark");
    return matchMedia("(prefers-color-scheme: dark)").matches;
  },
  magnitude() { return Glasshouse.table("magma", !Glasshouse.isDark()); },
  spread() { return Glasshouse.table("cividis"); },
  signed() { return Glasshouse.table(Glasshouse.isDark() ? "berlin" : "RdBu_r"); },
  // A dark or light ink that can be read on the given packed color.
  inkOn(color) {
    const light = 0.299 * (color & 255) + 0.587 * ((color >> 8) & 255) + 0.114 * ((color >> 16) & 255);
    return light > 140 ? "#1c2326" : "#f4f6f5";
  },
  variable(element, name) { return getComputedStyle(element).getPropertyValue(name).trim(); },

  followTheme() {
    const asked = new URLSearchParams(location.search).get("theme");
    const root = document.documentElement;
    if (asked === "dark" || asked === "light") root.dataset.theme = asked;
    const apply = () => root.classList.toggle("gh-dark", Glasshouse.isDark());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
    apply();
  },

  reportHeight() {
    if (window.parent === window) return;
    const report = () =>
      window.parent.postMessage({ glasshouse: "height", height: Math.ceil(document.body.getBoundingClientRect().height) }, "*");
    new ResizeObserver(report).observe(document.body);
    report();
  },

  // A canvas of the given CSS size, sharp on dense screens; returns its context, scaled to CSS pixels.
  canvas(node, width, height) {
    const density = window.devicePixelRatio || 1;
    node.width = Math.max(1, Math.round(width * density));
    node.height = Math.max(1, Math.round(height * density));
    node.style.width = `${width}px`;
    node.style.height = `${height}px`;
    const context = node.getContext("2d");
    context.setTransform(density, 0, 0, density, 0, 0);
    return context;
  },

  // One tooltip for the page; its text is text.
  tip(event, lines) {
    let node = document.querySelector(".gh-tip");
    if (!lines) { node?.remove(); return; }
    if (!node) document.body.append(node = Glasshouse.el("div", { class: "gh-tip", role: "tooltip" }));
    node.replaceChildren(...lines.map((line, i) => Glasshouse.el(i ? "span" : "strong", {}, line)));
    const box = node.getBoundingClientRect();
    const x = Math.min(event.clientX + 14, innerWidth - box.width - 8);
    const y = event.clientY + 18 + box.height > innerHeight ? event.clientY - box.height - 12 : event.clientY + 18;
    node.style.transform = `translate(${Math.max(4, x)}px, ${Math.max(4, y)}px)`;
  },

  // Shorten a label to a width, with an ellipsis.
  fit(context, text, width) {
    if (context.measureText(text).width <= width) return text;
    let short = text;
    while (short.length > 1 && context.measureText(short + "…").width > width) short = short.slice(0, -1);
    return short + "…";
  },

  percent(value, digits = 0) { return `${(100 * value).toFixed(digits)} %`; },
  points(value) { return `${value >= 0 ? "+" : "−"}${Math.abs(100 * value).toFixed(1)} points`; },

  download(name, mime, base64) {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const url = URL.createObjectURL(new Blob([bytes], { type: mime }));
    const anchor = Glasshouse.el("a", { href: url, download: name });
    document.body.append(anchor);
    anchor.click();
    anchor.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  },

  // A row of choices of which exactly one is on.
  choice(label, options, current, pick) {
    return Glasshouse.el("div", { class: "gh-choice", role: "group", "aria-label": label },
      options.map(([value, text, title]) => Glasshouse.el("button", {
        type: "button", class: "gh-button", "aria-pressed": String(value === current), title,
        onclick: () => pick(value),
      }, text)));
  },

  // The color scale under a picture: a ramp with ticks [position 0..1, label].
  scale(table, ticks, caption) {
    const stops = Array.from({ length: 17 }, (_, i) => Glasshouse.css(table[Math.round(i * 255 / 16)]));
    return Glasshouse.el("div", { class: "gh-scale" },
      Glasshouse.el("span", { class: "gh-scale-caption" }, caption),
      Glasshouse.el("span", { class: "gh-scale-body" },
        Glasshouse.el("span", { class: "gh-scale-ramp", style: `background:linear-gradient(to right, ${stops.join(",")})` }),
        Glasshouse.el("span", { class: "gh-scale-ticks" }, ticks.map(([at, text]) =>
          Glasshouse.el("span", { style: `left:${100 * at}%` }, text)))));
  },
};
globalThis.Glasshouse = Glasshouse;
