"""Which noise does a picture come from? DDIM without fresh noise, walked backwards.

Song et al. 2020 (arXiv 2010.02502, section 4.3): the steps solve an ordinary differential equation, which also runs
the other way. It is solved approximately, so the round trip has an error that falls with the number of steps.
"""

from collections.abc import Iterator

import torch

from shared.explain.denoising import Predict, Settings, add_noise, leave_out, timesteps_of
from shared.models.diffusion import DiffusionModel
from shared.results import Inversion


def move(x: torch.Tensor, eps: torch.Tensor, abar: float, to: float) -> torch.Tensor:
    """From one noise level to another along the noise ``eps`` (equation 12 with sigma = 0), up or down."""
    return add_noise(leave_out(x, eps, abar), eps, to)


def invert(model: DiffusionModel, picture: torch.Tensor, predict: Predict, steps: int) -> Iterator[Inversion | None]:
    """Encode ``picture`` (1, C, H, W) in [-1, 1] to noise and decode it; ``None`` after every step, then the result.

    On the way up the network is asked at the level that is being left, for it cannot see the one that comes; this is
    where the error enters.
    """
    levels = [int(t) for t in timesteps_of(model, Settings(steps=steps))[::-1]]
    abar = {-1: 1.0, **{t: float(model.alphas_cumprod[t]) for t in levels}}
    ladder = [-1, *levels]
    x = picture
    for low, high in zip(ladder, levels, strict=False):
        x = move(x, predict(x, max(low, 0)), abar[low], abar[high])
        yield None
    noise = x
    for high, low in zip(levels[::-1], ladder[-2::-1], strict=True):
        x = move(x, predict(x, high), abar[high], abar[low])
        yield None
    error = float((x - picture).square().mean())
    yield Inversion(steps, noise[0].numpy(), x[0].numpy(), error)
