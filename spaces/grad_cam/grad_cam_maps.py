"""The maps of one case: which methods there are, quick ones at once, slow ones in turns."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from grad_cam_case import Case
from grad_cam_slow import Slow

from shared.explain import cam
from shared.explain.channel_masks import Progress
from shared.explain.faithfulness import unit
from shared.explain.methods import METHODS, explain, explain_each, resized, why_not
from shared.explain.targets import Target
from shared.models.images import ImageModel, load
from shared.models.layers import Layer, run
from shared.problems import Problem

RUNNING_KEPT = 48  # maps of one photo, finished or canceled
PATIENCE = 20.0  # seconds that one question of the page, or one of its files, may spend on slow maps


@lru_cache(maxsize=16)
def method_table(model_name: str) -> list[dict[str, Any]]:
    """All methods, and which of them can explain this network."""
    model = load(model_name)
    layer = model.layer_at(model.layer) if model.layers else None
    inputs = torch.zeros(1, len(model.preparation.mean), *model.preparation.size)
    reasons = {name: why_not(method, model.network, inputs, layer) for name, method in METHODS.items()}
    return [asdict(method) | {"available": not reasons[name], "why": reasons[name]} for name, method in METHODS.items()]


def is_slow(name: str) -> bool:
    """Whether a method takes many passes."""
    return name in METHODS and METHODS[name].slow


def fast(case: Case, names: Sequence[str]) -> list[str]:
    """Those of the methods that are quick and that this network allows, in the order of the table."""
    table = method_table(case.model_name)
    return [row["name"] for row in table if row["name"] in names and row["available"] and not row["slow"]]


def signed_maps(
    case: Case, names: Sequence[str], target: Target, layer: Layer | None, end: float | None = None
) -> dict[str, np.ndarray]:
    """The signed maps of methods, slow ones if they are finished before ``end``, by default ``PATIENCE`` from now."""
    end = time.monotonic() + PATIENCE if end is None else end

    def alone(name: str) -> np.ndarray:
        seconds = end - time.monotonic() if is_slow(name) else np.inf
        found, _ = slow_map(case, name, target, layer, seconds)
        if found is None:
            raise Problem(
                f"{name} has not been computed yet for this photo; open the tab Heat and let it finish, then try again."
            )
        return found

    return explain_each(names, case.model.network, case.inputs, target, layer, alone)


def slow_map(
    case: Case, name: str, target: Target, layer: Layer | None, seconds: float
) -> tuple[np.ndarray, float] | tuple[None, float]:
    """Work on one map for so long; what is finished stays with the case."""

    def begin() -> tuple[ImageModel, Progress]:
        model = case.model
        return model, explain(name, model.network, case.inputs, target, layer)

    slow = case.running.setdefault(place_of(name, target, layer), Slow())
    for oldest in list(case.running)[:-RUNNING_KEPT]:
        case.running.pop(oldest, None)
    found = slow.work(begin, seconds)
    return (found, 1.0) if found is not None else (None, slow.progress)


def is_finished(case: Case, name: str, target: Target, layer: Layer | None) -> bool:
    """Whether a map that is computed alone is there."""
    slow = case.running.get(place_of(name, target, layer))
    return slow is not None and slow.found is not None


def place_of(name: str, target: Target, layer: Layer | None) -> tuple[str, Target, Layer | None]:
    """What tells the maps of one case apart."""
    return name, target, layer if name in METHODS and METHODS[name].layered else None


def filmstrip_maps(case: Case, name: str, target: Target) -> list[np.ndarray]:
    """One method at every stage."""
    model = case.model
    if name in cam.ONE_PASS:
        done = run(model.network, case.inputs, model.layers)
        return [cam.weighted(done, layer, target, [name])[name] for layer in model.layers]
    return [signed_maps(case, [name], target, layer)[name] for layer in model.layers]


def share_inside(signed: np.ndarray, case: Case, box: Sequence[int]) -> float:
    """The share of a map's positive heat that lies in ``box``, given in pixels of the shown photo."""
    rows, columns = case.inputs.shape[2:]
    heat = unit(resized(signed, (rows, columns)))
    top, left, height, width = case.box
    down, right = rows / height, columns / width
    inside = heat[
        round((box[0] - top) * down) : round((box[0] - top + box[2]) * down),
        round((box[1] - left) * right) : round((box[1] - left + box[3]) * right),
    ]
    return float(inside.sum() / max(float(heat.sum()), 1e-12))
