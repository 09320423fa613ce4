"""Smooth Grad-CAM++: the derivatives of Grad-CAM++, averaged over noisy copies of the picture."""

import numpy as np
import torch
from torch import nn

from shared.explain.cam import maps_and_gradients, plus_plus_weights
from shared.explain.channel_masks import Progress
from shared.explain.targets import Target
from shared.models.layers import Layer, run

SAMPLES = 8
NOISE = 0.3  # standard deviation, in units of the normalized input


def smooth_grad_cam_plus_plus(
    network: nn.Module,
    inputs: torch.Tensor,
    layer: Layer,
    target: Target,
    samples: int = SAMPLES,
    noise: float = NOISE,
    seed: int = 0,
) -> Progress:
    """Yields progress, returns the map (h, w). Omeiza et al. 2019, equations 6 to 8.

    The maps are those of the untouched picture; the numerator of alpha is the second derivative, as equation 19 of
    Grad-CAM++ has it (the paper prints the first).
    """
    random = torch.Generator().manual_seed(seed)
    done = run(network, inputs, [layer])
    maps, first = maps_and_gradients(done, layer, target)
    sums = [torch.zeros_like(first) for _ in range(3)]
    for sample in range(samples):
        noisy = inputs + noise * torch.randn(inputs.shape, generator=random)
        _, gradients = maps_and_gradients(run(network, noisy, [layer]), layer, target)
        for power, total in enumerate(sums, start=1):
            total += gradients**power / samples
        yield (sample + 1) / samples
    weights = plus_plus_weights(maps, sums[0].relu(), sums[1], sums[2])
    return np.asarray(torch.einsum("k,khw->hw", weights, maps).numpy())
