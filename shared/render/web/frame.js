"use strict";
// The frame around every picture: finding, tabs, chips, toolbar, trust, pin, prediction, link.
//
// A viewer registers {tabs, options, keys, decode, describe}; the frame owns the state and calls tab.draw(panel, frame).
//   tabs     [{id, group, label, draw(panel, frame), when?(frame)}]
//   options  [{id, label, chip(value), value}]  viewer settings with their default; others than the default wear a chip
//   keys     state names that belong in a link beside the options
//   decode   async payload.data -> model;  describe (frame) -> {finding, trust: {label, value, floor}}
// A host gives {frozen} or {compute(kind, request), export(kind, request), edit(inputs), address()}.
(() => {
  const { el } = Glasshouse;
  const LONGEST_LINK = 7000; // characters; servers and chat programs cut longer ones
  const TEACHING = ["view", "hide", "type", "__theme", "theme", "preset"];
  Glasshouse.frames = [];

  class Frame {
    constructor(element, viewer, host) {
      this.host = host;
      this.viewer = Glasshouse.viewers[viewer];
      this.defaults = Object.fromEntries(this.viewer.options.map((option) => [option.id, option.value]));
      this.chosen = {};      // what the visitor set: survives new results
      this.cache = new Map(); // answers of compute, for the present inputs
      this.pinned = null;
      this.parts = this.build(element);
      this.resizer = new ResizeObserver(() => {
        const width = Math.round(this.parts.panel.clientWidth);
        if (width && width !== this.width && this.model) { this.width = width; this.draw(); }
      });
      this.resizer.observe(this.parts.panel);
      Glasshouse.frames.push(this);
    }

    build(element) {
      const parts = {
        finding: el("p", { class: "gh-finding", role: "status", "aria-live": "polite" }),
        note: el("p", { class: "gh-note", hidden: true }),
        tabs: el("div", { class: "gh-tabs", role: "tablist" }),
        chips: el("div", { class: "gh-chips" }),
        problem: el("p", { class: "gh-problem", role: "alert", hidden: true }),
        panel: el("div", { class: "gh-panel", role: "tabpanel" }),
        trust: el("p", { class: "gh-trust" }),
        tools: el("div", { class: "gh-tools", role: "toolbar", "aria-label": "Share and save" }),
        veil: el("div", { class: "gh-veil", hidden: true }),
        dialog: el("dialog", { class: "gh-dialog" }),
      };
      const stage = el("div", { class: "gh-stage" }, parts.panel, parts.veil);
      const foot = el("div", { class: "gh-foot" }, parts.trust, parts.tools);
      element.replaceChildren(el("section", { class: "gh-frame" }, parts.finding, parts.note, parts.problem,
        el("div", { class: "gh-head" }, parts.tabs, parts.chips), stage, foot, parts.dialog));
      parts.root = element.firstChild;
      return parts;
    }

    // The present value of a setting: chosen by the visitor, sent with the result, or the default.
    get state() { return { ...this.defaults, ...this.payload?.auto, ...this.chosen }; }

    async update(payload) {
      const turn = this.turn = (this.turn || 0) + 1;
      if (payload.waiting) { this.stale(true); this.say(payload.waiting, 600_000); return; }
      this.parts.root.querySelector(".gh-toast")?.remove();
      if (payload.problem) { this.stale(false); this.problem(payload.problem); return; }
      const model = await this.viewer.decode(payload.data);
      const pinned = payload.pinned ? await this.decodePinned(payload.pinned) : undefined;
      if (turn !== this.turn) return; // a newer result came meanwhile
      if (payload.reset) this.chosen = {};
      // What was chosen for another input and means nothing for this one.
      for (const name of this.viewer.forget?.(this.payload?.inputs ?? payload.inputs, payload.inputs) ?? []) delete this.chosen[name];
      this.dropUnfit(model);
      Object.assign(this.chosen, this.viewer.parse(payload.state || {}, { model }));
      if (pinned) this.pinned = pinned;
      else if (payload.reset) this.pinned = null;
      this.payload = payload;
      this.model = model;
      this.cache = new Map(Object.entries(payload.computed || {}));
      this.problem(null, payload.warning);
      this.stale(false);
      this.veil(payload.predict);
      this.draw();
      this.rememberAddress();
    }

    // What the visitor chose stays, unless the new network has no such layer, head or token. A limit is a count, or a test.
    dropUnfit(model) {
      for (const [name, limit] of Object.entries(this.viewer.limits(model))) {
        const value = this.chosen[name];
        const unfit = typeof limit === "function" ? value !== undefined && !limit(value) : typeof value === "number" && value >= limit;
        if (unfit) delete this.chosen[name];
      }
    }

    async decodePinned(payload) {
      const model = await this.viewer.decode(payload.data);
      return { payload, model, state: { ...this.defaults, ...payload.auto, ...this.viewer.parse(payload.state || {}, { model }) } };
    }

    set(changes) {
      Object.assign(this.chosen, changes);
      this.draw();
      this.rememberAddress();
    }

    // Everything that names the present picture; what a link, an export or a computation needs.
    request() {
      const state = this.state;
      const names = [...this.viewer.keys, ...this.viewer.options.map((option) => option.id), "tab"];
      const picked = Object.fromEntries(names.filter((name) => state[name] !== undefined).map((name) => [name, state[name]]));
      const pin = this.pinned && { inputs: this.pinned.payload.inputs, state: this.pick(this.pinned.state) };
      return { inputs: this.payload.inputs, state: picked, pin };
    }
    pick(state) { return Object.fromEntries(this.viewer.keys.filter((key) => state[key] !== undefined).map((key) => [key, state[key]])); }

    query() {
      const query = new URLSearchParams();
      for (const [name, value] of Object.entries(this.payload.inputs)) {
        if (value !== "" && value !== this.payload.input_defaults?.[name]) query.set(name, value);
      }
      for (const name of [...this.viewer.keys, ...this.viewer.options.map((option) => option.id), "tab"]) {
        const value = this.chosen[name];
        if (value !== undefined && value !== this.defaults[name]) query.set(name, String(value));
      }
      const { pin } = this.request();
      if (pin) query.set("pin", JSON.stringify(pin));
      return query;
    }

    address() {
      const base = this.host.address ? this.host.address() : location.href.split(/[?#]/)[0];
      const query = this.query().toString();
      return query ? `${base}?${query}` : base;
    }

    // A reload shows the same picture: the address always says what is on the page.
    rememberAddress() {
      if (this.host.frozen || !this.host.remember) return;
      const query = this.query();
      if (query.toString().length > LONGEST_LINK) return;
      const now = new URLSearchParams(location.search);
      for (const name of TEACHING) if (now.has(name) && name !== "preset") query.set(name, now.get(name));
      history.replaceState(history.state, "", `${location.pathname}?${query}`.replace(/\?$/, ""));
    }

    async compute(kind, extra = {}) {
      const key = JSON.stringify([kind, extra]);
      if (!this.cache.has(key)) {
        if (this.host.frozen) throw new Error("This page was saved without this view; open the live Space to compute it.");
        const pending = this.host.compute(kind, { ...this.request(), ...extra }).then((answer) => {
          if (answer?.problem) throw new Error(answer.problem);
          return answer;
        });
        this.cache.set(key, pending);
        pending.catch(() => this.cache.delete(key));
      }
      return this.cache.get(key);
    }

    // Draw into the panel when the answer arrives, unless the visitor has moved on.
    later(panel, promise, show, waiting = "Computing…") {
      const ticket = this.ticket = {};
      panel.setAttribute("aria-busy", "true");
      if (!panel.childElementCount) panel.append(el("p", { class: "gh-waiting" }, waiting));
      return promise.then((answer) => { if (this.ticket === ticket) { panel.replaceChildren(); show(answer); } })
        .catch((error) => {
          if (this.ticket === ticket) panel.replaceChildren(el("p", { class: "gh-problem", role: "alert" }, error.message));
        })
        .finally(() => panel.removeAttribute("aria-busy"));
    }

    // The finding and the trust line may say more once a view has computed its numbers.
    tell() {
      const { finding, trust } = this.viewer.describe(this);
      if (this.parts.finding.textContent !== finding) this.parts.finding.textContent = finding; // it is read out when it changes
      this.parts.panel.setAttribute("aria-label", finding);
      this.parts.trust.replaceChildren(el("span", { class: "gh-trust-value" }, trust.value), ` ${trust.label} `,
        el("span", { class: "gh-trust-floor" }, trust.floor));
    }

    draw() {
      if (!this.model) return;
      const { parts } = this, state = this.state;
      const tabs = this.viewer.tabs.filter((tab) => !tab.when || tab.when(this));
      const tab = tabs.find((each) => each.id === state.tab) || tabs[0];
      this.tell();
      parts.note.textContent = this.payload.note || "";
      parts.note.hidden = !this.payload.note;
      this.drawTabs(tabs, tab);
      this.drawChips();
      this.ticket = null;
      const kept = parts.panel.dataset.tab === tab.id ? parts.panel.offsetHeight : 0;
      parts.panel.style.minHeight = kept ? `${kept}px` : "";
      parts.panel.dataset.tab = tab.id;
      Glasshouse.tip(null, null);
      const focus = document.activeElement?.dataset?.focus;
      parts.panel.replaceChildren();
      tab.draw(parts.panel, this);
      if (focus) parts.panel.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
      parts.panel.style.minHeight = "";
      this.drawTools();
      this.width = Math.round(parts.panel.clientWidth);
    }

    drawTabs(tabs, current) {
      let group = null;
      this.parts.tabs.replaceChildren(...tabs.flatMap((tab) => {
        const button = el("button", {
          type: "button", role: "tab", class: "gh-tab", "aria-selected": String(tab === current),
          tabindex: tab === current ? "0" : "-1", "data-tab": tab.id, title: `${tab.group}: ${tab.title || tab.label}`,
          onclick: () => this.set({ tab: tab.id }),
          onkeydown: (event) => this.walkTabs(event, tabs, tab),
        }, tab.label);
        const head = tab.group !== group ? [el("span", { class: "gh-group", "aria-hidden": "true" }, tab.group)] : [];
        group = tab.group;
        return [...head, button];
      }));
      const row = this.parts.tabs, on = row.querySelector('[aria-selected="true"]').getBoundingClientRect(), box = row.getBoundingClientRect();
      row.scrollLeft += Math.max(0, on.right - box.right) - Math.max(0, box.left - on.left); // on a phone the row is longer than the screen
    }

    walkTabs(event, tabs, tab) {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
      this.set({ tab: next.id });
      this.parts.tabs.querySelector(`[data-tab="${next.id}"]`).focus();
    }

    drawChips() {
      const state = this.state;
      const chips = this.viewer.options.filter((option) => state[option.id] !== option.value)
        .map((option) => this.chip(option.chip(state[option.id]), () => this.set({ [option.id]: option.value })));
      if (!this.host.frozen) {
        for (const [name, label] of Object.entries(this.payload.more_inputs || {})) {
          if (this.payload.inputs[name]) chips.push(this.chip(label, () => this.host.edit({ [name]: "" })));
        }
      }
      if (this.pinned) chips.push(this.chip(`A is pinned: ${this.viewer.caption(this.pinned)}`, () => this.unpin()));
      if (chips.length > 1) chips.push(el("button", { type: "button", class: "gh-link", onclick: () => this.reset() }, "Reset"));
      this.parts.chips.replaceChildren(...chips);
    }

    chip(label, remove) {
      return el("span", { class: "gh-chip" }, el("span", {}, label),
        el("button", { type: "button", "aria-label": `Remove: ${label}`, onclick: remove }, "×"));
    }

    reset() {
      for (const option of this.viewer.options) delete this.chosen[option.id];
      const more = Object.keys(this.payload.more_inputs || {}).filter((name) => this.payload.inputs[name]);
      if (more.length && !this.host.frozen) this.host.edit(Object.fromEntries(more.map((name) => [name, ""])));
      this.unpin();
    }

    pin() {
      this.pinned = { payload: this.payload, model: this.model, state: this.state };
      this.set({});
      this.say("Pinned as A. Change what you like: the tab A | B shows it beside the new picture.");
    }
    unpin() {
      this.pinned = null;
      if (this.chosen.tab === "compare") delete this.chosen.tab;
      this.set({});
    }

    drawTools() {
      const { parts, host } = this;
      const button = (label, title, onclick) => el("button", { type: "button", class: "gh-tool", title, onclick }, label);
      const tools = [];
      if (!host.frozen) {
        tools.push(button(this.pinned ? "Unpin" : "Pin as A", "Keep this picture as A while B changes", () => (this.pinned ? this.unpin() : this.pin())));
        tools.push(button("Link", "Copy an address that shows this picture again", () => this.link("Link", () => this.address())));
        tools.push(button("Embed", "Copy code that shows this picture in another page", () => this.link("Embed", () => this.embed())));
        for (const [label, title, kinds] of this.payload.exports || []) {
          tools.push(kinds.length > 1 ? this.menu(label, title, kinds)
            : button(label, title, () => this.save(kinds[0][0])));
        }
      } else {
        tools.push(el("span", { class: "gh-source" }, this.payload.source || ""));
      }
      parts.tools.replaceChildren(...tools);
    }

    link(title, make) {
      if ([this, this.pinned].some((shown) => shown?.model.link === false)) this.say("A link cannot hold your photo. Save it as a page instead: the button Page.");
      else if (this.query().toString().length > LONGEST_LINK) this.say("This text is too long for a link. Save it as a page instead: the button Page.");
      else this.copyText(title, make());
    }

    menu(label, title, kinds) {
      const list = el("span", { class: "gh-menu-list" }, kinds.map(([kind, text]) =>
        el("button", { type: "button", class: "gh-tool", onclick: (event) => { event.target.closest("details").open = false; this.save(kind); } }, text)));
      return el("details", { class: "gh-menu" }, el("summary", { class: "gh-tool", title }, label), list);
    }

    embed() {
      const text = new DOMParser().parseFromString("", "text/html").createElement("iframe");
      text.setAttribute("src", this.address().replace(/\?|$/, (sign) => (sign ? "?view=picture&" : "?view=picture")));
      text.setAttribute("title", this.parts.finding.textContent);
      text.setAttribute("width", "100%");
      text.setAttribute("height", "640");
      text.setAttribute("loading", "lazy");
      text.setAttribute("style", "border:0");
      return text.outerHTML;
    }

    async save(kind) {
      const done = this.say("Preparing the file…", 60_000);
      try {
        const file = await this.host.export(kind, { ...this.request(), asked: [...this.cache.keys()], finding: this.parts.finding.textContent });
        if (file.problem) throw new Error(file.problem);
        if (file.text !== undefined) this.copyText(file.title, file.text, file.explanation);
        else Glasshouse.download(file.name, file.mime, file.data);
        done();
      } catch (error) {
        done();
        this.problem(error.message || "The file could not be made; try again in a moment.");
      }
    }

    // Show text with a copy button: works where the clipboard is not allowed, too.
    copyText(title, text, explanation) {
      const { dialog } = this.parts;
      const area = el("textarea", { class: "gh-code", readonly: true, rows: Math.min(18, text.split("\n").length + 1), "aria-label": title });
      area.value = text;
      const copy = el("button", { type: "button", class: "gh-button", "aria-pressed": "true", onclick: async () => {
        area.select();
        try { await navigator.clipboard.writeText(text); } catch { document.execCommand("copy"); }
        copy.textContent = "Copied";
      } }, "Copy");
      dialog.replaceChildren(el("h3", {}, title), explanation ? el("p", {}, explanation) : "", area,
        el("p", { class: "gh-dialog-foot" }, copy, el("button", { type: "button", class: "gh-button", onclick: () => dialog.close() }, "Close")));
      dialog.showModal();
      area.select();
    }

    say(text, milliseconds = 4500) {
      this.parts.root.querySelector(".gh-toast")?.remove();
      const node = el("p", { class: "gh-toast", role: "status" }, text);
      this.parts.root.append(node);
      const timer = setTimeout(() => node.remove(), milliseconds);
      return () => { clearTimeout(timer); node.remove(); };
    }

    // A problem dims the old picture, a warning stands above a good one.
    problem(text, warning) {
      this.parts.problem.textContent = text || warning || "";
      this.parts.problem.hidden = !(text || warning);
      this.parts.root.classList.toggle("gh-has-problem", Boolean(text));
    }

    // The old picture is dimmed while a new answer is on its way.
    stale(on) { this.parts.root.classList.toggle("gh-stale", on); }

    // A preset may ask for a prediction before it shows the answer.
    veil(predict) {
      const { veil, root } = this.parts;
      veil.hidden = !predict;
      root.classList.toggle("gh-veiled", Boolean(predict));
      if (!predict) return;
      const lift = (choice) => {
        veil.hidden = true;
        root.classList.remove("gh-veiled");
        if (choice === undefined) return;
        const right = choice === predict.answer;
        this.payload.note = `${right ? "You saw it coming." : `You said “${predict.options[choice]}”; it is “${predict.options[predict.answer]}”.`} ${predict.reveal}`;
        this.draw();
      };
      veil.replaceChildren(el("div", { class: "gh-predict", role: "group", "aria-label": "Predict first" },
        el("p", {}, predict.question),
        el("p", { class: "gh-options" }, predict.options.map((option, i) =>
          el("button", { type: "button", class: "gh-button", onclick: () => lift(i) }, option))),
        el("button", { type: "button", class: "gh-link", onclick: () => lift() }, "Skip, show me")));
    }
  }

  // The viewer on an element; returns its frame, whose update(payload) shows the next result.
  Glasshouse.mount = (element, viewer, payload, host) => {
    const frame = new Frame(element, viewer, host);
    if (payload) frame.update(payload);
    return frame;
  };

  // Phrases of the story set the picture's state: <a href="#set:layer=0&head=1">.
  Glasshouse.followStory = () => {
    document.addEventListener("click", (event) => {
      const anchor = event.target.closest?.('a[href*="#set:"]');
      const frame = Glasshouse.frames.at(-1);
      if (!anchor || !frame?.model) return;
      event.preventDefault();
      const changes = Object.fromEntries(new URLSearchParams(anchor.getAttribute("href").split("#set:")[1]));
      frame.set(frame.viewer.parse(changes, frame));
      frame.parts.root.scrollIntoView({ block: "nearest", behavior: Glasshouse.reduced() ? "auto" : "smooth" });
    });
  };
})();
