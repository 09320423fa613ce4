"""Answers to what the picture asks: maps, how they are put together, what a patch attends to."""

from typing import Any

import numpy as np
from grad_cam_case import Case, case_of, target_of
from grad_cam_maps import fast, filmstrip_maps, signed_maps, slow_map

from shared.explain import cam, patch_attention
from shared.explain.methods import METHODS
from shared.explain.pixel_gradients import completeness_error
from shared.explain.targets import Target
from shared.models.layers import Layer, run
from shared.problems import Problem
from shared.render.packing import pack
from shared.ui import Request

TURN = 0.7  # seconds that a slow method works before it tells how far it is
CHANNELS_SHOWN = 8


def asked(request: Request) -> tuple[Case, Target, Layer | None]:
    """What a question is about."""
    case = case_of(request.inputs)
    index = request.details.get("layer", case.model.layer)
    layer = case.layer(index if isinstance(index, int) else -2)
    return case, target_of(case, request.details.get("target", "")), layer


def methods_asked(request: Request) -> list[str]:
    """The methods of a question, each once and known."""
    names = [str(name) for name in request.details.get("methods", [])]
    unknown = [name for name in names if name not in METHODS]
    if unknown:
        raise Problem(f"There is no method {unknown[0][:40]!r}; choose among {', '.join(METHODS)}.")
    return list(dict.fromkeys(names))


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


def maps(request: Request) -> dict[str, Any]:
    """Several quick methods for one class: those that share a layer cost one pass together."""
    case, target, layer = asked(request)
    found = signed_maps(case, methods_asked(request), target, layer)
    return {"maps": {name: drawn(signed) for name, signed in found.items()}}


def one_map(request: Request) -> dict[str, Any]:
    """A slow method, in turns: how far it is, or its map."""
    case, target, layer = asked(request)
    found, progress = slow_map(case, str(request.details.get("method")), target, layer, TURN)
    if found is None:
        return {"progress": round(progress, 3)}
    return {"map": {**drawn(found), "note": completeness(case, target, found, request.details.get("method"))}}


def completeness(case: Case, target: Target, found: np.ndarray, name: Any) -> str:
    """By how much integrated gradients miss what they must sum up to; "" for other methods."""
    if name != "Integrated gradients":
        return ""
    error = completeness_error(case.model.network, case.inputs, target, found)
    return f"sums to {found.sum():.2f}, {error:.2g} off the score it explains"


def filmstrip(request: Request) -> dict[str, Any]:
    """One quick layered method at every stage."""
    case, target, _ = asked(request)
    name = str(request.details.get("method"))
    if name not in fast(case, [each for each, method in METHODS.items() if method.layered]):
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
