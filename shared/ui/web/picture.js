// The viewer inside the page: questions go to the server functions, new results come as the block's value.
const question = (kind, request) => JSON.stringify({ kind, request });
const frame = Glasshouse.mount(element.querySelector(".gh-mount"), VIEWER, null, {
  remember: true,
  compute: async (kind, request) => JSON.parse(await server.ask(question(kind, request))),
  export: async (kind, request) => JSON.parse(await server.save(question(kind, request))),
  edit: (inputs) => trigger("edit", { inputs }),
});
const receive = () => { if (props.value) frame.update(JSON.parse(props.value)); };
watch("value", receive);
receive();
// Dimmed from the first changed letter until its answer is there; typing back to what is shown needs no answer.
const differs = ([name, value]) => { const field = document.querySelector(`#${name} textarea`); return field && field.value !== value; };
document.addEventListener("input", (event) => {
  if (event.target.closest?.(".gh-inputs") && frame.payload) frame.stale(Object.entries(frame.payload.inputs).some(differs));
});
if (!globalThis.glasshouseStory) { globalThis.glasshouseStory = true; Glasshouse.followStory(); }
new MutationObserver(() => frame.draw()).observe(document.body, { attributes: true, attributeFilter: ["class"] });
