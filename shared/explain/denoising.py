"""A picture out of noise, step by step, with everything that the network said on the way.

Ho et al. 2020 (arXiv 2006.11239, DDPM), Song et al. 2020 (arXiv 2010.02502, DDIM), Lu et al. 2022 (arXiv 2211.01095,
DPM-Solver++). The arithmetic of a step is that of diffusers' schedulers; what they hide is kept here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from shared.models.diffusion import ANY, DiffusionModel
from shared.problems import Problem
from shared.results import Trajectory

SAMPLERS = ("DDIM", "DDPM", "DPM-Solver++")
STRONGEST_GUIDANCE = 20.0
# (x_t (N, C, H, W), t) to the noise in it, of the same shape
Predict = Callable[[torch.Tensor, int], torch.Tensor]


@dataclass(frozen=True)
class Settings:
    """How noise is taken away.

    ``sampler`` is one of ``SAMPLERS``, ``steps`` the number of noise levels at which the network is asked, a divisor
    of the schedule's length. ``eta`` in [0, 1] is the share of fresh noise in a DDIM step (1 is as much as DDPM's);
    ``guidance`` in [0, 20] moves towards the wanted class: 0 ignores it, 1 asks for it, more exaggerates it.
    """

    sampler: str = "DDIM"
    steps: int = 50
    guidance: float = 2.0
    eta: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what no sampler can do."""
        if self.sampler not in SAMPLERS:
            raise Problem(f"There is no sampler {self.sampler[:40]!r}; choose one of {', '.join(SAMPLERS)}.")
        if not 0 <= self.eta <= 1:
            raise Problem("eta is the share of fresh noise in a step; choose a number from 0 to 1.")
        if not 0 <= self.guidance <= STRONGEST_GUIDANCE:
            raise Problem(f"Choose a guidance from 0 to {STRONGEST_GUIDANCE:g}.")

    @property
    def stochastic(self) -> bool:
        """Whether fresh noise enters on the way."""
        return self.sampler == "DDPM" or (self.sampler == "DDIM" and self.eta > 0)

    def with_fresh_noise(self) -> "Settings":
        """These settings where they are stochastic, else DDIM with eta = 1 in as many steps."""
        return self if self.stochastic else replace(self, sampler="DDIM", eta=1.0)


@dataclass(frozen=True)
class Step:
    """One step; all tensors (N, C, H, W).

    At noise level ``timestep`` the network found the noise ``eps`` in its picture; ``x0`` is what that leaves (clipped
    to [-1, 1] where the scheduler does so), ``after`` the state with which the next step begins.
    """

    timestep: int
    x0: torch.Tensor
    eps: torch.Tensor
    after: torch.Tensor


def scheduler_for(model: DiffusionModel, settings: Settings) -> Any:
    """The scheduler of diffusers, ready for so many steps; raises ``Problem`` for a number that does not fit.

    Its levels are spaced backwards from the noisiest one ("trailing", Lin et al. 2023, arXiv 2305.08891), so that a
    run of few steps begins at pure noise too. DPM-Solver++ clips the predicted picture where the others do.
    """
    from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler

    check_steps(model, settings.steps)
    kinds = {"DDIM": DDIMScheduler, "DDPM": DDPMScheduler, "DPM-Solver++": DPMSolverMultistepScheduler}
    config = {**model.schedule, "timestep_spacing": "trailing"}
    if settings.sampler == "DPM-Solver++":  # with this largest value its thresholding is the others' clipping
        config |= {"thresholding": clips(model), "sample_max_value": 1.0}
    scheduler = kinds[settings.sampler].from_config(config)
    scheduler.set_timesteps(settings.steps)
    return scheduler


def check_steps(model: DiffusionModel, steps: int) -> None:
    """Raise ``Problem`` for a number of steps that does not divide the model's noise levels evenly."""
    levels = len(model.alphas_cumprod)
    if steps < 1 or levels % steps:
        fitting = ", ".join(str(each) for each in divisors(levels))
        raise Problem(f"Choose a number of steps that divides {levels:,} evenly: {fitting}.")


def clips(model: DiffusionModel) -> bool:
    """Whether the model's scheduler clips the predicted picture to [-1, 1], as diffusers does unless told otherwise."""
    return bool(model.schedule.get("clip_sample", True))


def divisors(number: int) -> list[int]:
    """All divisors, rising."""
    return [part for part in range(1, number + 1) if number % part == 0]


def timesteps_of(model: DiffusionModel, settings: Settings) -> np.ndarray:
    """The noise levels (S,) int64 at which the network is asked, falling."""
    return np.asarray(scheduler_for(model, settings).timesteps.numpy(), dtype=np.int64)


def start_noise(model: DiffusionModel, samples: int, random: torch.Generator) -> torch.Tensor:
    """Standard normal (N, C, H, W): where every run begins."""
    return torch.randn((samples, *model.shape), generator=random)


def guided(model: DiffusionModel, labels: Sequence[int], guidance: float) -> Predict:
    """The network's answer, moved towards a class for every sample: eps_any + g (eps_class - eps_any).

    Classifier-free guidance, Ho & Salimans 2022 (arXiv 2207.12598), in the form in which g = 1 is the network asked
    for the class alone. ``labels`` (N,) may be ``ANY``; a model without classes ignores them.
    """
    if not model.labels:
        return lambda x, t: _ask(model, x, t, None)
    free = torch.full((len(labels),), len(model.labels))
    wanted = torch.tensor([len(model.labels) if label == ANY else label for label in labels])
    if guidance == 1 or bool((wanted == free).all()):
        return lambda x, t: _ask(model, x, t, wanted)
    if guidance == 0:
        return lambda x, t: _ask(model, x, t, free)

    def predict(x: torch.Tensor, t: int) -> torch.Tensor:
        for_any, for_class = _ask(model, torch.cat([x, x]), t, torch.cat([free, wanted])).chunk(2)
        return for_any + guidance * (for_class - for_any)

    return predict


def mixed(first: Predict, second: Predict, weights: torch.Tensor) -> Predict:
    """Two answers, the second weighing ``weights`` (N,) in [0, 1]: samples between two classes."""
    share = weights.view(-1, 1, 1, 1)
    return lambda x, t: (1 - share) * first(x, t) + share * second(x, t)


@torch.no_grad()
def _ask(model: DiffusionModel, x: torch.Tensor, t: int, labels: torch.Tensor | None) -> torch.Tensor:
    """The noise that the network finds in ``x`` at level ``t``."""
    classes = None if labels is None else labels.to(x.device)
    return torch.as_tensor(model.network(x, t, class_labels=classes, return_dict=False)[0])


def denoise(
    model: DiffusionModel,
    start: torch.Tensor,
    predict: Predict,
    settings: Settings,
    random: torch.Generator,
    begin: int = 0,
) -> Iterator[Step]:
    """Take the noise out of ``start`` (N, C, H, W), the state before step ``begin``; each step once it is done.

    Leaving the iterator ends the work: nothing is computed ahead.
    """
    scheduler = scheduler_for(model, settings)
    # Where the predicted picture was clipped, DDIM must take the noise that fits it: else what was clipped away comes
    # back with every step, and more steps make worse pictures.
    more = {"eta": settings.eta, "use_clipped_model_output": True} if settings.sampler == "DDIM" else {}
    x = start
    for t in scheduler.timesteps[begin:]:
        eps = predict(x, int(t))
        moved = scheduler.step(eps, t, x, generator=random, **more)
        x0 = getattr(moved, "pred_original_sample", None)
        if x0 is None:
            x0 = leave_out(x, eps, float(model.alphas_cumprod[int(t)]))
            x0 = x0.clamp(-1, 1) if clips(model) else x0
        x = moved.prev_sample
        yield Step(int(t), x0, eps, x)


def leave_out(x: torch.Tensor, eps: torch.Tensor, abar: float) -> torch.Tensor:
    """x_0 = (x_t - sqrt(1 - abar) eps) / sqrt(abar): the picture that is left when the noise is gone."""
    return torch.as_tensor((x - (1 - abar) ** 0.5 * eps) / abar**0.5)


def add_noise(picture: torch.Tensor, noise: torch.Tensor, abar: float) -> torch.Tensor:
    """x_t = sqrt(abar) x_0 + sqrt(1 - abar) eps: any noise level in one go (Ho et al. 2020, equation 4)."""
    return torch.as_tensor(abar**0.5 * picture + (1 - abar) ** 0.5 * noise)


def generate(
    model: DiffusionModel, labels: Sequence[int], settings: Settings, seed: int
) -> tuple[torch.Tensor, Iterator[Step]]:
    """The noise (N, C, H, W) of ``seed``, and the steps that draw one sample for each of ``labels`` (N,) out of it.

    The random numbers are those of diffusers' pipelines: first the noise of all samples, then that of the steps.
    """
    random = torch.Generator().manual_seed(seed)
    start = start_noise(model, len(labels), random)
    return start, denoise(model, start, guided(model, labels, settings.guidance), settings, random)


def trajectory(model: DiffusionModel, labels: Sequence[int], settings: Settings, seed: int = 0) -> Trajectory:
    """A whole run with every frame kept, as ``generate`` draws it."""
    start, run = generate(model, labels, settings, seed)
    times = timesteps_of(model, settings)
    # Three arrays for all frames: small tensors kept between the network's buffers slow it down by some percent.
    x = np.empty((len(times) + 1, *start.shape), np.float32)
    x0, eps = (np.empty((len(times), *start.shape), np.float16) for _ in range(2))
    x[0] = start.numpy()
    for index, step in enumerate(run):
        x[index + 1], x0[index], eps[index] = step.after.numpy(), step.x0.numpy(), step.eps.numpy()
    return Trajectory(x, x0, eps, times, model.alphas_cumprod[times], np.array(labels), seed)


def assembled(
    model: DiffusionModel, x: Sequence[np.ndarray], x0: Sequence[np.ndarray], eps: Sequence[np.ndarray],
    timesteps: np.ndarray, labels: Sequence[int], seed: int,
) -> Trajectory:  # fmt: skip
    """A ``Trajectory`` from the frames (N, C, H, W) of its steps; ``x`` has one more, the last state."""
    return Trajectory(
        x=np.stack(x),
        x0=np.stack(x0).astype(np.float16),
        eps=np.stack(eps).astype(np.float16),
        timesteps=timesteps,
        alphas_cumprod=model.alphas_cumprod[timesteps],
        labels=np.array(labels),
        seed=seed,
    )
