"""Saliency from the gradient with respect to the pixels. captum walks the line of
integrated gradients.

``inputs`` (1, C, H, W); maps are (H, W), summed over colors, except for ``saliency``, which takes the largest.
"""

from collections.abc import Callable
from itertools import product

import numpy as np
import torch
from torch import nn

from shared.arrays import evenly
from shared.explain.channel_masks import Progress
from shared.explain.targets import Target
from shared.models.layers import logits_of

STEPS = 32
SAMPLES = 16
WINDOWS_AT_ONCE = 16
NOISE = 0.15  # of the range of the input, as in the paper's figures


def score_function(network: nn.Module, target: Target) -> Callable[[torch.Tensor], torch.Tensor]:
    """The explained score as a function of inputs, as captum wants it."""
    return lambda inputs: target.score(logits_of(network(inputs)))


def gradient(network: nn.Module, inputs: torch.Tensor, target: Target) -> torch.Tensor:
    """The gradient (B, C, H, W) of the score with respect to the inputs."""
    leaf = inputs.detach().requires_grad_()
    with torch.enable_grad():
        return torch.autograd.grad(target.score(logits_of(network(leaf))).sum(), leaf)[0]


def saliency(network: nn.Module, inputs: torch.Tensor, target: Target) -> np.ndarray:
    """max over colors of |d score / d pixel|. Simonyan et al. 2014, section 3."""
    return np.asarray(gradient(network, inputs, target)[0].abs().amax(0).numpy())


def gradient_times_input(network: nn.Module, inputs: torch.Tensor, target: Target) -> np.ndarray:
    """sum over colors of pixel x d score / d pixel. Shrikumar et al. 2016."""
    return np.asarray((gradient(network, inputs, target) * inputs)[0].sum(0).numpy())


def smooth_grad(network: nn.Module, inputs: torch.Tensor, target: Target, seed: int = 0) -> Progress:
    """max over colors of the size of the mean gradient of ``SAMPLES`` noisy copies. Smilkov et al. 2017, section 3.

    The noise has a standard deviation of ``NOISE`` times the range of the input. Yields progress.
    """
    random = torch.Generator().manual_seed(seed)
    deviation = NOISE * float(inputs.max() - inputs.min())
    total = torch.zeros_like(inputs)
    for done in range(0, SAMPLES, 4):
        noise = torch.randn((4, *inputs.shape[1:]), generator=random) * deviation
        total += gradient(network, inputs + noise, target).sum(0, keepdim=True)
        yield (done + 4) / SAMPLES
    return np.asarray((total / SAMPLES)[0].abs().amax(0).numpy())


def integrated_gradients(
    network: nn.Module, inputs: torch.Tensor, target: Target, steps: int = STEPS, parts: int = 8
) -> Progress:
    """sum over colors of (x - x') times the mean gradient on the line from the baseline x' to x.

    Sundararajan et al. 2017, equation 1; the baseline is the mean color of the training pictures (zero input). The
    line is walked in ``parts`` of ``steps / parts`` steps each, whose sums add up, so that progress can be told.
    """
    from captum.attr import IntegratedGradients

    method = IntegratedGradients(score_function(network, target))
    total = torch.zeros_like(inputs)
    for part in range(parts):
        here, there = inputs * part / parts, inputs * (part + 1) / parts
        with torch.enable_grad():
            total += method.attribute(there, baselines=here, n_steps=max(1, steps // parts)).detach()
        yield (part + 1) / parts
    return np.asarray(total[0].sum(0).numpy())


@torch.no_grad()
def completeness_error(network: nn.Module, inputs: torch.Tensor, target: Target, attributions: np.ndarray) -> float:
    """|sum of attributions - (score(x) - score(baseline))|, in logits; zero for exact integrated gradients."""
    score = score_function(network, target)
    expected = float(score(inputs) - score(torch.zeros_like(inputs)))
    return abs(float(attributions.sum()) - expected)


@torch.no_grad()
def occlusion(network: nn.Module, inputs: torch.Tensor, target: Target, places: int = 12) -> Progress:
    """By how much the score falls when a window is covered with the mean color. Zeiler & Fergus 2014, section 4.3.

    The window is an eighth of the picture wide and stands in about ``places`` x ``places`` places; each pixel (H, W)
    shows the mean over the windows that cover it.
    """
    height, width = inputs.shape[2:]
    corners = list(product(_starts(height, places), _starts(width, places)))
    whole = float(target.score(logits_of(network(inputs))))
    fall, count = np.zeros((height, width)), np.zeros((height, width))
    for first in range(0, len(corners), WINDOWS_AT_ONCE):
        batch = corners[first : first + WINDOWS_AT_ONCE]
        covered = inputs.repeat(len(batch), 1, 1, 1)
        areas = [(slice(top, top + _window(height)), slice(left, left + _window(width))) for top, left in batch]
        for copy, area in zip(covered, areas, strict=True):
            copy[:, *area] = 0
        scores = target.score(logits_of(network(covered)))
        for area, score in zip(areas, scores.tolist(), strict=True):
            fall[area] += whole - score
            count[area] += 1
        yield min(1.0, (first + WINDOWS_AT_ONCE) / len(corners))
    return (fall / np.maximum(count, 1)).astype(np.float32)


def _window(side: int) -> int:
    """The side of the covering window, in pixels."""
    return max(1, side // 8)


def _starts(side: int, places: int) -> list[int]:
    """Where the window begins, so that the whole side is covered."""
    return evenly(side - _window(side) + 1, places)
