"""The Attention Space: which words look at which?"""

import gradio as gr
from attention_presets import DEFAULTS, LEAD, PRESETS, QUESTION, STORY

from shared import ui

compute = ui.lazy("attention_compute")  # brings torch and transformers, so it waits until a picture is asked for
export = ui.lazy("attention_exports")

MODELS = [
    ("bert-reviews (4 × 4 heads)", "bert-reviews"),
    ("bert-reviews-pretrained (before)", "bert-reviews-pretrained"),
    ("induction-2l (a known circuit)", "induction-2l"),
    ("all-MiniLM-L6-v2 (6 × 12)", "sentence-transformers/all-MiniLM-L6-v2"),
    ("bert-base-uncased (12 × 12)", "google-bert/bert-base-uncased"),
    ("distilbert-base-uncased (6 × 12)", "distilbert/distilbert-base-uncased"),
    ("gpt2 (12 × 12, left to right)", "openai-community/gpt2"),
    ("SmolLM2-135M (30 × 9, rotary)", "HuggingFaceTB/SmolLM2-135M"),
]
COMPUTE = ("head", "query_key", "switch_off", "occlude", "predict", "flow", "bertviz")
EXPORT = ("png", "svg", "pdf", "npz", "csv", "code", "notebook", "page")


@ui.shown_as_error
def show_attention(
    text: str, text_pair: str = "", model: str = "bert-reviews", layer: str = "auto", head: str = "auto"
) -> tuple[str, str]:
    """All attention of ``text`` in ``model``; layer and head count from 0, "auto" is the clearest named pattern."""
    return export().show({"text": text, "pair": text_pair, "model": model}, layer, head)


with gr.Blocks(title=f"{QUESTION} · Glasshouse", delete_cache=(3600, 3600)) as demo:
    ui.header(QUESTION, LEAD)
    strip = ui.presets(PRESETS)
    with gr.Row(elem_classes="gh-main"):
        with gr.Column(elem_classes="gh-inputs"):
            text = gr.Textbox(label="Text", lines=3, max_lines=8, placeholder="Type a sentence", elem_id="text")
            model = gr.Dropdown(
                MODELS, value="bert-reviews", label="Network", allow_custom_value=True, elem_id="model",
                info="or any text model of the Hub: owner/name",
            )  # fmt: skip
            with gr.Accordion("More", open=False):
                pair = gr.Textbox(
                    label="Second sentence",
                    value="",
                    lines=2,
                    elem_id="pair",
                    placeholder="for networks that read pairs",
                )
        with gr.Column():
            picture = ui.picture(
                "attention", DEFAULTS,
                compute={kind: lambda request, kind=kind: compute().COMPUTE[kind](request) for kind in COMPUTE},
                export={kind: lambda request, kind=kind: export().EXPORT[kind](request) for kind in EXPORT},
            )  # fmt: skip
    ui.story(STORY)
    page = ui.Page(
        DEFAULTS, PRESETS, lambda inputs: compute().payload(inputs), waiting=lambda inputs: compute().waiting(inputs)
    )
    ui.wire(demo, page, [text, pair, model], picture, strip, "attention")

    layer, head = gr.Textbox("auto", visible=False), gr.Textbox("auto", visible=False)
    image, arrays = gr.Image(visible=False, format="png"), gr.File(visible=False)
    gr.Button(visible=False).click(
        show_attention, [text, pair, model, layer, head], [image, arrays], api_name="show", concurrency_id="attention"
    )

if __name__ == "__main__":
    ui.launch(demo, __file__, warm=lambda: compute().warm())
