"""One photo in one network, and its maps: what every question of the Grad-CAM Space begins with."""

import base64
import io
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

import numpy as np
import torch
from cachetools import LRUCache, cached
from grad_cam_examples import example
from PIL import Image

from shared.explain import cam
from shared.explain.channel_masks import Progress
from shared.explain.faithfulness import unit
from shared.explain.methods import METHODS, explain, resized, why_not
from shared.explain.targets import Target
from shared.models.images import ImageModel, load, prepare
from shared.models.layers import Layer, logits_of
from shared.models.photos import Photo, read_photo
from shared.models.shortcut import DOT
from shared.problems import Problem
from shared.ui import photo_bytes

SHORTCUT = "lenet-mnist-shortcut"
SHOWN = 1024  # pixels of the longer side of a photo on the page
RUNNING_KEPT = 48  # slow maps of one photo, finished or canceled
ENLARGED = 280  # pixels to which tiny pictures are enlarged on the page


@dataclass(frozen=True, eq=False)
class Case:
    """One photo in one network.

    ``photo`` (H, W, 3) uint8 as it is shown; ``box`` (top, left, height, width) of it is what the network saw.
    """

    model: ImageModel
    photo: np.ndarray
    note: str
    box: tuple[int, int, int, int]
    inputs: torch.Tensor
    probabilities: np.ndarray
    running: dict[tuple[Any, ...], "Slow"] = field(default_factory=dict)

    def layer(self, index: int) -> Layer | None:
        """A stage, None for a network that has none."""
        return self.model.layer_at(index) if self.model.layers else None


@dataclass(eq=False)
class Slow:
    """A slow method at work: between the visitor's questions it rests."""

    steps: Progress
    progress: float = 0.0
    found: np.ndarray | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def work(self, seconds: float) -> np.ndarray | None:
        """Go on for about so long; the map once it is there."""
        with self.lock:
            end = time.monotonic() + seconds
            while self.found is None and time.monotonic() < end:
                try:
                    self.progress = next(self.steps)
                except StopIteration as done:
                    self.found = np.asarray(done.value)
            return self.found


def photo_of(reference: str) -> Photo:
    """The photo that a page's input refers to."""
    if not reference:
        raise Problem("Choose a photo: drop one into the field, or take one of the examples.")
    return read_photo(photo_bytes(reference, example))


def shown(pixels: np.ndarray, enlarge: bool) -> np.ndarray:
    """A photo at the size in which it is drawn: at most ``SHOWN``, tiny ones enlarged in whole pixels."""
    longest = max(pixels.shape[:2])
    if longest > SHOWN:
        size = tuple(max(1, round(side * SHOWN / longest)) for side in pixels.shape[1::-1])
        return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))
    times = max(1, ENLARGED // longest) if enlarge else 1
    return pixels.repeat(times, 0).repeat(times, 1)


def build(photo: Photo, model_name: str, enlarge: bool = True) -> Case:
    """Run the network once on the photo."""
    model = load(model_name)
    prepared = prepare(model.preparation, photo.pixels)
    with torch.no_grad():
        probabilities = logits_of(model.network(prepared.inputs)).softmax(1)[0].numpy()
    drawn = shown(photo.pixels, enlarge)
    scale = drawn.shape[0] / photo.pixels.shape[0]
    top, left, height, width = (round(side * scale) for side in prepared.box)
    return Case(model, drawn, photo.note, (top, left, height, width), prepared.inputs, probabilities)


@cached(LRUCache(24), lock=threading.Lock())
def computed(image: str, model_name: str) -> Case:
    """The case of one input; the latest are kept, for the questions that follow."""
    return build(photo_of(image), model_name)


def case_of(inputs: Mapping[str, str]) -> Case:
    """The case of the page's inputs."""
    return computed(inputs["image"], inputs["model"].strip())


def known(case: Case, inputs: Mapping[str, str]) -> dict[str, Any] | None:
    """Where the true evidence is: the dot, in the network that was trained on it, where this picture wears it."""
    if inputs["model"] != SHORTCUT or not inputs["image"].startswith("example:dot"):
        return None
    unit_, side = case.photo.shape[0] / 28, DOT[0].stop - DOT[0].start
    box = [round(number * unit_) for number in (DOT[0].start, DOT[1].start, side, side)]
    return {"name": "the dot", "box": box}


@cache
def method_table(model_name: str) -> list[dict[str, Any]]:
    """All methods, and which of them can explain this network."""
    model = load(model_name)
    layer = model.layer_at(model.layer) if model.layers else None
    inputs = torch.zeros(1, len(model.preparation.mean), *model.preparation.size)
    reasons = {name: why_not(method, model.network, inputs, layer) for name, method in METHODS.items()}
    return [asdict(method) | {"available": not reasons[name], "why": reasons[name]} for name, method in METHODS.items()]


def data_uri(pixels: np.ndarray) -> str:
    """A picture as a data URI: JPEG, or PNG where it was enlarged from few pixels."""
    file, tiny = io.BytesIO(), max(pixels.shape[:2]) <= ENLARGED
    Image.fromarray(pixels).save(file, "PNG" if tiny else "JPEG", quality=85)
    return f"data:image/{'png' if tiny else 'jpeg'};base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def target_of(case: Case, text: Any) -> Target:
    """ "285", or "285-243" for one class against another."""
    try:
        index, *against = (int(part) for part in str(text).split("-"))
    except ValueError as error:
        raise Problem("Choose a class by its name.") from error
    target = Target(index, against[0] if against else None)
    target.score(torch.zeros(1, len(case.model.labels)))  # refuses classes that there are not
    return target


def fast(case: Case, names: Sequence[str]) -> list[str]:
    """Those of the methods that are quick and that this network allows, in the order of the table."""
    table = method_table(case.model.name)
    return [row["name"] for row in table if row["name"] in names and row["available"] and not row["slow"]]


def signed_maps(case: Case, names: Sequence[str], target: Target, layer: Layer | None) -> dict[str, np.ndarray]:
    """The signed maps of methods, slow ones to their end."""
    together = [name for name in names if name in cam.ONE_PASS and layer]
    shared = cam.one_pass(case.model.network, case.inputs, layer, [target], together) if together and layer else {}
    return {
        name: shared[name, target] if (name, target) in shared else slow_map(case, name, target, layer, np.inf)[0]
        for name in names
    }  # fmt: skip


def slow_map(
    case: Case, name: str, target: Target, layer: Layer | None, seconds: float
) -> tuple[np.ndarray, float] | tuple[None, float]:
    """Work on one map for so long; what is finished stays with the case."""
    place = (name, target, layer if METHODS.get(name) and METHODS[name].layered else None)
    running = case.running.setdefault(place, Slow(explain(name, case.model.network, case.inputs, target, layer)))
    for oldest in list(case.running)[:-RUNNING_KEPT]:
        case.running.pop(oldest, None)
    try:
        found = running.work(seconds)
    except Exception:
        case.running.pop(place, None)  # a generator that failed is at its end
        raise
    return (found, 1.0) if found is not None else (None, running.progress)


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
