"""Pictures that move: a GIF in which nothing flickers."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from shared.render.attention_picture import fitted, font
from shared.render.style import LIGHT, plain

STRIP, PROGRESS, MARGIN = 30, 3, 8  # pixels
LAST = 2000  # milliseconds that the last frame is shown


def captioned(picture: Image.Image, name: str, done: float) -> Image.Image:
    """The picture with a strip below it: a line that grows with ``done`` to the full width, and a name."""
    frame = Image.new("RGB", (picture.width, picture.height + STRIP), LIGHT.paper)
    frame.paste(picture)
    draw = ImageDraw.Draw(frame)
    draw.rectangle((0, picture.height, round(done * picture.width) - 1, picture.height + PROGRESS - 1), LIGHT.accent)
    letters = font(14)
    text = fitted(plain(name), letters, picture.width - 2 * MARGIN)
    draw.text((MARGIN, picture.height + (STRIP + PROGRESS) / 2), text, LIGHT.ink, letters, anchor="lm")
    return frame


def gif(frames: Sequence[Image.Image], milliseconds: int, last: int) -> bytes:
    """Frames of one size as an endless GIF; each is shown for so long, the last one for ``last`` milliseconds.

    All share the palette that fits them best, so what does not change does not flicker.
    """
    # Every second row and column hold the same colors in a quarter of the time.
    all_colors = Image.fromarray(np.concatenate([np.asarray(frame)[::2, ::2] for frame in frames]))
    palette = all_colors.quantize(256, Image.Quantize.MEDIANCUT)
    return encoded([frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames], milliseconds, last)


def encoded(frames: Sequence[Image.Image], milliseconds: int, last: int = LAST, **options: Any) -> bytes:
    """Frames that share a palette as an endless GIF; ``options`` are Pillow's."""
    first, *rest = frames
    durations = [milliseconds] * len(rest) + [last]
    buffer = io.BytesIO()
    first.save(buffer, "GIF", save_all=True, append_images=rest, duration=durations, loop=0, **options)
    return buffer.getvalue()
