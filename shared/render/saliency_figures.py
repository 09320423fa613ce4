"""Saliency as pictures for papers: methods x classes, and one method over the layers.

Every picture is at least 4.8 inches wide and stays legible on a page 390 pixels wide. Maps are signed, in the method's
own units: a value above 0 argued for the class, one below 0 against it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from shared.problems import Problem
from shared.render.overlay import FINE, Box, Sign, part, top
from shared.render.sheet import Cell, Look, Words, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TALLEST = 1.4  # times the width of a cell
METHODS_ABREAST, LAYERS_ABREAST = 2, 4
MEANING = {
    "positive": "heat argued for {}",
    "negative": "heat argued against {}",
    "signed": "red argued for {}, blue against",
}
FINE_NOTE = "In maps of single pixels the hottest hundredth wears full color. "
BLANK = {"positive": "blank: nothing for it", "negative": "blank: nothing against it", "signed": "blank"}


def saliency_grid(
    photo: Image.Image | np.ndarray,
    box: Box,
    maps: Mapping[tuple[str, str], np.ndarray],
    methods: Sequence[str],
    classes: Sequence[str],
    title: str,
    finding: str,
    source: str,
    sign: Sign = "positive",
    opacity: float = 0.6,
    threshold: float = 0.0,
    colormap: str = "viridis",
    dark: bool = False,
) -> "Figure":
    """Methods in rows, classes in columns; for a single class, the methods side by side.

    ``maps[method, class]`` (h, w) covers ``box`` of the photo. Full color is the largest absolute value of a method
    over all classes: classes can be compared, the units of two methods cannot. ``source`` names model and seed.
    Raises ``Problem`` when a map is missing.
    """
    wanted = [(method, name) for method in methods for name in classes]
    missing = [f"{method} for {name}" for method, name in wanted if (method, name) not in maps]
    if missing or not wanted:
        raise Problem(f"This grid has no map of {missing[0]}; compute it first." if missing else "Choose one method.")
    look = Look(sign, opacity, threshold, colormap, dark)
    if len(classes) == 1:
        cells = [own_scale(photo, box, maps[method, classes[0]], method, sign) for method in methods]
        rows = in_rows(cells, METHODS_ABREAST)
        scale = legend(sign, f"“{classes[0]}”", "its method's", threshold, maps.values())
        return draw(rows, [""] * len(rows), Words(title, finding, scale, source), look, TALLEST)
    peaks = [max(top(maps[method, name]) for name in classes) for method in methods]
    rows = [
        [Cell(photo, box, maps[method, name], peak, "", (reach(maps[method, name], peak, sign),)) for name in classes]
        for method, peak in zip(methods, peaks, strict=True)
    ]
    names = [f"{method} · 1 = {peak:.3g}" for method, peak in zip(methods, peaks, strict=True)]
    scale = legend(sign, "the class of its column", "its row's", threshold, maps.values())
    return draw(rows, names, Words(title, finding, scale, source), look, TALLEST, classes)


def filmstrip(
    photo: Image.Image | np.ndarray,
    box: Box,
    maps: Sequence[np.ndarray],
    names: Sequence[str],
    title: str,
    finding: str,
    source: str,
    sign: Sign = "positive",
    opacity: float = 0.6,
    threshold: float = 0.0,
    colormap: str = "viridis",
    dark: bool = False,
) -> "Figure":
    """One method over the layers, four abreast, first layer first; ``names`` as many as ``maps``, (h, w) each.

    Each layer has its own scale, because activations of two layers share no unit; its peak stands below it.
    Raises ``Problem`` without a map.
    """
    if not maps:
        raise Problem("This network has no layers to show; choose one with spatial layers.")
    cells = [own_scale(photo, box, values, name, sign) for values, name in zip(maps, names, strict=True)]
    rows = in_rows(cells, LAYERS_ABREAST)
    words = Words(title, finding, legend(sign, "the class", "its layer's", threshold, maps), source)
    return draw(rows, [""] * len(rows), words, Look(sign, opacity, threshold, colormap, dark), TALLEST)


def own_scale(photo: Image.Image | np.ndarray, box: Box, values: np.ndarray, name: str, sign: Sign) -> Cell:
    """A cell on its own scale, which stands below it."""
    peak = top(values)
    below = BLANK[sign] if is_blank(values, sign) else f"1 = {peak:.3g}"
    return Cell(photo, box, values, peak, name, (below,))


def is_blank(values: np.ndarray, sign: Sign) -> bool:
    """Whether nothing of the chosen sign is there."""
    return not part(values, sign, peak=1.0).any()


def reach(values: np.ndarray, peak: float, sign: Sign) -> str:
    """How far the heat of one map goes on the scale of its row."""
    if is_blank(values, sign):
        return BLANK[sign]
    low, high = float(values.min()) / peak, float(values.max()) / peak
    if sign == "signed":
        return f"{_share(low)} to {_share(high)}"
    return f"up to {-low if sign == 'negative' else high:.2f}"


def _share(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−") if abs(value) >= 0.005 else "0.00"


def legend(sign: Sign, subject: str, whose: str, threshold: float, maps: Iterable[np.ndarray]) -> str:
    """What the scale means, in a few sentences."""
    hidden = f"; up to {threshold:.2g} hidden" if threshold > 0 else ""
    return (
        f"Share of {whose} largest value: {MEANING[sign].format(subject)}{hidden}. "
        f"{FINE_NOTE if any(values.size > FINE for values in maps) else ''}"
        "Weak heat lets the photo through; the network did not see what is faded."
    )


def in_rows(cells: Sequence[Cell], abreast: int) -> list[Sequence[Cell]]:
    """Cells in rows of ``abreast``."""
    return [cells[i : i + abreast] for i in range(0, len(cells), abreast)]
