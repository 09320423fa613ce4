"""A loss landscape on paper: contours with the optimizers' ways, and beside them the losses over the epochs."""

from typing import TYPE_CHECKING

import numpy as np

from shared.render import style
from shared.render.landscape_picture import LINES, WAYS, heights
from shared.results import LossLandscape

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 9.0, 5.2  # inches
MAP = (0.07, 0.12, 0.42, 0.7)  # left, bottom, width, height of the figure
BAR = (0.5, 0.12, 0.012, 0.7)
WIDE = 30  # a ratio of losses from which they are drawn on a log scale
CURVES = (0.62, 0.12, 0.355, 0.7)


def landscape_figure(landscape: LossLandscape, epoch: int | None, title: str, finding: str, source: str) -> "Figure":
    """The landscape on a log scale, darker is lower; ``epoch`` is marked on the ways and on the curves."""
    drawn = style.figure(WIDTH, HEIGHT)
    heading = style.wrapped(title, 12, WIDTH - 0.4, 1, "bold")[0]
    style.write(drawn, 0.02, 0.945, heading, 12, style.LIGHT.ink, weight="bold")
    for index, line in enumerate(style.wrapped(finding, 8.5, WIDTH - 0.4, 2)):
        style.write(drawn, 0.02, 0.9 - 0.035 * index, line, 8.5, style.LIGHT.muted)
    _draw_map(drawn, landscape, epoch)
    _draw_curves(drawn.add_axes(CURVES), landscape, epoch)
    style.write(drawn, 0.02, 0.02, style.wrapped(source, 6.5, WIDTH - 0.4, 1)[0], 6.5, style.LIGHT.muted)
    return drawn


def _draw_map(figure: "Figure", landscape: LossLandscape, epoch: int | None) -> None:
    axes = figure.add_axes(MAP)
    grid = heights(landscape.loss)
    levels = np.linspace(float(grid.min()), max(float(grid.max()), float(grid.min()) + 1e-9), 4 * LINES + 1)
    filled = axes.contourf(landscape.alpha, landscape.beta, grid, levels=levels, cmap="viridis")
    axes.contour(
        landscape.alpha,
        landscape.beta,
        grid,
        levels=levels[::4],
        colors="white",
        linewidths=0.3,
        linestyles="solid",
        alpha=0.6,
    )
    for number, path in enumerate(landscape.paths):
        color = "#{:02x}{:02x}{:02x}".format(*WAYS[number % len(WAYS)])
        x, y = path.coordinates.T
        axes.plot(x, y, color=style.LIGHT.ink, linewidth=2.6)
        axes.plot(x, y, color=color, linewidth=1.4, marker=".", markersize=3)
        place = len(x) - 1 if epoch is None else int(np.abs(path.epochs - epoch).argmin())
        axes.plot(x[place], y[place], "o", color=color, markeredgecolor=style.LIGHT.ink, markersize=8)
    axes.plot(0, 0, "x", color="white", markersize=8, markeredgewidth=2)
    axes.set_xlim(*landscape.alpha[[0, -1]])
    axes.set_ylim(*landscape.beta[[0, -1]])
    axes.set_xlabel(style.plain(landscape.axes[0]), fontsize=8, parse_math=False)
    axes.set_ylabel(style.plain(landscape.axes[1]), fontsize=8, parse_math=False)
    axes.tick_params(labelsize=7, color=style.LIGHT.line)
    scale = figure.colorbar(filled, cax=figure.add_axes(BAR))
    ticks = np.linspace(levels[0], levels[-1], 6)
    scale.set_ticks(ticks.tolist(), labels=[f"{10**tick:.3g}" for tick in ticks])
    scale.ax.tick_params(labelsize=7)
    scale.ax.set_title("loss", fontsize=7, color=style.LIGHT.muted)


def _draw_curves(axes: "Axes", landscape: LossLandscape, epoch: int | None) -> None:
    for number, path in enumerate(landscape.paths):
        color = (style.LIGHT.ink, style.LIGHT.accent, "#d35400", "#8e44ad", "#7f8c8d")[number % 5]
        axes.plot(path.epochs, path.loss, color=color, linewidth=1.5, label=style.plain(path.name))
        axes.plot(path.epochs, path.plane_loss, color=color, linewidth=0.9, linestyle=":")
    if epoch is not None:
        axes.axvline(epoch, color=style.LIGHT.muted, linewidth=0.8, linestyle="--")
    shown = np.concatenate([np.concatenate([path.loss, path.plane_loss]) for path in landscape.paths])
    shown = shown[np.isfinite(shown) & (shown > 0)]
    if len(shown) and shown.max() > WIDE * shown.min():
        axes.set_yscale("log")
    axes.set_title("true loss (line), loss in the plane under it (dots)", fontsize=8, loc="left")
    axes.set_xlabel("epoch", fontsize=8)
    axes.tick_params(labelsize=7, color=style.LIGHT.line)
    axes.grid(color=style.LIGHT.line, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    legend = axes.legend(fontsize=7, frameon=False)
    for text in legend.get_texts():
        text.set_parse_math(False)
