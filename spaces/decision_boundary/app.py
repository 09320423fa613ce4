"""The Decision Boundary Space: how does a network learn where to draw the line?"""

from collections.abc import Sequence

import gradio as gr
from decision_boundary_presets import DEFAULTS, LEAD, PRESETS, QUESTION, STORY

from shared import ui

compute = ui.lazy("decision_boundary_compute")  # brings torch, so it waits until a picture is asked for
export = ui.lazy("decision_boundary_exports")

DATA = [
    ("Two moons", "moons"), ("Ring and disc", "circles"), ("XOR", "xor"), ("Two spirals", "spirals"),
    ("Three heaps", "blobs"), ("Core and two rings", "quantiles"), ("Iris flowers", "iris"),
    ("MNIST: 0 or 1", "mnist"), ("Paint your own", "painted"), ("Your own table", "table"),
]  # fmt: skip
LEARNERS = ["MLP", "Logistic regression", "ADALINE", "Perceptron"]
LAYERS = ["1", "2", "3", "4", "8", "8,8", "16,16", "8,8,8", "6,6,6,6,6"]
RATES = ["0.001", "0.003", "0.01", "0.03", "0.1", "0.3", "1", "3", "8"]
OPTIMIZERS = ["SGD", "Momentum", "Nesterov", "RMSProp", "Adam", "AdamW"]
SCHEDULES = ["constant", "step", "cosine", "one-cycle", "warm-up"]
INITIALIZATIONS = ["default", "small", "large", "zeros", "dead ReLU"]
ANSWERS = ("train", "hidden", "tsne", "race")
EXPORT = ("png", "svg", "pdf", "gif", "npz", "csv", "code", "script", "notebook", "page")


@ui.shown_as_error
def show_decision_boundary(
    dataset: str = "moons", learner: str = "MLP", hidden_layers: str = "8,8", activation: str = "tanh",
    optimizer: str = "Adam", learning_rate: float = 0.03, epochs: int = 60, seed: int = 0,
) -> tuple[str, str]:  # fmt: skip
    """Train a small network on points of a plane; its film is a GIF, its frames and losses are in the file."""
    return export().show({
        "data": dataset, "learner": learner, "hidden_layers": hidden_layers, "activation": activation,
        "optimizer": optimizer, "learning_rate": learning_rate, "epochs": epochs, "seed": seed,
    })  # fmt: skip


def choice(label: str, name: str, values: Sequence[str | tuple[str, str]]) -> gr.Dropdown:
    """A drop-down that takes other values too."""
    return gr.Dropdown(values, value=DEFAULTS[name], label=label, allow_custom_value=True, elem_id=name)


def number(label: str, name: str) -> gr.Textbox:
    """A field for a number."""
    return gr.Textbox(DEFAULTS[name], label=label, elem_id=name)


with gr.Blocks(title=f"{QUESTION} · Glasshouse", delete_cache=(3600, 3600)) as demo:
    ui.header(QUESTION, LEAD)
    strip = ui.presets(PRESETS)
    with gr.Row(elem_classes="gh-main"):
        with gr.Column(elem_classes="gh-inputs"):
            data = choice("Points", "data", DATA)
            learner = choice("Learner", "learner", LEARNERS)
            hidden_layers = choice("Hidden layers of the MLP", "hidden_layers", LAYERS)
            activation = gr.Radio(
                ["tanh", "ReLU", "sigmoid", "GELU"], value="tanh", label="Activation", elem_id="activation"
            )
            learning_rate = choice("Learning rate", "learning_rate", RATES)
            with gr.Accordion("More: training", open=False):
                optimizer = choice("Optimizer", "optimizer", OPTIMIZERS)
                schedule = choice("Schedule of the learning rate", "schedule", SCHEDULES)
                epochs = number("Epochs (1 to 2,000)", "epochs")
                batch_size = number("Batch size (0: all at once)", "batch_size")
                initialization = choice("First weights", "initialization", INITIALIZATIONS)
            with gr.Accordion("More: restraint", open=False):
                batch_norm = gr.Radio(
                    [("off", "false"), ("on", "true")], value="false", label="Batch norm", elem_id="batch_norm"
                )
                dropout = number("Dropout (0 to 0.9)", "dropout")
                l1, l2 = number("L1", "l1"), number("L2 (weight decay)", "l2")
                label_smoothing = number("Label smoothing (0 to 0.9)", "label_smoothing")
            with gr.Accordion("More: points", open=False):
                size, noise = number("How many", "size"), number("Noise (0 to 2)", "noise")
                validation_share = number("Share held out for validation", "validation_share")
                seed = number("Seed of points, weights and batches", "seed")
                features = gr.Textbox("", label="Two columns, or PCA (Iris, own table)", elem_id="features")
            with gr.Accordion("Your own table", open=False):
                label = gr.Textbox("", label="Column of the classes", elem_id="label")
                table, _ = ui.table_input("CSV with a header line", data, "table")
            steer = gr.Textbox("", visible="hidden", elem_id="steer")
        with gr.Column():
            picture = ui.picture(
                "boundary", DEFAULTS,
                compute={kind: lambda request, kind=kind: compute().ANSWERS[kind](request) for kind in ANSWERS},
                export={kind: lambda request, kind=kind: export().EXPORT[kind](request) for kind in EXPORT},
            )  # fmt: skip
    ui.story(STORY)
    page = ui.Page(
        DEFAULTS, PRESETS, lambda inputs: compute().payload(inputs), waiting=lambda inputs: compute().waiting(inputs)
    )
    inputs = [
        data, learner, hidden_layers, activation, learning_rate, optimizer, schedule, epochs, batch_size, noise, size,
        validation_share, seed, batch_norm, dropout, l1, l2, label_smoothing, initialization, features, label, table,
        steer,
    ]  # fmt: skip
    ui.wire(demo, page, inputs, picture, strip, "decision_boundary")

    asked = [gr.Textbox(text, visible=False) for text in ("moons", "MLP", "8,8", "tanh", "Adam")]
    numbers = [gr.Number(0.03, visible=False), gr.Number(60, visible=False, precision=0)]
    chance = gr.Number(0, visible=False, precision=0)
    film, arrays = gr.Image(visible=False, format="gif"), gr.File(visible=False)
    gr.Button(visible=False).click(
        show_decision_boundary,
        [*asked, *numbers, chance],
        [film, arrays],
        api_name="show",
        concurrency_id="decision_boundary",
    )

if __name__ == "__main__":
    ui.launch(demo, __file__, warm=lambda: compute().warm())
