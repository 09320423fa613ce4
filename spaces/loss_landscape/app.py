"""The Loss Landscape Space: why does training get stuck?"""

from collections.abc import Sequence

import gradio as gr
from loss_landscape_presets import DEFAULTS, LEAD, PRESETS, QUESTION, STORY

from shared import ui

compute = ui.lazy("loss_landscape_compute")  # brings torch, so it waits until a picture is asked for
doubt = ui.lazy("loss_landscape_doubt")
export = ui.lazy("loss_landscape_exports")

MODELS = [
    ("MLP on two moons", "mlp-moons"), ("MLP on ring and disc", "mlp-circles"), ("MLP on XOR", "mlp-xor"),
    ("MLP on two spirals", "mlp-spirals"), ("MLP on three heaps", "mlp-blobs"),
    ("MLP on core and two rings", "mlp-quantiles"), ("MLP on Iris flowers", "mlp-iris"),
    ("LeNet on MNIST", "lenet-mnist"), ("ResNet-20 on CIFAR-10", "resnet20-cifar10"),
    ("56 layers with shortcuts", "resnet56-narrow-cifar10"), ("56 layers, plain", "plain56-narrow-cifar10"),
    ("56 layers, plain, no batch norm", "plain56-narrow-cifar10-no-norm"),
]  # fmt: skip
PLANES = [
    ("Random, filters normalized", "filter_normalized"), ("Random, orthonormal", "random"),
    ("Along the trajectory", "trajectory"), ("Through three weights", "three_points"),
    ("Line between two minima", "line"), ("Largest and smallest curvature", "curvature"),
]  # fmt: skip
OPTIMIZERS = ["SGD", "Momentum", "Nesterov", "RMSProp", "Adam", "AdamW"]
RATES = ["0.001", "0.003", "0.01", "0.03", "0.1", "0.3", "0.5", "1", "3"]
LAYERS = ["2", "4", "8", "16", "8,8", "16,16", "8,8,8"]
INITIALIZATIONS = ["default", "small", "large", "zeros", "dead ReLU"]
RIVALS = ["", "SGD", "SGD,Momentum", "SGD,Momentum,RMSProp", "Momentum,Adam:0.01"]
OTHERS = [("another seed", "seed"), ("another batch size", "batch"), ("the untrained network", "untrained")]
ANSWERS = ("scan", "look", "sharpness", "redraw", "flow", "plotly")
EXPORT = ("png", "svg", "pdf", "gif", "npz", "csv", "code", "notebook", "page")


@ui.shown_as_error
def show_loss_landscape(
    model: str = "mlp-moons", plane: str = "filter_normalized", resolution: int = 41, span: float = 1.0, seed: int = 0
) -> tuple[str, str]:
    """The loss of a trained network over a plane through its weights: contours, and in the file every number."""
    return export().show({"model": model, "plane": plane, "resolution": resolution, "span": span, "seed": seed})


def choice(label: str, name: str, values: Sequence[str | tuple[str, str]]) -> gr.Dropdown:
    """A drop-down that takes other values too."""
    return gr.Dropdown(values, value=DEFAULTS[name], label=label, allow_custom_value=True, elem_id=name)


def field(label: str, name: str) -> gr.Textbox:
    """A field for a number."""
    return gr.Textbox(DEFAULTS[name], label=label, elem_id=name)


with gr.Blocks(title=f"{QUESTION} · Glasshouse", delete_cache=(3600, 3600)) as demo:
    ui.header(QUESTION, LEAD)
    strip = ui.presets(PRESETS)
    with gr.Row(elem_classes="gh-main"):
        with gr.Column(elem_classes="gh-inputs"):
            model = choice("Network", "model", MODELS)
            plane = choice("Plane", "plane", PLANES)
            optimizer = choice("Optimizer of an MLP", "optimizer", OPTIMIZERS)
            learning_rate = choice("Learning rate", "learning_rate", RATES)
            rivals = choice("Other optimizers on the same plane", "rivals", RIVALS)
            with gr.Accordion("More: picture", open=False):
                resolution, span = field("Grid lines each way (5 to 101)", "resolution"), field("Span", "span")
                seed = field("Seed of the random directions", "seed")
                other = choice("Other end of a line, other two weights", "other", OTHERS)
                images = field("Test pictures (12 to 256)", "images")
            with gr.Accordion("More: MLP", open=False):
                hidden_layers = choice("Hidden layers", "hidden_layers", LAYERS)
                activation = gr.Radio(
                    ["tanh", "ReLU", "sigmoid", "GELU"], value="tanh", label="Activation", elem_id="activation"
                )
                initialization = choice("First weights", "initialization", INITIALIZATIONS)
                epochs, batch_size = field("Epochs (1 to 2,000)", "epochs"), field("Batch size (0: all)", "batch_size")
                rescale = field("First layer times, second divided by (ReLU)", "rescale")
            with gr.Accordion("More: points", open=False):
                size, noise = field("How many", "size"), field("Noise (0 to 2)", "noise")
                training_seed = field("Seed of points, weights and batches", "training_seed")
        with gr.Column():
            picture = ui.picture(
                "landscape", DEFAULTS,
                compute={kind: lambda request, kind=kind: doubt().ANSWERS[kind](request) for kind in ANSWERS},
                export={kind: lambda request, kind=kind: export().EXPORT[kind](request) for kind in EXPORT},
            )  # fmt: skip
    ui.story(STORY)
    page = ui.Page(
        DEFAULTS, PRESETS, lambda inputs: compute().payload(inputs), waiting=lambda inputs: compute().waiting(inputs)
    )
    inputs = [
        model, plane, resolution, span, seed, hidden_layers, activation, optimizer, learning_rate, epochs, batch_size,
        initialization, noise, size, training_seed, rivals, other, rescale, images,
    ]  # fmt: skip
    ui.wire(demo, page, inputs, picture, strip, "loss_landscape")

    asked = [gr.Textbox(text, visible=False) for text in ("mlp-moons", "filter_normalized")]
    lines, wide = gr.Number(41, visible=False, precision=0), gr.Number(1.0, visible=False)
    drawn = gr.Number(0, visible=False, precision=0)
    contours, arrays = gr.Image(visible=False, format="png"), gr.File(visible=False)
    gr.Button(visible=False).click(
        show_loss_landscape,
        [*asked, lines, wide, drawn],
        [contours, arrays],
        api_name="show",
        concurrency_id="loss_landscape",
    )

if __name__ == "__main__":
    ui.launch(demo, __file__, warm=lambda: compute().warm())
