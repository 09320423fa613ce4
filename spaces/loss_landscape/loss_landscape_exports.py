"""What leaves the Loss Landscape Space: picture, film, numbers, code, notebook, a page of its own."""

import csv
import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from loss_landscape_compute import chunk, payload
from loss_landscape_doubt import ANSWERS
from loss_landscape_plan import THROUGH, Plan, called, others_of, plan_of, plane_of, subjects_of, whole_scan
from loss_landscape_presets import DEFAULTS, QUESTION

from shared.arrays import evenly
from shared.explain.planes import PLANES
from shared.explain.recipes import Recipe
from shared.render.landscape_figures import landscape_figure
from shared.render.landscape_picture import landscape_gif, landscape_png
from shared.render.notebook import SHOW_PICTURE, notebook
from shared.render.packing import npz
from shared.render.page import document
from shared.render.style import save
from shared.results import WeightPath
from shared.ui import File, Request, Snippet, figure_file, finished_answers, temporary_file

FRAMES = 60  # of the film
PLOTLY = "plotly-gl3d.min.js"
NOT_KEPT = ("scan", "plotly")  # a saved page holds these anyway


def title_of(plan: Plan) -> str:
    """A landscape in words."""
    return f"{subjects_of(plan)[0].title}: {PLANES[plan.plane]}, seed {plan.seed}"


def figure_bytes(request: Request, kind: str) -> bytes:
    """The landscape with the ways on it, and the losses over the epochs."""
    plan = plan_of(request.inputs)
    found, epoch = whole_scan(plan).result(), request.state.get("epoch")
    subject = subjects_of(plan)[0]
    source = f"Glasshouse: {QUESTION} Loss on {subject.on}; {plane_of(plan).unit} Seed {plan.seed}"
    epoch = epoch if isinstance(epoch, int) else None
    drawn = landscape_figure(found, epoch, title_of(plan), request.finding, source)
    return save(drawn, kind)  # type: ignore[arg-type]


def film_bytes(plan: Plan) -> bytes:
    """The ball rolling over the landscape, as a GIF."""
    found = whole_scan(plan).result()
    longest = max(range(len(found.paths)), key=lambda number: len(found.paths[number].epochs))
    moments = evenly(len(found.paths[longest].epochs), FRAMES)
    return landscape_gif(found, moments, [caption(found.paths[0], moment) for moment in moments])


def caption(path: WeightPath, moment: int) -> str:
    """A moment with its losses."""
    moment = min(moment, len(path.epochs) - 1)
    return f"{path.name} · epoch {path.epochs[moment]} · loss {path.loss[moment]:.3g}"


def arrays_of(plan: Plan) -> dict[str, np.ndarray]:
    """The landscape under the names of ``/show``: ``loss`` (R, R) at ``beta[i]``, ``alpha[j]``; paths as listed."""
    found = whole_scan(plan).result()
    first, *rest = found.paths
    plane = plane_of(plan)
    arrays = {
        "loss": found.loss,
        "alpha": found.alpha,
        "beta": found.beta,
        "path": first.coordinates,
        "path_epochs": first.epochs,
        "path_loss": first.loss,
        "path_plane_loss": first.plane_loss,
        "path_distance": first.distance,
        "path_arrows": first.arrows,
        "path_accuracy": first.accuracy,
        "path_explained": np.array(first.explained),
        "directions_cosine": np.array(found.cosine),
        "directions_lengths": np.array(found.lengths),
        "weights": plane.origin.numpy(),
        "directions": plane.directions.numpy(),
    }
    for number, other in enumerate(rest, start=1):
        arrays |= {f"path_{number}": other.coordinates, f"path_{number}_loss": other.loss}
    return arrays


def csv_file(request: Request) -> File:
    """The ways, epoch by epoch."""
    found = whole_scan(plan_of(request.inputs)).result()
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["optimizer", "epoch", "alpha", "beta", "loss", "plane_loss", "distance", "accuracy"])
    for path in found.paths:
        rows = zip(path.epochs, path.coordinates, path.loss, path.plane_loss, path.distance, path.accuracy, strict=True)
        for epoch, place, *values in rows:
            table.writerow([path.name, epoch, *(f"{value:.6g}" for value in (*place, *values))])
    return File("loss-landscape.csv", "text/csv", text.getvalue().encode("utf-8"))


def recipe_text(recipe: Recipe) -> str:
    """A recipe as Python, with what differs from the defaults."""
    changed = {name: value for name, value in vars(recipe).items() if value != getattr(Recipe(), name)}
    return f"Recipe({', '.join(f'{name}={value!r}' for name, value in changed.items())})"


def code_text(plan: Plan) -> str:
    """At most 15 lines that compute the same landscape and draw it."""
    subject, others = subject_code(plan)
    more = f", others=[{', '.join(others)}]" if others else ""
    call = f"landscape(subject, {plan.plane!r}, {plan.resolution}, {plan.span!r}, seed={plan.seed}{more})"
    return f"""{subject}
found = {call}
path = found.paths[0]
print(path.loss[-1], path.explained, found.cosine)
picture = landscape_png(found)  # bytes of a PNG
animation = landscape_gif(found, range(len(path.epochs)), [f"epoch {{epoch}}" for epoch in path.epochs])
"""


def subject_code(plan: Plan) -> tuple[str, list[str]]:
    """Lines that make the subject, and expressions for those whose ways are shown too."""
    drawing = "from shared.render.landscape_picture import landscape_gif, landscape_png\n"
    if not plan.of_points:
        name, count = plan.source  # type: ignore[misc]
        imports = "from shared.explain.landscape import landscape, of_pictures\n"
        return f"{imports}{drawing}\nsubject = of_pictures({name!r}, {count})", []
    data, size, noise, seed = plan.source  # type: ignore[misc]
    named = [*(others_of(plan) if plan.plane in THROUGH else [])]
    named += [(rival, called(rival, plan)) for rival in plan.rivals]
    others = [f"of_points(points, {recipe_text(recipe)}, {plan.rescale!r}, {name!r})" for recipe, name in named]
    return (
        "from shared.explain.landscape import landscape, of_points\nfrom shared.explain.recipes import Recipe\n"
        f"from shared.models.point_sets import load\n{drawing}\n"
        f"points = load({data!r}, size={size}, noise={noise}, share=0.3, seed={seed})\n"
        f"subject = of_points(points, {recipe_text(plan.recipe)}, {plan.rescale!r})"
    ), others


def code_snippet(request: Request) -> Snippet:
    """The code, to copy."""
    return Snippet("Code", code_text(plan_of(request.inputs)), "Run it in a clone of the repository after make run.")


def notebook_file(request: Request) -> File:
    """Question, finding, code and picture as a Jupyter notebook."""
    plan = plan_of(request.inputs)
    code = code_text(plan) + SHOW_PICTURE
    text = notebook(title_of(plan), QUESTION, request.finding, code, figure_bytes(request, "png"))
    return File("loss-landscape.ipynb", "application/x-ipynb+json", text.encode("utf-8"))


def page_file(request: Request) -> File:
    """The present view as one HTML file that needs no server, with every finished answer that it had asked for."""
    body = saved(request)
    if pin := request.details.get("pin"):
        body["pinned"] = saved(Request({**request.inputs, **pin["inputs"]}, pin["state"]))
    text = document("landscape", body, f"{QUESTION} · Glasshouse", libraries=(PLOTLY,))
    return File("loss-landscape.html", "text/html", text.encode("utf-8"))


def saved(request: Request) -> dict[str, Any]:
    """A payload that holds the whole scan and the finished answers to what was asked."""
    asking = replace(request, inputs={**DEFAULTS, **request.inputs})
    scan = whole_scan(plan_of(asking.inputs))
    answers = finished_answers(ANSWERS, asking, without=NOT_KEPT)
    body = payload(asking.inputs)
    body["data"]["scan"] = chunk(scan, 0)
    return {**body, "state": dict(asking.state), "computed": answers}


EXPORT = {
    "png": lambda request: figure_file("loss-landscape", "png", figure_bytes(request, "png")),
    "svg": lambda request: figure_file("loss-landscape", "svg", figure_bytes(request, "svg")),
    "pdf": lambda request: figure_file("loss-landscape", "pdf", figure_bytes(request, "pdf")),
    "gif": lambda request: File("loss_landscape.gif", "image/gif", film_bytes(plan_of(request.inputs))),
    "npz": lambda request: File("loss-landscape.npz", "application/zip", npz(**arrays_of(plan_of(request.inputs)))),
    "csv": csv_file,
    "code": code_snippet,
    "notebook": notebook_file,
    "page": page_file,
}


def show(inputs: Mapping[str, Any]) -> tuple[str, str]:
    """The endpoint's answer: the path of the contour picture, and of the .npz with losses, path and directions."""
    plan = plan_of({**DEFAULTS, **{name: str(value) for name, value in inputs.items()}})
    found = whole_scan(plan).result()
    picture = temporary_file("loss-landscape.png", landscape_png(found))
    return picture, temporary_file("loss-landscape.npz", npz(**arrays_of(plan)))
