"""Saliency in a few milliseconds: the picture the endpoint answers with, the map at full size, the film as a GIF."""

import io
from collections.abc import Sequence
from typing import Literal

import numpy as np
from PIL import Image

from shared.problems import Problem
from shared.render.animation import captioned, gif
from shared.render.overlay import Box, Sign, overlay, part, rgb, scaled, top

LONGEST = 1024  # pixels
FILM_WIDTHS = (400, 320, 256, 208, 160, 128)  # pixels: the widest that fits is taken
FILM_LIMIT = 1_000_000  # bytes
FRAME_MILLISECONDS, LAST_FRAME_MILLISECONDS = 500, 1800


def saliency_picture(
    photo: Image.Image | np.ndarray,
    heatmap: np.ndarray,
    box: Box,
    opacity: float = 0.6,
    threshold: float = 0.0,
    signed: bool = False,
    colormap: str = "viridis",
    kind: Literal["jpeg", "png"] = "jpeg",
) -> bytes:
    """The photo under its heat as a file, without a word on it; arguments as for ``overlay``.

    It has the photo's size, or a longest side of 1,024 pixels where the photo is larger; ``box`` is in the photo's
    own pixels either way.
    """
    image = rgb(photo)
    if max(image.size) > LONGEST:
        image, box = scaled(image, box, LONGEST)
    picture = overlay(image, heatmap, box, opacity, threshold, signed, colormap)
    buffer = io.BytesIO()
    if kind == "png":
        picture.save(buffer, "PNG", compress_level=1)
    else:
        picture.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def full_map(heatmap: np.ndarray, box: Box, size: tuple[int, int]) -> np.ndarray:
    """``heatmap`` (h, w), bilinear, where the photo of ``size`` (H, W) shows it: (H, W) float32, 0 outside of ``box``.

    The network did not see what lies outside of the box. Raises ``Problem`` when the box leaves the photo.
    """
    top, left, height, width = box
    if min(top, left) < 0 or min(height, width) < 1 or top + height > size[0] or left + width > size[1]:
        raise Problem("The box leaves the photo; give top, left, height and width in the photo's own pixels.")
    enlarged = Image.fromarray(np.asarray(heatmap, np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    whole = np.zeros(size, np.float32)
    whole[top : top + height, left : left + width] = np.asarray(enlarged)
    return whole


def filmstrip_gif(
    photo: Image.Image | np.ndarray,
    box: Box,
    maps: Sequence[np.ndarray],
    names: Sequence[str],
    sign: Sign = "positive",
    opacity: float = 0.6,
    threshold: float = 0.0,
    colormap: str = "viridis",
    limit: int = FILM_LIMIT,
) -> bytes:
    """One frame for each layer, with its name and how far the film is: a GIF of at most ``limit`` bytes.

    ``maps`` are signed (h, w), each on its own scale, ``names`` as many. All frames share one palette, so what does
    not change does not flicker. Raises ``Problem`` without a map, and when even the smallest film is too large.
    """
    if not maps:
        raise Problem("This network has no layers to show; choose one with spatial layers.")
    parts = [part(values, sign, top(values)) for values in maps]
    room = float(FILM_WIDTHS[0])
    for width in FILM_WIDTHS:
        if width > room:
            continue
        image, small = scaled(rgb(photo), box, width)
        heats = (overlay(image, each, small, opacity, threshold, sign == "signed", colormap) for each in parts)
        frames = [
            captioned(heat, name, (i + 1) / len(parts)) for i, (heat, name) in enumerate(zip(heats, names, strict=True))
        ]
        film = gif(frames, FRAME_MILLISECONDS, LAST_FRAME_MILLISECONDS)
        if len(film) <= limit:
            return film
        room = width * (limit / len(film)) ** 0.5  # bytes grow with the area
    raise Problem("This film is too long for one file; choose fewer layers.")
