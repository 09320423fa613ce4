"""One photo in one network: what every question of the Grad-CAM Space begins with."""

import io
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from cachetools import LRUCache, cached
from grad_cam_examples import example
from grad_cam_slow import Slow
from PIL import Image

from shared.explain.targets import Target
from shared.models.images import ImageModel, load, prepare, probabilities
from shared.models.layers import Layer
from shared.models.photos import Photo, read_photo
from shared.models.shortcut import DOT
from shared.problems import Problem
from shared.render import packing
from shared.ui import photo_bytes

SHORTCUT = "lenet-mnist-shortcut"
SHOWN = 1024  # pixels of the longer side of a photo on the page
ENLARGED = 280  # pixels to which tiny pictures are enlarged on the page


@dataclass(frozen=True, eq=False)
class Case:
    """One photo in one network.

    ``photo`` (H, W, 3) uint8 as it is shown; ``box`` (top, left, height, width) of it is what the network saw.
    ``running`` are its maps that are computed one by one, finished or not; see ``grad_cam_maps``.
    """

    model_name: str
    photo: np.ndarray
    note: str
    box: tuple[int, int, int, int]
    inputs: torch.Tensor
    probabilities: np.ndarray
    running: dict[tuple[Any, ...], Slow] = field(default_factory=dict)

    @property
    def model(self) -> ImageModel:
        """The network, loaded again if need be: a case that is kept must not keep the network too."""
        return load(self.model_name)

    def layer(self, index: int) -> Layer | None:
        """A stage, None for a network that has none."""
        return self.model.layer_at(index) if self.model.layers else None


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
    answer = probabilities(model, prepared.inputs)[0]
    drawn = shown(photo.pixels, enlarge)
    scale = drawn.shape[0] / photo.pixels.shape[0]
    top, left, height, width = (round(side * scale) for side in prepared.box)
    return Case(model.name, drawn, photo.note, (top, left, height, width), prepared.inputs, answer)


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


def data_uri(pixels: np.ndarray) -> str:
    """A picture as a data URI: JPEG, or PNG where it was enlarged from few pixels."""
    file, tiny = io.BytesIO(), max(pixels.shape[:2]) <= ENLARGED
    Image.fromarray(pixels).save(file, "PNG" if tiny else "JPEG", quality=85)
    return packing.data_uri(f"image/{'png' if tiny else 'jpeg'}", file.getvalue())


def target_of(case: Case, text: Any) -> Target:
    """ "285", or "285-243" for one class against another."""
    try:
        index, *against = (int(part) for part in str(text).split("-"))
    except ValueError as error:
        raise Problem("Choose a class by its name.") from error
    target = Target(index, against[0] if against else None)
    target.score(torch.zeros(1, len(case.probabilities)))  # refuses classes that there are not
    return target
