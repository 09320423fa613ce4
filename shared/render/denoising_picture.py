"""Samples as one picture, and a run as a film."""

import io
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from shared.arrays import evenly, to_pixels
from shared.render.animation import captioned, gif

GAP = 1  # pixels of a sample between two of them
FRAME_MILLISECONDS, LAST_FRAME_MILLISECONDS = 80, 1600
MOST_FRAMES = 60
GIF_WIDTH = 480


def bytes_of(pictures: np.ndarray) -> np.ndarray:
    """Pictures (..., C, H, W) in [-1, 1] as uint8 (..., H, W, 3)."""
    last = np.moveaxis(to_pixels(pictures), -3, -1)
    return last if last.shape[-1] == 3 else np.repeat(last, 3, axis=-1)


def columns_for(samples: int) -> int:
    """How many samples stand side by side: 16 as 4 x 4, 10 as 5 x 2. The viewer makes the same choice."""
    return next((count for count in (4, 5, 3, 2) if samples % count == 0), math.ceil(math.sqrt(samples)))


def grid(pictures: np.ndarray, width: int) -> Image.Image:
    """Samples (N, C, H, W) in [-1, 1] as a grid about ``width`` pixels wide, each pixel enlarged by a whole number."""
    pixels = bytes_of(pictures)
    columns = columns_for(len(pixels))
    rows = -(-len(pixels) // columns)
    height, breadth = pixels.shape[1] + GAP, pixels.shape[2] + GAP
    sheet = np.full((rows * height - GAP, columns * breadth - GAP, 3), 255, np.uint8)
    for index, picture in enumerate(pixels):
        top, left = index // columns * height, index % columns * breadth
        sheet[top : top + height - GAP, left : left + breadth - GAP] = picture
    times = max(1, width // sheet.shape[1])
    return Image.fromarray(sheet.repeat(times, 0).repeat(times, 1))


def grid_png(pictures: np.ndarray, width: int = 640) -> bytes:
    """The same as a PNG file."""
    buffer = io.BytesIO()
    grid(pictures, width).save(buffer, "PNG")
    return buffer.getvalue()


def film_gif(x: np.ndarray, timesteps: Sequence[int]) -> bytes:
    """A run as a GIF: ``x`` (F + 1, N, C, H, W) in [-1, 1] and the noise level before each of its F steps.

    At most ``MOST_FRAMES`` frames, evenly chosen, each with its level and a line that grows; the last one stands.
    """
    names = [f"t = {int(t)}" for t in timesteps] + ["done"]
    frames = [
        captioned(grid(x[index], GIF_WIDTH), names[index], (index + 1) / len(x))
        for index in evenly(len(x), MOST_FRAMES)
    ]
    return gif(frames, FRAME_MILLISECONDS, LAST_FRAME_MILLISECONDS)
