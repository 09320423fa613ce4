"""What leaves the Denoising Space: film, filmstrip, numbers, code, notebook, a page of its own."""

import csv
import io
import json
from typing import Any

import denoising_compute as compute
import denoising_experiments as experiments
import numpy as np
from denoising_plan import Plan, finished_film, plan_of
from denoising_presets import QUESTION

from shared.explain.denoising import trajectory
from shared.explain.emergence import judged
from shared.problems import Problem
from shared.render.denoising_figures import filmstrip
from shared.render.denoising_picture import film_gif, grid_png
from shared.render.notebook import SHOW_PICTURE, notebook
from shared.render.packing import npz
from shared.render.page import document
from shared.render.style import save
from shared.ui import File, Request, Snippet, figure_file, question_key, temporary_file

SAMPLES_IN_STRIP = 3
ANSWERS_KEPT = 40  # of what a saved page had computed
MOST_VALUES = 40_000_000  # of an endpoint's trajectory: steps x samples x pixels


def title_of(plan: Plan) -> str:
    """A run in words."""
    settings = plan.settings
    noise = f", eta {settings.eta:g}" if settings.sampler == "DDIM" and settings.eta else ""
    drawn = {"each": "One of each", "any": "Anything", "": "Anything"}.get(plan.label.casefold(), plan.label)
    return (
        f"{drawn}: seed {plan.seed}, {settings.steps} {settings.sampler} steps{noise}, guidance {settings.guidance:g}"
    )


def strip_bytes(request: Request, kind: str) -> bytes:
    """The filmstrip of the chosen sample, or of the first ones."""
    plan = plan_of(request.inputs)
    run = finished_film(plan).trajectory()
    chosen = request.state.get("sample", -1)
    whole = not isinstance(chosen, int) or not 0 <= chosen < len(plan.labels)
    samples = list(range(min(SAMPLES_IN_STRIP, len(plan.labels)))) if whole else [chosen]
    source = f"Glasshouse: {QUESTION} {plan.model_name}; seed {plan.seed}"
    return save(filmstrip(run, samples, title_of(plan), request.finding, source), kind)  # type: ignore[arg-type]


def picture_file(kind: str, request: Request) -> File:
    """The filmstrip as PNG, SVG or PDF."""
    return figure_file("denoising", kind, strip_bytes(request, kind))


def gif_file(request: Request) -> File:
    """The whole grid over the steps."""
    run = finished_film(plan_of(request.inputs)).trajectory()
    return File("denoising.gif", "image/gif", film_gif(run.x, run.timesteps.tolist()))


def arrays_file(request: Request) -> File:
    """The frames on the page as .npz."""
    run = finished_film(plan_of(request.inputs)).trajectory()
    return File("denoising.npz", "application/zip", npz(**vars(run)))


def scores_file(request: Request) -> File:
    """What the judge says of every sample's predicted picture at every step, as CSV."""
    film = finished_film(plan_of(request.inputs))
    judge = compute.judge_of(film.plan.model)
    if judge is None:
        raise Problem("No classifier of this house knows what this model draws, so there are no scores to save.")
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["step", "t", "sample", "wanted", *judge.labels])
    for place, step in enumerate(film.shown):
        for sample, row in enumerate(judged(judge, film.x0[place].astype(np.float32))):
            numbers = [f"{value:.4f}" for value in row]
            table.writerow([step, film.timesteps[step], sample, film.plan.labels[sample], *numbers])
    return File("denoising.csv", "text/csv", text.getvalue().encode("utf-8"))


def code_text(plan: Plan) -> str:
    """At most 15 lines that draw the same pictures."""
    settings = plan.settings
    return f"""from shared.explain.denoising import Settings, trajectory
from shared.models.diffusion import load
from shared.render.denoising_picture import film_gif, grid_png

model = load({plan.model_name!r})
settings = Settings({settings.sampler!r}, steps={settings.steps}, guidance={settings.guidance}, eta={settings.eta})
run = trajectory(model, {list(plan.labels)!r}, settings, seed={plan.seed})
print(run.x.shape, run.timesteps[:3], run.alphas_cumprod[:3])
picture = grid_png(run.x[-1])  # bytes of a PNG
film = film_gif(run.x, run.timesteps.tolist())  # bytes of a GIF
"""


def code_snippet(request: Request) -> Snippet:
    """The code, to copy."""
    return Snippet("Code", code_text(plan_of(request.inputs)), "Run it in a clone of the repository after make run.")


def notebook_file(request: Request) -> File:
    """Question, finding, code and picture as a Jupyter notebook."""
    plan = plan_of(request.inputs)
    picture = strip_bytes(request, "png")
    text = notebook(title_of(plan), QUESTION, request.finding, code_text(plan) + SHOW_PICTURE, picture)
    return File("denoising.ipynb", "application/x-ipynb+json", text.encode("utf-8"))


def page_file(request: Request) -> File:
    """The present view as one HTML file that needs no server, with every finished answer that it had asked for."""
    payload = saved(request.inputs, request.state, asked_of(request))
    if pin := request.details.get("pin"):
        inputs = {**request.inputs, **pin["inputs"]}
        payload["pinned"] = saved(inputs, pin["state"], [])
    return File(
        "denoising.html", "text/html", document("denoising", payload, f"{QUESTION} · Glasshouse").encode("utf-8")
    )


def asked_of(request: Request) -> list[tuple[str, dict[str, Any]]]:
    """The questions whose keys the page sent, as (kind, details)."""
    found = []
    for text in list(request.details.get("asked", []))[:ANSWERS_KEPT]:
        kind, details = json.loads(str(text))
        if isinstance(details, dict) and kind != "run":
            found.append((str(kind), details))
    return found


def saved(inputs: dict[str, str], state: dict[str, Any], asked: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """A payload that holds its run and the answers to what was asked; nothing is taken from the browser."""
    film = finished_film(plan_of(inputs))
    answers = {question_key("run", {"part": 0}): compute.run(Request(inputs, {}, {"part": 0}))}
    for kind, details in asked:
        answer = answer_to(kind, Request(inputs, {}, details))
        if answer is not None:
            known = {name: value for name, value in details.items() if name != "part"}
            parts = {"part": 0} if "part" in details else {}
            answers[question_key(kind, {**known, **parts})] = answer
    payload = compute.payload(inputs)
    payload["data"]["seconds"] = film.seconds
    return {**payload, "state": state, "computed": answers}


def answer_to(kind: str, request: Request) -> dict[str, Any] | None:
    """A finished answer; None for one that is not finished or that no page asks."""
    if kind in ("decided", "learning"):
        return compute.ANSWERS[kind](request)
    return experiments.finished(kind, request) if kind in experiments.QUESTIONS else None


EXPORT = {
    "png": lambda request: picture_file("png", request),
    "svg": lambda request: picture_file("svg", request),
    "pdf": lambda request: picture_file("pdf", request),
    "gif": gif_file,
    "npz": arrays_file,
    "csv": scores_file,
    "code": code_snippet,
    "notebook": notebook_file,
    "page": page_file,
}


def show(
    label: str, seed: float, steps: float, sampler: str, eta: float, guidance: float, model: str, samples: float
) -> tuple[str, str]:
    """The endpoint's answer: the path of the final pictures as one PNG, and of the .npz with all frames."""
    asked = {
        "label": label, "seed": number(seed), "steps": number(steps), "sampler": sampler, "eta": str(eta),
        "guidance": str(guidance), "model": model, "samples": number(samples),
    }  # fmt: skip
    plan = plan_of(asked)
    values = plan.settings.steps * len(plan.labels) * int(np.prod(plan.model.shape))
    if values > MOST_VALUES:
        raise Problem("So many steps of so many pictures do not fit into one file; ask for fewer samples or steps.")
    run = trajectory(plan.model, plan.labels, plan.settings, plan.seed)
    picture = temporary_file("pictures.png", grid_png(run.x[-1]))
    return picture, temporary_file("denoising.npz", npz(**vars(run)))


def number(value: float | None) -> str:
    """A whole number as a field would hold it."""
    return str(int(value)) if value is not None and float(value).is_integer() else str(value)
