"""The contact sheet: many photos, each with its answer, its map and how far that is to be trusted."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from cachetools import LRUCache, cached
from grad_cam_answers import drawn
from grad_cam_case import Case, computed, data_uri
from grad_cam_doubt import NO_GRID
from grad_cam_maps import signed_maps
from PIL import Image

from shared.explain.faithfulness import faithfulness, random_floor
from shared.explain.methods import METHODS
from shared.explain.targets import Target
from shared.problems import Problem
from shared.ui import Request

SHEET_LIMIT = 24


def sheet_of(inputs: Mapping[str, str]) -> list[str]:
    """The references of the photos on the contact sheet."""
    return [f"photo:{name}" for name in inputs.get("sheet", "").split(",") if name][:SHEET_LIMIT]


@dataclass(frozen=True)
class SheetCard:
    """One photo of the contact sheet: its case, its best class, and the map with its test and the floor."""

    case: Case
    target: Target
    signed: np.ndarray
    score: float
    floor: float


@cached(LRUCache(64), lock=threading.Lock())
def sheet_card(reference: str, model_name: str, method: str) -> SheetCard:
    """One card; the latest are kept, because sorting and exporting ask again."""
    case = computed(reference, model_name)
    target, layer = Target(int(case.probabilities.argmax())), case.layer(case.model.layer)
    signed = signed_maps(case, [method], target, layer)[method]
    score = faithfulness(case.model.network, case.inputs, target, signed).score
    grid = layer.grid if layer else NO_GRID
    floor = random_floor(case.model.network, case.inputs, target, grid, count=1)  # one map: a sheet has many photos
    return SheetCard(case, target, signed, score, floor.score)


def sheet(request: Request) -> dict[str, Any]:
    """One card of the contact sheet."""
    references, index = sheet_of(request.inputs), request.details.get("index")
    method = str(request.details.get("method"))
    if not isinstance(index, int) or not 0 <= index < len(references) or method not in METHODS:
        raise Problem("There is no such photo on the contact sheet; reload the page.")
    card = sheet_card(references[index], request.inputs["model"].strip(), method)
    small = Image.fromarray(card.case.photo)
    small.thumbnail((320, 320))
    scale = small.height / card.case.photo.shape[0]
    return {
        "name": f"photo {index + 1}",
        "photo": data_uri(np.asarray(small)),
        "size": [small.height, small.width],
        "box": [round(side * scale) for side in card.case.box],
        "label": card.case.model.labels[card.target.index],
        "class": card.target.index,
        "probability": round(float(card.case.probabilities[card.target.index]), 4),
        "map": drawn(card.signed),
        "score": round(card.score, 4),
        "floor": round(card.floor, 4),
    }
