"""Decision boundaries as pixels: the field of a network in its classes' colors, its border, the points, a film.

All is drawn in places of one palette of 256 colors, so that a GIF needs no search for colors.
"""

import io
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
from PIL import Image, ImageColor, ImageDraw

from shared.render.animation import MARGIN, PROGRESS, STRIP, encoded
from shared.render.attention_picture import fitted, font
from shared.render.style import LIGHT, plain
from shared.results import Points

# As in web/boundary_paint.js: a blue and an orange, then Okabe and Ito's set for readers who see colors differently.
COLORS = (
    (34, 113, 178), (226, 122, 20), (0, 148, 112), (196, 106, 158), (74, 168, 224), (178, 62, 22), (186, 168, 20),
    (118, 124, 130), (134, 96, 62), (98, 84, 168),
)  # fmt: skip
SUREST = 0.66  # how much of its class's color the surest place wears
INKS = 10  # shades from paper to ink
RADIUS = 4.0  # pixels of a point
Window = tuple[float, float, float, float]


@cache
def palette(classes: int) -> np.ndarray:
    """The colors (256, 3) uint8: shades of ink, the classes' own colors, then the field's."""
    paper, ink = (np.array(ImageColor.getrgb(color), dtype=np.float64) for color in (LIGHT.paper, LIGHT.ink))
    inks = paper + np.linspace(0, 1, INKS)[:, None] * (ink - paper)
    own = np.array(COLORS[:classes], dtype=np.float64)
    levels = levels_of(classes)
    if classes == 2:
        sure = 2 * np.linspace(0, 1, levels) - 1
        field = paper + (own[(sure > 0).astype(int)] - paper) * (SUREST * np.abs(sure) ** 0.85)[:, None]
    else:
        sure = 0.06 + (SUREST - 0.06) * np.linspace(0, 1, levels)
        field = (paper + (own[:, None] - paper) * sure[None, :, None]).reshape(-1, 3)
    colors = np.concatenate([inks, own, field])
    filled: np.ndarray = np.rint(np.pad(colors, ((0, 256 - len(colors)), (0, 0)))).astype(np.uint8)
    return filled


def levels_of(classes: int) -> int:
    """Colors of the field: of the whole scale between two classes, or of each class's confidence."""
    return 256 - INKS - classes if classes == 2 else (256 - INKS - classes) // classes


def shaded(field: np.ndarray) -> np.ndarray:
    """Places in the palette (H, W) uint8 of class probabilities (K, H, W), with the border between answers in ink."""
    classes, levels = len(field), levels_of(len(field))
    said = (field[1] > 0.5).astype(np.uint8) if classes == 2 else field.argmax(0).astype(np.uint8)
    if classes == 2:
        places = np.rint(field[1] * (levels - 1)).astype(np.int32)
    else:
        confidence = (np.take_along_axis(field, said[None].astype(np.intp), 0)[0] - 1 / classes) / (1 - 1 / classes)
        places = said.astype(np.int32) * levels + np.rint(np.clip(confidence, 0, 1) * (levels - 1)).astype(np.int32)
    picture: np.ndarray = (places + INKS + classes).astype(np.uint8)
    border = np.zeros(said.shape, dtype=bool)
    border[:, 1:] |= said[:, 1:] != said[:, :-1]
    border[1:] |= said[1:] != said[:-1]
    picture[border] = INKS - 1
    return picture


def marked(points: Points, window: Window, side: int) -> Image.Image:
    """The points as places in the palette plus one, 0 where there is none: discs, rings for what was held out."""
    sheet = Image.new("L", (side, side))
    draw = ImageDraw.Draw(sheet)
    left, right, bottom, top = window
    across = (points.x[:, 0] - left) / (right - left) * side
    down = (top - points.x[:, 1]) / (top - bottom) * side
    for x, y, label, ring in zip(
        across.tolist(), down.tolist(), points.labels.tolist(), points.validation, strict=True
    ):
        box = (x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS)
        color = INKS + int(label) + 1
        draw.ellipse(box, fill=1 if ring else color, outline=color if ring else 1, width=2 if ring else 1)
    return sheet


def pasted(picture: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """The picture with the points on it."""
    return np.where(marks > 0, marks - 1, picture)


def boundary_png(field: np.ndarray, points: Points, window: Window) -> bytes:
    """One moment: class probabilities (K, R, R) and the points, as a PNG of R x R pixels."""
    marks = np.asarray(marked(points, window, field.shape[-1]))
    buffer = io.BytesIO()
    _colored(pasted(shaded(field), marks), len(field)).save(buffer, "PNG")
    return buffer.getvalue()


def boundary_gif(
    fields: Iterable[np.ndarray], names: Sequence[str], points: Points, window: Window, milliseconds: int = 60
) -> bytes:
    """A film of class probabilities (K, R, R), one frame for each of ``names``, with a caption under each."""
    frames: list[Image.Image] = []
    marks: np.ndarray | None = None
    for index, (field, name) in enumerate(zip(fields, names, strict=True)):
        side = field.shape[-1]
        marks = np.asarray(marked(points, window, side)) if marks is None else marks
        strip = _caption(name, (index + 1) / len(names), side)
        frames.append(_colored(np.concatenate([pasted(shaded(field), marks), strip]), len(field)))
    return encoded(frames, milliseconds, optimize=False)


def _caption(name: str, done: float, width: int) -> np.ndarray:
    """A strip with a line that grows with ``done`` and a name, as places in the palette."""
    sheet = Image.new("L", (width, STRIP))
    draw = ImageDraw.Draw(sheet)
    letters = font(14)
    text = fitted(plain(name), letters, width - 2 * MARGIN)
    draw.text((MARGIN, (STRIP + PROGRESS) / 2), text, 255, letters, anchor="lm")
    strip = np.rint(np.asarray(sheet) * ((INKS - 1) / 255)).astype(np.uint8)
    strip[:PROGRESS, : round(done * width)] = INKS - 1
    return strip


def _colored(places: np.ndarray, classes: int) -> Image.Image:
    picture = Image.fromarray(places)
    picture.putpalette(palette(classes).tobytes())
    return picture
