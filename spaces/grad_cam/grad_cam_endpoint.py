"""The endpoint of the Grad-CAM Space: a file and words in, a picture and arrays out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from grad_cam_case import Case, build
from grad_cam_exports import arrays_of
from grad_cam_maps import signed_maps
from grad_cam_view import MOST_SHOWN

from shared.explain.targets import Target
from shared.models.layers import Layer
from shared.models.photos import read_photo
from shared.problems import Problem
from shared.render.overlay import part, top
from shared.render.saliency_picture import saliency_picture
from shared.ui import temporary_file, uploaded


def show(upload: Any, model: str, methods: Sequence[str] | str, target: str, layer: str) -> tuple[str, str]:  # noqa: ANN401
    """The endpoint's answer: the path of the first method's overlay, and the path of the .npz file with all arrays.

    ``upload`` is a file as gradio describes it, not opened yet.
    """
    if not upload:
        raise Problem("Send a photo.")
    chosen = [methods] if isinstance(methods, str) else [str(name) for name in methods]
    if not chosen or len(chosen) > MOST_SHOWN:
        raise Problem(f"Choose one to {MOST_SHOWN} methods.")
    case = build(read_photo(uploaded(upload)), str(model).strip(), enlarge=False)
    aim, stage = named_target(case, str(target)), named_layer(case, str(layer))
    maps = signed_maps(case, chosen, aim, stage, end=np.inf)
    first = maps[chosen[0]]
    picture = saliency_picture(case.photo, part(first, "positive", top(first)), case.box)
    arrays = arrays_of(case, maps, aim, stage)
    return temporary_file("overlay.jpg", picture), temporary_file("saliency.npz", arrays)


def named_target(case: Case, text: str) -> Target:
    """ "predicted", a class by name or number, or two contrasted: "tabby - lion"."""
    if text.strip().lower() in ("", "predicted"):
        return Target(int(case.probabilities.argmax()))
    own, _, against = text.partition(" - ")
    return Target(case.model.class_named(own), case.model.class_named(against) if against else None)


def named_layer(case: Case, text: str) -> Layer | None:
    """ "last" (that the answer depends on), a stage by its name, or its number counted from 0."""
    wanted, names = text.strip(), [layer.name for layer in case.model.layers]
    if wanted in ("", "last"):
        return case.layer(case.model.layer)
    if wanted in names:
        return case.model.layer_at(names.index(wanted))
    if not wanted.isdecimal():
        raise Problem(f"The layer is “last”, the name of a stage or a whole number from 0, not {text[:40]!r}.")
    return case.model.layer_at(int(wanted))
