"""The filmstrip of a run for paper: what the picture was, what the network believed, what it took for noise."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from shared.arrays import evenly
from shared.render import style
from shared.render.denoising_picture import bytes_of
from shared.results import Trajectory

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOMENTS = 24
CELL, GAP, GROUP = 0.5, 0.03, 0.12  # inches: a picture, between pictures, between samples
LEFT, TOP, LINE = 1.25, 0.75, 0.17
NARROWEST = 7.0  # inches: room for the words above a run of few steps
VIEWS = ("x_t, the picture so far", "predicted x_0", "predicted noise")
NOISE_SPAN = 3.0  # standard deviations from gray to black and to white


def filmstrip(
    run: Trajectory, samples: Sequence[int], title: str, finding: str, source: str, moments: int = MOMENTS
) -> "Figure":
    """Three rows for each of ``samples``: x_t, predicted x_0 and predicted noise at ``moments`` evenly chosen steps.

    The last column is the final picture. x_t and x_0 are clipped to black and white; the noise is drawn from -3 to 3
    standard deviations.
    """
    steps = evenly(len(run.timesteps), moments)
    columns = len(steps) + 1
    width = max(LEFT + columns * (CELL + GAP) + 0.12, NARROWEST)
    lines = style.wrapped(finding, 8, width - 0.3, 3)
    head = TOP + LINE * len(lines)
    height = head + len(samples) * (3 * (CELL + GAP) + GROUP) + 0.4
    drawn = style.figure(width, height)
    heading = style.wrapped(title, 12, width - 0.3, 1, "bold")[0]
    style.write(drawn, 0.15 / width, 1 - 0.28 / height, heading, 12, style.LIGHT.ink, weight="bold")
    for index, line in enumerate(lines):
        style.write(drawn, 0.15 / width, 1 - (0.5 + LINE * index) / height, line, 8, style.LIGHT.muted)
    names = ["t =", *(str(int(run.timesteps[step])) for step in steps), "end"]
    for column, name in enumerate(names, start=-1):
        x = LEFT - 0.2 if column < 0 else LEFT + column * (CELL + GAP) + CELL / 2
        style.write(drawn, x / width, 1 - (head - 0.08) / height, name, 6, style.LIGHT.muted, ha="center")
    for index, sample in enumerate(samples):
        for view, name in enumerate(VIEWS):
            bottom = head + index * GROUP + (3 * index + view) * (CELL + GAP) + CELL
            _draw_row(drawn, _row(run, sample, steps, view), bottom)
            place = 1 - (bottom - CELL / 2) / height
            style.write(drawn, (LEFT - 0.08) / width, place, name, 6, style.LIGHT.ink, ha="right", va="center")
    note = "Pictures clipped to black and white; noise from −3 to 3 standard deviations. "
    below = style.wrapped(note + source, 6, width - 0.3, 1)[0]
    style.write(drawn, 0.15 / width, 0.18 / height, below, 6, style.LIGHT.muted)
    return drawn


def _draw_row(drawn: "Figure", pictures: np.ndarray, bottom: float) -> None:
    """Show the pixels of pictures (columns, H, W, 3) as they are, side by side; ``bottom`` in inches from the top."""
    width, height = drawn.get_size_inches()
    for column, picture in enumerate(pictures):
        left = LEFT + column * (CELL + GAP)
        axes = drawn.add_axes((left / width, 1 - bottom / height, CELL / width, CELL / height))
        axes.imshow(picture, interpolation="nearest", aspect="auto")
        axes.set_axis_off()


def _row(run: Trajectory, sample: int, steps: list[int], view: int) -> np.ndarray:
    """The pictures (columns, H, W, 3) uint8 of one row; only that of x_t has one for the end."""
    if view == 0:
        return bytes_of(np.concatenate([run.x[steps, sample], run.x[-1:, sample]]))
    return bytes_of(run.x0[steps, sample] if view == 1 else run.eps[steps, sample] / NOISE_SPAN)
