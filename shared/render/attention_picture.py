"""One head as a raster picture in a few milliseconds: what the endpoint answers with.

The publication figure of ``attention_figures`` takes matplotlib hundreds of milliseconds; this draws the same map on
the same linear scale with Pillow.
"""

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from shared.render.style import LIGHT, plain

WIDTH, MARGIN, LABELS = 960, 28, 150  # pixels
SMALLEST_LABEL = 15


@cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans as matplotlib bundles it."""
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts/ttf" / name), size)


@cache
def palette() -> np.ndarray:
    """The 256 colors of the map (256, 3) uint8, low values like paper."""
    import matplotlib

    colors: np.ndarray = np.rint(matplotlib.colormaps["magma_r"](np.arange(256))[:, :3] * 255).astype(np.uint8)
    return colors


def head_picture(weights: np.ndarray, labels: Sequence[str], title: str, finding: str, source_line: str) -> bytes:
    """A PNG of the attention of one head, ``weights`` (N, N) in [0, 1]; rows are queries, columns keys.

    The colors run linearly from 0 to the largest weight, which stands beside the scale. Labels are thinned where
    there is no room for all.
    """
    lines = wrapped(plain(finding), font(22), WIDTH - 2 * MARGIN)
    side = WIDTH - 2 * MARGIN - LABELS
    left, top = MARGIN + LABELS, MARGIN + 44 + 30 * len(lines) + LABELS
    sheet = Image.new("RGB", (WIDTH, top + side + 110), LIGHT.paper)
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN, MARGIN - 6), plain(title), LIGHT.ink, font(28, bold=True))
    for i, line in enumerate(lines):
        draw.text((MARGIN, MARGIN + 38 + 30 * i), line, LIGHT.ink, font(22))
    largest = float(weights.max()) or 1.0
    shades = palette()[np.rint(255 * np.clip(weights / largest, 0, 1)).astype(np.uint8)]
    sheet.paste(Image.fromarray(shades).resize((side, side), Image.Resampling.NEAREST), (left, top))
    draw.rectangle((left - 1, top - 1, left + side, top + side), outline=LIGHT.line)
    write_labels(sheet, labels, left, top, side)
    write_scale(sheet, left, top + side + 22, largest)
    draw.text((MARGIN, top + side + 78), plain(source_line), LIGHT.muted, font(16))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", compress_level=1)
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
    letters = font(int(min(20, max(13, cell * every * 0.8))))
    strip = Image.new("RGB", (LABELS - 8, side), LIGHT.paper)
    beside, upright = ImageDraw.Draw(sheet), ImageDraw.Draw(strip)
    for i in range(0, len(labels), every):
        text = fitted(plain(labels[i]), letters, LABELS - 14)
        middle = (i + 0.5) * cell
        beside.text((left - 8, top + middle), text, LIGHT.ink, letters, anchor="rm")
        upright.text((0, middle), text, LIGHT.ink, letters, anchor="lm")
    sheet.paste(strip.transpose(Image.Transpose.ROTATE_90), (left, top - LABELS))


def write_scale(sheet: Image.Image, left: int, top: int, largest: float) -> None:
    """The colors with their limits, and what they mean."""
    ramp = Image.fromarray(np.repeat(palette()[None], 16, axis=0)).resize((300, 16))
    sheet.paste(ramp, (left, top))
    draw = ImageDraw.Draw(sheet)
    draw.text((left, top + 20), "0", LIGHT.muted, font(16))
    draw.text((left + 300, top + 20), f"{largest:.2f}", LIGHT.muted, font(16), anchor="ra")
    draw.text((left + 320, top - 2), "attention (rows sum to 1)", LIGHT.muted, font(16))
