"""A loss landscape as pixels: darker is lower, contour lines, and the optimizer's way as a ball that rolls.

All is drawn in places of one palette of 256 colors, so that a GIF needs no search for colors.
"""

import io
from collections.abc import Sequence
from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from shared.render.animation import MARGIN, PROGRESS, STRIP, encoded
from shared.render.attention_picture import fitted, font
from shared.render.style import LIGHT, plain
from shared.results import LossLandscape, WeightPath

SHADES = 240  # of the field; the rest of the palette is ink
# Ways of optimizers, told apart on viridis also by readers who see colors differently: white, orange, pink, sky, red.
WAYS = ((255, 255, 255), (255, 159, 28), (255, 126, 182), (120, 200, 255), (214, 40, 40))
WHITE, INK, MUTED = SHADES, SHADES + len(WAYS), SHADES + len(WAYS) + 1
LINES = 12  # contour lines
LOWEST = 1e-4  # losses below it look alike on the log scale
BALL, ARROW = 8.0, 46.0  # pixels: radius of the ball, longest arrow


@cache
def palette() -> np.ndarray:
    """The colors (256, 3) uint8: viridis from low to high, the colors of ways, ink and muted ink."""
    from matplotlib import colormaps

    field = np.rint(colormaps["viridis"](np.linspace(0, 1, SHADES))[:, :3] * 255)
    ink = [tuple(int(color[at : at + 2], 16) for at in (1, 3, 5)) for color in (LIGHT.ink, LIGHT.muted)]
    colors = np.concatenate([field, np.array(WAYS), np.array(ink)])
    filled: np.ndarray = np.pad(colors, ((0, 256 - len(colors)), (0, 0))).astype(np.uint8)
    return filled


def heights(loss: np.ndarray) -> np.ndarray:
    """Losses (..., ) as heights on the log scale of the pictures; what is no number is as high as the highest."""
    finite = np.isfinite(loss)
    top = float(loss[finite].max()) if finite.any() else 1.0
    return np.asarray(np.log10(np.maximum(np.where(finite, loss, top), LOWEST)))


def magnified(values: np.ndarray, side: int) -> np.ndarray:
    """A square grid (R, R) as (side, side) pixels, bilinear, its outermost lines on the outermost pixels."""
    places = np.linspace(0, len(values) - 1, side)
    low = np.minimum(places.astype(int), len(values) - 2)
    share = places - low
    rows = values[low] * (1 - share)[:, None] + values[low + 1] * share[:, None]
    return np.asarray(rows[:, low] * (1 - share) + rows[:, low + 1] * share)


def field_of(landscape: LossLandscape, side: int) -> Image.Image:
    """The field with its contour lines as places in the palette; alpha to the right, beta upwards."""
    from contourpy import contour_generator

    grid = heights(landscape.loss)
    low, high = float(grid.min()), max(float(grid.max()), float(grid.min()) + 1e-9)
    smooth = magnified(grid, side)[::-1]
    picture = Image.fromarray(np.rint((smooth - low) / (high - low) * (SHADES - 1)).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    generator = contour_generator(z=grid)
    for level in np.linspace(low, high, LINES + 2)[1:-1]:
        shade = int((level - low) / (high - low) * (SHADES - 1))
        for line in generator.lines(level):
            scaled = np.asarray(line) * (side - 1) / (len(grid) - 1)
            places = [(float(x), float(side - 1 - y)) for x, y in scaled]
            draw.line(places, fill=min(SHADES - 1, shade + 36) if shade < SHADES / 2 else shade - 36)
    return picture


def pixels_of(landscape: LossLandscape, points: np.ndarray, side: int) -> list[tuple[float, float]]:
    """Where points (N, 2) of the plane lie in a picture of ``side`` pixels."""
    (left, right), (bottom, top) = landscape.alpha[[0, -1]], landscape.beta[[0, -1]]
    across = (points[:, 0] - left) / (right - left) * (side - 1)
    down = (top - points[:, 1]) / (top - bottom) * (side - 1)
    return list(zip(across.tolist(), down.tolist(), strict=True))


def draw_way(
    draw: ImageDraw.ImageDraw, landscape: LossLandscape, path: WeightPath, number: int, side: int
) -> list[tuple[float, float]]:
    """The whole way of one optimizer; returns where its moments lie."""
    places, color = pixels_of(landscape, path.coordinates, side), SHADES + number % len(WAYS)
    if len(places) > 1:
        draw.line(places, fill=INK, width=4)
        draw.line(places, fill=color, width=2)
    x, y = places[0]
    draw.ellipse((x - 5, y - 5, x + 5, y + 5), outline=color, width=2)
    return places


def draw_end(draw: ImageDraw.ImageDraw, landscape: LossLandscape, side: int) -> None:
    """A cross at the trained weights."""
    ((x, y),) = pixels_of(landscape, np.zeros((1, 2)), side)
    for width, color in ((4, INK), (2, WHITE)):
        draw.line((x - 6, y - 6, x + 6, y + 6), fill=color, width=width)
        draw.line((x - 6, y + 6, x + 6, y - 6), fill=color, width=width)


def landscape_png(landscape: LossLandscape, side: int = 640) -> bytes:
    """The landscape with all ways on it, as a PNG of ``side`` x ``side`` pixels."""
    picture = field_of(landscape, side)
    draw = ImageDraw.Draw(picture)
    for number, path in enumerate(landscape.paths):
        draw_way(draw, landscape, path, number, side)
    draw_end(draw, landscape, side)
    buffer = io.BytesIO()
    _colored(picture).save(buffer, "PNG")
    return buffer.getvalue()


def landscape_gif(
    landscape: LossLandscape, moments: Sequence[int], names: Sequence[str], side: int = 420, milliseconds: int = 80
) -> bytes:
    """The ball of the first way rolling: it lies at one of ``moments`` in each frame, with a caption below."""
    ground = field_of(landscape, side)
    draw = ImageDraw.Draw(ground)
    ways = [draw_way(draw, landscape, path, number, side) for number, path in enumerate(landscape.paths)]
    draw_end(draw, landscape, side)
    frames = []
    for index, (moment, name) in enumerate(zip(moments, names, strict=True)):
        frame = Image.new("P", (side, side + STRIP), WHITE)
        frame.paste(ground)
        pen = ImageDraw.Draw(frame)
        for number, (path, places) in enumerate(zip(landscape.paths, ways, strict=True)):
            _draw_ball(pen, landscape, path, number, places, moment)
        _draw_caption(pen, name, (index + 1) / len(names), side)
        frames.append(_colored(frame))
    return encoded(frames, milliseconds, optimize=False)


def _draw_ball(
    draw: ImageDraw.ImageDraw, landscape: LossLandscape, path: WeightPath, number: int,
    places: Sequence[tuple[float, float]], moment: int,
) -> None:  # fmt: skip
    """The ball at a moment, or at the end of a shorter way; the first one with its arrow downhill."""
    moment = min(moment, len(places) - 1)
    x, y = places[moment]
    radius = BALL if number == 0 else BALL * 0.6
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=SHADES + number % len(WAYS), outline=INK)
    if number or not np.isfinite(path.arrows).all():
        return
    lengths = np.hypot(*path.arrows.T)
    share = lengths[moment] / max(float(lengths.max()), 1e-30)
    if lengths[moment] > 0:
        across, up = path.arrows[moment] / lengths[moment] * ARROW * share**0.5
        for width, size, color in ((5, 9.0, INK), (2, 7.0, WHITE)):
            draw.line((x, y, x + across, y - up), fill=color, width=width)
            draw.polygon(_head(x + across, y - up, across, -up, size), fill=color)


def _head(x: float, y: float, across: float, down: float, size: float) -> list[tuple[float, float]]:
    """The head of an arrow that points along (across, down) and ends a little beyond (x, y)."""
    length = max(float(np.hypot(across, down)), 1e-9)
    along, aside = across / length * size, down / length * size
    return [(x + along, y + aside), (x - aside * 0.7, y + along * 0.7), (x + aside * 0.7, y - along * 0.7)]


def _draw_caption(draw: ImageDraw.ImageDraw, name: str, done: float, side: int) -> None:
    """A strip with a line that grows with ``done`` and a name."""
    letters = font(14)
    draw.rectangle((0, side, round(done * side) - 1, side + PROGRESS - 1), fill=MUTED)
    text = fitted(plain(name), letters, side - 2 * MARGIN)
    draw.text((MARGIN, side + (STRIP + PROGRESS) / 2), text, INK, letters, anchor="lm")


def _colored(picture: Image.Image) -> Image.Image:
    places = picture if picture.mode == "P" else Image.fromarray(np.asarray(picture))
    places.putpalette(palette().tobytes())
    return places
