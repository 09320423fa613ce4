"""From the page's inputs to the payload of its picture; and who answers what the picture asks."""

from collections.abc import Mapping
from typing import Any

from grad_cam_answers import channels, filmstrip, maps, one_map, patch
from grad_cam_case import Case, case_of, data_uri, known
from grad_cam_doubt import faith, known_shares, randomize
from grad_cam_examples import EXAMPLES
from grad_cam_maps import fast, method_table
from grad_cam_presets import DEFAULTS, FALLBACK, SHOWN_FIRST
from grad_cam_sheet import sheet, sheet_of

from shared.models.images import ALIASES, load
from shared.problems import Problem
from shared.ui import Request, exports, fetching, question_key

EXPORTS = exports(
    (("png", "PNG"), ("svg", "SVG"), ("pdf", "PDF"), ("gif", "GIF over the layers"), ("strip", "all layers (PNG)")),
    (("npz", "maps at full resolution (.npz)"), ("csv", "scores (.csv)")),
)
COMPUTE = {
    "maps": maps, "map": one_map, "filmstrip": filmstrip, "channels": channels, "faith": faith, "randomize": randomize,
    "patch": patch, "known": known_shares, "sheet": sheet,
}  # fmt: skip


def waiting(inputs: dict[str, str]) -> str:
    """Why the picture of these inputs will take long, or ""."""
    name = inputs["model"].strip()
    return fetching(name, ALIASES.get(name, name), load)


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
    first = {"methods": fast(case, SHOWN_FIRST), "target": target, "layer": layer}
    return {
        "inputs": inputs,
        "input_defaults": DEFAULTS,
        "more_inputs": {"sheet": "Contact sheet"},
        "exports": EXPORTS,
        "source": f"Glasshouse · what argued for the answer of {inputs['model']}",
        "note": case.note,
        "auto": {"target": target, "layer": layer},
        "computed": {question_key("maps", first): maps(Request(inputs, {}, first))},
        "data": viewer_data(case, inputs),
    }


def viewer_data(case: Case, inputs: Mapping[str, str]) -> dict[str, Any]:
    """The viewer's part of a payload."""
    best = case.probabilities.argsort()[::-1][:5]
    reference = inputs["image"]
    name = reference.removeprefix("example:")
    layers = case.model.layers
    return {
        "photo": data_uri(case.photo),
        "size": case.photo.shape[:2],
        "box": case.box,
        "input_size": case.inputs.shape[2:],
        "alt": EXAMPLES[name].alt if reference.startswith("example:") else "your photo",
        "link": reference.startswith("example:"),
        "labels": case.model.labels,
        "top": [{"class": int(i), "probability": round(float(case.probabilities[i]), 5)} for i in best],
        "layers": [{"name": layer.name, "grid": layer.grid} for layer in layers],
        "first": SHOWN_FIRST,
        "methods": method_table(case.model_name),
        "randomizable": True,
        "transformer": case.model.transformer,
        "known": known(case, inputs),
        "sheet": len(sheet_of(inputs)),
    }


def warm() -> None:
    """Load what the page opens with."""
    payload({**DEFAULTS})
