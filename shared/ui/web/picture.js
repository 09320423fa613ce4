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
document.addEventListener("input", (event) => { if (event.target.closest?.(".gh-inputs")) frame.stale(true); });
if (!globalThis.glasshouseStory) { globalThis.glasshouseStory = true; Glasshouse.followStory(); }
new MutationObserver(() => frame.draw()).observe(document.body, { attributes: true, attributeFilter: ["class"] });
