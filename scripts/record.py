"""What a training run measured: history.csv while it runs, metrics.json and the model card at its end."""

import csv
import json
import os
import platform
import shlex
import sys
from pathlib import Path
from typing import Any

from model_card import Card, draw_curves, model_card


class History:
    """Rows of training history, kept in a CSV file so that an interrupted run can go on.

    ``seconds`` counts training alone, over all resumed parts of the run.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, str]] = []
        if path.exists():
            with path.open(encoding="utf-8", newline="") as file:
                self.rows = list(csv.DictReader(file))
        self.seconds = float(self.rows[-1]["seconds"]) if self.rows else 0.0

    def add(self, **row: float | str) -> None:
        """Append one row; numbers are kept to six significant digits."""
        values = {**row, "seconds": round(self.seconds, 1)}
        self.rows.append({k: v if isinstance(v, str) else f"{v:.6g}" for k, v in values.items()})

    def last_step(self, stage: str) -> int:
        """The last recorded step or epoch of ``stage``; 0 when it has not begun."""
        return max((int(row.get("step") or row["epoch"]) for row in self.rows if row["stage"] == stage), default=0)

    def is_best(self, stage: str, metric: str) -> bool:
        """Whether the newest row of ``stage`` has its highest ``metric``; False where it is not measured."""
        values = [float(row[metric]) for row in self.rows if row["stage"] == stage and row.get(metric)]
        return bool(values) and values[-1] > max(values[:-1], default=-1.0)

    def only(self, stage: str) -> "History":
        """A copy that holds the rows of one stage."""
        part = History(self.path)
        part.rows = [row for row in self.rows if row["stage"] == stage]
        part.seconds = float(part.rows[-1]["seconds"]) if part.rows else 0.0
        return part

    def save(self, path: Path | None = None) -> None:
        """Write the file, to ``path`` or to where it was read from."""
        path = path or self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(self.rows)


def hardware() -> str:
    """The class of hardware, without naming the machine."""
    import torch

    if torch.cuda.is_available():
        return f"1 x {torch.cuda.get_device_name(0)}"
    return f"{os.cpu_count()} CPU cores ({platform.machine()})"


def write_checkpoint_files(folder: Path, history: History, measured: dict[str, Any], card: Card | None = None) -> None:
    """Write metrics.json and history.csv of a finished run into its checkpoint folder, and with ``card`` its README."""
    history.save(folder / "history.csv")
    command = shlex.join(["python", "scripts/" + Path(sys.argv[0]).name, *sys.argv[1:]])
    measured = {"command": command, "hardware": hardware(), "seconds": round(history.seconds), **measured}
    (folder / "metrics.json").write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    if card:
        model_card(folder, card)
        draw_curves(folder)
