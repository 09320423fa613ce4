"""A drawn digit, prepared as those of MNIST were."""

import numpy as np
from PIL import Image

from shared.problems import Problem

SIDE, INK = 28, 20


def like_mnist(pixels: np.ndarray) -> np.ndarray:
    """Bright ink on black (H, W) uint8 to (28, 28) uint8, centered as in MNIST.

    LeCun et al. 1998 ("Gradient-based learning applied to document recognition", section III-A): the digit is fitted
    into 20 x 20 with its proportions kept, and moved by whole pixels until its center of mass lies in the middle of
    28 x 28. A digit whose mass lies far to one side stops at the border. Raises ``Problem`` where there is no ink.
    """
    rows, columns = np.nonzero(pixels)
    if not rows.size:
        raise Problem("The pad is still empty; draw a digit on it first.")
    ink = pixels[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    part = INK / max(ink.shape)
    height, width = (max(1, round(side * part)) for side in ink.shape)
    small = np.asarray(Image.fromarray(ink).resize((width, height), Image.Resampling.BOX))
    picture = np.zeros((SIDE, SIDE), np.uint8)
    top, left = start(small, axis=0), start(small, axis=1)
    picture[top : top + height, left : left + width] = small
    return picture


def start(ink: np.ndarray, axis: int) -> int:
    """The first row (axis 0) or column (axis 1) of 28 from which the center of mass of ``ink`` comes to the middle."""
    mass = ink.sum(axis=1 - axis, dtype=np.float64)
    center = float((np.arange(mass.size) * mass).sum() / max(mass.sum(), 1.0))
    return int(np.clip(round((SIDE - 1) / 2 - center), 0, SIDE - mass.size))
