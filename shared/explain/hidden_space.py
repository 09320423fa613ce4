"""Where a hidden layer puts the points: its activations, flattened to a plane."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from shared.models.plane_network import Shape, layer_values

STRIDE = 25  # iterations of t-SNE between two pictures
EARLY, LATE = 250, 500  # iterations with and without early exaggeration
PERPLEXITY = 30.0
SMALL = 1e-4  # spread of the places where t-SNE begins


@dataclass(frozen=True)
class Projection:
    """A plane in the space of H units: ``mean`` (H,) and two axes ``components`` (2, H) float64, which rows project on.

    ``explained`` (2,) are the shares of the variance along them; ``exact``: nothing is lost, because H is at most 2.
    """

    mean: np.ndarray
    components: np.ndarray
    explained: np.ndarray
    exact: bool


@torch.no_grad()
def activations(shape: Shape, weights: np.ndarray, x: np.ndarray, layer: int) -> np.ndarray:
    """What hidden ``layer`` makes of points ``x`` (N, 2) with the flat ``weights`` (P,): (N, H) float64."""
    frames = torch.from_numpy(np.ascontiguousarray(weights))[None]
    return layer_values(shape, frames, torch.from_numpy(x))[layer][0].double().numpy()


def project(values: np.ndarray) -> Projection:
    """The plane of the two principal components of ``values`` (N, H); for H of at most 2 the space itself.

    Of the two possible signs of an axis the one is taken that makes its largest part positive.
    """
    count, units = values.shape
    if units <= 2:
        spread = np.append(values.var(0), [0.0] * (2 - units))
        axes = np.eye(2)[:, :units]
        return Projection(np.zeros(units), axes, spread / max(spread.sum(), 1e-30), exact=True)
    mean = values.mean(0)
    _, singular, axes = np.linalg.svd(values - mean, full_matrices=count < 2)
    axes, variance = axes[:2], np.append(singular, [0.0, 0.0])[:2] ** 2
    axes = axes * np.where(axes[[0, 1], np.abs(axes).argmax(1)] < 0, -1.0, 1.0)[:, None]
    return Projection(mean, axes, variance / max(float((singular**2).sum()), 1e-30), exact=False)


def beginning(values: np.ndarray, seed: int) -> np.ndarray:
    """Where t-SNE begins: the plane of ``project`` made small (N, 2), and a little noise for points on one spot."""
    plane = project(values)
    places = (values - plane.mean) @ plane.components.T
    places = (places - places.mean(0)) * (SMALL / max(float(places.std(0).max()), 1e-12))
    return np.asarray(places + np.random.default_rng(seed).normal(0, SMALL / 100, places.shape))


def neighbors(values: np.ndarray, seed: int) -> Iterator[tuple[int, np.ndarray]]:
    """t-SNE (van der Maaten and Hinton 2008) of ``values`` (N, H), N > 9, by openTSNE (Policar et al. 2024).

    Yields (iterations done, positions (N, 2) float64) every ``STRIDE`` of ``EARLY + LATE`` iterations. It keeps who is
    near to whom; distances between groups and the sizes of groups mean nothing.
    """
    from openTSNE import TSNEEmbedding, affinity

    known = affinity.PerplexityBasedNN(
        values, perplexity=min(PERPLEXITY, (len(values) - 1) / 3), method="exact", random_state=seed, n_jobs=1
    )
    embedding = TSNEEmbedding(
        beginning(values, seed), known, negative_gradient_method="bh", random_state=seed, n_jobs=1
    )
    for done in range(STRIDE, EARLY + LATE + 1, STRIDE):
        early = done <= EARLY
        embedding = embedding.optimize(
            n_iter=STRIDE, exaggeration=12 if early else None, momentum=0.5 if early else 0.8, inplace=False
        )
        yield done, np.asarray(embedding, dtype=np.float64)
