"""Is a map true to the network? Take away what it calls important, put it back, and watch the probability.

Deletion and insertion: Petsiuk et al. 2018 (RISE), section 4.2. Average drop and increase: Chattopadhay et al. 2018,
section 4.1. Probabilities, not logits, and a blurred picture as what remains where pixels are taken away.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from shared.explain.methods import resized
from shared.explain.targets import Target
from shared.models.layers import logits_of
from shared.results import Faithfulness

STEPS = 12
BASELINE = "blurred photo"
RANDOM_MAPS = 3


def blurred(inputs: torch.Tensor) -> torch.Tensor:
    """``inputs`` (1, C, H, W) with a Gaussian blur whose standard deviation is a twelfth of the shorter side."""
    deviation = min(inputs.shape[2:]) / 12
    reach = max(1, round(3 * deviation))
    kernel = torch.exp(-(torch.arange(-reach, reach + 1) ** 2) / (2 * deviation**2))
    kernel = kernel / kernel.sum()
    channels = inputs.shape[1]
    padded = nn.functional.pad(inputs, (reach,) * 4, mode="replicate")
    down = nn.functional.conv2d(padded, kernel.view(1, 1, -1, 1).repeat(channels, 1, 1, 1), groups=channels)
    return nn.functional.conv2d(down, kernel.view(1, 1, 1, -1).repeat(channels, 1, 1, 1), groups=channels)


def order_of(heat: np.ndarray, size: tuple[int, int], seed: int = 0) -> np.ndarray:
    """Pixels (H * W,) from the hottest to the coldest; ties, as in a blank map, are broken at random."""
    enlarged = resized(heat, size).ravel()
    return np.lexsort((np.random.default_rng(seed).random(enlarged.size), -enlarged))


@torch.no_grad()
def faithfulness(network: nn.Module, inputs: torch.Tensor, target: Target, heat: np.ndarray) -> Faithfulness:
    """The test of one map: ``heat`` (h, w), the hottest places first; negative heat counts as cold as it is.

    ``inputs`` (1, C, H, W).
    """
    size = (inputs.shape[2], inputs.shape[3])
    order = order_of(heat, size)
    gone = blurred(inputs)
    fractions = np.linspace(0, 1, STEPS + 1)
    ranks = np.empty(order.size, dtype=np.int64)
    ranks[order] = np.arange(order.size)
    covered = torch.from_numpy(ranks[None] < (fractions * order.size)[:, None]).reshape(-1, 1, *size)
    probability = _probability_of(network, target)
    deletion = probability(torch.where(covered, gone, inputs))
    insertion = probability(torch.where(covered, inputs, gone))
    shown = torch.from_numpy(unit(resized(heat, size)))
    masked = float(probability(inputs * shown)[0])
    before = float(deletion[0])
    return Faithfulness(
        fractions=fractions.astype(np.float32),
        deletion=deletion,
        insertion=insertion,
        deletion_auc=float(np.trapezoid(deletion, fractions)),
        insertion_auc=float(np.trapezoid(insertion, fractions)),
        average_drop=max(0.0, before - masked) / max(before, 1e-8),
        increase=masked > before,
    )


def _probability_of(network: nn.Module, target: Target) -> Callable[[torch.Tensor], np.ndarray]:
    """The probability (B,) of the target for inputs (B, C, H, W), in batches of a bounded size."""

    def probability(inputs: torch.Tensor) -> np.ndarray:
        found = [target.probability(logits_of(network(batch))) for batch in torch.split(inputs, STEPS + 1)]
        return np.asarray(torch.cat(found).numpy())

    return probability


def unit(signed: np.ndarray) -> np.ndarray:
    """The positive part of a map, scaled to [0, 1]; all zero where nothing is positive."""
    positive = np.maximum(signed, 0)
    peak = positive.max(initial=0)
    return np.asarray(positive / peak if peak > 0 else positive, dtype=np.float32)


def mean_of(tests: list[Faithfulness]) -> Faithfulness:
    """The mean of several tests, number by number; ``increase`` where most of them have it."""

    def mean(name: str) -> np.ndarray:
        return np.asarray(np.mean([getattr(test, name) for test in tests], axis=0))

    return Faithfulness(
        fractions=tests[0].fractions,
        deletion=mean("deletion"),
        insertion=mean("insertion"),
        deletion_auc=float(mean("deletion_auc")),
        insertion_auc=float(mean("insertion_auc")),
        average_drop=float(mean("average_drop")),
        increase=bool(mean("increase") > 0.5),
    )


def random_floor(
    network: nn.Module,
    inputs: torch.Tensor,
    target: Target,
    grid: tuple[int, int],
    seed: int = 0,
    count: int = RANDOM_MAPS,
) -> Faithfulness:
    """The same test for maps that know nothing: the mean of ``count`` random maps on a grid of the same size."""
    random = np.random.default_rng(seed)
    maps = [random.random(grid, dtype=np.float32) for _ in range(count)]
    return mean_of([faithfulness(network, inputs, target, heat) for heat in maps])


def center_map(size: tuple[int, int]) -> np.ndarray:
    """A Gaussian (rows, columns) in the middle, a quarter of each side wide: where photographers put their subject."""
    down, across = (np.exp(-(np.linspace(-2, 2, side) ** 2) / 2) for side in size)
    return np.outer(down, across).astype(np.float32)
