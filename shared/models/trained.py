"""The picture networks whose training was kept: their weights at several moments, and pictures to measure them on."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import nn

from shared import checkpoints
from shared.models import hub_pictures, images
from shared.problems import Problem

NETWORKS = {
    "lenet-mnist": "LeNet on MNIST",
    "resnet20-cifar10": "ResNet-20 on CIFAR-10",
    "resnet56-narrow-cifar10": "56 layers with skip connections on CIFAR-10",
    "plain56-narrow-cifar10": "56 layers without skip connections on CIFAR-10",
    "plain56-narrow-cifar10-no-norm": "56 layers without skip connections and batch norm on CIFAR-10",
}
MOST_PICTURES = 256  # the Hessian of 56 layers takes some gigabytes for these


@dataclass(frozen=True, eq=False)
class PictureSet:
    """The first pictures of a test set: ``inputs`` (N, C, H, W) as a network reads them, ``pixels`` uint8, ``labels``.

    ``title`` says what they are.
    """

    inputs: torch.Tensor
    labels: torch.Tensor
    pixels: np.ndarray
    title: str


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Parameters and buffers of one moment, by name, float32; ``epoch`` 0 is the untrained network."""

    epoch: int
    state: dict[str, torch.Tensor]


@lru_cache(maxsize=4)
def snapshots(name: str) -> tuple[Snapshot, ...]:
    """The kept moments of a checkpoint's training, the untrained network first, the trained one last."""
    folder = checkpoints.folder(name, offered=tuple(NETWORKS))
    files = sorted((folder / "snapshots").glob("epoch-*.safetensors"))
    if not files:
        raise Problem(f"{name} keeps no moments of its training; choose one of {', '.join(NETWORKS)}.")
    return tuple(Snapshot(_epoch(file), checkpoints.float_weights(file)) for file in files)


def _epoch(file: Path) -> int:
    return int(file.stem.partition("-")[2])


def network(name: str) -> images.ImageModel:
    """One of ``NETWORKS``."""
    if name not in NETWORKS:
        raise Problem(f"There is no network {name[:60]!r} here; choose one of {', '.join(NETWORKS)}.")
    return images.load(name)


def load_snapshot(model: nn.Module, snapshot: Snapshot) -> nn.Module:
    """Give ``model``, which must be the caller's own, the weights and buffers of a moment."""
    model.load_state_dict(snapshot.state)
    return model


@lru_cache(maxsize=4)
def pictures_of(name: str, count: int) -> PictureSet:
    """The first ``count`` test pictures for one of ``NETWORKS``; raises ``Problem`` where they cannot be had."""
    model = network(name)
    digits = name.endswith("mnist")
    fetch, title = (hub_pictures.mnist, "MNIST") if digits else (hub_pictures.cifar10, "CIFAR-10")
    try:
        pixels, labels = fetch("test", count)
    except Exception as error:  # what the Hub client raises without a network varies
        raise Problem(
            f"The test pictures of {title} are fetched from the Hub, which cannot be reached now; choose an MLP."
        ) from error
    colored = np.repeat(pixels[..., None], 3, -1) if pixels.ndim == 3 else pixels
    inputs = images.to_inputs(model.preparation, colored)
    words = f"the first {len(labels)} test pictures of {title}"
    return PictureSet(inputs, torch.from_numpy(labels), pixels, words)
