"use strict";
// The network at one place of the plane. Small networks are put together and judged here, in the browser; for picture
// networks the server is asked what they say, once the pointer rests.
(() => {
  const L = Glasshouse.landscape, B = Glasshouse.boundary, { el } = Glasshouse;
  const RESTS = 160, ASKS = 120; // ms: until a moving picture is drawn finely, until the server is asked
  const APART = 33; // ms between two pictures of the network while the ball rolls: the map comes first

  // theta + alpha d1 + beta d2, in doubles.
  L.weightsAt = ({ theta, d1, d2 }, alpha, beta, out = new Float64Array(theta.length)) => {
    for (let i = 0; i < out.length; i++) out[i] = theta[i] + alpha * d1[i] + beta * d2[i];
    return out;
  };
  // Loss and accuracy on the training points: cross-entropy, or for linear outputs the mean square distance from -1 and 1.
  L.judge = (points, weights) => {
    const { run, network: { output }, x, label, role, N } = points, outputs = run.outputs, f = (points.outputs ??= new Float64Array(outputs * N));
    let loss = 0, right = 0, count = 0;
    run.run(weights, x, N, f);
    const soft = (z) => (z > 0 ? z + Math.log1p(Math.exp(-z)) : Math.log1p(Math.exp(z))); // log(1 + exp z)
    for (let i = 0; i < N; i++) {
      if (role[i]) continue;
      const said = outputs > 1 ? B.winner(f, outputs, N, i) : f[i] > 0 ? 1 : 0;
      count += 1;
      right += said === label[i] ? 1 : 0;
      if (output === "sigmoid") loss += soft(label[i] ? -f[i] : f[i]);
      else if (output === "softmax") {
        const top = f[B.winner(f, outputs, N, i) * N + i];
        let sum = 0;
        for (let k = 0; k < outputs; k++) sum += Math.exp(f[k * N + i] - top);
        loss += top + Math.log(sum) - f[label[i] * N + i];
      } else for (let k = 0; k < outputs; k++) loss += (f[k * N + i] - ((outputs > 1 ? k === label[i] : label[i]) ? 1 : -1)) ** 2 / outputs;
    }
    return { loss: loss / count, accuracy: right / count, count };
  };

  // The loss at a place as exactly as the page can know it.
  L.lossHere = (model, { alpha, beta }) => (model.points ? L.judge(model.points, L.weightsAt(model.points, alpha, beta)).loss : L.lossOnGrid(model, alpha, beta));

  // ---- words over the picture ----------------------------------------------------------------------------------------
  const nameOf = (model, now) => (now.pointer ? "Under the pointer" : now.pinned ? "The place you picked" : model.paths.length ? "Under the ball" : "The trained weights");
  const where = ({ alpha, beta }) => `α ${L.rounded(alpha)}, β ${L.rounded(beta)}`;
  const head = (frame, model, follow) => {
    const title = el("b", {}), at = el("span", {}), numbers = el("span", { class: "gl-judged" }), off = el("span", { class: "gh-small gl-off" });
    const back = el("button", { type: "button", class: "gh-link", "data-focus": "follow", onclick: follow }, model.paths.length ? "Follow the ball" : "Back to the trained weights");
    const show = (now, judged) => {
      title.textContent = `${nameOf(model, now)} `;
      at.textContent = where(now);
      numbers.textContent = judged;
      back.style.display = now.pinned ? "" : "none";
      const [path] = model.paths, ball = path && !now.pinned && !now.pointer;
      off.textContent = ball && L.isOff(now, path) ? `The ball itself lies ${L.digits(now.distance)} off the plane; this is the network at the point under it.` : "";
    };
    return { node: el("div", { class: "gl-head" }, el("p", {}, title, at, " ", back), el("p", {}, numbers), el("p", {}, off)), show };
  };

  // L.placeView(frame, {model, payload}, {width, tallest, follow, bare}) -> {node, show({alpha, beta, ...}, moving)}
  L.placeView = (frame, subject, { follow = () => L.setPlace(frame), ...size }) => {
    const { model } = subject;
    if (model.points) return pointsView(frame, model, size, follow);
    return model.pictures ? picturesView(frame, subject, size, follow) : { node: el("div", {}), show: () => {} };
  };
  const pointsView = (frame, model, { width, tallest, bare }, follow) => {
    const { points } = model, surface = B.surface(frame, points, { width, tallest, bare, focus: bare ? undefined : "place", name: "The network's answer everywhere" }), words = head(frame, model, follow);
    const weights = new Float64Array(points.theta.length);
    let timer = 0, painted = 0, last = "";
    const draw = (now, moving) => {
      L.weightsAt(points, now.alpha, now.beta, weights);
      const { loss, accuracy, count } = L.judge(points, weights), told = `loss ${L.short(loss)}, right on ${Glasshouse.percent(accuracy)} of ${L.plural(count, "training point")}`;
      surface.paint(weights, 0, moving);
      words.show(now, told);
      painted = performance.now();
      if (!moving) surface.say(`${nameOf(model, now)}, ${where(now)}: ${told}.`);
    };
    const show = (now, moving) => {
      const key = `${now.alpha} ${now.beta} ${Boolean(moving)} ${Glasshouse.isDark()}`;
      clearTimeout(timer);
      if (moving) {
        timer = setTimeout(() => { if (surface.node.isConnected) draw(now, false); }, RESTS);
        if (!now.pointer && performance.now() - painted < APART) return;
      }
      if (key === last) words.show(now, words.node.querySelector(".gl-judged").textContent);
      else { last = key; draw(now, moving); }
    };
    return { node: el("div", { class: "gl-place" }, words.node, surface.node, bare ? null : B.scale(points, "probability")), show };
  };

  // ---- twelve pictures -------------------------------------------------------------------------------------------------
  const fixed = (value) => (Number(value.toFixed(3)) || 0).toFixed(3);
  const card = ({ images, labels, classes }, i) => {
    const verdict = el("span", { class: "gl-verdict" }), said = el("b", {}), bar = el("i", {}), sure = el("span", { class: "gl-sure" }), truth = classes[labels[i]];
    const node = el("figure", { class: "gl-card" }, el("img", { src: images[i], alt: truth, width: 64, height: 64 }), el("figcaption", {}, el("span", {}, verdict, said), el("span", { class: "gl-bar" }, bar), sure));
    const show = (kind, share) => {
      const right = kind === labels[i];
      node.classList.toggle("gl-wrong", !right);
      verdict.textContent = right ? "✓ " : "✗ ";
      verdict.setAttribute("aria-label", right ? "right:" : "wrong:");
      said.textContent = classes[kind];
      bar.style.width = `${100 * share}%`;
      sure.textContent = right ? Glasshouse.percent(share) : `${Glasshouse.percent(share)}, it is ${truth}`;
    };
    return { node, show };
  };
  const picturesView = (frame, subject, { width }, follow) => {
    const { model } = subject, cards = model.pictures.images.map((_, i) => card(model.pictures, i)), words = head(frame, model, follow), status = el("p", { class: "gh-failure", role: "alert" });
    const grid = el("div", { class: "gl-cards gl-dim" }, cards.map(({ node }) => node)), node = el("div", { class: "gl-place", style: `max-width:${width}px` }, words.node, grid, status);
    let timer = 0, ticket = null, shown = "";
    const take = (now, { loss, accuracy, said, sure }) => {
      cards.forEach((each, i) => each.show(said[i], sure[i]));
      const right = said.filter((kind, i) => kind === model.pictures.labels[i]).length;
      words.show(now, `loss ${L.short(loss)}, right on ${Glasshouse.percent(accuracy)} of ${model.plan.on}; ${right} of these ${said.length}`);
      grid.classList.remove("gl-dim");
      status.textContent = "";
    };
    const ask = async (now, key) => {
      const mine = ticket = {}, [a, b] = key.split(" ");
      try {
        const answer = await frame.compute("look", Glasshouse.detailsFor(frame, subject, { a, b }));
        if (mine === ticket) { shown = key; take(now, answer); }
      } catch (error) {
        if (mine === ticket) { status.textContent = error.message; shown = ""; }
      }
    };
    const show = (now, moving) => {
      const key = `${fixed(now.alpha)} ${fixed(now.beta)}`;
      clearTimeout(timer);
      if (key === shown) { ticket = null; words.show(now, words.node.querySelector(".gl-judged").textContent); grid.classList.remove("gl-dim"); return; }
      grid.classList.add("gl-dim");
      const here = L.lossOnGrid(model, now.alpha, now.beta);
      words.show(now, Number.isFinite(here) || model.finished ? `loss ${L.short(here)} in the map` : "not scanned yet");
      timer = setTimeout(() => { if (node.isConnected) ask(now, key); }, moving && !now.pointer ? 3 * ASKS : ASKS);
    };
    return { node, show };
  };
})();
