"""The training of a diffusion model: noise in pictures, and a network that learns to say what it was.

Used by train_ddpm.py. A run is a function of its seed and resumes from its work folder, where it also leaves the mean
weights of some moments.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from diffusers import DDPMScheduler, UNet2DModel
from diffusers.training_utils import EMAModel
from safetensors.torch import save_file
from torch import nn
from tqdm import tqdm

from classifier import Source, half
from record import History

STAGE = "training"
NOISE_LEVELS = 1000
SIDE = 32  # pixels of a picture
WARM_UP = 200  # steps
RECORD_EVERY = 50  # steps between two rows of the history
SAVE_EVERY = 250  # steps between two savings of what is needed to go on
UNLABELED = 0.1  # share of the pictures that are shown without their class
CHECKED = 256  # test pictures on which the loss is followed
# Moments whose weights are looked at afterwards: the steps are close together where the network learns fastest.
MOMENTS = (0, 50, 100, 200, 350, 550, 800, 1_200, 1_800, 2_600, 4_000, 6_000, 10_000, 20_000, 50_000)


@dataclass(frozen=True)
class Recipe:
    """How one diffusion model is made and trained; ``channels`` and ``layers`` are those of the U-Net.

    ``guidance`` is the strength with which it is measured, and that the checkpoint recommends.
    """

    source: Source
    channels: tuple[int, ...]
    layers: int
    steps: int
    batch: int = 64
    learning_rate: float = 1e-3
    flip: bool = False
    guidance: float = 2.0

    def network(self, colors: int, classes: int, size: int) -> UNet2DModel:
        """An untrained U-Net with self-attention on its coarsest grid; one class more stands for "any"."""
        levels = len(self.channels)
        down = ["DownBlock2D"] * (levels - 1) + ["AttnDownBlock2D"]
        return UNet2DModel(
            sample_size=size,
            in_channels=colors,
            out_channels=colors,
            block_out_channels=self.channels,
            layers_per_block=self.layers,
            down_block_types=tuple(down),
            up_block_types=("AttnUpBlock2D", *["UpBlock2D"] * (levels - 1)),
            num_class_embeds=classes + 1,
            norm_num_groups=8,
        )


def noise_schedule() -> DDPMScheduler:
    """The linear schedule of Ho et al. 2020."""
    return DDPMScheduler(num_train_timesteps=NOISE_LEVELS, beta_start=1e-4, beta_end=0.02, timestep_spacing="trailing")


def pictures_of(source: Source, split: str, count: int | None) -> tuple[torch.Tensor, torch.Tensor]:
    """(N, C, SIDE, SIDE) float32 in [-1, 1], black around what is smaller than that, and labels (N,)."""
    pixels, labels = source.load(split, count)
    channels_first = torch.from_numpy(pixels if pixels.ndim == 4 else pixels[..., None]).permute(0, 3, 1, 2)
    edge = (SIDE - channels_first.shape[-1]) // 2
    return nn.functional.pad(channels_first, (edge,) * 4).float() / 127.5 - 1, torch.from_numpy(labels)


def batches(
    recipe: Recipe, pictures: torch.Tensor, labels: torch.Tensor, start: int, seed: int, process: int, processes: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batches from step ``start`` on; each process draws its own share of the same shuffled order."""
    per_epoch = len(pictures) // (recipe.batch * processes)
    step = start
    while True:
        epoch, reached = divmod(step, per_epoch)
        order = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(seed * 100_003 + epoch))
        for place in range(reached, per_epoch):
            begin = (place * processes + process) * recipe.batch
            rows = order[begin : begin + recipe.batch]
            yield pictures[rows], labels[rows]
            step += 1


def noised(
    images: torch.Tensor, labels: torch.Tensor, any_class: int, recipe: Recipe, random: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """What the network is shown and asked: noisy pictures, noise levels, labels and the noise."""
    count = len(images)
    if recipe.flip:
        images = torch.where(torch.rand(count, generator=random)[:, None, None, None] < 0.5, images.flip(-1), images)
    noise = torch.randn(images.shape, generator=random)
    levels = torch.randint(0, NOISE_LEVELS, (count,), generator=random)
    hidden = torch.rand(count, generator=random) < UNLABELED
    shown = noise_schedule().add_noise(images, noise, levels)
    return shown, levels, torch.where(hidden, any_class, labels), noise


def running_mean(network: UNet2DModel) -> EMAModel:
    """The exponential running mean of the weights, short at first and longer later."""
    return EMAModel(network.parameters(), decay=0.9995, use_ema_warmup=True, power=0.75)


def keep_moment(network: UNet2DModel, mean: EMAModel, work: Path, step: int) -> None:
    """Keep the mean weights of one moment, float16, in the work folder."""
    mean.store(network.parameters())
    mean.copy_to(network.parameters())
    (work / "moments").mkdir(parents=True, exist_ok=True)
    state = {name: half(value) for name, value in network.state_dict().items()}
    save_file(state, work / "moments" / f"step-{step:06d}.safetensors", metadata={"format": "pt"})
    mean.restore(network.parameters())


def train(recipe: Recipe, steps: int, work: Path, seed: int, quick: bool) -> History:
    """Train for ``steps`` steps in all, resuming from ``work``; the moments' weights are left there."""
    torch.manual_seed(seed)
    pictures, labels = pictures_of(recipe.source, "train", 200 if quick else None)
    check = checker(recipe, quick)
    network = recipe.network(pictures.shape[1], int(labels.max()) + 1, pictures.shape[-1])
    accelerator = Accelerator()
    mean = running_mean(network)
    mean.to(accelerator.device)
    optimizer = torch.optim.AdamW(network.parameters(), recipe.learning_rate, weight_decay=0.0)
    model, optimizer = accelerator.prepare(network, optimizer)
    accelerator.register_for_checkpointing(mean)
    history = History(work / "history.csv")
    done = history.last_step(STAGE)
    if done:
        accelerator.load_state(str(work / "state"))
    elif accelerator.is_main_process:
        keep_moment(network, mean, work, 0)
    parts = batches(recipe, pictures, labels, done, seed, accelerator.process_index, accelerator.num_processes)
    sums, validation = np.zeros(5), {}
    for step in tqdm(range(done + 1, steps + 1), initial=done, total=steps, desc="steps"):
        began = time.perf_counter()
        random = torch.Generator().manual_seed((seed * 100_003 + step) * 1_009 + accelerator.process_index)
        sums += train_step(recipe, step, next(parts), random, model, optimizer, accelerator)
        mean.step(accelerator.unwrap_model(model).parameters())
        history.seconds += time.perf_counter() - began
        if not accelerator.is_main_process:
            continue
        if step in MOMENTS:
            keep_moment(accelerator.unwrap_model(model), mean, work, step)
        if step % SAVE_EVERY == 0 or step == steps:
            validation = {"validation_loss": check(accelerator.unwrap_model(model), mean)}
        if step % RECORD_EVERY == 0 or step == steps:
            count = (step - 1) % RECORD_EVERY + 1
            history.add(stage=STAGE, step=step, learning_rate=rate(recipe, step), **named(sums / count), **validation)
            sums[:], validation = 0, {}
        if step % SAVE_EVERY == 0 or step == steps:
            accelerator.save_state(str(work / "state"))
            history.save()
    if accelerator.is_main_process:
        keep_moment(accelerator.unwrap_model(model), mean, work, steps)
    return history


def checker(recipe: Recipe, quick: bool) -> Callable[[UNet2DModel, EMAModel], float]:
    """A function that gives the loss of the mean weights on the same test pictures with the same noise every time."""
    pictures, labels = pictures_of(recipe.source, "test", 16 if quick else CHECKED)
    random = torch.Generator().manual_seed(0)
    shown, levels, _, noise = noised(pictures, labels, 0, recipe, random)

    @torch.no_grad()
    def check(network: UNet2DModel, mean: EMAModel) -> float:
        mean.store(network.parameters())
        mean.copy_to(network.parameters())
        network.eval()
        guess = network(shown.to(network.device), levels.to(network.device), labels.to(network.device)).sample
        mean.restore(network.parameters())
        return float((guess.cpu() - noise).square().mean())

    return check


def rate(recipe: Recipe, step: int) -> float:
    """The learning rate of one step: up over the first ``WARM_UP``, then constant."""
    return recipe.learning_rate * min(1.0, step / WARM_UP)


def named(means: np.ndarray) -> dict[str, float]:
    """The columns of the history: loss in all and in four ranges of noise, and the norm of the gradient."""
    quarters = NOISE_LEVELS // 4
    ranges = {f"loss_t_{i * quarters}_to_{(i + 1) * quarters}": float(means[i]) for i in range(4)}
    return {"train_loss": float(means[:4].mean()), **ranges, "gradient_norm": float(means[4])}


def train_step(
    recipe: Recipe,
    step: int,
    part: tuple[torch.Tensor, torch.Tensor],
    random: torch.Generator,
    model: nn.Module,
    optimizer: Any,
    accelerator: Accelerator,
) -> np.ndarray:
    """One step; the mean squared error in four ranges of noise, and the norm of the gradient before clipping."""
    for group in optimizer.param_groups:
        group["lr"] = rate(recipe, step)
    any_class = accelerator.unwrap_model(model).config.num_class_embeds - 1
    shown, levels, labels, noise = (
        values.to(accelerator.device) for values in noised(*part, any_class, recipe, random)
    )
    model.train()
    guess = model(shown, levels, class_labels=labels).sample
    errors = (guess - noise).square().mean(dim=(1, 2, 3))
    optimizer.zero_grad()
    accelerator.backward(errors.mean())
    norm = accelerator.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    ranges = (levels * 4 // NOISE_LEVELS).cpu().numpy()
    values = errors.detach().cpu().numpy()
    return np.array([*(values[ranges == i].mean() if (ranges == i).any() else np.nan for i in range(4)), float(norm)])
