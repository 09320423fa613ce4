"""What is decided when? From one moment of a run, go on with other random numbers."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from shared.explain.denoising import Settings, Step, add_noise, denoise, guided, start_noise, timesteps_of
from shared.models.diffusion import DiffusionModel

BRANCHES = 8
SEED_OF_BRANCHES = 1_000_003  # far from the seeds that people choose, so that no branch repeats the run's own noise


def fork(
    model: DiffusionModel, state: torch.Tensor, label: int, settings: Settings, begin: int, seed: int
) -> Iterator[Step]:
    """``BRANCHES`` continuations of ``state`` (1, C, H, W), the one before step ``begin``, each with fresh noise.

    Samplers without fresh noise have one continuation only; for those DDIM with eta = 1 goes on. After the last step
    there is nothing left to decide, and nothing is yielded.
    """
    start = state.repeat(BRANCHES, 1, 1, 1)
    predict = guided(model, [label] * BRANCHES, settings.guidance)
    random = torch.Generator().manual_seed(SEED_OF_BRANCHES + seed)
    return denoise(model, start, predict, settings.with_fresh_noise(), random, begin)


def level_below(model: DiffusionModel, settings: Settings, t: int) -> int:
    """The first step of a run whose noise level is at most ``t``; the last one where none is."""
    below = np.flatnonzero(timesteps_of(model, settings) <= t)
    return int(below[0]) if below.size else settings.steps - 1


def restore(
    model: DiffusionModel, picture: torch.Tensor, labels: Sequence[int], settings: Settings, begin: int, seed: int
) -> tuple[torch.Tensor, Iterator[Step]]:
    """Noise ``picture`` (1, C, H, W) to the level of step ``begin``, once for each of ``labels``, and denoise it.

    Returns the noisy pictures (N, C, H, W) and the steps (SDEdit, Meng et al. 2021, arXiv 2108.01073).
    """
    random = torch.Generator().manual_seed(seed)
    noise = start_noise(model, len(labels), random)
    abar = float(model.alphas_cumprod[timesteps_of(model, settings)[begin]])
    start = add_noise(picture, noise, abar)
    return start, denoise(model, start, guided(model, labels, settings.guidance), settings, random, begin)


def sphere(first: torch.Tensor, second: torch.Tensor, count: int) -> torch.Tensor:
    """``count`` noises (count, C, H, W) on the way from one to the other, on the sphere on which noise lies.

    Spherical linear interpolation (Shoemake 1985): sin((1 - a) w) / sin(w) first + sin(a w) / sin(w) second, w the
    angle between the two. A straight line would pass through pictures with too little noise.
    """
    cosine = torch.dot(first.flatten(), second.flatten()) / (first.norm() * second.norm())
    angle = torch.acos(cosine.clamp(-1, 1))
    if float(angle) < 1e-4:
        return first.repeat(count, 1, 1, 1)
    share = torch.linspace(0, 1, count).view(-1, 1, 1, 1)
    return (torch.sin((1 - share) * angle) * first + torch.sin(share * angle) * second) / torch.sin(angle)
