"""What a network says everywhere in a window of the plane."""

from collections.abc import Iterator

import numpy as np
import torch

from shared.models.plane_network import Shape, forward, probabilities
from shared.results import Points

MARGIN = 0.14  # of the points' extent, on every side
EMPTY = (-2.0, 2.0, -2.0, 2.0)
AT_ONCE = 200_000  # places of all moments together


def window_of(points: Points) -> tuple[float, float, float, float]:
    """(left, right, bottom, top) around all points, in the coordinates that networks see."""
    if not len(points.x):
        return EMPTY
    low, high = points.x.min(0), points.x.max(0)
    room = MARGIN * np.maximum(high - low, 1e-3)
    left, bottom = (low - room).tolist()
    right, top = (high + room).tolist()
    return left, right, bottom, top


def places(window: tuple[float, float, float, float], resolution: int) -> np.ndarray:
    """The middles of ``resolution`` x ``resolution`` cells, row by row from the top left: (R * R, 2) float32."""
    left, right, bottom, top = window
    steps = (np.arange(resolution) + 0.5) / resolution
    x, y = np.meshgrid(left + (right - left) * steps, top - (top - bottom) * steps)
    return np.stack([x.ravel(), y.ravel()], 1).astype(np.float32)


@torch.no_grad()
def fields(
    shape: Shape, frames: np.ndarray, window: tuple[float, float, float, float], resolution: int
) -> Iterator[np.ndarray]:
    """Class probabilities (K, R, R) float32 over the window for each of the moments ``frames`` (F, P)."""
    grid = torch.from_numpy(places(window, resolution))
    weights = torch.from_numpy(np.ascontiguousarray(frames))
    for part in weights.split(max(1, AT_ONCE // len(grid))):  # type: ignore[no-untyped-call]
        for shares in probabilities(shape, forward(shape, part, grid)):
            yield shares.T.reshape(-1, resolution, resolution).numpy()
