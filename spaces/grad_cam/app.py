"""The Grad-CAM Space: what in the picture argued for that answer?"""

import gradio as gr
from grad_cam_examples import example
from grad_cam_presets import DEFAULTS, LEAD, METHODS, PRESETS, QUESTION, STORY

from shared import ui

compute = ui.lazy("grad_cam_compute")  # brings torch, so it waits until a picture is asked for
export = ui.lazy("grad_cam_exports")
endpoint = ui.lazy("grad_cam_endpoint")

MODELS = [
    ("MobileNetV2 (1,000 classes)", "mobilenet-v2"),
    ("resnet20-cifar10 (10 classes)", "resnet20-cifar10"),
    ("alexnet-cifar10 (10 classes)", "alexnet-cifar10"),
    ("mlp-cifar10 (no sense of space)", "mlp-cifar10"),
    ("lenet-mnist (digits)", "lenet-mnist"),
    ("lenet-mnist-shortcut (a dot)", "lenet-mnist-shortcut"),
    ("mlp-mnist (no sense of space)", "mlp-mnist"),
    ("cnn-fashion-mnist (garments)", "cnn-fashion-mnist"),
    ("ResNet-50", "microsoft/resnet-50"),
    ("ConvNeXt tiny", "facebook/convnext-tiny-224"),
    ("ViT base (transformer)", "google/vit-base-patch16-224"),
    ("DeiT tiny (transformer)", "facebook/deit-tiny-patch16-224"),
    ("Swin tiny (transformer)", "microsoft/swin-tiny-patch4-window7-224"),
]
COMPUTE = ("maps", "map", "filmstrip", "channels", "faith", "randomize", "patch", "known", "sheet")
EXPORT = ("png", "svg", "pdf", "gif", "strip", "npz", "csv", "code", "notebook", "page")


@ui.shown_as_error
def show_grad_cam(
    image: dict[str, str], model: str = "mobilenet-v2", methods: list[str] | None = None,
    target: str = "predicted", layer: str = "last",
) -> tuple[str, str]:  # fmt: skip
    """Heat over ``image`` where it argued for ``target`` in ``model``; layers count from 0, all methods in one file."""
    return endpoint().show(image, model, methods or ["Grad-CAM"], target, layer)


with gr.Blocks(title=f"{QUESTION} · Glasshouse", delete_cache=(3600, 3600)) as demo:
    ui.header(QUESTION, LEAD)
    strip = ui.presets(PRESETS)
    with gr.Row(elem_classes="gh-main"):
        with gr.Column(elem_classes="gh-inputs"):
            image, _ = ui.photo_input("Photo", example, DEFAULTS["image"])
            model = gr.Dropdown(
                MODELS, value="mobilenet-v2", label="Network", allow_custom_value=True, elem_id="model",
                info="or any image classifier of the Hub: owner/name",
            )  # fmt: skip
            ui.sketch_input(image)
            with gr.Accordion("Contact sheet", open=False):
                sheet, _ = ui.sheet_input()
        with gr.Column():
            picture = ui.picture(
                "saliency", DEFAULTS,
                compute={kind: lambda request, kind=kind: compute().COMPUTE[kind](request) for kind in COMPUTE},
                export={kind: lambda request, kind=kind: export().EXPORT[kind](request) for kind in EXPORT},
            )  # fmt: skip
    ui.story(STORY)
    page = ui.Page(
        DEFAULTS, PRESETS, lambda inputs: compute().payload(inputs), waiting=lambda inputs: compute().waiting(inputs)
    )
    ui.wire(demo, page, [image, model, sheet], picture, strip, "grad_cam")

    photo = gr.Image(visible=False, type="filepath")
    methods = gr.Dropdown(list(METHODS), value=["Grad-CAM"], multiselect=True, visible=False)
    target, layer = gr.Textbox("predicted", visible=False), gr.Textbox("last", visible=False)
    overlay, arrays = gr.Image(visible=False, format="jpeg"), gr.File(visible=False)
    gr.Button(visible=False).click(
        show_grad_cam,
        [photo, model, methods, target, layer],
        [overlay, arrays],
        api_name="show",
        concurrency_id="grad_cam",
        preprocess=False,  # gradio would open the photo before anyone has looked at its size
    )

if __name__ == "__main__":
    ui.launch(demo, __file__, warm=lambda: compute().warm())
