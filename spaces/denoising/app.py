"""The Denoising Space: how does a picture come out of noise?"""

import gradio as gr
from denoising_examples import example
from denoising_presets import DEFAULTS, LEAD, PRESETS, QUESTION, STORY

from shared import ui

compute = ui.lazy("denoising_compute")  # brings torch, so it waits until a picture is asked for
experiments = ui.lazy("denoising_experiments")
export = ui.lazy("denoising_exports")

MODELS = [
    ("Garments (ddpm-fashion-mnist)", "ddpm-fashion-mnist"),
    ("Small color photos (google/ddpm-cifar10-32)", "google/ddpm-cifar10-32"),
]
LABELS = [
    ("one of each", "each"), ("any", "any"), "T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt",
    "Sneaker", "Bag", "Ankle boot",
]  # fmt: skip
SAMPLERS = ["DDIM", "DDPM", "DPM-Solver++"]
STEPS = ["4", "10", "20", "50", "100", "250", "1000"]
GUIDANCE = [("0, the class is ignored", "0"), ("1, the class is asked for", "1"), "2", "4", "8", "12"]
ANSWERS = ("run", "decided", "learning")
QUESTIONS = ("fork", "forks", "restore", "race", "morph", "classes", "invert")
EXPORT = ("png", "svg", "pdf", "gif", "npz", "csv", "code", "notebook", "page")


@ui.shown_as_error
def show_denoising(
    label: str = "Sneaker", seed: int = 0, steps: int = 50, sampler: str = "DDIM", eta: float = 0.0,
    guidance: float = 2.0, model: str = "ddpm-fashion-mnist", samples: int = 16,
) -> tuple[str, str]:  # fmt: skip
    """Draw ``samples`` pictures of ``label`` ("any", "each" or a class) out of noise; every frame is in the file."""
    return export().show(label, seed, steps, sampler, eta, guidance, model, samples)


with gr.Blocks(title=f"{QUESTION} · Glasshouse", delete_cache=(3600, 3600)) as demo:
    ui.header(QUESTION, LEAD)
    strip = ui.presets(PRESETS)
    with gr.Row(elem_classes="gh-main"):
        with gr.Column(elem_classes="gh-inputs"):
            label = gr.Dropdown(LABELS, value="each", label="Draw", allow_custom_value=True, elem_id="label")
            seed = gr.Textbox("0", label="Seed of the noise", elem_id="seed")
            sampler = gr.Radio(SAMPLERS, value="DDIM", label="Sampler", elem_id="sampler")
            steps = gr.Dropdown(
                STEPS, value="50", label="Steps", allow_custom_value=True, elem_id="steps",
                info="or any other number that divides 1,000",
            )  # fmt: skip
            guidance = gr.Dropdown(
                GUIDANCE, value="2", label="Guidance towards the class", allow_custom_value=True, elem_id="guidance"
            )
            with gr.Accordion("More", open=False):
                eta = gr.Textbox("0", label="Fresh noise in a DDIM step (eta, 0 to 1)", elem_id="eta")
                samples = gr.Textbox("10", label="Pictures (1 to 16)", elem_id="samples")
                model = gr.Dropdown(
                    MODELS, value="ddpm-fashion-mnist", label="Network", allow_custom_value=True, elem_id="model",
                    info="or an unconditional pixel diffusion model of the Hub: owner/name",
                )  # fmt: skip
            image, _ = ui.photo_input("Picture", example, DEFAULTS["image"], folded="A picture for the tab Forward")
        with gr.Column():
            picture = ui.picture(
                "denoising", DEFAULTS,
                compute={
                    **{kind: lambda request, kind=kind: compute().ANSWERS[kind](request) for kind in ANSWERS},
                    **{kind: lambda request, kind=kind: experiments().answer(kind, request) for kind in QUESTIONS},
                },
                export={kind: lambda request, kind=kind: export().EXPORT[kind](request) for kind in EXPORT},
            )  # fmt: skip
    ui.story(STORY)
    page = ui.Page(
        DEFAULTS, PRESETS, lambda inputs: compute().payload(inputs), waiting=lambda inputs: compute().waiting(inputs)
    )
    inputs = [label, seed, sampler, steps, guidance, eta, samples, model, image]
    ui.wire(demo, page, inputs, picture, strip, "denoising")

    numbers = [gr.Number(0, visible=False, precision=0), gr.Number(50, visible=False, precision=0)]
    strengths = [gr.Number(0.0, visible=False), gr.Number(2.0, visible=False)]
    count = gr.Number(16, visible=False, precision=0)
    grid, arrays = gr.Image(visible=False, format="png"), gr.File(visible=False)
    asked = gr.Textbox("Sneaker", visible=False)
    gr.Button(visible=False).click(
        show_denoising,
        [asked, numbers[0], numbers[1], sampler, *strengths, model, count],
        [grid, arrays],
        api_name="show",
        concurrency_id="denoising",
    )

if __name__ == "__main__":
    ui.launch(demo, __file__, warm=lambda: compute().warm())
