"""From the page's inputs to the payload of its picture, and the training, sent while it happens."""

from collections.abc import Generator
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from decision_boundary_plan import Plan, all_points, film_of, line_of, plan_of, whole_film

from shared.explain import hidden_space
from shared.explain.fields import window_of
from shared.explain.race import AXES, Standing, race
from shared.explain.recipes import Event, Recipe, rates
from shared.explain.training import Recording, kept_epochs
from shared.models import point_sets
from shared.problems import Problem
from shared.render.packing import pack, rounded
from shared.results import Racer
from shared.ui import Jobs, Request, exports

FIRST_TURN = 0.04  # seconds of training before anything is shown
TARGET = 0.9  # validation accuracy that a race is timed to
MOST_SEEDS = 5
LONGEST_RACE = 5_000  # epochs of all seeds of one racer
NEIGHBORS_KEPT, RACES_KEPT = 24, 24
EXPORTS = exports(
    (("png", "PNG"), ("svg", "SVG"), ("pdf", "PDF"), ("gif", "GIF over the epochs")),
    (("npz", "frames, losses, points (.npz)"), ("csv", "losses and accuracies (.csv)")),
)
SCRIPT = ("Script", "A plain PyTorch script that trains this network again", (("script", "Script"),))


def waiting(inputs: dict[str, str]) -> str:
    """Why the picture of these inputs will take long, or ""."""
    if inputs["data"] == "mnist" and not point_sets.zeros_and_ones.cache_info().currsize:
        return "Fetching MNIST's test digits (3 MB). The first time takes as long as the download."
    return ""


def payload(inputs: dict[str, str]) -> dict[str, Any]:
    """What the browser needs, with the first turn of the training."""
    plan = plan_of(inputs)
    points, since = all_points(plan)
    judged = points.labels[points.validation] if points.validation.any() else points.labels
    line = line_of(plan)
    data = {
        "plan": plan_data(plan),
        "axes": [
            {"name": name, "mean": float(mean), "scale": float(scale)}
            for name, mean, scale in zip(points.axes, points.mean, points.scale, strict=True)
        ],
        "classes": list(points.classes),
        "window": list(window_of(plan.points)),
        "points": {
            "x": pack(points.x),
            "label": pack(points.labels.astype(np.uint8)),
            "role": pack(points.validation.astype(np.uint8)),
            "since": pack(since),
        },
        "note": points.note,
        "network": {"sizes": list(plan.shape.sizes), "activation": plan.shape.activation, "output": plan.shape.output},
        "shown": kept_epochs(plan.recipe, plan.shape),
        "rates": [float(f"{rate:.6g}") for rate in rates(plan.recipe)],
        "majority": float(np.bincount(judged).max() / len(judged)) if len(judged) else None,
        "line": line and {"accuracy": line.accuracy, "weights": rounded(line.weights, 9)},
        "steer": [event_data(event) for event in plan.recipe.events],
        "races": [{"id": axis, "name": name} for axis, name in AXES.items()],
        "train": chunk(plan, film_of(plan, FIRST_TURN), 0),
        "link": not plan.source[0].startswith("table:"),
    }
    return {
        "inputs": inputs,
        "data": data,
        "auto": {},
        "computed": {},
        "exports": (*EXPORTS[:3], SCRIPT, *EXPORTS[3:]),
        "more_inputs": {},
        "source": f"Glasshouse · {points.title}, {plan.recipe.learner}, seed {plan.recipe.seed}",
    }


def plan_data(plan: Plan) -> dict[str, Any]:
    """The plan as the viewer reads it."""
    recipe = asdict(plan.recipe)
    del recipe["events"]
    shown = {**recipe, "hidden_layers": list(plan.shape.sizes[1:-1])}
    return {
        **shown,
        "data": plan.source[0].partition(":")[0],
        "title": plan.points.title,
        "regularization": held(plan.recipe),
    }


def held(recipe: Recipe) -> str:
    """What keeps the weights or the answers back, in words; "" for nothing."""
    parts = [
        f"dropout {recipe.dropout:g}" if recipe.dropout else "",
        f"L1 {recipe.l1:g}" if recipe.l1 else "",
        f"L2 {recipe.l2:g}" if recipe.l2 else "",
        "batch norm" if recipe.batch_norm else "",
        f"label smoothing {recipe.label_smoothing:g}" if recipe.label_smoothing else "",
    ]
    return ", ".join(filter(None, parts))


def event_data(event: Event) -> dict[str, Any]:
    """Something done in mid-run, as the viewer reads it."""
    if event.kind == "rate":
        return {"epoch": event.epoch, "kind": "rate", "value": event.value}
    if event.kind == "add":
        return {"epoch": event.epoch, "kind": "add", "points": [list(point) for point in event.points]}
    source = "b" if event.source is None else event.source
    place = {"layer": event.layer, "to": event.unit, "from": source}
    return {"epoch": event.epoch, "kind": "set", "value": event.value, **place}


def train(request: Request) -> dict[str, Any]:
    """Go on with the training, and send the frames that the page does not have yet."""
    plan = plan_of(request.inputs)
    return chunk(plan, film_of(plan), max(0, request.number("part", 0)))


def chunk(plan: Plan, record: Recording, have: int) -> dict[str, Any]:
    """The kept frames from number ``have`` on, and the curves from the epoch of the one before."""
    stopped, done = record.stopped, record.done  # in this order: another visitor's turn may go on meanwhile
    kept = [epoch for epoch in list(record.epochs) if epoch <= done]
    first = min(have, len(kept))
    start = kept[first - 1] + 1 if first else 0
    answer = {
        "done": done,
        "of": plan.recipe.epochs,
        "finished": bool(stopped) or done >= plan.recipe.epochs,
        "first": first,
        "loss": curves(record.loss[start : done + 1], start),
        "accuracy": curves(record.accuracy[start : done + 1], start),
        "stopped": stopped,
    }
    if first >= len(kept):
        return {**answer, "frames": None, "gradients": None}
    new = slice(first, len(kept))
    frames, gradients = torch.stack(record.weights[new]).numpy(), torch.stack(record.gradients[new]).numpy()
    return {**answer, "frames": pack(frames), "gradients": pack(gradients)}


def curves(rows: list[list[float]], start: int) -> dict[str, Any]:
    """Values after each epoch from ``start`` on, for training and validation points (None where there are none)."""
    values = np.array(rows, dtype=np.float64).reshape(-1, 2)
    held_out = None if np.isnan(values[:, 1]).all() else rounded(values[:, 1], 6)
    return {"from": start, "training": rounded(values[:, 0], 6), "validation": held_out}


def values_of(request: Request) -> tuple[Plan, np.ndarray]:
    """What a hidden layer makes of all points at the last epoch, (N, H)."""
    plan = plan_of(request.inputs)
    layer = request.number("layer", 0)
    if not 0 <= layer < len(plan.shape.sizes) - 2:
        raise Problem("This learner has no such hidden layer; choose the MLP.")
    weights = whole_film(plan).weights[-1].numpy()
    return plan, hidden_space.activations(plan.shape, weights, all_points(plan)[0].x, layer)


def hidden(request: Request) -> dict[str, Any]:
    """The plane in which a hidden layer is shown."""
    _, values = values_of(request)
    if len(values) < 2:
        raise Problem("The space of a layer needs at least two points.")
    found = hidden_space.project(values)
    return {
        "mean": rounded(found.mean, 7),
        "components": rounded(found.components, 7),
        "explained": rounded(found.explained),
        "exact": found.exact,
    }


NEIGHBORS: Jobs[tuple[int, np.ndarray]] = Jobs(NEIGHBORS_KEPT)


def tsne(request: Request) -> dict[str, Any]:
    """Who is near to whom in a hidden layer, by t-SNE, as far as it has come."""
    plan, values = values_of(request)
    if len(values) < 10:
        raise Problem("t-SNE needs at least ten points; paint or draw more of them.")

    def steps() -> Generator[tuple[int, np.ndarray], None, tuple[int, np.ndarray]]:
        latest = (0, np.zeros((len(values), 2)))
        for latest in hidden_space.neighbors(values, plan.recipe.seed):  # noqa: B007 - the last one is the result
            yield latest
        return latest

    done, positions = NEIGHBORS.work((plan, request.number("layer", 0)), steps)
    total = hidden_space.EARLY + hidden_space.LATE
    return {"done": done, "of": total, "positions": pack(positions.astype(np.float32)), "finished": done == total}


RACES: Jobs[Standing] = Jobs(RACES_KEPT)


def racing(request: Request) -> dict[str, Any]:
    """A race along one axis, as far as it has come."""
    plan, axis = plan_of(request.inputs), str(request.details.get("axis", "optimizer"))
    seeds = min(MOST_SEEDS, max(1, request.number("seeds", 3)))
    if plan.recipe.epochs * seeds > LONGEST_RACE:
        raise Problem("A race of so many epochs takes too long; choose fewer epochs or seeds.")
    if plan.source[0] == "painted":
        raise Problem("A race needs points that are there from the start; choose another set.")

    def steps() -> Generator[Standing, None, Standing]:
        latest = Standing(0, 0, ())
        for latest in race(plan.points, plan.recipe, axis, seeds, TARGET):  # noqa: B007 - the last one is the result
            yield latest
        return latest

    standing = RACES.work((plan, axis, seeds), steps)
    judged = "validation" if plan.points.validation.any() else "training"
    return {
        "done": standing.done,
        "of": standing.total,
        "finished": standing.done == standing.total,
        "target": TARGET,
        "target_note": f"Timed to a {judged} accuracy of {TARGET:.0%}.",
        "rows": [racer_data(each) for each in standing.racers],
    }


def racer_data(racer: Racer) -> dict[str, Any]:
    """One racer as the viewer reads it: its median and its spread over the seeds."""
    return {
        "name": racer.name,
        "finals": rounded(racer.accuracy[:, -1]),
        "to_target": [None if np.isnan(epoch) else int(epoch) for epoch in racer.to_target],
        "diverged": racer.lost,
        "loss": band(racer.loss),
        "accuracy": band(racer.accuracy),
    }


def band(values: np.ndarray) -> dict[str, Any]:
    """Median, lowest and highest (E + 1) over seeds, (S, E + 1); None from where any training was lost."""
    return {
        "median": rounded(np.median(values, 0)),
        "low": rounded(values.min(0)),
        "high": rounded(values.max(0)),
    }


ANSWERS = {"train": train, "hidden": hidden, "tsne": tsne, "race": racing}


def warm() -> None:
    """Make the first picture before anyone asks for it."""
    from decision_boundary_presets import DEFAULTS

    payload(DEFAULTS)
