"""Answers to doubts: hide what is hot, make the network forget, ask about evidence that is known."""

from typing import Any

import numpy as np
from grad_cam_answers import asked, drawn, methods_asked
from grad_cam_case import Case, known
from grad_cam_maps import fast, share_inside, signed_maps

from shared.explain.faithfulness import BASELINE, center_map, faithfulness, random_floor
from shared.explain.randomization import randomization, similarity
from shared.explain.targets import Target
from shared.models.layers import Layer
from shared.problems import Problem
from shared.render.packing import rounded
from shared.results import Faithfulness
from shared.ui import Request

NO_GRID = (7, 7)  # of random maps, for a network without a grid of its own


def faith_of(case: Case, name: str, target: Target, layer: Layer | None, end: float | None = None) -> Faithfulness:
    """The test of one map, of maps that know nothing ("random") or of the middle ("center"); ``end`` for slow ones."""
    network, size = case.model.network, (case.inputs.shape[2], case.inputs.shape[3])
    if name == "random":
        return random_floor(network, case.inputs, target, layer.grid if layer else NO_GRID)
    heat = center_map(size) if name == "center" else signed_maps(case, [name], target, layer, end)[name]
    return faithfulness(network, case.inputs, target, heat)


def faith(request: Request) -> dict[str, Any]:
    """Deletion and insertion."""
    case, target, layer = asked(request)
    test = faith_of(case, str(request.details.get("method")), target, layer)
    return {
        **{name: rounded(getattr(test, name), 4) for name in ("fractions", "deletion", "insertion")},
        **{name: round(getattr(test, name), 4) for name in ("deletion_auc", "insertion_auc", "average_drop", "score")},
        "increase": test.increase,
        "baseline": BASELINE,
    }


def randomize(request: Request) -> dict[str, Any]:
    """The maps while the network forgets, from the answer down."""
    case, target, layer = asked(request)
    names = fast(case, methods_asked(request))
    if not names:
        raise Problem("Choose a quick method to test; the slow ones would take minutes here.")
    steps = list(randomization(case.model.network, case.inputs, target, layer, case.model.layers, names))
    first = steps[0][1]
    return {
        "steps": [name for name, _ in steps],
        "maps": {name: [drawn(found[name]) for _, found in steps] for name in names},
        "similarity": {name: rounded(np.array([similarity(first[name], found[name]) for _, found in steps]), 3)
                       for name in names},
    }  # fmt: skip


def known_shares(request: Request) -> dict[str, Any]:
    """How much of each method's heat lies on the known evidence."""
    case, target, layer = asked(request)
    evidence = known(case, request.inputs)
    if evidence is None:
        raise Problem("Where the true evidence lies is known for the network with the shortcut alone.")
    found = signed_maps(case, methods_asked(request), target, layer)
    area = evidence["box"][2] * evidence["box"][3] / (case.box[2] * case.box[3])
    shares = {name: round(share_inside(signed, case, evidence["box"]), 4) for name, signed in found.items()}
    return {"shares": shares, "area": round(area, 4)}
