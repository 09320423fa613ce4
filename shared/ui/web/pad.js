// A pad for one digit: white pen on black, as in MNIST. Its event "drawn" carries the drawing as a PNG data URL.
const SIDE = 196, PEN = 17;
const pad = document.createElement("canvas"), context = pad.getContext("2d");
pad.width = pad.height = SIDE;
pad.style.cssText = "display:block;width:100%;max-width:220px;aspect-ratio:1;border-radius:4px;cursor:crosshair;touch-action:none";
pad.setAttribute("role", "img");
pad.setAttribute("aria-label", "Pad: draw a digit with the mouse, a pen or a finger");
const wipe = () => { context.fillStyle = "#000"; context.fillRect(0, 0, SIDE, SIDE); };
wipe();
Object.assign(context, { strokeStyle: "#fff", lineWidth: PEN, lineCap: "round", lineJoin: "round" });
let last = null;
const place = (event) => {
  const box = pad.getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
};
const draw = (event) => {
  const next = place(event);
  context.beginPath();
  context.moveTo(...last);
  context.lineTo(...next);
  context.stroke();
  last = next;
};
pad.onpointerdown = (event) => { event.preventDefault(); pad.setPointerCapture(event.pointerId); last = place(event); draw(event); };
pad.onpointermove = (event) => { if (last) for (const each of event.getCoalescedEvents?.() ?? [event]) draw(each); };
pad.onpointerup = pad.onpointercancel = () => { last = null; };
const button = (label, action) => {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "gh-preset";
  made.textContent = label;
  made.onclick = action;
  return made;
};
const row = document.createElement("div");
row.style.cssText = "display:flex;gap:6px;margin-top:8px";
row.append(button("Use this digit", () => trigger("drawn", { picture: pad.toDataURL("image/png") })), button("Clear", wipe));
element.querySelector(".gh-pad").replaceChildren(pad, row);
