"use strict";
// Compute: channels times weights makes Grad-CAM; the idea, the equation and the weakness of every method.
(() => {
  const S = Glasshouse.saliency, { el } = Glasshouse;

  S.drawHow = (panel, frame) => {
    const { model } = frame, { target, layer } = S.view(frame), body = el("div", { class: "gs-how" });
    if (model.layers.length) {
      panel.append(el("div", { class: "gs-bar" }, el("h3", {}, "Grad-CAM for ", S.targetName(model, target, false)), S.layerControl(frame)), body);
      const load = async () => {
        const answer = await frame.compute("channels", { target, layer });
        const [sum, ...maps] = await Promise.all([answer.sum, ...answer.channels.map((channel) => channel.map)].map(S.unpack));
        return { ...answer, sum, channels: answer.channels.map((channel, i) => ({ ...channel, map: maps[i] })) };
      };
      frame.later(body, load(), (answer) => S.paintHow(body, frame, answer));
    } else {
      panel.append(el("p", { class: "gh-note" }, "This network has no layer in which things have a place, so nothing of the CAM family can be computed; the gradient methods read its input."));
    }
    panel.append(S.catalogue(frame));
  };

  // Left the photo with what is being added up, right the summands.
  S.paintHow = (root, frame, answer) => {
    const { model } = frame, look = { ...S.view(frame).look, sign: "positive" }, phone = root.clientWidth < 620;
    const most = Math.max(...answer.channels.map((channel) => channel.map.peak)), heaviest = Math.max(...answer.channels.map((channel) => Math.abs(channel.weight)), 1e-12);
    const canvas = el("canvas", { role: "img" }), caption = el("figcaption", {}), total = "Σ weight × channel, then relu";
    const show = (map, scale, text) => {
      canvas.setAttribute("aria-label", text);
      S.paint(canvas, model, map, look, scale, { width: phone ? root.clientWidth : 320, tallest: 320 });
      S.hover(canvas, model, map, scale, text);
      caption.textContent = text;
    };
    const sum = () => show(answer.sum, S.top(answer.sum), total);
    const tiles = answer.channels.map((channel) => {
      const tile = el("canvas", { class: "gs-pixels", role: "img", "aria-label": `activation of channel ${channel.index}` });
      S.paintTile(tile, channel.map, most);
      const part = 50 * Math.abs(channel.weight) / heaviest;
      const open = () => show(channel.map, most, `channel ${channel.index}: weight ${S.number(channel.weight)}, activation up to ${S.number(channel.map.peak)}`);
      return el("button", { type: "button", class: "gs-channel", onpointerenter: open, onfocus: open, onclick: open, onpointerleave: sum, onblur: sum },
        tile, el("span", { class: "gs-weight" }, el("span", { style: `left:${channel.weight < 0 ? 50 - part : 50}%;width:${part}%` })),
        el("span", {}, `${channel.weight < 0 ? "−" : "+"} ${S.number(Math.abs(channel.weight))}`), el("small", {}, `channel ${channel.index}`));
    });
    const rest = answer.count - answer.channels.length;
    root.append(el("figure", {}, canvas, caption), el("div", {},
      el("p", { class: "gs-equation" }, "heat = relu( Σₖ wₖ Aₖ ),   wₖ = mean over places of ∂score / ∂Aₖ"),
      el("p", { class: "gh-small" }, `${model.layers[S.view(frame).layer].name} has ${answer.count} channels. The ${answer.channels.length} strongest are shown; point at one to lay it over the photo. All are drawn on one scale, the bar is the weight.`),
      el("div", { class: "gs-channels" }, tiles),
      el("p", { class: "gh-small" }, rest > 0 ? `… and ${rest} further channels, which have ${Glasshouse.percent(answer.rest_weight)} of the influence (weight × mean of the channel). ` : "", `The score being explained (before softmax): ${S.number(answer.score)}. `,
        answer.sum.blank || "")));
    sum();
    const first = answer.channels.reduce((best, channel) => (Math.abs(channel.weight) > Math.abs(best.weight) ? channel : best), answer.channels[0]);
    if (first) S.tellTab(frame, "how", `${answer.count} channels add up to the heat; channel ${first.index} has the largest weight shown here, ${S.number(first.weight)}, for a score of ${S.number(answer.score)}.`);
  };

  // A channel as it is: one square for each place.
  S.paintTile = (canvas, map, most) => {
    const table = Glasshouse.magnitude();
    canvas.width = map.columns;
    canvas.height = map.rows;
    const context = canvas.getContext("2d"), pixels = context.createImageData(map.columns, map.rows), out = new Uint32Array(pixels.data.buffer);
    for (let i = 0; i < out.length; i++) out[i] = table[Math.max(0, Math.min(255, Math.round(255 * map.values[i] / 127 * (most ? map.peak / most : 0))))];
    context.putImageData(pixels, 0, 0);
  };

  S.catalogue = (frame) => {
    const { model } = frame, { methods } = S.view(frame), families = [...new Set(model.methods.map((method) => method.family))];
    return el("div", { class: "gs-catalogue" }, families.map((family) => el("section", {}, el("h3", {}, family),
      model.methods.filter((method) => method.family === family).map((method) => el("details", { class: method.available ? "" : "gs-unavailable" },
        el("summary", {}, el("b", {}, method.name), el("span", {}, method.idea)),
        el("p", { class: "gs-equation" }, method.equation),
        el("p", { class: "gh-small" }, el("b", {}, "Fails: "), method.fails),
        el("p", { class: "gh-small" }, [method.slow && "Slow: many passes through the network.", !method.class_specific && "The same for every class.", !method.layered && "Reads the input, not a layer.", !method.signed && "Strength without a sign."].filter(Boolean).join(" ")),
        method.available ? S.methodButton(frame, method, methods, methods.includes(method.name) ? "Remove from the grid" : "Add to the grid")
          : el("p", { class: "gs-nothing" }, method.why))))));
  };
})();
