"""Views of the Loss Landscape Space beside the map: how it bends, other draws, the gradient of every layer."""

import math
from collections.abc import Generator
from dataclasses import replace
from typing import Any

import numpy as np
from loss_landscape_compute import look, scan_turn
from loss_landscape_plan import Plan, plan_of, subjects_of

from shared.explain import curvature
from shared.explain.curvature import Curvature
from shared.explain.landscape import Scan, plane_for, scanning
from shared.problems import Problem
from shared.render.packing import pack, rounded
from shared.render.page import library
from shared.ui import Jobs, Request

DRAWS = 8  # other draws of random directions
DRAW_LINES = {True: 15, False: 7}  # grid lines of each, for MLPs and for networks that read pictures
KEPT = 24
CURVATURES: Jobs[Curvature] = Jobs(KEPT)
DRAWN: Jobs[tuple[int, tuple[Scan, ...]]] = Jobs(KEPT)


def same_weights(plan: Plan) -> Plan:
    """A plan that stands for all that look at the same trained weights."""
    return replace(plan, plane="filter_normalized", resolution=5, span=1.0, rivals=(), other="untrained")


def sharpness(request: Request) -> dict[str, Any]:
    """Everything about the curvature at the trained weights, as far as it is known."""
    plan = plan_of(request.inputs)
    subject = subjects_of(plan)[0]

    def steps() -> Generator[Curvature, None, Curvature]:
        latest = None
        for latest in curvature.curvature(subject.make(), subject.origin, plan.seed):  # noqa: B007 - the last one
            yield latest
        assert latest is not None
        return latest

    found = CURVATURES.work(same_weights(plan), steps)
    return curvature_data(found)


def finite(number: float) -> float | None:
    """A number as JSON can say it: None where it is infinite or none."""
    return number if math.isfinite(number) else None


def curvature_data(found: Curvature) -> dict[str, Any]:
    """What is known of a curvature as the viewer reads it."""
    ends = found.ends
    finished = len(found.profiles) == 4
    return {
        "done": found.total if finished else found.done,
        "of": found.total,
        "finished": finished,
        "stage": found.stage,
        "loss": finite(found.loss),
        "gradient": finite(found.gradient),
        "top": ends and ends.top,
        "bottom": ends and ends.bottom,
        "found": bool(ends and ends.found),
        "error": ends and max(ends.residuals),
        "products": ends.products if ends else 0,
        "radii": [
            {"radius": size, "loss": finite(loss), "percent": finite(curvature.sharpness_percent(found.loss, loss))}
            for size, loss in found.boxes
        ],
        "profiles": [
            {"name": name, "at": rounded(np.array(at)), "loss": rounded(np.array(loss), 6)}
            for name, at, loss in found.profiles
        ],
    }


def redraw(request: Request) -> dict[str, Any]:
    """The same minimum through other draws of the random directions, one after the other."""
    plan = plan_of(request.inputs)
    if plan.plane not in ("filter_normalized", "random"):
        raise Problem("The directions of this plane are not random, so there are no other draws of them.")
    lines = DRAW_LINES[plan.of_points]

    def steps() -> Generator[tuple[int, tuple[Scan, ...]], None, tuple[int, tuple[Scan, ...]]]:
        subject, scans = replace(subjects_of(plan)[0], moments=subjects_of(plan)[0].moments[-1:]), []
        for draw in range(1, DRAWS + 1):
            scan = None
            for scan in scanning(subject, plane_for(plan.plane, subject, (), plan.seed + draw), lines, plan.span):
                yield (draw - 1) * lines**2 + len(scan.values), tuple(scans)
            scans.append(scan)
        return DRAWS * lines**2, tuple(scans)

    done, scans = DRAWN.work(replace(plan, resolution=lines, rivals=()), steps)
    return {
        "done": done,
        "of": DRAWS * lines**2,
        "finished": len(scans) == DRAWS,
        "alpha": rounded(scans[0].alpha, 9) if scans else [],
        "rows": [
            {"seed": plan.seed + 1 + index, "values": pack(scan.result().loss.astype(np.float32))}
            for index, scan in enumerate(scans)
        ],
    }


def flow(request: Request) -> dict[str, Any]:
    """The gradient that each layer gets, untrained and trained."""
    plan = plan_of(request.inputs)
    subject = subjects_of(plan)[0]
    space, moments = subject.make(), []
    for name, moment in (("untrained", subject.moments[0]), ("trained", subject.moments[-1])):
        space.use_buffers(moment.buffers)
        norms = curvature.gradient_norms(space, moment.theta)
        moments.append({"name": name, "layers": [{"name": layer, "norm": finite(norm)} for layer, norm in norms]})
    note = f"The length of the gradient of each layer's weights, on {subject.on}."
    if any(part.kind == "norm" for part in space.parts):
        note += " Batch norm uses the statistics that each moment had gathered in training."
    return {"moments": moments, "note": note}


def plotly(_request: Request) -> dict[str, Any]:
    """The library of the 3-D view."""
    return {"script": library("plotly-gl3d.min.js")}


ANSWERS = {
    "scan": scan_turn, "look": look, "sharpness": sharpness, "redraw": redraw, "flow": flow, "plotly": plotly,
}  # fmt: skip
