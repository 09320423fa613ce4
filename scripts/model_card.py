"""The card of a checkpoint: its README.md and learning curves, made from what the training run measured.

    python scripts/model_card.py checkpoints/bert-reviews     # draw both again, with the words of the training script

Every number comes from metrics.json and history.csv; the words are a ``Card`` that the training script keeps in its
table ``CARDS``, under the checkpoint's name.
"""

import argparse
import csv
import importlib
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.problems import Problem
from shared.render import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CURVES = "curves.png"
NOT_CURVES = ("stage", "step", "epoch", "seconds")
LINE_COLORS = (style.LIGHT.accent, "#b4531f", "#6a51a3", style.LIGHT.muted, "#2f6db5", "#8a7a1a")


@dataclass(frozen=True)
class Card:
    """What no measurement can say about a checkpoint.

    ``what`` and ``limits`` are paragraphs in Markdown, ``load`` the lines of Python that load it. ``datasets`` are
    Hub ids, ``metrics`` and ``library`` the Hub's own names for them.
    """

    title: str
    what: str
    limits: str
    load: str
    datasets: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ("accuracy",)
    library: str = "transformers"


def flatten(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested dictionaries, named in words."""
    for name, value in values.items():
        words = f"{prefix}{name.replace('_', ' ')}"
        if isinstance(value, dict):
            yield from flatten(value, f"{words}: ")
        else:
            yield words, value


def table(values: dict[str, Any], head: str) -> str:
    """A Markdown table of two columns; counts with thousands separators, other numbers with four digits."""
    shown = (
        (name, f"{value:,}" if isinstance(value, int) else f"{value:.4g}" if isinstance(value, float) else str(value))
        for name, value in flatten(values)
    )
    return "\n".join([f"| {head} | |", "| --- | ---: |", *(f"| {name} | {value} |" for name, value in shown)])


def front_matter(card: Card) -> str:
    """What the Hub reads of a model card."""
    lines = ["---", "license: apache-2.0", f"library_name: {card.library}"]
    for key, values in (("datasets", card.datasets), ("metrics", card.metrics)):
        lines += [f"{key}:", *(f"- {value}" for value in values)] if values else []
    return "\n".join([*lines, "---"])


def model_card(folder: Path, card: Card) -> None:
    """Write README.md of the checkpoint in ``folder``."""
    measured = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    metrics, sizes = measured.pop("metrics"), measured.pop("split_sizes", {})
    command, hardware, seconds = (measured.pop(key) for key in ("command", "hardware", "seconds"))
    took = f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds} seconds"
    sections = [
        f"{front_matter(card)}\n\n# {card.title}\n\n{card.what}",
        f"## Measured\n\n{table(metrics, 'measure')}\n\n{table(measured | {'examples': sizes}, 'setting')}",
        f"## Training\n\n```bash\n{command}\n```\n\n{took} of training on {hardware}. Each evaluation is a row of "
        f"`history.csv`.\n\n![Learning curves]({CURVES})",
        f"## Limits\n\n{card.limits}",
        f"## Loading\n\n```python\n{card.load}\n```",
    ]
    (folder / "README.md").write_text("\n\n".join(sections) + "\n", encoding="utf-8")


def panels(names: list[str]) -> dict[str, list[str]]:
    """The columns of a history, by the panel that they belong to; empty panels are left out."""
    found: dict[str, list[str]] = {"loss": [], "metric": [], "learning rate": [], "gradient norm": []}
    for name in names:
        words = name.replace("_", " ")
        found[next((panel for panel in found if panel in words), "metric")].append(name)
    return {panel: columns for panel, columns in found.items() if columns}


def total_steps(rows: list[dict[str, str]]) -> list[int]:
    """The step (or epoch) of every row, counted on from stage to stage."""
    counted, before = [], 0
    for _, stage in groupby(rows, lambda row: row.get("stage")):
        steps = [before + int(row.get("step") or row["epoch"]) for row in stage]
        counted += steps
        before = steps[-1]
    return counted


def reading(row: dict[str, str], column: str) -> float:
    """One number of the history, nan where nothing was measured."""
    value = float(row[column] or "nan")
    # A stage that does not train a loss records zero for it; that is no measurement.
    return float("nan") if value == 0 and "loss" in column else value


def colors_of(columns: list[str]) -> list[Any]:
    """A color for each column; many, as the layers of a deep network, run from dark (first) to light (last)."""
    import matplotlib

    if len(columns) <= len(LINE_COLORS):
        return list(LINE_COLORS[: len(columns)])
    layers = len(columns) - 1
    return [LINE_COLORS[0], *(matplotlib.colormaps["viridis"](index / layers) for index in range(layers))]


def labels_of(columns: list[str]) -> list[str]:
    """What the legend says of each column; of many, the first (the whole) and both ends, and nothing of the others."""
    words = [column.replace("_", " ") for column in columns]
    if len(words) <= len(LINE_COLORS):
        return words
    return [name if index in (0, 1, len(words) - 1) else "_nolegend_" for index, name in enumerate(words)]


def draw_panel(axes: "Axes", title: str, rows: list[dict[str, str]], columns: list[str]) -> None:
    """Draw some columns over the steps; hairlines mark where a stage ends."""
    steps = total_steps(rows)
    for column, color, label in zip(columns, colors_of(columns), labels_of(columns), strict=True):
        axes.plot(steps, [reading(row, column) for row in rows], color=color, linewidth=1.3, label=label)
    for step, row, after in zip(steps, rows, rows[1:], strict=False):
        if row.get("stage") != after.get("stage"):
            axes.axvline(step, color=style.LIGHT.line, linewidth=1, zorder=0)
    axes.set_title(title, loc="left", fontsize=9, color=style.LIGHT.ink)
    axes.set_xlabel("step" if rows[0].get("step") else "epoch", fontsize=8, color=style.LIGHT.muted)
    axes.tick_params(labelsize=7, color=style.LIGHT.line, labelcolor=style.LIGHT.muted)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(style.LIGHT.line)
    if len(columns) > 1:
        axes.legend(fontsize=7, frameon=False, labelcolor=style.LIGHT.ink)


def draw_curves(folder: Path) -> None:
    """Draw history.csv of the checkpoint in ``folder``: losses, metrics, learning rate and gradient norm."""
    with (folder / "history.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    shown = panels([name for name in rows[0] if name not in NOT_CURVES])
    figure = style.figure(8, 2.6 * -(-len(shown) // 2))
    for place, (title, columns) in enumerate(shown.items(), start=1):
        draw_panel(figure.add_subplot(-(-len(shown) // 2), 2, place), title, rows, columns)
    figure.tight_layout()
    (folder / CURVES).write_bytes(style.save(figure, "png", dots_per_inch=75))


def card_of(folder: Path) -> Card:
    """The words for the checkpoint in ``folder``, from the script whose command its metrics.json records."""
    command = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["command"]
    script = re.search(r"\bscripts/(train_\w+)\.py", command)
    if not script:
        raise Problem(f"{folder}/metrics.json names no training script; train the checkpoint with one of scripts/.")
    cards: dict[str, Card] = importlib.import_module(script[1]).CARDS
    if folder.name not in cards:
        raise Problem(f"{script[0]} has no words for '{folder.name}'; add a Card to its table CARDS.")
    return cards[folder.name]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", help="folders of checkpoints/")
    for folder in parser.parse_args().folders:
        try:
            model_card(folder, card_of(folder))
        except Problem as problem:
            sys.exit(str(problem))
        draw_curves(folder)


if __name__ == "__main__":
    main()
