"""What a visitor asks for, checked: the plan of a run, and the film that is made of it."""

import threading
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field

import numpy as np

from shared.arrays import evenly
from shared.explain.denoising import Settings, Step, assembled, check_steps, generate, timesteps_of
from shared.models.diffusion import ANY, DiffusionModel, load
from shared.problems import Problem
from shared.results import Trajectory
from shared.ui import Jobs, decimal, whole

MOST_SAMPLES = 16
MOST_FRAMES = 100  # of a run that travel to the page
FILM_BYTES = 200_000_000  # of all films that are kept for the questions that follow
LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True)
class Plan:
    """One run: ``labels`` (N,) are the wanted classes, -1 for any; ``label`` is what the visitor called them."""

    model_name: str
    label: str
    labels: tuple[int, ...]
    seed: int
    settings: Settings

    @property
    def model(self) -> DiffusionModel:
        """The network; a plan that is kept must not keep it too."""
        return load(self.model_name)


def plan_of(inputs: Mapping[str, str]) -> Plan:
    """The plan of the page's inputs; raises ``Problem`` for what cannot be."""
    model = load(inputs["model"].strip())
    samples = whole(inputs["samples"], "number of samples", 1, MOST_SAMPLES)
    label = inputs["label"].strip()
    if label.casefold() == "each" and model.labels:
        labels = tuple(index % len(model.labels) for index in range(samples))
    else:
        labels = (model.class_named("any" if label.casefold() == "each" else label),) * samples
    settings = Settings(
        inputs["sampler"],
        whole(inputs["steps"], "number of steps", 1, len(model.alphas_cumprod)),
        decimal(inputs["guidance"], "guidance") if model.labels else 1.0,
        decimal(inputs["eta"], "eta") if inputs["sampler"] == "DDIM" else 0.0,
    )
    check_steps(model, settings.steps)
    return Plan(model.name, label, labels, whole(inputs["seed"], "seed", 0, LARGEST_SEED), settings)


@dataclass(eq=False)
class Film:
    """The frames of one run, as far as it has come.

    ``shown`` are the steps whose frames are kept, evenly spaced; ``x``, ``x0``, ``eps`` their pictures (N, C, H, W),
    ``x`` the one before the step. ``final`` is the last picture, once it is there; ``seconds`` the time of the steps.
    """

    plan: Plan
    timesteps: np.ndarray
    shown: list[int]
    x: list[np.ndarray] = field(default_factory=list)
    x0: list[np.ndarray] = field(default_factory=list)
    eps: list[np.ndarray] = field(default_factory=list)
    final: np.ndarray | None = None
    done: int = 0
    seconds: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, before: np.ndarray, step: Step) -> None:
        """Take in one step; who reads under the lock sees all of it or nothing."""
        with self.lock:
            if self.done in self.shown:
                self.x.append(before)
                self.x0.append(step.x0.numpy().astype(np.float16))
                self.eps.append(step.eps.numpy().astype(np.float16))
            self.done += 1
            if self.done == len(self.timesteps):
                self.final = step.after.numpy()

    def trajectory(self) -> Trajectory:
        """The kept frames of a finished run."""
        if self.final is None:
            raise Problem("This run is not finished yet; let it come to its end first.")
        timesteps, frames = self.timesteps[self.shown], [*self.x, self.final]
        return assembled(self.plan.model, frames, self.x0, self.eps, timesteps, self.plan.labels, self.plan.seed)


def filming(plan: Plan) -> Generator[Film, None, Film]:
    """Make the film of a plan, one step at a time."""
    timesteps = timesteps_of(plan.model, plan.settings)
    film = Film(plan, timesteps, evenly(len(timesteps), MOST_FRAMES))
    start, run = generate(plan.model, plan.labels, plan.settings, plan.seed)
    before = start.numpy()
    while True:
        began = time.perf_counter()
        step = next(run)
        film.seconds += time.perf_counter() - began
        film.keep(before, step)
        if film.final is not None:
            return film
        before = step.after.numpy()
        yield film


def bytes_of(plan: Plan) -> float:
    """What the whole film of a plan will take."""
    frame = len(plan.labels) * int(np.prod(plan.model.shape))
    return min(plan.settings.steps, MOST_FRAMES) * frame * 8.0 + 1000


FILMS: Jobs[Film] = Jobs(FILM_BYTES, bytes_of)  # type: ignore[arg-type]


def film_of(plan: Plan) -> Film:
    """The film of a plan after one more turn of work: begun now, or before by someone who asked for the very same."""
    return FILMS.work(plan, lambda: filming(plan))


def finished_film(plan: Plan) -> Film:
    """The film of a plan that has come to its end on the page."""
    film = FILMS.find(plan)
    if film is None or film.final is None:
        raise Problem("This run is not finished yet; open the tab Watch and let it come to its end first.")
    return film


def wanted_or_said(plan: Plan, said: np.ndarray) -> np.ndarray:
    """The class of each sample whose probability counts: the wanted one, or where none is, what the judge says."""
    labels = np.array(plan.labels)
    return np.where(labels == ANY, said, labels)
