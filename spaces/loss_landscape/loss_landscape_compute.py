"""From the page's inputs to the payload of its picture, and the scan, sent while it happens."""

import io
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from loss_landscape_plan import SETS, Plan, plan_of, plane_of, points_of, scan_of, steps_of, subjects_of
from PIL import Image

from shared.explain.fields import window_of
from shared.explain.landscape import Scan, Subject
from shared.explain.planes import PLANES, Plane
from shared.explain.weight_space import Part
from shared.models import trained
from shared.problems import Problem
from shared.render.packing import data_uri, pack, rounded
from shared.results import WeightPath
from shared.ui import Request, exports
from shared.ui.picture import OUT_OF_STEP

FIRST_TURN = 0.25  # seconds of scanning before anything is shown
SLOW = 6_000  # steps of training that a visitor is told of
SHOWN = 12  # pictures beside the map
EXPORTS = exports(
    (("png", "PNG"), ("svg", "SVG"), ("pdf", "PDF"), ("gif", "GIF of the rolling ball")),
    (("npz", "losses, paths, directions (.npz)"), ("csv", "the path (.csv)")),
)
NORMS_STAY = (
    "Batch norm, where there is any, keeps the statistics of the trained weights everywhere in the plane; the moments "
    "of the path have their own."
)
SNAPSHOTS = "The weights are kept as float16, so losses may differ from those of the training in the third digit."


def waiting(inputs: dict[str, str]) -> str:
    """Why the picture of these inputs will take long, or ""."""
    if inputs["model"] in SETS:
        return training_words(inputs)
    if inputs["model"] in trained.NETWORKS and not trained.pictures_of.cache_info().currsize:
        return (
            "Fetching test pictures. The first time takes as long as their download (digits 3 MB, photographs 24 MB)."
        )
    return ""


def training_words(inputs: dict[str, str]) -> str:
    """Why an MLP will take long, or ""."""
    try:
        steps = steps_of(plan_of(inputs))
    except Problem:  # which the payload tells
        return ""
    return f"Training: {steps:,} steps of the optimizer, then the scan." if steps > SLOW else ""


def payload(inputs: dict[str, str]) -> dict[str, Any]:
    """What the browser needs, with the first turn of the scan."""
    plan = plan_of(inputs)
    subject, plane = subjects_of(plan)[0], plane_of(plan)  # trained before the scan's first turn begins
    scan = scan_of(plan, FIRST_TURN)
    space = subject.make()
    loss, accuracy = space.measure(subject.origin)
    data = {
        "plan": plan_data(plan, subject),
        "alpha": rounded(scan.alpha, 9),
        "beta": rounded(scan.beta, 9),
        "axes": {"names": list(plane.axes), "unit": plane.unit},
        "scan": chunk(scan, 0),
        "paths": [path_data(path) for path in scan.paths],
        "directions": directions_data(plane, space.parts),
        "points": points_data(plan, plane) if plan.of_points else None,
        "pictures": None if plan.of_points else pictures_data(plan),
        "origin": {"loss": loss, "accuracy": accuracy},
        "notes": notes_of(plan, subject),
        "stopped": subject.stopped,
    }
    return {
        "inputs": inputs,
        "data": data,
        "auto": {},
        "computed": {},
        "exports": EXPORTS,
        "more_inputs": {},
        "source": f"Glasshouse · {subject.title}, {PLANES[plan.plane]}, seed {plan.seed}",
    }


def plan_data(plan: Plan, subject: Subject) -> dict[str, Any]:
    """The plan as the viewer reads it."""
    recipe = plan.recipe
    count = len(points_of(*plan.source).x) if plan.of_points else plan.source[1]  # type: ignore[arg-type]
    return {
        "model": plan.model,
        "title": subject.title,
        "kind": "points" if plan.of_points else "pictures",
        "plane": plan.plane,
        "plane_name": PLANES[plan.plane],
        "resolution": plan.resolution,
        "span": plan.span,
        "seed": plan.seed,
        "training_seed": recipe.seed,
        "optimizer": subject.name,
        "learning_rate": recipe.learning_rate if plan.of_points else None,
        "batch_size": recipe.batch_size if plan.of_points else None,
        "epochs": subject.moments[-1].epoch,
        "rescale": plan.rescale,
        "count": count,
        "parameters": len(subject.origin),
        "on": subject.on,
        "output_loss": "cross-entropy",
    }


def notes_of(plan: Plan, subject: Subject) -> list[str]:
    """What a reader must know of this picture."""
    if plan.of_points:
        parts = [f"The loss is the cross-entropy of the {subject.on}, without penalties."]
        if plan.rescale != 1:
            parts.append(
                f"The first layer is {plan.rescale:g} times as long and the second one's weights are divided by that: "
                "the network computes the very same."
            )
        return parts
    return [f"The loss is the cross-entropy of {subject.on}, a fixed set.", NORMS_STAY, SNAPSHOTS]


def chunk(scan: Scan, have: int) -> dict[str, Any]:
    """The values from number ``have`` on; with the paths where the page cannot know them measured yet."""
    known = len(scan.values)  # another visitor's turn may go on meanwhile
    first = min(have, known)
    values = np.array(scan.values[first:known], dtype=np.float32)
    answer: dict[str, Any] = {
        "from": first,
        "values": pack(values) if len(values) else None,
        "done": known,
        "of": scan.total,
        "finished": scan.finished,
        "measured": scan.measured,
    }
    if have <= scan.coarse or scan.finished:
        answer["paths"] = [path_data(path) for path in scan.paths]
    return answer


def path_data(path: WeightPath) -> dict[str, Any]:
    """A way as the viewer reads it; what is not measured yet is None."""
    return {
        "name": path.name,
        "epochs": path.epochs.tolist(),
        "coordinates": pack(path.coordinates.astype(np.float32)),
        "loss": rounded(path.loss, 6),
        "plane_loss": rounded(path.plane_loss, 6),
        "distance": rounded(path.distance, 6),
        "arrows": pack(np.nan_to_num(path.arrows).astype(np.float32)),
        "accuracy": rounded(path.accuracy, 6),
        "explained": None if np.isnan(path.explained) else round(path.explained, 6),
    }


def directions_data(plane: Plane, parts: Sequence[Part]) -> dict[str, Any]:
    """How the plane was made, and what each tensor contributes to it."""
    squares = plane.directions.double().square()
    totals = squares.sum(1)
    layers = [
        {
            "name": part.name,
            "kind": part.kind,
            "size": part.place.stop - part.place.start,
            "length": round(float(plane.origin[part.place].norm()), 6),
            "shares": rounded((squares[:, part.place].sum(1) / totals).numpy(), 6),
        }
        for part in parts
    ]
    return {
        "cosine": round(plane.cosine, 6),
        "lengths": rounded(np.array(plane.lengths), 6),
        "weights_length": round(float(plane.origin.double().norm()), 6),
        "facts": list(plane.facts),
        "layers": layers,
    }


def points_data(plan: Plan, plane: Plane) -> dict[str, Any]:
    """The points and the network with both directions: the browser computes what any place of the plane answers."""
    points = points_of(*plan.source)  # type: ignore[arg-type]
    shape = plan.recipe.shape(len(points.classes))
    return {
        "axes": [
            {"name": name, "mean": float(mean), "scale": float(scale)}
            for name, mean, scale in zip(points.axes, points.mean, points.scale, strict=True)
        ],
        "classes": list(points.classes),
        "window": list(window_of(points)),
        "x": pack(points.x),
        "label": pack(points.labels.astype(np.uint8)),
        "role": pack(points.validation.astype(np.uint8)),
        "network": {"sizes": list(shape.sizes), "activation": shape.activation, "output": shape.output},
        "theta": pack(plane.origin.numpy()),
        "d1": pack(plane.directions[0].numpy()),
        "d2": pack(plane.directions[1].numpy()),
    }


@lru_cache(maxsize=8)
def drawn_pictures(model: str, count: int) -> tuple[str, ...]:
    """The first pictures of a set as data URIs."""
    found = []
    for pixels in trained.pictures_of(model, count).pixels[:SHOWN]:
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        found.append(data_uri("image/png", buffer.getvalue()))
    return tuple(found)


def pictures_data(plan: Plan) -> dict[str, Any]:
    """Twelve pictures with what they are."""
    pictures = trained.pictures_of(*plan.source)  # type: ignore[arg-type]
    return {
        "images": list(drawn_pictures(*plan.source)),  # type: ignore[arg-type]
        "labels": pictures.labels[:SHOWN].tolist(),
        "classes": list(trained.network(plan.model).labels),
    }


def scan_turn(request: Request) -> dict[str, Any]:
    """Go on with the scan, and send the values that the page does not have yet."""
    return chunk(scan_of(plan_of(request.inputs)), max(0, request.number("part", 0)))


def place_of(request: Request) -> tuple[float, float]:
    """The point of the plane that a question is about."""
    try:
        alpha, beta = (float(request.details[name]) for name in ("a", "b"))
    except (KeyError, ValueError, TypeError) as error:
        raise Problem(OUT_OF_STEP) from error
    if not (np.isfinite([alpha, beta]).all() and max(abs(alpha), abs(beta)) <= 1e6):
        raise Problem("This place lies outside the plane; click on the map.")
    return alpha, beta


@torch.no_grad()
def look(request: Request) -> dict[str, Any]:
    """What the network at a point of the plane says of the twelve pictures."""
    plan = plan_of(request.inputs)
    if plan.of_points:
        raise Problem("A network on points is evaluated by the page itself; reload the page.")
    alpha, beta = place_of(request)
    space = subjects_of(plan)[0].make()
    outputs = space.outputs(plane_of(plan).at(alpha, beta))
    shares = outputs[:SHOWN].softmax(1).nan_to_num()
    loss = float(space.criterion(outputs, space.labels))
    return {
        "loss": loss if np.isfinite(loss) else None,
        "accuracy": float((outputs.argmax(1) == space.labels).float().mean()),
        "said": shares.argmax(1).tolist(),
        "sure": rounded(shares.amax(1).numpy()),
    }


def warm() -> None:
    """Make the first picture before anyone asks for it."""
    from loss_landscape_presets import DEFAULTS, PRESETS

    payload({**DEFAULTS, **PRESETS[0].inputs})
