"""Attention as pictures for papers: one head, the difference of two, the entropy of all; and one head as a table.

Every picture is 4.8 inches wide, so that its smallest type stays legible on a page 390 pixels wide. Lengths are inches
from the top left corner, type sizes are points.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shared.problems import Problem
from shared.render.style import DARK, FONT, LIGHT, families, figure, palette, plain, widest, wrapped, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

WIDTH, MARGIN, GAP, FOOT = 4.8, 0.16, 0.05, 0.96
TITLE_SIZE, FINDING_SIZE, SMALL_SIZE, LINE_SPACING = 12.0, 9.0, 7.5, 1.35
TYPICAL_MAP, TALLEST_MAP, LARGEST_CELL, LOWEST_ROW = 3.3, 6.5, 0.55, 0.14
LABEL_LIMIT = 14  # characters
SMALLEST_LABEL, LARGEST_LABEL = 6.8, 9.0
CLOSEST_LABELS, THINNED_LABELS = 7.6, 10.0  # points from label to label
LABEL_STEPS = (2, 4, 5, 8, 10, 16, 20, 25, 32, 50, 64, 100)
VALUES_UP_TO = 10  # rows and columns
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


@dataclass(frozen=True)
class Matrix:
    """What every picture here is made of: (R, C) numbers with names, and the words around them."""

    values: np.ndarray
    row_labels: Sequence[str]
    column_labels: Sequence[str]
    title: str
    finding: str
    source_line: str
    dark: bool
    row_axis: str = "from (query) ↓"
    column_axis: str = "to (key) →"


@dataclass(frozen=True)
class Labels:
    """The labels of one axis that are drawn: the cells they name, their texts, type size and longest length."""

    positions: list[int]
    texts: list[str]
    size: float
    length: float


@dataclass(frozen=True)
class Layout:
    """Where the map lies on its sheet: distances from the left and the top, its size, and the height of the sheet."""

    left: float
    top: float
    wide: float
    tall: float
    height: float

    def box(self, down: float, wide: float, tall: float) -> tuple[float, float, float, float]:
        """A rectangle that begins ``down`` inches below the map's top, in matplotlib's fractions of the sheet."""
        bottom = self.height - self.top - down - tall
        return self.left / WIDTH, bottom / self.height, wide / WIDTH, tall / self.height


def head_figure(
    weights: np.ndarray,
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    title: str,
    finding: str,
    source_line: str,
    dark: bool = False,
) -> "Figure":
    """The attention of one head, ``weights`` (R, C) in [0, 1], as a heatmap; rows are queries, columns keys.

    Up to 10 x 10 cells carry their values; longer texts have every second, fourth ... token named, with its position.
    The colors run from 0 to the largest weight, which the scale states.
    """
    matrix = Matrix(weights, row_labels, column_labels, title, finding, source_line, dark)
    largest = float(weights.max()) or 1.0
    return _draw(matrix, "magma" if dark else "magma_r", 0.0, largest, "attention (rows sum to 1)")


def difference_figure(
    a: np.ndarray,
    b: np.ndarray,
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    title: str,
    finding: str,
    source_line: str,
    dark: bool = False,
) -> "Figure":
    """Attention ``b`` minus attention ``a``, both (R, C), on a diverging map with the same limit on both sides of 0.

    Raises ``Problem`` when the shapes differ.
    """
    if a.shape != b.shape:
        raise Problem(f"A has {a.shape[0]} tokens and B has {b.shape[0]}; compare two pictures of the same tokens.")
    matrix = Matrix(b - a, row_labels, column_labels, title, finding, source_line, dark)
    limit = float(np.abs(matrix.values).max()) or 1.0
    return _draw(matrix, "berlin" if dark else "RdBu_r", -limit, limit, "attention in B minus attention in A")


def entropy_figure(
    entropy: np.ndarray, bound: float, title: str, finding: str, source_line: str, dark: bool = False
) -> "Figure":
    """The entropy of every head, ``entropy`` (L, H) in nats, on a scale from 0 to ``bound``, that of even attention."""
    layers, heads = ([str(i) for i in range(count)] for count in entropy.shape)
    matrix = Matrix(entropy, layers, heads, title, finding, source_line, dark, "layer ↓", "head →")
    return _draw(matrix, "cividis", 0.0, bound or 1.0, f"entropy in nats (even attention: {bound:.2f})")


def head_csv(weights: np.ndarray, tokens: Sequence[str]) -> str:
    """One head, ``weights`` (N, N), as RFC 4180 text: a header row of keys, then one row for each query.

    A token that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    names = [inert(token) for token in tokens]
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(["from (query) / to (key)", *names])
    for name, row in zip(names, weights, strict=True):
        writer.writerow([name, *(f"{weight:.6g}" for weight in row)])
    return buffer.getvalue()


def inert(text: str) -> str:
    """``text`` that no spreadsheet computes."""
    dangerous = text.startswith(FORMULA_SIGNS) or text.lstrip().startswith(FORMULA_SIGNS)
    return f"'{text}" if dangerous else text


def _draw(matrix: Matrix, colormap: str, low: float, high: float, scale: str) -> "Figure":
    colors = palette(matrix.dark)
    heading, below = _heading(matrix)
    rows, columns, layout = _layout(matrix, below)
    sheet = figure(WIDTH, layout.height, matrix.dark)
    for y, text, size, color, weight in heading:
        write(sheet, MARGIN / WIDTH, 1 - y / layout.height, text, size, color, weight=weight, va="top")
    source = wrapped(matrix.source_line, SMALL_SIZE, WIDTH - 2 * MARGIN, 1)[0]
    write(sheet, MARGIN / WIDTH, MARGIN / layout.height, source, SMALL_SIZE, colors.muted)
    axes = sheet.add_axes(layout.box(0, layout.wide, layout.tall))
    image = axes.imshow(matrix.values, colormap, vmin=low, vmax=high, aspect="auto", interpolation="nearest")
    _name_axes(axes, matrix, rows, columns, layout)
    if max(matrix.values.shape) <= VALUES_UP_TO:
        _print_values(axes, image, "+.2f" if low < 0 else ".2f")
    _draw_scale(sheet.add_axes(layout.box(layout.tall + 0.14, max(layout.wide, 2.4), 0.09)), image, scale, matrix.dark)
    return sheet


def _heading(matrix: Matrix) -> tuple[list[tuple[float, str, float, str, str]], float]:
    """Title and finding as (top, text, size, color, weight) of each line, and where they end."""
    colors, y, lines = palette(matrix.dark), MARGIN, []
    for text, size, color, weight, most in (
        (matrix.title, TITLE_SIZE, colors.ink, "bold", 2),
        (matrix.finding, FINDING_SIZE, colors.muted, "normal", 4),
    ):
        for line in wrapped(text, size, WIDTH - 2 * MARGIN, most, weight):
            lines.append((y, line, size, color, weight))
            y += size * LINE_SPACING / 72
        y += GAP
    return lines, y


def _layout(matrix: Matrix, below: float) -> tuple[Labels, Labels, Layout]:
    """The labels of both axes, and the map where they leave room for it."""
    rows, columns = matrix.values.shape
    row_labels = _labels(matrix.row_labels, _height(rows, columns, TYPICAL_MAP), "{text}  {position}")
    column_labels = _labels(matrix.column_labels, min(TYPICAL_MAP, columns * LARGEST_CELL), "{position}  {text}")
    left = MARGIN + max(row_labels.length, widest([matrix.row_axis], SMALL_SIZE) + 2 * GAP)
    wide = min(WIDTH - left - MARGIN, columns * LARGEST_CELL)
    tall = _height(rows, columns, wide)
    top = below + 0.30 + (LARGEST_LABEL / 72 if column_labels.length < wide / columns else column_labels.length)
    return row_labels, column_labels, Layout(left, top, wide, tall, top + tall + FOOT)


def _height(rows: int, columns: int, wide: float) -> float:
    """The height of a map with square cells, unless that makes the rows too low or the whole too tall."""
    return min(max(rows * min(wide / columns, LARGEST_CELL), min(rows, 12) * LOWEST_ROW), TALLEST_MAP)


def _labels(names: Sequence[str], length: float, thinned: str) -> Labels:
    """As many labels as ``length`` inches leave room for; when some are left out, the others say where they stand."""
    cell = 72 * length / len(names)
    wide_enough = (step for step in LABEL_STEPS if step * cell >= THINNED_LABELS)
    step = 1 if cell >= CLOSEST_LABELS else next(wide_enough, LABEL_STEPS[-1])
    positions = list(range(0, len(names), step))
    texts = [plain(names[position], LABEL_LIMIT) for position in positions]
    if step > 1:
        pairs = zip(positions, texts, strict=True)
        texts = [thinned.format(position=position, text=text) for position, text in pairs]
    size = min(max(0.8 * step * cell, SMALLEST_LABEL), LARGEST_LABEL)
    return Labels(positions, texts, size, widest(texts, size) + GAP)


def _name_axes(axes: "Axes", matrix: Matrix, rows: Labels, columns: Labels, layout: Layout) -> None:
    colors = palette(matrix.dark)
    font: dict[str, Any] = {"family": list(families()), "parse_math": False, "color": colors.ink}
    rotation = 0 if columns.length < layout.wide / matrix.values.shape[1] else 90
    axes.set_yticks(rows.positions, rows.texts, fontsize=rows.size, **font)
    axes.set_xticks(columns.positions, columns.texts, fontsize=columns.size, rotation=rotation, **font)
    axes.xaxis.tick_top()
    axes.tick_params(length=0, pad=3)
    axes.spines[:].set_visible(False)
    above = (columns.length if rotation else LARGEST_LABEL / 72) + 2 * GAP
    for x, y, text, side in (
        (0, above, matrix.column_axis, "left"),
        (-2 * GAP, 1.5 * GAP, matrix.row_axis, "right"),
    ):
        x, y = x / layout.wide, 1 + y / layout.tall
        write(axes, x, y, text, SMALL_SIZE, colors.muted, transform=axes.transAxes, ha=side, va="bottom")


def _print_values(axes: "Axes", image: "AxesImage", form: str) -> None:
    values = np.asarray(image.get_array())
    lightness = image.to_rgba(values)[..., :3] @ (0.299, 0.587, 0.114)
    for (row, column), value in np.ndenumerate(values):
        ink = DARK.ink if lightness[row, column] < 0.55 else LIGHT.ink
        text = format(value, form).replace("-", "−") if abs(value) >= 0.005 else "0.00"
        write(axes, column, row, text, SMALL_SIZE, ink, ha="center", va="center")


def _draw_scale(axes: "Axes", image: "AxesImage", label: str, dark: bool) -> None:
    """A horizontal color bar whose ends are the ends of the scale."""
    colors = palette(dark)
    bar = axes.figure.colorbar(image, cax=axes, orientation="horizontal")
    low, high = image.get_clim()
    ticks = [low, (low + high) / 2, high]
    bar.set_ticks(ticks, labels=[f"{tick:.3g}".replace("-", "−") for tick in ticks])
    bar.outline.set_visible(False)
    axes.tick_params(length=2, color=colors.line, labelcolor=colors.ink, labelsize=SMALL_SIZE, labelfontfamily=FONT)
    axes.get_xticklabels()[0].set_horizontalalignment("left")
    axes.get_xticklabels()[-1].set_horizontalalignment("right")
    write(axes, 0, -2.6, label, SMALL_SIZE, colors.muted, transform=axes.transAxes, va="top")
