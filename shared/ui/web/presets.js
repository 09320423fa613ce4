// Buttons made from data; titles enter as text.
const strip = element.querySelector(".gh-presets");
const lead = document.createElement("span");
lead.className = "gh-presets-lead";
lead.textContent = "Try this";
const buttons = JSON.parse(props.value).map(({ title, kind }, index) => {
  const button = document.createElement("button");
  button.type = "button";
  button.className = `gh-preset ${kind}`;
  button.textContent = title;
  if (kind) button.title = kind === "strength" ? "shows a strength" : "shows a weakness";
  button.onclick = () => {
    buttons.forEach((each) => each.setAttribute("aria-pressed", String(each === button)));
    glasshouseQueue.pick((data) => trigger("pick", data), index);
  };
  button.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = buttons[(index + step + buttons.length) % buttons.length];
    next.focus();
    next.click();
  };
  return button;
});
strip.replaceChildren(lead, ...buttons);
// Typing leaves the preset.
document.addEventListener("input", (event) => {
  if (event.target.closest?.(".gh-inputs")) buttons.forEach((each) => each.setAttribute("aria-pressed", "false"));
});
