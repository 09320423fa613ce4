"""Small arithmetic that every layer needs."""

import numpy as np


def evenly(number: int, count: int) -> list[int]:
    """At most ``count`` of the indices of ``number`` things, evenly spaced, the first and the last among them."""
    return sorted({round(place) for place in np.linspace(0, number - 1, min(count, number))})


def to_pixels(pictures: np.ndarray) -> np.ndarray:
    """Pictures in [-1, 1], of any shape, as uint8; what lies beyond is clipped to black and white."""
    values = np.rint(np.clip((np.asarray(pictures, dtype=np.float32) + 1) * 127.5, 0, 255))
    return np.asarray(values, dtype=np.uint8)
