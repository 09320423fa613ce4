// The viewer inside the page: questions go to the server functions, new results come as the block's value.
const question = (kind, request) => JSON.stringify({ kind, request });
const frame = Glasshouse.mount(element.querySelector(".gh-mount"), VIEWER, null, {
  remember: true,
  compute: async (kind, request) => JSON.parse(await server.ask(question(kind, request))),
  export: async (kind, request) => JSON.parse(await server.save(question(kind, request))),
  edit: (inputs) => glasshouseQueue.edit((data) => trigger("edit", data), inputs),
});
const receive = () => {
  if (!props.value) return;
  const payload = JSON.parse(props.value);
  frame.update(payload);
  glasshouseQueue.answered(payload.number);
};
watch("value", receive);
receive();
// Dimmed from the first changed letter until its answer is there; typing back to what is shown needs no answer.
const typed = (name) => document.querySelector(`#${name} textarea`)?.value;
const differing = () => Object.entries(frame.payload.inputs).filter(([name, value]) => (typed(name) ?? value) !== value).map(([name]) => name);
const UNANSWERED = 7000; // ms: longer than the server takes a form for one that is on its way to a preset (SETTLING)
let asking = 0;
document.addEventListener("input", (event) => {
  if (!event.target.closest?.(".gh-inputs") || !frame.payload) return;
  frame.stale(differing().length > 0);
  clearTimeout(asking);
  const { serial } = frame.payload;
  asking = setTimeout(() => {
    if (frame.payload.serial === serial && differing().length) frame.host.edit(Object.fromEntries(differing().map((name) => [name, typed(name)])));
  }, UNANSWERED);
});
if (!globalThis.glasshouseStory) { globalThis.glasshouseStory = true; Glasshouse.followStory(); }
new MutationObserver(() => frame.draw()).observe(document.body, { attributes: true, attributeFilter: ["class"] });
