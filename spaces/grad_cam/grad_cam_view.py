"""What a visitor has chosen to see, and its picture."""

import time
from typing import Any

import numpy as np
from grad_cam_case import Case, case_of, target_of
from grad_cam_maps import PATIENCE, method_table, signed_maps
from grad_cam_presets import QUESTION, SHOWN_FIRST

from shared.explain.targets import Target
from shared.models.layers import Layer
from shared.render.saliency_figures import saliency_grid
from shared.render.style import save
from shared.ui import Request

MOST_SHOWN = 12  # methods in one picture


class View:
    """What a visitor sees: the case, and the viewer's state where it is sound.

    ``method`` is that of the tabs with one method, ``end`` the moment until which slow maps are worked on.
    """

    def __init__(self, request: Request) -> None:
        state = request.state
        self.case = case_of(request.inputs)
        self.model_name = request.inputs["model"]
        self.layer_index = state.get("layer", self.case.model.layer)
        self.layer: Layer | None = self.case.layer(self.layer_index if isinstance(self.layer_index, int) else -2)
        names = str(state.get("methods") or ",".join(SHOWN_FIRST)).split(",")
        table = [row for row in method_table(self.case.model_name) if row["available"]]
        available = {row["name"] for row in table}
        self.quick = [row["name"] for row in table if not row["slow"]]
        self.methods = [name for name in names if name in available][:MOST_SHOWN] or self.quick[: len(SHOWN_FIRST)]
        own = str(state.get("method"))
        self.method = own if own in available else self.methods[0]
        best = int(self.case.probabilities.argmax())
        first = str(state.get("target", best))
        self.targets = [target_of(self.case, text) for text in (first, *str(state.get("more", "")).split(",")) if text]
        self.sign = state.get("sign") if state.get("sign") in ("negative", "signed") else "positive"
        self.look = {
            "sign": self.sign,
            "opacity": fraction(state.get("opacity", 60)),
            "threshold": min(fraction(state.get("threshold", 0)), 0.95),
            "colormap": state.get("colormap") if state.get("colormap") in ("magma", "cividis") else "viridis",
        }
        self.end = time.monotonic() + PATIENCE
        self.finding = request.finding

    def maps(self) -> dict[tuple[str, Target], np.ndarray]:
        """All maps of the grid, as their methods give them."""
        found = {target: signed_maps(self.case, self.methods, target, self.layer, self.end) for target in self.targets}
        return {(name, target): found[target][name] for name in self.methods for target in self.targets}

    def source(self) -> str:
        """Where a picture comes from."""
        layer = f", layer {self.layer_index} ({self.layer.name}), counted from 0" if self.layer else ""
        return f"Glasshouse: {QUESTION} {self.model_name}{layer}; seed 0"


def fraction(percent: Any) -> float:
    """A percentage of the viewer's state as a number in [0, 1]."""
    return min(max(float(percent), 0.0), 100.0) / 100 if isinstance(percent, int | float) else 0.6


def class_name(case: Case, target: Target) -> str:
    """A target in words; of several names of a class, the first."""
    own = case.model.labels[target.index].split(",")[0]
    return own if target.against is None else f"{own} against {case.model.labels[target.against].split(',')[0]}"


def grid_bytes(view: View, kind: str) -> bytes:
    """The grid of methods and classes as a figure."""
    case = view.case
    names = {target: class_name(case, target) for target in view.targets}
    maps = {(method, names[target]): signed for (method, target), signed in view.maps().items()}
    title = " and ".join(names.values())
    columns = list(dict.fromkeys(names.values()))
    figure = saliency_grid(
        case.photo, case.box, maps, view.methods, columns, title, view.finding, view.source(), **view.look
    )
    return save(figure, kind)  # type: ignore[arg-type]
