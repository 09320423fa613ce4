"""The longer questions of the Denoising Space, answered in turns: forks, restoring, step counts, morphs, inversion.

Every generator yields ``{"done", "of", ...}`` after each step of the network, with what is known so far, and returns
the same with ``"finished": True``.
"""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from denoising_compute import judge_of, reading_of
from denoising_plan import LARGEST_SEED, Film, Plan, finished_film, plan_of, whole

from shared.arrays import evenly, to_pixels
from shared.explain import forks as branches
from shared.explain.denoising import Predict, Settings, Step, denoise, generate, guided, mixed, start_noise
from shared.explain.emergence import judged
from shared.explain.inversion import invert
from shared.models.diffusion import ANY, DiffusionModel, from_pixels
from shared.problems import Problem
from shared.render.packing import pack
from shared.ui import Jobs, Request
from shared.ui.picture import OUT_OF_STEP

Answers = Generator[dict[str, Any], None, dict[str, Any]]
STEP_COUNTS = (5, 10, 20, 50, 100, 250, 1000)
RACERS = 4
FORKS = 8  # moments, early to late
INVERSION_STEPS = (10, 20, 50, 100)
PLACES = 9  # of a morph
JOBS: Jobs[dict[str, Any]] = Jobs(kept=48)


def last_of(steps: Iterator[Step], done: int, of: int) -> Generator[dict[str, Any], None, np.ndarray]:
    """Progress after every step but the last, then the final pictures (N, C, H, W)."""
    step = next(steps)
    for after in steps:
        done += 1
        yield {"done": done, "of": of}
        step = after
    return step.after.numpy()


def said_of(model: DiffusionModel, pictures: np.ndarray) -> list[int] | None:
    """What the judge of this model calls each picture; None without a judge."""
    judge = judge_of(model)
    return None if judge is None else [int(answer) for answer in judged(judge, pictures).argmax(1)]


def distance(pictures: np.ndarray, other: np.ndarray) -> float:
    """Root of the mean squared difference of pixels in [-1, 1], clipped to that range."""
    return float(np.sqrt(np.mean((np.clip(pictures, -1, 1) - np.clip(other, -1, 1)) ** 2)))


def state_at(film: Film, at: int, sample: int) -> tuple[torch.Tensor, int]:
    """The picture (1, C, H, W) of a sample before a shown step, and that step's number."""
    if not (0 <= at < len(film.shown) and 0 <= sample < len(film.plan.labels)):
        raise Problem(OUT_OF_STEP)
    return torch.from_numpy(film.x[at][sample : sample + 1].copy()), film.shown[at]


def branch(film: Film, at: int, sample: int, done: int, of: int) -> Generator[dict[str, Any], None, np.ndarray]:
    """Eight continuations of a sample from a shown step."""
    state, begin = state_at(film, at, sample)
    plan = film.plan
    steps = branches.fork(plan.model, state, plan.labels[sample], plan.settings, begin, plan.seed)
    return last_of(steps, done, of)


def compared(film: Film, at: int, sample: int, finals: np.ndarray) -> dict[str, Any]:
    """The continuations beside the picture that the run itself drew."""
    original = film.final[sample : sample + 1] if film.final is not None else finals[:1]
    answers = said_of(film.plan.model, np.concatenate([original, finals]))
    return {
        "at": at,
        "t": int(film.timesteps[film.shown[at]]),
        "finals": pack(to_pixels(finals)),
        "said": answers[1:] if answers else None,
        "original": answers[0] if answers else None,
        "same": float(np.mean(np.array(answers[1:]) == answers[0])) if answers else None,
        "distance": distance(finals, original),
    }


def fork(plan: Plan, details: dict[str, Any]) -> Answers:
    """From one moment, eight continuations."""
    film, at, sample = finished_film(plan), int(details["at"]), int(details["sample"])
    of = plan.settings.steps - state_at(film, at, sample)[1]
    finals = yield from branch(film, at, sample, 0, of)
    return {"done": of, "of": of, "finished": True, **compared(film, at, sample, finals)}


def forks(plan: Plan, details: dict[str, Any]) -> Answers:
    """The same from moments early to late; late ones first, because they are quick."""
    film, sample = finished_film(plan), int(details["sample"])
    places = evenly(len(film.shown), FORKS)
    of = sum(plan.settings.steps - film.shown[at] for at in places)
    points: list[dict[str, Any]] = []
    done = 0
    for at in reversed(places):
        finals = yield from with_points(branch(film, at, sample, done, of), points)
        done += plan.settings.steps - film.shown[at]
        points.insert(0, compared(film, at, sample, finals))
    return {"done": of, "of": of, "points": points, "finished": True}


def with_points(
    steps: Generator[dict[str, Any], None, np.ndarray], points: list[dict[str, Any]]
) -> Generator[dict[str, Any], None, np.ndarray]:
    """The progress of one fork, with the points that are finished already."""
    while True:
        try:
            yield {**next(steps), "points": list(points)}
        except StopIteration as done:
            return np.asarray(done.value)


def restore(plan: Plan, details: dict[str, Any]) -> Answers:
    """Noise the picture of the tab Forward to level t and denoise it, eight times."""
    model, picture = plan.model, picture_of(plan, details)
    label = plan.labels[0] if len(set(plan.labels)) == 1 else ANY
    begin = branches.level_below(model, plan.settings, int(details["t"]))
    start, steps = branches.restore(model, picture, [label] * branches.BRANCHES, plan.settings, begin, plan.seed)
    of = plan.settings.steps - begin
    finals = yield from last_of(steps, 0, of)
    known = picture.numpy().ravel()
    kept = [float(np.corrcoef(known, np.clip(final, -1, 1).ravel())[0, 1]) for final in finals]
    return {
        "done": of,
        "of": of,
        "finished": True,
        "start": pack(to_pixels(start[0].numpy())),
        "finals": pack(to_pixels(finals)),
        "said": said_of(model, finals),
        "kept": float(np.nan_to_num(np.mean(kept))),
        "between": distance(finals, finals.mean(0, keepdims=True)),
    }


def picture_of(plan: Plan, details: dict[str, Any]) -> torch.Tensor:
    """The picture of the tab Forward as the network reads it: (1, C, H, W) in [-1, 1]."""
    return from_pixels(reading_of(plan.model_name, str(details["image"]))[0].pixels[None])


def race(plan: Plan, details: dict[str, Any]) -> Answers:
    """The same noise in few steps and in many; quick ones first, and the distance to the slowest at the end."""
    levels = len(plan.model.alphas_cumprod)
    counts = [steps for steps in STEP_COUNTS if steps <= levels and levels % steps == 0]
    labels, of, done = plan.labels[:RACERS], sum(counts), 0
    rows: list[dict[str, Any]] = []
    drawn: list[np.ndarray] = []
    for count in counts:
        settings, seconds, after = replace(plan.settings, steps=count), 0.0, None
        run = generate(plan.model, labels, settings, plan.seed)[1]
        for _ in range(count):
            began = time.perf_counter()
            after = next(run).after
            seconds += time.perf_counter() - began
            done += 1
            yield {"done": done, "of": of, "rows": list(rows)}
        drawn.append(np.asarray(after))
        rows.append(row(plan.model, labels, count, seconds, drawn[-1]))
    for each, pictures in zip(rows, drawn, strict=True):
        each["distance"] = distance(pictures, drawn[-1])
    return {"done": of, "of": of, "rows": rows, "finished": True}


def row(
    model: DiffusionModel, labels: tuple[int, ...], count: int, seconds: float, pictures: np.ndarray
) -> dict[str, Any]:
    """What is known of one run as soon as it is through."""
    said = said_of(model, pictures)
    wanted = [(answer, label) for answer, label in zip(said or (), labels, strict=bool(said)) if label != ANY]
    agreement = float(np.mean([answer == label for answer, label in wanted])) if wanted else None
    finals = pack(to_pixels(pictures))
    return {"steps": count, "seconds": seconds, "finals": finals, "agreement": agreement, "distance": None}


def morph(plan: Plan, details: dict[str, Any]) -> Answers:
    """From the noise of the seed to that of another, on the sphere; without fresh noise on the way."""
    model, to = plan.model, whole(details["to"], "seed", 0, LARGEST_SEED)
    first, second = (start_noise(model, 1, torch.Generator().manual_seed(seed)) for seed in (plan.seed, to))
    noise = branches.sphere(first, second, PLACES)
    return strip(plan, noise, guided(model, [plan.labels[0]] * PLACES, plan.settings.guidance))


def classes(plan: Plan, details: dict[str, Any]) -> Answers:
    """From one class to another in the same noise: what the network says of both is mixed."""
    model, to = plan.model, int(details["to"])
    if not 0 <= to < len(model.labels):
        raise Problem(f"{plan.model_name} knows no such class; choose one by its name.")
    noise = start_noise(model, 1, torch.Generator().manual_seed(plan.seed)).repeat(PLACES, 1, 1, 1)
    here, there = (guided(model, [label] * PLACES, plan.settings.guidance) for label in (plan.labels[0], to))
    return strip(plan, noise, mixed(here, there, torch.linspace(0, 1, PLACES)))


def strip(plan: Plan, noise: torch.Tensor, predict: Predict) -> Answers:
    """Denoise a row of noises without fresh noise, so that neighbors stay neighbors."""
    settings, model = replace(plan.settings, sampler="DDIM", eta=0.0), plan.model
    steps = denoise(model, noise, predict, settings, torch.Generator().manual_seed(plan.seed))
    finals = yield from last_of(steps, 0, settings.steps)
    ready = {"finals": pack(to_pixels(finals)), "said": said_of(model, finals)}
    return {"done": settings.steps, "of": settings.steps, "finished": True, **ready}


def inversion(plan: Plan, details: dict[str, Any]) -> Answers:
    """The picture of the tab Forward to noise and back, in few steps and in many."""
    model, picture = plan.model, picture_of(plan, details)
    predict = guided(model, [ANY], Settings().guidance)
    levels = len(model.alphas_cumprod)
    counts = [steps for steps in INVERSION_STEPS if levels % steps == 0]
    of, done = 2 * sum(counts), 0
    rows: list[dict[str, Any]] = []
    for count in counts:
        for found in invert(model, picture, predict, count):
            if found is None:
                done += 1
            else:
                noise = {"mean": float(found.noise.mean()), "std": float(found.noise.std())}
                gray = pack(to_pixels(found.noise / 3))  # three standard deviations are black and white
                rows.append({"steps": count, "error": found.error, "noise": gray, **noise,
                             "decoded": pack(to_pixels(found.decoded))})  # fmt: skip
            if done < of:
                yield {"done": done, "of": of, "rows": list(rows)}
    return {"done": of, "of": of, "rows": rows, "finished": True}


QUESTIONS: dict[str, tuple[Callable[[Plan, dict[str, Any]], Answers], tuple[str, ...]]] = {
    "fork": (fork, ("at", "sample")),
    "forks": (forks, ("sample",)),
    "restore": (restore, ("t",)),
    "race": (race, ()),
    "morph": (morph, ("to",)),
    "classes": (classes, ("to",)),
    "invert": (inversion, ()),
}


def question(kind: str, request: Request) -> tuple[Plan, dict[str, Any]]:
    """The plan and the checked details of a question."""
    try:
        details: dict[str, Any] = {name: int(request.details[name]) for name in QUESTIONS[kind][1]}
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise Problem(OUT_OF_STEP) from error
    if kind in ("restore", "invert"):
        details["image"] = request.inputs["image"]
    return plan_of(request.inputs), details


def answer(kind: str, request: Request) -> dict[str, Any]:
    """Go on with one of the questions."""
    plan, details = question(kind, request)
    return JOBS.work((kind, plan, *details.items()), lambda: QUESTIONS[kind][0](plan, details))


def finished(kind: str, request: Request) -> dict[str, Any] | None:
    """The answer where it is finished, without working on it."""
    plan, details = question(kind, request)
    found = JOBS.find((kind, plan, *details.items()))
    return found if found and found.get("finished") else None
