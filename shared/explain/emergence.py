"""When is a picture decided? What a classifier and a ruler see in the picture that the network predicts."""

import numpy as np
import torch

from shared.arrays import to_pixels
from shared.models.images import ImageModel, probabilities, to_inputs
from shared.models.layers import watched

BATCH = 500
# Cycles per picture: from shapes as large as the picture to details of two pixels.
BANDS = (("coarse", 1, 3), ("middle", 3, 6), ("fine", 6, 10), ("finest", 10, 17))


def judged(judge: ImageModel, pictures: np.ndarray) -> np.ndarray:
    """The classifier's probabilities (N, K) float32 for ``pictures`` (N, C, H, W) in [-1, 1], clipped to that range.

    The middle of each picture is read, in the size that the classifier knows.
    """
    parts = [pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH)]
    return np.concatenate([probabilities(judge, judge_inputs(judge, part)) for part in parts])


def judge_inputs(judge: ImageModel, pictures: np.ndarray) -> torch.Tensor:
    """Pictures (N, C, H, W) in [-1, 1] as the classifier's inputs."""
    pixels = to_pixels(pictures)
    rows, columns = judge.preparation.size
    top, left = (pixels.shape[2] - rows) // 2, (pixels.shape[3] - columns) // 2
    middle = pixels[:, :, top : top + rows, left : left + columns].transpose(0, 2, 3, 1)
    return to_inputs(judge.preparation, np.broadcast_to(middle, (*middle.shape[:3], 3)))


def settled(answers: np.ndarray) -> np.ndarray:
    """From which step on each answer stays: ``answers`` (S, N) class indices to (N,) steps."""
    same = answers == answers[-1]
    return np.array([len(same) - run for run in np.cumprod(same[::-1], axis=0).sum(0)])


def spectrum(pictures: np.ndarray) -> np.ndarray:
    """The two-dimensional Fourier transform of pictures (..., C, H, W), clipped to [-1, 1]; of the same shape."""
    return np.asarray(np.fft.fft2(np.clip(pictures.astype(np.float64), -1, 1)))


def in_bands(values: np.ndarray) -> np.ndarray:
    """Values at the frequencies of ``spectrum`` (..., H, W) summed over the ring of each of ``BANDS``: (..., B).

    The mean brightness (frequency 0) belongs to none.
    """
    height, width = values.shape[-2:]
    rows, columns = np.fft.fftfreq(height) * height, np.fft.fftfreq(width) * width
    radius = np.hypot(rows[:, None], columns[None])
    return np.stack([values[..., (radius >= low) & (radius < high)].sum(-1) for _, low, high in BANDS], axis=-1)


def emergence(predicted: np.ndarray, final: np.ndarray) -> np.ndarray:
    """How much of the final picture is there in each band: (S, B) in [-1, 1], 1 where the structures are the same.

    ``predicted`` (S, N, C, H, W), ``final`` (N, C, H, W). In each ring of frequencies the correlation of the two,
    Re(sum F_p F_f*) / sqrt(sum |F_p|^2 sum |F_f|^2), sums over samples and colors. The power alone would not do: a
    prediction made out of pure noise is rough, so it has power everywhere and none of it belongs to the picture.
    """
    seen, known = spectrum(predicted), spectrum(final)
    shared = in_bands((seen * known.conj()).real).sum((1, 2))
    power = in_bands(np.abs(seen) ** 2).sum((1, 2)) * in_bands(np.abs(known) ** 2).sum((0, 1))
    # A band in which there is next to nothing has no structure that could be alike.
    least = 1e-12 * in_bands(np.abs(known) ** 2).sum() ** 2
    return np.asarray(shared / np.sqrt(np.maximum(power, max(least, 1e-24))))


def half_reached(shares: np.ndarray) -> list[int | None]:
    """The step from which each band of ``shares`` (S, B) stays at one half or above; None where it never does."""
    below = shares < 0.5
    last = [int(np.flatnonzero(column)[-1]) + 1 if column.any() else 0 for column in below.T]
    return [step if step < len(shares) else None for step in last]


def features(judge: ImageModel, pictures: np.ndarray) -> np.ndarray:
    """What the classifier's last layer reads of ``pictures`` (N, C, H, W) in [-1, 1]: (N, D) float64."""
    seen: list[torch.Tensor] = []
    before_last = [module for module in judge.network.modules() if not list(module.children())][-2]
    with torch.no_grad(), watched({"": before_last}, lambda _, output: seen.append(output.flatten(1))):
        for start in range(0, len(pictures), BATCH):
            judge.network(judge_inputs(judge, pictures[start : start + BATCH]))
    return np.asarray(torch.cat(seen).double().numpy())


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """The Frechet distance of two clouds of features (N, D), each taken as normal.

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) (Dowson & Landau 1982; Heusel et al. 2017 on Inception features, whose
    numbers this one cannot be compared with).
    """
    means, spreads = [cloud.mean(0) for cloud in (first, second)], [np.cov(cloud.T) for cloud in (first, second)]
    # The trace of the root is the sum of the roots of the eigenvalues, which are never negative but for rounding.
    roots = np.sqrt(np.linalg.eigvals(spreads[0] @ spreads[1]).real.clip(0))
    return float(((means[0] - means[1]) ** 2).sum() + np.trace(spreads[0] + spreads[1]) - 2 * roots.sum())
