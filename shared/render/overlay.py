"""Heat over a photograph: the formula that every picture of saliency is drawn with, here and in the browser.

The color of a value v comes from the color map; it covers the photo with the opacity

    alpha(v) = opacity * |v| ** 0.75    where |v| > threshold, else 0

so that cold regions stay photo. Colors are looked up after enlarging, never mixed with one another, and enlarging is
bilinear: it stays between the computed values, where bicubic would draw rings of the opposite sign around each peak.
"""

from functools import lru_cache
from typing import Literal

import numpy as np
from PIL import Image, ImageColor, ImageDraw

from shared.problems import Problem
from shared.render.style import palette

Box = tuple[int, int, int, int]  # top, left, height, width in pixels of the photo
Sign = Literal["positive", "negative", "signed"]

COLORMAPS = ("viridis", "magma", "cividis")
DIVERGING = "RdBu_r"  # blue argues against, red for
ALPHA_POWER = 0.75
VEIL = 0.62  # of the theme's paper, over what the network did not see
# A light line on a dark one is seen on every photo.
HAIRLINE, HALO = (255, 255, 255), (96, 96, 96)
FINE, FINE_SHARE = 1024, 0.99  # values of a map that is finer than a grid, and the share of them below full color
PIXELS_STAY_SQUARE = 4  # photos enlarged at least this much are small on purpose: digits and thumbnails


def alpha(values: np.ndarray, opacity: float, threshold: float) -> np.ndarray:
    """How much of the photo each value hides, in [0, 1]; ``values`` of any shape in [-1, 1].

    Raises ``Problem`` unless 0 <= opacity <= 1 and 0 <= threshold < 1.
    """
    if not (0 <= opacity <= 1 and 0 <= threshold < 1):
        raise Problem("Choose an opacity from 0 to 1, and a threshold from 0 to just under 1.")
    size = np.abs(values)
    hidden: np.ndarray = np.where(size > threshold, opacity * size**ALPHA_POWER, 0.0)
    return hidden


def colors(name: str, values: np.ndarray) -> np.ndarray:
    """Colors (..., 3) uint8 of ``values`` in [0, 1]: any shape, on the color map ``name`` of 256 steps.

    Raises ``Problem`` when the map is not one of ``COLORMAPS`` or ``DIVERGING``.
    """
    import matplotlib

    if name not in (*COLORMAPS, DIVERGING):
        raise Problem(f"Choose one of these color maps: {', '.join(COLORMAPS)}.")
    found = matplotlib.colormaps[name](np.rint(255 * values).astype(int))[..., :3]
    triples: np.ndarray = np.rint(255 * found).astype(np.uint8)
    return triples


@lru_cache(maxsize=64)
def look_up_table(colormap: str, signed: bool, opacity: float, threshold: float) -> np.ndarray:
    """Red, green, blue and alpha (256, 4) uint8 of the levels that ``levels`` gives."""
    values = np.clip((np.arange(256) - 127) / 127, -1, 1) if signed else np.arange(256) / 255
    table = np.empty((256, 4), np.uint8)
    table[:, :3] = colors(DIVERGING, (values + 1) / 2) if signed else colors(colormap, values)
    table[:, 3] = np.rint(255 * alpha(values, opacity, threshold))
    return table


def levels(heatmap: np.ndarray, signed: bool) -> np.ndarray:
    """``heatmap`` (h, w) as uint8: 0 to 255 for 0 to 1, or, when ``signed``, 0, 127 and 254 for -1, 0 and 1.

    Values outside of the range are drawn as its limits. Raises ``Problem`` for other shapes and for NaN.
    """
    if heatmap.ndim != 2 or heatmap.size == 0 or not np.isfinite(heatmap).all():
        raise Problem("A heatmap needs rows and columns of finite numbers; check what the method returned.")
    scaled = 127 * np.clip(heatmap, -1, 1) + 127 if signed else 255 * np.clip(heatmap, 0, 1)
    steps: np.ndarray = np.rint(scaled).astype(np.uint8)
    return steps


def heat(
    heatmap: np.ndarray,
    size: tuple[int, int],
    colormap: str = "viridis",
    signed: bool = False,
    opacity: float = 1.0,
    threshold: float = 0.0,
) -> Image.Image:
    """``heatmap`` (h, w) in [0, 1], or in [-1, 1] when ``signed``, as RGBA of ``size`` (width, height) in pixels.

    Signed heat is drawn on the diverging map, whatever ``colormap`` says.
    """
    table = look_up_table(colormap, signed, opacity, threshold)
    enlarged = Image.fromarray(levels(heatmap, signed)).resize(size, Image.Resampling.BILINEAR)
    packed = np.take(table.view(np.uint32).ravel(), np.asarray(enlarged))
    return Image.fromarray(packed.view(np.uint8).reshape(size[1], size[0], 4))


def overlay(
    photo: Image.Image | np.ndarray,
    heatmap: np.ndarray,
    box: Box,
    opacity: float = 0.6,
    threshold: float = 0.0,
    signed: bool = False,
    colormap: str = "viridis",
    dark: bool = False,
) -> Image.Image:
    """The photo, an image or (H, W, 3) uint8, with its heat on ``box``: RGB, at the photo's size.

    ``heatmap`` (h, w) is in [0, 1], or in [-1, 1] when ``signed``, and covers ``box`` alone: what lies outside of it
    the network did not see, so it fades into the theme's paper behind a hairline. Where the heat is 0 the photo is
    untouched.
    Raises ``Problem`` when the box leaves the photo.
    """
    top, left, height, width = box
    picture = unseen_dimmed(rgb(photo), box, dark)
    layer = heat(heatmap, (width, height), colormap, signed, opacity, threshold)
    picture.paste(layer, (left, top), layer)
    return picture


def rgb(photo: Image.Image | np.ndarray) -> Image.Image:
    """A photo in RGB: an image of any mode, or (H, W, 3) uint8."""
    image = photo if isinstance(photo, Image.Image) else Image.fromarray(photo)
    return image if image.mode == "RGB" else image.convert("RGB")


def unseen_dimmed(photo: Image.Image, box: Box, dark: bool = False) -> Image.Image:
    """A copy of an RGB photo, veiled with paper outside of ``box``, with a hairline just outside its edge."""
    top, left, height, width = box
    if min(top, left) < 0 or min(height, width) < 1 or top + height > photo.height or left + width > photo.width:
        raise Problem("The box leaves the photo; give top, left, height and width in the photo's own pixels.")
    if (height, width) == (photo.height, photo.width):
        return photo.copy()
    paper = ImageColor.getrgb(palette(dark).paper)
    dimmed = photo.point([round((1 - VEIL) * value + VEIL * band) for band in paper for value in range(256)])
    draw = ImageDraw.Draw(dimmed)
    for away, color in ((2, HALO), (1, HAIRLINE)):
        draw.rectangle((left - away, top - away, left + width + away - 1, top + height + away - 1), outline=color)
    dimmed.paste(photo.crop((left, top, left + width, top + height)), (left, top))
    return dimmed


def scaled(photo: Image.Image, box: Box, longest: int) -> tuple[Image.Image, Box]:
    """Photo and box at another size: its longest side is ``longest`` pixels, its shape stays.

    Photos of few pixels, such as a digit of 28 x 28, keep their pixels as squares.
    """
    factor = longest / max(photo.size)
    width, height = (max(1, round(factor * side)) for side in photo.size)
    square = factor >= PIXELS_STAY_SQUARE
    method = Image.Resampling.NEAREST if square else Image.Resampling.BICUBIC
    image = photo.resize((width, height), method, reducing_gap=None if factor >= 1 else 1.0)
    top, bottom = (round(edge * height / photo.height) for edge in (box[0], box[0] + box[2]))
    left, right = (round(edge * width / photo.width) for edge in (box[1], box[1] + box[3]))
    top, left = min(top, height - 1), min(left, width - 1)
    return image, (top, left, max(1, bottom - top), max(1, right - left))


def top(values: np.ndarray) -> float:
    """The size of value that wears full color: the largest, in maps of single pixels that of the hottest hundredth.

    A few pixels of a gradient are far hotter than all others; on their scale nothing else would be seen.
    """
    size = np.abs(values)
    return float(np.quantile(size, FINE_SHARE) if size.size > FINE else size.max(initial=0))


def part(values: np.ndarray, sign: Sign, peak: float) -> np.ndarray:
    """What ``sign`` shows of signed ``values`` (h, w), as share of ``peak``: in [0, 1], or [-1, 1] for "signed".

    "negative" turns what argued against the class into heat. A peak of 0 stays blank instead of being stretched.
    """
    if sign not in ("positive", "negative", "signed"):
        raise Problem("Choose one of these signs: positive, negative, signed.")
    share = (-values if sign == "negative" else values) / peak if peak > 0 else np.zeros_like(values)
    return np.clip(share, -1 if sign == "signed" else 0, 1)
