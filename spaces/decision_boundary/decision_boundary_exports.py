"""What leaves the Decision Boundary Space: picture, film, numbers, code, script, notebook, a page of its own."""

import csv
import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import decision_boundary_compute as compute
import numpy as np
from decision_boundary_plan import Plan, all_points, plan_of, whole_film
from decision_boundary_presets import DEFAULTS, QUESTION
from decision_boundary_script import script_of

from shared.arrays import evenly
from shared.explain.fields import fields, window_of
from shared.render.boundary_figures import boundary_figure
from shared.render.boundary_picture import boundary_gif
from shared.render.notebook import SHOW_PICTURE, notebook
from shared.render.packing import npz
from shared.render.page import document
from shared.render.style import save
from shared.results import Training
from shared.ui import File, Request, Snippet, figure_file, finished_answers, temporary_file

FIGURE, FILM, ARRAYS = 320, 400, 100  # resolution of the field: on paper, in the film, in the file
FRAMES = 60  # of the film and the file


def title_of(plan: Plan) -> str:
    """A training in words."""
    recipe = plan.recipe
    layers = f" ({', '.join(map(str, plan.shape.sizes[1:-1]))})" if recipe.learner == "MLP" else ""
    return f"{recipe.learner}{layers} on {plan.points.title}: {recipe.epochs} epochs, seed {recipe.seed}"


def moment(run: Training, asked: Any) -> int:
    """The kept frame of the epoch that is on the page, or the last one."""
    last = int(run.epochs[-1])
    epoch = min(max(asked, 0), last) if isinstance(asked, int) else last
    return int(np.abs(run.epochs - epoch).argmin())


def figure_bytes(request: Request, kind: str) -> bytes:
    """The present moment with its curves."""
    plan = plan_of(request.inputs)
    run, (points, _) = whole_film(plan).result(), all_points(plan)
    frame, window = moment(run, request.state.get("epoch")), window_of(plan.points)
    field = next(fields(plan.shape, run.weights[frame : frame + 1], window, FIGURE))
    epoch = int(run.epochs[frame])
    source = f"Glasshouse: {QUESTION} Epoch {epoch} of {plan.recipe.epochs}; seed {plan.recipe.seed}"
    drawn = boundary_figure(field, points, window, run, epoch, title_of(plan), request.finding, source)
    return save(drawn, kind)  # type: ignore[arg-type]


def film_bytes(plan: Plan) -> bytes:
    """The boundary over the epochs, as a GIF."""
    run, (points, _) = whole_film(plan).result(), all_points(plan)
    shown, window = evenly(len(run.epochs), FRAMES), window_of(plan.points)
    names = [caption(run, int(epoch)) for epoch in run.epochs[shown]]
    return boundary_gif(fields(plan.shape, run.weights[shown], window, FILM), names, points, window)


def caption(run: Training, epoch: int) -> str:
    """An epoch with its accuracies."""
    training, validation = run.accuracy[epoch]
    parts = [
        f"epoch {epoch}",
        f"training {training:.0%}" if np.isfinite(training) else "",
        f"validation {validation:.0%}" if np.isfinite(validation) else "",
    ]
    return " · ".join(filter(None, parts))


def arrays_of(plan: Plan) -> dict[str, np.ndarray]:
    """Frames (F, H, W) in [0, 1]: the probability of class 1, or the answer where there are more than two classes."""
    run, (points, since) = whole_film(plan).result(), all_points(plan)
    shown, window = evenly(len(run.epochs), FRAMES), window_of(plan.points)
    everything = fields(plan.shape, run.weights[shown], window, ARRAYS)
    two = len(points.classes) == 2
    return {
        "frames": np.stack([field[1] if two else field.argmax(0).astype(np.float32) for field in everything]),
        "epochs": run.epochs[shown],
        "window": np.array(window),
        "loss": run.loss[:, 0],
        "accuracy": run.accuracy[:, 0],
        "validation_loss": run.loss[:, 1],
        "validation_accuracy": run.accuracy[:, 1],
        "weights": run.weights[shown],
        "points": points.mean + points.scale * points.x,
        "labels": points.labels,
        "validation": points.validation,
        "since": since,
    }


def csv_file(request: Request) -> File:
    """Learning rate, losses and accuracies of every epoch."""
    plan = plan_of(request.inputs)
    run, rates = whole_film(plan).result(), ["", *compute.rates(plan.recipe)]
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(
        ["epoch", "learning_rate", "training_loss", "validation_loss", "training_accuracy", "validation_accuracy"]
    )
    for epoch, (loss, accuracy) in enumerate(zip(run.loss, run.accuracy, strict=True)):
        table.writerow([epoch, rates[epoch], *(f"{value:.6g}" for value in (*loss, *accuracy))])
    return File("decision-boundary.csv", "text/csv", text.getvalue().encode("utf-8"))


def code_text(plan: Plan) -> str:
    """At most 15 lines that train the same network and draw its film."""
    data, size, noise, share, seed, features, _ = plan.source
    defaults = plan.recipe.__class__()
    changed = {name: value for name, value in vars(plan.recipe).items() if value != getattr(defaults, name)}
    changed.pop("events", None)
    more = ", ".join(f"{name}={value!r}" for name, value in changed.items())
    extra = f", features={features!r}" if features else ""
    return f"""from shared.explain.fields import fields, window_of
from shared.explain.recipes import Recipe
from shared.explain.training import training
from shared.models.point_sets import load
from shared.render.boundary_picture import boundary_gif, boundary_png

points = load({data!r}, size={size}, noise={noise}, share={share}, seed={seed}{extra})
recipe = Recipe({more})
run = training(points, recipe)
print(run.loss[-1], run.accuracy[-1])  # training, validation
window, shape = window_of(points), recipe.shape(len(points.classes))
film = list(fields(shape, run.weights, window, 400))
picture = boundary_png(film[-1], points, window)  # bytes of a PNG
animation = boundary_gif(film, [f"epoch {{epoch}}" for epoch in run.epochs], points, window)
"""


def code_snippet(request: Request) -> Snippet:
    """The code, to copy; changes in mid-run and uploaded tables are in the script instead."""
    plan = plan_of(request.inputs)
    if plan.recipe.events or plan.source[0].startswith("table:"):
        return Snippet("Code", script_of(plan), "With what you changed on the way; it needs torch alone.")
    return Snippet("Code", code_text(plan), "Run it in a clone of the repository after make run.")


def script_snippet(request: Request) -> Snippet:
    """The plain PyTorch script."""
    words = "Plain PyTorch with the very points: it ends at the accuracy on the page."
    return Snippet("PyTorch script", script_of(plan_of(request.inputs)), words)


def notebook_file(request: Request) -> File:
    """Question, finding, code and picture as a Jupyter notebook."""
    plan, picture = plan_of(request.inputs), figure_bytes(request, "png")
    snippet = code_snippet(request).text
    code = snippet + SHOW_PICTURE if "boundary_png" in snippet else snippet
    text = notebook(title_of(plan), QUESTION, request.finding, code, picture)
    return File("decision-boundary.ipynb", "application/x-ipynb+json", text.encode("utf-8"))


def page_file(request: Request) -> File:
    """The present view as one HTML file that needs no server, with every finished answer that it had asked for."""
    payload = saved(request)
    if pin := request.details.get("pin"):
        payload["pinned"] = saved(Request({**request.inputs, **pin["inputs"]}, pin["state"]))
    text = document("boundary", payload, f"{QUESTION} · Glasshouse")
    return File("decision-boundary.html", "text/html", text.encode("utf-8"))


def saved(request: Request) -> dict[str, Any]:
    """A payload that holds the whole training and the finished answers to what was asked."""
    asking = replace(request, inputs={**DEFAULTS, **request.inputs})
    whole_film(plan_of(asking.inputs))
    answers = finished_answers(compute.ANSWERS, asking, without=("train",))
    payload = compute.payload(asking.inputs)
    return {**payload, "state": dict(asking.state), "computed": answers}


EXPORT = {
    "png": lambda request: figure_file("decision-boundary", "png", figure_bytes(request, "png")),
    "svg": lambda request: figure_file("decision-boundary", "svg", figure_bytes(request, "svg")),
    "pdf": lambda request: figure_file("decision-boundary", "pdf", figure_bytes(request, "pdf")),
    "gif": lambda request: File("decision_boundary.gif", "image/gif", film_bytes(plan_of(request.inputs))),
    "npz": lambda request: File("decision-boundary.npz", "application/zip", npz(**arrays_of(plan_of(request.inputs)))),
    "csv": csv_file,
    "code": code_snippet,
    "script": script_snippet,
    "notebook": notebook_file,
    "page": page_file,
}


def show(inputs: Mapping[str, Any]) -> tuple[str, str]:
    """The endpoint's answer: the path of the film as GIF, and of the .npz with frames, losses and points."""
    plan = plan_of({**DEFAULTS, **{name: text(value) for name, value in inputs.items()}})
    film = temporary_file("decision_boundary.gif", film_bytes(plan))
    return film, temporary_file("decision-boundary.npz", npz(**arrays_of(plan)))


def text(value: Any) -> str:
    """A value of the endpoint as a field would hold it."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).lower() if isinstance(value, bool) else str(value)
