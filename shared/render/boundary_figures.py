"""A decision boundary on paper: the field with its points, and beside it the curves of the training."""

from typing import TYPE_CHECKING

import numpy as np

from shared.render import style
from shared.render.boundary_picture import COLORS, SUREST, Window
from shared.results import Points, Training

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 9.0, 5.2  # inches
FIELD = (0.065, 0.12, 0.46, 0.7)  # left, bottom, width, height of the figure


def boundary_figure(
    field: np.ndarray, points: Points, window: Window, run: Training, epoch: int, title: str, finding: str, source: str
) -> "Figure":
    """One moment: class probabilities (K, R, R) over the window, the points, losses and accuracies with a mark.

    Axes are in the points' own units. Discs were learned from, rings held out.
    """
    drawn = style.figure(WIDTH, HEIGHT)
    heading = style.wrapped(title, 12, WIDTH - 0.4, 1, "bold")[0]
    style.write(drawn, 0.02, 0.945, heading, 12, style.LIGHT.ink, weight="bold")
    for index, line in enumerate(style.wrapped(finding, 8.5, WIDTH - 0.4, 2)):
        style.write(drawn, 0.02, 0.9 - 0.035 * index, line, 8.5, style.LIGHT.muted)
    _draw_field(drawn.add_axes(FIELD), field, points, window)
    for name, values, bottom in (("loss", run.loss, 0.53), ("accuracy", run.accuracy, 0.12)):
        _draw_curves(drawn.add_axes((0.62, bottom, 0.355, 0.29)), name, values, epoch)
    note = f"Discs: training points; rings: validation points. {source}"
    style.write(drawn, 0.02, 0.02, style.wrapped(note, 6.5, WIDTH - 0.4, 1)[0], 6.5, style.LIGHT.muted)
    return drawn


def blended(field: np.ndarray) -> np.ndarray:
    """The colors (R, R, 3) in [0, 1] of class probabilities (K, R, R): the paper where nothing is sure."""
    own = np.array(COLORS[: len(field)]) / 255
    said = field.argmax(0)
    confidence = (field.max(0) - 1 / len(field)) / (1 - 1 / len(field))
    return np.asarray(1 + (own[said] - 1) * (SUREST * np.clip(confidence, 0, 1) ** 0.85)[..., None])


def _draw_field(axes: "Axes", field: np.ndarray, points: Points, window: Window) -> None:
    left, right, bottom, top = window
    (x0, y0), (x1, y1) = (points.mean + points.scale * np.array(corner) for corner in ((left, bottom), (right, top)))
    extent = (float(x0), float(x1), float(y0), float(y1))
    axes.imshow(blended(field), extent=extent, aspect="auto", interpolation="bilinear")
    across, up = np.linspace(x0, x1, field.shape[2]), np.linspace(y1, y0, field.shape[1])
    for kind in range(1 if len(field) == 2 else 0, len(field)):
        rest = np.delete(field, kind, axis=0).max(0)
        if (field[kind] > rest).any() and (field[kind] < rest).any():
            axes.contour(across, up, field[kind] - rest, levels=[0.0], colors=style.LIGHT.ink, linewidths=0.9)
    places = points.mean + points.scale * points.x
    for kind in range(len(points.classes)):
        color = "#{:02x}{:02x}{:02x}".format(*COLORS[kind])
        for ring in (False, True):
            x, y = places[(points.labels == kind) & (points.validation == ring)].T
            fill, edge, width = ("white", color, 1.2) if ring else (color, "white", 0.5)
            axes.scatter(x, y, s=20, facecolors=fill, edgecolors=edge, linewidths=width)
    axes.set_xlabel(style.plain(points.axes[0]), fontsize=8, parse_math=False)
    axes.set_ylabel(style.plain(points.axes[1]), fontsize=8, parse_math=False)
    axes.tick_params(labelsize=7, color=style.LIGHT.line)
    axes.set_xlim(extent[:2])
    axes.set_ylim(extent[2:])


def _draw_curves(axes: "Axes", name: str, values: np.ndarray, epoch: int) -> None:
    epochs = np.arange(len(values))
    for column, (color, label) in enumerate(((style.LIGHT.ink, "training"), (style.LIGHT.accent, "validation"))):
        if np.isfinite(values[:, column]).any():
            axes.plot(epochs, values[:, column], color=color, linewidth=1.4, label=label)
    axes.axvline(epoch, color=style.LIGHT.muted, linewidth=0.8, linestyle="--")
    axes.set_title(name, fontsize=8, loc="left", color=style.LIGHT.ink)
    axes.tick_params(labelsize=7, color=style.LIGHT.line)
    axes.grid(color=style.LIGHT.line, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=7, frameon=False)
