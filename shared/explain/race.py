"""A race: the same points, the same budget, several ways to train, each with several seeds."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from shared.explain.recipes import LEARNERS, OPTIMIZERS, RANGES, SCHEDULES, Recipe
from shared.explain.training import recording
from shared.models.plane_network import ACTIVATIONS
from shared.problems import Problem
from shared.results import Points, Racer, Training

AXES = {
    "optimizer": "Optimizers",
    "learning_rate": "Learning rates",
    "schedule": "Schedules",
    "learner": "Learners",
    "regularization": "Regularization",
    "activation": "Activations",
    "width": "Sizes",
}
RATES = (0.1, 0.3, 1.0, 3.0, 10.0)
SIZES = ((2,), (8,), (8, 8), (16, 16), (8, 8, 8, 8))
PLAIN: dict[str, Any] = {"batch_norm": False, "dropout": 0.0, "l1": 0.0, "l2": 0.0, "label_smoothing": 0.0}
REGULARIZED: dict[str, dict[str, Any]] = {
    "none": {}, "dropout 0.2": {"dropout": 0.2}, "L1 0.001": {"l1": 0.001}, "L2 0.01": {"l2": 0.01},
    "batch norm": {"batch_norm": True}, "label smoothing 0.1": {"label_smoothing": 0.1},
}  # fmt: skip


@dataclass(frozen=True)
class Standing:
    """Where a race stands: trainings ``done`` of ``total``, and the racers that are through."""

    done: int
    total: int
    racers: tuple[Racer, ...]


def variants(recipe: Recipe, axis: str) -> dict[str, Recipe]:
    """The recipes of a race along one of ``AXES``, by name; nothing is changed in mid-run."""
    recipe = replace(recipe, events=())
    if axis == "learning_rate":
        least, most = RANGES["learning_rate"]
        rates = [float(f"{min(most, max(least, recipe.learning_rate * factor)):.2g}") for factor in RATES]
        return {f"{rate:g}": replace(recipe, learning_rate=rate) for rate in rates}
    if axis == "regularization":
        return {name: replace(recipe, **{**PLAIN, **more}) for name, more in REGULARIZED.items()}
    if axis == "width":
        return {", ".join(map(str, sizes)): replace(recipe, hidden_layers=sizes) for sizes in SIZES}
    choices: dict[str, tuple[str, ...]] = {
        "optimizer": OPTIMIZERS, "schedule": SCHEDULES, "learner": LEARNERS, "activation": tuple(ACTIVATIONS),
    }  # fmt: skip
    if axis not in choices:
        raise Problem(f"There is no race of that kind; choose one of {', '.join(AXES.values())}.")
    changed: list[dict[str, Any]] = [{axis: name} for name in choices[axis]]
    return {change[axis]: replace(recipe, **change) for change in changed}


def race(points: Points, recipe: Recipe, axis: str, seeds: int, target: float) -> Iterator[Standing]:
    """Train every variant with ``seeds`` seeds, from the recipe's own on; ``target`` is the wanted accuracy.

    Seeds change the first weights and the order of the points, never the points. Yields often, so that who waits sees
    it move and who leaves stops it.
    """
    entries = variants(recipe, axis)
    racers: list[Racer] = []
    for index, (name, entry) in enumerate(entries.items()):
        runs: list[Training] = []
        for seed in range(recipe.seed, recipe.seed + seeds):
            latest = None
            for latest in recording(points, replace(entry, seed=seed)):  # noqa: B007 - the last one counts
                yield Standing(index * seeds + len(runs), len(entries) * seeds, tuple(racers))
            assert latest is not None
            runs.append(latest.result())
        racers.append(racer(name, runs, recipe.epochs, target))
    yield Standing(len(entries) * seeds, len(entries) * seeds, tuple(racers))


def racer(name: str, runs: list[Training], epochs: int, target: float) -> Racer:
    """Several trainings of one way, on one sheet."""
    column = 0 if np.isnan(runs[0].loss[0, 1]) else 1
    loss = np.stack([_padded(run.loss[:, column], epochs) for run in runs])
    accuracy = np.stack([_padded(run.accuracy[:, column], epochs) for run in runs])
    reached = accuracy >= target
    first = np.where(reached.any(1), reached.argmax(1), np.nan)
    return Racer(name, loss, accuracy, first)


def _padded(values: np.ndarray, epochs: int) -> np.ndarray:
    """Values of epochs 0 to E; NaN where a training did not come that far."""
    return np.append(values, np.full(epochs + 1 - len(values), np.nan))
