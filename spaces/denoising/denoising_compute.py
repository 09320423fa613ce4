"""From the page's inputs to the payload of its picture, and the film of the run, sent while it is made."""

import csv
import io
import json
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

import numpy as np
from denoising_examples import EXAMPLES, example
from denoising_plan import MOST_FRAMES, Film, Plan, film_of, finished_film, plan_of, wanted_or_said
from denoising_presets import DEFAULTS
from PIL import Image

from shared import checkpoints
from shared.arrays import evenly
from shared.explain.denoising import timesteps_of
from shared.explain.emergence import BANDS, emergence, half_reached, judged, settled
from shared.models import images
from shared.models.diffusion import ANY, DiffusionModel, Reading, load, read
from shared.models.images import ImageModel
from shared.models.photos import read_photo
from shared.problems import Problem
from shared.render.packing import data_uri, pack, pack_film, rounded
from shared.ui import Request, exports, fetching, photo_bytes

SEED_OF_FORWARD = 0
PREVIEW = 256  # pixels
# The steps of gray that travel to the page, in standard deviations of the noise: finer ones are not seen.
SEEN_IN_NOISE, SEEN_IN_GUESS = 0.35, 0.06
EXPORTS = exports(
    (("png", "filmstrip (PNG)"), ("svg", "filmstrip (SVG)"), ("pdf", "filmstrip (PDF)"), ("gif", "GIF over the steps")),
    (("npz", "all frames (.npz)"), ("csv", "what the judge said (.csv)")),
)


def waiting(inputs: dict[str, str]) -> str:
    """Why the picture of these inputs will take long, or ""."""
    name = inputs["model"].strip()
    return fetching(name, name, load)


def payload(inputs: dict[str, str]) -> dict[str, Any]:
    """What the browser needs before the first step; the run itself is asked for in turns."""
    plan = plan_of(inputs)
    timesteps = timesteps_of(plan.model, plan.settings)
    data = {
        "plan": plan_data(plan),
        "size": list(plan.model.shape[1:]),
        "channels": plan.model.shape[0],
        "labels": list(plan.model.labels),
        "wanted": list(plan.labels),
        "judge": judge_data(plan.model),
        "timesteps": timesteps.tolist(),
        "shown": evenly(len(timesteps), MOST_FRAMES),
        "abar": rounded(plan.model.alphas_cumprod, 7),
        "stochastic": plan.settings.stochastic,
        "fork_note": "" if plan.settings.stochastic else "This sampler adds no noise of its own, so the forks go on "
        "as DDIM with eta = 1.",
        "moments": [{"step": step, "name": f"{step:,} steps"} for step in plan.model.moments],
        "picture": picture_data(plan.model, inputs["image"]),
        "link": not inputs["image"].startswith("photo:"),
    }  # fmt: skip
    return {
        "inputs": inputs,
        "data": data,
        "auto": {},
        "computed": {},
        "exports": EXPORTS,
        "more_inputs": {},
        "source": f"Glasshouse · {plan.model_name}",
    }


def plan_data(plan: Plan) -> dict[str, Any]:
    """The plan as the viewer reads it."""
    settings = plan.settings
    return {
        "label": plan.label or "any",
        "seed": plan.seed,
        "sampler": settings.sampler,
        "steps": settings.steps,
        "guidance": settings.guidance,
        "eta": settings.eta,
        "samples": len(plan.labels),
        "model": plan.model_name,
        "moment": plan.model.moment,
    }


def judge_of(model: DiffusionModel) -> ImageModel | None:
    """The classifier that looks at what this model draws."""
    return images.load(model.judge) if model.judge else None


def judge_data(model: DiffusionModel) -> dict[str, Any] | None:
    """The classifier's name, classes, and how often it is right on photographs, from its own measurement."""
    judge = judge_of(model)
    if judge is None:
        return None
    return {"name": judge.name, "accuracy": measured_accuracy(judge.name), "labels": list(judge.labels)}


@cache
def measured_accuracy(name: str) -> float:
    """What a classifier of this house got right on its test pictures."""
    measured = json.loads((checkpoints.folder(name) / "metrics.json").read_text(encoding="utf-8"))
    return float(measured["metrics"]["test_accuracy"])


@lru_cache(maxsize=32)
def reading_of(model_name: str, reference: str) -> tuple[Reading, np.ndarray]:
    """The picture of the tab Forward as the model reads it, and as it was."""
    if not reference:
        raise Problem("Choose a picture: drop one into the field, or take the example.")
    pixels = read_photo(photo_bytes(reference, example)).pixels
    return read(load(model_name), pixels), pixels


def picture_data(model: DiffusionModel, reference: str) -> dict[str, Any]:
    """The picture of the tab Forward: as it was, as the network reads it, and the noise that is mixed into it."""
    reading, pixels = reading_of(model.name, reference)
    image = Image.fromarray(pixels)
    image.thumbnail((PREVIEW, PREVIEW))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    name = reference.removeprefix("example:")
    noise = np.random.default_rng(SEED_OF_FORWARD).standard_normal(model.shape)
    return {
        "uri": data_uri("image/jpeg", file.getvalue()),
        "size": [image.height, image.width],
        "alt": EXAMPLES[name].alt if name in EXAMPLES else "your picture",
        "pixels": pack(reading.pixels),
        "noise": pack(noise.astype(np.float16)),
        "note": reading.note,
        "outside": name != "shirt",
    }


def run(request: Request) -> dict[str, Any]:
    """Go on with the run, and send the frames that the page does not have yet."""
    film = film_of(plan_of(request.inputs))
    have = max(0, int(request.details.get("part", 0)))
    with film.lock:
        finished = film.final is not None
        answer = {"done": film.done, "of": len(film.timesteps), "frames": frames(film, have), "seconds": film.seconds}
    return {**answer, "finished": True, "verdict": verdict(film)} if finished else answer


def frames(film: Film, have: int) -> dict[str, Any] | None:
    """The kept frames from number ``have`` on; with those of a finished film comes the final picture."""
    kept = len(film.x)
    if have >= kept:
        return None
    abar = film.plan.model.alphas_cumprod[film.timesteps[film.shown[have:kept]]]
    x = np.stack(film.x[have:kept])
    last = film.final is not None and kept == len(film.shown)
    if last:
        x, with_final = np.concatenate([x, film.final[None]]), np.append(abar, 1.0)  # type: ignore[index]
    else:
        with_final = abar
    # A picture at level t lies within sqrt(abar) of its noise; under noise the eye sees no finer steps than these.
    reach = np.sqrt(with_final) + 3.5 * np.sqrt(1 - with_final)
    fine = np.maximum(2 * reach / 255, SEEN_IN_NOISE * np.sqrt(1 - with_final))
    ones = np.ones(kept - have)
    return {
        "first": have,
        "x": pack_film(x, -reach, fine),
        "x0": pack_film(np.stack(film.x0[have:kept]), -ones, np.maximum(2 / 255, SEEN_IN_GUESS * np.sqrt(1 - abar))),
        "eps": pack_film(np.stack(film.eps[have:kept]), -4 * ones, ones * SEEN_IN_NOISE),
    }


def verdict(film: Film) -> dict[str, Any] | None:
    """What the judge says of the final pictures."""
    judge = judge_of(film.plan.model)
    if judge is None or film.final is None:
        return None
    probabilities = judged(judge, film.final)
    said = probabilities.argmax(1)
    asked = wanted_or_said(film.plan, said)
    wanted = np.array(film.plan.labels) != ANY
    return {
        "probability": rounded(probabilities[np.arange(len(said)), asked]),
        "said": said.tolist(),
        "agreement": float((said == asked)[wanted].mean()) if wanted.any() else None,
    }


def decided(request: Request) -> dict[str, Any]:
    """At every step: what the judge says of the predicted picture, and how much of the end each frequency band has."""
    film = finished_film(plan_of(request.inputs))
    judge = judge_of(film.plan.model)
    if judge is None or film.final is None:
        raise Problem("No classifier of this house knows what this model draws.")
    predicted = np.stack(film.x0).astype(np.float32)
    count, samples = predicted.shape[:2]
    probabilities = judged(judge, predicted.reshape(-1, *predicted.shape[2:])).reshape(count, samples, -1)
    shares = emergence(predicted, film.final)
    return {
        "probabilities": pack(probabilities.astype(np.float16)),
        "decided": settled(probabilities.argmax(2)).tolist(),
        "bands": [{"name": name, "from": low, "to": high} for name, low, high in BANDS],
        "alike": pack(shares.astype(np.float32)),
        "half": half_reached(shares),
    }


def learning(request: Request) -> dict[str, Any]:
    """What the model drew from the same noise while it learned, and its loss."""
    base = plan_of(request.inputs).model_name.partition("@")[0]
    folder = checkpoints.CHECKPOINTS / base
    files = sorted(folder.glob("learning/step-*.webp")) if checkpoints.EMBEDDED_NAME.fullmatch(base) else []
    if not files:
        raise Problem(f"{base} kept no pictures of its training.")
    with (folder / "history.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    ranges = [name for name in rows[0] if name.startswith("loss_t_")]
    return {
        "grids": [
            {"step": int(file.stem.partition("-")[2]), "uri": data_uri("image/webp", file.read_bytes())}
            for file in files
        ],
        "loss": curve(rows, "train_loss"),
        "ranges": [
            {"name": name.removeprefix("loss_").replace("_", " "), "loss": curve(rows, name)} for name in ranges
        ],
        "note": "Every picture: a column for each class, from the same noise.",
    }


def curve(rows: list[Mapping[str, str]], column: str) -> list[list[float]]:
    """A column of a training history over its steps."""
    return [[int(row["step"]), float(row[column])] for row in rows if row.get(column)]


ANSWERS = {"run": run, "decided": decided, "learning": learning}


def warm() -> None:
    """Load what the page opens with, and begin its run."""
    payload({**DEFAULTS})
    run(Request({**DEFAULTS}, {}, {}))
