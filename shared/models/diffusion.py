"""Diffusion models by name: a U-Net that says what is noise in a noisy picture, and its schedule of noise."""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from shared import checkpoints
from shared.problems import Problem

EMBEDDED = ("ddpm-fashion-mnist",)
HUB = ("google/ddpm-cifar10-32",)
LARGEST_SIDE = 64  # pixels of the pictures
LARGEST_MEGABYTES = 500
MOST_LEVELS = 10_000  # of noise
# What of a scheduler belongs to the model; how its noise is taken away is chosen here.
SCHEDULE = (
    "num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas", "prediction_type",
    "clip_sample", "clip_sample_range", "variance_type", "rescale_betas_zero_snr",
)  # fmt: skip
MOMENT = re.compile(r"(?P<name>[a-z0-9-]+)@(?P<step>[0-9]{1,7})")
ANY = -1  # instead of a class: any
# The classifiers that look at what a model draws, and the class names both share.
JUDGES = {
    "ddpm-fashion-mnist": "cnn-fashion-mnist",
    "ddpm-mnist": "lenet-mnist",
    "ddpm-cifar10": "resnet20-cifar10",
    "google/ddpm-cifar10-32": "resnet20-cifar10",
}


@dataclass(frozen=True, eq=False)
class DiffusionModel:
    """A denoising network: eval mode, float32, without gradients, shared by all and never changed.

    ``schedule`` is the configuration of its scheduler, under diffusers' names. ``labels`` (K,) name its classes, none
    for a model that draws whatever it likes. ``guidance`` is the strength that its training script recommends.
    ``moment`` is the training step of the weights, None for the final ones; ``moments`` are those to be had.
    """

    name: str
    network: nn.Module
    schedule: dict[str, Any]
    labels: tuple[str, ...]
    guidance: float
    moment: int | None
    moments: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one picture: (C, H, W)."""
        config: Any = self.network.config
        return int(config.in_channels), int(config.sample_size), int(config.sample_size)

    @property
    def judge(self) -> str | None:
        """The classifier that knows these classes."""
        return JUDGES.get(self.name.partition("@")[0])

    @cached_property
    def alphas_cumprod(self) -> np.ndarray:
        """The share of the picture's variance left at every noise level t: (T,) float64, falling.

        abar_t = prod (1 - beta_s), Ho et al. 2020, section 2.
        """
        from diffusers import DDPMScheduler

        betas = DDPMScheduler.from_config(self.schedule).betas
        return np.asarray(np.cumprod(1 - betas.double().numpy()))

    def class_named(self, text: str) -> int:
        """The class called ``text``, ``ANY`` for "any"; raises ``Problem`` where there is none."""
        wanted = text.strip().casefold()
        if wanted in ("", "any"):
            return ANY
        names = [label.casefold() for label in self.labels]
        if wanted in names:
            return names.index(wanted)
        if not names:
            raise Problem(f"{self.name} knows no classes; choose “any”.")
        raise Problem(f"{self.name} knows no class {text[:40]!r}; choose one of {', '.join(self.labels)}, or any.")


@checkpoints.load_once
def load(name: str) -> DiffusionModel:
    """The diffusion model ``name``: one of ``EMBEDDED`` or ``HUB``, or the id of any unconditional one on the Hub.

    "ddpm-fashion-mnist@800" is the same model after 800 steps of its training. Raises ``Problem`` where it cannot be
    had, or predicts anything else than the noise in pictures of at most ``LARGEST_SIDE`` pixels.
    """
    found = MOMENT.fullmatch(name)
    step = int(found["step"]) if found else None
    base = found["name"] if found else name
    path = checkpoints.folder(
        base,
        LARGEST_MEGABYTES,
        accept=lambda config: _require_denoiser(base, config),
        offered=EMBEDDED,
        parts=("unet", "scheduler"),
    )
    try:
        schedule = _schedule(path)
        network = _network(path)
        own = _read(path / "classes.json") if (path / "classes.json").is_file() else {}
        labels, guidance = tuple(str(label) for label in own.get("labels", ())), float(own.get("guidance", 1.0))
    except Exception as error:  # a stranger's files can fail in any way
        raise Problem(f"{name} could not be opened by diffusers; choose another model.") from error
    if schedule.get("prediction_type", "epsilon") != "epsilon":
        raise Problem(f"{name} does not predict the noise itself; choose a model whose prediction type is “epsilon”.")
    classes = getattr(network.config, "num_class_embeds", None)
    if (classes or 0) != (len(labels) + 1 if labels else 0):
        raise Problem(f"{name} does not say what its classes are; choose a model without classes.")
    moments = tuple(sorted(int(file.stem.partition("-")[2]) for file in path.glob("snapshots/step-*.safetensors")))
    if step is not None:
        if step not in moments:
            raise Problem(f"{base} kept no weights of step {step}; choose one of {', '.join(map(str, moments))}.")
        _load_moment(network, path / "snapshots" / f"step-{step:06d}.safetensors")
    return DiffusionModel(name, network, schedule, labels, guidance, step, moments)


def from_pixels(pixels: np.ndarray) -> torch.Tensor:
    """uint8 pictures (..., C, H, W) as float32 in [-1, 1]."""
    return torch.from_numpy(pixels.astype(np.float32) / 127.5 - 1)


@dataclass(frozen=True)
class Reading:
    """A photograph as the model reads it: ``pixels`` (C, H, W) uint8; what was done to it, as a sentence."""

    pixels: np.ndarray
    note: str


def read(model: DiffusionModel, photo: np.ndarray) -> Reading:
    """The middle square of a photograph (H, W, 3) uint8 in the model's size and colors.

    For a model of gray things on black, a photograph whose border is bright is inverted.
    """
    channels, side, _ = model.shape
    cut = middle_square(photo)
    inner = side - 2 * margin(model)
    small = np.asarray(Image.fromarray(cut).resize((inner, inner), Image.Resampling.BOX))
    if channels == 3:
        return Reading(small.transpose(2, 0, 1).copy(), f"Read as the middle square in {side} x {side} pixels.")
    gray = np.asarray(Image.fromarray(small).convert("L"))
    border = np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])
    inverted = bool(border.mean() > 127)
    framed = np.pad(255 - gray if inverted else gray, margin(model))
    turned = ", dark and bright exchanged" if inverted else ""
    return Reading(framed[None], f"Read as the middle square in {inner} x {inner} gray pixels{turned}.")


def margin(model: DiffusionModel) -> int:
    """The black frame in which the training pictures lay: those of MNIST's size are 28 x 28 in 32 x 32."""
    return 2 if model.judge in ("cnn-fashion-mnist", "lenet-mnist") else 0


def middle_square(photo: np.ndarray) -> np.ndarray:
    """The largest square in the middle of (H, W, C)."""
    height, width = photo.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return photo[top : top + side, left : left + side]


def _require_denoiser(name: str, config: dict[str, Any]) -> None:
    """Refuse, by its config alone, what is no small pixel-space diffusion model."""
    if config.get("_class_name") != "UNet2DModel":
        raise Problem(f"{name} is no diffusion model of the kind shown here; choose one built on UNet2DModel.")
    side = config.get("sample_size")
    if not isinstance(side, int) or not 8 <= side <= LARGEST_SIDE or config.get("in_channels") not in (1, 3):
        raise Problem(
            f"{name} draws pictures of {side} pixels; choose a model of at most {LARGEST_SIDE} x {LARGEST_SIDE}."
        )
    if config.get("out_channels") != config.get("in_channels"):
        raise Problem(f"{name} predicts more than the noise; choose a model with as many output as input channels.")


def _read(file: Path) -> dict[str, Any]:
    """A JSON object."""
    return dict(json.loads(file.read_text(encoding="utf-8")))


def _schedule(path: Path) -> dict[str, Any]:
    """What of the scheduler's configuration belongs to the model; from its own folder or beside the weights."""
    inside = path / "scheduler" / "scheduler_config.json"
    config = _read(inside if inside.is_file() else path / "scheduler_config.json")
    if not 1 <= int(config.get("num_train_timesteps", 1000)) <= MOST_LEVELS:
        raise ValueError(f"{config['num_train_timesteps']} noise levels")
    return {name: config[name] for name in SCHEDULE if name in config}


def _network(path: Path) -> nn.Module:
    """The U-Net with its weights."""
    from diffusers import UNet2DModel

    inside = path / "unet"
    network: nn.Module = UNet2DModel.from_pretrained(
        inside if inside.is_dir() else path, torch_dtype=torch.float32, use_safetensors=True, local_files_only=True
    )
    return network.eval().requires_grad_(False)


def _load_moment(network: nn.Module, file: Path) -> None:
    """Exchange the weights for those of an earlier moment."""
    network.load_state_dict(checkpoints.float_weights(file))
