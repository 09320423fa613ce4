"""One head as a raster picture in a few milliseconds: what the endpoint answers with.

The publication figure of ``attention_figures`` takes matplotlib hundreds of milliseconds; this draws the same map on
the same linear scale with Pillow. The picture has 256 colors in all, shades of ink and of the map, because a third of
the bytes is encoded in a fifth of the time.
"""

import io
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from shared.render.style import LIGHT, plain

WIDTH, MARGIN, LABELS = 960, 28, 150  # pixels
INKS = 12  # shades from paper to ink; the rest of the palette is the map's
MUTED, HAIRLINE = 180, 28  # how dark lesser text and lines are, of 255
SMALLEST_LABEL = 15


@cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans as matplotlib bundles it."""
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts/ttf" / name), size)


@cache
def palette() -> np.ndarray:
    """The colors of the picture (256, 3) uint8: ``INKS`` shades from paper to ink, then the map from low to high."""
    import matplotlib

    paper, ink = (np.array(ImageColor.getrgb(color)) for color in (LIGHT.paper, LIGHT.ink))
    inks = paper + np.linspace(0, 1, INKS)[:, None] * (ink - paper)
    heat = matplotlib.colormaps["magma_r"](np.linspace(0, 1, 256 - INKS))[:, :3] * 255
    colors: np.ndarray = np.rint(np.concatenate([inks, heat])).astype(np.uint8)
    return colors


def shades(values: np.ndarray) -> np.ndarray:
    """Places in the palette of ``values`` in [0, 1], any shape."""
    places: np.ndarray = (INKS + np.rint((255 - INKS) * np.clip(values, 0, 1))).astype(np.uint8)
    return places


def head_picture(weights: np.ndarray, labels: Sequence[str], title: str, finding: str, source_line: str) -> bytes:
    """A PNG of the attention of one head, ``weights`` (N, N) in [0, 1]; rows are queries, columns keys.

    The colors run linearly from 0 to the largest weight, which stands beside the scale. Labels are thinned where
    there is no room for all.
    """
    lines = wrapped(plain(finding), font(22), WIDTH - 2 * MARGIN)
    side = WIDTH - 2 * MARGIN - LABELS
    left, top = MARGIN + LABELS, MARGIN + 44 + 30 * len(lines) + LABELS
    sheet = Image.new("L", (WIDTH, top + side + 110))  # how much ink
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN, MARGIN - 6), plain(title), 255, font(28, bold=True))
    for i, line in enumerate(lines):
        draw.text((MARGIN, MARGIN + 38 + 30 * i), line, 255, font(22))
    largest = float(weights.max()) or 1.0
    draw.rectangle((left - 1, top - 1, left + side, top + side), outline=HAIRLINE)
    write_labels(sheet, labels, left, top, side)
    write_limits(draw, left, top + side + 42, largest)
    draw.text((MARGIN, top + side + 78), plain(source_line), MUTED, font(16))
    picture = sheet.point([round(ink * (INKS - 1) / 255) for ink in range(256)])
    heat = Image.fromarray(shades(weights / largest)).resize((side, side), Image.Resampling.NEAREST)
    picture.paste(heat, (left, top))
    picture.paste(Image.fromarray(shades(np.linspace(0, 1, 300)[None].repeat(16, 0))), (left, top + side + 22))
    picture.putpalette(palette().tobytes())
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def wrapped(text: str, letters: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """``text`` in lines of at most ``width`` pixels, broken between words."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and letters.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def fitted(text: str, letters: ImageFont.FreeTypeFont, width: int) -> str:
    """``text``, cut with an ellipsis where it is wider than ``width`` pixels."""
    while text and letters.getlength(text) > width:
        text = text[:-2] + "…" if len(text) > 2 else ""
    return text


def write_labels(sheet: Image.Image, labels: Sequence[str], left: int, top: int, side: int) -> None:
    """Token names beside the rows and, turned upright, above the columns."""
    cell = side / len(labels)
    every = max(1, int(np.ceil(SMALLEST_LABEL / cell)))
    size = int(min(20, max(13, cell * every * 0.8)))
    strip = Image.new("L", (LABELS - 8, side))
    for i in range(0, len(labels), every):
        word, above = drawn(plain(labels[i]), size), round((i + 0.5) * cell) - size
        strip.paste(255, (0, above), word)
        sheet.paste(255, (left - 7 - word.width, top + above), word)  # right-aligned, a little left of the map
    sheet.paste(strip.transpose(Image.Transpose.ROTATE_90), (left, top - LABELS))


@lru_cache(maxsize=4096)
def drawn(text: str, size: int) -> Image.Image:
    """One label, cut to its room, as ink (L) twice as high as its letters are large; to be pasted, not drawn on.

    Drawing words takes longer than all else here, and most of them come again.
    """
    letters = font(size)
    text = fitted(text, letters, LABELS - 14)
    word = Image.new("L", (round(letters.getlength(text)) + 1, 2 * size))
    ImageDraw.Draw(word).text((0, size), text, 255, letters, anchor="lm")
    return word


def write_limits(draw: ImageDraw.ImageDraw, left: int, top: int, largest: float) -> None:
    """The limits of the scale, and what its colors mean."""
    draw.text((left, top), "0", MUTED, font(16))
    draw.text((left + 300, top), f"{largest:.2f}", MUTED, font(16), anchor="ra")
    draw.text((left + 320, top - 22), "attention (rows sum to 1)", MUTED, font(16))
