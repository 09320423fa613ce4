"""The contact sheet: many photos, what the network said of each, where it looked, and how far to trust that."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from shared.problems import Problem
from shared.render.attention_figures import inert
from shared.render.overlay import Box, Sign, top
from shared.render.saliency_figures import in_rows, legend
from shared.render.sheet import Cell, Look, Words, draw
from shared.render.style import plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CARDS_ABREAST, NAME_LIMIT, LABEL_LIMIT = 3, 18, 19  # characters
COLUMNS = ("photo", "label", "probability", "faithfulness", "faithfulness of a random map")


@dataclass(frozen=True)
class Card:
    """One photo of the sheet.

    ``name`` of its file, ``photo`` (H, W, 3) uint8 or an image, ``box`` that the network saw, ``label`` it gave with
    its ``probability`` in [0, 1], ``map`` (h, w) signed; ``score``, insertion minus deletion, in [-1, 1], with the
    same for a random map as its ``floor``, both None when they were not measured.
    """

    name: str
    photo: Image.Image | np.ndarray
    box: Box
    label: str
    probability: float
    map: np.ndarray
    score: float | None = None
    floor: float | None = None


def contact_sheet(
    cards: Sequence[Card],
    title: str,
    finding: str,
    source: str,
    sign: Sign = "positive",
    opacity: float = 0.6,
    threshold: float = 0.0,
    colormap: str = "viridis",
    dark: bool = False,
) -> "Figure":
    """All cards three abreast, in the order given; every photo has its own scale. Raises ``Problem`` without a card."""
    if not cards:
        raise Problem("This sheet is empty; add at least one photo.")
    cells = [
        Cell(card.photo, card.box, card.map, top(card.map), plain(card.name, NAME_LIMIT), said(card)) for card in cards
    ]
    rows = in_rows(cells, CARDS_ABREAST)
    scale = legend(sign, "the class below the photo", "its photo's", threshold, [card.map for card in cards])
    if any(card.score is not None for card in cards):
        scale += " Trust: insertion minus deletion, beside that of a random map."
    words = Words(title, finding, scale, source)
    return draw(rows, [""] * len(rows), words, Look(sign, opacity, threshold, colormap, dark), tallest=1.0)


def said(card: Card) -> tuple[str, ...]:
    """The two or three lines below a card: label, probability, score against its floor."""
    label, share = plain(card.label, LABEL_LIMIT), f"{card.probability:.0%}".replace("%", " %")
    if card.score is None:
        return label, share
    score = f"trust {card.score:.2f}"
    if card.floor is not None:
        score += f" {'>' if card.score > card.floor else '≤'} {card.floor:.2f}"
    return label, f"{share} · {score}".replace("-", "−")


def contact_table(cards: Sequence[Card]) -> str:
    """The sheet as RFC 4180 text: a header row, then one row for each card; what was not measured stays empty.

    A text that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for card in cards:
        numbers = (card.probability, card.score, card.floor)
        figures = ("" if number is None else f"{number:.6g}" for number in numbers)
        writer.writerow([inert(plain(card.name)), inert(plain(card.label)), *figures])
    return buffer.getvalue()
