"""The sheet that photographs with heat are drawn on: a heading, rows of cells, one scale, the source.

Lengths are inches from the top left corner, type sizes are points.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from shared.render.attention_figures import FINDING_SIZE, GAP, LINE_SPACING, MARGIN, SMALL_SIZE, TITLE_SIZE, WIDTH
from shared.render.overlay import Box, Sign, overlay, part, rgb, scaled
from shared.render.style import FONT, figure, palette, plain, widest, wrapped, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME_SIZE = 8.0
GUTTER, SLIMMEST_CELL, FEWEST_COLUMNS = 0.10, 0.86, 2
FILLED = 0.94  # of a line: lines are broken by their mean width of letters
PIXELS_PER_INCH = 250
SCALE_WIDE, SCALE_TALL, FOOT = 2.2, 0.10, 0.40
BEHIND_THE_SCALE = 128  # a medium gray stands for the photo


@dataclass(frozen=True)
class Words:
    """What is written around the cells: the question, the finding, what the scale means, where it all comes from."""

    title: str
    finding: str
    scale: str
    source: str


@dataclass(frozen=True)
class Look:
    """How heat is drawn; see ``overlay`` for the formula."""

    sign: Sign
    opacity: float
    threshold: float
    colormap: str
    dark: bool


@dataclass(frozen=True)
class Cell:
    """One photo under its heat; ``values`` (h, w) signed, full color at ``peak``; texts above and below, one a line."""

    photo: Image.Image | np.ndarray
    box: Box
    values: np.ndarray
    peak: float
    above: str = ""
    below: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """An empty figure, addressed in inches from its top left corner."""

    figure: "Figure"
    wide: float
    tall: float

    def axes(self, left: float, top: float, wide: float, tall: float) -> "Axes":
        """New axes without ticks."""
        place = (left / self.wide, 1 - (top + tall) / self.tall, wide / self.wide, tall / self.tall)
        axes = self.figure.add_axes(place, xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        return axes

    def write(self, left: float, top: float, text: str, size: float, color: str, **options: Any) -> None:
        """One literal line whose top left corner is given."""
        write(self.figure, left / self.wide, 1 - top / self.tall, text, size, color, va="top", **options)


@dataclass(frozen=True)
class Line:
    """One written line."""

    left: float
    top: float
    text: str
    size: float
    strong: bool = False
    bold: bool = False


@dataclass(frozen=True)
class Place:
    """Where the photo of a cell lies."""

    left: float
    top: float
    wide: float
    tall: float
    cell: Cell


class Column:
    """What has been placed so far, from the top of the sheet down to ``y``."""

    def __init__(self, wide: float) -> None:
        """An empty column of ``wide`` inches, margins included."""
        self.wide, self.y = wide, MARGIN
        self.lines: list[Line] = []
        self.places: list[Place] = []

    def text(self, text: str, size: float, most: int, strong: bool = False, bold: bool = False) -> None:
        """Text over the whole width, in at most ``most`` lines; nothing for no text."""
        if text:
            self._abreast([text], [MARGIN], self.wide - 2 * MARGIN, size, most, strong, bold)

    def row(self, cells: Sequence[Cell], columns: int, name: str, tallest: float, heads: Sequence[str]) -> None:
        """Cells side by side under their ``heads``, no photo taller than ``tallest`` times the width of its cell."""
        wide = (self.wide - 2 * MARGIN - (columns - 1) * GUTTER) / columns
        lefts = [MARGIN + i * (wide + GUTTER) for i in range(columns)]
        self._abreast(heads, lefts, wide, NAME_SIZE, 2, True, True)
        self.y += GAP if heads else 0
        self.text(name, SMALL_SIZE, 1, strong=True)
        self._abreast([cell.above for cell in cells], lefts, wide, NAME_SIZE, 2, True, False)
        self.y += GAP / 2
        places = [_place(cell, left, self.y, wide, tallest) for left, cell in zip(lefts, cells, strict=False)]
        self.places += places
        self.y = max(self._below(place, wide) for place in places) + 2 * GAP

    def _below(self, place: Place, wide: float) -> float:
        """The texts below one photo; returns where they end."""
        y = place.top + place.tall + GAP / 2
        for text in place.cell.below:
            for line in broken(text, SMALL_SIZE, wide, 2):
                self.lines.append(Line(place.left, y, line, SMALL_SIZE))
                y += SMALL_SIZE * LINE_SPACING / 72
        return y

    def _abreast(
        self,
        texts: Sequence[str],
        lefts: Sequence[float],
        wide: float,
        size: float,
        most: int,
        strong: bool,
        bold: bool,
    ) -> None:
        """Texts beside one another, aligned at the bottom of the tallest."""
        weight, step = "bold" if bold else "normal", size * LINE_SPACING / 72
        blocks = [broken(text, size, wide, most, weight) if text else [] for text in texts]
        tallest = max((len(block) for block in blocks), default=0)
        for left, block in zip(lefts, blocks, strict=False):
            for i, line in enumerate(block, start=tallest - len(block)):
                self.lines.append(Line(left, self.y + i * step, line, size, strong, bold))
        self.y += tallest * step


def broken(text: str, size: float, wide: float, most: int, weight: str = "normal") -> list[str]:
    """``text`` in one line where that fits in ``wide`` inches, else in at most ``most``."""
    text = plain(text)
    return [text] if widest([text], size, weight) <= wide else wrapped(text, size, FILLED * wide, most, weight)


def _place(cell: Cell, left: float, top: float, wide: float, tallest: float) -> Place:
    width, height = rgb(cell.photo).size
    tall = min(wide * height / width, wide * tallest)
    return Place(left, top, tall * width / height, tall, cell)


def draw(
    rows: Sequence[Sequence[Cell]],
    names: Sequence[str],
    words: Words,
    look: Look,
    tallest: float,
    heads: Sequence[str] = (),
) -> "Figure":
    """All rows, with their ``names``, on one sheet; ``heads`` of the columns stand above the first row.

    The sheet is 4.8 inches wide, wider where many cells stand side by side.
    """
    columns = max(FEWEST_COLUMNS, *(len(row) for row in rows))
    column = Column(max(WIDTH, 2 * MARGIN + columns * SLIMMEST_CELL + (columns - 1) * GUTTER))
    column.text(words.title, TITLE_SIZE, 2, strong=True, bold=True)
    column.y += GAP
    column.text(words.finding, FINDING_SIZE, 4)
    column.y += 2 * GAP
    for i, (cells, name) in enumerate(zip(rows, names, strict=True)):
        column.row(cells, columns, name, tallest, heads if i == 0 else ())
    scale = column.y + GAP
    column.y = scale + FOOT
    column.text(words.scale, SMALL_SIZE, 3)
    column.y += GAP
    column.text(words.source, SMALL_SIZE, 2)
    return _drawn(column, scale, look)


def _drawn(column: Column, scale: float, look: Look) -> "Figure":
    colors, tall = palette(look.dark), column.y + MARGIN
    sheet = Sheet(figure(column.wide, tall, look.dark), column.wide, tall)
    for line in column.lines:
        color = colors.ink if line.strong else colors.muted
        sheet.write(line.left, line.top, line.text, line.size, color, weight="bold" if line.bold else "normal")
    for place in column.places:
        axes = sheet.axes(place.left, place.top, place.wide, place.tall)
        longest = round(PIXELS_PER_INCH * max(place.wide, place.tall))
        axes.imshow(np.asarray(picture(place.cell, look, longest)), aspect="auto", interpolation="antialiased")
    _draw_scale(sheet.axes(MARGIN, scale, SCALE_WIDE, SCALE_TALL), look)
    return sheet.figure


def picture(cell: Cell, look: Look, longest: int) -> Image.Image:
    """The photo of a cell under its heat, with a longest side of ``longest`` pixels."""
    photo, box = scaled(rgb(cell.photo), cell.box, longest)
    values = part(cell.values, look.sign, cell.peak)
    return overlay(photo, values, box, look.opacity, look.threshold, look.sign == "signed", look.colormap, look.dark)


def _draw_scale(axes: "Axes", look: Look) -> None:
    """The same heat on gray, from the least to the most; a threshold shows as bare gray."""
    signed = look.sign == "signed"
    low, high, steps = -1.0 if signed else 0.0, 1.0, 256
    gray = np.full((1, steps, 3), BEHIND_THE_SCALE, np.uint8)
    ramp = np.linspace(low, high, steps)[None]
    strip = overlay(gray, ramp, (0, 0, 1, steps), look.opacity, look.threshold, signed, look.colormap)
    axes.imshow(np.asarray(strip), aspect="auto", extent=(low, high, 0, 1), interpolation="nearest")
    ticks = (low, (low + high) / 2, high)
    axes.set_xticks(ticks, [f"{tick:g}".replace("-", "−") for tick in ticks])
    colors = palette(look.dark)
    axes.tick_params(length=2, color=colors.line, labelcolor=colors.ink, labelsize=SMALL_SIZE, labelfontfamily=FONT)
    axes.get_xticklabels()[0].set_horizontalalignment("left")
    axes.get_xticklabels()[-1].set_horizontalalignment("right")
