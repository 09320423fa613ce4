"""From the page's inputs to the payload of its picture, and the answers to what the picture asks."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grad_cam_case as cases
import numpy as np
from cachetools import LRUCache, cached
from grad_cam_case import Case, case_of
from grad_cam_examples import EXAMPLES
from grad_cam_presets import DEFAULTS, FALLBACK, SHOWN_FIRST
from PIL import Image

from shared.explain import cam, patch_attention
from shared.explain.faithfulness import BASELINE, center_map, faithfulness, random_floor
from shared.explain.methods import METHODS
from shared.explain.pixel_gradients import completeness_error
from shared.explain.randomization import randomization, similarity
from shared.explain.targets import Target
from shared.models.images import ALIASES, load
from shared.models.layers import Layer, run
from shared.problems import Problem
from shared.render.packing import pack, rounded
from shared.results import Faithfulness
from shared.ui import Request

TURN = 0.7  # seconds that a slow method works before it tells how far it is
CHANNELS_SHOWN = 8
SHEET_LIMIT = 24
NO_GRID = (7, 7)  # of random maps, for a network without a grid of its own
EXPORTS = (
    ("Image", "Save the picture", (("png", "PNG"), ("svg", "SVG"), ("pdf", "PDF"), ("gif", "GIF over the layers"),
                                   ("strip", "all layers (PNG)"))),
    ("Data", "Save the numbers", (("npz", "maps at full resolution (.npz)"), ("csv", "scores (.csv)"))),
    ("Code", "Python that computes this again", (("code", "Code"),)),
    ("Notebook", "A Jupyter notebook with question, finding, code and picture", (("notebook", "Notebook"),)),
    ("Page", "A page of its own that works without a server", (("page", "Page"),)),
)  # fmt: skip


def waiting(inputs: dict[str, str]) -> str:
    """Why the picture of these inputs will take long, or ""."""
    name = inputs["model"].strip()
    if "/" not in ALIASES.get(name, name) or load.find(name):
        return ""
    return f"Fetching {name[:100]}. The first time takes as long as its download; afterwards it is here."


def payload(inputs: dict[str, str]) -> dict[str, Any]:
    """What the browser needs to draw one case; see ``shared.ui.wire`` and the viewer's scripts.

    The network that the page opens with comes from the Hub; where it cannot be had, a network of this house stands in.
    """
    try:
        return payload_of(inputs)
    except Problem as problem:
        if inputs["model"] != DEFAULTS["model"] or load.find(inputs["model"]):
            raise
        missing = f"{problem} Until then {FALLBACK} looks at this photo: ten classes, 32 x 32 pixels."
        return {**payload_of({**inputs, "model": FALLBACK}), "warning": missing}


def payload_of(inputs: dict[str, str]) -> dict[str, Any]:
    """The same, without a stand-in."""
    case = case_of(inputs)
    target, layer = str(int(case.probabilities.argmax())), max(case.model.layer, 0)
    first = {"methods": cases.fast(case, SHOWN_FIRST), "target": target, "layer": layer}
    return {
        "inputs": inputs,
        "input_defaults": DEFAULTS,
        "more_inputs": {"sheet": "Contact sheet"},
        "exports": EXPORTS,
        "source": f"Glasshouse · what argued for the answer of {inputs['model']}",
        "note": case.note,
        "auto": {"target": target, "layer": layer},
        "computed": {key("maps", first): maps(Request(inputs, {}, first))},
        "data": viewer_data(case, inputs),
    }


def viewer_data(case: Case, inputs: Mapping[str, str]) -> dict[str, Any]:
    """The viewer's part of a payload."""
    best = case.probabilities.argsort()[::-1][:5]
    reference = inputs["image"]
    name = reference.removeprefix("example:")
    layers = case.model.layers
    return {
        "photo": cases.data_uri(case.photo),
        "size": case.photo.shape[:2],
        "box": case.box,
        "input_size": case.inputs.shape[2:],
        "alt": EXAMPLES[name].alt if reference.startswith("example:") else "your photo",
        "link": reference.startswith("example:"),
        "labels": case.model.labels,
        "top": [{"class": int(i), "probability": round(float(case.probabilities[i]), 5)} for i in best],
        "layers": [{"name": layer.name, "grid": layer.grid} for layer in layers],
        "methods": cases.method_table(inputs["model"].strip()),
        "randomizable": True,
        "transformer": case.model.transformer,
        "known": cases.known(case, inputs),
        "sheet": len(sheet_of(inputs)),
    }


def key(kind: str, details: dict[str, Any]) -> str:
    """The key of ``Frame.compute`` in frame.js."""
    return json.dumps([kind, details], separators=(",", ":"), ensure_ascii=False)


def drawn(signed: np.ndarray) -> dict[str, Any]:
    """A map as the viewer reads it: bytes of value by peak, the peak, and a diagnosis where nothing is positive."""
    peak = float(np.abs(signed).max(initial=0))
    bytes_ = np.rint(127 * signed / peak).astype(np.int8) if peak > 0 else np.zeros(signed.shape, np.int8)
    blank = ""
    if not peak > 0:
        blank = "The map is zero everywhere: nothing here moves this answer."
    elif signed.max() <= 0:
        blank = "Everything here argues against this class; the negative map shows where."
    return {"values": pack(bytes_), "peak": float(f"{peak:.4g}"), "blank": blank}


def asked(request: Request) -> tuple[Case, Target, Layer | None]:
    """What a question is about."""
    case = case_of(request.inputs)
    index = request.details.get("layer", case.model.layer)
    layer = case.layer(index if isinstance(index, int) else -2)
    return case, cases.target_of(case, request.details.get("target", "")), layer


def methods_asked(request: Request) -> list[str]:
    """The methods of a question, each once and known."""
    names = [str(name) for name in request.details.get("methods", [])]
    unknown = [name for name in names if name not in METHODS]
    if unknown:
        raise Problem(f"There is no method {unknown[0][:40]!r}; choose among {', '.join(METHODS)}.")
    return list(dict.fromkeys(names))


def maps(request: Request) -> dict[str, Any]:
    """Several quick methods for one class: those that share a layer cost one pass together."""
    case, target, layer = asked(request)
    found = cases.signed_maps(case, methods_asked(request), target, layer)
    return {"maps": {name: drawn(signed) for name, signed in found.items()}}


def one_map(request: Request) -> dict[str, Any]:
    """A slow method, in turns: how far it is, or its map."""
    case, target, layer = asked(request)
    found, progress = cases.slow_map(case, str(request.details.get("method")), target, layer, TURN)
    if found is None:
        return {"progress": round(progress, 3)}
    return {"map": {**drawn(found), "note": completeness(case, target, found, request.details.get("method"))}}


def completeness(case: Case, target: Target, found: np.ndarray, name: Any) -> str:
    """By how much integrated gradients miss what they must sum up to; "" for other methods."""
    if name != "Integrated gradients":
        return ""
    error = completeness_error(case.model.network, case.inputs, target, found)
    return f"sums to {found.sum():.2f}, {error:.2g} off the score it explains"


def filmstrip_maps(case: Case, name: str, target: Target) -> list[np.ndarray]:
    """One method at every stage."""
    if name in cam.ONE_PASS:
        done = run(case.model.network, case.inputs, case.model.layers)
        return [cam.weighted(done, layer, target, [name])[name] for layer in case.model.layers]
    return [cases.signed_maps(case, [name], target, layer)[name] for layer in case.model.layers]


def filmstrip(request: Request) -> dict[str, Any]:
    """One quick layered method at every stage."""
    case, target, _ = asked(request)
    name = str(request.details.get("method"))
    if name not in cases.fast(case, [each for each, method in METHODS.items() if method.layered]):
        raise Problem(f"{name[:40]} is not drawn at every layer; choose a quick method that reads a layer.")
    return {"maps": [drawn(signed) for signed in filmstrip_maps(case, name, target)]}


def channels(request: Request) -> dict[str, Any]:
    """How Grad-CAM is put together: the channels that weigh most, and their sum."""
    case, target, layer = asked(request)
    if layer is None:
        raise Problem("This network has no spatial layers, so there are no maps to weigh.")
    done = run(case.model.network, case.inputs, [layer])
    values, gradients = cam.maps_and_gradients(done, layer, target)
    weights = gradients.mean((1, 2))
    influence = (weights * values.mean((1, 2))).abs()
    best = influence.argsort(descending=True)[:CHANNELS_SHOWN]
    return {
        "channels": [
            {"index": int(i), "weight": float(f"{weights[i]:.4g}"), "map": drawn((values[i] * weights[i]).numpy())}
            for i in best
        ],
        "rest_weight": float(f"{1 - influence[best].sum() / influence.sum().clamp(min=1e-12):.4g}"),
        "count": len(weights),
        "score": round(float(target.score(done.logits.detach())), 4),
        "sum": drawn(cam.grad_cam(values, gradients).numpy()),
    }


def faith_of(case: Case, name: str, target: Target, layer: Layer | None) -> Faithfulness:
    """The test of one map, of maps that know nothing ("random") or of the middle ("center")."""
    network, size = case.model.network, (case.inputs.shape[2], case.inputs.shape[3])
    if name == "random":
        return random_floor(network, case.inputs, target, layer.grid if layer else NO_GRID)
    heat = center_map(size) if name == "center" else cases.signed_maps(case, [name], target, layer)[name]
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
    names = cases.fast(case, methods_asked(request))
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


def patch(request: Request) -> dict[str, Any]:
    """What one patch attends to."""
    case = case_of(request.inputs)
    index, where = request.details.get("layer"), request.details.get("patch")
    if not case.model.transformer or not isinstance(index, int) or not isinstance(where, int):
        raise Problem("Only transformers have attention between patches.")
    # The first stage is the patch embedding; the attention of a layer stands behind it.
    row, heads = patch_attention.patch_row(
        case.model.network, case.inputs, case.model.layer_at(index), max(0, index - 1), where
    )
    return {"map": drawn(row), "heads": heads}


def known_shares(request: Request) -> dict[str, Any]:
    """How much of each method's heat lies on the known evidence."""
    case, target, layer = asked(request)
    evidence = cases.known(case, request.inputs)
    if evidence is None:
        raise Problem("Where the true evidence lies is known for the network with the shortcut alone.")
    found = cases.signed_maps(case, methods_asked(request), target, layer)
    area = evidence["box"][2] * evidence["box"][3] / (case.box[2] * case.box[3])
    shares = {name: round(cases.share_inside(signed, case, evidence["box"]), 4) for name, signed in found.items()}
    return {"shares": shares, "area": round(area, 4)}


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
    case = cases.computed(reference, model_name)
    target, layer = Target(int(case.probabilities.argmax())), case.layer(case.model.layer)
    signed = cases.signed_maps(case, [method], target, layer)[method]
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
        "photo": cases.data_uri(np.asarray(small)),
        "size": [small.height, small.width],
        "box": [round(side * scale) for side in card.case.box],
        "label": card.case.model.labels[card.target.index],
        "class": card.target.index,
        "probability": round(float(card.case.probabilities[card.target.index]), 4),
        "map": drawn(card.signed),
        "score": round(card.score, 4),
        "floor": round(card.floor, 4),
    }


COMPUTE = {
    "maps": maps, "map": one_map, "filmstrip": filmstrip, "channels": channels, "faith": faith, "randomize": randomize,
    "patch": patch, "known": known_shares, "sheet": sheet,
}  # fmt: skip


def warm() -> None:
    """Load what the page opens with."""
    payload({**DEFAULTS})
