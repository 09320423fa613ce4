"""The training of an image classifier, shared by train_mnist.py, train_fashion_mnist.py and train_cifar10.py.

A run is a function of its seed; it writes its state after every epoch into a work folder and goes on from there when
it is started again. ``history.csv`` holds per epoch both losses and accuracies, the learning rate and the norm of the
gradient, in all and of each layer, as the mean over the epoch's steps.
"""

import argparse
import json
import math
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from safetensors.torch import save_file
from torch import nn
from tqdm import tqdm

from model_card import Card
from record import History, write_checkpoint_files

CHECKPOINTS = Path(__file__).resolve().parents[1] / "checkpoints"
EVALUATION_BATCH = 500
VALIDATION = 2_000
STAGE = "training"
NORM_EVERY = 10  # steps between two looks at the gradient of every layer


@dataclass(frozen=True)
class Pictures:
    """``images`` (N, C, H, W) uint8 and ``labels`` (N,) int64."""

    images: torch.Tensor
    labels: torch.Tensor

    @classmethod
    def of(cls, arrays: tuple[np.ndarray, np.ndarray]) -> "Pictures":
        """From (N, H, W) or (N, H, W, C) arrays, as the loaders of data.py give them."""
        images = torch.from_numpy(arrays[0])
        channels_first = images[:, None] if images.ndim == 3 else images.permute(0, 3, 1, 2).contiguous()
        return cls(channels_first, torch.from_numpy(arrays[1]))

    def __getitem__(self, rows: torch.Tensor | np.ndarray) -> "Pictures":
        """Some of the pictures."""
        return Pictures(self.images[rows], self.labels[rows])

    def __len__(self) -> int:
        """The number of pictures."""
        return len(self.labels)


@dataclass(frozen=True)
class Dataset:
    """What a classifier is trained and tested on; ``mean`` and ``std`` (C,) of the training pixels in [0, 1]."""

    name: str
    labels: tuple[str, ...]
    train: Pictures
    validation: Pictures
    test: Pictures
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def normalized(self, images: torch.Tensor, device: torch.device) -> torch.Tensor:
        """uint8 images to the network's input."""
        mean, std = (torch.tensor(values, device=device).view(1, -1, 1, 1) for values in (self.mean, self.std))
        inputs = (images.to(device).float() / 255 - mean) / std
        return inputs.contiguous(memory_format=torch.channels_last)  # a fifth faster on the CPU

    def sizes(self) -> dict[str, int]:
        """The number of pictures in each split."""
        return {"train": len(self.train), "validation": len(self.validation), "test": len(self.test)}


@dataclass(frozen=True)
class Source:
    """Where pictures come from: ``load(split, count)`` as in data.py; ``mean`` and ``std`` of the training pixels."""

    name: str
    load: Callable[[str, int | None], tuple[np.ndarray, np.ndarray]]
    labels: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def dataset(self, seed: int, quick: bool) -> Dataset:
        """All pictures, ``VALIDATION`` of the training pictures put aside; ``quick``: a few hundred of them."""
        train = Pictures.of(self.load("train", 200 if quick else None))
        order = np.random.default_rng(seed).permutation(len(train))
        held = len(train) // 10 if quick else VALIDATION
        kept, validation = np.sort(order[held:]), np.sort(order[:held])
        test = Pictures.of(self.load("test", 50 if quick else None))
        name = f"{self.name}, tested on its first {len(test):,} test pictures"
        return Dataset(name, self.labels, train[kept], train[validation], test, self.mean, self.std)


@dataclass(frozen=True)
class Recipe:
    """How one network is made and trained.

    ``network`` is its class, ``sizes`` are its arguments. ``learning_rate`` is the peak of one cycle
    (Smith & Topin 2018): linear up over the first fifth of the steps, then a cosine to zero. ``crop`` pads by so many
    pixels and crops at random; ``flip`` mirrors half of the pictures. ``snapshots`` weight sets are kept.
    """

    network: Callable[..., nn.Module]
    sizes: dict[str, Any]
    epochs: int
    learning_rate: float
    weight_decay: float = 5e-4
    batch: int = 128
    crop: int = 0
    flip: bool = False
    snapshots: int = 0

    def rate(self, progress: float) -> float:
        """The learning rate at ``progress`` in [0, 1]."""
        warm = 0.2
        if progress < warm:
            return self.learning_rate * (0.05 + 0.95 * progress / warm)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * (progress - warm) / (1 - warm)))

    def snapshot_epochs(self) -> set[int]:
        """The epochs whose weights are kept: untrained, trained, and between them denser at the beginning."""
        if self.snapshots < 2:
            return set()
        return {round(self.epochs * (index / (self.snapshots - 1)) ** 2) for index in range(self.snapshots)}


def augmented(images: torch.Tensor, crop: int, flip: bool, random: torch.Generator) -> torch.Tensor:
    """Shift (B, C, H, W) images by up to ``crop`` pixels each way over black, and mirror half of them."""
    count, _, height, width = images.shape
    if crop:
        padded = nn.functional.pad(images, (crop,) * 4)
        down, right = torch.randint(0, 2 * crop + 1, (2, count), generator=random)
        rows = (down[:, None] + torch.arange(height))[:, None, :, None]
        columns = (right[:, None] + torch.arange(width))[:, None, None, :]
        images = padded[
            torch.arange(count)[:, None, None, None], torch.arange(images.shape[1])[:, None, None], rows, columns
        ]
    if flip:
        mirrored = torch.rand(count, generator=random) < 0.5
        images = torch.where(mirrored[:, None, None, None], images.flip(-1), images)
    return images


def gradient_norms(network: nn.Module) -> dict[str, float]:
    """The Euclidean norm of the gradient of every weight matrix or kernel, and of all parameters."""
    norms = {name: p.grad.norm() for name, p in network.named_parameters() if p.grad is not None}
    layers = {name.removesuffix(".weight"): float(norm) for name, norm in norms.items() if is_layer(network, name)}
    total = float(torch.stack(list(norms.values())).norm())
    return {"gradient_norm": total, **{f"gradient_norm {name}": norm for name, norm in layers.items()}}


def is_layer(network: nn.Module, name: str) -> bool:
    """Whether a parameter is a weight matrix or a kernel, and no bias or scale."""
    return name.endswith("weight") and network.get_parameter(name).ndim > 1


@torch.no_grad()
def predict(network: nn.Module, data: Dataset, images: torch.Tensor) -> torch.Tensor:
    """Logits (N, classes) of all ``images``, in evaluation mode, on the CPU."""
    network.eval()
    device = next(network.parameters()).device
    return torch.cat([network(data.normalized(part, device)).cpu() for part in images.split(EVALUATION_BATCH)])


def evaluate(network: nn.Module, data: Dataset, pictures: Pictures) -> tuple[float, float]:
    """Mean cross-entropy and accuracy."""
    logits = predict(network, data, pictures.images)
    loss = nn.functional.cross_entropy(logits, pictures.labels)
    return loss.item(), float((logits.argmax(1) == pictures.labels).float().mean())


def accuracies(network: nn.Module, data: Dataset) -> dict[str, float]:
    """Test and validation accuracy."""
    return {
        "test_accuracy": evaluate(network, data, data.test)[1],
        "validation_accuracy": evaluate(network, data, data.validation)[1],
    }


def train(recipe: Recipe, data: Dataset, work: Path, seed: int) -> tuple[nn.Module, History]:
    """Train the network of ``recipe``, resuming from ``work``; returns it on the CPU with its history."""
    torch.manual_seed(seed)
    network = recipe.network(classes=len(data.labels), **recipe.sizes).to(memory_format=torch.channels_last)
    history = History(work / "history.csv")
    accelerator = Accelerator()
    optimizer = torch.optim.SGD(
        network.parameters(), recipe.learning_rate, momentum=0.9, weight_decay=recipe.weight_decay, nesterov=True
    )
    model, optimizer = accelerator.prepare(network, optimizer)
    done = history.last_step(STAGE)
    if done:
        accelerator.load_state(str(work / "state"))
    elif recipe.snapshots:
        keep_snapshot(network, work, 0)
    for epoch in tqdm(range(done, recipe.epochs), initial=done, total=recipe.epochs, desc="epochs"):
        random = torch.Generator().manual_seed(seed * 100_003 + epoch)
        row = train_epoch(recipe, data, epoch, random, model, optimizer, accelerator, history)
        loss, accuracy = evaluate(network, data, data.validation)
        history.add(stage=STAGE, epoch=epoch + 1, **row, validation_loss=loss, validation_accuracy=accuracy)
        if epoch + 1 in recipe.snapshot_epochs():
            keep_snapshot(network, work, epoch + 1)
        accelerator.save_state(str(work / "state"))
        history.save()
    return network.cpu().to(memory_format=torch.contiguous_format).eval(), history


def train_epoch(
    recipe: Recipe,
    data: Dataset,
    epoch: int,
    random: torch.Generator,
    model: nn.Module,
    optimizer: Any,
    accelerator: Accelerator,
    history: History,
) -> dict[str, float]:
    """One pass over the training pictures; returns the means over its steps."""
    model.train()
    batches = torch.randperm(len(data.train), generator=random).split(recipe.batch)
    sums: dict[str, float] = {}
    for step, rows in enumerate(batches):
        began = time.perf_counter()
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate((epoch + step / len(batches)) / recipe.epochs)
        part = data.train[rows]
        images = augmented(part.images, recipe.crop, recipe.flip, random)
        labels = part.labels.to(accelerator.device)
        logits = model(data.normalized(images, accelerator.device))
        loss = nn.functional.cross_entropy(logits, labels)
        optimizer.zero_grad()
        accelerator.backward(loss)
        measured = {"train_loss": loss.item(), "train_accuracy": float((logits.argmax(1) == labels).float().mean())}
        measured |= gradient_norms(accelerator.unwrap_model(model)) if step % NORM_EVERY == 0 else {}
        optimizer.step()
        history.seconds += time.perf_counter() - began
        for name, value in measured.items():
            sums[name] = sums.get(name, 0.0) + value
    means = {
        name: total / (len(batches) if name.startswith("train") else -(-len(batches) // NORM_EVERY))
        for name, total in sums.items()
    }
    return {"learning_rate": recipe.rate((epoch + 1) / recipe.epochs), **means}


def keep_snapshot(network: nn.Module, work: Path, epoch: int) -> None:
    """Keep the weights of one moment, float16, in the work folder."""
    state = {name: half(value) for name, value in network.state_dict().items()}
    folder = work / "snapshots"
    folder.mkdir(parents=True, exist_ok=True)
    save_file(state, folder / f"epoch-{epoch:03d}.safetensors", metadata={"format": "pt"})


def half(value: torch.Tensor) -> torch.Tensor:
    """Numbers as float16, counters as they are."""
    return (value.half() if value.is_floating_point() else value).detach().cpu().contiguous()


def save(network: nn.Module, recipe: Recipe, data: Dataset, folder: Path, work: Path) -> None:
    """Write float16 weights, the network's and the pictures' configuration and the snapshots of a run."""
    labels = {str(index): label for index, label in enumerate(data.labels)}
    size = data.train.images.shape[-1]
    config = {"architectures": [type(network).__name__], "id2label": labels, "classes": len(labels), **recipe.sizes}
    network.half().save_pretrained(folder, config=config)
    network.float()
    preparation = {
        "do_resize": True,
        "size": {"shortest_edge": size},
        "do_center_crop": True,
        "crop_size": {"height": size, "width": size},
        "resample": 2,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": list(data.mean),
        "image_std": list(data.std),
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(preparation, indent=2) + "\n", encoding="utf-8")
    if (work / "snapshots").is_dir():
        shutil.copytree(work / "snapshots", folder / "snapshots", dirs_exist_ok=True)


def parser_of(description: str, names: tuple[str, ...]) -> argparse.ArgumentParser:
    """The command line of a script that trains one of the networks ``names``."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", choices=names, action="append", help="which network; all of them where none is named")
    parser.add_argument("--out", type=Path, default=CHECKPOINTS)
    parser.add_argument("--work", type=Path, help="where runs keep what they need to resume (default: OUT/../runs)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, help="passes over the training pictures instead of the recipe's")
    parser.add_argument("--quick", action="store_true", help="one epoch on few pictures, to see that all of it runs")
    return parser


def run_named(description: str, recipes: Mapping[str, Recipe], source: Source, cards: Mapping[str, Card]) -> None:
    """Train those of ``recipes`` that the command line names on the pictures of ``source``."""
    args = parser_of(description, tuple(recipes)).parse_args()
    pictures = source.dataset(args.seed, args.quick)
    for name in args.name or recipes:
        run(name, recipes[name], pictures, cards[name], args)


def run(
    name: str,
    recipe: Recipe,
    data: Dataset,
    card: Card | None,
    args: argparse.Namespace,
    measure: Callable[[nn.Module, Dataset], dict[str, float]] = accuracies,
) -> None:
    """Train, measure what was saved, and write the checkpoint ``name``."""
    recipe = replace(recipe, epochs=1 if args.quick else args.epochs or recipe.epochs)
    folder, work = args.out / name, (args.work or args.out.parent / "runs") / name
    network, history = train(recipe, data, work, args.seed)
    save(network, recipe, data, folder, work)  # leaves the network with the weights as rounded to float16
    metrics = measure(network, data)
    measured = {
        "dataset": data.name,
        "seed": args.seed,
        "epochs": recipe.epochs,
        "parameters": sum(p.numel() for p in network.parameters()),
        "split_sizes": data.sizes(),
        "metrics": metrics,
    }
    write_checkpoint_files(folder, history, measured, card)
    print(name, "  ".join(f"{key} {value:.4f}" for key, value in metrics.items()))
