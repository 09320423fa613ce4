"""Image classifiers by name, and photographs as they were trained to read them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from shared import checkpoints
from shared.models.layers import Layer, default_layer, logits_of, stages
from shared.models.recording import make_visible
from shared.problems import Problem

EMBEDDED = (
    "resnet20-cifar10", "alexnet-cifar10", "mlp-cifar10", "lenet-mnist", "lenet-mnist-shortcut", "mlp-mnist",
    "cnn-fashion-mnist",
)  # fmt: skip
ALIASES = {"mobilenet-v2": "google/mobilenet_v2_1.0_224"}
HUB = (
    "mobilenet-v2",
    "microsoft/resnet-50",
    "facebook/convnext-tiny-224",
    "google/vit-base-patch16-224",
    "facebook/deit-tiny-patch16-224",
    "microsoft/swin-tiny-patch4-window7-224",
)
LARGEST_INPUT = 512  # pixels on a side


@dataclass(frozen=True)
class Preparation:
    """How a photograph becomes an input, under the names of transformers' ``preprocessor_config.json``.

    ``size`` (rows, columns) is what the network reads. The photograph is resized with ``resample`` (a PIL filter) so
    that its shorter side has ``shortest`` pixels and the middle is cut out; where ``shortest`` is 0 it is squeezed to
    ``size`` whole. Pixels in [0, 1] have ``mean`` (C,) subtracted and are divided by ``std`` (C,).
    """

    size: tuple[int, int]
    shortest: int
    resample: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class Prepared:
    """``inputs`` (1, C, rows, columns), and the part of the photograph that they hold.

    ``box`` is (top, left, height, width) in pixels of the photograph.
    """

    inputs: torch.Tensor
    box: tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class ImageModel:
    """An image classifier: eval mode, float32, without gradients for its parameters, shared by all and never changed.

    ``labels`` (K,) name its classes. ``layers`` are its spatial stages in order, none for a network without a sense of
    space; ``layer`` is the index of the one to explain by default, -1 without any. ``transformer``: its attention
    between patches can be recorded.
    """

    name: str
    network: nn.Module
    labels: tuple[str, ...]
    preparation: Preparation
    layers: tuple[Layer, ...]
    layer: int
    transformer: bool

    def layer_at(self, index: int) -> Layer:
        """One spatial stage; raises ``Problem`` for one that does not exist."""
        if not self.layers:
            raise Problem(f"{self.name} has no spatial layers, so no class activation map can be drawn for it.")
        if not 0 <= index < len(self.layers):
            raise Problem(f"There is no layer {index} in {self.name}; choose one from 0 to {len(self.layers) - 1}.")
        return self.layers[index]

    def class_named(self, text: str) -> int:
        """The class called ``text``, or numbered so; raises ``Problem`` where none or several are."""
        wanted = text.strip().casefold()
        if wanted.isdecimal() and int(wanted) < len(self.labels):
            return int(wanted)
        words = [[word.strip().casefold() for word in label.split(",")] for label in self.labels]
        exact = [index for index, names in enumerate(words) if wanted in names or wanted == ", ".join(names)]
        found = exact or [index for index, label in enumerate(self.labels) if wanted and wanted in label.casefold()]
        if len(found) == 1 or (exact and wanted):
            return found[0]
        if not found:
            raise Problem(f"{self.name} knows no class {text[:60]!r}; name one of its {len(self.labels)} classes.")
        choice = ", ".join(self.labels[index].split(",")[0] for index in found[:4])
        raise Problem(
            f"{len(found)} classes of {self.name} are called like {text[:60]!r} ({choice}); name one exactly."
        )


@checkpoints.load_once
def load(name: str) -> ImageModel:
    """The image classifier ``name``: one of ``EMBEDDED`` or ``HUB``, or any Hub id "owner/name".

    Raises ``Problem`` where it cannot be had or is no image classifier that reads whole pictures.
    """
    repository = ALIASES.get(name, name)
    config: dict[str, Any] = {}

    def accept(found: dict[str, Any]) -> None:
        _require_classifier(name, found)
        config.update(found)

    path = checkpoints.folder(repository, accept=accept, offered=EMBEDDED)
    preparation = _preparation(name, path)
    try:
        network = _own(path, config) if "/" not in repository else _from_transformers(path)
    except Exception as error:  # a stranger's files can fail in any way
        raise Problem(f"{name} could not be opened by transformers; choose another model.") from error
    return assemble(name, network, _labels(config), preparation)


def assemble(name: str, network: nn.Module, labels: tuple[str, ...], preparation: Preparation) -> ImageModel:
    """Freeze ``network`` and find its stages by running it once."""
    network.eval().requires_grad_(False)
    inputs = torch.zeros(1, len(preparation.mean), *preparation.size)
    if hasattr(network, "config"):
        make_visible(network)
    layers = stages(network, inputs)
    transformer = any(layer.prefix for layer in layers)
    layer = default_layer(network, inputs, layers) if layers else -1
    return ImageModel(name, network, labels, preparation, tuple(layers), layer, transformer)


def prepare(preparation: Preparation, pixels: np.ndarray) -> Prepared:
    """A photograph (H, W, 3) uint8 as the network's input."""
    photo = Image.fromarray(pixels)
    width, height = photo.size
    rows, columns = preparation.size
    if preparation.shortest:
        scale = preparation.shortest / min(width, height)
        resized = (max(columns, int(width * scale)), max(rows, int(height * scale)))
    else:
        resized = (columns, rows)
    top, left = (resized[1] - rows) // 2, (resized[0] - columns) // 2
    cut = photo.resize(resized, Image.Resampling(preparation.resample)).crop((left, top, left + columns, top + rows))
    down, right = height / resized[1], width / resized[0]
    box = (round(top * down), round(left * right), round(rows * down), round(columns * right))
    return Prepared(to_inputs(preparation, np.asarray(cut)[None]), box)


def to_inputs(preparation: Preparation, pictures: np.ndarray) -> torch.Tensor:
    """Pictures (B, rows, columns, 3) uint8 of the right size as inputs (B, C, rows, columns)."""
    values = torch.from_numpy(pictures.astype(np.float32) / 255).permute(0, 3, 1, 2)
    mean, std = (torch.tensor(numbers).view(1, -1, 1, 1) for numbers in (preparation.mean, preparation.std))
    if len(preparation.mean) == 1:  # luma of ITU-R 601, as PIL's mode L
        values = (values * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    return (values - mean) / std


@torch.no_grad()
def probabilities(model: ImageModel, inputs: torch.Tensor) -> np.ndarray:
    """The softmax of the answer to ``inputs`` (B, C, rows, columns): (B, K) float32."""
    return np.asarray(logits_of(model.network(inputs)).softmax(1).numpy())


def _require_classifier(name: str, config: dict[str, Any]) -> None:
    """Refuse, by its config alone, what does not classify images."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES

    if "/" not in ALIASES.get(name, name) and config.get("architectures", [""])[0] in _own_classes():
        return
    named = str((config.get("architectures") or [""])[0])
    if str(config.get("model_type")) not in MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES or not named.endswith(
        ("ForImageClassification", "ForImageClassificationWithTeacher")
    ):
        raise Problem(f"{name} is no image classifier; choose a model made for image classification.")


def _own_classes() -> dict[str, type[nn.Module]]:
    """The networks of this house, by the name of their class."""
    from shared.models.alexnet import AlexNet
    from shared.models.image_mlp import ImageMLP
    from shared.models.lenet import LeNet
    from shared.models.resnet import ResNet

    return {kind.__name__: kind for kind in (AlexNet, ImageMLP, LeNet, ResNet)}


def _own(path: Path, config: dict[str, Any]) -> nn.Module:
    """A network of this house with its weights."""
    sizes = {name: value for name, value in config.items() if name not in ("architectures", "id2label")}
    network = _own_classes()[config["architectures"][0]](**sizes)
    network.load_state_dict(checkpoints.float_weights(path / "model.safetensors"))
    return network


def _from_transformers(path: Path) -> nn.Module:
    """A network of transformers with its weights, whose attention can be recorded where it has any."""
    from transformers import AutoModelForImageClassification

    network: nn.Module = AutoModelForImageClassification.from_pretrained(
        path, dtype=torch.float32, use_safetensors=True, local_files_only=True
    )
    return network


def _labels(config: dict[str, Any]) -> tuple[str, ...]:
    """The names of the classes, in order."""
    names = {int(index): str(label) for index, label in (config.get("id2label") or {}).items()}
    return tuple(names[index] for index in sorted(names))


def _preparation(name: str, path: Path) -> Preparation:
    """What ``preprocessor_config.json`` says."""
    try:
        config = json.loads((path / "preprocessor_config.json").read_text(encoding="utf-8"))
        return read_preparation(config)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise Problem(
            f"{name} does not say how it reads pictures; choose a model with a preprocessor_config.json."
        ) from error


def read_preparation(config: dict[str, Any]) -> Preparation:
    """The preparation that a parsed ``preprocessor_config.json`` describes.

    ConvNeXt resizes to ``size / crop_pct`` below 384 pixels before it cuts; others resize the shorter side and cut
    ``crop_size``, or squeeze the whole picture to ``size``.
    """
    size, crop = sides(config["size"]), sides(config.get("crop_size", config["size"]))
    shortest = size.get("shortest_edge", 0)
    if shortest and config.get("crop_pct") and shortest < 384:
        target, shortest = (shortest, shortest), int(shortest / config["crop_pct"])
    elif config.get("do_center_crop", False):
        target = (crop.get("height", crop.get("shortest_edge", 0)), crop.get("width", crop.get("shortest_edge", 0)))
        shortest = shortest or size["height"]
    else:
        target, shortest = (size.get("height", shortest), size.get("width", shortest)), 0
    if not all(2 <= side <= LARGEST_INPUT for side in target):
        raise ValueError(f"pictures of {target} pixels")
    scaled = config.get("do_normalize", True)
    mean = tuple(config["image_mean"]) if scaled else (0.0, 0.0, 0.0)
    std = tuple(config["image_std"]) if scaled else (1.0, 1.0, 1.0)
    return Preparation(target, shortest, int(config.get("resample", 2)), mean, std)


def sides(size: int | dict[str, int]) -> dict[str, int]:
    """A size as transformers writes it, in the one form of its new versions."""
    return {"shortest_edge": size} if isinstance(size, int) else dict(size)
